/* src/cli/mock_async.c - what `pawl mock` accepts now and does later: 202, and then an operation that can be asked for
 * (GET /operations/N), or a callback to the URL that the request carried, signed as Standard Webhooks says.
 *
 *   accepted -> done     its time has come: it happens, once (by its key, where the service honours keys)
 *   accepted -> failed   the same; nothing happens
 * A callback that is not answered with 2xx is sent again every 200 ms for a minute, with the same webhook-id; one that is
 * refused (4xx) is not. Operations are not in the ledger, what they do is. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "cli/mock.h"
#include "contract/webhook.h"
#include "io/http_client.h"

enum { AGAIN_MS = 200, TRIES_MAX = 300, PATH_MAX_BYTES = 64 };
static const int64_t SECOND_NS = 1000000000;

struct pawl_mock_op {
    struct pawl_mock_op *next;
    struct pawl_mock *m;
    struct pawl_arena arena;
    uint32_t number;
    const struct pawl_mock_service *service;
    enum pawl_mock_kind kind;
    struct pawl_mock_call work; /* what was asked, for when it is done; never answered itself */
    struct pawl_str url;        /* to call back; {NULL,0}: nobody */
    bool over, timer_open;
    uint32_t left, tries;        /* callbacks to be sent; how often this one was tried */
    struct pawl_mock_call *held; /* its 202 waits for the callback (callback_early) */
    struct pawl_http_request *request;
    struct pawl_http_header headers[4];
    struct pawl_buf body;
    char stamp[24], signature[48], id[40];
    uv_timer_t timer;
};

bool pawl_mock_is_async(enum pawl_mock_kind kind)
{
    return kind >= MOCK_POLL && kind <= MOCK_CALL_FORGED;
}

static bool polled(enum pawl_mock_kind kind)
{
    return kind <= MOCK_POLL_GONE;
}

static bool fails(enum pawl_mock_kind kind)
{
    return kind == MOCK_POLL_FAILS || kind == MOCK_CALL_FAILS;
}

/* ---- calling back ---- */

static void call_back(struct pawl_mock_op *op);

static void on_time_to_call(uv_timer_t *t)
{
    call_back(t->data);
}

static void in(struct pawl_mock_op *op, int64_t ms, uv_timer_cb then)
{
    uv_update_time(&op->m->loop);
    uv_timer_start(&op->timer, then, (uint64_t)ms, 0);
}

static void on_answer(void *ctx, const struct pawl_http_result *r)
{
    struct pawl_mock_op *op = ctx;
    const bool taken = r->end == PAWL_HTTP_ANSWERED && r->status / 100 == 2;
    const bool refused = r->end == PAWL_HTTP_ANSWERED && r->status / 100 == 4;
    struct pawl_mock_call *held = op->held;
    op->request = NULL;
    if (!op->m->quiet) fprintf(stderr, "mock: callback of operation %u: %d\n", op->number, r->status);
    op->held = NULL;
    if (held) pawl_mock_send(held);
    if (!taken && !refused && ++op->tries < TRIES_MAX) {
        in(op, AGAIN_MS, on_time_to_call);
        return;
    }
    op->tries = 0;
    if (op->left && --op->left) in(op, 0, on_time_to_call);
}

static void write_event(struct pawl_mock_op *op)
{
    struct pawl_json_writer w = {.out = &op->body};
    char type[64], at[32];
    const time_t now = time(NULL);
    struct tm t;
    const bool failed = fails(op->kind);
    if (op->body.n) return; /* the same bytes each time */
    snprintf(type, sizeof type, "%s.%s", op->service->kind, failed ? "failed" : "succeeded");
    strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &t));
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "type");
    pawl_jw_text(&w, type);
    pawl_jw_key(&w, "timestamp");
    pawl_jw_text(&w, at);
    pawl_jw_key(&w, "data");
    if (failed) pawl_jw_raw(&w, PAWL_STR("{\"message\":\"pawl mock was told to fail\"}"));
    else pawl_jw_raw(&w, pawl_buf_done(&op->work.out));
    if (failed) pawl_jw_key(&w, "message"), pawl_jw_text(&w, "pawl mock was told to fail");
    pawl_jw_close(&w, '}');
    pawl_buf_done(&op->body);
}

/* A new timestamp and signature each time, the same id. Forged: somebody else's secret. */
static uint32_t sign(struct pawl_mock_op *op)
{
    const char *secret = op->m->webhook_secret;
    uint32_t n = 0;
    op->headers[n++] = (struct pawl_http_header){PAWL_STR("Content-Type"), PAWL_STR("application/json")};
    if (op->kind == MOCK_CALL_FORGED) secret = "whsec_bm90IG91cnMsIG5vdCBvdXJzLCBub3Qgb3Vycw==";
    if (!secret) return n;
    snprintf(op->stamp, sizeof op->stamp, "%lld", (long long)time(NULL));
    snprintf(op->id, sizeof op->id, "msg_%u_%lld", op->number, (long long)op->m->began_ns);
    if (!pawl_webhook_sign(pawl_str_of(secret), pawl_str_of(op->id), pawl_str_of(op->stamp), pawl_buf_done(&op->body),
                           op->signature))
        return n;
    op->headers[n++] = (struct pawl_http_header){PAWL_STR("webhook-id"), pawl_str_of(op->id)};
    op->headers[n++] = (struct pawl_http_header){PAWL_STR("webhook-timestamp"), pawl_str_of(op->stamp)};
    op->headers[n++] = (struct pawl_http_header){PAWL_STR("webhook-signature"), pawl_str_of(op->signature)};
    return n;
}

/* The last digit of its token is another one. */
static struct pawl_str forged(struct pawl_mock_op *op)
{
    char *copy = pawl_arena_copy(&op->arena, op->url.p, op->url.n);
    if (!copy) return op->url;
    copy[op->url.n - 1] = copy[op->url.n - 1] == '0' ? '1' : '0';
    return (struct pawl_str){copy, op->url.n};
}

static void call_back(struct pawl_mock_op *op)
{
    struct pawl_error err;
    write_event(op);
    const bool other_token = op->kind == MOCK_CALL_FORGED && !op->m->webhook_secret;
    const struct pawl_http_call call = {.method = PAWL_STR("POST"),
                                        .url = other_token ? forged(op) : op->url,
                                        .headers = op->headers,
                                        .headers_count = sign(op),
                                        .body = pawl_buf_done(&op->body),
                                        .changes = true,
                                        .connect_timeout_ns = 2 * SECOND_NS,
                                        .first_byte_timeout_ns = 5 * SECOND_NS,
                                        .total_timeout_ns = 5 * SECOND_NS,
                                        .body_bytes_max = 65536,
                                        .on_done = on_answer,
                                        .ctx = op};
    if (pawl_http_start(op->m->client, &call, &op->request, &err) == PAWL_OK) return;
    if (!op->m->quiet) fprintf(stderr, "mock: the callback of operation %u cannot be sent: %s\n", op->number, err.what);
    if (op->held) pawl_mock_send(op->held), op->held = NULL;
}

/* ---- doing it ---- */

static void on_time(uv_timer_t *t)
{
    struct pawl_mock_op *op = t->data;
    if (op->kind == MOCK_POLL_NEVER) return;
    op->over = true;
    if (!fails(op->kind)) pawl_mock_change(&op->work, op->service);
    if (polled(op->kind) || !op->url.p) return;
    op->left = op->kind == MOCK_CALL_TWICE ? 2 : 1;
    call_back(op);
}

/* The one with this key that is still under way; NULL: none. */
static struct pawl_mock_op *by_key(const struct pawl_mock_call *c, const struct pawl_mock_service *s)
{
    for (struct pawl_mock_op *op = c->m->ops; op; op = op->next)
        if (s->keys && c->key.n && !op->over && op->service == s && pawl_str_eq(op->work.key, c->key)) return op;
    return NULL;
}

static struct pawl_mock_op *op_new(struct pawl_mock_call *c, const struct pawl_mock_service *s)
{
    struct pawl_mock *m = c->m;
    struct pawl_mock_op *op = m->alloc->resize(m->alloc->ctx, NULL, 0, sizeof *op);
    if (!op) return NULL;
    memset(op, 0, sizeof *op);
    op->m = m;
    op->number = m->ops ? m->ops->number + 1 : 1;
    op->service = s;
    op->kind = c->what.kind;
    pawl_arena_init(&op->arena, m->alloc);
    op->work = (struct pawl_mock_call){.m = m, .what = {.kind = MOCK_FINE}};
    op->work.body = pawl_str_copy(&op->arena, c->body);
    op->work.key = pawl_str_copy(&op->arena, c->key);
    memcpy(op->work.of, c->of, sizeof op->work.of);
    pawl_arena_init(&op->work.arena, m->alloc);
    pawl_buf_init_arena(&op->work.out, &op->work.arena);
    pawl_buf_init_arena(&op->body, &op->arena);
    if (pawl_json_read(op->work.body, &op->work.arena, &op->work.json, NULL)) op->work.json = NULL;
    if (c->callback.n) op->url = pawl_str_copy(&op->arena, c->callback);
    uv_timer_init(&m->loop, &op->timer);
    op->timer.data = op;
    op->timer_open = true;
    op->next = m->ops;
    m->ops = op;
    return op;
}

void pawl_mock_accept(struct pawl_mock_call *c, const struct pawl_mock_service *s)
{
    struct pawl_mock_op *op = by_key(c, s);
    const bool first = !op;
    if (s->keys && !op && pawl_mock_by_key(c->m, s->kind, c->key)) { /* done already: its answer */
        pawl_mock_change(c, s);
        pawl_mock_send(c);
        return;
    }
    if (!op && !(op = op_new(c, s))) {
        pawl_mock_say(c, 503, "{\"error\":\"no memory\"}");
        pawl_mock_send(c);
        return;
    }
    pawl_mock_say(c, 202, "{\"status\":\"accepted\",\"id\":\"%u\"}", op->number);
    if (polled(op->kind)) pawl_buf_printf(&c->headers, "Location: /operations/%u\r\n", op->number);
    if (first) in(op, op->kind == MOCK_CALL_EARLY ? 0 : c->what.wait_ms, on_time);
    if (first && op->kind == MOCK_CALL_EARLY && op->url.p) op->held = c;
    else pawl_mock_send(c);
}

void pawl_mock_leaves(struct pawl_mock_call *c)
{
    for (struct pawl_mock_op *op = c->m->ops; op; op = op->next)
        if (op->held == c) op->held = NULL;
}

/* ---- GET /operations/N ---- */

static struct pawl_mock_op *op_of(const struct pawl_mock_call *c, bool *result)
{
    char path[PATH_MAX_BYTES];
    unsigned number = 0;
    int end = 0;
    if (c->target.n >= sizeof path) return NULL;
    memcpy(path, c->target.p, c->target.n);
    path[c->target.n] = 0;
    if (sscanf(path, "/operations/%9u%n", &number, &end) != 1) return NULL;
    *result = strcmp(path + end, "/result") == 0;
    if (path[end] && !*result) return NULL;
    for (struct pawl_mock_op *op = c->m->ops; op; op = op->next)
        if (op->number == number) return op;
    return NULL;
}

/* DELETE /operations/N: it will not happen any more, and says so; poll_gone does not know it. */
static void stop(struct pawl_mock_call *c, struct pawl_mock_op *op)
{
    if (!op->over) {
        uv_timer_stop(&op->timer);
        op->kind = MOCK_POLL_FAILS;
        op->over = true;
    }
    pawl_mock_say(c, 202, "{\"id\":\"%u\",\"status\":\"%s\"}", op->number,
                  op->kind == MOCK_POLL_FAILS ? "Canceling" : "Succeeded");
}

void pawl_mock_operation(struct pawl_mock_call *c)
{
    bool result = false;
    struct pawl_mock_op *op = op_of(c, &result);
    if (op && op->kind != MOCK_POLL_GONE && strcmp(c->route, "DELETE /operations") == 0) {
        stop(c, op);
        return;
    }
    if (!op || op->kind == MOCK_POLL_GONE) {
        pawl_mock_say(c, op ? 410 : 404, "{\"error\":\"there is no such operation\"}");
    } else if (result || (op->over && op->kind == MOCK_POLL_202)) {
        pawl_mock_say(c, op->over ? 200 : 404, "%s", "");
        if (op->over) pawl_buf_str(&c->out, pawl_buf_done(&op->work.out));
    } else if (op->over && op->kind == MOCK_POLL_303) {
        pawl_mock_say(c, 303, "%s", "");
        pawl_buf_printf(&c->headers, "Location: /operations/%u/result\r\n", op->number);
    } else if (!op->over) {
        pawl_mock_say(c, op->kind == MOCK_POLL_202 ? 202 : 200, "{\"id\":\"%u\",\"status\":\"Running\"}", op->number);
    } else if (fails(op->kind)) {
        pawl_mock_say(c, 200,
                      "{\"id\":\"%u\",\"status\":\"Failed\",\"error\":{\"message\":\"pawl mock was told to fail\"}}",
                      op->number);
    } else {
        pawl_mock_say(c, 200, "{\"id\":\"%u\",\"status\":\"Succeeded\",\"result\":", op->number);
        pawl_buf_str(&c->out, pawl_buf_done(&op->work.out));
        pawl_buf_char(&c->out, '}');
    }
}

/* ---- the end ---- */

static void on_closed(uv_handle_t *h)
{
    struct pawl_mock_op *op = h->data;
    const struct pawl_alloc *from = op->m->alloc;
    pawl_arena_fini(&op->work.arena);
    pawl_arena_fini(&op->arena);
    from->resize(from->ctx, op, sizeof *op, 0);
}

void pawl_mock_ops_end(struct pawl_mock *m)
{
    struct pawl_mock_op *next;
    for (struct pawl_mock_op *op = m->ops; op; op = next) {
        next = op->next;
        if (op->request) pawl_http_cancel(op->request);
        uv_close((uv_handle_t *)&op->timer, on_closed);
    }
    m->ops = NULL;
    pawl_http_client_free(m->client);
    m->client = NULL;
}
