/* src/model/script_test.c - scripted answers go the way of real ones: reply, reader, neutral form. */
#include "base/test.h"
#include "model/script.h"

static const char answers[] =
    "[{\"say\":\"Hello\"},"
    "{\"call\":{\"refund\":{\"order_id\":7,\"why\":\"\\u00e9\"}}},"
    "{\"say\":\"both\",\"calls\":[{\"a\":{}},{\"name\":\"b\",\"args\":{\"x\":[1]},\"id\":\"mine\"},"
    "{\"c\":\"{\\\"cut\"},{\"name\":\"d\"}]},"
    "{\"refusal\":\"No.\",\"finish\":\"content_filter\",\"usage\":{\"input\":10,\"cached\":4,\"output\":2}},"
    "{\"fail\":429},"
    "{\"fail\":{\"status\":429,\"code\":\"insufficient_quota\",\"type\":\"insufficient_quota\",\"message\":\"no "
    "money\"}},"
    "{\"fail\":{\"status\":503,\"retry_after\":1.5,\"times\":2},\"say\":\"at last\"},"
    "{\"fail\":{\"hang\":true}},{\"fail\":{\"cut\":true}},{\"fail\":{\"refuse\":true}},"
    "{\"fail\":{\"status\":200,\"body\":\"<html>\",\"content_type\":\"text/html\"}},"
    "{\"fail\":{\"status\":500,\"should_retry\":false,\"retry_after\":\"3\",\"retry_after_ms\":250}},"
    "{\"fail\":{\"status\":-7}},"
    "{\"say\":\"cut\",\"finish\":\"length\",\"call\":{\"a\":{}}}]";
static const struct pawl_model model = {.name = {"s", 1},
                                        .provider = PAWL_PROVIDER_SCRIPT,
                                        .script = {answers, sizeof answers - 1}};

enum { AGAIN = 1, POOR = 2 };
static const struct row {
    uint32_t turn, attempt;
    const char *result; /* NULL: it fails */
    int error_class, flags;
    int64_t after_ms;
} rows[] = {
    {0, 1, "{\"content\":\"Hello\",\"tool_calls\":[],\"finish\":\"stop\"}", 0, 0, -1},
    {0, 9, "{\"content\":\"Hello\",\"tool_calls\":[],\"finish\":\"stop\"}", 0, 0, -1},
    {1, 1,
     "{\"content\":null,\"tool_calls\":[{\"id\":\"call_2_1\",\"name\":\"refund\","
     "\"arguments\":\"{\\\"order_id\\\":7,\\\"why\\\":\\\"\xc3\xa9\\\"}\"}],"
     "\"finish\":\"tool_calls\"}",
     0, 0, -1},
    {2, 1,
     "{\"content\":\"both\",\"tool_calls\":[{\"id\":\"call_3_1\",\"name\":\"a\",\"arguments\":\"{}\"},"
     "{\"id\":\"mine\",\"name\":\"b\",\"arguments\":\"{\\\"x\\\":[1]}\"},{\"id\":\"call_3_3\",\"name\":\"c\","
     "\"arguments\":\"{\\\"cut\"},"
     "{\"id\":\"call_3_4\",\"name\":\"d\",\"arguments\":\"{}\"}],\"finish\":\"tool_calls\"}",
     0, 0, -1},
    {3, 1,
     "{\"content\":null,\"tool_calls\":[],\"finish\":\"content_filter\",\"refusal\":\"No.\","
     "\"usage\":{\"input\":10,\"cached\":4,\"output\":2}}",
     0, 0, -1},
    {4, 1, NULL, PAWL_CLASS_RATE_LIMITED, AGAIN, -1},
    {4, 5, NULL, PAWL_CLASS_RATE_LIMITED, AGAIN, -1}, /* no answer beside it: for ever */
    {5, 1, NULL, PAWL_CLASS_RATE_LIMITED, POOR, -1},
    {6, 1, NULL, PAWL_CLASS_UNAVAILABLE, AGAIN, 1500},
    {6, 2, NULL, PAWL_CLASS_UNAVAILABLE, AGAIN, 1500},
    {6, 3, "{\"content\":\"at last\",\"tool_calls\":[],\"finish\":\"stop\"}", 0, 0, -1},
    {7, 1, NULL, PAWL_CLASS_TIMEOUT, AGAIN, -1},
    {8, 1, NULL, PAWL_CLASS_UNAVAILABLE, AGAIN, -1},
    {9, 1, NULL, PAWL_CLASS_UNAVAILABLE, AGAIN, -1},
    {10, 1, NULL, PAWL_CLASS_MALFORMED, AGAIN, -1},
    {11, 1, NULL, PAWL_CLASS_UNAVAILABLE, 0, 250},
    {12, 1, NULL, PAWL_CLASS_UNAVAILABLE, AGAIN, -1},
    {13, 1,
     "{\"content\":\"cut\",\"tool_calls\":[{\"id\":\"call_14_1\",\"name\":\"a\",\"arguments\":\"{}\"}],"
     "\"finish\":\"length\"}",
     0, 0, -1},
    {14, 1, NULL, PAWL_CLASS_UNAVAILABLE, AGAIN, -1}, /* past the last: 500 */
    {4000000000u, 1, NULL, PAWL_CLASS_UNAVAILABLE, AGAIN, -1},
};

static void table(struct test_alloc *memory)
{
    struct pawl_arena a;
    struct pawl_reply reply;
    struct pawl_outcome o;
    pawl_arena_init(&a, &memory->alloc);
    for (const struct row *r = rows; r < rows + sizeof rows / sizeof *rows; r++) {
        pawl_arena_reset(&a);
        if (r->attempt == 1) pawl_script_reply(&model, r->turn, &a, &reply);
        else pawl_script_reply_at(&model, r->turn, r->attempt, &a, &reply);
        pawl_model_read(&model, &reply, &a, &o);
        CHECK_TEXT(o.result.p, r->result);
        CHECK_INT(o.error_class, r->error_class);
        CHECK_INT((o.retry ? AGAIN : 0) | (o.no_money ? POOR : 0), r->flags);
        CHECK_INT(o.retry_after_ns, r->after_ms < 0 ? -1 : r->after_ms * 1000000);
    }
    pawl_script_reply(&model, 14, &a, &reply);
    CHECK_INT(reply.status, 500);
    CHECK(strstr(reply.body.p, "the script of model s has no answer number 15") != NULL);
    pawl_arena_fini(&a);
}

int main(void)
{
    struct test_alloc memory, t;
    test_alloc_init(&memory, 0);
    table(&memory);
    CHECK_INT(memory.out_bytes, 0);
    EVERY_FAILED_ALLOCATION(t) {
        struct pawl_arena a;
        struct pawl_reply reply;
        pawl_arena_init(&a, &t.alloc);
        pawl_script_reply(&model, 2, &a, &reply);
        CHECK(reply.transport == PAWL_NOT_SENT || reply.status == 200); /* never a made-up 500 */
        pawl_arena_fini(&a);
    }
    return TEST_END();
}
