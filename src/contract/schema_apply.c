/* src/contract/schema_apply.c - keywords with subschemas: each asks for the nodes it wants, compiled later. */
#include "contract/schema_build.h"
#include <string.h>

static const struct pawl_str no_name = {NULL, 0};

/* The node of one subschema under a keyword, by a name or an index or neither. */
static const struct pawl_node *under(struct pawl_build *b, struct pawl_pending *p, const char *keyword,
                                     struct pawl_str name, uint32_t index, yyjson_val *v)
{
    const struct pawl_place *place = pawl_build_place(b, p->place, keyword, name, index);
    return place ? pawl_build_node(b, v, p->resource, place) : NULL;
}

static bool wrong(struct pawl_build *b, struct pawl_pending *p, const char *name, const char *expected)
{
    return pawl_build_fail(b, p->resource, p->place, name, "see JSON Schema", "expected %s", expected);
}

static void *room(struct pawl_build *b, size_t count, size_t bytes)
{
    void *to = pawl_arena_zeroed(b->arena, count * bytes);
    if (!to) pawl_build_no_memory(b);
    return to;
}

/* $dynamicRef is dynamic only where a $dynamicAnchor made what it leads to; $recursiveRef wherever it leads. */
static void make_dynamic(struct pawl_build *b, struct pawl_op *op, const struct pawl_node *node, struct pawl_str name)
{
    struct pawl_dynamic *d = room(b, 1, sizeof *d);
    struct pawl_dynamic_use *use = pawl_arena_get(&b->temp, sizeof *use);
    if (!d || !use) {
        pawl_build_no_memory(b);
        return;
    }
    *d = (struct pawl_dynamic){.initial = node, .name = name};
    *use = (struct pawl_dynamic_use){b->dynamics, d};
    b->dynamics = use;
    op->u.dynamic = d;
}

void pawl_make_ref(struct pawl_build *b, struct pawl_pending *p, const struct pawl_rule *rule, yyjson_val *v)
{
    const struct pawl_str text = pawl_json_value_str(v);
    struct pawl_target t;
    struct pawl_op *op = pawl_keywords_push(b, rule->op, rule->on, rule->name);
    if (!text.p) {
        wrong(b, p, rule->name, "a URI reference as text");
        return;
    }
    const int rc = pawl_scan_find(b, p->resource, text, &t);
    if (rc == PAWL_ENOMEM) pawl_build_no_memory(b);
    else if (rc)
        pawl_build_fail(b, p->resource, p->place, rule->name, "nothing is fetched: put what it refers to under $defs",
                        "'%.*s' leads to no schema that was given", text.n < 200 ? (int)text.n : 200, text.p);
    const struct pawl_node *node = b->rc ? NULL : pawl_build_node(b, t.v, t.resource, t.place);
    if (!node) return;
    op->u.node = node;
    const bool recursive = p->resource->draft == PAWL_DRAFT_2019 && rule->op == PAWL_OP_DYNAMIC_REF;
    bool dynamic = rule->op == PAWL_OP_DYNAMIC_REF && t.anchor && t.anchor->dynamic;
    for (const struct pawl_anchor *a = t.resource->anchors; recursive && a; a = a->next)
        dynamic |= a->dynamic && a->name.n == 0 && a->v == t.v;
    if (dynamic) make_dynamic(b, op, node, recursive ? PAWL_STR("") : pawl_build_text(b, t.anchor->name));
    else op->kind = PAWL_OP_REF;
}

static const struct pawl_node *const *list(struct pawl_build *b, struct pawl_pending *p, const char *keyword,
                                           yyjson_val *v, uint32_t *count)
{
    const size_t n = yyjson_arr_size(v);
    yyjson_val *item;
    size_t i, max;
    if (n == 0 && !(yyjson_is_arr(v) && p->resource->draft != PAWL_DRAFT_2020))
        return wrong(b, p, keyword, "a list of schemas, not empty"), NULL;
    const struct pawl_node **nodes = room(b, n, sizeof *nodes);
    if (!nodes) return NULL;
    yyjson_arr_foreach(v, i, max, item) if (!(nodes[i] = under(b, p, keyword, no_name, (uint32_t)i, item))) return NULL;
    *count = (uint32_t)n;
    return nodes;
}

void pawl_make_branches(struct pawl_build *b, struct pawl_pending *p, const struct pawl_rule *rule, yyjson_val *v)
{
    struct pawl_op *op = pawl_keywords_push(b, rule->op, rule->on, rule->name);
    op->u.branches.nodes = list(b, p, rule->name, v, &op->u.branches.count);
}

void pawl_make_node(struct pawl_build *b, struct pawl_pending *p, const struct pawl_rule *rule, yyjson_val *v)
{
    const struct pawl_node *node = under(b, p, rule->name, no_name, UINT32_MAX, v);
    pawl_keywords_push(b, rule->op, rule->on, rule->name)->u.node = node;
    if (rule->op == PAWL_OP_UNEVALUATED_ITEMS || rule->op == PAWL_OP_UNEVALUATED_MEMBERS) p->node->tracks |= rule->on;
}

void pawl_make_if(struct pawl_build *b, struct pawl_pending *p, const struct pawl_rule *rule, yyjson_val *v)
{
    yyjson_val *then = pawl_keywords_get(p, "then", rule->vocabulary, rule->drafts);
    yyjson_val *otherwise = pawl_keywords_get(p, "else", rule->vocabulary, rule->drafts);
    struct pawl_if test = {.test = under(b, p, "if", no_name, UINT32_MAX, v)};
    if (then && !b->rc) test.then = under(b, p, "then", no_name, UINT32_MAX, then);
    if (otherwise && !b->rc) test.otherwise = under(b, p, "else", no_name, UINT32_MAX, otherwise);
    pawl_keywords_push(b, rule->op, rule->on, rule->name)->u.test = test;
}

/* Names that must be there, of one member of dependentRequired. */
static bool others(struct pawl_build *b, struct pawl_pending *p, const char *keyword, yyjson_val *v,
                   struct pawl_dependent *d)
{
    struct pawl_str *names = room(b, yyjson_arr_size(v), sizeof *names);
    yyjson_val *item;
    size_t i, max;
    if (!names) return false;
    yyjson_arr_foreach(v, i, max, item)
    {
        if (!yyjson_is_str(item)) return wrong(b, p, keyword, "lists of names, as text");
        names[i] = pawl_build_text(b, pawl_json_value_str(item));
        if (!names[i].p) return false;
    }
    d->others = names;
    d->others_count = (uint32_t)yyjson_arr_size(v);
    return true;
}

/* `dependencies` of older drafts was both: lists of names, and schemas. */
void pawl_make_dependents(struct pawl_build *b, struct pawl_pending *p, const struct pawl_rule *rule, yyjson_val *v)
{
    const bool both = strcmp(rule->name, "dependencies") == 0, names = rule->op == PAWL_OP_DEPENDENT_REQUIRED;
    struct pawl_dependent *all;
    yyjson_val *key, *value;
    size_t i, max;
    if (!yyjson_is_obj(v)) {
        wrong(b, p, rule->name,
              names ? "an object whose values are lists of names" : "an object whose values are schemas");
        return;
    }
    if (!(all = room(b, yyjson_obj_size(v), sizeof *all))) return;
    yyjson_obj_foreach(v, i, max, key, value)
    {
        struct pawl_dependent *d = all + i;
        const struct pawl_str name = pawl_json_value_str(key);
        d->name = pawl_build_text(b, name);
        if (b->rc) return;
        if (yyjson_is_arr(value) && (names || both)) {
            if (!others(b, p, rule->name, value, d)) return;
        } else if (names) {
            wrong(b, p, rule->name, "an object whose values are lists of names");
            return;
        } else if (!(d->node = under(b, p, rule->name, name, UINT32_MAX, value))) {
            return;
        }
    }
    struct pawl_op *op = pawl_keywords_push(b, rule->op, rule->on, rule->name);
    op->u.dependents = (struct pawl_dependents){all, (uint32_t)yyjson_obj_size(v)};
}

void pawl_make_contains(struct pawl_build *b, struct pawl_pending *p, const struct pawl_rule *rule, yyjson_val *v)
{
    const uint8_t newer = PAWL_DRAFT_2019 | PAWL_DRAFT_2020;
    yyjson_val *min = pawl_keywords_get(p, "minContains", PAWL_VOCABULARY_VALIDATION, newer);
    yyjson_val *max = pawl_keywords_get(p, "maxContains", PAWL_VOCABULARY_VALIDATION, newer);
    struct pawl_contains *contains = room(b, 1, sizeof *contains);
    if (!contains) return;
    *contains = (struct pawl_contains){.min = 1, .max = UINT64_MAX, .evaluates = p->resource->draft == PAWL_DRAFT_2020};
    if (min && !pawl_keywords_count(b, p, "minContains", min, &contains->min)) return;
    if (max && !pawl_keywords_count(b, p, "maxContains", max, &contains->max)) return;
    contains->node = under(b, p, rule->name, no_name, UINT32_MAX, v);
    pawl_keywords_push(b, rule->op, rule->on, rule->name)->u.contains = contains;
}

/* The names of properties, then those that are only required. */
struct gather {
    struct pawl_name *names;
    uint32_t count, required;
    struct pawl_map seen; /* -> the name's entry */
};

static bool gather_properties(struct pawl_build *b, struct pawl_pending *p, yyjson_val *properties, struct gather *g)
{
    yyjson_val *key, *value;
    size_t i, max;
    if (!properties) return true;
    if (!yyjson_is_obj(properties)) return wrong(b, p, "properties", "an object whose values are schemas");
    yyjson_obj_foreach(properties, i, max, key, value)
    {
        struct pawl_name *n = g->names + g->count++;
        const struct pawl_str name = pawl_json_value_str(key);
        n->name = pawl_build_text(b, name);
        n->node = b->rc ? NULL : under(b, p, "properties", name, UINT32_MAX, value);
        if (!n->node) return false;
        if (pawl_map_put(&g->seen, name.p, name.n, n)) return pawl_build_no_memory(b);
    }
    return true;
}

static bool gather_required(struct pawl_build *b, struct pawl_pending *p, yyjson_val *required, struct gather *g)
{
    yyjson_val *item;
    size_t i, max;
    if (required && !yyjson_is_arr(required)) return wrong(b, p, "required", "a list of names");
    yyjson_arr_foreach(required, i, max, item)
    {
        const struct pawl_str name = pawl_json_value_str(item);
        if (!name.p) return wrong(b, p, "required", "a list of names, as text");
        struct pawl_name *n = pawl_map_get(&g->seen, name.p, name.n);
        if (!n) {
            n = g->names + g->count++;
            n->name = pawl_build_text(b, name);
            if (b->rc) return false;
            if (pawl_map_put(&g->seen, name.p, name.n, n)) return pawl_build_no_memory(b);
        }
        g->required += !n->required;
        n->required = true;
    }
    return true;
}

static bool gather_patterns(struct pawl_build *b, struct pawl_pending *p, yyjson_val *v, struct pawl_members *m)
{
    yyjson_val *key, *value;
    size_t i, max;
    if (!yyjson_is_obj(v)) return wrong(b, p, "patternProperties", "an object whose values are schemas");
    struct pawl_pattern_member *patterns = room(b, yyjson_obj_size(v), sizeof *patterns);
    if (!patterns) return false;
    yyjson_obj_foreach(v, i, max, key, value)
    {
        const struct pawl_str name = pawl_json_value_str(key);
        struct pawl_regex *regex = NULL;
        patterns[i].pattern = pawl_build_text(b, name);
        if (b->rc || !pawl_keywords_pattern(b, p, "patternProperties", name, &regex)) return false;
        patterns[i].regex = regex;
        if (!(patterns[i].node = under(b, p, "patternProperties", name, UINT32_MAX, value))) return false;
    }
    m->patterns = patterns;
    m->patterns_count = (uint32_t)yyjson_obj_size(v);
    return true;
}

static void fill_members(struct pawl_build *b, struct pawl_pending *p, struct pawl_members *m, struct gather *g)
{
    const uint8_t vocabulary = PAWL_VOCABULARY_APPLICATOR;
    yyjson_val *properties = pawl_keywords_get(p, "properties", vocabulary, PAWL_DRAFT_ANY);
    yyjson_val *required = pawl_keywords_get(p, "required", PAWL_VOCABULARY_VALIDATION, PAWL_DRAFT_ANY);
    yyjson_val *patterns = pawl_keywords_get(p, "patternProperties", vocabulary, PAWL_DRAFT_ANY);
    yyjson_val *additional = pawl_keywords_get(p, "additionalProperties", vocabulary, PAWL_DRAFT_ANY);
    yyjson_val *name = pawl_keywords_get(p, "propertyNames", vocabulary, PAWL_DRAFT_ANY);
    if (!properties && !required && !patterns && !additional && !name) return;
    g->names = room(b, yyjson_obj_size(properties) + yyjson_arr_size(required), sizeof *g->names);
    if (!g->names || !gather_properties(b, p, properties, g) || !gather_required(b, p, required, g)) return;
    if (patterns && !gather_patterns(b, p, patterns, m)) return;
    if (additional && !(m->additional = under(b, p, "additionalProperties", no_name, UINT32_MAX, additional))) return;
    if (name && !(m->name = under(b, p, "propertyNames", no_name, UINT32_MAX, name))) return;
    m->required_count = g->required;
    if (!pawl_names_build(&m->names, g->names, g->count, b->arena)) {
        pawl_build_no_memory(b);
        return;
    }
    pawl_keywords_push(b, PAWL_OP_MEMBERS, PAWL_IS_OBJECT, "properties")->u.members = m;
}

void pawl_make_members(struct pawl_build *b, struct pawl_pending *p)
{
    struct gather g = {.count = 0};
    struct pawl_members *m = room(b, 1, sizeof *m);
    if (!m) return;
    pawl_map_init(&g.seen, b->temp.from);
    fill_members(b, p, m, &g);
    pawl_map_fini(&g.seen);
}

/* prefixItems and items; before 2020-12 the list was `items` too, and the rest additionalItems. */
void pawl_make_items(struct pawl_build *b, struct pawl_pending *p)
{
    const uint8_t vocabulary = PAWL_VOCABULARY_APPLICATOR, older = PAWL_DRAFT_7 | PAWL_DRAFT_2019;
    yyjson_val *prefix = pawl_keywords_get(p, "prefixItems", vocabulary, PAWL_DRAFT_2020);
    yyjson_val *items = pawl_keywords_get(p, "items", vocabulary, PAWL_DRAFT_ANY);
    const char *prefix_key = "prefixItems", *rest_key = "items";
    if ((p->resource->draft & older) && yyjson_is_arr(items)) {
        prefix = items;
        prefix_key = "items";
        rest_key = "additionalItems";
        items = pawl_keywords_get(p, rest_key, vocabulary, older);
    }
    if (!prefix && !items) return;
    struct pawl_items *to = room(b, 1, sizeof *to);
    if (!to) return;
    *to = (struct pawl_items){.prefix_key = prefix_key, .rest_key = rest_key};
    if (prefix && !(to->prefix = list(b, p, prefix_key, prefix, &to->prefix_count))) return;
    if (items && !(to->rest = under(b, p, rest_key, no_name, UINT32_MAX, items))) return;
    pawl_keywords_push(b, PAWL_OP_ITEMS, PAWL_IS_ARRAY, prefix ? prefix_key : rest_key)->u.items = to;
}
