/* src/io/http_request.h - inside the HTTP client only: one request, between http_request.c, which makes it and reads
 * its answer, and http_client.c, which moves it. */
#pragma once
#include "base/heap.h"
#include "io/curl.h"
#include "io/http_client.h"
#include "io/sigpipe.h"

enum { PAWL_HTTP_HEAD_BYTES_MAX = 64 * 1024, PAWL_HTTP_HEADERS_MAX = 200, PAWL_HTTP_EASY_KEPT = 32 };

/* What the deadline in pawl_http_request.due is for. */
enum pawl_http_phase { PAWL_HTTP_CONNECTING, PAWL_HTTP_WAITING, PAWL_HTTP_READING };

struct pawl_http_request {
    struct pawl_heap_node due; /* first: the heap gives it back */
    struct pawl_http_client *client;
    struct pawl_http_request *prev, *next;
    struct pawl_http_call call;
    CURL *easy;
    struct curl_slist *lines; /* the headers that curl borrows */
    struct pawl_arena arena;  /* the texts below */
    struct pawl_http_header *headers;
    uint32_t headers_count, headers_size;
    size_t head_bytes;
    struct pawl_buf body;
    int32_t status;
    enum pawl_http_phase phase;
    uint32_t sendings; /* how often libcurl was about to send it */
    int64_t began_ns, first_byte_ns, piece_ns;
    bool added;   /* curl's multi handle has it */
    bool done;    /* on_done runs */
    bool nudged;  /* its time is over, and it was given one more look at its socket */
    bool in_body; /* the head is whole */
    bool paused, cancelled, too_large, no_memory, repeated;
    bool late; /* a time of ours was over */
    char words[CURL_ERROR_SIZE];
};

struct pawl_http_client {
    const struct pawl_alloc *from;
    uv_loop_t *loop;
    CURLM *multi;  /* NULL: nothing was asked for yet */
    CURLSH *share; /* TLS sessions, so that a fresh connection need not begin from nothing */
    long idle_connections_max;
    struct pawl_arena arena;
    const char *user_agent, *ca_file;
    uv_timer_t curl_timer, due_timer;
    struct pawl_heap due;
    struct pawl_http_request *requests; /* all, in no order that matters */
    CURL *easies[PAWL_HTTP_EASY_KEPT];
    uint32_t easies_count;
    uint32_t handles; /* libuv's, not yet closed */
    uint32_t inside;  /* calls of curl that have not returned */
    uint32_t loose;   /* requests to be handed to curl or taken from it, once no call of curl is under way */
    int64_t armed_ns; /* due_timer fires then; INT64_MAX: it is off */
    bool settling, closing, dismantled;
    struct pawl_sigpipe sigpipe;
};

/* Makes r->easy do r->call. PAWL_EINVAL, PAWL_ENOMEM; what was made is given back by pawl_http_request_fini. */
int pawl_http_request_init(struct pawl_http_request *r, CURL *easy, struct pawl_error *err);
void pawl_http_request_fini(struct pawl_http_request *r); /* all but r->easy, which is the client's again */
bool pawl_http_request_sent(const struct pawl_http_request *r);
/* How it ended, by curl's word `code`; CURLE_OK with r->late: by our clock. */
void pawl_http_request_result(struct pawl_http_request *r, CURLcode code, struct pawl_http_result *out);
/* When the present phase is over, or all of it. */
int64_t pawl_http_request_due_ns(const struct pawl_http_request *r);
void pawl_http_request_moved(struct pawl_http_request *r); /* in http_client.c: the deadline is another now */
