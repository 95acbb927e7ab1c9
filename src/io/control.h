/* src/io/control.h - the owner's Unix socket (LEDGER 17): lines of text, JSON by agreement of those who talk, each at
 * most 16 MiB. Mode 0600, and the peer's user must be ours.
 *
 * The server works on a loop and never waits for a client: one that does not read is dropped when a line would make
 * more than 16 MiB wait for it. The client blocks, every call with its time limit, for the command line. */
#pragma once
#include <uv.h>
#include "base/bytes.h"
#include "base/error.h"

enum { PAWL_CONTROL_LINE_MAX = 16 * 1024 * 1024, PAWL_CONTROL_CLIENTS_MAX = 64 };

struct pawl_control_hooks {
    void (*on_client)(void *ctx, uint64_t client);                        /* optional: one has come */
    void (*on_message)(void *ctx, uint64_t client, struct pawl_str line); /* without the newline; borrowed */
    void (*on_gone)(void *ctx, uint64_t client); /* optional: once for each that came, never from within another call */
    struct pawl_str refusal; /* optional: the line for a client that finds no place, or whose own line was too long */
    void *ctx;
};

struct pawl_control;
/* The caller holds the owner's lock: a stale socket is unlinked. PAWL_ELIMIT: the path cannot be made short enough. */
int pawl_control_open(const struct pawl_alloc *from, uv_loop_t *loop, const char *path,
                      const struct pawl_control_hooks *hooks, struct pawl_control **out, struct pawl_error *err);
/* Unlinks the socket, drops all clients after what can be written at once; no hook is called any more. Memory goes back
 * when the loop has run once more. Call it before the lock is released. NULL: fine. */
void pawl_control_close(struct pawl_control *c);
/* One line to a client, as often as wanted; `line` must hold no newline. Ids are never used again.
 * PAWL_ENOTFOUND: it is gone; PAWL_EFULL: it was too slow and is dropped (on_gone comes, later); PAWL_ENOMEM: same;
 * PAWL_ELIMIT: the line is too long, nothing was sent. */
int pawl_control_send(struct pawl_control *c, uint64_t client, struct pawl_str line);
void pawl_control_drop(struct pawl_control *c, uint64_t client); /* after what waits is written; on_gone comes, later */
uint32_t pawl_control_clients(const struct pawl_control *c);

struct pawl_control_client { /* zeroed: not connected */
    int fd_plus_1;
    struct pawl_buf in;
    size_t read_to;
};
/* Waits up to wait_ns for a socket that is not there yet or does not answer yet. PAWL_ENOTFOUND: still nobody;
 * PAWL_EREADONLY: another user's. */
int pawl_control_connect(struct pawl_control_client *k, const struct pawl_alloc *from, const char *path,
                         int64_t wait_ns, struct pawl_error *err);
void pawl_control_disconnect(struct pawl_control_client *k); /* not connected: fine */
/* PAWL_EIO: the owner has gone; what it said before can still be heard. PAWL_ETIMEDOUT, PAWL_ELIMIT: disconnect. */
int pawl_control_say(struct pawl_control_client *k, struct pawl_str line, int64_t timeout_ns, struct pawl_error *err);
/* The next line, borrowed until the next call. timeout_ns 0: only what is there, without waiting.
 * PAWL_ETIMEDOUT: none yet; PAWL_EPENDING: a signal came first; PAWL_EIO: the owner has gone; PAWL_ELIMIT. */
int pawl_control_hear(struct pawl_control_client *k, int64_t timeout_ns, struct pawl_str *line, struct pawl_error *err);
int pawl_control_fd(const struct pawl_control_client *k); /* for poll, once hear(…, 0) says PAWL_ETIMEDOUT */
