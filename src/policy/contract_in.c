/* src/policy/contract_in.c - stage 2: the model's arguments against the tool's input schema, and the intent key that
 * dedupe works by (DESIGN 4.2): SHA-256 over the tool's name and the arguments that say "the same intent". */
#include "policy/fact.h"
#include "policy/pipeline.h"

int pawl_pass_document(struct pawl_pass *p)
{
    char id[PAWL_ID_TEXT];
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    pawl_buf_init_arena(&b, p->arena);
    pawl_id_text(p->run->id, id);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "args");
    if (p->args) pawl_jw_value(&w, p->args);
    else pawl_jw_null(&w);
    pawl_jw_key(&w, "run");
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "id");
    pawl_jw_text(&w, id);
    pawl_jw_key(&w, "key");
    if (p->run->key.p) pawl_jw_str(&w, p->run->key);
    else pawl_jw_text(&w, id);
    pawl_jw_key(&w, "agent");
    pawl_jw_str(&w, p->run->agent);
    pawl_jw_key(&w, "input");
    pawl_jw_raw(&w, p->run->input);
    pawl_jw_close(&w, '}');
    if (p->run->facts_count) pawl_facts_write_all(p->run, p->args, &w);
    pawl_jw_close(&w, '}');
    return pawl_json_read(pawl_buf_done(&b), p->arena, &p->document, NULL);
}

/* Intent key and digest of all arguments. Numbers that canonical JSON cannot hold are refused by the caller. */
int pawl_pass_intent(struct pawl_pass *p, struct pawl_hash *intent, struct pawl_hash *args)
{
    struct pawl_buf b;
    int rc;
    pawl_buf_init_arena(&b, p->arena);
    if ((rc = pawl_json_canonical(p->args, &b, NULL)) != PAWL_OK) return rc;
    if (b.failed) return PAWL_ENOMEM;
    *args = pawl_sha256(b.p, b.n);
    if (p->tool->dedupe_by_count || p->tool->dedupe_any) {
        b.n = 0;
        for (uint32_t i = 0; i < p->tool->dedupe_by_count; i++) {
            yyjson_val *v = pawl_json_at(p->args, p->tool->dedupe_by[i]);
            pawl_buf_char(&b, v ? ',' : '-');
            if (v && (rc = pawl_json_canonical(v, &b, NULL)) != PAWL_OK) return rc;
        }
        if (b.failed) return PAWL_ENOMEM;
    }
    const struct pawl_str parts[] = {p->tool->name, PAWL_STR("\n"), {b.p, (uint32_t)b.n}};
    *intent = pawl_sha256_parts(parts, 3);
    return PAWL_OK;
}

static enum pawl_verdict check_input(struct pawl_pass *p)
{
    struct pawl_schema_report report; /* three kilobytes, which the check fills as far as they are read */
    struct pawl_buf b;
    const int rc = p->tool->input ? pawl_schema_check(p->tool->input, p->args, NULL, &report) : PAWL_OK;
    if (rc == PAWL_OK) return PAWL_GO;
    if (rc == PAWL_ENOMEM) return p->rc = rc, pawl_pass_wait(p, PAWL_WANT_NOTHING);
    pawl_buf_init_arena(&b, p->arena);
    for (uint32_t i = 0; i < report.count && i < PAWL_SCHEMA_ERRORS; i++) {
        const struct pawl_schema_violation *v = &report.violations[i];
        pawl_buf_printf(&b, "%s%s: %s", i ? "; " : "", v->instance[0] ? v->instance : "arguments", v->says);
    }
    pawl_buf_done(&b);
    return pawl_pass_fail(p, PAWL_CLASS_BAD_ARGUMENTS, "%s", b.failed || !b.n ? "the arguments do not fit" : b.p);
}

static enum pawl_verdict read_args(struct pawl_pass *p)
{
    struct pawl_error err;
    enum pawl_verdict v;
    int rc;
    pawl_error_clear(&err);
    rc = pawl_json_read(p->step->args.p && p->step->args.n ? p->step->args : PAWL_STR("{}"), p->arena, &p->args, &err);
    if (rc == PAWL_ENOMEM) return p->rc = rc, pawl_pass_wait(p, PAWL_WANT_NOTHING);
    if (rc)
        return pawl_pass_fail(p, PAWL_CLASS_BAD_ARGUMENTS, "the arguments are not JSON: %s %s", err.where, err.what);
    if (!yyjson_is_obj(p->args))
        return pawl_pass_fail(p, PAWL_CLASS_BAD_ARGUMENTS, "the arguments must be a JSON object");
    if ((v = check_input(p)) != PAWL_GO) return v;
    if (p->stood_in) return PAWL_GO; /* the intent is the call's, whoever answers it */
    rc = pawl_pass_intent(p, &p->step->intent_key, &p->step->args_digest);
    p->step->has_intent = p->step->has_intent || rc == PAWL_OK;
    if (rc == PAWL_OK) p->step->args_hash = p->step->args_digest, p->step->args_hash_of = p->step->args.p;
    if (rc == PAWL_ENOMEM) return p->rc = rc, pawl_pass_wait(p, PAWL_WANT_NOTHING);
    if (rc)
        return pawl_pass_fail(p, PAWL_CLASS_BAD_ARGUMENTS,
                              "a number in the arguments is beyond what JSON keeps exactly");
    return PAWL_GO;
}

enum pawl_verdict pawl_stage_contract_in(struct pawl_pass *p)
{
    enum pawl_verdict v;
    if (p->model) return PAWL_GO;
    if ((v = read_args(p)) != PAWL_GO) return v;
    const int rc = pawl_pass_document(p);
    if (rc == PAWL_ENOMEM) return p->rc = rc, pawl_pass_wait(p, PAWL_WANT_NOTHING);
    if (rc) return pawl_pass_fail(p, PAWL_CLASS_BAD_ARGUMENTS, "the arguments are nested too deep");
    return p->tool->driver == PAWL_DRIVER_JOURNAL ? pawl_recall(p) : PAWL_GO;
}

void pawl_pass_know_intent(struct pawl_pass *p)
{
    if (p->tool && p->tool->effect == PAWL_EFFECT_IDEMPOTENT && !p->step->has_intent) read_args(p);
}
