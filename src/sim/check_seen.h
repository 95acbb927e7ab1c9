/* src/sim/check_seen.h - one record on the stand, before it is folded: what check_record.c and check_intent.c share. */
#pragma once
#include "sim/world.h"
#include <string.h>

struct pawl_sim_seen { /* one record on the stand */
    struct pawl_sim *w;
    struct pawl_sim_run *run;
    const struct pawl_record *r;
    yyjson_val *body;
    const struct pawl_step *s; /* as it is before */
    struct pawl_sim_step *f;
    const struct pawl_tool *tool;
    int tool_index;
    int64_t wall_ns;
    bool repeats; /* an intent: somebody did it before, and that counts; */
    struct {      /* the last to do so: anywhere, in this run, and of those that count for certain */
        int64_t at;
        uint32_t reason;
    } last[4];
};

void pawl_sim_seen_broken(const struct pawl_sim_seen *k, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
struct pawl_hash pawl_sim_seen_hash(const struct pawl_sim_seen *k, const char *name); /* zeroed: it has none */
void pawl_sim_check_intended(struct pawl_sim_seen *k);
void pawl_sim_check_guards(struct pawl_sim_seen *k); /* check_guard.c */
/* check_child.c */
bool pawl_sim_is_child(const struct pawl_tool *t);
void pawl_sim_check_created(struct pawl_sim_seen *k);
void pawl_sim_check_child_started(struct pawl_sim_seen *k);
void pawl_sim_check_child_ended(struct pawl_sim_seen *k);
void pawl_sim_check_run_ended(struct pawl_sim_seen *k);
void pawl_sim_check_child_step(struct pawl_sim_seen *k);
void pawl_sim_check_childless(struct pawl_sim_seen *k);
/* check_signal.c */
void pawl_sim_check_signal(struct pawl_sim_seen *k);
void pawl_sim_check_waited(struct pawl_sim_seen *k);

static inline bool pawl_sim_changes(const struct pawl_tool *t)
{
    return t && t->effect != PAWL_EFFECT_READ;
}
void pawl_sim_check_heard(struct pawl_sim_seen *k); /* check_heard.c */
void pawl_sim_check_heard_end(struct pawl_sim_seen *k);
/* check_outcome.c */
void pawl_sim_check_outcome(struct pawl_sim_seen *k);
void pawl_sim_check_outcome_model(struct pawl_sim_seen *k);
bool pawl_sim_check_undoes(const struct pawl_step *s);
void pawl_sim_check_called(struct pawl_sim_seen *k);
void pawl_sim_check_undone(const struct pawl_sim_seen *k); /* check_undo.c: at the run's end */
/* check_opinion.c */
void pawl_sim_check_opinion_asked(struct pawl_sim_seen *k);
void pawl_sim_check_opinion_judged(struct pawl_sim_seen *k);
void pawl_sim_check_opinion_intended(struct pawl_sim_seen *k);
