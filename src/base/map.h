/* src/base/map.h - a hash map from bytes to a pointer. Insertion order is its iteration order, so nothing that
 * iterates depends on addresses or hashes. Keys are copied. */
#pragma once
#include "base/bytes.h"

struct pawl_map { /* zeroed but for `from` it is empty and ready */
    const struct pawl_alloc *from;
    struct pawl_map_entry *entries; /* in insertion order; removed ones have key.p == NULL */
    uint32_t *index;
    uint32_t count, used, entries_size, index_size;
};
enum { PAWL_MAP_SHORT = 24 };
struct pawl_map_entry {
    struct pawl_str key;
    uint64_t hash;
    void *value;
    char own[PAWL_MAP_SHORT]; /* a key of fewer bytes lies here */
};
void pawl_map_init(struct pawl_map *m, const struct pawl_alloc *from);
void pawl_map_fini(struct pawl_map *m);                                  /* values are the caller's */
void *pawl_map_get(const struct pawl_map *m, const void *key, size_t n); /* NULL: not there */
/* Adds or replaces; value != NULL. PAWL_OK or PAWL_ENOMEM. */
int pawl_map_put(struct pawl_map *m, const void *key, size_t n, void *value);
void *pawl_map_take(struct pawl_map *m, const void *key, size_t n); /* removes and returns it; NULL: was not there */
/* for (uint32_t i = 0; (e = pawl_map_next(m, &i)) != NULL;) ... ; removing the entry at hand is allowed, adding is not. */
struct pawl_map_entry *pawl_map_next(const struct pawl_map *m, uint32_t *i);
