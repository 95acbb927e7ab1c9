/* src/store/sqlite_schema.h - the tables of the SQLite store and how an older file gets them. */
#pragma once
#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>
#include "pawl/error.h"

enum { PAWL_SQLITE_APPLICATION = 0x7061776c }; /* "pawl" */

/* The version of a file: 0 is an empty one. PAWL_EVERSION: it is above `count`, and `next` names the pawl that the file
 * says it needs; PAWL_EINVAL: it is the database of something else. Changes nothing. */
int pawl_sqlite_version(sqlite3 *db, const char *path, int count, int64_t *version, struct pawl_error *err);

/* steps[v] is the SQL that brings version v to v + 1. All from `from` on are done in one transaction; `needs`, the pawl
 * that can read version `count`, is kept in the file for older ones to name. */
int pawl_sqlite_migrate(sqlite3 *db, const char *path, const char *const *steps, int from, int count, const char *needs,
                        struct pawl_error *err);
extern const char pawl_sqlite_runs[]; /* makes the view `runs` of this version, for one connection */
extern const char *const pawl_sqlite_steps[];
extern const int pawl_sqlite_steps_count;
extern const char pawl_sqlite_needs[];

/* The one number or text that a query gives; no row leaves both as they are. Not for hot paths. */
int pawl_sqlite_ask(sqlite3 *db, const char *path, const char *sql, int64_t *number, char *text, size_t text_bytes,
                    struct pawl_error *err);
