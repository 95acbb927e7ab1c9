/* src/host/probe.c - see probe.h. */
#include "host/probe.h"
#include <assert.h>
#include "host/host.h"

void pawl_probe_watch(struct pawl *p, pawl_writer_watch_fn *fn, void *ctx)
{
    assert(p->owns);
    pawl_writer_watch(p->writer, fn, ctx);
}

struct pawl_writer_counts pawl_probe_counts(struct pawl *p)
{
    assert(p->owns);
    return pawl_writer_counts(p->writer);
}
