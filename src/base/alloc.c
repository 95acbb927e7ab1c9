/* src/base/alloc.c - the arena: blocks in a list, the newest first, each twice as large as the one before up to BLOCK_MAX,
 * so that a small arena is small and a large one takes few calls. With its head a block is a power of two. */
#include "base/alloc.h"
#include <assert.h>
#include <string.h>

enum { ALIGN = 16, BLOCK_MIN = 1024, BLOCK_MAX = 64 * 1024 };

struct pawl_arena_block {
    struct pawl_arena_block *next;
    size_t size, used; /* of the bytes behind this head */
    bool lent;         /* it is the caller's: the last of the list, never freed */
};

static size_t round_up(size_t n)
{
    return (n + (ALIGN - 1)) & ~(size_t)(ALIGN - 1);
}

enum { HEAD = (sizeof(struct pawl_arena_block) + ALIGN - 1) / ALIGN * ALIGN };

void pawl_arena_init(struct pawl_arena *a, const struct pawl_alloc *from)
{
    assert(from);
    *a = (struct pawl_arena){.from = from};
}

void pawl_arena_init_on(struct pawl_arena *a, const struct pawl_alloc *from, void *first, size_t bytes)
{
    assert(first);
    assert((uintptr_t)first % ALIGN == 0);
    assert(bytes > HEAD + ALIGN);
    pawl_arena_init(a, from);
    a->blocks = first;
    *a->blocks = (struct pawl_arena_block){.size = (bytes - HEAD) / ALIGN * ALIGN, .lent = true};
}

static void free_blocks(struct pawl_arena *a, struct pawl_arena_block *b)
{
    while (b) {
        struct pawl_arena_block *next = b->next;
        if (!b->lent) a->from->resize(a->from->ctx, b, HEAD + b->size, 0);
        b = next;
    }
}

void pawl_arena_fini(struct pawl_arena *a)
{
    if (!a) return;
    assert(a->from || !a->blocks);
    free_blocks(a, a->blocks);
    *a = (struct pawl_arena){.from = a->from};
}

void pawl_arena_reset(struct pawl_arena *a)
{
    struct pawl_arena_block *kept = a->blocks;
    if (kept) {
        free_blocks(a, kept->next);
        kept->next = NULL;
        kept->used = 0;
    }
    a->used_bytes = 0;
    a->failed = false;
}

static struct pawl_arena_block *add_block(struct pawl_arena *a, size_t bytes)
{
    size_t whole = BLOCK_MIN;
    while (whole < BLOCK_MAX && a->blocks && whole < (a->blocks->size + HEAD) * 2) whole *= 2;
    size_t size = whole - HEAD;
    if (size < bytes) size = bytes;
    struct pawl_arena_block *b = a->from->resize(a->from->ctx, NULL, 0, HEAD + size);
    if (!b) return NULL;
    *b = (struct pawl_arena_block){.next = a->blocks, .size = size};
    if (a->blocks && size == bytes && a->blocks->size - a->blocks->used > ALIGN) {
        /* It is full from the start: it goes second, so that the room left in the first is still used. */
        b->next = a->blocks->next;
        a->blocks->next = b;
    } else {
        a->blocks = b;
    }
    return b;
}

/* There is no block yet, or too little room in it. */
static __attribute__((noinline)) void *get_anew(struct pawl_arena *a, size_t bytes)
{
    assert(a->from);
    const size_t need = round_up(bytes ? bytes : 1);
    struct pawl_arena_block *b = a->blocks;
    if (bytes > PTRDIFF_MAX - HEAD - ALIGN || ((!b || b->size - b->used < need) && !(b = add_block(a, need)))) {
        a->failed = true;
        return NULL;
    }
    char *p = (char *)b + HEAD + b->used;
    b->used += need;
    a->used_bytes += bytes;
    assert(b->used <= b->size);
    return p;
}

void *pawl_arena_get(struct pawl_arena *a, size_t bytes)
{
    struct pawl_arena_block *b = a->blocks;
    if (!b || bytes > b->size - b->used || !bytes) return get_anew(a, bytes);
    char *p = (char *)b + HEAD + b->used;
    b->used += round_up(bytes); /* sizes are rounded, too: it fits */
    a->used_bytes += bytes;
    assert(b->used <= b->size);
    return p;
}

bool pawl_arena_extend(struct pawl_arena *a, const void *p, size_t old_bytes, size_t bytes)
{
    struct pawl_arena_block *b = a->blocks;
    assert(b && p && old_bytes && bytes >= old_bytes);
    const size_t had = round_up(old_bytes), more = bytes > PTRDIFF_MAX ? SIZE_MAX : round_up(bytes) - had;
    if (b->used < had || (const char *)b + HEAD + b->used - had != (const char *)p || more > b->size - b->used)
        return false;
    b->used += more;
    a->used_bytes += bytes - old_bytes;
    return true;
}

size_t pawl_arena_held(const struct pawl_arena *a)
{
    size_t held = 0;
    for (const struct pawl_arena_block *b = a->blocks; b; b = b->next) held += b->lent ? 0 : HEAD + b->size;
    return held;
}

void *pawl_arena_zeroed(struct pawl_arena *a, size_t bytes)
{
    void *p = pawl_arena_get(a, bytes);
    if (p) memset(p, 0, bytes);
    return p;
}

char *pawl_arena_copy(struct pawl_arena *a, const void *p, size_t bytes)
{
    assert(p || bytes == 0);
    char *to = bytes < SIZE_MAX ? pawl_arena_get(a, bytes + 1) : NULL;
    if (!to) {
        a->failed = true;
        return NULL;
    }
    if (bytes > 0) memcpy(to, p, bytes);
    to[bytes] = 0;
    return to;
}
