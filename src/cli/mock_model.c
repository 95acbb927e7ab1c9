/* src/cli/mock_model.c - what the model of `pawl mock` says. It follows from the conversation that it is sent and from nothing
 * else, so whoever was killed and asks again gets the same answer. With --script it says what is written there; else it
 * plays a story: it looks an order up, refunds it, forgets that it did, asks for the same refund again, then says so. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/mock.h"
#include "io/alloc.h"
#include "io/file.h"
#include "model/script.h"

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

/* The first tool that is offered, or the one of that name; {NULL,0}: none. */
static struct pawl_str offered(yyjson_val *request, const char *name)
{
    yyjson_val *tools = yyjson_obj_get(request, "tools"), *tool;
    size_t i, n;
    yyjson_arr_foreach(tools, i, n, tool)
    {
        const struct pawl_str is = pawl_json_str(yyjson_obj_get(tool, "function"), "name");
        if (!name || pawl_str_is(is, name)) return is;
    }
    return (struct pawl_str){NULL, 0};
}

static struct pawl_str text_of(struct pawl_arena *a, const char *text)
{
    return pawl_str_copy(a, pawl_str_of(text));
}

static void say_call(struct pawl_arena *a, struct pawl_mock_said *said, const char *id, struct pawl_str name,
                     const char *arguments)
{
    said->calls = pawl_arena_zeroed(a, sizeof *said->calls);
    if (!said->calls) return;
    said->calls_count = 1;
    *said->calls = (struct pawl_mock_tool_call){text_of(a, id), name, text_of(a, arguments)};
    said->finish = PAWL_STR("tool_calls");
}

static void tell_story(struct pawl_mock_call *c, struct pawl_mock_said *said)
{
    const struct pawl_mock *m = c->m;
    struct story s = {.order = ""};
    char text[160], id[32];
    read_story(m, c->json, &c->arena, &s);
    if (s.looked == 0 && offered(c->json, "get_order").n) {
        snprintf(text, sizeof text, "{\"order_id\":\"%s\"}", s.order);
        say_call(&c->arena, said, "call_1", PAWL_STR("get_order"), text);
        return;
    }
    if ((s.refunds == 0 || (m->forgetful && s.refunds == 1 && !s.refused)) && offered(c->json, "refund").n) {
        snprintf(text, sizeof text, "{\"order_id\":\"%s\",\"amount\":%.2f}", s.order, s.paid);
        snprintf(id, sizeof id, "call_%u", s.refunds + 2);
        say_call(&c->arena, said, id, PAWL_STR("refund"), text);
        return;
    }
    if (s.refunds > s.refused) snprintf(text, sizeof text, "Your %.2f are on their way.", s.paid);
    else if (s.refunds)
        snprintf(text, sizeof text, "I could not pay order %s back; a person will look at it.", s.order);
    else snprintf(text, sizeof text, "How can I help you?");
    said->content = text_of(&c->arena, text);
}

/* ---- a script */

int pawl_mock_script_read(struct pawl_mock *m, const char *path)
{
    struct pawl_config_report *report = calloc(1, sizeof *report);
    struct pawl_error err = {0};
    struct pawl_buf text;
    uint32_t scripts = 0;
    int rc;
    pawl_buf_init(&text, m->alloc);
    rc = report ? pawl_file_read(path, 1024 * 1024, &text, &err) : PAWL_ENOMEM;
    if (rc) fprintf(stderr, "pawl: %s: %s\n", path, err.what);
    else rc = pawl_config_load(pawl_buf_done(&text), path, NULL, m->alloc, &m->script, report);
    for (uint32_t i = 0; rc == PAWL_ECONFIG && i < report->count && i < PAWL_CONFIG_ERRORS; i++)
        fprintf(stderr, "pawl: %s: %s%s%s\n", report->errors[i].where, report->errors[i].what,
                *report->errors[i].next ? "; " : "", report->errors[i].next);
    for (uint32_t i = 0; !rc && i < m->script->models_count; i++)
        scripts += m->script->models[i].provider == PAWL_PROVIDER_SCRIPT;
    if (!rc && !scripts) {
        fprintf(stderr, "pawl: %s: it has no model of provider script\n", path);
        rc = PAWL_ECONFIG;
    }
    pawl_buf_fini(&text);
    free(report);
    return rc;
}

static const struct pawl_model *script_of(const struct pawl_config *config, struct pawl_str name)
{
    const struct pawl_model *only = NULL;
    uint32_t count = 0;
    for (uint32_t i = 0; i < config->models_count; i++) {
        const struct pawl_model *model = &config->models[i];
        if (model->provider != PAWL_PROVIDER_SCRIPT) continue;
        if (pawl_str_eq(model->name, name) || pawl_str_eq(model->model, name)) return model;
        only = model;
        count++;
    }
    return count == 1 ? only : NULL;
}

/* The script's answer, which is in OpenAI's form, taken apart. False: it is none. */
static bool read_answer(struct pawl_mock_call *c, struct pawl_str body, struct pawl_mock_said *said)
{
    yyjson_val *root, *choice, *message, *calls, *call, *usage;
    size_t i, n;
    if (pawl_json_read(body, &c->arena, &root, NULL)) return false;
    choice = yyjson_arr_get_first(yyjson_obj_get(root, "choices"));
    message = yyjson_obj_get(choice, "message");
    if (!yyjson_is_obj(message)) return false;
    usage = yyjson_obj_get(root, "usage");
    calls = yyjson_obj_get(message, "tool_calls");
    *said = (struct pawl_mock_said){.content = pawl_json_str(message, "content"),
                                    .refusal = pawl_json_str(message, "refusal"),
                                    .finish = pawl_json_str(choice, "finish_reason"),
                                    .input = pawl_json_i64(usage, "prompt_tokens", 0),
                                    .output = pawl_json_i64(usage, "completion_tokens", 0)};
    said->cached = pawl_json_i64(yyjson_obj_get(usage, "prompt_tokens_details"), "cached_tokens", 0);
    if (!yyjson_arr_size(calls)) return true;
    said->calls = pawl_arena_zeroed(&c->arena, yyjson_arr_size(calls) * sizeof *said->calls);
    if (!said->calls) return false;
    yyjson_arr_foreach(calls, i, n, call)
    {
        yyjson_val *function = yyjson_obj_get(call, "function");
        said->calls[said->calls_count++] =
            (struct pawl_mock_tool_call){pawl_json_str(call, "id"), pawl_json_str(function, "name"),
                                         pawl_json_str(function, "arguments")};
    }
    return true;
}

static void header(struct pawl_mock_call *c, const char *name, struct pawl_str value)
{
    for (uint32_t i = 0; i < value.n; i++)
        if ((unsigned char)value.p[i] < ' ' || value.p[i] == 0x7f) return;
    if (value.n) pawl_buf_printf(&c->headers, "%s: %.*s\r\n", name, (int)value.n, value.p);
}

static uint32_t turn_of(yyjson_val *request)
{
    yyjson_val *messages = yyjson_obj_get(request, "messages"), *message;
    uint32_t turn = 0;
    size_t i, n;
    yyjson_arr_foreach(messages, i, n, message) turn += pawl_str_is(pawl_json_str(message, "role"), "assistant");
    return turn;
}

/* False: the answer is there already, or there will be none. */
static bool from_script(struct pawl_mock_call *c, struct pawl_mock_said *said)
{
    const struct pawl_model *model = script_of(c->m->script, pawl_json_str(c->json, "model"));
    struct pawl_reply reply;
    char key[32] = "model ";
    if (!model) {
        pawl_mock_openai_error(c, 404, NULL, "the script has no such model", "model");
        return false;
    }
    pawl_mock_conversation(c->json, key + 6);
    const uint32_t asked = pawl_mock_calls(c->m, key); /* this one is counted */
    pawl_script_reply_at(model, turn_of(c->json), asked ? asked : 1, &c->arena, &reply);
    if (reply.transport != PAWL_ANSWERED) {
        c->what.kind = reply.transport == PAWL_NO_ANSWER ? MOCK_HANG
                       : reply.transport == PAWL_LOST    ? MOCK_DROP
                                                         : MOCK_RESET;
        c->status = 200;
        return false;
    }
    if (reply.status == 200 && read_answer(c, reply.body, said)) return true;
    header(c, "Retry-After", reply.retry_after);
    header(c, "Retry-After-Ms", reply.retry_after_ms);
    header(c, "X-Should-Retry", reply.should_retry);
    c->stream = false;
    c->type = reply.type.n && !memchr(reply.type.p, '\n', reply.type.n) && !memchr(reply.type.p, '\r', reply.type.n)
                  ? text_of(&c->arena, reply.type.p).p
                  : "application/json";
    pawl_mock_say(c, reply.status, "%s", "");
    pawl_buf_str(&c->out, reply.body);
    return false;
}

/* ---- what a fault makes of it */

static void call_first_tool(struct pawl_mock_call *c, struct pawl_mock_said *said)
{
    const struct pawl_str first = offered(c->json, NULL);
    char id[32];
    if (said->calls_count) return;
    snprintf(id, sizeof id, "call_astray_%u", turn_of(c->json));
    say_call(&c->arena, said, id, first.n ? first : PAWL_STR("get_order"), "{\"order_id\":\"#W0000007\"}");
    said->content = (struct pawl_str){NULL, 0};
}

static void spoil(struct pawl_mock_call *c, struct pawl_mock_said *said)
{
    const struct pawl_str none = {NULL, 0};
    char id[32];
    switch (c->what.kind) {
    case MOCK_MALFORMED_ARGUMENTS:
        call_first_tool(c, said);
        for (uint32_t i = 0; i < said->calls_count; i++)
            said->calls[i].arguments.n = said->calls[i].arguments.n > 2 ? said->calls[i].arguments.n / 2 : 1;
        break;
    case MOCK_WRONG_ARGUMENTS:
        call_first_tool(c, said);
        for (uint32_t i = 0; i < said->calls_count; i++)
            said->calls[i].arguments = PAWL_STR("{\"mock\":[\"not\",\"what\",\"was\",\"asked\",\"for\"]}");
        break;
    case MOCK_UNKNOWN_TOOL:
        snprintf(id, sizeof id, "call_astray_%u", turn_of(c->json));
        said->content = none;
        say_call(&c->arena, said, id, PAWL_STR("fly_to_the_moon"), "{}");
        break;
    case MOCK_LENGTH:
        said->finish = PAWL_STR("length");
        said->content.n /= 2;
        if (said->calls_count) said->calls[said->calls_count - 1].arguments.n /= 2;
        break;
    case MOCK_REFUSAL:
        *said = (struct pawl_mock_said){.refusal = PAWL_STR("I will not help with that."), .finish = PAWL_STR("stop")};
        break;
    case MOCK_HTML_IN_JSON:
        *said = (struct pawl_mock_said){.content = PAWL_STR(
                                            "<!doctype html><html><body><h1>502 Bad Gateway</h1></body></html>"),
                                        .finish = PAWL_STR("stop")};
        break;
    default: break;
    }
}

/* A rough guess, the same for the same texts: four bytes are a token. */
static void guess_tokens(yyjson_val *request, struct pawl_arena *a, struct pawl_mock_said *said)
{
    struct pawl_buf text;
    size_t bytes = said->content.n + said->refusal.n;
    if (said->input) return;
    pawl_buf_init_arena(&text, a);
    pawl_json_write(yyjson_obj_get(request, "messages"), &text);
    for (uint32_t i = 0; i < said->calls_count; i++) bytes += said->calls[i].name.n + said->calls[i].arguments.n;
    said->input = (int64_t)(text.n + 3) / 4;
    said->output = (int64_t)(bytes + 3) / 4;
}

void pawl_mock_conversation(yyjson_val *request, char out[17])
{
    yyjson_val *messages = yyjson_obj_get(request, "messages");
    struct pawl_arena a;
    struct pawl_buf text;
    out[0] = 0;
    if (!yyjson_is_arr(messages)) return;
    pawl_arena_init(&a, pawl_alloc_libc());
    pawl_buf_init_arena(&text, &a);
    pawl_json_write(messages, &text);
    const struct pawl_hash h = pawl_sha256(text.p ? text.p : "", text.n);
    pawl_hex(out, h.b, 8);
    pawl_arena_fini(&a);
}

static bool may_ask(const struct pawl_mock_call *c)
{
    const size_t n = c->m->api_key ? strlen(c->m->api_key) : 0;
    return !c->m->api_key || (c->authorization.n == n + 7 && memcmp(c->authorization.p, "Bearer ", 7) == 0 &&
                              memcmp(c->authorization.p + 7, c->m->api_key, n) == 0);
}

void pawl_mock_model(struct pawl_mock_call *c)
{
    const char *param = NULL, *fault = pawl_mock_request_fault(c->json, &c->arena, &param);
    struct pawl_mock_said said = {.finish = PAWL_STR("stop")};
    if (!may_ask(c)) {
        pawl_mock_openai_error(c, 401, NULL, "this is not the key that pawl mock was given", NULL);
        return;
    }
    if (fault) {
        pawl_mock_openai_error(c, 400, NULL, fault, param);
        return;
    }
    c->stream = pawl_json_bool(c->json, "stream", false);
    if (!c->m->script) tell_story(c, &said);
    else if (!from_script(c, &said)) return;
    spoil(c, &said);
    guess_tokens(c->json, &c->arena, &said);
    pawl_mock_openai_answer(c, &said);
}

static void write_model(struct pawl_json_writer *w, struct pawl_str name)
{
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "id");
    pawl_jw_str(w, name);
    pawl_jw_key(w, "object");
    pawl_jw_text(w, "model");
    pawl_jw_key(w, "created");
    pawl_jw_i64(w, 1700000000);
    pawl_jw_key(w, "owned_by");
    pawl_jw_text(w, "pawl-mock");
    pawl_jw_close(w, '}');
}

void pawl_mock_models(struct pawl_mock_call *c)
{
    const struct pawl_config *script = c->m->script;
    struct pawl_json_writer w = {.out = &c->out};
    const size_t at = strlen("/v1/models/");
    pawl_mock_say(c, 200, "%s", "");
    if (c->target.n > at) {
        const struct pawl_str name = {c->target.p + at, c->target.n - (uint32_t)at};
        if (script ? script_of(script, name) != NULL : pawl_str_is(name, "mock")) write_model(&w, name);
        else pawl_mock_openai_error(c, 404, NULL, "there is no such model", "model");
        return;
    }
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "object");
    pawl_jw_text(&w, "list");
    pawl_jw_key(&w, "data");
    pawl_jw_open(&w, '[');
    for (uint32_t i = 0; script && i < script->models_count; i++)
        if (script->models[i].provider == PAWL_PROVIDER_SCRIPT) write_model(&w, script->models[i].name);
    if (!script) write_model(&w, PAWL_STR("mock"));
    pawl_jw_close(&w, ']');
    pawl_jw_close(&w, '}');
}
