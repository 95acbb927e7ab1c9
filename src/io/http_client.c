/* src/io/http_client.c - curl's multi handle on a libuv loop: sockets by uv_poll, curl's own timer, and one timer for
 * the deadlines of all requests, which are ours.
 *
 * curl must not be called from its own callbacks in most ways, and the caller's callbacks may do as they like. So what
 * they ask for while a call of curl is under way is noted in the request, and settle() does it when no call is. */
#include "io/http_client.h"
#include <assert.h>
#include <stddef.h>
#include <string.h>
#include "io/clock.h"
#include "io/fail.h"
#include "io/http_request.h"

struct http_socket {
    uv_poll_t poll;
    struct pawl_http_client *client;
    curl_socket_t fd;
};

static void settle(struct pawl_http_client *c);
static int on_timer_wanted(CURLM *multi, long ms, void *ctx);
static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket);

static void enter(struct pawl_http_client *c)
{
    if (c->inside++ == 0) pawl_sigpipe_hold(&c->sigpipe);
}

static void leave(struct pawl_http_client *c)
{
    assert(c->inside > 0);
    if (--c->inside > 0) return;
    pawl_sigpipe_release(&c->sigpipe);
    settle(c);
}

/* Deadlines */

static void on_due(uv_timer_t *timer);

static void arm(struct pawl_http_client *c)
{
    const struct pawl_heap_node *first = pawl_heap_first(&c->due);
    /* One that fires too early looks and arms again: cheaper than to move it for each piece of an answer. */
    if (!first || first->due_ns >= c->armed_ns) return;
    const int64_t left = first->due_ns - pawl_clock_mono_ns();
    uv_update_time(c->loop);
    uv_timer_start(&c->due_timer, on_due, left > 0 ? (uint64_t)left / 1000000 + 1 : 0, 0);
    c->armed_ns = first->due_ns;
}

static void set_due(struct pawl_http_request *r, int64_t due_ns)
{
    const int code = pawl_heap_set(&r->client->due, &r->due, due_ns);
    assert(code == PAWL_OK); /* it is in there since its start: moving takes no memory */
    (void)code;
    arm(r->client);
}

void pawl_http_request_moved(struct pawl_http_request *r)
{
    const int64_t due_ns = pawl_http_request_due_ns(r);
    if (due_ns <= r->piece_ns) return; /* it is over, whatever comes: no more last looks */
    r->nudged = false;
    if (r->due.due_ns != due_ns) set_due(r, due_ns);
}

static void on_due(uv_timer_t *timer)
{
    struct pawl_http_client *c = timer->data;
    c->armed_ns = INT64_MAX;
    settle(c);
    /* settle() may have closed the client; its memory is there until the loop has run on. */
    if (!c->closing) arm(c);
}

/* Requests come and go */

static void free_request(struct pawl_http_request *r)
{
    const struct pawl_alloc *from = r->client->from;
    from->resize(from->ctx, r, sizeof *r, 0);
}

static void put_easy(struct pawl_http_client *c, CURL *easy)
{
    pawl_curl.easy_reset(easy);
    if (c->easies_count < PAWL_HTTP_EASY_KEPT) c->easies[c->easies_count++] = easy;
    else pawl_curl.easy_cleanup(easy);
}

/* An idle client wakes nobody. */
static void forget_due(struct pawl_http_request *r)
{
    struct pawl_http_client *c = r->client;
    pawl_heap_drop(&c->due, &r->due);
    if (pawl_heap_first(&c->due)) return;
    uv_timer_stop(&c->due_timer);
    c->armed_ns = INT64_MAX;
}

static void take_out(struct pawl_http_request *r)
{
    struct pawl_http_client *c = r->client;
    assert(c->inside == 0);
    if (!r->added) return;
    /* Not through leave(): whoever takes out is settling already. */
    pawl_sigpipe_hold(&c->sigpipe);
    c->inside++;
    pawl_curl.multi_remove_handle(c->multi, r->easy);
    c->inside--;
    pawl_sigpipe_release(&c->sigpipe);
    r->added = false;
}

static void drop(struct pawl_http_request *r)
{
    struct pawl_http_client *c = r->client;
    take_out(r);
    forget_due(r);
    if (r->prev) r->prev->next = r->next;
    else c->requests = r->next;
    if (r->next) r->next->prev = r->prev;
    put_easy(c, r->easy);
    pawl_http_request_fini(r);
    free_request(r);
}

static void finish(struct pawl_http_request *r, CURLcode code)
{
    struct pawl_http_result result;
    pawl_http_request_result(r, code, &result);
    take_out(r);
    forget_due(r);
    r->done = true;
    r->call.on_done(r->call.ctx, &result);
    drop(r);
}

/* Those that were started or cancelled from within a callback of curl. */
static void settle_loose(struct pawl_http_client *c)
{
    for (struct pawl_http_request *r = c->requests, *next; r && c->loose > 0 && !c->closing; r = next) {
        next = r->next;
        if (r->done || (r->added && !r->cancelled)) continue;
        c->loose--;
        if (r->cancelled) {
            drop(r);
        } else {
            r->added = pawl_curl.multi_add_handle(c->multi, r->easy) == CURLM_OK;
            if (r->added) continue;
            finish(r, CURLE_FAILED_INIT);
            next = c->requests; /* on_done may have changed the list */
        }
    }
}

static bool settle_message(struct pawl_http_client *c)
{
    int left;
    const CURLMsg *m = pawl_curl.multi_info_read(c->multi, &left);
    if (!m) return false;
    if (m->msg != CURLMSG_DONE) return true;
    struct pawl_http_request *r = NULL;
    pawl_curl.easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &r);
    assert(r && !r->done);
    if (!r->cancelled) finish(r, m->data.result);
    return true;
}

/* When the loop was held up, timers come before what waits in the sockets: each gets a last look before it is late. */
static bool settle_due(struct pawl_http_client *c)
{
    struct pawl_heap_node *first = pawl_heap_first(&c->due);
    const int64_t now_ns = pawl_clock_mono_ns();
    if (!first || first->due_ns > now_ns) return false;
    struct pawl_http_request *r = (struct pawl_http_request *)first;
    if (!r->nudged) {
        r->nudged = true;
        set_due(r, now_ns + 1000000);
    } else {
        r->late = true;
        finish(r, CURLE_OK);
    }
    return true;
}

static void dismantle(struct pawl_http_client *c);

static void settle(struct pawl_http_client *c)
{
    if (c->inside || c->settling) return;
    c->settling = true;
    bool more = true;
    while (more && !c->closing) {
        settle_loose(c);
        more = !c->closing && settle_message(c);
        if (!more && !c->closing) more = settle_due(c);
        more = more || c->loose > 0;
    }
    c->settling = false;
    if (c->closing) dismantle(c);
}

/* libcurl is there from the first request on. */
static int begin(struct pawl_http_client *c, struct pawl_error *err)
{
    const int code = c->multi ? PAWL_OK : pawl_curl_open(err);
    if (code || c->multi) return code;
    CURLM *multi = pawl_curl.multi_init();
    CURLSH *share = pawl_curl.share_init();
    if (!multi || !share || pawl_curl.share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) != CURLSHE_OK) {
        if (multi) pawl_curl.multi_cleanup(multi);
        if (share) pawl_curl.share_cleanup(share);
        return pawl_fail(err, PAWL_ENOMEM, "http", "", "no memory for an HTTP client");
    }
    pawl_curl.multi_setopt(multi, CURLMOPT_MAXCONNECTS, c->idle_connections_max);
    pawl_curl.multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
    pawl_curl.multi_setopt(multi, CURLMOPT_SOCKETDATA, c);
    pawl_curl.multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
    pawl_curl.multi_setopt(multi, CURLMOPT_TIMERDATA, c);
    c->multi = multi;
    c->share = share;
    return PAWL_OK;
}

int pawl_http_start(struct pawl_http_client *c, const struct pawl_http_call *call, struct pawl_http_request **out,
                    struct pawl_error *err)
{
    assert(!c->closing);
    assert(call->on_done);
    assert(call->connect_timeout_ns > 0 && call->first_byte_timeout_ns > 0 && call->total_timeout_ns > 0);
    assert(call->body_bytes_max > 0 && call->body_bytes_max <= UINT32_MAX);
    *out = NULL;
    int code = begin(c, err);
    if (code) return code;
    struct pawl_http_request *r = c->from->resize(c->from->ctx, NULL, 0, sizeof *r);
    CURL *easy = c->easies_count > 0 ? c->easies[--c->easies_count] : pawl_curl.easy_init();
    if (!r || !easy) {
        if (r) c->from->resize(c->from->ctx, r, sizeof *r, 0);
        if (easy) put_easy(c, easy);
        return pawl_fail(err, PAWL_ENOMEM, "url", "", "no memory for a request");
    }
    *r = (struct pawl_http_request){.client = c, .call = *call};
    code = pawl_http_request_init(r, easy, err);
    if (!code && pawl_heap_set(&c->due, &r->due, pawl_http_request_due_ns(r)))
        code = pawl_fail(err, PAWL_ENOMEM, "url", "", "no memory for a request");
    if (!code && c->inside == 0 && pawl_curl.multi_add_handle(c->multi, easy) != CURLM_OK)
        code = pawl_fail(err, PAWL_ENOMEM, "url", "", "libcurl refuses one more request");
    if (code) {
        pawl_heap_drop(&c->due, &r->due);
        put_easy(c, easy);
        pawl_http_request_fini(r);
        free_request(r);
        return code;
    }
    r->added = c->inside == 0;
    c->loose += !r->added;
    r->next = c->requests;
    if (r->next) r->next->prev = r;
    c->requests = r;
    arm(c);
    *out = r;
    return PAWL_OK;
}

bool pawl_http_cancel(struct pawl_http_request *r)
{
    struct pawl_http_client *c = r->client;
    const bool sent = pawl_http_request_sent(r);
    if (r->done || r->cancelled) return sent; /* from its own last callback */
    r->cancelled = true;
    if (c->inside > 0 || c->settling) {
        c->loose += r->added; /* one that waits to be added is loose already */
    } else {
        drop(r);
    }
    return sent;
}

void pawl_http_pause(struct pawl_http_request *r)
{
    if (r->done || r->cancelled || r->paused) return;
    r->paused = true;
    enter(r->client);
    pawl_curl.easy_pause(r->easy, CURLPAUSE_RECV);
    pawl_http_request_moved(r);
    leave(r->client);
}

void pawl_http_resume(struct pawl_http_request *r)
{
    if (r->done || r->cancelled || !r->paused) return;
    r->paused = false;
    r->piece_ns = pawl_clock_mono_ns();
    enter(r->client);
    pawl_http_request_moved(r);
    pawl_curl.easy_pause(r->easy, CURLPAUSE_CONT); /* may bring what curl had kept: on_data */
    leave(r->client);
}

/* curl and libuv */

static void on_poll(uv_poll_t *poll, int status, int events)
{
    const struct http_socket *s = poll->data;
    struct pawl_http_client *c = s->client;
    int running, what = 0;
    if (status < 0) what |= CURL_CSELECT_ERR;
    if (events & UV_READABLE) what |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE) what |= CURL_CSELECT_OUT;
    enter(c);
    pawl_curl.multi_socket_action(c->multi, s->fd, what, &running);
    leave(c);
}

static void on_curl_timer(uv_timer_t *timer)
{
    struct pawl_http_client *c = timer->data;
    int running;
    enter(c);
    pawl_curl.multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    leave(c);
}

static int on_timer_wanted(CURLM *multi, long ms, void *ctx)
{
    (void)multi;
    struct pawl_http_client *c = ctx;
    if (ms < 0) uv_timer_stop(&c->curl_timer);
    else uv_timer_start(&c->curl_timer, on_curl_timer, (uint64_t)ms, 0);
    return 0;
}

static void handle_closed(struct pawl_http_client *c)
{
    assert(c->handles > 0);
    if (--c->handles > 0 || !c->dismantled) return;
    const struct pawl_alloc *from = c->from;
    pawl_heap_fini(&c->due);
    pawl_arena_fini(&c->arena);
    from->resize(from->ctx, c, sizeof *c, 0);
}

static void on_socket_closed(uv_handle_t *handle)
{
    struct http_socket *s = handle->data;
    struct pawl_http_client *c = s->client;
    c->from->resize(c->from->ctx, s, sizeof *s, 0);
    handle_closed(c);
}

static struct http_socket *watch(struct pawl_http_client *c, curl_socket_t fd)
{
    struct http_socket *s = c->from->resize(c->from->ctx, NULL, 0, sizeof *s);
    if (!s) return NULL;
    *s = (struct http_socket){.client = c, .fd = fd};
    s->poll.data = s;
    if (uv_poll_init_socket(c->loop, &s->poll, fd)) {
        c->from->resize(c->from->ctx, s, sizeof *s, 0);
        return NULL;
    }
    c->handles++;
    pawl_curl.multi_assign(c->multi, fd, s);
    return s;
}

static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket)
{
    (void)easy;
    struct pawl_http_client *c = ctx;
    struct http_socket *s = socket;
    if (what == CURL_POLL_REMOVE) {
        if (!s) return 0;
        pawl_curl.multi_assign(c->multi, fd, NULL);
        uv_poll_stop(&s->poll);
        uv_close((uv_handle_t *)&s->poll, on_socket_closed);
        return 0;
    }
    if (!s) s = watch(c, fd);
    /* To fail here would end every request of this client for good; without its socket this one runs out of time. */
    if (!s) return 0;
    const int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    uv_poll_start(&s->poll, events, on_poll);
    return 0;
}

/* The client */

static void on_timer_closed(uv_handle_t *handle)
{
    handle_closed(handle->data);
}

static void dismantle(struct pawl_http_client *c)
{
    assert(!c->dismantled && c->inside == 0);
    while (c->requests) drop(c->requests);
    pawl_sigpipe_hold(&c->sigpipe);
    c->inside++;
    for (uint32_t i = 0; i < c->easies_count; i++) pawl_curl.easy_cleanup(c->easies[i]);
    if (c->multi) pawl_curl.multi_cleanup(c->multi);
    if (c->share) pawl_curl.share_cleanup(c->share);
    c->inside--;
    pawl_sigpipe_release(&c->sigpipe);
    c->dismantled = true;
    uv_close((uv_handle_t *)&c->curl_timer, on_timer_closed);
    uv_close((uv_handle_t *)&c->due_timer, on_timer_closed);
}

void pawl_http_client_free(struct pawl_http_client *c)
{
    if (!c) return;
    assert(!c->closing);
    c->closing = true;
    for (struct pawl_http_request *r = c->requests; r; r = r->next) r->cancelled = true;
    settle(c);
}

static bool copy_texts(struct pawl_http_client *c, const struct pawl_http_settings *settings)
{
    const char *agent = settings->user_agent ? settings->user_agent : "pawl/" PAWL_VERSION;
    c->user_agent = pawl_arena_copy(&c->arena, agent, strlen(agent));
    if (settings->ca_file) c->ca_file = pawl_arena_copy(&c->arena, settings->ca_file, strlen(settings->ca_file));
    return c->user_agent && (!settings->ca_file || c->ca_file);
}

int pawl_http_client_new(const struct pawl_alloc *from, uv_loop_t *loop, const struct pawl_http_settings *settings,
                         struct pawl_http_client **out, struct pawl_error *err)
{
    const struct pawl_http_settings none = {0};
    *out = NULL;
    if (!settings) settings = &none;
    struct pawl_http_client *c = from->resize(from->ctx, NULL, 0, sizeof *c);
    if (!c) return pawl_fail(err, PAWL_ENOMEM, "http", "", "no memory for an HTTP client");
    *c = (struct pawl_http_client){.from = from, .loop = loop, .armed_ns = INT64_MAX, .handles = 2};
    pawl_arena_init(&c->arena, from);
    pawl_heap_init(&c->due, from);
    uv_timer_init(loop, &c->curl_timer);
    uv_timer_init(loop, &c->due_timer);
    c->curl_timer.data = c->due_timer.data = c;
    c->idle_connections_max = settings->idle_connections_max ? (long)settings->idle_connections_max : 32;
    if (!copy_texts(c, settings)) {
        pawl_http_client_free(c);
        return pawl_fail(err, PAWL_ENOMEM, "http", "", "no memory for an HTTP client");
    }
    *out = c;
    return PAWL_OK;
}
