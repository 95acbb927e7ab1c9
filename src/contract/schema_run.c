/* src/contract/schema_run.c - runs a program over an instance: nodes, what they assert of a value itself, the bounds.
 *
 * Whoever fails says so (schema_says.c) and returns false; with no sink to write to, the first failure is the answer.
 * c->rc set means that there is no answer: everything returns false at once. */
#include "contract/schema_run.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

static uint8_t types_of(yyjson_val *v)
{
    switch (yyjson_get_type(v)) {
    case YYJSON_TYPE_NULL: return PAWL_IS_NULL;
    case YYJSON_TYPE_BOOL: return PAWL_IS_BOOL;
    case YYJSON_TYPE_NUM: return pawl_number_is_integer(v) ? PAWL_IS_NUMBER | PAWL_IS_INTEGER : PAWL_IS_NUMBER;
    case YYJSON_TYPE_STR: return PAWL_IS_STRING;
    case YYJSON_TYPE_ARR: return PAWL_IS_ARRAY;
    case YYJSON_TYPE_OBJ: return PAWL_IS_OBJECT;
    default: return 0;
    }
}

bool pawl_run_charge(struct pawl_run *c, size_t steps)
{
    if (c->rc) return false;
    if (steps < c->steps) return c->steps -= (uint32_t)steps, true;
    c->rc = PAWL_ELIMIT;
    return false;
}

yyjson_val *pawl_run_value(const struct pawl_run *c, const struct pawl_value *value)
{
    if (!value->arg.p) return value->v;
    return c->context ? pawl_json_at(c->context, value->arg) : NULL;
}

bool pawl_run_matches(struct pawl_run *c, const struct pawl_regex *regex, yyjson_val *text)
{
    if (!pawl_run_charge(c, 4 + unsafe_yyjson_get_len(text) / 4)) return false;
    const int rc = pawl_regex_match(regex, pawl_json_value_str(text), &c->regex);
    if (rc != PAWL_OK && rc != PAWL_ENOTFOUND) c->rc = rc;
    return rc == PAWL_OK;
}

bool pawl_run_equal(struct pawl_run *c, yyjson_val *a, yyjson_val *b)
{
    uint64_t left = c->steps;
    if (c->rc) return false;
    const bool ok = pawl_json_equal_within(a, b, &left);
    c->steps = (uint32_t)left;
    if (left == 0) c->rc = PAWL_ELIMIT;
    return ok && !c->rc;
}

static bool run_const(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_op *op, yyjson_val *v)
{
    yyjson_val *want = pawl_run_value(c, &op->u.value);
    if (!want) return pawl_says_no_arg(c, f, op->keyword, op->u.value.arg);
    return pawl_run_equal(c, want, v) || pawl_says_op(c, f, op, v);
}

static bool run_enum(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_op *op, yyjson_val *v)
{
    const struct pawl_enum *choice = op->u.choice;
    uint32_t hint = 0;
    if (choice->has_strings && yyjson_is_str(v) &&
        pawl_names_find(&choice->strings, unsafe_yyjson_get_str(v), unsafe_yyjson_get_len(v), &hint))
        return true;
    for (uint32_t i = 0; i < choice->count; i++) {
        yyjson_val *want = pawl_run_value(c, choice->values + i);
        if (want && pawl_run_equal(c, want, v)) return true;
    }
    return pawl_says_op(c, f, op, v);
}

static bool run_bound(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_op *op, yyjson_val *v)
{
    yyjson_val *bound = pawl_run_value(c, &op->u.value);
    if (!bound || !yyjson_is_num(bound)) return pawl_says_no_arg(c, f, op->keyword, op->u.value.arg);
    const int cmp = pawl_number_cmp(v, bound);
    const bool ok = op->kind == PAWL_OP_MINIMUM   ? cmp >= 0
                    : op->kind == PAWL_OP_MAXIMUM ? cmp <= 0
                    : op->kind == PAWL_OP_ABOVE   ? cmp > 0
                                                  : cmp < 0;
    return ok || pawl_says_op(c, f, op, v);
}

/* In code points: bytes that do not continue one. Most texts are told by their bytes alone. */
static bool length_fits(const struct pawl_op *op, yyjson_val *v)
{
    const char *p = unsafe_yyjson_get_str(v);
    const uint64_t bytes = unsafe_yyjson_get_len(v);
    uint64_t n = 0;
    if (op->kind == PAWL_OP_MAX_LENGTH && bytes <= op->u.count) return true;
    if (op->kind == PAWL_OP_MIN_LENGTH && bytes < op->u.count) return false;
    for (uint64_t i = 0; i < bytes; i++) n += (p[i] & 0xc0) != 0x80;
    return op->kind == PAWL_OP_MIN_LENGTH ? n >= op->u.count : n <= op->u.count;
}

static bool size_fits(const struct pawl_op *op, yyjson_val *v)
{
    const bool min = op->kind == PAWL_OP_MIN_ITEMS || op->kind == PAWL_OP_MIN_MEMBERS;
    return min ? unsafe_yyjson_get_len(v) >= op->u.count : unsafe_yyjson_get_len(v) <= op->u.count;
}

static bool format_fits(struct pawl_run *c, const struct pawl_op *op, yyjson_val *v)
{
    if (!pawl_run_charge(c, unsafe_yyjson_get_len(v) / 16)) return false;
    const int rc = pawl_format_fits(op->u.text.format, pawl_json_value_str(v), op->u.text.regex, &c->regex);
    if (rc != PAWL_OK && rc != PAWL_EINVAL) c->rc = rc;
    return rc == PAWL_OK;
}

static bool run_unique(struct pawl_run *c, const struct pawl_frame *f, yyjson_val *v)
{
    size_t first = 0, second = 0;
    return pawl_run_unique(c, v, &first, &second) || pawl_says_unique(c, f, first, second);
}

static bool run_ref(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_op *op, yyjson_val *v,
                    struct pawl_track *t)
{
    const struct pawl_frame to = pawl_frame_inner(f, op->u.node, op->keyword);
    return pawl_run_node(c, &to, v, t);
}

static bool run_not(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_op *op, yyjson_val *v)
{
    const struct pawl_frame to = pawl_frame_inner(f, op->u.node, op->keyword);
    if (!pawl_run_quietly(c, &to, v, NULL)) return !c->rc;
    return pawl_says_op(c, f, op, v);
}

/* A flat switch: true, or it has been said why not. */
static bool run_op(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_op *op, yyjson_val *v,
                   uint8_t types, struct pawl_track *t)
{
    bool ok = true;
    switch ((enum pawl_op_kind)op->kind) {
    case PAWL_OP_TYPE: ok = (types & op->u.types) != 0; break;
    case PAWL_OP_CONST: return run_const(c, f, op, v);
    case PAWL_OP_ENUM: return run_enum(c, f, op, v);
    case PAWL_OP_MINIMUM:
    case PAWL_OP_MAXIMUM:
    case PAWL_OP_ABOVE:
    case PAWL_OP_BELOW: return run_bound(c, f, op, v);
    case PAWL_OP_MULTIPLE: ok = pawl_decimal_divides(op->u.decimal, pawl_decimal_of(v)); break;
    case PAWL_OP_MIN_LENGTH:
    case PAWL_OP_MAX_LENGTH: ok = length_fits(op, v); break;
    case PAWL_OP_PATTERN: ok = pawl_run_matches(c, op->u.text.regex, v); break;
    case PAWL_OP_FORMAT: ok = format_fits(c, op, v); break;
    case PAWL_OP_MIN_ITEMS:
    case PAWL_OP_MAX_ITEMS:
    case PAWL_OP_MIN_MEMBERS:
    case PAWL_OP_MAX_MEMBERS: ok = size_fits(op, v); break;
    case PAWL_OP_UNIQUE: return run_unique(c, f, v);
    case PAWL_OP_REF: return run_ref(c, f, op, v, t);
    case PAWL_OP_DYNAMIC_REF: return pawl_run_dynamic(c, f, op, v, t);
    case PAWL_OP_ALL_OF:
    case PAWL_OP_ANY_OF:
    case PAWL_OP_ONE_OF: return pawl_run_branches(c, f, op, v, t);
    case PAWL_OP_NOT: return run_not(c, f, op, v);
    case PAWL_OP_IF: return pawl_run_if(c, f, op, v, t);
    case PAWL_OP_DEPENDENT_REQUIRED:
    case PAWL_OP_DEPENDENT_SCHEMAS: return pawl_run_dependents(c, f, op, v, t);
    case PAWL_OP_MEMBERS: return pawl_run_members(c, f, op, v, t);
    case PAWL_OP_ITEMS: return pawl_run_items(c, f, op, v, t);
    case PAWL_OP_CONTAINS: return pawl_run_contains(c, f, op, v, t);
    case PAWL_OP_UNEVALUATED_ITEMS:
    case PAWL_OP_UNEVALUATED_MEMBERS: return pawl_run_unevaluated(c, f, op, v, t);
    }
    return ok || pawl_says_op(c, f, op, v);
}

/* What is unevaluated is only known where all else fits: those ops come last, and not after a failure. */
static bool run_ops(struct pawl_run *c, const struct pawl_frame *f, yyjson_val *v, uint8_t types, struct pawl_track *t)
{
    const struct pawl_op *op = f->node->ops, *end = op + f->node->ops_count;
    bool ok = true;
    for (; op < end; op++) {
        if (!(op->on & types)) continue;
        if (!ok && op->kind >= PAWL_OP_UNEVALUATED_ITEMS) break;
        if (run_op(c, f, op, v, types, t)) continue;
        if (!c->sink || c->rc) return false;
        ok = false;
    }
    return ok;
}

/* A node with unevaluated*: it looks at what it and the nodes in its place evaluate, and leaves nothing unevaluated. */
static bool run_tracked(struct pawl_run *c, const struct pawl_frame *f, yyjson_val *v, uint8_t types,
                        struct pawl_track *t)
{
    struct pawl_track own;
    if (!pawl_track_begin(c, &own, unsafe_yyjson_get_len(v))) return false;
    const bool ok = run_ops(c, f, v, types, &own);
    pawl_track_end(c, &own);
    if (ok && t) t->all = true;
    return ok;
}

static bool is_arg(yyjson_val *v)
{
    return yyjson_is_obj(v) && yyjson_obj_size(v) == 1 && yyjson_obj_get(v, "$arg");
}

/* What a node's ops may cost that look over all of the value, but not into it. */
static size_t weight(yyjson_val *v)
{
    if (yyjson_is_ctn(v)) return 1 + unsafe_yyjson_get_len(v) / 4;
    return yyjson_is_str(v) ? 1 + unsafe_yyjson_get_len(v) / 256 : 1;
}

bool pawl_run_node(struct pawl_run *c, const struct pawl_frame *f, yyjson_val *v, struct pawl_track *t)
{
    const struct pawl_node *node = f->node;
    bool ok;
    if (node->kind == PAWL_NODE_ALWAYS) return true;
    if (c->rc) return false;
    if (c->arg_fits && is_arg(v)) return true;
    if (node->kind == PAWL_NODE_NEVER) return pawl_says_never(c, f, v);
    if (c->depth == PAWL_RUN_DEPTH) c->rc = PAWL_ELIMIT;
    if (!pawl_run_charge(c, weight(v))) return false;
    const uint8_t types = types_of(v);
    c->depth++;
    if (node->tracks & types) ok = run_tracked(c, f, v, types, t);
    else ok = run_ops(c, f, v, types, t);
    c->depth--;
    return ok && !c->rc;
}

bool pawl_run_quietly(struct pawl_run *c, const struct pawl_frame *f, yyjson_val *v, struct pawl_track *t)
{
    struct pawl_sink *sink = c->sink;
    c->sink = NULL;
    const bool ok = pawl_run_node(c, f, v, t);
    c->sink = sink;
    return ok;
}

/* Where there is no answer, a report says so, for whoever only reads reports. */
static void say_no_answer(struct pawl_schema_report *report, int rc)
{
    struct pawl_schema_violation *v = report->violations;
    report->count = 1;
    v->instance[0] = v->keyword[0] = 0;
    snprintf(v->says, sizeof v->says, "%s",
             rc == PAWL_ENOMEM ? "there is no memory to check this"
                               : "this is too large, too deep or too costly to be checked: make it smaller");
}

int pawl_schema_run(const struct pawl_schema *s, yyjson_val *instance, yyjson_val *context, bool arg_fits,
                    struct pawl_schema_report *report)
{
    const struct pawl_frame root = {.node = s->root, .place = PAWL_NO_PLACE, .index = SIZE_MAX};
    struct pawl_sink sink = {.size = PAWL_SCHEMA_ERRORS};
    struct pawl_run c; /* not cleared as a whole: most of it is room */
    assert(s->root && instance);
    c.schema = s;
    c.from = s->arena.from;
    c.context = context;
    c.sink = NULL;
    c.rc = PAWL_OK;
    c.depth = c.guesses = c.words_used = 0;
    c.steps = PAWL_RUN_STEPS;
    c.arg_fits = arg_fits;
    pawl_regex_run_init(&c.regex, c.from);
    if (report) {
        report->count = 0;
        sink.violations = report->violations;
        c.sink = &sink;
    }
    const bool ok = pawl_run_node(&c, &root, instance, NULL);
    pawl_regex_run_fini(&c.regex);
    if (sink.count > 0 && c.rc == PAWL_ELIMIT) c.rc = PAWL_OK; /* whatever else there is: it does not fit */
    if (report) report->count = sink.count;
    if (report && c.rc) say_no_answer(report, c.rc);
    assert(ok || c.rc || !report || sink.count > 0);
    return c.rc ? c.rc : ok ? PAWL_OK : PAWL_EINVAL;
}

int pawl_schema_check(const struct pawl_schema *s, yyjson_val *instance, yyjson_val *context,
                      struct pawl_schema_report *report)
{
    return pawl_schema_run(s, instance, context, false, report);
}
