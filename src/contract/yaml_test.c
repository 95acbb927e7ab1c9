/* src/contract/yaml_test.c - what a text is read as, written out as JSON; what is refused, and where. */
#include "contract/yaml.h"
#include "base/test.h"

static struct test_alloc memory;

static const struct row {
    const char *text, *want, *fault; /* fault "LINE: beginning"; both: there is a tree and a fault */
} rows[] = {
    /* YAML 1.2.2, 10.3.2: the core schema */
    {"[null, Null, NULL, ~, , nUll]", NULL, "1: not YAML"},
    {"[null, Null, NULL, ~, nUll]", "[null,null,null,null,\"nUll\"]", NULL},
    {"a:\nb: ~", "{\"a\":null,\"b\":null}", NULL},
    {"[true, True, TRUE, tRUE, false, False, FALSE]", "[true,true,true,\"tRUE\",false,false,false]", NULL},
    {"[yes, no, on, off, y, n, Yes]", "[\"yes\",\"no\",\"on\",\"off\",\"y\",\"n\",\"Yes\"]", NULL},
    {"[0, 7, -1, +12, 007, 0o17, 0x1F, -0]", "[0,7,-1,12,7,15,31,-0]", NULL},
    {"[0o8, 0x, 0xg, 0b1, 1_000, 1:30, 0X1F, -0x1]",
     "[\"0o8\",\"0x\",\"0xg\",\"0b1\",\"1_000\",\"1:30\",\"0X1F\",\"-0x1\"]", NULL},
    {"[1.5, .5, 5., -.5e3, +1E+2, 1e-2, 0.10]", "[1.5,0.5,5,-0.5e3,1e+2,1e-2,0.10]", NULL},
    {"[., e3, 1e, 1.2.3, 1.e, -, +, --1, 1-]", "[\".\",\"e3\",\"1e\",\"1.2.3\",\"1.e\",\"-\",\"+\",\"--1\",\"1-\"]",
     NULL},
    {"[1.e3, 00.5, -00]", "[1e3,0.5,-0]", NULL},
    {"['1', \"true\", '~', !!str 5, ! 6, '']", "[\"1\",\"true\",\"~\",\"5\",\"6\",\"\"]", NULL},
    {"[2001-01-01, 10s, 50%, 64KiB, 200k, 1.5s]", "[\"2001-01-01\",\"10s\",\"50%\",\"64KiB\",\"200k\",\"1.5s\"]", NULL},
    {"[9007199254740992, -9007199254740992]", "[9007199254740992,-9007199254740992]", NULL},
    {"a: 1\nb: 9007199254740993", "{\"a\":1,\"b\":null}", "2: 9007199254740993 is an integer beyond 2^53"},
    {"- -9007199254740993", "[null]", "1: -9007199254740993 is an integer beyond"},
    {"- 0x20000000000001", "[null]", "1: 0x20000000000001 is an integer beyond"},
    {"- 0xffffffffffffffffffffffff", "[null]", "1: 0xffffffffffffffffffffffff is an integer beyond"},
    {"- 123456789012345678901234567890", "[null]", "1: 123456789012345678901234567890 is an integer beyond"},
    {"- 1e400", "[null]", "1: 1e400 is too large"},
    {"- 1e-400", "[null]", "1: 1e-400 is too small"},
    {"- 0e-400", "[0e-400]", NULL},
    {"- .inf", "[null]", "1: .inf is a number that JSON does not have"},
    {"- -.INF", "[null]", "1: -.INF is a number that JSON does not have"},
    {"- .NaN", "[null]", "1: .NaN is a number that JSON does not have"},
    /* texts of more than one line, flow style, keys */
    {"a: |\n  one\n   two\n\nb: >-\n  x\n  y\n", "{\"a\":\"one\\n two\\n\",\"b\":\"x y\"}", NULL},
    {"a: one\n  two\nb: \"x\\\n  y\\tz\\u00e9\\N\\L\"",
     "{\"a\":\"one two\",\"b\":\"xy\\tz\xc3\xa9\xc2\x85\xe2\x80\xa8\"}", NULL},
    {"{b: [1, {c: d}], a: \"{args.x}\"}", "{\"a\":\"{args.x}\",\"b\":[1,{\"c\":\"d\"}]}", NULL},
    {"409: a\ntrue: b\n1.50: c\nexit 3: d", "{\"1.50\":\"c\",\"409\":\"a\",\"exit 3\":\"d\",\"true\":\"b\"}", NULL},
    {"# only\na: b # c\n", "{\"a\":\"b\"}", NULL},
    {"---\na: 1\n...\n", "{\"a\":1}", NULL},
    {"%YAML 1.2\n---\na: 1", "{\"a\":1}", NULL},
    {"\xef\xbb\xbf"
     "a: 1",
     "{\"a\":1}", NULL},
    {"a: 1\r\nb: 2\r\n", "{\"a\":1,\"b\":2}", NULL},
    {"x", "\"x\"", NULL},
    /* anchors and aliases */
    {"a: &x {k: 1}\nb: *x\nc: [*x]", "{\"a\":{\"k\":1},\"b\":{\"k\":1},\"c\":[{\"k\":1}]}", NULL},
    {"a: &x 5s\nb: *x", "{\"a\":\"5s\",\"b\":\"5s\"}", NULL},
    {"a: &x 1\nb: &x 2\nc: *x", "{\"a\":1,\"b\":2,\"c\":2}", NULL},
    {"a: *x", NULL, "1: an alias to an unknown anchor"},
    {"a:\n  &x [1, *x]", NULL, "2: an alias within"},
    {"a: &x b\n*x : 1", NULL, "2: an alias cannot be a key"},
    /* refused */
    {"", NULL, "1: nothing in the file"},
    {"# nothing\n", NULL, "1: nothing in the file"},
    {"{b: 1, a: 1, b: 2}", "{\"a\":1,\"b\":1}", "1: key 'b' stands twice: first on line 1"},
    {"a: 1\nb: 2\na: 3\na: 4", "{\"a\":1,\"b\":2}", "3: key 'a' stands twice: first on line 1"},
    {"a:\n  b: &d {x: 1}\n  <<: *d", "{\"a\":{\"b\":{\"x\":1}}}", "3: merge keys (<<) are not read"},
    {"\"<<\": 1", "{\"<<\":1}", NULL},
    {"a: !!int 3", "{\"a\":null}", "1: a tag; only !!str is read"},
    {"a: !mine {b: 1}", "{\"a\":{\"b\":1}}", "1: a tag"},
    {"a: !!map {b: !!seq [1]}", "{\"a\":{\"b\":[1]}}", NULL},
    {"a: 1\n---\nb: 2", NULL, "2: a second document"},
    {"%YAML 1.1\n---\na: 1", NULL, "1: this is read as YAML 1.2"},
    {"? [a]\n: b", NULL, "1: a key is a text"},
    {"url: {args.x}/{args.y}", NULL, "1: not YAML"},
    {"a: {args.x}: 1", NULL, "1: not YAML"},
    {"a:\n\tb: 1", NULL, "2: not YAML"},
    {"a: \"x\nb: 1", NULL,
     "2: not YAML: found unexpected end of stream (while scanning a quoted scalar begun on line 1)"},
    {"a: 1\nb: \xff", NULL, "2: not YAML: invalid leading UTF-8 octet"},
    {"a: 1\n\nb: \"\x01\"", NULL, "3: not YAML: control characters are not allowed"},
    {"a: x\xc2\x85y", NULL, "1: U+0085, U+2028 or U+2029"},
    {"a: 1\nb: x\xe2\x80\xa8y", NULL, "2: U+0085, U+2028 or U+2029"},
    {"a: \"\\ud800\"", NULL, "1: not YAML"},
    /* JSON is read as JSON */
    {"{\"a\": \"x\\/y\\ud83d\\ude00\\u007f\\u0085\", \"b\": [1.50, -0, 1E2]}",
     "{\"a\":\"x/y\xf0\x9f\x98\x80\x7f\xc2\x85\",\"b\":[1.50,-0,1E2]}", NULL},
    {" \n{\"a\":\n[{}, [],\n{\"b\" : 9007199254740993}]}", "{\"a\":[{},[],{\"b\":null}]}",
     "4: 9007199254740993 is an integer beyond"},
    {"{\"a\":\"\xe2\x80\xa8\",\"b\":null,\"c\":[true,false]}", "{\"a\":\"\xe2\x80\xa8\",\"b\":null,\"c\":[true,false]}",
     NULL},
    {"{\"a\": 1,\n\"a\": 2}", "{\"a\":1}", "2: key 'a' stands twice"},
    {"{\"a\": 1,}", "{\"a\":1}", NULL}, /* no JSON, but YAML */
};

static void table(void)
{
    for (const struct row *r = rows; r < rows + sizeof rows / sizeof *rows; r++) {
        static struct pawl_config_report report;
        struct pawl_arena a;
        struct pawl_buf out;
        const struct pawl_yaml *root;
        pawl_arena_init(&a, &memory.alloc);
        pawl_buf_init_arena(&out, &a);
        struct pawl_json_writer w = {.out = &out};
        struct pawl_faults faults = {.arena = &a, .path = PAWL_STR("f")};
        const int code = pawl_yaml_read(pawl_str_of(r->text), &a, &faults, &root);
        pawl_faults_report(&faults, &report);
        bool fine = CHECK_INT(code, r->want ? PAWL_OK : PAWL_ECONFIG);
        if (code == PAWL_OK) {
            pawl_yaml_json(root, &w);
            fine = CHECK_TEXT(pawl_buf_done(&out).p, r->want) && fine;
        }
        fine = CHECK((report.count > 0) == (r->fault != NULL)) && fine;
        if (r->fault && report.count > 0) {
            char got[700];
            snprintf(got, sizeof got, "%s: %s", strchr(report.errors[0].where, ':') + 1, report.errors[0].what);
            fine = CHECK(strncmp(got, r->fault, strlen(r->fault)) == 0) && fine;
        }
        if (!fine)
            printf("row %d: %s\n  %s %s\n", (int)(r - rows), r->text, report.errors[0].where, report.errors[0].what);
        pawl_arena_fini(&a);
    }
}

/* Reads text; gives the first fault's words, NULL: none. */
static const char *fault_of(struct pawl_str text)
{
    static struct pawl_config_report report;
    struct pawl_arena a;
    const struct pawl_yaml *root;
    pawl_arena_init(&a, &memory.alloc);
    struct pawl_faults faults = {.arena = &a};
    const int code = pawl_yaml_read(text, &a, &faults, &root);
    pawl_faults_report(&faults, &report);
    CHECK_INT(code, report.count ? PAWL_ECONFIG : PAWL_OK);
    pawl_arena_fini(&a);
    return report.count ? report.errors[0].what : NULL;
}

static void bounds(void)
{
    struct pawl_buf b;
    pawl_buf_init(&b, &memory.alloc);
    for (int i = 0; i < 64; i++) pawl_buf_char(&b, '[');
    for (int i = 0; i < 64; i++) pawl_buf_char(&b, ']');
    CHECK(fault_of(pawl_buf_done(&b)) == NULL);
    b.n = 0;
    for (int i = 0; i < 65; i++) pawl_buf_char(&b, '[');
    for (int i = 0; i < 65; i++) pawl_buf_char(&b, ']');
    CHECK_TEXT(fault_of(pawl_buf_done(&b)), "more than 64 levels deep");
    b.n = 0;
    for (int i = 0; i < 100000; i++) pawl_buf_char(&b, '[');
    CHECK_TEXT(fault_of(pawl_buf_done(&b)), "more than 64 levels deep");
    b.n = 0;
    for (int i = 0; i < 65; i++) pawl_buf_text(&b, "{\"a\":");
    pawl_buf_char(&b, '1');
    for (int i = 0; i < 65; i++) pawl_buf_char(&b, '}');
    CHECK_TEXT(fault_of(pawl_buf_done(&b)), "more than 64 levels deep");
    b.n = 0; /* a billion laughs */
    pawl_buf_text(&b, "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for (int i = 1; i < 8; i++) {
        pawl_buf_printf(&b, "a%d: &a%d [", i, i);
        for (int k = 0; k < 8; k++) pawl_buf_printf(&b, "%s*a%d", k ? ", " : "", i - 1);
        pawl_buf_text(&b, "]\n");
    }
    CHECK_TEXT(fault_of(pawl_buf_done(&b)), "more than 100000 values, aliases counted as what they stand for");
    b.n = 0; /* deep by aliases */
    pawl_buf_text(&b, "a0: &a0 [[[[[[[[[[1]]]]]]]]]]\n");
    for (int i = 1; i < 8; i++) pawl_buf_printf(&b, "a%d: &a%d [[[[[[[[[*a%d]]]]]]]]]\n", i, i, i - 1);
    CHECK_TEXT(fault_of(pawl_buf_done(&b)), "more than 64 levels deep, aliases counted as what they stand for");
    b.n = 0; /* much text by aliases */
    pawl_buf_text(&b, "a: &a ");
    for (int i = 0; i < 40000; i++) pawl_buf_char(&b, 'x');
    pawl_buf_text(&b, "\nb: [");
    for (int i = 0; i < 30; i++) pawl_buf_text(&b, "*a, ");
    pawl_buf_text(&b, "]\n");
    CHECK_TEXT(fault_of(pawl_buf_done(&b)), "more than 1 MiB of text, aliases counted as what they stand for");
    b.n = 0;
    pawl_buf_text(&b, "a: &a 1\nb: [");
    for (int i = 0; i < 64; i++) pawl_buf_text(&b, "*a, ");
    pawl_buf_text(&b, "]\n");
    CHECK(fault_of(pawl_buf_done(&b)) == NULL);
    pawl_buf_text(&b, "c: *a\n");
    CHECK_TEXT(fault_of(pawl_buf_done(&b)), "more than 64 aliases");
    b.n = 0;
    pawl_buf_char(&b, '[');
    for (int i = 0; i < 100001; i++) pawl_buf_text(&b, "1,");
    pawl_buf_char(&b, ']');
    CHECK_TEXT(fault_of(pawl_buf_done(&b)), "more than 100000 values, aliases counted as what they stand for");
    CHECK_TEXT(fault_of((struct pawl_str){"a: \0", 4}), "not YAML: control characters are not allowed");
    pawl_buf_fini(&b);
}

/* Where the value of a pointer stands. */
static void places(void)
{
    static const struct {
        const char *pointer;
        uint32_t line, column;
    } want[] = {{"", 1, 1},         {"/a", 1, 1},       {"/a/b", 2, 3},    {"/a/b/1", 4, 7},
                {"/a/b/1/c", 4, 7}, {"/x~1y~0z", 6, 1}, {"/a/b/9", 2, 3},  {"/a/nothing/b", 1, 1},
                {"/a/b/0/d", 3, 7}, {"/f/g/h", 7, 9},   {"/a/b/01", 4, 7}, {"x", 1, 1}};
    struct pawl_arena a;
    const struct pawl_yaml *root;
    pawl_arena_init(&a, &memory.alloc);
    struct pawl_faults faults = {.arena = &a};
    const struct pawl_str text = PAWL_STR("a:\n  b:\n    - 1\n    - c: 2\n      d: 3\nx/y~z: 4\nf: {g: {h: 5}}\n");
    CHECK_INT(pawl_yaml_read(text, &a, &faults, &root), PAWL_OK);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        uint32_t line = 0, column = 0;
        pawl_yaml_place(root, pawl_str_of(want[i].pointer), &line, &column);
        const bool right_line = CHECK_INT(line, want[i].line), right_column = CHECK_INT(column, want[i].column);
        if (!right_line || !right_column) printf("%s\n", want[i].pointer);
    }
    pawl_arena_fini(&a);
}

static void without_memory(void)
{
    static const char *const texts[] = {"a: &x [1, {b: \"c\"}]\nd: *x\nd: |\n  e\n",
                                        "{\"a\": [1, {\"b\": \"c\"}], \"d\": null}"};
    struct test_alloc t;
    for (size_t i = 0; i < 2; i++) {
        EVERY_FAILED_ALLOCATION(t) {
            struct pawl_arena a;
            const struct pawl_yaml *root;
            pawl_arena_init(&a, &t.alloc);
            struct pawl_faults faults = {.arena = &a};
            const int code = pawl_yaml_read(pawl_str_of(texts[i]), &a, &faults, &root);
            if (!t.failed) CHECK_INT(code, PAWL_OK);
            else CHECK(code == PAWL_ENOMEM || a.failed); /* a fault that had no room is told by the arena */
            pawl_arena_fini(&a);
        }
    }
}

int main(void)
{
    test_alloc_init(&memory, 0);
    table();
    bounds();
    places();
    without_memory();
    CHECK_INT(memory.out_bytes, 0);
    return TEST_END();
}
