/* src/contract/schema_branch.c - what applies to the same instance: allOf, anyOf, oneOf, if, $dynamicRef, dependent*.
 * A branch that fails has evaluated nothing, so each has a track of its own that is joined when it fits. */
#include "contract/schema_run.h"
#include <assert.h>
#include <string.h>

enum { GUESSES = 4 }; /* alternatives within alternatives that are looked into for the nearest */

static struct pawl_frame branch(const struct pawl_frame *f, const struct pawl_op *op, uint32_t i)
{
    struct pawl_frame to = pawl_frame_inner(f, op->u.branches.nodes[i], op->keyword);
    to.place = i;
    return to;
}

/* Quietly, and what it evaluates counts only if it fits. */
static bool attempt(struct pawl_run *c, const struct pawl_frame *f, yyjson_val *v, struct pawl_track *t)
{
    struct pawl_track own;
    if (!t) return pawl_run_quietly(c, f, v, NULL);
    if (!pawl_track_begin(c, &own, unsafe_yyjson_get_len(v))) return false;
    const bool ok = pawl_run_quietly(c, f, v, &own);
    if (ok) pawl_track_join(t, &own);
    pawl_track_end(c, &own);
    return ok;
}

static bool all_of(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_op *op, yyjson_val *v,
                   struct pawl_track *t)
{
    bool ok = true;
    for (uint32_t i = 0; i < op->u.branches.count; i++) {
        const struct pawl_frame to = branch(f, op, i);
        if (pawl_run_node(c, &to, v, t)) continue;
        if (!c->sink || c->rc) return false;
        ok = false;
    }
    return ok;
}

/* Of alternatives that all failed, the one that came nearest: not another type, no other constant, few failures. */
static bool none_fits(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_op *op, yyjson_val *v)
{
    struct pawl_schema_violation best, why;
    struct pawl_sink *sink = c->sink;
    uint32_t nearest = UINT32_MAX, least = UINT32_MAX;
    if (!sink || c->rc) return false;
    if (c->guesses == GUESSES) return pawl_says_branches(c, f, op, UINT32_MAX, NULL);
    c->guesses++;
    for (uint32_t i = 0; i < op->u.branches.count && !c->rc; i++) {
        struct pawl_sink own = {.size = 1, .violations = &why, .level = f->level};
        const struct pawl_frame to = branch(f, op, i);
        c->sink = &own;
        pawl_run_node(c, &to, v, NULL);
        const uint32_t distance = (own.types > 0) * 100000u + (own.constants < 99 ? own.constants : 99) * 1000u +
                                  (own.count < 999 ? own.count : 999);
        if (own.kept == 0 || distance >= least) continue;
        least = distance;
        nearest = i;
        best = why;
    }
    c->sink = sink;
    c->guesses--;
    return pawl_says_branches(c, f, op, nearest, nearest == UINT32_MAX ? NULL : &best);
}

bool pawl_run_branches(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_op *op, yyjson_val *v,
                       struct pawl_track *t)
{
    const bool one = op->kind == PAWL_OP_ONE_OF;
    uint32_t fits = UINT32_MAX;
    if (op->kind == PAWL_OP_ALL_OF) return all_of(c, f, op, v, t);
    if (t && !yyjson_is_ctn(v)) t = NULL;
    for (uint32_t i = 0; i < op->u.branches.count; i++) {
        const struct pawl_frame to = branch(f, op, i);
        if (!attempt(c, &to, v, t)) {
            if (c->rc) return false;
            continue;
        }
        if (one && fits != UINT32_MAX) return pawl_says_two(c, f, fits, i);
        fits = i;
        if (!one && !t) return true;
    }
    return fits != UINT32_MAX || none_fits(c, f, op, v);
}

bool pawl_run_if(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_op *op, yyjson_val *v,
                 struct pawl_track *t)
{
    const struct pawl_frame test = pawl_frame_inner(f, op->u.test.test, "if");
    const bool holds = attempt(c, &test, v, t);
    const struct pawl_node *next = holds ? op->u.test.then : op->u.test.otherwise;
    if (c->rc) return false;
    if (!next) return true;
    const struct pawl_frame to = pawl_frame_inner(f, next, holds ? "then" : "else");
    return pawl_run_node(c, &to, v, t);
}

/* The outermost resource entered that has something under the name; else what a plain $ref would find. */
bool pawl_run_dynamic(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_op *op, yyjson_val *v,
                      struct pawl_track *t)
{
    const struct pawl_dynamic *d = op->u.dynamic;
    const struct pawl_node *found = d->initial;
    uint32_t seen = UINT32_MAX;
    if (!pawl_run_charge(c, c->depth * (d->count + 1u) / 8)) return false;
    for (const struct pawl_frame *at = f; at; at = at->above) {
        if (at->node->resource == seen) continue;
        seen = at->node->resource;
        for (uint32_t i = 0; i < d->count; i++)
            if (d->targets[i].resource == seen) found = d->targets[i].node;
    }
    const struct pawl_frame to = pawl_frame_inner(f, found, op->keyword);
    return pawl_run_node(c, &to, v, t);
}

static bool has(yyjson_val *object, struct pawl_str name)
{
    return yyjson_obj_getn(object, name.p, name.n) != NULL;
}

static bool has_all(yyjson_val *object, const struct pawl_dependent *d)
{
    for (uint32_t i = 0; i < d->others_count; i++)
        if (!has(object, d->others[i])) return false;
    return true;
}

static bool missing(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_op *op,
                    const struct pawl_dependent *d, yyjson_val *v)
{
    struct pawl_str names[8];
    uint32_t count = 0;
    for (uint32_t i = 0; i < d->others_count && count < 8; i++)
        if (!has(v, d->others[i])) names[count++] = d->others[i];
    return pawl_says_missing(c, f, op->keyword, d->name, names, count);
}

bool pawl_run_dependents(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_op *op, yyjson_val *v,
                         struct pawl_track *t)
{
    bool ok = true;
    for (uint32_t i = 0; i < op->u.dependents.count && !c->rc; i++) {
        const struct pawl_dependent *d = op->u.dependents.all + i;
        struct pawl_frame to;
        if (!pawl_run_charge(c, (d->others_count + 1u) * (1 + unsafe_yyjson_get_len(v) / 16))) return false;
        if (!has(v, d->name)) continue;
        if (d->node) {
            to = pawl_frame_inner(f, d->node, op->keyword);
            to.name = &d->name;
            ok &= pawl_run_node(c, &to, v, t);
        }
        if (!has_all(v, d)) ok = missing(c, f, op, d, v);
        if (!ok && !c->sink) return false;
    }
    return ok && !c->rc;
}
