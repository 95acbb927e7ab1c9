/* src/contract/schema_run.h - one check under way: where it stands in schema and instance, what it has found, what is
 * left of its bounds. It lies on the stack of pawl_schema_check; frames and tracks on those of the functions below. */
#pragma once
#include "contract/schema_program.h"

enum {
    PAWL_RUN_DEPTH = 1000,             /* nodes within nodes */
    PAWL_RUN_STEPS = 32 * 1024 * 1024, /* in all: about a second */
    PAWL_RUN_WORDS = 256,              /* of bits on the stack: 16,384 members at once */
    PAWL_RUN_ROOT = -1
};

/* How a node was reached: by which keyword of which node, and with which part of the instance. */
struct pawl_frame {
    const struct pawl_frame *above;
    const struct pawl_node *node;
    const char *via;             /* the keyword; NULL at the root */
    const struct pawl_str *name; /* of the subschema under that keyword; NULL: it has none */
    uint32_t place;              /* its place there; PAWL_NO_PLACE: it has none */
    uint32_t level;              /* how many names and indexes deep in the instance */
    yyjson_val *key;             /* the step in the instance: a name, an index, or neither */
    size_t index;                /* SIZE_MAX: none */
};
#define PAWL_NO_PLACE UINT32_MAX

/* What a keyword applies to the same instance. */
static inline struct pawl_frame pawl_frame_inner(const struct pawl_frame *f, const struct pawl_node *node,
                                                 const char *via)
{
    return (struct pawl_frame){
        .above = f, .node = node, .via = via, .place = PAWL_NO_PLACE, .level = f->level, .index = SIZE_MAX};
}

/* Which items or members of one instance have been evaluated. */
struct pawl_track {
    uint64_t *bits;
    size_t words;
    bool all;
};

struct pawl_sink {
    uint32_t count, kept, size;
    struct pawl_schema_violation *violations;
    uint32_t constants, types; /* violations of const and enum; of type at `level` */
    uint32_t level;
};

struct pawl_run {
    const struct pawl_schema *schema;
    const struct pawl_alloc *from;
    yyjson_val *context;
    struct pawl_sink *sink; /* NULL: the first violation ends it */
    int rc;                 /* PAWL_ENOMEM or PAWL_ELIMIT: the answer is not known */
    uint32_t depth, steps, guesses;
    bool arg_fits; /* {"$arg": ...} fits anywhere: it was looked at before */
    uint32_t words_used;
    uint64_t words[PAWL_RUN_WORDS];
    struct pawl_regex_run regex;
};

/* schema_run.c */
bool pawl_run_node(struct pawl_run *c, const struct pawl_frame *f, yyjson_val *v, struct pawl_track *t);
bool pawl_run_quietly(struct pawl_run *c, const struct pawl_frame *f, yyjson_val *v, struct pawl_track *t);
bool pawl_run_matches(struct pawl_run *c, const struct pawl_regex *regex, yyjson_val *text);
yyjson_val *pawl_run_value(const struct pawl_run *c, const struct pawl_value *value); /* NULL: $arg finds nothing */
bool pawl_run_charge(struct pawl_run *c, size_t steps);                               /* false: too much: c->rc */
bool pawl_run_equal(struct pawl_run *c, yyjson_val *a, yyjson_val *b);
int pawl_schema_run(const struct pawl_schema *s, yyjson_val *instance, yyjson_val *context, bool arg_fits,
                    struct pawl_schema_report *report);

/* schema_track.c: a track over n items or members, cleared. */
bool pawl_track_begin(struct pawl_run *c, struct pawl_track *t, size_t n);
void pawl_track_end(struct pawl_run *c, struct pawl_track *t);
void pawl_track_join(struct pawl_track *t, const struct pawl_track *more);
static inline void pawl_track_mark(struct pawl_track *t, size_t i)
{
    t->bits[i / 64] |= UINT64_C(1) << i % 64;
}
static inline bool pawl_track_has(const struct pawl_track *t, size_t i)
{
    return t->all || (t->bits[i / 64] >> i % 64 & 1);
}

/* schema_branch.c: in place */
bool pawl_run_branches(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_op *op, yyjson_val *v,
                       struct pawl_track *t);
bool pawl_run_if(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_op *op, yyjson_val *v,
                 struct pawl_track *t);
bool pawl_run_dynamic(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_op *op, yyjson_val *v,
                      struct pawl_track *t);
bool pawl_run_dependents(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_op *op, yyjson_val *v,
                         struct pawl_track *t);

/* schema_children.c: items and members */
bool pawl_run_members(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_op *op, yyjson_val *v,
                      struct pawl_track *t);
bool pawl_run_items(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_op *op, yyjson_val *v,
                    struct pawl_track *t);
bool pawl_run_contains(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_op *op, yyjson_val *v,
                       struct pawl_track *t);
bool pawl_run_unevaluated(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_op *op, yyjson_val *v,
                          struct pawl_track *t);

/* schema_unique.c: true: all items differ; else (or where c->rc is set) the places of two that are equal. */
bool pawl_run_unique(struct pawl_run *c, yyjson_val *array, size_t *first, size_t *second);

/* schema_says.c: each returns false, so that a failure is one line. Without a sink nothing is written. */
bool pawl_says_op(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_op *op, yyjson_val *v);
bool pawl_says_no_arg(struct pawl_run *c, const struct pawl_frame *f, const char *keyword, struct pawl_str pointer);
bool pawl_says_never(struct pawl_run *c, const struct pawl_frame *f, yyjson_val *v);
bool pawl_says_unknown(struct pawl_run *c, const struct pawl_frame *f, const char *keyword,
                       const struct pawl_members *members); /* f: of the member; NULL: no names are known */
bool pawl_says_missing(struct pawl_run *c, const struct pawl_frame *f, const char *keyword, struct pawl_str because,
                       const struct pawl_str *names, uint32_t count);
bool pawl_says_unique(struct pawl_run *c, const struct pawl_frame *f, size_t first, size_t second);
bool pawl_says_contains(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_contains *contains,
                        uint64_t found);
bool pawl_says_branches(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_op *op, uint32_t nearest,
                        const struct pawl_schema_violation *why);                                    /* none fits */
bool pawl_says_two(struct pawl_run *c, const struct pawl_frame *f, uint32_t first, uint32_t second); /* oneOf */
