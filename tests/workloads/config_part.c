/* tests/workloads/config_part.c - what the configuration says of the part that is switched on (part.h). */
#include "config.h"

/* ---- a tool that is a run of another agent, with one tool of its own ---- */

bool wl_by_child(const struct wl_config *c, const struct wl_tool *t)
{
    return c->part == WL_CHILDREN && t->effect != WL_READ;
}

void wl_config_child(const struct wl_tool *t, struct pawl_buf *out)
{
    pawl_buf_printf(out, "    agent: {name: kid_%s, input: {rec: {$arg: /run/key}, args: {$arg: /args}}}\n", t->name);
}

void wl_config_child_tool(const struct wl_config *c, const struct wl_tool *t, struct pawl_buf *out)
{
    pawl_buf_printf(out,
                    "  do_%s:\n    http: {method: POST, url: \"%s/tools/{run.input.rec}/%s\"}\n    effect: %s\n"
                    "    key: {header: Idempotency-Key}\n    input: ",
                    t->name, c->url, t->name, t->effect == WL_IDEMPOTENT ? "idempotent" : "mutate");
    pawl_json_write(yyjson_obj_get(t->v, "input_schema"), out);
    pawl_buf_char(out, '\n');
}

void wl_config_child_agent(const struct wl_tool *t, struct pawl_buf *out)
{
    pawl_buf_printf(out, "  kid_%s:\n    model: kid\n    tools: [do_%s]\n", t->name, t->name);
    if (!t->json) return;
    pawl_buf_text(out, "    output: ");
    pawl_json_write(yyjson_obj_get(yyjson_obj_get(t->v, "output"), "schema"), out);
    pawl_buf_char(out, '\n');
}

/* ---- models beside those of the recordings ---- */

static void add_model(const struct wl_config *c, const char *name, struct pawl_buf *out)
{
    pawl_buf_printf(out, "  %s: {provider: openai, base_url: \"%s/v1\", model: %s}\n", name, c->url, name);
}

void wl_config_models(const struct wl_config *c, const struct wl_recording *const *chunk, uint32_t count,
                      struct pawl_buf *out)
{
    if (c->schedules) pawl_buf_text(out, "  ticker: {provider: script, script: [{call: {tick: {}}}, {say: done}]}\n");
    if (c->part == WL_CHILDREN) add_model(c, "kid", out);
    if (c->part == WL_CONTEXT) add_model(c, "recap", out);
    for (uint32_t i = 0; c->part == WL_OPINIONS && i < count; i++) {
        char name[8];
        snprintf(name, sizeof name, "j%s", chunk[i]->name + 1);
        add_model(c, name, out);
    }
}

/* ---- agents ---- */

static void add_budget(const struct wl_recording *r, uint32_t room, struct pawl_buf *out)
{
    const unsigned long long limit = wl_allowance_limit(r);
    switch (wl_allowance_of(r)) {
    case WL_STEPS: pawl_buf_printf(out, "    budget: {steps: %llu}\n", limit); break;
    case WL_TOKENS: pawl_buf_printf(out, "    budget: {steps: %u, tokens: %llu}\n", r->steps + room, limit); break;
    case WL_COST: /* a token is a millionth of a dollar */
        pawl_buf_printf(out, "    budget: {steps: %u, cost: \"%llu.%06llu USD\"}\n", r->steps + room, limit / 1000000,
                        limit % 1000000);
        break;
    case WL_ASKS:
        pawl_buf_printf(out, "    budget: {steps: %u, tokens: %llu, exhausted: ask}\n", r->steps + room, limit);
        break;
    case WL_AMPLE: pawl_buf_printf(out, "    budget: {steps: %u, tokens: 1000M}\n", r->steps + room); break;
    }
}

static void add_context(const struct wl_recording *r, uint32_t room, struct pawl_buf *out)
{
    static const char *const how[] = {"prune: tool_results", "prune: exchanges", "prune: exchanges, summarize: recap"};
    pawl_buf_printf(out,
                    "    budget: {steps: %u, context: %u}\n    context: {keep: [system, first_user, last: 4], %s}\n",
                    2 * r->steps + room, wl_context_limit(r), how[r->index % 3]);
}

static void add_opinions(const struct wl_recording *r, struct pawl_buf *out)
{
    static const char *const otherwise[] = {"tell", "ask", "stop"};
    bool more = false;
    pawl_buf_text(out, "    second_opinion:\n      for: [");
    for (uint32_t i = 0; i < r->env->tools_count; i++) {
        if (r->env->tools[i].effect == WL_READ) continue;
        pawl_buf_printf(out, "%s%s", more ? ", " : "", r->env->tools[i].name);
        more = true;
    }
    pawl_buf_printf(out, "]\n      by: [j%s, {rule: {properties: {args: {type: object}}}}]\n      otherwise: %s\n",
                    r->name + 1, otherwise[r->index % 3]);
}

void wl_config_agent(const struct wl_config *c, const struct wl_recording *r, uint32_t room, struct pawl_buf *out)
{
    const uint32_t opinions = c->part == WL_OPINIONS ? r->calls_count * 2 : 0;
    const uint32_t asked = c->part == WL_GUARDS ? 20 : c->part == WL_CHECKS ? r->calls_count * 2 : 0;
    const bool stopped = c->part == WL_UNDO && wl_undoing_of(r) == WL_UNDO_STOPPED;
    if (c->part == WL_BUDGETS) add_budget(r, room, out);
    else if (c->part == WL_CONTEXT) add_context(r, room, out);
    else if (stopped) pawl_buf_printf(out, "    budget: {steps: %u}\n", r->steps / 2 + 1);
    else pawl_buf_printf(out, "    budget: {steps: %u}\n", r->steps + room + opinions + asked);
    if (c->part == WL_OPINIONS) add_opinions(r, out);
    if (c->part != WL_GUARDS) pawl_buf_text(out, "    guards: none\n");
    else if (r->index % 2) /* else those that pawl has by default */
        pawl_buf_text(out,
                      "    guards: {errors_in_a_row: {2: narrow, 4: stop}, destructive_in_a_row: {2: narrow, 3: ask},"
                      " same_call: {2: ask, 3: stop}, unverified_depth: {2: tell}}\n");
}
