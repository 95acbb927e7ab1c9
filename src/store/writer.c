/* src/store/writer.c - group commit. Two lists under one mutex: what is queued, what is finished. An uncontended lock
 * costs 3 ns against 100 us of a sync, so nothing cleverer is wanted.
 *
 *   RESTING -> WORKING  the thread took what was queued, or a caller runs inline
 *   WORKING -> RESTING  what was taken is finished */
#include "store/writer.h"
#include <assert.h>
#include <signal.h>
#include <uv.h>
#include "base/error.h"
#include "io/clock.h"

enum { BATCH_MAX = 4096 }; /* commits in one transaction */

struct list {
    struct pawl_writer_job *first, **end;
};
struct pawl_writer {
    struct pawl_store *store;
    const struct pawl_alloc *from;
    void (*done)(void *ctx);
    void *ctx;
    uv_thread_t thread;
    uv_mutex_t lock; /* guards all below but `batch` */
    uv_cond_t wake;  /* the thread waits for: queued and resting, or stopping */
    struct list queued, finished;
    bool working, stopping, stopped;
    pawl_writer_watch_fn *watch;
    void *watch_ctx;
    struct pawl_writer_counts counts;
    struct pawl_commit *batch[BATCH_MAX]; /* whoever is working */
};

static void clear(struct list *l)
{
    l->first = NULL;
    l->end = &l->first;
}

/* May one commit be the reason why the store refused them all? Not where the disk is. */
static bool is_one_fault(int status)
{
    return status != PAWL_EFULL && status != PAWL_EIO && status != PAWL_EREADONLY && status != PAWL_EBUSY;
}

static void commit_alone(struct pawl_store *s, struct pawl_writer_job *job)
{
    const int status = s->commit(s, &job->commit, 1, job->err);
    job->result = status != PAWL_OK ? status : job->commit->result;
}

/* The `count` commits from `first` on, skipping calls, in one transaction. */
static void commit_batch(struct pawl_writer *w, struct pawl_writer_job *first, uint32_t count)
{
    struct pawl_error err;
    pawl_error_clear(&err);
    const int64_t began_ns = w->watch ? pawl_clock_mono_ns() : 0;
    const int status = w->store->commit(w->store, w->batch, count, &err);
    if (w->watch && status == PAWL_OK) w->watch(w->watch_ctx, w->batch, count, began_ns, pawl_clock_mono_ns());
    for (struct pawl_writer_job *job = first; count > 0; job = job->next) {
        if (job->commit == NULL) continue;
        count--;
        if (status == PAWL_OK) {
            job->result = job->commit->result;
        } else if (is_one_fault(status)) {
            commit_alone(w->store, job);
        } else {
            job->result = status;
            if (job->err != NULL) *job->err = err;
        }
    }
}

/* Does all jobs of a list, which belongs to the caller: commits first, then calls. Gives what to add to the counts. */
static struct pawl_writer_counts work(struct pawl_writer *w, struct pawl_writer_job *jobs)
{
    struct pawl_writer_counts counts = {0};
    struct pawl_writer_job *first = jobs;
    uint32_t count = 0;
    for (struct pawl_writer_job *job = jobs; job != NULL; job = job->next) {
        if (job->commit != NULL) w->batch[count++] = job->commit;
        if (count == 0 || (count < BATCH_MAX && job->next != NULL)) continue;
        commit_batch(w, first, count);
        counts.batches++;
        counts.commits += count;
        if (count > counts.batch_max) counts.batch_max = count;
        first = job->next;
        count = 0;
    }
    for (struct pawl_writer_job *job = jobs; job != NULL; job = job->next) {
        if (job->call == NULL) continue;
        job->result = job->call(w->store, job->ctx, job->err);
        counts.calls++;
    }
    return counts;
}

static void count_up(struct pawl_writer_counts *all, struct pawl_writer_counts more)
{
    all->batches += more.batches;
    all->commits += more.commits;
    all->calls += more.calls;
    all->inline_jobs += more.inline_jobs;
    all->handoffs += more.handoffs;
    if (more.batch_max > all->batch_max) all->batch_max = more.batch_max;
}

static void run(void *ctx)
{
    struct pawl_writer *w = ctx;
    uv_mutex_lock(&w->lock);
    for (;;) {
        while (w->working || (w->queued.first == NULL && !w->stopping)) uv_cond_wait(&w->wake, &w->lock);
        if (w->queued.first == NULL) break; /* stopping, and all is done */
        const struct list taken = w->queued;
        clear(&w->queued);
        w->working = true;
        uv_mutex_unlock(&w->lock);
        struct pawl_writer_counts counts = work(w, taken.first);
        counts.handoffs = 1;
        uv_mutex_lock(&w->lock);
        count_up(&w->counts, counts);
        *w->finished.end = taken.first;
        w->finished.end = taken.end;
        w->working = false;
        uv_mutex_unlock(&w->lock);
        w->done(w->ctx);
        uv_mutex_lock(&w->lock);
    }
    uv_mutex_unlock(&w->lock);
}

/* Signals are for the threads of the program that we live in, not for ours. */
static int start_thread(struct pawl_writer *w)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int rc = uv_thread_create(&w->thread, run, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

int pawl_writer_open(struct pawl_store *store, const struct pawl_alloc *from, void (*done)(void *ctx), void *ctx,
                     struct pawl_writer **out, struct pawl_error *err)
{
    static const char next[] = "free some memory, or allow more threads, and try again";
    struct pawl_writer *w = from->resize(from->ctx, NULL, 0, sizeof *w);
    if (w == NULL) return pawl_fail(err, PAWL_ENOMEM, "writer", next, "no memory");
    *w = (struct pawl_writer){.store = store, .from = from, .done = done, .ctx = ctx};
    clear(&w->queued);
    clear(&w->finished);
    int rc = uv_mutex_init(&w->lock);
    if (rc != 0) goto no_lock;
    rc = uv_cond_init(&w->wake);
    if (rc != 0) goto no_wake;
    rc = start_thread(w);
    if (rc != 0) goto no_thread;
    *out = w;
    return PAWL_OK;
no_thread:
    uv_cond_destroy(&w->wake);
no_wake:
    uv_mutex_destroy(&w->lock);
no_lock:
    from->resize(from->ctx, w, sizeof *w, 0);
    return pawl_fail(err, PAWL_EIO, "writer", next, "expected a thread from the system: %s", uv_strerror(rc));
}

void pawl_writer_submit_all(struct pawl_writer *w, struct pawl_writer_job *first)
{
    struct pawl_writer_job *last = first;
    assert((first->commit != NULL) != (first->call != NULL));
    while (last->next != NULL) {
        last = last->next;
        assert((last->commit != NULL) != (last->call != NULL));
    }
    uv_mutex_lock(&w->lock);
    assert(!w->stopping);
    *w->queued.end = first;
    w->queued.end = &last->next;
    if (!w->working) uv_cond_signal(&w->wake); /* at work it looks by itself */
    uv_mutex_unlock(&w->lock);
}

void pawl_writer_submit(struct pawl_writer *w, struct pawl_writer_job *job)
{
    job->next = NULL;
    pawl_writer_submit_all(w, job);
}

bool pawl_writer_rests(struct pawl_writer *w)
{
    uv_mutex_lock(&w->lock);
    const bool rests = !w->working && w->queued.first == NULL;
    uv_mutex_unlock(&w->lock);
    return rests;
}

struct pawl_writer_job *pawl_writer_drain(struct pawl_writer *w)
{
    uv_mutex_lock(&w->lock);
    struct pawl_writer_job *jobs = w->finished.first;
    clear(&w->finished);
    uv_mutex_unlock(&w->lock);
    return jobs;
}

int pawl_writer_run_inline(struct pawl_writer *w, struct pawl_writer_job *job)
{
    assert((job->commit != NULL) != (job->call != NULL));
    uv_mutex_lock(&w->lock);
    const bool rests = !w->working && w->queued.first == NULL && w->finished.first == NULL && !w->stopping;
    w->working = w->working || rests;
    uv_mutex_unlock(&w->lock);
    if (!rests) return PAWL_EBUSY;
    job->next = NULL;
    struct pawl_writer_counts counts = work(w, job);
    counts.inline_jobs = 1;
    uv_mutex_lock(&w->lock);
    count_up(&w->counts, counts);
    w->working = false;
    if (w->queued.first != NULL || w->stopping) uv_cond_signal(&w->wake); /* submitted meanwhile, by another thread */
    uv_mutex_unlock(&w->lock);
    return PAWL_OK;
}

struct pawl_writer_counts pawl_writer_counts(struct pawl_writer *w)
{
    uv_mutex_lock(&w->lock);
    const struct pawl_writer_counts counts = w->counts;
    uv_mutex_unlock(&w->lock);
    return counts;
}

void pawl_writer_watch(struct pawl_writer *w, pawl_writer_watch_fn *fn, void *ctx)
{
    uv_mutex_lock(&w->lock);
    w->watch = fn;
    w->watch_ctx = ctx;
    uv_mutex_unlock(&w->lock);
}

void pawl_writer_stop(struct pawl_writer *w)
{
    uv_mutex_lock(&w->lock);
    w->stopping = true;
    uv_cond_signal(&w->wake);
    uv_mutex_unlock(&w->lock);
    if (w->stopped) return;
    uv_thread_join(&w->thread);
    w->stopped = true;
}

void pawl_writer_close(struct pawl_writer *w)
{
    if (w == NULL) return;
    pawl_writer_stop(w);
    assert(w->queued.first == NULL);
    assert(w->finished.first == NULL);
    uv_cond_destroy(&w->wake);
    uv_mutex_destroy(&w->lock);
    w->from->resize(w->from->ctx, w, sizeof *w, 0);
}
