/* src/model/sse_test.c - WHATWG HTML, interpreting an event stream; every vector cut at every place and into single
 * bytes. */
#include "base/error.h"
#include "base/test.h"
#include "model/sse.h"

/* Events are written down as type|id|data$ so that one text holds them all. */
struct log {
    char text[512];
    size_t n;
    bool mended;
};
static void on_event(void *ctx, const struct pawl_sse_event *e)
{
    struct log *l = ctx;
    l->n += (size_t)snprintf(l->text + l->n, sizeof l->text - l->n, "%.*s|%.*s|%.*s$", (int)e->type.n, e->type.p,
                             (int)e->id.n, e->id.n > 0 ? e->id.p : "", (int)e->data.n, e->data.p);
    if (e->mended) l->mended = true;
}

#define V(literal) literal, sizeof(literal) - 1
static const struct row {
    const char *bytes;
    size_t n;
    const char *want;
    int64_t retry_ms;
} rows[] = {
    {V("data: a\n\n"), "message||a$", -1},
    {V("data:a\r\n\r\n"), "message||a$", -1},
    {V("data: a\r\r"), "message||a$", -1},
    {V("data: a\r\n\r"), "message||a$", -1},
    {V("data: a\n\r"), "message||a$", -1},
    {V("data: a\r\n\n"), "message||a$", -1},
    {V("data:  a\n\n"), "message|| a$", -1},
    {V("data:a b: c\n\n"), "message||a b: c$", -1},
    {V("data: a\ndata: b\n\n"), "message||a\nb$", -1},
    {V("data\n\ndata\ndata\n\n"), "message||$message||\n$", -1},
    {V("data:\n\n"), "message||$", -1},
    {V(": hi\n\n"), "", -1},
    {V(":\n:\n\n\n"), "", -1},
    {V("id: 7\ndata: a\n\ndata: b\n\n"), "message|7|a$message|7|b$", -1},
    {V("id: 1\ndata: a\n\nid\ndata: b\n\n"), "message|1|a$message||b$", -1},
    {V("id: a\0b\ndata: c\n\n"), "message||c$", -1},
    {V("id: 9\n\ndata: a\n\n"), "message|9|a$", -1},
    {V("retry: 15\n"), "", 15},
    {V("retry: 1x\n"), "", -1},
    {V("retry:\n"), "", -1},
    {V("retry: 99999999999999\n"), "", INT32_MAX},
    {V("DATA: a\ndata: b\n\n"), "message||b$", -1},
    {V("data: a"), "", -1},
    {V("data: a\n"), "", -1},
    {V("data: a\r\n"), "", -1},
    {V("event: x\n\ndata: a\n\n"), "message||a$", -1},
    {V("event: x\ndata: a\n\ndata: b\n\n"), "x||a$message||b$", -1},
    {V("event: x\nevent\ndata: a\n\n"), "message||a$", -1},
    {V("xdata: a\ndata : b\n\n"), "", -1},
    {V("\xef\xbb\xbf"
       "data: a\n\n"),
     "message||a$", -1},
    {V("\xef\xbb\xbf\xef\xbb\xbf"
       "data: a\n\n"),
     "", -1},
    {V("data: a\n\n\xef\xbb\xbf"
       "data: b\n\n"),
     "message||a$", -1}, /* only the first may be one */
    {V("data: caf\xc3\xa9 \xf0\x9f\x98\x80\n\n"), "message||caf\xc3\xa9 \xf0\x9f\x98\x80$", -1},
    {V("data: \xff\xe2\x82!\xed\xa0\x80\n\n"),
     "message||\xef\xbf\xbd\xef\xbf\xbd!\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd$", -1},
    {V("\n\n\r\n\r\rdata: a\n\n"), "message||a$", -1},
};

/* Fed in three pieces cut at i and k; `step` 1: byte by byte. */
static void feed(const struct row *r, size_t i, size_t k, size_t step, bool *same)
{
    struct pawl_sse s;
    struct log l = {.n = 0};
    struct test_alloc memory;
    test_alloc_init(&memory, 0);
    pawl_sse_init(&s, &memory.alloc, 1000, on_event, &l);
    if (step == 1) {
        for (size_t at = 0; at < r->n; at++) pawl_sse_feed(&s, r->bytes + at, 1);
    } else {
        pawl_sse_feed(&s, r->bytes, i);
        pawl_sse_feed(&s, r->bytes + i, k - i);
        pawl_sse_feed(&s, r->bytes + k, r->n - k);
    }
    *same = *same && strcmp(l.text, r->want) == 0 && s.retry_ms == r->retry_ms && s.failed == PAWL_OK &&
            l.mended == (strstr(r->want, "\xef\xbf\xbd") != NULL);
    pawl_sse_fini(&s);
    *same = *same && memory.out_bytes == 0;
}

static void bounds(void)
{
    struct pawl_sse s;
    struct log l = {.n = 0};
    struct test_alloc memory;
    test_alloc_init(&memory, 0);
    pawl_sse_init(&s, &memory.alloc, 8, on_event, &l);
    CHECK_INT(pawl_sse_feed(&s, "data: ab\n\n", 10), PAWL_OK); /* 8 bytes of line, 3 of data */
    CHECK_INT(pawl_sse_feed(&s, "data:abc", 8), PAWL_OK);
    CHECK_INT(pawl_sse_feed(&s, "d", 1), PAWL_ELIMIT);
    CHECK_INT(pawl_sse_feed(&s, "\n\n", 2), PAWL_ELIMIT); /* for good */
    CHECK_TEXT(l.text, "message||ab$");
    pawl_sse_fini(&s);
    pawl_sse_init(&s, &memory.alloc, 8, on_event, &l);
    CHECK_INT(pawl_sse_feed(&s, "data:abc\ndata:abc\n", 18), PAWL_OK); /* abc LF abc LF: 8 */
    CHECK_INT(pawl_sse_feed(&s, "data\n", 5), PAWL_ELIMIT);
    pawl_sse_fini(&s);
    struct test_alloc t;
    EVERY_FAILED_ALLOCATION(t) {
        l.n = 0, l.text[0] = 0;
        pawl_sse_init(&s, &t.alloc, 1000, on_event, &l);
        const int code = pawl_sse_feed(&s, "event: e\nid: 7\ndata: \xff\n\n", 24);
        if (t.failed) CHECK_INT(code, PAWL_ENOMEM);
        else CHECK_INT(code, PAWL_OK), CHECK_TEXT(l.text, "e|7|\xef\xbf\xbd$");
        pawl_sse_fini(&s);
    }
    struct pawl_sse zeroed = {0};
    pawl_sse_fini(&zeroed);
}

int main(void)
{
    for (const struct row *r = rows; r < rows + sizeof rows / sizeof *rows; r++) {
        bool same = true;
        feed(r, 0, r->n, 1, &same);
        for (size_t i = 0; i <= r->n; i++) {
            for (size_t k = i; k <= r->n; k++) feed(r, i, k, 0, &same);
        }
        if (!CHECK(same)) printf("row %td: %s\n", r - rows, r->want);
    }
    bounds();
    return TEST_END();
}
