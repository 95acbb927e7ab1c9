/* src/policy/rate.c - stage 10: the pool that the dependency belongs to has room, in number and by the minute. */
#include "policy/breaker.h"
#include "policy/bulkhead.h"
#include "policy/pipeline.h"

enum pawl_verdict pawl_stage_rate(struct pawl_pass *p)
{
    const enum pawl_verdict v = pawl_pass_sends(p) ? pawl_pool_enter(p) : PAWL_GO;
    /* while it stood in line the circuit may have opened */
    return v == PAWL_GO && !pawl_breaker_still(p) ? pawl_pass_back(p, PAWL_STAGE_LANE) : v;
}
