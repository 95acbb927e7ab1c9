/* src/journal/run_child.c - folding what is said of runs that start runs: whose child this one is, and which its steps have. */
#include "journal/fold.h"

void pawl_fold_parent(struct pawl_fold *f)
{
    struct pawl_run *run = f->run;
    yyjson_val *parent = yyjson_obj_get(f->body, "parent");
    run->root = run->id;
    if (!parent || !pawl_id_parse(pawl_json_str(parent, "run"), &run->parent)) return;
    run->parent_step = (uint32_t)pawl_json_i64(parent, "step", 0);
    pawl_id_parse(pawl_json_str(parent, "root"), &run->root);
    run->depth = (uint32_t)pawl_json_i64(parent, "depth", 1);
    run->deadline_ns = pawl_json_i64(parent, "deadline", 0);
    run->ends_ns = pawl_json_i64(parent, "ends", 0);
    const struct pawl_fold of = {.run = run, .r = f->r, .body = parent};
    run->redact = pawl_fold_json(&of, "redact");
}

int pawl_fold_child_started(struct pawl_fold *f)
{
    struct pawl_step *s = f->step;
    if (s->state != PAWL_STEP_INTENDED_STATE || s->child_ended)
        return pawl_fold_corrupt(f, "a child of a step that was not intended");
    static const struct pawl_id none;
    if (s->is_child && pawl_id_eq(s->child, none) && pawl_id_parse(pawl_json_str(f->body, "run"), &s->child)) {
        f->run->children++;
        return PAWL_OK;
    }
    return pawl_fold_corrupt(f, "a child without a run");
}

int pawl_fold_child_ended(struct pawl_fold *f)
{
    static const struct pawl_id none;
    struct pawl_step *s = f->step;
    if (pawl_id_eq(s->child, none) || s->child_ended) return pawl_fold_corrupt(f, "the end of no child");
    s->child_ended = true;
    return PAWL_OK;
}
