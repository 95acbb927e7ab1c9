/* src/contract/regex_ecma.c - an ECMA-262 pattern (21.2.1 with the u flag) read strictly and written in PCRE2's words:
 * so nothing of PCRE2's own language, (*VERB) or \Q or \C, is ever reached from a schema. */
#include "contract/regex_ecma.h"
#include <stdio.h>
#include <string.h>

enum { REPEATS_MAX = 65535, GROUPS_MAX = 500 };

int pawl_ecma_fail(struct pawl_ecma *e, const char *what)
{
    return pawl_fail(e->err, PAWL_EINVAL, "", "write the pattern as in JavaScript, with the u flag",
                     "not a pattern: %s, at its place %zu", what, (size_t)(e->p - e->start));
}

void pawl_ecma_put(struct pawl_ecma *e, const char *text)
{
    if (e->out) pawl_buf_text(e->out, text);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool at(const struct pawl_ecma *e, const char *text)
{
    const size_t n = strlen(text);
    return (size_t)(e->end - e->p) >= n && memcmp(e->p, text, n) == 0;
}

/* Is p at a group that captures? Its name, or {NULL,0}. */
static bool captures(const char *p, const char *end, struct pawl_str *name)
{
    *name = (struct pawl_str){NULL, 0};
    if (p[0] != '(') return false;
    if (end - p < 2 || p[1] != '?') return true;
    if (end - p < 4 || p[2] != '<' || p[3] == '=' || p[3] == '!') return false;
    const char *close = memchr(p, '>', (size_t)(end - p));
    if (close) *name = (struct pawl_str){p + 3, (uint32_t)(close - p - 3)};
    return true;
}

/* The number of the group of that name, 0: none; `name` absent: how many groups there are. */
static uint32_t find_group(const struct pawl_ecma *e, struct pawl_str name)
{
    struct pawl_str found;
    uint32_t count = 0;
    bool in_class = false;
    for (const char *p = e->start; p < e->end; p++) {
        if (*p == '\\') p++;
        else if (*p == '[') in_class = true;
        else if (*p == ']') in_class = false;
        else if (!in_class && captures(p, e->end, &found)) {
            count++;
            if (name.p && found.p && pawl_str_eq(found, name)) return count;
        }
    }
    return name.p ? 0 : count;
}

/* e->p is behind the <. */
static int group_name(struct pawl_ecma *e, struct pawl_str *name)
{
    const char *from = e->p;
    for (; e->p < e->end && *e->p != '>'; e->p++) {
        const char c = *e->p;
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || (c & 0x80);
        if (!letter && (e->p == from || !is_digit(c)))
            return pawl_ecma_fail(e, "a group's name is letters, digits, _ and $");
    }
    *name = (struct pawl_str){from, (uint32_t)(e->p - from)};
    if (e->p == e->end || name->n == 0) return pawl_ecma_fail(e, "a group's name wants letters and a >");
    e->p++;
    return PAWL_OK;
}

/* e->p is behind the (. */
static int open_group(struct pawl_ecma *e)
{
    static const char *const looks[] = {"?=", "?!", "?<=", "?<!"};
    struct pawl_str name;
    bool look = false;
    if (e->depth == PAWL_ECMA_NEST) return pawl_ecma_fail(e, "too many groups within groups");
    pawl_ecma_put(e, "(");
    if (at(e, "?:")) {
        pawl_ecma_put(e, "?:");
        e->p += 2;
    } else if (e->p < e->end && *e->p == '?') {
        for (size_t i = 0; i < 4 && !look; i++) {
            if (!at(e, looks[i])) continue;
            look = true;
            pawl_ecma_put(e, looks[i]);
            e->p += strlen(looks[i]);
        }
        if (!look && !at(e, "?<")) return pawl_ecma_fail(e, "(? begins no group that ECMA-262 has");
        if (!look) {
            const char *open = e->p - 1;
            e->p += 2;
            if (group_name(e, &name)) return PAWL_EINVAL;
            struct pawl_ecma before = *e;
            before.end = open;
            if (find_group(&before, name)) return pawl_ecma_fail(e, "two groups have one name");
        }
    }
    e->look[e->depth++] = look;
    e->can_repeat = false;
    return PAWL_OK;
}

static int back_reference(struct pawl_ecma *e)
{
    struct pawl_str name;
    char text[24];
    uint32_t number = 0;
    if (*e->p == 'k') {
        e->p++;
        if (e->p == e->end || *e->p++ != '<') return pawl_ecma_fail(e, "\\k wants <NAME>");
        if (group_name(e, &name)) return PAWL_EINVAL;
        number = find_group(e, name);
    } else {
        for (; e->p < e->end && is_digit(*e->p) && number <= GROUPS_MAX; e->p++)
            number = number * 10 + (uint32_t)(*e->p - '0');
    }
    if (number == 0 || number > e->groups) return pawl_ecma_fail(e, "a reference to a group that is not there");
    snprintf(text, sizeof text, "\\g{%u}", number);
    pawl_ecma_put(e, text);
    return PAWL_OK;
}

/* e->p is behind the backslash, outside of a class. */
static int escape(struct pawl_ecma *e)
{
    bool set;
    uint32_t code;
    e->can_repeat = true;
    if (pawl_ecma_set_escape(e, false, &set)) return PAWL_EINVAL;
    if (set) return PAWL_OK;
    if (e->p < e->end && (*e->p == 'b' || *e->p == 'B')) {
        pawl_ecma_put(e, *e->p++ == 'b' ? "\\b" : "\\B");
        e->can_repeat = false;
        return PAWL_OK;
    }
    if (e->p < e->end && (*e->p == 'k' || (*e->p >= '1' && *e->p <= '9'))) return back_reference(e);
    if (pawl_ecma_code_escape(e, &code)) return PAWL_EINVAL;
    if (code >= 0xd800 && code <= 0xdfff) pawl_ecma_put(e, "(?!)"); /* half a character is in no text */
    else pawl_ecma_char(e, code);
    return PAWL_OK;
}

static bool number(const char **p, const char *end, uint32_t *value)
{
    const char *from = *p;
    for (*value = 0; *p < end && is_digit(**p); ++*p)
        if (*value <= REPEATS_MAX) *value = *value * 10 + (uint32_t)(**p - '0');
    return *p > from;
}

/* e->p is at {. *is: it is {n}, {n,} or {n,m}, and written. */
static int braces(struct pawl_ecma *e, bool *is)
{
    const char *p = e->p + 1;
    uint32_t low, high;
    char text[32];
    *is = number(&p, e->end, &low);
    const bool comma = *is && p < e->end && *p == ',';
    p += comma;
    const bool bounded = comma && number(&p, e->end, &high);
    if (!comma) high = low;
    *is = *is && p < e->end && *p == '}';
    if (!*is) return PAWL_OK;
    if (!e->can_repeat) return pawl_ecma_fail(e, "{} has nothing before it to repeat");
    if (low > REPEATS_MAX || (bounded && high > REPEATS_MAX)) return pawl_ecma_fail(e, "more than 65535 repetitions");
    if (bounded && low > high) return pawl_ecma_fail(e, "{} has its numbers the wrong way round");
    if (bounded || !comma) snprintf(text, sizeof text, "{%u,%u}", low, high);
    else snprintf(text, sizeof text, "{%u,}", low);
    pawl_ecma_put(e, text);
    e->p = p + 1;
    return PAWL_OK;
}

static int quantifier(struct pawl_ecma *e)
{
    const char text[] = {*e->p, 0};
    if (!e->can_repeat) return pawl_ecma_fail(e, "a quantifier has nothing before it to repeat");
    pawl_ecma_put(e, text);
    e->p++;
    return PAWL_OK;
}

/* What may stand behind a quantifier, once it is written. */
static int repeated(struct pawl_ecma *e)
{
    e->can_repeat = false;
    if (e->p == e->end || *e->p != '?') return PAWL_OK;
    e->p++;
    pawl_ecma_put(e, "?");
    return PAWL_OK;
}

static int close_group(struct pawl_ecma *e)
{
    if (e->depth == 0) return pawl_ecma_fail(e, "a ) closes nothing");
    e->p++;
    e->can_repeat = !e->look[--e->depth];
    pawl_ecma_put(e, ")");
    return PAWL_OK;
}

static int term(struct pawl_ecma *e)
{
    bool is;
    int rc;
    switch (*e->p) {
    case '^':
    case '$':
    case '|':
        pawl_ecma_put(e, *e->p == '^' ? "^" : *e->p == '$' ? "$" : "|");
        e->p++;
        e->can_repeat = false;
        return PAWL_OK;
    case '(': return e->p++, open_group(e);
    case ')': return close_group(e);
    case '*':
    case '+':
    case '?': return (rc = quantifier(e)) != PAWL_OK ? rc : repeated(e);
    case '{':
        if ((rc = braces(e, &is)) != PAWL_OK) return rc;
        if (is) return repeated(e);
        break;
    case '\\': return e->p++, escape(e);
    case '[': return e->p++, e->can_repeat = true, pawl_ecma_class(e);
    case '.':
        e->p++;
        e->can_repeat = true;
        pawl_ecma_put(e, "[^\\n\\r\\x{2028}\\x{2029}]");
        return PAWL_OK;
    default: break;
    }
    pawl_ecma_char(e, pawl_ecma_next(e));
    e->can_repeat = true;
    return PAWL_OK;
}

int pawl_regex_translate(struct pawl_str pattern, struct pawl_buf *out, struct pawl_error *err)
{
    struct pawl_ecma e = {.p = pattern.p ? pattern.p : "", .out = out, .err = err};
    e.start = e.p;
    e.end = e.p + pattern.n;
    if (pattern.n > PAWL_REGEX_BYTES)
        return pawl_fail(err, PAWL_EINVAL, "", "write a shorter pattern", "a pattern of more than %d bytes",
                         PAWL_REGEX_BYTES);
    e.groups = find_group(&e, (struct pawl_str){NULL, 0});
    if (e.groups > GROUPS_MAX) return pawl_ecma_fail(&e, "more than 500 groups");
    while (e.p < e.end)
        if (term(&e)) return PAWL_EINVAL;
    return e.depth > 0 ? pawl_ecma_fail(&e, "a ( is not closed") : PAWL_OK;
}
