/* src/io/http_server_read.c - reading requests: llhttp parses; what it does not check (Host, sizes, counts, time) is
 * checked here, before a handler sees anything. */
#include <string.h>
#include <strings.h>
#include "io/http_server_peer.h"

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
static int grow(struct pawl_http_peer *p, struct http_span *s, const char *at, size_t n, uint32_t max, int status)
{
    if (s->n + n > max) return refuse(p, status);
    if (p->head.n + n > HTTP_HEAD_BYTES) return refuse(p, 431);
    if (s->n == 0) s->at = (uint32_t)p->head.n;
    pawl_buf_add(&p->head, at, n);
    s->n += (uint32_t)n;
    return p->head.failed ? refuse(p, 503) : 0;
}

static int on_begin(llhttp_t *l)
{
    struct pawl_http_peer *p = l->data;
    p->head.n = p->body.n = 0;
    p->fields = 0;
    p->target = (struct http_span){0, 0};
    p->in_value = false;
    p->phase = PEER_HEAD;
    http_time(p, p->s->hooks.head_ms);
    return 0;
}

static int on_url(llhttp_t *l, const char *at, size_t n)
{
    struct pawl_http_peer *p = l->data;
    return grow(p, &p->target, at, n, HTTP_URI_BYTES, 414);
}

/* Trailers come here as well, behind the head: dropped. */
static int on_name(llhttp_t *l, const char *at, size_t n)
{
    struct pawl_http_peer *p = l->data;
    if (p->phase != PEER_HEAD) return 0;
    if (p->fields == 0 || p->in_value) {
        if (p->fields == HTTP_FIELDS_MAX) return refuse(p, 431);
        p->names[p->fields] = p->values[p->fields] = (struct http_span){0, 0};
        p->fields++;
        p->in_value = false;
    }
    return grow(p, &p->names[p->fields - 1], at, n, HTTP_HEAD_BYTES, 431);
}

static int on_value(llhttp_t *l, const char *at, size_t n)
{
    struct pawl_http_peer *p = l->data;
    if (p->phase != PEER_HEAD) return 0;
    p->in_value = true;
    return grow(p, &p->values[p->fields - 1], at, n, HTTP_HEAD_BYTES, 431);
}

static int on_value_done(llhttp_t *l)
{
    ((struct pawl_http_peer *)l->data)->in_value = true; /* an empty value has no piece */
    return 0;
}

static struct pawl_str text(const struct pawl_http_peer *p, struct http_span s)
{
    return s.n ? (struct pawl_str){p->head.p + s.at, s.n} : (struct pawl_str){"", 0};
}

/* Blanks behind a value are not part of it, RFC 9110 5.5; llhttp leaves them. */
static void trim(const struct pawl_http_peer *p, struct http_span *s)
{
    while (s->n && (p->head.p[s->at + s->n - 1] == ' ' || p->head.p[s->at + s->n - 1] == '\t')) s->n--;
}

static bool is(struct pawl_str s, const char *word)
{
    return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

/* What the head says of the connection and the body: 0, or the status that refuses it. */
static int check_head(struct pawl_http_peer *p, const llhttp_t *l)
{
    uint32_t hosts = 0, codings = 0;
    bool waits = false;
    if (l->http_major != 1) return 505;
    for (uint32_t i = 0; i < p->fields; i++) {
        const struct pawl_str name = text(p, p->names[i]), value = text(p, p->values[i]);
        hosts += is(name, "host");
        if (is(name, "transfer-encoding")) {
            codings++;
            if (!is(value, "chunked")) return 501;
        } else if (is(name, "expect")) {
            if (!is(value, "100-continue")) return 417;
            waits = l->http_minor > 0;
        }
    }
    if (hosts > 1 || (hosts == 0 && l->http_minor > 0)) return 400;
    if (codings > 1 || (codings > 0 && l->http_minor == 0) || l->method == HTTP_CONNECT) return 400;
    if (l->content_length > p->s->hooks.body_bytes_max) return 413;
    if (waits) http_interim(p, "HTTP/1.1 100 Continue\r\n\r\n");
    return 0;
}

static int on_head(llhttp_t *l)
{
    struct pawl_http_peer *p = l->data;
    int status;
    for (uint32_t i = 0; i < p->fields; i++) trim(p, &p->values[i]);
    status = check_head(p, l);
    if (status) return refuse(p, status);
    l->upgrade = 0; /* ours to ignore, RFC 9110 7.8 */
    p->phase = PEER_BODY;
    p->phase_bytes = p->body_mark = 0;
    http_time(p, p->s->hooks.head_ms);
    return 0;
}

static int on_body(llhttp_t *l, const char *at, size_t n)
{
    struct pawl_http_peer *p = l->data;
    if (p->body.n + n > p->s->hooks.body_bytes_max) return refuse(p, 413);
    pawl_buf_add(&p->body, at, n);
    if (p->body.n - p->body_mark >= HTTP_BODY_STEP) {
        p->body_mark = p->body.n;
        http_time(p, p->s->hooks.head_ms);
    }
    return p->body.failed ? refuse(p, 503) : 0;
}

static int on_complete(llhttp_t *l)
{
    struct pawl_http_peer *p = l->data;
    p->keep = llhttp_should_keep_alive(l);
    p->head_only = l->method == HTTP_HEAD;
    p->chunked = l->http_minor > 0;
    p->phase = PEER_ASKED;
    return HPE_PAUSED;
}

void http_read_settings(llhttp_settings_t *settings)
{
    llhttp_settings_init(settings);
    settings->on_message_begin = on_begin;
    settings->on_url = on_url;
    settings->on_header_field = on_name;
    settings->on_header_value = on_value;
    settings->on_header_value_complete = on_value_done;
    settings->on_headers_complete = on_head;
    settings->on_body = on_body;
    settings->on_message_complete = on_complete;
}

/* What one large request took is not kept for the next. */
static void slim(struct pawl_http_peer *p, struct pawl_buf *b)
{
    b->n = 0;
    if (b->size <= HTTP_KEPT_BYTES) return;
    pawl_buf_fini(b);
    pawl_buf_init(b, p->s->from);
}

static void hand_over(struct pawl_http_peer *p)
{
    struct pawl_http_field fields[HTTP_FIELDS_MAX];
    struct pawl_http_incoming in = {.target = text(p, p->target), .fields = fields, .fields_count = p->fields};
    in.method = pawl_str_of(llhttp_method_name((llhttp_method_t)p->parser.method));
    in.body = (struct pawl_str){p->body.p ? p->body.p : "", (uint32_t)p->body.n};
    for (uint32_t i = 0; i < p->fields; i++)
        fields[i] = (struct pawl_http_field){text(p, p->names[i]), text(p, p->values[i])};
    uv_timer_stop(&p->timer);
    p->phase_bytes = 0;
    p->s->hooks.on_request(p->s->hooks.ctx, p, &in);
    slim(p, &p->head);
    slim(p, &p->body);
}

/* What llhttp swallows without a word (blanks, chunk extensions, trailers) is bounded by the bytes that a phase takes. */
static int too_much(struct pawl_http_peer *p, size_t n)
{
    p->phase_bytes += n;
    if (p->phase == PEER_BODY) return p->phase_bytes / 8 > p->s->hooks.body_bytes_max + HTTP_HEAD_BYTES ? 413 : 0;
    return p->phase_bytes > HTTP_HEAD_BYTES + HTTP_READ_BYTES ? 431 : 0;
}

void http_read_on(struct pawl_http_peer *p)
{
    while (p->phase <= PEER_BODY && !p->closing && p->at < p->in.n) {
        const char *from = p->in.p + p->at;
        size_t n = p->in.n - p->at;
        llhttp_errno_t e;
        llhttp_resume(&p->parser);
        e = llhttp_execute(&p->parser, from, n);
        if (e == HPE_PAUSED && llhttp_get_error_pos(&p->parser)) n = (size_t)(llhttp_get_error_pos(&p->parser) - from);
        p->at += n;
        if (e == HPE_PAUSED) hand_over(p);
        else if (e != HPE_OK) http_refuse(p, p->refused ? p->refused : 400);
        else if (too_much(p, n)) http_refuse(p, p->phase == PEER_BODY ? 413 : 431);
    }
    if (p->at == p->in.n) {
        p->at = 0;
        slim(p, &p->in);
    }
    if (p->ended && p->phase <= PEER_ASKED) http_close_peer(p);
    else if (p->read_stopped && p->phase <= PEER_BODY && !p->closing) http_read_start(p);
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *out)
{
    struct pawl_http_server *s = ((struct pawl_http_peer *)h->data)->s;
    (void)suggested;
    *out = uv_buf_init(s->read, sizeof s->read);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct pawl_http_peer *p = stream->data;
    if (p->closing || n == 0) return;
    if (n < 0) {
        p->ended = true; /* an answer that is complete still goes out, and what came before the end is still read */
        if (n != UV_EOF || p->phase != PEER_WRITING) http_close_peer(p);
        return;
    }
    if (p->phase == PEER_LINGERING || (p->phase == PEER_WRITING && !p->keep)) return;
    if (p->at) {
        memmove(p->in.p, p->in.p + p->at, p->in.n - p->at);
        p->in.n -= p->at;
        p->at = 0;
    }
    pawl_buf_add(&p->in, buf->base, (size_t)n);
    if (p->in.failed) {
        http_close_peer(p);
        return;
    }
    http_read_on(p);
    if (p->closing || p->phase <= PEER_BODY || p->in.n - p->at <= HTTP_READ_BYTES) return;
    p->read_stopped = true; /* it is not answered yet and sends on: it has to wait */
    uv_read_stop(stream);
}

void http_read_start(struct pawl_http_peer *p)
{
    p->read_stopped = false;
    if (uv_read_start((uv_stream_t *)&p->tcp, on_alloc, on_read)) http_close_peer(p);
}
