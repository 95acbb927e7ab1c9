/* src/model/openai_read_fuzz.c - any reply: an answer is whole and in the neutral form, all else says why in one safe
 * line, the same bytes give the same answer, and what a viewer saw of a stream is what its answer begins with.
 * Input: transport, status (two bytes, folded), size of the stream's pieces, then the body. */
#include "base/test.h"
#include "contract/json.h"
#include "contract/shown.h"
#include "model/model.h"

static void on_text(void *ctx, struct pawl_str piece)
{
    pawl_buf_str(ctx, piece);
}

static void check_message(struct pawl_str m)
{
    for (uint32_t at = 0; at < m.n;) {
        const int32_t c = pawl_utf8_next(m, &at);
        if (c < 0x20 || (c >= 0x7f && c < 0xa0)) abort();
    }
}

static void check_answer(struct pawl_str result, const struct pawl_buf *seen, struct pawl_arena *a)
{
    yyjson_val *root = NULL, *call;
    size_t i, max;
    if (pawl_json_read(result, a, &root, NULL) != PAWL_OK) abort();
    yyjson_val *content = yyjson_obj_get(root, "content"), *calls = yyjson_obj_get(root, "tool_calls");
    if (!yyjson_is_null(content) && !yyjson_is_str(content)) abort();
    if (!yyjson_is_arr(calls) || yyjson_arr_size(calls) > 128 || pawl_json_str(root, "finish").n == 0) abort();
    yyjson_arr_foreach(calls, i, max, call)
    {
        if (pawl_json_str(call, "id").n == 0 || pawl_json_str(call, "name").n == 0) abort();
        if (pawl_json_str(call, "arguments").n == 0) abort();
    }
    const struct pawl_str text = pawl_json_value_str(content);
    if (seen->n > 0 && (text.n < seen->n || memcmp(text.p, seen->p, seen->n) != 0)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct test_alloc t;
    struct pawl_arena a;
    struct pawl_buf seen;
    struct pawl_outcome o, again;
    const struct pawl_model m = {.name = {"m", 1}};
    if (size < 4) return 0;
    struct pawl_reply r = {.transport = (enum pawl_transport)(data[0] % 8), .status = 200};
    if (data[1] % 4 == 0) r.status = 100 + (data[1] << 8 | data[2]) % 500;
    r.body = (struct pawl_str){(const char *)data + 4, (uint32_t)(size - 4)};
    r.detail = r.body;
    test_alloc_init(&t, 0);
    pawl_arena_init(&a, &t.alloc);
    pawl_buf_init(&seen, &t.alloc);
    pawl_model_read(&m, &r, &a, &o);
    pawl_model_read(&m, &r, &a, &again);
    if (o.applied != again.applied || !pawl_str_eq(o.result, again.result) || !pawl_str_eq(o.message, again.message))
        abort();
    struct pawl_stream *s = pawl_stream_new(&t.alloc, on_text, &seen);
    const size_t step = (size_t)(data[3] % 32) + 1;
    for (size_t at = 0; at < r.body.n; at += step)
        pawl_stream_feed(s, r.body.p + at, r.body.n - at < step ? r.body.n - at : step);
    pawl_stream_free(s);
    check_message(o.message);
    if (o.applied == PAWL_APPLIED_YES) check_answer(o.result, &seen, &a);
    else if (o.message.n == 0 || o.result.p != NULL) abort();
    pawl_buf_fini(&seen);
    pawl_arena_fini(&a);
    if (t.out_bytes != 0) abort();
    return 0;
}
