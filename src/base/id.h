/* src/base/id.h - run ids (UUIDv7, RFC 9562) and idempotency keys (UUIDv8), and their text form. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/bytes.h"
struct pawl_id {
    uint8_t b[16];
};
enum { PAWL_ID_TEXT = 37 }; /* 36 characters and a NUL */
/* A UUIDv7 of this wall time with these 10 random bytes; `last` (zeroed at first) makes ids of one source rise. */
struct pawl_id pawl_id_v7(int64_t wall_ns, const uint8_t random[10], struct pawl_id *last);
struct pawl_id pawl_id_v8(const uint8_t bytes[16]); /* version and variant bits set, the rest kept */
void pawl_id_text(struct pawl_id id, char out[PAWL_ID_TEXT]);
bool pawl_id_parse(struct pawl_str text, struct pawl_id *out); /* the 36-character form only */
bool pawl_id_eq(struct pawl_id a, struct pawl_id b);
