/* src/policy/question_test.c - a question about the run: asked, answered, and what the decider then finds of it; and a
 * stage's reason to ask about a call. Records are folded by the real fold. */
#include "base/test.h"
#include "io/alloc.h"
#include "policy/pipeline.h"
#include "policy/question.h"
#include <string.h>

static struct pawl_run run;

static int fold(enum pawl_kind kind, uint32_t step, struct pawl_str body)
{
    struct pawl_record r = {.seq = run.seq + 1, .at_ns = 1, .kind = kind, .step = step, .body = body};
    return pawl_run_fold(&run, &r, NULL);
}

static int append(struct pawl_pass *p, enum pawl_kind kind, struct pawl_str body)
{
    return fold(kind, p->number, body);
}

static const struct pawl_book book = {.append = append};
static const struct pawl_model model = {.name = {"main", 4}};
static const struct pawl_question question = {.name = {"errors_in_a_row", 15},
                                              .why = PAWL_WHY_GUARD,
                                              .says = {"three errors in a row", 21},
                                              .otherwise = PAWL_CLASS_GUARD_STOPPED,
                                              .expires_ns = 100};

static void ask(struct pawl_pass *p, struct pawl_arena *arena)
{
    pawl_run_init(&run, arena);
    CHECK_INT(fold(PAWL_RUN_CREATED, 0, PAWL_STR("{\"agent\":\"a\",\"input\":\"x\"}")), PAWL_OK);
    *p = (struct pawl_pass){.run = &run, .number = 1, .model = &model, .book = &book, .arena = arena, .wall_ns = 1000};
    p->stage = PAWL_STAGE_GUARD;
    CHECK_INT(pawl_pass_question(p, &question), PAWL_BACK);
    CHECK_INT(p->back, PAWL_STAGE_GATE);
    CHECK(!p->model && p->step && p->step->kind == PAWL_STEP_GATE && p->step->state == PAWL_STEP_ASKED);
    CHECK_INT(p->step->why, PAWL_WHY_GUARD);
    CHECK(pawl_str_is(p->step->says, "three errors in a row"));
    CHECK_INT(p->step->expires_ns, 1100);
    p->stage = PAWL_STAGE_GATE;
    pawl_pipeline_drive(p);
    CHECK_INT(p->want, PAWL_WANT_PERSON);
    CHECK(!pawl_run_question(&run, question.name));
}

static void answers(void)
{
    static const struct {
        const char *body; /* NULL: nobody answers in time */
        int state, error_class;
        const char *result;
    } rows[] = {
        {"{\"answer\":\"yes\"}", PAWL_STEP_DONE, 0, "{\"answer\":\"yes\"}"},
        {"{\"answer\":\"yes\",\"with\":{\"more\":5}}", PAWL_STEP_DONE, 0, "{\"answer\":\"yes\",\"with\":{\"more\":5}}"},
        {"{\"answer\":\"no\",\"reason\":\"enough\"}", PAWL_STEP_NOT_DONE, PAWL_CLASS_GUARD_STOPPED, NULL},
        {NULL, PAWL_STEP_NOT_DONE, PAWL_CLASS_GUARD_STOPPED, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pawl_arena arena;
        struct pawl_pass p;
        pawl_arena_init(&arena, pawl_alloc_libc());
        ask(&p, &arena);
        if (rows[i].body) CHECK_INT(fold(PAWL_GATE_ANSWERED, 1, pawl_str_of(rows[i].body)), PAWL_OK);
        else p.wall_ns = 1100;
        pawl_pipeline_drive(&p);
        CHECK(p.ended);
        const struct pawl_step *s = pawl_run_question(&run, question.name);
        if (!CHECK(s != NULL)) continue;
        CHECK_INT((int)s->state, rows[i].state);
        CHECK_INT((int)s->error_class, rows[i].error_class);
        if (rows[i].result) CHECK(pawl_str_is(s->result, rows[i].result));
        CHECK(!pawl_run_question(&run, PAWL_STR("budget")));
        pawl_arena_fini(&arena);
    }
}

/* Only in its place, and only once. */
static void not_asked(void)
{
    struct pawl_arena arena;
    struct pawl_pass p;
    pawl_arena_init(&arena, pawl_alloc_libc());
    ask(&p, &arena);
    CHECK_INT(fold(PAWL_GATE_ASKED, 3, PAWL_STR("{\"kind\":\"gate\",\"name\":\"x\"}")), PAWL_ECORRUPT);
    CHECK_INT(fold(PAWL_GATE_ASKED, 2, PAWL_STR("{\"name\":\"x\"}")), PAWL_ECORRUPT);
    pawl_arena_fini(&arena);
}

static void about_a_call(void)
{
    static const struct {
        unsigned asked, reason;
        int state, denied;
        int64_t expires_ns;
        bool ask;
    } rows[] = {
        {0, PAWL_WHY_BUDGET, PAWL_STEP_DECIDED, 0, 0, true},
        {PAWL_WHY_GATE, PAWL_WHY_BUDGET, PAWL_STEP_APPROVED, 0, 2000, true}, /* the yes was to something else */
        {PAWL_WHY_GATE | PAWL_WHY_BUDGET, PAWL_WHY_BUDGET, PAWL_STEP_APPROVED, 0, 2000, false},
        {PAWL_WHY_BUDGET, PAWL_WHY_BUDGET, PAWL_STEP_APPROVED, 0, 1000, true}, /* it has expired */
        {PAWL_WHY_BUDGET, PAWL_WHY_BUDGET, PAWL_STEP_APPROVED, 1, 2000, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pawl_step step = {.number = 1,
                                 .state = (enum pawl_step_state)rows[i].state,
                                 .why = rows[i].asked,
                                 .denied = rows[i].denied,
                                 .expires_ns = rows[i].expires_ns};
        struct pawl_arena arena;
        pawl_arena_init(&arena, pawl_alloc_libc());
        struct pawl_pass p = {.step = &step, .arena = &arena, .wall_ns = 1000};
        CHECK_INT(pawl_pass_ask(&p, rows[i].reason, PAWL_STR("a")), rows[i].ask);
        CHECK_INT(pawl_pass_ask(&p, PAWL_WHY_OPINION, PAWL_STR("b")), true);
        pawl_pass_ask(&p, rows[i].reason, PAWL_STR("a")); /* once more: said once */
        CHECK(pawl_str_is(p.says, "a; b"));
        CHECK_INT(p.why, rows[i].reason | PAWL_WHY_OPINION);
        pawl_arena_fini(&arena);
    }
}

int main(void)
{
    answers();
    not_asked();
    about_a_call();
    return TEST_END();
}
