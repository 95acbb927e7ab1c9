/* tests/workloads/world.c - see world.h: the server, the ledger, and how each call misbehaves. */
#include "world.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>
#include "io/alloc.h"
#include "io/http_server.h"

enum { LOOK_DELAY_MS = 10, LATE_MS = 100, PLACES = 8, LOOK_PLACE = 1 << 24 };
static const uint64_t MS = 1000000;

struct later { /* something that is still to be done */
    struct later *next;
    uint64_t due_ns;
    enum { ANSWER, LAND, LOOK } what;
    struct pawl_http_peer *peer; /* NULL: it has gone */
    struct wl_recording *rec;
    struct wl_deed *deed;
    char key[40];
    struct pawl_str body; /* malloc */
};
struct place { /* where a run is, by what its model was last asked and has answered */
    uint32_t turn;
    enum wl_fault says; /* WL_FINE: the recorded answer */
    uint32_t of;
    uint32_t asked, asked_count, looks; /* the place that the model is asked at, and how often it was */
    struct wl_deed *deeds;              /* call by call, each WL_KINDS */
};
struct wl_world {
    struct wl_data *data;
    struct wl_faults faults;
    enum wl_service service;
    struct place *places;
    struct later *later;
    pthread_t thread;
    uv_loop_t loop;
    uv_timer_t timer;
    uv_async_t stop;
    bool stopping;
    struct pawl_http_server *server;
    uint32_t met[WL_FAULTS], strays, calls;
};

struct request {
    struct wl_world *w;
    struct pawl_http_peer *peer;
    const struct pawl_http_incoming *in;
    struct pawl_arena *a;
    struct wl_recording *rec;
    struct place *place;
};

static void answer(struct request *q, int status, struct pawl_str body)
{
    pawl_http_answer(q->peer, status, "application/json", status == 429 ? "Retry-After: 0.02\r\n" : "", body);
}

static void meet(struct wl_world *w, enum wl_fault f)
{
    w->met[f]++;
}

/* The effect itself. A service that takes keys does nothing for one that it knows. */
static void take_effect(struct wl_world *w, struct wl_deed *d, const char *key)
{
    if (w->service == WL_TAKES_KEYS && d->effects && strcmp(d->key, key) == 0) return;
    if (d->effects++ == 0) snprintf(d->key, sizeof d->key, "%s", key);
}

static void write_seen(struct wl_world *w, const struct wl_recording *rec, struct pawl_buf *out)
{
    const struct wl_deed *deeds = w->places[rec->index].deeds;
    bool more = false;
    pawl_buf_char(out, '[');
    for (uint32_t i = 0; i < rec->calls_count * WL_KINDS; i++) {
        if (!deeds[i].effects) continue;
        pawl_buf_printf(out, "%s{\"tool\":\"%s\",\"idempotency_key\":\"%s\"}", more ? "," : "",
                        rec->calls[i / WL_KINDS].tool->name, deeds[i].key);
        more = true;
    }
    pawl_buf_char(out, ']');
}

static void do_later(struct wl_world *w, struct later *l)
{
    struct pawl_buf b;
    if (l->what == LAND) {
        take_effect(w, l->deed, l->key);
        l->deed->landing--;
    } else if (l->what == LOOK && l->peer) {
        pawl_buf_init(&b, pawl_alloc_libc());
        if (l->deed)
            pawl_buf_printf(&b, "{\"landing\":%s,\"effects\":%u}", l->deed->landing ? "true" : "false",
                            l->deed->effects);
        else write_seen(w, l->rec, &b);
        pawl_http_answer(l->peer, 200, "application/json", "", pawl_buf_done(&b));
        pawl_buf_fini(&b);
    } else if (l->what == ANSWER && l->peer) {
        pawl_http_answer(l->peer, 200, "application/json", "", l->body);
    }
    free((char *)(uintptr_t)l->body.p);
    free(l);
}

/* All that is due, in its order, before anything that comes in later is looked at. */
static void catch_up(struct wl_world *w)
{
    const uint64_t now = uv_hrtime();
    while (w->later && w->later->due_ns <= now) {
        struct later *l = w->later;
        w->later = l->next;
        do_later(w, l);
    }
}

static void finish_if_idle(struct wl_world *w)
{
    if (!w->stopping || w->later || uv_is_closing((uv_handle_t *)&w->timer)) return;
    pawl_http_server_close(w->server);
    uv_close((uv_handle_t *)&w->timer, NULL);
    uv_close((uv_handle_t *)&w->stop, NULL);
}

static void on_timer(uv_timer_t *t)
{
    struct wl_world *w = t->data;
    catch_up(w);
    if (w->later) {
        const uint64_t now = uv_hrtime(), left = w->later->due_ns > now ? w->later->due_ns - now : 0;
        uv_timer_start(t, on_timer, left / MS + 1, 0);
    }
    finish_if_idle(w);
}

static struct later *put_off(struct request *q, uint64_t ms)
{
    struct later *l = calloc(1, sizeof *l), **at = &q->w->later;
    if (!l) abort();
    l->due_ns = uv_hrtime() + ms * MS;
    l->rec = q->rec;
    while (*at && (*at)->due_ns <= l->due_ns) at = &(*at)->next;
    l->next = *at;
    *at = l;
    uv_timer_start(&q->w->timer, on_timer, (q->w->later->due_ns - uv_hrtime()) / MS + 1, 0);
    return l;
}

/* ---- the models */

static void cut(struct request *q, struct pawl_str body, bool truncated)
{
    char head[160];
    if (truncated)
        snprintf(
            head, sizeof head,
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %u\r\nConnection: close\r\n\r\n",
            body.n);
    else snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n");
    pawl_http_raw(q->peer, pawl_str_of(head), false);
    pawl_http_raw(q->peer, (struct pawl_str){body.p, body.n / 2}, true);
}

static void answer_model(struct request *q, enum wl_fault f, struct pawl_str stream)
{
    static const char slow_down[] =
        "{\"error\":{\"message\":\"slow down\",\"type\":\"rate_limit_error\",\"param\":null,"
        "\"code\":\"rate_limit_exceeded\"}}";
    static const char boom[] =
        "{\"error\":{\"message\":\"boom\",\"type\":\"server_error\",\"param\":null,\"code\":null}}";
    meet(q->w, f);
    switch (f) {
    case WL_MODEL_429: answer(q, 429, pawl_str_of(slow_down)); break;
    case WL_MODEL_500: answer(q, 500, pawl_str_of(boom)); break;
    case WL_MODEL_HANG: break; /* pawl gives up, and goes */
    case WL_MODEL_TRUNCATED:
    case WL_MODEL_CUT: cut(q, stream, f == WL_MODEL_TRUNCATED); break;
    case WL_MODEL_DROP: pawl_http_drop(q->peer); break;
    default: pawl_http_answer(q->peer, 200, "text/event-stream", "", stream);
    }
}

/* Where the conversation is: so many recorded answers, and so many others behind the last of them. */
static void find_place(yyjson_val *messages, uint32_t *turn, uint32_t *nth)
{
    yyjson_val *v;
    uint32_t of;
    size_t i, n;
    *turn = *nth = 0;
    yyjson_arr_foreach(messages, i, n, v)
    {
        if (!pawl_str_is(pawl_json_str(v, "role"), "assistant")) continue;
        yyjson_val *call = yyjson_arr_get(yyjson_obj_get(v, "tool_calls"), 0);
        if (call && wl_call_kind(pawl_json_str(call, "id"), &of)) ++*nth;
        else ++*turn, *nth = 0;
    }
}

static void model(struct request *q)
{
    yyjson_val *request;
    uint32_t turn, nth, of = 0;
    struct wl_saying saying;
    struct pawl_buf stream;
    if (pawl_json_read(q->in->body, q->a, &request, NULL)) request = NULL;
    q->rec = wl_recording_named(q->w->data, pawl_json_str(request, "model"));
    if (!q->rec) {
        answer(q, 404, PAWL_STR("{\"error\":{\"message\":\"there is no such model\"}}"));
        return;
    }
    q->place = &q->w->places[q->rec->index];
    find_place(yyjson_obj_get(request, "messages"), &turn, &nth);
    const enum wl_fault says = wl_faults_says(&q->w->faults, q->rec, turn, nth, &of);
    if (!says && turn >= q->rec->turns_count) {
        answer(q, 400,
               PAWL_STR("{\"error\":{\"message\":\"the recording ends here\",\"type\":\"invalid_request_error\"}}"));
        return;
    }
    const uint32_t asked = turn * PLACES + nth;
    if (q->place->asked != asked) q->place->asked_count = 0;
    q->place->asked = asked;
    const enum wl_fault f = wl_faults_model(&q->w->faults, q->rec, asked, q->place->asked_count++);
    if (says) wl_say_otherwise(q->rec, turn, says, of, q->a, &saying);
    else wl_say_recorded(q->rec, turn, q->a, &saying);
    pawl_buf_init_arena(&stream, q->a);
    wl_saying_stream(&saying, q->a, &stream);
    if (!f) {
        meet(q->w, says);
        q->place->turn = turn;
        q->place->says = says;
        q->place->of = of;
    }
    answer_model(q, f, pawl_buf_done(&stream));
}

/* ---- the tools */

/* The call that this is: one of the answer that the model gave last. */
static struct wl_deed *deed_of(struct request *q, struct pawl_str tool, const char *key, struct wl_call **call)
{
    struct place *p = q->place;
    const struct wl_turn *t = &q->rec->turns[p->turn];
    struct wl_deed *found = NULL;
    yyjson_val *args, *recorded;
    if (p->says == WL_SAYS_REPEAT || p->says == WL_SAYS_REWORD) {
        *call = &q->rec->calls[p->of];
        return &p->deeds[p->of * WL_KINDS + (p->says == WL_SAYS_REPEAT ? WL_AGAIN : WL_OTHER)];
    }
    if (p->says || pawl_json_read(q->in->body, q->a, &args, NULL)) return NULL;
    for (uint32_t i = 0; i < t->calls_count; i++) {
        struct wl_call *c = &q->rec->calls[t->first_call + i];
        struct wl_deed *d = &p->deeds[(t->first_call + i) * WL_KINDS];
        if (!pawl_str_eq(c->name, tool) || pawl_json_read(c->args, q->a, &recorded, NULL)) continue;
        if (!pawl_json_equal(args, recorded)) continue;
        if (d->key[0] && strcmp(d->key, key) == 0) return *call = c, d;
        if (!found || (found->key[0] && !d->key[0])) found = d, *call = c; /* of equal ones the first that is new */
    }
    if (found && !found->key[0]) snprintf(found->key, sizeof found->key, "%s", key);
    return found;
}

/* The honest answer: what was recorded. */
static struct pawl_str result_of(struct request *q, const struct wl_call *c)
{
    struct pawl_buf b;
    if (c->tool->json) return c->content;
    pawl_buf_init_arena(&b, q->a);
    pawl_json_quote(c->content, &b);
    return pawl_buf_done(&b);
}

static void refuse(struct request *q, const struct wl_call *c)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, q->a);
    pawl_buf_text(&b, "{\"error\":");
    pawl_json_quote(c->content, &b);
    pawl_buf_char(&b, '}');
    answer(q, 422, pawl_buf_done(&b));
}

static bool comes_before(enum wl_fault f)
{
    return f == WL_TOOL_429 || f == WL_TOOL_500_BEFORE || f == WL_TOOL_HANG_BEFORE || f == WL_TOOL_DROP_BEFORE ||
           f == WL_TOOL_202_BEFORE;
}

static void put_off_answer(struct request *q, struct pawl_str body)
{
    struct later *l = put_off(q, WL_TOOL_TIMEOUT_MS / 2);
    l->what = ANSWER;
    l->peer = q->peer;
    l->body = (struct pawl_str){strndup(body.p, body.n), body.n};
}

static void put_off_effect(struct request *q, struct wl_deed *d, const char *key)
{
    struct later *l = put_off(q, WL_TOOL_TIMEOUT_MS + LATE_MS);
    l->what = LAND;
    l->deed = d;
    d->landing++;
    snprintf(l->key, sizeof l->key, "%s", key);
}

static void misbehave(struct request *q, enum wl_fault f, struct pawl_str body)
{
    switch (f) {
    case WL_TOOL_429: answer(q, 429, PAWL_STR("{\"error\":\"slow down\"}")); break;
    case WL_TOOL_500_BEFORE:
    case WL_TOOL_500_AFTER: answer(q, 500, PAWL_STR("{\"error\":\"boom\"}")); break;
    case WL_TOOL_DROP_BEFORE:
    case WL_TOOL_DROP_AFTER: pawl_http_drop(q->peer); break;
    case WL_TOOL_SLOW: put_off_answer(q, body); break;
    case WL_TOOL_GARBAGE: answer(q, 200, PAWL_STR("{\"id\": 17, \"st\x01\xff")); break;
    case WL_TOOL_HTML: answer(q, 200, PAWL_STR("<html><body>502 Bad Gateway</body></html>")); break;
    case WL_TOOL_OUT_OF_CONTRACT: answer(q, 200, PAWL_STR("{\"surprise\":true}")); break;
    case WL_TOOL_202_BEFORE:
    case WL_TOOL_202_AFTER:
        pawl_http_answer(q->peer, 202, "application/json", "Location: /jobs/1\r\n",
                         PAWL_STR("{\"status\":\"queued\"}"));
        break;
    default: break; /* it hangs: pawl gives up, and goes */
    }
}

static void tool(struct request *q, struct pawl_str name)
{
    const struct pawl_str header = pawl_http_field_of(q->in, "Idempotency-Key");
    struct wl_call *c = NULL;
    struct wl_deed *d;
    char key[40];
    uint32_t n = header.n, at = 0;
    if (n >= 2 && header.p[0] == '"') n -= 2, at = 1;
    snprintf(key, sizeof key, "%.*s", (int)n, header.p ? header.p + at : "");
    d = deed_of(q, name, key, &c);
    q->w->calls++;
    if (!d) {
        q->w->strays++;
        answer(q, 404, PAWL_STR("{\"error\":\"nobody has asked for this\"}"));
        return;
    }
    if (!c->has_result) { /* the recording breaks off here, and so does the service */
        answer(q, 500, PAWL_STR("{\"error\":\"the recording ends here\"}"));
        return;
    }
    enum wl_fault f = wl_faults_tool(&q->w->faults, q->rec, (uint32_t)(d - q->place->deeds), d->attempts++);
    if (c->refused && (f == WL_TOOL_SLOW || f == WL_TOOL_OUT_OF_CONTRACT))
        f = WL_FINE; /* no service says yes to what it refuses */
    const bool changes = c->tool->effect != WL_READ && !c->refused;
    meet(q->w, f);
    if (changes && f == WL_TOOL_LATE) put_off_effect(q, d, key);
    else if (changes && !comes_before(f)) take_effect(q->w, d, key);
    if (!f && c->refused) refuse(q, c);
    else if (!f) answer(q, 200, result_of(q, c));
    else misbehave(q, f, result_of(q, c));
}

/* Whoever looks sees all that was sent before: what is on its way in is read first. */
static void look(struct request *q)
{
    const enum wl_fault f = wl_faults_tool(&q->w->faults, q->rec, LOOK_PLACE + q->place->looks++, 0);
    if (f == WL_TOOL_429 || f == WL_TOOL_500_BEFORE || f == WL_TOOL_HANG_BEFORE || f == WL_TOOL_DROP_BEFORE ||
        f == WL_TOOL_GARBAGE || f == WL_TOOL_HTML) {
        meet(q->w, f);
        misbehave(q, f, PAWL_STR(""));
        return;
    }
    struct later *l = put_off(q, LOOK_DELAY_MS);
    l->what = LOOK;
    l->peer = q->peer;
}

static void deed(struct request *q, const char *rest)
{
    unsigned call = 0, kind = 0;
    if (sscanf(rest, "%u/%u", &call, &kind) != 2 || call >= q->rec->calls_count || kind >= WL_KINDS) {
        answer(q, 404, PAWL_STR("{}"));
        return;
    }
    struct later *l = put_off(q, LOOK_DELAY_MS);
    l->what = LOOK;
    l->peer = q->peer;
    l->deed = &q->place->deeds[call * WL_KINDS + kind];
}

/* ---- the server */

static bool begins(struct pawl_str s, const char *with)
{
    return s.n >= strlen(with) && memcmp(s.p, with, strlen(with)) == 0;
}

static void on_request(void *ctx, struct pawl_http_peer *peer, const struct pawl_http_incoming *in)
{
    static const char *const routes[] = {"/tools/", "/look/", "/deed/"};
    struct pawl_arena a;
    struct request q = {.w = ctx, .peer = peer, .in = in, .a = &a};
    size_t route = 0;
    catch_up(q.w);
    pawl_arena_init(&a, pawl_alloc_libc());
    while (route < 3 && !begins(in->target, routes[route])) route++;
    const char *target = pawl_arena_copy(&a, in->target.p, in->target.n);
    const size_t n = route < 3 ? strlen(routes[route]) : 0;
    if (route < 3 && in->target.n >= n + 5)
        q.rec = wl_recording_named(q.w->data, (struct pawl_str){in->target.p + n, 5});
    if (q.rec) q.place = &q.w->places[q.rec->index];
    const char *rest = q.rec && in->target.n > n + 6 ? target + n + 6 : "";
    if (begins(in->target, "/v1/chat/completions")) model(&q);
    else if (!q.rec) answer(&q, 404, PAWL_STR("{}"));
    else if (route == 0) tool(&q, pawl_str_of(rest));
    else if (route == 1) look(&q);
    else deed(&q, rest);
    pawl_arena_fini(&a);
}

static void on_gone(void *ctx, struct pawl_http_peer *peer)
{
    struct wl_world *w = ctx;
    for (struct later *l = w->later; l; l = l->next)
        if (l->peer == peer) l->peer = NULL;
}

static void on_stop(uv_async_t *handle)
{
    struct wl_world *w = handle->data;
    w->stopping = true;
    finish_if_idle(w);
}

static void *serve(void *ctx)
{
    struct wl_world *w = ctx;
    uv_run(&w->loop, UV_RUN_DEFAULT);
    uv_loop_close(&w->loop);
    return NULL;
}

int wl_world_open(struct wl_data *data, const struct wl_faults *faults, enum wl_service service, struct wl_world **out,
                  int *port, struct pawl_error *err)
{
    struct wl_world *w = calloc(1, sizeof *w);
    const struct pawl_http_hooks hooks = {.on_request = on_request,
                                          .on_gone = on_gone,
                                          .ctx = w,
                                          .body_bytes_max = (size_t)64 << 20};
    int rc;
    *out = w;
    if (!w) return PAWL_ENOMEM;
    *w = (struct wl_world){.data = data, .faults = *faults, .service = service};
    w->places = calloc(data->recordings_count + 1, sizeof *w->places);
    for (uint32_t i = 0; w->places && i < data->recordings_count; i++)
        w->places[i].deeds = calloc(data->recordings[i].calls_count * WL_KINDS + 1, sizeof(struct wl_deed));
    uv_loop_init(&w->loop);
    uv_timer_init(&w->loop, &w->timer);
    uv_async_init(&w->loop, &w->stop, on_stop);
    w->timer.data = w->stop.data = w;
    *port = 0;
    rc = pawl_http_server_open(pawl_alloc_libc(), &w->loop, "127.0.0.1", port, &hooks, &w->server, err);
    if (rc) return rc;
    return pthread_create(&w->thread, NULL, serve, w) ? PAWL_ENOMEM : PAWL_OK;
}

void wl_world_stop(struct wl_world *w)
{
    uv_async_send(&w->stop);
    pthread_join(w->thread, NULL);
}

void wl_world_free(struct wl_world *w)
{
    for (uint32_t i = 0; i < w->data->recordings_count; i++) free(w->places[i].deeds);
    free(w->places);
    free(w);
}

const struct wl_deed *wl_world_deed(const struct wl_world *w, const struct wl_recording *r, uint32_t call, int kind)
{
    return &w->places[r->index].deeds[call * WL_KINDS + (uint32_t)kind];
}

uint32_t wl_world_met(const struct wl_world *w, enum wl_fault fault)
{
    return w->met[fault];
}

uint32_t wl_world_strays(const struct wl_world *w)
{
    return w->strays;
}

uint32_t wl_world_calls(const struct wl_world *w)
{
    return w->calls;
}
