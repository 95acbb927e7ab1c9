/* src/io/clock_watch_test.c - the wall clock is set: that it is said, once, and that nothing is said, and nobody woken, before.
 * Nobody sets this machine's clock for it: what the kernel would answer then (ECANCELED) is played by the read below. */
#include "io/clock_watch.h"
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/test.h"
#include "io/clock.h"

static int fd_cancelled = -1, reads;
ssize_t read(int fd, void *to, size_t n)
{
    if (fd == fd_cancelled) {
        fd_cancelled = -1;
        reads++;
        syscall(SYS_read, fd, to, n); /* it is readable no more, as after the kernel's own word */
        errno = ECANCELED;
        return -1;
    }
    return (ssize_t)syscall(SYS_read, fd, to, n);
}

static void count(void *ctx)
{
    ++*(int *)ctx;
}

static void stop(uv_timer_t *t)
{
    uv_stop(t->loop);
}

/* The loop blocks until something is said, or so long. */
static void turn(uv_loop_t *loop, uv_timer_t *end, const int *said, int ms)
{
    const int before = *said;
    uv_timer_start(end, stop, (uint64_t)ms, 0);
    while (*said == before && uv_is_active((uv_handle_t *)end)) uv_run(loop, UV_RUN_ONCE);
    uv_timer_stop(end);
}

int main(void)
{
    struct pawl_clock_watch w = {.fd = 0};
    const int64_t year_ns = INT64_C(365) * 86400 * 1000000000;
    uv_loop_t loop;
    uv_timer_t end;
    int said = 0;
    pawl_clock_watch_close(&w); /* not open: nothing */
    uv_loop_init(&loop);
    uv_timer_init(&loop, &end);
#ifdef __linux__
    CHECK(pawl_clock_watch_open(&w, &loop, count, &said));
    CHECK(w.until_ns > pawl_clock_wall_ns() + 50 * year_ns); /* it wakes nobody by itself */
    turn(&loop, &end, &said, 20);
    CHECK_INT(said, 0);
    CHECK(!uv_run(&loop, UV_RUN_NOWAIT));                            /* and keeps no loop alive */
    CHECK(pawl_clock_watch_arm(&w, pawl_clock_wall_ns() + 1000000)); /* its time comes */
    turn(&loop, &end, &said, 5000);
    CHECK_INT(said, 1);
    CHECK(w.until_ns > pawl_clock_wall_ns() + 50 * year_ns); /* armed anew */
    turn(&loop, &end, &said, 20);
    CHECK_INT(said, 1);  /* once */
    fd_cancelled = w.fd; /* the clock is set */
    CHECK(pawl_clock_watch_arm(&w, pawl_clock_wall_ns()));
    turn(&loop, &end, &said, 5000);
    CHECK_INT(reads, 1);
    CHECK_INT(said, 2);
    CHECK(w.until_ns > pawl_clock_wall_ns() + 50 * year_ns);
    CHECK(pawl_clock_watch_open(&w, &loop, count, &said)); /* it is */
    turn(&loop, &end, &said, 20);
    CHECK_INT(said, 2);
    uv_close((uv_handle_t *)&w.poll, NULL);
#else
    CHECK(!pawl_clock_watch_open(&w, &loop, count, &said));
#endif
    uv_close((uv_handle_t *)&end, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(uv_loop_close(&loop), 0);
    pawl_clock_watch_close(&w);
    CHECK(!w.open);
    return TEST_END();
}
