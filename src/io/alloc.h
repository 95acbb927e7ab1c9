/* src/io/alloc.h - the allocator over libc, for whoever stands at the edge and hands memory down. Any thread. */
#pragma once
#include "base/alloc.h"

/* A constant; resizing to 0 frees. Requests past PTRDIFF_MAX are refused. */
const struct pawl_alloc *pawl_alloc_libc(void);
void pawl_alloc_trim(void); /* what libc keeps of freed memory goes back to the system, where it can */
