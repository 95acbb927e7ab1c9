/* src/policy/admission.c - see admission.h. */
#include "policy/admission.h"
#include "policy/breaker.h"
#include "policy/bulkhead.h"

bool pawl_pass_sends(const struct pawl_pass *p)
{
    const struct pawl_step *s = p->step;
    if (p->came || pawl_pass_waits(p)) return false;
    if (!s || s->state < PAWL_STEP_INTENDED_STATE) return true;
    return s->state == PAWL_STEP_INTENDED_STATE && (s->resend || p->attempts > 0);
}

void pawl_admission_told(struct pawl_pass *p, const struct pawl_reply *reply)
{
    pawl_breaker_told(p, reply);
    pawl_pool_told(p, reply);
    pawl_pool_leave(p);
    pawl_lane_leave(p);
}

void pawl_admission_leave(struct pawl_pass *p)
{
    pawl_pool_leave(p);
    pawl_breaker_leave(p);
    pawl_lane_leave(p);
}
