/* src/model/openai.c - a conversation to the request of chat completions.
 *
 * The messages come last in the body: everything before them is the same for every turn of a run, and a message never
 * changes once it was sent, so each request begins with the bytes of the one before and a provider's prompt cache hits.
 * The tools' schemas and the model's own arguments go out as the very text that they are. */
#include "model/openai.h"
#include "contract/template.h"
#include <string.h>

static void write_tools(struct pawl_json_writer *w, const struct pawl_tool *const *tools, uint32_t count)
{
    pawl_jw_key(w, "tools");
    pawl_jw_open(w, '[');
    for (uint32_t i = 0; i < count; i++) {
        const struct pawl_tool *t = tools[i];
        pawl_jw_open(w, '{');
        pawl_jw_key(w, "type");
        pawl_jw_text(w, "function");
        pawl_jw_key(w, "function");
        pawl_jw_open(w, '{');
        pawl_jw_key(w, "name");
        pawl_jw_str(w, t->name);
        if (t->description.n > 0) {
            pawl_jw_key(w, "description");
            pawl_jw_str(w, t->description);
        }
        pawl_jw_key(w, "parameters");
        pawl_jw_raw(w, t->input_json.p != NULL ? t->input_json : PAWL_STR("{\"type\":\"object\"}"));
        pawl_jw_close(w, '}');
        pawl_jw_close(w, '}');
    }
    pawl_jw_close(w, ']');
}

static void write_response_format(struct pawl_json_writer *w, struct pawl_str schema)
{
    pawl_jw_key(w, "response_format");
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "type");
    pawl_jw_text(w, "json_schema");
    pawl_jw_key(w, "json_schema");
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "name");
    pawl_jw_text(w, "answer");
    pawl_jw_key(w, "schema");
    pawl_jw_raw(w, schema);
    pawl_jw_close(w, '}');
    pawl_jw_close(w, '}');
}

/* A model can make up a name that the API takes from it and then refuses to take back ("functions.get order"), for
 * good. Such a call was answered with an error; in the history its name is put into the API's form:
 * [A-Za-z0-9_-]{1,64}. */
static void write_call_name(struct pawl_json_writer *w, struct pawl_str name)
{
    char fixed[64];
    const uint32_t n = name.n < sizeof fixed ? name.n : (uint32_t)sizeof fixed;
    for (uint32_t i = 0; i < n; i++) {
        const char c = name.p[i];
        const bool fine =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        fixed[i] = (char)(fine ? c : '_');
    }
    pawl_jw_str(w, n > 0 ? (struct pawl_str){fixed, n} : PAWL_STR("_"));
}

static void write_calls(struct pawl_json_writer *w, const struct pawl_message *m)
{
    pawl_jw_key(w, "tool_calls");
    pawl_jw_open(w, '[');
    for (uint32_t i = 0; i < m->calls_count; i++) {
        const struct pawl_call *call = &m->calls[i];
        pawl_jw_open(w, '{');
        pawl_jw_key(w, "id");
        pawl_jw_str(w, call->id);
        pawl_jw_key(w, "type");
        pawl_jw_text(w, "function");
        pawl_jw_key(w, "function");
        pawl_jw_open(w, '{');
        pawl_jw_key(w, "name");
        write_call_name(w, call->name);
        pawl_jw_key(w, "arguments");
        pawl_jw_str(w, call->arguments.n > 0 ? call->arguments : PAWL_STR("{}"));
        pawl_jw_close(w, '}');
        pawl_jw_close(w, '}');
    }
    pawl_jw_close(w, ']');
}

static void write_message(struct pawl_json_writer *w, const struct pawl_message *m)
{
    static const char *const roles[] = {[PAWL_ROLE_SYSTEM] = "system",
                                        [PAWL_ROLE_USER] = "user",
                                        [PAWL_ROLE_ASSISTANT] = "assistant",
                                        [PAWL_ROLE_TOOL] = "tool"};
    const bool calls = m->role == PAWL_ROLE_ASSISTANT && m->calls_count > 0;
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "role");
    pawl_jw_text(w, roles[m->role]);
    if (m->role == PAWL_ROLE_TOOL) {
        pawl_jw_key(w, "tool_call_id");
        pawl_jw_str(w, m->call_id);
    }
    pawl_jw_key(w, "content");
    if (m->content.p == NULL && calls) pawl_jw_null(w); /* null is taken only beside calls */
    else pawl_jw_str(w, m->content.p != NULL ? m->content : PAWL_STR(""));
    if (calls) write_calls(w, m);
    pawl_jw_close(w, '}');
}

static void write_body(struct pawl_json_writer *w, const struct pawl_model *m, const struct pawl_message *messages,
                       uint32_t messages_count, const struct pawl_tool *const *tools, uint32_t tools_count,
                       struct pawl_str output_json)
{
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "model");
    pawl_jw_str(w, m->model);
    pawl_jw_key(w, "stream");
    pawl_jw_bool(w, true);
    pawl_jw_key(w, "stream_options");
    pawl_jw_raw(w, PAWL_STR("{\"include_usage\":true}"));
    if (m->max_tokens > 0) {
        pawl_jw_key(w, "max_completion_tokens");
        pawl_jw_i64(w, m->max_tokens);
    }
    if (output_json.p != NULL) write_response_format(w, output_json);
    if (tools_count > 0) write_tools(w, tools, tools_count);
    pawl_jw_key(w, "messages");
    pawl_jw_open(w, '[');
    for (uint32_t i = 0; i < messages_count; i++) write_message(w, &messages[i]);
    pawl_jw_close(w, ']');
    pawl_jw_close(w, '}');
}

/* The path goes before a query (Azure's ?api-version=…). */
static void add_url(struct pawl_buf *out, struct pawl_str base)
{
    const char *query = base.n > 0 ? memchr(base.p, '?', base.n) : NULL;
    const uint32_t path_n = query != NULL ? (uint32_t)(query - base.p) : base.n;
    uint32_t n = path_n;
    while (n > 0 && base.p[n - 1] == '/') n--;
    pawl_buf_add(out, base.p, n);
    pawl_buf_text(out, "/chat/completions");
    pawl_buf_add(out, base.p + path_n, base.n - path_n);
}

static bool has_header(const struct pawl_model *m, const char *lower)
{
    for (uint32_t i = 0; i < m->headers_count; i++) {
        const struct pawl_str name = m->headers[i].name;
        uint32_t k = 0;
        while (k < name.n && lower[k] != 0 && (name.p[k] == lower[k] || name.p[k] + 32 == lower[k])) k++;
        if (k == name.n && lower[k] == 0) return true;
    }
    return false;
}

static int write_headers(struct pawl_json_writer *w, const struct pawl_model *m, yyjson_val *document,
                         struct pawl_arena *a, struct pawl_error *err)
{
    int code = PAWL_OK;
    pawl_jw_key(w, "headers");
    pawl_jw_open(w, '{');
    if (!has_header(m, "content-type")) {
        pawl_jw_key(w, "Content-Type");
        pawl_jw_text(w, "application/json");
    }
    if (m->api_key.n > 0 && !has_header(m, "authorization")) {
        struct pawl_buf bearer; /* the key is a reference that the driver fills in */
        pawl_buf_init_arena(&bearer, a);
        pawl_buf_text(&bearer, "Bearer ");
        pawl_buf_str(&bearer, m->api_key);
        pawl_jw_key(w, "Authorization");
        pawl_jw_str(w, pawl_buf_done(&bearer));
    }
    for (uint32_t i = 0; i < m->headers_count && code == PAWL_OK; i++) {
        struct pawl_buf value;
        pawl_jw_key_str(w, m->headers[i].name);
        pawl_buf_init_arena(&value, a);
        code = pawl_template_text(m->headers[i].value, document, PAWL_TEMPLATE_HEADER, &value, err);
        if (code) break;
        pawl_jw_str(w, pawl_buf_done(&value));
    }
    pawl_jw_close(w, '}');
    return code;
}

int pawl_openai_render(const struct pawl_model *m, const struct pawl_message *messages, uint32_t messages_count,
                       const struct pawl_tool *const *tools, uint32_t tools_count, struct pawl_str output_json,
                       yyjson_val *document, struct pawl_arena *a, struct pawl_json_writer *w, struct pawl_error *err)
{
    struct pawl_buf body, url;
    int code;
    pawl_buf_init_arena(&body, a);
    pawl_buf_init_arena(&url, a);
    struct pawl_json_writer inner = {.out = &body};
    write_body(&inner, m, messages, messages_count, tools, tools_count, output_json);
    add_url(&url, m->base_url);
    pawl_jw_key(w, "http");
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "method");
    pawl_jw_text(w, "POST");
    pawl_jw_key(w, "url");
    pawl_jw_str(w, pawl_buf_done(&url));
    code = write_headers(w, m, document, a, err);
    pawl_jw_key(w, "body");
    pawl_jw_str(w, pawl_buf_done(&body));
    pawl_jw_close(w, '}');
    return body.failed || url.failed ? PAWL_ENOMEM : code;
}
