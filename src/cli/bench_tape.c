/* src/cli/bench_tape.c - the transactions that pawl made, kept as they were committed; and the same rows, in the same
 * transactions, written by SQLite alone: prepared statements on tables that pawl made, and nothing else. Afterwards the two
 * files must hold the same rows. */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include "base/map.h"
#include "cli/bench.h"
#include "io/alloc.h"
#include "io/clock.h"
#include "store/sqlite.h"

void bench_tape_init(struct bench_tape *t)
{
    *t = (struct bench_tape){0};
    pawl_arena_init(&t->arena, pawl_alloc_libc());
}

void bench_tape_fini(struct bench_tape *t)
{
    pawl_arena_fini(&t->arena);
    free(t->commits);
    free(t->batches);
}

static void *room(void *items, uint32_t count, uint32_t *size, size_t item_bytes)
{
    void *p = items;
    if (count < *size) return items;
    *size = *size ? *size * 2 : 1024;
    p = realloc(items, *size * item_bytes);
    if (!p) bench_die("no memory");
    return p;
}

static struct pawl_str copy(struct bench_tape *t, struct pawl_str s)
{
    return s.p ? pawl_str_copy(&t->arena, s) : s;
}

static void keep(struct bench_tape *t, const struct pawl_commit *from)
{
    struct pawl_record *records = pawl_arena_get(&t->arena, from->records_count * sizeof *records);
    struct pawl_claim_op *claims = pawl_arena_get(&t->arena, from->claims_count * sizeof *claims);
    struct pawl_blob *blobs = pawl_arena_get(&t->arena, from->blobs_count * sizeof *blobs);
    struct pawl_commit *c;
    t->commits = room(t->commits, t->commits_count, &t->commits_size, sizeof *t->commits);
    if (!records || !claims || !blobs) bench_die("no memory");
    t->commits[t->commits_count] = (struct bench_commit){.c = *from};
    c = &t->commits[t->commits_count++].c;
    c->head.agent = copy(t, c->head.agent);
    c->head.key = copy(t, c->head.key);
    c->request = copy(t, c->request);
    if (from->records_count) memcpy(records, from->records, from->records_count * sizeof *records);
    if (from->claims_count) memcpy(claims, from->claims, from->claims_count * sizeof *claims);
    if (from->blobs_count) memcpy(blobs, from->blobs, from->blobs_count * sizeof *blobs);
    for (uint32_t i = 0; i < c->records_count; i++) records[i].body = copy(t, records[i].body);
    for (uint32_t i = 0; i < c->blobs_count; i++) blobs[i].bytes = copy(t, blobs[i].bytes);
    c->records = records;
    c->claims = claims;
    c->blobs = blobs;
}

void bench_tape_watch(void *ctx, struct pawl_commit *const *commits, uint32_t count, int64_t began_ns, int64_t ended_ns)
{
    struct bench_tape *t = ctx;
    const uint32_t first = t->commits_count;
    for (uint32_t i = 0; i < count; i++)
        if (commits[i]->result == PAWL_OK) keep(t, commits[i]);
    t->batches = room(t->batches, t->batches_count, &t->batches_size, sizeof *t->batches);
    t->batches[t->batches_count++] = (struct bench_batch){.first = first,
                                                          .count = t->commits_count - first,
                                                          .began_ns = began_ns,
                                                          .ended_ns = ended_ns};
}

/* Which kind of step a record begins or ends; steps are told apart by whether they have an intent, and of what kind. */
struct bench_counts bench_tape_counts(const struct bench_tape *t)
{
    struct bench_counts n = {0};
    uint64_t of_model = 0, of_change = 0, intents_model = 0, intents_tool = 0, completed = 0;
    for (uint32_t i = 0; i < t->commits_count; i++)
        for (uint32_t k = 0; k < t->commits[i].c.records_count; k++) {
            const struct pawl_record *r = &t->commits[i].c.records[k];
            n.records++;
            if (r->step == 0) continue;
            if (r->kind == PAWL_STEP_INTENDED) {
                if (strstr(r->body.p, "\"kind\":\"model\"")) intents_model++;
                else intents_tool++;
            } else if (r->kind == PAWL_STEP_COMPLETED) {
                completed++;
            } else {
                of_change++; /* anything more than an intent and an end counts against both */
                of_model++;
            }
        }
    n.steps = completed;
    n.model_steps = intents_model;
    n.change_steps = intents_tool;
    n.read_steps = completed - intents_model - intents_tool;
    if (n.model_steps) n.records_a_model = 2 + (double)of_model / (double)n.model_steps;
    if (n.change_steps) n.records_a_change = 2 + (double)of_change / (double)n.change_steps;
    if (n.read_steps) n.records_a_read = 1 + (double)of_change / (double)n.read_steps;
    return n;
}

/* ---- SQLite alone ---- */

enum { BEGIN, COMMIT, RUN_ADD, RUN_SET, RUN_STEP, RECORD_ADD, CLAIM_PUT, CLAIM_DROP, BLOB_ADD, STATEMENTS };
static const char *const texts[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [RUN_ADD] =
        "INSERT INTO run(n, id, agent, key, request, created, status, waiting, waiting_step, epoch, owner, claims, "
        "seq, last, wake, active, updated, config) "
        "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
    [RUN_SET] = "UPDATE run SET status = ?2, waiting = ?3, waiting_step = ?4, epoch = ?5, owner = ?6, claims = ?7, "
                "seq = ?8, last = ?9, wake = ?10, active = ?11, updated = ?12 WHERE n = ?1",
    [RUN_STEP] = "UPDATE run SET seq = ?2, last = ?3, active = ?4, updated = ?5 WHERE n = ?1",
    [RECORD_ADD] = "INSERT INTO record(row, run, previous, seq, at, kind, step, cause, salt, hash, body) "
                   "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    [CLAIM_PUT] =
        "INSERT OR REPLACE INTO claim(key, args, run, step, turn, state, until) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [CLAIM_DROP] = "DELETE FROM claim WHERE key = ?1",
    [BLOB_ADD] = "INSERT OR IGNORE INTO blob(hash, bytes) VALUES(?1, ?2)",
};
struct bench_bare {
    sqlite3 *db;
    sqlite3_stmt *stmts[STATEMENTS];
    struct pawl_map runs; /* id -> struct place */
    struct pawl_arena arena;
    int64_t next_run, next_row;
    int64_t config;
    int kinds[PAWL_KIND_COUNT];
};
struct place {
    int64_t run, last;
    struct pawl_head head; /* as it was before */
};

static void check(struct bench_bare *b, bool fine)
{
    if (!fine) bench_die("SQLite: %s", sqlite3_errmsg(b->db));
}

static int64_t number(struct bench_bare *b, const char *sql)
{
    sqlite3_stmt *st;
    int64_t v = 0;
    check(b, sqlite3_prepare_v2(b->db, sql, -1, &st, NULL) == SQLITE_OK);
    if (sqlite3_step(st) == SQLITE_ROW) v = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return v;
}

struct bench_bare *bench_bare_open(const char *folder)
{
    static const char settings[] =
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 2000;"
        "PRAGMA journal_size_limit = 16777216";
    struct bench_bare *b = calloc(1, sizeof *b);
    struct pawl_store *store;
    struct pawl_error err;
    char path[BENCH_PATH + 16];
    if (!b) bench_die("no memory");
    snprintf(path, sizeof path, "%s/pawl.db", folder);
    if (pawl_sqlite_open(path, pawl_alloc_libc(), &store, &err)) bench_die("%s %s", err.where, err.what);
    store->close(store); /* it was opened for its tables */
    if (sqlite3_open_v2(path, &b->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        bench_die("SQLite: cannot open %s", path);
    check(b, sqlite3_exec(b->db, settings, NULL, NULL, NULL) == SQLITE_OK);
    for (int i = 0; i < STATEMENTS; i++)
        check(b, sqlite3_prepare_v3(b->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &b->stmts[i], NULL) == SQLITE_OK);
    for (int k = 1; k < PAWL_KIND_COUNT; k++) {
        char sql[128];
        snprintf(sql, sizeof sql, "SELECT n FROM kind WHERE name = '%s'", pawl_kind_name((enum pawl_kind)k));
        b->kinds[k] = (int)number(b, sql);
    }
    b->next_run = number(b, "SELECT ifnull(max(n), 0) + 1 FROM run");
    b->next_row = number(b, "SELECT ifnull(max(row), 0) + 1 FROM record");
    pawl_map_init(&b->runs, pawl_alloc_libc());
    pawl_arena_init(&b->arena, pawl_alloc_libc());
    return b;
}

void bench_bare_close(struct bench_bare *b)
{
    pawl_map_fini(&b->runs);
    pawl_arena_fini(&b->arena);
    for (int i = 0; i < STATEMENTS; i++) sqlite3_finalize(b->stmts[i]);
    sqlite3_close(b->db);
    free(b);
}

static struct place *place_of(struct bench_bare *b, struct pawl_id run)
{
    struct place *p = pawl_map_get(&b->runs, run.b, sizeof run.b);
    if (p) return p;
    p = pawl_arena_zeroed(&b->arena, sizeof *p);
    if (b->arena.failed || pawl_map_put(&b->runs, run.b, sizeof run.b, p)) bench_die("no memory");
    p->run = b->next_run++;
    return p;
}

/* Nothing of the head has changed but its last record and its times. */
static bool moves_on(const struct pawl_head *was, const struct pawl_head *is)
{
    return was->status == is->status && was->waiting == is->waiting && was->waiting_step == is->waiting_step &&
           was->epoch == is->epoch && was->owner == is->owner &&
           was->claims_without_progress == is->claims_without_progress && was->wake_ns == is->wake_ns;
}

/* Which numbers its rows get, and which statement does for its head, is settled before the clock runs. */
static void number_rows(struct bench_bare *b, struct bench_tape *t, uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < t->batches[first + i].count; k++) {
            struct bench_commit *c = &t->commits[t->batches[first + i].first + k];
            struct place *p = place_of(b, c->c.head.run);
            c->run = p->run;
            c->last = p->last;
            c->moves_on = !c->c.create && moves_on(&p->head, &c->c.head);
            p->head = c->c.head;
            c->first_row = b->next_row;
            b->next_row += c->c.records_count;
            if (c->c.records_count) p->last = b->next_row - 1;
        }
}

static void step(struct bench_bare *b, int which)
{
    check(b, sqlite3_step(b->stmts[which]) == SQLITE_DONE);
    sqlite3_reset(b->stmts[which]);
}

static void bind_str(sqlite3_stmt *st, int at, struct pawl_str s)
{
    if (s.p) sqlite3_bind_text(st, at, s.p, (int)s.n, SQLITE_STATIC);
    else sqlite3_bind_null(st, at);
}

static void bind_but(sqlite3_stmt *st, int at, int64_t v, int64_t none)
{
    if (v == none) sqlite3_bind_null(st, at);
    else sqlite3_bind_int64(st, at, v);
}

static void add_blob(struct bench_bare *b, struct pawl_hash hash, struct pawl_str bytes)
{
    sqlite3_stmt *st = b->stmts[BLOB_ADD];
    sqlite3_bind_blob(st, 1, hash.b, 32, SQLITE_STATIC);
    sqlite3_bind_blob(st, 2, bytes.p, (int)bytes.n, SQLITE_STATIC);
    step(b, BLOB_ADD);
}

static void put_head(struct bench_bare *b, const struct bench_commit *c, int64_t last)
{
    const struct pawl_head *h = &c->c.head;
    sqlite3_stmt *st = b->stmts[c->c.create ? RUN_ADD : c->moves_on ? RUN_STEP : RUN_SET];
    const int at = c->c.create ? 5 : 0;
    sqlite3_bind_int64(st, 1, c->run);
    if (c->moves_on) {
        sqlite3_bind_int64(st, 2, (int64_t)h->seq);
        bind_but(st, 3, last, 0);
        sqlite3_bind_int64(st, 4, h->active_ns);
        sqlite3_bind_int64(st, 5, h->updated_ns);
        step(b, RUN_STEP);
        return;
    }
    if (c->c.create) {
        sqlite3_bind_blob(st, 2, h->run.b, 16, SQLITE_STATIC);
        bind_str(st, 3, h->agent);
        bind_str(st, 4, h->key);
        bind_str(st, 5, c->c.request);
        sqlite3_bind_int64(st, 6, h->created_ns);
        sqlite3_bind_int64(st, 18, b->config);
    }
    sqlite3_bind_int64(st, at + 2, h->status);
    sqlite3_bind_int64(st, at + 3, h->waiting);
    sqlite3_bind_int64(st, at + 4, h->waiting_step);
    sqlite3_bind_int64(st, at + 5, (int64_t)h->epoch);
    sqlite3_bind_int64(st, at + 6, (int64_t)h->owner);
    sqlite3_bind_int64(st, at + 7, h->claims_without_progress);
    sqlite3_bind_int64(st, at + 8, (int64_t)h->seq);
    bind_but(st, at + 9, last, 0);
    bind_but(st, at + 10, h->wake_ns, PAWL_NEVER);
    sqlite3_bind_int64(st, at + 11, h->active_ns);
    sqlite3_bind_int64(st, at + 12, h->updated_ns);
    step(b, c->c.create ? RUN_ADD : RUN_SET);
}

static int64_t add_records(struct bench_bare *b, const struct bench_commit *c)
{
    sqlite3_stmt *st = b->stmts[RECORD_ADD];
    int64_t last = c->last;
    for (uint32_t i = 0; i < c->c.records_count; i++) {
        const struct pawl_record *r = &c->c.records[i];
        int64_t blob = 0;
        if (r->body.n > 4096) {
            add_blob(b, pawl_sha256(r->body.p, r->body.n), r->body);
            blob = sqlite3_last_insert_rowid(b->db);
        }
        sqlite3_bind_int64(st, 1, c->first_row + i);
        sqlite3_bind_int64(st, 2, c->run);
        bind_but(st, 3, last, 0);
        sqlite3_bind_int64(st, 4, (int64_t)r->seq);
        sqlite3_bind_int64(st, 5, r->at_ns);
        sqlite3_bind_int64(st, 6, b->kinds[r->kind]);
        sqlite3_bind_int64(st, 7, r->step);
        sqlite3_bind_int64(st, 8, (int64_t)r->cause);
        sqlite3_bind_blob(st, 9, r->salt, 8, SQLITE_STATIC);
        sqlite3_bind_blob(st, 10, r->hash.b, 32, SQLITE_STATIC);
        if (blob) sqlite3_bind_int64(st, 11, blob);
        else bind_str(st, 11, r->body);
        step(b, RECORD_ADD);
        last = c->first_row + i;
    }
    return last;
}

static void put_claim(struct bench_bare *b, const struct pawl_claim_op *o)
{
    const struct pawl_claim *c = &o->claim;
    sqlite3_stmt *st = b->stmts[o->op == PAWL_CLAIM_DROP ? CLAIM_DROP : CLAIM_PUT];
    sqlite3_bind_blob(st, 1, c->key.b, 32, SQLITE_STATIC);
    if (o->op != PAWL_CLAIM_DROP) {
        sqlite3_bind_blob(st, 2, c->args.b, 32, SQLITE_STATIC);
        sqlite3_bind_blob(st, 3, c->run.b, 16, SQLITE_STATIC);
        sqlite3_bind_int64(st, 4, c->step);
        sqlite3_bind_int64(st, 5, c->turn);
        sqlite3_bind_int64(st, 6, c->state);
        bind_but(st, 7, c->until_ns, PAWL_NEVER);
    }
    step(b, o->op == PAWL_CLAIM_DROP ? CLAIM_DROP : CLAIM_PUT);
}

static void commit(struct bench_bare *b, const struct bench_commit *c)
{
    for (uint32_t i = 0; i < c->c.blobs_count; i++) add_blob(b, c->c.blobs[i].hash, c->c.blobs[i].bytes);
    if (c->c.create && b->config == 0) b->config = sqlite3_last_insert_rowid(b->db);
    put_head(b, c, add_records(b, c));
    for (uint32_t i = 0; i < c->c.claims_count; i++) put_claim(b, &c->c.claims[i]);
}

int64_t bench_bare_replay(struct bench_bare *b, struct bench_tape *t, uint32_t first, uint32_t count, double *times_ns)
{
    number_rows(b, t, first, count);
    const int64_t began_ns = pawl_clock_mono_ns();
    int64_t before_ns = began_ns;
    for (uint32_t i = 0; i < count; i++) {
        const struct bench_batch *batch = &t->batches[first + i];
        step(b, BEGIN);
        for (uint32_t k = 0; k < batch->count; k++) commit(b, &t->commits[batch->first + k]);
        step(b, COMMIT);
        const int64_t now_ns = pawl_clock_mono_ns();
        if (times_ns) times_ns[i] = (double)(now_ns - before_ns);
        before_ns = now_ns;
    }
    return before_ns - began_ns;
}

static void same(sqlite3 *db, const char *what, const char *columns)
{
    static const char *const froms[] = {"main", "other"};
    char sql[1024];
    sqlite3_stmt *st;
    for (int i = 0; i < 2; i++) {
        snprintf(sql, sizeof sql, "SELECT count(*) FROM (SELECT %s FROM %s.%s EXCEPT SELECT %s FROM %s.%s)", columns,
                 froms[i], what, columns, froms[1 - i], what);
        if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK || sqlite3_step(st) != SQLITE_ROW)
            bench_die("SQLite: %s", sqlite3_errmsg(db));
        if (sqlite3_column_int64(st, 0) != 0) bench_die("the replay wrote other rows than pawl did into %s", what);
        sqlite3_finalize(st);
    }
}

void bench_bare_same(const char *folder, const char *other)
{
    sqlite3 *db;
    char path[BENCH_PATH + 64];
    snprintf(path, sizeof path, "%s/pawl.db", folder);
    if (sqlite3_open(path, &db) != SQLITE_OK) bench_die("SQLite: cannot open %s", path);
    snprintf(path, sizeof path, "ATTACH '%s/pawl.db' AS other", other);
    if (sqlite3_exec(db, path, NULL, NULL, NULL) != SQLITE_OK) bench_die("SQLite: %s", sqlite3_errmsg(db));
    same(db, "record", "row, run, previous, seq, at, kind, step, cause, salt, hash, body");
    same(db, "run", "*");
    same(db, "claim", "*");
    same(db, "blob", "*");
    sqlite3_close(db);
}
