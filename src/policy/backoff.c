/* src/policy/backoff.c - see backoff.h. */
#include "policy/backoff.h"

static const int64_t SECOND_NS = 1000000000;

static int64_t within(const struct pawl_retry *r, double ns)
{
    return ns < 1 ? 1 : ns < (double)r->max_ns ? (int64_t)ns : r->max_ns;
}

int64_t pawl_backoff_ns(const struct pawl_retry *r, uint32_t tries, int64_t before_ns, struct pawl_prng *prng)
{
    double delay = (double)r->first_ns;
    if (r->jitter == PAWL_JITTER_DECORRELATED) {
        const int64_t from = within(r, delay), to = within(r, 3 * (double)(before_ns > from ? before_ns : from));
        return from + (int64_t)pawl_prng_below(prng, (uint64_t)(to - from) + 1);
    }
    for (uint32_t i = 1; i < tries && delay < (double)r->max_ns; i++) delay *= r->factor;
    const int64_t ns = within(r, delay);
    return r->jitter == PAWL_JITTER_FULL ? 1 + (int64_t)pawl_prng_below(prng, (uint64_t)ns) : ns;
}

const struct pawl_retry *pawl_retry_for(const struct pawl_retry *r, enum pawl_class c)
{
    for (uint32_t i = 0; i < r->on_count; i++)
        if (r->on[i].error_class == c) return &r->on[i].retry;
    return r;
}

/* What came back since. */
static void look(struct pawl_retry_budget *b, int64_t now_ns)
{
    if (b->spent > 0) b->spent -= (double)(now_ns - b->at_ns) / (double)SECOND_NS;
    if (b->spent < 0) b->spent = 0;
    b->at_ns = now_ns;
}

void pawl_retry_budget_earn(struct pawl_retry_budget *b, const struct pawl_retry *r, int64_t now_ns)
{
    look(b, now_ns);
    b->spent -= r->budget / 100;
    if (b->spent < 0) b->spent = 0;
}

int64_t pawl_retry_budget_wait_ns(struct pawl_retry_budget *b, const struct pawl_retry *r, int64_t now_ns)
{
    if (r->budget <= 0) return 0;
    look(b, now_ns);
    const double over = b->spent + 1 - r->reserve;
    return over > 0 ? (int64_t)(over * (double)SECOND_NS) + 1 : 0;
}

void pawl_retry_budget_take(struct pawl_retry_budget *b, const struct pawl_retry *r)
{
    if (r->budget > 0) b->spent += 1;
}
