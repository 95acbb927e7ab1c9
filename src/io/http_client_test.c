/* src/io/http_client_test.c - what the client says of a request, against http_client_peer.h. No sleeping: a loop, and
 * short timeouts where a timeout is the story. */
#include "io/http_client.h"
#include <netdb.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <unistd.h>
#include "base/test.h"
#include "io/http_client_peer.h"
#include "io/http_request.h"

#define MS INT64_C(1000000)

/* libcurl's resolver thread comes here: one name that never gets an answer until the test lets it go. */
static sem_t resolver_may_go, resolver_has_gone;

__attribute__((visibility("default"))) int getaddrinfo(const char *name, const char *service,
                                                       const struct addrinfo *hints, struct addrinfo **out)
{
    (void)service, (void)hints;
    *out = NULL;
    if (strcmp(name, "hangs.test") != 0) return EAI_NONAME;
    while (sem_wait(&resolver_may_go)) continue;
    sem_post(&resolver_has_gone);
    return EAI_AGAIN;
}

static struct test_alloc memory;
static struct pawl_http_client *client;

struct got {
    bool done, at_head;
    enum pawl_http_end end;
    int32_t status, head_status;
    char body[200], type[64], after[64], after_ms[32], should[16], date[64], location[64], detail[256], x_a[16];
    uint32_t headers, pieces;
    bool reused, cancel_at_head, cancel_at_data, start_at_data, free_at_done, pause_at_data;
    int64_t took_ns, first_byte_ns;
    struct pawl_http_request *r;
    struct got *other;
};

static void text_of(struct pawl_str s, char *out, size_t size)
{
    snprintf(out, size, "%.*s", (int)s.n, s.p ? s.p : "");
}

static struct pawl_http_call call_of(struct got *g, const char *method, const char *path, const char *body);
static char url[300];

static void on_head(void *ctx, const struct pawl_http_result *head)
{
    struct got *g = ctx;
    CHECK(!g->at_head && !g->done);
    g->at_head = true;
    g->head_status = head->status;
    CHECK_INT(head->body.n, 0);
    if (g->cancel_at_head) CHECK(pawl_http_cancel(g->r));
}

static void on_data(void *ctx, struct pawl_str piece)
{
    struct got *g = ctx;
    if (!g->at_head || g->done || piece.n == 0) CHECK(g->at_head && !g->done && piece.n > 0);
    g->pieces++;
    if (g->cancel_at_data) CHECK(pawl_http_cancel(g->r));
    if (g->pause_at_data) pawl_http_pause(g->r);
    if (g->start_at_data && g->pieces == 1) {
        const struct pawl_http_call call = call_of(g->other, "GET", "/ok", NULL);
        CHECK_INT(pawl_http_start(client, &call, &g->other->r, NULL), PAWL_OK);
    }
}

static void on_done(void *ctx, const struct pawl_http_result *r)
{
    struct got *g = ctx;
    CHECK(!g->done);
    g->done = true;
    uv_stop(&loop); /* it may be a timer's callback, after which the loop would wait for something else */
    g->end = r->end;
    g->status = r->status;
    g->headers = r->headers_count;
    g->reused = r->reused;
    g->took_ns = r->took_ns;
    g->first_byte_ns = r->first_byte_ns;
    text_of(r->body, g->body, sizeof g->body);
    text_of(r->type, g->type, sizeof g->type);
    text_of(r->retry_after, g->after, sizeof g->after);
    text_of(r->retry_after_ms, g->after_ms, sizeof g->after_ms);
    text_of(r->should_retry, g->should, sizeof g->should);
    text_of(r->date, g->date, sizeof g->date);
    text_of(r->location, g->location, sizeof g->location);
    text_of(r->detail, g->detail, sizeof g->detail);
    for (uint32_t i = 0; i < r->headers_count; i++)
        if (pawl_str_is(r->headers[i].name, "X-A")) text_of(r->headers[i].value, g->x_a, sizeof g->x_a);
    CHECK((r->end == PAWL_HTTP_ANSWERED) == (r->detail.n == 0));
    pawl_http_cancel(g->r); /* too late, and harmless */
    if (g->free_at_done) {
        pawl_http_client_free(client);
        client = NULL;
    }
}

static struct pawl_http_call call_of(struct got *g, const char *method, const char *path, const char *body)
{
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", port, path);
    return (struct pawl_http_call){.method = pawl_str_of(method),
                                   .url = pawl_str_of(url),
                                   .body = pawl_str_of(body),
                                   .connect_timeout_ns = 5000 * MS,
                                   .first_byte_timeout_ns = 5000 * MS,
                                   .total_timeout_ns = 10000 * MS,
                                   .body_bytes_max = 100,
                                   .on_head = on_head,
                                   .on_data = on_data,
                                   .on_done = on_done,
                                   .ctx = g};
}

static void start(struct got *g, const struct pawl_http_call *call)
{
    struct pawl_error err = {0};
    if (!CHECK_INT(pawl_http_start(client, call, &g->r, &err), PAWL_OK)) puts(err.what);
    CHECK(!g->done);
}

static void finish(struct got *g)
{
    while (!g->done) uv_run(&loop, UV_RUN_ONCE);
}

static struct got get(const char *method, const char *path, const char *body, bool changes)
{
    struct got g = {0};
    struct pawl_http_call call = call_of(&g, method, path, body);
    call.changes = changes;
    start(&g, &call);
    finish(&g);
    return g;
}

static void begin(void)
{
    const struct pawl_http_settings settings = {.user_agent = "test/1"};
    CHECK_INT(pawl_http_client_new(&memory.alloc, &loop, &settings, &client, NULL), PAWL_OK);
    connections = requests_seen = 0;
}

static void end(void)
{
    pawl_http_client_free(client);
    client = NULL;
    /* The server's sides see the end of their connections: then nothing is left but the listener. */
    while (connections_open > 0 || memory.out_bytes > 0) uv_run(&loop, UV_RUN_ONCE);
    CHECK_INT(memory.out_bytes, 0);
}

/* What each path's fate is called, for a call that may change something and for one that may not. */
static void test_ends(void)
{
    static const struct {
        const char *path;
        enum pawl_http_end end;
        int status;
        const char *body;
    } rows[] = {
        {"/ok", PAWL_HTTP_ANSWERED, 200, "{\"a\": 1}"},
        {"/empty", PAWL_HTTP_ANSWERED, 204, ""},
        {"/moved", PAWL_HTTP_ANSWERED, 302, ""},
        {"/error", PAWL_HTTP_ANSWERED, 503, "no"},
        {"/interim", PAWL_HTTP_ANSWERED, 200, "abcde"},
        {"/until-close", PAWL_HTTP_ANSWERED, 200, "all of it"},
        {"/cut", PAWL_HTTP_LOST, 200, "only this"},
        {"/cut-chunk", PAWL_HTTP_LOST, 200, "abcdefg"},
        {"/cut-head", PAWL_HTTP_LOST, 0, ""},
        {"/garbage", PAWL_HTTP_LOST, 0, ""},
        {"/bad-chunk", PAWL_HTTP_LOST, 200, ""},
        {"/vanish", PAWL_HTTP_LOST, 0, ""},
        {"/reset", PAWL_HTTP_LOST, 0, ""},
        {"/some-headers", PAWL_HTTP_ANSWERED, 200, ""},
        {"/many-headers", PAWL_HTTP_TOO_LARGE, 0, ""},
        {"/long-header", PAWL_HTTP_TOO_LARGE, 0, ""},
        {"/nowhere", PAWL_HTTP_ANSWERED, 404, ""},
    };
    for (int changes = 0; changes < 2; changes++) {
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            begin();
            const struct got g = get("POST", rows[i].path, "{}", changes);
            const bool ok = CHECK_INT(g.end, rows[i].end) && CHECK_INT(g.status, rows[i].status) &&
                            CHECK_TEXT(g.body, rows[i].body) && CHECK_INT(requests_seen, 1);
            if (!ok) printf("  at %s: %s\n", rows[i].path, g.detail);
            end();
        }
    }
}

static void test_reply(void)
{
    begin();
    struct got g = get("GET", "/ok", NULL, false);
    CHECK_TEXT(g.type, "application/json");
    CHECK_TEXT(g.date, "Sat, 21 Nov 2026 10:00:00 GMT");
    CHECK_TEXT(g.should, "true");
    CHECK_TEXT(g.location, "/there");
    CHECK_TEXT(g.after, "");
    CHECK_INT(g.headers, 5);
    CHECK(g.at_head && g.head_status == 200 && g.pieces == 1 && !g.reused);
    CHECK(g.first_byte_ns > 0 && g.first_byte_ns <= g.took_ns);
    g = get("GET", "/error", NULL, false);
    CHECK_TEXT(g.after, "120");
    CHECK_TEXT(g.after_ms, "700");
    CHECK(g.reused);
    g = get("GET", "/date", NULL, false);
    CHECK_TEXT(g.after, "Sat, 21 Nov 2093 10:00:00 GMT");
    g = get("GET", "/interim", NULL, false);
    CHECK_TEXT(g.x_a, "1");
    CHECK_INT(g.headers, 3); /* neither the interim answer's nor the trailer's */
    CHECK_INT(connections, 1);
    end();
}

static void test_request(void)
{
    begin();
    struct got g = {0};
    const struct pawl_http_header headers[] = {{PAWL_STR("Idempotency-Key"), PAWL_STR("k 1")},
                                               {PAWL_STR("X-Empty"), PAWL_STR("")},
                                               {PAWL_STR("X-Blank"), PAWL_STR("  ")},
                                               {PAWL_STR("Content-Type"), PAWL_STR("application/json")}};
    struct pawl_http_call call = call_of(&g, "POST", "/a/../ok?q=1&r=%20", "{\"amount\":42}");
    call.headers = headers;
    call.headers_count = 4;
    start(&g, &call);
    finish(&g);
    CHECK(strncmp(seen_head, "POST /a/../ok?q=1&r=%20 HTTP/1.1\r\n", 34) == 0);
    CHECK(strstr(seen_head, "\r\nIdempotency-Key: k 1\r\n") != NULL);
    CHECK(strstr(seen_head, "\r\nX-Empty:\r\n") != NULL);
    CHECK(strstr(seen_head, "\r\nX-Blank:\r\n") != NULL);
    CHECK(strstr(seen_head, "\r\nContent-Type: application/json\r\n") != NULL);
    CHECK(strstr(seen_head, "\r\nUser-Agent: test/1\r\n") != NULL);
    CHECK(strstr(seen_head, "\r\nContent-Length: 13\r\n") != NULL);
    CHECK(strcasestr(seen_head, "Accept-Encoding") == NULL);
    CHECK_TEXT(seen_body, "{\"amount\":42}");

    static char big[1500000]; /* past where curl would ask for 100-continue, and past one write */
    memset(big, 'b', sizeof big - 1);
    g = get("PUT", "/ok", big, true);
    CHECK(g.end == PAWL_HTTP_ANSWERED && strcmp(seen_body, big) == 0);
    CHECK(strcasestr(seen_head, "Expect") == NULL && strcasestr(seen_head, "Content-Type") == NULL);
    CHECK(strncmp(seen_head, "PUT /ok", 7) == 0);
    g = get("DELETE", "/empty", NULL, true);
    CHECK(strncmp(seen_head, "DELETE /empty", 13) == 0 && !strcasestr(seen_head, "Content-Length"));
    g = get("POST", "/ok", NULL, true);
    CHECK(strstr(seen_head, "\r\nContent-Length: 0\r\n") != NULL);
    g = get("PATCH", "/ok", "", true);
    CHECK(strncmp(seen_head, "PATCH /ok", 9) == 0 && strstr(seen_head, "\r\nContent-Length: 0\r\n") != NULL);
    g = get("HEAD", "/moved", NULL, false);
    CHECK(g.end == PAWL_HTTP_ANSWERED && strncmp(seen_head, "HEAD /moved", 11) == 0);
    end();
}

static void test_refused(void)
{
    begin();
    struct got g = {0};
    struct pawl_error err = {0};
    const struct pawl_http_header good = {PAWL_STR("A"), PAWL_STR("b")};
    static const struct {
        const char *method, *url, *name, *value, *where;
    } rows[] = {
        {"GET /", NULL, "A", "b", "method"},
        {"", NULL, "A", "b", "method"},
        {"GET", "ftp://127.0.0.1/", "A", "b", "url"},
        {"GET", "file:///etc/passwd", "A", "b", "url"},
        {"GET", "http://127.0.0.1/a b", "A", "b", "url"},
        {"GET", "http://127.0.0.1/\r\nHost: x", "A", "b", "url"},
        {"GET", "http://", "A", "b", "url"},
        {"GET", NULL, "A:", "b", "headers"},
        {"GET", NULL, "", "b", "headers"},
        {"GET", NULL, "A", "secret\r\nC: d", "headers"},
        {"GET", NULL, "A", "secret\x01", "headers"},
        {"GET", NULL, "content-length", "3", "headers"},
        {"GET", NULL, "Transfer-Encoding", "chunked", "headers"},
        {"GET", NULL, "Expect", "100-continue", "headers"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pawl_http_call call = call_of(&g, rows[i].method, "/ok", NULL);
        if (rows[i].url) call.url = pawl_str_of(rows[i].url);
        const struct pawl_http_header headers[] = {good, {pawl_str_of(rows[i].name), pawl_str_of(rows[i].value)}};
        call.headers = headers;
        call.headers_count = 2;
        CHECK_INT(pawl_http_start(client, &call, &g.r, &err), PAWL_EINVAL);
        CHECK_TEXT(err.where, rows[i].where);
        CHECK(!g.r && !strstr(err.what, "secret"));
    }
    end();
    CHECK_INT(connections, 0);
}

static void test_too_large(void)
{
    begin();
    struct got g = {0};
    struct pawl_http_call call = call_of(&g, "GET", "/large", NULL);
    call.body_bytes_max = 10;
    start(&g, &call);
    finish(&g);
    CHECK_INT(g.end, PAWL_HTTP_TOO_LARGE);
    CHECK_INT(g.status, 200);
    CHECK_TEXT(g.body, "0123456789");
    g = (struct got){0};
    call.body_bytes_max = 11;
    start(&g, &call);
    finish(&g);
    CHECK_INT(g.end, PAWL_HTTP_ANSWERED);
    CHECK_TEXT(g.body, "0123456789A");
    end();
}

static int a_closed_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    bind(fd, (struct sockaddr *)&a, sizeof a);
    getsockname(fd, (struct sockaddr *)&a, &size);
    close(fd);
    return ntohs(a.sin_port);
}

static void test_not_sent(void)
{
    char elsewhere[100];
    begin();
    snprintf(elsewhere, sizeof elsewhere, "http://127.0.0.1:%d/", a_closed_port());
    const char *const urls[] = {elsewhere, "http://no.such.name.test/", "http://127.0.0.1:99999/", "http://[::zz]/"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct got g = {0};
        struct pawl_http_call call = call_of(&g, "POST", "/", "{}");
        call.url = pawl_str_of(urls[i]);
        call.changes = true;
        start(&g, &call);
        finish(&g);
        if (!CHECK_INT(g.end, PAWL_HTTP_NOT_SENT)) puts(urls[i]);
        CHECK_INT(g.status, 0);
    }
    /* TLS with one who speaks none: it answers 404 to what it took for a request, or waits for the end of one. */
    struct got g = {0};
    struct pawl_http_call call = call_of(&g, "POST", "/ok", "{}");
    snprintf(url, sizeof url, "https://127.0.0.1:%d/ok", port);
    call.url = pawl_str_of(url);
    call.connect_timeout_ns = 30 * MS;
    start(&g, &call);
    finish(&g);
    CHECK_INT(g.end, PAWL_HTTP_NOT_SENT);
    CHECK(*g.detail && g.took_ns >= 30 * MS);
    CHECK_INT(requests_seen, 0);
    end();
}

static void test_times(void)
{
    begin();
    struct got g = {0};
    struct pawl_http_call call = call_of(&g, "POST", "/never", "{}");
    call.first_byte_timeout_ns = 30 * MS;
    start(&g, &call);
    finish(&g);
    CHECK_INT(g.end, PAWL_HTTP_NO_ANSWER);
    CHECK_TEXT(g.detail, "no answer within its time");
    CHECK_INT(requests_seen, 1);
    CHECK(g.took_ns >= 30 * MS && g.first_byte_ns == 0);

    g = (struct got){0};
    call = call_of(&g, "POST", "/head-only", "{}");
    call.idle_timeout_ns = 30 * MS;
    start(&g, &call);
    finish(&g);
    CHECK_INT(g.end, PAWL_HTTP_NO_ANSWER);
    CHECK_INT(g.status, 200);
    CHECK_TEXT(g.body, "ab");
    CHECK_TEXT(g.detail, "the answer did not end within its time");

    g = (struct got){0};
    call = call_of(&g, "POST", "/head-only", "{}");
    call.total_timeout_ns = 40 * MS;
    start(&g, &call);
    finish(&g);
    CHECK_INT(g.end, PAWL_HTTP_NO_ANSWER);
    CHECK(g.took_ns >= 40 * MS);
    end();
}

/* Pieces that keep coming put off the idle time, and never the total. */
static uv_idle_t chatter;
static void chat(uv_idle_t *idle)
{
    (void)idle;
    if (held && uv_stream_get_write_queue_size((uv_stream_t *)&held->tcp) == 0) say(held, "1\r\nx\r\n");
}

static void test_chatter(void)
{
    begin();
    struct got g = {0};
    struct pawl_http_call call = call_of(&g, "GET", "/hold", NULL);
    call.total_timeout_ns = 60 * MS;
    call.idle_timeout_ns = 20 * MS;
    call.body_bytes_max = 100000000;
    start(&g, &call);
    while (!held) uv_run(&loop, UV_RUN_ONCE);
    say(held, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    uv_idle_init(&loop, &chatter);
    uv_idle_start(&chatter, chat);
    finish(&g);
    uv_close((uv_handle_t *)&chatter, NULL);
    CHECK_INT(g.end, PAWL_HTTP_NO_ANSWER);
    CHECK(g.took_ns >= 60 * MS && g.took_ns < 2000 * MS && g.pieces > 1);
    end();
}

/* A loop that was held up past the deadline finds the answer in the socket: it is taken, not called late. */
static void test_held_up(void)
{
    begin();
    struct got g = {0};
    struct pawl_http_call call = call_of(&g, "POST", "/hold", "{}");
    call.first_byte_timeout_ns = 20 * MS;
    start(&g, &call);
    while (!held) uv_run(&loop, UV_RUN_ONCE);
    say(held, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    const uint64_t until = uv_hrtime() + 40 * (uint64_t)MS;
    while (uv_hrtime() < until) continue;
    finish(&g);
    CHECK_INT(g.end, PAWL_HTTP_ANSWERED);
    CHECK_TEXT(g.body, "hi");
    end();
}

/* A name server that does not answer holds up its own request only, and not for longer than the connect timeout. */
static void test_resolver(void)
{
    sem_init(&resolver_may_go, 0, 0);
    sem_init(&resolver_has_gone, 0, 0);
    begin();
    struct got g = {0}, other = {0};
    struct pawl_http_call call = call_of(&g, "POST", "/", "{}");
    call.url = pawl_str_of("http://hangs.test/");
    call.connect_timeout_ns = 30 * MS;
    start(&g, &call);
    finish(&g);
    CHECK_INT(g.end, PAWL_HTTP_NOT_SENT);
    CHECK(g.took_ns >= 30 * MS && g.took_ns < 3000 * MS);
    call.ctx = &other;
    start(&other, &call);
    uv_run(&loop, UV_RUN_NOWAIT);
    CHECK(!pawl_http_cancel(other.r));
    end(); /* would wait for ever if closing waited for the resolver's threads */
    CHECK(!other.done);
    sem_post(&resolver_may_go);
    sem_post(&resolver_may_go);
    while (sem_wait(&resolver_has_gone)) continue;
    while (sem_wait(&resolver_has_gone)) continue;
}

/* The reused connection that ends after the request was read. First what libcurl does by itself, so that this story
 * can fail: it sends again. Then a call that changes something: on a connection of its own; and, were it to go over a
 * used one all the same, stopped before the second sending. */
static void test_sent_once(void)
{
    begin();
    get("GET", "/ok", NULL, false);
    struct got g = get("POST", "/vanish", "{}", false);
    CHECK_INT(requests_seen, 3); /* one of /ok, and two of /vanish: the hazard is real */
    CHECK_INT(g.end, PAWL_HTTP_LOST);
    end();

    begin();
    get("GET", "/ok", NULL, false);
    CHECK_INT(connections, 1);
    g = get("POST", "/vanish", "{}", true);
    CHECK_INT(g.end, PAWL_HTTP_LOST);
    CHECK_INT(requests_seen, 2);
    CHECK_INT(connections, 2);
    CHECK(!g.reused);
    end();

    begin();
    get("GET", "/ok", NULL, false);
    g = (struct got){0};
    struct pawl_http_call call = call_of(&g, "POST", "/vanish", "{}");
    call.changes = true;
    start(&g, &call);
    pawl_curl.easy_setopt(g.r->easy, CURLOPT_FRESH_CONNECT, 0L);
    finish(&g);
    CHECK_INT(g.end, PAWL_HTTP_LOST);
    CHECK_INT(requests_seen, 2);
    CHECK_TEXT(g.detail, "the connection ended before an answer came, and this request is not sent twice");
    end();

    begin(); /* what is paid for each time takes any connection, and a further attempt is its caller's to make */
    get("GET", "/ok", NULL, false);
    g = (struct got){0};
    call = call_of(&g, "POST", "/vanish", "{}");
    call.once = true;
    start(&g, &call);
    finish(&g);
    CHECK_INT(g.end, PAWL_HTTP_LOST);
    CHECK_INT(requests_seen, 2);
    end();

    begin(); /* while all is well, too: an idle connection may end just when it is used */
    get("GET", "/ok", NULL, false);
    g = get("POST", "/ok", "{}", true);
    CHECK(!g.reused);
    CHECK_INT(connections, 2);
    end();

    begin();
    get("POST", "/ok", "{}", true);
    g = get("GET", "/ok", NULL, false);
    CHECK(g.reused); /* its connection serves those that change nothing */
    CHECK_INT(connections, 1);
    end();
}

static void test_cancel(void)
{
    struct got g = {0}, h = {0};
    begin();
    struct pawl_http_call call = call_of(&g, "GET", "/ok", NULL);
    start(&g, &call);
    CHECK(!pawl_http_cancel(g.r)); /* before the loop ran */
    start(&g, &call);
    while (requests_seen == 0) uv_run(&loop, UV_RUN_ONCE);
    CHECK(pawl_http_cancel(g.r));
    CHECK(!g.done);
    end();

    begin();
    call = call_of(&g, "GET", "/interim", NULL);
    g = (struct got){.cancel_at_head = true};
    start(&g, &call);
    while (!g.at_head) uv_run(&loop, UV_RUN_ONCE);
    h = (struct got){.cancel_at_data = true};
    call.ctx = &h;
    start(&h, &call);
    while (h.pieces == 0) uv_run(&loop, UV_RUN_ONCE);
    end();
    CHECK(!g.done && g.pieces == 0);
    CHECK(!h.done && h.pieces == 1);

    begin(); /* started from within a callback of curl, and closing with calls under way */
    g = (struct got){.start_at_data = true, .other = &h};
    h = (struct got){0};
    call = call_of(&g, "GET", "/interim", NULL);
    start(&g, &call);
    finish(&g);
    finish(&h);
    CHECK_TEXT(h.body, "{\"a\": 1}");
    struct got i = {0}, j = {0};
    call = call_of(&i, "GET", "/never", NULL);
    start(&i, &call);
    call = call_of(&j, "GET", "/ok", NULL);
    j.free_at_done = true;
    start(&j, &call);
    finish(&j);
    CHECK(client == NULL);
    end();
    CHECK(!i.done);
}

static void test_pause(void)
{
    begin();
    struct got g = {.pause_at_data = true};
    struct pawl_http_call call = call_of(&g, "GET", "/hold", NULL);
    call.idle_timeout_ns = 20 * MS;
    start(&g, &call);
    while (!held) uv_run(&loop, UV_RUN_ONCE);
    say(held, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
    while (g.pieces == 0) uv_run(&loop, UV_RUN_ONCE);
    struct connection *c = held;
    say(c, "cd");
    struct got other = {0}; /* longer than the idle time: another call's */
    struct pawl_http_call slow = call_of(&other, "GET", "/never", NULL);
    slow.first_byte_timeout_ns = 50 * MS;
    start(&other, &slow);
    finish(&other);
    CHECK(!g.done && g.pieces == 1);
    g.pause_at_data = false;
    pawl_http_resume(g.r);
    finish(&g);
    CHECK_INT(g.end, PAWL_HTTP_ANSWERED);
    CHECK_TEXT(g.body, "abcd");
    CHECK_INT(g.pieces, 2);
    end();
}

static void test_many(void)
{
    enum { MANY = 100 };
    static struct got all[MANY];
    begin();
    for (int i = 0; i < MANY; i++) {
        all[i] = (struct got){0};
        struct pawl_http_call call = call_of(all + i, "POST", i % 3 ? "/ok" : "/cut", "{}");
        call.changes = i % 2;
        start(all + i, &call);
    }
    for (int i = 0; i < MANY; i++) {
        finish(all + i);
        CHECK_INT(all[i].end, i % 3 ? PAWL_HTTP_ANSWERED : PAWL_HTTP_LOST);
    }
    CHECK_INT(requests_seen, MANY);
    end();
}

static void test_no_memory(void)
{
    struct test_alloc t;
    EVERY_FAILED_ALLOCATION(t) {
        struct pawl_http_client *c = NULL;
        struct got g = {0};
        if (pawl_http_client_new(&t.alloc, &loop, NULL, &c, NULL) == PAWL_OK) {
            const struct pawl_http_call call = call_of(&g, "POST", "/ok", "{}");
            const int code = pawl_http_start(c, &call, &g.r, NULL);
            CHECK(code == PAWL_OK || code == PAWL_ENOMEM);
            struct pawl_http_call quick = call;
            quick.total_timeout_ns = 100 * MS;
            if (code == PAWL_OK) pawl_http_cancel(g.r);
            if (code == PAWL_OK && pawl_http_start(c, &quick, &g.r, NULL) == PAWL_OK) finish(&g);
            pawl_http_client_free(c);
        }
        while (t.out_bytes > 0 || connections_open > 0) uv_run(&loop, UV_RUN_ONCE);
    }
}

static void count_open(uv_handle_t *h, void *ctx)
{
    (void)h;
    ++*(int *)ctx;
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const char *const proxies[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++) unsetenv(proxies[i]);
    test_alloc_init(&memory, 0);
    uv_loop_init(&loop);
    serve();
    test_ends();
    test_reply();
    test_request();
    test_refused();
    test_too_large();
    test_not_sent();
    test_times();
    test_chatter();
    test_held_up();
    test_resolver();
    test_sent_once();
    test_cancel();
    test_pause();
    test_many();
    test_no_memory();
    uv_close((uv_handle_t *)&listener, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    int open = 0;
    uv_walk(&loop, count_open, &open);
    CHECK_INT(open, 0);
    CHECK_INT(uv_loop_close(&loop), 0);
    return TEST_END();
}
