/* src/journal/memory.c - the store that lives in memory: for the simulator, for tests, for runs nobody wants kept.
 *
 * All rows live in one arena until the last door is closed, since nothing in the interface removes a run. A commit is
 * judged first and then applied; whatever it changes is noted before, so that a batch that runs out of memory in the
 * middle is taken back whole. Taking back and dropping need no memory. */
#include "journal/rules.h"
#include <assert.h>
#include <string.h>
#include "base/heap.h"
#include "base/map.h"

struct node { /* a record as it is kept; newest first, as in the SQLite store */
    struct node *previous;
    struct pawl_record record;
};
struct row {
    struct pawl_head head;
    struct pawl_heap_node wake;
    struct row *older; /* the run with the next smaller id */
    uint64_t number;   /* in the order in which they came */
    struct node *last;
    struct pawl_str request;
};
struct held {
    struct pawl_claim claim;
    bool held;
    struct held *next_free;
};
struct common { /* a shared row; it stays in the map when it is dropped */
    struct pawl_shared row;
    bool there;
};
struct rows {
    const struct pawl_alloc *from;
    struct pawl_arena arena, scratch;
    struct pawl_map runs, keys, requests, claims, blobs, shared;
    struct pawl_heap wakes; /* every run is in it; PAWL_NEVER where nothing is to be woken */
    struct row *newest;
    struct held *free_held;
    uint64_t instances, created;
    uint32_t doors;
    uint8_t id[16];
};
struct memory {
    struct pawl_store store; /* first: a store is cast to it */
    struct rows *rows;
};

struct before { /* how one thing was before the batch changed it */
    struct row *row;
    struct held *held;
    bool created;
    struct pawl_head head;
    struct node *last;
    struct pawl_claim claim;
    bool was_held;
    struct common *common, common_was;
};
struct undo {
    struct before *list;
    uint32_t count;
};

static struct rows *rows_of(struct pawl_store *s)
{
    assert(s != NULL);
    return ((struct memory *)s)->rows;
}

static int no_memory(struct pawl_error *err)
{
    return pawl_fail(err, PAWL_ENOMEM, "memory store", "free some memory and try again", "no memory");
}

static struct row *row_of(const struct rows *m, struct pawl_id run)
{
    return pawl_map_get(&m->runs, run.b, sizeof run.b);
}

static int64_t wake_of(const struct pawl_head *h)
{
    return pawl_status_ended(h->status) || h->wake_ns == 0 ? PAWL_NEVER : h->wake_ns;
}

/* Never without memory: the row's place in the heap is taken when it is made. */
static void rewake(struct rows *m, struct row *row)
{
    const int moved = pawl_heap_set(&m->wakes, &row->wake, wake_of(&row->head));
    assert(moved == PAWL_OK);
    (void)moved;
}

static bool keep(struct pawl_arena *a, struct pawl_str from, struct pawl_str *to)
{
    to->p = from.p == NULL ? NULL : pawl_arena_copy(a, from.p, from.n);
    to->n = from.n;
    return from.p == NULL || to->p != NULL;
}

/* ---- commit ---- */

static int find_held(void *ctx, struct pawl_hash key, struct pawl_claim *out)
{
    const struct rows *m = ctx;
    const struct held *h = pawl_map_get(&m->claims, key.b, sizeof key.b);
    if (h == NULL || !h->held) return PAWL_ENOTFOUND;
    *out = h->claim;
    return PAWL_OK;
}

static int judge(struct rows *m, const struct pawl_commit *c)
{
    const struct row *row = row_of(m, c->head.run);
    if (c->no_run) return PAWL_OK;
    if (c->create) {
        if (row != NULL) return PAWL_ECONFLICT;
        if (c->head.key.p != NULL && pawl_map_get(&m->keys, c->head.key.p, c->head.key.n)) return PAWL_ECONFLICT;
        if (c->request.p != NULL && pawl_map_get(&m->requests, c->request.p, c->request.n)) return PAWL_ECONFLICT;
    } else {
        if (row == NULL) return PAWL_ENOTFOUND;
        if (row->head.epoch != c->head.epoch || row->head.seq != c->seq_before) return PAWL_EFENCED;
    }
    return pawl_claims_check(c->claims, c->claims_count, find_held, m);
}

static struct row *create(struct rows *m, const struct pawl_commit *c, struct before *b)
{
    struct row *row = pawl_arena_zeroed(&m->arena, sizeof *row), **at = &m->newest;
    if (row == NULL) return NULL;
    row->head.run = c->head.run;
    row->number = ++m->created;
    if (!keep(&m->arena, c->head.agent, &row->head.agent) || !keep(&m->arena, c->head.key, &row->head.key) ||
        !keep(&m->arena, c->request, &row->request))
        return NULL;
    while (*at != NULL && memcmp((*at)->head.run.b, row->head.run.b, sizeof row->head.run.b) > 0) at = &(*at)->older;
    row->older = *at;
    *at = row;
    *b = (struct before){.row = row, .created = true}; /* from here on it is taken back with the batch */
    if (pawl_map_put(&m->runs, row->head.run.b, sizeof row->head.run.b, row) != PAWL_OK) return NULL;
    if (row->head.key.p && pawl_map_put(&m->keys, row->head.key.p, row->head.key.n, row) != PAWL_OK) return NULL;
    if (row->request.p && pawl_map_put(&m->requests, row->request.p, row->request.n, row) != PAWL_OK) return NULL;
    if (pawl_heap_set(&m->wakes, &row->wake, PAWL_NEVER) != PAWL_OK) return NULL;
    return row;
}

static void set_head(struct rows *m, struct row *row, const struct pawl_head *h)
{
    const struct pawl_str agent = row->head.agent, key = row->head.key;
    const uint32_t deaths = row->head.deaths;
    row->head = *h;
    row->head.deaths = deaths;
    row->head.agent = agent;
    row->head.key = key;
    rewake(m, row);
}

static bool append(struct rows *m, struct row *row, const struct pawl_record *r)
{
    struct node *n = pawl_arena_get(&m->arena, sizeof *n);
    if (n == NULL) return false;
    *n = (struct node){.previous = row->last, .record = *r};
    if (!keep(&m->arena, r->body, &n->record.body) || !keep(&m->arena, r->full, &n->record.full)) return false;
    row->last = n;
    return true;
}

static bool do_claim(struct rows *m, const struct pawl_claim_op *o, struct undo *u)
{
    struct held *h = pawl_map_get(&m->claims, o->claim.key.b, sizeof o->claim.key.b);
    if (h == NULL) {
        h = m->free_held;
        if (h != NULL) m->free_held = h->next_free;
        else h = pawl_arena_get(&m->arena, sizeof *h);
        if (h == NULL) return false;
        *h = (struct held){.claim = o->claim};
        if (pawl_map_put(&m->claims, o->claim.key.b, sizeof o->claim.key.b, h) != PAWL_OK) {
            h->next_free = m->free_held;
            m->free_held = h;
            return false;
        }
    }
    u->list[u->count++] = (struct before){.held = h, .claim = h->claim, .was_held = h->held};
    h->claim = o->claim;
    h->held = o->op != PAWL_CLAIM_DROP;
    return true;
}

static bool do_shared(struct rows *m, const struct pawl_shared_op *o, struct undo *u)
{
    struct common *c = pawl_map_get(&m->shared, o->name.p, o->name.n);
    struct pawl_str body = {NULL, 0};
    if (o->body.p != NULL && !keep(&m->arena, o->body, &body)) return false;
    if (c == NULL) {
        c = pawl_arena_zeroed(&m->arena, sizeof *c);
        if (c == NULL || !keep(&m->arena, o->name, &c->row.name)) return false;
        if (pawl_map_put(&m->shared, o->name.p, o->name.n, c) != PAWL_OK) return false;
    }
    u->list[u->count++] = (struct before){.common = c, .common_was = *c};
    if (!c->there || o->drop) c->row = (struct pawl_shared){.name = c->row.name};
    c->there = !o->drop;
    if (o->drop) return true;
    c->row.value += o->add;
    if (body.p != NULL) c->row.body = body;
    return true;
}

static bool keep_blob(struct rows *m, const struct pawl_blob *b)
{
    struct pawl_str *kept;
    if (pawl_map_get(&m->blobs, b->hash.b, sizeof b->hash.b) != NULL) return true;
    assert(pawl_blob_is_whole(b));
    kept = pawl_arena_get(&m->arena, sizeof *kept);
    if (kept == NULL || !keep(&m->arena, b->bytes, kept)) return false;
    return pawl_map_put(&m->blobs, b->hash.b, sizeof b->hash.b, kept) == PAWL_OK;
}

/* false: no memory; what was done till then is in `u`. Blobs are not: one too many is never seen. */
static bool apply(struct rows *m, const struct pawl_commit *c, struct undo *u)
{
    struct before *b = &u->list[u->count];
    struct row *row = NULL;
    *b = (struct before){0};
    if (c->no_run) {
        b = NULL;
    } else if (c->create) {
        row = create(m, c, b);
        u->count += b->row != NULL;
        if (row == NULL) return false;
    } else {
        row = row_of(m, c->head.run);
        *b = (struct before){.row = row, .head = row->head, .last = row->last};
        u->count++;
    }
    for (uint32_t i = 0; i < c->blobs_count; i++)
        if (!keep_blob(m, &c->blobs[i])) return false;
    for (uint32_t i = 0; i < c->records_count; i++)
        if (!append(m, row, &c->records[i])) return false;
    for (uint32_t i = 0; i < c->claims_count; i++)
        if (!do_claim(m, &c->claims[i], u)) return false;
    for (uint32_t i = 0; i < c->shared_count; i++)
        if (!do_shared(m, &c->shared[i], u)) return false;
    if (row != NULL) set_head(m, row, &c->head);
    return true;
}

static void take_back(struct rows *m, const struct before *b)
{
    struct row *row = b->row, **at = &m->newest;
    if (b->common != NULL) {
        *b->common = b->common_was;
    } else if (b->held != NULL) {
        b->held->claim = b->claim;
        b->held->held = b->was_held;
    } else if (!b->created) {
        row->head = b->head;
        row->last = b->last;
        rewake(m, row);
    } else {
        while (*at != row) at = &(*at)->older;
        *at = row->older;
        pawl_heap_drop(&m->wakes, &row->wake);
        pawl_map_take(&m->runs, row->head.run.b, sizeof row->head.run.b);
        if (row->head.key.p) pawl_map_take(&m->keys, row->head.key.p, row->head.key.n);
        if (row->request.p) pawl_map_take(&m->requests, row->request.p, row->request.n);
    }
}

/* Claims that are free when a batch is over leave the map, and their place is used again. */
static void sweep_claims(struct rows *m, const struct undo *u)
{
    for (uint32_t i = 0; i < u->count; i++) {
        struct held *h = u->list[i].held;
        if (h == NULL || h->held) continue;
        if (pawl_map_get(&m->claims, h->claim.key.b, sizeof h->claim.key.b) != h) continue; /* swept already */
        pawl_map_take(&m->claims, h->claim.key.b, sizeof h->claim.key.b);
        h->next_free = m->free_held;
        m->free_held = h;
    }
}

static int memory_commit(struct pawl_store *s, struct pawl_commit *const *commits, uint32_t count,
                         struct pawl_error *err)
{
    struct rows *m = rows_of(s);
    struct undo u = {0};
    size_t changes = 1;
    bool ok;

    for (uint32_t i = 0; i < count; i++) changes += 1 + (size_t)commits[i]->claims_count + commits[i]->shared_count;
    u.list = pawl_arena_get(&m->scratch, changes * sizeof *u.list);
    ok = u.list != NULL;
    for (uint32_t i = 0; ok && i < count; i++) {
        pawl_commit_assert(commits[i]);
        commits[i]->result = judge(m, commits[i]);
        if (commits[i]->result == PAWL_OK) ok = apply(m, commits[i], &u);
    }
    for (uint32_t i = u.count; !ok && i-- > 0;) take_back(m, &u.list[i]);
    sweep_claims(m, &u);
    pawl_arena_reset(&m->scratch);
    return ok ? PAWL_OK : no_memory(err);
}

/* ---- reading ---- */

static bool lend_head(const struct row *row, struct pawl_arena *a, struct pawl_head *out)
{
    *out = row->head;
    return keep(a, row->head.agent, &out->agent) && keep(a, row->head.key, &out->key);
}

static bool lend(const struct row *row, uint64_t from_seq, struct pawl_arena *a, struct pawl_run_records *out)
{
    const uint64_t first = from_seq == 0 ? 1 : from_seq, seq = row->head.seq;
    const struct node *n = row->last;
    *out = (struct pawl_run_records){0};
    if (!lend_head(row, a, &out->head)) return false;
    if (first > seq) return true;
    out->count = (uint32_t)(seq - first + 1);
    out->records = pawl_arena_get(a, out->count * sizeof *out->records);
    if (out->records == NULL) return false;
    for (uint32_t i = out->count; i-- > 0; n = n->previous) {
        out->records[i] = n->record;
        if (!keep(a, n->record.body, &out->records[i].body) || !keep(a, n->record.full, &out->records[i].full))
            return false;
    }
    return true;
}

static int memory_read(struct pawl_store *s, struct pawl_id run, uint64_t from_seq, struct pawl_arena *a,
                       struct pawl_run_records *out, struct pawl_error *err)
{
    const struct row *row = row_of(rows_of(s), run);
    char text[PAWL_ID_TEXT];
    if (row == NULL) {
        pawl_id_text(run, text);
        return pawl_fail(err, PAWL_ENOTFOUND, text, "pawl ls", "no such run");
    }
    return lend(row, from_seq, a, out) ? PAWL_OK : no_memory(err);
}

static bool due_before(const struct row *a, const struct row *b)
{
    if (a->head.wake_ns != b->head.wake_ns) return a->head.wake_ns < b->head.wake_ns;
    return a->number < b->number;
}

/* The earliest of those that are due, in order. */
static uint32_t pick_due(const struct rows *m, const struct pawl_claim_query *q, uint64_t instance, struct row **picked,
                         uint32_t room)
{
    uint32_t count = 0;
    for (struct row *row = m->newest; row != NULL; row = row->older) {
        const struct pawl_head *h = &row->head;
        uint32_t at = count;
        if (pawl_status_ended(h->status) || h->wake_ns > q->due_ns || (h->owner == instance && h->wake_ns == 0))
            continue;
        if (count < room) count++;
        else if (!due_before(row, picked[--at])) continue;
        for (; at > 0 && due_before(row, picked[at - 1]); at--) picked[at] = picked[at - 1];
        picked[at] = row;
    }
    return count;
}

static int memory_claim(struct pawl_store *s, const struct pawl_claim_query *q, struct pawl_arena *a,
                        struct pawl_run_records *out, uint32_t *count, struct pawl_error *err)
{
    struct rows *m = rows_of(s);
    const uint32_t room = q->one ? 1 : q->max < m->runs.count ? q->max : m->runs.count;
    struct row **picked = pawl_arena_get(a, (room + (size_t)1) * sizeof *picked);
    uint32_t n;

    *count = 0;
    if (picked == NULL) return no_memory(err);
    if (q->one) {
        picked[0] = row_of(m, q->run);
        n = picked[0] != NULL;
        if (n == 0) {
            char text[PAWL_ID_TEXT];
            pawl_id_text(q->run, text);
            return pawl_fail(err, PAWL_ENOTFOUND, text, "pawl ls", "no such run");
        }
    } else {
        n = room == 0 ? 0 : pick_due(m, q, s->instance, picked, room);
    }
    for (uint32_t i = 0; i < n; i++)
        if (!lend(picked[i], 0, a, &out[i])) return no_memory(err);
    for (uint32_t i = 0; i < n; i++) {
        struct pawl_head *h = &picked[i]->head;
        h->epoch++;
        if (h->owner != s->instance || h->wake_ns != 0) h->claims_without_progress++; /* in hand already: no new try */
        if (h->owner != s->instance && h->wake_ns == 0 && !pawl_status_ended(h->status)) h->deaths++;
        h->owner = s->instance;
        /* Live now: not due again for us, due at once for whoever comes after us. */
        if (!pawl_status_ended(h->status)) h->wake_ns = 0;
        out[i].head.epoch = h->epoch;
        out[i].head.claims_without_progress = h->claims_without_progress;
        out[i].head.deaths = h->deaths;
        out[i].head.owner = h->owner;
        out[i].head.wake_ns = h->wake_ns;
        rewake(m, picked[i]);
    }
    *count = n;
    return PAWL_OK;
}

static int memory_list(struct pawl_store *s, const struct pawl_list_query *q, struct pawl_arena *a,
                       struct pawl_head *out, uint32_t *count, struct pawl_error *err)
{
    static const struct pawl_id none;
    const bool all = pawl_id_eq(q->before, none);
    struct pawl_id low, high;

    assert((q->stuck & ~(uint32_t)PAWL_STUCK) == 0);
    *count = 0;
    if (!pawl_id_bounds(q->prefix, &low, &high)) return PAWL_OK;
    for (const struct row *row = rows_of(s)->newest; row != NULL && *count < q->max; row = row->older) {
        const struct pawl_head *h = &row->head;
        if (!all && memcmp(h->run.b, q->before.b, sizeof h->run.b) >= 0) continue;
        if (memcmp(h->run.b, low.b, sizeof low.b) < 0 || memcmp(h->run.b, high.b, sizeof high.b) > 0) continue;
        if (q->agent.p != NULL && !pawl_str_eq(q->agent, h->agent)) continue;
        if (q->statuses != 0 && (q->statuses >> h->status & 1U) == 0) continue;
        if (q->stuck != 0 && ((q->stuck >> h->waiting & 1U) == 0 || pawl_status_ended(h->status))) continue;
        if (!lend_head(row, a, &out[*count])) return no_memory(err);
        ++*count;
    }
    return PAWL_OK;
}

static int memory_find_key(struct pawl_store *s, struct pawl_str key, struct pawl_str request, struct pawl_id *run,
                           struct pawl_error *err)
{
    const struct rows *m = rows_of(s);
    const struct row *row = key.p != NULL       ? pawl_map_get(&m->keys, key.p, key.n)
                            : request.p != NULL ? pawl_map_get(&m->requests, request.p, request.n)
                                                : NULL;
    if (row == NULL) return pawl_fail(err, PAWL_ENOTFOUND, "memory store", "", "no run has this key");
    *run = row->head.run;
    return PAWL_OK;
}

static int memory_find_claim(struct pawl_store *s, struct pawl_hash key, struct pawl_claim *out, struct pawl_error *err)
{
    if (find_held(rows_of(s), key, out) == PAWL_OK) return PAWL_OK;
    return pawl_fail(err, PAWL_ENOTFOUND, "memory store", "", "nobody holds this claim");
}

static int memory_blob(struct pawl_store *s, struct pawl_hash hash, struct pawl_arena *a, struct pawl_str *out,
                       struct pawl_error *err)
{
    const struct pawl_str *kept = pawl_map_get(&rows_of(s)->blobs, hash.b, sizeof hash.b);
    if (kept == NULL) return pawl_fail(err, PAWL_ENOTFOUND, "memory store", "", "no such blob");
    return keep(a, *kept, out) ? PAWL_OK : no_memory(err);
}

static int by_name(const struct pawl_shared *a, const struct pawl_shared *b)
{
    const uint32_t n = a->name.n < b->name.n ? a->name.n : b->name.n;
    const int order = memcmp(a->name.p, b->name.p, n);
    return order ? order : a->name.n < b->name.n ? -1 : 1;
}

static int memory_shared(struct pawl_store *s, struct pawl_arena *a, struct pawl_shared **out, uint32_t *count,
                         struct pawl_error *err)
{
    const struct rows *m = rows_of(s);
    struct pawl_shared *list = pawl_arena_get(a, (m->shared.count + (size_t)1) * sizeof *list), row;
    struct pawl_map_entry *e;
    uint32_t at;
    *count = 0;
    if (list == NULL) return no_memory(err);
    for (uint32_t i = 0; (e = pawl_map_next(&m->shared, &i)) != NULL;) {
        const struct common *c = e->value;
        if (!c->there) continue;
        row = c->row;
        if (!keep(a, c->row.name, &row.name) || !keep(a, c->row.body, &row.body)) return no_memory(err);
        for (at = (*count)++; at > 0 && by_name(&row, &list[at - 1]) < 0; at--) list[at] = list[at - 1];
        list[at] = row;
    }
    *out = list;
    return PAWL_OK;
}

static int memory_next_wake(struct pawl_store *s, int64_t *wall_ns, struct pawl_error *err)
{
    const struct pawl_heap_node *first = pawl_heap_first(&rows_of(s)->wakes);
    (void)err;
    *wall_ns = first == NULL ? PAWL_NEVER : first->due_ns;
    return PAWL_OK;
}

/* ---- opening and closing ---- */

static void memory_rest(struct pawl_store *s)
{
    (void)s; /* all that it has is its rows */
}

static void memory_close(struct pawl_store *s)
{
    struct rows *m = rows_of(s);
    const struct pawl_alloc *from = m->from;
    from->resize(from->ctx, s, sizeof(struct memory), 0);
    if (--m->doors > 0) return;
    pawl_heap_fini(&m->wakes);
    pawl_map_fini(&m->runs);
    pawl_map_fini(&m->keys);
    pawl_map_fini(&m->requests);
    pawl_map_fini(&m->claims);
    pawl_map_fini(&m->blobs);
    pawl_map_fini(&m->shared);
    pawl_arena_fini(&m->scratch);
    pawl_arena_fini(&m->arena);
    from->resize(from->ctx, m, sizeof *m, 0);
}

static int open_door(struct rows *m, struct pawl_store **out)
{
    struct memory *door = m->from->resize(m->from->ctx, NULL, 0, sizeof *door);
    if (door == NULL) return PAWL_ENOMEM;
    *door = (struct memory){.store = {.instance = ++m->instances,
                                      .commit = memory_commit,
                                      .claim = memory_claim,
                                      .read = memory_read,
                                      .list = memory_list,
                                      .find_key = memory_find_key,
                                      .find_claim = memory_find_claim,
                                      .blob = memory_blob,
                                      .shared = memory_shared,
                                      .next_wake = memory_next_wake,
                                      .rest = memory_rest,
                                      .close = memory_close},
                            .rows = m};
    memcpy(door->store.id, m->id, sizeof m->id);
    m->doors++;
    *out = &door->store;
    return PAWL_OK;
}

int pawl_memory_open(const uint8_t id[16], const struct pawl_alloc *from, struct pawl_store **out)
{
    struct rows *m = from->resize(from->ctx, NULL, 0, sizeof *m);
    if (m == NULL) return PAWL_ENOMEM;
    *m = (struct rows){.from = from};
    memcpy(m->id, id, sizeof m->id);
    pawl_arena_init(&m->arena, from);
    pawl_arena_init(&m->scratch, from);
    pawl_map_init(&m->runs, from);
    pawl_map_init(&m->keys, from);
    pawl_map_init(&m->requests, from);
    pawl_map_init(&m->claims, from);
    pawl_map_init(&m->blobs, from);
    pawl_map_init(&m->shared, from);
    pawl_heap_init(&m->wakes, from);
    if (open_door(m, out) == PAWL_OK) return PAWL_OK;
    from->resize(from->ctx, m, sizeof *m, 0);
    return PAWL_ENOMEM;
}

int pawl_memory_again(struct pawl_store *s, struct pawl_store **out)
{
    assert(s->close == memory_close);
    return open_door(rows_of(s), out);
}
