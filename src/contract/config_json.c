/* src/contract/config_json.c - parts of a configuration that stay JSON: schemas, bodies, arguments, with $arg in them. */
#include "contract/config_env.h"
#include "contract/config_read.h"
#include "contract/template.h"
#include <string.h>

struct pawl_str pawl_reader_canonical(struct pawl_reader *r, const struct pawl_yaml *v, yyjson_val **tree)
{
    const struct pawl_str nothing = {NULL, 0};
    struct pawl_buf text, out;
    struct pawl_error err = {.code = PAWL_OK};
    yyjson_val *root = NULL;
    pawl_buf_init_arena(&text, r->arena);
    pawl_buf_init_arena(&out, r->arena);
    struct pawl_json_writer w = {.out = &text};
    pawl_yaml_json(v, &w);
    const struct pawl_str plain = pawl_buf_done(&text);
    if (!plain.p) return nothing;
    int code = pawl_json_read(plain, r->arena, &root, &err);
    if (code == PAWL_OK) code = pawl_json_canonical(root, &out, &err);
    if (code == PAWL_ENOMEM || out.failed) return r->no_memory = true, nothing;
    if (code != PAWL_OK) {
        pawl_fault(r->faults, v->line, v->column, err.next, "cannot be kept as JSON: %s", err.what);
        return nothing;
    }
    if (tree) *tree = root;
    return pawl_buf_done(&out);
}

const char *pawl_pointer_fault(struct pawl_str pointer)
{
    if (pointer.n == 0 || pointer.p[0] != '/') return "is no JSON pointer: it begins with a /, as in /order_id";
    for (uint32_t i = 0; i < pointer.n; i++)
        if (pointer.p[i] == '~' && (i + 1 == pointer.n || (pointer.p[i + 1] != '0' && pointer.p[i + 1] != '1')))
            return "is no JSON pointer: ~ is written ~0, and / in a name ~1";
    return NULL;
}

struct pawl_str pawl_pointer_head(struct pawl_str pointer)
{
    uint32_t n = 1;
    if (pointer.n == 0) return (struct pawl_str){NULL, 0};
    while (n < pointer.n && pointer.p[n] != '/') n++;
    return (struct pawl_str){pointer.p + 1, n - 1};
}

/* A walk through such a part. */
struct walk {
    struct pawl_reader *r;
    const char *key;
    unsigned arg; /* what $arg may refer to; 0: it may not be there */
    bool schema;  /* texts that look like templates are texts */
};

/* NULL: this $arg is one, and the rest of its pointer behind the root is in *rest. */
static const char *arg_fault(const struct walk *w, const struct pawl_yaml *map, const struct pawl_yaml_member *m,
                             struct pawl_str *head, struct pawl_str *rest)
{
    static const char *const roots[] = {"args", "run", "result", "key", "facts", "before", "after"};
    static const unsigned bits[] = {PAWL_ARG_ARGS,  PAWL_ARG_RUN,   PAWL_ARG_RESULT, PAWL_ARG_KEY,
                                    PAWL_ARG_FACTS, PAWL_ARG_PLACE, PAWL_ARG_PLACE};
    const struct pawl_str pointer = m->value->text;
    if (w->arg == 0) return "is not read here";
    if (map->count != 1) return "stands alone in its mapping";
    if (m->value->kind != PAWL_YAML_TEXT) return "wants a JSON pointer";
    const char *why = pawl_pointer_fault(pointer);
    if (why) return why;
    *head = pawl_pointer_head(pointer);
    *rest = (struct pawl_str){pointer.p + 1 + head->n, pointer.n - 1 - head->n};
    for (unsigned i = 0; i < sizeof roots / sizeof *roots; i++)
        if ((w->arg & bits[i]) != 0 && pawl_str_is(*head, roots[i])) return NULL;
    if (w->arg & PAWL_ARG_PLACE) return "refers to /args, /run, /result, /before or /after";
    if (w->arg & PAWL_ARG_RESULT) return "refers to /args, /run, /result or /key";
    if (!(w->arg & PAWL_ARG_ARGS)) return "refers to /run or /facts";
    return w->arg & PAWL_ARG_FACTS ? "refers to /args, /run or /facts" : "refers to /args or /run";
}

static void check_arg(const struct walk *w, const struct pawl_yaml *map, const struct pawl_yaml_member *m, bool placed)
{
    struct pawl_str head, rest;
    if (m->value->kind == PAWL_YAML_BAD) return;
    const char *why = arg_fault(w, map, m, &head, &rest);
    if (!why && !placed) why = "stands for the value of const, minimum, maximum, exclusive ones, or an item of enum";
    if (why) pawl_fault(w->r->faults, m->line, m->column, "write {$arg: /args/NAME}", "%s: $arg %s", w->key, why);
    else if (pawl_str_is(head, "args") && rest.n > 0 && !memchr(rest.p, '~', rest.n))
        pawl_reader_argument(w->r, m->line, m->column, pawl_pointer_head(rest));
}

/* Where the value of a keyword may be a $arg (contract/schema.h), or the items of its list. */
enum place { NOWHERE, HERE, ITEMS };

static enum place place_of(const struct walk *w, struct pawl_str keyword)
{
    static const char *const here[] = {"const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"};
    if (!w->schema) return HERE;
    for (size_t i = 0; i < sizeof here / sizeof *here; i++)
        if (pawl_str_is(keyword, here[i])) return HERE;
    return pawl_str_is(keyword, "enum") ? ITEMS : NOWHERE;
}

/* As deep as a tree is. */
static void walk(const struct walk *w, const struct pawl_yaml *v, enum place at)
{
    if (v->kind == PAWL_YAML_TEXT && pawl_env_has(v->text))
        pawl_fault(w->r->faults, v->line, v->column, "secrets belong into headers",
                   "%s: a reference to the environment is not read here", w->key);
    if (v->kind == PAWL_YAML_TEXT && !w->schema && pawl_template_has(v->text))
        pawl_fault(w->r->faults, v->line, v->column, "write {$arg: /args/NAME} for the value",
                   "%s: texts within JSON are no templates", w->key);
    for (uint32_t i = 0; v->kind == PAWL_YAML_LIST && i < v->count; i++)
        walk(w, v->items[i], w->schema && at != ITEMS ? NOWHERE : HERE);
    for (uint32_t i = 0; v->kind == PAWL_YAML_MAP && i < v->count; i++) {
        const struct pawl_yaml_member *m = &v->members[i];
        if (pawl_str_is(m->key, "$arg")) check_arg(w, v, m, at == HERE);
        else walk(w, m->value, place_of(w, m->key));
    }
}

void pawl_reader_literal(struct pawl_reader *r, const struct pawl_yaml *v, const char *key)
{
    const struct walk w = {r, key, 0, true};
    walk(&w, v, w.schema ? NOWHERE : HERE);
}

bool pawl_reader_json(struct pawl_reader *r, const struct pawl_yaml *v, const char *key, unsigned arg,
                      struct pawl_str *out)
{
    const struct walk w = {r, key, arg, false};
    const uint32_t before = r->faults->count;
    walk(&w, v, w.schema ? NOWHERE : HERE);
    *out = pawl_reader_canonical(r, v, NULL);
    return out->p != NULL && r->faults->count == before;
}

/* A schema's fault stands where its keyword does. */
static void schema_fault(struct pawl_reader *r, const struct pawl_yaml *v, const char *key,
                         const struct pawl_error *err)
{
    uint32_t line, column;
    pawl_yaml_place(v, pawl_str_of(err->where), &line, &column);
    pawl_fault(r->faults, line, column, err->next, "%s: not a schema: %s%s%s", key, err->where,
               err->where[0] ? ": " : "", err->what);
}

bool pawl_reader_schema(struct pawl_reader *r, const struct pawl_yaml *map, const char *key, unsigned arg,
                        struct pawl_schema **out, struct pawl_str *json)
{
    const struct pawl_yaml *v = pawl_reader_get(map, key);
    const struct walk w = {r, key, arg, true};
    const struct pawl_schema_options options = {.allow_arg = arg != 0, .cache = &r->schemas};
    struct pawl_error err = {.code = PAWL_OK};
    yyjson_val *tree = NULL;
    if (!v) return false;
    if (v->kind != PAWL_YAML_MAP && v->kind != PAWL_YAML_BOOL) {
        pawl_reader_expected(r, v, key, "a JSON Schema: a mapping, or true or false");
        return false;
    }
    const uint32_t before = r->faults->count;
    walk(&w, v, w.schema ? NOWHERE : HERE);
    const struct pawl_str text = pawl_reader_canonical(r, v, &tree);
    if (!text.p || r->faults->count != before) return false; /* what was told once is not told again by the compiler */
    const int code = pawl_schema_compile(tree, &options, r->from, out, &err);
    if (code == PAWL_ENOMEM) r->no_memory = true;
    else if (code != PAWL_OK) schema_fault(r, v, key, &err);
    if (code == PAWL_OK && json) *json = text;
    return code == PAWL_OK;
}
