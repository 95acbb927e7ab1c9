/* src/engine/again.c - a run that has ended goes on by a person's word: tried again from where it failed, or undone.
 *
 * Nothing that happened is done again. Only steps that are known not to have happened are tried once more, as the very
 * same step with the same key; what is set aside stays a fact that dedupe and undo know (DESIGN 4, "Rewind and fork"). */
#include "engine/hot.h"
#include <stdio.h>

enum { AGAIN_MAX = 256 };
struct plan { /* what run.retried says */
    uint32_t again[AGAIN_MAX], count, aside;
    struct pawl_str with;
};

static const struct pawl_refusal fine = {0, NULL, NULL};

bool pawl_again_reopens(enum pawl_ask what)
{
    return what == PAWL_ASK_RETRY || what == PAWL_ASK_UNDO;
}

static bool counts(const struct pawl_step *s)
{
    return (s->kind == PAWL_STEP_MODEL || s->kind == PAWL_STEP_TOOL) && !s->aside;
}

static bool did_not_happen(const struct pawl_step *s)
{
    return s->kind == PAWL_STEP_TOOL && s->state == PAWL_STEP_NOT_DONE && !s->applied;
}

/* It may go better now. What is not listed says something of the call itself, which the model is to hear. */
static bool worth_another(const struct pawl_step *s)
{
    switch (s->error_class) {
    case PAWL_CLASS_REJECTED:
    case PAWL_CLASS_OUT_OF_CONTRACT:
    case PAWL_CLASS_UNKNOWN_TOOL:
    case PAWL_CLASS_BAD_ARGUMENTS:
    case PAWL_CLASS_DENIED:
    case PAWL_CLASS_CONFLICT:
    case PAWL_CLASS_SUPERSEDED: return false;
    default: return did_not_happen(s);
    }
}

static void add(struct plan *p, uint32_t number)
{
    if (p->count < AGAIN_MAX) p->again[p->count++] = number;
}

/* The next model step behind `number` that is part of the conversation; 0: none. */
static uint32_t model_behind(const struct pawl_run *run, uint32_t number)
{
    for (uint32_t i = number; i < run->steps_count; i++)
        if (counts(run->steps[i]) && run->steps[i]->kind == PAWL_STEP_MODEL) return run->steps[i]->number;
    return 0;
}

/* The run failed for what the model said last. */
static bool blamed(enum pawl_class c)
{
    return c == PAWL_CLASS_REJECTED || c == PAWL_CLASS_MALFORMED || c == PAWL_CLASS_OUT_OF_CONTRACT ||
           c == PAWL_CLASS_UNKNOWN_TOOL || c == PAWL_CLASS_BAD_ARGUMENTS;
}

/* Where it stopped: the calls of the last message that did not happen; where it was the model's turn, the model. With
 * changed arguments any of these calls may go better, so that one alone is meant. */
static void from_the_end(const struct pawl_run *run, bool changed, struct plan *p)
{
    uint32_t model = 0, next;
    while ((next = model_behind(run, model)) != 0) model = next;
    if (!model) return;
    for (uint32_t i = model; i < run->steps_count; i++)
        if (counts(run->steps[i]) && (changed ? did_not_happen(run->steps[i]) : worth_another(run->steps[i])))
            add(p, run->steps[i]->number);
    const struct pawl_step *m = run->steps[model - 1];
    if (m->state != PAWL_STEP_DONE || (p->count == 0 && blamed(run->error_class))) p->aside = model;
}

static struct pawl_refusal from_step(const struct pawl_run *run, uint32_t number, struct plan *p)
{
    const struct pawl_step *s = pawl_run_step(run, number);
    uint32_t end;
    if (!s) return (struct pawl_refusal){PAWL_ENOTFOUND, "the run has no such step", "pawl show RUN"};
    if (s->aside)
        return (struct pawl_refusal){PAWL_ECONFLICT, "this step was set aside by a retry before", "pawl show RUN"};
    if (s->kind == PAWL_STEP_UNDO)
        return (struct pawl_refusal){PAWL_EINVAL, "this step is an undo", "pawl undo RUN tries it again"};
    if (s->kind == PAWL_STEP_GATE)
        return (struct pawl_refusal){PAWL_EINVAL, "this step is a question", "name the step behind it"};
    if (s->kind == PAWL_STEP_MODEL) return p->aside = number, fine;
    if (!did_not_happen(s))
        return (struct pawl_refusal){PAWL_ECONFLICT, "this step has been done, and is never done again by a retry",
                                     "name a step that failed, or the model's step before it"};
    end = model_behind(run, number);
    add(p, number);
    for (uint32_t i = number; i < run->steps_count && (!end || i + 1 < end); i++)
        if (counts(run->steps[i]) && worth_another(run->steps[i])) add(p, run->steps[i]->number);
    p->aside = end;
    return fine;
}

/* The step's arguments with the members that a person gave in place of its own. */
struct pawl_str pawl_again_merged(struct pawl_engine *e, struct pawl_str args, yyjson_val *with)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    yyjson_val *before = NULL, *name, *value;
    size_t i, n;
    if (pawl_json_read(args, &e->step, &before, NULL) || !yyjson_is_obj(before)) before = NULL;
    pawl_buf_init_arena(&b, &e->step);
    pawl_jw_open(&w, '{');
    yyjson_obj_foreach(before, i, n, name, value)
    {
        if (yyjson_obj_getn(with, yyjson_get_str(name), yyjson_get_len(name))) continue;
        pawl_jw_key_str(&w, pawl_json_value_str(name));
        pawl_jw_value(&w, value);
    }
    yyjson_obj_foreach(with, i, n, name, value)
    {
        pawl_jw_key_str(&w, pawl_json_value_str(name));
        pawl_jw_value(&w, value);
    }
    pawl_jw_close(&w, '}');
    return pawl_buf_done(&b);
}

const char *pawl_again_misfit(struct pawl_engine *e, const struct pawl_tool *t, struct pawl_str args)
{
    struct pawl_schema_report report = {0};
    struct pawl_buf b;
    yyjson_val *v;
    if (pawl_json_read(args, &e->step, &v, NULL) || !yyjson_is_obj(v)) return "the arguments are not a JSON object";
    if (!t->input || pawl_schema_check(t->input, v, NULL, &report) == PAWL_OK) return NULL;
    if (!report.count) return "the arguments do not fit the tool's input";
    pawl_buf_init_arena(&b, &e->step);
    pawl_buf_printf(&b, "the arguments do not fit the tool's input: %s%s%s", report.violations[0].instance,
                    report.violations[0].instance[0] ? ": " : "", report.violations[0].says);
    return pawl_buf_done(&b).p ? b.p : "the arguments do not fit the tool's input";
}

static struct pawl_refusal change(struct pawl_hot *h, const struct pawl_request *r, struct plan *p)
{
    const bool one = p->count == 1 || (p->count > 0 && r->step); /* the step that was named comes first */
    const struct pawl_step *s = one ? pawl_run_step(&h->run, p->again[0]) : NULL;
    const struct pawl_tool *t = s ? pawl_agent_tool(h->agent, s->name) : NULL;
    yyjson_val *with;
    const char *why;
    if (!s)
        return (struct pawl_refusal){PAWL_EINVAL,
                                     p->count ? "several calls are tried again: whose arguments are these?"
                                              : "no call is tried again, so there are no arguments to change",
                                     "name the call: pawl retry RUN --from STEP --with NAME=VALUE"};
    if (!t) return (struct pawl_refusal){PAWL_EINVAL, "the agent has no such tool", "pawl show RUN"};
    if (pawl_json_read(r->with, &h->e->step, &with, NULL) || !yyjson_is_obj(with))
        return (struct pawl_refusal){PAWL_EINVAL, "with must be a JSON object", "{\"amount\": 10}"};
    p->with = pawl_again_merged(h->e, s->args, with);
    if (!p->with.p) h->e->rc = PAWL_ENOMEM;
    if (p->with.p && (why = pawl_again_misfit(h->e, t, p->with)) != NULL)
        return (struct pawl_refusal){PAWL_EINVAL, why, "pawl show RUN/STEP shows its arguments"};
    return fine;
}

static void who(struct pawl_json_writer *w, const struct pawl_request *r)
{
    if (r->text.p) pawl_jw_key(w, "reason"), pawl_jw_str(w, r->text);
    if (r->by.p) pawl_jw_key(w, "by"), pawl_jw_str(w, r->by);
    if (r->id.p) pawl_jw_key(w, "id"), pawl_jw_str(w, r->id);
    pawl_jw_close(w, '}');
}

static void record(struct pawl_hot *h, const struct pawl_request *r, const struct plan *p)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    pawl_buf_init_arena(&b, &h->e->step);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "again");
    pawl_jw_open(&w, '[');
    for (uint32_t i = 0; i < p->count; i++) pawl_jw_i64(&w, p->again[i]);
    pawl_jw_close(&w, ']');
    if (p->aside) pawl_jw_key(&w, "aside"), pawl_jw_i64(&w, p->aside);
    if (p->with.p) pawl_jw_key(&w, "with"), pawl_jw_raw(&w, p->with);
    pawl_jw_key(&w, "active");
    pawl_jw_i64(&w, h->head.active_ns);
    who(&w, r);
    pawl_hot_append(h, PAWL_RUN_RETRIED, 0, pawl_buf_done(&b));
}

struct pawl_refusal pawl_again_retry(struct pawl_hot *h, const struct pawl_request *r)
{
    struct plan p = {.count = 0};
    struct pawl_refusal no = fine;
    if (!h->run.ended)
        return (struct pawl_refusal){PAWL_ECONFLICT, "the run goes on: there is nothing to try again", "pawl show RUN"};
    if (h->run.status == PAWL_DONE)
        return (struct pawl_refusal){PAWL_ECONFLICT, "the run is done: only one that failed is tried again",
                                     "start a new one"};
    if (h->run.status == PAWL_CANCELLED_RUN)
        return (struct pawl_refusal){PAWL_ECONFLICT, "the run was cancelled by a person", "start a new one"};
    if (r->step) no = from_step(&h->run, r->step, &p);
    else from_the_end(&h->run, r->with.p != NULL, &p);
    if (!no.code && r->with.p) no = change(h, r, &p);
    if (no.code || h->e->rc) return no;
    record(h, r, &p);
    return fine;
}

struct pawl_refusal pawl_again_undo(struct pawl_hot *h, const struct pawl_request *r)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    bool any = false;
    if (!h->run.ended)
        return (struct pawl_refusal){PAWL_ECONFLICT, "the run goes on",
                                     "pawl cancel RUN stops it, and undoes what it did"};
    if (r->step > h->run.steps_count)
        return (struct pawl_refusal){PAWL_ENOTFOUND, "the run has no such step", "pawl show RUN"};
    for (uint32_t i = r->step; i < h->run.steps_count && !any; i++) any = pawl_undo_open(h, h->run.steps[i], true);
    if (!any)
        return (struct pawl_refusal){PAWL_ENOTFOUND, "nothing that the run did there can be undone by a tool",
                                     "pawl show RUN lists what a person may have to undo"};
    pawl_buf_init_arena(&b, &h->e->step);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "to");
    pawl_jw_i64(&w, r->step);
    who(&w, r);
    pawl_hot_append(h, PAWL_UNDO_ASKED, 0, pawl_buf_done(&b));
    return fine;
}
