/* src/host/view_test.c - runs told from records made by hand: what is shown, and that it is the same every time. */
#include "host/view.h"
#include <string.h>
#include "base/test.h"
#include "contract/json.h"
#include "io/alloc.h"

enum { ROWS_MAX = 24 };
static const int64_t SECOND = 1000000000;

struct story {
    struct pawl_record records[ROWS_MAX];
    uint32_t count;
    struct pawl_head head;
    struct pawl_arena arena;
    yyjson_val *view;
    char text[16384];
};

static void begin(struct story *s)
{
    memset(s, 0, sizeof *s);
    pawl_arena_init(&s->arena, pawl_alloc_libc());
    s->head.run.b[0] = 7;
    s->head.epoch = 2;
    s->head.deaths = 1;
    s->head.status = PAWL_RUNNING;
}

/* One record a second. */
static void add(struct story *s, enum pawl_kind kind, uint32_t step, const char *body)
{
    s->records[s->count] = (struct pawl_record){.run = s->head.run,
                                                .seq = s->count + 1u,
                                                .at_ns = SECOND * (s->count + 1),
                                                .kind = kind,
                                                .step = step,
                                                .body = pawl_str_of(body)};
    s->count++;
}

static int tell_with(struct story *s, const struct pawl_alloc *from, uint32_t count, uint64_t seq)
{
    struct pawl_buf b;
    struct pawl_error err = {0};
    int rc;
    pawl_buf_init(&b, from);
    s->head.seq = seq;
    rc = pawl_view_write(NULL, (struct pawl_str){NULL, 0}, &s->head, s->records, count, &b, &err);
    snprintf(s->text, sizeof s->text, "%.*s", (int)b.n, b.p ? b.p : "");
    pawl_buf_fini(&b);
    return rc;
}

static void tell(struct story *s)
{
    struct pawl_error err = {0};
    CHECK_INT(tell_with(s, pawl_alloc_libc(), s->count, s->count), PAWL_OK);
    CHECK_INT(pawl_json_read(pawl_str_of(s->text), &s->arena, &s->view, &err), PAWL_OK);
    CHECK_TEXT(err.what, "");
}

static void has(const struct story *s, const char *pointer, const char *want)
{
    yyjson_val *v = pawl_json_at(s->view, pawl_str_of(pointer));
    char got[1024];
    if (yyjson_is_str(v)) {
        snprintf(got, sizeof got, "%s", yyjson_get_str(v));
    } else {
        struct pawl_buf b;
        pawl_buf_init(&b, pawl_alloc_libc());
        if (v) pawl_json_write(v, &b);
        snprintf(got, sizeof got, "%.*s", (int)b.n, b.p ? b.p : "");
        pawl_buf_fini(&b);
    }
    if (strcmp(got, want) != 0) printf("at %s:\n", pointer);
    CHECK_TEXT(got, want);
}

#define CALL \
    "{\"result\":{\"content\":null,\"tool_calls\":[{\"id\":\"c1\",\"name\":\"refund\",\"arguments\":\"{\\\"amount\\\":42}\"}]},\"ms\":5}"
#define DIGEST "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define ASKED                                                      \
    "{\"why\":[\"gate\"],\"name\":\"refund\",\"digest\":\"" DIGEST \
    "\",\"key\":\"k\",\"expires\":900,\"request\":{\"http\":{\"url\":\"u\"}}}"

static void until_asked(struct story *s)
{
    begin(s);
    add(s, PAWL_RUN_CREATED, 0, "{\"agent\":\"refunds\",\"input\":\"order 7\",\"key\":\"K\"}");
    add(s, PAWL_STEP_INTENDED, 1, "{\"kind\":\"model\",\"name\":\"main\",\"digest\":\"" DIGEST "\"}");
    add(s, PAWL_STEP_ATTEMPTED, 1,
        "{\"attempt\":1,\"ended\":{\"applied\":\"no\",\"class\":\"rate_limited\",\"message\":\"HTTP 429\",\"retry_at\":5}}");
    add(s, PAWL_STEP_ATTEMPTED, 1, "{\"attempt\":2}");
    add(s, PAWL_STEP_COMPLETED, 1, CALL);
    add(s, PAWL_GATE_ASKED, 2, ASKED);
}

static void test_asked(void)
{
    struct story s;
    until_asked(&s);
    s.head.status = PAWL_WAITING;
    s.head.waiting = PAWL_WAIT_GATE;
    tell(&s);
    has(&s, "/status", "waiting");
    has(&s, "/waiting", "gate");
    has(&s, "/key", "K");
    has(&s, "/input", "order 7");
    has(&s, "/lives", "2");
    has(&s, "/sentence", "It waits for your yes or no to step 2 (refund).");
    has(&s, "/next/0",
        "pawl approve 07000000-0000-0000-0000-000000000000/2 --digest "
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    has(&s, "/next/1", "pawl deny 07000000-0000-0000-0000-000000000000/2");
    has(&s, "/steps/0/kind", "model");
    has(&s, "/steps/0/calls", "[{\"name\":\"refund\",\"args\":{\"amount\":42}}]");
    has(&s, "/steps/0/tries/0/class", "rate_limited");
    has(&s, "/steps/0/tries/0/retry_at_ns", "5");
    has(&s, "/steps/0/tries/1/attempt", "2");
    has(&s, "/steps/0/attempts", "2");
    has(&s, "/steps/0/ms", "3000");
    has(&s, "/steps/1/state", "asked");
    has(&s, "/steps/1/args", "{\"amount\":42}");
    has(&s, "/steps/1/asked/digest", DIGEST);
    has(&s, "/steps/1/asked/expires_ns", "900");
    has(&s, "/steps/1/request/http/url", "u");
    has(&s, "/turns/0/before_step", "1");
    pawl_arena_fini(&s.arena);
}

static void test_earlier(void)
{
    struct story s;
    until_asked(&s);
    s.head.status = PAWL_DONE; /* it has ended since; as of record 6 it waited */
    CHECK_INT(tell_with(&s, pawl_alloc_libc(), 6, 40), PAWL_OK);
    CHECK_INT(pawl_json_read(pawl_str_of(s.text), &s.arena, &s.view, NULL), PAWL_OK);
    has(&s, "/status", "waiting");
    has(&s, "/waiting", "gate");
    CHECK_INT(tell_with(&s, pawl_alloc_libc(), 2, 40), PAWL_OK);
    CHECK_INT(pawl_json_read(pawl_str_of(s.text), &s.arena, &s.view, NULL), PAWL_OK);
    has(&s, "/status", "running");
    has(&s, "/sentence", "It is under way at step 1 (main); where no pawl runs, resume takes it up.");
    pawl_arena_fini(&s.arena);
}

static void test_done(void)
{
    struct story s;
    until_asked(&s);
    add(&s, PAWL_GATE_ANSWERED, 2, "{\"answer\":\"yes\",\"by\":\"ann\",\"reason\":\"fine\"}");
    add(&s, PAWL_STEP_INTENDED, 2,
        "{\"kind\":\"tool\",\"name\":\"refund\",\"key\":\"k\",\"digest\":\"" DIGEST "\",\"request\":{}}");
    add(&s, PAWL_STEP_ATTEMPTED, 2, "{\"attempt\":2}");
    add(&s, PAWL_STEP_COMPLETED, 2, "{\"attempts\":2,\"ms\":1,\"result\":{\"id\":1},\"from\":\"verify\"}");
    add(&s, PAWL_STEP_INTENDED, 3, "{\"kind\":\"model\",\"name\":\"main\"}");
    add(&s, PAWL_STEP_COMPLETED, 3, "{\"result\":{\"content\":\"Paid.\",\"tool_calls\":[]}}");
    add(&s, PAWL_RUN_ENDED, 0, "{\"status\":\"done\",\"code\":10,\"output\":\"Paid.\"}");
    s.head.status = PAWL_DONE;
    tell(&s);
    has(&s, "/status", "done");
    has(&s, "/waiting", "");
    has(&s, "/output", "Paid.");
    has(&s, "/sentence", "Done: \"Paid.\"");
    has(&s, "/next", "[]");
    has(&s, "/ended_ns", "13000000000");
    has(&s, "/steps/1/answered/answer", "yes");
    has(&s, "/steps/1/answered/by", "ann");
    has(&s, "/steps/1/answered/at_ns", "7000000000");
    has(&s, "/steps/1/tries/0/class", ""); /* pawl ended there: nothing is known of it */
    has(&s, "/steps/1/tries/1/attempt", "2");
    has(&s, "/steps/1/from", "verify");
    has(&s, "/steps/1/applied", "true");
    has(&s, "/steps/1/result/id", "1");
    has(&s, "/steps/2/said", "Paid.");
    pawl_arena_fini(&s.arena);
}

static void test_doubt(void)
{
    struct story s;
    until_asked(&s);
    add(&s, PAWL_GATE_ANSWERED, 2, "{\"answer\":\"yes\"}");
    add(&s, PAWL_STEP_INTENDED, 2, "{\"kind\":\"tool\",\"name\":\"refund\",\"key\":\"k\",\"request\":{}}");
    add(&s, PAWL_STEP_IN_DOUBT, 2,
        "{\"applied\":\"unknown\",\"class\":\"timeout\",\"message\":\"no answer within 1 s\"}");
    s.head.status = PAWL_WAITING;
    s.head.waiting = PAWL_WAIT_DOUBT;
    tell(&s);
    has(&s, "/steps/1/state", "in_doubt");
    has(&s, "/steps/1/tries/0/class", "timeout");
    has(&s, "/sentence",
        "In doubt: step 2 (refund) may have happened or not, and nothing here can tell: no answer within 1 s; "
        "look there, then say what you found.");
    has(&s, "/next/2", "pawl resolve 07000000-0000-0000-0000-000000000000/2 --stop");
    pawl_arena_fini(&s.arena);
}

static void test_bad_arguments_stay_text(void)
{
    struct story s;
    begin(&s);
    add(&s, PAWL_RUN_CREATED, 0, "{\"agent\":\"a\",\"input\":{\"n\":1}}");
    add(&s, PAWL_STEP_INTENDED, 1, "{\"kind\":\"model\",\"name\":\"main\"}");
    add(&s, PAWL_STEP_COMPLETED, 1,
        "{\"result\":{\"content\":null,\"tool_calls\":[{\"id\":\"c\",\"name\":\"x\",\"arguments\":\"{oops\"}]}}");
    add(&s, PAWL_STEP_FAILED, 2, "{\"class\":\"bad_arguments\",\"message\":\"not\\u001b[31m JSON\"}");
    tell(&s);
    has(&s, "/input", "{\"n\":1}");
    has(&s, "/steps/1/args", "{oops");
    has(&s, "/steps/1/class", "bad_arguments");
    CHECK(strchr(s.text, 0x1b) == NULL);
    pawl_arena_fini(&s.arena);
}

static void test_same_twice_and_damage(void)
{
    struct story s;
    char first[sizeof s.text];
    until_asked(&s);
    tell(&s);
    memcpy(first, s.text, sizeof first);
    tell(&s);
    CHECK_TEXT(s.text, first);
    CHECK_INT(tell_with(&s, pawl_alloc_libc(), 0, 0), PAWL_ECORRUPT);
    s.records[2].kind = PAWL_GATE_ANSWERED;
    CHECK_INT(tell_with(&s, pawl_alloc_libc(), s.count, s.count), PAWL_ECORRUPT);
    pawl_arena_fini(&s.arena);
}

static void test_no_memory(void)
{
    struct test_alloc t;
    struct story s;
    until_asked(&s);
    EVERY_FAILED_ALLOCATION(t) {
        const int rc = tell_with(&s, &t.alloc, s.count, s.count);
        CHECK(t.failed ? rc == PAWL_ENOMEM || rc == PAWL_ECORRUPT : rc == PAWL_OK);
    }
    pawl_arena_fini(&s.arena);
}

int main(void)
{
    test_asked();
    test_earlier();
    test_done();
    test_doubt();
    test_bad_arguments_stay_text();
    test_same_twice_and_damage();
    test_no_memory();
    return TEST_END();
}
