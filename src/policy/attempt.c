/* src/policy/attempt.c - stage 12: one sending after the other, each known to the journal before it leaves.
 *
 * The intent is the first attempt; a further one is recorded, and durable, before it leaves (LEDGER 11). What a crash
 * left open comes back here as an outcome: it may have left, nobody knows what it did. */
#include "policy/admission.h"
#include "policy/breaker.h"
#include "policy/budget.h"
#include "policy/look.h"
#include "policy/pipeline.h"
#include <string.h>

static bool recorded(const struct pawl_pass *p)
{
    return p->model || (p->step && p->step->state >= PAWL_STEP_INTENDED_STATE);
}

/* What the journal says of the attempts before a restart, as if it had just come. */
static enum pawl_verdict recover(struct pawl_pass *p)
{
    struct pawl_step *s = p->step;
    const struct pawl_reply crashed = {.transport = PAWL_OWNER_CRASHED, .wall_ns = p->wall_ns};
    p->attempts = s->attempts;
    p->unknown = s->unknown;
    /* settling counts in full again after a restart (LEDGER 3); one that its own owner had out of memory had none */
    p->attempt_ended_wall_ns = s->open ? p->wall_ns : p->taken_wall_ns;
    if (!s->open && s->last_attempt_ns > p->taken_wall_ns) p->attempt_ended_wall_ns = s->last_attempt_ns;
    p->came = true;
    if (s->open) {
        pawl_pass_take_reply(p, &crashed, false);
        p->crashed = true;
        return PAWL_GO;
    }
    p->recovered = true;
    p->outcome = (struct pawl_outcome){.applied = s->unknown ? PAWL_APPLIED_UNKNOWN : PAWL_APPLIED_NO,
                                       .error_class = s->last_class,
                                       .retry = true,
                                       .retry_after_ns = -1,
                                       .message = PAWL_STR("the attempt before the restart failed")};
    return PAWL_GO;
}

/* A person has said what happened (LEDGER 1, rung 3). */
static enum pawl_verdict resolved(struct pawl_pass *p)
{
    struct pawl_step *s = p->step;
    p->attempts = s->attempts;
    p->unknown = false;
    if (s->stop) {
        p->applied = true; /* nobody said that it did not: it counts as done for dedupe and undo */
        return pawl_pass_fail(p, PAWL_CLASS_IN_DOUBT, "a person stopped the run here");
    }
    p->from_person = true;
    p->outcome = (struct pawl_outcome){.applied = PAWL_APPLIED_YES, .retry_after_ns = -1, .result = s->result};
    p->came = true;
    return PAWL_GO;
}

bool pawl_attempt_moved(struct pawl_pass *p)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, p->arena);
    if (p->ports->render_tool(p->config, p->tool, p->document, pawl_str_of(p->key), &b, NULL)) return true;
    if (!pawl_buf_done(&b).p) return true;
    const struct pawl_hash h = pawl_sha256(b.p, b.n);
    return memcmp(h.b, p->step->digest.b, 32) != 0;
}

/* Decided while the tool knew the key; by now it may not: a wait, a slow disk or a sleeping machine lies between. */
static bool forgotten(const struct pawl_pass *p)
{
    return p->unknown && pawl_pass_changes(p) && p->attempts > 0 && !pawl_retry_key_remembered(p);
}

/* It was announced, and is not sent after all. What was unknown stays so. */
static enum pawl_verdict not_sent(struct pawl_pass *p, enum pawl_class c, bool retry, struct pawl_str why)
{
    pawl_admission_leave(p);
    p->outcome = (struct pawl_outcome){
        .applied = PAWL_APPLIED_NO, .error_class = c, .retry = retry, .retry_after_ns = -1, .message = why};
    p->came = true;
    return PAWL_GO;
}

/* A second question beside the first is a further attempt as far as the other side is concerned. */
static bool may_hedge(struct pawl_pass *p)
{
    struct pawl_dependency *d = p->admitted;
    if (!d || p->probe || pawl_pass_changes(p) || !p->tool || p->tool->hedge_ns <= 0) return false;
    return p->tool->hedge_ns < p->timeout_ns && pawl_retry_budget_wait_ns(&d->retries, &p->tool->retry, p->now_ns) == 0;
}

/* What is left of the run's time is asked when it leaves: a wait for the disk, a look or a backoff lies behind the stage
 * that asked first (LEDGER 14, 15). */
static enum pawl_verdict leave(struct pawl_pass *p)
{
    const int64_t own_ns = p->model ? p->model->total_ns : p->tool->timeout_ns;
    if (p->left_ns <= 0)
        return not_sent(p, PAWL_CLASS_DEADLINE_EXCEEDED, false, PAWL_STR("not sent: the run's time is over"));
    p->timeout_ns = own_ns < p->left_ns ? own_ns : p->left_ns;
    p->hedge_ns = may_hedge(p) ? p->tool->hedge_ns : 0;
    if (p->admitted && p->attempts - p->model_from == 1)
        pawl_retry_budget_earn(&p->admitted->retries, pawl_pass_retry(p), p->now_ns);
    return pawl_pass_wait(p, PAWL_WANT_ATTEMPT);
}

/* From here on another request is sent, perhaps to another model. */
static void say_model(struct pawl_pass *p, struct pawl_json_writer *w)
{
    char hex[65];
    pawl_hex(hex, p->digest.b, 32);
    if (!pawl_str_eq(p->model->name, p->step->name)) pawl_jw_key(w, "model"), pawl_jw_str(w, p->model->name);
    pawl_jw_key(w, "digest");
    pawl_jw_text(w, hex);
}

static enum pawl_verdict next(struct pawl_pass *p)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    enum pawl_verdict v;
    if (p->tool && pawl_attempt_moved(p)) {
        p->moved = true;
        if (p->unknown) return pawl_pass_back(p, PAWL_STAGE_RETRY);
        return pawl_pass_fail(p, PAWL_CLASS_REJECTED, "not sent again: the configuration makes another request now");
    }
    if (p->tool && pawl_dedupe_superseded(p))
        return pawl_pass_fail(p, PAWL_CLASS_SUPERSEDED, "a later change of the same thing replaces it");
    if (p->model && !pawl_budget_still(p)) return pawl_pass_back(p, PAWL_STAGE_BUDGET);
    if (forgotten(p)) return p->recovered = true, pawl_pass_back(p, PAWL_STAGE_RETRY);
    pawl_buf_init_arena(&b, p->arena);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "attempt");
    pawl_jw_i64(&w, p->attempts + 1);
    if (p->model_changed) say_model(p, &w);
    if (p->model) pawl_budget_write(p, &w);
    pawl_jw_close(&w, '}');
    if ((v = pawl_pass_append(p, PAWL_STEP_ATTEMPTED, &b)) != PAWL_GO) return v;
    if (p->model) pawl_budget_reserved(p);
    p->model_changed = p->took_called = false;
    p->heard = PAWL_HEARD_NOTHING;
    p->attempts++;
    p->counted = true;
    return pawl_pass_wait(p, PAWL_WANT_DURABLE);
}

enum pawl_verdict pawl_stage_attempt(struct pawl_pass *p)
{
    struct pawl_step *s = p->step;
    if (p->came) return PAWL_GO;
    if (pawl_pass_waits(p)) return pawl_wait_enter(p);
    if (pawl_async_called(p)) return PAWL_GO;
    if (s && s->accepted) return pawl_async_wait(p);
    p->sent_ns = p->now_ns;
    if (p->counted && !pawl_breaker_still(p))
        return not_sent(p, PAWL_CLASS_BREAKER_OPEN, true, PAWL_STR("not sent: calls to it have begun to fail"));
    if (!recorded(p)) {
        if (!p->counted) p->attempts++;
        p->counted = true;
        return leave(p);
    }
    if (s->state == PAWL_STEP_DOUBT) return pawl_pass_wait(p, PAWL_WANT_PERSON);
    if (p->counted && forgotten(p))
        return not_sent(p, PAWL_CLASS_UNAVAILABLE, false, PAWL_STR("not sent again: its key may be forgotten by now"));
    if (p->counted) return leave(p);
    if (s->stop || s->applied) return resolved(p);
    if (s->resend) {
        p->unknown = false; /* a person has said so, whatever the stages below make of it */
        p->attempts = s->attempts;
        if (p->run->ending && s->kind != PAWL_STEP_UNDO)
            return pawl_pass_fail(p, PAWL_CLASS_CANCELLED, "it did not happen, and the run is stopped");
        if (!p->admitted) return pawl_pass_back(p, PAWL_STAGE_DEADLINE);
        return next(p);
    }
    return p->attempts == 0 ? recover(p) : next(p);
}
