/* src/io/clock.h - the two clocks. Monotonic for durations and deadlines; wall only to store, show and compare with
 * what was stored. Any thread. */
#pragma once
#include <stdint.h>

int64_t pawl_clock_mono_ns(void); /* from some point in the past; never goes back */
int64_t pawl_clock_wall_ns(void); /* since 1970, UTC; may jump */
