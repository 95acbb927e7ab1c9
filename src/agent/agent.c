/* src/agent/agent.c - what comes next in a run that a model leads. Every ending has a type: never a quiet "done". */
#include "agent/agent.h"
#include "contract/json.h"

void pawl_agent_asks(const struct pawl_config *config, const struct pawl_agent *agent, const struct pawl_talk *t,
                     struct pawl_decision *out)
{
    out->what = PAWL_DECIDE_MODEL;
    out->model = pawl_config_model(config, agent->model);
    out->messages = t->messages;
    out->messages_count = t->count;
    out->tools = agent->tools;
    out->tools_count = agent->tools_count;
    out->output_json = agent->output_json;
    out->told_bytes = agent->context.limit_tokens ? pawl_agent_bytes(agent, t) : 0;
}

static int end(struct pawl_decision *out, enum pawl_status status, enum pawl_class c, struct pawl_str message)
{
    out->what = PAWL_DECIDE_END;
    out->status = status;
    out->error_class = c;
    out->message = message;
    return PAWL_OK;
}

/* The conversation as it is told by now, whatever its length. */
static int ask_in_full(const struct pawl_config *config, const struct pawl_agent *agent, const struct pawl_run *run,
                       uint32_t number, struct pawl_arena *a, struct pawl_decision *out)
{
    const struct pawl_pruning how = pawl_run_pruning(run, number);
    struct pawl_talk t;
    const int rc = pawl_agent_talk(agent, run, number, &how, a, &t);
    if (rc) return rc;
    pawl_agent_asks(config, agent, &t, out);
    return PAWL_OK;
}

int pawl_agent_ask(const struct pawl_config *config, const struct pawl_run *run, const struct pawl_step *step,
                   struct pawl_arena *a, struct pawl_decision *out)
{
    const struct pawl_agent *agent = pawl_config_agent(config, run->agent);
    *out = (struct pawl_decision){.what = PAWL_DECIDE_NOTHING};
    if (!agent || !pawl_config_model(config, agent->model)) return PAWL_EINVAL;
    if (step->kind == PAWL_STEP_OPINION) return pawl_agent_opinion(config, run, step, a, out);
    if (step->kind == PAWL_STEP_SUMMARY) return pawl_agent_summary(config, agent, run, step, a, out);
    return ask_in_full(config, agent, run, step->number, a, out);
}

/* A person is asked for more of them before anything else is done. */
static bool steps_spent(const struct pawl_agent *agent, const struct pawl_run *run)
{
    int64_t left = agent->steps_max + run->spending.of[PAWL_GRANTED][PAWL_BUDGET_STEPS] + run->steps_before;
    for (uint32_t i = 0; i < run->steps_count; i++)
        left -= i < run->steps_before || run->steps[i]->kind != PAWL_STEP_GATE;
    return left <= 0;
}

static int ask_model(const struct pawl_config *config, const struct pawl_agent *agent, const struct pawl_run *run,
                     uint32_t number, struct pawl_arena *a, struct pawl_decision *out)
{
    /* where a person may give more, the stage judges (policy/shortage.c) */
    if (!agent->exhausted.ask && number > run->steps_count && run->steps_count - run->steps_before >= agent->steps_max)
        return end(out, PAWL_FAILED_RUN, PAWL_CLASS_BUDGET_EXCEEDED,
                   PAWL_STR("the limit of steps (budget.steps) is reached"));
    if (agent->context.limit_tokens && number > run->steps_count && !steps_spent(agent, run))
        return pawl_agent_fit(config, agent, run, number, a, out);
    return ask_in_full(config, agent, run, number, a, out);
}

static bool is_bad(const struct pawl_step *s)
{
    return s->error_class == PAWL_CLASS_UNKNOWN_TOOL || s->error_class == PAWL_CLASS_BAD_ARGUMENTS;
}

/* Part of the conversation: no undo, no question, and not set aside. */
static bool counts(const struct pawl_step *s)
{
    return (s->kind == PAWL_STEP_MODEL || s->kind == PAWL_STEP_TOOL) && !s->aside;
}

/* A question about the run that was answered with a no, behind the last that the model did; NULL: none. */
static const struct pawl_step *refused(const struct pawl_run *run)
{
    for (uint32_t i = run->steps_count; i-- > run->steps_before && !counts(run->steps[i]);) {
        const struct pawl_step *s = run->steps[i];
        if (s->kind == PAWL_STEP_GATE && s->state == PAWL_STEP_NOT_DONE && !s->aside) return s;
    }
    return NULL;
}

static const struct pawl_step *last_step(const struct pawl_run *run)
{
    for (uint32_t i = run->steps_count; i-- > 0;)
        if (counts(run->steps[i])) return run->steps[i];
    return NULL;
}

/* How many rounds at the end were nothing but unknown tools and bad arguments. */
static uint32_t bad_rounds(const struct pawl_run *run)
{
    uint32_t rounds = 0;
    bool any = false;
    for (uint32_t i = run->steps_count; i-- > 0;) {
        const struct pawl_step *s = run->steps[i];
        if (!counts(s)) continue;
        if (s->kind == PAWL_STEP_TOOL) {
            if (!is_bad(s)) return rounds;
            any = true;
        } else if (any) {
            rounds++;
            any = false;
        }
    }
    return rounds;
}

/* How many final answers since the user last spoke did not fit the output schema. */
static uint32_t bad_outputs(const struct pawl_agent *agent, const struct pawl_run *run, struct pawl_arena *a)
{
    uint32_t count = 0;
    for (uint32_t i = run->steps_count; i-- > 0;) {
        const struct pawl_step *s = run->steps[i];
        if (!counts(s)) continue;
        if (s->kind != PAWL_STEP_MODEL || s->state != PAWL_STEP_DONE || s->calls) break;
        if (!pawl_agent_output_fault(agent, s->content, a).p) break;
        count++;
    }
    return count;
}

/* The model has answered and calls nothing. */
static int answered(const struct pawl_config *config, const struct pawl_agent *agent, const struct pawl_run *run,
                    const struct pawl_step *said, struct pawl_arena *a, struct pawl_decision *out)
{
    const uint32_t next = run->steps_count + 1;
    struct pawl_buf b;
    if (said->refusal.n) return end(out, PAWL_FAILED_RUN, PAWL_CLASS_REJECTED, said->refusal);
    if (pawl_str_is(said->finish, "content_filter"))
        return end(out, PAWL_FAILED_RUN, PAWL_CLASS_REJECTED,
                   PAWL_STR("the provider's content filter stopped the answer"));
    if (pawl_str_is(said->finish, "length"))
        return end(out, PAWL_FAILED_RUN, PAWL_CLASS_MALFORMED,
                   PAWL_STR("the model's answer was cut at its token limit"));
    if (!said->content.n)
        return end(out, PAWL_FAILED_RUN, PAWL_CLASS_MALFORMED, PAWL_STR("the model answered with nothing"));
    if (pawl_agent_output_fault(agent, said->content, a).p) {
        if (bad_outputs(agent, run, a) <= PAWL_AGENT_BAD_OUTPUTS) return ask_model(config, agent, run, next, a, out);
        return end(out, PAWL_FAILED_RUN, PAWL_CLASS_OUT_OF_CONTRACT,
                   PAWL_STR("the model's final answers did not fit the output schema"));
    }
    if (run->turns_seen < run->turns_count) return ask_model(config, agent, run, next, a, out);
    if (run->chat && !run->chat_ended) {
        out->what = PAWL_DECIDE_WAIT;
        return PAWL_OK;
    }
    pawl_buf_init_arena(&b, a);
    if (agent->output) pawl_buf_str(&b, said->content);
    else pawl_json_quote(said->content, &b);
    out->output = pawl_buf_done(&b);
    return end(out, PAWL_DONE, PAWL_CLASS_NONE, (struct pawl_str){NULL, 0});
}

static struct pawl_str stopped_because(const struct pawl_run *run, struct pawl_arena *a)
{
    const struct pawl_trip *t = pawl_run_stopped(run);
    struct pawl_buf b;
    pawl_buf_init_arena(&b, a);
    pawl_buf_str(&b, t->rule);
    pawl_buf_text(&b, ": ");
    pawl_buf_str(&b, t->says);
    return pawl_buf_done(&b);
}

/* A summary that has ended, and nothing was made of it yet; NULL: there is none. */
static const struct pawl_step *last_summary(const struct pawl_run *run)
{
    const struct pawl_step *s;
    uint32_t i = run->steps_count;
    while (i > 0 && (run->steps[i - 1]->kind == PAWL_STEP_UNDO || run->steps[i - 1]->kind == PAWL_STEP_GATE)) i--;
    s = i > 0 ? run->steps[i - 1] : NULL;
    if (!s || s->kind != PAWL_STEP_SUMMARY || s->aside) return NULL;
    return pawl_run_pruning(run, run->steps_count + 1).seq > s->ended_seq ? NULL : s;
}

/* A person has spoken in the model's place, and nothing came after it; NULL: nobody has. */
static const struct pawl_step *spoken(const struct pawl_run *run)
{
    for (uint32_t i = run->steps_count; i-- > run->steps_before && !counts(run->steps[i]);) {
        const struct pawl_step *s = run->steps[i];
        if (s->kind == PAWL_STEP_GATE && s->state == PAWL_STEP_DONE && s->content.p && !s->aside) return s;
    }
    return NULL;
}

static int spoke(const struct pawl_config *config, const struct pawl_agent *agent, const struct pawl_run *run,
                 const struct pawl_step *said, struct pawl_arena *a, struct pawl_decision *out)
{
    struct pawl_buf b;
    if (run->turns_seen < run->turns_count) return ask_model(config, agent, run, run->steps_count + 1, a, out);
    if (run->chat && !run->chat_ended) return out->what = PAWL_DECIDE_WAIT, PAWL_OK;
    pawl_buf_init_arena(&b, a);
    if (agent->output) pawl_buf_str(&b, said->content);
    else pawl_json_quote(said->content, &b);
    out->output = pawl_buf_done(&b);
    return end(out, PAWL_DONE, PAWL_CLASS_NONE, (struct pawl_str){NULL, 0});
}

int pawl_agent_decide(const struct pawl_config *config, const struct pawl_run *run, struct pawl_arena *a,
                      struct pawl_decision *out, struct pawl_error *err)
{
    const struct pawl_agent *agent = pawl_config_agent(config, run->agent);
    const struct pawl_step *last = last_step(run), *no = refused(run), *said, *beside;
    *out = (struct pawl_decision){.what = PAWL_DECIDE_NOTHING};
    if (!agent || !pawl_config_model(config, agent->model))
        return pawl_fail(err, PAWL_EINVAL, "", "pawl check", "the configuration has no agent %.*s", (int)run->agent.n,
                         run->agent.p ? run->agent.p : "");
    if (last && last->kind == PAWL_STEP_MODEL && !pawl_step_ended(last))
        return ask_model(config, agent, run, last->number, a, out);
    for (uint32_t i = run->stopped ? 0 : run->ended_to; i < run->steps_count; i++) {
        const struct pawl_step *s = run->steps[i];
        if (s->stop)
            return end(out, PAWL_FAILED_RUN, PAWL_CLASS_IN_DOUBT,
                       PAWL_STR("a person stopped the run at a step in doubt"));
        if (!pawl_step_ended(s)) return PAWL_OK;
        if (s->opinion_stops && !s->aside) return end(out, PAWL_FAILED_RUN, PAWL_CLASS_GUARD_STOPPED, s->message);
    }
    if (pawl_run_stopped(run)) return end(out, PAWL_FAILED_RUN, PAWL_CLASS_GUARD_STOPPED, stopped_because(run, a));
    if (no) return end(out, PAWL_FAILED_RUN, no->error_class, no->message);
    if ((beside = last_summary(run)) != NULL) return pawl_agent_summed_up(config, agent, run, beside, a, out);
    if ((said = spoken(run)) != NULL) return spoke(config, agent, run, said, a, out);
    if (!last) return ask_model(config, agent, run, run->steps_count + 1, a, out);
    if (last->kind == PAWL_STEP_MODEL && last->state == PAWL_STEP_NOT_DONE)
        return end(out, PAWL_FAILED_RUN, last->error_class, last->message);
    if (last->kind == PAWL_STEP_MODEL) return answered(config, agent, run, last, a, out);
    if (bad_rounds(run) > PAWL_AGENT_BAD_ROUNDS) return end(out, PAWL_FAILED_RUN, last->error_class, last->message);
    return ask_model(config, agent, run, run->steps_count + 1, a, out);
}
