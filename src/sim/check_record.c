/* src/sim/check_record.c - what each record may say, judged before it is folded, against the records so far and against
 * what really happened. LEDGER's rules by number. Intents: check_intent.c. */
#include "journal/sealed.h"
#include "sim/check_seen.h"
#include <stdarg.h>
#include <stdio.h>

bool pawl_sim_same_hash(struct pawl_hash a, struct pawl_hash b)
{
    return memcmp(a.b, b.b, sizeof a.b) == 0;
}

struct pawl_hash pawl_sim_seen_hash(const struct pawl_sim_seen *k, const char *name)
{
    struct pawl_hash h = {{0}};
    const struct pawl_str s = pawl_json_str(k->body, name);
    if (!s.p || !pawl_unhex(h.b, sizeof h.b, s)) memset(&h, 0, sizeof h);
    return h;
}

void pawl_sim_seen_broken(const struct pawl_sim_seen *k, const char *name, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    pawl_sim_broken(k->w, name, "run%u #%u: %s", k->run->index, k->r->step, text);
}

/* ---- attempts and ends (LEDGER 1 to 3) ---- */

static void cleared(struct pawl_sim_seen *k)
{
    if (k->f->unknown && k->f->look_was_early)
        pawl_sim_seen_broken(k, "settles", "a look before the settling time was over was believed");
    k->f->unknown = false;
}

static void attempted(struct pawl_sim_seen *k)
{
    yyjson_val *ended = yyjson_obj_get(k->body, "ended");
    if (!ended) {
        k->f->announced = (uint32_t)pawl_json_i64(k->body, "attempt", 0);
        k->f->announced_seq = k->r->seq;
        return;
    }
    if (!pawl_json_bool(ended, "cleared", false)) return;
    cleared(k);
    if (pawl_sim_happened(k->w, k->s->key) && k->tool->effect != PAWL_EFFECT_IDEMPOTENT)
        pawl_sim_seen_broken(k, "knowledge", "a look is said to have shown that it did not happen; it did");
}

static void check_answered(struct pawl_sim_seen *k, yyjson_val *first)
{
    struct pawl_id id = k->run->id;
    const struct pawl_sim_run *o;
    const struct pawl_step *d;
    pawl_id_parse(pawl_json_str(first, "run"), &id);
    o = pawl_sim_run_of(k->w, id);
    d = o ? pawl_run_step(&o->stored, (uint32_t)pawl_json_i64(first, "step", 0)) : NULL;
    pawl_sim_count(k->w, PAWL_SIM_N_ANSWERED);
    if (!d || d->state != PAWL_STEP_DONE || d->answered || !pawl_str_eq(d->name, k->s->name)) {
        pawl_sim_seen_broken(k, "dedupe", "answered from a step that did not do it");
        return;
    }
    if (!pawl_sim_changes(k->tool)) return;
    if (!pawl_sim_same_call(k->w, d, k->s)) pawl_sim_seen_broken(k, "dedupe", "answered, and the arguments differ");
    const bool just_now = o->stored.at_ns > k->r->at_ns - 10 * PAWL_SIM_S; /* undone behind the back of who looked */
    if (d->undone && !(just_now && o != k->run))
        pawl_sim_seen_broken(k, "dedupe", "answered from run%u #%u, which was undone", o->index, d->number);
    if (o == k->run && d->aside) pawl_sim_seen_broken(k, "dedupe", "answered from #%u, which was set aside", d->number);
    if (o == k->run && d->turn < k->s->turn) pawl_sim_seen_broken(k, "dedupe", "answered across a user's turn");
    if (k->tool->repeat == PAWL_REPEAT_CONFIRM)
        pawl_sim_seen_broken(k, "dedupe", "answered, where a repeat is to be confirmed");
}

static void completed(struct pawl_sim_seen *k)
{
    yyjson_val *first = yyjson_obj_get(k->body, "first");
    const struct pawl_str from = pawl_json_str(k->body, "from");
    if (first) {
        check_answered(k, first);
        return;
    }
    if (k->s && k->s->handed.p) { /* a person has answered in its place: it was not sent for that */
        pawl_sim_count(k->w, PAWL_SIM_N_HANDED);
        if (k->s->intended_seq > k->s->asked_seq)
            pawl_sim_seen_broken(k, "handed", "sent, though a person had answered in its place");
        return;
    }
    if (!k->s || !pawl_sim_changes(k->tool) || pawl_sim_is_child(k->tool)) return;
    if (pawl_str_is(from, "verify")) pawl_sim_count(k->w, PAWL_SIM_N_LOOK_HAPPENED), cleared(k);
    if (k->f->unknown) pawl_sim_seen_broken(k, "knowledge", "completed while it is unknown whether it happened");
    if (!pawl_sim_happened(k->w, k->s->key)) pawl_sim_seen_broken(k, "knowledge", "completed, and it never happened");
    if (k->s->kind == PAWL_STEP_UNDO) pawl_sim_count(k->w, PAWL_SIM_N_UNDONE);
}

static void failed(struct pawl_sim_seen *k)
{
    const struct pawl_str c = pawl_json_str(k->body, "class");
    const bool applied = pawl_json_bool(k->body, "applied", false), superseded = pawl_str_is(c, "superseded");
    if (pawl_str_is(c, "unknown_tool")) pawl_sim_count(k->w, PAWL_SIM_N_UNKNOWN_TOOLS);
    if (pawl_str_is(c, "bad_arguments")) pawl_sim_count(k->w, PAWL_SIM_N_BAD_ARGUMENTS);
    if (!k->s || !pawl_sim_changes(k->tool) || pawl_sim_is_child(k->tool)) return;
    if (pawl_str_is(pawl_json_str(k->body, "from"), "verify")) cleared(k);
    if (superseded) {
        pawl_sim_count(k->w, PAWL_SIM_N_SUPERSEDED);
        if (k->tool->effect != PAWL_EFFECT_IDEMPOTENT)
            pawl_sim_seen_broken(k, "knowledge", "superseded, and not idempotent");
        if (!pawl_sim_superseded(k->w, k->run, k->s))
            pawl_sim_seen_broken(k, "order", "superseded, and nothing replaces it");
        k->f->unknown = false;
        return;
    }
    if (pawl_str_is(pawl_json_str(k->body, "from"), "callback")) k->f->unknown = false; /* the tool itself says so */
    if (k->f->unknown)
        pawl_sim_seen_broken(k, "knowledge", "failed (%.*s) while it is unknown whether it happened", (int)c.n, c.p);
    if (!applied && k->f->sent && pawl_sim_happened(k->w, k->s->key) && k->tool->effect != PAWL_EFFECT_IDEMPOTENT)
        pawl_sim_seen_broken(k, "knowledge", "failed (%.*s), not applied; but it happened", (int)c.n, c.p);
    if (applied && !k->s->stop && !pawl_sim_happened(k->w, k->s->key))
        pawl_sim_seen_broken(k, "knowledge", "failed, applied; but it never happened");
}

static void in_doubt(struct pawl_sim_seen *k)
{
    if (pawl_sim_is_child(k->tool)) pawl_sim_seen_broken(k, "child", "in doubt about a run of this store");
    const bool applied = pawl_str_is(pawl_json_str(k->body, "applied"), "yes");
    pawl_sim_count(k->w, PAWL_SIM_N_DOUBTS);
    if (applied && !pawl_sim_happened(k->w, k->s->key))
        pawl_sim_seen_broken(k, "knowledge", "said to be applied, and it never was");
    if (!applied && !k->f->unknown && !k->f->cut)
        pawl_sim_seen_broken(k, "knowledge", "in doubt, and every attempt has told whether it happened");
}

static void resolved(struct pawl_sim_seen *k)
{
    pawl_sim_count(k->w, PAWL_SIM_N_RESOLVED);
    k->f->unknown = false;
    if (pawl_str_is(pawl_json_str(k->body, "how"), "not_happened")) k->f->words++;
}

static void asked(struct pawl_sim_seen *k)
{
    struct pawl_buf b;
    pawl_sim_count(k->w, PAWL_SIM_N_ASKED);
    pawl_buf_init_arena(&b, &k->w->scratch);
    pawl_json_write(yyjson_obj_get(k->body, "request"), &b);
    if (!b.failed && !pawl_sim_same_hash(pawl_sha256(b.p, b.n), pawl_sim_seen_hash(k, "digest")))
        pawl_sim_seen_broken(k, "gated", "the digest is not that of the request that is shown");
    if (yyjson_arr_size(yyjson_obj_get(k->body, "why")) == 0)
        pawl_sim_seen_broken(k, "gated", "asked without a reason");
    if (yyjson_obj_get(k->body, "first")) pawl_sim_count(k->w, PAWL_SIM_N_REPEATS_ASKED);
    if (pawl_json_i64(k->body, "expires", PAWL_NEVER) == PAWL_NEVER)
        pawl_sim_seen_broken(k, "bounded", "asked without an end");
    if (k->s) pawl_sim_check_question(k->w, k->run, k->s, k->tool_index, k->body); /* else it is about the run */
}

/* Whose word it was, for whom the contract asks; and what a changed request is bound to. */
static void take_word(struct pawl_sim_seen *k, bool yes)
{
    const struct pawl_str by = pawl_json_str(k->body, "by");
    const bool edited = yyjson_obj_get(k->body, "edit") != NULL;
    bool may = !k->tool || k->tool->gate_approvers_count == 0 || pawl_str_is(by, "expiry");
    struct pawl_buf b;
    for (uint32_t i = 0; k->tool && i < k->tool->gate_approvers_count; i++)
        may = may || pawl_str_eq(k->tool->gate_approvers[i], by);
    if (!may) pawl_sim_seen_broken(k, "gated", "answered by %.*s, who is not asked", (int)by.n, by.p);
    if (k->f->yes_seq != k->s->asked_seq || edited) k->f->yes = 0;
    k->f->yes_seq = k->s->asked_seq;
    if (yes && by.n) k->f->yes |= 1U << (by.p[0] & 31);
    if (!edited) return;
    pawl_sim_count(k->w, PAWL_SIM_N_EDITED);
    pawl_buf_init_arena(&b, &k->w->scratch);
    pawl_json_write(yyjson_obj_get(k->body, "request"), &b);
    if (!b.failed && !pawl_sim_same_hash(pawl_sha256(b.p, b.n), pawl_sim_seen_hash(k, "digest")))
        pawl_sim_seen_broken(k, "gated", "the digest of a change is not that of its request");
}

static void answered(struct pawl_sim_seen *k)
{
    const bool yes = pawl_str_is(pawl_json_str(k->body, "answer"), "yes");
    const bool expiry = pawl_str_is(pawl_json_str(k->body, "by"), "expiry");
    pawl_sim_count(k->w, expiry ? PAWL_SIM_N_EXPIRED : yes ? PAWL_SIM_N_YES : PAWL_SIM_N_NO);
    take_word(k, yes && !expiry);
    if (!expiry) return;
    if (k->r->at_ns < k->s->expires_ns) pawl_sim_seen_broken(k, "gated", "expired before its time");
    if (yes && (!k->tool || !k->tool->gate_then_approve || k->s->why != PAWL_WHY_GATE))
        pawl_sim_seen_broken(k, "gated", "nobody answered, and it counts as a yes");
}

/* ---- the run as a whole ---- */

static void cancelled(struct pawl_sim_seen *k)
{
    enum { DEATHS_MIN = 4 }; /* the fifth claim finds that four came to nothing */
    const bool dead = pawl_json_i64(k->body, "code", 0) == PAWL_DEAD;
    if (!k->run->cancelled_seq) k->run->cancelled_seq = k->r->seq;
    if (pawl_str_is(pawl_json_str(k->body, "by"), "deadline")) pawl_sim_check_deadline(k->w, k->run, k->r->at_ns);
    if (dead && k->run->deaths < DEATHS_MIN)
        pawl_sim_seen_broken(k, "dead-letter", "said to have ended five owners, and %u died while they had it",
                             k->run->deaths);
}

static void undo_started(struct pawl_sim_seen *k)
{
    const struct pawl_run *run = &k->run->stored;
    const struct pawl_step *d = pawl_run_step(run, (uint32_t)pawl_json_i64(k->body, "undoes", 0));
    if (!run->ending && !pawl_sim_check_undoes(d)) pawl_sim_seen_broken(k, "undone", "undone while the run goes on");
    if (!run->ending) pawl_sim_count(k->w, PAWL_SIM_N_CHECK_UNDONE);
    if (run->kept && !run->undoing) pawl_sim_seen_broken(k, "handed", "taken over as it stands, and undone");
    if (run->ending && run->ending_status == PAWL_DEAD && !run->undoing)
        pawl_sim_seen_broken(k, "dead-letter", "a dead letter is undone, and nobody said so");
    if (run->undoing && d && d->number <= run->undo_to)
        pawl_sim_seen_broken(k, "undone", "#%u is undone, and is not behind #%u", d->number, run->undo_to);
    if (!d || !d->applied || d->undone || !pawl_step_ended(d)) {
        pawl_sim_seen_broken(k, "undone", "an undo of what was not done, or was undone");
        return;
    }
    for (uint32_t i = 0; i < run->steps_count; i++) {
        const struct pawl_step *o = run->steps[i];
        const int at = o->kind == PAWL_STEP_TOOL ? pawl_sim_tool_index(k->w, o->name) : -1;
        if (!pawl_step_ended(o)) pawl_sim_seen_broken(k, "undone", "begins to undo while #%u is open", o->number);
        if (o->undoes == d->number && o->applied)
            pawl_sim_seen_broken(k, "undone", "#%u is undone again: #%u did, or may have", d->number, o->number);
        if (run->undoing && o->number <= run->undo_to) continue;
        if (at < 0 || !k->w->contracts[at].undo_tool.p || !o->applied || o->stop || o->undone || o->undo_failed ||
            o->answered || (!run->ending && !pawl_sim_check_undoes(o)))
            continue;
        if (o->intended_seq > d->intended_seq)
            pawl_sim_seen_broken(k, "undone", "undoes #%u before #%u, which came later", d->number, o->number);
    }
}

static void retried(struct pawl_sim_seen *k)
{
    const struct pawl_run *run = &k->run->stored;
    yyjson_val *v;
    size_t i, n;
    pawl_sim_count(k->w, PAWL_SIM_N_RETRIED);
    if (run->status != PAWL_FAILED_RUN && run->status != PAWL_DEAD)
        pawl_sim_seen_broken(k, "retry", "tried again, and it had not failed");
    yyjson_arr_foreach(yyjson_obj_get(k->body, "again"), i, n, v)
    {
        const struct pawl_step *s = pawl_run_step(run, (uint32_t)yyjson_get_uint(v));
        const int at = s ? pawl_sim_tool_index(k->w, s->name) : -1;
        const struct pawl_tool *t = at >= 0 ? &k->w->contracts[at] : NULL;
        if (!s || s->kind != PAWL_STEP_TOOL || s->state != PAWL_STEP_NOT_DONE || s->applied || s->answered)
            pawl_sim_seen_broken(k, "retry", "a step that did not fail, or happened, is tried again");
        else if (pawl_sim_changes(t) && t->effect != PAWL_EFFECT_IDEMPOTENT && pawl_sim_happened(k->w, s->key))
            pawl_sim_seen_broken(k, "retry", "#%u is tried again, and it happened", s->number);
    }
    k->run->cancelled_seq = 0;
    k->run->poison = false; /* what ended its owners is mended */
    pawl_sim_time_anew(k->w, k->run);
}

static void undo_asked(struct pawl_sim_seen *k)
{
    pawl_sim_count(k->w, PAWL_SIM_N_UNDO_ASKED);
    k->run->cancelled_seq = k->r->seq;
}

/* What is left out stays within what there is, is never less than before, and spares something. */
static void pruned(struct pawl_sim_seen *k)
{
    const struct pawl_run *run = &k->run->stored;
    yyjson_val *tokens = yyjson_obj_get(k->body, "tokens");
    const struct pawl_pruning was = pawl_run_pruning(run, run->steps_count + 1);
    const int64_t results = pawl_json_i64(k->body, "results_to", 0), left = pawl_json_i64(k->body, "left_out_to", 0);
    const struct pawl_step *s = pawl_run_step(run, (uint32_t)pawl_json_i64(k->body, "summary", 0));
    pawl_sim_count(k->w, PAWL_SIM_N_PRUNED);
    if (pawl_json_i64(tokens, "limit", 0) == 0) pawl_sim_seen_broken(k, "context", "pruned, and there is no limit");
    if (results < was.results_to || left < was.left_out_to)
        pawl_sim_seen_broken(k, "context", "what was left out is told again");
    if (s && (s->kind != PAWL_STEP_SUMMARY || s->state != PAWL_STEP_DONE || !s->content.n))
        pawl_sim_seen_broken(k, "context", "a summary that sums up nothing is told");
    if (s) pawl_sim_count(k->w, PAWL_SIM_N_SUMMED_UP);
    if (results == was.results_to && left == was.left_out_to && !yyjson_obj_get(k->body, "summarize") &&
        (!s || s->number == was.summary))
        pawl_sim_seen_broken(k, "context", "pruned, and nothing is told otherwise");
    for (uint32_t i = 0; i < run->steps_count; i++)
        if (!pawl_step_ended(run->steps[i])) pawl_sim_seen_broken(k, "context", "pruned while a step is open");
}

static void run_ended(struct pawl_sim_seen *k)
{
    const struct pawl_run *run = &k->run->stored;
    const int64_t code = pawl_json_i64(k->body, "code", 0);
    pawl_sim_count(k->w, code == PAWL_DONE            ? PAWL_SIM_N_ENDED_DONE
                         : code == PAWL_FAILED_RUN    ? PAWL_SIM_N_ENDED_FAILED
                         : code == PAWL_CANCELLED_RUN ? PAWL_SIM_N_ENDED_CANCELLED
                                                      : PAWL_SIM_N_ENDED_DEAD);
    for (uint32_t i = 0; i < run->steps_count; i++) {
        const struct pawl_step *s = run->steps[i];
        const int at = s->kind == PAWL_STEP_TOOL ? pawl_sim_tool_index(k->w, s->name) : -1;
        if (!pawl_step_ended(s) || s->unknown || k->run->steps[i].unknown)
            pawl_sim_seen_broken(k, "ended", "the run ends while #%u is open or unknown", s->number);
        if (run->undoing && s->number <= run->undo_to) continue;
        if ((run->ending_status == PAWL_DEAD || run->kept) && !run->undoing) continue; /* kept as it is */
        if (!run->ending || at < 0 || !k->w->contracts[at].undo_tool.p || !s->applied || s->answered) continue;
        if (!s->undone && !s->undo_failed && !s->stop)
            pawl_sim_seen_broken(k, "undone", "the run was stopped, and #%u stays done", s->number);
    }
}

/* A run that is to begin later takes no step before: before any clock has shown that time, for one that has begun goes on
 * where the clock steps back. */
static void check_begun(struct pawl_sim_seen *k)
{
    if (k->run->stored.steps_count == 0 && !k->run->stored.ending &&
        pawl_sim_wall_most(k->w) < k->run->stored.begins_ns)
        pawl_sim_seen_broken(k, "bounded", "a step before the run was to begin");
}

/* The cards that models of this world pay with (talker.c). */
bool pawl_sim_tells_secret(struct pawl_str s)
{
    static const char card[] = "card-of-";
    for (uint32_t i = 0; i + sizeof card <= s.n; i++)
        if (s.p[i] == 'c' && memcmp(s.p + i, card, sizeof card - 1) == 0) return true;
    return false;
}

void pawl_sim_check_record(struct pawl_sim *w, struct pawl_sim_run *run, const struct pawl_record *r, int64_t wall_ns)
{
    struct pawl_sim_seen k = {
        .w = w, .run = run, .r = r, .s = pawl_run_step(&run->stored, r->step), .wall_ns = wall_ns, .tool_index = -1};
    if (r->step > PAWL_SIM_STEPS || pawl_json_read(pawl_record_whole(r), &w->scratch, &k.body, NULL)) {
        pawl_sim_broken(w, "fold", "run%u record %llu cannot be read", run->index, (unsigned long long)r->seq);
        return;
    }
    k.f = &run->steps[r->step ? r->step - 1 : 0];
    if (k.s && !pawl_step_asks_model(k.s)) k.tool_index = pawl_sim_tool_index(w, k.s->name);
    if (k.tool_index >= 0) k.tool = &w->contracts[k.tool_index];
    if (r->step > 0) check_begun(&k);
    if (pawl_sim_tells_secret(r->body))
        pawl_sim_seen_broken(&k, "redacted", "what the contract strikes out can be read: %.*s",
                             (int)(r->body.n < 200 ? r->body.n : 200), r->body.p);
    if (r->full.p) pawl_sim_count(w, PAWL_SIM_N_SEALED);
    pawl_sim_check_budget(w, run, r, k.body);
    pawl_sim_check_guards(&k);
    if (r->kind == PAWL_STEP_COMPLETED || r->kind == PAWL_STEP_FAILED) {
        k.f->ended_wall_ns = wall_ns;
        k.f->ended_ns = w->now_ns;
        pawl_sim_check_waited(&k);
        pawl_sim_check_child_step(&k);
        pawl_sim_check_outcome(&k);
    }
    if (r->kind == PAWL_STEP_ATTEMPTED || r->kind == PAWL_STEP_COMPLETED || r->kind == PAWL_STEP_FAILED ||
        r->kind == PAWL_STEP_IN_DOUBT)
        pawl_sim_check_heard_end(&k);
    switch (r->kind) {
    case PAWL_STEP_ACCEPTED:
    case PAWL_STEP_POLLED: pawl_sim_check_heard(&k); break;
    case PAWL_STEP_CALLED:
    case PAWL_NOTE: pawl_sim_check_called(&k); break;
    case PAWL_STEP_INTENDED: pawl_sim_check_intended(&k); break;
    case PAWL_STEP_ATTEMPTED: attempted(&k); break;
    case PAWL_STEP_COMPLETED: completed(&k); break;
    case PAWL_STEP_FAILED: failed(&k); break;
    case PAWL_STEP_IN_DOUBT: in_doubt(&k); break;
    case PAWL_STEP_RESOLVED: resolved(&k); break;
    case PAWL_GATE_ASKED: asked(&k); break;
    case PAWL_GATE_ANSWERED: answered(&k); break;
    case PAWL_RUN_CANCELLED: cancelled(&k); break;
    case PAWL_UNDO_STARTED: undo_started(&k); break;
    case PAWL_UNDO_ASKED: undo_asked(&k); break;
    case PAWL_RUN_RETRIED: retried(&k); break;
    case PAWL_SIGNAL_RECEIVED: pawl_sim_check_signal(&k); break;
    case PAWL_OPINION_ASKED: pawl_sim_check_opinion_asked(&k); break;
    case PAWL_OPINION_JUDGED: pawl_sim_check_opinion_judged(&k); break;
    case PAWL_CONTEXT_PRUNED: pruned(&k); break;
    case PAWL_RUN_CREATED: pawl_sim_check_created(&k); break;
    case PAWL_CHILD_STARTED: pawl_sim_check_child_started(&k); break;
    case PAWL_CHILD_ENDED: pawl_sim_check_child_ended(&k); break;
    case PAWL_RUN_ENDED:
        run_ended(&k);
        pawl_sim_check_undone(&k);
        pawl_sim_check_run_ended(&k);
        pawl_sim_check_childless(&k);
        break;
    default: break;
    }
}
