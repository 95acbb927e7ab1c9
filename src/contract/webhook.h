/* src/contract/webhook.h - who may call back: the token in the URL that a call was given, and signatures of Standard Webhooks.
 *
 * A token is HMAC-SHA256(secret, run, step, key): nobody who has not been given it can make it, it is good for one step
 * under one idempotency key, and nothing of it is stored (whoever has the secret makes it again to compare).
 * Source: Standard Webhooks 1.0.0; RFC 2104 (HMAC), RFC 4648 (base64). */
#pragma once
#include "base/id.h"
#include "base/sha256.h"

enum { PAWL_TOKEN_TEXT = 65 }; /* 64 hexadecimal digits and a NUL */

/* RFC 2104 with SHA-256, over the parts put together (at most 7 of them). */
struct pawl_hash pawl_hmac(struct pawl_str key, const struct pawl_str *parts, size_t count);
void pawl_callback_token(struct pawl_str secret, struct pawl_id run, uint32_t step, const char *key,
                         char out[PAWL_TOKEN_TEXT]);
/* In a time that tells nothing of where they differ. */
bool pawl_same_secret(struct pawl_str a, struct pawl_str b);

struct pawl_webhook { /* as it came; {NULL,0}: absent */
    struct pawl_str id, timestamp, signature, body;
};
/* Is it signed with `secret` (whsec_BASE64, or bare) within five minutes of wall_ns? NULL: yes; else what is wrong, for a log
 * and not for whoever sent it. */
const char *pawl_webhook_fault(struct pawl_str secret, const struct pawl_webhook *w, int64_t wall_ns);
/* The value of a webhook-signature header: "v1,BASE64". out has 48 bytes. secret as above; false: it is none. */
bool pawl_webhook_sign(struct pawl_str secret, struct pawl_str id, struct pawl_str timestamp, struct pawl_str body,
                       char out[48]);
