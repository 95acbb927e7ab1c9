/* tests/workloads/clock.h - runs that begin by the clock. Each life of pawl finds the wall clock WL_WINDOW_MINUTES further
 * than the one before did, and begins WL_BEFORE_MS before a minute is full. */
#pragma once
#include <string.h>
#include "replay.h"

enum { WL_BEFORE_MS = 250, WL_AFTER_MS = 500 };
/* The wall clock of this process shows that, now. */
void wl_clock_set(int64_t wall_ns);
/* The first owner: all schedules are seen, from now on their times count. */
int wl_clock_first(struct pawl *p, uint32_t schedules, struct pawl_error *err);
/* All others have ended: until that time, and until what ticks has ended, too. */
int wl_clock_rest(struct pawl *p, int64_t until_ns, struct pawl_error *err);
