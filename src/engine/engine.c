/* src/engine/engine.c - events in, actions out: ids, timers, and who an event is for. */
#include "engine/hot.h"
#include <assert.h>
#include <string.h>

void *pawl_engine_get(struct pawl_engine *e, size_t bytes)
{
    void *p = e->from->resize(e->from->ctx, NULL, 0, bytes);
    if (p) memset(p, 0, bytes);
    else e->rc = PAWL_ENOMEM;
    return p;
}

void pawl_engine_put(struct pawl_engine *e, void *p, size_t bytes)
{
    if (p) e->from->resize(e->from->ctx, p, bytes, 0);
}

struct pawl_action *pawl_engine_act(struct pawl_engine *e, enum pawl_action_kind kind)
{
    if (e->actions_count == e->actions_size) {
        const uint32_t size = e->actions_size ? e->actions_size * 2 : 64;
        void *p =
            e->from->resize(e->from->ctx, e->actions, e->actions_size * sizeof *e->actions, size * sizeof *e->actions);
        if (!p) return e->rc = PAWL_ENOMEM, NULL;
        e->actions = p;
        e->actions_size = size;
    }
    struct pawl_action *a = &e->actions[e->actions_count++];
    memset(a, 0, sizeof *a);
    a->kind = kind;
    return a;
}

struct pawl_pending *pawl_engine_await(struct pawl_engine *e, enum pawl_pending_of of)
{
    struct pawl_pending *p = pawl_engine_get(e, sizeof *p);
    if (!p) return NULL;
    p->id = ++e->ids;
    p->of = of;
    if (pawl_map_put(&e->pending, &p->id, sizeof p->id, p) == PAWL_OK) return p;
    pawl_engine_put(e, p, sizeof *p);
    e->rc = PAWL_ENOMEM;
    return NULL;
}

void pawl_engine_forget(struct pawl_engine *e, uint64_t id)
{
    struct pawl_pending *p = pawl_map_get(&e->pending, &id, sizeof id);
    if (!p) return;
    if (p->of == PAWL_OF_SLOT_FIND) { /* the env may be reading our question: it stays until it is answered */
        p->slot = NULL;
        return;
    }
    pawl_map_take(&e->pending, &id, sizeof id);
    pawl_engine_put(e, p, sizeof *p);
}

/* The answer to a search is no longer wanted; what was asked stays the env's until it comes. */
void pawl_engine_abandon(struct pawl_engine *e, uint64_t id)
{
    struct pawl_pending *p = pawl_map_get(&e->pending, &id, sizeof id);
    if (!p) return;
    p->of = PAWL_OF_NOBODY;
    p->slot = NULL;
}

/* An action of this very step, not yet handed out, is not to be done after all. false: it is out already. */
bool pawl_engine_take_back(struct pawl_engine *e, uint64_t id)
{
    for (uint32_t i = e->actions_count; i-- > 0;) {
        if (e->actions[i].id != id || e->actions[i].kind != PAWL_DO_ATTEMPT) continue;
        e->actions_count--;
        memmove(&e->actions[i], &e->actions[i + 1], (e->actions_count - i) * sizeof *e->actions);
        return true;
    }
    return false;
}

uint64_t pawl_engine_find(struct pawl_engine *e, enum pawl_pending_of of, const struct pawl_find *find,
                          struct pawl_slot *slot, struct pawl_asking *asking)
{
    struct pawl_pending *p = pawl_engine_await(e, of);
    struct pawl_action *a = p ? pawl_engine_act(e, PAWL_DO_FIND) : NULL;
    if (!a) {
        pawl_asking_free(e, asking);
        return 0;
    }
    p->find = *find;
    p->slot = slot;
    p->asking = asking;
    p->run = find->runs.run;
    a->id = p->id;
    a->find = &p->find;
    return p->id;
}

/* Wall-clock times are compared with stored ones; the heap runs on the monotonic clock, so that a clock that jumps
 * moves no wait that has begun. */
void pawl_engine_timer(struct pawl_engine *e, struct pawl_timer *t, int64_t wall_ns)
{
    int64_t due_ns;
    if (wall_ns == PAWL_NEVER) {
        pawl_heap_drop(&e->timers, &t->node);
        return;
    }
    due_ns = wall_ns <= e->wall_ns ? e->now_ns : e->now_ns + (wall_ns - e->wall_ns);
    if (due_ns < e->now_ns) due_ns = INT64_MAX - 1;
    if (pawl_heap_set(&e->timers, &t->node, due_ns)) e->rc = PAWL_ENOMEM;
}

void pawl_engine_claim_due(struct pawl_engine *e)
{
    const struct pawl_find due = {.what = PAWL_FIND_CLAIM_RUNS,
                                  .runs = {.due_ns = e->wall_ns,
                                           .max = PAWL_CLAIM_BATCH,
                                           .lease_until_ns = PAWL_NEVER}};
    if (e->claiming || e->handing_over) return;
    e->more = e->hot.count >= PAWL_HOT_MAX;
    if (e->more) return;
    e->claim_failed = e->wake_failed = false;
    e->claiming = pawl_engine_find(e, PAWL_OF_RUNS, &due, NULL, NULL) != 0;
}

/* Claiming due runs asks anew when the next one is, so one timer does for both. */
static void set_wake(struct pawl_engine *e)
{
    const bool failed = e->claim_failed || e->wake_failed;
    pawl_engine_timer(e, &e->wake, failed && e->again_wall_ns < e->wake_wall_ns ? e->again_wall_ns : e->wake_wall_ns);
}

void pawl_engine_wake_at(struct pawl_engine *e, int64_t wall_ns)
{
    e->wake_wall_ns = wall_ns;
    set_wake(e);
}

/* The store could not tell: look again in a second. */
static void look_again(struct pawl_engine *e, bool *failed)
{
    *failed = true;
    e->again_wall_ns = e->wall_ns + 1000000000;
    set_wake(e);
}

static void ask_wake(struct pawl_engine *e)
{
    const struct pawl_find wake = {.what = PAWL_FIND_WAKE};
    pawl_engine_find(e, PAWL_OF_WAKE, &wake, NULL, NULL);
}

static void start(struct pawl_engine *e, const struct pawl_event *in)
{
    pawl_prng_seed(&e->prng, in->seed);
    memcpy(e->store_id, in->store_id, sizeof e->store_id);
    e->instance = in->instance;
    e->rc = pawl_shared_load(&e->shared, in->shared, in->shared_count);
    pawl_engine_claim_due(e);
    ask_wake(e);
    pawl_child_start(e, in->shared, in->shared_count);
    pawl_schedules_start(e, in->shared, in->shared_count);
}

static void runs_found(struct pawl_engine *e, const struct pawl_event *in)
{
    e->claiming = false;
    if (in->status || !in->found) {
        look_again(e, &e->claim_failed);
        return;
    }
    for (uint32_t i = 0; i < in->found->count; i++) pawl_hot_load(e, &in->found->runs[i]);
    if (in->found->count == PAWL_CLAIM_BATCH) pawl_engine_claim_due(e);
    else ask_wake(e);
}

static void one_found(struct pawl_engine *e, const struct pawl_event *in, struct pawl_id run)
{
    struct pawl_loading *l = pawl_map_take(&e->loading, run.b, sizeof run.b);
    struct pawl_asking *next;
    struct pawl_hot *h = NULL;
    if (!l) return;
    if (in->status == PAWL_OK && in->found->count == 1) {
        const struct pawl_run_records *stored = &in->found->runs[0];
        if (stored->head.status < PAWL_DONE) pawl_hot_load(e, stored);
        h = pawl_hot_find(e, run);
        for (struct pawl_asking *a = l->askings; a; a = next) {
            next = a->next;
            if (stored->head.status >= PAWL_DONE && pawl_again_reopens(a->request.what) && !pawl_hot_find(e, run))
                pawl_hot_load(e, stored);
            h = pawl_hot_find(e, run);
            if (!h && stored->head.status >= PAWL_DONE) pawl_request_ended(e, a, stored);
            else if (h) pawl_request_to(e, a, h);
            else
                pawl_request_refuse(e, a->id, run, PAWL_ECORRUPT, "the run cannot be read", "run pawl verify"),
                    pawl_asking_free(e, a);
        }
    } else {
        const bool none = in->status == PAWL_OK || in->status == PAWL_ENOTFOUND;
        pawl_evicted_failed(e, run);
        for (struct pawl_asking *a = l->askings; a; a = next) {
            next = a->next;
            if (none) pawl_request_refuse(e, a->id, run, PAWL_ENOTFOUND, "there is no such run", "pawl ls");
            else pawl_request_refuse_store(e, a->id, run, in->status);
            pawl_asking_free(e, a);
        }
    }
    pawl_engine_put(e, l, sizeof *l);
}

static void wake_found(struct pawl_engine *e, const struct pawl_event *in)
{
    if (in->status || !in->found) {
        look_again(e, &e->wake_failed);
        return;
    }
    e->wake_failed = false;
    pawl_engine_wake_at(e, in->found->wake_ns);
}

/* An answer to one of our actions. Its pending entry goes; what comes twice, or late, finds none and is ignored. */
static void answered(struct pawl_engine *e, const struct pawl_event *in)
{
    struct pawl_pending *p = pawl_map_take(&e->pending, &in->id, sizeof in->id);
    if (!p) return;
    switch (p->of) {
    case PAWL_OF_SLOT_ATTEMPT: pawl_slot_done(p->slot, in->reply); break;
    case PAWL_OF_SLOT_FIND:
        if (p->slot) pawl_slot_found(p->slot, in->status, in->found);
        break;
    case PAWL_OF_COMMIT: pawl_hot_committed(p->hot, in->status); break;
    case PAWL_OF_RUNS: runs_found(e, in); break;
    case PAWL_OF_ONE: one_found(e, in, p->run); break;
    case PAWL_OF_KEY: pawl_request_key_found(e, p->asking, in->status, in->found ? in->found->run : p->run); break;
    case PAWL_OF_KEY_READ: pawl_request_key_read(e, p->asking, in->status, in->found); break;
    case PAWL_OF_WAKE: wake_found(e, in); break;
    case PAWL_OF_COMMON: pawl_common_committed(e, p, in->status); break;
    case PAWL_OF_CHILD: break; /* pawl_child_answered takes it */
    case PAWL_OF_SCHEDULE: pawl_schedule_answered(e, p, in); break;
    case PAWL_OF_NOBODY: break;
    }
    pawl_engine_put(e, p, sizeof *p);
}

static void timer(struct pawl_engine *e, struct pawl_timer *t)
{
    struct pawl_hot *h = t->owner;
    switch (t->of) {
    case PAWL_TIMER_SLOT: pawl_slot_drive(t->owner); break;
    case PAWL_TIMER_RUN:
        pawl_hot_abort(h, PAWL_FAILED_RUN, PAWL_CLASS_DEADLINE_EXCEEDED, "the run's time is over",
                       (struct pawl_str){NULL, 0}, PAWL_STR("deadline"));
        break;
    case PAWL_TIMER_COMMIT: pawl_hot_resend(h); break;
    case PAWL_TIMER_WAKE: pawl_engine_claim_due(e); break;
    case PAWL_TIMER_ROOM: pawl_pools_turn(&e->shared, e->now_ns); break;
    case PAWL_TIMER_EVICTED: pawl_evicted_due(e, t->owner); break;
    case PAWL_TIMER_TELL: pawl_child_tell(e); break;
    case PAWL_TIMER_SCHEDULE: pawl_schedule_due(t->owner); break;
    }
}

static void due(struct pawl_engine *e)
{
    for (struct pawl_heap_node *n; (n = pawl_heap_first(&e->timers)) != NULL && n->due_ns <= e->now_ns && !e->rc;) {
        pawl_heap_drop(&e->timers, n);
        timer(e, (struct pawl_timer *)n);
    }
}

static void hand_over(struct pawl_engine *e)
{
    struct pawl_map_entry *entry;
    e->handing_over = true;
    for (uint32_t i = 0; (entry = pawl_map_next(&e->hot, &i)) != NULL;) pawl_hot_dirty(entry->value);
    for (uint32_t i = 0; (entry = pawl_map_next(&e->quotas, &i)) != NULL;)
        ((struct pawl_quota *)entry->value)->changed = true;
}

static void wait_for_room(struct pawl_engine *e)
{
    const int64_t due_ns = pawl_pools_due_ns(&e->shared, e->now_ns);
    if (due_ns == PAWL_NEVER) pawl_heap_drop(&e->timers, &e->room.node);
    else if (pawl_heap_set(&e->timers, &e->room.node, due_ns)) e->rc = PAWL_ENOMEM;
}

/* Everything that this event touched: commit it together, park what can be parked. */
static void settle(struct pawl_engine *e)
{
    struct pawl_pass *p;
    do {
        while ((e->dirty || e->shared.ready.first) && !e->rc) {
            while (!e->rc && (p = pawl_shared_ready(&e->shared)) != NULL) pawl_slot_drive((struct pawl_slot *)p);
            if (!e->dirty) break;
            struct pawl_hot *h = e->dirty;
            e->dirty = h->next_dirty;
            h->dirty = false;
            pawl_hot_settle(h);
        }
    } while (!e->rc && pawl_quotas_turn(e));
    if (e->more && e->hot.count < PAWL_HOT_MAX / 2) pawl_engine_claim_due(e);
    if (e->shared.pools.count) wait_for_room(e);
}

int pawl_engine_step(struct pawl_engine *e, const struct pawl_event *in, const struct pawl_action **out, uint32_t *n)
{
    assert(in->now_ns >= e->now_ns);
    e->now_ns = in->now_ns;
    e->wall_ns = in->wall_ns;
    e->actions_count = 0;
    pawl_arena_reset(&e->step);
    switch (in->kind) {
    case PAWL_EV_START: start(e, in); break;
    case PAWL_EV_REQUEST: pawl_engine_request(e, in->id, in->request); break;
    case PAWL_EV_COMMITTED:
    case PAWL_EV_FOUND:
    case PAWL_EV_DONE: answered(e, in); break;
    case PAWL_EV_DUE: break;
    case PAWL_EV_HAND_OVER: hand_over(e); break;
    }
    due(e);
    if (e->schedules_of) pawl_schedules_clock(e);
    settle(e);
    *out = e->actions;
    *n = e->actions_count;
    return e->rc;
}

int64_t pawl_engine_due_ns(const struct pawl_engine *e)
{
    const struct pawl_heap_node *n = pawl_heap_first(&e->timers);
    return n ? n->due_ns : INT64_MAX;
}

bool pawl_engine_idle(const struct pawl_engine *e)
{
    return e->hot.count == 0 && e->pending.count == 0 && (!e->tells || e->handing_over);
}

uint32_t pawl_engine_hot(const struct pawl_engine *e)
{
    return e->hot.count;
}

const struct pawl_run *pawl_engine_run(const struct pawl_engine *e, struct pawl_id run)
{
    const struct pawl_hot *h = pawl_hot_find(e, run);
    return h ? &h->run : NULL;
}

const struct pawl_pool_state *pawl_engine_pool(const struct pawl_engine *e, struct pawl_str name)
{
    return pawl_map_get(&e->shared.pools, name.p, name.n);
}

const struct pawl_circuit *pawl_engine_circuit(const struct pawl_engine *e, const char *kind, struct pawl_str name)
{
    const struct pawl_dependency *d = pawl_shared_find(&e->shared, kind, name);
    return d ? &d->circuit : NULL;
}

bool pawl_engine_head(const struct pawl_engine *e, struct pawl_id run, struct pawl_head *out)
{
    const struct pawl_hot *h = pawl_hot_find(e, run);
    if (h) *out = h->head;
    return h != NULL;
}

bool pawl_engine_rest(const struct pawl_engine *e, struct pawl_id run, struct pawl_rest *out)
{
    const struct pawl_hot *h = pawl_hot_find(e, run);
    const struct pawl_evicted *v = h ? NULL : pawl_map_get(&e->evicted, run.b, sizeof run.b);
    if (h) *out = pawl_hot_rest(h);
    else if (v) *out = v->rest;
    return h || v;
}

int pawl_engine_new(const struct pawl_alloc *from, const struct pawl_ports *ports, struct pawl_engine **out)
{
    struct pawl_engine *e = from->resize(from->ctx, NULL, 0, sizeof *e);
    if (!e) return PAWL_ENOMEM;
    memset(e, 0, sizeof *e);
    e->from = from;
    e->ports = *ports;
    e->wake_wall_ns = PAWL_NEVER;
    e->room = (struct pawl_timer){.of = PAWL_TIMER_ROOM, .owner = e};
    e->telling = (struct pawl_timer){.of = PAWL_TIMER_TELL, .owner = e};
    e->wake = (struct pawl_timer){.of = PAWL_TIMER_WAKE, .owner = e};
    pawl_map_init(&e->hot, from);
    pawl_map_init(&e->loading, from);
    pawl_map_init(&e->claims, from);
    pawl_map_init(&e->pending, from);
    pawl_map_init(&e->quotas, from);
    pawl_map_init(&e->evicted, from);
    pawl_heap_init(&e->timers, from);
    pawl_shared_init(&e->shared, from);
    pawl_arena_init(&e->step, from);
    *out = e;
    return PAWL_OK;
}

static void free_values(struct pawl_engine *e, struct pawl_map *m, size_t bytes)
{
    struct pawl_map_entry *entry;
    for (uint32_t i = 0; (entry = pawl_map_next(m, &i)) != NULL;) pawl_engine_put(e, entry->value, bytes);
    pawl_map_fini(m);
}

void pawl_engine_free(struct pawl_engine *e)
{
    struct pawl_map_entry *entry;
    if (!e) return;
    for (uint32_t i = 0; (entry = pawl_map_next(&e->pending, &i)) != NULL;) {
        struct pawl_pending *p = entry->value;
        if (p->asking) pawl_asking_free(e, p->asking);
        pawl_common_free(e, p);
    }
    for (uint32_t i = 0; (entry = pawl_map_next(&e->loading, &i)) != NULL;) {
        struct pawl_loading *l = entry->value;
        for (struct pawl_asking *a = l->askings, *next; a; a = next) next = a->next, pawl_asking_free(e, a);
    }
    for (uint32_t i = 0; (entry = pawl_map_next(&e->hot, &i)) != NULL;) pawl_hot_drop(entry->value);
    pawl_quotas_free(e);
    pawl_schedules_free(e);
    for (struct pawl_tell *t = e->tells, *next; t; t = next) next = t->next, pawl_engine_put(e, t, sizeof *t);
    free_values(e, &e->claims, sizeof(struct pawl_claim_entry));
    free_values(e, &e->pending, sizeof(struct pawl_pending));
    free_values(e, &e->loading, sizeof(struct pawl_loading));
    pawl_map_fini(&e->hot);
    pawl_heap_fini(&e->timers);
    pawl_shared_fini(&e->shared);
    pawl_arena_fini(&e->step);
    pawl_engine_put(e, e->actions, e->actions_size * sizeof *e->actions);
    e->from->resize(e->from->ctx, e, sizeof *e, 0);
}
