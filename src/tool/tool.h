/* src/tool/tool.h - the codec of tools: a call to the fixed request that leaves, a reply to what it tells.
 *
 * The fixed request (LEDGER 5) is canonical JSON, recorded with the intent and sent again unchanged:
 *   http     {"http":{"method","url","headers":{name: value},"body":TEXT or null}}  header values with ${env:…} references;
 *            the key's header is among them; body is the JSON text to send; "callback": {"header": NAME} or {"field": NAME}
 *            where the driver puts the URL to call back
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

/* poll.c: a call that was accepted (202). The monitor that it names, absolute against `base` (where it was named): at the
 * origin of the tool's own request, or at one of async.hosts. PAWL_EINVAL, *err: it may not be asked; PAWL_ENOMEM. */
int pawl_tool_monitor(const struct pawl_tool *t, struct pawl_str request, struct pawl_str base, struct pawl_str named,
                      struct pawl_arena *a, struct pawl_str *url, struct pawl_error *err);
/* The fixed request that asks it: a GET with the headers of the call's own (secrets as references), without its key and
 * its body. `request` is the call's. PAWL_ENOMEM, PAWL_EINVAL. */
int pawl_tool_poll(const struct pawl_tool *t, struct pawl_str request, struct pawl_str monitor, struct pawl_buf *out);
/* ... and the one that tells it to stop the call (async.cancel). */
int pawl_tool_stop(const struct pawl_tool *t, struct pawl_str request, struct pawl_str monitor, struct pawl_buf *out);
/* What the monitor says; of a callback: {ANSWERED, 200, its body}. at_result: a body is the result, whatever it looks like. */
void pawl_tool_news(const struct pawl_tool *t, const struct pawl_reply *reply, bool at_result, struct pawl_arena *a,
                    struct pawl_news *out);
