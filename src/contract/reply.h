/* src/contract/reply.h - what every codec does alike with a raw reply: attempts that got no answer, JSON bodies, the
 * words of an error body. Everything in a reply is untrusted; nothing here trusts it. */
#pragma once
#include "contract/json.h"
#include "contract/outcome.h"

/* What an error body says, shown (cut at 400 bytes): the detail of problem+json (RFC 9457), error.message, message, or
 * the text itself; "an HTML page" for one; {NULL,0} where there is nothing. */
struct pawl_str pawl_reply_says(const struct pawl_reply *reply, struct pawl_arena *a);

/* The end of the transport's own words or of a command's stderr, shown; n 0: none. */
struct pawl_str pawl_reply_detail(const struct pawl_reply *reply, struct pawl_arena *a);

/* Without an answer (transport is neither ANSWERED nor TOO_LARGE): fill *out by LEDGER 2 and return true. */
bool pawl_reply_unanswered(const struct pawl_reply *reply, struct pawl_arena *a, struct pawl_outcome *out);

/* One JSON text of these bytes: white space between tokens taken out, all else as it came (a number keeps its digits).
 * A byte order mark in front is skipped. PAWL_EINVAL, *err: not JSON (contract/json.h); PAWL_ENOMEM, and
 * a->failed. */
int pawl_reply_json(struct pawl_str body, struct pawl_arena *a, struct pawl_str *out, struct pawl_error *err);

/* out->message = these words. */
void pawl_outcome_says(struct pawl_outcome *out, struct pawl_arena *a, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
