/* src/engine/engine_kit.h - what tests of one engine over a store share: the codecs as the host has them, and a look into
 * the store. */
#pragma once
#include "agent/agent.h"
#include "base/test.h"
#include "engine/env.h"
#include "io/alloc.h"
#include "model/model.h"
#include "tool/tool.h"

static struct pawl_ports kit_ports(void *ctx,
                                   const struct pawl_config *(*config)(void *, struct pawl_hash, struct pawl_str *))
{
    return (struct pawl_ports){.ctx = ctx,
                               .decide = pawl_agent_decide,
                               .ask = pawl_agent_ask,
                               .render_tool = pawl_tool_render,
                               .render_model = pawl_model_render,
                               .read_tool = pawl_tool_read,
                               .read_model = pawl_model_read,
                               .monitor = pawl_tool_monitor,
                               .poll = pawl_tool_poll,
                               .stop = pawl_tool_stop,
                               .news = pawl_tool_news,
                               .config = config};
}

/* What the store says to a PAWL_DO_FIND; memory is the arena's. The event's status. */
static int kit_find(struct pawl_store *s, struct pawl_arena *a, const struct pawl_find *f, struct pawl_found *found)
{
    struct pawl_run_records *runs = pawl_arena_zeroed(a, 300 * sizeof *runs);
    *found = (struct pawl_found){.runs = runs};
    switch (f->what) {
    case PAWL_FIND_CLAIM_RUNS: found->count = 300; return s->claim(s, &f->runs, a, runs, &found->count, NULL);
    case PAWL_FIND_READ: found->count = 1; return s->read(s, f->run, 1, a, runs, NULL);
    case PAWL_FIND_KEY: return s->find_key(s, f->key, f->request, &found->run, NULL);
    case PAWL_FIND_CLAIM: return s->find_claim(s, f->claim, &found->claim, NULL);
    default: return s->next_wake(s, &found->wake_ns, NULL);
    }
}
