/* src/sim/check_heard.c - calls that were accepted: each wait has its end, is asked about at the monitor that was named, and
 * comes to nothing known only when its time is over, or its monitor is gone. */
#include "sim/check_seen.h"

/* step.accepted, step.polled */
void pawl_sim_check_heard(struct pawl_sim_seen *k)
{
    const int64_t until_ns = pawl_json_i64(k->body, "until", 0), most_ns = pawl_sim_wall_most(k->w);
    if (k->r->kind == PAWL_STEP_POLLED) {
        if (!k->s || !k->s->accepted) pawl_sim_seen_broken(k, "heard", "asked about what was not accepted");
        return;
    }
    pawl_sim_count(k->w, PAWL_SIM_N_ACCEPTED);
    if (!k->tool || !k->tool->async.on)
        pawl_sim_seen_broken(k, "heard", "awaited, and its contract says nothing of that");
    else if (until_ns <= 0 || until_ns > most_ns + k->tool->async.deadline_ns)
        pawl_sim_seen_broken(k, "bounded", "an accepted call is awaited without an end");
}

/* A step that had been accepted ends, or is tried otherwise. */
void pawl_sim_check_heard_end(struct pawl_sim_seen *k)
{
    const struct pawl_str from = pawl_json_str(k->body, "from");
    const bool callback = pawl_str_is(from, "callback"), monitor = pawl_str_is(from, "monitor") || callback;
    if (!k->s || !(k->s->accepted || callback) || !k->tool) return;
    if (monitor) {
        pawl_sim_count(k->w, PAWL_SIM_N_HEARD);
        /* a callback has the token of this very call: it happened, whatever else is not known */
        if ((k->r->kind == PAWL_STEP_COMPLETED || yyjson_obj_get(k->body, "checks")) &&
            (callback || k->tool->key_declared || k->tool->effect == PAWL_EFFECT_IDEMPOTENT || k->f->sent == 1))
            k->f->unknown = false;
        return;
    }
    if (k->r->kind == PAWL_STEP_COMPLETED || k->r->kind == PAWL_STEP_FAILED) return;
    yyjson_val *ended = yyjson_obj_get(k->body, "ended");
    if (pawl_str_is(pawl_json_str(ended ? ended : k->body, "class"), "rejected"))
        return; /* it failed; others are unknown */
    pawl_sim_count(k->w, PAWL_SIM_N_UNHEARD);
    k->f->unknown = k->f->unknown || k->tool->effect != PAWL_EFFECT_READ;
    if (pawl_sim_wall_most(k->w) < k->s->until_ns && k->s->monitor.p &&
        pawl_sim_wall_most(k->w) < k->s->accepted_ns + 30 * PAWL_SIM_S)
        pawl_sim_seen_broken(k, "heard", "given up before its time was over");
}

/* These words, by somebody with the token of this very call. */
static bool is_said(const struct pawl_sim_seen *k, const struct pawl_sim_ask *ask, struct pawl_str id)
{
    if (!ask->op || !k->s || ask->who > PAWL_SIM_CONTRARY || !pawl_str_eq(ask->request.id, id)) return false;
    return pawl_id_eq(ask->request.run, k->run->id) && ask->request.step == k->r->step &&
           strcmp(ask->op->key, k->s->key) == 0;
}

/* Nobody has said how it ended: neither the tool, nor a person whose word a last look only follows (seeds 29558, 71989). */
bool pawl_sim_is_awaited(const struct pawl_step *s)
{
    return s->state == PAWL_STEP_INTENDED_STATE && !s->called && !s->applied && !s->stop;
}

/* The tool's own where there is one: who comes behind it with other words may say what it says later, of another attempt, and words
 * without a signature have their id from what they say (seed 114562). NULL: nobody. */
static const struct pawl_sim_ask *who_said(const struct pawl_sim_seen *k, struct pawl_str id)
{
    const struct pawl_sim_ask *by = NULL;
    for (const struct pawl_sim_ask *ask = k->w->asks; ask; ask = ask->next)
        if (ask->deliveries && is_said(k, ask, id) && (!by || ask->who == PAWL_SIM_TOOL)) by = ask;
    return by;
}

/* step.called, or a note of what came too late: somebody with the token of this call has said that, and it counts once. */
void pawl_sim_check_called(struct pawl_sim_seen *k)
{
    const struct pawl_str id = pawl_json_str(k->body, "id"), says = pawl_json_str(k->body, "says");
    const struct pawl_sim_ask *ask;
    const bool late = k->r->kind == PAWL_NOTE;
    if (late && !pawl_json_str(k->body, "late").p) return;
    if (!(ask = who_said(k, id)))
        pawl_sim_seen_broken(k, "callback", "nobody has called back about that with its token");
    else if (pawl_str_is(says, "done") != ask->says_done || ask->runs_on)
        pawl_sim_seen_broken(k, "callback", "recorded is not what was called back");
    else if (!late && (!pawl_sim_is_awaited(k->s) || ask->who == PAWL_SIM_CONTRARY))
        pawl_sim_seen_broken(k, "callback", "what comes behind the first one, or too late, counts");
    else if (pawl_run_answered(&k->run->stored, id)) pawl_sim_seen_broken(k, "callback", "the same one is kept twice");
}

/* Its run is being stopped, and its monitor is to be told so, and is not. */
bool pawl_sim_untold(const struct pawl_sim *w, const struct pawl_sim_run *run, const struct pawl_step *s)
{
    const struct pawl_tool *t = s ? pawl_config_tool(&w->config, s->name) : NULL;
    return t && t->async.cancel.p && run->stored.ending && s->accepted && s->kind != PAWL_STEP_UNDO && s->monitor.p &&
           s->state == PAWL_STEP_INTENDED_STATE && !s->told_to_stop;
}

/* It sleeps beside no end of a wait, nor beside one that has come. */
void pawl_sim_check_awaited(struct pawl_sim *w, const struct pawl_sim_run *run, const struct pawl_head *h)
{
    if (h->wake_ns <= 1 || h->status >= PAWL_DONE) return;
    for (uint32_t i = 0; i < run->stored.steps_count; i++) {
        const struct pawl_step *s = run->stored.steps[i];
        if (s->state == PAWL_STEP_INTENDED_STATE && s->called && !s->stop && !s->applied &&
            h->waiting == PAWL_WAIT_STEP)
            pawl_sim_broken(w, "callback", "run%u #%u: sleeps, and it was called back", run->index, s->number);
        if (pawl_sim_untold(w, run, s))
            pawl_sim_broken(w, "heard", "run%u #%u: sleeps, and its monitor is not told that its run is stopped",
                            run->index, s->number);
        if (!pawl_step_ended(s) && s->accepted && h->waiting != PAWL_WAIT_CONFIG && h->wake_ns > s->until_ns)
            pawl_sim_broken(w, "bounded", "run%u #%u: sleeps past the end of its wait", run->index, s->number);
    }
}
