/* src/policy/recall.c - recall: a step's answer once more, from the run's own journal. The world is not touched, nothing is
 * sent, and no stage that admits calls is passed. A long answer comes in pieces, so that what is recalled is not what makes
 * the conversation pass its limit again. */
#include "policy/pipeline.h"

enum { PIECE_LEAST = 512 };

static void error_of(struct pawl_json_writer *w, const struct pawl_step *s)
{
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "error");
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "class");
    pawl_jw_text(w, pawl_class_name(s->error_class));
    pawl_jw_key(w, "message");
    pawl_jw_str(w, s->message);
    pawl_jw_close(w, '}');
    pawl_jw_close(w, '}');
}

/* What the model said, and what the user had said before it. */
static void said_by_model(struct pawl_json_writer *w, const struct pawl_run *run, const struct pawl_step *s)
{
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "user");
    pawl_jw_open(w, '[');
    for (uint32_t i = 0; i < run->turns_count; i++)
        if (run->turns[i].before_step == s->number) pawl_jw_str(w, run->turns[i].text);
    pawl_jw_close(w, ']');
    pawl_jw_key(w, "you");
    if (s->content.p) pawl_jw_str(w, s->content);
    else pawl_jw_null(w);
    pawl_jw_close(w, '}');
}

/* {NULL,0}: this step has none. */
static struct pawl_str answer_of(struct pawl_pass *p, const struct pawl_step *s)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    if (!s || s->aside || !pawl_step_ended(s) || s == p->step) return (struct pawl_str){NULL, 0};
    pawl_buf_init_arena(&b, p->arena);
    if (s->kind == PAWL_STEP_MODEL) said_by_model(&w, p->run, s);
    else if (s->kind != PAWL_STEP_TOOL) return (struct pawl_str){NULL, 0};
    else if (s->state == PAWL_STEP_DONE) return s->result;
    else error_of(&w, s);
    return pawl_buf_done(&b);
}

static uint32_t to_character(struct pawl_str text, uint32_t at)
{
    while (at > 0 && at < text.n && ((unsigned char)text.p[at] & 0xC0) == 0x80) at--;
    return at;
}

/* {"step", "from", "text", "bytes", "next"}: a part of the answer's JSON text, and where the next part begins. */
static struct pawl_str piece(struct pawl_pass *p, uint32_t step, struct pawl_str answer, uint32_t from, uint32_t most)
{
    const uint32_t begin = to_character(answer, from);
    const uint32_t end = answer.n - begin <= most ? answer.n : to_character(answer, begin + most);
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    pawl_buf_init_arena(&b, p->arena);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "step");
    pawl_jw_i64(&w, step);
    pawl_jw_key(&w, "from");
    pawl_jw_i64(&w, begin);
    pawl_jw_key(&w, "text");
    pawl_jw_str(&w, (struct pawl_str){answer.p + begin, end - begin});
    pawl_jw_key(&w, "bytes");
    pawl_jw_i64(&w, answer.n);
    if (end < answer.n) pawl_jw_key(&w, "next"), pawl_jw_i64(&w, end);
    pawl_jw_close(&w, '}');
    return pawl_buf_done(&b);
}

enum pawl_verdict pawl_recall(struct pawl_pass *p)
{
    const int64_t number = pawl_json_i64(p->args, "step", 0), from = pawl_json_i64(p->args, "from", 0);
    const struct pawl_step *s = number > 0 && number <= UINT32_MAX ? pawl_run_step(p->run, (uint32_t)number) : NULL;
    const struct pawl_str answer = answer_of(p, s);
    const uint32_t quarter = p->agent->context.limit_tokens / 4 * 3,
                   most = quarter > PIECE_LEAST ? quarter : PIECE_LEAST;
    struct pawl_buf note;
    if (!answer.p)
        return pawl_pass_fail(p, PAWL_CLASS_BAD_ARGUMENTS, "step: there is no step %lld with an answer",
                              (long long)number);
    if (from < 0 || from > answer.n || (from == answer.n && from > 0))
        return pawl_pass_fail(p, PAWL_CLASS_BAD_ARGUMENTS, "from: the answer has %u bytes", answer.n);
    p->result = from == 0 && answer.n <= most ? answer : piece(p, s->number, answer, (uint32_t)from, most);
    pawl_buf_init_arena(&note, p->arena);
    pawl_buf_printf(&note, "step %u, %.*s, as it was answered then", s->number, s->name.n > 64 ? 64 : (int)s->name.n,
                    s->name.p ? s->name.p : "");
    p->note = pawl_buf_done(&note);
    return PAWL_ANSWER;
}
