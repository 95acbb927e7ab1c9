/* src/policy/check.h - stage 16, behind the read-back: what came of a call against what was meant by it.
 *
 * A contract's checks are schemas over {args, run, result, before, after}. They are judged once the call is known to have
 * happened, and whatever they find it stays so: nothing is sent again for them. What was found is in the record of the step's
 * end, and what follows (told, a person asked, undone) is taken from there, so a restart sees the same. */
#pragma once
#include "policy/pass.h"

/* Before the intent: what is there now, where a check compares with it. PAWL_WAIT: it is being looked at. */
enum pawl_verdict pawl_check_before(struct pawl_pass *p);
/* ... verify's own look says it, and is made for that. */
bool pawl_check_by_verify(const struct pawl_pass *p);
/* The answer is here: PAWL_GO, or PAWL_FAIL where it happened and is an error all the same. */
enum pawl_verdict pawl_check_outcome(struct pawl_pass *p);
/* The members of the step's end. */
void pawl_check_write(const struct pawl_pass *p, struct pawl_json_writer *w);
/* Before the model is asked: a person is, where a check that does not hold wants that. */
enum pawl_verdict pawl_check_question(struct pawl_pass *p);
