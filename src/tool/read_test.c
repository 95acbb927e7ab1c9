/* src/tool/read_test.c - LEDGER 2, row by row, and what each answer is worth beside it. */
#include "base/test.h"
#include "tool/tool.h"

static struct test_alloc memory;
static struct pawl_arena arena;
static struct pawl_str text(const char *s)
{
    return pawl_str_of(s);
}

static struct pawl_outcome read_as(const struct pawl_tool *t, const struct pawl_reply *reply, bool keyed_resend)
{
    struct pawl_outcome out;
    pawl_arena_reset(&arena);
    pawl_tool_read(t, reply, keyed_resend, &arena, &out);
    return out;
}

static const struct pawl_tool post = {.driver = PAWL_DRIVER_HTTP,
                                      .method = {"POST", 4},
                                      .effect = PAWL_EFFECT_MUTATE,
                                      .key_declared = true};
static const struct pawl_tool get = {.driver = PAWL_DRIVER_HTTP, .method = {"GET", 3}, .effect = PAWL_EFFECT_READ};
static const struct pawl_tool head = {.driver = PAWL_DRIVER_HTTP, .method = {"HEAD", 4}, .effect = PAWL_EFFECT_READ};
static const struct pawl_tool command = {.driver = PAWL_DRIVER_COMMAND};
static const struct pawl_tool function = {.driver = PAWL_DRIVER_INPROCESS};
#define YES PAWL_APPLIED_YES
#define NO PAWL_APPLIED_NO
#define UNKNOWN PAWL_APPLIED_UNKNOWN
#define UNUSABLE PAWL_APPLIED_UNUSABLE
#define RUNNING PAWL_APPLIED_RUNNING
#define ACCEPTED PAWL_APPLIED_ACCEPTED

/* LEDGER 2 as it is written, read out again and not taken from read.c. */
static enum pawl_applied ledger_2(int status, bool parses, bool keyed_resend)
{
    if (status == 202) return ACCEPTED;
    if (status == 204 || status == 205) return YES; /* no body is what they say */
    if (status >= 200 && status <= 299) return parses ? YES : UNKNOWN;
    if (status == 409 && keyed_resend) return RUNNING; /* LEDGER 1 */
    if (status >= 300 && status <= 399) return NO;     /* 3xx not followed */
    if (status >= 400 && status <= 407) return NO;
    if (status >= 409 && status <= 424) return NO;
    if (status >= 426 && status <= 431) return NO;
    if (status == 451) return NO;
    if (status == 425 || status == 429) return NO;
    return UNKNOWN; /* 408, 503 with or without Retry-After, other 5xx, and what nobody has said */
}

static void every_status(void)
{
    const struct pawl_tool *const tools[] = {&post, &get};
    for (int status = 100; status <= 599; status++) {
        for (int way = 0; way < 16; way++) {
            const bool parses = way & 1, resend = way & 2, after = way & 4;
            const struct pawl_tool *t = tools[(way & 8) != 0];
            struct pawl_reply r = {.transport = PAWL_ANSWERED, .status = status};
            r.body = parses ? PAWL_STR("{\"error\":\"no\"}") : PAWL_STR("<html>no</html>");
            if (after) r.retry_after = PAWL_STR("7");
            const struct pawl_outcome o = read_as(t, &r, resend);
            if (o.applied != ledger_2(status, parses, resend)) printf("status %d, way %d:\n", status, way);
            CHECK_INT(o.applied, ledger_2(status, parses, resend));
            CHECK((o.applied == YES) == (o.error_class == PAWL_CLASS_NONE));
            if (o.applied == RUNNING || o.applied == ACCEPTED) {
                CHECK_INT(o.error_class, t == &get ? PAWL_CLASS_UNAVAILABLE : PAWL_CLASS_IN_DOUBT);
                CHECK_INT(o.retry, t == &get || o.applied == RUNNING);
            }
            CHECK_INT(o.retry_after_ns, after ? INT64_C(7000000000) : -1);
            CHECK((o.applied == YES) == (o.result.p != NULL) || o.applied == ACCEPTED);
            CHECK(o.applied == YES || o.message.n > 0);
            CHECK_INT(o.no_money, status == 402);
        }
    }
}

static void every_exit(void)
{
    for (int status = 0; status <= 255; status++) {
        const struct pawl_reply r = {.transport = PAWL_ANSWERED, .status = status, .body = PAWL_STR("{}")};
        const struct pawl_outcome o = read_as(&command, &r, false);
        CHECK_INT(o.applied, status == 0 ? YES : UNKNOWN);
        CHECK_INT(o.already_done, false);
    }
}

/* A function's own verdict counts, whatever its code; without one nothing is known. */
static void every_verdict(void)
{
    for (int code = -25; code <= 1; code++) {
        for (int verdict = NO; verdict <= ACCEPTED; verdict++) {
            struct pawl_reply r = {.transport = PAWL_ANSWERED, .status = code, .body = PAWL_STR("{}")};
            CHECK_INT(read_as(&function, &r, false).applied, UNKNOWN);
            r.verdict = (enum pawl_applied)verdict;
            r.has_verdict = true;
            CHECK_INT(read_as(&function, &r, true).applied, verdict);
            CHECK((verdict == YES) == (read_as(&function, &r, true).message.n == 0));
        }
    }
}

static void every_transport(void)
{
    static const struct {
        enum pawl_transport transport;
        int applied, error_class;
        bool retry;
    } rows[] = {
        {PAWL_NOT_SENT, NO, PAWL_CLASS_UNAVAILABLE, true},
        {PAWL_LOST, UNKNOWN, PAWL_CLASS_UNAVAILABLE, true},
        {PAWL_NO_ANSWER, UNKNOWN, PAWL_CLASS_TIMEOUT, true},
        {PAWL_KILLED, UNKNOWN, PAWL_CLASS_UNAVAILABLE, true},
        {PAWL_OWNER_CRASHED, UNKNOWN, PAWL_CLASS_UNAVAILABLE, true},
        {PAWL_STOPPED, UNKNOWN, PAWL_CLASS_CANCELLED, false},
    };
    const struct pawl_error_rule rule = {.status = 0, .applied = PAWL_APPLIED_NO, .error_class = PAWL_CLASS_REJECTED};
    struct pawl_tool tools[] = {post, get, command, function};
    for (size_t k = 0; k < 4; k++) {
        tools[k].errors = &rule; /* a rule speaks of an answer, and there was none */
        tools[k].errors_count = 1;
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            for (int status = 0; status <= 400;
                 status += 200) { /* a status that had come before says nothing any more */
                const struct pawl_reply r = {.transport = rows[i].transport,
                                             .status = status,
                                             .body = PAWL_STR("{}"),
                                             .detail = PAWL_STR("reset by\x1b[2J peer")};
                const struct pawl_outcome o = read_as(&tools[k], &r, true);
                CHECK_INT(o.applied, rows[i].applied);
                CHECK_INT(o.error_class, rows[i].error_class);
                CHECK_INT(o.retry, rows[i].retry);
                CHECK(o.result.p == NULL);
                CHECK(strstr(o.message.p, ": reset by\\x1b[2J peer") != NULL);
            }
        }
    }
}

static void classes(void)
{
    static const struct {
        int status, error_class;
        bool retry;
    } rows[] = {
        {400, PAWL_CLASS_REJECTED, false},     {401, PAWL_CLASS_UNAUTHORIZED, false},
        {403, PAWL_CLASS_UNAUTHORIZED, false}, {404, PAWL_CLASS_REJECTED, false},
        {407, PAWL_CLASS_UNAUTHORIZED, false}, {408, PAWL_CLASS_TIMEOUT, true},
        {409, PAWL_CLASS_REJECTED, false},     {422, PAWL_CLASS_REJECTED, false},
        {425, PAWL_CLASS_UNAVAILABLE, true},   {429, PAWL_CLASS_RATE_LIMITED, true},
        {431, PAWL_CLASS_REJECTED, false},     {302, PAWL_CLASS_REJECTED, false},
        {500, PAWL_CLASS_UNAVAILABLE, true},   {501, PAWL_CLASS_UNAVAILABLE, false},
        {502, PAWL_CLASS_UNAVAILABLE, true},   {503, PAWL_CLASS_UNAVAILABLE, true},
        {504, PAWL_CLASS_TIMEOUT, true},       {529, PAWL_CLASS_OVERLOADED, true},
        {100, PAWL_CLASS_MALFORMED, true},     {0, PAWL_CLASS_MALFORMED, true},
        {700, PAWL_CLASS_MALFORMED, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct pawl_reply r = {.transport = PAWL_ANSWERED, .status = rows[i].status};
        const struct pawl_outcome o = read_as(&post, &r, false);
        CHECK_INT(o.error_class, rows[i].error_class);
        CHECK_INT(o.retry, rows[i].retry);
    }
}

static void bodies(void)
{
    static const struct {
        const struct pawl_tool *tool;
        int status;
        const char *type, *body;
        int applied;
        const char *result;
    } rows[] = {
        {&get, 200, "application/json", "{\"a\": [1, 2.50, \"x y\\\" z\"]}\r\n", YES, "{\"a\":[1,2.50,\"x y\\\" z\"]}"},
        {&get, 200, "text/html", "{\"a\":1}", YES, "{\"a\":1}"}, /* the type lies, the body parses */
        {&get, 200, "application/json", "<html>login</html>", UNKNOWN, NULL},
        {&get, 200, "text/plain", "OK", UNKNOWN, NULL},
        {&get, 200, NULL, "", UNKNOWN, NULL},
        {&get, 200, NULL, "\xef\xbb\xbf[1]", YES, "[1]"},
        {&get, 200, NULL, "123456789012345678901234567890", YES, "123456789012345678901234567890"}, /* digits stay */
        {&get, 200, NULL, "{\"a\":1,\"a\":2}", UNKNOWN, NULL},
        {&get, 200, NULL, "{\"a\":1", UNKNOWN, NULL},
        {&get, 200, NULL, "{\"a\":1}{}", UNKNOWN, NULL},
        {&get, 200, NULL, "\"\\ud800\"", UNKNOWN, NULL},
        {&get, 200, NULL, "\"\xff\"", UNKNOWN, NULL},
        {&get, 200, NULL, "NaN", UNKNOWN, NULL},
        {&get, 200, NULL, "null", YES, "null"},
        {&post, 201, NULL, "false", YES, "false"},
        {&post, 204, NULL, "", YES, "null"},
        {&post, 205, NULL, "", YES, "null"},
        {&head, 200, NULL, "", YES, "null"},
        {&head, 404, NULL, "", NO, NULL},
        {&post, 202, NULL, "{\"job\": 7}", ACCEPTED, "{\"job\":7}"},
        {&post, 202, NULL, "later", ACCEPTED, NULL},
        {&post, 299, NULL, "7", YES, "7"},
        {&command, 0, NULL, "{\"sent\": true}\n", YES, "{\"sent\":true}"},
        {&command, 0, NULL, "sent \"all\"\n", YES, "\"sent \\\"all\\\"\""},
        {&command, 0, NULL, "two\nlines\r\n", YES, "\"two\\nlines\""},
        {&command, 0, NULL, "caf\xe9", YES, "\"caf\xef\xbf\xbd\""},
        {&command, 0, NULL, "", YES, "null"},
        {&command, 0, NULL, "\n", YES, "null"},
        {&command, 0, NULL, "{\"a\":1", YES, "\"{\\\"a\\\":1\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct pawl_reply r = {.transport = PAWL_ANSWERED,
                                     .status = rows[i].status,
                                     .type = text(rows[i].type),
                                     .body = text(rows[i].body)};
        const struct pawl_outcome o = read_as(rows[i].tool, &r, false);
        CHECK_INT(o.applied, rows[i].applied);
        CHECK_TEXT(o.result.p, rows[i].result);
        if (o.applied == UNKNOWN) CHECK_INT(o.error_class, PAWL_CLASS_MALFORMED);
    }
}

/* With an output schema a command's text is no answer; it did succeed, though. */
static void text_against_a_schema(void)
{
    struct pawl_tool t = command;
    t.output = (struct pawl_schema *)&t; /* never looked into here */
    struct pawl_reply r = {.transport = PAWL_ANSWERED, .body = PAWL_STR("done")};
    struct pawl_outcome o = read_as(&t, &r, false);
    CHECK_INT(o.applied, UNUSABLE);
    CHECK_INT(o.error_class, PAWL_CLASS_MALFORMED);
    r.body = PAWL_STR("\"done\"\n");
    o = read_as(&t, &r, false);
    CHECK_INT(o.applied, YES);
    CHECK_TEXT(o.result.p, "\"done\"");
}

static void too_large(void)
{
    struct pawl_reply r = {.transport = PAWL_TOO_LARGE, .status = 200, .body = PAWL_STR("123")};
    struct pawl_outcome o = read_as(&get, &r, false);
    CHECK_INT(o.applied, UNKNOWN);
    CHECK_INT(o.error_class, PAWL_CLASS_MALFORMED);
    CHECK(!o.retry && o.result.p == NULL);
    r.status = 204;
    CHECK_INT(read_as(&get, &r, false).applied, UNKNOWN);
    r.status = 202;
    o = read_as(&get, &r, false);
    CHECK_INT(o.applied, ACCEPTED);
    CHECK(o.result.p == NULL); /* 123 may be the beginning of 12345 */
    r.status = 422;
    CHECK_INT(read_as(&get, &r, false).applied, NO);
    r.status = 500;
    CHECK_INT(read_as(&get, &r, false).applied, UNKNOWN);
    r.status = 0;
    CHECK_INT(read_as(&command, &r, false).applied, UNKNOWN);
    r.has_verdict = true;
    r.verdict = PAWL_APPLIED_YES;
    CHECK_INT(read_as(&function, &r, false).applied, UNUSABLE);
}

/* errors: {409: already_done, 422: unknown, 503: not_applied, 429: conflict, 200: rejected, "exit 3": not_applied} */
static void rules(void)
{
    static const struct pawl_error_rule list[] = {
        {.status = 409, .applied = PAWL_APPLIED_YES, .already_done = true},
        {.status = 422, .applied = PAWL_APPLIED_UNKNOWN, .error_class = PAWL_CLASS_IN_DOUBT},
        {.status = 503, .applied = PAWL_APPLIED_NO, .retry = true},
        {.status = 429, .applied = PAWL_APPLIED_NO, .error_class = PAWL_CLASS_CONFLICT},
        {.status = 200, .applied = PAWL_APPLIED_NO},
        {.status = 3, .exit = true, .applied = PAWL_APPLIED_NO},
        {.status = 0, .exit = true, .applied = PAWL_APPLIED_YES, .already_done = true},
    };
    struct pawl_tool http = post, cmd = command;
    http.errors = cmd.errors = list;
    http.errors_count = cmd.errors_count = sizeof list / sizeof *list;
    struct pawl_reply r = {.transport = PAWL_ANSWERED, .status = 409, .body = PAWL_STR("{\"id\": 4}")};
    struct pawl_outcome o = read_as(&http, &r, true); /* goes before "still running" */
    CHECK(o.applied == YES && o.already_done && o.error_class == PAWL_CLASS_NONE && !o.retry);
    CHECK_TEXT(o.result.p, "{\"id\":4}");
    r.body = PAWL_STR("already refunded");
    o = read_as(&http, &r, false);
    CHECK(o.applied == YES && o.already_done && o.result.p == NULL);
    r.transport = PAWL_TOO_LARGE;
    r.body = PAWL_STR("12");
    o = read_as(&http, &r, false);
    CHECK(o.applied == YES && o.already_done && o.result.p == NULL);
    r = (struct pawl_reply){.transport = PAWL_ANSWERED, .status = 422};
    o = read_as(&http, &r, false);
    CHECK(o.applied == UNKNOWN && o.error_class == PAWL_CLASS_IN_DOUBT);
    r.status = 503;
    o = read_as(&http, &r, false);
    CHECK(o.applied == NO && o.error_class == PAWL_CLASS_UNAVAILABLE && o.retry);
    r.status = 429;
    o = read_as(&http, &r, false);
    CHECK(o.applied == NO && o.error_class == PAWL_CLASS_CONFLICT && !o.retry);
    r.status = 200;
    o = read_as(&http, &r, false);
    CHECK(o.applied == NO && o.error_class == PAWL_CLASS_REJECTED && o.result.p == NULL);
    r.status = 3; /* an exit code's rule is not a status's, and the other way round */
    CHECK_INT(read_as(&http, &r, false).applied, UNKNOWN);
    o = read_as(&cmd, &r, false);
    CHECK(o.applied == NO && o.error_class == PAWL_CLASS_REJECTED);
    r.status = 422;
    CHECK_INT(read_as(&cmd, &r, false).applied, UNKNOWN);
    r.status = 0;
    o = read_as(&cmd, &r, false);
    CHECK(o.applied == YES && o.already_done);
}

static void functions(void)
{
    struct pawl_reply r = {.transport = PAWL_ANSWERED, .has_verdict = true, .verdict = PAWL_APPLIED_YES};
    struct pawl_outcome o = read_as(&function, &r, false);
    CHECK_TEXT(o.result.p, "null");
    r.body = PAWL_STR("{\"a\": 1}");
    CHECK_TEXT(read_as(&function, &r, false).result.p, "{\"a\":1}");
    r.body = PAWL_STR("{\"a\": ");
    o = read_as(&function, &r, false);
    CHECK(o.applied == UNUSABLE && o.error_class == PAWL_CLASS_MALFORMED);
    r = (struct pawl_reply){.transport = PAWL_ANSWERED,
                            .status = PAWL_ETIMEDOUT,
                            .has_verdict = true,
                            .verdict = PAWL_APPLIED_NO,
                            .detail = PAWL_STR("the desk is closed")};
    o = read_as(&function, &r, false);
    CHECK(o.applied == NO && o.error_class == PAWL_CLASS_TIMEOUT && o.retry);
    CHECK_TEXT(o.message.p, "the function failed: the desk is closed");
}

static void messages(void)
{
    static const struct {
        const char *type, *body, *want;
    } rows[] = {
        {NULL, "", "HTTP 422"},
        {NULL, "{\"error\":{\"message\":\"too much\",\"code\":7}}", "HTTP 422: too much"},
        {"application/problem+json", "{\"title\":\"No\",\"detail\":\"amount: at most 42\"}",
         "HTTP 422: amount: at most 42"},
        {NULL, "{\"message\":\"a\\nb\\tc\\u001b[31m\\u202e d\"}", "HTTP 422: a b c\\x1b[31m\\u202e d"},
        {NULL, "{\"error\":\"gone\"}", "HTTP 422: gone"},
        {NULL, "{\"errors\":[{\"message\":\"first\"},2]}", "HTTP 422: first"},
        {NULL, "{\"code\":7}", "HTTP 422: {\"code\":7}"},
        {NULL, "\"plain\"", "HTTP 422: plain"},
        {NULL, "  caf\xe9 \r\n\r\n au lait ", "HTTP 422: caf\xef\xbf\xbd au lait"},
        {"text/html", "<html>no", "HTTP 422: an HTML page"},
        {NULL, "\n<!DOCTYPE html>", "HTTP 422: an HTML page"},
        {"application/xml", "<e>no</e>", "HTTP 422: <e>no</e>"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct pawl_reply r = {.transport = PAWL_ANSWERED,
                                     .status = 422,
                                     .type = text(rows[i].type),
                                     .body = text(rows[i].body)};
        CHECK_TEXT(read_as(&post, &r, false).message.p, rows[i].want);
    }
    char long_body[2000];
    memset(long_body, 'x', sizeof long_body);
    memcpy(long_body + 397, "\xe2\x82\xac", 3); /* a character that ends at the cut stays whole, the next goes */
    memcpy(long_body + 400, "\xe2\x82\xac", 3);
    struct pawl_reply r = {.transport = PAWL_ANSWERED, .status = 422, .body = {long_body, sizeof long_body}};
    struct pawl_outcome o = read_as(&post, &r, false);
    CHECK_INT(o.message.n, strlen("HTTP 422: ") + 400 + 3);
    CHECK_TEXT(o.message.p + o.message.n - 6, "\xe2\x82\xac\xe2\x80\xa6");
    r = (struct pawl_reply){.transport = PAWL_ANSWERED, .status = 2, .detail = {long_body, sizeof long_body}};
    long_body[sizeof long_body - 1] = '!'; /* of stderr the end is what counts */
    o = read_as(&command, &r, false);
    CHECK(strstr(o.message.p, "exit code 2: \xe2\x80\xa6xxx") != NULL);
    CHECK_INT(o.message.p[o.message.n - 1], '!');
    r = (struct pawl_reply){.transport = PAWL_ANSWERED,
                            .status = 302,
                            .location = PAWL_STR("https://elsewhere/\r\nX: y")};
    CHECK_TEXT(read_as(&get, &r, false).message.p, "HTTP 302: a redirect, not followed: https://elsewhere/ X: y");
    r = (struct pawl_reply){.transport = PAWL_ANSWERED, .status = 202, .location = PAWL_STR("/jobs/7")};
    CHECK_TEXT(read_as(&post, &r, false).message.p, "HTTP 202: accepted, completes later: /jobs/7");
}

static void without_memory(void)
{
    struct test_alloc t;
    const struct pawl_reply replies[] = {
        {.transport = PAWL_ANSWERED, .status = 200, .body = PAWL_STR("{\"a\": 1}")},
        {.transport = PAWL_ANSWERED, .status = 200, .body = PAWL_STR("<html>")},
        {.transport = PAWL_ANSWERED, .status = 422, .body = PAWL_STR("{\"detail\": \"no\"}")},
        {.transport = PAWL_LOST, .detail = PAWL_STR("reset")},
    };
    const struct pawl_tool *const tools[] = {&post, &command, &function};
    for (size_t i = 0; i < 12; i++) {
        EVERY_FAILED_ALLOCATION(t) {
            struct pawl_arena a;
            struct pawl_outcome o;
            pawl_arena_init(&a, &t.alloc);
            pawl_tool_read(tools[i % 3], &replies[i / 3], false, &a, &o);
            /* Never a success without its result. */
            CHECK(o.applied != PAWL_APPLIED_YES || o.result.p != NULL || a.failed);
            pawl_arena_fini(&a);
        }
    }
}

int main(void)
{
    test_alloc_init(&memory, 0);
    pawl_arena_init(&arena, &memory.alloc);
    every_status();
    every_exit();
    every_verdict();
    every_transport();
    classes();
    bodies();
    text_against_a_schema();
    too_large();
    rules();
    functions();
    messages();
    pawl_arena_fini(&arena);
    CHECK_INT(memory.out_bytes, 0);
    without_memory();
    return TEST_END();
}
