/* src/policy/backoff_test.c - waits between attempts, and the share of them that a dependency bears. */
#include "policy/backoff.h"
#include "base/test.h"

static const int64_t S = 1000000000;
enum { RESERVE = 100 };

static void test_exponential(void)
{
    static const struct {
        uint32_t tries;
        int64_t want_s;
    } rows[] = {{1, 1}, {2, 2}, {3, 4}, {5, 16}, {6, 30}, {100, 30}};
    const struct pawl_retry none = {.attempts = 9, .first_ns = S, .max_ns = 30 * S, .factor = 2};
    struct pawl_retry full = none;
    struct pawl_prng prng;
    pawl_prng_seed(&prng, 7);
    full.jitter = PAWL_JITTER_FULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t least = INT64_MAX, most = 0;
        CHECK_INT(pawl_backoff_ns(&none, rows[i].tries, 0, &prng), rows[i].want_s * S);
        for (int n = 0; n < 2000; n++) {
            const int64_t ns = pawl_backoff_ns(&full, rows[i].tries, 0, &prng);
            if (ns < least) least = ns;
            if (ns > most) most = ns;
        }
        CHECK(least >= 1 && least < rows[i].want_s * S / 100);
        CHECK(most <= rows[i].want_s * S && most > rows[i].want_s * S / 100 * 99);
    }
}

/* From the first wait to three times the one before, never beyond the longest. */
static void test_decorrelated(void)
{
    const struct pawl_retry r = {
        .attempts = 9, .first_ns = S, .max_ns = 30 * S, .factor = 2, .jitter = PAWL_JITTER_DECORRELATED};
    struct pawl_prng prng;
    bool reached = false;
    pawl_prng_seed(&prng, 7);
    for (int run = 0; run < 500; run++) {
        int64_t before_ns = 0;
        for (uint32_t tries = 1; tries < 12; tries++) {
            const int64_t ns = pawl_backoff_ns(&r, tries, before_ns, &prng);
            const int64_t most = 3 * (before_ns > S ? before_ns : S);
            CHECK(ns >= S && ns <= most && ns <= 30 * S);
            if (ns > 29 * S) reached = true;
            before_ns = ns;
        }
    }
    CHECK(reached);
}

static void test_rules(void)
{
    const struct pawl_retry_rule on[] = {{PAWL_CLASS_RATE_LIMITED, {.attempts = 8}},
                                         {PAWL_CLASS_TIMEOUT, {.attempts = 1}}};
    const struct pawl_retry r = {.attempts = 4, .on = on, .on_count = 2};
    CHECK_INT(pawl_retry_for(&r, PAWL_CLASS_RATE_LIMITED)->attempts, 8);
    CHECK_INT(pawl_retry_for(&r, PAWL_CLASS_TIMEOUT)->attempts, 1);
    CHECK_INT(pawl_retry_for(&r, PAWL_CLASS_UNAVAILABLE)->attempts, 4);
}

/* f: a first attempt, r: a further one where it may leave at once, s: a second passes. Counted: what left. */
static int story(struct pawl_retry_budget *b, const struct pawl_retry *r, const char *what, int times)
{
    static int64_t now_ns = 1000;
    int left = 0;
    while (times-- > 0)
        for (const char *p = what; *p; p++) {
            if (*p == 's') now_ns += S;
            if (*p == 'f') pawl_retry_budget_earn(b, r, now_ns);
            if (*p == 'r' && pawl_retry_budget_wait_ns(b, r, now_ns) == 0) pawl_retry_budget_take(b, r), left++;
        }
    return left;
}

static void test_budget(void)
{
    const struct pawl_retry fifth = {.budget = 20, .reserve = RESERVE}, free = {.budget = 0};
    struct pawl_retry_budget b = {0};
    CHECK_INT(story(&b, &fifth, "r", 500), RESERVE); /* a burst, and no more */
    CHECK_INT(story(&b, &fifth, "fr", 1000), 200);   /* then a fifth of the first ones */
    CHECK_INT(story(&b, &fifth, "srr", 10), 10);     /* or one a second */
    story(&b, &fifth, "s", 100000);
    CHECK_INT(story(&b, &fifth, "r", 500), RESERVE); /* no more than that is ever saved up */
    story(&b, &fifth, "f", 100000);
    CHECK_INT(story(&b, &fifth, "r", 500), RESERVE);
    CHECK_INT(story(&b, &free, "r", 500), 500);
}

/* Those that must not be given up stand one behind the other, a second apart. */
static void test_queue(void)
{
    const struct pawl_retry fifth = {.budget = 20, .reserve = RESERVE};
    struct pawl_retry_budget b = {0};
    const int64_t now_ns = 5 * S;
    for (int i = 0; i < RESERVE; i++) pawl_retry_budget_take(&b, &fifth);
    b.at_ns = now_ns;
    for (int64_t i = 1; i <= 5; i++) {
        CHECK_INT((pawl_retry_budget_wait_ns(&b, &fifth, now_ns) + S / 2) / S, i);
        pawl_retry_budget_take(&b, &fifth);
    }
    CHECK_INT(pawl_retry_budget_wait_ns(&b, &fifth, now_ns + 6 * S), 0);
}

int main(void)
{
    test_exponential();
    test_decorrelated();
    test_rules();
    test_budget();
    test_queue();
    return TEST_END();
}
