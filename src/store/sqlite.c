/* src/store/sqlite.c - opening, committing, claiming. The file has one owner, this process, and one connection, so what
 * is numbered here (runs, records, which blob has which hash) is known without asking; a rollback sets it back.
 *
 * A commit is judged before anything of it is written; then nothing but the disk can fail it, and that fails the whole
 * batch, which is rolled back. */
#include "store/sqlite.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/error.h"
#include "store/sqlite_db.h"
#include "store/sqlite_schema.h"

/* ---- commit ---- */

struct state { /* what the file knows of a commit's run */
    int64_t run, last;
    const struct pawl_sqlite_known *known; /* NULL: the file was asked */
};

struct asking {
    struct pawl_sqlite *q;
    struct pawl_error err; /* of the one that went wrong, if any did */
};

static int find_claim(void *ctx, struct pawl_hash key, struct pawl_claim *out)
{
    struct asking *asking = ctx;
    return pawl_sqlite_find_claim(&asking->q->store, key, out, &asking->err);
}

static int is_taken(struct pawl_sqlite *q, enum pawl_sqlite_stmt which, struct pawl_str name, struct pawl_error *err)
{
    if (name.p == NULL) return PAWL_OK;
    sqlite3_stmt *st = pawl_sqlite_bind(q, which, "s", name);
    const int status = pawl_sqlite_row_of(q, st, err);
    if (status != PAWL_OK) return status == PAWL_ENOTFOUND ? PAWL_OK : status;
    sqlite3_reset(st);
    return PAWL_ECONFLICT;
}

static bool is_verdict(int status)
{
    return status == PAWL_OK || status == PAWL_EFENCED || status == PAWL_ECONFLICT || status == PAWL_ENOTFOUND;
}

static int judge_claims(struct pawl_sqlite *q, const struct pawl_commit *c, struct pawl_error *err)
{
    struct asking asking = {.q = q};
    if (c->claims_count == 0) return PAWL_OK;
    const int status = pawl_claims_check(c->claims, c->claims_count, find_claim, &asking);
    if (!is_verdict(status) && err != NULL) *err = asking.err;
    return status;
}

/* One of the four verdicts on a commit, or what kept us from finding it. */
static int judge(struct pawl_sqlite *q, const struct pawl_commit *c, struct state *now, struct pawl_error *err)
{
    sqlite3_stmt *st;
    int status;
    *now = (struct state){0};
    if (c->no_run) return PAWL_OK;
    now->known = c->create ? NULL : pawl_sqlite_known(q, c->head.run);
    if (now->known != NULL) {
        now->run = now->known->run;
        now->last = now->known->last;
        if (now->known->head.epoch != c->head.epoch || now->known->head.seq != c->seq_before) return PAWL_EFENCED;
        return judge_claims(q, c, err);
    }
    st = pawl_sqlite_bind(q, PAWL_SQL_STATE, "d", &c->head.run);
    status = pawl_sqlite_row_of(q, st, err);
    if (status == PAWL_OK) {
        const bool ours = (uint64_t)sqlite3_column_int64(st, 1) == c->head.epoch &&
                          (uint64_t)sqlite3_column_int64(st, 2) == c->seq_before;
        *now = (struct state){.run = sqlite3_column_int64(st, 0), .last = sqlite3_column_int64(st, 3)};
        sqlite3_reset(st);
        if (c->create) return PAWL_ECONFLICT;
        if (!ours) return PAWL_EFENCED;
    } else if (status != PAWL_ENOTFOUND || !c->create) {
        return status;
    } else {
        status = is_taken(q, PAWL_SQL_BY_KEY, c->head.key, err);
        if (status == PAWL_OK) status = is_taken(q, PAWL_SQL_BY_REQUEST, c->request, err);
        if (status != PAWL_OK) return status;
    }
    return judge_claims(q, c, err);
}

static struct pawl_sqlite_config *config_at(struct pawl_sqlite *q, const struct pawl_hash *hash)
{
    return &q->configs[hash->b[0] % PAWL_SQLITE_CONFIGS];
}

static bool is_config(const struct pawl_sqlite_config *known, const struct pawl_hash *hash)
{
    return known->blob != 0 && memcmp(known->hash.b, hash->b, sizeof hash->b) == 0;
}

/* The number of the blob with this content, made where there is none. */
static int keep_blob(struct pawl_sqlite *q, const struct pawl_hash *hash, struct pawl_str bytes, int64_t *n,
                     struct pawl_error *err)
{
    const struct pawl_sqlite_config *config = config_at(q, hash);
    if (is_config(config, hash)) {
        *n = config->blob;
        return PAWL_OK;
    }
    sqlite3_stmt *st = pawl_sqlite_bind(q, PAWL_SQL_BLOB_FIND, "h", hash);
    int status = pawl_sqlite_row_of(q, st, err);
    if (status == PAWL_OK) {
        *n = sqlite3_column_int64(st, 0);
        sqlite3_reset(st);
        return PAWL_OK;
    }
    if (status != PAWL_ENOTFOUND) return status;
    if (bytes.p == NULL) bytes = PAWL_STR("");
    status = pawl_sqlite_do(q, pawl_sqlite_bind(q, PAWL_SQL_BLOB_ADD, "hb", hash, bytes), err);
    *n = sqlite3_last_insert_rowid(q->db);
    return status;
}

static int append(struct pawl_sqlite *q, const struct pawl_record *r, struct state *now, struct pawl_error *err)
{
    const uint32_t kind = q->kind_numbers[r->kind];
    const int64_t row = q->next_row;
    sqlite3_stmt *st;
    if (r->body.n <= PAWL_SQLITE_BODY_MAX) {
        st = pawl_sqlite_bind(q, PAWL_SQL_RECORD_ADD, "iizUiuuU8hs", row, now->run, now->last, r->seq, r->at_ns, kind,
                              r->step, r->cause, r->salt, &r->hash, r->body);
    } else {
        const struct pawl_hash hash = pawl_sha256(r->body.p, r->body.n);
        int64_t blob = 0;
        const int status = keep_blob(q, &hash, r->body, &blob, err);
        if (status != PAWL_OK) return status;
        st = pawl_sqlite_bind(q, PAWL_SQL_RECORD_ADD, "iizUiuuU8hi", row, now->run, now->last, r->seq, r->at_ns, kind,
                              r->step, r->cause, r->salt, &r->hash, blob);
    }
    int status = pawl_sqlite_do(q, st, err);
    if (status == PAWL_OK && r->full.p)
        status = pawl_sqlite_do(q, pawl_sqlite_bind(q, PAWL_SQL_SEALED_ADD, "ib", row, r->full), err);
    now->last = row;
    q->next_row += status == PAWL_OK;
    return status;
}

/* How a configuration is kept: by its blob's number, or as the hash it is, or as NULL where there is none. */
static int find_config(struct pawl_sqlite *q, const struct pawl_hash *hash, int64_t *blob, struct pawl_error *err)
{
    static const struct pawl_hash none;
    struct pawl_sqlite_config *known = config_at(q, hash);
    *blob = 0;
    if (memcmp(hash->b, none.b, sizeof none.b) == 0) return PAWL_OK;
    if (!is_config(known, hash)) {
        sqlite3_stmt *st = pawl_sqlite_bind(q, PAWL_SQL_BLOB_FIND, "h", hash);
        const int status = pawl_sqlite_row_of(q, st, err);
        if (status != PAWL_OK) return status == PAWL_ENOTFOUND ? PAWL_OK : status;
        *known = (struct pawl_sqlite_config){.hash = *hash, .blob = sqlite3_column_int64(st, 0)};
        sqlite3_reset(st);
    }
    *blob = known->blob;
    return PAWL_OK;
}

static int put_head(struct pawl_sqlite *q, const struct pawl_commit *c, const struct state *now, struct pawl_error *err)
{
    static const struct pawl_hash none;
    const struct pawl_head *h = &c->head;
    const int config_at = c->create ? 18 : 14;
    sqlite3_stmt *st;
    int64_t blob;
    int rc = SQLITE_OK, status;
    if (now->known != NULL && pawl_sqlite_moves_on(now->known, h))
        return pawl_sqlite_do(q,
                              pawl_sqlite_bind(q, PAWL_SQL_RUN_STEP, "iUzii", now->run, h->seq, now->last, h->active_ns,
                                               h->updated_ns),
                              err);
    if ((status = find_config(q, &h->config, &blob, err)) != PAWL_OK) return status;
    if (c->create)
        st = pawl_sqlite_bind(q, PAWL_SQL_RUN_ADD, "idsssiuuuUUuUzwii", now->run, &h->run, h->agent, h->key, c->request,
                              h->created_ns, h->status, h->waiting, h->waiting_step, h->epoch, h->owner,
                              h->claims_without_progress, h->seq, now->last, h->wake_ns, h->active_ns, h->updated_ns);
    else
        st = pawl_sqlite_bind(q, PAWL_SQL_RUN_SET, "iuuuUUuUzwiii", now->run, h->status, h->waiting, h->waiting_step,
                              h->epoch, h->owner, h->claims_without_progress, h->seq, now->last, h->wake_ns,
                              h->active_ns, h->updated_ns, h->created_ns);
    if (st == NULL) return pawl_sqlite_fail(q->db, q->path, err);
    if (blob != 0) rc = sqlite3_bind_int64(st, config_at, blob);
    else if (memcmp(h->config.b, none.b, sizeof none.b) == 0) rc = sqlite3_bind_null(st, config_at);
    else rc = sqlite3_bind_blob(st, config_at, h->config.b, sizeof h->config.b, SQLITE_STATIC);
    return pawl_sqlite_do(q, rc == SQLITE_OK ? st : NULL, err);
}

static int do_claim(struct pawl_sqlite *q, const struct pawl_claim_op *o, struct pawl_error *err)
{
    const struct pawl_claim *c = &o->claim;
    if (o->op == PAWL_CLAIM_DROP) return pawl_sqlite_do(q, pawl_sqlite_bind(q, PAWL_SQL_CLAIM_DROP, "h", &c->key), err);
    return pawl_sqlite_do(q,
                          pawl_sqlite_bind(q, PAWL_SQL_CLAIM_PUT, "hhduuuw", &c->key, &c->args, &c->run, c->step,
                                           c->turn, c->state, c->until_ns),
                          err);
}

static int do_shared(struct pawl_sqlite *q, const struct pawl_shared_op *o, struct pawl_error *err)
{
    if (o->drop) return pawl_sqlite_do(q, pawl_sqlite_bind(q, PAWL_SQL_SHARED_DROP, "s", o->name), err);
    return pawl_sqlite_do(q, pawl_sqlite_bind(q, PAWL_SQL_SHARED_PUT, "sis", o->name, o->add, o->body), err);
}

static int apply(struct pawl_sqlite *q, const struct pawl_commit *c, struct state *now, struct pawl_error *err)
{
    int status = PAWL_OK;
    int64_t blob;
    if (c->create) now->run = q->next_run++;
    for (uint32_t i = 0; status == PAWL_OK && i < c->blobs_count; i++) {
        const struct pawl_blob *b = &c->blobs[i];
        assert(is_config(config_at(q, &b->hash), &b->hash) || pawl_blob_is_whole(b));
        status = keep_blob(q, &b->hash, b->bytes, &blob, err);
    }
    for (uint32_t i = 0; status == PAWL_OK && i < c->records_count; i++) status = append(q, &c->records[i], now, err);
    if (status == PAWL_OK && !c->no_run) status = put_head(q, c, now, err);
    if (status == PAWL_OK && !c->no_run) pawl_sqlite_know(q, &c->head, now->run, now->last);
    for (uint32_t i = 0; status == PAWL_OK && i < c->claims_count; i++) status = do_claim(q, &c->claims[i], err);
    for (uint32_t i = 0; status == PAWL_OK && i < c->shared_count; i++) status = do_shared(q, &c->shared[i], err);
    return status;
}

static int begin(struct pawl_sqlite *q, struct pawl_error *err)
{
    return pawl_sqlite_do(q, q->stmts[PAWL_SQL_BEGIN], err);
}

/* Ends the transaction: with a commit where all went well, else, or where that fails, with a rollback. */
static int end(struct pawl_sqlite *q, int status, struct pawl_error *err)
{
    if (status == PAWL_OK) status = pawl_sqlite_do(q, q->stmts[PAWL_SQL_COMMIT], err);
    if (status != PAWL_OK) pawl_sqlite_rollback(q);
    return status;
}

static int sqlite_commit(struct pawl_store *s, struct pawl_commit *const *commits, uint32_t count,
                         struct pawl_error *err)
{
    struct pawl_sqlite *q = pawl_sqlite_of(s);
    const int64_t run_before = q->next_run, row_before = q->next_row;
    int status = begin(q, err);
    for (uint32_t i = 0; status == PAWL_OK && i < count; i++) {
        struct state now;
        pawl_commit_assert(commits[i]);
        const int verdict = judge(q, commits[i], &now, err);
        commits[i]->result = verdict;
        if (verdict == PAWL_OK) status = apply(q, commits[i], &now, err);
        else if (!is_verdict(verdict)) status = verdict;
    }
    status = end(q, status, err);
    if (status != PAWL_OK) {
        q->next_run = run_before;
        q->next_row = row_before;
    }
    return status;
}

/* ---- claim ---- */

/* The heads of what is to be claimed, and where they are. */
static int find_runs(struct pawl_sqlite *q, const struct pawl_claim_query *what, struct pawl_arena *a,
                     struct pawl_run_records *out, struct pawl_sqlite_place *places, uint32_t *count,
                     struct pawl_error *err)
{
    sqlite3_stmt *st = what->one ? pawl_sqlite_bind(q, PAWL_SQL_HEAD, "d", &what->run)
                                 : pawl_sqlite_bind(q, PAWL_SQL_DUE, "iUu", what->due_ns, q->store.instance, what->max);
    int status;
    while ((status = pawl_sqlite_row_of(q, st, err)) == PAWL_OK) {
        status = pawl_sqlite_head(q, st, a, &out[*count].head, &places[*count], err);
        if (status != PAWL_OK) {
            sqlite3_reset(st);
            return status;
        }
        ++*count;
    }
    if (status != PAWL_ENOTFOUND || !what->one || *count == 1) return status == PAWL_ENOTFOUND ? PAWL_OK : status;
    char text[PAWL_ID_TEXT];
    pawl_id_text(what->run, text);
    return pawl_fail(err, PAWL_ENOTFOUND, text, "pawl ls", "no such run");
}

static int claim_found(struct pawl_sqlite *q, struct pawl_arena *a, struct pawl_run_records *out,
                       const struct pawl_sqlite_place *places, uint32_t count, struct pawl_error *err)
{
    int status = PAWL_OK;
    for (uint32_t i = 0; status == PAWL_OK && i < count; i++) {
        struct pawl_head *h = &out[i].head;
        status = pawl_sqlite_records(q, places[i], 0, a, &out[i], err);
        if (status != PAWL_OK) break;
        h->epoch++;
        if (h->owner != q->store.instance || h->wake_ns != 0) h->claims_without_progress++; /* in hand: no new try */
        if (h->owner != q->store.instance && h->wake_ns == 0 && !pawl_status_ended(h->status)) h->deaths++;
        h->owner = q->store.instance;
        /* Live now: not due again for us, due at once for whoever comes after us. */
        if (!pawl_status_ended(h->status)) h->wake_ns = 0;
        status = pawl_sqlite_do(q, pawl_sqlite_bind(q, PAWL_SQL_RUN_CLAIM, "iU", places[i].run, h->owner), err);
        if (status == PAWL_OK) pawl_sqlite_know(q, h, places[i].run, places[i].last);
    }
    return status;
}

static int sqlite_claim(struct pawl_store *s, const struct pawl_claim_query *what, struct pawl_arena *a,
                        struct pawl_run_records *out, uint32_t *count, struct pawl_error *err)
{
    struct pawl_sqlite *q = pawl_sqlite_of(s);
    struct pawl_sqlite_place *places = pawl_arena_get(a, (what->one ? 1 : (size_t)what->max + 1) * sizeof *places);
    uint32_t found = 0;
    int status;

    *count = 0;
    if (places == NULL) return pawl_fail(err, PAWL_ENOMEM, q->path, "free some memory and try again", "no memory");
    status = begin(q, err);
    if (status == PAWL_OK) status = find_runs(q, what, a, out, places, &found, err);
    if (status == PAWL_OK) status = claim_found(q, a, out, places, found, err);
    status = end(q, status, err);
    if (status == PAWL_OK) *count = found;
    return status;
}

/* ---- opening and closing ---- */

/* The page cache: what is asked for again is read again. */
static void sqlite_rest(struct pawl_store *s)
{
    sqlite3_db_release_memory(pawl_sqlite_of(s)->db);
}

static void sqlite_close(struct pawl_store *s)
{
    struct pawl_sqlite *q = pawl_sqlite_of(s);
    const struct pawl_alloc *from = q->from;
    pawl_sqlite_forget_all(q);
    for (int i = 0; i < PAWL_SQL_COUNT; i++) sqlite3_finalize(q->stmts[i]);
    if (q->store.instance != 0) sqlite3_exec(q->db, "PRAGMA optimize", NULL, NULL, NULL);
    sqlite3_close(q->db); /* checkpoints, and takes the WAL away */
    from->resize(from->ctx, q->path, q->path_bytes, 0);
    from->resize(from->ctx, q, sizeof *q, 0);
}

/* The file, made where there is none: SQLite itself would let others read it. */
static int make_file(const char *path, struct pawl_error *err)
{
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), no = errno;
    struct stat is;
    if (fd >= 0) {
        const bool file = fstat(fd, &is) == 0 && S_ISREG(is.st_mode);
        close(fd);
        if (file) return PAWL_OK;
        return pawl_fail(err, PAWL_EINVAL, path, "name a file", "expected a file, found something else");
    }
    switch (no) {
    case EACCES:
    case EPERM:
    case EROFS:
        return pawl_fail(err, PAWL_EREADONLY, path, "give pawl the right to write there, or name another place",
                         "expected a file that can be written: %s", strerror(no));
    case ENOENT:
    case ENOTDIR:
        return pawl_fail(err, PAWL_ENOTFOUND, path, "make the folder first", "expected its folder to be there: %s",
                         strerror(no));
    case EISDIR: return pawl_fail(err, PAWL_EINVAL, path, "name a file in it", "expected a file, found a folder");
    case ENOSPC:
    case EDQUOT:
        return pawl_fail(err, PAWL_EFULL, path, "free some space and try again",
                         "expected room for a file, found none");
    default:
        return pawl_fail(err, PAWL_EIO, path, "look after the disk, then try again", "expected to open it: %s",
                         strerror(no));
    }
}

static int exec(struct pawl_sqlite *q, const char *sql, struct pawl_error *err)
{
    return sqlite3_exec(q->db, sql, NULL, NULL, NULL) == SQLITE_OK ? PAWL_OK : pawl_sqlite_fail(q->db, q->path, err);
}

/* Take the file, see whose it is, and only then change anything in it. */
static int take_file(struct pawl_sqlite *q, struct pawl_error *err)
{
    static const char before[] = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA trusted_schema = OFF;"
                                 "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536;" /* KiB, taken as needed */
                                 /* Of a new file. Small pages waste less behind a large body, and a step that moves one
                                  * row writes less: 1.18 instead of 1.27 of a conversation's bytes, and no slower. */
                                 "PRAGMA page_size = 2048";
    static const char after[] = "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 2000;"
                                "PRAGMA journal_size_limit = 16777216";
    int64_t version;
    char mode[16] = "";
    /* A plan depends on the statement alone: else one that a partial index serves is made anew for each value bound. */
    sqlite3_db_config(q->db, SQLITE_DBCONFIG_ENABLE_QPSG, 1, NULL);
    int status = exec(q, before, err);
    if (status == PAWL_OK) status = pawl_sqlite_version(q->db, q->path, pawl_sqlite_steps_count, &version, err);
    if (status == PAWL_OK)
        status = pawl_sqlite_ask(q->db, q->path, "PRAGMA journal_mode = WAL", NULL, mode, sizeof mode, err);
    if (status == PAWL_OK && strcmp(mode, "wal") != 0)
        status = pawl_fail(err, PAWL_EIO, q->path, "put the store on a local disk",
                           "expected a file system that can have a write-ahead log, found journal mode %s", mode);
    if (status == PAWL_OK) status = exec(q, after, err);
    if (status == PAWL_OK)
        status = pawl_sqlite_migrate(q->db, q->path, pawl_sqlite_steps, (int)version, pawl_sqlite_steps_count,
                                     pawl_sqlite_needs, err);
    return status;
}

/* A kind is kept as a number; which one is said in the file, so that pawl's own numbers may change. */
static int read_kinds(struct pawl_sqlite *q, struct pawl_error *err)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(q->db, "SELECT n, name FROM kind", -1, &st, NULL);
    if (rc == SQLITE_OK)
        while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
            const int64_t n = sqlite3_column_int64(st, 0);
            const enum pawl_kind kind = pawl_kind_of(pawl_str_of((const char *)sqlite3_column_text(st, 1)));
            if (n <= 0 || n >= PAWL_SQLITE_KINDS_MAX || kind == PAWL_KIND_NONE) continue; /* a newer pawl's */
            q->kinds[n] = kind;
            q->kind_numbers[kind] = (uint8_t)n;
        }
    const int status = rc == SQLITE_DONE ? PAWL_OK : pawl_sqlite_fail(q->db, q->path, err);
    sqlite3_finalize(st);
    return status;
}

static int add_kinds(struct pawl_sqlite *q, struct pawl_error *err)
{
    int status = PAWL_OK;
    for (int k = PAWL_KIND_NONE + 1; status == PAWL_OK && k < PAWL_KIND_COUNT; k++) {
        char sql[128];
        snprintf(sql, sizeof sql, "INSERT OR IGNORE INTO kind(name) VALUES('%s')", pawl_kind_name((enum pawl_kind)k));
        status = exec(q, sql, err);
    }
    if (status == PAWL_OK) status = read_kinds(q, err);
    for (int k = PAWL_KIND_NONE + 1; status == PAWL_OK && k < PAWL_KIND_COUNT; k++)
        if (q->kind_numbers[k] == 0) status = pawl_sqlite_corrupt(q, err, "the table of kinds is not whole");
    return status;
}

/* Who this opening is: the store's id, made with it, and the next instance. */
static int read_meta(struct pawl_sqlite *q, int64_t *instance, struct pawl_error *err)
{
    uint8_t id[16];
    char hex[33], sql[96], stored[33];
    if (getentropy(id, sizeof id) != 0)
        return pawl_fail(err, PAWL_EIO, q->path, "try again", "expected random bytes from the system: %s",
                         strerror(errno));
    pawl_hex(hex, id, sizeof id);
    snprintf(sql, sizeof sql, "INSERT OR IGNORE INTO meta(name, value) VALUES('id', x'%s')", hex);
    int status = exec(q, sql, err);
    if (status == PAWL_OK)
        status = exec(
            q, "INSERT INTO meta(name, value) VALUES('instance', 1) ON CONFLICT(name) DO UPDATE SET value = value + 1",
            err);
    if (status == PAWL_OK)
        status = pawl_sqlite_ask(q->db, q->path, "SELECT hex(value) FROM meta WHERE name = 'id'", NULL, stored,
                                 sizeof stored, err);
    if (status == PAWL_OK)
        status =
            pawl_sqlite_ask(q->db, q->path, "SELECT value FROM meta WHERE name = 'instance'", instance, NULL, 0, err);
    if (status == PAWL_OK && (!pawl_unhex(q->store.id, sizeof q->store.id, pawl_str_of(stored)) || *instance <= 0))
        status = pawl_sqlite_corrupt(q, err, "the store has lost its id");
    return status;
}

static int introduce(struct pawl_sqlite *q, struct pawl_error *err)
{
    int64_t instance = 0;
    int status = begin(q, err);
    if (status == PAWL_OK) status = add_kinds(q, err);
    if (status == PAWL_OK) status = read_meta(q, &instance, err);
    if (status == PAWL_OK)
        status = pawl_sqlite_ask(q->db, q->path, "SELECT ifnull(max(n), 0) + 1 FROM run", &q->next_run, NULL, 0, err);
    if (status == PAWL_OK)
        status =
            pawl_sqlite_ask(q->db, q->path, "SELECT ifnull(max(row), 0) + 1 FROM record", &q->next_row, NULL, 0, err);
    status = end(q, status, err);
    if (status == PAWL_OK) q->store.instance = (uint64_t)instance;
    return status;
}

static int open_db(struct pawl_sqlite *q, struct pawl_error *err)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int status = make_file(q->path, err);
    if (status != PAWL_OK) return status;
    int rc = pawl_sqlite_vfs_register(&q->vfs);
    if (rc == SQLITE_OK) {
        rc = sqlite3_open_v2(q->path, &q->db, flags, q->vfs.name);
        pawl_sqlite_vfs_unregister(&q->vfs);
    }
    if (rc != SQLITE_OK) return pawl_sqlite_fail(q->db, q->path, err);
    sqlite3_db_config(q->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    status = take_file(q, err);
    if (status == PAWL_OK) status = pawl_sqlite_prepare(q, err);
    return status == PAWL_OK ? introduce(q, err) : status;
}

int pawl_sqlite_open(const char *path, const struct pawl_alloc *from, struct pawl_store **out, struct pawl_error *err)
{
    struct pawl_sqlite *q = from->resize(from->ctx, NULL, 0, sizeof *q);
    if (q == NULL) return pawl_fail(err, PAWL_ENOMEM, path, "free some memory and try again", "no memory");
    *q = (struct pawl_sqlite){.known = {.from = from},
                              .store = {.commit = sqlite_commit,
                                        .claim = sqlite_claim,
                                        .read = pawl_sqlite_read,
                                        .list = pawl_sqlite_list,
                                        .find_key = pawl_sqlite_find_key,
                                        .find_claim = pawl_sqlite_find_claim,
                                        .blob = pawl_sqlite_blob,
                                        .shared = pawl_sqlite_shared,
                                        .next_wake = pawl_sqlite_next_wake,
                                        .rest = sqlite_rest,
                                        .close = sqlite_close},
                              .from = from,
                              .path_bytes = strlen(path) + 3};
    q->path = from->resize(from->ctx, NULL, 0, q->path_bytes);
    if (q->path == NULL) {
        from->resize(from->ctx, q, sizeof *q, 0);
        return pawl_fail(err, PAWL_ENOMEM, path, "free some memory and try again", "no memory");
    }
    /* SQLite takes some names for something else: "", ":memory:". Behind a folder they are files. */
    snprintf(q->path, q->path_bytes, "%s%s", path[0] == '/' ? "" : "./", path);
    const int status = open_db(q, err);
    if (status != PAWL_OK) {
        sqlite_close(&q->store);
        return status;
    }
    *out = &q->store;
    return PAWL_OK;
}
