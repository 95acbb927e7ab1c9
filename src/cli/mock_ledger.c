/* src/cli/mock_ledger.c - the ledger: one JSON line for each call that came, written before anything comes of it, and one for
 * each change that happened, synced before anything is answered. Lines are only ever added; at start they are folded
 * again, so a mock that was killed remembers what it did, the keys it has seen and which call is the next. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "cli/mock.h"
#include "contract/shown.h"
#include "io/alloc.h"
#include "io/clock.h"
#include "io/file.h"

enum { LEDGER_MAX = 256 * 1024 * 1024 };

static void copy(char *out, size_t size, struct pawl_str s)
{
    const size_t n = s.n < size - 1 ? s.n : size - 1;
    if (n) memcpy(out, s.p, n);
    out[n] = 0;
}

static int count(struct pawl_mock *m, const char *what)
{
    uint32_t *n = pawl_map_get(&m->seen, what, strlen(what));
    if (!n) {
        n = calloc(1, sizeof *n);
        if (!n || pawl_map_put(&m->seen, what, strlen(what), n)) return free(n), PAWL_ENOMEM;
    }
    ++*n;
    return PAWL_OK;
}

uint32_t pawl_mock_calls(const struct pawl_mock *m, const char *route)
{
    const uint32_t *n = pawl_map_get(&m->seen, route, strlen(route));
    return n ? *n : 0;
}

/* The row of one thing of a service; NULL: no memory, and it is not shown. */
static struct pawl_mock_row *row(struct pawl_mock *m, const char *kind, const char *of)
{
    struct pawl_mock_row *r;
    for (r = m->rows; r; r = r->next)
        if (strcmp(r->kind, kind) == 0 && strcmp(r->of, of) == 0) return r;
    r = calloc(1, sizeof *r);
    if (!r) return NULL;
    snprintf(r->kind, sizeof r->kind, "%s", kind);
    snprintf(r->of, sizeof r->of, "%s", of);
    *m->rows_end = r;
    m->rows_end = &r->next;
    return r;
}

/* "POST /refunds" is about what /refunds makes: a refund. */
static void row_call(struct pawl_mock *m, const char *route, const char *of)
{
    char kind[32];
    const size_t n = strlen(route);
    if (n < 7 || strncmp(route, "POST /", 6) != 0) return;
    snprintf(kind, sizeof kind, "%.*s", (int)(n - 6 - (route[n - 1] == 's')), route + 6);
    struct pawl_mock_row *r = row(m, kind, of);
    if (r) r->calls++;
}

static void row_effect(struct pawl_mock *m, const struct pawl_mock_effect *e, yyjson_val *answer)
{
    struct pawl_mock_row *r = row(m, e->kind, e->of);
    yyjson_val *amount = yyjson_obj_get(answer, "amount");
    if (!r) return;
    r->effects++;
    if (yyjson_is_num(amount)) r->amount = yyjson_get_num(amount), r->has_amount = true;
}

static void add_effect(struct pawl_mock *m, struct pawl_mock_effect *e)
{
    e->next = NULL;
    *m->effects_end = e;
    m->effects_end = &e->next;
}

static bool fold_effect(struct pawl_mock *m, yyjson_val *v, struct pawl_arena *a)
{
    struct pawl_mock_effect *e = calloc(1, sizeof *e);
    struct pawl_buf answer;
    yyjson_val *said = yyjson_obj_get(v, "answer");
    if (!e) return false;
    copy(e->kind, sizeof e->kind, pawl_json_str(v, "effect"));
    copy(e->of, sizeof e->of, pawl_json_str(v, "of"));
    copy(e->key, sizeof e->key, pawl_json_str(v, "key"));
    copy(e->id, sizeof e->id, pawl_json_str(v, "id"));
    pawl_unhex(e->body.b, sizeof e->body.b, pawl_json_str(v, "body"));
    pawl_buf_init_arena(&answer, a);
    if (said) pawl_json_write(said, &answer);
    e->answer = strdup(said ? pawl_buf_done(&answer).p : "{}");
    if (!e->answer) return free(e), false;
    add_effect(m, e);
    row_effect(m, e, said);
    return true;
}

/* A line that is whole. False: it is none of a ledger. */
static bool fold_line(struct pawl_mock *m, struct pawl_str line)
{
    struct pawl_arena a;
    yyjson_val *v;
    bool ok = false;
    pawl_arena_init(&a, m->alloc);
    if (pawl_json_read(line, &a, &v, NULL) == PAWL_OK) {
        const struct pawl_str call = pawl_json_str(v, "call");
        char route[64], of[64], conversation[32] = "model ";
        m->ledger_seq++;
        if (call.n) {
            copy(route, sizeof route, call);
            copy(of, sizeof of, pawl_json_str(v, "of"));
            copy(conversation + 6, sizeof conversation - 6, pawl_json_str(v, "conversation"));
            ok = count(m, route) == PAWL_OK && (!conversation[6] || count(m, conversation) == PAWL_OK);
            row_call(m, route, of);
        } else if (pawl_json_str(v, "effect").n) {
            ok = fold_effect(m, v, &a);
        }
    }
    pawl_arena_fini(&a);
    return ok;
}

/* A last line without its end is no line: whoever wrote it died, and nobody was answered by it. */
static int fold_file(struct pawl_mock *m, const char *path, struct pawl_error *err)
{
    struct pawl_buf text;
    size_t at = 0;
    int rc;
    pawl_buf_init(&text, m->alloc);
    rc = pawl_file_read(path, LEDGER_MAX, &text, err);
    while (rc == PAWL_OK && at < text.n) {
        const char *end = memchr(text.p + at, '\n', text.n - at);
        const size_t n = end ? (size_t)(end - text.p) - at : text.n - at;
        const bool torn = !end || (n && text.p[at + n - 1] == '~'); /* '~': closed by the one who came after */
        m->ledger_torn = !end;
        if (!torn && n && !fold_line(m, (struct pawl_str){text.p + at, (uint32_t)n}))
            rc = pawl_fail(err, PAWL_ECORRUPT, path, "name another file, or one that pawl mock has written",
                           "its line %llu is none of a ledger", (unsigned long long)m->ledger_seq + 1);
        at += n + 1;
    }
    pawl_buf_fini(&text);
    return rc;
}

static void begin(struct pawl_mock *m)
{
    pawl_map_init(&m->seen, m->alloc);
    m->effects_end = &m->effects;
    m->rows_end = &m->rows;
    m->ledger_fd = -1;
}

int pawl_mock_ledger_open(struct pawl_mock *m, const char *path, struct pawl_error *err)
{
    struct stat file;
    begin(m);
    if (!path) return PAWL_OK;
    m->ledger_fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (m->ledger_fd < 0)
        return pawl_fail(err, PAWL_EIO, path, "choose a path that can be written", "%s", strerror(errno));
    if (fstat(m->ledger_fd, &file) || !S_ISREG(file.st_mode))
        return pawl_fail(err, PAWL_EINVAL, path, "name a file", "it is no file");
    if (flock(m->ledger_fd, LOCK_EX | LOCK_NB))
        return pawl_fail(err, PAWL_EBUSY, path, "end it, or name another file", "another pawl mock writes it");
    return fold_file(m, path, err);
}

void pawl_mock_ledger_close(struct pawl_mock *m)
{
    struct pawl_map_entry *e;
    while (m->effects) {
        struct pawl_mock_effect *x = m->effects;
        m->effects = x->next;
        free(x->answer);
        free(x);
    }
    while (m->rows) {
        struct pawl_mock_row *r = m->rows;
        m->rows = r->next;
        free(r);
    }
    for (uint32_t i = 0; (e = pawl_map_next(&m->seen, &i)) != NULL;) free(e->value);
    pawl_map_fini(&m->seen);
    if (m->ledger_fd >= 0) close(m->ledger_fd);
    m->ledger_fd = -1;
}

static void open_line(struct pawl_mock *m, struct pawl_buf *b, struct pawl_json_writer *w)
{
    const int64_t ms = pawl_clock_wall_ns() / 1000000;
    const time_t at = (time_t)(ms / 1000);
    struct tm t;
    char text[80];
    gmtime_r(&at, &t);
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday,
             t.tm_hour, t.tm_min, t.tm_sec, (int)(ms % 1000));
    pawl_buf_init(b, m->alloc);
    *w = (struct pawl_json_writer){.out = b};
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "seq");
    pawl_jw_i64(w, (int64_t)m->ledger_seq + 1);
    pawl_jw_key(w, "at");
    pawl_jw_text(w, text);
}

static void put(struct pawl_json_writer *w, const char *name, const char *value)
{
    if (!*value) return;
    pawl_jw_key(w, name);
    pawl_jw_text(w, value);
}

/* One write a line. What is torn by a full disk is closed by the next line's beginning, and never taken for a line. */
static int append(struct pawl_mock *m, struct pawl_buf *line, struct pawl_json_writer *w, bool sync)
{
    int rc = PAWL_OK;
    pawl_jw_close(w, '}');
    pawl_buf_char(line, '\n');
    if (line->failed) rc = PAWL_ENOMEM;
    if (!rc && m->ledger_fd >= 0 && m->ledger_torn) {
        if (write(m->ledger_fd, "~\n", 2) == 2) m->ledger_torn = false;
        else rc = PAWL_EIO;
    }
    if (!rc && m->ledger_fd >= 0) {
        const ssize_t n = write(m->ledger_fd, line->p, line->n);
        if (n > 0 && (size_t)n < line->n) m->ledger_torn = true;
        if (n < 0 || (size_t)n < line->n || (sync && fsync(m->ledger_fd))) rc = PAWL_EIO;
    }
    if (!rc) m->ledger_seq++;
    pawl_buf_fini(line);
    return rc;
}

int pawl_mock_ledger_call(struct pawl_mock *m, const struct pawl_mock_entry *e)
{
    struct pawl_buf b;
    struct pawl_json_writer w;
    char conversation[32];
    int rc;
    open_line(m, &b, &w);
    put(&w, "call", e->route);
    put(&w, "of", e->of);
    if (e->key.n) pawl_jw_key(&w, "key"), pawl_jw_str(&w, e->key);
    put(&w, "conversation", e->conversation);
    put(&w, "fault", e->fault);
    if ((rc = append(m, &b, &w, false)) != PAWL_OK) return rc;
    snprintf(conversation, sizeof conversation, "model %.20s", e->conversation);
    row_call(m, e->route, e->of);
    rc = count(m, e->route);
    return rc || !*e->conversation ? rc : count(m, conversation);
}

struct pawl_mock_effect *pawl_mock_by_key(const struct pawl_mock *m, const char *kind, struct pawl_str key)
{
    for (struct pawl_mock_effect *e = m->effects; e && key.n; e = e->next)
        if (strcmp(e->kind, kind) == 0 && pawl_str_is(key, e->key)) return e;
    return NULL;
}

struct pawl_mock_effect *pawl_mock_effect(struct pawl_mock *m, const char *kind, const char *of, struct pawl_str key,
                                          struct pawl_hash body, const char *id, struct pawl_str answer)
{
    struct pawl_mock_effect *e = calloc(1, sizeof *e);
    struct pawl_buf b;
    struct pawl_json_writer w;
    struct pawl_arena a;
    yyjson_val *v = NULL;
    char hex[65];
    if (!e || !(e->answer = strndup(answer.p, answer.n))) return free(e), NULL;
    copy(e->kind, sizeof e->kind, pawl_str_of(kind));
    copy(e->of, sizeof e->of, pawl_str_of(of));
    copy(e->key, sizeof e->key, key);
    copy(e->id, sizeof e->id, pawl_str_of(id));
    e->body = body;
    pawl_hex(hex, body.b, 32);
    open_line(m, &b, &w);
    put(&w, "effect", kind);
    put(&w, "of", of);
    put(&w, "key", e->key);
    put(&w, "id", id);
    if (memcmp(&body, &(const struct pawl_hash){{0}}, sizeof body) != 0) put(&w, "body", hex);
    pawl_jw_key(&w, "answer");
    pawl_jw_raw(&w, answer);
    if (append(m, &b, &w, true)) {
        free(e->answer);
        free(e);
        return NULL;
    }
    add_effect(m, e);
    pawl_arena_init(&a, m->alloc);
    if (pawl_json_read(answer, &a, &v, NULL)) v = NULL;
    row_effect(m, e, v);
    pawl_arena_fini(&a);
    return e;
}

static void write_row(struct pawl_json_writer *w, const struct pawl_mock_row *r)
{
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "kind");
    pawl_jw_text(w, r->kind);
    put(w, "of", r->of);
    pawl_jw_key(w, "calls");
    pawl_jw_i64(w, r->calls);
    pawl_jw_key(w, "effects");
    pawl_jw_i64(w, r->effects);
    pawl_jw_close(w, '}');
}

static void write_effect(struct pawl_json_writer *w, const struct pawl_mock_effect *e)
{
    pawl_jw_open(w, '{');
    pawl_jw_key(w, "effect");
    pawl_jw_text(w, e->kind);
    put(w, "of", e->of);
    put(w, "key", e->key);
    pawl_jw_key(w, "id");
    pawl_jw_text(w, e->id);
    pawl_jw_key(w, "answer");
    pawl_jw_raw(w, pawl_str_of(e->answer));
    pawl_jw_close(w, '}');
}

void pawl_mock_ledger_write(const struct pawl_mock *m, struct pawl_buf *out)
{
    struct pawl_json_writer w = {.out = out};
    const struct pawl_map_entry *x;
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "calls");
    pawl_jw_open(&w, '{');
    for (uint32_t i = 0; (x = pawl_map_next(&m->seen, &i)) != NULL;) {
        if (x->key.n > 6 && memcmp(x->key.p, "model ", 6) == 0) continue;
        pawl_jw_key_str(&w, x->key);
        pawl_jw_i64(&w, *(const uint32_t *)x->value);
    }
    pawl_jw_close(&w, '}');
    pawl_jw_key(&w, "totals");
    pawl_jw_open(&w, '[');
    for (const struct pawl_mock_row *r = m->rows; r; r = r->next) write_row(&w, r);
    pawl_jw_close(&w, ']');
    pawl_jw_key(&w, "effects");
    pawl_jw_open(&w, '[');
    for (const struct pawl_mock_effect *e = m->effects; e; e = e->next) write_effect(&w, e);
    pawl_jw_close(&w, ']');
    pawl_jw_close(&w, '}');
}

static void print_rows(const struct pawl_mock *m)
{
    int kind = 7, of = 10;
    for (const struct pawl_mock_row *r = m->rows; r; r = r->next) {
        if ((int)strlen(r->kind) > kind) kind = (int)strlen(r->kind);
        if ((int)strlen(r->of) > of) of = (int)strlen(r->of);
    }
    printf("what the payment service saw%*scalls   effects\n", kind + of - 9, "");
    for (const struct pawl_mock_row *r = m->rows; r; r = r->next) {
        struct pawl_buf shown; /* a ledger is a file, and may hold anything */
        char amount[32] = "";
        pawl_buf_init(&shown, m->alloc);
        pawl_shown(pawl_str_of(r->kind), 64, &shown);
        pawl_buf_char(&shown, 0);
        pawl_shown(pawl_str_of(r->of), 128, &shown);
        const struct pawl_str text = pawl_buf_done(&shown);
        if (r->has_amount) snprintf(amount, sizeof amount, "%.2f", r->amount);
        if (text.p)
            printf("  %-*s %-*s %9s     %5u %9u\n", kind, text.p, of, text.p + strlen(text.p) + 1, amount, r->calls,
                   r->effects);
        pawl_buf_fini(&shown);
    }
}

/* One row for each thing: how often it was asked for, how often it happened. */
int pawl_mock_ledger_show(const char *path, struct pawl_error *err)
{
    struct pawl_mock m = {.alloc = pawl_alloc_libc()};
    int rc;
    begin(&m);
    rc = fold_file(&m, path, err);
    if (rc == PAWL_ENOTFOUND) {
        rc = pawl_fail(err, rc, path, "name the file given to pawl mock --ledger", "there is no such ledger");
    } else if (rc == PAWL_OK) {
        print_rows(&m);
    }
    pawl_mock_ledger_close(&m);
    return rc;
}
