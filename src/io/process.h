/* src/io/process.h - a command as a child process: no shell, its own session and group, bounded in time and output.
 *
 * The child is killed with its whole group, also when it ends by itself (what it left behind is not a tool's work); on
 * Linux it gets SIGKILL when the thread that started it ends. Its descriptors are 0, 1, 2 and the attempt's lock.
 *
 * With lock_path (LEDGER 19) a file is made there, locked by a descriptor that the child and what it starts inherit on
 * purpose, and a variable PAWL_ATTEMPT_<nonce> marks them. orphan.h finds them by these after a crash of ours. */
#pragma once
#include <uv.h>
#include "base/bytes.h"
#include "base/error.h"

struct pawl_process_var {
    struct pawl_str name, value; /* value {NULL,0}: unset it */
};

enum pawl_process_end {
    PAWL_PROCESS_EXITED,    /* status: its exit code */
    PAWL_PROCESS_SIGNALLED, /* status: the signal; by another than us, or its own limit on CPU; 0: not to be known */
    PAWL_PROCESS_TIMED_OUT, /* ours, at timeout_ns; status: how it ended then (128 + signal) */
    PAWL_PROCESS_TOO_LARGE, /* ours, stdout passed its bound */
    PAWL_PROCESS_STOPPED    /* ours, pawl_process_stop() */
};

struct pawl_process_result { /* borrowed until the callback returns; output is untrusted */
    enum pawl_process_end end;
    int32_t status;
    struct pawl_str out;      /* stdout; empty where on_out took it */
    struct pawl_str err_tail; /* the last 4 KiB of stderr */
    bool lingers;             /* with lock_path: something that left the group still holds the lock; the file stays */
    int64_t took_ns;
};

struct pawl_process_spec {               /* lent until start returns */
    const char *const *argv;             /* NULL at its end; argv[0] without '/' is looked for in the child's PATH */
    const char *cwd;                     /* NULL: ours */
    const struct pawl_process_var *vars; /* added to our environment, or replacing */
    uint32_t vars_count;
    bool clean;            /* of our environment only PATH, HOME, USER, LOGNAME, SHELL, LANG, LC_*, TZ, TMPDIR */
    struct pawl_str input; /* stdin; then it is closed, unless */
    bool keep_input;       /* pawl_process_write() will bring more */
    int64_t timeout_ns;    /* > 0; then SIGTERM to the group, */
    int64_t grace_ns;      /* and after this SIGKILL; >= 0 */
    size_t out_bytes_max;  /* > 0 */
    uint32_t cpu_s;        /* limits; 0: none. Core dumps are always off */
    uint64_t memory_bytes; /* of address space */
    const char *lock_path; /* NULL: none */
    uint32_t *alive;       /* optional: counted up while it, or its memory, is there; a cancelled one too */
    bool by_signal;        /* learn of its end by SIGCHLD even where the system has pidfd_open */
    void (*on_out)(void *ctx, struct pawl_str piece); /* optional: stdout as it comes, not kept; the bound counts all */
    /* Once, never from within start. A caller that runs its loop by UV_RUN_ONCE calls uv_stop here (http_client.h). */
    void (*on_done)(void *ctx, const struct pawl_process_result *result);
    void *ctx;
};

struct pawl_process; /* valid until on_done returns, or cancelled */

/* PAWL_OK: it is running. Else nothing was executed: PAWL_ENOTFOUND, PAWL_EREADONLY (not executable), PAWL_ENOMEM,
 * PAWL_ECONFLICT: lock_path exists (settle it first), PAWL_EIO, ... */
int pawl_process_start(const struct pawl_alloc *from, uv_loop_t *loop, const struct pawl_process_spec *spec,
                       struct pawl_process **out, struct pawl_error *err);
/* SIGTERM to the group, SIGKILL after the grace; on_done comes. */
void pawl_process_stop(struct pawl_process *p);
/* SIGKILL to the group; no callback comes any more. It is reaped as the loop runs on. */
void pawl_process_cancel(struct pawl_process *p);
/* More for stdin (copied). PAWL_EIO: the child closed it; PAWL_EFULL: 16 MiB wait already; PAWL_ENOMEM. */
int pawl_process_write(struct pawl_process *p, struct pawl_str bytes);
void pawl_process_close_input(struct pawl_process *p); /* once all is written */
int64_t pawl_process_id(const struct pawl_process *p);
