/* src/agent/conversation.c - the messages of a run, made from its fold each time: nothing of a conversation is stored but
 * what each step added. The same fold gives the same bytes, so a provider's prompt cache hits and a resend is identical. */
#include "agent/agent.h"
#include "contract/json.h"

struct list {
    struct pawl_arena *a;
    struct pawl_message *messages;
    uint32_t count, size;
};

static void add(struct list *l, struct pawl_message m)
{
    if (l->count == l->size) {
        const uint32_t size = l->size ? l->size * 2 : 16;
        struct pawl_message *p = pawl_arena_get(l->a, size * sizeof *p);
        if (!p) return;
        for (uint32_t i = 0; i < l->count; i++) p[i] = l->messages[i];
        l->messages = p;
        l->size = size;
    }
    l->messages[l->count++] = m;
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

static const char *note_of(const struct pawl_step *s)
{
    if (s->undone_by) return "this was done, and has been undone since: it does not hold any more";
    if (s->differs) return "it was sent, but read back it is not as expected: look before you go on";
    if (s->answered) return "this was done before and was not sent again; here is the first result";
    return "a person changed the arguments before it was sent: this is what was done, and its result";
}

/* What the model is told of a call: its result, marked where nothing was sent; or the error, by class and sentence. */
static struct pawl_str told(const struct pawl_step *s, struct pawl_arena *a)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    yyjson_val *v;
    pawl_buf_init_arena(&b, a);
    if (s->state == PAWL_STEP_DONE && !s->answered && !s->differs && !s->note.p && !s->edited &&
        !s->undone_by) { /* text goes as it is, other JSON as JSON */
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
        pawl_jw_close(&w, '}');
    } else {
        pawl_jw_key(&w, "note");
        if (s->note.p) pawl_jw_str(&w, s->note);
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

static void add_turns(struct list *l, const struct pawl_run *run, uint32_t number)
{
    for (uint32_t i = 0; i < run->turns_count; i++)
        if (run->turns[i].before_step == number)
            add(l, (struct pawl_message){.role = PAWL_ROLE_USER, .content = run->turns[i].text});
}

/* What guards have to say, before the model step `number` that is behind step `after`. It says by whom it is: nobody is to
 * take it for the user's. */
static void add_notes(struct list *l, const struct pawl_run *run, uint32_t after, uint32_t number)
{
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
        add(l, (struct pawl_message){.role = PAWL_ROLE_USER, .content = pawl_buf_done(&b)});
    }
}

static int add_assistant(struct list *l, const struct pawl_agent *agent, const struct pawl_run *run,
                         const struct pawl_step *model)
{
    struct pawl_call *calls = pawl_arena_get(l->a, (model->calls ? model->calls : 1) * sizeof *calls);
    if (!calls) return PAWL_ENOMEM;
    for (uint32_t i = 0; i < model->calls; i++) {
        const struct pawl_step *s = run->steps[model->number + i];
        calls[i] = (struct pawl_call){.id = s->call_id, .name = s->name, .arguments = s->said.p ? s->said : s->args};
    }
    add(l, (struct pawl_message){
               .role = PAWL_ROLE_ASSISTANT, .content = model->content, .calls = calls, .calls_count = model->calls});
    for (uint32_t i = 0; i < model->calls; i++) {
        const struct pawl_step *s = run->steps[model->number + i];
        add(l, (struct pawl_message){
                   .role = PAWL_ROLE_TOOL, .content = told(s, l->a), .call_id = s->call_id, .name = s->name});
    }
    if (model->calls == 0) {
        const struct pawl_str fault = pawl_agent_output_fault(agent, model->content, l->a);
        if (fault.p) add(l, (struct pawl_message){.role = PAWL_ROLE_USER, .content = fault});
    }
    return PAWL_OK;
}

int pawl_agent_conversation(const struct pawl_agent *agent, const struct pawl_run *run, uint32_t number,
                            struct pawl_arena *a, const struct pawl_message **messages, uint32_t *count)
{
    uint32_t last = 0; /* the model's step before */
    struct list l = {.a = a,
                     .size =
                         2 + run->turns_count + run->steps_count + run->trips_count}; /* most often it is not more */
    int rc = PAWL_OK;
    l.messages = pawl_arena_get(a, l.size * sizeof *l.messages);
    if (!l.messages) return PAWL_ENOMEM;
    if (agent->instructions.n) add(&l, (struct pawl_message){.role = PAWL_ROLE_SYSTEM, .content = agent->instructions});
    for (uint32_t i = 0; i + 1 < number && rc == PAWL_OK; i++) {
        const struct pawl_step *s = run->steps[i];
        if (s->kind != PAWL_STEP_MODEL || s->aside) continue;
        add_notes(&l, run, last, s->number);
        last = s->number;
        add_turns(&l, run, s->number);
        if (s->state == PAWL_STEP_DONE) rc = add_assistant(&l, agent, run, s);
    }
    add_notes(&l, run, last, number);
    add_turns(&l, run, number);
    if (number > run->steps_count) add_turns(&l, run, 0); /* those that wait enter now */
    *messages = l.messages;
    *count = l.count;
    return a->failed ? PAWL_ENOMEM : rc;
}
