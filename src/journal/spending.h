/* src/journal/spending.h - what was spent, of each thing that a budget limits: the sums of a run's fold, and those of the
 * store's shared rows for an agent, a day, a run with children. Amounts are whole and never negative; sums stop at the
 * largest. */
#pragma once
#include "contract/contract.h"

enum pawl_spend {
    PAWL_SPENT,     /* known to be */
    PAWL_RESERVED,  /* the worst case of attempts that are out */
    PAWL_ESTIMATED, /* the worst case of attempts of which nobody knows what they cost */
    PAWL_GRANTED,   /* more than the limit, by a person's word */
    PAWL_SPENDS
};
struct pawl_spending {
    int64_t of[PAWL_SPENDS][PAWL_BUDGET_OFS];
};

static inline int64_t pawl_spend_sum(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum)) return b > 0 ? INT64_MAX : INT64_MIN;
    return sum;
}
static inline int64_t pawl_spend_product(int64_t a, int64_t b)
{
    int64_t product;
    return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}
/* Spent and estimated: what counts for good. */
static inline int64_t pawl_spend_gone(const struct pawl_spending *s, enum pawl_budget_of of)
{
    return pawl_spend_sum(s->of[PAWL_SPENT][of], s->of[PAWL_ESTIMATED][of]);
}
