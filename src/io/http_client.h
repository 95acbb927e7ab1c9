/* src/io/http_client.h - HTTP requests over libcurl's multi interface on a libuv loop. One loop, one thread.
 *
 * What matters here is to be honest about what is known of a request that had no whole answer (DESIGN 4.1):
 *   NOT_SENT   not one byte of the request was written: no address, no connection, no TLS, bad URL, time over before
 *   LOST       some of it was written, then the connection ended, or what came is not HTTP, or the answer was cut
 *   NO_ANSWER  some of it was written, then a time was over (first byte, idle, total)
 * and never to send a request a second time unasked: a call with `changes` travels on a connection of its own, which
 * cannot be a stale one, and whatever libcurl would repeat is stopped before its first byte and reported LOST.
 *
 * on_done may come from a timer's callback: a caller that runs its loop by UV_RUN_ONCE calls uv_stop there, or libuv
 * goes on to wait for its sockets first.
 *
 * Redirects are not followed. http and https only. Proxies as the environment says (http_proxy, no_proxy, ...). */
#pragma once
#include <uv.h>
#include "base/bytes.h"
#include "base/error.h"

struct pawl_http_header {
    struct pawl_str name, value;
};

struct pawl_http_settings {        /* zeroed: the defaults */
    const char *user_agent;        /* NULL: pawl/VERSION */
    const char *ca_file;           /* NULL: the system's certificates */
    uint32_t idle_connections_max; /* kept open for reuse; 0: 32 */
};

enum pawl_http_end { PAWL_HTTP_ANSWERED, PAWL_HTTP_NOT_SENT, PAWL_HTTP_LOST, PAWL_HTTP_NO_ANSWER, PAWL_HTTP_TOO_LARGE };

struct pawl_http_result { /* all borrowed until the callback returns; all of it untrusted */
    enum pawl_http_end end;
    int32_t status;       /* 0: no head came. May be set beside LOST, NO_ANSWER, TOO_LARGE */
    struct pawl_str body; /* what came of it, at most body_bytes_max */
    /* Values of headers, {NULL,0}: absent. Of several Retry-After the longest, of several others the last. */
    struct pawl_str type, retry_after, retry_after_ms, should_retry, date, location, requests_left, tokens_left;
    struct pawl_str operation_location;     /* also Azure-AsyncOperation */
    const struct pawl_http_header *headers; /* all of them, in order, names as they came */
    uint32_t headers_count;
    struct pawl_str detail;         /* what went wrong, in the transport's words; ANSWERED: {NULL,0} */
    bool hedged;                    /* http_hedge.h: it was asked a second time */
    bool reused;                    /* went over a connection that had been used before */
    int64_t took_ns, first_byte_ns; /* from start; first_byte_ns 0: none came */
};

struct pawl_http_call {     /* all that it points to is lent until on_done, or until cancel returns */
    struct pawl_str method; /* "GET", "POST", ... */
    struct pawl_str url;
    const struct pawl_http_header
        *headers; /* not Content-Length, Transfer-Encoding, Connection, Expect: those are ours */
    uint32_t headers_count;
    struct pawl_str body;          /* {NULL,0}: none; with p set and n 0 a body of no bytes */
    bool changes;                  /* may change something: see above. Model calls are not meant */
    bool once;                     /* is paid for each time: goes over any connection, and is not repeated by libcurl */
    int64_t connect_timeout_ns;    /* name, connection, TLS; > 0 */
    int64_t first_byte_timeout_ns; /* from the connection on; > 0 */
    int64_t idle_timeout_ns;       /* between pieces of the answer; 0: only the total counts */
    int64_t total_timeout_ns;      /* > 0 */
    size_t body_bytes_max;         /* > 0; the body is kept up to this, one byte more is TOO_LARGE */
    /* Optional: the head is there (status and headers, no body yet); a piece of the body (it is also kept). Both may
     * start and cancel calls, this one included. Then on_done, once, never from within start. */
    void (*on_head)(void *ctx, const struct pawl_http_result *head);
    void (*on_data)(void *ctx, struct pawl_str piece);
    void (*on_done)(void *ctx, const struct pawl_http_result *result);
    void *ctx;
};

struct pawl_http_client;
struct pawl_http_request; /* one call under way: valid until on_done returns, or cancelled */

/* `settings` NULL: the defaults. PAWL_ENOMEM. */
int pawl_http_client_new(const struct pawl_alloc *from, uv_loop_t *loop, const struct pawl_http_settings *settings,
                         struct pawl_http_client **out, struct pawl_error *err);
/* Cancels what is under way. Memory goes back when the loop has run once more (before uv_loop_close). NULL: fine. */
void pawl_http_client_free(struct pawl_http_client *c);

/* PAWL_EINVAL: method, URL or a header cannot be sent (nothing was); PAWL_ENOMEM; PAWL_EIO: libcurl cannot be had. */
int pawl_http_start(struct pawl_http_client *c, const struct pawl_http_call *call, struct pawl_http_request **out,
                    struct pawl_error *err);
/* No callback comes any more. True: some of the request may have been written. */
bool pawl_http_cancel(struct pawl_http_request *r);
/* Stop reading the answer for now (a slow reader behind us), and go on; resume may bring a piece at once. While it is
 * paused no idle time is counted. */
void pawl_http_pause(struct pawl_http_request *r);
void pawl_http_resume(struct pawl_http_request *r);
