/* src/cli/bench_lanes.c - bulkheads: how long an interactive lane waits for its places, alone and beside a batch lane that is
 * flooded. Both draw from one pool; calls take 5 ms each, on threads of their own. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/bench.h"
#include "io/clock.h"
#include "pawl/pawl.h"

enum { PEOPLE = 12, TURNS = 40, FLOOD = 400, PLACES = 4, CALL_US = 5000, ROUNDS_MAX = 64 };

/* When each run of a person was answered last, and how long its next call took to begin. */
struct waits {
    pthread_mutex_t lock;
    char runs[PEOPLE][40];
    int64_t answered_ns[PEOPLE];
    double waited_ns[PEOPLE * TURNS];
    uint32_t runs_count, count;
};

static uint32_t run_of(struct waits *w, const char *run)
{
    uint32_t i = 0;
    while (i < w->runs_count && strcmp(w->runs[i], run) != 0) i++;
    if (i == w->runs_count && i < PEOPLE) {
        snprintf(w->runs[i], sizeof w->runs[i], "%s", run);
        w->runs_count++;
    }
    return i;
}

static void ask(void *ctx, const struct pawl_tool_call *call,
                void (*answer)(void *, enum pawl_tool_verdict, const char *, size_t), void *answer_ctx)
{
    struct waits *w = ctx;
    const int64_t began_ns = pawl_clock_mono_ns();
    pthread_mutex_lock(&w->lock);
    const uint32_t i = run_of(w, call->run);
    if (i < PEOPLE && w->answered_ns[i] && w->count < PEOPLE * TURNS)
        w->waited_ns[w->count++] = (double)(began_ns - w->answered_ns[i]);
    pthread_mutex_unlock(&w->lock);
    usleep(CALL_US);
    pthread_mutex_lock(&w->lock);
    if (i < PEOPLE) w->answered_ns[i] = pawl_clock_mono_ns();
    pthread_mutex_unlock(&w->lock);
    answer(answer_ctx, PAWL_TOOL_APPLIED, "{}", 2);
}

static void load(void *ctx, const struct pawl_tool_call *call,
                 void (*answer)(void *, enum pawl_tool_verdict, const char *, size_t), void *answer_ctx)
{
    (void)ctx;
    (void)call;
    usleep(CALL_US);
    answer(answer_ctx, PAWL_TOOL_APPLIED, "{}", 2);
}

static void write_config(const char *folder)
{
    FILE *f = bench_create(folder, "pawl.yaml");
    fprintf(
        f,
        "version: 1\nstore: sqlite:pawl.db\n"
        "pools: {desk: {concurrency: %d}}\n"
        "lanes:\n  people: {concurrency: %d, share: {desk: 50%%}}\n  batch: {concurrency: %d, share: {desk: 50%%}, memory: 4MiB}\n"
        "models:\n",
        2 * PLACES, PLACES, PLACES);
    for (int m = 0; m < 2; m++) {
        fprintf(f, "  %s:\n    provider: script\n    script:\n", m ? "loads" : "asks");
        for (int i = 0; i < TURNS; i++) fprintf(f, "      - call: {%s: {n: %d}}\n", m ? "load" : "ask", i);
        fprintf(f, "      - say: Done.\n");
    }
    fprintf(f, "tools:\n  ask:  {effect: read, pool: desk, input: {type: object}, timeout: 30s}\n"
               "  load: {effect: read, pool: desk, input: {type: object}, timeout: 30s}\n"
               "agents:\n  person: {model: asks, tools: [ask], lane: people, budget: {steps: 1000}}\n"
               "  robot: {model: loads, tools: [load], lane: batch, budget: {steps: 1000}}\n");
    bench_close(f);
}

static void post(struct pawl *p, const char *agent)
{
    char request[128];
    struct pawl_error err;
    snprintf(request, sizeof request, "{\"do\":\"start\",\"agent\":\"%s\",\"input\":\"go\"}", agent);
    if (pawl_post(p, request, NULL, NULL, &err)) bench_die("%s", err.what);
}

/* The 99th hundredth of what people waited, in seconds. */
static double p99_once(const struct bench *b, bool flooded, double *p50)
{
    char folder[BENCH_PATH];
    struct waits w = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct pawl_error err;
    bench_folder(b, folder, "lanes");
    write_config(folder);
    struct pawl *p = bench_open(folder);
    if (pawl_register_blocking_tool(p, "ask", ask, &w, &err) ||
        pawl_register_blocking_tool(p, "load", load, NULL, &err))
        bench_die("%s", err.what);
    for (int i = 0; flooded && i < FLOOD; i++) post(p, "robot");
    for (int i = 0; i < 20; i++) pawl_turn(p, 10000000, NULL); /* the flood is there before people come */
    for (int i = 0; i < PEOPLE; i++) post(p, "person");
    while (w.count < PEOPLE * (TURNS - 1))
        if (pawl_turn(p, 10000000, &err)) bench_die("%s", err.what);
    pawl_close(p);
    bench_remove(folder);
    *p50 = bench_median(w.waited_ns, w.count) / 1e9;
    return bench_share(w.waited_ns, w.count, 0.99) / 1e9;
}

void bench_lanes(struct bench *b)
{
    double ratios[ROUNDS_MAX], alone = 0, beside = 0, alone50 = 0, beside50 = 0;
    p99_once(b, false, &alone50); /* warms up */
    for (uint32_t i = 0; i < b->rounds; i++) {
        alone = p99_once(b, false, &alone50);
        beside = p99_once(b, true, &beside50);
        ratios[i] = beside / alone;
    }
    const double ratio = bench_median(ratios, b->rounds);
    struct bench_row *r = bench_row(b, "lanes", "p99 <= 1.10 x without the flood");
    bench_value(r, "%.2f x (%.2f to %.2f)", ratio, ratios[0], ratios[b->rounds - 1]);
    bench_detail(r,
                 "12 interactive runs on 4 places, calls of 5 ms, beside 400 batch runs: wait for a place p99 %.1f ms, "
                 "without them %.1f ms; p50 %.1f, %.1f ms",
                 beside * 1e3, alone * 1e3, beside50 * 1e3, alone50 * 1e3);
    bench_judge(r, ratio <= 1.1);
}
