/* src/engine/load.c - runs come into memory by their records and go when they park or end. */
#include "engine/hot.h"
#include "policy/budget.h"
#include "policy/routing.h"
#include <string.h>

struct pawl_hot *pawl_hot_find(const struct pawl_engine *e, struct pawl_id run)
{
    return pawl_map_get(&e->hot, run.b, sizeof run.b);
}

struct pawl_hot *pawl_hot_new(struct pawl_engine *e, const struct pawl_head *head)
{
    struct pawl_hot *h = pawl_engine_get(e, sizeof *h);
    if (!h) return NULL;
    h->e = e;
    pawl_arena_init(&h->arena, e->from);
    pawl_run_init(&h->run, &h->arena);
    h->head = *head;
    h->head.agent = pawl_str_copy(&h->arena, head->agent);
    if (head->key.p) h->head.key = pawl_str_copy(&h->arena, head->key);
    h->stored = h->head;
    h->durable_seq = head->seq;
    h->claims = head->claims_without_progress;
    h->deadline = (struct pawl_timer){.of = PAWL_TIMER_RUN, .owner = h};
    h->again = (struct pawl_timer){.of = PAWL_TIMER_COMMIT, .owner = h};
    h->active_since_ns = e->now_ns;
    if (h->arena.failed || pawl_map_put(&e->hot, head->run.b, sizeof head->run.b, h)) {
        e->rc = PAWL_ENOMEM;
        pawl_arena_fini(&h->arena);
        pawl_engine_put(e, h, sizeof *h);
        return NULL;
    }
    return h;
}

static void batch_free(struct pawl_engine *e, struct pawl_batch *b)
{
    if (!b) return;
    pawl_engine_forget(e, b->id);
    for (uint32_t i = 0; i < b->commit.shared_count; i++) /* what was not committed was not spent */
        if (b->shared[i].add) {
            pawl_routing_apply(&e->shared, b->shared[i].name, b->shared[i].add, -1);
            pawl_account_apply(&e->shared, b->shared[i].name, b->shared[i].add, PAWL_ACCOUNT_LOST);
        }
    pawl_arena_fini(&b->arena);
    pawl_engine_put(e, b, sizeof *b);
}

static void undirty(struct pawl_hot *h)
{
    for (struct pawl_hot **at = &h->e->dirty; *at; at = &(*at)->next_dirty)
        if (*at == h) {
            *at = h->next_dirty;
            return;
        }
}

void pawl_hot_drop(struct pawl_hot *h)
{
    struct pawl_engine *e = h->e;
    struct pawl_reply_due *reply;
    if (h->dirty) undirty(h);
    pawl_quota_leave(h);
    while (h->slots) {
        struct pawl_slot *s = h->slots;
        h->slots = s->next;
        pawl_slot_free(s);
    }
    while ((reply = h->replies) != NULL) {
        h->replies = reply->next;
        pawl_engine_put(e, reply, sizeof *reply);
    }
    batch_free(e, h->filling);
    batch_free(e, h->flight);
    pawl_heap_drop(&e->timers, &h->deadline.node);
    pawl_heap_drop(&e->timers, &h->again.node);
    pawl_map_take(&e->hot, h->head.run.b, sizeof h->head.run.b);
    pawl_arena_fini(&h->arena);
    pawl_engine_put(e, h, sizeof *h);
}

/* What was out when its owner ended may have been paid for: it is charged in full, before anything else (LEDGER 10). It
 * needs no configuration: the reservation says what it is of. */
static void charge_lost(struct pawl_hot *h)
{
    struct pawl_engine *e = h->e;
    for (uint32_t i = h->run.ended_to; i < h->run.steps_count && !e->rc; i++) {
        struct pawl_step *s = h->run.steps[i];
        struct pawl_settlement by = {.estimated = true, .input = -1};
        struct pawl_shared_op *ops;
        struct pawl_str body;
        uint32_t count;
        if (!s->reserves) continue;
        memcpy(by.amount, s->reserved, sizeof by.amount);
        ops = pawl_arena_get(&e->step, (pawl_budget_ops_max(s) + 1) * sizeof *ops);
        if (!ops || pawl_budget_close(s, &by, &e->step, &body, ops, &count)) {
            e->rc = PAWL_ENOMEM;
            return;
        }
        pawl_hot_append(h, PAWL_BUDGET_SETTLED, s->number, body);
        for (uint32_t k = 0; k < count && !e->rc; k++) pawl_hot_share(h, &ops[k]);
    }
}

/* LEDGER 11: claimed five times without progress, the run is a dead letter that names its step. What is unknown of it
 * becomes a question first: no run ends with a step unknown. Durable before anything is done for it, be it a look: that
 * may be what ends its owners. */
static void poison(struct pawl_hot *h)
{
    char text[192];
    struct pawl_buf b;
    uint32_t at = h->run.steps_count;
    for (uint32_t i = h->run.steps_count; i-- > 0;)
        if (!pawl_step_ended(h->run.steps[i])) at = h->run.steps[i]->number;
    pawl_buf_init_arena(&b, &h->e->step);
    pawl_buf_printf(&b, "five owners ended while they worked on step %u", at);
    pawl_buf_done(&b);
    memcpy(text, b.failed ? "" : b.p, b.failed ? 1 : b.n + 1);
    pawl_hot_abort(h, PAWL_DEAD, PAWL_CLASS_CRASHED_ITS_OWNER, text, (struct pawl_str){NULL, 0}, PAWL_STR("pawl"));
    h->written_first = h->run.seq;
}

/* Claimed while it was in hand: asked for by a client while a claim of due runs was under way, or due again before its
 * parking was reported. It is ours as before, under the new epoch; a commit that is on its way under the old one comes
 * back refused and is sent again. */
static void claimed_again(struct pawl_hot *h, const struct pawl_head *head)
{
    h->head.epoch = head->epoch;
    h->head.owner = head->owner;
    if (!h->flight) h->stored.wake_ns = head->wake_ns;
    pawl_hot_dirty(h);
}

void pawl_hot_load(struct pawl_engine *e, const struct pawl_run_records *stored)
{
    struct pawl_str missing = {NULL, 0};
    struct pawl_hot *h = pawl_hot_find(e, stored->head.run);
    if (h) {
        claimed_again(h, &stored->head);
        return;
    }
    h = pawl_hot_new(e, &stored->head);
    if (!h) return;
    for (uint32_t i = 0; i < stored->count; i++) {
        const int rc = pawl_run_fold(&h->run, &stored->records[i], NULL);
        if (rc == PAWL_ENOMEM) e->rc = rc;
        if (rc) {
            pawl_hot_drop(h); /* damaged: it stays as it is in the store; pawl verify names the record */
            return;
        }
    }
    h->config = e->ports.config(e->ports.ctx, h->head.config, &missing);
    if (h->config) h->agent = pawl_config_agent(h->config, h->run.agent);
    h->taken = true;
    h->taken_wall_ns = e->wall_ns;
    pawl_evicted_back(h);
    pawl_quota_enter(h);
    charge_lost(h);
    if (h->head.claims_without_progress >= PAWL_CLAIMS_WITHOUT_PROGRESS_MAX && h->agent && !h->run.ending &&
        !h->run.ended)
        poison(h);
    pawl_hot_dirty(h);
}

void pawl_hot_ask_load(struct pawl_engine *e, struct pawl_id run, struct pawl_asking *asking)
{
    const struct pawl_find one = {.what = PAWL_FIND_CLAIM_RUNS,
                                  .runs = {.one = true, .run = run, .max = 1, .lease_until_ns = PAWL_NEVER}};
    struct pawl_loading *l = pawl_map_get(&e->loading, run.b, sizeof run.b);
    if (!l) {
        l = pawl_engine_get(e, sizeof *l);
        if (l && pawl_map_put(&e->loading, run.b, sizeof run.b, l)) {
            e->rc = PAWL_ENOMEM;
            pawl_engine_put(e, l, sizeof *l);
            l = NULL;
        }
        if (!l) {
            pawl_asking_free(e, asking);
            return;
        }
        pawl_engine_find(e, PAWL_OF_ONE, &one, NULL, NULL);
    }
    if (!asking) return;
    struct pawl_asking **at = &l->askings;
    while (*at) at = &(*at)->next;
    asking->next = NULL;
    *at = asking;
}
