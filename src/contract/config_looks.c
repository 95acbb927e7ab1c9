/* src/contract/config_looks.c - what a check looks at: which members of {args, run, result, before, after} its schema speaks of.
 * What it does not look at is not read, so nothing that it says may be missed: a reference is followed within the schema, and
 * what leads elsewhere counts as looking at all of them. */
#include "contract/config_read.h"
#include <string.h>

static unsigned looks_of(struct pawl_str name)
{
    if (pawl_str_is(name, "result")) return PAWL_CHECK_RESULT;
    if (pawl_str_is(name, "before")) return PAWL_CHECK_BEFORE;
    return pawl_str_is(name, "after") ? PAWL_CHECK_AFTER : 0;
}

unsigned pawl_reader_refers(const struct pawl_yaml *v)
{
    unsigned looks = 0;
    for (uint32_t i = 0; v->kind == PAWL_YAML_LIST && i < v->count; i++) looks |= pawl_reader_refers(v->items[i]);
    for (uint32_t i = 0; v->kind == PAWL_YAML_MAP && i < v->count; i++) {
        const struct pawl_yaml_member *m = &v->members[i];
        if (pawl_str_is(m->key, "$arg") && m->value->kind == PAWL_YAML_TEXT)
            looks |= looks_of(pawl_pointer_head(m->value->text));
        else looks |= pawl_reader_refers(m->value);
    }
    return looks;
}

/* The document has these members and no others: another name would hold always, or never, without a word. */
static unsigned members(struct pawl_reader *r, const struct pawl_yaml *properties)
{
    static const char *const known[] = {"args", "run", "result", "before", "after", NULL};
    unsigned looks = 0;
    pawl_reader_keys(r, properties, known, NULL);
    for (uint32_t i = 0; i < properties->count; i++) {
        const struct pawl_yaml_member *m = &properties->members[i];
        const struct pawl_yaml *args = m->value->kind == PAWL_YAML_MAP ? pawl_reader_get(m->value, "properties") : NULL;
        looks |= looks_of(m->key);
        if (!pawl_str_is(m->key, "args") || !args || args->kind != PAWL_YAML_MAP) continue;
        for (uint32_t k = 0; k < args->count; k++)
            pawl_reader_argument(r, args->members[k].line, args->members[k].column, args->members[k].key);
    }
    return looks;
}

/* The references that were followed: each leads to something new, or nowhere. */
enum { FOLLOWED_MAX = 64 };
struct looks {
    struct pawl_reader *r;
    const struct pawl_yaml *followed[FOLLOWED_MAX];
    uint32_t followed_count;
    bool unsure; /* something may speak of any of them */
};

static unsigned speaks_of(struct looks *l, const struct pawl_yaml *root, const struct pawl_yaml *v);

/* "#", "#/$defs/limit" of the schema, or of the part of it that has an $id of its own. */
static unsigned follow(struct looks *l, const struct pawl_yaml *root, const struct pawl_yaml *ref)
{
    const bool plain = ref->kind == PAWL_YAML_TEXT && ref->text.n > 0 && ref->text.p[0] == '#' &&
                       (ref->text.n == 1 || ref->text.p[1] == '/') && !memchr(ref->text.p, '%', ref->text.n);
    uint32_t line, column;
    const struct pawl_yaml *to =
        plain ? pawl_yaml_place(root, (struct pawl_str){ref->text.p + 1, ref->text.n - 1}, &line, &column) : NULL;
    for (uint32_t i = 0; to && i < l->followed_count; i++)
        if (l->followed[i] == to) return 0;
    if (!to || l->followed_count == FOLLOWED_MAX) return l->unsure = true, 0;
    l->followed[l->followed_count++] = to;
    return speaks_of(l, root, to);
}

/* dependentRequired, dependentSchemas; dependencies of older drafts: by a member's name, names or a schema. */
static unsigned depends(struct looks *l, const struct pawl_yaml *root, const struct pawl_yaml *map)
{
    unsigned looks = 0;
    for (uint32_t i = 0; map->kind == PAWL_YAML_MAP && i < map->count; i++) {
        const struct pawl_yaml *v = map->members[i].value;
        looks |= looks_of(map->members[i].key) | speaks_of(l, root, v);
        for (uint32_t k = 0; v->kind == PAWL_YAML_LIST && k < v->count; k++) looks |= looks_of(v->items[k]->text);
    }
    return looks;
}

/* Which of them it speaks of where it stands itself, not within one of them. */
static unsigned speaks_of(struct looks *l, const struct pawl_yaml *root, const struct pawl_yaml *v)
{
    static const char *const lists[] = {"allOf", "anyOf", "oneOf", NULL};
    static const char *const single[] = {"not", "if", "then", "else", NULL};
    static const char *const by_name[] = {"dependentRequired", "dependentSchemas", "dependencies", NULL};
    static const char *const any[] = {"enum", "const", "patternProperties", "$dynamicRef", "$recursiveRef", NULL};
    static const char *const others[] = {"additionalProperties", "unevaluatedProperties", NULL};
    const struct pawl_yaml *at;
    unsigned looks = 0;
    if (v->kind != PAWL_YAML_MAP) return 0;
    if (pawl_reader_get(v, "$id")) root = v;
    if ((at = pawl_reader_get(v, "$ref")) != NULL) looks |= follow(l, root, at);
    if ((at = pawl_reader_get(v, "properties")) && at->kind == PAWL_YAML_MAP) looks |= members(l->r, at);
    at = pawl_reader_get(v, "required");
    for (uint32_t i = 0; at && at->kind == PAWL_YAML_LIST && i < at->count; i++) looks |= looks_of(at->items[i]->text);
    for (const char *const *k = lists; *k; k++) {
        at = pawl_reader_get(v, *k);
        for (uint32_t i = 0; at && at->kind == PAWL_YAML_LIST && i < at->count; i++)
            looks |= speaks_of(l, root, at->items[i]);
    }
    for (const char *const *k = single; *k; k++)
        if ((at = pawl_reader_get(v, *k)) != NULL) looks |= speaks_of(l, root, at);
    for (const char *const *k = by_name; *k; k++)
        if ((at = pawl_reader_get(v, *k)) != NULL) looks |= depends(l, root, at);
    for (const char *const *k = any; *k; k++) l->unsure = l->unsure || pawl_reader_get(v, *k);
    for (const char *const *k = others; *k; k++)
        l->unsure = l->unsure || ((at = pawl_reader_get(v, *k)) != NULL && at->kind == PAWL_YAML_MAP);
    return looks;
}

unsigned pawl_reader_looks(struct pawl_reader *r, const struct pawl_yaml *v, const struct pawl_tool *t)
{
    struct looks l = {.r = r};
    unsigned looks;
    if (!v) return 0;
    looks = speaks_of(&l, v, v) | pawl_reader_refers(v);
    if (l.unsure) looks |= PAWL_CHECK_RESULT;
    if (l.unsure && t->effect != PAWL_EFFECT_READ) looks |= PAWL_CHECK_BEFORE | PAWL_CHECK_AFTER;
    return looks;
}
