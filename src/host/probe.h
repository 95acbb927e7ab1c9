/* src/host/probe.h - for `pawl bench`: what the writer of an open handle has done, and each transaction as it is made. Nothing of
 * a handle that is not watched gets slower by it. */
#pragma once
#include "pawl/pawl.h"
#include "store/writer.h"

/* Before the first call; a handle that owns its store. `fn` is called on the thread that commits. */
void pawl_probe_watch(struct pawl *p, pawl_writer_watch_fn *fn, void *ctx);
struct pawl_writer_counts pawl_probe_counts(struct pawl *p);
