/* src/policy/question.c - see question.h. */
#include "policy/question.h"
#include "contract/json.h"
#include "policy/pipeline.h"
#include <assert.h>

bool pawl_pass_ask(struct pawl_pass *p, uint32_t why, struct pawl_str says)
{
    const struct pawl_step *s = p->step;
    struct pawl_buf b;
    const bool asked = (p->why & why) != 0;
    p->why |= why;
    if (!asked && says.n) {
        pawl_buf_init_arena(&b, p->arena);
        if (p->says.n) pawl_buf_str(&b, p->says), pawl_buf_text(&b, "; ");
        pawl_buf_str(&b, says);
        p->says = pawl_buf_done(&b);
    }
    return !(s->state == PAWL_STEP_APPROVED && !s->denied && s->why & why && p->wall_ns < s->expires_ns);
}

void pawl_question_why(const struct pawl_pass *p, struct pawl_json_writer *w)
{
    pawl_jw_key(w, "why");
    pawl_jw_open(w, '[');
    for (uint32_t bit = 1; bit <= PAWL_WHY_LAST; bit <<= 1)
        if (p->why & bit) pawl_jw_text(w, pawl_why_word(bit));
    pawl_jw_close(w, ']');
    if (p->says.n) pawl_jw_key(w, "says"), pawl_jw_str(w, p->says);
}

/* What is shown is what is bound: the words. */
static void fix(struct pawl_pass *p, const struct pawl_question *q)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    pawl_buf_init_arena(&b, p->arena);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "about");
    pawl_jw_text(&w, "the run");
    pawl_jw_key(&w, "step");
    pawl_jw_i64(&w, p->number);
    pawl_jw_key(&w, "question");
    pawl_jw_str(&w, q->says);
    pawl_jw_close(&w, '}');
    p->request = pawl_buf_done(&b);
    p->digest = pawl_sha256(p->request.p, p->request.p ? p->request.n : 0);
}

enum pawl_verdict pawl_pass_question(struct pawl_pass *p, const struct pawl_question *q)
{
    char hex[65];
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    enum pawl_verdict v;
    assert(p->model && !p->step);
    p->why = q->why;
    p->says = q->says;
    fix(p, q);
    if (!p->request.p) return p->rc = PAWL_ENOMEM, pawl_pass_wait(p, PAWL_WANT_NOTHING);
    pawl_buf_init_arena(&b, p->arena);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "kind");
    pawl_jw_text(&w, "gate");
    pawl_jw_key(&w, "name");
    pawl_jw_str(&w, q->name);
    pawl_question_why(p, &w);
    pawl_jw_key(&w, "otherwise");
    pawl_jw_text(&w, pawl_class_name(q->otherwise));
    pawl_jw_key(&w, "digest");
    pawl_hex(hex, p->digest.b, sizeof p->digest.b);
    pawl_jw_text(&w, hex);
    pawl_jw_key(&w, "expires");
    pawl_jw_i64(&w, p->wall_ns + q->expires_ns);
    pawl_jw_key(&w, "then");
    pawl_jw_text(&w, "deny");
    if (q->budget.p) pawl_jw_key(&w, "budget"), pawl_jw_raw(&w, q->budget);
    pawl_jw_key(&w, "request");
    pawl_jw_raw(&w, p->request);
    pawl_jw_close(&w, '}');
    v = pawl_pass_append(p, PAWL_GATE_ASKED, &b);
    if (v != PAWL_GO) return v;
    assert(p->step && p->step->kind == PAWL_STEP_GATE);
    p->model = NULL; /* from here on it is the question's pass */
    p->decision = NULL;
    return pawl_pass_back(p, PAWL_STAGE_GATE);
}

static enum pawl_verdict yes(struct pawl_pass *p)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    pawl_buf_init_arena(&b, p->arena);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "answer");
    pawl_jw_text(&w, p->step->content.p ? "say" : "yes");
    if (p->step->with.p) pawl_jw_key(&w, "with"), pawl_jw_raw(&w, p->step->with);
    pawl_jw_close(&w, '}');
    p->result = pawl_buf_done(&b);
    p->how = PAWL_ENDS_DONE;
    return pawl_pass_back(p, PAWL_STAGE_RECORD);
}

static enum pawl_verdict no(struct pawl_pass *p)
{
    const struct pawl_step *s = p->step;
    const enum pawl_class c = s->otherwise ? s->otherwise : PAWL_CLASS_DENIED;
    if (s->reason.n)
        return pawl_pass_fail(p, c, "a person said no to “%.*s”: %.*s", (int)s->says.n, s->says.p ? s->says.p : "",
                              (int)s->reason.n, s->reason.p);
    return pawl_pass_fail(p, c, "a person said no, or nobody answered in time: %.*s", (int)s->says.n,
                          s->says.p ? s->says.p : "");
}

enum pawl_verdict pawl_question_stage(struct pawl_pass *p)
{
    const struct pawl_step *s = p->step;
    struct pawl_buf b;
    enum pawl_verdict v;
    if (s->state == PAWL_STEP_APPROVED) return s->denied ? no(p) : yes(p);
    if (p->wall_ns < s->expires_ns) return pawl_pass_until(p, PAWL_WANT_PERSON, s->expires_ns);
    pawl_buf_init_arena(&b, p->arena);
    pawl_buf_text(&b, "{\"answer\":\"no\",\"by\":\"expiry\"}");
    v = pawl_pass_append(p, PAWL_GATE_ANSWERED, &b);
    return v == PAWL_GO ? no(p) : v;
}

const struct pawl_step *pawl_run_question(const struct pawl_run *run, struct pawl_str name)
{
    for (uint32_t i = run->steps_count; i-- > run->steps_before;) {
        const struct pawl_step *s = run->steps[i];
        if (s->kind == PAWL_STEP_GATE && pawl_step_ended(s) && !s->aside && pawl_str_eq(s->name, name)) return s;
    }
    return NULL;
}
