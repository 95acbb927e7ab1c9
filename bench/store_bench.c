/* bench/store_bench.c - what a commit costs, beside what SQLite alone needs for the same rows.
 *
 * One commit is what a step leaves: two records with bodies of 200 bytes and the new head of one run; a batch has as many
 * as runs go at once. `bare` writes the same rows into the same tables by the fewest statements there are (two INSERTs
 * and an UPDATE by number), and judges nothing. `writer` hands single commits to the writer's thread and waits, `inline`
 * commits them through it on its own thread. Each figure is the best of three rounds; every batch is one sync.
 *
 *     store_bench [FOLDER [SECONDS]]     (the folder decides which disk is measured; default: here, 1 second a round)
 *
 * Pin it (taskset -c 0) and say so with the figures. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>
#include "io/alloc.h"
#include "io/clock.h"
#include "store/sqlite.h"
#include "store/writer.h"

enum { RUNS = 1000, ROUNDS = 3, BODY = 200, SAMPLES = 200000 };
static char path[512];
static int64_t round_ns = 1000000000;
static struct pawl_head heads[RUNS];
static struct pawl_record records[RUNS][2];
static char body[BODY];
static int64_t samples[SAMPLES];

struct figure {
    double commits_per_s;
    double p50_us, p99_us; /* of one batch */
};

static void fail(const char *what)
{
    fprintf(stderr, "store_bench: %s\n", what);
    exit(1);
}

static void remove_store(void)
{
    char wal[600];
    snprintf(wal, sizeof wal, "%s-wal", path);
    unlink(path);
    unlink(wal);
}

static int by_value(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Calls `once(ctx, first)` with the number of the first run of each batch until the round is over. */
static struct figure measure(void (*once)(void *ctx, uint32_t first, uint32_t batch), void *ctx, uint32_t batch)
{
    struct figure best = {0};
    for (int round = 0; round < ROUNDS; round++) {
        const int64_t begin = pawl_clock_mono_ns();
        int64_t now = begin;
        uint32_t count = 0, first = 0;
        while (now - begin < round_ns && count < SAMPLES) {
            const int64_t before = now;
            if (first + batch > RUNS) first = 0;
            once(ctx, first, batch);
            first += batch;
            now = pawl_clock_mono_ns();
            samples[count++] = now - before;
        }
        const double per_s = (double)count * batch / ((double)(now - begin) / 1e9);
        if (per_s <= best.commits_per_s) continue;
        qsort(samples, count, sizeof *samples, by_value);
        best = (struct figure){per_s, (double)samples[count / 2] / 1e3, (double)samples[count - 1 - count / 100] / 1e3};
    }
    return best;
}

/* ---- pawl ---- */

static void fill_commit(struct pawl_commit *c, uint32_t n, uint32_t count)
{
    struct pawl_head *h = &heads[n];
    memset(c, 0, sizeof *c);
    c->seq_before = h->seq;
    for (uint32_t i = 0; i < count; i++) {
        struct pawl_record *r = &records[n][i];
        r->run = h->run;
        r->seq = ++h->seq;
        r->at_ns = ++h->updated_ns;
        r->kind = i == 0 ? PAWL_STEP_COMPLETED : PAWL_STEP_INTENDED;
        r->step = (uint32_t)h->seq;
        r->cause = h->seq - 1;
        r->body = (struct pawl_str){body, sizeof body};
        memcpy(r->hash.b, &r->at_ns, sizeof r->at_ns); /* hashing is the engine's; here the bytes must only differ */
        h->hash = r->hash;
    }
    c->head = *h;
    c->records = records[n];
    c->records_count = count;
}

struct pawl_side {
    struct pawl_store *store;
    struct pawl_writer *writer;
    uv_sem_t done;
};

static void commit_runs(struct pawl_side *side, uint32_t first, uint32_t batch, bool create)
{
    static struct pawl_commit commits[RUNS];
    static struct pawl_commit *list[RUNS];
    for (uint32_t i = 0; i < batch; i++) {
        fill_commit(&commits[i], first + i, create ? 1 : 2);
        commits[i].create = create;
        list[i] = &commits[i];
    }
    if (side->store->commit(side->store, list, batch, NULL) != PAWL_OK) fail("commit");
    for (uint32_t i = 0; i < batch; i++)
        if (commits[i].result != PAWL_OK) fail("a commit was refused");
}

static void once_pawl(void *ctx, uint32_t first, uint32_t batch)
{
    commit_runs(ctx, first, batch, false);
}

static void once_writer(void *ctx, uint32_t first, uint32_t batch)
{
    struct pawl_side *side = ctx;
    struct pawl_commit c;
    struct pawl_writer_job job = {.commit = &c};
    (void)batch;
    fill_commit(&c, first, 2);
    pawl_writer_submit(side->writer, &job);
    uv_sem_wait(&side->done);
    if (pawl_writer_drain(side->writer) != &job || job.result != PAWL_OK) fail("writer");
}

static void once_inline(void *ctx, uint32_t first, uint32_t batch)
{
    struct pawl_side *side = ctx;
    struct pawl_commit c;
    struct pawl_writer_job job = {.commit = &c};
    (void)batch;
    fill_commit(&c, first, 2);
    if (pawl_writer_run_inline(side->writer, &job) != PAWL_OK || job.result != PAWL_OK) fail("inline");
}

static void on_done(void *ctx)
{
    uv_sem_post(&((struct pawl_side *)ctx)->done);
}

static void open_pawl(struct pawl_side *side)
{
    struct pawl_error err;
    remove_store();
    if (pawl_sqlite_open(path, pawl_alloc_libc(), &side->store, &err) != PAWL_OK) fail(err.what);
    for (uint32_t i = 0; i < RUNS; i++) {
        memset(&heads[i], 0, sizeof heads[i]);
        heads[i].run.b[0] = 1;
        memcpy(heads[i].run.b + 8, &i, sizeof i);
        heads[i].status = PAWL_RUNNING;
        heads[i].epoch = 1;
        heads[i].agent = PAWL_STR("refunds");
        heads[i].created_ns = heads[i].updated_ns = 1767225600000000000;
    }
    commit_runs(side, 0, RUNS, true);
}

/* ---- SQLite alone, on the tables that pawl made ---- */

struct bare {
    sqlite3 *db;
    sqlite3_stmt *begin, *commit, *insert, *update;
    int64_t last[RUNS];
};

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *st;
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL) != SQLITE_OK) fail(sqlite3_errmsg(db));
    return st;
}

static void run_once(struct bare *b, sqlite3_stmt *st)
{
    if (sqlite3_step(st) != SQLITE_DONE) fail(sqlite3_errmsg(b->db));
    sqlite3_reset(st);
}

static void once_bare(void *ctx, uint32_t first, uint32_t batch)
{
    struct bare *b = ctx;
    run_once(b, b->begin);
    for (uint32_t i = 0; i < batch; i++) {
        struct pawl_commit c;
        const uint32_t n = first + i;
        fill_commit(&c, n, 2);
        for (int k = 0; k < 2; k++) {
            const struct pawl_record *r = &c.records[k];
            sqlite3_bind_int64(b->insert, 1, n + 1);
            sqlite3_bind_int64(b->insert, 2, b->last[n]);
            sqlite3_bind_int64(b->insert, 3, (int64_t)r->seq);
            sqlite3_bind_int64(b->insert, 4, r->at_ns);
            sqlite3_bind_int64(b->insert, 5, r->kind);
            sqlite3_bind_int64(b->insert, 6, r->step);
            sqlite3_bind_int64(b->insert, 7, (int64_t)r->cause);
            sqlite3_bind_blob(b->insert, 8, r->salt, 8, SQLITE_STATIC);
            sqlite3_bind_blob(b->insert, 9, r->hash.b, 32, SQLITE_STATIC);
            sqlite3_bind_text(b->insert, 10, r->body.p, (int)r->body.n, SQLITE_STATIC);
            run_once(b, b->insert);
            b->last[n] = sqlite3_last_insert_rowid(b->db);
        }
        sqlite3_bind_int64(b->update, 1, n + 1);
        sqlite3_bind_int64(b->update, 2, (int64_t)c.head.seq);
        sqlite3_bind_int64(b->update, 3, b->last[n]);
        sqlite3_bind_int64(b->update, 4, c.head.updated_ns);
        run_once(b, b->update);
    }
    run_once(b, b->commit);
}

static void open_bare(struct bare *b)
{
    static const char settings[] =
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 2000";
    struct pawl_side side = {0};
    open_pawl(&side); /* for its tables */
    side.store->close(side.store);
    if (sqlite3_open_v2(path, &b->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) fail("open");
    if (sqlite3_exec(b->db, settings, NULL, NULL, NULL) != SQLITE_OK) fail(sqlite3_errmsg(b->db));
    b->begin = prepare(b->db, "BEGIN IMMEDIATE");
    b->commit = prepare(b->db, "COMMIT");
    b->insert = prepare(b->db, "INSERT INTO record(run, previous, seq, at, kind, step, cause, salt, hash, body) "
                               "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
    b->update = prepare(b->db, "UPDATE run SET seq = ?2, last = ?3, updated = ?4 WHERE n = ?1");
    for (uint32_t i = 0; i < RUNS; i++) b->last[i] = i + 1;
}

static void close_bare(struct bare *b)
{
    sqlite3_finalize(b->begin);
    sqlite3_finalize(b->commit);
    sqlite3_finalize(b->insert);
    sqlite3_finalize(b->update);
    sqlite3_close(b->db);
}

static void show(const char *who, uint32_t batch, struct figure f, double ratio)
{
    printf("%-8s batch %4u  %9.0f commits/s  p50 %8.1f us  p99 %8.1f us", who, batch, f.commits_per_s, f.p50_us,
           f.p99_us);
    if (ratio > 0) printf("  %.2f of bare", ratio);
    printf("\n");
}

int main(int argc, char **argv)
{
    static const uint32_t batches[] = {1, 32, 128};
    static struct bare bare;
    struct pawl_side side = {0};
    snprintf(path, sizeof path, "%s/store_bench.db", argc > 1 ? argv[1] : ".");
    if (argc > 2) round_ns = (int64_t)(atof(argv[2]) * 1e9);
    memset(body, 'x', sizeof body);
    if (round_ns <= 0) fail("usage: store_bench [FOLDER [SECONDS]]");
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        open_bare(&bare);
        const struct figure alone = measure(once_bare, &bare, batches[i]);
        close_bare(&bare);
        open_pawl(&side);
        const struct figure ours = measure(once_pawl, &side, batches[i]);
        side.store->close(side.store);
        show("bare", batches[i], alone, 0);
        show("pawl", batches[i], ours, ours.commits_per_s / alone.commits_per_s);
    }
    open_pawl(&side);
    if (uv_sem_init(&side.done, 0) != 0 ||
        pawl_writer_open(side.store, pawl_alloc_libc(), on_done, &side, &side.writer, NULL) != PAWL_OK)
        fail("writer");
    show("writer", 1, measure(once_writer, &side, 1), 0);
    show("inline", 1, measure(once_inline, &side, 1), 0);
    pawl_writer_close(side.writer);
    side.store->close(side.store);
    remove_store();
    return 0;
}
