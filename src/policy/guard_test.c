/* src/policy/guard_test.c - a table of runs in short, and what trips in them where. A word is a message of the model, each
 * letter in it a call: r and s are reads, c and d change, x carries data out, q reads what nobody trusts; upper case: it
 * failed; a digit behind it: its argument, another digit: its answer. `u` is a word of the user's, `y` a person's yes to
 * what was asked. The records are folded by the real fold. */
#include "policy/guard.h"
#include <stdarg.h>
#include <string.h>
#include "base/test.h"
#include "io/alloc.h"

#define RULE(r, l, a)                                                  \
    {                                                                  \
        .rule = PAWL_GUARD_##r, .limit = (l), .answer = PAWL_GUARD_##a \
    }
enum { GUARDS_MAX = 4 };
static const struct row {
    const char *run;
    struct pawl_guard guards[GUARDS_MAX];
    const char *trips; /* rule's first letter, answer's, @ the step: in their order */
} rows[] = {
    {"r r r", {RULE(ERRORS, 1, STOP)}, ""},
    {"R r R", {RULE(ERRORS, 2, STOP)}, ""},
    {"R R", {RULE(ERRORS, 2, NARROW), RULE(ERRORS, 3, STOP)}, "en@5 "},
    {"R R R", {RULE(ERRORS, 2, NARROW), RULE(ERRORS, 3, STOP)}, "en@5 es@7 "},
    {"R R R R", {RULE(ERRORS, 2, TELL)}, "et@5 "},                 /* once in a streak */
    {"R R r R R", {RULE(ERRORS, 2, TELL)}, "et@5 et@11 "},         /* and once in the next */
    {"RRR", {RULE(ERRORS, 2, STOP)}, ""},                          /* one message is one decision */
    {"RRr RR", {RULE(ERRORS, 2, STOP)}, ""},                       /* one call of it went well */
    {"R u R", {RULE(ERRORS, 2, STOP)}, "es@5 "},                   /* words of the user's mend nothing */
    {"R R y R", {RULE(ERRORS, 2, ASK)}, "ea@5 "},                  /* asked once, and it goes on from there */
    {"R R y R R y R", {RULE(ERRORS, 2, ASK)}, "ea@5 ea@10 "},      /* until it has come so far again */
    {"c c c", {RULE(CHANGES, 3, ASK)}, "da@6 "},                   /* before the third leaves */
    {"c c", {RULE(CHANGES, 3, ASK)}, ""},                          /* not yet */
    {"c c r c", {RULE(CHANGES, 3, ASK)}, ""},                      /* it has looked */
    {"c c R c", {RULE(CHANGES, 3, ASK)}, "da@8 "},                 /* it has tried to */
    {"ccc cc", {RULE(CHANGES, 3, ASK)}, ""},                       /* parallel calls are one decision */
    {"c c cc", {RULE(CHANGES, 3, ASK)}, "da@6 da@7 "},             /* each call of it is asked about */
    {"c d c d", {RULE(CHANGES, 3, ASK)}, ""},                      /* for each tool alone */
    {"c C c", {RULE(CHANGES, 3, ASK)}, ""},                        /* what failed changed nothing */
    {"c c u c", {RULE(CHANGES, 3, ASK)}, ""},                      /* the user has spoken */
    {"r r r", {RULE(CHANGES, 1, STOP)}, ""},                       /* reads change nothing */
    {"c c c c", {RULE(CHANGES, 3, ASK)}, "da@6 "},                 /* a person has seen it: counted from there */
    {"r1 r1 r1", {RULE(SAME_CALL, 3, STOP)}, "ss@6 "},             /* before the third leaves */
    {"r1 r2 r1 r2", {RULE(SAME_CALL, 2, STOP)}, ""},               /* not in a row */
    {"r15 r16 r17", {RULE(SAME_CALL, 3, STOP)}, ""},               /* what it asks for has moved */
    {"r1r1r1", {RULE(SAME_CALL, 2, STOP)}, ""},                    /* one decision */
    {"r1s1 r1s2 r1s3", {RULE(SAME_CALL, 3, TELL)}, "st@8 "},       /* among others */
    {"R1 R1 R1", {RULE(SAME_CALL, 3, TELL)}, "st@6 "},             /* that fail the same way */
    {"r1 r2 r1 r2", {RULE(NO_PROGRESS, 2, STOP)}, "ns@9 "},        /* a round is two messages */
    {"r1 r2 r1 r2 r1 r2", {RULE(NO_PROGRESS, 3, STOP)}, "ns@13 "}, /* three of them */
    {"r1 r2 r1 r3 r1 r2", {RULE(NO_PROGRESS, 2, STOP)}, ""},       /* not the same */
    {"r15 r2 r16 r2", {RULE(NO_PROGRESS, 2, STOP)}, ""},           /* the answers are not */
    {"r1 r1 r1 r1", {RULE(NO_PROGRESS, 2, STOP)}, ""},             /* that is same_call's */
    {"r1 r2 r3 r1 r2 r3", {RULE(NO_PROGRESS, 2, STOP)}, "ns@13 "}, /* three messages */
    {"x r", {RULE(EGRESS, 1, ASK)}, ""},                           /* nothing was read that nobody trusts */
    {"q x", {RULE(EGRESS, 1, ASK)}, "ea@4 "},                      /* it was */
    {"q x x", {RULE(EGRESS, 1, ASK)}, "ea@4 ea@6 "},               /* each call on its own */
    {"qx", {RULE(EGRESS, 1, ASK)}, "ea@3 "},               /* and in one message: what comes back first, counts */
    {"Q x", {RULE(EGRESS, 1, ASK)}, ""},                   /* nothing came back */
    {"c r r", {RULE(UNVERIFIED_DEPTH, 2, TELL)}, ""},      /* no contract can read it back */
    {"c r r", {RULE(UNVERIFIED_DEPTH, 3, ASK)}, "ua@7 "},  /* strict */
    {"d s s", {RULE(UNVERIFIED_DEPTH, 3, TELL)}, "ut@7 "}, /* d's contract can, and nobody has: two steps a message */
    {"d r s s", {RULE(UNVERIFIED_DEPTH, 3, TELL)}, ""},    /* r is the tool that tells */
    {"d s s s", {RULE(UNVERIFIED_DEPTH, 3, VERIFY)}, "uv@7 "}, /* once */
    {"c s s s", {RULE(UNVERIFIED_DEPTH, 3, VERIFY)}, ""},      /* there is no look to make */
    {"d s s s", {RULE(UNVERIFIED_DEPTH, 3, VERIFY), RULE(UNVERIFIED_DEPTH, 5, ASK)}, "uv@7 ua@9 "}, /* then a person */
    {"R R R", {RULE(ERRORS, 2, STOP), RULE(SAME_CALL, 2, TELL)}, "st@4 es@5 "},                     /* in their order */
};

static struct pawl_run run;
static struct pawl_tool tools[6];
static const struct pawl_tool *const own[] = {&tools[0], &tools[1], &tools[2], &tools[3], &tools[4], &tools[5]};
static const char letters[] = "rscdxq";
static char tripped[256];
static struct pawl_guard guards[GUARDS_MAX];
static struct pawl_agent agent = {.name = {"a", 1}, .tools = own, .tools_count = 6, .guards = guards};
static struct pawl_config config = {.agents = &agent, .agents_count = 1, .tools = tools, .tools_count = 6};

static void fold(enum pawl_kind kind, uint32_t step, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void fold(enum pawl_kind kind, uint32_t step, const char *format, ...)
{
    char text[4096];
    struct pawl_error err = {0};
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct pawl_record r = {.seq = run.seq + 1, .at_ns = 1, .kind = kind, .step = step, .body = pawl_str_of(text)};
    if (!CHECK_INT(pawl_run_fold(&run, &r, &err), PAWL_OK)) printf("  %s: %s\n", text, err.what);
}

/* What trips is recorded, as the stage does it. A question of the run's becomes a step. */
static bool guard(const struct pawl_step *call)
{
    bool stop = false;
    struct pawl_guard_trip t;
    struct pawl_guard_look l = {.run = &run,
                                .config = &config,
                                .agent = &agent,
                                .call = call,
                                .tool = call ? pawl_agent_tool(&agent, call->name) : NULL,
                                .arena = run.arena};
    while (!stop && pawl_guard_next(&l, &t)) {
        const uint32_t step = call ? call->number : run.steps_count + 1;
        const size_t n = strlen(tripped);
        struct pawl_buf b;
        snprintf(tripped + n, sizeof tripped - n, "%c%c@%u ", t.guard->name.p[0],
                 pawl_guard_answer_name(t.guard->answer)[0], step);
        pawl_buf_init_arena(&b, run.arena);
        pawl_guard_body(&l, &t, &b);
        fold(PAWL_GUARD_TRIPPED, step, "%s", pawl_buf_done(&b).p);
        CHECK(run.trips_count > 0 && t.says.n > 0);
        stop = t.guard->answer == PAWL_GUARD_STOP;
        if (call || t.guard->answer != PAWL_GUARD_ASK) continue;
        fold(PAWL_GATE_ASKED, step, "{\"kind\":\"gate\",\"name\":\"%.*s\"}", (int)t.guard->name.n, t.guard->name.p);
        return false;
    }
    return !stop;
}

static void call(uint32_t step, char letter, char answer)
{
    const char lower = letter >= 'a' ? letter : (char)(letter + 32);
    const bool changes = lower == 'c' || lower == 'd', good = letter == lower;
    if (!guard(run.steps[step - 1])) return;
    if (changes) fold(PAWL_STEP_INTENDED, step, "{\"kind\":\"tool\",\"name\":\"%c\"}", lower);
    if (good) fold(PAWL_STEP_COMPLETED, step, "{\"result\":\"%c\"}", answer);
    else fold(PAWL_STEP_FAILED, step, "{\"class\":\"rejected\",\"message\":\"no\"}");
}

/* One message: its letters, then what came of each. true: the run may go on. */
static bool message(const char *word, size_t n)
{
    const uint32_t model = run.steps_count + 1;
    char calls[1024] = "", letter[8], answer[8];
    uint32_t count = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t at = strlen(calls);
        const char arg = i + 1 < n && word[i + 1] >= '0' && word[i + 1] <= '9' ? word[i + 1] : '-';
        const char *said = arg != '-' && i + 2 < n && word[i + 2] >= '0' && word[i + 2] <= '9' ? word + i + 2 : NULL;
        const char name = word[i] >= 'a' ? word[i] : (char)(word[i] + 32);
        snprintf(calls + at, sizeof calls - at,
                 "%s{\"id\":\"i\",\"name\":\"%c\",\"arguments\":\"{\\\"a\\\":\\\"%c\\\"}\"}", count ? "," : "", name,
                 arg == '-' ? name : arg);
        letter[count] = word[i];
        answer[count++] = said ? *said : '0';
        i += arg == '-' ? 0 : said ? 2 : 1;
    }
    fold(PAWL_STEP_INTENDED, model, "{\"kind\":\"model\",\"name\":\"m\"}");
    fold(PAWL_STEP_COMPLETED, model, "{\"result\":{\"content\":null,\"tool_calls\":[%s]}}", calls);
    for (uint32_t i = 0; i < count; i++) call(model + 1 + i, letter[i], answer[i]);
    return !pawl_run_stopped(&run);
}

static void play(const struct row *r)
{
    struct pawl_arena arena;
    bool on = true;
    pawl_arena_init(&arena, pawl_alloc_libc());
    pawl_run_init(&run, &arena);
    tripped[0] = 0;
    agent.guards_count = 0;
    for (uint32_t i = 0; i < GUARDS_MAX && r->guards[i].limit; i++) {
        guards[agent.guards_count] = r->guards[i];
        guards[agent.guards_count++].name = pawl_str_of(pawl_guard_name(r->guards[i].rule));
    }
    fold(PAWL_RUN_CREATED, 0, "{\"agent\":\"a\",\"input\":\"x\"}");
    for (const char *word = r->run; *word && on;) {
        const size_t n = strcspn(word, " ");
        if (*word == 'u') {
            fold(PAWL_SIGNAL_RECEIVED, 0, "{\"text\":\"go on\"}");
        } else if (*word == 'y') {
            fold(PAWL_GATE_ANSWERED, run.steps_count, "{\"answer\":\"yes\"}");
            fold(PAWL_STEP_COMPLETED, run.steps_count, "{\"result\":null}");
            guard(NULL);
        } else {
            on = message(word, n) && (guard(NULL) || !pawl_run_stopped(&run));
        }
        word += n + (word[n] == ' ');
    }
    if (!CHECK(strcmp(tripped, r->trips) == 0))
        printf("  %s: tripped \"%s\", expected \"%s\"\n", r->run, tripped, r->trips);
    pawl_arena_fini(&arena);
}

/* A run whose first message has failed once. */
static void begin(struct pawl_arena *a)
{
    pawl_arena_init(a, pawl_alloc_libc());
    pawl_run_init(&run, a);
    agent.guards_count = 0;
    fold(PAWL_RUN_CREATED, 0, "{\"agent\":\"a\",\"input\":\"x\"}");
    message("R", 1);
}

/* Which step may change anything, and until when. */
static void narrowed(void)
{
    struct pawl_arena arena;
    begin(&arena);
    CHECK(!pawl_run_narrowed(&run, 3));
    fold(PAWL_GUARD_TRIPPED, 3, "{\"rule\":\"errors_in_a_row\",\"answer\":\"narrow\",\"limit\":1}");
    CHECK(!pawl_run_narrowed(&run, 2)); /* what was decided before it is not concerned */
    CHECK(pawl_run_narrowed(&run, 3) != NULL);
    message("r", 1);
    CHECK(pawl_run_narrowed(&run, 5) != NULL);
    fold(PAWL_SIGNAL_RECEIVED, 0, "{\"text\":\"go on\"}");
    CHECK(!pawl_run_narrowed(&run, 5)); /* the user has spoken: the model hears it with its next step */
    CHECK(pawl_run_narrowed(&run, 4) != NULL);
    message("r", 1);
    CHECK(!pawl_run_narrowed(&run, 7));
    fold(PAWL_GUARD_TRIPPED, 7, "{\"rule\":\"errors_in_a_row\",\"answer\":\"stop\",\"limit\":1}");
    CHECK(pawl_run_stopped(&run) != NULL);
    fold(PAWL_RUN_ENDED, 0, "{\"code\":11}");
    fold(PAWL_RUN_RETRIED, 0, "{\"again\":[]}");
    CHECK(!pawl_run_stopped(&run) && !pawl_run_narrowed(&run, 7)); /* a person lets it go on */
    pawl_arena_fini(&arena);
}

/* What was said before the guard tripped, and is heard with the step before which it did, lifts nothing: neither while
 * that step is decided nor when it is stored. */
static void spoken_before(void)
{
    struct pawl_arena arena;
    begin(&arena);
    fold(PAWL_SIGNAL_RECEIVED, 0, "{\"text\":\"one more thing\"}");
    fold(PAWL_GUARD_TRIPPED, 3, "{\"rule\":\"errors_in_a_row\",\"answer\":\"narrow\",\"limit\":1}");
    CHECK(pawl_run_narrowed(&run, 3) != NULL);
    message("r", 1);
    CHECK(run.turns[run.turns_count - 1].before_step == 3 && pawl_run_narrowed(&run, 3) && pawl_run_narrowed(&run, 4));
    pawl_arena_fini(&arena);
}

int main(void)
{
    for (uint32_t i = 0; i < 6; i++) {
        tools[i].name = (struct pawl_str){letters + i, 1};
        tools[i].effect = letters[i] == 'c' || letters[i] == 'd' ? PAWL_EFFECT_MUTATE : PAWL_EFFECT_READ;
    }
    tools[3].verify.tool = PAWL_STR("r");
    tools[4].egress = true;
    tools[5].untrusted = true;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) play(&rows[i]);
    narrowed();
    spoken_before();
    return TEST_END();
}
