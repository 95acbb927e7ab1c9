/* src/base/alloc.h - the allocator that pure code is handed, and the arena that most of it uses.
 *
 * An arena gives memory that is freed all at once. Allocation can fail: NULL, and the arena remembers it
 * (`failed`), so that a builder may allocate many times and look once. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* realloc with sizes known: p NULL allocates, new_bytes 0 frees. Returns NULL when there is no memory. */
struct pawl_alloc {
    void *(*resize)(void *ctx, void *p, size_t old_bytes, size_t new_bytes);
    void *ctx;
};

struct pawl_arena_block;
struct pawl_arena { /* zeroed but for `from` it is empty and ready */
    const struct pawl_alloc *from;
    struct pawl_arena_block *blocks;
    size_t used_bytes; /* all that was handed out, for limits and tests */
    bool failed;       /* some allocation since init or reset had no memory */
};

void pawl_arena_init(struct pawl_arena *a, const struct pawl_alloc *from);
/* The same, with memory of the caller's to begin with: what fits in it costs no allocation. `first` is 16-byte aligned,
 * lives as long as the arena, and is larger than 64 bytes. */
void pawl_arena_init_on(struct pawl_arena *a, const struct pawl_alloc *from, void *first, size_t bytes);
void pawl_arena_fini(struct pawl_arena *a);                  /* zeroed or fini'd memory is fine */
void pawl_arena_reset(struct pawl_arena *a);                 /* keeps one block for reuse */
void *pawl_arena_get(struct pawl_arena *a, size_t bytes);    /* 16-byte aligned, uninitialised; NULL: no memory */
void *pawl_arena_zeroed(struct pawl_arena *a, size_t bytes); /* the same, zeroed */
/* Makes what was handed out last larger where it stands. False: it was not the last, or there is no room behind it. */
bool pawl_arena_extend(struct pawl_arena *a, const void *p, size_t old_bytes, size_t bytes);
size_t pawl_arena_held(const struct pawl_arena *a);                       /* bytes that it has from its allocator */
char *pawl_arena_copy(struct pawl_arena *a, const void *p, size_t bytes); /* with a NUL behind */
