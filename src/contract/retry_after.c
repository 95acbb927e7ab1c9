/* src/contract/retry_after.c - see retry_after.h. */
#include "contract/retry_after.h"
#include <assert.h>
#include <string.h>

static const int64_t second_ns = 1000000000;
static const int64_t day_s = 86400;

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct pawl_str trimmed(struct pawl_str s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) s.p++, s.n--;
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t')) s.n--;
    return s;
}

/* Days from 1970-01-01 to this day of the proleptic Gregorian calendar: years run from March, so that the leap day is
 * the last of its year. month 1...12. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    const int64_t y = month <= 2 ? year - 1 : year;
    const int64_t era = (y >= 0 ? y : y - 399) / 400;
    const int64_t of_era = y - era * 400;
    const int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t year_of(int64_t seconds)
{
    int64_t year = 1970 + seconds / (365 * day_s + day_s / 4);
    while (days_of(year, 1, 1) * day_s > seconds) year--;
    while (days_of(year + 1, 1, 1) * day_s <= seconds) year++;
    return year;
}

/* What a pattern's %-letters mean: W a weekday's short name, L its long one, M a month's, D a day (two digits), d a
 * day (a blank and a digit, or two), Y four digits, y two, T hh:mm:ss. Anything else stands for itself. */
struct date {
    int64_t year, month, day, time_s;
};
static bool number(struct pawl_str *s, uint32_t digits, int64_t *out)
{
    if (s->n < digits) return false;
    int64_t v = 0;
    for (uint32_t i = 0; i < digits; i++) {
        if (!digit(s->p[i])) return false;
        v = v * 10 + (s->p[i] - '0');
    }
    s->p += digits, s->n -= digits;
    *out = v;
    return true;
}

static bool one_of(struct pawl_str *s, const char *const *names, int64_t count, int64_t *out)
{
    for (int64_t i = 0; i < count; i++) {
        const uint32_t n = (uint32_t)strlen(names[i]);
        if (s->n < n || memcmp(s->p, names[i], n) != 0) continue;
        s->p += n, s->n -= n;
        *out = i;
        return true;
    }
    return false;
}

static bool time_of_day(struct pawl_str *s, int64_t *out)
{
    int64_t hour = 0, minute = 0, second = 0;
    if (!number(s, 2, &hour) || s->n == 0 || *s->p != ':') return false;
    s->p++, s->n--;
    if (!number(s, 2, &minute) || s->n == 0 || *s->p != ':') return false;
    s->p++, s->n--;
    if (!number(s, 2, &second)) return false;
    *out = hour * 3600 + minute * 60 + second;
    return hour < 24 && minute < 60 && second <= 60; /* 60: a leap second */
}

static bool field(struct pawl_str *s, char what, struct date *d)
{
    static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    static const char *const long_days[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                            "Friday", "Saturday", "Sunday"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int64_t weekday = 0;
    switch (what) {
    case 'W': return one_of(s, days, 7, &weekday);
    case 'L': return one_of(s, long_days, 7, &weekday);
    case 'M': return one_of(s, months, 12, &d->month);
    case 'D': return number(s, 2, &d->day);
    case 'Y': return number(s, 4, &d->year);
    case 'y': return number(s, 2, &d->year);
    case 'T': return time_of_day(s, &d->time_s);
    default: break;
    }
    assert(what == 'd');
    if (s->n == 0 || *s->p != ' ') return number(s, 2, &d->day);
    s->p++, s->n--;
    return number(s, 1, &d->day);
}

static bool matches(struct pawl_str s, const char *pattern, struct date *d)
{
    for (const char *c = pattern; *c != 0; c++) {
        if (*c == '%') {
            if (!field(&s, *++c, d)) return false;
        } else {
            if (s.n == 0 || *s.p != *c) return false;
            s.p++, s.n--;
        }
    }
    return s.n == 0;
}

static bool day_exists(const struct date *d)
{
    static const int8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (d->year % 4 == 0 && d->year % 100 != 0) || d->year % 400 == 0;
    return d->day >= 1 && d->day <= lengths[d->month] + (leap && d->month == 1 ? 1 : 0);
}

bool pawl_http_date(struct pawl_str text, int64_t near_s, int64_t *seconds)
{
    struct date d = {0};
    const struct pawl_str s = trimmed(text);
    if (matches(s, "%L, %D-%M-%y %T GMT", &d)) {
        const int64_t near = year_of(near_s);
        d.year += near - near % 100;
        if (d.year > near + 50) d.year -= 100; /* RFC 9110: not more than 50 years ahead */
        if (d.year <= near - 50) d.year += 100;
    } else if (!matches(s, "%W, %D %M %Y %T GMT", &d) && !matches(s, "%W %M %d %T %Y", &d)) {
        return false;
    }
    if (!day_exists(&d)) return false;
    *seconds = days_of(d.year, d.month + 1, d.day) * day_s + d.time_s;
    return true;
}

/* "12" or "1.5" of a unit, as nanoseconds, held at the bound; false: not a number of this form. */
static bool amount(struct pawl_str s, int64_t unit_ns, int64_t *out)
{
    int64_t ns = 0, part_ns = unit_ns;
    uint32_t i = 0;
    for (; i < s.n && digit(s.p[i]); i++) {
        const int64_t whole = ns / unit_ns; /* ns is a multiple of unit_ns here */
        ns = whole > PAWL_RETRY_AFTER_NS_MAX / unit_ns ? ns : (whole * 10 + (s.p[i] - '0')) * unit_ns;
    }
    if (i == 0) return false;
    if (i < s.n && s.p[i] == '.') {
        const uint32_t point = i++;
        for (; i < s.n && digit(s.p[i]); i++) {
            part_ns /= 10;
            ns += (s.p[i] - '0') * part_ns;
        }
        if (i == point + 1) return false;
    }
    if (i != s.n) return false;
    *out = ns < PAWL_RETRY_AFTER_NS_MAX ? ns : PAWL_RETRY_AFTER_NS_MAX;
    return true;
}

/* Several field lines reach us joined by commas (RFC 9110 5.3) although this field allows one: the largest counts. */
static bool largest_amount(struct pawl_str s, int64_t unit_ns, int64_t *out)
{
    int64_t largest = -1;
    while (true) {
        const char *comma = s.n > 0 ? memchr(s.p, ',', s.n) : NULL;
        const struct pawl_str one = {s.p, comma != NULL ? (uint32_t)(comma - s.p) : s.n};
        int64_t ns = 0;
        if (!amount(trimmed(one), unit_ns, &ns)) return false;
        if (ns > largest) largest = ns;
        if (comma == NULL) break;
        s = (struct pawl_str){comma + 1, s.n - one.n - 1};
    }
    *out = largest;
    return true;
}

int64_t pawl_retry_after_ns(const struct pawl_reply *reply)
{
    int64_t ns = 0, until_s = 0;
    if (largest_amount(reply->retry_after_ms, second_ns / 1000, &ns)) return ns;
    if (largest_amount(reply->retry_after, second_ns, &ns)) return ns;
    const int64_t wall_s = reply->wall_ns / second_ns;
    int64_t base_s = wall_s;
    if (!pawl_http_date(reply->retry_after, wall_s, &until_s)) return -1;
    if (!pawl_http_date(reply->date, wall_s, &base_s)) base_s = wall_s;
    const int64_t wait_s = until_s - base_s;
    if (wait_s <= 0) return 0;
    return wait_s < PAWL_RETRY_AFTER_NS_MAX / second_ns ? wait_s * second_ns : PAWL_RETRY_AFTER_NS_MAX;
}
