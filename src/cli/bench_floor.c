/* src/cli/bench_floor.c - what this machine can do at best, so that a figure of pawl's can be judged anywhere: one sync of 4 KiB,
 * and rows of the journal's shape through SQLite in large groups. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/bench.h"
#include "io/clock.h"

enum { SYNCS = 500, GROUPS = 50, GROUP = 512, BODY = 200 };

static void sync_latency(struct bench *b)
{
    static const char block[4096];
    double took[SYNCS];
    char path[BENCH_PATH];
    bench_path(b, path, "sync");
    const int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0) bench_die("cannot write %s: %s", path, strerror(errno));
    for (int i = 0; i < SYNCS; i++) {
        const int64_t before_ns = pawl_clock_mono_ns();
        if (write(fd, block, sizeof block) != sizeof block || fdatasync(fd) != 0)
            bench_die("cannot write %s: %s", path, strerror(errno));
        took[i] = (double)(pawl_clock_mono_ns() - before_ns) / 1e3;
    }
    close(fd);
    unlink(path);
    struct bench_row *r = bench_row(b, "floor.sync", "");
    const double p50 = bench_median(took, SYNCS);
    bench_value(r, "p50 %.0f us, p99 %.0f us", p50, bench_share(took, SYNCS, 0.99));
    bench_detail(r, "append of 4 KiB and fdatasync");
}

/* A tape of commits as a step leaves them: two records of 200 bytes each and a head, of 200 runs in turn. */
static void fill(struct bench_tape *t, struct pawl_record *records)
{
    static char body[BODY];
    static struct pawl_head heads[200];
    memset(body, 'x', sizeof body);
    memset(heads, 0, sizeof heads);
    for (uint32_t g = 0; g < GROUPS; g++) {
        static struct pawl_commit commits[GROUP];
        static struct pawl_commit *list[GROUP];
        for (uint32_t i = 0; i < GROUP; i++) {
            struct pawl_head *h = &heads[(g * GROUP + i) % 200];
            struct pawl_commit *c = &commits[i];
            *c = (struct pawl_commit){.create = h->seq == 0, .seq_before = h->seq, .records_count = 2};
            memcpy(h->run.b, &(uint32_t){(uint32_t)(h - heads) + 1}, sizeof(uint32_t));
            h->agent = PAWL_STR("bench");
            h->status = PAWL_RUNNING;
            for (int k = 0; k < 2; k++)
                records[2 * i + (uint32_t)k] =
                    (struct pawl_record){.run = h->run,
                                         .seq = ++h->seq,
                                         .at_ns = 1767225600000000000 + (int64_t)h->seq,
                                         .kind = k ? PAWL_STEP_INTENDED : PAWL_STEP_COMPLETED,
                                         .step = (uint32_t)h->seq,
                                         .cause = h->seq - 1,
                                         .body = {body, BODY}};
            h->wake_ns = h->created_ns = h->updated_ns = 1767225600000000000;
            c->records = &records[2 * i];
            c->head = *h;
            list[i] = c;
        }
        bench_tape_watch(t, list, GROUP, 0, 0);
    }
}

static void insert_rate(struct bench *b)
{
    struct pawl_record *records = calloc(2 * GROUP, sizeof *records);
    struct bench_tape tape;
    char folder[BENCH_PATH];
    if (!records) bench_die("no memory");
    bench_folder(b, folder, "floor");
    bench_tape_init(&tape);
    fill(&tape, records);
    struct bench_bare *bare = bench_bare_open(folder);
    const double took_s = (double)bench_bare_replay(bare, &tape, 0, tape.batches_count, NULL) / 1e9;
    bench_bare_close(bare);
    struct bench_row *r = bench_row(b, "floor.insert", "");
    bench_value(r, "%.0f records/s", 2.0 * GROUPS * GROUP / took_s);
    bench_detail(r, "SQLite alone, groups of %d commits: two records of %d bytes and a head each", GROUP, BODY);
    bench_tape_fini(&tape);
    free(records);
    bench_remove(folder);
}

void bench_floors(struct bench *b)
{
    sync_latency(b);
    insert_rate(b);
}
