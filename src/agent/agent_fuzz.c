/* src/agent/agent_fuzz.c - any journal, folded and decided on. The input has a record a line: KIND STEP BODY, KIND as docs/journal.md
 * names it; a kind that begins with + comes a second later. Folding refuses with words or takes the record in; twice it gives the
 * same; no state is out of bounds; the decider answers, and what the model would be told is whole. Mutations keep to the lines. */
#include "agent/agent.h"
#include "base/test.h"
#include "contract/json.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned int seed);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct pawl_model model = {.name = {"main", 4}};
static const struct pawl_agent agents[] = {{.name = {"agent0", 6}, .model = {"main", 4}, .steps_max = 30},
                                           {.name = {"agent1", 6},
                                            .model = {"main", 4},
                                            .steps_max = 30,
                                            .context = {.limit_tokens = 40,
                                                        .to_pct = 60,
                                                        .keep_last = 3,
                                                        .keep_first_user = true,
                                                        .prune = PAWL_PRUNE_EXCHANGES,
                                                        .summarize = {"main", 4}}}};
static const struct pawl_config config = {.models = &model, .models_count = 1, .agents = agents, .agents_count = 2};

/* ---- the lines ---- */

static struct pawl_str next_line(struct pawl_str *rest)
{
    const char *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
    const struct pawl_str line = {rest->p, end ? (uint32_t)(end - rest->p) : rest->n};
    const uint32_t passed = end ? line.n + 1 : line.n;
    rest->p += passed;
    rest->n -= passed;
    return line;
}

static struct pawl_str next_word(struct pawl_str *rest)
{
    const char *end = rest->n ? memchr(rest->p, ' ', rest->n) : NULL;
    const struct pawl_str word = {rest->p, end ? (uint32_t)(end - rest->p) : rest->n};
    const uint32_t passed = end ? word.n + 1 : word.n;
    rest->p += passed;
    rest->n -= passed;
    return word;
}

static bool read_record(struct pawl_str line, struct pawl_record *r)
{
    struct pawl_str word = next_word(&line), step;
    if (word.n && word.p[0] == '+') word.p++, word.n--, r->at_ns += 1000000000;
    r->kind = pawl_kind_of(word);
    if (r->kind == PAWL_KIND_NONE) return false;
    step = next_word(&line);
    r->step = 0;
    for (uint32_t i = 0; i < step.n && i < 9 && step.p[i] >= '0' && step.p[i] <= '9'; i++)
        r->step = r->step * 10 + (uint32_t)(step.p[i] - '0');
    r->seq++;
    r->body = line;
    return true;
}

/* ---- what must hold ---- */

static void check_step(const struct pawl_run *run, const struct pawl_step *s, uint32_t number)
{
    if (s->number != number || s->kind < PAWL_STEP_MODEL || s->kind > PAWL_STEP_OPINION) abort();
    if (s->state < PAWL_STEP_DECIDED || s->state > PAWL_STEP_NOT_DONE) abort();
    if (s->decided_seq == 0 || s->decided_seq > run->seq || s->intended_seq > run->seq) abort();
    if (pawl_step_ended(s) != (s->ended_seq != 0)) abort();
    if (pawl_step_ended(s) && (s->open || s->unknown)) abort();
    if (s->key[PAWL_ID_TEXT - 1] != 0 || s->turn > run->turns_count) abort();
    if (s->kind == PAWL_STEP_MODEL && s->state == PAWL_STEP_DONE && number + s->calls > run->steps_count) abort();
}

static void check_run(const struct pawl_run *run)
{
    bool all_ended = true;
    for (uint32_t i = 0; i < run->steps_count; i++) {
        check_step(run, run->steps[i], i + 1);
        all_ended = all_ended && pawl_step_ended(run->steps[i]);
        if ((i < run->ended_to) != all_ended) abort();
    }
    if (run->turns_seen > run->turns_count) abort();
    for (uint32_t i = 0; i < run->turns_count; i++)
        if ((i < run->turns_seen) != (run->turns[i].before_step != 0)) abort();
    for (uint32_t i = 0; i < run->answers_count; i++)
        if (pawl_run_answered(run, run->answers[i].id) > run->answers[i].seq) abort();
}

/* What the model is told: calls and their results stand together. */
static void check_messages(const struct pawl_decision *d)
{
    for (uint32_t i = 0; i < d->messages_count; i++) {
        const struct pawl_message *m = &d->messages[i];
        if (m->role != PAWL_ROLE_ASSISTANT) continue;
        if (m->calls_count >= d->messages_count - i) abort();
        for (uint32_t k = 0; k < m->calls_count; k++) {
            const struct pawl_message *told = &d->messages[i + 1 + k];
            if (told->role != PAWL_ROLE_TOOL || !told->content.p) abort();
            if (told->call_id.p != m->calls[k].id.p || told->name.p != m->calls[k].name.p) abort();
        }
    }
}

/* What is left out can be written down, and what is told then is whole, and no longer than it was. */
static void check_pruned(const struct pawl_run *run, const struct pawl_decision *d, struct pawl_arena *a)
{
    const struct pawl_agent *agent = pawl_config_agent(&config, run->agent);
    const struct pawl_pruning was = pawl_run_pruning(run, run->steps_count + 1);
    struct pawl_decision shown = {.what = PAWL_DECIDE_MODEL};
    struct pawl_pruning how = was;
    struct pawl_talk t;
    yyjson_val *body;
    if (pawl_json_read(d->record, a, &body, NULL)) abort();
    how.results_to = (uint32_t)pawl_json_i64(body, "results_to", 0);
    how.left_out_to = (uint32_t)pawl_json_i64(body, "left_out_to", 0);
    how.summary = (uint32_t)pawl_json_i64(body, "summary", 0);
    if (how.results_to < was.results_to || how.left_out_to < was.left_out_to) abort();
    if (how.results_to > run->steps_count || how.left_out_to > run->steps_count) abort();
    if (pawl_agent_talk(agent, run, run->steps_count + 1, &how, a, &t)) abort();
    shown.messages = t.messages;
    shown.messages_count = t.count;
    check_messages(&shown);
    if (d->begins_step != (yyjson_obj_get(body, "summarize") != NULL)) abort();
}

static void decide(const struct pawl_run *run, struct pawl_arena *a)
{
    struct pawl_decision once, twice;
    struct pawl_error err = {0};
    const int rc = pawl_agent_decide(&config, run, a, &once, &err);
    if (rc != PAWL_OK) {
        if (rc != PAWL_EINVAL || !err.what[0]) abort();
        return;
    }
    check_messages(&once);
    if (once.what == PAWL_DECIDE_PRUNE) check_pruned(run, &once, a);
    if (pawl_agent_decide(&config, run, a, &twice, &err) != PAWL_OK) abort();
    if (once.what != twice.what || once.messages_count != twice.messages_count || once.status != twice.status) abort();
}

static uint64_t state_of(const struct pawl_run *run)
{
    uint64_t h = run->steps_count * 31u + run->turns_count * 7u + run->answers_count + (run->ended ? 1000u : 0u) +
                 (run->ending ? 2000u : 0u) + run->seq * 100000u;
    for (uint32_t i = 0; i < run->steps_count; i++) {
        const struct pawl_step *s = run->steps[i];
        h = h * UINT64_C(1099511628211) ^ ((uint64_t)s->state << 16 | (uint64_t)s->kind << 8 | s->attempts) ^
            s->result.n ^ (s->unknown ? 512u : 0u) ^ (s->undone ? 1024u : 0u) ^ (uint64_t)s->expires_ns;
    }
    return h;
}

static uint64_t fold(struct pawl_str text, struct pawl_arena *a, bool deciding)
{
    struct pawl_run run;
    struct pawl_record r = {.at_ns = 1767225600000000000};
    struct pawl_error err = {0};
    pawl_run_init(&run, a);
    while (text.n) {
        if (!read_record(next_line(&text), &r)) continue;
        const int rc = pawl_run_fold(&run, &r, &err);
        if (rc != PAWL_OK) {
            if (rc != PAWL_ECORRUPT || !err.what[0] || !err.next[0]) abort();
            break;
        }
        if (!deciding) continue;
        check_run(&run);
        if (run.agent.p && !run.ended && !run.ending) decide(&run, a);
    }
    return state_of(&run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct pawl_str text = {(const char *)data, (uint32_t)size};
    struct test_alloc t;
    struct pawl_arena a, b;
    if (size > 32768) return 0; /* each record is decided on: keep it quick */
    test_alloc_init(&t, 0);
    pawl_arena_init(&a, &t.alloc);
    pawl_arena_init(&b, &t.alloc);
    if (fold(text, &a, true) != fold(text, &b, false)) abort();
    pawl_arena_fini(&a);
    pawl_arena_fini(&b);
    if (t.out_bytes != 0) abort();
    return 0;
}

/* ---- mutations: a line out, in again, elsewhere, for another step, of another kind; inside a body as bytes ---- */

enum { LINES = 200 };

#define ZEROES "0000000000000000000000000000000000000000000000000000000000000000"
static const char *const lines_of_ours[] = {
    "step.intended %u {\"kind\":\"model\",\"name\":\"main\"}",
    "step.completed %u {\"result\":{\"content\":\"x\",\"tool_calls\":[]}}",
    "step.completed %u {\"result\":{\"content\":null,\"tool_calls\":[{\"id\":\"c1\",\"name\":\"t\",\"arguments\":\"{}\"},{\"id\":\"c1\",\"name\":\"t\",\"arguments\":\"{\"}]}}",
    "step.completed %u {\"result\":1,\"undoes\":[2,1]}",
    "step.completed %u {\"first\":{\"step\":2},\"result\":7}",
    "step.failed %u {\"class\":\"unknown_tool\",\"message\":\"no\"}",
    "step.failed %u {\"class\":\"bad_arguments\",\"applied\":true}",
    "step.attempted %u {\"attempt\":2}",
    "step.attempted %u {\"attempt\":1,\"ended\":{\"applied\":\"unknown\",\"class\":\"timeout\",\"retry_at\":5}}",
    "step.in_doubt %u {\"applied\":\"yes\"}",
    "step.resolved %u {\"how\":\"not_happened\",\"id\":\"r\"}",
    "step.resolved %u {\"how\":\"stop\",\"id\":\"r\"}",
    "gate.asked %u {\"why\":[\"gate\",\"repeat\"],\"expires\":9,\"request\":{}}",
    "gate.answered %u {\"answer\":\"yes\",\"until\":3,\"id\":\"y\"}",
    "signal.received 0 {\"text\":\"and?\",\"id\":\"s\"}",
    "run.cancelled 0 {\"code\":12,\"class\":\"cancelled\"}",
    "undo.started %u {\"name\":\"u\",\"undoes\":2,\"args\":{}}",
    "run.ended 0 {\"code\":10,\"output\":1}",
    "run.created 0 {\"agent\":\"agent1\",\"input\":\"do it\"}",
    "context.pruned 0 {\"results_to\":%u,\"left_out_to\":1}",
    "context.pruned %u {\"results_to\":1,\"summarize\":{\"model\":\"main\",\"to\":1}}",
    "opinion.asked %u {\"on\":2,\"by\":0,\"of\":\"model\",\"name\":\"main\",\"digest\":\"" ZEROES "\"}",
    "opinion.judged %u {\"digest\":\"" ZEROES "\",\"agree\":false,\"otherwise\":\"stop\"}",
    "context.pruned 0 {\"left_out_to\":2,\"summary\":%u}",
};

static size_t put_line(uint8_t *out, size_t at, size_t most, struct pawl_str line)
{
    if (at + line.n + 1 > most) return at;
    memcpy(out + at, line.p, line.n);
    out[at + line.n] = '\n';
    return at + line.n + 1;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned int seed)
{
    static uint8_t out[1 << 16];
    static char made[400];
    struct pawl_str lines[LINES + 1], rest = {(const char *)data, (uint32_t)size};
    uint32_t count = 0, dice = seed;
    size_t n = 0;
    while (rest.n && count < LINES) lines[count++] = next_line(&rest);
    if (count == 0 || size > sizeof out || dice % 4 == 0) return LLVMFuzzerMutate(data, size, most);
    dice /= 4;
    const uint32_t at = dice / 8 % count, to = dice / 64 % count,
                   ours = dice / 16 % (sizeof lines_of_ours / sizeof *lines_of_ours);
    struct pawl_str moved = lines[at];
    snprintf(made, sizeof made, lines_of_ours[ours], dice / 256 % 9);
    switch (dice % 5) {
    case 0: lines[at].p = NULL; break;                       /* out */
    case 1: lines[at] = lines[to], lines[to] = moved; break; /* exchanged */
    case 2:
        memmove(lines + to + 1, lines + to, (count - to) * sizeof *lines), lines[to] = moved, count++;
        break; /* again */
    default:
        memmove(lines + to + 1, lines + to, (count - to) * sizeof *lines), lines[to] = pawl_str_of(made), count++;
        break;
    }
    for (uint32_t i = 0; i < count; i++)
        if (lines[i].p) n = put_line(out, n, most < sizeof out ? most : sizeof out, lines[i]);
    memcpy(data, out, n);
    return n;
}
