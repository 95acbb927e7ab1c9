/* src/engine/handoff.c - a person answers in the place of who was asked: as the tool (the call is not made), as the model (a
 * question about the run), or takes the run over: it ends as it stands, and nothing is undone. */
#include "engine/hot.h"
#include <string.h>

static const struct pawl_refusal fine = {0, NULL, NULL};

static struct pawl_step *waits(const struct pawl_run *run, uint32_t number, uint32_t *count)
{
    struct pawl_step *only = NULL;
    *count = 0;
    for (uint32_t i = 0; i < run->steps_count; i++) {
        if (run->steps[i]->state != PAWL_STEP_ASKED || (number && run->steps[i]->number != number)) continue;
        only = run->steps[i];
        ++*count;
    }
    return *count == 1 ? only : NULL;
}

/* Words of the model's are held to its agent's output, as the model's own are. */
static bool fits_output(struct pawl_hot *h, struct pawl_str text)
{
    yyjson_val *v;
    if (!h->agent->output || h->run.chat) return true;
    return pawl_json_read(text, &h->e->step, &v, NULL) == PAWL_OK &&
           pawl_schema_check(h->agent->output, v, NULL, NULL) == PAWL_OK;
}

static struct pawl_refusal refused(struct pawl_hot *h, const struct pawl_step *s, const struct pawl_request *r)
{
    const bool run = s->kind == PAWL_STEP_GATE;
    yyjson_val *v;
    const char *why;
    if (!r->result.p && !r->say.p)
        return (struct pawl_refusal){PAWL_EINVAL, "nothing is said", "pawl answer RUN --result RESULT, or --say TEXT"};
    if (r->say.p && !run)
        return (struct pawl_refusal){PAWL_EINVAL, "a call waits: only its tool can be answered for",
                                     "pawl answer RUN --result RESULT, or pawl deny RUN --reason TEXT"};
    if (r->result.p && run)
        return (struct pawl_refusal){PAWL_EINVAL, "no call waits: it is the model's turn",
                                     "pawl answer RUN --say TEXT"};
    if (r->say.p && !fits_output(h, r->say))
        return (struct pawl_refusal){PAWL_EINVAL, "it does not fit the agent's output", "give it as that JSON"};
    if (r->result.p && pawl_json_read(r->result, &h->e->step, &v, NULL))
        return (struct pawl_refusal){PAWL_EINVAL, "the result is not JSON",
                                     "give it as JSON text, in quotes for the shell"};
    if (r->result.p && (why = pawl_request_misfit(h, s, r->result)) != NULL)
        return (struct pawl_refusal){PAWL_EINVAL, why, "give it as the tool would have answered"};
    return pawl_answer_refused(h, s, r);
}

static struct pawl_str body_of(struct pawl_hot *h, const struct pawl_request *r)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    pawl_buf_init_arena(&b, &h->e->step);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "answer");
    pawl_jw_text(&w, r->say.p ? "say" : "result");
    if (r->say.p) pawl_jw_key(&w, "say"), pawl_jw_str(&w, r->say);
    else pawl_jw_key(&w, "result"), pawl_jw_raw(&w, r->result);
    if (r->text.p) pawl_jw_key(&w, "reason"), pawl_jw_str(&w, r->text);
    if (r->by.p) pawl_jw_key(&w, "by"), pawl_jw_str(&w, r->by);
    if (r->id.p) pawl_jw_key(&w, "id"), pawl_jw_str(&w, r->id);
    pawl_jw_close(&w, '}');
    return pawl_buf_done(&b);
}

struct pawl_refusal pawl_handoff(struct pawl_hot *h, const struct pawl_request *r, uint32_t *step)
{
    uint32_t count;
    struct pawl_step *s = waits(&h->run, r->step, &count);
    struct pawl_refusal no;
    if (r->end) {
        if (h->run.ending) return (struct pawl_refusal){PAWL_ECONFLICT, "the run is being stopped", "pawl show RUN"};
        pawl_hot_take_over(h, r->text.p ? r->text.p : "taken over by a person", r->id, r->by);
        return fine;
    }
    if (!s)
        return count > 1 ? (struct pawl_refusal){PAWL_EINVAL, "several questions wait", "name one: RUN/STEP"}
                         : (struct pawl_refusal){PAWL_ENOTFOUND, "nothing waits for an answer", "pawl show RUN"};
    *step = s->number;
    if (r->has_digest && memcmp(r->digest.b, s->asked_digest.b, 32) != 0)
        return (struct pawl_refusal){PAWL_ECONFLICT, "another call was asked about than the one that was shown",
                                     "pawl show RUN"};
    if ((no = refused(h, s, r)).code) return no;
    if (pawl_hot_append(h, PAWL_GATE_ANSWERED, s->number, body_of(h, r))) return fine;
    struct pawl_slot *slot = pawl_hot_slot(h, s->number);
    if (!slot) return fine;
    slot->pass.stage = PAWL_STAGE_GATE; /* nothing before it matters any more: nothing will be sent */
    pawl_slot_drive(slot);
    return fine;
}
