/* src/cli/mock_ledger.c - the ledger: one JSON line for each call that came and each effect that happened, on the disk
 * before anything is answered; folded again at start, so a mock that was killed remembers. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/mock.h"
#include "io/alloc.h"
#include "io/file.h"

enum { LEDGER_MAX = 64 * 1024 * 1024 };

static void copy(char *out, size_t size, struct pawl_str s)
{
    const size_t n = s.n < size - 1 ? s.n : size - 1;
    if (n) memcpy(out, s.p, n);
    out[n] = 0;
}

static void count_call(struct pawl_mock *m, const char *route)
{
    for (uint32_t i = 0; i < m->routes_count; i++)
        if (strcmp(m->routes[i].route, route) == 0) {
            m->routes[i].calls++;
            return;
        }
    if (m->routes_count == sizeof m->routes / sizeof *m->routes) return;
    copy(m->routes[m->routes_count].route, sizeof m->routes[0].route, pawl_str_of(route));
    m->routes[m->routes_count++].calls = 1;
}

uint32_t pawl_mock_calls(const struct pawl_mock *m, const char *route)
{
    for (uint32_t i = 0; i < m->routes_count; i++)
        if (strcmp(m->routes[i].route, route) == 0) return m->routes[i].calls;
    return 0;
}

static struct pawl_mock_effect *add_effect(struct pawl_mock *m)
{
    struct pawl_mock_effect *e = calloc(1, sizeof *e);
    if (!e) return NULL;
    *m->effects_end = e;
    m->effects_end = &e->next;
    return e;
}

static void fold_line(struct pawl_mock *m, struct pawl_str line)
{
    struct pawl_arena a;
    yyjson_val *v;
    pawl_arena_init(&a, m->alloc);
    if (pawl_json_read(line, &a, &v, NULL) == PAWL_OK) { /* a torn last line is no line: nobody was answered by it */
        const struct pawl_str call = pawl_json_str(v, "call"), kind = pawl_json_str(v, "effect");
        struct pawl_mock_effect *e = kind.p ? add_effect(m) : NULL;
        if (call.p) {
            char route[64];
            copy(route, sizeof route, call);
            count_call(m, route);
        }
        if (e) {
            copy(e->kind, sizeof e->kind, kind);
            copy(e->order, sizeof e->order, pawl_json_str(v, "order"));
            copy(e->key, sizeof e->key, pawl_json_str(v, "key"));
            copy(e->id, sizeof e->id, pawl_json_str(v, "id"));
            e->amount = yyjson_get_num(yyjson_obj_get(v, "amount"));
            pawl_unhex(e->body.b, sizeof e->body.b, pawl_json_str(v, "body"));
        }
    }
    pawl_arena_fini(&a);
}

static int fold_file(struct pawl_mock *m, const char *path, struct pawl_error *err)
{
    struct pawl_buf text;
    int rc;
    pawl_buf_init(&text, m->alloc);
    rc = pawl_file_read(path, LEDGER_MAX, &text, err);
    for (size_t i = 0; rc == PAWL_OK && i < text.n;) {
        size_t end = i;
        while (end < text.n && text.p[end] != '\n') end++;
        if (end > i) fold_line(m, (struct pawl_str){text.p + i, (uint32_t)(end - i)});
        i = end + 1;
    }
    pawl_buf_fini(&text);
    return rc == PAWL_ENOTFOUND ? PAWL_OK : rc;
}

int pawl_mock_ledger_open(struct pawl_mock *m, const char *path, struct pawl_error *err)
{
    int rc;
    m->effects_end = &m->effects;
    m->ledger_fd = -1;
    if (!path) return PAWL_OK;
    if ((rc = fold_file(m, path, err)) != PAWL_OK) return rc;
    m->ledger_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (m->ledger_fd < 0)
        return pawl_fail(err, PAWL_EIO, path, "choose a path that can be written", "%s", strerror(errno));
    return PAWL_OK;
}

static bool append(struct pawl_mock *m, struct pawl_buf *line)
{
    bool ok = true;
    pawl_buf_char(line, '\n');
    if (m->ledger_fd >= 0)
        ok = !line->failed && write(m->ledger_fd, line->p, line->n) == (ssize_t)line->n && fsync(m->ledger_fd) == 0;
    pawl_buf_fini(line);
    return ok;
}

void pawl_mock_ledger_call(struct pawl_mock *m, const char *route, const char *order)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    count_call(m, route);
    pawl_buf_init(&b, m->alloc);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "call");
    pawl_jw_text(&w, route);
    if (*order) pawl_jw_key(&w, "order"), pawl_jw_text(&w, order);
    pawl_jw_close(&w, '}');
    append(m, &b);
}

struct pawl_mock_effect *pawl_mock_by_key(const struct pawl_mock *m, const char *kind, struct pawl_str key)
{
    for (struct pawl_mock_effect *e = m->effects; e && key.n; e = e->next)
        if (strcmp(e->kind, kind) == 0 && pawl_str_is(key, e->key)) return e;
    return NULL;
}

struct pawl_mock_effect *pawl_mock_effect(struct pawl_mock *m, const char *kind, const char *order, double amount,
                                          struct pawl_str key, struct pawl_hash body)
{
    struct pawl_mock_effect *e = add_effect(m);
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    uint32_t number = 0;
    char hex[65];
    if (!e) return NULL;
    for (const struct pawl_mock_effect *x = m->effects; x; x = x->next) number++;
    copy(e->kind, sizeof e->kind, pawl_str_of(kind));
    copy(e->order, sizeof e->order, pawl_str_of(order));
    copy(e->key, sizeof e->key, key);
    snprintf(e->id, sizeof e->id, "%.10s_%u", kind, number);
    e->amount = amount;
    e->body = body;
    pawl_hex(hex, body.b, 32);
    pawl_buf_init(&b, m->alloc);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "effect");
    pawl_jw_text(&w, kind);
    pawl_jw_key(&w, "order");
    pawl_jw_text(&w, order);
    pawl_jw_key(&w, "amount");
    pawl_buf_printf(&b, "%.2f", amount);
    w.more = true;
    pawl_jw_key(&w, "key");
    pawl_jw_text(&w, e->key);
    pawl_jw_key(&w, "id");
    pawl_jw_text(&w, e->id);
    pawl_jw_key(&w, "body");
    pawl_jw_text(&w, hex);
    pawl_jw_close(&w, '}');
    return append(m, &b) ? e : NULL;
}

void pawl_mock_ledger_write(const struct pawl_mock *m, struct pawl_buf *out)
{
    struct pawl_json_writer w = {.out = out};
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "calls");
    pawl_jw_open(&w, '{');
    for (uint32_t i = 0; i < m->routes_count; i++) {
        pawl_jw_key(&w, m->routes[i].route);
        pawl_jw_i64(&w, m->routes[i].calls);
    }
    pawl_jw_close(&w, '}');
    pawl_jw_key(&w, "effects");
    pawl_jw_open(&w, '[');
    for (const struct pawl_mock_effect *e = m->effects; e; e = e->next) {
        pawl_jw_open(&w, '{');
        pawl_jw_key(&w, "effect");
        pawl_jw_text(&w, e->kind);
        pawl_jw_key(&w, "order");
        pawl_jw_text(&w, e->order);
        pawl_jw_key(&w, "amount");
        pawl_buf_printf(out, "%.2f", e->amount);
        w.more = true;
        pawl_jw_key(&w, "key");
        pawl_jw_text(&w, e->key);
        pawl_jw_close(&w, '}');
    }
    pawl_jw_close(&w, ']');
    pawl_jw_close(&w, '}');
}

/* One row for each kind and order: how often it was called, how often it happened. */
int pawl_mock_show_ledger(const char *path, struct pawl_error *err)
{
    struct pawl_mock m = {.alloc = pawl_alloc_libc(), .effects_end = NULL, .ledger_fd = -1};
    int rc;
    m.effects_end = &m.effects;
    if (access(path, R_OK))
        return pawl_fail(err, PAWL_ENOTFOUND, path, "name the file given to pawl mock --ledger",
                         "there is no such ledger");
    rc = fold_file(&m, path, err);
    printf("what the payment service saw        calls   effects\n");
    for (struct pawl_mock_effect *e = m.effects; rc == PAWL_OK && e; e = e->next) {
        char route[64];
        uint32_t effects = 0;
        bool shown = false;
        for (const struct pawl_mock_effect *x = m.effects; x != e; x = x->next)
            shown = shown || (strcmp(x->kind, e->kind) == 0 && strcmp(x->order, e->order) == 0);
        if (shown) continue;
        for (const struct pawl_mock_effect *x = e; x; x = x->next)
            effects += strcmp(x->kind, e->kind) == 0 && strcmp(x->order, e->order) == 0;
        snprintf(route, sizeof route, "POST /%.10ss", e->kind);
        printf("  %-7s %-10s %9.2f     %5u %9u\n", e->kind, e->order, e->amount, pawl_mock_calls(&m, route), effects);
    }
    while (m.effects) {
        struct pawl_mock_effect *e = m.effects;
        m.effects = e->next;
        free(e);
    }
    return rc;
}
