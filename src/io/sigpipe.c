/* src/io/sigpipe.c - block, let the call run, take back the signal that it left, unblock. A SIGPIPE from a write goes
 * to the thread that wrote, so what is pending here and was not before is ours. */
#include "io/sigpipe.h"
#include <errno.h>
#include <pthread.h>
#include <time.h>

static bool is_pending(void)
{
    sigset_t pending;
    sigemptyset(&pending);
    sigpending(&pending);
    return sigismember(&pending, SIGPIPE) == 1;
}

void pawl_sigpipe_hold(struct pawl_sigpipe *s)
{
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &s->before);
    s->blocked = sigismember(&s->before, SIGPIPE) == 1;
    s->pending = is_pending();
}

void pawl_sigpipe_release(struct pawl_sigpipe *s)
{
    const int kept = errno;
    if (!s->pending && is_pending()) {
        sigset_t pipe;
        sigemptyset(&pipe);
        sigaddset(&pipe, SIGPIPE);
#ifdef __APPLE__
        int taken;
        sigwait(&pipe, &taken); /* is pending: does not wait */
#else
        while (sigtimedwait(&pipe, NULL, &(struct timespec){0}) < 0 && errno == EINTR) continue;
#endif
    }
    if (!s->blocked) pthread_sigmask(SIG_SETMASK, &s->before, NULL);
    errno = kept;
}
