/* src/policy/dedupe.c - stage 3: the forgetful caller (DESIGN 4.2, LEDGER 6 to 9). Has this intent been done already?
 *
 * Two places know. The run's own fold knows every step of this run, so scope `run` needs nothing else: the fold is its
 * claim table. Wider scopes ask the store's claim table too, through the engine, which also keeps what is under way.
 *
 *   nothing known          -> take the claim, go on
 *   open elsewhere         -> wait (join)
 *   done, same arguments   -> answer from the first; or ask (confirm, undone since, the user spoke since)
 *   done, other arguments  -> ask: conflict
 */
#include "policy/pipeline.h"
#include <assert.h>
#include <string.h>

static bool same_hash(struct pawl_hash a, struct pawl_hash b)
{
    return memcmp(a.b, b.b, sizeof a.b) == 0;
}

/* Released: known not applied. Answered ones point at another step, which is looked at itself. */
static bool counts(const struct pawl_step *o)
{
    if (o->answered) return false;
    return o->state != PAWL_STEP_NOT_DONE || o->applied;
}

struct pawl_step *pawl_dedupe_ahead(const struct pawl_run *run, const struct pawl_step *s)
{
    for (uint32_t i = run->ended_to; i < run->steps_count; i++) {
        struct pawl_step *o = run->steps[i];
        if (o == s || o->kind != s->kind || !o->has_intent || !same_hash(o->intent_key, s->intent_key)) continue;
        if (pawl_step_ended(o)) continue;
        if (o->number < s->number || o->state >= PAWL_STEP_INTENDED_STATE) return o;
    }
    return NULL;
}

/* LEDGER 8: a later change of the same thing waits behind this one; an older idempotent value is not sent over it. In a run
 * that is being stopped what has not been sent will not be, and replaces nothing. */
bool pawl_dedupe_superseded(const struct pawl_pass *p)
{
    if (p->tool->effect != PAWL_EFFECT_IDEMPOTENT) return false;
    for (uint32_t i = p->number; i < p->run->steps_count; i++) {
        const struct pawl_step *o = p->run->steps[i];
        if (o->kind != PAWL_STEP_TOOL || !o->has_intent || pawl_step_ended(o)) continue;
        if (p->run->ending && o->state < PAWL_STEP_INTENDED_STATE) continue;
        if (memcmp(o->intent_key.b, p->step->intent_key.b, 32) == 0) return true;
    }
    return false;
}

static bool wide(const struct pawl_pass *p);

/* Nobody had done it, or so long ago that it counts no more, when this was asked about: only the contract had a question, and
 * a claim has been in hand since (gate.c). */
static bool asked_free(const struct pawl_step *s)
{
    return s->asked_seq && s->state <= PAWL_STEP_APPROVED && !(s->why & (PAWL_WHY_REPEAT | PAWL_WHY_CONFLICT));
}

/* A clock that goes back makes nothing count again that a person was not told of. */
static bool judged_when_asked(const struct pawl_pass *p, const struct pawl_step *o)
{
    const struct pawl_step *s = p->step;
    return asked_free(s) && (wide(p) || (o->ended_seq < s->asked_seq && !s->edited)); /* edited: about something else */
}

/* The step of this run that did this intent last (a retry may have done one of an earlier number); NULL: none, or it is
 * longer ago than the contract cares for. */
static struct pawl_step *done_before(const struct pawl_pass *p)
{
    const struct pawl_run *run = p->run;
    const struct pawl_step *s = p->step;
    const int64_t within_ns = p->tool->within_ns;
    struct pawl_step *last = NULL;
    for (uint32_t i = 0; i < run->steps_count; i++) {
        struct pawl_step *o = run->steps[i];
        if (o == s || o->kind != PAWL_STEP_TOOL || !o->has_intent || !same_hash(o->intent_key, s->intent_key)) continue;
        if (!pawl_step_ended(o) || !counts(o)) continue;
        if (!last || o->ended_seq > last->ended_seq) last = o;
    }
    if (last && within_ns && p->wall_ns - last->ended_at_ns >= within_ns) return NULL;
    return last && judged_when_asked(p, last) ? NULL : last;
}

static enum pawl_verdict ask(struct pawl_pass *p, uint32_t why, struct pawl_id run, uint32_t step)
{
    p->why |= why;
    p->first_run = run;
    p->first_step = step;
    /* A human allowing it is what raises it (LEDGER 4); without the yes this is never sent. */
    p->generation = p->step->generation_from + 1;
    return PAWL_GO;
}

/* What a done claim leads to, wherever it was found. */
static enum pawl_verdict judge(struct pawl_pass *p, struct pawl_id run, uint32_t step, bool same_args, bool crossed,
                               bool has_result)
{
    if (!same_args) return ask(p, PAWL_WHY_CONFLICT, run, step);
    if (crossed || p->tool->repeat == PAWL_REPEAT_CONFIRM || !has_result) return ask(p, PAWL_WHY_REPEAT, run, step);
    p->first_run = run;
    p->first_step = step;
    return PAWL_ANSWER;
}

static enum pawl_verdict in_this_run(struct pawl_pass *p, const struct pawl_step *d)
{
    const bool crossed = d->undone || d->aside || d->turn < p->step->turn;
    const enum pawl_verdict v = judge(p, p->run->id, d->number, same_hash(d->args_digest, p->step->args_digest),
                                      crossed, d->state == PAWL_STEP_DONE);
    if (v == PAWL_ANSWER) p->result = d->result;
    return v;
}

/* The claim's key in the store: SHA-256 over the scope and the intent. */
static void set_claim_key(struct pawl_pass *p)
{
    const struct pawl_str scope = p->tool->scope == PAWL_SCOPE_AGENT ? p->run->agent
                                  : p->tool->scope == PAWL_SCOPE_KEY ? p->run->key
                                                                     : (struct pawl_str){"", 0};
    const char kind = (char)('0' + p->tool->scope);
    const struct pawl_str parts[] = {{&kind, 1},
                                     {scope.p ? scope.p : "", scope.n},
                                     {"\n", 1},
                                     {(const char *)p->step->intent_key.b, 32}};
    p->claim_key = pawl_sha256_parts(parts, 4);
}

static bool wide(const struct pawl_pass *p)
{
    if (!pawl_pass_changes(p) || p->tool->effect == PAWL_EFFECT_IDEMPOTENT || !p->step) return false;
    if (p->tool->repeat == PAWL_REPEAT_ALLOW || p->step->kind != PAWL_STEP_TOOL) return false;
    if (p->tool->scope == PAWL_SCOPE_RUN) return false;
    return p->tool->scope != PAWL_SCOPE_KEY || p->run->key.p; /* no key: the run is its own scope */
}

/* Another run's step, or an earlier one of ours that the fold has judged already. */
static enum pawl_verdict in_the_store(struct pawl_pass *p, bool own_done)
{
    const struct pawl_claim *c = &p->claim;
    const bool own = pawl_id_eq(c->run, p->run->id);
    if (p->claim_state == PAWL_CLAIM_NOT_ASKED) return set_claim_key(p), pawl_pass_wait(p, PAWL_WANT_CLAIM);
    if (p->claim_state == PAWL_CLAIM_OURS) return p->claim_took = true, PAWL_GO;
    if (p->claim_state == PAWL_CLAIM_FREE) return PAWL_GO;
    if (c->state == PAWL_CLAIM_IN_FLIGHT || c->state == PAWL_CLAIM_IN_DOUBT) {
        p->claim_state = PAWL_CLAIM_NOT_ASKED;
        return pawl_pass_wait(p, PAWL_WANT_CLAIM_FREE);
    }
    if (c->until_ns <= p->wall_ns || own || own_done) return PAWL_GO;
    const enum pawl_verdict v =
        judge(p, c->run, c->step, same_hash(c->args, p->step->args_digest), c->state == PAWL_CLAIM_UNDONE, true);
    if (v != PAWL_ANSWER) return v;
    if (p->first_no_answer) return ask(p, PAWL_WHY_REPEAT, c->run, c->step);
    return p->result.p ? PAWL_ANSWER : pawl_pass_wait(p, PAWL_WANT_RESULT);
}

/* A read whose answer is still fresh is not made again. */
static enum pawl_verdict fresh(struct pawl_pass *p)
{
    if (!p->tool->fresh_ns) return PAWL_GO;
    for (uint32_t i = p->run->steps_count; i-- > 0;) {
        const struct pawl_step *o = p->run->steps[i];
        if (o == p->step || o->state != PAWL_STEP_DONE || o->kind != PAWL_STEP_TOOL || o->answered || o->note.p ||
            o->check_then)
            continue;
        if (!pawl_str_eq(o->name, p->step->name)) {
            const struct pawl_tool *t = pawl_agent_tool(p->agent, o->name);
            if (t && t->effect != PAWL_EFFECT_READ) return PAWL_GO; /* something has changed since */
            continue;
        }
        if (!pawl_str_eq(o->args, p->step->args)) continue;
        if (p->wall_ns - o->ended_at_ns >= p->tool->fresh_ns || p->wall_ns < o->ended_at_ns) return PAWL_GO;
        p->result = o->result;
        p->first_run = p->run->id;
        p->first_step = o->number;
        return PAWL_ANSWER;
    }
    return PAWL_GO;
}

enum pawl_verdict pawl_stage_dedupe(struct pawl_pass *p)
{
    const struct pawl_step *s = p->step, *o;
    enum pawl_verdict v = PAWL_GO;
    if (p->model) return PAWL_GO;
    if (s->state >= PAWL_STEP_INTENDED_STATE) { /* recovery: it was ours when it was intended */
        if (wide(p)) {
            set_claim_key(p);
            p->claim_took = true;
            p->claim = s->instead;
            p->claim.key = p->claim_key;
            p->claim_instead = s->instead.step != 0;
        }
        p->generation = s->generation;
        return PAWL_GO;
    }
    if (p->tool->effect == PAWL_EFFECT_READ) return fresh(p);
    p->why &= ~(uint32_t)(PAWL_WHY_REPEAT | PAWL_WHY_CONFLICT);
    p->generation = s->generation_from;
    if ((o = pawl_dedupe_ahead(p->run, s)) != NULL) {
        p->want_step = o->number;
        return pawl_pass_wait(p, PAWL_WANT_STEP);
    }
    if (p->tool->effect == PAWL_EFFECT_IDEMPOTENT || p->tool->repeat == PAWL_REPEAT_ALLOW || s->kind != PAWL_STEP_TOOL)
        return PAWL_GO;
    if ((o = done_before(p)) != NULL) v = in_this_run(p, o);
    if (v == PAWL_GO && wide(p)) v = in_the_store(p, o != NULL);
    return v;
}

bool pawl_dedupe_wide(const struct pawl_pass *p)
{
    return p->tool && wide(p);
}

/* Stopped before it came here again. */
void pawl_dedupe_recall(struct pawl_pass *p)
{
    const struct pawl_step *s = p->step;
    if (p->claim_took || !p->tool || !wide(p) || !asked_free(s)) return;
    set_claim_key(p);
    p->claim_took = true;
    p->claim_state = PAWL_CLAIM_OURS;
    p->entered |= 1u << PAWL_STAGE_DEDUPE;
}

/* The claim follows the step's end: done is kept for `within`, known not applied is released. A repeat that came to
 * nothing leaves what was done before it as it was. */
void pawl_dedupe_leave(struct pawl_pass *p)
{
    struct pawl_claim_op op = {.op = PAWL_CLAIM_DROP};
    if (!p->claim_took) return;
    op.claim = (struct pawl_claim){.key = p->claim_key,
                                   .args = p->step->args_digest,
                                   .run = p->run->id,
                                   .step = p->number,
                                   .turn = p->step->turn,
                                   .state = PAWL_CLAIM_DONE};
    if (p->step->applied) {
        op.op = PAWL_CLAIM_SET;
        op.claim.until_ns = p->tool->within_ns ? p->wall_ns + p->tool->within_ns : PAWL_NEVER;
    }
    if (!p->step->applied && p->claim_instead) {
        op = (struct pawl_claim_op){.op = PAWL_CLAIM_TAKE,
                                    .claim = p->claim,
                                    .instead_run = p->run->id,
                                    .instead_step = p->number};
    }
    p->rc = p->book->claim(p, &op);
}
