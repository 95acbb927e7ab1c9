/* pawl/pawl.h - the library: open a store, start agents in it, talk to their runs.
 *
 * One process owns a store. pawl_open() makes this process the owner, or, where another live one is, a client of it;
 * every call means the same either way. Work goes on while a call of this library waits: pawl_call, pawl_wait and
 * pawl_turn drive the loop. Runs outlive the process: whoever opens the store next takes them up.
 *
 * Thread rules: a handle is used by one thread at a time; pawl_interrupt may be called from any thread and from a signal
 * handler. Text is UTF-8, NUL-terminated where no size is given, and the caller's unless said otherwise.
 * All option structs begin with their own size, so that they can grow: `struct pawl_options o = {sizeof o}`. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "pawl/error.h"

#ifdef __cplusplus
extern "C" {
#endif

struct pawl;

struct pawl_options {
    size_t size;
    const char *config; /* path of pawl.yaml; NULL: pawl.yaml in the working folder, which need not be there */
    const char *store;  /* "sqlite:PATH"; NULL: what the configuration says, else sqlite:pawl.db beside it */
    bool must_own;      /* PAWL_EBUSY instead of becoming a client */
    bool hold;          /* take in answers and messages, but begin no step: whoever opens it next goes on */
    bool only_read;     /* start no work: nothing is claimed, nothing is sent (lists, shows, verification) */
};
/* PAWL_ECONFIG: the first configuration error; pawl_check() gives them all. PAWL_EBUSY, PAWL_EVERSION, PAWL_ECORRUPT,
 * PAWL_EREADONLY, PAWL_EFULL, PAWL_EIO. */
PAWL_API int pawl_open(const struct pawl_options *options, struct pawl **out, struct pawl_error *err);
/* Steps under way are awaited for up to five seconds, then it closes; nothing is lost either way. NULL is fine. */
PAWL_API void pawl_close(struct pawl *p);
PAWL_API bool pawl_owns(const struct pawl *p);

/* All errors of a configuration file at once: `error` is called for each, in the file's order, and `tool` once for each
 * tool with a line that says what its contract means. PAWL_OK or PAWL_ECONFIG. */
PAWL_API int pawl_check(const char *path, void (*error)(void *ctx, const struct pawl_error *e),
                        void (*tool)(void *ctx, const char *line), void *ctx);

/* A tool of this process: one that the configuration declares with neither http nor command. */
struct pawl_tool_call {
    size_t size;
    const char *run, *tool, *key; /* key: the idempotency key of the step, the same for all its attempts */
    uint32_t step, attempt;
    const char *args; /* JSON text */
    size_t args_bytes;
    int64_t timeout_ns;
};
enum pawl_tool_verdict { PAWL_TOOL_APPLIED, PAWL_TOOL_NOT_APPLIED, PAWL_TOOL_UNKNOWN };
/* `answer` takes the result as JSON text (copied), or with NOT_APPLIED and UNKNOWN a sentence; without a call of it the
 * verdict is UNKNOWN. The function runs on the thread that drives the loop, and blocks it. */
typedef void pawl_tool_fn(void *ctx, const struct pawl_tool_call *call,
                          void (*answer)(void *answer_ctx, enum pawl_tool_verdict verdict, const char *text,
                                         size_t bytes),
                          void *answer_ctx);
PAWL_API int pawl_register_tool(struct pawl *p, const char *name, pawl_tool_fn *fn, void *ctx, struct pawl_error *err);

/* Everything by one door, as docs/protocol.md says: a request is one JSON object {"do": WHAT, ...}; `line` is called with
 * every answer line (JSON, valid during the call; returning nonzero ends the call early). Returns when the last line has
 * come: PAWL_OK, or the error that the answer carries, also in *err. PAWL_ECANCELLED: interrupted. */
typedef int pawl_line_fn(void *ctx, const char *json, size_t bytes);
PAWL_API int pawl_call(struct pawl *p, const char *request, pawl_line_fn *line, void *ctx, struct pawl_error *err);

/* The same without waiting: the lines come while the handle is driven (pawl_turn, pawl_call, pawl_wait); the last one has
 * "last": true, and errors come in it. So many can be under way at once. A client of another owner, or a handle that only
 * reads, waits here for the answer. PAWL_ENOMEM, PAWL_ECANCELLED, or what the line to the owner suffered. */
PAWL_API int pawl_post(struct pawl *p, const char *request, pawl_line_fn *line, void *ctx, struct pawl_error *err);

/* The common ones, typed. `run_out` takes 37 bytes; run names may be any unique prefix of an id, or "@last". `id` is made
 * by the caller: saying it twice is harmless (NULL: one is made). */
struct pawl_start {
    size_t size;
    const char *agent;
    const char *input; /* text; with input_is_json it is JSON text */
    bool input_is_json;
    const char *key; /* the same key again is the same run; with another input it is PAWL_ECONFLICT */
    bool chat;       /* park for the next message instead of ending */
    const char *id;
};
PAWL_API int pawl_start_run(struct pawl *p, const struct pawl_start *start, char run_out[37], struct pawl_error *err);
PAWL_API int pawl_send(struct pawl *p, const char *run, const char *text, const char *id, struct pawl_error *err);
/* step 0: the only one that waits. digest: 64 hexadecimal digits of what was shown, or NULL. */
PAWL_API int pawl_approve(struct pawl *p, const char *run, uint32_t step, const char *digest, const char *reason,
                          const char *id, struct pawl_error *err);
PAWL_API int pawl_deny(struct pawl *p, const char *run, uint32_t step, const char *reason, const char *id,
                       struct pawl_error *err);
enum pawl_resolution { PAWL_IT_HAPPENED, PAWL_IT_DID_NOT, PAWL_STOP_THE_RUN };
PAWL_API int pawl_resolve(struct pawl *p, const char *run, uint32_t step, enum pawl_resolution how, const char *result,
                          const char *id, struct pawl_error *err);
PAWL_API int pawl_cancel(struct pawl *p, const char *run, const char *reason, const char *id, struct pawl_error *err);
/* Drive until the run has ended or waits for a person: *status is a word of docs/protocol.md ("done", "waiting", ...;
 * a constant string). timeout_ns < 0: none. PAWL_ETIMEDOUT. */
PAWL_API int pawl_wait(struct pawl *p, const char *run, int64_t timeout_ns, const char **status,
                       struct pawl_error *err);
/* Drive for at most this long (0: what is ready). */
PAWL_API int pawl_turn(struct pawl *p, int64_t timeout_ns, struct pawl_error *err);
/* Ends the call that waits with PAWL_ECANCELLED. With `finish` new steps are no longer begun and what is under way is
 * finished first; a second call ends it at once. Async-signal-safe. */
PAWL_API void pawl_interrupt(struct pawl *p, bool finish);

PAWL_API const char *pawl_version(void); /* "0.1.0" */

#ifdef __cplusplus
}
#endif
