/* src/contract/schema_says.c - a violation in words: where in the instance, which keyword, and a sentence that a model
 * can act on: what was expected, what came. All into fixed room, cut with "..." and never within a character. */
#include "contract/schema_run.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

struct line {
    char *p;
    size_t n, size; /* of the room; one byte of it is for the NUL */
    bool cut;
};

static struct line line_of(char *p, size_t size)
{
    p[0] = 0;
    return (struct line){.p = p, .size = size};
}

static void add(struct line *l, const char *p, size_t n)
{
    size_t room = l->size - 1 - l->n;
    if (l->cut) return;
    l->cut = n > room;
    memcpy(l->p + l->n, p, l->cut ? room : n);
    l->n += l->cut ? room : n;
    if (l->cut) {
        l->n = l->size - 4;
        while (l->n > 0 && (l->p[l->n] & 0xc0) == 0x80) l->n--;
        memcpy(l->p + l->n, "...", 3);
        l->n += 3;
    }
    l->p[l->n] = 0;
}

static void text(struct line *l, const char *words)
{
    add(l, words, strlen(words));
}

static void count(struct line *l, uint64_t n)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    text(l, digits);
}

/* Somebody's text: what a terminal would take for more than text becomes '?'. */
static void foreign(struct line *l, struct pawl_str s)
{
    for (uint32_t i = 0; i < s.n && !l->cut; i++) {
        const bool control = (uint8_t)s.p[i] < 0x20 || s.p[i] == 0x7f;
        add(l, control ? "?" : s.p + i, 1);
    }
}

enum { SHORT = 48 }; /* bytes of a text that are shown */

static void quoted(struct line *l, struct pawl_str s)
{
    uint32_t n = s.n < SHORT ? s.n : SHORT;
    while (n < s.n && n > 0 && (s.p[n] & 0xc0) == 0x80) n--;
    text(l, "\"");
    foreign(l, (struct pawl_str){s.p, n});
    text(l, n < s.n ? "...\"" : "\"");
}

static void number(struct line *l, yyjson_val *v)
{
    char memory[256];
    yyjson_alc alc;
    size_t n = 0;
    yyjson_alc_pool_init(&alc, memory, sizeof memory);
    const char *digits = yyjson_val_write_opts(v, YYJSON_WRITE_NOFLAG, &alc, &n, NULL);
    if (digits) add(l, digits, n);
}

static void value(struct line *l, yyjson_val *v)
{
    switch (yyjson_get_type(v)) {
    case YYJSON_TYPE_STR: quoted(l, pawl_json_value_str(v)); break;
    case YYJSON_TYPE_NUM: number(l, v); break;
    case YYJSON_TYPE_BOOL: text(l, yyjson_get_bool(v) ? "true" : "false"); break;
    case YYJSON_TYPE_ARR: text(l, yyjson_arr_size(v) ? "an array" : "an empty array"); break;
    case YYJSON_TYPE_OBJ: text(l, yyjson_obj_size(v) ? "an object" : "an empty object"); break;
    default: text(l, "null"); break;
    }
}

/* $arg by what it refers to now, or by its name. */
static void meant(struct line *l, const struct pawl_run *c, const struct pawl_value *v)
{
    yyjson_val *now = pawl_run_value(c, v);
    if (now) value(l, now);
    else foreign(l, v->arg);
}

static void step(struct line *l, struct pawl_str name)
{
    text(l, "/");
    for (uint32_t i = 0; i < name.n && !l->cut; i++) {
        if (name.p[i] == '~') text(l, "~0");
        else if (name.p[i] == '/') text(l, "~1");
        else foreign(l, (struct pawl_str){name.p + i, 1});
    }
}

/* As deep as a run is. */
static void instance_path(struct line *l, const struct pawl_frame *f)
{
    if (!f) return;
    instance_path(l, f->above);
    if (f->key) step(l, pawl_json_value_str(f->key));
    if (f->index == SIZE_MAX) return;
    text(l, "/");
    count(l, f->index);
}

static void keyword_path(struct line *l, const struct pawl_frame *f)
{
    if (!f || !f->via) return;
    keyword_path(l, f->above);
    text(l, "/");
    text(l, f->via);
    if (f->name) step(l, *f->name);
    if (f->place == PAWL_NO_PLACE) return;
    text(l, "/");
    count(l, f->place);
}

/* Counts a violation. *l: where it is to be said; false: nowhere. `keyword` NULL: it is of the whole node. */
static bool begin(struct pawl_run *c, const struct pawl_frame *f, const char *keyword, struct line *l)
{
    struct pawl_sink *sink = c->sink;
    struct pawl_schema_violation *v;
    struct line path;
    if (!sink || c->rc) return false;
    sink->count++;
    if (keyword && (strcmp(keyword, "const") == 0 || strcmp(keyword, "enum") == 0)) sink->constants++;
    if (keyword && strcmp(keyword, "type") == 0 && f->level == sink->level) sink->types++;
    if (sink->kept == sink->size) return false;
    v = sink->violations + sink->kept++;
    path = line_of(v->instance, sizeof v->instance);
    instance_path(&path, f);
    path = line_of(v->keyword, sizeof v->keyword);
    keyword_path(&path, f);
    if (keyword) step(&path, pawl_str_of(keyword));
    *l = line_of(v->says, sizeof v->says);
    return true;
}

static void say_types(struct line *l, uint8_t types)
{
    static const struct {
        uint8_t bit;
        const char *name;
    } names[] = {{PAWL_IS_NULL, "null"},       {PAWL_IS_BOOL, "a boolean"},  {PAWL_IS_INTEGER, "an integer"},
                 {PAWL_IS_NUMBER, "a number"}, {PAWL_IS_STRING, "a string"}, {PAWL_IS_ARRAY, "an array"},
                 {PAWL_IS_OBJECT, "an object"}};
    bool more = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!(types & names[i].bit)) continue;
        if (more) text(l, " or ");
        text(l, names[i].name);
        more = true;
    }
}

static void say_enum(struct line *l, const struct pawl_run *c, const struct pawl_enum *choice)
{
    enum { SHOWN = 12 };
    text(l, choice->count == 0 ? "nothing fits here" : choice->count == 1 ? "expected " : "expected one of ");
    for (uint32_t i = 0; i < choice->count && i < SHOWN; i++) {
        if (i) text(l, ", ");
        meant(l, c, choice->values + i);
    }
    if (choice->count > SHOWN) text(l, ", ...");
}

static void say_format(struct line *l, const struct pawl_op *op)
{
    static const char *const likes[] = {
        [PAWL_FORMAT_UNKNOWN] = "",
        [PAWL_FORMAT_DATE] = "a date such as 2026-11-21",
        [PAWL_FORMAT_DATE_TIME] = "a date-time such as 2026-11-21T08:30:00Z",
        [PAWL_FORMAT_DURATION] = "a duration such as P3DT12H",
        [PAWL_FORMAT_EMAIL] = "an e-mail address such as ann@example.org",
        [PAWL_FORMAT_HOSTNAME] = "a host name such as api.example.org",
        [PAWL_FORMAT_IDN_EMAIL] = "an e-mail address such as ann@example.org",
        [PAWL_FORMAT_IDN_HOSTNAME] = "a host name such as api.example.org",
        [PAWL_FORMAT_IPV4] = "an IPv4 address such as 192.0.2.1",
        [PAWL_FORMAT_IPV6] = "an IPv6 address such as 2001:db8::1",
        [PAWL_FORMAT_IRI] = "an IRI such as https://example.org/a",
        [PAWL_FORMAT_IRI_REFERENCE] = "an IRI or a reference such as /a?b=1",
        [PAWL_FORMAT_JSON_POINTER] = "a JSON pointer such as /items/0",
        [PAWL_FORMAT_REGEX] = "a regular expression of ECMA-262",
        [PAWL_FORMAT_RELATIVE_JSON_POINTER] = "a relative JSON pointer such as 1/name",
        [PAWL_FORMAT_TIME] = "a time with an offset such as 08:30:00Z",
        [PAWL_FORMAT_URI] = "a URI such as https://example.org/a",
        [PAWL_FORMAT_URI_REFERENCE] = "a URI or a reference such as /a?b=1",
        [PAWL_FORMAT_URI_TEMPLATE] = "a URI template such as /orders/{id}",
        [PAWL_FORMAT_UUID] = "a UUID such as 3b241101-e2bb-4255-8caf-4136c566a962",
    };
    text(l, "expected ");
    text(l, likes[op->u.text.format]);
}

static void say_count(struct line *l, const char *expected, uint64_t n, const char *unit, uint64_t found)
{
    text(l, expected);
    count(l, n);
    text(l, unit);
    if (n != 1) text(l, "s");
    text(l, ", found ");
    count(l, found);
}

static void say_decimal(struct line *l, struct pawl_decimal d)
{
    if (d.exponent >= 0 && d.exponent <= 15) {
        count(l, d.digits);
        for (int32_t i = 0; i < d.exponent; i++) text(l, "0");
    } else if (d.exponent < 0 && d.exponent >= -15) {
        uint64_t ten = 1;
        for (int32_t i = 0; i > d.exponent; i--) ten *= 10;
        char rest[24];
        snprintf(rest, sizeof rest, ".%0*llu", (int)-d.exponent, (unsigned long long)(d.digits % ten));
        count(l, d.digits / ten);
        text(l, rest);
    } else {
        char power[24];
        snprintf(power, sizeof power, "e%d", (int)d.exponent);
        count(l, d.digits);
        text(l, power);
    }
}

static uint64_t length_of(yyjson_val *v)
{
    const char *p = yyjson_get_str(v);
    uint64_t n = 0;
    for (size_t i = 0; i < yyjson_get_len(v); i++) n += (p[i] & 0xc0) != 0x80;
    return n;
}

/* What was expected; true: and what came is still to be said. */
static bool expected(struct line *l, const struct pawl_run *c, const struct pawl_op *op, yyjson_val *v)
{
    switch ((enum pawl_op_kind)op->kind) {
    case PAWL_OP_TYPE: text(l, "expected "), say_types(l, op->u.types); return true;
    case PAWL_OP_CONST: text(l, "expected exactly "), meant(l, c, &op->u.value); return true;
    case PAWL_OP_ENUM: say_enum(l, c, op->u.choice); return op->u.choice->count > 0;
    case PAWL_OP_MINIMUM: text(l, "expected a number of at least "), meant(l, c, &op->u.value); return true;
    case PAWL_OP_MAXIMUM: text(l, "expected a number of at most "), meant(l, c, &op->u.value); return true;
    case PAWL_OP_ABOVE: text(l, "expected a number above "), meant(l, c, &op->u.value); return true;
    case PAWL_OP_BELOW: text(l, "expected a number below "), meant(l, c, &op->u.value); return true;
    case PAWL_OP_MULTIPLE: text(l, "expected a multiple of "), say_decimal(l, op->u.decimal); return true;
    case PAWL_OP_MIN_LENGTH: say_count(l, "expected at least ", op->u.count, " character", length_of(v)); return false;
    case PAWL_OP_MAX_LENGTH: say_count(l, "expected at most ", op->u.count, " character", length_of(v)); return false;
    case PAWL_OP_PATTERN: text(l, "expected text that matches "), foreign(l, op->u.text.text); return true;
    case PAWL_OP_FORMAT: say_format(l, op); return true;
    case PAWL_OP_MIN_ITEMS: say_count(l, "expected at least ", op->u.count, " item", yyjson_get_len(v)); return false;
    case PAWL_OP_MAX_ITEMS: say_count(l, "expected at most ", op->u.count, " item", yyjson_get_len(v)); return false;
    case PAWL_OP_MIN_MEMBERS:
        say_count(l, "expected at least ", op->u.count, " member", yyjson_get_len(v));
        return false;
    case PAWL_OP_MAX_MEMBERS:
        say_count(l, "expected at most ", op->u.count, " member", yyjson_get_len(v));
        return false;
    case PAWL_OP_NOT: text(l, "expected something that does not fit the schema under not"); return true;
    default: assert(false); return false;
    }
}

bool pawl_says_op(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_op *op, yyjson_val *v)
{
    struct line l;
    if (!begin(c, f, op->keyword, &l)) return false;
    if (!expected(&l, c, op, v)) return false;
    text(&l, ", found ");
    value(&l, v);
    return false;
}

bool pawl_says_no_arg(struct pawl_run *c, const struct pawl_frame *f, const char *keyword, struct pawl_str pointer)
{
    struct line l;
    if (!begin(c, f, keyword, &l)) return false;
    text(&l, "there is no value at ");
    foreign(&l, pointer);
    text(&l, " to compare with");
    return false;
}

bool pawl_says_never(struct pawl_run *c, const struct pawl_frame *f, yyjson_val *v)
{
    struct line l;
    if (!begin(c, f, NULL, &l)) return false;
    text(&l, "nothing is allowed here, found ");
    value(&l, v);
    return false;
}

bool pawl_says_unknown(struct pawl_run *c, const struct pawl_frame *f, const char *keyword,
                       const struct pawl_members *members)
{
    uint32_t shown = 0;
    struct line l;
    const struct pawl_frame at = {.above = f->above->above,
                                  .node = f->above->node,
                                  .via = f->above->via,
                                  .name = f->above->name,
                                  .place = f->above->place,
                                  .level = f->level,
                                  .key = NULL,
                                  .index = SIZE_MAX};
    if (!begin(c, &at, keyword, &l)) return false;
    struct pawl_schema_violation *v = c->sink->violations + c->sink->kept - 1;
    struct line path = line_of(v->instance, sizeof v->instance);
    instance_path(&path, f);
    text(&l, f->key ? "the member " : "item ");
    if (f->key) quoted(&l, pawl_json_value_str(f->key));
    else count(&l, f->index);
    text(&l, " is not allowed here");
    for (uint32_t i = 0; members && i < members->names.count; i++) {
        if (!members->names.names[i].node) continue;
        text(&l, shown++ ? ", " : "; allowed are ");
        quoted(&l, members->names.names[i].name);
    }
    return false;
}

bool pawl_says_missing(struct pawl_run *c, const struct pawl_frame *f, const char *keyword, struct pawl_str because,
                       const struct pawl_str *names, uint32_t names_count)
{
    struct line l;
    if (!begin(c, f, keyword, &l)) return false;
    text(&l, names_count > 1 ? "the members " : "the member ");
    for (uint32_t i = 0; i < names_count; i++) {
        if (i) text(&l, i + 1 == names_count ? " and " : ", ");
        quoted(&l, names[i]);
    }
    text(&l, names_count > 1 ? " are missing" : " is missing");
    if (!because.p) return false;
    text(&l, ": wanted together with ");
    quoted(&l, because);
    return false;
}

bool pawl_says_unique(struct pawl_run *c, const struct pawl_frame *f, size_t first, size_t second)
{
    struct line l;
    if (!begin(c, f, "uniqueItems", &l)) return false;
    text(&l, "expected items that all differ, but items ");
    count(&l, first);
    text(&l, " and ");
    count(&l, second);
    text(&l, " are equal");
    return false;
}

bool pawl_says_contains(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_contains *contains,
                        uint64_t found)
{
    const bool few = found < contains->min;
    struct line l;
    if (!begin(c, f, !few ? "maxContains" : contains->min == 1 ? "contains" : "minContains", &l)) return false;
    text(&l, few ? "expected at least " : "expected at most ");
    count(&l, few ? contains->min : contains->max);
    text(&l, (few ? contains->min : contains->max) == 1 ? " item that fits contains, found "
                                                        : " items that fit contains, found ");
    count(&l, found);
    return false;
}

bool pawl_says_branches(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_op *op, uint32_t nearest,
                        const struct pawl_schema_violation *why)
{
    struct line l;
    if (!begin(c, f, op->keyword, &l)) return false;
    struct pawl_schema_violation *v = c->sink->violations + c->sink->kept - 1;
    const size_t own = strlen(v->instance);
    text(&l, "fits none of the ");
    count(&l, op->u.branches.count);
    text(&l, op->u.branches.count == 1 ? " alternative" : " alternatives");
    if (!why) return false;
    text(&l, "; nearest is the one at ");
    count(&l, nearest);
    text(&l, ": ");
    if (strncmp(why->instance, v->instance, own) == 0 && why->instance[own]) {
        text(&l, why->instance + own);
        text(&l, ": ");
    }
    text(&l, why->says);
    return false;
}

bool pawl_says_two(struct pawl_run *c, const struct pawl_frame *f, uint32_t first, uint32_t second)
{
    struct line l;
    if (!begin(c, f, "oneOf", &l)) return false;
    text(&l, "fits the alternatives at ");
    count(&l, first);
    text(&l, " and ");
    count(&l, second);
    text(&l, ", but only one may fit");
    return false;
}
