/* src/policy/shared.c - see shared.h. */
#include "policy/shared.h"
#include <assert.h>
#include <string.h>
#include "policy/account.h"
#include "policy/bulkhead.h"
#include "policy/pass.h"
#include "policy/routing.h"

static void *get(struct pawl_shared_state *s, size_t bytes)
{
    void *p = s->from->resize(s->from->ctx, NULL, 0, bytes);
    if (p) memset(p, 0, bytes);
    return p;
}

static void put(struct pawl_shared_state *s, void *p, size_t bytes)
{
    if (p) s->from->resize(s->from->ctx, p, bytes, 0);
}

void pawl_shared_init(struct pawl_shared_state *s, const struct pawl_alloc *from)
{
    memset(s, 0, sizeof *s);
    s->from = from;
    pawl_map_init(&s->dependencies, from);
    pawl_map_init(&s->lanes, from);
    pawl_map_init(&s->pools, from);
    pawl_map_init(&s->accounts, from);
    pawl_map_init(&s->qualities, from);
}

static void free_dependency(struct pawl_shared_state *s, struct pawl_dependency *d)
{
    put(s, (void *)(uintptr_t)d->name.p, d->name.n);
    put(s, d, sizeof *d);
}

void pawl_shared_fini(struct pawl_shared_state *s)
{
    struct pawl_map_entry *e;
    for (uint32_t i = 0; (e = pawl_map_next(&s->dependencies, &i)) != NULL;) free_dependency(s, e->value);
    for (uint32_t i = 0; i < PAWL_CACHED_MAX; i++)
        put(s, (void *)(uintptr_t)s->cached[i].result.p, s->cached[i].result.n);
    pawl_map_fini(&s->dependencies);
    pawl_bulkhead_fini(s);
    pawl_accounts_fini(s);
    pawl_routing_fini(s);
}

struct pawl_dependency *pawl_shared_named(struct pawl_shared_state *s, struct pawl_str name)
{
    struct pawl_dependency *d = pawl_map_get(&s->dependencies, name.p, name.n);
    char *copy;
    if (d) return d;
    d = get(s, sizeof *d);
    copy = d ? get(s, name.n) : NULL;
    if (copy) {
        memcpy(copy, name.p, name.n);
        d->name = (struct pawl_str){copy, name.n};
        if (pawl_map_put(&s->dependencies, name.p, name.n, d) == PAWL_OK) return d;
        put(s, copy, name.n);
    }
    put(s, d, sizeof *d);
    return NULL;
}

/* Names have at most 64 letters; of a longer one the beginning counts. */
static struct pawl_str whole_name(char text[96], const char *kind, struct pawl_str name)
{
    const uint32_t before = (uint32_t)strlen(kind), rest = name.n > 64 ? 64 : name.n;
    assert(before + 1 + rest <= 96);
    memcpy(text, kind, before); /* asked for with every attempt: no printf */
    text[before] = ' ';
    if (rest) memcpy(text + before + 1, name.p, rest);
    return (struct pawl_str){text, before + 1 + rest};
}

struct pawl_dependency *pawl_shared_dependency(struct pawl_shared_state *s, const char *kind, struct pawl_str name)
{
    char text[96];
    return pawl_shared_named(s, whole_name(text, kind, name));
}

const struct pawl_dependency *pawl_shared_find(const struct pawl_shared_state *s, const char *kind,
                                               struct pawl_str name)
{
    char text[96];
    const struct pawl_str whole = whole_name(text, kind, name);
    return pawl_map_get(&s->dependencies, whole.p, whole.n);
}

/* "breaker tool refund": the rest of a name that begins so. */
static bool begins(struct pawl_str name, const char *word, struct pawl_str *rest)
{
    const size_t n = strlen(word);
    if (name.n <= n || memcmp(name.p, word, n) != 0) return false;
    *rest = (struct pawl_str){name.p + n, name.n - (uint32_t)n};
    return true;
}

static int load(struct pawl_shared_state *s, struct pawl_str name, yyjson_val *body)
{
    struct pawl_dependency *d;
    struct pawl_str rest;
    struct pawl_hash call, evicted;
    if (begins(name, "breaker ", &rest)) {
        d = pawl_shared_named(s, rest);
        if (!d) return PAWL_ENOMEM;
        pawl_circuit_read(&d->circuit, body);
    } else if (begins(name, "cached ", &rest) && pawl_unhex(call.b, sizeof call.b, rest)) {
        pawl_cached_put(s, call, pawl_json_str(body, "result"), pawl_json_i64(body, "at", 0), &evicted);
    }
    return PAWL_OK;
}

int pawl_shared_load(struct pawl_shared_state *s, const struct pawl_shared *rows, uint32_t count)
{
    struct pawl_arena scratch;
    int rc = PAWL_OK;
    pawl_arena_init(&scratch, s->from);
    for (uint32_t i = 0; i < count && rc == PAWL_OK; i++) {
        yyjson_val *body;
        if (rows[i].value) rc = pawl_account_apply(s, rows[i].name, rows[i].value, PAWL_ACCOUNT_READ);
        if (rows[i].value && rc == PAWL_OK) rc = pawl_routing_apply(s, rows[i].name, rows[i].value, 1);
        if (rc == PAWL_OK && rows[i].body.p && pawl_json_read(rows[i].body, &scratch, &body, NULL) == PAWL_OK)
            rc = load(s, rows[i].name, body);
    }
    if (scratch.failed) rc = PAWL_ENOMEM;
    pawl_arena_fini(&scratch);
    return rc;
}

static void append(struct pawl_line *line, struct pawl_place *at)
{
    at->line = line;
    at->next = NULL;
    at->previous = line->last;
    if (line->last) line->last->next = at;
    else line->first = at;
    line->last = at;
    line->count++;
}

void pawl_line_leave(struct pawl_pass *p)
{
    struct pawl_place *at = &p->place;
    struct pawl_line *line = at->line;
    if (!line) return;
    if (at->previous) at->previous->next = at->next;
    else line->first = at->next;
    if (at->next) at->next->previous = at->previous;
    else line->last = at->previous;
    line->count--;
    at->line = NULL;
}

void pawl_line_join(struct pawl_line *line, struct pawl_pass *p)
{
    if (p->place.line == line) return;
    pawl_line_leave(p);
    p->place.pass = p;
    append(line, &p->place);
}

void pawl_line_wake(struct pawl_shared_state *s, struct pawl_line *line, uint32_t count)
{
    while (count-- > 0 && line->first) pawl_line_join(&s->ready, line->first->pass);
}

struct pawl_pass *pawl_shared_ready(struct pawl_shared_state *s)
{
    struct pawl_pass *p = s->ready.first ? s->ready.first->pass : NULL;
    if (p) pawl_line_leave(p);
    return p;
}

bool pawl_cached_put(struct pawl_shared_state *s, struct pawl_hash call, struct pawl_str result, int64_t wall_ns,
                     struct pawl_hash *evicted)
{
    struct pawl_cached *c = (struct pawl_cached *)(uintptr_t)pawl_cached_get(s, call);
    char *copy;
    memset(evicted, 0, sizeof *evicted);
    if (result.n == 0 || result.n > PAWL_CACHED_BYTES_MAX) return false;
    copy = get(s, result.n);
    if (!copy) return false; /* it is only a kindness */
    if (!c) {
        c = &s->cached[s->cached_next++ % PAWL_CACHED_MAX];
        if (c->result.p) *evicted = c->call;
    }
    put(s, (void *)(uintptr_t)c->result.p, c->result.n);
    memcpy(copy, result.p, result.n);
    *c = (struct pawl_cached){.call = call, .result = {copy, result.n}, .at_wall_ns = wall_ns};
    return true;
}

const struct pawl_cached *pawl_cached_get(const struct pawl_shared_state *s, struct pawl_hash call)
{
    for (uint32_t i = 0; i < PAWL_CACHED_MAX; i++)
        if (s->cached[i].result.p && memcmp(s->cached[i].call.b, call.b, sizeof call.b) == 0) return &s->cached[i];
    return NULL;
}
