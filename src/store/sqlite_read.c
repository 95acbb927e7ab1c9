/* src/store/sqlite_read.c - reading the SQLite store. What does not fit what was written is PAWL_ECORRUPT: a file is
 * input like any other. */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "journal/sealed.h"
#include "store/sqlite_db.h"

static int no_memory(const struct pawl_sqlite *q, struct pawl_error *err)
{
    return pawl_fail(err, PAWL_ENOMEM, q->path, "free some memory and try again", "no memory");
}

static int no_run(struct pawl_id run, struct pawl_error *err)
{
    char text[PAWL_ID_TEXT];
    pawl_id_text(run, text);
    return pawl_fail(err, PAWL_ENOTFOUND, text, "pawl ls", "no such run");
}

int pawl_sqlite_head(struct pawl_sqlite *q, sqlite3_stmt *st, struct pawl_arena *a, struct pawl_head *out,
                     struct pawl_sqlite_place *place, struct pawl_error *err)
{
    const int64_t status = sqlite3_column_int64(st, 5), waiting = sqlite3_column_int64(st, 6);
    *out = (struct pawl_head){0};
    *place = (struct pawl_sqlite_place){.run = sqlite3_column_int64(st, 0), .last = sqlite3_column_int64(st, 1)};
    if (!pawl_sqlite_bytes(st, 2, out->run.b, sizeof out->run.b)) return pawl_sqlite_corrupt(q, err, "a run has no id");
    if (!pawl_sqlite_str(st, 3, a, &out->agent) || !pawl_sqlite_str(st, 4, a, &out->key)) return no_memory(q, err);
    if (status < PAWL_RUNNING || status > PAWL_DEAD || waiting < PAWL_WAIT_NONE || waiting >= PAWL_WAIT_COUNT)
        return pawl_sqlite_corrupt(q, err, "a run has a status that there is not");
    out->status = (enum pawl_status)status;
    out->waiting = (enum pawl_waiting)waiting;
    out->waiting_step = (uint32_t)sqlite3_column_int64(st, 7);
    out->epoch = (uint64_t)sqlite3_column_int64(st, 8);
    out->owner = (uint64_t)sqlite3_column_int64(st, 9);
    out->claims_without_progress = (uint32_t)sqlite3_column_int64(st, 10);
    out->seq = (uint64_t)sqlite3_column_int64(st, 11);
    if ((out->seq == 0) != (place->last == 0)) return pawl_sqlite_corrupt(q, err, "a run has lost its last record");
    if (place->last != 0 && !pawl_sqlite_bytes(st, 12, out->hash.b, sizeof out->hash.b))
        return pawl_sqlite_corrupt(q, err, "a run's last record is not there");
    out->wake_ns = sqlite3_column_type(st, 13) == SQLITE_NULL ? PAWL_NEVER : sqlite3_column_int64(st, 13);
    out->active_ns = sqlite3_column_int64(st, 14);
    out->created_ns = sqlite3_column_int64(st, 15);
    out->updated_ns = sqlite3_column_int64(st, 16);
    out->deaths = (uint32_t)sqlite3_column_int64(st, 18);
    if (sqlite3_column_type(st, 17) != SQLITE_NULL && !pawl_sqlite_bytes(st, 17, out->config.b, sizeof out->config.b))
        return pawl_sqlite_corrupt(q, err, "a run's configuration is no hash");
    return PAWL_OK;
}

static int body(struct pawl_sqlite *q, sqlite3_stmt *st, struct pawl_arena *a, struct pawl_str *out,
                struct pawl_error *err)
{
    int status;
    if (sqlite3_column_type(st, 9) != SQLITE_INTEGER)
        return pawl_sqlite_str(st, 9, a, out) ? PAWL_OK : no_memory(q, err);
    sqlite3_stmt *blob = pawl_sqlite_bind(q, PAWL_SQL_BLOB_AT, "i", (int64_t)sqlite3_column_int64(st, 9));
    status = pawl_sqlite_row_of(q, blob, err);
    if (status == PAWL_ENOTFOUND) return pawl_sqlite_corrupt(q, err, "the body of a record is not there");
    if (status != PAWL_OK) return status;
    if (!pawl_sqlite_str(blob, 0, a, out)) status = no_memory(q, err);
    sqlite3_reset(blob);
    return status;
}

/* What was struck out of the record in this row; not there: it was erased, and the body is all that is left. */
static int sealed(struct pawl_sqlite *q, int64_t row, struct pawl_arena *a, struct pawl_record *r,
                  struct pawl_error *err)
{
    sqlite3_stmt *st = pawl_sqlite_bind(q, PAWL_SQL_SEALED_AT, "i", row);
    int status = pawl_sqlite_row_of(q, st, err);
    if (status == PAWL_ENOTFOUND) return PAWL_OK;
    if (status != PAWL_OK) return status;
    if (!pawl_sqlite_str(st, 0, a, &r->full)) status = no_memory(q, err);
    else if (!pawl_seal_fits(r->body, r->full))
        status = pawl_sqlite_corrupt(q, err, "what was struck out of a record is another's");
    sqlite3_reset(st);
    return status;
}

/* The record in `row`, which must be number `seq` of this run; *row becomes the one before it. */
static int record(struct pawl_sqlite *q, struct pawl_sqlite_place *place, uint64_t seq, struct pawl_arena *a,
                  struct pawl_record *r, struct pawl_error *err)
{
    sqlite3_stmt *st = pawl_sqlite_bind(q, PAWL_SQL_RECORD_AT, "i", place->last);
    int status = pawl_sqlite_row_of(q, st, err);
    if (status == PAWL_ENOTFOUND) return pawl_sqlite_corrupt(q, err, "a record is not there");
    if (status != PAWL_OK) return status;
    const int64_t kind = sqlite3_column_int64(st, 4), previous = sqlite3_column_int64(st, 1);
    const bool belongs = sqlite3_column_int64(st, 0) == place->run && (uint64_t)sqlite3_column_int64(st, 2) == seq &&
                         previous < place->last && (previous == 0) == (seq == 1);
    r->seq = seq;
    r->at_ns = sqlite3_column_int64(st, 3);
    r->kind = kind > 0 && kind < PAWL_SQLITE_KINDS_MAX ? q->kinds[kind] : PAWL_KIND_NONE;
    r->step = (uint32_t)sqlite3_column_int64(st, 5);
    r->cause = (uint64_t)sqlite3_column_int64(st, 6);
    if (!belongs) status = pawl_sqlite_corrupt(q, err, "a record is in another's place");
    else if (!pawl_sqlite_bytes(st, 7, r->salt, sizeof r->salt) ||
             !pawl_sqlite_bytes(st, 8, r->hash.b, sizeof r->hash.b))
        status = pawl_sqlite_corrupt(q, err, "a record has no hash");
    else if (r->kind == PAWL_KIND_NONE)
        status = pawl_fail(err, PAWL_EVERSION, q->path, "open it with the pawl that wrote it, or a newer one",
                           "expected a kind of record that this pawl knows, found kind number %lld", (long long)kind);
    else status = body(q, st, a, &r->body, err);
    sqlite3_reset(st);
    if (status == PAWL_OK && pawl_is_sealed(r->body)) status = sealed(q, place->last, a, r, err);
    place->last = previous;
    return status;
}

int pawl_sqlite_records(struct pawl_sqlite *q, struct pawl_sqlite_place place, uint64_t from_seq, struct pawl_arena *a,
                        struct pawl_run_records *out, struct pawl_error *err)
{
    const uint64_t first = from_seq == 0 ? 1 : from_seq, seq = out->head.seq;
    out->records = NULL;
    out->count = 0;
    if (first > seq) return PAWL_OK;
    if (seq - first >= UINT32_MAX) return pawl_sqlite_corrupt(q, err, "a run has more records than there can be");
    const uint32_t count = (uint32_t)(seq - first + 1);
    out->records = pawl_arena_get(a, count * sizeof *out->records);
    if (out->records == NULL) return no_memory(q, err);
    for (uint32_t i = count; i-- > 0;) {
        out->records[i] = (struct pawl_record){.run = out->head.run};
        const int status = record(q, &place, first + i, a, &out->records[i], err);
        if (status != PAWL_OK) return status;
    }
    out->count = count;
    return PAWL_OK;
}

int pawl_sqlite_read(struct pawl_store *s, struct pawl_id run, uint64_t from_seq, struct pawl_arena *a,
                     struct pawl_run_records *out, struct pawl_error *err)
{
    struct pawl_sqlite *q = pawl_sqlite_of(s);
    struct pawl_sqlite_place place;
    sqlite3_stmt *st = pawl_sqlite_bind(q, PAWL_SQL_HEAD, "d", &run);
    int status = pawl_sqlite_row_of(q, st, err);
    if (status == PAWL_ENOTFOUND) return no_run(run, err);
    if (status != PAWL_OK) return status;
    status = pawl_sqlite_head(q, st, a, &out->head, &place, err);
    sqlite3_reset(st);
    return status == PAWL_OK ? pawl_sqlite_records(q, place, from_seq, a, out, err) : status;
}

static struct pawl_id one_less(struct pawl_id id)
{
    for (int i = 15; i >= 0; i--)
        if (id.b[i]-- != 0) break;
    return id;
}

int pawl_sqlite_list(struct pawl_store *s, const struct pawl_list_query *q, struct pawl_arena *a, struct pawl_head *out,
                     uint32_t *count, struct pawl_error *err)
{
    static const struct pawl_id none;
    struct pawl_sqlite *db = pawl_sqlite_of(s);
    struct pawl_id low, high;
    int status;

    assert((q->stuck & ~(uint32_t)PAWL_STUCK) == 0);
    *count = 0;
    if (q->max == 0 || !pawl_id_bounds(q->prefix, &low, &high)) return PAWL_OK;
    if (!pawl_id_eq(q->before, none) && memcmp(q->before.b, high.b, sizeof high.b) <= 0) high = one_less(q->before);
    sqlite3_stmt *st =
        q->stuck == 0
            ? pawl_sqlite_bind(db, PAWL_SQL_LIST, "ddsuu", &low, &high, q->agent, q->statuses, q->max)
            : pawl_sqlite_bind(db, PAWL_SQL_STUCK, "ddsuuu", &low, &high, q->agent, q->statuses, q->max, q->stuck);
    while ((status = pawl_sqlite_row_of(db, st, err)) == PAWL_OK) {
        struct pawl_sqlite_place place;
        assert(*count < q->max);
        status = pawl_sqlite_head(db, st, a, &out[*count], &place, err);
        if (status != PAWL_OK) {
            sqlite3_reset(st);
            return status;
        }
        ++*count;
    }
    return status == PAWL_ENOTFOUND ? PAWL_OK : status;
}

int pawl_sqlite_find_key(struct pawl_store *s, struct pawl_str key, struct pawl_str request, struct pawl_id *run,
                         struct pawl_error *err)
{
    struct pawl_sqlite *q = pawl_sqlite_of(s);
    sqlite3_stmt *st = key.p != NULL ? pawl_sqlite_bind(q, PAWL_SQL_BY_KEY, "s", key)
                                     : pawl_sqlite_bind(q, PAWL_SQL_BY_REQUEST, "s", request);
    int status = pawl_sqlite_row_of(q, st, err);
    if (status == PAWL_ENOTFOUND) return pawl_fail(err, PAWL_ENOTFOUND, q->path, "", "no run has this key");
    if (status != PAWL_OK) return status;
    if (!pawl_sqlite_bytes(st, 0, run->b, sizeof run->b)) status = pawl_sqlite_corrupt(q, err, "a run has no id");
    sqlite3_reset(st);
    return status;
}

int pawl_sqlite_find_claim(struct pawl_store *s, struct pawl_hash key, struct pawl_claim *out, struct pawl_error *err)
{
    struct pawl_sqlite *q = pawl_sqlite_of(s);
    sqlite3_stmt *st = pawl_sqlite_bind(q, PAWL_SQL_CLAIM_FIND, "h", &key);
    int status = pawl_sqlite_row_of(q, st, err);
    if (status == PAWL_ENOTFOUND) return pawl_fail(err, PAWL_ENOTFOUND, q->path, "", "nobody holds this claim");
    if (status != PAWL_OK) return status;
    const int64_t state = sqlite3_column_int64(st, 4);
    *out = (struct pawl_claim){.key = key,
                               .step = (uint32_t)sqlite3_column_int64(st, 2),
                               .turn = (uint32_t)sqlite3_column_int64(st, 3),
                               .state = (enum pawl_claim_state)state,
                               .until_ns = sqlite3_column_type(st, 5) == SQLITE_NULL ? PAWL_NEVER
                                                                                     : sqlite3_column_int64(st, 5)};
    if (!pawl_sqlite_bytes(st, 0, out->args.b, sizeof out->args.b) ||
        !pawl_sqlite_bytes(st, 1, out->run.b, sizeof out->run.b) || state < PAWL_CLAIM_IN_FLIGHT ||
        state > PAWL_CLAIM_UNDONE)
        status = pawl_sqlite_corrupt(q, err, "a claim is not whole");
    sqlite3_reset(st);
    return status;
}

int pawl_sqlite_blob(struct pawl_store *s, struct pawl_hash hash, struct pawl_arena *a, struct pawl_str *out,
                     struct pawl_error *err)
{
    struct pawl_sqlite *q = pawl_sqlite_of(s);
    sqlite3_stmt *st = pawl_sqlite_bind(q, PAWL_SQL_BLOB_FIND, "h", &hash);
    int status = pawl_sqlite_row_of(q, st, err);
    if (status == PAWL_ENOTFOUND) return pawl_fail(err, PAWL_ENOTFOUND, q->path, "", "no such blob");
    if (status != PAWL_OK) return status;
    const int64_t n = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    st = pawl_sqlite_bind(q, PAWL_SQL_BLOB_AT, "i", n);
    status = pawl_sqlite_row_of(q, st, err);
    if (status != PAWL_OK)
        return status == PAWL_ENOTFOUND ? pawl_sqlite_corrupt(q, err, "a blob is not there") : status;
    if (!pawl_sqlite_str(st, 0, a, out)) status = no_memory(q, err);
    sqlite3_reset(st);
    if (status != PAWL_OK) return status;
    const struct pawl_hash is = pawl_sha256(out->p, out->n);
    if (memcmp(is.b, hash.b, sizeof is.b) != 0) return pawl_sqlite_corrupt(q, err, "a blob's content was changed");
    return PAWL_OK;
}

int pawl_sqlite_shared(struct pawl_store *s, struct pawl_arena *a, struct pawl_shared **out, uint32_t *count,
                       struct pawl_error *err)
{
    struct pawl_sqlite *q = pawl_sqlite_of(s);
    sqlite3_stmt *st = pawl_sqlite_bind(q, PAWL_SQL_SHARED_ALL, "");
    struct pawl_shared *list = NULL;
    uint32_t size = 0;
    int status;
    *count = 0;
    *out = NULL;
    while ((status = pawl_sqlite_row_of(q, st, err)) == PAWL_OK) {
        if (*count == size) {
            struct pawl_shared *larger = pawl_arena_get(a, (size = size ? size * 2 : 32) * sizeof *larger);
            if (larger && *count) memcpy(larger, list, *count * sizeof *larger);
            list = larger;
        }
        struct pawl_shared *row = list ? &list[(*count)++] : NULL;
        if (row) row->value = sqlite3_column_int64(st, 1);
        if (!row || !pawl_sqlite_str(st, 0, a, &row->name) || !pawl_sqlite_str(st, 2, a, &row->body)) {
            sqlite3_reset(st);
            return pawl_fail(err, PAWL_ENOMEM, q->path, "free some memory and try again", "no memory");
        }
    }
    *out = list;
    return status == PAWL_ENOTFOUND ? PAWL_OK : status;
}

int pawl_sqlite_next_wake(struct pawl_store *s, int64_t *wall_ns, struct pawl_error *err)
{
    struct pawl_sqlite *q = pawl_sqlite_of(s);
    sqlite3_stmt *st = pawl_sqlite_bind(q, PAWL_SQL_NEXT_WAKE, "");
    const int status = pawl_sqlite_row_of(q, st, err);
    *wall_ns = PAWL_NEVER;
    if (status != PAWL_OK) return status == PAWL_ENOTFOUND ? PAWL_OK : status;
    *wall_ns = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    return PAWL_OK;
}
