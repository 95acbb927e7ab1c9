/* src/contract/schema_children.c - what applies to the members of an object and the items of an array. */
#include "contract/schema_run.h"
#include <assert.h>
#include <string.h>

static struct pawl_frame member_frame(const struct pawl_frame *f, const struct pawl_node *node, const char *via,
                                      yyjson_val *key)
{
    return (struct pawl_frame){.above = f,
                               .node = node,
                               .via = via,
                               .place = PAWL_NO_PLACE,
                               .level = f->level + 1,
                               .key = key,
                               .index = SIZE_MAX};
}

static struct pawl_frame item_frame(const struct pawl_frame *f, const struct pawl_node *node, const char *via, size_t i)
{
    return (struct pawl_frame){
        .above = f, .node = node, .via = via, .place = PAWL_NO_PLACE, .level = f->level + 1, .index = i};
}

/* A member under a name of `properties`. */
static bool run_named(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_name *name, yyjson_val *key,
                      yyjson_val *value)
{
    if (name->node->kind == PAWL_NODE_ALWAYS) return true;
    struct pawl_frame to = member_frame(f, name->node, "properties", key);
    to.name = &name->name;
    return pawl_run_node(c, &to, value, NULL);
}

/* Under all patterns that its name matches; *known: there is one. */
static bool run_patterns(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_members *m, yyjson_val *key,
                         yyjson_val *value, bool *known)
{
    bool ok = true;
    for (uint32_t i = 0; i < m->patterns_count; i++) {
        const struct pawl_pattern_member *p = m->patterns + i;
        if (!pawl_run_matches(c, p->regex, key)) continue;
        *known = true;
        struct pawl_frame to = member_frame(f, p->node, "patternProperties", key);
        to.name = &p->pattern;
        ok &= pawl_run_node(c, &to, value, NULL);
        if (!ok && !c->sink) return false;
    }
    return ok && !c->rc;
}

static bool run_additional(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_members *m,
                           yyjson_val *key, yyjson_val *value)
{
    const struct pawl_frame to = member_frame(f, m->additional, "additionalProperties", key);
    if (m->additional->kind == PAWL_NODE_NEVER && !c->arg_fits)
        return pawl_says_unknown(c, &to, "additionalProperties", m);
    return pawl_run_node(c, &to, value, NULL);
}

static bool run_name(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_members *m, yyjson_val *key)
{
    const struct pawl_frame to = member_frame(f, m->name, "propertyNames", key);
    return pawl_run_node(c, &to, key, NULL);
}

static bool missing(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_members *m, yyjson_val *object)
{
    struct pawl_str names[8];
    uint32_t count = 0;
    if (!c->sink || !pawl_run_charge(c, m->names.count * (1 + unsafe_yyjson_get_len(object) / 16))) return false;
    for (uint32_t i = 0; i < m->names.count && count < 8; i++) {
        const struct pawl_name *n = m->names.names + i;
        if (n->required && !yyjson_obj_getn(object, n->name.p, n->name.n)) names[count++] = n->name;
    }
    return pawl_says_missing(c, f, "required", (struct pawl_str){NULL, 0}, names, count);
}

/* Names stand once in an object (pawl_json_read saw to it), so counting the required ones is enough. */
bool pawl_run_members(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_op *op, yyjson_val *v,
                      struct pawl_track *t)
{
    const struct pawl_members *m = op->u.members;
    yyjson_val *key, *value;
    size_t i, max;
    uint32_t hint = 0, required = 0;
    bool ok = true;
    yyjson_obj_foreach(v, i, max, key, value)
    {
        const struct pawl_name *name =
            pawl_names_find(&m->names, unsafe_yyjson_get_str(key), unsafe_yyjson_get_len(key), &hint);
        bool known = false;
        if (name) {
            required += name->required;
            known = name->node != NULL;
            if (known) ok &= run_named(c, f, name, key, value);
        }
        if (m->patterns_count) ok &= run_patterns(c, f, m, key, value, &known);
        if (m->additional && !known) {
            known = true;
            ok &= run_additional(c, f, m, key, value);
        }
        if (t && known) pawl_track_mark(t, i);
        if (m->name) ok &= run_name(c, f, m, key);
        if (!ok && (!c->sink || c->rc)) return false;
    }
    return required == m->required_count ? ok : missing(c, f, m, v);
}

bool pawl_run_items(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_op *op, yyjson_val *v,
                    struct pawl_track *t)
{
    const struct pawl_items *items = op->u.items;
    yyjson_val *item;
    size_t i, max;
    bool ok = true;
    yyjson_arr_foreach(v, i, max, item)
    {
        const bool first = i < items->prefix_count;
        if (!first && !items->rest) break;
        struct pawl_frame to =
            item_frame(f, first ? items->prefix[i] : items->rest, first ? items->prefix_key : items->rest_key, i);
        if (first) to.place = (uint32_t)i;
        ok &= pawl_run_node(c, &to, item, NULL);
        if (!ok && (!c->sink || c->rc)) return false;
        if (t) pawl_track_mark(t, i);
    }
    return ok;
}

bool pawl_run_contains(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_op *op, yyjson_val *v,
                       struct pawl_track *t)
{
    const struct pawl_contains *contains = op->u.contains;
    yyjson_val *item;
    size_t i, max;
    uint64_t found = 0;
    if (!contains->evaluates) t = NULL;
    yyjson_arr_foreach(v, i, max, item)
    {
        const struct pawl_frame to = item_frame(f, contains->node, "contains", i);
        if (pawl_run_quietly(c, &to, item, NULL)) {
            found++;
            if (t) pawl_track_mark(t, i);
        }
        if (c->rc) return false;
        if (!t && found >= contains->min && contains->max == UINT64_MAX) return true;
    }
    if (found >= contains->min && found <= contains->max) return true;
    return pawl_says_contains(c, f, contains, found);
}

static bool run_rest(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_op *op, yyjson_val *key,
                     size_t i, yyjson_val *value)
{
    struct pawl_frame to = item_frame(f, op->u.node, op->keyword, i);
    if (key) to = member_frame(f, op->u.node, op->keyword, key);
    if (op->u.node->kind == PAWL_NODE_NEVER && !c->arg_fits) return pawl_says_unknown(c, &to, op->keyword, NULL);
    return pawl_run_node(c, &to, value, NULL);
}

bool pawl_run_unevaluated(struct pawl_run *c, const struct pawl_frame *f, const struct pawl_op *op, yyjson_val *v,
                          struct pawl_track *t)
{
    yyjson_val *key, *value;
    size_t i, max;
    bool ok = true;
    assert(t);
    if (t->all) return true;
    if (op->kind == PAWL_OP_UNEVALUATED_MEMBERS) {
        yyjson_obj_foreach(v, i, max, key, value)
        {
            if (pawl_track_has(t, i)) continue;
            ok &= run_rest(c, f, op, key, i, value);
            if (!ok && (!c->sink || c->rc)) return false;
        }
    } else {
        yyjson_arr_foreach(v, i, max, value)
        {
            if (pawl_track_has(t, i)) continue;
            ok &= run_rest(c, f, op, NULL, i, value);
            if (!ok && (!c->sink || c->rc)) return false;
        }
    }
    return ok;
}
