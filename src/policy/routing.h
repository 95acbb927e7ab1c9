/* src/policy/routing.h - the cheapest model that is good enough: of an agent's candidates the cheapest whose recent runs of this
 * agent ended well often enough, or of which too little is known yet. Chosen once for a run, before its first model call, and
 * written into that call's intent with the figures; a run that is tried again gets the agent's own model.
 *
 * How runs ended is kept in the store's shared rows ("routing rate refunds small"), added to in the commit of the run's end.
 * The rate is an average that forgets: of the first runs each counts the same, from the 50th on each new one a fiftieth. */
#pragma once
#include "policy/pass.h"

struct pawl_quality {             /* of one model in one agent's hands */
    struct pawl_str name;         /* "refunds small" */
    int64_t runs, rate_ppm, at_s; /* at_s: when the last one ended, by the wall clock */
};

/* May it be chosen? Too few runs, or none of late: yes, so that something is learnt. */
bool pawl_quality_holds(const struct pawl_quality *q, const struct pawl_routing *rule, int64_t now_s);
/* With one more run. */
struct pawl_quality pawl_quality_after(struct pawl_quality q, const struct pawl_routing *rule, bool good,
                                       int64_t now_s);

void pawl_routing_choose(struct pawl_pass *p); /* a model's pass before its intent; may set p->rc */
/* The member `routed` of the intent, where it was chosen just now. */
void pawl_routing_write(const struct pawl_pass *p, struct pawl_json_writer *w);
/* The run has ended: operations on the rows, at most three, names in `a`. What says nothing of the model changes nothing. */
uint32_t pawl_routing_ended(struct pawl_shared_state *s, const struct pawl_run *run, const struct pawl_agent *agent,
                            int64_t wall_ns, struct pawl_arena *a, struct pawl_shared_op ops[3]);
/* A row that was read, or an operation that was put into a commit (sign 1) or came to nothing (-1). PAWL_ENOMEM. */
int pawl_routing_apply(struct pawl_shared_state *s, struct pawl_str row, int64_t add, int sign);
void pawl_routing_fini(struct pawl_shared_state *s);
