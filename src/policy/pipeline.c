/* src/policy/pipeline.c - the order of the stages, and the driver that takes a pass through them. */
#include "policy/pipeline.h"
#include "policy/breaker.h"
#include "policy/bulkhead.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Stages without a function have their place here and let everything pass: span
 * come with the failure policies. */
const struct pawl_stage_entry pawl_pipeline[PAWL_STAGE_COUNT] = {
    [PAWL_STAGE_SCOPE] = {"scope", pawl_stage_scope, NULL},
    [PAWL_STAGE_CONTRACT_IN] = {"contract-in", pawl_stage_contract_in, NULL},
    [PAWL_STAGE_DEDUPE] = {"dedupe", pawl_stage_dedupe, pawl_dedupe_leave},
    [PAWL_STAGE_GUARD] = {"guard", pawl_stage_guard, NULL},
    [PAWL_STAGE_GATE] = {"gate", pawl_stage_gate, NULL},
    [PAWL_STAGE_BUDGET] = {"budget", pawl_stage_budget, NULL},
    [PAWL_STAGE_DEADLINE] = {"deadline", pawl_stage_deadline, NULL},
    [PAWL_STAGE_LANE] = {"lane", pawl_stage_lane, pawl_lane_leave},
    [PAWL_STAGE_BREAKER] = {"breaker", pawl_stage_breaker, pawl_breaker_leave},
    [PAWL_STAGE_RATE] = {"rate", pawl_stage_rate, pawl_pool_leave},
    [PAWL_STAGE_INTENT] = {"intent", pawl_stage_intent, NULL},
    [PAWL_STAGE_ATTEMPT] = {"attempt", pawl_stage_attempt, NULL},
    [PAWL_STAGE_CLASSIFY] = {"classify", pawl_stage_classify, NULL},
    [PAWL_STAGE_RETRY] = {"retry", pawl_stage_retry, NULL},
    [PAWL_STAGE_CONTRACT_OUT] = {"contract-out", pawl_stage_contract_out, NULL},
    [PAWL_STAGE_VERIFY] = {"verify", pawl_stage_verify, NULL},
    [PAWL_STAGE_RECORD] = {"record", pawl_stage_record, NULL},
    [PAWL_STAGE_SPAN] = {"span", NULL, NULL},
};

enum pawl_verdict pawl_pass_fail(struct pawl_pass *p, enum pawl_class c, const char *format, ...)
{
    char text[640];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    p->error_class = c;
    p->message = pawl_str_copy(p->arena, pawl_str_of(text));
    return PAWL_FAIL;
}

enum pawl_verdict pawl_pass_wait(struct pawl_pass *p, enum pawl_want want)
{
    p->want = want;
    p->until_wall_ns = PAWL_NEVER;
    return PAWL_WAIT;
}

enum pawl_verdict pawl_pass_until(struct pawl_pass *p, enum pawl_want want, int64_t wall_ns)
{
    p->want = want;
    p->until_wall_ns = wall_ns;
    return PAWL_WAIT;
}

enum pawl_verdict pawl_pass_back(struct pawl_pass *p, enum pawl_stage to)
{
    p->back = to;
    return PAWL_BACK;
}

enum pawl_verdict pawl_pass_append(struct pawl_pass *p, enum pawl_kind kind, struct pawl_buf *body)
{
    const struct pawl_str text = pawl_buf_done(body);
    if (!text.p) p->rc = PAWL_ENOMEM;
    else p->rc = p->book->append(p, kind, text);
    if (p->rc) return pawl_pass_wait(p, PAWL_WANT_NOTHING);
    p->step = pawl_run_step(p->run, p->number);
    return PAWL_GO;
}

enum pawl_stage pawl_pass_readmit(const struct pawl_pass *p)
{
    return p->model ? PAWL_STAGE_BUDGET : PAWL_STAGE_DEADLINE;
}

/* In reverse, every stage from the last one down to `first`. */
static void leave_from(struct pawl_pass *p, int first)
{
    for (int i = PAWL_STAGE_COUNT; i-- > first;) {
        if (p->entered & 1u << i && pawl_pipeline[i].leave) pawl_pipeline[i].leave(p);
        p->entered &= ~(1u << i);
    }
}

void pawl_pipeline_drive(struct pawl_pass *p)
{
    assert(!p->ended);
    p->want = PAWL_WANT_NOTHING;
    while (p->rc == PAWL_OK && p->stage < PAWL_STAGE_COUNT) {
        const struct pawl_stage_entry *stage = &pawl_pipeline[p->stage];
        enum pawl_verdict v = PAWL_GO;
        p->entered |= 1u << p->stage;
        if (stage->enter) v = stage->enter(p);
        if (p->arena->failed) p->rc = PAWL_ENOMEM;
        if (p->rc || v == PAWL_WAIT) return;
        if (v == PAWL_ANSWER) p->how = PAWL_ENDS_ANSWERED;
        if (v == PAWL_FAIL) p->how = PAWL_ENDS_FAILED;
        if (v == PAWL_BACK) leave_from(p, (int)p->back + 1); /* what waits further up must hold nothing of these */
        if (v == PAWL_GO) p->stage++;
        else p->stage = v == PAWL_BACK ? p->back : PAWL_STAGE_RECORD;
    }
    if (p->rc) return;
    leave_from(p, 0);
    p->ended = true;
}

void pawl_pipeline_stop(struct pawl_pass *p, enum pawl_class c, const char *why)
{
    assert(!p->step || p->step->state <= PAWL_STEP_APPROVED);
    pawl_pass_fail(p, c, "%s", why);
    p->how = PAWL_ENDS_FAILED;
    p->stage = PAWL_STAGE_RECORD;
    p->want = PAWL_WANT_NOTHING;
    pawl_pipeline_drive(p);
}
