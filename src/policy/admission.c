/* src/policy/admission.c - see admission.h. */
#include "policy/admission.h"
#include "policy/breaker.h"
#include "policy/budget.h"
#include "policy/bulkhead.h"

bool pawl_pass_sends(const struct pawl_pass *p)
{
    const struct pawl_step *s = p->step;
    if (p->came || pawl_pass_waits(p)) return false;
    if (!s || s->state < PAWL_STEP_INTENDED_STATE) return true;
    return s->state == PAWL_STEP_INTENDED_STATE && (s->resend || p->attempts > 0);
}

enum pawl_room pawl_pass_room(const struct pawl_pass *p, struct pawl_str *of)
{
    const struct pawl_str pool = p->model ? p->model->pool : p->tool ? p->tool->pool : (struct pawl_str){NULL, 0};
    const struct pawl_dependency *d = pawl_shared_find(p->shared, p->model ? "model" : "tool",
                                                       p->model  ? p->model->name
                                                       : p->tool ? p->tool->name
                                                                 : PAWL_STR(""));
    const struct pawl_str lane = p->agent ? p->agent->lane : (struct pawl_str){NULL, 0};
    const struct pawl_lane_state *l = lane.p ? pawl_map_get(&p->shared->lanes, lane.p, lane.n) : NULL;
    const struct pawl_line *line = p->place.line;
    if (p->want != PAWL_WANT_ROOM || !line || line == &p->shared->ready) return PAWL_ROOM_NONE;
    for (uint32_t i = 0; p->purses && i < p->purses->count; i++) {
        const struct pawl_account *a = p->purses->of[i].account;
        if (a && line == &a->waiting) return *of = a->name, PAWL_ROOM_BUDGET;
    }
    *of = d && line == &d->waiting ? d->name : l && line == &l->waiting ? lane : pool;
    return d && line == &d->waiting ? PAWL_ROOM_BREAKER : l && line == &l->waiting ? PAWL_ROOM_LANE : PAWL_ROOM_POOL;
}

void pawl_admission_told(struct pawl_pass *p, const struct pawl_reply *reply)
{
    pawl_breaker_told(p, reply);
    pawl_pool_told(p, reply);
    pawl_pool_leave(p);
    pawl_lane_leave(p);
}

void pawl_admission_leave(struct pawl_pass *p)
{
    pawl_pool_leave(p);
    pawl_breaker_leave(p);
    pawl_lane_leave(p);
}
