/* src/policy/contract_out.c - stage 15: the answer against its schema. Outside it: a read fails at once, no silent retry;
 * a change has been applied and its answer is unusable (LEDGER 2), so back to stage 14 for the ladder's sake. */
#include "policy/pipeline.h"

static enum pawl_verdict check_answer(struct pawl_pass *p)
{
    struct pawl_schema_report report;
    yyjson_val *answer = NULL;
    int rc = pawl_json_read(p->result, p->arena, &answer, NULL);
    report.count = 0;
    if (rc == PAWL_OK && (rc = pawl_schema_check(p->tool->output, answer, NULL, &report)) == PAWL_OK) return PAWL_GO;
    if (rc == PAWL_ENOMEM) return p->rc = rc, pawl_pass_wait(p, PAWL_WANT_NOTHING);
    const char *says = report.count ? report.violations[0].says : "it is not JSON";
    const char *where = report.count ? report.violations[0].instance : "";
    pawl_pass_fail(p, PAWL_CLASS_OUT_OF_CONTRACT, "the answer does not fit the contract: %s%s%s", where,
                   *where ? ": " : "", says);
    if (pawl_pass_is_child(p)) p->applied = pawl_pass_changes(p); /* known to have ended: no doubt of that */
    if (!pawl_pass_changes(p) || pawl_pass_is_child(p)) return PAWL_FAIL;
    p->outcome.applied = PAWL_APPLIED_UNUSABLE;
    p->outcome.error_class = PAWL_CLASS_OUT_OF_CONTRACT;
    p->outcome.message = p->message;
    return pawl_pass_back(p, PAWL_STAGE_RETRY);
}

enum pawl_verdict pawl_stage_contract_out(struct pawl_pass *p)
{
    p->result = p->outcome.result.p ? p->outcome.result : PAWL_STR("null");
    if (pawl_pass_is_child(p) && p->step->kind == PAWL_STEP_UNDO) return PAWL_GO; /* the contract is of its answer */
    if (p->model || !p->tool->output || p->from_person || p->from_verify) return PAWL_GO;
    return check_answer(p);
}
