/* tests/workloads/part_outcome.c - what is drawn from a recording for checks, undo, signals and schedules (part.h). */
#include <string.h>
#include "base/prng.h"
#include "contract/schedule.h"
#include "part.h"

const char wl_ticks[] = "ticks";

static uint64_t drawn(const struct wl_recording *r, uint64_t of, uint64_t below)
{
    struct pawl_prng p;
    pawl_prng_seed(&p, (uint64_t)r->index * 7919 + of);
    return pawl_prng_below(&p, below);
}

static uint64_t hash(struct pawl_str s)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (uint32_t i = 0; i < s.n; i++) h = (h ^ (uint8_t)s.p[i]) * UINT64_C(0x100000001b3);
    return h;
}

bool wl_amiss(const struct wl_recording *r, uint32_t call)
{
    return (hash(r->calls[call].args) >> 7) % 5 == 0;
}

bool wl_blind(const struct wl_recording *r)
{
    return r->index / 5 % 8 == 7;
}

enum wl_then wl_then_of(const struct wl_env *env, const struct wl_tool *t)
{
    return (enum wl_then)((t - env->tools) % 4);
}

enum wl_undoing wl_undoing_of(const struct wl_recording *r)
{
    static const enum wl_undoing kinds[8] = {WL_AS_IT_IS, WL_UNDO_DONE,    WL_UNDO_STOPPED, WL_CANCEL,
                                             WL_CANCEL,   WL_UNDO_STOPPED, WL_UNDO_DONE,    WL_UNDO_DONE};
    return kinds[r->index / 5 % 8];
}

uint32_t wl_undo_to(const struct wl_recording *r)
{
    return r->index / 5 % 8 == 7 ? r->steps / 3 : 0;
}

bool wl_cannot_undo(const struct wl_recording *r, uint32_t call)
{
    return drawn(r, call + 1, 7) == 0;
}

bool wl_hears(const struct wl_tool *t)
{
    return t->effect == WL_READ && hash(pawl_str_of(t->name)) % 3 == 0;
}

bool wl_sent_before(const struct wl_recording *r)
{
    return r->index / 5 % 2 == 0;
}

struct wl_plan wl_plan_of(const struct wl_recording *r, uint32_t kills)
{
    struct wl_plan p = {.how = WL_LAST};
    const uint32_t kind = (uint32_t)drawn(r, 0, 5);
    const uint32_t base = (uint32_t)drawn(r, 1, kills + (kind == 0)) * WL_WINDOW_MINUTES;
    p.first = p.last = base + WL_WINDOW_MINUTES / 2;
    if (kind == 0) p.first = p.last = base; /* its time comes while pawl lives, or is just killed */
    if (kind == 1) p.first = base + 3;
    if (kind == 2) p.how = WL_NONE;
    if (kind == 3) p.how = WL_TOO_OLD;
    if (kind == 4) p.how = WL_IN_TIME;
    return p;
}

bool wl_begins(const struct wl_plan *plan)
{
    return plan->how == WL_LAST || plan->how == WL_IN_TIME;
}

bool wl_by_clock(const struct wl_data *d, const struct wl_recording *r)
{
    uint32_t counts[WL_ENVS_MAX] = {0}, most = 0, before = 0;
    for (uint32_t i = 0; i < d->recordings_count; i++) counts[d->recordings[i].env - d->envs]++;
    for (uint32_t i = 1; i < d->envs_count; i++)
        if (counts[i] > counts[most]) most = i;
    for (uint32_t i = 0; i < r->index; i++) before += d->recordings[i].env == r->env;
    return r->env == &d->envs[most] && before < PAWL_SCHEDULES_MAX - 1; /* wl_ticks is one, too */
}

/* ---- what the journal says of them ---- */

static void checked(struct wl_call *c, yyjson_val *checks)
{
    static const char *const names[] = {"as_asked", "once"};
    yyjson_val *v;
    size_t i, n;
    yyjson_arr_foreach(checks, i, n, v)
    {
        const struct pawl_str found = pawl_json_str(v, "found");
        for (int k = 0; k < 2; k++)
            if (pawl_str_is(pawl_json_str(v, "name"), names[k]))
                c->found[k] = pawl_str_is(found, "holds")           ? WL_HOLDS
                              : pawl_str_is(found, "does not hold") ? WL_HOLDS_NOT
                                                                    : WL_NOT_KNOWN;
    }
}

static void left(struct wl_seen *s, yyjson_val *steps)
{
    yyjson_val *v;
    size_t i, n;
    s->not_undone_count = 0; /* the last word counts */
    yyjson_arr_foreach(steps, i, n, v)
    {
        if (s->not_undone_count < 64) s->not_undone[s->not_undone_count++] = (uint32_t)yyjson_get_uint(v);
    }
}

void wl_seen_outcome(struct wl_recording *rec, struct wl_call *c, struct pawl_str kind, yyjson_val *body)
{
    struct wl_seen *s = &rec->seen;
    yyjson_val *why = yyjson_obj_get(body, "why"), *v;
    size_t i, n;
    if (pawl_str_is(kind, "run.ended")) left(s, yyjson_obj_get(body, "not_undone"));
    if (pawl_str_is(kind, "signal.received")) s->signals += pawl_json_str(body, "name").p != NULL;
    yyjson_arr_foreach(why, i, n, v) if (pawl_str_is(pawl_json_value_str(v), "check")) s->check_asked = true;
    if (!c) return;
    if (pawl_str_is(kind, "step.intended")) c->intended_seq = rec->seq;
    if (!pawl_str_is(kind, "step.completed") && !pawl_str_is(kind, "step.failed")) return;
    checked(c, yyjson_obj_get(body, "checks"));
    c->serial = (uint32_t)pawl_json_i64(yyjson_obj_get(body, "result"), "serial", 0);
}
