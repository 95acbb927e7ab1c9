/* src/journal/decider.h - what decides the next step of a run from its fold. Pure: same fold, same decision. The agent
 * decider (agent/) and later the code decider (flow/) have this shape. */
#pragma once
#include "journal/run.h"

struct pawl_decision {
    enum {
        PAWL_DECIDE_NOTHING, /* steps are open: wait for them */
        PAWL_DECIDE_MODEL,   /* ask the model: messages is the conversation */
        PAWL_DECIDE_PRUNE,   /* write `record`, a context.pruned: the conversation is told otherwise from here on */
        PAWL_DECIDE_WAIT,    /* for the user's next message */
        PAWL_DECIDE_END      /* as `status` */
    } what;
    const struct pawl_model *model;
    const struct pawl_message *messages;
    uint32_t messages_count;
    const struct pawl_tool *const *tools; /* that the model may call */
    uint32_t tools_count;
    struct pawl_str output_json; /* the schema of what it is to answer; {NULL,0}: none is asked for */
    uint32_t told_bytes;         /* where the conversation has a limit: how long it is as it is told; else 0 */
    struct pawl_str record;      /* PRUNE: JSON text */
    bool begins_step;            /* ... and it begins a step, a summary */
    enum pawl_status status;
    enum pawl_class error_class;
    struct pawl_str output, message; /* output: JSON text */
};
/* Memory of *out is the arena's. PAWL_ENOMEM, or PAWL_EINVAL with *err for a run whose agent the configuration lacks. */
typedef int pawl_decide_fn(const struct pawl_config *config, const struct pawl_run *run, struct pawl_arena *a,
                           struct pawl_decision *out, struct pawl_error *err);
/* The decision that a step of the run was, which asks a model and is open: its request is made again. */
typedef int pawl_ask_fn(const struct pawl_config *config, const struct pawl_run *run, const struct pawl_step *step,
                        struct pawl_arena *a, struct pawl_decision *out);
