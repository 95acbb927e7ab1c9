/* src/contract/schema_program.h - what a schema is compiled to: nodes, one a subschema, each a row of ops in the order
 * in which they run. schema_compile.c makes it, schema_run.c runs it. It lies in one arena and never changes. */
#pragma once
#include "contract/format.h"
#include "contract/schema.h"

/* The types of an instance, as bits. An integer has NUMBER too. */
enum {
    PAWL_IS_NULL = 1,
    PAWL_IS_BOOL = 2,
    PAWL_IS_INTEGER = 4,
    PAWL_IS_NUMBER = 8,
    PAWL_IS_STRING = 16,
    PAWL_IS_ARRAY = 32,
    PAWL_IS_OBJECT = 64,
    PAWL_IS_ANY = 127
};

enum pawl_op_kind {
    PAWL_OP_TYPE,
    PAWL_OP_CONST,
    PAWL_OP_ENUM,
    PAWL_OP_MINIMUM,
    PAWL_OP_MAXIMUM,
    PAWL_OP_ABOVE,
    PAWL_OP_BELOW,
    PAWL_OP_MULTIPLE,
    PAWL_OP_MIN_LENGTH,
    PAWL_OP_MAX_LENGTH,
    PAWL_OP_PATTERN,
    PAWL_OP_FORMAT,
    PAWL_OP_MIN_ITEMS,
    PAWL_OP_MAX_ITEMS,
    PAWL_OP_UNIQUE,
    PAWL_OP_MIN_MEMBERS,
    PAWL_OP_MAX_MEMBERS,
    PAWL_OP_DEPENDENT_REQUIRED,
    PAWL_OP_REF,
    PAWL_OP_DYNAMIC_REF,
    PAWL_OP_ALL_OF,
    PAWL_OP_ANY_OF,
    PAWL_OP_ONE_OF,
    PAWL_OP_NOT,
    PAWL_OP_IF,
    PAWL_OP_DEPENDENT_SCHEMAS,
    PAWL_OP_MEMBERS,
    PAWL_OP_ITEMS,
    PAWL_OP_CONTAINS,
    PAWL_OP_UNEVALUATED_ITEMS,
    PAWL_OP_UNEVALUATED_MEMBERS
};

struct pawl_node;

/* A value of the schema; or, where `arg` is there, the value of the context that this pointer names. */
struct pawl_value {
    yyjson_val *v;
    struct pawl_str arg;
};

struct pawl_decimal { /* digits * 10^exponent; digits 0 or without a zero at its end */
    uint64_t digits;
    int32_t exponent;
};

struct pawl_name {
    struct pawl_str name;
    const struct pawl_node *node; /* properties; NULL: only named elsewhere */
    bool required;
};
struct pawl_names { /* in the order of the schema; many have an index: open addressing, place + 1 */
    const struct pawl_name *names;
    const uint32_t *index;
    uint32_t count, mask;
};

struct pawl_enum {
    const struct pawl_value *values;
    uint32_t count;
    struct pawl_names strings; /* of many: the strings among them */
    bool has_strings;
};

struct pawl_pattern_member {
    struct pawl_str pattern;
    const struct pawl_regex *regex;
    const struct pawl_node *node;
};
struct pawl_members {
    struct pawl_names names; /* of properties and required */
    uint32_t required_count;
    const struct pawl_pattern_member *patterns;
    uint32_t patterns_count;
    const struct pawl_node *additional, *name; /* additionalProperties, propertyNames; NULL: not there */
};

struct pawl_items {
    const struct pawl_node *const *prefix;
    uint32_t prefix_count;
    const struct pawl_node *rest;      /* NULL: anything, and not evaluated */
    const char *prefix_key, *rest_key; /* by which name: older drafts have others */
};

struct pawl_contains {
    const struct pawl_node *node;
    uint64_t min, max;
    bool evaluates; /* not before 2020-12 */
};

struct pawl_branches {
    const struct pawl_node *const *nodes;
    uint32_t count;
};

struct pawl_if {
    const struct pawl_node *test, *then, *otherwise; /* the last two: NULL if absent */
};

struct pawl_dependent {
    struct pawl_str name;
    const struct pawl_node *node;  /* dependentSchemas */
    const struct pawl_str *others; /* dependentRequired */
    uint32_t others_count;
};
struct pawl_dependents {
    const struct pawl_dependent *all;
    uint32_t count;
};

struct pawl_dynamic {
    const struct pawl_node *initial;
    struct pawl_str name;
    struct pawl_dynamic_target {
        uint32_t resource;
        const struct pawl_node *node;
    } * targets; /* what each resource has under that name */
    uint32_t count;
};

struct pawl_op {
    uint8_t kind; /* enum pawl_op_kind */
    uint8_t on;   /* the types of instances that it looks at */
    const char *keyword;
    union {
        uint64_t count; /* lengths, sizes */
        uint8_t types;
        struct pawl_value value;
        const struct pawl_enum *choice;
        struct pawl_decimal decimal;
        struct {
            const struct pawl_regex *regex; /* pattern; of a format: for labels, NULL if it wants none */
            struct pawl_str text;           /* the pattern */
            enum pawl_format format;
        } text;
        const struct pawl_node *node;
        struct pawl_branches branches;
        struct pawl_if test;
        struct pawl_dependents dependents;
        const struct pawl_members *members;
        const struct pawl_items *items;
        const struct pawl_contains *contains;
        struct pawl_dynamic *dynamic;
    } u;
};

struct pawl_node {
    enum { PAWL_NODE_OPS, PAWL_NODE_ALWAYS, PAWL_NODE_NEVER } kind;
    uint32_t ops_count;
    const struct pawl_op *ops;
    uint32_t number;
    uint32_t resource;
    uint8_t tracks; /* ARRAY, OBJECT: it has unevaluatedItems, unevaluatedProperties */
};

struct pawl_schema {
    struct pawl_arena arena; /* holds this too */
    const struct pawl_node *root;
    uint32_t nodes_count;
};

/* schema_names.c */
bool pawl_names_build(struct pawl_names *t, const struct pawl_name *names, uint32_t count, struct pawl_arena *a);
/* `hint`: where it is looked for first, moved behind what is found; members often come in the schema's order. */
const struct pawl_name *pawl_names_find(const struct pawl_names *t, const char *p, size_t n, uint32_t *hint);

/* schema_number.c */
int pawl_number_cmp(yyjson_val *a, yyjson_val *b); /* exactly, whatever they are written as */
bool pawl_number_is_integer(yyjson_val *v);
struct pawl_decimal pawl_decimal_of(yyjson_val *v); /* of its magnitude */
bool pawl_decimal_divides(struct pawl_decimal divisor, struct pawl_decimal d);
