/* tests/workloads/heard.c - what the journal of a run says of the calls of its recording, line by line of `follow`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "part.h"
#include "replay.h"
#include "say.h"

static void copy(char *out, size_t size, struct pawl_str s)
{
    snprintf(out, size, "%.*s", (int)s.n, s.p ? s.p : "");
}

static void asked(struct wl_call *c, yyjson_val *body)
{
    yyjson_val *why = yyjson_obj_get(body, "why"), *v;
    size_t i, n;
    c->asked_now = true;
    yyjson_arr_foreach(why, i, n, v)
    {
        const struct pawl_str word = pawl_json_value_str(v);
        c->asked |= pawl_str_is(word, "gate")      ? WL_ASKED_GATE
                    : pawl_str_is(word, "repeat")  ? WL_ASKED_REPEAT
                    : pawl_str_is(word, "guard")   ? WL_ASKED_GUARD
                    : pawl_str_is(word, "opinion") ? WL_ASKED_OPINION
                                                   : WL_ASKED_CONFLICT;
    }
}

static void failed(struct wl_call *c, yyjson_val *body)
{
    const struct pawl_str message = pawl_json_str(body, "message");
    c->end = WL_NOT_DONE;
    c->applied = pawl_json_bool(body, "applied", false);
    copy(c->error_class, sizeof c->error_class, pawl_json_str(body, "class"));
    free(c->message);
    c->message = strdup(message.p ? message.p : "");
}

static void of_call(struct wl_call *c, struct pawl_str kind, yyjson_val *body)
{
    yyjson_val *first = yyjson_obj_get(body, "first");
    if (pawl_str_is(kind, "gate.asked")) {
        asked(c, body);
    } else if (pawl_str_is(kind, "gate.answered")) {
        c->asked_now = false;
    } else if (pawl_str_is(kind, "step.in_doubt")) {
        c->in_doubt = true;
        c->asked |= WL_ASKED_DOUBT;
        copy(c->error_class, sizeof c->error_class, pawl_json_str(body, "class"));
    } else if (pawl_str_is(kind, "step.resolved")) {
        c->in_doubt = false;
    } else if (pawl_str_is(kind, "step.completed")) {
        c->end = first ? WL_ANSWERED : WL_DONE;
        c->first_step = (uint32_t)pawl_json_i64(first, "step", 0);
        c->applied = !first;
        c->error_class[0] = 0;
    } else if (pawl_str_is(kind, "step.failed")) {
        failed(c, body);
    }
}

/* The calls of the model's answer are the steps behind it. Which of the recorded ones they are, their ids say. */
static void bind(struct wl_recording *rec, uint32_t step, struct pawl_str id)
{
    uint32_t of = 0;
    const enum wl_fault kind = wl_call_kind(id, &of);
    for (uint32_t i = 0; !kind && i < rec->calls_count; i++)
        if (pawl_str_eq(rec->calls[i].id, id)) rec->calls[i].step = step;
    if (!kind) return;
    struct wl_call *grown = realloc(rec->extras, (rec->extras_count + 1) * sizeof *grown);
    if (!grown) return;
    rec->extras = grown;
    struct wl_call *c = &grown[rec->extras_count++];
    *c = (struct wl_call){.step = step, .kind = (int)kind, .of = of};
    if (kind != WL_SAYS_REPEAT && kind != WL_SAYS_REWORD) return;
    c->tool = rec->calls[of].tool;
    c->content = rec->calls[of].content;
    c->has_result = true;
}

static void of_model(struct wl_recording *rec, uint32_t step, yyjson_val *body, bool faulty)
{
    yyjson_val *calls = yyjson_obj_get(yyjson_obj_get(body, "result"), "tool_calls"), *v;
    uint32_t of;
    size_t i, n;
    if (!wl_call_kind(pawl_json_str(yyjson_arr_get(calls, 0), "id"), &of)) rec->answers++;
    yyjson_arr_foreach(calls, i, n, v)
    {
        if (faulty) bind(rec, step + 1 + (uint32_t)i, pawl_json_str(v, "id"));
    }
}

static void take_record(struct wl_recording *rec, bool faulty, yyjson_val *v)
{
    const uint32_t step = (uint32_t)pawl_json_i64(v, "step", 0);
    const struct pawl_str kind = pawl_json_str(v, "kind");
    yyjson_val *body = yyjson_obj_get(v, "body");
    struct wl_call *c = step ? wl_call_at(rec, step) : NULL;
    const struct pawl_str said = pawl_json_str(yyjson_obj_get(body, "ended"), "message");
    rec->seq = (uint64_t)pawl_json_i64(v, "seq", 0);
    rec->cut_short += pawl_str_is(said, "pawl stopped while the call was under way");
    wl_seen_record(rec, c, step, kind, body);
    if (c) {
        of_call(c, kind, body);
    } else if (step > 0 && !wl_seen_other(rec, step)) {
        if (pawl_str_is(kind, "step.completed")) of_model(rec, step, body, faulty);
    } else if (pawl_str_is(kind, "run.ended")) {
        copy(rec->end_class, sizeof rec->end_class, pawl_json_str(body, "class"));
        copy(rec->end_message, sizeof rec->end_message, pawl_json_str(body, "message"));
    }
}

void wl_take_line(struct wl_recording *rec, bool faulty, yyjson_val *line)
{
    yyjson_val *head = yyjson_obj_get(line, "head"), *record = yyjson_obj_get(line, "record");
    if (record) take_record(rec, faulty, record);
    if (!head) return;
    copy(rec->status, sizeof rec->status, pawl_json_str(head, "status"));
    copy(rec->waiting, sizeof rec->waiting, pawl_json_str(head, "waiting"));
}
