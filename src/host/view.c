/* src/host/view.c - VIEW of docs/protocol.md. The fold tells what is; times, tries and who answered are read from the
 * records, because a fold keeps only the last of them. The sentence and the commands are in view_tell.c. */
#include "host/view.h"
#include "contract/schedule.h"
#include "contract/json.h"
#include "host/view_budget.h"
#include "host/view_tell.h"
#include <string.h>

struct
try { /* one attempt */
    struct try *next;
    int64_t attempt, at_ns, retry_at_ns;
    struct pawl_str model, class_name, applied, message;
};

struct heard { /* of a call that was accepted */
    struct heard *next;
    const char *what;
    int64_t at_ns;
    yyjson_val *body;
};

struct extra { /* what the fold does not keep of a step; by step number */
    struct try *tries, **tries_end;
    struct heard *heard, **heard_end;
    int64_t decided_ns, asked_ns, answered_ns, ms;
    yyjson_val *approvers, *verdict; /* verdict: what was heard of this opinion: {"said", "why"} */
    struct pawl_str then, answer, by, reason, from, verified, class_name;
    bool has_ms;
};

struct view {
    struct pawl_run *run;
    struct extra *extras; /* [steps_count + 1] */
    struct pawl_arena *arena;
    const struct pawl_config *config;
    struct pawl_str missing;
    struct pruned {
        struct pruned *next;
        const struct pawl_record *r;
        yyjson_val *body;
    } * pruned, **pruned_end; /* context.pruned */
    struct pawl_json_writer w;
};

static void raw(struct pawl_json_writer *w, const char *name, struct pawl_str json)
{
    if (!json.p) return;
    pawl_jw_key(w, name);
    pawl_jw_raw(w, json);
}

static void hash(struct pawl_json_writer *w, const char *name, struct pawl_hash h)
{
    char hex[65];
    pawl_hex(hex, h.b, sizeof h.b);
    pawl_jw_key(w, name);
    pawl_jw_text(w, hex);
}

/* A model's text that should be JSON: as JSON where it is, else as text. */
static void json_or_text(struct view *v, const char *name, struct pawl_str text)
{
    yyjson_val *value;
    if (!text.p) return;
    pawl_jw_key(&v->w, name);
    if (pawl_json_read(text, v->arena, &value, NULL) == PAWL_OK) pawl_jw_value(&v->w, value);
    else pawl_jw_str(&v->w, text);
}

/* ---- from the records ---- */

static struct try *add_try(struct view *v, struct extra *x, int64_t attempt, int64_t at_ns)
{
    struct try *t = pawl_arena_zeroed(v->arena, sizeof *t);
    if (!t) return NULL;
    t->attempt = attempt;
    t->at_ns = at_ns;
    if (!x->tries_end) x->tries_end = &x->tries;
    *x->tries_end = t;
    x->tries_end = &t->next;
    return t;
}

static struct try *last_try(struct extra *x)
{
    struct try *t = x->tries;
    while (t && t->next) t = t->next;
    return t;
}

static void take_attempt(struct view *v, struct extra *x, const struct pawl_record *r, yyjson_val *body)
{
    yyjson_val *ended = yyjson_obj_get(body, "ended");
    struct try *t = last_try(x);
    if (!ended) {
        t = add_try(v, x, pawl_json_i64(body, "attempt", t ? t->attempt + 1 : 1), r->at_ns);
        if (t) t->model = pawl_json_str(body, "model");
        return;
    }
    if (!t || t->class_name.p || t->applied.p) return; /* a second word on the same attempt: the first stands */
    t->applied = pawl_json_str(ended, "applied");
    t->class_name = pawl_json_str(ended, "class");
    t->message = pawl_json_str(ended, "message");
    t->retry_at_ns = pawl_json_i64(ended, "retry_at", 0);
}

static void take_heard(struct view *v, struct extra *x, const char *what, const struct pawl_record *r, yyjson_val *body)
{
    struct heard *h = pawl_arena_zeroed(v->arena, sizeof *h);
    if (!h) return;
    *h = (struct heard){.what = what, .at_ns = r->at_ns, .body = body};
    if (!x->heard_end) x->heard_end = &x->heard;
    *x->heard_end = h;
    x->heard_end = &h->next;
}

static void take_end(struct extra *x, const struct pawl_record *r, yyjson_val *body)
{
    struct try *t = last_try(x);
    x->ms = pawl_json_i64(body, "ms", 0);
    x->has_ms = true;
    x->from = pawl_json_str(body, "from");
    x->verified = pawl_json_str(body, "verified");
    if (r->kind != PAWL_STEP_FAILED || !t || t->class_name.p) return;
    t->class_name = pawl_json_str(body, "class");
    t->message = pawl_json_str(body, "message");
    t->applied = PAWL_STR("no");
    if (pawl_json_bool(body, "applied", false)) t->applied = PAWL_STR("yes");
}

/* What each opinion comes to is in the record of the call that they are about. */
static void take_verdicts(struct view *v, yyjson_val *body)
{
    yyjson_val *opinion;
    size_t i, n;
    yyjson_arr_foreach(yyjson_obj_get(body, "opinions"), i, n, opinion)
    {
        const int64_t step = pawl_json_i64(opinion, "step", 0);
        if (step > 0 && step <= v->run->steps_count) v->extras[step].verdict = opinion;
    }
}

static void take_pruned(struct view *v, const struct pawl_record *r, yyjson_val *body)
{
    struct pruned *p = pawl_arena_zeroed(v->arena, sizeof *p);
    if (!p) return;
    p->r = r;
    p->body = body;
    if (!v->pruned_end) v->pruned_end = &v->pruned;
    *v->pruned_end = p;
    v->pruned_end = &p->next;
}

static void take_record(struct view *v, const struct pawl_record *r, yyjson_val *body)
{
    struct extra *x = r->step && r->step <= v->run->steps_count ? &v->extras[r->step] : NULL;
    struct try *t;
    if (r->kind == PAWL_CONTEXT_PRUNED) take_pruned(v, r, body);
    if (!x) return;
    if (!x->decided_ns) x->decided_ns = r->at_ns;
    switch (r->kind) {
    case PAWL_STEP_INTENDED:
        if (!v->run->steps[r->step - 1]->awaits.p && !v->run->steps[r->step - 1]->is_child) add_try(v, x, 1, r->at_ns);
        break;
    case PAWL_STEP_ATTEMPTED: take_attempt(v, x, r, body); break;
    case PAWL_STEP_COMPLETED:
    case PAWL_STEP_FAILED: take_end(x, r, body); break;
    case PAWL_STEP_IN_DOUBT:
        t = last_try(x);
        if (t && !t->class_name.p) {
            t->class_name = pawl_json_str(body, "class");
            t->applied = pawl_json_str(body, "applied");
            t->message = pawl_json_str(body, "message");
        }
        break;
    case PAWL_OPINION_JUDGED: take_verdicts(v, body); break;
    case PAWL_STEP_ACCEPTED: take_heard(v, x, "accepted", r, body); break;
    case PAWL_STEP_POLLED: take_heard(v, x, "polled", r, body); break;
    case PAWL_STEP_CALLED: take_heard(v, x, "called", r, body); break;
    case PAWL_NOTE:
        if (pawl_json_str(body, "late").p) take_heard(v, x, "late", r, body);
        break;
    case PAWL_GATE_ASKED:
        x->asked_ns = r->at_ns;
        x->then = pawl_json_str(body, "then");
        x->approvers = yyjson_obj_get(body, "approvers");
        x->answer = (struct pawl_str){NULL, 0};
        break;
    case PAWL_GATE_ANSWERED:
    case PAWL_STEP_RESOLVED:
        x->answered_ns = r->at_ns;
        x->answer = pawl_json_str(body, r->kind == PAWL_GATE_ANSWERED ? "answer" : "how");
        x->by = pawl_json_str(body, "by");
        x->reason = pawl_json_str(body, "reason");
        break;
    default: break;
    }
}

/* Steps that a model decided began when its answer was recorded. */
static void decided_times(struct view *v, const struct pawl_record *records, uint32_t count)
{
    for (uint32_t i = 0; i < v->run->steps_count; i++) {
        const uint64_t seq = v->run->steps[i]->decided_seq;
        if (seq && seq <= count) v->extras[i + 1].decided_ns = records[seq - 1].at_ns;
    }
}

static int read_records(struct view *v, const struct pawl_record *records, uint32_t count, yyjson_val **last,
                        struct pawl_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        yyjson_val *body = NULL;
        const int rc = pawl_json_read(records[i].body, v->arena, &body, err);
        if (rc) return rc;
        take_record(v, &records[i], body);
        *last = body;
    }
    decided_times(v, records, count);
    return v->arena->failed ? PAWL_ENOMEM : PAWL_OK;
}

/* ---- a step ---- */

static const char *state_word(enum pawl_step_state s)
{
    switch (s) {
    case PAWL_STEP_DECIDED: return "decided";
    case PAWL_STEP_ASKED: return "asked";
    case PAWL_STEP_APPROVED: return "approved";
    case PAWL_STEP_INTENDED_STATE: return "intended";
    case PAWL_STEP_DOUBT: return "in_doubt";
    case PAWL_STEP_DONE: return "done";
    case PAWL_STEP_NOT_DONE: return "failed";
    }
    return "unknown";
}

static void model_answer(struct view *v, const struct pawl_step *s)
{
    yyjson_val *root, *calls, *call;
    size_t i, n;
    if (!s->result.p || pawl_json_read(s->result, v->arena, &root, NULL)) return;
    pawl_jw_put_str(&v->w, "said", pawl_json_str(root, "content"));
    calls = yyjson_obj_get(root, "tool_calls");
    if (!yyjson_arr_size(calls)) return;
    pawl_jw_key(&v->w, "calls");
    pawl_jw_open(&v->w, '[');
    yyjson_arr_foreach(calls, i, n, call)
    {
        pawl_jw_open(&v->w, '{');
        pawl_jw_put_str(&v->w, "name", pawl_json_str(call, "name"));
        json_or_text(v, "args", pawl_json_str(call, "arguments"));
        pawl_jw_close(&v->w, '}');
    }
    pawl_jw_close(&v->w, ']');
}

static void write_tries(struct view *v, const struct extra *x)
{
    struct pawl_json_writer *w = &v->w;
    pawl_jw_key(w, "tries");
    pawl_jw_open(w, '[');
    for (const struct try *t = x->tries; t; t = t->next) {
        pawl_jw_open(w, '{');
        pawl_jw_put_i64(w, "attempt", t->attempt);
        pawl_jw_put_i64(w, "at_ns", t->at_ns);
        if (t->model.n) pawl_jw_put_str(w, "model", t->model);
        if (t->class_name.n) pawl_jw_put_str(w, "class", t->class_name);
        pawl_jw_put_str(w, "applied", t->applied);
        if (t->message.n) pawl_jw_put_str(w, "message", t->message);
        if (t->retry_at_ns) pawl_jw_put_i64(w, "retry_at_ns", t->retry_at_ns);
        pawl_jw_close(w, '}');
    }
    pawl_jw_close(w, ']');
}

static void write_heard(struct view *v, const struct extra *x)
{
    static const char *const names[] = {"monitor", "callback", "word",      "gone", "says",
                                        "message", "result",   "at_result", "stop", "cancelled"},
                             *const times[][2] = {{"until", "until_ns"},
                                                  {"poll_at", "poll_at_ns"},
                                                  {"not_before", "not_before_ns"}};
    struct pawl_json_writer *w = &v->w;
    if (!x->heard) return;
    pawl_jw_key(w, "heard");
    pawl_jw_open(w, '[');
    for (const struct heard *h = x->heard; h; h = h->next) {
        pawl_jw_open(w, '{');
        pawl_jw_put_str(w, "what", pawl_str_of(h->what));
        pawl_jw_put_i64(w, "at_ns", h->at_ns);
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            yyjson_val *value = yyjson_obj_get(h->body, names[i]);
            if (value) pawl_jw_key(w, names[i]), pawl_jw_value(w, value);
        }
        for (size_t i = 0; i < sizeof times / sizeof *times; i++)
            if (yyjson_obj_get(h->body, times[i][0]))
                pawl_jw_put_i64(w, times[i][1], pawl_json_i64(h->body, times[i][0], 0));
        pawl_jw_close(w, '}');
    }
    pawl_jw_close(w, ']');
}

static void write_yes(struct view *v, const struct pawl_step *s)
{
    pawl_jw_key(&v->w, "yes");
    pawl_jw_open(&v->w, '[');
    for (uint32_t i = 0; i < s->yes_count; i++)
        if (s->yes[i].p) pawl_jw_str(&v->w, s->yes[i]);
    pawl_jw_close(&v->w, ']');
}

/* What the model said when it decided this call; {NULL,0}: nothing. */
static struct pawl_str because(const struct view *v, const struct pawl_step *s)
{
    for (uint32_t i = s->number - 1; s->kind == PAWL_STEP_TOOL && i-- > 0;)
        if (v->run->steps[i]->kind == PAWL_STEP_MODEL)
            return v->run->steps[i]->content.n ? v->run->steps[i]->content : (struct pawl_str){NULL, 0};
    return (struct pawl_str){NULL, 0};
}

static void write_question(struct view *v, const struct pawl_step *s, const struct extra *x)
{
    struct pawl_json_writer *w = &v->w;
    if (x->asked_ns) {
        pawl_jw_key(w, "asked");
        pawl_jw_open(w, '{');
        pawl_jw_key(w, "why");
        pawl_jw_open(w, '[');
        for (uint32_t bit = 1; bit <= PAWL_WHY_LAST; bit <<= 1)
            if (s->why & bit) pawl_jw_text(w, pawl_why_word(bit));
        pawl_jw_close(w, ']');
        pawl_jw_put_str(w, "says", s->says);
        if (s->quorum > 1) pawl_jw_put_i64(w, "quorum", s->quorum);
        if (x->approvers) pawl_jw_key(w, "approvers"), pawl_jw_value(w, x->approvers);
        if (s->quorum > 1) write_yes(v, s);
        pawl_jw_put_str(w, "because", because(v, s));
        if (s->expires_ns != PAWL_NEVER) pawl_jw_put_i64(w, "expires_ns", s->expires_ns);
        hash(w, "digest", s->asked_digest);
        if (x->then.n) pawl_jw_put_str(w, "then", x->then);
        pawl_jw_put_i64(w, "at_ns", x->asked_ns);
        pawl_jw_close(w, '}');
    }
    if (x->answer.p) {
        pawl_jw_key(w, "answered");
        pawl_jw_open(w, '{');
        pawl_jw_put_str(w, "answer", x->answer);
        pawl_jw_put_str(w, "by", x->by);
        pawl_jw_put_str(w, "reason", x->reason);
        pawl_jw_put_i64(w, "at_ns", x->answered_ns);
        pawl_jw_close(w, '}');
    }
}

static void write_first(struct view *v, const struct pawl_step *s)
{
    char id[PAWL_ID_TEXT];
    if (!s->first_step) return;
    pawl_id_text(s->first_run, id);
    pawl_jw_key(&v->w, "first");
    pawl_jw_open(&v->w, '{');
    pawl_jw_key(&v->w, "run");
    pawl_jw_text(&v->w, id);
    pawl_jw_put_i64(&v->w, "step", s->first_step);
    if (pawl_id_eq(s->first_run, v->run->id)) pawl_jw_key(&v->w, "here"), pawl_jw_bool(&v->w, true);
    pawl_jw_close(&v->w, '}');
    if (s->answered && pawl_id_eq(s->first_run, v->run->id)) pawl_jw_put_i64(&v->w, "same_as", s->first_step);
}

static void write_times(struct view *v, const struct pawl_step *s, const struct extra *x)
{
    pawl_jw_put_i64(&v->w, "decided_ns", x->decided_ns);
    if (s->intended_seq) pawl_jw_put_i64(&v->w, "intended_ns", s->intended_at_ns);
    if (!s->ended_seq) return;
    pawl_jw_put_i64(&v->w, "ended_ns", s->ended_at_ns);
    if (s->intended_seq) pawl_jw_put_i64(&v->w, "ms", (s->ended_at_ns - s->intended_at_ns) / 1000000);
    else if (x->has_ms) pawl_jw_put_i64(&v->w, "ms", x->ms);
}

static void write_flags(struct view *v, const struct pawl_step *s, const struct extra *x)
{
    static const char *const flags[] = {"undone", "undo_failed", "applied", "aside", "edited"};
    const bool set[] = {s->undone, s->undo_failed, s->applied && !pawl_step_asks_model(s), s->aside, s->edited};
    if (x->from.n) pawl_jw_put_str(&v->w, "from", x->from);
    if (x->verified.n) pawl_jw_put_str(&v->w, "verified", x->verified);
    if (s->note.n) pawl_jw_put_str(&v->w, "note", s->note);
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        if (set[i]) pawl_jw_key(&v->w, flags[i]), pawl_jw_bool(&v->w, true);
    static const char *const looked[] = {"", "yes", "differs", "could not be told"};
    if (s->looked_back) {
        pawl_jw_put_str(&v->w, "looked_back", pawl_str_of(looked[s->looked_back]));
        pawl_jw_put_i64(&v->w, "looked_back_before", s->looked_back_before);
    }
    raw(&v->w, "checks", s->checks);
    raw(&v->w, "before", s->before);
    raw(&v->w, "after", s->after);
    if (s->undoes) pawl_jw_put_i64(&v->w, "undoes", s->undoes);
    if (s->opines_on) pawl_jw_put_i64(&v->w, "on", s->opines_on);
    if (x->verdict) {
        pawl_jw_put_str(&v->w, "verdict", pawl_json_str(x->verdict, "said"));
        if (pawl_json_str(x->verdict, "why").n) pawl_jw_put_str(&v->w, "reason", pawl_json_str(x->verdict, "why"));
    }
    if (s->judged) {
        pawl_jw_key(&v->w, "opinion");
        pawl_jw_open(&v->w, '{');
        pawl_jw_key(&v->w, "agree");
        pawl_jw_bool(&v->w, s->agreed);
        pawl_jw_put_str(&v->w, "says", s->opinion_says);
        pawl_jw_close(&v->w, '}');
    }
}

static bool is_run(struct pawl_id id)
{
    static const struct pawl_id none;
    return !pawl_id_eq(id, none);
}

/* The run that it started: whose, which. */
static void write_child(struct view *v, const struct pawl_step *s, const struct pawl_tool *tool)
{
    char id[PAWL_ID_TEXT];
    if (!is_run(s->child)) return;
    pawl_id_text(s->child, id);
    pawl_jw_key(&v->w, "child");
    pawl_jw_open(&v->w, '{');
    pawl_jw_put_str(&v->w, "run", pawl_str_of(id));
    if (tool) pawl_jw_put_str(&v->w, "agent", tool->child);
    pawl_jw_close(&v->w, '}');
}

static void write_step(struct view *v, const struct pawl_step *s)
{
    static const char *const kinds[] = {"", "model", "tool", "undo", "gate", "summary", "opinion"};
    static const char *const effects[] = {"read", "idempotent", "mutate", "irreversible"};
    const struct pawl_hash none = {{0}};
    const struct pawl_tool *tool = v->config && !pawl_step_asks_model(s) && s->kind != PAWL_STEP_GATE
                                       ? pawl_config_tool(v->config, s->name)
                                       : NULL;
    const struct extra *x = &v->extras[s->number];
    struct pawl_json_writer *w = &v->w;
    pawl_jw_open(w, '{');
    pawl_jw_put_i64(w, "step", s->number);
    pawl_jw_put_str(w, "kind",
                    pawl_str_of(s->awaits.p                                ? "wait"
                                : s->is_child && s->kind == PAWL_STEP_TOOL ? "child"
                                                                           : kinds[s->kind]));
    pawl_jw_put_str(w, "name", s->name);
    pawl_jw_put_str(w, "state", pawl_str_of(state_word(s->state)));
    json_or_text(v, "args", s->args);
    json_or_text(v, "args_said", s->said);
    pawl_jw_put_str(w, "call_id", s->call_id);
    if (s->key[0]) pawl_jw_put_str(w, "key", pawl_str_of(s->key));
    if (s->generation) pawl_jw_put_i64(w, "generation", s->generation);
    if (memcmp(&s->digest, &none, sizeof none) != 0) hash(w, "digest", s->digest);
    pawl_jw_put_str(w, "awaits", s->awaits);
    write_child(v, s, tool);
    if (s->awaits.p && tool && !pawl_step_ended(s)) pawl_jw_put_i64(w, "until_ns", s->intended_at_ns + tool->signal_ns);
    if (tool) pawl_jw_put_str(w, "effect", pawl_str_of(effects[tool->effect]));
    raw(w, "request", s->request);
    if (pawl_step_asks_model(s)) model_answer(v, s);
    else raw(w, "result", s->result);
    if (s->error_class) pawl_jw_put_str(w, "class", pawl_str_of(pawl_class_name(s->error_class)));
    if (s->message.n) pawl_jw_put_str(w, "message", s->message);
    pawl_jw_put_i64(w, "attempts", s->attempts);
    write_tries(v, x);
    write_heard(v, x);
    write_times(v, s, x);
    write_question(v, s, x);
    write_first(v, s);
    write_flags(v, s, x);
    if (s->kind == PAWL_STEP_MODEL) pawl_view_step_budget(s, w);
    pawl_jw_close(w, '}');
}

/* ---- the run ---- */

static void write_turns(struct view *v)
{
    struct pawl_json_writer *w = &v->w;
    pawl_jw_key(w, "turns");
    pawl_jw_open(w, '[');
    for (uint32_t i = 0; i < v->run->turns_count; i++) {
        const struct pawl_turn_text *t = &v->run->turns[i];
        pawl_jw_open(w, '{');
        pawl_jw_put_str(w, "text", t->text);
        pawl_jw_put_i64(w, "seq", (int64_t)t->seq);
        pawl_jw_put_i64(w, "before_step", t->before_step);
        pawl_jw_close(w, '}');
    }
    pawl_jw_close(w, ']');
}

/* What came, and who took it. */
static void write_signals(struct view *v)
{
    struct pawl_json_writer *w = &v->w;
    if (!v->run->signals_count) return;
    pawl_jw_key(w, "signals");
    pawl_jw_open(w, '[');
    for (uint32_t i = 0; i < v->run->signals_count; i++) {
        const struct pawl_signal *g = &v->run->signals[i];
        pawl_jw_open(w, '{');
        pawl_jw_put_str(w, "name", g->name);
        pawl_jw_put_str(w, "key", g->key);
        raw(w, "payload", g->payload);
        pawl_jw_put_i64(w, "seq", (int64_t)g->seq);
        if (g->taken_by) pawl_jw_put_i64(w, "taken_by", g->taken_by);
        pawl_jw_close(w, '}');
    }
    pawl_jw_close(w, ']');
}

/* How the conversation was brought under its limit: {"seq", "at_ns", "before_step"} and what the record says. */
static void write_pruned(struct view *v)
{
    struct pawl_json_writer *w = &v->w;
    yyjson_val *name, *value;
    size_t i, n;
    if (!v->pruned) return;
    pawl_jw_key(w, "pruned");
    pawl_jw_open(w, '[');
    for (const struct pruned *p = v->pruned; p; p = p->next) {
        pawl_jw_open(w, '{');
        pawl_jw_put_i64(w, "seq", (int64_t)p->r->seq);
        pawl_jw_put_i64(w, "at_ns", p->r->at_ns);
        for (uint32_t k = 0; k < v->run->prunings_count; k++)
            if (v->run->prunings[k].seq == p->r->seq) pawl_jw_put_i64(w, "before_step", v->run->prunings[k].step);
        yyjson_obj_foreach(p->body, i, n, name, value)
        {
            pawl_jw_key_str(w, pawl_json_value_str(name));
            pawl_jw_value(w, value);
        }
        pawl_jw_close(w, '}');
    }
    pawl_jw_close(w, ']');
}

/* Is there anything that a tool could undo? */
static bool can_undo(const struct view *v)
{
    for (uint32_t i = 0; v->config && i < v->run->steps_count; i++) {
        const struct pawl_step *s = v->run->steps[i];
        const struct pawl_tool *t = s->kind == PAWL_STEP_TOOL ? pawl_config_tool(v->config, s->name) : NULL;
        if (t && (t->undo_tool.p || t->driver == PAWL_DRIVER_AGENT) && t->effect != PAWL_EFFECT_READ && s->applied &&
            !s->undone && !s->stop)
            return true;
    }
    return false;
}

static void write_run(struct view *v, const struct pawl_head *head, yyjson_val *last)
{
    const struct pawl_run *run = v->run;
    struct pawl_told told = pawl_view_state(run, head);
    struct pawl_json_writer *w = &v->w;
    char id[PAWL_ID_TEXT];
    told.usable = v->config != NULL;
    told.missing = v->missing;
    told.undo = can_undo(v);
    pawl_id_text(run->id, id);
    pawl_jw_open(w, '{');
    pawl_jw_put_str(w, "run", pawl_str_of(id));
    pawl_jw_put_str(w, "agent", run->agent);
    pawl_jw_put_str(w, "key", run->key);
    raw(w, "input", run->input);
    if (run->parent_step) {
        char parent[PAWL_ID_TEXT];
        pawl_id_text(run->parent, parent);
        pawl_jw_key(w, "parent");
        pawl_jw_open(w, '{');
        pawl_jw_put_str(w, "run", pawl_str_of(parent));
        pawl_jw_put_i64(w, "step", run->parent_step);
        if (run->deadline_ns) pawl_jw_put_i64(w, "deadline_ns", run->deadline_ns);
        if (run->ends_ns) pawl_jw_put_i64(w, "ends_ns", run->ends_ns);
        pawl_jw_close(w, '}');
    }
    if (run->schedule.p) {
        char slot[PAWL_SCHEDULE_SLOT_TEXT];
        pawl_slot_text(run->slot_ns, slot);
        pawl_jw_key(w, "schedule");
        pawl_jw_open(w, '{');
        pawl_jw_put_str(w, "name", run->schedule);
        if (run->slot_ns) pawl_jw_put_str(w, "slot", pawl_str_of(slot));
        pawl_jw_close(w, '}');
    }
    pawl_jw_key(w, "chat");
    pawl_jw_bool(w, run->chat);
    pawl_jw_put_str(w, "status", pawl_str_of(told.status));
    if (told.waiting[0]) pawl_jw_put_str(w, "waiting", pawl_str_of(told.waiting));
    pawl_jw_put_i64(w, "created_ns", run->created_ns);
    if (run->ended) pawl_jw_put_i64(w, "ended_ns", run->at_ns);
    pawl_jw_put_i64(w, "active_ns", head->active_ns);
    pawl_jw_put_i64(w, "lives", (int64_t)head->deaths + 1);
    pawl_jw_put_i64(w, "seq", (int64_t)run->seq);
    if (run->retries) pawl_jw_put_i64(w, "retries", run->retries);
    raw(w, "output", run->output);
    if (run->error_class) pawl_jw_put_str(w, "class", pawl_str_of(pawl_class_name(run->error_class)));
    if (run->message.n) pawl_jw_put_str(w, "message", run->message);
    pawl_view_budget(run, v->config, v->arena, w);
    pawl_view_sentence(run, &told, v->arena, w);
    pawl_view_next(run, &told, w);
    pawl_jw_key(w, "steps");
    pawl_jw_open(w, '[');
    for (uint32_t i = 0; i < run->steps_count; i++) write_step(v, run->steps[i]);
    pawl_jw_close(w, ']');
    write_turns(v);
    write_signals(v);
    pawl_view_guards(run, w);
    pawl_view_facts(run, w);
    write_pruned(v);
    if (run->ended && yyjson_obj_get(last, "not_undone")) {
        pawl_jw_key(w, "not_undone");
        pawl_jw_value(w, yyjson_obj_get(last, "not_undone"));
    }
    pawl_jw_close(w, '}');
}

int pawl_view_write(const struct pawl_config *config, struct pawl_str missing, const struct pawl_head *head,
                    const struct pawl_record *records, uint32_t count, struct pawl_buf *out, struct pawl_error *err)
{
    struct pawl_arena arena;
    struct pawl_run run;
    struct view v = {.run = &run, .arena = &arena, .config = config, .missing = missing, .w = {.out = out}};
    yyjson_val *last = NULL;
    int rc;
    if (count == 0) return pawl_fail(err, PAWL_ECORRUPT, "", "pawl verify", "a run without records");
    pawl_arena_init(&arena, out->arena ? out->arena->from : out->from);
    rc = pawl_run_init(&run, &arena);
    for (uint32_t i = 0; i < count && rc == PAWL_OK; i++) rc = pawl_run_fold(&run, &records[i], err);
    if (rc == PAWL_OK) {
        v.extras = pawl_arena_zeroed(&arena, (run.steps_count + 1) * sizeof *v.extras);
        rc = v.extras ? read_records(&v, records, count, &last, err) : PAWL_ENOMEM;
    }
    if (rc == PAWL_OK) {
        write_run(&v, head, last);
        if (arena.failed || out->failed) rc = PAWL_ENOMEM;
    }
    pawl_arena_fini(&arena);
    return rc;
}
