/* tests/workloads/part_judge.h - what the judges of parts share: part_judge.c, outcome_judge.c. */
#pragma once
#include "faulty.h"

struct wl_judging {
    const struct wl_books *books;
    const struct wl_recording *rec;
    const struct wl_ledger *ledger;
    uint32_t complaints, wrong_runs;
};
void wl_complain(struct wl_judging *j, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool wl_ended_by(const struct wl_recording *rec, const char *class);
const struct wl_deed *wl_judged_deed(const struct wl_judging *j, uint32_t call);

struct wl_outcomes { /* sums for the line of figures */
    uint32_t checked, amiss, unknown, told, failed, undone, asked;
    uint32_t runs, taken_back, stayed, could_not;
    uint32_t signals, before, taken;
    uint32_t begun, by_catch_up, left_out;
};
void wl_judge_outcome(struct wl_judging *j, enum wl_part part, struct wl_outcomes *sum);
/* Of all of them together; the number of things that are wrong. */
uint32_t wl_judge_outcomes(struct wl_judging *j, enum wl_part part, const struct wl_outcomes *sum);
