/* src/cli/mock_openai.c - OpenAI's chat completions as `pawl mock` speaks them: what is wrong with a request, errors, whole
 * answers and streams. An agent that sends what the real one refuses is told here, not in production. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "cli/mock.h"

/* ---- requests */

enum { PENDING_MAX = 128 };
struct pending { /* calls of the last assistant message that were not answered yet */
    struct pawl_str ids[PENDING_MAX];
    uint32_t count;
};

static const char *say(struct pawl_arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
static const char *say(struct pawl_arena *a, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *kept = pawl_arena_copy(a, text, strlen(text));
    return kept ? kept : "no memory";
}

static bool answered(struct pending *p, struct pawl_str id)
{
    for (uint32_t i = 0; i < p->count; i++)
        if (pawl_str_eq(p->ids[i], id)) {
            p->ids[i] = p->ids[--p->count];
            return true;
        }
    return false;
}

static const char *unanswered(struct pending *p, struct pawl_arena *a)
{
    if (!p->count) return NULL;
    return say(a, "tool call %.*s is not answered by a tool message behind it",
               (int)(p->ids[0].n < 100 ? p->ids[0].n : 100), p->ids[0].p ? p->ids[0].p : "");
}

static const char *message_fault(yyjson_val *message, struct pending *p, struct pawl_arena *a)
{
    static const char *const roles[] = {"system", "developer", "user", "assistant", "tool", "function", NULL};
    const struct pawl_str role = pawl_json_str(message, "role");
    yyjson_val *calls = yyjson_obj_get(message, "tool_calls"), *call;
    const char *const *r = roles;
    const char *fault;
    size_t i, n;
    while (*r && !pawl_str_is(role, *r)) r++;
    if (!*r) return "role is none of system, developer, user, assistant, tool";
    if (pawl_str_is(role, "tool"))
        return answered(p, pawl_json_str(message, "tool_call_id"))
                   ? NULL
                   : "a tool message answers no call of the message before";
    if ((fault = unanswered(p, a)) != NULL) return fault;
    if (yyjson_arr_size(calls) > PENDING_MAX) return "more than 128 tool calls";
    yyjson_arr_foreach(calls, i, n, call)
    {
        const struct pawl_str id = pawl_json_str(call, "id");
        yyjson_val *function = yyjson_obj_get(call, "function");
        if (!id.n || !pawl_json_str(function, "name").n || !pawl_json_str(function, "arguments").p)
            return "a tool call has an id, and a function with name and arguments, which is a text";
        p->ids[p->count++] = id;
    }
    return NULL;
}

static const char *tool_fault(yyjson_val *tool)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    const struct pawl_str name = pawl_json_str(yyjson_obj_get(tool, "function"), "name");
    if (!pawl_str_is(pawl_json_str(tool, "type"), "function")) return "type is not function";
    if (!name.n || name.n > 64) return "function.name has 1 to 64 characters";
    for (uint32_t i = 0; i < name.n; i++)
        if (!memchr(good, name.p[i], sizeof good - 1)) return "function.name has letters, digits, _ and - only";
    return NULL;
}

const char *pawl_mock_request_fault(yyjson_val *request, struct pawl_arena *a, const char **param)
{
    yyjson_val *messages = yyjson_obj_get(request, "messages"), *tools = yyjson_obj_get(request, "tools"), *v;
    struct pending p = {.count = 0};
    const char *fault;
    size_t i, n;
    if (!yyjson_is_obj(request)) return "the body is not a JSON object";
    *param = "model";
    if (!pawl_json_str(request, "model").n) return "model is missing";
    *param = "messages";
    if (!yyjson_arr_size(messages)) return "messages is missing";
    yyjson_arr_foreach(messages, i, n, v) if ((fault = message_fault(v, &p, a)) != NULL)
    {
        *param = say(a, "messages[%zu]", i);
        return fault;
    }
    if ((fault = unanswered(&p, a)) != NULL) return fault;
    yyjson_arr_foreach(tools, i, n, v) if ((fault = tool_fault(v)) != NULL)
    {
        *param = say(a, "tools[%zu]", i);
        return fault;
    }
    *param = "n";
    if (pawl_json_i64(request, "n", 1) != 1) return "pawl mock gives one choice";
    *param = "stream_options";
    if (yyjson_is_obj(yyjson_obj_get(request, "stream_options")) && !pawl_json_bool(request, "stream", false))
        return "stream_options goes with stream: true only";
    *param = NULL;
    return NULL;
}

/* ---- errors */

static const struct known {
    int status;
    const char *type, *code, *message;
} errors[] = {
    {400, "invalid_request_error", NULL, "this request cannot be understood"},
    {401, "invalid_request_error", "invalid_api_key", "this key is not accepted"},
    {403, "permission_error", "permission_denied", "this key may not do that"},
    {404, "invalid_request_error", "model_not_found", "there is no such model"},
    {429, "rate_limit_error", "rate_limit_exceeded", "slow down"},
    {500, "server_error", NULL, "the server failed"},
    {503, "service_unavailable_error", "server_is_overloaded", "the server is overloaded"},
};

static void put(struct pawl_json_writer *w, const char *name, const char *value)
{
    pawl_jw_key(w, name);
    if (value) pawl_jw_text(w, value);
    else pawl_jw_null(w);
}

static void write_error(struct pawl_buf *out, int status, const char *code, const char *message, const char *param)
{
    struct pawl_json_writer w = {.out = out};
    const struct known *k = NULL, fallback = {status, status < 500 ? "invalid_request_error" : "server_error", NULL,
                                              "pawl mock was told to fail"};
    for (size_t i = 0; i < sizeof errors / sizeof *errors && !k; i++)
        if (errors[i].status == status) k = &errors[i];
    if (!k) k = &fallback;
    const bool broke = code && strcmp(code, "insufficient_quota") == 0;
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "error");
    pawl_jw_open(&w, '{');
    put(&w, "message", message ? message : broke ? "there is no money left on this account" : k->message);
    put(&w, "type", broke ? "insufficient_quota" : k->type);
    put(&w, "param", param);
    put(&w, "code", code ? code : k->code);
    pawl_jw_close(&w, '}');
    pawl_jw_close(&w, '}');
}

void pawl_mock_openai_error(struct pawl_mock_call *c, int status, const char *code, const char *message,
                            const char *param)
{
    c->stream = false;
    c->type = "application/json";
    pawl_mock_say(c, status, "%s", "");
    write_error(&c->out, status, code, message, param);
}

/* ---- answers */

static void open_answer(struct pawl_mock_call *c, struct pawl_json_writer *w, const char *object)
{
    char id[48];
    snprintf(id, sizeof id, "chatcmpl-mock-%llu", (unsigned long long)c->m->ledger_seq);
    pawl_jw_open(w, '{');
    put(w, "id", id);
    put(w, "object", object);
    pawl_jw_key(w, "created");
    pawl_jw_i64(w, (int64_t)time(NULL));
    pawl_jw_key(w, "model");
    pawl_jw_str(w, pawl_json_str(c->json, "model"));
    put(w, "system_fingerprint", "pawl-mock");
}

static void write_usage(struct pawl_json_writer *w, const struct pawl_mock_said *said)
{
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "prompt_tokens");
    pawl_jw_i64(w, said->input);
    pawl_jw_key(w, "completion_tokens");
    pawl_jw_i64(w, said->output);
    pawl_jw_key(w, "total_tokens");
    pawl_jw_i64(w, said->input + said->output);
    pawl_jw_key(w, "prompt_tokens_details");
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "cached_tokens");
    pawl_jw_i64(w, said->cached);
    pawl_jw_close(w, '}');
    pawl_jw_key(w, "completion_tokens_details");
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "reasoning_tokens");
    pawl_jw_i64(w, 0);
    pawl_jw_close(w, '}');
    pawl_jw_close(w, '}');
}

static void put_text(struct pawl_json_writer *w, const char *name, struct pawl_str text)
{
    pawl_jw_key(w, name);
    if (text.p) pawl_jw_str(w, text);
    else pawl_jw_null(w);
}

static void write_call(struct pawl_json_writer *w, const struct pawl_mock_tool_call *call, int64_t index,
                       struct pawl_str arguments)
{
    pawl_jw_open(w, '{');
    if (index >= 0) pawl_jw_key(w, "index"), pawl_jw_i64(w, index);
    put_text(w, "id", call->id);
    put(w, "type", "function");
    pawl_jw_key(w, "function");
    pawl_jw_open(w, '{');
    put_text(w, "name", call->name);
    put_text(w, "arguments", arguments);
    pawl_jw_close(w, '}');
    pawl_jw_close(w, '}');
}

static void whole(struct pawl_mock_call *c, const struct pawl_mock_said *said)
{
    struct pawl_json_writer w = {.out = &c->out};
    open_answer(c, &w, "chat.completion");
    pawl_jw_key(&w, "choices");
    pawl_jw_open(&w, '[');
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "index");
    pawl_jw_i64(&w, 0);
    pawl_jw_key(&w, "message");
    pawl_jw_open(&w, '{');
    put(&w, "role", "assistant");
    put_text(&w, "content", said->content);
    put_text(&w, "refusal", said->refusal);
    if (said->calls_count) {
        pawl_jw_key(&w, "tool_calls");
        pawl_jw_open(&w, '[');
        for (uint32_t i = 0; i < said->calls_count; i++) write_call(&w, &said->calls[i], -1, said->calls[i].arguments);
        pawl_jw_close(&w, ']');
    }
    pawl_jw_close(&w, '}');
    put_text(&w, "finish_reason", said->finish);
    put(&w, "logprobs", NULL);
    pawl_jw_close(&w, '}');
    pawl_jw_close(&w, ']');
    pawl_jw_key(&w, "usage");
    write_usage(&w, said);
    pawl_jw_close(&w, '}');
}

/* ---- streams */

struct stream {
    struct pawl_mock_call *c;
    struct pawl_json_writer w;
    bool usage; /* was asked for: then it is null in each chunk but the last */
};

static void open_chunk(struct stream *s)
{
    pawl_buf_text(&s->c->out, "data: ");
    s->w = (struct pawl_json_writer){.out = &s->c->out};
    open_answer(s->c, &s->w, "chat.completion.chunk");
    pawl_jw_key(&s->w, "choices");
    pawl_jw_open(&s->w, '[');
}

static void open_delta(struct stream *s)
{
    open_chunk(s);
    pawl_jw_open(&s->w, '{');
    pawl_jw_key(&s->w, "index");
    pawl_jw_i64(&s->w, 0);
    pawl_jw_key(&s->w, "delta");
    pawl_jw_open(&s->w, '{');
}

static void close_delta(struct stream *s, struct pawl_str finish)
{
    pawl_jw_close(&s->w, '}');
    put_text(&s->w, "finish_reason", finish);
    put(&s->w, "logprobs", NULL);
    pawl_jw_close(&s->w, '}');
    pawl_jw_close(&s->w, ']');
    if (s->usage) put(&s->w, "usage", NULL);
    pawl_jw_close(&s->w, '}');
    pawl_buf_text(&s->c->out, "\n\n");
}

static const struct pawl_str none = {NULL, 0};

/* The next piece of a text: about so many bytes, never within a character. */
static struct pawl_str piece(struct pawl_str text, uint32_t at, uint32_t bytes)
{
    uint32_t end = text.n - at > bytes ? at + bytes : text.n;
    while (end < text.n && ((unsigned char)text.p[end] & 0xc0) == 0x80) end++;
    return (struct pawl_str){text.p + at, end - at};
}

static void stream_text(struct stream *s, const char *name, struct pawl_str text)
{
    for (uint32_t at = 0; at < text.n;) {
        const struct pawl_str p = piece(text, at, 8);
        open_delta(s);
        put_text(&s->w, name, p);
        close_delta(s, none);
        at += p.n;
    }
}

static void stream_call(struct stream *s, const struct pawl_mock_tool_call *call, uint32_t index)
{
    open_delta(s);
    pawl_jw_key(&s->w, "tool_calls");
    pawl_jw_open(&s->w, '[');
    write_call(&s->w, call, index, PAWL_STR(""));
    pawl_jw_close(&s->w, ']');
    close_delta(s, none);
    for (uint32_t at = 0; at < call->arguments.n;) {
        const struct pawl_str p = piece(call->arguments, at, 12);
        open_delta(s);
        pawl_jw_key(&s->w, "tool_calls");
        pawl_jw_open(&s->w, '[');
        pawl_jw_open(&s->w, '{');
        pawl_jw_key(&s->w, "index");
        pawl_jw_i64(&s->w, index);
        pawl_jw_key(&s->w, "function");
        pawl_jw_open(&s->w, '{');
        put_text(&s->w, "arguments", p);
        pawl_jw_close(&s->w, '}');
        pawl_jw_close(&s->w, '}');
        pawl_jw_close(&s->w, ']');
        close_delta(s, none);
        at += p.n;
    }
}

static void stream(struct pawl_mock_call *c, const struct pawl_mock_said *said)
{
    struct stream s = {.c = c};
    s.usage = pawl_json_bool(yyjson_obj_get(c->json, "stream_options"), "include_usage", false);
    open_delta(&s);
    put(&s.w, "role", "assistant");
    put_text(&s.w, "content", said->calls_count || said->refusal.p ? none : PAWL_STR(""));
    close_delta(&s, none);
    stream_text(&s, "refusal", said->refusal);
    stream_text(&s, "content", said->content);
    for (uint32_t i = 0; i < said->calls_count; i++) stream_call(&s, &said->calls[i], i);
    if (c->what.kind == MOCK_STREAM_ERROR) {
        pawl_buf_text(&c->out, "data: ");
        write_error(&c->out, 500, NULL, "the server failed in the middle of its answer", NULL);
        pawl_buf_text(&c->out, "\n\n");
        return;
    }
    open_delta(&s);
    close_delta(&s, said->finish);
    if (s.usage) {
        open_chunk(&s);
        pawl_jw_close(&s.w, ']');
        pawl_jw_key(&s.w, "usage");
        write_usage(&s.w, said);
        pawl_jw_close(&s.w, '}');
        pawl_buf_text(&c->out, "\n\n");
    }
    pawl_buf_text(&c->out, "data: [DONE]\n\n");
}

void pawl_mock_openai_answer(struct pawl_mock_call *c, const struct pawl_mock_said *said)
{
    pawl_mock_say(c, 200, "%s", "");
    pawl_buf_printf(&c->headers, "X-Request-Id: req_mock_%llu\r\n", (unsigned long long)c->m->ledger_seq);
    c->type = c->stream ? "text/event-stream" : "application/json";
    if (c->stream) stream(c, said);
    else if (c->what.kind == MOCK_STREAM_ERROR)
        write_error(&c->out, 500, NULL, "the server failed behind its 200", NULL);
    else whole(c, said);
}
