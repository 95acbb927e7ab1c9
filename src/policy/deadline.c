/* src/policy/deadline.c - stage 7: what is left of the run's active time bounds every attempt (LEDGER 15). */
#include "policy/pipeline.h"

enum pawl_verdict pawl_stage_deadline(struct pawl_pass *p)
{
    const int64_t own_ns = p->model ? p->model->total_ns : p->tool->timeout_ns;
    const bool sent = p->step && p->step->state >= PAWL_STEP_INTENDED_STATE;
    p->timeout_ns = own_ns < p->left_ns ? own_ns : p->left_ns;
    if (p->timeout_ns > 0) return PAWL_GO;
    if (!sent) return pawl_pass_fail(p, PAWL_CLASS_DEADLINE_EXCEEDED, "the run's time is over");
    p->timeout_ns = own_ns; /* what was sent is resolved all the same: it must be known before the run may end */
    return PAWL_GO;
}
