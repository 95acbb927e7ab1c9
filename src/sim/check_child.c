/* src/sim/check_child.c - runs that steps of runs have started: each once, for an intent that is stored, within what its parent
 * has left; ended once, as it did end; and nobody ends before those that it started. */
#include "policy/pipeline.h"
#include "sim/check_seen.h"
#include <stdio.h>

static const struct pawl_id none;

bool pawl_sim_is_child(const struct pawl_tool *t)
{
    return t && t->driver == PAWL_DRIVER_AGENT;
}

/* A run is made: whose step wants it? */
void pawl_sim_check_created(struct pawl_sim_seen *k)
{
    yyjson_val *parent = yyjson_obj_get(k->body, "parent");
    struct pawl_id id;
    char key[64];
    if (!parent) return;
    pawl_sim_count(k->w, PAWL_SIM_N_CHILDREN);
    const struct pawl_sim_run *of = pawl_id_parse(pawl_json_str(parent, "run"), &id) ? pawl_sim_run_of(k->w, id) : NULL;
    const struct pawl_step *s = of ? pawl_run_step(&of->stored, (uint32_t)pawl_json_i64(parent, "step", 0)) : NULL;
    if (!s || !s->is_child || !s->intended_seq) {
        pawl_sim_seen_broken(k, "child", "begun for a step whose intent is not stored");
        return;
    }
    if (of->stored.ended) pawl_sim_seen_broken(k, "child", "begun by run%u, which has ended", of->index);
    const struct pawl_id own = pawl_child_of(&of->stored, s, key);
    if (!pawl_id_eq(own, k->run->id) || !pawl_str_is(pawl_json_str(k->body, "key"), key))
        pawl_sim_seen_broken(k, "child", "not under the id and key of run%u #%u", of->index, s->number);
    if (pawl_json_i64(parent, "depth", 0) != of->stored.depth + 1 || of->stored.depth >= 8)
        pawl_sim_seen_broken(k, "child", "at a depth of %d", (int)pawl_json_i64(parent, "depth", 0));
    const struct pawl_agent *agent = pawl_config_agent(&k->w->config, of->stored.agent);
    const int64_t deadline_ns = pawl_json_i64(parent, "deadline", PAWL_NEVER);
    if (agent->deadline_ns && deadline_ns > agent->deadline_ns + of->stored.active_before_ns)
        pawl_sim_seen_broken(k, "deadline", "has more time than run%u, which began it", of->index);
    if (of->stored.deadline_ns && deadline_ns > of->stored.deadline_ns)
        pawl_sim_seen_broken(k, "deadline", "has more time than run%u was given", of->index);
    if ((agent->ends_by_ns || of->stored.ends_ns) && !pawl_json_i64(parent, "ends", 0))
        pawl_sim_seen_broken(k, "deadline", "run%u ends by a time, and its child does not", of->index);
}

void pawl_sim_check_child_started(struct pawl_sim_seen *k)
{
    struct pawl_id id = none;
    pawl_id_parse(pawl_json_str(k->body, "run"), &id);
    const struct pawl_sim_run *child = pawl_sim_run_of(k->w, id);
    if (!k->s || !pawl_id_eq(k->s->child, none)) pawl_sim_seen_broken(k, "child", "said to be started twice");
    if (!child || !pawl_id_eq(child->stored.parent, k->run->id) || child->stored.parent_step != k->r->step)
        pawl_sim_seen_broken(k, "child", "said to be started, and no such run is stored");
}

void pawl_sim_check_run_ended(struct pawl_sim_seen *k)
{
    const struct pawl_str status = pawl_json_str(k->body, "status");
    if (pawl_str_is(status, "done")) k->run->was_done = true;
    else if (pawl_str_is(status, "cancelled")) k->run->was_cancelled = true;
    else k->run->was_failed = true;
}

void pawl_sim_check_child_ended(struct pawl_sim_seen *k)
{
    const struct pawl_sim_run *child = k->s ? pawl_sim_run_of(k->w, k->s->child) : NULL;
    const struct pawl_str status = pawl_json_str(k->body, "status");
    /* by itself it may have been tried again, or be undone, before its parent could say how it ended */
    const bool so = child && (pawl_str_is(status, "done")        ? child->was_done
                              : pawl_str_is(status, "cancelled") ? child->was_cancelled
                                                                 : child->was_failed);
    if (!so) pawl_sim_seen_broken(k, "child", "said to be %.*s, and its run is not", (int)status.n, status.p);
    if (k->s->child_ended) pawl_sim_seen_broken(k, "child", "ended twice");
    pawl_sim_count(k->w, PAWL_SIM_N_CHILDREN_ENDED);
}

/* A step that started a run has ended. */
void pawl_sim_check_child_step(struct pawl_sim_seen *k)
{
    const struct pawl_sim_run *child;
    const bool done = k->r->kind == PAWL_STEP_COMPLETED;
    if (!k->s || !pawl_sim_is_child(k->tool) || yyjson_obj_get(k->body, "first")) return;
    if (k->s->kind == PAWL_STEP_UNDO) {
        child = pawl_sim_run_of(k->w, pawl_run_step(&k->run->stored, k->s->undoes)->child);
        if (done) pawl_sim_count(k->w, PAWL_SIM_N_CHILDREN_UNDONE);
        for (uint32_t i = 0; done && child && i < child->stored.steps_count; i++) {
            const struct pawl_step *s = child->stored.steps[i];
            const int at = s->kind == PAWL_STEP_TOOL ? pawl_sim_tool_index(k->w, s->name) : -1;
            if (at >= 0 && pawl_sim_changes(&k->w->contracts[at]) && s->applied && !s->undone)
                pawl_sim_seen_broken(k, "undone", "said to be undone, and run%u #%u stays done", child->index,
                                     s->number);
        }
        return;
    }
    if (!pawl_id_eq(k->s->child, none) && !k->s->child_ended)
        pawl_sim_seen_broken(k, "child", "its step ends before it did");
    if (!done || k->s->handed.p) return;
    child = pawl_sim_run_of(k->w, k->s->child);
    if (!child || !child->was_done) pawl_sim_seen_broken(k, "child", "its step is done, and it is not");
}

/* Nobody ends before those that it started; a person may have had one of these go on since. */
void pawl_sim_check_childless(struct pawl_sim_seen *k)
{
    for (uint32_t i = 0; i < k->w->runs_count; i++) {
        const struct pawl_run *o = &k->w->runs[i]->stored;
        if (!pawl_id_eq(o->parent, k->run->id) || o->ended || o->retries || o->undoing) continue;
        pawl_sim_seen_broken(k, "child", "ends before run%u, which it started", k->w->runs[i]->index);
    }
}

int64_t pawl_sim_children_live_ns(const struct pawl_sim *w, const struct pawl_sim_run *run)
{
    int64_t ns = 0;
    for (uint32_t i = 0; i < w->runs_count; i++) {
        const struct pawl_sim_run *o = w->runs[i];
        if (!pawl_id_eq(o->stored.parent, run->id)) continue;
        ns += o->tried_ns + o->live_ns + (o->live ? w->now_ns - o->live_since_ns : 0) + pawl_sim_children_live_ns(w, o);
    }
    return ns;
}
