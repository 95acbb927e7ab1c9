/* src/base/alloc_test.c - the arena: alignment, what reset keeps, sizes nobody has, failures. */
#include "base/alloc.h"
#include "base/prng.h"
#include "base/test.h"

static void story(const struct test_alloc *t)
{
    struct pawl_arena a;
    pawl_arena_init(&a, &t->alloc);
    CHECK_INT(t->out_bytes, 0); /* nothing until something is asked for */
    char *one = pawl_arena_copy(&a, "one", 3);
    CHECK_TEXT(one, "one");
    CHECK_TEXT(pawl_arena_copy(&a, NULL, 0), "");
    CHECK_INT(a.used_bytes, 5);
    void *nothing = pawl_arena_get(&a, 0);
    CHECK(nothing && nothing != pawl_arena_get(&a, 0)); /* no bytes, but a place of its own */
    unsigned char *zeroed = pawl_arena_zeroed(&a, 5000);
    int sum = 0;
    for (int i = 0; i < 5000; i++) sum += zeroed[i];
    CHECK_INT(sum, 0);
    CHECK_TEXT(one, "one");
    const size_t out = t->out_bytes;
    for (int i = 0; i < 10; i++) pawl_arena_get(&a, 16); /* fits beside: the large one did not close the first block */
    CHECK_INT(t->out_bytes, out);
    pawl_arena_reset(&a);
    CHECK_INT(a.used_bytes, 0);
    CHECK(t->out_bytes > 0 && t->out_bytes < out);
    const uint32_t requests = t->requests;
    for (int round = 0; round < 100; round++) {
        pawl_arena_get(&a, 500);
        pawl_arena_reset(&a);
    }
    CHECK_INT(t->requests, requests); /* the block that was kept is enough */
    pawl_arena_fini(&a);
    CHECK_INT(t->out_bytes, 0);
    CHECK(pawl_arena_get(&a, 1) != NULL); /* fini'd is empty and ready */
    pawl_arena_fini(&a);
    pawl_arena_fini(&a);
    pawl_arena_fini(&(struct pawl_arena){0});
    pawl_arena_fini(NULL);
}

/* What fits in the caller's memory costs nothing; what does not comes from the allocator, and only that goes back. */
static void on_the_callers(const struct test_alloc *t)
{
    _Alignas(16) char first[1024];
    struct pawl_arena a;
    const uint32_t requests = t->requests;
    pawl_arena_init_on(&a, &t->alloc, first, sizeof first);
    char *one = pawl_arena_copy(&a, "one", 3);
    CHECK(one >= first && one < first + sizeof first);
    for (int i = 0; i < 50; i++) pawl_arena_get(&a, 16);
    CHECK_INT(t->requests, requests);
    char *large = pawl_arena_zeroed(&a, 5000), *more = pawl_arena_get(&a, 500);
    CHECK(large && more && t->requests > requests);
    CHECK(large < first || large >= first + sizeof first);
    CHECK_TEXT(one, "one");
    pawl_arena_reset(&a);
    CHECK(pawl_arena_get(&a, 100) != NULL);
    pawl_arena_fini(&a);
    CHECK_INT(t->out_bytes, 0);
    pawl_arena_init_on(&a, &t->alloc, first, sizeof first);
    pawl_arena_get(&a, 100);
    pawl_arena_reset(&a);
    one = pawl_arena_get(&a, 100);
    CHECK(one >= first && one < first + sizeof first); /* kept over a reset */
    pawl_arena_fini(&a);
    CHECK_INT(t->out_bytes, 0);
}

/* Only what was handed out last grows where it stands, and only as far as its block goes. */
static void extends(const struct test_alloc *t)
{
    struct pawl_arena a;
    pawl_arena_init(&a, &t->alloc);
    char *one = pawl_arena_copy(&a, "one", 3), *two = pawl_arena_copy(&a, "two", 3);
    CHECK(!pawl_arena_extend(&a, one, 4, 20));
    CHECK(pawl_arena_extend(&a, two, 4, 16)); /* what it was rounded to */
    CHECK(pawl_arena_extend(&a, two, 16, 100));
    CHECK_INT(a.used_bytes, 104);
    memset(two, '2', 100);
    char *three = pawl_arena_copy(&a, "three", 5);
    CHECK(three >= two + 100);
    CHECK(!pawl_arena_extend(&a, three, 6, 64 * 1024));
    CHECK(!pawl_arena_extend(&a, three, 6, SIZE_MAX));
    CHECK_TEXT(three, "three");
    CHECK_TEXT(one, "one");
    pawl_arena_get(&a, 64 * 1024); /* in a block of its own, behind the first */
    CHECK(pawl_arena_extend(&a, three, 6, 32));
    pawl_arena_fini(&a);
    CHECK_INT(t->out_bytes, 0);
}

/* Many sizes: each aligned, none overlapping (each is filled with its own byte and looked at in the end). */
static void no_overlap(const struct pawl_alloc *from)
{
    enum { COUNT = 2000 };
    static unsigned char *p[COUNT];
    static size_t n[COUNT];
    struct pawl_arena a;
    struct pawl_prng r;
    int wrong = 0;
    size_t sum = 0;
    pawl_prng_seed(&r, 5);
    pawl_arena_init(&a, from);
    for (int i = 0; i < COUNT; i++) {
        n[i] = (size_t)pawl_prng_below(&r, pawl_prng_below(&r, 50) == 0 ? 100000 : 200);
        p[i] = pawl_arena_get(&a, n[i]);
        wrong += (uintptr_t)p[i] % 16 != 0;
        memset(p[i], i & 255, n[i]);
        sum += n[i];
    }
    for (int i = 0; i < COUNT; i++)
        for (size_t k = 0; k < n[i]; k++) wrong += p[i][k] != (i & 255);
    CHECK_INT(wrong, 0);
    CHECK_INT(a.used_bytes, sum);
    CHECK(!a.failed);
    pawl_arena_fini(&a);
}

static void sizes_nobody_has(const struct pawl_alloc *from)
{
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 15, SIZE_MAX - 64, SIZE_MAX / 2, PTRDIFF_MAX};
    struct pawl_arena a;
    pawl_arena_init(&a, from);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        CHECK(pawl_arena_get(&a, sizes[i]) == NULL && a.failed);
        pawl_arena_reset(&a);
        CHECK(!a.failed);
        CHECK(pawl_arena_zeroed(&a, sizes[i]) == NULL && a.failed);
        pawl_arena_reset(&a);
        CHECK(pawl_arena_copy(&a, "", sizes[i]) == NULL && a.failed);
        pawl_arena_reset(&a);
    }
    pawl_arena_fini(&a);
}

int main(void)
{
    struct test_alloc t;
    test_alloc_init(&t, 0);
    story(&t);
    on_the_callers(&t);
    extends(&t);
    no_overlap(&t.alloc);
    sizes_nobody_has(&t.alloc);
    CHECK_INT(t.out_bytes, 0);
    EVERY_FAILED_ALLOCATION(t) {
        struct pawl_arena a;
        pawl_arena_init(&a, &t.alloc);
        bool all = true;
        for (int i = 0; i < 50; i++) all = pawl_arena_copy(&a, "some text to keep", 17) && all;
        all = pawl_arena_zeroed(&a, 100000) && all;
        all = pawl_arena_get(&a, 70000) && all;
        CHECK(all == !t.failed);
        CHECK(a.failed == t.failed); /* one look at the end tells */
        pawl_arena_fini(&a);
    }
    return TEST_END();
}
