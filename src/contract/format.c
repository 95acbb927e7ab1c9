/* src/contract/format.c - the formats by name, and those that are a line or two. */
#include "contract/format_parts.h"
#include <assert.h>

static const char *const names[] = {
    [PAWL_FORMAT_UNKNOWN] = "unknown",
    [PAWL_FORMAT_DATE] = "date",
    [PAWL_FORMAT_DATE_TIME] = "date-time",
    [PAWL_FORMAT_DURATION] = "duration",
    [PAWL_FORMAT_EMAIL] = "email",
    [PAWL_FORMAT_HOSTNAME] = "hostname",
    [PAWL_FORMAT_IDN_EMAIL] = "idn-email",
    [PAWL_FORMAT_IDN_HOSTNAME] = "idn-hostname",
    [PAWL_FORMAT_IPV4] = "ipv4",
    [PAWL_FORMAT_IPV6] = "ipv6",
    [PAWL_FORMAT_IRI] = "iri",
    [PAWL_FORMAT_IRI_REFERENCE] = "iri-reference",
    [PAWL_FORMAT_JSON_POINTER] = "json-pointer",
    [PAWL_FORMAT_REGEX] = "regex",
    [PAWL_FORMAT_RELATIVE_JSON_POINTER] = "relative-json-pointer",
    [PAWL_FORMAT_TIME] = "time",
    [PAWL_FORMAT_URI] = "uri",
    [PAWL_FORMAT_URI_REFERENCE] = "uri-reference",
    [PAWL_FORMAT_URI_TEMPLATE] = "uri-template",
    [PAWL_FORMAT_UUID] = "uuid",
};

enum pawl_format pawl_format_of(struct pawl_str name)
{
    for (int f = PAWL_FORMAT_DATE; f <= PAWL_FORMAT_UUID; f++)
        if (pawl_str_is(name, names[f])) return (enum pawl_format)f;
    return PAWL_FORMAT_UNKNOWN;
}

const char *pawl_format_name(enum pawl_format f)
{
    assert(f <= PAWL_FORMAT_UUID);
    return names[f];
}

bool pawl_format_wants_label(enum pawl_format f)
{
    return f == PAWL_FORMAT_IDN_EMAIL || f == PAWL_FORMAT_IDN_HOSTNAME;
}

static bool is_uuid(struct pawl_str t)
{
    if (t.n != 36) return false;
    for (uint32_t i = 0; i < t.n; i++) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? t.p[i] != '-' : !pawl_is_hex(t.p[i])) return false;
    }
    return true;
}

static bool is_pointer(struct pawl_str t)
{
    if (t.n > 0 && t.p[0] != '/') return false;
    for (uint32_t i = 0; i < t.n; i++)
        if (t.p[i] == '~' && (i + 1 == t.n || (t.p[i + 1] != '0' && t.p[i + 1] != '1'))) return false;
    return true;
}

static bool is_relative_pointer(struct pawl_str t)
{
    uint32_t i = 0;
    while (i < t.n && pawl_is_digit(t.p[i])) i++;
    if (i == 0 || (i > 1 && t.p[0] == '0')) return false;
    if (i + 1 == t.n && t.p[i] == '#') return true;
    return is_pointer((struct pawl_str){t.p + i, t.n - i});
}

static bool fits(enum pawl_format f, struct pawl_str t)
{
    switch (f) {
    case PAWL_FORMAT_DATE: return pawl_format_date(t);
    case PAWL_FORMAT_DATE_TIME: return pawl_format_date_time(t);
    case PAWL_FORMAT_DURATION: return pawl_format_duration(t);
    case PAWL_FORMAT_EMAIL: return pawl_format_email(t);
    case PAWL_FORMAT_HOSTNAME: return pawl_format_hostname(t);
    case PAWL_FORMAT_IPV4: return pawl_format_ipv4(t);
    case PAWL_FORMAT_IPV6: return pawl_format_ipv6(t);
    case PAWL_FORMAT_IRI: return pawl_format_uri(t, false, true);
    case PAWL_FORMAT_IRI_REFERENCE: return pawl_format_uri(t, true, true);
    case PAWL_FORMAT_JSON_POINTER: return is_pointer(t);
    case PAWL_FORMAT_REGEX: return pawl_regex_translate(t, NULL, NULL) == PAWL_OK;
    case PAWL_FORMAT_RELATIVE_JSON_POINTER: return is_relative_pointer(t);
    case PAWL_FORMAT_TIME: return pawl_format_time(t);
    case PAWL_FORMAT_URI: return pawl_format_uri(t, false, false);
    case PAWL_FORMAT_URI_REFERENCE: return pawl_format_uri(t, true, false);
    case PAWL_FORMAT_URI_TEMPLATE: return pawl_format_uri_template(t);
    case PAWL_FORMAT_UUID: return is_uuid(t);
    case PAWL_FORMAT_IDN_EMAIL:
    case PAWL_FORMAT_IDN_HOSTNAME:
    case PAWL_FORMAT_UNKNOWN: break;
    }
    return true;
}

int pawl_format_fits(enum pawl_format f, struct pawl_str text, const struct pawl_regex *label,
                     struct pawl_regex_run *run)
{
    if (!text.p) text = PAWL_STR("");
    assert(!pawl_format_wants_label(f) || (label && run));
    if (f == PAWL_FORMAT_IDN_HOSTNAME) return pawl_format_idn_hostname(text, label, run);
    if (f == PAWL_FORMAT_IDN_EMAIL) return pawl_format_idn_email(text, label, run);
    return fits(f, text) ? PAWL_OK : PAWL_EINVAL;
}
