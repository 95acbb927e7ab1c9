/* src/engine/commit.c - records are folded and put into the run's next commit; one commit of a run is on its way at a
 * time, the next one gathers meanwhile. Nothing leaves before what it depends on is durable: that is decided here. */
#include "engine/hot.h"
#include "policy/account.h"
#include "policy/routing.h"
#include <assert.h>
#include <string.h>

void pawl_hot_dirty(struct pawl_hot *h)
{
    if (h->dirty) return;
    h->dirty = true;
    h->next_dirty = h->e->dirty;
    h->e->dirty = h;
}

static struct pawl_batch *filling(struct pawl_hot *h)
{
    if (h->filling) return h->filling;
    h->filling = pawl_engine_get(h->e, sizeof *h->filling);
    if (!h->filling) return NULL;
    pawl_arena_init(&h->filling->arena, h->e->from);
    h->filling->commit.seq_before = h->run.seq;
    return h->filling;
}

static void *room(struct pawl_batch *b, void *items, uint32_t count, uint32_t *size, size_t item_bytes)
{
    if (count < *size) return items;
    const uint32_t larger = *size ? *size * 2 : 4;
    void *p = pawl_arena_get(&b->arena, larger * item_bytes);
    if (!p) return NULL;
    if (count) memcpy(p, items, count * item_bytes);
    *size = larger;
    return p;
}

static bool is_progress(enum pawl_kind kind)
{
    return kind != PAWL_STEP_INTENDED && kind != PAWL_STEP_ATTEMPTED && kind != PAWL_BUDGET_SETTLED;
}

/* The record that caused this one: the step's intent, else its decision; for an answer, its question. */
static uint64_t cause_of(const struct pawl_hot *h, enum pawl_kind kind, uint32_t step)
{
    const struct pawl_step *s = pawl_run_step(&h->run, step);
    if (!s) return h->run.seq;
    if ((kind == PAWL_GATE_ANSWERED || kind == PAWL_STEP_RESOLVED) && s->asked_seq) return s->asked_seq;
    return s->intended_seq ? s->intended_seq : s->asked_seq ? s->asked_seq : s->decided_seq;
}

int pawl_hot_append(struct pawl_hot *h, enum pawl_kind kind, uint32_t step, struct pawl_str body)
{
    struct pawl_engine *e = h->e;
    struct pawl_batch *b = filling(h);
    struct pawl_record *records, r = {.run = h->head.run, .seq = h->run.seq + 1, .kind = kind, .step = step};
    int rc;
    if (!b || !body.p) return e->rc = PAWL_ENOMEM; /* {NULL,0}: there was none to build it in */
    r.at_ns = e->wall_ns > h->run.at_ns ? e->wall_ns : h->run.at_ns;
    r.cause = cause_of(h, kind, step);
    r.body = pawl_str_copy(&b->arena, body);
    pawl_prng_fill(&e->prng, r.salt, sizeof r.salt);
    if ((rc = pawl_hot_seal(h, step, kind, &b->arena, &r)) != PAWL_OK) return e->rc = rc;
    records = room(b, b->records, b->commit.records_count, &b->records_size, sizeof *records);
    if (!records || !r.body.p) return e->rc = PAWL_ENOMEM;
    r.hash = pawl_record_hash(&r, h->run.hash);
    b->records = records;
    records[b->commit.records_count++] = r;
    b->progress = b->progress || is_progress(kind);
    rc = pawl_run_fold(&h->run, &r, NULL);
    assert(rc != PAWL_ECORRUPT); /* we only write what can follow */
    if (rc) e->rc = rc;
    pawl_hot_dirty(h);
    return rc;
}

int pawl_hot_claim(struct pawl_hot *h, const struct pawl_claim_op *op)
{
    struct pawl_batch *b = filling(h);
    struct pawl_claim_op *claims;
    if (!b) return PAWL_ENOMEM;
    claims = room(b, b->claims, b->commit.claims_count, &b->claims_size, sizeof *claims);
    if (!claims) return h->e->rc = PAWL_ENOMEM;
    b->claims = claims;
    claims[b->commit.claims_count++] = *op;
    pawl_hot_dirty(h);
    return PAWL_OK;
}

int pawl_hot_share(struct pawl_hot *h, const struct pawl_shared_op *op)
{
    struct pawl_batch *b = filling(h);
    struct pawl_shared_op *shared;
    if (!b) return PAWL_ENOMEM;
    shared = room(b, b->shared, b->commit.shared_count, &b->shared_size, sizeof *shared);
    if (!shared) return h->e->rc = PAWL_ENOMEM;
    b->shared = shared;
    shared[b->commit.shared_count++] =
        (struct pawl_shared_op){.name = pawl_str_copy(&b->arena, op->name),
                                .add = op->add,
                                .body = op->body.p ? pawl_str_copy(&b->arena, op->body) : op->body,
                                .drop = op->drop};
    if (b->arena.failed) return h->e->rc = PAWL_ENOMEM;
    if (op->add && pawl_account_apply(&h->e->shared, op->name, op->add, PAWL_ACCOUNT_ASKED))
        return h->e->rc = PAWL_ENOMEM;
    if (op->add && pawl_routing_apply(&h->e->shared, op->name, op->add, 1)) return h->e->rc = PAWL_ENOMEM;
    pawl_hot_dirty(h);
    return PAWL_OK;
}

int pawl_hot_note_reply(struct pawl_hot *h, uint64_t request_id, uint32_t step, const char *word)
{
    struct pawl_reply_due *reply, **at = &h->replies;
    if (h->run.seq <= h->durable_seq) {
        pawl_request_answer(h->e, request_id, &h->run, step, word);
        return PAWL_OK;
    }
    reply = pawl_engine_get(h->e, sizeof *reply);
    if (!reply) return PAWL_ENOMEM;
    *reply = (struct pawl_reply_due){.id = request_id, .seq = h->run.seq, .step = step, .word = word};
    while (*at) at = &(*at)->next;
    *at = reply;
    return PAWL_OK;
}

bool pawl_hot_early(const struct pawl_hot *h)
{
    return h->run.begins_ns > h->e->wall_ns && h->run.steps_count == 0 && !h->run.ending;
}

/* It waits for people, for what comes in, or for a later time only. */
static bool may_park(const struct pawl_pass *p)
{
    if (p->want == PAWL_WANT_CHILD) return p->child_want == PAWL_CHILD_REST;
    return p->want == PAWL_WANT_PERSON || p->want == PAWL_WANT_SIGNAL || p->want == PAWL_WANT_LATER;
}

/* What the run waits on, as lists show it; true: on nothing but people or later times, so it may park. */
static bool waiting(struct pawl_hot *h, struct pawl_head *head)
{
    int64_t wake_ns = PAWL_NEVER;
    bool all = h->durable_seq >= h->written_first;
    head->status = h->run.ended ? h->run.status : h->run.ending ? PAWL_ENDING : PAWL_RUNNING;
    head->waiting = PAWL_WAIT_NONE;
    head->waiting_step = 0;
    if (h->run.ended) return head->wake_ns = PAWL_NEVER, true;
    if (!h->agent) {
        head->status = PAWL_WAITING;
        head->waiting = PAWL_WAIT_CONFIG;
        return head->wake_ns = PAWL_NEVER, true;
    }
    if (pawl_hot_early(h)) wake_ns = h->run.begins_ns;
    for (const struct pawl_slot *s = h->slots; s; s = s->next) {
        const struct pawl_step *step = s->pass.step;
        if (s->pass.want == PAWL_WANT_STEP) continue; /* waits for another slot, which is looked at itself */
        if (!may_park(&s->pass) || !step) {
            all = false;
            continue;
        }
        if (s->pass.until_wall_ns < wake_ns) wake_ns = s->pass.until_wall_ns;
        if (s->pass.want == PAWL_WANT_SIGNAL ||
            s->pass.want == PAWL_WANT_CHILD) { /* a person who is asked is named first */
            if (head->waiting) continue;
            head->waiting = s->pass.want == PAWL_WANT_CHILD ? PAWL_WAIT_CHILD : PAWL_WAIT_SIGNAL;
            head->waiting_step = step->number;
            continue;
        }
        if (head->waiting == PAWL_WAIT_DOUBT) continue;
        if (s->pass.want == PAWL_WANT_LATER && head->waiting) continue; /* what needs a person is said first */
        head->waiting = s->pass.want == PAWL_WANT_LATER  ? PAWL_WAIT_STEP
                        : step->state == PAWL_STEP_DOUBT ? PAWL_WAIT_DOUBT
                        : step->state == PAWL_STEP_ASKED ? PAWL_WAIT_GATE
                                                         : PAWL_WAIT_TOOL;
        head->waiting_step = step->number;
    }
    if (!h->slots) head->waiting = pawl_hot_early(h) ? PAWL_WAIT_TIMER : PAWL_WAIT_MESSAGE;
    if (all && !h->run.ending) head->status = PAWL_WAITING;
    if (!all) return head->waiting = PAWL_WAIT_NONE, head->waiting_step = 0, head->wake_ns = 0, false;
    if (pawl_hot_ends_ns(h) && !h->run.ending && pawl_hot_ends_ns(h) < wake_ns) wake_ns = pawl_hot_ends_ns(h);
    head->wake_ns = wake_ns > 0 ? wake_ns : 1;
    return true;
}

static enum pawl_waiting rests_on(const struct pawl_pass *p)
{
    switch (p->want) {
    case PAWL_WANT_CLAIM_FREE: return PAWL_WAIT_CLAIM;
    case PAWL_WANT_TIME: return PAWL_WAIT_TIMER;
    case PAWL_WANT_ROOM: return PAWL_WAIT_ROOM;
    default: return PAWL_WAIT_NONE;
    }
}

struct pawl_rest pawl_hot_rest(const struct pawl_hot *h)
{
    struct pawl_rest out = {.until_ns = PAWL_NEVER};
    for (const struct pawl_slot *s = h->slots; s; s = s->next) {
        const enum pawl_waiting on = rests_on(&s->pass);
        if (s->pass.want == PAWL_WANT_STEP || may_park(&s->pass)) continue;
        if (on == PAWL_WAIT_NONE || s->attempt_id || s->find_id) return (struct pawl_rest){.until_ns = PAWL_NEVER};
        if (out.waiting) continue; /* the first one tells */
        out = (struct pawl_rest){.waiting = on, .step = s->pass.number, .until_ns = s->pass.until_wall_ns};
        if (on == PAWL_WAIT_CLAIM) out.of_run = s->pass.claim.run, out.of_step = s->pass.claim.step;
        if (on == PAWL_WAIT_ROOM) out.room = pawl_pass_room(&s->pass, &out.room_of);
    }
    return out;
}

/* All that is open waits for what another run holds, and that may wait for a person. */
static bool joins_only(const struct pawl_hot *h)
{
    for (const struct pawl_slot *s = h->slots; s; s = s->next)
        if (s->pass.want != PAWL_WANT_CLAIM_FREE && s->pass.want != PAWL_WANT_STEP && s->pass.want != PAWL_WANT_CHILD &&
            !may_park(&s->pass))
            return false;
    return h->slots != NULL;
}

/* LEDGER 15: the deadline's clock runs unless the run waits for people, or for another run, only. */
static void run_clock(struct pawl_hot *h, bool parked)
{
    struct pawl_engine *e = h->e;
    int64_t due_ns = PAWL_NEVER;
    if (h->active) h->head.active_ns += e->now_ns - h->active_since_ns;
    h->active_since_ns = e->now_ns;
    h->active = !parked;
    pawl_engine_timer(e, &h->deadline, PAWL_NEVER);
    if (h->run.ended || h->run.ending || !h->agent) return;
    if (pawl_hot_deadline_ns(h) && h->active) due_ns = e->wall_ns + (pawl_hot_deadline_ns(h) - h->head.active_ns);
    if (pawl_hot_ends_ns(h) && pawl_hot_ends_ns(h) < due_ns) due_ns = pawl_hot_ends_ns(h);
    pawl_engine_timer(e, &h->deadline, due_ns);
}

/* LEDGER 11: a claim counts until something moves on. One that ends in parking again, or in being handed over, has not
 * ended its owner, and counts no more; those before it do. */
static uint32_t fruitless_claims(const struct pawl_hot *h, bool park)
{
    if (h->moved) return 0;
    return park && h->claims > 0 ? h->claims - 1 : h->claims;
}

static void send(struct pawl_hot *h, bool park)
{
    struct pawl_engine *e = h->e;
    struct pawl_batch *b = h->filling;
    struct pawl_pending *p = pawl_engine_await(e, PAWL_OF_COMMIT);
    struct pawl_action *a = p ? pawl_engine_act(e, PAWL_DO_COMMIT) : NULL;
    struct pawl_commit *c = &b->commit;
    if (!a) return;
    h->moved = h->moved || b->progress;
    h->head.claims_without_progress = fruitless_claims(h, park);
    h->head.seq = h->run.seq;
    h->head.hash = h->run.hash;
    h->head.updated_ns = h->run.at_ns;
    c->head = h->head;
    c->records = b->records;
    c->claims = b->claims;
    c->shared = b->shared;
    c->create = h->create;
    c->request = h->create ? h->request : (struct pawl_str){NULL, 0};
    if (h->create) {
        b->blob = (struct pawl_blob){.hash = h->config->hash, .bytes = h->config->json};
        c->blobs = &b->blob;
        c->blobs_count = 1;
    }
    p->hot = h;
    b->id = a->id = p->id;
    a->commit = c;
    h->stored = h->head;
    h->flight = b;
    h->filling = NULL;
}

static bool head_differs(const struct pawl_hot *h)
{
    const struct pawl_head *a = &h->head, *b = &h->stored;
    return a->status != b->status || a->waiting != b->waiting || a->waiting_step != b->waiting_step ||
           a->wake_ns != b->wake_ns;
}

/* Something of this run is on its way in the world. */
static bool busy(const struct pawl_hot *h)
{
    for (const struct pawl_slot *s = h->slots; s; s = s->next)
        if (s->attempt_id || s->find_id || s->pass.want == PAWL_WANT_DURABLE) return true;
    return false;
}

/* Nobody is at work here who would judge it anew; what the store said that it waits for, it waits for as before: nothing was
 * said that concerns it, or not all that is to be said. */
static bool still_waits(const struct pawl_hot *h)
{
    const struct pawl_head *was = &h->stored;
    if (was->status != PAWL_WAITING || h->run.ending) return false;
    if (was->seq == h->run.seq) return true;
    if (was->waiting_step == 0 || was->waiting_step > h->run.steps_count) return false;
    const struct pawl_step *step = h->run.steps[was->waiting_step - 1];
    return (was->waiting == PAWL_WAIT_GATE && step->state == PAWL_STEP_ASKED) ||
           (was->waiting == PAWL_WAIT_DOUBT && step->state == PAWL_STEP_DOUBT);
}

void pawl_hot_settle(struct pawl_hot *h)
{
    struct pawl_engine *e = h->e;
    bool park, let_go = false;
    pawl_hot_advance(h);
    if (e->rc) return;
    park = waiting(h, &h->head);
    if (e->handing_over && !h->run.ended && h->agent && h->parked_seq != h->run.seq) {
        park = false; /* slots are not all there: only the decider knows what it waits for */
        let_go = !busy(h);
        const bool still = still_waits(h);
        h->head.status = h->run.ending ? PAWL_ENDING : still ? PAWL_WAITING : PAWL_RUNNING;
        h->head.waiting = still ? h->stored.waiting : PAWL_WAIT_NONE;
        h->head.waiting_step = still ? h->stored.waiting_step : 0;
        h->head.wake_ns = let_go ? 1 : 0; /* due at once; live only as long as something of it is under way */
    }
    h->parked_seq = park ? h->run.seq : 0;
    run_clock(h, park || joins_only(h));
    pawl_quota_count(h);
    if (h->flight) return;
    if (!h->filling && (park || e->handing_over) && head_differs(h) && !filling(h)) return;
    if (h->filling) {
        send(h, park || let_go);
        return;
    }
    if (e->handing_over && !busy(h)) park = true; /* the store says that it is due: the next owner takes it up */
    if (!park) return;
    if (h->head.wake_ns < e->wake_wall_ns && !h->run.ended) pawl_engine_wake_at(e, h->head.wake_ns);
    pawl_hot_drop(h); /* a parked run costs a row, nothing here */
}

static void replies(struct pawl_hot *h)
{
    struct pawl_reply_due *reply;
    while ((reply = h->replies) != NULL && reply->seq <= h->durable_seq) {
        h->replies = reply->next;
        pawl_request_answer(h->e, reply->id, &h->run, reply->step, reply->word);
        pawl_engine_put(h->e, reply, sizeof *reply);
    }
}

static void refuse_replies(struct pawl_hot *h, int code, const char *what, const char *next)
{
    struct pawl_reply_due *reply;
    while ((reply = h->replies) != NULL) {
        h->replies = reply->next;
        pawl_request_refuse(h->e, reply->id, h->head.run, code, what, next);
        pawl_engine_put(h->e, reply, sizeof *reply);
    }
}

/* Nothing of the batch happened. What nobody was promised is given up; the rest is tried again in a second: nothing that
 * depends on it has left. */
static void again(struct pawl_hot *h, int status)
{
    struct pawl_engine *e = h->e;
    const bool given_up = h->create && h->run.seq == h->flight->commit.records_count, full = status == PAWL_EFULL;
    refuse_replies(h, status,
                   given_up ? full ? "the disk is full: nothing was stored"
                                   : "the store could not write: it is not known to be stored"
                   : full   ? "the disk is full: it is not stored yet"
                            : "the store could not write: it is not stored yet",
                   given_up
                       ? full ? "free some space, and start it again"
                              : "look after the disk, then start it again with the same id"
                       : "free some space, or mend the disk: the owner tries again every second; say it again with the "
                         "same id, or look first whether it is there");
    if (given_up) {
        pawl_child_news(h, 1000000000);
        pawl_schedule_failed(h, status);
        pawl_hot_drop(h);
        return;
    }
    pawl_engine_timer(e, &h->again, e->wall_ns + 1000000000);
    assert(!h->filling ||
           h->filling->commit.seq_before == h->flight->commit.seq_before + h->flight->commit.records_count);
}

/* The same commit once more, under a new id. */
void pawl_hot_resend(struct pawl_hot *h)
{
    struct pawl_pending *p = pawl_engine_await(h->e, PAWL_OF_COMMIT);
    struct pawl_action *a = p ? pawl_engine_act(h->e, PAWL_DO_COMMIT) : NULL;
    if (!a) return;
    p->hot = h;
    h->flight->id = a->id = p->id;
    a->commit = &h->flight->commit;
}

static void refused(struct pawl_hot *h, int result)
{
    struct pawl_engine *e = h->e;
    const struct pawl_id run = h->head.run;
    if (result == PAWL_EFENCED && h->flight->commit.head.epoch < h->head.epoch) { /* by a later claim of our own */
        h->flight->commit.head.epoch = h->head.epoch;
        h->flight->commit.head.owner = h->head.owner;
        pawl_hot_resend(h);
        return;
    }
    pawl_child_news(h, 1000000000);
    if (h->create) pawl_schedule_failed(h, result);
    if (h->create && result == PAWL_ECONFLICT) {
        pawl_request_retry_start(e, h);
        return;
    }
    refuse_replies(h, PAWL_EBUSY, "the run belongs to another owner now", "say it again: it goes to the owner");
    pawl_hot_drop(h);
    if (result == PAWL_ECONFLICT) pawl_hot_ask_load(e, run, NULL); /* a claim was lost: fold again, see who has it */
}

void pawl_hot_committed(struct pawl_hot *h, int status)
{
    struct pawl_engine *e = h->e;
    struct pawl_batch *b = h->flight;
    struct pawl_slot *next;
    assert(b);
    if (status) {
        again(h, status);
        return;
    }
    if (b->commit.result) {
        refused(h, b->commit.result);
        return;
    }
    const bool created = h->create;
    h->flight = NULL;
    h->create = false;
    h->durable_seq = b->commit.head.seq;
    if (created || (h->run.ended && h->durable_seq == h->run.seq)) pawl_child_news(h, 0);
    pawl_schedule_news(h);
    replies(h);
    pawl_claims_committed(e, b->commit.claims, b->commit.claims_count);
    for (uint32_t i = 0; i < b->commit.shared_count && !e->rc; i++) {
        const struct pawl_shared_op *op = &b->shared[i];
        if (op->drop) pawl_account_dropped(&e->shared, op->name);
        else if (op->add) e->rc = pawl_account_apply(&e->shared, op->name, op->add, PAWL_ACCOUNT_STORED);
    }
    pawl_arena_fini(&b->arena);
    pawl_engine_put(e, b, sizeof *b);
    for (struct pawl_slot *s = h->slots; s && !e->rc; s = next) {
        next = s->next;
        if (s->pass.want == PAWL_WANT_DURABLE && s->need_seq <= h->durable_seq) pawl_slot_drive(s);
    }
    pawl_hot_dirty(h);
}
