/* src/base/heap.c - the binary min-heap of timers; a node knows its place, so moving and dropping are O(log n). */
#include "base/heap.h"
#include <assert.h>
#include "base/error.h"

void pawl_heap_init(struct pawl_heap *h, const struct pawl_alloc *from)
{
    assert(from);
    *h = (struct pawl_heap){.from = from};
}

void pawl_heap_fini(struct pawl_heap *h)
{
    if (!h) return;
    for (uint32_t i = 0; i < h->count; i++) h->nodes[i]->at = 0;
    if (h->nodes) h->from->resize(h->from->ctx, h->nodes, h->size * sizeof(struct pawl_heap_node *), 0);
    *h = (struct pawl_heap){.from = h->from};
}

static bool before(const struct pawl_heap_node *a, const struct pawl_heap_node *b)
{
    if (a->due_ns != b->due_ns) return a->due_ns < b->due_ns;
    return a->order < b->order;
}

static void place(struct pawl_heap *h, uint32_t i, struct pawl_heap_node *n)
{
    h->nodes[i] = n;
    n->at = i + 1;
}

/* Puts n where it belongs, from the hole at i: up while it is before its parent, else down. */
static void settle(struct pawl_heap *h, uint32_t i, struct pawl_heap_node *n)
{
    while (i > 0 && before(n, h->nodes[(i - 1) / 2])) {
        place(h, i, h->nodes[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= h->count) break;
        if (child + 1 < h->count && before(h->nodes[child + 1], h->nodes[child])) child++;
        if (!before(h->nodes[child], n)) break;
        place(h, i, h->nodes[child]);
        i = child;
    }
    place(h, i, n);
}

int pawl_heap_set(struct pawl_heap *h, struct pawl_heap_node *n, int64_t due_ns)
{
    assert(h->from);
    assert(n->at == 0 || (n->at <= h->count && h->nodes[n->at - 1] == n));
    if (n->at == 0) {
        if (h->count == h->size) {
            if (h->size >= UINT32_MAX / 4) return PAWL_ENOMEM; /* 2 * i + 1 stays a uint32_t */
            const uint32_t size = h->size ? h->size * 2 : 16;
            void *p = h->from->resize(h->from->ctx, h->nodes, h->size * sizeof(struct pawl_heap_node *),
                                      size * sizeof(struct pawl_heap_node *));
            if (!p) return PAWL_ENOMEM;
            h->nodes = p;
            h->size = size;
        }
        place(h, h->count++, n);
    }
    n->due_ns = due_ns;
    n->order = h->orders++; /* a timer set again is set now, so it goes behind its equals */
    settle(h, n->at - 1, n);
    return PAWL_OK;
}

void pawl_heap_drop(struct pawl_heap *h, struct pawl_heap_node *n)
{
    if (n->at == 0) return;
    assert(n->at <= h->count);
    assert(h->nodes[n->at - 1] == n);
    const uint32_t hole = n->at - 1;
    struct pawl_heap_node *last = h->nodes[--h->count];
    n->at = 0;
    if (last != n) settle(h, hole, last);
}

struct pawl_heap_node *pawl_heap_first(const struct pawl_heap *h)
{
    return h->count > 0 ? h->nodes[0] : NULL;
}
