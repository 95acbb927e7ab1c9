/* src/model/openai_read_test.c - answers whole, streamed, cut and refused; no answer is taken from half of one. */
#include "base/test.h"
#include "contract/json.h"
#include "model/model.h"

static struct test_alloc memory;
static struct pawl_arena arena;
static const struct pawl_model model = {.name = {"main", 4}};

static struct pawl_outcome read_reply(const struct pawl_reply *r)
{
    struct pawl_outcome o;
    pawl_arena_reset(&arena);
    pawl_model_read(&model, r, &arena, &o);
    CHECK((o.applied == PAWL_APPLIED_YES) == (o.error_class == PAWL_CLASS_NONE));
    CHECK((o.applied == PAWL_APPLIED_YES) == (o.result.p != NULL));
    CHECK(o.applied == PAWL_APPLIED_YES || o.message.n > 0);
    CHECK(!(o.retry && o.no_money));
    return o;
}

#define CHOICE(rest) \
    "{\"id\":\"c\",\"object\":\"chat.completion\",\"new\":{\"x\":[]},\"choices\":[{\"index\":0," rest "}]}"
#define MESSAGE(rest, finish) CHOICE("\"message\":{\"role\":\"assistant\"," rest "},\"finish_reason\":" finish)
#define CALL(i, n, args) "{\"id\":" i ",\"type\":\"function\",\"function\":{\"name\":" n ",\"arguments\":" args "}}"
#define OUT(content, calls, finish) "{\"content\":" content ",\"tool_calls\":[" calls "],\"finish\":\"" finish "\"}"
#define OUT_CALL(i, n, args) "{\"id\":\"" i "\",\"name\":\"" n "\",\"arguments\":\"" args "\"}"

#define CHUNK(rest) "data: {\"object\":\"chat.completion.chunk\",\"choices\":[" rest "],\"usage\":null}\n\n"
#define DELTA(rest) CHUNK("{\"index\":0,\"delta\":{" rest "},\"finish_reason\":null}")
#define END(finish) CHUNK("{\"index\":0,\"delta\":{},\"finish_reason\":\"" finish "\"}")
#define USAGE                                                                                           \
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3,\"total_tokens\":12," \
    "\"prompt_tokens_details\":{\"cached_tokens\":4}}}\n\n"
#define DONE "data: [DONE]\n\n"
#define TEXT_STREAM \
    DELTA("\"role\":\"assistant\",\"content\":\"\"") DELTA("\"content\":\"Hel\"") DELTA("\"content\":\"lo\"")

static const struct row {
    const char *body, *result; /* result NULL: malformed, ask again */
} answers[] = {
    {MESSAGE("\"content\":\"Hi \\u00e9\"", "\"stop\""), OUT("\"Hi \xc3\xa9\"", "", "stop")},
    {" \r\n\xef\xbb\xbf", NULL},
    {"\xef\xbb\xbf " MESSAGE("\"content\":\"a\"", "\"stop\""), OUT("\"a\"", "", "stop")},
    {MESSAGE("\"content\":null,\"tool_calls\":[" CALL("\"c1\"", "\"add\"", "\"{\\\"a\\\": 1}\"") "]", "\"tool_calls\""),
     OUT("null", OUT_CALL("c1", "add", "{\\\"a\\\": 1}"), "tool_calls")},
    {MESSAGE("\"content\":\"both\",\"tool_calls\":[" CALL("\"c1\"", "\"add\"", "\"\"") "]",
             "\"stop\""), /* "stop", and calls */
     OUT("\"both\"", OUT_CALL("c1", "add", "{}"), "tool_calls")},
    {MESSAGE("\"tool_calls\":[" CALL("\"c1\"", "\"add\"", "{\"a\": 1}") "]", "null"), /* an object for a text */
     OUT("null", OUT_CALL("c1", "add", "{\\\"a\\\":1}"), "tool_calls")},
    {MESSAGE("\"tool_calls\":[" CALL("\"c1\"", "\"add\"", "\"{\\\"a\"") "]", "\"length\""), /* cut: stays text */
     OUT("null", OUT_CALL("c1", "add", "{\\\"a"), "length")},
    {MESSAGE("\"tool_calls\":[" CALL("null", "\"a\"", "\"1\"") "," CALL("\"\"", "\"b\"", "\"2\"") "," CALL(
                 "\"call_2\"", "\"c\"", "\"3\"") "," CALL("\"call_2\"", "\"d\"", "\"4\"") "]",
             "\"tool_calls\""), /* no ids, and one twice */
     OUT("null",
         OUT_CALL("call_1", "a", "1") "," OUT_CALL("call_3", "b", "2") "," OUT_CALL("call_2", "c", "3") "," OUT_CALL(
             "call_4", "d", "4"),
         "tool_calls")},
    {MESSAGE("\"tool_calls\":[" CALL("\"c1\"", "\"\"", "\"{}\"") "]", "\"tool_calls\""), NULL}, /* no name */
    {MESSAGE("\"content\":null,\"refusal\":\"No.\"", "\"stop\""),
     "{\"content\":null,\"tool_calls\":[],\"finish\":\"stop\",\"refusal\":\"No.\"}"},
    {MESSAGE("\"content\":\"a\",\"refusal\":null,\"tool_calls\":null", "\"content_filter\""),
     OUT("\"a\"", "", "content_filter")},
    {MESSAGE("\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"image\",\"text\":\"x\"},{\"type\":\"text\","
             "\"text\":\"b\"},7]",
             "\"eos\""),
     OUT("\"ab\"", "", "stop")},
    {MESSAGE("\"content\":\"a\"", "\"max_tokens\""), OUT("\"a\"", "", "length")},
    {"{\"choices\":[{\"message\":{\"content\":\"a\"}}],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2,"
     "\"prompt_tokens_details\":{\"cached_tokens\":50}}}",
     "{\"content\":\"a\",\"tool_calls\":[],\"finish\":\"stop\",\"usage\":{\"input\":5,\"cached\":5,\"output\":2}}"},
    {"{\"choices\":[{\"message\":{\"content\":\"a\"}}],\"usage\":{\"prompt_tokens\":-5,\"completion_tokens\":2}}",
     OUT("\"a\"", "", "stop")},
    {"{\"choices\":[{\"message\":{\"content\":\"a\"}}],\"usage\":\"much\",\"error\":null}", OUT("\"a\"", "", "stop")},
    {"{\"choices\":[{\"index\":1,\"message\":{\"content\":\"b\"}},{\"index\":0,\"message\":{\"content\":\"a\"}}]}",
     OUT("\"a\"", "", "stop")},
    {"{\"choices\":[]}", NULL},
    {"{\"choices\":[{\"index\":0}]}", NULL},
    {"{\"choices\":[{\"message\":null}]}", NULL},
    {"{\"choices\":{}}", NULL},
    {"{}", NULL},
    {"[]", NULL},
    {"null", NULL},
    {"", NULL},
    {"OK", NULL},
    {"<!DOCTYPE html><title>Sign in</title>", NULL},
    {"{\"choices\":[{\"message\":{\"content\":\"a", NULL},
    {"{\"choices\":[{\"message\":{\"content\":\"a\",\"content\":\"b\"}}]}", NULL},
    /* streams */
    {TEXT_STREAM END("stop") USAGE DONE,
     "{\"content\":\"Hello\",\"tool_calls\":[],\"finish\":\"stop\",\"usage\":{\"input\":9,\"cached\":4,\"output\":3}}"},
    {TEXT_STREAM END("length") DONE, OUT("\"Hello\"", "", "length")},
    {TEXT_STREAM END("stop"), OUT("\"Hello\"", "", "stop")}, /* no mark, but a finish reason */
    {TEXT_STREAM DONE, OUT("\"Hello\"", "", "stop")},        /* a mark, but no finish reason */
    {TEXT_STREAM, NULL},                                     /* neither: cut */
    {TEXT_STREAM "data: [DONE]\n", NULL},                    /* the mark's own event was cut */
    {TEXT_STREAM "data: [DONE] bye\n\ndata: {not JSON\n\n", OUT("\"Hello\"", "", "stop")},
    {TEXT_STREAM "data: {\"choices\":[{\"index\":0,\"del", NULL},
    {TEXT_STREAM "data: {\"choices\":[{\"index\":0,\"del\n\n" DONE, NULL},
    {TEXT_STREAM "data: {\"choices\":[{\"delta\":{\"content\":\"\xff\"}}]}\n\n" DONE,
     NULL}, /* not UTF-8: not what it said */
    {": keep\n\n" TEXT_STREAM ": keep\n\ndata:\n\nevent: ping\ndata: x\n\nretry: 5\n\n" END("stop") DONE,
     OUT("\"Hello\"", "", "stop")},
    {"event: x\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\r\n\r\n",
     OUT("\"a\"", "", "stop")},
    {DONE, NULL},
    {USAGE DONE, NULL},
    {CHUNK("") DONE, NULL},
    {": nothing\n\n", NULL},
    {CHUNK("{\"index\":1,\"delta\":{\"content\":\"other\"},\"finish_reason\":\"stop\"}") DONE, NULL}, /* none of ours */
    {DELTA("\"role\":\"assistant\",\"refusal\":\"No\"") DELTA("\"refusal\":\", no.\"") END("stop") DONE,
     "{\"content\":null,\"tool_calls\":[],\"finish\":\"stop\",\"refusal\":\"No, no.\"}"},
    {DELTA("\"content\":\"a\",\"obfuscation\":\"xyz\"") END("content_filter") DONE, OUT("\"a\"", "", "content_filter")},
    /* calls in a stream: pieces by index, two indexes mixed in one chunk, a later index first */
    {DELTA("\"content\":null,\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"type\":\"function\","
           "\"function\":{\"name\":\"add\",\"arguments\":\"\"}}]")
         DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"a\\\"\"}},{\"index\":1,\"id\":\"c2\","
               "\"function\":{\"name\":\"sub\",\"arguments\":\"{\"}}]")
             DELTA("\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":\"}\"}},{\"index\":0,"
                   "\"function\":{\"arguments\":\":1}\"}}]") END("tool_calls") DONE,
     OUT("null", OUT_CALL("c1", "add", "{\\\"a\\\":1}") "," OUT_CALL("c2", "sub", "{}"), "tool_calls")},
    {DELTA("\"tool_calls\":[{\"index\":1,\"id\":\"c2\",\"function\":{\"name\":\"sub\",\"arguments\":\"2\"}}]")
         DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"function\":{\"name\":\"add\",\"arguments\":\"1\"}}]")
             END("tool_calls") DONE,
     OUT("null", OUT_CALL("c1", "add", "1") "," OUT_CALL("c2", "sub", "2"), "tool_calls")},
    /* all of index 0, told apart by id; ids repeated in each piece; no index at all; no id at all */
    {DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"function\":{\"name\":\"add\",\"arguments\":\"1\"}}]")
         DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"c2\",\"function\":{\"name\":\"add\",\"arguments\":\"2\"}}]")
             END("stop") DONE,
     OUT("null", OUT_CALL("c1", "add", "1") "," OUT_CALL("c2", "add", "2"), "tool_calls")},
    {DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"function\":{\"name\":\"add\",\"arguments\":\"[\"}}]")
         DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"function\":{\"name\":\"add\",\"arguments\":\"]\"}}]")
             END("tool_calls") DONE,
     OUT("null", OUT_CALL("c1", "add", "[]"), "tool_calls")},
    {DELTA("\"tool_calls\":[{\"id\":\"c1\",\"function\":{\"name\":\"add\",\"arguments\":\"[\"}}]")
         DELTA("\"tool_calls\":[{\"function\":{\"arguments\":\"]\"}}]")
             DELTA("\"tool_calls\":[{\"id\":\"c2\",\"function\":{\"name\":\"sub\",\"arguments\":\"{}\"}}]")
                 END("tool_calls") DONE,
     OUT("null", OUT_CALL("c1", "add", "[]") "," OUT_CALL("c2", "sub", "{}"), "tool_calls")},
    {DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"add\",\"arguments\":\"{}\"}}]") END("tool_calls")
         DONE,
     OUT("null", OUT_CALL("call_1", "add", "{}"), "tool_calls")},
    {DELTA("\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"function\":{\"arguments\":\"{}\"}}]") END("tool_calls") DONE,
     NULL}, /* no name */
    {DELTA("\"tool_calls\":[7,null,{}]") END("tool_calls") DONE, NULL},
    {DELTA("\"tool_calls\":{\"index\":0},\"content\":\"a\"") END("stop") DONE, OUT("\"a\"", "", "stop")},
    /* whole messages under a stream's roof are not seen */
    {"data: " MESSAGE("\"content\":\"a\"", "\"stop\"") "\n\n", NULL},
};

static void whole_answers(void)
{
    static const char *const types[] = {"application/json", "text/event-stream; charset=utf-8", "text/plain"};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        for (size_t k = 0; k < 3; k++) { /* the type says nothing that the body does not */
            const struct pawl_reply r = {.transport = PAWL_ANSWERED,
                                         .status = 200,
                                         .type = pawl_str_of(types[k]),
                                         .body = pawl_str_of(answers[i].body)};
            const struct pawl_outcome o = read_reply(&r);
            if (!CHECK_TEXT(o.result.p, answers[i].result)) printf("row %zu: %s\n", i, o.message.p);
            if (answers[i].result == NULL)
                CHECK(o.error_class == PAWL_CLASS_MALFORMED && o.retry && o.applied == PAWL_APPLIED_UNKNOWN);
        }
    }
}

/* Cut anywhere a stream is no answer until its last events, and a JSON body not before its last byte. */
static void cut_anywhere(void)
{
    const char *stream = TEXT_STREAM END("stop") USAGE DONE;
    const size_t needed = strlen(TEXT_STREAM END("stop"));
    for (size_t n = 0; n <= strlen(stream); n++) {
        struct pawl_reply r = {.transport = PAWL_ANSWERED, .status = 200, .body = {stream, (uint32_t)n}};
        CHECK_INT(read_reply(&r).applied, n >= needed ? PAWL_APPLIED_YES : PAWL_APPLIED_UNKNOWN);
        r.transport = PAWL_LOST; /* the same where the connection ended badly: the answer was whole by then */
        CHECK_INT(read_reply(&r).applied, n >= needed ? PAWL_APPLIED_YES : PAWL_APPLIED_UNKNOWN);
        r.transport = PAWL_NO_ANSWER;
        CHECK_INT(read_reply(&r).error_class, n >= needed ? PAWL_CLASS_NONE : PAWL_CLASS_TIMEOUT);
        r.transport = PAWL_STOPPED;
        CHECK_INT(read_reply(&r).applied, PAWL_APPLIED_UNKNOWN);
    }
    const char *json = MESSAGE("\"content\":\"a\"", "\"stop\"");
    for (size_t n = 0; n < strlen(json); n++) {
        const struct pawl_reply r = {.transport = PAWL_ANSWERED, .status = 200, .body = {json, (uint32_t)n}};
        CHECK_INT(read_reply(&r).error_class, PAWL_CLASS_MALFORMED);
    }
    const struct pawl_reply r = {.transport = PAWL_LOST, .status = 200, .body = pawl_str_of(json)};
    CHECK_INT(read_reply(&r).error_class, PAWL_CLASS_UNAVAILABLE);
}

#define ERROR(type, code) "{\"error\":{\"message\":\"no\",\"type\":\"" type "\",\"param\":null,\"code\":" code "}}"
enum { AGAIN = 1, POOR = 2 };
static void failures(void)
{
    static const struct {
        int status;
        const char *body, *should;
        enum pawl_applied applied;
        int error_class, flags;
    } rows[] = {
        {400, ERROR("invalid_request_error", "\"context_length_exceeded\""), NULL, PAWL_APPLIED_NO, PAWL_CLASS_REJECTED,
         0},
        {400, ERROR("x", "null"), "true", PAWL_APPLIED_NO, PAWL_CLASS_REJECTED, AGAIN},
        {401, ERROR("invalid_request_error", "\"invalid_api_key\""), NULL, PAWL_APPLIED_NO, PAWL_CLASS_UNAUTHORIZED, 0},
        {402, "", NULL, PAWL_APPLIED_NO, PAWL_CLASS_REJECTED, POOR},
        {402, "", "true", PAWL_APPLIED_NO, PAWL_CLASS_REJECTED, POOR}, /* no waiting brings money */
        {403, "", NULL, PAWL_APPLIED_NO, PAWL_CLASS_UNAUTHORIZED, 0},
        {404, ERROR("invalid_request_error", "\"model_not_found\""), NULL, PAWL_APPLIED_NO, PAWL_CLASS_REJECTED, 0},
        {408, "", NULL, PAWL_APPLIED_UNKNOWN, PAWL_CLASS_TIMEOUT, AGAIN},
        {409, "", NULL, PAWL_APPLIED_NO, PAWL_CLASS_UNAVAILABLE, AGAIN},
        {422, "", NULL, PAWL_APPLIED_NO, PAWL_CLASS_REJECTED, 0},
        {429, ERROR("tokens", "\"rate_limit_exceeded\""), NULL, PAWL_APPLIED_NO, PAWL_CLASS_RATE_LIMITED, AGAIN},
        {429, ERROR("tokens", "\"rate_limit_exceeded\""), "false", PAWL_APPLIED_NO, PAWL_CLASS_RATE_LIMITED, 0},
        {429, ERROR("rate_limit_error", "\"slow_down\""), NULL, PAWL_APPLIED_NO, PAWL_CLASS_RATE_LIMITED, AGAIN},
        {429, ERROR("insufficient_quota", "\"insufficient_quota\""), NULL, PAWL_APPLIED_NO, PAWL_CLASS_RATE_LIMITED,
         POOR},
        {429, ERROR("insufficient_quota", "\"credit_balance_exhausted\""), "true", PAWL_APPLIED_NO,
         PAWL_CLASS_RATE_LIMITED, POOR},
        {429, ERROR("insufficient_quota", "\"project_spend_limit_exceeded\""), NULL, PAWL_APPLIED_NO,
         PAWL_CLASS_RATE_LIMITED, POOR},
        {429, ERROR("insufficient_quota", "\"some_new_limit\""), NULL, PAWL_APPLIED_NO, PAWL_CLASS_RATE_LIMITED, POOR},
        {429, "{\"message\":\"no\",\"code\":\"organization_usage_limit_exceeded\"}", NULL, PAWL_APPLIED_NO,
         PAWL_CLASS_RATE_LIMITED, POOR},
        {429, "slow down", NULL, PAWL_APPLIED_NO, PAWL_CLASS_RATE_LIMITED, AGAIN},
        {429, "{\"error\":\"insufficient_quota\"}", NULL, PAWL_APPLIED_NO, PAWL_CLASS_RATE_LIMITED,
         AGAIN}, /* words of a message say nothing */
        {500, ERROR("server_error", "null"), NULL, PAWL_APPLIED_UNKNOWN, PAWL_CLASS_UNAVAILABLE, AGAIN},
        {500, ERROR("server_error", "null"), "false", PAWL_APPLIED_UNKNOWN, PAWL_CLASS_UNAVAILABLE, 0},
        {503, ERROR("service_unavailable_error", "\"server_is_overloaded\""), NULL, PAWL_APPLIED_UNKNOWN,
         PAWL_CLASS_OVERLOADED, AGAIN},
        {503, "<html>", NULL, PAWL_APPLIED_UNKNOWN, PAWL_CLASS_UNAVAILABLE, AGAIN},
        {504, "", NULL, PAWL_APPLIED_UNKNOWN, PAWL_CLASS_TIMEOUT, AGAIN},
        {529, "", NULL, PAWL_APPLIED_UNKNOWN, PAWL_CLASS_OVERLOADED, AGAIN},
        {302, "", NULL, PAWL_APPLIED_NO, PAWL_CLASS_REJECTED, 0},
        {101, "", NULL, PAWL_APPLIED_UNKNOWN, PAWL_CLASS_MALFORMED, AGAIN},
        /* under a 200, whole or in a stream */
        {200, ERROR("server_error", "null"), NULL, PAWL_APPLIED_UNKNOWN, PAWL_CLASS_UNAVAILABLE, AGAIN},
        {200, ERROR("x", "429"), NULL, PAWL_APPLIED_UNKNOWN, PAWL_CLASS_RATE_LIMITED, AGAIN},
        {200, ERROR("x", "402"), NULL, PAWL_APPLIED_UNKNOWN, PAWL_CLASS_REJECTED, POOR},
        {200, ERROR("x", "99"), NULL, PAWL_APPLIED_UNKNOWN, PAWL_CLASS_UNAVAILABLE, AGAIN},
        {200, "{\"error\":\"gone\",\"choices\":[]}", NULL, PAWL_APPLIED_UNKNOWN, PAWL_CLASS_UNAVAILABLE, AGAIN},
        {200, TEXT_STREAM "data: " ERROR("server_error", "null") "\n\n" DONE, NULL, PAWL_APPLIED_UNKNOWN,
         PAWL_CLASS_UNAVAILABLE, AGAIN},
        {200, "data: " ERROR("x", "\"rate_limit_exceeded\"") "\n\n", NULL, PAWL_APPLIED_UNKNOWN,
         PAWL_CLASS_RATE_LIMITED, AGAIN},
        {200, "data: " ERROR("x", "\"insufficient_quota\"") "\n\n", NULL, PAWL_APPLIED_UNKNOWN, PAWL_CLASS_RATE_LIMITED,
         POOR},
        {200, "data: " ERROR("x", "\"context_length_exceeded\"") "\n\n", NULL, PAWL_APPLIED_UNKNOWN,
         PAWL_CLASS_REJECTED, 0},
        {200, "event: error\ndata: {\"type\":\"overloaded_error\",\"message\":\"busy\"}\n\n", NULL,
         PAWL_APPLIED_UNKNOWN, PAWL_CLASS_OVERLOADED, AGAIN},
        {200, "event: error\ndata: busy\n\n" DONE, NULL, PAWL_APPLIED_UNKNOWN, PAWL_CLASS_MALFORMED, AGAIN},
        {200, TEXT_STREAM END("error") DONE, NULL, PAWL_APPLIED_UNKNOWN, PAWL_CLASS_UNAVAILABLE, AGAIN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct pawl_reply r = {.transport = PAWL_ANSWERED,
                                     .status = rows[i].status,
                                     .body = pawl_str_of(rows[i].body),
                                     .should_retry = pawl_str_of(rows[i].should),
                                     .retry_after = PAWL_STR("2")};
        const struct pawl_outcome o = read_reply(&r);
        const int flags = (o.retry ? AGAIN : 0) | (o.no_money ? POOR : 0);
        if (!CHECK(o.applied == rows[i].applied && (int)o.error_class == rows[i].error_class &&
                   flags == rows[i].flags)) {
            printf("row %zu: applied %d, class %d, flags %d: %s\n", i, (int)o.applied, (int)o.error_class, flags,
                   o.message.p);
        }
        CHECK_INT(o.retry_after_ns, INT64_C(2000000000));
    }
    const struct pawl_reply shown = {.transport = PAWL_ANSWERED,
                                     .status = 400,
                                     .body = PAWL_STR("{\"error\":{\"message\":\"too\\u001b[2J long\"}}")};
    CHECK_TEXT(read_reply(&shown).message.p, "HTTP 400: too\\x1b[2J long");
    const struct pawl_reply large = {.transport = PAWL_TOO_LARGE, .status = 200, .body = PAWL_STR("{")};
    CHECK(read_reply(&large).error_class == PAWL_CLASS_MALFORMED && !read_reply(&large).retry);
    const struct pawl_reply unsent = {.transport = PAWL_NOT_SENT, .detail = PAWL_STR("no such host")};
    CHECK(read_reply(&unsent).applied == PAWL_APPLIED_NO && read_reply(&unsent).retry);
}

/* 128 calls are read; one more, and it is no answer, in time that does not grow with the square of what was sent. */
static void many_calls(void)
{
    for (int count = 128; count <= 50000; count += 49872) {
        struct pawl_buf b;
        pawl_buf_init(&b, &memory.alloc);
        for (int i = 0; i < count; i++) {
            pawl_buf_printf(
                &b,
                "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":%d,\"function\":{\"name\":\"f\"}}]}}]}\n\n",
                i);
        }
        pawl_buf_text(&b, DONE);
        const struct pawl_reply r = {.transport = PAWL_ANSWERED, .status = 200, .body = pawl_buf_done(&b)};
        CHECK_INT(read_reply(&r).applied, count == 128 ? PAWL_APPLIED_YES : PAWL_APPLIED_UNKNOWN);
        pawl_buf_fini(&b);
    }
}

static void without_memory(void)
{
    static const char *const bodies[] = {
        MESSAGE("\"content\":\"a\",\"tool_calls\":[" CALL("\"c1\"", "\"add\"", "\"{}\"") "]", "\"stop\""),
        TEXT_STREAM DELTA("\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"add\",\"arguments\":\"{}\"}}]")
            END("stop") USAGE DONE};
    struct test_alloc t;
    for (size_t i = 0; i < 2; i++) {
        const struct pawl_reply r = {.transport = PAWL_ANSWERED, .status = 200, .body = pawl_str_of(bodies[i])};
        const struct pawl_outcome o = read_reply(&r);
        char want[300];
        snprintf(want, sizeof want, "%s", o.result.p);
        EVERY_FAILED_ALLOCATION(t) {
            struct pawl_arena a;
            struct pawl_outcome out;
            pawl_arena_init(&a, &t.alloc);
            pawl_model_read(&model, &r, &a, &out);
            if (out.applied == PAWL_APPLIED_YES) CHECK_TEXT(out.result.p, want); /* all of it or nothing */
            else CHECK_INT(out.error_class, PAWL_CLASS_INTERNAL);
            pawl_arena_fini(&a);
        }
    }
}

int main(void)
{
    test_alloc_init(&memory, 0);
    pawl_arena_init(&arena, &memory.alloc);
    whole_answers();
    cut_anywhere();
    failures();
    many_calls();
    without_memory();
    pawl_arena_fini(&arena);
    CHECK_INT(memory.out_bytes, 0);
    return TEST_END();
}
