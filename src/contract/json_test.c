/* src/contract/json_test.c - what is JSON to pawl, what is not, and RFC 8785 by its own vectors. */
#include "base/test.h"
#include "contract/json.h"
#include "io/alloc.h"

static struct pawl_arena arena;

static const struct read_row {
    const char *text, *where, *what; /* where NULL: it is read */
} reads[] = {
    {"{\"a\":1,\"b\":[true,null]}", NULL, NULL},
    {" 1 ", NULL, NULL},
    {"", "1:1", "found nothing"},
    {"{\"a\":1,}", "1:", ""},
    {"{\"a\":1}\nx", "2:1", ""},
    {"[1,\n 2,\n 03]", "3:", ""},
    {"{\"a\":1,\"a\":2}", "/a", "'a' stands twice"},
    {"{\"x\":[0,{\"~/\":1,\"~/\":2}]}", "/x/1/~0~1", "stands twice"},
    {"{\"\\u0061\":1,\"a\":2}", "/a", "stands twice"},
    {"{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9,\"j\":1,\"k\":1,\"l\":1,\"m\":1,\"n\":1,\"o\":1,"
     "\"p\":1,\"q\":1,\"c\":0}",
     "/c", "stands twice"},
    {"\"\\ud800\"", "1:", ""},
    {"\"\\ud800\\u0041\"", "1:", ""},
    {"\"\xff\"", "1:", ""},
    {"NaN", "1:1", ""},
    {"1e999", "", "the number 1e999 is more than a double can hold"},
    {"[1,{\"a\":-1e999}]", "/1/a", "more than a double can hold"},
    {"[1"
     "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000]",
     "/0", "more than a double can hold"},
    {"// c\n1", "1:", ""},
    {"[1] [2]", "1:", ""},
};

static void read_rows(void)
{
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
        const struct read_row *r = &reads[i];
        struct pawl_error err = {0};
        yyjson_val *v = NULL;
        const int rc = pawl_json_read(pawl_str_of(r->text), &arena, &v, &err);
        const bool ok = r->where ? rc == PAWL_EINVAL && !v && strncmp(err.where, r->where, strlen(r->where)) == 0 &&
                                       strstr(err.what, r->what) != NULL
                                 : rc == PAWL_OK && v;
        if (!CHECK(ok)) printf("  row %zu: %s: rc %d, %s: %s\n", i, r->text, rc, err.where, err.what);
    }
}

static void depth(void)
{
    char text[2 * (PAWL_JSON_DEPTH + 2) + 1];
    yyjson_val *v;
    for (int levels = PAWL_JSON_DEPTH; levels <= PAWL_JSON_DEPTH + 1; levels++) {
        memset(text, '[', (size_t)levels);
        memset(text + levels, ']', (size_t)levels);
        CHECK_INT(pawl_json_read((struct pawl_str){text, (uint32_t)levels * 2}, &arena, &v, NULL),
                  levels > PAWL_JSON_DEPTH ? PAWL_EINVAL : PAWL_OK);
    }
}

static const char *canonical(const char *text)
{
    struct pawl_buf b;
    yyjson_val *v;
    pawl_buf_init_arena(&b, &arena);
    if (pawl_json_read(pawl_str_of(text), &arena, &v, NULL)) return "not JSON";
    if (pawl_json_canonical(v, &b, NULL)) return "refused";
    pawl_buf_done(&b);
    return b.p;
}

static const struct {
    const char *text, *want;
} texts[] = {
    {"1e30", "1e+30"},
    {"4.50", "4.5"},
    {"2e-3", "0.002"},
    {"1E-27", "1e-27"},
    {"333333333.33333329", "333333333.3333333"},
    {"100000000000000000000", "100000000000000000000"},
    {"1e21", "1e+21"},
    {"-0.0", "0"},
    {"-0", "0"},
    {"0", "0"},
    {"-5", "-5"},
    {"9007199254740992", "9007199254740992"},
    {"9007199254740993", "refused"},
    {"-9007199254740993", "refused"},
    {"41111111111111111111", "refused"},
    {"{\"a\":[-41111111111111112222]}", "refused"},
    {"18446744073709551616", "refused"},
    {"123456789012345682000", "refused"},
    {"18446744073709552000", "18446744073709552000"},
    {"41111111111111115000", "41111111111111115000"}, /* what is canonical stays so */
    {"100000000000000000000", "100000000000000000000"},
    {"-123456789012345000000", "-123456789012345000000"},
    {"1000000000000000000000", "1e+21"},
    {"4.1111111111111111111e19", "41111111111111115000"}, /* no integer was written */
    {"1152921504606846976", "refused"},
    {"9007199254740994", "9007199254740994"},
    {"18446744073709551615", "refused"},
    {"-9223372036854775808", "refused"},
    {"1.0", "1"},
    {"\"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\"", "\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\""},
    {"{\"b\":1,\"a\":{\"z\":[3,{}],\"y\":null}}", "{\"a\":{\"y\":null,\"z\":[3,{}]},\"b\":1}"},
    {"{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"1\":4,\"\\ud83d\\ude00\":5,\"\\u0080\":6,\"\\u00f6\":7}",
     "{\"\\r\":2,\"1\":4,\"\xc2\x80\":6,\"\xc3\xb6\":7,\"\xe2\x82\xac\":1,\"\xf0\x9f\x98\x80\":5,\"\xef\xac\xb3\":3}"},
    {"{\"q\":1,\"p\":1,\"o\":1,\"n\":1,\"m\":1,\"l\":1,\"k\":1,\"j\":1,\"i\":1,\"h\":1,\"g\":1,\"f\":1,\"e\":1,\"d\":1,\"c\":1,\"b\":1,\"a\":1}",
     "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1,\"k\":1,\"l\":1,\"m\":1,\"n\":1,\"o\":1,\"p\":1,\"q\":1}"},
};

/* RFC 8785 appendix B: IEEE-754 bits and their text. */
static const struct {
    uint64_t bits;
    const char *want;
} numbers[] = {
    {0x0000000000000000, "0"},
    {0x8000000000000000, "0"},
    {0x0000000000000001, "5e-324"},
    {0x7fefffffffffffff, "1.7976931348623157e+308"},
    {0x4340000000000000, "9007199254740992"},
    {0x4340000000000001, "9007199254740994"},
    {0x4430000000000000, "295147905179352830000"},
    {0x44b52d02c7e14af5, "9.999999999999997e+22"},
    {0x44b52d02c7e14af6, "1e+23"},
    {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
    {0x444b1ae4d6e2ef4e, "999999999999999700000"},
    {0x444b1ae4d6e2ef4f, "999999999999999900000"},
    {0x444b1ae4d6e2ef50, "1e+21"},
    {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
    {0x3eb0c6f7a0b5ed8d, "0.000001"},
    {0x41b3de4355555553, "333333333.3333332"},
    {0x41b3de4355555555, "333333333.3333333"},
    {0x41b3de4355555557, "333333333.33333343"},
    {0xbecbf647612f3696, "-0.0000033333333333333333"},
    {0x43143ff3c1cb0959, "1424953923781206.2"},
};

static void canonical_rows(void)
{
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) CHECK_TEXT(canonical(texts[i].text), texts[i].want);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct pawl_buf b;
        yyjson_val v = {0};
        double d;
        memcpy(&d, &numbers[i].bits, sizeof d);
        unsafe_yyjson_set_real(&v, d);
        pawl_buf_init_arena(&b, &arena);
        CHECK_INT(pawl_json_canonical(&v, &b, NULL), PAWL_OK);
        pawl_buf_done(&b);
        CHECK_TEXT(b.p, numbers[i].want);
    }
}

static bool equal(const char *x, const char *y)
{
    yyjson_val *a, *b;
    if (pawl_json_read(pawl_str_of(x), &arena, &a, NULL) || pawl_json_read(pawl_str_of(y), &arena, &b, NULL))
        return false;
    return pawl_json_equal(a, b) && pawl_json_equal(b, a);
}

static void equals(void)
{
    CHECK(equal("1", "1.0") && equal("-0", "0") && equal("-0", "0.0") && equal("-3", "-3.0") &&
          equal("{\"a\":1,\"b\":2}", "{\"b\":2.0,\"a\":1}"));
    CHECK(equal("[1,[],{}]", "[1,[],{}]") && equal("18446744073709551615", "18446744073709551615"));
    CHECK(!equal("0", "false") && !equal("1", "true") && !equal("[1]", "[1,1]") && !equal("\"1\"", "1"));
    CHECK(!equal("9007199254740993", "9007199254740992.0") && !equal("-1", "18446744073709551615"));
    CHECK(!equal("{\"a\":1}", "{\"b\":1}") && !equal("null", "false"));
}

static void writing(void)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    yyjson_val *v;
    pawl_buf_init_arena(&b, &arena);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "a");
    pawl_jw_open(&w, '[');
    pawl_jw_i64(&w, -1);
    pawl_jw_null(&w);
    pawl_jw_bool(&w, true);
    pawl_jw_close(&w, ']');
    pawl_jw_key_str(&w, PAWL_STR("\xed\xa0\x80\xc0\x80\xf5"));
    pawl_jw_text(&w, "\x01\x7f\t");
    pawl_jw_close(&w, '}');
    pawl_buf_done(&b);
    CHECK_TEXT(
        b.p,
        "{\"a\":[-1,null,true],\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\":\"\\u0001\x7f\\t\"}");
    pawl_buf_init_arena(&b, &arena);
    CHECK_INT(pawl_json_read(PAWL_STR("{\"b\":[1.0,1e300,-7,18446744073709551615],\"a\":\"x\"}"), &arena, &v, NULL),
              PAWL_OK);
    pawl_json_write(v, &b);
    pawl_buf_done(&b);
    CHECK_TEXT(b.p, "{\"b\":[1.0,1e300,-7,18446744073709551615],\"a\":\"x\"}");
    CHECK(pawl_json_at(v, PAWL_STR("/b/2")) && yyjson_get_sint(pawl_json_at(v, PAWL_STR("/b/2"))) == -7);
    CHECK(pawl_json_at(v, PAWL_STR("")) == v && !pawl_json_at(v, PAWL_STR("/b/9")) && !pawl_json_at(v, PAWL_STR("b")));
    CHECK(pawl_json_i64(v, "b", 5) == 5 && pawl_json_str(v, "a").n == 1 && !pawl_json_str(v, "b").p);
}

/* Texts of every length up to three words, one byte at every place: quoted, and read again as they were. */
static void quoting(void)
{
    static const char odd[] = "\x01\x1f !\"#/[\\]~\x7f";
    int wrong = 0;
    for (uint32_t n = 1; n <= 24; n++)
        for (uint32_t at = 0; at < n; at++)
            for (size_t k = 0; k < sizeof odd; k++) { /* the NUL too */
                char text[24];
                struct pawl_buf b;
                yyjson_val *v;
                memset(text, 'x', n);
                text[at] = odd[k];
                pawl_buf_init_arena(&b, &arena);
                pawl_json_quote((struct pawl_str){text, n}, &b);
                wrong += pawl_json_read(pawl_buf_done(&b), &arena, &v, NULL) != PAWL_OK;
                wrong += !pawl_str_eq(pawl_json_value_str(v), (struct pawl_str){text, n});
            }
    CHECK_INT(wrong, 0);
}

static void no_memory(void)
{
    struct test_alloc t;
    EVERY_FAILED_ALLOCATION(t) {
        struct pawl_arena a;
        struct pawl_buf b;
        yyjson_val *v;
        pawl_arena_init(&a, &t.alloc);
        pawl_buf_init(&b, &t.alloc);
        const int rc = pawl_json_read(PAWL_STR("{\"a\":[1,2,{\"b\":\"c\"}]}"), &a, &v, NULL);
        CHECK(rc == PAWL_OK || rc == PAWL_ENOMEM);
        if (rc == PAWL_OK) {
            const int written = pawl_json_canonical(v, &b, NULL);
            CHECK(written == PAWL_OK || written == PAWL_ENOMEM);
        }
        pawl_buf_fini(&b);
        pawl_arena_fini(&a);
    }
}

int main(void)
{
    pawl_arena_init(&arena, pawl_alloc_libc());
    read_rows();
    depth();
    canonical_rows();
    equals();
    writing();
    quoting();
    no_memory();
    pawl_arena_fini(&arena);
    return TEST_END();
}
