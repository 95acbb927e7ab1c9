/* src/io/zoneinfo.h - the time zone database of this machine: the files under TZDIR, else /usr/share/zoneinfo. */
#pragma once
#include "base/bytes.h"

/* The file of that name, whole; {NULL,0}: there is none, or it is no regular file of up to 64 KiB. The name is checked by
 * whoever asks: it has no .. and does not begin with a slash. */
struct pawl_str pawl_zoneinfo_read(struct pawl_str name, struct pawl_arena *a);
/* All names that there are; each is lent for its call. */
void pawl_zoneinfo_names(void (*each)(void *to, struct pawl_str name), void *to);
