/* src/contract/pattern.h - ECMA-262 patterns (u flag) by PCRE2, without UCP: \d, \w are ASCII. Unanchored search with a match
 * limit, so that no pattern can hang. */
#pragma once
#include "base/bytes.h"
#include "base/error.h"

struct pawl_pattern; /* immutable: any thread */
/* PAWL_EINVAL: not a pattern; PAWL_ELIMIT: longer than 64 KiB; PAWL_ENOMEM. PCRE2 keeps its own memory. */
int pawl_pattern_compile(struct pawl_str pattern, const struct pawl_alloc *from, struct pawl_pattern **out,
                         struct pawl_error *err);
void pawl_pattern_free(struct pawl_pattern *r); /* NULL: fine */
/* 1: found, 0: not, PAWL_ELIMIT: the match limit was passed. */
int pawl_pattern_search(const struct pawl_pattern *r, struct pawl_str text);
