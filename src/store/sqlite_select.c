/* src/store/sqlite_select.c - SQL questions to a store that is in use. An authorizer lets nothing through but reading,
 * a progress handler ends what takes too long. Setting an authorizer makes SQLite prepare the store's own statements
 * again (about a millisecond): that is the price of a question, paid by nobody else. */
#include <assert.h>
#include <string.h>
#include "base/error.h"
#include "io/clock.h"
#include "store/sqlite_db.h"
#include "store/sqlite_schema.h"

enum { COLUMNS_MAX = 256, STEPS_PER_LOOK = 10000 };

static int only_read(void *ctx, int action, const char *one, const char *two, const char *database, const char *trigger)
{
    (void)ctx;
    (void)database;
    (void)trigger;
    if (action == SQLITE_FUNCTION) /* some reach for files or memory where the library was built with them */
        return strcmp(two, "load_extension") == 0 || strcmp(two, "writefile") == 0 || strcmp(two, "edit") == 0
                   ? SQLITE_DENY
                   : SQLITE_OK;
    if (action == SQLITE_READ && strcmp(one, "sealed") == 0) return SQLITE_DENY; /* what was struck out */
    return action == SQLITE_SELECT || action == SQLITE_READ || action == SQLITE_RECURSIVE ? SQLITE_OK : SQLITE_DENY;
}

static int is_late(void *until_ns)
{
    return pawl_clock_mono_ns() > *(const int64_t *)until_ns;
}

static int refuse(struct pawl_sqlite *q, int rc, struct pawl_error *err)
{
    switch (rc & 0xff) {
    case SQLITE_AUTH:
        return pawl_fail(err, PAWL_EREADONLY, "sql", "ask with a SELECT; changing goes by pawl's own commands",
                         "expected a question, found something that changes the store");
    case SQLITE_INTERRUPT:
        return pawl_fail(err, PAWL_ELIMIT, "sql", "ask for less, or with the store's owner stopped by any sqlite3",
                         "the question took too long: others wait for the store");
    case SQLITE_ERROR:
        return pawl_fail(err, PAWL_EINVAL, "sql", "docs/journal.md has the tables and examples", "%s",
                         sqlite3_errmsg(q->db));
    default: return pawl_sqlite_fail(q->db, q->path, err);
    }
}

static void read_cells(sqlite3_stmt *st, struct pawl_str *text, char *types, uint32_t count)
{
    static const char letters[] = {
        [SQLITE_INTEGER] = 'i', [SQLITE_FLOAT] = 'f', [SQLITE_TEXT] = 't', [SQLITE_BLOB] = 'b', [SQLITE_NULL] = 'n'};
    for (uint32_t i = 0; i < count; i++) {
        const int type = sqlite3_column_type(st, (int)i);
        types[i] = letters[type];
        text[i] = (struct pawl_str){NULL, 0};
        if (type == SQLITE_NULL) continue;
        text[i].p =
            type == SQLITE_BLOB ? sqlite3_column_blob(st, (int)i) : (const char *)sqlite3_column_text(st, (int)i);
        text[i].n = (uint32_t)sqlite3_column_bytes(st, (int)i);
        if (text[i].p == NULL) text[i] = PAWL_STR("");
    }
}

static int give_rows(struct pawl_sqlite *q, sqlite3_stmt *st, pawl_sqlite_row *row, void *ctx, struct pawl_error *err)
{
    struct pawl_str text[COLUMNS_MAX];
    char types[COLUMNS_MAX];
    const uint32_t count = (uint32_t)sqlite3_column_count(st);
    if (count == 0) return refuse(q, SQLITE_AUTH, err); /* VACUUM and its like */
    if (count > COLUMNS_MAX)
        return pawl_fail(err, PAWL_EINVAL, "sql", "name the columns that you want",
                         "expected at most %d columns, found %u", COLUMNS_MAX, count);
    for (uint32_t i = 0; i < count; i++) text[i] = pawl_str_of(sqlite3_column_name(st, (int)i));
    int status = row(ctx, &(struct pawl_sqlite_cells){text, NULL, count});
    while (status == PAWL_OK) {
        const int rc = sqlite3_step(st);
        if (rc == SQLITE_DONE) break;
        if (rc != SQLITE_ROW) return refuse(q, rc, err);
        read_cells(st, text, types, count);
        status = row(ctx, &(struct pawl_sqlite_cells){text, types, count});
    }
    return status;
}

static bool is_blank(const char *p, const char *end)
{
    while (p < end && strchr(" \t\r\n;", *p) != NULL && *p != 0) p++;
    return p == end;
}

static int no_question(struct pawl_error *err)
{
    return pawl_fail(err, PAWL_EINVAL, "sql", "docs/journal.md has the tables and examples", "expected a SELECT");
}

int pawl_sqlite_select(struct pawl_store *s, struct pawl_str sql, int64_t max_ns, pawl_sqlite_row *row, void *ctx,
                       struct pawl_error *err)
{
    struct pawl_sqlite *q = pawl_sqlite_of(s);
    int64_t until_ns = pawl_clock_mono_ns() + max_ns;
    const char *rest = NULL;
    sqlite3_stmt *st = NULL;
    int status;

    assert(max_ns > 0);
    if (sql.p == NULL || sql.n > INT32_MAX) return no_question(err);
    sqlite3_exec(q->db, pawl_sqlite_runs, NULL, NULL, NULL); /* where it cannot be made, the store's own is read */
    sqlite3_set_authorizer(q->db, only_read, NULL);
    sqlite3_progress_handler(q->db, STEPS_PER_LOOK, is_late, &until_ns);
    const int rc = sqlite3_prepare_v2(q->db, sql.p, (int)sql.n, &st, &rest);
    if (rc != SQLITE_OK) status = refuse(q, rc, err);
    else if (st == NULL) status = no_question(err);
    else if (!is_blank(rest, sql.p + sql.n))
        status = pawl_fail(err, PAWL_EINVAL, "sql", "ask one thing at a time",
                           "expected one question, found more behind it");
    else status = give_rows(q, st, row, ctx, err);
    sqlite3_finalize(st);
    sqlite3_progress_handler(q->db, 0, NULL, NULL);
    sqlite3_set_authorizer(q->db, NULL, NULL);
    return status;
}
