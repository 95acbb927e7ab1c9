/* tests/workloads/world_part.c - what the world plays where a part of pawl is switched on: who is asked for a second opinion,
 * services that accept and do it later, the model of a child run, one that sums up; and what it writes down. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "world_parts.h"

enum { LATER_MS_MIN = 20, LATER_MS_RANGE = 180, LATER_STEP = 37 };
static const uint64_t MS = 1000000;

static struct wl_saying text_of(struct pawl_str text)
{
    return (struct wl_saying){.content = text};
}

static void say(struct wl_request *q, const struct wl_saying *s)
{
    struct pawl_buf stream;
    pawl_buf_init_arena(&stream, q->a);
    wl_saying_stream(s, q->a, &stream);
    pawl_http_answer(q->peer, 200, "text/event-stream", "", pawl_buf_done(&stream));
}

static uint64_t hash(uint64_t h, struct pawl_str s)
{
    for (uint32_t i = 0; i < s.n; i++) h = (h ^ (uint8_t)s.p[i]) * UINT64_C(0x100000001b3);
    return h;
}

static uint64_t hash_of(const char *key, struct pawl_str body)
{
    return hash(hash(UINT64_C(0xcbf29ce484222325), pawl_str_of(key)), body);
}

/* ---- second opinions ---- */

static yyjson_val *last_message(yyjson_val *request)
{
    yyjson_val *messages = yyjson_obj_get(request, "messages");
    return yyjson_arr_get_last(messages);
}

/* "j0017" is asked about a call of the recording r0017. */
static void ask_judge(struct wl_request *q, yyjson_val *request)
{
    yyjson_val *v = NULL, *sent = NULL;
    struct wl_call *c = NULL;
    struct wl_deed *d = NULL;
    char key[40] = "";
    if (pawl_json_read(pawl_json_str(last_message(request), "content"), q->a, &v, NULL)) v = NULL;
    if (pawl_json_read(pawl_json_str(v, "exactly_what_will_be_sent"), q->a, &sent, NULL)) sent = NULL;
    yyjson_val *http = yyjson_obj_get(sent, "http");
    const struct pawl_str body = pawl_json_str(http, "body");
    const struct pawl_str header = pawl_json_str(yyjson_obj_get(http, "headers"), "Idempotency-Key");
    snprintf(key, sizeof key, "%.*s", (int)header.n, header.p ? header.p : "");
    if (body.p) d = wl_deed_of(q, pawl_json_str(v, "tool"), body, key, &c);
    if (!d) {
        q->w->strays++;
        wl_answer(q, 400, PAWL_STR("{\"error\":{\"message\":\"that is no call of this run\"}}"));
        return;
    }
    const int agrees = wl_agrees(q->rec, (uint32_t)(c - q->rec->calls));
    d->asked++;
    d->agreed = agrees == 1;
    d->shown = hash_of(key, body);
    const struct wl_saying s =
        text_of(agrees == 1   ? PAWL_STR("{\"agree\":true,\"reason\":\"the user asked for it\"}")
                : agrees == 0 ? PAWL_STR("{\"agree\":false,\"reason\":\"nobody asked for that\"}")
                              : PAWL_STR("I would rather not say."));
    say(q, &s);
}

/* ---- child runs ---- */

static struct pawl_str first_of_user(yyjson_val *request)
{
    yyjson_val *v;
    size_t i, n;
    yyjson_arr_foreach(yyjson_obj_get(request, "messages"), i, n, v)
    {
        if (pawl_str_is(pawl_json_str(v, "role"), "user")) return pawl_json_str(v, "content");
    }
    return (struct pawl_str){NULL, 0};
}

static bool begins(struct pawl_str s, const char *with)
{
    return s.n >= strlen(with) && memcmp(s.p, with, strlen(with)) == 0;
}

/* The model of the agent that does one thing: calls its only tool with what it was given, and says what came of it. */
static void ask_kid(struct wl_request *q, yyjson_val *request)
{
    yyjson_val *given = NULL, *last = last_message(request);
    yyjson_val *tool = yyjson_obj_get(yyjson_arr_get_first(yyjson_obj_get(request, "tools")), "function");
    struct wl_said_call call = {.id = PAWL_STR("only"), .name = pawl_json_str(tool, "name")};
    struct wl_saying s = {.calls = &call, .calls_count = 1};
    const struct pawl_str told = pawl_json_str(last, "content");
    struct pawl_buf b;
    if (pawl_json_read(first_of_user(request), q->a, &given, NULL)) given = NULL;
    q->rec = wl_recording_named(q->w->data, pawl_json_str(given, "rec"));
    if (!q->rec || !call.name.p) {
        q->w->strays++;
        wl_answer(q, 404, PAWL_STR("{\"error\":{\"message\":\"nobody has such a child\"}}"));
        return;
    }
    if (!pawl_str_is(pawl_json_str(last, "role"), "tool")) {
        q->w->places[q->rec->index].ledger.kids++;
        pawl_buf_init_arena(&b, q->a);
        pawl_json_write(yyjson_obj_get(given, "args"), &b);
        call.args = pawl_buf_done(&b);
    } else if (begins(told, "{\"error\":{\"class\":")) {
        wl_answer(q, 400,
                  PAWL_STR("{\"error\":{\"message\":\"it can not be done\",\"type\":\"invalid_request_error\"}}"));
        return;
    } else {
        s = text_of(told);
    }
    say(q, &s);
}

bool wl_part_model(struct wl_request *q, struct pawl_str model, yyjson_val *request)
{
    const struct wl_saying summary =
        text_of(PAWL_STR("The user wants what they said first. Some things were looked up, some were done."));
    char name[6] = "r";
    if (pawl_str_is(model, "kid")) return ask_kid(q, request), true;
    if (pawl_str_is(model, "recap")) return say(q, &summary), true;
    if (model.n != 5 || *model.p != 'j') return false;
    memcpy(name + 1, model.p + 1, 4);
    q->rec = wl_recording_named(q->w->data, pawl_str_of(name));
    if (!q->rec) return false;
    q->place = &q->w->places[q->rec->index];
    ask_judge(q, request);
    return true;
}

/* ---- what its own model is asked with ---- */

static uint64_t message_bytes(yyjson_val *v)
{
    uint64_t n = 16 + pawl_json_str(v, "content").n;
    yyjson_val *c;
    size_t i, max;
    yyjson_arr_foreach(yyjson_obj_get(v, "tool_calls"), i, max, c)
    {
        yyjson_val *f = yyjson_obj_get(c, "function");
        n += 32 + pawl_json_str(f, "name").n + pawl_json_str(f, "arguments").n;
    }
    return n;
}

/* This provider's tokenizer: four bytes of what is said, of each call and of each tool's words, are one. */
static uint32_t tokens_of(yyjson_val *request, struct pawl_arena *a)
{
    uint64_t bytes = 0;
    yyjson_val *v;
    size_t i, n;
    struct pawl_buf b;
    yyjson_arr_foreach(yyjson_obj_get(request, "messages"), i, n, v) bytes += message_bytes(v);
    yyjson_arr_foreach(yyjson_obj_get(request, "tools"), i, n, v)
    {
        yyjson_val *f = yyjson_obj_get(v, "function");
        pawl_buf_init_arena(&b, a);
        pawl_json_write(yyjson_obj_get(f, "parameters"), &b);
        bytes += 48 + pawl_json_str(f, "name").n + pawl_json_str(f, "description").n + b.n;
    }
    return (uint32_t)(bytes / 4 + 1);
}

/* Behind a message with calls come their results, each once, in their order, and no result comes otherwise. */
static bool torn(yyjson_val *messages)
{
    yyjson_val *v, *calls = NULL;
    size_t i, n, next = 0;
    yyjson_arr_foreach(messages, i, n, v)
    {
        const bool result = pawl_str_is(pawl_json_str(v, "role"), "tool");
        if (result != (calls && next < yyjson_arr_size(calls))) return true;
        if (result &&
            !pawl_str_eq(pawl_json_str(v, "tool_call_id"), pawl_json_str(yyjson_arr_get(calls, next++), "id")))
            return true;
        if (!result) calls = yyjson_obj_get(v, "tool_calls"), next = 0;
    }
    return calls && next < yyjson_arr_size(calls);
}

static uint32_t stubs(yyjson_val *messages)
{
    uint32_t count = 0;
    yyjson_val *v;
    size_t i, n;
    yyjson_arr_foreach(messages, i, n, v)
    {
        if (pawl_str_is(pawl_json_str(v, "role"), "tool"))
            count += begins(pawl_json_str(v, "content"), "[left out to save room");
    }
    return count;
}

void wl_part_asked(struct wl_request *q, yyjson_val *request, enum wl_fault f, struct wl_saying *s)
{
    struct wl_ledger *l = &q->place->ledger;
    yyjson_val *messages = yyjson_obj_get(request, "messages");
    uint64_t said = s->content.n;
    for (uint32_t i = 0; i < s->calls_count; i++) said += s->calls[i].name.n + s->calls[i].args.n;
    s->told_tokens = tokens_of(request, q->a);
    s->said_tokens = said / 4 < WL_ANSWER_TOKENS ? (uint32_t)(said / 4) + 1 : WL_ANSWER_TOKENS;
    l->requests++;
    l->torn += torn(messages);
    wl_outcome_asked(q, messages);
    l->stubs += stubs(messages);
    if (s->told_tokens > l->longest) l->longest = s->told_tokens;
    if (f != WL_MODEL_429) l->billed += (uint64_t)s->told_tokens + s->said_tokens;
}

static yyjson_val *last_of(yyjson_val *messages, const char *role)
{
    yyjson_val *v, *found = NULL;
    size_t i, n;
    yyjson_arr_foreach(messages, i, n, v)
    {
        if (pawl_str_is(pawl_json_str(v, "role"), role)) found = v;
    }
    return found;
}

/* Is this the recorded answer `turn`? By its first call's id; where it calls nothing, by its words. */
static bool is_turn(const struct wl_recording *r, uint32_t turn, yyjson_val *said)
{
    const struct wl_turn *t = &r->turns[turn];
    yyjson_val *call = yyjson_arr_get_first(yyjson_obj_get(said, "tool_calls"));
    if (!call != !t->calls_count) return false;
    if (call) return pawl_str_eq(pawl_json_str(call, "id"), r->calls[t->first_call].id);
    const struct pawl_str now = pawl_json_str(said, "content"), then = pawl_json_str(t->message, "content");
    return pawl_str_eq(now.p ? now : PAWL_STR(""), then.p ? then : PAWL_STR(""));
}

/* The last thing that it said is told in full: what comes next is known by it. Of two that say the same it is the one with
 * which the world has got as far as it has. */
uint32_t wl_part_place(struct wl_request *q, yyjson_val *messages)
{
    const uint32_t at = q->place->turn;
    yyjson_val *said = last_of(messages, "assistant");
    if (!said) return 0;
    if (at < q->rec->turns_count && is_turn(q->rec, at, said)) return at + 1;
    if (at > 0 && is_turn(q->rec, at - 1, said)) return at;
    q->w->strays++;
    return q->rec->turns_count;
}

/* ---- services that do it later ---- */

static void say_accepted(struct wl_request *q, const struct wl_deed *d)
{
    char location[64];
    snprintf(location, sizeof location, "Location: /polls/%s/%u\r\n", q->rec->name, (unsigned)(d - q->place->deeds));
    pawl_http_answer(q->peer, 202, "application/json", location, PAWL_STR("{\"status\":\"queued\"}"));
}

static void begin_work(struct wl_request *q, const struct wl_call *c, struct wl_deed *d, const char *key)
{
    const uint64_t ms = LATER_MS_MIN + (q->rec->index + (uint64_t)(c - q->rec->calls)) * LATER_STEP % LATER_MS_RANGE;
    d->ready_ns = uv_hrtime() + ms * MS;
    snprintf(d->key, sizeof d->key, "%s", key);
    if (c->refused) return;
    struct wl_later *l = wl_put_off(q, ms);
    l->what = LAND;
    l->deed = d;
    d->landing++;
    snprintf(l->key, sizeof l->key, "%s", key);
}

bool wl_part_tool(struct wl_request *q, const struct wl_call *c, struct wl_deed *d, const char *key)
{
    const bool changes = c->tool->effect != WL_READ;
    if (q->w->part == WL_CHILDREN && changes && !c->has_result) {
        wl_answer(q, 422, PAWL_STR("{\"error\":\"the recording ends here\"}"));
        return true;
    }
    if (q->w->part == WL_OPINIONS && changes) d->unasked += !d->asked || d->shown != hash_of(key, q->in->body);
    if (q->w->part != WL_ASYNC || !changes || !c->has_result) return false;
    d->attempts++;
    if (!d->ready_ns) begin_work(q, c, d, key);
    say_accepted(q, d);
    return true;
}

/* POLLS r0017/24: how is it with that call? */
void wl_part_poll(struct wl_request *q, const char *rest)
{
    const unsigned long index = strtoul(rest, NULL, 10);
    struct wl_call *c = &q->rec->calls[index / WL_KINDS];
    struct pawl_buf b;
    if (index >= q->rec->calls_count * WL_KINDS || !q->place->deeds[index].ready_ns) {
        wl_answer(q, 404, PAWL_STR("{}"));
        return;
    }
    q->place->ledger.polls++;
    pawl_buf_init_arena(&b, q->a);
    if (uv_hrtime() < q->place->deeds[index].ready_ns || q->place->deeds[index].landing) {
        pawl_buf_text(&b, "{\"status\":\"running\"}");
    } else if (c->refused) {
        pawl_buf_text(&b, "{\"status\":\"failed\",\"error\":{\"message\":");
        pawl_json_quote(c->content, &b);
        pawl_buf_text(&b, "}}");
    } else {
        pawl_buf_text(&b, "{\"status\":\"succeeded\",\"result\":");
        pawl_buf_str(&b, wl_result_of(q, c));
        pawl_buf_char(&b, '}');
    }
    wl_answer(q, 200, pawl_buf_done(&b));
}
