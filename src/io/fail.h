/* src/io/fail.h - errno into a pawl code and words. libuv's codes are negative errno: pass them as -code. */
#pragma once
#include "base/error.h"

int pawl_io_code(int sys_errno); /* ENOENT: PAWL_ENOTFOUND, ENOSPC: PAWL_EFULL, ...; all else PAWL_EIO. 0: PAWL_OK */
/* "cannot <doing>: <the system's words>", with what to do next where that is known. Returns the code. */
int pawl_io_fail(struct pawl_error *err, int sys_errno, const char *where, const char *doing);
