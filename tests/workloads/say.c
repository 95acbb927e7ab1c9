/* tests/workloads/say.c - see say.h. */
#include "say.h"
#include <stdlib.h>
#include <string.h>

static const struct {
    enum wl_fault fault;
    const char *prefix; /* of the ids of its calls */
} kinds[] = {{WL_SAYS_REPEAT, "again-"},
             {WL_SAYS_REWORD, "other-"},
             {WL_SAYS_MALFORMED, "cut-"},
             {WL_SAYS_UNKNOWN_TOOL, "nobody-"}};

enum wl_fault wl_call_kind(struct pawl_str id, uint32_t *of)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const size_t n = strlen(kinds[i].prefix);
        if (id.n <= n || memcmp(id.p, kinds[i].prefix, n) != 0) continue;
        *of = (uint32_t)strtoul(id.p + n, NULL, 10);
        return kinds[i].fault;
    }
    return WL_FINE;
}

void wl_say_recorded(const struct wl_recording *r, uint32_t turn, struct pawl_arena *a, struct wl_saying *out)
{
    const struct wl_turn *t = &r->turns[turn];
    *out = (struct wl_saying){.content = pawl_json_str(t->message, "content"),
                              .calls = pawl_arena_zeroed(a, (t->calls_count + 1) * sizeof *out->calls)};
    for (uint32_t i = 0; out->calls && i < t->calls_count; i++) {
        const struct wl_call *c = &r->calls[t->first_call + i];
        out->calls[out->calls_count++] = (struct wl_said_call){c->id, c->name, c->args};
    }
}

static bool names(yyjson_val *list, struct pawl_str name)
{
    yyjson_val *v;
    size_t i, n;
    yyjson_arr_foreach(list, i, n, v)
    {
        if (pawl_str_eq(pawl_json_value_str(v), name)) return true;
    }
    return false;
}

/* May this argument be put in other words, and the intent is the same? The contract names what the intent is, and it is not
 * among that; and it is free text. */
static bool is_free(const struct wl_tool *t, struct pawl_str name, yyjson_val *value)
{
    yyjson_val *by = yyjson_obj_get(t->v, "dedupe_key");
    yyjson_val *properties = yyjson_obj_get(yyjson_obj_get(t->v, "input_schema"), "properties");
    yyjson_val *schema = yyjson_obj_getn(properties, name.p, name.n);
    if (!yyjson_is_arr(by) || names(by, name) || !yyjson_is_str(value)) return false;
    return pawl_str_is(pawl_json_str(schema, "type"), "string") && !yyjson_obj_get(schema, "enum");
}

/* A text with its first letter escaped, a number as the same number, whole: other bytes, the same JSON. */
static void write_otherwise(yyjson_val *v, bool in_other_words, struct pawl_buf *out)
{
    const struct pawl_str text = pawl_json_value_str(v);
    if (text.n && in_other_words) {
        struct pawl_buf words;
        pawl_buf_init_arena(&words, out->arena);
        pawl_buf_str(&words, text);
        pawl_buf_text(&words, " (once more)");
        pawl_json_quote(pawl_buf_done(&words), out);
    } else if (text.n && text.p[0] >= 'A' && text.p[0] <= 'z' && text.p[0] != '\\') {
        struct pawl_buf rest;
        pawl_buf_init_arena(&rest, out->arena);
        pawl_json_quote((struct pawl_str){text.p + 1, text.n - 1}, &rest);
        pawl_buf_printf(out, "\"\\u%04x%s", (unsigned)text.p[0], pawl_buf_done(&rest).p + 1);
    } else {
        pawl_json_write(v, out);
        if (yyjson_is_int(v)) pawl_buf_text(out, ".0");
    }
}

/* The same intent in other words: a free text is worded anew; where there is none, other bytes of the same arguments. */
static struct pawl_str reword(const struct wl_call *c, struct pawl_arena *a)
{
    yyjson_val *args, *name, *value;
    struct pawl_buf out;
    bool more = false;
    size_t i, n;
    pawl_buf_init_arena(&out, a);
    if (pawl_json_read(c->args, a, &args, NULL)) return c->args;
    pawl_buf_text(&out, "{ ");
    for (size_t k = yyjson_obj_size(args); k-- > 0;) { /* the members, last first */
        yyjson_obj_foreach(args, i, n, name, value)
        {
            if (i != k) continue;
            if (more) pawl_buf_text(&out, " ,\n");
            pawl_json_quote(pawl_json_value_str(name), &out);
            pawl_buf_text(&out, " : ");
            write_otherwise(value, is_free(c->tool, pawl_json_value_str(name), value), &out);
            more = true;
        }
    }
    pawl_buf_text(&out, " }");
    return pawl_buf_done(&out);
}

void wl_say_otherwise(const struct wl_recording *r, uint32_t turn, enum wl_fault says, uint32_t of,
                      struct pawl_arena *a, struct wl_saying *out)
{
    struct wl_said_call *call = pawl_arena_zeroed(a, sizeof *call);
    const struct wl_call *c = says == WL_SAYS_MALFORMED ? &r->calls[r->turns[turn].first_call] : &r->calls[of];
    struct pawl_buf id;
    *out = (struct wl_saying){.calls = call, .calls_count = call ? 1 : 0};
    if (!call) return;
    pawl_buf_init_arena(&id, a);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].fault == says)
            pawl_buf_printf(&id, "%s%u", kinds[i].prefix, says <= WL_SAYS_UNKNOWN_TOOL ? turn : of);
    *call = (struct wl_said_call){pawl_buf_done(&id), PAWL_STR("fly_to_the_moon"), PAWL_STR("{}")};
    if (says == WL_SAYS_UNKNOWN_TOOL) return;
    call->name = c->name;
    call->args = says == WL_SAYS_REWORD ? reword(c, a) : c->args;
    if (says == WL_SAYS_MALFORMED) call->args.n -= (call->args.n + 1) / 2;
}

static void piece(struct pawl_buf *out, struct pawl_str delta, const char *finish)
{
    pawl_buf_text(out, "data: {\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":");
    pawl_buf_str(out, delta);
    pawl_buf_printf(out, ",\"finish_reason\":%s}]}\n\n", finish);
}

/* A call comes in several pieces: its name, then its arguments in two, cut between characters. */
static void stream_call(struct pawl_buf *out, size_t index, const struct wl_said_call *c, struct pawl_arena *a)
{
    struct pawl_buf b;
    uint32_t half = c->args.n / 2;
    while (half > 0 && ((uint8_t)c->args.p[half] & 0xc0) == 0x80) half--;
    const struct pawl_str halves[] = {{c->args.p, half}, {c->args.p + half, c->args.n - half}};
    pawl_buf_init_arena(&b, a);
    pawl_buf_printf(&b, "{\"tool_calls\":[{\"index\":%zu,\"id\":", index);
    pawl_json_quote(c->id, &b);
    pawl_buf_text(&b, ",\"type\":\"function\",\"function\":{\"name\":");
    pawl_json_quote(c->name, &b);
    pawl_buf_text(&b, ",\"arguments\":\"\"}}]}");
    piece(out, pawl_buf_done(&b), "null");
    for (int i = 0; i < 2; i++) {
        pawl_buf_init_arena(&b, a);
        pawl_buf_printf(&b, "{\"tool_calls\":[{\"index\":%zu,\"function\":{\"arguments\":", index);
        pawl_json_quote(halves[i], &b);
        pawl_buf_text(&b, "}}]}");
        piece(out, pawl_buf_done(&b), "null");
    }
}

void wl_saying_stream(const struct wl_saying *s, struct pawl_arena *a, struct pawl_buf *out)
{
    struct pawl_buf b;
    piece(out, PAWL_STR("{\"role\":\"assistant\",\"content\":null}"), "null");
    if (s->content.p) {
        pawl_buf_init_arena(&b, a);
        pawl_buf_text(&b, "{\"content\":");
        pawl_json_quote(s->content, &b);
        pawl_buf_char(&b, '}');
        piece(out, pawl_buf_done(&b), "null");
    }
    for (uint32_t i = 0; i < s->calls_count; i++) stream_call(out, i, &s->calls[i], a);
    piece(out, PAWL_STR("{}"), s->calls_count ? "\"tool_calls\"" : "\"stop\"");
    const uint32_t told = s->told_tokens ? s->told_tokens : 9, said = s->said_tokens ? s->said_tokens : 3;
    pawl_buf_printf(out,
                    "data: {\"object\":\"chat.completion.chunk\",\"choices\":[],\"usage\":{\"prompt_tokens\":%u,"
                    "\"completion_tokens\":%u,\"total_tokens\":%u}}\n\ndata: [DONE]\n\n",
                    told, said, told + said);
}
