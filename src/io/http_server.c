/* src/io/http_server.c - see http_server.h: connections come and go, answers are written. */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#if __has_include(<linux/sockios.h>)
#include <linux/sockios.h>
#endif
#include "io/fail.h"
#include "io/http_server_peer.h"

enum after_write { GO_ON, NEXT_REQUEST, CLOSE };
struct write {
    uv_write_t req;
    struct pawl_http_peer *peer;
    size_t bytes;
    enum after_write then;
    char data[];
};

static void free_server_if_done(struct pawl_http_server *s)
{
    if (s->closing && s->listener_closed && !s->spare_open && !s->count) s->from->resize(s->from->ctx, s, sizeof *s, 0);
}

static void on_closed(uv_handle_t *h)
{
    struct pawl_http_peer *p = h->data;
    struct pawl_http_server *s = p->s;
    if (--p->handles_open) return;
    if (p->phase == PEER_ASKED && s->hooks.on_gone) s->hooks.on_gone(s->hooks.ctx, p);
    pawl_buf_fini(&p->in);
    pawl_buf_fini(&p->head);
    pawl_buf_fini(&p->body);
    s->count--;
    s->from->resize(s->from->ctx, p, sizeof *p, 0);
    free_server_if_done(s);
}

static bool leave(struct pawl_http_peer *p)
{
    if (p->closing) return false;
    p->closing = true;
    *p->prev = p->next;
    if (p->next) p->next->prev = p->prev;
    uv_close((uv_handle_t *)&p->timer, on_closed);
    return true;
}

void http_close_peer(struct pawl_http_peer *p)
{
    if (leave(p)) uv_close((uv_handle_t *)&p->tcp, on_closed);
}

/* Bytes that the peer has taken. Where the kernel does not say how many it still holds, they count as taken. */
static size_t taken(const struct pawl_http_peer *p)
{
    int held = 0;
#ifdef SIOCOUTQ
    uv_os_fd_t fd;
    if (uv_fileno((const uv_handle_t *)&p->tcp, &fd) || ioctl(fd, SIOCOUTQ, &held) || held < 0) held = 0;
#endif
    return p->given_bytes - uv_stream_get_write_queue_size((const uv_stream_t *)&p->tcp) - (size_t)held;
}

static void on_time(uv_timer_t *t)
{
    struct pawl_http_peer *p = t->data;
    if (p->phase == PEER_HEAD || p->phase == PEER_BODY) http_refuse(p, 408);
    else if (p->queued_bytes && taken(p) != p->taken_bytes) http_time(p, p->s->hooks.idle_ms); /* slow, but it reads */
    else http_close_peer(p);
}

void http_time(struct pawl_http_peer *p, uint32_t ms)
{
    p->taken_bytes = taken(p);
    uv_timer_start(&p->timer, on_time, ms, 0);
}

static void on_shut(uv_shutdown_t *req, int status)
{
    struct pawl_http_peer *p = req->data;
    if (status < 0) http_close_peer(p);
}

static void linger(struct pawl_http_peer *p)
{
    p->phase = PEER_LINGERING;
    p->shut.data = p;
    http_time(p, HTTP_LINGER_MS);
    if (p->read_stopped) http_read_start(p);
    if (p->ended || p->closing || uv_shutdown(&p->shut, (uv_stream_t *)&p->tcp, on_shut)) http_close_peer(p);
}

static void on_written(uv_write_t *req, int status)
{
    struct write *w = (struct write *)req;
    struct pawl_http_peer *p = w->peer;
    struct pawl_http_server *s = p->s;
    const enum after_write then = w->then;
    p->queued_bytes -= w->bytes;
    s->from->resize(s->from->ctx, w, sizeof *w + w->bytes, 0);
    if (p->closing) return;
    if (status < 0) {
        http_close_peer(p);
    } else if (then == NEXT_REQUEST) {
        p->phase = PEER_IDLE;
        http_time(p, s->hooks.idle_ms);
        http_read_on(p);
    } else if (then == CLOSE) {
        linger(p);
    } else if (p->phase >= PEER_ASKED) {
        if (p->queued_bytes) http_time(p, s->hooks.idle_ms);
        else if (p->phase == PEER_ASKED) uv_timer_stop(&p->timer);
        if (!p->wants_drain || p->queued_bytes > PAWL_HTTP_QUEUE_BYTES / 2) return;
        p->wants_drain = false;
        if (p->phase == PEER_ASKED && s->hooks.on_drained) s->hooks.on_drained(s->hooks.ctx, p);
    }
}

static void put(struct pawl_http_peer *p, const struct pawl_str *parts, int count, enum after_write then)
{
    const struct pawl_alloc *from = p->s->from;
    struct write *w;
    uv_buf_t buf;
    size_t bytes = 0, at = 0;
    if (p->closing) return;
    for (int i = 0; i < count; i++) bytes += parts[i].n;
    w = from->resize(from->ctx, NULL, 0, sizeof *w + bytes);
    if (!w) {
        http_close_peer(p);
        return;
    }
    w->peer = p;
    w->bytes = bytes;
    w->then = then;
    for (int i = 0; i < count; at += parts[i++].n)
        if (parts[i].n) memcpy(w->data + at, parts[i].p, parts[i].n);
    buf = uv_buf_init(w->data, (unsigned)bytes);
    if (p->phase >= PEER_ASKED && !p->queued_bytes) http_time(p, p->s->hooks.idle_ms);
    p->queued_bytes += bytes;
    p->given_bytes += bytes;
    if (uv_write(&w->req, (uv_stream_t *)&p->tcp, &buf, 1, on_written)) {
        p->queued_bytes -= bytes;
        from->resize(from->ctx, w, sizeof *w + bytes, 0);
        http_close_peer(p);
    }
}

void http_interim(struct pawl_http_peer *p, const char *text)
{
    const struct pawl_str part = pawl_str_of(text);
    put(p, &part, 1, GO_ON);
}

static const char *reason(int status)
{
    switch (status) {
#define X(num, name, string) \
    case num: return #name;
        HTTP_STATUS_MAP(X)
#undef X
    default: return "Status";
    }
}

/* NOT_FOUND as people write it. */
static void add_reason(struct pawl_buf *out, int status)
{
    const char *name = reason(status);
    if (strlen(name) < 3) pawl_buf_text(out, name); /* OK */
    else
        for (const char *s = name; *s; s++)
            pawl_buf_char(out, *s == '_'                                            ? ' '
                               : s > name && s[-1] != '_' && *s >= 'A' && *s <= 'Z' ? (char)(*s | 32)
                                                                                    : *s);
}

/* IMF-fixdate, RFC 9110 5.6.7, whatever the locale. */
static void add_date(struct pawl_buf *b)
{
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const time_t now = time(NULL);
    struct tm t;
    if (!gmtime_r(&now, &t)) return;
    pawl_buf_printf(b, "Date: %.3s, %02d %.3s %d %02d:%02d:%02d GMT\r\n", days + 3 * t.tm_wday, t.tm_mday,
                    months + 3 * t.tm_mon, t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

static bool has_no_body(int status)
{
    return status < 200 || status == 204 || status == 304;
}

static void write_head(struct pawl_http_peer *p, struct pawl_buf *head, int status, const char *type, const char *more)
{
    pawl_buf_init(head, p->s->from);
    pawl_buf_printf(head, "HTTP/1.1 %d ", status);
    add_reason(head, status);
    pawl_buf_text(head, "\r\n");
    add_date(head);
    if (!has_no_body(status)) pawl_buf_printf(head, "Content-Type: %s\r\n", type);
    pawl_buf_printf(head, "Connection: %s\r\n%s", p->keep ? "keep-alive" : "close", more);
}

/* The answer is complete: the peer is not the handler's any more. */
static void finish(struct pawl_http_peer *p, const struct pawl_str *parts, int count)
{
    assert(p->phase < PEER_WRITING);
    p->phase = PEER_WRITING;
    put(p, parts, count, p->keep ? NEXT_REQUEST : CLOSE);
}

static void answer(struct pawl_http_peer *p, int status, const char *type, const char *more, struct pawl_str body)
{
    struct pawl_buf head;
    write_head(p, &head, status, type, more);
    if (!has_no_body(status)) pawl_buf_printf(&head, "Content-Length: %u\r\n", body.n);
    pawl_buf_text(&head, "\r\n");
    if (has_no_body(status) || p->head_only) body.n = 0;
    if (head.failed) http_close_peer(p);
    finish(p, (const struct pawl_str[]){{head.p, (uint32_t)head.n}, body}, 2);
    pawl_buf_fini(&head);
}

void pawl_http_answer(struct pawl_http_peer *p, int status, const char *type, const char *more, struct pawl_str body)
{
    assert(p->phase == PEER_ASKED);
    assert(status >= 200);
    answer(p, status, type, more, body);
}

void http_refuse(struct pawl_http_peer *p, int status)
{
    assert(p->phase < PEER_ASKED);
    p->keep = false;
    p->head_only = false;
    answer(p, status, "text/plain", "", PAWL_STR("refused\n"));
}

void pawl_http_stream(struct pawl_http_peer *p, int status, const char *type, const char *more)
{
    struct pawl_buf head;
    assert(p->phase == PEER_ASKED);
    if (!p->chunked) p->keep = false;
    write_head(p, &head, status, type, more);
    pawl_buf_text(&head, p->chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n");
    if (head.failed) http_close_peer(p);
    put(p, &(const struct pawl_str){head.p, (uint32_t)head.n}, 1, GO_ON);
    pawl_buf_fini(&head);
}

int pawl_http_piece(struct pawl_http_peer *p, struct pawl_str bytes)
{
    char size[16];
    const int n = snprintf(size, sizeof size, "%x\r\n", bytes.n);
    assert(p->phase == PEER_ASKED);
    if (!bytes.n || p->head_only || p->closing) return PAWL_OK;
    if (p->queued_bytes && p->queued_bytes + bytes.n > PAWL_HTTP_QUEUE_BYTES) {
        p->wants_drain = true;
        return PAWL_EFULL;
    }
    if (p->chunked) put(p, (const struct pawl_str[]){{size, (uint32_t)n}, bytes, PAWL_STR("\r\n")}, 3, GO_ON);
    else put(p, &bytes, 1, GO_ON);
    return PAWL_OK;
}

void pawl_http_stream_end(struct pawl_http_peer *p)
{
    finish(p, &(const struct pawl_str){"0\r\n\r\n", p->chunked && !p->head_only ? 5 : 0}, 1);
}

void pawl_http_raw(struct pawl_http_peer *p, struct pawl_str bytes, bool last)
{
    p->keep = false;
    if (last) finish(p, &bytes, 1);
    else put(p, &bytes, 1, GO_ON);
}

void pawl_http_drop(struct pawl_http_peer *p)
{
    assert(p->phase == PEER_ASKED);
    p->phase = PEER_WRITING;
    http_close_peer(p);
}

void pawl_http_reset(struct pawl_http_peer *p)
{
    assert(p->phase == PEER_ASKED);
    p->phase = PEER_WRITING;
    if (leave(p) && uv_tcp_close_reset(&p->tcp, on_closed)) uv_close((uv_handle_t *)&p->tcp, on_closed);
}

static void on_connection(uv_stream_t *listener, int status);

static void on_spare_closed(uv_handle_t *h)
{
    struct pawl_http_server *s = h->data;
    const bool again = s->one_more_waits && !s->closing;
    s->spare_open = s->one_more_waits = false;
    if (again) on_connection((uv_stream_t *)&s->listener, 0);
    free_server_if_done(s);
}

/* No memory for a connection. One that is not accepted would stop the listener for good. */
static void turn_away(struct pawl_http_server *s)
{
    s->one_more_waits = s->spare_open; /* libuv keeps it until then */
    if (s->spare_open) return;
    uv_tcp_init(s->listener.loop, &s->spare);
    s->spare.data = s;
    s->spare_open = true;
    uv_accept((uv_stream_t *)&s->listener, (uv_stream_t *)&s->spare);
    uv_close((uv_handle_t *)&s->spare, on_spare_closed);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct pawl_http_server *s = listener->data;
    struct pawl_http_peer *p;
    if (status < 0 || s->closing) return;
    p = s->from->resize(s->from->ctx, NULL, 0, sizeof *p);
    if (!p) {
        turn_away(s);
        return;
    }
    memset(p, 0, sizeof *p);
    p->s = s;
    s->count++;
    p->handles_open = 2;
    uv_tcp_init(listener->loop, &p->tcp);
    uv_timer_init(listener->loop, &p->timer);
    p->tcp.data = p->timer.data = p;
    pawl_buf_init(&p->in, s->from);
    pawl_buf_init(&p->head, s->from);
    pawl_buf_init(&p->body, s->from);
    p->next = s->peers;
    p->prev = &s->peers;
    if (p->next) p->next->prev = &p->next;
    s->peers = p;
    llhttp_init(&p->parser, HTTP_REQUEST, &s->settings);
    p->parser.data = p;
    if (uv_accept(listener, (uv_stream_t *)&p->tcp) || s->count > s->hooks.peers_max) {
        http_close_peer(p);
        return;
    }
    uv_tcp_nodelay(&p->tcp, 1);
    uv_tcp_keepalive(&p->tcp, 1, 60);
    http_time(p, s->hooks.head_ms);
    http_read_start(p);
}

static void on_listener_closed(uv_handle_t *h)
{
    struct pawl_http_server *s = h->data;
    s->listener_closed = true;
    free_server_if_done(s);
}

static int listen_on(struct pawl_http_server *s, const struct sockaddr *address, int *port)
{
    struct sockaddr_storage bound = {0};
    int bytes = sizeof bound, rc = uv_tcp_bind(&s->listener, address, 0);
    if (!rc) rc = uv_listen((uv_stream_t *)&s->listener, 128, on_connection);
    if (!rc) rc = uv_tcp_getsockname(&s->listener, (struct sockaddr *)&bound, &bytes);
    if (rc) return rc;
    *port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                              : ((struct sockaddr_in *)&bound)->sin_port);
    return 0;
}

int pawl_http_server_open(const struct pawl_alloc *from, uv_loop_t *loop, const char *host, int *port,
                          const struct pawl_http_hooks *hooks, struct pawl_http_server **out, struct pawl_error *err)
{
    struct sockaddr_storage address;
    struct pawl_http_server *s;
    int rc;
    *out = NULL;
    if (*port < 0 || *port > 65535)
        return pawl_fail(err, PAWL_EINVAL, host, "give a port from 0 to 65535", "%d is no port", *port);
    if (uv_ip4_addr(host, *port, (struct sockaddr_in *)&address) &&
        uv_ip6_addr(host, *port, (struct sockaddr_in6 *)&address))
        return pawl_fail(err, PAWL_EINVAL, host, "give an address such as 127.0.0.1", "it is no address to listen on");
    s = from->resize(from->ctx, NULL, 0, sizeof *s);
    if (!s) return pawl_fail(err, PAWL_ENOMEM, host, "", "no memory");
    memset(s, 0, sizeof *s);
    s->from = from;
    s->hooks = *hooks;
    if (!s->hooks.head_ms) s->hooks.head_ms = HTTP_HEAD_MS;
    if (!s->hooks.idle_ms) s->hooks.idle_ms = HTTP_IDLE_MS;
    if (!s->hooks.peers_max) s->hooks.peers_max = HTTP_PEERS_MAX;
    http_read_settings(&s->settings);
    uv_tcp_init(loop, &s->listener);
    s->listener.data = s;
    rc = listen_on(s, (const struct sockaddr *)&address, port);
    if (rc) {
        pawl_http_server_close(s);
        return pawl_fail(err, rc == UV_EADDRINUSE ? PAWL_EBUSY : PAWL_EIO, host,
                         "choose another port, or end who has it", "port %d: %s", *port, uv_strerror(rc));
    }
    *out = s;
    return PAWL_OK;
}

void pawl_http_server_close(struct pawl_http_server *s)
{
    if (!s || s->closing) return;
    s->closing = true;
    while (s->peers) http_close_peer(s->peers);
    uv_close((uv_handle_t *)&s->listener, on_listener_closed);
}
