/* src/contract/schema_compile.c - from a document to a program: scan, then compile node after node as they are asked
 * for (no recursion, whatever refers to whatever), then what can only be known at the end. */
#include "contract/schema_build.h"
#include "contract/schema_run.h"
#include <assert.h>
#include <string.h>

static void compile_node(struct pawl_build *b, struct pawl_pending *p)
{
    if (p->node->kind != PAWL_NODE_OPS || !pawl_dialect_settle(b, p->resource)) return;
    pawl_keywords_compile(b, p);
    if (b->rc) return;
    struct pawl_op *ops = pawl_arena_get(b->arena, b->ops_count * sizeof *ops);
    if (!ops) {
        pawl_build_no_memory(b);
        return;
    }
    memcpy(ops, b->ops, b->ops_count * sizeof *ops);
    p->node->ops = ops;
    p->node->ops_count = b->ops_count;
    if (b->ops_count == 0) p->node->kind = PAWL_NODE_ALWAYS;
}

static void compile_pending(struct pawl_build *b)
{
    while (b->next && !b->rc) {
        struct pawl_pending *p = b->next;
        b->next = p->next;
        compile_node(b, p);
    }
}

static const struct pawl_anchor *dynamic_anchor(const struct pawl_resource *r, struct pawl_str name)
{
    const struct pawl_anchor *a = r->anchors;
    while (a && !(a->dynamic && pawl_str_eq(a->name, name))) a = a->next;
    return a;
}

/* Every resource that a run can enter is a place where a dynamic reference can lead. True: that asked for new nodes. */
static bool find_targets(struct pawl_build *b)
{
    const uint32_t before = b->s->nodes_count;
    for (struct pawl_dynamic_use *use = b->dynamics; use; use = use->next) {
        for (struct pawl_resource *r = b->resources; r && !b->rc; r = r->next) {
            const struct pawl_anchor *a = r->entered ? dynamic_anchor(r, use->dynamic->name) : NULL;
            if (a) pawl_build_node(b, a->v, r, a->place);
        }
    }
    return !b->rc && b->s->nodes_count != before;
}

static void fill_targets(struct pawl_build *b, struct pawl_dynamic *d)
{
    d->targets = pawl_arena_get(b->arena, b->resources_count * sizeof *d->targets);
    if (!d->targets) {
        pawl_build_no_memory(b);
        return;
    }
    for (struct pawl_resource *r = b->resources; r && !b->rc; r = r->next) {
        const struct pawl_anchor *a = r->entered ? dynamic_anchor(r, d->name) : NULL;
        if (!a) continue;
        const struct pawl_node *node = pawl_build_node(b, a->v, r, a->place);
        d->targets[d->count++] = (struct pawl_dynamic_target){r->number, node};
    }
}

/* How many nodes in its place a op leads to, and the k-th of them. */
static uint32_t in_place(const struct pawl_op *op, uint32_t k, const struct pawl_node **to)
{
    const struct pawl_node *three[] = {op->u.test.test, op->u.test.then, op->u.test.otherwise};
    switch ((enum pawl_op_kind)op->kind) {
    case PAWL_OP_REF:
    case PAWL_OP_NOT: *to = op->u.node; return 1;
    case PAWL_OP_ALL_OF:
    case PAWL_OP_ANY_OF:
    case PAWL_OP_ONE_OF:
        if (k < op->u.branches.count) *to = op->u.branches.nodes[k];
        return op->u.branches.count;
    case PAWL_OP_IF: *to = k < 3 ? three[k] : NULL; return 3;
    case PAWL_OP_DEPENDENT_SCHEMAS:
        if (k < op->u.dependents.count) *to = op->u.dependents.all[k].node;
        return op->u.dependents.count;
    default: return 0;
    }
}

/* The k-th node that applies where this one does. False: there are fewer. *to may be NULL. */
static bool edge(const struct pawl_node *node, uint32_t k, const struct pawl_node **to)
{
    for (uint32_t i = 0; i < node->ops_count; i++) {
        *to = NULL;
        const uint32_t count = in_place(node->ops + i, k, to);
        if (k < count) return true;
        k -= count;
    }
    return false;
}

/* A node that comes back to itself in place never ends, whatever the instance. Depth first, the way back in `stack`. */
static void find_endless(struct pawl_build *b)
{
    const uint32_t n = b->s->nodes_count;
    struct pawl_pending **all = pawl_arena_get(&b->temp, n * sizeof(struct pawl_pending *)), **stack, *p;
    stack = pawl_arena_get(&b->temp, n * sizeof(struct pawl_pending *));
    uint32_t i = 0, depth = 0;
    if (!all || !stack) {
        pawl_build_no_memory(b);
        return;
    }
    for (p = b->first; p; p = p->next) all[i++] = p;
    assert(i == n);
    for (i = 0; i < n; i++) {
        if (all[i]->visit) continue;
        all[i]->visit = 1;
        for (stack[depth++] = all[i]; depth > 0;) {
            const struct pawl_node *to = NULL;
            p = stack[depth - 1];
            if (!edge(p->node, p->at++, &to)) {
                p->visit = 2;
                depth--;
            } else if (to && all[to->number]->visit == 1) {
                pawl_build_fail(b, p->resource, p->place, NULL, "let it look at a member or an item in between",
                                "the schema leads back to itself for the same value, without end");
                return;
            } else if (to && !all[to->number]->visit) {
                stack[depth++] = all[to->number];
                all[to->number]->visit = 1;
            }
        }
    }
}

static void compile(struct pawl_build *b, yyjson_val *schema)
{
    const struct pawl_schema_options *o = b->options;
    struct pawl_resource *root = pawl_scan_document(b, schema, PAWL_STR(""), false);
    for (uint32_t i = 0; o && i < o->resources_count && !b->rc; i++) {
        const struct pawl_resource nowhere = {.number = 0};
        if (!pawl_json_str(o->resources[i], "$id").n)
            pawl_build_fail(b, &nowhere, NULL, NULL, "give it an $id", "the resource %u has no $id", i);
        else pawl_scan_document(b, o->resources[i], PAWL_STR(""), false);
    }
    if (b->rc) return;
    struct pawl_place *place = pawl_build_place(b, NULL, NULL, (struct pawl_str){NULL, 0}, UINT32_MAX);
    b->s->root = place ? pawl_build_node(b, schema, root, place) : NULL;
    do compile_pending(b);
    while (find_targets(b));
    for (struct pawl_dynamic_use *use = b->dynamics; use && !b->rc; use = use->next) fill_targets(b, use->dynamic);
    if (!b->rc) find_endless(b);
}

static void begin(struct pawl_build *b, const struct pawl_schema_options *options, const struct pawl_alloc *from,
                  struct pawl_error *err)
{
    struct pawl_arena arena;
    pawl_arena_init(&arena, from);
    *b = (struct pawl_build){.options = options, .err = err};
    b->s = pawl_arena_zeroed(&arena, sizeof *b->s);
    if (b->s) {
        b->s->arena = arena;
        b->arena = &b->s->arena;
    } else {
        pawl_arena_fini(&arena);
        b->rc = PAWL_ENOMEM;
    }
    pawl_arena_init(&b->temp, from);
    pawl_map_init(&b->uris, from);
    pawl_map_init(&b->roots, from);
    pawl_map_init(&b->nodes, from);
    b->resources_end = &b->resources;
    b->end = &b->first;
}

static void end(struct pawl_build *b)
{
    pawl_map_fini(&b->nodes);
    pawl_map_fini(&b->roots);
    pawl_map_fini(&b->uris);
    pawl_arena_fini(&b->temp);
    if (b->rc) {
        pawl_schema_free(b->s);
        b->s = NULL;
    }
}

static bool is_entered(const struct pawl_build *b, uint32_t document)
{
    for (const struct pawl_resource *r = b->resources; r; r = r->next)
        if (r->document == document && r->entered) return true;
    return false;
}

/* The program of a document's meta-schema, not itself held against anything. */
static int compile_meta(struct pawl_build *b, const struct pawl_resource *r, struct pawl_schema **out)
{
    const struct pawl_schema_options given = {.resources = b->options ? b->options->resources : NULL,
                                              .resources_count = b->options ? b->options->resources_count : 0};
    const bool ours = pawl_dialect_is_known(r->dialect);
    struct pawl_build meta;
    struct pawl_target t;
    yyjson_val *v = NULL;
    int rc = ours ? pawl_json_read(pawl_schema_meta(r->draft, 0), &b->temp, &v, NULL)
                  : pawl_scan_find(b, b->resources, r->dialect, &t);
    *out = NULL;
    if (rc) return rc;
    begin(&meta, ours ? NULL : &given, b->temp.from, b->err);
    if (!meta.rc) compile(&meta, ours ? v : t.v);
    end(&meta);
    *out = meta.s;
    return meta.rc;
}

static int hold_against(struct pawl_build *b, const struct pawl_schema *meta, struct pawl_resource *r)
{
    struct pawl_schema_report report;
    const bool args = b->options && b->options->allow_arg;
    const int rc = pawl_schema_run(meta, r->root, NULL, args, &report);
    if (rc == PAWL_OK || rc == PAWL_ENOMEM) return rc;
    const struct pawl_place place = {.base = pawl_str_of(report.violations[0].instance)};
    pawl_build_fail(b, r, &place, NULL, "see JSON Schema", "%s", report.violations[0].says);
    return rc;
}

void pawl_schema_cache_fini(struct pawl_schema_cache *cache)
{
    for (size_t i = 0; i < sizeof cache->known / sizeof *cache->known; i++) pawl_schema_free(cache->known[i]);
    *cache = (struct pawl_schema_cache){.known = {NULL}};
}

/* Each document that is used is held against its meta-schema, for what our own reading does not look at. */
static void check_documents(struct pawl_build *b)
{
    struct pawl_schema_cache own = {.known = {NULL}}, *cache = b->options ? b->options->cache : NULL;
    if (!cache) cache = &own;
    for (struct pawl_resource *r = b->resources; r && !b->rc; r = r->next) {
        if (!r->whole || r->ours || !is_entered(b, r->document)) continue;
        const bool known = pawl_dialect_is_known(r->dialect);
        struct pawl_schema *meta = known ? cache->known[r->draft] : NULL;
        if (!meta && (b->rc = compile_meta(b, r, &meta)) != PAWL_OK) break;
        const int rc = hold_against(b, meta, r);
        if (rc) b->rc = rc;
        if (known) cache->known[r->draft] = meta;
        else pawl_schema_free(meta);
    }
    pawl_schema_cache_fini(&own);
}

int pawl_schema_compile(yyjson_val *schema, const struct pawl_schema_options *options, const struct pawl_alloc *from,
                        struct pawl_schema **out, struct pawl_error *err)
{
    struct pawl_build b;
    assert(from && out);
    *out = NULL;
    begin(&b, options, from, err);
    if (!b.rc) compile(&b, schema);
    if (!b.rc) check_documents(&b);
    end(&b);
    *out = b.s;
    return b.rc;
}

void pawl_schema_free(struct pawl_schema *s)
{
    if (!s) return;
    struct pawl_arena arena = s->arena; /* s lies in it */
    pawl_arena_fini(&arena);
}
