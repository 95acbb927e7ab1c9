/* src/tool/poll_test.c - whom an answer may make us ask, and what monitors and callbacks say. */
#include "base/test.h"
#include "tool/tool.h"

static struct pawl_arena arena;

#define REQUEST                                                                                                              \
    "{\"http\":{\"body\":\"{}\",\"headers\":{\"Authorization\":\"Bearer ${env:KEY}\",\"Content-Type\":\"application/json\"," \
    "\"Idempotency-Key\":\"k\"},\"method\":\"POST\",\"url\":\"https://pay.example:8443/v1/refunds?x=1\"}}"

static const struct {
    const char *base, *named, *want; /* want NULL: it may not be asked */
} monitors[] = {
    {NULL, "/ops/7", "https://pay.example:8443/ops/7"},
    {NULL, "ops/7?y=2", "https://pay.example:8443/v1/ops/7?y=2"},
    {NULL, "../ops/7", "https://pay.example:8443/ops/7"},
    {NULL, "https://pay.example:8443/ops/7", "https://pay.example:8443/ops/7"},
    {NULL, "https://PAY.example:8443/ops/7", "https://PAY.example:8443/ops/7"},
    {"https://ops.example/a/b", "c", "https://ops.example/a/c"}, /* from where it was sent on to */
    {NULL, "https://ops.example/7", "https://ops.example/7"},    /* named by the contract */
    {NULL, "//ops.example/7", "https://ops.example/7"},
    {NULL, "http://ops.example/7", NULL}, /* not without TLS, where the call had it */
    {NULL, "http://pay.example:8443/ops/7", NULL},
    {NULL, "https://pay.example/ops/7", NULL}, /* another port */
    {NULL, "https://pay.example:8443.evil.example/", NULL},
    {NULL, "https://pay.example:8443@evil.example/", NULL},
    {NULL, "//evil.example/7", NULL},
    {NULL, "https://169.254.169.254/latest/meta-data", NULL},
    {NULL, "file:///etc/passwd", NULL},
    {NULL, "javascript:alert(1)", NULL},
    {NULL, "/ops/7 x", NULL},
    {NULL, "/ops\r\nX: y", NULL},
    {NULL, "\\\\evil.example", NULL},
    {NULL, "", NULL},
};

static void whom(void)
{
    static const struct pawl_str hosts[] = {{"ops.example", 11}};
    const struct pawl_tool t = {.key_header = PAWL_STR("Idempotency-Key"), .async = {.hosts = hosts, .hosts_count = 1}};
    struct pawl_buf b;
    for (size_t i = 0; i < sizeof monitors / sizeof *monitors; i++) {
        struct pawl_str url = {NULL, 0};
        struct pawl_error err = {0};
        const int rc = pawl_tool_monitor(&t, PAWL_STR(REQUEST), pawl_str_of(monitors[i].base),
                                         pawl_str_of(monitors[i].named), &arena, &url, &err);
        if (!CHECK_INT(rc, monitors[i].want ? PAWL_OK : PAWL_EINVAL)) printf("%s\n", monitors[i].named);
        if (monitors[i].want && !rc) CHECK_TEXT(url.p, monitors[i].want);
        if (!monitors[i].want) CHECK(err.what[0] && err.next[0]);
    }
    pawl_buf_init_arena(&b, &arena);
    CHECK_INT(pawl_tool_poll(&t, PAWL_STR(REQUEST), PAWL_STR("https://ops.example/7"), &b), PAWL_OK);
    CHECK_TEXT(pawl_buf_done(&b).p, "{\"http\":{\"body\":null,\"headers\":{\"Authorization\":\"Bearer ${env:KEY}\"},"
                                    "\"method\":\"GET\",\"url\":\"https://ops.example/7\"}}");
    const struct pawl_tool stops = {.key_header = PAWL_STR("Idempotency-Key"),
                                    .async = {.cancel = PAWL_STR("POST"), .cancel_suffix = PAWL_STR(":cancel")}};
    pawl_buf_init_arena(&b, &arena);
    CHECK_INT(pawl_tool_stop(&stops, PAWL_STR(REQUEST), PAWL_STR("https://ops.example/7?v=1"), &b), PAWL_OK);
    CHECK_TEXT(pawl_buf_done(&b).p, "{\"http\":{\"body\":null,\"headers\":{\"Authorization\":\"Bearer ${env:KEY}\"},"
                                    "\"method\":\"POST\",\"url\":\"https://ops.example/7:cancel?v=1\"}}");
}

static struct pawl_schema *schema(const char *text)
{
    struct pawl_schema *s = NULL;
    yyjson_val *v = NULL;
    if (!text) return NULL;
    CHECK_INT(pawl_json_read(pawl_str_of(text), &arena, &v, NULL), PAWL_OK);
    CHECK_INT(pawl_schema_compile(v, &(struct pawl_schema_options){0}, arena.from, &s, NULL), PAWL_OK);
    return s;
}

enum { NONE = PAWL_NEWS_NONE, RUN = PAWL_NEWS_RUNNING, DONE = PAWL_NEWS_DONE, BAD = PAWL_NEWS_FAILED };
enum { ELSE = PAWL_NEWS_ELSEWHERE, GONE = PAWL_NEWS_GONE };
static const struct row {
    int status;
    const char *body;
    int is;
    const char *result;                           /* DONE; ELSEWHERE: the monitor */
    const char *done, *failed, *output, *pointer; /* the contract's */
    bool at_result;
} rows[] = {
    {202, "", RUN, NULL, NULL, NULL, NULL, NULL, false},
    {202, "{\"status\":\"Succeeded\"}", RUN, NULL, NULL, NULL, NULL, NULL,
     false}, /* 202 is not done, whatever it holds */
    {200, "{\"refund_id\":\"r1\"}", DONE, "{\"refund_id\":\"r1\"}", NULL, NULL, NULL, NULL, false},
    {200, "{\"error\":{\"code\":500}}", RUN, NULL, NULL, NULL, NULL, NULL, false},
    {200, "{\"error\":null,\"id\":7}", DONE, "{\"error\":null,\"id\":7}", NULL, NULL, NULL, NULL, false},
    {200, "{\"error\":0.5,\"id\":7}", DONE, "{\"error\":0.5,\"id\":7}", NULL, NULL, "{\"required\":[\"id\"]}", NULL,
     false},
    {200, "[1, 2.50]", DONE, "[1,2.50]", NULL, NULL, NULL, NULL, false},
    {200, "null", DONE, "null", NULL, NULL, NULL, NULL, false},
    {204, "", DONE, "null", NULL, NULL, NULL, NULL, false},
    {200, "", NONE, NULL, NULL, NULL, NULL, NULL, false},
    {200, "<html>sign in</html>", NONE, NULL, NULL, NULL, NULL, NULL, false},
    /* operations */
    {200, "{\"id\":\"op1\",\"status\":\"Running\",\"percentComplete\":40}", RUN, NULL, NULL, NULL, NULL, NULL, false},
    {200, "{\"status\":\"NotStarted\"}", RUN, NULL, NULL, NULL, NULL, NULL, false},
    {200, "{\"status\":\"frobnicating\"}", RUN, NULL, NULL, NULL, NULL, NULL, false},
    {200, "{\"status\":\"Succeeded\",\"result\":{\"id\":7}}", DONE, "{\"id\":7}", NULL, NULL, NULL, NULL, false},
    {200, "{\"state\":\"COMPLETED\",\"output\":5}", DONE, "5", NULL, NULL, NULL, NULL, false},
    {200, "{\"status\":\"succeeded\",\"id\":7}", DONE, "{\"status\":\"succeeded\",\"id\":7}", NULL, NULL, NULL, NULL,
     false},
    {200, "{\"status\":\"Succeeded\",\"resourceLocation\":\"/r/7\"}", ELSE, "/r/7", NULL, NULL, NULL, NULL, false},
    {200, "{\"status\":\"Failed\",\"error\":{\"message\":\"no funds\"}}", BAD, NULL, NULL, NULL, NULL, NULL, false},
    {200, "{\"status\":\"Canceled\"}", BAD, NULL, NULL, NULL, NULL, NULL, false},
    {200, "{\"state\":\"timed_out\"}", BAD, NULL, NULL, NULL, NULL, NULL, false},
    {200, "{\"name\":\"o\",\"done\":false}", RUN, NULL, NULL, NULL, NULL, NULL, false},
    {200, "{\"name\":\"o\",\"done\":true,\"response\":{\"id\":7}}", DONE, "{\"id\":7}", NULL, NULL, NULL, NULL, false},
    {200, "{\"name\":\"o\",\"done\":true,\"error\":{\"code\":3}}", BAD, NULL, NULL, NULL, NULL, NULL, false},
    {200, "{\"type\":\"refund.succeeded\",\"data\":{\"id\":7}}", DONE, "{\"id\":7}", NULL, NULL, NULL, NULL, false},
    {200, "{\"type\":\"refund.failed\",\"data\":{}}", BAD, NULL, NULL, NULL, NULL, NULL, false},
    {200, "{\"type\":\"refund.progress\",\"data\":{}}", RUN, NULL, NULL, NULL, NULL, NULL, false},
    {200, "{\"type\":\"refund\",\"id\":7}", DONE, "{\"type\":\"refund\",\"id\":7}", NULL, NULL, NULL, NULL, false},
    /* a status that is part of the result: the contract's output knows it */
    {200, "{\"status\":\"paid\",\"id\":7}", DONE, "{\"status\":\"paid\",\"id\":7}", NULL, NULL,
     "{\"required\":[\"id\"]}", NULL, false},
    {200, "{\"status\":\"booking\"}", RUN, NULL, NULL, NULL, "{\"required\":[\"id\"]}", NULL, false},
    /* the contract's own words */
    {200, "{\"phase\":\"settled\",\"r\":{\"id\":7}}", DONE, "{\"id\":7}",
     "{\"properties\":{\"phase\":{\"const\":\"settled\"}}}", NULL, NULL, "/r", false},
    {200, "{\"phase\":\"booked\"}", RUN, NULL, "{\"properties\":{\"phase\":{\"const\":\"settled\"}}}", NULL, NULL, "/r",
     false},
    {200, "{\"phase\":\"settled\"}", DONE, "null", "{\"properties\":{\"phase\":{\"const\":\"settled\"}}}", NULL, NULL,
     "/r", false},
    {200, "{\"status\":\"Failed\"}", RUN, NULL, "{\"required\":[\"id\"]}", NULL, NULL, NULL,
     false}, /* done alone decides */
    {200, "{\"phase\":\"refused\"}", BAD, NULL, "{\"required\":[\"id\"]}",
     "{\"properties\":{\"phase\":{\"const\":\"refused\"}}}", NULL, NULL, false},
    {200, "{\"id\":7,\"phase\":\"refused\"}", BAD, NULL, "{\"required\":[\"id\"]}",
     "{\"properties\":{\"phase\":{\"const\":\"refused\"}}}", NULL, NULL, false},
    {200, "{\"id\":7}", DONE, "{\"id\":7}", NULL, "{\"required\":[\"error\"]}", NULL, NULL,
     false}, /* only failed is told */
    /* elsewhere, gone, nothing */
    {303, "", ELSE, "/there", NULL, NULL, NULL, NULL, false},
    {302, "", ELSE, "/there", NULL, NULL, NULL, NULL, false},
    {308, "", ELSE, "/there", NULL, NULL, NULL, NULL, false},
    {200, "{\"status\":\"running\"}", DONE, "{\"status\":\"running\"}", NULL, NULL, NULL, NULL, true},
    {404, "", NONE, NULL, NULL, NULL, NULL, NULL, false},
    {410, "", GONE, NULL, NULL, NULL, NULL, NULL, false},
    {401, "", NONE, NULL, NULL, NULL, NULL, NULL, false},
    {429, "", NONE, NULL, NULL, NULL, NULL, NULL, false},
    {500, "{\"status\":\"Failed\"}", NONE, NULL, NULL, NULL, NULL, NULL,
     false}, /* the monitor failed, not the operation */
    {304, "", NONE, NULL, NULL, NULL, NULL, NULL, false},
};

static void what(void)
{
    for (const struct row *r = rows; r < rows + sizeof rows / sizeof *rows; r++) {
        const struct pawl_tool t = {.output = schema(r->output),
                                    .async = {.done = schema(r->done),
                                              .failed = schema(r->failed),
                                              .result = pawl_str_of(r->pointer)}};
        const struct pawl_reply reply = {.transport = PAWL_ANSWERED,
                                         .status = r->status,
                                         .body = pawl_str_of(r->body),
                                         .location = r->status / 100 == 3 ? PAWL_STR("/there") : pawl_str_of(NULL)};
        struct pawl_news n;
        pawl_tool_news(&t, &reply, r->at_result, &arena, &n);
        if (!CHECK_INT(n.is, r->is)) printf("row %d: %d %s\n", (int)(r - rows), r->status, r->body);
        if (r->is == DONE) CHECK_TEXT(n.result.p, r->result);
        if (r->is == ELSE) CHECK_TEXT(n.monitor.p, r->result);
        if (r->is == ELSE) CHECK_INT(n.at_result, r->status == 303 || r->status == 200);
        if (r->is == BAD || (r->is == NONE && r->status != 304)) CHECK(n.message.n > 0);
        CHECK_INT(n.not_found, r->status == 404);
        pawl_schema_free(t.output);
        pawl_schema_free(t.async.done);
        pawl_schema_free(t.async.failed);
    }
}

static void more(void)
{
    const struct pawl_tool t = {0};
    struct pawl_reply lost = {.transport = PAWL_NO_ANSWER}, large = {.transport = PAWL_TOO_LARGE, .status = 200},
                      later = {.transport = PAWL_ANSWERED,
                               .status = 202,
                               .retry_after = PAWL_STR("7"),
                               .location = PAWL_STR("/a"),
                               .operation_location = PAWL_STR("/b"),
                               .body = PAWL_STR("{\"status\":\"Running\\u001b[2J\"}")};
    struct pawl_news n;
    pawl_tool_news(&t, &lost, false, &arena, &n);
    CHECK_INT(n.is, PAWL_NEWS_NONE);
    CHECK_INT(n.retry_after_ns, -1);
    pawl_tool_news(&t, &large, false, &arena, &n);
    CHECK_INT(n.is, PAWL_NEWS_NONE);
    pawl_tool_news(&t, &later, false, &arena, &n);
    CHECK_INT(n.is, PAWL_NEWS_RUNNING);
    CHECK_INT(n.retry_after_ns, 7000000000);
    CHECK_TEXT(n.monitor.p, "/b"); /* Operation-Location goes before Location */
    CHECK_TEXT(n.word.p, "Running\\x1b[2J");
}

int main(void)
{
    struct test_alloc memory;
    test_alloc_init(&memory, 0);
    pawl_arena_init(&arena, &memory.alloc);
    whom();
    what();
    more();
    pawl_arena_fini(&arena);
    CHECK_INT(memory.out_bytes, 0);
    return TEST_END();
}
