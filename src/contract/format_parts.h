/* src/contract/format_parts.h - what the files of format.h share. */
#pragma once
#include "contract/format.h"

bool pawl_format_date(struct pawl_str t);
bool pawl_format_time(struct pawl_str t);
bool pawl_format_date_time(struct pawl_str t);
bool pawl_format_duration(struct pawl_str t);

bool pawl_format_ipv4(struct pawl_str t);
bool pawl_format_ipv6(struct pawl_str t);
bool pawl_format_hostname(struct pawl_str t);
bool pawl_format_email(struct pawl_str t);
/* Where the @ behind the local part is; `utf8`: characters beyond ASCII are letters. NULL: no mailbox begins here. */
const char *pawl_format_local_part(struct pawl_str t, bool utf8);
bool pawl_format_address_literal(struct pawl_str t); /* [1.2.3.4], [IPv6:...] */

enum { PAWL_LABEL_MAX = 63, PAWL_HOSTNAME_MAX = 253 };
/* RFC 3492. How many characters: the label behind xn-- decoded into code; 0: it is none. */
uint32_t pawl_punycode_decode(struct pawl_str label, uint32_t code[PAWL_LABEL_MAX]);
/* How long the label would be behind xn--; UINT32_MAX: longer than any. */
uint32_t pawl_punycode_length(const uint32_t *code, uint32_t n);
int pawl_format_idn_hostname(struct pawl_str t, const struct pawl_regex *label, struct pawl_regex_run *run);
int pawl_format_idn_email(struct pawl_str t, const struct pawl_regex *label, struct pawl_regex_run *run);

bool pawl_format_uri(struct pawl_str t, bool reference, bool iri);
bool pawl_format_uri_template(struct pawl_str t);

static inline bool pawl_is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline bool pawl_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static inline bool pawl_is_hex(char c)
{
    return pawl_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
