/* src/model/sse.c - see sse.h. A line is gathered whole, then it acts; so no boundary between chunks matters but two:
 * CR may be half of CRLF (the LF of a pair is dropped when it comes), and the byte order mark is looked for in a whole
 * line. */
#include "model/sse.h"
#include "base/error.h"
#include "contract/shown.h"
#include <assert.h>
#include <string.h>

void pawl_sse_init(struct pawl_sse *s, const struct pawl_alloc *from, size_t max_bytes,
                   void (*event)(void *ctx, const struct pawl_sse_event *e), void *ctx)
{
    assert(max_bytes > 0);
    assert(max_bytes < UINT32_MAX);
    assert(event != NULL);
    *s = (struct pawl_sse){.event = event, .ctx = ctx, .max_bytes = max_bytes, .retry_ms = -1};
    pawl_buf_init(&s->line, from);
    pawl_buf_init(&s->data, from);
    pawl_buf_init(&s->type, from);
    pawl_buf_init(&s->id, from);
    pawl_buf_init(&s->text, from);
}

void pawl_sse_fini(struct pawl_sse *s)
{
    pawl_buf_fini(&s->line);
    pawl_buf_fini(&s->data);
    pawl_buf_fini(&s->type);
    pawl_buf_fini(&s->id);
    pawl_buf_fini(&s->text);
}

static void add(struct pawl_sse *s, struct pawl_buf *to, const char *p, size_t n)
{
    if (n > s->max_bytes - to->n) s->failed = PAWL_ELIMIT;
    if (s->failed != PAWL_OK) return;
    pawl_buf_add(to, p, n);
    if (to->failed) s->failed = PAWL_ENOMEM;
}

static void put(struct pawl_sse *s, struct pawl_buf *to, struct pawl_str value)
{
    to->n = 0;
    add(s, to, value.p, value.n);
}

static bool valid_utf8(struct pawl_str s)
{
    for (uint32_t at = 0; at < s.n;) {
        if (pawl_utf8_next(s, &at) < 0) return false;
    }
    return true;
}

static struct pawl_str mended(struct pawl_sse *s, struct pawl_str text)
{
    s->text.n = 0;
    for (uint32_t at = 0; at < text.n;) {
        const uint32_t from = at;
        if (pawl_utf8_next(text, &at) < 0) pawl_buf_text(&s->text, "\xef\xbf\xbd");
        else pawl_buf_add(&s->text, text.p + from, at - from);
    }
    if (s->text.failed) s->failed = PAWL_ENOMEM;
    return pawl_buf_done(&s->text);
}

static void dispatch(struct pawl_sse *s)
{
    if (s->pending) {
        assert(s->data.n > 0 && s->data.p[s->data.n - 1] == '\n');
        const struct pawl_str data = {s->data.p, (uint32_t)s->data.n - 1};
        const struct pawl_str type = {s->type.p, (uint32_t)s->type.n}, id = {s->id.p, (uint32_t)s->id.n};
        struct pawl_sse_event e = {.type = type.n > 0 ? type : PAWL_STR("message"),
                                   .data = data,
                                   .id = id,
                                   .mended = !valid_utf8(data)};
        if (e.mended) e.data = mended(s, data);
        if (s->failed == PAWL_OK) s->event(s->ctx, &e);
    }
    s->data.n = s->type.n = 0;
    s->pending = false;
}

static void read_retry(struct pawl_sse *s, struct pawl_str value)
{
    int64_t ms = 0;
    if (value.n == 0) return;
    for (uint32_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9') return;
        if (ms < INT32_MAX) ms = ms * 10 + (value.p[i] - '0');
    }
    s->retry_ms = ms < INT32_MAX ? ms : INT32_MAX;
}

static void field(struct pawl_sse *s, struct pawl_str name, struct pawl_str value)
{
    if (pawl_str_is(name, "data")) {
        add(s, &s->data, value.p, value.n);
        add(s, &s->data, "\n", 1);
        s->pending = true;
    } else if (pawl_str_is(name, "event")) {
        put(s, &s->type, value);
    } else if (pawl_str_is(name, "id")) {
        if (value.n == 0 || memchr(value.p, 0, value.n) == NULL) put(s, &s->id, value);
    } else if (pawl_str_is(name, "retry")) {
        read_retry(s, value);
    }
}

static void line_done(struct pawl_sse *s)
{
    struct pawl_str line = {s->line.p, (uint32_t)s->line.n};
    if (!s->begun && line.n >= 3 && memcmp(line.p, "\xef\xbb\xbf", 3) == 0) line.p += 3, line.n -= 3;
    s->begun = true;
    s->line.n = 0; /* its bytes stay until the next one is added */
    if (line.n == 0) {
        dispatch(s);
        return;
    }
    const char *colon = memchr(line.p, ':', line.n);
    if (colon == line.p) return; /* a comment */
    struct pawl_str name = line, value = {line.p + line.n, 0};
    if (colon != NULL) {
        name.n = (uint32_t)(colon - line.p);
        value = (struct pawl_str){colon + 1, line.n - name.n - 1};
        if (value.n > 0 && *value.p == ' ') value.p++, value.n--;
    }
    field(s, name, value);
}

int pawl_sse_feed(struct pawl_sse *s, const void *bytes, size_t n)
{
    const char *p = bytes, *const end = p + n;
    while (p < end && s->failed == PAWL_OK) {
        if (s->after_cr && *p == '\n') { /* the second half of CRLF */
            s->after_cr = false;
            p++;
            continue;
        }
        const char *stop = p;
        while (stop < end && *stop != '\n' && *stop != '\r') stop++;
        if (stop > p) add(s, &s->line, p, (size_t)(stop - p));
        s->after_cr = stop < end && *stop == '\r';
        if (stop < end && s->failed == PAWL_OK) line_done(s);
        p = stop < end ? stop + 1 : end;
    }
    return s->failed;
}
