/* tests/workloads/config.c - see config.h. JSON is YAML, so schemas and texts go in as they are.
 *
 *   recorded            pawl.yaml
 *   effect              effect
 *   input_schema        input
 *   output              output: the schema of a JSON answer; of a text: a string that begins with the prefix
 *   dedupe_key          dedupe: {by: [/FIELD, ...]}; null: all arguments
 *   undo                undo: {tool, args}, where the undoing tool's arguments can be taken from this call or its answer
 *   undo: null          repeat: confirm, for `mutate`: what no tool takes back is not done twice, or left undone, unasked.
 *                       For `irreversible` that is pawl's default already.
 */
#include "config.h"
#include <string.h>

static void add_json(struct pawl_buf *out, const char *key, yyjson_val *v)
{
    if (!v || yyjson_is_null(v)) return;
    pawl_buf_printf(out, "    %s: ", key);
    pawl_json_write(v, out);
    pawl_buf_char(out, '\n');
}

/* A text that begins with these very characters, as a pattern; one of the recorded defences puts << before each. */
static void add_prefix(struct pawl_buf *out, struct pawl_str prefix)
{
    struct pawl_buf pattern;
    pawl_buf_init(&pattern, out->from);
    pawl_buf_text(&pattern, "^(<<)?");
    for (uint32_t i = 0; i < prefix.n; i++) {
        if (strchr("^$\\.*+?()[]{}|/", prefix.p[i])) pawl_buf_char(&pattern, '\\');
        pawl_buf_char(&pattern, prefix.p[i]);
    }
    pawl_buf_text(out, "    output: {\"type\": \"string\", \"pattern\": ");
    pawl_json_quote(pawl_buf_done(&pattern), out);
    pawl_buf_text(out, "}\n");
    pawl_buf_fini(&pattern);
}

static void add_output(struct pawl_buf *out, const struct wl_tool *t)
{
    yyjson_val *output = yyjson_obj_get(t->v, "output");
    const struct pawl_str prefix = pawl_json_str(output, "prefix");
    if (t->json) add_json(out, "output", yyjson_obj_get(output, "schema"));
    else if (prefix.n) add_prefix(out, prefix);
    else if (yyjson_is_obj(output)) pawl_buf_text(out, "    output: {\"type\": \"string\"}\n");
}

static void add_dedupe(struct pawl_buf *out, const struct wl_tool *t)
{
    yyjson_val *by = yyjson_obj_get(t->v, "dedupe_key"), *v;
    size_t i, n;
    if (t->effect == WL_READ || !yyjson_is_arr(by)) return;
    pawl_buf_text(out, "    dedupe: {by: [");
    yyjson_arr_foreach(by, i, n, v) pawl_buf_printf(out, "%s/%s", i ? ", " : "", yyjson_get_str(v));
    pawl_buf_text(out, "]}\n");
}

static bool has_property(yyjson_val *schema, struct pawl_str name)
{
    yyjson_val *required = yyjson_obj_get(schema, "required"), *v;
    size_t i, n;
    yyjson_arr_foreach(required, i, n, v)
    {
        if (pawl_str_eq(pawl_json_value_str(v), name)) return true;
    }
    return false;
}

/* What the undoing tool needs, from the answer of the call that it undoes or from that call's own arguments. A tool that
 * undoes itself would need what was there before, which nobody recorded. */
static void add_undo(struct pawl_buf *out, const struct wl_env *env, const struct wl_tool *t)
{
    const struct wl_tool *undo = wl_tool_of(env, pawl_json_str(t->v, "undo"));
    yyjson_val *required = undo ? yyjson_obj_get(yyjson_obj_get(undo->v, "input_schema"), "required") : NULL, *v;
    struct pawl_buf args;
    bool known = undo && undo != t && yyjson_arr_size(required) > 0;
    size_t i, n;
    pawl_buf_init(&args, out->from);
    yyjson_arr_foreach(required, i, n, v)
    {
        const struct pawl_str name = pawl_json_value_str(v);
        const char *from = NULL;
        if (t->json && has_property(yyjson_obj_get(yyjson_obj_get(t->v, "output"), "schema"), name)) from = "result";
        else if (has_property(yyjson_obj_get(t->v, "input_schema"), name)) from = "args";
        if (!from) known = false;
        else
            pawl_buf_printf(&args, "%s%.*s: {$arg: /%s/%.*s}", i ? ", " : "", (int)name.n, name.p, from, (int)name.n,
                            name.p);
    }
    if (known) pawl_buf_printf(out, "    undo: {tool: %s, args: {%s}}\n", undo->name, pawl_buf_done(&args).p);
    pawl_buf_fini(&args);
}

/* Where the tool is, and by which means a lost answer can be made up for: the three kinds of service. */
static void add_http(const struct wl_config *c, const struct wl_tool *t, struct pawl_buf *out)
{
    pawl_buf_printf(out, "    http: {method: POST, url: \"%s/tools/{run.agent}/%s\"}\n", c->url, t->name);
    if (t->effect == WL_READ) return;
    if (c->part == WL_ASYNC) pawl_buf_text(out, "    async: {deadline: 20s, poll: {first: 30ms, max: 200ms}}\n");
    if (c->service == WL_TAKES_KEYS) pawl_buf_text(out, "    key: {header: Idempotency-Key}\n");
    if (c->service == WL_CAN_BE_ASKED)
        pawl_buf_printf(out, "    verify: {tool: look, by_key: /idempotency_key, settles: %dms}\n", WL_SETTLES_MS);
}

static void add_look(const struct wl_config *c, struct pawl_buf *out)
{
    pawl_buf_printf(out,
                    "  look: {http: {method: GET, url: \"%s/look/{run.key}\"}, effect: read, output: {type: array}}\n",
                    c->url);
}

static void add_tool(const struct wl_config *c, const struct wl_env *env, const struct wl_tool *t, struct pawl_buf *out)
{
    static const char *const effects[] = {"read", "idempotent", "mutate", "irreversible"};
    pawl_buf_printf(out, "  %s:\n", t->name);
    add_json(out, "description", yyjson_obj_get(t->v, "description"));
    add_json(out, "input", yyjson_obj_get(t->v, "input_schema"));
    if (wl_by_signal(c, t)) {
        wl_config_signal(t, out);
        return;
    }
    add_output(out, t);
    pawl_buf_printf(out, "    effect: %s\n", effects[t->effect]);
    if (wl_by_child(c, t)) wl_config_child(t, out);
    else if (c->faulty) add_http(c, t, out);
    add_dedupe(out, t);
    if (t->effect != WL_READ && !c->faulty) add_undo(out, env, t);
    wl_config_outcome(c, env, t, out);
    if (t->effect == WL_MUTATE && !c->plain && yyjson_is_null(yyjson_obj_get(t->v, "undo")))
        pawl_buf_text(out, "    repeat: confirm\n");
}

static void add_model(const struct wl_config *c, const struct wl_recording *r, struct pawl_buf *out)
{
    pawl_buf_printf(out, "  %s: {provider: openai, base_url: \"%s/v1\", model: %s", r->name, c->url, r->name);
    if (c->faulty) pawl_buf_printf(out, ", timeout: {first_token: %dms, total: 20s}", WL_MODEL_TIMEOUT_MS);
    if (c->part == WL_BUDGETS)
        pawl_buf_printf(out, ", price: {input: 1, output: 1}, max_tokens: %d", (int)WL_ANSWER_TOKENS);
    pawl_buf_text(out, "}\n");
}

/* A recording that was cut off ends at its last step, as it did; the others have room to show that they go no further. */
static void add_agent(const struct wl_config *c, const struct wl_recording *r, struct pawl_buf *out)
{
    const uint32_t room = c->faulty ? 200 : r->ended == WL_CUT_OFF ? 0 : 10;
    pawl_buf_printf(out, "  %s:\n    model: %s\n    instructions: ", r->name, r->name);
    pawl_json_quote(r->system.p ? r->system : PAWL_STR(""), out);
    pawl_buf_char(out, '\n');
    if (c->part) wl_config_agent(c, r, room, out);
    else pawl_buf_printf(out, "    budget: {steps: %u}\n    guards: none\n", r->steps + room);
    pawl_buf_text(out, "    tools: [");
    for (uint32_t i = 0; i < r->env->tools_count; i++)
        pawl_buf_printf(out, "%s%s", i ? ", " : "", r->env->tools[i].name);
    pawl_buf_text(out, "]\n");
}

void wl_config_write(const struct wl_config *c, const struct wl_env *env, const struct wl_recording *const *chunk,
                     uint32_t count, struct pawl_buf *out)
{
    pawl_buf_text(out, "version: 1\n");
    if (c->faulty)
        pawl_buf_printf(out,
                        "defaults: {retry: {attempts: 5, first: 5ms, max: 50ms}, timeout: %dms,"
                        " breaker: {cooldown: 300ms, cooldown_max: 1s}}\n",
                        WL_TOOL_TIMEOUT_MS);
    else pawl_buf_text(out, "defaults: {retry: {first: 1ms, max: 10ms}}\n");
    pawl_buf_text(out, "models:\n");
    for (uint32_t i = 0; i < count; i++) add_model(c, chunk[i], out);
    if (c->part) wl_config_models(c, chunk, count, out);
    pawl_buf_text(out, "tools:\n");
    for (uint32_t i = 0; i < env->tools_count; i++) add_tool(c, env, &env->tools[i], out);
    if (c->faulty && c->service == WL_CAN_BE_ASKED) add_look(c, out);
    for (uint32_t i = 0; i < env->tools_count; i++)
        if (wl_by_child(c, &env->tools[i])) wl_config_child_tool(c, &env->tools[i], out);
    wl_config_outcome_tools(c, out);
    pawl_buf_text(out, "agents:\n");
    for (uint32_t i = 0; i < count; i++) add_agent(c, chunk[i], out);
    for (uint32_t i = 0; i < env->tools_count; i++)
        if (wl_by_child(c, &env->tools[i])) wl_config_child_agent(&env->tools[i], out);
    if (c->schedules) wl_config_schedules(c, chunk, count, out);
    if (c->part == WL_BUDGETS)
        pawl_buf_printf(out, "budget: {all: {tokens: %llu}}\n", (unsigned long long)c->all_tokens);
}
