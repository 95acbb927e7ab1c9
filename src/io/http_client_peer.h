/* src/io/http_client_peer.h - for http_client_test.c only: the server that it talks to. On the same loop; what it does
 * is in the name of the path. It counts the requests that it read whole: what was seen is what may have happened. */
#pragma once
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>
#include <netinet/in.h>

enum { PEER_BYTES = 2 * 1024 * 1024 };

static uv_loop_t loop;
static uv_tcp_t listener;
static int port;

struct connection {
    uv_tcp_t tcp;
    char in[PEER_BYTES];
    size_t n;
    int requests;
};
static int connections, connections_open, requests_seen;
static struct connection *held; /* the connection whose answer is under the test's control */

static void connection_closed(uv_handle_t *h)
{
    connections_open--;
    if (held == h->data) held = NULL;
    free(h->data);
}

static void hang_up(struct connection *c)
{
    if (!uv_is_closing((uv_handle_t *)&c->tcp)) uv_close((uv_handle_t *)&c->tcp, connection_closed);
}

static void written(uv_write_t *w, int status)
{
    (void)status;
    free(w);
}

static void say_bytes(struct connection *c, const char *p, size_t n)
{
    uv_write_t *w = malloc(sizeof *w + n);
    memcpy(w + 1, p, n);
    uv_buf_t buf = uv_buf_init((char *)(w + 1), (unsigned)n);
    uv_write(w, (uv_stream_t *)&c->tcp, &buf, 1, written);
}

static void say(struct connection *c, const char *text)
{
    say_bytes(c, text, strlen(text));
}

static char seen_head[PEER_BYTES], seen_body[PEER_BYTES];

static void say_many_headers(struct connection *c, int count)
{
    say(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
    for (int i = 0; i < count; i++) {
        char line[64];
        snprintf(line, sizeof line, "X-Number-%d: %d\r\n", i, i);
        say(c, line);
    }
    say(c, "\r\n");
}

static void answer(struct connection *c, const char *path)
{
    static const struct {
        const char *path, *text;
        bool close;
    } answers[] = {
        {"/ok",
         "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\nDate: Sat, 21 Nov 2026 "
         "10:00:00 GMT\r\nX-Should-Retry: true\r\nLocation: /there\r\n\r\n{\"a\": 1}",
         false},
        {"/empty", "HTTP/1.1 204 No Content\r\n\r\n", false},
        {"/moved", "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n", false},
        {"/error",
         "HTTP/1.1 503 Busy\r\nRetry-After: 3\r\nretry-after: 120\r\nRetry-After: 12.5\r\nRetry-After-Ms: "
         "700\r\nretry-after-ms: 90\r\nContent-Length: 2\r\n\r\nno",
         false},
        {"/date",
         "HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nRetry-After: Sat, 21 Nov 2093 10:00:00 GMT\r\nRetry-After: "
         "soon\r\nContent-Length: 0\r\n\r\n",
         false},
        {"/interim",
         "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\nX-A: 0\r\n\r\nHTTP/1.1 200 OK\r\nX-A:  1 \r\nX-Empty:"
         "\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: t\r\n\r\n",
         false},
        {"/cut", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this", true},
        {"/cut-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n5\r\nfg", true},
        {"/cut-head", "HTTP/1.1 200 OK\r\nContent-Le", true},
        {"/until-close", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it", true},
        {"/garbage", "SSH-2.0-OpenSSH_9.2\r\n", true},
        {"/bad-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n", true},
        {"/large", "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n0123456789A", false},
        {"/head-only", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab", false},
        {"/vanish", "", true},
    };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        if (strcmp(path, answers[i].path) != 0) continue;
        if (*answers[i].text) say(c, answers[i].text);
        if (answers[i].close) hang_up(c);
        return;
    }
    if (strcmp(path, "/hold") == 0) held = c;
    else if (strcmp(path, "/many-headers") == 0) say_many_headers(c, 300);
    else if (strcmp(path, "/some-headers") == 0) say_many_headers(c, 150);
    else if (strcmp(path, "/long-header") == 0) {
        char text[70000];
        memset(text, 'x', sizeof text);
        say(c, "HTTP/1.1 200 OK\r\nX-Long: ");
        say_bytes(c, text, sizeof text);
        say(c, "\r\nContent-Length: 0\r\n\r\n");
    } else if (strcmp(path, "/reset") == 0) {
        uv_tcp_close_reset(&c->tcp, connection_closed);
    } else if (strcmp(path, "/never") != 0) {
        say(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    }
}

/* One whole request at the front of c->in; false: not yet. */
static bool take_request(struct connection *c)
{
    c->in[c->n] = 0;
    char *end = strstr(c->in, "\r\n\r\n");
    if (!end) return false;
    const char *length = strcasestr(c->in, "\r\ncontent-length:");
    const size_t body = length && length < end ? (size_t)atol(length + 17) : 0;
    const size_t head = (size_t)(end - c->in) + 4;
    if (c->n < head + body) return false;
    memcpy(seen_head, c->in, head);
    seen_head[head] = 0;
    memcpy(seen_body, c->in + head, body);
    seen_body[body] = 0;
    memmove(c->in, c->in + head + body, c->n - head - body);
    c->n -= head + body;
    c->requests++;
    requests_seen++;
    char path[128] = "";
    sscanf(seen_head, "%*s %127[^ ?]", path);
    answer(c, path);
    return true;
}

static void give_room(uv_handle_t *h, size_t wanted, uv_buf_t *out)
{
    struct connection *c = h->data;
    (void)wanted;
    *out = uv_buf_init(c->in + c->n, (unsigned)(sizeof c->in - 1 - c->n));
}

static void heard(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    struct connection *c = s->data;
    (void)buf;
    if (n < 0) {
        hang_up(c);
        return;
    }
    c->n += (size_t)n;
    while (!uv_is_closing((uv_handle_t *)s) && take_request(c)) continue;
}

static void connected(uv_stream_t *s, int status)
{
    struct connection *c = calloc(1, sizeof *c);
    (void)status;
    uv_tcp_init(&loop, &c->tcp);
    c->tcp.data = c;
    uv_accept(s, (uv_stream_t *)&c->tcp);
    connections++;
    connections_open++;
    uv_read_start((uv_stream_t *)&c->tcp, give_room, heard);
}

static void serve(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int size = sizeof a;
    uv_tcp_init(&loop, &listener);
    uv_tcp_bind(&listener, (struct sockaddr *)&a, 0);
    uv_listen((uv_stream_t *)&listener, 256, connected);
    uv_tcp_getsockname(&listener, (struct sockaddr *)&a, &size);
    port = ntohs(a.sin_port);
}
