/* src/serve/serve.c - see serve.h. */
#include "serve/serve.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "base/bytes.h"
#include "io/alloc.h"
#include "io/clock.h"
#include "io/http_server.h"

enum { BODY_MAX = 1024 * 1024, SIGNALS = 2 };

struct pawl_server {
    struct pawl *p;
    struct pawl_serve_spec spec;
    struct pawl_http_server *http;
    uv_signal_t signals[SIGNALS];
    uv_timer_t drain;
    int port, handles; /* handles: of libuv, not yet closed */
    int64_t began_ns;
    bool draining, closing;
};

static void on_closed(uv_handle_t *h)
{
    struct pawl_server *s = h->data;
    if (--s->handles == 0 && s->closing) free(s);
}

/* ---- what is asked */

static void health(struct pawl_server *s, struct pawl_http_peer *peer)
{
    char text[256];
    const bool over = pawl_host_handing_over(s->p);
    const int n =
        snprintf(text, sizeof text,
                 "{\"status\":\"%s\",\"version\":\"%s\",\"pid\":%lld,\"hot\":%u,\"under_way\":%u,\"up_ms\":%lld}\n",
                 over ? "draining" : "serving", pawl_version(), (long long)uv_os_getpid(), pawl_host_hot(s->p),
                 pawl_host_under_way(s->p), (long long)((pawl_clock_mono_ns() - s->began_ns) / 1000000));
    pawl_http_answer(peer, over ? 503 : 200, "application/json", "Cache-Control: no-store\r\n",
                     (struct pawl_str){text, (uint32_t)n});
}

static void problem(struct pawl_http_peer *peer, int status, const char *more, const char *title)
{
    char text[256];
    const int n = snprintf(text, sizeof text, "{\"title\":\"%s\",\"status\":%d}\n", title, status);
    pawl_http_answer(peer, status, "application/problem+json", more, (struct pawl_str){text, (uint32_t)n});
}

/* Behind a page of another site a browser could ask, too: only who names this machine by its own name is heard. */
static bool is_for_us(const struct pawl_http_incoming *in)
{
    static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
    const struct pawl_str host = pawl_http_field_of(in, "host");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const uint32_t n = (uint32_t)strlen(names[i]);
        if (host.n >= n && memcmp(host.p, names[i], n) == 0 && (host.n == n || host.p[n] == ':')) return true;
    }
    return !host.p; /* HTTP/1.0 */
}

static void on_request(void *ctx, struct pawl_http_peer *peer, const struct pawl_http_incoming *in)
{
    struct pawl_server *s = ctx;
    if (!pawl_str_is(in->target, "/healthz")) problem(peer, 404, "", "there is nothing here");
    else if (!is_for_us(in)) problem(peer, 421, "", "this is not the host that was meant");
    else if (!pawl_str_is(in->method, "GET")) problem(peer, 405, "Allow: GET\r\n", "only GET");
    else health(s, peer);
}

/* ---- life */

static void on_drained(uv_timer_t *t)
{
    const struct pawl_server *s = t->data;
    pawl_interrupt(s->p, true);
}

static void on_signal(uv_signal_t *h, int number)
{
    struct pawl_server *s = h->data;
    (void)number;
    if (!s->draining) {
        s->draining = true;
        uv_timer_start(&s->drain, on_drained, (uint64_t)(s->spec.drain_ns / 1000000), 0);
        if (s->spec.on_drain) s->spec.on_drain(s->spec.ctx);
    }
    pawl_interrupt(s->p, true);
}

static void init_handles(struct pawl_server *s)
{
    uv_loop_t *loop = pawl_host_loop(s->p);
    static const int numbers[SIGNALS] = {SIGTERM, SIGINT};
    uv_timer_init(loop, &s->drain);
    s->drain.data = s;
    s->handles = 1;
    for (int i = 0; i < SIGNALS; i++) {
        uv_signal_init(loop, &s->signals[i]);
        s->signals[i].data = s;
        s->handles++;
        uv_signal_start(&s->signals[i], on_signal, numbers[i]);
    }
}

int pawl_serve_open(struct pawl *p, const struct pawl_serve_spec *spec, struct pawl_server **out,
                    struct pawl_error *err)
{
    struct pawl_server *s = calloc(1, sizeof *s);
    const struct pawl_http_hooks hooks = {.on_request = on_request, .ctx = s, .body_bytes_max = BODY_MAX};
    int rc;
    *out = NULL;
    if (!s) return pawl_fail(err, PAWL_ENOMEM, "", "", "no memory");
    s->p = p;
    s->spec = *spec;
    s->port = spec->port;
    s->began_ns = pawl_clock_mono_ns();
    rc = pawl_http_server_open(pawl_alloc_libc(), pawl_host_loop(p), spec->host, &s->port, &hooks, &s->http, err);
    if (rc) {
        free(s);
        return rc;
    }
    init_handles(s);
    *out = s;
    return PAWL_OK;
}

int pawl_serve_port(const struct pawl_server *s)
{
    return s->port;
}

int pawl_serve_run(struct pawl_server *s, struct pawl_error *err)
{
    int rc = PAWL_OK;
    while (rc == PAWL_OK) rc = pawl_turn(s->p, -1, err);
    return rc == PAWL_ECANCELLED && s->draining ? PAWL_OK : rc;
}

void pawl_serve_close(struct pawl_server *s)
{
    if (!s) return;
    pawl_http_server_close(s->http);
    s->closing = true;
    uv_close((uv_handle_t *)&s->drain, on_closed);
    for (int i = 0; i < SIGNALS; i++) uv_close((uv_handle_t *)&s->signals[i], on_closed);
}
