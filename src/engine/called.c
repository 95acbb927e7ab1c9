/* src/engine/called.c - a tool calls back about a call that it accepted (DESIGN 7). Whoever has the call's token may, once: what
 * comes again, or too late, changes nothing and is said to whoever sent it. What comes before the 202 is known, or in place of an
 * answer that was lost, counts just as well. Nothing in it is trusted but what token and signature vouch for. */
#include "contract/reply.h"
#include "contract/webhook.h"
#include "engine/hot.h"
#include <string.h>

enum { LATE_MAX = 4 }; /* notes of one step; a sender that goes on is answered, and nothing more is kept */

static const struct pawl_refusal fine = {0, NULL, NULL};
/* One answer for all that is wrong with who sends it: a guess must not learn from it. */
static const struct pawl_refusal stranger = {PAWL_EDENIED, "this callback is not of a call of this store",
                                             "pawl show RUN/STEP tells what is awaited"};

/* May they? *s and *t: the step and its tool. */
static struct pawl_refusal vouched(struct pawl_engine *e, const struct pawl_config *c, const struct pawl_run *run,
                                   const struct pawl_request *r, struct pawl_step **s, const struct pawl_tool **t)
{
    const struct pawl_webhook hook = {r->webhook_id, r->webhook_timestamp, r->webhook_signature, r->body};
    struct pawl_buf secret, signing;
    char token[PAWL_TOKEN_TEXT];
    *s = pawl_run_step(run, r->step);
    *t = *s && (*s)->kind != PAWL_STEP_MODEL ? pawl_config_tool(c, (*s)->name) : NULL;
    if (!*t || !pawl_async_calls_back(&(*t)->async) || !(*s)->key[0] || !c->serve.secret.p) return stranger;
    pawl_buf_init_arena(&secret, &e->step);
    pawl_buf_init_arena(&signing, &e->step);
    if (pawl_config_fill(c, c->serve.secret, &secret, NULL) || !pawl_buf_done(&secret).n) return stranger;
    pawl_callback_token(pawl_buf_done(&secret), run->id, r->step, (*s)->key, token);
    if (!pawl_same_secret(r->token, pawl_str_of(token))) return stranger;
    if (!(*t)->async.secret.p) return fine;
    if (pawl_config_fill(c, (*t)->async.secret, &signing, NULL)) return stranger;
    return pawl_webhook_fault(pawl_buf_done(&signing), &hook, e->wall_ns) ? stranger : fine;
}

static struct pawl_refusal understood(struct pawl_engine *e, const struct pawl_tool *t, const struct pawl_request *r,
                                      struct pawl_news *news)
{
    const struct pawl_reply reply = {.transport = PAWL_ANSWERED, .status = 200, .body = r->body, .wall_ns = e->wall_ns};
    if (r->body.n > t->output_bytes)
        return (struct pawl_refusal){PAWL_ELIMIT, "the callback is larger than the tool's limits: output", ""};
    e->ports.news(t, &reply, false, &e->step, news);
    if (news->is == PAWL_NEWS_NONE) return (struct pawl_refusal){PAWL_EINVAL, "the callback is not JSON", ""};
    if (news->is == PAWL_NEWS_ELSEWHERE) { /* it has ended, and who calls back has said all it will */
        news->is = PAWL_NEWS_DONE;
        if (pawl_reply_json(r->body, &e->step, &news->result, NULL)) e->rc = PAWL_ENOMEM;
    }
    return fine;
}

static struct pawl_str body_of(struct pawl_engine *e, const struct pawl_news *news, struct pawl_str id, bool late)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    pawl_buf_init_arena(&b, &e->step);
    pawl_jw_open(&w, '{');
    if (late) pawl_jw_key(&w, "late"), pawl_jw_text(&w, "callback");
    pawl_jw_key(&w, "says");
    pawl_jw_text(&w, news->is == PAWL_NEWS_DONE ? "done" : "failed");
    if (news->is == PAWL_NEWS_DONE) pawl_jw_key(&w, "result"), pawl_jw_raw(&w, news->result);
    else if (news->message.p) pawl_jw_key(&w, "message"), pawl_jw_str(&w, news->message);
    pawl_jw_key(&w, "id");
    pawl_jw_str(&w, id);
    pawl_jw_close(&w, '}');
    return pawl_buf_done(&b);
}

/* A person's word that it happened, or that the run ends here, comes first: what a look makes of it is all that is open. */
static bool is_awaited(const struct pawl_step *s)
{
    return s->state == PAWL_STEP_INTENDED_STATE && !s->called && !s->applied && !s->stop;
}

/* Whatever it waited for: this ends it. What is on its way is awaited; its end is looked at with this in mind. */
static void go_on(struct pawl_hot *h, uint32_t step)
{
    struct pawl_slot *slot = pawl_hot_slot(h, step);
    if (!slot || slot->pass.ended || slot->attempt_id || slot->find_id) return;
    slot->pass.came = false;
    slot->pass.stage = PAWL_STAGE_ATTEMPT;
    pawl_slot_drive(slot);
}

struct pawl_refusal pawl_called_take(struct pawl_hot *h, const struct pawl_request *r, const char **word)
{
    struct pawl_engine *e = h->e;
    const struct pawl_tool *t;
    struct pawl_step *s;
    struct pawl_news news = {.is = PAWL_NEWS_NONE};
    struct pawl_refusal no;
    if (!h->config)
        return (struct pawl_refusal){PAWL_EPENDING, "the run waits for its configuration", "call back again later"};
    no = vouched(e, h->config, &h->run, r, &s, &t);
    if (no.code) return no;
    *word = "duplicate";
    if (pawl_run_answered(&h->run, r->id)) return fine;
    if ((no = understood(e, t, r, &news)).code) return no;
    *word = "running";
    if (news.is == PAWL_NEWS_RUNNING || news.is == PAWL_NEWS_GONE) return fine;
    const bool late = !is_awaited(s);
    *word = late ? "late" : "taken";
    if (late && (s->late >= LATE_MAX || h->run.ended)) return fine;
    if (pawl_hot_append(h, late ? PAWL_NOTE : PAWL_STEP_CALLED, s->number, body_of(e, &news, r->id, late))) return fine;
    if (!late) go_on(h, s->number);
    return fine;
}

struct pawl_refusal pawl_called_late(struct pawl_engine *e, const struct pawl_config *c, const struct pawl_run *run,
                                     const struct pawl_request *r, const char **word)
{
    const struct pawl_tool *t;
    struct pawl_step *s;
    if (!c) return (struct pawl_refusal){PAWL_EPENDING, "the run's configuration is not here", "call back again later"};
    *word = pawl_run_answered(run, r->id) ? "duplicate" : "late";
    return vouched(e, c, run, r, &s, &t);
}
