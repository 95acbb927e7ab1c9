/* src/io/random.h - the system's random bytes (getrandom), drawn a block at a time: a call costs 250 ns. What is handed
 * out is wiped from the block. One thread; a forked child must not go on with its parent's block. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct pawl_random { /* zeroed it is ready */
    uint8_t block[4096];
    uint32_t left; /* bytes of the block not yet handed out, at its end */
};
int pawl_random_fill(struct pawl_random *r, void *out, size_t bytes); /* PAWL_OK, PAWL_EIO: the system has none */
