/* src/host/worker.h - functions of this process that take their time, each call on a thread of its own, so that the loop
 * goes on meanwhile. Nothing can end such a thread: at the end of its time the call is over for us, and what its function
 * says later is dropped.
 *
 *   WAITING -> RUNNING      a thread is free                                       [begin]
 *   WAITING -> over         its time ends, or it is cancelled: it never began      [on_timer, pawl_worker_cancel]
 *   RUNNING -> over         the function returned                                  [on_returned]
 *   RUNNING -> LEFT         its time ended, or it was cancelled                    [on_timer, pawl_worker_cancel]
 *   LEFT    -> freed        the function returned after all; nobody hears of it    [leave]
 *
 * All calls are for the loop's thread. */
#pragma once
#include <uv.h>
#include "contract/reply.h"
#include "pawl/pawl.h"

struct pawl_workers; /* the threads of one handle */
struct pawl_worker;  /* a call under way */

struct pawl_worker_spec {
    pawl_tool_fn *fn;
    void *fn_ctx;
    const struct pawl_tool_call *call; /* copied; call->timeout_ns bounds it, from now */
    size_t answer_bytes_max;
    void (*on_done)(void *ctx, const struct pawl_reply *reply); /* once, from the loop; not after a cancel */
    void *ctx;
};

/* `loop` must run until pawl_workers_free's handles are closed. PAWL_ENOMEM, PAWL_EIO. */
int pawl_workers_new(uv_loop_t *loop, struct pawl_workers **out);
/* Threads that still run go on alone and touch nothing of ours but what they free at their end. NULL is fine. */
void pawl_workers_free(struct pawl_workers *w);
/* PAWL_ENOMEM: no memory or no thread; nothing was begun. Beyond 64 threads a call waits for one that comes free. */
int pawl_worker_start(struct pawl_workers *w, const struct pawl_worker_spec *spec, struct pawl_worker **out);
void pawl_worker_cancel(struct pawl_worker *call);

/* What a function says, as a reply: for those on the loop's thread too. `said` stays the caller's. */
bool pawl_is_verdict(enum pawl_tool_verdict verdict);
void pawl_take_verdict(struct pawl_reply *reply, enum pawl_tool_verdict verdict, struct pawl_str said, bool too_large);
