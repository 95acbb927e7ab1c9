/* src/policy/fallback.h - what stands in for a dependency whose breaker is open or whose retries are spent. */
#pragma once
#include "policy/pass.h"

/* A model step goes on with the next model of its list: true, and p->model is that one. */
bool pawl_fallback_model(struct pawl_pass *p);
/* A tool's step gets what its contract declares: true, and *v says how it goes on. Only for what is known not to have
 * been applied. */
bool pawl_fallback_tool(struct pawl_pass *p, enum pawl_verdict *v);
/* Was it the dependency that failed, so that something else may stand in? */
bool pawl_fallback_fits(enum pawl_class c);
/* A good answer, kept for the next time. */
void pawl_fallback_remember(struct pawl_pass *p);
