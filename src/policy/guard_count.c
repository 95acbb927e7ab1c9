/* src/policy/guard_count.c - how far each rule is: counts over the fold of a run, backwards from where it stands. Pure.
 *
 * A message of the model and its calls are one decision: what it asks for in parallel has no order (DESIGN 6). */
#include <string.h>
#include "policy/fact.h"
#include "policy/guard.h"

struct message { /* of the model: a decision, and what came of its calls */
    const struct pawl_step *model;
    struct pawl_step *const *calls;
    uint32_t count;
};

/* Further back than this nobody looks: what is "in a row" is near, and a run may be long. */
enum { MESSAGES_BACK = 64 };

/* The latest message with calls that ended before step `before`, and is behind step `after`. */
static bool message_before(const struct pawl_run *run, uint32_t before, uint32_t after, struct message *out)
{
    for (uint32_t i = before - 1; i-- > 0;) {
        const struct pawl_step *s = run->steps[i];
        if (s->number <= after) return false;
        if (s->kind != PAWL_STEP_MODEL || s->aside || s->state != PAWL_STEP_DONE || !s->calls) continue;
        *out = (struct message){s, run->steps + s->number, s->calls};
        return true;
    }
    return false;
}

/* The message that a call is of. */
static uint32_t own_message(const struct pawl_run *run, const struct pawl_step *call)
{
    for (uint32_t i = call->number - 1; i-- > 0;)
        if (run->steps[i]->kind == PAWL_STEP_MODEL) return run->steps[i]->number;
    return 1;
}

/* Counted from behind: an earlier try of the run; a question of this rule that a person has answered with a yes. For a call
 * the question was about one of an earlier message. */
static uint32_t begins_behind(const struct pawl_guard_look *l, const struct pawl_guard *g)
{
    const struct pawl_run *run = l->run;
    uint32_t behind = run->steps_before, here = l->call ? own_message(run, l->call) : UINT32_MAX;
    for (uint32_t i = run->trips_count; i-- > run->trips_from;) {
        const struct pawl_trip *t = &run->trips[i];
        if (t->answer != PAWL_GUARD_ASK || t->step >= here || !pawl_str_eq(t->rule, g->name)) continue;
        const struct pawl_step *asked = pawl_run_step(run, t->step);
        if (!asked || !pawl_step_ended(asked)) continue;
        return t->step > behind ? t->step : behind;
    }
    return behind;
}

/* The call failed for what the model or the tool did, not for what a person or a guard said. */
static bool is_error(const struct pawl_step *s)
{
    switch (s->error_class) {
    case PAWL_CLASS_DENIED:
    case PAWL_CLASS_CANCELLED:
    case PAWL_CLASS_SUPERSEDED:
    case PAWL_CLASS_GUARD_STOPPED: return false;
    default: return s->state == PAWL_STEP_NOT_DONE;
    }
}

static uint32_t errors(const struct pawl_guard_look *l, const struct pawl_guard *g, struct pawl_guard_trip *out)
{
    const uint32_t behind = begins_behind(l, g);
    struct message m = {0};
    uint32_t count = 0, back = 0, at = l->run->steps_count + 1;
    const struct pawl_step *last = NULL;
    struct pawl_buf b;
    while (back++ < MESSAGES_BACK && message_before(l->run, at, behind, &m)) {
        bool good = false, bad = false;
        for (uint32_t i = 0; i < m.count; i++) {
            good = good || m.calls[i]->state == PAWL_STEP_DONE;
            bad = bad || is_error(m.calls[i]);
            if (!last && is_error(m.calls[i])) last = m.calls[i];
        }
        if (good) break;
        at = m.model->number;
        if (!bad) continue;
        out->from = at;
        count++;
    }
    if (!count || count < g->limit) return count;
    pawl_buf_init_arena(&b, l->arena);
    if (count == 1) pawl_buf_text(&b, "all that was called failed");
    else pawl_buf_printf(&b, "%u times in a row all that was called failed", count);
    pawl_buf_printf(&b, ", the last time %.*s: %s", (int)last->name.n, last->name.p,
                    pawl_class_name(last->error_class));
    out->says = pawl_buf_done(&b);
    return count;
}

static const struct pawl_tool *tool_of(const struct pawl_guard_look *l, const struct pawl_step *s)
{
    return s->kind == PAWL_STEP_TOOL ? pawl_agent_tool(l->agent, s->name) : NULL;
}

static bool reads(const struct pawl_guard_look *l, const struct pawl_step *s)
{
    const struct pawl_tool *t = tool_of(l, s);
    return t && t->effect == PAWL_EFFECT_READ && s->state == PAWL_STEP_DONE && !s->answered;
}

/* It happened, and nobody has looked at it since. */
static bool changed(const struct pawl_guard_look *l, const struct pawl_step *s)
{
    if (!s->applied || !s->intended_seq || s->undone || s->read_back) return false; /* a plain read has no intent */
    if (s->looked_back == PAWL_LOOKED_DIFFERS) return false;                        /* not as expected; but seen */
    const struct pawl_tool *t = tool_of(l, s);
    return t && t->effect != PAWL_EFFECT_READ;
}

static bool heard_between(const struct pawl_run *run, uint32_t after, uint32_t before)
{
    for (uint32_t i = 0; i < run->turns_count; i++)
        if (run->turns[i].before_step > after && run->turns[i].before_step <= before) return true;
    return false;
}

/* Messages with a change by this very tool, up to this one; a read between them, or a word of the user, begins anew. */
static uint32_t changes(const struct pawl_guard_look *l, const struct pawl_guard *g, struct pawl_guard_trip *out)
{
    const uint32_t behind = begins_behind(l, g);
    uint32_t count = 1, back = 0, at = own_message(l->run, l->call);
    struct message m = {0};
    struct pawl_buf b;
    if (l->tool->effect == PAWL_EFFECT_READ) return 0;
    out->from = l->call->number;
    for (uint32_t last = at; back++ < MESSAGES_BACK && message_before(l->run, last, behind, &m) &&
                             !heard_between(l->run, m.model->number, at);
         last = m.model->number) {
        bool same = false, looked = false;
        for (uint32_t i = 0; i < m.count; i++) {
            same = same || (changed(l, m.calls[i]) && pawl_str_eq(m.calls[i]->name, l->call->name));
            looked = looked || reads(l, m.calls[i]);
        }
        if (looked) break;
        if (same) count++, out->from = m.model->number;
    }
    if (count < g->limit) return count;
    pawl_buf_init_arena(&b, l->arena);
    pawl_buf_printf(&b, "this is change number %u by %.*s in a row, and nothing was read back in between", count,
                    (int)l->call->name.n, l->call->name.p);
    out->says = pawl_buf_done(&b);
    return count;
}

/* Each call is compared with many: its arguments are read once. false: they are no JSON that can be compared. */
static bool hashed(const struct pawl_guard_look *l, struct pawl_step *s)
{
    struct pawl_buf b;
    yyjson_val *v;
    if (s->args_hash_of == s->args.p) return true;
    pawl_buf_init_arena(&b, l->arena);
    if (pawl_json_read(s->args, l->arena, &v, NULL) || pawl_json_canonical(v, &b, NULL) || b.failed) return false;
    s->args_hash = pawl_sha256(b.p, b.n);
    s->args_hash_of = s->args.p;
    return true;
}

/* By what the fold has of them, which is the same before and after a restart. */
static bool same_args(const struct pawl_guard_look *l, struct pawl_step *a, struct pawl_step *b)
{
    if (!pawl_str_eq(a->name, b->name)) return false;
    if (pawl_str_eq(a->args, b->args)) return true;
    return hashed(l, a) && hashed(l, b) && memcmp(&a->args_hash, &b->args_hash, sizeof a->args_hash) == 0;
}

static bool same_end(const struct pawl_step *a, const struct pawl_step *b)
{
    if (a->state != b->state) return false;
    if (a->state == PAWL_STEP_DONE) return pawl_str_eq(a->result, b->result);
    return a->error_class == b->error_class && pawl_str_eq(a->message, b->message);
}

static const struct pawl_step *same_in(const struct pawl_guard_look *l, const struct message *m, struct pawl_step *call)
{
    for (uint32_t i = 0; i < m->count; i++)
        if (same_args(l, m->calls[i], call)) return m->calls[i];
    return NULL;
}

static uint32_t same_call(const struct pawl_guard_look *l, const struct pawl_guard *g, struct pawl_guard_trip *out)
{
    const uint32_t behind = begins_behind(l, g);
    const struct pawl_step *before = NULL, *s;
    uint32_t count = 1, at = own_message(l->run, l->call);
    struct message m = {0};
    struct pawl_buf b;
    out->from = l->call->number;
    while (count < MESSAGES_BACK && message_before(l->run, at, behind, &m) &&
           (s = same_in(l, &m, l->run->steps[l->call->number - 1])) != NULL) {
        if (before && !same_end(before, s)) break;
        before = s;
        at = out->from = m.model->number;
        count++;
    }
    if (count == 1 || count < g->limit) return count == 1 ? 0 : count;
    pawl_buf_init_arena(&b, l->arena);
    pawl_buf_printf(&b, "the same call of %.*s for the %u. time in a row, and it was answered the same each time",
                    (int)l->call->name.n, l->call->name.p, count);
    out->says = pawl_buf_done(&b);
    return count;
}

static bool same_message(const struct pawl_guard_look *l, const struct message *a, const struct message *b)
{
    if (a->count != b->count) return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (!same_args(l, a->calls[i], b->calls[i]) || !same_end(a->calls[i], b->calls[i])) return false;
    return true;
}

/* A cycle of two to four messages that has come round so often; a message alone that comes again is same_call's. */
static uint32_t no_progress(const struct pawl_guard_look *l, const struct pawl_guard *g, struct pawl_guard_trip *out)
{
    enum { PERIOD_MAX = 4, SEEN_MAX = 64 };
    const uint32_t behind = begins_behind(l, g);
    struct message seen[SEEN_MAX];
    uint32_t n = 0, most = 0, period = 0;
    const uint32_t enough = g->limit * PERIOD_MAX < SEEN_MAX ? g->limit * PERIOD_MAX : SEEN_MAX;
    struct pawl_buf b;
    for (uint32_t at = l->run->steps_count + 1; n < enough && message_before(l->run, at, behind, &seen[n]);)
        at = seen[n++].model->number;
    for (uint32_t p = 2; p <= PERIOD_MAX; p++) {
        uint32_t same = 0;
        while (same + p < n && same_message(l, &seen[same], &seen[same + p])) same++;
        const uint32_t rounds = same / p + 1;
        bool one = true; /* the cycle is a single message over and over */
        if (rounds < 2 || rounds <= most) continue;
        for (uint32_t i = 1; i < p && i < n; i++) one = one && same_message(l, &seen[0], &seen[i]);
        if (one) continue;
        most = rounds;
        period = p;
    }
    if (!most || most < g->limit) return most;
    out->from = seen[most * period - 1].model->number;
    pawl_buf_init_arena(&b, l->arena);
    pawl_buf_printf(&b, "the same %u messages with the same calls and answers have come round %u times", period, most);
    out->says = pawl_buf_done(&b);
    return most;
}

/* Somebody has looked at what this step did: the runtime, or a later call of the tool that tells. */
static bool looked_at(const struct pawl_guard_look *l, const struct pawl_step *s, const struct pawl_tool *t)
{
    for (uint32_t i = s->number; t->verify.tool.p && i < l->run->steps_count; i++) {
        const struct pawl_step *o = l->run->steps[i];
        if (o->ended_seq > s->ended_seq && reads(l, o) && pawl_str_eq(o->name, t->verify.tool)) return true;
    }
    return false;
}

bool pawl_guard_unread(const struct pawl_guard_look *l, const struct pawl_step *s, bool strict)
{
    const struct pawl_tool *t = tool_of(l, s);
    if (!t || !pawl_step_ended(s) || !changed(l, s)) return false;
    return (strict || t->verify.tool.p) && !looked_at(l, s, t);
}

/* Steps of the model since the oldest change that nobody has read back. One that no contract can read back counts only
 * where a person is asked (strict). */
static uint32_t unverified_depth(const struct pawl_guard_look *l, const struct pawl_guard *g,
                                 struct pawl_guard_trip *out)
{
    const uint32_t behind = begins_behind(l, g);
    const bool strict = g->answer == PAWL_GUARD_ASK;
    const struct pawl_step *oldest = NULL;
    uint32_t count = 0;
    struct pawl_buf b;
    for (uint32_t i = behind; i < l->run->steps_count; i++) {
        const struct pawl_step *s = l->run->steps[i];
        if (oldest) count += s->kind == PAWL_STEP_MODEL || s->kind == PAWL_STEP_TOOL;
        else if (pawl_guard_unread(l, s, strict)) oldest = s;
    }
    if (!oldest || count < g->limit) return count;
    out->from = oldest->number;
    pawl_buf_init_arena(&b, l->arena);
    pawl_buf_printf(&b, "%u steps since step %u (%.*s) changed something that nobody has read back", count,
                    oldest->number, (int)oldest->name.n, oldest->name.p);
    out->says = pawl_buf_done(&b);
    return count;
}

/* A score that the model gave itself: `confidence` in its last words where they are JSON, or in the arguments of a call. */
static bool score_in(struct pawl_str text, struct pawl_arena *a, double *score)
{
    yyjson_val *v = NULL;
    if (!text.n || *text.p != '{' || pawl_json_read(text, a, &v, NULL)) return false;
    v = yyjson_obj_get(v, "confidence");
    if (!yyjson_is_num(v)) return false;
    const double d = yyjson_get_num(v);
    if (*score > d) *score = d;
    return true;
}

static uint32_t confidence(const struct pawl_guard_look *l, const struct pawl_guard *g, struct pawl_guard_trip *out)
{
    const uint32_t behind = begins_behind(l, g);
    double score = 2;
    struct pawl_buf b;
    for (uint32_t i = l->run->steps_count; i-- > behind;) {
        const struct pawl_step *s = l->run->steps[i];
        if (s->kind != PAWL_STEP_MODEL || s->aside || s->state != PAWL_STEP_DONE) continue;
        score_in(s->content, l->arena, &score);
        for (uint32_t k = 0; k < s->calls; k++) score_in(l->run->steps[s->number + k]->args, l->arena, &score);
        out->from = s->number;
        break;
    }
    if (score >= g->bound) return 0;
    pawl_buf_init_arena(&b, l->arena);
    pawl_buf_printf(&b, "the model's confidence of its last step is %g, under %g", score, g->bound);
    out->says = pawl_buf_done(&b);
    return 1;
}

/* Untrusted content stands before a call that can carry data out. */
static uint32_t egress(const struct pawl_guard_look *l, const struct pawl_guard *g, struct pawl_guard_trip *out)
{
    struct pawl_buf b;
    (void)g;
    if (!l->tool->egress) return 0;
    for (uint32_t i = l->call->number - 1; i-- > 0;) {
        const struct pawl_step *s = l->run->steps[i];
        const struct pawl_tool *t = tool_of(l, s);
        if (!t || !t->untrusted || s->state != PAWL_STEP_DONE || s->aside) continue;
        out->from = s->number;
        pawl_buf_init_arena(&b, l->arena);
        pawl_buf_printf(&b, "this can carry data out, and step %u (%.*s) has read content that is not trusted",
                        s->number, (int)s->name.n, s->name.p);
        out->says = pawl_buf_done(&b);
        return 1;
    }
    return 0;
}

static void write_step(struct pawl_json_writer *w, const struct pawl_guard_look *l, const struct pawl_step *s)
{
    static const char *const effects[] = {"read", "idempotent", "mutate", "irreversible"};
    static const char *const kinds[] = {"", "model", "tool", "undo", "gate", "summary"};
    const struct pawl_tool *t = tool_of(l, s);
    yyjson_val *args;
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "step");
    pawl_jw_i64(w, s->number);
    pawl_jw_key(w, "kind");
    pawl_jw_text(w, (size_t)s->kind < sizeof kinds / sizeof *kinds ? kinds[s->kind] : "other");
    pawl_jw_key(w, "name");
    pawl_jw_str(w, s->name);
    pawl_jw_key(w, "state");
    pawl_jw_text(w, s->state == PAWL_STEP_DONE ? "done" : s->state == PAWL_STEP_NOT_DONE ? "failed" : "open");
    if (t) pawl_jw_key(w, "effect"), pawl_jw_text(w, effects[t->effect]);
    if (s->kind == PAWL_STEP_TOOL && pawl_json_read(s->args, l->arena, &args, NULL) == PAWL_OK)
        pawl_jw_key(w, "args"), pawl_jw_value(w, args);
    if (s->result.p) pawl_jw_key(w, "result"), pawl_jw_raw(w, s->result);
    if (s->error_class) pawl_jw_key(w, "class"), pawl_jw_text(w, pawl_class_name(s->error_class));
    pawl_jw_close(w, '}');
}

/* {"steps": the last twenty, "run", "facts"} */
static yyjson_val *window(const struct pawl_guard_look *l)
{
    enum { WINDOW = 20 };
    const struct pawl_run *run = l->run;
    char id[PAWL_ID_TEXT];
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    yyjson_val *out = NULL;
    uint32_t begin = run->steps_count > WINDOW ? run->steps_count - WINDOW : 0;
    if (begin < run->steps_before) begin = run->steps_before;
    pawl_buf_init_arena(&b, l->arena);
    pawl_id_text(run->id, id);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "steps");
    pawl_jw_open(&w, '[');
    for (uint32_t i = begin; i < run->steps_count; i++)
        if (!run->steps[i]->aside) write_step(&w, l, run->steps[i]);
    pawl_jw_close(&w, ']');
    pawl_jw_key(&w, "run");
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "id");
    pawl_jw_text(&w, id);
    pawl_jw_key(&w, "agent");
    pawl_jw_str(&w, run->agent);
    pawl_jw_key(&w, "input");
    pawl_jw_raw(&w, run->input);
    pawl_jw_close(&w, '}');
    pawl_facts_write_all(run, NULL, &w);
    pawl_jw_close(&w, '}');
    return pawl_json_read(pawl_buf_done(&b), l->arena, &out, NULL) == PAWL_OK ? out : NULL;
}

static uint32_t own(const struct pawl_guard_look *l, const struct pawl_guard *g, struct pawl_guard_trip *out)
{
    yyjson_val *v = window(l);
    struct pawl_buf b;
    if (!v || pawl_schema_check(g->when, v, v, NULL) == PAWL_EINVAL) return 0; /* holds, or could not be told */
    out->from = l->run->steps_count ? l->run->steps_count : 1;
    pawl_buf_init_arena(&b, l->arena);
    pawl_buf_printf(&b, "the rule %.*s holds for the recent steps", (int)g->name.n, g->name.p);
    out->says = pawl_buf_done(&b);
    return 1;
}

uint32_t pawl_guard_count(const struct pawl_guard_look *l, const struct pawl_guard *g, struct pawl_guard_trip *out)
{
    const bool call = l->call != NULL;
    switch (g->rule) {
    case PAWL_GUARD_ERRORS: return call ? 0 : errors(l, g, out);
    case PAWL_GUARD_CHANGES: return call ? changes(l, g, out) : 0;
    case PAWL_GUARD_UNVERIFIED_DEPTH: return call ? 0 : unverified_depth(l, g, out);
    case PAWL_GUARD_SAME_CALL: return call ? same_call(l, g, out) : 0;
    case PAWL_GUARD_NO_PROGRESS: return call ? 0 : no_progress(l, g, out);
    case PAWL_GUARD_CONTRADICTION: return call ? 0 : pawl_fact_contradiction(l, g, out);
    case PAWL_GUARD_STALENESS: return call ? pawl_fact_stale(l, out) : 0;
    case PAWL_GUARD_CONFIDENCE: return call ? 0 : confidence(l, g, out);
    case PAWL_GUARD_UNVERIFIED_INPUT: return call ? pawl_fact_unverified(l, out) : 0;
    case PAWL_GUARD_EGRESS: return call ? egress(l, g, out) : 0;
    case PAWL_GUARD_OWN: return call ? 0 : own(l, g, out);
    case PAWL_GUARD_RULES: break;
    }
    return 0;
}
