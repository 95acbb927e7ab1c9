/* tests/workloads/part.h - one part of pawl switched on for all the recorded runs: what its configuration says, what the world
 * plays for it and writes down, and what must hold by that ledger. docs/workloads.md has the table. */
#pragma once
#include "recording.h"

enum wl_part {
    WL_NO_PART,
    WL_BUDGETS,
    WL_CONTEXT,
    WL_GUARDS,
    WL_OPINIONS,
    WL_ASYNC,
    WL_CHILDREN,
    WL_CHECKS,
    WL_SCHEDULES,
    WL_UNDO,
    WL_SIGNALS,
    WL_PARTS
};
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

/* part_outcome.c, likewise drawn. Checks: is that done otherwise than it was asked for? The same call is so each time. */
bool wl_amiss(const struct wl_recording *r, uint32_t call);
bool wl_blind(const struct wl_recording *r); /* nobody can look into the service's books of it */
enum wl_then { WL_TELL, WL_ASK, WL_FAIL, WL_UNDONE } wl_then_of(const struct wl_env *env, const struct wl_tool *t);
/* Undo: who wants it, behind which step (0: all), and which call can not be undone. */
enum wl_undoing { WL_AS_IT_IS, WL_UNDO_DONE, WL_UNDO_STOPPED, WL_CANCEL } wl_undoing_of(const struct wl_recording *r);
uint32_t wl_undo_to(const struct wl_recording *r);
bool wl_cannot_undo(const struct wl_recording *r, uint32_t call);
/* Signals: does this tool wait for one? And are they sent before anybody waits? */
bool wl_hears(const struct wl_tool *t);
bool wl_sent_before(const struct wl_recording *r);

/* Schedules: of one environment; the runs of the others are started by people. Slots are minutes of a wall clock that is
 * ahead by WL_WINDOW_MINUTES in each further life of pawl. */
enum { WL_WINDOW_MINUTES = 10 };
extern const char wl_ticks[]; /* a schedule of its own: all of its slots are caught up */
struct wl_plan {
    uint32_t first, last; /* minutes since the first life began at 0: its slots, one a minute */
    enum { WL_LAST, WL_NONE, WL_TOO_OLD, WL_IN_TIME } how;
};
struct wl_plan wl_plan_of(const struct wl_recording *r, uint32_t kills);
bool wl_begins(const struct wl_plan *plan); /* one run, for its last slot; else none */
/* Of the environment with most runs, as many as may have a schedule. */
bool wl_by_clock(const struct wl_data *d, const struct wl_recording *r);

/* One record of it; c: the call that it is about, NULL: none. */
void wl_seen_record(struct wl_recording *rec, struct wl_call *c, uint32_t step, struct pawl_str kind, yyjson_val *body);
void wl_seen_outcome(struct wl_recording *rec, struct wl_call *c, struct pawl_str kind, yyjson_val *body);
bool wl_seen_other(const struct wl_recording *rec, uint32_t step);

/* Of one run, what the world wrote down. */
struct wl_ledger {
    uint64_t billed;            /* tokens, of all that the provider took up, whether its answer came back or not */
    uint32_t requests, longest; /* of its own model; tokens of the longest */
    uint32_t torn;              /* requests in which a call has no result, or a result no call */
    uint32_t stubs;             /* results that were told as a line */
    uint32_t polls, kids;
    uint32_t misheard, heard; /* results of waits that carry another signal than they must; the most in one request */
};
