/* src/contract/format_uri.c - URIs (RFC 3986), IRIs (RFC 3987), URI templates (RFC 6570). */
#include "contract/format_parts.h"
#include <string.h>

struct uri {
    const char *p, *end;
    bool iri;
};

/* ucschar of RFC 3987; iprivate too where `private`. */
static bool is_ucs(uint32_t c, bool private)
{
    if (c >= 0xe000 && c <= 0xf8ff) return private;
    if (c >= 0xf0000) return private && (c & 0xffff) <= 0xfffd;
    if (c < 0x10000) return c >= 0xa0 && c <= 0xffef && !(c >= 0xd800 && c <= 0xdfff) && !(c >= 0xfdd0 && c <= 0xfdef);
    return (c & 0xffff) <= 0xfffd && !(c >= 0xe0000 && c < 0xe1000);
}

/* The bytes of one character beyond ASCII at p; 0: not one. */
static int ucs(const char *p, const char *end, bool private)
{
    const uint8_t c = (uint8_t)*p;
    const int bytes = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    uint32_t code = bytes == 4 ? c & 7u : bytes == 3 ? c & 15u : c & 31u;
    if (c < 0xc0 || end - p < bytes) return 0;
    for (int i = 1; i < bytes; i++) code = code << 6 | ((uint8_t)p[i] & 0x3fu);
    return is_ucs(code, private) ? bytes : 0;
}

/* Takes unreserved characters, %XX, and those of `more`, as many as there are. */
static void take(struct uri *u, const char *more, bool private)
{
    while (u->p < u->end) {
        const char c = *u->p;
        int n = 0;
        if (c & 0x80) n = u->iri ? ucs(u->p, u->end, private) : 0;
        else if (c == '%') n = u->end - u->p >= 3 && pawl_is_hex(u->p[1]) && pawl_is_hex(u->p[2]) ? 3 : 0;
        else n = c && (pawl_is_letter(c) || pawl_is_digit(c) || strchr("-._~", c) || strchr(more, c));
        if (n == 0) return;
        u->p += n;
    }
}

#define SUB "!$&'()*+,;="

static bool ip_literal(struct uri *u)
{
    const char *close = memchr(u->p, ']', (size_t)(u->end - u->p));
    if (!close) return false;
    const struct pawl_str inside = {u->p + 1, (uint32_t)(close - u->p - 1)};
    u->p = close + 1;
    if (inside.n < 4 || (inside.p[0] | 32) != 'v') return pawl_format_ipv6(inside);
    struct uri rest = {inside.p + 1, close, false}; /* v 1*HEX . 1*(unreserved / sub-delims / :) */
    while (rest.p < close && pawl_is_hex(*rest.p)) rest.p++;
    if (rest.p == inside.p + 1 || rest.p == close || *rest.p++ != '.' || rest.p == close) return false;
    take(&rest, SUB ":", false);
    return rest.p == close && !memchr(inside.p, '%', inside.n);
}

static bool authority(struct uri *u)
{
    const char *from = u->p;
    take(u, SUB ":", false);
    if (u->p < u->end && *u->p == '@') u->p++;
    else u->p = from;
    if (u->p < u->end && *u->p == '[') {
        if (!ip_literal(u)) return false;
    } else {
        take(u, SUB, false);
    }
    if (u->p < u->end && *u->p == ':')
        for (u->p++; u->p < u->end && pawl_is_digit(*u->p);) u->p++;
    return u->p == u->end || *u->p == '/' || *u->p == '?' || *u->p == '#';
}

static const char *scheme_end(struct uri u)
{
    if (u.p == u.end || !pawl_is_letter(*u.p)) return NULL;
    while (u.p < u.end && (pawl_is_letter(*u.p) || pawl_is_digit(*u.p) || *u.p == '+' || *u.p == '-' || *u.p == '.'))
        u.p++;
    return u.p < u.end && *u.p == ':' ? u.p : NULL;
}

bool pawl_format_uri(struct pawl_str t, bool reference, bool iri)
{
    struct uri u = {t.p, t.p + t.n, iri};
    const char *colon = scheme_end(u);
    if (!colon && !reference) return false;
    if (colon) u.p = colon + 1;
    if (u.end - u.p >= 2 && u.p[0] == '/' && u.p[1] == '/') {
        u.p += 2;
        if (!authority(&u)) return false;
    } else if (!colon) { /* no : in the first segment, or it would be a scheme */
        take(&u, SUB "@", false);
        if (u.p < u.end && *u.p == ':') return false;
    }
    take(&u, SUB ":@/", false);
    if (u.p < u.end && *u.p == '?') {
        u.p++;
        take(&u, SUB ":@/?", true);
    }
    if (u.p < u.end && *u.p == '#') {
        u.p++;
        take(&u, SUB ":@/?", false);
    }
    return u.p == u.end;
}

/* A variable's name, and how much of it: name, name*, name:30. */
static bool variable(const char **p, const char *end)
{
    bool dot = true; /* one is not allowed here */
    for (; *p < end; ++*p) {
        if (**p == '.' && !dot) {
            dot = true;
            continue;
        }
        if (**p == '%' && end - *p >= 3 && pawl_is_hex((*p)[1]) && pawl_is_hex((*p)[2])) *p += 2;
        else if (!pawl_is_letter(**p) && !pawl_is_digit(**p) && **p != '_') break;
        dot = false;
    }
    if (dot) return false;
    if (*p < end && **p == '*') ++*p;
    else if (*p < end && **p == ':') {
        const char *from = ++*p;
        while (*p < end && pawl_is_digit(**p)) ++*p;
        if (*p == from || *p - from > 4 || *from == '0') return false;
    }
    return true;
}

static bool expression(const char **p, const char *end)
{
    if (*p < end && **p && strchr("+#./;?&=,!@|", **p)) ++*p;
    for (;;) {
        if (!variable(p, end) || *p == end) return false;
        if (**p == '}') return ++*p, true;
        if (*(*p)++ != ',') return false;
    }
}

bool pawl_format_uri_template(struct pawl_str t)
{
    const char *p = t.p, *end = t.p + t.n;
    while (p < end) {
        const char c = *p++;
        if (c & 0x80) {
            const int bytes = ucs(p - 1, end, true);
            if (bytes == 0) return false;
            p += bytes - 1;
        } else if (c == '{') {
            if (!expression(&p, end)) return false;
        } else if (c == '%') {
            if (end - p < 2 || !pawl_is_hex(p[0]) || !pawl_is_hex(p[1])) return false;
            p += 2;
        } else if (c <= 0x20 || c == 0x7f || strchr("\"<>\\^`|}", c)) {
            return false;
        }
    }
    return true;
}
