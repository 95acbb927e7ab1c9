/* src/contract/zone.c - see zone.h. Everything in the file is checked: its counts against its size, its indices against its
 * counts. Only the second block of a file of version 2 or later is read, whose times have 64 bits. */
#include "contract/zone.h"
#include "base/error.h"
#include <string.h>

enum { HEAD = 44, CHANGES_MAX = 4096 };

int64_t pawl_days_of(int year, int month, int day)
{
    const int64_t y = month <= 2 ? year - 1 : year, era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
    const int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

void pawl_date_of(int64_t days, int *year, int *month, int *day)
{
    const int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
    const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365,
                  doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const int64_t mp = (5 * doy + 2) / 153;
    *day = (int)(doy - (153 * mp + 2) / 5 + 1);
    *month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *year = (int)(yoe + era * 400 + (*month <= 2));
}

static uint32_t u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t i64(const uint8_t *p)
{
    return (int64_t)((uint64_t)u32(p) << 32 | u32(p + 4));
}

struct counts {
    uint32_t isut, isstd, leap, time, type, chars;
};

static bool read_counts(const uint8_t *p, size_t n, struct counts *c)
{
    if (n < HEAD || memcmp(p, "TZif", 4) != 0) return false;
    *c = (struct counts){u32(p + 20), u32(p + 24), u32(p + 28), u32(p + 32), u32(p + 36), u32(p + 40)};
    return c->isut <= 256 && c->isstd <= 256 && c->leap <= 1024 && c->time <= CHANGES_MAX && c->type > 0 &&
           c->type <= 256 && c->chars <= 1024;
}

static size_t block_bytes(const struct counts *c, size_t time_bytes)
{
    return c->time * time_bytes + c->time + c->type * 6 + c->chars + c->leap * (time_bytes + 4) + c->isstd + c->isut;
}

/* ---- the rule: std offset [dst [offset] , begin , end] ---- */

struct text {
    const char *p, *end;
};

static bool take(struct text *t, char c)
{
    if (t->p == t->end || *t->p != c) return false;
    t->p++;
    return true;
}

static bool number(struct text *t, int most, int *out)
{
    int v = 0, digits = 0;
    for (; t->p < t->end && *t->p >= '0' && *t->p <= '9'; t->p++)
        if (++digits > 4 || (v = v * 10 + (*t->p - '0')) > most) return false;
    *out = v;
    return digits > 0;
}

static bool name(struct text *t)
{
    const char *from = t->p;
    if (take(t, '<')) {
        while (t->p < t->end && *t->p != '>') t->p++;
        return take(t, '>');
    }
    while (t->p < t->end && ((*t->p | 32) >= 'a' && (*t->p | 32) <= 'z')) t->p++;
    return t->p - from >= 3;
}

static bool hms(struct text *t, int32_t *seconds)
{
    const bool minus = take(t, '-') || (take(t, '+'), false);
    int h = 0, m = 0, s = 0;
    if (!number(t, 167, &h)) return false;
    if (take(t, ':') && !number(t, 59, &m)) return false;
    if (t->p < t->end && *t->p == ':' && (t->p++, !number(t, 59, &s))) return false;
    *seconds = (minus ? -1 : 1) * (h * 3600 + m * 60 + s);
    return true;
}

static bool rule(struct text *t, struct pawl_zone_rule *r)
{
    *r = (struct pawl_zone_rule){.kind = PAWL_RULE_DAY, .at_s = 7200};
    if (!take(t, ',')) return false;
    if (take(t, 'M')) {
        r->kind = PAWL_RULE_MONTH;
        if (!number(t, 12, &r->month) || r->month < 1 || !take(t, '.') || !number(t, 5, &r->week) || r->week < 1 ||
            !take(t, '.') || !number(t, 6, &r->day))
            return false;
    } else {
        if (take(t, 'J')) r->kind = PAWL_RULE_JULIAN;
        if (!number(t, 365, &r->day)) return false;
    }
    return !take(t, '/') || hms(t, &r->at_s);
}

static bool read_rule(struct text t, struct pawl_zone *z)
{
    int32_t west;
    if (t.p == t.end) return true; /* none: the last change holds */
    if (!name(&t) || !hms(&t, &west)) return false;
    z->standard_s = z->summer_s = -west;
    z->has_rule = true;
    if (t.p == t.end) return true;
    if (!name(&t)) return false;
    z->summer_s = z->standard_s + 3600;
    if (t.p < t.end && *t.p != ',') {
        if (!hms(&t, &west)) return false;
        z->summer_s = -west;
    }
    return rule(&t, &z->begins) && rule(&t, &z->ends) && t.p == t.end;
}

/* ---- the file ---- */

int pawl_zone_read(struct pawl_str bytes, struct pawl_arena *a, struct pawl_zone *out)
{
    const uint8_t *p = (const uint8_t *)bytes.p, *end = p + bytes.n, *types;
    struct counts c;
    int64_t *changes;
    int32_t *offsets;
    *out = (struct pawl_zone){.count = 0};
    if (!read_counts(p, bytes.n, &c) || p[4] < '2') return PAWL_EINVAL;
    if ((size_t)(end - p) < HEAD + block_bytes(&c, 4)) return PAWL_EINVAL;
    p += HEAD + block_bytes(&c, 4);
    if (!read_counts(p, (size_t)(end - p), &c) || (size_t)(end - p) < HEAD + block_bytes(&c, 8) + 2) return PAWL_EINVAL;
    const char *tail = (const char *)p + HEAD + block_bytes(&c, 8);
    const char *line = memchr(tail + 1, '\n', (size_t)((const char *)end - tail - 1));
    p += HEAD;
    types = p + c.time * 9;
    changes = pawl_arena_get(a, (c.time + 1) * sizeof *changes);
    offsets = pawl_arena_get(a, (c.time + 1) * sizeof *offsets);
    if (!changes || !offsets) return PAWL_ENOMEM;
    for (uint32_t i = 0; i < c.time; i++) {
        const uint8_t type = p[c.time * 8 + i];
        changes[i] = i64(p + i * 8);
        if (type >= c.type || (i && changes[i] <= changes[i - 1])) return PAWL_EINVAL;
        offsets[i] = (int32_t)u32(types + type * 6);
        if (offsets[i] > 26 * 3600 || offsets[i] < -26 * 3600) return PAWL_EINVAL;
    }
    out->before_s = (int32_t)u32(types);
    if (out->before_s > 26 * 3600 || out->before_s < -26 * 3600) return PAWL_EINVAL;
    out->changes = changes;
    out->offsets = offsets;
    out->count = c.time;
    return *tail == '\n' && line && read_rule((struct text){tail + 1, line}, out) ? PAWL_OK : PAWL_EINVAL;
}

static bool leap_year(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* When it begins in that year, in local seconds before the change. */
static int64_t rule_local(const struct pawl_zone_rule *r, int year)
{
    int64_t days = pawl_days_of(year, 1, 1) + r->day;
    if (r->kind == PAWL_RULE_JULIAN) days += r->day >= 60 && leap_year(year) ? 0 : -1;
    if (r->kind == PAWL_RULE_MONTH) {
        const int64_t first = pawl_days_of(year, r->month, 1);
        const int64_t next = r->month == 12 ? pawl_days_of(year + 1, 1, 1) : pawl_days_of(year, r->month + 1, 1);
        const int weekday = (int)(((first + 4) % 7 + 7) % 7);
        days = first + (r->day - weekday + 7) % 7 + 7 * (r->week - 1);
        while (days >= next) days -= 7;
    }
    return days * 86400 + r->at_s;
}

static int32_t by_rule(const struct pawl_zone *z, int64_t utc_s)
{
    int year, month, day;
    if (z->begins.kind == PAWL_RULE_NONE) return z->standard_s;
    const int64_t local_s = utc_s + z->standard_s;
    pawl_date_of((local_s >= 0 ? local_s : local_s - 86399) / 86400, &year, &month, &day);
    const int64_t begins_s = rule_local(&z->begins, year) - z->standard_s,
                  ends_s = rule_local(&z->ends, year) - z->summer_s;
    const bool summer = begins_s < ends_s ? utc_s >= begins_s && utc_s < ends_s : utc_s >= begins_s || utc_s < ends_s;
    return summer ? z->summer_s : z->standard_s;
}

int32_t pawl_zone_offset(const struct pawl_zone *z, int64_t utc_s)
{
    uint32_t low = 0, high = z->count;
    if (z->has_rule && (z->count == 0 || utc_s >= z->changes[z->count - 1])) return by_rule(z, utc_s);
    while (low < high) {
        const uint32_t mid = low + (high - low) / 2;
        if (z->changes[mid] <= utc_s) low = mid + 1;
        else high = mid;
    }
    return low ? z->offsets[low - 1] : z->before_s;
}

int64_t pawl_zone_utc(const struct pawl_zone *z, int64_t local_s)
{
    /* Offsets are within a day: whatever holds a day before and a day after are the candidates. */
    const int32_t before = pawl_zone_offset(z, local_s - 86400), after = pawl_zone_offset(z, local_s + 86400);
    const int64_t a = local_s - (before > after ? before : after), b = local_s - (before > after ? after : before);
    if (a + pawl_zone_offset(z, a) == local_s) return a;
    if (b + pawl_zone_offset(z, b) == local_s) return b;
    int64_t low = a, high = b; /* it is skipped: the instant of the change lies between */
    while (low + 1 < high) {
        const int64_t mid = low + (high - low) / 2;
        if (mid + pawl_zone_offset(z, mid) < local_s) low = mid;
        else high = mid;
    }
    return high;
}
