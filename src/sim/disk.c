/* src/sim/disk.c - the disk of a node: what it was given waits in order, some of it is done at once, later it is told.
 *
 * A turn takes the first few commits as one batch, or one search, and does it in the memory store: from then on it is
 * durable. The node hears of it some time later. A crash in between is what makes a commit durable and unreported; a
 * crash before keeps any part of the queue and loses the rest. */
#include "sim/world.h"
#include <assert.h>
#include <string.h>

enum { BATCH_MAX = 8 };

static void op_free(struct pawl_sim_op *op)
{
    pawl_arena_fini(&op->arena);
}

/* ---- what comes back ---- */

static void tell_committed(struct pawl_sim *w, struct pawl_sim_event *e)
{
    struct pawl_sim_op *op = e->p;
    struct pawl_sim_node *n = op->node;
    struct pawl_event in = {.kind = PAWL_EV_COMMITTED, .status = op->status, .id = op->id};
    PAWL_SIM_SAY(w, "n%u told: commit %llu %s", n->number, (unsigned long long)op->id,
                 op->status ? pawl_code_name(op->status) : pawl_code_name(op->commit->result));
    n->outstanding--;
    if (!op->status && op->commit->result == PAWL_OK)
        pawl_sim_check_told(n, op->commit->head.run, op->commit->head.seq);
    pawl_sim_node_step(n, &in);
    op_free(op);
}

static void tell_found(struct pawl_sim *w, struct pawl_sim_event *e)
{
    struct pawl_sim_op *op = e->p;
    struct pawl_sim_node *n = op->node;
    struct pawl_event in = {.kind = PAWL_EV_FOUND, .status = op->status, .id = op->id, .found = &op->found};
    PAWL_SIM_SAY(w, "n%u told: found %llu, %u runs%s%s", n->number, (unsigned long long)op->id, op->found.count,
                 op->status ? ", " : "", op->status ? pawl_code_name(op->status) : "");
    n->outstanding--;
    for (uint32_t i = 0; i < op->found.count; i++) pawl_sim_check_told(n, op->runs[i].head.run, op->runs[i].head.seq);
    pawl_sim_node_step(n, &in);
    op_free(op);
}

static void report(struct pawl_sim_op *op)
{
    struct pawl_sim_node *n = op->node;
    struct pawl_sim *w = n->w;
    int64_t at_ns = w->now_ns + pawl_sim_between(w, 0, 8) * PAWL_SIM_MS;
    if (pawl_sim_chance(w, 20)) at_ns += pawl_sim_between(w, 0, 5) * PAWL_SIM_S;
    if (at_ns < n->reported_ns) at_ns = n->reported_ns; /* in the order in which it was given */
    n->reported_ns = at_ns;
    pawl_sim_at(w, at_ns, op->commit ? tell_committed : tell_found, n, op, op->id);
}

/* ---- what is done ---- */

static struct pawl_sim_op *take(struct pawl_sim_node *n)
{
    struct pawl_sim_op *op = n->ops;
    n->ops = op->next;
    if (!n->ops) n->ops_end = &n->ops;
    op->next = NULL;
    return op;
}

static bool fenced_off(const struct pawl_sim *w, const struct pawl_commit *c, const struct pawl_sim_node *n)
{
    const struct pawl_sim_run *run = pawl_sim_run_of(w, c->head.run);
    return run && (run->owner != n || run->epoch != c->head.epoch);
}

static void commit_batch(struct pawl_sim_node *n, struct pawl_sim_op **ops, uint32_t count)
{
    struct pawl_sim *w = n->w;
    struct pawl_commit *batch[BATCH_MAX];
    uint32_t taken = 0;
    int status = PAWL_OK;
    for (uint32_t i = 0; i < count; i++) {
        const struct pawl_commit *c = ops[i]->commit;
        if (n->replaced && (c->create || (c->no_run && c->head.owner)))
            ops[i]->commit->result = PAWL_EFENCED; /* without the lease it may begin no run: nobody would look for it */
        else batch[taken++] = ops[i]->commit;
    }
    if (pawl_sim_plays(w, PAWL_SIM_DISK) && pawl_sim_chance(w, w->disk_mille)) {
        status = pawl_sim_chance(w, 500) ? PAWL_EFULL : PAWL_EIO;
        pawl_sim_count(w, PAWL_SIM_N_DISK_ERRORS);
    } else {
        status = taken ? n->store->commit(n->store, batch, taken, NULL) : PAWL_OK;
        if (status == PAWL_ENOMEM) w->no_memory = true;
    }
    for (uint32_t i = 0; i < count && !w->no_memory; i++) {
        const struct pawl_commit *c = ops[i]->commit;
        ops[i]->status = status;
        pawl_sim_mix(w, (uint64_t)(uint32_t)status << 32 | (uint32_t)c->result);
        if (status) continue;
        if (c->result == PAWL_EFENCED) pawl_sim_count(w, PAWL_SIM_N_FENCED);
        if (c->result != PAWL_OK) continue;
        if (fenced_off(w, c, n))
            pawl_sim_broken(w, "one-owner", "node %u appended to a run that another has claimed since", n->number);
        pawl_sim_check_stored(w, n, c, ops[i]->wall_ns);
    }
}

/* A node that has been replaced no longer holds the lease: it is given nothing to own. */
static int claim_runs(struct pawl_sim_node *n, struct pawl_sim_op *op)
{
    struct pawl_sim *w = n->w;
    struct pawl_claim_query q = op->find->runs;
    if (n->replaced) return q.one ? PAWL_EBUSY : PAWL_OK;
    if (q.max > PAWL_SIM_FIND_MAX) q.max = PAWL_SIM_FIND_MAX;
    op->runs = pawl_sim_get(w, PAWL_SIM_FIND_MAX * sizeof *op->runs);
    if (w->no_memory) return PAWL_ENOMEM;
    const int status = n->store->claim(n->store, &q, &op->arena, op->runs, &op->found.count, NULL);
    if (status == PAWL_ENOMEM) w->no_memory = true;
    op->found.runs = op->runs;
    for (uint32_t i = 0; status == PAWL_OK && i < op->found.count; i++) pawl_sim_check_claimed(n, &op->runs[i]);
    return status;
}

static int search(struct pawl_sim_node *n, struct pawl_sim_op *op)
{
    const struct pawl_find *f = op->find;
    struct pawl_store *s = n->store;
    int status = PAWL_EINVAL;
    if (pawl_sim_plays(n->w, PAWL_SIM_DISK) && pawl_sim_chance(n->w, n->w->disk_mille / 4)) {
        pawl_sim_count(n->w, PAWL_SIM_N_DISK_ERRORS);
        return PAWL_EIO;
    }
    switch (f->what) {
    case PAWL_FIND_CLAIM_RUNS: return claim_runs(n, op);
    case PAWL_FIND_KEY: return s->find_key(s, f->key, f->request, &op->found.run, NULL);
    case PAWL_FIND_READ:
        op->runs = pawl_sim_get(n->w, sizeof *op->runs);
        status = s->read(s, f->run, 1, &op->arena, op->runs, NULL);
        op->found.runs = op->runs;
        op->found.count = status == PAWL_OK ? 1 : 0;
        break;
    case PAWL_FIND_CLAIM: return s->find_claim(s, f->claim, &op->found.claim, NULL);
    case PAWL_FIND_WAKE: return s->next_wake(s, &op->found.wake_ns, NULL);
    }
    if (status == PAWL_ENOMEM) n->w->no_memory = true;
    return status;
}

static void turn(struct pawl_sim *w, struct pawl_sim_event *e)
{
    struct pawl_sim_node *n = e->node;
    (void)w;
    n->turn_due = false;
    pawl_sim_disk_turn(n);
}

static void plan_turn(struct pawl_sim_node *n)
{
    struct pawl_sim *w = n->w;
    int64_t after_ns = pawl_sim_between(w, 0, 5) * PAWL_SIM_MS;
    if (n->turn_due || !n->ops) return;
    if (pawl_sim_chance(w, 15)) after_ns += pawl_sim_between(w, 0, 4) * PAWL_SIM_S; /* a slow sync */
    n->turn_due = true;
    pawl_sim_at(w, w->now_ns + after_ns, turn, n, NULL, 0);
}

void pawl_sim_disk_turn(struct pawl_sim_node *n)
{
    struct pawl_sim *w = n->w;
    struct pawl_sim_op *ops[BATCH_MAX];
    const uint32_t room = (uint32_t)pawl_sim_between(w, 1, BATCH_MAX);
    uint32_t count = 0;
    if (!n->ops) return;
    if (n->ops->find) {
        ops[count++] = take(n);
        ops[0]->status = search(n, ops[0]);
        pawl_sim_mix(w, (uint64_t)(uint32_t)ops[0]->status << 32 | ops[0]->found.count);
    } else {
        while (n->ops && n->ops->commit && count < room) ops[count++] = take(n);
        commit_batch(n, ops, count);
    }
    for (uint32_t i = 0; i < count; i++) report(ops[i]);
    plan_turn(n);
}

/* The process is gone. What the disk was at may be finished, any part of it from the front; the rest was never there.
 * What was done and not told is never told. */
void pawl_sim_disk_crash(struct pawl_sim_node *n)
{
    struct pawl_sim *w = n->w;
    uint64_t kept = 0, given = 0;
    for (struct pawl_sim_op *op = n->ops; op; op = op->next) given++;
    if (given) kept = pawl_sim_below(w, given + 1);
    while (n->ops) {
        struct pawl_sim_op *op = take(n);
        if (kept > 0 && w->out->held) {
            kept--;
            if (op->find) op->status = search(n, op);
            else commit_batch(n, &op, 1);
        }
        op_free(op);
    }
}

void pawl_sim_disk_give(struct pawl_sim_node *n, const struct pawl_action *a)
{
    struct pawl_sim *w = n->w;
    struct pawl_sim_op *op = pawl_sim_get(w, sizeof *op);
    if (w->no_memory) return;
    *op =
        (struct pawl_sim_op){.node = n, .id = a->id, .commit = a->commit, .find = a->find, .wall_ns = pawl_sim_wall(w)};
    pawl_arena_init(&op->arena, w->o->from);
    op->older = w->all_ops;
    w->all_ops = op;
    n->outstanding++;
    *n->ops_end = op;
    n->ops_end = &op->next;
    plan_turn(n);
}
