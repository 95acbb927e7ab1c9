/* src/io/http_hedge_test.c - a second question beside the first, against a service whose connections behave as a script
 * says: g answers 200, b answers 503, h never answers. */
#include "io/http_hedge.h"
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/test.h"
#include "io/alloc.h"

static const int64_t MS = 1000000;
static uv_loop_t loop;
static struct pawl_http_client *client;
static int listener, port;
static const char *_Atomic script;
static atomic_int calls;

static void *serve(void *ctx)
{
    int held[16], held_count = 0;
    (void)ctx;
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0;) {
        char head[4096];
        static const char good[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
        static const char bad[] = "HTTP/1.1 503 Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        const char is = script[calls++];
        if (is == 'h' && held_count < 16) {
            held[held_count++] = fd;
            continue;
        }
        const char *answer = is == 'g' ? good : bad;
        if (recv(fd, head, sizeof head, 0) > 0 && send(fd, answer, strlen(answer), MSG_NOSIGNAL) < 0) break;
        close(fd);
    }
    while (held_count > 0) close(held[--held_count]);
    return NULL;
}

struct got {
    bool done, hedged;
    enum pawl_http_end end;
    int32_t status;
};

static void on_done(void *ctx, const struct pawl_http_result *r)
{
    struct got *g = ctx;
    CHECK(!g->done);
    *g = (struct got){true, r->hedged, r->end, r->status};
}

static struct pawl_http_hedge *ask(const char *how, int64_t after_ns, struct got *g)
{
    static char url[64];
    struct pawl_http_hedge *h = NULL;
    struct pawl_error err = {0};
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
    const struct pawl_http_call call = {.method = PAWL_STR("GET"),
                                        .url = pawl_str_of(url),
                                        .connect_timeout_ns = 5000 * MS,
                                        .first_byte_timeout_ns = 5000 * MS,
                                        .total_timeout_ns =
                                            strcmp(how, "hb") == 0 || strcmp(how, "hh") == 0 ? 200 * MS : 5000 * MS,
                                        .body_bytes_max = 100,
                                        .on_done = on_done,
                                        .ctx = g};
    *g = (struct got){0};
    script = how;
    calls = 0;
    CHECK_INT(pawl_http_hedge_start(client, &loop, &call, after_ns, &h, &err), PAWL_OK);
    return h;
}

static void until_done(const char *how, int64_t after_ns, enum pawl_http_end end, int32_t status, int called)
{
    struct got g;
    ask(how, after_ns, &g);
    while (!g.done) uv_run(&loop, UV_RUN_ONCE);
    if (!CHECK_INT(g.end, end) || !CHECK_INT(g.status, status)) printf("  %s\n", how);
    CHECK_INT(calls, called);
    CHECK_INT(g.hedged, called > 1);
}

int main(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    pthread_t thread;
    struct got g;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&at, n) || listen(listener, 16) ||
        getsockname(listener, (struct sockaddr *)&at, &n)) {
        printf("no socket on loopback\n0 passed, 1 failed\n");
        return 1;
    }
    port = ntohs(at.sin_port);
    uv_loop_init(&loop);
    CHECK_INT(pthread_create(&thread, NULL, serve, NULL), 0);
    CHECK_INT(pawl_http_client_new(pawl_alloc_libc(), &loop, NULL, &client, NULL), PAWL_OK);
    until_done("g", 2000 * MS, PAWL_HTTP_ANSWERED, 200, 1);
    until_done("hg", 20 * MS, PAWL_HTTP_ANSWERED, 200, 2);
    until_done("b", 2000 * MS, PAWL_HTTP_ANSWERED, 503, 1); /* it has answered: whether to ask again is the retry's */
    until_done("hb", 20 * MS, PAWL_HTTP_NO_ANSWER, 0, 2);   /* the first might still have been good */
    until_done("hh", 20 * MS, PAWL_HTTP_NO_ANSWER, 0, 2);
    struct pawl_http_hedge *h = ask("hhh", 20 * MS, &g);
    while (calls < 2) uv_run(&loop, UV_RUN_ONCE);
    pawl_http_hedge_cancel(h);
    CHECK(!g.done);
    h = ask("h", 2000 * MS, &g);
    pawl_http_hedge_cancel(h); /* before the second question */
    CHECK(!g.done);
    pawl_http_client_free(client);
    while (uv_run(&loop, UV_RUN_DEFAULT)) continue;
    CHECK_INT(uv_loop_close(&loop), 0);
    shutdown(listener, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(listener);
    return TEST_END();
}
