/* src/contract/units.h - durations, sizes, counts and shares as a configuration writes them, read exactly, and back.
 *
 * A number has digits and up to three decimals; its unit follows without a blank. What the unit cannot hold as a whole
 * (0.0001s is no nanosecond lost, but it is too fine; 0.3B) is refused, like anything else that is not one. */
#pragma once
#include "base/bytes.h"

#define PAWL_DURATION_NS_MAX (INT64_C(36500) * 24 * 3600 * 1000000000) /* a hundred years: sums with a clock fit */

bool pawl_unit_duration(struct pawl_str text, int64_t *ns); /* 250ms 1.5s 10m 24h 30d; 0 ... PAWL_DURATION_NS_MAX */
bool pawl_unit_size(struct pawl_str text, int64_t *bytes);  /* 512B 64KiB 1.5MiB 2GiB; up to 1024 TiB */
bool pawl_unit_count(struct pawl_str text, int64_t *count); /* 40 200k 1.5M; up to 10^15 */
bool pawl_unit_share(struct pawl_str text, double *pct);    /* 50% 12.5%; 0 ... 100 */

/* Money in picodollars, 10^-12 USD: "0.50 USD", up to 1,000,000 USD and to 12 decimals. */
bool pawl_unit_money(struct pawl_str text, int64_t *pusd);
/* A number with up to `places` decimals, as a whole number of its last place; up to 10^18 of them. */
bool pawl_unit_decimal(struct pawl_str text, uint32_t places, int64_t *out);

/* For people: "24 h", "1.5 s", "30 d"; "512 MiB". */
void pawl_unit_duration_text(int64_t ns, struct pawl_buf *out);
void pawl_unit_size_text(int64_t bytes, struct pawl_buf *out);
void pawl_unit_money_text(int64_t pusd, struct pawl_buf *out);  /* "0.50 USD", "0.00125 USD": two decimals at least */
void pawl_unit_count_text(int64_t count, struct pawl_buf *out); /* "950", "12.4k", "1.5M": cut, not rounded */
