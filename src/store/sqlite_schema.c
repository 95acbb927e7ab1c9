/* src/store/sqlite_schema.c - the schema, version by version. A step that was released is never changed: what is to be
 * other gets a step of its own. docs/journal.md describes the sum of them. */
#include "store/sqlite_schema.h"
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "store/sqlite_db.h"

#define TIME_TEXT(ns) \
    "strftime('%Y-%m-%dT%H:%M:%S', " ns " / 1000000000, 'unixepoch') || printf('.%09dZ', " ns " % 1000000000)"
#define ID_TEXT(hex)                                                                                          \
    "lower(substr(" hex ", 1, 8) || '-' || substr(" hex ", 9, 4) || '-' || substr(" hex ", 13, 4) || '-' || " \
    "substr(" hex ", 17, 4) || '-' || substr(" hex ", 21))"

/* What `runs` reads: numbers in words (journal/rules.c has the same). */
#define RUNS                                                                                                                                                                                           \
    "SELECT " ID_TEXT(                                                                                                                                                                                 \
        "hex(run.id)") " AS run, run.agent AS agent, run.key AS key,\n"                                                                                                                                \
                       "  CASE run.status WHEN 1 THEN 'running' WHEN 2 THEN 'waiting' WHEN 3 THEN 'ending' WHEN 10 THEN 'done'\n"                                                                      \
                       "    WHEN 11 THEN 'failed' WHEN 12 THEN 'cancelled' WHEN 13 THEN 'dead' ELSE run.status END AS status,\n"                                                                       \
                       "  CASE run.waiting WHEN 0 THEN NULL WHEN 1 THEN 'gate' WHEN 2 THEN 'doubt' WHEN 3 THEN 'message'\n"                                                                            \
                       "    WHEN 4 THEN 'configuration' WHEN 5 THEN 'tool' WHEN 6 THEN 'timer' WHEN 7 THEN 'claim' WHEN 8 THEN 'step' WHEN 9 THEN 'room' WHEN 10 THEN 'signal' WHEN 11 THEN 'child'\n" \
                       "    ELSE run.waiting END AS waiting, nullif(run.waiting_step, 0) AS waiting_step,\n"                                                                                           \
                       "  run.seq AS seq, " TIME_TEXT("run.created") " AS created, " TIME_TEXT(                                                                                                        \
                           "run.updated") " AS updated,\n"                                                                                                                                             \
                                          "  CASE WHEN run.wake > 0 THEN " TIME_TEXT(                                                                                                                  \
                                              "run.wake") " END AS wake, run.active / 1e9 AS active_s,\n"                                                                                              \
                                                          "  run.epoch AS epoch, run.owner AS owner, run.claims AS claims_without_progress, run.request AS request,\n"                                 \
                                                          "  lower(hex(CASE typeof(run.config) WHEN 'integer' THEN (SELECT blob.hash FROM blob WHERE blob.n = run.config)\n"                           \
                                                          "    ELSE run.config END)) AS config,\n"                                                                                                     \
                                                          "  (SELECT lower(hex(record.hash)) FROM record WHERE record.row = run.last) AS hash, run.last AS last\n"                                     \
                                                          "  FROM run"

static const char version_1[] =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;\n"
    "CREATE TABLE kind(n INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);\n"
    /* One row a run, a fold of its records. last: the row of its last record, NULL: none yet. config: the number of a
     * blob, or a hash that is no blob here, or NULL. wake: NULL never, 0 live. */
    "CREATE TABLE run(n INTEGER PRIMARY KEY, id BLOB NOT NULL, agent TEXT, key TEXT, request TEXT,\n"
    "  status INTEGER NOT NULL, waiting INTEGER NOT NULL, waiting_step INTEGER NOT NULL,\n"
    "  epoch INTEGER NOT NULL, owner INTEGER NOT NULL, claims INTEGER NOT NULL, seq INTEGER NOT NULL, last INTEGER,\n"
    "  wake INTEGER, active INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL, config);\n"
    "CREATE UNIQUE INDEX run_id ON run(id);\n"
    "CREATE UNIQUE INDEX run_key ON run(key) WHERE key IS NOT NULL;\n"
    "CREATE UNIQUE INDEX run_request ON run(request) WHERE request IS NOT NULL;\n"
    "CREATE INDEX run_wake ON run(wake) WHERE wake IS NOT NULL AND status < 10;\n"
    /* The hot table: only ever appended to, in the order of `row`, and without any index. previous: the row of the
     * same run's record before, NULL: the first. body: JSON text, or the number of a blob. */
    "CREATE TABLE record(row INTEGER PRIMARY KEY, run INTEGER NOT NULL, previous INTEGER, seq INTEGER NOT NULL,\n"
    "  at INTEGER NOT NULL, kind INTEGER NOT NULL, step INTEGER NOT NULL, cause INTEGER NOT NULL,\n"
    "  salt BLOB NOT NULL, hash BLOB NOT NULL, body);\n"
    "CREATE TABLE blob(n INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, bytes BLOB NOT NULL);\n"
    "CREATE TABLE claim(key BLOB PRIMARY KEY, args BLOB NOT NULL, run BLOB NOT NULL, step INTEGER NOT NULL,\n"
    "  turn INTEGER NOT NULL, state INTEGER NOT NULL, until INTEGER) WITHOUT ROWID;\n"
    /* To read by: everything as text. */
    "CREATE VIEW journal AS SELECT " ID_TEXT(
        "hex(run.id)") " AS run, record.seq AS seq,\n"
                       "  " TIME_TEXT(
                           "record.at") " AS at, kind.name AS kind, nullif(record.step, 0) AS step,\n"
                                        "  CASE typeof(record.body) WHEN 'integer' THEN (SELECT CAST(blob.bytes AS TEXT) FROM blob WHERE blob.n = record.body)\n"
                                        "    ELSE record.body END AS body,\n"
                                        "  nullif(record.cause, 0) AS cause, lower(hex(record.salt)) AS salt, lower(hex(record.hash)) AS hash,\n"
                                        "  record.row AS row, record.previous AS previous\n"
                                        "  FROM record JOIN run ON run.n = record.run LEFT JOIN kind ON kind.n = record.kind;\n"
                                        "CREATE VIEW runs AS " RUNS ";\n";

/* What all runs share: breakers, what agents and days have spent. */
static const char version_2[] =
    "CREATE TABLE shared(name TEXT PRIMARY KEY, value INTEGER NOT NULL, body TEXT) WITHOUT ROWID;\n";

/* How often a run's owner ended while the run was live. */
static const char version_3[] = "ALTER TABLE run ADD COLUMN deaths INTEGER NOT NULL DEFAULT 0;\n";

/* What waits for a configuration or a tool of this installation: few, among all that are parked. */
static const char version_4[] = "CREATE INDEX run_stuck ON run(waiting) WHERE waiting IN (4, 5) AND status < 10;\n";

/* What was struck out of a record's body: its salt and the whole (journal/sealed.h). `pawl sql` does not read it. */
static const char version_5[] = "CREATE TABLE sealed(row INTEGER PRIMARY KEY, bytes BLOB NOT NULL);\n";

/* A store that was made by an older pawl has that one's view: `pawl sql` reads by this one. */
const char pawl_sqlite_runs[] = "CREATE TEMP VIEW IF NOT EXISTS runs AS " RUNS;

const char *const pawl_sqlite_steps[] = {version_1, version_2, version_3, version_4, version_5};
const int pawl_sqlite_steps_count = sizeof pawl_sqlite_steps / sizeof *pawl_sqlite_steps;
const char pawl_sqlite_needs[] = "0.1.0"; /* the first pawl with as many steps */

int pawl_sqlite_ask(sqlite3 *db, const char *path, const char *sql, int64_t *number, char *text, size_t text_bytes,
                    struct pawl_error *err)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_step(st);
    if (rc == SQLITE_ROW && number != NULL) *number = sqlite3_column_int64(st, 0);
    if (rc == SQLITE_ROW && text != NULL) {
        const char *p = (const char *)sqlite3_column_text(st, 0);
        snprintf(text, text_bytes, "%s", p != NULL ? p : "");
    }
    const int status = rc == SQLITE_ROW || rc == SQLITE_DONE ? PAWL_OK : pawl_sqlite_fail(db, path, err);
    sqlite3_finalize(st);
    return status;
}

static int newer(sqlite3 *db, const char *path, int64_t version, int count, struct pawl_error *err)
{
    char needs[32] = "", next[128];
    if (pawl_sqlite_ask(db, path, "SELECT value FROM meta WHERE name = 'needs'", NULL, needs, sizeof needs, NULL) !=
            PAWL_OK ||
        needs[0] == 0)
        snprintf(needs, sizeof needs, "a newer version");
    snprintf(next, sizeof next, "open it with pawl %s or newer", needs);
    return pawl_fail(err, PAWL_EVERSION, path, next, "expected a store of format %d or older, found format %lld", count,
                     (long long)version);
}

int pawl_sqlite_version(sqlite3 *db, const char *path, int count, int64_t *version, struct pawl_error *err)
{
    int64_t application = 0, things = 0;
    int status = pawl_sqlite_ask(db, path, "PRAGMA application_id", &application, NULL, 0, err);
    if (status == PAWL_OK) status = pawl_sqlite_ask(db, path, "PRAGMA user_version", version, NULL, 0, err);
    if (status == PAWL_OK)
        status = pawl_sqlite_ask(db, path, "SELECT count(*) FROM sqlite_schema", &things, NULL, 0, err);
    if (status != PAWL_OK) return status;
    if (application != PAWL_SQLITE_APPLICATION && (application != 0 || *version != 0 || things != 0))
        return pawl_fail(err, PAWL_EINVAL, path, "name another file: this one is left as it is",
                         "expected a store of pawl, found the database of another program");
    return *version > count ? newer(db, path, *version, count, err) : PAWL_OK;
}

int pawl_sqlite_migrate(sqlite3 *db, const char *path, const char *const *steps, int from, int count, const char *needs,
                        struct pawl_error *err)
{
    char last[256];
    int rc;
    if (from == count) return PAWL_OK;
    snprintf(
        last, sizeof last,
        "INSERT INTO meta(name, value) VALUES('needs', '%s') ON CONFLICT(name) DO UPDATE SET value = excluded.value;"
        "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
        needs, PAWL_SQLITE_APPLICATION, count);
    rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    for (int v = from; rc == SQLITE_OK && v < count; v++) rc = sqlite3_exec(db, steps[v], NULL, NULL, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_exec(db, last, NULL, NULL, NULL);
    if (rc == SQLITE_OK) return PAWL_OK;
    const int status = pawl_sqlite_fail(db, path, err);
    if (!sqlite3_get_autocommit(db)) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}
