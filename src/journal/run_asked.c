/* src/journal/run_asked.c - the fold of what a person is asked, and of what is answered. */
#include "journal/fold.h"
#include "journal/spend.h"

static const char *const why_words[] = {"gate", "repeat", "conflict", "guard", "budget", "opinion", "check"};
enum { WHY_COUNT = sizeof why_words / sizeof *why_words };

const char *pawl_why_word(uint32_t one_bit)
{
    for (uint32_t i = 0; i < WHY_COUNT; i++)
        if (one_bit == 1u << i) return why_words[i];
    return "";
}

/* A question about the run is a step of its own, in its place among the others. */
static struct pawl_step *add_question(struct pawl_fold *f)
{
    struct pawl_step *s;
    if (!pawl_str_is(pawl_json_str(f->body, "kind"), "gate") || f->r->step != f->run->steps_count + 1) return NULL;
    s = pawl_fold_step(f->run, PAWL_STEP_GATE, f->r->seq);
    if (!s) return NULL;
    s->name = pawl_fold_text(f, "name");
    s->otherwise = pawl_class_of(pawl_json_str(f->body, "otherwise"));
    return s;
}

int pawl_fold_asked(struct pawl_fold *f)
{
    struct pawl_step *s = f->step ? f->step : add_question(f);
    yyjson_val *why = yyjson_obj_get(f->body, "why"), *v;
    size_t i, n;
    if (!s) return f->run->arena->failed ? PAWL_ENOMEM : pawl_fold_corrupt(f, "asked of no step");
    if (s->state != PAWL_STEP_DECIDED && s->state != PAWL_STEP_APPROVED) return pawl_fold_corrupt(f, "asked too late");
    s->state = PAWL_STEP_ASKED;
    s->denied = false;
    s->why = 0;
    s->yes_count = 0;
    s->quorum = (uint32_t)pawl_json_i64(f->body, "quorum", 1);
    yyjson_arr_foreach(why, i, n, v)
    {
        for (uint32_t k = 0; k < WHY_COUNT; k++)
            if (pawl_str_is(pawl_json_value_str(v), why_words[k])) s->why |= 1u << k;
    }
    s->says = pawl_fold_text(f, "says");
    s->asked_seq = f->r->seq;
    s->expires_ns = pawl_json_i64(f->body, "expires", PAWL_NEVER);
    s->generation = (uint32_t)pawl_json_i64(f->body, "generation", 0);
    s->request = pawl_fold_json(f, "request");
    pawl_fold_hash(f, "digest", &s->asked_digest);
    pawl_fold_key(f, s);
    pawl_fold_intent_key(f, s);
    pawl_fold_first(f, s);
    pawl_spend_short(f->run, s, f->body);
    return PAWL_OK;
}

/* Other arguments by a person's word are another call: its key is a new one (LEDGER 4). */
void pawl_fold_edit(const struct pawl_fold *f, struct pawl_step *s, const char *name)
{
    s->said = s->said.p ? s->said : s->args;
    s->args = pawl_fold_json(f, name);
    s->edited = true;
    s->generation_from = s->generation + 1;
}

/* {edit, digest, key, generation, request}: other arguments by a person's word, and what is sent for them. */
static void fold_edit(struct pawl_fold *f, struct pawl_step *s)
{
    const bool repeats = (s->why & (PAWL_WHY_REPEAT | PAWL_WHY_CONFLICT)) != 0;
    pawl_fold_edit(f, s, "edit");
    s->generation = (uint32_t)pawl_json_i64(f->body, "generation", s->generation + 1);
    s->generation_from =
        s->generation - (repeats ? 1 : 0); /* a repeat is one more than what its arguments begin with */
    s->yes_count = 0;
    s->has_intent = false;
    s->request = pawl_fold_json(f, "request");
    pawl_fold_hash(f, "digest", &s->asked_digest);
    pawl_fold_key(f, s);
}

/* A yes counts once for each who says it; the question stands until enough have. Any no ends it. "edit": changed, and to
 * be asked about anew. */
int pawl_fold_answered(struct pawl_fold *f)
{
    struct pawl_step *s = f->step;
    const struct pawl_str answer = pawl_json_str(f->body, "answer"), by = pawl_json_str(f->body, "by");
    struct pawl_str *yes;
    if (s->state != PAWL_STEP_ASKED) return pawl_fold_corrupt(f, "an answer to no question");
    if (yyjson_obj_get(f->body, "edit")) fold_edit(f, s);
    if (pawl_str_is(answer, "edit")) {
        s->state = PAWL_STEP_DECIDED;
        return PAWL_OK;
    }
    s->reason = pawl_fold_text(f, "reason");
    if (pawl_str_is(answer, "result") || pawl_str_is(answer, "say")) { /* a person in the place of tool or model */
        s->handed = pawl_fold_json(f, "result");
        if (s->kind == PAWL_STEP_GATE) s->content = pawl_fold_text(f, "say");
        if (!s->handed.p && !s->content.p) return pawl_fold_corrupt(f, "an answer that says nothing");
        s->state = PAWL_STEP_APPROVED;
        return PAWL_OK;
    }
    if (yyjson_obj_get(f->body, "with")) s->with = pawl_fold_json(f, "with");
    s->expires_ns = pawl_json_i64(f->body, "until", s->expires_ns);
    s->denied = !pawl_str_is(answer, "yes");
    if (!s->denied) pawl_spend_grant(f->run, s, f->body);
    if (!s->denied && !pawl_str_is(by, "expiry")) {
        yes = pawl_fold_grow(f->run->arena, s->yes, s->yes_count, &s->yes_size, sizeof *yes);
        if (!yes) return PAWL_ENOMEM;
        s->yes = yes;
        yes[s->yes_count++] = pawl_fold_text(f, "by");
        if (s->yes_count < s->quorum) return PAWL_OK;
    }
    s->state = PAWL_STEP_APPROVED;
    return PAWL_OK;
}
