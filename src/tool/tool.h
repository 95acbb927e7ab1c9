/* src/tool/tool.h - the codec of tools: a call to the fixed request that leaves, a reply to what it tells.
 *
 * The fixed request (LEDGER 5) is canonical JSON, recorded with the intent and sent again unchanged:
 *   http     {"http":{"method","url","headers":{name: value},"body":TEXT or null}}  header values with ${env:…} references;
 *            the key's header is among them; body is the JSON text to send
 *   command  {"command":{"argv":[…],"stdin":TEXT,"env":{"PAWL_IDEMPOTENCY_KEY":key, …}}}
 *   inprocess {"call":{"name","args":…,"key"}} */
#pragma once
#include "contract/outcome.h"
#include "contract/template.h"

/* document: {"args":…, "run":{"id","key","agent","input"}}. key n 0: none goes along (verify's look, which is no attempt).
 * PAWL_EINVAL: a template lacks a value; *err names it. */
int pawl_tool_render(const struct pawl_config *c, const struct pawl_tool *t, yyjson_val *document, struct pawl_str key,
                     struct pawl_buf *out, struct pawl_error *err);
/* LEDGER 2, first match wins, refined by t->errors. Does not look at t->output: contract-out does. `attempt` is from 1;
 * keyed: this tool honours keys and this was sent before under the same one. */
void pawl_tool_read(const struct pawl_tool *t, const struct pawl_reply *reply, bool keyed_resend, struct pawl_arena *a,
                    struct pawl_outcome *out);
