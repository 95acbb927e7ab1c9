/* src/sim/check_intent.c - what an intent may say, by LEDGER's rules: its yes or its verdict (14, 20), no earlier doing that
 * it repeats without a word (6 to 9), one key for one step (4). */
#include "sim/check_seen.h"
#include <stdio.h>

static bool answered_yes(const struct pawl_sim_seen *k)
{
    return k->s->state == PAWL_STEP_APPROVED && !k->s->denied;
}

/* Nobody answered, and the contract says that this is a yes. */
static bool by_expiry(const struct pawl_sim_seen *k)
{
    return k->tool->gate_then_approve && k->s->yes_count < k->s->quorum;
}

/* The arguments of the intent are those that the yes was given to, also where a person changed them. */
static void check_edit(struct pawl_sim_seen *k)
{
    yyjson_val *args = NULL;
    struct pawl_buf b;
    pawl_buf_init_arena(&b, &k->w->scratch);
    if (pawl_json_read(k->s->args, &k->w->scratch, &args, NULL) || pawl_json_canonical(args, &b, NULL) || b.failed)
        return;
    if (!pawl_sim_same_hash(pawl_sha256(b.p, b.n), pawl_sim_seen_hash(k, "args")))
        pawl_sim_seen_broken(k, "gated", "the intent is for other arguments than the step's");
}

static void check_gate(struct pawl_sim_seen *k)
{
    yyjson_val *args = NULL, *gate = yyjson_obj_get(k->body, "gate");
    const bool must =
        (pawl_json_read(k->s->args, &k->w->scratch, &args, NULL), pawl_sim_must_ask(k->w, k->tool_index, args));
    if (k->s->state == PAWL_STEP_ASKED || (k->s->state == PAWL_STEP_APPROVED && k->s->denied)) {
        pawl_sim_seen_broken(k, "gated", "intended without the yes that was asked for");
        return;
    }
    if (answered_yes(k)) {
        if (!pawl_sim_same_hash(k->s->asked_digest, pawl_sim_seen_hash(k, "digest")))
            pawl_sim_seen_broken(k, "gated", "the yes was for another request");
        /* by the clock of when it was written; the commit is given a little later */
        if (k->r->at_ns >= k->s->expires_ns && k->wall_ns >= k->s->expires_ns + 10 * PAWL_SIM_S)
            pawl_sim_seen_broken(k, "gated", "the yes had expired");
        if ((uint64_t)pawl_json_i64(k->body, "yes", 0) != k->s->asked_seq)
            pawl_sim_seen_broken(k, "gated", "the intent does not name its yes");
        if (k->s->asked_seq <= k->f->used_seq) pawl_sim_seen_broken(k, "gated", "the yes was used before");
        k->f->used_seq = k->s->asked_seq;
        if (k->tool->gate_quorum > 1 && !by_expiry(k) && __builtin_popcount(k->f->yes) < (int)k->tool->gate_quorum)
            pawl_sim_seen_broken(k, "gated", "sent with %d of %u yeses", __builtin_popcount(k->f->yes),
                                 k->tool->gate_quorum);
        check_edit(k);
        return;
    }
    if (must) {
        pawl_sim_seen_broken(k, "gated", "intended, and nobody said yes");
        return;
    }
    if (k->tool->effect != PAWL_EFFECT_IRREVERSIBLE) return;
    pawl_sim_count(k->w, PAWL_SIM_N_CONDITION_FREE);
    if (!pawl_str_is(pawl_json_str(gate, "condition"), "did not hold") || !yyjson_obj_get(gate, "seen"))
        pawl_sim_seen_broken(k, "gated", "irreversible, and no verdict of its condition is recorded");
}

static bool same_scope(const struct pawl_sim_seen *k, const struct pawl_sim_run *o)
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
static bool still_counts(const struct pawl_sim_seen *k, const struct pawl_sim_run *o, const struct pawl_step *d)
{
    const struct pawl_sim_step *f = &o->steps[d->number - 1];
    const int64_t within_ns = k->tool->within_ns - 10 * PAWL_SIM_S;
    if (k->tool->within_ns == 0) return true;
    return pawl_sim_wall_most(k->w) < f->ended_wall_ns + within_ns && k->w->now_ns < f->ended_ns + within_ns;
}

/* The word that a yes must have been asked with to send `k` although `d` did it. */
static uint32_t reason(const struct pawl_sim_seen *k, const struct pawl_step *d)
{
    return pawl_sim_same_call(k->w, d, k->s) ? PAWL_WHY_REPEAT : PAWL_WHY_CONFLICT;
}

/* In its own run the engine goes by the order of their ends, elsewhere by who holds the claim. */
static void did_it(struct pawl_sim_seen *k, const struct pawl_sim_run *o, const struct pawl_step *d, bool counts)
{
    const int64_t at[] = {o->steps[d->number - 1].ended_ns, (int64_t)d->ended_seq};
    k->repeats = k->repeats || counts;
    for (uint32_t own = 0; own < 2; own++) {
        const uint32_t which = own * 2 + counts;
        if ((own && o != k->run) || at[own] < k->last[which].at) continue;
        k->last[which].at = at[own];
        k->last[which].reason = reason(k, d);
    }
}

static void check_against(struct pawl_sim_seen *k, const struct pawl_sim_run *o, const struct pawl_step *d)
{
    const bool done = pawl_step_ended(d) && d->applied && !d->answered;
    const bool handed = d->handed.p && d->state == PAWL_STEP_DONE; /* its own run asks about that, others need not */
    const bool open = d->state == PAWL_STEP_INTENDED_STATE || d->state == PAWL_STEP_DOUBT;
    const bool wide = k->tool->effect != PAWL_EFFECT_IDEMPOTENT && k->tool->repeat != PAWL_REPEAT_ALLOW;
    if (open && (o == k->run || wide))
        pawl_sim_seen_broken(k, "order", "sent while run%u #%u, the same intent, is unresolved", o->index, d->number);
    if (!(done || handed) || !wide) return;
    did_it(k, o, d, false);
    if (!done) return;
    if (!still_counts(k, o, d)) return;
    did_it(k, o, d, true);
    if (answered_yes(k) && k->s->why & (PAWL_WHY_REPEAT | PAWL_WHY_CONFLICT)) return;
    pawl_sim_seen_broken(k, "dedupe", "done already by run%u #%u, and sent again without a word", o->index, d->number);
}

static void check_repeat(struct pawl_sim_seen *k)
{
    const struct pawl_hash intent = pawl_sim_seen_hash(k, "intent");
    uint32_t reasons = 0;
    if (k->s->kind != PAWL_STEP_TOOL) return;
    for (uint32_t i = 0; i < k->w->runs_count && k->w->out->held; i++) {
        const struct pawl_sim_run *o = k->w->runs[i];
        if (!same_scope(k, o)) continue;
        for (uint32_t j = 0; j < o->stored.steps_count; j++) {
            const struct pawl_step *d = o->stored.steps[j];
            if (d == k->s || d->kind != PAWL_STEP_TOOL || !d->has_intent || !pawl_sim_same_hash(d->intent_key, intent))
                continue;
            if (pawl_str_eq(d->name, k->s->name)) check_against(k, o, d);
        }
    }
    for (uint32_t i = 0; i < 4; i++) reasons |= k->last[i].reason;
    if (k->repeats && k->w->out->held && !(k->s->why & reasons))
        pawl_sim_seen_broken(k, "dedupe", "the yes was for another reason to ask");
}

/* One key, one step and generation; a new generation only by a person's word (LEDGER 4). */
static void check_key(struct pawl_sim_seen *k)
{
    const struct pawl_str key = pawl_json_str(k->body, "key");
    const int64_t generation = pawl_json_i64(k->body, "generation", 0);
    const struct pawl_hash args = pawl_sim_seen_hash(k, "args");
    if (k->f->key[0] && pawl_str_is(key, k->f->key) && !pawl_sim_same_hash(args, k->f->args))
        pawl_sim_seen_broken(k, "key", "the key that it had with other arguments");
    snprintf(k->f->key, sizeof k->f->key, "%.*s", (int)key.n, key.p ? key.p : "");
    k->f->args = args;
    if (generation > k->s->generation_from && !(answered_yes(k) && k->s->why & (PAWL_WHY_REPEAT | PAWL_WHY_CONFLICT)))
        pawl_sim_seen_broken(k, "key", "generation %lld, and no person allowed a repeat", (long long)generation);
    if (k->s->key[0] && k->s->state == PAWL_STEP_APPROVED && !pawl_str_is(key, k->s->key))
        pawl_sim_seen_broken(k, "key", "another key than the question showed");
    for (uint32_t i = 0; i < k->w->runs_count; i++) {
        const struct pawl_run *o = &k->w->runs[i]->stored;
        for (uint32_t j = 0; j < o->steps_count; j++)
            if (o->steps[j] != k->s && o->steps[j]->intended_seq && pawl_str_is(key, o->steps[j]->key))
                pawl_sim_seen_broken(k, "key", "the key of run%u #%u", k->w->runs[i]->index, o->steps[j]->number);
    }
}

/* The last step's number: what a person gave beside the limit is more, and questions are no steps of the agent's. */
static int64_t steps_limit(const struct pawl_sim_seen *k, const struct pawl_agent *agent)
{
    const struct pawl_run *run = &k->run->stored;
    int64_t most = (int64_t)agent->steps_max + run->steps_before;
    if (!agent->exhausted.ask) return most;
    for (uint32_t i = run->steps_before; i < run->steps_count; i++) most += run->steps[i]->kind == PAWL_STEP_GATE;
    return most + run->spending.of[PAWL_GRANTED][PAWL_BUDGET_STEPS];
}

void pawl_sim_check_intended(struct pawl_sim_seen *k)
{
    const bool model = pawl_str_is(pawl_json_str(k->body, "kind"), "model");
    const struct pawl_agent *agent = pawl_config_agent(&k->w->config, k->run->stored.agent);
    k->f->announced = 1;
    k->f->announced_seq = k->r->seq;
    pawl_sim_count(k->w, PAWL_SIM_N_STEPS);
    if (k->run->stored.ending && !(k->s && k->s->kind == PAWL_STEP_UNDO))
        pawl_sim_seen_broken(k, "cancelled", "intended after the run was stopped");
    if (!(k->s && k->s->kind == PAWL_STEP_OPINION) && model && k->r->step > steps_limit(k, agent))
        pawl_sim_seen_broken(k, "bounded", "a model step past the limit of %u steps", agent->steps_max);
    if (model) pawl_sim_check_outcome_model(k);
    if (model) return;
    if (!k->s || !k->tool) {
        pawl_sim_seen_broken(k, "fold", "an intent of no step");
        return;
    }
    pawl_sim_check_opinion_intended(k);
    if (!pawl_sim_changes(k->tool)) return;
    check_gate(k);
    check_repeat(k);
    check_key(k);
}
