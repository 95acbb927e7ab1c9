/* src/contract/schema_keyword.c - the keywords of one subschema as ops, in the order in which they run: what is cheap
 * first, what looks at all others (unevaluated*) last. Values are looked at here; nothing is believed because a
 * meta-schema was fine with it: a reference may lead where no meta-schema looked. */
#include "contract/schema_build.h"
#include <assert.h>
#include <string.h>

struct pawl_op *pawl_keywords_push(struct pawl_build *b, uint8_t kind, uint8_t on, const char *keyword)
{
    assert(b->ops_count < PAWL_BUILD_OPS);
    struct pawl_op *op = b->ops + b->ops_count++;
    memset(op, 0, sizeof *op);
    op->kind = kind;
    op->on = on;
    op->keyword = keyword;
    return op;
}

yyjson_val *pawl_keywords_get(struct pawl_pending *p, const char *name, uint8_t vocabulary, uint8_t drafts)
{
    if (!(p->resource->vocabularies & vocabulary) || !(p->resource->draft & drafts)) return NULL;
    return yyjson_obj_get(p->v, name);
}

static const char *kind_of(yyjson_val *v)
{
    switch (yyjson_get_type(v)) {
    case YYJSON_TYPE_NULL: return "null";
    case YYJSON_TYPE_BOOL: return yyjson_get_bool(v) ? "true" : "false";
    case YYJSON_TYPE_NUM: return "a number";
    case YYJSON_TYPE_STR: return "text";
    case YYJSON_TYPE_ARR: return yyjson_arr_size(v) ? "an array" : "an empty array";
    default: return "an object";
    }
}

static bool wrong(struct pawl_build *b, struct pawl_pending *p, const char *name, const char *expected, yyjson_val *v)
{
    return pawl_build_fail(b, p->resource, p->place, name, "see JSON Schema", "expected %s, found %s", expected,
                           kind_of(v));
}

static uint8_t type_bit(struct pawl_str name)
{
    static const struct {
        const char *name;
        uint8_t bit;
    } types[] = {{"null", PAWL_IS_NULL},     {"boolean", PAWL_IS_BOOL},  {"integer", PAWL_IS_INTEGER},
                 {"number", PAWL_IS_NUMBER}, {"string", PAWL_IS_STRING}, {"array", PAWL_IS_ARRAY},
                 {"object", PAWL_IS_OBJECT}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (pawl_str_is(name, types[i].name)) return types[i].bit;
    return 0;
}

static bool no_type(struct pawl_build *b, struct pawl_pending *p, yyjson_val *v)
{
    static const char words[] = "null, boolean, integer, number, string, array or object";
    const struct pawl_str s = pawl_json_value_str(v);
    if (!s.p) return wrong(b, p, "type", words, v);
    return pawl_build_fail(b, p->resource, p->place, "type", "write one of the seven types",
                           "expected %s, found '%.*s'", words, s.n < 64 ? (int)s.n : 64, s.p);
}

static void make_type(struct pawl_build *b, struct pawl_pending *p, const struct pawl_rule *rule, yyjson_val *v)
{
    struct pawl_op *op = pawl_keywords_push(b, rule->op, rule->on, rule->name);
    yyjson_val *item;
    size_t i, max;
    if (yyjson_is_arr(v)) {
        if (yyjson_arr_size(v) == 0) wrong(b, p, rule->name, "a type, or a list of types", v);
        yyjson_arr_foreach(v, i, max, item)
        {
            const uint8_t bit = type_bit(pawl_json_value_str(item));
            if (!bit) no_type(b, p, item);
            op->u.types |= bit;
        }
        return;
    }
    op->u.types = type_bit(pawl_json_value_str(v));
    if (!op->u.types) no_type(b, p, v);
}

/* A value that stays: values lie behind one another, only their texts are elsewhere. */
static yyjson_val *copy_value(struct pawl_build *b, yyjson_val *v)
{
    const size_t n = yyjson_is_ctn(v) ? (size_t)(unsafe_yyjson_get_next(v) - v) : 1;
    yyjson_val *to = pawl_arena_get(b->arena, n * sizeof *to);
    if (!to) return pawl_build_no_memory(b), NULL;
    memcpy(to, v, n * sizeof *to);
    for (size_t i = 0; i < n; i++) {
        if (!yyjson_is_str(to + i)) continue;
        to[i].uni.str = pawl_arena_copy(b->arena, yyjson_get_str(to + i), yyjson_get_len(to + i));
        if (!to[i].uni.str) return pawl_build_no_memory(b), NULL;
    }
    return to;
}

static bool is_arg(struct pawl_build *b, yyjson_val *v)
{
    return b->options && b->options->allow_arg && yyjson_obj_get(v, "$arg");
}

/* That $arg stands alone, with a pointer, the scan saw to. */
static bool take_value(struct pawl_build *b, yyjson_val *v, struct pawl_value *out)
{
    *out = (struct pawl_value){NULL, {NULL, 0}};
    if (!is_arg(b, v)) return (out->v = copy_value(b, v)) != NULL;
    out->arg = pawl_build_text(b, pawl_json_str(v, "$arg"));
    return out->arg.p != NULL;
}

static void make_const(struct pawl_build *b, struct pawl_pending *p, const struct pawl_rule *rule, yyjson_val *v)
{
    (void)p;
    take_value(b, v, &pawl_keywords_push(b, rule->op, rule->on, rule->name)->u.value);
}

enum { MANY = 8 }; /* values of enum before texts are looked up by hash */

static void make_enum(struct pawl_build *b, struct pawl_pending *p, const struct pawl_rule *rule, yyjson_val *v)
{
    struct pawl_op *op = pawl_keywords_push(b, rule->op, rule->on, rule->name);
    const size_t n = yyjson_arr_size(v);
    struct pawl_enum *e = pawl_arena_zeroed(b->arena, sizeof *e);
    struct pawl_value *values = pawl_arena_get(b->arena, n * sizeof *values);
    struct pawl_name *texts = n > MANY ? pawl_arena_zeroed(b->arena, n * sizeof *texts) : NULL;
    yyjson_val *item;
    size_t i, max;
    uint32_t count = 0;
    if (!yyjson_is_arr(v)) {
        wrong(b, p, rule->name, "a list of values", v);
        return;
    }
    if (!e || !values || (n > MANY && !texts)) {
        pawl_build_no_memory(b);
        return;
    }
    yyjson_arr_foreach(v, i, max, item)
    {
        if (!take_value(b, item, values + i)) return;
        if (texts && yyjson_is_str(values[i].v)) texts[count++].name = pawl_json_value_str(values[i].v);
    }
    *e = (struct pawl_enum){.values = values, .count = (uint32_t)n, .has_strings = count > 0};
    if (count > 0 && !pawl_names_build(&e->strings, texts, count, b->arena)) pawl_build_no_memory(b);
    op->u.choice = e;
}

static void make_bound(struct pawl_build *b, struct pawl_pending *p, const struct pawl_rule *rule, yyjson_val *v)
{
    if (!yyjson_is_num(v) && !is_arg(b, v)) wrong(b, p, rule->name, "a number", v);
    else take_value(b, v, &pawl_keywords_push(b, rule->op, rule->on, rule->name)->u.value);
}

static void make_multiple(struct pawl_build *b, struct pawl_pending *p, const struct pawl_rule *rule, yyjson_val *v)
{
    if (!yyjson_is_num(v) || !(yyjson_get_num(v) > 0)) wrong(b, p, rule->name, "a number above 0", v);
    else pawl_keywords_push(b, rule->op, rule->on, rule->name)->u.decimal = pawl_decimal_of(v);
}

bool pawl_keywords_count(struct pawl_build *b, struct pawl_pending *p, const char *name, yyjson_val *v, uint64_t *count)
{
    const double d = yyjson_is_num(v) ? yyjson_get_num(v) : -1;
    if (d < 0 || !pawl_number_is_integer(v)) return wrong(b, p, name, "a whole number that is not negative", v);
    *count = !yyjson_is_real(v) ? yyjson_get_uint(v) : d < 9e18 ? (uint64_t)d : UINT64_MAX - 1;
    return true;
}

static void make_count(struct pawl_build *b, struct pawl_pending *p, const struct pawl_rule *rule, yyjson_val *v)
{
    pawl_keywords_count(b, p, rule->name, v, &pawl_keywords_push(b, rule->op, rule->on, rule->name)->u.count);
}

bool pawl_keywords_pattern(struct pawl_build *b, struct pawl_pending *p, const char *name, struct pawl_str text,
                           struct pawl_regex **out)
{
    struct pawl_error why = {.code = PAWL_OK};
    const int rc = pawl_regex_compile(text, b->arena, out, &why);
    if (rc == PAWL_ENOMEM) return pawl_build_no_memory(b);
    if (rc) return pawl_build_fail(b, p->resource, p->place, name, why.next, "%s", why.what);
    return true;
}

static void make_pattern(struct pawl_build *b, struct pawl_pending *p, const struct pawl_rule *rule, yyjson_val *v)
{
    struct pawl_op *op = pawl_keywords_push(b, rule->op, rule->on, rule->name);
    struct pawl_regex *regex = NULL;
    if (!yyjson_is_str(v)) {
        wrong(b, p, rule->name, "a pattern as text", v);
        return;
    }
    op->u.text.text = pawl_build_text(b, pawl_json_value_str(v));
    if (op->u.text.text.p && pawl_keywords_pattern(b, p, rule->name, op->u.text.text, &regex)) op->u.text.regex = regex;
}

/* Without assertion it is an annotation: nothing to run. Unknown formats are refused only by a dialect that asserts. */
static void make_format(struct pawl_build *b, struct pawl_pending *p, const struct pawl_rule *rule, yyjson_val *v)
{
    if (!yyjson_is_str(v)) {
        wrong(b, p, rule->name, "the name of a format, as text", v);
        return;
    }
    const struct pawl_str name = pawl_json_value_str(v);
    const enum pawl_format format = pawl_format_of(name);
    if (!p->resource->asserts_formats) return;
    if (format == PAWL_FORMAT_UNKNOWN) {
        if (!pawl_dialect_is_known(p->resource->dialect))
            pawl_build_fail(b, p->resource, p->place, rule->name, "see format.h for those that are known",
                            "the format '%.*s' is not known", name.n < 64 ? (int)name.n : 64, name.p);
        return;
    }
    const bool label = pawl_format_wants_label(format);
    if (label && !b->label && pawl_format_label(b->arena, &b->label)) {
        pawl_build_no_memory(b);
        return;
    }
    struct pawl_op *op = pawl_keywords_push(b, rule->op, rule->on, rule->name);
    op->u.text.format = format;
    op->u.text.regex = label ? b->label : NULL;
}

static void make_unique(struct pawl_build *b, struct pawl_pending *p, const struct pawl_rule *rule, yyjson_val *v)
{
    if (!yyjson_is_bool(v)) wrong(b, p, rule->name, "true or false", v);
    else if (yyjson_get_bool(v)) pawl_keywords_push(b, rule->op, rule->on, rule->name);
}

#define VALIDATION PAWL_VOCABULARY_VALIDATION
#define APPLICATOR PAWL_VOCABULARY_APPLICATOR
#define CORE PAWL_VOCABULARY_CORE
#define ANY PAWL_DRAFT_ANY
#define NEW (PAWL_DRAFT_2019 | PAWL_DRAFT_2020)

static const struct pawl_rule assertions[] = {
    {"type", VALIDATION, ANY, PAWL_OP_TYPE, PAWL_IS_ANY, make_type},
    {"const", VALIDATION, ANY, PAWL_OP_CONST, PAWL_IS_ANY, make_const},
    {"enum", VALIDATION, ANY, PAWL_OP_ENUM, PAWL_IS_ANY, make_enum},
    {"minimum", VALIDATION, ANY, PAWL_OP_MINIMUM, PAWL_IS_NUMBER, make_bound},
    {"maximum", VALIDATION, ANY, PAWL_OP_MAXIMUM, PAWL_IS_NUMBER, make_bound},
    {"exclusiveMinimum", VALIDATION, ANY, PAWL_OP_ABOVE, PAWL_IS_NUMBER, make_bound},
    {"exclusiveMaximum", VALIDATION, ANY, PAWL_OP_BELOW, PAWL_IS_NUMBER, make_bound},
    {"multipleOf", VALIDATION, ANY, PAWL_OP_MULTIPLE, PAWL_IS_NUMBER, make_multiple},
    {"minLength", VALIDATION, ANY, PAWL_OP_MIN_LENGTH, PAWL_IS_STRING, make_count},
    {"maxLength", VALIDATION, ANY, PAWL_OP_MAX_LENGTH, PAWL_IS_STRING, make_count},
    {"pattern", VALIDATION, ANY, PAWL_OP_PATTERN, PAWL_IS_STRING, make_pattern},
    {"format", PAWL_VOCABULARY_FORMAT, ANY, PAWL_OP_FORMAT, PAWL_IS_STRING, make_format},
    {"minItems", VALIDATION, ANY, PAWL_OP_MIN_ITEMS, PAWL_IS_ARRAY, make_count},
    {"maxItems", VALIDATION, ANY, PAWL_OP_MAX_ITEMS, PAWL_IS_ARRAY, make_count},
    {"uniqueItems", VALIDATION, ANY, PAWL_OP_UNIQUE, PAWL_IS_ARRAY, make_unique},
    {"minProperties", VALIDATION, ANY, PAWL_OP_MIN_MEMBERS, PAWL_IS_OBJECT, make_count},
    {"maxProperties", VALIDATION, ANY, PAWL_OP_MAX_MEMBERS, PAWL_IS_OBJECT, make_count},
    {"dependentRequired", VALIDATION, NEW, PAWL_OP_DEPENDENT_REQUIRED, PAWL_IS_OBJECT, pawl_make_dependents},
};
static const struct pawl_rule in_place[] = {
    {"$ref", CORE, ANY, PAWL_OP_REF, PAWL_IS_ANY, pawl_make_ref},
    {"$dynamicRef", CORE, PAWL_DRAFT_2020, PAWL_OP_DYNAMIC_REF, PAWL_IS_ANY, pawl_make_ref},
    {"$recursiveRef", CORE, PAWL_DRAFT_2019, PAWL_OP_DYNAMIC_REF, PAWL_IS_ANY, pawl_make_ref},
    {"allOf", APPLICATOR, ANY, PAWL_OP_ALL_OF, PAWL_IS_ANY, pawl_make_branches},
    {"anyOf", APPLICATOR, ANY, PAWL_OP_ANY_OF, PAWL_IS_ANY, pawl_make_branches},
    {"oneOf", APPLICATOR, ANY, PAWL_OP_ONE_OF, PAWL_IS_ANY, pawl_make_branches},
    {"not", APPLICATOR, ANY, PAWL_OP_NOT, PAWL_IS_ANY, pawl_make_node},
    {"if", APPLICATOR, ANY, PAWL_OP_IF, PAWL_IS_ANY, pawl_make_if},
    {"dependentSchemas", APPLICATOR, NEW, PAWL_OP_DEPENDENT_SCHEMAS, PAWL_IS_OBJECT, pawl_make_dependents},
    {"dependencies", APPLICATOR, ANY, PAWL_OP_DEPENDENT_SCHEMAS, PAWL_IS_OBJECT, pawl_make_dependents},
};
static const struct pawl_rule contains = {"contains",       APPLICATOR,    ANY,
                                          PAWL_OP_CONTAINS, PAWL_IS_ARRAY, pawl_make_contains};
static const struct pawl_rule rest[] = {
    {"unevaluatedItems", PAWL_VOCABULARY_UNEVALUATED, NEW, PAWL_OP_UNEVALUATED_ITEMS, PAWL_IS_ARRAY, pawl_make_node},
    {"unevaluatedProperties", PAWL_VOCABULARY_UNEVALUATED, NEW, PAWL_OP_UNEVALUATED_MEMBERS, PAWL_IS_OBJECT,
     pawl_make_node},
};

static void apply(struct pawl_build *b, struct pawl_pending *p, const struct pawl_rule *rules, size_t count)
{
    for (size_t i = 0; i < count && !b->rc; i++) {
        yyjson_val *v = pawl_keywords_get(p, rules[i].name, rules[i].vocabulary, rules[i].drafts);
        if (v) rules[i].make(b, p, rules + i, v);
    }
}

#define APPLY(rules) apply(b, p, rules, sizeof(rules) / sizeof *(rules))

void pawl_keywords_compile(struct pawl_build *b, struct pawl_pending *p)
{
    b->ops_count = 0;
    if (p->resource->draft == PAWL_DRAFT_7 && yyjson_obj_get(p->v, "$ref")) { /* nothing beside it counts */
        apply(b, p, in_place, 1);
        return;
    }
    APPLY(assertions);
    APPLY(in_place);
    if (!b->rc) pawl_make_members(b, p);
    if (!b->rc) pawl_make_items(b, p);
    apply(b, p, &contains, 1);
    APPLY(rest);
}
