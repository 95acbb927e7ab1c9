/* src/contract/format_net.c - addresses and host names (RFC 2673, 4291, 1123), mailboxes (RFC 5321, 6531). */
#include "contract/format_parts.h"
#include <string.h>

bool pawl_format_ipv4(struct pawl_str t)
{
    const char *p = t.p, *end = t.p + t.n;
    for (int part = 0; part < 4; part++) {
        int value = 0, count = 0;
        if (part > 0 && (p == end || *p++ != '.')) return false;
        for (; p < end && pawl_is_digit(*p) && count < 4; count++) value = value * 10 + (*p++ - '0');
        if (count == 0 || count > 3 || value > 255 || (count > 1 && p[-count] == '0')) return false;
    }
    return p == end;
}

bool pawl_format_ipv6(struct pawl_str t)
{
    const char *p = t.p, *end = t.p + t.n;
    int groups = 0;
    bool gap = false;
    if (t.n >= 2 && p[0] == ':' && p[1] == ':') {
        gap = true;
        p += 2;
    }
    while (p < end) {
        const char *from = p;
        while (p < end && pawl_is_hex(*p)) p++;
        if (p < end && *p == '.') { /* the last two groups as an IPv4 address */
            return pawl_format_ipv4((struct pawl_str){from, (uint32_t)(end - from)}) &&
                   (gap ? groups <= 5 : groups == 6);
        }
        if (p == from || p - from > 4 || ++groups > 8) return false;
        if (p == end) break;
        if (*p++ != ':' || p == end) return false;
        if (*p != ':') continue;
        if (gap) return false;
        gap = true;
        p++;
    }
    return gap ? groups <= 7 : groups == 8;
}

static bool is_label(struct pawl_str t)
{
    uint32_t code[PAWL_LABEL_MAX];
    if (t.n == 0 || t.n > PAWL_LABEL_MAX || t.p[0] == '-' || t.p[t.n - 1] == '-') return false;
    for (uint32_t i = 0; i < t.n; i++)
        if (!pawl_is_letter(t.p[i]) && !pawl_is_digit(t.p[i]) && t.p[i] != '-') return false;
    if (t.n < 4 || (t.p[0] | 32) != 'x' || (t.p[1] | 32) != 'n' || t.p[2] != '-' || t.p[3] != '-') return true;
    return pawl_punycode_decode((struct pawl_str){t.p + 4, t.n - 4}, code) > 0;
}

bool pawl_format_hostname(struct pawl_str t)
{
    const char *from = t.p, *end = t.p + t.n;
    if (t.n == 0 || t.n > PAWL_HOSTNAME_MAX) return false;
    for (;;) {
        const char *dot = memchr(from, '.', (size_t)(end - from));
        const char *stop = dot ? dot : end;
        if (!is_label((struct pawl_str){from, (uint32_t)(stop - from)})) return false;
        if (!dot) return true;
        from = dot + 1;
    }
}

static bool is_atom(char c, bool utf8)
{
    if (c & 0x80) return utf8;
    return pawl_is_letter(c) || pawl_is_digit(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static const char *quoted(const char *p, const char *end, bool utf8)
{
    for (p++; p < end && *p != '"'; p++) {
        if (*p == '\\' && ++p == end) return NULL;
        if ((*p & 0x80) ? !utf8 : *p < 0x20 || *p == 0x7f) return NULL;
    }
    return p < end ? p + 1 : NULL;
}

const char *pawl_format_local_part(struct pawl_str t, bool utf8)
{
    const char *p = t.p, *end = t.p + t.n;
    if (p < end && *p == '"') {
        p = quoted(p, end, utf8);
    } else {
        for (;;) {
            const char *from = p;
            while (p < end && is_atom(*p, utf8)) p++;
            if (p == from) return NULL;
            if (p == end || *p != '.') break;
            p++;
        }
    }
    if (!p || p == end || *p != '@' || p - t.p > 64) return NULL;
    return p;
}

bool pawl_format_address_literal(struct pawl_str t)
{
    static const char tag[] = "[IPv6:";
    if (t.n < 3 || t.p[0] != '[' || t.p[t.n - 1] != ']') return false;
    if (t.n > sizeof tag && memcmp(t.p, tag, sizeof tag - 1) == 0)
        return pawl_format_ipv6((struct pawl_str){t.p + sizeof tag - 1, t.n - (uint32_t)sizeof tag});
    return pawl_format_ipv4((struct pawl_str){t.p + 1, t.n - 2});
}

bool pawl_format_email(struct pawl_str t)
{
    const char *at = pawl_format_local_part(t, false);
    if (!at) return false;
    const struct pawl_str domain = {at + 1, t.n - (uint32_t)(at + 1 - t.p)};
    if (domain.n > 0 && domain.p[0] == '[') return pawl_format_address_literal(domain);
    return pawl_format_hostname(domain);
}
