/* src/sim/check_bulkhead.c - lanes and pools, seen from what is out: never more at a time than there are places, never more a
 * minute than is allowed, nobody below its share while it waits. */
#include "policy/bulkhead.h"
#include "sim/world.h"

static const struct pawl_agent *agent_of(const struct pawl_sim *w, uint32_t run)
{
    return pawl_config_agent(&w->config, w->runs[run]->stored.agent);
}

static struct pawl_str pool_name(const struct pawl_sim_call *c)
{
    return c->model ? c->model->pool : c->tool->pool;
}

static bool is_out(const struct pawl_sim_node *n, const struct pawl_sim_call *c)
{
    return c->node == n && !c->over && !c->look;
}

/* Called when one more has just left. */
void pawl_sim_check_bulkhead(struct pawl_sim_node *n, const struct pawl_attempt *a)
{
    struct pawl_sim *w = n->w;
    const struct pawl_sim_run *run = pawl_sim_run_of(w, a->run);
    const struct pawl_str pool = a->of == PAWL_ATTEMPT_MODEL ? a->model->pool : a->tool->pool;
    const struct pawl_agent *agent = run ? pawl_config_agent(&w->config, run->stored.agent) : NULL;
    const struct pawl_lane *lane = agent && agent->lane.p ? pawl_config_lane(&w->config, agent->lane) : NULL;
    const struct pawl_pool *limits = pool.p ? pawl_config_pool(&w->config, pool) : NULL;
    uint32_t in_lane = 1, in_pool = 1, in_minute = 1;
    if (a->look) return;
    for (const struct pawl_sim_call *c = w->calls; c; c = c->next) {
        if (c->node != n || c->look) continue;
        const bool same_pool = pool.p && pawl_str_eq(pool_name(c), pool);
        if (is_out(n, c) && lane && pawl_str_eq(agent_of(w, c->run)->lane, lane->name)) in_lane++;
        if (is_out(n, c) && same_pool) in_pool++;
        if (same_pool && c->began_ns > w->now_ns - PAWL_SIM_MIN) in_minute++;
    }
    if (lane && lane->concurrency && in_lane > lane->concurrency)
        pawl_sim_broken(w, "bulkhead", "%u calls of %.*s are out, which has %u places", in_lane, (int)lane->name.n,
                        lane->name.p, lane->concurrency);
    /* shares are rounded up to one call each */
    if (limits && limits->concurrency && in_pool > limits->concurrency + PAWL_SIM_AGENTS)
        pawl_sim_broken(w, "bulkhead", "%u calls to %.*s are out, which has %u places", in_pool, (int)pool.n, pool.p,
                        limits->concurrency);
    /* a minute's worth, and what the buckets held at its beginning: a sixth, one at least for each lane */
    if (limits && limits->requests_per_minute &&
        in_minute > limits->requests_per_minute + limits->requests_per_minute / 6 + 1 + 2 * PAWL_SIM_AGENTS)
        pawl_sim_broken(w, "bulkhead", "%u calls to %.*s within a minute, of which it takes %lld", in_minute,
                        (int)pool.n, pool.p, (long long)limits->requests_per_minute);
}

/* After every event: what a lane holds in memory is within its quota, or is at work but for one run; and nobody is out of memory
 * while the lane has nothing that could go on. */
void pawl_sim_check_memory(struct pawl_sim_node *n)
{
    struct pawl_sim *w = n->w;
    for (uint32_t i = 0; i < w->config.lanes_count; i++) {
        const struct pawl_lane *rule = &w->config.lanes[i];
        struct pawl_lane_memory m;
        if (!pawl_engine_lane_memory(n->engine, rule->name, &m)) continue;
        if (m.evicted) pawl_sim_count(w, PAWL_SIM_N_EVICTED);
        if (n->handing_over) continue;
        if (m.bytes > m.most_bytes && m.waiting > 1)
            pawl_sim_broken(w, "bulkhead",
                            "%.*s has %zu bytes in memory, may have %zu, and %u of its %u runs there only wait",
                            (int)rule->name.n, rule->name.p, m.bytes, m.most_bytes, m.waiting, m.hot);
        if (m.evicted && !m.coming && !m.waiting && n->outstanding == 0)
            pawl_sim_broken(w, "bulkhead", "%u runs of %.*s wait out of memory, and none in it", m.evicted,
                            (int)rule->name.n, rule->name.p);
    }
}

/* After every event: who waits in a pool has all that its share gives it, or the pool is paused, or a bucket is empty. */
void pawl_sim_check_shares(struct pawl_sim_node *n)
{
    struct pawl_sim *w = n->w;
    for (uint32_t i = 0; i < w->config.pools_count; i++) {
        const struct pawl_pool *rule = &w->config.pools[i];
        const struct pawl_pool_state *s = pawl_engine_pool(n->engine, rule->name);
        for (uint32_t k = 0; s && k < s->lanes_count; k++) {
            const struct pawl_pool_lane *l = &s->lanes[k];
            const bool timed = rule->requests_per_minute || rule->tokens_per_minute || rule->adaptive;
            const uint32_t places = (uint32_t)((double)rule->concurrency * l->percent / 100);
            if (!l->waiting.count || timed || l->percent <= 0 || s->paused_until_ns) continue;
            if (l->running < places)
                pawl_sim_broken(w, "bulkhead", "a lane waits at %.*s with %u of its %u places taken", (int)rule->name.n,
                                rule->name.p, l->running, places);
        }
        for (uint32_t k = 0; s && k < s->lanes_count; k++)
            if (s->lanes[k].waiting.count) pawl_sim_count(w, PAWL_SIM_N_IN_LINE);
    }
}
