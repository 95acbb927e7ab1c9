/* src/cli/mock_call.c - one request of `pawl mock`: which route it takes, which fault it meets, and how the answer leaves. A
 * call lives on the heap until it has been answered or its peer has gone; what is to happen late happens all the same. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "cli/mock.h"
#include "contract/shown.h"

static const char page[] = "<!doctype html><html><head><title>502 Bad Gateway</title></head>"
                           "<body><h1>Bad gateway</h1></body></html>";
static const char garbage[] = "{\"id\": 17, \"st\x01\xff";

void pawl_mock_say(struct pawl_mock_call *c, int status, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    c->status = status;
    c->out.n = 0;
    pawl_buf_text(&c->out, text);
}

/* ---- life */

static void release(struct pawl_mock_call *c)
{
    const struct pawl_alloc *from = c->m->alloc;
    pawl_arena_fini(&c->arena);
    from->resize(from->ctx, c, sizeof *c, 0);
}

static void on_timer_closed(uv_handle_t *h)
{
    release(h->data);
}

static void end(struct pawl_mock_call *c)
{
    pawl_mock_leaves(c);
    *c->prev = c->next;
    if (c->next) c->next->prev = c->prev;
    if (c->timer_open) uv_close((uv_handle_t *)&c->timer, on_timer_closed);
    else release(c);
}

void pawl_mock_calls_end(struct pawl_mock *m)
{
    while (m->calls) end(m->calls);
}

static struct pawl_str keep(struct pawl_mock_call *c, struct pawl_str s)
{
    return s.p ? pawl_str_copy(&c->arena, s) : (struct pawl_str){"", 0};
}

static struct pawl_mock_call *begin(struct pawl_mock *m, struct pawl_http_peer *peer,
                                    const struct pawl_http_incoming *in)
{
    struct pawl_mock_call *c = m->alloc->resize(m->alloc->ctx, NULL, 0, sizeof *c);
    if (!c) return NULL;
    memset(c, 0, sizeof *c);
    c->m = m;
    c->peer = peer;
    c->type = "application/json";
    pawl_arena_init(&c->arena, m->alloc);
    pawl_buf_init_arena(&c->out, &c->arena);
    pawl_buf_init_arena(&c->headers, &c->arena);
    c->method =
        keep(c, pawl_str_is(in->method, "HEAD") ? PAWL_STR("GET") : in->method); /* the body is left out below */
    c->target = keep(c, in->target);
    c->body = keep(c, in->body);
    c->key = keep(c, pawl_http_field_of(in, "Idempotency-Key"));
    c->authorization = keep(c, pawl_http_field_of(in, "Authorization"));
    if (c->key.n >= 2 && c->key.p[0] == '"' && c->key.p[c->key.n - 1] == '"') c->key.p++, c->key.n -= 2;
    if (c->body.n && pawl_json_read(c->body, &c->arena, &c->json, NULL)) c->json = NULL;
    c->callback = keep(c, pawl_http_field_of(in, "X-Callback-Url"));
    if (!c->callback.n) c->callback = pawl_json_str(c->json, "callback_url");
    c->next = m->calls;
    c->prev = &m->calls;
    if (c->next) c->next->prev = &c->next;
    m->calls = c;
    return c;
}

/* ---- the answer leaves */

/* "Sat, 21 Nov 2026 10:00:00 GMT", some seconds from now. */
static void add_date(struct pawl_buf *out, const char *word)
{
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const time_t at = time(NULL) + (word[4] == '+' ? atol(word + 5) : 0);
    struct tm t;
    if (!gmtime_r(&at, &t)) return;
    pawl_buf_printf(out, "Retry-After: %.3s, %02d %.3s %d %02d:%02d:%02d GMT\r\n", days + 3 * t.tm_wday, t.tm_mday,
                    months + 3 * t.tm_mon, t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

static const char *headers_of(struct pawl_mock_call *c)
{
    const char *extra = c->what.header;
    if (c->what.kind != MOCK_STATUS && c->what.kind != MOCK_STATUS_AFTER) extra = "";
    if (strncmp(extra, "date", 4) == 0) add_date(&c->headers, extra);
    else pawl_buf_text(&c->headers, extra);
    if (c->status >= 300 && c->status < 400 && !c->headers.n) pawl_buf_text(&c->headers, "Location: /moved\r\n");
    return c->headers.n ? pawl_buf_done(&c->headers).p : "";
}

static bool is_model(const struct pawl_mock_call *c)
{
    return strcmp(c->route, "model") == 0;
}

/* Half of it, by bytes; of a stream that goes on in order, up to an event's end. */
static size_t half(const struct pawl_mock_call *c)
{
    size_t n = c->out.n / 2;
    while (c->stream && c->what.kind == MOCK_HALF && n > 1 && !(c->out.p[n - 1] == '\n' && c->out.p[n - 2] == '\n'))
        n--;
    return n;
}

static bool is_halved(const struct pawl_mock_call *c)
{
    const enum pawl_mock_kind k = c->what.kind;
    return k == MOCK_CUT || k == MOCK_HALF || (is_model(c) && (k == MOCK_HANG_AFTER || k == MOCK_RESET_AFTER));
}

/* Behind the last byte that is to be sent of an answer that does not end as it should. */
static void break_off(struct pawl_mock_call *c)
{
    struct pawl_http_peer *peer = c->peer;
    if (c->what.kind == MOCK_HANG_AFTER) return; /* until the peer gives up */
    if (c->what.kind == MOCK_RESET_AFTER) pawl_http_reset(peer);
    else if (c->what.kind == MOCK_HALF) pawl_http_stream_end(peer);
    else pawl_http_raw(peer, PAWL_STR(""), true);
    end(c);
}

static void feed(struct pawl_mock_call *c)
{
    const size_t until = is_halved(c) ? half(c) : c->out.n;
    while (c->sent < until) {
        const char *from = c->out.p + c->sent, *stop = memmem(from, until - c->sent, "\n\n", 2);
        const size_t n = stop ? (size_t)(stop - from) + 2 : until - c->sent;
        if (pawl_http_piece(c->peer, (struct pawl_str){from, (uint32_t)n})) return; /* on_drained goes on */
        c->sent += n;
    }
    if (is_halved(c)) {
        break_off(c);
        return;
    }
    pawl_http_stream_end(c->peer);
    end(c);
}

static void send_broken(struct pawl_mock_call *c)
{
    struct pawl_buf head;
    pawl_buf_init_arena(&head, &c->arena);
    pawl_buf_printf(&head, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
                    c->type, c->out.n);
    pawl_http_raw(c->peer, pawl_buf_done(&head), false);
    pawl_http_raw(c->peer, (struct pawl_str){c->out.p, (uint32_t)half(c)}, false);
    break_off(c);
}

void pawl_mock_send(struct pawl_mock_call *c)
{
    const enum pawl_mock_kind kind = c->what.kind;
    if (!c->peer) {
        end(c);
    } else if (kind == MOCK_HANG || (kind == MOCK_HANG_AFTER && !is_model(c))) {
        return; /* never answered: the peer gives up */
    } else if (kind == MOCK_DROP || kind == MOCK_DROP_AFTER) {
        pawl_http_drop(c->peer);
        end(c);
    } else if (kind == MOCK_RESET || (kind == MOCK_RESET_AFTER && !is_model(c))) {
        pawl_http_reset(c->peer);
        end(c);
    } else if (c->stream && c->status == 200) {
        c->streaming = true;
        pawl_http_stream(c->peer, 200, c->type, headers_of(c));
        feed(c);
    } else if (is_halved(c) && kind != MOCK_HALF && c->status == 200) {
        send_broken(c);
    } else {
        if (kind == MOCK_FINE && c->out.n) pawl_buf_char(&c->out, '\n'); /* for people with curl */
        const size_t n = kind == MOCK_HALF ? half(c) : c->out.n;
        pawl_http_answer(c->peer, c->status, c->type, headers_of(c), (struct pawl_str){n ? c->out.p : "", (uint32_t)n});
        end(c);
    }
}

/* ---- what comes of it */

enum route_kind { NOWHERE, MODEL, MODELS, LEDGER, HELP, ORDER, CHANGE, LOOK, FIXED, OPERATION };
struct route {
    enum route_kind kind;
    const struct pawl_mock_service *service;
    const struct pawl_mock_answer *answer;
};

/* 0: no; 1: this very path; 2: below it. */
static int under(struct pawl_str target, const char *path)
{
    const size_t n = strlen(path);
    if (target.n < n || memcmp(target.p, path, n) != 0) return 0;
    if (target.n == n || target.p[n] == '?') return 1;
    return target.p[n] == '/' ? 2 : 0;
}

static struct route find_service(const struct pawl_mock_call *c)
{
    struct pawl_mock *m = c->m;
    for (uint32_t i = 0; i < m->services_count; i++) {
        const struct pawl_mock_service *s = &m->services[i];
        char path[40];
        snprintf(path, sizeof path, "/%s", s->name);
        const int at = under(c->target, path);
        if (at == 1 && pawl_str_is(c->method, "POST")) return (struct route){CHANGE, s, NULL};
        if (at && s->look && pawl_str_is(c->method, "GET")) return (struct route){LOOK, s, NULL};
    }
    return (struct route){NOWHERE, NULL, NULL};
}

/* Names the route in c->route, as faults and the ledger do. */
static struct route find_route(struct pawl_mock_call *c)
{
    const bool get = pawl_str_is(c->method, "GET"), post = pawl_str_is(c->method, "POST");
    struct route r;
    for (uint32_t i = 0; i < c->m->answers_count; i++) {
        const struct pawl_mock_answer *a = &c->m->answers[i];
        if (!pawl_str_is(c->method, a->method) || !under(c->target, a->path)) continue;
        snprintf(c->route, sizeof c->route, "%s %.50s", a->method, a->path);
        if (get) pawl_mock_of(c, a->path + 1);
        return (struct route){FIXED, NULL, a};
    }
    r = find_service(c);
    if (r.kind == CHANGE || r.kind == LOOK) {
        snprintf(c->route, sizeof c->route, "%s /%s", r.kind == CHANGE ? "POST" : "GET", r.service->name);
        pawl_mock_of(c, r.service->name);
    } else if (post && under(c->target, "/v1/chat/completions") == 1) {
        snprintf(c->route, sizeof c->route, "model");
        r.kind = MODEL;
    } else if (get && under(c->target, "/orders") == 2) {
        snprintf(c->route, sizeof c->route, "GET /orders");
        pawl_mock_of(c, "orders");
        r.kind = ORDER;
    } else if (get && under(c->target, "/operations") == 2) {
        snprintf(c->route, sizeof c->route, "GET /operations");
        r.kind = OPERATION;
    } else if (pawl_str_is(c->method, "DELETE") && under(c->target, "/operations") == 2) {
        snprintf(c->route, sizeof c->route, "DELETE /operations");
        r.kind = OPERATION;
    } else if (get && under(c->target, "/v1/models")) {
        r.kind = MODELS;
    } else if (get && under(c->target, "/ledger") == 1) {
        r.kind = LEDGER;
    } else if (get && under(c->target, "/") == 1) {
        r.kind = HELP;
    }
    return r;
}

static void help(struct pawl_mock_call *c)
{
    pawl_mock_say(c, 200, "pawl mock\n\nPOST /v1/chat/completions, GET /v1/models, GET /orders/ID, GET /ledger\n");
    c->type = "text/plain; charset=utf-8";
    for (uint32_t i = 0; i < c->m->services_count; i++) {
        const struct pawl_mock_service *s = &c->m->services[i];
        pawl_buf_printf(&c->out, "POST /%s%s%s%s%s\n", s->name, s->keys ? ", honours Idempotency-Key" : "",
                        s->look ? "; GET /" : "", s->look ? s->name : "", s->look ? "/ID" : "");
    }
    for (uint32_t i = 0; i < c->m->answers_count; i++)
        pawl_buf_printf(&c->out, "%s %s\n", c->m->answers[i].method, c->m->answers[i].path);
}

static void perform(struct pawl_mock_call *c, struct route r)
{
    switch (r.kind) {
    case MODEL: pawl_mock_model(c); break;
    case MODELS: pawl_mock_models(c); break;
    case ORDER: pawl_mock_order(c); break;
    case CHANGE: pawl_mock_change(c, r.service); break;
    case LOOK: pawl_mock_look(c, r.service); break;
    case OPERATION: pawl_mock_operation(c); break;
    case FIXED:
        pawl_mock_say(c, 200, "%s", "");
        pawl_buf_str(&c->out, r.answer->json);
        break;
    case LEDGER:
        pawl_mock_say(c, 200, "%s", "");
        pawl_mock_ledger_write(c->m, &c->out);
        break;
    case HELP: help(c); break;
    case NOWHERE: pawl_mock_say(c, 404, "{\"error\":\"there is no such route; GET / lists them\"}"); break;
    }
}

static void say_error(struct pawl_mock_call *c, int status)
{
    if (is_model(c)) pawl_mock_openai_error(c, status, NULL, NULL, NULL);
    else pawl_mock_say(c, status, "{\"error\":\"%s\"}", status == 429 ? "slow down" : "pawl mock was told to fail");
}

/* Nothing happens, and this is said. */
static void fail(struct pawl_mock_call *c)
{
    switch (c->what.kind) {
    case MOCK_STATUS: say_error(c, c->what.status); break;
    case MOCK_NO_MONEY: pawl_mock_openai_error(c, 429, "insufficient_quota", NULL, NULL); break;
    case MOCK_ACCEPTED: pawl_mock_say(c, 202, "{\"status\":\"accepted\"}"); break;
    default: c->status = 200; break; /* no word at all */
    }
}

/* It happened; this is said instead of the answer. */
static void disguise(struct pawl_mock_call *c)
{
    const bool stream = c->stream;
    switch (c->what.kind) {
    case MOCK_STATUS_AFTER: c->stream = false, c->type = "application/json", say_error(c, c->what.status); break;
    case MOCK_ACCEPTED_AFTER: pawl_mock_say(c, 202, "{\"status\":\"accepted\"}"); break;
    case MOCK_EMPTY: pawl_mock_say(c, 200, "%s", ""); break;
    case MOCK_GARBAGE: pawl_mock_say(c, 200, stream ? "data: %s\n\n" : "%s", garbage); break;
    case MOCK_HTML: c->stream = false, c->type = "text/html", pawl_mock_say(c, 200, "%s", page); break;
    case MOCK_HTML_IN_JSON:
        if (is_model(c)) break; /* mock_model.c: the page is what the model says */
        pawl_mock_say(c, 200, "{\"result\":");
        pawl_json_quote(pawl_str_of(page), &c->out);
        pawl_buf_char(&c->out, '}');
        break;
    case MOCK_OUT_OF_CONTRACT:
        pawl_mock_say(c, 200, stream ? "data: %s\n\ndata: [DONE]\n\n" : "%s",
                      "{\"ok\":\"perhaps\",\"surprise\":[1,2]}");
        break;
    default: break;
    }
}

static void on_time_to_send(uv_timer_t *t)
{
    pawl_mock_send(t->data);
}

static void wait_then(struct pawl_mock_call *c, uv_timer_cb then)
{
    uv_timer_init(&c->m->loop, &c->timer);
    c->timer.data = c;
    c->timer_open = true;
    uv_timer_start(&c->timer, then, (uint64_t)c->what.wait_ms, 0);
}

static void act(struct pawl_mock_call *c, struct route r)
{
    if (r.kind == CHANGE && pawl_mock_is_async(c->what.kind)) {
        pawl_mock_accept(c, r.service);
        return;
    }
    if (pawl_mock_happens(c->what.kind)) {
        perform(c, r);
        disguise(c);
    } else {
        fail(c);
    }
    if (c->what.kind == MOCK_SLOW) wait_then(c, on_time_to_send);
    else pawl_mock_send(c);
}

static void on_time_to_act(uv_timer_t *t)
{
    struct pawl_mock_call *c = t->data;
    act(c, find_route(c));
}

/* A request with this key came before and has not been worked on yet. */
static bool is_under_way(const struct pawl_mock_call *c)
{
    for (const struct pawl_mock_call *x = c->m->calls; x; x = x->next)
        if (x != c && x->what.kind == MOCK_LATE && !x->status && strcmp(x->route, c->route) == 0 && c->key.n &&
            pawl_str_eq(x->key, c->key))
            return true;
    return false;
}

static enum pawl_mock_where where_of(struct route r)
{
    return r.kind == MODEL ? MOCK_MODEL : r.kind == CHANGE ? MOCK_CHANGE : MOCK_READ;
}

/* The call is in the ledger before anything comes of it. */
static bool record(struct pawl_mock_call *c, struct route r)
{
    struct pawl_mock *m = c->m;
    const uint32_t nth = pawl_mock_calls(m, c->route) + 1;
    struct pawl_buf of;
    char conversation[17] = "";
    pawl_mock_plan(m->faults, m->faults_count, &m->chance, c->route, where_of(r), nth, &c->what);
    if (r.kind == MODEL) pawl_mock_conversation(c->json, conversation);
    if (!m->quiet) {
        pawl_buf_init_arena(&of, &c->arena);
        pawl_shown(pawl_str_of(c->of), 64, &of);
        fprintf(stderr, "mock: %s, call %u%s%s%s%s\n", c->route, nth, *c->of ? " of " : "",
                *c->of ? pawl_buf_done(&of).p : "", *c->what.word ? ": " : "", c->what.word);
    }
    return pawl_mock_ledger_call(m, &(const struct pawl_mock_entry){.route = c->route,
                                                                    .of = c->of,
                                                                    .fault = c->what.word,
                                                                    .conversation = conversation,
                                                                    .key = c->key}) == PAWL_OK;
}

static void on_request(void *ctx, struct pawl_http_peer *peer, const struct pawl_http_incoming *in)
{
    struct pawl_mock *m = ctx;
    struct pawl_mock_call *c = begin(m, peer, in);
    struct route r;
    if (!c || c->arena.failed) {
        if (c) end(c);
        pawl_http_answer(peer, 503, "text/plain", "", PAWL_STR("no memory\n"));
        return;
    }
    r = find_route(c);
    if (*c->route && !record(c, r)) {
        c->what.kind = MOCK_FINE;
        pawl_mock_say(c, 500, "{\"error\":\"the ledger cannot be written\"}");
        pawl_mock_send(c);
    } else if (r.kind == CHANGE && r.service->keys && is_under_way(c)) {
        c->what.kind = MOCK_FINE;
        pawl_mock_say(c, 409, "{\"error\":\"a request with this idempotency key is being worked on\"}");
        pawl_mock_send(c);
    } else if (c->what.kind == MOCK_LATE) {
        wait_then(c, on_time_to_act);
    } else {
        act(c, r);
    }
}

static struct pawl_mock_call *call_of(struct pawl_mock *m, const struct pawl_http_peer *peer)
{
    for (struct pawl_mock_call *c = m->calls; c; c = c->next)
        if (c->peer == peer) return c;
    return NULL;
}

static void on_gone(void *ctx, struct pawl_http_peer *peer)
{
    struct pawl_mock_call *c = call_of(ctx, peer);
    if (!c) return;
    c->peer = NULL;
    if (!c->timer_open || !uv_is_active((uv_handle_t *)&c->timer)) end(c);
}

static void on_drained(void *ctx, struct pawl_http_peer *peer)
{
    struct pawl_mock_call *c = call_of(ctx, peer);
    if (c && c->streaming) feed(c);
}

struct pawl_http_hooks pawl_mock_hooks(struct pawl_mock *m)
{
    return (struct pawl_http_hooks){.on_request = on_request,
                                    .on_gone = on_gone,
                                    .on_drained = on_drained,
                                    .ctx = m,
                                    .body_bytes_max = 16 * 1024 * 1024};
}
