/* src/contract/schema_cost_test.c - what a check costs: bounds that end what would take for ever, no memory where none is
 * promised to be needed, nothing that grows with the square. */
#include <time.h>
#include "contract/schema_kit.h"

static int check(const char *schema, const char *instance)
{
    struct pawl_schema *s = NULL;
    struct pawl_schema_report report;
    struct pawl_error err = {0};
    yyjson_val *v = json(instance);
    if (pawl_schema_compile(json(schema), NULL, pawl_alloc_libc(), &s, &err))
        return printf("%s: %s\n", schema, err.what), PAWL_EINTERNAL;
    const int rc = pawl_schema_check(s, v, NULL, NULL);
    CHECK_INT(pawl_schema_check(s, v, NULL, &report), rc);
    CHECK((rc == PAWL_OK) == (report.count == 0));
    pawl_schema_free(s);
    return rc;
}

/* A list of `count` pieces, each printed with its number. */
static const char *list(const char *begin, const char *each, int count, const char *end)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, &arena);
    pawl_buf_text(&b, begin);
    for (int i = 0; i < count; i++) {
        char piece[200];
        snprintf(piece, sizeof piece, each, i, i + 1, i);
        if (i) pawl_buf_char(&b, ',');
        pawl_buf_text(&b, piece);
    }
    pawl_buf_text(&b, end);
    return pawl_buf_done(&b).p;
}

/* `word` so many times. */
static const char *repeat(const char *begin, const char *word, int count, const char *end)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, &arena);
    pawl_buf_text(&b, begin);
    for (int i = 0; i < count; i++) pawl_buf_text(&b, word);
    pawl_buf_text(&b, end);
    return pawl_buf_done(&b).p;
}

/* What costs more than all bounds is told so, soon, and never hangs. */
static void test_bounds(void)
{
    /* each subschema leads to the next one twice: 2^60 ways */
    const char *bomb =
        list("{\"$ref\":\"#/$defs/a0\",\"$defs\":{\"a60\":{\"type\":\"string\"},",
             "\"a%d\":{\"allOf\":[{\"$ref\":\"#/$defs/a%d\"},true,{\"$ref\":\"#/$defs/a%2$d\"}]}", 60, "}}");
    const char *any = list("{\"$ref\":\"#/$defs/a0\",\"$defs\":{\"a60\":{\"type\":\"string\"},",
                           "\"a%d\":{\"anyOf\":[{\"$ref\":\"#/$defs/a%d\"},{\"$ref\":\"#/$defs/a%2$d\"}]}", 60, "}}");
    const char *endless = J({"$dynamicAnchor" : "m", "allOf" : [ {"$dynamicRef" : "#m"}, {"$dynamicRef" : "#m"} ]});
    const char *texts = repeat("[\"", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaab\",\"", 2000, "\"]");
    const char *names = list("{", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaab%d\":1", 2000, "}");
    const clock_t begin = clock();
    CHECK_INT(check(bomb, "\"x\""), PAWL_ELIMIT);
    CHECK_INT(check(bomb, "1"), PAWL_EINVAL); /* the first way decides */
    CHECK_INT(check(any, "1"), PAWL_ELIMIT);
    CHECK_INT(check(any, "\"x\""), PAWL_OK);
    CHECK_INT(check(endless, "{}"), PAWL_ELIMIT);
    CHECK_INT(check(J({"items" : {"pattern" : "^(a+)+$"}}), texts), PAWL_ELIMIT);
    CHECK_INT(check(J({"items" : {"pattern" : "(a|aa)+$"}}), texts), PAWL_ELIMIT);
    CHECK_INT(check(J({"items" : {"pattern" : "(x+x+)+y"}}), texts), PAWL_EINVAL);
    CHECK_INT(check(J({"patternProperties" : {"(a*)*$" : false}}), names), PAWL_ELIMIT);
    CHECK((clock() - begin) / CLOCKS_PER_SEC < 120); /* of the processor; sanitizers take their time */
}
/* Nothing is allocated by a check of usual size, whatever its schema has; nor by one that does not fit. */
static const struct {
    const char *schema, *fits, *fails;
} quiet[] = {
    {J({"type" : "object", "required" : ["a"], "properties" : {"a" : {"pattern" : "^o_[0-9a-f]{4,32}$"}}}),
     J({"a" : "o_0123456789abcdef", "b" : 1}), J({"a" : "o_x"})},
    {J({"pattern" : "(\\p{L}+)-(?<y>\\d{4})-\\k<y>?(x|y)*$"}), J("äöü-2026-xyxyxyxyxyxy"), J("-2026")},
    {J({"patternProperties" : {"^a" : {"type" : "null"}, "z$" : {"maxLength" : 1}}, "additionalProperties" : false}),
     J({"a" : null, "bz" : "x"}), J({"a" : 1})},
    {J({"items" : {"format" : "date-time"}}), J([ "2026-11-21T08:30:00Z", "2026-11-21T08:30:00.5+01:00" ]), J(["x"])},
    {J({"items" : {"format" : "idn-hostname"}}), J([ "bücher.example", "xn--bcher-kva.example" ]), J(["-"])},
    {J({"items" : {"format" : "idn-email"}}), J(["ä@bücher.example"]), J(["@"])},
    {J({"uniqueItems" : true}), NULL, J([ 1, 2, 1 ])},
    {J({
         "allOf" : [ {"properties" : {"a" : true}} ],
         "anyOf" : [ {"properties" : {"b" : true}}, {"required" : ["x"]} ],
         "unevaluatedProperties" : false
     }),
     J({"a" : 1, "b" : 2}), J({"c" : 1})},
    {J({"$dynamicAnchor" : "m", "properties" : {"a" : {"$dynamicRef" : "#m"}}, "unevaluatedProperties" : false}),
     J({"a" : {"a" : {"a" : {}}}}), J({"a" : {"b" : 1}})},
    {J({"oneOf" : [ {"const" : [ 1, {"a" : "b"} ]}, {"enum" : [ 1, 2, "a", "b", "c", "d", "e", "f", "g", "h" ]} ]}),
     J("g"), J("z")},
    {J({"if" : {"type" : "string"}, "then" : {"multipleOf" : 0.1}, "else" : {"multipleOf" : 0.1}}), "4.7", "4.75"},
    {J({"prefixItems" : [true], "contains" : {"minimum" : 5}, "unevaluatedItems" : false}), J([ 1, 6, 7 ]),
     J([ 1, 6, 2 ])},
    {J({"dependentSchemas" : {"a" : {"required" : ["b"]}}, "dependentRequired" : {"b" : ["c"]}}),
     J({"a" : 1, "b" : 1, "c" : 1}), J({"a" : 1, "b" : 1})},
};
static bool armed;
static uint32_t asked;

static void *resize(void *ctx, void *p, size_t old_bytes, size_t new_bytes)
{
    if (armed && new_bytes > 0) return asked++, NULL;
    return pawl_alloc_libc()->resize(ctx, p, old_bytes, new_bytes);
}

static void test_no_memory_wanted(void)
{
    const struct pawl_alloc from = {resize, pawl_alloc_libc()->ctx};
    const struct pawl_schema_options o = {.assert_formats = true};
    for (size_t i = 0; i < sizeof quiet / sizeof *quiet; i++) {
        struct pawl_schema_report report;
        struct pawl_schema *s = NULL;
        struct pawl_error err = {0};
        yyjson_val *schema = json(quiet[i].schema), *fails = json(quiet[i].fails);
        yyjson_val *fits = json(quiet[i].fits ? quiet[i].fits : list("[", "%d", 256, "]"));
        if (!CHECK_INT(pawl_schema_compile(schema, &o, &from, &s, &err), PAWL_OK)) printf("  %s\n", err.what);
        armed = true;
        if (s && (!CHECK_INT(pawl_schema_check(s, fits, NULL, NULL), PAWL_OK) ||
                  !CHECK_INT(pawl_schema_check(s, fits, NULL, &report), PAWL_OK) ||
                  !CHECK_INT(pawl_schema_check(s, fails, NULL, NULL), PAWL_EINVAL) ||
                  !CHECK_INT(pawl_schema_check(s, fails, NULL, &report), PAWL_EINVAL)))
            printf("  %s\n", quiet[i].schema);
        armed = false;
        pawl_schema_free(s);
    }
    CHECK_INT(asked, 0);
}

/* What does want memory says so where there is none, and gives the answer where there is. */
static void test_memory_wanted(void)
{
    const struct {
        const char *schema, *instance;
    } rows[] = {
        {J({"uniqueItems" : true}), list("[", "%d", 5000, "]")},
        {J({"properties" : {"k1" : true}, "patternProperties" : {"^k" : true}, "unevaluatedProperties" : false}),
         list("{", "\"k%d\":0", 17000, "}")},
        {J({"pattern" : "^(?:(a|b)c)*$"}), repeat("\"", "acbc", 5000, "\"")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct pawl_alloc from = {resize, pawl_alloc_libc()->ctx};
        struct pawl_schema *s = NULL;
        struct pawl_schema_report report;
        CHECK_INT(pawl_schema_compile(json(rows[i].schema), NULL, &from, &s, NULL), PAWL_OK);
        CHECK_INT(pawl_schema_check(s, json(rows[i].instance), NULL, NULL), PAWL_OK);
        armed = true;
        CHECK_INT(pawl_schema_check(s, json(rows[i].instance), NULL, &report), PAWL_ENOMEM);
        armed = false;
        CHECK_INT(report.count, 1);
        CHECK(strstr(report.violations[0].says, "no memory") != NULL);
        pawl_schema_free(s);
    }
}

static void test_failed_allocations(void)
{
    static const char schema[] = J({
        "$id" : "http://x/a",
        "$defs" : {"a" : {"$anchor" : "a", "pattern" : "^a+$", "enum" : [ "aa", {"a" : []} ]}},
        "properties" : {"b" : {"$ref" : "#a"}, "c" : {"$dynamicRef" : "#m"}},
        "$dynamicAnchor" : "m",
        "patternProperties" : {"x" : {"format" : "idn-hostname"}},
        "unevaluatedProperties" : false,
        "dependentRequired" : {"a" : ["b"]},
        "items" : {"$ref" : "http://x/r"},
        "prefixItems" : [ {"not" : {}} ]
    });
    yyjson_val *v = json(schema), *resource = json(J({"$id" : "http://x/r", "contains" : {"const" : 1.5}}));
    const struct pawl_schema_options o = {.resources = &resource, .resources_count = 1, .assert_formats = true};
    struct test_alloc t;
    EVERY_FAILED_ALLOCATION(t) {
        struct pawl_schema *s = NULL;
        const int rc = pawl_schema_compile(v, &o, &t.alloc, &s, NULL);
        CHECK(rc == (t.failed ? PAWL_ENOMEM : PAWL_OK) && (s != NULL) == (rc == PAWL_OK));
        pawl_schema_free(s);
    }
    uint32_t first = 0;
    EVERY_FAILED_ALLOCATION(t) {
        struct pawl_schema_cache cache = {.known = {NULL}};
        const struct pawl_schema_options kept = {.resources = &resource, .resources_count = 1, .cache = &cache};
        struct pawl_schema *s = NULL;
        int rc = pawl_schema_compile(v, &kept, &t.alloc, &s, NULL);
        pawl_schema_free(s);
        const uint32_t requests = t.requests;
        if (rc == PAWL_OK) rc = pawl_schema_compile(v, &kept, &t.alloc, &s, NULL);
        if (rc == PAWL_OK) pawl_schema_free(s);
        CHECK(rc == (t.failed ? PAWL_ENOMEM : PAWL_OK));
        if (!t.failed) CHECK(t.requests - requests < requests / 2); /* the meta-schema was there already */
        first += !t.failed;
        pawl_schema_cache_fini(&cache);
    }
    CHECK_INT(first, 1);
}

/* Members 0 to count - 1; a negative count: from the last to the first. */
static const char *backward(const char *begin, int count, const char *end)
{
    struct pawl_buf b;
    const int n = count < 0 ? -count : count;
    pawl_buf_init_arena(&b, &arena);
    pawl_buf_text(&b, begin);
    for (int i = 0; i < n; i++) pawl_buf_printf(&b, "%s\"%d\":1", i ? "," : "", count < 0 ? n - 1 - i : i);
    pawl_buf_text(&b, end);
    return pawl_buf_done(&b).p;
}

/* Many members, many items, many names: not one by one. */
static void test_many(void)
{
    const char *schema =
        list("{\"additionalProperties\":false,\"properties\":{", "\"name_%d\":{\"type\":\"integer\"}", 20000, "}}");
    const char *members = list("{", "\"name_%d\":1", 20000, "}");
    const char *backwards = list("{\"name_19999\":1,\"name_7\":1,", "\"name_%d\":1", 7, "}");
    const clock_t begin = clock();
    CHECK_INT(check(schema, members), PAWL_OK);
    CHECK_INT(check(schema, backwards), PAWL_OK);
    CHECK_INT(check(J({"uniqueItems" : true}), list("[", "{\"a\":[%d,\"x\"]}", 50000, "]")), PAWL_OK);
    CHECK_INT(check(J({"uniqueItems" : true}), list("[", "{\"a\":[%d,\"x\"]}", 50000, ",{\"a\":[49999.0,\"x\"]}]")),
              PAWL_EINVAL);
    CHECK_INT(check(list("{\"enum\":[", "\"v%d\"", 20000, "]}"), "\"v19999\""), PAWL_OK);
    /* what differs at once costs next to nothing, however large it is; members in another order are found */
    const char *large = list("", "{\"z\":%d,\"a\":[%d]}", 20000, "");
    CHECK_INT(check(repeat("{\"enum\":[", repeat("[1,", large, 1, "],"), 40, "1]}"), repeat("[2,", large, 1, "]")),
              PAWL_EINVAL);
    CHECK_INT(check(repeat("{\"const\":[", large, 1, "]}"), repeat("[", large, 1, "]")), PAWL_OK);
    CHECK_INT(check(list("{\"const\":{", "\"name_%d\":1", 20000, "}}"), members), PAWL_OK);
    CHECK_INT(check(list("{\"const\":{\"name_2999\":1,", "\"name_%d\":1", 2999, "}}"),
                    list("{", "\"name_%d\":1", 3000, "}")),
              PAWL_OK);
    CHECK_INT(check(backward("{\"const\":{", 60000, "}}"), backward("{", -60000, "}")), PAWL_ELIMIT);
    CHECK((clock() - begin) / CLOCKS_PER_SEC < 30);
}

int main(void)
{
    pawl_arena_init(&arena, pawl_alloc_libc());
    test_bounds();
    test_no_memory_wanted();
    test_memory_wanted();
    test_failed_allocations();
    test_many();
    pawl_arena_fini(&arena);
    return TEST_END();
}
