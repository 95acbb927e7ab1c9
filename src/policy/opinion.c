/* src/policy/opinion.c - second opinions on a call before it leaves: other models, reads, rules (DESIGN 5, stage 16).
 *
 *   DECIDED --opinion.asked, a step each--> all have ended --opinion.judged--> agreed: go | ask, tell, stop
 *
 * Each opinion is a step with attempts and an end of its own, about the digest of exactly what will be sent; who was asked
 * about that digest is not asked again, after a crash neither. A person's yes to that very call is the last word. */
#include "contract/template.h"
#include "policy/pipeline.h"
#include "policy/question.h"
#include <string.h>

enum said { AGREES, DISAGREES, FAILED };
struct heard {
    enum said said;
    struct pawl_str why; /* {NULL,0}: nothing was said */
    uint32_t step;       /* 0: a rule */
};

static bool same(struct pawl_hash a, struct pawl_hash b)
{
    return memcmp(a.b, b.b, sizeof a.b) == 0;
}

static bool wanted(const struct pawl_pass *p)
{
    const struct pawl_second_opinion *o = p->agent ? &p->agent->opinion : NULL;
    if (!o || !o->by_count || p->step->kind != PAWL_STEP_TOOL || p->run->ending) return false;
    for (uint32_t i = 0; i < o->tools_count; i++)
        if (pawl_str_eq(o->tools[i], p->step->name)) return true;
    return false;
}

/* Those of this try and of this very call; NULL: not asked. */
static const struct pawl_step *asked(const struct pawl_pass *p, uint32_t by)
{
    for (uint32_t i = p->run->steps_count; i-- > p->step->opinions_from;) {
        const struct pawl_step *s = p->run->steps[i];
        if (s->kind == PAWL_STEP_OPINION && s->opines_on == p->number && s->opinion_by == by &&
            same(s->judged_digest, p->digest))
            return s;
    }
    return NULL;
}

static void hash_member(struct pawl_json_writer *w, struct pawl_hash h)
{
    char hex[65];
    pawl_hex(hex, h.b, 32);
    pawl_jw_key(w, "digest");
    pawl_jw_text(w, hex);
}

static struct pawl_str probe_args(struct pawl_pass *p, const struct pawl_opinion *o)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, p->arena);
    if (!o->args.p) pawl_json_write(p->args, &b);
    else if (pawl_template_json(o->args, p->document, p->arena, &b, NULL)) return PAWL_STR("{}");
    return pawl_buf_done(&b);
}

static enum pawl_verdict ask_one(struct pawl_pass *p, uint32_t by)
{
    const struct pawl_opinion *o = &p->agent->opinion.by[by];
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    const uint32_t number = p->number;
    enum pawl_verdict v;
    pawl_buf_init_arena(&b, p->arena);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "on");
    pawl_jw_i64(&w, number);
    pawl_jw_key(&w, "by");
    pawl_jw_i64(&w, by);
    pawl_jw_key(&w, "of");
    pawl_jw_text(&w, o->of == PAWL_OPINION_MODEL ? "model" : "tool");
    pawl_jw_key(&w, "name");
    pawl_jw_str(&w, o->name);
    hash_member(&w, p->digest);
    if (o->of == PAWL_OPINION_TOOL) pawl_jw_key(&w, "args"), pawl_jw_raw(&w, probe_args(p, o));
    else pawl_jw_key(&w, "request"), pawl_jw_raw(&w, p->request);
    pawl_jw_close(&w, '}');
    p->number = p->run->steps_count + 1; /* the record is of the step that it begins */
    v = pawl_pass_append(p, PAWL_OPINION_ASKED, &b);
    p->number = number;
    p->step = pawl_run_step(p->run, number);
    return v;
}

static yyjson_val *read(struct pawl_pass *p, struct pawl_str text)
{
    yyjson_val *v = NULL;
    return text.p && pawl_json_read(text, p->arena, &v, NULL) == PAWL_OK ? v : NULL;
}

static struct heard judged_by(struct pawl_pass *p, const struct pawl_schema *expect, yyjson_val *of, uint32_t step)
{
    struct pawl_schema_report report = {.count = 0};
    const int rc = of ? pawl_schema_check(expect, of, p->document, &report) : PAWL_ELIMIT;
    struct heard h = {.said = rc == PAWL_OK ? AGREES : rc == PAWL_EINVAL ? DISAGREES : FAILED, .step = step};
    struct pawl_buf b;
    if (rc == PAWL_OK) return h;
    pawl_buf_init_arena(&b, p->arena);
    if (report.count)
        pawl_buf_printf(&b, "%s%s%s", report.violations[0].instance, report.violations[0].instance[0] ? ": " : "",
                        report.violations[0].says);
    else pawl_buf_text(&b, "it could not be checked");
    h.why = pawl_buf_done(&b);
    return h;
}

static struct heard hear(struct pawl_pass *p, uint32_t by)
{
    const struct pawl_opinion *o = &p->agent->opinion.by[by];
    const struct pawl_step *s = o->of == PAWL_OPINION_RULE ? NULL : asked(p, by);
    yyjson_val *v, *agree;
    if (o->of == PAWL_OPINION_RULE) return judged_by(p, o->expect, p->document, 0);
    if (s->state != PAWL_STEP_DONE) return (struct heard){FAILED, s->message, s->number};
    if (o->of == PAWL_OPINION_TOOL && s->note.p) /* something that stands in for it looked at nothing */
        return (struct heard){FAILED, s->note, s->number};
    if (o->of == PAWL_OPINION_TOOL) return judged_by(p, o->expect, read(p, s->result), s->number);
    v = read(p, s->content);
    agree = yyjson_obj_get(v, "agree");
    if (!yyjson_is_bool(agree)) return (struct heard){FAILED, PAWL_STR("it gave no verdict"), s->number};
    return (struct heard){yyjson_get_bool(agree) ? AGREES : DISAGREES, pawl_json_str(v, "reason"), s->number};
}

static struct pawl_str name_of(const struct pawl_opinion *o)
{
    return o->of == PAWL_OPINION_RULE ? PAWL_STR("a rule") : o->name;
}

/* "2 of 3 agree, 3 must; second: the amount is more than the order's total" */
static struct pawl_str in_words(struct pawl_pass *p, const struct heard *all, uint32_t yes)
{
    const struct pawl_second_opinion *o = &p->agent->opinion;
    struct pawl_buf b;
    pawl_buf_init_arena(&b, p->arena);
    pawl_buf_printf(&b, "%u of %u second opinions agree, %u must", yes, o->by_count, o->needed);
    for (uint32_t i = 0; i < o->by_count; i++) {
        if (all[i].said == AGREES) continue;
        pawl_buf_text(&b, "; ");
        pawl_buf_str(&b, name_of(&o->by[i]));
        pawl_buf_text(&b, all[i].said == FAILED ? " could not be had: " : ": ");
        if (all[i].why.n) pawl_buf_str(&b, (struct pawl_str){all[i].why.p, all[i].why.n < 200 ? all[i].why.n : 200});
        else pawl_buf_text(&b, "no reason given");
        while (b.n > 0 && all[i].why.n > 200 && ((unsigned char)b.p[b.n - 1] & 0x80)) b.n--; /* a whole character */
    }
    return pawl_buf_done(&b);
}

static enum pawl_verdict judge(struct pawl_pass *p)
{
    static const char *const said[] = {"agrees", "disagrees", "failed"}, *const answers[] = {"ask", "tell", "stop"};
    const struct pawl_second_opinion *o = &p->agent->opinion;
    struct heard all[16];
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    uint32_t yes = 0;
    for (uint32_t i = 0; i < o->by_count; i++) {
        all[i] = hear(p, i);
        yes += all[i].said == AGREES || (all[i].said == FAILED && o->failed_agrees);
    }
    pawl_buf_init_arena(&b, p->arena);
    pawl_jw_open(&w, '{');
    hash_member(&w, p->digest);
    pawl_jw_key(&w, "agree");
    pawl_jw_bool(&w, yes >= o->needed);
    pawl_jw_key(&w, "says");
    pawl_jw_str(&w, in_words(p, all, yes));
    pawl_jw_key(&w, "otherwise");
    pawl_jw_text(&w, answers[o->otherwise]);
    pawl_jw_key(&w, "opinions");
    pawl_jw_open(&w, '[');
    for (uint32_t i = 0; i < o->by_count; i++) {
        pawl_jw_open(&w, '{');
        pawl_jw_key(&w, "by");
        pawl_jw_str(&w, name_of(&o->by[i]));
        pawl_jw_key(&w, "said");
        pawl_jw_text(&w, said[all[i].said]);
        if (all[i].why.n) pawl_jw_key(&w, "why"), pawl_jw_str(&w, all[i].why);
        if (all[i].step) pawl_jw_key(&w, "step"), pawl_jw_i64(&w, all[i].step);
        pawl_jw_close(&w, '}');
    }
    pawl_jw_close(&w, ']');
    pawl_jw_close(&w, '}');
    return pawl_pass_append(p, PAWL_OPINION_JUDGED, &b);
}

/* A run asks one model at a time: its budget is judged call by call. 0: none is asked. */
static uint32_t model_asked(const struct pawl_run *run)
{
    for (uint32_t i = run->ended_to; i < run->steps_count; i++)
        if (run->steps[i]->kind == PAWL_STEP_OPINION && run->steps[i]->by_model && !pawl_step_ended(run->steps[i]))
            return run->steps[i]->number;
    return 0;
}

/* All who are to be asked are asked; PAWL_WAIT until all have ended. */
static enum pawl_verdict gather(struct pawl_pass *p)
{
    const struct pawl_second_opinion *o = &p->agent->opinion;
    const struct pawl_step *s;
    uint32_t open = 0;
    enum pawl_verdict v;
    for (uint32_t i = 0; i < o->by_count; i++) {
        if (o->by[i].of == PAWL_OPINION_RULE) continue;
        const uint32_t busy = o->by[i].of == PAWL_OPINION_MODEL ? model_asked(p->run) : 0;
        s = asked(p, i);
        if (!s && busy) open = busy;
        else if (!s && (v = ask_one(p, i)) != PAWL_GO) return v;
        s = asked(p, i);
        if (s && !pawl_step_ended(s)) open = s->number;
    }
    if (!open) return PAWL_GO;
    p->want_step = open;
    return pawl_pass_wait(p, PAWL_WANT_STEP);
}

enum pawl_verdict pawl_opinion(struct pawl_pass *p)
{
    const struct pawl_step *s = p->step;
    enum pawl_verdict v;
    if (!wanted(p) || s->state == PAWL_STEP_ASKED) return PAWL_GO;
    if (!pawl_pass_changes(p)) p->digest = pawl_sha256(p->request.p, p->request.n);
    if (s->state == PAWL_STEP_APPROVED && (s->denied || same(s->asked_digest, p->digest))) return PAWL_GO;
    if (!s->judged || !same(s->judged_digest, p->digest)) {
        if ((v = gather(p)) != PAWL_GO) return v;
        if ((v = judge(p)) != PAWL_GO) return v;
        s = p->step;
    }
    if (s->agreed) return PAWL_GO;
    if (s->opinion_stops)
        return pawl_pass_fail(p, PAWL_CLASS_GUARD_STOPPED, "%.*s", (int)s->opinion_says.n, s->opinion_says.p);
    if (p->agent->opinion.otherwise == PAWL_DISAGREED_TELL)
        return pawl_pass_fail(p, PAWL_CLASS_DENIED, "it was not sent: %.*s", (int)s->opinion_says.n, s->opinion_says.p);
    pawl_pass_ask(p, PAWL_WHY_OPINION, s->opinion_says);
    return PAWL_GO;
}
