/* src/contract/config_agents.c - agents: a model, instructions, the tools that it may call, and how long it may go on. */
#include "contract/config_read.h"

static const int64_t minute = INT64_C(60000000000);

static void read_model(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_agent *a)
{
    struct pawl_near near;
    if (!pawl_reader_need(r, v, "model", "name one of the models")) return;
    if (!pawl_reader_text(r, v, "model", &a->model) || pawl_config_model(r->config, a->model)) return;
    near = (struct pawl_near){.name = a->model};
    for (uint32_t i = 0; pawl_reader_suggests(r) && i < r->config->models_count; i++)
        pawl_near_try(&near, r->config->models[i].name);
    pawl_reader_dangling(r, pawl_reader_get(v, "model"), "model", &near);
}

static void add_tool(struct pawl_reader *r, const struct pawl_yaml *v, const struct pawl_tool **tools,
                     struct pawl_agent *a)
{
    const struct pawl_tool *found = v->kind == PAWL_YAML_TEXT ? pawl_config_tool(r->config, v->text) : NULL;
    struct pawl_near near = {.name = v->text};
    if (v->kind != PAWL_YAML_TEXT) {
        pawl_reader_expected(r, v, "tools", "the name of a tool");
    } else if (!found) {
        for (uint32_t i = 0; pawl_reader_suggests(r) && i < r->config->tools_count; i++)
            pawl_near_try(&near, r->config->tools[i].name);
        pawl_reader_dangling(r, v, "tool", &near);
    } else if (pawl_agent_tool(a, v->text)) {
        pawl_fault(r->faults, v->line, v->column, "keep one of the two", "tools: '%.*s' stands twice", (int)v->text.n,
                   v->text.p);
    } else {
        tools[a->tools_count++] = found;
    }
}

static void read_tools(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_agent *a)
{
    const struct pawl_yaml *list = pawl_reader_list(r, v, "tools");
    const struct pawl_tool **tools =
        pawl_arena_zeroed(r->arena, ((list ? list->count : 0) + 1) * sizeof *tools); /* one more: recall */
    if (!tools) return;
    a->tools = tools;
    if (!list) return;
    for (uint32_t i = 0; i < list->count; i++) add_tool(r, list->items[i], tools, a);
}

static void read_agent(struct pawl_reader *r, const struct pawl_yaml_member *member, struct pawl_agent *a)
{
    static const char *const known[] = {"model",   "instructions",   "tools", "deadline", "ends_by",
                                        "budget",  "output",         "lane",  "routing",  "guards",
                                        "context", "second_opinion", NULL};
    static const char *const later[] = {"on", "properties", NULL};
    const struct pawl_yaml *v = member->value;
    a->name = member->key;
    a->line = member->line;
    a->instructions = PAWL_STR("");
    a->deadline_ns = 30 * minute;
    a->steps_max = 50;
    pawl_reader_name(r, member, "agents", true);
    if (v->kind != PAWL_YAML_MAP) {
        pawl_reader_expected(r, v, a->name.p, "a mapping with model, tools, instructions");
        return;
    }
    pawl_reader_keys(r, v, known, later);
    read_model(r, v, a);
    pawl_reader_text(r, v, "instructions", &a->instructions);
    read_tools(r, v, a);
    pawl_reader_lane(r, v, &a->lane);
    pawl_reader_duration(r, v, "deadline", 1, &a->deadline_ns);
    pawl_reader_duration(r, v, "ends_by", 1, &a->ends_by_ns);
    pawl_reader_budget(r, v, a);
    pawl_reader_routing(r, v, a);
    pawl_read_context(r, v, a);
    pawl_reader_schema(r, v, "output", 0, &a->output, &a->output_json);
    pawl_read_guards(r, v, a);
    pawl_read_opinion(r, v, a);
}

void pawl_read_agents(struct pawl_reader *r, const struct pawl_yaml *agents)
{
    struct pawl_agent *made = pawl_arena_zeroed(r->arena, agents->count * sizeof *made);
    if (!pawl_reader_few(r, agents, "agents", 1024)) return;
    if (!made) return;
    r->config->agents = made;
    r->config->agents_count = agents->count;
    for (uint32_t i = 0; i < agents->count; i++) read_agent(r, &agents->members[i], &made[i]);
}
