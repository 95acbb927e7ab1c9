/* src/contract/config_child.c - tools that start another agent of this configuration: agent: NAME, or {name, input}. What such
 * a tool does to the world is what its agent's tools do: the strongest of their effects, unless it declares one. */
#include "contract/config_read.h"

void pawl_read_child(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_tool *t)
{
    static const char *const known[] = {"name", "input", NULL};
    static const char *const useless[] = {"timeout", "retry", "breaker", "pool",  "limits", "errors",
                                          "fresh",   "key",   "verify",  "hedge", NULL};
    const struct pawl_yaml *agent = pawl_reader_get(v, "agent"), *input;
    t->driver = PAWL_DRIVER_AGENT;
    for (const char *const *k = useless; *k; k++) {
        const struct pawl_yaml_member *m = pawl_yaml_member(v, *k);
        if (m)
            pawl_fault(r->faults, m->line, m->column, "leave it out, or say it of the agent",
                       "%s: a run of another agent has its own limits, and what became of it is always known", *k);
    }
    if (agent->kind == PAWL_YAML_TEXT) {
        pawl_reader_text(r, v, "agent", &t->child);
        return;
    }
    if (agent->kind != PAWL_YAML_MAP) {
        pawl_reader_expected(r, agent, "agent", "the name of an agent, or a mapping with name and input");
        return;
    }
    pawl_reader_keys(r, agent, known, NULL);
    if (pawl_reader_need(r, agent, "name", "name one of the agents")) pawl_reader_text(r, agent, "name", &t->child);
    if ((input = pawl_reader_get(agent, "input")) != NULL)
        pawl_reader_json(r, input, "input", PAWL_ARG_ARGS | PAWL_ARG_RUN, &t->child_input);
}

static const struct pawl_agent *find(struct pawl_reader *r, const struct pawl_yaml *v, const struct pawl_tool *t)
{
    const struct pawl_config *c = r->config;
    const struct pawl_agent *found = pawl_config_agent(c, t->child);
    struct pawl_near near = {.name = t->child};
    const struct pawl_yaml *at = pawl_reader_get(v, "agent");
    if (found || !t->child.p) return found;
    for (uint32_t i = 0; pawl_reader_suggests(r) && i < c->agents_count; i++) pawl_near_try(&near, c->agents[i].name);
    if (at->kind == PAWL_YAML_MAP) at = pawl_reader_get(at, "name");
    pawl_reader_dangling(r, at, "agent", &near);
    return NULL;
}

/* One that holds a claim for all, and waits for others who may want it, could wait for itself. */
static void check_scope(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_tool *t)
{
    const struct pawl_yaml *dedupe = pawl_reader_get(v, "dedupe"), *at;
    if (t->scope == PAWL_SCOPE_RUN || !dedupe || dedupe->kind != PAWL_YAML_MAP) return;
    at = pawl_reader_get(dedupe, "scope");
    pawl_fault(r->faults, at->line, at->column, "write scope: run, and a wider one for the tools of that agent",
               "dedupe: a run that starts another holds no claim wider than itself");
}

static enum pawl_effect strongest(const struct pawl_agent *a)
{
    enum pawl_effect effect = PAWL_EFFECT_READ;
    for (uint32_t i = 0; i < a->tools_count; i++)
        if (a->tools[i]->effect > effect) effect = a->tools[i]->effect;
    return effect;
}

/* The defaults that follow from an effect (config_effects.c), for one that is known only now. */
static void settle(const struct pawl_yaml *v, struct pawl_tool *t)
{
    const bool hard = t->effect == PAWL_EFFECT_IRREVERSIBLE;
    if (!pawl_reader_get(v, "gate")) t->gate = hard ? PAWL_GATE_ALWAYS : PAWL_GATE_NONE;
    if (!pawl_reader_get(v, "repeat")) t->repeat = hard ? PAWL_REPEAT_CONFIRM : PAWL_REPEAT_ANSWER;
}

void pawl_link_children(struct pawl_reader *r)
{
    struct pawl_tool *tools = (struct pawl_tool *)(uintptr_t)r->config->tools; /* being made */
    bool more = true;
    for (uint32_t i = 0; i < r->config->tools_count; i++) {
        struct pawl_tool *t = &tools[i];
        if (t->driver != PAWL_DRIVER_AGENT) continue;
        if (!find(r, r->tool_nodes[i], t)) t->child = (struct pawl_str){NULL, 0};
        if (r->tool_nodes[i]->kind == PAWL_YAML_MAP) check_scope(r, r->tool_nodes[i], t);
        if (!t->effect_declared) t->effect = PAWL_EFFECT_READ;
    }
    while (more) { /* agents may start one another: it ends, for an effect only grows */
        more = false;
        for (uint32_t i = 0; i < r->config->tools_count; i++) {
            struct pawl_tool *t = &tools[i];
            const struct pawl_agent *a = t->driver == PAWL_DRIVER_AGENT ? pawl_config_agent(r->config, t->child) : NULL;
            if (!a || t->effect_declared || strongest(a) <= t->effect) continue;
            t->effect = strongest(a);
            more = true;
        }
    }
    for (uint32_t i = 0; i < r->config->tools_count; i++)
        if (tools[i].driver == PAWL_DRIVER_AGENT && r->tool_nodes[i]->kind == PAWL_YAML_MAP)
            settle(r->tool_nodes[i], &tools[i]);
}
