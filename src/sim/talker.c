/* src/sim/talker.c - the model: slow, forgetful, sometimes wrong, never the same twice. It answers in OpenAI's form; asked
 * the same again it may well say something else, which is why nothing it decided may be asked for twice. */
#include "sim/world.h"
#include <stdio.h>
#include <string.h>

struct answer { /* on its way */
    struct pawl_buf b;
    struct pawl_json_writer w;
    uint32_t calls;
};

static void open_answer(struct pawl_sim *w, struct answer *o, const char *finish, struct pawl_str content)
{
    pawl_buf_init_arena(&o->b, &w->arena);
    o->w = (struct pawl_json_writer){.out = &o->b};
    o->calls = 0;
    pawl_jw_open(&o->w, '{');
    pawl_jw_key(&o->w, "choices");
    pawl_jw_open(&o->w, '[');
    pawl_jw_open(&o->w, '{');
    pawl_jw_key(&o->w, "index");
    pawl_jw_i64(&o->w, 0);
    pawl_jw_key(&o->w, "finish_reason");
    pawl_jw_text(&o->w, finish);
    pawl_jw_key(&o->w, "message");
    pawl_jw_open(&o->w, '{');
    pawl_jw_key(&o->w, "role");
    pawl_jw_text(&o->w, "assistant");
    pawl_jw_key(&o->w, "content");
    if (content.p) pawl_jw_str(&o->w, content);
    else pawl_jw_null(&o->w);
}

/* What it took: no more than the request has bytes, and the answer may be long. At times nothing is said of it. */
static void put_usage(struct pawl_sim *w, struct answer *o, const struct pawl_step *s)
{
    const uint32_t told = s && s->told_bytes ? s->told_bytes / (uint32_t)pawl_sim_between(w, 2, 6) : 10;
    const int64_t input = pawl_sim_between(w, 1, (int64_t)w->asked_bytes / (pawl_sim_chance(w, 200) ? 1 : 4));
    const int64_t output = pawl_sim_between(w, 1, w->asked_max ? w->asked_max : 100);
    if (!w->models[0].price.known) {
        pawl_jw_key(&o->w, "usage");
        pawl_jw_raw(&o->w, pawl_sim_text(w, "{\"prompt_tokens\":%u,\"completion_tokens\":5}", told));
    } else if (!pawl_sim_chance(w, 50)) {
        pawl_jw_key(&o->w, "usage");
        pawl_jw_raw(&o->w,
                    pawl_sim_text(w, "{\"prompt_tokens\":%d,\"completion_tokens\":%d}", (int)input, (int)output));
    }
}

static struct pawl_str close_answer(struct pawl_sim *w, struct answer *o, const struct pawl_step *s)
{
    if (o->calls) pawl_jw_close(&o->w, ']');
    pawl_jw_close(&o->w, '}');
    pawl_jw_close(&o->w, '}');
    pawl_jw_close(&o->w, ']');
    put_usage(w, o, s);
    pawl_jw_close(&o->w, '}');
    const struct pawl_str text = pawl_buf_done(&o->b);
    if (!text.p) w->no_memory = true;
    return text;
}

static void add_call(struct pawl_sim *w, struct answer *o, struct pawl_str name, struct pawl_str args)
{
    if (o->calls++ == 0) {
        pawl_jw_key(&o->w, "tool_calls");
        pawl_jw_open(&o->w, '[');
    }
    pawl_jw_open(&o->w, '{');
    if (!pawl_sim_chance(w, 50)) {
        pawl_jw_key(&o->w, "id");
        pawl_jw_str(&o->w, pawl_sim_text(w, "c%u", o->calls));
    }
    pawl_jw_key(&o->w, "type");
    pawl_jw_text(&o->w, "function");
    pawl_jw_key(&o->w, "function");
    pawl_jw_open(&o->w, '{');
    pawl_jw_key(&o->w, "name");
    pawl_jw_str(&o->w, name);
    pawl_jw_key(&o->w, "arguments");
    pawl_jw_str(&o->w, args);
    pawl_jw_close(&o->w, '}');
    pawl_jw_close(&o->w, '}');
}

/* The same thing in other words: order, number format, a remark. */
static struct pawl_str args_for(struct pawl_sim *w, uint32_t tool, const struct pawl_sim_run *run)
{
    static const char *const forms[] = {"{\"item\":\"%s%c\",\"amount\":%d%s}", "{\"item\":\"%s%c\",\"amount\":%d.0%s}",
                                        "{ \"item\" : \"%s%c\", \"amount\" : %d , \"note\" : \"please\"%s }"};
    char prefix[16] = "", card[40] = "";
    if (w->contracts[tool].redact_count) snprintf(card, sizeof card, ",\"card\":\"card-of-%u\"", run->index);
    if (w->tools[tool].own_items) snprintf(prefix, sizeof prefix, "r%u-", run->index);
    return pawl_sim_text(w, forms[pawl_sim_chance(w, 700) ? 0 : pawl_sim_below(w, 3)], prefix,
                         'a' + (char)pawl_sim_below(w, 3), (int)pawl_sim_between(w, 1, 4), card);
}

/* Not so many that the story has no end. */
static bool may_start(const struct pawl_sim *w, const struct pawl_sim_run *run)
{
    return w->runs_count < PAWL_SIM_RUNS_MANY && !w->calm && (run->stored.depth == 0 || w->helper_helped);
}

static uint32_t pick_tool(struct pawl_sim *w, const struct pawl_sim_run *run)
{
    uint32_t at;
    do at = (uint32_t)pawl_sim_below(w, w->config.tools_count);
    while (w->tools[at].role == PAWL_SIM_LOOK || (w->tools[at].role == PAWL_SIM_CHILD && !may_start(w, run)) ||
           (w->tools[at].role == PAWL_SIM_READ && pawl_sim_chance(w, 500)));
    return at;
}

static void one_call(struct pawl_sim *w, struct answer *o, struct pawl_sim_run *run)
{
    const bool odd = pawl_sim_plays(w, PAWL_SIM_MODEL);
    const struct pawl_agent *agent = pawl_config_agent(&w->config, run->stored.agent);
    if (agent->context.limit_tokens && pawl_sim_chance(w, 200)) { /* any step, its own turn and none among them */
        add_call(w, o, PAWL_STR("recall"),
                 pawl_sim_text(w, "{\"step\":%d,\"from\":%d}", (int)pawl_sim_between(w, 0, run->stored.steps_count + 1),
                               pawl_sim_chance(w, 800) ? 0 : (int)pawl_sim_between(w, 0, 400)));
        return;
    }
    uint32_t at = pick_tool(w, run);
    struct pawl_str args = args_for(w, at, run);
    if (odd && run->last_tool >= 0 && pawl_sim_chance(w, 300)) { /* forgets that it did it, and does it again */
        at = (uint32_t)run->last_tool;
        args = pawl_sim_chance(w, 600) ? pawl_sim_text(w, "%s", run->last_args) : args_for(w, at, run);
    }
    if (odd && pawl_sim_chance(w, 30)) {
        add_call(w, o, PAWL_STR("frobnicate"),
                 PAWL_STR("{\"item\":\"a\"}")); /* no contract says what is secret in it */
        return;
    }
    if (odd && pawl_sim_chance(w, 30))
        args = pawl_sim_chance(w, 500) ? PAWL_STR("{\"item\":\"a") : PAWL_STR("{\"amount\":1}");
    if (w->contracts[at].effect != PAWL_EFFECT_READ) {
        run->last_tool = (int)at;
        snprintf(run->last_args, sizeof run->last_args, "%.*s", (int)args.n, args.p);
    }
    add_call(w, o, w->contracts[at].name, args);
}

static struct pawl_str speak(struct pawl_sim *w, struct pawl_sim_run *run, const struct pawl_step *s)
{
    struct answer o;
    uint32_t calls = 1 + (pawl_sim_chance(w, 350) ? (uint32_t)pawl_sim_between(w, 1, 2) : 0);
    const bool cut = pawl_sim_plays(w, PAWL_SIM_MODEL) && pawl_sim_chance(w, 10);
    const uint32_t at = s ? s->number : 0;
    run->answers++;
    if (w->calm) run->calm_answers++;
    if (run->answers > run->answers_max || run->calm_answers > 2 || cut) {
        const bool bad = pawl_sim_plays(w, PAWL_SIM_MODEL) && pawl_sim_chance(w, 200);
        run->answers = 0; /* of the next turn, in a conversation */
        open_answer(w, &o, cut ? "length" : "stop",
                    bad                                                 ? PAWL_STR("I think it is done")
                    : (w->o->seed * 31 + run->index * 17 + at) % 4 == 0 ? PAWL_STR("{\"done\":true,\"confidence\":0.3}")
                                                                        : PAWL_STR("{\"done\":true}"));
        return close_answer(w, &o, s);
    }
    open_answer(w, &o, "tool_calls", (struct pawl_str){NULL, 0});
    while (calls-- > 0) one_call(w, &o, run);
    return close_answer(w, &o, s);
}

/* What a summary is: at times it says nothing, calls something, or is cut. */
static struct pawl_str sum_up(struct pawl_sim *w, struct pawl_sim_run *run, const struct pawl_step *s)
{
    const bool odd = pawl_sim_plays(w, PAWL_SIM_MODEL) && pawl_sim_chance(w, 200);
    struct answer o;
    open_answer(w, &o, odd ? "tool_calls" : "stop", odd ? (struct pawl_str){NULL, 0} : PAWL_STR("It did some of it."));
    if (odd) one_call(w, &o, run);
    return close_answer(w, &o, s);
}

/* A verdict, or what is none. */
static struct pawl_str opine(struct pawl_sim *w, struct pawl_sim_run *run, const struct pawl_step *s)
{
    const bool odd = pawl_sim_plays(w, PAWL_SIM_MODEL) && pawl_sim_chance(w, 150), yes = pawl_sim_chance(w, 700);
    struct answer o;
    open_answer(w, &o, odd ? "tool_calls" : "stop",
                odd   ? PAWL_STR("I would not know")
                : yes ? PAWL_STR("{\"agree\":true,\"reason\":\"it fits\"}")
                      : PAWL_STR("{\"agree\":false,\"reason\":\"it does not fit\"}"));
    if (odd) one_call(w, &o, run);
    return close_answer(w, &o, s);
}

static void fail(struct pawl_sim *w, struct pawl_sim_call *c)
{
    struct pawl_reply *r = &c->reply;
    *r = (struct pawl_reply){.transport = PAWL_ANSWERED,
                             .status = 429,
                             .type = PAWL_STR("application/json"),
                             .body =
                                 PAWL_STR("{\"error\":{\"message\":\"slow down\",\"code\":\"rate_limit_exceeded\"}}")};
    switch (pawl_sim_below(w, 9)) {
    case 0: r->retry_after = pawl_sim_text(w, "%d", (int)pawl_sim_between(w, 0, 60)); break;
    case 1:
        r->body = PAWL_STR(
            "{\"error\":{\"message\":\"pay\",\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\"}}");
        break;
    case 2: r->status = 500; break;
    case 3:
        *r = (struct pawl_reply){.transport = PAWL_LOST, .status = 200, .body = PAWL_STR("data: {\"choices\":[{\"ind")};
        break;
    case 4: *r = (struct pawl_reply){.transport = PAWL_NOT_SENT}; break;
    case 5: c->ends_ns = w->now_ns + c->timeout_ns; break;
    case 6: r->status = 200, r->body = PAWL_STR("<html>busy</html>"); break;
    case 7:
        r->status = 200, r->body = PAWL_STR("{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"cont");
        break;
    default: r->status = 503; break;
    }
}

void pawl_sim_talker_take(struct pawl_sim *w, struct pawl_sim_call *c, const struct pawl_attempt *a)
{
    struct pawl_sim_run *run = w->runs[c->run];
    const struct pawl_step *s = pawl_run_step(&run->stored, a->step);
    w->asked_bytes = a->request.n;
    w->asked_max = a->model->max_tokens;
    c->tells = PAWL_SIM_TELLS_NOTHING;
    c->ends_ns = w->now_ns + pawl_sim_between(w, 50, 3000) * PAWL_SIM_MS;
    if (pawl_sim_plays(w, PAWL_SIM_MODEL) && pawl_sim_chance(w, 150)) {
        fail(w, c);
        return;
    }
    c->reply = (struct pawl_reply){.transport = PAWL_ANSWERED,
                                   .status = 200,
                                   .type = PAWL_STR("application/json"),
                                   .body = s && s->kind == PAWL_STEP_SUMMARY   ? sum_up(w, run, s)
                                           : s && s->kind == PAWL_STEP_OPINION ? opine(w, run, s)
                                                                               : speak(w, run, s)};
}
