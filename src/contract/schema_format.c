/* src/contract/schema_format.c - formats, asserted on request only: RFC 3339 times, addresses, identifiers. By hand, in ASCII. */
#include "contract/schema_node.h"
#include <string.h>

static bool digits(struct pawl_str s, uint32_t at, uint32_t n)
{
    for (uint32_t i = at; i < at + n; i++)
        if (i >= s.n || s.p[i] < '0' || s.p[i] > '9') return false;
    return true;
}

static int two(struct pawl_str s, uint32_t at)
{
    return (s.p[at] - '0') * 10 + (s.p[at + 1] - '0');
}

static bool is_date(struct pawl_str s)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (s.n != 10 || !digits(s, 0, 4) || s.p[4] != '-' || !digits(s, 5, 2) || s.p[7] != '-' || !digits(s, 8, 2))
        return false;
    const int year = two(s, 0) * 100 + two(s, 2), month = two(s, 5), day = two(s, 8);
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (month < 1 || month > 12 || day < 1) return false;
    return day <= days[month - 1] + (month == 2 && leap);
}

static bool is_time(struct pawl_str s)
{
    uint32_t i = 8;
    int offset = 0;
    if (s.n < 9 || !digits(s, 0, 2) || s.p[2] != ':' || !digits(s, 3, 2) || s.p[5] != ':' || !digits(s, 6, 2))
        return false;
    if (s.p[i] == '.') {
        uint32_t from = ++i;
        while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9') i++;
        if (i == from) return false;
    }
    if (i >= s.n) return false;
    if (s.p[i] == 'Z' || s.p[i] == 'z') {
        if (++i != s.n) return false;
    } else {
        if ((s.p[i] != '+' && s.p[i] != '-') || s.n != i + 6 || !digits(s, i + 1, 2) || s.p[i + 3] != ':' ||
            !digits(s, i + 4, 2))
            return false;
        if (two(s, i + 1) > 23 || two(s, i + 4) > 59) return false;
        offset = (two(s, i + 1) * 60 + two(s, i + 4)) * (s.p[i] == '-' ? -1 : 1);
    }
    const int hour = two(s, 0), minute = two(s, 3), second = two(s, 6);
    if (hour > 23 || minute > 59 || second > 60) return false;
    return second < 60 ||
           ((hour * 60 + minute - offset) % 1440 + 1440) % 1440 == 1439; /* a leap second is at the UTC day's end */
}

static bool is_date_time(struct pawl_str s)
{
    if (s.n < 11 || (s.p[10] != 'T' && s.p[10] != 't')) return false;
    return is_date((struct pawl_str){s.p, 10}) && is_time((struct pawl_str){s.p + 11, s.n - 11});
}

static bool is_duration(struct pawl_str s)
{
    const char *order = "YMD";
    bool time = false, any = false, week = false;
    uint32_t i = 1;
    if (s.n < 3 || s.p[0] != 'P') return false;
    while (i < s.n) {
        uint32_t from = i;
        const char *at;
        if (s.p[i] == 'T') {
            if (time || week) return false;
            time = true;
            order = "HMS";
            any = false;
            i++;
            continue;
        }
        while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9') i++;
        if (i == from || i == s.n) return false;
        if (s.p[i] == 'W') return !time && !any && i + 1 == s.n;
        at = strchr(order, s.p[i]);
        if (!at || !s.p[i]) return false;
        if (any && at != order) return false; /* P1Y2D: months may not be left out between */
        order = at + 1;
        any = true;
        i++;
    }
    return any;
}

static bool is_ipv4(struct pawl_str s)
{
    uint32_t i = 0;
    for (int part = 0; part < 4; part++) {
        const uint32_t from = i;
        int v = 0;
        while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9' && i - from < 3) v = v * 10 + (s.p[i++] - '0');
        if (i == from || v > 255 || (i - from > 1 && s.p[from] == '0')) return false;
        if (part < 3 && (i >= s.n || s.p[i++] != '.')) return false;
    }
    return i == s.n;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

static bool is_ipv6(struct pawl_str s)
{
    int groups = 0;
    bool gap = false;
    uint32_t i = 0;
    if (s.n >= 2 && s.p[0] == ':' && s.p[1] == ':') gap = true, i = 2;
    while (i < s.n) {
        const uint32_t from = i;
        while (i < s.n && is_hex(s.p[i]) && i - from < 4) i++;
        if (i < s.n && s.p[i] == '.') {
            groups += 2;
            return is_ipv4((struct pawl_str){s.p + from, s.n - from}) && (gap ? groups < 8 : groups == 8);
        }
        if (i == from) return false;
        groups++;
        if (i == s.n) break;
        if (s.p[i++] != ':' || i == s.n) return false;
        if (s.p[i] == ':') {
            if (gap) return false;
            gap = true;
            i++;
        }
    }
    return gap ? groups < 8 : groups == 8;
}

static bool is_uuid(struct pawl_str s)
{
    if (s.n != 36) return false;
    for (uint32_t i = 0; i < s.n; i++) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s.p[i] != '-' : !is_hex(s.p[i])) return false;
    }
    return true;
}

static bool is_hostname(struct pawl_str s)
{
    uint32_t label = 0;
    if (!s.n || s.n > 253) return false;
    for (uint32_t i = 0; i < s.n; i++) {
        const char c = s.p[i];
        if (c == '.') {
            if (!label || s.p[i - 1] == '-' || i + 1 == s.n) return false;
            label = 0;
            continue;
        }
        if (!((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || (c == '-' && label))) return false;
        if (++label > 63) return false;
    }
    return s.p[s.n - 1] != '-';
}

static bool is_email(struct pawl_str s)
{
    uint32_t at = s.n;
    while (at > 0 && s.p[at - 1] != '@') at--;
    if (at < 2 || at == s.n) return false;
    const struct pawl_str local = {s.p, at - 1}, domain = {s.p + at, s.n - at};
    if (local.p[0] != '"')
        for (uint32_t i = 0; i < local.n; i++) {
            const char c = local.p[i];
            if (c == '.' && (i == 0 || i + 1 == local.n || local.p[i - 1] == '.')) return false;
            if ((uint8_t)c <= 0x20 || strchr("()<>[]:;@\\,\"", c)) return false;
        }
    else if (local.n < 2 || local.p[local.n - 1] != '"') return false;
    if (domain.p[0] != '[') return is_hostname(domain);
    if (domain.n > 7 && memcmp(domain.p, "[IPv6:", 6) == 0)
        return is_ipv6((struct pawl_str){domain.p + 6, domain.n - 7});
    return domain.n > 2 && is_ipv4((struct pawl_str){domain.p + 1, domain.n - 2});
}

static bool is_uri(struct pawl_str s, bool reference, bool iri)
{
    uint32_t i = 0;
    bool scheme = false, fragment = false;
    while (i < s.n && (((s.p[i] | 32) >= 'a' && (s.p[i] | 32) <= 'z') || (i && strchr("0123456789+-.", s.p[i])))) i++;
    scheme = i > 0 && i < s.n && s.p[i] == ':';
    if (!scheme && !reference) return false;
    for (i = scheme ? i + 1 : 0; i < s.n; i++) {
        const uint8_t c = (uint8_t)s.p[i];
        if (c == '#' && fragment) return false;
        if (c == '#') fragment = true;
        if (c == '%' && (i + 2 >= s.n || !is_hex(s.p[i + 1]) || !is_hex(s.p[i + 2]))) return false;
        if (c <= 0x20 || c == 0x7f || strchr("<>\"{}|\\^`", (char)c) || (c >= 0x80 && !iri)) return false;
        if (c == '[' || c == ']') {
            const char *open = memchr(s.p, '[', s.n);
            if (!open || open < s.p + 3 || open[-1] != '/' ? !(open && open > s.p && open[-1] == '@') : false)
                return false;
        }
    }
    if (!scheme && s.n) { /* a first segment with a colon would be a scheme */
        for (i = 0; i < s.n && s.p[i] != '/' && s.p[i] != '?' && s.p[i] != '#'; i++)
            if (s.p[i] == ':') return false;
    }
    return true;
}

static bool is_pointer(struct pawl_str s)
{
    if (s.n && s.p[0] != '/') return false;
    for (uint32_t i = 0; i < s.n; i++)
        if (s.p[i] == '~' && (i + 1 >= s.n || (s.p[i + 1] != '0' && s.p[i + 1] != '1'))) return false;
    return true;
}

static bool is_relative_pointer(struct pawl_str s)
{
    uint32_t i = 0;
    while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9') i++;
    if (!i || (i > 1 && s.p[0] == '0')) return false;
    if (i < s.n && s.p[i] == '#') return i + 1 == s.n;
    return is_pointer((struct pawl_str){s.p + i, s.n - i});
}

static bool is_uri_template(struct pawl_str s)
{
    bool open = false;
    for (uint32_t i = 0; i < s.n; i++) {
        const uint8_t c = (uint8_t)s.p[i];
        if (c == '{' ? open : c == '}' ? !open : false) return false;
        if (c == '{') open = true;
        else if (c == '}') open = false;
        else if (c <= 0x20 || c == 0x7f || strchr("<>\"\\^`'", (char)c)) return false;
    }
    return !open;
}

bool pawl_schema_format_fits(struct pawl_str format, struct pawl_str text)
{
    static const struct {
        const char *name;
        bool (*fits)(struct pawl_str);
    } formats[] = {{"date", is_date},
                   {"time", is_time},
                   {"date-time", is_date_time},
                   {"duration", is_duration},
                   {"ipv4", is_ipv4},
                   {"ipv6", is_ipv6},
                   {"uuid", is_uuid},
                   {"hostname", is_hostname},
                   {"email", is_email},
                   {"json-pointer", is_pointer},
                   {"relative-json-pointer", is_relative_pointer},
                   {"uri-template", is_uri_template}};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (pawl_str_is(format, formats[i].name)) return formats[i].fits(text);
    if (pawl_str_is(format, "uri")) return is_uri(text, false, false);
    if (pawl_str_is(format, "uri-reference")) return is_uri(text, true, false);
    if (pawl_str_is(format, "iri")) return is_uri(text, false, true);
    if (pawl_str_is(format, "iri-reference")) return is_uri(text, true, true);
    return true;
}
