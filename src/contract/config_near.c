/* src/contract/config_near.c - the nearest name: optimal string alignment distance, letters' case ignored. */
#include "contract/config_read.h"

enum { LENGTH_MAX = 40 };

static char low(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static uint32_t min_of(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Insertions, deletions, replacements and swaps of neighbours. */
static uint32_t distance_of(struct pawl_str a, struct pawl_str b)
{
    uint32_t rows[3][LENGTH_MAX + 1];
    for (uint32_t k = 0; k <= b.n; k++) rows[0][k] = k;
    for (uint32_t i = 1; i <= a.n; i++) {
        uint32_t *now = rows[i % 3];
        const uint32_t *before = rows[(i - 1) % 3], *earlier = rows[(i + 1) % 3];
        now[0] = i;
        for (uint32_t k = 1; k <= b.n; k++) {
            const char x = low(a.p[i - 1]), y = low(b.p[k - 1]);
            now[k] = min_of(min_of(before[k], now[k - 1]) + 1, before[k - 1] + (x != y));
            if (i > 1 && k > 1 && x == low(b.p[k - 2]) && low(a.p[i - 2]) == y)
                now[k] = min_of(now[k], earlier[k - 2] + 1);
        }
    }
    return rows[a.n % 3][b.n];
}

static bool begins(struct pawl_str a, struct pawl_str b)
{
    return a.n >= 3 && a.n < b.n && pawl_str_eq(a, (struct pawl_str){b.p, a.n});
}

void pawl_near_try(struct pawl_near *n, struct pawl_str candidate)
{
    if (n->name.n == 0 || n->name.n > LENGTH_MAX || candidate.n == 0 || candidate.n > LENGTH_MAX) return;
    const uint32_t shorter = min_of(n->name.n, candidate.n), bound = shorter < 2   ? 0
                                                                     : shorter < 5 ? 1
                                                                     : shorter < 8 ? 2
                                                                                   : 3;
    uint32_t d = distance_of(n->name, candidate);
    if (d > bound && (begins(n->name, candidate) || begins(candidate, n->name))) d = bound;
    if (d > bound || (n->best.p && d >= n->distance)) return;
    n->best = candidate;
    n->distance = d;
}
