/* src/policy/verify.c - stage 16: after a change, read it back and compare; and what a look tells in doubt (LEDGER 3).
 * A read-back that fails or differs does not undo what happened: the model and `pawl show` are told. */
#include "policy/look.h"
#include "contract/template.h"
#include "policy/check.h"
#include "policy/pipeline.h"
#include <string.h>

/* {"args", "run", "key", "result", "before"}: what verify's arguments and `expect` may refer to. */
yyjson_val *pawl_look_document(struct pawl_pass *p)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    yyjson_val *out = NULL;
    pawl_buf_init_arena(&b, p->arena);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "args");
    pawl_jw_value(&w, p->args);
    pawl_jw_key(&w, "run");
    pawl_jw_value(&w, yyjson_obj_get(p->document, "run"));
    pawl_jw_key(&w, "key");
    pawl_jw_text(&w, p->key);
    pawl_jw_key(&w, "result");
    pawl_jw_raw(&w, p->outcome.result.p ? p->outcome.result : PAWL_STR("null"));
    pawl_jw_close(&w, '}');
    return pawl_json_read(pawl_buf_done(&b), p->arena, &out, NULL) == PAWL_OK ? out : NULL;
}

/* The read of look_of once more, or one for a check. */
static bool again_request(struct pawl_pass *p, struct pawl_str *request)
{
    struct pawl_pass of = {.run = p->run, .arena = p->arena};
    struct pawl_buf b;
    const struct pawl_str args = p->look_of ? p->look_of->args : p->look_args;
    pawl_buf_init_arena(&b, p->arena);
    if (pawl_json_read(args, p->arena, &of.args, NULL) || pawl_pass_document(&of)) return false;
    if (p->ports->render_tool(p->config, p->look_tool, of.document, (struct pawl_str){"", 0}, &b, NULL)) return false;
    *request = pawl_buf_done(&b);
    return request->p != NULL;
}

/* p->look_of, a step that has ended, as its own pass would have it. */
static bool as_of(struct pawl_pass *p, struct pawl_pass *of)
{
    const struct pawl_step *s = p->look_of;
    *of = (struct pawl_pass){.run = p->run,
                             .arena = p->arena,
                             .config = p->config,
                             .ports = p->ports,
                             .tool = pawl_config_tool(p->config, s->name),
                             .outcome = {.result = s->result},
                             .looked = p->looked,
                             .looked_status = p->looked_status};
    memcpy(of->key, s->key, sizeof of->key);
    return of->tool && pawl_json_read(s->args.n ? s->args : PAWL_STR("{}"), p->arena, &of->args, NULL) == PAWL_OK &&
           pawl_pass_document(of) == PAWL_OK;
}

bool pawl_pass_look_request(struct pawl_pass *p, const struct pawl_tool **tool, struct pawl_str *request)
{
    struct pawl_pass of;
    if (p->look_back) return as_of(p, &of) && pawl_pass_look_request(&of, tool, request);
    if (p->look_tool) return *tool = p->look_tool, again_request(p, request);
    struct pawl_buf args, doc, b;
    struct pawl_json_writer w = {.out = &doc};
    yyjson_val *with = pawl_look_document(p), *document;
    *tool = pawl_config_tool(p->config, p->tool->verify.tool);
    pawl_buf_init_arena(&args, p->arena);
    pawl_buf_init_arena(&doc, p->arena);
    pawl_buf_init_arena(&b, p->arena);
    if (!with || !*tool) return false;
    if (p->tool->verify.args.p) {
        if (pawl_template_json(p->tool->verify.args, with, p->arena, &args, NULL)) return false;
    } else {
        pawl_json_write(p->args, &args);
    }
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "args");
    pawl_jw_raw(&w, pawl_buf_done(&args));
    pawl_jw_key(&w, "run");
    pawl_jw_value(&w, yyjson_obj_get(p->document, "run"));
    pawl_jw_close(&w, '}');
    if (args.failed || pawl_json_read(pawl_buf_done(&doc), p->arena, &document, NULL)) return false;
    if (p->ports->render_tool(p->config, *tool, document, (struct pawl_str){"", 0}, &b, NULL)) return false;
    *request = pawl_buf_done(&b);
    return request->p != NULL;
}

struct pawl_hash pawl_look_digest(struct pawl_pass *p)
{
    static const struct pawl_hash none;
    const struct pawl_str result = p->outcome.result;
    const struct pawl_tool *tool;
    struct pawl_str request;
    bool made;
    p->outcome.result = (struct pawl_str){NULL, 0};
    made = pawl_pass_look_request(p, &tool, &request);
    p->outcome.result = result;
    return made ? pawl_sha256(request.p, request.n) : none;
}

bool pawl_look_can_tell(const struct pawl_pass *p)
{
    const struct pawl_verify *v = &p->tool->verify;
    if (!v->tool.p || v->settles_ns < 0) return false;
    return v->by_key.p || (v->expect && p->step->look.p);
}

enum fit {
    FITS,
    DIFFERS,
    NOT_TOLD
}; /* the last: too costly to be checked, or no memory; that says nothing of the world */

static enum fit fits(struct pawl_pass *p, yyjson_val *answer)
{
    yyjson_val *context = pawl_look_document(p);
    const int rc = context ? pawl_schema_check(p->tool->verify.expect, answer, context, NULL) : PAWL_ENOMEM;
    return rc == PAWL_OK ? FITS : rc == PAWL_EINVAL ? DIFFERS : NOT_TOLD;
}

static yyjson_val *parse(struct pawl_pass *p, struct pawl_str text)
{
    yyjson_val *v = NULL;
    return text.p && pawl_json_read(text, p->arena, &v, NULL) == PAWL_OK ? v : NULL;
}

/* What a look saw, before the intent or now. An answer that its contract does not know, or that holds nothing (a command
 * that printed nothing, a bare text), is none: "not there" must be said, not guessed. */
static yyjson_val *seen(struct pawl_pass *p, struct pawl_str answer)
{
    const struct pawl_tool *look = p->look_tool ? p->look_tool : pawl_config_tool(p->config, p->tool->verify.tool);
    yyjson_val *v = parse(p, answer);
    if (!yyjson_is_obj(v) && !yyjson_is_arr(v)) return NULL;
    if (look && look->output && pawl_schema_check(look->output, v, NULL, NULL)) return NULL;
    return v;
}

static yyjson_val *seen_now(struct pawl_pass *p)
{
    return p->looked.applied == PAWL_APPLIED_YES ? seen(p, p->looked.result) : NULL;
}

struct pawl_str pawl_look_seen(struct pawl_pass *p)
{
    if (p->looked_status == 404 || p->looked_status == 410) return PAWL_STR("null");
    return seen_now(p) ? p->looked.result : (struct pawl_str){NULL, 0};
}

/* null says that there is none; nothing there says nothing: a wrong pointer must not look like "it did not happen". */
static enum pawl_seen key_at(struct pawl_pass *p, yyjson_val *answer)
{
    yyjson_val *v = pawl_json_at(answer, p->tool->verify.by_key);
    if (!v) return PAWL_SEEN_NOTHING_KNOWN;
    return pawl_str_is(pawl_json_value_str(v), p->key) ? PAWL_SEEN_HAPPENED : PAWL_SEEN_NOT;
}

/* Whose key is at by_key of this answer, or of an item of it where it is a list? */
static enum pawl_seen whose_key(struct pawl_pass *p, yyjson_val *answer)
{
    enum pawl_seen seen = PAWL_SEEN_NOT, one;
    yyjson_val *item;
    size_t i, n;
    if (!yyjson_is_arr(answer)) return key_at(p, answer);
    yyjson_arr_foreach(answer, i, n, item)
    {
        one = key_at(p, item);
        if (one == PAWL_SEEN_HAPPENED) return one;
        if (one == PAWL_SEEN_NOTHING_KNOWN) seen = one;
    }
    return seen;
}

enum pawl_seen pawl_look_tells(struct pawl_pass *p)
{
    yyjson_val *now = seen_now(p), *before;
    if (p->tool->verify.by_key.p) {
        if (now) return whose_key(p, now);
        return p->looked_status == 404 || p->looked_status == 410 ? PAWL_SEEN_NOT : PAWL_SEEN_NOTHING_KNOWN;
    }
    before = seen(p, p->step->look);
    if (!now || !before) return PAWL_SEEN_NOTHING_KNOWN;
    const enum fit then = fits(p, before);
    switch (fits(p, now)) {
    case FITS: return then == DIFFERS ? PAWL_SEEN_HAPPENED : PAWL_SEEN_NOTHING_KNOWN;
    case DIFFERS: return pawl_json_equal(now, before) ? PAWL_SEEN_NOT : PAWL_SEEN_NOTHING_KNOWN;
    default: return PAWL_SEEN_NOTHING_KNOWN;
    }
}

static int compare(struct pawl_pass *p)
{
    const struct pawl_verify *v = &p->tool->verify;
    yyjson_val *now = seen_now(p);
    if (!now) return 2;
    if (v->expect) {
        const enum fit fit = fits(p, now);
        return fit == FITS ? 1 : fit == DIFFERS ? -1 : 2;
    }
    if (!v->by_key.p) return 2;
    switch (whose_key(p, now)) {
    case PAWL_SEEN_HAPPENED: return 1;
    case PAWL_SEEN_NOT: return -1;
    case PAWL_SEEN_NOTHING_KNOWN: break;
    }
    return 2;
}

int pawl_look_back_tells(struct pawl_pass *p)
{
    struct pawl_pass of;
    return as_of(p, &of) ? compare(&of) : 2;
}

static enum pawl_verdict read_back(struct pawl_pass *p)
{
    if (p->verified || p->look_tool) return PAWL_GO; /* it was; what comes now is a check's */
    if (p->model || !pawl_pass_changes(p) || !p->tool->verify.tool.p || p->from_verify || p->from_person)
        return PAWL_GO;
    if (p->run->ending || p->left_ns <= 0) return PAWL_GO;
    if (!p->look_came) return pawl_pass_wait(p, PAWL_WANT_LOOK);
    p->look_came = false;
    p->verified = compare(p);
    return PAWL_GO;
}

enum pawl_verdict pawl_stage_verify(struct pawl_pass *p)
{
    const enum pawl_verdict v = read_back(p);
    return v == PAWL_GO ? pawl_check_outcome(p) : v;
}
