/* src/base/prng.c - xoshiro256** by D. Blackman and S. Vigna (2018), its state filled by S. Vigna's splitmix64.
 * Unbiased bounds by D. Lemire, Fast Random Integer Generation in an Interval (2019). */
#include "base/prng.h"
#include <assert.h>

static uint64_t rotate(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

void pawl_prng_seed(struct pawl_prng *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed += 0x9e3779b97f4a7c15;
        uint64_t z = seed;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        r->s[i] = z ^ z >> 31;
    }
}

uint64_t pawl_prng_next(struct pawl_prng *r)
{
    uint64_t *s = r->s;
    assert(s[0] | s[1] | s[2] | s[3]); /* not seeded: it would give zeroes for ever */
    const uint64_t out = rotate(s[1] * 5, 7) * 9;
    const uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return out;
}

/* 64 x 64 -> 128 bits in standard C; __int128 is not ISO. */
static uint64_t multiply(uint64_t a, uint64_t b, uint64_t *low)
{
    const uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    const uint64_t p00 = a0 * b0, p01 = a0 * b1, p10 = a1 * b0;
    const uint64_t middle = (p00 >> 32) + (uint32_t)p01 + (uint32_t)p10;
    *low = middle << 32 | (uint32_t)p00;
    return a1 * b1 + (p01 >> 32) + (p10 >> 32) + (middle >> 32);
}

uint64_t pawl_prng_below(struct pawl_prng *r, uint64_t bound)
{
    assert(bound > 0);
    uint64_t low;
    uint64_t high = multiply(pawl_prng_next(r), bound, &low);
    if (low < bound) { /* only then can the draw be of the part that would make some values likelier */
        const uint64_t threshold = (0 - bound) % bound;
        while (low < threshold) high = multiply(pawl_prng_next(r), bound, &low);
    }
    assert(high < bound);
    return high;
}

void pawl_prng_fill(struct pawl_prng *r, void *out, size_t bytes)
{
    uint8_t *p = out;
    while (bytes > 0) {
        uint64_t x = pawl_prng_next(r);
        /* low byte first, on any machine */
        for (int i = 0; i < 8 && bytes > 0; i++, bytes--, x >>= 8) *p++ = (uint8_t)x;
    }
}
