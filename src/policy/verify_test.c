/* src/policy/verify_test.c - what a look tells by `expect`: it happened, it did not, or nothing; a check that has no answer
 * tells nothing, for "it does not fit" would send the change again. */
#include "base/test.h"
#include "io/alloc.h"
#include "policy/look.h"

#define COSTLY "{\"note\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"}" /* (a+)+ goes back for ever */

static const struct {
    const char *before, *now;
    enum pawl_seen want;
} rows[] = {
    {"{\"note\":\"b\"}", "{\"note\":\"aa\"}", PAWL_SEEN_HAPPENED},
    {"{\"note\":\"aa\"}", "{\"note\":\"aa\"}", PAWL_SEEN_NOTHING_KNOWN},
    {"{\"note\":\"b\"}", "{\"note\":\"b\"}", PAWL_SEEN_NOT},
    {"{\"note\":\"b\"}", "{\"note\":\"c\"}", PAWL_SEEN_NOTHING_KNOWN}, /* something else happened */
    {"{\"note\":\"b\"}", COSTLY, PAWL_SEEN_NOTHING_KNOWN},
    {COSTLY, "{\"note\":\"aa\"}", PAWL_SEEN_NOTHING_KNOWN},
    {COSTLY, COSTLY, PAWL_SEEN_NOTHING_KNOWN},
};

int main(void)
{
    struct pawl_arena arena;
    struct pawl_schema *expect = NULL;
    yyjson_val *v;
    pawl_arena_init(&arena, pawl_alloc_libc());
    CHECK_INT(pawl_json_read(PAWL_STR("{\"properties\":{\"note\":{\"pattern\":\"^(a+)+$\"}}}"), &arena, &v, NULL),
              PAWL_OK);
    CHECK_INT(pawl_schema_compile(v, NULL, pawl_alloc_libc(), &expect, NULL), PAWL_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct pawl_config config = {.tools_count = 0};
        const struct pawl_tool tool = {.verify = {.tool = PAWL_STR("look"), .expect = expect}};
        struct pawl_step step = {.look = pawl_str_of(rows[i].before)};
        struct pawl_pass p = {.config = &config, .tool = &tool, .step = &step, .arena = &arena};
        p.looked = (struct pawl_outcome){.applied = PAWL_APPLIED_YES, .result = pawl_str_of(rows[i].now)};
        CHECK_INT(pawl_json_read(PAWL_STR("{\"run\":{}}"), &arena, &p.document, NULL), PAWL_OK);
        p.args = p.document;
        if (!CHECK_INT(pawl_look_tells(&p), rows[i].want)) printf("  %s, %s\n", rows[i].before, rows[i].now);
    }
    pawl_schema_free(expect);
    pawl_arena_fini(&arena);
    return TEST_END();
}
