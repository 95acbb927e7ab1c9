/* src/journal/decider.h - what decides the next step of a run from its fold. Pure: same fold, same decision. The agent
 * decider (agent/) and later the code decider (flow/) have this shape. */
#pragma once
#include "journal/run.h"

struct pawl_decision {
    enum {
        PAWL_DECIDE_NOTHING, /* steps are open: wait for them */
        PAWL_DECIDE_MODEL,   /* ask the model: messages is the conversation */
        PAWL_DECIDE_WAIT,    /* for the user's next message */
        PAWL_DECIDE_END      /* as `status` */
    } what;
    const struct pawl_model *model;
    const struct pawl_message *messages;
    uint32_t messages_count;
    enum pawl_status status;
    enum pawl_class error_class;
    struct pawl_str output, message; /* output: JSON text */
};
/* Memory of *out is the arena's. PAWL_ENOMEM, or PAWL_EINVAL with *err for a run whose agent the configuration lacks. */
typedef int pawl_decide_fn(const struct pawl_config *config, const struct pawl_run *run, struct pawl_arena *a,
                           struct pawl_decision *out, struct pawl_error *err);
