/* src/cli/bench_steps.c - what a step costs: many runs at once beside SQLite alone, one run alone beside SQLite alone, and pawl's
 * own share of a read and of a model step. */
#include <stdlib.h>
#include "cli/bench.h"
#include "io/clock.h"

enum { RUNS = 200, STEPS = 10, ROUNDS_MAX = 64 };
static const double GOAL = 52450; /* steps a second: ten times the best engine in use */

/* ---- many runs ---- */

struct many {
    double pawl_s, bare_s, pawl_cpu_s, bare_cpu_s;
    struct bench_counts counts;
    struct pawl_writer_counts writer;
};

static struct many many_once(const struct bench *b, bool compare)
{
    const struct bench_plan plan = {.effect = "mutate", .turns = STEPS, .calls = 1};
    struct bench_tool tool = {0};
    struct bench_tape tape;
    struct many out;
    char folder[BENCH_PATH], other[BENCH_PATH];
    bench_folder(b, folder, "many");
    bench_folder(b, other, "many-bare");
    bench_write_plan(folder, &plan);
    bench_tape_init(&tape);
    struct pawl *p = bench_open(folder);
    bench_register(p, &tool);
    pawl_probe_watch(p, bench_tape_watch, &tape);
    const double cpu_s = bench_cpu_s();
    const int64_t began_ns = pawl_clock_mono_ns();
    for (int i = 0; i < RUNS; i++) bench_post_start(p, "");
    bench_finish(p);
    out.pawl_s = (double)(pawl_clock_mono_ns() - began_ns) / 1e9;
    out.pawl_cpu_s = bench_cpu_s() - cpu_s;
    out.writer = pawl_probe_counts(p);
    if (tool.calls != RUNS * STEPS || bench_count_runs(p, "done") != RUNS) bench_die("not every run took its steps");
    pawl_close(p);
    out.counts = bench_tape_counts(&tape);
    struct bench_bare *bare = bench_bare_open(other);
    const double bare_cpu_s = bench_cpu_s();
    out.bare_s = (double)bench_bare_replay(bare, &tape, 0, tape.batches_count, NULL) / 1e9;
    out.bare_cpu_s = bench_cpu_s() - bare_cpu_s;
    bench_bare_close(bare);
    if (compare) bench_bare_same(folder, other);
    bench_tape_fini(&tape);
    bench_remove(folder);
    bench_remove(other);
    return out;
}

void bench_many(struct bench *b)
{
    double ratios[ROUNDS_MAX], rates[ROUNDS_MAX];
    struct many m = many_once(b, true); /* also warms up */
    for (uint32_t i = 0; i < b->rounds; i++) {
        m = many_once(b, false);
        ratios[i] = m.pawl_s / m.bare_s;
        rates[i] = (double)m.counts.steps / m.pawl_s;
    }
    const double ratio = bench_median(ratios, b->rounds), rate = bench_median(rates, b->rounds);
    const double mean = (double)m.writer.commits / (double)m.writer.batches;
    struct bench_row *r = bench_row(b, "many", "wall <= 2 x SQLite alone");
    bench_value(r, "%.2f x SQLite alone (%.2f to %.2f)", ratio, ratios[0], ratios[b->rounds - 1]);
    bench_detail(r, "200 runs, 10 mutating steps each, a model step between; %.0f steps/s, best %.0f (goal %.0f); ",
                 rate, rates[b->rounds - 1], GOAL);
    bench_detail(r, "%.1f ms, alone %.1f ms; processor %.1f us a step, alone %.1f us", m.pawl_s * 1e3, m.bare_s * 1e3,
                 m.pawl_cpu_s / (double)m.counts.steps * 1e6, m.bare_cpu_s / (double)m.counts.steps * 1e6);
    bench_judge(r, ratio <= 2);
    r = bench_row(b, "many.batch", "mean >= 64, one hand-off each");
    bench_value(r, "mean %.1f commits, %.2f hand-offs a batch", mean,
                (double)m.writer.handoffs / (double)m.writer.batches);
    bench_detail(r, "%llu batches, %llu hand-offs, the largest %u", (unsigned long long)m.writer.batches,
                 (unsigned long long)m.writer.handoffs, m.writer.batch_max);
    bench_judge(r, mean >= 64 && m.writer.handoffs <= m.writer.batches);
    r = bench_row(b, "many.records", "<= 2 a mutating or model step");
    bench_value(r, "%.2f a mutating, %.2f a model step", m.counts.records_a_change, m.counts.records_a_model);
    bench_judge(r, m.counts.records_a_change <= 2 && m.counts.records_a_model <= 2);
}

/* ---- one run alone ---- */

enum { BLOCK = 200, PAIRS = 10 };

void bench_lone(struct bench *b)
{
    const struct bench_plan plan = {.effect = "mutate", .turns = BLOCK / 2, .calls = 1};
    double p50[PAIRS], p99[PAIRS], ours50[PAIRS], alone50[PAIRS], ours99[PAIRS], alone99[PAIRS];
    struct bench_tool tool = {0};
    char folder[BENCH_PATH], other[BENCH_PATH];
    bench_folder(b, folder, "lone");
    bench_folder(b, other, "lone-bare");
    bench_write_plan(folder, &plan);
    struct bench_tape tape;
    bench_tape_init(&tape);
    struct pawl *p = bench_open(folder);
    struct bench_bare *bare = bench_bare_open(other);
    bench_register(p, &tool);
    pawl_probe_watch(p, bench_tape_watch, &tape);
    for (int i = -1; i < PAIRS; i++) { /* the first pair warms up */
        double ours[BLOCK + 16], alone[BLOCK + 16];
        const uint32_t first = tape.batches_count;
        int64_t before_ns = pawl_clock_mono_ns();
        bench_post_start(p, "");
        bench_finish(p);
        const uint32_t count = tape.batches_count - first;
        if (count > BLOCK + 16) bench_die("more commits than steps");
        for (uint32_t k = 0; k < count; k++) {
            ours[k] = (double)(tape.batches[first + k].ended_ns - before_ns);
            before_ns = tape.batches[first + k].ended_ns;
        }
        bench_bare_replay(bare, &tape, first, count, alone);
        if (i < 0) continue;
        ours50[i] = bench_median(ours, count);
        alone50[i] = bench_median(alone, count);
        ours99[i] = bench_share(ours, count, 0.99);
        alone99[i] = bench_share(alone, count, 0.99);
        p50[i] = ours50[i] / alone50[i];
        p99[i] = ours99[i] / alone99[i];
    }
    pawl_close(p);
    bench_bare_close(bare);
    bench_bare_same(folder, other);
    const double r50 = bench_median(p50, PAIRS), r99 = bench_median(p99, PAIRS);
    struct bench_row *r = bench_row(b, "lone.p50", "<= 1.2 x SQLite alone");
    bench_value(r, "%.2f x SQLite alone", r50);
    bench_detail(r, "%.0f us a step, alone %.0f us; one run, blocks of %d steps alternate",
                 bench_median(ours50, PAIRS) / 1e3, bench_median(alone50, PAIRS) / 1e3, BLOCK);
    bench_judge(r, r50 <= 1.2);
    r = bench_row(b, "lone.p99", "<= 1.5 x SQLite alone");
    bench_value(r, "%.2f x SQLite alone", r99);
    bench_detail(r, "%.0f us a step, alone %.0f us", bench_median(ours99, PAIRS) / 1e3,
                 bench_median(alone99, PAIRS) / 1e3);
    bench_judge(r, r99 <= 1.5);
    bench_tape_fini(&tape);
    bench_remove(folder);
    bench_remove(other);
}

/* ---- own time ---- */

enum { TURNS = 20, FEW = 1, MANY = 9 };

/* What a run of TURNS model messages with `calls` reads each takes of its own, the store's time left out. Gives us a
 * message, and its commits' number. */
static double own_us(struct bench *b, uint32_t calls, struct bench_counts *counts)
{
    const struct bench_plan plan = {.effect = "read", .turns = TURNS, .calls = calls};
    double runs[ROUNDS_MAX * 4];
    const uint32_t rounds = b->rounds * 4;
    struct bench_tool tool = {0};
    char folder[BENCH_PATH];
    bench_folder(b, folder, "own");
    bench_write_plan(folder, &plan);
    struct bench_tape tape;
    bench_tape_init(&tape);
    struct pawl *p = bench_open(folder);
    bench_register(p, &tool);
    pawl_probe_watch(p, bench_tape_watch, &tape);
    bench_post_start(p, "");
    bench_finish(p);
    for (uint32_t i = 0; i < rounds; i++) {
        const uint32_t first = tape.batches_count;
        const int64_t began_ns = pawl_clock_mono_ns();
        int64_t stored_ns = 0;
        bench_post_start(p, "");
        bench_finish(p);
        for (uint32_t k = first; k < tape.batches_count; k++)
            stored_ns += tape.batches[k].ended_ns - tape.batches[k].began_ns;
        runs[i] = (double)(tape.batches[tape.batches_count - 1].ended_ns - began_ns - stored_ns) / 1e3 / (TURNS + 1);
    }
    pawl_close(p);
    *counts = bench_tape_counts(&tape);
    bench_tape_fini(&tape);
    bench_remove(folder);
    return bench_median(runs, rounds);
}

void bench_own(struct bench *b)
{
    struct bench_counts counts;
    const double few = own_us(b, FEW, &counts), many = own_us(b, MANY, &counts);
    const double read = (many - few) * (TURNS + 1) / (TURNS * (MANY - FEW)), model = few - read * TURNS / (TURNS + 1);
    struct bench_row *r = bench_row(b, "own.read", "<= 30 us, no sync");
    bench_value(r, "%.1f us", read);
    bench_detail(r, "own time a step, the store's left out: 21 model messages with %d reads against %d", MANY, FEW);
    bench_judge(r, read <= 30);
    r = bench_row(b, "own.model", "<= 30 us beside its sync");
    bench_value(r, "%.1f us", model);
    bench_judge(r, model <= 30);
    r = bench_row(b, "own.records", "1 a read, <= 2 a model step");
    bench_value(r, "%.2f a read, %.2f a model step", counts.records_a_read, counts.records_a_model);
    bench_judge(r, counts.records_a_read <= 1 && counts.records_a_model <= 2);
}
