/* src/store/sqlite_db.c - the statements of the SQLite store, how they are bound and run, and what its errors mean. */
#include "store/sqlite_db.h"
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include "base/error.h"

/* A head's columns, in the order that pawl_sqlite_head reads them. */
#define HEAD                                                                                                         \
    "SELECT run.n, run.last, run.id, run.agent, run.key, run.status, run.waiting, run.waiting_step, run.epoch, "     \
    "run.owner, run.claims, run.seq, record.hash, run.wake, run.active, run.created, run.updated, "                  \
    "CASE typeof(run.config) WHEN 'integer' THEN (SELECT hash FROM blob WHERE n = run.config) ELSE run.config END, " \
    "run.deaths "

static const char *const texts[PAWL_SQL_COUNT] = {
    [PAWL_SQL_BEGIN] = "BEGIN IMMEDIATE",
    [PAWL_SQL_COMMIT] = "COMMIT",
    [PAWL_SQL_ROLLBACK] = "ROLLBACK",
    [PAWL_SQL_STATE] = "SELECT n, epoch, seq, last FROM run WHERE id = ?1",
    [PAWL_SQL_HEAD] = HEAD "FROM run LEFT JOIN record ON record.row = run.last WHERE run.id = ?1",
    /* by the partial index, whose order this is, so that LIMIT ends the search */
    [PAWL_SQL_DUE] = HEAD "FROM run INDEXED BY run_wake LEFT JOIN record ON record.row = run.last "
                          "WHERE status < 10 AND wake <= ?1 AND (owner <> ?2 OR wake > 0) ORDER BY wake, n LIMIT ?3",
    [PAWL_SQL_LIST] = HEAD "FROM run INDEXED BY run_id LEFT JOIN record ON record.row = run.last "
                           "WHERE id BETWEEN ?1 AND ?2 AND (?3 IS NULL OR agent = ?3) AND "
                           "(?4 = 0 OR (?4 >> status) & 1) ORDER BY id DESC LIMIT ?5",
    [PAWL_SQL_STUCK] = HEAD "FROM run INDEXED BY run_stuck LEFT JOIN record ON record.row = run.last "
                            "WHERE waiting IN (4, 5) AND status < 10 AND (?6 >> waiting) & 1 AND "
                            "id BETWEEN ?1 AND ?2 AND (?3 IS NULL OR agent = ?3) AND "
                            "(?4 = 0 OR (?4 >> status) & 1) ORDER BY id DESC LIMIT ?5",
    [PAWL_SQL_BY_KEY] = "SELECT id FROM run WHERE key = ?1",
    [PAWL_SQL_BY_REQUEST] = "SELECT id FROM run WHERE request = ?1",
    [PAWL_SQL_NEXT_WAKE] =
        "SELECT wake FROM run INDEXED BY run_wake WHERE status < 10 AND wake > 0 ORDER BY wake LIMIT 1",
    [PAWL_SQL_RECORD_AT] =
        "SELECT run, previous, seq, at, kind, step, cause, salt, hash, body FROM record WHERE row = ?1",
    [PAWL_SQL_RUN_ADD] = "INSERT INTO run(n, id, agent, key, request, created, status, waiting, waiting_step, epoch, "
                         "owner, claims, seq, last, wake, active, updated, config) "
                         "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
    [PAWL_SQL_RUN_SET] = "UPDATE run SET status = ?2, waiting = ?3, waiting_step = ?4, epoch = ?5, owner = ?6, "
                         "claims = ?7, seq = ?8, last = ?9, wake = ?10, active = ?11, updated = ?12, created = ?13, "
                         "config = ?14 WHERE n = ?1",
    /* no column of an index: most commits are this */
    [PAWL_SQL_RUN_STEP] = "UPDATE run SET seq = ?2, last = ?3, active = ?4, updated = ?5 WHERE n = ?1",
    [PAWL_SQL_RUN_CLAIM] = "UPDATE run SET epoch = epoch + 1, claims = claims + (owner <> ?2 OR wake IS NOT 0), "
                           "deaths = deaths + (owner <> ?2 AND wake IS 0 AND status < 10), owner = ?2, "
                           "wake = CASE WHEN status < 10 THEN 0 ELSE wake END WHERE n = ?1",
    [PAWL_SQL_RECORD_ADD] = "INSERT INTO record(row, run, previous, seq, at, kind, step, cause, salt, hash, body) "
                            "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    [PAWL_SQL_SEALED_AT] = "SELECT bytes FROM sealed WHERE row = ?1",
    [PAWL_SQL_SEALED_ADD] = "INSERT INTO sealed(row, bytes) VALUES(?1, ?2)",
    [PAWL_SQL_BLOB_FIND] = "SELECT n FROM blob WHERE hash = ?1",
    [PAWL_SQL_BLOB_AT] = "SELECT bytes FROM blob WHERE n = ?1",
    [PAWL_SQL_BLOB_ADD] = "INSERT INTO blob(hash, bytes) VALUES(?1, ?2)",
    [PAWL_SQL_CLAIM_FIND] = "SELECT args, run, step, turn, state, until FROM claim WHERE key = ?1",
    [PAWL_SQL_CLAIM_PUT] =
        "INSERT INTO claim(key, args, run, step, turn, state, until) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) "
        "ON CONFLICT(key) DO UPDATE SET args = excluded.args, run = excluded.run, step = excluded.step, "
        "turn = excluded.turn, state = excluded.state, until = excluded.until",
    [PAWL_SQL_CLAIM_DROP] = "DELETE FROM claim WHERE key = ?1",
    [PAWL_SQL_SHARED_ALL] = "SELECT name, value, body FROM shared ORDER BY name",
    [PAWL_SQL_SHARED_PUT] = "INSERT INTO shared(name, value, body) VALUES(?1, ?2, ?3) ON CONFLICT(name) DO UPDATE SET "
                            "value = value + excluded.value, body = ifnull(excluded.body, body)",
    [PAWL_SQL_SHARED_DROP] = "DELETE FROM shared WHERE name = ?1",
};

static int fail_io(sqlite3 *db, const char *path, struct pawl_error *err)
{
    const int no = sqlite3_system_errno(db);
    if (no == ENOSPC || no == EDQUOT || no == EFBIG)
        return pawl_fail(err, PAWL_EFULL, path, "free some space and try again: nothing of this was written",
                         "expected room to write, found none: %s", strerror(no));
    return pawl_fail(err, PAWL_EIO, path, "look after the disk, then try again: nothing of this was written",
                     "expected the disk to work: %s%s%s", sqlite3_errmsg(db), no ? ": " : "", no ? strerror(no) : "");
}

int pawl_sqlite_fail(sqlite3 *db, const char *path, struct pawl_error *err)
{
    if (db == NULL) return pawl_fail(err, PAWL_ENOMEM, path, "free some memory and try again", "no memory");
    switch (sqlite3_errcode(db) & 0xff) { /* less its extension */
    case SQLITE_FULL:
        return pawl_fail(err, PAWL_EFULL, path, "free some space and try again: nothing of this was written",
                         "expected room to write, found none");
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        if (sqlite3_extended_errcode(db) == SQLITE_IOERR_NOMEM) break;
        return fail_io(db, path, err);
    case SQLITE_CORRUPT:
        return pawl_fail(err, PAWL_ECORRUPT, path, "keep the file and restore a backup",
                         "expected a whole database, found a damaged one: %s", sqlite3_errmsg(db));
    case SQLITE_NOTADB:
        return pawl_fail(err, PAWL_ECORRUPT, path, "name another file, or restore a backup of this one",
                         "expected a store of pawl, found no database at all");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return pawl_fail(err, PAWL_EBUSY, path, "let the process that has it open end, or ask it",
                         "another process has this store open");
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return pawl_fail(err, PAWL_EREADONLY, path, "give pawl the right to write there, or name another place",
                         "expected a file that can be written: %s", sqlite3_errmsg(db));
    case SQLITE_TOOBIG:
        return pawl_fail(err, PAWL_ELIMIT, path, "write less at once", "a value is larger than SQLite takes (1 GB)");
    case SQLITE_NOMEM: break;
    default:
        return pawl_fail(err, PAWL_EINTERNAL, path, "report this: it is a bug in pawl", "SQLite says %d: %s",
                         sqlite3_extended_errcode(db), sqlite3_errmsg(db));
    }
    return pawl_fail(err, PAWL_ENOMEM, path, "free some memory and try again", "no memory");
}

int pawl_sqlite_corrupt(const struct pawl_sqlite *q, struct pawl_error *err, const char *what)
{
    return pawl_fail(err, PAWL_ECORRUPT, q->path, "keep the file and restore a backup", "%s", what);
}

int pawl_sqlite_prepare(struct pawl_sqlite *q, struct pawl_error *err)
{
    for (int i = 0; i < PAWL_SQL_COUNT; i++)
        if (sqlite3_prepare_v3(q->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &q->stmts[i], NULL) != SQLITE_OK)
            return pawl_sqlite_fail(q->db, q->path, err);
    return PAWL_OK;
}

static int bind_str(sqlite3_stmt *st, int at, struct pawl_str s, bool bytes)
{
    if (s.p == NULL) return sqlite3_bind_null(st, at);
    if (bytes) return sqlite3_bind_blob64(st, at, s.p, s.n, SQLITE_STATIC);
    return sqlite3_bind_text64(st, at, s.p, s.n, SQLITE_STATIC, SQLITE_UTF8);
}

/* A number, or NULL for the one that says there is none. */
static int bind_but(sqlite3_stmt *st, int at, int64_t value, int64_t none)
{
    return value == none ? sqlite3_bind_null(st, at) : sqlite3_bind_int64(st, at, value);
}

sqlite3_stmt *pawl_sqlite_bind(struct pawl_sqlite *q, enum pawl_sqlite_stmt which, const char *types, ...)
{
    sqlite3_stmt *st = q->stmts[which];
    int rc = SQLITE_OK, at = 1;
    va_list args;
    va_start(args, types);
    for (const char *t = types; *t != 0 && rc == SQLITE_OK; t++, at++) {
        switch (*t) {
        case 'i': rc = sqlite3_bind_int64(st, at, va_arg(args, int64_t)); break;
        case 'u': rc = sqlite3_bind_int64(st, at, va_arg(args, uint32_t)); break;
        case 'U': rc = sqlite3_bind_int64(st, at, (int64_t)va_arg(args, uint64_t)); break;
        case 's': rc = bind_str(st, at, va_arg(args, struct pawl_str), false); break;
        case 'b': rc = bind_str(st, at, va_arg(args, struct pawl_str), true); break;
        case 'h': rc = sqlite3_bind_blob(st, at, va_arg(args, const struct pawl_hash *), 32, SQLITE_STATIC); break;
        case 'd': rc = sqlite3_bind_blob(st, at, va_arg(args, const struct pawl_id *), 16, SQLITE_STATIC); break;
        case '8': rc = sqlite3_bind_blob(st, at, va_arg(args, const uint8_t *), 8, SQLITE_STATIC); break;
        case 'n': rc = sqlite3_bind_null(st, at); break;
        case 'w': rc = bind_but(st, at, va_arg(args, int64_t), PAWL_NEVER); break;
        case 'z': rc = bind_but(st, at, va_arg(args, int64_t), 0); break;
        default: assert(*t == 0 && "a type that there is");
        }
    }
    va_end(args);
    return rc == SQLITE_OK ? st : NULL; /* a value too large for SQLite; do and row_of take NULL as that failure */
}

int pawl_sqlite_row_of(struct pawl_sqlite *q, sqlite3_stmt *st, struct pawl_error *err)
{
    if (st == NULL) return pawl_sqlite_fail(q->db, q->path, err);
    const int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) return PAWL_OK;
    const int status = rc == SQLITE_DONE ? PAWL_ENOTFOUND : pawl_sqlite_fail(q->db, q->path, err);
    sqlite3_reset(st);
    return status;
}

int pawl_sqlite_do(struct pawl_sqlite *q, sqlite3_stmt *st, struct pawl_error *err)
{
    const int status = pawl_sqlite_row_of(q, st, err);
    assert(status != PAWL_OK);
    return status == PAWL_ENOTFOUND ? PAWL_OK : status;
}

void pawl_sqlite_rollback(struct pawl_sqlite *q)
{
    memset(q->configs, 0, sizeof q->configs); /* the blob that one names may be gone */
    pawl_sqlite_forget_all(q);
    if (sqlite3_get_autocommit(q->db)) return; /* SQLite did it itself */
    sqlite3_stmt *st = q->stmts[PAWL_SQL_ROLLBACK];
    sqlite3_step(st);
    sqlite3_reset(st);
}

bool pawl_sqlite_bytes(sqlite3_stmt *st, int column, void *out, int n)
{
    const void *p = sqlite3_column_blob(st, column);
    if (p == NULL || sqlite3_column_type(st, column) != SQLITE_BLOB || sqlite3_column_bytes(st, column) != n)
        return false;
    memcpy(out, p, (size_t)n);
    return true;
}

bool pawl_sqlite_str(sqlite3_stmt *st, int column, struct pawl_arena *a, struct pawl_str *out)
{
    const int type = sqlite3_column_type(st, column);
    *out = (struct pawl_str){NULL, 0};
    if (type == SQLITE_NULL) return true;
    const void *p = type == SQLITE_BLOB ? sqlite3_column_blob(st, column) : sqlite3_column_text(st, column);
    const int n = sqlite3_column_bytes(st, column);
    if (p == NULL && n > 0) return false;
    out->p = pawl_arena_copy(a, p != NULL ? p : "", (size_t)n); /* an empty blob has no address */
    out->n = (uint32_t)n;
    return out->p != NULL;
}
