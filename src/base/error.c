/* src/base/error.c - the names of the codes, and the one way in which a struct pawl_error is filled. */
#include "base/error.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *pawl_code_name(int code)
{
    switch (code) {
    case PAWL_OK: return "ok";
    case PAWL_EINVAL: return "invalid";
    case PAWL_ENOMEM: return "out_of_memory";
    case PAWL_EIO: return "io";
    case PAWL_ETIMEDOUT: return "timeout";
    case PAWL_EBREAKER_OPEN: return "breaker_open";
    case PAWL_ENOTFOUND: return "not_found";
    case PAWL_ECONFLICT: return "conflict";
    case PAWL_EFENCED: return "fenced";
    case PAWL_EFULL: return "full";
    case PAWL_EBUSY: return "busy";
    case PAWL_ECORRUPT: return "corrupt";
    case PAWL_ECANCELLED: return "cancelled";
    case PAWL_ELIMIT: return "limit";
    case PAWL_ECONFIG: return "config";
    case PAWL_EVERSION: return "version";
    case PAWL_ENONDETERMINISM: return "nondeterminism";
    case PAWL_EREADONLY: return "read_only";
    case PAWL_EPENDING: return "pending";
    case PAWL_EINTERNAL: return "internal";
    case PAWL_EDENIED: return "denied";
    default: return "unknown";
    }
}

/* What follows may have come from a peer: nothing in it shall move a cursor or start a line. */
static void tame(char *text)
{
    for (unsigned char *c = (unsigned char *)text; *c; c++)
        if (*c < 0x20 || *c == 0x7f) *c = '?';
}

/* Cuts at a whole UTF-8 character, so that the text stays text. */
static void cut(char *text, size_t size)
{
    size_t n = strlen(text);
    if (n + 1 < size) return;
    size_t start = n;
    while (start > 0 && n - start < 4 && ((unsigned char)text[start - 1] & 0xc0) == 0x80) start--;
    if (start == 0) return;
    const unsigned char lead = (unsigned char)text[start - 1];
    const size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (n - (start - 1) < want) text[start - 1] = 0;
}

static void copy(char *to, size_t size, const char *from)
{
    size_t n = from ? strlen(from) : 0;
    if (n >= size) n = size - 1;
    if (n > 0) memmove(to, from, n);
    to[n] = 0;
    cut(to, size);
    tame(to);
}

int pawl_fail(struct pawl_error *err, int code, const char *where, const char *next, const char *what, ...)
{
    assert(code < 0);
    assert(what);
    if (!err) return code;
    /* Made aside first: `what` may well be told with the text of the very error that it replaces. */
    struct pawl_error made = {.code = code};
    va_list args;
    va_start(args, what);
    vsnprintf(made.what, sizeof made.what, what, args);
    va_end(args);
    cut(made.what, sizeof made.what);
    tame(made.what);
    copy(made.where, sizeof made.where, where);
    copy(made.next, sizeof made.next, next);
    *err = made;
    return code;
}
