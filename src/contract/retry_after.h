/* src/contract/retry_after.h - when a server wants to be asked again: Retry-After in all its forms, retry-after-ms.
 *
 * Source: RFC 9110 section 10.2.3 (delay-seconds, HTTP-date), 5.6.7 (the three date forms). Beyond the RFC, because
 * providers of models send it: a decimal fraction of seconds, and retry-after-ms, which goes before Retry-After. */
#pragma once
#include "contract/outcome.h"

/* No server's word counts for more than this: a wait of a month is a "no", and sums with it cannot overflow. */
#define PAWL_RETRY_AFTER_NS_MAX (INT64_C(31) * 24 * 3600 * 1000000000)

/* Nanoseconds from the reply's arrival, 0 ... PAWL_RETRY_AFTER_NS_MAX; -1: the reply says nothing usable. A date counts
 * from the reply's own Date header where that can be read, else from reply->wall_ns. Any bytes are safe. */
int64_t pawl_retry_after_ns(const struct pawl_reply *reply);

/* An HTTP-date (IMF-fixdate, RFC 850, asctime; always UTC) as seconds since 1970. `near_s` resolves RFC 850's two-digit
 * year: more than 50 years after it means the century before. The weekday is not compared with the date. */
bool pawl_http_date(struct pawl_str text, int64_t near_s, int64_t *seconds);
