/* src/contract/regex.h - regular expressions as ECMA-262 has them with the u flag, run by PCRE2 within limits.
 *
 * \d \w \b know ASCII only, \s and . Unicode's spaces and line ends as in ECMA; $ is the very end; \p{...} as in ECMA.
 * Taken though the u flag would refuse it, because patterns in the wild have it: a backslash before punctuation, and
 * a { or } or ] that begins or ends nothing. Refused though ECMA has it: look-behind of no fixed length. Known to
 * differ: a group within a repetition keeps what it held in the repetition before. */
#pragma once
#include <stdalign.h>
#include "base/bytes.h"
#include "base/error.h"

struct pawl_regex; /* immutable, for many threads at once; its memory is the arena's */

enum { PAWL_REGEX_BYTES = 16384 }; /* the longest pattern */

/* The pattern in PCRE2's language, appended to `out`; NULL: only look whether it is one. PAWL_EINVAL: *err says why. */
int pawl_regex_translate(struct pawl_str pattern, struct pawl_buf *out, struct pawl_error *err);

/* PAWL_EINVAL: not a pattern, or one that PCRE2 cannot run. PAWL_ENOMEM. */
int pawl_regex_compile(struct pawl_str pattern, struct pawl_arena *a, struct pawl_regex **out, struct pawl_error *err);
/* The same of a pattern already in PCRE2's language: ours, never a user's. */
int pawl_regex_compile_native(struct pawl_str pattern, struct pawl_arena *a, struct pawl_regex **out,
                              struct pawl_error *err);

enum { PAWL_REGEX_STEPS = 64 * 1024 * 1024 }; /* PCRE2's steps in one run: about a second */

/* What matching needs, for any number of matches by one thread: memory that lies where the caller put this (its
 * stack), then `from`; and what all those matches together may still cost. */
struct pawl_regex_run {
    const struct pawl_alloc *from;
    void *data, *limits; /* PCRE2's */
    uint64_t left;       /* steps */
    size_t used;
    alignas(16) unsigned char first[22 * 1024];
};
void pawl_regex_run_init(struct pawl_regex_run *run, const struct pawl_alloc *from);
void pawl_regex_run_fini(struct pawl_regex_run *run);

/* Does it match anywhere in the text (valid UTF-8)? PAWL_OK, PAWL_ENOTFOUND; PAWL_ELIMIT: not told within the limits of
 * one match or of the run; PAWL_ENOMEM. */
int pawl_regex_match(const struct pawl_regex *re, struct pawl_str text, struct pawl_regex_run *run);
