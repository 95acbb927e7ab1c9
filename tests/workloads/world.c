/* tests/workloads/world.c - see world.h: the server, what is put off, the ledger. */
#include <stdlib.h>
#include <string.h>
#include "io/alloc.h"
#include "world_parts.h"

static const uint64_t MS = 1000000;

void wl_answer(struct wl_request *q, int status, struct pawl_str body)
{
    pawl_http_answer(q->peer, status, "application/json", status == 429 ? "Retry-After: 0.02\r\n" : "", body);
}

void wl_meet(struct wl_world *w, enum wl_fault f)
{
    w->met[f]++;
}

void wl_take_effect(struct wl_world *w, struct wl_deed *d, const char *key)
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

static void do_later(struct wl_world *w, struct wl_later *l)
{
    struct pawl_buf b;
    if (l->what == LAND) {
        wl_take_effect(w, l->deed, l->key);
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
        struct wl_later *l = w->later;
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

struct wl_later *wl_put_off(struct wl_request *q, uint64_t ms)
{
    struct wl_later *l = calloc(1, sizeof *l), **at = &q->w->later;
    if (!l) abort();
    l->due_ns = uv_hrtime() + ms * MS;
    l->rec = q->rec;
    while (*at && (*at)->due_ns <= l->due_ns) at = &(*at)->next;
    l->next = *at;
    *at = l;
    uv_timer_start(&q->w->timer, on_timer, (q->w->later->due_ns - uv_hrtime()) / MS + 1, 0);
    return l;
}

static bool begins(struct pawl_str s, const char *with)
{
    return s.n >= strlen(with) && memcmp(s.p, with, strlen(with)) == 0;
}

static void on_request(void *ctx, struct pawl_http_peer *peer, const struct pawl_http_incoming *in)
{
    static const char *const routes[] = {"/tools/", "/look/", "/deed/", "/polls/", "/books/", "/back/"};
    enum { ROUTES = sizeof routes / sizeof *routes };
    struct pawl_arena a;
    struct wl_request q = {.w = ctx, .peer = peer, .in = in, .a = &a};
    size_t route = 0;
    catch_up(q.w);
    pawl_arena_init(&a, pawl_alloc_libc());
    while (route < ROUTES && !begins(in->target, routes[route])) route++;
    const char *target = pawl_arena_copy(&a, in->target.p, in->target.n);
    const size_t n = route < ROUTES ? strlen(routes[route]) : 0;
    if (route < ROUTES && in->target.n >= n + 5)
        q.rec = wl_recording_named(q.w->data, (struct pawl_str){in->target.p + n, 5});
    if (q.rec) q.place = &q.w->places[q.rec->index];
    const char *rest = q.rec && in->target.n > n + 6 ? target + n + 6 : "";
    if (begins(in->target, "/v1/chat/completions")) wl_ask_model(&q);
    else if (begins(in->target, "/ticks/")) wl_take_tick(&q);
    else if (!q.rec) wl_answer(&q, 404, PAWL_STR("{}"));
    else if (route == 0) wl_call_tool(&q, pawl_str_of(rest));
    else if (route == 1) wl_look(&q);
    else if (route == 2) wl_show_deed(&q, rest);
    else if (route == 3) wl_part_poll(&q, rest);
    else if (route == 4) wl_show_books(&q);
    else wl_take_back(&q);
    pawl_arena_fini(&a);
}

static void on_gone(void *ctx, struct pawl_http_peer *peer)
{
    struct wl_world *w = ctx;
    for (struct wl_later *l = w->later; l; l = l->next)
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

int wl_world_open(struct wl_data *data, const struct wl_faults *faults, enum wl_service service, enum wl_part part,
                  struct wl_world **out, int *port, struct pawl_error *err)
{
    struct wl_world *w = calloc(1, sizeof *w);
    const struct pawl_http_hooks hooks = {.on_request = on_request,
                                          .on_gone = on_gone,
                                          .ctx = w,
                                          .body_bytes_max = (size_t)64 << 20};
    int rc;
    *out = w;
    if (!w) return PAWL_ENOMEM;
    *w = (struct wl_world){.data = data, .faults = *faults, .service = service, .part = part};
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

const struct wl_ledger *wl_world_ledger(const struct wl_world *w, const struct wl_recording *r)
{
    return &w->places[r->index].ledger;
}

const struct wl_deed *wl_world_deed(const struct wl_world *w, const struct wl_recording *r, uint32_t call, int kind)
{
    return &w->places[r->index].deeds[call * WL_KINDS + (uint32_t)kind];
}

uint32_t wl_world_met(const struct wl_world *w, enum wl_fault fault)
{
    return w->met[fault];
}

uint32_t wl_world_ticks(const struct wl_world *w, const struct wl_tick **ticks)
{
    *ticks = w->ticks;
    return w->ticks_count;
}

uint32_t wl_world_strays(const struct wl_world *w)
{
    return w->strays;
}

uint32_t wl_world_calls(const struct wl_world *w)
{
    return w->calls;
}
