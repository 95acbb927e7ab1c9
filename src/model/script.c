/* src/model/script.c - see script.h. An answer leaves in OpenAI's form, so a run with a script goes the way of a real
 * one. */
#include "model/script.h"
#include "contract/json.h"
#include <assert.h>

/* One call's parts, whichever way it was written. */
struct scripted {
    struct pawl_str name, id;
    yyjson_val *args; /* an object, or a text that goes out as it is */
};

static bool read_call(yyjson_val *v, struct scripted *out)
{
    *out = (struct scripted){.name = {NULL, 0}};
    if (!yyjson_is_obj(v)) return false;
    if (yyjson_is_str(yyjson_obj_get(v, "name"))) {
        *out = (struct scripted){pawl_json_str(v, "name"), pawl_json_str(v, "id"), yyjson_obj_get(v, "args")};
    } else {
        yyjson_obj_iter each = yyjson_obj_iter_with(v);
        yyjson_val *key = yyjson_obj_iter_next(&each);
        if (key == NULL || yyjson_obj_size(v) != 1) return false;
        out->name = pawl_json_value_str(key);
        out->args = yyjson_obj_iter_get_val(key);
    }
    return out->name.n > 0 && (out->args == NULL || yyjson_is_obj(out->args) || yyjson_is_str(out->args));
}

static void write_call(struct pawl_json_writer *w, const struct scripted *call, uint32_t turn, size_t place,
                       struct pawl_arena *a)
{
    struct pawl_buf id, args;
    pawl_buf_init_arena(&id, a);
    pawl_buf_init_arena(&args, a);
    if (call->id.n > 0) {
        pawl_buf_str(&id, call->id);
    } else {
        pawl_buf_text(&id, "call_");
        pawl_buf_i64(&id, (int64_t)turn + 1);
        pawl_buf_char(&id, '_');
        pawl_buf_i64(&id, (int64_t)place + 1);
    }
    if (call->args == NULL) pawl_buf_text(&args, "{}");
    else if (yyjson_is_str(call->args)) pawl_buf_str(&args, pawl_json_value_str(call->args));
    else pawl_json_write(call->args, &args);
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "id");
    pawl_jw_str(w, pawl_buf_done(&id));
    pawl_jw_key(w, "type");
    pawl_jw_text(w, "function");
    pawl_jw_key(w, "function");
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "name");
    pawl_jw_str(w, call->name);
    pawl_jw_key(w, "arguments");
    pawl_jw_str(w, args.n > 0 ? pawl_buf_done(&args) : PAWL_STR(""));
    pawl_jw_close(w, '}');
    pawl_jw_close(w, '}');
}

/* The calls of an answer, as an array's items; false: none. */
static bool write_calls(struct pawl_json_writer *w, yyjson_val *answer, uint32_t turn, struct pawl_arena *a)
{
    yyjson_val *one = yyjson_obj_get(answer, "call"), *many = yyjson_obj_get(answer, "calls"), *v;
    struct scripted call;
    size_t i, max;
    if (one == NULL && yyjson_arr_size(many) == 0) return false;
    pawl_jw_key(w, "tool_calls");
    pawl_jw_open(w, '[');
    if (read_call(one, &call)) write_call(w, &call, turn, 0, a);
    yyjson_arr_foreach(many, i, max, v)
    {
        if (read_call(v, &call)) write_call(w, &call, turn, i + (one != NULL), a);
    }
    pawl_jw_close(w, ']');
    return true;
}

static void write_usage(struct pawl_json_writer *w, yyjson_val *usage)
{
    const int64_t input = pawl_json_i64(usage, "input", 0), output = pawl_json_i64(usage, "output", 0);
    if (!yyjson_is_obj(usage)) return;
    pawl_jw_key(w, "usage");
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "prompt_tokens");
    pawl_jw_i64(w, input);
    pawl_jw_key(w, "completion_tokens");
    pawl_jw_i64(w, output);
    pawl_jw_key(w, "prompt_tokens_details");
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "cached_tokens");
    pawl_jw_i64(w, pawl_json_i64(usage, "cached", 0));
    pawl_jw_close(w, '}');
    pawl_jw_close(w, '}');
}

static void give_answer(const struct pawl_model *m, yyjson_val *answer, uint32_t turn, struct pawl_arena *a,
                        struct pawl_reply *out)
{
    struct pawl_buf buf;
    const struct pawl_str say = pawl_json_str(answer, "say"), refusal = pawl_json_str(answer, "refusal");
    const struct pawl_str finish = pawl_json_str(answer, "finish");
    pawl_buf_init_arena(&buf, a);
    struct pawl_json_writer w = {.out = &buf};
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "object");
    pawl_jw_text(&w, "chat.completion");
    pawl_jw_key(&w, "model");
    pawl_jw_str(&w, m->name);
    pawl_jw_key(&w, "choices");
    pawl_jw_open(&w, '[');
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "index");
    pawl_jw_i64(&w, 0);
    pawl_jw_key(&w, "message");
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "role");
    pawl_jw_text(&w, "assistant");
    pawl_jw_key(&w, "content");
    if (say.p != NULL) pawl_jw_str(&w, say);
    else pawl_jw_null(&w);
    if (refusal.p != NULL) {
        pawl_jw_key(&w, "refusal");
        pawl_jw_str(&w, refusal);
    }
    const bool calls = write_calls(&w, answer, turn, a);
    pawl_jw_close(&w, '}');
    pawl_jw_key(&w, "finish_reason");
    pawl_jw_str(&w, finish.p != NULL ? finish : pawl_str_of(calls ? "tool_calls" : "stop"));
    pawl_jw_close(&w, '}');
    pawl_jw_close(&w, ']');
    write_usage(&w, yyjson_obj_get(answer, "usage"));
    pawl_jw_close(&w, '}');
    out->status = 200;
    out->type = PAWL_STR("application/json");
    out->body = pawl_buf_done(&buf);
}

static void give_error(struct pawl_arena *a, int32_t status, yyjson_val *fail, struct pawl_str message,
                       struct pawl_reply *out)
{
    struct pawl_buf buf;
    const struct pawl_str type = pawl_json_str(fail, "type"), code = pawl_json_str(fail, "code");
    pawl_buf_init_arena(&buf, a);
    struct pawl_json_writer w = {.out = &buf};
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "error");
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "message");
    pawl_jw_str(&w, message);
    pawl_jw_key(&w, "type");
    pawl_jw_str(&w, type.p != NULL ? type : pawl_str_of(status < 500 ? "invalid_request_error" : "server_error"));
    pawl_jw_key(&w, "code");
    if (code.p != NULL) pawl_jw_str(&w, code);
    else pawl_jw_null(&w);
    pawl_jw_close(&w, '}');
    pawl_jw_close(&w, '}');
    out->status = status;
    out->type = PAWL_STR("application/json");
    out->body = pawl_buf_done(&buf);
}

/* A member that is a text or a number, as a header's value. */
static struct pawl_str header(yyjson_val *fail, const char *name, struct pawl_arena *a)
{
    struct pawl_buf buf;
    yyjson_val *v = yyjson_obj_get(fail, name);
    pawl_buf_init_arena(&buf, a);
    if (yyjson_is_str(v)) pawl_buf_str(&buf, pawl_json_value_str(v));
    else if (yyjson_is_num(v)) pawl_json_write(v, &buf);
    return buf.n > 0 ? pawl_buf_done(&buf) : (struct pawl_str){NULL, 0};
}

static void give_failure(yyjson_val *fail, struct pawl_arena *a, struct pawl_reply *out)
{
    const int64_t status = yyjson_is_int(fail) ? yyjson_get_sint(fail) : pawl_json_i64(fail, "status", 500);
    const struct pawl_str message = pawl_json_str(fail, "message"), body = pawl_json_str(fail, "body");
    give_error(a, status >= 100 && status <= 999 ? (int32_t)status : 500, fail,
               message.p != NULL ? message : PAWL_STR("the script says so"), out);
    out->retry_after = header(fail, "retry_after", a);
    out->retry_after_ms = header(fail, "retry_after_ms", a);
    yyjson_val *should = yyjson_obj_get(fail, "should_retry");
    if (yyjson_is_bool(should)) out->should_retry = pawl_str_of(yyjson_get_bool(should) ? "true" : "false");
    if (body.p != NULL) {
        out->body = pawl_str_copy(a, body);
        out->type = header(fail, "content_type", a);
    }
    if (pawl_json_bool(fail, "hang", false)) out->transport = PAWL_NO_ANSWER;
    if (pawl_json_bool(fail, "cut", false)) out->transport = PAWL_LOST;
    if (pawl_json_bool(fail, "refuse", false)) out->transport = PAWL_NOT_SENT;
    if (out->transport != PAWL_ANSWERED) out->status = 0, out->body = (struct pawl_str){NULL, 0};
}

static bool has_answer(yyjson_val *v)
{
    static const char *const kinds[] = {"say", "call", "calls", "refusal"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (yyjson_obj_get(v, kinds[i]) != NULL) return true;
    }
    return false;
}

void pawl_script_reply_at(const struct pawl_model *m, uint32_t turn, uint32_t attempt, struct pawl_arena *a,
                          struct pawl_reply *out)
{
    _Alignas(16) char first[4096];
    struct pawl_arena tree;
    yyjson_val *root = NULL;
    assert(attempt >= 1);
    *out = (struct pawl_reply){.transport = PAWL_ANSWERED};
    pawl_arena_init_on(&tree, a->from, first, sizeof first);
    const int code = m->answers != NULL ? PAWL_OK : pawl_json_read(m->script, &tree, &root, NULL);
    if (m->answers != NULL) root = m->answers;
    if (code == PAWL_ENOMEM) {
        pawl_arena_fini(&tree);
        *out = (struct pawl_reply){.transport = PAWL_NOT_SENT, .detail = PAWL_STR("no memory to read the script")};
        return;
    }
    if (code != PAWL_OK) root = NULL;
    yyjson_val *answer = yyjson_arr_get(root, turn), *fail = yyjson_obj_get(answer, "fail");
    const int64_t times = has_answer(answer) ? pawl_json_i64(fail, "times", 1) : INT64_MAX;
    if (fail != NULL && attempt <= times) {
        give_failure(fail, a, out);
    } else if (has_answer(answer)) {
        give_answer(m, answer, turn, a, out);
    } else {
        struct pawl_buf message;
        pawl_buf_init_arena(&message, a);
        pawl_buf_printf(&message, "the script of model %.*s has no answer number %u", (int)m->name.n, m->name.p,
                        turn + 1);
        give_error(a, 500, NULL, pawl_buf_done(&message), out);
    }
    pawl_arena_fini(&tree);
}

void pawl_script_reply(const struct pawl_model *m, uint32_t turn, struct pawl_arena *a, struct pawl_reply *out)
{
    pawl_script_reply_at(m, turn, 1, a, out);
}
