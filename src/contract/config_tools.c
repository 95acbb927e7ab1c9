/* src/contract/config_tools.c - tools: how they are called, what goes in and comes out. What their calls do to the world:
 * config_effects.c. */
#include "contract/config_read.h"
#include "contract/template.h"

static const int64_t second = 1000000000;

/* The properties of an object schema that lists them all; NULL: it says nothing, or leaves room for others. */
static const struct pawl_yaml *closed_properties(const struct pawl_yaml *schema)
{
    static const char *const open[] = {
        "$ref",          "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "patternProperties", "dependentSchemas",
        "propertyNames", NULL};
    if (!schema || schema->kind != PAWL_YAML_MAP) return NULL;
    for (const char *const *k = open; *k; k++)
        if (pawl_reader_get(schema, *k)) return NULL;
    const struct pawl_yaml *properties = pawl_reader_get(schema, "properties"),
                           *more = pawl_reader_get(schema, "additionalProperties");
    if (more && !(more->kind == PAWL_YAML_BOOL && pawl_str_is(more->text, "false"))) return NULL;
    return properties && properties->kind == PAWL_YAML_MAP ? properties : NULL;
}

const struct pawl_yaml *pawl_reader_properties(const struct pawl_yaml *tool)
{
    return tool && tool->kind == PAWL_YAML_MAP ? closed_properties(pawl_reader_get(tool, "input")) : NULL;
}

static void read_http(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_tool *t)
{
    static const char *const known[] = {"method", "url", "headers", "body", NULL};
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", NULL};
    const struct pawl_yaml *url, *body = pawl_reader_get(v, "body");
    int method;
    pawl_reader_keys(r, v, known, NULL);
    pawl_reader_need(r, v, "method", "write method: GET or POST, PUT, PATCH, DELETE, HEAD");
    if (pawl_reader_choice(r, v, "method", methods, &method)) t->method = pawl_str_of(methods[method]);
    if (pawl_reader_need(r, v, "url", "write url: http://HOST/PATH")) {
        url = pawl_reader_get(v, "url");
        if (pawl_reader_target(r, url, "url", true, &t->url)) pawl_reader_url(r, url, "url", true, t->url);
    }
    pawl_reader_headers(r, v, true, &t->headers, &t->headers_count);
    if (body) pawl_reader_json(r, body, "body", PAWL_ARG_ARGS | PAWL_ARG_RUN, &t->body);
}

/* A list of words, never a line for a shell. The program itself is the contract's alone. */
static void read_command(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_tool *t)
{
    if (v->kind != PAWL_YAML_LIST || v->count == 0) {
        pawl_reader_expected(r, v, "command", "a list of words: the program and its arguments, no shell");
        return;
    }
    struct pawl_str *argv = pawl_arena_zeroed(r->arena, v->count * sizeof *argv);
    for (uint32_t i = 0; argv && i < v->count; i++) {
        const struct pawl_yaml *word = v->items[i];
        if (!pawl_reader_target(r, word, "command", true, &argv[i])) continue;
        pawl_reader_template(r, word, "command", argv[i]);
        if (i > 0) continue;
        if (pawl_template_has(argv[0]))
            pawl_fault(r->faults, word->line, word->column, "",
                       "command: the program itself holds a reference: what a model writes must not choose it");
        if (argv[0].n == 0) pawl_reader_expected(r, word, "command", "a program");
    }
    t->argv = argv;
    t->argv_count = argv ? v->count : 0;
}

static void read_driver(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_tool *t)
{
    const struct pawl_yaml *http = pawl_reader_map(r, v, "http"), *command = pawl_reader_get(v, "command"),
                           *signal = pawl_reader_get(v, "signal"), *agent = pawl_reader_get(v, "agent");
    t->driver = PAWL_DRIVER_INPROCESS;
    if (http) t->driver = PAWL_DRIVER_HTTP;
    else if (command) t->driver = PAWL_DRIVER_COMMAND;
    if (http && command)
        pawl_fault(r->faults, command->line, command->column, "keep one of the two",
                   "a tool has http or command, not both");
    if (http) read_http(r, http, t);
    if (command) read_command(r, command, t);
    if (signal && (http || command))
        pawl_fault(r->faults, signal->line, signal->column, "make two tools of it",
                   "a tool calls something or waits for a signal, not both");
    else if (signal) pawl_read_signal(r, v, t);
    if (agent && (http || command || signal))
        pawl_fault(r->faults, agent->line, agent->column, "make two tools of it",
                   "a tool starts an agent or does something else, not both");
    else if (agent) pawl_read_child(r, v, t);
}

static void read_limits(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_tool *t)
{
    static const char *const known[] = {"cpu", "memory", "output", NULL};
    static const char *const of_commands[] = {"cpu", "memory", NULL};
    const struct pawl_yaml *limits = pawl_reader_map(r, v, "limits");
    t->cpu_ns = 10 * second;
    t->memory_bytes = INT64_C(512) << 20;
    t->output_bytes = INT64_C(1) << 20;
    if (!limits) return;
    pawl_reader_keys(r, limits, known, NULL);
    for (const char *const *k = of_commands; *k; k++) {
        const struct pawl_yaml_member *m = pawl_yaml_member(limits, *k);
        if (m && t->driver != PAWL_DRIVER_COMMAND)
            pawl_fault(r->faults, m->line, m->column, "leave it out", "limits: %s is for command tools", *k);
    }
    pawl_reader_duration(r, limits, "cpu", second, &t->cpu_ns); /* the system counts whole seconds */
    pawl_reader_size(r, limits, "memory", INT64_C(1) << 20, &t->memory_bytes);
    pawl_reader_size(r, limits, "output", 1024, &t->output_bytes);
}

/* The arguments of a call are an object: a schema for anything else would refuse them all. */
static void check_input(struct pawl_reader *r, const struct pawl_yaml *v)
{
    const struct pawl_yaml *input = pawl_reader_get(v, "input");
    const struct pawl_yaml *type = input && input->kind == PAWL_YAML_MAP ? pawl_reader_get(input, "type") : NULL;
    if (type && type->kind == PAWL_YAML_TEXT && !pawl_str_is(type->text, "object"))
        pawl_reader_expected(r, type, "input: type", "object, which the arguments of a call are");
}

static void read_tool(struct pawl_reader *r, const struct pawl_yaml_member *member, struct pawl_tool *t)
{
    static const char *const known[] = {"description", "http",   "command", "input",   "output", "effect", "key",
                                        "dedupe",      "repeat", "gate",    "verify",  "undo",   "errors", "timeout",
                                        "limits",      "fresh",  "retry",   "breaker", "pool",   "hedge",  "redact",
                                        "signal",      "agent",  "egress",  "trust",   "source", "facts",  "async",
                                        "check",       "before", "after",   NULL};
    static const char *const later[] = {"mcp", "effects", NULL};
    const struct pawl_yaml *v = member->value;
    t->name = member->key;
    t->line = member->line;
    t->retry = r->retry;
    t->timeout_ns = r->timeout_ns;
    t->breaker = r->breaker;
    t->verify.settles_ns = -1;
    pawl_reader_name(r, member, "tools", false);
    if (v->kind != PAWL_YAML_MAP) {
        pawl_reader_expected(r, v, t->name.p, "a mapping with http, command, signal or agent, input, effect");
        return;
    }
    pawl_reader_keys(r, v, known, later);
    pawl_reader_text(r, v, "description", &t->description);
    r->arguments = pawl_reader_properties(v);
    read_driver(r, v, t);
    check_input(r, v);
    pawl_reader_schema(r, v, "input", 0, &t->input, &t->input_json);
    pawl_reader_schema(r, v, "output", 0, &t->output, NULL);
    pawl_reader_duration(r, v, "timeout", 1, &t->timeout_ns);
    pawl_reader_retry(r, v, "retry", &t->retry);
    pawl_reader_breaker(r, v, &t->breaker, &t->fallback);
    pawl_reader_pool(r, v, &t->pool);
    read_limits(r, v, t);
    pawl_read_effects(r, v, t);
    pawl_read_errors(r, v, t);
    pawl_read_facts(r, v, t);
    pawl_read_async(r, v, t);
    pawl_read_checks(r, v, t);
    r->arguments = NULL;
}

void pawl_read_tools(struct pawl_reader *r, const struct pawl_yaml *tools)
{
    struct pawl_tool *made = pawl_arena_zeroed(r->arena, tools->count * sizeof *made);
    const struct pawl_yaml **nodes = pawl_arena_zeroed(r->arena, tools->count * sizeof *nodes);
    if (!pawl_reader_few(r, tools, "tools", 1024)) return;
    if (!made || !nodes) return;
    r->config->tools = made;
    r->config->tools_count = tools->count;
    r->tool_nodes = nodes;
    for (uint32_t i = 0; i < tools->count; i++) {
        nodes[i] = tools->members[i].value;
        read_tool(r, &tools->members[i], &made[i]);
    }
    for (uint32_t i = 0; i < tools->count; i++)
        if (nodes[i]->kind == PAWL_YAML_MAP) pawl_link_tool(r, nodes[i], &made[i]);
}
