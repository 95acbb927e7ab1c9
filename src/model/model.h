/* src/model/model.h - the codec of models. The fixed request is JSON as tool.h's ("http": …), or for provider script
 * {"script":{"turn":N}}: N counts the assistant messages before.
 * An answer's result is one neutral form, whatever the provider:
 *   {"content":TEXT|null,"tool_calls":[{"id","name","arguments":TEXT}],"finish":"stop|length|tool_calls|content_filter",
 *    "refusal":TEXT?, "usage":{"input":N,"cached":N,"output":N}?} */
#pragma once
#include "contract/outcome.h"

/* Byte-identical for the same arguments; a longer conversation's messages begin with the same bytes, so that a
 * provider's prompt cache hits. `output_json` {NULL,0}: no response format asked for. */
int pawl_model_render(yyjson_val *document, const struct pawl_model *m, const struct pawl_message *messages,
                      uint32_t messages_count, const struct pawl_tool *const *tools, uint32_t tools_count,
                      struct pawl_str output_json, struct pawl_buf *out, struct pawl_error *err);
/* A model call changes nothing outside: applied is YES, NO or UNKNOWN only to say whether it may have been paid for. */
void pawl_model_read(const struct pawl_model *m, const struct pawl_reply *reply, struct pawl_arena *a,
                     struct pawl_outcome *out);
/* Provider script: the reply that its answer number `turn` gives (answers: m->script). Past the last: status 500. */
void pawl_script_reply(const struct pawl_model *m, uint32_t turn, struct pawl_arena *a, struct pawl_reply *out);

/* Provisional text while a stream runs: feed the bytes as they come, text pieces come out by the callback. */
struct pawl_stream;
struct pawl_stream *pawl_stream_new(const struct pawl_alloc *from, void (*text)(void *ctx, struct pawl_str piece),
                                    void *ctx);
int pawl_stream_feed(struct pawl_stream *s, const void *bytes,
                     size_t n);                      /* bad bytes are ignored; PAWL_ENOMEM, PAWL_ELIMIT */
bool pawl_stream_ended(const struct pawl_stream *s); /* [DONE] or a finish_reason was seen */
void pawl_stream_free(struct pawl_stream *s);
