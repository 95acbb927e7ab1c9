/* src/sim/check.c - what must always hold, seen from the store and from what leaves: one owner, nothing lost, output
 * commit, bounded, one key. check_record.c judges single records, check_fold.c whole runs. */
#include "sim/world.h"
#include <assert.h>
#include <string.h>

/* ---- commits, as they become durable ---- */

static struct pawl_sim_run *add_run(struct pawl_sim *w, const struct pawl_sim_node *n, const struct pawl_commit *c)
{
    struct pawl_sim_run *run = pawl_sim_get(w, sizeof *run);
    if (w->runs_count == PAWL_SIM_RUNS) {
        pawl_sim_broken(w, "nothing-lost", "more runs than were started");
        return NULL;
    }
    for (uint32_t i = 0; i < w->runs_count; i++) {
        const struct pawl_sim_run *o = w->runs[i];
        if (c->head.key.p && pawl_str_eq(o->stored.key, c->head.key))
            pawl_sim_broken(w, "answered", "two runs of one key");
        if (c->request.p && pawl_run_answered(&o->stored, c->request))
            pawl_sim_broken(w, "answered", "two runs of one start");
    }
    *run = (struct pawl_sim_run){.id = c->head.run,
                                 .index = w->runs_count,
                                 .owner = n,
                                 .epoch = c->head.epoch,
                                 .last_tool = -1,
                                 .began_ns = w->now_ns};
    run->steps = pawl_sim_get(w, PAWL_SIM_STEPS * sizeof *run->steps);
    run->answers_max = (uint32_t)pawl_sim_between(w, 1, 7);
    run->poison = (w->faults & PAWL_SIM_POISON) != 0 && run->index == 0;
    pawl_id_text(run->id, run->text);
    pawl_arena_init(&run->arena, w->o->from);
    pawl_run_init(&run->stored, &run->arena);
    w->runs[w->runs_count++] = run;
    pawl_sim_count(w, PAWL_SIM_N_RUNS);
    return run;
}

static void take_record(struct pawl_sim *w, struct pawl_sim_run *run, const struct pawl_record *r, int64_t wall_ns)
{
    const struct pawl_hash hash = pawl_sim_record_hash(r, run->stored.hash);
    struct pawl_error err = {0};
    int rc;
    PAWL_SIM_SAY(w, "   stored run%u %llu %s #%u %.*s", run->index, (unsigned long long)r->seq, pawl_kind_name(r->kind),
                 r->step, (int)(r->body.n < 600 ? r->body.n : 600), r->body.p);
    pawl_sim_mix(w, (uint64_t)r->hash.b[0] << 8 | r->hash.b[31]);
    if (!pawl_sim_same_hash(hash, r->hash))
        pawl_sim_broken(w, "chain", "run%u record %llu has another hash than it must", run->index,
                        (unsigned long long)r->seq);
    if (r->at_ns < run->stored.at_ns)
        pawl_sim_broken(w, "chain", "run%u record %llu is older than the one before", run->index,
                        (unsigned long long)r->seq);
    pawl_sim_check_record(w, run, r, wall_ns);
    rc = pawl_run_fold(&run->stored, r, &err);
    if (rc == PAWL_ENOMEM) w->no_memory = true;
    else if (rc) pawl_sim_broken(w, "fold", "run%u: %s", run->index, err.what);
    if (run->stored.steps_count >= PAWL_SIM_STEPS)
        pawl_sim_broken(w, "bounded", "run%u has %u steps", run->index, run->stored.steps_count);
    if (r->kind != PAWL_STEP_INTENDED && r->kind != PAWL_STEP_ATTEMPTED && r->kind != PAWL_BUDGET_SETTLED)
        run->fruitless = run->deaths = 0;
}

static void check_head(struct pawl_sim *w, const struct pawl_sim_run *run, const struct pawl_head *h)
{
    const struct pawl_step *s = pawl_run_step(&run->stored, h->waiting_step);
    const bool ended = h->status >= PAWL_DONE;
    if (h->seq != run->stored.seq || !pawl_sim_same_hash(h->hash, run->stored.hash))
        pawl_sim_broken(w, "head", "run%u: the head is not the last record's", run->index);
    if (ended != run->stored.ended || (ended && h->status != run->stored.status))
        pawl_sim_broken(w, "head", "run%u: the head says status %d, the records %d", run->index, (int)h->status,
                        (int)run->stored.status);
    if (!ended && h->waiting != PAWL_WAIT_CONFIG && (h->status == PAWL_ENDING) != run->stored.ending)
        pawl_sim_broken(w, "head", "run%u: the head says status %d, and %s being stopped", run->index, (int)h->status,
                        run->stored.ending ? "it is" : "it is not");
    if (h->status == PAWL_WAITING && h->waiting == PAWL_WAIT_NONE)
        pawl_sim_broken(w, "head", "run%u waits, and does not say on what", run->index);
    if (h->waiting == PAWL_WAIT_GATE && (!s || s->state != PAWL_STEP_ASKED))
        pawl_sim_broken(w, "head", "run%u waits for an answer at #%u, which was not asked", run->index,
                        h->waiting_step);
    if (h->waiting == PAWL_WAIT_DOUBT && (!s || s->state != PAWL_STEP_DOUBT))
        pawl_sim_broken(w, "head", "run%u waits in doubt at #%u, which is not", run->index, h->waiting_step);
    if (!ended && h->wake_ns == PAWL_NEVER && h->waiting == PAWL_WAIT_NONE)
        pawl_sim_broken(w, "bounded", "run%u sleeps for ever and does not say on what it waits", run->index);
}

void pawl_sim_check_stored(struct pawl_sim *w, struct pawl_sim_node *n, const struct pawl_commit *c, int64_t wall_ns)
{
    pawl_sim_check_schedules(w, c);
    struct pawl_sim_run *run = c->create ? add_run(w, n, c) : pawl_sim_run_of(w, c->head.run);
    if (!run || w->no_memory) return;
    for (uint32_t i = 0; i < c->records_count && w->out->held && !w->no_memory; i++)
        take_record(w, run, &c->records[i], wall_ns);
    if (!w->out->held || w->no_memory) return;
    run->head = c->head;
    run->head.agent = run->head.key = (struct pawl_str){NULL, 0};
    PAWL_SIM_SAY(w, "   stored run%u head: status %d waiting %d #%u wake %lld epoch %llu", run->index,
                 (int)c->head.status, (int)c->head.waiting, c->head.waiting_step,
                 c->head.wake_ns == PAWL_NEVER ? -1LL : (long long)(c->head.wake_ns / PAWL_SIM_MS),
                 (unsigned long long)c->head.epoch);
    if (c->head.waiting == PAWL_WAIT_CONFIG) pawl_sim_count(w, PAWL_SIM_N_PARKED_CONFIG);
    if (c->head.waiting == PAWL_WAIT_TOOL) pawl_sim_count(w, PAWL_SIM_N_PARKED_TOOL);
    check_head(w, run, &c->head);
    pawl_sim_check_parked(w, run, &c->head);
    pawl_sim_check_asleep(w, run, &c->head);
    pawl_sim_check_awaited(w, run, &c->head);
    if (c->head.wake_ns != 0 || c->head.status >= PAWL_DONE) pawl_sim_check_unreserved(w, run);
    pawl_sim_live(w, run, c->head.wake_ns == 0 && c->head.status < PAWL_DONE);
    pawl_sim_check_claims(w, run);
    pawl_sim_people_watch(w, run);
    if (run->stored.ended) pawl_sim_people_ended(w, run);
}

/* Whoever had it has it no more, perhaps: what it announced may have left or not. */
static void lost(struct pawl_sim_run *run)
{
    for (uint32_t i = 0; i < run->stored.steps_count; i++) run->steps[i].cut |= run->stored.steps[i]->open;
}

void pawl_sim_check_claimed(struct pawl_sim_node *n, const struct pawl_run_records *r)
{
    enum { FRUITLESS_MAX = 12 }; /* five, and some that died before they could say that it was enough */
    struct pawl_sim *w = n->w;
    struct pawl_sim_run *run = pawl_sim_run_of(w, r->head.run);
    pawl_sim_count(w, PAWL_SIM_N_CLAIMS);
    if (!run) {
        pawl_sim_broken(w, "nothing-lost", "the store gives a run that was never stored");
        return;
    }
    if (r->head.epoch <= run->epoch)
        pawl_sim_broken(w, "one-owner", "run%u was claimed and its epoch has not risen", run->index);
    if (r->count != run->stored.seq)
        pawl_sim_broken(w, "nothing-lost", "run%u has %u records, %llu were stored", run->index, r->count,
                        (unsigned long long)run->stored.seq);
    run->owner = n;
    run->epoch = r->head.epoch;
    run->head.wake_ns = r->head.wake_ns;
    pawl_sim_live(w, run, r->head.status < PAWL_DONE);
    lost(run);
    if (!run->stored.ending && !run->stored.ended && ++run->fruitless > FRUITLESS_MAX && run->deaths >= FRUITLESS_MAX)
        pawl_sim_broken(w, "bounded", "run%u was claimed %u times and nothing moved", run->index, run->fruitless);
    PAWL_SIM_SAY(w, "n%u claims run%u, epoch %llu, %u without progress", n->number, run->index,
                 (unsigned long long)run->epoch, r->head.claims_without_progress);
}

/* The node hears that all up to `seq` is durable. Where nothing of its own is on the way, its fold is the store's. */
void pawl_sim_check_told(struct pawl_sim_node *n, struct pawl_id id, uint64_t seq)
{
    struct pawl_sim_run *run = pawl_sim_run_of(n->w, id);
    if (!run) return;
    if (seq > n->told[run->index]) n->told[run->index] = seq;
}

void pawl_sim_check_hot(struct pawl_sim_node *n)
{
    for (uint32_t i = 0; i < n->w->runs_count; i++) {
        const struct pawl_sim_run *run = n->w->runs[i];
        const struct pawl_run *hot = run->owner == n ? pawl_engine_run(n->engine, run->id) : NULL;
        if (!hot || hot->seq != run->stored.seq || n->compared[i] == hot->seq) continue;
        n->compared[i] = hot->seq;
        pawl_sim_check_same_fold(n->w, hot, &run->stored, "the engine's");
    }
}

/* Nothing is on its way to the node's disk: every run that has not ended is in hand, or has a wake that is waited for, or
 * says for whom it waits. */
void pawl_sim_check_cared_for(struct pawl_sim_node *n)
{
    struct pawl_sim *w = n->w;
    if (n->replaced || n->handing_over || n->outstanding > 0 || w->former || pawl_sim_node_due(n) != PAWL_NEVER) return;
    for (uint32_t i = 0; i < w->runs_count; i++) {
        const struct pawl_sim_run *run = w->runs[i];
        struct pawl_rest rest;
        if (run->stored.ended || run->head.wake_ns == PAWL_NEVER || pawl_engine_run(n->engine, run->id)) continue;
        if (pawl_engine_rest(n->engine, run->id, &rest) && pawl_engine_hot(n->engine) > 0) continue; /* out of memory */
        pawl_sim_broken(w, "bounded", "run%u is in nobody's hand, and nobody will wake for it", run->index);
    }
}

void pawl_sim_check_widowed(struct pawl_sim_node *n)
{
    for (uint32_t i = 0; i < n->w->runs_count; i++) {
        struct pawl_sim_run *run = n->w->runs[i];
        if (run->owner == n && run->head.wake_ns == 0 && !run->stored.ended) run->deaths++;
        if (run->owner != n) continue;
        if (n->state == PAWL_SIM_DEAD)
            pawl_sim_live(n->w, run, false); /* what sleeps may wake before another claims it */
        lost(run);
    }
}

/* ---- what leaves ---- */

/* LEDGER 4, as docs/guarantees.md has it: UUIDv8 of SHA-256 (store id, run, step, generation). */
static void expected_key(const struct pawl_sim *w, const struct pawl_sim_run *run, const struct pawl_step *s,
                         char out[PAWL_ID_TEXT])
{
    uint8_t all[40];
    memcpy(all, w->door->id, 16);
    memcpy(all + 16, run->id.b, 16);
    for (int i = 0; i < 4; i++) {
        all[32 + i] = (uint8_t)(s->number >> (24 - 8 * i));
        all[36 + i] = (uint8_t)(s->generation >> (24 - 8 * i));
    }
    const struct pawl_hash h = pawl_sha256(all, sizeof all);
    pawl_id_text(pawl_id_v8(h.b), out);
}

/* Durable, and known to be, before it leaves: the intent with this very request, and this attempt. */
static void check_announced(struct pawl_sim_node *n, const struct pawl_attempt *a, struct pawl_sim_run *run,
                            const struct pawl_step *s)
{
    struct pawl_sim *w = n->w;
    const uint64_t told = n->told[run->index];
    const struct pawl_sim_step *f = &run->steps[a->step - 1];
    const char *what = a->of == PAWL_ATTEMPT_MODEL ? "a model call" : "a change";
    if (!s || !s->intended_seq || s->intended_seq > told) {
        pawl_sim_broken(w, "output-commit", "run%u #%u: %s leaves before its intent is known to be durable", run->index,
                        a->step, what);
        return;
    }
    if (s->state != PAWL_STEP_INTENDED_STATE)
        pawl_sim_broken(w, "output-commit", "run%u #%u: %s leaves, and its step is in state %d", run->index, a->step,
                        what, (int)s->state);
    if (f->announced != a->attempt || f->announced_seq > told)
        pawl_sim_broken(w, "output-commit", "run%u #%u: attempt %u leaves, and the journal's last is %u", run->index,
                        a->step, a->attempt, f->announced);
    const struct pawl_hash digest = pawl_sha256(a->request.p, a->request.n);
    if (!pawl_sim_same_hash(digest, s->digest) || (a->of == PAWL_ATTEMPT_TOOL && !pawl_str_eq(a->request, s->request)))
        pawl_sim_broken(w, "output-commit", "run%u #%u: what leaves is not the request of its intent", run->index,
                        a->step);
}

/* A step of which nobody knows whether it happened goes out again only to a server that still knows its key. */
static void check_resend(struct pawl_sim_node *n, const struct pawl_attempt *a, const struct pawl_sim_run *run,
                         const struct pawl_step *s)
{
    struct pawl_sim *w = n->w;
    const int64_t wall_ns = pawl_sim_wall(w),
                  for_ns = a->tool->remembered_for_ns - a->tool->remembered_for_ns / 20 - a->tool->timeout_ns;
    pawl_sim_count(w, PAWL_SIM_N_RESENT);
    if (!n->handing_over && pawl_sim_superseded(w, run, s))
        pawl_sim_broken(w, "order", "run%u #%u: sent again over a later change of the same thing", run->index, a->step);
    if (!run->steps[a->step - 1].unknown || a->tool->effect == PAWL_EFFECT_IDEMPOTENT) return;
    if (!a->tool->key_declared)
        pawl_sim_broken(w, "knowledge", "run%u #%u: sent again while it is unknown whether it happened", run->index,
                        a->step);
    else if (wall_ns < s->first_attempt_ns || wall_ns - s->first_attempt_ns >= for_ns)
        pawl_sim_broken(w, "remembered",
                        "run%u #%u: sent again, %lld s after the first attempt; its key is remembered for %lld s",
                        run->index, a->step, (long long)((wall_ns - s->first_attempt_ns) / PAWL_SIM_S),
                        (long long)(a->tool->remembered_for_ns / PAWL_SIM_S));
}

static void check_change(struct pawl_sim_node *n, const struct pawl_attempt *a, struct pawl_sim_run *run,
                         const struct pawl_step *s)
{
    struct pawl_sim *w = n->w;
    char key[PAWL_ID_TEXT];
    if (!s || !w->out->held) return;
    expected_key(w, run, s, key);
    if (!pawl_str_is(a->key, key) || strcmp(s->key, key) != 0)
        pawl_sim_broken(w, "key", "run%u #%u: leaves under key %.*s, must be %s", run->index, a->step, (int)a->key.n,
                        a->key.p, key);
    for (const struct pawl_sim_call *c = w->calls; c; c = c->next)
        if (c->node == n && !c->over && !c->look && c->run == run->index && c->step == a->step)
            pawl_sim_broken(w, "bounded", "run%u #%u: two attempts at once", run->index, a->step);
    if (a->attempt > 1) check_resend(n, a, run, s);
    if (run->stored.ending && s->kind != PAWL_STEP_UNDO && a->attempt == 1 && n->told[run->index] >= run->cancelled_seq)
        pawl_sim_broken(w, "cancelled", "run%u #%u: sent after the run was stopped", run->index, a->step);
    run->steps[a->step - 1].sent++;
}

/* Another host than the one that today's configuration names. */
static bool elsewhere(struct pawl_sim *w, const struct pawl_attempt *a)
{
    yyjson_val *request = NULL;
    uint32_t host_n = 0;
    for (uint32_t slashes = 0; host_n < a->tool->url.n && slashes < 3; host_n++)
        slashes += a->tool->url.p[host_n] == '/';
    if (pawl_json_read(a->request, &w->scratch, &request, NULL)) return true;
    const struct pawl_str url = pawl_json_str(yyjson_obj_get(request, "http"), "url");
    return url.n < host_n || memcmp(url.p, a->tool->url.p, host_n) != 0;
}

/* Asked to hand over it finishes what was on its way to the journal, which takes the disk some seconds. */
static bool begins_late(const struct pawl_sim_node *n)
{
    const int64_t since_ns = n->handed_ns > n->woke_ns ? n->handed_ns : n->woke_ns;
    return n->handing_over && n->w->now_ns - since_ns > PAWL_SIM_MIN;
}

void pawl_sim_check_attempt(struct pawl_sim_node *n, const struct pawl_attempt *a)
{
    struct pawl_sim *w = n->w;
    struct pawl_sim_run *run = pawl_sim_run_of(w, a->run);
    const bool model = a->of == PAWL_ATTEMPT_MODEL, changes = !model && !a->look && a->tool->effect != PAWL_EFFECT_READ;
    if (!run || a->step == 0 || a->step > PAWL_SIM_STEPS) {
        pawl_sim_broken(w, "output-commit", "an attempt of a run that is not stored");
        return;
    }
    const struct pawl_step *s = pawl_run_step(&run->stored, a->step);
    const int64_t own_ns = model ? a->model->total_ns : a->tool->timeout_ns;
    const uint32_t most = (model ? a->model->retry.attempts * w->config.models_count : a->tool->retry.attempts) +
                          run->steps[a->step - 1].words;
    if (a->timeout_ns <= 0 || a->timeout_ns > own_ns)
        pawl_sim_broken(w, "bounded", "run%u #%u: an attempt with a timeout of %lld ns", run->index, a->step,
                        (long long)a->timeout_ns);
    if (!a->look && (a->attempt == 0 || a->attempt > most))
        pawl_sim_broken(w, "bounded", "run%u #%u: attempt %u of %u", run->index, a->step, a->attempt, most);
    if (!model && a->changes != (changes || a->stop))
        pawl_sim_broken(w, "bounded", "run%u #%u: the driver is told that it changes: %d", run->index, a->step,
                        a->changes);
    pawl_sim_check_breaker(n, a);
    pawl_sim_check_bulkhead(n, a);
    if (n->replaced) return; /* it can know no better; call.c lets nothing of it out that changes anything */
    if (!model && !a->look && a->tool->driver == PAWL_DRIVER_INPROCESS && n->no_tools)
        pawl_sim_broken(w, "ready", "run%u #%u: sent to a function that this process does not have", run->index,
                        a->step);
    if (!a->look && a->attempt == 1 && begins_late(n))
        pawl_sim_broken(w, "hand-over", "run%u #%u: begun long after node %u was asked to hand over", run->index,
                        a->step, n->number);
    if (!model && !a->poll && a->tool->driver == PAWL_DRIVER_HTTP && elsewhere(w, a))
        pawl_sim_broken(w, "target", "run%u #%u: sent to where the configuration does not point", run->index, a->step);
    const bool over = s && (pawl_sim_wall_most(w) >= s->until_ns || run->stored.ending);
    if (a->stop && (!s || !s->told_to_stop || !s->accepted || !over))
        pawl_sim_broken(w, "heard", "run%u #%u: told to stop before its time was over, or before that is stored",
                        run->index, a->step);
    if (a->poll && !a->stop && pawl_sim_untold(w, run, s))
        pawl_sim_broken(w, "heard", "run%u #%u: its run is stopped, and its monitor is asked, not told", run->index,
                        a->step);
    if (a->poll && !a->stop && s && s->accepted && pawl_sim_wall_most(w) < s->not_before_ns)
        pawl_sim_broken(w, "heard", "run%u #%u: asked before the time that its monitor named", run->index, a->step);
    if (!a->look) pawl_sim_check_in_time(n, run, a);
    if (model) pawl_sim_check_conversation(w, run, a);
    if (model) pawl_sim_check_paid(w, run, a);
    if (model || changes) check_announced(n, a, run, s);
    if (changes) check_change(n, a, run, s);
}

/* ---- what came of it ---- */

void pawl_sim_check_ended_call(struct pawl_sim *w, const struct pawl_sim_call *c, enum pawl_sim_tells tells)
{
    struct pawl_sim_run *run = w->runs[c->run];
    struct pawl_sim_step *f = &run->steps[c->step - 1];
    if (!c->tool || (c->node->replaced && run->owner != c->node)) return; /* whoever has it now takes it as cut off */
    if (c->look && w->tools[c->tool_index].of == 0) return; /* a guard reads again: it tells nothing of the step */
    if (c->look) {
        const int64_t settles_ns = w->tools[w->tools[c->tool_index].of - 1].settles_ns;
        const int64_t since_ns = f->last_end_ns > c->node->began_ns ? f->last_end_ns : c->node->began_ns;
        f->look_was_early = f->unknown && c->began_ns < since_ns + settles_ns; /* in full again after a restart */
        return;
    }
    if (c->tool->effect == PAWL_EFFECT_READ) return;
    f->last_end_ns = w->now_ns;
    if (tells == PAWL_SIM_TELLS_NOTHING) f->unknown = true;
    if (tells == PAWL_SIM_TELLS_YES &&
        (c->tool->key_declared || c->tool->effect == PAWL_EFFECT_IDEMPOTENT || f->sent == 1))
        f->unknown = false;
}

/* It has happened once more. */
void pawl_sim_check_landed(struct pawl_sim *w, const struct pawl_sim_call *c)
{
    const struct pawl_sim_run *run = w->runs[c->run];
    const struct pawl_step *s = pawl_run_step(&run->stored, c->step);
    uint32_t times = 0;
    if (c->tool->effect == PAWL_EFFECT_IDEMPOTENT) return;
    for (uint32_t i = 0; i < w->effects_count; i++) times += strcmp(w->effects[i].key, c->key) == 0;
    if (times > 1)
        pawl_sim_broken(w, "once", "run%u #%u: %.*s was done %u times under one key", run->index, c->step,
                        (int)c->tool->name.n, c->tool->name.p, times);
    if (s && s->state == PAWL_STEP_NOT_DONE && !s->applied)
        pawl_sim_broken(w, "knowledge", "run%u #%u: it happens after the journal said that it did not", run->index,
                        c->step);
}
