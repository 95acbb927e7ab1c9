/* tests/workloads/world_tool.c - the tools of a world: which recorded call a request is, what it does, how it misbehaves, and
 * what can be seen of it afterwards. */
#include <stdio.h>
#include <string.h>
#include "world_parts.h"

enum { LOOK_DELAY_MS = 10, LATE_MS = 100, LOOK_PLACE = 1 << 24 };

/* The call that this is: one of the answer that the model gave last. */
struct wl_deed *wl_deed_of(struct wl_request *q, struct pawl_str tool, struct pawl_str said, const char *key,
                           struct wl_call **call)
{
    struct wl_place *p = q->place;
    const struct wl_turn *t = &q->rec->turns[p->turn];
    struct wl_deed *found = NULL;
    yyjson_val *args, *recorded;
    if (p->says == WL_SAYS_REPEAT || p->says == WL_SAYS_REWORD) {
        *call = &q->rec->calls[p->of];
        return &p->deeds[p->of * WL_KINDS + (p->says == WL_SAYS_REPEAT ? WL_AGAIN : WL_OTHER)];
    }
    if (p->says || pawl_json_read(said, q->a, &args, NULL)) return NULL;
    for (uint32_t i = 0; i < t->calls_count; i++) {
        struct wl_call *c = &q->rec->calls[t->first_call + i];
        struct wl_deed *d = &p->deeds[(t->first_call + i) * WL_KINDS];
        if (!pawl_str_eq(c->name, tool) || pawl_json_read(c->args, q->a, &recorded, NULL)) continue;
        if (!pawl_json_equal(args, recorded)) continue;
        if (d->key[0] && strcmp(d->key, key) == 0) return *call = c, d;
        if (!found || (found->key[0] && !d->key[0])) found = d, *call = c; /* of equal ones the first that is new */
    }
    if (found && !found->key[0]) snprintf(found->key, sizeof found->key, "%s", key);
    return found;
}

/* The honest answer: what was recorded. */
struct pawl_str wl_result_of(struct wl_request *q, const struct wl_call *c)
{
    struct pawl_buf b;
    if (c->tool->json) return c->content;
    pawl_buf_init_arena(&b, q->a);
    pawl_json_quote(c->content, &b);
    return pawl_buf_done(&b);
}

static void refuse(struct wl_request *q, const struct wl_call *c)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, q->a);
    pawl_buf_text(&b, "{\"error\":");
    pawl_json_quote(c->content, &b);
    pawl_buf_char(&b, '}');
    wl_answer(q, 422, pawl_buf_done(&b));
}

static bool comes_before(enum wl_fault f)
{
    return f == WL_TOOL_429 || f == WL_TOOL_401 || f == WL_TOOL_500_BEFORE || f == WL_TOOL_HANG_BEFORE ||
           f == WL_TOOL_DROP_BEFORE || f == WL_TOOL_202_BEFORE;
}

static bool comes_as_yes(enum wl_fault f)
{
    return f == WL_TOOL_SLOW || f == WL_TOOL_HTML_IN_JSON || f == WL_TOOL_OUT_OF_CONTRACT;
}

static void put_off_answer(struct wl_request *q, struct pawl_str body)
{
    struct wl_later *l = wl_put_off(q, WL_TOOL_TIMEOUT_MS / 2);
    l->what = ANSWER;
    l->peer = q->peer;
    l->body = (struct pawl_str){strndup(body.p, body.n), body.n};
}

static void put_off_effect(struct wl_request *q, struct wl_deed *d, const char *key)
{
    struct wl_later *l = wl_put_off(q, WL_TOOL_TIMEOUT_MS + LATE_MS);
    l->what = LAND;
    l->deed = d;
    d->landing++;
    snprintf(l->key, sizeof l->key, "%s", key);
}

static void misbehave(struct wl_request *q, enum wl_fault f, struct pawl_str body)
{
    switch (f) {
    case WL_TOOL_429: wl_answer(q, 429, PAWL_STR("{\"error\":\"slow down\"}")); break;
    case WL_TOOL_401: wl_answer(q, 401, PAWL_STR("{\"error\":\"your token has expired\"}")); break;
    case WL_TOOL_500_BEFORE:
    case WL_TOOL_500_AFTER: wl_answer(q, 500, PAWL_STR("{\"error\":\"boom\"}")); break;
    case WL_TOOL_DROP_BEFORE:
    case WL_TOOL_DROP_AFTER: pawl_http_drop(q->peer); break;
    case WL_TOOL_SLOW: put_off_answer(q, body); break;
    case WL_TOOL_GARBAGE: wl_answer(q, 200, PAWL_STR("{\"id\": 17, \"st\x01\xff")); break;
    case WL_TOOL_HTML: wl_answer(q, 200, PAWL_STR("<html><body>502 Bad Gateway</body></html>")); break;
    case WL_TOOL_HTML_IN_JSON: wl_answer(q, 200, PAWL_STR("\"<html><body>502 Bad Gateway</body></html>\"")); break;
    case WL_TOOL_OUT_OF_CONTRACT: wl_answer(q, 200, PAWL_STR("{\"surprise\":true}")); break;
    case WL_TOOL_202_BEFORE:
    case WL_TOOL_202_AFTER:
        pawl_http_answer(q->peer, 202, "application/json", "Location: /jobs/1\r\n",
                         PAWL_STR("{\"status\":\"queued\"}"));
        break;
    default: break; /* it hangs: pawl gives up, and goes */
    }
}

void wl_call_tool(struct wl_request *q, struct pawl_str name)
{
    const struct pawl_str header = pawl_http_field_of(q->in, "Idempotency-Key");
    struct wl_call *c = NULL;
    struct wl_deed *d;
    char key[40];
    uint32_t n = header.n, at = 0;
    if (n >= 2 && header.p[0] == '"') n -= 2, at = 1;
    snprintf(key, sizeof key, "%.*s", (int)n, header.p ? header.p + at : "");
    d = wl_deed_of(q, name, q->in->body, key, &c);
    q->w->calls++;
    if (!d) {
        q->w->strays++;
        wl_answer(q, 404, PAWL_STR("{\"error\":\"nobody has asked for this\"}"));
        return;
    }
    if (q->w->part && wl_part_tool(q, c, d, key)) return;
    if (!c->has_result) { /* the recording breaks off here, and so does the service */
        wl_answer(q, 500, PAWL_STR("{\"error\":\"the recording ends here\"}"));
        return;
    }
    enum wl_fault f = wl_faults_tool(&q->w->faults, q->rec, (uint32_t)(d - q->place->deeds), d->attempts++);
    if (c->refused && comes_as_yes(f)) f = WL_FINE; /* no service says yes to what it refuses */
    const bool changes = c->tool->effect != WL_READ && !c->refused;
    wl_meet(q->w, f);
    if (changes && f == WL_TOOL_LATE) put_off_effect(q, d, key);
    else if (changes && !comes_before(f)) wl_take_effect(q->w, d, key);
    if (!f && c->refused) refuse(q, c);
    else if (!f) wl_answer(q, 200, wl_result_of(q, c));
    else misbehave(q, f, wl_result_of(q, c));
}

/* Whoever looks sees all that was sent before: what is on its way in is read first. */
void wl_look(struct wl_request *q)
{
    const enum wl_fault f = wl_faults_tool(&q->w->faults, q->rec, LOOK_PLACE + q->place->looks++, 0);
    if (f == WL_TOOL_429 || f == WL_TOOL_500_BEFORE || f == WL_TOOL_HANG_BEFORE || f == WL_TOOL_DROP_BEFORE ||
        f == WL_TOOL_GARBAGE || f == WL_TOOL_HTML) {
        wl_meet(q->w, f);
        misbehave(q, f, PAWL_STR(""));
        return;
    }
    struct wl_later *l = wl_put_off(q, LOOK_DELAY_MS);
    l->what = LOOK;
    l->peer = q->peer;
}

void wl_show_deed(struct wl_request *q, const char *rest)
{
    unsigned call = 0, kind = 0;
    if (sscanf(rest, "%u/%u", &call, &kind) != 2 || call >= q->rec->calls_count || kind >= WL_KINDS) {
        wl_answer(q, 404, PAWL_STR("{}"));
        return;
    }
    struct wl_later *l = wl_put_off(q, LOOK_DELAY_MS);
    l->what = LOOK;
    l->peer = q->peer;
    l->deed = &q->place->deeds[call * WL_KINDS + kind];
}
