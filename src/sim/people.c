/* src/sim/people.c - clients and the people who are asked. Whoever gets no answer says the same again, with the same id;
 * in the storm they also say things twice, differently, or about a call that is no longer the one that waits.
 *
 * What a person says of a step in doubt is true: they look at the tool's own ledger, and only once nothing can land any
 * more. The guarantees are only as good as that word. */
#include "sim/world.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

static void deliver(struct pawl_sim *w, struct pawl_sim_event *e);

void pawl_sim_people_say(struct pawl_sim *w, struct pawl_sim_ask *ask, int64_t low_ms, int64_t high_ms)
{
    pawl_sim_at(w, w->now_ns + pawl_sim_between(w, low_ms, high_ms) * PAWL_SIM_MS, deliver, NULL, ask, 0);
}

struct pawl_sim_ask *pawl_sim_people_ask(struct pawl_sim *w, enum pawl_ask what, const char *name)
{
    struct pawl_sim_ask *ask = pawl_sim_get(w, sizeof *ask);
    ask->request.what = what;
    ask->request.id = pawl_sim_text(w, "%s-%llu", name, (unsigned long long)++w->asks_count);
    ask->request.by = PAWL_STR("somebody");
    *w->asks_end = ask;
    w->asks_end = &ask->next;
    return ask;
}

/* ---- saying it, and hearing what came of it ---- */

static void say(struct pawl_sim *w, struct pawl_sim_event *e)
{
    static const char *const words[] = {
        [PAWL_ASK_START] = "start",   [PAWL_ASK_SEND] = "send",         [PAWL_ASK_APPROVE] = "approve",
        [PAWL_ASK_DENY] = "deny",     [PAWL_ASK_RESOLVE] = "resolve",   [PAWL_ASK_CANCEL] = "cancel",
        [PAWL_ASK_RESUME] = "resume", [PAWL_ASK_RETRY] = "retry",       [PAWL_ASK_UNDO] = "undo",
        [PAWL_ASK_SIGNAL] = "signal", [PAWL_ASK_CALLBACK] = "callback", [PAWL_ASK_ANSWER] = "answer",
        [PAWL_ASK_PAUSE] = "pause",   [PAWL_ASK_UNPAUSE] = "unpause"};
    struct pawl_sim_ask *ask = e->p;
    struct pawl_event in = {.kind = PAWL_EV_REQUEST, .id = e->id, .request = &ask->request};
    uint8_t random[10];
    if (ask->delivery != e->id) return;
    if (ask->op && !pawl_sim_caller_sends(w, ask)) {
        ask->answered = true;
        ask->again = false;
        ask->node = NULL;
        return;
    }
    if (ask->request.what == PAWL_ASK_START) {
        pawl_prng_fill(&w->prng, random, sizeof random);
        ask->request.run = pawl_id_v7(pawl_sim_wall(w), random, &w->last_id);
    }
    PAWL_SIM_SAY(w, "n%u asked: %s %.*s, step %u (%llu)", e->node->number, words[ask->request.what],
                 (int)ask->request.id.n, ask->request.id.p, ask->request.step, (unsigned long long)e->id);
    pawl_sim_node_step(e->node, &in);
}

static void deliver(struct pawl_sim *w, struct pawl_sim_event *e)
{
    struct pawl_sim_ask *ask = e->p;
    if (ask->answered && !ask->again) return;
    if (!w->node) {
        pawl_sim_people_say(w, ask, 300, 5000);
        return;
    }
    if (w->calm && ask->request.what == PAWL_ASK_UNPAUSE) ask->request.what = PAWL_ASK_PAUSE; /* the calm is to end */
    if (ask->deliveries++ > 0) pawl_sim_count(w, PAWL_SIM_N_DUPLICATES);
    ask->node = w->node;
    ask->delivery = ++w->deliveries;
    pawl_sim_at(w, w->now_ns, say, w->node, ask, ask->delivery);
}

void pawl_sim_people_alone(struct pawl_sim *w, struct pawl_sim_node *n)
{
    for (struct pawl_sim_ask *ask = w->asks; ask; ask = ask->next) {
        if (ask->node != n) continue;
        ask->node = NULL;
        ask->delivery = 0;
        pawl_sim_people_say(w, ask, 100, 10000);
    }
}

static bool other_input(const struct pawl_sim *w, const struct pawl_request *r)
{
    for (uint32_t i = 0; i < w->runs_count; i++) {
        const struct pawl_run *run = &w->runs[i]->stored;
        if (!pawl_str_eq(run->key, r->key) && !pawl_run_answered(run, r->id)) continue;
        if (!pawl_str_eq(run->input, r->input) || !pawl_str_eq(run->agent, r->agent)) return true;
    }
    return false;
}

static bool of_schedule(const struct pawl_request *r)
{
    return r->what == PAWL_ASK_PAUSE || r->what == PAWL_ASK_UNPAUSE;
}

static void check_paused(struct pawl_sim *w, const struct pawl_sim_ask *ask)
{
    if (!pawl_sim_schedule_is(w, ask->request.agent, ask->request.what == PAWL_ASK_PAUSE))
        pawl_sim_broken(w, "nothing-lost", "%.*s was confirmed and is not stored", (int)ask->request.id.n,
                        ask->request.id.p);
}

/* A yes that changes the amount: it is that by now, or a person has changed it since. */
static void check_changed(struct pawl_sim *w, const struct pawl_step *s, const struct pawl_request *r)
{
    yyjson_val *with = NULL, *args = NULL;
    if (s->kind != PAWL_STEP_TOOL || s->said.p || s->edited) return;
    if (pawl_json_read(r->with, &w->scratch, &with, NULL) || pawl_json_read(s->args, &w->scratch, &args, NULL)) return;
    with = yyjson_obj_get(with, "amount"), args = yyjson_obj_get(args, "amount");
    if (with && !(args && pawl_json_equal(with, args)))
        pawl_sim_broken(w, "answered", "%.*s was confirmed, and what it changes is not changed", (int)r->id.n, r->id.p);
}

/* Confirmed is durable: what a yes to a client stands on is in the store by now (LEDGER 13). */
static void check_confirmed(struct pawl_sim *w, const struct pawl_sim_ask *ask, const struct pawl_answer *a)
{
    const struct pawl_request *r = &ask->request;
    const struct pawl_sim_run *run = pawl_sim_run_of(w, a->run);
    const struct pawl_step *s = run ? pawl_run_step(&run->stored, a->step) : NULL;
    bool there = run != NULL;
    if (there && r->what != PAWL_ASK_RESUME) there = pawl_run_answered(&run->stored, r->id) > 0;
    if (!there && run && r->what == PAWL_ASK_START)
        there = r->key.p && pawl_str_eq(run->stored.key, r->key) && pawl_str_eq(run->stored.input, r->input);
    if (!there && run && r->what == PAWL_ASK_SIGNAL) /* said before by another: by its key it is the same one */
        there = pawl_run_signal_keyed(&run->stored, r->agent, r->key) != NULL;
    if (!there && run && r->what == PAWL_ASK_CANCEL) there = run->stored.ending || run->stored.ended;
    if (!there && s && (r->what == PAWL_ASK_APPROVE || r->what == PAWL_ASK_DENY)) /* said before, and the same */
        there = s->asked_seq && s->state != PAWL_STEP_ASKED && s->denied == (r->what == PAWL_ASK_DENY);
    if (!there) pawl_sim_broken(w, "nothing-lost", "%.*s was confirmed and is not stored", (int)r->id.n, r->id.p);
    if (there && ask->answered && !pawl_id_eq(ask->run, a->run))
        pawl_sim_broken(w, "answered", "%.*s came again and got another answer", (int)r->id.n, r->id.p);
    const uint64_t own = run ? pawl_run_answered(&run->stored, r->id) : 0;
    const struct pawl_sim_ask *other =
        ask->against && ask->against->answered && !ask->against->code ? ask->against : NULL;
    if (there && other && s && own > s->asked_seq && pawl_run_answered(&run->stored, other->request.id) > s->asked_seq)
        pawl_sim_broken(w, "answered", "%.*s says otherwise than an answer before it, and was taken", (int)r->id.n,
                        r->id.p);
    if (there && ask->stale)
        pawl_sim_broken(w, "gated", "%.*s was bound to another digest than the call's, and was confirmed", (int)r->id.n,
                        r->id.p);
    if (there && s && r->what == PAWL_ASK_APPROVE && r->with.p) check_changed(w, s, r);
}

static bool later(const struct pawl_sim_ask *ask, int code)
{
    if (ask->op && code == PAWL_EPENDING) return true;
    return code == PAWL_EBUSY || code == PAWL_EFULL || code == PAWL_EIO || code == PAWL_ENOMEM || code == PAWL_ECONFIG;
}

void pawl_sim_people_heard(struct pawl_sim *w, struct pawl_sim_node *n, uint64_t delivery, const struct pawl_answer *a)
{
    struct pawl_sim_ask *ask = w->asks;
    const int code = a->error.code;
    while (ask && ask->delivery != delivery) ask = ask->next;
    pawl_sim_mix(w, (uint64_t)(uint32_t)code);
    if (!ask) return;
    PAWL_SIM_SAY(w, "n%u answers %.*s: %s %s", n->number, (int)ask->request.id.n, ask->request.id.p,
                 pawl_code_name(code), a->error.what);
    ask->node = NULL;
    ask->delivery = 0;
    if (later(ask, code)) {
        pawl_sim_people_say(w, ask, 500, 20000);
        return;
    }
    if (ask->op) pawl_sim_caller_heard(w, ask, a);
    else if (code == PAWL_OK && of_schedule(&ask->request)) check_paused(w, ask);
    else if (code == PAWL_OK) check_confirmed(w, ask, a);
    else if (ask->answered && ask->code == PAWL_OK)
        pawl_sim_broken(w, "answered", "%.*s came again and was refused: %s", (int)ask->request.id.n, ask->request.id.p,
                        a->error.what);
    else if (ask->request.what == PAWL_ASK_START && !other_input(w, &ask->request))
        pawl_sim_broken(w, "answered", "a start was refused for no reason: %s", a->error.what);
    if (code == PAWL_ECONFLICT && ask->request.what == PAWL_ASK_START) pawl_sim_count(w, PAWL_SIM_N_KEY_CONFLICTS);
    if (code && ask->stale) pawl_sim_count(w, PAWL_SIM_N_STALE_REFUSED);
    if (code && ask->against) pawl_sim_count(w, PAWL_SIM_N_CONTRADICTED);
    ask->again = ask->again && !ask->answered && code == PAWL_OK;
    if (ask->again) pawl_sim_people_say(w, ask, 10, 60000);
    if (ask->answered) return;
    ask->answered = true;
    ask->code = code;
    ask->run = a->run;
    ask->step = a->step;
}

bool pawl_sim_people_content(const struct pawl_sim *w)
{
    for (const struct pawl_sim_ask *ask = w->asks; ask; ask = ask->next)
        if (!ask->answered || ask->node || ask->again) return false;
    return true;
}

/* ---- what is asked of people ---- */

static bool asked_already(const struct pawl_sim *w, const struct pawl_sim_run *run, uint32_t step)
{
    for (const struct pawl_sim_ask *ask = w->asks; ask; ask = ask->next)
        if (!ask->answered && !ask->op && pawl_id_eq(ask->request.run, run->id) && ask->request.step == step)
            return true;
    return false;
}

static const struct pawl_str names[] = {{"ann", 3}, {"bob", 3}, {"cem", 3}, {"dee", 3}}; /* dee is asked nowhere */

/* In the place of who was asked: as the tool, as the model; or the run is taken over. */
static void answer_instead(struct pawl_sim *w, struct pawl_sim_run *run, const struct pawl_step *s)
{
    struct pawl_sim_ask *ask = pawl_sim_people_ask(w, PAWL_ASK_ANSWER, "answer");
    struct pawl_request *r = &ask->request;
    r->run = run->id;
    r->step = s->number;
    r->by = names[pawl_sim_below(w, 4)];
    r->has_digest = pawl_sim_chance(w, 500);
    r->digest = s->asked_digest;
    r->end = pawl_sim_chance(w, 100);
    if (r->end) r->text = PAWL_STR("it goes on elsewhere");
    else if (s->kind == PAWL_STEP_GATE) r->say = PAWL_STR("{\"done\":true}");
    else r->result = pawl_sim_chance(w, 900) ? PAWL_STR("{\"ref\":\"by hand\"}") : PAWL_STR("\"what?\"");
    ask->again = pawl_sim_plays(w, PAWL_SIM_PEOPLE) && pawl_sim_chance(w, 200);
    pawl_sim_people_say(w, ask, 0, 2000);
}

static void answer_gate(struct pawl_sim *w, struct pawl_sim_run *run, const struct pawl_step *s)
{
    if (pawl_sim_chance(w, 100)) {
        answer_instead(w, run, s);
        return;
    }
    const bool yes = pawl_sim_chance(w, 750), odd = pawl_sim_plays(w, PAWL_SIM_PEOPLE);
    struct pawl_sim_ask *ask = pawl_sim_people_ask(w, yes ? PAWL_ASK_APPROVE : PAWL_ASK_DENY, yes ? "yes" : "no"),
                        *other;
    ask->request.run = run->id;
    ask->request.step = s->number;
    ask->request.has_digest = pawl_sim_chance(w, 700);
    ask->request.digest = s->asked_digest;
    if (odd && pawl_sim_chance(w, 150)) {
        ask->request.has_digest = ask->stale = true;
        ask->request.digest.b[7] ^= 1;
    }
    ask->request.by = names[pawl_sim_below(w, 4)];
    if (yes && s->why & PAWL_WHY_BUDGET && pawl_sim_chance(w, 500))
        ask->request.with = s->shortage.of == PAWL_BUDGET_COST ? PAWL_STR("{\"more\":\"0.00000001 USD\"}")
                                                               : PAWL_STR("{\"more\":5000}");
    else if (yes && pawl_sim_chance(w, 200))
        ask->request.with = pawl_sim_text(w, "{\"amount\":%u}", (uint32_t)pawl_sim_between(w, 1, 9));
    ask->again = odd && pawl_sim_chance(w, 200);
    pawl_sim_people_say(w, ask, 0, 2000);
    if (!odd || ask->stale || ask->request.with.p || s->quorum > 1 || !pawl_sim_chance(w, 150)) return;
    other = pawl_sim_people_ask(w, yes ? PAWL_ASK_DENY : PAWL_ASK_APPROVE,
                                "otherwise"); /* a second person, of another mind */
    other->request.run = run->id;
    other->request.step = s->number;
    other->against = ask;
    pawl_sim_people_say(w, other, 0, 30000);
}

static void answer_doubt(struct pawl_sim *w, struct pawl_sim_run *run, const struct pawl_step *s)
{
    struct pawl_sim_ask *ask;
    if (pawl_sim_pending(w, s->key)) return; /* it may still land: nobody can say yet */
    ask = pawl_sim_people_ask(w, PAWL_ASK_RESOLVE, "resolve");
    ask->request.run = run->id;
    ask->request.step = s->number;
    ask->request.how = pawl_sim_happened(w, s->key) ? PAWL_HOW_HAPPENED : PAWL_HOW_NOT_HAPPENED;
    if (ask->request.how == PAWL_HOW_HAPPENED) ask->request.result = pawl_sim_receipt(w, s->key);
    if (pawl_sim_chance(w, 100) || run->steps[s->number - 1].words >= 3) ask->request.how = PAWL_HOW_STOP;
    ask->again = pawl_sim_plays(w, PAWL_SIM_PEOPLE) && pawl_sim_chance(w, 200);
    pawl_sim_people_say(w, ask, 0, 2000);
}

static void answer_message(struct pawl_sim *w, struct pawl_sim_run *run)
{
    struct pawl_sim_ask *ask = pawl_sim_people_ask(w, PAWL_ASK_SEND, "send");
    ask->request.run = run->id;
    ask->request.end = run->messages >= 2 || w->calm || pawl_sim_chance(w, 300);
    if (!ask->request.end || pawl_sim_chance(w, 300)) ask->request.text = PAWL_STR("and again, please");
    ask->again = pawl_sim_plays(w, PAWL_SIM_PEOPLE) && pawl_sim_chance(w, 200);
    run->messages++;
    pawl_sim_people_say(w, ask, 0, 2000);
}

/* Whoever it waits for gives the signal; others say it again under another id, or say something else by the same key. */
static void give_signal(struct pawl_sim *w, struct pawl_sim_run *run)
{
    const bool odd = pawl_sim_plays(w, PAWL_SIM_PEOPLE);
    struct pawl_sim_ask *ask = pawl_sim_people_ask(w, PAWL_ASK_SIGNAL, "signal"), *twice;
    ask->request.run = run->id;
    ask->request.agent = PAWL_STR("go");
    if (pawl_sim_chance(w, 600)) ask->request.key = pawl_sim_text(w, "s%u", run->signals);
    ask->request.result =
        pawl_sim_chance(w, 850) ? pawl_sim_text(w, "{\"ref\":\"g%u\"}", run->signals) : PAWL_STR("\"what?\"");
    ask->again = odd && pawl_sim_chance(w, 200);
    run->signals++;
    pawl_sim_people_say(w, ask, 0, 2000);
    if (!odd || !pawl_sim_chance(w, 300)) return;
    twice = pawl_sim_people_ask(w, PAWL_ASK_SIGNAL, "signal");
    twice->request.run = run->id;
    twice->request.agent = ask->request.agent;
    twice->request.key = ask->request.key;
    twice->request.result = pawl_sim_chance(w, 700) ? ask->request.result : PAWL_STR("{\"ref\":\"else\"}");
    pawl_sim_people_say(w, twice, 0, 5000);
}

static void mend(struct pawl_sim *w, struct pawl_sim_run *run)
{
    struct pawl_sim_ask *ask;
    if (w->node && (w->calm || pawl_sim_chance(w, 300))) w->node->no_config = w->node->no_tools = false;
    ask = pawl_sim_people_ask(w, PAWL_ASK_RESUME, "resume");
    ask->request.run = run->id;
    pawl_sim_people_say(w, ask, 0, 2000);
}

static bool in_hand(const struct pawl_sim *w, const struct pawl_sim_run *run)
{
    return w->node && pawl_engine_run(w->node->engine, run->id) != NULL;
}

static void look(struct pawl_sim *w, struct pawl_sim_event *e)
{
    struct pawl_sim_run *run = e->p;
    const enum pawl_waiting waiting = run->head.waiting;
    run->person_due = false;
    if (run->stored.ended) return;
    for (uint32_t i = 0; i < run->stored.steps_count; i++) {
        const struct pawl_step *s = run->stored.steps[i];
        if (asked_already(w, run, s->number)) continue;
        if (s->state == PAWL_STEP_ASKED && (w->calm || pawl_sim_chance(w, 850))) answer_gate(w, run, s);
        if (s->state == PAWL_STEP_DOUBT) answer_doubt(w, run, s);
    }
    if (waiting == PAWL_WAIT_MESSAGE && !asked_already(w, run, 0)) answer_message(w, run);
    if (waiting == PAWL_WAIT_SIGNAL && !asked_already(w, run, 0) && pawl_sim_chance(w, 700)) give_signal(w, run);
    if ((waiting == PAWL_WAIT_CONFIG || waiting == PAWL_WAIT_TOOL) && !asked_already(w, run, 0) && !in_hand(w, run))
        mend(w, run);
    pawl_sim_people_watch(w, run);
}

void pawl_sim_people_watch(struct pawl_sim *w, struct pawl_sim_run *run)
{
    int64_t delay_s;
    bool due = run->head.waiting == PAWL_WAIT_MESSAGE || run->head.waiting == PAWL_WAIT_CONFIG ||
               run->head.waiting == PAWL_WAIT_SIGNAL || run->head.waiting == PAWL_WAIT_TOOL;
    for (uint32_t i = 0; i < run->stored.steps_count && !due; i++)
        due = run->stored.steps[i]->state == PAWL_STEP_ASKED || run->stored.steps[i]->state == PAWL_STEP_DOUBT;
    if (!due || run->person_due || run->stored.ended) return;
    run->person_due = true;
    delay_s = pawl_sim_between(w, 1, w->calm ? 30 : 200);
    if (w->calm && in_hand(w, run)) delay_s = 6 * 3600; /* it waits for something else by now, perhaps for days */
    pawl_sim_at(w, w->now_ns + delay_s * PAWL_SIM_S, look, NULL, run, 0);
}

void pawl_sim_people_calm(struct pawl_sim *w)
{
    for (uint32_t i = 0; i < w->runs_count; i++) pawl_sim_people_watch(w, w->runs[i]);
}

/* ---- what they do about a run that has ended ---- */

static void look_after(struct pawl_sim *w, struct pawl_sim_event *e)
{
    struct pawl_sim_run *run = e->p;
    const bool failed = run->stored.status == PAWL_FAILED_RUN || run->stored.status == PAWL_DEAD;
    struct pawl_sim_ask *ask;
    if (!run->stored.ended || (!failed && !pawl_sim_chance(w, 250))) return;
    run->looked_after++;
    if (pawl_sim_chance(w, failed ? 650 : 150)) ask = pawl_sim_people_ask(w, PAWL_ASK_RETRY, "retry");
    else ask = pawl_sim_people_ask(w, PAWL_ASK_UNDO, "undo");
    ask->request.run = run->id;
    ask->request.step = pawl_sim_chance(w, 600) ? 0 : (uint32_t)pawl_sim_between(w, 1, run->stored.steps_count + 1);
    if (ask->request.what == PAWL_ASK_RETRY && pawl_sim_chance(w, 200)) ask->request.with = PAWL_STR("{\"amount\":7}");
    ask->again = pawl_sim_plays(w, PAWL_SIM_PEOPLE) && pawl_sim_chance(w, 200);
    pawl_sim_people_say(w, ask, 0, 2000);
}

void pawl_sim_people_ended(struct pawl_sim *w, struct pawl_sim_run *run)
{
    enum { LOOKED_AFTER_MAX = 4 };
    if (run->looked_after >= LOOKED_AFTER_MAX || !pawl_sim_chance(w, 500)) return;
    pawl_sim_at(w, w->now_ns + pawl_sim_between(w, 1, 300) * PAWL_SIM_S, look_after, NULL, run, 0);
}

/* ---- what they begin themselves ---- */

static void plan_start(struct pawl_sim *w, uint32_t number)
{
    struct pawl_sim_ask *ask = pawl_sim_people_ask(w, PAWL_ASK_START, "start");
    struct pawl_request *r = &ask->request;
    (void)number;
    r->agent = w->agents[pawl_sim_below(w, w->config.agents_count - w->helper)].name;
    r->config = &w->config;
    r->input = pawl_sim_chance(w, 600) ? PAWL_STR("\"do what is asked\"") : PAWL_STR("{\"order\":7}");
    if (pawl_sim_chance(w, 400)) r->key = pawl_sim_text(w, "key%u", (uint32_t)pawl_sim_below(w, 3));
    r->chat = pawl_sim_chance(w, 300) || pawl_sim_interrupted(w);
    if (pawl_sim_chance(w, 150)) r->begins_ns = pawl_sim_wall(w) + pawl_sim_between(w, 1, 400) * PAWL_SIM_S;
    ask->again = pawl_sim_plays(w, PAWL_SIM_PEOPLE) && pawl_sim_chance(w, 300);
    pawl_sim_people_say(w, ask, 0, pawl_sim_chance(w, 500) ? 2000 : 120000);
}

static void impulse(struct pawl_sim *w, struct pawl_sim_event *e)
{
    struct pawl_sim_run *run = w->runs_count ? w->runs[pawl_sim_below(w, w->runs_count)] : NULL;
    struct pawl_sim_ask *ask;
    (void)e;
    if (w->calm || !run || run->stored.ended) return;
    if (pawl_sim_plays(w, PAWL_SIM_CANCEL) && pawl_sim_chance(w, 500)) {
        ask = pawl_sim_people_ask(w, PAWL_ASK_CANCEL, "cancel");
        ask->request.text = PAWL_STR("no longer wanted");
    } else if (pawl_sim_tool_index(w, PAWL_STR("wait")) >= 0 && pawl_sim_chance(w, 400)) {
        give_signal(w, run); /* before anybody waits, perhaps */
        return;
    } else if (run->stored.chat && pawl_sim_chance(w, 600)) {
        ask = pawl_sim_people_ask(w, PAWL_ASK_SEND, "send");
        ask->request.text = PAWL_STR("one more thing");
    } else {
        ask = pawl_sim_people_ask(w, PAWL_ASK_RESUME, "resume");
    }
    ask->request.run = run->id;
    ask->again = pawl_sim_plays(w, PAWL_SIM_PEOPLE) && pawl_sim_chance(w, 200);
    pawl_sim_people_say(w, ask, 0, 100);
}

void pawl_sim_people_begin(struct pawl_sim *w)
{
    uint32_t starts = (uint32_t)pawl_sim_between(w, 1, 6), impulses = (uint32_t)pawl_sim_between(w, 0, 4);
    if (w->o->runs_max && starts > w->o->runs_max) starts = w->o->runs_max;
    for (uint32_t i = 0; i < starts; i++) plan_start(w, i);
    for (uint32_t i = 0; i < impulses; i++)
        pawl_sim_at(w, w->now_ns + pawl_sim_between(w, 1, 300) * PAWL_SIM_S, impulse, NULL, NULL, 0);
}
