/* src/policy/check_test.c - what came of a call against what was meant: a row is one call with its checks, as stage 16 sees it
 * once it is known to have happened; what is found, what follows, and how it is told. Nothing is ever sent for it. */
#include "policy/check.h"
#include "base/test.h"
#include "io/alloc.h"

#define AMOUNT \
    "{\"properties\":{\"result\":{\"required\":[\"amount\"],\"properties\":{\"amount\":{\"const\":{\"$arg\":\"/args/amount\"}}}}}}"
#define SAME_OWNER "{\"properties\":{\"after\":{\"properties\":{\"owner\":{\"const\":{\"$arg\":\"/before/owner\"}}}}}}"
#define COSTLY "{\"properties\":{\"result\":{\"properties\":{\"note\":{\"pattern\":\"^(a+)+$\"}}}}}"
#define BIG "{\"properties\":{\"args\":{\"properties\":{\"amount\":{\"minimum\":100}}}}}"
enum { RESULT = PAWL_CHECK_RESULT, PLACE = PAWL_CHECK_BEFORE | PAWL_CHECK_AFTER };
enum { TELL = PAWL_CHECK_TELL, ASK = PAWL_CHECK_ASK, FAIL = PAWL_CHECK_FAIL, UNDO = PAWL_CHECK_UNDO };
enum { OWN, LOOKED, PERSON }; /* where the result is from */

static const struct row {
    struct {
        const char *when, *schema, *says;
        unsigned looks, then;
    } checks[2];
    const char *result, *before, *after; /* NULL: it could not be read */
    int from;
    enum pawl_verdict want;
    unsigned then;
    const char *found; /* a letter for each: h holds, d does not, k not known, m not meant */
    const char *says;
} rows[] = {
    {{{0, AMOUNT, 0, RESULT, TELL}}, "{\"amount\":5}", 0, 0, OWN, PAWL_GO, 0, "h", ""},
    {{{0, AMOUNT, 0, RESULT, TELL}},
     "{\"amount\":4}",
     0,
     0,
     OWN,
     PAWL_GO,
     TELL,
     "d",
     "c0: /result/amount: expected exactly 5, found 4"},
    {{{0, AMOUNT, "what was asked for", RESULT, ASK}},
     "{}",
     0,
     0,
     OWN,
     PAWL_GO,
     ASK,
     "d",
     "c0: what was asked for: /result: "},
    {{{0, AMOUNT, 0, RESULT, UNDO}}, "{\"amount\":4}", 0, 0, OWN, PAWL_GO, UNDO, "d", "c0: /result/amount"},
    {{{0, AMOUNT, 0, RESULT, FAIL}}, "{\"amount\":4}", 0, 0, OWN, PAWL_FAIL, FAIL, "d", "c0: /result/amount"},
    {{{0, AMOUNT, 0, RESULT, FAIL}}, "{\"amount\":5}", 0, 0, OWN, PAWL_GO, 0, "h", ""},
    {{{0, AMOUNT, 0, RESULT, FAIL}, {0, SAME_OWNER, 0, PLACE, UNDO}},
     "{\"amount\":4}",
     "{\"owner\":1}",
     "{\"owner\":2}",
     OWN,
     PAWL_FAIL,
     FAIL | UNDO,
     "dd",
     "; c1: /after/owner: expected exactly 1, found 2"},
    {{{0, AMOUNT, 0, RESULT, FAIL}, {0, SAME_OWNER, 0, PLACE, ASK}},
     "{\"amount\":5}",
     "{\"owner\":1}",
     "{\"owner\":2}",
     OWN,
     PAWL_GO,
     ASK,
     "hd",
     "c1: /after/owner"},
    {{{0, SAME_OWNER, 0, PLACE, UNDO}}, "{}", "{\"owner\":1}", "{\"owner\":1}", OWN, PAWL_GO, 0, "h", ""},
    {{{BIG, AMOUNT, 0, RESULT, FAIL}}, "{\"amount\":4}", 0, 0, OWN, PAWL_GO, 0, "m", ""},
    /* what is not known is told; nothing is undone for it, and it is no error */
    {{{0, SAME_OWNER, 0, PLACE, UNDO}},
     "{}",
     "{\"owner\":1}",
     0,
     OWN,
     PAWL_GO,
     TELL,
     "k",
     "c0: it could not be checked: nothing could be read afterwards"},
    {{{0, SAME_OWNER, 0, PLACE, FAIL}},
     "{}",
     0,
     "{\"owner\":1}",
     OWN,
     PAWL_GO,
     TELL,
     "k",
     "c0: it could not be checked: nothing could be read before it"},
    {{{0, SAME_OWNER, 0, PLACE, ASK}}, "{}", 0, 0, OWN, PAWL_GO, ASK, "k", "nothing could be read before it"},
    {{{0, COSTLY, 0, RESULT, UNDO}},
     "{\"note\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"}",
     0,
     0,
     OWN,
     PAWL_GO,
     TELL,
     "k",
     "that takes too long"},
    {{{0, AMOUNT, 0, RESULT, UNDO}}, "{\"amount\":4}", 0, 0, LOOKED, PAWL_GO, TELL, "k", "its own answer is not known"},
    {{{0, AMOUNT, 0, RESULT, UNDO}}, "{\"amount\":4}", 0, 0, PERSON, PAWL_GO, UNDO, "d", "expected exactly 5, found 4"},
    {{{0, AMOUNT, 0, RESULT, UNDO}}, "null", 0, 0, PERSON, PAWL_GO, TELL, "k", "its own answer is not known"},
};

static struct pawl_schema *compiled(const char *text, struct pawl_arena *a)
{
    const struct pawl_schema_options options = {.allow_arg = true};
    struct pawl_schema *out = NULL;
    yyjson_val *v;
    if (!text) return NULL;
    CHECK_INT(pawl_json_read(pawl_str_of(text), a, &v, NULL), PAWL_OK);
    CHECK_INT(pawl_schema_compile(v, &options, pawl_alloc_libc(), &out, NULL), PAWL_OK);
    return out;
}

/* The first letters of what was found: "does not hold" and "holds", "not known" and "not meant" by their last word. */
static void found_of(struct pawl_str checks, struct pawl_arena *a, char out[8])
{
    yyjson_val *list = NULL, *check;
    size_t i, n;
    memset(out, 0, 8);
    CHECK_INT(pawl_json_read(checks, a, &list, NULL), PAWL_OK);
    yyjson_arr_foreach(list, i, n, check)
    {
        const struct pawl_str f = pawl_json_str(check, "found");
        if (i < 7) out[i] = f.n > 4 && f.p[0] == 'n' ? f.p[4] : f.n ? f.p[0] : '?';
    }
}

int main(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        struct pawl_arena a;
        struct pawl_check checks[2] = {{.name = PAWL_STR("c0")}, {.name = PAWL_STR("c1")}};
        struct pawl_tool tool = {.name = PAWL_STR("pay"),
                                 .effect = PAWL_EFFECT_MUTATE,
                                 .checks = checks,
                                 .before = {.tool = PAWL_STR("look")}};
        struct pawl_run run = {.steps_count = 0};
        struct pawl_step step = {.number = 1,
                                 .kind = PAWL_STEP_TOOL,
                                 .before = {r->before, r->before ? (uint32_t)strlen(r->before) : 0}};
        struct pawl_pass p = {
            .run = &run, .step = &step, .number = 1, .tool = &tool, .arena = &a, .looked_after = true};
        char found[8];
        pawl_arena_init(&a, pawl_alloc_libc());
        for (; tool.checks_count < 2 && r->checks[tool.checks_count].schema; tool.checks_count++) {
            struct pawl_check *c = &checks[tool.checks_count];
            c->when = compiled(r->checks[tool.checks_count].when, &a);
            c->schema = compiled(r->checks[tool.checks_count].schema, &a);
            if (r->checks[tool.checks_count].says) c->says = pawl_str_of(r->checks[tool.checks_count].says);
            c->looks = r->checks[tool.checks_count].looks;
            c->then = r->checks[tool.checks_count].then;
        }
        CHECK_INT(pawl_json_read(PAWL_STR("{\"amount\":5}"), &a, &p.args, NULL), PAWL_OK);
        CHECK_INT(pawl_json_read(PAWL_STR("{\"run\":{}}"), &a, &p.document, NULL), PAWL_OK);
        p.result = pawl_str_of(r->result);
        if (r->after) p.after = pawl_str_of(r->after);
        p.from_verify = r->from == LOOKED;
        p.from_person = r->from == PERSON;
        CHECK_INT(pawl_check_outcome(&p), r->want);
        CHECK_INT(p.check_then, r->then);
        CHECK_INT(p.rc, PAWL_OK);
        if (r->want == PAWL_FAIL) {
            CHECK_INT(p.error_class, PAWL_CLASS_OUT_OF_CONTRACT);
            CHECK(p.applied); /* it happened, whatever is found: it is never sent again for that */
        }
        found_of(p.checks, &a, found);
        if (!CHECK(strcmp(found, r->found) == 0)) printf("  row %zu: found %s\n", i, found);
        if (!CHECK(strstr(p.check_says.p ? p.check_says.p : "", r->says) != NULL))
            printf("  row %zu: says %s\n", i, p.check_says.p);
        CHECK_INT(pawl_check_outcome(&p), PAWL_GO); /* once */
        for (uint32_t k = 0; k < tool.checks_count; k++)
            pawl_schema_free(checks[k].when), pawl_schema_free(checks[k].schema);
        pawl_arena_fini(&a);
    }
    return TEST_END();
}
