/* src/sim/sim.c - one seed, from an empty store to the end of every run: a storm, then a calm. */
#include "agent/agent.h"
#include "sim/world.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char *const fault_names[] = {"crash", "pause",  "disk",   "memory", "clock",     "answer", "loss",
                                          "model", "people", "cancel", "config", "hand-over", "poison"};
static const char *const count_names[PAWL_SIM_N_COUNT] = {"runs",
                                                          "ended done",
                                                          "ended failed",
                                                          "ended cancelled",
                                                          "ended dead",
                                                          "steps",
                                                          "attempts",
                                                          "resent",
                                                          "looks",
                                                          "look said: happened",
                                                          "effects",
                                                          "landed late",
                                                          "keys forgotten",
                                                          "asked",
                                                          "yes",
                                                          "no",
                                                          "expired",
                                                          "condition did not hold",
                                                          "stale yes refused",
                                                          "contradiction refused",
                                                          "doubts",
                                                          "resolved",
                                                          "answered from the first",
                                                          "repeats asked",
                                                          "undone",
                                                          "superseded",
                                                          "crashes",
                                                          "steps cut",
                                                          "takeovers",
                                                          "fenced",
                                                          "disk errors",
                                                          "out of memory",
                                                          "clock steps",
                                                          "hand-overs",
                                                          "targets moved",
                                                          "waited for configuration",
                                                          "waited for a tool",
                                                          "turns",
                                                          "duplicates",
                                                          "key conflicts",
                                                          "unknown tools",
                                                          "bad arguments",
                                                          "claims",
                                                          "probes",
                                                          "in line",
                                                          "evicted",
                                                          "tried again",
                                                          "undone by a person",
                                                          "changed and approved",
                                                          "signals",
                                                          "signals taken",
                                                          "estimated",
                                                          "budgets short",
                                                          "more given",
                                                          "cheaper model",
                                                          "routed",
                                                          "told in fewer words",
                                                          "summed up",
                                                          "guards tripped",
                                                          "children",
                                                          "children ended",
                                                          "children undone",
                                                          "accepted",
                                                          "monitors asked",
                                                          "ends heard of",
                                                          "ends not heard of",
                                                          "second opinions",
                                                          "ends checked",
                                                          "checks failed",
                                                          "undone by a check",
                                                          "read back by a guard",
                                                          "called back",
                                                          "callbacks taken",
                                                          "callbacks late",
                                                          "callbacks refused",
                                                          "answered by hand",
                                                          "begun by the clock",
                                                          "times left out",
                                                          "monitors told to stop",
                                                          "records struck out",
                                                          "said beside a wait"};

const char *pawl_sim_fault_name(uint32_t one_bit)
{
    for (uint32_t i = 0; i < sizeof fault_names / sizeof *fault_names; i++)
        if (one_bit == 1U << i) return fault_names[i];
    return "";
}

const char *pawl_sim_count_name(enum pawl_sim_count c)
{
    assert((unsigned)c < PAWL_SIM_N_COUNT);
    return count_names[c];
}

/* ---- accidents ---- */

static void restart(struct pawl_sim *w, struct pawl_sim_event *e)
{
    (void)e;
    w->restart_due = false;
    if (!w->node) pawl_sim_node_start(w);
}

static void crash(struct pawl_sim *w)
{
    pawl_sim_count(w, PAWL_SIM_N_CRASHES);
    pawl_sim_node_die(w->node);
}

static void wake(struct pawl_sim *w, struct pawl_sim_event *e)
{
    struct pawl_sim_node *n = e->p;
    (void)w;
    if (n->state == PAWL_SIM_ASLEEP) pawl_sim_node_wake(n);
}

static void former_ends(struct pawl_sim *w, struct pawl_sim_event *e)
{
    struct pawl_sim_node *n = e->p;
    (void)w;
    if (n->state != PAWL_SIM_DEAD) pawl_sim_node_die(n);
}

/* Its lease is over while it sleeps: another starts, and takes what it had. What it sent before counts as sent. */
static void take_over(struct pawl_sim *w, struct pawl_sim_event *e)
{
    struct pawl_sim_node *n = e->p;
    const int64_t now_ns = w->now_ns;
    if (n->state != PAWL_SIM_ASLEEP || w->former || w->node != n) return;
    pawl_sim_count(w, PAWL_SIM_N_TAKEOVERS);
    pawl_sim_calls_trim(n);
    pawl_sim_check_widowed(n);
    n->replaced = true;
    w->former = n;
    w->node = NULL;
    pawl_sim_people_alone(w, n);
    pawl_sim_node_start(w);
    pawl_sim_at(w, now_ns + pawl_sim_between(w, 1, 60) * PAWL_SIM_S, wake, NULL, n, 0);
    pawl_sim_at(w, now_ns + pawl_sim_between(w, 60, 150) * PAWL_SIM_S, former_ends, NULL, n, 0);
}

static void nap(struct pawl_sim *w)
{
    struct pawl_sim_node *n = w->node;
    const bool long_one = pawl_sim_chance(w, 150);
    const int64_t for_ns = pawl_sim_between(w, 1, long_one ? 1500 : 90) * PAWL_SIM_S;
    if (n->state != PAWL_SIM_UP) return;
    pawl_sim_node_sleep(n);
    if (!w->former && pawl_sim_chance(w, 600))
        pawl_sim_at(w, w->now_ns + pawl_sim_between(w, 0, 20) * PAWL_SIM_S, take_over, NULL, n, 0);
    else pawl_sim_at(w, w->now_ns + for_ns, wake, NULL, n, 0);
}

/* Forth by little, since `settles` is counted by this clock; back by no more than keys' remembering allows for. */
static void step_clock(struct pawl_sim *w)
{
    int64_t by_ns = pawl_sim_between(w, 1, 300) * PAWL_SIM_MS;
    if (pawl_sim_chance(w, 600)) {
        by_ns = pawl_sim_between(w, 1, w->wall_back_max_ns / PAWL_SIM_MS) * PAWL_SIM_MS;
        if (w->wall_back_ns + by_ns > w->wall_back_max_ns) return;
        w->wall_back_ns += by_ns;
        by_ns = -by_ns;
    }
    w->wall_most_ns = pawl_sim_wall_most(w);
    w->wall_shift_ns += by_ns;
    pawl_sim_count(w, PAWL_SIM_N_CLOCK_STEPS);
    PAWL_SIM_SAY(w, "the wall clock steps by %lld ms", (long long)(by_ns / PAWL_SIM_MS));
}

static void hand_over(struct pawl_sim *w, struct pawl_sim_event *e)
{
    struct pawl_sim_node *n = e->p;
    struct pawl_event in = {.kind = PAWL_EV_HAND_OVER};
    if (n->handing_over) return;
    n->handing_over = true;
    n->handed_ns = w->now_ns;
    pawl_sim_count(w, PAWL_SIM_N_HAND_OVERS);
    PAWL_SIM_SAY(w, "n%u is asked to hand over", n->number);
    pawl_sim_node_step(n, &in);
}

static void accident(struct pawl_sim *w, struct pawl_sim_event *e)
{
    const uint32_t fault = 1U << pawl_sim_below(w, 13);
    (void)e;
    if (w->calm) return;
    pawl_sim_at(w, w->now_ns + pawl_sim_between(w, 1, 20) * PAWL_SIM_S, accident, NULL, NULL, 0);
    if (!pawl_sim_plays(w, fault)) return;
    if (fault == PAWL_SIM_CLOCK) step_clock(w);
    if (!w->node) return;
    if (fault == PAWL_SIM_CRASH) crash(w);
    else if (fault == PAWL_SIM_PAUSE) nap(w);
    else if (fault == PAWL_SIM_HAND_OVER && pawl_sim_chance(w, 300))
        pawl_sim_at(w, w->now_ns, hand_over, w->node, w->node, 0);
}

/* ---- the loop ---- */

static void calm_down(struct pawl_sim *w)
{
    PAWL_SIM_SAY(w, "the storm is over");
    w->calm = true;
    if (w->former) pawl_sim_node_die(w->former);
    if (w->node && w->node->state == PAWL_SIM_ASLEEP) pawl_sim_node_wake(w->node);
    if (w->node) {
        w->node->allocations_left = -1;
        w->node->no_config = w->node->no_tools = false;
    }
    pawl_sim_people_calm(w);
    pawl_sim_schedules_calm(w);
}

static void mind_nodes(struct pawl_sim *w)
{
    enum { HAND_OVER_MAX_MIN = 30 };
    struct pawl_sim_node *n = w->node;
    if (n && n->state == PAWL_SIM_UP && n->handing_over) {
        if (pawl_engine_idle(n->engine) && n->outstanding == 0) {
            PAWL_SIM_SAY(w, "n%u has handed over", n->number);
            pawl_sim_node_die(n);
        } else if (w->now_ns - n->handed_ns > HAND_OVER_MAX_MIN * PAWL_SIM_MIN) {
            pawl_sim_broken(w, "hand-over", "asked %d minutes ago, and still not idle", HAND_OVER_MAX_MIN);
        }
    }
    if (w->node || w->restart_due || !w->out->held) return;
    w->restart_due = true;
    pawl_sim_at(w, w->now_ns + pawl_sim_between(w, 20, pawl_sim_chance(w, 800) ? 3000 : 90000) * PAWL_SIM_MS, restart,
                NULL, NULL, 0);
}

static void fire(struct pawl_sim *w, struct pawl_sim_event *e)
{
    struct pawl_sim_node *n = e->node;
    pawl_heap_drop(&w->queue, &e->at);
    if (n && n->state == PAWL_SIM_ASLEEP) {
        e->next = NULL;
        *n->backlog_end = e;
        n->backlog_end = &e->next;
        return;
    }
    if (!n || n->state == PAWL_SIM_UP) e->fire(w, e);
    pawl_sim_event_free(w, e);
}

/* The node that wants to be woken first; NULL: none, or not before `by_ns`. */
static struct pawl_sim_node *first_due(struct pawl_sim *w, int64_t by_ns, int64_t *at_ns)
{
    struct pawl_sim_node *nodes[] = {w->node, w->former}, *first = NULL;
    for (int i = 0; i < 2; i++) {
        struct pawl_sim_node *n = nodes[i];
        const int64_t due_ns = n && n->state == PAWL_SIM_UP ? pawl_sim_node_due(n) : PAWL_NEVER;
        if (due_ns >= by_ns || (first && due_ns >= *at_ns)) continue;
        first = n;
        *at_ns = due_ns;
    }
    return first;
}

static bool all_done(const struct pawl_sim *w)
{
    for (uint32_t i = 0; i < w->runs_count; i++)
        if (!w->runs[i]->stored.ended) return false;
    return w->node && !w->node->handing_over && w->node->outstanding == 0 && pawl_sim_people_content(w) &&
           pawl_engine_idle(w->node->engine);
}

static void play(struct pawl_sim *w)
{
    enum { EVENTS_MAX = 60000, CALM_DAYS_MAX = 400 };
    while (w->out->held && !w->no_memory) {
        const struct pawl_heap_node *next = pawl_heap_first(&w->queue);
        int64_t at_ns = PAWL_NEVER;
        struct pawl_sim_node *n = first_due(w, next ? next->due_ns : PAWL_NEVER, &at_ns);
        struct pawl_event due = {.kind = PAWL_EV_DUE};
        if (!n && !next) break;
        if (!n) at_ns = next->due_ns;
        assert(at_ns >= w->now_ns);
        if (!w->calm && at_ns >= w->storm_ends_ns) {
            w->now_ns = w->storm_ends_ns > w->now_ns ? w->storm_ends_ns : w->now_ns;
            calm_down(w);
            mind_nodes(w);
            continue;
        }
        w->now_ns = at_ns;
        pawl_arena_reset(&w->scratch);
        if (n) pawl_sim_node_step(n, &due);
        else fire(w, (struct pawl_sim_event *)(void *)pawl_heap_first(&w->queue));
        mind_nodes(w);
        if (w->calm && all_done(w)) break;
        if (++w->out->events > EVENTS_MAX || w->now_ns > w->storm_ends_ns + CALM_DAYS_MAX * 24 * PAWL_SIM_H) break;
    }
    if (w->out->held && !w->no_memory) pawl_sim_check_end(w);
}

/* ---- beginning and end ---- */

static void draw_storm(struct pawl_sim *w)
{
    for (uint32_t i = 0; i < 13; i++)
        if (pawl_sim_chance(w, i == 12 ? 80 : i == 3 || i == 11 ? 200 : 500)) w->faults |= 1U << i;
    w->faults &= ~w->o->without;
    w->crash_mille = (uint32_t)pawl_sim_between(w, 0, 12);
    w->disk_mille = (uint32_t)pawl_sim_between(w, 10, 150);
    w->poison_step = (uint32_t)pawl_sim_between(w, 1, 5);
    w->storm_ends_ns = pawl_sim_between(w, 60, 1800) * PAWL_SIM_S;
    w->wall_shift_ns = INT64_C(1767225600) * PAWL_SIM_S + pawl_sim_between(w, 0, 86400) * PAWL_SIM_S;
    w->out->faults = w->faults;
}

static void begin(struct pawl_sim *w)
{
    uint8_t id[16];
    pawl_prng_fill(&w->prng, id, sizeof id);
    draw_storm(w);
    pawl_sim_draw_config(w);
    if (w->no_memory || pawl_memory_open(id, w->o->from, &w->door)) {
        w->no_memory = true;
        return;
    }
    for (uint32_t i = 0; i < 13 && w->o->line; i++)
        if (w->faults & 1U << i) PAWL_SIM_SAY(w, "this seed plays %s", fault_names[i]);
    pawl_sim_people_begin(w);
    pawl_sim_draw_schedules(w);
    pawl_sim_at(w, pawl_sim_between(w, 1, 20) * PAWL_SIM_S, accident, NULL, NULL, 0);
    pawl_sim_node_start(w);
}

static void finish(struct pawl_sim *w)
{
    w->out->virtual_ns = w->now_ns;
    w->out->runs = w->runs_count;
    if (w->node) pawl_sim_node_die(w->node);
    if (w->former) pawl_sim_node_die(w->former);
    for (struct pawl_sim_op *op = w->all_ops; op; op = op->older) pawl_arena_fini(&op->arena);
    for (uint32_t i = 0; i < w->runs_count; i++) pawl_arena_fini(&w->runs[i]->arena);
    for (uint32_t i = 0; i < w->schemas_count; i++) pawl_schema_free(w->schemas[i]);
    pawl_schema_cache_fini(&w->schema_cache);
    if (w->door) w->door->close(w->door);
    pawl_heap_fini(&w->queue);
    pawl_arena_fini(&w->scratch);
    pawl_arena_fini(&w->arena);
}

int pawl_sim_run(const struct pawl_sim_options *o, struct pawl_sim_result *out)
{
    struct pawl_sim *w = o->from->resize(o->from->ctx, NULL, 0, sizeof *w);
    bool no_memory;
    if (!w) return PAWL_ENOMEM;
    *out = (struct pawl_sim_result){.held = true};
    *w = (struct pawl_sim){.o = o, .out = out, .decide = pawl_agent_decide, .ask = pawl_agent_ask};
    w->asks_end = &w->asks;
    pawl_arena_init(&w->arena, o->from);
    pawl_arena_init(&w->scratch, o->from);
    pawl_heap_init(&w->queue, o->from);
    pawl_prng_seed(&w->prng, o->seed);
    begin(w);
    if (!w->no_memory) play(w);
    no_memory = w->no_memory;
    finish(w);
    o->from->resize(o->from->ctx, w, sizeof *w, 0);
    return no_memory ? PAWL_ENOMEM : PAWL_OK;
}
