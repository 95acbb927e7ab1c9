/* src/contract/schema_names.c - names of members, looked up: a few by comparing, many by a hash. */
#include "contract/schema_program.h"
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { FEW = 8 };

static bool is(const struct pawl_name *name, const char *p, size_t n)
{
    return name->name.n == n && memcmp(name->name.p, p, n) == 0;
}

bool pawl_names_build(struct pawl_names *t, const struct pawl_name *names, uint32_t count, struct pawl_arena *a)
{
    uint32_t size = 16;
    *t = (struct pawl_names){.names = names, .count = count};
    if (count <= FEW) return true;
    while (size < count * 2) size *= 2;
    uint32_t *index = pawl_arena_zeroed(a, size * sizeof *index);
    if (!index) return false;
    t->mask = size - 1;
    t->index = index;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = (uint32_t)XXH3_64bits(names[i].name.p, names[i].name.n) & t->mask;
        while (index[at]) at = (at + 1) & t->mask;
        index[at] = i + 1;
    }
    return true;
}

const struct pawl_name *pawl_names_find(const struct pawl_names *t, const char *p, size_t n, uint32_t *hint)
{
    uint32_t at = *hint < t->count ? *hint : 0;
    if (t->count > 0 && is(t->names + at, p, n)) {
        *hint = at + 1;
        return t->names + at;
    }
    if (t->index) {
        for (at = (uint32_t)XXH3_64bits(p, n) & t->mask; t->index[at]; at = (at + 1) & t->mask) {
            const uint32_t place = t->index[at];
            if (!is(t->names + place - 1, p, n)) continue;
            *hint = place;
            return t->names + place - 1;
        }
        return NULL;
    }
    for (uint32_t i = 0; i < t->count; i++) {
        if (!is(t->names + i, p, n)) continue;
        *hint = i + 1;
        return t->names + i;
    }
    return NULL;
}
