/* src/store/sqlite_kit.h - for the tests of the SQLite store: a folder of its own, a store in it, SQLite itself. */
#pragma once
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/test.h"
#include "io/alloc.h"
#include "store/sqlite.h"

static char kit_folder[] = "/tmp/pawl-store-XXXXXX";
static char kit_path[64]; /* of the store at hand */

static inline void kit_begin(void)
{
    if (mkdtemp(kit_folder) != NULL) return;
    printf("no folder for tests\n0 passed, 1 failed\n");
    exit(1);
}

static inline void kit_remove(void)
{
    static const char *const suffixes[] = {"", "-wal", "-journal", "-shm"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char path[80];
        snprintf(path, sizeof path, "%s%s", kit_path, suffixes[i]);
        unlink(path);
    }
}

static inline void kit_new_path(void)
{
    static int files;
    if (kit_path[0]) kit_remove();
    snprintf(kit_path, sizeof kit_path, "%s/%d.db", kit_folder, ++files);
}

static inline int kit_end(void)
{
    if (kit_path[0]) kit_remove();
    CHECK_INT(rmdir(kit_folder), 0);
    return TEST_END();
}

static inline struct pawl_store *kit_open(void)
{
    struct pawl_store *s = NULL;
    struct pawl_error err = {0};
    if (CHECK_INT(pawl_sqlite_open(kit_path, pawl_alloc_libc(), &s, &err), PAWL_OK)) return s;
    printf("%s: %s\n", err.where, err.what);
    exit(1);
}

static inline struct pawl_store *kit_fresh(void)
{
    kit_new_path();
    return kit_open();
}

/* The store's file by SQLite alone, while no store has it open. Prints and counts what goes wrong. */
static inline void kit_sql(const char *sql)
{
    sqlite3 *db = NULL;
    char *message = NULL;
    CHECK_INT(sqlite3_open(kit_path, &db), SQLITE_OK);
    if (!CHECK_INT(sqlite3_exec(db, sql, NULL, NULL, &message), SQLITE_OK)) printf("%s: %s\n", sql, message);
    sqlite3_free(message);
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
}

/* The first column of the first row, as text; of this call until the next. */
static inline const char *kit_ask(const char *sql)
{
    static char text[256];
    sqlite3 *db = NULL;
    sqlite3_stmt *st = NULL;
    text[0] = 0;
    CHECK_INT(sqlite3_open(kit_path, &db), SQLITE_OK);
    if (!CHECK_INT(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK)) printf("%s: %s\n", sql, sqlite3_errmsg(db));
    if (sqlite3_step(st) == SQLITE_ROW && sqlite3_column_text(st, 0) != NULL)
        snprintf(text, sizeof text, "%s", (const char *)sqlite3_column_text(st, 0));
    sqlite3_finalize(st);
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
    return text;
}
