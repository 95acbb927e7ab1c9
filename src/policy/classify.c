/* src/policy/classify.c - stage 13: what an attempt's end tells, and what is known of the step by now (LEDGER 1, 2).
 * Knowledge is the step's: a later "no" never clears an earlier "unknown". */
#include "policy/admission.h"
#include "policy/budget.h"
#include "policy/pipeline.h"
#include <string.h>

/* The reply's text is borrowed: what the outcome keeps of it is copied by the codec into p->arena. */
void pawl_pass_take_reply(struct pawl_pass *p, const struct pawl_reply *reply, bool look)
{
    struct pawl_outcome *out = look ? &p->looked : &p->outcome;
    memset(out, 0, sizeof *out);
    out->retry_after_ns = -1;
    if (look) {
        p->ports->read_tool(p->look_tool ? p->look_tool : pawl_config_tool(p->config, p->tool->verify.tool), reply,
                            false, p->arena, out);
        p->looked_status = reply->transport == PAWL_ANSWERED ? reply->status : 0;
        p->look_came = true;
        return;
    }
    if (p->model) p->ports->read_model(p->model, reply, p->arena, out);
    else p->ports->read_tool(p->tool, reply, p->tool->key_declared && p->attempts > 1, p->arena, out);
    p->attempt_ended_wall_ns = p->wall_ns;
    p->came = true;
    pawl_admission_told(p, reply);
}

static bool tells_nothing(enum pawl_applied a)
{
    return a == PAWL_APPLIED_UNKNOWN || a == PAWL_APPLIED_RUNNING || a == PAWL_APPLIED_ACCEPTED;
}

enum pawl_verdict pawl_stage_classify(struct pawl_pass *p)
{
    const struct pawl_outcome *o = &p->outcome;
    if (p->model) return pawl_budget_settle(p, false);
    if (!pawl_pass_changes(p)) return PAWL_GO;
    if (o->applied == PAWL_APPLIED_ACCEPTED && p->tool->async.on) return PAWL_GO; /* its end is yet to come */
    if (tells_nothing(o->applied)) p->unknown = true;
    /* A success under the same key, verify and a person clear; nothing else (LEDGER 1). */
    const bool clears = p->tool->key_declared || p->tool->effect == PAWL_EFFECT_IDEMPOTENT || p->from_person ||
                        p->from_verify || p->attempts == 1;
    if ((o->applied == PAWL_APPLIED_YES || o->applied == PAWL_APPLIED_UNUSABLE) && clears) p->unknown = false;
    return PAWL_GO;
}
