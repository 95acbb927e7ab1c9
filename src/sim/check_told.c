/* src/sim/check_told.c - what the model and the people are told: a conversation in its right order, with every word by
 * whom it is from (LEDGER 7, 8), and questions that give all their reasons and none that is not one (LEDGER 7, 9). */
#include "sim/world.h"
#include "agent/agent.h"
#include <stdlib.h>
#include <string.h>

enum { CALLS_MAX = 16 };
struct talk { /* a conversation, read from its beginning */
    struct pawl_sim *w;
    const struct pawl_sim_run *run;
    uint32_t step;
    struct pawl_str calls[CALLS_MAX]; /* of the assistant's last message */
    uint32_t calls_count, results_count, turns_count, notes_count;
    struct pawl_pruning how; /* what the journal says is left out of it */
    bool keep_first;
};

static void wrong(const struct talk *t, size_t at, const char *what)
{
    pawl_sim_broken(t->w, "conversation", "run%u #%u: message %zu %s", t->run->index, t->step, at, what);
}

static void assistant(struct talk *t, yyjson_val *message)
{
    yyjson_val *call;
    size_t i, n;
    t->calls_count = t->results_count = 0;
    yyjson_arr_foreach(yyjson_obj_get(message, "tool_calls"), i, n, call) if (t->calls_count < CALLS_MAX)
        t->calls[t->calls_count++] = pawl_json_str(call, "id");
}

/* This message of a user's is not to be told: it stands where all is left out. */
static bool left_out(const struct talk *t, uint32_t turn)
{
    const uint32_t before = t->run->stored.turns[turn].before_step;
    if (before == 0 || before > t->how.left_out_to) return false;
    return turn > 0 || !t->keep_first;
}

/* The text of the next message of a user's, or of the runtime that asks for another answer. */
static bool said(struct talk *t, struct pawl_str text)
{
    static const char fault[] = "Your answer", gap[] = "[Left out to save room: what was said and done up to step",
                      note[] = "A note of the runtime";
    const struct pawl_run *run = &t->run->stored;
    if (t->how.left_out_to && text.n >= sizeof gap - 1 && memcmp(text.p, gap, sizeof gap - 1) == 0) return true;
    while (t->turns_count < run->turns_count && left_out(t, t->turns_count)) t->turns_count++;
    if (t->turns_count < run->turns_count && pawl_str_eq(text, run->turns[t->turns_count].text)) {
        const uint32_t before = run->turns[t->turns_count].before_step;
        if (before > 0 && before <= t->step) return t->turns_count++, true;
    }
    if (text.n >= sizeof note - 1 && memcmp(text.p, note, sizeof note - 1) == 0) return t->notes_count++, true;
    return text.n >= sizeof fault - 1 && memcmp(text.p, fault, sizeof fault - 1) == 0;
}

/* A line in the place of an answer is there only where the journal says so: of a step that was shortened. */
static bool shortened(const struct talk *t, struct pawl_str text)
{
    static const char stub[] = "[left out to save room: ", step[] = "{\"step\":";
    const char *at;
    if (text.n < sizeof stub - 1 || memcmp(text.p, stub, sizeof stub - 1) != 0) return true;
    at = memmem(text.p, text.n, step, sizeof step - 1);
    return at && strtoul(at + sizeof step - 1, NULL, 10) <= t->how.results_to;
}

static void one_message(struct talk *t, size_t at, yyjson_val *message)
{
    const struct pawl_str role = pawl_json_str(message, "role");
    const bool result = pawl_str_is(role, "tool"), open = t->results_count < t->calls_count;
    if (result) {
        if (!open || !pawl_str_eq(pawl_json_str(message, "tool_call_id"), t->calls[t->results_count]))
            wrong(t, at, "is a result of no call that waits for one");
        if (!shortened(t, pawl_json_str(message, "content")))
            wrong(t, at, "is left out, and the journal does not say so");
        t->results_count++;
        return;
    }
    if (open) wrong(t, at, "stands between the model's calls and their results");
    if (pawl_str_is(role, "assistant")) assistant(t, message);
    else if (pawl_str_is(role, "user")) {
        if (!said(t, pawl_json_str(message, "content"))) wrong(t, at, "is a user's, and no user has said it");
    } else if (!pawl_str_is(role, "system") || at > 0) wrong(t, at, "is nobody's");
}

/* The same step asks the same model with the same bytes, whatever happened in between; and not with more than its limit. */
static void check_bytes(struct pawl_sim *w, struct pawl_sim_run *run, const struct pawl_attempt *a,
                        const struct pawl_step *s, uint32_t limit)
{
    struct pawl_sim_step *f = &run->steps[a->step - 1];
    const struct pawl_hash now = pawl_sha256(a->request.p, a->request.n);
    if (f->asked_of && pawl_str_eq(f->asked_of->name, a->model->name) && !pawl_sim_same_hash(f->asked, now))
        pawl_sim_broken(w, "context", "run%u #%u: the same model is asked otherwise than before", run->index, a->step);
    f->asked_of = a->model;
    f->asked = now;
    if (s->kind == PAWL_STEP_MODEL && limit && pawl_agent_tokens(&run->stored, s->told_bytes) > limit)
        pawl_sim_broken(w, "context", "run%u #%u: about %u tokens leave, the limit is %u", run->index, a->step,
                        pawl_agent_tokens(&run->stored, s->told_bytes), limit);
}

void pawl_sim_check_conversation(struct pawl_sim *w, struct pawl_sim_run *run, const struct pawl_attempt *a)
{
    const struct pawl_agent *agent = pawl_config_agent(&w->config, run->stored.agent);
    const struct pawl_step *s = pawl_run_step(&run->stored, a->step);
    struct talk t = {.w = w,
                     .run = run,
                     .step = a->step,
                     .how = pawl_run_pruning(&run->stored, a->step),
                     .keep_first = agent->context.keep_first_user};
    yyjson_val *request = NULL, *body = NULL, *message;
    uint32_t turns = 0, notes = 0;
    size_t i, n;
    if (pawl_json_read(a->request, &w->scratch, &request, NULL) ||
        pawl_json_read(pawl_json_str(yyjson_obj_get(request, "http"), "body"), &w->scratch, &body, NULL)) {
        pawl_sim_broken(w, "conversation", "run%u #%u: the model's request is not JSON", run->index, a->step);
        return;
    }
    if (s) check_bytes(w, run, a, s, agent->context.limit_tokens);
    if (s && s->kind != PAWL_STEP_MODEL) { /* beside the conversation: it calls nothing */
        if (yyjson_obj_get(body, "tools")) wrong(&t, 0, "comes with tools, and is beside the conversation");
        return;
    }
    yyjson_arr_foreach(yyjson_obj_get(body, "messages"), i, n, message) one_message(&t, i, message);
    while (t.turns_count < run->stored.turns_count && left_out(&t, t.turns_count)) t.turns_count++;
    if (t.results_count < t.calls_count) wrong(&t, i, "is missing: a call has no result");
    for (uint32_t k = 0; k < run->stored.turns_count; k++)
        turns += run->stored.turns[k].before_step > 0 && run->stored.turns[k].before_step <= a->step;
    for (uint32_t k = 0; k < run->stored.trips_count; k++) {
        const struct pawl_trip *trip = &run->stored.trips[k];
        notes += !trip->aside && trip->step <= a->step && trip->step > t.how.left_out_to &&
                 (trip->answer == PAWL_GUARD_TELL || trip->answer == PAWL_GUARD_NARROW);
    }
    for (uint32_t k = 0; k < run->stored.steps_count; k++) {
        const struct pawl_step *o = run->stored.steps[k];
        notes += !o->aside && o->looked_back >= PAWL_LOOKED_DIFFERS && o->looked_back_before <= a->step &&
                 o->looked_back_before > t.how.left_out_to;
    }
    if (t.notes_count != notes) wrong(&t, i, "is missing, or one too many: a guard's note");
    if (t.turns_count != turns) wrong(&t, i, "is missing: a user's");
}

/* ---- questions ---- */

static bool says(yyjson_val *why, const char *word)
{
    yyjson_val *v;
    size_t i, n;
    yyjson_arr_foreach(why, i, n, v) if (pawl_str_is(pawl_json_value_str(v), word)) return true;
    return false;
}

/* Why a repeat of what `d` did is asked and not answered; false: no reason for it. */
static bool must_confirm(const struct pawl_sim_run *run, const struct pawl_step *s, const struct pawl_tool *tool,
                         const struct pawl_sim_run *o, const struct pawl_step *d)
{
    if (tool->repeat == PAWL_REPEAT_CONFIRM || d->undone || d->state != PAWL_STEP_DONE) return true;
    if (o == run && d->aside) return true;
    return o == run && d->turn < s->turn; /* a user's turn changes its own run's claims only */
}

/* After a person's change of the arguments the reasons of the question before it stand (policy/gate.c). */
void pawl_sim_check_question(struct pawl_sim *w, const struct pawl_sim_run *run, const struct pawl_step *s, int tool,
                             yyjson_val *body)
{
    yyjson_val *why = yyjson_obj_get(body, "why"), *first = yyjson_obj_get(body, "first"), *args = NULL;
    struct pawl_id id = run->id;
    struct pawl_hash digest = {{0}};
    const char *wrong_with = NULL;
    pawl_json_read(s->args, &w->scratch, &args, NULL);
    pawl_id_parse(pawl_json_str(first, "run"), &id);
    pawl_unhex(digest.b, sizeof digest.b, pawl_json_str(body, "args"));
    const struct pawl_sim_run *o = pawl_sim_run_of(w, id);
    const struct pawl_step *d = o ? pawl_run_step(&o->stored, (uint32_t)pawl_json_i64(first, "step", 0)) : NULL;
    if (says(why, "gate") != pawl_sim_must_ask(w, tool, args) && !(says(why, "gate") && s->edited))
        wrong_with = says(why, "gate") ? "for a gate that the contract does not have" : "and not for its gate, too";
    else if ((says(why, "repeat") || says(why, "conflict")) && (!d || (!d->applied && !d->handed.p)))
        wrong_with = "whether to repeat what nobody did";
    else if (says(why, "repeat") && !must_confirm(run, s, &w->contracts[tool], o, d))
        wrong_with = "to repeat what the first doing answers";
    else if (says(why, "conflict") && !s->edited && memcmp(digest.b, d->args_digest.b, sizeof digest.b) == 0)
        wrong_with = "about other arguments, which are the same";
    if (wrong_with) pawl_sim_broken(w, "question", "run%u #%u: asked %s", run->index, s->number, wrong_with);
}
