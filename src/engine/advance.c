/* src/engine/advance.c - a run moves on: every open step has a pass, every pass goes until it waits, and where no step is
 * open the decider says what comes next. Slots are freed here only, so that whoever loops over them may drive them. */
#include "policy/admission.h"
#include "engine/hot.h"
#include "policy/guard.h"
#include "policy/look.h"
#include <assert.h>
#include <string.h>

static struct pawl_slot *slot_of(struct pawl_pass *p)
{
    return (struct pawl_slot *)p; /* the pass is the slot's first member */
}

static int book_append(struct pawl_pass *p, enum pawl_kind kind, struct pawl_str body)
{
    const int rc = pawl_hot_append(slot_of(p)->hot, kind, p->number, body);
    if (rc == PAWL_OK && kind == PAWL_CHILD_ENDED) pawl_child_spent(slot_of(p)->hot, slot_of(p));
    return rc;
}

static int book_claim(struct pawl_pass *p, const struct pawl_claim_op *op)
{
    return pawl_hot_claim(slot_of(p)->hot, op);
}

static int book_share(struct pawl_pass *p, const struct pawl_shared_op *op)
{
    return pawl_hot_share(slot_of(p)->hot, op);
}

const struct pawl_book pawl_slot_book = {.append = book_append, .claim = book_claim, .shared = book_share};

struct pawl_slot *pawl_hot_slot(const struct pawl_hot *h, uint32_t number)
{
    for (struct pawl_slot *s = h->slots; s; s = s->next)
        if (s->pass.number == number) return s;
    return NULL;
}

static void cancel_attempt(struct pawl_slot *s)
{
    struct pawl_engine *e = s->hot->e;
    struct pawl_action *a;
    if (!s->attempt_id) return;
    if (!pawl_engine_take_back(e, s->attempt_id)) {
        a = pawl_engine_act(e, PAWL_DO_CANCEL);
        if (a) a->id = s->attempt_id;
    }
    pawl_engine_forget(e, s->attempt_id);
    s->attempt_id = 0;
}

void pawl_slot_free(struct pawl_slot *s)
{
    struct pawl_engine *e = s->hot->e;
    cancel_attempt(s);
    pawl_engine_abandon(e, s->find_id);
    pawl_engine_forget(e, s->tell_id);
    pawl_claims_leave(s);
    pawl_admission_leave(&s->pass);
    pawl_heap_drop(&e->timers, &s->timer.node);
    pawl_arena_fini(&s->arena);
    pawl_engine_put(e, s, sizeof *s);
}

static struct pawl_slot *slot_new(struct pawl_hot *h, uint32_t number)
{
    struct pawl_engine *e = h->e;
    struct pawl_slot *s = pawl_engine_get(e, sizeof *s), **at = &h->slots;
    if (!s) return NULL;
    s->hot = h;
    s->timer = (struct pawl_timer){.of = PAWL_TIMER_SLOT, .owner = s};
    pawl_arena_init(&s->arena, e->from);
    s->pass = (struct pawl_pass){.run = &h->run,
                                 .number = number,
                                 .step = pawl_run_step(&h->run, number),
                                 .config = h->config,
                                 .taken_wall_ns = h->taken_wall_ns,
                                 .agent = h->agent,
                                 .ports = &e->ports,
                                 .book = &pawl_slot_book,
                                 .store_id = e->store_id,
                                 .prng = &e->prng,
                                 .shared = &e->shared,
                                 .began_ns = e->now_ns};
    s->pass.arena = &s->arena;
    while (*at && (*at)->pass.number < number) at = &(*at)->next;
    s->next = *at;
    *at = s;
    return s;
}

void pawl_slot_anew(struct pawl_hot *h, uint32_t number)
{
    for (struct pawl_slot **at = &h->slots; *at; at = &(*at)->next) {
        struct pawl_slot *s = *at;
        if (s->pass.number != number) continue;
        *at = s->next;
        pawl_slot_free(s);
        break;
    }
    pawl_hot_dirty(h);
}

static int64_t left_ns(const struct pawl_hot *h)
{
    const struct pawl_engine *e = h->e;
    int64_t left = PAWL_NEVER;
    const int64_t deadline_ns = pawl_hot_deadline_ns(h), ends_ns = pawl_hot_ends_ns(h);
    if (deadline_ns) left = deadline_ns - h->head.active_ns - (h->active ? e->now_ns - h->active_since_ns : 0);
    if (ends_ns && ends_ns - e->wall_ns < left) left = ends_ns - e->wall_ns;
    return left;
}

/* The monitor of an accepted call is asked. false: its request cannot be made. */
static bool make_poll(struct pawl_slot *s)
{
    s->attempt.look = s->attempt.poll = true;
    s->attempt.changes = s->attempt.stop = s->pass.stopping;
    s->attempt.hedge_ns = 0;
    s->attempt.key = (struct pawl_str){NULL, 0};
    s->attempt.timeout_ns = s->pass.tool->timeout_ns;
    return pawl_pass_poll_request(&s->pass, &s->attempt.request);
}

static void start_attempt(struct pawl_slot *s, bool look)
{
    struct pawl_pass *p = &s->pass;
    struct pawl_engine *e = s->hot->e;
    const struct pawl_reply not_sent = {.transport = PAWL_NOT_SENT,
                                        .detail = PAWL_STR("the look's arguments cannot be made")};
    struct pawl_pending *pending;
    struct pawl_action *a;
    s->looking = look;
    s->polling = p->want == PAWL_WANT_POLL;
    s->attempt = (struct pawl_attempt){.of = p->model && !look ? PAWL_ATTEMPT_MODEL : PAWL_ATTEMPT_TOOL,
                                       .run = p->run->id,
                                       .step = p->number,
                                       .attempt = look ? p->looks : p->attempts,
                                       .look = look,
                                       .changes = !look && pawl_pass_changes(p),
                                       .config = p->config,
                                       .tool = p->tool,
                                       .model = look ? NULL : p->model,
                                       .request = p->request,
                                       .timeout_ns = p->timeout_ns,
                                       .hedge_ns = look ? 0 : p->hedge_ns,
                                       .deadline_ns = p->left_ns};
    if (!look && !p->model && p->step->state >= PAWL_STEP_INTENDED_STATE) s->attempt.key = pawl_str_of(p->key);
    if (look && !pawl_pass_look_request(p, &s->attempt.tool, &s->attempt.request)) {
        pawl_pass_take_reply(p, &not_sent, true);
        pawl_slot_drive(s);
        return;
    }
    if (look) s->attempt.timeout_ns = s->attempt.tool->timeout_ns;
    if (s->polling && !make_poll(s)) {
        pawl_pass_take_news(p, &not_sent);
        pawl_slot_drive(s);
        return;
    }
    assert(s->attempt.timeout_ns > 0);
    pending = pawl_engine_await(e, PAWL_OF_SLOT_ATTEMPT);
    a = pending ? pawl_engine_act(e, PAWL_DO_ATTEMPT) : NULL;
    if (!a) return;
    pending->slot = s;
    s->attempt_id = a->id = pending->id;
    a->attempt = &s->attempt;
}

/* durability: every-step: a plain read, too, waits for all records before it. */
static bool must_sync_first(struct pawl_slot *s)
{
    struct pawl_hot *h = s->hot;
    if (!h->config->sync_every_step || h->run.seq <= h->durable_seq || s->synced) return false;
    s->synced = true;
    s->pass.want = PAWL_WANT_DURABLE;
    s->need_seq = h->run.seq;
    return true;
}

static void find_result(struct pawl_slot *s)
{
    const struct pawl_find read = {.what = PAWL_FIND_READ, .run = s->pass.first_run};
    s->find_id = pawl_engine_find(s->hot->e, PAWL_OF_SLOT_FIND, &read, s, NULL);
}

/* The pass waits: begin what it waits for. */
static void dispatch(struct pawl_slot *s)
{
    struct pawl_pass *p = &s->pass;
    struct pawl_engine *e = s->hot->e;
    pawl_engine_timer(e, &s->timer, p->until_wall_ns);
    switch (p->want) {
    case PAWL_WANT_NOTHING:
    case PAWL_WANT_STEP:
    case PAWL_WANT_PERSON:
    case PAWL_WANT_ROOM:
    case PAWL_WANT_SIGNAL:
    case PAWL_WANT_LATER:
    case PAWL_WANT_TIME: break;
    case PAWL_WANT_CHILD: pawl_child_want(s); break;
    case PAWL_WANT_CLAIM: pawl_claims_want(s); break;
    case PAWL_WANT_CLAIM_FREE: pawl_claims_wait(s); break;
    case PAWL_WANT_RESULT: find_result(s); break;
    case PAWL_WANT_DURABLE: s->need_seq = s->hot->run.seq; break;
    case PAWL_WANT_ATTEMPT:
        if (!must_sync_first(s)) start_attempt(s, false);
        break;
    case PAWL_WANT_LOOK: start_attempt(s, true); break;
    case PAWL_WANT_POLL: start_attempt(s, false); break;
    }
}

/* Handing over: what has been promised to the journal is finished; what would begin something is not. */
static bool under_way(const struct pawl_pass *p)
{
    return p->want == PAWL_WANT_DURABLE || p->want == PAWL_WANT_ATTEMPT || p->want == PAWL_WANT_LOOK ||
           p->want == PAWL_WANT_POLL || p->stage == PAWL_STAGE_RECORD;
}

/* A user spoke while a model call waited for room: it is made of all that is said by now (LEDGER 7). */
static void hear(struct pawl_slot *s)
{
    struct pawl_pass *p = &s->pass;
    struct pawl_engine *e = s->hot->e;
    struct pawl_decision now;
    if (!p->decision || p->step || s->heard == p->run->turns_count) return;
    const int rc = e->ports.decide(p->config, p->run, &s->arena, &now, NULL);
    if (rc == PAWL_ENOMEM) p->rc = rc;
    if (!rc && now.what != PAWL_DECIDE_MODEL) s->pass.ended = s->pass.anew = true; /* something else comes first now */
    if (rc || now.what != PAWL_DECIDE_MODEL) return;
    s->heard = p->run->turns_count;
    s->decision = now;
    p->request = (struct pawl_str){NULL, 0};
}

void pawl_slot_drive(struct pawl_slot *s)
{
    struct pawl_pass *p = &s->pass;
    struct pawl_engine *e = s->hot->e;
    pawl_hot_dirty(s->hot);
    if (p->ended || s->attempt_id || s->find_id || s->tell_id) return;
    if (e->handing_over && !under_way(p)) return;
    pawl_heap_drop(&e->timers, &s->timer.node);
    p->now_ns = e->now_ns;
    p->wall_ns = e->wall_ns;
    p->step = pawl_run_step(p->run, p->number);
    p->left_ns = p->step && p->step->kind == PAWL_STEP_UNDO ? PAWL_NEVER : left_ns(s->hot);
    hear(s);
    if (!p->rc && !p->ended) pawl_pipeline_drive(p);
    if (p->rc) e->rc = p->rc;
    if (!p->ended && !p->rc) dispatch(s);
}

void pawl_slot_done(struct pawl_slot *s, const struct pawl_reply *reply)
{
    struct pawl_pass *p = &s->pass;
    struct pawl_engine *e = s->hot->e;
    s->attempt_id = 0;
    s->synced = false;
    p->now_ns = e->now_ns;
    p->wall_ns = e->wall_ns;
    if (s->polling) pawl_pass_take_news(p, reply);
    else pawl_pass_take_reply(p, reply, s->looking);
    pawl_slot_drive(s);
}

/* Another run's step that did this first: its result is the answer, unless it was undone since. */
static void take_result(struct pawl_slot *s, const struct pawl_run_records *runs)
{
    struct pawl_pass *p = &s->pass;
    struct pawl_run other;
    const struct pawl_step *first;
    p->result = PAWL_STR("null");
    pawl_run_init(&other, p->arena);
    for (uint32_t i = 0; runs && i < runs->count; i++)
        if (pawl_run_fold(&other, &runs->records[i], NULL)) break;
    first = pawl_run_step(&other, p->first_step);
    if (!first) return;
    if (first->result.p) p->result = first->result;
    p->first_no_answer = first->undone || first->state != PAWL_STEP_DONE;
}

void pawl_slot_found(struct pawl_slot *s, int status, const struct pawl_found *found)
{
    s->find_id = 0;
    if (s->pass.want == PAWL_WANT_CLAIM) {
        pawl_claims_found(s, status, found ? &found->claim : NULL);
    } else if (s->pass.want == PAWL_WANT_CHILD) {
        if (!pawl_child_found(s, status, found)) return;
    } else if (status) {
        pawl_engine_timer(s->hot->e, &s->timer, s->hot->e->wall_ns + 1000000000); /* the store could not: again */
        return;
    } else {
        take_result(s, found->runs);
    }
    pawl_slot_drive(s);
}

/* The run is being stopped: nothing new leaves. Not yet sent: cancelled. A read or a model call: given up. A change that
 * was sent is awaited to its timeout and then resolved (LEDGER 16); a wait before another attempt ends now. */
static void stop_slot(struct pawl_slot *s)
{
    struct pawl_pass *p = &s->pass;
    const bool intended = p->step && p->step->state >= PAWL_STEP_INTENDED_STATE;
    if (p->ended || (p->step && p->step->kind == PAWL_STEP_UNDO)) return;
    if (intended && pawl_pass_is_child(p) && p->want == PAWL_WANT_CHILD) {
        pawl_child_stop(s);
        return;
    }
    if (intended && pawl_async_to_stop(p) && (p->want == PAWL_WANT_LATER || !pawl_pass_changes(p))) {
        cancel_attempt(s); /* a question of a read's monitor; of a change its answer is awaited */
        pawl_slot_drive(s);
        return;
    }
    if (intended && pawl_pass_changes(p)) {
        if (p->want == PAWL_WANT_DURABLE && !p->step->accepted) { /* announced, and still here */
            pawl_admission_leave(p);
            p->outcome = (struct pawl_outcome){.applied = PAWL_APPLIED_NO,
                                               .error_class = PAWL_CLASS_CANCELLED,
                                               .retry_after_ns = -1,
                                               .message = PAWL_STR("the run was stopped before it left")};
            p->came = true;
            p->stage = PAWL_STAGE_CLASSIFY;
            pawl_slot_drive(s);
            return;
        }
        if (p->want != PAWL_WANT_TIME && p->want != PAWL_WANT_ROOM) return;
        pawl_admission_leave(p);
        p->stage = p->step->resend ? PAWL_STAGE_ATTEMPT : PAWL_STAGE_RETRY; /* a person said that it did not happen */
        p->came = p->recovered = !p->step->resend;
        if (p->outcome.applied == PAWL_APPLIED_YES) p->outcome.applied = PAWL_APPLIED_UNKNOWN;
        pawl_slot_drive(s);
        return;
    }
    p->unsent = p->want == PAWL_WANT_DURABLE; /* announced, and still here */
    cancel_attempt(s);
    pawl_engine_abandon(s->hot->e, s->find_id);
    s->find_id = 0;
    p->now_ns = s->hot->e->now_ns;
    p->wall_ns = s->hot->e->wall_ns;
    if (p->step) pawl_dedupe_recall(p);
    pawl_pass_fail(p, PAWL_CLASS_CANCELLED, "the run was stopped");
    p->how = PAWL_ENDS_FAILED;
    p->stage = PAWL_STAGE_RECORD;
    pawl_slot_drive(s);
}

static void stop_run(struct pawl_hot *h, enum pawl_status as, enum pawl_class c, const char *message,
                     struct pawl_str id, struct pawl_str by, bool keep)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    if (h->run.ending || h->run.ended) return;
    pawl_buf_init_arena(&b, &h->e->step);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "code");
    pawl_jw_i64(&w, as);
    if (c) pawl_jw_key(&w, "class"), pawl_jw_text(&w, pawl_class_name(c));
    pawl_jw_key(&w, "message");
    pawl_jw_text(&w, message);
    if (id.p) pawl_jw_key(&w, "id"), pawl_jw_str(&w, id);
    if (by.p) pawl_jw_key(&w, "by"), pawl_jw_str(&w, by);
    if (keep) pawl_jw_key(&w, "keep"), pawl_jw_bool(&w, true);
    pawl_jw_close(&w, '}');
    if (pawl_hot_append(h, PAWL_RUN_CANCELLED, 0, pawl_buf_done(&b))) return;
    for (struct pawl_slot *s = h->slots; s && !h->e->rc; s = s->next) stop_slot(s);
    pawl_hot_dirty(h);
}

void pawl_hot_abort(struct pawl_hot *h, enum pawl_status as, enum pawl_class c, const char *message, struct pawl_str id,
                    struct pawl_str by)
{
    stop_run(h, as, c, message, id, by, false);
}

void pawl_hot_take_over(struct pawl_hot *h, const char *message, struct pawl_str id, struct pawl_str by)
{
    stop_run(h, PAWL_CANCELLED_RUN, PAWL_CLASS_CANCELLED, message, id, by, true);
}

static struct pawl_slot *open_slot(struct pawl_hot *h, const struct pawl_step *step)
{
    struct pawl_engine *e = h->e;
    struct pawl_slot *s = slot_new(h, step->number);
    if (!s) return NULL;
    s->fresh = true;
    if (pawl_step_asks_model(step)) {
        e->rc = e->ports.ask(h->config, &h->run, step, &s->arena, &s->decision);
        s->pass.decision = &s->decision;
        s->pass.model = pawl_config_model(h->config, step->name);
        return s;
    }
    if (step->kind == PAWL_STEP_GATE) return s->pass.stage = PAWL_STAGE_GATE, s;
    s->pass.tool = step->kind == PAWL_STEP_UNDO || step->kind == PAWL_STEP_OPINION
                       ? pawl_config_tool(h->config, step->name)
                       : pawl_agent_tool(h->agent, step->name);
    pawl_pass_know_intent(&s->pass);
    if (s->pass.rc) e->rc = s->pass.rc;
    return s;
}

/* Every open step has a slot before any is driven, and they are driven in step order, so that the earlier call is always
 * the first to claim an intent and knows which later one replaces it. */
static void open_slots(struct pawl_hot *h)
{
    struct pawl_engine *e = h->e;
    for (uint32_t i = h->run.ended_to; i < h->run.steps_count && !e->rc; i++) {
        const struct pawl_step *step = h->run.steps[i];
        if (!pawl_step_ended(step) && !pawl_hot_slot(h, step->number)) open_slot(h, step);
    }
    for (struct pawl_slot *s = h->slots; s && !e->rc; s = s->next) {
        const struct pawl_step *step = s->pass.step;
        if (!s->fresh) continue;
        s->fresh = false;
        if (h->run.ending && step->kind != PAWL_STEP_UNDO &&
            (pawl_step_asks_model(step) || step->state < PAWL_STEP_INTENDED_STATE))
            stop_slot(s);
        else pawl_slot_drive(s);
    }
}

/* Frees what has ended; who waited for it goes on. true: something had ended. */
static bool sweep(struct pawl_hot *h)
{
    bool any = false;
    for (struct pawl_slot **at = &h->slots; *at;) {
        struct pawl_slot *s = *at;
        if (!s->pass.ended) {
            at = &s->next;
            continue;
        }
        any = true;
        *at = s->next;
        if (!s->pass.step && !s->pass.anew && !h->run.ending && s->pass.error_class == PAWL_CLASS_BUDGET_EXCEEDED)
            pawl_hot_end(h, PAWL_FAILED_RUN, s->pass.error_class, s->pass.message, (struct pawl_str){NULL, 0});
        else if (!s->pass.step && !s->pass.anew && !h->run.ending) /* a model step that could not even begin */
            pawl_hot_abort(h, PAWL_FAILED_RUN, s->pass.error_class, s->pass.message.p, (struct pawl_str){NULL, 0},
                           PAWL_STR("pawl"));
        pawl_slot_free(s);
    }
    if (!any) return false;
    for (struct pawl_slot *s = h->slots; s && !h->e->rc; s = s->next)
        if (s->pass.want == PAWL_WANT_STEP && !s->pass.ended) pawl_slot_drive(s);
    return true;
}

/* No step is open. What does the decider want? true: it wanted something, look again. */
static bool decide(struct pawl_hot *h)
{
    struct pawl_engine *e = h->e;
    struct pawl_slot *s = slot_new(h, h->run.steps_count + 1);
    struct pawl_error err;
    int rc;
    if (!s) return false;
    pawl_error_clear(&err);
    rc = e->ports.decide(h->config, &h->run, &s->arena, &s->decision, &err);
    if (rc == PAWL_ENOMEM) e->rc = rc;
    if (rc == PAWL_OK && s->decision.what == PAWL_DECIDE_MODEL) {
        s->pass.decision = &s->decision;
        s->pass.model = s->decision.model;
        s->heard = h->run.turns_count;
        pawl_slot_drive(s);
        return true;
    }
    if (rc == PAWL_OK && s->decision.what == PAWL_DECIDE_PRUNE) {
        h->slots = s->next;
        pawl_hot_append(h, PAWL_CONTEXT_PRUNED, s->decision.begins_step ? s->pass.number : 0, s->decision.record);
        pawl_slot_free(s);
        return true;
    }
    if (rc == PAWL_OK && s->decision.what == PAWL_DECIDE_END && s->decision.status == PAWL_DONE) {
        s->pass.model = pawl_config_model(h->config, h->agent->model);
        s->pass.final = true;
        s->pass.left_ns = left_ns(h);
        if (s->pass.model && pawl_guard_final(&s->pass)) {
            s->pass.decision = &s->decision;
            s->heard = h->run.turns_count;
            pawl_slot_drive(s);
            return true;
        }
    }
    s->pass.ended = true; /* no pass after all */
    s->pass.step = h->run.steps_count ? h->run.steps[0] : NULL;
    h->slots = s->next;
    if (rc && rc != PAWL_ENOMEM)
        pawl_hot_end(h, PAWL_FAILED_RUN, PAWL_CLASS_INTERNAL, pawl_str_of(err.what), (struct pawl_str){NULL, 0});
    else if (!rc && s->decision.what == PAWL_DECIDE_END)
        pawl_hot_end(h, s->decision.status, s->decision.error_class, s->decision.message, s->decision.output);
    pawl_slot_free(s);
    return false;
}

void pawl_hot_advance(struct pawl_hot *h)
{
    struct pawl_engine *e = h->e;
    if (h->durable_seq < h->written_first) return;
    while (!e->rc && !h->run.ended && h->agent && !pawl_hot_early(h)) {
        const uint32_t steps = h->run.steps_count;
        if (!e->handing_over) open_slots(h);
        if (h->run.steps_count != steps) continue; /* a call has asked for opinions */
        if (e->rc) return;
        if (sweep(h)) continue;
        if (h->slots || e->handing_over) return;
        if (h->run.ending) pawl_hot_wind_down(h);
        else if (!pawl_hot_undo_checked(h) && !decide(h)) return;
    }
}
