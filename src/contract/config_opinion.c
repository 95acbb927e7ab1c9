/* src/contract/config_opinion.c - second_opinion: whose word besides the agent's own model counts before a call leaves. */
#include "contract/config_read.h"

enum { BY_MAX = 8, FOR_MAX = 64 };

static void dangling(struct pawl_reader *r, const struct pawl_yaml *at, const char *what, struct pawl_str name)
{
    const struct pawl_config *c = r->config;
    struct pawl_near near = {.name = name};
    const bool model = what[0] == 'm';
    for (uint32_t i = 0; pawl_reader_suggests(r) && i < (model ? c->models_count : c->tools_count); i++)
        pawl_near_try(&near, model ? c->models[i].name : c->tools[i].name);
    pawl_reader_dangling(r, at, what, &near);
}

static void read_for(struct pawl_reader *r, const struct pawl_yaml *v, const struct pawl_agent *a,
                     struct pawl_second_opinion *o)
{
    const struct pawl_yaml *list =
        pawl_reader_need(r, v, "for", "name the tools whose calls are meant") ? pawl_reader_list(r, v, "for") : NULL;
    struct pawl_str *names = list ? pawl_arena_zeroed(r->arena, (list->count + 1) * sizeof *names) : NULL;
    if (!names || !pawl_reader_few(r, list, "for", FOR_MAX)) return;
    o->tools = names;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct pawl_yaml *item = list->items[i];
        if (item->kind != PAWL_YAML_TEXT) pawl_reader_expected(r, item, "for", "the name of a tool");
        else if (!pawl_config_tool(r->config, item->text)) dangling(r, item, "tool", item->text);
        else if (!pawl_agent_tool(a, item->text))
            pawl_fault(r->faults, item->line, item->column, "add it to tools", "for: the agent has no tool '%.*s'",
                       (int)item->text.n, item->text.p);
        else names[o->tools_count++] = item->text;
    }
}

/* A read without a gate: nobody is asked before it, and it changes nothing. */
static void read_probe(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_opinion *o)
{
    static const char *const known[] = {"tool", "args", "expect", NULL};
    const struct pawl_yaml *at = pawl_reader_get(v, "tool"), *args = pawl_reader_get(v, "args");
    const struct pawl_tool *t;
    pawl_reader_keys(r, v, known, NULL);
    o->of = PAWL_OPINION_TOOL;
    if (!pawl_reader_text(r, v, "tool", &o->name)) return;
    t = pawl_config_tool(r->config, o->name);
    if (!t) dangling(r, at, "tool", o->name);
    else if (t->effect != PAWL_EFFECT_READ || t->gate != PAWL_GATE_NONE || pawl_tool_waits(t))
        pawl_fault(r->faults, at->line, at->column, "name a read without a gate", "by: tool '%.*s' is no plain read",
                   (int)o->name.n, o->name.p);
    if (args) pawl_reader_json(r, args, "args", PAWL_ARG_ARGS | PAWL_ARG_RUN, &o->args);
    if (pawl_reader_need(r, v, "expect", "say what its answer must be, as a JSON Schema"))
        pawl_reader_schema(r, v, "expect", PAWL_ARG_ARGS | PAWL_ARG_RUN, &o->expect, NULL);
}

static void read_one(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_opinion *o)
{
    static const char *const known[] = {"model", NULL}, *const rule[] = {"rule", NULL};
    const bool map = v->kind == PAWL_YAML_MAP;
    if (map && pawl_reader_get(v, "tool")) {
        read_probe(r, v, o);
    } else if (map && pawl_reader_get(v, "rule")) {
        pawl_reader_keys(r, v, rule, NULL);
        o->of = PAWL_OPINION_RULE;
        pawl_reader_schema(r, v, "rule", PAWL_ARG_ARGS | PAWL_ARG_RUN, &o->expect, NULL);
    } else if (v->kind == PAWL_YAML_TEXT || (map && pawl_reader_get(v, "model"))) {
        if (map) pawl_reader_keys(r, v, known, NULL);
        if (map) pawl_reader_text(r, v, "model", &o->name);
        else o->name = v->text;
        if (o->name.p && !pawl_config_model(r->config, o->name))
            dangling(r, map ? pawl_reader_get(v, "model") : v, "model", o->name);
    } else {
        pawl_reader_expected(r, v, "by", "a model's name, {tool: NAME, expect: SCHEMA} or {rule: SCHEMA}");
    }
}

/* all | majority | N */
static void read_needed(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_second_opinion *o)
{
    const struct pawl_yaml *agree = pawl_reader_get(v, "agree");
    o->needed = o->by_count;
    if (!agree || (agree->kind == PAWL_YAML_TEXT && pawl_str_is(agree->text, "all"))) return;
    if (agree->kind == PAWL_YAML_TEXT && pawl_str_is(agree->text, "majority")) o->needed = o->by_count / 2 + 1;
    else if (agree->kind == PAWL_YAML_NUMBER) pawl_reader_count(r, v, "agree", o->by_count, &o->needed);
    else pawl_reader_expected(r, agree, "agree", "all, majority or a number");
}

void pawl_read_opinion(struct pawl_reader *r, const struct pawl_yaml *agent, struct pawl_agent *a)
{
    static const char *const known[] = {"for", "by", "agree", "otherwise", "failed", NULL};
    static const char *const otherwise[] = {"ask", "tell", "stop", NULL}, *const failed[] = {"disagrees", "agrees",
                                                                                             NULL};
    const struct pawl_yaml *v = pawl_reader_map(r, agent, "second_opinion"), *by;
    struct pawl_second_opinion *o = &a->opinion;
    struct pawl_opinion *all;
    int choice;
    if (!v) return;
    pawl_reader_keys(r, v, known, NULL);
    read_for(r, v, a, o);
    by = pawl_reader_need(r, v, "by", "name who is asked") ? pawl_reader_list(r, v, "by") : NULL;
    if (by && by->count == 0) pawl_reader_expected(r, by, "by", "somebody to ask");
    if (!by || by->count == 0 || !pawl_reader_few(r, by, "by", BY_MAX)) return;
    all = pawl_arena_zeroed(r->arena, by->count * sizeof *all);
    if (!all) return;
    o->by = all;
    o->by_count = by->count;
    for (uint32_t i = 0; i < by->count; i++) read_one(r, by->items[i], &all[i]);
    read_needed(r, v, o);
    if (pawl_reader_choice(r, v, "otherwise", otherwise, &choice)) o->otherwise = (enum pawl_disagreed)choice;
    if (pawl_reader_choice(r, v, "failed", failed, &choice)) o->failed_agrees = choice == 1;
}
