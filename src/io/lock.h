/* src/io/lock.h - a lock on a file (flock), for the one owner of a store (LEDGER 17). It is gone with the process that
 * holds it, however that ends. The file stays; its text names the holder, for people. */
#pragma once
#include "base/error.h"

struct pawl_lock { /* zeroed: not held */
    int fd_plus_1;
};
/* Never waits. PAWL_OK; PAWL_EBUSY: another holds it (*err names its process); PAWL_EIO, PAWL_EREADONLY, ... */
int pawl_lock_take(struct pawl_lock *l, const char *path, struct pawl_error *err);
void pawl_lock_release(struct pawl_lock *l); /* not held: fine */
