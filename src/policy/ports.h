/* src/policy/ports.h - what the pure core is handed: the pure functions of the rooms beside it, and what the env knows. */
#pragma once
#include "contract/outcome.h"
#include "journal/decider.h"

struct pawl_ports {
    void *ctx;
    pawl_decide_fn *decide;
    pawl_ask_fn *ask;
    int (*render_tool)(const struct pawl_config *, const struct pawl_tool *, yyjson_val *document, struct pawl_str key,
                       struct pawl_buf *out, struct pawl_error *err);
    int (*render_model)(yyjson_val *document, const struct pawl_model *, const struct pawl_message *, uint32_t,
                        const struct pawl_tool *const *, uint32_t, struct pawl_str output_json, struct pawl_buf *out,
                        struct pawl_error *err);
    void (*read_tool)(const struct pawl_tool *, const struct pawl_reply *, bool keyed_resend, struct pawl_arena *,
                      struct pawl_outcome *out);
    void (*read_model)(const struct pawl_model *, const struct pawl_reply *, struct pawl_arena *,
                       struct pawl_outcome *);
    /* A call that was accepted: whom it names, the request that asks there, what is said. NULL where no tool is async. */
    int (*monitor)(const struct pawl_tool *, struct pawl_str request, struct pawl_str base, struct pawl_str named,
                   struct pawl_arena *, struct pawl_str *url, struct pawl_error *err);
    int (*poll)(const struct pawl_tool *, struct pawl_str request, struct pawl_str monitor, struct pawl_buf *out);
    int (*stop)(const struct pawl_tool *, struct pawl_str request, struct pawl_str monitor, struct pawl_buf *out);
    void (*news)(const struct pawl_tool *, const struct pawl_reply *, bool at_result, struct pawl_arena *,
                 struct pawl_news *out);
    /* The configuration of this hash, loaded before FOUND came; NULL: it cannot be had now, *missing says why. */
    const struct pawl_config *(*config)(void *ctx, struct pawl_hash hash, struct pawl_str *missing);
    /* Is there somebody to run this tool? (In-process tools are registered by a program.) NULL: always. */
    bool (*tool_ready)(void *ctx, const struct pawl_tool *tool);
};
