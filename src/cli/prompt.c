/* src/cli/prompt.c - a question at the terminal. While the person thinks the handle is driven: an owner goes on with its runs
 * and answers other processes, be it about this very question. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>
#include "cli/cli.h"

struct watch {
    struct pawl *p;
    int stop[2]; /* closing the second ends the watch */
};

static void *watch(void *ctx)
{
    const struct watch *w = ctx;
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = w->stop[0], .events = POLLIN}};
    while (poll(fds, 2, -1) < 0 && errno == EINTR) {
    }
    if (fds[0].revents) pawl_interrupt(w->p, false);
    return NULL;
}

static bool has_input(void)
{
    struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&fd, 1, 0) > 0;
}

/* Until something can be read. false: interrupted, or the handle cannot be driven any more. */
static bool drive_until_input(struct cli *c)
{
    struct watch w = {.p = c->p};
    struct pawl_error err = {0};
    pthread_t thread;
    int rc;
    if (has_input()) return true;
    if (pipe2(w.stop, O_CLOEXEC)) return true; /* then it is waited for as it is */
    if (pthread_create(&thread, NULL, watch, &w)) return close(w.stop[0]), close(w.stop[1]), true;
    rc = pawl_turn(c->p, -1, &err);
    close(w.stop[1]);
    pthread_join(thread, NULL);
    close(w.stop[0]);
    return has_input() || rc == PAWL_OK;
}

bool cli_line(struct cli *c, const char *prompt, char *out, size_t size)
{
    size_t n = 0;
    cli_text(c, CLI_BOLD, prompt);
    if (!cli_flush(c)) return false;
    while (n == 0 && c->p && !has_input())
        if (!drive_until_input(c)) return false;
    for (;;) {
        char ch;
        const ssize_t got = read(STDIN_FILENO, &ch, 1);
        if (got <= 0 || ch == '\n') {
            out[n] = 0;
            return got > 0 || n > 0;
        }
        if (n + 1 < size) out[n++] = ch;
    }
}
