/* src/contract/class.c - the names of the error classes (DESIGN 5), as the journal, JSON and `errors:` say them. */
#include "contract/contract.h"
#include <assert.h>

static const char *const names[PAWL_CLASS_COUNT] = {
    [PAWL_CLASS_NONE] = "",
    [PAWL_CLASS_TIMEOUT] = "timeout",
    [PAWL_CLASS_RATE_LIMITED] = "rate_limited",
    [PAWL_CLASS_OVERLOADED] = "overloaded",
    [PAWL_CLASS_UNAVAILABLE] = "unavailable",
    [PAWL_CLASS_MALFORMED] = "malformed",
    [PAWL_CLASS_OUT_OF_CONTRACT] = "out_of_contract",
    [PAWL_CLASS_REJECTED] = "rejected",
    [PAWL_CLASS_UNAUTHORIZED] = "unauthorized",
    [PAWL_CLASS_UNKNOWN_TOOL] = "unknown_tool",
    [PAWL_CLASS_BAD_ARGUMENTS] = "bad_arguments",
    [PAWL_CLASS_BUDGET_EXCEEDED] = "budget_exceeded",
    [PAWL_CLASS_DEADLINE_EXCEEDED] = "deadline_exceeded",
    [PAWL_CLASS_BREAKER_OPEN] = "breaker_open",
    [PAWL_CLASS_LANE_FULL] = "lane_full",
    [PAWL_CLASS_CANCELLED] = "cancelled",
    [PAWL_CLASS_IN_DOUBT] = "in_doubt",
    [PAWL_CLASS_GUARD_STOPPED] = "guard_stopped",
    [PAWL_CLASS_DENIED] = "denied",
    [PAWL_CLASS_CONFLICT] = "conflict",
    [PAWL_CLASS_NONDETERMINISM] = "nondeterminism",
    [PAWL_CLASS_INTERNAL] = "internal",
    [PAWL_CLASS_CRASHED_ITS_OWNER] = "crashed_its_owner",
    [PAWL_CLASS_SUPERSEDED] = "superseded",
};

const char *pawl_class_name(enum pawl_class c)
{
    assert((unsigned)c < PAWL_CLASS_COUNT);
    assert(names[c]);
    return names[c];
}

enum pawl_class pawl_class_of(struct pawl_str name)
{
    for (unsigned c = PAWL_CLASS_NONE + 1; c < PAWL_CLASS_COUNT; c++)
        if (pawl_str_is(name, names[c])) return (enum pawl_class)c;
    return PAWL_CLASS_NONE;
}
