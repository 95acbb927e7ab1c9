/* src/policy/lane.c - stage 8: a place among the calls of the agent's lane, while the attempt is out. */
#include "policy/bulkhead.h"
#include "policy/pipeline.h"

enum pawl_verdict pawl_stage_lane(struct pawl_pass *p)
{
    return pawl_pass_sends(p) ? pawl_lane_enter(p) : PAWL_GO;
}
