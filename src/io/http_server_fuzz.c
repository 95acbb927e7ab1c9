/* src/io/http_server_fuzz.c - any bytes from a peer, in any pieces: what the handler sees keeps the limits, each request is
 * answered once and in order, at most one refusal comes and then the end, and other pieces of the same bytes give the
 * same requests and the same answers. Input: size of the pieces, then the bytes. */
#include <strings.h>
#include "io/http_server_kit.h"

enum { BODY_MAX = 4096 };
static bool bare[65536]; /* the nth request was a HEAD */

static bool text_only(struct pawl_str s)
{
    for (uint32_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f) return false;
    return true;
}

static void on_fuzzed(void *ctx, struct pawl_http_peer *peer, const struct pawl_http_incoming *in)
{
    char body[32];
    uint32_t hosts = 0;
    (void)ctx;
    if (!in->method.n || !in->target.n || !text_only(in->method) || !text_only(in->target)) abort();
    if (in->target.n > 8192 || in->fields_count > 100 || in->body.n > BODY_MAX) abort();
    for (uint32_t i = 0; i < in->fields_count; i++) {
        const struct pawl_str name = in->fields[i].name, value = in->fields[i].value;
        if (!name.n || !text_only(name) || memchr(name.p, ':', name.n)) abort();
        if (value.n && (memchr(value.p, '\r', value.n) || memchr(value.p, '\n', value.n))) abort();
        if (value.n && (memchr(value.p, 0, value.n) || value.p[value.n - 1] == ' ')) abort();
        hosts += name.n == 4 && strncasecmp(name.p, "host", 4) == 0;
        see(name.p, name.n);
        see(value.p, value.n);
    }
    if (hosts > 1) abort();
    bare[requests] = pawl_str_is(in->method, "HEAD");
    see(in->target.p, in->target.n);
    see(in->body.p, in->body.n);
    pawl_http_answer(peer, 200, "a/b", "", (struct pawl_str){body, (uint32_t)sprintf(body, "%d", requests++)});
}

/* The bytes in pieces of `step`; then what came back, in numbers. */
static int talk(const uint8_t *data, size_t size, size_t step, int *last_status)
{
    struct client *c = dial();
    int answers = 0;
    requests = 0;
    seen_bytes = 0;
    *last_status = 0;
    for (size_t at = 0; at < size && !c->ended; at += step)
        say_all(c, (const char *)data + at, size - at < step ? size - at : step);
    shutdown(c->fd, SHUT_WR);
    for (int64_t until = now_ms() + 5000; !c->ended;) {
        if (now_ms() > until) abort();
        turn(true, 10);
    }
    for (;;) {
        char want[32];
        const struct answer a = take(c, answers < requests && bare[answers]);
        if (!a.whole) break;
        if (*last_status > 200) abort(); /* after a refusal nothing comes */
        if (a.status == 100) continue;
        *last_status = a.status;
        sprintf(want, "%d", answers);
        if (a.status == 200 && !bare[answers] &&
            (a.body_bytes != strlen(want) || memcmp(a.body, want, a.body_bytes) != 0))
            abort();
        answers += a.status == 200;
    }
    if (c->n || c->reset || answers != requests) abort();
    hang_up(c);
    return answers;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool open;
    static char first[sizeof seen];
    int status, again_status;
    if (!open) {
        uv_loop_init(&loop);
        test_alloc_init(&memory, 0);
        hooks = (struct pawl_http_hooks){.on_request = on_fuzzed, .body_bytes_max = BODY_MAX};
        if (pawl_http_server_open(&memory.alloc, &loop, "127.0.0.1", &port, &hooks, &server, NULL)) abort();
        open = true;
    }
    if (size < 2) return 0;
    const size_t step = (size_t)data[0] % 64 + 1;
    const int answers = talk(data + 1, size - 1, size, &status);
    const size_t bytes = seen_bytes;
    memcpy(first, seen, bytes);
    if (talk(data + 1, size - 1, step, &again_status) != answers || status != again_status) abort();
    if (seen_bytes != bytes || memcmp(first, seen, bytes) != 0) abort();
    return 0;
}
