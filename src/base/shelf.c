/* src/base/shelf.c - see shelf.h. */
#include "base/shelf.h"
#include <assert.h>
#include <string.h>

enum { STEP = 64, SMALL_MAX = 1024, SMALL = SMALL_MAX / STEP, LARGE_MAX = 64 * 1024 };
#if defined(__SANITIZE_ADDRESS__)
enum { KEEPS = 0 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { KEEPS = 0 };
#else
enum { KEEPS = 1 };
#endif
#else
enum { KEEPS = 1 };
#endif

struct pawl_shelf_free {
    struct pawl_shelf_free *next;
};

/* The class of a size, and how large its members are; PAWL_SHELF_CLASSES: none. */
static unsigned class_of(size_t bytes, size_t *size)
{
    unsigned which = SMALL;
    if (bytes <= SMALL_MAX) {
        *size = (bytes + STEP - 1) / STEP * STEP;
        return (unsigned)(*size / STEP) - 1;
    }
    *size = bytes;
    if (bytes > LARGE_MAX) return PAWL_SHELF_CLASSES;
    for (*size = (size_t)2 * SMALL_MAX; *size < bytes; *size *= 2) which++;
    return which;
}

static void *get(struct pawl_shelf *p, size_t bytes)
{
    size_t size;
    const unsigned which = class_of(bytes, &size);
    struct pawl_shelf_free *f = which < PAWL_SHELF_CLASSES ? p->free[which] : NULL;
    if (!f) return p->from->resize(p->from->ctx, NULL, 0, size);
    p->free[which] = f->next;
    p->kept_bytes -= size;
    return f;
}

static void put(struct pawl_shelf *p, void *old, size_t bytes)
{
    size_t size;
    const unsigned which = class_of(bytes, &size);
    struct pawl_shelf_free *f = old;
    if (!KEEPS || which == PAWL_SHELF_CLASSES || p->kept_bytes + size > p->keep_bytes_max) {
        p->from->resize(p->from->ctx, old, size, 0);
        return;
    }
    f->next = p->free[which];
    p->free[which] = f;
    p->kept_bytes += size;
}

static void *resize(void *ctx, void *p, size_t old_bytes, size_t new_bytes)
{
    struct pawl_shelf *shelf = ctx;
    size_t old_size, new_size;
    void *to;
    if (!p) return new_bytes ? get(shelf, new_bytes) : NULL;
    if (!new_bytes) {
        put(shelf, p, old_bytes);
        return NULL;
    }
    const unsigned which = class_of(old_bytes, &old_size);
    if (which == class_of(new_bytes, &new_size) && which < PAWL_SHELF_CLASSES) return p;
    if (!(to = get(shelf, new_bytes))) return NULL;
    memcpy(to, p, old_bytes < new_bytes ? old_bytes : new_bytes);
    put(shelf, p, old_bytes);
    return to;
}

void pawl_shelf_init(struct pawl_shelf *p, const struct pawl_alloc *from, size_t keep_bytes_max)
{
    assert(from);
    *p = (struct pawl_shelf){.alloc = {resize, p}, .from = from, .keep_bytes_max = keep_bytes_max};
}

void pawl_shelf_trim(struct pawl_shelf *p)
{
    for (unsigned which = 0; which < PAWL_SHELF_CLASSES; which++) {
        const size_t size = which < SMALL ? (which + 1) * (size_t)STEP : (size_t)SMALL_MAX << (which - SMALL + 1);
        struct pawl_shelf_free *next;
        for (struct pawl_shelf_free *f = p->free[which]; f; f = next) {
            next = f->next;
            p->from->resize(p->from->ctx, f, size, 0);
            p->kept_bytes -= size;
        }
        p->free[which] = NULL;
    }
    assert(p->kept_bytes == 0);
}
