/* src/agent/context_test.c - conversations of all shapes under limits of all sizes. Whatever is decided: no call is without
 * its result, what is pinned is told, it stays under its limit or says why not, between two prunings a request begins with
 * the bytes of the one before, and a second fold of the same journal asks for the same. */
#include "agent/agent.h"
#include <stdarg.h>
#include "base/prng.h"
#include "base/test.h"
#include "contract/json.h"

enum { LINES = 512, GOOD = 400, ROUNDS = 14 };

struct story {
    struct pawl_arena arena;
    struct pawl_run run;
    struct pawl_record records[LINES];
    uint32_t count;
    struct pawl_prng dice;
    struct pawl_model models[2];
    struct pawl_agent agent;
    struct pawl_config config;
    struct pawl_str before; /* the last conversation, as text, and what was pruned by then */
    uint64_t pruned_seq;
    uint32_t asked, prunings, summaries, ended;
};

static struct pawl_str text_of(struct story *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static struct pawl_str text_of(struct story *s, const char *format, ...)
{
    struct pawl_buf b;
    char line[600];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    pawl_buf_init_arena(&b, &s->arena);
    pawl_buf_text(&b, line);
    return pawl_buf_done(&b);
}

static uint32_t dice(struct story *s, uint32_t bound)
{
    return (uint32_t)pawl_prng_below(&s->dice, bound);
}

static bool write(struct story *s, enum pawl_kind kind, uint32_t step, struct pawl_str body)
{
    struct pawl_record *r = &s->records[s->count];
    struct pawl_error err = {0};
    if (s->count == LINES) return false;
    *r = (struct pawl_record){
        .kind = kind, .step = step, .seq = s->count + 1, .at_ns = 1767225600000000000 + s->count, .body = body};
    s->count++;
    if (pawl_run_fold(&s->run, r, &err) == PAWL_OK) return true;
    printf("%.*s\n%s\n", (int)body.n, body.p, err.what);
    return CHECK(false);
}

static struct pawl_str words(struct story *s, uint32_t bytes)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, &s->arena);
    for (uint32_t i = 0; i < bytes; i += 10) pawl_buf_text(&b, dice(s, 8) ? "lorem ips " : "köpfchen ");
    return pawl_buf_done(&b);
}

/* ---- what must hold of a request ---- */

static struct pawl_str flat(struct story *s, const struct pawl_decision *d)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, &s->arena);
    for (uint32_t i = 0; i < d->messages_count; i++) {
        const struct pawl_message *m = &d->messages[i];
        pawl_buf_printf(&b, "%d|", m->role);
        pawl_buf_str(&b, m->content);
        for (uint32_t k = 0; k < m->calls_count; k++)
            pawl_buf_str(&b, m->calls[k].id), pawl_buf_str(&b, m->calls[k].arguments);
        pawl_buf_char(&b, '\n');
    }
    return pawl_buf_done(&b);
}

static bool whole(const struct pawl_decision *d)
{
    uint32_t open = 0;
    for (uint32_t i = 0; i < d->messages_count; i++) {
        const struct pawl_message *m = &d->messages[i];
        if ((m->role == PAWL_ROLE_TOOL) != (open > 0)) return false;
        if (open) open--;
        if (m->role == PAWL_ROLE_ASSISTANT) open = m->calls_count;
        for (uint32_t k = 0; k < m->calls_count; k++)
            if (i + 1 + k >= d->messages_count || d->messages[i + 1 + k].call_id.p != m->calls[k].id.p) return false;
    }
    return open == 0;
}

/* The last messages, told in full, are the last of the request. */
static bool pinned(struct story *s, const struct pawl_decision *d, uint32_t number)
{
    const struct pawl_pruning none = {0};
    const struct pawl_context *c = &s->agent.context;
    struct pawl_talk t;
    if (pawl_agent_talk(&s->agent, &s->run, number, &none, &s->arena, &t)) return false;
    const uint32_t least = t.count < c->keep_last ? t.count : c->keep_last;
    if (d->messages_count < least) return false;
    for (uint32_t i = 1; i <= least; i++)
        if (!pawl_str_eq(t.messages[t.count - i].content, d->messages[d->messages_count - i].content)) return false;
    if (!pawl_str_eq(d->messages[0].content, s->agent.instructions)) return false;
    return !c->keep_first_user || pawl_str_eq(d->messages[1].content, s->run.turns[0].text);
}

static bool short_enough(const struct story *s, const struct pawl_decision *d)
{
    return pawl_agent_tokens(&s->run, d->told_bytes) <= s->agent.context.limit_tokens;
}

static bool begins_with(struct pawl_str longer, struct pawl_str begin)
{
    return longer.n >= begin.n && memcmp(longer.p, begin.p, begin.n) == 0;
}

/* From the records alone, as after a crash. */
static bool same_again(struct story *s, const struct pawl_decision *d)
{
    struct pawl_decision again;
    struct pawl_run run;
    const struct pawl_step *step;
    pawl_run_init(&run, &s->arena);
    for (uint32_t i = 0; i < s->count; i++)
        if (pawl_run_fold(&run, &s->records[i], NULL)) return false;
    step = pawl_run_step(&run, run.steps_count);
    if (pawl_agent_ask(&s->config, &run, step, &s->arena, &again)) return false;
    return again.model == d->model && again.tools_count == d->tools_count && again.told_bytes == d->told_bytes &&
           pawl_str_eq(flat(s, d), flat(s, &again));
}

static void check_request(struct story *s, const struct pawl_decision *d, uint32_t number)
{
    const struct pawl_str now = flat(s, d);
    const uint64_t pruned = pawl_run_pruning(&s->run, number).seq;
    CHECK(whole(d));
    CHECK(pinned(s, d, number));
    CHECK(short_enough(s, d));
    if (s->before.p && pruned == s->pruned_seq) CHECK(begins_with(now, s->before));
    s->before = now;
    s->pruned_seq = pruned;
    s->asked++;
}

/* ---- the story ---- */

static void intend(struct story *s, uint32_t number, const struct pawl_decision *d)
{
    write(s, PAWL_STEP_INTENDED, number,
          text_of(s, "{\"kind\":\"model\",\"name\":\"%.*s\",\"told\":%u}", (int)d->model->name.n, d->model->name.p,
                  d->told_bytes));
    CHECK(same_again(s, d));
}

static struct pawl_str answer(struct story *s, const char *content, uint32_t calls, uint32_t input)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    pawl_buf_init_arena(&b, &s->arena);
    pawl_buf_text(&b, "{\"result\":{\"content\":");
    pawl_json_quote(pawl_str_of(content), &b);
    pawl_buf_text(&b, ",\"tool_calls\":[");
    for (uint32_t i = 0; i < calls; i++)
        pawl_buf_printf(&b, "%s{\"id\":\"c%u_%u\",\"name\":\"look\",\"arguments\":\"{}\"}", i ? "," : "", s->count, i);
    pawl_buf_printf(&b, "],\"finish\":\"stop\",\"usage\":{\"input\":%u}}}", input);
    (void)w;
    return pawl_buf_done(&b);
}

/* The model calls some tools, and they answer, some at length. */
static void round_of_calls(struct story *s, const struct pawl_decision *d)
{
    const uint32_t number = s->run.steps_count + 1, calls = 1 + dice(s, 3);
    struct pawl_buf b;
    intend(s, number, d);
    if (dice(s, 6) == 0)
        write(s, PAWL_SIGNAL_RECEIVED, 0, text_of(s, "{\"text\":\"and %u?\"}", s->count)); /* while it thinks */
    write(s, PAWL_STEP_COMPLETED, number, answer(s, "", calls, d->told_bytes / (2 + dice(s, 4))));
    for (uint32_t i = 1; i <= calls; i++) {
        if (dice(s, 10) == 0) {
            write(s, PAWL_STEP_FAILED, number + i,
                  PAWL_STR("{\"class\":\"timeout\",\"message\":\"it took too long\"}"));
            continue;
        }
        pawl_buf_init_arena(&b, &s->arena);
        pawl_buf_text(&b, "{\"result\":");
        pawl_json_quote(words(s, dice(s, 5) ? dice(s, 1200) : 20), &b);
        pawl_buf_char(&b, '}');
        write(s, PAWL_STEP_COMPLETED, number + i, pawl_buf_done(&b));
    }
}

static void sum_up(struct story *s)
{
    const struct pawl_step *step = pawl_run_step(&s->run, s->run.steps_count);
    struct pawl_decision d;
    if (!CHECK_INT(pawl_agent_ask(&s->config, &s->run, step, &s->arena, &d), PAWL_OK)) return;
    CHECK(d.tools_count == 0 && d.messages_count == 2);
    CHECK(d.messages[1].content.n < s->agent.context.limit_tokens * 3 + 4096);
    s->summaries++;
    if (dice(s, 8) == 0) {
        write(s, PAWL_STEP_FAILED, step->number, PAWL_STR("{\"class\":\"breaker_open\",\"message\":\"not asked\"}"));
        return;
    }
    intend(s, step->number, &d);
    if (dice(s, 5) == 0)
        write(s, PAWL_STEP_FAILED, step->number, PAWL_STR("{\"class\":\"timeout\",\"message\":\"it took too long\"}"));
    else /* it may say nothing, too much, or call something, which nobody does */
        write(s, PAWL_STEP_COMPLETED, step->number,
              answer(s, dice(s, 6) ? words(s, dice(s, 8) ? 80 : 9000).p : "", dice(s, 2), 50));
}

static void draw(struct story *s, uint64_t seed)
{
    static const char *const names[] = {"main", "sum"};
    static const struct pawl_tool *const tools[] = {&pawl_recall_tool};
    pawl_prng_seed(&s->dice, seed);
    pawl_run_init(&s->run, &s->arena);
    for (uint32_t i = 0; i < 2; i++) s->models[i] = (struct pawl_model){.name = pawl_str_of(names[i])};
    s->agent = (struct pawl_agent){.name = PAWL_STR("a"),
                                   .model = PAWL_STR("main"),
                                   .instructions = PAWL_STR("Do what is asked."),
                                   .steps_max = 1000,
                                   .tools = tools,
                                   .tools_count = 1};
    s->agent.context = (struct pawl_context){.limit_tokens = 1000 + dice(s, 3000),
                                             .to_pct = 30 + dice(s, 60),
                                             .keep_last = 1 + dice(s, 12),
                                             .keep_first_user = dice(s, 3) > 0,
                                             .prune = (enum pawl_prune)dice(s, 3),
                                             .failed_ends = dice(s, 3) == 0};
    if (dice(s, 2)) s->agent.context.summarize = s->models[1].name;
    s->config = (struct pawl_config){.models = s->models, .models_count = 2, .agents = &s->agent, .agents_count = 1};
    write(s, PAWL_RUN_CREATED, 0, PAWL_STR("{\"agent\":\"a\",\"input\":\"tidy up\",\"chat\":true}"));
}

/* Until it ends, or so many rounds. */
static void tell(struct story *s)
{
    struct pawl_decision d;
    struct pawl_error err = {0};
    for (uint32_t rounds = 0, turns = 0; rounds < ROUNDS && turns < 100; turns++) {
        const uint32_t number = s->run.steps_count + 1;
        if (!CHECK_INT(pawl_agent_decide(&s->config, &s->run, &s->arena, &d, &err), PAWL_OK)) return;
        if (d.what == PAWL_DECIDE_END) {
            s->ended++;
            CHECK_INT(d.error_class, PAWL_CLASS_BUDGET_EXCEEDED);
            CHECK(d.message.n > 0);
            return;
        }
        if (d.what == PAWL_DECIDE_PRUNE) {
            s->prunings++;
            if (!write(s, PAWL_CONTEXT_PRUNED, d.begins_step ? number : 0, d.record)) return;
            if (d.begins_step) sum_up(s);
            continue;
        }
        if (!CHECK_INT(d.what, PAWL_DECIDE_MODEL)) return;
        check_request(s, &d, number);
        round_of_calls(s, &d);
        rounds++;
        turns = 0;
    }
    CHECK(s->run.steps_count > ROUNDS); /* it always came to a question: no pruning for ever */
}

static void stories(void)
{
    uint32_t asked = 0, prunings = 0, summaries = 0, ended = 0;
    for (uint64_t seed = 1; seed <= GOOD; seed++) {
        struct story *s = calloc(1, sizeof *s);
        struct test_alloc t;
        const int before = test_failed;
        test_alloc_init(&t, 0);
        pawl_arena_init(&s->arena, &t.alloc);
        draw(s, seed);
        tell(s);
        asked += s->asked, prunings += s->prunings, summaries += s->summaries, ended += s->ended;
        if (test_failed > before) printf("  seed %llu\n", (unsigned long long)seed);
        pawl_arena_fini(&s->arena);
        free(s);
    }
    printf("%u asked, %u prunings, %u summaries, %u ended\n", asked, prunings, summaries, ended);
    CHECK(asked > 2000 && prunings > 300 && summaries > 100 && ended > 20); /* it is about something */
}

/* Three bytes a token at first; then as it was counted, within bounds that no count can leave. */
static void counting(void)
{
    static const struct {
        uint32_t told, input, bytes, want;
    } rows[] = {
        {0, 0, 300, 100},   {0, 500, 300, 100}, {400, 0, 300, 100},           {400, 100, 400, 100},
        {400, 100, 40, 10}, {400, 1, 800, 100}, {400, 4000000000u, 800, 800}, {400, 399, UINT32_MAX, 4284229877}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pawl_step s = {.kind = PAWL_STEP_MODEL, .told_bytes = rows[i].told, .told_tokens = rows[i].input};
        struct pawl_step *steps[] = {&s};
        const struct pawl_run run = {.steps = steps, .steps_count = 1};
        CHECK_INT(pawl_agent_tokens(&run, rows[i].bytes), rows[i].want);
    }
}

int main(void)
{
    counting();
    stories();
    return TEST_END();
}
