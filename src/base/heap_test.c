/* src/base/heap_test.c - order, equal times, moving, dropping; against a plain list; and without memory. */
#include "base/heap.h"
#include "base/error.h"
#include "base/prng.h"
#include "base/test.h"

static void equal_times_keep_their_order(const struct pawl_alloc *from)
{
    struct pawl_heap h;
    struct pawl_heap_node n[40] = {{0}};
    pawl_heap_init(&h, from);
    CHECK(pawl_heap_first(&h) == NULL);
    for (int i = 0; i < 40; i++) CHECK_INT(pawl_heap_set(&h, n + i, i % 4), PAWL_OK);
    for (int due = 0; due < 4; due++)
        for (int i = due; i < 40; i += 4) {
            CHECK(pawl_heap_first(&h) == n + i);
            pawl_heap_drop(&h, n + i);
            CHECK_INT(n[i].at, 0);
        }
    CHECK(pawl_heap_first(&h) == NULL);
    pawl_heap_drop(&h, n); /* not in it */
    pawl_heap_fini(&h);
}

static void setting_again_moves(const struct pawl_alloc *from)
{
    struct pawl_heap h;
    struct pawl_heap_node a = {0}, b = {0}, c = {0};
    pawl_heap_init(&h, from);
    pawl_heap_set(&h, &a, 10), pawl_heap_set(&h, &b, 20), pawl_heap_set(&h, &c, 30);
    pawl_heap_set(&h, &a, 40);
    CHECK(pawl_heap_first(&h) == &b);
    pawl_heap_set(&h, &c, INT64_MIN);
    CHECK(pawl_heap_first(&h) == &c);
    pawl_heap_set(&h, &c, 20); /* b was set to 20 first */
    CHECK(pawl_heap_first(&h) == &b);
    pawl_heap_set(&h, &b, 20); /* and now last */
    CHECK(pawl_heap_first(&h) == &c);
    CHECK_INT(h.count, 3);
    pawl_heap_fini(&h);
    CHECK(a.at == 0 && b.at == 0 && c.at == 0);
    pawl_heap_fini(&h);
    pawl_heap_fini(&(struct pawl_heap){0});
    pawl_heap_fini(NULL);
}

/* The first by looking at all of them. */
static struct pawl_heap_node *slowly(struct pawl_heap_node *n, int count)
{
    struct pawl_heap_node *best = NULL;
    for (int i = 0; i < count; i++) {
        if (n[i].at == 0) continue;
        if (!best || n[i].due_ns < best->due_ns || (n[i].due_ns == best->due_ns && n[i].order < best->order))
            best = n + i;
    }
    return best;
}

static void against_a_list(const struct pawl_alloc *from)
{
    enum { NODES = 200, CALLS = 20000 };
    static struct pawl_heap_node n[NODES];
    struct pawl_heap h;
    struct pawl_prng r;
    int wrong = 0;
    pawl_prng_seed(&r, 3);
    pawl_heap_init(&h, from);
    for (int i = 0; i < CALLS; i++) {
        struct pawl_heap_node *one = n + pawl_prng_below(&r, NODES);
        const uint64_t what = pawl_prng_below(&r, 3);
        if (what < 2 - (uint64_t)(i / 2000 % 2))
            wrong += pawl_heap_set(&h, one, (int64_t)pawl_prng_below(&r, 50)) != PAWL_OK;
        else if (what == 2 && pawl_heap_first(&h)) pawl_heap_drop(&h, pawl_heap_first(&h));
        else pawl_heap_drop(&h, one);
        wrong += pawl_heap_first(&h) != slowly(n, NODES);
        for (uint32_t k = 0; k < h.count; k++) wrong += h.nodes[k]->at != k + 1;
    }
    CHECK_INT(wrong, 0);
    pawl_heap_fini(&h);
}

int main(void)
{
    struct test_alloc t;
    test_alloc_init(&t, 0);
    equal_times_keep_their_order(&t.alloc);
    setting_again_moves(&t.alloc);
    against_a_list(&t.alloc);
    CHECK_INT(t.out_bytes, 0);
    EVERY_FAILED_ALLOCATION(t) {
        struct pawl_heap h;
        struct pawl_heap_node n[100] = {{0}};
        pawl_heap_init(&h, &t.alloc);
        uint32_t in = 0;
        for (int i = 0; i < 100; i++) {
            const int got = pawl_heap_set(&h, n + i, 100 - i);
            CHECK(got == PAWL_OK || (got == PAWL_ENOMEM && t.failed));
            CHECK((n[i].at != 0) == (got == PAWL_OK));
            in += got == PAWL_OK;
            CHECK_INT(h.count, in);
        }
        CHECK(in >= 99);
        CHECK(pawl_heap_first(&h) == (n[99].at ? n + 99 : n + 98));
        pawl_heap_fini(&h);
    }
    return TEST_END();
}
