/* src/engine/request.c - what clients ask: start, send, approve, deny, resolve, cancel, resume. Everything that comes in
 * carries a client-made id, is stored with it, and is confirmed when it is durable (LEDGER 13). */
#include "contract/schedule.h"
#include "engine/hot.h"
#include "policy/budget.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct pawl_answer *answer_to(struct pawl_engine *e, uint64_t id, struct pawl_id run)
{
    struct pawl_action *a = pawl_engine_act(e, PAWL_DO_REPLY);
    struct pawl_answer *answer = pawl_arena_zeroed(&e->step, sizeof *answer);
    if (!a || !answer) return e->rc = PAWL_ENOMEM, NULL;
    a->id = id;
    a->answer = answer;
    answer->run = run;
    return answer;
}

void pawl_request_answer(struct pawl_engine *e, uint64_t id, const struct pawl_run *run, uint32_t step,
                         const char *word)
{
    struct pawl_answer *answer;
    char text[PAWL_ID_TEXT];
    struct pawl_buf b;
    if (id & PAWL_INSIDE) {
        pawl_child_answered(e, id, PAWL_OK);
        return;
    }
    answer = answer_to(e, id, run->id);
    if (!answer) return;
    pawl_id_text(run->id, text);
    pawl_buf_init_arena(&b, &e->step);
    pawl_buf_printf(&b, "{\"run\":\"%s\"", text);
    if (step) pawl_buf_printf(&b, ",\"step\":%u", step);
    if (word) pawl_buf_printf(&b, ",\"callback\":\"%s\"", word);
    pawl_buf_char(&b, '}');
    answer->step = step;
    answer->body = pawl_buf_done(&b);
}

void pawl_request_done(struct pawl_engine *e, uint64_t id)
{
    static const struct pawl_id none;
    struct pawl_answer *answer = answer_to(e, id, none);
    if (answer) answer->body = PAWL_STR("{}");
}

void pawl_request_refuse(struct pawl_engine *e, uint64_t id, struct pawl_id run, int code, const char *what,
                         const char *next)
{
    struct pawl_answer *answer;
    char where[PAWL_ID_TEXT + 8] = "run ";
    if (id & PAWL_INSIDE) {
        pawl_child_answered(e, id, code);
        return;
    }
    answer = answer_to(e, id, run);
    if (!answer) return;
    pawl_id_text(run, where + 4);
    pawl_fail(&answer->error, code, where, next, "%s", what);
}

void pawl_request_refuse_store(struct pawl_engine *e, uint64_t id, struct pawl_id run, int status)
{
    const bool full = status == PAWL_EFULL;
    pawl_request_refuse(e, id, run, status,
                        full ? "the disk is full: nothing was stored" : "the store could not be read",
                        full ? "free some space, and say it again with the same id"
                             : "look after the disk, then say it again with the same id");
}

void pawl_asking_free(struct pawl_engine *e, struct pawl_asking *asking)
{
    if (!asking) return;
    pawl_arena_fini(&asking->arena);
    pawl_engine_put(e, asking, sizeof *asking);
}

static struct pawl_asking *keep(struct pawl_engine *e, uint64_t id, const struct pawl_request *r)
{
    struct pawl_asking *k = pawl_engine_get(e, sizeof *k);
    if (!k) return NULL;
    struct pawl_str *texts[] = {&k->request.id,
                                &k->request.agent,
                                &k->request.key,
                                &k->request.input,
                                &k->request.text,
                                &k->request.result,
                                &k->request.by,
                                &k->request.with,
                                &k->request.say,
                                &k->request.token,
                                &k->request.body,
                                &k->request.webhook_id,
                                &k->request.webhook_timestamp,
                                &k->request.webhook_signature};
    pawl_arena_init(&k->arena, e->from);
    k->request = *r;
    k->id = id;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i]->p) *texts[i] = pawl_str_copy(&k->arena, *texts[i]);
    if (k->arena.failed) e->rc = PAWL_ENOMEM;
    return k;
}

struct body { /* a record's body on its way: members are put where they are given */
    struct pawl_buf b;
    struct pawl_json_writer w;
};

static void begin(struct body *o, struct pawl_engine *e)
{
    pawl_buf_init_arena(&o->b, &e->step);
    o->w = (struct pawl_json_writer){.out = &o->b};
    pawl_jw_open(&o->w, '{');
}

static void put(struct body *o, const char *name, struct pawl_str text)
{
    if (!text.p) return;
    pawl_jw_key(&o->w, name);
    pawl_jw_str(&o->w, text);
}

static void put_raw(struct body *o, const char *name, struct pawl_str json)
{
    if (!json.p) return;
    pawl_jw_key(&o->w, name);
    pawl_jw_raw(&o->w, json);
}

static struct pawl_str finish(struct body *o)
{
    pawl_jw_close(&o->w, '}');
    return pawl_buf_done(&o->b);
}

static bool is_json(struct pawl_engine *e, struct pawl_str text, struct pawl_error *err)
{
    yyjson_val *v;
    const int rc = pawl_json_read(text, &e->step, &v, err);
    if (rc == PAWL_ENOMEM) e->rc = rc;
    return rc == PAWL_OK;
}

/* A lane whose line is full takes no more, and says when to come back. */
static bool has_room(struct pawl_engine *e, uint64_t id, const struct pawl_request *r, const struct pawl_agent *agent)
{
    const struct pawl_lane *lane = agent->lane.p ? pawl_config_lane(r->config, agent->lane) : NULL;
    int64_t back_ns = 0;
    char what[160], next[80];
    if (!lane || pawl_lane_takes(&e->shared, lane, pawl_evicted_of(e, lane->name), &back_ns)) return true;
    snprintf(what, sizeof what, "lane %.*s is full: %u calls wait in it", (int)lane->name.n, lane->name.p, lane->queue);
    snprintf(next, sizeof next, "come back in about %lld s", (long long)(back_ns / 1000000000 + 1));
    pawl_request_refuse(e, id, r->run, PAWL_EFULL, what, next);
    return false;
}

static void put_schedule(struct body *o, const struct pawl_request *r)
{
    char slot[PAWL_SCHEDULE_SLOT_TEXT];
    if (!r->schedule.p) return;
    pawl_jw_key(&o->w, "schedule");
    pawl_jw_open(&o->w, '{');
    put(o, "name", r->schedule);
    if (r->slot_ns) {
        pawl_slot_text(r->slot_ns, slot);
        put(o, "slot", pawl_str_of(slot));
        pawl_jw_put_i64(&o->w, "at", r->slot_ns);
    }
    pawl_jw_close(&o->w, '}');
}

struct pawl_hot *pawl_request_begin(struct pawl_engine *e, const struct pawl_request *r)
{
    const struct pawl_agent *agent = pawl_config_agent(r->config, r->agent);
    struct pawl_head head = {.run = r->run,
                             .agent = r->agent,
                             .key = r->key,
                             .status = PAWL_RUNNING,
                             .epoch = 1,
                             .owner = e->instance,
                             .wake_ns = 0,
                             .created_ns = e->wall_ns,
                             .updated_ns = e->wall_ns,
                             .config = r->config->hash};
    struct pawl_hot *h = pawl_hot_new(e, &head);
    struct body o;
    char hex[65];
    if (!h) return NULL;
    h->create = true;
    h->config = r->config;
    h->agent = agent;
    pawl_quota_enter(h);
    if (r->id.p) h->request = pawl_str_copy(&h->arena, r->id);
    begin(&o, e);
    put(&o, "agent", r->agent);
    put_raw(&o, "input", r->input);
    put(&o, "key", r->key);
    pawl_hex(hex, r->config->hash.b, 32);
    put(&o, "config", pawl_str_of(hex));
    if (r->chat) pawl_jw_key(&o.w, "chat"), pawl_jw_bool(&o.w, true);
    if (r->begins_ns > e->wall_ns) pawl_jw_key(&o.w, "begins"), pawl_jw_i64(&o.w, r->begins_ns);
    put_schedule(&o, r);
    put(&o, "id", r->id);
    put(&o, "by", r->by);
    pawl_payers_write(r->run, r->config, agent, NULL, &o.w);
    return pawl_hot_append(h, PAWL_RUN_CREATED, 0, finish(&o)) ? NULL : h;
}

static void start(struct pawl_engine *e, uint64_t id, const struct pawl_request *r)
{
    const struct pawl_agent *agent = pawl_config_agent(r->config, r->agent);
    struct pawl_error err = {0};
    struct pawl_hot *h;
    if (!agent) {
        pawl_request_refuse(e, id, r->run, PAWL_ENOTFOUND, "the configuration has no such agent", "pawl check");
        return;
    }
    if (!is_json(e, r->input, &err)) {
        pawl_request_refuse(e, id, r->run, PAWL_EINVAL, err.what, "give the input as JSON text");
        return;
    }
    if (e->handing_over) {
        pawl_request_refuse(e, id, r->run, PAWL_EBUSY, "this owner is handing over", "say it again in a moment");
        return;
    }
    if (!has_room(e, id, r, agent)) return;
    h = pawl_request_begin(e, r);
    if (h) pawl_hot_note_reply(h, id, 0, NULL);
}

/* The key or the id was there already: who has it? */
void pawl_request_retry_start(struct pawl_engine *e, struct pawl_hot *h)
{
    struct pawl_find find = {.what = PAWL_FIND_KEY};
    while (h->replies) {
        struct pawl_reply_due *reply = h->replies;
        const struct pawl_request r = {.what = PAWL_ASK_START,
                                       .id = h->request,
                                       .run = h->head.run,
                                       .agent = h->run.agent,
                                       .key = h->run.key,
                                       .input = h->run.input,
                                       .chat = h->run.chat,
                                       .begins_ns = h->run.begins_ns};
        struct pawl_asking *asking = keep(e, reply->id, &r);
        h->replies = reply->next;
        pawl_engine_put(e, reply, sizeof *reply);
        if (!asking) break;
        find.key = asking->request.key;
        find.request = asking->request.id;
        pawl_engine_find(e, PAWL_OF_KEY, &find, NULL, asking);
    }
    pawl_hot_drop(h);
}

void pawl_request_key_found(struct pawl_engine *e, struct pawl_asking *asking, int status, struct pawl_id run)
{
    const struct pawl_request *r = &asking->request;
    struct pawl_find find = {.what = PAWL_FIND_READ, .run = run};
    if (status == PAWL_ENOTFOUND && r->key.p && r->id.p && !find.key.p && asking->next == NULL) {
        asking->next = asking; /* the key is free, so the client's id is what is there: ask by that, once */
        find.what = PAWL_FIND_KEY;
        find.request = r->id;
        pawl_engine_find(e, PAWL_OF_KEY, &find, NULL, asking);
        return;
    }
    asking->next = NULL;
    if (status) {
        const bool none = status == PAWL_ENOTFOUND;
        pawl_request_refuse(e, asking->id, r->run, none ? PAWL_ECONFLICT : status,
                            none ? "the run's id is in use" : "the store could not be read", "start it again");
        pawl_asking_free(e, asking);
        return;
    }
    pawl_engine_find(e, PAWL_OF_KEY_READ, &find, NULL, asking);
}

void pawl_request_key_read(struct pawl_engine *e, struct pawl_asking *asking, int status,
                           const struct pawl_found *found)
{
    const struct pawl_request *r = &asking->request;
    struct pawl_arena scratch;
    struct pawl_run run;
    pawl_arena_init(&scratch, e->from);
    pawl_run_init(&run, &scratch);
    const int rc = status                    ? status
                   : found->runs->count == 0 ? PAWL_ENOTFOUND
                                             : pawl_run_fold(&run, &found->runs->records[0], NULL);
    if (!status && rc == PAWL_ENOMEM) e->rc = rc;
    if (rc)
        pawl_request_refuse(e, asking->id, r->run, PAWL_EIO, "the run that has this key could not be read",
                            "pawl verify");
    else if (!pawl_str_eq(run.agent, r->agent) || !pawl_str_eq(run.input, r->input))
        pawl_request_refuse(e, asking->id, run.id, PAWL_ECONFLICT,
                            "a run with this key has another agent or another input",
                            "use another key, or start it with the same input");
    else pawl_request_answer(e, asking->id, &run, 0, NULL);
    pawl_arena_fini(&scratch);
    pawl_asking_free(e, asking);
}

/* What is said of a step: which one is meant? 0 given: the only one in that state. */
static struct pawl_step *meant(const struct pawl_run *run, uint32_t number, enum pawl_step_state state, uint32_t *count)
{
    struct pawl_step *only = NULL;
    *count = 0;
    if (number) return pawl_run_step(run, number);
    for (uint32_t i = 0; i < run->steps_count; i++)
        if (run->steps[i]->state == state) only = run->steps[i], ++*count;
    return *count == 1 ? only : NULL;
}

static void put_who(struct body *o, const struct pawl_request *r)
{
    put(o, "reason", r->text);
    put(o, "by", r->by);
    put(o, "id", r->id);
}

/* It says what is so already. The id is kept all the same: said again, it gets this answer again (LEDGER 13). */
static void remember(struct pawl_hot *h, const struct pawl_request *r, uint32_t step)
{
    struct body o;
    if (!r->id.p) return;
    begin(&o, h->e);
    put_who(&o, r);
    pawl_hot_append(h, PAWL_NOTE, step, finish(&o));
}

static bool is_object(struct pawl_engine *e, struct pawl_str text)
{
    yyjson_val *v;
    const int rc = pawl_json_read(text, &e->step, &v, NULL);
    if (rc == PAWL_ENOMEM) e->rc = rc;
    return rc == PAWL_OK && yyjson_is_obj(v);
}

/* How much more of a budget a yes gives: as was proposed, or "more" of what came with it. */
static bool more_of(struct pawl_engine *e, const struct pawl_step *s, struct pawl_str with, int64_t *more)
{
    yyjson_val *v = NULL;
    if (with.p && pawl_json_read(with, &e->step, &v, NULL)) return false;
    return pawl_budget_more(&s->shortage, yyjson_obj_get(v, "more"), more);
}

/* What others than the run itself may spend is a row that all share. */
static void grant(struct pawl_hot *h, const struct pawl_step *s, int64_t more)
{
    char row[160];
    struct pawl_shared_op op = {.add = more};
    const struct pawl_str account = s->shortage.account;
    if (!account.p || h->e->rc || pawl_str_is(account, "run")) return;
    op.name = pawl_account_row(row, account, PAWL_GRANTED, s->shortage.of);
    pawl_hot_share(h, &op);
}

static bool said_already(const struct pawl_step *s, struct pawl_str by)
{
    for (uint32_t i = 0; by.p && i < s->yes_count; i++)
        if (pawl_str_eq(s->yes[i], by)) return true;
    return false;
}

/* A yes to other arguments than those that were sent is another answer than the one that was given (LEDGER 13); while the
 * question stands it changes what is asked about now. `said`: what the change is of. */
static bool other_arguments(struct pawl_engine *e, const struct pawl_step *s, struct pawl_str said,
                            const struct pawl_request *r)
{
    yyjson_val *with = NULL, *was = NULL, *now = NULL;
    if (!r->with.p || s->kind == PAWL_STEP_GATE) return false;
    if (pawl_json_read(r->with, &e->step, &with, NULL) || !yyjson_is_obj(with)) return true;
    const struct pawl_str merged = pawl_again_merged(e, said, with);
    if (pawl_json_read(s->args, &e->step, &was, NULL) || pawl_json_read(merged, &e->step, &now, NULL)) return true;
    return !pawl_json_equal(was, now);
}

static struct pawl_str first_said(const struct pawl_step *s)
{
    return s->said.p ? s->said : s->args;
}

static struct pawl_refusal answer_gate(struct pawl_hot *h, const struct pawl_request *r, uint32_t *step)
{
    const bool yes = r->what == PAWL_ASK_APPROVE;
    uint32_t count;
    struct pawl_step *s = meant(&h->run, r->step, PAWL_STEP_ASKED, &count);
    struct pawl_refusal no;
    struct pawl_slot *slot;
    struct body o;
    int64_t more = 0;
    if (!s)
        return count > 1 ? (struct pawl_refusal){PAWL_EINVAL, "several calls wait for an answer", "name one: RUN/STEP"}
                         : (struct pawl_refusal){PAWL_ENOTFOUND, "no call waits for an answer", "pawl show RUN"};
    *step = s->number;
    if (r->has_digest && memcmp(r->digest.b, s->asked_digest.b, 32) != 0)
        return (struct pawl_refusal){PAWL_ECONFLICT, "another call was asked about than the one that was shown",
                                     "pawl show RUN"};
    if (s->state != PAWL_STEP_ASKED) {
        if (!s->asked_seq || s->state == PAWL_STEP_DOUBT)
            return (struct pawl_refusal){PAWL_ENOTFOUND, "this step does not wait for an answer", "pawl show RUN"};
        if (s->denied == !yes && !other_arguments(h->e, s, first_said(s), r))
            return remember(h, r, s->number), (struct pawl_refusal){0, NULL, NULL};
        return (struct pawl_refusal){PAWL_ECONFLICT, "it was answered already, and differently", "pawl show RUN"};
    }
    if ((no = pawl_answer_refused(h, s, r)).code) return no;
    if (yes && said_already(s, r->by) && !other_arguments(h->e, s, s->args, r))
        return remember(h, r, s->number), (struct pawl_refusal){0, NULL, NULL};
    if (yes && r->with.p && s->kind != PAWL_STEP_GATE) return pawl_answer_edited(h, s, r);
    if (yes && r->with.p && !is_object(h->e, r->with))
        return (struct pawl_refusal){PAWL_EINVAL, "what comes with the yes must be a JSON object", "{\"more\": 10}"};
    const bool budget = yes && s->why & PAWL_WHY_BUDGET;
    if (budget && !more_of(h->e, s, r->with, &more))
        return (struct pawl_refusal){PAWL_EINVAL, "this is no amount of what there is too little of",
                                     s->shortage.of == PAWL_BUDGET_COST ? "--more '0.50 USD'" : "--more 100k"};
    begin(&o, h->e);
    put(&o, "answer", yes ? PAWL_STR("yes") : PAWL_STR("no"));
    if (yes) put_raw(&o, "with", r->with);
    if (budget) pawl_jw_key(&o.w, "more"), pawl_jw_i64(&o.w, more);
    put_who(&o, r);
    if (pawl_hot_append(h, PAWL_GATE_ANSWERED, s->number, finish(&o))) return (struct pawl_refusal){0, NULL, NULL};
    if (budget) grant(h, s, more);
    if ((slot = pawl_hot_slot(h, s->number)) != NULL) {
        if (slot->pass.stage > PAWL_STAGE_DEDUPE && s->kind != PAWL_STEP_GATE)
            slot->pass.stage = PAWL_STAGE_DEDUPE; /* what has changed since it was asked is seen again */
        if (slot->pass.claim_took) slot->pass.claim_state = PAWL_CLAIM_OURS;
        else slot->pass.claim_state = PAWL_CLAIM_NOT_ASKED;
        pawl_slot_drive(slot);
    }
    return (struct pawl_refusal){0, NULL, NULL};
}

/* A person's result is held to the tool's contract like the tool's own; null says that nobody knows it. NULL: it fits. */
const char *pawl_request_misfit(struct pawl_hot *h, const struct pawl_step *s, struct pawl_str result)
{
    const struct pawl_tool *t = pawl_config_tool(h->config, s->name);
    struct pawl_schema_report report = {0};
    struct pawl_buf b;
    yyjson_val *v = NULL;
    if (!t || !t->output || !result.p || pawl_json_read(result, &h->e->step, &v, NULL) || yyjson_is_null(v))
        return NULL;
    if (pawl_schema_check(t->output, v, NULL, &report) == PAWL_OK || !report.count) return NULL;
    pawl_buf_init_arena(&b, &h->e->step);
    pawl_buf_printf(&b, "the result does not fit the tool's output: %s%s%s", report.violations[0].instance,
                    report.violations[0].instance[0] ? ": " : "", report.violations[0].says);
    return pawl_buf_done(&b).p ? b.p : "the result does not fit the tool's output";
}

static struct pawl_refusal resolve(struct pawl_hot *h, const struct pawl_request *r, uint32_t *step)
{
    static const char *const words[] = {"happened", "not_happened", "stop"};
    struct pawl_error err = {0};
    uint32_t count;
    struct pawl_step *s = meant(&h->run, r->step, PAWL_STEP_DOUBT, &count);
    struct pawl_slot *slot;
    struct body o;
    const char *why;
    if (!s)
        return count > 1 ? (struct pawl_refusal){PAWL_EINVAL, "several steps are in doubt", "name one: RUN/STEP"}
                         : (struct pawl_refusal){PAWL_ENOTFOUND, "no step is in doubt", "pawl show RUN"};
    *step = s->number;
    if (s->state != PAWL_STEP_DOUBT)
        return (struct pawl_refusal){PAWL_ECONFLICT, "this step is not in doubt", "pawl show RUN"};
    if (r->how == PAWL_HOW_HAPPENED && r->result.p && !is_json(h->e, r->result, &err))
        return (struct pawl_refusal){PAWL_EINVAL, "the result is not JSON",
                                     "give it as JSON text, in quotes for the shell"};
    if (r->how == PAWL_HOW_HAPPENED && (why = pawl_request_misfit(h, s, r->result)) != NULL)
        return (struct pawl_refusal){PAWL_EINVAL, why,
                                     "give it as the tool would have answered, or null where nobody knows it"};
    if (r->how == PAWL_HOW_NOT_HAPPENED && s->doubt_applied)
        return (struct pawl_refusal){PAWL_ECONFLICT, "it is known that it happened: only its answer is missing",
                                     "say what it answered with --happened, or null"};
    begin(&o, h->e);
    put(&o, "how", pawl_str_of(words[r->how]));
    if (r->how == PAWL_HOW_HAPPENED) put_raw(&o, "result", r->result.p ? r->result : PAWL_STR("null"));
    put_who(&o, r);
    if (pawl_hot_append(h, PAWL_STEP_RESOLVED, s->number, finish(&o))) return (struct pawl_refusal){0, NULL, NULL};
    if ((slot = pawl_hot_slot(h, s->number)) != NULL) pawl_slot_drive(slot);
    if (r->how == PAWL_HOW_STOP)
        pawl_hot_abort(h, PAWL_FAILED_RUN, PAWL_CLASS_IN_DOUBT, "a person stopped the run at a step in doubt",
                       (struct pawl_str){NULL, 0}, r->by);
    return (struct pawl_refusal){0, NULL, NULL};
}

static struct pawl_refusal take_message(struct pawl_hot *h, const struct pawl_request *r)
{
    struct body o;
    if (h->run.ending) return (struct pawl_refusal){PAWL_EINVAL, "the run is being stopped", "start a new one"};
    begin(&o, h->e);
    put(&o, "text", r->text);
    if (r->end) pawl_jw_key(&o.w, "end"), pawl_jw_bool(&o.w, true);
    put(&o, "by", r->by);
    put(&o, "id", r->id);
    pawl_hot_append(h, PAWL_SIGNAL_RECEIVED, 0, finish(&o));
    return (struct pawl_refusal){0, NULL, NULL};
}

static struct pawl_refusal act(struct pawl_hot *h, const struct pawl_request *r, uint32_t *step)
{
    switch (r->what) {
    case PAWL_ASK_APPROVE:
    case PAWL_ASK_DENY: return answer_gate(h, r, step);
    case PAWL_ASK_RESOLVE: return resolve(h, r, step);
    case PAWL_ASK_SEND: return take_message(h, r);
    case PAWL_ASK_CANCEL:
        if (h->run.ending) remember(h, r, 0);
        pawl_hot_abort(h, PAWL_CANCELLED_RUN, PAWL_CLASS_CANCELLED, r->text.p ? r->text.p : "cancelled", r->id, r->by);
        break;
    case PAWL_ASK_RESUME: break;
    case PAWL_ASK_RETRY: return pawl_again_retry(h, r);
    case PAWL_ASK_UNDO: return pawl_again_undo(h, r);
    case PAWL_ASK_SIGNAL: return pawl_signal_take(h, r);
    case PAWL_ASK_ANSWER: return pawl_handoff(h, r, step);
    case PAWL_ASK_CALLBACK:
    case PAWL_ASK_BREAKER:
    case PAWL_ASK_SCHEDULES:
    case PAWL_ASK_PAUSE:
    case PAWL_ASK_UNPAUSE:
    case PAWL_ASK_START: assert(false);
    }
    return (struct pawl_refusal){0, NULL, NULL};
}

static void request_do(struct pawl_engine *e, struct pawl_asking *asking, struct pawl_hot *h)
{
    const struct pawl_request *r = &asking->request;
    struct pawl_refusal no = {0, NULL, NULL};
    uint32_t step = r->step;
    const char *word = NULL;
    if (r->what == PAWL_ASK_CALLBACK) {
        no = pawl_called_take(h, r, &word);
    } else if (!pawl_run_answered(&h->run, r->id)) {
        if (h->agent || r->what == PAWL_ASK_RESUME) no = act(h, r, &step);
        else
            no = (struct pawl_refusal){PAWL_ECONFIG, "the run waits for its configuration",
                                       "set what it names, then pawl resume RUN"};
    }
    if (no.code) pawl_request_refuse(e, asking->id, h->head.run, no.code, no.what, no.next);
    else if (!e->rc) pawl_hot_note_reply(h, asking->id, step, word);
    /* Whoever worked on it ended: what was asked is durable before anything is done for it, be it a plain read, or
     * nobody who asks would ever be answered. */
    if (h->claims >= PAWL_CLAIMS_WITHOUT_PROGRESS_MAX) h->written_first = h->run.seq;
    pawl_hot_dirty(h);
    pawl_asking_free(e, asking);
}

static void called_after_the_end(struct pawl_engine *e, const struct pawl_asking *asking, const struct pawl_config *c,
                                 const struct pawl_run *run)
{
    const char *word = NULL;
    const struct pawl_refusal no = pawl_called_late(e, c, run, &asking->request, &word);
    if (no.code) pawl_request_refuse(e, asking->id, run->id, no.code, no.what, no.next);
    else pawl_request_answer(e, asking->id, run, asking->request.step, word);
}

void pawl_request_ended(struct pawl_engine *e, struct pawl_asking *asking, const struct pawl_run_records *stored)
{
    const struct pawl_request *r = &asking->request;
    struct pawl_arena scratch;
    struct pawl_run run;
    int rc = PAWL_OK;
    pawl_arena_init(&scratch, e->from);
    pawl_run_init(&run, &scratch);
    for (uint32_t i = 0; i < stored->count && rc == PAWL_OK; i++) rc = pawl_run_fold(&run, &stored->records[i], NULL);
    if (rc == PAWL_ENOMEM) e->rc = rc;
    const struct pawl_step *s = pawl_run_step(&run, r->step);
    const bool yes = r->what == PAWL_ASK_APPROVE, no = r->what == PAWL_ASK_DENY;
    /* what was stopped before anybody answered was not approved, whatever became of the question */
    const bool said_yes = yes && s && s->yes_count > 0 && !s->denied && !other_arguments(e, s, first_said(s), r);
    const bool shown = s && (!r->has_digest || memcmp(r->digest.b, s->asked_digest.b, 32) == 0);
    const bool same_answer = shown && s->asked_seq && (said_yes || (no && s->denied));
    const bool over = r->what == PAWL_ASK_RESUME || (r->what == PAWL_ASK_CANCEL && run.status == PAWL_CANCELLED_RUN) ||
                      pawl_signal_known(&run, r);
    if (rc == PAWL_OK && r->what == PAWL_ASK_CALLBACK)
        called_after_the_end(e, asking, e->ports.config(e->ports.ctx, stored->head.config, &(struct pawl_str){NULL, 0}),
                             &run);
    else if (rc == PAWL_OK && (pawl_run_answered(&run, r->id) || over || same_answer))
        pawl_request_answer(e, asking->id, &run, r->step, NULL);
    else pawl_request_refuse(e, asking->id, stored->head.run, PAWL_ECONFLICT, "the run has ended", "pawl show RUN");
    pawl_arena_fini(&scratch);
    pawl_asking_free(e, asking);
}

/* Its end is on its way to the disk: what was said before is confirmed with it, anything else comes too late. */
static void ended_in_memory(struct pawl_engine *e, struct pawl_asking *asking, struct pawl_hot *h)
{
    const struct pawl_request *r = &asking->request;
    const bool over = r->what == PAWL_ASK_RESUME ||
                      (r->what == PAWL_ASK_CANCEL && h->run.status == PAWL_CANCELLED_RUN) ||
                      pawl_signal_known(&h->run, r);
    const char *word = NULL;
    struct pawl_refusal no = {0, NULL, NULL};
    if (r->what == PAWL_ASK_CALLBACK) no = pawl_called_late(e, h->config, &h->run, r, &word);
    if (no.code) pawl_request_refuse(e, asking->id, h->head.run, no.code, no.what, no.next);
    else if (word) pawl_hot_note_reply(h, asking->id, r->step, word); /* "late" counts when the end is stored */
    else if (over || pawl_run_answered(&h->run, r->id)) pawl_hot_note_reply(h, asking->id, r->step, NULL);
    else pawl_request_refuse(e, asking->id, h->head.run, PAWL_ECONFLICT, "the run has ended", "pawl show RUN");
    pawl_asking_free(e, asking);
}

void pawl_request_to(struct pawl_engine *e, struct pawl_asking *asking, struct pawl_hot *h)
{
    if (h->run.ended && !pawl_again_reopens(asking->request.what)) ended_in_memory(e, asking, h);
    else request_do(e, asking, h);
}

void pawl_engine_request(struct pawl_engine *e, uint64_t id, const struct pawl_request *r)
{
    struct pawl_hot *h;
    struct pawl_asking *asking;
    if (r->what == PAWL_ASK_START) {
        start(e, id, r);
        return;
    }
    if (r->what == PAWL_ASK_BREAKER) {
        pawl_common_request(e, id, r);
        return;
    }
    if (r->what == PAWL_ASK_SCHEDULES) {
        pawl_schedules_run(e, r->config);
        return;
    }
    if (r->what == PAWL_ASK_PAUSE || r->what == PAWL_ASK_UNPAUSE) {
        pawl_schedule_request(e, id, r);
        return;
    }
    asking = keep(e, id, r);
    if (!asking) return;
    h = pawl_hot_find(e, r->run);
    if (h) pawl_request_to(e, asking, h);
    else pawl_hot_ask_load(e, r->run, asking);
}
