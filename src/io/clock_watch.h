/* src/io/clock_watch.h - says when the wall clock was set, or the machine has slept: the monotonic clock, by which timers run,
 * knows nothing of either. Costs nothing meanwhile: no wake-up (Linux: a timerfd that is cancelled when CLOCK_REALTIME is set,
 * which waking from a suspend does, too). Elsewhere it says nothing. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct pawl_clock_watch { /* zeroed: not open */
    uv_poll_t poll;
    int fd;
    bool open;
    int64_t until_ns; /* a wall clock time that does not come */
    void (*changed)(void *ctx);
    void *ctx;
};
/* `changed` is called from within the loop. It keeps no loop alive. false: it cannot be had here; nothing is open then. */
bool pawl_clock_watch_open(struct pawl_clock_watch *w, uv_loop_t *loop, void (*changed)(void *ctx), void *ctx);
/* Once its loop has closed the handle. Not open: fine. */
void pawl_clock_watch_close(struct pawl_clock_watch *w);
/* Say it at this time, too (a test's: to see the way that it takes). false: it cannot be armed. */
bool pawl_clock_watch_arm(struct pawl_clock_watch *w, int64_t wall_ns);
