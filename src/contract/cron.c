/* src/contract/cron.c - see cron.h. */
#include "contract/cron.h"
#include <string.h>

static const char *const months[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                     "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const days[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

struct field {
    const char *what;
    int low, high, names_from;
    const char *const *names;
    int names_count;
};
static const struct field fields[] = {{"minute", 0, 59, 0, NULL, 0},
                                      {"hour", 0, 23, 0, NULL, 0},
                                      {"day of the month", 1, 31, 0, NULL, 0},
                                      {"month", 1, 12, 1, months, 12},
                                      {"day of the week", 0, 7, 0, days, 7}};

static int wrong(const struct field *f, struct pawl_str text, struct pawl_error *err)
{
    return pawl_fail(err, PAWL_EINVAL, "", "as in 0 3 * * 1-5: minute, hour, day of the month, month, day of the week",
                     "%s: expected a star, or %d to %d%s, by ranges, steps and lists, found '%.*s'", f->what, f->low,
                     f->high, f->names ? " or a name" : "", text.n > 40 ? 40 : (int)text.n, text.p);
}

static bool value(const struct field *f, const char **p, const char *end, int *out)
{
    int v = 0, digits = 0;
    for (int i = 0; i < f->names_count && end - *p >= 3; i++) {
        const char *n = f->names[i];
        if (((*p)[0] | 32) != n[0] || ((*p)[1] | 32) != n[1] || ((*p)[2] | 32) != n[2]) continue;
        *p += 3;
        *out = i + f->names_from;
        return true;
    }
    for (; *p < end && **p >= '0' && **p <= '9' && digits < 3; (*p)++, digits++) v = v * 10 + (**p - '0');
    *out = v;
    return digits > 0 && v >= f->low && v <= f->high;
}

static bool item(const struct field *f, const char *p, const char *end, uint64_t *bits)
{
    int low = f->low, high = f->high == 7 ? 6 : f->high, step = 1, digits = 0;
    if (p < end && *p == '*') {
        p++;
    } else {
        if (!value(f, &p, end, &low)) return false;
        high = low;
        if (p < end && *p == '-') {
            p++;
            if (!value(f, &p, end, &high) || high < low) return false;
        } else if (p < end && *p == '/') {
            high = f->high == 7 ? 6 : f->high;
        }
    }
    if (p < end && *p == '/') {
        for (p++, step = 0; p < end && *p >= '0' && *p <= '9' && digits < 3; p++, digits++)
            step = step * 10 + (*p - '0');
        if (!digits || step < 1 || step > f->high) return false;
    }
    for (int v = low; v <= high; v += step) *bits |= UINT64_C(1) << (f->high == 7 && v == 7 ? 0 : v);
    return p == end;
}

static bool field(const struct field *f, struct pawl_str text, uint64_t *bits)
{
    const char *p = text.p, *end = text.p + text.n;
    *bits = 0;
    for (;;) {
        const char *comma = memchr(p, ',', (size_t)(end - p)), *to = comma ? comma : end;
        if (!item(f, p, to, bits)) return false;
        if (!comma) return true;
        p = comma + 1;
    }
}

int pawl_cron_read(struct pawl_str text, struct pawl_cron *out, struct pawl_error *err)
{
    struct pawl_str parts[6];
    uint64_t bits[5];
    uint32_t count = 0;
    for (uint32_t i = 0; i < text.n && count < 6;) {
        uint32_t from;
        while (i < text.n && (text.p[i] == ' ' || text.p[i] == '\t')) i++;
        for (from = i; i < text.n && text.p[i] != ' ' && text.p[i] != '\t';) i++;
        if (i > from) parts[count++] = (struct pawl_str){text.p + from, i - from};
    }
    if (count != 5)
        return pawl_fail(err, PAWL_EINVAL, "", "as in 0 3 * * 1-5",
                         "expected five fields (minute, hour, day of the month, month, day of the week), found %u%s",
                         count > 5 ? 5 : count, count > 5 ? " and more" : "");
    for (int i = 0; i < 5; i++)
        if (!field(&fields[i], parts[i], &bits[i])) return wrong(&fields[i], parts[i], err);
    *out = (struct pawl_cron){.minutes = bits[0],
                              .hours = (uint32_t)bits[1],
                              .days = (uint32_t)bits[2],
                              .months = (uint32_t)bits[3],
                              .weekdays = (uint32_t)bits[4],
                              .any_day = *parts[2].p == '*',
                              .any_weekday = *parts[4].p == '*',
                              .passes = *parts[1].p == '*'};
    const struct pawl_zone utc = {.count = 0};
    if (pawl_cron_next(out, &utc, INT64_C(1735689600000000000)) == PAWL_CRON_NEVER)
        return pawl_fail(err, PAWL_EINVAL, "", "name a day that there is", "no such day comes within nine years");
    return PAWL_OK;
}

static bool day_fits(const struct pawl_cron *c, int64_t day)
{
    int year, month, date;
    pawl_date_of(day, &year, &month, &date);
    const bool by_date = c->days >> date & 1, by_weekday = c->weekdays >> (((day + 4) % 7 + 7) % 7) & 1;
    if (!(c->months >> month & 1)) return false;
    return c->any_day || c->any_weekday ? by_date && by_weekday : by_date || by_weekday;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return (a >= 0 ? a : a - b + 1) / b;
}

/* Of the clock on the wall: each local time of a day once. */
static int64_t on_the_wall(const struct pawl_cron *c, const struct pawl_zone *z, int64_t after_s)
{
    const int64_t first = floor_div(after_s + pawl_zone_offset(z, after_s), 86400) - 1;
    for (int64_t day = first; day < first + 9 * 366 + 2; day++) {
        if (!day_fits(c, day)) continue;
        if (pawl_zone_utc(z, day * 86400 + 86340) <= after_s) continue; /* the last minute is over: so are all */
        for (int h = 0; h < 24; h++) {
            if (!(c->hours >> h & 1) || pawl_zone_utc(z, day * 86400 + h * 3600 + 3540) <= after_s) continue;
            for (int m = 0; m < 60; m++) {
                if (!(c->minutes >> m & 1)) continue;
                const int64_t utc_s = pawl_zone_utc(z, day * 86400 + h * 3600 + m * 60);
                if (utc_s > after_s) return utc_s;
            }
        }
    }
    return PAWL_CRON_NEVER;
}

/* Of the time that passes: each minute, by what the clock on the wall shows then. */
static int64_t as_it_passes(const struct pawl_cron *c, const struct pawl_zone *z, int64_t after_s)
{
    const int64_t end_s = after_s + INT64_C(9) * 366 * 86400;
    int64_t t = floor_div(after_s, 60) * 60 + 60;
    while (t < end_s) {
        const int64_t local_s = t + pawl_zone_offset(z, t), day = floor_div(local_s, 86400),
                      rest = local_s - day * 86400;
        if (!day_fits(c, day))
            t += rest < 82800 ? 3600 - rest % 3600 : 86400 - rest; /* hour by hour: the day may be a short one */
        else if (!(c->hours >> rest / 3600 & 1)) t += 3600 - rest % 3600;
        else if (!(c->minutes >> rest % 3600 / 60 & 1)) t += 60 - rest % 60;
        else return t;
    }
    return PAWL_CRON_NEVER;
}

int64_t pawl_cron_next(const struct pawl_cron *c, const struct pawl_zone *z, int64_t after_ns)
{
    const int64_t after_s = floor_div(after_ns, 1000000000);
    const int64_t next_s = c->passes ? as_it_passes(c, z, after_s) : on_the_wall(c, z, after_s);
    return next_s == PAWL_CRON_NEVER ? PAWL_CRON_NEVER : next_s * 1000000000;
}
