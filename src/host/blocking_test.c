/* src/host/blocking_test.c - tools that take their time have threads of their own: what pawl_register_blocking_tool promises. */
#include <pthread.h>
#include <stdatomic.h>
#include "host/host_kit.h"

static const char config[] =
    "version: 1\n"
    "models:\n"
    "  one: {provider: script, script: [{call: {name: wait, args: {n: 1}}}, {say: done}]}\n"
    "  three: {provider: script, script: [{calls: [{name: wait, args: {n: 1}}, {name: wait, args: {n: 2}}, "
    "{name: wait, args: {n: 3}}]}, {say: done}]}\n"
    "  quick: {provider: script, script: [{call: {name: at_once, args: {}}}, {say: done}]}\n"
    "  short: {provider: script, script: [{call: {name: hurried, args: {}}}, {say: done}]}\n"
    "  looks: {provider: script, script: [{call: {name: look, args: {}}}, {say: done}]}\n"
    "tools:\n"
    "  wait: {effect: mutate, input: {type: object}, timeout: 20s}\n"
    "  hurried: {effect: mutate, input: {type: object}, timeout: 50ms}\n"
    "  look: {effect: read, input: {type: object}, timeout: 50ms, retry: {attempts: 2, first: 1ms}}\n"
    "  at_once: {effect: read, input: {type: object}}\n"
    "agents:\n"
    "  one: {model: one, tools: [wait]}\n"
    "  three: {model: three, tools: [wait]}\n"
    "  quick: {model: quick, tools: [at_once]}\n"
    "  short: {model: short, tools: [hurried]}\n"
    "  looks: {model: looks, tools: [look]}\n";

struct tool {
    atomic_int calls, at_work, most, leave, returned;
    char args[8];
};

static void wait_for_leave(void *ctx, const struct pawl_tool_call *call,
                           void (*answer)(void *, enum pawl_tool_verdict, const char *, size_t), void *answer_ctx)
{
    struct tool *t = ctx;
    const int at_work = ++t->at_work;
    for (int most = t->most; at_work > most && !atomic_compare_exchange_weak(&t->most, &most, at_work);) continue;
    t->calls++;
    while (!t->leave) usleep(100);
    t->at_work--;
    answer(answer_ctx, PAWL_TOOL_APPLIED, call->args, call->args_bytes);
    answer(answer_ctx, PAWL_TOOL_NOT_APPLIED, "a second word", 13); /* does not count */
    t->returned++;
}

static void says_nothing(void *ctx, const struct pawl_tool_call *call,
                         void (*answer)(void *, enum pawl_tool_verdict, const char *, size_t), void *answer_ctx)
{
    struct tool *t = ctx;
    (void)call;
    (void)answer;
    (void)answer_ctx;
    t->calls++;
}

static struct pawl *fresh(struct tool *t)
{
    struct pawl *p = kit_fresh(config);
    CHECK_INT(pawl_register_blocking_tool(p, "wait", wait_for_leave, t, NULL), PAWL_OK);
    CHECK_INT(pawl_register_blocking_tool(p, "hurried", wait_for_leave, t, NULL), PAWL_OK);
    CHECK_INT(pawl_register_blocking_tool(p, "look", wait_for_leave, t, NULL), PAWL_OK);
    CHECK_INT(pawl_register_tool(p, "at_once", says_nothing, t, NULL), PAWL_OK);
    return p;
}

static void until(struct pawl *p, atomic_int *count, int wanted)
{
    const int64_t until_ns = pawl_clock_mono_ns() + 20 * KIT_S;
    while (*count < wanted && pawl_clock_mono_ns() < until_ns) CHECK_INT(pawl_turn(p, 1000000, NULL), PAWL_OK);
    CHECK_INT(*count, wanted);
}

/* Three calls of one message are at work at once, and another run comes and goes meanwhile. */
static void side_by_side(void)
{
    struct tool t = {0};
    struct pawl *p = fresh(&t);
    char run[37], other[37];
    FAILS(pawl_register_blocking_tool(p, "wait", wait_for_leave, &t, &why), PAWL_ECONFLICT, "already", "one function");
    kit_start(p, "three", NULL, run);
    until(p, &t.at_work, 3);
    kit_start(p, "quick", NULL, other);
    CHECK_TEXT(kit_wait(p, other), "done");
    CHECK_TEXT(kit_text(kit_view(p, run), "status"), "running");
    t.leave = 1;
    CHECK_TEXT(kit_wait(p, run), "done");
    yyjson_val *view = kit_view(p, run);
    for (uint32_t step = 2; step <= 4; step++) {
        CHECK_TEXT(kit_text(kit_step(view, step), "state"), "done");
        CHECK_INT(yyjson_get_int(yyjson_obj_get(yyjson_obj_get(kit_step(view, step), "result"), "n")), (int)step - 1);
    }
    pawl_close(p);
    CHECK_INT(t.returned, 3);
}

/* A change whose function takes too long is in doubt, its late word is not heard, and a person decides. */
static void too_long(void)
{
    struct tool t = {0};
    struct pawl *p = fresh(&t);
    char run[37];
    kit_start(p, "short", NULL, run);
    CHECK_TEXT(kit_wait(p, run), "waiting");
    CHECK_TEXT(kit_text(kit_step(kit_view(p, run), 2), "state"), "in_doubt");
    t.leave = 1;
    until(p, &t.returned, 1);
    CHECK_INT(pawl_turn(p, 1000000, NULL), PAWL_OK);
    CHECK_TEXT(kit_text(kit_step(kit_view(p, run), 2), "state"), "in_doubt");
    CHECK_INT(pawl_resolve(p, run, 0, PAWL_IT_HAPPENED, "\"seen\"", NULL, NULL), PAWL_OK);
    CHECK_TEXT(kit_wait(p, run), "done");
    CHECK_INT(t.calls, 1);
    pawl_close(p);
}

/* A read is asked again; then its failure is told. */
static void a_read_too_long(void)
{
    struct tool t = {0};
    struct pawl *p = fresh(&t);
    char run[37];
    kit_start(p, "looks", NULL, run);
    CHECK_TEXT(kit_wait(p, run), "done");
    CHECK_TEXT(kit_text(kit_step(kit_view(p, run), 2), "state"), "failed");
    CHECK_INT(t.calls, 2);
    t.leave = 1;
    pawl_close(p);
    while (t.returned < 2) usleep(100);
}

/* The handle may go while a function is at work; the next owner finds the step as it was left. */
static void closed_meanwhile(void)
{
    struct tool t = {0}, later = {.leave = 1};
    struct pawl *p = fresh(&t);
    char run[37];
    kit_start(p, "short", NULL, run);
    until(p, &t.at_work, 1);
    pawl_close(p); /* awaits the attempt, which its timeout ends */
    CHECK_INT(t.returned, 0);
    p = kit_open();
    CHECK_INT(pawl_register_blocking_tool(p, "hurried", wait_for_leave, &later, NULL), PAWL_OK);
    CHECK_TEXT(kit_wait(p, run), "waiting");
    CHECK_TEXT(kit_text(kit_step(kit_view(p, run), 2), "state"), "in_doubt");
    CHECK_INT(later.calls, 0);
    t.leave = 1;
    while (t.returned < 1) usleep(100);
    pawl_close(p);
}

/* Cancelled: what was sent is awaited, and then the run ends. */
static void cancelled(void)
{
    struct tool t = {0};
    struct pawl *p = fresh(&t);
    char run[37];
    kit_start(p, "one", NULL, run);
    until(p, &t.at_work, 1);
    CHECK_INT(pawl_cancel(p, run, "enough", NULL, NULL), PAWL_OK);
    CHECK_TEXT(kit_text(kit_view(p, run), "status"), "ending");
    t.leave = 1;
    CHECK_TEXT(kit_wait(p, run), "cancelled");
    CHECK_TEXT(kit_text(kit_step(kit_view(p, run), 2), "state"), "done");
    pawl_close(p);
}

/* More calls than threads: the others wait for one that comes free. */
static void more_than_threads(void)
{
    enum { RUNS = 70, THREADS = 64 };
    struct tool t = {0};
    struct pawl *p = fresh(&t);
    char run[RUNS][37], other[37];
    for (int i = 0; i < RUNS; i++) kit_start(p, "one", NULL, run[i]);
    until(p, &t.at_work, THREADS);
    kit_start(p, "quick", NULL, other);
    CHECK_TEXT(kit_wait(p, other), "done");
    CHECK_INT(t.calls, THREADS + 1); /* and the quick one's */
    t.leave = 1;
    for (int i = 0; i < RUNS; i++) CHECK_TEXT(kit_wait(p, run[i]), "done");
    CHECK_INT(t.calls, RUNS + 1);
    CHECK_INT(t.most, THREADS);
    pawl_close(p);
}

int main(void)
{
    kit_begin();
    side_by_side();
    too_long();
    a_read_too_long();
    closed_meanwhile();
    cancelled();
    more_than_threads();
    return kit_end();
}
