/* src/io/http_server.c - see http_server.h. llhttp parses; what it does not check (Host, sizes, counts) is checked here. */
#include "io/http_server.h"
#include <llhttp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "io/fail.h"

enum {
    HEAD_MAX = 32 * 1024,
    URI_MAX = 8 * 1024,
    FIELDS_MAX = 100,
    PEERS_MAX = 1024,
    HEAD_MS = 10000,
    IDLE_MS = 75000,
    READ_BYTES = 16 * 1024
};

struct pawl_http_server {
    const struct pawl_alloc *from;
    struct pawl_http_hooks hooks;
    uv_tcp_t listener;
    struct pawl_http_peer *peers;
    uint32_t count;
    bool closing, listener_closed;
};

struct span { /* into head */
    uint32_t at, n;
};

struct pawl_http_peer {
    struct pawl_http_peer *next, **prev;
    struct pawl_http_server *s;
    uv_tcp_t tcp;
    uv_timer_t timer;
    llhttp_t parser;
    llhttp_settings_t settings;
    struct pawl_buf head, body, waiting; /* waiting: bytes that came behind the request at hand */
    struct span target, names[FIELDS_MAX], values[FIELDS_MAX];
    uint32_t fields, handles_open;
    char read[READ_BYTES];
    int refused; /* status, or 0 */
    bool in_value, asked, keep, closing, complete;
};

struct write {
    uv_write_t req;
    struct pawl_http_peer *peer;
    size_t bytes;
    bool last;
    char data[];
};

static void free_server_if_done(struct pawl_http_server *s)
{
    if (s->closing && s->listener_closed && !s->count) s->from->resize(s->from->ctx, s, sizeof *s, 0);
}

static void on_closed(uv_handle_t *h)
{
    struct pawl_http_peer *p = h->data;
    struct pawl_http_server *s = p->s;
    if (--p->handles_open) return;
    pawl_buf_fini(&p->head);
    pawl_buf_fini(&p->body);
    pawl_buf_fini(&p->waiting);
    s->count--;
    s->from->resize(s->from->ctx, p, sizeof *p, 0);
    free_server_if_done(s);
}

static void close_peer(struct pawl_http_peer *p)
{
    if (p->closing) return;
    p->closing = true;
    *p->prev = p->next;
    if (p->next) p->next->prev = p->prev;
    if (p->asked && p->s->hooks.on_gone && !p->s->closing) p->s->hooks.on_gone(p->s->hooks.ctx, p);
    uv_close((uv_handle_t *)&p->tcp, on_closed);
    uv_close((uv_handle_t *)&p->timer, on_closed);
}

static void on_time(uv_timer_t *t)
{
    close_peer(t->data);
}

static void go_on(struct pawl_http_peer *p);

static void on_written(uv_write_t *req, int status)
{
    struct write *w = (struct write *)req;
    struct pawl_http_peer *p = w->peer;
    const bool last = w->last;
    p->s->from->resize(p->s->from->ctx, w, sizeof *w + w->bytes, 0);
    if (p->closing) return;
    if (status < 0 || last) close_peer(p);
}

static void put(struct pawl_http_peer *p, struct pawl_str a, struct pawl_str b, bool last)
{
    const struct pawl_alloc *from = p->s->from;
    const size_t bytes = (size_t)a.n + b.n;
    struct write *w = p->closing ? NULL : from->resize(from->ctx, NULL, 0, sizeof *w + bytes);
    uv_buf_t buf;
    if (!w) {
        close_peer(p);
        return;
    }
    w->peer = p;
    w->bytes = bytes;
    w->last = last;
    if (a.n) memcpy(w->data, a.p, a.n);
    if (b.n) memcpy(w->data + a.n, b.p, b.n);
    buf = uv_buf_init(w->data, (unsigned)bytes);
    if (uv_write(&w->req, (uv_stream_t *)&p->tcp, &buf, 1, on_written)) {
        from->resize(from->ctx, w, sizeof *w + bytes, 0);
        close_peer(p);
    }
}

static const char *reason(int status)
{
    switch (status) {
#define X(num, name, string) \
    case num: return #string;
        HTTP_STATUS_MAP(X)
#undef X
    default: return "Status";
    }
}

void pawl_http_answer(struct pawl_http_peer *p, int status, const char *type, const char *more, struct pawl_str body)
{
    char head[4096];
    const bool bare = status == 204 || status == 304;
    int n = snprintf(head, sizeof head, "HTTP/1.1 %d %s\r\n", status, reason(status));
    if (!bare)
        n += snprintf(head + n, sizeof head - (size_t)n, "Content-Type: %s\r\nContent-Length: %u\r\n", type, body.n);
    n += snprintf(head + n, sizeof head - (size_t)n, "Connection: %s\r\n%.3000s\r\n", p->keep ? "keep-alive" : "close",
                  more);
    p->asked = false;
    put(p, (struct pawl_str){head, (uint32_t)n}, bare ? (struct pawl_str){NULL, 0} : body, !p->keep);
    if (p->keep && !p->closing) go_on(p);
}

void pawl_http_raw(struct pawl_http_peer *p, struct pawl_str bytes, bool last)
{
    p->keep = false;
    if (last) p->asked = false;
    put(p, bytes, (struct pawl_str){NULL, 0}, last);
}

void pawl_http_drop(struct pawl_http_peer *p)
{
    p->asked = false;
    close_peer(p);
}

static struct pawl_str text(const struct pawl_http_peer *p, struct span s)
{
    return (struct pawl_str){p->head.p + s.at, s.n};
}

struct pawl_str pawl_http_field_of(const struct pawl_http_incoming *in, const char *name)
{
    for (uint32_t i = 0; i < in->fields_count; i++)
        if (in->fields[i].name.n == strlen(name) && strncasecmp(in->fields[i].name.p, name, in->fields[i].name.n) == 0)
            return in->fields[i].value;
    return (struct pawl_str){NULL, 0};
}

static int refuse(struct pawl_http_peer *p, int status)
{
    if (!p->refused) p->refused = status;
    return HPE_USER;
}

/* Adds to the span at the end of the head's text; names, values and the target come in pieces. */
static int grow(struct pawl_http_peer *p, struct span *s, const char *at, size_t n, uint32_t max, int status)
{
    if (p->head.n + n > HEAD_MAX) return refuse(p, 431);
    if (s->n == 0) s->at = (uint32_t)p->head.n;
    if (s->n + n > max) return refuse(p, status);
    pawl_buf_add(&p->head, at, n);
    s->n += (uint32_t)n;
    return p->head.failed ? refuse(p, 503) : 0;
}

static int on_begin(llhttp_t *l)
{
    struct pawl_http_peer *p = l->data;
    p->head.n = p->body.n = 0;
    p->fields = 0;
    p->target = (struct span){0, 0};
    p->in_value = p->complete = false;
    uv_timer_start(&p->timer, on_time, HEAD_MS, 0);
    return 0;
}

static int on_url(llhttp_t *l, const char *at, size_t n)
{
    struct pawl_http_peer *p = l->data;
    return grow(p, &p->target, at, n, URI_MAX, 414);
}

static int on_name(llhttp_t *l, const char *at, size_t n)
{
    struct pawl_http_peer *p = l->data;
    if (p->fields == 0 || p->in_value) {
        if (p->fields == FIELDS_MAX) return refuse(p, 431);
        p->names[p->fields] = p->values[p->fields] = (struct span){0, 0};
        p->fields++;
        p->in_value = false;
    }
    return grow(p, &p->names[p->fields - 1], at, n, HEAD_MAX, 431);
}

static int on_value(llhttp_t *l, const char *at, size_t n)
{
    struct pawl_http_peer *p = l->data;
    p->in_value = true;
    return grow(p, &p->values[p->fields - 1], at, n, HEAD_MAX, 431);
}

static int on_value_done(llhttp_t *l)
{
    ((struct pawl_http_peer *)l->data)->in_value = true; /* an empty value has no piece */
    return 0;
}

static int on_head(llhttp_t *l)
{
    struct pawl_http_peer *p = l->data;
    uint32_t hosts = 0;
    for (uint32_t i = 0; i < p->fields; i++)
        hosts += p->names[i].n == 4 && strncasecmp(p->head.p + p->names[i].at, "host", 4) == 0;
    if (hosts != 1 || l->upgrade) return refuse(p, 400);
    if (l->content_length > p->s->hooks.body_bytes_max) return refuse(p, 413);
    return 0;
}

static int on_body(llhttp_t *l, const char *at, size_t n)
{
    struct pawl_http_peer *p = l->data;
    if (p->body.n + n > p->s->hooks.body_bytes_max) return refuse(p, 413);
    pawl_buf_add(&p->body, at, n);
    return p->body.failed ? refuse(p, 503) : 0;
}

static int on_complete(llhttp_t *l)
{
    struct pawl_http_peer *p = l->data;
    p->complete = true;
    p->keep = llhttp_should_keep_alive(l);
    return HPE_PAUSED;
}

static void hand_over(struct pawl_http_peer *p)
{
    struct pawl_http_field fields[FIELDS_MAX];
    struct pawl_http_incoming in = {.target = text(p, p->target), .fields = fields, .fields_count = p->fields};
    in.method = pawl_str_of(llhttp_method_name((llhttp_method_t)p->parser.method));
    in.body = (struct pawl_str){p->body.p ? p->body.p : "", (uint32_t)p->body.n};
    for (uint32_t i = 0; i < p->fields; i++)
        fields[i] = (struct pawl_http_field){text(p, p->names[i]), text(p, p->values[i])};
    p->asked = true;
    p->complete = false;
    uv_timer_stop(&p->timer);
    p->s->hooks.on_request(p->s->hooks.ctx, p, &in);
}

static void parse(struct pawl_http_peer *p, const char *at, size_t n)
{
    const llhttp_errno_t e = llhttp_execute(&p->parser, at, n);
    if (e == HPE_PAUSED) {
        const char *stop = llhttp_get_error_pos(&p->parser);
        const size_t left = stop ? n - (size_t)(stop - at) : 0;
        if (left) pawl_buf_add(&p->waiting, stop, left);
        if (p->waiting.n > HEAD_MAX) {
            close_peer(p);
            return;
        }
        hand_over(p);
    } else if (e != HPE_OK) {
        p->keep = false;
        p->asked = false;
        pawl_http_answer(p, p->refused ? p->refused : 400, "text/plain", "", PAWL_STR("refused\n"));
    }
}

/* The answer is on its way: the next request may be looked at. */
static void go_on(struct pawl_http_peer *p)
{
    struct pawl_buf rest = p->waiting;
    llhttp_resume(&p->parser);
    uv_timer_start(&p->timer, on_time, IDLE_MS, 0);
    if (!rest.n) return;
    pawl_buf_init(&p->waiting, p->s->from);
    parse(p, rest.p, rest.n);
    pawl_buf_fini(&rest);
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *out)
{
    struct pawl_http_peer *p = h->data;
    (void)suggested;
    *out = uv_buf_init(p->read, sizeof p->read);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct pawl_http_peer *p = stream->data;
    if (p->closing || n == 0) return;
    if (n < 0) close_peer(p);
    else if (!p->asked) parse(p, buf->base, (size_t)n);
    else {
        pawl_buf_add(&p->waiting, buf->base, (size_t)n);
        if (p->waiting.failed || p->waiting.n > HEAD_MAX) close_peer(p);
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct pawl_http_server *s = listener->data;
    struct pawl_http_peer *p;
    if (status < 0 || s->closing) return;
    p = s->from->resize(s->from->ctx, NULL, 0, sizeof *p);
    if (!p) return;
    memset(p, 0, sizeof *p);
    p->s = s;
    s->count++;
    p->handles_open = 2;
    uv_tcp_init(listener->loop, &p->tcp);
    uv_timer_init(listener->loop, &p->timer);
    p->tcp.data = p->timer.data = p;
    pawl_buf_init(&p->head, s->from);
    pawl_buf_init(&p->body, s->from);
    pawl_buf_init(&p->waiting, s->from);
    p->next = s->peers;
    p->prev = &s->peers;
    if (p->next) p->next->prev = &p->next;
    s->peers = p;
    llhttp_settings_init(&p->settings);
    p->settings.on_message_begin = on_begin;
    p->settings.on_url = on_url;
    p->settings.on_header_field = on_name;
    p->settings.on_header_value = on_value;
    p->settings.on_header_value_complete = on_value_done;
    p->settings.on_headers_complete = on_head;
    p->settings.on_body = on_body;
    p->settings.on_message_complete = on_complete;
    llhttp_init(&p->parser, HTTP_REQUEST, &p->settings);
    p->parser.data = p;
    if (uv_accept(listener, (uv_stream_t *)&p->tcp) || s->count > PEERS_MAX) {
        close_peer(p);
        return;
    }
    uv_tcp_nodelay(&p->tcp, 1);
    uv_timer_start(&p->timer, on_time, HEAD_MS, 0);
    uv_read_start((uv_stream_t *)&p->tcp, on_alloc, on_read);
}

static void on_listener_closed(uv_handle_t *h)
{
    struct pawl_http_server *s = h->data;
    s->listener_closed = true;
    free_server_if_done(s);
}

int pawl_http_server_open(const struct pawl_alloc *from, uv_loop_t *loop, const char *host, int *port,
                          const struct pawl_http_hooks *hooks, struct pawl_http_server **out, struct pawl_error *err)
{
    struct pawl_http_server *s = from->resize(from->ctx, NULL, 0, sizeof *s);
    struct sockaddr_storage bound = {0};
    struct sockaddr_in address;
    int bound_bytes = sizeof bound, rc;
    if (!s) return PAWL_ENOMEM;
    memset(s, 0, sizeof *s);
    s->from = from;
    s->hooks = *hooks;
    rc = uv_ip4_addr(host, *port, &address);
    if (rc) {
        from->resize(from->ctx, s, sizeof *s, 0);
        return pawl_fail(err, PAWL_EINVAL, host, "give an IPv4 address such as 127.0.0.1:7296",
                         "it is no address to listen on");
    }
    uv_tcp_init(loop, &s->listener);
    s->listener.data = s;
    rc = uv_tcp_bind(&s->listener, (const struct sockaddr *)&address, 0);
    if (!rc) rc = uv_listen((uv_stream_t *)&s->listener, 128, on_connection);
    if (!rc) rc = uv_tcp_getsockname(&s->listener, (struct sockaddr *)&bound, &bound_bytes);
    if (rc) {
        pawl_fail(err, rc == UV_EADDRINUSE ? PAWL_EBUSY : PAWL_EIO, host, "choose another port, or end who has it",
                  "port %d: %s", *port, uv_strerror(rc));
        pawl_http_server_close(s);
        return rc == UV_EADDRINUSE ? PAWL_EBUSY : PAWL_EIO;
    }
    *port = (int)ntohs(((struct sockaddr_in *)&bound)->sin_port);
    *out = s;
    return PAWL_OK;
}

void pawl_http_server_close(struct pawl_http_server *s)
{
    if (!s || s->closing) return;
    s->closing = true;
    while (s->peers) close_peer(s->peers);
    uv_close((uv_handle_t *)&s->listener, on_listener_closed);
}
