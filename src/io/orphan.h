/* src/io/orphan.h - after a crash: nothing of that attempt's command may still be running when doubt is resolved.
 *
 * The lock file of process.h names nonce, process id and its start. Killed is only what is proven to be of the attempt:
 *   Linux:     a process whose environment has the nonce, or that has the lock file open; and its group, if that is the
 *              attempt's group. So also what has left the group is found, or does not hold the lock.
 *   elsewhere: the group in the file, while the lock is held by somebody.
 * A child that hides (another user's, environment and descriptors replaced) is not found: docs/guarantees.md. */
#pragma once
#include <stdint.h>
#include "base/error.h"

/* Kills, waits until nobody is left and the lock is free, removes the file. Blocks up to timeout_ns (> 0).
 * PAWL_OK also when there is no file; PAWL_ETIMEDOUT: still there (*err names a process); PAWL_EIO. */
int pawl_orphan_settle(const char *lock_path, int64_t timeout_ns, struct pawl_error *err);
