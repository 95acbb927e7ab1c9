/* src/policy/fact.h - facts: what reads say of the world, by whom, about what, and how long it counts (DESIGN 6).
 *
 * A fact is about the values of the read's arguments (or of those that `about` names): the status of order 7, not a status.
 * It concerns a call whose arguments hold all of these values. Of one fact the latest answer counts. It is verified unless
 * it came from a tool with `trust: untrusted`, or from a stand-in, or was asked for with a value that is itself an
 * unverified fact; another source that says the same verifies it. */
#pragma once
#include "policy/guard.h"

/* The facts of an answer, behind the record that holds it: PAWL_GO, or PAWL_WAIT with p->rc. */
enum pawl_verdict pawl_facts_record(struct pawl_pass *p);
/* The key "facts" with the latest value of each that concerns these arguments (NULL: of all); none: nothing is written. */
void pawl_facts_write_all(const struct pawl_run *run, yyjson_val *args, struct pawl_json_writer *w);

/* Rules of guard_count.c's shape. */
uint32_t pawl_fact_contradiction(const struct pawl_guard_look *l, const struct pawl_guard *g,
                                 struct pawl_guard_trip *out);
uint32_t pawl_fact_stale(const struct pawl_guard_look *l, struct pawl_guard_trip *out);
uint32_t pawl_fact_unverified(const struct pawl_guard_look *l, struct pawl_guard_trip *out);
/* The first fact that concerns the call and is not fresh any more; NULL: none. */
const struct pawl_fact *pawl_fact_stale_one(const struct pawl_guard_look *l);
/* The read of the model's that said it; NULL: none that can be made again. */
const struct pawl_step *pawl_fact_read(const struct pawl_run *run, const struct pawl_fact *f, struct pawl_arena *a);
/* The answer of a read that the runtime made again for this call: its facts are recorded. */
enum pawl_verdict pawl_facts_again(struct pawl_pass *p, const struct pawl_tool *t, const struct pawl_step *of,
                                   struct pawl_str answer);
/* What was read again for this call and is not as it was; NULL: nothing. */
const struct pawl_fact *pawl_fact_moved(const struct pawl_run *run, uint32_t step, const struct pawl_fact **before);
