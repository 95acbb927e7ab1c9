/* src/serve/serve.c - see serve.h. */
#include "serve/serve.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "contract/json.h"
#include "contract/shown.h"
#include "io/alloc.h"
#include "io/clock.h"
#include "io/http_server.h"

enum { BODY_MAX = 1024 * 1024, SIGNALS = 2 };

struct call { /* a callback that waits for its record to be durable */
    struct call *next, **prev;
    struct pawl_server *s;
    struct pawl_http_peer *peer; /* NULL: gone */
    char run[PAWL_ID_TEXT];
    uint32_t step;
};

struct pawl_server {
    struct pawl *p;
    struct call *calls;
    char url[96];
    struct pawl_serve_spec spec;
    struct pawl_http_server *http;
    uv_signal_t signals[SIGNALS];
    uv_timer_t drain;
    int port;
    int64_t began_ns;
    bool draining;
};

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

static void leave(struct call *c)
{
    *c->prev = c->next;
    if (c->next) c->next->prev = c->prev;
    free(c);
}

static void answer(struct call *c, int status, const char *more, const char *word)
{
    char text[128];
    const struct pawl_server *s = c->s;
    const int n = word ? snprintf(text, sizeof text, "{\"callback\":\"%s\"}\n", word) : 0;
    struct pawl_http_peer *peer = c->peer;
    if (s->spec.on_callback) s->spec.on_callback(s->spec.ctx, c->run, c->step, word, status);
    c->peer = NULL;
    if (!peer) return;
    if (word) pawl_http_answer(peer, status, "application/json", "", (struct pawl_str){text, (uint32_t)n});
    else
        problem(peer, status, more,
                status == 401   ? "this callback is not of a call of this store"
                : status == 400 ? "a callback is JSON in UTF-8"
                : status == 413 ? "the callback is too large"
                                : "it cannot be taken now");
}

/* What the store's owner says of it, as a status. */
static int status_of(int64_t code)
{
    switch (code) {
    case PAWL_EDENIED:
    case PAWL_ENOTFOUND: return 401; /* a guess must not learn which runs there are */
    case PAWL_EINVAL: return 400;
    case PAWL_ELIMIT: return 413;
    default: return 503; /* the disk is full, it hands over, a variable is missing: say it again */
    }
}

static int on_line(void *ctx, const char *json, size_t bytes)
{
    static const char *const words[] = {"taken", "running", "duplicate", "late"};
    struct call *c = ctx;
    struct pawl_arena a;
    yyjson_val *v = NULL, *error;
    pawl_arena_init(&a, pawl_alloc_libc());
    const bool read = pawl_json_read((struct pawl_str){json, (uint32_t)bytes}, &a, &v, NULL) == PAWL_OK;
    const char *word = NULL;
    if (read && !pawl_json_bool(v, "last", false)) {
        pawl_arena_fini(&a);
        return 0;
    }
    error = yyjson_obj_get(v, "error");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (pawl_str_is(pawl_json_str(v, "callback"), words[i])) word = words[i];
    answer(c, word ? 200 : status_of(pawl_json_i64(error, "code", PAWL_EINTERNAL)), word ? "" : "Retry-After: 5\r\n",
           word);
    pawl_arena_fini(&a);
    leave(c);
    return 0;
}

static void member(struct pawl_json_writer *w, const char *name, struct pawl_str text)
{
    if (!text.p) return;
    pawl_jw_key(w, name);
    pawl_jw_str(w, text);
}

static void post(struct call *c, struct pawl_str token, const struct pawl_http_incoming *in)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    struct pawl_error err = {0};
    int rc = PAWL_ENOMEM;
    pawl_buf_init(&b, pawl_alloc_libc());
    pawl_jw_open(&w, '{');
    member(&w, "do", PAWL_STR("callback"));
    member(&w, "run", pawl_str_of(c->run));
    pawl_jw_key(&w, "step");
    pawl_jw_i64(&w, c->step);
    member(&w, "token", token);
    member(&w, "webhook_id", pawl_http_field_of(in, "webhook-id"));
    member(&w, "webhook_timestamp", pawl_http_field_of(in, "webhook-timestamp"));
    member(&w, "webhook_signature", pawl_http_field_of(in, "webhook-signature"));
    member(&w, "body", in->body.p ? in->body : PAWL_STR(""));
    pawl_jw_close(&w, '}');
    if (pawl_buf_done(&b).p) rc = pawl_post(c->s->p, b.p, on_line, c, &err);
    pawl_buf_fini(&b);
    if (rc == PAWL_OK) return; /* on_line has it, or had it */
    answer(c, 503, "Retry-After: 5\r\n", NULL);
    leave(c);
}

/* RUN/STEP/TOKEN, exactly as it was given out. */
static bool split(struct pawl_str path, struct call *c, struct pawl_str *token)
{
    uint32_t at = PAWL_ID_TEXT - 1;
    struct pawl_id id;
    if (path.n <= at || path.p[at] != '/' || !pawl_id_parse((struct pawl_str){path.p, at}, &id)) return false;
    memcpy(c->run, path.p, at);
    c->run[at] = 0;
    c->step = 0;
    while (++at < path.n && path.p[at] >= '0' && path.p[at] <= '9' && c->step < 100000000)
        c->step = c->step * 10 + (uint32_t)(path.p[at] - '0');
    if (!c->step || at >= path.n || path.p[at] != '/') return false;
    *token = (struct pawl_str){path.p + at + 1, path.n - at - 1};
    return token->n > 0 && token->n < 256;
}

static bool is_utf8(struct pawl_str s)
{
    for (uint32_t at = 0; at < s.n;)
        if (pawl_utf8_next(s, &at) < 0) return false;
    return true;
}

static void callback(struct pawl_server *s, struct pawl_http_peer *peer, const struct pawl_http_incoming *in,
                     struct pawl_str path)
{
    struct call *c = calloc(1, sizeof *c);
    struct pawl_str token;
    if (!c) {
        pawl_http_drop(peer);
        return;
    }
    c->s = s;
    c->peer = peer;
    c->prev = &s->calls;
    c->next = s->calls;
    if (c->next) c->next->prev = &c->next;
    s->calls = c;
    if (!split(path, c, &token) || !is_utf8(in->target)) answer(c, 401, "", NULL), leave(c);
    else if (!pawl_str_is(in->method, "POST"))
        problem(peer, 405, "Allow: POST\r\n", "only POST"), c->peer = NULL, leave(c);
    else if (!in->body.n || !is_utf8(in->body)) answer(c, 400, "", NULL), leave(c);
    else post(c, token, in);
}

static void on_gone(void *ctx, struct pawl_http_peer *peer)
{
    struct pawl_server *s = ctx;
    for (struct call *c = s->calls; c; c = c->next)
        if (c->peer == peer) c->peer = NULL; /* it is taken all the same; whoever sent it says it again */
}

static void on_request(void *ctx, struct pawl_http_peer *peer, const struct pawl_http_incoming *in)
{
    static const char callbacks[] = "/callbacks/";
    const uint32_t n = sizeof callbacks - 1;
    struct pawl_server *s = ctx;
    if (in->target.n > n && memcmp(in->target.p, callbacks, n) == 0)
        callback(s, peer, in, (struct pawl_str){in->target.p + n, in->target.n - n});
    else if (!pawl_str_is(in->target, "/healthz")) problem(peer, 404, "", "there is nothing here");
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
    for (int i = 0; i < SIGNALS; i++) {
        uv_signal_init(loop, &s->signals[i]);
        s->signals[i].data = s;
        uv_signal_start(&s->signals[i], on_signal, numbers[i]);
    }
}

int pawl_serve_open(struct pawl *p, const struct pawl_serve_spec *spec, struct pawl_server **out,
                    struct pawl_error *err)
{
    struct pawl_server *s = calloc(1, sizeof *s);
    const struct pawl_http_hooks hooks = {.on_request = on_request,
                                          .on_gone = on_gone,
                                          .ctx = s,
                                          .body_bytes_max = BODY_MAX};
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
    const bool six = strchr(spec->host, ':') != NULL;
    snprintf(s->url, sizeof s->url, "http://%s%s%s:%d", six ? "[" : "", spec->host, six ? "]" : "", s->port);
    pawl_host_listens(p, s->url);
    pawl_host_schedules(p);
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
    pawl_host_listens(s->p, NULL);
    pawl_http_server_close(s->http);
    uv_close((uv_handle_t *)&s->drain, NULL);
    for (int i = 0; i < SIGNALS; i++) uv_close((uv_handle_t *)&s->signals[i], NULL);
}

void pawl_serve_free(struct pawl_server *s)
{
    while (s && s->calls) leave(s->calls);
    free(s);
}
