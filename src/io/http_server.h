/* src/io/http_server.h - a small HTTP/1.1 server on llhttp and libuv: whole requests in, answers out, one request at a time
 * on a connection. For loopback: pawl mock, later pawl serve. One loop, one thread.
 *
 * Limits: head 32 KiB (431), URI 8 KiB (414), 100 header fields (431), body as given (413); 10 s for a head and for each
 * 10 KiB of a body (408); 75 s idle, or while the peer takes no byte of its answer; 1,024 connections, one more is closed
 * unheard. HTTP/1.x (505), Host exactly once (400; HTTP/1.0 may do without), no CONNECT (400), no transfer coding but
 * chunked (501), no Expect but 100-continue (417); an Upgrade is ignored, trailers are dropped. A request that is refused
 * is answered and its connection closed. What comes behind a request waits until its answer is written. A peer that
 * closes its sending side before its answer is complete is taken as gone. Sources: RFC 9110, 9112. */
#pragma once
#include <uv.h>
#include "base/bytes.h"
#include "base/error.h"

struct pawl_http_server;
struct pawl_http_peer; /* a connection whose request waits for its answer */

enum { PAWL_HTTP_QUEUE_BYTES = 256 * 1024 }; /* of a stream, not yet taken by the peer */

struct pawl_http_field {
    struct pawl_str name, value;
};
struct pawl_http_incoming {         /* borrowed while the handler runs */
    struct pawl_str method, target; /* target: as sent, with its query */
    const struct pawl_http_field *fields;
    uint32_t fields_count;
    struct pawl_str body;
};
struct pawl_http_hooks {
    /* Answer now or later, by the functions below. The peer is valid until its answer is complete (answer, stream_end,
     * raw with `last`, drop, reset) or on_gone was called, whichever comes first; never both. */
    void (*on_request)(void *ctx, struct pawl_http_peer *peer, const struct pawl_http_incoming *in);
    /* Optional: the peer went, or the server closes, before the answer was complete. Never called from within the
     * functions below. */
    void (*on_gone)(void *ctx, struct pawl_http_peer *peer);
    /* Optional: a stream that was refused a piece (PAWL_EFULL) has room again. */
    void (*on_drained)(void *ctx, struct pawl_http_peer *peer);
    void *ctx;
    size_t body_bytes_max;                /* > 0 */
    uint32_t head_ms, idle_ms, peers_max; /* 0: as said above */
};

/* Listens on host:port (0: any free one; *port says which). PAWL_EBUSY: in use; PAWL_EINVAL: no such address. After an
 * error too the loop has to run once more. `hooks` is copied. */
int pawl_http_server_open(const struct pawl_alloc *from, uv_loop_t *loop, const char *host, int *port,
                          const struct pawl_http_hooks *hooks, struct pawl_http_server **out, struct pawl_error *err);
/* Drops everything. Memory goes back, and on_gone is called, while the loop runs on. NULL: fine. */
void pawl_http_server_close(struct pawl_http_server *s);

/* The first field of that name, in any case; {NULL,0}: none. */
struct pawl_str pawl_http_field_of(const struct pawl_http_incoming *in, const char *name);

/* A whole answer; `more` are further header lines, each ending in CRLF, or "". */
void pawl_http_answer(struct pawl_http_peer *peer, int status, const char *type, const char *more,
                      struct pawl_str body);
/* An answer in pieces (chunked; to HTTP/1.0 until the close): its head, the pieces, its end. */
void pawl_http_stream(struct pawl_http_peer *peer, int status, const char *type, const char *more);
/* PAWL_OK; PAWL_EFULL: PAWL_HTTP_QUEUE_BYTES wait already, nothing was taken, on_drained will tell. */
int pawl_http_piece(struct pawl_http_peer *peer, struct pawl_str bytes);
void pawl_http_stream_end(struct pawl_http_peer *peer);
/* Bytes as they are, for what a server must not send; `last`: then the connection is closed. */
void pawl_http_raw(struct pawl_http_peer *peer, struct pawl_str bytes, bool last);
void pawl_http_drop(struct pawl_http_peer *peer);  /* close without a word */
void pawl_http_reset(struct pawl_http_peer *peer); /* the same, by a TCP reset */
