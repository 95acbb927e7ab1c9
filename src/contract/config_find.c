/* src/contract/config_find.c - models, tools, agents, pools and lanes by their names. There are few: a walk is fine. */
#include "contract/contract.h"

const struct pawl_model *pawl_config_model(const struct pawl_config *c, struct pawl_str name)
{
    for (uint32_t i = 0; i < c->models_count; i++)
        if (pawl_str_eq(c->models[i].name, name)) return &c->models[i];
    return NULL;
}

const struct pawl_tool *pawl_config_tool(const struct pawl_config *c, struct pawl_str name)
{
    for (uint32_t i = 0; i < c->tools_count; i++)
        if (pawl_str_eq(c->tools[i].name, name)) return &c->tools[i];
    return NULL;
}

const struct pawl_agent *pawl_config_agent(const struct pawl_config *c, struct pawl_str name)
{
    for (uint32_t i = 0; i < c->agents_count; i++)
        if (pawl_str_eq(c->agents[i].name, name)) return &c->agents[i];
    return NULL;
}

const struct pawl_pool *pawl_config_pool(const struct pawl_config *c, struct pawl_str name)
{
    for (uint32_t i = 0; i < c->pools_count; i++)
        if (pawl_str_eq(c->pools[i].name, name)) return &c->pools[i];
    return NULL;
}

const struct pawl_lane *pawl_config_lane(const struct pawl_config *c, struct pawl_str name)
{
    for (uint32_t i = 0; i < c->lanes_count; i++)
        if (pawl_str_eq(c->lanes[i].name, name)) return &c->lanes[i];
    return NULL;
}

const struct pawl_tool *pawl_agent_tool(const struct pawl_agent *a, struct pawl_str name)
{
    for (uint32_t i = 0; i < a->tools_count; i++)
        if (pawl_str_eq(a->tools[i]->name, name)) return a->tools[i];
    return NULL;
}
