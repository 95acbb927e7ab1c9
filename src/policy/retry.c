/* src/policy/retry.c - stage 14: again, or resolve, or give up.
 *
 * Nothing known to have happened, nothing unknown: exponential backoff with jitter, attempts and time capped, the
 * server's Retry-After obeyed, and all further attempts of a dependency together a share of the first ones. Unknown: the ladder of LEDGER 1 and DESIGN 4.1, first rung that the contract allows:
 *   1 the tool honours keys and still remembers this one -> send again with the same key
 *   2 it declares a verify that identifies this attempt  -> look, once the settling time has passed
 *   3 neither                                            -> in doubt: a person */
#include "policy/backoff.h"
#include "policy/breaker.h"
#include "policy/claim.h"
#include "policy/fallback.h"
#include "policy/look.h"
#include "policy/pipeline.h"
#include <string.h>

enum { LOOKS_MAX = 4 };

/* At least what the server asks for. */
static int64_t backoff_ns(struct pawl_pass *p, uint32_t tries)
{
    const struct pawl_retry *r = pawl_retry_for(pawl_pass_retry(p), p->outcome.error_class);
    if (p->outcome.retry_after_ns > 0)
        return p->outcome.retry_after_ns +
               (r->jitter ? (int64_t)pawl_prng_below(p->prng, (uint64_t)p->outcome.retry_after_ns / 8 + 1) : 0);
    return p->backoff_ns = pawl_backoff_ns(r, tries, p->backoff_ns, p->prng);
}

/* What is unknown is resolved, whatever that costs; a model, an undo and a person's word wait until their time comes. */
static bool waits_for_budget(const struct pawl_pass *p)
{
    return p->model || p->unknown || (p->step && (p->step->resend || p->step->kind == PAWL_STEP_UNDO));
}

static const char *applied_word(const struct pawl_pass *p)
{
    return p->unknown ? "unknown" : p->outcome.applied == PAWL_APPLIED_UNUSABLE ? "yes" : "no";
}

/* How the attempt ended, for the journal: knowledge that must survive a restart, and what `pawl show` tells. */
static enum pawl_verdict append_ended(struct pawl_pass *p, int64_t retry_at_ns, bool cleared)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    if (!p->step || p->step->state != PAWL_STEP_INTENDED_STATE)
        return PAWL_GO; /* a plain read leaves no trace of tries */
    pawl_buf_init_arena(&b, p->arena);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "attempt");
    pawl_jw_i64(&w, p->attempts);
    pawl_jw_key(&w, "ended");
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "applied");
    pawl_jw_text(&w, applied_word(p));
    pawl_jw_key(&w, "class");
    pawl_jw_text(&w, pawl_class_name(p->outcome.error_class));
    pawl_jw_key(&w, "message");
    pawl_jw_str(&w, p->outcome.message);
    if (retry_at_ns) pawl_jw_key(&w, "retry_at"), pawl_jw_i64(&w, retry_at_ns);
    if (cleared) pawl_jw_key(&w, "cleared"), pawl_jw_bool(&w, true);
    pawl_jw_close(&w, '}');
    pawl_jw_close(&w, '}');
    return pawl_pass_append(p, PAWL_STEP_ATTEMPTED, &b);
}

static enum pawl_verdict give_up(struct pawl_pass *p)
{
    const enum pawl_class c = p->outcome.error_class ? p->outcome.error_class : PAWL_CLASS_UNAVAILABLE;
    enum pawl_verdict v;
    if (pawl_fallback_fits(c) && p->model && p->left_ns > 0 && pawl_fallback_model(p)) {
        if ((v = append_ended(p, p->wall_ns, false)) != PAWL_GO) return v;
        p->recovered = p->came = p->counted = false;
        return pawl_pass_back(p, pawl_pass_readmit(p));
    }
    if (pawl_fallback_fits(c) && pawl_fallback_tool(p, &v)) return v;
    return pawl_pass_fail(p, c, "%.*s", (int)p->outcome.message.n, p->outcome.message.p ? p->outcome.message.p : "");
}

/* Nothing happened there, and too many are being sent again already: one more would be part of the storm. */
static enum pawl_verdict over_budget(struct pawl_pass *p)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, p->arena);
    pawl_buf_str(&b, p->outcome.message);
    pawl_buf_text(&b, " (not tried again: the retries of all calls to it are spent for now)");
    if (pawl_buf_done(&b).p) p->outcome.message = pawl_buf_done(&b);
    return give_up(p);
}

/* The stages that admit an attempt are passed anew by each of them. */
static enum pawl_verdict again(struct pawl_pass *p)
{
    const bool planned = p->recovered && p->step && p->step->retry_at_ns > 0; /* its pause was drawn before */
    /* What our own crash cut off is no word of the other side's: it is not spared for that. */
    struct pawl_dependency *d = pawl_pass_dependency(p);
    enum pawl_verdict v = PAWL_GO;
    int64_t at_ns = planned ? p->step->retry_at_ns : p->wall_ns, wait_ns = 0;
    if (!d) return p->rc = PAWL_ENOMEM, pawl_pass_wait(p, PAWL_WANT_NOTHING);
    if (!planned && !p->crashed) {
        wait_ns = pawl_retry_budget_wait_ns(&d->retries, pawl_pass_retry(p), p->now_ns);
        if (wait_ns > 0 && !waits_for_budget(p)) return over_budget(p);
        const int64_t pause_ns = backoff_ns(p, p->attempts);
        at_ns += wait_ns > pause_ns ? wait_ns : pause_ns;
        pawl_retry_budget_take(&d->retries, pawl_pass_retry(p));
    }
    if (!p->recovered) v = append_ended(p, at_ns, false);
    if (v != PAWL_GO) return v;
    p->recovered = p->came = p->counted = p->crashed = false;
    if (at_ns <= p->wall_ns) return pawl_pass_back(p, pawl_pass_readmit(p));
    p->stage = pawl_pass_readmit(p);
    return pawl_pass_until(p, PAWL_WANT_TIME, at_ns);
}

/* Is there time to wait for another attempt, and are there attempts left? */
static bool may_try(struct pawl_pass *p)
{
    if (p->run->ending && !(p->step && p->step->kind == PAWL_STEP_UNDO)) return false;
    const struct pawl_retry *r = pawl_retry_for(pawl_pass_retry(p), p->outcome.error_class);
    if (p->attempts - p->model_from >= r->attempts) return false;
    return p->left_ns == PAWL_NEVER || (p->left_ns > 0 && p->outcome.retry_after_ns < p->left_ns);
}

/* LEDGER 4: remembered_for counts from the first attempt, less the attempt's timeout and 5 %; a clock that went back
 * since ends it. */
bool pawl_retry_key_remembered(const struct pawl_pass *p)
{
    const struct pawl_step *s = p->step;
    const int64_t for_ns = p->tool->remembered_for_ns - p->tool->remembered_for_ns / 20 - p->tool->timeout_ns;
    if (p->tool->effect == PAWL_EFFECT_IDEMPOTENT) return true; /* a repeat changes nothing more */
    if (!p->tool->key_declared) return false;
    if (p->wall_ns < s->first_attempt_ns || p->wall_ns < s->last_attempt_ns) return false;
    return p->wall_ns - s->first_attempt_ns < for_ns;
}

static enum pawl_verdict doubt(struct pawl_pass *p)
{
    const bool applied = !p->unknown; /* only the answer is missing */
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    enum pawl_verdict v;
    pawl_buf_init_arena(&b, p->arena);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "applied");
    pawl_jw_text(&w, applied ? "yes" : "unknown");
    pawl_jw_key(&w, "class");
    pawl_jw_text(&w, pawl_class_name(p->outcome.error_class ? p->outcome.error_class : PAWL_CLASS_IN_DOUBT));
    pawl_jw_key(&w, "attempts");
    pawl_jw_i64(&w, p->attempts);
    pawl_jw_key(&w, "message");
    if (p->moved) pawl_jw_text(&w, "the configuration makes another request now than the one that was sent");
    else pawl_jw_str(&w, p->outcome.message);
    pawl_jw_close(&w, '}');
    if ((v = pawl_pass_append(p, PAWL_STEP_IN_DOUBT, &b)) != PAWL_GO) return v;
    if (pawl_claim_hold(p, PAWL_CLAIM_IN_DOUBT)) return PAWL_WAIT;
    p->came = p->counted = p->recovered = false;
    p->looks = 0;
    p->stage = PAWL_STAGE_ATTEMPT;
    return pawl_pass_wait(p, PAWL_WANT_PERSON);
}

static enum pawl_verdict look(struct pawl_pass *p)
{
    const int64_t settled_ns = p->attempt_ended_wall_ns + p->tool->verify.settles_ns;
    enum pawl_verdict v;
    if (!p->look_came) {
        if (p->wall_ns >= settled_ns || p->outcome.applied == PAWL_APPLIED_UNUSABLE)
            return p->looks++, pawl_pass_wait(p, PAWL_WANT_LOOK);
        if (!p->recovered && (v = append_ended(p, settled_ns, false)) != PAWL_GO) return v;
        p->recovered = true; /* said already, once */
        return pawl_pass_until(p, PAWL_WANT_TIME, settled_ns);
    }
    p->look_came = false;
    switch (pawl_look_tells(p)) {
    case PAWL_SEEN_HAPPENED:
        p->unknown = false;
        p->from_verify = true;
        p->outcome.applied = PAWL_APPLIED_YES;
        p->outcome.result = p->looked.result;
        return PAWL_GO;
    case PAWL_SEEN_NOT:
        if (p->outcome.applied == PAWL_APPLIED_UNUSABLE) return doubt(p);
        p->unknown = false;
        p->outcome.applied = PAWL_APPLIED_NO;
        if ((v = append_ended(p, 0, true)) != PAWL_GO) return v;
        p->recovered = true;
        p->outcome.retry_after_ns = -1;
        return may_try(p) ? again(p) : give_up(p);
    case PAWL_SEEN_NOTHING_KNOWN: break;
    }
    if (p->looks >= LOOKS_MAX) return doubt(p);
    return pawl_pass_until(p, PAWL_WANT_TIME, p->wall_ns + backoff_ns(p, p->looks));
}

/* The look goes somewhere else now than it would have when this was sent: it would tell of another place. */
static bool look_moved(struct pawl_pass *p)
{
    const struct pawl_hash now = pawl_look_can_tell(p) ? pawl_look_digest(p) : p->step->look_digest;
    return memcmp(now.b, p->step->look_digest.b, sizeof now.b) != 0;
}

static enum pawl_verdict ladder(struct pawl_pass *p)
{
    const bool again_is_safe =
        p->outcome.applied != PAWL_APPLIED_ACCEPTED && p->outcome.applied != PAWL_APPLIED_UNUSABLE;
    if (pawl_attempt_moved(p) || look_moved(p)) p->moved = true;
    if (pawl_dedupe_superseded(p))
        return pawl_pass_fail(p, PAWL_CLASS_SUPERSEDED, "a later change of the same thing replaces it");
    if (!p->looks && !p->moved && again_is_safe && pawl_retry_key_remembered(p) && may_try(p)) return again(p);
    if (!p->moved && pawl_look_can_tell(p)) return look(p);
    return doubt(p);
}

enum pawl_verdict pawl_stage_retry(struct pawl_pass *p)
{
    enum pawl_verdict v;
    if (p->outcome.applied != PAWL_APPLIED_YES && pawl_async_called(p)) return pawl_pass_back(p, PAWL_STAGE_CLASSIFY);
    if (p->outcome.applied == PAWL_APPLIED_ACCEPTED && p->tool->async.on && (v = pawl_async_accept(p)) != PAWL_GO)
        return v;
    const enum pawl_applied applied = p->outcome.applied;
    if (!pawl_pass_changes(p)) {
        if (applied == PAWL_APPLIED_YES) return PAWL_GO;
        return p->outcome.retry && may_try(p) ? again(p) : give_up(p);
    }
    if (applied == PAWL_APPLIED_YES && !p->unknown) return PAWL_GO;
    if (applied == PAWL_APPLIED_NO && !p->unknown) return p->outcome.retry && may_try(p) ? again(p) : give_up(p);
    return ladder(p);
}
