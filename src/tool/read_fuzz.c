/* src/tool/read_fuzz.c - any reply to any kind of tool: what is called done has a JSON result, the message is one safe
 * line. Input: transport and driver, status (two bytes), flags, then the body; its first line is also every header. */
#include "base/test.h"
#include "contract/shown.h"
#include "tool/tool.h"

static void check(const struct pawl_outcome *o, bool may_lack_result, struct pawl_arena *a)
{
    yyjson_val *root = NULL;
    if (o->result.p != NULL && pawl_json_read(o->result, a, &root, NULL) != PAWL_OK) abort();
    if (o->applied == PAWL_APPLIED_YES && o->result.p == NULL && !may_lack_result) abort();
    if (o->applied != PAWL_APPLIED_YES && (o->message.n == 0 || o->error_class == PAWL_CLASS_NONE)) abort();
    for (uint32_t at = 0; at < o->message.n;) {
        const int32_t c = pawl_utf8_next(o->message, &at);
        if (c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e)) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct pawl_error_rule rules[] = {{.status = 409, .applied = PAWL_APPLIED_YES, .already_done = true},
                                                   {.status = 3, .exit = true, .applied = PAWL_APPLIED_NO}};
    if (size < 4) return 0;
    struct test_alloc t;
    struct pawl_arena a;
    struct pawl_outcome o;
    const struct pawl_tool tool = {.name = {"t", 1},
                                   .driver = (enum pawl_driver)(data[0] / 8 % 3),
                                   .method = {"POST", 4},
                                   .errors = rules,
                                   .errors_count = data[3] & 1 ? 2 : 0,
                                   .output = data[3] & 2 ? (struct pawl_schema *)(uintptr_t)data : NULL};
    struct pawl_reply r = {.transport = (enum pawl_transport)(data[0] % 8), .status = data[1] << 8 | data[2]};
    if (data[3] & 4) r.status = data[2] & 1 ? 200 : 0;
    if (tool.driver == PAWL_DRIVER_INPROCESS && data[3] & 8)
        r.has_verdict = true, r.verdict = (enum pawl_applied)(data[2] % 6);
    r.body = (struct pawl_str){(const char *)data + 4, (uint32_t)(size - 4)};
    const char *end = r.body.n > 0 ? memchr(r.body.p, '\n', r.body.n) : NULL;
    const struct pawl_str line = {r.body.p, end != NULL ? (uint32_t)(end - r.body.p) : r.body.n};
    r.type = r.retry_after = r.retry_after_ms = r.should_retry = r.date = r.location = line;
    r.detail = r.body;
    test_alloc_init(&t, 0);
    pawl_arena_init(&a, &t.alloc);
    pawl_tool_read(&tool, &r, data[3] & 16, &a, &o);
    check(&o, tool.errors_count > 0, &a);
    pawl_arena_fini(&a);
    if (t.out_bytes != 0) abort();
    return 0;
}
