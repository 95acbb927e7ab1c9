/* src/journal/run_heard.h - folding what is heard of a call that was accepted: step.accepted, step.polled, step.called. In the
 * room. */
#pragma once
#include "contract/json.h"
#include "journal/run.h"

/* false: it cannot follow. Memory that runs out shows in the run's arena. */
bool pawl_run_heard(struct pawl_run *run, struct pawl_step *s, const struct pawl_record *r, yyjson_val *body);
