/* src/policy/routing_test.c - what is known of a model's work, when that is enough to ask it, and which one is chosen. */
#include "policy/routing.h"
#include "base/test.h"

static struct test_alloc memory;
static const struct pawl_routing rule = {.runs_min = 4, .success = 75, .recent_ns = INT64_C(3600000000000)};

static void rates(void)
{
    struct pawl_quality q = {.runs = 0};
    CHECK(pawl_quality_holds(&q, &rule, 0)); /* nothing is known */
    for (int i = 0; i < 3; i++) q = pawl_quality_after(q, &rule, false, 100);
    CHECK_INT(q.runs, 3);
    CHECK_INT(q.rate_ppm, 0);
    CHECK(pawl_quality_holds(&q, &rule, 100)); /* too few */
    q = pawl_quality_after(q, &rule, false, 100);
    CHECK(!pawl_quality_holds(&q, &rule, 100));
    CHECK(!pawl_quality_holds(&q, &rule, 3700));
    CHECK(pawl_quality_holds(&q, &rule, 3701)); /* so long ago that it is tried again, */
    q = pawl_quality_after(q, &rule, true, 3701);
    CHECK_INT(q.runs, 1); /* and counts anew */
    CHECK_INT(q.rate_ppm, 1000000);
    for (int i = 0; i < 3; i++) q = pawl_quality_after(q, &rule, true, 3702);
    q = pawl_quality_after(q, &rule, false, 3703);
    CHECK_INT(q.rate_ppm, 800000);
    CHECK(pawl_quality_holds(&q, &rule, 3703));
    q = pawl_quality_after(q, &rule, false, 3704);
    CHECK(!pawl_quality_holds(&q, &rule, 3704));
    for (int i = 0; i < 400; i++) q = pawl_quality_after(q, &rule, true, 3704);
    CHECK(q.rate_ppm > 990000 && q.rate_ppm <= 1000000); /* what was long ago has faded */
}

static struct pawl_model models[] = {
    {.name = {"main", 4}, .price = {.known = true, .input_pusd = 10, .output_pusd = 40}},
    {.name = {"small", 5}, .price = {.known = true, .input_pusd = 1, .output_pusd = 4}},
    {.name = {"tiny", 4}, .price = {.known = true, .input_pusd = 1, .output_pusd = 1}},
    {.name = {"dear", 4}, .price = {.known = true, .input_pusd = 99, .output_pusd = 99}},
};
static const struct pawl_str names[] = {{"small", 5}, {"tiny", 4}, {"dear", 4}};

static const char *chosen(struct pawl_shared_state *shared, const struct pawl_config *config,
                          const struct pawl_agent *agent, const struct pawl_run *run, struct pawl_arena *a)
{
    const struct pawl_decision decision = {.model = &models[0]};
    struct pawl_pass p = {.run = (struct pawl_run *)(uintptr_t)run,
                          .config = config,
                          .agent = agent,
                          .model = &models[0],
                          .decision = &decision,
                          .shared = shared,
                          .arena = a,
                          .wall_ns = INT64_C(1000000000000)};
    pawl_routing_choose(&p);
    CHECK_INT(p.rc, PAWL_OK);
    return p.model->name.p;
}

static void end(struct pawl_shared_state *shared, const struct pawl_agent *agent, const char *model,
                enum pawl_status status, enum pawl_class c, struct pawl_arena *a)
{
    const struct pawl_run run = {.routed = pawl_str_of(model), .status = status, .error_class = c};
    struct pawl_shared_op ops[3];
    const uint32_t n = pawl_routing_ended(shared, &run, agent, INT64_C(1000000000000), a, ops);
    for (uint32_t i = 0; i < n; i++) CHECK_INT(pawl_routing_apply(shared, ops[i].name, ops[i].add, 1), PAWL_OK);
}

static void choosing(void)
{
    const struct pawl_config config = {.models = models, .models_count = 4};
    struct pawl_agent agent = {.name = {"a", 1}, .routing = rule};
    struct pawl_run run = {.status = PAWL_RUNNING};
    struct pawl_shared_state shared;
    struct pawl_arena a;
    agent.routing.models = names;
    agent.routing.models_count = 3;
    pawl_arena_init(&a, &memory.alloc);
    pawl_shared_init(&shared, &memory.alloc);
    CHECK_TEXT(chosen(&shared, &config, &agent, &run, &a), "tiny"); /* the cheapest, of which nothing is known */
    for (int i = 0; i < 3; i++) end(&shared, &agent, "tiny", PAWL_FAILED_RUN, PAWL_CLASS_OUT_OF_CONTRACT, &a);
    end(&shared, &agent, "tiny", PAWL_FAILED_RUN, PAWL_CLASS_UNAVAILABLE, &a); /* no fault of its own */
    end(&shared, &agent, "tiny", PAWL_CANCELLED_RUN, PAWL_CLASS_CANCELLED, &a);
    CHECK_TEXT(chosen(&shared, &config, &agent, &run, &a), "tiny");
    end(&shared, &agent, "tiny", PAWL_FAILED_RUN, PAWL_CLASS_MALFORMED, &a);
    CHECK_TEXT(chosen(&shared, &config, &agent, &run, &a), "small");
    for (int i = 0; i < 4; i++) end(&shared, &agent, "small", PAWL_FAILED_RUN, PAWL_CLASS_GUARD_STOPPED, &a);
    CHECK_TEXT(chosen(&shared, &config, &agent, &run, &a), "main"); /* never one that is dearer */
    run.routed = PAWL_STR("small");
    CHECK_TEXT(chosen(&shared, &config, &agent, &run, &a), "small"); /* a run keeps what it began with, */
    run.retries = 1;
    CHECK_TEXT(chosen(&shared, &config, &agent, &run, &a), "main"); /* until it is tried again */
    pawl_shared_fini(&shared);
    pawl_arena_fini(&a);
}

int main(void)
{
    test_alloc_init(&memory, 0);
    rates();
    choosing();
    CHECK_INT(memory.out_bytes, 0);
    return TEST_END();
}
