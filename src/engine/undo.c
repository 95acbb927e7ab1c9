/* src/engine/undo.c - the end of a run, and what comes before it where the run is stopped or to be undone: every applied
 * step that declares an undo, in reverse order of the intents, one at a time, each an ordinary step with its own key and
 * retries (DESIGN 5, LEDGER 16). */
#include "contract/template.h"
#include "engine/hot.h"
#include "journal/rules.h"
#include "policy/budget.h"
#include "policy/routing.h"

/* What the runs of an agent and of a family share, and this one's part in it is over. */
static void close_shares(struct pawl_hot *h)
{
    struct pawl_engine *e = h->e;
    struct pawl_shared_op ops[PAWL_PAYER_ROWS];
    uint32_t count = pawl_payers_close(&h->run, &e->step, ops);
    for (uint32_t i = 0; i < count && !e->rc; i++) pawl_hot_share(h, &ops[i]);
    if (e->rc) return;
    count = pawl_routing_ended(&e->shared, &h->run, h->agent, e->wall_ns, &e->step, ops);
    for (uint32_t i = 0; i < count && !e->rc; i++) pawl_hot_share(h, &ops[i]);
}

void pawl_hot_end(struct pawl_hot *h, enum pawl_status status, enum pawl_class c, struct pawl_str message,
                  struct pawl_str output)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    bool first = true;
    pawl_buf_init_arena(&b, &h->e->step);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "status");
    pawl_jw_text(&w, pawl_status_word(status));
    pawl_jw_key(&w, "code");
    pawl_jw_i64(&w, status);
    if (c) pawl_jw_key(&w, "class"), pawl_jw_text(&w, pawl_class_name(c));
    if (message.p) pawl_jw_key(&w, "message"), pawl_jw_str(&w, message);
    if (output.p) pawl_jw_key(&w, "output"), pawl_jw_raw(&w, output);
    const bool checked = (h->run.check_then & PAWL_CHECK_UNDO) != 0;
    for (uint32_t i = 0; (h->run.ending || checked) && i < h->run.steps_count; i++) { /* a person may have to undo it */
        const struct pawl_step *s = h->run.steps[i];
        if (!h->run.ending && !s->undo_failed) continue;
        const struct pawl_tool *t = s->kind == PAWL_STEP_TOOL ? pawl_config_tool(h->config, s->name) : NULL;
        if (!t || t->effect == PAWL_EFFECT_READ || !s->applied || s->undone) continue;
        if (h->run.undoing && s->number <= h->run.undo_to) continue;
        if (first) pawl_jw_key(&w, "not_undone"), pawl_jw_open(&w, '[');
        first = false;
        pawl_jw_i64(&w, s->number);
    }
    if (!first) pawl_jw_close(&w, ']');
    pawl_jw_close(&w, '}');
    if (pawl_hot_append(h, PAWL_RUN_ENDED, 0, pawl_buf_done(&b)) == PAWL_OK) close_shares(h);
    pawl_child_ends(h);
}

/* By a tool of its contract, or by undoing the run that it started. */
static bool has_undo(const struct pawl_tool *t)
{
    return t->undo_tool.p || (t->driver == PAWL_DRIVER_AGENT && t->effect != PAWL_EFFECT_READ);
}

bool pawl_undo_open(const struct pawl_hot *h, const struct pawl_step *s, bool again)
{
    const struct pawl_tool *t = s->kind == PAWL_STEP_TOOL ? pawl_config_tool(h->config, s->name) : NULL;
    if (!t || !has_undo(t) || !s->applied || s->undone) return false;
    if (s->stop) return false; /* nobody knows whether there is anything to undo; a person is told */
    if (!s->undo_failed || !again) return !s->undo_failed;
    for (uint32_t i = s->number; i < h->run.steps_count; i++)
        if (h->run.steps[i]->undoes == s->number && h->run.steps[i]->applied) return false;
    return true;
}

/* The latest applied step that declares an undo and has not been undone; `checked`: of those that a check wants undone.
 * NULL: none is left. */
static struct pawl_step *next_undo(const struct pawl_hot *h, bool checked, const struct pawl_tool **tool)
{
    struct pawl_step *latest = NULL;
    for (uint32_t i = 0; i < h->run.steps_count; i++) {
        struct pawl_step *s = h->run.steps[i];
        if (!pawl_undo_open(h, s, false) || (h->run.undoing && s->number <= h->run.undo_to)) continue;
        if (checked && !(s->check_then & PAWL_CHECK_UNDO)) continue;
        if (latest && s->intended_seq < latest->intended_seq) continue;
        latest = s;
    }
    if (latest) *tool = pawl_config_tool(h->config, latest->name);
    return latest;
}

/* The undo's arguments: the declared template over {args, run, key, result} of the step; none declared: its own.
 * {NULL,0}: they cannot be made of what is known. */
static struct pawl_str undo_args(struct pawl_hot *h, const struct pawl_step *s, const struct pawl_tool *t)
{
    struct pawl_arena *a = &h->e->step;
    struct pawl_buf doc, out;
    struct pawl_json_writer w = {.out = &doc};
    yyjson_val *document;
    char id[PAWL_ID_TEXT];
    if (!t->undo_args.p) return s->args;
    pawl_buf_init_arena(&doc, a);
    pawl_buf_init_arena(&out, a);
    pawl_id_text(h->run.id, id);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "args");
    pawl_jw_raw(&w, s->args);
    pawl_jw_key(&w, "run");
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "id");
    pawl_jw_text(&w, id);
    pawl_jw_key(&w, "key");
    if (h->run.key.p) pawl_jw_str(&w, h->run.key);
    else pawl_jw_text(&w, id);
    pawl_jw_key(&w, "agent");
    pawl_jw_str(&w, h->run.agent);
    pawl_jw_key(&w, "input");
    pawl_jw_raw(&w, h->run.input);
    pawl_jw_close(&w, '}');
    pawl_jw_key(&w, "key");
    pawl_jw_text(&w, s->key);
    pawl_jw_key(&w, "result");
    pawl_jw_raw(&w, s->result.p ? s->result : PAWL_STR("null"));
    pawl_jw_close(&w, '}');
    if (pawl_json_read(pawl_buf_done(&doc), a, &document, NULL)) return (struct pawl_str){NULL, 0};
    if (pawl_template_json(t->undo_args, document, a, &out, NULL)) return (struct pawl_str){NULL, 0};
    return pawl_buf_done(&out);
}

static void begin_undo(struct pawl_hot *h, const struct pawl_step *s, const struct pawl_tool *tool)
{
    const struct pawl_str args = undo_args(h, s, tool);
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    pawl_buf_init_arena(&b, &h->e->step);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "name");
    pawl_jw_str(&w, tool->undo_tool.p ? tool->undo_tool : tool->name);
    pawl_jw_key(&w, "undoes");
    pawl_jw_i64(&w, s->number);
    pawl_jw_key(&w, "args");
    pawl_jw_raw(&w, args.p ? args : PAWL_STR("{}"));
    pawl_jw_close(&w, '}');
    pawl_hot_append(h, PAWL_UNDO_STARTED, h->run.steps_count + 1, pawl_buf_done(&b));
    if (!args.p && !h->e->rc)
        pawl_hot_append(h, PAWL_STEP_FAILED, h->run.steps_count,
                        PAWL_STR("{\"class\":\"bad_arguments\",\"message\":\"its arguments cannot be made of what is "
                                 "known of the step: a person must undo it\"}"));
}

/* Everything is resolved: undo in reverse, one at a time, then end. A dead letter is kept as it is, for a person. */
void pawl_hot_wind_down(struct pawl_hot *h)
{
    const struct pawl_tool *tool = NULL;
    const bool keep = (h->run.ending_status == PAWL_DEAD || h->run.kept) && !h->run.undoing;
    const struct pawl_step *s = keep ? NULL : next_undo(h, false, &tool);
    if (s) begin_undo(h, s, tool);
    else pawl_hot_end(h, h->run.ending_status, h->run.ending_class, h->run.ending_message, h->run.output);
}

bool pawl_hot_undo_checked(struct pawl_hot *h)
{
    const struct pawl_tool *tool = NULL;
    const struct pawl_step *s = h->run.check_then & PAWL_CHECK_UNDO ? next_undo(h, true, &tool) : NULL;
    if (s) begin_undo(h, s, tool);
    return s != NULL;
}
