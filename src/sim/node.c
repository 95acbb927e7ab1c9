/* src/sim/node.c - a process: an engine and its door to the store. It may die in the middle of anything, sleep while the
 * world goes on, or be replaced and wake up as a former owner. */
#include "agent/agent.h"
#include "model/model.h"
#include "sim/world.h"
#include "tool/tool.h"
#include <assert.h>
#include <string.h>

/* ---- the engine's memory, which may run out ---- */

static void *resize(void *ctx, void *p, size_t old_bytes, size_t new_bytes)
{
    struct pawl_sim_node *n = ctx;
    const struct pawl_alloc *from = n->w->o->from;
    void *q;
    const bool more = new_bytes > old_bytes && n->engine; /* one that could not even begin is no story */
    if (more && ++n->w->out->requests == n->w->o->fail_at) n->allocations_left = 0;
    if (more && n->allocations_left >= 0 && n->allocations_left-- == 0) {
        pawl_sim_count(n->w, PAWL_SIM_N_NO_MEMORY);
        return NULL;
    }
    q = from->resize(from->ctx, p, old_bytes, new_bytes);
    if (!q && new_bytes) n->w->no_memory = true;
    return q;
}

/* ---- what the engine is handed ---- */

static const struct pawl_config *config_of(void *ctx, struct pawl_hash hash, struct pawl_str *missing)
{
    const struct pawl_sim_node *n = ctx;
    struct pawl_sim *w = n->w;
    assert(memcmp(hash.b, w->config.hash.b, sizeof hash.b) == 0);
    if (n->no_config) {
        *missing = PAWL_STR("SHOP_URL");
        return NULL;
    }
    return n->twin ? &w->twin : &w->config;
}

static bool ready(void *ctx, const struct pawl_tool *tool)
{
    const struct pawl_sim_node *n = ctx;
    return !n->no_tools || tool->driver != PAWL_DRIVER_INPROCESS;
}

static struct pawl_ports ports_of(struct pawl_sim_node *n)
{
    return (struct pawl_ports){.ctx = n,
                               .decide = n->w->decide,
                               .ask = n->w->ask,
                               .render_tool = pawl_tool_render,
                               .render_model = pawl_model_render,
                               .read_tool = pawl_tool_read,
                               .read_model = pawl_model_read,
                               .monitor = pawl_tool_monitor,
                               .poll = pawl_tool_poll,
                               .stop = pawl_tool_stop,
                               .news = pawl_tool_news,
                               .config = config_of,
                               .tool_ready = ready};
}

/* ---- a step, and what is to be done then ---- */

/* This run ends whoever works on it, from one step on. */
static bool is_poison(const struct pawl_sim *w, const struct pawl_attempt *a)
{
    const struct pawl_sim_run *run = pawl_sim_run_of(w, a->run);
    return run && run->poison && a->step >= w->poison_step && !run->stored.ending;
}

static void begin(struct pawl_sim_node *n, const struct pawl_action *a)
{
    struct pawl_sim *w = n->w;
    pawl_sim_mix(w, (uint64_t)a->kind << 56 ^ a->id);
    switch (a->kind) {
    case PAWL_DO_COMMIT:
    case PAWL_DO_FIND: pawl_sim_disk_give(n, a); break;
    case PAWL_DO_ATTEMPT:
        pawl_sim_check_attempt(n, a->attempt);
        pawl_sim_call_begin(n, a->id, a->attempt);
        if (is_poison(w, a->attempt)) pawl_sim_node_die(n);
        break;
    case PAWL_DO_CANCEL: pawl_sim_call_cancel(n, a->id); break;
    case PAWL_DO_REPLY: pawl_sim_people_heard(w, n, a->id, a->answer); break;
    }
}

void pawl_sim_node_step(struct pawl_sim_node *n, struct pawl_event *in)
{
    struct pawl_sim *w = n->w;
    const struct pawl_action *actions = NULL;
    uint32_t count = 0, begun;
    if (!w->out->held || w->no_memory || n->state != PAWL_SIM_UP) return;
    in->now_ns = w->now_ns + n->mono_shift_ns;
    in->wall_ns = pawl_sim_wall(w);
    pawl_sim_mix(w, (uint64_t)in->kind << 56 ^ in->id);
    pawl_sim_mix(w, (uint64_t)w->now_ns);
    const int rc = pawl_engine_step(n->engine, in, &actions, &count);
    if (w->no_memory) return;
    if (rc != PAWL_OK) {
        if (rc != PAWL_ENOMEM || n->allocations_left >= 0)
            pawl_sim_broken(w, "step", "the engine's step gave %s", pawl_code_name(rc));
        PAWL_SIM_SAY(w, "n%u has no memory: it dies", n->number);
        pawl_sim_node_die(n);
        return;
    }
    begun = count;
    if (pawl_sim_plays(w, PAWL_SIM_CRASH) && !n->replaced && pawl_sim_chance(w, w->crash_mille)) {
        begun = (uint32_t)pawl_sim_below(w, (uint64_t)count + 1);
        if (begun < count) pawl_sim_count(w, PAWL_SIM_N_CUT_STEPS);
    }
    for (uint32_t i = 0; i < begun && w->out->held && n->state == PAWL_SIM_UP; i++) begin(n, &actions[i]);
    if (n->state != PAWL_SIM_UP) return;
    if (begun < count) {
        pawl_sim_node_die(n);
        return;
    }
    pawl_sim_check_hot(n);
    pawl_sim_check_shares(n);
    pawl_sim_check_memory(n);
    pawl_sim_check_cared_for(n);
    pawl_sim_check_punctual(n);
    pawl_sim_interrupt(n);
}

int64_t pawl_sim_node_due(const struct pawl_sim_node *n)
{
    const int64_t due_ns = pawl_engine_due_ns(n->engine);
    if (due_ns >= PAWL_NEVER - PAWL_SIM_H) return PAWL_NEVER;
    const int64_t at_ns = due_ns - n->mono_shift_ns;
    return at_ns > n->w->now_ns ? at_ns : n->w->now_ns;
}

/* ---- beginning and end ---- */

/* What is wrong with this one's surroundings, if anything. */
static void draw_surroundings(struct pawl_sim_node *n)
{
    struct pawl_sim *w = n->w;
    n->mono_shift_ns = pawl_sim_between(w, 0, 1000000) * PAWL_SIM_MS;
    if (pawl_sim_plays(w, PAWL_SIM_MEMORY) && pawl_sim_chance(w, 400))
        n->allocations_left = pawl_sim_between(w, 50, 6000);
    if (!pawl_sim_plays(w, PAWL_SIM_CONFIG) || n->number == 1) return;
    n->twin = pawl_sim_chance(w, 300);
    n->no_config = pawl_sim_chance(w, 150);
    n->no_tools = pawl_sim_chance(w, 200);
    if (n->twin) pawl_sim_count(w, PAWL_SIM_N_MOVED);
}

static void serve(struct pawl_sim_node *n)
{
    const struct pawl_request r = {.what = PAWL_ASK_SCHEDULES, .config = n->twin ? &n->w->twin : &n->w->config};
    struct pawl_event in = {.kind = PAWL_EV_REQUEST, .request = &r};
    n->serves = true;
    pawl_sim_node_step(n, &in);
}

struct pawl_sim_node *pawl_sim_node_start(struct pawl_sim *w)
{
    struct pawl_sim_node *n = pawl_sim_get(w, sizeof *n);
    struct pawl_event in = {.kind = PAWL_EV_START};
    struct pawl_shared *rows = NULL;
    struct pawl_arena arena;
    if (w->no_memory) return NULL;
    *n = (struct pawl_sim_node){.w = w, .number = ++w->nodes, .allocations_left = -1, .began_ns = w->now_ns};
    n->alloc = (struct pawl_alloc){resize, n};
    n->ops_end = &n->ops;
    n->backlog_end = &n->backlog;
    n->ports = ports_of(n);
    draw_surroundings(n);
    w->node = n;
    if (pawl_memory_again(w->door, &n->store)) w->no_memory = true;
    if (!w->no_memory && pawl_engine_new(&n->alloc, &n->ports, &n->engine)) w->no_memory = true;
    if (w->no_memory) return NULL;
    PAWL_SIM_SAY(w, "n%u starts%s%s%s", n->number, n->twin ? ", a target has moved" : "",
                 n->no_config ? ", a name is missing" : "", n->no_tools ? ", no in-process tools" : "");
    in.seed = pawl_prng_next(&w->prng);
    in.store_id = n->store->id;
    in.instance = n->store->instance;
    pawl_arena_init(&arena, w->o->from);
    if (n->store->shared(n->store, &arena, &rows, &in.shared_count, NULL)) w->no_memory = true;
    in.shared = rows;
    pawl_sim_node_step(n, &in);
    pawl_arena_fini(&arena);
    if (w->schedules_count && n->state == PAWL_SIM_UP) serve(n);
    return n;
}

void pawl_sim_node_die(struct pawl_sim_node *n)
{
    struct pawl_sim *w = n->w;
    assert(n->state != PAWL_SIM_DEAD);
    pawl_sim_disk_crash(n);
    n->state = PAWL_SIM_DEAD;
    pawl_sim_check_widowed(n);
    pawl_sim_calls_orphan(n);
    pawl_engine_free(n->engine);
    n->engine = NULL;
    n->store->close(n->store);
    n->store = NULL;
    for (struct pawl_sim_event *e = n->backlog, *next; e; e = next) next = e->next, pawl_sim_event_free(w, e);
    n->backlog = NULL;
    if (w->node == n) w->node = NULL;
    if (w->former == n) w->former = NULL;
    pawl_sim_people_alone(w, n);
    PAWL_SIM_SAY(w, "n%u is dead", n->number);
}

void pawl_sim_node_sleep(struct pawl_sim_node *n)
{
    assert(n->state == PAWL_SIM_UP);
    n->state = PAWL_SIM_ASLEEP;
    n->slept_ns = n->w->now_ns;
    PAWL_SIM_SAY(n->w, "n%u sleeps", n->number);
}

/* All that came meanwhile comes now, in its order. */
void pawl_sim_node_wake(struct pawl_sim_node *n)
{
    struct pawl_sim *w = n->w;
    assert(n->state == PAWL_SIM_ASLEEP);
    n->state = PAWL_SIM_UP;
    n->woke_ns = w->now_ns;
    if (pawl_sim_chance(w, 500)) n->mono_shift_ns -= w->now_ns - n->slept_ns; /* the whole machine was asleep */
    PAWL_SIM_SAY(w, "n%u wakes%s", n->number, n->replaced ? ", replaced" : "");
    for (struct pawl_sim_event *e = n->backlog, *next; e; e = next) {
        next = e->next;
        pawl_sim_at(w, w->now_ns, e->fire, e->node, e->p, e->id);
        pawl_sim_event_free(w, e);
    }
    n->backlog = NULL;
    n->backlog_end = &n->backlog;
}
