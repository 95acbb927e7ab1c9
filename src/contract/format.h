/* src/contract/format.h - the formats of JSON Schema 2020-12 (validation, section 7.3), each by the RFC it names.
 *
 * Decisions where the RFCs leave room: a leap second only at 23:59:60 UTC; no final dot in a host name; an A-label
 * (xn--) must decode; U-labels by IDNA 2008 without the check for normalisation form C; no obsolete forms of e-mail. */
#pragma once
#include "contract/regex.h"

enum pawl_format {
    PAWL_FORMAT_UNKNOWN,
    PAWL_FORMAT_DATE,
    PAWL_FORMAT_DATE_TIME,
    PAWL_FORMAT_DURATION,
    PAWL_FORMAT_EMAIL,
    PAWL_FORMAT_HOSTNAME,
    PAWL_FORMAT_IDN_EMAIL,
    PAWL_FORMAT_IDN_HOSTNAME,
    PAWL_FORMAT_IPV4,
    PAWL_FORMAT_IPV6,
    PAWL_FORMAT_IRI,
    PAWL_FORMAT_IRI_REFERENCE,
    PAWL_FORMAT_JSON_POINTER,
    PAWL_FORMAT_REGEX,
    PAWL_FORMAT_RELATIVE_JSON_POINTER,
    PAWL_FORMAT_TIME,
    PAWL_FORMAT_URI,
    PAWL_FORMAT_URI_REFERENCE,
    PAWL_FORMAT_URI_TEMPLATE,
    PAWL_FORMAT_UUID
};

enum pawl_format pawl_format_of(struct pawl_str name);
const char *pawl_format_name(enum pawl_format f);

/* idn-hostname and idn-email look at labels with a pattern, which is made once. */
bool pawl_format_wants_label(enum pawl_format f);
int pawl_format_label(struct pawl_arena *a, struct pawl_regex **out);

/* Does the text (UTF-8) fit? PAWL_OK, PAWL_EINVAL; PAWL_ENOMEM, PAWL_ELIMIT from the label's pattern. `label` and `run`
 * may be NULL where pawl_format_wants_label says no. UNKNOWN fits anything. */
int pawl_format_fits(enum pawl_format f, struct pawl_str text, const struct pawl_regex *label,
                     struct pawl_regex_run *run);
