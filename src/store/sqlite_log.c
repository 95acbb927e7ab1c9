/* src/store/sqlite_log.c - see sqlite_log.h. Only the log is wrapped; every other file is the real one. Its index is in
 * memory (locking_mode = EXCLUSIVE), and the methods for sharing it belong to the database's own file. */
#include "store/sqlite_log.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

struct log_file {
    sqlite3_file base;  /* first: SQLite's */
    sqlite3_file *real; /* behind this struct, in the same memory */
    unsigned char *gathered;
    sqlite3_int64 at; /* where in the file it begins */
    int count;
};

static struct log_file *log_of(sqlite3_file *f)
{
    return (struct log_file *)f;
}

/* What cannot be written is lost, and whoever needed it hears so: SQLite undoes its transaction then. */
static int put(struct log_file *l)
{
    const int count = l->count;
    l->count = 0;
    return count ? l->real->pMethods->xWrite(l->real, l->gathered, count, l->at) : SQLITE_OK;
}

static int log_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    struct log_file *l = log_of(f);
    assert(n >= 0 && at >= 0);
    if (l->count && (at != l->at + l->count || n > PAWL_SQLITE_LOG_GATHERS - l->count)) {
        const int rc = put(l);
        if (rc != SQLITE_OK) return rc;
    }
    if (n > PAWL_SQLITE_LOG_GATHERS) return l->real->pMethods->xWrite(l->real, p, n, at);
    if (!l->count) l->at = at;
    memcpy(l->gathered + l->count, p, (size_t)n);
    l->count += n;
    return SQLITE_OK;
}

static int log_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    struct log_file *l = log_of(f);
    const int rc = put(l);
    return rc != SQLITE_OK ? rc : l->real->pMethods->xRead(l->real, p, n, at);
}

static int log_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    struct log_file *l = log_of(f);
    const int rc = put(l);
    return rc != SQLITE_OK ? rc : l->real->pMethods->xTruncate(l->real, size);
}

static int log_sync(sqlite3_file *f, int flags)
{
    struct log_file *l = log_of(f);
    const int rc = put(l);
    return rc != SQLITE_OK ? rc : l->real->pMethods->xSync(l->real, flags);
}

static int log_size(sqlite3_file *f, sqlite3_int64 *size)
{
    struct log_file *l = log_of(f);
    const int rc = put(l);
    return rc != SQLITE_OK ? rc : l->real->pMethods->xFileSize(l->real, size);
}

static int log_close(sqlite3_file *f)
{
    struct log_file *l = log_of(f);
    const int rc = put(l), closed = l->real->pMethods->xClose(l->real);
    sqlite3_free(l->gathered);
    return rc != SQLITE_OK ? rc : closed;
}

static int log_lock(sqlite3_file *f, int level)
{
    return log_of(f)->real->pMethods->xLock(log_of(f)->real, level);
}

static int log_unlock(sqlite3_file *f, int level)
{
    return log_of(f)->real->pMethods->xUnlock(log_of(f)->real, level);
}

static int log_is_reserved(sqlite3_file *f, int *out)
{
    return log_of(f)->real->pMethods->xCheckReservedLock(log_of(f)->real, out);
}

static int log_control(sqlite3_file *f, int op, void *arg)
{
    return log_of(f)->real->pMethods->xFileControl(log_of(f)->real, op, arg);
}

static int log_sector_bytes(sqlite3_file *f)
{
    return log_of(f)->real->pMethods->xSectorSize(log_of(f)->real);
}

static int log_characteristics(sqlite3_file *f)
{
    return log_of(f)->real->pMethods->xDeviceCharacteristics(log_of(f)->real);
}

static int open_file(sqlite3_vfs *v, const char *path, sqlite3_file *f, int flags, int *out_flags)
{
    static const sqlite3_io_methods methods = {.iVersion = 1,
                                               .xClose = log_close,
                                               .xRead = log_read,
                                               .xWrite = log_write,
                                               .xTruncate = log_truncate,
                                               .xSync = log_sync,
                                               .xFileSize = log_size,
                                               .xLock = log_lock,
                                               .xUnlock = log_unlock,
                                               .xCheckReservedLock = log_is_reserved,
                                               .xFileControl = log_control,
                                               .xSectorSize = log_sector_bytes,
                                               .xDeviceCharacteristics = log_characteristics};
    sqlite3_vfs *real = ((struct pawl_sqlite_vfs *)v)->real;
    struct log_file *l = log_of(f);
    if (!(flags & SQLITE_OPEN_WAL)) return real->xOpen(real, path, f, flags, out_flags);
    *l = (struct log_file){.real = (sqlite3_file *)(l + 1)};
    if (!(l->gathered = sqlite3_malloc(PAWL_SQLITE_LOG_GATHERS))) return SQLITE_NOMEM;
    const int rc = real->xOpen(real, path, l->real, flags, out_flags);
    if (rc == SQLITE_OK) {
        l->base.pMethods = &methods;
        return SQLITE_OK;
    }
    if (l->real->pMethods) l->real->pMethods->xClose(l->real);
    sqlite3_free(l->gathered);
    return rc;
}

int pawl_sqlite_vfs_register(struct pawl_sqlite_vfs *v)
{
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    if (!real) return SQLITE_ERROR;
    v->real = real;
    v->vfs = *real; /* its other functions are as they were */
    v->vfs.pNext = NULL;
    v->vfs.szOsFile = (int)sizeof(struct log_file) + real->szOsFile;
    v->vfs.xOpen = open_file;
    v->vfs.zName = v->name;
    snprintf(v->name, sizeof v->name, "pawl-%p", (void *)v);
    return sqlite3_vfs_register(&v->vfs, 0);
}

void pawl_sqlite_vfs_unregister(struct pawl_sqlite_vfs *v)
{
    sqlite3_vfs_unregister(&v->vfs);
}
