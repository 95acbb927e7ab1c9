/* src/io/http_server_peer.h - one connection, as http_server.c (life, writing) and http_server_read.c (reading) see it.
 * Private to those two.
 *
 *   IDLE -> HEAD -> BODY -> ASKED -> WRITING -> IDLE       the answer is written, the connection kept
 *                             WRITING -> LINGERING         closed by us: our side is shut, what still comes is not looked
 *   HEAD, BODY -> WRITING -> LINGERING                     at for a moment, so that the answer is not lost by a reset
 * A stream is ASKED until its end. From each of them the peer may go, or be dropped: `closing`. */
#pragma once
#include <llhttp.h>
#include "io/http_server.h"

enum {
    HTTP_HEAD_BYTES = 32 * 1024,
    HTTP_URI_BYTES = 8 * 1024,
    HTTP_FIELDS_MAX = 100,
    HTTP_PEERS_MAX = 1024,
    HTTP_HEAD_MS = 10000,
    HTTP_IDLE_MS = 75000,
    HTTP_LINGER_MS = 1000,
    HTTP_BODY_STEP = 10 * 1024, /* each head_ms at least */
    HTTP_READ_BYTES = 64 * 1024,
    HTTP_KEPT_BYTES = 16 * 1024 /* of a buffer, from one request to the next */
};
enum http_phase { PEER_IDLE, PEER_HEAD, PEER_BODY, PEER_ASKED, PEER_WRITING, PEER_LINGERING };

struct pawl_http_server {
    const struct pawl_alloc *from;
    struct pawl_http_hooks hooks;
    uv_tcp_t listener, spare; /* spare: takes a connection for which there is no memory, to close it */
    struct pawl_http_peer *peers;
    uint32_t count;
    bool closing, listener_closed, spare_open, one_more_waits;
    llhttp_settings_t settings;
    char read[HTTP_READ_BYTES]; /* what comes is copied on at once, so one serves all */
};

struct http_span { /* into head */
    uint32_t at, n;
};

struct pawl_http_peer {
    struct pawl_http_peer *next, **prev;
    struct pawl_http_server *s;
    uv_tcp_t tcp;
    uv_timer_t timer;
    uv_shutdown_t shut;
    llhttp_t parser;
    struct pawl_buf in, head, body; /* in: what came and is not parsed yet, from `at` on */
    size_t at, phase_bytes, body_mark;
    size_t queued_bytes;             /* given to libuv and not taken by the kernel yet, in whole writes */
    size_t given_bytes, taken_bytes; /* in all; taken: when the timer was set */
    struct http_span target, names[HTTP_FIELDS_MAX], values[HTTP_FIELDS_MAX];
    uint32_t fields;
    enum http_phase phase;
    int refused; /* status, or 0 */
    uint8_t handles_open;
    bool in_value, keep, closing, read_stopped, ended; /* ended: the peer sends no more */
    bool head_only, chunked, wants_drain;
};

/* http_server.c */
void http_close_peer(struct pawl_http_peer *p);
void http_time(struct pawl_http_peer *p, uint32_t ms);         /* from now on */
void http_refuse(struct pawl_http_peer *p, int status);        /* answers, then closes */
void http_interim(struct pawl_http_peer *p, const char *text); /* bytes before the answer */

/* http_server_read.c */
void http_read_settings(llhttp_settings_t *settings);
void http_read_start(struct pawl_http_peer *p);
void http_read_on(struct pawl_http_peer *p); /* the phase is IDLE again: what waits in `in` may be parsed */
