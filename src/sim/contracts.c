/* src/sim/contracts.c - a configuration of the seed's own: tools with all that a contract can say, two or three agents.
 *
 * What a contract promises here is true of its server (server.c reads the same structs): a tool that declares `key`
 * honours keys for as long as it says, `settles` is how late a request can land, an error code that is said to mean
 * "not applied" means that. The guarantees are only as good as the contracts. */
#include "sim/world.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

struct pawl_schema *pawl_sim_schema(struct pawl_sim *w, struct pawl_str text, bool args)
{
    const struct pawl_schema_options options = {.allow_arg = args, .cache = &w->schema_cache};
    struct pawl_schema *out = NULL;
    yyjson_val *v;
    assert(w->schemas_count < sizeof w->schemas / sizeof *w->schemas);
    if (pawl_json_read(text, &w->arena, &v, NULL) || pawl_schema_compile(v, &options, w->o->from, &out, NULL)) {
        w->no_memory = true;
        return NULL;
    }
    w->schemas[w->schemas_count++] = out;
    return out;
}

/* On, for some: with small windows, so that a bad server opens it within a seed. */
static void draw_breaker(struct pawl_sim *w, struct pawl_breaker *b)
{
    if (!pawl_sim_chance(w, 400)) return;
    *b = (struct pawl_breaker){.on = true,
                               .window_ns = pawl_sim_between(w, 10, 300) * PAWL_SIM_S,
                               .window_calls = pawl_sim_chance(w, 300) ? (uint32_t)pawl_sim_between(w, 2, 20) : 0,
                               .threshold = (double)pawl_sim_between(w, 20, 100),
                               .min_calls = (uint32_t)pawl_sim_between(w, 1, 4),
                               .probes = (uint32_t)pawl_sim_between(w, 1, 3),
                               .cooldown_ns = pawl_sim_between(w, 2, 60) * PAWL_SIM_S,
                               .cooldown_max_ns = pawl_sim_between(w, 60, 600) * PAWL_SIM_S};
    if (pawl_sim_chance(w, 300)) {
        b->slow_ns = pawl_sim_between(w, 100, 3000) * PAWL_SIM_MS;
        b->slow_threshold = (double)pawl_sim_between(w, 20, 100);
    }
}

/* What a read's step gets while its breaker is open. */
static void draw_fallback(struct pawl_sim *w, struct pawl_tool *t)
{
    const uint64_t dice = pawl_sim_below(w, 8);
    if (!t->breaker.on || dice > 3) return;
    t->fallback.cached_for_ns = pawl_sim_between(w, 1, 60) * PAWL_SIM_MIN;
    t->fallback.kind = dice == 0 ? PAWL_FALLBACK_CACHED : dice == 1 ? PAWL_FALLBACK_ANSWER : PAWL_FALLBACK_ERROR;
    t->fallback.answer = PAWL_STR("{\"ref\":\"none\"}");
    t->fallback.error = PAWL_STR("It is down: do without it.");
    if (dice != 3 || w->config.tools_count < 2) return;
    t->fallback.kind = PAWL_FALLBACK_TOOL;
    t->fallback.tool = w->contracts[0].name;
}

static struct pawl_tool *add(struct pawl_sim *w, enum pawl_sim_role role, struct pawl_str name)
{
    const uint32_t at = w->config.tools_count++;
    struct pawl_tool *t = &w->contracts[at];
    assert(at < PAWL_SIM_TOOLS);
    w->tools[at] = (struct pawl_sim_tool){.role = role, .settles_ns = 30 * PAWL_SIM_S};
    w->tools[at].bad = (uint32_t)pawl_sim_between(w, 0, 350);
    w->tools[at].lost = (uint32_t)pawl_sim_between(w, 0, 350);
    *t = (struct pawl_tool){.name = name, .effect = PAWL_EFFECT_READ, .effect_declared = true};
    t->key_header = PAWL_STR("Idempotency-Key");
    t->remembered_for_ns = 24 * PAWL_SIM_H;
    t->gate_expires_ns = 24 * PAWL_SIM_H;
    t->verify.settles_ns = -1;
    t->timeout_ns = pawl_sim_between(w, 1, 10) * PAWL_SIM_S;
    t->output_bytes = 65536;
    t->retry = (struct pawl_retry){.attempts = (uint32_t)pawl_sim_between(w, 1, 4),
                                   .factor = 2,
                                   .first_ns = pawl_sim_between(w, 200, 2000) * PAWL_SIM_MS,
                                   .max_ns = 30 * PAWL_SIM_S,
                                   .jitter = pawl_sim_chance(w, 700)   ? PAWL_JITTER_FULL
                                             : pawl_sim_chance(w, 500) ? PAWL_JITTER_DECORRELATED
                                                                       : PAWL_JITTER_NONE,
                                   .budget = pawl_sim_chance(w, 500) ? 20 : 0,
                                   .reserve = (uint32_t)pawl_sim_between(w, 1, 4)};
    draw_breaker(w, &t->breaker);
    return t;
}

static uint32_t number_of(const struct pawl_sim *w, const struct pawl_tool *t)
{
    return (uint32_t)(t - w->contracts) + 1;
}

/* How it is reached. `reads`: by GET where that is HTTP. */
static void draw_driver(struct pawl_sim *w, struct pawl_tool *t, bool reads)
{
    struct pawl_str *argv;
    const uint64_t dice = pawl_sim_below(w, 10);
    t->driver = dice < 6 ? PAWL_DRIVER_HTTP : dice < 8 ? PAWL_DRIVER_COMMAND : PAWL_DRIVER_INPROCESS;
    if (t->driver == PAWL_DRIVER_HTTP) {
        t->method = reads ? PAWL_STR("GET") : PAWL_STR("POST");
        t->url = reads ? pawl_sim_text(w, "https://tools.sim/%.*s/{args.item}", (int)t->name.n, t->name.p)
                       : pawl_sim_text(w, "https://tools.sim/%.*s", (int)t->name.n, t->name.p);
    }
    if (t->driver != PAWL_DRIVER_COMMAND) return;
    argv = pawl_sim_get(w, 2 * sizeof *argv);
    argv[0] = PAWL_STR("/bin/sim");
    argv[1] = t->name;
    t->argv = argv;
    t->argv_count = 2;
    t->key_header = PAWL_STR("PAWL_IDEMPOTENCY_KEY");
}

static void add_rule(struct pawl_sim *w, struct pawl_tool *t, struct pawl_error_rule rule)
{
    struct pawl_error_rule *rules = pawl_sim_get(w, (t->errors_count + 1) * sizeof *rules);
    if (t->errors_count) memcpy(rules, t->errors, t->errors_count * sizeof *rules);
    rules[t->errors_count++] = rule;
    t->errors = rules;
}

static void draw_errors(struct pawl_sim *w, struct pawl_tool *t)
{
    if (t->driver == PAWL_DRIVER_COMMAND && pawl_sim_chance(w, 500))
        add_rule(w, t,
                 (struct pawl_error_rule){
                     .status = 3, .exit = true, .applied = PAWL_APPLIED_NO, .error_class = PAWL_CLASS_REJECTED});
    if (t->driver != PAWL_DRIVER_HTTP) return;
    if (pawl_sim_chance(w, 300))
        add_rule(w, t,
                 (struct pawl_error_rule){
                     .status = 503, .applied = PAWL_APPLIED_NO, .retry = true, .error_class = PAWL_CLASS_OVERLOADED});
    if (pawl_sim_chance(w, 300))
        add_rule(w, t,
                 (struct pawl_error_rule){.status = 422,
                                          .applied = PAWL_APPLIED_NO,
                                          .error_class = PAWL_CLASS_REJECTED});
    if (t->key_declared && pawl_sim_chance(w, 250))
        add_rule(w, t, (struct pawl_error_rule){.status = 409, .applied = PAWL_APPLIED_YES, .already_done = true});
}

static void draw_gate(struct pawl_sim *w, struct pawl_tool *t, struct pawl_sim_tool *truth)
{
    const uint64_t dice = pawl_sim_below(w, 100);
    static const struct pawl_str names[] = {{"ann", 3}, {"bob", 3}, {"cem", 3}};
    const bool hard = t->effect == PAWL_EFFECT_IRREVERSIBLE;
    const char *before = "", *behind = "";
    char text[256];
    t->gate = dice < (hard ? 40U : 10U) ? PAWL_GATE_ALWAYS : dice < (hard ? 75U : 30U) ? PAWL_GATE_IF : PAWL_GATE_NONE;
    t->gate_then_approve = pawl_sim_chance(w, 150);
    if (pawl_sim_chance(w, 500)) t->gate_expires_ns = pawl_sim_between(w, 1, 10) * PAWL_SIM_MIN;
    if (pawl_sim_chance(w, 250)) {
        t->gate_approvers = names;
        t->gate_approvers_count = (uint32_t)pawl_sim_between(w, 2, 3);
    }
    if (pawl_sim_chance(w, 250)) t->gate_quorum = 2;
    if (t->gate != PAWL_GATE_IF) return;
    truth->gate_over = pawl_sim_between(w, 1, 3);
    if (pawl_sim_chance(w, 150)) { /* one that has no answer where the other holds */
        before = "{\"$dynamicAnchor\":\"again\",\"if\":";
        behind = ",\"then\":{\"$dynamicRef\":\"#again\"},\"else\":false}";
    }
    if (pawl_sim_chance(w, 400)) { /* over the arguments alone */
        snprintf(text, sizeof text, "{\"properties\":{\"amount\":{\"exclusiveMinimum\":%d}}}", (int)truth->gate_over);
        t->gate_when = pawl_sim_schema(w, pawl_str_of(text), false);
        return;
    }
    snprintf(text, sizeof text,
             "%s{\"properties\":{\"args\":{\"properties\":{\"amount\":{\"exclusiveMinimum\":%d}}}}}%s", before,
             (int)truth->gate_over, behind);
    t->gate_if = pawl_sim_schema(w, pawl_str_of(text), false);
}

static void draw_dedupe(struct pawl_sim *w, struct pawl_tool *t)
{
    static const struct pawl_str item = {"/item", 5};
    const uint64_t dice = pawl_sim_below(w, 100);
    t->scope = dice < 40   ? PAWL_SCOPE_RUN
               : dice < 60 ? PAWL_SCOPE_AGENT
               : dice < 75 ? PAWL_SCOPE_KEY
                           : PAWL_SCOPE_GLOBAL;
    t->repeat = t->effect == PAWL_EFFECT_IRREVERSIBLE ? PAWL_REPEAT_CONFIRM : PAWL_REPEAT_ANSWER;
    if (pawl_sim_chance(w, 400)) t->repeat = (enum pawl_repeat)pawl_sim_below(w, 3);
    if (pawl_sim_chance(w, 400)) t->within_ns = pawl_sim_between(w, 2, 60) * PAWL_SIM_MIN;
    if (pawl_sim_chance(w, 500)) t->dedupe_by = &item, t->dedupe_by_count = 1;
}

/* A read that tells of what a change did: by its key, or by how the place looks now. */
static void draw_verify(struct pawl_sim *w, struct pawl_tool *t, struct pawl_sim_tool *truth, uint32_t number)
{
    static const struct pawl_str item = {"/item", 5};
    const uint64_t dice = pawl_sim_below(w, 100);
    struct pawl_tool *look;
    if (dice < 40 || t->effect == PAWL_EFFECT_IDEMPOTENT) return;
    look = add(w, PAWL_SIM_LOOK, pawl_sim_text(w, "look%u", number));
    draw_driver(w, look, true);
    look->effect = PAWL_EFFECT_READ;
    truth->look = number_of(w, look);
    w->tools[truth->look - 1].of = number_of(w, t);
    t->verify.tool = look->name;
    if (pawl_sim_chance(w, 500))
        look->output =
            pawl_sim_schema(w, PAWL_STR("{\"anyOf\":[{\"type\":\"array\"},{\"required\":[\"item\"]}]}"), false);
    if (pawl_sim_chance(w, 500)) t->verify.args = PAWL_STR("{\"item\":{\"$arg\":\"/args/item\"}}");
    if (pawl_sim_chance(w, 850)) {
        t->verify.settles_ns = pawl_sim_chance(w, 150) ? 0 : pawl_sim_between(w, 10, 60) * PAWL_SIM_S;
        truth->settles_ns = t->verify.settles_ns;
        if (truth->settles_ns) truth->settles_ns -= 3 * PAWL_SIM_S; /* for a wall clock that steps forth */
    }
    if (dice < 75) {
        t->verify.by_key = PAWL_STR("/idempotency_key");
        return;
    }
    truth->by_place = truth->own_items = true;
    t->dedupe_by = &item;
    t->dedupe_by_count = 1;
    t->verify.expect =
        pawl_sim_schema(w,
                        PAWL_STR("{\"required\":[\"amount\"],\"properties\":{\"amount\":{\"const\":{\"$arg\":"
                                 "\"/args/amount\"}}}}"),
                        true);
}

static void draw_undo(struct pawl_sim *w, struct pawl_tool *t, struct pawl_sim_tool *truth, uint32_t number)
{
    struct pawl_tool *undo;
    if (t->effect == PAWL_EFFECT_IDEMPOTENT || !pawl_sim_chance(w, 350)) return;
    undo = add(w, PAWL_SIM_UNDO, pawl_sim_text(w, "undo%u", number));
    undo->effect = PAWL_EFFECT_MUTATE;
    undo->key_declared = pawl_sim_chance(w, 600);
    draw_driver(w, undo, false);
    truth->undo = number_of(w, undo);
    w->tools[truth->undo - 1].of = number_of(w, t);
    t->undo_tool = undo->name;
    if (pawl_sim_chance(w, 600)) t->undo_args = PAWL_STR("{\"item\":{\"$arg\":\"/args/item\"}}");
}

static void draw_change(struct pawl_sim *w, uint32_t number, struct pawl_schema *input, struct pawl_schema *output)
{
    static const struct pawl_str card = {"/card", 5};
    const uint64_t dice = pawl_sim_below(w, 100);
    struct pawl_tool *t = add(w, PAWL_SIM_CHANGE, pawl_sim_text(w, "change%u", number));
    struct pawl_sim_tool *truth = &w->tools[number_of(w, t) - 1];
    t->effect = dice < 20 ? PAWL_EFFECT_IDEMPOTENT : dice < 60 ? PAWL_EFFECT_MUTATE : PAWL_EFFECT_IRREVERSIBLE;
    t->key_declared = pawl_sim_chance(w, 500);
    if (pawl_sim_chance(w, 400)) t->remembered_for_ns = pawl_sim_between(w, 2, 15) * PAWL_SIM_MIN;
    if (pawl_sim_chance(w, 150)) { /* so patient that its key may be forgotten meanwhile */
        t->retry.attempts = (uint32_t)pawl_sim_between(w, 4, 8);
        t->retry.first_ns = t->remembered_for_ns / 16;
        t->retry.max_ns = t->remembered_for_ns / 3;
    }
    if (pawl_sim_chance(w, 400)) t->input = input;
    if (pawl_sim_chance(w, 400)) t->output = output;
    draw_driver(w, t, false);
    pawl_sim_draw_async(w, t, number);
    if (pawl_sim_chance(w, 150)) t->redact = &card, t->redact_count = 1, w->config.redacts = true;
    draw_dedupe(w, t);
    draw_gate(w, t, truth);
    draw_errors(w, t);
    draw_verify(w, t, truth, number);
    draw_undo(w, t, truth, number);
}

static void draw_reads(struct pawl_sim *w, struct pawl_schema *output)
{
    for (uint32_t i = 0; i < 2; i++) {
        struct pawl_tool *t = add(w, PAWL_SIM_READ, pawl_sim_text(w, "read%u", i));
        draw_driver(w, t, true);
        if (pawl_sim_chance(w, 400)) t->fresh_ns = pawl_sim_between(w, 5, 120) * PAWL_SIM_S;
        if (pawl_sim_chance(w, 300)) t->output = output;
        draw_fallback(w, t);
    }
}

/* A tool that waits for a signal. */
static void draw_wait(struct pawl_sim *w, struct pawl_schema *output)
{
    struct pawl_tool *t;
    if (!pawl_sim_chance(w, 350)) return;
    t = add(w, PAWL_SIM_WAIT, PAWL_STR("wait"));
    t->driver = PAWL_DRIVER_SIGNAL;
    t->signal = PAWL_STR("go");
    t->signal_ns = pawl_sim_between(w, 1, 600) * PAWL_SIM_S;
    if (pawl_sim_chance(w, 300)) t->otherwise = PAWL_STR("{\"ref\":\"nobody came\"}");
    if (pawl_sim_chance(w, 400)) t->output = output;
}

/* A tool that starts a run of the last agent. */
static void draw_child(struct pawl_sim *w, struct pawl_schema *output)
{
    struct pawl_tool *t;
    if (!pawl_sim_chance(w, 350)) return;
    t = add(w, PAWL_SIM_CHILD, PAWL_STR("child"));
    w->helper = true;
    w->helper_helped = pawl_sim_chance(w, 300);
    t->driver = PAWL_DRIVER_AGENT;
    if (pawl_sim_chance(w, 700)) t->effect = PAWL_EFFECT_MUTATE;
    if (pawl_sim_chance(w, 200)) t->output = output;
    if (t->effect != PAWL_EFFECT_READ) draw_dedupe(w, t);
    t->scope = PAWL_SCOPE_RUN; /* a wider one is refused by the configuration: it could wait for itself */
}

static void name_child(struct pawl_sim *w)
{
    const uint32_t last = w->config.agents_count++;
    for (uint32_t i = 0; i < w->config.tools_count; i++)
        if (w->tools[i].role == PAWL_SIM_CHILD) w->contracts[i].child = pawl_sim_text(w, "agent%u", last);
}

/* Agents take all tools but the looks. */
static struct pawl_agent *draw_agents(struct pawl_sim *w, const struct pawl_tool *contracts)
{
    struct pawl_agent *agents = pawl_sim_get(w, (PAWL_SIM_AGENTS + 1) * sizeof *agents);
    const struct pawl_tool **tools = pawl_sim_get(w, (PAWL_SIM_TOOLS + 1) * sizeof *tools);
    const struct pawl_tool **plain = pawl_sim_get(w, (PAWL_SIM_TOOLS + 1) * sizeof *plain); /* that start nobody */
    uint32_t count = 0;
    for (uint32_t i = 0; i < w->config.tools_count; i++)
        if (w->tools[i].role != PAWL_SIM_LOOK && w->tools[i].role != PAWL_SIM_CHILD)
            plain[count] = &contracts[i], tools[count++] = &contracts[i];
    for (uint32_t i = 0; i < w->config.tools_count; i++)
        if (w->tools[i].role == PAWL_SIM_CHILD) tools[count] = &contracts[i];
    plain[count] = tools[count + w->helper] =
        &pawl_recall_tool; /* of those whose conversation has a limit: draw_context */
    for (uint32_t i = 0; i < w->config.agents_count; i++)
        agents[i] = (struct pawl_agent){.name = pawl_sim_text(w, "agent%u", i),
                                        .model = PAWL_STR("main"),
                                        .instructions = PAWL_STR("Do what is asked."),
                                        .tools = tools,
                                        .tools_count = count + w->helper};
    if (w->helper && !w->helper_helped) {
        agents[w->config.agents_count - 1].tools = plain;
        agents[w->config.agents_count - 1].tools_count = count;
    }
    return agents;
}

static void draw_limits(struct pawl_sim *w)
{
    struct pawl_schema *answer = NULL;
    for (uint32_t i = 0; i < w->config.agents_count; i++) {
        struct pawl_agent *a = &w->agents[i];
        const uint64_t dice = pawl_sim_below(w, 10);
        a->deadline_ns = dice < 4   ? 0
                         : dice < 6 ? pawl_sim_between(w, 30, 180) * PAWL_SIM_S
                                    : pawl_sim_between(w, 10, 60) * PAWL_SIM_MIN;
        if (pawl_sim_chance(w, 150)) a->ends_by_ns = pawl_sim_between(w, 10, 300) * PAWL_SIM_MIN;
        a->steps_max = (uint32_t)pawl_sim_between(w, 6, 30);
        if (!pawl_sim_chance(w, 250)) continue;
        if (!answer) answer = pawl_sim_schema(w, PAWL_STR("{\"type\":\"object\",\"required\":[\"done\"]}"), false);
        a->output = answer;
        a->output_json = PAWL_STR("{\"type\":\"object\",\"required\":[\"done\"]}");
    }
}

static struct pawl_guard guard(struct pawl_sim *w, enum pawl_guard_rule rule, int64_t low, int64_t high)
{
    static const enum pawl_guard_answer answers[] = {PAWL_GUARD_TELL, PAWL_GUARD_NARROW, PAWL_GUARD_ASK,
                                                     PAWL_GUARD_STOP};
    return (struct pawl_guard){.rule = rule,
                               .name = pawl_str_of(pawl_guard_name(rule)),
                               .limit = (uint32_t)pawl_sim_between(w, low, high),
                               .answer = answers[pawl_sim_below(w, 4)]};
}

/* What the two reads say is one fact, each says it for itself: they may differ. */
static void draw_facts(struct pawl_sim *w)
{
    struct pawl_fact_rule *rule = pawl_sim_get(w, sizeof *rule);
    static const struct pawl_str item = {"/item", 5};
    *rule = (struct pawl_fact_rule){.name = PAWL_STR("place"), .at = PAWL_STR("/ref")};
    if (pawl_sim_chance(w, 700))
        rule->about = &item, rule->about_count = 1, rule->about_said = true; /* it differs sooner */
    for (uint32_t i = 0; i < 2; i++) {
        struct pawl_tool *t = &w->contracts[i];
        if (pawl_sim_chance(w, 800)) t->facts = rule, t->facts_count = 1;
        t->untrusted = pawl_sim_chance(w, 300);
        t->egress = pawl_sim_chance(w, 300);
    }
}

/* By the seed alone, so that the worlds of all other seeds stay as they were. */
static uint32_t late_guards(const struct pawl_sim *w, uint32_t agent, struct pawl_guard *g)
{
    const uint64_t dice =
        (w->o->seed * UINT64_C(0xd6e8feb86659fd93) ^ (agent + 1) * UINT64_C(0xa0761d6478bd642f)) >> 24;
    uint32_t n = 0;
    if (dice % 3 == 0)
        g[n++] = (struct pawl_guard){.rule = PAWL_GUARD_UNVERIFIED_DEPTH,
                                     .limit = 1 + (uint32_t)(dice / 3 % 2),
                                     .answer = PAWL_GUARD_VERIFY};
    if (n && dice / 6 % 2)
        g[n++] = (struct pawl_guard){.rule = PAWL_GUARD_UNVERIFIED_DEPTH, .limit = 5, .answer = PAWL_GUARD_ASK};
    if (dice / 16 % 3 == 0)
        g[n++] = (struct pawl_guard){.rule = PAWL_GUARD_CONFIDENCE,
                                     .limit = 1,
                                     .bound = 0.5,
                                     .answer = dice / 64 % 4 == 0   ? PAWL_GUARD_TELL
                                               : dice / 64 % 4 == 3 ? PAWL_GUARD_STOP
                                                                    : PAWL_GUARD_NARROW};
    for (uint32_t i = 0; i < n; i++) g[i].name = pawl_str_of(pawl_guard_name(g[i].rule));
    return n;
}

/* Rules over a run as a whole, of a third of the seeds. */
static void draw_guards(struct pawl_sim *w)
{
    if (!pawl_sim_chance(w, 350)) return;
    draw_facts(w);
    for (uint32_t i = 0; i < w->config.agents_count; i++) {
        struct pawl_guard *g = pawl_sim_get(w, 13 * sizeof *g);
        uint32_t n = 0;
        if (pawl_sim_chance(w, 700)) g[n++] = guard(w, PAWL_GUARD_ERRORS, 1, 2);
        if (n && pawl_sim_chance(w, 500)) g[n++] = guard(w, PAWL_GUARD_ERRORS, 3, 4);
        if (pawl_sim_chance(w, 400)) g[n++] = guard(w, PAWL_GUARD_CHANGES, 1, 3);
        if (pawl_sim_chance(w, 300)) g[n++] = guard(w, PAWL_GUARD_SAME_CALL, 2, 3);
        if (pawl_sim_chance(w, 200)) g[n++] = guard(w, PAWL_GUARD_NO_PROGRESS, 2, 2);
        if (pawl_sim_chance(w, 400)) g[n++] = guard(w, PAWL_GUARD_CONTRADICTION, 1, 1);
        if (pawl_sim_chance(w, 300)) g[n++] = guard(w, PAWL_GUARD_STALENESS, 1, 1);
        if (n && g[n - 1].rule == PAWL_GUARD_STALENESS) g[n - 1].answer = PAWL_GUARD_VERIFY;
        if (pawl_sim_chance(w, 300)) g[n++] = guard(w, PAWL_GUARD_UNVERIFIED_INPUT, 1, 1);
        if (pawl_sim_chance(w, 300)) g[n++] = guard(w, PAWL_GUARD_EGRESS, 1, 1);
        n += late_guards(w, i, g + n);
        w->agents[i].guards = g;
        w->agents[i].guards_count = n;
    }
}

static void draw_model(struct pawl_sim *w)
{
    static const struct pawl_str second = {"second", 6};
    w->models = pawl_sim_get(w, 2 * sizeof *w->models);
    w->models[0] = (struct pawl_model){.name = PAWL_STR("main"),
                                       .provider = PAWL_PROVIDER_OPENAI,
                                       .base_url = PAWL_STR("https://model.sim/v1"),
                                       .model = PAWL_STR("sim"),
                                       .first_token_ns = 20 * PAWL_SIM_S};
    w->models[0].total_ns = pawl_sim_between(w, 10, 90) * PAWL_SIM_S;
    w->models[0].retry = (struct pawl_retry){.attempts = (uint32_t)pawl_sim_between(w, 2, 5),
                                             .first_ns = PAWL_SIM_S / 2,
                                             .max_ns = 30 * PAWL_SIM_S,
                                             .factor = 2,
                                             .jitter = PAWL_JITTER_FULL};
    draw_breaker(w, &w->models[0].breaker);
    w->config.models_count = 1;
    if (!pawl_sim_chance(w, 400)) return;
    w->models[1] = w->models[0];
    w->models[1].name = second;
    w->models[1].model = PAWL_STR("sim2");
    w->models[0].fallback = &second;
    w->models[0].fallback_count = 1;
    w->config.models_count = 2;
}

static int64_t some(struct pawl_sim *w, uint32_t chance, int64_t low, int64_t high)
{
    return pawl_sim_chance(w, chance) ? pawl_sim_between(w, low, high) : 0;
}

static void draw_budget(struct pawl_sim *w, struct pawl_budget *b, int64_t times)
{
    b->most[PAWL_BUDGET_STEPS] = some(w, 100, 4 * times, 40 * times);
    b->most[PAWL_BUDGET_TOKENS] = some(w, 400, 2000 * times, 20000 * times);
    b->most[PAWL_BUDGET_COST] = some(w, 400, 4000 * times, 40000 * times);
}

/* Budgets, for some: so small that they are spent at times. Every model has a price then. */
static void draw_budgets(struct pawl_sim *w)
{
    static const struct pawl_str second = {"second", 6};
    if (!pawl_sim_chance(w, 400)) return;
    for (uint32_t i = 0; i < w->config.models_count; i++) {
        w->models[i].price = (struct pawl_price){.known = true, .input_pusd = 2, .cached_pusd = 1, .output_pusd = 3};
        w->models[i].max_tokens = (uint32_t)pawl_sim_between(w, 50, 1500);
    }
    w->models[w->config.models_count - 1].price.input_pusd = pawl_sim_between(w, 0, 2);
    for (uint32_t i = 0; i < w->config.agents_count; i++) {
        struct pawl_agent *a = &w->agents[i];
        if (pawl_sim_chance(w, 600)) draw_budget(w, &a->budget, 1);
        a->budget.most[PAWL_BUDGET_STEPS] = 0; /* steps_max */
        if (pawl_sim_chance(w, 400)) draw_budget(w, &a->budget_day, 2);
        if (pawl_sim_chance(w, 200)) draw_budget(w, &a->budget_all, 3);
        if (pawl_sim_chance(w, 100)) a->budget_time_ns = pawl_sim_between(w, 1, 60) * PAWL_SIM_MIN;
        a->exhausted.ask = pawl_sim_chance(w, 500);
        a->exhausted.expires_ns = pawl_sim_between(w, 1, 60) * PAWL_SIM_MIN;
        if (w->config.models_count < 2) continue;
        if (pawl_sim_chance(w, 400))
            a->routing = (struct pawl_routing){.models = &second,
                                               .models_count = 1,
                                               .runs_min = (uint32_t)pawl_sim_between(w, 1, 3),
                                               .success = 70,
                                               .recent_ns = PAWL_SIM_H};
        if (!pawl_sim_chance(w, 500)) continue;
        a->exhausted.degrade = &second;
        a->exhausted.degrade_count = 1;
    }
    if (pawl_sim_chance(w, 300)) draw_budget(w, &w->config.budget_day, 3);
    if (pawl_sim_chance(w, 200)) draw_budget(w, &w->config.budget_all, 4);
}

/* So small that a few answers pass it. */
static void draw_context(struct pawl_sim *w)
{
    for (uint32_t i = 0; i < w->config.agents_count; i++) {
        struct pawl_agent *a = &w->agents[i];
        if (!pawl_sim_chance(w, 300)) continue;
        a->context = (struct pawl_context){.limit_tokens = (uint32_t)pawl_sim_between(w, 250, 700),
                                           .to_pct = (double)pawl_sim_between(w, 30, 90),
                                           .keep_last = (uint32_t)pawl_sim_between(w, 1, 8),
                                           .keep_first_user = pawl_sim_chance(w, 600),
                                           .prune = (enum pawl_prune)pawl_sim_below(w, 3),
                                           .failed_ends = pawl_sim_chance(w, 300)};
        if (pawl_sim_chance(w, 600)) a->context.summarize = w->models[pawl_sim_below(w, w->config.models_count)].name;
        a->tools_count++; /* recall */
    }
}

/* Some calls need the word of others: of a model, of a read, of a rule. */
static void draw_opinions(struct pawl_sim *w)
{
    struct pawl_schema *rule = NULL, *any = NULL;
    for (uint32_t i = 0; i < w->config.agents_count; i++) {
        struct pawl_opinion *by = pawl_sim_get(w, 3 * sizeof *by);
        struct pawl_str *tools = pawl_sim_get(w, PAWL_SIM_TOOLS * sizeof *tools);
        struct pawl_second_opinion *o = &w->agents[i].opinion;
        if (!pawl_sim_chance(w, 250)) continue;
        if (!rule)
            rule =
                pawl_sim_schema(w,
                                PAWL_STR("{\"properties\":{\"args\":{\"properties\":{\"amount\":{\"maximum\":3}}}}}"),
                                false);
        if (!any) any = pawl_sim_schema(w, PAWL_STR("{\"type\":\"object\"}"), false);
        *o = (struct pawl_second_opinion){.tools = tools, .by = by, .failed_agrees = pawl_sim_chance(w, 300)};
        for (uint32_t t = 0; t < w->config.tools_count; t++)
            if (w->tools[t].role == PAWL_SIM_CHANGE && pawl_sim_chance(w, 500))
                tools[o->tools_count++] = w->contracts[t].name;
        by[o->by_count++] = (struct pawl_opinion){.of = PAWL_OPINION_MODEL,
                                                  .name = w->models[pawl_sim_below(w, w->config.models_count)].name};
        if (pawl_sim_chance(w, 400))
            by[o->by_count++] =
                (struct pawl_opinion){.of = PAWL_OPINION_TOOL, .name = w->contracts[0].name, .expect = any};
        if (pawl_sim_chance(w, 400)) by[o->by_count++] = (struct pawl_opinion){.of = PAWL_OPINION_RULE, .expect = rule};
        o->needed = (uint32_t)pawl_sim_between(w, 1, o->by_count);
        o->otherwise = (enum pawl_disagreed)pawl_sim_below(w, 3);
    }
}

/* Lanes and pools, for some: small ones, so that runs stand in line. */
static void draw_bulkheads(struct pawl_sim *w)
{
    struct pawl_pool *pools = pawl_sim_get(w, 2 * sizeof *pools);
    struct pawl_lane *lanes = pawl_sim_get(w, 2 * sizeof *lanes);
    if (!pawl_sim_chance(w, 400)) return;
    w->config.pools = pools;
    w->config.lanes = lanes;
    w->config.pools_count = w->config.lanes_count = 2;
    for (uint32_t i = 0; i < 2; i++) {
        struct pawl_lane_share *share = pawl_sim_get(w, sizeof *share);
        pools[i].name = pawl_sim_text(w, "pool%u", i);
        if (pawl_sim_chance(w, 700)) pools[i].concurrency = (uint32_t)pawl_sim_between(w, 1, 4);
        pools[i].adaptive = pools[i].concurrency && pawl_sim_chance(w, 300);
        if (pawl_sim_chance(w, 400)) pools[i].requests_per_minute = pawl_sim_between(w, 6, 120);
        if (pawl_sim_chance(w, 300)) pools[i].tokens_per_minute = pawl_sim_between(w, 2000, 60000);
        lanes[i].name = pawl_sim_text(w, "lane%u", i);
        lanes[i].weight = (uint32_t)pawl_sim_between(w, 1, 4);
        if (pawl_sim_chance(w, 600)) lanes[i].concurrency = (uint32_t)pawl_sim_between(w, 1, 3);
        if (pawl_sim_chance(w, 400)) lanes[i].memory_bytes = pawl_sim_between(w, 1, 40) * 1024; /* a run or a few */
        const int64_t part = pawl_sim_between(w, 10, 60); /* at times the two have all of it */
        *share = (struct pawl_lane_share){.pool = pools[0].name, .percent = part > 50 ? 50 : (double)part};
        lanes[i].shares = share;
        lanes[i].shares_count = pawl_sim_chance(w, 500);
    }
    for (uint32_t i = 0; i < w->config.agents_count; i++)
        if (pawl_sim_chance(w, 800)) w->agents[i].lane = lanes[pawl_sim_below(w, 2)].name;
    for (uint32_t i = 0; i < w->config.models_count; i++)
        if (pawl_sim_chance(w, 700)) w->models[i].pool = pools[0].name;
    for (uint32_t i = 0; i < w->config.tools_count; i++)
        if (pawl_sim_chance(w, 400)) w->contracts[i].pool = pools[pawl_sim_below(w, 2)].name;
}

/* The same configuration on a day when its variables point elsewhere: same text, same hash, other targets. */
static void make_twin(struct pawl_sim *w)
{
    w->twin_contracts = pawl_sim_get(w, PAWL_SIM_TOOLS * sizeof *w->twin_contracts);
    memcpy(w->twin_contracts, w->contracts, PAWL_SIM_TOOLS * sizeof *w->contracts);
    for (uint32_t i = 0; i < w->config.tools_count; i++) {
        struct pawl_tool *t = &w->twin_contracts[i];
        if (t->driver == PAWL_DRIVER_HTTP)
            t->url = pawl_sim_text(w, "https://moved.sim%s", t->url.p + strlen("https://tools.sim"));
    }
    w->twin = w->config;
    w->twin.tools = w->twin_contracts;
    w->twin_agents = draw_agents(w, w->twin_contracts);
    for (uint32_t i = 0; i < w->config.agents_count; i++) {
        const struct pawl_tool *const *tools = w->twin_agents[i].tools;
        w->twin_agents[i] = w->agents[i];
        w->twin_agents[i].tools = tools;
    }
    w->twin.agents = w->twin_agents;
}

void pawl_sim_draw_config(struct pawl_sim *w)
{
    const uint32_t changes = (uint32_t)pawl_sim_between(w, 1, 4);
    struct pawl_schema *input = pawl_sim_schema(w, PAWL_STR("{\"type\":\"object\",\"required\":[\"item\"]}"), false);
    struct pawl_schema *output = pawl_sim_schema(w, PAWL_STR("{\"type\":\"object\",\"required\":[\"ref\"]}"), false);
    int64_t remembered_ns = 24 * PAWL_SIM_H;
    w->contracts = pawl_sim_get(w, PAWL_SIM_TOOLS * sizeof *w->contracts);
    draw_reads(w, output);
    for (uint32_t i = 0; i < changes; i++) draw_change(w, i, input, output);
    draw_wait(w, output);
    draw_child(w, output);
    w->config.agents_count = (uint32_t)pawl_sim_between(w, 1, PAWL_SIM_AGENTS);
    if (w->helper) name_child(w);
    w->agents = draw_agents(w, w->contracts);
    draw_limits(w);
    draw_model(w);
    w->config.models = w->models;
    draw_context(w);
    pawl_sim_draw_interrupts(w);
    draw_opinions(w);
    draw_bulkheads(w);
    draw_budgets(w);
    draw_guards(w);
    pawl_sim_draw_checks(w);
    w->config.tools = w->contracts;
    w->config.agents = w->agents;
    w->config.sync_every_step = pawl_sim_chance(w, 100);
    w->config.json = pawl_sim_text(w, "{\"sim\":\"%llu\"}", (unsigned long long)w->o->seed);
    w->config.hash = pawl_sha256(w->config.json.p, w->config.json.n);
    make_twin(w);
    /* A wall clock that steps back makes a key look younger than it is: by less than the 5 % that the engine allows for. */
    for (uint32_t i = 0; i < w->config.tools_count; i++)
        if (w->contracts[i].remembered_for_ns < remembered_ns) remembered_ns = w->contracts[i].remembered_for_ns;
    w->wall_back_max_ns = remembered_ns / 30;
}

int pawl_sim_tool_index(const struct pawl_sim *w, struct pawl_str name)
{
    for (uint32_t i = 0; i < w->config.tools_count; i++)
        if (pawl_str_eq(w->contracts[i].name, name)) return (int)i;
    return -1;
}

bool pawl_sim_must_ask(const struct pawl_sim *w, int tool, yyjson_val *args)
{
    const struct pawl_tool *t = &w->contracts[tool];
    yyjson_val *amount = yyjson_obj_get(args, "amount");
    if (t->gate == PAWL_GATE_ALWAYS) return true;
    if (t->gate == PAWL_GATE_NONE) return t->effect == PAWL_EFFECT_IRREVERSIBLE;
    return !yyjson_is_num(amount) || yyjson_get_num(amount) > (double)w->tools[tool].gate_over;
}
