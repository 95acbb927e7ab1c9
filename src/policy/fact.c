/* src/policy/fact.c - see fact.h. */
#include "policy/fact.h"
#include <string.h>
#include "policy/pipeline.h"

enum { FACTS_SEEN = 512 }; /* the latest so many are looked at: a run that reads more has moved on */

static uint32_t first_seen(const struct pawl_run *run)
{
    return run->facts_count > FACTS_SEEN ? run->facts_count - FACTS_SEEN : 0;
}

static yyjson_val *parse(struct pawl_str text, struct pawl_arena *a)
{
    yyjson_val *v = NULL;
    return text.p && pawl_json_read(text, a, &v, NULL) == PAWL_OK ? v : NULL;
}

static bool same_json(struct pawl_str a, struct pawl_str b, struct pawl_arena *arena)
{
    if (pawl_str_eq(a, b)) return true;
    yyjson_val *x = parse(a, arena), *y = parse(b, arena);
    return x && y && pawl_json_equal(x, y);
}

static bool same_fact(const struct pawl_fact *a, const struct pawl_fact *b, struct pawl_arena *arena)
{
    return pawl_str_eq(a->name, b->name) && same_json(a->about, b->about, arena);
}

/* The one before it about the same; NULL: it is the first. */
static const struct pawl_fact *before(const struct pawl_run *run, uint32_t index, struct pawl_arena *arena)
{
    for (uint32_t i = index; i-- > first_seen(run);)
        if (same_fact(&run->facts[i], &run->facts[index], arena)) return &run->facts[i];
    return NULL;
}

static bool is_latest(const struct pawl_run *run, uint32_t index, struct pawl_arena *arena)
{
    for (uint32_t i = index + 1; i < run->facts_count; i++)
        if (same_fact(&run->facts[i], &run->facts[index], arena)) return false;
    return true;
}

/* Anywhere in the arguments. */
static bool holds(yyjson_val *args, yyjson_val *value, uint32_t depth)
{
    yyjson_val *v, *name;
    size_t i, n;
    if (depth > 16) return false;
    if (pawl_json_equal(args, value)) return true;
    if (yyjson_is_obj(args)) {
        yyjson_obj_foreach(args, i, n, name, v) if (holds(v, value, depth + 1)) return true;
    } else if (yyjson_is_arr(args)) {
        yyjson_arr_foreach(args, i, n, v) if (holds(v, value, depth + 1)) return true;
    }
    return false;
}

static bool concerns(const struct pawl_fact *f, yyjson_val *args, struct pawl_arena *arena)
{
    yyjson_val *about = parse(f->about, arena), *v;
    size_t i, n;
    if (!args || !about) return true;
    yyjson_arr_foreach(about, i, n, v) if (!holds(args, v, 0)) return false;
    return true;
}

void pawl_facts_write_all(const struct pawl_run *run, yyjson_val *args, struct pawl_json_writer *w)
{
    struct pawl_arena *arena = w->out->arena;
    struct pawl_str written[64];
    uint32_t count = 0;
    for (uint32_t i = run->facts_count; i-- > first_seen(run) && count < 64;) {
        const struct pawl_fact *f = &run->facts[i];
        bool there = false;
        for (uint32_t k = 0; k < count; k++) there = there || pawl_str_eq(written[k], f->name);
        if (there || !concerns(f, args, arena)) continue;
        if (count == 0) pawl_jw_key(w, "facts"), pawl_jw_open(w, '{');
        written[count++] = f->name;
        pawl_jw_key_str(w, f->name);
        pawl_jw_raw(w, f->value);
    }
    if (count) pawl_jw_close(w, '}');
}

/* ---- writing them ---- */

struct answer { /* a read's, on its way into facts */
    struct pawl_pass *p;
    const struct pawl_tool *tool;
    yyjson_val *args, *result;
    bool again, stand_in;
};

/* The values of the arguments that it is about, in the order of their names where the contract does not name them. */
static void write_about(const struct answer *a, const struct pawl_fact_rule *rule, struct pawl_json_writer *w)
{
    struct pawl_buf sorted;
    yyjson_val *args = a->args, *name, *v;
    size_t i, n;
    pawl_jw_key(w, "about");
    pawl_jw_open(w, '[');
    for (uint32_t k = 0; k < rule->about_count; k++)
        if ((v = pawl_json_at(args, rule->about[k])) != NULL) pawl_jw_value(w, v);
    if (!rule->about_said && yyjson_is_obj(args)) {
        pawl_buf_init_arena(&sorted, a->p->arena);
        if (pawl_json_canonical(args, &sorted, NULL) == PAWL_OK && (v = parse(pawl_buf_done(&sorted), a->p->arena)))
            args = v;
        yyjson_obj_foreach(args, i, n, name, v) pawl_jw_value(w, v);
    }
    pawl_jw_close(w, ']');
}

/* Asked for with a value that nobody has verified: what comes of it is no better. */
static bool derived(const struct answer *a)
{
    const struct pawl_run *run = a->p->run;
    for (uint32_t i = first_seen(run); i < run->facts_count; i++) {
        const struct pawl_fact *f = &run->facts[i];
        yyjson_val *v = f->unverified ? parse(f->value, a->p->arena) : NULL;
        if (v && !yyjson_is_bool(v) && !yyjson_is_null(v) && holds(a->args, v, 0)) return true;
    }
    return false;
}

static enum pawl_verdict write_fact(const struct answer *a, const struct pawl_fact_rule *rule, yyjson_val *value)
{
    struct pawl_pass *p = a->p;
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    pawl_buf_init_arena(&b, p->arena);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "name");
    pawl_jw_str(&w, rule->name);
    pawl_jw_key(&w, "value");
    pawl_jw_value(&w, value);
    pawl_jw_key(&w, "source");
    pawl_jw_str(&w, a->tool->source.p ? a->tool->source : a->tool->name);
    write_about(a, rule, &w);
    if (a->tool->fresh_ns) pawl_jw_key(&w, "fresh_until"), pawl_jw_i64(&w, p->wall_ns + a->tool->fresh_ns);
    if (a->tool->untrusted || a->stand_in || derived(a)) pawl_jw_key(&w, "unverified"), pawl_jw_bool(&w, true);
    if (a->again) pawl_jw_key(&w, "again"), pawl_jw_bool(&w, true);
    pawl_jw_close(&w, '}');
    return pawl_pass_append(p, PAWL_FACT_WRITTEN, &b);
}

static enum pawl_verdict write_facts(const struct answer *a)
{
    enum pawl_verdict v = PAWL_GO;
    for (uint32_t i = 0; a->result && i < a->tool->facts_count && v == PAWL_GO; i++) {
        yyjson_val *value = pawl_json_at(a->result, a->tool->facts[i].at);
        if (value) v = write_fact(a, &a->tool->facts[i], value);
    }
    return v;
}

enum pawl_verdict pawl_facts_record(struct pawl_pass *p)
{
    struct answer a = {.p = p, .tool = p->tool, .args = p->args, .stand_in = p->note.p != NULL};
    if (!p->tool || !p->tool->facts_count || p->tool->effect != PAWL_EFFECT_READ) return PAWL_GO;
    if (p->how == PAWL_ENDS_FAILED || (p->how == PAWL_ENDS_ANSWERED && !p->note.p)) return PAWL_GO;
    a.result = parse(p->result, p->arena);
    return write_facts(&a);
}

enum pawl_verdict pawl_facts_again(struct pawl_pass *p, const struct pawl_tool *t, const struct pawl_step *of,
                                   struct pawl_str answer)
{
    const struct answer a = {.p = p,
                             .tool = t,
                             .args = parse(of->args.n ? of->args : PAWL_STR("{}"), p->arena),
                             .result = parse(answer, p->arena),
                             .again = true};
    return write_facts(&a);
}

/* ---- what guards ask ---- */

static bool aside(const struct pawl_run *run, const struct pawl_fact *f)
{
    const struct pawl_step *s = pawl_run_step(run, f->step);
    return s && s->aside;
}

/* Something may have been changed after the one was said and before the other. */
static bool changed_between(const struct pawl_guard_look *l, const struct pawl_fact *a, const struct pawl_fact *b)
{
    for (uint32_t i = 0; i < l->run->steps_count; i++) {
        const struct pawl_step *s = l->run->steps[i];
        if (!s->intended_seq || s->kind == PAWL_STEP_MODEL || s->intended_seq > b->seq) continue;
        const struct pawl_tool *t = pawl_config_tool(l->config, s->name);
        if (t && t->effect == PAWL_EFFECT_READ) continue;
        if (!pawl_step_ended(s) || (s->applied && s->ended_seq > a->seq)) return true;
    }
    return false;
}

static void shown(struct pawl_buf *b, const struct pawl_fact *f)
{
    const uint32_t n = f->value.n > 80 ? 80 : f->value.n;
    pawl_buf_add(b, f->value.p, n);
    if (n < f->value.n) pawl_buf_text(b, "…");
    pawl_buf_printf(b, " by %.*s in step %u", (int)f->source.n, f->source.p ? f->source.p : "", f->step);
}

uint32_t pawl_fact_contradiction(const struct pawl_guard_look *l, const struct pawl_guard *g,
                                 struct pawl_guard_trip *out)
{
    uint32_t behind = l->run->steps_before;
    struct pawl_buf text;
    for (uint32_t i = l->run->trips_from; i < l->run->trips_count; i++)
        if (pawl_str_eq(l->run->trips[i].rule, g->name) && l->run->trips[i].step > behind)
            behind = l->run->trips[i].step;
    for (uint32_t i = l->run->facts_count; i-- > first_seen(l->run);) {
        const struct pawl_fact *b = &l->run->facts[i], *a;
        if (b->step <= behind || b->again || aside(l->run, b)) continue;
        a = before(l->run, i, l->arena);
        if (!a || aside(l->run, a) || same_json(a->value, b->value, l->arena)) continue;
        if (pawl_str_eq(a->source, b->source) && a->fresh_until_ns && a->fresh_until_ns <= b->at_ns) continue;
        if (changed_between(l, a, b)) continue;
        pawl_buf_init_arena(&text, l->arena);
        pawl_buf_printf(&text, "two answers about %.*s differ, and nothing was changed between them: ", (int)b->name.n,
                        b->name.p);
        shown(&text, a);
        pawl_buf_text(&text, ", ");
        shown(&text, b);
        out->from = b->step;
        out->says = pawl_buf_done(&text);
        return 1;
    }
    return 0;
}

const struct pawl_fact *pawl_fact_stale_one(const struct pawl_guard_look *l)
{
    for (uint32_t i = first_seen(l->run); i < l->run->facts_count; i++) {
        const struct pawl_fact *f = &l->run->facts[i];
        if (!f->fresh_until_ns || l->wall_ns < f->fresh_until_ns || aside(l->run, f)) continue;
        if (is_latest(l->run, i, l->arena) && concerns(f, l->args, l->arena)) return f;
    }
    return NULL;
}

const struct pawl_step *pawl_fact_read(const struct pawl_run *run, const struct pawl_fact *f, struct pawl_arena *a)
{
    for (uint32_t i = run->facts_count; i-- > first_seen(run);) {
        const struct pawl_step *s = pawl_run_step(run, run->facts[i].step);
        if (run->facts[i].again || !same_fact(&run->facts[i], f, a)) continue;
        return s && s->kind == PAWL_STEP_TOOL && s->args.p ? s : NULL;
    }
    return NULL;
}

uint32_t pawl_fact_stale(const struct pawl_guard_look *l, struct pawl_guard_trip *out)
{
    const struct pawl_fact *f = l->tool->effect == PAWL_EFFECT_READ ? NULL : pawl_fact_stale_one(l);
    struct pawl_buf b;
    if (!f) return 0;
    pawl_buf_init_arena(&b, l->arena);
    pawl_buf_printf(&b, "%.*s is not fresh any more: ", (int)f->name.n, f->name.p);
    shown(&b, f);
    out->from = f->step;
    out->says = pawl_buf_done(&b);
    return 1;
}

/* Another source has said the same. */
static bool vouched(const struct pawl_run *run, const struct pawl_fact *f, struct pawl_arena *arena)
{
    for (uint32_t i = first_seen(run); i < run->facts_count; i++) {
        const struct pawl_fact *o = &run->facts[i];
        if (o->unverified || pawl_str_eq(o->source, f->source) || !same_fact(o, f, arena)) continue;
        if (same_json(o->value, f->value, arena)) return true;
    }
    return false;
}

uint32_t pawl_fact_unverified(const struct pawl_guard_look *l, struct pawl_guard_trip *out)
{
    struct pawl_buf b;
    if (l->tool->effect != PAWL_EFFECT_IRREVERSIBLE) return 0;
    for (uint32_t i = l->run->facts_count; i-- > first_seen(l->run);) {
        const struct pawl_fact *f = &l->run->facts[i];
        if (!f->unverified || aside(l->run, f) || !is_latest(l->run, i, l->arena)) continue;
        if (!concerns(f, l->args, l->arena) || vouched(l->run, f, l->arena)) continue;
        pawl_buf_init_arena(&b, l->arena);
        pawl_buf_printf(&b, "nobody has verified %.*s: ", (int)f->name.n, f->name.p);
        shown(&b, f);
        out->from = f->step;
        out->says = pawl_buf_done(&b);
        return 1;
    }
    return 0;
}

const struct pawl_fact *pawl_fact_moved(const struct pawl_run *run, uint32_t step, const struct pawl_fact **was)
{
    struct pawl_arena arena;
    const struct pawl_fact *moved = NULL;
    pawl_arena_init(&arena, run->arena->from);
    for (uint32_t i = first_seen(run); i < run->facts_count && !moved; i++) {
        const struct pawl_fact *f = &run->facts[i];
        if (!f->again || f->step != step || !(*was = before(run, i, &arena))) continue;
        if (!same_json((*was)->value, f->value, &arena)) moved = f;
    }
    pawl_arena_fini(&arena);
    return moved;
}
