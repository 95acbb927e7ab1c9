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

/* decider.h's shape: a step that asks a model and is open. PAWL_EINVAL: the configuration lacks its agent or model. */
int pawl_agent_ask(const struct pawl_config *config, const struct pawl_run *run, const struct pawl_step *step,
                   struct pawl_arena *a, struct pawl_decision *out);

struct pawl_talk { /* a conversation; whose[i]: the model step that messages[i] belongs to; 0: to none */
    struct pawl_message *messages;
    uint32_t *whose;
    uint32_t count;
};
/* conversation.c: what the model step `number` is asked with, told as `how` says. PAWL_ENOMEM. */
int pawl_agent_talk(const struct pawl_agent *agent, const struct pawl_run *run, uint32_t number,
                    const struct pawl_pruning *how, struct pawl_arena *a, struct pawl_talk *out);
/* What the model is told of a call: its result, or the error; in full. */
struct pawl_str pawl_agent_told(const struct pawl_step *s, struct pawl_arena *a);
/* A final answer (a model step's content) against the agent's output schema: {NULL,0} where it fits, else a sentence. */
struct pawl_str pawl_agent_output_fault(const struct pawl_agent *agent, struct pawl_str content, struct pawl_arena *a);

/* agent.c: the agent's own model, asked with this conversation and its tools. */
void pawl_agent_asks(const struct pawl_config *config, const struct pawl_agent *agent, const struct pawl_talk *t,
                     struct pawl_decision *out);
/* context.c: the model step `number`, which is to be the next one, where the agent's conversation has a limit: MODEL where
 * it fits, else PRUNE, else END. PAWL_ENOMEM. */
int pawl_agent_fit(const struct pawl_config *config, const struct pawl_agent *agent, const struct pawl_run *run,
                   uint32_t number, struct pawl_arena *a, struct pawl_decision *out);
/* ... the request of a summary, and what comes of one that has ended. */
int pawl_agent_summary(const struct pawl_config *config, const struct pawl_agent *agent, const struct pawl_run *run,
                       const struct pawl_step *s, struct pawl_arena *a, struct pawl_decision *out);
int pawl_agent_summed_up(const struct pawl_config *config, const struct pawl_agent *agent, const struct pawl_run *run,
                         const struct pawl_step *s, struct pawl_arena *a, struct pawl_decision *out);
/* opinion.c: what a second model is asked about a call: exactly what will be sent, and why the model wants it. */
int pawl_agent_opinion(const struct pawl_config *config, const struct pawl_run *run, const struct pawl_step *s,
                       struct pawl_arena *a, struct pawl_decision *out);
/* How long a conversation is, in bytes with what every request adds; and how many tokens that is, as far as is known. */
uint32_t pawl_agent_bytes(const struct pawl_agent *agent, const struct pawl_talk *t);
uint32_t pawl_agent_tokens(const struct pawl_run *run, uint32_t bytes);
