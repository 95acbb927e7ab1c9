/* src/policy/scope.c - stage 1: the tool is one of this agent's own. An unknown name is a hallucination: the model is
 * told, with the names that there are; how often is bounded by the decider. */
#include "policy/pipeline.h"

enum pawl_verdict pawl_stage_scope(struct pawl_pass *p)
{
    struct pawl_buf names;
    if (p->model) return PAWL_GO;
    if (p->tool) {
        if (!p->ports->tool_ready || p->ports->tool_ready(p->ports->ctx, p->tool)) return PAWL_GO;
        return pawl_pass_wait(p, PAWL_WANT_PERSON); /* LEDGER 17: waiting: tool NAME */
    }
    pawl_buf_init_arena(&names, p->arena);
    for (uint32_t i = 0; i < p->agent->tools_count; i++) {
        if (i) pawl_buf_text(&names, ", ");
        pawl_buf_str(&names, p->agent->tools[i]->name);
    }
    pawl_buf_done(&names);
    return pawl_pass_fail(p, PAWL_CLASS_UNKNOWN_TOOL, "there is no tool of that name; there are: %s",
                          names.failed || !names.n ? "none" : names.p);
}
