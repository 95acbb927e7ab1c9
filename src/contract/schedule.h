/* src/contract/schedule.h - what a configuration says of a schedule: when, in whose time, which agent, and what becomes of a
 * time that was missed, or that comes while the run of the one before is not over. */
#pragma once
#include "contract/contract.h"
#include "contract/cron.h"

enum pawl_catch_up { PAWL_CATCH_UP_NONE, PAWL_CATCH_UP_LAST, PAWL_CATCH_UP_ALL };
enum pawl_overlap { PAWL_OVERLAP_SKIP, PAWL_OVERLAP_QUEUE, PAWL_OVERLAP_ALLOW };
enum {
    PAWL_SCHEDULES_MAX = 64,
    PAWL_SCHEDULE_WAITING_MAX = 256, /* times of one schedule that wait for their turn: the most that `limit` may be */
    PAWL_SCHEDULE_SLOT_TEXT = 24
};
#define PAWL_SCHEDULE_GRACE_NS INT64_C(60000000000) /* one that is found so much later was missed */

struct pawl_schedule {
    struct pawl_str name, cron_text, timezone, agent;
    struct pawl_str input; /* JSON text */
    struct pawl_cron cron;
    struct pawl_zone zone;
    bool zone_known; /* false: nobody gave the zone's file, and no time can be told (a stored configuration) */
    enum pawl_catch_up catch_up;
    enum pawl_overlap overlap;
    uint32_t limit;    /* so many times wait at most, missed ones that are caught up among them */
    int64_t within_ns; /* what is older is not caught up; 0: however old */
    bool paused;
    struct pawl_hash digest; /* of what says when: another one begins from now */
    uint32_t line;
};

const struct pawl_schedule *pawl_config_schedule(const struct pawl_config *c, struct pawl_str name); /* NULL: none */
const char *pawl_catch_up_word(enum pawl_catch_up c);
const char *pawl_overlap_word(enum pawl_overlap o);

/* The minute in UTC, as in "2026-11-23T06:00Z": a slot's name, in keys and records. */
void pawl_slot_text(int64_t wall_ns, char out[PAWL_SCHEDULE_SLOT_TEXT]);
/* The same in its zone: "Mon 2026-11-23 07:00 +01:00". */
void pawl_slot_words(const struct pawl_zone *z, int64_t wall_ns, struct pawl_buf *out);
/* One line for `pawl check`: what begins when, the next three times behind now_ns, and what becomes of the others.
 * PAWL_OK, PAWL_ENOMEM. */
int pawl_schedule_explain(const struct pawl_schedule *s, int64_t now_ns, struct pawl_buf *out);
