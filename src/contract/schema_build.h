/* src/contract/schema_build.h - a schema on its way to a program: documents and the resources in them, where a
 * reference leads, and the nodes that are still to be made. All but the program itself goes when it is done.
 *
 * The first failure stays in b->rc and *b->err; what comes after it does nothing. */
#pragma once
#include "base/map.h"
#include "contract/schema_program.h"

enum {
    PAWL_BUILD_DEPTH = PAWL_JSON_DEPTH, /* subschemas within subschemas */
    PAWL_BUILD_NODES = 100000,
    PAWL_BUILD_OPS = 48 /* of one node */
};

/* Where something stands: the JSON pointer of `above`, a keyword, and a name or an index under it. */
struct pawl_place {
    const struct pawl_place *above;
    struct pawl_str base; /* the beginning, where nothing is above */
    const char *keyword;
    struct pawl_str name; /* {NULL,0}: none */
    uint32_t index;       /* UINT32_MAX: none */
};

enum pawl_draft { PAWL_DRAFT_7 = 1, PAWL_DRAFT_2019 = 2, PAWL_DRAFT_2020 = 4, PAWL_DRAFT_ANY = 7 };
enum {
    PAWL_VOCABULARY_CORE = 1,
    PAWL_VOCABULARY_APPLICATOR = 2,
    PAWL_VOCABULARY_UNEVALUATED = 4,
    PAWL_VOCABULARY_VALIDATION = 8,
    PAWL_VOCABULARY_FORMAT = 16,
    PAWL_VOCABULARY_ALL = 31
};

struct pawl_anchor {
    struct pawl_anchor *next;
    struct pawl_str name;
    yyjson_val *v;
    const struct pawl_place *place;
    bool dynamic;
};

struct pawl_resource { /* a document, or a subschema with an $id of its own */
    struct pawl_resource *next;
    struct pawl_str uri;
    yyjson_val *root;
    const struct pawl_place *place;
    struct pawl_anchor *anchors;
    struct pawl_str dialect; /* what $schema says, here or above; {NULL,0}: nothing */
    uint32_t number;
    uint32_t document; /* all resources of one document have its number */
    enum pawl_draft draft;
    uint8_t vocabularies;
    bool asserts_formats, settled;
    bool whole;   /* the root of its document */
    bool ours;    /* a part of the meta-schema that is built in */
    bool entered; /* some node is of it */
};

/* A node and what it is made from, in the order in which they were asked for. */
struct pawl_pending {
    struct pawl_pending *next;
    struct pawl_node *node;
    yyjson_val *v;
    struct pawl_resource *resource;
    const struct pawl_place *place;
    uint8_t visit; /* by the search for endless references */
    uint32_t at;
};

struct pawl_build {
    struct pawl_schema *s;
    struct pawl_arena *arena; /* the program's */
    struct pawl_arena temp;
    const struct pawl_schema_options *options;
    struct pawl_error *err;
    int rc;
    struct pawl_map uris;  /* -> resource */
    struct pawl_map roots; /* address of a resource's root -> resource */
    struct pawl_map nodes; /* address of a subschema -> pending */
    struct pawl_resource *resources, **resources_end;
    uint32_t resources_count, documents_count;
    struct pawl_pending *first, **end, *next; /* next: the first that is not compiled */
    struct pawl_dynamic_use {
        struct pawl_dynamic_use *next;
        struct pawl_dynamic *dynamic;
    } * dynamics;
    struct pawl_regex *label;           /* of idn formats, once wanted */
    uint8_t has_meta;                   /* drafts whose meta-schema is among the resources */
    struct pawl_op ops[PAWL_BUILD_OPS]; /* of the node at hand */
    uint32_t ops_count;
};

/* schema_build.c. false, always, so that a failure is one line. `keyword` may be NULL: it is of the place itself. */
bool pawl_build_fail(struct pawl_build *b, const struct pawl_resource *r, const struct pawl_place *p,
                     const char *keyword, const char *next, const char *what, ...)
    __attribute__((format(printf, 6, 7)));
/* PAWL_ELIMIT: "more than BOUND WHAT". False too. */
bool pawl_build_limit(struct pawl_build *b, const struct pawl_resource *r, const struct pawl_place *p, const char *what,
                      int bound);
bool pawl_build_no_memory(struct pawl_build *b);
struct pawl_place *pawl_build_place(struct pawl_build *b, const struct pawl_place *above, const char *keyword,
                                    struct pawl_str name, uint32_t index);
/* The node of a subschema, which is compiled later. NULL: b->rc. */
const struct pawl_node *pawl_build_node(struct pawl_build *b, yyjson_val *v, struct pawl_resource *r,
                                        const struct pawl_place *place);
struct pawl_str pawl_build_text(struct pawl_build *b, struct pawl_str s); /* a copy that stays */

/* schema_scan.c: all resources and anchors of a document. `uri`: its name where it has no $id. */
struct pawl_resource *pawl_scan_document(struct pawl_build *b, yyjson_val *root, struct pawl_str uri, bool ours);
struct pawl_target {
    yyjson_val *v;
    struct pawl_resource *resource;
    const struct pawl_place *place;
    const struct pawl_anchor *anchor; /* NULL: a pointer or a whole resource */
};
/* Where the reference leads. PAWL_OK, PAWL_ENOTFOUND, PAWL_ENOMEM. */
int pawl_scan_find(struct pawl_build *b, struct pawl_resource *r, struct pawl_str reference, struct pawl_target *out);

/* schema_arg.c: is the member of a schema free of {"$arg": ...} where that is not read? `schemas`: what its value holds is
 * scanned as schemas. */
bool pawl_scan_args(struct pawl_build *b, const struct pawl_resource *r, const struct pawl_place *p, yyjson_val *key,
                    yyjson_val *value, bool schemas);

/* schema_dialect.c: which keywords the resource knows, by its $schema. */
bool pawl_dialect_settle(struct pawl_build *b, struct pawl_resource *r);
enum pawl_draft pawl_dialect_draft(struct pawl_str dialect); /* 2020-12 for one that is not known by name */
bool pawl_dialect_is_known(struct pawl_str dialect);
enum pawl_draft pawl_dialect_of_part(struct pawl_str uri); /* whose meta-schema may have a part of that name; 0: none */

/* schema_keyword.c: the ops of one node into b->ops. */
void pawl_keywords_compile(struct pawl_build *b, struct pawl_pending *p);
/* schema_apply.c: those keywords that have subschemas. */
struct pawl_rule {
    const char *name;
    uint8_t vocabulary, drafts, op, on;
    void (*make)(struct pawl_build *b, struct pawl_pending *p, const struct pawl_rule *rule, yyjson_val *v);
};
struct pawl_op *pawl_keywords_push(struct pawl_build *b, uint8_t kind, uint8_t on, const char *keyword);
yyjson_val *pawl_keywords_get(struct pawl_pending *p, const char *name, uint8_t vocabulary, uint8_t drafts);
bool pawl_keywords_count(struct pawl_build *b, struct pawl_pending *p, const char *name, yyjson_val *v,
                         uint64_t *count);
bool pawl_keywords_pattern(struct pawl_build *b, struct pawl_pending *p, const char *name, struct pawl_str text,
                           struct pawl_regex **out);
void pawl_make_ref(struct pawl_build *b, struct pawl_pending *p, const struct pawl_rule *rule, yyjson_val *v);
void pawl_make_branches(struct pawl_build *b, struct pawl_pending *p, const struct pawl_rule *rule, yyjson_val *v);
void pawl_make_node(struct pawl_build *b, struct pawl_pending *p, const struct pawl_rule *rule, yyjson_val *v);
void pawl_make_if(struct pawl_build *b, struct pawl_pending *p, const struct pawl_rule *rule, yyjson_val *v);
void pawl_make_dependents(struct pawl_build *b, struct pawl_pending *p, const struct pawl_rule *rule, yyjson_val *v);
void pawl_make_contains(struct pawl_build *b, struct pawl_pending *p, const struct pawl_rule *rule, yyjson_val *v);
void pawl_make_members(struct pawl_build *b, struct pawl_pending *p);
void pawl_make_items(struct pawl_build *b, struct pawl_pending *p);

/* schema_meta.c: the documents of a draft's meta-schema, the first one its root; {NULL,0}: no more. */
struct pawl_str pawl_schema_meta(enum pawl_draft draft, uint32_t i);
struct pawl_str pawl_schema_meta_older(enum pawl_draft draft, uint32_t i);
