/* src/io/curl.h - libcurl, opened when the first request is about to leave. Some thirty libraries come with it (TLS, Kerberos,
 * LDAP, ...), and to load and begin them takes longer than all else of a start, while many a process calls nothing over
 * HTTP. Only calls that do not block are in the table: src/io/http_client.c drives it. */
#pragma once
#define CURL_DISABLE_TYPECHECK /* its macros do not know calls through a table */
#include <curl/curl.h>
#include "base/error.h"

#define PAWL_CURL_LIBRARY "libcurl.so.4"
/* it would be laid out otherwise each time: */
/* clang-format off */
#define PAWL_CURL_CALLS(X) \
    X(easy_init) X(easy_setopt) X(easy_getinfo) X(easy_pause) X(easy_reset) X(easy_cleanup) X(easy_strerror) \
    X(multi_init) X(multi_setopt) X(multi_add_handle) X(multi_remove_handle) X(multi_socket_action) \
    X(multi_assign) X(multi_info_read) X(multi_cleanup) X(share_init) X(share_setopt) X(share_cleanup) \
    X(slist_append) X(slist_free_all) X(getdate) X(global_init)
/* clang-format on */

struct pawl_curl { /* .easy_init is curl_easy_init, and so on */
#define X(name) __typeof__(curl_##name) *name;
    PAWL_CURL_CALLS(X)
#undef X
};
extern struct pawl_curl pawl_curl; /* once pawl_curl_open has said PAWL_OK */

/* Opens and begins it, once a process: later calls, by any thread, give the same answer. PAWL_EIO: it is not there, is too
 * old, or cannot begin. */
int pawl_curl_open(struct pawl_error *err);
