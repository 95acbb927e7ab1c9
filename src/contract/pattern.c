/* src/contract/pattern.c - translating ECMA-262 into what PCRE2 understands alike: $ is the very end, \cX, \uXXXX, [^], \p{…}. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "contract/pattern.h"
#include <pcre2.h>
#include <string.h>

#include "base/alloc.h"

enum { PATTERN_MAX = 64 * 1024, MATCH_LIMIT = 100000, DEPTH_LIMIT = 1000 };

static bool is_hex(struct pawl_str s, uint32_t at, uint32_t n)
{
    for (uint32_t i = at; i < at + n; i++)
        if (i >= s.n || !strchr("0123456789abcdefABCDEF", s.p[i]) || !s.p[i]) return false;
    return true;
}

static unsigned hex(struct pawl_str s, uint32_t at, uint32_t n)
{
    unsigned v = 0;
    for (uint32_t i = at; i < at + n; i++) {
        const char c = s.p[i];
        v = v * 16 + (unsigned)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    return v;
}

/* \p{General_Category=L}, \p{Letter}: PCRE2 knows the short names; scripts as they are. */
static uint32_t property(struct pawl_str s, uint32_t i, struct pawl_buf *out)
{
    static const char *const names[][2] = {{"Letter", "L"},
                                           {"Lowercase_Letter", "Ll"},
                                           {"Uppercase_Letter", "Lu"},
                                           {"Titlecase_Letter", "Lt"},
                                           {"Modifier_Letter", "Lm"},
                                           {"Other_Letter", "Lo"},
                                           {"Mark", "M"},
                                           {"Number", "N"},
                                           {"Decimal_Number", "Nd"},
                                           {"digit", "Nd"},
                                           {"Letter_Number", "Nl"},
                                           {"Other_Number", "No"},
                                           {"Punctuation", "P"},
                                           {"punct", "P"},
                                           {"Symbol", "S"},
                                           {"Separator", "Z"},
                                           {"Space_Separator", "Zs"},
                                           {"Other", "C"},
                                           {"Control", "Cc"}};
    uint32_t end = i + 3, from;
    if (i + 2 >= s.n || s.p[i + 2] != '{') return 0;
    while (end < s.n && s.p[end] != '}') end++;
    if (end >= s.n) return 0;
    from = i + 3;
    for (uint32_t k = from; k < end; k++)
        if (s.p[k] == '=') from = k + 1;
    struct pawl_str name = {s.p + from, end - from};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (pawl_str_is(name, names[k][0])) name = pawl_str_of(names[k][1]);
    pawl_buf_printf(out, "\\%c{", s.p[i + 1]);
    pawl_buf_str(out, name);
    pawl_buf_char(out, '}');
    return end + 1 - i;
}

/* One escape at s.p[i] == '\\'. How many bytes of the pattern it took; 0: not one. */
static uint32_t escape(struct pawl_str s, uint32_t i, bool in_class, struct pawl_buf *out)
{
    const char c = i + 1 < s.n ? s.p[i + 1] : 0;
    if (!c) return 0;
    if ((c == 'p' || c == 'P')) return property(s, i, out);
    if (c == 'u' && is_hex(s, i + 2, 4)) {
        unsigned v = hex(s, i + 2, 4);
        uint32_t took = 6;
        if (v >= 0xd800 && v < 0xdc00 && i + 7 < s.n && s.p[i + 6] == '\\' && s.p[i + 7] == 'u' &&
            is_hex(s, i + 8, 4)) {
            const unsigned low = hex(s, i + 8, 4);
            if (low >= 0xdc00 && low < 0xe000) v = 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00), took = 12;
        }
        pawl_buf_printf(out, "\\x{%x}", v);
        return took;
    }
    if (c == 'u' && i + 2 < s.n && s.p[i + 2] == '{') {
        uint32_t end = i + 3;
        while (end < s.n && s.p[end] != '}') end++;
        if (end >= s.n || end == i + 3 || end - i > 9 || !is_hex(s, i + 3, end - i - 3)) return 0;
        pawl_buf_printf(out, "\\x{%x}", hex(s, i + 3, end - i - 3));
        return end + 1 - i;
    }
    if (c == 'c' && i + 2 < s.n && ((s.p[i + 2] | 32) >= 'a' && (s.p[i + 2] | 32) <= 'z')) {
        pawl_buf_printf(out, "\\x{%x}", (unsigned)s.p[i + 2] & 31);
        return 3;
    }
    if (c == 's' || c == 'S') { /* ECMAScript's white space: more than ASCII */
        static const char set[] =
            "\\t\\n\\x0b\\f\\r \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}";
        if (in_class && c == 'S') return 0;
        pawl_buf_printf(out, in_class ? "%s" : c == 's' ? "[%s]" : "[^%s]", set);
        return 2;
    }
    if (c == 'v') return pawl_buf_text(out, "\\x0b"), 2;
    if (c == '0') return pawl_buf_text(out, "\\x00"), 2;
    if (in_class && c == 'b') return pawl_buf_text(out, "\\x08"), 2;
    if (strchr("aeAzZGXRKQEghHVNoC", c)) return 0; /* PCRE2's own escapes are no escapes of ECMA-262 */
    if (c == 'k' && (i + 2 >= s.n || s.p[i + 2] != '<')) return 0;
    pawl_buf_add(out, s.p + i, 2);
    return 2;
}

static bool translate(struct pawl_str s, struct pawl_buf *out)
{
    bool in_class = false;
    for (uint32_t i = 0; i < s.n;) {
        const char c = s.p[i];
        if (c == '\\') {
            const uint32_t took = escape(s, i, in_class, out);
            if (!took) return false;
            i += took;
            continue;
        }
        if (!in_class && c == '[') {
            if (i + 2 < s.n && s.p[i + 1] == '^' && s.p[i + 2] == ']') {
                pawl_buf_text(out, "[\\s\\S]");
                i += 3;
                continue;
            }
            if (i + 1 < s.n && s.p[i + 1] == ']') {
                pawl_buf_text(out, "(?!)");
                i += 2;
                continue;
            }
            in_class = true;
        } else if (in_class && c == ']') {
            in_class = false;
        } else if (in_class && c == '[') {
            pawl_buf_char(out, '\\');
        } else if (!in_class && c == '$') {
            pawl_buf_text(out, "\\z");
            i++;
            continue;
        } else if (!in_class && c == '(' && i + 2 < s.n && s.p[i + 1] == '?' && !strchr(":=!<", s.p[i + 2])) {
            return false;
        }
        pawl_buf_char(out, c);
        i++;
    }
    return !in_class;
}

struct pawl_pattern {
    pcre2_code *code;
    pcre2_match_context *limits;
    const struct pawl_alloc *from;
};

static struct pawl_pattern *make(const struct pawl_alloc *from, pcre2_code *code)
{
    struct pawl_pattern *r = from->resize(from->ctx, NULL, 0, sizeof *r);
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    if (!r || !limits) {
        if (r) from->resize(from->ctx, r, sizeof *r, 0);
        pcre2_match_context_free(limits);
        pcre2_code_free(code);
        return NULL;
    }
    pcre2_set_match_limit(limits, MATCH_LIMIT);
    pcre2_set_depth_limit(limits, DEPTH_LIMIT);
    *r = (struct pawl_pattern){code, limits, from};
    return r;
}

int pawl_pattern_compile(struct pawl_str pattern, const struct pawl_alloc *from, struct pawl_pattern **out,
                         struct pawl_error *err)
{
    const uint32_t options =
        PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX | PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_BACKSLASH_C;
    struct pawl_buf b;
    pcre2_code *code = NULL;
    PCRE2_SIZE at = 0;
    PCRE2_UCHAR text[128] = "it is not a pattern of ECMA-262";
    int number = 0;
    bool good;
    *out = NULL;
    if (pattern.n > PATTERN_MAX) return pawl_fail(err, PAWL_ELIMIT, "", "make it shorter", "the pattern is too long");
    pawl_buf_init(&b, from);
    good = translate(pattern, &b);
    if (good && !b.failed)
        code =
            pcre2_compile((PCRE2_SPTR)(b.p ? b.p : ""), b.n, options & ~(uint32_t)PCRE2_ALT_BSUX, &number, &at, NULL);
    const bool no_memory = b.failed;
    pawl_buf_fini(&b);
    if (no_memory) return PAWL_ENOMEM;
    if (!code && number) pcre2_get_error_message(number, text, sizeof text);
    if (!code)
        return pawl_fail(err, PAWL_EINVAL, "", "write an ECMA-262 pattern", "the pattern %.*s: %s",
                         pattern.n < 80 ? (int)pattern.n : 80, pattern.p, (const char *)text);
    *out = make(from, code);
    return *out ? PAWL_OK : PAWL_ENOMEM;
}

void pawl_pattern_free(struct pawl_pattern *r)
{
    if (!r) return;
    pcre2_match_context_free(r->limits);
    pcre2_code_free(r->code);
    r->from->resize(r->from->ctx, r, sizeof *r, 0);
}

int pawl_pattern_search(const struct pawl_pattern *r, struct pawl_str text)
{
    pcre2_match_data *match = pcre2_match_data_create(1, NULL);
    int rc;
    if (!match) return PAWL_ENOMEM;
    rc = pcre2_match(r->code, (PCRE2_SPTR)(text.p ? text.p : ""), text.n, 0, PCRE2_NO_UTF_CHECK, match, r->limits);
    pcre2_match_data_free(match);
    if (rc >= 0) return 1;
    return rc == PCRE2_ERROR_NOMATCH ? 0 : PAWL_ELIMIT;
}
