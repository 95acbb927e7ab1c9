/* src/sim/check_record.c - what each record may say, judged before it is folded, against the records so far and against
 * what really happened. LEDGER's rules by number. */
#include "sim/world.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct seen { /* one record on the stand */
    struct pawl_sim *w;
    struct pawl_sim_run *run;
    const struct pawl_record *r;
    yyjson_val *body;
    const struct pawl_step *s; /* as it is before */
    struct pawl_sim_step *f;
    const struct pawl_tool *tool;
    int tool_index;
    int64_t wall_ns;
};

static bool same_hash(struct pawl_hash a, struct pawl_hash b)
{
    return memcmp(a.b, b.b, sizeof a.b) == 0;
}

static struct pawl_hash hash_of(const struct seen *k, const char *name)
{
    struct pawl_hash h = {{0}};
    const struct pawl_str s = pawl_json_str(k->body, name);
    if (!s.p || !pawl_unhex(h.b, sizeof h.b, s)) memset(&h, 0, sizeof h);
    return h;
}

static bool changes(const struct pawl_tool *t)
{
    return t && t->effect != PAWL_EFFECT_READ;
}

static void broken(const struct seen *k, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void broken(const struct seen *k, const char *name, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    pawl_sim_broken(k->w, name, "run%u #%u: %s", k->run->index, k->r->step, text);
}

/* ---- intents: gates and claims (LEDGER 6 to 9, 14, 20) ---- */

static bool answered_yes(const struct seen *k)
{
    return k->s->state == PAWL_STEP_APPROVED && !k->s->denied;
}

static void check_gate(struct seen *k)
{
    yyjson_val *args = NULL, *gate = yyjson_obj_get(k->body, "gate");
    const bool must =
        (pawl_json_read(k->s->args, &k->w->scratch, &args, NULL), pawl_sim_must_ask(k->w, k->tool_index, args));
    if (k->s->state == PAWL_STEP_ASKED || (k->s->state == PAWL_STEP_APPROVED && k->s->denied)) {
        broken(k, "gated", "intended without the yes that was asked for");
        return;
    }
    if (answered_yes(k)) {
        if (!same_hash(k->s->asked_digest, hash_of(k, "digest"))) broken(k, "gated", "the yes was for another request");
        /* by the clock of when it was written; the commit is given a little later */
        if (k->r->at_ns >= k->s->expires_ns && k->wall_ns >= k->s->expires_ns + 10 * PAWL_SIM_S)
            broken(k, "gated", "the yes had expired");
        if ((uint64_t)pawl_json_i64(k->body, "yes", 0) != k->s->asked_seq)
            broken(k, "gated", "the intent does not name its yes");
        if (k->s->asked_seq <= k->f->used_seq) broken(k, "gated", "the yes was used before");
        k->f->used_seq = k->s->asked_seq;
        return;
    }
    if (must) {
        broken(k, "gated", "intended, and nobody said yes");
        return;
    }
    if (k->tool->effect != PAWL_EFFECT_IRREVERSIBLE) return;
    pawl_sim_count(k->w, PAWL_SIM_N_CONDITION_FREE);
    if (!pawl_str_is(pawl_json_str(gate, "condition"), "did not hold") || !yyjson_obj_get(gate, "seen"))
        broken(k, "gated", "irreversible, and no verdict of its condition is recorded");
}

static bool same_scope(const struct seen *k, const struct pawl_sim_run *o)
{
    const struct pawl_run *a = &k->run->stored, *b = &o->stored;
    if (o == k->run) return true;
    switch (k->tool->scope) {
    case PAWL_SCOPE_RUN: return false;
    case PAWL_SCOPE_AGENT: return pawl_str_eq(a->agent, b->agent);
    case PAWL_SCOPE_KEY: return a->key.p && b->key.p && pawl_str_eq(a->key, b->key);
    case PAWL_SCOPE_GLOBAL: return true;
    }
    return false;
}

/* An earlier doing of the same intent counts as long as the contract says, by the wall clock. Where that has stepped meanwhile both it and the true one must agree, not closely. */
static bool still_counts(const struct seen *k, const struct pawl_sim_run *o, const struct pawl_step *d)
{
    const struct pawl_sim_step *f = &o->steps[d->number - 1];
    const int64_t within_ns = k->tool->within_ns - 10 * PAWL_SIM_S;
    if (k->tool->within_ns == 0) return true;
    return pawl_sim_wall_most(k->w) < f->ended_wall_ns + within_ns && k->w->now_ns < f->ended_ns + within_ns;
}

static void check_against(struct seen *k, const struct pawl_sim_run *o, const struct pawl_step *d)
{
    const bool done = pawl_step_ended(d) && d->applied && !d->answered;
    const bool open = d->state == PAWL_STEP_INTENDED_STATE || d->state == PAWL_STEP_DOUBT;
    const bool wide = k->tool->effect != PAWL_EFFECT_IDEMPOTENT && k->tool->repeat != PAWL_REPEAT_ALLOW;
    if (open && (o == k->run || wide))
        broken(k, "order", "sent while run%u #%u, the same intent, is unresolved", o->index, d->number);
    if (!done || !wide || !still_counts(k, o, d)) return;
    if (answered_yes(k) && k->s->why & (PAWL_WHY_REPEAT | PAWL_WHY_CONFLICT)) return;
    broken(k, "dedupe", "done already by run%u #%u, and sent again without a word", o->index, d->number);
}

static void check_repeat(struct seen *k)
{
    const struct pawl_hash intent = hash_of(k, "intent");
    if (k->s->kind != PAWL_STEP_TOOL) return;
    for (uint32_t i = 0; i < k->w->runs_count && k->w->out->held; i++) {
        const struct pawl_sim_run *o = k->w->runs[i];
        if (!same_scope(k, o)) continue;
        for (uint32_t j = 0; j < o->stored.steps_count; j++) {
            const struct pawl_step *d = o->stored.steps[j];
            if (d == k->s || d->kind != PAWL_STEP_TOOL || !d->has_intent || !same_hash(d->intent_key, intent)) continue;
            if (pawl_str_eq(d->name, k->s->name)) check_against(k, o, d);
        }
    }
}

/* One key, one step and generation; a new generation only by a person's word (LEDGER 4). */
static void check_key(struct seen *k)
{
    const struct pawl_str key = pawl_json_str(k->body, "key");
    const int64_t generation = pawl_json_i64(k->body, "generation", 0);
    if (generation > 0 && !(answered_yes(k) && k->s->why & (PAWL_WHY_REPEAT | PAWL_WHY_CONFLICT)))
        broken(k, "key", "generation %lld, and no person allowed a repeat", (long long)generation);
    if (k->s->key[0] && k->s->state == PAWL_STEP_APPROVED && !pawl_str_is(key, k->s->key))
        broken(k, "key", "another key than the question showed");
    for (uint32_t i = 0; i < k->w->runs_count; i++) {
        const struct pawl_run *o = &k->w->runs[i]->stored;
        for (uint32_t j = 0; j < o->steps_count; j++)
            if (o->steps[j] != k->s && o->steps[j]->intended_seq && pawl_str_is(key, o->steps[j]->key))
                broken(k, "key", "the key of run%u #%u", k->w->runs[i]->index, o->steps[j]->number);
    }
}

static void intended(struct seen *k)
{
    const bool model = pawl_str_is(pawl_json_str(k->body, "kind"), "model");
    const struct pawl_agent *agent = pawl_config_agent(&k->w->config, k->run->stored.agent);
    k->f->announced = 1;
    k->f->announced_seq = k->r->seq;
    pawl_sim_count(k->w, PAWL_SIM_N_STEPS);
    if (k->run->stored.ending && !(k->s && k->s->kind == PAWL_STEP_UNDO))
        broken(k, "cancelled", "intended after the run was stopped");
    if (model && k->r->step > agent->steps_max)
        broken(k, "bounded", "a model step past the limit of %u steps", agent->steps_max);
    if (model) return;
    if (!k->s || !k->tool) {
        broken(k, "fold", "an intent of no step");
        return;
    }
    if (!changes(k->tool)) return;
    check_gate(k);
    check_repeat(k);
    check_key(k);
}

/* ---- attempts and ends (LEDGER 1 to 3) ---- */

static void cleared(struct seen *k)
{
    if (k->f->unknown && k->f->look_was_early)
        broken(k, "settles", "a look before the settling time was over was believed");
    k->f->unknown = false;
}

static void attempted(struct seen *k)
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
        broken(k, "knowledge", "a look is said to have shown that it did not happen; it did");
}

static void check_answered(struct seen *k, yyjson_val *first)
{
    struct pawl_id id = k->run->id;
    const struct pawl_sim_run *o;
    const struct pawl_step *d;
    pawl_id_parse(pawl_json_str(first, "run"), &id);
    o = pawl_sim_run_of(k->w, id);
    d = o ? pawl_run_step(&o->stored, (uint32_t)pawl_json_i64(first, "step", 0)) : NULL;
    pawl_sim_count(k->w, PAWL_SIM_N_ANSWERED);
    if (!d || d->state != PAWL_STEP_DONE || d->answered || !pawl_str_eq(d->name, k->s->name)) {
        broken(k, "dedupe", "answered from a step that did not do it");
        return;
    }
    if (!changes(k->tool)) return;
    const struct pawl_hash intent = hash_of(k, "intent"), args = hash_of(k, "args");
    if (yyjson_obj_get(k->body, "intent") && !same_hash(d->intent_key, intent))
        broken(k, "dedupe", "answered from another intent");
    if (yyjson_obj_get(k->body, "args") && !same_hash(d->args_digest, args))
        broken(k, "dedupe", "answered, and the arguments differ");
    const bool just_now = o->stored.at_ns > k->r->at_ns - 10 * PAWL_SIM_S; /* undone behind the back of who looked */
    if (d->undone && !(just_now && o != k->run))
        broken(k, "dedupe", "answered from run%u #%u, which was undone", o->index, d->number);
    if (o == k->run && d->turn < k->s->turn) broken(k, "dedupe", "answered across a user's turn");
    if (k->tool->repeat == PAWL_REPEAT_CONFIRM) broken(k, "dedupe", "answered, where a repeat is to be confirmed");
}

static void completed(struct seen *k)
{
    yyjson_val *first = yyjson_obj_get(k->body, "first");
    const struct pawl_str from = pawl_json_str(k->body, "from");
    if (first) {
        check_answered(k, first);
        return;
    }
    if (!k->s || !changes(k->tool)) return;
    if (pawl_str_is(from, "verify")) pawl_sim_count(k->w, PAWL_SIM_N_LOOK_HAPPENED), cleared(k);
    if (k->f->unknown) broken(k, "knowledge", "completed while it is unknown whether it happened");
    if (!pawl_sim_happened(k->w, k->s->key)) broken(k, "knowledge", "completed, and it never happened");
    if (k->s->kind == PAWL_STEP_UNDO) pawl_sim_count(k->w, PAWL_SIM_N_UNDONE);
}

static void failed(struct seen *k)
{
    const struct pawl_str c = pawl_json_str(k->body, "class");
    const bool applied = pawl_json_bool(k->body, "applied", false), superseded = pawl_str_is(c, "superseded");
    if (pawl_str_is(c, "unknown_tool")) pawl_sim_count(k->w, PAWL_SIM_N_UNKNOWN_TOOLS);
    if (pawl_str_is(c, "bad_arguments")) pawl_sim_count(k->w, PAWL_SIM_N_BAD_ARGUMENTS);
    if (!k->s || !changes(k->tool)) return;
    if (superseded) {
        pawl_sim_count(k->w, PAWL_SIM_N_SUPERSEDED);
        if (k->tool->effect != PAWL_EFFECT_IDEMPOTENT) broken(k, "knowledge", "superseded, and not idempotent");
        if (!pawl_sim_superseded(k->w, k->run, k->s)) broken(k, "order", "superseded, and nothing replaces it");
        k->f->unknown = false;
        return;
    }
    if (k->f->unknown) broken(k, "knowledge", "failed (%.*s) while it is unknown whether it happened", (int)c.n, c.p);
    if (!applied && k->f->sent && pawl_sim_happened(k->w, k->s->key) && k->tool->effect != PAWL_EFFECT_IDEMPOTENT)
        broken(k, "knowledge", "failed (%.*s), not applied; but it happened", (int)c.n, c.p);
    if (applied && !k->s->stop && !pawl_sim_happened(k->w, k->s->key))
        broken(k, "knowledge", "failed, applied; but it never happened");
}

static void in_doubt(struct seen *k)
{
    const bool applied = pawl_str_is(pawl_json_str(k->body, "applied"), "yes");
    pawl_sim_count(k->w, PAWL_SIM_N_DOUBTS);
    if (applied && !pawl_sim_happened(k->w, k->s->key)) broken(k, "knowledge", "said to be applied, and it never was");
    if (!applied && !k->f->unknown && !k->f->cut)
        broken(k, "knowledge", "in doubt, and every attempt has told whether it happened");
}

static void resolved(struct seen *k)
{
    pawl_sim_count(k->w, PAWL_SIM_N_RESOLVED);
    k->f->unknown = false;
    if (pawl_str_is(pawl_json_str(k->body, "how"), "not_happened")) k->f->words++;
}

static void asked(struct seen *k)
{
    struct pawl_buf b;
    pawl_sim_count(k->w, PAWL_SIM_N_ASKED);
    pawl_buf_init_arena(&b, &k->w->scratch);
    pawl_json_write(yyjson_obj_get(k->body, "request"), &b);
    if (!b.failed && !same_hash(pawl_sha256(b.p, b.n), hash_of(k, "digest")))
        broken(k, "gated", "the digest is not that of the request that is shown");
    if (yyjson_arr_size(yyjson_obj_get(k->body, "why")) == 0) broken(k, "gated", "asked without a reason");
    if (yyjson_obj_get(k->body, "first")) pawl_sim_count(k->w, PAWL_SIM_N_REPEATS_ASKED);
    if (pawl_json_i64(k->body, "expires", PAWL_NEVER) == PAWL_NEVER) broken(k, "bounded", "asked without an end");
    pawl_sim_check_question(k->w, k->run, k->s, k->tool_index, k->body);
}

static void answered(struct seen *k)
{
    const bool yes = pawl_str_is(pawl_json_str(k->body, "answer"), "yes");
    const bool expiry = pawl_str_is(pawl_json_str(k->body, "by"), "expiry");
    pawl_sim_count(k->w, expiry ? PAWL_SIM_N_EXPIRED : yes ? PAWL_SIM_N_YES : PAWL_SIM_N_NO);
    if (!expiry) return;
    if (k->r->at_ns < k->s->expires_ns) broken(k, "gated", "expired before its time");
    if (yes && (!k->tool || !k->tool->gate_then_approve || k->s->why != PAWL_WHY_GATE))
        broken(k, "gated", "nobody answered, and it counts as a yes");
}

/* ---- the run as a whole ---- */

static void cancelled(struct seen *k)
{
    enum { DEATHS_MIN = 3 }; /* one owner may claim twice: asked for, and due */
    const bool dead = pawl_json_i64(k->body, "code", 0) == PAWL_DEAD;
    if (!k->run->cancelled_seq) k->run->cancelled_seq = k->r->seq;
    if (pawl_str_is(pawl_json_str(k->body, "by"), "deadline")) pawl_sim_check_deadline(k->w, k->run, k->r->at_ns);
    if (dead && k->run->deaths < DEATHS_MIN)
        broken(k, "dead-letter", "said to have ended five owners, and %u died while they had it", k->run->deaths);
}

static void undo_started(struct seen *k)
{
    const struct pawl_run *run = &k->run->stored;
    const struct pawl_step *d = pawl_run_step(run, (uint32_t)pawl_json_i64(k->body, "undoes", 0));
    if (!run->ending) broken(k, "undone", "undone while the run goes on");
    if (!d || !d->applied || d->undone || !pawl_step_ended(d)) {
        broken(k, "undone", "an undo of what was not done, or was undone");
        return;
    }
    for (uint32_t i = 0; i < run->steps_count; i++) {
        const struct pawl_step *o = run->steps[i];
        const int at = o->kind == PAWL_STEP_TOOL ? pawl_sim_tool_index(k->w, o->name) : -1;
        if (!pawl_step_ended(o)) broken(k, "undone", "begins to undo while #%u is open", o->number);
        if (at < 0 || !k->w->contracts[at].undo_tool.p || !o->applied || o->stop || o->undone || o->undo_failed ||
            o->answered)
            continue;
        if (o->intended_seq > d->intended_seq)
            broken(k, "undone", "undoes #%u before #%u, which came later", d->number, o->number);
    }
}

static void run_ended(struct seen *k)
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
            broken(k, "ended", "the run ends while #%u is open or unknown", s->number);
        if (!run->ending || at < 0 || !k->w->contracts[at].undo_tool.p || !s->applied || s->answered) continue;
        if (!s->undone && !s->undo_failed && !s->stop)
            broken(k, "undone", "the run was stopped, and #%u stays done", s->number);
    }
}

/* A run that is to begin later takes no step before: before any clock has shown that time, for one that has begun goes on
 * where the clock steps back. */
static void check_begun(struct seen *k)
{
    if (k->run->stored.steps_count == 0 && !k->run->stored.ending &&
        pawl_sim_wall_most(k->w) < k->run->stored.begins_ns)
        broken(k, "bounded", "a step before the run was to begin");
}

void pawl_sim_check_record(struct pawl_sim *w, struct pawl_sim_run *run, const struct pawl_record *r, int64_t wall_ns)
{
    struct seen k = {
        .w = w, .run = run, .r = r, .s = pawl_run_step(&run->stored, r->step), .wall_ns = wall_ns, .tool_index = -1};
    if (r->step > PAWL_SIM_STEPS || pawl_json_read(r->body, &w->scratch, &k.body, NULL)) {
        pawl_sim_broken(w, "fold", "run%u record %llu cannot be read", run->index, (unsigned long long)r->seq);
        return;
    }
    k.f = &run->steps[r->step ? r->step - 1 : 0];
    if (k.s && k.s->kind != PAWL_STEP_MODEL) k.tool_index = pawl_sim_tool_index(w, k.s->name);
    if (k.tool_index >= 0) k.tool = &w->contracts[k.tool_index];
    if (r->step > 0) check_begun(&k);
    if (r->kind == PAWL_STEP_COMPLETED || r->kind == PAWL_STEP_FAILED) {
        k.f->ended_wall_ns = wall_ns;
        k.f->ended_ns = w->now_ns;
    }
    switch (r->kind) {
    case PAWL_STEP_INTENDED: intended(&k); break;
    case PAWL_STEP_ATTEMPTED: attempted(&k); break;
    case PAWL_STEP_COMPLETED: completed(&k); break;
    case PAWL_STEP_FAILED: failed(&k); break;
    case PAWL_STEP_IN_DOUBT: in_doubt(&k); break;
    case PAWL_STEP_RESOLVED: resolved(&k); break;
    case PAWL_GATE_ASKED: asked(&k); break;
    case PAWL_GATE_ANSWERED: answered(&k); break;
    case PAWL_RUN_CANCELLED: cancelled(&k); break;
    case PAWL_UNDO_STARTED: undo_started(&k); break;
    case PAWL_SIGNAL_RECEIVED: pawl_sim_count(w, PAWL_SIM_N_TURNS); break;
    case PAWL_RUN_ENDED: run_ended(&k); break;
    default: break;
    }
}
