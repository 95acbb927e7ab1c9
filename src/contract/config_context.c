/* src/contract/config_context.c - budget.context and context: what of a conversation is kept, and what becomes of the rest. */
#include "contract/config_read.h"

#define TEXT(t)         \
    {                   \
        t, sizeof t - 1 \
    }
const struct pawl_tool pawl_recall_tool = {
    .name = TEXT("recall"),
    .description = TEXT("Read again what was left out of this conversation to save room: what a step answered, by its "
                        "number. A long answer comes in pieces: `from` is where the next one begins."),
    .driver = PAWL_DRIVER_JOURNAL,
    .input_json =
        TEXT("{\"properties\":{\"from\":{\"minimum\":0,\"type\":\"integer\"},\"step\":{\"minimum\":1,\"type\":"
             "\"integer\"}},\"required\":[\"step\"],\"type\":\"object\"}"),
    .effect = PAWL_EFFECT_READ,
    .effect_declared = true,
    .timeout_ns = 1000000000};

enum { LIMIT_MAX = 100000000, KEEP_MAX = 100000 };

/* system | first_user | last: N */
static void read_kept(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_context *c)
{
    if (v->kind == PAWL_YAML_MAP) {
        static const char *const known[] = {"last", NULL};
        pawl_reader_keys(r, v, known, NULL);
        pawl_reader_count(r, v, "last", KEEP_MAX, &c->keep_last);
    } else if (v->kind == PAWL_YAML_TEXT && pawl_str_is(v->text, "first_user")) {
        c->keep_first_user = true;
    } else if (v->kind != PAWL_YAML_TEXT || !pawl_str_is(v->text, "system")) { /* instructions are always kept */
        pawl_reader_expected(r, v, "keep", "system, first_user or last: NUMBER");
    }
}

static void read_summarize(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_context *c)
{
    struct pawl_near near;
    if (!pawl_reader_text(r, v, "summarize", &c->summarize) || pawl_config_model(r->config, c->summarize)) return;
    near = (struct pawl_near){.name = c->summarize};
    for (uint32_t i = 0; pawl_reader_suggests(r) && i < r->config->models_count; i++)
        pawl_near_try(&near, r->config->models[i].name);
    pawl_reader_dangling(r, pawl_reader_get(v, "summarize"), "model", &near);
}

static void read_how(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_context *c)
{
    static const char *const known[] = {"keep", "prune", "summarize", "failed", "to", NULL};
    static const char *const prunes[] = {"none", "tool_results", "exchanges", NULL}, *const failed[] = {"prune", "end",
                                                                                                        NULL};
    const struct pawl_yaml *keep;
    int choice;
    pawl_reader_keys(r, v, known, NULL);
    if ((keep = pawl_reader_list(r, v, "keep")) != NULL) {
        c->keep_first_user = false;
        for (uint32_t i = 0; i < keep->count; i++) read_kept(r, keep->items[i], c);
    }
    if (pawl_reader_choice(r, v, "prune", prunes, &choice)) c->prune = (enum pawl_prune)choice;
    if (pawl_reader_choice(r, v, "failed", failed, &choice)) c->failed_ends = choice == 1;
    pawl_reader_share(r, v, "to", &c->to_pct);
    read_summarize(r, v, c);
    if (pawl_reader_get(v, "failed") && !pawl_reader_get(v, "summarize"))
        pawl_fault(r->faults, pawl_reader_get(v, "failed")->line, pawl_reader_get(v, "failed")->column,
                   "add summarize: MODEL, or leave it out", "failed: there is no summary that could fail");
}

static void add_recall(struct pawl_reader *r, const struct pawl_yaml *at, struct pawl_agent *a)
{
    const struct pawl_tool **tools = (const struct pawl_tool **)a->tools;
    if (!tools) return;
    if (pawl_agent_tool(a, pawl_recall_tool.name))
        pawl_fault(r->faults, at->line, at->column, "call the tool otherwise",
                   "context: 'recall' is pawl's own tool where budget.context is set");
    else tools[a->tools_count++] = &pawl_recall_tool;
}

void pawl_read_context(struct pawl_reader *r, const struct pawl_yaml *agent, struct pawl_agent *a)
{
    const struct pawl_yaml *v = pawl_reader_map(r, agent, "context"), *budget = pawl_reader_get(agent, "budget");
    const struct pawl_yaml *limit = budget && budget->kind == PAWL_YAML_MAP ? pawl_reader_get(budget, "context") : NULL;
    struct pawl_context *c = &a->context;
    *c = (struct pawl_context){.to_pct = 60, .keep_last = 12, .keep_first_user = true, .prune = PAWL_PRUNE_RESULTS};
    if (v) read_how(r, v, c);
    if (limit) {
        pawl_reader_count(r, budget, "context", LIMIT_MAX, &c->limit_tokens);
        if (c->limit_tokens && c->limit_tokens < 1000)
            pawl_reader_expected(r, limit, "context", "at least 1000 tokens");
        add_recall(r, limit, a);
    } else if (v) {
        pawl_fault(r->faults, v->line, v->column, "add budget: {context: 32k}",
                   "context: there is no limit that the conversation could pass");
    }
}
