/* src/model/openai.h - the OpenAI chat completions protocol, which most providers and proxies speak. In the room. */
#pragma once
#include "contract/json.h"
#include "model/model.h"

int pawl_openai_render(const struct pawl_model *m, const struct pawl_message *messages, uint32_t messages_count,
                       const struct pawl_tool *const *tools, uint32_t tools_count, struct pawl_str output_json,
                       yyjson_val *document, struct pawl_arena *a, struct pawl_json_writer *w, struct pawl_error *err);
void pawl_openai_read(const struct pawl_reply *reply, struct pawl_arena *a, struct pawl_outcome *out);

/* choices[] of a reply or of a stream's chunk: the one with index 0 (we never ask for more); NULL: none. */
yyjson_val *pawl_openai_choice(yyjson_val *body);
/* Is this event's data the end mark, "[DONE]"? */
bool pawl_openai_done(struct pawl_str data);
