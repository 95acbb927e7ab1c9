/* src/policy/intent.c - stage 11: the exact request, durable before any attempt of a step that changes something, and of
 * a model call (LEDGER 10). Plain reads leave no intent. Checks again what may have changed since its stage (LEDGER 14). */
#include "policy/budget.h"
#include "policy/check.h"
#include "policy/claim.h"
#include "policy/guard.h"
#include "policy/look.h"
#include "policy/pipeline.h"
#include "policy/routing.h"
#include <string.h>

static void hash_member(struct pawl_json_writer *w, const char *name, struct pawl_hash h)
{
    char hex[65];
    pawl_hex(hex, h.b, 32);
    pawl_jw_key(w, name);
    pawl_jw_text(w, hex);
}

enum pawl_verdict pawl_intent_render(struct pawl_pass *p)
{
    struct pawl_error err;
    struct pawl_buf b;
    uint32_t tools_count;
    const struct pawl_tool *const *tools = pawl_guard_tools(p, &tools_count);
    int rc;
    if (p->request.p) return PAWL_GO;
    pawl_error_clear(&err);
    pawl_buf_init_arena(&b, p->arena);
    if (p->model->headers_count && !p->document && (rc = pawl_pass_document(p)) != PAWL_OK)
        return p->rc = rc, pawl_pass_wait(p, PAWL_WANT_NOTHING);
    rc = p->ports->render_model(p->document, p->model, p->decision->messages, p->decision->messages_count, tools,
                                tools_count, p->decision->output_json, &b, &err);
    if (rc == PAWL_OK && !pawl_buf_done(&b).p) rc = PAWL_ENOMEM;
    if (rc == PAWL_ENOMEM) return p->rc = rc, pawl_pass_wait(p, PAWL_WANT_NOTHING);
    if (rc) return pawl_pass_fail(p, PAWL_CLASS_INTERNAL, "the request cannot be made: %s", err.what);
    p->request = (struct pawl_str){b.p, (uint32_t)b.n};
    p->digest = pawl_sha256(b.p, b.n);
    return PAWL_GO;
}

/* The done claim that a repeat takes the place of: it comes back where nothing comes of this. */
static void write_instead(struct pawl_pass *p, struct pawl_json_writer *w)
{
    char id[PAWL_ID_TEXT];
    if (p->claim_took || p->claim_state != PAWL_CLAIM_HELD) return;
    pawl_id_text(p->claim.run, id);
    pawl_jw_key(w, "instead");
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "run");
    pawl_jw_text(w, id);
    pawl_jw_key(w, "step");
    pawl_jw_i64(w, p->claim.step);
    pawl_jw_key(w, "turn");
    pawl_jw_i64(w, p->claim.turn);
    hash_member(w, "args", p->claim.args);
    pawl_jw_key(w, "state");
    pawl_jw_i64(w, p->claim.state);
    pawl_jw_key(w, "until");
    pawl_jw_i64(w, p->claim.until_ns);
    pawl_jw_close(w, '}');
}

static enum pawl_verdict append_intent(struct pawl_pass *p)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    pawl_buf_init_arena(&b, p->arena);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "kind");
    pawl_jw_text(&w, p->model ? "model" : pawl_pass_is_child(p) ? "child" : pawl_pass_waits(p) ? "wait" : "tool");
    if (pawl_pass_waits(p) && !pawl_pass_is_child(p)) pawl_jw_key(&w, "signal"), pawl_jw_str(&w, p->tool->signal);
    pawl_jw_key(&w, "name");
    pawl_jw_str(&w, p->model ? p->model->name : p->tool->name);
    hash_member(&w, "digest", p->digest);
    if (p->model) {
        pawl_jw_key(&w, "messages");
        pawl_jw_i64(&w, p->decision->messages_count);
        if (p->decision->told_bytes) pawl_jw_key(&w, "told"), pawl_jw_i64(&w, p->decision->told_bytes);
        if (p->degraded_from.p) pawl_jw_key(&w, "degraded"), pawl_jw_str(&w, p->degraded_from);
        pawl_routing_write(p, &w);
        pawl_budget_write(p, &w);
    } else {
        pawl_jw_key(&w, "key");
        pawl_jw_text(&w, p->key);
        if (p->generation) pawl_jw_key(&w, "generation"), pawl_jw_i64(&w, p->generation);
        hash_member(&w, "intent", p->step->intent_key);
        hash_member(&w, "args", p->step->args_digest);
        if (p->step->state == PAWL_STEP_APPROVED) {
            pawl_jw_key(&w, "yes");
            pawl_jw_i64(&w, (int64_t)p->step->asked_seq); /* the question whose yes this uses up */
        } else if (p->condition_did_not_hold) {           /* LEDGER 20: the verdict, with the values seen */
            pawl_jw_key(&w, "gate");
            pawl_jw_open(&w, '{');
            pawl_jw_key(&w, "condition");
            pawl_jw_text(&w, "did not hold");
            pawl_jw_key(&w, "seen");
            pawl_jw_value(&w, p->document);
            pawl_jw_close(&w, '}');
        }
        write_instead(p, &w);
        if (p->look_first.p) pawl_jw_key(&w, "look"), pawl_jw_raw(&w, p->look_first);
        if (p->before.p) pawl_jw_key(&w, "before"), pawl_jw_raw(&w, p->before);
        if (p->tool->verify.tool.p && p->tool->verify.settles_ns >= 0)
            hash_member(&w, "look_digest", pawl_look_digest(p));
        pawl_jw_key(&w, "request");
        pawl_jw_raw(&w, p->request);
    }
    pawl_jw_close(&w, '}');
    return pawl_pass_append(p, PAWL_STEP_INTENDED, &b);
}

/* What must still hold in the commit of the intent; what does not goes back to its stage. */
static enum pawl_verdict check_again(struct pawl_pass *p)
{
    const struct pawl_step *s = p->step;
    if (p->run->ending && (!s || s->kind != PAWL_STEP_UNDO))
        return pawl_pass_fail(p, PAWL_CLASS_CANCELLED, "the run was stopped before this was sent");
    if (s && s->kind == PAWL_STEP_OPINION && pawl_run_stopped(p->run)) /* nobody needs it any more */
        return pawl_pass_fail(p, PAWL_CLASS_CANCELLED, "a guard has ended the run");
    if (p->model) return pawl_budget_still(p) ? PAWL_GO : pawl_pass_back(p, PAWL_STAGE_BUDGET);
    const bool narrowed = pawl_pass_changes(p) && pawl_run_narrowed(p->run, p->number) != NULL;
    if (s->kind == PAWL_STEP_TOOL && (narrowed || pawl_run_stopped(p->run))) return pawl_pass_back(p, PAWL_STAGE_GUARD);
    if (pawl_pass_changes(p) && pawl_dedupe_ahead(p->run, s)) return pawl_pass_back(p, PAWL_STAGE_DEDUPE);
    if (s->state == PAWL_STEP_APPROVED && p->wall_ns >= s->expires_ns) return pawl_pass_back(p, PAWL_STAGE_GATE);
    if (p->why && s->state != PAWL_STEP_APPROVED) return pawl_pass_back(p, PAWL_STAGE_GATE);
    return PAWL_GO;
}

/* LEDGER 3: where nothing else could resolve a doubt, look at the place before, and record what was seen. */
static bool look_first(const struct pawl_pass *p)
{
    const struct pawl_tool *t = p->tool;
    if (!pawl_pass_changes(p) || t->effect == PAWL_EFFECT_IDEMPOTENT || !t->verify.tool.p) return false;
    return !t->verify.by_key.p && t->verify.expect && t->verify.settles_ns >= 0;
}

static enum pawl_verdict look_at_place(struct pawl_pass *p)
{
    const bool first = look_first(p), check = pawl_check_by_verify(p);
    if ((first || check) && !p->looked_first) {
        if (!p->look_came) return pawl_pass_wait(p, PAWL_WANT_LOOK);
        if (first && p->looked.applied == PAWL_APPLIED_YES) p->look_first = p->looked.result;
        if (check) p->before = pawl_look_seen(p);
        p->looked_first = true;
        p->look_came = false;
    }
    return pawl_check_before(p);
}

/* What was seen is of before a wait: it is looked at again. */
static void forget_place(struct pawl_pass *p)
{
    p->look_came = p->looked_first = p->looked_before = false;
    p->look_first = p->before = (struct pawl_str){NULL, 0};
    p->look_tool = NULL;
}

enum pawl_verdict pawl_stage_intent(struct pawl_pass *p)
{
    const bool sent = p->step && p->step->state >= PAWL_STEP_INTENDED_STATE;
    enum pawl_verdict v;
    if (p->model && (v = pawl_intent_render(p)) != PAWL_GO) return v;
    if (sent) {
        /* Asking a model changes nothing: where its place or this program has changed since, the next attempt says so. */
        if (p->model && memcmp(p->digest.b, p->step->digest.b, 32) != 0) p->model_changed = true;
        return PAWL_GO;
    }
    if ((v = check_again(p)) != PAWL_GO) return forget_place(p), v;
    const bool leaves_no_trace = !p->model && !pawl_pass_changes(p) && !p->why; /* a plain read */
    if (leaves_no_trace && !pawl_pass_waits(p) && !p->tool->async.on) return PAWL_GO;
    if (!p->model && (v = look_at_place(p)) != PAWL_GO) return v;
    p->look_came = false;
    if ((v = append_intent(p)) != PAWL_GO) return v;
    if (!p->model && pawl_claim_hold(p, PAWL_CLAIM_IN_FLIGHT)) return PAWL_WAIT;
    if (p->model) pawl_budget_reserved(p);
    p->attempts = 1;
    p->counted = true;
    p->stage = PAWL_STAGE_ATTEMPT; /* waits there: this stage must not be entered again */
    return pawl_pass_wait(p, PAWL_WANT_DURABLE);
}
