/* src/policy/schedule.h - which times of a schedule are due, and what becomes of each: begun, waiting for its turn, or left
 * out for a reason that is counted. What is known of a schedule is its row in the store ("schedule NAME"): it says up to
 * which time all has been dealt with, and is changed in the commit of the run that a time begins, so that no owner's end
 * loses a time or takes one twice. A clock that goes back repeats none: it is waited for. */
#pragma once
#include "contract/json.h"
#include "contract/schedule.h"
#include "base/id.h"

enum pawl_left_out {
    PAWL_LEFT_MISSED,  /* nobody was there at its time, and catch_up says so */
    PAWL_LEFT_OLD,     /* the same, because of within or limit */
    PAWL_LEFT_OVERLAP, /* the run before was not over */
    PAWL_LEFT_FULL,    /* as many wait already as may */
    PAWL_LEFT_PAUSED,  /* it waited for its turn when somebody paused it */
    PAWL_LEFT_CHANGED, /* it waited for its turn when the configuration's times changed */
    PAWL_LEFT_COUNT
};
const char *pawl_left_out_word(enum pawl_left_out why);

struct pawl_schedule_row { /* zeroed: never seen */
    bool seen;
    struct pawl_hash digest; /* of the definition that it is of */
    int64_t to_ns;           /* all times up to here have been dealt with */
    bool paused;             /* by a person's word */
    struct pawl_id run;      /* the last that it began, for */
    int64_t run_slot_ns;     /* this time; 0: none yet */
    uint64_t begun, left[PAWL_LEFT_COUNT];
    uint32_t left_now;    /* so many in the change that wrote this row: for whoever watches; not read */
    int64_t left_slot_ns; /* the last one that was left out; 0: none */
    enum pawl_left_out left_why;
    int64_t waiting[PAWL_SCHEDULE_WAITING_MAX]; /* times that wait for their turn, the oldest first */
    uint32_t waiting_count;
};
void pawl_schedule_row_read(struct pawl_schedule_row *row, yyjson_val *body);
void pawl_schedule_row_write(const struct pawl_schedule_row *row, struct pawl_buf *out);

/* Its next time that has not been dealt with; PAWL_CRON_NEVER: none, or it is paused. */
int64_t pawl_schedule_next(const struct pawl_schedule *s, const struct pawl_schedule_row *row);
/* Is there something to be done, and does what depend on whether the run before is over? */
bool pawl_schedule_wants(const struct pawl_schedule *s, const struct pawl_schedule_row *row, int64_t now_ns,
                         bool *asks_former);
/* What is due is taken into the row; of that one time may begin now: its slot, else 0. The row says that it has begun, the
 * run's id is the caller's to add. *changed: the row is to be stored. Called again until nothing is wanted any more. */
int64_t pawl_schedule_turn(const struct pawl_schedule *s, struct pawl_schedule_row *row, bool former_runs,
                           int64_t now_ns, bool *changed);
void pawl_schedule_pause(struct pawl_schedule_row *row);
/* It begins from now. One that is not paused: only where it waits for a clock that went back. */
void pawl_schedule_resume(struct pawl_schedule_row *row, int64_t now_ns);
