/* src/engine/answer.c - who may answer a question, and a yes to other arguments than those that were asked about: the
 * request is fixed anew right here, so that the yes is bound to the digest of what will be sent (LEDGER 14). */
#include "engine/hot.h"
#include <string.h>

static const struct pawl_refusal fine = {0, NULL, NULL};

static const struct pawl_tool *tool_of(const struct pawl_hot *h, const struct pawl_step *s)
{
    if (s->kind == PAWL_STEP_GATE) return NULL;
    return s->kind == PAWL_STEP_UNDO ? pawl_config_tool(h->config, s->name) : pawl_agent_tool(h->agent, s->name);
}

struct pawl_refusal pawl_answer_refused(const struct pawl_hot *h, const struct pawl_step *s,
                                        const struct pawl_request *r)
{
    const struct pawl_tool *t = tool_of(h, s);
    bool may = !t || t->gate_approvers_count == 0;
    for (uint32_t i = 0; !may && i < t->gate_approvers_count; i++) may = pawl_str_eq(t->gate_approvers[i], r->by);
    if ((!may || (t && t->gate_quorum > 1)) && !r->by.p)
        return (struct pawl_refusal){PAWL_EINVAL, "this call asks for the word of certain people: say who you are",
                                     "the request's member by; pawl approve RUN --by NAME"};
    if (!may)
        return (struct pawl_refusal){PAWL_ECONFLICT, "this call asks for the word of others",
                                     "pawl show RUN/STEP names them"};
    return fine;
}

static void hash_member(struct pawl_json_writer *w, const char *name, struct pawl_hash h)
{
    char hex[65];
    pawl_hex(hex, h.b, 32);
    pawl_jw_key(w, name);
    pawl_jw_text(w, hex);
}

/* With several who must say yes the change is asked about anew: nobody has seen it but who made it. */
static struct pawl_str body_of(struct pawl_pass *p, struct pawl_str args, const struct pawl_request *r)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    pawl_buf_init_arena(&b, p->arena);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "answer");
    pawl_jw_text(&w, p->step->quorum > 1 ? "edit" : "yes");
    pawl_jw_key(&w, "edit");
    pawl_jw_raw(&w, args);
    hash_member(&w, "digest", p->digest);
    pawl_jw_key(&w, "key");
    pawl_jw_text(&w, p->key);
    pawl_jw_key(&w, "generation");
    pawl_jw_i64(&w, p->generation);
    if (r->text.p) pawl_jw_key(&w, "reason"), pawl_jw_str(&w, r->text);
    if (r->by.p) pawl_jw_key(&w, "by"), pawl_jw_str(&w, r->by);
    if (r->id.p) pawl_jw_key(&w, "id"), pawl_jw_str(&w, r->id);
    pawl_jw_key(&w, "request");
    pawl_jw_raw(&w, p->request);
    pawl_jw_close(&w, '}');
    return pawl_buf_done(&b);
}

/* Another call of this run is about the same thing by now: one of the two would wait for the other, and it for this one. */
static bool taken(const struct pawl_pass *p, struct pawl_hash intent)
{
    for (uint32_t i = p->run->ended_to; i < p->run->steps_count; i++) {
        const struct pawl_step *o = p->run->steps[i];
        if (o == p->step || pawl_step_ended(o) || !o->has_intent) continue;
        if (memcmp(o->intent_key.b, intent.b, sizeof intent.b) == 0) return true;
    }
    return false;
}

struct pawl_refusal pawl_answer_edited(struct pawl_hot *h, struct pawl_step *s, const struct pawl_request *r)
{
    struct pawl_engine *e = h->e;
    const struct pawl_tool *t = s->kind == PAWL_STEP_TOOL ? tool_of(h, s) : NULL;
    struct pawl_pass p = {.run = &h->run,
                          .step = s,
                          .number = s->number,
                          .config = h->config,
                          .agent = h->agent,
                          .tool = t,
                          .ports = &e->ports,
                          .store_id = e->store_id,
                          .arena = &e->step,
                          .generation = s->generation + 1};
    struct pawl_hash intent, digest;
    struct pawl_str args;
    yyjson_val *with;
    const char *why;
    if (!t) return (struct pawl_refusal){PAWL_EINVAL, "the arguments of an undo are its contract's", "pawl show RUN"};
    if (pawl_json_read(r->with, &e->step, &with, NULL) || !yyjson_is_obj(with))
        return (struct pawl_refusal){PAWL_EINVAL, "the changed arguments must be a JSON object", "{\"amount\": 10}"};
    args = pawl_again_merged(e, s->args, with);
    if (!args.p) return e->rc = PAWL_ENOMEM, fine;
    if ((why = pawl_again_misfit(e, t, args)) != NULL)
        return (struct pawl_refusal){PAWL_EINVAL, why, "pawl show RUN/STEP shows its arguments"};
    if (pawl_json_read(args, &e->step, &p.args, NULL) || pawl_pass_document(&p)) return e->rc = PAWL_ENOMEM, fine;
    if (pawl_pass_intent(&p, &intent, &digest))
        return (struct pawl_refusal){PAWL_EINVAL, "a number in the arguments is beyond what JSON keeps exactly", ""};
    if (pawl_dedupe_wide(&p) && memcmp(intent.b, s->intent_key.b, sizeof intent.b) != 0)
        return (struct pawl_refusal){PAWL_ECONFLICT,
                                     "with these arguments it would be about something else, as its dedupe says",
                                     "say no, and tell the agent what to do: --reason"};
    if (taken(&p, intent))
        return (struct pawl_refusal){PAWL_ECONFLICT, "another open call of the run does the same with these arguments",
                                     "answer that one first, or say no to this one"};
    if (pawl_gate_fix(&p) != PAWL_GO) {
        if (p.rc) return e->rc = p.rc, fine;
        return (struct pawl_refusal){PAWL_EINVAL, "no request can be made of these arguments", "pawl show RUN/STEP"};
    }
    p.digest = pawl_sha256(p.request.p, p.request.n);
    if (pawl_hot_append(h, PAWL_GATE_ANSWERED, s->number, body_of(&p, args, r))) return fine;
    pawl_slot_anew(h, s->number);
    return fine;
}
