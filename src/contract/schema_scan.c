/* src/contract/schema_scan.c - finds every $id and anchor of a document before anything is compiled, by walking only
 * where subschemas stand: what looks like an $id within const, enum or an unknown keyword is data. */
#include "contract/schema_build.h"
#include "contract/schema_uri.h"
#include <string.h>

enum holds { ONE, LIST, MAP };

static const struct {
    const char *name;
    enum holds holds;
} keywords[] = {
    {"$defs", MAP},
    {"definitions", MAP},
    {"properties", MAP},
    {"patternProperties", MAP},
    {"dependentSchemas", MAP},
    {"dependencies", MAP},
    {"allOf", LIST},
    {"anyOf", LIST},
    {"oneOf", LIST},
    {"prefixItems", LIST},
    {"not", ONE},
    {"if", ONE},
    {"then", ONE},
    {"else", ONE},
    {"items", ONE},
    {"additionalItems", ONE},
    {"contains", ONE},
    {"additionalProperties", ONE},
    {"propertyNames", ONE},
    {"unevaluatedItems", ONE},
    {"unevaluatedProperties", ONE},
    {"contentSchema", ONE},
};
#define COUNT (sizeof keywords / sizeof *keywords)

static struct pawl_str text_of(yyjson_val *object, const char *name)
{
    return pawl_json_str(object, name);
}

static bool same_document(const struct pawl_resource *a, const struct pawl_resource *b)
{
    return a->document == b->document;
}

static struct pawl_resource *add_resource(struct pawl_build *b, yyjson_val *root, struct pawl_str uri,
                                          const struct pawl_place *place, const struct pawl_resource *above)
{
    struct pawl_resource *r = pawl_arena_zeroed(&b->temp, sizeof *r), *other;
    if (!r) return pawl_build_no_memory(b), NULL;
    *r = (struct pawl_resource){.uri = uri, .root = root, .place = place, .number = b->resources_count++};
    r->dialect = text_of(root, "$schema");
    if (above) {
        r->document = above->document;
        r->ours = above->ours;
        if (!r->dialect.p) r->dialect = above->dialect;
    } else {
        r->document = b->documents_count++;
        r->whole = true;
    }
    r->draft = pawl_dialect_draft(r->dialect);
    *b->resources_end = r;
    b->resources_end = &r->next;
    other = pawl_map_get(&b->uris, uri.p, uri.n);
    if (other && same_document(other, r))
        return pawl_build_fail(b, other, place, "$id", "name them apart", "two subschemas have the identifier '%.*s'",
                               (int)uri.n, uri.p),
               NULL;
    if ((!other && pawl_map_put(&b->uris, uri.p, uri.n, r)) || pawl_map_put(&b->roots, &root, sizeof root, r))
        return pawl_build_no_memory(b), NULL;
    return r;
}

static bool is_anchor_name(struct pawl_str s, bool colon)
{
    for (uint32_t i = 0; i < s.n; i++) {
        const char c = s.p[i];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_') continue;
        if (i == 0 || (c != '-' && c != '.' && !(c == ':' && colon) && !(c >= '0' && c <= '9'))) return false;
    }
    return s.n > 0;
}

static bool add_anchor(struct pawl_build *b, struct pawl_resource *r, yyjson_val *v, const struct pawl_place *place,
                       const char *keyword, struct pawl_str name, bool dynamic)
{
    struct pawl_anchor *a;
    for (a = r->anchors; a; a = a->next) {
        if (!pawl_str_eq(a->name, name) || a->v == v) continue;
        return pawl_build_fail(b, r, place, keyword, "name them apart", "two subschemas have the anchor '%.*s'",
                               (int)name.n, name.p);
    }
    a = pawl_arena_get(&b->temp, sizeof *a);
    struct pawl_place *kept = pawl_build_place(b, NULL, NULL, (struct pawl_str){NULL, 0}, UINT32_MAX);
    if (!a || !kept) return pawl_build_no_memory(b);
    *kept = *place;
    *a = (struct pawl_anchor){.next = r->anchors, .name = name, .v = v, .place = kept, .dynamic = dynamic};
    r->anchors = a;
    return true;
}

static bool anchors(struct pawl_build *b, struct pawl_resource *r, yyjson_val *v, const struct pawl_place *place)
{
    static const char *const names[] = {"$anchor", "$dynamicAnchor"};
    if (r->draft == PAWL_DRAFT_7) return true;
    for (int i = 0; i < (r->draft == PAWL_DRAFT_2019 ? 1 : 2); i++) {
        yyjson_val *name = yyjson_obj_get(v, names[i]);
        if (!name) continue;
        if (!yyjson_is_str(name) || !is_anchor_name(pawl_json_value_str(name), r->draft == PAWL_DRAFT_2019))
            return pawl_build_fail(b, r, place, names[i], "write a name such as \"item\"",
                                   "expected a name of letters, digits, - . _");
        if (!add_anchor(b, r, v, place, names[i], pawl_json_value_str(name), i == 1)) return false;
    }
    if (r->draft == PAWL_DRAFT_2019 && v == r->root && yyjson_is_true(yyjson_obj_get(v, "$recursiveAnchor")))
        return add_anchor(b, r, v, place, "$recursiveAnchor", PAWL_STR(""), true);
    return true;
}

/* The resource that v begins, by its $id, or the one it is in. NULL: b->rc. */
static struct pawl_resource *enter(struct pawl_build *b, yyjson_val *v, struct pawl_resource *r,
                                   const struct pawl_place *place)
{
    yyjson_val *id = yyjson_obj_get(v, "$id");
    struct pawl_str fragment, uri;
    const bool old = r->draft == PAWL_DRAFT_7;
    if (!id || v == r->root || (old && yyjson_obj_get(v, "$ref"))) return r;
    if (!yyjson_is_str(id))
        return pawl_build_fail(b, r, place, "$id", "write a URI reference", "expected a URI reference as text"), NULL;
    const struct pawl_str text = pawl_uri_split(pawl_json_value_str(id), &fragment);
    if (old && fragment.n && text.n == 0) return add_anchor(b, r, v, place, "$id", fragment, false) ? r : NULL;
    if (fragment.n && !old)
        return pawl_build_fail(b, r, place, "$id", "write $anchor for a name", "an identifier has no fragment"), NULL;
    uri = pawl_uri_resolve(&b->temp, r->uri, text);
    if (!uri.p) return pawl_build_no_memory(b), NULL;
    struct pawl_place *kept = pawl_build_place(b, NULL, NULL, (struct pawl_str){NULL, 0}, UINT32_MAX);
    if (!kept) return NULL;
    *kept = *place;
    return add_resource(b, v, uri, kept, r);
}

static bool scan(struct pawl_build *b, yyjson_val *v, struct pawl_resource *r, const struct pawl_place *place,
                 int depth);

static bool scan_under(struct pawl_build *b, yyjson_val *v, struct pawl_resource *r, const struct pawl_place *above,
                       size_t k, int depth)
{
    yyjson_val *key, *item;
    size_t i, max;
    struct pawl_str name = {NULL, 0};
    const char *keyword = keywords[k].name;
    if (keywords[k].holds == ONE && !yyjson_is_arr(v)) {
        const struct pawl_place *place = pawl_build_place(b, above, keyword, name, UINT32_MAX);
        return place && scan(b, v, r, place, depth);
    }
    if (keywords[k].holds == MAP) {
        yyjson_obj_foreach(v, i, max, key, item)
        {
            if (!yyjson_is_obj(item)) continue;
            name = pawl_json_value_str(key);
            const struct pawl_place *place = pawl_build_place(b, above, keyword, name, UINT32_MAX);
            if (!place || !scan(b, item, r, place, depth)) return false;
        }
        return true;
    }
    yyjson_arr_foreach(v, i, max, item)
    { /* `items` of older drafts too */
        if (!yyjson_is_obj(item)) continue;
        const struct pawl_place *place = pawl_build_place(b, above, keyword, name, (uint32_t)i);
        if (!place || !scan(b, item, r, place, depth)) return false;
    }
    return true;
}

static bool scan(struct pawl_build *b, yyjson_val *v, struct pawl_resource *r, const struct pawl_place *place,
                 int depth)
{
    const bool args = b->options && b->options->allow_arg && !r->ours;
    yyjson_val *key, *value;
    size_t i, max;
    if (!yyjson_is_obj(v)) return true;
    if (depth > PAWL_BUILD_DEPTH) return pawl_build_limit(b, r, place, "levels of subschemas", PAWL_BUILD_DEPTH);
    r = enter(b, v, r, place);
    if (!r || !anchors(b, r, v, place)) return false;
    yyjson_obj_foreach(v, i, max, key, value)
    {
        size_t k = 0;
        while (k < COUNT && !yyjson_equals_str(key, keywords[k].name)) k++;
        if (args && !pawl_scan_args(b, r, place, key, value, k < COUNT)) return false;
        if (k < COUNT && yyjson_is_ctn(value) && !scan_under(b, value, r, place, k, depth + 1)) return false;
    }
    return true;
}

struct pawl_resource *pawl_scan_document(struct pawl_build *b, yyjson_val *root, struct pawl_str uri, bool ours)
{
    yyjson_val *id = yyjson_obj_get(root, "$id");
    struct pawl_place *place = pawl_build_place(b, NULL, NULL, (struct pawl_str){NULL, 0}, UINT32_MAX);
    struct pawl_str fragment, text = pawl_uri_split(pawl_json_value_str(id), &fragment);
    if (!place) return NULL;
    const bool old = pawl_dialect_draft(text_of(root, "$schema")) == PAWL_DRAFT_7;
    const struct pawl_resource none = {.number = 0};
    if (id && !(old && yyjson_obj_get(root, "$ref"))) {
        if (!yyjson_is_str(id) || (fragment.n && !old)) {
            pawl_build_fail(b, &none, place, "$id", "write a URI",
                            "expected a URI reference without a fragment, as text");
            return NULL;
        }
        uri = pawl_uri_resolve(&b->temp, uri, text);
        if (!uri.p) return pawl_build_no_memory(b), NULL;
    }
    struct pawl_resource *r = add_resource(b, root, uri, place, NULL);
    if (!r) return NULL;
    r->ours = ours;
    return scan(b, root, r, place, 0) ? r : NULL;
}

static int load_meta(struct pawl_build *b, enum pawl_draft draft)
{
    struct pawl_str text;
    b->has_meta |= (uint8_t)draft;
    for (uint32_t i = 0; (text = pawl_schema_meta(draft, i)).p; i++) {
        yyjson_val *v = NULL;
        const int rc = pawl_json_read(text, &b->temp, &v, NULL);
        if (rc) return rc == PAWL_ENOMEM ? rc : PAWL_EINTERNAL;
        if (!pawl_scan_document(b, v, PAWL_STR(""), true)) return b->rc;
    }
    return PAWL_OK;
}

/* One name of a pointer, ~ undone, under v. */
static yyjson_val *step(struct pawl_build *b, yyjson_val *v, const char *p, uint32_t n)
{
    struct pawl_buf token;
    pawl_buf_init_arena(&token, &b->temp);
    pawl_buf_char(&token, '/');
    pawl_buf_add(&token, p, n);
    const struct pawl_str one = pawl_buf_done(&token);
    return one.p ? yyjson_ptr_getn(v, one.p, one.n) : NULL;
}

/* From a resource's root along a pointer; embedded resources on the way take over. */
static bool follow(struct pawl_build *b, struct pawl_str pointer, struct pawl_target *t)
{
    static const struct pawl_str none = {NULL, 0};
    for (uint32_t i = 0; i < pointer.n && t->v;) {
        uint32_t end = ++i;
        while (end < pointer.n && pointer.p[end] != '/') end++;
        t->v = step(b, t->v, pointer.p + i, end - i);
        struct pawl_resource *inner = t->v ? pawl_map_get(&b->roots, &t->v, sizeof t->v) : NULL;
        if (inner) t->resource = inner;
        i = end;
    }
    struct pawl_place *place = pawl_build_place(b, t->place, NULL, none, UINT32_MAX);
    if (!place) return false;
    place->base = pointer;
    t->place = place;
    return t->v != NULL;
}

int pawl_scan_find(struct pawl_build *b, struct pawl_resource *r, struct pawl_str reference, struct pawl_target *out)
{
    struct pawl_str fragment, uri = pawl_uri_resolve(&b->temp, r->uri, reference);
    struct pawl_resource *found = uri.p ? pawl_map_get(&b->uris, uri.p, uri.n) : NULL;
    pawl_uri_split(reference, &fragment);
    if (fragment.n) fragment = pawl_uri_decode(&b->temp, fragment);
    if (!uri.p || b->temp.failed) return PAWL_ENOMEM;
    const enum pawl_draft draft = found ? (enum pawl_draft)0 : pawl_dialect_of_part(uri);
    if (draft & ~b->has_meta) {
        const int rc = load_meta(b, draft);
        if (rc) return rc;
        found = pawl_map_get(&b->uris, uri.p, uri.n);
    }
    if (!found) return PAWL_ENOTFOUND;
    *out = (struct pawl_target){.v = found->root, .resource = found, .place = found->place};
    if (fragment.n == 0) return PAWL_OK;
    if (fragment.p[0] == '/') {
        if (follow(b, fragment, out)) return PAWL_OK;
        return b->temp.failed ? PAWL_ENOMEM : PAWL_ENOTFOUND;
    }
    for (const struct pawl_anchor *a = found->anchors; a; a = a->next) {
        if (!pawl_str_eq(a->name, fragment) || (out->anchor && out->anchor->dynamic)) continue;
        *out = (struct pawl_target){.v = a->v, .resource = found, .place = a->place, .anchor = a};
    }
    return out->anchor ? PAWL_OK : PAWL_ENOTFOUND;
}
