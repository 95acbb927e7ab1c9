/* src/contract/yaml_tree.c - nodes put together, looked into, and written as JSON. */
#include "contract/yaml.h"
#include <assert.h>
#include <stdlib.h>

static int by_key(const void *x, const void *y)
{
    const struct pawl_yaml_member *a = x, *b = y;
    const int c = pawl_str_cmp(a->key, b->key);
    if (c != 0) return c;
    if (a->line != b->line) return a->line < b->line ? -1 : 1;
    return a->column < b->column ? -1 : a->column > b->column;
}

/* Sorted, so that the order in a file says nothing: the same configuration is the same bytes, whoever wrote it. */
static uint32_t sort_members(struct pawl_yaml_member *m, uint32_t count, struct pawl_faults *f)
{
    uint32_t kept = 0;
    qsort(m, count, sizeof *m, by_key);
    for (uint32_t i = 0; i < count; i++) {
        if (kept == 0 || !pawl_str_eq(m[kept - 1].key, m[i].key)) {
            m[kept++] = m[i];
            continue;
        }
        const int shown = m[i].key.n > 100 ? 100 : (int)m[i].key.n;
        pawl_fault(f, m[i].line, m[i].column, "keep one of the two", "key '%.*s' stands twice: first on line %u", shown,
                   m[i].key.p, m[kept - 1].line);
    }
    return kept;
}

/* Aliases make a small file large: what they stand for counts each time. */
static const char *add_up(struct pawl_yaml *v, const struct pawl_yaml *below, uint32_t key_bytes)
{
    v->nodes += below->nodes; /* both are far below 2^31 in every node that was closed, so this cannot overflow */
    v->bytes += below->bytes + key_bytes;
    if (v->height <= below->height) v->height = below->height + 1;
    if (v->nodes > PAWL_YAML_NODES) return "more than 100000 values, aliases counted as what they stand for";
    if (v->bytes > PAWL_YAML_BYTES) return "more than 1 MiB of text, aliases counted as what they stand for";
    return v->height > PAWL_YAML_DEPTH ? "more than 64 levels deep, aliases counted as what they stand for" : NULL;
}

int pawl_yaml_close(struct pawl_yaml *v, const struct pawl_yaml_part *parts, uint32_t count, struct pawl_arena *a,
                    struct pawl_faults *f)
{
    const bool map = v->kind == PAWL_YAML_MAP;
    assert(map || v->kind == PAWL_YAML_LIST);
    struct pawl_yaml_member *members = pawl_arena_get(a, map ? count * sizeof *members : 0);
    const struct pawl_yaml **items = pawl_arena_get(a, map ? 0 : count * sizeof *items);
    if (!members || !items) return PAWL_ENOMEM;
    v->nodes = v->height = 1;
    for (const struct pawl_yaml_part *p = parts; p; p = p->next, v->count++) {
        assert(v->count < count);
        if (map) members[v->count] = p->member;
        else items[v->count] = p->member.value;
        const char *why = add_up(v, p->member.value, p->member.key.n);
        if (why)
            return pawl_fault(f, v->line, v->column, "make it smaller, or use fewer aliases", "%s", why), PAWL_ECONFIG;
    }
    if (map) v->count = sort_members(members, v->count, f);
    v->members = members;
    v->items = items;
    return PAWL_OK;
}

const struct pawl_yaml_member *pawl_yaml_find(const struct pawl_yaml *map, struct pawl_str key)
{
    uint32_t from = 0, to = map->count;
    assert(map->kind == PAWL_YAML_MAP);
    while (from < to) {
        const uint32_t middle = from + (to - from) / 2;
        const int c = pawl_str_cmp(map->members[middle].key, key);
        if (c == 0) return &map->members[middle];
        if (c < 0) from = middle + 1;
        else to = middle;
    }
    return NULL;
}

const struct pawl_yaml_member *pawl_yaml_member(const struct pawl_yaml *map, const char *key)
{
    return pawl_yaml_find(map, pawl_str_of(key));
}

void pawl_yaml_json(const struct pawl_yaml *v, struct pawl_json_writer *w)
{
    switch (v->kind) {
    case PAWL_YAML_BAD:
    case PAWL_YAML_NULL: pawl_jw_null(w); break;
    case PAWL_YAML_BOOL:
    case PAWL_YAML_NUMBER: pawl_jw_raw(w, v->text); break;
    case PAWL_YAML_TEXT: pawl_jw_str(w, v->text); break;
    case PAWL_YAML_LIST:
        pawl_jw_open(w, '[');
        for (uint32_t i = 0; i < v->count; i++) pawl_yaml_json(v->items[i], w);
        pawl_jw_close(w, ']');
        break;
    case PAWL_YAML_MAP:
        pawl_jw_open(w, '{');
        for (uint32_t i = 0; i < v->count; i++) {
            pawl_jw_key_str(w, v->members[i].key);
            pawl_yaml_json(v->members[i].value, w);
        }
        pawl_jw_close(w, '}');
        break;
    }
}

/* One token of a JSON pointer against a key: ~1 is a slash, ~0 a tilde. */
static bool token_is(struct pawl_str token, struct pawl_str key)
{
    uint32_t k = 0;
    for (uint32_t i = 0; i < token.n; i++, k++) {
        char c = token.p[i];
        if (c == '~' && i + 1 < token.n) c = token.p[++i] == '1' ? '/' : '~';
        if (k == key.n || key.p[k] != c) return false;
    }
    return k == key.n;
}

static const struct pawl_yaml *item_at(const struct pawl_yaml *list, struct pawl_str token)
{
    uint32_t index = 0;
    if (token.n == 0 || token.n > 6) return NULL;
    for (uint32_t i = 0; i < token.n; i++) {
        if (token.p[i] < '0' || token.p[i] > '9') return NULL;
        index = index * 10 + (uint32_t)(token.p[i] - '0');
    }
    return index < list->count ? list->items[index] : NULL;
}

const struct pawl_yaml *pawl_yaml_place(const struct pawl_yaml *v, struct pawl_str pointer, uint32_t *line,
                                        uint32_t *column)
{
    uint32_t at = 0;
    *line = v->line;
    *column = v->column;
    while (v && at < pointer.n && pointer.p[at] == '/') {
        const uint32_t from = ++at;
        while (at < pointer.n && pointer.p[at] != '/') at++;
        const struct pawl_str token = {pointer.p + from, at - from};
        const struct pawl_yaml *next = v->kind == PAWL_YAML_LIST ? item_at(v, token) : NULL;
        if (next) *line = next->line, *column = next->column;
        for (uint32_t i = 0; v->kind == PAWL_YAML_MAP && !next && i < v->count; i++) {
            if (!token_is(token, v->members[i].key)) continue;
            next = v->members[i].value;
            *line = v->members[i].line;
            *column = v->members[i].column;
        }
        v = next;
    }
    return at == pointer.n ? v : NULL;
}
