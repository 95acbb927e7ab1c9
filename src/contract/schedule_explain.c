/* src/contract/schedule_explain.c - a schedule in words, and its times as text. */
#include "contract/schedule.h"
#include "contract/units.h"
#include <stdio.h>

const char *pawl_catch_up_word(enum pawl_catch_up c)
{
    static const char *const words[] = {"none", "last", "all"};
    return words[c];
}

const char *pawl_overlap_word(enum pawl_overlap o)
{
    static const char *const words[] = {"skip", "queue", "allow"};
    return words[o];
}

static int64_t days_of(int64_t s)
{
    return (s >= 0 ? s : s - 86399) / 86400;
}

void pawl_slot_text(int64_t wall_ns, char out[PAWL_SCHEDULE_SLOT_TEXT])
{
    const int64_t s = wall_ns / 1000000000, rest = s - days_of(s) * 86400;
    int year, month, day;
    pawl_date_of(days_of(s), &year, &month, &day);
    snprintf(out, PAWL_SCHEDULE_SLOT_TEXT, "%04u-%02u-%02uT%02u:%02uZ", (unsigned)year % 10000, (unsigned)month % 100,
             (unsigned)day % 100, (unsigned)(rest / 3600) % 100, (unsigned)(rest % 3600 / 60));
}

void pawl_slot_words(const struct pawl_zone *z, int64_t wall_ns, struct pawl_buf *out)
{
    static const char *const weekdays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    const int64_t utc_s = wall_ns / 1000000000;
    const int32_t east_s = pawl_zone_offset(z, utc_s), minutes = (east_s < 0 ? -east_s : east_s) / 60;
    const int64_t s = utc_s + east_s, rest = s - days_of(s) * 86400;
    int year, month, day;
    pawl_date_of(days_of(s), &year, &month, &day);
    pawl_buf_printf(out, "%s %04d-%02d-%02d %02d:%02d %c%02d:%02d", weekdays[((days_of(s) + 4) % 7 + 7) % 7], year,
                    month, day, (int)(rest / 3600), (int)(rest % 3600 / 60), east_s < 0 ? '-' : '+', minutes / 60,
                    minutes % 60);
}

static void add_missed(const struct pawl_schedule *s, struct pawl_buf *out)
{
    if (s->catch_up == PAWL_CATCH_UP_NONE) pawl_buf_text(out, "; what was missed is left out");
    else if (s->catch_up == PAWL_CATCH_UP_LAST) pawl_buf_text(out, "; of what was missed the latest is caught up");
    else pawl_buf_printf(out, "; what was missed is caught up, the latest %u times", s->limit);
    if (!s->within_ns) return;
    pawl_buf_text(out, ", unless it is older than ");
    pawl_unit_duration_text(s->within_ns, out);
}

int pawl_schedule_explain(const struct pawl_schedule *s, int64_t now_ns, struct pawl_buf *out)
{
    static const char *const overlaps[] = {[PAWL_OVERLAP_SKIP] = "; left out while the run before is not over",
                                           [PAWL_OVERLAP_QUEUE] = "; waits while the run before is not over",
                                           [PAWL_OVERLAP_ALLOW] = "; begins whether or not the run before is over"};
    int64_t at_ns = now_ns;
    pawl_buf_str(out, s->name);
    pawl_buf_text(out, ": begins agent ");
    pawl_buf_str(out, s->agent);
    pawl_buf_text(out, " at ");
    pawl_buf_str(out, s->cron_text);
    pawl_buf_text(out, " in ");
    pawl_buf_str(out, s->timezone);
    if (s->paused) pawl_buf_text(out, ", but is paused");
    for (int i = 0; i < 3 && s->zone_known && !s->paused; i++) {
        at_ns = pawl_cron_next(&s->cron, &s->zone, at_ns);
        if (at_ns == PAWL_CRON_NEVER) break;
        pawl_buf_text(out, i ? ", " : ": next ");
        pawl_slot_words(&s->zone, at_ns, out);
    }
    add_missed(s, out);
    pawl_buf_text(out, overlaps[s->overlap]);
    if (s->overlap == PAWL_OVERLAP_QUEUE) pawl_buf_printf(out, ", up to %u of them", s->limit);
    return out->failed ? PAWL_ENOMEM : PAWL_OK;
}
