/* src/contract/retry_after_test.c - RFC 9110 10.2.3 and 5.6.7, and what providers send beside. Now: 1 Nov 2026, noon. */
#include "contract/retry_after.h"
#include <stdio.h>

static const int64_t ms = 1000000, now_s = 1793534400; /* 2026-11-01T12:00:00Z */
enum { NONE = -1, MOST = -2 };

static const struct row {
    const char *after, *after_ms, *date;
    int64_t want_ms; /* NONE, or MOST: the bound */
} rows[] = {
    {NULL, NULL, NULL, NONE},
    {"", NULL, NULL, NONE},
    {" ", NULL, NULL, NONE},
    {"120", NULL, NULL, 120000},
    {"0", NULL, NULL, 0},
    {" 7\t", NULL, NULL, 7000},
    {"007", NULL, NULL, 7000},
    {"1.5", NULL, NULL, 1500},
    {"0.0019", NULL, NULL, 1}, /* 1.9 ms, shown as whole ms below */
    {"-3", NULL, NULL, NONE},
    {"+3", NULL, NULL, NONE},
    {"1e3", NULL, NULL, NONE},
    {"soon", NULL, NULL, NONE},
    {"1.", NULL, NULL, NONE},
    {".5", NULL, NULL, NONE},
    {"1.5.5", NULL, NULL, NONE},
    {"12 s", NULL, NULL, NONE},
    {"99999999", NULL, NULL, MOST},
    {"9223372036854775807", NULL, NULL, MOST},
    {"99999999999999999999999999999999999999", NULL, NULL, MOST},
    {"2678400", NULL, NULL, MOST},
    {"2678399", NULL, NULL, 2678399000},
    {"0.99999999999999999999999", NULL, NULL, 999},
    {"5, 60, 7", NULL, NULL, 60000},
    {"5,", NULL, NULL, NONE},
    {"5, soon", NULL, NULL, NONE}, /* two lines, joined */
    /* retry-after-ms first, where it can be read */
    {"9", "250", NULL, 250},
    {"9", "0.5", NULL, 0},
    {"9", "-1", NULL, 9000},
    {"9", "x", NULL, 9000},
    {NULL, "3", NULL, 3},
    {NULL, "99999999999999999999", NULL, MOST},
    /* dates, from our clock */
    {"Sun, 01 Nov 2026 12:00:30 GMT", NULL, NULL, 30000},
    {"Sunday, 01-Nov-26 12:00:30 GMT", NULL, NULL, 30000},
    {"Sun Nov  1 12:00:30 2026", NULL, NULL, 30000},
    {"Sun Nov 01 12:00:30 2026", NULL, NULL, 30000},
    {"Sun, 01 Nov 2026 11:59:59 GMT", NULL, NULL, 0},
    {"Fri, 31 Dec 1999 23:59:59 GMT", NULL, NULL, 0},
    {"Mon, 01 Nov 2027 12:00:00 GMT", NULL, NULL, MOST},
    {"Sun, 01 Nov 2026 23:59:60 GMT", NULL, NULL, 43200000},
    /* ... and from the server's, whose clock is an hour late or whose Date cannot be read */
    {"Sun, 01 Nov 2026 11:00:30 GMT", NULL, "Sun, 01 Nov 2026 11:00:00 GMT", 30000},
    {"Sun, 01 Nov 2026 12:00:30 GMT", NULL, "yesterday", 30000},
    {"30", NULL, "Sun, 01 Nov 2026 11:00:00 GMT", 30000},
    /* not dates */
    {"Sun, 1 Nov 2026 12:00:30 GMT", NULL, NULL, NONE},
    {"Sun, 01 Nov 2026 12:00:30", NULL, NULL, NONE},
    {"Sun, 01 nov 2026 12:00:30 GMT", NULL, NULL, NONE},
    {"Sun, 01 Nov 2026 24:00:00 GMT", NULL, NULL, NONE},
    {"Sun, 01 Nov 2026 12:60:00 GMT", NULL, NULL, NONE},
    {"Sun, 31 Nov 2026 12:00:30 GMT", NULL, NULL, NONE},
    {"Sun, 00 Nov 2026 12:00:30 GMT", NULL, NULL, NONE},
    {"Sun, 29 Feb 2027 12:00:30 GMT", NULL, NULL, NONE},
    {"Sun, 01 Nov 2026 12:00:30 GMT+1", NULL, NULL, NONE},
    {"Sun, 01 Nov 2026 12:00:30 +0000", NULL, NULL, NONE},
    {"Sun", NULL, NULL, NONE},
    {"Sun Nov  1 12:00:30 26", NULL, NULL, NONE},
};

static const struct date_row {
    const char *text;
    int64_t near_s, want_s;
} dates[] = {
    /* each from `date -u -d ... +%s` */
    {"Sun, 06 Nov 1994 08:49:37 GMT", 0, 784111777},
    {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777, 784111777},
    {"Sun Nov  6 08:49:37 1994", 0, 784111777},
    {"Thu, 01 Jan 1970 00:00:00 GMT", 0, 0},
    {"Wed, 31 Dec 1969 23:59:59 GMT", 0, -1},
    {"Tue, 29 Feb 2000 12:00:00 GMT", 0, 951825600},
    {"Mon, 01 Mar 2100 00:00:00 GMT", 0, 4107542400},
    {"Fri, 31 Dec 9999 23:59:59 GMT", 0, 253402300799},
    /* two digits, seen from 2026: 76 is ahead by 50 years, 77 is past; seen from 2080, 29 is 2129 */
    {"Wednesday, 01-Jan-76 00:00:00 GMT", 1793534400, 3345062400},
    {"Friday, 01-Jan-77 00:00:00 GMT", 1793534400, 220924800},
    {"Saturday, 01-Jan-29 00:00:00 GMT", 3471292800, 5017593600},
};

static struct pawl_str text(const char *s)
{
    return (struct pawl_str){s, s == NULL ? 0 : (uint32_t)snprintf(NULL, 0, "%s", s)};
}

int main(void)
{
    int passed = 0, failed = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        const struct pawl_reply reply = {.retry_after = text(r->after),
                                         .retry_after_ms = text(r->after_ms),
                                         .date = text(r->date),
                                         .wall_ns = now_s * 1000 * ms};
        const int64_t got = pawl_retry_after_ns(&reply);
        const bool good = r->want_ms == NONE   ? got == -1
                          : r->want_ms == MOST ? got == PAWL_RETRY_AFTER_NS_MAX
                                               : got >= 0 && got / ms == r->want_ms;
        if (good) passed++;
        else failed++, printf("%s row %zu: '%s' gave %lld ns\n", __FILE__, i, r->after, (long long)got);
    }
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        int64_t got = INT64_MIN;
        if (pawl_http_date(text(dates[i].text), dates[i].near_s, &got) && got == dates[i].want_s) passed++;
        else failed++, printf("%s: '%s' gave %lld\n", __FILE__, dates[i].text, (long long)got);
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
