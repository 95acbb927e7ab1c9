/* src/store/writer.h - the one thread that writes a store, and group commit.
 *
 * Whoever owns runs (the loop) submits jobs; the writer takes all that are queued, commits their commits in one
 * transaction with one sync, then makes the calls among them, in the order in which they came. So a call sees every
 * commit that was submitted before it. When the batch is over it says so once (`done`, on the writer's thread: an
 * uv_async_send), and the loop takes the finished jobs with pawl_writer_drain. A job belongs to the writer from submit
 * until drain gives it back; none is ever dropped.
 *
 * Alone, a hand-off to the thread and back costs as much as the sync: pawl_writer_run_inline commits on the caller's
 * thread where nothing is queued and the thread rests.
 *
 * A batch that the store refuses as a whole is over with the store's error for every commit of it (the disk is full,
 * or fails). Where it may be one commit's own fault (too large, no memory for it) they are tried again one by one, so
 * that the others do not suffer for it.
 *
 * The store is used by one thread at a time; nothing else may use it while the writer is open. */
#pragma once
#include "journal/store.h"

struct pawl_writer_job {
    struct pawl_commit *commit; /* one of the two */
    int (*call)(struct pawl_store *s, void *ctx, struct pawl_error *err);
    void *ctx;              /* the caller's; handed to `call` */
    int result;             /* out: the commit's verdict or, like the call's, what went wrong */
    struct pawl_error *err; /* out, may be NULL: the detail where the store itself failed */
    struct pawl_writer_job *next;
};
struct pawl_writer_counts {
    uint64_t batches, commits, calls; /* batches: transactions with at least one commit, inline ones too */
    uint64_t inline_jobs;
    uint64_t handoffs;  /* lists that the thread was given */
    uint32_t batch_max; /* commits in the largest */
};
struct pawl_writer;
/* Told of each transaction when it is over, on the thread that made it: how long the store took, from when on. */
typedef void pawl_writer_watch_fn(void *ctx, struct pawl_commit *const *commits, uint32_t count, int64_t began_ns,
                                  int64_t ended_ns);

/* Starts the thread, which blocks all signals. `from` must be safe for it. PAWL_ENOMEM, PAWL_EIO: no thread. */
int pawl_writer_open(struct pawl_store *store, const struct pawl_alloc *from, void (*done)(void *ctx), void *ctx,
                     struct pawl_writer **out, struct pawl_error *err);
/* Any thread. Not after stop. */
void pawl_writer_submit(struct pawl_writer *w, struct pawl_writer_job *job);
/* Several, linked by `next`, in one hand-off. */
void pawl_writer_submit_all(struct pawl_writer *w, struct pawl_writer_job *first);
bool pawl_writer_rests(struct pawl_writer *w); /* it does nothing and has nothing to do */
/* The finished jobs, the first finished first, linked by `next`; NULL: none. */
struct pawl_writer_job *pawl_writer_drain(struct pawl_writer *w);
/* PAWL_OK: the job is done, here and now, and is not drained. PAWL_EBUSY: something is queued, running or not drained
 * yet: submit it. */
int pawl_writer_run_inline(struct pawl_writer *w, struct pawl_writer_job *job);
struct pawl_writer_counts pawl_writer_counts(struct pawl_writer *w);
/* For measurements; before the first job. */
void pawl_writer_watch(struct pawl_writer *w, pawl_writer_watch_fn *fn, void *ctx);
/* Waits until all that was submitted is done, then ends the thread. Drain what is left, then close. Twice is fine. */
void pawl_writer_stop(struct pawl_writer *w);
void pawl_writer_close(struct pawl_writer *w); /* stops; NULL is fine. Everything must have been drained. */
