/* src/contract/config_text.c - texts of a configuration, and what they take from the environment.
 *
 * A target (where a call goes) is resolved at load and recorded with the intent; a secret (a header's value, an API key)
 * stays a reference and is only captured. Everywhere else a reference is a fault: nothing is left standing that looks as
 * if it were read. Faults never show the value of a variable. */
#include "contract/config_env.h"
#include "contract/config_read.h"
#include "contract/shown.h"
#include "contract/template.h"
#include <stdio.h>
#include <string.h>

enum { VALUE_MAX = 64 * 1024 };
static const char where_read[] = "it may stand in store, base_url, model, api_key, headers, url and command";

static bool is_text(struct pawl_reader *r, const struct pawl_yaml *v, const char *key)
{
    if (v->kind == PAWL_YAML_TEXT) return true;
    const bool scalar = v->kind == PAWL_YAML_NUMBER || v->kind == PAWL_YAML_BOOL;
    pawl_reader_expected(r, v, key, scalar ? "a text (in quotes)" : "a text");
    return false;
}

bool pawl_reader_text(struct pawl_reader *r, const struct pawl_yaml *map, const char *key, struct pawl_str *out)
{
    const struct pawl_yaml *v = pawl_reader_get(map, key);
    if (!v || !is_text(r, v, key)) return false;
    if (pawl_env_has(v->text)) {
        pawl_fault(r->faults, v->line, v->column, where_read, "%s: a reference to the environment is not read here",
                   key);
        return false;
    }
    *out = v->text;
    return true;
}

/* Is this variable set? *out is the arena's. */
static bool look_up(struct pawl_reader *r, struct pawl_str name, struct pawl_str *out)
{
    const struct pawl_str copy = pawl_str_copy(r->arena, name);
    *out = (struct pawl_str){NULL, 0};
    if (!copy.p || !r->env) return false;
    const struct pawl_str value = r->env->get(r->env->ctx, copy.p);
    if (!value.p) return false;
    *out = pawl_str_copy(r->arena, value);
    return out->p != NULL;
}

static bool is_utf8(struct pawl_str s)
{
    for (uint32_t at = 0; at < s.n;)
        if (pawl_utf8_next(s, &at) < 0) return false;
    return true;
}

static bool has_control(struct pawl_str s)
{
    for (uint32_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f) return true;
    return false;
}

static void not_set(struct pawl_reader *r, const struct pawl_yaml *v, const char *key, struct pawl_str name)
{
    const int n = name.n > 80 ? 80 : (int)name.n;
    char next[sizeof((struct pawl_error *)0)->next];
    snprintf(next, sizeof next, "set it, or write ${env:%.*s:-default}", n, name.p);
    pawl_fault(r->faults, v->line, v->column, next, "%s: environment variable %.*s is not set", key, n, name.p);
}

/* The value that a reference stands for, fit to be used; false, and told: there is none. from_env: not the default. */
static bool value_of(struct pawl_reader *r, const struct pawl_yaml *v, const char *key, const struct pawl_env_ref *ref,
                     struct pawl_str *out, bool *from_env)
{
    if (ref->fault) {
        pawl_fault(r->faults, v->line, v->column, "write ${env:NAME} or ${env:NAME:-default}", "%s: '%.*s' %s", key,
                   ref->whole.n > 80 ? 80 : (int)ref->whole.n, ref->whole.p, ref->fault);
        return false;
    }
    *from_env = look_up(r, ref->name, out);
    if (ref->has_otherwise && out->n == 0) {
        *from_env = false;
        *out = ref->otherwise;
        return true;
    }
    if (!*from_env) return not_set(r, v, key, ref->name), false;
    const char *why = out->n > VALUE_MAX  ? "is longer than 64 KiB"
                      : has_control(*out) ? "holds a control character (a line end, perhaps)"
                      : !is_utf8(*out)    ? "is not UTF-8"
                                          : NULL;
    if (why)
        pawl_fault(r->faults, v->line, v->column, "", "%s: the value of environment variable %.*s %s", key,
                   ref->name.n > 80 ? 80 : (int)ref->name.n, ref->name.p, why);
    return why == NULL;
}

static void add_value(struct pawl_buf *out, struct pawl_str value, bool template)
{
    for (uint32_t i = 0; i < value.n; i++) {
        if (template && value.p[i] == '{') pawl_buf_char(out, '{'); /* {{ is a brace */
        pawl_buf_char(out, value.p[i]);
    }
}

bool pawl_reader_target(struct pawl_reader *r, const struct pawl_yaml *v, const char *key, bool template,
                        struct pawl_str *out)
{
    struct pawl_env_ref ref;
    struct pawl_str value;
    struct pawl_buf b;
    uint32_t at = 0, done = 0;
    bool fine = true, from_env;
    if (!is_text(r, v, key)) return false;
    if (memchr(v->text.p, 0, v->text.n))
        return pawl_reader_expected(r, v, key, "a text without a NUL character"), false;
    pawl_buf_init_arena(&b, r->arena);
    while (pawl_env_next(v->text, &at, &ref)) {
        pawl_buf_add(&b, v->text.p + done, (size_t)(ref.whole.p - (v->text.p + done)));
        done = at;
        if (value_of(r, v, key, &ref, &value, &from_env)) add_value(&b, value, template);
        else fine = false;
    }
    pawl_buf_add(&b, v->text.p + done, v->text.n - done);
    if (!fine) return false;
    *out = pawl_buf_done(&b);
    return out->p != NULL;
}

static void capture(struct pawl_reader *r, struct pawl_str name, struct pawl_str value)
{
    struct pawl_config *c = r->config;
    for (uint32_t i = 0; i < c->secrets_count; i++)
        if (pawl_str_eq(c->secrets[i].name, name)) return;
    if (c->secrets_count == r->secrets_size) {
        const uint32_t size = r->secrets_size ? r->secrets_size * 2 : 8;
        struct pawl_pair *grown = pawl_arena_get(r->arena, size * sizeof *grown);
        if (!grown) return;
        if (c->secrets_count > 0) memcpy(grown, r->secrets, c->secrets_count * sizeof *grown);
        r->secrets = grown;
        r->secrets_size = size;
        c->secrets = grown;
    }
    r->secrets[c->secrets_count++] = (struct pawl_pair){pawl_str_copy(r->arena, name), value};
}

/* A model is called by a run, not with arguments. */
static bool of_run_only(struct pawl_str text)
{
    struct pawl_str path;
    uint32_t at = 0;
    if (!pawl_template_has(text)) return true;
    if (pawl_template_check(text, NULL) != PAWL_OK) return false;
    while (pawl_template_next(text, &at, &path))
        if (path.n < 4 || memcmp(path.p, "run.", 4) != 0) return false;
    return true;
}

bool pawl_reader_secret(struct pawl_reader *r, const struct pawl_yaml *v, const char *key, bool template,
                        struct pawl_str *out)
{
    struct pawl_env_ref ref;
    struct pawl_str value;
    uint32_t at = 0;
    bool fine = true, from_env;
    if (v->kind != PAWL_YAML_TEXT) { /* what stands there may be a secret: it is not shown */
        if (v->kind != PAWL_YAML_BAD)
            pawl_fault(r->faults, v->line, v->column, "put it into quotes", "%s: expected a text", key);
        return false;
    }
    if (has_control(v->text)) {
        pawl_fault(r->faults, v->line, v->column, "", "%s: holds a control character or a line end", key);
        return false;
    }
    while (pawl_env_next(v->text, &at, &ref)) {
        if (!value_of(r, v, key, &ref, &value, &from_env)) fine = false;
        else if (from_env) capture(r, ref.name, value);
    }
    if (template && !pawl_reader_template(r, v, key, v->text)) return false;
    if (!template && !of_run_only(v->text)) {
        pawl_fault(r->faults, v->line, v->column, "there are {run.id}, {run.key}, {run.agent} and {run.input.NAME}",
                   "%s: a model's call has no such value", key);
        return false;
    }
    *out = v->text;
    return fine;
}

/* Is there such an argument? Where the input does not tell, yes. */
bool pawl_reader_argument(struct pawl_reader *r, uint32_t line, uint32_t column, struct pawl_str name)
{
    struct pawl_near near = {.name = name};
    const struct pawl_yaml at = {.kind = PAWL_YAML_TEXT, .line = line, .column = column};
    if (!r->arguments) return true;
    if (pawl_yaml_find(r->arguments, name)) return true;
    for (uint32_t i = 0; pawl_reader_suggests(r) && i < r->arguments->count; i++)
        pawl_near_try(&near, r->arguments->members[i].key);
    pawl_reader_dangling(r, &at, "argument", &near);
    return false;
}

bool pawl_reader_template(struct pawl_reader *r, const struct pawl_yaml *v, const char *key, struct pawl_str text)
{
    struct pawl_error err;
    struct pawl_str path;
    uint32_t at = 0;
    bool fine = true;
    if (pawl_template_check(text, &err) != PAWL_OK) {
        pawl_fault(r->faults, v->line, v->column, err.next, "%s: %s", key, err.what);
        return false;
    }
    while (pawl_template_next(text, &at, &path)) {
        if (path.n < 6 || memcmp(path.p, "args.", 5) != 0) continue;
        const char *end = memchr(path.p + 5, '.', path.n - 5);
        const struct pawl_str name = {path.p + 5, end ? (uint32_t)(end - path.p) - 5 : path.n - 5};
        fine = pawl_reader_argument(r, v->line, v->column, name) && fine;
    }
    return fine;
}
