/* src/base/heap.h - a binary min-heap of timers: (due, sequence) orders it, so equal times keep the order in which
 * they were set. Items embed a struct pawl_heap_node; the heap keeps pointers only. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/alloc.h"

struct pawl_heap_node {
    int64_t due_ns;
    uint64_t order;
    uint32_t at; /* 1-based place in the heap; 0: not in it */
};
struct pawl_heap {
    const struct pawl_alloc *from;
    struct pawl_heap_node **nodes;
    uint32_t count, size;
    uint64_t orders;
};
void pawl_heap_init(struct pawl_heap *h, const struct pawl_alloc *from);
void pawl_heap_fini(struct pawl_heap *h);
int pawl_heap_set(struct pawl_heap *h, struct pawl_heap_node *n, int64_t due_ns); /* adds or moves; PAWL_ENOMEM */
void pawl_heap_drop(struct pawl_heap *h, struct pawl_heap_node *n);               /* not in it: fine */
struct pawl_heap_node *pawl_heap_first(const struct pawl_heap *h);                /* NULL: empty */
