/* pawl/error.h - every error code there is, and the value that carries the detail of one error.
 *
 * A function that can fail returns PAWL_OK or one of these (all negative) and, where it takes a
 * `struct pawl_error *`, says there where it went wrong, what was expected and what came, and what to do next.
 * A code never changes its number. Thread rules: a plain value, owned by the caller. */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

#ifndef PAWL_API
#define PAWL_API __attribute__((visibility("default")))
#endif

enum pawl_code {
    PAWL_OK = 0,
    PAWL_EINVAL = -1,        /* an argument, a document or an answer is not what it must be */
    PAWL_ENOMEM = -2,        /* no memory */
    PAWL_EIO = -3,           /* a disk, socket or process failed */
    PAWL_ETIMEDOUT = -4,     /* no answer within the time given */
    PAWL_EBREAKER_OPEN = -5, /* the circuit breaker of that dependency is open */
    PAWL_ENOTFOUND = -6,     /* no such run, step, file, key */
    PAWL_ECONFLICT = -7,     /* said before, and differently: key with other input, a second answer to one question */
    PAWL_EFENCED = -8,       /* somebody else owns the run now: the epoch has moved on */
    PAWL_EFULL = -9,         /* disk full or a stated limit reached */
    PAWL_EBUSY = -10,        /* another live process owns it */
    PAWL_ECORRUPT = -11,     /* stored bytes are not what was stored */
    PAWL_ECANCELLED = -12,   /* cancelled by us */
    PAWL_ELIMIT = -13,       /* a bound on size, depth or count was passed */
    PAWL_ECONFIG = -14,      /* the configuration says something that cannot be */
    PAWL_EVERSION = -15,     /* made by a newer pawl */
    PAWL_ENONDETERMINISM = -16, /* a replay asked for something else than the journal holds */
    PAWL_EREADONLY = -17,       /* the place cannot be written */
    PAWL_EPENDING = -18,        /* not yet: ask again after the next event */
    PAWL_EINTERNAL = -19,       /* a bug in pawl */
    PAWL_EDENIED = -20          /* who asks has not shown that they may */
};

/* One error. `where` is file:line or a JSON pointer; `what` says what was expected and what came; `next` what to
 * do about it. Any of them may be "". All are NUL-terminated. */
struct pawl_error {
    int code;
    char where[192];
    char what[512];
    char next[256];
};

/* The short name of a code, "ok", "conflict", ...: a constant string, never NULL. */
PAWL_API const char *pawl_code_name(int code);

#ifdef __cplusplus
}
#endif
