/* src/cli/bench.h - inside of `pawl bench`: what its workloads share. A row of the table is one required figure; each workload
 * makes the rows it is named for, in a folder of its own, through libpawl's public calls. Private to cli/bench*.c. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "host/probe.h"
#include "journal/store.h"

enum { BENCH_ROWS = 32, BENCH_PATH = 1024 };

struct bench_row {
    const char *name;
    char value[200], required[80], detail[320];
    bool met, judged; /* judged: there is something to meet */
};
struct bench {
    char folder[BENCH_PATH]; /* where all is written: it decides which disk is measured */
    uint32_t rounds;         /* how often a comparison is repeated; the median counts */
    uint32_t idle_s;         /* how long an idle process is watched */
    uint32_t parked;         /* how many runs are parked */
    struct bench_row rows[BENCH_ROWS];
    uint32_t rows_count;
};

/* bench_kit.c */
struct bench_row *bench_row(struct bench *b, const char *name, const char *required);
void bench_value(struct bench_row *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
void bench_detail(struct bench_row *r, const char *format, ...) __attribute__((format(printf, 2, 3))); /* adds to it */
void bench_judge(struct bench_row *r, bool met);
_Noreturn void bench_die(const char *format, ...) __attribute__((format(printf, 1, 2)));
double bench_cpu_s(void);                                         /* of all threads of this process, so far */
double bench_median(double *values, uint32_t count);              /* sorts them */
double bench_share(double *values, uint32_t count, double share); /* of sorted values: 0.5, 0.99 */
void bench_path(const struct bench *b, char out[BENCH_PATH], const char *name);
void bench_folder(const struct bench *b, char out[BENCH_PATH], const char *name); /* made, and empty */
void bench_remove(const char *folder);                                            /* a folder and what is in it */
FILE *bench_create(const char *folder, const char *name);
void bench_close(FILE *f);                                      /* dies where what was written is not there */
int64_t bench_file_bytes(const char *folder, const char *name); /* 0: not there */

/* A store in `folder` whose agent `bench` follows a script of `turns` answers, each of which makes `calls` calls of the
 * tool `step` (in-process; effect as named, honours keys); then it says that it is done. */
struct bench_plan {
    const char *effect; /* "mutate", "read" */
    uint32_t turns, calls;
};
void bench_write_plan(const char *folder, const struct bench_plan *plan);
struct pawl *bench_open(const char *folder);
struct bench_tool { /* what the in-process tool does: counts, answers with 100 bytes */
    uint64_t calls;
    uint64_t stop_at; /* at this call: `stopped` is called before it answers; 0: never */
    void (*stopped)(void *ctx);
    void *ctx;
};
void bench_register(struct pawl *p, struct bench_tool *tool);
void bench_post_start(struct pawl *p, const char *members); /* "": no others */
void bench_finish(struct pawl *p);                          /* until nothing is under way */
int64_t bench_count_runs(struct pawl *p, const char *status);

/* A child: this same binary as `pawl bench --child WHAT FOLDER [NUMBER]`, its output in *out. */
struct bench_child {
    int pid;
    FILE *out;
};
void bench_spawn(struct bench_child *c, const char *what, const char *folder, uint32_t number);
/* Reads lines until one begins with it; gives the number behind it. */
int64_t bench_expect(struct bench_child *c, const char *word);
int bench_reap(struct bench_child *c); /* wait status */
int bench_child_main(const char *what, const char *folder, uint32_t number);

struct bench_memory {
    long anon_kib, dirty_kib;
};
struct bench_memory bench_memory_of(int pid);

/* bench_tape.c: the transactions that pawl made, and the same rows by SQLite alone */
struct bench_commit {
    struct pawl_commit c;
    int64_t run, last, first_row; /* filled in for the replay: numbers in the file, */
    bool moves_on;                /* and whether its head has only moved on */
};
struct bench_batch {
    uint32_t first, count; /* in commits */
    int64_t began_ns, ended_ns;
};
struct bench_tape {
    struct pawl_arena arena;
    struct bench_commit *commits;
    struct bench_batch *batches;
    uint32_t commits_count, commits_size, batches_count, batches_size;
};
void bench_tape_init(struct bench_tape *t);
void bench_tape_fini(struct bench_tape *t);
void bench_tape_watch(void *ctx, struct pawl_commit *const *commits, uint32_t count, int64_t began_ns,
                      int64_t ended_ns);
struct bench_counts { /* of what a tape holds */
    uint64_t records, steps, model_steps, read_steps, change_steps;
    double records_a_read, records_a_change, records_a_model; /* steps whose first attempt succeeded */
};
struct bench_counts bench_tape_counts(const struct bench_tape *t);

struct bench_bare;
struct bench_bare *bench_bare_open(const char *folder); /* a store that pawl made and closed, opened by SQLite alone */
/* Commits each batch of the tape from `first` on; times (may be NULL) get each one's duration. Returns the whole time. */
int64_t bench_bare_replay(struct bench_bare *b, struct bench_tape *t, uint32_t first, uint32_t count, double *times_ns);
void bench_bare_close(struct bench_bare *b);
void bench_bare_same(const char *folder, const char *other); /* dies where the two stores differ in a row */

/* the workloads */
void bench_floors(struct bench *b);
void bench_many(struct bench *b);
void bench_lone(struct bench *b);
void bench_own(struct bench *b);
void bench_start(struct bench *b);
void bench_idle(struct bench *b);
void bench_crash(struct bench *b);
void bench_unfinished(struct bench *b);
void bench_parked(struct bench *b);
void bench_conversation(struct bench *b);
void bench_lanes(struct bench *b);
void bench_schema(struct bench *b);
void bench_binary(struct bench *b);
int bench_child_park(const char *folder, uint32_t count);
int bench_child_schema(uint32_t count);
int bench_child_wake(const char *folder, uint32_t from);
