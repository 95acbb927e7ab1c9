/* src/host/thread_test.c - what pawl.h promises of threads: a handle may move between them, several handles are independent,
 * and pawl_interrupt may come from any thread, from a signal handler, from a callback, and at any time. For TSan. */
#include <pthread.h>
#include <stdatomic.h>
#include "host/host_kit.h"

static const char config[] =
    "version: 1\n"
    "models:\n"
    "  m: {provider: script, script: [{call: {name: act, args: {}}}, {say: done}]}\n"
    "  twice: {provider: script, script: [{call: {name: act, args: {n: 1}}}, {call: {name: act, args: {n: 2}}}, {say: done}]}\n"
    "  asks: {provider: script, script: [{call: {name: pay, args: {}}}, {say: paid}]}\n"
    "  down: {provider: script, script: [{fail: {status: 503, times: 99}, say: late}], retry: {attempts: 20, first: 1h, max: 2h}}\n"
    "tools:\n"
    "  act: {effect: mutate, input: {type: object}}\n"
    "  pay: {effect: irreversible, input: {type: object}}\n"
    "agents:\n"
    "  a: {model: m, tools: [act]}\n"
    "  twice: {model: twice, tools: [act]}\n"
    "  asks: {model: asks, tools: [pay]}\n"
    "  down: {model: down, tools: []}\n";

struct tool {
    atomic_int calls, leave; /* the tool ends when `leave` is set, or at once where it is so from the beginning */
    struct pawl *interrupt;
    bool finish;
};

static void act(void *ctx, const struct pawl_tool_call *call,
                void (*answer)(void *, enum pawl_tool_verdict, const char *, size_t), void *answer_ctx)
{
    struct tool *t = ctx;
    (void)call;
    t->calls++;
    if (t->interrupt) pawl_interrupt(t->interrupt, t->finish);
    while (!t->leave) usleep(100);
    answer(answer_ctx, PAWL_TOOL_APPLIED, "1", 1);
}

static struct pawl *fresh(struct tool *t)
{
    struct pawl *p = kit_fresh(config);
    CHECK_INT(pawl_register_tool(p, "act", act, t, NULL), PAWL_OK);
    CHECK_INT(pawl_register_tool(p, "pay", act, t, NULL), PAWL_OK);
    return p;
}

struct waiting {
    struct pawl *p;
    const char *run;
    int rc;
    const char *status;
    struct pawl_error err;
    atomic_bool over;
};

static void *wait_in_thread(void *ctx)
{
    struct waiting *w = ctx;
    w->rc = pawl_turn(w->p, -1, &w->err);
    w->over = true;
    return NULL;
}

static void *wait_for_run(void *ctx)
{
    struct waiting *w = ctx;
    w->rc = pawl_wait(w->p, w->run, -1, &w->status, &w->err);
    w->over = true;
    return NULL;
}

/* At any time: before the call, or in the middle of it. It is never lost. */
static void from_another_thread(void)
{
    for (int round = 0; round < 40; round++) {
        struct tool t = {.leave = 1};
        struct pawl *p = fresh(&t);
        struct waiting w = {.p = p};
        pthread_t thread;
        CHECK_INT(pthread_create(&thread, NULL, wait_in_thread, &w), 0);
        if (round % 4) usleep((unsigned)(round * 50));
        pawl_interrupt(p, round % 2);
        pthread_join(thread, NULL);
        CHECK_INT(w.rc, PAWL_ECANCELLED);
        CHECK_INT(pawl_turn(p, 0, NULL), PAWL_OK); /* it has ended one call, not two */
        pawl_close(p);
    }
}

static struct pawl *volatile signalled;

static void on_signal(int number)
{
    (void)number;
    pawl_interrupt(signalled, false);
}

static void from_a_signal(void)
{
    struct tool t = {.leave = 1};
    struct pawl *p = fresh(&t);
    struct sigaction a = {.sa_handler = on_signal};
    struct waiting w = {.p = p};
    pthread_t thread;
    signalled = p;
    sigaction(SIGUSR1, &a, NULL);
    CHECK_INT(pthread_create(&thread, NULL, wait_in_thread, &w), 0);
    usleep(1000);
    pthread_kill(thread, SIGUSR1);
    pthread_join(thread, NULL);
    CHECK_INT(w.rc, PAWL_ECANCELLED);
    pawl_close(p);
}

/* In the middle of a step, with finish: that step ends, the next one does not begin. */
static void the_step_is_finished(void)
{
    struct tool t = {.leave = 1, .finish = true};
    struct pawl *p = fresh(&t);
    const char *status;
    char run[37];
    struct pawl_error err;
    t.interrupt = p;
    kit_start(p, "twice", NULL, run);
    CHECK_INT(pawl_wait(p, run, 20 * KIT_S, &status, &err), PAWL_ECANCELLED);
    CHECK_INT(t.calls, 1);
    CHECK_TEXT(kit_text(kit_step(kit_view(p, run), 2), "state"), "done");
    CHECK_TEXT(kit_text(kit_view(p, run), "status"), "running");
    CHECK_TEXT(kit_wait(p, run), "running"); /* nobody goes on with it here */
    pawl_close(p);
    t.interrupt = NULL;
    p = kit_open();
    CHECK_INT(pawl_register_tool(p, "act", act, &t, NULL), PAWL_OK);
    CHECK_TEXT(kit_wait(p, run), "done");
    CHECK_INT(t.calls, 2);
    pawl_close(p);
}

/* Without finish the work goes on with the next call. */
static void only_the_call_ends(void)
{
    struct tool t = {.leave = 1};
    struct pawl *p = fresh(&t);
    const char *status;
    char run[37];
    struct pawl_error err;
    t.interrupt = p;
    kit_start(p, "twice", NULL, run);
    CHECK_INT(pawl_wait(p, run, 20 * KIT_S, &status, &err), PAWL_ECANCELLED);
    CHECK(status == NULL);
    t.interrupt = NULL;
    CHECK_TEXT(kit_wait(p, run), "done");
    CHECK_INT(t.calls, 2);
    pawl_close(p);
}

/* Whoever hands a run over has not died of it, however often. */
static void handed_over_again_and_again(void)
{
    struct tool t = {.leave = 1};
    struct pawl *p = fresh(&t);
    char run[37];
    kit_start(p, "down", NULL, run);
    for (int i = 0; i < 8; i++) {
        CHECK_INT(pawl_turn(p, 20000000, NULL), PAWL_OK);
        CHECK_TEXT(kit_text(kit_view(p, run), "status"), "running");
        pawl_interrupt(p, true);
        CHECK_INT(pawl_turn(p, -1, NULL), PAWL_ECANCELLED);
        pawl_close(p);
        p = kit_open();
    }
    CHECK_INT(pawl_turn(p, 20000000, NULL), PAWL_OK);
    CHECK_TEXT(kit_text(kit_view(p, run), "status"), "running");
    CHECK_INT(yyjson_get_int(yyjson_obj_get(kit_view(p, run), "lives")), 1);
    pawl_close(p);
}

static void a_handle_moves(void)
{
    struct tool t = {.leave = 1};
    struct pawl *p = fresh(&t);
    char run[37];
    for (int i = 0; i < 5; i++) {
        struct waiting w = {.p = p, .run = run};
        pthread_t thread;
        kit_start(p, "a", NULL, run);
        CHECK_INT(pthread_create(&thread, NULL, wait_for_run, &w), 0);
        pthread_join(thread, NULL);
        CHECK_INT(w.rc, PAWL_OK);
        CHECK_TEXT(w.status, "done");
    }
    CHECK_INT(t.calls, 5);
    pawl_close(p);
}

struct client {
    int id, failed;
    atomic_int *done;
};

/* A handle of its own in each thread: clients of the owner in the same process, and readers. */
static void *be_a_client(void *ctx)
{
    struct client *c = ctx;
    struct pawl_options o = {.size = sizeof o, .only_read = c->id % 2};
    struct pawl_start s = {.size = sizeof s, .agent = "a", .input = "go"};
    struct pawl_error err;
    struct pawl *p;
    char run[37];
    if (pawl_open(&o, &p, &err)) {
        c->failed = 100;
    } else {
        for (int i = 0; i < 10; i++) {
            c->failed += pawl_call(p, "{\"do\":\"list\"}", NULL, NULL, &err) != PAWL_OK;
            if (!o.only_read) c->failed += pawl_start_run(p, &s, run, &err) != PAWL_OK;
            c->failed += pawl_check("pawl.yaml", NULL, NULL, NULL) != PAWL_OK;
        }
        pawl_close(p);
    }
    ++*c->done;
    return NULL;
}

static void several_handles(void)
{
    enum { CLIENTS = 4 };
    struct tool t = {.leave = 1};
    struct pawl *p = fresh(&t);
    struct client clients[CLIENTS];
    pthread_t threads[CLIENTS];
    atomic_int done = 0;
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){.id = i, .done = &done};
        CHECK_INT(pthread_create(&threads[i], NULL, be_a_client, &clients[i]), 0);
    }
    while (done < CLIENTS) CHECK_INT(pawl_turn(p, 1000000, NULL), PAWL_OK);
    for (int i = 0; i < CLIENTS; i++) {
        pthread_join(threads[i], NULL);
        CHECK_INT(clients[i].failed, 0);
    }
    CHECK_TEXT(kit_wait(p, "@last"), "done");
    pawl_close(p);
}

/* The process that embeds us keeps its own signal handling, and its own children. */
static void on_any(int number)
{
    (void)number;
}

static void signals_are_left_alone(void)
{
    static const int numbers[] = {SIGPIPE, SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGALRM};
    struct sigaction mine = {.sa_handler = on_any}, now;
    struct tool t = {.leave = 1};
    struct pawl *p;
    char run[37];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) sigaction(numbers[i], &mine, NULL);
    p = fresh(&t);
    kit_start(p, "a", NULL, run);
    CHECK_TEXT(kit_wait(p, run), "done");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        sigaction(numbers[i], NULL, &now);
        CHECK(now.sa_handler == on_any);
    }
    pawl_close(p);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) signal(numbers[i], SIG_DFL);
}

int main(void)
{
    kit_begin();
    from_another_thread();
    from_a_signal();
    the_step_is_finished();
    only_the_call_ends();
    handed_over_again_and_again();
    a_handle_moves();
    several_handles();
    signals_are_left_alone();
    return kit_end();
}
