/* tests/workloads/part.h - one part of pawl switched on for all the recorded runs: what its configuration says, what the world
 * plays for it and writes down, and what must hold by that ledger. docs/workloads.md has the table. */
#pragma once
#include "recording.h"

enum wl_part { WL_NO_PART, WL_BUDGETS, WL_CONTEXT, WL_GUARDS, WL_OPINIONS, WL_ASYNC, WL_CHILDREN, WL_PARTS };
extern const char *const wl_part_names[WL_PARTS];
enum wl_allowance { WL_AMPLE, WL_STEPS, WL_TOKENS, WL_COST, WL_ASKS }; /* which budget a recording is played with */
enum { WL_ANSWER_TOKENS = 1000 };                                      /* max_tokens of a model, where budgets count */

/* Drawn from the recording alone, so that the configuration, the world and the judge agree. */
enum wl_allowance wl_allowance_of(const struct wl_recording *r);
/* In tokens (steps where it is WL_STEPS), such that it runs out about half way; 0: ample. */
uint64_t wl_allowance_limit(const struct wl_recording *r);
/* Of all runs together, such that it runs out before all are done. */
uint64_t wl_allowance_of_all(const struct wl_data *d);
/* What its longest request holds, in tokens, and the limit that it is played with. */
uint32_t wl_context_longest(const struct wl_recording *r);
uint32_t wl_context_limit(const struct wl_recording *r);
/* Does the second opinion agree to this call? 1 yes, 0 no, -1: it says something that is no opinion. */
int wl_agrees(const struct wl_recording *r, uint32_t call);

/* One record of it; c: the call that it is about, NULL: none. */
void wl_seen_record(struct wl_recording *rec, struct wl_call *c, uint32_t step, struct pawl_str kind, yyjson_val *body);
bool wl_seen_other(const struct wl_recording *rec, uint32_t step);

/* Of one run, what the world wrote down. */
struct wl_ledger {
    uint64_t billed;            /* tokens, of all that the provider took up, whether its answer came back or not */
    uint32_t requests, longest; /* of its own model; tokens of the longest */
    uint32_t torn;              /* requests in which a call has no result, or a result no call */
    uint32_t stubs;             /* results that were told as a line */
    uint32_t polls, kids;
};
