/* src/base/map_test.c - iteration order, removal while iterating, growth, and a model to compare with. */
#include "base/map.h"
#include "base/error.h"
#include "base/prng.h"
#include "base/test.h"

static int v[1000];

static void *get(struct pawl_map *m, const char *key)
{
    return pawl_map_get(m, key, strlen(key));
}

static int put(struct pawl_map *m, const char *key, void *value)
{
    return pawl_map_put(m, key, strlen(key), value);
}

static void *take(struct pawl_map *m, const char *key)
{
    return pawl_map_take(m, key, strlen(key));
}

/* The keys in iteration order, joined. */
static const char *keys(const struct pawl_map *m)
{
    static char text[4096];
    char *p = text;
    struct pawl_map_entry *e;
    *p = 0;
    for (uint32_t i = 0; (e = pawl_map_next(m, &i)) != NULL;) p += sprintf(p, "%s%s", p == text ? "" : " ", e->key.p);
    return text;
}

static void story(const struct pawl_alloc *from)
{
    struct pawl_map m;
    pawl_map_init(&m, from);
    CHECK(get(&m, "a") == NULL);
    CHECK(take(&m, "a") == NULL);
    CHECK_TEXT(keys(&m), "");
    put(&m, "zebra", v), put(&m, "ant", v + 1), put(&m, "mouse", v + 2), put(&m, "", v + 3);
    CHECK_TEXT(keys(&m), "zebra ant mouse ");
    CHECK(get(&m, "ant") == v + 1 && get(&m, "") == v + 3 && get(&m, "an") == NULL);
    CHECK(put(&m, "zebra", v + 9) == PAWL_OK); /* replaced: keeps its place */
    CHECK(get(&m, "zebra") == v + 9);
    CHECK_INT(m.count, 4);
    CHECK(take(&m, "zebra") == v + 9 && take(&m, "zebra") == NULL);
    put(&m, "zebra", v);
    CHECK_TEXT(keys(&m), "ant mouse  zebra"); /* came again: goes last */
    CHECK(pawl_map_put(&m, "a\0b", 3, v + 4) == PAWL_OK);
    CHECK(pawl_map_get(&m, "a\0b", 3) == v + 4 && pawl_map_get(&m, "a\0c", 3) == NULL);
    pawl_map_fini(&m);
    CHECK_INT(m.count, 0);
    pawl_map_fini(&m);
    pawl_map_fini(&(struct pawl_map){0});
    pawl_map_fini(NULL);
}

/* The key that is put is copied: the caller's memory may change. */
static void keys_are_copied(const struct pawl_alloc *from)
{
    struct pawl_map m;
    char key[] = "first";
    pawl_map_init(&m, from);
    put(&m, key, v);
    memcpy(key, "other", 5);
    CHECK(get(&m, "first") == v && get(&m, "other") == NULL);
    pawl_map_fini(&m);
}

static void removing_while_iterating(const struct pawl_alloc *from)
{
    struct pawl_map m;
    struct pawl_map_entry *e;
    pawl_map_init(&m, from);
    for (int i = 0; i < 100; i++) pawl_map_put(&m, &i, sizeof i, v + i);
    int seen = 0;
    for (uint32_t i = 0; (e = pawl_map_next(&m, &i)) != NULL; seen++) {
        CHECK(e->value == v + seen);
        if (seen % 3 != 0) CHECK(pawl_map_take(&m, e->key.p, e->key.n) == v + seen);
    }
    CHECK_INT(seen, 100);
    CHECK_INT(m.count, 34);
    seen = 0;
    for (uint32_t i = 0; (e = pawl_map_next(&m, &i)) != NULL; seen += 3) CHECK(e->value == v + seen);
    for (uint32_t i = 0; (e = pawl_map_next(&m, &i)) != NULL;) pawl_map_take(&m, e->key.p, e->key.n); /* to the last */
    CHECK_INT(m.count, 0);
    CHECK_TEXT(keys(&m), "");
    put(&m, "again", v);
    CHECK_TEXT(keys(&m), "again");
    pawl_map_fini(&m);
}

/* A window that slides over many keys must not grow with the number of keys that ever were. */
static void bounded_by_the_living(const struct pawl_alloc *from)
{
    struct pawl_map m;
    pawl_map_init(&m, from);
    for (int i = 0; i < 20000; i++) {
        pawl_map_put(&m, &i, sizeof i, v);
        const int old = i - 10;
        if (old >= 0) pawl_map_take(&m, &old, sizeof old);
    }
    CHECK_INT(m.count, 10);
    CHECK(m.entries_size <= 32);
    pawl_map_fini(&m);
}

/* Random calls against the plainest map there is: an array of what each key holds and when it came. */
static void against_a_model(const struct pawl_alloc *from)
{
    enum { KEYS = 300, CALLS = 30000 };
    static void *held[KEYS];
    static int came[KEYS];
    struct pawl_map m;
    struct pawl_prng r;
    uint32_t count = 0;
    int wrong = 0;
    pawl_prng_seed(&r, 7);
    pawl_map_init(&m, from);
    for (int i = 0; i < CALLS; i++) {
        const uint32_t k = (uint32_t)pawl_prng_below(&r, KEYS);
        const uint64_t what = pawl_prng_below(&r, i / 5000 % 2 ? 8 : 3); /* phases of growing and of shrinking */
        if (what == 0) {
            void *value = v + pawl_prng_below(&r, 1000);
            if (!held[k]) came[k] = i, count++;
            held[k] = value;
            wrong += pawl_map_put(&m, &k, sizeof k, value) != PAWL_OK;
        } else if (what == 1) {
            wrong += pawl_map_get(&m, &k, sizeof k) != held[k];
        } else {
            wrong += pawl_map_take(&m, &k, sizeof k) != held[k];
            count -= held[k] != NULL;
            held[k] = NULL;
        }
        wrong += m.count != count;
        if (i % 100 != 0) continue;
        struct pawl_map_entry *e;
        uint32_t seen = 0;
        int last = -1;
        for (uint32_t at = 0; (e = pawl_map_next(&m, &at)) != NULL; seen++) {
            uint32_t key;
            memcpy(&key, e->key.p, sizeof key);
            wrong += e->value != held[key] || came[key] <= last;
            last = came[key];
        }
        wrong += seen != count;
    }
    CHECK_INT(wrong, 0);
    pawl_map_fini(&m);
}

int main(void)
{
    struct test_alloc t;
    test_alloc_init(&t, 0);
    story(&t.alloc);
    keys_are_copied(&t.alloc);
    removing_while_iterating(&t.alloc);
    bounded_by_the_living(&t.alloc);
    against_a_model(&t.alloc);
    CHECK_INT(t.out_bytes, 0);
    EVERY_FAILED_ALLOCATION(t) {
        struct pawl_map m;
        pawl_map_init(&m, &t.alloc);
        int there = 0;
        for (int i = 0; i < 40; i++) {
            const int got = pawl_map_put(&m, &i, sizeof i, v + i);
            if (got == PAWL_OK) there++;
            CHECK(got == PAWL_OK || (got == PAWL_ENOMEM && t.failed));
            CHECK(pawl_map_get(&m, &i, sizeof i) == (got == PAWL_OK ? v + i : NULL)); /* whole or not at all */
            CHECK_INT(m.count, there);
        }
        CHECK(there == (t.failed ? 39 : 40));
        pawl_map_fini(&m);
    }
    return TEST_END();
}
