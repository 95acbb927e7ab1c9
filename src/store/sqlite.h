/* src/store/sqlite.h - the store in one SQLite file; its format is docs/journal.md.
 *
 * Opening makes the file where there is none (mode 0600), brings an older format up to date in one transaction, takes
 * the file for itself (locking_mode=EXCLUSIVE: no other connection reads or writes until it is closed) and counts the
 * instance up. One connection writes and checkpoints. Any thread may call, one at a time (store.h).
 *
 * PAWL_EBUSY: another process has it open. PAWL_EVERSION: a newer pawl wrote it, `next` says which. PAWL_EREADONLY,
 * PAWL_EFULL, PAWL_ENOTFOUND (its folder), PAWL_ECORRUPT, PAWL_EINVAL (the database of something else), PAWL_EIO. */
#pragma once
#include "journal/store.h"

int pawl_sqlite_open(const char *path, const struct pawl_alloc *from, struct pawl_store **out, struct pawl_error *err);

/* A question in SQL, for `pawl sql`. `row` gets the names once (with `types` NULL), then each row; columns that are NULL
 * are {NULL, 0}; what it returns other than PAWL_OK ends the query and is handed on. Nothing but reading is let through:
 * PAWL_EREADONLY. PAWL_EINVAL: SQLite's word for what is wrong with the text. PAWL_ELIMIT: it took longer than max_ns. */
struct pawl_sqlite_cells {
    const struct pawl_str *text; /* of this call only; a blob is its bytes */
    const char *types;           /* per column: i(nteger) f(loat) t(ext) b(lob) n(ull) */
    uint32_t count;
};
typedef int pawl_sqlite_row(void *ctx, const struct pawl_sqlite_cells *cells);
int pawl_sqlite_select(struct pawl_store *s, struct pawl_str sql, int64_t max_ns, pawl_sqlite_row *row, void *ctx,
                       struct pawl_error *err);
