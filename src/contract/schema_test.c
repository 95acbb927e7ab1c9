/* src/contract/schema_test.c - what a schema may be and what it says of instances where the suite does not look: schemas
 * that are refused and where, numbers, $arg, other documents, dialects. */
#include "contract/schema_kit.h"

static int compile(const char *schema, bool args, struct pawl_schema **out, struct pawl_error *err)
{
    const struct pawl_schema_options o = {.allow_arg = args};
    return pawl_schema_compile(json(schema), &o, pawl_alloc_libc(), out, err);
}

/* Schemas that are none: where, and some words of what is said. */
static const struct refused {
    const char *schema, *where, *what;
} refused[] = {
    {J(1), "", "expected a schema"},
    {J({"type" : "strin"}), "/type", "'strin'"},
    {J({"type" : []}), "/type", "a list of types"},
    {J({"type" : [ "string", "string" ]}), "/type", "items 0 and 1 are equal"},
    {J({"type" : {}}), "/type", "expected null, boolean"},
    {J({"$defs" : {"a" : {"type" : 7}}}), "/$defs/a/type", "expected"}, /* never used, and yet */
    {J({"$defs" : {"a/b" : {"b~c" : 1, "minLength" : -1}}}), "/$defs/a~1b/minLength", "at least 0, found -1"},
    {J({"$defs" : []}), "/$defs", "expected an object"},
    {J({"$id" : 7}), "/$id", "text"},
    {J({"properties" : {"a" : {"$id" : 7}}}), "/properties/a/$id", "text"},
    {J({"$id" : "a#b"}), "/$id", "without a fragment"},
    {J({"$anchor" : 7}), "/$anchor", "expected a name"},
    {J({"$anchor" : "a b"}), "/$anchor", "expected a name"},
    {J({"items" : {"$dynamicAnchor" : "1"}}), "/items/$dynamicAnchor", "expected a name"},
    {J({"title" : 7}), "/title", "expected a string, found 7"},
    {J({"description" : []}), "/description", "expected a string, found an empty array"},
    {J({"$comment" : {}}), "/$comment", "expected a string"},
    {J({"deprecated" : 1}), "/deprecated", "expected a boolean"},
    {J({"readOnly" : "x"}), "/readOnly", "expected a boolean"},
    {J({"examples" : {}}), "/examples", "expected an array"},
    {J({"contentSchema" : 4}), "/contentSchema", "expected a boolean or an object"},
    {J({"contentEncoding" : 4}), "/contentEncoding", "expected a string"},
    {J({"format" : 1}), "/format", "text"},
    {J({"$ref" : 1}), "/$ref", "URI reference"},
    {J({"$ref" : "#/$defs/none"}), "/$ref", "'#/$defs/none' leads to no schema"},
    {J({"$ref" : "other.json"}), "/$ref", "leads to no schema"},
    {J({"$ref" : "#/$defs/a", "$defs" : {"a" : 1}}), "/$defs/a", "expected a schema"},
    {J({"$dynamicRef" : "#x"}), "/$dynamicRef", "leads to no schema"},
    {J({"$vocabulary" : {"urn:x" : 1}}), "/$vocabulary/urn:x", "boolean"},
    {J({"properties" : []}), "/properties", "an object whose values are schemas"},
    {J({"properties" : {"a" : "string"}}), "/properties/a", "expected a schema"},
    {J({"patternProperties" : {"(" : {}}}), "/patternProperties", "not a pattern"},
    {J({"pattern" : "("}), "/pattern", "a ( is not closed"},
    {J({"pattern" : 1}), "/pattern", "a pattern as text"},
    {J({"additionalProperties" : 1}), "/additionalProperties", "expected a schema"},
    {J({"required" : "a"}), "/required", "a list of names"},
    {J({"required" : [1]}), "/required", "a list of names"},
    {J({"required" : [ "a", "a" ]}), "/required", "items 0 and 1 are equal"},
    {J({"dependentRequired" : {"a" : "b"}}), "/dependentRequired", "lists of names"},
    {J({"dependentSchemas" : {"a" : ["b"]}}), "/dependentSchemas/a", "expected a schema"},
    {J({"enum" : "a"}), "/enum", "a list of values"},
    {J({"multipleOf" : 0}), "/multipleOf", "above 0"},
    {J({"multipleOf" : -1}), "/multipleOf", "above 0"},
    {J({"minimum" : "1"}), "/minimum", "expected a number, found text"},
    {J({"maxLength" : 1.5}), "/maxLength", "not negative"},
    {J({"maxItems" : -1}), "/maxItems", "not negative"},
    {J({"minContains" : "1", "contains" : true}), "/minContains", "whole number"},
    {J({"minContains" : "1"}), "/minContains", "expected an integer"},
    {J({"uniqueItems" : 1}), "/uniqueItems", "true or false"},
    {J({"allOf" : []}), "/allOf", "not empty"},
    {J({"anyOf" : {}}), "/anyOf", "a list of schemas"},
    {J({"oneOf" : [ true, 1 ]}), "/oneOf/1", "expected a schema"},
    {J({"then" : 1}), "/then", "expected a boolean or an object"}, /* without an if it is never run */
    {J({"items" : [ {}, {} ]}), "/items", "expected a schema"},
    {J({"prefixItems" : {}}), "/prefixItems", "a list of schemas"},
    {J({"allOf" : [ {"$id" : "a"}, {"$id" : "a"} ]}), "/allOf/1/$id", "two subschemas have the identifier"},
    {J({"allOf" : [ {"$anchor" : "a"}, {"$anchor" : "a"} ]}), "/allOf/1/$anchor", "two subschemas have the anchor"},
    /* dialects */
    {J({"$schema" : "http://json-schema.org/draft-04/schema#"}), "/$schema", "draft-04/schema#' is not known"},
    {J({"$schema" : "urn:mine"}), "/$schema", "the dialect 'urn:mine' is not known"},
    {J({"$schema" : 5}), "/$schema", "a URI as text"},
    {J({"items" : {"$id" : "x", "$schema" : "urn:mine"}}), "/items/$schema", "is not known"},
    {J({"$schema" : "http://json-schema.org/draft-07/schema#", "definitions" : {"a" : {"type" : 7}}}),
     "/definitions/a/type", "expected"},
    {J({"$schema" : "https://json-schema.org/draft/2019-09/schema", "$defs" : {"a" : {"items" : 7}}}), "/$defs/a/items",
     "expected"},
    {J({"$schema" : "https://json-schema.org/draft/2019-09/schema", "$recursiveAnchor" : 1}), "/$recursiveAnchor",
     "expected a boolean"},
    /* it would never end */
    {J({"$ref" : "#"}), "", "leads back to itself"},
    {J({"allOf" : [ {"$ref" : "#"}, {"$ref" : "#"} ]}), "", "leads back to itself"},
    {J({
         "$ref" : "#/$defs/a",
         "$defs" : {"a" : {"anyOf" : [ {"$ref" : "#/$defs/b"} ]}, "b" : {"not" : {"$ref" : "#/$defs/a"}}}
     }),
     "/$defs", "leads back to itself"},
    {J({"if" : true, "else" : {"dependentSchemas" : {"a" : {"$ref" : "#"}}}}), "", "leads back to itself"},
};

static void test_refused(void)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct pawl_schema *s = NULL;
        struct pawl_error err = {0};
        const struct refused *r = &refused[i];
        const int rc = compile(r->schema, false, &s, &err);
        const bool at = r->where[0] ? strncmp(err.where, r->where, strlen(r->where)) == 0 : true;
        if (!CHECK(rc == PAWL_EINVAL && !s && at && strstr(err.what, r->what) && err.next[0]))
            printf("  %s: %d at '%s': %s (%s)\n", r->schema, rc, err.where, err.what, err.next);
        pawl_schema_free(s);
    }
}

static int check(const char *schema, const char *instance)
{
    struct pawl_schema *s = NULL;
    struct pawl_error err = {0};
    struct pawl_schema_report report;
    if (compile(schema, false, &s, &err)) return printf("%s: %s\n", schema, err.what), PAWL_EINTERNAL;
    const int rc = pawl_schema_check(s, json(instance), NULL, NULL);
    CHECK_INT(pawl_schema_check(s, json(instance), NULL, &report), rc);
    CHECK((rc == PAWL_OK) == (report.count == 0));
    pawl_schema_free(s);
    return rc;
}

/* Numbers are compared and divided as they are written, as far as a double or 64 bits hold them. */
static const struct {
    const char *schema, *instance;
    bool fits;
} numbers[] = {
    {J({"multipleOf" : 18446744073709551615}), "18446744073709551615", true},
    {J({"multipleOf" : 18446744073709551615}), "18446744073709551614", false},
    {J({"multipleOf" : 18446744073709551615}), "0", true},
    {J({"multipleOf" : 18446744073709551615}), "1e300", false},
    {J({"multipleOf" : 1e-300}), "1e300", true},
    {J({"multipleOf" : 3e-300}), "1e300", false},
    {J({"multipleOf" : 1e300}), "1e-300", false},
    {J({"multipleOf" : 0.01}), "4.35", true},
    {J({"multipleOf" : 0.01}), "4.355", false},
    {J({"multipleOf" : 0.1}), "-1000000000000000000", true},
    {J({"multipleOf" : 2}), "-9223372036854775808", true},
    {J({"multipleOf" : 7}), "-9223372036854775808", false},
    {J({"multipleOf" : 0.3}), "0.9", true},
    {J({"multipleOf" : 5e-324}), "1.5", true},
    {J({"maximum" : 9007199254740992}), "9007199254740993", false},
    {J({"maximum" : 9007199254740992.0}), "9007199254740993", false}, /* the integer is one more than the double */
    {J({"minimum" : 9007199254740993}), "9007199254740992.0", false},
    {J({"exclusiveMinimum" : 9007199254740992.0}), "9007199254740993", true},
    {J({"maximum" : 18446744073709551615}), "18446744073709551616", false}, /* 2^64 is read as a double */
    {J({"maximum" : 18446744073709551616}), "18446744073709551615", true},
    {J({"minimum" : -9223372036854775808}), "-9223372036854775809", true}, /* rounds to the bound itself */
    {J({"minimum" : -9223372036854775807}), "-9223372036854775808", false},
    {J({"maximum" : -1e300}), "-9223372036854775808", false},
    {J({"maximum" : 1e300}), "18446744073709551615", true},
    {J({"maximum" : 5}), "5.000000000000001", false},
    {J({"minimum" : -5}), "-5.000000000000001", false},
    {J({"exclusiveMaximum" : 0}), "-0.0", false},
    {J({"minimum" : 0}), "-0.0", true},
    {J({"exclusiveMaximum" : 0}), "-5e-324", true},
    {J({"const" : 9007199254740993}), "9007199254740992.0", false},
    {J({"const" : 9007199254740992}), "9007199254740992.0", true},
    {J({"const" : 18446744073709551615}), "18446744073709551615", true},
    {J({"const" : 18446744073709551615}), "-1", false},
    {J({"const" : 0}), "-0.0", true},
    {J({"enum" : [ 1, 2 ]}), "2.0", true},
    {J({"type" : "integer"}), "1e300", true},
    {J({"type" : "integer"}), "1.0", true},
    {J({"type" : "integer"}), "1.5", false},
    {J({"uniqueItems" : true}), "[9007199254740993, 9007199254740992.0]", true},
    {J({"uniqueItems" : true}), "[1, 1.0]", false},
    {J({"maxLength" : 1e300}), "\"x\"", true},
    {J({"minItems" : 18446744073709551615}), "[]", false},
    {J({"maxLength" : 2.0}), "\"abc\"", false},
};

static void test_numbers(void)
{
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!CHECK_INT(check(numbers[i].schema, numbers[i].instance), numbers[i].fits ? PAWL_OK : PAWL_EINVAL))
            printf("  %s: %s\n", numbers[i].schema, numbers[i].instance);
}

/* $arg: where it is read, and schemas that have it anywhere else. */
static const struct {
    const char *schema, *instance, *context;
    int want;
} args[] = {
    {J({"const" : {"$arg" : "/a"}}), "[1]", J({"a" : [1.0]}), PAWL_OK},
    {J({"const" : {"$arg" : "/a"}}), "[1]", J({"a" : 1}), PAWL_EINVAL},
    {J({"const" : {"$arg" : "/a"}}), "1", J({"b" : 1}), PAWL_EINVAL}, /* a missing value fits nothing */
    {J({"const" : {"$arg" : "/a"}}), "null", NULL, PAWL_EINVAL},
    {J({"const" : {"$arg" : ""}}), "{\"b\":1}", J({"b" : 1}), PAWL_OK},
    {J({"enum" : [ 1, {"$arg" : "/a"}, {"$arg" : "/b"} ]}), "7", J({"b" : 7}), PAWL_OK},
    {J({"enum" : [ 1, {"$arg" : "/a"} ]}), "2", J({"a" : 3}), PAWL_EINVAL},
    {J({"minimum" : {"$arg" : "/a"}}), "7", J({"a" : 7}), PAWL_OK},
    {J({"exclusiveMinimum" : {"$arg" : "/a"}}), "7", J({"a" : 7}), PAWL_EINVAL},
    {J({"maximum" : {"$arg" : "/a"}}), "7", J({"a" : 6.5}), PAWL_EINVAL},
    {J({"maximum" : {"$arg" : "/a"}}), "7", J({"a" : "x"}), PAWL_EINVAL}, /* nothing to compare with */
    {J({"exclusiveMaximum" : {"$arg" : "/a~1b"}}), "7", J({"a/b" : 8}), PAWL_OK},
    {J({"properties" : {"$arg" : {"const" : {"$arg" : "/x"}}}}), J({"$arg" : 5}), J({"x" : 5}), PAWL_OK},
};
static const struct refused args_refused[] = {
    {J({"$arg" : "/a"}), "", "$arg is not read here"},
    {J({"properties" : {"a" : {"$arg" : "/a"}}}), "/properties/a", "$arg is not read here"},
    {J({"title" : {"$arg" : "/a"}}), "/title", "$arg is not read here"},
    {J({"type" : {"$arg" : "/a"}}), "/type", "$arg is not read here"},
    {J({"minLength" : {"$arg" : "/a"}}), "/minLength", "$arg is not read here"},
    {J({"multipleOf" : {"$arg" : "/a"}}), "/multipleOf", "$arg is not read here"},
    {J({"required" : [ {"$arg" : "/a"} ]}), "/required", "$arg is not read here"},
    {J({"enum" : {"$arg" : "/a"}}), "/enum", "$arg is not read here"},
    {J({"default" : {"a" : [ {"$arg" : "/a"} ]}}), "/default", "$arg is not read here"},
    {J({"x-mine" : {"const" : {"$arg" : "/a"}}}), "/x-mine", "$arg is not read here"},
    {J({"const" : {"a" : {"$arg" : "/a"}}}), "/const", "not read within a value"},
    {J({"enum" : [[ {"$arg" : "/a"} ]]}), "/enum", "not read within a value"},
    {J({"const" : {"$arg" : "/a", "b" : 1}}), "/const", "$arg alone"},
    {J({"const" : {"$arg" : 5}}), "/const", "with a JSON pointer"},
    {J({"minimum" : {"$arg" : "a"}}), "/minimum", "with a JSON pointer"},
    {J({"$defs" : {"a" : {"enum" : [ {"$arg" : "/~2"} ]}}}), "/$defs/a/enum", "with a JSON pointer"},
};

static void test_args(void)
{
    struct pawl_schema *s;
    struct pawl_error err;
    for (size_t i = 0; i < sizeof args / sizeof *args; i++) {
        struct pawl_schema_report report;
        yyjson_val *context = args[i].context ? json(args[i].context) : NULL;
        if (!CHECK_INT(compile(args[i].schema, true, &s, &err), PAWL_OK)) continue;
        if (!CHECK_INT(pawl_schema_check(s, json(args[i].instance), context, &report), args[i].want))
            printf("  %s: %s\n", args[i].schema, args[i].instance);
        CHECK_INT(pawl_schema_check(s, json(args[i].instance), context, NULL), args[i].want);
        pawl_schema_free(s);
    }
    for (size_t i = 0; i < sizeof args_refused / sizeof *args_refused; i++) {
        const struct refused *r = &args_refused[i];
        err = (struct pawl_error){0};
        if (!CHECK(compile(r->schema, true, &s, &err) == PAWL_EINVAL && strcmp(err.where, r->where) == 0 &&
                   strstr(err.what, r->what)))
            printf("  %s: at '%s': %s\n", r->schema, err.where, err.what);
        pawl_schema_free(s);
    }
    CHECK_INT(check(J({"const" : {"$arg" : "/a"}}), J({"$arg" : "/a"})),
              PAWL_OK); /* where it is not allowed it is data */
}

/* A schema among documents that it may refer to; what comes of it, and of an instance. */
static const struct {
    const char *resource, *schema, *instance;
    int compiles, fits;
    const char *what;
} documents[] = {
    {J({"$id" : "http://x/a", "$defs" : {"n" : {"$anchor" : "n", "type" : "number"}}}), J({"$ref" : "http://x/a#n"}),
     "\"\"", PAWL_OK, PAWL_EINVAL, NULL},
    {J({"$id" : "http://x/a", "$defs" : {"n" : {"type" : "number"}}}),
     J({"$id" : "http://x/b/c", "$ref" : "../a#/$defs/n"}), "1", PAWL_OK, PAWL_OK, NULL},
    {J({"$defs" : {}}), J(true), "1", PAWL_EINVAL, 0, "the resource 0 has no $id"},
    {J({"$id" : "http://x/a", "title" : 1}), J({"$ref" : "http://x/a"}), "1", PAWL_EINVAL, 0, "expected a string"},
    {J({"$id" : "http://x/a", "title" : 1}), J(true), "1", PAWL_OK, PAWL_OK, NULL}, /* nobody refers to it */
    /* dialects by their meta-schema */
    {J({"$id" : "http://x/m", "$vocabulary" : {"urn:none" : true}}), J({"$schema" : "http://x/m"}), "1", PAWL_EINVAL, 0,
     "requires the vocabulary 'urn:none', which is not known"},
    {J({"$id" : "http://x/m", "$vocabulary" : {"urn:none" : false}}), J({"$schema" : "http://x/m", "type" : "null"}),
     "1", PAWL_OK, PAWL_OK, NULL}, /* no validation in it */
    {J({"$id" : "http://x/m", "$vocabulary" : {"https://json-schema.org/draft/2020-12/vocab/validation" : true}}),
     J({"$schema" : "http://x/m", "type" : "null"}), "1", PAWL_OK, PAWL_EINVAL, NULL},
    {J({"$id" : "http://x/m", "$vocabulary" : {"https://json-schema.org/draft/2020-12/vocab/format-assertion" : true}}),
     J({"$schema" : "http://x/m", "format" : "ipv4"}), "\"x\"", PAWL_OK, PAWL_EINVAL, NULL},
    {J({"$id" : "http://x/m", "$vocabulary" : {"https://json-schema.org/draft/2020-12/vocab/format-assertion" : true}}),
     J({"$schema" : "http://x/m", "format" : "colour"}), "\"x\"", PAWL_EINVAL, 0, "the format 'colour' is not known"},
    {J({"$id" : "http://x/m", "properties" : {"title" : false}}), J({"$schema" : "http://x/m", "title" : "x"}), "1",
     PAWL_EINVAL, 0, "nothing is allowed here"}, /* held against its own */
    /* older drafts */
    {J({"$id" : "http://x/a"}),
     J({"$schema" : "http://json-schema.org/draft-07/schema#", "items" : [true], "additionalItems" : false}), "[1, 2]",
     PAWL_OK, PAWL_EINVAL, NULL},
    {J({"$id" : "http://x/a"}), J({
         "$schema" : "http://json-schema.org/draft-07/schema#",
         "definitions" : {"a" : {"$id" : "#n", "type" : "null"}},
         "$ref" : "#n",
         "type" : "string"
     }),
     "null", PAWL_OK, PAWL_OK, NULL},
};

static void test_documents(void)
{
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        yyjson_val *resource = json(documents[i].resource);
        const struct pawl_schema_options o = {.resources = &resource, .resources_count = 1};
        struct pawl_schema *s = NULL;
        struct pawl_error err = {0};
        const int rc = pawl_schema_compile(json(documents[i].schema), &o, pawl_alloc_libc(), &s, &err);
        if (!CHECK_INT(rc, documents[i].compiles) || (rc && !CHECK(strstr(err.what, documents[i].what))))
            printf("  %s: %s %s\n", documents[i].schema, err.where, err.what);
        if (!rc && !CHECK_INT(pawl_schema_check(s, json(documents[i].instance), NULL, NULL), documents[i].fits))
            printf("  %s\n", documents[i].schema);
        pawl_schema_free(s);
    }
}

int main(void)
{
    pawl_arena_init(&arena, pawl_alloc_libc());
    test_refused();
    test_numbers();
    test_args();
    test_documents();
    pawl_arena_fini(&arena);
    return TEST_END();
}
