/* src/sim/shrink.c - a failing seed without what it does not need: one kind of fault less, then fewer runs, as long as
 * the same invariant still fails. A seed played with less goes another way, so this finds a small form, not the smallest. */
#include <string.h>
#include "base/error.h"
#include "sim/sim.h"

static int fails(const struct pawl_sim_options *o, const char *invariant, bool *out)
{
    struct pawl_sim_result r;
    const int rc = pawl_sim_run(o, &r);
    *out = rc == PAWL_OK && !r.held && strcmp(r.invariant, invariant) == 0;
    return rc;
}

int pawl_sim_shrink(struct pawl_sim_options *o, const char *invariant)
{
    bool still = false;
    int rc = PAWL_OK;
    o->line = NULL;
    for (uint32_t bit = 1; rc == PAWL_OK && bit & PAWL_SIM_FAULTS; bit <<= 1) {
        struct pawl_sim_options less = *o;
        if (o->without & bit) continue;
        less.without |= bit;
        rc = fails(&less, invariant, &still);
        if (still) *o = less;
    }
    for (uint32_t runs = 1; rc == PAWL_OK && runs < 6; runs++) {
        struct pawl_sim_options less = *o;
        if (o->runs_max && runs >= o->runs_max) break;
        less.runs_max = runs;
        rc = fails(&less, invariant, &still);
        if (!still) continue;
        *o = less;
        break;
    }
    return rc;
}
