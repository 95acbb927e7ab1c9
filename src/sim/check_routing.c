/* src/sim/check_routing.c - which model a run begins with (docs/budgets.md), held against how runs have ended. */
#include <string.h>
#include "sim/world.h"

static struct pawl_sim_quality *quality(struct pawl_sim *w, const struct pawl_sim_run *run, struct pawl_str model)
{
    const struct pawl_agent *a = pawl_config_agent(&w->config, run->stored.agent);
    return &w->quality[a - w->agents][w->config.models_count > 1 && pawl_str_eq(model, w->models[1].name)];
}

/* A run that its model was chosen for has ended: does that say anything of the model? */
void pawl_sim_check_quality(struct pawl_sim *w, const struct pawl_sim_run *run, const struct pawl_record *r,
                            yyjson_val *body)
{
    static const char *const bad[] = {"malformed",     "out_of_contract",   "rejected",     "unknown_tool",
                                      "bad_arguments", "deadline_exceeded", "guard_stopped"};
    const struct pawl_str c = pawl_json_str(body, "class");
    bool says = pawl_json_i64(body, "code", 0) == PAWL_DONE;
    if (!run->stored.routed.p || run->stored.retries) return;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) says = says || pawl_str_is(c, bad[i]);
    if (!says) return;
    struct pawl_sim_quality *q = quality(w, run, run->stored.routed);
    q->runs++;
    q->at_ns = r->at_ns;
}

static int64_t price_of(const struct pawl_model *m)
{
    return 3 * m->price.input_pusd + m->price.output_pusd;
}

/* Chosen once for a run, and rightly: the cheaper one, unless it is known to do badly. */
void pawl_sim_check_routed(struct pawl_sim *w, const struct pawl_sim_run *run, const struct pawl_record *r,
                           yyjson_val *by)
{
    const struct pawl_agent *a = pawl_config_agent(&w->config, run->stored.agent);
    const int64_t runs = pawl_json_i64(by, "runs", 0), rate_ppm = pawl_json_i64(by, "rate_ppm", 0);
    const struct pawl_str to = pawl_json_str(by, "to");
    if (!by) return;
    pawl_sim_count(w, PAWL_SIM_N_ROUTED);
    if (run->stored.routed.p || run->stored.retries)
        pawl_sim_broken(w, "routing", "run%u #%u: its model was chosen before", run->index, r->step);
    const struct pawl_sim_quality *q = quality(w, run, to);
    if (rate_ppm < 0 || rate_ppm > 1000000 || runs < 0 ||
        runs > (int64_t)q->runs + w->runs_count) /* an end counts before it is stored */
        pawl_sim_broken(w, "routing", "run%u #%u: %lld runs, %lld of a million well, and %u have ended", run->index,
                        r->step, (long long)runs, (long long)rate_ppm, q->runs);
    const struct pawl_model *other = pawl_config_model(&w->config, a->routing.models_count ? a->routing.models[0] : to);
    const struct pawl_model *own = pawl_config_model(&w->config, a->model);
    const bool cheaper = other && price_of(other) < price_of(own);
    if (w->models[0].breaker.on || a->exhausted.degrade_count)
        return; /* another may stand in for the one that was chosen */
    if (pawl_str_eq(to, a->model)) {
        if (cheaper && other != own && quality(w, run, other->name)->runs == 0)
            pawl_sim_broken(w, "routing", "run%u #%u: a cheaper model of which nothing is known is not tried",
                            run->index, r->step);
        return;
    }
    if (a->routing.models_count == 0 || !pawl_str_eq(to, a->routing.models[0]) || !cheaper)
        pawl_sim_broken(w, "routing", "run%u #%u: a model that is no candidate, or not the cheaper one", run->index,
                        r->step);
    /* What ends while the choice waits for its turn comes too late for it, and who waits long may be of another owner. */
    const bool at_once = runs >= (int64_t)q->runs && w->now_ns - run->began_ns < 5 * PAWL_SIM_S;
    const bool lately = at_once && pawl_sim_wall_most(w) < q->at_ns + a->routing.recent_ns - 10 * PAWL_SIM_S;
    if (lately && runs >= a->routing.runs_min && rate_ppm < (int64_t)(a->routing.success * 10000))
        pawl_sim_broken(w, "routing", "run%u #%u: it does well in %lld of a million cases, and is asked", run->index,
                        r->step, (long long)rate_ppm);
}
