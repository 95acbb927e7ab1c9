/* src/contract/schema_build.c - what building is done with: places, failures, nodes asked for. */
#include "contract/schema_build.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool pawl_build_no_memory(struct pawl_build *b)
{
    if (!b->rc) b->rc = PAWL_ENOMEM;
    return false;
}

struct room {
    char *p;
    size_t n, size;
};

static void put(struct room *to, const char *p, size_t n)
{
    if (n > to->size - 1 - to->n) n = to->size - 1 - to->n;
    memcpy(to->p + to->n, p, n);
    to->n += n;
    to->p[to->n] = 0;
}

static void put_name(struct room *to, struct pawl_str name)
{
    for (uint32_t i = 0; i < name.n; i++) {
        if (name.p[i] == '~') put(to, "~0", 2);
        else if (name.p[i] == '/') put(to, "~1", 2);
        else put(to, name.p + i, 1);
    }
}

static void put_place(struct room *to, const struct pawl_place *p)
{
    char index[16];
    if (!p) return;
    put_place(to, p->above);
    put(to, p->base.p ? p->base.p : "", p->base.n);
    if (!p->keyword) return;
    put(to, "/", 1);
    put(to, p->keyword, strlen(p->keyword));
    if (p->name.p) {
        put(to, "/", 1);
        put_name(to, p->name);
    } else if (p->index != UINT32_MAX) {
        put(to, index, (size_t)snprintf(index, sizeof index, "/%u", p->index));
    }
}

/* In a document other than the schema itself the pointer stands behind the document's name. */
static void put_document(struct pawl_build *b, struct room *to, const struct pawl_resource *r)
{
    const struct pawl_resource *first = b->resources;
    if (!r || r->document == 0) return;
    while (first && first->document != r->document) first = first->next;
    if (first) put(to, first->uri.p, first->uri.n);
    put(to, "#", 1);
}

bool pawl_build_fail(struct pawl_build *b, const struct pawl_resource *r, const struct pawl_place *p,
                     const char *keyword, const char *next, const char *what, ...)
{
    char where[sizeof b->err->where] = "", text[sizeof b->err->what];
    struct room to = {where, 0, sizeof where};
    va_list args;
    if (b->rc) return false;
    put_document(b, &to, r);
    put_place(&to, p);
    if (keyword) {
        put(&to, "/", 1);
        put(&to, keyword, strlen(keyword));
    }
    va_start(args, what);
    vsnprintf(text, sizeof text, what, args);
    va_end(args);
    b->rc = pawl_fail(b->err, PAWL_EINVAL, where, next, "%s", text);
    return false;
}

bool pawl_build_limit(struct pawl_build *b, const struct pawl_resource *r, const struct pawl_place *p, const char *what,
                      int bound)
{
    if (b->rc) return false;
    pawl_build_fail(b, r, p, NULL, "make it smaller", "more than %d %s", bound, what);
    if (b->err) b->err->code = PAWL_ELIMIT;
    b->rc = PAWL_ELIMIT;
    return false;
}

struct pawl_place *pawl_build_place(struct pawl_build *b, const struct pawl_place *above, const char *keyword,
                                    struct pawl_str name, uint32_t index)
{
    struct pawl_place *p = pawl_arena_get(&b->temp, sizeof *p);
    if (!p) return pawl_build_no_memory(b), NULL;
    *p = (struct pawl_place){.above = above, .keyword = keyword, .name = name, .index = index};
    return p;
}

struct pawl_str pawl_build_text(struct pawl_build *b, struct pawl_str s)
{
    const struct pawl_str copy = pawl_str_copy(b->arena, s.p ? s : PAWL_STR(""));
    if (!copy.p) pawl_build_no_memory(b);
    return copy;
}

static struct pawl_pending *new_node(struct pawl_build *b, yyjson_val *v, struct pawl_resource *r,
                                     const struct pawl_place *place)
{
    struct pawl_pending *p = pawl_arena_get(&b->temp, sizeof *p);
    struct pawl_node *node = pawl_arena_zeroed(b->arena, sizeof *node);
    if (!p || !node || pawl_map_put(&b->nodes, &v, sizeof v, p)) return pawl_build_no_memory(b), NULL;
    node->kind = yyjson_is_true(v) ? PAWL_NODE_ALWAYS : yyjson_is_false(v) ? PAWL_NODE_NEVER : PAWL_NODE_OPS;
    node->number = b->s->nodes_count++;
    node->resource = r->number;
    r->entered = true;
    *p = (struct pawl_pending){.node = node, .v = v, .resource = r, .place = place};
    *b->end = p;
    b->end = &p->next;
    if (!b->next) b->next = p;
    return p;
}

const struct pawl_node *pawl_build_node(struct pawl_build *b, yyjson_val *v, struct pawl_resource *r,
                                        const struct pawl_place *place)
{
    if (b->rc) return NULL;
    const struct pawl_pending *p = pawl_map_get(&b->nodes, &v, sizeof v);
    struct pawl_resource *own = pawl_map_get(&b->roots, &v, sizeof v);
    if (p) return p->node;
    if (!yyjson_is_obj(v) && !yyjson_is_bool(v))
        return pawl_build_fail(b, r, place, NULL, "write an object, true or false",
                               "expected a schema: an object, true or false"),
               NULL;
    if (b->s->nodes_count == PAWL_BUILD_NODES)
        return pawl_build_limit(b, r, place, "subschemas", PAWL_BUILD_NODES), NULL;
    p = new_node(b, v, own ? own : r, place);
    return p ? p->node : NULL;
}
