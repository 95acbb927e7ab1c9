/* src/engine/claims.c - claims that somebody in memory works on or waits for (LEDGER 6). The store's table is the truth;
 * these entries keep two runs of one owner from both finding a claim free, and tell who is to be woken. */
#include "engine/hot.h"
#include <string.h>

static struct pawl_claim_entry *entry_of(const struct pawl_engine *e, struct pawl_hash key)
{
    return pawl_map_get(&e->claims, key.b, sizeof key.b);
}

static struct pawl_claim_entry *make(struct pawl_engine *e, struct pawl_hash key, struct pawl_id run, uint32_t step)
{
    struct pawl_claim_entry *c = pawl_engine_get(e, sizeof *c);
    if (!c) return NULL;
    c->run = run;
    c->step = step;
    if (pawl_map_put(&e->claims, key.b, sizeof key.b, c) == PAWL_OK) return c;
    pawl_engine_put(e, c, sizeof *c);
    e->rc = PAWL_ENOMEM;
    return NULL;
}

static bool is(const struct pawl_claim_entry *c, const struct pawl_slot *s)
{
    return c->step == s->pass.number && pawl_id_eq(c->run, s->hot->head.run);
}

/* Who has waited longest for this claim, of those behind `after`; NULL: nobody. */
static struct pawl_slot *next_joiner(const struct pawl_engine *e, struct pawl_hash key, uint64_t after)
{
    struct pawl_map_entry *hot;
    struct pawl_slot *first = NULL;
    for (uint32_t i = 0; (hot = pawl_map_next(&e->hot, &i)) != NULL;) {
        const struct pawl_hot *h = hot->value;
        for (struct pawl_slot *s = h->slots; s; s = s->next) {
            if (s->pass.want != PAWL_WANT_CLAIM_FREE || s->pass.ended || s->joined <= after) continue;
            if (memcmp(s->pass.claim_key.b, key.b, sizeof key.b) != 0) continue;
            if (!first || s->joined < first->joined) first = s;
        }
    }
    return first;
}

/* The entry goes; whoever waited for it asks again, the oldest joiner first (LEDGER 6). */
static void release(struct pawl_engine *e, struct pawl_hash key)
{
    struct pawl_claim_entry *c = pawl_map_take(&e->claims, key.b, sizeof key.b);
    const bool waited = c && c->waiters > 0;
    struct pawl_slot *s = NULL;
    if (!c) return;
    pawl_engine_put(e, c, sizeof *c);
    while (waited && (s = next_joiner(e, key, s ? s->joined : 0)) != NULL)
        pawl_engine_timer(e, &s->timer, e->wall_ns); /* driven by its timer, in this very step or the next */
}

void pawl_claims_want(struct pawl_slot *s)
{
    struct pawl_engine *e = s->hot->e;
    struct pawl_pass *p = &s->pass;
    const struct pawl_find find = {.what = PAWL_FIND_CLAIM, .claim = p->claim_key};
    const struct pawl_claim_entry *c = entry_of(e, p->claim_key);
    if (c && !is(c, s)) { /* somebody here is at it: no need to ask the store */
        p->claim =
            (struct pawl_claim){.key = p->claim_key, .run = c->run, .step = c->step, .state = PAWL_CLAIM_IN_FLIGHT};
        p->claim_state = PAWL_CLAIM_HELD;
        pawl_slot_drive(s);
        return;
    }
    if (!c && !make(e, p->claim_key, s->hot->head.run, p->number)) return;
    s->find_id = pawl_engine_find(e, PAWL_OF_SLOT_FIND, &find, s, NULL);
}

/* The holder may be here too, and wait: after a restart whoever came first made the entry. */
static void tell_holder(struct pawl_engine *e, const struct pawl_claim_entry *c)
{
    const struct pawl_hot *h = pawl_hot_find(e, c->run);
    struct pawl_slot *s = h ? pawl_hot_slot(h, c->step) : NULL;
    if (s && s->pass.want == PAWL_WANT_CLAIM_FREE) pawl_engine_timer(e, &s->timer, e->wall_ns);
}

void pawl_claims_found(struct pawl_slot *s, int status, const struct pawl_claim *claim)
{
    struct pawl_engine *e = s->hot->e;
    struct pawl_pass *p = &s->pass;
    struct pawl_claim_entry *c = entry_of(e, p->claim_key);
    if (status == PAWL_ENOTFOUND) {
        p->claim_state = PAWL_CLAIM_FREE;
        return;
    }
    if (status || !claim) return; /* asks again */
    p->claim = *claim;
    p->claim_state = PAWL_CLAIM_HELD;
    if (pawl_id_eq(claim->run, s->hot->head.run) && claim->step == p->number) p->claim_state = PAWL_CLAIM_OURS;
    else if (c && (claim->state == PAWL_CLAIM_IN_FLIGHT || claim->state == PAWL_CLAIM_IN_DOUBT)) {
        c->run = claim->run; /* a parked run holds it: the entry is its, and we wait */
        c->step = claim->step;
        tell_holder(e, c);
    }
}

void pawl_claims_wait(struct pawl_slot *s)
{
    struct pawl_engine *e = s->hot->e;
    struct pawl_claim_entry *c = entry_of(e, s->pass.claim_key);
    if (!s->joined) s->joined = ++e->joins;
    if (c) c->waiters++;
    else pawl_engine_timer(e, &s->timer, e->wall_ns); /* it was let go of meanwhile */
}

void pawl_claims_committed(struct pawl_engine *e, const struct pawl_claim_op *ops, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const enum pawl_claim_state state = ops[i].claim.state;
        const bool held =
            ops[i].op != PAWL_CLAIM_DROP && (state == PAWL_CLAIM_IN_FLIGHT || state == PAWL_CLAIM_IN_DOUBT);
        if (!held) release(e, ops[i].claim.key);
    }
}

void pawl_claims_leave(struct pawl_slot *s)
{
    struct pawl_engine *e = s->hot->e;
    const struct pawl_claim_entry *c;
    if (!s->pass.tool) return;
    c = entry_of(e, s->pass.claim_key);
    if (!c || !is(c, s)) return;
    if (s->pass.claim_took && s->pass.ended) return; /* its last word is in the commit, and frees it when durable */
    if (s->pass.claim_took && c->waiters == 0) {     /* parked or dropped: the store's row says who holds it */
        pawl_engine_put(e, pawl_map_take(&e->claims, s->pass.claim_key.b, 32), sizeof *c);
        return;
    }
    if (!s->pass.claim_took) release(e, s->pass.claim_key);
}
