/* src/host/letters.c - dead letters: runs that failed for good, and those that are done or were cancelled and left something
 * that could not be undone. Why each died, since when, what of it happened, and what can be done (`dlq` of docs/protocol.md).
 * Read from the records alone: no configuration is needed to look. */
#include "host/host.h"
#include "journal/rules.h"
#include <string.h>

enum { PAGE = 128, MOST = 1000 };

struct letters { /* what is asked for, and the answer on its way */
    struct pawl_store *s;
    struct pawl_str class_name;
    struct pawl_json_writer w;
    uint32_t count, max;
    struct pawl_id last;
};

static void text(struct pawl_json_writer *w, const char *name, struct pawl_str v)
{
    if (!v.n) return;
    pawl_jw_key(w, name);
    pawl_jw_str(w, v);
}

/* It changed something out there, or may have, and nothing has undone that. */
static bool stands(const struct pawl_step *s)
{
    return s->kind == PAWL_STEP_TOOL && s->applied && s->intended_seq && !s->undone;
}

/* The step that it died of: the first of its last message's calls that failed, or the model's own; NULL: none did. */
static const struct pawl_step *died_at(const struct pawl_run *run)
{
    const struct pawl_step *at = NULL;
    for (uint32_t i = run->steps_count; i-- > 0;) {
        const struct pawl_step *s = run->steps[i];
        if (s->kind == PAWL_STEP_UNDO || s->kind == PAWL_STEP_GATE || s->aside) continue;
        if (s->state == PAWL_STEP_NOT_DONE) at = s;
        if (s->kind == PAWL_STEP_MODEL) break;
    }
    return at;
}

static void write_applied(struct letters *l, const struct pawl_run *run)
{
    struct pawl_json_writer *w = &l->w;
    pawl_jw_key(w, "applied");
    pawl_jw_open(w, '[');
    for (uint32_t i = 0; i < run->steps_count; i++) {
        const struct pawl_step *s = run->steps[i];
        if (!stands(s)) continue;
        pawl_jw_open(w, '{');
        pawl_jw_put_i64(w, "step", s->number);
        text(w, "name", s->name);
        if (s->stop) text(w, "sure", PAWL_STR("nobody knows"));
        if (s->undo_failed) text(w, "undo", PAWL_STR("failed"));
        pawl_jw_close(w, '}');
    }
    pawl_jw_close(w, ']');
}

static bool undo_failed(const struct pawl_run *run)
{
    for (uint32_t i = 0; i < run->steps_count; i++)
        if (run->steps[i]->undo_failed && stands(run->steps[i])) return true;
    return false;
}

static bool failed_for_good(enum pawl_status s)
{
    return s == PAWL_FAILED_RUN || s == PAWL_DEAD;
}

static void write_next(struct letters *l, const struct pawl_run *run, const char *id)
{
    struct pawl_json_writer *w = &l->w;
    char line[80];
    bool any = false;
    for (uint32_t i = 0; i < run->steps_count; i++) any = any || stands(run->steps[i]);
    pawl_jw_key(w, "next");
    pawl_jw_open(w, '[');
    snprintf(line, sizeof line, "pawl show %s", id);
    pawl_jw_text(w, line);
    snprintf(line, sizeof line, "pawl retry %s", id);
    if (failed_for_good(run->status)) pawl_jw_text(w, line);
    snprintf(line, sizeof line, "pawl undo %s", id);
    if (any) pawl_jw_text(w, line);
    pawl_jw_close(w, ']');
}

static void write_letter(struct letters *l, const struct pawl_head *h, const struct pawl_run *run)
{
    const struct pawl_step *at = failed_for_good(run->status) ? died_at(run) : NULL;
    struct pawl_json_writer *w = &l->w;
    char id[PAWL_ID_TEXT], parent[PAWL_ID_TEXT];
    pawl_id_text(run->id, id);
    pawl_jw_open(w, '{');
    text(w, "run", pawl_str_of(id));
    text(w, "agent", run->agent);
    text(w, "key", run->key);
    if (run->parent_step) {
        pawl_id_text(run->parent, parent);
        text(w, "parent", pawl_str_of(parent));
    }
    text(w, "status", pawl_str_of(pawl_status_word(h->status)));
    if (failed_for_good(run->status)) text(w, "class", pawl_str_of(pawl_class_name(run->error_class)));
    text(w, "message",
         failed_for_good(run->status) ? run->message : PAWL_STR("something that it did could not be undone"));
    pawl_jw_put_i64(w, "since_ns", run->at_ns);
    pawl_jw_put_i64(w, "lives", (int64_t)h->deaths + 1);
    pawl_jw_put_i64(w, "retries", run->retries);
    if (at) pawl_jw_put_i64(w, "step", at->number), text(w, "name", at->name);
    write_applied(l, run);
    write_next(l, run, id);
    pawl_jw_close(w, '}');
}

/* The record of its end says whether something was to be undone and is not; most have nothing of that, and are read no further. */
static bool nothing_left(struct letters *l, const struct pawl_head *h, struct pawl_arena *a)
{
    struct pawl_run_records r;
    yyjson_val *body = NULL;
    if (failed_for_good(h->status)) return false;
    if (l->s->read(l->s, h->run, h->seq, a, &r, NULL) || !r.count) return false; /* the whole will tell */
    const struct pawl_record *last = &r.records[r.count - 1];
    return pawl_json_read(last->body, a, &body, NULL) == PAWL_OK && !yyjson_obj_get(body, "not_undone");
}

static int look_at(struct letters *l, const struct pawl_head *h, const struct pawl_alloc *from, struct pawl_error *err)
{
    struct pawl_run_records r;
    struct pawl_arena a;
    struct pawl_run run;
    int rc;
    pawl_arena_init(&a, from);
    if (nothing_left(l, h, &a)) return pawl_arena_fini(&a), PAWL_OK;
    rc = l->s->read(l->s, h->run, 1, &a, &r, err);
    pawl_run_init(&run, &a);
    for (uint32_t i = 0; rc == PAWL_OK && i < r.count; i++) {
        r.records[i].full = (struct pawl_str){NULL, 0}; /* what is struck out is no matter of a list */
        rc = pawl_run_fold(&run, &r.records[i], err);
    }
    if (rc == PAWL_OK && run.ended && /* else it was taken up meanwhile */
        (failed_for_good(run.status) || undo_failed(&run)) &&
        (!l->class_name.p || pawl_str_is(l->class_name, pawl_class_name(run.error_class)))) {
        write_letter(l, h, &run);
        l->count++;
    }
    pawl_arena_fini(&a);
    return rc == PAWL_ECORRUPT ? PAWL_OK : rc; /* pawl verify tells of that one */
}

/* The newest first, a page at a time, until there are enough of them. */
static int look_through(struct letters *l, struct pawl_list_query *q, const struct pawl_alloc *from,
                        struct pawl_error *err)
{
    uint32_t count = q->max;
    int rc = PAWL_OK;
    while (rc == PAWL_OK && count == q->max && l->count < l->max) {
        struct pawl_arena a;
        pawl_arena_init(&a, from);
        struct pawl_head *heads = pawl_arena_get(&a, q->max * sizeof *heads);
        rc = heads ? l->s->list(l->s, q, &a, heads, &count, err) : PAWL_ENOMEM;
        for (uint32_t i = 0; rc == PAWL_OK && i < count && l->count < l->max; i++) {
            rc = look_at(l, &heads[i], from, err);
            q->before = l->last = heads[i].run;
        }
        pawl_arena_fini(&a);
    }
    return rc;
}

int pawl_letters_read(struct pawl_store *s, yyjson_val *request, struct pawl_buf *out, struct pawl_error *err)
{
    const struct pawl_str before = pawl_json_str(request, "before"), class_name = pawl_json_str(request, "class");
    const int64_t max = pawl_json_i64(request, "max", 100);
    struct pawl_list_query q = {.agent = pawl_json_str(request, "agent"),
                                .statuses = 1u << PAWL_FAILED_RUN | 1u << PAWL_DEAD,
                                .max = PAGE};
    struct letters l = {.s = s, .class_name = class_name, .w = {.out = out}};
    char id[PAWL_ID_TEXT];
    int rc;
    if (!pawl_json_bool(request, "failed", false)) q.statuses |= 1u << PAWL_DONE | 1u << PAWL_CANCELLED_RUN;
    l.max = max > 0 && max < MOST ? (uint32_t)max : MOST;
    if (before.p && !pawl_id_parse(before, &q.before))
        return pawl_fail(err, PAWL_EINVAL, "/before", "give a whole id", "before is not a run's id");
    if (class_name.p && pawl_class_of(class_name) == PAWL_CLASS_NONE)
        return pawl_fail(err, PAWL_EINVAL, "/class", "pawl dlq shows those that there are",
                         "there is no error class %.*s", (int)(class_name.n < 40 ? class_name.n : 40), class_name.p);
    pawl_buf_text(out, "\"letters\":");
    pawl_jw_open(&l.w, '[');
    rc = look_through(&l, &q, out->arena->from, err);
    pawl_jw_close(&l.w, ']');
    pawl_id_text(l.last, id);
    if (l.count == l.max) pawl_buf_printf(out, ",\"before\":\"%s\"", id);
    return rc;
}
