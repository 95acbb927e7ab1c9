/* src/policy/shortage.h - what is done where a model call does not fit into a budget: a cheaper model is asked, a person is
 * asked for more, or the run ends as budget_exceeded. What has been done stays done: a person may give more and retry it. */
#pragma once
#include "policy/budget.h"

/* The run's own limits that need no request to be judged: its time, and its steps where a person may give more. true: *v is
 * the stage's verdict. */
bool pawl_shortage_early(struct pawl_pass *p, enum pawl_verdict *v);
/* The next cheaper model in the place of p->model; false: there is none. */
bool pawl_shortage_degrade(struct pawl_pass *p);
enum pawl_verdict pawl_shortage_end(struct pawl_pass *p, const struct pawl_shortage *s);
