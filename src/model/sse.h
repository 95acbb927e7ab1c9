/* src/model/sse.h - Server-Sent Events: bytes in at any boundaries, events out.
 *
 * Source: WHATWG HTML, "Server-sent events", interpreting an event stream. An event that its blank line does not end is
 * never seen: the end of the stream needs no call. */
#pragma once
#include "base/bytes.h"

struct pawl_sse_event {   /* borrowed for the call. Valid UTF-8 */
    struct pawl_str type; /* "message" where the stream names none */
    struct pawl_str data;
    struct pawl_str id; /* the last event id: of this event or of one before */
    bool mended;        /* bytes that are not UTF-8 were replaced by U+FFFD in data */
};

struct pawl_sse {
    void (*event)(void *ctx, const struct pawl_sse_event *e); /* must not call back into the parser */
    void *ctx;
    size_t max_bytes; /* of one line, and of one event's data */
    int64_t retry_ms; /* the reconnection time that the stream asked for; -1: none */
    struct pawl_buf line, data, type, id, text;
    bool begun, after_cr, pending; /* past the first line; the last byte was CR; data was seen since the last event */
    int failed;
};

void pawl_sse_init(struct pawl_sse *s, const struct pawl_alloc *from, size_t max_bytes,
                   void (*event)(void *ctx, const struct pawl_sse_event *e), void *ctx);
void pawl_sse_fini(struct pawl_sse *s); /* zeroed memory is fine */
/* PAWL_OK; PAWL_ENOMEM or PAWL_ELIMIT, and then for good. Any bytes are safe. */
int pawl_sse_feed(struct pawl_sse *s, const void *bytes, size_t n);
