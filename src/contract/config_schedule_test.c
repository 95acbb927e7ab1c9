/* src/contract/config_schedule_test.c - schedules as they are read: every value in its place, zones from whoever has them, and
 * what cannot be. */
#include "contract/config.h"
#include "contract/schedule.h"
#include "contract/zone_kit.h"

static struct test_alloc memory;
static struct pawl_config_report report;

/* "Bad/File" is no zone. */
static struct pawl_str zone(void *ctx, struct pawl_str name, struct pawl_arena *a)
{
    (void)ctx;
    if (pawl_str_is(name, "Bad/File")) return PAWL_STR("TZif2 and no more");
    if (!pawl_str_is(name, "Europe/Berlin")) return (struct pawl_str){NULL, 0};
    return kit_zone(a, "CET-1CEST,M3.5.0,M10.5.0/3");
}

static void zones(void *ctx, void (*each)(void *to, struct pawl_str name), void *to)
{
    static const char *const names[] = {"Africa/Berlin", "Europe/Berlin", "Europe/Paris"};
    char lent[32];
    (void)ctx;
    for (int i = 0; i < 3; i++) {
        snprintf(lent, sizeof lent, "%s", names[i]);
        each(to, pawl_str_of(lent));
        memset(lent, 'x', sizeof lent - 1);
    }
}
static const struct pawl_env_lookup with_zones = {.zone = zone, .zones = zones}, without = {.ctx = NULL};

static struct pawl_config *load(const char *schedules, const struct pawl_env_lookup *env)
{
    struct pawl_config *c = NULL;
    struct pawl_buf b;
    pawl_buf_init(&b, &memory.alloc);
    pawl_buf_text(
        &b, "version: 1\nmodels: {m: {provider: openai, model: x}}\nagents: {desk: {model: m}, deck: {model: m}}\n");
    pawl_buf_printf(&b, "schedules:\n%s\n", schedules);
    const struct pawl_str text = pawl_buf_done(&b);
    CHECK((pawl_config_load(text, "pawl.yaml", env, &memory.alloc, &c, &report) == PAWL_OK) == (c != NULL));
    for (uint32_t i = 0; c && i < report.count; i++) printf("%s: %s\n", report.errors[i].where, report.errors[i].what);
    pawl_buf_fini(&b);
    return c;
}

static const struct row {
    const char *schedules, *want;
} rows[] = {
    {"  a: x", "5: a: expected a mapping with cron, agent and input, found 'x'"},
    {"  a: {}", "5: key 'cron' is missing\n5: key 'agent' is missing\n5: key 'input' is missing"},
    {"  a/b: {cron: \"* * * * *\", agent: desk, input: x}",
     "5: schedules: expected a name of up to 64 letters, digits, _, . and -, found 'a/b'"},
    {"  a: {cron: \"* * * *\", agent: desk, input: x}",
     "5: cron: expected five fields (minute, hour, day of the month, month, day of the week), found 4"},
    {"  a: {cron: \"* 24 * * *\", agent: dsk, input: x}",
     "5: cron: hour: expected a star, or 0 to 23, by ranges, steps and lists, found '24'\n"
     "5: there is no agent 'dsk'; did you mean 'desk'?"},
    {"  a: {cron: \"* * * * *\", agent: desk, input: x, timezone: Europe/Berlni}",
     "5: there is no time zone 'Europe/Berlni'; did you mean 'Europe/Berlin'?"},
    {"  a: {cron: \"* * * * *\", agent: desk, input: x, timezone: Mars/Base}", "5: there is no time zone 'Mars/Base'"},
    {"  a: {cron: \"* * * * *\", agent: desk, input: x, timezone: Bad/File}",
     "5: timezone: expected one whose file on this machine can be read, found 'Bad/File'"},
    {"  a: {cron: \"* * * * *\", agent: desk, input: x, timezone: ../etc/passwd}",
     "5: timezone: expected a name of the time zone database such as Europe/Berlin, or UTC, found '../etc/passwd'"},
    {"  a: {cron: \"* * * * *\", agent: desk, input: x, timezone: /etc/passwd}",
     "5: timezone: expected a name of the time zone database such as Europe/Berlin, or UTC, found '/etc/passwd'"},
    {"  a: {cron: \"* * * * *\", agent: desk, input: x, timezone: \"\"}",
     "5: timezone: expected a name of the time zone database such as Europe/Berlin, or UTC, found ''"},
    {"  a: {cron: \"* * * * *\", agent: desk, input: x, catch_up: most, overlap: kill, limit: 257, paused: 1, pausd: 1}",
     "5: catch_up: expected none, last or all, found 'most'\n5: overlap: expected skip, queue or allow, found 'kill'\n"
     "5: limit: only catch_up: all and overlap: queue let times wait\n"
     "5: limit: expected a whole number from 1 to 256, found the number 257\n"
     "5: paused: expected true or false, found the number 1\n5: unknown key 'pausd'; did you mean 'paused'?"},
    {"  a: {cron: \"* * * * *\", agent: desk, input: {x: \"${env:HOME}\"}, within: 5s}",
     "5: input: a reference to the environment is not read here\n"
     "5: within: expected a longer duration, found '5s'"},
    {"  a: {cron: \"* * * * *\", agent: desk, input: x, catch_up: none, within: 1h}",
     "5: within: with catch_up: none nothing is caught up"},
};

static void faults(void)
{
    struct pawl_buf b;
    pawl_buf_init(&b, &memory.alloc);
    for (const struct row *r = rows; r < rows + sizeof rows / sizeof *rows; r++) {
        struct pawl_config *c = load(r->schedules, &with_zones);
        b.n = 0;
        for (uint32_t i = 0; i < report.count; i++)
            pawl_buf_printf(&b, "%s%s: %s", i ? "\n" : "", report.errors[i].where + 10, report.errors[i].what);
        CHECK_TEXT(pawl_buf_done(&b).p, r->want);
        pawl_config_free(c, &memory.alloc);
    }
    pawl_buf_fini(&b);
}

static void values(void)
{
    struct pawl_config *c = load(
        "  a: {cron: \"0 7 * * mon-fri\", timezone: Europe/Berlin, agent: desk, input: {b: [1], a: x}, catch_up: all,\n"
        "      within: 90m, limit: 7, overlap: queue, paused: true}\n"
        "  b: {cron: \"0 7 * * mon-fri\", agent: deck, input: hello}",
        &with_zones);
    const struct pawl_schedule *a, *b;
    struct pawl_buf text;
    if (!CHECK(c != NULL)) return;
    CHECK_INT(c->schedules_count, 2);
    a = pawl_config_schedule(c, PAWL_STR("a"));
    b = pawl_config_schedule(c, PAWL_STR("b"));
    CHECK(pawl_config_schedule(c, PAWL_STR("c")) == NULL);
    CHECK(pawl_str_is(a->input, "{\"a\":\"x\",\"b\":[1]}"));
    CHECK(pawl_str_is(b->input, "\"hello\""));
    CHECK(pawl_str_is(a->timezone, "Europe/Berlin") && a->zone_known && pawl_zone_offset(&a->zone, 1800000000) == 3600);
    CHECK(pawl_str_is(b->timezone, "UTC") && b->zone_known && pawl_zone_offset(&b->zone, 1800000000) == 0);
    CHECK_INT(a->catch_up, PAWL_CATCH_UP_ALL);
    CHECK_INT(b->catch_up, PAWL_CATCH_UP_LAST);
    CHECK_INT(a->overlap, PAWL_OVERLAP_QUEUE);
    CHECK_INT(b->overlap, PAWL_OVERLAP_SKIP);
    CHECK_INT(a->within_ns, INT64_C(5400000000000));
    CHECK_INT(a->limit, 7);
    CHECK_INT(b->limit, 100);
    CHECK(a->paused && !b->paused);
    CHECK(memcmp(a->digest.b, b->digest.b, 32) != 0);
    pawl_buf_init(&text, &memory.alloc);
    CHECK_INT(pawl_schedule_explain(b, INT64_C(1795213800) * 1000000000, &text), PAWL_OK); /* a Friday, 22:30 UTC */
    CHECK_TEXT(
        pawl_buf_done(&text).p,
        "b: begins agent deck at 0 7 * * mon-fri in UTC: next Mon 2026-11-23 07:00 +00:00, Tue 2026-11-24 07:00 +00:00, "
        "Wed 2026-11-25 07:00 +00:00; of what was missed the latest is caught up; left out while the run before is not over");
    text.n = 0;
    CHECK_INT(pawl_schedule_explain(a, 0, &text), PAWL_OK);
    CHECK_TEXT(
        pawl_buf_done(&text).p,
        "a: begins agent desk at 0 7 * * mon-fri in Europe/Berlin, but is paused; what was missed is caught up, the latest "
        "7 times, unless it is older than 90 min; waits while the run before is not over, up to 7 of them");
    text.n = 0;
    pawl_slot_words(&a->zone, INT64_C(1782000000) * 1000000000, &text);
    CHECK_TEXT(pawl_buf_done(&text).p, "Sun 2026-06-21 02:00 +02:00");
    pawl_buf_fini(&text);
    pawl_config_free(c, &memory.alloc);
}

/* What a run keeps is read again where nobody gives zones, or where there is none of that name any more. */
static void stored(void)
{
    struct pawl_config *c = load("  a: {cron: \"0 7 * * *\", timezone: Europe/Berlin, agent: desk, input: x}",
                                 &with_zones),
                       *again = NULL;
    if (!CHECK(c != NULL)) return;
    CHECK_INT(pawl_config_load(c->json, "stored", &without, &memory.alloc, &again, &report), PAWL_OK);
    CHECK(memcmp(again->hash.b, c->hash.b, 32) == 0);
    CHECK(!again->schedules[0].zone_known);
    CHECK(memcmp(again->schedules[0].digest.b, c->schedules[0].digest.b, 32) == 0);
    pawl_config_free(again, &memory.alloc);
    pawl_config_free(c, &memory.alloc);
}

int main(void)
{
    test_alloc_init(&memory, 0);
    faults();
    values();
    stored();
    CHECK_INT(memory.out_bytes, 0);
    return TEST_END();
}
