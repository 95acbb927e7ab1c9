/* src/contract/guard.h - what an agent's `guards:` say (DESIGN 6): rules over a run as a whole, each with limits and what is
 * done when one is reached. What the rules count: policy/guard_count.c; docs/guards.md has the measured defaults. */
#pragma once
#include "contract/schema.h"

enum pawl_guard_rule {
    PAWL_GUARD_ERRORS,           /* errors_in_a_row: messages of the model all of whose calls failed */
    PAWL_GUARD_CHANGES,          /* destructive_in_a_row: messages that change by one tool, nothing read in between */
    PAWL_GUARD_UNVERIFIED_DEPTH, /* steps since a change that nobody read back */
    PAWL_GUARD_SAME_CALL,        /* messages in a row with the same call, which got the same answer */
    PAWL_GUARD_NO_PROGRESS,      /* rounds of a cycle of two to four messages, calls and answers the same */
    PAWL_GUARD_CONTRADICTION,    /* two answers about one fact that differ, and nothing was changed between them */
    PAWL_GUARD_STALENESS,        /* a change that builds on a fact that is not fresh any more */
    PAWL_GUARD_CONFIDENCE,       /* low_confidence: the model's own score is under the bound */
    PAWL_GUARD_UNVERIFIED_INPUT, /* an irreversible call about a fact that nobody verified */
    PAWL_GUARD_EGRESS,           /* egress_after_untrusted: a call that can carry data out, behind untrusted content */
    PAWL_GUARD_OWN,              /* a JSON Schema over the window of recent steps */
    PAWL_GUARD_RULES
};
enum pawl_guard_answer {
    PAWL_GUARD_TELL,   /* the model is told, in a note */
    PAWL_GUARD_VERIFY, /* the runtime looks: reads back, reads again */
    PAWL_GUARD_NARROW, /* only reads from here on, until a person speaks */
    PAWL_GUARD_ASK,    /* a person is asked */
    PAWL_GUARD_STOP    /* the run ends, guard_stopped */
};
struct pawl_guard {
    enum pawl_guard_rule rule;
    struct pawl_str name; /* of the rule, as it stands in the configuration */
    uint32_t limit;       /* what the rule counts has come so far; 1 for those that count nothing */
    double bound;         /* CONFIDENCE: a score under it */
    enum pawl_guard_answer answer;
    struct pawl_schema *when; /* OWN: trips where the window fits it */
};
struct pawl_fact_rule { /* facts: {NAME: POINTER}, or {NAME: {at: POINTER, about: [ARGUMENT POINTER, ...]}} */
    struct pawl_str name, at;
    const struct pawl_str *about; /* the arguments that say what it is about; not said: all of them */
    uint32_t about_count;
    bool about_said;
};
const char *pawl_guard_name(enum pawl_guard_rule r); /* "errors_in_a_row"; "" for OWN */
const char *pawl_guard_answer_name(enum pawl_guard_answer a);
bool pawl_guard_answer_of(struct pawl_str name, enum pawl_guard_answer *out);
/* What holds where the configuration says nothing; of one rule the lower limits come first. */
const struct pawl_guard *pawl_guard_defaults(uint32_t *count);
