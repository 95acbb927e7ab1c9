/* src/contract/schema_node.h - a compiled schema: one node for each subschema, its keywords checked and resolved.
 * Private to schema_*.c. Everything lives in the schema's arena and is immutable once compiled. */
#pragma once
#include "contract/pattern.h"
#include "contract/schema.h"

struct pawl_schema_node;
struct pawl_schema_member { /* a name, or a pattern, and its subschema */
    struct pawl_str name;
    struct pawl_pattern *pattern;
    struct pawl_schema_node *node;
};
struct pawl_schema_resource { /* a document or an embedded $id */
    struct pawl_str uri;
    yyjson_val *root;
    bool entered;       /* some node is of it: its dynamic anchors can matter */
    bool no_validation; /* its meta-schema leaves the validation vocabulary out: assertions are annotations there */
    struct pawl_schema_resource *next;
};
struct pawl_schema_anchor {
    struct pawl_str name;
    struct pawl_schema_resource *resource;
    yyjson_val *at;
    bool dynamic;
    struct pawl_schema_node *node; /* dynamic: compiled in the end */
    struct pawl_schema_anchor *next;
};
enum {
    PAWL_TYPE_NULL = 1,
    PAWL_TYPE_BOOLEAN = 2,
    PAWL_TYPE_OBJECT = 4,
    PAWL_TYPE_ARRAY = 8,
    PAWL_TYPE_NUMBER = 16,
    PAWL_TYPE_STRING = 32,
    PAWL_TYPE_INTEGER = 64
};

struct pawl_schema_node {
    enum { PAWL_NODE_FALSE, PAWL_NODE_TRUE, PAWL_NODE_OBJECT } what;
    struct pawl_schema_resource *resource;
    struct pawl_str path; /* JSON pointer in its document */
    uint32_t types;       /* 0: any */
    yyjson_val *constant, *enumeration, *multiple_of, *maximum, *minimum, *above, *below;
    int64_t max_length, min_length, max_items, min_items, max_properties, min_properties, max_contains, min_contains;
    bool unique;
    struct pawl_pattern *pattern;
    struct pawl_str pattern_text, format;
    yyjson_val *required, *dependent_required;
    struct pawl_schema_member *properties, *patterns, *dependent;
    uint32_t properties_count, patterns_count, dependent_count;
    struct pawl_schema_node *additional, *names, *items, *contains, *unevaluated_items, *unevaluated_properties;
    struct pawl_schema_node **prefix, **all_of, **any_of, **one_of;
    uint32_t prefix_count, all_count, any_count, one_count;
    struct pawl_schema_node *not_, *if_, *then_, *else_, *ref;
    struct pawl_schema_node *dynamic_ref;
    struct pawl_str dynamic_name; /* $dynamicRef that is dynamic: the anchor's name */
};

struct pawl_schema {
    struct pawl_arena arena;
    const struct pawl_alloc *from;
    struct pawl_schema_node *root;
    struct pawl_schema_resource *resources;
    struct pawl_schema_anchor *anchors;
    struct pawl_patterns {
        struct pawl_pattern *regex;
        struct pawl_patterns *next;
    } * regexes;
    bool assert_formats, allow_arg, tracks; /* tracks: unevaluated* stands somewhere */
};
enum { PAWL_SCHEMA_DEPTH = 200, PAWL_EVALUATED_MAX = 4096 };

/* schema_meta.c: the documents of the 2020-12 meta-schema, one after the other; {NULL,0}: no more. */
struct pawl_str pawl_schema_meta(uint32_t i);
/* schema_format.c: does the text fit the format? An unknown one fits. */
bool pawl_schema_format_fits(struct pawl_str format, struct pawl_str text);
