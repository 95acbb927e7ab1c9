/* src/io/alloc.h - the allocator over libc, for whoever stands at the edge and hands memory down. Any thread. */
#pragma once
#include "base/alloc.h"

/* A constant; resizing to 0 frees. Requests past PTRDIFF_MAX are refused. */
const struct pawl_alloc *pawl_alloc_libc(void);
/* For a process that is pawl's alone, before its first thread: memory comes from the system in larger pieces, and one heap
 * serves all threads, whose own would grow page by page. Not for a library, whose host has its own mind. */
void pawl_alloc_process(void);
void pawl_alloc_trim(void); /* what libc keeps of freed memory goes back to the system, where it can */
