/* src/host/view_guard.c - what guards did in a run, and the facts that it has: members of VIEW (docs/protocol.md). */
#include "contract/json.h"
#include "host/view_tell.h"

static void flag(struct pawl_json_writer *w, const char *name, bool v)
{
    if (!v) return;
    pawl_jw_key(w, name);
    pawl_jw_bool(w, true);
}

void pawl_view_guards(const struct pawl_run *run, struct pawl_json_writer *w)
{
    if (run->trips_count == 0) return;
    pawl_jw_key(w, "guards");
    pawl_jw_open(w, '[');
    for (uint32_t i = 0; i < run->trips_count; i++) {
        const struct pawl_trip *t = &run->trips[i];
        pawl_jw_open(w, '{');
        pawl_jw_put_i64(w, "step", t->step);
        pawl_jw_put_str(w, "rule", t->rule);
        pawl_jw_put_str(w, "answer", pawl_str_of(pawl_guard_answer_name(t->answer)));
        pawl_jw_put_str(w, "says", t->says);
        pawl_jw_put_i64(w, "count", t->count);
        pawl_jw_put_i64(w, "limit", t->limit);
        pawl_jw_put_i64(w, "from", t->from);
        flag(w, "call", t->call);
        flag(w, "aside", t->aside);
        pawl_jw_put_i64(w, "at_ns", t->at_ns);
        pawl_jw_close(w, '}');
    }
    pawl_jw_close(w, ']');
}

void pawl_view_facts(const struct pawl_run *run, struct pawl_json_writer *w)
{
    if (run->facts_count == 0) return;
    pawl_jw_key(w, "facts");
    pawl_jw_open(w, '[');
    for (uint32_t i = 0; i < run->facts_count; i++) {
        const struct pawl_fact *f = &run->facts[i];
        pawl_jw_open(w, '{');
        pawl_jw_put_str(w, "name", f->name);
        pawl_jw_key(w, "value");
        pawl_jw_raw(w, f->value);
        pawl_jw_put_str(w, "source", f->source);
        if (f->about.p) pawl_jw_key(w, "about"), pawl_jw_raw(w, f->about);
        pawl_jw_put_i64(w, "step", f->step);
        pawl_jw_put_i64(w, "at_ns", f->at_ns);
        if (f->fresh_until_ns) pawl_jw_put_i64(w, "fresh_until_ns", f->fresh_until_ns);
        flag(w, "unverified", f->unverified);
        flag(w, "again", f->again);
        pawl_jw_close(w, '}');
    }
    pawl_jw_close(w, ']');
}
