/* src/policy/pipeline.h - the one way every step goes, stage by stage (DESIGN 5). pipeline.c is the order. */
#pragma once
#include "policy/pass.h"

struct pawl_stage_entry {
    const char *name;
    enum pawl_verdict (*enter)(struct pawl_pass *p); /* NULL: this stage lets everything pass */
    void (*leave)(struct pawl_pass *p);              /* once for each stage entered, in reverse, when the pass ends */
};
extern const struct pawl_stage_entry pawl_pipeline[PAWL_STAGE_COUNT];

/* Go on until the pass waits (p->want) or has ended (p->ended, its last record appended, every leave called).
 * p->rc: PAWL_ENOMEM and the like; then nothing further may be done with the run but to drop it. */
void pawl_pipeline_drive(struct pawl_pass *p);
/* End it now without sending: cancelled before its intent. Only for a step that is not intended. */
void pawl_pipeline_stop(struct pawl_pass *p, enum pawl_class c, const char *why);

/* contract_in.c: the one document that templates and conditions read, {"args", "run": {id, key, agent, input}, "facts"},
 * in p->document; a model's step has args null; without any fact the member is not there. PAWL_OK or PAWL_ENOMEM. */
int pawl_pass_document(struct pawl_pass *p);
/* classify.c: read a reply that came for this pass (a look's, or the attempt's own) into p->looked or p->outcome. */
void pawl_pass_take_reply(struct pawl_pass *p, const struct pawl_reply *reply, bool look);
/* async.c: read what the monitor said into p->news, and */
void pawl_pass_take_news(struct pawl_pass *p, const struct pawl_reply *reply);
/* make the request that asks it, in p->arena; false: it cannot be made. */
bool pawl_pass_poll_request(struct pawl_pass *p, struct pawl_str *request);
/* verify.c: the fixed request of verify's read for this pass, in p->arena; false: its arguments cannot be made. */
bool pawl_pass_look_request(struct pawl_pass *p, const struct pawl_tool **tool, struct pawl_str *request);
/* contract_in.c: the intent of an idempotent step that has not been driven yet: one before it may be superseded by it. */
void pawl_pass_know_intent(struct pawl_pass *p);
/* dedupe.c: another open step of this run, or NULL, that must end before `s` may leave (LEDGER 8). */
struct pawl_step *pawl_dedupe_ahead(const struct pawl_run *run, const struct pawl_step *s);
/* ... and is a later step of this run waiting behind this idempotent one? Then it is not sent again. */
bool pawl_dedupe_superseded(const struct pawl_pass *p);

/* ... the intent key of p->args and the digest of them all. PAWL_EINVAL: a number that canonical JSON cannot hold. */
int pawl_pass_intent(struct pawl_pass *p, struct pawl_hash *intent, struct pawl_hash *args);
/* intent.c: the request of a model's pass, in p->request; where it stands already: nothing. */
enum pawl_verdict pawl_intent_render(struct pawl_pass *p);
/* Where an attempt goes that is to be admitted anew: a model's is paid for again. */
enum pawl_stage pawl_pass_readmit(const struct pawl_pass *p);
/* gate.c: the fixed request of p->document, in p->request, with p->key of p->generation. */
enum pawl_verdict pawl_gate_fix(struct pawl_pass *p);
/* dedupe.c: does the intent of p->step count for other runs, too? */
bool pawl_dedupe_wide(const struct pawl_pass *p);
/* dedupe.c: the pass is to end where it stands; if its step holds a claim since before a restart, it lets go of it. */
void pawl_dedupe_recall(struct pawl_pass *p);

/* wait.c: stage 12 of a step for which nothing is sent. */
enum pawl_verdict pawl_wait_enter(struct pawl_pass *p);
/* child.c: the same where it waits for another run. */
enum pawl_verdict pawl_child_enter(struct pawl_pass *p);
/* The run that this step starts: the same one however often it is asked. The key is written into `key`. */
struct pawl_id pawl_child_of(const struct pawl_run *run, const struct pawl_step *s, char key[64]);
/* recall.c: the answer of a tool that reads the run's journal and nothing else. */
enum pawl_verdict pawl_recall(struct pawl_pass *p);

/* opinion.c: of the gate's stage, once the request is fixed: what others say of this call. */
enum pawl_verdict pawl_opinion(struct pawl_pass *p);

enum pawl_verdict pawl_stage_scope(struct pawl_pass *p);
enum pawl_verdict pawl_stage_contract_in(struct pawl_pass *p);
enum pawl_verdict pawl_stage_dedupe(struct pawl_pass *p);
enum pawl_verdict pawl_stage_guard(struct pawl_pass *p);
enum pawl_verdict pawl_stage_gate(struct pawl_pass *p);
enum pawl_verdict pawl_stage_budget(struct pawl_pass *p);
enum pawl_verdict pawl_stage_deadline(struct pawl_pass *p);
enum pawl_verdict pawl_stage_lane(struct pawl_pass *p);
enum pawl_verdict pawl_stage_rate(struct pawl_pass *p);
enum pawl_verdict pawl_stage_breaker(struct pawl_pass *p);
enum pawl_verdict pawl_stage_intent(struct pawl_pass *p);
enum pawl_verdict pawl_stage_attempt(struct pawl_pass *p);
enum pawl_verdict pawl_stage_classify(struct pawl_pass *p);
enum pawl_verdict pawl_stage_retry(struct pawl_pass *p);
enum pawl_verdict pawl_stage_contract_out(struct pawl_pass *p);
enum pawl_verdict pawl_stage_verify(struct pawl_pass *p);
enum pawl_verdict pawl_stage_record(struct pawl_pass *p);
void pawl_dedupe_leave(struct pawl_pass *p);
