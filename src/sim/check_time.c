/* src/sim/check_time.c - a run's time (LEDGER 15): its deadline is of active time, from outside the time in which the store
 * says that it is live; ends_by is of the wall clock, parked or not. */
#include "sim/world.h"

enum { SLACK_S = 30 };

void pawl_sim_live(struct pawl_sim *w, struct pawl_sim_run *run, bool live)
{
    if (run->live && !live) run->live_ns += w->now_ns - run->live_since_ns;
    if (live && !run->live) run->live_since_ns = w->now_ns;
    run->live = live;
}

/* A person has it tried again: its limits count from now. */
void pawl_sim_time_anew(struct pawl_sim *w, struct pawl_sim_run *run)
{
    run->tried_ns += run->live_ns + (run->live ? w->now_ns - run->live_since_ns : 0);
    run->live_ns = 0;
    run->live_since_ns = run->began_ns = w->now_ns;
    if (!w->node) return;
    w->node->busy[run->index].ns = 0; /* a read may have left already, before the retry was stored */
    w->node->busy[run->index].since_ns = w->now_ns;
}

static const struct pawl_agent *agent_of(const struct pawl_sim *w, const struct pawl_sim_run *run)
{
    return pawl_config_agent(&w->config, run->stored.agent);
}

/* A start that was asked for before its owner slept is stored after it woke, and its time counts from when it was asked. */
static int64_t asleep_before_ns(const struct pawl_sim_run *run)
{
    const struct pawl_sim_node *n = run->owner;
    const bool woke_for_it = n && n->woke_ns > 0 && run->began_ns >= n->woke_ns &&
                             run->began_ns < n->woke_ns + 10 * PAWL_SIM_S; /* a full disk is tried again each second */
    return woke_for_it ? n->woke_ns - n->slept_ns + SLACK_S * PAWL_SIM_S : 0;
}

/* Stopped by its deadline, in a record of `at_ns`: was its time over? The owner never counts more than passed outside. */
void pawl_sim_check_deadline(struct pawl_sim *w, const struct pawl_sim_run *run, int64_t at_ns)
{
    const struct pawl_agent *agent = agent_of(w, run);
    const int64_t live_ns = run->live_ns + (run->live ? w->now_ns - run->live_since_ns : 0) + asleep_before_ns(run) +
                            pawl_sim_children_live_ns(w, run) + run->looks_ns;
    const int64_t given_ns = run->stored.deadline_ns, ends_ns = run->stored.ends_ns;
    if (given_ns && live_ns + SLACK_S * PAWL_SIM_S >= given_ns) return;
    if (agent->deadline_ns && live_ns + SLACK_S * PAWL_SIM_S >= agent->deadline_ns) return;
    /* by either clock: a timer that has begun to wait does not follow a wall clock that steps */
    const int64_t passed_ns = w->now_ns - run->began_ns + SLACK_S * PAWL_SIM_S;
    if (ends_ns &&
        (pawl_sim_wall_most(w) + SLACK_S * PAWL_SIM_S >= ends_ns || run->stored.created_ns + passed_ns >= ends_ns))
        return;
    if (agent->ends_by_ns && (at_ns >= run->stored.since_ns + agent->ends_by_ns || passed_ns >= agent->ends_by_ns))
        return;
    pawl_sim_broken(w, "deadline", "run%u: its time is said to be over, and it was active for %lld s of %lld",
                    run->index, (long long)(live_ns / PAWL_SIM_S), (long long)(agent->deadline_ns / PAWL_SIM_S));
}

/* While a call of a run is under way and its node awake, its clock runs for certain. */
void pawl_sim_busy(const struct pawl_sim_call *c, bool begins)
{
    struct pawl_sim_node *n = c->node;
    struct pawl_sim_busy *b = &n->busy[c->run];
    if (begins && b->calls++ == 0) b->since_ns = n->w->now_ns;
    if (!begins && --b->calls == 0 && n->woke_ns < b->since_ns) b->ns += n->w->now_ns - b->since_ns;
}

static int64_t counted_ns(const struct pawl_sim_node *n, const struct pawl_sim_run *run)
{
    const struct pawl_sim_busy *b = &n->busy[run->index];
    return b->ns + (b->calls > 0 && n->woke_ns < b->since_ns ? n->w->now_ns - b->since_ns : 0);
}

void pawl_sim_check_in_time(struct pawl_sim_node *n, const struct pawl_sim_run *run, const struct pawl_attempt *a)
{
    struct pawl_sim *w = n->w;
    const struct pawl_agent *agent = agent_of(w, run);
    const int64_t slack_ns = SLACK_S * PAWL_SIM_S, ends_ns = agent->ends_by_ns + slack_ns;
    if (a->timeout_ns > a->deadline_ns)
        pawl_sim_broken(w, "deadline", "run%u #%u: attempt %u may take %lld ms, and the run has %lld", run->index,
                        a->step, a->attempt, (long long)(a->timeout_ns / PAWL_SIM_MS),
                        (long long)(a->deadline_ns / PAWL_SIM_MS));
    if (a->deadline_ns == PAWL_NEVER && !agent->deadline_ns && !agent->ends_by_ns) return;
    const struct pawl_step *s = pawl_run_step(&run->stored, a->step);
    if (a->attempt > 1 || run->stored.ending || (s && s->kind == PAWL_STEP_UNDO)) return;
    const bool spent = agent->deadline_ns && counted_ns(n, run) > agent->deadline_ns + slack_ns;
    const bool late = agent->ends_by_ns && w->now_ns - run->began_ns > ends_ns && /* both clocks say so */
                      pawl_sim_wall(w) - run->stored.since_ns > ends_ns;
    if (spent || late) pawl_sim_broken(w, "deadline", "run%u #%u: it begins after the run's time", run->index, a->step);
}

void pawl_sim_check_parked(struct pawl_sim *w, const struct pawl_sim_run *run, const struct pawl_head *h)
{
    const struct pawl_agent *agent = agent_of(w, run);
    const bool waits = h->wake_ns > 0 && h->status < PAWL_DONE && h->waiting != PAWL_WAIT_CONFIG;
    if (waits && agent->ends_by_ns && !run->stored.ending && h->wake_ns > run->stored.since_ns + agent->ends_by_ns)
        pawl_sim_broken(w, "deadline", "run%u sleeps past the time by which it ends", run->index);
}
