/* src/contract/schema_compile.c - a schema document to nodes: first every $id and anchor of every subschema, then each
 * subschema once, with its references resolved. Nothing is fetched. */
#include "base/map.h"
#include "contract/schema_node.h"
#include <string.h>

struct compile {
    struct pawl_schema *s;
    struct pawl_map nodes; /* subschema's address -> node */
    struct pawl_map homes; /* subschema's address -> resource */
    struct pawl_error *err;
    uint32_t count;
};
enum { NODES_MAX = 100000 };

static struct pawl_str join(struct pawl_arena *a, struct pawl_str path, struct pawl_str part)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, a);
    pawl_buf_str(&b, path);
    pawl_buf_char(&b, '/');
    for (uint32_t i = 0; i < part.n; i++) {
        if (part.p[i] == '~') pawl_buf_text(&b, "~0");
        else if (part.p[i] == '/') pawl_buf_text(&b, "~1");
        else pawl_buf_char(&b, part.p[i]);
    }
    return pawl_buf_done(&b);
}

static int fault(struct compile *c, struct pawl_str path, const char *keyword, const char *expected)
{
    char where[192];
    struct pawl_buf b = {.p = NULL};
    (void)b;
    uint32_t n = path.n < 120 ? path.n : 120;
    memcpy(where, path.p ? path.p : "", n);
    where[n++] = '/';
    for (const char *k = keyword; *k && n < sizeof where - 1; k++) where[n++] = *k;
    where[n] = 0;
    return pawl_fail(c->err, PAWL_EINVAL, *keyword ? where : path.p, "see JSON Schema 2020-12", "%s", expected);
}

/* RFC 3986 5.2, as far as identifiers of schemas need it: the reference against the base, without its fragment. */
static struct pawl_str resolve(struct pawl_arena *a, struct pawl_str base, struct pawl_str ref)
{
    struct pawl_buf b;
    uint32_t i = 0, authority = 0, path;
    for (uint32_t k = 0; k < ref.n; k++)
        if (ref.p[k] == '#') ref.n = k;
    while (i < ref.n && ref.p[i] != ':' && ref.p[i] != '/' && ref.p[i] != '?') i++;
    if (i && i < ref.n && ref.p[i] == ':') return pawl_str_copy(a, ref); /* it has a scheme */
    if (!ref.n) return base;
    pawl_buf_init_arena(&b, a);
    while (authority < base.n && base.p[authority] != ':') authority++;
    if (authority == base.n) authority = 0;
    else authority++;
    const uint32_t scheme = authority;
    if (authority + 1 < base.n && base.p[authority] == '/' && base.p[authority + 1] == '/') {
        authority += 2;
        while (authority < base.n && base.p[authority] != '/') authority++;
    }
    if (ref.n > 1 && ref.p[0] == '/' && ref.p[1] == '/') {
        pawl_buf_add(&b, base.p, scheme);
        pawl_buf_str(&b, ref);
        return pawl_buf_done(&b);
    }
    pawl_buf_add(&b, base.p, authority);
    path = (uint32_t)b.n;
    if (ref.p[0] != '/') {
        uint32_t last = base.n;
        while (last > authority && base.p[last - 1] != '/') last--;
        pawl_buf_add(&b, base.p + authority, last - authority);
        if (authority < base.n && last == authority && base.p[authority] == '/') pawl_buf_char(&b, '/');
    }
    for (i = 0; i < ref.n;) { /* dot segments */
        uint32_t end = i;
        while (end < ref.n && ref.p[end] != '/') end++;
        const struct pawl_str segment = {ref.p + i, end - i};
        if (pawl_str_is(segment, "..")) {
            while (b.n > path && b.p[b.n - 1] == '/') b.n--;
            while (b.n > path && b.p[b.n - 1] != '/') b.n--;
        } else if (!pawl_str_is(segment, ".")) {
            pawl_buf_str(&b, segment);
            if (end < ref.n) pawl_buf_char(&b, '/');
        }
        i = end + 1;
    }
    return pawl_buf_done(&b);
}

static bool same(struct pawl_str a, struct pawl_str b)
{
    if (a.n && a.p[a.n - 1] == '#') a.n--;
    if (b.n && b.p[b.n - 1] == '#') b.n--;
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static const char *const single[] = {"additionalProperties",  "propertyNames", "items", "contains", "unevaluatedItems",
                                     "unevaluatedProperties", "not",           "if",    "then",     "else",
                                     "contentSchema"};
static const char *const lists[] = {"prefixItems", "allOf", "anyOf", "oneOf"};
static const char *const maps[] = {"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"};

static struct pawl_schema_resource *add_resource(struct compile *c, struct pawl_str uri, yyjson_val *root)
{
    struct pawl_schema_resource *r = pawl_arena_zeroed(&c->s->arena, sizeof *r);
    if (!r) return NULL;
    r->uri = uri;
    r->root = root;
    r->next = c->s->resources;
    c->s->resources = r;
    return r;
}

static int add_anchor(struct compile *c, yyjson_val *v, struct pawl_schema_resource *home, const char *keyword)
{
    const struct pawl_str name = pawl_json_str(v, keyword);
    struct pawl_schema_anchor *a;
    if (!name.p) return PAWL_OK;
    a = pawl_arena_zeroed(&c->s->arena, sizeof *a);
    if (!a) return PAWL_ENOMEM;
    *a = (struct pawl_schema_anchor){
        .name = name, .resource = home, .at = v, .dynamic = keyword[1] == 'd', .next = c->s->anchors};
    c->s->anchors = a;
    return PAWL_OK;
}

static int collect(struct compile *c, yyjson_val *v, struct pawl_schema_resource *home, int depth)
{
    struct pawl_arena *a = &c->s->arena;
    const struct pawl_str id = pawl_json_str(v, "$id");
    yyjson_val *sub, *item, *key;
    size_t i, n;
    int rc = PAWL_OK;
    if (depth > PAWL_SCHEMA_DEPTH)
        return pawl_fail(c->err, PAWL_ELIMIT, "", "make it flatter", "the schema is too deep");
    if (!yyjson_is_obj(v)) return PAWL_OK;
    if (id.p && v != home->root) home = add_resource(c, resolve(a, home->uri, id), v);
    if (!home || pawl_map_put(&c->homes, &v, sizeof(void *), home)) return PAWL_ENOMEM;
    if ((rc = add_anchor(c, v, home, "$anchor")) || (rc = add_anchor(c, v, home, "$dynamicAnchor"))) return rc;
    for (size_t k = 0; k < sizeof single / sizeof *single && !rc; k++)
        if ((sub = yyjson_obj_get(v, single[k])) != NULL) rc = collect(c, sub, home, depth + 1);
    for (size_t k = 0; k < sizeof lists / sizeof *lists && !rc; k++) {
        sub = yyjson_obj_get(v, lists[k]);
        yyjson_arr_foreach(sub, i, n, item) if (!rc) rc = collect(c, item, home, depth + 1);
    }
    for (size_t k = 0; k < sizeof maps / sizeof *maps && !rc; k++) {
        sub = yyjson_obj_get(v, maps[k]);
        yyjson_obj_foreach(sub, i, n, key, item) if (!rc) rc = collect(c, item, home, depth + 1);
    }
    return rc;
}

static struct pawl_schema_node *node_of(struct compile *c, yyjson_val *v, struct pawl_schema_resource *home,
                                        struct pawl_str path);

static struct pawl_str decoded(struct pawl_arena *a, struct pawl_str s)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, a);
    for (uint32_t i = 0; i < s.n; i++) {
        uint8_t byte;
        if (s.p[i] == '%' && i + 2 < s.n && pawl_unhex(&byte, 1, (struct pawl_str){s.p + i + 1, 2})) {
            pawl_buf_char(&b, (char)byte);
            i += 2;
        } else {
            pawl_buf_char(&b, s.p[i]);
        }
    }
    return pawl_buf_done(&b);
}

/* Follow a JSON pointer from a resource's root; embedded resources on the way become the home. */
static yyjson_val *follow(struct compile *c, yyjson_val *v, struct pawl_str pointer, struct pawl_schema_resource **home)
{
    for (uint32_t i = 0; i < pointer.n && v;) {
        uint32_t end = ++i;
        while (end < pointer.n && pointer.p[end] != '/') end++;
        struct pawl_buf part;
        pawl_buf_init_arena(&part, &c->s->arena);
        pawl_buf_char(&part, '/');
        pawl_buf_add(&part, pointer.p + i, end - i);
        pawl_buf_done(&part);
        if (part.failed) return NULL;
        v = yyjson_ptr_getn(v, part.p, part.n);
        struct pawl_schema_resource *inner = v ? pawl_map_get(&c->homes, &v, sizeof(void *)) : NULL;
        if (inner) *home = inner;
        i = end;
    }
    return v;
}

struct target {
    yyjson_val *v;
    struct pawl_schema_resource *home;
    struct pawl_str path;
    const struct pawl_schema_anchor *dynamic; /* the fragment was made by a $dynamicAnchor */
};

static int find(struct compile *c, struct pawl_schema_resource *home, struct pawl_str ref, struct target *out)
{
    struct pawl_arena *a = &c->s->arena;
    struct pawl_str fragment = {"", 0}, uri = resolve(a, home->uri, ref);
    struct pawl_schema_resource *r;
    for (uint32_t i = 0; i < ref.n; i++)
        if (ref.p[i] == '#') {
            fragment = decoded(a, (struct pawl_str){ref.p + i + 1, ref.n - i - 1});
            break;
        }
    for (r = c->s->resources; r && !same(r->uri, uri); r = r->next) {
    }
    if (!r) return PAWL_ENOTFOUND;
    *out = (struct target){.home = r, .path = fragment};
    if (!fragment.n || fragment.p[0] == '/') {
        out->v = follow(c, r->root, fragment, &out->home);
        return out->v ? PAWL_OK : PAWL_ENOTFOUND;
    }
    for (const struct pawl_schema_anchor *x = c->s->anchors; x; x = x->next) {
        if (x->resource != r || !pawl_str_eq(x->name, fragment)) continue;
        out->v = x->at;
        if (x->dynamic) out->dynamic = x;
    }
    return out->v ? PAWL_OK : PAWL_ENOTFOUND;
}

static int refer(struct compile *c, struct pawl_schema_node *node, yyjson_val *v, const char *keyword,
                 struct pawl_schema_node **out)
{
    yyjson_val *text = yyjson_obj_get(v, keyword);
    struct target t = {0};
    int rc;
    if (!text) return PAWL_OK;
    if (!yyjson_is_str(text)) return fault(c, node->path, keyword, "expected a URI reference as text");
    rc = find(c, node->resource, pawl_json_value_str(text), &t);
    if (rc == PAWL_ENOTFOUND)
        return pawl_fail(c->err, PAWL_EINVAL, node->path.p, "nothing is fetched: put what it refers to into $defs",
                         "%s '%s' leads nowhere", keyword, yyjson_get_str(text));
    if (rc) return rc;
    if (keyword[1] == 'd' && t.dynamic) node->dynamic_name = t.dynamic->name;
    *out = node_of(c, t.v, t.home, t.path);
    return *out ? PAWL_OK : c->err && c->err->code ? c->err->code : PAWL_ENOMEM;
}

static int sub(struct compile *c, struct pawl_schema_node *node, yyjson_val *v, const char *keyword,
               struct pawl_schema_node **out)
{
    yyjson_val *x = yyjson_obj_get(v, keyword);
    if (!x) return PAWL_OK;
    *out = node_of(c, x, node->resource, join(&c->s->arena, node->path, pawl_str_of(keyword)));
    return *out ? PAWL_OK : c->err && c->err->code ? c->err->code : PAWL_ENOMEM;
}

static int sub_list(struct compile *c, struct pawl_schema_node *node, yyjson_val *v, const char *keyword,
                    struct pawl_schema_node ***out, uint32_t *count)
{
    struct pawl_arena *a = &c->s->arena;
    yyjson_val *list = yyjson_obj_get(v, keyword), *item;
    const struct pawl_str path = join(a, node->path, pawl_str_of(keyword));
    size_t i, n;
    if (!list) return PAWL_OK;
    if (!yyjson_is_arr(list) || yyjson_arr_size(list) == 0)
        return fault(c, node->path, keyword, "expected a list of schemas that is not empty");
    *out = pawl_arena_zeroed(a, yyjson_arr_size(list) * sizeof **out);
    if (!*out) return PAWL_ENOMEM;
    yyjson_arr_foreach(list, i, n, item)
    {
        char index[24];
        struct pawl_buf b;
        pawl_buf_init_arena(&b, a);
        pawl_buf_i64(&b, (int64_t)i);
        pawl_buf_done(&b);
        memcpy(index, b.failed ? "0" : b.p, b.failed ? 2 : b.n + 1);
        (*out)[i] = node_of(c, item, node->resource, join(a, path, pawl_str_of(index)));
        if (!(*out)[i]) return c->err && c->err->code ? c->err->code : PAWL_ENOMEM;
        (*count)++;
    }
    return PAWL_OK;
}

static int regex(struct compile *c, struct pawl_str path, const char *keyword, struct pawl_str text,
                 struct pawl_pattern **out)
{
    struct pawl_patterns *keep = pawl_arena_zeroed(&c->s->arena, sizeof *keep);
    struct pawl_error err = {0};
    int rc;
    if (!keep) return PAWL_ENOMEM;
    rc = pawl_pattern_compile(text, c->s->from, out, &err);
    if (rc == PAWL_ENOMEM) return rc;
    if (rc) return fault(c, path, keyword, err.what);
    keep->regex = *out;
    keep->next = c->s->regexes;
    c->s->regexes = keep;
    return PAWL_OK;
}

static int sub_map(struct compile *c, struct pawl_schema_node *node, yyjson_val *v, const char *keyword, bool patterns,
                   struct pawl_schema_member **out, uint32_t *count)
{
    struct pawl_arena *a = &c->s->arena;
    yyjson_val *map = yyjson_obj_get(v, keyword), *key, *value;
    const struct pawl_str path = join(a, node->path, pawl_str_of(keyword));
    size_t i, n;
    int rc;
    if (!map) return PAWL_OK;
    if (!yyjson_is_obj(map)) return fault(c, node->path, keyword, "expected an object whose values are schemas");
    *out = pawl_arena_zeroed(a, (yyjson_obj_size(map) + 1) * sizeof **out);
    if (!*out) return PAWL_ENOMEM;
    yyjson_obj_foreach(map, i, n, key, value)
    {
        struct pawl_schema_member *m = &(*out)[i];
        m->name = pawl_json_value_str(key);
        if (patterns && (rc = regex(c, path, yyjson_get_str(key), m->name, &m->pattern)) != PAWL_OK) return rc;
        m->node = node_of(c, value, node->resource, join(a, path, m->name));
        if (!m->node) return c->err && c->err->code ? c->err->code : PAWL_ENOMEM;
        (*count)++;
    }
    return PAWL_OK;
}

static uint32_t type_bit(struct pawl_str word)
{
    static const char *const names[] = {"null", "boolean", "object", "array", "number", "string", "integer"};
    for (uint32_t i = 0; i < 7; i++)
        if (pawl_str_is(word, names[i])) return 1u << i;
    return 0;
}

static int types(struct compile *c, struct pawl_schema_node *node, yyjson_val *v)
{
    static const char wrong[] = "expected null, boolean, object, array, number, string or integer, or a list of these";
    yyjson_val *t = yyjson_obj_get(v, "type"), *item;
    size_t i, n;
    if (!t) return PAWL_OK;
    if (yyjson_is_str(t)) node->types = type_bit(pawl_json_value_str(t));
    yyjson_arr_foreach(t, i, n, item)
    {
        const uint32_t bit = type_bit(pawl_json_value_str(item));
        if (!bit) return fault(c, node->path, "type", wrong);
        node->types |= bit;
    }
    return node->types ? PAWL_OK : fault(c, node->path, "type", wrong);
}

static bool is_arg(struct compile *c, yyjson_val *v)
{
    return c->s->allow_arg && yyjson_is_obj(v) && yyjson_obj_size(v) == 1 && yyjson_is_str(yyjson_obj_get(v, "$arg"));
}

static int number(struct compile *c, struct pawl_schema_node *node, yyjson_val *v, const char *keyword,
                  yyjson_val **out)
{
    yyjson_val *x = yyjson_obj_get(v, keyword);
    if (!x) return PAWL_OK;
    const bool multiple = keyword[1] == 'u';
    if (!yyjson_is_num(x) && (multiple || !is_arg(c, x))) return fault(c, node->path, keyword, "expected a number");
    if (multiple && yyjson_get_num(x) <= 0) return fault(c, node->path, keyword, "expected a number above 0");
    *out = x;
    return PAWL_OK;
}

static int size(struct compile *c, struct pawl_schema_node *node, yyjson_val *v, const char *keyword, int64_t *out)
{
    yyjson_val *x = yyjson_obj_get(v, keyword);
    *out = -1;
    if (!x) return PAWL_OK;
    const double d = yyjson_is_num(x) ? yyjson_get_num(x) : -1;
    if (d < 0 || d > 9e15 || d != (double)(int64_t)d)
        return fault(c, node->path, keyword, "expected an integer of at least 0");
    *out = (int64_t)d;
    return PAWL_OK;
}

static int texts(struct compile *c, struct pawl_str path, const char *keyword, yyjson_val *list)
{
    yyjson_val *item;
    size_t i, n;
    if (!yyjson_is_arr(list)) return fault(c, path, keyword, "expected a list of names");
    yyjson_arr_foreach(list, i, n, item) if (!yyjson_is_str(item)) return fault(c, path, keyword,
                                                                                "expected a list of names");
    return PAWL_OK;
}

static int assertions(struct compile *c, struct pawl_schema_node *node, yyjson_val *v)
{
    yyjson_val *x, *key, *item;
    size_t i, n;
    int rc = types(c, node, v);
    if (!rc) rc = number(c, node, v, "multipleOf", &node->multiple_of);
    if (!rc) rc = number(c, node, v, "maximum", &node->maximum);
    if (!rc) rc = number(c, node, v, "minimum", &node->minimum);
    if (!rc) rc = number(c, node, v, "exclusiveMinimum", &node->above);
    if (!rc) rc = number(c, node, v, "exclusiveMaximum", &node->below);
    if (!rc) rc = size(c, node, v, "maxLength", &node->max_length);
    if (!rc) rc = size(c, node, v, "minLength", &node->min_length);
    if (!rc) rc = size(c, node, v, "maxItems", &node->max_items);
    if (!rc) rc = size(c, node, v, "minItems", &node->min_items);
    if (!rc) rc = size(c, node, v, "maxProperties", &node->max_properties);
    if (!rc) rc = size(c, node, v, "minProperties", &node->min_properties);
    if (!rc) rc = size(c, node, v, "maxContains", &node->max_contains);
    if (!rc) rc = size(c, node, v, "minContains", &node->min_contains);
    if (rc) return rc;
    node->constant = yyjson_obj_get(v, "const");
    if ((x = yyjson_obj_get(v, "enum")) != NULL && !yyjson_is_arr(x))
        return fault(c, node->path, "enum", "expected a list");
    node->enumeration = x;
    if ((x = yyjson_obj_get(v, "uniqueItems")) != NULL && !yyjson_is_bool(x))
        return fault(c, node->path, "uniqueItems", "expected true or false");
    node->unique = yyjson_get_bool(x);
    if ((x = yyjson_obj_get(v, "pattern")) != NULL) {
        if (!yyjson_is_str(x)) return fault(c, node->path, "pattern", "expected a pattern as text");
        node->pattern_text = pawl_json_value_str(x);
        if ((rc = regex(c, node->path, "pattern", node->pattern_text, &node->pattern)) != PAWL_OK) return rc;
    }
    if ((x = yyjson_obj_get(v, "format")) != NULL && !yyjson_is_str(x))
        return fault(c, node->path, "format", "expected text");
    node->format = pawl_json_value_str(x);
    if ((node->required = yyjson_obj_get(v, "required")) != NULL &&
        (rc = texts(c, node->path, "required", node->required)))
        return rc;
    node->dependent_required = yyjson_obj_get(v, "dependentRequired");
    if (node->dependent_required && !yyjson_is_obj(node->dependent_required))
        return fault(c, node->path, "dependentRequired", "expected an object");
    yyjson_obj_foreach(node->dependent_required, i, n, key,
                       item) if ((rc = texts(c, node->path, "dependentRequired", item)) != PAWL_OK) return rc;
    return PAWL_OK;
}

static int applicators(struct compile *c, struct pawl_schema_node *node, yyjson_val *v)
{
    int rc = sub_map(c, node, v, "properties", false, &node->properties, &node->properties_count);
    if (!rc) rc = sub_map(c, node, v, "patternProperties", true, &node->patterns, &node->patterns_count);
    if (!rc) rc = sub_map(c, node, v, "dependentSchemas", false, &node->dependent, &node->dependent_count);
    if (!rc) rc = sub(c, node, v, "additionalProperties", &node->additional);
    if (!rc) rc = sub(c, node, v, "propertyNames", &node->names);
    if (!rc) rc = sub(c, node, v, "items", &node->items);
    if (!rc) rc = sub(c, node, v, "contains", &node->contains);
    if (!rc) rc = sub(c, node, v, "unevaluatedItems", &node->unevaluated_items);
    if (!rc) rc = sub(c, node, v, "unevaluatedProperties", &node->unevaluated_properties);
    if (!rc) rc = sub(c, node, v, "not", &node->not_);
    if (!rc) rc = sub(c, node, v, "if", &node->if_);
    if (!rc) rc = sub(c, node, v, "then", &node->then_);
    if (!rc) rc = sub(c, node, v, "else", &node->else_);
    if (!rc) rc = sub_list(c, node, v, "prefixItems", &node->prefix, &node->prefix_count);
    if (!rc) rc = sub_list(c, node, v, "allOf", &node->all_of, &node->all_count);
    if (!rc) rc = sub_list(c, node, v, "anyOf", &node->any_of, &node->any_count);
    if (!rc) rc = sub_list(c, node, v, "oneOf", &node->one_of, &node->one_count);
    if (!rc) rc = refer(c, node, v, "$ref", &node->ref);
    if (!rc) rc = refer(c, node, v, "$dynamicRef", &node->dynamic_ref);
    if (node->unevaluated_items || node->unevaluated_properties) c->s->tracks = true;
    return rc;
}

static struct pawl_schema_node *node_of(struct compile *c, yyjson_val *v, struct pawl_schema_resource *home,
                                        struct pawl_str path)
{
    struct pawl_schema_resource *own = pawl_map_get(&c->homes, &v, sizeof(void *));
    struct pawl_schema_node *node = pawl_map_get(&c->nodes, &v, sizeof(void *));
    if (node) return node;
    if (!yyjson_is_bool(v) && !yyjson_is_obj(v))
        return fault(c, path, "", "expected a schema: an object, true or false"), NULL;
    if (++c->count > NODES_MAX)
        return pawl_fail(c->err, PAWL_ELIMIT, "", "make it smaller", "too many subschemas"), NULL;
    node = pawl_arena_zeroed(&c->s->arena, sizeof *node);
    if (!node || pawl_map_put(&c->nodes, &v, sizeof(void *), node)) return NULL;
    if (!own && yyjson_is_obj(v)) { /* reached by a pointer through something that is no keyword */
        if (collect(c, v, home, 0)) return NULL;
        own = pawl_map_get(&c->homes, &v, sizeof(void *));
    }
    node->what = yyjson_is_obj(v) ? PAWL_NODE_OBJECT : yyjson_get_bool(v) ? PAWL_NODE_TRUE : PAWL_NODE_FALSE;
    node->resource = own ? own : home;
    node->resource->entered = true;
    node->path = path;
    if (node->what != PAWL_NODE_OBJECT) return node;
    node->max_length = node->min_length = node->max_items = node->min_items = node->max_properties = -1;
    node->min_properties = node->max_contains = node->min_contains = -1;
    if (!node->resource->no_validation && assertions(c, node, v)) return NULL;
    if (applicators(c, node, v)) return NULL;
    return node;
}

/* Copy a document into the schema's arena, by its text. */
static int own_copy(struct pawl_schema *s, yyjson_val *from, yyjson_val **out, struct pawl_error *err)
{
    struct pawl_buf b;
    int rc;
    pawl_buf_init(&b, s->from);
    pawl_json_write(from, &b);
    rc = pawl_buf_done(&b).p ? pawl_json_read((struct pawl_str){b.p, (uint32_t)b.n}, &s->arena, out, err) : PAWL_ENOMEM;
    pawl_buf_fini(&b);
    return rc;
}

static int add_document(struct compile *c, yyjson_val *from, struct pawl_str uri, yyjson_val **root,
                        struct pawl_schema_resource **home)
{
    const struct pawl_str dialect = pawl_json_str(from, "$schema");
    int rc = own_copy(c->s, from, root, c->err);
    if (rc) return rc;
    if (dialect.p && !same(dialect, PAWL_STR("https://json-schema.org/draft/2020-12/schema")) && !c->s->resources)
        for (const char *p = dialect.p; *p; p++)
            if (strncmp(p, "draft-0", 7) == 0 || strncmp(p, "2019-09", 7) == 0)
                return fault(c, PAWL_STR(""), "$schema", "only JSON Schema 2020-12 is known");
    const struct pawl_str id = pawl_json_str(*root, "$id");
    if (id.p) uri = resolve(&c->s->arena, uri, id);
    *home = add_resource(c, uri, *root);
    return *home ? collect(c, *root, *home, 0) : PAWL_ENOMEM;
}

/* A resource whose $schema is a meta-schema that leaves a vocabulary out (core 8.1.2). */
static void vocabularies(struct compile *c)
{
    for (struct pawl_schema_resource *r = c->s->resources; r; r = r->next) {
        const struct pawl_str dialect = pawl_json_str(r->root, "$schema");
        for (struct pawl_schema_resource *m = dialect.p ? c->s->resources : NULL; m; m = m->next) {
            yyjson_val *vocabulary = yyjson_obj_get(m->root, "$vocabulary");
            if (!vocabulary || !same(m->uri, dialect)) continue;
            r->no_validation = !yyjson_obj_get(vocabulary, "https://json-schema.org/draft/2020-12/vocab/validation");
        }
    }
}

static int compile(struct compile *c, yyjson_val *schema, const struct pawl_schema_options *o)
{
    struct pawl_schema_resource *home = NULL, *other;
    yyjson_val *root = NULL, *unused;
    int rc = add_document(c, schema, PAWL_STR("pawl:schema"), &root, &home);
    for (uint32_t i = 0; !rc && pawl_schema_meta(i).p; i++) {
        yyjson_val *meta = NULL;
        rc = pawl_json_read(pawl_schema_meta(i), &c->s->arena, &meta, NULL);
        if (!rc) rc = add_document(c, meta, PAWL_STR("pawl:meta"), &unused, &other);
    }
    for (uint32_t i = 0; o && i < o->resources_count && !rc; i++)
        rc = add_document(c, o->resources[i], PAWL_STR("pawl:resource"), &unused, &other);
    if (rc) return rc;
    vocabularies(c);
    c->s->root = node_of(c, root, home, PAWL_STR(""));
    if (!c->s->root) return c->err && c->err->code ? c->err->code : PAWL_ENOMEM;
    for (bool again = true; again;) { /* compiling one may find others, behind pointers */
        again = false;
        for (struct pawl_schema_anchor *a = c->s->anchors; a; a = a->next) {
            if (!a->dynamic || a->node || !a->resource->entered) continue;
            a->node = node_of(c, a->at, a->resource, PAWL_STR("#"));
            if (!a->node) return c->err && c->err->code ? c->err->code : PAWL_ENOMEM;
            again = true;
        }
    }
    return c->s->arena.failed ? PAWL_ENOMEM : PAWL_OK;
}

int pawl_schema_compile(yyjson_val *schema, const struct pawl_schema_options *options, const struct pawl_alloc *from,
                        struct pawl_schema **out, struct pawl_error *err)
{
    struct pawl_schema *s = from->resize(from->ctx, NULL, 0, sizeof *s);
    struct pawl_error own = {0};
    struct compile c = {.s = s, .err = err ? err : &own};
    int rc;
    *out = NULL;
    if (!s) return PAWL_ENOMEM;
    if (err) memset(err, 0, sizeof *err);
    memset(s, 0, sizeof *s);
    s->from = from;
    pawl_arena_init(&s->arena, from);
    if (options) s->assert_formats = options->assert_formats, s->allow_arg = options->allow_arg;
    pawl_map_init(&c.nodes, from);
    pawl_map_init(&c.homes, from);
    rc = compile(&c, schema, options);
    pawl_map_fini(&c.nodes);
    pawl_map_fini(&c.homes);
    if (rc == PAWL_OK) *out = s;
    else pawl_schema_free(s);
    return rc;
}

void pawl_schema_free(struct pawl_schema *s)
{
    if (!s) return;
    for (struct pawl_patterns *r = s->regexes; r; r = r->next) pawl_pattern_free(r->regex);
    pawl_arena_fini(&s->arena);
    s->from->resize(s->from->ctx, s, sizeof *s, 0);
}
