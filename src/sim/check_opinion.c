/* src/sim/check_opinion.c - second opinions: nothing that needs them leaves without, each is asked about one call once, and
 * they are judged when all have ended (docs/opinions.md). */
#include "sim/check_seen.h"
#include <string.h>

static const struct pawl_second_opinion *of(const struct pawl_sim_seen *k, struct pawl_str tool)
{
    const struct pawl_agent *agent = pawl_config_agent(&k->w->config, k->run->stored.agent);
    for (uint32_t i = 0; agent->opinion.by_count && i < agent->opinion.tools_count; i++)
        if (pawl_str_eq(agent->opinion.tools[i], tool)) return &agent->opinion;
    return NULL;
}

/* A call's opinions of this try, about that digest; `by` PAWL_SIM_STEPS: any. */
static uint32_t count(const struct pawl_sim_seen *k, const struct pawl_step *call, struct pawl_hash digest, uint32_t by,
                      bool open_only)
{
    const struct pawl_run *run = &k->run->stored;
    uint32_t n = 0;
    for (uint32_t i = call->opinions_from; i < run->steps_count; i++) {
        const struct pawl_step *s = run->steps[i];
        if (s->kind != PAWL_STEP_OPINION || s->opines_on != call->number) continue;
        if (!pawl_sim_same_hash(s->judged_digest, digest) || (by != PAWL_SIM_STEPS && s->opinion_by != by)) continue;
        n += !open_only || !pawl_step_ended(s);
    }
    return n;
}

void pawl_sim_check_opinion_asked(struct pawl_sim_seen *k)
{
    const struct pawl_step *call = pawl_run_step(&k->run->stored, (uint32_t)pawl_json_i64(k->body, "on", 0));
    const uint32_t by = (uint32_t)pawl_json_i64(k->body, "by", 0);
    pawl_sim_count(k->w, PAWL_SIM_N_OPINIONS);
    if (!call || call->kind != PAWL_STEP_TOOL || !of(k, call->name)) {
        pawl_sim_seen_broken(k, "opinion", "asked about what needs none");
        return;
    }
    if (call->state >= PAWL_STEP_INTENDED_STATE) pawl_sim_seen_broken(k, "opinion", "asked about what has left");
    if (count(k, call, pawl_sim_seen_hash(k, "digest"), by, false))
        pawl_sim_seen_broken(k, "opinion", "asked twice about #%u, of the same", call->number);
}

void pawl_sim_check_opinion_judged(struct pawl_sim_seen *k)
{
    const struct pawl_second_opinion *o = k->s ? of(k, k->s->name) : NULL;
    const struct pawl_hash digest = pawl_sim_seen_hash(k, "digest");
    yyjson_val *each;
    uint32_t yes = 0;
    size_t i, n;
    if (!o) {
        pawl_sim_seen_broken(k, "opinion", "judged what needs none");
        return;
    }
    if (count(k, k->s, digest, PAWL_SIM_STEPS, true))
        pawl_sim_seen_broken(k, "opinion", "judged while one is still asked");
    yyjson_arr_foreach(yyjson_obj_get(k->body, "opinions"), i, n, each)
    {
        const struct pawl_str said = pawl_json_str(each, "said");
        const struct pawl_step *s = pawl_run_step(&k->run->stored, (uint32_t)pawl_json_i64(each, "step", 0));
        yes += pawl_str_is(said, "agrees") || (pawl_str_is(said, "failed") && o->failed_agrees);
        if (s && pawl_str_is(said, "agrees") &&
            (s->state != PAWL_STEP_DONE || (s->by_model && !memmem(s->content.p, s->content.n, "true", 4))))
            pawl_sim_seen_broken(k, "opinion", "#%u is said to agree, and does not", s->number);
    }
    if (n != o->by_count || pawl_json_bool(k->body, "agree", false) != (yes >= o->needed))
        pawl_sim_seen_broken(k, "opinion", "%u of %u agree, %u must: it is judged otherwise", yes, o->by_count,
                             o->needed);
}

/* Its own opinions agree on the very request that leaves, or a person said yes to it. */
void pawl_sim_check_opinion_intended(struct pawl_sim_seen *k)
{
    const struct pawl_hash digest = pawl_sim_seen_hash(k, "digest");
    const struct pawl_step *s = k->s;
    if (s->kind != PAWL_STEP_TOOL || !of(k, s->name)) return;
    if (s->judged && s->agreed && pawl_sim_same_hash(s->judged_digest, digest)) return;
    if (s->state == PAWL_STEP_APPROVED && !s->denied && pawl_sim_same_hash(s->asked_digest, digest)) return;
    pawl_sim_seen_broken(k, "opinion", "leaves, and the second opinions did not agree to it");
}
