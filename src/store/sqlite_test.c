/* src/store/sqlite_test.c - the SQLite store under the conformance test and against the memory store, its views, its
 * chain as another program sees it, and what it takes of the disk. */
#include "store/sqlite.h"
#include <sys/stat.h>
#include "store/conformance.h"
#include "store/sqlite_db.h"
#include "store/sqlite_kit.h"

static struct pawl_store *fresh(void *ctx)
{
    (void)ctx;
    return kit_fresh();
}

static struct pawl_store *again(void *ctx, struct pawl_store *s)
{
    (void)ctx;
    s->close(s);
    CHECK_TEXT(kit_ask("PRAGMA integrity_check"), "ok");
    return kit_open();
}

static void test_conformance(void)
{
    static const uint8_t id[16] = {1};
    const struct conformance c = {fresh, again, NULL, pawl_alloc_libc()};
    conformance_all(&c);
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct pawl_store *model;
        CHECK_INT(pawl_memory_open(id, pawl_alloc_libc(), &model), PAWL_OK);
        conformance_twins(&c, model, seed, 400);
    }
}

/* The story that record_test.c has hashes for, with a big body behind it. */
static void put_story(struct pawl_store *s, struct pawl_arena *a, const char *key)
{
    struct told t;
    const struct pawl_blob config = {hash_of("{\"agents\":{}}"), PAWL_STR("{\"agents\":{}}")};
    tell_new(&t, 1, key);
    t.head.status = PAWL_WAITING;
    t.head.waiting = PAWL_WAIT_CONFIG;
    t.head.waiting_step = 3;
    t.head.wake_ns = T0 + 1;
    t.head.active_ns = 1500000000;
    t.head.config = config.hash;
    t.commit.blobs = &config;
    t.commit.blobs_count = 1;
    t.commit.request = PAWL_STR("start-1");
    tell(&t, PAWL_STEP_INTENDED, 1, 1, PAWL_STR("{\"kind\":\"tool\",\"name\":\"refund\"}"));
    tell(&t, PAWL_STEP_COMPLETED, 1, 2, big_text(a, 5000, 1));
    CHECK_INT(put(s, &t), PAWL_OK);
}

static void test_views(void)
{
    static const struct row {
        const char *sql, *want;
    } rows[] = {
        {"SELECT count(*) FROM journal", "3"},
        {"SELECT run FROM journal", "019b76da-0001-7001-8000-000000000007"},
        {"SELECT group_concat(seq || ' ' || kind, ', ') FROM journal",
         "1 run.created, 2 step.intended, 3 step.completed"},
        {"SELECT at FROM journal WHERE seq = 2", "2026-01-01T00:00:00.000002000Z"},
        {"SELECT json_extract(body, '$.name') FROM journal WHERE kind = 'step.intended'", "refund"},
        {"SELECT length(body) || typeof(body) FROM journal WHERE seq = 3", "5000text"},
        {"SELECT length(json_extract(body, '$.a')) FROM journal WHERE seq = 3", "4992"},
        {"SELECT step IS NULL AND cause IS NULL FROM journal WHERE seq = 1", "1"},
        {"SELECT step || cause FROM journal WHERE seq = 3", "12"},
        {"SELECT length(salt) || length(hash) FROM journal", "1664"},
        {"SELECT run || agent || key || status || waiting || waiting_step FROM runs",
         "019b76da-0001-7001-8000-000000000007refundskey 1waitingconfiguration3"},
        {"SELECT created || ' ' || updated || ' ' || wake FROM runs",
         "2026-01-01T00:00:00.000000000Z 2026-01-01T00:00:00.000003000Z 2026-01-01T00:00:00.000000001Z"},
        {"SELECT active_s FROM runs", "1.5"},
        {"SELECT request FROM runs", "start-1"},
        {"SELECT (SELECT hash FROM journal WHERE seq = 3) = hash FROM runs", "1"},
        {"SELECT (SELECT lower(hex(hash)) FROM blob WHERE CAST(bytes AS TEXT) = '{\"agents\":{}}') = config FROM runs",
         "1"},
        /* the records of one run without a look at others': docs/journal.md */
        {"WITH RECURSIVE c(row, previous, seq) AS (SELECT record.row, record.previous, record.seq FROM run JOIN record ON "
         "record.row = run.last WHERE run.id = x'019b76da000170018000000000000007' UNION ALL SELECT r.row, r.previous, "
         "r.seq FROM c JOIN record r ON r.row = c.previous) SELECT group_concat(seq) FROM c",
         "3,2,1"},
        {"PRAGMA application_id", "1885435756"},
        {"PRAGMA user_version", "5"},
        {"PRAGMA journal_mode", "wal"},
        {"SELECT length(value) FROM meta WHERE name = 'id'", "16"},
        {"SELECT value FROM meta WHERE name = 'instance'", "1"},
    };
    struct pawl_store *s = kit_fresh();
    struct pawl_arena a;
    pawl_arena_init(&a, pawl_alloc_libc());
    put_story(s, &a, "key 1");
    s->close(s);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!CHECK_TEXT(kit_ask(rows[i].sql), rows[i].want)) printf("  %s\n", rows[i].sql);
    pawl_arena_fini(&a);
}

/* A file of the source tree, wherever the tests are run from; NULL: not to be found. Of this call until the next. */
static const char *find_file(const char *name)
{
    static char found[1024];
    const char *slash = strrchr(__FILE__, '/');
    for (int place = 0; place < 3; place++) {
        if (place < 2) snprintf(found, sizeof found, "%s%s", place == 0 ? "" : "../", name);
        else
            snprintf(found, sizeof found, "%.*s/../../%s", slash ? (int)(slash - __FILE__) : 1, slash ? __FILE__ : ".",
                     name);
        if (access(found, R_OK) == 0) return found;
    }
    return NULL;
}

/* Every example of docs/journal.md is SQL that SQLite takes. */
static void test_examples(void)
{
    const char *path = find_file("docs/journal.md");
    FILE *f = path != NULL ? fopen(path, "r") : NULL;
    char line[512], sql[4096] = "";
    bool inside = false;
    int examples = 0;
    if (f == NULL) {
        printf("skipped: no docs/journal.md\n");
        return;
    }
    while (fgets(line, sizeof line, f) != NULL) {
        if (inside && strncmp(line, "```", 3) == 0) {
            kit_sql(sql);
            examples++;
            inside = false;
        } else if (inside) {
            snprintf(sql + strlen(sql), sizeof sql - strlen(sql), "%s", line);
        } else if (strcmp(line, "```sql\n") == 0) {
            sql[0] = 0;
            inside = true;
        }
    }
    fclose(f);
    CHECK(examples >= 5);
}

/* The first line that the tool prints, without the run's id; of this call until the next. */
static const char *run_tool(const char *tool)
{
    static char line[256];
    char command[1200];
    snprintf(command, sizeof command, "python3 '%s' '%s'", tool, kit_path);
    fflush(stdout);
    FILE *out = popen(command, "r");
    if (out == NULL || fgets(line, sizeof line, out) == NULL) snprintf(line, sizeof line, "nothing");
    while (out != NULL && fgetc(out) != EOF) continue;
    if (out != NULL) pclose(out);
    line[strcspn(line, "\n")] = 0;
    return strlen(line) > 34 && line[32] == ':' ? line + 34 : line;
}

/* The words of docs/journal.md, held to by a program that shares nothing with pawl: it finds the chain whole, and every
 * change of it. */
static void test_other_program(void)
{
    static const struct row {
        const char *change, *want;
    } rows[] = {
        {"SELECT 1", "1 runs, 3 records: whole"},
        {"UPDATE record SET body = replace(body, 'order 7', 'order 8') WHERE seq = 1",
         "record 1 was changed after it was written"},
        {"UPDATE record SET at = at + 1 WHERE seq = 3", "record 3 was changed after it was written"},
        {"UPDATE record SET at = 0 WHERE seq = 3", "record 3 is earlier than the one before it"},
        {"UPDATE record SET step = 2 WHERE seq = 2", "record 2 was changed after it was written"},
        {"UPDATE record SET cause = 0 WHERE seq = 2", "record 2 was changed after it was written"},
        {"UPDATE record SET kind = 26 WHERE seq = 2", "record 2 was changed after it was written"},
        {"UPDATE record SET salt = zeroblob(8) WHERE seq = 2", "record 2 was changed after it was written"},
        {"UPDATE record SET hash = zeroblob(32) WHERE seq = 3", "record 3 was changed after it was written"},
        {"UPDATE blob SET bytes = CAST(replace(CAST(bytes AS TEXT), substr(bytes, 10, 3), '...') AS BLOB)",
         "a blob is not what its hash says"},
        {"UPDATE run SET id = zeroblob(16)", "record 1 was changed after it was written"},
        {"UPDATE run SET last = (SELECT row FROM record WHERE seq = 2)", "expected 3 records, found 2"},
        {"DELETE FROM record WHERE seq = 2", "a record is missing"},
        {"UPDATE record SET previous = row WHERE seq = 2", "a record is missing"},
        {"UPDATE record SET seq = 4 WHERE seq = 2", "record 2 is not in its place"},
        {"UPDATE record SET run = 2 WHERE seq = 2", "record 2 is not in its place"},
        {"UPDATE kind SET name = 'step.done' WHERE name = 'step.completed'",
         "record 3 was changed after it was written"},
    };
    const char *tool = find_file("tools/verify_chain.py");
    struct pawl_arena a;
    if (tool == NULL || system("python3 -c 'import sqlite3' 2> /dev/null") != 0) {
        printf("skipped: no tools/verify_chain.py or no python3 with sqlite3\n");
        return;
    }
    pawl_arena_init(&a, pawl_alloc_libc());
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pawl_store *s = kit_fresh();
        struct pawl_run_records r;
        put_story(s, &a, NULL);
        s->close(s);
        kit_sql(rows[i].change);
        if (!CHECK_TEXT(run_tool(tool), rows[i].want)) printf("  %s\n", rows[i].change);
        s = kit_open(); /* and pawl agrees */
        int got = s->read(s, id_of(1), 0, &a, &r, NULL);
        if (got == PAWL_OK) got = pawl_chain_check(r.records, r.count, NULL, NULL);
        if (!CHECK((got != PAWL_OK) == (i > 0))) printf("  %s\n", rows[i].change);
        s->close(s);
    }
    pawl_arena_fini(&a);
}

/* DESIGN 7: a parked run costs a row. With an input of 60 bytes, a key and a timer to wake by: under 500 bytes. */
static void test_size(void)
{
    enum { RUNS = 4000, BATCH = 200, BYTES = 500 };
    static struct told t[BATCH];
    struct pawl_commit *batch[BATCH];
    struct pawl_store *s = kit_fresh();
    struct pawl_prng r;
    struct stat empty, full;
    const struct pawl_blob config = {hash_of("{}"), PAWL_STR("{}")};
    s->close(s);
    CHECK_INT(stat(kit_path, &empty), 0);
    s = kit_open();
    pawl_prng_seed(&r, 1);
    for (uint32_t n = 0; n < RUNS; n += BATCH) {
        char keys[BATCH][24];
        for (uint32_t i = 0; i < BATCH; i++) {
            memset(&t[i], 0, sizeof t[i]);
            t[i].head = (struct pawl_head){.agent = PAWL_STR("refunds"),
                                           .status = PAWL_WAITING,
                                           .waiting = PAWL_WAIT_TIMER,
                                           .waiting_step = 1,
                                           .epoch = 1,
                                           .owner = 1,
                                           .created_ns = T0 + n,
                                           .updated_ns = T0 + n,
                                           .active_ns = 12345678,
                                           .config = config.hash};
            uint8_t random[10];
            struct pawl_id last = {{0}};
            pawl_prng_fill(&r, random, sizeof random);
            t[i].head.run = pawl_id_v7(T0 + (int64_t)(n + i) * 10000000, random, &last);
            snprintf(keys[i], sizeof keys[i], "order-%08x", (unsigned)pawl_prng_below(&r, 1ULL << 32));
            t[i].head.key = pawl_str_of(keys[i]);
            t[i].head.wake_ns = T0 + (int64_t)pawl_prng_below(&r, 1ULL << 50);
            t[i].commit.create = true;
            t[i].commit.blobs = &config;
            t[i].commit.blobs_count = 1;
            tell(
                &t[i], PAWL_RUN_CREATED, 0, 0,
                PAWL_STR(
                    "{\"agent\":\"refunds\",\"input\":\"the parcel with order 7 arrived broken, please help me out\"}"));
            tell(&t[i], PAWL_TIMER_SET, 1, 1, PAWL_STR("{\"due\":1767225600000000000,\"why\":\"a parcel\"}"));
            batch[i] = told(&t[i]);
        }
        CHECK_INT(s->commit(s, batch, BATCH, NULL), PAWL_OK);
        CHECK_INT(batch[BATCH - 1]->result, PAWL_OK);
    }
    s->close(s);
    CHECK_INT(stat(kit_path, &full), 0);
    const long bytes = (long)(full.st_size - empty.st_size) / RUNS;
    if (!CHECK(bytes <= BYTES)) printf("a parked run takes %ld bytes\n", bytes);
    if (getenv("PAWL_TEST_SHOW")) printf("a parked run takes %ld bytes\n", bytes);
}

/* A statement is prepared once, whatever it is asked with: a plan made anew costs fifty times what a look does. */
static void test_plans(void)
{
    struct pawl_store *s = kit_fresh();
    struct pawl_arena a;
    pawl_arena_init(&a, pawl_alloc_libc());
    put_story(s, &a, "key");
    for (uint32_t i = 1; i < 5; i++) {
        const struct pawl_list_query lists[] = {{.max = i, .statuses = i},
                                                {.max = 9, .stuck = 1U << PAWL_WAIT_TOOL},
                                                {.max = 9, .stuck = PAWL_STUCK}};
        struct pawl_run_records runs[8];
        struct pawl_head heads[9];
        struct pawl_claim claim;
        struct pawl_id run;
        int64_t wake_ns;
        uint32_t count = 8;
        for (int k = 0; k < 3; k++) CHECK_INT(s->list(s, &lists[k], &a, heads, &count, NULL), PAWL_OK);
        count = 8;
        CHECK_INT(s->claim(s, &(struct pawl_claim_query){.due_ns = T0 + i, .max = i}, &a, runs, &count, NULL), PAWL_OK);
        CHECK_INT(s->next_wake(s, &wake_ns, NULL), PAWL_OK);
        CHECK_INT(s->find_key(s, i % 2 ? PAWL_STR("key") : PAWL_STR("other"), (struct pawl_str){NULL, 0}, &run, NULL),
                  i % 2 ? PAWL_OK : PAWL_ENOTFOUND);
        s->find_key(s, (struct pawl_str){NULL, 0}, i % 2 ? PAWL_STR("one") : PAWL_STR("other"), &run, NULL);
        s->find_claim(s, hash_of(i % 2 ? "one" : "other"), &claim, NULL);
    }
    for (int i = 0; i < PAWL_SQL_COUNT; i++)
        CHECK_INT(sqlite3_stmt_status(pawl_sqlite_of(s)->stmts[i], SQLITE_STMTSTATUS_REPREPARE, 0), 0);
    s->close(s);
    pawl_arena_fini(&a);
}

int main(void)
{
    kit_begin();
    test_plans();
    test_conformance();
    test_views();
    test_examples();
    test_other_program();
    test_size();
    return kit_end();
}
