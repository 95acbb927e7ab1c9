/* src/io/file.h - whole files: read within a bound, written so that a crash leaves the old or the new, never half. */
#pragma once
#include "base/bytes.h"
#include "base/error.h"

/* Appends all of the file to *out. Pipes and devices are read to their end.
 * PAWL_ENOTFOUND, PAWL_EIO, PAWL_ENOMEM, PAWL_ELIMIT: it has more than max_bytes (> 0). */
int pawl_file_read(const char *path, size_t max_bytes, struct pawl_buf *out, struct pawl_error *err);

/* A temporary beside it, fsync, rename, fsync of the folder. A symbolic link is followed. `mode` as for open(2), less
 * the umask. With `only_new` an existing file is left alone: PAWL_ECONFLICT. */
int pawl_file_write(const char *path, struct pawl_str bytes, unsigned mode, bool only_new, struct pawl_error *err);
