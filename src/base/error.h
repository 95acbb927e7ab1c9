/* src/base/error.h - making a struct pawl_error. Codes: include/pawl/error.h. */
#pragma once
#include "pawl/error.h"

/* Nothing in it. Where a call mostly goes well this is a hundredth of what setting all its bytes to zero touches. */
static inline void pawl_error_clear(struct pawl_error *err)
{
    err->code = 0;
    err->where[0] = err->what[0] = err->next[0] = 0;
}

/* Fill *err (ignored if NULL) and return `code`, so that one line both reports and returns:
 *     return pawl_fail(err, PAWL_EINVAL, where, "give a number", "expected a number, found %s", found);
 * Text is cut at the field's size; bytes below 0x20 and 0x7f become '?', so untrusted text cannot write to a terminal. */
int pawl_fail(struct pawl_error *err, int code, const char *where, const char *next, const char *what, ...)
    __attribute__((format(printf, 5, 6), cold));
