/* src/base/shelf_test.c - what is kept, for whom, how much of it; and that nobody's bytes are another's. */
#include "base/shelf.h"
#include "base/prng.h"
#include "base/test.h"

static void *get(struct pawl_shelf *p, size_t bytes)
{
    return p->alloc.resize(p->alloc.ctx, NULL, 0, bytes);
}

static void put(struct pawl_shelf *p, void *m, size_t bytes)
{
    p->alloc.resize(p->alloc.ctx, m, bytes, 0);
}

static void story(struct test_alloc *t)
{
    struct pawl_shelf p;
    pawl_shelf_init(&p, &t->alloc, 4096);
    char *a = get(&p, 100);
    const uint32_t requests = t->requests;
    put(&p, a, 100);
    const bool keeps = p.kept_bytes > 0; /* not where AddressSanitizer watches */
    char *b = get(&p, 120);              /* of the same class */
    CHECK(!keeps || (b == a && t->requests == requests));
    char *c = p.alloc.resize(p.alloc.ctx, b, 120, 128);
    CHECK(c == b);
    memset(c, 7, 128);
    char *d = p.alloc.resize(p.alloc.ctx, c, 128, 3000); /* grows into another class, with what was in it */
    CHECK(d && d[0] == 7 && d[127] == 7);
    d = p.alloc.resize(p.alloc.ctx, d, 3000, 100000);
    CHECK(d && d[0] == 7 && d[127] == 7);
    put(&p, d, 100000); /* too large to be kept */
    CHECK(p.kept_bytes <= 4096);
    void *many[20];
    for (int i = 0; i < 20; i++) many[i] = get(&p, 1000);
    for (int i = 0; i < 20; i++) put(&p, many[i], 1000);
    CHECK(p.kept_bytes <= 4096);
    CHECK_INT(t->out_bytes, p.kept_bytes);
    pawl_shelf_trim(&p);
    CHECK_INT(t->out_bytes, 0);
    CHECK_INT(p.kept_bytes, 0);
    CHECK(p.alloc.resize(p.alloc.ctx, NULL, 0, 0) == NULL);
}

static void no_overlap(struct test_alloc *t)
{
    enum { COUNT = 300 };
    static unsigned char *m[COUNT];
    static size_t n[COUNT];
    struct pawl_shelf p;
    struct pawl_prng r;
    int wrong = 0;
    pawl_prng_seed(&r, 9);
    pawl_shelf_init(&p, &t->alloc, 1 << 20);
    for (int round = 0; round < 20000; round++) {
        const size_t i = (size_t)pawl_prng_below(&r, COUNT);
        const size_t bytes = 1 + (size_t)pawl_prng_below(&r, pawl_prng_below(&r, 20) ? 300 : 70000);
        for (size_t k = 0; k < n[i]; k++) wrong += m[i][k] != (unsigned char)i;
        if (m[i] && pawl_prng_below(&r, 2)) {
            put(&p, m[i], n[i]);
            m[i] = NULL;
            n[i] = 0;
            continue;
        }
        unsigned char *q = p.alloc.resize(p.alloc.ctx, m[i], n[i], bytes);
        if (!CHECK(q != NULL)) return;
        for (size_t k = 0; k < n[i] && k < bytes; k++) wrong += q[k] != (unsigned char)i;
        memset(q, (int)i, bytes);
        m[i] = q;
        n[i] = bytes;
    }
    CHECK_INT(wrong, 0);
    for (size_t i = 0; i < COUNT; i++)
        if (m[i]) put(&p, m[i], n[i]);
    pawl_shelf_trim(&p);
    CHECK_INT(t->out_bytes, 0);
}

int main(void)
{
    struct test_alloc t;
    test_alloc_init(&t, 0);
    story(&t);
    no_overlap(&t);
    EVERY_FAILED_ALLOCATION(t) {
        struct pawl_shelf p;
        pawl_shelf_init(&p, &t.alloc, 4096);
        void *a = get(&p, 10), *b = a ? p.alloc.resize(p.alloc.ctx, a, 10, 5000) : NULL;
        CHECK((a && b) == !t.failed);
        if (b) put(&p, b, 5000);
        else if (a) put(&p, a, 10); /* what could not grow is still there */
        pawl_shelf_trim(&p);
    }
    return TEST_END();
}
