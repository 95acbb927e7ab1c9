/* src/cli/backtest_play.c - one run once more, record by record, with guards looking on. What they see is the fold as it was
 * then; what they would have done is noted, and the run goes on as it did. */
#include "cli/backtest.h"
#include "io/alloc.h"
#include "policy/guard.h"

struct play {
    const struct bt_case *c;
    struct pawl_agent agent; /* the case's, with the guards at hand */
    struct pawl_run run;
    struct pawl_arena arena, scratch;
    struct bt_result *out;
    bool stopped, gates_only;
    int rc;
};

static bool fold(struct play *p, const struct pawl_record *r, struct pawl_str body, uint32_t step, enum pawl_kind kind)
{
    struct pawl_record to = {.run = r->run,
                             .seq = p->run.seq + 1,
                             .at_ns = r->at_ns,
                             .kind = kind,
                             .step = step,
                             .body = body,
                             .full = kind == r->kind ? r->full : (struct pawl_str){NULL, 0}};
    p->rc = pawl_run_fold(&p->run, &to, NULL);
    return p->rc == PAWL_OK;
}

static const struct pawl_tool *tool_of(const struct play *p, const struct pawl_step *s)
{
    return s && s->kind == PAWL_STEP_TOOL ? pawl_agent_tool(&p->agent, s->name) : NULL;
}

static bool asked_anyway(const struct pawl_tool *t)
{
    return t && (t->effect == PAWL_EFFECT_IRREVERSIBLE || t->gate != PAWL_GATE_NONE);
}

static bool matters(const struct pawl_tool *t)
{
    return t && (t->effect != PAWL_EFFECT_READ || t->egress);
}

static void tripped(struct play *p, const struct pawl_guard_trip *t, const struct pawl_tool *call)
{
    p->out->trips++;
    p->out->touched = true;
    if (t->guard->answer == PAWL_GUARD_ASK && !asked_anyway(call)) p->out->questions++;
    if (t->guard->answer == PAWL_GUARD_ASK && matters(call)) p->out->held = true;
    if (t->guard->answer == PAWL_GUARD_STOP) p->stopped = true;
}

/* Before `call` leaves, or before the model's step of that number. */
static void look(struct play *p, const struct pawl_record *r, struct pawl_step *call)
{
    struct pawl_guard_trip t;
    struct pawl_guard_look l = {.run = &p->run,
                                .config = p->c->config,
                                .agent = &p->agent,
                                .call = call,
                                .tool = tool_of(p, call),
                                .wall_ns = r->at_ns,
                                .arena = &p->scratch};
    if (call && !l.tool) return;
    pawl_arena_reset(&p->scratch);
    if (call && pawl_json_read(call->args.n ? call->args : PAWL_STR("{}"), &p->scratch, &l.args, NULL)) return;
    while (!p->stopped && p->rc == PAWL_OK && pawl_guard_next(&l, &t)) {
        struct pawl_buf b;
        tripped(p, &t, l.tool);
        pawl_buf_init_arena(&b, &p->scratch);
        pawl_guard_body(&l, &t, &b);
        fold(p, r, pawl_buf_done(&b), call ? call->number : p->run.steps_count + 1, PAWL_GUARD_TRIPPED);
    }
}

/* The model's turn: it is asked, or a question about the run stands in its place, or the run ends there. */
static bool models_turn(const struct play *p, const struct pawl_record *r, const struct pawl_step *s)
{
    const struct pawl_step *last = pawl_run_step(&p->run, p->run.steps_count);
    if (r->kind == PAWL_RUN_ENDED) return last && last->kind == PAWL_STEP_TOOL && pawl_step_ended(last);
    return !s && (r->kind == PAWL_STEP_INTENDED || r->kind == PAWL_GATE_ASKED);
}

/* Nothing of the call has left so far, and this record says that it does. */
static bool leaves(const struct pawl_step *s, enum pawl_kind kind)
{
    if (!s || s->kind != PAWL_STEP_TOOL || s->state >= PAWL_STEP_INTENDED_STATE) return false;
    return kind == PAWL_STEP_INTENDED || kind == PAWL_STEP_COMPLETED || kind == PAWL_STEP_FAILED;
}

static void one(struct play *p, const struct pawl_record *r)
{
    struct pawl_step *s = pawl_run_step(&p->run, r->step);
    const struct pawl_tool *t = tool_of(p, s);
    if (r->kind == PAWL_GUARD_TRIPPED) return; /* what other guards did then */
    if (p->stopped) {                          /* that much it still did */
        if (t && matters(t) && leaves(s, r->kind)) p->out->held = true;
        if (r->kind == PAWL_STEP_COMPLETED) p->out->hurt = true;
    } else if (leaves(s, r->kind)) {
        if (p->gates_only && asked_anyway(t)) p->out->questions++, p->out->held = p->out->touched = true;
        look(p, r, s);
        if (t && t->effect != PAWL_EFFECT_READ && pawl_run_narrowed(&p->run, s->number)) {
            p->out->held = true;
            if (r->kind != PAWL_STEP_FAILED) p->out->hurt = true;
        }
    } else if (models_turn(p, r, s)) {
        look(p, r, NULL);
    }
    if (p->rc == PAWL_OK) fold(p, r, r->body, r->step, r->kind);
}

int bt_play(const struct bt_case *c, const struct pawl_guard *guards, uint32_t count, struct bt_result *out)
{
    struct play p = {.c = c, .agent = *c->agent, .out = out, .gates_only = guards == NULL};
    *out = (struct bt_result){.trips = 0};
    p.agent.guards = guards;
    p.agent.guards_count = count;
    pawl_arena_init(&p.arena, pawl_alloc_libc());
    pawl_arena_init(&p.scratch, pawl_alloc_libc());
    p.rc = pawl_run_init(&p.run, &p.arena);
    for (uint32_t i = 0; i < c->count && p.rc == PAWL_OK; i++) one(&p, &c->records[i]);
    pawl_arena_fini(&p.arena);
    pawl_arena_fini(&p.scratch);
    return p.rc;
}

struct bt_case *bt_case_add(struct bt_cases *all)
{
    if (all->count == all->size) {
        const uint32_t size = all->size ? all->size * 2 : 256;
        struct bt_case *larger = pawl_arena_zeroed(&all->arena, size * sizeof *larger);
        if (!larger) return NULL;
        for (uint32_t i = 0; i < all->count; i++) larger[i] = all->cases[i];
        all->cases = larger;
        all->size = size;
    }
    return &all->cases[all->count++];
}

void bt_record_add(struct bt_cases *all, struct bt_case *c, enum pawl_kind kind, uint32_t step, int64_t at_ns,
                   struct pawl_str body)
{
    if (c->count == c->size) {
        const uint32_t size = c->size ? c->size * 2 : 32;
        struct pawl_record *larger = pawl_arena_zeroed(&all->arena, size * sizeof *larger);
        if (!larger) return;
        for (uint32_t i = 0; i < c->count; i++) larger[i] = c->records[i];
        c->records = larger;
        c->size = size;
    }
    c->records[c->count++] =
        (struct pawl_record){.kind = kind, .step = step, .at_ns = at_ns, .body = pawl_str_copy(&all->arena, body)};
}
