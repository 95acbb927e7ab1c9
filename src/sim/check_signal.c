/* src/sim/check_signal.c - signals: kept from when they are confirmed until one step takes each, the oldest first; a step
 * that waits takes what is there, and gives up no earlier than its contract says. */
#include "sim/check_seen.h"

/* A signal came in. The same key twice is one. */
void pawl_sim_check_signal(struct pawl_sim_seen *k)
{
    const struct pawl_str name = pawl_json_str(k->body, "name"), key = pawl_json_str(k->body, "key");
    const struct pawl_run *run = &k->run->stored;
    if (!name.p) {
        pawl_sim_count(k->w, PAWL_SIM_N_TURNS);
        return;
    }
    pawl_sim_count(k->w, PAWL_SIM_N_SIGNALS);
    for (uint32_t i = 0; key.p && i < run->signals_count; i++)
        if (pawl_str_eq(run->signals[i].name, name) && pawl_str_eq(run->signals[i].key, key))
            pawl_sim_seen_broken(k, "signal", "the signal %.*s is kept twice", (int)key.n, key.p);
}

/* A step that waited has ended, by a signal or without one. */
void pawl_sim_check_waited(struct pawl_sim_seen *k)
{
    const uint64_t seq = (uint64_t)pawl_json_i64(k->body, "signal", 0);
    const struct pawl_run *run = &k->run->stored;
    const bool timeout = pawl_str_is(pawl_json_str(k->body, "class"), "timeout") || yyjson_obj_get(k->body, "note");
    const int64_t most_ns = pawl_sim_wall_most(k->w); /* what any clock has shown */
    if (!k->s || !k->s->awaits.p) return;
    for (uint32_t i = 0; i < run->signals_count; i++) {
        const struct pawl_signal *g = &run->signals[i];
        if (!pawl_str_eq(g->name, k->s->awaits) || (g->taken_by && g->seq != seq)) continue;
        if (seq && g->seq == seq && g->taken_by)
            pawl_sim_seen_broken(k, "signal", "takes the signal %llu, which #%u took", (unsigned long long)seq,
                                 g->taken_by);
        if (seq && g->seq < seq)
            pawl_sim_seen_broken(k, "signal", "takes the signal %llu before the older %llu", (unsigned long long)seq,
                                 (unsigned long long)g->seq);
        if (!seq && timeout)
            pawl_sim_seen_broken(k, "signal", "gives up, and the signal %llu is there", (unsigned long long)g->seq);
    }
    if (seq) pawl_sim_count(k->w, PAWL_SIM_N_SIGNALS_TAKEN);
    if (timeout && !seq && most_ns < k->s->intended_at_ns + k->tool->signal_ns)
        pawl_sim_seen_broken(k, "signal", "gives up before its time is over");
}

/* Stored as it stands: nobody sleeps beside a signal that is there for it. */
void pawl_sim_check_asleep(struct pawl_sim *w, const struct pawl_sim_run *run, const struct pawl_head *h)
{
    if (h->waiting != PAWL_WAIT_SIGNAL || h->wake_ns <= 1) return;
    for (uint32_t i = 0; i < run->stored.steps_count; i++) {
        const struct pawl_step *s = run->stored.steps[i];
        if (s->state == PAWL_STEP_INTENDED_STATE && s->awaits.p && pawl_run_signal(&run->stored, s->awaits))
            pawl_sim_broken(w, "signal", "run%u #%u sleeps, and its signal is there", run->index, s->number);
    }
}
