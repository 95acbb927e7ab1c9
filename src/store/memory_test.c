/* src/store/memory_test.c - the memory store under the conformance test, two doors at once, and every failed allocation. */
#include "store/conformance.h"

static struct pawl_store *fresh(void *ctx)
{
    static const uint8_t id[16] = {7, 1};
    struct pawl_store *s = NULL;
    CHECK_INT(pawl_memory_open(id, ctx, &s), PAWL_OK);
    return s;
}

static struct pawl_store *again(void *ctx, struct pawl_store *s)
{
    struct pawl_store *next = NULL;
    (void)ctx;
    CHECK_INT(pawl_memory_again(s, &next), PAWL_OK);
    s->close(s);
    return next;
}

/* A paused owner and its successor, both alive. */
static void test_two_doors(const struct pawl_alloc *from)
{
    struct pawl_store *first = fresh((void *)(uintptr_t)from), *second;
    struct pawl_arena a;
    struct told t;
    struct claimed c;
    pawl_arena_init(&a, from);
    CHECK_INT(pawl_memory_again(first, &second), PAWL_OK);
    CHECK_INT(first->instance, 1);
    CHECK_INT(second->instance, 2);
    t = put_parked(first, 1, PAWL_RUNNING, 1, 0);
    claim_due(first, T0, CLAIMED_MAX, &a, &c);
    CHECK_INT(c.count, 0); /* its own, live */
    claim_due(second, T0, CLAIMED_MAX, &a, &c);
    ARE(&c, 1);
    tell(&t, PAWL_NOTE, 0, 0, PAWL_STR("{}"));
    CHECK_INT(put(first, &t), PAWL_EFENCED);
    claim_due(first, T0, CLAIMED_MAX, &a, &c); /* and back */
    ARE(&c, 1);
    CHECK_INT(c.runs[0].head.epoch, 3);
    CHECK_INT(c.runs[0].head.claims_without_progress, 2);
    first->close(first);
    CHECK_INT(head_in(second, id_of(1), &a).owner, 1);
    second->close(second);
    pawl_arena_fini(&a);
}

/* A batch that runs out of memory has changed nothing, and goes through when it is tried again. */
static void story(struct test_alloc *t, struct test_alloc *caller)
{
    static struct listed before, after;
    struct pawl_store *s;
    struct pawl_arena a;
    struct told told_of[3];
    struct pawl_commit *batch[3];
    struct pawl_claim held;
    const struct pawl_blob blob = {hash_of("a blob"), PAWL_STR("a blob")};
    struct pawl_claim_op ops[3] = {
        {.op = PAWL_CLAIM_DROP, .claim = {.key = hash_of("k"), .run = id_of(1), .step = 1}},
        {.op = PAWL_CLAIM_TAKE, .claim = {.key = hash_of("k"), .run = id_of(1), .step = 2}},
        {.op = PAWL_CLAIM_TAKE, .claim = {.key = hash_of("m"), .run = id_of(1), .step = 2}},
    };
    const uint32_t fail_at = t->fail_at;

    t->fail_at = 0;
    s = fresh(&t->alloc);
    pawl_arena_init(&a, &caller->alloc);
    tell_new(&told_of[0], 1, "k1");
    told_of[0].commit.claims = &(struct pawl_claim_op){.op = PAWL_CLAIM_TAKE, .claim = ops[0].claim};
    told_of[0].commit.claims_count = 1;
    CHECK_INT(put(s, &told_of[0]), PAWL_OK);
    look(s, &a, &before);
    t->requests = 0;
    t->fail_at = fail_at;

    tell(&told_of[0], PAWL_NOTE, 0, 0, big_text(&a, 100000, 1));
    told_of[0].head.wake_ns = T0;
    told_of[0].commit.claims = ops;
    told_of[0].commit.claims_count = 3;
    tell_new(&told_of[1], 2, "k2");
    told_of[1].commit.request = PAWL_STR("r2");
    told_of[1].commit.blobs = &blob;
    told_of[1].commit.blobs_count = 1;
    tell_new(&told_of[2], 3, "a key that is a good deal longer than the others, so that it needs memory of its own");
    for (int i = 0; i < 3; i++) batch[i] = told(&told_of[i]);
    if (s->commit(s, batch, 3, NULL) != PAWL_OK) {
        int64_t wake_ns;
        CHECK(t->failed);
        look(s, &a, &after);
        same_rows(&after, &before);
        CHECK_INT(s->find_claim(s, ops[0].claim.key, &held, NULL), PAWL_OK);
        CHECK_INT(held.step, 1);
        CHECK_INT(s->find_claim(s, ops[2].claim.key, &held, NULL), PAWL_ENOTFOUND);
        CHECK_INT(s->find_key(s, PAWL_STR("k2"), (struct pawl_str){NULL, 0}, &held.run, NULL), PAWL_ENOTFOUND);
        CHECK_INT(s->next_wake(s, &wake_ns, NULL), PAWL_OK);
        CHECK(wake_ns == PAWL_NEVER);
        CHECK_INT(s->commit(s, batch, 3, NULL), PAWL_OK);
    }
    for (int i = 0; i < 3; i++) CHECK_INT(batch[i]->result, PAWL_OK);
    look(s, &a, &after);
    CHECK_INT(after.count, 3);
    CHECK_INT(s->find_claim(s, ops[1].claim.key, &held, NULL), PAWL_OK);
    CHECK_INT(held.step, 2);
    s->close(s);
    pawl_arena_fini(&a);
}

/* The caller's memory runs out: a claim that cannot be handed over is none. */
static void test_poor_caller(void)
{
    struct test_alloc rich, poor;
    test_alloc_init(&rich, 0);
    EVERY_FAILED_ALLOCATION(poor) {
        struct pawl_store *s = fresh(&rich.alloc);
        struct pawl_arena a, rest;
        struct claimed c = {.count = 9};
        pawl_arena_init(&a, &poor.alloc);
        pawl_arena_init(&rest, &rich.alloc);
        put_parked(s, 1, PAWL_RUNNING, 9, 0);
        put_parked(s, 2, PAWL_RUNNING, 9, 0);
        const int got = s->claim(s, &(struct pawl_claim_query){.due_ns = T0, .max = 9}, &a, c.runs, &c.count, NULL);
        CHECK_INT(got, poor.failed ? PAWL_ENOMEM : PAWL_OK);
        CHECK_INT(c.count, poor.failed ? 0 : 2);
        CHECK_INT(head_in(s, id_of(1), &rest).epoch, poor.failed ? 1 : 2);
        s->close(s);
        pawl_arena_fini(&a);
        pawl_arena_fini(&rest);
    }
    CHECK_INT(rich.out_bytes, 0);
}

int main(void)
{
    struct test_alloc t, caller;
    test_alloc_init(&t, 0);
    const struct conformance c = {fresh, again, &t.alloc, &t.alloc};
    conformance_all(&c);
    conformance_twins(&c, fresh(&t.alloc), 1, 50);
    test_two_doors(&t.alloc);
    test_poor_caller();
    test_alloc_init(&caller, 0);
    EVERY_FAILED_ALLOCATION(t) {
        story(&t, &caller);
    }
    CHECK_INT(caller.out_bytes, 0);
    EVERY_FAILED_ALLOCATION(t) {
        struct pawl_store *s = NULL, *other = NULL;
        if (pawl_memory_open((const uint8_t[16]){1}, &t.alloc, &s) == PAWL_OK) {
            if (pawl_memory_again(s, &other) == PAWL_OK) other->close(other);
            s->close(s);
        }
    }
    return TEST_END();
}
