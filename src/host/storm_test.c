/* src/host/storm_test.c - twelve agents on one dependency that is dead: how many calls reach it, and that nobody waits for
 * longer than its time (issue of the storm: every layer's patience multiplied by every agent). */
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include "host/host_kit.h"

enum { AGENTS = 12 };

/* A service that answers 503 to all, and counts. */
static struct service {
    int listener, port;
    atomic_int calls;
    char head[4096]; /* of the last one */
} service;

static void *serve(void *ctx)
{
    struct service *s = ctx;
    static const char answer[] = "HTTP/1.1 503 Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    for (int fd; (fd = accept(s->listener, NULL, NULL)) >= 0; close(fd)) {
        char *head = s->head;
        size_t n = 0;
        ssize_t got = 1;
        head[0] = 0;
        while (got > 0 && n < sizeof s->head - 1 && !strstr(head, "\r\n\r\n")) {
            got = recv(fd, head + n, sizeof s->head - 1 - n, 0);
            if (got > 0) n += (size_t)got;
            head[n] = 0;
        }
        s->calls++;
        if (send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL) < 0) continue;
    }
    return NULL;
}

static void listen_here(struct service *s)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->listener < 0 || bind(s->listener, (struct sockaddr *)&at, n) || listen(s->listener, 64) ||
        getsockname(s->listener, (struct sockaddr *)&at, &n)) {
        printf("no socket on loopback\n");
        exit(1);
    }
    s->port = ntohs(at.sin_port);
}

/* All at once until each has ended; how long that took. */
static double all_agents(const char *tool)
{
    char config[2048], run[AGENTS][37];
    struct pawl *p;
    snprintf(
        config, sizeof config,
        "version: 1\n"
        "models: {m: {provider: script, script: [{call: {name: look, args: {}}}, {say: done}]}}\n"
        "tools: {look: {http: {method: GET, url: \"http://127.0.0.1:%d/\"}, effect: read, input: {type: object}, %s}}\n"
        "agents: {a: {model: m, tools: [look], deadline: 3s}}\n",
        service.port, tool);
    service.calls = 0;
    p = kit_fresh(config);
    const int64_t began_ns = pawl_clock_mono_ns();
    for (int i = 0; i < AGENTS; i++) kit_start(p, "a", NULL, run[i]);
    for (int i = 0; i < AGENTS; i++) {
        const char *status = kit_wait(p, run[i]);
        CHECK(strcmp(status, "done") == 0 || strcmp(status, "failed") == 0);
        CHECK_TEXT(kit_text(kit_step(kit_view(p, run[i]), 2), "state"), "failed");
    }
    const double took_s = (double)(pawl_clock_mono_ns() - began_ns) / 1e9;
    pawl_close(p);
    return took_s;
}

int main(void)
{
    pthread_t thread;
    double took_s;
    kit_begin();
    listen_here(&service);
    CHECK_INT(pthread_create(&thread, NULL, serve, &service), 0);

    /* Each for itself, as clients do: every attempt of every agent reaches it. */
    all_agents("breaker: none, retry: {attempts: 8, first: 1ms, max: 2ms, budget: none}");
    CHECK_INT(service.calls, AGENTS * 8);

    /* The service is told until when somebody waits: no longer than the run has time. */
    const char *left = strstr(service.head, "\r\nPawl-Timeout: "), *at = strstr(service.head, "\r\nPawl-Deadline: 20");
    CHECK(left != NULL && atoi(left + 16) > 0 && atoi(left + 16) <= 3000 && strchr(left + 16, 'm') != NULL);
    CHECK(at != NULL && at[17 + 10] == 'T' && at[17 + 23] == 'Z');

    /* Further attempts are a share of the first ones, a few beside that, and one a second. */
    took_s = all_agents("breaker: none, retry: {attempts: 8, first: 1ms, max: 2ms, budget: {share: 25%, reserve: 4}}");
    CHECK(service.calls >= AGENTS + 4);
    CHECK(service.calls <= AGENTS + AGENTS / 4 + 4 + (int)took_s + 1);

    /* With a breaker: what is under way when it opens, and no more; there is no time for a probe. */
    took_s = all_agents("breaker: {window: 60s, min_calls: 4, threshold: 50%, cooldown: 60s, probes: 1}, "
                        "retry: {attempts: 8, first: 1ms, max: 2ms, budget: none}");
    CHECK(service.calls >= 4 && service.calls <= AGENTS + 4);
    CHECK(took_s < 6); /* its deadline, and then some for a slow machine */

    shutdown(service.listener, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(service.listener);
    return kit_end();
}
