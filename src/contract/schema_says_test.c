/* src/contract/schema_says_test.c - violations as a model reads them: where in the instance, which keyword, and a sentence
 * that says what would be right. */
#include "base/test.h"
#include "contract/schema.h"
#include "io/alloc.h"

#define J(...) #__VA_ARGS__
static struct pawl_arena arena;

/* `want`: each violation as INSTANCE|KEYWORD|SENTENCE, lines. */
static const struct row {
    const char *schema, *instance, *want;
} rows[] = {
    {J({"type" : "string"}), "5", "|/type|expected a string, found 5"},
    {J({"type" : [ "integer", "null" ]}), "1.5", "|/type|expected null or an integer, found 1.5"},
    {J({"properties" : {"a/b" : {"items" : {"type" : "boolean"}}}}), J({"a/b" : [ true, "x" ]}),
     "/a~1b/1|/properties/a~1b/items/type|expected a boolean, found \"x\""},
    {J({"enum" : [ "EUR", "USD", null, 5, [] ]}), J("eur"),
     "|/enum|expected one of \"EUR\", \"USD\", null, 5, an empty array, found \"eur\""},
    {J({"enum" : ["EUR"]}), J("eur"), "|/enum|expected \"EUR\", found \"eur\""},
    {J({"enum" : []}), "1", "|/enum|nothing fits here"},
    {J({"const" : "refund"}), J("pay"), "|/const|expected exactly \"refund\", found \"pay\""},
    {J({"const" : {"a" : 1}}), "[]", "|/const|expected exactly an object, found an empty array"},
    {J({"minimum" : 1, "maximum" : 3}), "-3", "|/minimum|expected a number of at least 1, found -3"},
    {J({"maximum" : 0.1}), "0.30", "|/maximum|expected a number of at most 0.1, found 0.3"},
    {J({"exclusiveMinimum" : 0}), "0", "|/exclusiveMinimum|expected a number above 0, found 0"},
    {J({"exclusiveMaximum" : 18446744073709551615}), "18446744073709551615",
     "|/exclusiveMaximum|expected a number below 18446744073709551615, found 18446744073709551615"},
    {J({"multipleOf" : 0.01}), "1.005", "|/multipleOf|expected a multiple of 0.01, found 1.005"},
    {J({"multipleOf" : 1e300}), "5", "|/multipleOf|expected a multiple of 1e300, found 5"},
    {J({"multipleOf" : 500}), "5", "|/multipleOf|expected a multiple of 500, found 5"},
    {J({"minLength" : 1}), J(""), "|/minLength|expected at least 1 character, found 0"},
    {J({"maxLength" : 2}), J("äöü"), "|/maxLength|expected at most 2 characters, found 3"},
    {J({"pattern" : "^ord_[0-9]+$"}), J("7"), "|/pattern|expected text that matches ^ord_[0-9]+$, found \"7\""},
    {J({"format" : "date"}), J("today"), "|/format|expected a date such as 2026-11-21, found \"today\""},
    {J({"minItems" : 2}), "[1]", "|/minItems|expected at least 2 items, found 1"},
    {J({"maxItems" : 0}), "[1]", "|/maxItems|expected at most 0 items, found 1"},
    {J({"uniqueItems" : true}), "[1, 2, 1.0]",
     "|/uniqueItems|expected items that all differ, but items 0 and 2 are equal"},
    {J({"minProperties" : 1}), "{}", "|/minProperties|expected at least 1 member, found 0"},
    {J({"maxProperties" : 0}), J({"a" : 1}), "|/maxProperties|expected at most 0 members, found 1"},
    {J({"required" : [ "a", "b", "c" ]}), J({"b" : 1}), "|/required|the members \"a\" and \"c\" are missing"},
    {J({"required" : ["a"]}), "{}", "|/required|the member \"a\" is missing"},
    {J({"dependentRequired" : {"a" : ["b"]}}), J({"a" : 1}),
     "|/dependentRequired|the member \"b\" is missing: wanted together with \"a\""},
    {J({"properties" : {"order_id" : {}, "amount" : {}}, "additionalProperties" : false}), J({"oder_id" : 1}),
     "/oder_id|/additionalProperties|the member \"oder_id\" is not allowed here; allowed are \"order_id\", \"amount\""},
    {J({"items" : false}), "[1]", "/0|/items|nothing is allowed here, found 1"},
    {J({"prefixItems" : [true], "unevaluatedItems" : false}), "[1, 2]",
     "/1|/unevaluatedItems|item 1 is not allowed here"},
    {J({"propertyNames" : {"maxLength" : 2}}), J({"abc" : 1}),
     "/abc|/propertyNames/maxLength|expected at most 2 characters, found 3"},
    {J({"contains" : {"type" : "string"}}), "[1]", "|/contains|expected at least 1 item that fits contains, found 0"},
    {J({"contains" : true, "minContains" : 2}), "[1]",
     "|/minContains|expected at least 2 items that fit contains, found 1"},
    {J({"contains" : true, "maxContains" : 1}), "[1, 2]",
     "|/maxContains|expected at most 1 item that fits contains, found 2"},
    {J({"not" : {"type" : "null"}}), "null",
     "|/not|expected something that does not fit the schema under not, found null"},
    {J({"if" : {"required" : ["a"]}, "then" : {"required" : ["b"]}}), J({"a" : 1}),
     "|/then/required|the member \"b\" is missing"},
    {J(false), "1", "||nothing is allowed here, found 1"},
    /* through references */
    {J({
         "$ref" : "#/$defs/order",
         "$defs" : {"order" : {"properties" : {"id" : {"$ref" : "#/$defs/id"}}}, "id" : {"minLength" : 3}}
     }),
     J({"id" : "x"}), "/id|/$ref/properties/id/$ref/minLength|expected at least 3 characters, found 1"},
    {J({"$dynamicAnchor" : "n", "items" : {"$dynamicRef" : "#n"}, "type" : "array"}), "[[1]]",
     "/0/0|/items/$dynamicRef/items/$dynamicRef/type|expected an array, found 1"},
    /* the nearest of alternatives: its kind is known by a constant, or by its type */
    {J({
         "oneOf" : [
             {"properties" : {"kind" : {"const" : "card"}, "number" : {"type" : "string"}}, "required" : ["number"]},
             {"properties" : {"kind" : {"const" : "bank"}, "iban" : {"type" : "string"}}, "required" : ["iban"]}
         ]
     }),
     J({"kind" : "bank", "number" : "5"}),
     "|/oneOf|fits none of the 2 alternatives; nearest is the one at 1: the member \"iban\" is missing"},
    {J({"anyOf" : [ {"type" : "string"}, {"type" : "object", "properties" : {"id" : {"type" : "integer"}}} ]}),
     J({"id" : "x"}),
     "|/anyOf|fits none of the 2 alternatives; nearest is the one at 1: /id: expected an integer, found \"x\""},
    {J({"oneOf" : [ {"type" : "integer"}, {"minimum" : 2} ]}), "3",
     "|/oneOf|fits the alternatives at 0 and 1, but only one may fit"},
    /* all of them, in the order of the schema */
    {J({"required" : ["c"], "properties" : {"a" : {"type" : "string"}, "b" : {"minimum" : 1}}}), J({"b" : 0, "a" : 1}),
     "/b|/properties/b/minimum|expected a number of at least 1, found 0\n"
     "/a|/properties/a/type|expected a string, found 1\n|/required|the member \"c\" is missing"},
    /* nothing of an instance writes to a terminal, nothing is cut within a character */
    {J({"type" : "null"}), "\"a\\u001b[2Jb\\n\"", "|/type|expected null, found \"a?[2Jb?\""},
    {J({"type" : "null"}), J("0123456789012345678901234567890123456789012345678901234567890123456789"),
     "|/type|expected null, found \"012345678901234567890123456789012345678901234567...\""},
    {J({"type" : "null"}), J("01234567890123456789012345678901234567890123456ä"),
     "|/type|expected null, found \"01234567890123456789012345678901234567890123456...\""},
};

static yyjson_val *json(const char *text)
{
    yyjson_val *v = NULL;
    struct pawl_error err = {0};
    if (pawl_json_read(pawl_str_of(text), &arena, &v, &err)) printf("%s: %s\n", err.what, text);
    return v;
}

static struct pawl_schema *compile(const char *text)
{
    const struct pawl_schema_options o = {.assert_formats = true};
    struct pawl_schema *s = NULL;
    struct pawl_error err = {0};
    if (!CHECK_INT(pawl_schema_compile(json(text), &o, pawl_alloc_libc(), &s, &err), PAWL_OK))
        printf("  %s: %s %s\n", text, err.where, err.what);
    return s;
}

static void test_rows(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pawl_schema_report report;
        struct pawl_schema *s = compile(rows[i].schema);
        char got[2048] = "";
        size_t n = 0;
        if (!s) continue;
        CHECK_INT(pawl_schema_check(s, json(rows[i].instance), NULL, &report), PAWL_EINVAL);
        for (uint32_t k = 0; k < report.count && k < PAWL_SCHEMA_ERRORS; k++)
            n += (size_t)snprintf(got + n, sizeof got - n, "%s%s|%s|%s", k ? "\n" : "", report.violations[k].instance,
                                  report.violations[k].keyword, report.violations[k].says);
        CHECK_TEXT(got, rows[i].want);
        pawl_schema_free(s);
    }
}

static bool is_utf8(const char *p)
{
    for (; *p; p++) {
        const int more = (*p & 0xe0) == 0xc0 ? 1 : (*p & 0xf0) == 0xe0 ? 2 : (*p & 0xf8) == 0xf0 ? 3 : 0;
        if (more == 0 && (*p & 0x80)) return false;
        for (int i = 0; i < more; i++)
            if ((*++p & 0xc0) != 0x80) return false;
    }
    return true;
}

/* More than fits: counted all, kept the first, cut at whole characters with "...". */
static void test_long(void)
{
    struct pawl_buf b;
    struct pawl_schema_report report;
    struct pawl_schema *s =
        compile(J({"items" : {"enum" : [ "ä", "öö", "üüü" ]}, "additionalProperties" : {"$ref" : "#"}}));
    pawl_buf_init_arena(&b, &arena);
    pawl_buf_char(&b, '[');
    for (int i = 0; i < 20; i++) pawl_buf_printf(&b, "%s\"x%d\"", i ? "," : "", i);
    pawl_buf_char(&b, ']');
    CHECK_INT(pawl_schema_check(s, json(pawl_buf_done(&b).p), NULL, &report), PAWL_EINVAL);
    CHECK_INT(report.count, 20);
    CHECK_TEXT(report.violations[PAWL_SCHEMA_ERRORS - 1].instance, "/7");
    b.n = 0;
    for (int i = 0; i < 60; i++) pawl_buf_text(&b, "{\"xäöü\":");
    pawl_buf_text(&b, "[1]");
    for (int i = 0; i < 60; i++) pawl_buf_char(&b, '}');
    CHECK_INT(pawl_schema_check(s, json(pawl_buf_done(&b).p), NULL, &report), PAWL_EINVAL);
    CHECK_INT(report.count, 1);
    const struct pawl_schema_violation *v = report.violations;
    CHECK(strlen(v->instance) < sizeof v->instance && strcmp(v->instance + strlen(v->instance) - 3, "...") == 0);
    CHECK(strlen(v->keyword) < sizeof v->keyword && strcmp(v->keyword + strlen(v->keyword) - 3, "...") == 0);
    CHECK(is_utf8(v->instance) && is_utf8(v->keyword) && is_utf8(v->says));
    pawl_schema_free(s);
}

int main(void)
{
    pawl_arena_init(&arena, pawl_alloc_libc());
    test_rows();
    test_long();
    pawl_arena_fini(&arena);
    return TEST_END();
}
