/* src/policy/record.c - stage 17: the step's end, in one record. Every pass ends here, however it went. */
#include "contract/template.h"
#include "policy/budget.h"
#include "policy/check.h"
#include "policy/fact.h"
#include "policy/fallback.h"
#include "policy/pipeline.h"
#include <string.h>

static void first(struct pawl_pass *p, struct pawl_json_writer *w)
{
    char id[PAWL_ID_TEXT];
    pawl_id_text(p->first_run, id);
    pawl_jw_key(w, "first");
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "run");
    pawl_jw_text(w, id);
    pawl_jw_key(w, "step");
    pawl_jw_i64(w, p->first_step);
    pawl_jw_close(w, '}');
}

/* Every member of `wanted` is a member of `args` with the same value. */
static bool covers(yyjson_val *args, yyjson_val *wanted)
{
    yyjson_val *name, *value;
    size_t i, n;
    if (!yyjson_is_obj(wanted)) return true;
    yyjson_obj_foreach(wanted, i, n, name, value)
    {
        yyjson_val *v = yyjson_obj_getn(args, yyjson_get_str(name), yyjson_get_len(name));
        if (!v || !pawl_json_equal(v, value)) return false;
    }
    return true;
}

/* What the undo of step `d` would be called with: its declared arguments, else the step's own. NULL: it is not known. */
static yyjson_val *undo_args(struct pawl_pass *p, const struct pawl_step *d, const struct pawl_tool *t)
{
    struct pawl_buf doc, args;
    struct pawl_json_writer w = {.out = &doc};
    yyjson_val *document, *wanted = NULL;
    if (!t->undo_args.p) return pawl_json_read(d->args, p->arena, &wanted, NULL) ? NULL : wanted;
    pawl_buf_init_arena(&doc, p->arena);
    pawl_buf_init_arena(&args, p->arena);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "args");
    pawl_jw_raw(&w, d->args);
    pawl_jw_key(&w, "run");
    pawl_jw_value(&w, yyjson_obj_get(p->document, "run"));
    pawl_jw_key(&w, "key");
    pawl_jw_text(&w, d->key);
    pawl_jw_key(&w, "result");
    pawl_jw_raw(&w, d->result.p ? d->result : PAWL_STR("null"));
    pawl_jw_close(&w, '}');
    if (pawl_json_read(pawl_buf_done(&doc), p->arena, &document, NULL)) return NULL;
    if (pawl_template_json(t->undo_args, document, p->arena, &args, NULL)) return NULL;
    return pawl_json_read(pawl_buf_done(&args), p->arena, &wanted, NULL) ? NULL : wanted;
}

/* The step that this call of the model's undid: the latest that is done, whose tool names ours as its undo and whose undo
 * would be called with these arguments. One call undoes one step, where several look alike, too. A step that is an undo says
 * itself what it undoes. */
static void undone_step(struct pawl_pass *p, struct pawl_json_writer *w)
{
    const struct pawl_step *latest = NULL;
    if (p->step->kind != PAWL_STEP_TOOL) return;
    for (uint32_t i = 0; i < p->run->steps_count; i++) {
        const struct pawl_step *d = p->run->steps[i];
        if (d->kind != PAWL_STEP_TOOL || d == p->step || !d->applied || d->undone || !pawl_step_ended(d)) continue;
        if (latest && d->intended_seq < latest->intended_seq) continue;
        const struct pawl_tool *t = pawl_config_tool(p->config, d->name);
        if (!t || !t->undo_tool.p || !pawl_str_eq(t->undo_tool, p->tool->name)) continue;
        yyjson_val *wanted = undo_args(p, d, t);
        if (wanted && covers(p->args, wanted)) latest = d;
    }
    if (!latest) return;
    pawl_jw_key(w, "undoes");
    pawl_jw_open(w, '[');
    pawl_jw_i64(w, latest->number);
    pawl_jw_close(w, ']');
}

static void checked(const struct pawl_pass *p, struct pawl_json_writer *w)
{
    if (p->from_verify) pawl_jw_key(w, "from"), pawl_jw_text(w, "verify");
    if (p->from_person) pawl_jw_key(w, "from"), pawl_jw_text(w, "person");
    pawl_check_write(p, w);
}

static void completed(struct pawl_pass *p, struct pawl_json_writer *w)
{
    static const char *const words[] = {"differs", "", "yes", "could not be told"};
    pawl_jw_key(w, "result");
    pawl_jw_raw(w, p->result.p ? p->result : PAWL_STR("null"));
    if (p->note.p) pawl_jw_key(w, "note"), pawl_jw_str(w, p->note);
    if (p->how == PAWL_ENDS_ANSWERED) {
        if (!p->note.p) first(p, w);
        return;
    }
    if (p->verified) pawl_jw_key(w, "verified"), pawl_jw_text(w, words[p->verified + 1]);
    checked(p, w);
    if (p->outcome.already_done) pawl_jw_key(w, "already_done"), pawl_jw_bool(w, true);
    if (pawl_pass_changes(p)) undone_step(p, w);
}

static void failed(struct pawl_pass *p, struct pawl_json_writer *w)
{
    pawl_jw_key(w, "class");
    pawl_jw_text(w, pawl_class_name(p->error_class));
    pawl_jw_key(w, "message");
    pawl_jw_str(w, p->message);
    if (p->outcome.no_money) pawl_jw_key(w, "no_money"), pawl_jw_bool(w, true);
    if (p->applied) pawl_jw_key(w, "applied"), pawl_jw_bool(w, true);
    if (p->first_step) first(p, w);
    if (p->note.p) pawl_jw_key(w, "note"), pawl_jw_str(w, p->note); /* what stood in for it failed */
    if (!p->checked) return;
    pawl_jw_key(w, "result"); /* of a call that happened: what undoes it may need it */
    pawl_jw_raw(w, p->result.p ? p->result : PAWL_STR("null"));
    checked(p, w);
}

/* Of a call that was accepted: who told how it ended. */
static void heard(const struct pawl_pass *p, struct pawl_json_writer *w)
{
    if (p->heard == PAWL_HEARD_NOTHING || p->from_verify || p->from_person) return;
    pawl_jw_key(w, "from");
    pawl_jw_text(w, p->heard == PAWL_HEARD_MONITOR ? "monitor" : "callback");
}

enum pawl_verdict pawl_stage_record(struct pawl_pass *p)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    const bool fail = p->how == PAWL_ENDS_FAILED;
    enum pawl_verdict v = p->model ? pawl_budget_settle(p, p->unsent) : PAWL_GO; /* it was cut short */
    if (v != PAWL_GO) return v;
    if (!p->step) return PAWL_GO; /* a model step that never began: the run's end tells of it */
    pawl_buf_init_arena(&b, p->arena);
    pawl_jw_open(&w, '{');
    if (p->attempts) pawl_jw_key(&w, "attempts"), pawl_jw_i64(&w, p->attempts);
    pawl_jw_key(&w, "ms");
    pawl_jw_i64(&w, (p->now_ns - p->began_ns) / 1000000);
    if (p->signal_seq) pawl_jw_key(&w, "signal"), pawl_jw_i64(&w, (int64_t)p->signal_seq);
    if (fail) failed(p, &w);
    else completed(p, &w);
    heard(p, &w);
    pawl_jw_close(&w, '}');
    pawl_fallback_remember(p);
    v = pawl_pass_append(p, fail ? PAWL_STEP_FAILED : PAWL_STEP_COMPLETED, &b);
    return v == PAWL_GO ? pawl_facts_record(p) : v;
}
