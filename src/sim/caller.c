/* src/sim/caller.c - tools that call back about what they have accepted: in time, before the 202 was heard or in place of an
 * answer that was lost, late, twice; and others who have no token, or an old one. What a tool says with its token is true
 * when it counts; what is said with a wrong one never counts, and is not. */
#include "contract/webhook.h"
#include "sim/world.h"
#include <stdio.h>
#include <string.h>

enum { RUNS_ON, SUCCEEDED, FAILED };
static const char secret[] = "the secret of this world's pawl serve",
                  signing[] = "whsec_dGhlIHNlY3JldCBvZiB0aGUgdG9vbHM=";

void pawl_sim_draw_callback(struct pawl_sim *w, struct pawl_tool *t, uint64_t dice)
{
    if (dice % 4 == 0) return;
    t->async.header = PAWL_STR("X-Callback-Url");
    t->async.polls = dice % 4 < 3;
    if (dice / 4 % 2) t->async.secret = (struct pawl_str){signing, sizeof signing - 1};
    w->config.serve.secret = (struct pawl_str){secret, sizeof secret - 1};
}

/* ---- what is said ---- */

static struct pawl_str body_of(struct pawl_sim *w, const struct pawl_sim_call *c, int what)
{
    const struct pawl_str receipt = pawl_sim_receipt(w, c->key);
    if (what == RUNS_ON) return PAWL_STR("{\"status\":\"Running\"}");
    if (what == FAILED)
        return PAWL_STR("{\"type\":\"change.failed\",\"data\":{\"message\":\"no\"},\"message\":\"no\"}");
    return pawl_sim_text(w, "{\"type\":\"change.succeeded\",\"data\":%.*s}", (int)receipt.n, receipt.p);
}

/* As the door makes it: by the webhook's id, else by the words. */
static void name(struct pawl_sim *w, struct pawl_sim_ask *ask)
{
    const struct pawl_hash h = pawl_sha256(ask->request.body.p, ask->request.body.n);
    char hex[65];
    pawl_hex(hex, h.b, 16);
    ask->request.id = ask->request.webhook_id.n
                          ? pawl_sim_text(w, "callback %u %.*s", ask->request.step, (int)ask->request.webhook_id.n,
                                          ask->request.webhook_id.p)
                          : pawl_sim_text(w, "callback %u %s", ask->request.step, hex);
}

static struct pawl_sim_ask *say(struct pawl_sim *w, struct pawl_sim_call *c, int what, enum pawl_sim_caller who)
{
    struct pawl_sim_ask *ask = pawl_sim_people_ask(w, PAWL_ASK_CALLBACK, "callback");
    const struct pawl_sim_run *run = w->runs[c->run];
    char token[PAWL_TOKEN_TEXT];
    pawl_callback_token(w->config.serve.secret, run->id, c->step, c->key, token);
    if (who == PAWL_SIM_STRANGER) token[pawl_sim_below(w, PAWL_TOKEN_TEXT - 1)] ^= 1;
    if (who == PAWL_SIM_OTHERS) pawl_callback_token(w->config.serve.secret, run->id, c->step + 1, c->key, token);
    ask->op = c;
    ask->who = who;
    ask->request.run = run->id;
    ask->request.step = c->step;
    ask->request.token = pawl_sim_text(w, "%s", token);
    ask->request.body = body_of(w, c, what);
    ask->says_done = what == SUCCEEDED;
    ask->runs_on = what == RUNS_ON;
    if (c->tool->async.secret.p)
        ask->request.webhook_id = pawl_sim_text(w, "msg_%llu", (unsigned long long)w->asks_count);
    name(w, ask);
    pawl_sim_count(w, PAWL_SIM_N_CALLBACKS);
    return ask;
}

static bool superseded(const struct pawl_sim *w, const struct pawl_sim_call *c)
{
    for (const struct pawl_sim_call *o = w->calls; o; o = o->next)
        if (o != c && o->tool && !o->look && o->began_ns >= c->began_ns && strcmp(o->key, c->key) == 0) return true;
    return false;
}

/* It leaves, or leaves again: signed now. false: by now it would be a lie, and is not said. */
bool pawl_sim_caller_sends(struct pawl_sim *w, struct pawl_sim_ask *ask)
{
    struct pawl_request *r = &ask->request;
    const struct pawl_step *s = pawl_run_step(&w->runs[ask->op->run]->stored, r->step);
    char value[48];
    if (ask->who == PAWL_SIM_TOOL && !ask->says_done && !ask->runs_on && superseded(w, ask->op)) return false;
    if (ask->who == PAWL_SIM_CONTRARY && (!s || !pawl_step_ended(s))) return false;
    if (!r->webhook_id.p) return true;
    ask->signed_ns = pawl_sim_wall(w);
    r->webhook_timestamp = pawl_sim_text(w, "%lld", (long long)(pawl_sim_wall(w) / PAWL_SIM_S));
    if (!pawl_webhook_sign(PAWL_STR(signing), r->webhook_id, r->webhook_timestamp, r->body, value)) return false;
    if (ask->who == PAWL_SIM_UNSIGNED) value[5] = value[5] == 'A' ? 'B' : 'A';
    r->webhook_signature = pawl_sim_text(w, "%s", value);
    return true;
}

/* ---- when ---- */

static void call_back(struct pawl_sim *w, struct pawl_sim_event *e)
{
    struct pawl_sim_call *c = e->p;
    struct pawl_sim_ask *ask;
    const bool failed = c->op_fails && w->now_ns >= c->lands_ns;
    if (!c->landed && !failed) { /* it never came there, or it goes on: then it says so, at times */
        if (!c->lands || !pawl_sim_chance(w, 500)) return;
        ask = say(w, c, RUNS_ON, PAWL_SIM_TOOL);
        pawl_sim_people_say(w, ask, 0, 500);
        pawl_sim_at(w, c->lands_ns + pawl_sim_between(w, 1, 3000) * PAWL_SIM_MS, call_back, NULL, c, 0);
        return;
    }
    ask = say(w, c, c->landed ? SUCCEEDED : FAILED, PAWL_SIM_TOOL);
    ask->again = pawl_sim_chance(w, 250);
    pawl_sim_people_say(w, ask, 0, 200);
}

/* Somebody who has heard of it, and has no token of it. What they say is not so. */
static void pretend(struct pawl_sim *w, struct pawl_sim_event *e)
{
    struct pawl_sim_call *c = e->p;
    enum pawl_sim_caller who = (enum pawl_sim_caller)pawl_sim_between(w, PAWL_SIM_STRANGER, PAWL_SIM_UNSIGNED);
    if (who == PAWL_SIM_UNSIGNED && !c->tool->async.secret.p) who = PAWL_SIM_STRANGER;
    pawl_sim_people_say(w, say(w, c, c->landed ? FAILED : SUCCEEDED, who), 0, 200);
}

void pawl_sim_calls_back(struct pawl_sim *w, struct pawl_sim_call *c)
{
    const uint64_t dice = pawl_sim_below(w, 10);
    const int64_t deadline_ns = c->tool->async.deadline_ns, answer_ms = (c->ends_ns - w->now_ns) / PAWL_SIM_MS;
    int64_t at_ns = c->lands_ns + pawl_sim_between(w, 1, 2000) * PAWL_SIM_MS;
    if (!pawl_async_calls_back(&c->tool->async)) return;
    if (dice == 0) at_ns = c->ends_ns + deadline_ns + pawl_sim_between(w, 1, 60) * PAWL_SIM_S; /* too late */
    if (dice < 3 && dice > 0 && answer_ms > 3) {                                               /* before its 202 */
        c->lands_ns = w->now_ns + pawl_sim_between(w, 1, answer_ms - 2) * PAWL_SIM_MS;
        at_ns = c->lands_ns + PAWL_SIM_MS;
    }
    if (dice < 9) pawl_sim_at(w, at_ns, call_back, NULL, c, 0); /* else never */
    if (pawl_sim_plays(w, PAWL_SIM_PEOPLE) && pawl_sim_chance(w, 250))
        pawl_sim_at(w, w->now_ns + pawl_sim_between(w, 1, 20000) * PAWL_SIM_MS, pretend, NULL, c, 0);
}

/* ---- what is answered ---- */

static bool is(const struct pawl_answer *a, const char *word)
{
    char text[40];
    const int n = snprintf(text, sizeof text, "\"callback\":\"%s\"", word);
    for (uint32_t i = 0; i + (uint32_t)n <= a->body.n; i++)
        if (memcmp(a->body.p + i, text, (size_t)n) == 0) return true;
    return false;
}

static void taken(struct pawl_sim *w, const struct pawl_sim_ask *ask, const struct pawl_sim_run *run)
{
    struct pawl_sim_ask *more;
    pawl_sim_count(w, PAWL_SIM_N_CALLBACKS_TAKEN);
    if (!pawl_run_answered(&run->stored, ask->request.id))
        pawl_sim_broken(w, "callback", "run%u #%u: it was taken, and is not stored", run->index, ask->request.step);
    if (ask->who != PAWL_SIM_TOOL)
        pawl_sim_broken(w, "callback", "run%u #%u: what comes behind the first one was taken", run->index,
                        ask->request.step);
    if (!pawl_sim_plays(w, PAWL_SIM_PEOPLE) || !pawl_sim_chance(w, 300)) return;
    more = say(w, ask->op, ask->says_done ? FAILED : SUCCEEDED, PAWL_SIM_CONTRARY); /* with the token that was used */
    pawl_sim_people_say(w, more, 1000, 60000);
}

void pawl_sim_caller_heard(struct pawl_sim *w, const struct pawl_sim_ask *ask, const struct pawl_answer *a)
{
    const struct pawl_sim_run *run = w->runs[ask->op->run];
    const struct pawl_step *s = pawl_run_step(&run->stored, ask->request.step);
    const bool ours = ask->who == PAWL_SIM_TOOL || ask->who == PAWL_SIM_CONTRARY;
    const bool awaited = s && pawl_sim_is_awaited(s);
    if (!ours && a->error.code != PAWL_EDENIED)
        pawl_sim_broken(w, "callback", "run%u #%u: %s to somebody who has no token of it", run->index,
                        ask->request.step, a->error.code ? a->error.what : "answered");
    if (!ours) {
        pawl_sim_count(w, PAWL_SIM_N_CALLBACKS_REFUSED);
        return;
    }
    const int64_t old_ns =
        pawl_sim_wall(w) - ask->signed_ns; /* the clock may step between its signature and its reading */
    const bool holds = !ask->request.webhook_id.p || (old_ns < PAWL_SIM_MIN && old_ns > -PAWL_SIM_MIN);
    if (a->error.code == PAWL_EDENIED && holds && s && strcmp(s->key, ask->op->key) == 0)
        pawl_sim_broken(w, "callback", "run%u #%u: the tool's own is refused", run->index, ask->request.step);
    if (a->error.code) return;
    if (is(a, "taken")) taken(w, ask, run);
    if (!is(a, "late")) return;
    pawl_sim_count(w, PAWL_SIM_N_CALLBACKS_LATE);
    if (awaited && !run->stored.retries && !run->steps[ask->request.step - 1].words)
        pawl_sim_broken(w, "callback", "run%u #%u: late, it was told, and is awaited", run->index, ask->request.step);
}
