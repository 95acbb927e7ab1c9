/* src/base/bytes_test.c - spans, the buffer with its bounds and failures, numbers, hexadecimal. */
#include "base/bytes.h"
#include "base/test.h"

#define S(text) pawl_str_of(text)

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

static void spans(struct pawl_arena *a)
{
    CHECK(S(NULL).p == NULL && S(NULL).n == 0 && S("").p != NULL);
    CHECK(PAWL_STR("abc").n == 3);
    CHECK(pawl_str_eq(S("abc"), PAWL_STR("abc")) && !pawl_str_eq(S("abc"), S("abd")) &&
          !pawl_str_eq(S("abc"), S("ab")));
    CHECK(pawl_str_eq(S(NULL), S("")));
    CHECK(pawl_str_is(S("abc"), "abc") && !pawl_str_is(S("abc"), "abcd"));
    static const struct {
        const char *a, *b;
        int want;
    } rows[] = {{"a", "b", -1}, {"b", "a", 1}, {"a", "a", 0},         {"a", "ab", -1},    {"ab", "a", 1},
                {"", "a", -1},  {NULL, "", 0}, {"a", "\xc3\xa9", -1}, {"\xff", "\x01", 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_INT(sign(pawl_str_cmp(S(rows[i].a), S(rows[i].b))), rows[i].want);
    const char mine[] = {'x', 'y', 'z'};
    const struct pawl_str copy = pawl_str_copy(a, (struct pawl_str){mine, 3});
    CHECK(copy.p != mine && copy.n == 3);
    CHECK_TEXT(copy.p, "xyz");
    CHECK(pawl_str_copy(a, S("")).p != NULL);
}

static void all_appends(struct pawl_buf *b)
{
    pawl_buf_text(b, "a");
    pawl_buf_str(b, PAWL_STR("bc"));
    pawl_buf_str(b, S(NULL));
    pawl_buf_char(b, '-');
    pawl_buf_i64(b, INT64_MIN), pawl_buf_char(b, ' '), pawl_buf_i64(b, INT64_MAX), pawl_buf_char(b, ' ');
    pawl_buf_i64(b, 0), pawl_buf_char(b, ' '), pawl_buf_i64(b, -10), pawl_buf_char(b, ' ');
    pawl_buf_printf(b, "%s|%05d|%.2f", "text", 42, 1.5);
    pawl_buf_printf(b, "%s", "");
    pawl_buf_add(b, "\0x", 2);
}

static const char all_text[] = "abc--9223372036854775808 9223372036854775807 0 -10 text|00042|1.50\0x";

static void appends(const struct pawl_alloc *from, struct pawl_arena *a)
{
    struct pawl_buf b, c;
    pawl_buf_init(&b, from);
    pawl_buf_init_arena(&c, a);
    CHECK_TEXT(pawl_buf_done(&b).p, ""); /* empty, and not absent */
    all_appends(&b), all_appends(&c);
    const struct pawl_str one = pawl_buf_done(&b), two = pawl_buf_done(&c);
    CHECK_INT(one.n, sizeof all_text - 1);
    CHECK(one.p && memcmp(one.p, all_text, sizeof all_text) == 0); /* with the NUL behind */
    CHECK(pawl_str_eq(one, two) && two.p[two.n] == 0);
    for (int i = 0; i < 5000; i++) pawl_buf_i64(&b, i);
    CHECK_INT(pawl_buf_done(&b).n, sizeof all_text - 1 + 18890); /* goes on after done */
    pawl_buf_fini(&b);
    CHECK(b.p == NULL && b.n == 0);
    pawl_buf_text(&b, "again");
    CHECK_TEXT(pawl_buf_done(&b).p, "again");
    pawl_buf_fini(&b), pawl_buf_fini(&b), pawl_buf_fini(&c);
    pawl_buf_fini(&(struct pawl_buf){0});
    pawl_buf_fini(NULL);
}

static void bounds(const struct pawl_alloc *from)
{
    struct pawl_buf b;
    pawl_buf_init(&b, from);
    b.max_bytes = 10;
    pawl_buf_text(&b, "0123456789");
    CHECK_TEXT(pawl_buf_done(&b).p, "0123456789"); /* just fits */
    pawl_buf_char(&b, 'x');
    CHECK(b.failed && pawl_buf_done(&b).p == NULL);
    pawl_buf_fini(&b);
    CHECK(!b.failed && b.max_bytes == 10);
    pawl_buf_text(&b, "0123456");
    pawl_buf_text(&b, "long"); /* does not fit: nothing of it goes in, and nothing later */
    pawl_buf_char(&b, 'y');
    CHECK(b.failed && b.n == 7 && pawl_buf_done(&b).p == NULL && pawl_buf_done(&b).n == 0);
    pawl_buf_fini(&b);
    pawl_buf_text(&b, "01234567");
    pawl_buf_printf(&b, "%d", 100);
    CHECK(b.failed && b.n == 8);
    pawl_buf_fini(&b);
}

static void hexadecimal(void)
{
    char text[9] = "";
    pawl_hex(text, "\x00\x7f\x80\xff", 4);
    CHECK_TEXT(text, "007f80ff");
    pawl_hex(text, NULL, 0);
    CHECK_TEXT(text, "");
    static const struct {
        const char *text;
        bool want;
    } rows[] = {{"007f80ff", true},   {"007F80fF", true},     {"007f80f", false},
                {"007f80ff0", false}, {"007f80fg", false},    {"0x7f80ff", false},
                {" 07f80ff", false},  {"007f80f\xc3", false}, {"", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned char out[4] = {1, 2, 3, 4};
        CHECK(pawl_unhex(out, 4, S(rows[i].text)) == rows[i].want);
        CHECK(memcmp(out, rows[i].want ? "\x00\x7f\x80\xff" : "\1\2\3\4", 4) == 0); /* all or nothing */
    }
    CHECK(pawl_unhex(NULL, 0, S("")) && !pawl_unhex(NULL, SIZE_MAX, S("")));
}

/* Every byte, at every place of every length, there and back; and every character that is no digit is refused there. */
static void hexadecimal_at_length(void)
{
    enum { MOST = 19 };
    int wrong = 0;
    for (size_t n = 1; n <= MOST; n++)
        for (size_t at = 0; at < n; at++)
            for (unsigned v = 0; v < 256; v++) {
                unsigned char bytes[MOST], again[MOST + 1];
                char text[2 * MOST + 1], want[3];
                memset(bytes, 0x5c, n);
                bytes[at] = (unsigned char)v;
                again[n] = 77;
                pawl_hex(text, bytes, n);
                snprintf(want, sizeof want, "%02x", v);
                wrong += strlen(text) != 2 * n || memcmp(text + 2 * at, want, 2) != 0;
                wrong += !pawl_unhex(again, n, S(text)) || memcmp(again, bytes, n) != 0 || again[n] != 77;
                for (size_t half = 0; half < 2; half++) {
                    const bool digit = v && strchr("0123456789abcdefABCDEF", (int)v) != NULL;
                    const char was = text[2 * at + half];
                    text[2 * at + half] = (char)v;
                    wrong += pawl_unhex(again, n, (struct pawl_str){text, (uint32_t)(2 * n)}) != digit;
                    text[2 * at + half] = was;
                }
            }
    CHECK_INT(wrong, 0);
}

int main(void)
{
    struct test_alloc t;
    struct pawl_arena a;
    test_alloc_init(&t, 0);
    pawl_arena_init(&a, &t.alloc);
    spans(&a);
    appends(&t.alloc, &a);
    bounds(&t.alloc);
    hexadecimal();
    hexadecimal_at_length();
    pawl_arena_fini(&a);
    CHECK_INT(t.out_bytes, 0);
    EVERY_FAILED_ALLOCATION(t) {
        struct pawl_buf b, c;
        pawl_arena_init(&a, &t.alloc);
        pawl_buf_init(&b, &t.alloc), pawl_buf_init_arena(&c, &a);
        for (int i = 0; i < 20; i++) all_appends(&b), all_appends(&c);
        CHECK((b.failed || c.failed) == t.failed);
        CHECK((pawl_buf_done(&b).p == NULL) == b.failed && (pawl_buf_done(&c).p == NULL) == c.failed);
        pawl_buf_fini(&b), pawl_buf_fini(&c), pawl_arena_fini(&a);
    }
    return TEST_END();
}
