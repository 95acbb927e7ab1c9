/* src/tool/poll.c - a call that was accepted and ends later: whom to ask, and what the answer says.
 *
 * The monitor is named by whoever answers, so it is held to the origin of the call itself, and to what the contract names
 * beside it: an answer must not choose where our headers go. What the monitor says is the contract's to define (done, failed);
 * without that the usual forms count: 202 again, an operation with `status` or `done` (AIP-151), an event whose `type` ends in
 * .succeeded, a redirect to the result, or the result itself. A word that nobody knows means "still running". */
#include "contract/reply.h"
#include "contract/retry_after.h"
#include "contract/schema_uri.h"
#include "contract/shown.h"
#include "tool/tool.h"
#include <stdio.h>
#include <string.h>

enum { URL_MAX = 2048, WORD_MAX = 40 };

/* ---- whom to ask ---- */

struct origin { /* "https://host:8443": scheme with its //, and what is up to the path */
    struct pawl_str scheme, host;
};

static bool origin_of(struct pawl_str url, struct origin *out)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < 2; i++) {
        const uint32_t n = (uint32_t)strlen(schemes[i]);
        uint32_t end = n;
        if (url.n <= n || memcmp(url.p, schemes[i], n) != 0) continue;
        while (end < url.n && url.p[end] != '/' && url.p[end] != '?' && url.p[end] != '#') end++;
        *out = (struct origin){{url.p, n}, {url.p + n, end - n}};
        return out->host.n > 0 && !memchr(out->host.p, '@', out->host.n);
    }
    return false;
}

static bool may_ask(const struct pawl_tool *t, const struct origin *own, const struct origin *named)
{
    if (pawl_same_header(own->host, named->host) && pawl_str_eq(own->scheme, named->scheme)) return true;
    if (!pawl_str_eq(own->scheme, named->scheme) && !pawl_str_is(named->scheme, "https://")) return false;
    for (uint32_t i = 0; i < t->async.hosts_count; i++)
        if (pawl_same_header(t->async.hosts[i], named->host)) return true;
    return false;
}

static bool plain(struct pawl_str url)
{
    for (uint32_t i = 0; i < url.n; i++)
        if (url.p[i] <= ' ' || url.p[i] >= 0x7f || url.p[i] == '\\') return false;
    return url.n > 0 && url.n <= URL_MAX;
}

static int refuse(struct pawl_str named, struct pawl_arena *a, struct pawl_error *err, const char *why)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, a);
    pawl_shown(named, 200, &b);
    const struct pawl_str s = pawl_buf_done(&b);
    return pawl_fail(err, PAWL_EINVAL, "", "name its host in async: {poll: {hosts: [...]}}, where it may be asked",
                     "the monitor '%s' %s", s.p ? s.p : "", why);
}

int pawl_tool_monitor(const struct pawl_tool *t, struct pawl_str request, struct pawl_str base, struct pawl_str named,
                      struct pawl_arena *a, struct pawl_str *url, struct pawl_error *err)
{
    yyjson_val *root = NULL;
    struct origin own, there;
    const int rc = pawl_json_read(request, a, &root, err);
    if (rc) return rc;
    const struct pawl_str own_url = pawl_json_str(yyjson_obj_get(root, "http"), "url");
    if (!plain(named)) return refuse(named, a, err, "is no URL");
    *url = pawl_uri_resolve(a, base.p ? base : own_url, named);
    if (!url->p) return PAWL_ENOMEM;
    if (!origin_of(own_url, &own) || !origin_of(*url, &there) || !plain(*url))
        return refuse(named, a, err, "is no URL");
    return may_ask(t, &own, &there) ? PAWL_OK : refuse(named, a, err, "is at a host that the contract does not name");
}

static bool goes_along(const struct pawl_tool *t, struct pawl_str name)
{
    return !pawl_same_header(name, t->key_header) && !pawl_same_header(name, PAWL_STR("Content-Type")) &&
           !pawl_same_header(name, t->async.header);
}

/* A request with the call's own headers, without its key and its body. */
static int bare(const struct pawl_tool *t, struct pawl_str request, struct pawl_str method, struct pawl_str url,
                struct pawl_buf *out)
{
    struct pawl_json_writer w = {.out = out};
    yyjson_val *root = NULL, *name, *value;
    struct pawl_arena a;
    size_t i, n;
    pawl_arena_init(&a, out->arena ? out->arena->from : out->from);
    const int rc = pawl_json_read(request, &a, &root, NULL);
    yyjson_val *headers = yyjson_obj_get(yyjson_obj_get(root, "http"), "headers");
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "http");
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "body");
    pawl_jw_null(&w);
    pawl_jw_key(&w, "headers");
    pawl_jw_open(&w, '{');
    yyjson_obj_foreach(headers, i, n, name, value)
    {
        if (!goes_along(t, pawl_json_value_str(name))) continue;
        pawl_jw_key_str(&w, pawl_json_value_str(name));
        pawl_jw_value(&w, value);
    }
    pawl_jw_close(&w, '}');
    pawl_jw_key(&w, "method");
    pawl_jw_str(&w, method);
    pawl_jw_key(&w, "url");
    pawl_jw_str(&w, url);
    pawl_jw_close(&w, '}');
    pawl_jw_close(&w, '}');
    pawl_arena_fini(&a);
    return rc ? rc : out->failed ? PAWL_ENOMEM : PAWL_OK;
}

int pawl_tool_poll(const struct pawl_tool *t, struct pawl_str request, struct pawl_str monitor, struct pawl_buf *out)
{
    return bare(t, request, PAWL_STR("GET"), monitor, out);
}

int pawl_tool_stop(const struct pawl_tool *t, struct pawl_str request, struct pawl_str monitor, struct pawl_buf *out)
{
    uint32_t query = 0; /* the suffix stands behind the path */
    struct pawl_arena a;
    struct pawl_buf url;
    while (query < monitor.n && monitor.p[query] != '?' && monitor.p[query] != '#') query++;
    pawl_arena_init(&a, out->arena ? out->arena->from : out->from);
    pawl_buf_init_arena(&url, &a);
    pawl_buf_add(&url, monitor.p, query);
    pawl_buf_str(&url, t->async.cancel_suffix.p ? t->async.cancel_suffix : PAWL_STR(""));
    pawl_buf_add(&url, monitor.p + query, monitor.n - query);
    const struct pawl_str to = pawl_buf_done(&url);
    const int rc = to.p ? bare(t, request, t->async.cancel, to, out) : PAWL_ENOMEM;
    pawl_arena_fini(&a);
    return rc;
}

/* ---- what it says ---- */

/* The words that services use, in small letters, without - and _. */
static const char *const done_words[] = {"succeeded", "success",  "successful", "completed", "complete",
                                         "done",      "finished", "ok",         NULL};
static const char *const failed_words[] = {"failed",    "failure",  "error",    "errored", "canceled",
                                           "cancelled", "rejected", "declined", "aborted", "expired",
                                           "timedout",  "timeout",  NULL};

static bool among(const char *word, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(word, *list) == 0) return true;
    return false;
}

static enum pawl_news_is meaning(struct pawl_str text)
{
    char word[WORD_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i < text.n; i++) {
        const char c = text.p[i];
        if (c == '-' || c == '_' || c == ' ') continue;
        if (n + 1 == WORD_MAX) return PAWL_NEWS_NONE;
        word[n++] = c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
    }
    word[n] = 0;
    return among(word, done_words) ? PAWL_NEWS_DONE : among(word, failed_words) ? PAWL_NEWS_FAILED : PAWL_NEWS_NONE;
}

static bool fits(const struct pawl_schema *s, yyjson_val *body)
{
    return s && pawl_schema_check(s, body, NULL, NULL) == PAWL_OK;
}

/* `status` or `state` of an operation; the end of an event's `type`. {NULL,0}: it has none. */
static struct pawl_str word_of(yyjson_val *body)
{
    static const char *const names[] = {"status", "state"};
    struct pawl_str type = pawl_json_str(body, "type");
    for (size_t i = 0; i < 2; i++) {
        const struct pawl_str word = pawl_json_str(body, names[i]);
        if (word.p) return word;
    }
    for (uint32_t i = type.n; i-- > 0;)
        if (type.p[i] == '.') return (struct pawl_str){type.p + i + 1, type.n - i - 1};
    return (struct pawl_str){NULL, 0};
}

/* The usual forms. A word that nobody knows is "running", unless all of it is what the contract wants as a result. */
static enum pawl_news_is usual(const struct pawl_tool *t, yyjson_val *body, bool *operation)
{
    yyjson_val *over = yyjson_obj_get(body, "done"), *error = yyjson_obj_get(body, "error");
    const struct pawl_str word = word_of(body);
    const enum pawl_news_is is = meaning(word);
    *operation = yyjson_is_bool(over) || is != PAWL_NEWS_NONE;
    if (yyjson_is_bool(over)) {
        if (!yyjson_get_bool(over)) return PAWL_NEWS_RUNNING;
        return error && !yyjson_is_null(error) ? PAWL_NEWS_FAILED : PAWL_NEWS_DONE;
    }
    if (is != PAWL_NEWS_NONE) return is;
    if (!word.p) /* an error alone says nothing of its end */
        return error && !yyjson_is_null(error) && !fits(t->output, body) ? PAWL_NEWS_RUNNING : PAWL_NEWS_DONE;
    return fits(t->output, body) ? PAWL_NEWS_DONE : PAWL_NEWS_RUNNING;
}

static enum pawl_news_is judge(const struct pawl_tool *t, yyjson_val *body, bool at_result, bool *operation)
{
    const struct pawl_async *a = &t->async;
    *operation = false;
    if (at_result) return PAWL_NEWS_DONE;
    if (fits(a->failed, body)) return PAWL_NEWS_FAILED;
    if (a->done) return fits(a->done, body) ? PAWL_NEWS_DONE : PAWL_NEWS_RUNNING;
    return usual(t, body, operation);
}

/* Where the result is: where the contract says, or beside an operation's status; else all of it is. */
static yyjson_val *result_of(const struct pawl_tool *t, yyjson_val *body, bool operation)
{
    static const char *const names[] = {"result", "response", "data", "output"};
    if (t->async.result.p) return pawl_json_at(body, t->async.result);
    for (size_t i = 0; operation && i < sizeof names / sizeof *names; i++) {
        yyjson_val *v = yyjson_obj_get(body, names[i]);
        if (v) return v;
    }
    return body;
}

static struct pawl_str text_of(yyjson_val *v, struct pawl_arena *a)
{
    struct pawl_buf b;
    if (!v) return PAWL_STR("null");
    pawl_buf_init_arena(&b, a);
    pawl_json_write(v, &b);
    return pawl_buf_done(&b);
}

static struct pawl_str shown(struct pawl_str text, struct pawl_arena *a)
{
    struct pawl_buf b;
    if (!text.p) return text;
    pawl_buf_init_arena(&b, a);
    pawl_shown(text, WORD_MAX, &b);
    return pawl_buf_done(&b);
}

static void says(struct pawl_news *out, struct pawl_arena *a, const char *what, struct pawl_str more)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, a);
    pawl_buf_text(&b, what);
    if (more.n) pawl_buf_text(&b, ": "), pawl_buf_str(&b, more);
    out->message = pawl_buf_done(&b);
}

static void read_body(const struct pawl_tool *t, const struct pawl_reply *reply, bool at_result, struct pawl_arena *a,
                      struct pawl_news *out)
{
    struct pawl_str json;
    yyjson_val *body = NULL;
    bool operation;
    if (reply->status == 204 || reply->status == 205) {
        out->is = PAWL_NEWS_DONE;
        out->result = PAWL_STR("null");
        return;
    }
    if (pawl_reply_json(reply->body, a, &json, NULL) || pawl_json_read(json, a, &body, NULL)) {
        says(out, a, "what it says is not JSON", pawl_reply_says(reply, a));
        return;
    }
    out->is = judge(t, body, at_result, &operation);
    out->word = shown(word_of(body), a);
    if (out->is == PAWL_NEWS_FAILED) says(out, a, "it was accepted, and then failed", pawl_reply_says(reply, a));
    if (out->is != PAWL_NEWS_DONE) return;
    const struct pawl_str place = operation ? pawl_json_str(body, "resourceLocation") : (struct pawl_str){NULL, 0};
    if (place.p && !yyjson_obj_get(body, "result") && !t->async.result.p) {
        out->is = PAWL_NEWS_ELSEWHERE;
        out->at_result = true;
        out->monitor = pawl_str_copy(a, place);
        return;
    }
    out->result = at_result || (!operation && !t->async.result.p) ? json : text_of(result_of(t, body, operation), a);
}

void pawl_tool_news(const struct pawl_tool *t, const struct pawl_reply *reply, bool at_result, struct pawl_arena *a,
                    struct pawl_news *out)
{
    const struct pawl_str named = reply->operation_location.p ? reply->operation_location : reply->location;
    struct pawl_outcome lost;
    yyjson_val *body = NULL;
    char status[24];
    *out = (struct pawl_news){.is = PAWL_NEWS_NONE, .retry_after_ns = -1};
    if (pawl_reply_unanswered(reply, a, &lost)) {
        out->message = lost.message;
        return;
    }
    out->retry_after_ns = pawl_retry_after_ns(reply);
    if (reply->transport == PAWL_TOO_LARGE) {
        says(out, a, "what it says is larger than the limit", (struct pawl_str){NULL, 0});
    } else if (reply->status == 202) {
        out->is = PAWL_NEWS_RUNNING;
        if (named.p) out->monitor = pawl_str_copy(a, named);
        if (pawl_json_read(reply->body, a, &body, NULL) == PAWL_OK) out->word = shown(word_of(body), a);
    } else if (reply->status >= 200 && reply->status <= 299) {
        read_body(t, reply, at_result, a, out);
    } else if (reply->status >= 300 && reply->status <= 308 && named.p && reply->status != 304) {
        out->is = PAWL_NEWS_ELSEWHERE;
        out->at_result = reply->status == 303;
        out->monitor = pawl_str_copy(a, named);
    } else {
        snprintf(status, sizeof status, "it answers HTTP %d", reply->status);
        says(out, a, status, pawl_reply_says(reply, a));
        out->not_found = reply->status == 404;
        if (reply->status == 410) out->is = PAWL_NEWS_GONE;
    }
}
