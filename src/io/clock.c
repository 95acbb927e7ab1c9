/* src/io/clock.c - clock_gettime, both ways. */
#include "io/clock.h"
#include <assert.h>
#include <time.h>

static int64_t now(clockid_t clock)
{
    struct timespec t;
    const int failed = clock_gettime(clock, &t);
    assert(!failed); /* only for a clock that the system does not have */
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t pawl_clock_mono_ns(void)
{
    return now(CLOCK_MONOTONIC);
}

int64_t pawl_clock_wall_ns(void)
{
    return now(CLOCK_REALTIME);
}
