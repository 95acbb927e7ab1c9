/* src/model/answer.c - see answer.h. Tolerant where a provider's habit is harmless and known: indexes left out or all
 * zero, arguments as an object, content as parts, "stop" beside calls. What would change what the model said is
 * refused. */
#include "model/answer.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

static const int64_t count_max = INT64_C(9007199254740991); /* what a JSON number carries exactly */

static void append(struct pawl_answer *ans, struct pawl_buf *to, bool *has, struct pawl_str text)
{
    if (!*has) pawl_buf_init_arena(to, ans->a);
    *has = true;
    pawl_buf_str(to, text);
}

static void add_content(struct pawl_answer *ans, yyjson_val *content)
{
    if (yyjson_is_str(content)) append(ans, &ans->content, &ans->has_content, pawl_json_value_str(content));
    if (!yyjson_is_arr(content)) return;
    size_t i, max;
    yyjson_val *part;
    yyjson_arr_foreach(content, i, max, part)
    {
        const struct pawl_str type = pawl_json_str(part, "type"), text = pawl_json_str(part, "text");
        if (pawl_str_is(type, "text") && text.p != NULL) append(ans, &ans->content, &ans->has_content, text);
    }
}

static struct pawl_answer_call *add_call(struct pawl_answer *ans, int64_t index)
{
    struct pawl_answer_call **at = &ans->calls;
    if (ans->calls_count == PAWL_ANSWER_CALLS) {
        ans->too_many = true;
        return NULL;
    }
    struct pawl_answer_call *call = pawl_arena_zeroed(ans->a, sizeof *call);
    if (call == NULL) return NULL;
    while (*at != NULL && (*at)->index <= index) at = &(*at)->next;
    call->next = *at;
    call->index = index;
    pawl_buf_init_arena(&call->arguments, ans->a);
    *at = call;
    ans->calls_count++;
    return call;
}

/* Which call does this piece belong to? That of its index. Some providers give every call the index 0, or none at all,
 * and tell calls apart by their ids: a piece with a new id and a name begins a call of its own. */
static struct pawl_answer_call *call_of(struct pawl_answer *ans, yyjson_val *piece, struct pawl_str id,
                                        struct pawl_str name)
{
    assert(ans->a != NULL);
    struct pawl_answer_call *call = NULL;
    yyjson_val *number = yyjson_obj_get(piece, "index");
    const bool has_index = yyjson_is_int(number) && yyjson_get_sint(number) >= 0;
    int64_t index = has_index ? yyjson_get_sint(number) : 0;
    if (has_index) {
        for (struct pawl_answer_call *c = ans->calls; c != NULL; c = c->next) {
            if (c->index == index) call = c;
        }
    } else {
        call = ans->last;
        if (call != NULL) index = call->index;
    }
    const bool begins = call == NULL || (id.n > 0 && name.n > 0 && call->id.n > 0 && !pawl_str_eq(call->id, id));
    if (begins) call = add_call(ans, index);
    return call;
}

static void add_call_piece(struct pawl_answer *ans, yyjson_val *piece, bool whole)
{
    yyjson_val *function = yyjson_obj_get(piece, "function");
    yyjson_val *arguments = yyjson_obj_get(function, "arguments");
    const struct pawl_str id = pawl_json_str(piece, "id"), name = pawl_json_str(function, "name");
    struct pawl_answer_call *call = whole ? add_call(ans, ans->calls_count) : call_of(ans, piece, id, name);
    if (call == NULL) return;
    ans->last = call;
    if (call->id.n == 0 && id.n > 0) call->id = pawl_str_copy(ans->a, id);
    if (call->name.n == 0 && name.n > 0) call->name = pawl_str_copy(ans->a, name);
    if (yyjson_is_str(arguments)) pawl_buf_str(&call->arguments, pawl_json_value_str(arguments));
    else if (yyjson_is_obj(arguments)) pawl_json_write(arguments, &call->arguments);
}

void pawl_answer_piece(struct pawl_answer *ans, yyjson_val *message, bool whole)
{
    if (!yyjson_is_obj(message)) return;
    add_content(ans, yyjson_obj_get(message, "content"));
    yyjson_val *refusal = yyjson_obj_get(message, "refusal");
    if (yyjson_is_str(refusal)) append(ans, &ans->refusal, &ans->has_refusal, pawl_json_value_str(refusal));
    yyjson_val *calls = yyjson_obj_get(message, "tool_calls");
    if (!yyjson_is_arr(calls)) return;
    size_t i, max;
    yyjson_val *piece;
    yyjson_arr_foreach(calls, i, max, piece) add_call_piece(ans, piece, whole);
}

static int64_t count_of(yyjson_val *object, const char *name)
{
    const int64_t n = pawl_json_i64(object, name, -1);
    return n > count_max ? count_max : n;
}

void pawl_answer_usage(struct pawl_answer *ans, yyjson_val *usage)
{
    if (!yyjson_is_obj(usage)) return;
    const int64_t input = count_of(usage, "prompt_tokens"), output = count_of(usage, "completion_tokens");
    const int64_t cached = count_of(yyjson_obj_get(usage, "prompt_tokens_details"), "cached_tokens");
    if (input < 0 || output < 0) return;
    ans->has_usage = true;
    ans->input = input;
    ans->output = output;
    ans->cached = cached < 0 ? 0 : cached < input ? cached : input; /* a part of the input */
}

/* One of the four words that there are here; others come from providers that pass on what their engine says. */
static const char *finish_word(const struct pawl_answer *ans)
{
    if (pawl_str_is(ans->finish, "length") || pawl_str_is(ans->finish, "max_tokens")) return "length";
    if (pawl_str_is(ans->finish, "content_filter")) return "content_filter";
    return ans->calls_count > 0 ? "tool_calls" : "stop";
}

static bool taken(const struct pawl_answer *ans, const struct pawl_answer_call *before, struct pawl_str id)
{
    for (const struct pawl_answer_call *c = ans->calls; c != before; c = c->next) {
        if (pawl_str_eq(c->id, id)) return true;
    }
    return false;
}

static void name_calls(struct pawl_answer *ans)
{
    uint32_t place = 0;
    for (struct pawl_answer_call *c = ans->calls; c != NULL; c = c->next) {
        char id[32];
        place++;
        if (c->id.n > 0 && !taken(ans, c, c->id)) continue;
        uint32_t n = place;
        do snprintf(id, sizeof id, "call_%u", n++);
        while (taken(ans, NULL, pawl_str_of(id)));
        c->id = pawl_str_copy(ans->a, pawl_str_of(id));
    }
}

static const char *fault(const struct pawl_answer *ans)
{
    if (!ans->seen) return "an answer without a choice";
    if (ans->too_many) return "an answer with more than 128 tool calls";
    for (const struct pawl_answer_call *c = ans->calls; c != NULL; c = c->next) {
        if (c->name.n == 0) return "a tool call without a name";
    }
    return NULL;
}

static void write_calls(struct pawl_json_writer *w, struct pawl_answer *ans)
{
    pawl_jw_key(w, "tool_calls");
    pawl_jw_open(w, '[');
    for (struct pawl_answer_call *c = ans->calls; c != NULL; c = c->next) {
        pawl_jw_open(w, '{');
        pawl_jw_key(w, "id");
        pawl_jw_str(w, c->id);
        pawl_jw_key(w, "name");
        pawl_jw_str(w, c->name);
        pawl_jw_key(w, "arguments");
        pawl_jw_str(w,
                    c->arguments.n > 0 ? pawl_buf_done(&c->arguments) : PAWL_STR("{}")); /* none at all: no arguments */
        pawl_jw_close(w, '}');
    }
    pawl_jw_close(w, ']');
}

static void write_usage(struct pawl_json_writer *w, const struct pawl_answer *ans)
{
    pawl_jw_key(w, "usage");
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "input");
    pawl_jw_i64(w, ans->input);
    pawl_jw_key(w, "cached");
    pawl_jw_i64(w, ans->cached);
    pawl_jw_key(w, "output");
    pawl_jw_i64(w, ans->output);
    pawl_jw_close(w, '}');
}

struct pawl_str pawl_answer_json(struct pawl_answer *ans, const char **what)
{
    struct pawl_buf buf;
    struct pawl_json_writer w = {.out = &buf};
    *what = fault(ans);
    if (*what != NULL) return (struct pawl_str){NULL, 0};
    name_calls(ans);
    pawl_buf_init_arena(&buf, ans->a);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "content");
    if (ans->has_content) pawl_jw_str(&w, (struct pawl_str){ans->content.p, (uint32_t)ans->content.n});
    else pawl_jw_null(&w);
    write_calls(&w, ans);
    pawl_jw_key(&w, "finish");
    pawl_jw_text(&w, finish_word(ans));
    if (ans->has_refusal) {
        pawl_jw_key(&w, "refusal");
        pawl_jw_str(&w, (struct pawl_str){ans->refusal.p, (uint32_t)ans->refusal.n});
    }
    if (ans->has_usage) write_usage(&w, ans);
    pawl_jw_close(&w, '}');
    return pawl_buf_done(&buf);
}
