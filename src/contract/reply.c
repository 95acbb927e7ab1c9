/* src/contract/reply.c - see reply.h. */
#include "contract/reply.h"
#include "contract/retry_after.h"
#include "contract/shown.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SAYS_BYTES = 400 };

void pawl_outcome_says(struct pawl_outcome *out, struct pawl_arena *a, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, format, args);
    assert(n >= 0);
    char *p = pawl_arena_get(a, (size_t)n + 1);
    if (p != NULL) vsnprintf(p, (size_t)n + 1, format, again);
    out->message = (struct pawl_str){p, p != NULL ? (uint32_t)n : 0};
    va_end(again);
    va_end(args);
}

static bool space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct pawl_str without_bom(struct pawl_str s)
{
    if (s.n < 3 || memcmp(s.p, "\xef\xbb\xbf", 3) != 0) return s;
    return (struct pawl_str){s.p + 3, s.n - 3};
}

int pawl_reply_json(struct pawl_str body, struct pawl_arena *a, struct pawl_str *out, struct pawl_error *err)
{
    _Alignas(16) char first[4096];
    struct pawl_arena tree;
    yyjson_val *root = NULL;
    const struct pawl_str text = without_bom(body);
    pawl_arena_init_on(&tree, a->from, first, sizeof first);
    const int code = pawl_json_read(text, &tree, &root, err);
    pawl_arena_fini(&tree); /* only whether it is JSON was asked: numbers keep their digits in the text */
    if (code == PAWL_ENOMEM) a->failed = true;
    if (code != PAWL_OK) return code;
    char *p = pawl_arena_get(a, (size_t)text.n + 1);
    if (p == NULL) return PAWL_ENOMEM;
    uint32_t n = 0;
    bool string = false, escaped = false;
    for (uint32_t i = 0; i < text.n; i++) {
        const char c = text.p[i];
        if (!string && space(c)) continue;
        p[n++] = c;
        if (c == '"' && !escaped) string = !string;
        escaped = string && c == '\\' && !escaped;
    }
    p[n] = 0;
    *out = (struct pawl_str){p, n};
    return PAWL_OK;
}

static yyjson_val *error_text(yyjson_val *body)
{
    static const char *const paths[] = {"/error/message",     "/detail",          "/message",
                                        "/error_description", "/error",           "/title",
                                        "/errors/0/message",  "/errors/0/detail", "/errors/0"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        yyjson_val *v = pawl_json_at(body, pawl_str_of(paths[i]));
        if (v != NULL && yyjson_is_str(v) && yyjson_get_len(v) > 0) return v;
    }
    return yyjson_is_str(body) ? body : NULL;
}

static bool html(const struct pawl_reply *r)
{
    struct pawl_str s = without_bom(r->body);
    while (s.n > 0 && space(*s.p)) s.p++, s.n--;
    if (s.n == 0 || *s.p != '<') return false;
    for (uint32_t i = 0; i + 4 <= r->type.n; i++) {
        if ((r->type.p[i] | 0x20) == 'h' && (r->type.p[i + 1] | 0x20) == 't' && (r->type.p[i + 2] | 0x20) == 'm')
            return true;
    }
    return s.n >= 5 && ((s.p[1] | 0x20) == 'h' || s.p[1] == '!');
}

struct pawl_str pawl_reply_says(const struct pawl_reply *reply, struct pawl_arena *a)
{
    _Alignas(16) char first[4096];
    struct pawl_arena tree;
    struct pawl_buf buf;
    yyjson_val *root = NULL, *v = NULL;
    pawl_buf_init_arena(&buf, a);
    if (html(reply)) return PAWL_STR("an HTML page");
    pawl_arena_init_on(&tree, a->from, first, sizeof first);
    if (pawl_json_read(without_bom(reply->body), &tree, &root, NULL) == PAWL_OK) v = error_text(root);
    pawl_shown(v != NULL ? pawl_json_value_str(v) : reply->body, SAYS_BYTES, &buf);
    pawl_arena_fini(&tree);
    return buf.n > 0 ? pawl_buf_done(&buf) : (struct pawl_str){NULL, 0};
}

/* The end of what a command or a transport said last: that is where the reason stands. */
struct pawl_str pawl_reply_detail(const struct pawl_reply *reply, struct pawl_arena *a)
{
    struct pawl_buf buf;
    struct pawl_str s = reply->detail;
    pawl_buf_init_arena(&buf, a);
    if (s.n > SAYS_BYTES) {
        s = (struct pawl_str){s.p + (s.n - SAYS_BYTES), SAYS_BYTES};
        while (s.n > 0 && ((uint8_t)*s.p & 0xc0) == 0x80) s.p++, s.n--;
        pawl_buf_text(&buf, "\xe2\x80\xa6");
    }
    pawl_shown(s, 2 * SAYS_BYTES, &buf);
    return pawl_buf_done(&buf);
}

bool pawl_reply_unanswered(const struct pawl_reply *reply, struct pawl_arena *a, struct pawl_outcome *out)
{
    static const struct {
        enum pawl_applied applied;
        enum pawl_class error_class;
        bool retry;
        const char *words;
    } known[] = {
        [PAWL_NOT_SENT] = {PAWL_APPLIED_NO, PAWL_CLASS_UNAVAILABLE, true, "nothing was sent"},
        [PAWL_LOST] = {PAWL_APPLIED_UNKNOWN, PAWL_CLASS_UNAVAILABLE, true,
                       "the connection was lost before the whole answer came"},
        [PAWL_NO_ANSWER] = {PAWL_APPLIED_UNKNOWN, PAWL_CLASS_TIMEOUT, true, "no answer came in time"},
        [PAWL_KILLED] = {PAWL_APPLIED_UNKNOWN, PAWL_CLASS_UNAVAILABLE, true, "the process was ended by a signal"},
        [PAWL_OWNER_CRASHED] = {PAWL_APPLIED_UNKNOWN, PAWL_CLASS_UNAVAILABLE, true,
                                "pawl stopped while the call was under way"},
        [PAWL_STOPPED] = {PAWL_APPLIED_UNKNOWN, PAWL_CLASS_CANCELLED, false, "cancelled after it was sent"},
    };
    const size_t t = (size_t)reply->transport;
    if (t >= sizeof known / sizeof *known || known[t].words == NULL) return false;
    const struct pawl_str d = pawl_reply_detail(reply, a);
    *out = (struct pawl_outcome){.applied = known[t].applied,
                                 .error_class = known[t].error_class,
                                 .retry = known[t].retry,
                                 .retry_after_ns = pawl_retry_after_ns(reply)};
    pawl_outcome_says(out, a, "%s%s%s", known[t].words, d.n > 0 ? ": " : "", d.n > 0 ? d.p : "");
    return true;
}
