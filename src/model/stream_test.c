/* src/model/stream_test.c - the text pieces as they come, whatever the boundaries, and no failure over bad bytes. */
#include "base/error.h"
#include "base/test.h"
#include "model/model.h"

struct seen {
    char text[128];
    size_t n;
};
static void on_text(void *ctx, struct pawl_str piece)
{
    struct seen *s = ctx;
    s->n += (size_t)snprintf(s->text + s->n, sizeof s->text - s->n, "%.*s/", (int)piece.n, piece.p);
}

static const struct row {
    const char *bytes, *want;
    bool ended;
} rows[] = {
    {"data: {\"choices\":[{\"delta\":{\"content\":\"He\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"y "
     "\xf0\x9f\x98\x80\"}}]}\n\n",
     "He/y \xf0\x9f\x98\x80/", false},
    {"data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\n", "a/", true},
    {"data: [DONE]\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"late\"}}]}\n\n", "", true},
    {"data: {broken\n\ndata: \xff\n\n: x\nnonsense\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"on\"}}]}\n\n",
     "on/", false},
    {"data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"other\"}}]}\n\ndata: {\"choices\":[],"
     "\"usage\":null}\n\n",
     "", false},
    {"data: {\"choices\":[{\"delta\":{\"content\":null,\"tool_calls\":[]},\"finish_reason\":null}]}\n\n", "", false},
    {" \r\n{\"choices\":[{\"message\":{\"content\":\"whole\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n", "",
     false}, /* no stream */
    {"<html>\n\n", "", false},
    {"data: {\"choices\":[{\"delta\":{\"content\":\"cut", "", false},
    {"", "", false},
};

int main(void)
{
    struct test_alloc t;
    for (const struct row *r = rows; r < rows + sizeof rows / sizeof *rows; r++) {
        const size_t n = strlen(r->bytes);
        for (size_t step = 1; step <= n + 1; step++) {
            struct seen seen = {.n = 0};
            test_alloc_init(&t, 0);
            struct pawl_stream *s = pawl_stream_new(&t.alloc, on_text, &seen);
            for (size_t at = 0; at < n; at += step)
                CHECK_INT(pawl_stream_feed(s, r->bytes + at, n - at < step ? n - at : step), PAWL_OK);
            CHECK_TEXT(seen.text, r->want);
            CHECK_INT(pawl_stream_ended(s), r->ended);
            pawl_stream_free(s);
            CHECK_INT(t.out_bytes, 0);
        }
    }
    char *big = malloc(3 << 20);
    memset(big, 'x', 3 << 20);
    struct seen seen = {.n = 0};
    struct pawl_stream *s = pawl_stream_new(&t.alloc, on_text, &seen);
    CHECK_INT(pawl_stream_feed(s, big, 3 << 20), PAWL_ELIMIT); /* one line of a stream has a bound */
    pawl_stream_free(s);
    big[0] = '{';
    s = pawl_stream_new(&t.alloc, on_text, &seen);
    CHECK_INT(pawl_stream_feed(s, big, 3 << 20), PAWL_OK); /* a whole JSON body is the driver's to bound */
    pawl_stream_free(s);
    free(big);
    EVERY_FAILED_ALLOCATION(t) {
        seen.n = 0;
        s = pawl_stream_new(&t.alloc, on_text, &seen);
        const int code = s != NULL ? pawl_stream_feed(s, rows[0].bytes, strlen(rows[0].bytes)) : PAWL_ENOMEM;
        CHECK_INT(code, t.failed ? PAWL_ENOMEM : PAWL_OK);
        pawl_stream_free(s);
    }
    return TEST_END();
}
