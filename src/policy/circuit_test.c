/* src/policy/circuit_test.c - stories of one circuit breaker. */
#include "policy/circuit.h"
#include "base/test.h"
#include "io/alloc.h"

static const int64_t S = 1000000000;
static const struct pawl_breaker plain = {.on = true,
                                          .window_ns = INT64_C(60000000000),
                                          .threshold = 50,
                                          .min_calls = 4,
                                          .probes = 2,
                                          .cooldown_ns = INT64_C(30000000000),
                                          .cooldown_max_ns = INT64_C(100000000000)};
static struct pawl_circuit c;
static int64_t now_ns, wall_ns;

static void fresh(void)
{
    c = (struct pawl_circuit){0};
    now_ns = 5 * S;
    wall_ns = 1000 * S;
}

static void pass_time(int64_t ns)
{
    now_ns += ns;
    wall_ns += ns;
}

/* g: good, f: failed, s: slow but good, n: tells nothing; a second each. */
static void tell(const struct pawl_breaker *rule, const char *story)
{
    for (; *story; story++, pass_time(S)) {
        const enum pawl_circuit_says says = pawl_circuit_ask(&c, rule, wall_ns);
        CHECK(says == PAWL_CIRCUIT_GO);
        pawl_circuit_tell(&c, rule,
                          *story == 'f'   ? PAWL_CIRCUIT_FAILED
                          : *story == 'n' ? PAWL_CIRCUIT_TELLS_NOTHING
                                          : PAWL_CIRCUIT_GOOD,
                          false, *story == 's' ? 9 * S : S / 100, now_ns, wall_ns);
    }
}

static void test_opens(void)
{
    static const struct {
        const char *story;
        enum pawl_circuit_state want;
    } rows[] = {
        {"fff", PAWL_CIRCUIT_CLOSED},                                     /* too few to say */
        {"gfgf", PAWL_CIRCUIT_OPEN},                                      /* half of four */
        {"ggfgf", PAWL_CIRCUIT_CLOSED},                                   /* two of five */
        {"nnnnfffn", PAWL_CIRCUIT_CLOSED},                                /* what tells nothing is no call */
        {"fnfnfnf", PAWL_CIRCUIT_OPEN},    {"ssss", PAWL_CIRCUIT_CLOSED}, /* slowness does not count here */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fresh();
        tell(&plain, rows[i].story);
        if (!CHECK_INT(c.state, rows[i].want)) printf("  %s\n", rows[i].story);
    }
}

static void test_window(void)
{
    struct pawl_breaker calls = plain;
    fresh();
    tell(&plain, "fff");
    pass_time(70 * S); /* the window has left them behind */
    tell(&plain, "f");
    CHECK_INT(c.state, PAWL_CIRCUIT_CLOSED);
    CHECK_INT(c.window.calls, 1);
    tell(&plain, "ff");
    pass_time(30 * S);
    tell(&plain, "f");
    CHECK_INT(c.state, PAWL_CIRCUIT_OPEN);

    fresh();
    calls.window_calls = 20; /* of the last twenty, however long that is */
    tell(&calls, "gggggggggggggggggggg");
    pass_time(10000 * S);
    tell(&calls, "fffffffff");
    CHECK_INT(c.state, PAWL_CIRCUIT_CLOSED);
    CHECK(c.window.calls >= 18 && c.window.calls <= 20);
    tell(&calls, "f");
    CHECK_INT(c.state, PAWL_CIRCUIT_OPEN);
}

static void test_slow(void)
{
    struct pawl_breaker rule = plain;
    rule.slow_ns = 5 * S;
    rule.slow_threshold = 75;
    fresh();
    tell(&rule, "sgss");
    CHECK_INT(c.state, PAWL_CIRCUIT_OPEN);
    fresh();
    tell(&rule, "sgsg");
    CHECK_INT(c.state, PAWL_CIRCUIT_CLOSED);
}

static enum pawl_circuit_says ask(void)
{
    return pawl_circuit_ask(&c, &plain, wall_ns);
}

static bool ended(enum pawl_circuit_how how)
{
    return pawl_circuit_tell(&c, &plain, how, true, S / 100, now_ns, wall_ns);
}

static void test_probes(void)
{
    fresh();
    tell(&plain, "ffff");
    CHECK_INT(ask(), PAWL_CIRCUIT_HELD);
    pass_time(25 * S); /* a second has passed since it opened */
    CHECK_INT(ask(), PAWL_CIRCUIT_HELD);
    pass_time(5 * S);
    CHECK_INT(ask(), PAWL_CIRCUIT_PROBE);
    CHECK_INT(ask(), PAWL_CIRCUIT_PROBE);
    CHECK_INT(ask(), PAWL_CIRCUIT_HELD); /* two, and no more */
    CHECK(ended(PAWL_CIRCUIT_TELLS_NOTHING));
    CHECK_INT(ask(), PAWL_CIRCUIT_PROBE);
    pawl_circuit_give_back(&c);
    CHECK_INT(ask(), PAWL_CIRCUIT_PROBE);
    CHECK(!ended(PAWL_CIRCUIT_GOOD));
    CHECK_INT(ask(), PAWL_CIRCUIT_HELD); /* one is out, one was good */
    CHECK(ended(PAWL_CIRCUIT_GOOD));
    CHECK_INT(c.state, PAWL_CIRCUIT_CLOSED);
    CHECK_INT(c.window.calls, 0); /* what was before counts no more */
    CHECK_INT(ask(), PAWL_CIRCUIT_GO);
}

static void test_cooldown_grows(void)
{
    static const int64_t want_s[] = {30, 60, 100, 100};
    fresh();
    tell(&plain, "ffff");
    for (size_t i = 0; i < sizeof want_s / sizeof *want_s; i++) {
        CHECK_INT(c.cooldown_ns / S, want_s[i]);
        wall_ns = c.until_wall_ns - 1;
        CHECK_INT(ask(), PAWL_CIRCUIT_HELD);
        wall_ns++;
        CHECK_INT(ask(), PAWL_CIRCUIT_PROBE);
        CHECK(ended(PAWL_CIRCUIT_FAILED));
    }
    wall_ns = c.until_wall_ns;
    for (int i = 0; i < 2; i++) CHECK_INT(ask(), PAWL_CIRCUIT_PROBE), ended(PAWL_CIRCUIT_GOOD);
    tell(&plain, "ffff");
    CHECK_INT(c.cooldown_ns / S, 30); /* it was back: the next time begins anew */
    CHECK_INT(c.opened, 6);
}

static void test_clock_back(void)
{
    fresh();
    tell(&plain, "ffff");
    wall_ns -= 5000 * S;
    CHECK_INT(ask(), PAWL_CIRCUIT_HELD);
    CHECK_INT((c.until_wall_ns - wall_ns) / S, 100); /* not for longer than the longest pause */
}

static void test_force(void)
{
    struct pawl_breaker off = plain;
    fresh();
    c.force = PAWL_FORCE_OPEN;
    CHECK_INT(ask(), PAWL_CIRCUIT_HELD);
    c.force = PAWL_FORCE_CLOSED;
    CHECK_INT(ask(), PAWL_CIRCUIT_GO);
    tell(&plain, "fff");
    pawl_circuit_tell(&c, &plain, PAWL_CIRCUIT_FAILED, false, 0, now_ns, wall_ns);
    CHECK_INT(ask(), PAWL_CIRCUIT_GO); /* whatever it counts */
    c.force = PAWL_FORCE_NONE;
    CHECK_INT(ask(), PAWL_CIRCUIT_HELD);
    off.on = false;
    CHECK_INT(pawl_circuit_ask(&c, &off, wall_ns), PAWL_CIRCUIT_GO);
}

static void test_kept(void)
{
    struct pawl_buf b;
    struct pawl_arena a;
    struct pawl_circuit back;
    yyjson_val *v;
    pawl_buf_init(&b, pawl_alloc_libc());
    pawl_arena_init(&a, pawl_alloc_libc());
    fresh();
    tell(&plain, "ffff");
    pass_time(40 * S);
    CHECK_INT(ask(), PAWL_CIRCUIT_PROBE);
    c.force = PAWL_FORCE_CLOSED;
    pawl_circuit_write(&c, &b);
    if (!CHECK_INT(pawl_json_read(pawl_buf_done(&b), &a, &v, NULL), PAWL_OK)) return;
    pawl_circuit_read(&back, v);
    CHECK_INT(back.state, PAWL_CIRCUIT_OPEN); /* the probes that were out are forgotten */
    CHECK_INT(back.until_wall_ns, c.until_wall_ns);
    CHECK_INT(back.cooldown_ns, c.cooldown_ns);
    CHECK_INT(back.force, PAWL_FORCE_CLOSED);
    CHECK_INT(back.opened, 1);
    pawl_arena_fini(&a);
    pawl_buf_fini(&b);
}

int main(void)
{
    test_opens();
    test_window();
    test_slow();
    test_probes();
    test_cooldown_grows();
    test_clock_back();
    test_force();
    test_kept();
    return TEST_END();
}
