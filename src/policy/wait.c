/* src/policy/wait.c - stage 12 of a step for which nothing is sent: it waits for a signal (for another run: child.c).
 *
 *   INTENDED --a signal of its name is there, or comes--> COMPLETED {signal}, or FAILED out_of_contract {signal}
 *            --its time is over--> COMPLETED with what the contract says otherwise, or FAILED timeout
 *
 * A signal that came before anybody waited is taken at once; each is taken by one step, the oldest first. The time counts
 * from the intent, by the wall clock, so that a restart does not lengthen it. */
#include "contract/units.h"
#include "policy/pipeline.h"

static enum pawl_verdict none_came(struct pawl_pass *p)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, p->arena);
    pawl_unit_duration_text(p->tool->signal_ns, &b);
    if (!pawl_buf_done(&b).p) return p->rc = PAWL_ENOMEM, pawl_pass_wait(p, PAWL_WANT_NOTHING);
    if (!p->tool->otherwise.p)
        return pawl_pass_fail(p, PAWL_CLASS_TIMEOUT, "no signal '%.*s' came within %s", (int)p->tool->signal.n,
                              p->tool->signal.p, b.p);
    p->result = p->tool->otherwise;
    p->note = PAWL_STR("no signal came in time; this answer is the one that is fixed for that");
    return PAWL_ANSWER;
}

enum pawl_verdict pawl_wait_enter(struct pawl_pass *p)
{
    const struct pawl_signal *g = pawl_run_signal(p->run, p->tool->signal);
    const int64_t until_ns = p->step->intended_at_ns + p->tool->signal_ns;
    if (pawl_pass_is_child(p)) return pawl_child_enter(p);
    if (p->run->ending) return pawl_pass_fail(p, PAWL_CLASS_CANCELLED, "the run was stopped while it waited");
    if (g) {
        p->signal_seq = g->seq;
        p->outcome = (struct pawl_outcome){.applied = PAWL_APPLIED_YES, .retry_after_ns = -1, .result = g->payload};
        p->came = true;
        return PAWL_GO;
    }
    return p->wall_ns >= until_ns ? none_came(p) : pawl_pass_until(p, PAWL_WANT_SIGNAL, until_ns);
}
