/* src/policy/backoff.h - how long a step waits before another attempt, and how many further attempts a dependency is
 * asked to bear. Plain values; a budget is made by zeroing. */
#pragma once
#include "base/prng.h"
#include "contract/contract.h"

/* The wait before attempt tries + 1. before_ns: the wait before this one, 0: none yet (for decorrelated jitter).
 * M. Brooker, "Exponential Backoff And Jitter", 2015. */
int64_t pawl_backoff_ns(const struct pawl_retry *r, uint32_t tries, int64_t before_ns, struct pawl_prng *prng);

/* The rule for an error of this class: the retry's own, or one of its `on`. */
const struct pawl_retry *pawl_retry_for(const struct pawl_retry *r, enum pawl_class c);

/* Further attempts are a share of the first ones, so that they cannot become the storm: each first attempt earns its
 * share, each further one costs 1, 1 comes back a second, and the reserve is what it begins with and keeps at most. */
struct pawl_retry_budget {
    double spent; /* of the reserve */
    int64_t at_ns;
};
void pawl_retry_budget_earn(struct pawl_retry_budget *b, const struct pawl_retry *r, int64_t now_ns);
/* How long until one more may leave; 0: now. */
int64_t pawl_retry_budget_wait_ns(struct pawl_retry_budget *b, const struct pawl_retry *r, int64_t now_ns);
/* One leaves, or will, after that wait: whoever comes next waits behind it. */
void pawl_retry_budget_take(struct pawl_retry_budget *b, const struct pawl_retry *r);
