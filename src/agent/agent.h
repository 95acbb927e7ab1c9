/* src/agent/agent.h - the decider that is a model loop: ask the model, do what it calls, ask again, until it answers. */
#pragma once
#include "journal/decider.h"

/* journal/decider.h's shape. Where the last step is a model step that is still open, the decision is that very step, so
 * that its request can be made again after a restart. */
int pawl_agent_decide(const struct pawl_config *config, const struct pawl_run *run, struct pawl_arena *a,
                      struct pawl_decision *out, struct pawl_error *err);

enum {
    PAWL_AGENT_BAD_ROUNDS = 3, /* rounds of nothing but unknown tools and bad arguments that are fed back */
    PAWL_AGENT_BAD_OUTPUTS = 2 /* final answers outside the output schema that are fed back */
};

/* conversation.c: the messages that the model step `number` is asked with. PAWL_ENOMEM. */
int pawl_agent_conversation(const struct pawl_agent *agent, const struct pawl_run *run, uint32_t number,
                            struct pawl_arena *a, const struct pawl_message **messages, uint32_t *count);
/* A final answer (a model step's content) against the agent's output schema: {NULL,0} where it fits, else a sentence. */
struct pawl_str pawl_agent_output_fault(const struct pawl_agent *agent, struct pawl_str content, struct pawl_arena *a);
