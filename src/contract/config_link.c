/* src/contract/config_link.c - what tools say of one another, checked once all are read: verify looks by a read, undo
 * changes something back, and both get the arguments that they want. */
#include "contract/config_read.h"

static const struct pawl_tool *find(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_str name)
{
    const struct pawl_config *c = r->config;
    const struct pawl_tool *found = pawl_config_tool(c, name);
    struct pawl_near near = {.name = name};
    if (found) return found;
    for (uint32_t i = 0; pawl_reader_suggests(r) && i < c->tools_count; i++) pawl_near_try(&near, c->tools[i].name);
    pawl_reader_dangling(r, v, "tool", &near);
    return NULL;
}

static const struct pawl_yaml *required_of(const struct pawl_yaml *tool)
{
    const struct pawl_yaml *input = tool->kind == PAWL_YAML_MAP ? pawl_reader_get(tool, "input") : NULL;
    const struct pawl_yaml *required =
        input && input->kind == PAWL_YAML_MAP ? pawl_reader_get(input, "required") : NULL;
    return required && required->kind == PAWL_YAML_LIST ? required : NULL;
}

/* `given` are the arguments, by their names: of args, or of the call itself where there is none; NULL: not told. */
static void check_arguments(struct pawl_reader *r, const struct pawl_yaml *at, const char *key,
                            const struct pawl_yaml *given, bool own, const struct pawl_tool *other)
{
    const struct pawl_yaml *node = r->tool_nodes[other - r->config->tools], *required = required_of(node);
    for (uint32_t i = 0; given && required && i < required->count; i++) {
        const struct pawl_str name = required->items[i]->text;
        if (required->items[i]->kind != PAWL_YAML_TEXT || pawl_yaml_find(given, name)) continue;
        pawl_fault(r->faults, at->line, at->column,
                   own ? "say what it gets: args: {NAME: {$arg: /args/NAME}}" : "add it to args",
                   "%s: argument '%.*s' is missing, which tool '%.*s' requires", key, name.n > 80 ? 80 : (int)name.n,
                   name.p, (int)other->name.n, other->name.p);
    }
    r->arguments = own ? NULL : pawl_reader_properties(node);
    for (uint32_t i = 0; r->arguments && given && i < given->count; i++)
        pawl_reader_argument(r, given->members[i].line, given->members[i].column, given->members[i].key);
    r->arguments = NULL;
}

const struct pawl_tool *pawl_linked_tool(struct pawl_reader *r, const struct pawl_yaml *v, const char *key,
                                         struct pawl_str name)
{
    const struct pawl_yaml *map = pawl_reader_get(v, key);
    if (!name.p || !map || map->kind != PAWL_YAML_MAP) return NULL;
    const struct pawl_tool *other = find(r, pawl_reader_get(map, "tool"), name);
    const struct pawl_yaml *args = pawl_reader_get(map, "args");
    if (!other) return NULL;
    if (args && args->kind == PAWL_YAML_MAP) check_arguments(r, args, key, args, false, other);
    else if (!args) check_arguments(r, map, key, pawl_reader_properties(v), true, other);
    return other;
}

/* Something that was read once, or elsewhere, may stand in for a read; nothing does for a change. */
static void check_fallback(struct pawl_reader *r, const struct pawl_yaml *v, const struct pawl_tool *t)
{
    const struct pawl_yaml *breaker = pawl_reader_get(v, "breaker"), *at;
    const struct pawl_tool *other;
    if (t->fallback.kind == PAWL_FALLBACK_NONE) return;
    at = pawl_reader_get(breaker, "fallback");
    if (t->effect != PAWL_EFFECT_READ &&
        (t->fallback.kind == PAWL_FALLBACK_CACHED || t->fallback.kind == PAWL_FALLBACK_TOOL))
        pawl_fault(r->faults, at->line, at->column, "write fallback: {error: \"...\"}",
                   "fallback: an old answer or another tool cannot stand in for a change");
    if (t->fallback.kind != PAWL_FALLBACK_TOOL) return;
    other = find(r, pawl_reader_get(at, "tool"), t->fallback.tool);
    if (other == t)
        pawl_fault(r->faults, at->line, at->column, "name another one", "fallback: a tool cannot stand in for itself");
    else if (other && (other->effect != PAWL_EFFECT_READ || other->gate != PAWL_GATE_NONE))
        pawl_fault(r->faults, at->line, at->column, "name a read without a gate",
                   "fallback: tool '%.*s' is no plain read", (int)other->name.n, other->name.p);
}

void pawl_link_tool(struct pawl_reader *r, const struct pawl_yaml *v, const struct pawl_tool *t)
{
    const struct pawl_tool *other = pawl_linked_tool(r, v, "verify", t->verify.tool);
    const struct pawl_yaml *at;
    if (other && other->effect != PAWL_EFFECT_READ) {
        at = pawl_reader_get(pawl_reader_get(v, "verify"), "tool");
        pawl_fault(r->faults, at->line, at->column, "name a tool that declares effect: read",
                   "verify: tool '%.*s' is no read%s", (int)other->name.n, other->name.p,
                   other->effect_declared ? "" : ": it declares no effect");
    } else if (other && other->gate != PAWL_GATE_NONE) {
        at = pawl_reader_get(pawl_reader_get(v, "verify"), "tool");
        pawl_fault(r->faults, at->line, at->column, "name a read without a gate",
                   "verify: tool '%.*s' has a gate, and nobody is asked before a look", (int)other->name.n,
                   other->name.p);
    }
    check_fallback(r, v, t);
    pawl_link_checks(r, v, t);
    other = pawl_linked_tool(r, v, "undo", t->undo_tool);
    if (!other || other->effect != PAWL_EFFECT_READ) return;
    at = pawl_reader_get(pawl_reader_get(v, "undo"), "tool");
    pawl_fault(r->faults, at->line, at->column, "name the tool that changes it back",
               "undo: tool '%.*s' is a read, which changes nothing", (int)other->name.n, other->name.p);
}
