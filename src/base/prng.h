/* src/base/prng.h - xoshiro256** (Blackman, Vigna 2018), seeded by splitmix64. Not for secrets. */
#pragma once
#include <stddef.h>
#include <stdint.h>
struct pawl_prng {
    uint64_t s[4];
};
void pawl_prng_seed(struct pawl_prng *r, uint64_t seed);
uint64_t pawl_prng_next(struct pawl_prng *r);
uint64_t pawl_prng_below(struct pawl_prng *r, uint64_t bound); /* 0 <= x < bound, unbiased; bound > 0 */
void pawl_prng_fill(struct pawl_prng *r, void *out, size_t bytes);
