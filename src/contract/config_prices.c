/* src/contract/config_prices.c - what a limit asks of the models, once all is read: a limit of money needs the price of every
 * model that may be asked for it, one of tokens or money a bound of every answer. */
#include "contract/config_read.h"

enum { OUTPUT_TOKENS = 4096 }; /* the bound of an answer where a budget needs one and none is given */

static bool agent_limits(const struct pawl_config *c, const struct pawl_agent *a, enum pawl_budget_of of)
{
    return a->budget.most[of] > 0 || a->budget_all.most[of] > 0 || a->budget_day.most[of] > 0 ||
           c->budget_all.most[of] > 0 || c->budget_day.most[of] > 0;
}

/* What a run may come to, from the agent that it is of. */
struct reach {
    const struct pawl_config *c;
    const struct pawl_agent **models; /* by each model: the agent that may ask it; NULL: none does */
    const struct pawl_tool **tools;   /* those found so far, */
    bool *found, *started;            /* by each tool, by each agent of the configuration */
    uint32_t tools_count;
};

static void ask(struct reach *at, const struct pawl_agent *a, struct pawl_str name)
{
    const struct pawl_model *m = name.p ? pawl_config_model(at->c, name) : NULL;
    if (m && !at->models[m - at->c->models]) at->models[m - at->c->models] = a;
}

/* A model, and those that are asked where it cannot be. */
static void ask_first(struct reach *at, const struct pawl_agent *a, struct pawl_str name)
{
    const struct pawl_model *m = name.p ? pawl_config_model(at->c, name) : NULL;
    ask(at, a, name);
    for (uint32_t i = 0; m && i < m->fallback_count; i++) ask(at, a, m->fallback[i]);
}

static void ask_all(struct reach *at, const struct pawl_agent *a)
{
    ask_first(at, a, a->model);
    ask_first(at, a, a->context.summarize);
    for (uint32_t i = 0; i < a->opinion.by_count; i++)
        if (a->opinion.by[i].of == PAWL_OPINION_MODEL) ask_first(at, a, a->opinion.by[i].name);
    for (uint32_t i = 0; i < a->routing.models_count; i++) ask(at, a, a->routing.models[i]);
    for (uint32_t i = 0; i < a->exhausted.degrade_count; i++) ask(at, a, a->exhausted.degrade[i]);
}

/* By its name: recall is nobody's tool, and not of the configuration. */
static void use(struct reach *at, struct pawl_str name)
{
    const struct pawl_tool *t = name.p ? pawl_config_tool(at->c, name) : NULL;
    if (!t || at->found[t - at->c->tools]) return;
    at->found[t - at->c->tools] = true;
    at->tools[at->tools_count++] = t;
}

static void start(struct reach *at, const struct pawl_agent *a)
{
    if (!a || at->started[a - at->c->agents]) return;
    at->started[a - at->c->agents] = true;
    ask_all(at, a);
    for (uint32_t i = 0; i < a->tools_count; i++) use(at, a->tools[i]->name);
    for (uint32_t i = 0; i < a->opinion.by_count; i++)
        if (a->opinion.by[i].of == PAWL_OPINION_TOOL) use(at, a->opinion.by[i].name);
}

/* The agents that its tools start, and what is called for them, to the end: each tool and each agent counts once. */
static void follow(struct reach *at)
{
    for (uint32_t i = 0; i < at->tools_count; i++) {
        const struct pawl_tool *t = at->tools[i];
        if (t->child.p) start(at, pawl_config_agent(at->c, t->child));
        if (t->fallback.kind == PAWL_FALLBACK_TOOL) use(at, t->fallback.tool);
        use(at, t->verify.tool);
        use(at, t->before.tool);
        use(at, t->after.tool);
        use(at, t->undo_tool);
    }
}

static void need_price(struct pawl_reader *r, const struct pawl_agent *a, const struct pawl_agent *asks,
                       const struct pawl_model *m)
{
    if (m->price.known) return;
    if (a == asks)
        pawl_fault(r->faults, m->line, 0, "give it one: price: {input: 0.25, output: 2.00}",
                   "model '%.*s' has no price, and agent '%.*s' goes by what it costs", (int)m->name.n, m->name.p,
                   (int)a->name.n, a->name.p);
    else
        pawl_fault(r->faults, m->line, 0, "give it one: price: {input: 0.25, output: 2.00}",
                   "model '%.*s' has no price, and agent '%.*s' pays for what agent '%.*s' spends", (int)m->name.n,
                   m->name.p, (int)a->name.n, a->name.p, (int)asks->name.n, asks->name.p);
}

static void need_prices(struct pawl_reader *r, const struct pawl_agent *a)
{
    const struct pawl_config *c = r->config;
    struct reach at = {.c = c};
    at.models = pawl_arena_zeroed(r->arena, (c->models_count + 1) * sizeof *at.models);
    at.tools = pawl_arena_zeroed(r->arena, (c->tools_count + 1) * sizeof *at.tools);
    at.found = pawl_arena_zeroed(r->arena, c->tools_count + 1);
    at.started = pawl_arena_zeroed(r->arena, c->agents_count + 1);
    if (!at.models || !at.tools || !at.found || !at.started) return;
    if (agent_limits(c, a, PAWL_BUDGET_COST)) {
        ask_all(&at, a);
    } else { /* only which of them is cheaper has to be known */
        ask(&at, a, a->model);
        for (uint32_t i = 0; i < a->routing.models_count; i++) ask(&at, a, a->routing.models[i]);
    }
    if (a->budget.most[PAWL_BUDGET_COST]) { /* a run pays for those that it starts */
        start(&at, a);
        follow(&at);
    }
    for (uint32_t i = 0; i < c->models_count; i++)
        if (at.models[i]) need_price(r, a, at.models[i], &c->models[i]);
}

void pawl_link_prices(struct pawl_reader *r, struct pawl_model *models)
{
    const struct pawl_config *c = r->config;
    bool bounded = false;
    for (uint32_t i = 0; i < c->agents_count; i++) {
        const struct pawl_agent *a = &c->agents[i];
        const bool cost = agent_limits(c, a, PAWL_BUDGET_COST);
        bounded = bounded || cost || agent_limits(c, a, PAWL_BUDGET_TOKENS);
        if (cost || a->routing.models_count) need_prices(r, a);
    }
    for (uint32_t i = 0; bounded && i < c->models_count; i++)
        if (!models[i].max_tokens) models[i].max_tokens = OUTPUT_TOKENS;
}
