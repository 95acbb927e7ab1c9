/* tests/workloads/clock.c - lives of pawl that begin by the clock: its wall clock, and what it needs to begin runs by it. */
#include "clock.h"
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "host/embed.h"

static struct { /* of this process, from its beginning on */
    bool moved;
    int64_t wall_ns, mono_ns;
} ahead;

static int64_t ns(const struct timespec *t)
{
    return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

/* In place of the system's: a time of day that a test can do without waiting for. */
int clock_gettime(clockid_t clock, struct timespec *t)
{
    struct timespec mono;
    const int rc = (int)syscall(SYS_clock_gettime, clock, t);
    if (rc || clock != CLOCK_REALTIME || !ahead.moved) return rc;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &mono);
    const int64_t wall_ns = ahead.wall_ns + ns(&mono) - ahead.mono_ns;
    *t = (struct timespec){.tv_sec = (time_t)(wall_ns / 1000000000), .tv_nsec = wall_ns % 1000000000};
    return 0;
}

void wl_clock_set(int64_t wall_ns)
{
    struct timespec mono;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &mono);
    ahead.mono_ns = ns(&mono);
    ahead.wall_ns = wall_ns;
    ahead.moved = true;
}

static void count_seen(void *ctx, const struct pawl_commit *c)
{
    uint32_t *seen = ctx;
    *seen += c->shared_count;
}

int wl_clock_first(struct pawl *p, uint32_t schedules, struct pawl_error *err)
{
    uint32_t seen = 0;
    int rc = PAWL_OK;
    pawl_host_watch(p, count_seen, &seen);
    pawl_host_schedules(p);
    while (rc == PAWL_OK && seen < schedules) rc = pawl_turn(p, 10000000, err);
    pawl_host_watch(p, NULL, NULL);
    return rc;
}

static int count_live(void *ctx, const char *json, size_t bytes)
{
    uint32_t *live = ctx;
    *live = bytes > 11 && strncmp(json, "{\"runs\":[]", 10) != 0;
    return 0;
}

int wl_clock_rest(struct pawl *p, int64_t until_ns, struct pawl_error *err)
{
    static const char ask[] = "{\"do\":\"list\",\"agent\":\"ticker\",\"status\":[\"running\",\"waiting\"],\"max\":1}";
    uint32_t live = 1;
    struct timespec now;
    int rc = PAWL_OK;
    while (rc == PAWL_OK && live) {
        if ((rc = pawl_turn(p, 20000000, err)) == PAWL_OK) rc = pawl_call(p, ask, count_live, &live, err);
        clock_gettime(CLOCK_REALTIME, &now);
        if (ns(&now) < until_ns) live = 1;
    }
    return rc;
}
