/* src/cli/mock_model.c - the scripted model: what it says next follows from the conversation that it is sent and from
 * nothing else, so whoever was killed and asks again gets the same story. It looks an order up, refunds it, forgets that it
 * did, asks for the same refund again, and then says so. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/mock.h"

struct story {
    char order[64];
    double paid;
    uint32_t looked, refunds, refused;
};

static void find_order(struct pawl_str text, char out[64])
{
    for (uint32_t i = 0; i + 3 < text.n; i++) {
        uint32_t n = 0;
        if (text.p[i] != '#') continue;
        while (i + n < text.n && n < 60 &&
               (text.p[i + n] == '#' || (text.p[i + n] >= '0' && text.p[i + n] <= '9') ||
                ((text.p[i + n] | 32) >= 'a' && (text.p[i + n] | 32) <= 'z')))
            n++;
        memcpy(out, text.p + i, n);
        out[n] = 0;
        return;
    }
}

/* Which call does a tool message answer? */
static struct pawl_str name_of_call(yyjson_val *messages, struct pawl_str id)
{
    yyjson_val *message, *call;
    size_t i, n, j, m;
    struct pawl_str name = {"", 0};
    yyjson_arr_foreach(messages, i, n, message)
    {
        yyjson_val *calls = yyjson_obj_get(message, "tool_calls");
        yyjson_arr_foreach(calls, j, m, call) if (pawl_str_eq(pawl_json_str(call, "id"), id)) name =
            pawl_json_str(yyjson_obj_get(call, "function"), "name");
    }
    return name;
}

static void read_story(const struct pawl_mock *m, yyjson_val *request, struct pawl_arena *a, struct story *s)
{
    yyjson_val *messages = yyjson_obj_get(request, "messages"), *message;
    size_t i, n;
    snprintf(s->order, sizeof s->order, "%s", m->charge_order);
    s->paid = m->charge_amount;
    yyjson_arr_foreach(messages, i, n, message)
    {
        const struct pawl_str role = pawl_json_str(message, "role"), content = pawl_json_str(message, "content");
        if (pawl_str_is(role, "user")) find_order(content, s->order);
        if (!pawl_str_is(role, "tool")) continue;
        const struct pawl_str name = name_of_call(messages, pawl_json_str(message, "tool_call_id"));
        yyjson_val *said = NULL;
        const bool json = content.p && pawl_json_read(content, a, &said, NULL) == PAWL_OK;
        if (pawl_str_is(name, "get_order")) {
            s->looked++;
            if (json && yyjson_is_num(yyjson_obj_get(said, "total")))
                s->paid = yyjson_get_num(yyjson_obj_get(said, "total"));
        } else if (pawl_str_is(name, "refund")) {
            s->refunds++;
            if (json && yyjson_obj_get(said, "error")) s->refused++;
        }
    }
}

static bool offers(yyjson_val *request, const char *name)
{
    yyjson_val *tools = yyjson_obj_get(request, "tools"), *tool;
    size_t i, n;
    yyjson_arr_foreach(tools, i, n, tool) if (pawl_str_is(pawl_json_str(yyjson_obj_get(tool, "function"), "name"),
                                                          name)) return true;
    return false;
}

static void call(struct pawl_json_writer *w, uint32_t number, const char *name, const char *arguments)
{
    char id[32];
    snprintf(id, sizeof id, "call_%u", number);
    pawl_jw_key(w, "content");
    pawl_jw_null(w);
    pawl_jw_key(w, "tool_calls");
    pawl_jw_open(w, '[');
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "id");
    pawl_jw_text(w, id);
    pawl_jw_key(w, "type");
    pawl_jw_text(w, "function");
    pawl_jw_key(w, "function");
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "name");
    pawl_jw_text(w, name);
    pawl_jw_key(w, "arguments");
    pawl_jw_text(w, arguments);
    pawl_jw_close(w, '}');
    pawl_jw_close(w, '}');
    pawl_jw_close(w, ']');
}

void pawl_mock_model_says(const struct pawl_mock *m, yyjson_val *request, struct pawl_arena *a,
                          struct pawl_buf *message)
{
    struct story s = {.order = ""};
    struct pawl_json_writer w = {.out = message};
    char text[160];
    read_story(m, request, a, &s);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "role");
    pawl_jw_text(&w, "assistant");
    if (s.looked == 0 && offers(request, "get_order")) {
        snprintf(text, sizeof text, "{\"order_id\":\"%s\"}", s.order);
        call(&w, 1, "get_order", text);
    } else if ((s.refunds == 0 || (m->forgetful && s.refunds == 1 && !s.refused)) && offers(request, "refund")) {
        snprintf(text, sizeof text, "{\"order_id\":\"%s\",\"amount\":%.2f}", s.order, s.paid);
        call(&w, s.refunds + 2, "refund", text);
    } else {
        if (s.refunds > s.refused) snprintf(text, sizeof text, "Your %.2f are on their way.", s.paid);
        else if (s.refunds)
            snprintf(text, sizeof text, "I could not pay order %s back; a person will look at it.", s.order);
        else snprintf(text, sizeof text, "How can I help you?");
        pawl_jw_key(&w, "content");
        pawl_jw_text(&w, text);
    }
    pawl_jw_close(&w, '}');
}

static void chunk(struct pawl_buf *out, struct pawl_str delta, const char *finish)
{
    pawl_buf_text(
        out, "data: {\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"mock\","
             "\"choices\":[{\"index\":0,\"delta\":");
    pawl_buf_str(out, delta);
    pawl_buf_printf(out, ",\"finish_reason\":%s}]}\n\n", finish);
}

/* The message as a whole completion, or as a stream: the text in words, a call in its two pieces. */
void pawl_mock_model_completion(struct pawl_str message, bool stream, struct pawl_arena *a, struct pawl_buf *out)
{
    yyjson_val *v, *calls, *item;
    size_t i, n;
    if (pawl_json_read(message, a, &v, NULL)) return;
    calls = yyjson_obj_get(v, "tool_calls");
    const char *finish = calls ? "\"tool_calls\"" : "\"stop\"";
    if (!stream) {
        pawl_buf_text(
            out,
            "{\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"mock\",\"choices\":["
            "{\"index\":0,\"message\":");
        pawl_buf_str(out, message);
        pawl_buf_printf(
            out,
            ",\"finish_reason\":%s,\"logprobs\":null}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3,"
            "\"total_tokens\":12}}",
            finish);
        return;
    }
    chunk(out, PAWL_STR("{\"role\":\"assistant\",\"content\":null}"), "null");
    const struct pawl_str content = pawl_json_str(v, "content");
    for (uint32_t at = 0; at < content.n;) {
        uint32_t end = at;
        struct pawl_buf delta;
        while (end < content.n && content.p[end] != ' ') end++;
        while (end < content.n && content.p[end] == ' ') end++;
        pawl_buf_init_arena(&delta, a);
        pawl_buf_text(&delta, "{\"content\":");
        pawl_json_quote((struct pawl_str){content.p + at, end - at}, &delta);
        pawl_buf_char(&delta, '}');
        chunk(out, pawl_buf_done(&delta), "null");
        at = end;
    }
    yyjson_arr_foreach(calls, i, n, item)
    {
        yyjson_val *function = yyjson_obj_get(item, "function");
        struct pawl_buf delta;
        pawl_buf_init_arena(&delta, a);
        pawl_buf_printf(&delta, "{\"tool_calls\":[{\"index\":%zu,\"id\":", i);
        pawl_json_quote(pawl_json_str(item, "id"), &delta);
        pawl_buf_text(&delta, ",\"type\":\"function\",\"function\":{\"name\":");
        pawl_json_quote(pawl_json_str(function, "name"), &delta);
        pawl_buf_text(&delta, ",\"arguments\":\"\"}}]}");
        chunk(out, pawl_buf_done(&delta), "null");
        pawl_buf_init_arena(&delta, a);
        pawl_buf_printf(&delta, "{\"tool_calls\":[{\"index\":%zu,\"function\":{\"arguments\":", i);
        pawl_json_quote(pawl_json_str(function, "arguments"), &delta);
        pawl_buf_text(&delta, "}}]}");
        chunk(out, pawl_buf_done(&delta), "null");
    }
    chunk(out, PAWL_STR("{}"), finish);
    pawl_buf_text(
        out,
        "data: {\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"mock\",\"choices\":[],"
        "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3,\"total_tokens\":12}}\n\ndata: [DONE]\n\n");
}
