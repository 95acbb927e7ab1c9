/* tests/workloads/world_model.c - the models of a world: where in its recording a conversation is, and what the model says
 * there, or how its provider misbehaves. */
#include <stdio.h>
#include "world_parts.h"

enum { PLACES = 8 };

static void cut(struct wl_request *q, struct pawl_str body, bool truncated)
{
    char head[160];
    if (truncated)
        snprintf(
            head, sizeof head,
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %u\r\nConnection: close\r\n\r\n",
            body.n);
    else snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n");
    pawl_http_raw(q->peer, pawl_str_of(head), false);
    pawl_http_raw(q->peer, (struct pawl_str){body.p, body.n / 2}, true);
}

static void answer_model(struct wl_request *q, enum wl_fault f, struct pawl_str stream)
{
    static const char slow_down[] =
        "{\"error\":{\"message\":\"slow down\",\"type\":\"rate_limit_error\",\"param\":null,"
        "\"code\":\"rate_limit_exceeded\"}}";
    static const char boom[] =
        "{\"error\":{\"message\":\"boom\",\"type\":\"server_error\",\"param\":null,\"code\":null}}";
    wl_meet(q->w, f);
    switch (f) {
    case WL_MODEL_429: wl_answer(q, 429, pawl_str_of(slow_down)); break;
    case WL_MODEL_500: wl_answer(q, 500, pawl_str_of(boom)); break;
    case WL_MODEL_HANG: break; /* pawl gives up, and goes */
    case WL_MODEL_TRUNCATED:
    case WL_MODEL_CUT: cut(q, stream, f == WL_MODEL_TRUNCATED); break;
    case WL_MODEL_DROP: pawl_http_drop(q->peer); break;
    default: pawl_http_answer(q->peer, 200, "text/event-stream", "", stream);
    }
}

/* Where the conversation is: so many recorded answers, and so many others behind the last of them. */
static void find_place(yyjson_val *messages, uint32_t *turn, uint32_t *nth)
{
    yyjson_val *v;
    uint32_t of;
    size_t i, n;
    *turn = *nth = 0;
    yyjson_arr_foreach(messages, i, n, v)
    {
        if (!pawl_str_is(pawl_json_str(v, "role"), "assistant")) continue;
        yyjson_val *call = yyjson_arr_get(yyjson_obj_get(v, "tool_calls"), 0);
        if (call && wl_call_kind(pawl_json_str(call, "id"), &of)) ++*nth;
        else ++*turn, *nth = 0;
    }
}

void wl_ask_model(struct wl_request *q)
{
    yyjson_val *request;
    uint32_t turn, nth, of = 0;
    struct wl_saying saying;
    struct pawl_buf stream;
    if (pawl_json_read(q->in->body, q->a, &request, NULL)) request = NULL;
    if (q->w->part && wl_part_model(q, pawl_json_str(request, "model"), request)) return;
    q->rec = wl_recording_named(q->w->data, pawl_json_str(request, "model"));
    if (!q->rec) {
        wl_answer(q, 404, PAWL_STR("{\"error\":{\"message\":\"there is no such model\"}}"));
        return;
    }
    q->place = &q->w->places[q->rec->index];
    find_place(yyjson_obj_get(request, "messages"), &turn, &nth);
    if (q->w->part == WL_CONTEXT) turn = wl_part_place(q, yyjson_obj_get(request, "messages")), nth = 0;
    const enum wl_fault says = wl_faults_says(&q->w->faults, q->rec, turn, nth, &of);
    if (!says && turn >= q->rec->turns_count) {
        wl_answer(q, 400,
                  PAWL_STR("{\"error\":{\"message\":\"the recording ends here\",\"type\":\"invalid_request_error\"}}"));
        return;
    }
    const uint32_t asked = turn * PLACES + nth;
    if (q->place->asked != asked) q->place->asked_count = 0;
    q->place->asked = asked;
    const enum wl_fault f = wl_faults_model(&q->w->faults, q->rec, asked, q->place->asked_count++);
    if (says) wl_say_otherwise(q->rec, turn, says, of, q->a, &saying);
    else wl_say_recorded(q->rec, turn, q->a, &saying);
    if (q->w->part) wl_part_asked(q, request, f, &saying);
    pawl_buf_init_arena(&stream, q->a);
    wl_saying_stream(&saying, q->a, &stream);
    if (!f) {
        wl_meet(q->w, says);
        q->place->turn = turn;
        q->place->says = says;
        q->place->of = of;
    }
    answer_model(q, f, pawl_buf_done(&stream));
}
