/* src/tool/render.c - a call to the fixed request: what leaves, byte for byte, decided before it leaves (LEDGER 5).
 *
 * What the model wrote gets nowhere but where the contract put it: it is percent-encoded in a URL and cannot change the
 * host; it cannot break out of a header, nor name a secret there that the driver would fill in (template.c sees to
 * both); it is a word of argv, never of a shell. The idempotency key goes along with every call, reads too; whether
 * the tool honours it is another question (LEDGER 4). */
#include "tool/tool.h"
#include <assert.h>
#include <string.h>

static bool same_name(struct pawl_str a, struct pawl_str b) /* header names: ASCII case is nothing */
{
    if (a.n != b.n) return false;
    for (uint32_t i = 0; i < a.n; i++) {
        const char x = a.p[i], y = b.p[i];
        const char low_x = (char)(x >= 'A' && x <= 'Z' ? x + 32 : x), low_y = (char)(y >= 'A' && y <= 'Z' ? y + 32 : y);
        if (low_x != low_y) return false;
    }
    return true;
}

static bool has_header(const struct pawl_tool *t, struct pawl_str name)
{
    for (uint32_t i = 0; i < t->headers_count; i++) {
        if (same_name(t->headers[i].name, name)) return true;
    }
    return false;
}

/* The part of a URL that says where it goes: up to the first '/', '?' or '#' behind "://". */
static struct pawl_str origin(struct pawl_str url)
{
    uint32_t at = 0;
    while (at + 3 <= url.n && memcmp(url.p + at, "://", 3) != 0) at++;
    if (at + 3 > url.n) return (struct pawl_str){NULL, 0};
    at += 3;
    while (at < url.n && memchr("/?#", url.p[at], 3) == NULL) at++;
    return (struct pawl_str){url.p, at};
}

static int render_text(struct pawl_str text, yyjson_val *document, enum pawl_template_for how, struct pawl_arena *a,
                       struct pawl_str *out, struct pawl_error *err)
{
    struct pawl_buf buf;
    pawl_buf_init_arena(&buf, a);
    const int code = pawl_template_text(text, document, how, &buf, err);
    if (code != PAWL_OK) return code;
    *out = pawl_buf_done(&buf);
    return buf.failed ? PAWL_ENOMEM : PAWL_OK;
}

static int render_url(const struct pawl_tool *t, yyjson_val *document, struct pawl_arena *a, struct pawl_str *out,
                      struct pawl_error *err)
{
    const int code = render_text(t->url, document, PAWL_TEMPLATE_URL, a, out, err);
    if (code != PAWL_OK) return code;
    if (pawl_str_eq(origin(t->url), origin(*out))) return PAWL_OK;
    return pawl_fail(err, PAWL_EINVAL, "/http/url", "keep references out of the scheme, host and port",
                     "the URL of tool %.*s would go to another host than its contract names", (int)t->name.n,
                     t->name.p);
}

static bool takes_body(struct pawl_str method)
{
    return !pawl_str_is(method, "GET") && !pawl_str_is(method, "HEAD") && !pawl_str_is(method, "DELETE");
}

/* A declared body is sent with any method; without one the arguments are, with methods that have a body. */
static int render_body(const struct pawl_tool *t, yyjson_val *document, struct pawl_arena *a, struct pawl_str *out,
                       struct pawl_error *err)
{
    struct pawl_buf buf;
    pawl_buf_init_arena(&buf, a);
    *out = (struct pawl_str){NULL, 0};
    if (t->body.p != NULL) {
        const int code = pawl_template_json(t->body, document, a, &buf, err);
        if (code != PAWL_OK) return code;
    } else if (takes_body(t->method)) {
        pawl_json_write(yyjson_obj_get(document, "args"), &buf);
    } else {
        return PAWL_OK;
    }
    *out = pawl_buf_done(&buf);
    return buf.failed ? PAWL_ENOMEM : PAWL_OK;
}

/* Where the driver is to say whom to call back: its token is a secret, so only the place is part of the request. */
static int write_callback(const struct pawl_tool *t, struct pawl_str key, struct pawl_str body, struct pawl_arena *a,
                          struct pawl_json_writer *w, struct pawl_error *err)
{
    const struct pawl_async *async = &t->async;
    yyjson_val *root = NULL;
    if (!pawl_async_calls_back(async) || key.n == 0) return PAWL_OK;
    if (async->field.p) {
        if (!body.p || pawl_json_read(body, a, &root, NULL) != PAWL_OK || !yyjson_is_obj(root))
            return pawl_fail(err, PAWL_EINVAL, "/async/callback", "name a header", "the body of tool %.*s is no object",
                             (int)t->name.n, t->name.p);
        if (yyjson_obj_getn(root, async->field.p, async->field.n))
            return pawl_fail(err, PAWL_EINVAL, "/async/callback", "leave it out",
                             "the body of tool %.*s has a member %.*s, which pawl fills in", (int)t->name.n, t->name.p,
                             (int)async->field.n, async->field.p);
    }
    pawl_jw_key(w, "callback");
    pawl_jw_open(w, '{');
    pawl_jw_key(w, async->header.p ? "header" : "field");
    pawl_jw_str(w, async->header.p ? async->header : async->field);
    pawl_jw_close(w, '}');
    return PAWL_OK;
}

static int write_http(const struct pawl_tool *t, yyjson_val *document, struct pawl_str key, struct pawl_arena *a,
                      struct pawl_json_writer *w, struct pawl_error *err)
{
    struct pawl_str url, body;
    int code = render_url(t, document, a, &url, err);
    if (code == PAWL_OK) code = render_body(t, document, a, &body, err);
    if (code != PAWL_OK) return code;
    pawl_jw_key(w, "http");
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "method");
    pawl_jw_str(w, t->method);
    pawl_jw_key(w, "url");
    pawl_jw_str(w, url);
    pawl_jw_key(w, "headers");
    pawl_jw_open(w, '{');
    for (uint32_t i = 0; i < t->headers_count; i++) {
        struct pawl_str value;
        if (same_name(t->headers[i].name, t->key_header)) continue; /* ours is below */
        code = render_text(t->headers[i].value, document, PAWL_TEMPLATE_HEADER, a, &value, err);
        if (code != PAWL_OK) return code;
        pawl_jw_key_str(w, t->headers[i].name);
        pawl_jw_str(w, value);
    }
    if (body.p != NULL && !has_header(t, PAWL_STR("Content-Type"))) {
        pawl_jw_key(w, "Content-Type");
        pawl_jw_text(w, "application/json");
    }
    if (key.n > 0) {
        pawl_jw_key_str(w, t->key_header);
        pawl_jw_str(w, key);
    }
    pawl_jw_close(w, '}');
    pawl_jw_key(w, "body");
    if (body.p != NULL) pawl_jw_str(w, body);
    else pawl_jw_null(w);
    if ((code = write_callback(t, key, body, a, w, err)) != PAWL_OK) return code;
    pawl_jw_close(w, '}');
    return PAWL_OK;
}

static int write_argv(const struct pawl_tool *t, yyjson_val *document, struct pawl_arena *a, struct pawl_json_writer *w,
                      struct pawl_error *err)
{
    pawl_jw_key(w, "argv");
    pawl_jw_open(w, '[');
    for (uint32_t i = 0; i < t->argv_count; i++) {
        struct pawl_str word;
        const int code = render_text(t->argv[i], document, PAWL_TEMPLATE_TEXT, a, &word, err);
        if (code != PAWL_OK) return code;
        if (word.n > 0 && memchr(word.p, 0, word.n) != NULL) {
            return pawl_fail(err, PAWL_EINVAL, "/command", "give a value without U+0000",
                             "word %u of the command of tool %.*s would hold a NUL character", i, (int)t->name.n,
                             t->name.p);
        }
        pawl_jw_str(w, word);
    }
    pawl_jw_close(w, ']');
    return PAWL_OK;
}

static int write_command(const struct pawl_tool *t, yyjson_val *document, struct pawl_str key, struct pawl_arena *a,
                         struct pawl_json_writer *w, struct pawl_error *err)
{
    static const char variable[] = "PAWL_IDEMPOTENCY_KEY"; /* always there, whatever else the contract calls it */
    struct pawl_buf args;
    pawl_buf_init_arena(&args, a);
    pawl_json_write(yyjson_obj_get(document, "args"), &args);
    pawl_jw_key(w, "command");
    pawl_jw_open(w, '{');
    const int code = write_argv(t, document, a, w, err);
    if (code != PAWL_OK) return code;
    pawl_jw_key(w, "stdin");
    pawl_jw_str(w, pawl_buf_done(&args));
    pawl_jw_key(w, "env");
    pawl_jw_open(w, '{');
    if (key.n > 0) {
        pawl_jw_key(w, variable);
        pawl_jw_str(w, key);
    }
    if (key.n > 0 && t->key_header.n > 0 && !pawl_str_is(t->key_header, variable)) {
        pawl_jw_key_str(w, t->key_header);
        pawl_jw_str(w, key);
    }
    pawl_jw_close(w, '}');
    pawl_jw_close(w, '}');
    return args.failed ? PAWL_ENOMEM : PAWL_OK;
}

static void write_call(const struct pawl_tool *t, yyjson_val *document, struct pawl_str key, struct pawl_json_writer *w)
{
    pawl_jw_key(w, "call");
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "name");
    pawl_jw_str(w, t->name);
    pawl_jw_key(w, "args");
    pawl_jw_value(w, yyjson_obj_get(document, "args"));
    if (key.n > 0) {
        pawl_jw_key(w, "key");
        pawl_jw_str(w, key);
    }
    pawl_jw_close(w, '}');
}

static void write_signal(const struct pawl_tool *t, struct pawl_json_writer *w)
{
    pawl_jw_key(w, "signal");
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "name");
    pawl_jw_str(w, t->signal);
    pawl_jw_key(w, "timeout_ms");
    pawl_jw_i64(w, t->signal_ns / 1000000);
    pawl_jw_close(w, '}');
}

static int write_child(const struct pawl_tool *t, yyjson_val *document, struct pawl_arena *a,
                       struct pawl_json_writer *w, struct pawl_error *err)
{
    struct pawl_buf input;
    pawl_buf_init_arena(&input, a);
    if (t->child_input.p) {
        const int code = pawl_template_json(t->child_input, document, a, &input, err);
        if (code != PAWL_OK) return code;
    } else {
        pawl_json_write(yyjson_obj_get(document, "args"), &input);
    }
    if (!pawl_buf_done(&input).p) return PAWL_ENOMEM;
    pawl_jw_key(w, "child");
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "agent");
    pawl_jw_str(w, t->child);
    pawl_jw_key(w, "input");
    pawl_jw_raw(w, pawl_buf_done(&input));
    pawl_jw_close(w, '}');
    return PAWL_OK;
}

static int write_request(const struct pawl_tool *t, yyjson_val *document, struct pawl_str key, struct pawl_arena *a,
                         struct pawl_buf *out, struct pawl_error *err)
{
    struct pawl_json_writer w = {.out = out};
    int code = PAWL_OK;
    pawl_jw_open(&w, '{');
    switch (t->driver) {
    case PAWL_DRIVER_HTTP: code = write_http(t, document, key, a, &w, err); break;
    case PAWL_DRIVER_COMMAND: code = write_command(t, document, key, a, &w, err); break;
    case PAWL_DRIVER_INPROCESS:
    case PAWL_DRIVER_JOURNAL: write_call(t, document, key, &w); break; /* the latter is never sent */
    case PAWL_DRIVER_SIGNAL: write_signal(t, &w); break;
    case PAWL_DRIVER_AGENT: code = write_child(t, document, a, &w, err); break;
    }
    pawl_jw_close(&w, '}');
    if (code != PAWL_OK) return code;
    return out->failed || a->failed ? PAWL_ENOMEM : PAWL_OK;
}

int pawl_tool_render(const struct pawl_config *c, const struct pawl_tool *t, yyjson_val *document, struct pawl_str key,
                     struct pawl_buf *out, struct pawl_error *err)
{
    _Alignas(16) char first[4096];
    struct pawl_arena a;
    struct pawl_buf text;
    yyjson_val *root = NULL;
    (void)c;
    assert(yyjson_obj_get(document, "args") != NULL);
    pawl_arena_init_on(&a, out->arena != NULL ? out->arena->from : out->from, first, sizeof first);
    pawl_buf_init_arena(&text, &a);
    /* Written in the order that reads well, then put into the canonical one. */
    int code = write_request(t, document, key, &a, &text, err);
    if (code == PAWL_OK) code = pawl_json_read(pawl_buf_done(&text), &a, &root, err);
    if (code == PAWL_OK) code = pawl_json_canonical(root, out, err);
    if (code == PAWL_OK && out->failed) code = PAWL_ENOMEM;
    if (code == PAWL_ENOMEM) pawl_fail(err, code, "", "", "no memory for the request of a tool");
    pawl_arena_fini(&a);
    return code;
}
