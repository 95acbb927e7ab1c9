/* src/contract/template_test.c - what a text refers to, what comes out, and what must not get in. */
#include "base/test.h"
#include "contract/template.h"

static struct test_alloc memory;

static const char document[] =
    "{\"args\":{\"id\":\"#W7\",\"n\":1.50,\"yes\":true,\"none\":null,\"empty\":\"\",\"dot\":\".\",\"dots\":\"..\","
    "\"list\":[\"a\",{\"b\":\"c\"}],\"deep\":{\"x-1\":{\"y\":7}},\"path\":\"../a/b?c#d&e=%\",\"nl\":\"a\\r\\nX: 1\","
    "\"del\":\"\\u007f\",\"uni\":\"\\u00e9\\u20ac\",\"env\":\"${env:KEY}\",\"open\":\"{env:KEY}\",\"dollar\":\"a$\","
    "\"\\u00e9t\\u00e9\":\"s\",\"e\":\"%2e\"},"
    "\"run\":{\"id\":\"r-1\",\"key\":\"k\",\"agent\":\"refunds\",\"input\":{\"topic\":\"x\"}},"
    "\"result\":{\"id\":9,\"nil\":null},\"key\":\"key-1\"}";

enum { TEXT = PAWL_TEMPLATE_TEXT, URL = PAWL_TEMPLATE_URL, HEADER = PAWL_TEMPLATE_HEADER };

static const struct row {
    int how;
    const char *text, *want, *what; /* want NULL: refused, and the error has this in it */
} rows[] = {
    {TEXT, "", "", NULL},
    {TEXT, "plain $5 } }}", "plain $5 } }}", NULL},
    {TEXT, "{args.id}", "#W7", NULL},
    {TEXT, "<{args.id}{args.n}>", "<#W71.5>", NULL},
    {TEXT, "{args.yes} {run.id} {run.key} {run.agent} {run.input.topic}", "true r-1 k refunds x", NULL},
    {TEXT, "{run.input} {args.list}", "{\"topic\":\"x\"} [\"a\",{\"b\":\"c\"}]", NULL},
    {TEXT, "{args.list.0} {args.list.1.b} {args.deep.x-1.y}", "a c 7", NULL},
    {TEXT, "{{\"a\":{args.n}}", "{\"a\":1.5}", NULL},
    {TEXT, "{{{args.id}{{{{", "{#W7{{", NULL},
    {TEXT, "${env:A} ${env:A:-b c} {args.id}", "${env:A} ${env:A:-b c} #W7", NULL},
    {TEXT, "{args.nl}", "a\r\nX: 1", NULL},
    {TEXT, "{args.empty}", "", NULL},
    {TEXT, "${args.n}", "$1.5", NULL},
    {TEXT, "$$${env $ {args.n}$", NULL, "those are like"},
    {TEXT, "$$$ $1 ${env:A}$", "$$$ $1 ${env:A}$", NULL},
    {TEXT, "{args.\xc3\xa9t\xc3\xa9}", "s", NULL},
    {TEXT, "{args.gone}", NULL, "{args.gone} is missing"},
    {TEXT, "{args.none}", NULL, "{args.none} is null"},
    {TEXT, "{args.id.x}", NULL, "is missing"},
    {TEXT, "{args.list.2}", NULL, "is missing"},
    {TEXT, "{args.list.00}", NULL, "is missing"},
    {TEXT, "{args.list.-1}", NULL, "is missing"},
    {TEXT, "{result.id}", NULL, "begins with args or run"},
    {TEXT, "{key}", NULL, "begins with args or run"},
    {TEXT, "{HOME}", NULL, "begins with args or run"},
    {TEXT, "{}", NULL, "those are like"},
    {TEXT, "{run.name}", NULL, "a run has id, key, agent and input"},
    {TEXT, "{run}", NULL, "a run has id, key, agent and input"},
    {TEXT, "{run.id.x}", NULL, "without parts"},
    {TEXT, "{args.a b}", NULL, "other characters"},
    {TEXT, "{args.}", NULL, "those are like"},
    {TEXT, "{args.a.b c}", NULL, "other characters"},
    {TEXT, "{run.input.b c}", NULL, "other characters"},
    {TEXT, "{args..a}", NULL, "other characters"},
    {TEXT, "{args.a.}", NULL, "other characters"},
    {TEXT, "{.a}", NULL, "those are like"},
    {TEXT, "{args.id", NULL, "not closed"},
    {TEXT, "x{", NULL, "not closed"},
    {TEXT, "${env:A", NULL, "not closed"},
    {TEXT, "${env:}", NULL, "names no variable"},
    {TEXT, "${env:1A}", NULL, "names no variable"},
    {TEXT, "${env:A-b}", NULL, "something else"},
    {TEXT, "${env:A:-{args.id}}", NULL, "brace in its default"},
    {URL, "http://h/o/{args.id}?q={args.n}&p={args.path}", "http://h/o/%23W7?q=1.5&p=..%2Fa%2Fb%3Fc%23d%26e%3D%25",
     NULL},
    {URL, "http://h/{args.uni}/{args.deep}", "http://h/%C3%A9%E2%82%AC/%7B%22x-1%22%3A%7B%22y%22%3A7%7D%7D", NULL},
    {URL, "http://h/o/{args.path}", "http://h/o/..%2Fa%2Fb%3Fc%23d%26e%3D%25", NULL},
    {URL, "http://h/../x/{args.id}", "http://h/../x/%23W7", NULL}, /* the contract's own dots are its own business */
    {URL, "http://h/o/{args.dots}", NULL, "{args.dots} is . or .."},
    {URL, "http://h/{args.dot}/x", NULL, "{args.dot} is . or .."},
    {URL, "http://h/{args.dot}{args.dot}?x", NULL, "is . or .."},
    {URL, "http://h/.{args.dot}#x", NULL, "is . or .."},
    {URL, "http://h/%2e{args.dot}", NULL, "is . or .."},
    {URL, "http://h/%2E{args.empty}/", NULL, "is . or .."},
    {URL, "http://h/{args.e}{args.dot}", "http://h/%252e.", NULL},
    {URL, "http://h/{args.dot}{args.dots}", "http://h/...", NULL},
    {URL, "http://h/o/{args.empty}", NULL, "{args.empty} is empty"}, /* DELETE /o/ is not DELETE /o/7 */
    {URL, "http://h/o/x{args.empty}", "http://h/o/x", NULL},
    {URL, "http://h/o?a={args.empty}&b={args.dots}", "http://h/o?a=&b=..", NULL},
    {URL, "http://h/o?a=/{args.dots}", "http://h/o?a=/..", NULL},
    {URL, "http://h/{args.none}", NULL, "is null"},
    {HEADER, "Bearer ${env:KEY} {args.uni}", "Bearer ${env:KEY} \xc3\xa9\xe2\x82\xac", NULL},
    {HEADER, "{args.nl}", NULL, "control character"},
    {HEADER, "{args.del}", NULL, "control character"},
    {HEADER, "{args.env}", NULL, "could name a secret"},
    {HEADER, "${args.open}", NULL, "could name a secret"},
    {HEADER, "{args.dollar}{args.open}", NULL, "could name a secret"},
    {HEADER, "{args.dollar}{{env:KEY}", NULL, "could name a secret"},
    {HEADER, "{args.dollar} {args.open}", "a$ {env:KEY}", NULL},
};

static void texts(void)
{
    struct pawl_arena a;
    yyjson_val *doc = NULL;
    pawl_arena_init(&a, &memory.alloc);
    CHECK_INT(pawl_json_read(pawl_str_of(document), &a, &doc, NULL), PAWL_OK);
    for (const struct row *r = rows; r < rows + sizeof rows / sizeof *rows; r++) {
        struct pawl_error err = {.code = PAWL_OK};
        struct pawl_buf out;
        pawl_buf_init(&out, &memory.alloc);
        pawl_buf_text(&out, "${"); /* what stood there before plays no part */
        out.n = 1;
        const int code = pawl_template_text(pawl_str_of(r->text), doc, (enum pawl_template_for)r->how, &out, &err);
        bool fine = CHECK_INT(code, r->want ? PAWL_OK : PAWL_EINVAL);
        if (r->want) fine = CHECK_TEXT(pawl_buf_done(&out).p + 1, r->want) && fine;
        else fine = CHECK(strstr(err.what, r->what) != NULL) && fine;
        if (!fine) printf("row %d: %s: %s\n", (int)(r - rows), r->text, err.what);
        pawl_buf_fini(&out);
    }
    pawl_arena_fini(&a);
}

/* Well formed or not says check what rendering says, whatever the values are. */
static void checks(void)
{
    for (const struct row *r = rows; r < rows + sizeof rows / sizeof *rows; r++) {
        const char *about_values[] = {"missing", "null", "is .", "empty", "control", "secret"};
        bool formed = r->want != NULL;
        struct pawl_error err;
        for (size_t i = 0; !r->want && i < 6; i++) formed |= strstr(r->what, about_values[i]) != NULL;
        if (!CHECK_INT(pawl_template_check(pawl_str_of(r->text), &err), formed ? PAWL_OK : PAWL_EINVAL))
            printf("%s\n", r->text);
    }
    CHECK(!pawl_template_has(PAWL_STR("a ${env:A} {{args.x} {nothing} }")));
    CHECK(pawl_template_has(PAWL_STR("a {args.x}")));
    CHECK(pawl_template_has(PAWL_STR("{{{run.id}")));
    uint32_t at = 0;
    struct pawl_str path;
    const struct pawl_str text = PAWL_STR("{args.a}{x}{{args.b}/{run.input.c}");
    CHECK(pawl_template_next(text, &at, &path) && pawl_str_is(path, "args.a"));
    CHECK(pawl_template_next(text, &at, &path) && pawl_str_is(path, "run.input.c"));
    CHECK(!pawl_template_next(text, &at, &path));
}

static const struct {
    const char *json, *want, *what;
} bodies[] = {
    {"{\"order\":{\"$arg\":\"/args/id\"},\"z\":[1.50,{\"$arg\":\"/args/list/1\"}],\"a\":\"{args.id}\"}",
     "{\"order\":\"#W7\",\"z\":[1.5,{\"b\":\"c\"}],\"a\":\"{args.id}\"}", NULL},
    {"{\"$arg\":\"/result\"}", "{\"id\":9,\"nil\":null}", NULL},
    {"{\"$arg\":\"\"}", NULL, NULL}, /* the whole document: see below */
    {"[{\"$arg\":\"/args/none\"},{\"$arg\":\"/key\"},{\"$arg\":\"/run/id\"}]", "[null,\"key-1\",\"r-1\"]", NULL},
    {"{\"x\":{\"$arg\":\"/args/gone\"}}", NULL, "{$arg: /args/gone} is missing"},
    {"{\"x\":{\"$arg\":\"args/id\"}}", NULL, "missing"},
    {"{\"x\":{\"$arg\":1}}", NULL, "no pointer"},
    {"{\"x\":{\"$arg\":\"/key\",\"b\":1}}", NULL, "neighbour"},
    {"true", "true", NULL},
    {"[]", "[]", NULL},
    {"{}", "{}", NULL},
    {"{\"x\":", NULL, ""},
};

static void jsons(void)
{
    struct pawl_arena a;
    yyjson_val *doc = NULL;
    pawl_arena_init(&a, &memory.alloc);
    CHECK_INT(pawl_json_read(pawl_str_of(document), &a, &doc, NULL), PAWL_OK);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct pawl_error err = {.code = PAWL_OK};
        struct pawl_buf out;
        pawl_buf_init(&out, &memory.alloc);
        const bool whole = !bodies[i].want && !bodies[i].what;
        const int code = pawl_template_json(pawl_str_of(bodies[i].json), doc, &a, &out, &err);
        CHECK_INT(code, bodies[i].want || whole ? PAWL_OK : PAWL_EINVAL);
        if (bodies[i].want) CHECK_TEXT(pawl_buf_done(&out).p, bodies[i].want);
        else if (whole) CHECK(out.n > 300);
        else CHECK(strstr(err.what, bodies[i].what) != NULL);
        pawl_buf_fini(&out);
    }
    pawl_arena_fini(&a);
}

static void without_memory(void)
{
    struct test_alloc t;
    struct pawl_arena a;
    yyjson_val *doc = NULL;
    pawl_arena_init(&a, &memory.alloc);
    CHECK_INT(pawl_json_read(pawl_str_of(document), &a, &doc, NULL), PAWL_OK);
    EVERY_FAILED_ALLOCATION(t) {
        struct pawl_buf out;
        pawl_buf_init(&out, &t.alloc);
        const int code = pawl_template_text(PAWL_STR("http://h/{args.id}/{args.list}?{args.deep}#{args.path}"), doc,
                                            PAWL_TEMPLATE_URL, &out, NULL);
        CHECK_INT(code, t.failed ? PAWL_ENOMEM : PAWL_OK);
        pawl_buf_fini(&out);
        pawl_buf_init(&out, &t.alloc);
        const bool before = t.failed;
        const int header = pawl_template_text(PAWL_STR("{args.list}{args.dollar} {args.open}{{{args.id}"), doc,
                                              PAWL_TEMPLATE_HEADER, &out, NULL);
        CHECK_INT(header, t.failed && !before ? PAWL_ENOMEM : PAWL_OK);
        pawl_buf_fini(&out);
    }
    EVERY_FAILED_ALLOCATION(t) {
        struct pawl_arena mine;
        struct pawl_buf out;
        pawl_arena_init(&mine, &t.alloc);
        pawl_buf_init(&out, &t.alloc);
        const int code = pawl_template_json(pawl_str_of(bodies[0].json), doc, &mine, &out, NULL);
        CHECK_INT(code, t.failed ? PAWL_ENOMEM : PAWL_OK);
        pawl_buf_fini(&out);
        pawl_arena_fini(&mine);
    }
    pawl_arena_fini(&a);
}

int main(void)
{
    test_alloc_init(&memory, 0);
    texts();
    checks();
    jsons();
    without_memory();
    CHECK_INT(memory.out_bytes, 0);
    return TEST_END();
}
