/* src/contract/regex_class.c - escapes, \p{...} and [classes] of ECMA-262 patterns in PCRE2's words. */
#include "contract/regex_ecma.h"
#include <stdio.h>
#include <string.h>

uint32_t pawl_ecma_next(struct pawl_ecma *e)
{
    const uint8_t c = (uint8_t)*e->p++;
    const uint32_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
    uint32_t code = more == 3 ? c & 7u : more == 2 ? c & 15u : more == 1 ? c & 31u : c;
    for (uint32_t i = 0; i < more && e->p < e->end && ((uint8_t)*e->p & 0xc0) == 0x80; i++)
        code = code << 6 | ((uint8_t)*e->p++ & 0x3fu);
    return code;
}

static bool is_surrogate(uint32_t code)
{
    return code >= 0xd800 && code <= 0xdfff;
}

static bool is_alnum(uint32_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

void pawl_ecma_char(struct pawl_ecma *e, uint32_t code)
{
    char text[16];
    if (is_alnum(code)) snprintf(text, sizeof text, "%c", (char)code);
    else snprintf(text, sizeof text, "\\x{%x}", (unsigned)code);
    pawl_ecma_put(e, text);
}

static int hex(struct pawl_ecma *e, int digits, uint32_t *code)
{
    *code = 0;
    for (int i = 0; i < digits; i++, e->p++) {
        const int c = e->p < e->end ? *e->p : 0;
        const int v = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
        if (v < 0) return pawl_ecma_fail(e, "hexadecimal digits are missing behind \\x or \\u");
        *code = *code * 16 + (uint32_t)v;
    }
    return PAWL_OK;
}

static int braced(struct pawl_ecma *e, uint32_t *code)
{
    int digits = 0;
    uint32_t value = 0, digit;
    for (e->p++; e->p < e->end && *e->p != '}'; digits++) {
        if (hex(e, 1, &digit)) return PAWL_EINVAL;
        value = value * 16 + digit;
        if (value > 0x10ffff) return pawl_ecma_fail(e, "\\u{...} is beyond 10FFFF");
    }
    if (e->p == e->end || digits == 0) return pawl_ecma_fail(e, "\\u{ wants hexadecimal digits and a }");
    e->p++;
    *code = value;
    return PAWL_OK;
}

/* \uXXXX, where two may be the halves of one character. */
static int unicode(struct pawl_ecma *e, uint32_t *code)
{
    uint32_t low;
    if (e->p < e->end && *e->p == '{') return braced(e, code);
    if (hex(e, 4, code)) return PAWL_EINVAL;
    if (*code < 0xd800 || *code > 0xdbff || e->end - e->p < 6 || e->p[0] != '\\' || e->p[1] != 'u' || e->p[2] == '{')
        return PAWL_OK;
    const char *before = e->p;
    e->p += 2;
    if (hex(e, 4, &low)) return PAWL_EINVAL;
    if (low >= 0xdc00 && low <= 0xdfff) *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
    else e->p = before;
    return PAWL_OK;
}

int pawl_ecma_code_escape(struct pawl_ecma *e, uint32_t *code)
{
    if (e->p == e->end) return pawl_ecma_fail(e, "a backslash is the last character");
    const char c = *e->p;
    if ((uint8_t)c >= 0x80) return pawl_ecma_fail(e, "a backslash before a letter that needs none");
    e->p++;
    switch (c) {
    case 't': *code = '\t'; return PAWL_OK;
    case 'n': *code = '\n'; return PAWL_OK;
    case 'v': *code = '\v'; return PAWL_OK;
    case 'f': *code = '\f'; return PAWL_OK;
    case 'r': *code = '\r'; return PAWL_OK;
    case 'x': return hex(e, 2, code);
    case 'u': return unicode(e, code);
    case '0':
        *code = 0;
        if (e->p < e->end && *e->p >= '0' && *e->p <= '9') return pawl_ecma_fail(e, "octal escapes are not read");
        return PAWL_OK;
    case 'c':
        if (e->p == e->end || !is_alnum((uint8_t)*e->p) || *e->p < 'A') return pawl_ecma_fail(e, "\\c wants a letter");
        *code = (uint32_t)*e->p++ % 32;
        return PAWL_OK;
    default:
        if (is_alnum((uint8_t)c)) return pawl_ecma_fail(e, "an escape that ECMA-262 does not have");
        *code = (uint8_t)c;
        return PAWL_OK;
    }
}

/* ECMA's names of general categories, and PCRE2's. */
static const char *const categories[][2] = {
    {"Letter", "L"},
    {"Cased_Letter", "L&"},
    {"LC", "L&"},
    {"Uppercase_Letter", "Lu"},
    {"Lowercase_Letter", "Ll"},
    {"Titlecase_Letter", "Lt"},
    {"Modifier_Letter", "Lm"},
    {"Other_Letter", "Lo"},
    {"Mark", "M"},
    {"Combining_Mark", "M"},
    {"Nonspacing_Mark", "Mn"},
    {"Spacing_Mark", "Mc"},
    {"Enclosing_Mark", "Me"},
    {"Number", "N"},
    {"Decimal_Number", "Nd"},
    {"digit", "Nd"},
    {"Letter_Number", "Nl"},
    {"Other_Number", "No"},
    {"Punctuation", "P"},
    {"punct", "P"},
    {"Connector_Punctuation", "Pc"},
    {"Dash_Punctuation", "Pd"},
    {"Open_Punctuation", "Ps"},
    {"Close_Punctuation", "Pe"},
    {"Initial_Punctuation", "Pi"},
    {"Final_Punctuation", "Pf"},
    {"Other_Punctuation", "Po"},
    {"Symbol", "S"},
    {"Math_Symbol", "Sm"},
    {"Currency_Symbol", "Sc"},
    {"Modifier_Symbol", "Sk"},
    {"Other_Symbol", "So"},
    {"Separator", "Z"},
    {"Space_Separator", "Zs"},
    {"Line_Separator", "Zl"},
    {"Paragraph_Separator", "Zp"},
    {"Other", "C"},
    {"Control", "Cc"},
    {"cntrl", "Cc"},
    {"Format", "Cf"},
    {"Surrogate", "Cs"},
    {"Private_Use", "Co"},
    {"Unassigned", "Cn"},
};

static struct pawl_str category(struct pawl_str name)
{
    for (size_t i = 0; i < sizeof categories / sizeof *categories; i++)
        if (pawl_str_is(name, categories[i][0])) return pawl_str_of(categories[i][1]);
    return name;
}

static struct pawl_str word(struct pawl_ecma *e)
{
    const char *from = e->p;
    while (e->p < e->end && (is_alnum((uint8_t)*e->p) || *e->p == '_')) e->p++;
    return (struct pawl_str){from, (uint32_t)(e->p - from)};
}

/* e->p is behind \p or \P. */
static int property(struct pawl_ecma *e, bool negated)
{
    struct pawl_str name, value = {NULL, 0};
    const char *prefix = "";
    char text[80];
    if (e->p == e->end || *e->p++ != '{') return pawl_ecma_fail(e, "\\p wants a name in braces");
    name = word(e);
    if (e->p < e->end && *e->p == '=') {
        e->p++;
        value = word(e);
        if (value.n == 0) return pawl_ecma_fail(e, "\\p{NAME=VALUE} wants a value");
    }
    if (e->p == e->end || *e->p++ != '}' || name.n == 0 || name.n > 40 || value.n > 40)
        return pawl_ecma_fail(e, "\\p wants a name in braces");
    if (!value.p && (pawl_str_is(name, "Assigned"))) {
        negated = !negated;
        name = PAWL_STR("Cn");
    } else if (!value.p || pawl_str_is(name, "General_Category") || pawl_str_is(name, "gc")) {
        name = category(value.p ? value : name);
    } else if (pawl_str_is(name, "Script") || pawl_str_is(name, "sc") || pawl_str_is(name, "Script_Extensions") ||
               pawl_str_is(name, "scx")) {
        prefix = name.n == 2 || name.n == 6 ? "sc:" : "scx:";
        name = value;
    } else {
        return pawl_ecma_fail(e, "\\p{NAME=VALUE} knows General_Category, Script and Script_Extensions");
    }
    snprintf(text, sizeof text, "\\%c{%s%.*s}", negated ? 'P' : 'p', prefix, (int)name.n, name.p);
    pawl_ecma_put(e, text);
    return PAWL_OK;
}

#define SPACES \
    "\\x{9}-\\x{d}\\x{20}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}"
#define NOT_SPACES                                                                                      \
    "\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}" \
    "\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{fefe}\\x{ff00}-\\x{10ffff}"

int pawl_ecma_set_escape(struct pawl_ecma *e, bool in_class, bool *found)
{
    const char c = e->p < e->end ? *e->p : 0;
    const char same[] = {'\\', c, 0};
    *found = c != 0 && strchr("dDwWsSpP", c) != NULL;
    if (!*found) return PAWL_OK;
    e->p++;
    if (c == 'p' || c == 'P') return property(e, c == 'P');
    if (c != 's' && c != 'S') return pawl_ecma_put(e, same), PAWL_OK;
    if (!in_class) pawl_ecma_put(e, "[");
    pawl_ecma_put(e, c == 's' ? SPACES : NOT_SPACES);
    if (!in_class) pawl_ecma_put(e, "]");
    return PAWL_OK;
}

/* One member of a class: a character into *code, or a set, written at once. */
static int member(struct pawl_ecma *e, uint32_t *code, bool *set)
{
    *set = false;
    if (*e->p != '\\') {
        *code = pawl_ecma_next(e);
        return PAWL_OK;
    }
    e->p++;
    if (pawl_ecma_set_escape(e, true, set)) return PAWL_EINVAL;
    if (*set) return PAWL_OK;
    if (e->p < e->end && *e->p == 'b') {
        e->p++;
        *code = '\b';
        return PAWL_OK;
    }
    return pawl_ecma_code_escape(e, code);
}

/* Halves of characters are no characters: they match nothing. */
static void put_range(struct pawl_ecma *e, uint32_t low, uint32_t high)
{
    if (is_surrogate(low)) low = 0xe000;
    if (is_surrogate(high)) high = 0xd7ff;
    if (low > high) return;
    pawl_ecma_char(e, low);
    if (low == high) return;
    pawl_ecma_put(e, "-");
    pawl_ecma_char(e, high);
}

static int members(struct pawl_ecma *e)
{
    uint32_t low, high;
    bool set, high_set;
    while (e->p < e->end && *e->p != ']') {
        if (member(e, &low, &set)) return PAWL_EINVAL;
        if (e->end - e->p < 2 || e->p[0] != '-' || e->p[1] == ']') {
            if (!set) put_range(e, low, low);
            continue;
        }
        e->p++;
        if (member(e, &high, &high_set)) return PAWL_EINVAL;
        if (!set && !high_set && low > high) return pawl_ecma_fail(e, "a range in [] ends before it begins");
        if (!set && !high_set) {
            put_range(e, low, high);
            continue;
        }
        /* A set has no ends: the hyphen beside it is a hyphen. */
        if (!set) put_range(e, low, low);
        put_range(e, '-', '-');
        if (!high_set) put_range(e, high, high);
    }
    if (e->p == e->end) return pawl_ecma_fail(e, "a [ is not closed");
    e->p++;
    return PAWL_OK;
}

int pawl_ecma_class(struct pawl_ecma *e)
{
    const size_t begin = e->out ? e->out->n : 0;
    const bool negated = e->p < e->end && *e->p == '^';
    if (negated) e->p++;
    pawl_ecma_put(e, negated ? "[^" : "[");
    const size_t before = e->out ? e->out->n : 0;
    if (members(e)) return PAWL_EINVAL;
    if (e->out && e->out->n == before && !e->out->failed) { /* [] is nothing, [^] anything */
        e->out->n = begin;
        pawl_ecma_put(e, negated ? "[\\x{0}-\\x{10ffff}]" : "(?!)");
        return PAWL_OK;
    }
    pawl_ecma_put(e, "]");
    return PAWL_OK;
}
