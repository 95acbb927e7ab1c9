/* src/base/shelf.h - an allocator that keeps what is given back, by size, for the next who asks: memory that was just used is
 * in the cache, and the system is not asked at all. One thread. What it keeps is bounded, and goes back at a word.
 *
 * Sizes up to 1 KiB are rounded to 64 bytes, larger ones to a power of two; above 64 KiB nothing is kept. Where
 * AddressSanitizer watches it keeps nothing, so that it sees every use of what was freed. */
#pragma once
#include "base/alloc.h"

enum { PAWL_SHELF_CLASSES = 22 };
struct pawl_shelf {
    struct pawl_alloc alloc; /* what it is used by */
    const struct pawl_alloc *from;
    struct pawl_shelf_free *free[PAWL_SHELF_CLASSES];
    size_t kept_bytes, keep_bytes_max;
};
void pawl_shelf_init(struct pawl_shelf *p, const struct pawl_alloc *from, size_t keep_bytes_max);
void pawl_shelf_trim(
    struct pawl_shelf *p); /* gives back what it keeps; also at the end, when nothing of it is in use */
