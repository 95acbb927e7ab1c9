/* src/contract/cron_test.c - when five fields mean, across the hours that are skipped and that come twice. */
#include "contract/cron.h"
#include "contract/zone_kit.h"

static struct test_alloc memory;
static struct pawl_arena arena;

static struct pawl_zone zone(const char *rule)
{
    struct pawl_zone z;
    CHECK_INT(pawl_zone_read(kit_zone(&arena, rule), &arena, &z), PAWL_OK);
    return z;
}

static int64_t at(const char *utc) /* 2026-03-29T01:00 */
{
    int y, mo, d, h, mi;
    CHECK(sscanf(utc, "%d-%d-%dT%d:%d", &y, &mo, &d, &h, &mi) == 5);
    return (pawl_days_of(y, mo, d) * 86400 + h * 3600 + mi * 60) * INT64_C(1000000000);
}

static const char *text(int64_t ns, char out[32])
{
    int y, m, d;
    const int64_t s = ns / 1000000000;
    pawl_date_of(s / 86400, &y, &m, &d);
    snprintf(out, 32, "%04d-%02d-%02dT%02d:%02d", y, m, d, (int)(s % 86400 / 3600), (int)(s % 3600 / 60));
    return out;
}

#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"
#define SYDNEY "AEST-10AEDT,M10.1.0,M4.1.0/3"
#define LORD_HOWE "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0" /* half an hour */
#define UTC "UTC0"

static const struct row {
    const char *cron, *zone, *after, *next[3];
} rows[] = {
    {"0 3 * * *", UTC, "2026-01-31T02:59", {"2026-01-31T03:00", "2026-02-01T03:00", "2026-02-02T03:00"}},
    {"0 3 * * *", UTC, "2026-01-31T03:00", {"2026-02-01T03:00"}},
    {"*/20 * * * *", UTC, "2026-01-01T00:00", {"2026-01-01T00:20", "2026-01-01T00:40", "2026-01-01T01:00"}},
    {"5,10-12 9-17/4 * * *", UTC, "2026-01-01T09:05", {"2026-01-01T09:10", "2026-01-01T09:11", "2026-01-01T09:12"}},
    {"0 0 29 2 *", UTC, "2026-01-01T00:00", {"2028-02-29T00:00", "2032-02-29T00:00"}},
    {"0 12 * jan,DEC mon-fri", UTC, "2026-01-30T13:00", {"2026-12-01T12:00", "2026-12-02T12:00"}},
    {"0 0 13 * fri",
     UTC,
     "2026-02-01T00:00",
     {"2026-02-06T00:00", "2026-02-13T00:00", "2026-02-20T00:00"}},                     /* either */
    {"0 0 */2 * 7", UTC, "2026-02-01T00:00", {"2026-02-15T00:00", "2026-03-01T00:00"}}, /* both */
    {"30 2 * * *",
     BERLIN,
     "2026-03-27T12:00",
     {"2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"}},                          /* skipped */
    {"0,30 2 29 3 *", BERLIN, "2026-03-01T00:00", {"2026-03-29T01:00", "2027-03-29T00:00"}}, /* both: once */
    {"30 2 * * *", BERLIN, "2026-10-24T12:00", {"2026-10-25T00:30", "2026-10-26T01:30"}},    /* twice: once */
    {"30 * * * *", BERLIN, "2026-10-25T00:00", {"2026-10-25T00:30", "2026-10-25T01:30", "2026-10-25T02:30"}},
    {"30 * * * *", BERLIN, "2026-03-29T00:00", {"2026-03-29T00:30", "2026-03-29T01:30"}},
    {"0 0 * * *", SYDNEY, "2026-04-03T00:00", {"2026-04-03T13:00", "2026-04-04T13:00", "2026-04-05T14:00"}},
    {"30 2 * * *", SYDNEY, "2026-10-03T00:00", {"2026-10-03T16:00", "2026-10-04T15:30"}}, /* skipped, in the south */
    {"15 2 * * *", LORD_HOWE, "2026-10-02T20:00", {"2026-10-03T15:30", "2026-10-04T15:15"}},
    {"0 0 1 1 *", "<-03>3", "2026-06-01T00:00", {"2027-01-01T03:00"}},
};

static const char *const faults[][2] = {
    {"", "expected five fields (minute, hour, day of the month, month, day of the week), found 0"},
    {"* * * *", "expected five fields (minute, hour, day of the month, month, day of the week), found 4"},
    {"* * * * * *", "expected five fields (minute, hour, day of the month, month, day of the week), found 5 and more"},
    {"60 * * * *", "minute: expected a star, or 0 to 59, by ranges, steps and lists, found '60'"},
    {"* 5-3 * * *", "hour: expected a star, or 0 to 23, by ranges, steps and lists, found '5-3'"},
    {"* * 0 * *", "day of the month: expected a star, or 1 to 31, by ranges, steps and lists, found '0'"},
    {"* * * foo *", "month: expected a star, or 1 to 12 or a name, by ranges, steps and lists, found 'foo'"},
    {"* * * * */0", "day of the week: expected a star, or 0 to 7 or a name, by ranges, steps and lists, found '*/0'"},
    {"1,,2 * * * *", "minute: expected a star, or 0 to 59, by ranges, steps and lists, found '1,,2'"},
    {"0 0 31 2 *", "no such day comes within nine years"},
};

int main(void)
{
    char got[32];
    test_alloc_init(&memory, 0);
    pawl_arena_init(&arena, &memory.alloc);
    for (const struct row *r = rows; r < rows + sizeof rows / sizeof *rows; r++) {
        const struct pawl_zone z = zone(r->zone);
        struct pawl_cron c;
        struct pawl_error err;
        int64_t t = at(r->after);
        CHECK_INT(pawl_cron_read(pawl_str_of(r->cron), &c, &err), PAWL_OK);
        for (int i = 0; i < 3 && r->next[i]; i++) {
            t = pawl_cron_next(&c, &z, t);
            if (!CHECK_TEXT(text(t, got), r->next[i])) printf("  %s %s after %s\n", r->cron, r->zone, r->after);
        }
    }
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct pawl_cron c;
        struct pawl_error err;
        CHECK_INT(pawl_cron_read(pawl_str_of(faults[i][0]), &c, &err), PAWL_EINVAL);
        CHECK_TEXT(err.what, faults[i][1]);
    }
    struct pawl_zone z;
    CHECK_INT(pawl_zone_read(PAWL_STR("TZif2"), &arena, &z), PAWL_EINVAL);
    CHECK_INT(pawl_zone_read(PAWL_STR(""), &arena, &z), PAWL_EINVAL);
    pawl_arena_fini(&arena);
    CHECK_INT(memory.out_bytes, 0);
    return TEST_END();
}
