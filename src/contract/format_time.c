/* src/contract/format_time.c - date, time, date-time and duration of RFC 3339 (section 5.6, appendix A). */
#include "contract/format_parts.h"
#include <string.h>

/* `digits` digits at p as a number; -1: other characters. */
static int digits(const char *p, int count)
{
    int n = 0;
    for (int i = 0; i < count; i++) {
        if (!pawl_is_digit(p[i])) return -1;
        n = n * 10 + (p[i] - '0');
    }
    return n;
}

static int days_of(int year, int month)
{
    static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

bool pawl_format_date(struct pawl_str t)
{
    if (t.n != 10 || t.p[4] != '-' || t.p[7] != '-') return false;
    const int year = digits(t.p, 4), month = digits(t.p + 5, 2), day = digits(t.p + 8, 2);
    return year >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= days_of(year, month);
}

bool pawl_format_time(struct pawl_str t)
{
    const char *p = t.p, *end = t.p + t.n;
    int offset = 0;
    if (t.n < 9 || p[2] != ':' || p[5] != ':') return false;
    const int hour = digits(p, 2), minute = digits(p + 3, 2), second = digits(p + 6, 2);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return false;
    p += 8;
    if (*p == '.') {
        const char *from = ++p;
        while (p < end && pawl_is_digit(*p)) p++;
        if (p == from) return false;
    }
    if (p == end) return false;
    if (*p == 'Z' || *p == 'z') {
        if (p + 1 != end) return false;
    } else {
        if ((*p != '+' && *p != '-') || end - p != 6 || p[3] != ':') return false;
        const int hours = digits(p + 1, 2), minutes = digits(p + 4, 2);
        if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return false;
        offset = (hours * 60 + minutes) * (*p == '-' ? -1 : 1);
    }
    return second < 60 || (hour * 60 + minute - offset + 2880) % 1440 == 1439;
}

bool pawl_format_date_time(struct pawl_str t)
{
    if (t.n < 20 || (t.p[10] != 'T' && t.p[10] != 't')) return false;
    return pawl_format_date((struct pawl_str){t.p, 10}) && pawl_format_time((struct pawl_str){t.p + 11, t.n - 11});
}

/* Numbers with units, these in the order of `units`, none left out between two; at least one. */
static bool units(const char **p, const char *end, const char *names)
{
    const char *at = NULL;
    while (*p < end && **p != 'T') {
        const char *from = *p;
        while (*p < end && pawl_is_digit(**p)) ++*p;
        if (*p == from || *p == end || **p == 0) return false;
        const char *unit = strchr(names, **p);
        if (!unit || (at && unit != at + 1)) return false;
        at = unit;
        ++*p;
    }
    return at != NULL;
}

bool pawl_format_duration(struct pawl_str t)
{
    const char *p = t.p + 1, *end = t.p + t.n;
    if (t.n < 3 || t.p[0] != 'P') return false;
    if (end[-1] == 'W') return units(&p, end, "W") && p == end;
    if (*p != 'T' && !units(&p, end, "YMD")) return false;
    if (p == end) return true;
    p++;
    return units(&p, end, "HMS") && p == end;
}
