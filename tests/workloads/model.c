/* tests/workloads/model.c - what plays the recorded models: an HTTP server on loopback, in a thread of its own, that speaks
 * the OpenAI protocol. `model` names the recording; the answer is the one that was recorded after as many answers as the
 * request holds. The conversation that comes in must be the recorded one. */
#include <stdlib.h>
#include <string.h>
#include <uv.h>
#include "io/alloc.h"
#include "io/http_server.h"
#include "replay.h"
#include "say.h"

struct wl_models {
    struct wl_replay *replay;
    struct pawl *line; /* a client of the owner: what the user says while a run works */
    pthread_t thread;
    uv_loop_t loop;
    uv_async_t stop;
    struct pawl_http_server *server;
};

static bool same_json(struct pawl_str a, struct pawl_str b, struct pawl_arena *arena)
{
    yyjson_val *x, *y;
    return pawl_json_read(a, arena, &x, NULL) == PAWL_OK && pawl_json_read(b, arena, &y, NULL) == PAWL_OK &&
           pawl_json_equal(x, y);
}

/* A message of the request; it is used up. */
struct reader {
    yyjson_val *messages;
    size_t at;
    bool wrong;
    struct pawl_arena *arena;
};

static yyjson_val *next(struct reader *in, const char *role)
{
    yyjson_val *v = yyjson_arr_get(in->messages, in->at++);
    if (!v || !pawl_str_is(pawl_json_str(v, "role"), role)) in->wrong = true;
    return v;
}

static void expect_text(struct reader *in, const char *role, struct pawl_str text)
{
    const struct pawl_str content = pawl_json_str(next(in, role), "content");
    if (!pawl_str_eq(content.p ? content : PAWL_STR(""), text.p ? text : PAWL_STR(""))) in->wrong = true;
}

static void expect_call(struct reader *in, yyjson_val *v, const struct wl_call *c)
{
    yyjson_val *function = yyjson_obj_get(v, "function");
    const struct pawl_str args = pawl_json_str(function, "arguments");
    if (!pawl_str_eq(pawl_json_str(v, "id"), c->id)) in->wrong = true;
    if (!pawl_str_eq(pawl_json_str(function, "name"), c->name)) in->wrong = true;
    if (!args.p || (!pawl_str_eq(args, c->args) && !same_json(args, c->args, in->arena))) in->wrong = true;
}

/* What the model is told of a call; the judge says later whether it may differ from what was recorded. */
static void expect_result(struct reader *in, struct wl_call *c)
{
    yyjson_val *v = next(in, "tool");
    const struct pawl_str content = pawl_json_str(v, "content");
    if (!pawl_str_eq(pawl_json_str(v, "tool_call_id"), c->id) || !content.p) in->wrong = true;
    if (!content.p || c->told || pawl_str_eq(content, c->content)) return;
    if (c->tool->json && same_json(content, c->content, in->arena)) return;
    c->told = strdup(content.p);
}

static bool conversation_fits(struct wl_recording *r, yyjson_val *messages, uint32_t turn, struct pawl_arena *a)
{
    struct reader in = {.messages = messages, .arena = a};
    if (r->system.n) expect_text(&in, "system", r->system);
    for (uint32_t i = 0; i <= turn && i < r->turns_count; i++) {
        const struct wl_turn *t = &r->turns[i];
        if (i == 0 || t->user.p) expect_text(&in, "user", i == 0 ? r->input : t->user);
        if (i == turn) break;
        yyjson_val *said = next(&in, "assistant"), *calls = yyjson_obj_get(said, "tool_calls");
        const struct pawl_str content = pawl_json_str(said, "content"), recorded = pawl_json_str(t->message, "content");
        if (!pawl_str_eq(content.p ? content : PAWL_STR(""), recorded.p ? recorded : PAWL_STR(""))) in.wrong = true;
        if (yyjson_arr_size(calls) != t->calls_count) return false;
        for (uint32_t k = 0; k < t->calls_count; k++)
            expect_call(&in, yyjson_arr_get(calls, k), &r->calls[t->first_call + k]);
        for (uint32_t k = 0; k < t->calls_count; k++) expect_result(&in, &r->calls[t->first_call + k]);
    }
    return !in.wrong && in.at == yyjson_arr_size(messages);
}

/* What the user said while this answer's calls were under way is sent now, when the answer is on its way: pawl keeps it
 * until the calls are done, and the model sees it next, as it was recorded. */
static void say_while_working(struct wl_models *m, struct wl_recording *rec, uint32_t next_turn)
{
    struct pawl_error err;
    char id[64];
    const struct wl_turn *t = &rec->turns[next_turn];
    if (next_turn >= rec->turns_count || !t->user_while_working) return;
    pthread_mutex_lock(&m->replay->lock);
    while (!rec->run[0] && !m->replay->stop) pthread_cond_wait(&m->replay->named, &m->replay->lock);
    pthread_mutex_unlock(&m->replay->lock);
    snprintf(id, sizeof id, "%s-user-%u", rec->name, next_turn);
    if (pawl_send(m->line, rec->run, t->user.p, id, &err))
        wl_trouble(m->replay, rec, "a message while it worked: %s", err.what);
}

static void on_request(void *ctx, struct pawl_http_peer *peer, const struct pawl_http_incoming *in)
{
    struct wl_models *m = ctx;
    struct pawl_arena a;
    yyjson_val *request, *messages, *v;
    struct wl_recording *rec = NULL;
    uint32_t turn = 0;
    struct wl_saying saying;
    struct pawl_buf out;
    size_t i, n;
    pawl_arena_init(&a, pawl_alloc_libc());
    if (pawl_json_read(in->body, &a, &request, NULL) == PAWL_OK)
        rec = wl_recording_named(m->replay->data, pawl_json_str(request, "model"));
    messages = rec ? yyjson_obj_get(request, "messages") : NULL;
    yyjson_arr_foreach(messages, i, n, v) turn += pawl_str_is(pawl_json_str(v, "role"), "assistant");
    if (!rec || turn >= rec->turns_count) {
        if (rec) wl_trouble(m->replay, rec, "the model was asked once more than was recorded");
        pawl_http_answer(peer, 404, "application/json", "",
                         PAWL_STR("{\"error\":{\"message\":\"nothing was recorded here\"}}"));
    } else {
        rec->requests++;
        if (!conversation_fits(rec, messages, turn, &a)) rec->conversations_wrong++;
        say_while_working(m, rec, turn + 1);
        pawl_buf_init_arena(&out, &a);
        wl_say_recorded(rec, turn, &a, &saying);
        wl_saying_stream(&saying, &a, &out);
        pawl_http_answer(peer, 200, "text/event-stream", "", pawl_buf_done(&out));
    }
    pawl_arena_fini(&a);
}

static void on_stop(uv_async_t *handle)
{
    struct wl_models *m = handle->data;
    pawl_http_server_close(m->server);
    uv_close((uv_handle_t *)handle, NULL);
}

static void *serve(void *ctx)
{
    struct wl_models *m = ctx;
    uv_run(&m->loop, UV_RUN_DEFAULT);
    while (uv_run(&m->loop, UV_RUN_NOWAIT)) {
    }
    uv_loop_close(&m->loop);
    return NULL;
}

int wl_models_open(struct wl_replay *r, struct wl_models **out, int *port, struct pawl_error *err)
{
    struct wl_models *m = calloc(1, sizeof *m);
    const struct pawl_http_hooks hooks = {.on_request = on_request, .ctx = m, .body_bytes_max = (size_t)64 << 20};
    int rc;
    if (!m) return PAWL_ENOMEM;
    m->replay = r;
    uv_loop_init(&m->loop);
    uv_async_init(&m->loop, &m->stop, on_stop);
    m->stop.data = m;
    *port = 0;
    rc = pawl_http_server_open(pawl_alloc_libc(), &m->loop, "127.0.0.1", port, &hooks, &m->server, err);
    *out = m;
    return rc;
}

int wl_models_run(struct wl_models *m, struct pawl_error *err)
{
    const struct pawl_options o = {.size = sizeof o, .store = m->replay->store};
    const int rc = pawl_open(&o, &m->line, err);
    if (rc) return rc;
    return pthread_create(&m->thread, NULL, serve, m) ? PAWL_ENOMEM : PAWL_OK;
}

void wl_models_close(struct wl_models *m)
{
    uv_async_send(&m->stop);
    pthread_join(m->thread, NULL);
    pawl_close(m->line);
    free(m);
}
