/* src/sim/check_undo.c - what is said to be undone was undone: each by one call of its own, that really happened. */
#include "sim/check_seen.h"

/* Did this call of an undo tool happen, on that thing (no p: whatever its thing)? A person may have answered in its place, and is believed. */
static bool did(const struct pawl_sim_seen *k, const struct pawl_step *u, int tool, struct pawl_str item)
{
    if (u->handed.p || u->unknown) return true;
    for (uint32_t i = 0; i < k->w->effects_count; i++) {
        const struct pawl_sim_effect *e = &k->w->effects[i];
        const struct pawl_str of = pawl_str_of(e->item);
        if ((int)e->tool != tool || e->run != k->run->index || e->step != u->number) continue;
        if (!item.p || pawl_str_eq(of, item)) return true;
    }
    return false;
}

static struct pawl_str item_of(const struct pawl_sim_seen *k, const struct pawl_step *s)
{
    yyjson_val *args = NULL;
    if (pawl_json_read(s->args, &k->w->scratch, &args, NULL)) return (struct pawl_str){NULL, 0};
    return pawl_json_str(args, "item");
}

/* Of the steps that did this to this thing, as many at most are undone by the model's own word as it has made such calls. */
static void check_own(const struct pawl_sim_seen *k, const struct pawl_step *d, int tool, int undo)
{
    const struct pawl_run *run = &k->run->stored;
    const struct pawl_str item = item_of(k, d);
    uint32_t undone = 0, calls = 0;
    for (uint32_t i = 0; i < run->steps_count; i++) {
        const struct pawl_step *s = run->steps[i];
        const int at = s->kind == PAWL_STEP_TOOL ? pawl_sim_tool_index(k->w, s->name) : -1;
        if (at == tool && s->undone && !s->undone_by && pawl_str_eq(item_of(k, s), item)) undone++;
        if (at == undo && s->applied && did(k, s, undo, item)) calls++;
    }
    if (undone > calls)
        pawl_sim_seen_broken(k, "undone", "%u calls like #%u are said to be undone, and the model has undone %u",
                             undone, d->number, calls);
}

void pawl_sim_check_undone(const struct pawl_sim_seen *k)
{
    const struct pawl_run *run = &k->run->stored;
    for (uint32_t i = 0; i < run->steps_count && k->w->out->held; i++) {
        const struct pawl_step *d = run->steps[i];
        const int at = d->kind == PAWL_STEP_TOOL ? pawl_sim_tool_index(k->w, d->name) : -1;
        const int undo = at >= 0 ? (int)k->w->tools[at].undo - 1 : -1;
        const struct pawl_step *by = pawl_run_step(run, d->undone_by);
        if (!d->undone || undo < 0) continue;
        if (!by) check_own(k, d, at, undo);
        else if (by->undoes != d->number || !did(k, by, undo, item_of(k, d)))
            pawl_sim_seen_broken(k, "undone", "#%u is said to be undone by #%u, which did not", d->number, by->number);
    }
}
