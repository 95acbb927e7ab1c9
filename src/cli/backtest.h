/* src/cli/backtest.h - what guards would have done to runs that have ended: cases (a run's records and how it went), and the
 * play of one case under some guards. Private to cmd_backtest.c and its files. */
#pragma once
#include "base/alloc.h"
#include "journal/run.h"

enum bt_went { BT_GOOD, BT_FAILED, BT_ATTACK }; /* attack: what was planted in a tool's answer was carried out */
struct bt_case {
    struct pawl_str name;
    struct pawl_record *records; /* run, seq and hash are not set */
    uint32_t count, size;
    enum bt_went went;
    bool benign; /* nothing was planted */
    const struct pawl_config *config;
    const struct pawl_agent *agent;
};
struct bt_cases {
    struct pawl_arena arena;
    struct bt_case *cases;
    uint32_t count, size;
};
struct bt_case *bt_case_add(struct bt_cases *all); /* NULL: no memory */
/* A record more; the body is copied. */
void bt_record_add(struct bt_cases *all, struct bt_case *c, enum pawl_kind kind, uint32_t step, int64_t at_ns,
                   struct pawl_str body);

/* What the guards did in one run. The people say yes, the model goes on as it did. */
struct bt_result {
    uint32_t trips, questions; /* questions: those that the gate of the call does not ask anyway */
    bool touched;              /* something tripped */
    bool held;                 /* a call that changes something, or can carry data out, was held or came later */
    bool hurt;                 /* the run was ended before its end, or a change was refused that had been made */
};
/* guards NULL: the gates alone: every irreversible call is a question. PAWL_OK or PAWL_ENOMEM. */
int bt_play(const struct bt_case *c, const struct pawl_guard *guards, uint32_t count, struct bt_result *out);

/* backtest_import.c: recorded runs of others, with the contracts of their tools: FOLDER/contracts/ *.json, FOLDER/ *.jsonl. */
int bt_import(struct bt_cases *all, const char *folder, struct pawl_error *err);
