/* src/policy/guard.c - stage 4: see guard.h. What trips is recorded first; what follows from it is taken from the record,
 * so that it is the same after a restart. */
#include "policy/guard.h"
#include "policy/check.h"
#include "policy/fact.h"
#include "policy/pipeline.h"
#include "policy/question.h"
#include <stdio.h>

/* It is in the fold already: of this very call; or, where no question belongs to each call, of the same streak. */
static bool tripped(const struct pawl_guard_look *l, const struct pawl_guard *g, uint32_t from)
{
    const struct pawl_run *run = l->run;
    for (uint32_t i = run->trips_count; i-- > run->trips_from;) {
        const struct pawl_trip *t = &run->trips[i];
        if (t->aside || t->limit != g->limit || t->answer != g->answer || !pawl_str_eq(t->rule, g->name)) continue;
        if (t->bound < g->bound || t->bound > g->bound) continue;
        if (l->call && t->step == l->call->number) return true;
        if (l->call && (g->answer == PAWL_GUARD_ASK || g->answer == PAWL_GUARD_VERIFY)) continue;
        if (t->step > from) return true;
    }
    return false;
}

/* Guards of one rule stand together, the lower limits first: the last that is reached counts. */
static bool next_of(const struct pawl_guard_look *l, bool confidence_only, struct pawl_guard_trip *out)
{
    const struct pawl_agent *a = l->agent;
    for (uint32_t i = 0; i < a->guards_count;) {
        struct pawl_guard_trip best = {0};
        uint32_t k = i;
        if (confidence_only && a->guards[i].rule != PAWL_GUARD_CONFIDENCE && ++i) continue;
        do {
            const struct pawl_guard *g = &a->guards[k];
            struct pawl_guard_trip t = {.guard = g};
            t.count = pawl_guard_count(l, g, &t);
            if (t.count >= g->limit && t.count > 0) best = t;
        } while (++k < a->guards_count && a->guards[k].rule == a->guards[i].rule &&
                 a->guards[i].rule != PAWL_GUARD_OWN);
        i = k;
        if (!best.guard || tripped(l, best.guard, best.from)) continue;
        *out = best;
        return true;
    }
    return false;
}

bool pawl_guard_next(const struct pawl_guard_look *l, struct pawl_guard_trip *out)
{
    return next_of(l, false, out);
}

void pawl_guard_body(const struct pawl_guard_look *l, const struct pawl_guard_trip *t, struct pawl_buf *out)
{
    struct pawl_json_writer w = {.out = out};
    char bound[32];
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "rule");
    pawl_jw_str(&w, t->guard->name);
    pawl_jw_key(&w, "answer");
    pawl_jw_text(&w, pawl_guard_answer_name(t->guard->answer));
    pawl_jw_key(&w, "limit");
    pawl_jw_i64(&w, t->guard->limit);
    if (t->guard->bound > 0) {
        snprintf(bound, sizeof bound, "%.17g", t->guard->bound);
        pawl_jw_key(&w, "bound");
        pawl_jw_raw(&w, pawl_str_of(bound));
    }
    pawl_jw_key(&w, "count");
    pawl_jw_i64(&w, t->count);
    pawl_jw_key(&w, "from");
    pawl_jw_i64(&w, t->from);
    if (l->call) pawl_jw_key(&w, "call"), pawl_jw_bool(&w, true);
    pawl_jw_key(&w, "says");
    pawl_jw_str(&w, t->says);
    pawl_jw_close(&w, '}');
}

static enum pawl_verdict record(struct pawl_pass *p, const struct pawl_guard_look *l, const struct pawl_guard_trip *t)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, p->arena);
    pawl_guard_body(l, t, &b);
    return pawl_pass_append(p, PAWL_GUARD_TRIPPED, &b);
}

static enum pawl_verdict ask_about_run(struct pawl_pass *p, struct pawl_str rule, struct pawl_str says,
                                       const char *question)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, p->arena);
    pawl_buf_str(&b, says);
    pawl_buf_text(&b, question);
    const struct pawl_question q = {.name = rule,
                                    .why = PAWL_WHY_GUARD,
                                    .says = pawl_buf_done(&b),
                                    .otherwise = PAWL_CLASS_GUARD_STOPPED,
                                    .expires_ns = INT64_C(1000000000) * PAWL_GUARD_QUESTION_S};
    if (!q.says.p) return p->rc = PAWL_ENOMEM, pawl_pass_wait(p, PAWL_WANT_NOTHING);
    return pawl_pass_question(p, &q);
}

/* Before the model is asked. What trips changes what it is asked, so the decision is made again. */
static enum pawl_verdict before_model(struct pawl_pass *p, const struct pawl_guard_look *l)
{
    struct pawl_guard_trip t;
    enum pawl_verdict v = PAWL_GO;
    bool any = false;
    if ((v = pawl_look_back(p, l)) != PAWL_GO) return v;
    while (!p->arena->failed && pawl_guard_next(l, &t)) {
        if ((v = record(p, l, &t)) != PAWL_GO) return v;
        if (t.guard->answer == PAWL_GUARD_ASK) return ask_about_run(p, t.guard->name, t.says, ". May the run go on?");
        any = true;
        if (t.guard->answer == PAWL_GUARD_STOP) break;
    }
    if (!any) return PAWL_GO;
    p->anew = true;
    return PAWL_FAIL;
}

static enum pawl_verdict stopped(struct pawl_pass *p, const struct pawl_trip *t)
{
    return pawl_pass_fail(p, PAWL_CLASS_GUARD_STOPPED, "a guard (%.*s) ends the run: %.*s", (int)t->rule.n, t->rule.p,
                          (int)t->says.n, t->says.p ? t->says.p : "");
}

/* A change that builds on what is not fresh any more: it is read again first. Where it is not as it was, the model hears that
 * instead of changing anything; where it cannot be read, a person is asked. */
static enum pawl_verdict read_again(struct pawl_pass *p, const struct pawl_guard_look *l)
{
    const struct pawl_fact *f, *was = NULL;
    enum pawl_verdict v;
    while ((f = pawl_fact_stale_one(l)) != NULL) {
        const uint64_t seq = f->seq;
        if (!p->look_came) {
            p->look_of = pawl_fact_read(p->run, f, p->arena);
            p->look_tool = p->look_of ? pawl_agent_tool(p->agent, p->look_of->name) : NULL;
            if (!p->look_tool) break;
            return pawl_pass_wait(p, PAWL_WANT_LOOK);
        }
        const struct pawl_tool *t = p->look_tool;
        p->look_came = false;
        p->look_tool = NULL;
        if (p->looked.applied != PAWL_APPLIED_YES || !p->looked.result.p) break;
        if ((v = pawl_facts_again(p, t, p->look_of, p->looked.result)) != PAWL_GO) return v;
        f = pawl_fact_stale_one(l);
        if (f && f->seq == seq) break; /* the answer does not say it any more */
    }
    if ((f = pawl_fact_moved(p->run, p->number, &was)) != NULL)
        return pawl_pass_fail(p, PAWL_CLASS_CONFLICT,
                              "not sent: %.*s has changed since step %u, it was %.*s and is %.*s now", (int)f->name.n,
                              f->name.p, was->step, (int)was->value.n, was->value.p, (int)f->value.n, f->value.p);
    if ((f = pawl_fact_stale_one(l)) != NULL) {
        struct pawl_buf b;
        pawl_buf_init_arena(&b, p->arena);
        pawl_buf_printf(&b, "%.*s is not fresh any more and cannot be read again", (int)f->name.n, f->name.p);
        pawl_pass_ask(p, PAWL_WHY_GUARD, pawl_buf_done(&b));
    }
    return PAWL_GO;
}

/* What is recorded of this call, done. */
static enum pawl_verdict apply(struct pawl_pass *p, const struct pawl_guard_look *l)
{
    for (uint32_t i = p->run->trips_from; i < p->run->trips_count; i++) {
        const struct pawl_trip *t = &p->run->trips[i];
        if (!t->call || t->step != p->number) continue;
        enum pawl_verdict v = PAWL_GO;
        if (t->answer == PAWL_GUARD_ASK) pawl_pass_ask(p, PAWL_WHY_GUARD, t->says);
        if (t->answer == PAWL_GUARD_VERIFY) v = read_again(p, l);
        if (v != PAWL_GO) return v;
    }
    return PAWL_GO;
}

static enum pawl_verdict before_call(struct pawl_pass *p, struct pawl_guard_look *l)
{
    const struct pawl_trip *t;
    struct pawl_guard_trip next;
    enum pawl_verdict v;
    while (!pawl_run_stopped(p->run) && !p->arena->failed && pawl_guard_next(l, &next))
        if ((v = record(p, l, &next)) != PAWL_GO) return v;
    if ((t = pawl_run_stopped(p->run)) != NULL) return stopped(p, t);
    if (pawl_pass_changes(p) && (t = pawl_run_narrowed(p->run, p->number)) != NULL)
        return pawl_pass_fail(p, PAWL_CLASS_GUARD_STOPPED,
                              "not sent: only reads from here on, until the user speaks (%.*s: %.*s)", (int)t->rule.n,
                              t->rule.p, (int)t->says.n, t->says.p ? t->says.p : "");
    return apply(p, l);
}

static struct pawl_guard_look look_of(const struct pawl_pass *p)
{
    return (struct pawl_guard_look){.run = p->run,
                                    .config = p->config,
                                    .agent = p->agent,
                                    .call = p->model ? NULL : p->step,
                                    .tool = p->tool,
                                    .args = p->args,
                                    .wall_ns = p->wall_ns,
                                    .arena = p->arena};
}

/* Of the model's last answer a person is to say whether it counts, and none was asked yet. Reads only would mean nothing any
 * more: that hands over, too. */
static const struct pawl_trip *to_be_handed_over(const struct pawl_run *run)
{
    const char *rule = pawl_guard_name(PAWL_GUARD_CONFIDENCE);
    uint32_t last = run->steps_count;
    while (last > 0 && run->steps[last - 1]->kind != PAWL_STEP_MODEL) last--;
    for (uint32_t i = run->trips_count; i-- > run->trips_from;) {
        const struct pawl_trip *t = &run->trips[i];
        const struct pawl_step *asked;
        if (t->step <= last || t->aside || !pawl_str_is(t->rule, rule)) continue;
        if (t->answer != PAWL_GUARD_ASK && t->answer != PAWL_GUARD_NARROW) continue;
        asked = pawl_run_question(run, t->rule);
        return asked && asked->number > last ? NULL : t;
    }
    return NULL;
}

bool pawl_guard_final(struct pawl_pass *p)
{
    const struct pawl_guard_look l = look_of(p);
    struct pawl_guard_trip t;
    return next_of(&l, true, &t) || to_be_handed_over(p->run);
}

/* What low_confidence says of the answer that the run would end with. Whoever could be told has had the last word. */
static enum pawl_verdict before_end(struct pawl_pass *p, const struct pawl_guard_look *l)
{
    const struct pawl_trip *t;
    struct pawl_guard_trip next;
    enum pawl_verdict v;
    while (!p->arena->failed && next_of(l, true, &next))
        if ((v = record(p, l, &next)) != PAWL_GO) return v;
    if (!pawl_run_stopped(p->run) && (t = to_be_handed_over(p->run)) != NULL)
        return ask_about_run(p, t->rule, t->says, ". Is its last answer to count?");
    p->anew = true;
    return PAWL_FAIL;
}

enum pawl_verdict pawl_stage_guard(struct pawl_pass *p)
{
    struct pawl_guard_look l = look_of(p);
    const enum pawl_verdict v = p->model && !p->step && !p->run->ending ? pawl_check_question(p) : PAWL_GO;
    if (v != PAWL_GO || p->agent->guards_count == 0 || p->run->ending) return v;
    if (p->model && p->final) return before_end(p, &l);
    if (p->model) return p->step ? PAWL_GO : before_model(p, &l);
    if (p->step->kind != PAWL_STEP_TOOL || p->step->state >= PAWL_STEP_INTENDED_STATE) return PAWL_GO;
    return before_call(p, &l);
}

const struct pawl_tool *const *pawl_guard_tools(struct pawl_pass *p, uint32_t *count)
{
    const uint32_t number = p->step ? p->step->number : p->number;
    const struct pawl_tool **reads;
    *count = p->decision->tools_count;
    if (!pawl_run_narrowed(p->run, number)) return p->decision->tools;
    reads = pawl_arena_get(p->arena, (p->decision->tools_count + 1) * sizeof *reads);
    *count = 0;
    for (uint32_t i = 0; reads && i < p->decision->tools_count; i++)
        if (p->decision->tools[i]->effect == PAWL_EFFECT_READ) reads[(*count)++] = p->decision->tools[i];
    return reads;
}
