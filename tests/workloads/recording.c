/* tests/workloads/recording.c - see recording.h. */
#include "recording.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "io/alloc.h"
#include "io/file.h"

static const size_t FILE_BYTES_MAX = (size_t)256 << 20;

static int read_file(struct wl_data *d, const char *folder, const char *name, struct pawl_str *out,
                     struct pawl_error *err)
{
    struct pawl_buf text;
    char path[4096];
    int rc;
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path) return PAWL_ELIMIT;
    pawl_buf_init_arena(&text, &d->arena);
    rc = pawl_file_read(path, FILE_BYTES_MAX, &text, err);
    *out = (struct pawl_str){text.p, (uint32_t)text.n};
    return rc;
}

static int read_tool(yyjson_val *v, struct wl_tool *t, struct pawl_error *err)
{
    static const char *const effects[] = {"read", "idempotent", "mutate", "irreversible"};
    const struct pawl_str effect = pawl_json_str(v, "effect"), name = pawl_json_str(v, "name");
    *t = (struct wl_tool){.name = name.p, .v = v};
    t->json = pawl_str_is(pawl_json_str(yyjson_obj_get(v, "output"), "kind"), "json");
    for (int i = 0; i < 4; i++)
        if (name.p && pawl_str_is(effect, effects[i])) return t->effect = (enum wl_effect)i, PAWL_OK;
    return pawl_fail(err, PAWL_EINVAL, name.p ? name.p : "", "", "a tool of the contracts without a name or an effect");
}

static int read_contracts(struct wl_data *d, const char *folder, const char *name, struct pawl_error *err)
{
    struct wl_env *env = &d->envs[d->envs_count];
    struct pawl_str text;
    yyjson_val *root, *tools, *v;
    size_t i, n;
    int rc = d->envs_count < WL_ENVS_MAX ? read_file(d, folder, name, &text, err) : PAWL_ELIMIT;
    if (rc == PAWL_OK) rc = pawl_json_read(text, &d->arena, &root, err);
    if (rc) return rc;
    tools = yyjson_obj_get(root, "tools");
    env->name = pawl_json_str(root, "env");
    env->tools = pawl_arena_zeroed(&d->arena, (yyjson_arr_size(tools) + 1) * sizeof *env->tools);
    if (!env->tools) return PAWL_ENOMEM;
    yyjson_arr_foreach(tools, i, n, v)
    {
        if ((rc = read_tool(v, &env->tools[env->tools_count++], err)) != PAWL_OK) return rc;
    }
    d->envs_count++;
    return PAWL_OK;
}

const struct wl_tool *wl_tool_of(const struct wl_env *env, struct pawl_str name)
{
    for (uint32_t i = 0; i < env->tools_count; i++)
        if (pawl_str_is(name, env->tools[i].name)) return &env->tools[i];
    return NULL;
}

struct wl_recording *wl_recording_named(struct wl_data *d, struct pawl_str name)
{
    unsigned long index = 0;
    if (name.n != 5 || name.p[0] != 'r') return NULL;
    for (uint32_t i = 1; i < 5; i++) index = index * 10 + (unsigned long)(name.p[i] - '0');
    return index < d->recordings_count ? &d->recordings[index] : NULL;
}

struct wl_call *wl_call_at(struct wl_recording *r, uint32_t step)
{
    for (uint32_t i = 0; i < r->calls_count; i++)
        if (r->calls[i].step == step) return &r->calls[i];
    for (uint32_t i = 0; i < r->extras_count; i++)
        if (r->extras[i].step == step) return &r->extras[i];
    return NULL;
}

static struct wl_call *call_of(struct wl_recording *r, struct pawl_str id)
{
    for (uint32_t i = r->calls_count; i-- > 0;)
        if (pawl_str_eq(r->calls[i].id, id)) return &r->calls[i];
    return NULL;
}

static void add_call(struct wl_data *d, struct wl_recording *r, yyjson_val *v)
{
    struct wl_call *c = &r->calls[r->calls_count++];
    struct pawl_buf args;
    pawl_buf_init_arena(&args, &d->arena);
    pawl_json_write(yyjson_obj_get(v, "arguments"), &args);
    *c = (struct wl_call){.id = pawl_json_str(v, "id"),
                          .name = pawl_json_str(v, "name"),
                          .args = yyjson_obj_get(v, "arguments_raw") ? pawl_json_str(v, "arguments_raw")
                                                                     : pawl_buf_done(&args),
                          .step = ++r->steps};
    c->tool = wl_tool_of(r->env, c->name);
}

static void add_turn(struct wl_data *d, struct wl_recording *r, yyjson_val *message, struct pawl_str user, bool working)
{
    struct wl_turn *t = &r->turns[r->turns_count++];
    yyjson_val *calls = yyjson_obj_get(message, "tool_calls"), *v;
    size_t i, n;
    *t = (struct wl_turn){.message = message,
                          .user = user,
                          .user_while_working = working,
                          .first_call = r->calls_count,
                          .calls_count = (uint32_t)yyjson_arr_size(calls),
                          .step = ++r->steps};
    yyjson_arr_foreach(calls, i, n, v) add_call(d, r, v);
}

static void add_result(struct wl_recording *r, yyjson_val *v)
{
    struct wl_call *c = call_of(r, pawl_json_str(v, "tool_call_id"));
    if (!c) return;
    c->has_result = true;
    c->content = pawl_json_str(v, "content");
    c->refused = pawl_json_bool(v, "error", false);
}

/* The messages in their order: what the user said goes with the answer that follows it. */
static void read_messages(struct wl_data *d, struct wl_recording *r, yyjson_val *messages)
{
    struct pawl_str user = {NULL, 0};
    bool after_tool = false, working = false;
    yyjson_val *v;
    size_t i, n;
    yyjson_arr_foreach(messages, i, n, v)
    {
        const struct pawl_str role = pawl_json_str(v, "role");
        if (pawl_str_is(role, "user")) {
            user = pawl_json_str(v, "content");
            working = after_tool;
        } else if (pawl_str_is(role, "assistant")) {
            add_turn(d, r, v, user, working);
            user = (struct pawl_str){NULL, 0};
        } else {
            add_result(r, v);
        }
        after_tool = pawl_str_is(role, "tool");
    }
    r->input = r->turns_count && r->turns[0].user.p ? r->turns[0].user : PAWL_STR("");
}

static int read_recording(struct wl_data *d, yyjson_val *v, struct wl_recording *r, struct pawl_error *err)
{
    static const char *const ends[] = {"final", "user_stop", "cut_off", "provider_quota"};
    const struct pawl_str env = pawl_json_str(v, "env"), ended = pawl_json_str(v, "ended");
    yyjson_val *messages = yyjson_obj_get(v, "messages"), *m;
    size_t i, n, calls = 0;
    int end = 0;
    r->id = pawl_json_str(v, "id");
    r->system = pawl_json_str(v, "system");
    for (uint32_t k = 0; k < d->envs_count; k++)
        if (pawl_str_eq(d->envs[k].name, env)) r->env = &d->envs[k];
    while (end < 4 && !pawl_str_is(ended, ends[end])) end++;
    if (!r->env || !r->id.p || end == 4)
        return pawl_fail(err, PAWL_EINVAL, r->id.p ? r->id.p : "", "",
                         "a run without an id, a known env or a known ending");
    r->ended = (enum wl_ended)end;
    r->chat = env.n >= 3 && memcmp(env.p, "tau", 3) == 0; /* a desk with a customer: it waits for the next message */
    yyjson_arr_foreach(messages, i, n, m) calls += yyjson_arr_size(yyjson_obj_get(m, "tool_calls"));
    r->turns = pawl_arena_zeroed(&d->arena, (yyjson_arr_size(messages) + 1) * sizeof *r->turns);
    r->calls = pawl_arena_zeroed(&d->arena, (calls + 1) * sizeof *r->calls);
    if (!r->turns || !r->calls) return PAWL_ENOMEM;
    read_messages(d, r, messages);
    for (uint32_t k = 0; k < r->calls_count; k++)
        if (!r->calls[k].tool)
            return pawl_fail(err, PAWL_EINVAL, r->id.p, "", "a call of %.*s, which has no contract",
                             (int)r->calls[k].name.n, r->calls[k].name.p);
    return d->arena.failed ? PAWL_ENOMEM : PAWL_OK;
}

static uint32_t lines_of(struct pawl_str text)
{
    uint32_t lines = 0;
    for (uint32_t i = 0; i < text.n; i++) lines += text.p[i] == '\n';
    return lines + 1;
}

static int read_runs(struct wl_data *d, const char *folder, const char *name, uint32_t stride, uint32_t *seen,
                     struct pawl_error *err)
{
    struct pawl_str text;
    int rc = read_file(d, folder, name, &text, err);
    if (rc) return rc;
    const size_t size = ((size_t)d->recordings_count + lines_of(text)) * sizeof *d->recordings;
    struct wl_recording *grown = realloc(d->recordings, size);
    if (!grown) return PAWL_ENOMEM;
    d->recordings = grown;
    for (const char *p = text.p, *end = text.p + text.n; p < end && rc == PAWL_OK;) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        const struct pawl_str line = {p, (uint32_t)((eol ? eol : end) - p)};
        struct wl_recording *r = &d->recordings[d->recordings_count];
        yyjson_val *v;
        p = eol ? eol + 1 : end;
        if (line.n == 0 || (*seen)++ % stride != 0) continue;
        memset(r, 0, sizeof *r);
        r->index = d->recordings_count++;
        snprintf(r->name, sizeof r->name, "r%04u", r->index);
        rc = pawl_json_read(line, &d->arena, &v, err);
        if (rc == PAWL_OK) rc = read_recording(d, v, r, err);
        d->calls_count += r->calls_count;
    }
    return rc;
}

static int keep_json(const struct dirent *e)
{
    const char *dot = strrchr(e->d_name, '.');
    return dot && strcmp(dot, ".json") == 0;
}

static int keep_jsonl(const struct dirent *e)
{
    const char *dot = strrchr(e->d_name, '.');
    return dot && strcmp(dot, ".jsonl") == 0;
}

int wl_load(struct wl_data *d, const char *folder, uint32_t stride, struct pawl_error *err)
{
    char contracts[4096];
    struct dirent **files = NULL, **runs = NULL;
    uint32_t seen = 0;
    int rc = PAWL_OK;
    memset(d, 0, sizeof *d);
    pawl_arena_init(&d->arena, pawl_alloc_libc());
    if (snprintf(contracts, sizeof contracts, "%s/contracts", folder) >= (int)sizeof contracts) return PAWL_ELIMIT;
    const int files_count = scandir(contracts, &files, keep_json, alphasort);
    const int runs_count = scandir(folder, &runs, keep_jsonl, alphasort);
    if (files_count <= 0 || runs_count <= 0)
        rc = pawl_fail(err, PAWL_ENOTFOUND, folder, "", "no recorded runs are here");
    for (int i = 0; i < files_count && rc == PAWL_OK; i++) rc = read_contracts(d, contracts, files[i]->d_name, err);
    for (int i = 0; i < runs_count && rc == PAWL_OK; i++)
        rc = read_runs(d, folder, runs[i]->d_name, stride, &seen, err);
    for (int i = 0; i < files_count; i++) free(files[i]);
    for (int i = 0; i < runs_count; i++) free(runs[i]);
    free(files);
    free(runs);
    return rc;
}

void wl_forget(struct wl_data *d)
{
    for (uint32_t i = 0; i < d->recordings_count; i++) {
        struct wl_recording *r = &d->recordings[i];
        for (uint32_t k = 0; k < r->calls_count; k++) {
            const struct wl_call c = r->calls[k];
            free(c.told);
            free(c.message);
            r->calls[k] = (struct wl_call){.id = c.id,
                                           .name = c.name,
                                           .args = c.args,
                                           .tool = c.tool,
                                           .content = c.content,
                                           .has_result = c.has_result,
                                           .refused = c.refused};
        }
        for (uint32_t k = 0; k < r->extras_count; k++) free(r->extras[k].message);
        free(r->extras);
        r->extras = NULL;
        r->extras_count = r->answers = r->cut_short = 0;
        r->seq = 0;
        r->seen = (struct wl_seen){.question = 0};
        r->over = false;
        r->run[0] = r->status[0] = r->waiting[0] = r->end_class[0] = r->end_message[0] = r->trouble[0] = 0;
    }
}

void wl_free(struct wl_data *d)
{
    wl_forget(d);
    free(d->recordings);
    pawl_arena_fini(&d->arena);
}
