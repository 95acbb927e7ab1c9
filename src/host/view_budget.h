/* src/host/view_budget.h - what was spent, reserved, estimated, and of how much: in VIEW, and of what runs share. */
#pragma once
#include "contract/json.h"
#include "journal/run.h"

/* The member "budget" of a run's view; nothing where nothing was counted and nothing is limited. config may be NULL. */
void pawl_view_budget(const struct pawl_run *run, const struct pawl_config *config, struct pawl_arena *a,
                      struct pawl_json_writer *w);
/* Members of a model's step: "spent", "estimated", "reserved", "degraded". */
void pawl_view_step_budget(const struct pawl_step *s, struct pawl_json_writer *w);
/* The member "budgets": [...] of what runs share, from the store; the configuration's limits, where it is there. */
int pawl_view_budgets(struct pawl_store *s, const struct pawl_config *config, struct pawl_arena *a,
                      struct pawl_buf *out, struct pawl_error *err);
