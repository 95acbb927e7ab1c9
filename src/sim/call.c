/* src/sim/call.c - attempts under way, between a node and whoever it called: a request leaves, perhaps lands, perhaps
 * much later, and something comes back or the time is over. */
#include "sim/world.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

static void ended(struct pawl_sim *w, struct pawl_sim_call *c, enum pawl_sim_tells tells)
{
    if (c->over) return;
    c->over = true;
    pawl_sim_busy(c, false);
    if (c->look && !w->runs[c->run]->live) w->runs[c->run]->looks_ns += w->now_ns - c->began_ns;
    pawl_sim_check_ended_call(w, c, tells);
}

static void lands(struct pawl_sim *w, struct pawl_sim_event *e)
{
    struct pawl_sim_call *c = e->p;
    if (!c->lands) return;
    c->running = false;
    c->landed = true;
    if (c->over) pawl_sim_count(w, PAWL_SIM_N_LATE);
    if (c->tool) pawl_sim_server_lands(w, c);
}

static void answers(struct pawl_sim *w, struct pawl_sim_event *e)
{
    struct pawl_sim_call *c = e->p;
    struct pawl_event in = {.kind = PAWL_EV_DONE, .id = c->id, .reply = &c->reply};
    if (c->over) return;
    c->reply.wall_ns = pawl_sim_wall(w);
    PAWL_SIM_SAY(w, "n%u told: attempt %llu transport %d status %d %.*s", c->node->number, (unsigned long long)c->id,
                 (int)c->reply.transport, c->reply.status, (int)(c->reply.body.n < 200 ? c->reply.body.n : 200),
                 c->reply.body.p ? c->reply.body.p : "");
    ended(w, c, c->tells);
    pawl_sim_mix(w, pawl_sha256(c->reply.body.p, c->reply.body.n).b[0]);
    pawl_sim_node_step(c->node, &in);
}

/* The driver's clock: whatever the other end does, the attempt is over by then. */
static void bound_by_timeout(struct pawl_sim *w, struct pawl_sim_call *c)
{
    const int64_t out_ns = w->now_ns + c->timeout_ns;
    if (c->ends_ns < out_ns) return;
    c->ends_ns = out_ns;
    c->says = PAWL_SIM_SAYS_FIXED;
    c->tells = PAWL_SIM_TELLS_NOTHING;
    c->reply = (struct pawl_reply){.transport = PAWL_NO_ANSWER};
    if (c->tool && c->tool->driver == PAWL_DRIVER_COMMAND) c->reply.transport = PAWL_KILLED;
}

/* How long after its end a request may still land. A server that honours keys must still know this one by then. */
static int64_t lateness_ns(const struct pawl_sim *w, const struct pawl_sim_call *c)
{
    const int64_t settles_ns = w->tools[c->tool_index].settles_ns, remembers_ns = c->tool->remembered_for_ns / 60;
    return c->tool->key_declared && remembers_ns < settles_ns ? remembers_ns : settles_ns;
}

void pawl_sim_call_begin(struct pawl_sim_node *n, uint64_t id, const struct pawl_attempt *a)
{
    struct pawl_sim *w = n->w;
    struct pawl_sim_call *c = pawl_sim_get(w, sizeof *c);
    const struct pawl_sim_run *run = pawl_sim_run_of(w, a->run);
    const bool model = a->of == PAWL_ATTEMPT_MODEL;
    if (w->no_memory || !w->out->held) return;
    assert(run != NULL); /* the checks have seen to it */
    *c = (struct pawl_sim_call){.node = n,
                                .id = id,
                                .run = run->index,
                                .step = a->step,
                                .attempt = a->attempt,
                                .look = a->look,
                                .timeout_ns = a->timeout_ns,
                                .began_ns = w->now_ns,
                                .next = w->calls};
    w->calls = c;
    pawl_sim_busy(c, true);
    pawl_sim_count(w, a->look ? PAWL_SIM_N_LOOKS : PAWL_SIM_N_ATTEMPTS);
    c->model = a->model;
    if (model) {
        pawl_sim_talker_take(w, c, a);
    } else {
        c->tool_index = (uint32_t)pawl_sim_tool_index(w, a->tool->name);
        c->tool = &w->contracts[c->tool_index];
        if (a->key.n < sizeof c->key) memcpy(c->key, a->key.p ? a->key.p : "", a->key.n);
        if (a->poll) pawl_sim_monitor_take(w, c, a);
        else pawl_sim_server_take(w, c, a);
    }
    if (n->replaced &&
        (model || c->tool->effect != PAWL_EFFECT_READ)) { /* its lease is over: the driver sends nothing */
        c->lands = false;
        c->says = PAWL_SIM_SAYS_FIXED;
        c->tells = PAWL_SIM_TELLS_NO;
        c->reply = (struct pawl_reply){.transport = PAWL_NOT_SENT};
    }
    bound_by_timeout(w, c);
    if (c->tool && c->lands_ns > c->ends_ns + lateness_ns(w, c)) c->lands_ns = c->ends_ns + lateness_ns(w, c);
    PAWL_SIM_SAY(w, "n%u sends %llu: run%u #%u%s %.*s %s attempt %u%s", n->number, (unsigned long long)id, c->run,
                 c->step, c->look ? " look" : "", model ? 5 : (int)a->tool->name.n, model ? "model" : a->tool->name.p,
                 c->item, c->attempt, c->lands ? "" : ", which never lands");
    if (c->lands) pawl_sim_at(w, c->lands_ns, lands, NULL, c, id);
    pawl_sim_at(w, c->ends_ns, answers, n, c, id);
}

static void trim(struct pawl_sim *w, struct pawl_sim_call *c)
{
    if (c->lands && !c->landed && c->tool && c->lands_ns > w->now_ns + lateness_ns(w, c)) c->lands = false;
}

void pawl_sim_calls_trim(struct pawl_sim_node *n)
{
    for (struct pawl_sim_call *c = n->w->calls; c; c = c->next)
        if (c->node == n && !c->over) trim(n->w, c);
}

void pawl_sim_calls_orphan(struct pawl_sim_node *n)
{
    for (struct pawl_sim_call *c = n->w->calls; c; c = c->next) {
        if (c->node != n || c->over) continue;
        trim(n->w, c);
        ended(n->w, c, PAWL_SIM_TELLS_NOTHING);
    }
}

void pawl_sim_call_cancel(struct pawl_sim_node *n, uint64_t id)
{
    for (struct pawl_sim_call *c = n->w->calls; c; c = c->next) {
        if (c->node != n || c->id != id) continue;
        PAWL_SIM_SAY(n->w, "n%u gives %llu up", n->number, (unsigned long long)id);
        trim(n->w, c);
        ended(n->w, c, PAWL_SIM_TELLS_NOTHING);
    }
}

bool pawl_sim_pending(const struct pawl_sim *w, const char *key)
{
    for (const struct pawl_sim_call *c = w->calls; c; c = c->next)
        if (c->tool && !c->look && c->lands && !c->landed && strcmp(c->key, key) == 0) return true;
    return false;
}
