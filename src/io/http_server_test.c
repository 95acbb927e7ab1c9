/* src/io/http_server_test.c - what the server takes for a request and what it refuses, byte by byte. */
#include "io/http_server_kit.h"

#define HOST "Host: a\r\n"

static void repeat(char *out, const char *what, int times)
{
    *out = 0;
    while (times--) out = stpcpy(out, what);
}

/* Sends a text on a connection of its own and gives the first answer; *c is to be hung up. */
static struct answer ask(struct client **c, const char *text)
{
    *c = dial();
    say_all(*c, text, strlen(text));
    return hear(*c);
}

static void test_requests(void)
{
    static const struct {
        const char *text, *body;
        bool keep;
    } rows[] = {
        {"GET /a?b=%20 HTTP/1.1\r\n" HOST "\r\n", "GET /a?b=%20 [] ", true},
        {"GET / HTTP/1.1\r\nhOST:\r\n\r\n", "GET / [] ", true},
        {"\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", "GET / [] ", true},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", "POST / [] abc", true},
        {"POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", "POST / [] ", true},
        {"POST / HTTP/1.1\r\n" HOST "\r\n", "POST / [] ", true},
        {"DELETE /x HTTP/1.1\r\n" HOST "X-A: \t b c \t \r\n\r\n", "DELETE /x [b c] ", true},
        {"GET / HTTP/1.1\r\n" HOST "X-A:\r\nX-B: 2\r\n\r\n", "GET / [] ", true},
        {"GET / HTTP/1.1\r\n" HOST "X-A: 1\r\nX-A: 2\r\n\r\n", "GET / [1] ", true},
        {"PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX-A: t\r\n\r\n",
         "PUT / [] abcde", true},
        {"GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "GET / [] ", false},
        {"GET / HTTP/1.0\r\n\r\n", "GET / [] ", false},
        {"GET / HTTP/1.0\r\n" HOST "Connection: keep-alive\r\n\r\n", "GET / [] ", true},
        {"GET / HTTP/1.1\r\n" HOST "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n",
         "GET / [] ", true},
        {"POST / HTTP/1.1\r\n" HOST "Connection: upgrade\r\nUpgrade: x\r\nContent-Length: 2\r\n\r\nok", "POST / [] ok",
         true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct client *c;
        const struct answer a = ask(&c, rows[i].text);
        bool ok = CHECK_INT(a.status, 200) && CHECK(body_is(a, rows[i].body)) && CHECK_INT(a.keep, rows[i].keep);
        ok = ok && CHECK(strstr(a.head, "\r\nX-More: yes\r\n") && strstr(a.head, "\r\nContent-Type: text/plain\r\n"));
        ok = ok && CHECK(strstr(a.head, "\r\nDate: ") && strstr(a.head, " GMT\r\n"));
        if (rows[i].keep) { /* the next one is understood as well */
            say_text(c, "GET /next HTTP/1.1\r\n" HOST "\r\n");
            ok = CHECK(body_is(hear(c), "GET /next [] ")) && ok;
        } else {
            UNTIL(c->ended);
            ok = CHECK(!c->reset && c->n == 0) && ok;
        }
        if (!ok) printf("  at %s\n", rows[i].text);
        hang_up(c);
    }
}

static void test_refused(void)
{
    static const struct {
        int status;
        const char *text;
    } rows[] = {
        {400, "GET / HTTP/1.1\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST HOST "\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST "hOsT: b\r\n\r\n"},
        {400, "GET / HTTP/1.0\r\n" HOST HOST "\r\n"},
        {505, "GET / HTTP/2.0\r\n" HOST "\r\n"},
        {400, "GET / HTTP/1.2\r\n" HOST "\r\n"},
        {400, "GET / HTTP/3.7\r\n" HOST "\r\n"},
        {505, "GET /\r\n\r\n"}, /* HTTP/0.9 */
        {400, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
        {400, "CONNECT a:1 HTTP/1.1\r\n" HOST "\r\n"},
        {400, "BREW / HTTP/1.1\r\n" HOST "\r\n"},
        {400, "GET /a b HTTP/1.1\r\n" HOST "\r\n"},
        {400, "GET / HTTP/1.1\n" HOST "\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST "A: b\n\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST "A b: c\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST ": c\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n A: b\r\n" HOST "\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST "A: b\x01\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n" HOST "A: b\rB: c\r\n\r\n"},
        {400, "\x16\x03\x01\x02\x01\x01\xfc\x03\x03"}, /* a TLS hello */
        /* which bytes are the body? (RFC 9112 6) */
        {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\na"},
        {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"},
        {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 1, 1\r\n\r\na"},
        {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\na"},
        {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\na"},
        {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 1 1\r\n\r\na"},
        {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 0x1\r\n\r\na"},
        {400, "POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\na"},
        {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551616\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {501, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"},
        {501, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\nContent-Length: 1\r\n\r\na"},
        {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n\r\n0\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"},
        {400, "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nx\r\n"},
        {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n-1\r\n"},
        {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n 1\r\na\r\n0\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\na0\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\na\r\n"},
        {417, "POST / HTTP/1.1\r\n" HOST "Expect: 200-ok\r\nContent-Length: 1\r\n\r\na"},
        {413, "POST / HTTP/1.1\r\n" HOST "Content-Length: 100001\r\n\r\n"},
        {413, "POST / HTTP/1.1\r\n" HOST "Content-Length: 9999999999\r\n\r\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct client *c;
        const int before = requests;
        const struct answer a = ask(&c, rows[i].text);
        bool ok = CHECK_INT(a.status, rows[i].status) && CHECK(!a.keep);
        say(c, "GET /smuggled HTTP/1.1\r\n" HOST "\r\n", 33);
        UNTIL(c->ended);
        ok = CHECK(c->n == 0 && requests == before) && ok;
        if (!ok) printf("  at %s\n", rows[i].text);
        hang_up(c);
    }
}

static int status_of(const char *text, size_t n)
{
    struct client *c = dial();
    struct answer a;
    say_all(c, text, n);
    a = hear(c);
    hang_up(c);
    return a.status;
}

/* Each limit at its last good value and one further. */
static void test_sizes(void)
{
    static char text[1 << 20], part[1 << 19];
    for (int over = 0; over < 2; over++) {
        repeat(part, "u", 8 * 1024 - 1 + over);
        CHECK_INT(status_of(text, (size_t)sprintf(text, "GET /%s HTTP/1.1\r\n" HOST "\r\n", part)), over ? 414 : 200);
        repeat(part, "A: b\r\n", 99 + over);
        CHECK_INT(status_of(text, (size_t)sprintf(text, "GET / HTTP/1.1\r\n" HOST "%s\r\n", part)), over ? 431 : 200);
        /* of the head all names, values and the target count: "/", "Host", "a", "B" */
        repeat(part, "v", 32 * 1024 - 7 + over);
        CHECK_INT(status_of(text, (size_t)sprintf(text, "GET / HTTP/1.1\r\n" HOST "B: %s\r\n\r\n", part)),
                  over ? 431 : 200);
        repeat(part, "b", KIT_BODY_MAX + over);
        CHECK_INT(status_of(text, (size_t)sprintf(text, "PUT / HTTP/1.1\r\n" HOST "Content-Length: %d\r\n\r\n%s",
                                                  KIT_BODY_MAX + over, part)),
                  over ? 413 : 200);
        CHECK_INT(status_of(text, (size_t)sprintf(text,
                                                  "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                                                  "%x\r\n%s\r\n0\r\n\r\n",
                                                  KIT_BODY_MAX + over, part)),
                  over ? 413 : 200);
    }
    repeat(part, "n", 40000);
    CHECK_INT(status_of(text, (size_t)sprintf(text, "GET / HTTP/1.1\r\n" HOST "%s: v\r\n\r\n", part)), 431);
    CHECK(CHECK_INT(requests, 5) && strlen(seen) > KIT_BODY_MAX);
}

/* What the parser swallows in silence is bounded too, and a peer that never stops is answered all the same. */
static void test_floods(void)
{
    static const struct {
        int status;
        const char *head, *more;
    } rows[] = {
        {431, "", "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"},
        {431, "GET / HTTP/1.1\r\n" HOST "A: ", "                                        "},
        {413, "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1;", "a=bbbbbbbbbbbbbbbbbbbbbbbbbbbb;"},
        {413, "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n", "T: tttttttttttttttttttttttttt\r\n"},
        {413, "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", "1\r\nb\r\n1\r\nb\r\n1\r\nb\r\n"},
        {413, "PUT / HTTP/1.1\r\n" HOST "Content-Length: 4000000000\r\n\r\n", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"},
    };
    static char more[1 << 16];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct client *c = dial();
        size_t sent = 0;
        repeat(more, rows[i].more, (int)(sizeof more / strlen(rows[i].more)) - 1);
        say_all(c, rows[i].head, strlen(rows[i].head));
        while (!strstr(c->in, "\r\n\r\n") && sent < (4 << 20)) say_all(c, more, strlen(more)), sent += strlen(more);
        say(c, more, strlen(more)); /* and goes on while it is told */
        if (!CHECK_INT(hear(c).status, rows[i].status)) printf("  at %s%.20s\n", rows[i].head, rows[i].more);
        CHECK(sent < (2 << 20));
        hang_up(c);
    }
    CHECK_INT(requests, 0);
}

/* Two requests, cut in two at each place, and byte by byte, are the same two requests. */
static void test_split(void)
{
    static const char text[] = "POST /one?x HTTP/1.1\r\nHost: a\r\nX-A:  value \r\nTransfer-Encoding: chunked\r\n\r\n"
                               "4;ext=\"q\"\r\nabcd\r\n3\r\nefg\r\n0\r\nTrailer: t\r\n\r\n"
                               "PUT /two HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\nX-A:\r\n\r\nhello";
    const size_t n = sizeof text - 1;
    for (size_t at = 0; at <= n; at++) {
        struct client *c = dial();
        seen_bytes = 0;
        for (size_t i = 0; i < n;) {
            const size_t more = at == 0 ? 1 : i == 0 && at < n ? at : n - i;
            CHECK_INT(say(c, text + i, more), more);
            for (int t = 0; t < 2; t++) turn(true, 0);
            i += more;
        }
        const bool ok = CHECK(body_is(hear(c), "POST /one?x [value] abcdefg")) &&
                        CHECK(body_is(hear(c), "PUT /two [] hello")) &&
                        CHECK_TEXT(seen, "POST /one?x [value] abcdefg\nPUT /two [] hello\n");
        if (!ok) printf("  cut at %zu\n", at);
        hang_up(c);
    }
}

/* Cut short anywhere it is nothing, whichever way the peer goes. */
static void test_cut(void)
{
    static const char text[] = "POST /one HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    for (size_t at = 0; at < 2 * sizeof text - 2; at++) {
        struct client *c = dial();
        say(c, text, at / 2);
        turn(true, 0);
        if (at & 1) shutdown(c->fd, SHUT_WR);
        else hang_up(c);
        if (at & 1) {
            UNTIL(c->ended);
            CHECK_INT(c->n, 0);
            hang_up(c);
        }
    }
    for (int i = 0; i < 3; i++) turn(true, 0);
    CHECK_INT(requests, 0);
    CHECK_INT(gone, 0);
}

static void test_pipeline(void)
{
    static char text[1 << 14];
    struct client *c = dial();
    size_t n = 0;
    for (int i = 0; i < 50; i++)
        n += (size_t)sprintf(text + n, "POST /%d HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n%02d", i, i);
    say_all(c, text, n);
    for (int i = 0; i < 50; i++) {
        char want[32];
        sprintf(want, "POST /%d [] %02d", i, i);
        CHECK(body_is(hear(c), want));
    }
    hang_up(c);
}

/* A request that waits for its answer holds back what is behind it: not handled, and past some bytes not read. */
static void test_held_back(void)
{
    enum { EACH = 60000, MANY = 120 };
    static char text[(EACH + 100) * MANY], body[EACH + 1];
    struct client *c = dial();
    size_t n = 0, sent = 0, most = 0;
    repeat(body, "b", EACH);
    for (int i = 0; i < MANY; i++)
        n += (size_t)sprintf(text + n, "POST /%d HTTP/1.1\r\n" HOST "Content-Length: %d\r\n\r\n%s", i, EACH, body);
    say_text(c, "GET /later HTTP/1.1\r\n" HOST "\r\n");
    UNTIL(held_count == 1);
    for (int still = 0; sent < n && still < 5;) {
        const size_t more = say(c, text + sent, n - sent);
        turn(true, 1);
        sent += more;
        still = more ? 0 : still + 1;
        if (memory.out_bytes > most) most = memory.out_bytes;
    }
    CHECK(requests == 1 && sent > 512 * 1024 && most < 512 * 1024);
    pawl_http_answer(held[0], 200, "text/plain", "", PAWL_STR("at last"));
    CHECK(body_is(hear(c), "at last"));
    say_all(c, text + sent, n - sent);
    for (int i = 0; i < MANY; i++) {
        char want[32];
        const struct answer a = hear(c);
        sprintf(want, "POST /%d [] b", i);
        if (!CHECK(a.body_bytes == strlen(want) - 1 + EACH && memcmp(a.body, want, strlen(want)) == 0)) break;
    }
    CHECK(c->n == 0 && !c->ended && memory.out_bytes < 96 * 1024); /* and keeps nothing of it */
    hang_up(c);
}

/* Who is refused in the middle of a body and goes on sending still gets the answer, and then an end that is no reset. */
static void test_refused_in_the_middle(void)
{
    static char more[1 << 18];
    struct client *c = dial();
    say_text(c, "PUT / HTTP/1.1\r\n" HOST "Content-Length: 4000000000\r\n\r\n");
    while (say(c, more, sizeof more) == sizeof more) continue;
    for (int i = 0; i < 4; i++) turn(false, 0);
    CHECK_INT(hear(c).status, 413);
    UNTIL(c->ended);
    CHECK(!c->reset);
    hang_up(c);
}

static void test_methods(void)
{
    struct client *c = dial();
    struct answer a;
    say_text(c, "HEAD /big HTTP/1.1\r\n" HOST "\r\n");
    a = hear_(c, true);
    CHECK(a.status == 200 && a.keep && strstr(a.head, "Content-Length: 8388608\r\n"));
    say_text(c, "GET /none HTTP/1.1\r\n" HOST "\r\nGET / HTTP/1.1\r\n" HOST "\r\n");
    a = hear(c);
    CHECK(a.status == 204 && !strstr(a.head, "Content-"));
    CHECK(body_is(hear(c), "GET / [] "));
    say_text(c, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n");
    CHECK(body_is(hear(c), "OPTIONS * [] "));
    hang_up(c);
}

static void test_expect(void)
{
    struct client *c = dial();
    say_text(c, "PUT / HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\nContent-Length: 2\r\n\r\n");
    CHECK_INT(hear_(c, true).status, 100);
    CHECK_INT(requests, 0);
    say_text(c, "ok");
    CHECK(body_is(hear(c), "PUT / [] ok"));
    say_text(c, "PUT / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 100001\r\n\r\n");
    CHECK_INT(hear(c).status, 413); /* and no 100 before */
    UNTIL(c->ended);
    hang_up(c);
}

static void test_open(void)
{
    struct pawl_http_server *s = NULL;
    struct pawl_error err = {0};
    int p = port;
    CHECK_INT(pawl_http_server_open(&memory.alloc, &loop, "127.0.0.1", &p, &hooks, &s, &err), PAWL_EBUSY);
    CHECK(!s && strstr(err.what, "in use") && err.next[0]);
    CHECK_INT(pawl_http_server_open(&memory.alloc, &loop, "nowhere", &p, &hooks, &s, &err), PAWL_EINVAL);
    p = 70000;
    CHECK_INT(pawl_http_server_open(&memory.alloc, &loop, "127.0.0.1", &p, &hooks, &s, &err), PAWL_EINVAL);
    p = 0;
    if (pawl_http_server_open(&memory.alloc, &loop, "::1", &p, &hooks, &s, &err) == PAWL_OK) CHECK(p > 0);
    pawl_http_server_close(s);
    pawl_http_server_close(NULL);
}

int main(void)
{
    void (*const tests[])(void) = {test_requests, test_refused,   test_sizes,
                                   test_floods,   test_split,     test_cut,
                                   test_pipeline, test_held_back, test_refused_in_the_middle,
                                   test_methods,  test_expect,    test_open};
    uv_loop_init(&loop);
    test_alloc_init(&memory, 0);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        kit_begin(0, 0, 0);
        tests[i]();
        kit_end();
    }
    CHECK_INT(uv_loop_close(&loop), 0);
    return TEST_END();
}
