/* src/contract/regex_ecma.h - what the two halves of the translator share: regex_ecma.c the pattern, regex_class.c
 * escapes and [classes]. */
#pragma once
#include "contract/regex.h"

enum { PAWL_ECMA_NEST = 200 };

struct pawl_ecma {
    const char *p, *start, *end;
    struct pawl_buf *out; /* NULL: only looked at */
    struct pawl_error *err;
    uint32_t groups;           /* that capture, in the whole pattern */
    uint32_t depth;            /* of the group at hand */
    bool can_repeat;           /* what stands before may have a quantifier */
    bool look[PAWL_ECMA_NEST]; /* is the open group a look-ahead or look-behind */
};

int pawl_ecma_fail(struct pawl_ecma *e, const char *what);
void pawl_ecma_put(struct pawl_ecma *e, const char *text);
void pawl_ecma_char(struct pawl_ecma *e, uint32_t code); /* as a literal, in and outside of a class */

/* e->p is behind the backslash. A character that is written as an escape: into *code. */
int pawl_ecma_code_escape(struct pawl_ecma *e, uint32_t *code);
/* \d \w \s \p{...} and their negations, written out at once; *found false: it is none of these. */
int pawl_ecma_set_escape(struct pawl_ecma *e, bool in_class, bool *found);
int pawl_ecma_class(struct pawl_ecma *e);     /* e->p is behind the [ */
uint32_t pawl_ecma_next(struct pawl_ecma *e); /* takes one character of UTF-8; what is not UTF-8 is taken by bytes */
