/* tests/workloads/world_outcome.c - what the world plays for checks, undo, signals and schedules: its books can be looked into,
 * what it did can be taken back, and it writes down who was told what, and which times of a schedule came. */
#include <stdio.h>
#include <string.h>
#include "world_parts.h"

static yyjson_val *body_of(struct wl_request *q)
{
    yyjson_val *v = NULL;
    return pawl_json_read(q->in->body, q->a, &v, NULL) ? NULL : v;
}

static void key_of(const struct wl_request *q, char key[40])
{
    const struct pawl_str header = pawl_http_field_of(q->in, "Idempotency-Key");
    const uint32_t quoted = header.n >= 2 && header.p[0] == '"';
    snprintf(key, 40, "%.*s", (int)(header.n - 2 * quoted), header.p ? header.p + quoted : "");
}

/* POST /books/r0017 {tool, args}: how often does that stand there, and as it was asked for? */
void wl_show_books(struct wl_request *q)
{
    yyjson_val *v = body_of(q), *args = yyjson_obj_get(v, "args"), *recorded;
    const struct pawl_str tool = pawl_json_str(v, "tool");
    uint32_t times = 0;
    bool amiss = false;
    struct pawl_buf b;
    if (wl_blind(q->rec)) {
        wl_answer(q, 403, PAWL_STR("{\"error\":\"the books are closed\"}"));
        return;
    }
    for (uint32_t i = 0; i < q->rec->calls_count; i++) {
        const struct wl_call *c = &q->rec->calls[i];
        const struct wl_deed *d = &q->place->deeds[i * WL_KINDS];
        if (!d->effects || d->undone || !pawl_str_eq(c->name, tool)) continue;
        if (pawl_json_read(c->args, q->a, &recorded, NULL) || !pawl_json_equal(args, recorded)) continue;
        times += d->effects;
        amiss = amiss || wl_amiss(q->rec, i);
    }
    pawl_buf_init_arena(&b, q->a);
    pawl_buf_printf(&b, "{\"times\":%u,\"as\":\"%s\"}", times, !times ? "nothing" : amiss ? "otherwise" : "asked");
    wl_answer(q, 200, pawl_buf_done(&b));
}

/* POST /back/r0017 {key}: what was done with that key is taken back. */
void wl_take_back(struct wl_request *q)
{
    const struct pawl_str of = pawl_json_str(body_of(q), "key");
    struct wl_deed *d = NULL;
    uint32_t call = 0;
    char key[40];
    for (; call < q->rec->calls_count && !d; call++)
        if (of.p && pawl_str_is(of, q->place->deeds[call * WL_KINDS].key)) d = &q->place->deeds[call * WL_KINDS];
    if (!d || !d->effects) {
        q->w->strays++;
        wl_answer(q, 404, PAWL_STR("{\"error\":\"nobody did that\"}"));
        return;
    }
    if (q->w->part == WL_UNDO && wl_cannot_undo(q->rec, call - 1)) {
        wl_answer(q, 422, PAWL_STR("{\"error\":\"it is too late for that\"}"));
        return;
    }
    key_of(q, key);
    if (!d->undone || strcmp(d->undo_key, key) != 0) {
        d->undone++;
        d->undone_at = ++q->w->clock;
        snprintf(d->undo_key, sizeof d->undo_key, "%s", key);
    }
    wl_answer(q, 200, PAWL_STR("{\"back\":true}"));
}

/* POST /ticks/schedule%2FNAME%2FSLOT: a run of that time works. */
void wl_take_tick(struct wl_request *q)
{
    struct wl_world *w = q->w;
    struct wl_tick *t = NULL;
    char slot[64], key[40];
    snprintf(slot, sizeof slot, "%.*s", (int)q->in->target.n, q->in->target.p);
    key_of(q, key);
    for (uint32_t i = 0; i < w->ticks_count; i++)
        if (strcmp(w->ticks[i].slot, slot) == 0 && strcmp(w->ticks[i].key, key) == 0) t = &w->ticks[i];
    if (!t && w->ticks_count < WL_TICKS_MAX) {
        t = &w->ticks[w->ticks_count++];
        snprintf(t->slot, sizeof t->slot, "%s", slot);
        snprintf(t->key, sizeof t->key, "%s", key);
    }
    wl_answer(q, 200, PAWL_STR("{\"ok\":true}"));
}

static struct wl_call *call_of(const struct wl_recording *r, struct pawl_str id)
{
    for (uint32_t i = 0; i < r->calls_count; i++)
        if (pawl_str_eq(r->calls[i].id, id)) return &r->calls[i];
    return NULL;
}

/* The results of waits that a request tells: each must carry the next signal of its name, from the first on. */
static void hear(struct wl_request *q, const struct wl_call *c, struct pawl_str content, uint32_t *serials)
{
    yyjson_val *v = NULL;
    if (!c->tool || !wl_hears(c->tool) || pawl_json_read(content, q->a, &v, NULL)) return;
    const int64_t serial = pawl_json_i64(v, "serial", 0);
    if (!serial) return; /* the call was refused before it waited */
    if (serial != ++serials[c->tool - q->rec->env->tools] || !pawl_str_is(pawl_json_str(v, "of"), c->tool->name))
        q->place->ledger.misheard++;
}

void wl_outcome_asked(struct wl_request *q, yyjson_val *messages)
{
    uint32_t *serials = pawl_arena_zeroed(q->a, (q->rec->env->tools_count + 1) * sizeof *serials), heard = 0;
    yyjson_val *v;
    size_t i, n;
    if (!serials) return;
    yyjson_arr_foreach(messages, i, n, v)
    {
        const struct wl_call *c = call_of(q->rec, pawl_json_str(v, "tool_call_id"));
        const struct pawl_str content = pawl_json_str(v, "content");
        if (!c || !content.p) continue;
        if (strstr(content.p, "it stands there as it was asked for"))
            q->place->deeds[(c - q->rec->calls) * WL_KINDS].told = true;
        if (q->w->part == WL_SIGNALS) hear(q, c, content, serials);
    }
    for (uint32_t k = 0; k < q->rec->env->tools_count; k++) heard += serials[k];
    if (heard > q->place->ledger.heard) q->place->ledger.heard = heard;
}
