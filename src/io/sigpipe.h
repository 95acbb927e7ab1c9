/* src/io/sigpipe.h - writes to a peer that went away must not kill the program that embeds libpawl, and its signal
 * handling is not ours to change: SIGPIPE is held back in this thread around calls that write to pipes, or to sockets
 * by way of libraries (OpenSSL), and swallowed if that call raised it. Sockets of our own use MSG_NOSIGNAL. */
#pragma once
#include <signal.h>
#include <stdbool.h>

struct pawl_sigpipe {
    sigset_t before;
    bool pending, blocked; /* as it was */
};
void pawl_sigpipe_hold(struct pawl_sigpipe *s);
void pawl_sigpipe_release(struct pawl_sigpipe *s); /* same thread; keeps errno */
