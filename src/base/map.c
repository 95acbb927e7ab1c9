/* src/base/map.c - entries lie in an array in the order they came; `index` is an open-addressed table of places in it
 * (place + 1; 0: empty, GONE: was one). A removed entry keeps its place, with key.p NULL, until the next growth packs
 * the array. So order never depends on a hash, and removing while iterating moves nothing.
 *
 * A key is copied, with a NUL behind: into its entry where it is short, else into memory of its own. */
#include "base/map.h"
#include <assert.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include "base/error.h"

enum { ENTRIES_MIN = 8 };
#define GONE UINT32_MAX

static void *resize(const struct pawl_map *m, void *p, size_t old_bytes, size_t new_bytes)
{
    return m->from->resize(m->from->ctx, p, old_bytes, new_bytes);
}

static bool is_short(size_t n)
{
    return n < PAWL_MAP_SHORT;
}

static void free_key(const struct pawl_map *m, const struct pawl_map_entry *e)
{
    if (e->key.p && !is_short(e->key.n)) resize(m, (char *)(uintptr_t)e->key.p, (size_t)e->key.n + 1, 0);
}

void pawl_map_init(struct pawl_map *m, const struct pawl_alloc *from)
{
    assert(from);
    *m = (struct pawl_map){.from = from};
}

void pawl_map_fini(struct pawl_map *m)
{
    if (!m) return;
    for (uint32_t i = 0; i < m->used; i++) free_key(m, &m->entries[i]);
    if (m->entries) resize(m, m->entries, m->entries_size * sizeof *m->entries, 0);
    if (m->index) resize(m, m->index, m->index_size * sizeof *m->index, 0);
    *m = (struct pawl_map){.from = m->from};
}

static bool is_key(const struct pawl_map_entry *e, uint64_t hash, const void *key, size_t n)
{
    return e->hash == hash && e->key.n == n && (n == 0 || memcmp(e->key.p, key, n) == 0);
}

/* The slot of the index that names this key, or NULL. */
static uint32_t *find(const struct pawl_map *m, uint64_t hash, const void *key, size_t n)
{
    if (m->index_size == 0) return NULL;
    const uint32_t mask = m->index_size - 1;
    for (uint32_t at = (uint32_t)hash & mask;; at = (at + 1) & mask) {
        uint32_t *slot = m->index + at;
        if (*slot == 0) return NULL;
        if (*slot == GONE) continue;
        assert(*slot <= m->used);
        if (is_key(m->entries + (*slot - 1), hash, key, n)) return slot;
    }
}

static void put_index(uint32_t *index, uint32_t size, uint64_t hash, uint32_t place)
{
    uint32_t at = (uint32_t)hash & (size - 1);
    while (index[at] != 0) at = (at + 1) & (size - 1);
    index[at] = place + 1;
}

/* Makes room for one entry more: packs what was removed, and doubles where the living would fill over half. */
static int grow(struct pawl_map *m)
{
    uint32_t size = m->entries_size ? m->entries_size : ENTRIES_MIN;
    while (m->count + 1 > size - size / 4) {
        if (size > UINT32_MAX / 8) return PAWL_ENOMEM;
        size *= 2;
    }
    struct pawl_map_entry *entries = resize(m, NULL, 0, size * sizeof *entries);
    if (!entries) return PAWL_ENOMEM;
    const uint32_t index_size = 2 * size; /* places are never more than `size`: at least half of the index is empty */
    uint32_t *index = resize(m, NULL, 0, index_size * sizeof *index);
    if (!index) {
        resize(m, entries, size * sizeof *entries, 0);
        return PAWL_ENOMEM;
    }
    memset(index, 0, index_size * sizeof *index);
    uint32_t used = 0;
    for (uint32_t i = 0; i < m->used; i++) {
        if (!m->entries[i].key.p) continue;
        put_index(index, index_size, m->entries[i].hash, used);
        entries[used] = m->entries[i];
        if (is_short(entries[used].key.n)) entries[used].key.p = entries[used].own;
        used++;
    }
    assert(used == m->count);
    if (m->entries) resize(m, m->entries, m->entries_size * sizeof *m->entries, 0);
    if (m->index) resize(m, m->index, m->index_size * sizeof *m->index, 0);
    m->entries = entries;
    m->entries_size = size;
    m->index = index;
    m->index_size = index_size;
    m->used = used;
    return PAWL_OK;
}

void *pawl_map_get(const struct pawl_map *m, const void *key, size_t n)
{
    assert(key || n == 0);
    const uint32_t *slot = find(m, XXH3_64bits(key, n), key, n);
    return slot ? m->entries[*slot - 1].value : NULL;
}

int pawl_map_put(struct pawl_map *m, const void *key, size_t n, void *value)
{
    assert(m->from);
    assert(value);
    assert(key || n == 0);
    if (n >= UINT32_MAX) return PAWL_ENOMEM;
    const uint64_t hash = XXH3_64bits(key, n);
    const uint32_t *slot = find(m, hash, key, n);
    if (slot) {
        m->entries[*slot - 1].value = value;
        return PAWL_OK;
    }
    if (m->used == m->entries_size && grow(m) != PAWL_OK) return PAWL_ENOMEM;
    struct pawl_map_entry *e = &m->entries[m->used];
    char *copy = is_short(n) ? e->own : resize(m, NULL, 0, n + 1);
    if (!copy) return PAWL_ENOMEM;
    if (n > 0) memcpy(copy, key, n);
    copy[n] = 0;
    e->key = (struct pawl_str){copy, (uint32_t)n};
    e->hash = hash;
    e->value = value;
    put_index(m->index, m->index_size, hash, m->used++);
    m->count++;
    return PAWL_OK;
}

void *pawl_map_take(struct pawl_map *m, const void *key, size_t n)
{
    assert(key || n == 0);
    uint32_t *slot = find(m, XXH3_64bits(key, n), key, n);
    if (!slot) return NULL;
    struct pawl_map_entry *e = m->entries + (*slot - 1);
    void *value = e->value;
    *slot = GONE;
    /* `key` may be the entry's own: nothing reads it below. */
    free_key(m, e);
    *e = (struct pawl_map_entry){.key = {NULL, 0}};
    m->count--;
    if (m->count == 0) { /* nothing left to keep in order: start over, so that a map used as a queue is never packed */
        memset(m->index, 0, m->index_size * sizeof *m->index);
        m->used = 0;
    }
    return value;
}

struct pawl_map_entry *pawl_map_next(const struct pawl_map *m, uint32_t *i)
{
    while (*i < m->used) {
        struct pawl_map_entry *e = m->entries + (*i)++;
        if (e->key.p) return e;
    }
    return NULL;
}
