/* src/policy/gate_test.c - a table: which call is asked about, and what an answer leads to, by contract, arguments, what was
 * asked and what was said. */
#include "base/test.h"
#include "io/alloc.h"
#include "policy/pipeline.h"
#include <string.h>

static enum pawl_kind appended; /* by the stage; NONE: nothing */

static int append(struct pawl_pass *p, enum pawl_kind kind, struct pawl_str body)
{
    (void)body;
    appended = kind;
    if (kind == PAWL_GATE_ASKED) p->step->state = PAWL_STEP_ASKED, p->step->expires_ns = p->wall_ns + 10;
    if (kind == PAWL_GATE_ANSWERED) p->step->state = PAWL_STEP_APPROVED;
    return PAWL_OK;
}

static int claim(struct pawl_pass *p, const struct pawl_claim_op *op)
{
    (void)p, (void)op;
    return PAWL_OK;
}

/* The request is the arguments. */
static int render(const struct pawl_config *c, const struct pawl_tool *t, yyjson_val *document, struct pawl_str key,
                  struct pawl_buf *out, struct pawl_error *err)
{
    (void)c, (void)t, (void)key, (void)err;
    pawl_json_write(yyjson_obj_get(document, "args"), out);
    return PAWL_OK;
}

enum { NONE = PAWL_GATE_NONE, ALWAYS = PAWL_GATE_ALWAYS, WHEN = PAWL_GATE_IF }; /* WHEN: the amount is over 100 */
enum { READ = PAWL_EFFECT_READ, MUTATE = PAWL_EFFECT_MUTATE, HARD = PAWL_EFFECT_IRREVERSIBLE };
enum { NEW = PAWL_STEP_DECIDED, ASKED = PAWL_STEP_ASKED, YES = PAWL_STEP_APPROVED, NO = 100 };
enum { GATE = PAWL_WHY_GATE, REPEAT = PAWL_WHY_REPEAT };
enum { GO = PAWL_GO, WAIT = PAWL_WAIT, FAIL = PAWL_FAIL, BACK = PAWL_BACK };
static const struct row {
    int effect, gate, amount, state, shown; /* shown: the amount that was asked about */
    unsigned asked_why, why;                /* what the question said; what dedupe has now */
    int late, edited, want;
    enum pawl_kind record;
} rows[] = {
    {READ, NONE, 500, NEW, 0, 0, 0, 0, 0, GO, PAWL_KIND_NONE},
    {MUTATE, NONE, 500, NEW, 0, 0, 0, 0, 0, GO, PAWL_KIND_NONE},
    {HARD, NONE, 1, NEW, 0, 0, 0, 0, 0, WAIT, PAWL_GATE_ASKED}, /* never without a word */
    {MUTATE, ALWAYS, 1, NEW, 0, 0, 0, 0, 0, WAIT, PAWL_GATE_ASKED},
    {HARD, WHEN, 100, NEW, 0, 0, 0, 0, 0, GO, PAWL_KIND_NONE}, /* over, not at */
    {HARD, WHEN, 101, NEW, 0, 0, 0, 0, 0, WAIT, PAWL_GATE_ASKED},
    {HARD, WHEN, 100, NEW, 0, 0, REPEAT, 0, 0, WAIT, PAWL_GATE_ASKED}, /* dedupe asks, too */
    {HARD, ALWAYS, 5, ASKED, 5, GATE, 0, 0, 0, WAIT, PAWL_KIND_NONE},
    {HARD, ALWAYS, 5, ASKED, 5, GATE, 0, 1, 0, BACK, PAWL_GATE_ANSWERED}, /* nobody answered */
    {HARD, ALWAYS, 5, YES, 5, GATE, 0, 0, 0, GO, PAWL_KIND_NONE},
    {HARD, ALWAYS, 5, NO, 5, GATE, 0, 0, 0, FAIL, PAWL_KIND_NONE},
    {HARD, ALWAYS, 6, YES, 5, GATE, 0, 0, 0, WAIT, PAWL_GATE_ASKED},      /* another request by now */
    {HARD, ALWAYS, 5, YES, 5, GATE, 0, 1, 0, WAIT, PAWL_GATE_ASKED},      /* the yes has expired */
    {HARD, ALWAYS, 5, YES, 5, GATE, REPEAT, 0, 0, WAIT, PAWL_GATE_ASKED}, /* a reason that was not given */
    {HARD, ALWAYS, 5, YES, 5, GATE | REPEAT, REPEAT, 0, 0, GO, PAWL_KIND_NONE},
    {HARD, WHEN, 50, YES, 50, GATE, 0, 0, 1, GO, PAWL_KIND_NONE},    /* changed, and no condition holds any more: */
    {HARD, WHEN, 50, YES, 40, GATE, 0, 0, 1, WAIT, PAWL_GATE_ASKED}, /* it still needs its own yes */
    {HARD, WHEN, 50, ASKED, 50, GATE, 0, 0, 1, WAIT, PAWL_KIND_NONE},
};

static struct pawl_hash digest_of(int amount)
{
    char text[40];
    const int n = snprintf(text, sizeof text, "{\"amount\":%d}", amount);
    return pawl_sha256(text, (size_t)n);
}

static void play(const struct row *r, struct pawl_schema *when)
{
    const struct pawl_ports ports = {.render_tool = render};
    const struct pawl_book book = {.append = append, .claim = claim};
    const struct pawl_tool tool = {.name = PAWL_STR("pay"),
                                   .effect = (enum pawl_effect)r->effect,
                                   .gate = (enum pawl_gate_mode)r->gate,
                                   .gate_when = r->gate == WHEN ? when : NULL,
                                   .gate_expires_ns = 10};
    struct pawl_run run = {.agent = PAWL_STR("a"), .input = PAWL_STR("null")};
    struct pawl_step step = {.number = 1, .kind = PAWL_STEP_TOOL}, *steps[] = {&step};
    struct pawl_arena arena;
    const uint8_t store_id[16] = {7};
    char text[40];
    run.steps = steps;
    run.steps_count = 1;
    step.state = r->state == NO ? PAWL_STEP_APPROVED : (enum pawl_step_state)r->state;
    step.denied = r->state == NO;
    step.asked_digest = digest_of(r->shown);
    step.why = r->asked_why;
    step.edited = r->edited;
    step.expires_ns = 1000;
    pawl_arena_init(&arena, pawl_alloc_libc());
    struct pawl_pass p = {.run = &run,
                          .step = &step,
                          .number = 1,
                          .tool = &tool,
                          .ports = &ports,
                          .book = &book,
                          .store_id = store_id,
                          .arena = &arena,
                          .why = r->why,
                          .wall_ns = r->late ? 1000 : 999};
    snprintf(text, sizeof text, "{\"amount\":%d}", r->amount);
    CHECK_INT(pawl_json_read(pawl_str_of(text), &arena, &p.args, NULL), PAWL_OK);
    CHECK_INT(pawl_pass_document(&p), PAWL_OK);
    appended = PAWL_KIND_NONE;
    CHECK_INT((int)pawl_stage_gate(&p), r->want);
    if (!CHECK_INT(appended, r->record)) printf("  row %d\n", (int)(r - rows));
    if (r->gate == WHEN && r->want == GO && r->state == NEW) CHECK(p.condition_did_not_hold); /* the verdict */
    pawl_arena_fini(&arena);
}

int main(void)
{
    struct pawl_arena arena;
    struct pawl_schema *when = NULL;
    yyjson_val *v;
    pawl_arena_init(&arena, pawl_alloc_libc());
    CHECK_INT(pawl_json_read(PAWL_STR("{\"properties\":{\"amount\":{\"exclusiveMinimum\":100}}}"), &arena, &v, NULL),
              PAWL_OK);
    CHECK_INT(pawl_schema_compile(v, NULL, pawl_alloc_libc(), &when, NULL), PAWL_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) play(&rows[i], when);
    pawl_schema_free(when);
    pawl_arena_fini(&arena);
    return TEST_END();
}
