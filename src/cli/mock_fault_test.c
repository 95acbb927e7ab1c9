/* src/cli/mock_fault_test.c - how faults are said, and that a seed gives the same ones again. */
#include "base/test.h"
#include "cli/mock.h"

static void test_words(void)
{
    static const struct {
        const char *text;
        int kind, status, wait_ms; /* kind -1: refused */
        const char *header;
    } rows[] = {
        {"429", MOCK_STATUS, 429, 0, "Retry-After: 0.1\r\n"},
        {"429:none", MOCK_STATUS, 429, 0, ""},
        {"429:2", MOCK_STATUS, 429, 0, "Retry-After: 2\r\n"},
        {"429:50ms", MOCK_STATUS, 429, 0, "Retry-After-Ms: 50\r\n"},
        {"429:date+3", MOCK_STATUS, 429, 0, "date+3"},
        {"429:soon", MOCK_STATUS, 429, 0, "Retry-After: soon\r\n"},
        {"503:X-Should-Retry=false", MOCK_STATUS, 503, 0, "X-Should-Retry: false\r\n"},
        {"500_before", MOCK_STATUS, 500, 0, ""},
        {"500_after", MOCK_STATUS_AFTER, 500, 0, ""},
        {"404_after", MOCK_STATUS_AFTER, 404, 0, ""},
        {"401", MOCK_STATUS, 401, 0, ""},
        {"302_before", MOCK_STATUS, 302, 0, ""},
        {"202", MOCK_ACCEPTED, 202, 0, ""},
        {"202_after", MOCK_ACCEPTED_AFTER, 202, 0, ""},
        {"slow", MOCK_SLOW, 0, 2000, ""},
        {"slow:300ms", MOCK_SLOW, 0, 300, ""},
        {"late:1.5s", MOCK_LATE, 0, 1500, ""},
        {"hang_after", MOCK_HANG_AFTER, 0, 0, ""},
        {"no_money", MOCK_NO_MONEY, 429, 0, ""},
        {"200", -1, 0, 0, ""},
        {"600", -1, 0, 0, ""},
        {"42", -1, 0, 0, ""},
        {"NNN", -1, 0, 0, ""},
        {"500_later", -1, 0, 0, ""},
        {"cut:2", -1, 0, 0, ""},
        {"slow:soon", -1, 0, 0, ""},
        {"429:\r\nX: y", -1, 0, 0, ""},
        {"429:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", -1, 0, 0, ""},
        {"", -1, 0, 0, ""},
        {"hang", -1, 0, 0, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pawl_mock_what w;
        const char *why = NULL;
        const bool ok = pawl_mock_what_read(rows[i].text, &w, &why);
        bool good = CHECK_INT(ok, rows[i].kind >= 0) && CHECK(ok || *why);
        if (ok)
            good = CHECK_INT(w.kind, rows[i].kind) && CHECK_INT(w.status, rows[i].status) &&
                   CHECK_INT(w.wait_ms, rows[i].wait_ms) && CHECK_TEXT(w.header, rows[i].header) &&
                   CHECK_TEXT(w.word, rows[i].text);
        if (!good) printf("  at \"%s\"\n", rows[i].text);
    }
}

static void test_faults(void)
{
    static const struct {
        const char *text, *route;
        uint32_t from, to; /* from 0: refused */
    } rows[] = {
        {"model#1=429", "model", 1, 1},
        {"POST /refunds#2-4=cut", "POST /refunds", 2, 4},
        {"GET /orders#3+=503:Retry-After=#9", "GET /orders", 3, UINT32_MAX},
        {"model#*=garbage", "model", 1, UINT32_MAX},
        {"model#0=429", "", 0, 0},
        {"model#4-2=429", "", 0, 0},
        {"model#x=429", "", 0, 0},
        {"model#1-=429", "", 0, 0},
        {"model#1=", "", 0, 0},
        {"model#=429", "", 0, 0},
        {"model=429", "", 0, 0},
        {"#1=429", "", 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pawl_mock_fault f;
        const char *why = NULL;
        const bool ok = pawl_mock_fault_read(rows[i].text, &f, &why);
        bool good = CHECK_INT(ok, rows[i].from > 0) && CHECK(ok || *why);
        if (ok)
            good = CHECK_TEXT(f.route, rows[i].route) && CHECK_INT(f.from, rows[i].from) && CHECK_INT(f.to, rows[i].to);
        if (!good) printf("  at \"%s\"\n", rows[i].text);
    }
}

static void plan_text(struct pawl_mock_chance *c, const char *route, enum pawl_mock_where where, char *out)
{
    *out = 0;
    for (uint32_t n = 1; n <= 400; n++) {
        struct pawl_mock_what w;
        pawl_mock_plan(NULL, 0, c, route, where, n, &w);
        out = stpcpy(stpcpy(out, w.word), ",");
        CHECK(w.kind == MOCK_FINE || pawl_mock_fits(&w, where));
    }
}

static void test_plan(void)
{
    static char a[16000], b[16000];
    struct pawl_mock_chance c = {.seed = 7, .share = 0.25}, other = {.seed = 8, .share = 0.25};
    struct pawl_mock_fault named[2] = {{.route = "model", .from = 2, .to = 3}, {.route = "model", .from = 3, .to = 9}};
    const char *why;
    struct pawl_mock_what w;
    uint32_t faults = 0;
    plan_text(&c, "POST /refunds", MOCK_CHANGE, a);
    plan_text(&c, "POST /refunds", MOCK_CHANGE, b);
    CHECK_TEXT(a, b);
    plan_text(&other, "POST /refunds", MOCK_CHANGE, b);
    CHECK(strcmp(a, b) != 0);
    plan_text(&c, "POST /charges", MOCK_CHANGE, b); /* a route's name of the same length is another route */
    CHECK(strcmp(a, b) != 0);
    for (uint32_t n = 1; n <= 4000; n++) {
        pawl_mock_plan(NULL, 0, &c, "model", MOCK_MODEL, n, &w);
        faults += w.kind != MOCK_FINE;
        CHECK(w.kind != MOCK_NO_MONEY && w.kind != MOCK_LATE && w.kind != MOCK_FORGET_KEY);
    }
    CHECK(faults > 800 && faults < 1200);
    CHECK(pawl_mock_chance_only(&c, "cut,no_money"));
    CHECK(!pawl_mock_chance_only(&other, "cut,nonsense") && !pawl_mock_chance_only(&other, ""));
    c.share = 1;
    for (uint32_t n = 1; n <= 100; n++) {
        pawl_mock_plan(NULL, 0, &c, "model", MOCK_MODEL, n, &w);
        CHECK(w.kind == MOCK_CUT || w.kind == MOCK_NO_MONEY);
        pawl_mock_plan(NULL, 0, &c, "GET /orders", MOCK_READ, n, &w);
        CHECK_INT(w.kind, MOCK_CUT); /* no money is the model's */
    }
    c.share = 0;
    pawl_mock_what_read("429", &named[0].what, &why);
    pawl_mock_what_read("cut", &named[1].what, &why);
    for (uint32_t n = 1; n <= 10; n++) { /* the first that names the call counts */
        pawl_mock_plan(named, 2, &c, "model", MOCK_MODEL, n, &w);
        CHECK_INT(w.kind, n == 1 || n == 10 ? MOCK_FINE : n <= 3 ? MOCK_STATUS : MOCK_CUT);
    }
}

int main(void)
{
    test_words();
    test_faults();
    test_plan();
    return TEST_END();
}
