/* src/host/clock_test.c - an owner that begins runs by the clock, at rest, and the wall clock jumps: the machine slept. It hears of
 * it by its watch alone, with no other event, and catches up. The jump is played: nobody sets this machine's clock. */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "host/embed.h"
#include "host/host.h"
#include "host/host_kit.h"
#include "io/clock.h"

static const char config[] = "version: 1\n"
                             "models: {m: {provider: script, script: [{say: done}]}}\n"
                             "agents: {a: {model: m}}\n"
                             "schedules: {yearly: {cron: \"0 0 1 1 *\", agent: a, input: hi}}\n";
static time_t slept_s;

int clock_gettime(clockid_t clock, struct timespec *t)
{
    const int rc = (int)syscall(SYS_clock_gettime, clock, t);
    if (clock == CLOCK_REALTIME) t->tv_sec += slept_s;
    return rc;
}

static int seen, begun;

static void watch(void *ctx, const struct pawl_commit *c)
{
    (void)ctx;
    seen += c->shared_count > 0;
    begun += !c->no_run && c->head.status == PAWL_DONE;
}

int main(void)
{
    kit_begin();
    struct pawl *p = kit_fresh(config);
    pawl_host_watch(p, watch, NULL);
    pawl_host_schedules(p);
    for (int i = 0; i < 500 && !seen; i++) CHECK_INT(pawl_turn(p, 10000000, NULL), PAWL_OK);
    CHECK_INT(seen, 1);
#ifdef __linux__
    CHECK(p->clock_watch.open);
    const int64_t real_ns = pawl_clock_wall_ns();
    slept_s = (time_t)400 * 86400;
    CHECK_INT(pawl_turn(p, 30000000, NULL), PAWL_OK);
    CHECK_INT(begun, 0);                                   /* its timer is a monotonic one, and far away */
    CHECK(pawl_clock_watch_arm(&p->clock_watch, real_ns)); /* the kernel says so */
    for (int i = 0; i < 500 && !begun; i++) CHECK_INT(pawl_turn(p, 10000000, NULL), PAWL_OK);
    CHECK_INT(begun, 1);
#endif
    pawl_close(p);
    return kit_end();
}
