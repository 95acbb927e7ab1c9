/* src/cli/mock_service.c - the services of `pawl mock`. What pawl is about is what a caller can find out of a lost answer, so
 * a service may honour idempotency keys (the same key again gives the first answer), be looked at (GET tells what there
 * is), both, or neither. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/mock.h"

/* The shop: an order's money can be paid and paid back by services that honour keys and can be looked at; a parcel can
 * only be looked at; of a mail nothing can be known. */
static const struct pawl_mock_service shop[] = {
    {"charges", "charge", true, true, true},
    {"refunds", "refund", true, true, true},
    {"parcels", "parcel", false, true, false},
    {"mails", "mail", false, false, false},
};

void pawl_mock_services_init(struct pawl_mock *m)
{
    for (size_t i = 0; i < sizeof shop / sizeof *shop; i++) m->services[m->services_count++] = shop[i];
}

static struct pawl_mock_service *service_of(struct pawl_mock *m, const char *name, size_t n)
{
    for (uint32_t i = 0; i < m->services_count; i++)
        if (strlen(m->services[i].name) == n && memcmp(m->services[i].name, name, n) == 0) return &m->services[i];
    return NULL;
}

bool pawl_mock_service_read(struct pawl_mock *m, const char *text, const char **why)
{
    const size_t n = strcspn(text, ":");
    struct pawl_mock_service *s = service_of(m, text, n), made = {.keys = false};
    *why = "a service's name has up to 31 letters, digits, _ and -";
    if (n == 0 || n >= sizeof made.name ||
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != n)
        return false;
    snprintf(made.name, sizeof made.name, "%.*s", (int)n, text);
    snprintf(made.kind, sizeof made.kind, "%.*s", (int)(n > 1 && text[n - 1] == 's' ? n - 1 : n), text);
    for (const char *at = text + n; *at;) {
        const size_t word = strcspn(++at, ":");
        *why = "behind the name go :keys (honours Idempotency-Key) and :look (GET tells what there is)";
        if (word == 4 && memcmp(at, "keys", 4) == 0) made.keys = true;
        else if (word == 4 && memcmp(at, "look", 4) == 0) made.look = true;
        else return false;
        at += word;
    }
    *why = "there are too many services";
    if (!s && m->services_count == PAWL_MOCK_SERVICES_MAX) return false;
    if (!s) s = &m->services[m->services_count++];
    *s = made;
    return true;
}

bool pawl_mock_answer_read(struct pawl_mock *m, const char *text, const char **why)
{
    const char *space = strchr(text, ' '), *equals = space ? strchr(space, '=') : NULL;
    struct pawl_mock_answer *a = &m->answers[m->answers_count];
    struct pawl_arena arena;
    yyjson_val *v;
    *why = "say METHOD /PATH=JSON, as in 'GET /stock={\"left\":3}'";
    if (!equals || space[1] != '/' || space == text || (size_t)(space - text) >= sizeof a->method) return false;
    if ((size_t)(equals - space - 1) >= sizeof a->path) return false;
    *why = "there are too many answers";
    if (m->answers_count == PAWL_MOCK_SERVICES_MAX) return false;
    *why = "the answer is not JSON";
    pawl_arena_init(&arena, m->alloc);
    const bool json = pawl_json_read(pawl_str_of(equals + 1), &arena, &v, NULL) == PAWL_OK;
    pawl_arena_fini(&arena);
    if (!json) return false;
    snprintf(a->method, sizeof a->method, "%.*s", (int)(space - text), text);
    snprintf(a->path, sizeof a->path, "%.*s", (int)(equals - space - 1), space + 1);
    a->json = pawl_str_of(equals + 1);
    m->answers_count++;
    return true;
}

static void copy(char out[64], struct pawl_str s)
{
    snprintf(out, 64, "%.*s", (int)(s.n < 63 ? s.n : 63), s.p ? s.p : "");
}

/* The rest of a path behind /NAME/, or the value behind ?of=, percent-decoded. */
static void of_path(struct pawl_str target, size_t prefix, char out[64])
{
    uint32_t n = 0;
    if (target.n > prefix + 3 && memcmp(target.p + prefix - 1, "?of=", 4) == 0) prefix += 3;
    else if (target.n >= prefix && target.p[prefix - 1] != '/') prefix = target.n;
    for (uint32_t i = (uint32_t)prefix; i < target.n && !memchr("?&", target.p[i], 2) && n < 63; i++) {
        uint8_t byte;
        if (target.p[i] == '%' && i + 2 < target.n && pawl_unhex(&byte, 1, (struct pawl_str){target.p + i + 1, 2}) &&
            byte)
            out[n++] = (char)byte, i += 2;
        else out[n++] = target.p[i];
    }
    out[n] = 0;
}

static bool ends_in(struct pawl_str s, const char *tail)
{
    const size_t n = strlen(tail);
    return s.n >= n && memcmp(s.p + s.n - n, tail, n) == 0;
}

/* Of a number its text: 7 is "7". */
static void value_text(yyjson_val *v, struct pawl_arena *a, char out[64])
{
    struct pawl_buf b;
    out[0] = 0;
    if (yyjson_is_str(v)) {
        copy(out, pawl_json_value_str(v));
    } else if (yyjson_is_num(v)) {
        pawl_buf_init_arena(&b, a);
        pawl_json_write(v, &b);
        copy(out, pawl_buf_done(&b));
    }
}

void pawl_mock_of(struct pawl_mock_call *c, const char *path)
{
    yyjson_obj_iter each;
    yyjson_val *key, *best = NULL;
    int rank = 0;
    c->of[0] = 0;
    if (pawl_str_is(c->method, "GET")) {
        of_path(c->target, strlen(path) + 2, c->of);
        return;
    }
    if (!yyjson_is_obj(c->json)) return;
    each = yyjson_obj_iter_with(c->json);
    while ((key = yyjson_obj_iter_next(&each)) != NULL) {
        yyjson_val *v = yyjson_obj_iter_get_val(key);
        const struct pawl_str name = pawl_json_value_str(key);
        const bool plain = yyjson_is_str(v) || yyjson_is_num(v);
        const int r = !plain                          ? 0
                      : pawl_str_is(name, "id")       ? 4
                      : pawl_str_is(name, "order_id") ? 3
                      : ends_in(name, "_id")          ? 2
                      : yyjson_is_str(v)              ? 1
                                                      : 0;
        if (r > rank) rank = r, best = v;
    }
    if (best) value_text(best, &c->arena, c->of);
}

/* The request's members, the new id in front and the key behind: what a careful service answers. */
static void write_answer(struct pawl_mock_call *c, const struct pawl_mock_service *s, const char *id,
                         struct pawl_buf *out)
{
    struct pawl_json_writer w = {.out = out};
    yyjson_obj_iter each = yyjson_obj_iter_with(c->json);
    yyjson_val *key;
    char name[40];
    snprintf(name, sizeof name, "%s_id", s->kind);
    pawl_jw_open(&w, '{');
    pawl_jw_key_str(&w, pawl_str_of(name));
    pawl_jw_text(&w, id);
    while ((key = yyjson_obj_iter_next(&each)) != NULL) {
        const struct pawl_str k = pawl_json_value_str(key);
        if (pawl_str_is(k, name) || pawl_str_is(k, "idempotency_key") || pawl_str_is(k, "callback_url")) continue;
        pawl_jw_key_str(&w, k);
        pawl_jw_value(&w, yyjson_obj_iter_get_val(key));
    }
    if (c->key.n) pawl_jw_key(&w, "idempotency_key"), pawl_jw_str(&w, c->key);
    pawl_jw_close(&w, '}');
}

void pawl_mock_change(struct pawl_mock_call *c, const struct pawl_mock_service *s)
{
    struct pawl_mock *m = c->m;
    const struct pawl_hash body = pawl_sha256(c->body.p, c->body.n);
    const bool knows = s->keys && c->what.kind != MOCK_FORGET_KEY;
    struct pawl_mock_effect *e = knows ? pawl_mock_by_key(m, s->kind, c->key) : NULL;
    struct pawl_buf answer;
    uint32_t number = 1;
    char id[48];
    if (e && memcmp(e->body.b, body.b, sizeof body.b) != 0) {
        pawl_mock_say(c, 422, "{\"error\":\"this idempotency key was used with another body\"}");
        return;
    }
    if (!e && !yyjson_is_obj(c->json)) {
        pawl_mock_say(c, 422, "{\"error\":\"the body is no JSON object\"}");
        return;
    }
    if (!e && s->order && !pawl_json_str(c->json, "order_id").n) {
        pawl_mock_say(c, 422, "{\"error\":\"order_id is missing\"}");
        return;
    }
    if (!e) {
        for (const struct pawl_mock_effect *x = m->effects; x; x = x->next) number++;
        snprintf(id, sizeof id, "%s_%u", s->kind, number);
        pawl_buf_init_arena(&answer, &c->arena);
        write_answer(c, s, id, &answer);
        const struct pawl_str text = pawl_buf_done(&answer);
        if (text.p) e = pawl_mock_effect(m, s->kind, c->of, c->key, body, id, text);
    }
    if (!e) {
        pawl_mock_say(c, 500, "{\"error\":\"the ledger cannot be written\"}");
        return;
    }
    pawl_mock_say(c, 200, "%s", "");
    pawl_buf_text(&c->out, e->answer);
}

static bool is_of(const struct pawl_mock_effect *e, const struct pawl_mock_service *s, const char *of)
{
    return strcmp(e->kind, s->kind) == 0 && (!*of || strcmp(e->of, of) == 0);
}

/* GET /NAME?of=ID: how many there are of this thing, or of all, and what was answered to each. */
static void look_at_all(struct pawl_mock_call *c, const struct pawl_mock_service *s)
{
    struct pawl_json_writer w = {.out = &c->out};
    int64_t count = 0;
    pawl_mock_say(c, 200, "%s", "");
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "items");
    pawl_jw_open(&w, '[');
    for (const struct pawl_mock_effect *e = c->m->effects; e; e = e->next)
        if (is_of(e, s, c->of)) pawl_jw_raw(&w, pawl_str_of(e->answer)), count++;
    pawl_jw_close(&w, ']');
    pawl_jw_key(&w, "count");
    pawl_jw_i64(&w, count);
    pawl_jw_close(&w, '}');
}

/* GET /NAME/ID: what was answered to the last; 404 where there is none. */
void pawl_mock_look(struct pawl_mock_call *c, const struct pawl_mock_service *s)
{
    const struct pawl_mock_effect *last = NULL;
    if (c->target.n <= strlen(s->name) + 1 || c->target.p[strlen(s->name) + 1] != '/') {
        look_at_all(c, s);
        return;
    }
    for (const struct pawl_mock_effect *e = c->m->effects; e; e = e->next)
        if (is_of(e, s, c->of)) last = e;
    if (!last || !*c->of) {
        pawl_mock_say(c, 404, "{\"error\":\"there is none\"}");
        return;
    }
    pawl_mock_say(c, 200, "%s", "");
    pawl_buf_text(&c->out, last->answer);
}

/* An order costs what was paid for it, else what the demo's order does. */
void pawl_mock_order(struct pawl_mock_call *c)
{
    double paid = c->m->charge_amount;
    struct pawl_json_writer w = {.out = &c->out};
    for (const struct pawl_mock_row *r = c->m->rows; r; r = r->next)
        if (strcmp(r->kind, "charge") == 0 && strcmp(r->of, c->of) == 0 && r->effects && r->has_amount)
            paid = r->amount;
    pawl_mock_say(c, 200, "%s", "");
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "order_id");
    pawl_jw_text(&w, c->of);
    pawl_jw_key(&w, "status");
    pawl_jw_text(&w, "delivered");
    pawl_jw_key(&w, "total");
    pawl_buf_printf(&c->out, "%.2f}", paid);
}
