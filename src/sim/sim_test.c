/* src/sim/sim_test.c - the engine with each of its requests for memory refused once, in turn: it stops, another begins, all
 * invariants hold, every run ends, and all memory comes back. The same seed gives the same story. */
#include "sim/sim.h"
#include "base/error.h"
#include "base/sha256.h"
#include "base/test.h"

enum { FAULTS_OFF = PAWL_SIM_FAULTS & ~(PAWL_SIM_ANSWER | PAWL_SIM_LOSS | PAWL_SIM_PEOPLE | PAWL_SIM_CANCEL) };

static struct pawl_sim_result play(uint64_t seed, uint64_t fail_at)
{
    struct test_alloc t;
    struct pawl_sim_result r;
    test_alloc_init(&t, 0);
    const struct pawl_sim_options o = {
        .seed = seed, .from = &t.alloc, .without = FAULTS_OFF, .runs_max = 2, .fail_at = fail_at};
    CHECK_INT(pawl_sim_run(&o, &r), PAWL_OK);
    CHECK_INT(t.out_bytes, 0);
    return r;
}

/* What failed is told by the seed and the number: play it with that `fail_at` in a debugger. */
static uint64_t every_request(uint64_t seed)
{
    const struct pawl_sim_result whole = play(seed, 0);
    uint64_t refused = 0;
    CHECK(whole.held);
    CHECK(play(seed, 0).hash == whole.hash);
    for (uint64_t i = 1; i <= whole.requests; i++) {
        const struct pawl_sim_result r = play(seed, i);
        refused += r.counts[PAWL_SIM_N_NO_MEMORY];
        if (!CHECK(r.held)) printf("  seed %d, request %d: %s: %s\n", (int)seed, (int)i, r.invariant, r.what);
    }
    return refused;
}

/* With a number: so many seeds. */
int main(int argc, char **argv)
{
    const uint64_t seeds = argc > 1 ? strtoull(argv[1], NULL, 10) : 6;
    uint64_t refused = 0;
    for (uint64_t seed = 1; seed <= seeds; seed++) refused += every_request(seed);
    CHECK(refused > 100 * seeds);
    return TEST_END();
}
