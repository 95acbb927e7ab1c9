/* src/store/sqlite_db.h - inside of the SQLite store: its state, its statements, its errors. For store/sqlite*.c. */
#pragma once
#include <sqlite3.h>
#include "base/map.h"
#include "journal/rules.h"
#include "store/sqlite.h"
#include "store/sqlite_log.h"

enum pawl_sqlite_stmt { /* prepared once, at opening; their SQL is in sqlite_db.c */
                        PAWL_SQL_BEGIN,
                        PAWL_SQL_COMMIT,
                        PAWL_SQL_ROLLBACK,
                        PAWL_SQL_STATE,
                        PAWL_SQL_HEAD,
                        PAWL_SQL_DUE,
                        PAWL_SQL_LIST,
                        PAWL_SQL_STUCK,
                        PAWL_SQL_BY_KEY,
                        PAWL_SQL_BY_REQUEST,
                        PAWL_SQL_NEXT_WAKE,
                        PAWL_SQL_RECORD_AT,
                        PAWL_SQL_SEALED_AT,
                        PAWL_SQL_SEALED_ADD,
                        PAWL_SQL_RUN_ADD,
                        PAWL_SQL_RUN_SET,
                        PAWL_SQL_RUN_STEP,
                        PAWL_SQL_RUN_CLAIM,
                        PAWL_SQL_RECORD_ADD,
                        PAWL_SQL_BLOB_FIND,
                        PAWL_SQL_BLOB_AT,
                        PAWL_SQL_BLOB_ADD,
                        PAWL_SQL_CLAIM_FIND,
                        PAWL_SQL_CLAIM_PUT,
                        PAWL_SQL_CLAIM_DROP,
                        PAWL_SQL_SHARED_ALL,
                        PAWL_SQL_SHARED_PUT,
                        PAWL_SQL_SHARED_DROP,
                        PAWL_SQL_COUNT
};
enum { PAWL_SQLITE_BODY_MAX = 4096, PAWL_SQLITE_KINDS_MAX = 256, PAWL_SQLITE_CONFIGS = 8 };

struct pawl_sqlite_config { /* which blob has this hash: spares a look-up a commit */
    struct pawl_hash hash;
    int64_t blob; /* 0: empty */
};
struct pawl_sqlite_known { /* of a run at work: its number, the row of its last record, its head as it is stored */
    int64_t run, last;
    struct pawl_head head; /* without its texts */
};
struct pawl_sqlite {
    struct pawl_store store; /* first: a store is cast to it */
    const struct pawl_alloc *from;
    struct pawl_sqlite_vfs vfs; /* what db is opened by */
    sqlite3 *db;
    char *path;
    size_t path_bytes;
    sqlite3_stmt *stmts[PAWL_SQL_COUNT];
    int64_t next_run, next_row; /* the numbers that the next run and record get */
    struct pawl_sqlite_config configs[PAWL_SQLITE_CONFIGS];
    struct pawl_map known; /* run id -> struct pawl_sqlite_known */
    uint8_t kind_numbers[PAWL_KIND_COUNT];
    enum pawl_kind kinds[PAWL_SQLITE_KINDS_MAX]; /* NONE: no such, or a newer pawl's */
};

static inline struct pawl_sqlite *pawl_sqlite_of(struct pawl_store *s)
{
    return (struct pawl_sqlite *)s;
}

/* SQLite's last error as one of ours; always returns a code that is not PAWL_OK. */
int pawl_sqlite_fail(sqlite3 *db, const char *path, struct pawl_error *err);
int pawl_sqlite_corrupt(const struct pawl_sqlite *q, struct pawl_error *err, const char *what);
int pawl_sqlite_prepare(struct pawl_sqlite *q, struct pawl_error *err);

/* Bind what `types` says: i int64_t, u uint32_t or an enum, U uint64_t, s struct pawl_str, b struct pawl_str as bytes,
 * h const struct pawl_hash *, d const struct pawl_id *, 8 const uint8_t *, w a wake time (PAWL_NEVER is NULL), z a
 * number of a row (int64_t; 0 is NULL). Gives the statement, NULL where a value is too large (do and row_of then say
 * so); what is bound must live until it is reset. */
sqlite3_stmt *pawl_sqlite_bind(struct pawl_sqlite *q, enum pawl_sqlite_stmt which, const char *types, ...);
/* Run a statement that gives no row. PAWL_OK or what went wrong. */
int pawl_sqlite_do(struct pawl_sqlite *q, sqlite3_stmt *st, struct pawl_error *err);
/* Step to a row: PAWL_OK there is one (reset the statement when done with it), PAWL_ENOTFOUND none (is reset; err is
 * untouched), else what went wrong (is reset). */
int pawl_sqlite_row_of(struct pawl_sqlite *q, sqlite3_stmt *st, struct pawl_error *err);
void pawl_sqlite_rollback(struct pawl_sqlite *q);

/* A column as it is stored; false: it is not of that kind or size. */
bool pawl_sqlite_bytes(sqlite3_stmt *st, int column, void *out, int n);
/* A text or blob column in the arena; NULL gives {NULL, 0}. false: no memory. */
bool pawl_sqlite_str(sqlite3_stmt *st, int column, struct pawl_arena *a, struct pawl_str *out);

/* sqlite_known.c */
struct pawl_sqlite_known *pawl_sqlite_known(const struct pawl_sqlite *q, struct pawl_id run); /* NULL: ask the file */
void pawl_sqlite_know(struct pawl_sqlite *q, const struct pawl_head *h, int64_t run, int64_t last);
void pawl_sqlite_forget_all(struct pawl_sqlite *q);
/* The new head is the known one but for its last record and its times. */
bool pawl_sqlite_moves_on(const struct pawl_sqlite_known *k, const struct pawl_head *h);

/* sqlite_read.c: the vtable's readers, and the numbers behind a head */
struct pawl_sqlite_place {
    int64_t run, last; /* the run's number; the row of its last record, 0: none */
};
int pawl_sqlite_read(struct pawl_store *s, struct pawl_id run, uint64_t from_seq, struct pawl_arena *a,
                     struct pawl_run_records *out, struct pawl_error *err);
int pawl_sqlite_list(struct pawl_store *s, const struct pawl_list_query *q, struct pawl_arena *a, struct pawl_head *out,
                     uint32_t *count, struct pawl_error *err);
int pawl_sqlite_find_key(struct pawl_store *s, struct pawl_str key, struct pawl_str request, struct pawl_id *run,
                         struct pawl_error *err);
int pawl_sqlite_find_claim(struct pawl_store *s, struct pawl_hash key, struct pawl_claim *out, struct pawl_error *err);
int pawl_sqlite_blob(struct pawl_store *s, struct pawl_hash hash, struct pawl_arena *a, struct pawl_str *out,
                     struct pawl_error *err);
int pawl_sqlite_shared(struct pawl_store *s, struct pawl_arena *a, struct pawl_shared **out, uint32_t *count,
                       struct pawl_error *err);
int pawl_sqlite_next_wake(struct pawl_store *s, int64_t *wall_ns, struct pawl_error *err);
/* The head in the row that the statement (HEAD, DUE, LIST) stands on. */
int pawl_sqlite_head(struct pawl_sqlite *q, sqlite3_stmt *st, struct pawl_arena *a, struct pawl_head *out,
                     struct pawl_sqlite_place *place, struct pawl_error *err);
/* out->records and count, out->head being filled in. */
int pawl_sqlite_records(struct pawl_sqlite *q, struct pawl_sqlite_place place, uint64_t from_seq, struct pawl_arena *a,
                        struct pawl_run_records *out, struct pawl_error *err);
