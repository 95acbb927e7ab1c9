/* src/contract/format_test.c - formats where the suite does not look, by the RFC each names; and any bytes. */
#include "contract/format.h"
#include "base/test.h"
#include "io/alloc.h"

static struct pawl_arena arena;
static struct pawl_regex *label;

static const struct row {
    const char *format, *text;
    bool fits;
} rows[] = {
    {"date", "2024-02-29", true},
    {"date", "2100-02-29", false},
    {"date", "2000-02-29", true},
    {"date", "0000-01-01", true},
    {"date", "2026-1-01", false},
    {"date", "2026-13-01", false},
    {"date", "2026-11-00", false},
    {"date", "2026-11-31", false},
    {"date", "", false},
    {"time", "23:59:60Z", true},
    {"time", "22:59:60Z", false},
    {"time", "15:59:60-08:00", true},
    {"time", "00:29:60+00:30", true},
    {"time", "08:30:00.123456789012z", true},
    {"time", "08:30:00.Z", false},
    {"time", "08:30:00", false},
    {"time", "24:00:00Z", false},
    {"time", "08:30:00+24:00", false},
    {"time", "08:30:00+0100", false},
    {"date-time", "2026-11-21t08:30:00z", true},
    {"date-time", "2026-11-21 08:30:00Z", false},
    {"date-time", "2026-11-21T08:30:00", false},
    {"duration", "P1Y2M3DT4H5M6S", true},
    {"duration", "P4W", true},
    {"duration", "P1W2D", false},
    {"duration", "PT1H6S", false}, /* none left out between two */
    {"duration", "P", false},
    {"duration", "PT", false},
    {"duration", "P1YT", false},
    {"duration", "PT1.5S", false},
    {"email", "a.b+c@example.org", true},
    {"email", "\"a b\"@example.org", true},
    {"email", "\"a\\\"b\"@example.org", true},
    {"email", "a@[192.0.2.1]", true},
    {"email", "a@[IPv6:2001:db8::1]", true},
    {"email", "a@[2001:db8::1]", false},
    {"email", ".a@example.org", false},
    {"email", "a..b@example.org", false},
    {"email", "a@", false},
    {"email", "@example.org", false},
    {"email", "a@b@c", false},
    {"email", "\xc3\xa4@example.org", false},
    {"idn-email",
     "\xc3\xa4@b\xc3\xbc"
     "cher.example",
     true},
    {"hostname", "a.b-c.example", true},
    {"hostname", "a.", false},
    {"hostname", "-a", false},
    {"hostname", "a_b", false},
    {"hostname", "xn--bcher-kva.example", true},
    {"hostname", "xn--", false},
    {"idn-hostname",
     "b\xc3\xbc"
     "cher.example",
     true},
    {"idn-hostname",
     "a\xe3\x80\x82"
     "b",
     true},                                  /* U+3002 is a dot */
    {"idn-hostname", "\xe3\x80\xb1", false}, /* U+3031 is not allowed */
    {"ipv4", "192.0.2.1", true},
    {"ipv4", "192.0.2.01", false},
    {"ipv4", "192.0.2", false},
    {"ipv4", "256.0.0.1", false},
    {"ipv4", "1.2.3.4 ", false},
    {"ipv6", "::", true},
    {"ipv6", "::1", true},
    {"ipv6", "1:2:3:4:5:6:7:8", true},
    {"ipv6", "1:2:3:4:5:6:7::", true},
    {"ipv6", "1::2:3:4:5:6:7:8", false},
    {"ipv6", "::ffff:192.0.2.1", true},
    {"ipv6", "1:2:3:4:5:6:192.0.2.1", true},
    {"ipv6", "1:2:3:4:5:6:7:192.0.2.1", false},
    {"ipv6", "fe80::1%eth0", false},
    {"ipv6", "12345::", false},
    {"ipv6", ":1", false},
    {"ipv6", "1:", false},
    {"uri", "https://u:p@[::1]:80/a%20b?x=1#f", true},
    {"uri", "urn:isbn:0-486", true},
    {"uri", "//example.org", false},
    {"uri", "https://example.org/ a", false},
    {"uri", "https://example.org/%zz", false},
    {"uri", "https://[::1", false},
    {"uri", "https://a@b@c/", false},
    {"uri", "https://example.org:8o/", false},
    {"uri", "http://\xc3\xa4/", false},
    {"uri", "1http://a/", false},
    {"iri", "http://\xc3\xa4/", true},
    {"uri-reference", "", true},
    {"uri-reference", "a:b", true},
    {"uri-reference", "1a:b", false},
    {"uri-reference", "./1a:b", true},
    {"uri-reference", "#a#b", false},
    {"iri-reference", "/\xc3\xa4?\xee\x80\x80", true}, /* private use, in a query only */
    {"iri-reference", "/\xee\x80\x80", false},
    {"uri-template", "/a/{b}{?c,d*}{e:30}", true},
    {"uri-template", "/a/{b", false},
    {"uri-template", "/a/}", false},
    {"uri-template", "{a:0}", false},
    {"uri-template", "{a..b}", false},
    {"json-pointer", "", true},
    {"json-pointer", "/a~1b/~0/", true},
    {"json-pointer", "a", false},
    {"json-pointer", "/~", false},
    {"json-pointer", "/~2", false},
    {"relative-json-pointer", "0#", true},
    {"relative-json-pointer", "12/a", true},
    {"relative-json-pointer", "01/a", false},
    {"relative-json-pointer", "-1/a", false},
    {"relative-json-pointer", "/a", false},
    {"relative-json-pointer", "0##", false},
    {"regex", "^a(?<n>b)\\k<n>$", true},
    {"regex", "(*UCP)a", false},
    {"regex", "a++", false},
    {"uuid", "3B241101-e2bb-4255-8caf-4136c566a962", true},
    {"uuid", "{3b241101-e2bb-4255-8caf-4136c566a962}", false},
    {"uuid", "3b241101e2bb42558caf4136c566a962", false},
    {"uuid", "3b241101-e2bb-4255-8caf-4136c566a96g", false},
    {"colour", "anything", true},
};

static int fits(enum pawl_format f, struct pawl_str text)
{
    struct pawl_regex_run run;
    pawl_regex_run_init(&run, pawl_alloc_libc());
    const int rc = pawl_format_fits(f, text, pawl_format_wants_label(f) ? label : NULL, &run);
    pawl_regex_run_fini(&run);
    return rc;
}

/* Every format takes any bytes, in memory of exactly their size, as an answer and nothing else. */
static void test_any_bytes(void)
{
    uint32_t x = 1;
    static const char some[] = "aZ09-_.:@/%[]{}#?~T+P\"\\\xc3\xa4\xe3\x80\xff\xf0\0";
    for (int round = 0; round < 20000; round++) {
        x = x * 1664525 + 1013904223;
        const uint32_t n = (x >> 16) % 24;
        char *p = malloc(n + 1u);
        for (uint32_t i = 0; i < n; i++) {
            x = x * 1664525 + 1013904223;
            p[i] = some[(x >> 16) % (sizeof some - 1)];
        }
        char *exact = n ? realloc(p, n) : p;
        for (int f = PAWL_FORMAT_UNKNOWN; f <= PAWL_FORMAT_UUID; f++) {
            if (pawl_format_wants_label((enum pawl_format)f)) continue; /* PCRE2 wants UTF-8 */
            const int rc = fits((enum pawl_format)f, (struct pawl_str){exact, n});
            if (rc != PAWL_OK && rc != PAWL_EINVAL) CHECK_INT(rc, PAWL_OK);
        }
        free(exact);
    }
}

int main(void)
{
    pawl_arena_init(&arena, pawl_alloc_libc());
    CHECK_INT(pawl_format_label(&arena, &label), PAWL_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const enum pawl_format f = pawl_format_of(pawl_str_of(rows[i].format));
        CHECK((f == PAWL_FORMAT_UNKNOWN) == (strcmp(rows[i].format, "colour") == 0));
        if (f) CHECK_TEXT(pawl_format_name(f), rows[i].format);
        if (!CHECK_INT(fits(f, pawl_str_of(rows[i].text)), rows[i].fits ? PAWL_OK : PAWL_EINVAL))
            printf("  %s: %s\n", rows[i].format, rows[i].text);
    }
    test_any_bytes();
    pawl_arena_fini(&arena);
    return TEST_END();
}
