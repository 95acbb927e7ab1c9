/* src/io/http_server_kit.h - for x_test.c only: the server under test, and clients that are plain sockets on
 * the same thread, so that a test says which bytes come when. Nothing here sleeps: it waits for the loop and the sockets. */
#pragma once
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "base/test.h"
#include "io/http_server.h"

enum { KIT_CLIENTS = 400, KIT_BODY_MAX = 100000 };

static uv_loop_t loop;
static struct test_alloc memory;
static struct pawl_http_server *server;
static struct pawl_http_hooks hooks;
static int port;

/* What the handler saw, a line a request, and the peers that it left without an answer. */
static char seen[1 << 20];
static size_t seen_bytes;
static int requests, gone, drained;
static struct pawl_http_peer *held[KIT_CLIENTS];
static int held_count;

struct client {
    int fd;
    char *in; /* NUL behind */
    size_t n, size;
    bool ended, reset;
};
static struct client *clients[KIT_CLIENTS];

static inline int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline void see(const char *p, size_t n)
{
    if (seen_bytes + n >= sizeof seen) return;
    if (n) memcpy(seen + seen_bytes, p, n);
    seen_bytes += n;
    seen[seen_bytes] = 0;
}

/* /later is left without an answer, /big is answered by 8 MiB, /drop and /reset are what they say, all else by an echo. */
static inline void on_request(void *ctx, struct pawl_http_peer *peer, const struct pawl_http_incoming *in)
{
    static char big[8 << 20];
    char body[KIT_BODY_MAX + 9000];
    const struct pawl_str x = pawl_http_field_of(in, "x-A");
    int n = snprintf(body, sizeof body, "%.*s %.*s [%.*s] %.*s", (int)in->method.n, in->method.p, (int)in->target.n,
                     in->target.p, (int)x.n, x.p ? x.p : "", (int)in->body.n, in->body.p);
    CHECK(ctx == &hooks);
    requests++;
    see(body, (size_t)n);
    see("\n", 1);
    if (strncmp(in->target.p, "/later", 6) == 0) held[held_count++] = peer;
    else if (strncmp(in->target.p, "/drop", 5) == 0) pawl_http_drop(peer);
    else if (strncmp(in->target.p, "/reset", 6) == 0) pawl_http_reset(peer);
    else if (strncmp(in->target.p, "/none", 5) == 0) pawl_http_answer(peer, 204, "text/plain", "", PAWL_STR(""));
    else if (strncmp(in->target.p, "/big", 4) == 0) {
        memset(big, 'b', sizeof big);
        pawl_http_answer(peer, 200, "text/plain", "", (struct pawl_str){big, sizeof big});
    } else {
        pawl_http_answer(peer, 200, "text/plain", "X-More: yes\r\n", (struct pawl_str){body, (uint32_t)n});
    }
}

static inline void on_gone(void *ctx, struct pawl_http_peer *peer)
{
    CHECK(ctx == &hooks);
    gone++;
    for (int i = 0; i < held_count; i++)
        if (held[i] == peer) held[i] = NULL;
}

static inline void kit_begin(uint32_t head_ms, uint32_t idle_ms, uint32_t peers_max)
{
    struct pawl_error err = {0};
    port = 0;
    seen_bytes = 0;
    seen[0] = 0;
    requests = gone = drained = held_count = 0;
    hooks = (struct pawl_http_hooks){.on_request = on_request,
                                     .on_gone = on_gone,
                                     .ctx = &hooks,
                                     .body_bytes_max = KIT_BODY_MAX,
                                     .head_ms = head_ms,
                                     .idle_ms = idle_ms,
                                     .peers_max = peers_max};
    if (pawl_http_server_open(&memory.alloc, &loop, "127.0.0.1", &port, &hooks, &server, &err) == PAWL_OK) return;
    server = NULL;
    if (!memory.failed) CHECK_TEXT(err.what, "");
}

static inline void pull(struct client *c)
{
    static char piece[1 << 16];
    while (!c->ended) {
        const ssize_t n = recv(c->fd, piece, sizeof piece, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (n <= 0) {
            c->ended = true;
            c->reset = n < 0;
            return;
        }
        if (c->n + (size_t)n >= c->size) c->in = realloc(c->in, c->size = 2 * (c->n + (size_t)n + 1));
        memcpy(c->in + c->n, piece, (size_t)n);
        c->n += (size_t)n;
        c->in[c->n] = 0;
    }
}

/* One turn of everything: the loop, then what came for the clients that read. */
static inline void turn(bool pulling, int wait_ms)
{
    struct pollfd fds[KIT_CLIENTS + 1] = {{.fd = uv_backend_fd(&loop), .events = POLLIN}};
    int n = 1, ms;
    for (int i = 0; i < 2; i++) uv_run(&loop, UV_RUN_NOWAIT); /* the second tells the kernel what the first started */
    for (int i = 0; i < KIT_CLIENTS && pulling; i++) {
        if (!clients[i] || clients[i]->ended) continue;
        const size_t before = clients[i]->n;
        pull(clients[i]);
        if (clients[i]->n > before || clients[i]->ended) wait_ms = 0;
        if (!clients[i]->ended) fds[n++] = (struct pollfd){.fd = clients[i]->fd, .events = POLLIN};
    }
    ms = uv_backend_timeout(&loop);
    poll(fds, (nfds_t)n, ms < 0 || ms > wait_ms ? wait_ms : ms);
}

/* Turns until the condition holds; false, and a failed check, if it does not within ten seconds. */
#define UNTIL(condition) UNTIL_(condition, true)
#define UNTIL_(condition, pulling)                                      \
    do {                                                                \
        const int64_t until_ms = now_ms() + 10000;                      \
        while (!(condition) && now_ms() < until_ms) turn(pulling, 100); \
        CHECK(condition);                                               \
    } while (0)

static inline void kit_end(void)
{
    pawl_http_server_close(server);
    server = NULL;
    while (uv_run(&loop, UV_RUN_DEFAULT)) continue;
    CHECK_INT(memory.out_bytes, 0);
}

/* receive_bytes: of its socket's buffer; 0: the system's choice. */
static inline struct client *dial_with(int receive_bytes)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    const struct linger hard = {.l_onoff = 1}; /* closing resets: no port is left waiting */
    struct client *c = calloc(1, sizeof *c);
    int i = 0;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->in = calloc(1, 1);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_bytes) setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    CHECK(connect(c->fd, (struct sockaddr *)&to, sizeof to) == 0);
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    while (clients[i]) i++;
    return clients[i] = c;
}
static inline struct client *dial(void)
{
    return dial_with(0);
}

static inline void hang_up(struct client *c)
{
    for (int i = 0; i < KIT_CLIENTS; i++)
        if (clients[i] == c) clients[i] = NULL;
    close(c->fd);
    free(c->in);
    free(c);
}

/* As much as the socket takes at once. */
static inline size_t say(struct client *c, const char *p, size_t n)
{
    size_t sent = 0;
    while (sent < n) {
        const ssize_t more = send(c->fd, p + sent, n - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (more <= 0) break;
        sent += (size_t)more;
    }
    return sent;
}

static inline void say_text(struct client *c, const char *text)
{
    CHECK_INT(say(c, text, strlen(text)), strlen(text));
}

/* All of it, while the server reads (or has closed). */
static inline void say_all(struct client *c, const char *p, size_t n)
{
    const int64_t until_ms = now_ms() + 10000;
    size_t sent = 0;
    while (sent < n && !c->ended && now_ms() < until_ms) {
        sent += say(c, p + sent, n - sent);
        turn(true, 0);
    }
    CHECK(sent == n || c->ended);
}

struct answer {
    int status;
    bool whole, keep;
    const char *head, *body; /* body: as it is after the chunks are joined */
    size_t head_bytes, body_bytes;
};

static inline size_t unchunk(char *body, size_t n, struct answer *a)
{
    size_t at = 0;
    for (;;) {
        char *end;
        const size_t size = strtoul(body + at, &end, 16);
        const size_t data = (size_t)(end - body) + 2;
        if (end == body + at || data + size + 2 > n || memcmp(end, "\r\n", 2) != 0) return 0;
        if (memcmp(body + data + size, "\r\n", 2) != 0) return 0;
        if (size == 0) break;
        memmove(body + a->body_bytes, body + data, size);
        a->body_bytes += size;
        at = data + size + 2;
    }
    a->whole = true;
    return n;
}

/* Takes the first answer out of what came (valid until the next call on this client); `bare`: it has no body. */
static inline struct answer take(struct client *c, bool bare)
{
    static char *last;
    struct answer a = {0};
    const char *end = strstr(c->in, "\r\n\r\n"), *length, *close_at;
    size_t used;
    if (!end || sscanf(c->in, "HTTP/1.1 %d ", &a.status) != 1) return a;
    free(last);
    last = malloc(c->n + 1);
    memcpy(last, c->in, c->n + 1);
    a.head = last;
    a.head_bytes = (size_t)(end - c->in) + 4;
    a.body = last + a.head_bytes;
    last[a.head_bytes - 1] = 0;
    length = strstr(last, "Content-Length: ");
    close_at = strstr(last, "Connection: close");
    a.keep = !close_at;
    used = a.head_bytes;
    if (bare || a.status < 200 || a.status == 204) {
        a.whole = true;
    } else if (length) {
        a.body_bytes = strtoul(length + 16, NULL, 10);
        a.whole = c->n - used >= a.body_bytes;
        used += a.body_bytes;
    } else if (strstr(last, "Transfer-Encoding: chunked")) {
        used += unchunk(last + a.head_bytes, c->n - a.head_bytes, &a);
    } else {
        a.body_bytes = c->n - used;
        a.whole = c->ended;
        used = c->n;
    }
    if (!a.whole) return a;
    memmove(c->in, c->in + used, c->n - used + 1);
    c->n -= used;
    return a;
}

/* The next answer, waited for; status 0: the connection ended before it was whole. */
static inline struct answer hear_(struct client *c, bool bare)
{
    const int64_t until_ms = now_ms() + 10000;
    size_t before = SIZE_MAX;
    for (;;) {
        /* A large one is looked at when nothing more comes, not with each piece. */
        if (c->n < 1 << 20 || before == SIZE_MAX || c->n == before || c->ended) {
            struct answer a = take(c, bare);
            if (a.whole) return a;
        }
        if (c->ended || now_ms() > until_ms) return CHECK(c->ended), (struct answer){0};
        before = c->n;
        turn(true, 100);
    }
}
static inline struct answer hear(struct client *c)
{
    return hear_(c, false);
}

static inline bool body_is(struct answer a, const char *text)
{
    const bool same = a.body && a.body_bytes == strlen(text) && memcmp(a.body, text, a.body_bytes) == 0;
    if (!same) printf("body: \"%.*s\"\n", a.body ? (int)a.body_bytes : 0, a.body ? a.body : "");
    return same;
}
