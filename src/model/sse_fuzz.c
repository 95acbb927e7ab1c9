/* src/model/sse_fuzz.c - the events do not depend on where the bytes were cut; bounded, and valid UTF-8. The first byte
 * says how large the pieces are. */
#include "base/error.h"
#include "base/test.h"
#include "contract/shown.h"
#include "model/sse.h"

static void on_event(void *ctx, const struct pawl_sse_event *e)
{
    struct pawl_buf *seen = ctx;
    for (uint32_t at = 0; at < e->data.n;) {
        if (pawl_utf8_next(e->data, &at) < 0) abort();
    }
    pawl_buf_printf(seen, "%u %u %u %d:", e->type.n, e->id.n, e->data.n, e->mended);
    pawl_buf_str(seen, e->type);
    pawl_buf_str(seen, e->id);
    pawl_buf_str(seen, e->data);
}

static int run(const uint8_t *data, size_t n, size_t step, struct pawl_buf *seen, int64_t *retry_ms)
{
    struct test_alloc t;
    struct pawl_sse s;
    test_alloc_init(&t, 0);
    pawl_sse_init(&s, &t.alloc, 4096, on_event, seen);
    int code = PAWL_OK;
    for (size_t at = 0; at < n; at += step) code = pawl_sse_feed(&s, data + at, n - at < step ? n - at : step);
    *retry_ms = s.retry_ms;
    pawl_sse_fini(&s);
    if (t.out_bytes != 0) abort();
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct test_alloc t;
    struct pawl_buf whole, cut;
    int64_t retry_whole = 0, retry_cut = 0;
    if (size < 2) return 0;
    test_alloc_init(&t, 0);
    pawl_buf_init(&whole, &t.alloc);
    pawl_buf_init(&cut, &t.alloc);
    const int code = run(data + 1, size - 1, size, &whole, &retry_whole);
    if (code != run(data + 1, size - 1, (size_t)(data[0] % 64) + 1, &cut, &retry_cut)) abort();
    if (retry_whole != retry_cut || whole.n != cut.n || (whole.n > 0 && memcmp(whole.p, cut.p, whole.n) != 0)) abort();
    pawl_buf_fini(&whole);
    pawl_buf_fini(&cut);
    return 0;
}
