/* src/policy/question.h - whatever a person is asked, whoever asks: one mechanism, durable like the gate's (DESIGN 5).
 *
 * About a call: a stage adds its reason with pawl_pass_ask, and the gate puts all reasons into one question (LEDGER 9).
 * About the run, before its model is asked: pawl_pass_question. The pass of the model becomes the question's; it is a step
 * of its own, of kind gate, that ends with the answer: done with {"answer": "yes", "with": {...}}, or failed as `otherwise`,
 * which then is what the run ends with. A yes lets the decider go on. */
#pragma once
#include "policy/pass.h"

struct pawl_question {
    struct pawl_str name;      /* who asks: a guard's rule, "budget"; a later look finds the answer by it */
    uint32_t why;              /* one of PAWL_WHY_STAGES */
    struct pawl_str says;      /* a sentence: what is asked, and why */
    enum pawl_class otherwise; /* guard_stopped, budget_exceeded */
    int64_t expires_ns;        /* from now on; nobody has answered by then: no */
    struct pawl_str budget;    /* BUDGET: what there is too little of, as JSON text; else {NULL,0} */
};

/* One more reason why a person is to be asked about this call, and what she is to know (kept by the caller, or of p's
 * arena). A stage behind the gate then returns pawl_pass_back(p, PAWL_STAGE_GATE). false: there is a yes, not yet used up
 * and not expired, that was asked with this very reason: go on. */
bool pawl_pass_ask(struct pawl_pass *p, uint32_t why, struct pawl_str says);
/* Only of a model's pass before its intent. To be returned by the stage. */
enum pawl_verdict pawl_pass_question(struct pawl_pass *p, const struct pawl_question *q);
/* The last question of that name that was answered and belongs to this try of the run: its state says how, its `with` what
 * came with a yes. NULL: none. */
const struct pawl_step *pawl_run_question(const struct pawl_run *run, struct pawl_str name);

/* Of this room: the gate's part for a question's step; "why" and "says" of gate.asked. */
enum pawl_verdict pawl_question_stage(struct pawl_pass *p);
void pawl_question_why(const struct pawl_pass *p, struct pawl_json_writer *w);
