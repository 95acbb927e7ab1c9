/* src/host/jobs.c - what the writer is given to do, and what becomes of it. Commits gather here while the loop works
 * through its events, and go over in one list: a hand-off wakes another thread, which costs as much as many commits. A list
 * goes when it is worth a transaction and the writer rests, when a tool is about to hold the loop up, or at the latest when
 * the loop has nothing else to do. */
#include "host/host.h"
#include <string.h>

enum { WORTH_A_TRANSACTION = 64 };

struct pawl_host_job *pawl_host_job_new(struct pawl *p)
{
    struct pawl_host_job *job = p->shelf.alloc.resize(p->shelf.alloc.ctx, NULL, 0, sizeof *job);
    if (!job) {
        p->broken.code = PAWL_ENOMEM;
        return NULL;
    }
    memset(job, 0, offsetof(struct pawl_host_job, err));
    pawl_error_clear(&job->err);
    job->p = p;
    job->w.err = &job->err;
    pawl_arena_init(&job->arena, p->alloc);
    return job;
}

void pawl_host_job_free(struct pawl_host_job *job)
{
    pawl_arena_fini(&job->arena);
    job->p->shelf.alloc.resize(job->p->shelf.alloc.ctx, job, sizeof *job, 0);
}

/* The texts of the configurations that claimed runs name and that are not loaded here, each once. The registry belongs to
 * the loop's thread, so what is known there is sorted out later; a configuration is read once a batch. */
static int read_configs(struct pawl_host_job *job, struct pawl_store *s, struct pawl_error *err)
{
    job->configs = pawl_arena_zeroed(&job->arena, (job->found.count + 1) * sizeof *job->configs);
    if (!job->configs) return PAWL_ENOMEM;
    for (uint32_t i = 0; i < job->found.count; i++) {
        bool seen = false;
        for (uint32_t j = 0; j < i && !seen; j++)
            seen = memcmp(job->runs[i].head.config.b, job->runs[j].head.config.b, 32) == 0;
        if (!seen) s->blob(s, job->runs[i].head.config, &job->arena, &job->configs[i], err);
    }
    return PAWL_OK;
}

static int find(struct pawl_store *s, void *ctx, struct pawl_error *err)
{
    struct pawl_host_job *job = ctx;
    const struct pawl_find *f = job->find;
    struct pawl_found *out = &job->found;
    int rc = PAWL_EINTERNAL;
    switch (f->what) {
    case PAWL_FIND_CLAIM_RUNS:
        job->runs = pawl_arena_zeroed(&job->arena, f->runs.max * sizeof *job->runs);
        if (!job->runs) return PAWL_ENOMEM;
        out->count = f->runs.max;
        rc = s->claim(s, &f->runs, &job->arena, job->runs, &out->count, err);
        out->runs = job->runs;
        return rc ? rc : read_configs(job, s, err);
    case PAWL_FIND_READ:
        job->runs = pawl_arena_zeroed(&job->arena, sizeof *job->runs);
        if (!job->runs) return PAWL_ENOMEM;
        out->runs = job->runs;
        out->count = 1;
        return s->read(s, f->run, 1, &job->arena, job->runs, err);
    case PAWL_FIND_KEY: return s->find_key(s, f->key, f->request, &out->run, err);
    case PAWL_FIND_CLAIM: return s->find_claim(s, f->claim, &out->claim, err);
    case PAWL_FIND_WAKE: return s->next_wake(s, &out->wake_ns, err);
    }
    return rc;
}

static int door_read(struct pawl_store *s, void *ctx, struct pawl_error *err)
{
    struct pawl_host_job *job = ctx;
    return job->read(job, s, err);
}

static void load_configs(struct pawl_host_job *job)
{
    const struct pawl_config *config;
    for (uint32_t i = 0; job->configs && i < job->found.count; i++) {
        const struct pawl_hash hash = job->runs[i].head.config;
        if (!job->configs[i].p || pawl_registry_knows(&job->p->registry, hash)) continue;
        pawl_registry_load(&job->p->registry, job->configs[i], hash, NULL, &config);
    }
}

/* A job is over: the engine hears of it, followers see what became durable. */
static void finished(struct pawl_host_job *job)
{
    struct pawl *p = job->p;
    struct pawl_host_event *e;
    p->jobs_out--;
    if (job->after) {
        job->after(job);
        return;
    }
    e = pawl_host_event(p, job->commit ? PAWL_EV_COMMITTED : PAWL_EV_FOUND);
    if (!e) return;
    e->ev.id = job->id;
    e->ev.status = job->w.result;
    e->job = job;
    if (job->commit) {
        const bool verdict = job->w.result == job->commit->result && job->w.result != PAWL_OK;
        if (verdict) e->ev.status = PAWL_OK; /* the commit's own, in commit->result */
        p->cannot_store = job->w.result != PAWL_OK && !verdict;
        if (job->w.result == PAWL_OK && p->watch) p->watch(p->watch_ctx, job->commit);
        if (job->w.result == PAWL_OK) pawl_follow_committed(p, job->commit);
        else if (!verdict) pawl_follow_trouble(p, job->commit->head.run, job->w.result, &job->err);
        return;
    }
    load_configs(job);
    e->ev.found = &job->found;
}

void pawl_host_job_submit(struct pawl_host_job *job)
{
    struct pawl *p = job->p;
    job->w.ctx = job;
    job->w.commit = job->commit;
    job->w.call = job->commit ? NULL : job->read ? door_read : find;
    p->jobs_out++;
    /* Alone, a hand-off costs as much as the sync. */
    if (!p->ready && p->engine && pawl_engine_hot(p->engine) <= 1 &&
        pawl_writer_run_inline(p->writer, &job->w) == PAWL_OK) {
        finished(job);
        return;
    }
    job->w.next = NULL;
    *(p->ready ? p->ready_end : &p->ready) = &job->w;
    p->ready_end = &job->w.next;
    p->ready_count++;
}

void pawl_host_flush(struct pawl *p)
{
    if (!p->ready) return;
    pawl_writer_submit_all(p->writer, p->ready);
    p->ready = NULL;
    p->ready_count = 0;
}

void pawl_host_flush_many(struct pawl *p)
{
    if (p->ready_count >= WORTH_A_TRANSACTION && pawl_writer_rests(p->writer)) pawl_host_flush(p);
}

bool pawl_host_drain(struct pawl *p)
{
    struct pawl_writer_job *first = p->writer ? pawl_writer_drain(p->writer) : NULL, *next;
    for (struct pawl_writer_job *w = first; w; w = next) {
        next = w->next;
        finished((struct pawl_host_job *)w); /* its first member */
    }
    return first != NULL;
}
