/* src/contract/regex_test.c - patterns: what is one (21.2.1 of ECMA-262, u flag), what they match, what they may cost. */
#include "contract/regex.h"
#include <time.h>
#include "base/test.h"
#include "io/alloc.h"

enum { YES = PAWL_OK, NO = PAWL_ENOTFOUND, NONE = PAWL_EINVAL };

static const struct row {
    const char *pattern, *text;
    int want;
    const char *what; /* NONE: words of what is said */
} rows[] = {
    /* nothing of PCRE2's own language */
    {"(*UCP)\\d", "1", NONE, "nothing before it to repeat"},
    {"(*LIMIT_MATCH=1)a", "a", NONE, "nothing before it"},
    {"(*ACCEPT)", "", NONE, "nothing before it"},
    {"a++", "a", NONE, "nothing before it"},
    {"a*+", "a", NONE, "nothing before it"},
    {"a?+", "a", NONE, "nothing before it"},
    {"a{1,2}+", "a", NONE, "nothing before it"},
    {"a???", "a", NONE, "nothing before it"},
    {"(?>a)", "a", NONE, "no group that ECMA-262 has"},
    {"(?|a|b)", "a", NONE, "no group that ECMA-262 has"},
    {"(?i)a", "A", NONE, "no group that ECMA-262 has"},
    {"(?i:a)", "A", NONE, "no group that ECMA-262 has"},
    {"(?#x)a", "a", NONE, "no group that ECMA-262 has"},
    {"(?P<n>a)", "a", NONE, "no group that ECMA-262 has"},
    {"(?'n'a)", "a", NONE, "no group that ECMA-262 has"},
    {"(?R)", "a", NONE, "no group that ECMA-262 has"},
    {"(a)(?1)", "aa", NONE, "no group that ECMA-262 has"},
    {"(a)(?(1)b)", "ab", NONE, "no group that ECMA-262 has"},
    {"(?C1)a", "a", NONE, "no group that ECMA-262 has"},
    {"\\Aa", "a", NONE, "an escape that ECMA-262 does not have"},
    {"a\\Z", "a", NONE, "an escape that ECMA-262 does not have"},
    {"a\\z", "a", NONE, "an escape that ECMA-262 does not have"},
    {"\\Qa\\E", "a", NONE, "an escape that ECMA-262 does not have"},
    {"\\Ka", "a", NONE, "an escape that ECMA-262 does not have"},
    {"\\G", "", NONE, "an escape that ECMA-262 does not have"},
    {"\\R", "\n", NONE, "an escape that ECMA-262 does not have"},
    {"\\X", "a", NONE, "an escape that ECMA-262 does not have"},
    {"\\C", "a", NONE, "an escape that ECMA-262 does not have"},
    {"\\h", " ", NONE, "an escape that ECMA-262 does not have"},
    {"\\a", "\a", NONE, "an escape that ECMA-262 does not have"},
    {"\\e", "\x1b", NONE, "an escape that ECMA-262 does not have"},
    {"[[:alpha:]]", "a]", YES, NULL}, /* a class of [ : a l p h, and a ] */
    {"[[:alpha:]]", "z", NO, NULL},
    {"\\N{U+61}", "a", NONE, "an escape that ECMA-262 does not have"},
    {"(a)\\g1", "aa", NONE, "an escape that ECMA-262 does not have"},
    {"\\o{141}", "a", NONE, "an escape that ECMA-262 does not have"},
    /* not a pattern in either */
    {"(", "", NONE, "a ( is not closed"},
    {")", "", NONE, "a ) closes nothing"},
    {"[a", "a", NONE, "a [ is not closed"},
    {"[b-a]", "a", NONE, "ends before it begins"},
    {"*a", "a", NONE, "nothing before it"},
    {"^*", "", NONE, "nothing before it"},
    {"\\b+", "", NONE, "nothing before it"},
    {"(?=a)*", "", NONE, "nothing before it"},
    {"a{2,1}", "a", NONE, "wrong way round"},
    {"a{65536}", "a", NONE, "more than 65535"},
    {"a{99999999999999999999}", "a", NONE, "more than 65535"},
    {"((a{1000}){1000}){1000}", "a", NONE, "cannot be run"},
    {"\\", "", NONE, "the last character"},
    {"\\1", "", NONE, "not there"},
    {"(a)\\2", "", NONE, "not there"},
    {"\\k<x>", "", NONE, "not there"},
    {"(?<x>a)(?<x>b)", "ab", NONE, "one name"},
    {"(?<1>a)", "a", NONE, "a group's name"},
    {"\\u{110000}", "", NONE, "beyond 10FFFF"},
    {"\\u12", "", NONE, "hexadecimal digits are missing"},
    {"\\xg", "", NONE, "hexadecimal digits are missing"},
    {"\\01", "", NONE, "octal"},
    {"\\c1", "", NONE, "wants a letter"},
    {"\\p{Nonsense}", "a", NONE, "cannot be run"},
    {"\\p{Block=x}", "a", NONE, "General_Category"},
    {"\\pL", "a", NONE, "in braces"},
    {"(?<=a+)b", "ab", NONE, "look-behind of no fixed length"},
    /* line ends */
    {"^.$", "\n", NO, NULL},
    {"^.$", "\r", NO, NULL},
    {"^.$", "\xe2\x80\xa8", NO, NULL}, /* U+2028 */
    {"^.$", "\xe2\x80\xa9", NO, NULL}, /* U+2029 */
    {"^.$", "\v", YES, NULL},
    {"^.$", "\xc2\x85", YES, NULL}, /* U+0085 is no line end in ECMA-262 */
    {"^.$", "\xf0\x9f\x98\x80", YES, NULL},
    {"^[^]$", "\n", YES, NULL},
    {"[]", "a", NO, NULL},
    {"a$", "a\n", NO, NULL},
    {"^b", "a\nb", NO, NULL},
    {"b", "abc", YES, NULL}, /* anywhere */
    {"", "", YES, NULL},
    /* classes of characters */
    {"^\\d$", "\xd9\xa1", NO, NULL}, /* U+0661, a digit elsewhere */
    {"^\\w$", "\xc3\xa9", NO, NULL},
    {"^\\W$", "\xc3\xa9", YES, NULL},
    {"\\bb",
     "\xc3\xa9"
     "b",
     YES, NULL},                          /* a letter that \b does not know */
    {"^\\s$", "\xef\xbb\xbf", YES, NULL}, /* U+FEFF */
    {"^\\s$", "\xc2\xa0", YES, NULL},
    {"^\\s$", "\xe2\x80\xa8", YES, NULL},
    {"^\\s$", "\xe1\xa0\x8e", NO, NULL}, /* U+180E is none any more */
    {"^\\S$", "\xef\xbb\xbf", NO, NULL},
    {"^[\\s]$", "\xef\xbb\xbf", YES, NULL},
    {"^[^\\S]$", "\xef\xbb\xbf", YES, NULL},
    {"^\\p{L}$", "\xc3\xa9", YES, NULL},
    {"^\\p{Letter}$", "1", NO, NULL},
    {"^\\P{Letter}$", "1", YES, NULL},
    {"^\\p{Script=Greek}$", "\xce\xb1", YES, NULL},
    {"^\\p{sc=Latin}$", "\xce\xb1", NO, NULL},
    {"^\\p{Lu}\\p{General_Category=Lowercase_Letter}$", "Aa", YES, NULL},
    {"^[\\w.-]+$", "a-b.c", YES, NULL},
    {"^[a-]$", "-", YES, NULL},
    {"^[\\d-z]$", "-", YES, NULL},
    {"^[\\b]$", "\b", YES, NULL},
    /* escapes */
    {"^\\u{1F600}$", "\xf0\x9f\x98\x80", YES, NULL},
    {"^\\ud83d\\ude00$", "\xf0\x9f\x98\x80", YES, NULL},
    {"^[\\ud83d\\ude00]$", "\xf0\x9f\x98\x80", YES, NULL},
    {"\\ud83d", "\xf0\x9f\x98\x80", NO, NULL}, /* half a character is in no text */
    {"^\\x41\\u0042\\cA\\t$", "AB\x01\t", YES, NULL},
    {"^\\$\\/\\-\\\\$", "$/-\\", YES, NULL},
    {"^a{$", "a{", YES, NULL},
    {"^a{,2}$", "a{,2}", YES, NULL},
    {"^]}$", "]}", YES, NULL},
    {"^#a b$", "#a b", YES, NULL},
    /* groups */
    {"^(?<year>\\d{4})-\\k<year>$", "2026-2026", YES, NULL},
    {"^(a)|\\1b$", "b", YES, NULL}, /* a group that took no part is empty */
    {"^\\1(a)$", "a", YES, NULL},
    {"(?<!a)b", "ab", NO, NULL},
    {"a(?!b)", "ac", YES, NULL},
    {"^(?:ab){2}?$", "abab", YES, NULL},
    {"^a{2}$", "aaa", NO, NULL},
};

static int once(const char *pattern, struct pawl_str text, struct pawl_error *err)
{
    struct pawl_arena arena;
    struct pawl_regex_run run;
    struct pawl_regex *re;
    pawl_arena_init(&arena, pawl_alloc_libc());
    int rc = pawl_regex_compile(pawl_str_of(pattern), &arena, &re, err);
    const int looked = pawl_regex_translate(pawl_str_of(pattern), NULL, NULL);
    CHECK(rc == PAWL_EINVAL || looked == PAWL_OK);
    if (rc == PAWL_OK) {
        pawl_regex_run_init(&run, pawl_alloc_libc());
        rc = pawl_regex_match(re, text, &run);
        CHECK_INT(pawl_regex_match(re, text, &run), rc);
        pawl_regex_run_fini(&run);
    }
    pawl_arena_fini(&arena);
    return rc;
}

static void test_rows(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pawl_error err = {0};
        const int got = once(rows[i].pattern, pawl_str_of(rows[i].text), &err);
        if (!CHECK_INT(got, rows[i].want) || (rows[i].what && !CHECK(strstr(err.what, rows[i].what) != NULL)))
            printf("  %s: %s\n", rows[i].pattern, err.what);
    }
}

/* Patterns that go back without end, on texts made for them: an answer or PAWL_ELIMIT, soon. */
static void test_cost(void)
{
    static const struct {
        const char *pattern, *word, *end;
        int count, want;
    } costs[] = {
        {"^(a+)+$", "a", "b", 60, PAWL_ELIMIT},
        {"(a|aa)+$", "a", "b", 60, PAWL_ELIMIT},
        {"(.*)*[xy]", "a", "", 2000, PAWL_ELIMIT},
        {"(x*)*[yz]", "x", "", 500000, PAWL_ELIMIT},
        {"a.*b.*[cd]", "ab", "", 3000, PAWL_ELIMIT},
        {"^(?:a?){30}a{30}[bc]$", "a", "d", 59, PAWL_ELIMIT},
        {"^(\\w+\\s?)*$", "word ", "!", 40, PAWL_ELIMIT},
        {"^\\d+$", "7", "", 1000000, PAWL_OK}, /* long, but straight on */
        {"[a-z]+@[a-z]+\\.com", "user@site ", "me@here.com", 20000, PAWL_OK},
        {"needle", "hay ", "needle", 200000, PAWL_OK},
        {"^(?:ab|c)*$", "abc", "", 20000, PAWL_OK},
        {"\\d{4}-\\d{2}", "2026 11 ", "", 20000, PAWL_ENOTFOUND},
    };
    const clock_t begin = clock();
    for (size_t i = 0; i < sizeof costs / sizeof *costs; i++) {
        struct pawl_buf b;
        struct pawl_error err = {0};
        pawl_buf_init(&b, pawl_alloc_libc());
        for (int k = 0; k < costs[i].count; k++) pawl_buf_text(&b, costs[i].word);
        pawl_buf_text(&b, costs[i].end);
        if (!CHECK_INT(once(costs[i].pattern, (struct pawl_str){b.p, (uint32_t)b.n}, &err), costs[i].want))
            printf("  %s\n", costs[i].pattern);
        pawl_buf_fini(&b);
    }
    CHECK((clock() - begin) / CLOCKS_PER_SEC < 60);
}

/* All matches of one run share a bound: many that are costly but have an answer end too. */
static void test_shared_bound(void)
{
    struct pawl_arena arena;
    struct pawl_regex_run run;
    struct pawl_regex *re;
    int rc = PAWL_ENOTFOUND, count = 0;
    pawl_arena_init(&arena, pawl_alloc_libc());
    CHECK_INT(pawl_regex_compile(PAWL_STR("^(a+)+$"), &arena, &re, NULL), PAWL_OK);
    pawl_regex_run_init(&run, pawl_alloc_libc());
    while (rc == PAWL_ENOTFOUND && count < 1000000) {
        rc = pawl_regex_match(re, PAWL_STR("aaaaaaaaaaaaaaaab"), &run);
        count++;
    }
    CHECK_INT(rc, PAWL_ELIMIT);
    CHECK(count > 10);
    pawl_regex_run_fini(&run);
    pawl_regex_run_init(&run, pawl_alloc_libc());
    CHECK_INT(pawl_regex_match(re, PAWL_STR("aaaaaaaaaaaaaaaab"), &run), PAWL_ENOTFOUND); /* a new run, a new bound */
    pawl_regex_run_fini(&run);
    pawl_arena_fini(&arena);
}

static void test_memory(void)
{
    struct test_alloc t;
    EVERY_FAILED_ALLOCATION(t) {
        struct pawl_arena arena;
        struct pawl_regex_run run;
        struct pawl_regex *re;
        pawl_arena_init(&arena, &t.alloc);
        int rc = pawl_regex_compile(PAWL_STR("^(?:(a|b)c)*[x-z\\p{L}]?$"), &arena, &re, NULL);
        CHECK(rc == (t.failed ? PAWL_ENOMEM : PAWL_OK));
        if (rc == PAWL_OK) {
            static char text[20000];
            memset(text, 'c', sizeof text);
            for (size_t i = 0; i < sizeof text; i += 2) text[i] = 'a';
            pawl_regex_run_init(&run, &t.alloc);
            rc = pawl_regex_match(re, (struct pawl_str){text, sizeof text}, &run);
            CHECK(rc == (t.failed ? PAWL_ENOMEM : PAWL_OK));
            pawl_regex_run_fini(&run);
        }
        pawl_arena_fini(&arena);
    }
}

int main(void)
{
    test_rows();
    test_cost();
    test_shared_bound();
    test_memory();
    return TEST_END();
}
