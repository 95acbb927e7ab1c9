/* src/store/sqlite_log.h - the file system beneath SQLite, with one thing changed: what it appends to its log is gathered and
 * written at once. SQLite writes each page there in two pieces, so a commit of one step is six small writes, and each costs
 * more than its bytes. What is gathered is written before the log is synced, read, measured, cut or closed: at each of these
 * the file is what it would be, and nothing is told durable before its sync. A process that is killed between loses only
 * what no sync had covered. */
#pragma once
#include <sqlite3.h>

enum { PAWL_SQLITE_LOG_GATHERS = 32 * 1024 }; /* bytes; what is longer is written as it is */

struct pawl_sqlite_vfs { /* one for each store, over whatever is the default when it is opened */
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    char name[32];
};
/* Fills it in and registers it, under a name of its own: pass v->name to sqlite3_open_v2. An SQLite code. */
int pawl_sqlite_vfs_register(struct pawl_sqlite_vfs *v);
/* Nothing is opened by it any more; what is open goes on and needs it until it is closed. */
void pawl_sqlite_vfs_unregister(struct pawl_sqlite_vfs *v);
