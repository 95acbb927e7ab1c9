/* src/tool/render_fuzz.c - whatever arguments a model makes up, the request goes where the contract says, has no line
 * that the contract has not, names no secret of its own, and is canonical: rendering and writing it again gives the
 * same bytes. */
#include "base/test.h"
#include "tool/tool.h"

#define S(literal)                   \
    {                                \
        literal, sizeof(literal) - 1 \
    }
static const struct pawl_pair headers[] = {{S("X-Note"), S("for {args.id}")},
                                           {S("Authorization"), S("Bearer ${env:PAY}")}};
static const struct pawl_str words[] = {S("/bin/mail"), S("{args.id}"), S("--x={args.n}")};
static const struct pawl_tool tools[] = {
    {.name = S("t"),
     .key_header = S("Idempotency-Key"),
     .driver = PAWL_DRIVER_HTTP,
     .method = S("POST"),
     .headers = headers,
     .headers_count = 2,
     .url = S("http://pay/refunds/{args.id}/lines?n={args.n}")},
    {.name = S("t"),
     .key_header = S("Idempotency-Key"),
     .driver = PAWL_DRIVER_HTTP,
     .method = S("POST"),
     .url = S("http://pay/"),
     .body = S("{\"n\":{\"$arg\":\"/args/n\"},\"all\":[{\"$arg\":\"/args\"}]}")},
    {.name = S("t"), .key_header = S("Idempotency-Key"), .driver = PAWL_DRIVER_COMMAND, .argv = words, .argv_count = 3},
    {.name = S("t"), .key_header = S("Idempotency-Key"), .driver = PAWL_DRIVER_INPROCESS},
};

static bool control(struct pawl_str s)
{
    for (uint32_t i = 0; i < s.n; i++) {
        if ((uint8_t)s.p[i] < 0x20 || s.p[i] == 0x7f) return true;
    }
    return false;
}

static void check_http(yyjson_val *root)
{
    const struct pawl_str url = pawl_json_value_str(pawl_json_at(root, PAWL_STR("/http/url")));
    const struct pawl_str note = pawl_json_value_str(pawl_json_at(root, PAWL_STR("/http/headers/X-Note")));
    uint32_t slashes = 0, marks = 0;
    if (url.n < 11 || memcmp(url.p, "http://pay/", 11) != 0 || control(url) || control(note)) abort();
    for (uint32_t i = 0; i < url.n; i++)
        slashes += url.p[i] == '/', marks += url.p[i] == '?' || url.p[i] == '#' || url.p[i] == '@';
    if (slashes != 3 && (slashes != 5 || marks != 1)) abort();
    if (note.n > 1) {
        for (uint32_t i = 0; i + 1 < note.n; i++) {
            if (note.p[i] == '$' && note.p[i + 1] == '{') abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct test_alloc t;
    struct pawl_arena a;
    struct pawl_buf document, out, again;
    yyjson_val *doc = NULL, *root = NULL;
    struct pawl_error err;
    test_alloc_init(&t, 0);
    pawl_arena_init(&a, &t.alloc);
    pawl_buf_init_arena(&document, &a);
    pawl_buf_text(&document, "{\"args\":");
    pawl_buf_add(&document, data, size);
    pawl_buf_char(&document, '}');
    if (pawl_json_read(pawl_buf_done(&document), &a, &doc, NULL) == PAWL_OK && yyjson_obj_get(doc, "args") != NULL) {
        for (size_t i = 0; i < sizeof tools / sizeof *tools; i++) {
            pawl_buf_init_arena(&out, &a);
            pawl_buf_init_arena(&again, &a);
            const int code = pawl_tool_render(NULL, &tools[i], doc, PAWL_STR("k"), &out, &err);
            if (code != PAWL_OK && (code != PAWL_EINVAL || err.what[0] == 0)) abort();
            if (code != PAWL_OK) continue;
            if (pawl_json_read(pawl_buf_done(&out), &a, &root, NULL) != PAWL_OK) abort();
            if (pawl_json_canonical(root, &again, NULL) != PAWL_OK || out.n != again.n ||
                memcmp(out.p, again.p, out.n) != 0)
                abort();
            if (tools[i].driver == PAWL_DRIVER_HTTP) check_http(root);
        }
    }
    pawl_arena_fini(&a);
    if (t.out_bytes != 0) abort();
    return 0;
}
