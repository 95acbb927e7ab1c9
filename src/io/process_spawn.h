/* src/io/process_spawn.h - inside process.c only: from a spec to a running child. */
#pragma once
#include <sys/types.h>
#include "io/process.h"

struct pawl_spawned {
    pid_t pid;
    int in, out, err; /* our ends, close-on-exec and non-blocking */
    int pidfd;        /* readable when it has ended; -1: watch for SIGCHLD */
};
/* PAWL_OK: it is running. Else nothing was executed and nothing is left. */
int pawl_process_spawn(const struct pawl_alloc *from, const struct pawl_process_spec *spec, struct pawl_spawned *out,
                       struct pawl_error *err);

/* The first line of an attempt's lock file is this and a nonce, the second the process id. */
#define PAWL_ATTEMPT_LINE "pawl-attempt "
#define PAWL_ATTEMPT_MARK "PAWL_ATTEMPT_"
enum { PAWL_ATTEMPT_NONCE = 32 };
