/* src/io/http_server.h - a small HTTP/1.1 server on llhttp and libuv: whole requests in, answers out, one request at a time
 * on a connection. For loopback: pawl mock, later pawl serve. One loop, one thread.
 *
 * Limits: head 32 KiB (431), URI 8 KiB (414), 100 header fields (431), body as given (413), 10 s for a head, 75 s idle, 1,024
 * connections; Host exactly once, Upgrade refused. A request that is refused is answered and its connection closed. */
#pragma once
#include <uv.h>
#include "base/bytes.h"
#include "base/error.h"

struct pawl_http_server;
struct
    pawl_http_peer; /* a connection whose request waits for its answer; valid until it is answered, dropped or gone */

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
    /* Answer now or later, by one of the functions below. */
    void (*on_request)(void *ctx, struct pawl_http_peer *peer, const struct pawl_http_incoming *in);
    /* Optional: a peer that was not answered yet has gone; it is not valid any more. */
    void (*on_gone)(void *ctx, struct pawl_http_peer *peer);
    void *ctx;
    size_t body_bytes_max; /* > 0 */
};

/* Listens on host:port (0: any free one; *port says which). PAWL_EBUSY: in use; PAWL_EINVAL: no such address. */
int pawl_http_server_open(const struct pawl_alloc *from, uv_loop_t *loop, const char *host, int *port,
                          const struct pawl_http_hooks *hooks, struct pawl_http_server **out, struct pawl_error *err);
/* Drops everything. Memory goes back when the loop has run once more. NULL: fine. */
void pawl_http_server_close(struct pawl_http_server *s);

struct pawl_str pawl_http_field_of(const struct pawl_http_incoming *in,
                                   const char *name); /* any case; {NULL,0}: none */
/* A whole answer; `more` are further header lines, each ending in CRLF, or "". */
void pawl_http_answer(struct pawl_http_peer *peer, int status, const char *type, const char *more,
                      struct pawl_str body);
/* Bytes as they are (a stream's head and pieces, or what a server must not send); `last`: then the connection is closed. */
void pawl_http_raw(struct pawl_http_peer *peer, struct pawl_str bytes, bool last);
void pawl_http_drop(struct pawl_http_peer *peer); /* close without a word */
