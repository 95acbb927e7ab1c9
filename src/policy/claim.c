/* src/policy/claim.c - taking and marking a claim in the transaction of the record that made it (LEDGER 6). */
#include "policy/claim.h"

int pawl_claim_hold(struct pawl_pass *p, enum pawl_claim_state state)
{
    struct pawl_claim_op op = {.op = p->claim_took ? PAWL_CLAIM_SET : PAWL_CLAIM_TAKE};
    if (!p->claim_took && p->claim_state == PAWL_CLAIM_NOT_ASKED) return PAWL_OK; /* scope run, or no dedupe */
    op.claim = (struct pawl_claim){.key = p->claim_key,
                                   .args = p->step->args_digest,
                                   .run = p->run->id,
                                   .step = p->number,
                                   .turn = p->step->turn,
                                   .state = state,
                                   .until_ns = PAWL_NEVER};
    if (!p->claim_took && p->claim_state == PAWL_CLAIM_HELD) {
        op.instead_run = p->claim.run;
        op.instead_step = p->claim.step;
        p->claim_instead = true; /* p->claim stays as it was: that row comes back if nothing comes of this */
    }
    p->claim_took = true;
    p->claim_state = PAWL_CLAIM_OURS;
    return p->rc = p->book->claim(p, &op);
}
