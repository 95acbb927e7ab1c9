/* src/contract/config_check.c - check: what must have come of a call, and before, after: the reads that say how the place
 * looked. What is done with them: policy/check.c. */
#include "contract/config_read.h"

static const unsigned all = PAWL_ARG_ARGS | PAWL_ARG_RUN | PAWL_ARG_RESULT | PAWL_ARG_PLACE;

/* A schema that says nothing of the document holds always: words that no schema knows are no assertions. */
static void says_something(struct pawl_reader *r, const struct pawl_yaml *v)
{
    static const char *const words[] = {"properties",
                                        "required",
                                        "allOf",
                                        "anyOf",
                                        "oneOf",
                                        "not",
                                        "if",
                                        "$ref",
                                        "dependentSchemas",
                                        "enum",
                                        "$dynamicRef",
                                        "const",
                                        "dependentRequired",
                                        NULL};
    if (!v || v->kind != PAWL_YAML_MAP) return;
    for (const char *const *k = words; *k; k++)
        if (pawl_reader_get(v, *k)) return;
    pawl_reader_expected(r, v, "check",
                         "a JSON Schema over {args, result, before, after}, with properties or required");
}

static void place_wanted(struct pawl_reader *r, const struct pawl_yaml *v, const struct pawl_tool *t, unsigned looks)
{
    const unsigned places = looks & (PAWL_CHECK_BEFORE | PAWL_CHECK_AFTER);
    if (!places || t->before.tool.p || t->after.tool.p || t->verify.tool.p) return;
    if (t->effect == PAWL_EFFECT_READ)
        pawl_fault(r->faults, v->line, v->column, "check its result",
                   "check: a read changes nothing, so nothing is looked at before it or after it");
    else
        pawl_fault(r->faults, v->line, v->column, "declare after: {tool: NAME}, a read of the place",
                   "check: nothing says what is there %s", places & PAWL_CHECK_AFTER ? "after" : "before");
}

/* What the read before would be asked with is known only once the call has been answered. */
static void known_before(struct pawl_reader *r, const struct pawl_yaml *v, const struct pawl_tool *t)
{
    const char *key = t->before.tool.p ? NULL : t->after.tool.p ? "after" : t->verify.tool.p ? "verify" : NULL;
    const struct pawl_yaml *map = key ? pawl_reader_get(v, key) : NULL;
    const struct pawl_yaml *args = map && map->kind == PAWL_YAML_MAP ? pawl_reader_get(map, "args") : NULL;
    unsigned looks = 0;
    for (uint32_t i = 0; i < t->checks_count; i++) looks |= t->checks[i].looks;
    if (args && looks & PAWL_CHECK_BEFORE && pawl_reader_refers(args) & PAWL_CHECK_RESULT)
        pawl_fault(r->faults, args->line, args->column, "declare before: {tool: NAME, args: ...}",
                   "%s: a check looks at what was there before, when there is no /result yet", key);
}

static void read_then(struct pawl_reader *r, const struct pawl_yaml *v, const struct pawl_tool *t, unsigned *then)
{
    static const char *const answers[] = {"tell", "ask", "fail", "undo", NULL};
    const struct pawl_yaml *at = pawl_reader_get(v, "then");
    int answer = t->effect == PAWL_EFFECT_IRREVERSIBLE ? 1 : 0;
    const bool child = t->driver == PAWL_DRIVER_AGENT && t->effect != PAWL_EFFECT_READ;
    pawl_reader_choice(r, v, "then", answers, &answer);
    *then = 1u << answer;
    if (*then == PAWL_CHECK_UNDO && !t->undo_tool.p && !child)
        pawl_fault(r->faults, at->line, at->column, "declare undo: {tool: NAME}", "then: there is no undo to do");
}

/* {name, if, schema, says, then} */
static void read_named(struct pawl_reader *r, const struct pawl_yaml *v, const struct pawl_tool *t,
                       struct pawl_check *c)
{
    static const char *const known[] = {"name", "if", "schema", "says", "then", NULL};
    pawl_reader_keys(r, v, known, NULL);
    if (pawl_reader_text(r, v, "name", &c->name) && (c->name.n == 0 || c->name.n > 64))
        pawl_reader_expected(r, pawl_reader_get(v, "name"), "name", "a name of up to 64 bytes");
    pawl_reader_text(r, v, "says", &c->says);
    read_then(r, v, t, &c->then);
    pawl_reader_schema(r, v, "if", all, &c->when, NULL);
    if (pawl_reader_need(r, v, "schema", "say what must hold, as a JSON Schema over {args, result, before, after}"))
        pawl_reader_schema(r, v, "schema", all, &c->schema, NULL);
    says_something(r, pawl_reader_get(v, "schema"));
    c->looks =
        pawl_reader_looks(r, pawl_reader_get(v, "if"), t) | pawl_reader_looks(r, pawl_reader_get(v, "schema"), t);
    place_wanted(r, v, t, c->looks);
}

static bool is_named(const struct pawl_yaml *v)
{
    return v->kind == PAWL_YAML_MAP && pawl_reader_get(v, "schema");
}

static void read_check(struct pawl_reader *r, const struct pawl_yaml *v, const struct pawl_tool *t,
                       struct pawl_check *c, uint32_t number)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, r->arena);
    pawl_buf_printf(&b, "check %u", number);
    c->name = pawl_buf_done(&b);
    if (v->kind == PAWL_YAML_MAP) read_named(r, v, t, c);
    else pawl_reader_expected(r, v, "check", "a mapping with schema, and name, if, says, then");
}

/* check: SCHEMA, in short */
static void read_plain(struct pawl_reader *r, const struct pawl_yaml *tool, const struct pawl_yaml *v,
                       struct pawl_tool *t, struct pawl_check *c)
{
    c->name = PAWL_STR("check");
    c->then = t->effect == PAWL_EFFECT_IRREVERSIBLE ? PAWL_CHECK_ASK : PAWL_CHECK_TELL;
    pawl_reader_schema(r, tool, "check", all, &c->schema, NULL);
    says_something(r, v);
    c->looks = pawl_reader_looks(r, v, t);
    place_wanted(r, v, t, c->looks);
}

static void read_place(struct pawl_reader *r, const struct pawl_yaml *v, const char *key, unsigned arg,
                       const struct pawl_tool *t, struct pawl_place_read *out)
{
    static const char *const known[] = {"tool", "args", NULL};
    const struct pawl_yaml *map = pawl_reader_map(r, v, key), *args;
    if (!map) return;
    pawl_reader_keys(r, map, known, NULL);
    if (pawl_reader_need(r, map, "tool", "name the read that says how the place looks"))
        pawl_reader_text(r, map, "tool", &out->tool);
    if ((args = pawl_reader_map(r, map, "args")) != NULL) pawl_reader_json(r, args, "args", arg, &out->args);
    if (t->effect == PAWL_EFFECT_READ && t->effect_declared)
        pawl_fault(r->faults, map->line, map->column, "leave it out", "%s: a read changes nothing", key);
    else if (!pawl_reader_get(v, "check"))
        pawl_fault(r->faults, map->line, map->column, "leave it out, or declare check",
                   "%s: nothing looks at it: there is no check", key);
}

void pawl_read_checks(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_tool *t)
{
    const struct pawl_yaml *check = pawl_reader_get(v, "check");
    const bool list = check && check->kind == PAWL_YAML_LIST;
    struct pawl_check *made;
    read_place(r, v, "before", PAWL_ARG_ARGS | PAWL_ARG_RUN | PAWL_ARG_KEY, t, &t->before);
    read_place(r, v, "after", PAWL_ARG_ARGS | PAWL_ARG_RUN | PAWL_ARG_RESULT | PAWL_ARG_KEY, t, &t->after);
    if (!check || (list && !pawl_reader_few(r, check, "check", PAWL_CHECKS_MAX))) return;
    made = pawl_arena_zeroed(r->arena, ((list ? check->count : 0) + 1) * sizeof *made);
    if (!made) return;
    t->checks = made; /* also where a fault is told: their schemas are freed with the others */
    t->checks_count = list ? check->count : 1;
    for (uint32_t i = 0; list && i < check->count; i++) read_check(r, check->items[i], t, &made[i], i + 1);
    for (uint32_t i = 1; list && i < check->count; i++)
        for (uint32_t k = 0; k < i; k++)
            if (pawl_str_eq(made[i].name, made[k].name))
                pawl_fault(r->faults, check->items[i]->line, check->items[i]->column, "name them differently",
                           "check: '%.*s' stands there twice", (int)made[i].name.n, made[i].name.p);
    if (list && check->count == 0) pawl_reader_expected(r, check, "check", "something that must hold");
    if (!list && is_named(check)) read_check(r, check, t, made, 1);
    else if (!list) read_plain(r, v, check, t, made);
    known_before(r, v, t);
}

void pawl_link_checks(struct pawl_reader *r, const struct pawl_yaml *v, const struct pawl_tool *t)
{
    static const char *const keys[] = {"before", "after"};
    const struct pawl_place_read *const reads[] = {&t->before, &t->after};
    for (int i = 0; i < 2; i++) {
        const struct pawl_tool *other = pawl_linked_tool(r, v, keys[i], reads[i]->tool);
        const struct pawl_yaml *at;
        if (!other || (other->effect == PAWL_EFFECT_READ && other->gate == PAWL_GATE_NONE && !pawl_tool_waits(other)))
            continue;
        at = pawl_reader_get(pawl_reader_get(v, keys[i]), "tool");
        pawl_fault(r->faults, at->line, at->column, "name a read without a gate", "%s: tool '%.*s' is no plain read",
                   keys[i], (int)other->name.n, other->name.p);
    }
}
