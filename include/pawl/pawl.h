/* pawl/pawl.h - the library: open a store, start agents in it, talk to their runs.
 *
 * One process owns a store. pawl_open() makes this process the owner or, where another live one is, a client of it;
 * every call means the same either way. Work goes on while a call of this library waits: pawl_call, pawl_wait and
 * pawl_turn drive the loop, and nothing moves between calls. Runs outlive the process: whoever opens the store next takes
 * them up. Where the owner ends, one of its clients becomes the owner within the call that it waits in.
 *
 * Threads: a handle is used by one thread at a time, not always the same; several handles are independent.
 * pawl_interrupt may be called from any thread and from a signal handler, until pawl_close begins. Callbacks run on the
 * thread that makes the call and must not call their own handle (PAWL_EBUSY), but for pawl_interrupt and, as owner, pawl_post. No signal's
 * handling is changed; children are waited for by their number only. Do not use a handle in a child of fork().
 *
 * Texts are UTF-8 and NUL-terminated where no size is given. What you pass in is yours, is copied where it is kept, and
 * may go when the call returns; what a callback gets is ours and is gone when it returns. Times are nanoseconds.
 * `err` may be NULL; a call that returns PAWL_OK may leave anything in it.
 * All option structs begin with their own size, so that they can grow: `struct pawl_options o = {.size = sizeof o}`;
 * members that are not set are zero, which is the default. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "pawl/error.h"

#ifdef __cplusplus
extern "C" {
#endif

struct pawl; /* a handle */

struct pawl_options {
    size_t size;
    const char *config; /* path of pawl.yaml; NULL: pawl.yaml in the working folder, which need not be there */
    const char *store;  /* "sqlite:PATH"; NULL: what the configuration says, else sqlite:pawl.db beside it */
    bool must_own;      /* PAWL_EBUSY instead of becoming a client */
    bool hold;          /* as owner: take in answers and messages, but begin no step. Nobody else can work meanwhile, so
                           close it soon: whoever opens the store next goes on */
    bool only_read;     /* start no work and change nothing (lists, shows, verification; PAWL_EREADONLY). It owns the
                           store within its calls only, so it may stay open */
    bool late_config;   /* errors of the configuration are told by the first start; all else works without it */
};
/* PAWL_OK, and *out is to be closed; else *out is NULL. PAWL_ECONFIG: the first error of the configuration, pawl_check
 * gives them all. PAWL_EINVAL: not a store, PAWL_ENOTFOUND: no such folder or file, PAWL_EBUSY: another process has it
 * and does not answer, or must_own; PAWL_EVERSION, PAWL_ECORRUPT, PAWL_EREADONLY, PAWL_EFULL, PAWL_EIO, PAWL_ENOMEM. */
PAWL_API int pawl_open(const struct pawl_options *options, struct pawl **out, struct pawl_error *err);
/* Attempts under way are awaited for up to five seconds, then it closes; nothing is lost either way. NULL is fine. */
PAWL_API void pawl_close(struct pawl *p);
/* Is the store this process's? A client may become its owner within a call that waits. */
PAWL_API bool pawl_owns(const struct pawl *p);

/* All errors of a configuration file at once: `error` is called for each, in the file's order, and `says` once for each
 * schedule (of: "schedule") with a line that says when it begins, and for each tool (of: "tool") with one that says what its
 * contract means. Either may be NULL. path NULL: pawl.yaml in the working folder.
 * PAWL_OK; PAWL_ECONFIG; or why the file cannot be read, which `error` is told too. Needs no handle, any thread. */
PAWL_API int pawl_check(const char *path, void (*error)(void *ctx, const struct pawl_error *e),
                        void (*says)(void *ctx, const char *of, const char *line), void *ctx);

/* A tool of this process: one that the configuration declares with neither http nor command. */
struct pawl_tool_call {
    size_t size;
    const char *run, *tool, *key; /* key: the idempotency key of the step, the same for all its attempts, also after a
                                     restart; "" for a look on behalf of another step (verify) */
    uint32_t step, attempt;       /* attempt is from 1 */
    const char *args;             /* JSON text, fits the contract's input; args_bytes without its NUL */
    size_t args_bytes;
    int64_t
        timeout_ns; /* what the contract and the run's deadline give it. Nothing ends a function that takes longer */
};
enum pawl_tool_verdict {
    PAWL_TOOL_APPLIED, /* done. The text is the result, JSON; none is null. One that does not fit the contract's output,
                              or is larger than it allows, is an answer that cannot be used: a change is then in doubt */
    PAWL_TOOL_NOT_APPLIED, /* surely nothing happened. The text is a sentence that the model is told */
    PAWL_TOOL_UNKNOWN      /* nobody knows. The text is a sentence; what follows is what the contract says of doubt */
};
/* `answer` is called once, before the function returns, with a text that is copied (NULL with 0 bytes: none); the first
 * call counts; without one the verdict is UNKNOWN. `call` and what it points to are there until the function returns. */
typedef void pawl_tool_fn(void *ctx, const struct pawl_tool_call *call,
                          void (*answer)(void *answer_ctx, enum pawl_tool_verdict verdict, const char *text,
                                         size_t bytes),
                          void *answer_ctx);
/* The function runs on the thread that drives the loop, and nothing else goes on meanwhile: for what answers at once.
 * `ctx` must live until pawl_close. Runs that wait for this tool go on. Register all tools before the first other call,
 * so that no run finds one missing. PAWL_EBUSY: another process owns the store, and its runs cannot reach a function of
 * this one (see must_own); PAWL_ECONFLICT: it has one already; PAWL_EINVAL, PAWL_ENOMEM. */
PAWL_API int pawl_register_tool(struct pawl *p, const char *name, pawl_tool_fn *fn, void *ctx, struct pawl_error *err);
/* The same for a function that waits for something: each call has a thread of its own (signals blocked, at most 64 at
 * once), so several run side by side and the loop goes on meanwhile; the function must allow that. At the end of
 * call->timeout_ns the attempt is over: what became of a change is in doubt, and what the function says later is
 * dropped, though what it does later is done. It must come to an end by itself. `ctx` must live until every call has
 * returned: pawl_close awaits attempts for five seconds, and threads that take longer run on behind it. */
PAWL_API int pawl_register_blocking_tool(struct pawl *p, const char *name, pawl_tool_fn *fn, void *ctx,
                                         struct pawl_error *err);

/* Everything by one door, as docs/protocol.md says: a request is one JSON object {"do": WHAT, ...}; `line` (NULL: nobody
 * listens) is called with every answer line (JSON, NUL-terminated too; returning nonzero ends the call with
 * PAWL_ECANCELLED). Returns when the last line has come: PAWL_OK, or the error that the answer carries, also in *err.
 * PAWL_ECANCELLED: interrupted; a request that changes something may have been done all the same, and with the same `id`
 * it can be said again. PAWL_ETIMEDOUT: the owner, another process, has not answered for 30 s (never from `follow`,
 * `resume`, `verify` and `sql`, which take as long as they take). PAWL_EFULL: not stored for want of room. */
typedef int pawl_line_fn(void *ctx, const char *json, size_t bytes);
PAWL_API int pawl_call(struct pawl *p, const char *request, pawl_line_fn *line, void *ctx, struct pawl_error *err);

/* The same without waiting: the lines come while the handle is driven (pawl_turn, pawl_call, pawl_wait), some already
 * within this call; the last one has "last": true, and errors come in it. So many can be under way at once. `ctx` must
 * live until then, or until pawl_close. May be called from a callback of an owner's handle. A client of another owner,
 * or a handle that only reads, waits here for the answer, as pawl_call does. PAWL_ENOMEM. */
PAWL_API int pawl_post(struct pawl *p, const char *request, pawl_line_fn *line, void *ctx, struct pawl_error *err);

/* The common ones, typed; errors are those of pawl_call. `run_out` takes 37 bytes; a run is named by its id, by any unique
 * prefix of it, or by "@last" (PAWL_ENOTFOUND; PAWL_EINVAL: more than one begins so). `id` is made by the caller: saying
 * it twice is harmless, and gives the first answer (NULL: one is made). What they say is durable when they return PAWL_OK. */
struct pawl_start {
    size_t size;
    const char *agent; /* PAWL_ENOTFOUND: the configuration has no such agent */
    const char *input; /* text; with input_is_json it is JSON text */
    bool input_is_json;
    const char *key; /* the same key again is the same run, even ended; with another input it is PAWL_ECONFLICT */
    bool chat;       /* park for the next message instead of ending */
    const char *id;
    int64_t begins_ns; /* wall clock, nanoseconds since 1970: until then it is parked; 0: begin at once */
};
PAWL_API int pawl_start_run(struct pawl *p, const struct pawl_start *start, char run_out[37], struct pawl_error *err);
/* The user's next message. It enters before the next model step. PAWL_ECONFLICT: the run has ended. */
PAWL_API int pawl_send(struct pawl *p, const char *run, const char *text, const char *id, struct pawl_error *err);
/* A signal for a step that waits for one of that name (a tool of the contract's kind `signal`); one that comes before anybody
 * waits is kept. payload is JSON text (NULL: null), at most 64 KiB. A key (NULL: none) says that it is the same signal,
 * whoever sends it again: the step takes one. PAWL_ECONFLICT: the run has ended, or the key came with another payload;
 * PAWL_EINVAL: it does not fit what waits for it; PAWL_EFULL: a thousand are kept that nobody takes. */
PAWL_API int pawl_signal(struct pawl *p, const char *run, const char *name, const char *payload, const char *key,
                         const char *id, struct pawl_error *err);
/* A person's answer to a call that waits (of one that names approvers or a quorum: pawl_approve_edited, or pawl_call with
 * `by`). step 0: the only one that waits. digest: 64 hexadecimal digits of what was shown
 * (asked.digest of `show`), or NULL; reason, NULL: none. PAWL_ECONFLICT: another call waits there by now, or it was
 * answered already and differently. */
PAWL_API int pawl_approve(struct pawl *p, const char *run, uint32_t step, const char *digest, const char *reason,
                          const char *id, struct pawl_error *err);
/* The same with other arguments: edit is a JSON object of members that replace those of the call's. They are held to the
 * tool's input, the yes is bound to the request that they make, and the model is told. With several who must say yes the
 * changed call is asked about anew. by: who says it, where the contract names approvers or a quorum; NULL: nobody in
 * particular. PAWL_EINVAL: they do not fit. */
PAWL_API int pawl_approve_edited(struct pawl *p, const char *run, uint32_t step, const char *digest, const char *edit,
                                 const char *reason, const char *by, const char *id, struct pawl_error *err);
PAWL_API int pawl_deny(struct pawl *p, const char *run, uint32_t step, const char *reason, const char *id,
                       struct pawl_error *err);
/* What became of a step in doubt (step 0: the only one). result: with PAWL_IT_HAPPENED its answer as JSON text, NULL: null.
 * PAWL_IT_DID_NOT: it is sent again. */
enum pawl_resolution { PAWL_IT_HAPPENED, PAWL_IT_DID_NOT, PAWL_STOP_THE_RUN };
PAWL_API int pawl_resolve(struct pawl *p, const char *run, uint32_t step, enum pawl_resolution how, const char *result,
                          const char *id, struct pawl_error *err);
/* Confirmed when it is durable that the run is to end; what was sent is awaited and, where a contract says how, undone. */
PAWL_API int pawl_cancel(struct pawl *p, const char *run, const char *reason, const char *id, struct pawl_error *err);
/* A run that failed, or a dead letter, goes on from where it stopped (from_step 0), from the call from_step, which must be
 * known not to have happened, or from the model's step from_step, which is asked anew. What happened is never done again.
 * with: a JSON object of members that replace those of the one call's arguments; NULL: none. Its limits (steps, deadline)
 * count anew. PAWL_ECONFLICT: it goes on, is done or was cancelled, or that step happened. */
PAWL_API int pawl_retry(struct pawl *p, const char *run, uint32_t from_step, const char *with, const char *reason,
                        const char *id, struct pawl_error *err);
/* What a run that has ended (also one that is done) did behind to_step (0: all) is undone, where a contract says how, in
 * reverse order; then it has ended again, as before. Undos that failed before are tried anew. pawl_wait waits for it;
 * `show` lists what could not be undone. PAWL_ECONFLICT: the run goes on (pawl_cancel undoes); PAWL_ENOTFOUND: nothing that
 * a tool can undo is left. */
PAWL_API int pawl_undo(struct pawl *p, const char *run, uint32_t to_step, const char *reason, const char *id,
                       struct pawl_error *err);
/* Drive until the run has ended or waits for a person: *status is a word of docs/protocol.md ("done", "waiting", ...; a
 * constant string, NULL with an error). It is "running" or "ending" where nobody here goes on with it: hold, only_read,
 * or interrupted. timeout_ns < 0: none. PAWL_ETIMEDOUT: the run goes on. PAWL_ECANCELLED: interrupted. */
PAWL_API int pawl_wait(struct pawl *p, const char *run, int64_t timeout_ns, const char **status,
                       struct pawl_error *err);
/* Drive for that long (0: what is ready; < 0: until interrupted). A client waits, and becomes the owner when the owner ends.
 * PAWL_OK: the time is over. PAWL_ECANCELLED: interrupted. */
PAWL_API int pawl_turn(struct pawl *p, int64_t timeout_ns, struct pawl_error *err);
/* Ends the call that waits, or else the next one that would have to, with PAWL_ECANCELLED. With `finish` this owner begins
 * no step any more, what is under way is finished first, and all that is left is to close the handle; a second call ends
 * that at once, which is as safe. Async-signal-safe. */
PAWL_API void pawl_interrupt(struct pawl *p, bool finish);

PAWL_API const char *pawl_version(void); /* "0.1.0"; a constant string */

#ifdef __cplusplus
}
#endif
