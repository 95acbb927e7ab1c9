/* src/io/http_request.c - one request: what curl is told, what curl's callbacks bring, what that means.
 *
 * Sent or not: curl calls on_sending between the connection being there (name, TCP, TLS) and the first byte of the
 * request, on every try, and CURLINFO_REQUEST_SIZE counts what the socket took. Without the first or with a count of 0
 * nothing can have been read by the server. (TLS: curl writes at most one record at a time, and a record that did not
 * go out whole cannot be opened.) HTTP/2 counts what was handed to its framing: then "sent" may be said too often. */
#include "io/http_request.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "io/clock.h"

static bool is_token(struct pawl_str s)
{
    if (s.n == 0) return false;
    for (uint32_t i = 0; i < s.n; i++) {
        const unsigned char c = (unsigned char)s.p[i];
        const bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        if (!letter && !(c >= '0' && c <= '9') && !(c && strchr("!#$%&'*+-.^_`|~", c))) return false;
    }
    return true;
}

static bool is_value(struct pawl_str s)
{
    for (uint32_t i = 0; i < s.n; i++) {
        const unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) return false;
    }
    return true;
}

static bool is_url(struct pawl_str s)
{
    if (!(s.n > 7 && strncasecmp(s.p, "http://", 7) == 0) && !(s.n > 8 && strncasecmp(s.p, "https://", 8) == 0))
        return false;
    for (uint32_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= 0x20 || s.p[i] == 0x7f) return false;
    return true;
}

static bool named(struct pawl_str s, const char *name)
{
    return s.n == strlen(name) && strncasecmp(s.p, name, s.n) == 0;
}

static int check(const struct pawl_http_call *call, struct pawl_error *err)
{
    if (!is_token(call->method) || call->method.n > 32)
        return pawl_fail(err, PAWL_EINVAL, "method", "", "expected an HTTP method, found '%.*s'",
                         (int)(call->method.n < 64 ? call->method.n : 64), call->method.p);
    if (!is_url(call->url))
        return pawl_fail(err, PAWL_EINVAL, "url", "", "expected http:// or https:// without blanks, found '%.*s'",
                         (int)(call->url.n < 200 ? call->url.n : 200), call->url.p);
    for (uint32_t i = 0; i < call->headers_count; i++) {
        const struct pawl_http_header *h = call->headers + i;
        static const char *const ours[] = {"Content-Length", "Transfer-Encoding", "Connection", "Expect"};
        if (!is_token(h->name)) return pawl_fail(err, PAWL_EINVAL, "headers", "", "header %u: not a name", i + 1);
        /* The value stays out of the message: it may be a secret. */
        if (!is_value(h->value))
            return pawl_fail(err, PAWL_EINVAL, "headers", "", "header %.*s: its value holds a control character",
                             (int)h->name.n, h->name.p);
        for (size_t k = 0; k < sizeof ours / sizeof *ours; k++)
            if (named(h->name, ours[k]))
                return pawl_fail(err, PAWL_EINVAL, "headers", "leave it out", "header %s is not for the caller to set",
                                 ours[k]);
    }
    return PAWL_OK;
}

static bool add_line(struct pawl_http_request *r, const char *line)
{
    struct curl_slist *longer = pawl_curl.slist_append(r->lines, line);
    if (longer) r->lines = longer;
    return longer != NULL;
}

static bool add_lines(struct pawl_http_request *r)
{
    bool has_type = false, fine = true;
    for (uint32_t i = 0; i < r->call.headers_count; i++) {
        const struct pawl_http_header *h = r->call.headers + i;
        struct pawl_str value = h->value;
        while (value.n > 0 && (*value.p == ' ' || *value.p == '\t')) value.p++, value.n--;
        has_type = has_type || named(h->name, "Content-Type");
        struct pawl_buf line;
        pawl_buf_init_arena(&line, &r->arena);
        pawl_buf_str(&line, h->name);
        pawl_buf_text(&line, value.n ? ": " : ";"); /* curl's way to say: empty, and send it */
        pawl_buf_str(&line, value);
        const struct pawl_str text = pawl_buf_done(&line);
        fine = fine && text.p && add_line(r, text.p);
    }
    /* Nothing that curl would add by itself: a wait for 100-continue, a form's type. */
    fine = fine && add_line(r, "Expect:");
    if (!has_type) fine = fine && add_line(r, "Content-Type:");
    return fine;
}

/* About to send. A second time is curl's own repeat, of a connection that died or a stream that was refused. */
static int on_sending(void *ctx, char *there, char *here, int there_port, int here_port)
{
    (void)there, (void)here, (void)there_port, (void)here_port;
    struct pawl_http_request *r = ctx;
    if (r->cancelled) return CURL_PREREQFUNC_ABORT;
    if ((r->call.changes || r->call.once) && r->sendings > 0) {
        r->repeated = true;
        return CURL_PREREQFUNC_ABORT;
    }
    r->sendings++;
    r->phase = PAWL_HTTP_WAITING;
    r->piece_ns = pawl_clock_mono_ns();
    pawl_http_request_moved(r);
    return CURL_PREREQFUNC_OK;
}

static bool keep_header(struct pawl_http_request *r, struct pawl_str name, struct pawl_str value)
{
    if (r->headers_count == PAWL_HTTP_HEADERS_MAX) {
        r->too_large = true;
        return false;
    }
    if (r->headers_count == r->headers_size) {
        const uint32_t size = r->headers_size ? r->headers_size * 2 : 16;
        struct pawl_http_header *more = pawl_arena_get(&r->arena, size * sizeof *more);
        if (!more) return false;
        if (r->headers_count) memcpy(more, r->headers, r->headers_count * sizeof *more);
        r->headers = more;
        r->headers_size = size;
    }
    struct pawl_http_header *h = r->headers + r->headers_count;
    h->name = pawl_str_copy(&r->arena, name);
    h->value = pawl_str_copy(&r->arena, value);
    if (!h->name.p || !h->value.p) return false;
    r->headers_count++;
    return true;
}

static void begin_head(struct pawl_http_request *r, struct pawl_str line)
{
    const char *blank = memchr(line.p, ' ', line.n);
    r->headers_count = 0;
    r->head_bytes = 0;
    r->status = blank ? atoi(blank + 1) : 0; /* curl has checked it, and ends the line with CR LF */
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool read_line(struct pawl_http_request *r, struct pawl_str line)
{
    r->head_bytes += line.n;
    if (r->head_bytes > PAWL_HTTP_HEAD_BYTES_MAX) {
        r->too_large = true;
        return false;
    }
    const char *colon = memchr(line.p, ':', line.n);
    if (!colon || is_blank(*line.p)) return true; /* a folded line, deprecated since RFC 7230 */
    struct pawl_str name = {line.p, (uint32_t)(colon - line.p)};
    struct pawl_str value = {colon + 1, line.n - name.n - 1};
    while (value.n > 0 && is_blank(*value.p)) value.p++, value.n--;
    while (value.n > 0 && is_blank(value.p[value.n - 1])) value.n--;
    return keep_header(r, name, value);
}

static void came(struct pawl_http_request *r)
{
    r->piece_ns = pawl_clock_mono_ns();
    if (!r->first_byte_ns) r->first_byte_ns = r->piece_ns;
    r->phase = PAWL_HTTP_READING;
    pawl_http_request_moved(r);
}

/* One line of a head: of an interim answer, of the answer, or of the trailer behind the body, which is dropped. */
static size_t on_line(char *p, size_t size, size_t count, void *ctx)
{
    struct pawl_http_request *r = ctx;
    const size_t n = size * count;
    const struct pawl_str line = {p, (uint32_t)n};
    if (r->cancelled) return 0;
    if (r->in_body) return n;
    came(r);
    if (n > 5 && memcmp(p, "HTTP/", 5) == 0) begin_head(r, line);
    else if (n > 0 && (*p == '\r' || *p == '\n')) r->in_body = r->status >= 200;
    else if (!read_line(r, line)) {
        r->no_memory = !r->too_large;
        return 0;
    }
    if (r->in_body && r->call.on_head) {
        struct pawl_http_result head;
        pawl_http_request_result(r, CURLE_OK, &head);
        r->call.on_head(r->call.ctx, &head);
    }
    return r->cancelled ? 0 : n;
}

static size_t on_body(char *p, size_t size, size_t count, void *ctx)
{
    struct pawl_http_request *r = ctx;
    const size_t n = size * count;
    if (r->cancelled) return 0;
    came(r);
    const size_t room = r->call.body_bytes_max - r->body.n;
    const size_t taken = n < room ? n : room;
    pawl_buf_add(&r->body, p, taken);
    r->no_memory = r->body.failed;
    r->too_large = taken < n;
    if (r->no_memory) return 0;
    if (r->call.on_data && taken > 0) r->call.on_data(r->call.ctx, (struct pawl_str){p, (uint32_t)taken});
    return r->cancelled || r->too_large ? 0 : n;
}

static bool set_method(struct pawl_http_request *r)
{
    const struct pawl_str method = pawl_str_copy(&r->arena, r->call.method);
    bool fine = method.p != NULL;
    if (r->call.body.p) {
        fine = fine && !pawl_curl.easy_setopt(r->easy, CURLOPT_POST, 1L);
        fine = fine && !pawl_curl.easy_setopt(r->easy, CURLOPT_POSTFIELDS, r->call.body.p);
        fine = fine && !pawl_curl.easy_setopt(r->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->call.body.n);
    } else if (pawl_str_is(method, "POST") || pawl_str_is(method, "PUT") || pawl_str_is(method, "PATCH")) {
        /* RFC 9110 8.6: these say Content-Length: 0. */
        fine = fine && !pawl_curl.easy_setopt(r->easy, CURLOPT_POST, 1L);
        fine = fine && !pawl_curl.easy_setopt(r->easy, CURLOPT_POSTFIELDS, "");
    } else if (pawl_str_is(method, "HEAD")) {
        fine = fine && !pawl_curl.easy_setopt(r->easy, CURLOPT_NOBODY, 1L);
    }
    return fine && !pawl_curl.easy_setopt(r->easy, CURLOPT_CUSTOMREQUEST, method.p);
}

static long ms_of(int64_t ns)
{
    const int64_t ms = ns / 1000000 + (ns % 1000000 != 0);
    return ms < 2000000000 ? (long)ms : 2000000000L;
}

static bool set_all(struct pawl_http_request *r)
{
    CURL *e = r->easy;
    const struct pawl_http_client *c = r->client;
    const struct pawl_str url = pawl_str_copy(&r->arena, r->call.url);
    bool fine = url.p && set_method(r) && add_lines(r);
    fine = fine && !pawl_curl.easy_setopt(e, CURLOPT_URL, url.p);
    fine = fine && !pawl_curl.easy_setopt(e, CURLOPT_USERAGENT, c->user_agent);
    fine = fine && (!c->ca_file || !pawl_curl.easy_setopt(e, CURLOPT_CAINFO, c->ca_file));
    if (!fine) return false;
    pawl_curl.easy_setopt(e, CURLOPT_HTTPHEADER, r->lines);
    pawl_curl.easy_setopt(e, CURLOPT_PRIVATE, r);
    pawl_curl.easy_setopt(e, CURLOPT_SHARE, c->share);
    pawl_curl.easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    pawl_curl.easy_setopt(e, CURLOPT_PATH_AS_IS, 1L); /* what is recorded is what is sent */
    pawl_curl.easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    /* A name server that does not answer: without this, giving up waits for the resolver's thread. */
    pawl_curl.easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
    pawl_curl.easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, ms_of(r->call.connect_timeout_ns));
    pawl_curl.easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    pawl_curl.easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    pawl_curl.easy_setopt(e, CURLOPT_FRESH_CONNECT, r->call.changes ? 1L : 0L);
    pawl_curl.easy_setopt(e, CURLOPT_PREREQFUNCTION, on_sending);
    pawl_curl.easy_setopt(e, CURLOPT_PREREQDATA, r);
    pawl_curl.easy_setopt(e, CURLOPT_HEADERFUNCTION, on_line);
    pawl_curl.easy_setopt(e, CURLOPT_HEADERDATA, r);
    pawl_curl.easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    pawl_curl.easy_setopt(e, CURLOPT_WRITEDATA, r);
    pawl_curl.easy_setopt(e, CURLOPT_ERRORBUFFER, r->words);
    return true;
}

int pawl_http_request_init(struct pawl_http_request *r, CURL *easy, struct pawl_error *err)
{
    r->easy = easy;
    pawl_arena_init(&r->arena, r->client->from);
    pawl_buf_init(&r->body, r->client->from);
    const int code = check(&r->call, err);
    if (code) return code;
    if (!set_all(r)) return pawl_fail(err, PAWL_ENOMEM, "url", "", "no memory for a request");
    r->began_ns = r->piece_ns = pawl_clock_mono_ns();
    return PAWL_OK;
}

void pawl_http_request_fini(struct pawl_http_request *r)
{
    pawl_curl.slist_free_all(r->lines);
    pawl_buf_fini(&r->body);
    pawl_arena_fini(&r->arena);
}

bool pawl_http_request_sent(const struct pawl_http_request *r)
{
    long bytes = 0;
    if (r->sendings == 0) return false;
    return pawl_curl.easy_getinfo(r->easy, CURLINFO_REQUEST_SIZE, &bytes) || bytes > 0 || r->first_byte_ns;
}

int64_t pawl_http_request_due_ns(const struct pawl_http_request *r)
{
    const int64_t all = r->began_ns + r->call.total_timeout_ns;
    int64_t phase = INT64_MAX;
    switch (r->phase) {
    case PAWL_HTTP_CONNECTING: phase = r->began_ns + r->call.connect_timeout_ns; break;
    case PAWL_HTTP_WAITING: phase = r->piece_ns + r->call.first_byte_timeout_ns; break;
    case PAWL_HTTP_READING:
        if (r->call.idle_timeout_ns && !r->paused) phase = r->piece_ns + r->call.idle_timeout_ns;
        break;
    }
    return phase < all ? phase : all;
}

/* Milliseconds of a decimal number of seconds, by hand: strtod follows the locale. -1: it is no such number. */
static int64_t ms_of_number(const char *text)
{
    int64_t ms = 0, unit = 1000;
    bool digits = false, point = false;
    for (const char *c = text; *c; c++) {
        if (*c == '.' && !point) {
            point = true;
        } else if (*c < '0' || *c > '9' || ms > INT64_MAX / 100) {
            return -1;
        } else {
            digits = true;
            if (point) unit /= 10;
            ms = point ? ms + (*c - '0') * unit : ms * 10 + (*c - '0') * unit;
        }
    }
    return digits ? ms : -1;
}

/* How long a Retry-After asks to wait, in milliseconds; -1: not understood. */
static int64_t wait_of(struct pawl_str value)
{
    const int64_t ms = ms_of_number(value.p); /* values are copies with a NUL behind */
    if (ms >= 0) return ms;
    const time_t then = pawl_curl.getdate(value.p, NULL);
    if (then < 0) return -1;
    const int64_t left = (int64_t)then * 1000 - pawl_clock_wall_ns() / 1000000;
    return left > 0 ? left : 0;
}

/* Of several headers of this name the one that asks for the longest wait. */
static void pick_longest(struct pawl_str value, struct pawl_str *out)
{
    if (!out->p || wait_of(value) > wait_of(*out)) *out = value;
}

static void pick(const struct pawl_http_header *h, struct pawl_http_result *out)
{
    if (named(h->name, "Content-Type")) out->type = h->value;
    else if (named(h->name, "Date")) out->date = h->value;
    else if (named(h->name, "Location")) out->location = h->value;
    else if (named(h->name, "Operation-Location") || named(h->name, "Azure-AsyncOperation"))
        out->operation_location = h->value;
    else if (named(h->name, "X-Should-Retry")) out->should_retry = h->value;
    else if (named(h->name, "Retry-After")) pick_longest(h->value, &out->retry_after);
    else if (named(h->name, "Retry-After-Ms")) pick_longest(h->value, &out->retry_after_ms);
    else if (named(h->name, "X-Ratelimit-Remaining-Requests")) out->requests_left = h->value;
    else if (named(h->name, "X-Ratelimit-Remaining-Tokens")) out->tokens_left = h->value;
}

static enum pawl_http_end end_of(const struct pawl_http_request *r, CURLcode code)
{
    if (r->too_large) return PAWL_HTTP_TOO_LARGE;
    if (code == CURLE_OK && !r->late && r->in_body) return PAWL_HTTP_ANSWERED;
    if (!pawl_http_request_sent(r)) return PAWL_HTTP_NOT_SENT;
    return r->late || code == CURLE_OPERATION_TIMEDOUT ? PAWL_HTTP_NO_ANSWER : PAWL_HTTP_LOST;
}

static const char *words_for(const struct pawl_http_request *r, CURLcode code)
{
    if (r->repeated) return "the connection ended before an answer came, and this request is not sent twice";
    if (r->too_large) return r->in_body ? "the answer is too large" : "the head of the answer is too large";
    if (r->no_memory) return "no memory for the answer";
    if (r->late) {
        switch (r->phase) {
        case PAWL_HTTP_CONNECTING: return "no connection within its time";
        case PAWL_HTTP_WAITING: return "no answer within its time";
        case PAWL_HTTP_READING: return "the answer did not end within its time";
        }
    }
    if (code == CURLE_OK) return "the answer ended within its head"; /* for curl that is fine */
    return *r->words ? r->words : pawl_curl.easy_strerror(code);
}

void pawl_http_request_result(struct pawl_http_request *r, CURLcode code, struct pawl_http_result *out)
{
    long connects = 0;
    *out = (struct pawl_http_result){.end = end_of(r, code), .headers = r->headers, .headers_count = r->headers_count};
    out->status = r->in_body ? r->status : 0;
    out->body = (struct pawl_str){r->body.n ? r->body.p : "", (uint32_t)r->body.n};
    if (r->in_body)
        for (uint32_t i = 0; i < r->headers_count; i++) pick(r->headers + i, out);
    else out->headers_count = 0;
    if (out->end != PAWL_HTTP_ANSWERED) out->detail = pawl_str_of(words_for(r, code));
    if (r->sendings && !pawl_curl.easy_getinfo(r->easy, CURLINFO_NUM_CONNECTS, &connects)) out->reused = connects == 0;
    out->took_ns = pawl_clock_mono_ns() - r->began_ns;
    out->first_byte_ns = r->first_byte_ns ? r->first_byte_ns - r->began_ns : 0;
}
