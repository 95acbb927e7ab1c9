/* src/engine/common.c - what a person says of something that no run owns: a dependency's circuit. It is confirmed when it
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

void pawl_common_drop(struct pawl_engine *e, struct pawl_str row)
{
    struct pawl_pending *p = pawl_engine_await(e, PAWL_OF_COMMON);
    struct pawl_action *a = p ? pawl_engine_act(e, PAWL_DO_COMMIT) : NULL;
    struct pawl_common_change *c = a ? pawl_engine_get(e, sizeof *c) : NULL;
    if (!c) return;
    p->common = c;
    pawl_arena_init(&c->arena, e->from);
    c->op = (struct pawl_shared_op){.name = pawl_str_copy(&c->arena, row), .drop = true};
    c->commit = (struct pawl_commit){.no_run = true, .shared = &c->op, .shared_count = 1};
    if (!c->op.name.p) e->rc = PAWL_ENOMEM;
    a->id = p->id;
    a->commit = &c->commit;
}

static void keep(struct pawl_engine *e, uint64_t id, const struct pawl_dependency *d)
{
    struct pawl_pending *p = pawl_engine_await(e, PAWL_OF_COMMON);
    struct pawl_action *a = p ? pawl_engine_act(e, PAWL_DO_COMMIT) : NULL;
    struct pawl_common_change *c = a ? pawl_engine_get(e, sizeof *c) : NULL;
    struct pawl_buf name, body;
    if (!c) return; /* e->rc is set, and the engine is to be freed */
    p->common = c;
    pawl_arena_init(&c->arena, e->from);
    pawl_buf_init_arena(&name, &c->arena);
    pawl_buf_init_arena(&body, &c->arena);
    pawl_buf_text(&name, "breaker ");
    pawl_buf_str(&name, d->name);
    pawl_circuit_write(&d->circuit, &body);
    c->op = (struct pawl_shared_op){.name = pawl_buf_done(&name), .body = pawl_buf_done(&body)};
    c->request_id = id;
    c->commit = (struct pawl_commit){.no_run = true, .shared = &c->op, .shared_count = 1};
    if (!c->op.name.p || !c->op.body.p) e->rc = PAWL_ENOMEM;
    a->id = p->id;
    a->commit = &c->commit;
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
