/* src/cli/backtest_import.c - recorded runs of others as journals. A line of FOLDER/X.jsonl is a run (id, env, reward, attack,
 * messages as the chat API has them), FOLDER/contracts/ENV.json says what its tools do (effect, egress, verify_with). What
 * a read says is untrusted where its contract does not say `trust: trusted`: others may have written it. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/backtest.h"
#include "contract/json.h"
#include "io/alloc.h"
#include "io/file.h"

enum { ENVS_MAX = 64 };
static const size_t FILE_BYTES_MAX = (size_t)256 << 20;

struct env {
    struct pawl_str name;
    struct pawl_config *config;
    struct pawl_agent *agent;
};
struct import {
    struct bt_cases *all;
    const char *folder;
    struct env envs[ENVS_MAX];
    uint32_t envs_count;
    struct pawl_error *err;
};

static int read_text(struct import *in, const char *folder, const char *name, struct pawl_str *out)
{
    struct pawl_buf text;
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path) return PAWL_ELIMIT;
    pawl_buf_init_arena(&text, &in->all->arena);
    const int rc = pawl_file_read(path, FILE_BYTES_MAX, &text, in->err);
    *out = (struct pawl_str){text.p, (uint32_t)text.n};
    return rc;
}

static int read_tool(struct import *in, yyjson_val *v, struct pawl_tool *t)
{
    static const char *const effects[] = {"read", "idempotent", "mutate", "irreversible"};
    const struct pawl_str effect = pawl_json_str(v, "effect"), verify = pawl_json_str(v, "verify_with");
    int e = 0;
    t->name = pawl_json_str(v, "name");
    while (e < 4 && !pawl_str_is(effect, effects[e])) e++;
    if (!t->name.p || e == 4)
        return pawl_fail(in->err, PAWL_EINVAL, t->name.p ? t->name.p : "", "",
                         "a contract without a name, or an effect");
    t->effect = (enum pawl_effect)e;
    t->gate = t->effect == PAWL_EFFECT_IRREVERSIBLE ? PAWL_GATE_ALWAYS : PAWL_GATE_NONE;
    t->egress = pawl_json_bool(v, "egress", false);
    t->untrusted = t->effect == PAWL_EFFECT_READ && !pawl_str_is(pawl_json_str(v, "trust"), "trusted");
    t->verify.tool = verify;
    return PAWL_OK;
}

static int read_env(struct import *in, const char *folder, const char *name)
{
    struct pawl_arena *a = &in->all->arena;
    struct env *env = &in->envs[in->envs_count];
    struct pawl_str text;
    yyjson_val *root, *list, *v;
    size_t i, n;
    int rc = in->envs_count < ENVS_MAX ? read_text(in, folder, name, &text) : PAWL_ELIMIT;
    if (rc == PAWL_OK) rc = pawl_json_read(text, a, &root, in->err);
    if (rc) return rc;
    list = yyjson_obj_get(root, "tools");
    struct pawl_tool *tools = pawl_arena_zeroed(a, (yyjson_arr_size(list) + 1) * sizeof *tools);
    const struct pawl_tool **own = pawl_arena_zeroed(a, (yyjson_arr_size(list) + 1) * sizeof *own);
    env->config = pawl_arena_zeroed(a, sizeof *env->config);
    env->agent = pawl_arena_zeroed(a, sizeof *env->agent);
    if (!tools || !own || !env->config || !env->agent) return PAWL_ENOMEM;
    env->name = pawl_json_str(root, "env");
    yyjson_arr_foreach(list, i, n, v)
    {
        if ((rc = read_tool(in, v, &tools[i])) != PAWL_OK) return rc;
        own[i] = &tools[i];
    }
    *env->agent = (struct pawl_agent){.name = env->name, .tools = own, .tools_count = (uint32_t)n};
    env->config->tools = tools;
    env->config->tools_count = (uint32_t)n;
    env->config->agents = env->agent;
    env->config->agents_count = 1;
    in->envs_count++;
    return PAWL_OK;
}

/* ---- a run ---- */

struct made { /* a case on its way */
    struct import *in;
    struct bt_case *c;
    struct pawl_arena scratch;
    uint32_t steps;
    uint32_t first; /* step of the first call of the last message */
    yyjson_val *calls;
    bool begun;
};

static void add(struct made *m, enum pawl_kind kind, uint32_t step, struct pawl_buf *body)
{
    bt_record_add(m->in->all, m->c, kind, step, 1, pawl_buf_done(body));
}

static void begin(struct made *m, struct pawl_str text)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    pawl_buf_init_arena(&b, &m->scratch);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, m->begun ? "text" : "input");
    pawl_jw_str(&w, text);
    if (!m->begun) pawl_jw_key(&w, "agent"), pawl_jw_str(&w, m->c->agent->name);
    pawl_jw_close(&w, '}');
    add(m, m->begun ? PAWL_SIGNAL_RECEIVED : PAWL_RUN_CREATED, 0, &b);
    m->begun = true;
}

static void assistant(struct made *m, yyjson_val *message)
{
    struct pawl_buf b, args;
    struct pawl_json_writer w = {.out = &b};
    yyjson_val *v;
    size_t i, n;
    if (!m->begun) begin(m, PAWL_STR(""));
    pawl_buf_init_arena(&b, &m->scratch);
    pawl_buf_text(&b, "{\"kind\":\"model\",\"name\":\"recorded\"}");
    add(m, PAWL_STEP_INTENDED, ++m->steps, &b);
    m->calls = yyjson_obj_get(message, "tool_calls");
    m->first = m->steps + 1;
    pawl_buf_init_arena(&b, &m->scratch);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "result");
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "content");
    pawl_jw_str(&w, pawl_json_str(message, "content").p ? pawl_json_str(message, "content") : PAWL_STR(""));
    pawl_jw_key(&w, "tool_calls");
    pawl_jw_open(&w, '[');
    yyjson_arr_foreach(m->calls, i, n, v)
    {
        pawl_buf_init_arena(&args, &m->scratch);
        pawl_json_write(yyjson_obj_get(v, "arguments"), &args);
        pawl_jw_open(&w, '{');
        pawl_jw_key(&w, "id");
        pawl_jw_str(&w, pawl_json_str(v, "id").p ? pawl_json_str(v, "id") : PAWL_STR(""));
        pawl_jw_key(&w, "name");
        pawl_jw_str(&w, pawl_json_str(v, "name").p ? pawl_json_str(v, "name") : PAWL_STR(""));
        pawl_jw_key(&w, "arguments");
        pawl_jw_str(&w, yyjson_obj_get(v, "arguments_raw") ? pawl_json_str(v, "arguments_raw") : pawl_buf_done(&args));
        pawl_jw_close(&w, '}');
    }
    pawl_jw_close(&w, ']');
    pawl_jw_close(&w, '}');
    pawl_jw_close(&w, '}');
    add(m, PAWL_STEP_COMPLETED, m->steps, &b);
    m->steps += (uint32_t)yyjson_arr_size(m->calls);
}

static void call_ended(struct made *m, yyjson_val *call, uint32_t step, yyjson_val *result)
{
    const struct pawl_tool *t = pawl_agent_tool(m->c->agent, pawl_json_str(call, "name"));
    const bool failed = !result || pawl_json_bool(result, "error", false);
    const struct pawl_str content = pawl_json_str(result, "content");
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    pawl_buf_init_arena(&b, &m->scratch);
    if (t && t->effect != PAWL_EFFECT_READ) {
        pawl_buf_text(&b, "{\"kind\":\"tool\"}");
        add(m, PAWL_STEP_INTENDED, step, &b);
        pawl_buf_init_arena(&b, &m->scratch);
    }
    pawl_jw_open(&w, '{');
    if (failed) { /* without a result: nobody knows, which is nobody's error */
        pawl_jw_key(&w, "class");
        pawl_jw_text(&w, !result ? "cancelled" : t ? "rejected" : "unknown_tool");
    }
    pawl_jw_key(&w, failed ? "message" : "result");
    pawl_jw_str(&w, content.p ? content : PAWL_STR(""));
    pawl_jw_close(&w, '}');
    add(m, failed ? PAWL_STEP_FAILED : PAWL_STEP_COMPLETED, step, &b);
}

/* The calls of the last message, in their order, each with the result that came for it. */
static void end_calls(struct made *m, yyjson_val *messages, size_t from)
{
    yyjson_val *call, *v;
    size_t i, n;
    yyjson_arr_foreach(m->calls, i, n, call)
    {
        yyjson_val *result = NULL;
        for (size_t k = from; !result && (v = yyjson_arr_get(messages, k)) != NULL; k++)
            if (pawl_str_is(pawl_json_str(v, "role"), "tool") &&
                pawl_str_eq(pawl_json_str(v, "tool_call_id"), pawl_json_str(call, "id")))
                result = v;
        call_ended(m, call, m->first + (uint32_t)i, result);
    }
    m->calls = NULL;
}

static int read_run(struct import *in, yyjson_val *v)
{
    yyjson_val *messages = yyjson_obj_get(v, "messages"), *attack = yyjson_obj_get(v, "attack"), *message;
    const struct pawl_str env = pawl_json_str(v, "env");
    struct made m = {.in = in, .c = bt_case_add(in->all)};
    size_t i, n;
    if (!m.c) return PAWL_ENOMEM;
    m.c->name = pawl_json_str(v, "id");
    m.c->benign = !yyjson_is_obj(attack);
    m.c->went = pawl_json_bool(attack, "succeeded", false)                ? BT_ATTACK
                : yyjson_get_num(yyjson_obj_get(v, "reward")) >= 1 - 1e-9 ? BT_GOOD
                                                                          : BT_FAILED;
    for (uint32_t k = 0; k < in->envs_count; k++)
        if (pawl_str_eq(in->envs[k].name, env)) m.c->config = in->envs[k].config, m.c->agent = in->envs[k].agent;
    if (!m.c->agent)
        return pawl_fail(in->err, PAWL_EINVAL, m.c->name.p ? m.c->name.p : "", "",
                         "a run of an env that has no contracts");
    pawl_arena_init(&m.scratch, pawl_alloc_libc());
    yyjson_arr_foreach(messages, i, n, message)
    {
        const struct pawl_str role = pawl_json_str(message, "role");
        if (pawl_str_is(role, "user")) {
            begin(&m, pawl_json_str(message, "content").p ? pawl_json_str(message, "content") : PAWL_STR(""));
        } else if (pawl_str_is(role, "assistant")) {
            assistant(&m, message);
            end_calls(&m, messages, i + 1);
        }
    }
    pawl_arena_fini(&m.scratch);
    return in->all->arena.failed || m.scratch.failed ? PAWL_ENOMEM : PAWL_OK;
}

static int read_runs(struct import *in, const char *name)
{
    struct pawl_str text;
    int rc = read_text(in, in->folder, name, &text);
    for (const char *p = text.p, *end = p ? p + text.n : p; p < end && rc == PAWL_OK;) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        const struct pawl_str line = {p, (uint32_t)((eol ? eol : end) - p)};
        yyjson_val *v;
        p = eol ? eol + 1 : end;
        if (line.n == 0) continue;
        rc = pawl_json_read(line, &in->all->arena, &v, in->err);
        if (rc == PAWL_OK) rc = read_run(in, v);
    }
    return rc;
}

static int ends_in(const struct dirent *e, const char *suffix)
{
    const char *dot = strrchr(e->d_name, '.');
    return dot && strcmp(dot, suffix) == 0;
}

static int keep_json(const struct dirent *e)
{
    return ends_in(e, ".json");
}

static int keep_jsonl(const struct dirent *e)
{
    return ends_in(e, ".jsonl");
}

int bt_import(struct bt_cases *all, const char *folder, struct pawl_error *err)
{
    struct import in = {.all = all, .folder = folder, .err = err};
    struct dirent **envs = NULL, **runs = NULL;
    char contracts[4096];
    int rc = PAWL_OK;
    if (snprintf(contracts, sizeof contracts, "%s/contracts", folder) >= (int)sizeof contracts) return PAWL_ELIMIT;
    const int envs_count = scandir(contracts, &envs, keep_json, alphasort);
    const int runs_count = scandir(folder, &runs, keep_jsonl, alphasort);
    if (envs_count <= 0 || runs_count <= 0)
        rc = pawl_fail(err, PAWL_ENOTFOUND, folder, "docs/guards.md says what is expected",
                       "no recorded runs are here: contracts/*.json and *.jsonl");
    for (int i = 0; i < envs_count && rc == PAWL_OK; i++) rc = read_env(&in, contracts, envs[i]->d_name);
    for (int i = 0; i < runs_count && rc == PAWL_OK; i++) rc = read_runs(&in, runs[i]->d_name);
    for (int i = 0; i < envs_count; i++) free(envs[i]);
    for (int i = 0; i < runs_count; i++) free(runs[i]);
    free(envs);
    free(runs);
    return rc;
}
