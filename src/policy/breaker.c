/* src/policy/breaker.c - stage 9: a dependency that fails is left alone for a while (DESIGN 5), and what a step gets then.
 *
 *   model            another model of its list; else it waits, bounded by the run's deadline
 *   a tool's step    its fallback; else it fails at once, as breaker_open, and the model is told until when
 *   what is unknown, what a person said to send again, an undo: waits. No breaker makes a guess of a doubt (LEDGER 1) */
#include "policy/breaker.h"
#include <string.h>
#include "policy/bulkhead.h"
#include "policy/fallback.h"
#include "policy/pipeline.h"

static const struct pawl_breaker *rule_of(const struct pawl_pass *p)
{
    return p->model ? &p->model->breaker : &p->tool->breaker;
}

struct pawl_dependency *pawl_pass_dependency(struct pawl_pass *p)
{
    return p->model ? pawl_shared_dependency(p->shared, "model", p->model->name)
                    : pawl_shared_dependency(p->shared, "tool", p->tool->name);
}

static int keep(struct pawl_pass *p, const struct pawl_dependency *d)
{
    struct pawl_buf name, body;
    pawl_buf_init_arena(&name, p->arena);
    pawl_buf_init_arena(&body, p->arena);
    pawl_buf_text(&name, "breaker ");
    pawl_buf_str(&name, d->name);
    pawl_circuit_write(&d->circuit, &body);
    const struct pawl_shared_op op = {.name = pawl_buf_done(&name), .body = pawl_buf_done(&body)};
    if (!op.name.p || !op.body.p) return p->rc = PAWL_ENOMEM;
    return p->rc = p->book->shared(p, &op);
}

static bool must_wait(const struct pawl_pass *p)
{
    const struct pawl_step *s = p->step;
    return p->model || p->unknown || (s && (s->resend || s->kind == PAWL_STEP_UNDO));
}

static enum pawl_verdict held(struct pawl_pass *p, struct pawl_dependency *d)
{
    const struct pawl_circuit *c = &d->circuit;
    const bool timed = c->force != PAWL_FORCE_OPEN && c->state == PAWL_CIRCUIT_OPEN;
    enum pawl_verdict v;
    if (pawl_fallback_model(p)) return pawl_pass_back(p, pawl_pass_readmit(p));
    if (!must_wait(p)) {
        if (pawl_fallback_tool(p, &v)) return v;
        if (c->force == PAWL_FORCE_OPEN)
            return pawl_pass_fail(p, PAWL_CLASS_BREAKER_OPEN, "%.*s is switched off by a person: do without it",
                                  (int)d->name.n, d->name.p);
        return pawl_pass_fail(
            p, PAWL_CLASS_BREAKER_OPEN,
            "%.*s keeps failing and is left alone for another %lld s: do without it, or try again later",
            (int)d->name.n, d->name.p, timed ? (long long)((c->until_wall_ns - p->wall_ns) / 1000000000 + 1) : 1LL);
    }
    pawl_lane_leave(p); /* whoever waits for one dependency keeps nobody from another */
    p->stage = PAWL_STAGE_LANE;
    pawl_line_join(&d->waiting, p);
    return pawl_pass_until(p, PAWL_WANT_ROOM, timed ? c->until_wall_ns : PAWL_NEVER);
}

enum pawl_verdict pawl_stage_breaker(struct pawl_pass *p)
{
    struct pawl_dependency *d;
    if (p->admitted || !pawl_pass_sends(p)) return PAWL_GO;
    d = pawl_pass_dependency(p);
    if (!d) return p->rc = PAWL_ENOMEM, pawl_pass_wait(p, PAWL_WANT_NOTHING);
    pawl_line_leave(p);
    switch (pawl_circuit_ask(&d->circuit, rule_of(p), p->wall_ns)) {
    case PAWL_CIRCUIT_HELD: return held(p, d);
    case PAWL_CIRCUIT_PROBE: p->probe = true; break;
    case PAWL_CIRCUIT_GO: break;
    }
    p->admitted = d;
    p->admitted_generation = d->circuit.generation;
    return PAWL_GO;
}

bool pawl_breaker_still(struct pawl_pass *p)
{
    const struct pawl_dependency *d = p->admitted;
    if (!d || d->circuit.force == PAWL_FORCE_CLOSED) return true;
    if (d->circuit.generation == p->admitted_generation && d->circuit.force == PAWL_FORCE_NONE) return true;
    pawl_breaker_leave(p);
    return false;
}

/* An answer of any sort says that it is there; money, permission and manners are no matter of a breaker. */
static enum pawl_circuit_how judge(const struct pawl_pass *p, const struct pawl_reply *reply)
{
    const struct pawl_outcome *o = &p->outcome;
    if (reply->transport == PAWL_OWNER_CRASHED || reply->transport == PAWL_STOPPED) return PAWL_CIRCUIT_TELLS_NOTHING;
    if (o->applied == PAWL_APPLIED_YES || o->applied == PAWL_APPLIED_ACCEPTED) return PAWL_CIRCUIT_GOOD;
    switch (o->error_class) {
    case PAWL_CLASS_TIMEOUT:
    case PAWL_CLASS_OVERLOADED:
    case PAWL_CLASS_UNAVAILABLE:
    case PAWL_CLASS_MALFORMED: return PAWL_CIRCUIT_FAILED;
    case PAWL_CLASS_RATE_LIMITED: return PAWL_CIRCUIT_TELLS_NOTHING; /* the rate stage's */
    default: return PAWL_CIRCUIT_GOOD;
    }
}

void pawl_breaker_told(struct pawl_pass *p, const struct pawl_reply *reply)
{
    struct pawl_dependency *d = p->admitted;
    if (!d) return;
    const bool old =
        d->circuit.generation != p->admitted_generation; /* it left before the last opening: says nothing of now */
    const bool changed = !old && pawl_circuit_tell(&d->circuit, rule_of(p), judge(p, reply), p->probe,
                                                   p->now_ns - p->sent_ns, p->now_ns, p->wall_ns);
    if (reply->hedged && p->tool) pawl_retry_budget_take(&d->retries, &p->tool->retry);
    p->admitted = NULL;
    p->probe = false;
    if (!changed) return;
    pawl_line_wake(p->shared, &d->waiting, d->waiting.count);
    keep(p, d);
}

void pawl_breaker_leave(struct pawl_pass *p)
{
    struct pawl_dependency *d = p->admitted;
    if (!d) return;
    p->admitted = NULL;
    if (!p->probe) return;
    p->probe = false;
    if (d->circuit.generation != p->admitted_generation) return;
    pawl_circuit_give_back(&d->circuit);
    pawl_line_wake(p->shared, &d->waiting, 1);
}
