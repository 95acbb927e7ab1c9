/* src/policy/gate.c - stage 5: whatever needs a yes is asked here, all reasons in one question (LEDGER 9), and the
 * exact request is fixed first, because a yes is bound to its digest (LEDGER 14, 20).
 *
 *   DECIDED --gate.asked--> ASKED --gate.answered--> APPROVED --> go (yes, same digest) | fail denied
 *
 * A question about the run and no call of it is question.c's. */
#include "policy/claim.h"
#include "policy/pipeline.h"
#include "policy/question.h"
#include <string.h>

/* Key = UUIDv8 from SHA-256 (store id, run, step, generation): LEDGER 4. */
static void make_key(struct pawl_pass *p)
{
    const uint8_t tail[8] = {(uint8_t)(p->number >> 24),     (uint8_t)(p->number >> 16),
                             (uint8_t)(p->number >> 8),      (uint8_t)p->number,
                             (uint8_t)(p->generation >> 24), (uint8_t)(p->generation >> 16),
                             (uint8_t)(p->generation >> 8),  (uint8_t)p->generation};
    const struct pawl_str parts[] = {{(const char *)p->store_id, 16},
                                     {(const char *)p->run->id.b, 16},
                                     {(const char *)tail, 8}};
    const struct pawl_hash h = pawl_sha256_parts(parts, 3);
    pawl_id_text(pawl_id_v8(h.b), p->key);
}

/* The fixed request (LEDGER 5), in p->request. */
enum pawl_verdict pawl_gate_fix(struct pawl_pass *p)
{
    struct pawl_error err;
    struct pawl_buf b;
    int rc;
    pawl_error_clear(&err);
    make_key(p);
    pawl_buf_init_arena(&b, p->arena);
    rc = p->ports->render_tool(p->config, p->tool, p->document, pawl_str_of(p->key), &b, &err);
    if (rc == PAWL_OK && !pawl_buf_done(&b).p) rc = PAWL_ENOMEM;
    if (rc == PAWL_ENOMEM) return p->rc = rc, pawl_pass_wait(p, PAWL_WANT_NOTHING);
    if (rc) return pawl_pass_fail(p, PAWL_CLASS_BAD_ARGUMENTS, "the request cannot be made: %s", err.what);
    p->request = (struct pawl_str){b.p, (uint32_t)b.n};
    return PAWL_GO;
}

/* Does the contract want a yes for these arguments? Sets condition_did_not_hold where it was looked at. */
static bool contract_asks(struct pawl_pass *p)
{
    const bool irreversible = p->tool->effect == PAWL_EFFECT_IRREVERSIBLE;
    if (pawl_pass_is_child(p) && p->step->kind == PAWL_STEP_UNDO)
        return false; /* each call that undoes is asked itself */
    p->condition_did_not_hold = false;
    if (p->tool->gate == PAWL_GATE_NONE) return irreversible;
    if (p->tool->gate == PAWL_GATE_ALWAYS) return true;
    const int rc = p->tool->gate_when ? pawl_schema_check(p->tool->gate_when, p->args, p->document, NULL)
                                      : pawl_schema_check(p->tool->gate_if, p->document, p->document, NULL);
    p->condition_did_not_hold = rc == PAWL_EINVAL;
    return rc != PAWL_EINVAL; /* holds, or could not be told: ask */
}

static enum pawl_verdict ask(struct pawl_pass *p)
{
    char hex[65], id[PAWL_ID_TEXT];
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    enum pawl_verdict v;
    pawl_buf_init_arena(&b, p->arena);
    pawl_jw_open(&w, '{');
    pawl_question_why(p, &w);
    pawl_jw_key(&w, "name");
    pawl_jw_str(&w, p->tool->name);
    pawl_jw_key(&w, "digest");
    pawl_hex(hex, p->digest.b, 32);
    pawl_jw_text(&w, hex);
    pawl_jw_key(&w, "key");
    pawl_jw_text(&w, p->key);
    pawl_jw_key(&w, "generation");
    pawl_jw_i64(&w, p->generation);
    pawl_jw_key(&w, "expires");
    pawl_jw_i64(&w, p->wall_ns + p->tool->gate_expires_ns);
    pawl_jw_key(&w, "then");
    pawl_jw_text(&w, p->tool->gate_then_approve && p->why == PAWL_WHY_GATE ? "approve" : "deny");
    if (p->tool->gate_quorum > 1) pawl_jw_key(&w, "quorum"), pawl_jw_i64(&w, p->tool->gate_quorum);
    if (p->tool->gate_approvers_count) pawl_jw_key(&w, "approvers"), pawl_jw_open(&w, '[');
    for (uint32_t i = 0; i < p->tool->gate_approvers_count; i++) pawl_jw_str(&w, p->tool->gate_approvers[i]);
    if (p->tool->gate_approvers_count) pawl_jw_close(&w, ']');
    if (p->first_step) {
        pawl_id_text(p->first_run, id);
        pawl_jw_key(&w, "first");
        pawl_jw_open(&w, '{');
        pawl_jw_key(&w, "run");
        pawl_jw_text(&w, id);
        pawl_jw_key(&w, "step");
        pawl_jw_i64(&w, p->first_step);
        pawl_jw_close(&w, '}');
    }
    pawl_hex(hex, p->step->intent_key.b, 32);
    pawl_jw_key(&w, "intent");
    pawl_jw_text(&w, hex);
    pawl_hex(hex, p->step->args_digest.b, 32);
    pawl_jw_key(&w, "args");
    pawl_jw_text(&w, hex);
    pawl_jw_key(&w, "request");
    pawl_jw_raw(&w, p->request);
    pawl_jw_close(&w, '}');
    v = pawl_pass_append(p, PAWL_GATE_ASKED, &b);
    if (v != PAWL_GO) return v;
    /* A free claim is held while the person thinks; one that is done stays its owner's until the yes is used. */
    if (!(p->why & (PAWL_WHY_REPEAT | PAWL_WHY_CONFLICT)) && pawl_claim_hold(p, PAWL_CLAIM_IN_FLIGHT)) return PAWL_WAIT;
    return pawl_pass_until(p, PAWL_WANT_PERSON, p->step->expires_ns);
}

static enum pawl_verdict expired(struct pawl_pass *p)
{
    const bool yes = p->tool->gate_then_approve && p->step->why == PAWL_WHY_GATE;
    struct pawl_buf b;
    enum pawl_verdict v;
    pawl_buf_init_arena(&b, p->arena);
    pawl_buf_printf(&b, "{\"answer\":\"%s\",\"by\":\"expiry\"", yes ? "yes" : "no");
    if (yes) /* it counts as long as a person's would have */
        pawl_buf_printf(&b, ",\"until\":%lld", (long long)(p->wall_ns + p->tool->gate_expires_ns));
    pawl_buf_char(&b, '}');
    v = pawl_pass_append(p, PAWL_GATE_ANSWERED, &b);
    return v == PAWL_GO ? pawl_pass_back(p, PAWL_STAGE_GATE) : v;
}

static enum pawl_verdict denied(struct pawl_pass *p)
{
    const struct pawl_str reason = p->step->reason;
    if (reason.n) return pawl_pass_fail(p, PAWL_CLASS_DENIED, "a person said no: %.*s", (int)reason.n, reason.p);
    return pawl_pass_fail(p, PAWL_CLASS_DENIED, "a person said no, or nobody answered in time");
}

/* What a person was asked stays asked: that the first doing has expired meanwhile neither answers the question nor makes
 * another request of the one that was shown. Where another doing has come in its place, that is what is asked about. */
static void stand_by_question(struct pawl_pass *p)
{
    const struct pawl_step *s = p->step;
    p->why |= s->why & PAWL_WHY_STAGES; /* theirs may be stages behind this one, which have not been asked again yet */
    if (!p->says.p) p->says = s->says;
    if (!(p->why & (PAWL_WHY_REPEAT | PAWL_WHY_CONFLICT))) p->why |= s->why & (PAWL_WHY_REPEAT | PAWL_WHY_CONFLICT);
    if (s->generation > p->generation) p->generation = s->generation;
    if (p->first_step || !s->first_step) return;
    p->first_run = s->first_run;
    p->first_step = s->first_step;
}

enum pawl_verdict pawl_stage_gate(struct pawl_pass *p)
{
    struct pawl_step *s = p->step;
    enum pawl_verdict v;
    if (p->model) return PAWL_GO;
    if (s->kind == PAWL_STEP_GATE) return pawl_question_stage(p);
    if (s->state >= PAWL_STEP_INTENDED_STATE) { /* fixed and answered before it was intended */
        memcpy(p->key, s->key, sizeof p->key);
        p->request = s->request;
        p->digest = s->digest;
        return PAWL_GO;
    }
    if (s->state == PAWL_STEP_APPROVED && s->handed.p) { /* a person has answered for the tool */
        p->result = s->handed;
        p->note = PAWL_STR("a person answered this in the tool's place; it was not called");
        pawl_dedupe_recall(p); /* after a restart it comes here at once, and its claim is in hand all the same */
        return PAWL_ANSWER;
    }
    if (s->state == PAWL_STEP_ASKED || s->state == PAWL_STEP_APPROVED) stand_by_question(p);
    if ((v = pawl_gate_fix(p)) != PAWL_GO) return v;
    /* What a person changed stays asked about, though its condition may not hold any more. */
    const bool changed = s->edited && s->state != PAWL_STEP_DECIDED && s->why & PAWL_WHY_GATE;
    if (contract_asks(p) || changed) p->why |= PAWL_WHY_GATE;
    if (p->why || pawl_pass_changes(p) || pawl_pass_waits(p))
        p->digest = pawl_sha256(p->request.p, p->request.n); /* a plain read has no use for it */
    if ((v = pawl_opinion(p)) != PAWL_GO) return v;
    if (!p->why) return PAWL_GO;
    if (s->state == PAWL_STEP_APPROVED && s->denied) return denied(p);
    if (s->state == PAWL_STEP_DECIDED) return ask(p);
    if (s->state == PAWL_STEP_ASKED)
        return p->wall_ns >= s->expires_ns ? expired(p) : pawl_pass_until(p, PAWL_WANT_PERSON, s->expires_ns);
    /* Approved. The yes counts for what was shown and for the reasons that were given, and until it expires. */
    if (memcmp(s->asked_digest.b, p->digest.b, 32) != 0 || (p->why & ~s->why) != 0) return ask(p);
    if (p->wall_ns >= s->expires_ns) return ask(p);
    return PAWL_GO;
}
