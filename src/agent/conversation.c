/* src/agent/conversation.c - the messages of a run, made from its fold each time: nothing of a conversation is stored but
 * what each step added. The same fold gives the same bytes, so a provider's prompt cache hits and a resend is identical. */
#include "agent/agent.h"
#include "contract/json.h"

enum { LINE_BYTES = 256 }; /* an answer of so many is told in full: a line in its place would spare nothing */

struct list {
    struct pawl_arena *a;
    struct pawl_talk t;
    uint32_t size;
    const struct pawl_agent *agent;
    const struct pawl_run *run;
    const struct pawl_pruning *how;
};

static bool room(struct list *l, uint32_t size)
{
    struct pawl_message *m = pawl_arena_get(l->a, size * sizeof *m);
    uint32_t *whose = pawl_arena_get(l->a, size * sizeof *whose);
    if (!m || !whose) return false;
    for (uint32_t i = 0; i < l->t.count; i++) m[i] = l->t.messages[i], whose[i] = l->t.whose[i];
    l->t.messages = m;
    l->t.whose = whose;
    l->size = size;
    return true;
}

static void add(struct list *l, uint32_t whose, struct pawl_message m)
{
    if (l->t.count == l->size && !room(l, l->size * 2)) return;
    l->t.whose[l->t.count] = whose;
    l->t.messages[l->t.count++] = m;
}

static struct pawl_str fault_of(const struct pawl_agent *agent, struct pawl_str content, struct pawl_arena *a)
{
    struct pawl_schema_report report;
    struct pawl_error err;
    yyjson_val *v;
    struct pawl_buf b;
    pawl_error_clear(&err);
    pawl_buf_init_arena(&b, a);
    if (pawl_json_read(content, a, &v, &err)) {
        pawl_buf_printf(&b, "Your answer must be one JSON value that fits the output schema, and nothing else: %s %s",
                        err.where, err.what);
        return pawl_buf_done(&b);
    }
    if (pawl_schema_check(agent->output, v, NULL, &report) == PAWL_OK) return (struct pawl_str){NULL, 0};
    pawl_buf_text(&b, "Your answer does not fit the output schema:");
    for (uint32_t i = 0; i < report.count && i < PAWL_SCHEMA_ERRORS; i++)
        pawl_buf_printf(&b, "\n%s: %s", report.violations[i].instance[0] ? report.violations[i].instance : "/",
                        report.violations[i].says);
    return pawl_buf_done(&b);
}

struct pawl_str pawl_agent_output_fault(const struct pawl_agent *agent, struct pawl_str content, struct pawl_arena *a)
{
    return agent->output ? fault_of(agent, content, a) : (struct pawl_str){NULL, 0};
}

/* What its contract's checks found, and what has become of that. */
static struct pawl_str check_note(const struct pawl_step *s, struct pawl_arena *a)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, a);
    pawl_buf_text(&b, "this was done, and what came of it is not as it should be: ");
    pawl_buf_str(&b, s->check_says);
    pawl_buf_text(&b, s->undone_by     ? ". It has been undone since: it does not hold any more"
                      : s->undo_failed ? ". It could not be undone: it still holds"
                                       : ". It still holds: look before you go on");
    return pawl_buf_done(&b);
}

static const char *note_of(const struct pawl_step *s)
{
    if (s->undone_by) return "this was done, and has been undone since: it does not hold any more";
    if (s->differs) return "it was sent, but read back it is not as expected: look before you go on";
    if (s->answered) return "this was done before and was not sent again; here is the first result";
    return "a person changed the arguments before it was sent: this is what was done, and its result";
}

/* What the model is told of a call: its result, marked where nothing was sent; or the error, by class and sentence. */
struct pawl_str pawl_agent_told(const struct pawl_step *s, struct pawl_arena *a)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    yyjson_val *v;
    pawl_buf_init_arena(&b, a);
    if (s->state == PAWL_STEP_DONE && !s->answered && !s->differs && !s->note.p && !s->edited && !s->undone_by &&
        !s->check_says.p) { /* text goes as it is, other JSON as JSON */
        if (s->result.n == 0 || *s->result.p != '"') return s->result;
        return pawl_json_read(s->result, a, &v, NULL) == PAWL_OK ? pawl_json_value_str(v) : s->result;
    }
    pawl_jw_open(&w, '{');
    if (s->state != PAWL_STEP_DONE) {
        pawl_jw_key(&w, "error");
        pawl_jw_open(&w, '{');
        pawl_jw_key(&w, "class");
        pawl_jw_text(&w, pawl_class_name(s->error_class));
        pawl_jw_key(&w, "message");
        pawl_jw_str(&w, s->message);
        if (s->check_says.p && s->undone_by) pawl_jw_key(&w, "undone"), pawl_jw_bool(&w, true);
        pawl_jw_close(&w, '}');
        if (s->check_says.p) pawl_jw_key(&w, "result"), pawl_jw_raw(&w, s->result);
    } else {
        pawl_jw_key(&w, "note");
        if (s->note.p) pawl_jw_str(&w, s->note);
        else if (s->check_says.p) pawl_jw_str(&w, check_note(s, a));
        else pawl_jw_text(&w, note_of(s));
        pawl_jw_key(&w, "result");
        pawl_jw_raw(&w, s->result);
    }
    if (s->edited) { /* whatever became of it: it was not the call that the model made */
        pawl_jw_key(&w, "arguments_changed_by_a_person");
        pawl_jw_raw(&w, s->args);
    }
    pawl_jw_close(&w, '}');
    return pawl_buf_done(&b);
}

/* The line that stands for an answer which was left out: what it was, and how to get it back. */
static struct pawl_str stub(const struct pawl_step *s, struct pawl_str answer, struct pawl_arena *a)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, a);
    pawl_buf_printf(
        &b, "[left out to save room: what %.*s answered in step %u, %u bytes. recall {\"step\":%u} gives it again.]",
        s->name.n > 64 ? 64 : (int)s->name.n, s->name.p ? s->name.p : "", s->number, answer.n, s->number);
    return pawl_buf_done(&b);
}

static struct pawl_str answer_of(const struct list *l, const struct pawl_step *s)
{
    const struct pawl_str answer = pawl_agent_told(s, l->a);
    return s->number <= l->how->results_to && answer.n > LINE_BYTES ? stub(s, answer, l->a) : answer;
}

/* What the user said before the model step `number`; first: told already. */
static void add_turns(struct list *l, uint32_t number, uint32_t whose, bool first)
{
    const struct pawl_run *run = l->run;
    for (uint32_t i = first ? 1 : 0; i < run->turns_count; i++)
        if (run->turns[i].before_step == number)
            add(l, whose, (struct pawl_message){.role = PAWL_ROLE_USER, .content = run->turns[i].text});
}

/* What guards have to say, before the model step `number` that is behind step `after`. It says by whom it is: nobody is to
 * take it for the user's. */
static void add_notes(struct list *l, uint32_t after, uint32_t number)
{
    const struct pawl_run *run = l->run;
    for (uint32_t i = after; i + 1 < number && i < run->steps_count;
         i++) { /* a person has spoken in the model's place */
        const struct pawl_step *s = run->steps[i];
        if (s->kind != PAWL_STEP_GATE || !s->content.p || s->aside) continue;
        add(l, number, (struct pawl_message){.role = PAWL_ROLE_ASSISTANT, .content = s->content});
    }
    for (uint32_t i = 0; i < run->trips_count; i++) {
        const struct pawl_trip *t = &run->trips[i];
        struct pawl_buf b;
        if (t->aside || t->step <= after || t->step > number) continue;
        if (t->answer != PAWL_GUARD_TELL && t->answer != PAWL_GUARD_NARROW) continue;
        pawl_buf_init_arena(&b, l->a);
        pawl_buf_text(&b, "A note of the runtime, not of the user: ");
        pawl_buf_str(&b, t->says);
        pawl_buf_text(&b, t->answer == PAWL_GUARD_TELL
                              ? ". Look again before you go on."
                              : ". From here on only reads are open to you; look again, then say what you found.");
        add(l, number, (struct pawl_message){.role = PAWL_ROLE_USER, .content = pawl_buf_done(&b)});
    }
}

/* What a guard had read back, and is not as it was to be. */
static void add_looked_back(struct list *l, uint32_t after, uint32_t number)
{
    for (uint32_t i = 0; i < l->run->steps_count; i++) {
        const struct pawl_step *s = l->run->steps[i];
        struct pawl_buf b;
        if (s->looked_back < PAWL_LOOKED_DIFFERS || s->aside) continue;
        if (s->looked_back_before <= after || s->looked_back_before > number) continue;
        pawl_buf_init_arena(&b, l->a);
        pawl_buf_printf(&b,
                        "A note of the runtime, not of the user: nobody had read back what step %u (%.*s) changed. ",
                        s->number, s->name.n > 64 ? 64 : (int)s->name.n, s->name.p ? s->name.p : "");
        pawl_buf_text(&b, s->looked_back == PAWL_LOOKED_DIFFERS
                              ? "Read back now, it is not as expected: look before you go on."
                              : "It could not be read back now either: say so, or look another way.");
        add(l, number, (struct pawl_message){.role = PAWL_ROLE_USER, .content = pawl_buf_done(&b)});
    }
}

static int add_assistant(struct list *l, const struct pawl_step *model)
{
    struct pawl_call *calls = pawl_arena_get(l->a, (model->calls ? model->calls : 1) * sizeof *calls);
    if (!calls) return PAWL_ENOMEM;
    for (uint32_t i = 0; i < model->calls; i++) {
        const struct pawl_step *s = l->run->steps[model->number + i];
        calls[i] = (struct pawl_call){.id = s->call_id, .name = s->name, .arguments = s->said.p ? s->said : s->args};
    }
    add(l, model->number,
        (struct pawl_message){
            .role = PAWL_ROLE_ASSISTANT, .content = model->content, .calls = calls, .calls_count = model->calls});
    for (uint32_t i = 0; i < model->calls; i++) {
        const struct pawl_step *s = l->run->steps[model->number + i];
        add(l, model->number,
            (struct pawl_message){
                .role = PAWL_ROLE_TOOL, .content = answer_of(l, s), .call_id = s->call_id, .name = s->name});
    }
    if (model->calls == 0) {
        const struct pawl_str fault = pawl_agent_output_fault(l->agent, model->content, l->a);
        if (fault.p) add(l, model->number, (struct pawl_message){.role = PAWL_ROLE_USER, .content = fault});
    }
    return PAWL_OK;
}

/* As much of a text as `max` bytes hold, to the end of a character. */
static struct pawl_str head(struct pawl_str s, uint32_t max)
{
    if (s.n <= max) return s;
    while (max > 0 && ((unsigned char)s.p[max] & 0xC0) == 0x80) max--;
    return (struct pawl_str){s.p, max};
}

/* In the place of what was left out: a summary, in the voice of who made it, or a line that says so. true: the user's
 * first message is among it, and told before. */
static bool add_left_out(struct list *l)
{
    const struct pawl_run *run = l->run;
    const struct pawl_step *summary = pawl_run_step(run, l->how->summary);
    const bool first = l->agent->context.keep_first_user && run->turns_count > 0 && run->turns[0].before_step > 0 &&
                       run->turns[0].before_step <= l->how->left_out_to;
    uint32_t left_out = 0; /* of the model's messages */
    struct pawl_buf b;
    pawl_buf_init_arena(&b, l->a);
    for (uint32_t i = 0; i < l->how->left_out_to; i++)
        left_out +=
            run->steps[i]->kind == PAWL_STEP_MODEL && !run->steps[i]->aside && run->steps[i]->state == PAWL_STEP_DONE;
    if (first) add(l, 0, (struct pawl_message){.role = PAWL_ROLE_USER, .content = run->turns[0].text});
    if (summary) {
        pawl_buf_printf(&b, "[What was said and done up to step %u, summed up; recall gives single answers again.]\n",
                        summary->covers_to);
        pawl_buf_str(&b, head(summary->content, l->agent->context.limit_tokens / 4 * 3));
        add(l, 0,
            (struct pawl_message){.role = PAWL_ROLE_ASSISTANT, .content = pawl_buf_done(&b), .stands_for = left_out});
        if (summary->covers_to >= l->how->left_out_to) return first;
        left_out = 0;
        pawl_buf_init_arena(&b, l->a);
    }
    pawl_buf_printf(&b,
                    "[Left out to save room: what was said and done up to step %u. recall gives single answers again.]",
                    l->how->left_out_to);
    add(l, 0, (struct pawl_message){.role = PAWL_ROLE_USER, .content = pawl_buf_done(&b), .stands_for = left_out});
    return first;
}

int pawl_agent_talk(const struct pawl_agent *agent, const struct pawl_run *run, uint32_t number,
                    const struct pawl_pruning *how, struct pawl_arena *a, struct pawl_talk *out)
{
    struct list l = {.a = a, .agent = agent, .run = run, .how = how};
    int rc = PAWL_OK;
    bool first = false, any = false;  /* any: of what was read back */
    uint32_t last = how->left_out_to; /* the model's step before */
    for (uint32_t i = 0; i < run->steps_count; i++) any = any || run->steps[i]->looked_back >= PAWL_LOOKED_DIFFERS;
    if (!room(&l, 4 + run->turns_count + run->steps_count + run->trips_count))
        return PAWL_ENOMEM; /* most often it is not more */
    if (agent->instructions.n)
        add(&l, 0, (struct pawl_message){.role = PAWL_ROLE_SYSTEM, .content = agent->instructions});
    if (how->left_out_to) first = add_left_out(&l);
    for (uint32_t i = how->left_out_to; i + 1 < number && rc == PAWL_OK; i++) {
        const struct pawl_step *s = run->steps[i];
        if (s->kind != PAWL_STEP_MODEL || s->aside) continue;
        add_notes(&l, last, s->number);
        if (any) add_looked_back(&l, last, s->number);
        last = s->number;
        add_turns(&l, s->number, s->number, first);
        if (s->state == PAWL_STEP_DONE) rc = add_assistant(&l, s);
    }
    add_notes(&l, last, number);
    if (any) add_looked_back(&l, last, number);
    add_turns(&l, number, number, first);
    if (number > run->steps_count) add_turns(&l, 0, number, first); /* those that wait enter now */
    *out = l.t;
    return a->failed ? PAWL_ENOMEM : rc;
}
