/* src/sim/check_fold.c - whole runs: two folds of one journal are one, the claim table is a fold too, and at the end
 * everything can be read back and verified. */
#include "sim/world.h"
#include <string.h>

/* The name of the first member that differs; NULL: none. */
static const char *step_differs(const struct pawl_step *a, const struct pawl_step *b)
{
#define NUMBER(m) \
    if (a->m != b->m) return #m
#define TEXT(m) \
    if (!pawl_str_eq(a->m, b->m)) return #m
#define HASH(m) \
    if (!pawl_sim_same_hash(a->m, b->m)) return #m
    NUMBER(number);
    NUMBER(kind);
    NUMBER(state);
    TEXT(name);
    TEXT(call_id);
    TEXT(args);
    NUMBER(turn);
    NUMBER(undoes);
    NUMBER(decided_seq);
    NUMBER(intended_seq);
    NUMBER(ended_seq);
    NUMBER(intended_at_ns);
    NUMBER(ended_at_ns);
    NUMBER(why);
    HASH(asked_digest);
    NUMBER(expires_ns);
    NUMBER(asked_seq);
    NUMBER(first_step);
    NUMBER(denied);
    NUMBER(quorum);
    NUMBER(yes_count);
    TEXT(reason);
    if (!pawl_id_eq(a->first_run, b->first_run)) return "first_run";
    if (strcmp(a->key, b->key) != 0) return "key";
    TEXT(request);
    HASH(digest);
    NUMBER(generation);
    if (a->has_intent && b->has_intent) { /* before it is recorded, it is the pass's own */
        HASH(intent_key);
        HASH(args_digest);
    }
    TEXT(look);
    TEXT(before);
    TEXT(after);
    TEXT(checks);
    TEXT(check_says);
    NUMBER(check_then);
    NUMBER(told_to_stop);
    NUMBER(looked_back);
    NUMBER(looked_back_before);
    NUMBER(read_back);
    NUMBER(attempts);
    NUMBER(open);
    NUMBER(unknown);
    NUMBER(first_attempt_ns);
    NUMBER(last_attempt_ns);
    NUMBER(retry_at_ns);
    NUMBER(last_class);
    NUMBER(doubt_applied);
    NUMBER(stop);
    NUMBER(resend);
    NUMBER(applied);
    NUMBER(undone);
    NUMBER(undo_failed);
    NUMBER(undone_by);
    NUMBER(aside);
    NUMBER(edited);
    NUMBER(generation_from);
    TEXT(said);
    NUMBER(answered);
    TEXT(result);
    TEXT(message);
    NUMBER(error_class);
    NUMBER(told_bytes);
    NUMBER(told_tokens);
    NUMBER(covers_to);
    NUMBER(opines_on);
    NUMBER(opinion_by);
    NUMBER(judged);
    NUMBER(agreed);
    NUMBER(opinion_stops);
    HASH(judged_digest);
    NUMBER(opinions_from);
    return NULL;
}

static const char *run_differs(const struct pawl_run *a, const struct pawl_run *b)
{
    TEXT(agent);
    TEXT(key);
    TEXT(input);
    HASH(config);
    NUMBER(chat);
    NUMBER(created_ns);
    NUMBER(at_ns);
    NUMBER(seq);
    HASH(hash);
    NUMBER(steps_count);
    NUMBER(turns_count);
    NUMBER(turns_seen);
    NUMBER(answers_count);
    NUMBER(ending);
    NUMBER(chat_ended);
    NUMBER(ending_status);
    NUMBER(ending_class);
    TEXT(ending_message);
    NUMBER(ended);
    NUMBER(stopped);
    NUMBER(retries);
    NUMBER(since_ns);
    NUMBER(steps_before);
    NUMBER(active_before_ns);
    NUMBER(undoing);
    NUMBER(undo_to);
    NUMBER(status);
    NUMBER(error_class);
    TEXT(output);
    TEXT(message);
    NUMBER(prunings_count);
    for (uint32_t i = 0; i < a->prunings_count; i++)
        if (memcmp(&a->prunings[i], &b->prunings[i], sizeof a->prunings[i]) != 0) return "prunings";
    NUMBER(trips_count);
    NUMBER(trips_from);
    NUMBER(facts_count);
    for (uint32_t i = 0; i < a->trips_count; i++)
        if (!pawl_str_eq(a->trips[i].rule, b->trips[i].rule) || a->trips[i].step != b->trips[i].step ||
            a->trips[i].answer != b->trips[i].answer || a->trips[i].aside != b->trips[i].aside)
            return "trips";
    for (uint32_t i = 0; i < a->facts_count; i++)
        if (!pawl_str_eq(a->facts[i].value, b->facts[i].value) || a->facts[i].unverified != b->facts[i].unverified)
            return "facts";
    for (uint32_t i = 0; i < a->turns_count; i++)
        if (!pawl_str_eq(a->turns[i].text, b->turns[i].text) || a->turns[i].before_step != b->turns[i].before_step)
            return "turns";
    for (uint32_t i = 0; i < a->answers_count; i++)
        if (!pawl_str_eq(a->answers[i].id, b->answers[i].id) || a->answers[i].seq != b->answers[i].seq)
            return "answers";
    return NULL;
#undef NUMBER
#undef TEXT
#undef HASH
}

/* What the decider makes of both; only where it is asked at all. */
static bool same_decision(struct pawl_sim *w, const struct pawl_run *a, const struct pawl_run *b)
{
    struct pawl_decision x, y;
    if (a->ending || a->ended) return true;
    for (uint32_t i = 0; i < a->steps_count; i++)
        if (!pawl_step_ended(a->steps[i])) return true;
    if (w->decide(&w->config, a, &w->scratch, &x, NULL) || w->decide(&w->config, b, &w->scratch, &y, NULL)) return true;
    if (x.what != y.what || x.status != y.status || x.messages_count != y.messages_count ||
        !pawl_str_eq(x.record, y.record))
        return false;
    for (uint32_t i = 0; i < x.messages_count; i++)
        if (x.messages[i].role != y.messages[i].role || !pawl_str_eq(x.messages[i].content, y.messages[i].content))
            return false;
    return pawl_str_eq(x.output, y.output);
}

void pawl_sim_check_same_fold(struct pawl_sim *w, const struct pawl_run *a, const struct pawl_run *b, const char *which)
{
    const char *differs = run_differs(a, b);
    uint32_t step = 0;
    for (uint32_t i = 0; !differs && i < a->steps_count; i++)
        if ((differs = step_differs(a->steps[i], b->steps[i])) != NULL) step = i + 1;
    if (!differs && !same_decision(w, a, b)) differs = "the next decision";
    if (differs)
        pawl_sim_broken(w, "deterministic", "%s fold and the stored one differ in %s of #%u", which, differs, step);
}

/* ---- the claim table (LEDGER 6) ---- */

static bool wide(const struct pawl_run *run, const struct pawl_tool *t)
{
    if (t->effect != PAWL_EFFECT_MUTATE && t->effect != PAWL_EFFECT_IRREVERSIBLE) return false;
    if (t->repeat == PAWL_REPEAT_ALLOW || t->scope == PAWL_SCOPE_RUN) return false;
    return t->scope != PAWL_SCOPE_KEY || run->key.p != NULL;
}

static struct pawl_hash claim_key(const struct pawl_run *run, const struct pawl_tool *t, const struct pawl_step *s)
{
    const struct pawl_str scope = t->scope == PAWL_SCOPE_AGENT ? run->agent
                                  : t->scope == PAWL_SCOPE_KEY ? run->key
                                                               : PAWL_STR("");
    const char kind = (char)('0' + t->scope);
    const struct pawl_str parts[] = {{&kind, 1}, scope, {"\n", 1}, {(const char *)s->intent_key.b, 32}};
    return pawl_sha256_parts(parts, 4);
}

/* What the row must say for this step; NULL: it does, or need not. */
static const char *row_is_wrong(const struct pawl_step *s, bool held, bool ours, const struct pawl_claim *c,
                                bool expired)
{
    const bool repeat = (s->why & (PAWL_WHY_REPEAT | PAWL_WHY_CONFLICT)) != 0;
    const bool done = pawl_step_ended(s) && s->applied && !s->answered;
    if (s->state == PAWL_STEP_ASKED && !repeat && !ours) return "asked, and its claim is not held";
    if (s->state == PAWL_STEP_INTENDED_STATE && !ours) return "intended, and its claim is not held";
    if (s->state == PAWL_STEP_INTENDED_STATE && c->state != PAWL_CLAIM_IN_FLIGHT && c->state != PAWL_CLAIM_IN_DOUBT)
        return "intended, and its claim is not in flight";
    if (s->state == PAWL_STEP_DOUBT && (!ours || c->state != PAWL_CLAIM_IN_DOUBT))
        return "in doubt, and its claim is not";
    if (done && !held && !expired) return "done, and its claim was released";
    if (done && ours && c->state != PAWL_CLAIM_DONE && c->state != PAWL_CLAIM_UNDONE)
        return "done, and its claim is not";
    if (pawl_step_ended(s) && !done && ours) return "not applied, and its claim is still held";
    return NULL;
}

void pawl_sim_check_claims(struct pawl_sim *w, const struct pawl_sim_run *run)
{
    for (uint32_t i = 0; i < run->stored.steps_count; i++) {
        const struct pawl_step *s = run->stored.steps[i];
        const int at = s->kind == PAWL_STEP_TOOL && s->has_intent ? pawl_sim_tool_index(w, s->name) : -1;
        const struct pawl_tool *t = at >= 0 ? &w->contracts[at] : NULL;
        struct pawl_claim c;
        if (!t || !wide(&run->stored, t)) continue;
        const bool held = w->door->find_claim(w->door, claim_key(&run->stored, t, s), &c, NULL) == PAWL_OK;
        const bool ours = held && c.step == s->number && pawl_id_eq(c.run, run->id);
        const int64_t counts_ns = run->steps[s->number - 1].ended_wall_ns + t->within_ns - 10 * PAWL_SIM_S;
        const bool expired = t->within_ns > 0 && pawl_sim_wall_most(w) >= counts_ns;
        const char *wrong = row_is_wrong(s, held, ours, &c, expired);
        if (wrong) pawl_sim_broken(w, "claims", "run%u #%u is %s", run->index, s->number, wrong);
    }
}

/* ---- order on one thing (LEDGER 8), by arguments and not by any key of the engine's ---- */

static bool same_thing(struct pawl_sim *w, const struct pawl_tool *t, const struct pawl_step *a,
                       const struct pawl_step *b)
{
    yyjson_val *x = NULL, *y = NULL;
    if (!pawl_str_eq(a->name, b->name) || pawl_json_read(a->args, &w->scratch, &x, NULL) ||
        pawl_json_read(b->args, &w->scratch, &y, NULL))
        return false;
    for (uint32_t i = 0; i < t->dedupe_by_count; i++) {
        yyjson_val *p = pawl_json_at(x, t->dedupe_by[i]), *q = pawl_json_at(y, t->dedupe_by[i]);
        if (!p != !q || (p && !pawl_json_equal(p, q))) return false; /* both without it say the same, too */
    }
    return t->dedupe_by_count > 0 || pawl_json_equal(x, y);
}

bool pawl_sim_same_call(struct pawl_sim *w, const struct pawl_step *a, const struct pawl_step *b)
{
    const struct pawl_tool all = {.dedupe_by_count = 0};
    return same_thing(w, &all, a, b);
}

bool pawl_sim_superseded(struct pawl_sim *w, const struct pawl_sim_run *run, const struct pawl_step *s)
{
    const int at = s->kind == PAWL_STEP_TOOL ? pawl_sim_tool_index(w, s->name) : -1;
    if (at < 0 || w->contracts[at].effect != PAWL_EFFECT_IDEMPOTENT) return false;
    for (uint32_t i = s->number; i < run->stored.steps_count; i++) {
        const struct pawl_step *o = run->stored.steps[i];
        if (run->stored.ending && o->state < PAWL_STEP_INTENDED_STATE) continue; /* will not be sent any more */
        if (!pawl_step_ended(o) && o->kind == PAWL_STEP_TOOL && same_thing(w, &w->contracts[at], s, o)) return true;
    }
    return false;
}

/* ---- the chain: journal/record.h's rule once more, by docs/journal.md ---- */

static void add_number(uint8_t **at, uint64_t v)
{
    for (int shift = 56; shift >= 0; shift -= 8) *(*at)++ = (uint8_t)(v >> shift);
}

static void add_bytes(uint8_t **at, const void *bytes, size_t n)
{
    memcpy(*at, bytes, n);
    *at += n;
}

struct pawl_hash pawl_sim_record_hash(const struct pawl_record *r, struct pawl_hash previous)
{
    const struct pawl_str name = pawl_str_of(pawl_kind_name(r->kind)),
                          salted[] = {{(const char *)r->salt, sizeof r->salt}, r->body};
    const struct pawl_hash body = pawl_sha256_parts(salted, 2);
    uint8_t all[160], *at = all;
    add_bytes(&at, previous.b, sizeof previous.b);
    add_bytes(&at, r->run.b, sizeof r->run.b);
    add_number(&at, r->seq);
    add_number(&at, (uint64_t)r->at_ns);
    add_number(&at, name.n);
    add_bytes(&at, name.p, name.n);
    add_number(&at, r->step);
    add_number(&at, r->cause);
    add_bytes(&at, body.b, sizeof body.b);
    return pawl_sha256(all, (size_t)(at - all));
}

/* ---- the end ---- */

static void read_back(struct pawl_sim *w, const struct pawl_sim_run *run)
{
    struct pawl_run_records stored;
    struct pawl_arena a;
    struct pawl_run again;
    struct pawl_error err = {0};
    struct pawl_hash last;
    pawl_arena_init(&a, w->o->from);
    pawl_run_init(&again, &a);
    if (w->door->read(w->door, run->id, 1, &a, &stored, &err)) {
        pawl_sim_broken(w, "nothing-lost", "run%u cannot be read: %s", run->index, err.what);
    } else if (pawl_chain_check(stored.records, stored.count, &last, &err)) {
        pawl_sim_broken(w, "chain", "run%u: %s", run->index, err.what);
    } else {
        for (uint32_t i = 0; i < stored.count; i++)
            if (pawl_run_fold(&again, &stored.records[i], &err))
                pawl_sim_broken(w, "fold", "run%u: %s", run->index, err.what);
        if (w->out->held) pawl_sim_check_same_fold(w, &again, &run->stored, "a second");
    }
    pawl_arena_fini(&a);
}

void pawl_sim_check_end(struct pawl_sim *w)
{
    for (uint32_t i = 0; i < w->runs_count && w->out->held; i++) {
        const struct pawl_sim_run *run = w->runs[i];
        if (!run->stored.ended)
            pawl_sim_broken(w, "ends", "run%u has not ended: status %d, waiting %d at #%u, wake %lld", run->index,
                            (int)run->head.status, (int)run->head.waiting, run->head.waiting_step,
                            run->head.wake_ns == PAWL_NEVER ? -1LL : (long long)run->head.wake_ns);
        read_back(w, run);
    }
    if (w->out->held) pawl_sim_check_rows(w);
    if (w->out->held && !pawl_sim_people_content(w)) pawl_sim_broken(w, "answered", "somebody was never answered");
    if (w->out->held && w->node && !pawl_engine_idle(w->node->engine))
        pawl_sim_broken(w, "idle", "every run has ended, and the engine is not idle: %u hot",
                        pawl_engine_hot(w->node->engine));
}
