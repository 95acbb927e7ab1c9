/* src/policy/child.c - stage 12 of a step that starts a run of another agent, and of its undo.
 *
 *   INTENDED --> look: is its run there?
 *     no  --> start it, under an id and a key made of this step: started once, whatever crashes
 *     yes --child.started--> parked, until it has ended --child.ended--> COMPLETED | FAILED, with its words
 * Where this run is being stopped: not begun it is not begun any more; begun it is stopped, and awaited.
 *
 * The run is in the same store, so what became of it is always known: there is no doubt, and nothing to send again. */
#include "contract/wait.h"
#include "journal/rules.h"
#include "policy/pipeline.h"
#include <stdio.h>
#include <string.h>

struct pawl_id pawl_child_of(const struct pawl_run *run, const struct pawl_step *s, char key[64])
{
    const uint8_t tail[4] = {(uint8_t)(run->retries >> 24), (uint8_t)(run->retries >> 16), (uint8_t)(run->retries >> 8),
                             (uint8_t)run->retries};
    const struct pawl_str parts[] = {PAWL_STR("child"), pawl_str_of(s->key), {(const char *)tail, sizeof tail}};
    const struct pawl_hash h = pawl_sha256_parts(parts, 3);
    struct pawl_id last = {{0}};
    char id[PAWL_ID_TEXT];
    pawl_id_text(run->id, id);
    if (run->retries) snprintf(key, 64, "%s/%u/%u", id, s->number, run->retries);
    else snprintf(key, 64, "%s/%u", id, s->number);
    return pawl_id_v7(s->intended_at_ns, h.b, &last);
}

static enum pawl_verdict want(struct pawl_pass *p, enum pawl_child_want what)
{
    p->child_want = what;
    p->child.is = PAWL_CHILD_UNSEEN; /* what it is told changes it: it is looked at again */
    return pawl_pass_wait(p, PAWL_WANT_CHILD);
}

static void row(const struct pawl_pass *p, char name[64])
{
    char id[PAWL_ID_TEXT];
    pawl_id_text(p->child_id, id);
    snprintf(name, 64, "child %s", id);
}

/* Its end is known here from now on: nobody need be told of it any more. */
static enum pawl_verdict known(struct pawl_pass *p)
{
    char name[64];
    row(p, name);
    const struct pawl_shared_op op = {.name = pawl_str_of(name), .drop = true};
    p->rc = p->book->shared(p, &op);
    return p->rc ? pawl_pass_wait(p, PAWL_WANT_NOTHING) : PAWL_GO;
}

static void begin_body(struct pawl_pass *p, struct pawl_buf *b, struct pawl_json_writer *w)
{
    char id[PAWL_ID_TEXT];
    pawl_id_text(p->child_id, id);
    pawl_buf_init_arena(b, p->arena);
    w->out = b;
    pawl_jw_open(w, '{');
    pawl_jw_put_str(w, "run", pawl_str_of(id));
}

static enum pawl_verdict append_started(struct pawl_pass *p)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = NULL};
    begin_body(p, &b, &w);
    pawl_jw_put_str(&w, "agent", p->tool->child);
    pawl_jw_close(&w, '}');
    return pawl_pass_append(p, PAWL_CHILD_STARTED, &b);
}

static enum pawl_verdict append_ended(struct pawl_pass *p)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = NULL};
    begin_body(p, &b, &w);
    pawl_jw_put_str(&w, "status", pawl_str_of(pawl_status_word(p->child.status)));
    pawl_jw_put_i64(&w, "active", p->child.active_ns);
    if (p->child.applied && p->child.status != PAWL_DONE) pawl_jw_key(&w, "applied"), pawl_jw_bool(&w, true);
    pawl_jw_close(&w, '}');
    p->child_active_ns = p->child.active_ns;
    return pawl_pass_append(p, PAWL_CHILD_ENDED, &b);
}

/* It failed, was stopped or given up: in words, with what of it stays done. */
static enum pawl_verdict failed(struct pawl_pass *p)
{
    static const char *const how[] = {"failed", "was stopped", "was given up: its owners ended again and again"};
    const struct pawl_child *c = &p->child;
    char id[PAWL_ID_TEXT];
    pawl_id_text(p->child_id, id);
    p->applied = c->applied && pawl_pass_changes(p);
    return pawl_pass_fail(p, c->error_class ? c->error_class : PAWL_CLASS_REJECTED,
                          "the agent %.*s %s%s%.*s (run %s%s)", (int)p->tool->child.n, p->tool->child.p,
                          how[c->status - PAWL_FAILED_RUN], c->message.n ? ": " : "",
                          (int)(c->message.n > 400 ? 400 : c->message.n), c->message.n ? c->message.p : "", id,
                          c->applied ? "; something that it did stays done" : "");
}

static enum pawl_verdict over(struct pawl_pass *p)
{
    enum pawl_verdict v;
    if (!p->step->child_ended && (v = append_ended(p)) != PAWL_GO) return v;
    if ((v = known(p)) != PAWL_GO) return v;
    if (p->child.status != PAWL_DONE) return failed(p);
    p->outcome = (struct pawl_outcome){.applied = PAWL_APPLIED_YES, .retry_after_ns = -1, .result = p->child.output};
    p->came = true;
    return PAWL_GO;
}

static enum pawl_verdict begin(struct pawl_pass *p)
{
    if (p->run->ending) return pawl_pass_fail(p, PAWL_CLASS_CANCELLED, "the run was stopped before its child began");
    if (p->run->depth >= PAWL_CHILD_DEPTH_MAX)
        return pawl_pass_fail(p, PAWL_CLASS_BUDGET_EXCEEDED, "runs start runs to a depth of %d at most",
                              (int)PAWL_CHILD_DEPTH_MAX);
    if (p->run->children >= PAWL_CHILDREN_MAX)
        return pawl_pass_fail(p, PAWL_CLASS_BUDGET_EXCEEDED, "a run starts %d others at most", (int)PAWL_CHILDREN_MAX);
    if (p->left_ns <= 0) return pawl_pass_fail(p, PAWL_CLASS_DEADLINE_EXCEEDED, "the run's time is over");
    return want(p, PAWL_CHILD_START);
}

/* The undo of a step that started a run is that run's undo. */
static enum pawl_verdict undo(struct pawl_pass *p)
{
    const struct pawl_child *c = &p->child;
    const bool nothing = c->refused == PAWL_ENOTFOUND || c->refused == PAWL_ECONFLICT;
    char id[PAWL_ID_TEXT];
    struct pawl_buf b;
    enum pawl_verdict v;
    pawl_id_text(p->child_id, id);
    if (c->is == PAWL_CHILD_NONE) return pawl_pass_fail(p, PAWL_CLASS_REJECTED, "its run %s is not there", id);
    if (c->is == PAWL_CHILD_ALIVE) return want(p, c->at_its_end ? PAWL_CHILD_AWAIT : PAWL_CHILD_REST);
    if (!c->undo_said && !nothing) return want(p, PAWL_CHILD_UNDO);
    if ((v = known(p)) != PAWL_GO) return v;
    if (c->applied)
        return pawl_pass_fail(p, PAWL_CLASS_REJECTED, "run %s did something that no tool undoes: pawl show %s", id, id);
    pawl_buf_init_arena(&b, p->arena);
    pawl_buf_printf(&b, "{\"run\":\"%s\"}", id);
    p->outcome = (struct pawl_outcome){.applied = PAWL_APPLIED_YES, .retry_after_ns = -1, .result = pawl_buf_done(&b)};
    if (!p->outcome.result.p) p->rc = PAWL_ENOMEM;
    p->came = true;
    return PAWL_GO;
}

enum pawl_verdict pawl_child_enter(struct pawl_pass *p)
{
    static const struct pawl_id none;
    const bool undoes = p->step->kind == PAWL_STEP_UNDO;
    const struct pawl_step *s = undoes ? pawl_run_step(p->run, p->step->undoes) : p->step;
    char key[64];
    enum pawl_verdict v;
    p->child_id = pawl_id_eq(s->child, none) ? pawl_child_of(p->run, s, key) : s->child;
    if (p->child.is == PAWL_CHILD_UNSEEN) return want(p, PAWL_CHILD_LOOK);
    if (undoes) return undo(p);
    if (p->child.is == PAWL_CHILD_NONE) return begin(p);
    if (pawl_id_eq(s->child, none) && (v = append_started(p)) != PAWL_GO) return v;
    if (p->child.is == PAWL_CHILD_OVER) return over(p);
    if (p->child.at_its_end) return want(p, PAWL_CHILD_AWAIT);
    return want(p, p->run->ending && !p->child.ending ? PAWL_CHILD_CANCEL : PAWL_CHILD_REST);
}
