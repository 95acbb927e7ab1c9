/* src/journal/run_again.c - the fold of what makes a run go on otherwise than it did: undone, tried again, told in fewer
 * words; and of what guards say. run.c has all other records. */
#include "journal/fold.h"
#include "journal/spend.h"

/* Never sent, or known not to have happened: as it was when it was decided. Its key stays its own. */
static void try_again(struct pawl_step *s)
{
    *s = (struct pawl_step){.number = s->number,
                            .kind = s->kind,
                            .name = s->name,
                            .call_id = s->call_id,
                            .args = s->args,
                            .said = s->said,
                            .edited = s->edited,
                            .turn = s->turn,
                            .generation_from = s->generation_from,
                            .decided_seq = s->decided_seq,
                            .expires_ns = PAWL_NEVER};
}

/* From that step on the conversation is another one. What the user said in it is said again. */
static void set_aside(struct pawl_run *run, uint32_t from)
{
    for (uint32_t i = from - 1; i < run->steps_count; i++) run->steps[i]->aside = true;
    for (uint32_t i = 0; i < run->trips_count; i++)
        if (run->trips[i].step >= from) run->trips[i].aside = true;
    while (run->prunings_count && run->prunings[run->prunings_count - 1].step > from) run->prunings_count--;
    for (uint32_t i = 0; i < run->turns_count; i++) {
        if (run->turns[i].before_step < from) continue;
        run->turns[i].before_step = 0;
        if (run->turns_seen > i) run->turns_seen = i;
    }
}

/* It goes on, as if it had not ended. */
static void reopen(struct pawl_run *run)
{
    run->ended = run->kept = run->ending = run->stopped = run->undoing = false;
    run->status = PAWL_RUNNING;
    run->error_class = run->ending_class = PAWL_CLASS_NONE;
    run->ending_message = run->output = run->message = (struct pawl_str){NULL, 0};
}

int pawl_fold_retried(struct pawl_fold *f)
{
    struct pawl_run *run = f->run;
    yyjson_val *again = yyjson_obj_get(f->body, "again"), *v;
    const int64_t aside = pawl_json_i64(f->body, "aside", 0);
    size_t i, n;
    if (!run->ended) return pawl_fold_corrupt(f, "tried again while it goes on");
    if (aside < 0 || aside > run->steps_count) return pawl_fold_corrupt(f, "sets a step aside that is not there");
    yyjson_arr_foreach(again, i, n, v)
    {
        const int64_t number = yyjson_get_sint(v);
        struct pawl_step *s = number > 0 && number <= run->steps_count ? pawl_run_step(run, (uint32_t)number) : NULL;
        if (!s || s->kind != PAWL_STEP_TOOL || s->state != PAWL_STEP_NOT_DONE || s->applied)
            return pawl_fold_corrupt(f, "tries a step again that did not fail, or happened");
        if (i == 0 && yyjson_obj_get(f->body, "with")) pawl_fold_edit(f, s, "with");
        try_again(s);
        s->opinions_from = run->steps_count;
        if (run->ended_to >= s->number) run->ended_to = s->number - 1;
    }
    if (aside) set_aside(run, (uint32_t)aside);
    reopen(run);
    run->retries++;
    run->deadline_ns = run->ends_ns = 0; /* a person's word: what its parent had left counts no more */
    run->since_ns = f->r->at_ns;
    run->steps_before = run->steps_count;
    pawl_spend_anew(run);
    run->trips_from = run->trips_count;
    run->active_before_ns = pawl_json_i64(f->body, "active", 0);
    return PAWL_OK;
}

int pawl_fold_undo_asked(struct pawl_fold *f)
{
    struct pawl_run *run = f->run;
    const struct pawl_str output = run->output, message = run->message;
    const enum pawl_status status = run->status;
    const enum pawl_class error_class = run->error_class;
    if (!run->ended) return pawl_fold_corrupt(f, "to be undone while it goes on");
    reopen(run);
    run->ending = run->undoing = true;
    run->undo_to = (uint32_t)pawl_json_i64(f->body, "to", 0);
    run->ending_status = status;
    run->ending_class = error_class;
    run->ending_message = message;
    run->output = output;
    for (uint32_t i = 0; i < run->steps_count;
         i++) { /* an undo that is known not to have happened is tried once more */
        const struct pawl_step *s = run->steps[i];
        if (s->kind != PAWL_STEP_UNDO || s->state != PAWL_STEP_NOT_DONE || s->applied) continue;
        if (pawl_run_step(run, s->undoes)) pawl_run_step(run, s->undoes)->undo_failed = false;
    }
    for (uint32_t i = 0; i < run->steps_count; i++) { /* one that may have happened never is */
        const struct pawl_step *s = run->steps[i];
        if (s->kind != PAWL_STEP_UNDO || s->state != PAWL_STEP_NOT_DONE || !s->applied) continue;
        if (pawl_run_step(run, s->undoes)) pawl_run_step(run, s->undoes)->undo_failed = true;
    }
    return PAWL_OK;
}

/* {results_to, left_out_to, summary}, and {summarize: {model, to}}: the next step is the summary of all up to that one. */
int pawl_fold_pruned(struct pawl_fold *f)
{
    struct pawl_run *run = f->run;
    yyjson_val *summarize = yyjson_obj_get(f->body, "summarize");
    const struct pawl_pruning was = pawl_run_pruning(run, run->steps_count + 1);
    struct pawl_pruning *all, now = {.seq = f->r->seq,
                                     .step = run->steps_count + 1,
                                     .results_to = pawl_fold_small(f->body, "results_to"),
                                     .left_out_to = pawl_fold_small(f->body, "left_out_to"),
                                     .summary = pawl_fold_small(f->body, "summary")};
    if (now.results_to > run->steps_count || now.left_out_to > run->steps_count || now.summary > run->steps_count)
        return pawl_fold_corrupt(f, "leaves out a step that is not there");
    if (now.results_to < was.results_to || now.left_out_to < was.left_out_to)
        return pawl_fold_corrupt(f, "takes back what was left out");
    if (now.summary && pawl_run_step(run, now.summary)->kind != PAWL_STEP_SUMMARY)
        return pawl_fold_corrupt(f, "a summary that is none");
    if (summarize) {
        const uint32_t to = pawl_fold_small(summarize, "to");
        struct pawl_step *s = NULL;
        if (f->r->step != run->steps_count + 1 || to > run->steps_count)
            return pawl_fold_corrupt(f, "a step out of order");
        s = pawl_fold_step(run, PAWL_STEP_SUMMARY, f->r->seq);
        if (!s) return PAWL_ENOMEM;
        s->covers_to = to;
        s->name = pawl_str_copy(run->arena, pawl_json_str(summarize, "model"));
    }
    all = pawl_fold_grow(run->arena, run->prunings, run->prunings_count, &run->prunings_size, sizeof *all);
    if (!all) return PAWL_ENOMEM;
    run->prunings = all;
    all[run->prunings_count++] = now;
    return PAWL_OK;
}

int pawl_fold_tripped(struct pawl_fold *f)
{
    struct pawl_run *run = f->run;
    struct pawl_trip *trips = pawl_fold_grow(run->arena, run->trips, run->trips_count, &run->trips_size, sizeof *trips);
    struct pawl_trip t = {.step = f->r->step, .at_ns = f->r->at_ns};
    if (!trips) return PAWL_ENOMEM;
    t.rule = pawl_fold_text(f, "rule");
    t.says = pawl_fold_text(f, "says");
    t.from = (uint32_t)pawl_json_i64(f->body, "from", 0);
    t.limit = (uint32_t)pawl_json_i64(f->body, "limit", 0);
    t.count = (uint32_t)pawl_json_i64(f->body, "count", 0);
    t.bound = yyjson_get_num(yyjson_obj_get(f->body, "bound"));
    t.call = pawl_json_bool(f->body, "call", false);
    if (!t.rule.p || !pawl_guard_answer_of(pawl_json_str(f->body, "answer"), &t.answer))
        return pawl_fold_corrupt(f, "a guard without a rule or an answer");
    run->trips = trips;
    trips[run->trips_count++] = t;
    return PAWL_OK;
}

int pawl_fold_fact(struct pawl_fold *f)
{
    struct pawl_run *run = f->run;
    struct pawl_fact *facts = pawl_fold_grow(run->arena, run->facts, run->facts_count, &run->facts_size, sizeof *facts);
    struct pawl_fact t = {.step = f->r->step, .seq = f->r->seq, .at_ns = f->r->at_ns};
    if (!facts) return PAWL_ENOMEM;
    t.name = pawl_fold_text(f, "name");
    t.value = pawl_fold_json(f, "value");
    t.source = pawl_fold_text(f, "source");
    t.about = pawl_fold_json(f, "about");
    t.fresh_until_ns = pawl_json_i64(f->body, "fresh_until", 0);
    t.unverified = pawl_json_bool(f->body, "unverified", false);
    t.again = pawl_json_bool(f->body, "again", false);
    if (!t.name.p || !t.value.p) return pawl_fold_corrupt(f, "a fact without a name or a value");
    run->facts = facts;
    facts[run->facts_count++] = t;
    return PAWL_OK;
}

struct pawl_pruning pawl_run_pruning(const struct pawl_run *run, uint32_t step)
{
    for (uint32_t i = run->prunings_count; i-- > 0;)
        if (run->prunings[i].step <= step) return run->prunings[i];
    return (struct pawl_pruning){0};
}

int pawl_fold_opinion_asked(struct pawl_fold *f)
{
    const uint32_t on = pawl_fold_small(f->body, "on");
    const struct pawl_str digest = pawl_json_str(f->body, "digest");
    struct pawl_step *s;
    if (f->r->step != f->run->steps_count + 1) return pawl_fold_corrupt(f, "a step out of order");
    if (on == 0 || on > f->run->steps_count) return pawl_fold_corrupt(f, "an opinion on a step that is not there");
    s = pawl_fold_step(f->run, PAWL_STEP_OPINION, f->r->seq);
    if (!s) return PAWL_ENOMEM;
    s->opines_on = on;
    s->opinion_by = pawl_fold_small(f->body, "by");
    s->by_model = pawl_str_is(pawl_json_str(f->body, "of"), "model");
    s->name = pawl_fold_text(f, "name");
    /* a person may change the call's arguments meanwhile: an opinion is about those that it was asked about */
    s->args = s->by_model ? f->run->steps[on - 1]->args : pawl_fold_json(f, "args");
    s->shown = pawl_fold_json(f, "request");
    if (!digest.p || !pawl_unhex(s->judged_digest.b, sizeof s->judged_digest.b, digest))
        return pawl_fold_corrupt(f, "an opinion on no digest");
    return PAWL_OK;
}

int pawl_fold_opinion_judged(struct pawl_fold *f)
{
    struct pawl_step *s = f->step;
    const struct pawl_str digest = pawl_json_str(f->body, "digest");
    if (s->state >= PAWL_STEP_INTENDED_STATE) return pawl_fold_corrupt(f, "judged behind its intent");
    if (!digest.p || !pawl_unhex(s->judged_digest.b, sizeof s->judged_digest.b, digest))
        return pawl_fold_corrupt(f, "a judgement of no digest");
    s->judged = true;
    s->agreed = pawl_json_bool(f->body, "agree", false);
    s->opinion_says = pawl_fold_text(f, "says");
    s->opinion_stops = !s->agreed && pawl_str_is(pawl_json_str(f->body, "otherwise"), "stop");
    f->run->stopped = f->run->stopped || s->opinion_stops;
    return PAWL_OK;
}
