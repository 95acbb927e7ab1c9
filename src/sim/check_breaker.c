/* src/sim/check_breaker.c - an open circuit lets nothing through but its probes: seen from what leaves. */
#include "sim/world.h"

/* Calls to this dependency that this node sent since its circuit was last half-open, and that have not ended. */
static uint32_t probes_out(const struct pawl_sim_node *n, const struct pawl_attempt *a, int64_t since_ns)
{
    uint32_t count = 0;
    for (const struct pawl_sim_call *c = n->w->calls; c; c = c->next) {
        if (c->node != n || c->over || c->look || c->began_ns < since_ns) continue;
        if (a->of == PAWL_ATTEMPT_MODEL ? c->model == a->model : c->tool && pawl_str_eq(c->tool->name, a->tool->name))
            count++;
    }
    return count;
}

void pawl_sim_check_breaker(struct pawl_sim_node *n, const struct pawl_attempt *a)
{
    struct pawl_sim *w = n->w;
    const bool model = a->of == PAWL_ATTEMPT_MODEL;
    const struct pawl_str name = model ? a->model->name : a->tool->name;
    const struct pawl_breaker *rule = model ? &a->model->breaker : &a->tool->breaker;
    const struct pawl_circuit *c = a->look ? NULL : pawl_engine_circuit(n->engine, model ? "model" : "tool", name);
    if (!c || !rule->on || c->state == PAWL_CIRCUIT_CLOSED) return;
    if (c->state == PAWL_CIRCUIT_OPEN) {
        pawl_sim_broken(w, "breaker", "%.*s is called although its circuit is open", (int)name.n, name.p);
        return;
    }
    const int64_t since_ns = w->now_ns - (pawl_sim_wall(w) - c->until_wall_ns);
    const uint32_t out = probes_out(n, a, since_ns);
    if (c->probes_out == 0 || c->probes_out + c->probes_good > rule->probes || out >= rule->probes)
        pawl_sim_broken(w, "breaker", "%.*s is probed by %u calls, and %u are out", (int)name.n, name.p, c->probes_out,
                        out);
    pawl_sim_count(w, PAWL_SIM_N_PROBES);
}
