/* src/policy/async.c - a call that was accepted (202) and ends later: asked for at the monitor that it named, called back, or
 * not heard of until its deadline (DESIGN 7).
 *
 *   sent -> ACCEPTED   202, and there is a way to hear of its end     step.accepted, durable before the run parks
 *   ACCEPTED -> done   the monitor says so, or a callback: the first one counts
 *   ACCEPTED -> failed the same: nothing happened there
 *   ACCEPTED, its deadline is over, or its run is stopped: the monitor is told to stop it, once, where the contract says how
 *   ACCEPTED -> unknown its deadline is over, or nobody will tell any more: the ladder of retry.c
 *
 * A callback may come before the 202 is known, or in place of it. How long between two polls: half of what has gone by since the 202,
 * between `first` and `max`, less some jitter; the monitor's Retry-After where that is longer. So a poll need not be counted, and is
 * recorded only where it says something new, or where twice the time has gone by. */
#include "policy/admission.h"
#include "policy/look.h"
#include "policy/pipeline.h"
#include <string.h>

static const int64_t second = 1000000000;
enum { HOPS_MAX = 5, NOT_FOUND_GRACE_S = 30, SAID_S = 1 /* a restart takes as long */ };

static bool polls(const struct pawl_pass *p)
{
    return p->tool->async.polls && p->step->monitor.p;
}

/* ---- when to ask again ---- */

static int64_t interval_ns(struct pawl_pass *p, int64_t since_ns, int64_t retry_after_ns)
{
    const struct pawl_async *a = &p->tool->async;
    int64_t ns = since_ns / 2;
    if (ns < a->first_ns) ns = a->first_ns;
    if (ns > a->max_ns) ns = a->max_ns;
    ns -= (int64_t)pawl_prng_below(p->prng, (uint64_t)(ns / 4) + 1);
    if (retry_after_ns > 0) { /* never before it */
        const int64_t asked_ns = retry_after_ns + (int64_t)pawl_prng_below(p->prng, (uint64_t)(retry_after_ns / 8) + 1);
        if (asked_ns > ns) ns = asked_ns;
    }
    return ns;
}

static int64_t poll_at_ns(const struct pawl_pass *p)
{
    const int64_t at_ns = p->poll_at_ns ? p->poll_at_ns : p->step->poll_at_ns;
    return at_ns > p->step->not_before_ns ? at_ns : p->step->not_before_ns;
}

/* ---- what is known by now ---- */

/* It ends here, as the outcome says. */
static enum pawl_verdict ends(struct pawl_pass *p, struct pawl_outcome o)
{
    p->outcome = o;
    p->outcome.retry_after_ns = -1;
    p->heard = PAWL_HEARD_MONITOR;
    p->came = true;
    p->recovered = p->counted = p->crashed = false;
    p->attempt_ended_wall_ns = p->wall_ns;
    return PAWL_GO;
}

static enum pawl_verdict unheard(struct pawl_pass *p, struct pawl_str why)
{
    const bool changes = pawl_pass_changes(p);
    ends(p, (struct pawl_outcome){.applied = PAWL_APPLIED_UNKNOWN,
                                  .error_class = changes ? PAWL_CLASS_IN_DOUBT : PAWL_CLASS_TIMEOUT,
                                  .retry = true,
                                  .message = why});
    p->heard = PAWL_HEARD_NOTHING;
    return PAWL_GO;
}

static enum pawl_verdict done(struct pawl_pass *p, struct pawl_str result)
{
    return ends(p, (struct pawl_outcome){.applied = PAWL_APPLIED_YES, .result = result});
}

/* Its run is being stopped: nobody waits for what it does. */
static bool unwanted(const struct pawl_pass *p)
{
    return p->run->ending && p->step->kind != PAWL_STEP_UNDO;
}

bool pawl_async_to_stop(const struct pawl_pass *p)
{
    const struct pawl_step *s = p->step;
    return p->tool && s && s->accepted && s->state == PAWL_STEP_INTENDED_STATE && unwanted(p) &&
           p->tool->async.cancel.p && s->monitor.p && !s->told_to_stop;
}

static enum pawl_verdict failed(struct pawl_pass *p, struct pawl_str message)
{
    const bool as_told = unwanted(p) && p->step->told_to_stop;
    return ends(p, (struct pawl_outcome){.applied = PAWL_APPLIED_NO,
                                         .error_class = as_told ? PAWL_CLASS_CANCELLED : PAWL_CLASS_REJECTED,
                                         .message = message.p ? message
                                                    : as_told ? PAWL_STR("it was told to stop, and has not happened")
                                                              : PAWL_STR("it was accepted, and then failed")});
}

/* A fresh pass knows from the journal alone. */
static void know(struct pawl_pass *p)
{
    if (p->attempts) return;
    p->attempts = p->step->attempts;
    p->unknown = p->step->unknown;
}

bool pawl_async_called(struct pawl_pass *p)
{
    const struct pawl_step *s = p->step;
    if (!s || s->state != PAWL_STEP_INTENDED_STATE || !s->called || p->took_called || s->stop || s->applied)
        return false;
    know(p);
    p->took_called = true;
    pawl_admission_leave(p);
    if (s->called_failed) failed(p, s->called_message);
    else done(p, s->called_result);
    p->heard = PAWL_HEARD_CALLBACK;
    return true;
}

/* ---- accepted ---- */

static void write_accepted(struct pawl_pass *p, struct pawl_str monitor, struct pawl_json_writer *w)
{
    const int64_t retry_after_ns = p->outcome.retry_after_ns;
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "attempt");
    pawl_jw_i64(w, p->attempts);
    pawl_jw_key(w, "until");
    pawl_jw_i64(w, p->wall_ns + p->tool->async.deadline_ns);
    if (monitor.p) pawl_jw_key(w, "monitor"), pawl_jw_str(w, monitor);
    if (monitor.p && p->tool->async.polls) {
        p->poll_at_ns = p->wall_ns + interval_ns(p, 0, retry_after_ns);
        pawl_jw_key(w, "poll_at");
        pawl_jw_i64(w, p->poll_at_ns);
        if (retry_after_ns > SAID_S * second) pawl_jw_key(w, "not_before"), pawl_jw_i64(w, p->wall_ns + retry_after_ns);
    }
    if (pawl_async_calls_back(&p->tool->async)) pawl_jw_key(w, "callback"), pawl_jw_bool(w, true);
    pawl_jw_key(w, "message");
    pawl_jw_str(w, p->outcome.message);
    pawl_jw_close(w, '}');
}

enum pawl_verdict pawl_async_accept(struct pawl_pass *p)
{
    const struct pawl_async *a = &p->tool->async;
    struct pawl_str monitor = {NULL, 0};
    struct pawl_error err;
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    enum pawl_verdict v;
    int rc = PAWL_EINVAL;
    pawl_error_clear(&err);
    if ((a->polls || a->cancel.p) && p->outcome.monitor.p)
        rc = p->ports->monitor(p->tool, p->request, (struct pawl_str){NULL, 0}, p->outcome.monitor, p->arena, &monitor,
                               &err);
    if (rc == PAWL_ENOMEM) return p->rc = rc, pawl_pass_wait(p, PAWL_WANT_NOTHING);
    if (rc) monitor = (struct pawl_str){NULL, 0};
    if (!(monitor.p && a->polls) && !pawl_async_calls_back(a)) {
        pawl_buf_init_arena(&b, p->arena);
        pawl_buf_printf(&b, "accepted, and nobody tells how it ends: %s",
                        err.what[0] ? err.what : "the answer names no monitor");
        p->unknown = pawl_pass_changes(p);
        return unheard(p, pawl_buf_done(&b));
    }
    pawl_buf_init_arena(&b, p->arena);
    write_accepted(p, monitor, &w);
    if ((v = pawl_pass_append(p, PAWL_STEP_ACCEPTED, &b)) != PAWL_GO) return v;
    p->came = p->counted = p->recovered = p->crashed = false;
    p->last_poll = false;
    p->hops = 0;
    p->stage = PAWL_STAGE_ATTEMPT;
    if (unwanted(p)) return pawl_async_wait(p);
    return pawl_pass_until(p, PAWL_WANT_LATER, poll_at_ns(p) < p->step->until_ns ? poll_at_ns(p) : p->step->until_ns);
}

/* ---- asked ---- */

bool pawl_pass_poll_request(struct pawl_pass *p, struct pawl_str *request)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, p->arena);
    const int rc = p->stopping ? p->ports->stop(p->tool, p->request, p->step->operation, &b)
                               : p->ports->poll(p->tool, p->request, p->step->monitor, &b);
    if (rc) return false;
    *request = pawl_buf_done(&b);
    return request->p != NULL;
}

void pawl_pass_take_news(struct pawl_pass *p, const struct pawl_reply *reply)
{
    p->ports->news(p->tool, reply, p->step->at_result, p->arena, &p->news);
    p->news_came = true;
}

/* Something that is to be remembered: another monitor, another word, a silence that was asked for; and a sign of
 * life each time that twice the time has gone by. */
static bool worth_a_record(const struct pawl_pass *p, bool moved, bool gone)
{
    const struct pawl_step *s = p->step;
    if (moved || gone || p->news.retry_after_ns > SAID_S * second) return true;
    if (p->news.word.p && !pawl_str_eq(p->news.word, s->word)) return true;
    return p->wall_ns - s->accepted_ns >= 2 * (s->polled_ns - s->accepted_ns) + p->tool->async.max_ns;
}

static enum pawl_verdict append_polled(struct pawl_pass *p, struct pawl_str monitor, bool gone)
{
    const struct pawl_news *n = &p->news;
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    if (!worth_a_record(p, monitor.p != NULL, gone)) return PAWL_GO;
    pawl_buf_init_arena(&b, p->arena);
    pawl_jw_open(&w, '{');
    if (n->word.p) pawl_jw_key(&w, "word"), pawl_jw_str(&w, n->word);
    if (monitor.p) {
        pawl_jw_key(&w, "monitor");
        pawl_jw_str(&w, monitor);
        if (n->at_result) pawl_jw_key(&w, "at_result"), pawl_jw_bool(&w, true);
    }
    if (gone) pawl_jw_key(&w, "gone"), pawl_jw_bool(&w, true);
    pawl_jw_key(&w, "poll_at");
    pawl_jw_i64(&w, p->poll_at_ns);
    if (n->retry_after_ns > SAID_S * second)
        pawl_jw_key(&w, "not_before"), pawl_jw_i64(&w, p->wall_ns + n->retry_after_ns);
    if (n->message.p) pawl_jw_key(&w, "message"), pawl_jw_str(&w, n->message);
    pawl_jw_close(&w, '}');
    return pawl_pass_append(p, PAWL_STEP_POLLED, &b);
}

/* A monitor that the answer names in place of the one that was asked. {NULL,0}: none, or not to be asked. */
static enum pawl_verdict moved_to(struct pawl_pass *p, struct pawl_str *monitor)
{
    const struct pawl_str named = p->news.monitor;
    struct pawl_error err;
    *monitor = (struct pawl_str){NULL, 0};
    if (!named.p) return PAWL_GO;
    const int rc = p->ports->monitor(p->tool, p->request, p->step->monitor, named, p->arena, monitor, &err);
    if (rc == PAWL_ENOMEM) return p->rc = rc, pawl_pass_wait(p, PAWL_WANT_NOTHING);
    if (rc || (pawl_str_eq(*monitor, p->step->monitor) && p->news.at_result == p->step->at_result))
        *monitor = (struct pawl_str){NULL, 0};
    return PAWL_GO;
}

/* Nobody will tell there any more; perhaps it still calls back. */
static enum pawl_verdict gone(struct pawl_pass *p)
{
    enum pawl_verdict v;
    p->poll_at_ns = PAWL_NEVER;
    if (!pawl_async_calls_back(&p->tool->async))
        return unheard(p, PAWL_STR("accepted, and its monitor does not know it any more"));
    if ((v = append_polled(p, (struct pawl_str){NULL, 0}, true)) != PAWL_GO) return v;
    return pawl_async_wait(p);
}

static enum pawl_verdict take_news(struct pawl_pass *p)
{
    const struct pawl_news *n = &p->news;
    const int64_t since_ns = p->wall_ns - p->step->accepted_ns;
    struct pawl_str monitor;
    enum pawl_verdict v;
    p->news_came = false;
    if (n->is == PAWL_NEWS_DONE) return done(p, n->result);
    if (n->is == PAWL_NEWS_FAILED) return failed(p, n->message);
    if (n->is == PAWL_NEWS_GONE || (n->not_found && since_ns > NOT_FOUND_GRACE_S * second)) return gone(p);
    if ((v = moved_to(p, &monitor)) != PAWL_GO) return v;
    const bool at_once = n->is == PAWL_NEWS_ELSEWHERE && monitor.p && ++p->hops <= HOPS_MAX;
    if (!at_once) p->hops = 0;
    p->poll_at_ns = at_once ? p->wall_ns : p->wall_ns + interval_ns(p, since_ns, n->retry_after_ns);
    if ((v = append_polled(p, monitor, false)) != PAWL_GO) return v;
    if (at_once) p->last_poll = false;
    return pawl_async_wait(p);
}

/* Nobody waits for it any more: whoever does it is told to stop, once, and asked at once how it is now. Whatever comes of that,
 * at its deadline the ladder follows. It changes something out there, so it is durable before it leaves, and after a crash it is not said again. */
static enum pawl_verdict tell_to_stop(struct pawl_pass *p)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    enum pawl_verdict v;
    pawl_buf_init_arena(&b, p->arena);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "stop");
    pawl_jw_str(&w, p->tool->async.cancel);
    if (p->wall_ns < p->step->until_ns) pawl_jw_key(&w, "cancelled"), pawl_jw_bool(&w, true);
    if (p->step->not_before_ns) pawl_jw_key(&w, "not_before"), pawl_jw_i64(&w, p->step->not_before_ns);
    pawl_jw_close(&w, '}');
    if ((v = pawl_pass_append(p, PAWL_STEP_POLLED, &b)) != PAWL_GO) return v;
    p->stop_due = true;
    return pawl_pass_wait(p, PAWL_WANT_DURABLE);
}

enum pawl_verdict pawl_async_wait(struct pawl_pass *p)
{
    const struct pawl_step *s = p->step;
    struct pawl_buf b;
    know(p);
    if (p->stop_due) {
        p->stop_due = false;
        p->stopping = true;
        return pawl_pass_wait(p, PAWL_WANT_POLL);
    }
    if (p->stopping) { /* what it says to that proves nothing */
        p->stopping = p->news_came = p->last_poll = false;
        p->poll_at_ns = p->wall_ns;
    }
    if (p->news_came) return take_news(p);
    if (pawl_async_to_stop(p)) return tell_to_stop(p);
    if (unwanted(p) && !pawl_pass_changes(p)) return pawl_pass_fail(p, PAWL_CLASS_CANCELLED, "the run was stopped");
    const bool over = p->wall_ns >= s->until_ns;
    const bool told_not_to = p->wall_ns < s->not_before_ns;
    if (over && (p->last_poll || !polls(p) || told_not_to)) {
        if (p->tool->async.cancel.p && s->monitor.p && !s->told_to_stop) return tell_to_stop(p);
        pawl_buf_init_arena(&b, p->arena);
        pawl_buf_printf(&b, "accepted, and nothing was heard of its end for %lld s",
                        (long long)((p->wall_ns - s->accepted_ns) / second));
        return unheard(p, pawl_buf_done(&b));
    }
    if (polls(p) && (over || p->wall_ns >= poll_at_ns(p))) { /* once more at the end */
        p->last_poll = over;
        return pawl_pass_wait(p, PAWL_WANT_POLL);
    }
    const int64_t next_ns = polls(p) ? poll_at_ns(p) : PAWL_NEVER;
    return pawl_pass_until(p, PAWL_WANT_LATER, next_ns < s->until_ns ? next_ns : s->until_ns);
}
