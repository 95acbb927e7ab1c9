/* src/io/alloc.c - malloc, realloc and free behind struct pawl_alloc; the one place of pawl that calls them. */
#include "io/alloc.h"
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

static void *resize(void *ctx, void *p, size_t old_bytes, size_t new_bytes)
{
    (void)ctx;
    (void)old_bytes;
    if (new_bytes == 0) {
        free(p);
        return NULL;
    }
    if (new_bytes > PTRDIFF_MAX) return NULL;
    return realloc(p, new_bytes);
}

const struct pawl_alloc *pawl_alloc_libc(void)
{
    static const struct pawl_alloc libc = {resize, NULL};
    return &libc;
}

void pawl_alloc_process(void)
{
#ifdef __GLIBC__
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_TOP_PAD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 8 << 20); /* these two end what libc would learn by itself of them */
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
}

void pawl_alloc_trim(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}
