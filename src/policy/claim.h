/* src/policy/claim.h - the claim operations that gate, intent and retry put beside their records. */
#pragma once
#include "policy/pass.h"

/* Take the claim of this pass's intent if it has one in a scope wider than the run and has not taken it; `state` is what
 * the row says from now on. PAWL_OK or PAWL_ENOMEM (also in p->rc). */
int pawl_claim_hold(struct pawl_pass *p, enum pawl_claim_state state);
