/* src/host/loop.c - events to the engine, its actions to the store, the drivers and the clients. */
#include "host/host.h"
#include "io/clock.h"
#include <string.h>

enum { PUMP_AT_ONCE = 64 }; /* events, before clients, answers and clocks are looked at again */

struct pawl_host_event *pawl_host_event(struct pawl *p, enum pawl_event_kind kind)
{
    struct pawl_host_event *e = p->alloc->resize(p->alloc->ctx, NULL, 0, sizeof *e);
    if (!e) {
        p->broken.code = PAWL_ENOMEM;
        return NULL;
    }
    memset(e, 0, sizeof *e);
    pawl_arena_init(&e->arena, p->alloc);
    e->ev.kind = kind;
    if (kind == PAWL_EV_HAND_OVER) { /* what waits in the queue must not begin anything */
        e->next = p->events;
        if (!p->events) p->events_end = &e->next;
        p->events = e;
    } else {
        *p->events_end = e;
        p->events_end = &e->next;
    }
    uv_stop(&p->loop); /* what came by a timer's callback is looked at before the loop blocks again */
    return e;
}

struct pawl_host_job *pawl_host_job_new(struct pawl *p)
{
    struct pawl_host_job *job = p->alloc->resize(p->alloc->ctx, NULL, 0, sizeof *job);
    if (!job) {
        p->broken.code = PAWL_ENOMEM;
        return NULL;
    }
    memset(job, 0, sizeof *job);
    job->p = p;
    job->w.err = &job->err;
    pawl_arena_init(&job->arena, p->alloc);
    return job;
}

void pawl_host_job_free(struct pawl_host_job *job)
{
    pawl_arena_fini(&job->arena);
    job->p->alloc->resize(job->p->alloc->ctx, job, sizeof *job, 0);
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
    if (p->engine && pawl_engine_hot(p->engine) <= 1 && pawl_writer_run_inline(p->writer, &job->w) == PAWL_OK)
        finished(job);
    else pawl_writer_submit(p->writer, &job->w);
}

void pawl_host_drain(struct pawl *p)
{
    struct pawl_writer_job *next;
    for (struct pawl_writer_job *w = p->writer ? pawl_writer_drain(p->writer) : NULL; w; w = next) {
        next = w->next;
        finished((struct pawl_host_job *)w); /* its first member */
    }
}

static void start(struct pawl *p, const struct pawl_action *a)
{
    struct pawl_host_job *job;
    switch (a->kind) {
    case PAWL_DO_COMMIT:
    case PAWL_DO_FIND:
        job = pawl_host_job_new(p);
        if (!job) return;
        job->id = a->id;
        job->commit = a->commit;
        job->find = a->find;
        pawl_host_job_submit(job);
        break;
    case PAWL_DO_ATTEMPT: pawl_attempt_begin(p, a->id, a->attempt); break;
    case PAWL_DO_CANCEL: pawl_attempt_cancel(p, a->id); break;
    case PAWL_DO_REPLY: pawl_door_answer(p, a->id, a->answer); break;
    }
}

static void step(struct pawl *p, struct pawl_event *ev)
{
    const struct pawl_action *actions;
    uint32_t count;
    ev->now_ns = pawl_clock_mono_ns();
    ev->wall_ns = pawl_clock_wall_ns();
    if (pawl_engine_step(p->engine, ev, &actions, &count)) {
        p->broken = (struct pawl_error){.code = PAWL_ENOMEM, .what = "no memory"};
        return;
    }
    for (uint32_t i = 0; i < count; i++) start(p, &actions[i]);
}

static void on_timer(uv_timer_t *t)
{
    uv_stop(t->loop); /* pump looks at the clock itself; without this the loop would go on to poll, and block */
}

bool pawl_host_interrupted(const struct pawl *p)
{
    return p->interrupts != p->interrupts_seen;
}

static bool call_is_over(struct pawl *p)
{
    if (pawl_clock_mono_ns() >= p->turn_until_ns) p->turn_over = true;
    return p->turn_over || pawl_host_interrupted(p) || (p->waits && p->waits->done);
}

/* One event through the engine; false: there is none. */
static bool pump_one(struct pawl *p)
{
    struct pawl_host_event *e = p->events;
    struct pawl_event due = {.kind = PAWL_EV_DUE};
    if (!e && pawl_engine_due_ns(p->engine) > pawl_clock_mono_ns()) return false;
    if (!e) {
        step(p, &due);
        return true;
    }
    p->events = e->next;
    if (!p->events) p->events_end = &p->events;
    step(p, &e->ev);
    if (e->job) pawl_host_job_free(e->job);
    pawl_arena_fini(&e->arena);
    p->alloc->resize(p->alloc->ctx, e, sizeof *e, 0);
    return true;
}

void pawl_host_pump(struct pawl *p)
{
    int n = 0;
    while (p->engine && !p->broken.code && n < PUMP_AT_ONCE && !(n > 0 && call_is_over(p)) && pump_one(p)) n++;
    pawl_door_sweep(p);
    if (!p->engine) return;
    const int64_t due_ns = pawl_engine_due_ns(p->engine);
    if (due_ns == INT64_MAX) {
        uv_timer_stop(&p->timer);
    } else {
        const int64_t left_ns = due_ns - pawl_clock_mono_ns();
        uv_update_time(&p->loop);
        uv_timer_start(&p->timer, on_timer, left_ns <= 0 ? 0 : (uint64_t)(left_ns + 999999) / 1000000, 0);
    }
}

static void on_turn_over(uv_timer_t *t)
{
    struct pawl *p = t->data;
    p->turn_over = true;
    uv_stop(t->loop);
}

void pawl_host_arm(struct pawl *p, int64_t timeout_ns)
{
    p->turn_over = false;
    p->turn_until_ns = pawl_clock_mono_ns() + timeout_ns;
    uv_update_time(&p->loop); /* the loop's own idea of now is as old as its last turn */
    uv_timer_start(&p->turn, on_turn_over, timeout_ns > 0 ? (uint64_t)(timeout_ns / 1000000) + 1 : 0, 0);
}

void pawl_host_disarm(struct pawl *p)
{
    p->turn_over = false;
    p->turn_until_ns = INT64_MAX;
    uv_timer_stop(&p->turn);
}

void pawl_host_poll(struct pawl *p, bool wait)
{
    pawl_host_pump(p);
    if (wait && (pawl_host_interrupted(p) || p->turn_over)) return;
    if (wait && !p->events) {
        uv_run(&p->loop, UV_RUN_ONCE);
    } else { /* a stop that is still set ends the first one at once */
        uv_run(&p->loop, UV_RUN_NOWAIT);
        uv_run(&p->loop, UV_RUN_NOWAIT);
    }
    pawl_host_drain(p);
    pawl_host_pump(p);
}

bool pawl_host_wait(struct pawl *p)
{
    pawl_host_poll(p, true);
    return !pawl_host_interrupted(p) && !p->turn_over;
}

void pawl_host_request(struct pawl *p, struct pawl_door *door, const struct pawl_request *request)
{
    struct pawl_host_event *e = pawl_host_event(p, PAWL_EV_REQUEST);
    if (!e) return;
    e->request = *request; /* its text is the door's, which lives until it is answered */
    if (door) e->ev.id = door->id;
    e->ev.request = &e->request;
}

struct pawl_id pawl_host_new_id(struct pawl *p)
{
    uint8_t bytes[10] = {0};
    pawl_random_fill(&p->random, bytes, sizeof bytes);
    return pawl_id_v7(pawl_clock_wall_ns(), bytes, &p->last_id);
}
