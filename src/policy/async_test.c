/* src/policy/async_test.c - an accepted call whose run is stopped: its monitor is told so, once, and what it says then counts. */
#include "base/test.h"
#include "io/alloc.h"
#include "policy/pipeline.h"
#include "policy/look.h"

enum { BEFORE = 50, UNTIL = 100, BEHIND = 150 };
enum effect { R = PAWL_EFFECT_READ, M = PAWL_EFFECT_MUTATE };
enum news { NONE = -1, RUNS = PAWL_NEWS_RUNNING, DONE = PAWL_NEWS_DONE, NO = PAWL_NEWS_FAILED };
enum what { ASKS, TELLS, SLEEPS, ENDS, GIVES_UP };

static const struct row {
    bool ending, undo, cancel, monitor, told;
    int effect, news, now;
    enum what want;
    enum pawl_class class; /* of ENDS, GIVES_UP */
} rows[] = {
    {false, false, true, true, false, M, NONE, BEFORE, SLEEPS, 0}, /* it goes on */
    {true, false, true, true, false, M, NONE, BEFORE, TELLS, 0},
    {true, false, true, true, false, R, NONE, BEFORE, TELLS, 0},
    {true, false, true, true, false, M, RUNS, BEFORE, TELLS, 0},
    {true, false, true, true, false, M, DONE, BEFORE, ENDS, 0}, /* it was over already */
    {true, false, true, true, false, M, NO, BEFORE, ENDS, PAWL_CLASS_REJECTED},
    {true, false, true, true, true, M, NO, BEFORE, ENDS, PAWL_CLASS_CANCELLED},
    {true, false, true, true, true, M, DONE, BEFORE, ENDS, 0}, /* it came too late */
    {true, false, true, true, true, M, NONE, BEFORE, SLEEPS, 0},
    {true, false, true, true, true, R, NONE, BEFORE, GIVES_UP, PAWL_CLASS_CANCELLED},
    {true, false, false, true, false, M, NONE, BEFORE, SLEEPS, 0},
    {true, false, false, true, false, R, NONE, BEFORE, GIVES_UP, PAWL_CLASS_CANCELLED},
    {true, false, true, false, false, M, NONE, BEFORE, SLEEPS, 0}, /* nobody to tell */
    {true, true, true, true, false, M, NONE, BEFORE, SLEEPS, 0},   /* the undo of a stopped run is wanted */
    {false, false, true, true, false, M, NONE, BEHIND, ASKS, 0},
    {true, false, true, true, true, M, NONE, BEHIND, ASKS, 0},
};
static bool told;

static int append(struct pawl_pass *p, enum pawl_kind kind, struct pawl_str body)
{
    (void)p;
    told = kind == PAWL_STEP_POLLED && strstr(body.p, "\"stop\":\"DELETE\"") && strstr(body.p, "\"cancelled\":true");
    return PAWL_OK;
}

static enum what of(const struct pawl_pass *p, enum pawl_verdict v)
{
    if (v == PAWL_GO) return ENDS;
    if (v == PAWL_FAIL) return GIVES_UP;
    if (p->want == PAWL_WANT_DURABLE) return TELLS;
    return p->want == PAWL_WANT_POLL ? ASKS : SLEEPS;
}

static void play(const struct row *r, struct pawl_arena *a)
{
    static const struct pawl_book book = {.append = append};
    const struct pawl_tool tool = {.effect = (enum pawl_effect)r->effect,
                                   .async = {.on = true,
                                             .polls = true,
                                             .first_ns = 1000,
                                             .max_ns = 1000,
                                             .deadline_ns = UNTIL,
                                             .cancel = r->cancel ? PAWL_STR("DELETE") : (struct pawl_str){NULL, 0}}};
    struct pawl_step step = {.number = 1,
                             .kind = r->undo ? PAWL_STEP_UNDO : PAWL_STEP_TOOL,
                             .state = PAWL_STEP_INTENDED_STATE,
                             .accepted = true,
                             .until_ns = UNTIL,
                             .poll_at_ns = BEHIND + 1,
                             .told_to_stop = r->told,
                             .monitor = r->monitor ? PAWL_STR("/ops/1") : (struct pawl_str){NULL, 0}};
    struct pawl_step *steps[] = {&step};
    struct pawl_run run = {.ending = r->ending, .steps = steps, .steps_count = 1};
    struct pawl_prng prng;
    pawl_prng_seed(&prng, 1);
    struct pawl_pass p = {.run = &run,
                          .number = 1,
                          .step = &step,
                          .tool = &tool,
                          .book = &book,
                          .prng = &prng,
                          .arena = a,
                          .attempts = 1,
                          .wall_ns = r->now,
                          .news_came = r->news != NONE,
                          .news = {.is = r->news == NONE ? PAWL_NEWS_RUNNING : (enum pawl_news_is)r->news}};
    told = false;
    const enum what got = of(&p, pawl_async_wait(&p));
    bool right = CHECK_INT(got, r->want) && CHECK_INT(told, got == TELLS);
    if (got == ENDS) right = CHECK_INT(p.outcome.error_class, r->class) && right;
    if (got == GIVES_UP) right = CHECK_INT(p.error_class, r->class) && right;
    if (!right) printf("  row %d\n", (int)(r - rows));
}

static struct pawl_str asked_at;

static int at(const struct pawl_tool *t, struct pawl_str request, struct pawl_str monitor, struct pawl_buf *out)
{
    (void)t, (void)request;
    asked_at = monitor;
    pawl_buf_text(out, "{}");
    return PAWL_OK;
}

/* Where the monitor has sent us on may be the very thing that was made: that is asked, and never told to stop. */
static void told_where_it_began(struct pawl_arena *a)
{
    static const struct pawl_ports ports = {.poll = at, .stop = at};
    struct pawl_step step = {.number = 1, .monitor = PAWL_STR("/refunds/7"), .operation = PAWL_STR("/ops/1")};
    struct pawl_pass p = {.step = &step, .ports = &ports, .arena = a};
    struct pawl_str request;
    CHECK(pawl_pass_poll_request(&p, &request) && pawl_str_is(asked_at, "/refunds/7"));
    p.stopping = true;
    CHECK(pawl_pass_poll_request(&p, &request) && pawl_str_is(asked_at, "/ops/1"));
}

int main(void)
{
    struct pawl_arena a;
    pawl_arena_init(&a, pawl_alloc_libc());
    told_where_it_began(&a);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) play(&rows[i], &a);
    pawl_arena_fini(&a);
    return TEST_END();
}
