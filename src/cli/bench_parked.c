/* src/cli/bench_parked.c - many runs that are not at work: unfinished ones that a new owner takes up, and parked ones, which
 * cost a row and wake by index. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/bench.h"
#include "io/alloc.h"
#include "io/clock.h"
#include "store/sqlite.h"

static const int64_t SECOND_NS = 1000000000;

/* ---- unfinished runs ---- */

enum { UNFINISHED = 100000, GROUP = 1000, TAKEN = 2, TRIES = 3 };

/* The journal of one real run up to its first tool call's intent, again and again under other ids, its hashes made anew. */
static void copy_run(const struct bench_tape *t, struct pawl_id id, struct pawl_arena *a, struct pawl_commit *out)
{
    struct pawl_record *records = pawl_arena_get(a, 16 * sizeof *records);
    struct pawl_hash hash = {{0}};
    *out = t->commits[0].c;
    out->request = (struct pawl_str){NULL, 0};
    out->records_count = 0;
    for (int i = 0; i < TAKEN; i++) {
        const struct pawl_commit *c = &t->commits[i].c;
        out->head = c->head;
        for (uint32_t k = 0; k < c->records_count; k++) {
            struct pawl_record *r = &records[out->records_count++];
            *r = c->records[k];
            r->run = id;
            r->hash = hash = pawl_record_hash(r, hash);
        }
    }
    out->head.run = id;
    out->head.hash = hash;
    out->records = records;
}

static void make_unfinished(const char *folder, const struct bench_tape *t)
{
    struct pawl_store *store;
    struct pawl_error err;
    struct pawl_id id = t->commits[0].c.head.run;
    char path[BENCH_PATH + 16];
    snprintf(path, sizeof path, "%s/pawl.db", folder);
    if (pawl_sqlite_open(path, pawl_alloc_libc(), &store, &err)) bench_die("%s %s", err.where, err.what);
    for (uint32_t n = 0; n < UNFINISHED; n += GROUP) {
        static struct pawl_commit commits[GROUP], *list[GROUP];
        struct pawl_arena a;
        pawl_arena_init(&a, pawl_alloc_libc());
        for (uint32_t i = 0; i < GROUP; i++) {
            const uint32_t number = n + i;
            for (int k = 0; k < 4; k++) id.b[12 + k] = (uint8_t)(number >> (24 - 8 * k));
            copy_run(t, id, &a, &commits[i]);
            list[i] = &commits[i];
        }
        if (store->commit(store, list, GROUP, &err)) bench_die("%s %s", err.where, err.what);
        pawl_arena_fini(&a);
    }
    store->close(store);
}

void bench_unfinished(struct bench *b)
{
    const struct bench_plan plan = {.effect = "mutate", .turns = 1, .calls = 1};
    struct bench_tool tool = {0};
    struct bench_tape tape;
    char folder[BENCH_PATH];
    double s[TRIES];
    bench_tape_init(&tape);
    for (int i = 0; i < TRIES; i++) {
        struct bench_child child;
        bench_folder(b, folder, "unfinished");
        bench_write_plan(folder, &plan);
        if (i == 0) {
            struct pawl *p = bench_open(folder);
            bench_register(p, &tool);
            pawl_probe_watch(p, bench_tape_watch, &tape);
            bench_post_start(p, "");
            bench_finish(p);
            pawl_close(p);
            bench_folder(b, folder, "unfinished");
            bench_write_plan(folder, &plan);
        }
        make_unfinished(folder, &tape);
        const int64_t began_ns = pawl_clock_mono_ns();
        bench_spawn(&child, "first", folder, 0);
        bench_expect(&child, "first");
        s[i] = (double)(pawl_clock_mono_ns() - began_ns) / 1e9;
        kill(child.pid, SIGKILL);
        bench_reap(&child);
    }
    bench_tape_fini(&tape);
    bench_remove(folder);
    struct bench_row *r = bench_row(b, "unfinished", "<= 1 s");
    const double p50 = bench_median(s, TRIES);
    bench_value(r, "%.3f s (best %.3f, worst %.3f)", p50, s[0], s[TRIES - 1]);
    bench_detail(r, "%d unfinished runs, an intent open in each; exec to the first call that is sent again",
                 UNFINISHED);
    bench_judge(r, p50 <= 1);
}

/* ---- parked runs ---- */

enum { WOKEN = 10000, WINDOW = 4096 };

struct parking {
    struct pawl *p;
    uint32_t outstanding, seen, want;
    enum pawl_status status; /* counted: commits whose head says so */
    volatile int64_t all_ns; /* when the last of them was durable */
};

static void watch(void *ctx, struct pawl_commit *const *commits, uint32_t count, int64_t began_ns, int64_t ended_ns)
{
    struct parking *k = ctx;
    (void)began_ns;
    for (uint32_t i = 0; i < count; i++)
        k->seen += commits[i]->result == PAWL_OK && commits[i]->head.status == k->status;
    if (k->seen == k->want && k->all_ns == 0) k->all_ns = ended_ns;
}

static int answered(void *ctx, const char *json, size_t bytes)
{
    struct parking *k = ctx;
    if (strstr(json, "\"error\":{")) bench_die("%.*s", (int)bytes, json);
    if (--k->outstanding == WINDOW / 2) pawl_interrupt(k->p, false);
    return 0;
}

static void park(struct parking *k, uint32_t from, uint32_t count, int64_t begins_ns)
{
    for (uint32_t i = 0; i < count; i++) {
        char request[320];
        struct pawl_error err;
        snprintf(request, sizeof request,
                 "{\"do\":\"start\",\"agent\":\"bench\",\"input\":\"%s\",\"key\":\"order-%07u\",\"begins_ns\":%lld}",
                 "sixty bytes of input: what the user wanted to have done now.", from + i, (long long)begins_ns);
        if (pawl_post(k->p, request, answered, k, &err)) bench_die("%s", err.what);
        if (++k->outstanding < WINDOW) continue;
        while (k->outstanding > WINDOW / 2) pawl_turn(k->p, SECOND_NS, NULL);
    }
    while (k->outstanding > 0) pawl_turn(k->p, SECOND_NS / 1000, NULL);
}

int bench_child_park(const char *folder, uint32_t count)
{
    struct parking k = {.p = bench_open(folder), .want = count, .status = PAWL_WAITING};
    pawl_probe_watch(k.p, watch, &k);
    const int64_t began_ns = pawl_clock_mono_ns();
    park(&k, 0, count, pawl_clock_wall_ns() + 30 * 24 * 3600 * SECOND_NS);
    while (!k.all_ns) pawl_turn(k.p, SECOND_NS / 1000, NULL);
    printf("parked %lld\n", (long long)(k.all_ns - began_ns));
    fflush(stdout);
    pawl_close(k.p);
    return 0;
}

int bench_child_wake(const char *folder, uint32_t from)
{
    struct parking k = {.p = bench_open(folder), .want = WOKEN, .status = PAWL_DONE};
    const int64_t in_ns = 2 * SECOND_NS, wall_ns = pawl_clock_wall_ns(), mono_ns = pawl_clock_mono_ns();
    struct bench_tool tool = {0};
    bench_register(k.p, &tool);
    pawl_probe_watch(k.p, watch, &k);
    park(&k, from, WOKEN, wall_ns + in_ns);
    if (pawl_clock_mono_ns() > mono_ns + in_ns) bench_die("parking %d runs took longer than they were to wait", WOKEN);
    while (!k.all_ns) pawl_turn(k.p, SECOND_NS / 100, NULL);
    printf("woken %lld\n", (long long)(k.all_ns - (mono_ns + in_ns)));
    fflush(stdout);
    pawl_close(k.p);
    return 0;
}

static struct bench_memory idle_memory(const char *folder)
{
    struct bench_child child;
    bench_spawn(&child, "idle", folder, 0);
    bench_expect(&child, "idle");
    sleep(10);
    const struct bench_memory m = bench_memory_of(child.pid);
    kill(child.pid, SIGKILL);
    bench_reap(&child);
    return m;
}

void bench_parked(struct bench *b)
{
    const struct bench_plan plan = {.effect = "mutate"};
    struct bench_child child;
    char folder[BENCH_PATH];
    bench_folder(b, folder, "parked-none");
    bench_write_plan(folder, &plan);
    const struct bench_memory none = idle_memory(folder);
    bench_remove(folder);
    bench_folder(b, folder, "parked");
    bench_write_plan(folder, &plan);
    bench_spawn(&child, "park", folder, b->parked);
    const double s = (double)bench_expect(&child, "parked ") / 1e9;
    bench_reap(&child);
    const double bytes = (double)bench_file_bytes(folder, "pawl.db") / b->parked;
    const struct bench_memory many = idle_memory(folder);
    const double more = (double)(many.anon_kib + many.dirty_kib - none.anon_kib - none.dirty_kib) / 1024;
    bench_spawn(&child, "wake", folder, b->parked);
    const double woken_s = (double)bench_expect(&child, "woken ") / 1e9;
    bench_reap(&child);
    bench_remove(folder);
    struct bench_row *r = bench_row(b, "parked.disk", "<= 500 bytes each");
    bench_value(r, "%.0f bytes each", bytes);
    bench_detail(r, "%u parked runs: 60 bytes of input, one timer, a key", b->parked);
    bench_judge(r, bytes <= 500);
    r = bench_row(b, "parked.rate", ">= 20,000/s");
    bench_value(r, "%.0f/s", b->parked / s);
    bench_judge(r, b->parked / s >= 20000);
    r = bench_row(b, "parked.memory", "<= 2 MiB more than with none");
    bench_value(r, "%.2f MiB more", more);
    bench_detail(r, "%.2f MiB idle with them, %.2f with none", (double)(many.anon_kib + many.dirty_kib) / 1024,
                 (double)(none.anon_kib + none.dirty_kib) / 1024);
    bench_judge(r, more <= 2);
    r = bench_row(b, "parked.wake", "<= 1 s");
    bench_value(r, "%.3f s", woken_s);
    bench_detail(r, "%d of them due at once, until the last has ended: a model step each", WOKEN);
    bench_judge(r, woken_s <= 1);
}
