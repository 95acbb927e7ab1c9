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

/* For people: "24 h", "1.5 s", "30 d"; "512 MiB". */
void pawl_unit_duration_text(int64_t ns, struct pawl_buf *out);
void pawl_unit_size_text(int64_t bytes, struct pawl_buf *out);
