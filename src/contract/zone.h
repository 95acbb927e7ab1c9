/* src/contract/zone.h - a time zone as the tz database has it: a compiled file (TZif, RFC 9636) and the rule at its end for
 * the time after its last change. Pure: whoever reads the file hands its bytes over. */
#pragma once
#include "base/alloc.h"
#include "base/bytes.h"

struct pawl_zone_rule { /* Mm.w.d/time of a POSIX TZ string, or Jn, or n */
    enum { PAWL_RULE_NONE, PAWL_RULE_MONTH, PAWL_RULE_JULIAN, PAWL_RULE_DAY } kind;
    int month, week, day;
    int32_t at_s; /* local seconds of that day */
};
struct pawl_zone {          /* zeroed: UTC */
    const int64_t *changes; /* UTC seconds, rising */
    const int32_t *offsets; /* seconds east of UTC from that change on */
    uint32_t count;
    int32_t before_s; /* before the first change */
    bool has_rule;    /* after the last one: */
    int32_t standard_s, summer_s;
    struct pawl_zone_rule begins, ends; /* of summer time; NONE: there is none */
};

/* Memory is the arena's. PAWL_EINVAL: not such a file; PAWL_ENOMEM. */
int pawl_zone_read(struct pawl_str bytes, struct pawl_arena *a, struct pawl_zone *out);
int32_t pawl_zone_offset(const struct pawl_zone *z, int64_t utc_s); /* seconds east of UTC */
/* The first instant whose clock on the wall shows `local_s` (seconds as if it were UTC); where none does, the first
 * behind the gap. */
int64_t pawl_zone_utc(const struct pawl_zone *z, int64_t local_s);

/* The proleptic Gregorian calendar. */
int64_t pawl_days_of(int year, int month, int day); /* since 1970-01-01 */
void pawl_date_of(int64_t days, int *year, int *month, int *day);
