/* src/contract/cron.h - five fields that say when: minute, hour, day of the month, month, day of the week; and the next time
 * that they mean, in a time zone.
 *
 * A field is a star, a number, a name (jan-dec, sun-sat), a range, any of these by a step, or a list of such.
 * Sunday is 0 and 7. Where both days are restricted either will do, as in every cron. Where the hour is given (no star)
 * the times are of the clock on the wall: one that is skipped in spring is the first instant after it, one that comes
 * twice in autumn is the first of the two. Where the hour is a star (or starts with one) they are of the time that passes:
 * a quarter of an hour is one, also in the hour that comes twice. */
#pragma once
#include "contract/zone.h"
#include "base/error.h"

struct pawl_cron {
    uint64_t minutes; /* bit per value */
    uint32_t hours, days, months, weekdays;
    bool any_day, any_weekday; /* a star */
    bool passes;               /* the hour begins with a star */
};

/* PAWL_EINVAL: err->what names the field and what was expected. */
int pawl_cron_read(struct pawl_str text, struct pawl_cron *out, struct pawl_error *err);
/* The first time after `after_ns` (wall clock), a whole minute; PAWL_CRON_NEVER: not within nine years. */
#define PAWL_CRON_NEVER INT64_MAX
int64_t pawl_cron_next(const struct pawl_cron *c, const struct pawl_zone *z, int64_t after_ns);
