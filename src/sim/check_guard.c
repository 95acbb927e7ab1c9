/* src/sim/check_guard.c - guards, counted anew from the records as they become durable: what a limit says is recorded before the
 * model is asked again, and what is recorded is kept to. Forwards and by other means than policy/guard_count.c. */
#include "sim/check_seen.h"

static const struct pawl_agent *agent_of(const struct pawl_sim_seen *k)
{
    for (uint32_t i = 0; i < k->w->config.agents_count; i++)
        if (pawl_str_eq(k->w->agents[i].name, k->run->stored.agent)) return &k->w->agents[i];
    return NULL;
}

static bool neutral(const struct pawl_step *s)
{
    return s->error_class == PAWL_CLASS_DENIED || s->error_class == PAWL_CLASS_CANCELLED ||
           s->error_class == PAWL_CLASS_SUPERSEDED || s->error_class == PAWL_CLASS_GUARD_STOPPED;
}

/* Messages at the end all of whose calls failed, from the first to the last; a question of that rule begins anew. */
static uint32_t errors_in_a_row(const struct pawl_run *run, uint32_t *first)
{
    uint32_t count = 0;
    *first = 0;
    for (uint32_t i = run->steps_before; i < run->steps_count; i++) {
        const struct pawl_step *m = run->steps[i];
        uint32_t good = 0, bad = 0;
        if (m->kind == PAWL_STEP_GATE && pawl_str_is(m->name, "errors_in_a_row")) count = 0;
        if (m->kind != PAWL_STEP_MODEL || m->aside || m->state != PAWL_STEP_DONE) continue;
        for (uint32_t c = 0; c < m->calls; c++) {
            const struct pawl_step *s = run->steps[m->number + c];
            good += s->state == PAWL_STEP_DONE;
            bad += s->state == PAWL_STEP_NOT_DONE && !neutral(s);
        }
        if (good) count = 0;
        else if (bad && count++ == 0) *first = m->number;
    }
    return count;
}

static bool has_trip(const struct pawl_run *run, const char *rule, uint32_t limit, uint32_t behind)
{
    for (uint32_t i = run->trips_from; i < run->trips_count; i++) {
        const struct pawl_trip *t = &run->trips[i];
        if (pawl_str_is(t->rule, rule) && (limit == 0 || t->limit == limit) && t->step > behind) return true;
    }
    return false;
}

/* The model is asked with what its guards have to say. */
static void check_errors(struct pawl_sim_seen *k, const struct pawl_agent *a)
{
    uint32_t first, reached = 0;
    const uint32_t count = errors_in_a_row(&k->run->stored, &first);
    for (uint32_t i = 0; i < a->guards_count; i++)
        if (a->guards[i].rule == PAWL_GUARD_ERRORS && a->guards[i].limit <= count) reached = a->guards[i].limit;
    if (reached && !has_trip(&k->run->stored, "errors_in_a_row", reached, first))
        pawl_sim_seen_broken(k, "guards", "the model is asked behind %u errors in a row, and no guard said so", count);
}

static bool same_fact(const struct pawl_fact *a, const struct pawl_fact *b)
{
    return pawl_str_eq(a->name, b->name) && pawl_str_eq(a->about, b->about);
}

/* Another source says otherwise, and nothing was changed in this run at all. What a guard read again because it was not fresh any
 * more is no second word, though a stand-in gave the first (seed 59522): check_moved has what follows from it. */
static void check_contradiction(struct pawl_sim_seen *k, const struct pawl_agent *a)
{
    const struct pawl_run *run = &k->run->stored;
    bool wanted = false;
    for (uint32_t i = 0; i < a->guards_count; i++) wanted = wanted || a->guards[i].rule == PAWL_GUARD_CONTRADICTION;
    for (uint32_t i = 0; i < run->steps_count; i++)
        if (run->steps[i]->kind != PAWL_STEP_MODEL && run->steps[i]->intended_seq) wanted = false;
    for (uint32_t i = 1; wanted && i < run->facts_count; i++) {
        const struct pawl_fact *b = &run->facts[i], *last = NULL;
        for (uint32_t j = 0; j < i; j++)
            if (same_fact(&run->facts[j], b)) last = &run->facts[j];
        if (!last || b->again || b->step <= run->steps_before || pawl_str_eq(last->source, b->source)) continue;
        if (run->steps[b->step - 1]->aside || run->steps[last->step - 1]->aside) continue;
        if (!pawl_str_eq(last->value, b->value) && !has_trip(run, "contradiction", 0, b->step))
            pawl_sim_seen_broken(k, "guards", "the model goes on though #%u and #%u contradict each other", last->step,
                                 b->step);
    }
}

/* Reads only, until the user has spoken: by what stood in the records when the step was decided. */
static bool narrowed(const struct pawl_run *run, uint32_t number)
{
    const struct pawl_trip *last = NULL;
    for (uint32_t i = run->trips_from; i < run->trips_count; i++)
        if (run->trips[i].answer == PAWL_GUARD_NARROW && !run->trips[i].aside && run->trips[i].step <= number)
            last = &run->trips[i];
    for (uint32_t i = 0; last && i < run->turns_count; i++)
        if (run->turns[i].before_step > last->step && run->turns[i].before_step <= number) last = NULL;
    return last != NULL;
}

/* It builds on what a guard has read again for it: that is as it was. */
static void check_moved(struct pawl_sim_seen *k)
{
    const struct pawl_run *run = &k->run->stored;
    for (uint32_t i = 1; i < run->facts_count && k->s->number > run->steps_before; i++) {
        const struct pawl_fact *b = &run->facts[i], *last = NULL;
        if (!b->again || b->step != k->s->number) continue;
        for (uint32_t j = 0; j < i; j++)
            if (same_fact(&run->facts[j], b)) last = &run->facts[j];
        if (last && !pawl_str_eq(last->value, b->value))
            pawl_sim_seen_broken(k, "guards", "sent, and what it builds on has changed since #%u", last->step);
    }
}

static void check_call(struct pawl_sim_seen *k)
{
    const struct pawl_run *run = &k->run->stored;
    check_moved(k);
    if (pawl_sim_changes(k->tool) && narrowed(run, k->s->number))
        pawl_sim_seen_broken(k, "guards", "a change is sent, and the run was narrowed to reads");
    for (uint32_t i = run->trips_from; i < run->trips_count; i++) {
        const struct pawl_trip *t = &run->trips[i];
        if (!t->call || t->step != k->s->number || t->answer != PAWL_GUARD_ASK) continue;
        if (k->s->state != PAWL_STEP_APPROVED || k->s->denied || !(k->s->why & PAWL_WHY_GUARD))
            pawl_sim_seen_broken(k, "guards", "sent without the yes that %.*s wants", (int)t->rule.n, t->rule.p);
    }
}

/* What has stood unseen when such a rule tripped is looked at before the model is asked. */
static void check_looked_back(struct pawl_sim_seen *k)
{
    const struct pawl_run *run = &k->run->stored;
    uint32_t to = 0;
    for (uint32_t i = run->trips_from; i < run->trips_count; i++)
        if (pawl_str_is(run->trips[i].rule, "unverified_depth") && run->trips[i].answer == PAWL_GUARD_VERIFY &&
            !run->trips[i].aside)
            to = run->trips[i].step;
    for (uint32_t i = run->steps_before; i + 1 < to && i < run->steps_count; i++) {
        const struct pawl_step *s = run->steps[i];
        const int at =
            s->kind == PAWL_STEP_TOOL && s->applied && s->intended_seq ? pawl_sim_tool_index(k->w, s->name) : -1;
        if (at < 0 || !k->w->contracts[at].verify.tool.p || s->undone || s->read_back || s->aside || s->looked_back)
            continue;
        if (!pawl_sim_changes(&k->w->contracts[at])) continue;
        pawl_sim_seen_broken(k, "guards", "the model is asked, and nobody has looked at what #%u did", s->number);
    }
}

static void looked_back(struct pawl_sim_seen *k)
{
    const struct pawl_str word = pawl_json_str(k->body, "looked_back");
    if (!word.p) return;
    pawl_sim_count(k->w, PAWL_SIM_N_LOOKED_BACK);
    if (!k->s || !k->s->applied || !k->tool || !k->tool->verify.tool.p || k->s->looked_back)
        pawl_sim_seen_broken(k, "guards", "looked at again, which is not to be");
    else if (!has_trip(&k->run->stored, "unverified_depth", 0, k->s->number))
        pawl_sim_seen_broken(k, "guards", "looked at, and no guard said so");
    else if (pawl_str_is(word, "yes") && !pawl_sim_happened(k->w, k->s->key))
        pawl_sim_seen_broken(k, "guards", "said to be as expected, and it never happened");
}

/* The run ends well with an answer that its model is not sure of: by a person's yes, where that is to be asked. */
static void check_confidence(struct pawl_sim_seen *k, const struct pawl_agent *a)
{
    static const char low[] = "\"confidence\":0.3";
    const struct pawl_run *run = &k->run->stored;
    const struct pawl_step *last = NULL, *yes = NULL;
    for (uint32_t i = run->steps_before; i < run->steps_count; i++) {
        const struct pawl_step *s = run->steps[i];
        if (s->kind == PAWL_STEP_MODEL && s->state == PAWL_STEP_DONE && !s->aside) last = s, yes = NULL;
        if (s->kind == PAWL_STEP_GATE && s->state == PAWL_STEP_DONE && pawl_str_is(s->name, "low_confidence")) yes = s;
    }
    if (!last || last->calls || !memmem(last->content.p ? last->content.p : "", last->content.n, low, sizeof low - 1))
        return;
    for (uint32_t i = 0; i < a->guards_count; i++) {
        const struct pawl_guard *g = &a->guards[i];
        if (g->rule != PAWL_GUARD_CONFIDENCE) continue;
        if (!has_trip(run, "low_confidence", 0, last->number))
            pawl_sim_seen_broken(k, "guards", "done, its answer has little confidence, and no guard said so");
        else if (g->answer == PAWL_GUARD_NARROW && !yes)
            pawl_sim_seen_broken(k, "guards", "done, its answer has little confidence, and nobody said yes to it");
    }
}

static void intended(struct pawl_sim_seen *k)
{
    const struct pawl_run *run = &k->run->stored;
    const struct pawl_agent *a = agent_of(k);
    if (!a || a->guards_count == 0 || (k->s && k->s->kind == PAWL_STEP_UNDO)) return;
    for (uint32_t i = run->trips_from; i < run->trips_count; i++) {
        const struct pawl_trip *t = &run->trips[i];
        const struct pawl_step *s = pawl_run_step(run, t->step);
        if (t->answer == PAWL_GUARD_STOP)
            pawl_sim_seen_broken(k, "guards", "goes on, though %.*s ended the run", (int)t->rule.n, t->rule.p);
        if (!k->s && t->answer == PAWL_GUARD_ASK && !t->call && (!s || s->state != PAWL_STEP_DONE) && !t->aside)
            pawl_sim_seen_broken(k, "guards", "goes on without the yes that %.*s wants", (int)t->rule.n, t->rule.p);
    }
    if (k->s) check_call(k);
    else check_errors(k, a), check_contradiction(k, a), check_looked_back(k);
}

static void tripped(struct pawl_sim_seen *k)
{
    const struct pawl_agent *a = agent_of(k);
    const struct pawl_str rule = pawl_json_str(k->body, "rule"), answer = pawl_json_str(k->body, "answer");
    const int64_t limit = pawl_json_i64(k->body, "limit", 0), count = pawl_json_i64(k->body, "count", 0);
    bool configured = false;
    uint32_t first;
    pawl_sim_count(k->w, PAWL_SIM_N_TRIPPED);
    for (uint32_t i = 0; a && i < a->guards_count; i++)
        configured = configured || (pawl_str_eq(a->guards[i].name, rule) && a->guards[i].limit == limit &&
                                    pawl_str_is(answer, pawl_guard_answer_name(a->guards[i].answer)));
    if (!configured || count < limit || !pawl_json_str(k->body, "says").n)
        pawl_sim_seen_broken(k, "guards", "%.*s trips at %lld of %lld, as no agent has it", (int)rule.n, rule.p,
                             (long long)count, (long long)limit);
    if (pawl_str_is(rule, "errors_in_a_row") && errors_in_a_row(&k->run->stored, &first) != count)
        pawl_sim_seen_broken(k, "guards", "%lld errors in a row are said to be there", (long long)count);
}

static void ended(struct pawl_sim_seen *k)
{
    const struct pawl_run *run = &k->run->stored;
    const struct pawl_agent *a = agent_of(k);
    if (a && pawl_json_i64(k->body, "code", 0) == PAWL_DONE && !run->undoing) check_confidence(k, a);
    for (uint32_t i = run->trips_from; i < run->trips_count; i++)
        if (run->trips[i].answer == PAWL_GUARD_STOP && pawl_json_i64(k->body, "code", 0) == PAWL_DONE && !run->undoing)
            pawl_sim_seen_broken(k, "guards", "done, though a guard ended it");
}

void pawl_sim_check_guards(struct pawl_sim_seen *k)
{
    if (k->r->kind == PAWL_STEP_INTENDED) intended(k);
    if (k->r->kind == PAWL_GUARD_TRIPPED) tripped(k);
    if (k->r->kind == PAWL_NOTE) looked_back(k);
    if (k->r->kind == PAWL_RUN_ENDED) ended(k);
}
