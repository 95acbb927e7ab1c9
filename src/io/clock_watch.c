/* src/io/clock_watch.c - see clock_watch.h. */
#include "io/clock_watch.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/timerfd.h>

/* A year that no machine sees; the kernel's own end is in 2262. */
static const int64_t never_ns = INT64_C(7258118400) * 1000000000;

bool pawl_clock_watch_arm(struct pawl_clock_watch *w, int64_t wall_ns)
{
    const struct itimerspec at = {
        .it_value = {.tv_sec = (time_t)(wall_ns / 1000000000), .tv_nsec = (long)(wall_ns % 1000000000)}};
    w->until_ns = wall_ns;
    /* cancelled in the meantime: it is armed all the same */
    return timerfd_settime(w->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL) == 0 || errno == ECANCELED;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct pawl_clock_watch *w = poll->data;
    uint64_t times;
    (void)events;
    const ssize_t got = status < 0 ? -1 : read(w->fd, &times, sizeof times);
    if (got < 0 && (errno == EAGAIN || errno == EINTR) && status >= 0) return; /* somebody else's wake-up */
    /* what it says but that can not be mended; without being armed anew it would say so without end */
    if (status < 0 || (got < 0 && errno != ECANCELED) || !pawl_clock_watch_arm(w, never_ns)) uv_poll_stop(poll);
    w->changed(w->ctx);
}

bool pawl_clock_watch_open(struct pawl_clock_watch *w, uv_loop_t *loop, void (*changed)(void *ctx), void *ctx)
{
    if (w->open) return true;
    w->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (w->fd < 0) return false;
    w->changed = changed;
    w->ctx = ctx;
    if (!pawl_clock_watch_arm(w, never_ns) || uv_poll_init(loop, &w->poll, w->fd)) {
        close(w->fd);
        return false;
    }
    w->open = true;
    w->poll.data = w;
    uv_poll_start(&w->poll, UV_READABLE, on_readable);
    uv_unref((uv_handle_t *)&w->poll);
    return true;
}

void pawl_clock_watch_close(struct pawl_clock_watch *w)
{
    if (w->open) close(w->fd);
    w->open = false;
}
#else
bool pawl_clock_watch_arm(struct pawl_clock_watch *w, int64_t wall_ns)
{
    (void)w, (void)wall_ns;
    return false;
}

bool pawl_clock_watch_open(struct pawl_clock_watch *w, uv_loop_t *loop, void (*changed)(void *ctx), void *ctx)
{
    (void)w, (void)loop, (void)changed, (void)ctx;
    return false;
}

void pawl_clock_watch_close(struct pawl_clock_watch *w)
{
    (void)w;
}
#endif
