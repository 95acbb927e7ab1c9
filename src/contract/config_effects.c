/* src/contract/config_effects.c - what a tool's calls do to the world: effect, key, dedupe, repeat, gate, verify, undo.
 *
 * Whatever would be read and then play no part is a fault: a key on a read, a repeat on an idempotent tool, a gate that
 * is switched off where LEDGER 20 asks anyway. The rules that these words stand for: DESIGN 4, LEDGER. */
#include "contract/config_read.h"

static const int64_t hour = INT64_C(3600000000000);

static void useless(struct pawl_reader *r, const struct pawl_yaml *map, const char *key, const char *why)
{
    const struct pawl_yaml_member *m = pawl_yaml_member(map, key);
    if (m) pawl_fault(r->faults, m->line, m->column, "leave it out", "%s: %s", key, why);
}

static void read_effect(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_tool *t)
{
    static const char *const effects[] = {"read", "idempotent", "mutate", "irreversible", NULL};
    int effect = PAWL_EFFECT_IRREVERSIBLE;
    t->effect_declared = pawl_reader_choice(r, v, "effect", effects, &effect);
    t->effect = (enum pawl_effect)effect;
    if (t->driver == PAWL_DRIVER_SIGNAL) pawl_wait_effect(r, v, t);
}

static bool is_variable(struct pawl_str name)
{
    for (uint32_t i = 0; i < name.n; i++) {
        const char c = name.p[i];
        const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9')) return false;
    }
    return name.n > 0 && name.n <= 128;
}

/* {header, remembered_for}; a command's key comes in a variable; none: it takes none. */
static void read_key(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_tool *t)
{
    static const char *const of_http[] = {"header", "remembered_for", NULL};
    static const char *const of_command[] = {"variable", "remembered_for", NULL};
    static const char *const of_call[] = {"remembered_for", NULL};
    const bool http = t->driver == PAWL_DRIVER_HTTP, command = t->driver == PAWL_DRIVER_COMMAND;
    const struct pawl_yaml *key = pawl_reader_get(v, "key");
    const char *name = command ? "variable" : "header";
    t->key_header = command ? PAWL_STR("PAWL_IDEMPOTENCY_KEY") : PAWL_STR("Idempotency-Key");
    t->remembered_for_ns = 24 * hour;
    if (!key || (key->kind == PAWL_YAML_TEXT && pawl_str_is(key->text, "none"))) return;
    if (key->kind != PAWL_YAML_MAP) {
        pawl_reader_expected(r, key, "key",
                             "none, or a mapping such as {header: Idempotency-Key, remembered_for: 24h}");
        return;
    }
    t->key_declared = true;
    pawl_reader_keys(r, key, http ? of_http : command ? of_command : of_call, NULL);
    if (http && pawl_reader_text(r, key, name, &t->key_header) && !pawl_is_header_name(t->key_header))
        pawl_reader_expected(r, pawl_reader_get(key, name), name, "the name of a header");
    if (command && pawl_reader_text(r, key, name, &t->key_header) && !is_variable(t->key_header))
        pawl_reader_expected(r, pawl_reader_get(key, name), name, "the name of an environment variable");
    if (pawl_reader_duration(r, key, "remembered_for", 1, &t->remembered_for_ns) &&
        t->remembered_for_ns - t->remembered_for_ns / 20 <= t->timeout_ns)
        pawl_reader_expected(r, pawl_reader_get(key, "remembered_for"), "remembered_for",
                             "longer than the timeout and 5 %, so that a lost answer can be sent again");
}

/* Theirs would be dropped for ours. */
static void check_headers(struct pawl_reader *r, const struct pawl_yaml *v, const struct pawl_tool *t)
{
    const struct pawl_yaml *http = pawl_reader_get(v, "http");
    const struct pawl_yaml *headers = http && http->kind == PAWL_YAML_MAP ? pawl_reader_get(http, "headers") : NULL;
    for (uint32_t i = 0; headers && headers->kind == PAWL_YAML_MAP && i < headers->count; i++) {
        const struct pawl_yaml_member *m = &headers->members[i];
        if (pawl_same_header(m->key, t->key_header))
            pawl_fault(r->faults, m->line, m->column, "leave it out",
                       "headers: '%.*s' carries the idempotency key and is filled in by pawl", (int)t->key_header.n,
                       t->key_header.p);
    }
}

/* A list of JSON pointers; `args`: into the arguments, which have the names that their schema says. */
static const struct pawl_str *read_pointers(struct pawl_reader *r, const struct pawl_yaml *map, const char *key,
                                            bool args, uint32_t *count, bool *empty)
{
    const struct pawl_yaml *list = pawl_reader_list(r, map, key);
    struct pawl_str *pointers = list ? pawl_arena_zeroed(r->arena, (list->count + 1) * sizeof *pointers) : NULL;
    if (!pointers) return NULL;
    *empty = list->count == 0;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct pawl_yaml *v = list->items[i];
        const char *why = v->kind == PAWL_YAML_TEXT ? pawl_pointer_fault(v->text) : NULL;
        if (v->kind != PAWL_YAML_TEXT) {
            pawl_reader_expected(r, v, key,
                                 args ? "a JSON pointer into the arguments, as in /order_id"
                                      : "a JSON pointer into the arguments or the result, as in /card");
        } else if (why) {
            pawl_fault(r->faults, v->line, v->column, "", "%s: '%.*s' %s", key, v->text.n > 80 ? 80 : (int)v->text.n,
                       v->text.p, why);
        } else {
            pointers[(*count)++] = v->text;
            if (args) pawl_reader_argument(r, v->line, v->column, pawl_pointer_head(v->text));
        }
    }
    return pointers;
}

static void read_dedupe(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_tool *t)
{
    static const char *const known[] = {"by", "scope", "within", NULL};
    static const char *const scopes[] = {"run", "agent", "key", "global", NULL};
    const struct pawl_yaml *dedupe = pawl_reader_map(r, v, "dedupe");
    int scope = PAWL_SCOPE_RUN;
    if (!dedupe) return;
    pawl_reader_keys(r, dedupe, known, NULL);
    t->dedupe_by = read_pointers(r, dedupe, "by", true, &t->dedupe_by_count, &t->dedupe_any);
    pawl_reader_choice(r, dedupe, "scope", scopes, &scope);
    pawl_reader_duration(r, dedupe, "within", 1, &t->within_ns);
    t->scope = (enum pawl_scope)scope;
    if (t->effect == PAWL_EFFECT_IDEMPOTENT) {
        useless(r, dedupe, "scope",
                "an idempotent tool's calls run again: only `by` says something, what waits for what");
        useless(r, dedupe, "within",
                "an idempotent tool's calls run again: only `by` says something, what waits for what");
    } else if (t->repeat == PAWL_REPEAT_ALLOW) {
        useless(r, dedupe, "scope", "it says nothing where repeat is allow");
        useless(r, dedupe, "within", "it says nothing where repeat is allow");
    } else if (t->scope == PAWL_SCOPE_RUN) {
        useless(r, dedupe, "within", "it counts in scopes wider than the run");
    }
}

static void read_repeat(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_tool *t)
{
    static const char *const repeats[] = {"answer", "confirm", "allow", NULL};
    int repeat = t->effect == PAWL_EFFECT_IRREVERSIBLE ? PAWL_REPEAT_CONFIRM : PAWL_REPEAT_ANSWER;
    pawl_reader_choice(r, v, "repeat", repeats, &repeat);
    t->repeat = (enum pawl_repeat)repeat;
    if (t->effect == PAWL_EFFECT_IDEMPOTENT) useless(r, v, "repeat", "an idempotent tool's calls simply run again");
}

/* A condition over {args, run}. A name that is not there would make it hold always, or never, without a word. */
static void check_condition(struct pawl_reader *r, const struct pawl_yaml *gate)
{
    static const char *const now[] = {"args", "run", "facts", NULL};
    const struct pawl_yaml *condition = pawl_reader_get(gate, "if"), *properties, *args;
    if (!condition || condition->kind != PAWL_YAML_MAP) return;
    properties = pawl_reader_get(condition, "properties");
    if (!properties || properties->kind != PAWL_YAML_MAP) return;
    pawl_reader_keys(r, properties, now, NULL);
    args = pawl_reader_get(properties, "args");
    args = args && args->kind == PAWL_YAML_MAP ? pawl_reader_get(args, "properties") : NULL;
    for (uint32_t i = 0; args && args->kind == PAWL_YAML_MAP && i < args->count; i++)
        pawl_reader_argument(r, args->members[i].line, args->members[i].column, args->members[i].key);
}

static void check_when(struct pawl_reader *r, const struct pawl_yaml *gate)
{
    const struct pawl_yaml *when = pawl_reader_get(gate, "when"), *args;
    if (!when || when->kind != PAWL_YAML_MAP) return;
    args = pawl_reader_get(when, "properties");
    for (uint32_t i = 0; args && args->kind == PAWL_YAML_MAP && i < args->count; i++)
        pawl_reader_argument(r, args->members[i].line, args->members[i].column, args->members[i].key);
}

/* Who is asked, and how many of them must say yes. */
static void read_approvers(struct pawl_reader *r, const struct pawl_yaml *gate, struct pawl_tool *t)
{
    const struct pawl_yaml *list = pawl_reader_list(r, gate, "approvers");
    struct pawl_str *names = list ? pawl_arena_zeroed(r->arena, (list->count + 1) * sizeof *names) : NULL;
    for (uint32_t i = 0; names && i < list->count; i++) {
        const struct pawl_yaml *v = list->items[i];
        bool twice = false;
        for (uint32_t k = 0; k < t->gate_approvers_count; k++) twice = twice || pawl_str_eq(names[k], v->text);
        if (v->kind != PAWL_YAML_TEXT || !v->text.n) pawl_reader_expected(r, v, "approvers", "a person's name");
        else if (twice) pawl_fault(r->faults, v->line, v->column, "", "approvers: a name stands there twice");
        else names[t->gate_approvers_count++] = v->text;
    }
    t->gate_approvers = names;
    if (list && list->count == 0)
        pawl_fault(r->faults, list->line, list->column, "leave it out, then anybody may", "approvers: nobody is named");
    pawl_reader_count(r, gate, "quorum", 100, &t->gate_quorum);
    if (t->gate_approvers_count && t->gate_quorum > t->gate_approvers_count)
        pawl_fault(r->faults, gate->line, gate->column, "name more approvers, or ask for fewer",
                   "gate: %u must say yes, and only %u may", t->gate_quorum, t->gate_approvers_count);
}

static void read_gate(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_tool *t)
{
    static const char *const known[] = {"if", "when", "expires", "then", "approvers", "quorum", NULL};
    static const char *const answers[] = {"deny", "approve", NULL};
    const struct pawl_yaml *gate = pawl_reader_get(v, "gate");
    int then = 0;
    t->gate = t->effect == PAWL_EFFECT_IRREVERSIBLE ? PAWL_GATE_ALWAYS : PAWL_GATE_NONE;
    t->gate_quorum = 1;
    t->gate_expires_ns = 24 * hour;
    if (!gate) return;
    const bool text = gate->kind == PAWL_YAML_TEXT, none = text && pawl_str_is(gate->text, "none");
    t->gate = none ? PAWL_GATE_NONE : PAWL_GATE_ALWAYS;
    if (none && t->effect == PAWL_EFFECT_IRREVERSIBLE && (t->effect_declared || !pawl_reader_get(v, "effect")))
        pawl_fault(r->faults, gate->line, gate->column,
                   "declare another effect, or a condition: gate: {if: false} never holds",
                   "gate: an irreversible call is never sent without a yes or a condition that did not hold%s",
                   t->effect_declared ? "" : " (no effect is declared)");
    if (none || (text && pawl_str_is(gate->text, "always"))) return;
    if (gate->kind != PAWL_YAML_MAP) {
        pawl_reader_expected(r, gate, "gate",
                             "always, none, or a mapping with when, if, expires, then, approvers, quorum");
        return;
    }
    pawl_reader_keys(r, gate, known, NULL);
    if (pawl_reader_get(gate, "if") || pawl_reader_get(gate, "when")) t->gate = PAWL_GATE_IF;
    if (pawl_reader_get(gate, "if") && pawl_reader_get(gate, "when"))
        pawl_fault(r->faults, gate->line, gate->column, "put all of it into if: {properties: {args: …, run: …}}",
                   "gate: when is a condition over the arguments, if one over {args, run}: say one of them");
    pawl_reader_schema(r, gate, "when", PAWL_ARG_ARGS | PAWL_ARG_RUN | PAWL_ARG_FACTS, &t->gate_when, NULL);
    check_when(r, gate);
    read_approvers(r, gate, t);
    pawl_reader_schema(r, gate, "if", PAWL_ARG_ARGS | PAWL_ARG_RUN | PAWL_ARG_FACTS, &t->gate_if, NULL);
    check_condition(r, gate);
    pawl_reader_duration(r, gate, "expires", 1, &t->gate_expires_ns);
    t->gate_then_approve = pawl_reader_choice(r, gate, "then", answers, &then) && then == 1;
}

static void read_verify(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_tool *t)
{
    static const char *const known[] = {"tool", "by_key", "args", "expect", "settles", NULL};
    const unsigned all = PAWL_ARG_ARGS | PAWL_ARG_RUN | PAWL_ARG_RESULT | PAWL_ARG_KEY;
    const struct pawl_yaml *verify = pawl_reader_map(r, v, "verify"), *by_key, *args;
    if (!verify) return;
    pawl_reader_keys(r, verify, known, NULL);
    if (pawl_reader_need(r, verify, "tool", "name a read tool that looks whether it happened"))
        pawl_reader_text(r, verify, "tool", &t->verify.tool);
    by_key = pawl_reader_get(verify, "by_key");
    if (pawl_reader_text(r, verify, "by_key", &t->verify.by_key) && pawl_pointer_fault(t->verify.by_key))
        pawl_reader_expected(r, by_key, "by_key", "a JSON pointer into the answer, as in /idempotency_key");
    if ((args = pawl_reader_map(r, verify, "args")) != NULL) pawl_reader_json(r, args, "args", all, &t->verify.args);
    pawl_reader_schema(r, verify, "expect", all, &t->verify.expect, NULL);
    pawl_reader_duration(r, verify, "settles", 0, &t->verify.settles_ns);
    if (!by_key && !pawl_reader_get(verify, "expect"))
        pawl_fault(r->faults, verify->line, verify->column,
                   "say by_key, how it identifies this call, or expect, what it must show",
                   "verify: without by_key or expect its answer says nothing");
}

static void read_undo(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_tool *t)
{
    static const char *const known[] = {"tool", "args", NULL};
    const unsigned all = PAWL_ARG_ARGS | PAWL_ARG_RUN | PAWL_ARG_RESULT | PAWL_ARG_KEY;
    const struct pawl_yaml *undo = pawl_reader_get(v, "undo"), *args;
    if (!undo || (undo->kind == PAWL_YAML_TEXT && pawl_str_is(undo->text, "none"))) return;
    if (undo->kind != PAWL_YAML_MAP) {
        pawl_reader_expected(r, undo, "undo", "none, or a mapping with tool and args");
        return;
    }
    pawl_reader_keys(r, undo, known, NULL);
    if (pawl_reader_need(r, undo, "tool", "name the tool that undoes it, or write undo: none"))
        pawl_reader_text(r, undo, "tool", &t->undo_tool);
    if ((args = pawl_reader_map(r, undo, "args")) != NULL) pawl_reader_json(r, args, "args", all, &t->undo_args);
}

void pawl_read_effects(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_tool *t)
{
    static const char *const of_changes[] = {"key", "dedupe", "repeat", "verify", "undo", NULL};
    read_effect(r, v, t);
    const bool sure = t->effect_declared || !pawl_reader_get(v, "effect"); /* else it was told already */
    if (sure && t->effect == PAWL_EFFECT_READ)
        for (const char *const *k = of_changes; *k; k++)
            useless(r, v, *k, "a read changes nothing, so it is not needed");
    else if (sure) useless(r, v, "fresh", "only what a read answers stays fresh");
    if (sure && t->effect != PAWL_EFFECT_READ) useless(r, v, "hedge", "only a read is asked twice at once");
    else if (t->driver != PAWL_DRIVER_HTTP) useless(r, v, "hedge", "only http is asked twice at once");
    t->redact = read_pointers(r, v, "redact", false, &t->redact_count, &(bool){false});
    r->config->redacts = r->config->redacts || t->redact_count > 0;
    read_key(r, v, t);
    check_headers(r, v, t);
    read_repeat(r, v, t);
    read_dedupe(r, v, t);
    read_gate(r, v, t);
    read_verify(r, v, t);
    read_undo(r, v, t);
    pawl_reader_duration(r, v, "fresh", 0, &t->fresh_ns);
    if (pawl_reader_duration(r, v, "hedge", 1, &t->hedge_ns) && t->hedge_ns >= t->timeout_ns)
        pawl_reader_expected(r, pawl_reader_get(v, "hedge"), "hedge", "shorter than the timeout");
}
