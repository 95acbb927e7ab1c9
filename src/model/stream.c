/* src/model/stream.c - the text of a stream as it comes, for the eye: provisional until openai_read.c has read the
 * whole body (LEDGER 12). Whatever cannot be read is left out here; there it is an error. */
#include "model/openai.h"
#include "model/sse.h"
#include <assert.h>
#include <string.h>

enum { EVENT_BYTES = 1024 * 1024 };

struct pawl_stream {
    const struct pawl_alloc *from;
    void (*text)(void *ctx, struct pawl_str piece);
    void *ctx;
    struct pawl_sse sse;
    struct pawl_arena tree;
    bool begun, whole; /* past the first byte that is not blank; it was '{': a plain JSON body, no stream */
    bool ended, failed;
};

static void on_event(void *ctx, const struct pawl_sse_event *e)
{
    struct pawl_stream *s = ctx;
    yyjson_val *chunk = NULL;
    if (s->ended) return;
    if (pawl_openai_done(e->data)) {
        s->ended = true;
        return;
    }
    pawl_arena_reset(&s->tree);
    const int code = pawl_json_read(e->data, &s->tree, &chunk, NULL);
    if (code == PAWL_ENOMEM) s->failed = true;
    if (code != PAWL_OK) return;
    yyjson_val *choice = pawl_openai_choice(chunk);
    const struct pawl_str piece = pawl_json_str(yyjson_obj_get(choice, "delta"), "content");
    if (piece.n > 0) s->text(s->ctx, piece);
    if (pawl_json_str(choice, "finish_reason").n > 0) s->ended = true;
}

struct pawl_stream *pawl_stream_new(const struct pawl_alloc *from, void (*text)(void *ctx, struct pawl_str piece),
                                    void *ctx)
{
    assert(text != NULL);
    struct pawl_stream *s = from->resize(from->ctx, NULL, 0, sizeof *s);
    if (s == NULL) return NULL;
    *s = (struct pawl_stream){.from = from, .text = text, .ctx = ctx};
    pawl_sse_init(&s->sse, from, EVENT_BYTES, on_event, s);
    pawl_arena_init(&s->tree, from);
    return s;
}

int pawl_stream_feed(struct pawl_stream *s, const void *bytes, size_t n)
{
    const char *p = bytes;
    while (!s->begun && n > 0 && memchr(" \t\r\n", *p, 4) != NULL) p++, n--;
    if (n == 0) return s->failed ? PAWL_ENOMEM : PAWL_OK;
    if (!s->begun) s->whole = *p == '{';
    s->begun = true;
    if (s->whole) return PAWL_OK;
    const int code = pawl_sse_feed(&s->sse, p, n);
    return s->failed ? PAWL_ENOMEM : code;
}

bool pawl_stream_ended(const struct pawl_stream *s)
{
    return s->ended;
}

void pawl_stream_free(struct pawl_stream *s)
{
    if (s == NULL) return;
    pawl_sse_fini(&s->sse);
    pawl_arena_fini(&s->tree);
    s->from->resize(s->from->ctx, s, sizeof *s, 0);
}
