/* src/io/http_server_life_test.c - connections over time: slow peers, peers that go, answers in pieces, no memory, many. */
#include "io/http_server_kit.h"

#define HOST "Host: a\r\n"
#define LATER "GET /later HTTP/1.1\r\n" HOST "\r\n"

static struct pawl_http_peer *later(struct client *c, const char *text)
{
    const int before = held_count;
    say_text(c, text);
    UNTIL(held_count > before);
    return held[before];
}

/* A peer that sends a byte now and then is ended when its time is over, whatever it sends; how long that takes. */
static int64_t drip(const char *head, const char *more, int status)
{
    struct client *c = dial();
    const int64_t began = now_ms();
    int64_t next = began;
    say_text(c, head);
    for (size_t i = 0; !c->ended && !strstr(c->in, "\r\n\r\n") && now_ms() < began + 5000;) {
        if (now_ms() >= next) {
            say(c, more + i, 1);
            i = more[i + 1] ? i + 1 : 0;
            next += 5;
        }
        turn(true, 5);
    }
    const int64_t took = now_ms() - began;
    if (status) CHECK_INT(hear(c).status, status);
    UNTIL(c->ended);
    CHECK_INT(c->n, 0);
    hang_up(c);
    return took;
}

static void test_times(void)
{
    kit_begin(150, 300, 0);
    const int64_t head = drip("GET /", "a", 408);
    const int64_t field = drip("GET / HTTP/1.1\r\n" HOST, "A: b\r\n", 408);
    const int64_t body = drip("PUT / HTTP/1.1\r\n" HOST "Content-Length: 99999\r\n\r\n", "b", 408);
    const int64_t chunk = drip("PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", "1\r\nb\r\n", 408);
    const int64_t nothing = drip("", "\r\n", 0);
    CHECK(head >= 150 && field >= 150 && body >= 150 && chunk >= 150 && nothing >= 150);
    CHECK(head < 2000 && field < 2000 && body < 2000 && chunk < 2000 && nothing < 2000);
    CHECK_INT(requests, 0);
    CHECK_INT(gone, 0);

    /* Between requests the idle time counts, and what waits for its answer has no time of ours. */
    struct client *c = dial();
    say_text(c, "GET / HTTP/1.1\r\n" HOST "\r\n");
    CHECK_INT(hear(c).status, 200);
    const int64_t began = now_ms();
    UNTIL(c->ended);
    CHECK(now_ms() - began >= 250 && !c->reset && c->n == 0);
    hang_up(c);
    c = dial();
    struct pawl_http_peer *p = later(c, LATER);
    for (const int64_t from = now_ms(); now_ms() < from + 500;) turn(true, 500);
    CHECK(!c->ended && gone == 0);
    pawl_http_answer(p, 200, "a/b", "", PAWL_STR("late"));
    CHECK(body_is(hear(c), "late"));
    hang_up(c);
    kit_end();
}

/* 8 MiB for a peer that reads nothing: given up. For one that reads slowly: not, however long it takes. */
static void test_slow_reader(void)
{
    kit_begin(0, 400, 0);
    struct client *c = dial();
    int64_t began;
    say_text(c, "GET /big HTTP/1.1\r\n" HOST "\r\n");
    UNTIL_(memory.out_bytes > (8 << 20), false);
    UNTIL_(memory.out_bytes < (1 << 20), false);
    CHECK_INT(gone, 0); /* the answer had been complete */
    UNTIL(c->ended);
    hang_up(c);

    c = dial_with(65536);
    say_text(c, "GET /big HTTP/1.1\r\n" HOST "\r\n");
    began = now_ms();
    for (int i = 0; i < 60 && !c->ended; i++) {
        static char piece[65536];
        if (recv(c->fd, piece, sizeof piece, MSG_DONTWAIT) == 0) c->ended = true;
        for (const int64_t next = now_ms() + 20; now_ms() < next;) turn(false, 10);
    }
    CHECK(now_ms() - began > 1000 && !c->ended && memory.out_bytes > (1 << 20));
    hang_up(c);
    kit_end();
}

static void test_gone(void)
{
    kit_begin(0, 0, 0);
    struct client *c = dial();
    later(c, LATER);
    hang_up(c);
    UNTIL(gone == 1);
    CHECK(held[0] == NULL);
    c = dial();
    later(c, LATER);
    shutdown(c->fd, SHUT_WR); /* taken as gone too */
    UNTIL(gone == 2 && c->ended);
    hang_up(c);
    /* While a stream is under way, and with much of it not taken. */
    c = dial();
    struct pawl_http_peer *p = later(c, LATER);
    static char piece[200000];
    memset(piece, 's', sizeof piece);
    pawl_http_stream(p, 200, "a/b", "");
    while (pawl_http_piece(p, (struct pawl_str){piece, sizeof piece}) == PAWL_OK) turn(false, 0);
    hang_up(c);
    UNTIL(gone == 3);
    /* Answered between its going and our hearing of it: complete, so on_gone does not come. */
    c = dial();
    p = later(c, LATER);
    hang_up(c);
    pawl_http_answer(p, 200, "a/b", "", PAWL_STR("too late"));
    for (int i = 0; i < 20; i++) turn(true, 1);
    CHECK_INT(gone, 3);
    kit_end();
}

/* A peer that says all that it has to say and shuts its side still gets what is answered at once, large or not. */
static void test_half_closed(void)
{
    kit_begin(0, 0, 0);
    struct client *c = dial();
    say_text(c, "GET /1 HTTP/1.1\r\n" HOST "\r\nGET /big HTTP/1.1\r\n" HOST "\r\nGET /3 HTTP/1.1\r\n" HOST "\r\n");
    shutdown(c->fd, SHUT_WR);
    CHECK(body_is(hear(c), "GET /1 [] "));
    CHECK_INT(hear(c).body_bytes, 8 << 20);
    CHECK(body_is(hear(c), "GET /3 [] "));
    UNTIL(c->ended);
    CHECK(!c->reset && gone == 0);
    hang_up(c);
    kit_end();
}

static void test_stream(void)
{
    static const struct {
        const char *text, *raw;
        bool keep;
    } rows[] = {
        {LATER, "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", true},
        {"GET /later HTTP/1.0\r\n\r\n", "abcde", false},
        {"GET /later HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "abcde", false},
        {"HEAD /later HTTP/1.1\r\n" HOST "\r\n", "", true},
    };
    kit_begin(0, 0, 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct client *c = dial();
        struct pawl_http_peer *p = later(c, rows[i].text);
        pawl_http_stream(p, 200, "text/event-stream", "Cache-Control: no-store\r\n");
        UNTIL(strstr(c->in, "\r\n\r\n"));
        CHECK(strstr(c->in, "Cache-Control: no-store\r\n") && !strstr(c->in, "Content-Length"));
        CHECK_INT(strstr(c->in, "Connection: keep-alive\r\n") != NULL, rows[i].keep);
        CHECK_INT(pawl_http_piece(p, PAWL_STR("abc")), PAWL_OK);
        if (*rows[i].raw) UNTIL(strstr(c->in, "abc")); /* it is out before the next comes */
        CHECK_INT(pawl_http_piece(p, PAWL_STR("")), PAWL_OK);
        CHECK_INT(pawl_http_piece(p, PAWL_STR("de")), PAWL_OK);
        pawl_http_stream_end(p);
        if (rows[i].keep) {
            say_text(c, "GET /next HTTP/1.1\r\n" HOST "\r\n");
            UNTIL(strstr(c->in, "GET /next"));
            *strstr(strstr(c->in, "\r\n\r\n") + 4, "HTTP/1.1 200") = 0;
        } else {
            UNTIL(c->ended);
        }
        if (!CHECK_TEXT(strstr(c->in, "\r\n\r\n") + 4, rows[i].raw)) printf("  at %s\n", rows[i].text);
        hang_up(c);
    }
    CHECK_INT(gone, 0);
    kit_end();
}

static const size_t total = 24 << 20;
static size_t streamed;

/* Gives pieces until the server takes no more, or all is given. */
static void feed(void *ctx, struct pawl_http_peer *p)
{
    static char piece[10007];
    (void)ctx;
    drained++;
    while (streamed < total) {
        const size_t n = total - streamed < sizeof piece ? total - streamed : sizeof piece;
        for (size_t i = 0; i < n; i++) piece[i] = (char)('a' + (streamed + i) % 23);
        if (pawl_http_piece(p, (struct pawl_str){piece, (uint32_t)n}) != PAWL_OK) return;
        streamed += n;
    }
    pawl_http_stream_end(p);
}

/* A stream that its peer does not read waits, in bounded memory, and comes whole when it does. */
static void test_back_pressure(void)
{
    kit_begin(0, 0, 0);
    pawl_http_server_close(server);
    while (uv_run(&loop, UV_RUN_DEFAULT)) continue;
    hooks.on_drained = feed;
    port = 0;
    CHECK_INT(pawl_http_server_open(&memory.alloc, &loop, "127.0.0.1", &port, &hooks, &server, NULL), PAWL_OK);
    struct client *c = dial_with(65536);
    struct pawl_http_peer *p = later(c, LATER);
    pawl_http_stream(p, 200, "a/b", "");
    streamed = 0;
    feed(NULL, p);
    for (int i = 0; i < 50; i++) turn(false, 1);
    CHECK(streamed < total / 2 && memory.out_bytes < 3 * PAWL_HTTP_QUEUE_BYTES);
    const struct answer a = hear(c);
    CHECK_INT(a.body_bytes, total);
    size_t wrong = 0;
    for (size_t i = 0; i < a.body_bytes; i++) wrong += a.body[i] != (char)('a' + i % 23);
    CHECK_INT(wrong, 0);
    CHECK(drained > 3);
    /* One piece that is larger than the queue is taken when nothing waits. */
    static char large[2 * PAWL_HTTP_QUEUE_BYTES];
    p = later(c, LATER);
    pawl_http_stream(p, 200, "a/b", "");
    UNTIL(strstr(c->in, "\r\n\r\n"));
    memset(large, 'l', sizeof large);
    CHECK_INT(pawl_http_piece(p, (struct pawl_str){large, sizeof large}), PAWL_OK);
    CHECK_INT(pawl_http_piece(p, PAWL_STR("more")), PAWL_EFULL);
    streamed = total; /* drained: ends the stream */
    CHECK_INT(hear(c).body_bytes, sizeof large);
    hang_up(c);
    kit_end();
}

static void test_misbehaviour(void)
{
    kit_begin(0, 0, 0);
    struct client *c = dial();
    say_text(c, "GET /drop HTTP/1.1\r\n" HOST "\r\n");
    UNTIL(c->ended);
    CHECK(!c->reset && c->n == 0);
    hang_up(c);
    c = dial();
    say_text(c, "GET /reset HTTP/1.1\r\n" HOST "\r\n");
    UNTIL(c->ended);
    CHECK(c->reset && c->n == 0);
    hang_up(c);
    c = dial();
    struct pawl_http_peer *p = later(c, LATER "GET /behind HTTP/1.1\r\n" HOST "\r\n");
    pawl_http_raw(p, PAWL_STR("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"), false);
    pawl_http_raw(p, PAWL_STR("cut"), true);
    UNTIL(c->ended);
    CHECK(!c->reset);
    CHECK_TEXT(c->in, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut");
    CHECK(requests == 3 && gone == 0);
    hang_up(c);
    kit_end();
}

/* The server closes: whoever waits for an answer is told of once, what is half written ends. */
static void test_close(void)
{
    kit_begin(0, 0, 0);
    struct client *waits = dial(), *streams = dial(), *idle = dial(), *half = dial(), *big = dial();
    later(waits, LATER);
    struct pawl_http_peer *p = later(streams, LATER);
    pawl_http_stream(p, 200, "a/b", "");
    pawl_http_piece(p, PAWL_STR("abc"));
    say_text(half, "GET / HTTP/1.1\r\n");
    say_text(big, "GET /big HTTP/1.1\r\n" HOST "\r\n");
    UNTIL_(memory.out_bytes > (8 << 20), false);
    pawl_http_server_close(server);
    CHECK_INT(gone, 0);
    CHECK_INT(pawl_http_piece(p, PAWL_STR("between")), PAWL_OK); /* still valid, and nobody's loss */
    pawl_http_stream_end(p);
    kit_end();
    CHECK_INT(gone, 1);
    struct client *all[] = {waits, streams, idle, half, big};
    for (int i = 0; i < 5; i++) {
        pull(all[i]);
        CHECK(all[i]->ended);
        hang_up(all[i]);
    }
}

/* A story with each allocation failing once: right answers, or a refusal, or the end of the connection; never a wrong
 * byte, never a wait without end. */
static void test_no_memory(void)
{
    EVERY_FAILED_ALLOCATION(memory) {
        kit_begin(0, 0, 0);
        if (server) {
            struct client *c = dial(), *other = dial();
            int asked;
            say_text(c,
                     "POST /a HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhelloGET /later HTTP/1.1\r\n" HOST "\r\n");
            const struct answer a = hear(c);
            CHECK(a.status == 0 || a.status == 503 || (a.status == 200 && body_is(a, "POST /a [] hello")));
            UNTIL(held_count == 1 || c->ended);
            asked = held_count;
            if (asked && held[0]) {
                pawl_http_stream(held[0], 200, "a/b", "");
                pawl_http_piece(held[0], PAWL_STR("abc"));
                for (int i = 0; i < 2; i++) turn(true, 0);
            }
            if (asked && held[0]) pawl_http_stream_end(held[0]);
            const struct answer b = hear(c);
            CHECK(b.status == 0 || b.status == 503 || (b.status == 200 && body_is(b, "abc")));
            say_text(other, "GET /b HTTP/1.1\r\n" HOST "\r\n");
            const struct answer o = hear(other);
            CHECK(o.status == 0 || o.status == 503 || (o.status == 200 && body_is(o, "GET /b [] ")));
            CHECK(memory.failed || (a.status == 200 && b.status == 200 && o.status == 200));
            hang_up(c);
            hang_up(other);
            /* It has memory again, and serves. */
            c = dial();
            say_text(c, "GET /c HTTP/1.1\r\n" HOST "\r\n");
            const struct answer last = hear(c);
            CHECK(last.status == 0 || last.status == 503 || body_is(last, "GET /c [] "));
            hang_up(c);
        }
        kit_end();
    }
}

/* No memory for any connection, for a while: they are closed, and the listener lives on. */
static void *no_memory(void *ctx, void *p, size_t old_bytes, size_t new_bytes)
{
    return new_bytes ? NULL : test_alloc_resize(ctx, p, old_bytes, 0);
}

static void test_turned_away(void)
{
    struct client *c[20];
    test_alloc_init(&memory, 0);
    kit_begin(0, 0, 0);
    memory.alloc.resize = no_memory;
    for (int i = 0; i < 20; i++) c[i] = dial();
    for (int i = 0; i < 20; i++) {
        UNTIL(c[i]->ended);
        hang_up(c[i]);
    }
    memory.alloc.resize = test_alloc_resize;
    c[0] = dial();
    say_text(c[0], "GET / HTTP/1.1\r\n" HOST "\r\n");
    CHECK_INT(hear(c[0]).status, 200);
    hang_up(c[0]);
    kit_end();
}

static void test_many(void)
{
    enum { MANY = 300, PLACES = 200 };
    struct client *c[MANY];
    int served = 0, closed = 0;
    kit_begin(0, 0, PLACES);
    for (int i = 0; i < MANY; i++) {
        c[i] = dial();
        if (i % 100 == 99) turn(true, 0); /* the kernel's queue is shorter */
    }
    for (int i = 0; i < MANY; i++) {
        char text[64];
        const int n = sprintf(text, "GET /%d HTTP/1.1\r\n" HOST "\r\n", i);
        say(c[i], text, (size_t)n);
    }
    for (int i = 0; i < MANY; i++) {
        char want[32];
        const struct answer a = hear(c[i]);
        sprintf(want, "GET /%d [] ", i);
        served += a.status == 200 && body_is(a, want);
        closed += a.status == 0;
    }
    CHECK_INT(served, PLACES);
    CHECK_INT(closed, MANY - PLACES);
    for (int i = 0; i < MANY; i++) hang_up(c[i]);
    for (int i = 0; i < 20; i++) turn(true, 1);
    c[0] = dial();
    say_text(c[0], "GET /again HTTP/1.1\r\n" HOST "\r\n");
    CHECK_INT(hear(c[0]).status, 200);
    hang_up(c[0]);
    kit_end();
}

int main(void)
{
    uv_loop_init(&loop);
    test_alloc_init(&memory, 0);
    test_times();
    test_slow_reader();
    test_gone();
    test_half_closed();
    test_stream();
    test_back_pressure();
    test_misbehaviour();
    test_close();
    test_no_memory();
    test_turned_away();
    test_many();
    CHECK_INT(uv_loop_close(&loop), 0);
    return TEST_END();
}
