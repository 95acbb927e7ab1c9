/* src/base/error_test.c - names, filling, cutting, and text that would like to write to a terminal. */
#include "base/error.h"
#include "base/test.h"

static void names(void)
{
    CHECK_TEXT(pawl_code_name(PAWL_OK), "ok");
    CHECK_TEXT(pawl_code_name(PAWL_ECONFLICT), "conflict");
    CHECK_TEXT(pawl_code_name(PAWL_ENONDETERMINISM), "nondeterminism");
    CHECK_TEXT(pawl_code_name(1), "unknown");
    CHECK_TEXT(pawl_code_name(PAWL_EDENIED - 1), "unknown");
    for (int a = PAWL_OK; a >= PAWL_EDENIED; a--) {
        CHECK(strcmp(pawl_code_name(a), "unknown") != 0); /* a new code needs a name */
        for (int b = PAWL_OK; b > a; b--) CHECK(strcmp(pawl_code_name(a), pawl_code_name(b)) != 0);
    }
}

static void filling(void)
{
    struct pawl_error e;
    memset(&e, 'x', sizeof e);
    CHECK_INT(pawl_fail(&e, PAWL_EINVAL, "/a/b", "give a number", "expected %s, found %d", "a number", 7), PAWL_EINVAL);
    CHECK_INT(e.code, PAWL_EINVAL);
    CHECK_TEXT(e.where, "/a/b");
    CHECK_TEXT(e.what, "expected a number, found 7");
    CHECK_TEXT(e.next, "give a number");
    CHECK_INT(pawl_fail(NULL, PAWL_EIO, "x", "y", "z"), PAWL_EIO);
    CHECK_INT(pawl_fail(&e, PAWL_EIO, NULL, NULL, "%s", ""), PAWL_EIO);
    CHECK(e.where[0] == 0 && e.what[0] == 0 && e.next[0] == 0);
    /* Told again with more around it: the text may come from the error itself. */
    pawl_fail(&e, PAWL_EIO, "here", "then", "disk full");
    pawl_fail(&e, PAWL_EFULL, e.where, e.next, "store: %s", e.what);
    CHECK_TEXT(e.what, "store: disk full");
    CHECK_TEXT(e.where, "here");
    CHECK_TEXT(e.next, "then");
}

static void text_of_others(void)
{
    struct pawl_error e;
    pawl_fail(&e, PAWL_EINVAL, "a\nb", "\x1b[2J", "%s", "\a\x1b]0;title\x07 \x7f\x01 \xc3\xa9 ok\r\n");
    CHECK_TEXT(e.what, "??]0;title? ?? \xc3\xa9 ok??");
    CHECK_TEXT(e.where, "a?b");
    CHECK_TEXT(e.next, "?[2J");
}

/* Cut at the field's size, and never through a character. */
static void cutting(void)
{
    static char text[2000];
    struct pawl_error e;
    memset(text, 'a', sizeof text - 1);
    pawl_fail(&e, PAWL_EINVAL, text, text, "%s", text);
    CHECK_INT(strlen(e.where), sizeof e.where - 1);
    CHECK_INT(strlen(e.what), sizeof e.what - 1);
    CHECK_INT(strlen(e.next), sizeof e.next - 1);
    static const char *const letters[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x99\x82"};
    for (size_t k = 0; k < 3; k++) {
        const size_t n = strlen(letters[k]);
        for (size_t shift = 0; shift < n; shift++) {
            memset(text, 'a', shift);
            for (size_t i = shift; i + n < sizeof text; i += n) memcpy(text + i, letters[k], n);
            pawl_fail(&e, PAWL_EINVAL, "", "", "%s", text);
            const size_t kept = strlen(e.what);
            CHECK(kept > sizeof e.what - 1 - n && (kept - shift) % n == 0);
        }
    }
    /* What is no UTF-8 at all is cut like any other bytes. */
    memset(text, 0x80, sizeof text - 1);
    pawl_fail(&e, PAWL_EINVAL, "", "", "%s", text);
    CHECK_INT(strlen(e.what), sizeof e.what - 1);
}

int main(void)
{
    names();
    filling();
    text_of_others();
    cutting();
    return TEST_END();
}
