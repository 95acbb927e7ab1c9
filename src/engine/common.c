/* src/engine/common.c - what is stored of something that no run owns: a dependency's circuit that a person has set, a
 * schedule's row. A person's word is confirmed when it
 * is durable, like anything that comes in. */
#include "engine/hot.h"
#include <string.h>

struct pawl_common_change { /* a commit without a run, on its way */
    struct pawl_commit commit;
    struct pawl_shared_op op;
    struct pawl_arena arena;
    uint64_t request_id;
};

static void release(struct pawl_engine *e, struct pawl_common_change *c)
{
    pawl_arena_fini(&c->arena);
    pawl_engine_put(e, c, sizeof *c);
}

void pawl_common_free(struct pawl_engine *e, struct pawl_pending *p)
{
    if (p->common) release(e, p->common);
}

struct pawl_pending *pawl_common_commit(struct pawl_engine *e, enum pawl_pending_of of, const struct pawl_shared_op *op)
{
    struct pawl_pending *p = pawl_engine_await(e, of);
    struct pawl_action *a = p ? pawl_engine_act(e, PAWL_DO_COMMIT) : NULL;
    struct pawl_common_change *c = a ? pawl_engine_get(e, sizeof *c) : NULL;
    if (!c) return NULL; /* e->rc is set, and the engine is to be freed */
    p->common = c;
    pawl_arena_init(&c->arena, e->from);
    c->op = (struct pawl_shared_op){.name = pawl_str_copy(&c->arena, op->name),
                                    .body = op->body.p ? pawl_str_copy(&c->arena, op->body) : op->body,
                                    .drop = op->drop};
    c->commit = (struct pawl_commit){.no_run = true, .shared = &c->op, .shared_count = 1};
    if (of == PAWL_OF_SCHEDULE) c->commit.head.owner = e->instance;
    if (c->arena.failed) e->rc = PAWL_ENOMEM;
    a->id = p->id;
    a->commit = &c->commit;
    return p;
}

void pawl_common_drop(struct pawl_engine *e, struct pawl_str row)
{
    pawl_common_commit(e, PAWL_OF_COMMON, &(struct pawl_shared_op){.name = row, .drop = true});
}

static void keep(struct pawl_engine *e, uint64_t id, const struct pawl_dependency *d)
{
    struct pawl_buf name, body;
    struct pawl_pending *p;
    pawl_buf_init_arena(&name, &e->step);
    pawl_buf_init_arena(&body, &e->step);
    pawl_buf_text(&name, "breaker ");
    pawl_buf_str(&name, d->name);
    pawl_circuit_write(&d->circuit, &body);
    const struct pawl_shared_op op = {.name = pawl_buf_done(&name), .body = pawl_buf_done(&body)};
    if (!op.name.p || !op.body.p) e->rc = PAWL_ENOMEM;
    else if ((p = pawl_common_commit(e, PAWL_OF_COMMON, &op)) != NULL) p->common->request_id = id;
}

int pawl_common_result(const struct pawl_pending *p)
{
    return p->common->commit.result;
}

void pawl_common_committed(struct pawl_engine *e, struct pawl_pending *p, int status)
{
    static const struct pawl_id none;
    struct pawl_common_change *c = p->common;
    if (!c->request_id) { /* nobody waits: a row that stays is found again by the next owner */
    } else if (status)
        pawl_request_refuse(e, c->request_id, none, status, "it counts for now, but could not be stored",
                            "mend the disk, then say it again");
    else pawl_request_done(e, c->request_id);
    release(e, c);
}

/* `agent` is the dependency: "tool NAME" or "model NAME". */
void pawl_common_request(struct pawl_engine *e, uint64_t id, const struct pawl_request *r)
{
    struct pawl_dependency *d = pawl_shared_named(&e->shared, r->agent);
    if (!d) {
        e->rc = PAWL_ENOMEM;
        return;
    }
    d->circuit.force = r->force;
    if (r->force == PAWL_FORCE_NONE) pawl_circuit_reset(&d->circuit);
    pawl_line_wake(&e->shared, &d->waiting, d->waiting.count);
    keep(e, id, d);
}
