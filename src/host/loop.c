/* src/host/loop.c - events to the engine, its actions to the store, the drivers and the clients. */
#include "host/host.h"
#include "io/clock.h"
#include <string.h>

enum { PUMP_AT_ONCE = 64 }; /* events, before clients, answers and clocks are looked at again */

struct pawl_host_event *pawl_host_event(struct pawl *p, enum pawl_event_kind kind)
{
    struct pawl_host_event *e = p->shelf.alloc.resize(p->shelf.alloc.ctx, NULL, 0, sizeof *e);
    if (!e) {
        p->broken.code = PAWL_ENOMEM;
        return NULL;
    }
    memset(e, 0, offsetof(struct pawl_host_event, reply));
    pawl_arena_init(&e->arena, &p->shelf.alloc);
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
    p->shelf.alloc.resize(p->shelf.alloc.ctx, e, sizeof *e, 0);
    return true;
}

void pawl_host_pump(struct pawl *p)
{
    int n = 0;
    while (p->engine && !p->broken.code && n < PUMP_AT_ONCE && !(n > 0 && call_is_over(p))) {
        if (pump_one(p)) pawl_host_flush_many(p);
        else if (!pawl_host_drain(p)) break; /* what is over by now joins what is ready: fewer, larger lists */
        n++;
    }
    pawl_door_sweep(p);
    if (!p->events || !p->engine) pawl_host_flush(p);
    if (!p->engine) return;
    p->worked += (unsigned)n;
    pawl_host_rest_later(p);
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
