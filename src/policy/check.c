/* src/policy/check.c - see check.h. */
#include "policy/check.h"
#include "contract/template.h"
#include "policy/look.h"
#include "policy/question.h"
#include <stdio.h>

enum found { HOLDS, DOES_NOT, NOT_KNOWN, NOT_MEANT };
static const char *const found_words[] = {"holds", "does not hold", "not known", "not meant"};

static unsigned looks_at(const struct pawl_pass *p)
{
    unsigned looks = 0;
    for (uint32_t i = 0; i < p->tool->checks_count; i++) looks |= p->tool->checks[i].looks;
    return p->step->kind == PAWL_STEP_TOOL ? looks : 0;
}

/* The read that says how the place looks; NULL: verify's. */
static const struct pawl_place_read *place(const struct pawl_tool *t, bool before)
{
    const struct pawl_place_read *own = before ? &t->before : &t->after, *other = before ? &t->after : &t->before;
    return own->tool.p ? own : other->tool.p ? other : NULL;
}

bool pawl_check_by_verify(const struct pawl_pass *p)
{
    return looks_at(p) & PAWL_CHECK_BEFORE && !place(p->tool, true) && p->tool->verify.tool.p;
}

/* Sets out to make that read; false: it cannot be made. */
static bool look(struct pawl_pass *p, const struct pawl_place_read *at)
{
    struct pawl_buf b;
    yyjson_val *of = pawl_look_document(p);
    pawl_buf_init_arena(&b, p->arena);
    if (!of) return false;
    if (!at->args.p) pawl_json_write(p->args, &b);
    else if (pawl_template_json(at->args, of, p->arena, &b, NULL)) return false;
    p->look_of = NULL;
    p->look_args = pawl_buf_done(&b);
    p->look_tool = p->look_args.p ? pawl_config_tool(p->config, at->tool) : NULL;
    return p->look_tool != NULL;
}

enum pawl_verdict pawl_check_before(struct pawl_pass *p)
{
    const struct pawl_place_read *at = place(p->tool, true);
    if (p->looked_before || !at || !(looks_at(p) & PAWL_CHECK_BEFORE)) return PAWL_GO;
    if (!p->look_came && look(p, at)) return pawl_pass_wait(p, PAWL_WANT_LOOK);
    if (p->look_came) p->before = pawl_look_seen(p);
    p->look_came = false;
    p->look_tool = NULL;
    p->looked_before = true;
    return PAWL_GO;
}

static enum pawl_verdict look_after(struct pawl_pass *p)
{
    const struct pawl_place_read *at = place(p->tool, false);
    if (p->looked_after || !(looks_at(p) & PAWL_CHECK_AFTER)) return PAWL_GO;
    const bool seen = !at && (p->verified || p->from_verify); /* by the look that read it back */
    if (!seen && !p->look_came && !p->run->ending && p->left_ns > 0 && (!at || look(p, at)))
        return pawl_pass_wait(p, PAWL_WANT_LOOK);
    if (seen || p->look_came) p->after = pawl_look_seen(p);
    p->look_came = false;
    p->look_tool = NULL;
    p->looked_after = true;
    return PAWL_GO;
}

/* Its own answer: what a look saw is none, and null from a person says that nobody knows it. */
static bool has_result(const struct pawl_pass *p)
{
    if (p->from_verify) return false;
    return !p->from_person || !pawl_str_is(p->result, "null");
}

static yyjson_val *document(struct pawl_pass *p)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    const struct pawl_str before = p->step->before;
    yyjson_val *out = NULL;
    pawl_buf_init_arena(&b, p->arena);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "args");
    pawl_jw_value(&w, p->args);
    pawl_jw_key(&w, "run");
    pawl_jw_value(&w, yyjson_obj_get(p->document, "run"));
    if (has_result(p)) pawl_jw_key(&w, "result"), pawl_jw_raw(&w, p->result);
    if (before.p) pawl_jw_key(&w, "before"), pawl_jw_raw(&w, before);
    if (p->after.p) pawl_jw_key(&w, "after"), pawl_jw_raw(&w, p->after);
    pawl_jw_close(&w, '}');
    return pawl_json_read(pawl_buf_done(&b), p->arena, &out, NULL) == PAWL_OK ? out : NULL;
}

/* What is missing, in words; NULL: nothing that this one looks at. */
static const char *missing(const struct pawl_pass *p, const struct pawl_check *c)
{
    if (c->looks & PAWL_CHECK_RESULT && !has_result(p)) return "its own answer is not known";
    if (c->looks & PAWL_CHECK_BEFORE && !p->step->before.p) return "nothing could be read before it";
    if (c->looks & PAWL_CHECK_AFTER && !p->after.p) return "nothing could be read afterwards";
    return NULL;
}

static enum found judge(struct pawl_pass *p, const struct pawl_check *c, yyjson_val *doc, struct pawl_buf *says)
{
    struct pawl_schema_report report = {.count = 0};
    const char *what = missing(p, c);
    int rc = PAWL_OK;
    if (!what && c->when) rc = pawl_schema_check(c->when, doc, doc, NULL);
    if (!what && rc == PAWL_EINVAL) return NOT_MEANT;
    if (!what && rc == PAWL_OK && (rc = pawl_schema_check(c->schema, doc, doc, &report)) == PAWL_OK) return HOLDS;
    if (c->says.p) pawl_buf_str(says, c->says), pawl_buf_text(says, ": ");
    if (what || rc != PAWL_EINVAL) {
        pawl_buf_printf(says, "it could not be checked: %s", what ? what : "that takes too long");
        return NOT_KNOWN;
    }
    pawl_buf_printf(says, "%s%s%s", report.violations[0].instance, report.violations[0].instance[0] ? ": " : "",
                    report.violations[0].says);
    if (report.count > 1) pawl_buf_printf(says, ", and %u more", report.count - 1);
    return DOES_NOT;
}

/* Nothing is known to be wrong: nothing is undone for that, and it is no error. A person may know more. */
static unsigned then_of(const struct pawl_check *c, enum found found)
{
    if (found == HOLDS || found == NOT_MEANT) return 0;
    return found == DOES_NOT || c->then == PAWL_CHECK_ASK ? c->then : PAWL_CHECK_TELL;
}

static void judge_all(struct pawl_pass *p, yyjson_val *doc)
{
    struct pawl_buf b, all;
    struct pawl_json_writer w = {.out = &b};
    pawl_buf_init_arena(&b, p->arena);
    pawl_buf_init_arena(&all, p->arena);
    pawl_jw_open(&w, '[');
    for (uint32_t i = 0; i < p->tool->checks_count; i++) {
        const struct pawl_check *c = &p->tool->checks[i];
        struct pawl_buf says;
        pawl_buf_init_arena(&says, p->arena);
        const enum found found = judge(p, c, doc, &says);
        const unsigned then = then_of(c, found);
        p->check_then |= then;
        pawl_jw_open(&w, '{');
        pawl_jw_put_str(&w, "name", c->name);
        pawl_jw_put_str(&w, "found", pawl_str_of(found_words[found]));
        if (then) pawl_jw_put_str(&w, "then", pawl_str_of(pawl_check_word(then)));
        if (then) pawl_jw_put_str(&w, "says", pawl_buf_done(&says));
        pawl_jw_close(&w, '}');
        if (!then) continue;
        if (all.n) pawl_buf_text(&all, "; ");
        pawl_buf_str(&all, c->name);
        pawl_buf_text(&all, ": ");
        pawl_buf_str(&all, pawl_buf_done(&says));
    }
    pawl_jw_close(&w, ']');
    p->checks = pawl_buf_done(&b);
    p->check_says = pawl_buf_done(&all);
}

enum pawl_verdict pawl_check_outcome(struct pawl_pass *p)
{
    enum pawl_verdict v;
    yyjson_val *doc;
    if (p->model || p->checked || !p->tool->checks_count || p->step->kind != PAWL_STEP_TOOL) return PAWL_GO;
    if ((v = look_after(p)) != PAWL_GO) return v;
    if ((doc = document(p)) == NULL) return p->rc = PAWL_ENOMEM, pawl_pass_wait(p, PAWL_WANT_NOTHING);
    p->checked = true;
    judge_all(p, doc);
    if (!(p->check_then & PAWL_CHECK_FAIL)) return PAWL_GO;
    p->applied = pawl_pass_changes(p);
    return pawl_pass_fail(p, PAWL_CLASS_OUT_OF_CONTRACT, "%s, and it is not as it should be: %.*s",
                          p->applied ? "it was done, and is not sent again" : "it was answered", (int)p->check_says.n,
                          p->check_says.p ? p->check_says.p : "");
}

void pawl_check_write(const struct pawl_pass *p, struct pawl_json_writer *w)
{
    if (!p->checks.p || !p->checked) return;
    pawl_jw_key(w, "checks");
    pawl_jw_raw(w, p->checks);
    if (p->after.p) pawl_jw_key(w, "after"), pawl_jw_raw(w, p->after);
}

static enum pawl_verdict ask_about(struct pawl_pass *p, const struct pawl_step *s, struct pawl_str name)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, p->arena);
    pawl_buf_printf(&b, "step %u (%.*s) was done, and it is not as it should be: ", s->number, (int)s->name.n,
                    s->name.p ? s->name.p : "");
    pawl_buf_str(&b, s->check_says);
    if (s->undone) pawl_buf_text(&b, ". It has been undone");
    if (s->undo_failed) pawl_buf_text(&b, ". It could not be undone");
    pawl_buf_text(&b, ". May the run go on?");
    const struct pawl_question q = {.name = name,
                                    .why = PAWL_WHY_CHECK,
                                    .says = pawl_buf_done(&b),
                                    .otherwise = PAWL_CLASS_OUT_OF_CONTRACT,
                                    .expires_ns = INT64_C(86400000000000)};
    if (!q.says.p || !name.p) return p->rc = PAWL_ENOMEM, pawl_pass_wait(p, PAWL_WANT_NOTHING);
    return pawl_pass_question(p, &q);
}

/* It has had its yes or no since the step ended, be it before the run was tried again; a question that was stopped with its
 * run has not, and is asked anew. */
static bool answered(const struct pawl_run *run, const struct pawl_step *s, struct pawl_str name)
{
    for (uint32_t i = s->number; i < run->steps_count; i++) {
        const struct pawl_step *q = run->steps[i];
        if (q->kind != PAWL_STEP_GATE || q->asked_seq < s->ended_seq || !pawl_str_eq(q->name, name)) continue;
        if (q->state == PAWL_STEP_DONE || q->denied) return true;
    }
    return false;
}

enum pawl_verdict pawl_check_question(struct pawl_pass *p)
{
    if (!(p->run->check_then & PAWL_CHECK_ASK)) return PAWL_GO;
    for (uint32_t i = 0; i < p->run->steps_count; i++) {
        const struct pawl_step *s = p->run->steps[i];
        char text[32];
        if (!(s->check_then & PAWL_CHECK_ASK) || s->aside) continue;
        snprintf(text, sizeof text, "check of step %u", s->number);
        if (answered(p->run, s, pawl_str_of(text))) continue;
        return ask_about(p, s, pawl_str_copy(p->arena, pawl_str_of(text)));
    }
    return PAWL_GO;
}
