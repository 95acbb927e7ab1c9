/* src/policy/schedule_test.c - what becomes of each time: stories of looks at one schedule, every ten minutes, in UTC. */
#include "policy/schedule.h"
#include "base/test.h"

#define MIN INT64_C(60000000000)
#define T0 (INT64_C(1767225600) * 1000000000) /* a whole hour */

enum { NONE = PAWL_CATCH_UP_NONE, LAST = PAWL_CATCH_UP_LAST, ALL = PAWL_CATCH_UP_ALL };
enum { SKIP = PAWL_OVERLAP_SKIP, QUEUE = PAWL_OVERLAP_QUEUE, ALLOW = PAWL_OVERLAP_ALLOW };

/* One look: at that second, the run before runs or not; which minutes begin (the look is made until nothing begins: with a run
 * that has begun, it runs), and how many are left out, and wait, in all behind it. */
static const struct look {
    const char *story;
    int catch_up, overlap;
    uint32_t limit, within_min;
    struct {
        int at_s, runs, begin[4];
        int missed, old, overlap, full, waiting;
    } looks[6];
} stories[] = {
    {"at its time",
     LAST,
     SKIP,
     100,
     0,
     {{599, 0, {0}, 0, 0, 0, 0, 0},
      {600, 0, {10}, 0, 0, 0, 0, 0},
      {601, 0, {0}, 0, 0, 0, 0, 0},
      {1259, 0, {20}, 0, 0, 0, 0, 0}}},
    {"the run before is not over",
     LAST,
     SKIP,
     100,
     0,
     {{600, 0, {10}, 0, 0, 0, 0, 0}, {1200, 1, {0}, 0, 0, 1, 0, 0}, {1800, 0, {30}, 0, 0, 1, 0, 0}}},
    {"waits for it",
     LAST,
     QUEUE,
     2,
     0,
     {{600, 0, {10}, 0, 0, 0, 0, 0},
      {1200, 1, {0}, 0, 0, 0, 0, 1},
      {1800, 1, {0}, 0, 0, 0, 0, 2},
      {2400, 1, {0}, 0, 0, 0, 1, 2},
      {2401, 0, {20}, 0, 0, 0, 1, 1},
      {3000, 0, {30}, 0, 0, 0, 1, 1}}},
    {"does not mind it", LAST, ALLOW, 100, 0, {{600, 0, {10}, 0, 0, 0, 0, 0}, {1200, 1, {20}, 0, 0, 0, 0, 0}}},
    {"none is caught up", NONE, SKIP, 100, 0, {{660, 0, {0}, 1, 0, 0, 0, 0}, {3900, 0, {0}, 6, 0, 0, 0, 0}}},
    {"but what is as good as at its time", NONE, SKIP, 100, 0, {{3659, 0, {60}, 5, 0, 0, 0, 0}}},
    {"the last one", LAST, SKIP, 100, 0, {{3900, 0, {60}, 5, 0, 0, 0, 0}}},
    {"the last one, and it overlaps", LAST, SKIP, 100, 0, {{3900, 1, {0}, 5, 0, 1, 0, 0}}},
    {"the last one is too old", LAST, SKIP, 100, 4, {{3900, 0, {0}, 5, 1, 0, 0, 0}}},
    {"the last one is not", LAST, SKIP, 100, 5, {{3900, 0, {60}, 5, 0, 0, 0, 0}}},
    {"all, one behind the other",
     ALL,
     SKIP,
     100,
     0,
     {{1900, 0, {10}, 0, 0, 0, 0, 2},
      {1950, 0, {20}, 0, 0, 0, 0, 1},
      {2400, 1, {0}, 0, 0, 1, 0, 1},
      {2401, 0, {30}, 0, 0, 1, 0, 0}}},
    {"all, at once", ALL, ALLOW, 100, 0, {{1900, 0, {10, 20, 30}, 0, 0, 0, 0, 0}}},
    {"all, the latest two", ALL, ALLOW, 2, 0, {{3900, 0, {50, 60}, 0, 4, 0, 0, 0}}},
    {"all of the last quarter of an hour", ALL, ALLOW, 100, 15, {{3900, 0, {50, 60}, 0, 4, 0, 0, 0}}},
    {"all, while the one before runs", ALL, SKIP, 100, 0, {{1900, 1, {0}, 0, 0, 0, 0, 3}}},
    {"a clock that goes back",
     LAST,
     SKIP,
     100,
     0,
     {{1200, 0, {20}, 1, 0, 0, 0, 0},
      {600, 0, {0}, 1, 0, 0, 0, 0},
      {1799, 0, {0}, 1, 0, 0, 0, 0},
      {1800, 0, {30}, 1, 0, 0, 0, 0}}},
};

static struct test_alloc memory;
static struct pawl_arena arena;

/* What is written is what is read. */
static void same(const struct pawl_schedule_row *row)
{
    struct pawl_schedule_row back;
    struct pawl_buf a, b;
    struct pawl_schedule_row written = *row;
    yyjson_val *v;
    written.left_now = 0;
    pawl_buf_init_arena(&a, &arena);
    pawl_buf_init_arena(&b, &arena);
    pawl_schedule_row_write(&written, &a);
    CHECK_INT(pawl_json_read(pawl_buf_done(&a), &arena, &v, NULL), PAWL_OK);
    pawl_schedule_row_read(&back, v);
    pawl_schedule_row_write(&back, &b);
    CHECK(pawl_str_eq(pawl_buf_done(&a), pawl_buf_done(&b)));
}

static struct pawl_schedule make(const char *cron)
{
    struct pawl_schedule s = {.name = PAWL_STR("s"), .zone_known = true, .limit = 100};
    CHECK_INT(pawl_cron_read(pawl_str_of(cron), &s.cron, NULL), PAWL_OK);
    s.digest = pawl_sha256(cron, strlen(cron));
    return s;
}

static void first_look(const struct pawl_schedule *s, struct pawl_schedule_row *row, int64_t now_ns)
{
    bool former, changed;
    *row = (struct pawl_schedule_row){0};
    CHECK(pawl_schedule_wants(s, row, now_ns, &former));
    CHECK(!former);
    CHECK_INT(pawl_schedule_turn(s, row, false, now_ns, &changed), 0);
    CHECK(changed);
    CHECK_INT(row->to_ns, now_ns);
}

static void tell(const struct look *o)
{
    struct pawl_schedule s = make("*/10 * * * *");
    struct pawl_schedule_row row;
    s.catch_up = (enum pawl_catch_up)o->catch_up;
    s.overlap = (enum pawl_overlap)o->overlap;
    s.limit = o->limit;
    s.within_ns = o->within_min * MIN;
    first_look(&s, &row, T0);
    for (int i = 0; i < 6 && o->looks[i].at_s; i++) {
        const int64_t now_ns = T0 + o->looks[i].at_s * (MIN / 60);
        bool runs = o->looks[i].runs, former, ok = true, changed;
        for (int k = 0; k < 4; k++) {
            const int want = o->looks[i].begin[k];
            int64_t got = 0;
            if (pawl_schedule_wants(&s, &row, now_ns, &former))
                got = pawl_schedule_turn(&s, &row, runs, now_ns, &changed);
            ok = CHECK_INT(got ? (got - T0) / MIN : 0, want) && ok;
            same(&row);
            if (!got) break;
            runs = true;
        }
        ok = CHECK_INT(row.left[PAWL_LEFT_MISSED], o->looks[i].missed) && ok;
        ok = CHECK_INT(row.left[PAWL_LEFT_OLD], o->looks[i].old) && ok;
        ok = CHECK_INT(row.left[PAWL_LEFT_OVERLAP], o->looks[i].overlap) && ok;
        ok = CHECK_INT(row.left[PAWL_LEFT_FULL], o->looks[i].full) && ok;
        ok = CHECK_INT(row.waiting_count, o->looks[i].waiting) && ok;
        if (!ok) printf("  %s: look %d\n", o->story, i);
    }
}

static void persons_word(void)
{
    struct pawl_schedule s = make("*/10 * * * *");
    struct pawl_schedule_row row;
    bool former, changed;
    first_look(&s, &row, T0);
    s.overlap = PAWL_OVERLAP_QUEUE;
    CHECK_INT(pawl_schedule_turn(&s, &row, true, T0 + 10 * MIN, &changed), 0);
    CHECK_INT(row.waiting_count, 1);
    pawl_schedule_pause(&row);
    CHECK_INT(row.waiting_count, 0);
    CHECK_INT(row.left[PAWL_LEFT_PAUSED], 1);
    same(&row);
    CHECK(!pawl_schedule_wants(&s, &row, T0 + 95 * MIN, &former));
    CHECK(pawl_schedule_next(&s, &row) == PAWL_CRON_NEVER);
    CHECK_INT(pawl_schedule_turn(&s, &row, false, T0 + 95 * MIN, &changed), 0);
    CHECK(!changed);
    pawl_schedule_resume(&row, T0 + 95 * MIN);
    CHECK_INT(pawl_schedule_next(&s, &row), T0 + 100 * MIN); /* from then on: nothing is caught up */
    CHECK(!pawl_schedule_wants(&s, &row, T0 + 99 * MIN, &former));
    pawl_schedule_resume(&row, T0 + 130 * MIN); /* it was not paused: what is due is due */
    CHECK(pawl_schedule_wants(&s, &row, T0 + 130 * MIN, &former));
    pawl_schedule_resume(&row, T0 + 20 * MIN); /* the clock went back: from now, not from where it was */
    CHECK_INT(pawl_schedule_next(&s, &row), T0 + 30 * MIN);
}

/* Other times begin from now; what waited is left out. */
static void changed_definition(void)
{
    struct pawl_schedule s = make("*/10 * * * *"), other = make("*/20 * * * *");
    struct pawl_schedule_row row;
    bool former, changed;
    s.overlap = PAWL_OVERLAP_QUEUE;
    first_look(&s, &row, T0);
    CHECK_INT(pawl_schedule_turn(&s, &row, true, T0 + 10 * MIN, &changed), 0);
    CHECK(pawl_schedule_wants(&other, &row, T0 + 65 * MIN, &former));
    CHECK_INT(pawl_schedule_turn(&other, &row, false, T0 + 65 * MIN, &changed), 0);
    CHECK(changed);
    CHECK_INT(row.left[PAWL_LEFT_CHANGED], 1);
    CHECK_INT(row.waiting_count, 0);
    CHECK_INT(pawl_schedule_next(&other, &row), T0 + 80 * MIN);
    other.paused = true;
    CHECK(pawl_schedule_next(&other, &row) == PAWL_CRON_NEVER);
}

/* Years of every minute: the latest count, and it does not take long. */
static void long_absence(void)
{
    struct pawl_schedule s = make("* 0-23 * * *");
    struct pawl_schedule_row row;
    bool changed;
    s.catch_up = PAWL_CATCH_UP_ALL;
    first_look(&s, &row, T0);
    CHECK_INT(pawl_schedule_turn(&s, &row, false, T0 + 3 * 365 * 1440 * MIN, &changed),
              T0 + (3 * 365 * 1440 - 99) * MIN);
    CHECK_INT(row.waiting_count, 99);
    CHECK_INT(row.to_ns, T0 + 3 * 365 * 1440 * MIN);
    same(&row);
}

int main(void)
{
    test_alloc_init(&memory, 0);
    pawl_arena_init(&arena, &memory.alloc);
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) tell(&stories[i]);
    persons_word();
    changed_definition();
    long_absence();
    pawl_arena_fini(&arena);
    return TEST_END();
}
