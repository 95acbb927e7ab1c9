/* src/journal/run.c - folding records into a run. One small function a kind; `folds` below is the table of them.
 * What makes a run go on otherwise than it did, and what guards say, is in run_again.c. */
#include "journal/fold.h"
#include "journal/sealed.h"
#include "contract/json.h"
#include "journal/rules.h"
#include "journal/run_heard.h"
#include "journal/spend.h"
#include <assert.h>
#include <string.h>

int pawl_fold_corrupt(const struct pawl_fold *f, const char *what)
{
    return pawl_fail(f->err, PAWL_ECORRUPT, "", "run pawl verify", "record %llu (%s): %s",
                     (unsigned long long)f->r->seq, pawl_kind_name(f->r->kind), what);
}

/* Text of a member, kept in the run's arena; {NULL,0} where it is absent. */
struct pawl_str pawl_fold_text(const struct pawl_fold *f, const char *name)
{
    struct pawl_str s = pawl_json_str(f->body, name);
    return s.p ? pawl_str_copy(f->run->arena, s) : s;
}

/* A member of any type as compact JSON text, kept; {NULL,0} where it is absent. */
struct pawl_str pawl_fold_json(const struct pawl_fold *f, const char *name)
{
    yyjson_val *v = yyjson_obj_get(f->body, name);
    struct pawl_buf b;
    if (!v) return (struct pawl_str){NULL, 0};
    pawl_buf_init_arena(&b, f->run->arena);
    pawl_json_write(v, &b);
    return pawl_buf_done(&b);
}

/* A number from 0 to 2^32 - 1; else 0. */
uint32_t pawl_fold_small(yyjson_val *of, const char *name)
{
    const int64_t n = pawl_json_i64(of, name, 0);
    return n > 0 && n <= UINT32_MAX ? (uint32_t)n : 0;
}

void pawl_fold_hash(const struct pawl_fold *f, const char *name, struct pawl_hash *out)
{
    struct pawl_str s = pawl_json_str(f->body, name);
    if (!s.p || !pawl_unhex(out->b, sizeof out->b, s)) memset(out, 0, sizeof *out);
}

void pawl_fold_key(const struct pawl_fold *f, struct pawl_step *s)
{
    struct pawl_str key = pawl_json_str(f->body, "key");
    if (!key.p || key.n >= sizeof s->key) return;
    memcpy(s->key, key.p, key.n);
    s->key[key.n] = 0;
}

/* Room for one more item of an arena-backed array; doubling, so the garbage is less than the array. */
void *pawl_fold_grow(struct pawl_arena *a, void *items, uint32_t count, uint32_t *size, size_t item_bytes)
{
    if (count < *size) return items;
    const uint32_t larger = *size ? *size * 2 : 8;
    void *p = pawl_arena_get(a, larger * item_bytes);
    if (!p) return NULL;
    if (count) memcpy(p, items, count * item_bytes);
    *size = larger;
    return p;
}

struct pawl_step *pawl_fold_step(struct pawl_run *run, enum pawl_step_kind kind, uint64_t seq)
{
    struct pawl_step **steps =
        pawl_fold_grow(run->arena, run->steps, run->steps_count, &run->steps_size, sizeof(void *));
    struct pawl_step *s = pawl_arena_zeroed(run->arena, sizeof *s);
    if (!steps || !s) return NULL;
    run->steps = steps;
    steps[run->steps_count++] = s;
    s->number = run->steps_count;
    s->kind = kind;
    s->decided_seq = seq;
    s->turn = run->turns_seen;
    s->expires_ns = PAWL_NEVER;
    return s;
}

static int add_turn(struct pawl_run *run, struct pawl_str text, uint64_t seq)
{
    struct pawl_turn_text *turns =
        pawl_fold_grow(run->arena, run->turns, run->turns_count, &run->turns_size, sizeof *turns);
    if (!turns) return PAWL_ENOMEM;
    run->turns = turns;
    turns[run->turns_count++] = (struct pawl_turn_text){.text = text, .seq = seq};
    return PAWL_OK;
}

/* Messages that wait enter the conversation before the model step `number`, all of them (LEDGER 7). */
static void enter_turns(struct pawl_run *run, uint32_t number)
{
    for (uint32_t i = run->turns_seen; i < run->turns_count; i++) run->turns[i].before_step = number;
    run->turns_seen = run->turns_count;
}

static void fold_schedule(struct pawl_fold *f)
{
    yyjson_val *schedule = yyjson_obj_get(f->body, "schedule");
    const struct pawl_fold of = {.run = f->run, .r = f->r, .body = schedule};
    if (!schedule) return;
    f->run->schedule = pawl_fold_text(&of, "name");
    f->run->slot_ns = pawl_json_i64(schedule, "at", 0);
}

static int fold_created(struct pawl_fold *f)
{
    struct pawl_run *run = f->run;
    struct pawl_str text;
    if (f->r->seq != 1) return pawl_fold_corrupt(f, "a run is created once, first");
    run->id = f->r->run;
    run->agent = pawl_fold_text(f, "agent");
    run->key = pawl_fold_text(f, "key");
    run->input = pawl_fold_json(f, "input");
    run->chat = pawl_json_bool(f->body, "chat", false);
    run->begins_ns = pawl_json_i64(f->body, "begins", 0);
    run->created_ns = run->since_ns = f->r->at_ns;
    run->status = PAWL_RUNNING;
    pawl_fold_hash(f, "config", &run->config);
    if (!run->agent.p || !run->input.p) return pawl_fold_corrupt(f, "agent or input is missing");
    if (pawl_spend_payers(run, f->body)) return PAWL_ENOMEM;
    pawl_fold_parent(f);
    fold_schedule(f);
    text = pawl_fold_text(f, "input"); /* text goes to the model as it is, other JSON as JSON */
    return add_turn(run, text.p ? text : run->input, f->r->seq);
}

static int fold_ended(struct pawl_fold *f)
{
    struct pawl_run *run = f->run;
    const int64_t status = pawl_json_i64(f->body, "code", 0);
    if (status < PAWL_DONE || status > PAWL_DEAD) return pawl_fold_corrupt(f, "not an ending");
    run->ended = true;
    run->status = (enum pawl_status)status;
    run->output = pawl_fold_json(f, "output");
    run->message = pawl_fold_text(f, "message");
    run->error_class = pawl_class_of(pawl_json_str(f->body, "class"));
    return PAWL_OK;
}

static int fold_cancelled(struct pawl_fold *f)
{
    struct pawl_run *run = f->run;
    if (run->ending) return PAWL_OK; /* the first reason stands */
    run->ending = true;
    run->ending_status = (enum pawl_status)pawl_json_i64(f->body, "code", PAWL_CANCELLED_RUN);
    run->ending_class = pawl_class_of(pawl_json_str(f->body, "class"));
    run->ending_message = pawl_fold_text(f, "message");
    run->kept = pawl_json_bool(f->body, "keep", false);
    return PAWL_OK;
}

void pawl_fold_intent_key(const struct pawl_fold *f, struct pawl_step *s)
{
    if (!yyjson_obj_get(f->body, "intent")) return;
    s->has_intent = true;
    pawl_fold_hash(f, "intent", &s->intent_key);
    pawl_fold_hash(f, "args", &s->args_digest);
}

static void fold_instead(const struct pawl_fold *f, struct pawl_step *s)
{
    struct pawl_fold of = *f;
    of.body = yyjson_obj_get(f->body, "instead");
    if (!of.body || !pawl_id_parse(pawl_json_str(of.body, "run"), &s->instead.run)) return;
    s->instead.step = (uint32_t)pawl_json_i64(of.body, "step", 0);
    s->instead.turn = (uint32_t)pawl_json_i64(of.body, "turn", 0);
    s->instead.state = (enum pawl_claim_state)pawl_json_i64(of.body, "state", PAWL_CLAIM_DONE);
    s->instead.until_ns = pawl_json_i64(of.body, "until", PAWL_NEVER);
    pawl_fold_hash(&of, "args", &s->instead.args);
}

static int fold_reserve(const struct pawl_fold *f, struct pawl_step *s)
{
    const char *what = "";
    const int rc = pawl_spend_reserve(f->run, s, f->body, &what);
    return rc == PAWL_ECORRUPT ? pawl_fold_corrupt(f, what) : rc;
}

static int fold_settled(struct pawl_fold *f)
{
    const char *what = "";
    const int rc = pawl_spend_settle(f->run, f->step, f->body, &what);
    return rc == PAWL_ECORRUPT ? pawl_fold_corrupt(f, what) : rc;
}

static int fold_intended(struct pawl_fold *f)
{
    struct pawl_run *run = f->run;
    struct pawl_step *s = f->step;
    const bool model = pawl_str_is(pawl_json_str(f->body, "kind"), "model");
    if (!s) {
        if (!model || f->r->step != run->steps_count + 1) return pawl_fold_corrupt(f, "a step out of order");
        s = pawl_fold_step(run, PAWL_STEP_MODEL, f->r->seq);
        if (!s) return PAWL_ENOMEM;
        enter_turns(run, s->number);
    }
    if (model) s->name = pawl_fold_text(f, "name"), s->degraded_from = pawl_fold_text(f, "degraded");
    if (model) s->routed = pawl_fold_json(f, "routed");
    if (s->routed.p) run->routed = pawl_str_copy(run->arena, pawl_json_str(yyjson_obj_get(f->body, "routed"), "to"));
    if (s->state == PAWL_STEP_INTENDED_STATE || pawl_step_ended(s)) return pawl_fold_corrupt(f, "intended twice");
    s->state = PAWL_STEP_INTENDED_STATE;
    s->intended_seq = f->r->seq;
    s->intended_at_ns = s->first_attempt_ns = s->last_attempt_ns = f->r->at_ns;
    s->attempts = 1;
    s->open = true;
    s->generation = (uint32_t)pawl_json_i64(f->body, "generation", 0);
    s->told_bytes = pawl_fold_small(f->body, "told");
    s->request = pawl_fold_json(f, "request");
    s->look = pawl_fold_json(f, "look");
    s->before = pawl_fold_json(f, "before");
    if (pawl_str_is(pawl_json_str(f->body, "kind"), "wait")) s->awaits = pawl_fold_text(f, "signal");
    s->is_child = pawl_str_is(pawl_json_str(f->body, "kind"), "child");
    fold_instead(f, s);
    pawl_fold_hash(f, "digest", &s->digest);
    pawl_fold_hash(f, "look_digest", &s->look_digest);
    pawl_fold_key(f, s);
    pawl_fold_intent_key(f, s);
    return fold_reserve(f, s);
}

static int fold_attempted(struct pawl_fold *f)
{
    struct pawl_step *s = f->step;
    yyjson_val *ended = yyjson_obj_get(f->body, "ended");
    if (s->state != PAWL_STEP_INTENDED_STATE) return pawl_fold_corrupt(f, "an attempt of a step that was not intended");
    s->accepted = false;
    if (!ended) {
        s->attempts = (uint32_t)pawl_json_i64(f->body, "attempt", s->attempts + 1);
        s->last_attempt_ns = f->r->at_ns;
        s->open = true;
        s->resend = false;
        s->called = false; /* what was called back led to this; what comes from now on is of this attempt */
        s->retry_at_ns = 0;
        if (pawl_json_str(f->body, "model").p) s->name = pawl_fold_text(f, "model"), s->other_model = true;
        if (pawl_json_str(f->body, "digest").p) pawl_fold_hash(f, "digest", &s->digest);
        return fold_reserve(f, s);
    }
    s->open = false;
    s->last_attempt_ns = f->r->at_ns;
    s->retry_at_ns = pawl_json_i64(ended, "retry_at", 0);
    s->last_class = pawl_class_of(pawl_json_str(ended, "class"));
    if (pawl_str_is(pawl_json_str(ended, "applied"), "unknown")) s->unknown = true;
    if (pawl_json_bool(ended, "cleared", false)) s->unknown = false; /* verify looked: it did not happen */
    return PAWL_OK;
}

static int fold_heard(struct pawl_fold *f)
{
    return pawl_run_heard(f->run, f->step, f->r, f->body) ? PAWL_OK
                                                          : pawl_fold_corrupt(f, "heard of what is not awaited");
}

/* The model's calls become the next steps, in their order: number and name are a step's identity. */
static int add_calls(struct pawl_fold *f, struct pawl_step *model)
{
    struct pawl_fold said = *f;
    yyjson_val *calls, *call;
    size_t i, n;
    said.body = yyjson_obj_get(f->body, "result");
    calls = yyjson_obj_get(said.body, "tool_calls");
    model->content = pawl_fold_text(&said, "content");
    model->finish = pawl_fold_text(&said, "finish");
    model->refusal = pawl_fold_text(&said, "refusal");
    model->told_tokens = pawl_fold_small(yyjson_obj_get(said.body, "usage"), "input");
    if (model->kind != PAWL_STEP_MODEL) return PAWL_OK; /* beside the conversation: nothing is called */
    model->calls = (uint32_t)yyjson_arr_size(calls);
    if (model->number != f->run->steps_count) return pawl_fold_corrupt(f, "calls decided beside other steps");
    yyjson_arr_foreach(calls, i, n, call)
    {
        struct pawl_fold of_call = *f;
        struct pawl_step *s = pawl_fold_step(f->run, PAWL_STEP_TOOL, f->r->seq);
        if (!s) return PAWL_ENOMEM;
        of_call.body = call;
        s->name = pawl_fold_text(&of_call, "name");
        s->call_id = pawl_fold_text(&of_call, "id");
        s->args = pawl_fold_text(&of_call, "arguments");
    }
    return PAWL_OK;
}

void pawl_fold_first(struct pawl_fold *f, struct pawl_step *s)
{
    yyjson_val *first = yyjson_obj_get(f->body, "first");
    if (!first) return;
    s->first_step = (uint32_t)pawl_json_i64(first, "step", 0);
    if (!pawl_id_parse(pawl_json_str(first, "run"), &s->first_run)) s->first_run = f->run->id;
}

static void end_step(const struct pawl_fold *f, struct pawl_step *s, enum pawl_step_state state)
{
    s->state = state;
    s->ended_seq = f->r->seq;
    s->ended_at_ns = f->r->at_ns;
    s->open = false;
    s->unknown = false;
    s->accepted = false;
    s->attempts = (uint32_t)pawl_json_i64(f->body, "attempts", s->attempts);
    s->message = pawl_fold_text(f, "message");
    pawl_fold_intent_key(f, s);
}

/* "undoes": the earlier steps of this run whose claims this one ended, by running their undo tool (DESIGN 4.2). */
static void fold_undoes(const struct pawl_fold *f)
{
    yyjson_val *numbers = yyjson_obj_get(f->body, "undoes"), *v;
    size_t i, n;
    yyjson_arr_foreach(numbers, i, n, v)
    {
        struct pawl_step *undone = pawl_run_step(f->run, (uint32_t)yyjson_get_int(v));
        if (undone) undone->undone = true;
    }
}

/* The signal that it waited for is this step's, for good. */
static int take_signal(const struct pawl_fold *f)
{
    const int64_t seq = pawl_json_i64(f->body, "signal", 0);
    struct pawl_run *run = f->run;
    if (!seq) return PAWL_OK;
    for (uint32_t i = 0; i < run->signals_count; i++) {
        struct pawl_signal *g = &run->signals[i];
        if (g->seq != (uint64_t)seq) continue;
        if (g->taken_by) return pawl_fold_corrupt(f, "takes a signal that was taken already");
        g->taken_by = f->step->number;
        run->signals_taken++;
        return PAWL_OK;
    }
    return pawl_fold_corrupt(f, "takes a signal that is not there");
}

static int fold_completed(struct pawl_fold *f)
{
    struct pawl_step *s = f->step;
    int rc;
    if (s->reserves) return pawl_fold_corrupt(f, "ended before its budget was settled");
    if (!yyjson_obj_get(f->body, "result")) return pawl_fold_corrupt(f, "completed without a result");
    if ((rc = take_signal(f)) != PAWL_OK) return rc;
    end_step(f, s, PAWL_STEP_DONE);
    s->result = pawl_fold_json(f, "result");
    s->answered = yyjson_obj_get(f->body, "first") != NULL;
    s->differs = pawl_str_is(pawl_json_str(f->body, "verified"), "differs");
    s->read_back =
        pawl_str_is(pawl_json_str(f->body, "verified"), "yes") || pawl_str_is(pawl_json_str(f->body, "from"), "verify");
    s->note = pawl_fold_text(f, "note");
    s->applied = !s->answered && !s->note.p;
    pawl_fold_first(f, s);
    if (pawl_fold_checked(f, s)) return PAWL_ENOMEM;
    fold_undoes(f);
    if (s->kind == PAWL_STEP_UNDO && pawl_run_step(f->run, s->undoes)) {
        pawl_run_step(f->run, s->undoes)->undone = true;
        pawl_run_step(f->run, s->undoes)->undone_by = s->number;
    }
    return pawl_step_asks_model(s) ? add_calls(f, s) : PAWL_OK;
}

static int fold_failed(struct pawl_fold *f)
{
    struct pawl_step *s = f->step;
    const int rc = take_signal(f);
    if (s->reserves) return pawl_fold_corrupt(f, "ended before its budget was settled");
    if (rc) return rc;
    end_step(f, s, PAWL_STEP_NOT_DONE);
    s->error_class = pawl_class_of(pawl_json_str(f->body, "class"));
    s->applied = pawl_json_bool(f->body, "applied", false);
    if (yyjson_obj_get(f->body, "result")) s->result = pawl_fold_json(f, "result");
    if (pawl_fold_checked(f, s)) return PAWL_ENOMEM;
    if (s->kind == PAWL_STEP_UNDO && pawl_run_step(f->run, s->undoes))
        pawl_run_step(f->run, s->undoes)->undo_failed = true;
    return PAWL_OK;
}

static int fold_in_doubt(struct pawl_fold *f)
{
    struct pawl_step *s = f->step;
    if (s->state != PAWL_STEP_INTENDED_STATE) return pawl_fold_corrupt(f, "in doubt about what was not intended");
    s->state = PAWL_STEP_DOUBT;
    s->open = false;
    s->accepted = false;
    s->asked_seq = f->r->seq;
    s->message = pawl_fold_text(f, "message");
    s->last_class = pawl_class_of(pawl_json_str(f->body, "class"));
    s->doubt_applied = pawl_str_is(pawl_json_str(f->body, "applied"), "yes");
    s->unknown = !s->doubt_applied;
    return PAWL_OK;
}

/* The human's word. What it leads to (completed, failed, attempted) is recorded behind it, in the same commit. */
static int fold_resolved(struct pawl_fold *f)
{
    struct pawl_step *s = f->step;
    const struct pawl_str how = pawl_json_str(f->body, "how");
    if (s->state != PAWL_STEP_DOUBT) return pawl_fold_corrupt(f, "resolved without doubt");
    s->state = PAWL_STEP_INTENDED_STATE;
    s->asked_seq = 0;
    s->reason = pawl_fold_text(f, "reason");
    s->result = pawl_fold_json(f, "result");
    s->stop = pawl_str_is(how, "stop");
    f->run->stopped = f->run->stopped || s->stop;
    s->resend = pawl_str_is(how, "not_happened");
    if (s->resend) s->called = false; /* what is called back from now on is of the next attempt */
    s->applied = pawl_str_is(how, "happened");
    s->unknown = false;
    return PAWL_OK;
}

static int keep_signal(const struct pawl_fold *f)
{
    struct pawl_run *run = f->run;
    struct pawl_signal *signals =
        pawl_fold_grow(run->arena, run->signals, run->signals_count, &run->signals_size, sizeof *signals);
    if (!signals) return PAWL_ENOMEM;
    run->signals = signals;
    signals[run->signals_count++] = (struct pawl_signal){.name = pawl_fold_text(f, "name"),
                                                         .payload = pawl_fold_json(f, "payload"),
                                                         .key = pawl_fold_text(f, "key"),
                                                         .seq = f->r->seq};
    if (!signals[run->signals_count - 1].payload.p) signals[run->signals_count - 1].payload = PAWL_STR("null");
    return PAWL_OK;
}

/* A message of the user, or a signal by name. */
static int fold_signal(struct pawl_fold *f)
{
    if (pawl_json_str(f->body, "name").p) return keep_signal(f);
    const struct pawl_str text = pawl_fold_text(f, "text");
    if (pawl_json_bool(f->body, "end", false)) f->run->chat_ended = true;
    return text.p ? add_turn(f->run, text, f->r->seq) : PAWL_OK;
}

static int fold_undo_started(struct pawl_fold *f)
{
    struct pawl_step *s;
    if (f->r->step != f->run->steps_count + 1) return pawl_fold_corrupt(f, "a step out of order");
    s = pawl_fold_step(f->run, PAWL_STEP_UNDO, f->r->seq);
    if (!s) return PAWL_ENOMEM;
    s->name = pawl_fold_text(f, "name");
    s->args = pawl_fold_json(f, "args");
    s->undoes = (uint32_t)pawl_json_i64(f->body, "undoes", 0);
    return PAWL_OK;
}

/* What came too late to count is kept for people to see, and counted so that there is an end to it. What a guard had read
 * back is known from then on. */
static int fold_note(struct pawl_fold *f)
{
    struct pawl_step *s = f->r->step ? pawl_run_step(f->run, f->r->step) : NULL;
    const struct pawl_str looked = pawl_json_str(f->body, "looked_back");
    if (s && pawl_json_str(f->body, "late").p) s->late++;
    if (!s || !looked.p) return PAWL_OK;
    s->looked_back = pawl_str_is(looked, "yes")       ? PAWL_LOOKED_AS_EXPECTED
                     : pawl_str_is(looked, "differs") ? PAWL_LOOKED_DIFFERS
                                                      : PAWL_LOOKED_NOT_TOLD;
    s->looked_back_before = pawl_fold_small(f->body, "before");
    if (s->looked_back == PAWL_LOOKED_AS_EXPECTED) s->read_back = true;
    return PAWL_OK;
}

static int fold_nothing(struct pawl_fold *f)
{
    (void)f;
    return PAWL_OK;
}

enum { ANY, OPEN_STEP, MAYBE_STEP }; /* what step the record must name */
static const struct {
    int (*take)(struct pawl_fold *f);
    int step;
} folds[PAWL_KIND_COUNT] = {
    [PAWL_RUN_CREATED] = {fold_created, ANY},
    [PAWL_RUN_ENDED] = {fold_ended, ANY},
    [PAWL_RUN_CANCELLED] = {fold_cancelled, ANY},
    [PAWL_STEP_INTENDED] = {fold_intended, MAYBE_STEP},
    [PAWL_STEP_ATTEMPTED] = {fold_attempted, OPEN_STEP},
    [PAWL_STEP_COMPLETED] = {fold_completed, OPEN_STEP},
    [PAWL_STEP_FAILED] = {fold_failed, OPEN_STEP},
    [PAWL_STEP_IN_DOUBT] = {fold_in_doubt, OPEN_STEP},
    [PAWL_STEP_RESOLVED] = {fold_resolved, OPEN_STEP},
    [PAWL_GATE_ASKED] = {pawl_fold_asked, MAYBE_STEP},
    [PAWL_GATE_ANSWERED] = {pawl_fold_answered, OPEN_STEP},
    [PAWL_SIGNAL_RECEIVED] = {fold_signal, ANY},
    [PAWL_CHILD_STARTED] = {pawl_fold_child_started, OPEN_STEP},
    [PAWL_CHILD_ENDED] = {pawl_fold_child_ended, OPEN_STEP},
    [PAWL_UNDO_STARTED] = {fold_undo_started, ANY},
    [PAWL_UNDO_ENDED] = {fold_nothing, ANY},
    [PAWL_FACT_WRITTEN] = {pawl_fold_fact, ANY},
    [PAWL_GUARD_TRIPPED] = {pawl_fold_tripped, ANY},
    [PAWL_OPINION_ASKED] = {pawl_fold_opinion_asked, ANY},
    [PAWL_OPINION_JUDGED] = {pawl_fold_opinion_judged, OPEN_STEP},
    [PAWL_CONTEXT_PRUNED] = {pawl_fold_pruned, ANY},
    [PAWL_NOTE] = {fold_note, ANY},
    [PAWL_STEP_ACCEPTED] = {fold_heard, OPEN_STEP},
    [PAWL_STEP_POLLED] = {fold_heard, OPEN_STEP},
    [PAWL_STEP_CALLED] = {fold_heard, OPEN_STEP},
    [PAWL_RUN_RETRIED] = {pawl_fold_retried, ANY},
    [PAWL_UNDO_ASKED] = {pawl_fold_undo_asked, ANY},
    [PAWL_BUDGET_SETTLED] = {fold_settled, OPEN_STEP},
};

static int remember_answer(struct pawl_fold *f)
{
    struct pawl_run *run = f->run;
    const struct pawl_str id = pawl_fold_text(f, "id");
    struct pawl_answer_id *answers;
    if (!id.p) return PAWL_OK;
    answers = pawl_fold_grow(run->arena, run->answers, run->answers_count, &run->answers_size, sizeof *answers);
    if (!answers) return PAWL_ENOMEM;
    run->answers = answers;
    answers[run->answers_count++] = (struct pawl_answer_id){.id = id, .seq = f->r->seq};
    return PAWL_OK;
}

static int take(struct pawl_fold *f)
{
    const struct pawl_record *r = f->r;
    int rc;
    if (r->kind <= PAWL_KIND_NONE || r->kind >= PAWL_KIND_COUNT || !folds[r->kind].take)
        return pawl_fold_corrupt(f, "a kind that this version does not know");
    if (f->run->ended && r->kind != PAWL_RUN_RETRIED && r->kind != PAWL_UNDO_ASKED)
        return pawl_fold_corrupt(f, "a record behind the end");
    if (folds[r->kind].step != ANY) {
        f->step = pawl_run_step(f->run, r->step);
        if (!f->step && folds[r->kind].step == OPEN_STEP) return pawl_fold_corrupt(f, "no such step");
        if (f->step && pawl_step_ended(f->step)) return pawl_fold_corrupt(f, "the step has ended already");
    }
    rc = folds[r->kind].take(f);
    return rc ? rc : remember_answer(f);
}

int pawl_run_init(struct pawl_run *run, struct pawl_arena *arena)
{
    memset(run, 0, sizeof *run);
    run->arena = arena;
    return PAWL_OK;
}

int pawl_run_fold(struct pawl_run *run, const struct pawl_record *r, struct pawl_error *err)
{
    struct pawl_fold f = {.run = run, .r = r, .err = err};
    _Alignas(16) char first[8192]; /* most bodies are read in this */
    struct pawl_arena scratch;
    int rc;
    if (r->seq != run->seq + 1) return pawl_fold_corrupt(&f, "a gap in the journal");
    pawl_arena_init_on(&scratch, run->arena->from, first, sizeof first);
    rc = pawl_json_read(pawl_record_whole(r), &scratch, &f.body, err);
    if (rc == PAWL_OK) rc = take(&f);
    else if (rc != PAWL_ENOMEM) rc = pawl_fold_corrupt(&f, "its body is not JSON");
    if (run->arena->failed) rc = PAWL_ENOMEM; /* whatever seemed to be missing then */
    pawl_arena_fini(&scratch);
    while (run->ended_to < run->steps_count && pawl_step_ended(run->steps[run->ended_to])) run->ended_to++;
    run->seq = r->seq;
    run->hash = r->hash;
    run->at_ns = r->at_ns;
    return rc;
}

struct pawl_step *pawl_run_step(const struct pawl_run *run, uint32_t number)
{
    return number > 0 && number <= run->steps_count ? run->steps[number - 1] : NULL;
}

bool pawl_step_ended(const struct pawl_step *s)
{
    return s->state == PAWL_STEP_DONE || s->state == PAWL_STEP_NOT_DONE;
}

const struct pawl_signal *pawl_run_signal(const struct pawl_run *run, struct pawl_str name)
{
    for (uint32_t i = 0; i < run->signals_count && run->signals_taken < run->signals_count; i++)
        if (!run->signals[i].taken_by && pawl_str_eq(run->signals[i].name, name)) return &run->signals[i];
    return NULL;
}

const struct pawl_signal *pawl_run_signal_keyed(const struct pawl_run *run, struct pawl_str name, struct pawl_str key)
{
    for (uint32_t i = 0; key.p && i < run->signals_count; i++)
        if (pawl_str_eq(run->signals[i].key, key) && pawl_str_eq(run->signals[i].name, name)) return &run->signals[i];
    return NULL;
}

/* A person's message that the model has heard, or will, before that step lifts what was before it. */
static bool spoke_since(const struct pawl_run *run, uint32_t since, uint32_t number)
{
    for (uint32_t i = run->turns_count; i-- > 0;) {
        /* what nobody has heard yet comes with the next step, also while that step is being decided */
        const uint32_t before = run->turns[i].before_step ? run->turns[i].before_step : run->steps_count + 1;
        if (before > since && before <= number) return true;
    }
    return false;
}

const struct pawl_trip *pawl_run_narrowed(const struct pawl_run *run, uint32_t number)
{
    for (uint32_t i = run->trips_count; i-- > run->trips_from;) {
        const struct pawl_trip *t = &run->trips[i];
        if (t->answer != PAWL_GUARD_NARROW || t->aside || t->step > number) continue;
        return spoke_since(run, t->step, number) ? NULL : t;
    }
    return NULL;
}

const struct pawl_trip *pawl_run_stopped(const struct pawl_run *run)
{
    for (uint32_t i = run->trips_from; i < run->trips_count; i++)
        if (run->trips[i].answer == PAWL_GUARD_STOP) return &run->trips[i];
    return NULL;
}

uint64_t pawl_run_answered(const struct pawl_run *run, struct pawl_str id)
{
    for (uint32_t i = 0; id.p && i < run->answers_count; i++)
        if (pawl_str_eq(run->answers[i].id, id)) return run->answers[i].seq;
    return 0;
}
