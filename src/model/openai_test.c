/* src/model/openai_test.c - what is asked of a provider, byte for byte, and that a longer conversation begins alike. */
#include "base/test.h"
#include "contract/json.h"
#include "model/model.h"

#define S(literal)                   \
    {                                \
        literal, sizeof(literal) - 1 \
    }
static struct test_alloc memory;

static const struct pawl_pair headers[] = {{S("X-Team"), S("refunds")}, {S("X-Run"), S("{run.id}")}};
static const struct pawl_pair own_key[] = {{S("AUTHORIZATION"), S("Key ${env:K}")},
                                           {S("content-Type"), S("application/json; v=2")}};
static const struct pawl_model mini = {.name = S("main"),
                                       .base_url = S("http://ai/v1/"),
                                       .model = S("mini"),
                                       .api_key = S("${env:OPENAI_API_KEY}"),
                                       .headers = headers,
                                       .headers_count = 2};
static const struct pawl_model azure = {.name = S("az"),
                                        .base_url = S("http://ai/d?api-version=1"),
                                        .model = S("m"),
                                        .api_key = S("x"),
                                        .headers = own_key,
                                        .headers_count = 2};
static const struct pawl_model local = {.name = S("l"), .base_url = S("http://ai"), .model = S("m")};
static const struct pawl_model script = {.name = S("s"), .provider = PAWL_PROVIDER_SCRIPT};

static const struct pawl_tool find = {.name = S("find"),
                                      .description = S("Find \"it\"."),
                                      .input_json = S("{ \"type\": \"object\",  \"b\": 1.0, \"a\": 2 }")};
static const struct pawl_tool stop = {.name = S("stop")};
static const struct pawl_tool *const tools[] = {&find, &stop};

static const struct pawl_call calls[] = {{S("call_1"), S("find"), S("{\"q\": \"x\"")},
                                         {S("call_2"), S("functions.get it"), S("")}};
static const struct pawl_message talk[] = {
    {.role = PAWL_ROLE_SYSTEM, .content = S("Be brief.")},
    {.role = PAWL_ROLE_USER, .content = S("caf\xc3\xa9\n\xff")},
    {.role = PAWL_ROLE_ASSISTANT, .calls = calls, .calls_count = 2},
    {.role = PAWL_ROLE_TOOL, .content = S("[1]"), .call_id = S("call_1"), .name = S("find")},
    {.role = PAWL_ROLE_TOOL, .call_id = S("call_2")},
    {.role = PAWL_ROLE_ASSISTANT},
    {.role = PAWL_ROLE_ASSISTANT, .content = S("done"), .calls = calls, .calls_count = 1},
};

static const char *rendered(const struct pawl_model *m, uint32_t messages, uint32_t tools_count, struct pawl_str output,
                            struct pawl_arena *a)
{
    struct pawl_buf out;
    yyjson_val *document = NULL;
    pawl_buf_init_arena(&out, a);
    CHECK_INT(pawl_json_read(PAWL_STR("{\"args\":null,\"run\":{\"id\":\"run-7\"}}"), a, &document, NULL), PAWL_OK);
    CHECK_INT(pawl_model_render(document, m, talk, messages, tools, tools_count, output, &out, NULL), PAWL_OK);
    return pawl_buf_done(&out).p;
}

/* The body text and the rest of a request. */
static const char *body_of(const char *request, struct pawl_arena *a)
{
    yyjson_val *root = NULL;
    CHECK_INT(pawl_json_read(pawl_str_of(request), a, &root, NULL), PAWL_OK);
    return pawl_str_copy(a, pawl_json_value_str(pawl_json_at(root, PAWL_STR("/http/body")))).p;
}

#define HEAD(model) "{\"model\":\"" model "\",\"stream\":true,\"stream_options\":{\"include_usage\":true},"
static void requests(void)
{
    struct pawl_arena a;
    pawl_arena_init(&a, &memory.alloc);
    CHECK_TEXT(rendered(&local, 1, 0, (struct pawl_str){NULL, 0}, &a),
               "{\"http\":{\"body\":\"{\\\"model\\\":\\\"m\\\",\\\"stream\\\":true,"
               "\\\"stream_options\\\":{\\\"include_usage\\\":true},"
               "\\\"messages\\\":[{\\\"role\\\":\\\"system\\\",\\\"content\\\":\\\"Be brief.\\\"}]}\","
               "\"headers\":{\"Content-Type\":\"application/json\"},\"method\":\"POST\","
               "\"url\":\"http://ai/chat/completions\"}}");
    const char *whole = rendered(&mini, 7, 2, PAWL_STR("{\"type\": \"object\"}"), &a);
    CHECK(
        strstr(whole,
               "\"headers\":{\"Authorization\":\"Bearer ${env:OPENAI_API_KEY}\",\"Content-Type\":\"application/json\","
               "\"X-Run\":\"run-7\",\"X-Team\":\"refunds\"},\"method\":\"POST\","
               "\"url\":\"http://ai/v1/chat/completions\"}}") != NULL);
    CHECK_TEXT(
        body_of(whole, &a),
        HEAD("mini") "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"answer\","
                     "\"schema\":{\"type\": \"object\"}}},"
                     "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"find\",\"description\":\"Find "
                     "\\\"it\\\".\","
                     "\"parameters\":{ \"type\": \"object\",  \"b\": 1.0, \"a\": 2 }}},"
                     "{\"type\":\"function\",\"function\":{\"name\":\"stop\",\"parameters\":{\"type\":\"object\"}}}],"
                     "\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},"
                     "{\"role\":\"user\",\"content\":\"caf\xc3\xa9\\n\xef\xbf\xbd\"},"
                     "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
                     "{\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"find\","
                     "\"arguments\":\"{\\\"q\\\": \\\"x\\\"\"}},"
                     "{\"id\":\"call_2\",\"type\":\"function\",\"function\":{\"name\":\"functions_get_it\","
                     "\"arguments\":\"{}\"}}]},"
                     "{\"role\":\"tool\",\"tool_call_id\":\"call_1\",\"content\":\"[1]\"},"
                     "{\"role\":\"tool\",\"tool_call_id\":\"call_2\",\"content\":\"\"},"
                     "{\"role\":\"assistant\",\"content\":\"\"},"
                     "{\"role\":\"assistant\",\"content\":\"done\",\"tool_calls\":["
                     "{\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"find\","
                     "\"arguments\":\"{\\\"q\\\": \\\"x\\\"\"}}]}]}");
    const char *own = rendered(&azure, 1, 0, (struct pawl_str){NULL, 0}, &a);
    CHECK(strstr(own, "\"headers\":{\"AUTHORIZATION\":\"Key ${env:K}\",\"content-Type\":\"application/json; v=2\"},") !=
          NULL);
    CHECK(strstr(own, "\"url\":\"http://ai/d/chat/completions?api-version=1\"") != NULL);
    CHECK_TEXT(rendered(&script, 1, 2, (struct pawl_str){NULL, 0}, &a), "{\"script\":{\"turn\":0}}");
    CHECK_TEXT(rendered(&script, 7, 2, (struct pawl_str){NULL, 0}, &a), "{\"script\":{\"turn\":3}}");
    pawl_arena_fini(&a);
}

/* Each request is the one before, but for its two closing brackets, and more. */
static void one_begins_the_next(void)
{
    struct pawl_arena a;
    pawl_arena_init(&a, &memory.alloc);
    const char *before = body_of(rendered(&mini, 1, 2, (struct pawl_str){NULL, 0}, &a), &a);
    for (uint32_t n = 2; n <= 7; n++) {
        const char *again = body_of(rendered(&mini, n, 2, (struct pawl_str){NULL, 0}, &a), &a);
        const char *now = body_of(rendered(&mini, n, 2, (struct pawl_str){NULL, 0}, &a), &a);
        CHECK_TEXT(now, again);
        CHECK(strncmp(now, before, strlen(before) - 2) == 0);
        before = now;
    }
    pawl_arena_fini(&a);
}

static void without_memory(void)
{
    struct test_alloc t;
    struct pawl_arena a;
    yyjson_val *document = NULL;
    pawl_arena_init(&a, &memory.alloc);
    CHECK_INT(pawl_json_read(PAWL_STR("{\"run\":{\"id\":\"run-7\"}}"), &a, &document, NULL), PAWL_OK);
    EVERY_FAILED_ALLOCATION(t) {
        struct pawl_buf out;
        pawl_buf_init(&out, &t.alloc);
        const int code = pawl_model_render(document, &mini, talk, 7, tools, 2, PAWL_STR("{}"), &out, NULL);
        CHECK_INT(code, t.failed ? PAWL_ENOMEM : PAWL_OK);
        pawl_buf_fini(&out);
    }
    pawl_arena_fini(&a);
}

int main(void)
{
    test_alloc_init(&memory, 0);
    requests();
    one_begins_the_next();
    CHECK_INT(memory.out_bytes, 0);
    without_memory();
    return TEST_END();
}
