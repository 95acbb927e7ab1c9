/* src/tool/render_test.c - the bytes that leave, and what cannot get into them. */
#include "base/test.h"
#include "tool/tool.h"

static struct test_alloc memory;

/* Renders; the text is the arena's. NULL: refused, and *err says why. */
static const char *rendered(const struct pawl_tool *t, const char *document, struct pawl_arena *a,
                            struct pawl_error *err)
{
    struct pawl_buf out;
    yyjson_val *doc = NULL;
    if (!CHECK_INT(pawl_json_read(pawl_str_of(document), a, &doc, err), PAWL_OK)) return NULL;
    pawl_buf_init_arena(&out, a);
    const int code = pawl_tool_render(NULL, t, doc, PAWL_STR("k-1"), &out, err);
    if (code != PAWL_OK) {
        CHECK_INT(code, PAWL_EINVAL);
        return NULL;
    }
    return pawl_buf_done(&out).p;
}

#define NAMED .name = {"t", 1}, .key_header = {"Idempotency-Key", 15}
#define S(literal)                   \
    {                                \
        literal, sizeof(literal) - 1 \
    }
static const struct pawl_pair headers[] = {{S("X-Run"), S("{run.id}")},
                                           {S("Authorization"), S("Bearer ${env:PAY}")},
                                           {S("X-Note"), S("for {args.id}")}};
static const struct pawl_pair own_type[] = {{S("content-type"), S("application/vnd.x+json")},
                                            {S("idempotency-key"), S("theirs")}};
static const struct pawl_str words[] = {S("/bin/mail"), S("--to"), S("{args.id}"), S("{args.n}{{x}")};

static const struct pawl_tool get = {NAMED,
                                     .method = S("GET"),
                                     .driver = PAWL_DRIVER_HTTP,
                                     .url = S("http://shop:8080/orders/{args.id}?n={args.n}"),
                                     .headers = headers,
                                     .headers_count = 3};
static const struct pawl_tool post = {NAMED, .method = S("POST"), .driver = PAWL_DRIVER_HTTP,
                                      .url = S("http://pay/refunds")};
static const struct pawl_tool typed = {NAMED,
                                       .method = S("PUT"),
                                       .driver = PAWL_DRIVER_HTTP,
                                       .url = S("http://pay/"),
                                       .headers = own_type,
                                       .headers_count = 2,
                                       .body = S("{\"order\": {\"$arg\": \"/args/id\"}, \"by\": \"pawl\"}")};
static const struct pawl_tool erase = {NAMED, .method = S("DELETE"), .driver = PAWL_DRIVER_HTTP,
                                       .url = S("http://pay")};
static const struct pawl_tool erase_with = {NAMED, .method = S("DELETE"), .driver = PAWL_DRIVER_HTTP,
                                            .url = S("http://pay"), .body = S("[{\"$arg\":\"/args/n\"}]")};
static const struct pawl_tool moved = {NAMED, .method = S("GET"), .driver = PAWL_DRIVER_HTTP,
                                       .url = S("http://{args.id}/x")};
static const struct pawl_tool mail = {NAMED, .driver = PAWL_DRIVER_COMMAND, .argv = words, .argv_count = 4};
static const struct pawl_tool mail_2 = {.name = S("m"),
                                        .key_header = S("PAWL_IDEMPOTENCY_KEY"),
                                        .driver = PAWL_DRIVER_COMMAND,
                                        .argv = words,
                                        .argv_count = 1};
static const struct pawl_tool function = {NAMED, .driver = PAWL_DRIVER_INPROCESS};

#define RUN ",\"run\":{\"id\":\"r-1\",\"key\":\"k\",\"agent\":\"a\",\"input\":\"i\"}}"
#define KEY "\"Idempotency-Key\":\"k-1\""
static const struct row {
    const struct pawl_tool *tool;
    const char *document, *want; /* want NULL: refused */
} rows[] = {
    {&get, "{\"args\":{\"id\":\"#W 7/../\\u00e9\",\"n\":1.50}" RUN,
     "{\"http\":{\"body\":null,\"headers\":{\"Authorization\":\"Bearer ${env:PAY}\"," KEY
     ",\"X-Note\":\"for #W 7/../\xc3\xa9\",\"X-Run\":\"r-1\"},\"method\":\"GET\","
     "\"url\":\"http://shop:8080/orders/%23W%207%2F..%2F%C3%A9?n=1.5\"}}"},
    {&get, "{\"args\":{\"n\":1}" RUN, NULL}, /* no id */
    {&get, "{\"args\":{\"id\":null,\"n\":1}" RUN, NULL},
    {&get, "{\"args\":{\"id\":\"..\",\"n\":1}" RUN, NULL},                /* would climb out of /orders/ */
    {&get, "{\"args\":{\"id\":\"7\\r\\nX-Admin: 1\",\"n\":1}" RUN, NULL}, /* would end the header's line */
    {&get, "{\"args\":{\"id\":\"${env:PAY}\",\"n\":1}" RUN, NULL}, /* would send a secret where it does not belong */
    {&get, "{\"args\":{\"id\":\"$\",\"n\":\"{env:PAY}\"}" RUN,
     "{\"http\":{\"body\":null,\"headers\":{\"Authorization\":\"Bearer ${env:PAY}\"," KEY
     ",\"X-Note\":\"for $\",\"X-Run\":\"r-1\"},\"method\":\"GET\","
     "\"url\":\"http://shop:8080/orders/%24?n=%7Benv%3APAY%7D\"}}"},
    {&moved, "{\"args\":{\"id\":\"evil\"}" RUN, NULL},
    {&post, "{\"args\":{\"z\":\"\xe2\x82\xac\",\"a\":9007199254740993}" RUN, /* as the model wrote it, every digit */
     "{\"http\":{\"body\":\"{\\\"z\\\":\\\"\xe2\x82\xac\\\",\\\"a\\\":9007199254740993}\","
     "\"headers\":{\"Content-Type\":\"application/json\"," KEY
     "},\"method\":\"POST\",\"url\":\"http://pay/refunds\"}}"},
    {&typed, "{\"args\":{\"id\":7}" RUN,
     "{\"http\":{\"body\":\"{\\\"order\\\":7,\\\"by\\\":\\\"pawl\\\"}\","
     "\"headers\":{" KEY ",\"content-type\":\"application/vnd.x+json\"},\"method\":\"PUT\",\"url\":\"http://pay/\"}}"},
    {&typed, "{\"args\":{}" RUN, NULL},
    {&erase, "{\"args\":{\"n\":1}" RUN,
     "{\"http\":{\"body\":null,\"headers\":{" KEY "},\"method\":\"DELETE\",\"url\":\"http://pay\"}}"},
    {&erase_with, "{\"args\":{\"n\":1}" RUN,
     "{\"http\":{\"body\":\"[1]\",\"headers\":{\"Content-Type\":\"application/json\"," KEY
     "},\"method\":\"DELETE\",\"url\":\"http://pay\"}}"},
    {&mail, "{\"args\":{\"id\":\"a b;$(c) 'd'\\n\",\"n\":[1,{\"x\":2}]}" RUN,
     "{\"command\":{\"argv\":[\"/bin/mail\",\"--to\",\"a b;$(c) 'd'\\n\",\"[1,{\\\"x\\\":2}]{x}\"],"
     "\"env\":{" KEY ",\"PAWL_IDEMPOTENCY_KEY\":\"k-1\"},"
     "\"stdin\":\"{\\\"id\\\":\\\"a b;$(c) 'd'\\\\n\\\",\\\"n\\\":[1,{\\\"x\\\":2}]}\"}}"},
    {&mail, "{\"args\":{\"id\":\"a\\u0000b\",\"n\":1}" RUN, NULL}, /* argv ends at a NUL */
    {&mail_2, "{\"args\":{}" RUN,
     "{\"command\":{\"argv\":[\"/bin/mail\"],\"env\":{\"PAWL_IDEMPOTENCY_KEY\":\"k-1\"},\"stdin\":\"{}\"}}"},
    {&function, "{\"args\":{\"z\":1.0,\"a\":[true,null]}" RUN,
     "{\"call\":{\"args\":{\"a\":[true,null],\"z\":1},\"key\":\"k-1\",\"name\":\"t\"}}"},
    {&function, "{\"args\":{\"a\":9007199254740993}" RUN, NULL}, /* no canonical form */
};

static void table(void)
{
    struct pawl_arena a;
    pawl_arena_init(&a, &memory.alloc);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pawl_error err = {.code = PAWL_OK};
        const char *got = rendered(rows[i].tool, rows[i].document, &a, &err);
        if (!CHECK_TEXT(got, rows[i].want)) printf("row %zu: %s\n", i, err.what);
        CHECK((err.what[0] != 0) == (rows[i].want == NULL));
    }
    pawl_arena_fini(&a);
}

static void without_memory(void)
{
    struct test_alloc t;
    const struct row *const some[] = {&rows[0], &rows[9], &rows[13], &rows[16]};
    for (size_t i = 0; i < 4; i++) {
        struct pawl_arena a;
        yyjson_val *doc = NULL;
        pawl_arena_init(&a, &memory.alloc);
        CHECK_INT(pawl_json_read(pawl_str_of(some[i]->document), &a, &doc, NULL), PAWL_OK);
        EVERY_FAILED_ALLOCATION(t) {
            struct pawl_buf out;
            pawl_buf_init(&out, &t.alloc);
            const int code = pawl_tool_render(NULL, some[i]->tool, doc, PAWL_STR("k-1"), &out, NULL);
            if (t.failed) CHECK_INT(code, PAWL_ENOMEM);
            else if (CHECK_INT(code, PAWL_OK)) CHECK_TEXT(pawl_buf_done(&out).p, some[i]->want);
            pawl_buf_fini(&out);
        }
        pawl_arena_fini(&a);
    }
}

int main(void)
{
    test_alloc_init(&memory, 0);
    table();
    CHECK_INT(memory.out_bytes, 0);
    without_memory();
    return TEST_END();
}
