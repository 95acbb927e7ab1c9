/* src/policy/guard.h - guards: rules over the recent steps of a run (DESIGN 6, contract/guard.h).
 *
 * What trips is a function of the run's fold alone, and is recorded (guard.tripped) before anything follows from it. So a
 * restart and a replay see the same, and `pawl backtest` asks the same functions about runs that have long ended.
 *
 *   before the model is asked: errors_in_a_row, unverified_depth, no_progress, contradiction, low_confidence, own rules
 *   before a run ends well:    low_confidence, of its last answer
 *   before a call leaves:      destructive_in_a_row, same_call, staleness, unverified_input, egress_after_untrusted
 *
 * Of one rule the highest limit that is reached counts, once in what is counted together (a streak). A person who was asked,
 * and lets the run go on, ends the streak. */
#pragma once
#include "policy/pass.h"

struct pawl_guard_look { /* what the rules see */
    const struct pawl_run *run;
    const struct pawl_config *config;
    const struct pawl_agent *agent;
    const struct pawl_step *call; /* about to leave; NULL: the model's next step is */
    const struct pawl_tool *tool; /* the call's */
    yyjson_val *args;             /* the call's */
    int64_t wall_ns;
    struct pawl_arena *arena;
};
struct pawl_guard_trip { /* what trips */
    const struct pawl_guard *guard;
    uint32_t count, from;
    struct pawl_str says; /* a sentence without its end; of the arena */
};

/* The next rule that trips and is not in the fold yet. false: none. To be recorded, then asked again. */
bool pawl_guard_next(const struct pawl_guard_look *l, struct pawl_guard_trip *out);
/* guard.tripped's body. */
void pawl_guard_body(const struct pawl_guard_look *l, const struct pawl_guard_trip *t, struct pawl_buf *out);

/* guard_count.c: how far one rule is. 0: it does not apply. */
uint32_t pawl_guard_count(const struct pawl_guard_look *l, const struct pawl_guard *g, struct pawl_guard_trip *out);

/* It happened, and nobody has read it back since; strict: also where no contract says how. */
bool pawl_guard_unread(const struct pawl_guard_look *l, const struct pawl_step *s, bool strict);
/* look_back.c: before the model is asked, what such a rule wants read back is. PAWL_GO: nothing. */
enum pawl_verdict pawl_look_back(struct pawl_pass *p, const struct pawl_guard_look *l);
/* The run would end with its model's last answer: has low_confidence a word in that? Then the pass, `final`, is to be driven. */
bool pawl_guard_final(struct pawl_pass *p);

/* What a call may be offered from: the agent's tools, or only those that read. Of the pass's arena. */
const struct pawl_tool *const *pawl_guard_tools(struct pawl_pass *p, uint32_t *count);
enum { PAWL_GUARD_QUESTION_S = 24 * 3600 }; /* how long a question about the run stands, in seconds */
