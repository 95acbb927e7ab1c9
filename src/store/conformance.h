/* src/store/conformance.h - one conformance test for every store, through the vtable alone. For x_test.c only: headers
 * with code in them, like base/test.h, so that no library carries it.
 *
 * A test fills in `struct conformance` and calls conformance_all. Each case gets an empty store of its own; after it
 * every run that is left must have an unbroken chain that ends at its head, and be the same under the next instance.
 * conformance_twins plays one random story to two stores and compares every answer: the memory store is the model that
 * the others are held to. */
#pragma once
#include "store/conformance_commit.h"
#include "store/conformance_kit.h"
#include "store/conformance_read.h"

struct conformance {
    struct pawl_store *(*fresh)(void *ctx); /* an empty store */
    struct pawl_store *(*again)(void *ctx,
                                struct pawl_store *s); /* closes s; what it held, opened as the next instance */
    void *ctx;
    const struct pawl_alloc *from;
};

enum { LISTED_MAX = 512 };
struct listed {
    struct pawl_head heads[LISTED_MAX];
    struct pawl_run_records runs[LISTED_MAX];
    uint32_t count;
};

/* All that a store holds, its chains checked. */
static inline void look(struct pawl_store *s, struct pawl_arena *a, struct listed *out)
{
    CHECK_INT(s->list(s, &(struct pawl_list_query){.max = LISTED_MAX}, a, out->heads, &out->count, NULL), PAWL_OK);
    const struct pawl_list_query stuck = {.max = LISTED_MAX, .stuck = PAWL_STUCK};
    struct pawl_head *found = pawl_arena_get(a, LISTED_MAX * sizeof *found);
    uint32_t found_count = 0, n = 0;
    CHECK_INT(s->list(s, &stuck, a, found, &found_count, NULL), PAWL_OK);
    for (uint32_t i = 0; i < out->count; i++) {
        const struct pawl_head *h = &out->heads[i];
        if (h->status >= PAWL_DONE || (PAWL_STUCK >> h->waiting & 1) == 0) continue;
        if (CHECK(n < found_count)) same_head(&found[n], h);
        n++;
    }
    CHECK_INT(n, found_count);
    for (uint32_t i = 0; i < out->count; i++) {
        struct pawl_run_records *r = &out->runs[i];
        struct pawl_hash last;
        struct pawl_error err = {0};
        CHECK_INT(s->read(s, out->heads[i].run, 0, a, r, &err), PAWL_OK);
        CHECK_INT(pawl_chain_check(r->records, r->count, &last, &err), PAWL_OK);
        CHECK_INT(r->count, r->head.seq);
        CHECK(memcmp(last.b, r->head.hash.b, sizeof last.b) == 0);
        CHECK(i == 0 || memcmp(out->heads[i - 1].run.b, r->head.run.b, sizeof r->head.run.b) > 0);
    }
}

static inline void same_rows(const struct listed *got, const struct listed *want)
{
    if (!CHECK_INT(got->count, want->count)) return;
    for (uint32_t i = 0; i < got->count; i++) {
        const struct pawl_run_records *g = &got->runs[i], *w = &want->runs[i];
        same_head(&g->head, &w->head);
        same_head(&got->heads[i], &w->head);
        if (!CHECK_INT(g->count, w->count)) continue;
        for (uint32_t k = 0; k < g->count; k++) same_record(&g->records[k], &w->records[k]);
    }
}

static inline void conformance_all(const struct conformance *c)
{
    static void (*const cases[])(struct pawl_store *, struct pawl_arena *) = {
        case_every_field, case_every_kind, case_read,       case_fencing,   case_seq_before,
        case_create,      case_batch,      case_claims,     case_claim_due, case_claim_one,
        case_next_wake,   case_list,       case_big_bodies, case_blobs,     case_shared,
    };
    static struct listed before, after;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pawl_store *s = c->fresh(c->ctx);
        struct pawl_arena a;
        pawl_arena_init(&a, c->from);
        if (CHECK(s != NULL)) {
            const uint64_t instance = s->instance;
            uint8_t id[16];
            memcpy(id, s->id, sizeof id);
            cases[i](s, &a);
            look(s, &a, &before);
            s = c->again(c->ctx, s);
            CHECK(s->instance > instance);
            CHECK(memcmp(s->id, id, sizeof id) == 0);
            look(s, &a, &after);
            same_rows(&after, &before);
            s->close(s);
        }
        pawl_arena_fini(&a);
    }
}

/* ---- twins: closes the model too ---- */

enum { TWIN_RUNS = 40, TWIN_KEYS = 12 };
struct twins {
    struct pawl_store *a, *b;
    struct pawl_arena mem;
    struct pawl_prng r;
    struct pawl_head heads[TWIN_RUNS]; /* as the story believes them; not always rightly */
    uint64_t results[32];              /* how often which came, by -code */
};

static inline uint32_t pick(struct twins *t, uint32_t bound)
{
    return (uint32_t)pawl_prng_below(&t->r, bound);
}

static inline int64_t pick_wake(struct twins *t)
{
    return pick(t, 4) == 0 ? PAWL_NEVER : pick(t, 3) == 0 ? 0 : T0 + pick(t, 50);
}

static inline struct pawl_claim_op pick_claim(struct twins *t, struct pawl_id run)
{
    char key[8];
    snprintf(key, sizeof key, "%u", pick(t, TWIN_KEYS));
    struct pawl_claim_op op = {.op = pick(t, 3),
                               .claim = {.key = hash_of(key),
                                         .args = hash_of("{}"),
                                         .run = run,
                                         .step = 1 + pick(t, 2),
                                         .turn = pick(t, 5),
                                         .state = 1 + pick(t, 4),
                                         .until_ns = pick_wake(t)}};
    if (pick(t, 3) == 0) {
        op.instead_run = id_of(pick(t, TWIN_RUNS));
        op.instead_step = 1 + pick(t, 2);
    }
    return op;
}

static inline void pick_shared(struct twins *t, struct pawl_commit *c)
{
    struct pawl_shared_op *ops = pawl_arena_zeroed(&t->mem, 3 * sizeof *ops);
    c->shared = ops;
    c->shared_count = pick(t, 4) == 0 ? 1 + pick(t, 3) : 0;
    for (uint32_t i = 0; i < c->shared_count; i++) {
        char text[16];
        snprintf(text, sizeof text, "common %u", pick(t, 5));
        ops[i].name = pawl_str_copy(&t->mem, pawl_str_of(text));
        ops[i].add = (int64_t)pick(t, 100) - 50;
        if (pick(t, 2)) ops[i].body = big_text(&t->mem, 8 + pick(t, 40), pick(t, 3));
        ops[i].drop = pick(t, 6) == 0;
    }
}

/* One commit of the story, with its memory in t->mem: mostly right, now and then a create of what is there, an epoch
 * or a seq that is not. */
static inline struct pawl_commit pick_commit(struct twins *t)
{
    static const enum pawl_status statuses[] = {PAWL_RUNNING, PAWL_WAITING, PAWL_ENDING, PAWL_DONE, PAWL_DEAD};
    const uint32_t n = pick(t, TWIN_RUNS), records_count = pick(t, 4);
    const struct pawl_head *was = &t->heads[n];
    const bool create = was->epoch == 0 || pick(t, 20) == 0;
    struct pawl_record *records = pawl_arena_get(&t->mem, 4 * sizeof *records);
    struct pawl_claim_op *ops = pawl_arena_get(&t->mem, 4 * sizeof *ops);
    struct pawl_commit c = {.create = create, .records = records, .claims = ops};
    char text[32];

    c.head = *was;
    if (create) {
        c.head = (struct pawl_head){
            .run = id_of(n), .agent = PAWL_STR("twin"), .epoch = 1, .created_ns = T0, .updated_ns = T0};
        if (pick(t, 2)) {
            snprintf(text, sizeof text, "key %u", pick(t, TWIN_RUNS));
            c.head.key = pawl_str_copy(&t->mem, pawl_str_of(text));
        }
        if (pick(t, 3) == 0) {
            snprintf(text, sizeof text, "request %u", pick(t, TWIN_RUNS));
            c.request = pawl_str_copy(&t->mem, pawl_str_of(text));
        }
    } else if (pick(t, 15) == 0) {
        c.head.epoch += pick(t, 2) ? 1 : UINT64_MAX;
    } else if (pick(t, 15) == 0) {
        c.head.seq += 1000; /* not by a few: that could be right by now, with another hash before it */
    }
    c.head.status = statuses[pick(t, 5)];
    c.head.waiting = pick(t, PAWL_WAIT_STEP + 1);
    c.head.owner = pick(t, 3);
    c.head.wake_ns = pick_wake(t);
    c.head.active_ns += pick(t, 100);
    c.seq_before = c.head.seq;
    c.records_count = records_count + (create && records_count == 0);
    for (uint32_t i = 0; i < c.records_count; i++) {
        struct pawl_str body = big_text(&t->mem, pick(t, 10) == 0 ? 4000 + pick(t, 200) : 8 + pick(t, 80), pick(t, 3));
        records[i] = (struct pawl_record){.run = c.head.run,
                                          .seq = ++c.head.seq,
                                          .at_ns = ++c.head.updated_ns,
                                          .kind = 1 + pick(t, PAWL_KIND_COUNT - 1),
                                          .step = pick(t, 9),
                                          .body = body};
        if (pick(t, 6) == 0) { /* some of it is struck out */
            const struct pawl_str secret = PAWL_STR("a secret");
            const uint8_t salt[PAWL_SEAL_SALT] = {(uint8_t)pick(t, 256)};
            bool struck;
            CHECK_INT(pawl_seal(PAWL_STR("{\"told\":\"a secret\"}"), &secret, 1, salt, &t->mem, &records[i].body,
                                &records[i].full, &struck),
                      PAWL_OK);
        }
        pawl_prng_fill(&t->r, records[i].salt, sizeof records[i].salt);
        c.head.hash = records[i].hash = pawl_record_hash(&records[i], c.head.hash);
    }
    pick_shared(t, &c);
    c.claims_count = pick(t, 3) == 0 ? 1 + pick(t, 3) : 0;
    for (uint32_t i = 0; i < c.claims_count; i++) ops[i] = pick_claim(t, c.head.run);
    return c;
}

static inline void twins_commit(struct twins *t)
{
    enum { MOST = 6 };
    struct pawl_commit one[MOST], two[MOST], *ones[MOST], *twos[MOST];
    const uint32_t count = 1 + pick(t, MOST);
    for (uint32_t i = 0; i < count; i++) {
        one[i] = two[i] = pick_commit(t);
        ones[i] = &one[i];
        twos[i] = &two[i];
    }
    CHECK_INT(t->a->commit(t->a, ones, count, NULL), PAWL_OK);
    CHECK_INT(t->b->commit(t->b, twos, count, NULL), PAWL_OK);
    for (uint32_t i = 0; i < count; i++) {
        CHECK_INT(one[i].result, two[i].result);
        t->results[-one[i].result]++;
    }
}

/* What the story believes is read anew, so that most of it is right. */
static inline void twins_look(struct twins *t)
{
    for (uint32_t n = 0; n < TWIN_RUNS; n++) {
        struct pawl_run_records one, two;
        const int got = t->a->read(t->a, id_of(n), 0, &t->mem, &one, NULL);
        CHECK_INT(t->b->read(t->b, id_of(n), 0, &t->mem, &two, NULL), got);
        memset(&t->heads[n], 0, sizeof t->heads[n]);
        if (got != PAWL_OK) continue;
        same_head(&two.head, &one.head);
        t->heads[n] = one.head;
        t->heads[n].agent = t->heads[n].key = (struct pawl_str){NULL, 0}; /* lent; and no commit changes them */
    }
    for (uint32_t k = 0; k < TWIN_KEYS; k++) {
        struct pawl_claim one, two;
        char key[8];
        snprintf(key, sizeof key, "%u", k);
        const int got = t->a->find_claim(t->a, hash_of(key), &one, NULL);
        CHECK_INT(t->b->find_claim(t->b, hash_of(key), &two, NULL), got);
        if (got == PAWL_OK) same_claim(&two, &one);
    }
}

static inline void twins_shared(struct twins *t)
{
    struct pawl_shared *one, *two;
    uint32_t ones, twos;
    CHECK_INT(t->a->shared(t->a, &t->mem, &one, &ones, NULL), PAWL_OK);
    CHECK_INT(t->b->shared(t->b, &t->mem, &two, &twos, NULL), PAWL_OK);
    if (!CHECK_INT(twos, ones)) return;
    for (uint32_t i = 0; i < ones; i++) same_shared(&two[i], &one[i]);
}

static inline void twins_claim(struct twins *t)
{
    struct claimed one, two;
    const struct pawl_claim_query q = {.one = pick(t, 4) == 0,
                                       .run = id_of(pick(t, TWIN_RUNS)),
                                       .due_ns = T0 + pick(t, 60),
                                       .max = pick(t, 6)};
    int64_t wake_one, wake_two;
    const int got = t->a->claim(t->a, &q, &t->mem, one.runs, &one.count, NULL);
    CHECK_INT(t->b->claim(t->b, &q, &t->mem, two.runs, &two.count, NULL), got);
    if (CHECK_INT(two.count, one.count))
        for (uint32_t i = 0; i < one.count; i++) {
            same_head(&two.runs[i].head, &one.runs[i].head);
            CHECK_INT(two.runs[i].count, one.runs[i].count);
        }
    CHECK_INT(t->a->next_wake(t->a, &wake_one, NULL), PAWL_OK);
    CHECK_INT(t->b->next_wake(t->b, &wake_two, NULL), PAWL_OK);
    CHECK_INT(wake_two, wake_one);
}

static inline void conformance_twins(const struct conformance *c, struct pawl_store *model, uint64_t seed,
                                     uint32_t turns)
{
    static struct listed rows, model_rows;
    struct twins t = {.a = model, .b = c->fresh(c->ctx)};
    pawl_arena_init(&t.mem, c->from);
    pawl_prng_seed(&t.r, seed);
    CHECK_INT(t.a->instance, t.b->instance);
    for (uint32_t i = 0; i < turns; i++) {
        if (i % 4 == 0) twins_look(&t);
        if (i % 4 == 1) twins_shared(&t);
        if (pick(&t, 5) == 0) twins_claim(&t);
        else twins_commit(&t);
        pawl_arena_reset(&t.mem);
    }
    CHECK(t.results[0] > turns / 4); /* the story must tell of all there is */
    CHECK(t.results[-PAWL_ECONFLICT] > turns / 100);
    CHECK(t.results[-PAWL_EFENCED] > turns / 100);
    look(t.a, &t.mem, &model_rows);
    look(t.b, &t.mem, &rows);
    same_rows(&rows, &model_rows);
    t.a->close(t.a);
    t.b->close(t.b);
    pawl_arena_fini(&t.mem);
}
