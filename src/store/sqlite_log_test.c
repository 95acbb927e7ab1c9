/* src/store/sqlite_log_test.c - the log's writes are gathered: how many reach the disk, what is there when one fails, and
 * that what was committed is there for whoever opens the file without us. The disk below counts, and fails when told to. */
#include "store/sqlite_log.h"
#include <stdint.h>
#include <unistd.h>
#include "base/test.h"

struct counting_file {
    sqlite3_file base;
    sqlite3_io_methods methods;
    sqlite3_file *real;
};
static struct {
    sqlite3_vfs vfs, *real;
    int writes, syncs, fail_in; /* the log's; fail_in 0: none fails */
} disk;

static int on_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    sqlite3_file *real = ((struct counting_file *)f)->real;
    disk.writes++;
    if (disk.fail_in && --disk.fail_in == 0) return SQLITE_FULL;
    return real->pMethods->xWrite(real, p, n, at);
}

static int on_sync(sqlite3_file *f, int flags)
{
    sqlite3_file *real = ((struct counting_file *)f)->real;
    disk.syncs++;
    return real->pMethods->xSync(real, flags);
}

static int on_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    sqlite3_file *real = ((struct counting_file *)f)->real;
    return real->pMethods->xRead(real, p, n, at);
}

static int on_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    sqlite3_file *real = ((struct counting_file *)f)->real;
    return real->pMethods->xTruncate(real, size);
}

static int on_size(sqlite3_file *f, sqlite3_int64 *size)
{
    sqlite3_file *real = ((struct counting_file *)f)->real;
    return real->pMethods->xFileSize(real, size);
}

static int on_control(sqlite3_file *f, int op, void *arg)
{
    sqlite3_file *real = ((struct counting_file *)f)->real;
    return real->pMethods->xFileControl(real, op, arg);
}

static int on_characteristics(sqlite3_file *f)
{
    (void)f;
    return 0;
}

static int on_close(sqlite3_file *f)
{
    sqlite3_file *real = ((struct counting_file *)f)->real;
    return real->pMethods->xClose(real);
}

static int on_open(sqlite3_vfs *v, const char *path, sqlite3_file *f, int flags, int *out_flags)
{
    struct counting_file *c = (struct counting_file *)f;
    (void)v;
    if (!(flags & SQLITE_OPEN_WAL)) return disk.real->xOpen(disk.real, path, f, flags, out_flags);
    *c = (struct counting_file){.real = (sqlite3_file *)(c + 1)};
    const int rc = disk.real->xOpen(disk.real, path, c->real, flags, out_flags);
    c->methods = (sqlite3_io_methods){.iVersion = 1,
                                      .xClose = on_close,
                                      .xRead = on_read,
                                      .xWrite = on_write,
                                      .xTruncate = on_truncate,
                                      .xSync = on_sync,
                                      .xFileSize = on_size,
                                      .xFileControl = on_control,
                                      .xDeviceCharacteristics = on_characteristics,
                                      .xSectorSize = on_characteristics};
    c->base.pMethods = c->real->pMethods ? &c->methods : NULL;
    return rc;
}

static int64_t number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *st;
    int64_t n = -1;
    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
        n = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return n;
}

static bool does(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static sqlite3 *open_by(const char *path, const char *vfs)
{
    sqlite3 *db = NULL;
    CHECK_INT(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs), SQLITE_OK);
    CHECK(does(db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA page_size = 1024; PRAGMA journal_mode = WAL;"
                   "PRAGMA synchronous = FULL; PRAGMA cache_size = 10; CREATE TABLE IF NOT EXISTS t(n, b)"));
    return db;
}

/* One page a row: some of many, fewer than the rows; and one write a commit where it is small. */
static void gathers(sqlite3 *db)
{
    disk.writes = disk.syncs = 0;
    CHECK(does(db, "INSERT INTO t VALUES(1, zeroblob(10))"));
    CHECK_INT(disk.writes, 1);
    CHECK_INT(disk.syncs, 1);
    disk.writes = 0;
    CHECK(does(db,
               "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 500) "
               "INSERT INTO t SELECT i, zeroblob(800) FROM c")); /* more than the cache: some leave before the end */
    CHECK(disk.writes > 10 && disk.writes < 500);
    CHECK_INT(number(db, "SELECT count(*) FROM t"), 501);
    CHECK_INT(number(db, "SELECT count(*) FROM t WHERE length(b) = 800"), 500); /* read from the log */
}

/* A write that fails, each in turn: the commit says so, nothing of it is there, and the next one goes well. */
static void fails(sqlite3 *db)
{
    int failed = 0, wrong = 0;
    for (int at = 1; at <= 40; at++) {
        disk.fail_in = at;
        const bool done = does(db, "BEGIN; UPDATE t SET n = n + 1; COMMIT");
        disk.fail_in = 0;
        if (!done) {
            failed++;
            does(db, "ROLLBACK");
        }
        wrong += number(db, "SELECT min(n) FROM t") != 1 + (done ? 1 : 0);
        wrong += number(db, "SELECT max(n) FROM t") != 500 + (done ? 1 : 0);
        wrong += !does(db, "INSERT INTO t VALUES(7, 'x'); DELETE FROM t WHERE b = 'x'");
        if (done) wrong += !does(db, "UPDATE t SET n = n - 1");
    }
    CHECK(failed > 10);
    CHECK_INT(wrong, 0);
    CHECK_INT(number(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
}

/* What was committed is in the file for whoever comes when we are killed: a copy of it, taken while it is open. */
static void is_there(sqlite3 *db, const char *path)
{
    char command[1200], other[300];
    sqlite3 *copy;
    CHECK(does(db, "INSERT INTO t VALUES(4711, 'the last')"));
    snprintf(other, sizeof other, "%s-copy", path);
    snprintf(command, sizeof command, "cp '%s' '%s' && cp '%s-wal' '%s-wal'", path, other, path, other);
    CHECK_INT(system(command), 0);
    CHECK_INT(sqlite3_open_v2(other, &copy, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    CHECK_INT(number(copy, "SELECT count(*) FROM t WHERE n = 4711"), 1);
    CHECK_INT(number(copy, "SELECT count(*) FROM t"), 502);
    sqlite3_close(copy);
}

int main(void)
{
    char folder[] = "/tmp/pawl-log-XXXXXX", path[200], command[300];
    struct pawl_sqlite_vfs v;
    if (!mkdtemp(folder)) return 1;
    snprintf(path, sizeof path, "%s/t.db", folder);
    disk.real = sqlite3_vfs_find(NULL);
    disk.vfs = *disk.real;
    disk.vfs.zName = "counting";
    disk.vfs.szOsFile += (int)sizeof(struct counting_file);
    disk.vfs.xOpen = on_open;
    CHECK_INT(sqlite3_vfs_register(&disk.vfs, 1), SQLITE_OK);
    CHECK_INT(pawl_sqlite_vfs_register(&v), SQLITE_OK);
    sqlite3 *db = open_by(path, v.name);
    pawl_sqlite_vfs_unregister(&v);
    gathers(db);
    fails(db);
    is_there(db, path);
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
    sqlite3_vfs_register(disk.real, 1);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    CHECK_INT(system(command), 0);
    return TEST_END();
}
