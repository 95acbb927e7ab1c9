/* src/contract/config_read.c - typed values out of a tree, and the faults where they are not what they must be. */
#include "contract/config_read.h"
#include "contract/shown.h"
#include "contract/units.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

const struct pawl_yaml *pawl_reader_get(const struct pawl_yaml *map, const char *key)
{
    const struct pawl_yaml_member *m = pawl_yaml_member(map, key);
    return m ? m->value : NULL;
}

bool pawl_reader_need(struct pawl_reader *r, const struct pawl_yaml *map, const char *key, const char *next)
{
    if (pawl_yaml_member(map, key)) return true;
    pawl_fault(r->faults, map->line, map->column, next, "key '%s' is missing", key);
    return false;
}

bool pawl_reader_suggests(const struct pawl_reader *r)
{
    return r->faults->count < PAWL_CONFIG_ERRORS;
}

bool pawl_reader_few(struct pawl_reader *r, const struct pawl_yaml *v, const char *what, uint32_t max)
{
    if (v->count <= max) return true;
    pawl_fault(r->faults, v->line, v->column, "", "expected at most %u %s, found %u", max, what, v->count);
    return false;
}

/* What came, in words. Foreign text is shown so that it stays one line. */
static const char *found(struct pawl_reader *r, const struct pawl_yaml *v)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, r->arena);
    switch (v->kind) {
    case PAWL_YAML_BAD:
    case PAWL_YAML_NULL: return "nothing";
    case PAWL_YAML_LIST: return "a list";
    case PAWL_YAML_MAP: return "a mapping";
    case PAWL_YAML_BOOL: pawl_buf_str(&b, v->text); break;
    case PAWL_YAML_NUMBER: pawl_buf_printf(&b, "the number %.40s", v->text.p); break;
    case PAWL_YAML_TEXT:
        pawl_buf_char(&b, '\'');
        pawl_shown(v->text, 60, &b);
        pawl_buf_char(&b, '\'');
        break;
    }
    const struct pawl_str s = pawl_buf_done(&b);
    return s.p ? s.p : "something else";
}

void pawl_reader_expected(struct pawl_reader *r, const struct pawl_yaml *v, const char *key, const char *expected)
{
    if (v->kind == PAWL_YAML_BAD) return;
    pawl_fault(r->faults, v->line, v->column, "", "%s: expected %s, found %s", key, expected, found(r, v));
}

void pawl_reader_dangling(struct pawl_reader *r, const struct pawl_yaml *v, const char *what,
                          const struct pawl_near *near)
{
    const struct pawl_str name = near->name, best = near->best;
    const int n = name.n > 80 ? 80 : (int)name.n;
    if (best.p)
        pawl_fault(r->faults, v->line, v->column, "", "there is no %s '%.*s'; did you mean '%.*s'?", what, n, name.p,
                   (int)best.n, best.p);
    else pawl_fault(r->faults, v->line, v->column, "", "there is no %s '%.*s'", what, n, name.p);
}

static void list_keys(const char *const *now, char *out, size_t size)
{
    size_t n = 0;
    for (; *now && n < size; now++) n += (size_t)snprintf(out + n, size - n, "%s%s", n ? ", " : "known here: ", *now);
}

static void unknown_key(struct pawl_reader *r, const struct pawl_yaml_member *m, const char *const *now)
{
    struct pawl_near near = {.name = m->key};
    char known[sizeof((struct pawl_error *)0)->next] = "";
    const int n = m->key.n > 80 ? 80 : (int)m->key.n;
    for (const char *const *k = now; pawl_reader_suggests(r) && *k; k++) pawl_near_try(&near, pawl_str_of(*k));
    list_keys(now, known, sizeof known);
    if (near.best.p)
        pawl_fault(r->faults, m->line, m->column, known, "unknown key '%.*s'; did you mean '%.*s'?", n, m->key.p,
                   (int)near.best.n, near.best.p);
    else pawl_fault(r->faults, m->line, m->column, known, "unknown key '%.*s'", n, m->key.p);
}

static bool among(struct pawl_str key, const char *const *names)
{
    for (; names && *names; names++)
        if (pawl_str_is(key, *names)) return true;
    return false;
}

void pawl_reader_keys(struct pawl_reader *r, const struct pawl_yaml *map, const char *const *now,
                      const char *const *later)
{
    for (uint32_t i = 0; i < map->count; i++) {
        const struct pawl_yaml_member *m = &map->members[i];
        if (among(m->key, now)) continue;
        if (among(m->key, later))
            pawl_fault(r->faults, m->line, m->column, "leave it out", "key '%.*s' is not in this version",
                       (int)m->key.n, m->key.p);
        else unknown_key(r, m, now);
    }
}

static const struct pawl_yaml *of_kind(struct pawl_reader *r, const struct pawl_yaml *map, const char *key,
                                       enum pawl_yaml_kind kind, const char *expected)
{
    const struct pawl_yaml *v = pawl_reader_get(map, key);
    if (!v || v->kind == kind) return v;
    pawl_reader_expected(r, v, key, expected);
    return NULL;
}

const struct pawl_yaml *pawl_reader_map(struct pawl_reader *r, const struct pawl_yaml *map, const char *key)
{
    return of_kind(r, map, key, PAWL_YAML_MAP, "a mapping of keys to values");
}

const struct pawl_yaml *pawl_reader_list(struct pawl_reader *r, const struct pawl_yaml *map, const char *key)
{
    return of_kind(r, map, key, PAWL_YAML_LIST, "a list");
}

bool pawl_reader_duration(struct pawl_reader *r, const struct pawl_yaml *map, const char *key, int64_t min_ns,
                          int64_t *out)
{
    const struct pawl_yaml *v = pawl_reader_get(map, key);
    int64_t ns;
    if (!v) return false;
    if (v->kind != PAWL_YAML_TEXT || !pawl_unit_duration(v->text, &ns)) {
        pawl_reader_expected(r, v, key, "a duration such as 250ms, 5s, 10m, 24h or 30d");
        return false;
    }
    if (ns < min_ns) {
        pawl_reader_expected(r, v, key, min_ns == 1 ? "a duration of more than 0s" : "a longer duration");
        return false;
    }
    *out = ns;
    return true;
}

bool pawl_reader_flag(struct pawl_reader *r, const struct pawl_yaml *map, const char *key, bool *out)
{
    const struct pawl_yaml *v = pawl_reader_get(map, key);
    if (!v) return false;
    if (v->kind == PAWL_YAML_BOOL) return *out = pawl_str_is(v->text, "true"), true;
    pawl_reader_expected(r, v, key, "true or false");
    return false;
}

bool pawl_reader_share(struct pawl_reader *r, const struct pawl_yaml *map, const char *key, double *pct)
{
    const struct pawl_yaml *v = pawl_reader_get(map, key);
    if (!v) return false;
    if (v->kind == PAWL_YAML_TEXT && pawl_unit_share(v->text, pct) && *pct > 0) return true;
    pawl_reader_expected(r, v, key, "a share such as 50%");
    return false;
}

bool pawl_reader_size(struct pawl_reader *r, const struct pawl_yaml *map, const char *key, int64_t min_bytes,
                      int64_t *out)
{
    const struct pawl_yaml *v = pawl_reader_get(map, key);
    int64_t bytes;
    if (!v) return false;
    if (v->kind != PAWL_YAML_TEXT || !pawl_unit_size(v->text, &bytes)) {
        pawl_reader_expected(r, v, key, "a size such as 64KiB, 128MiB or 1GiB");
        return false;
    }
    if (bytes < min_bytes) {
        char expected[48];
        snprintf(expected, sizeof expected, "a size of at least %lldB", (long long)min_bytes);
        pawl_reader_expected(r, v, key, expected);
        return false;
    }
    *out = bytes;
    return true;
}

/* The value of a number, or of a count such as 200k. */
static bool number_of(const struct pawl_yaml *v, double *out)
{
    yyjson_val n = {0};
    int64_t count;
    if (v->kind == PAWL_YAML_NUMBER && yyjson_read_number(v->text.p, &n, YYJSON_READ_NOFLAG, NULL, NULL)) {
        *out = yyjson_get_num(&n);
        return true;
    }
    if (v->kind != PAWL_YAML_TEXT || !pawl_unit_count(v->text, &count)) return false;
    *out = (double)count;
    return true;
}

bool pawl_reader_number(struct pawl_reader *r, const struct pawl_yaml *map, const char *key, double min, double max,
                        double *out)
{
    const struct pawl_yaml *v = pawl_reader_get(map, key);
    char expected[64];
    double d;
    if (!v) return false;
    if (v->kind == PAWL_YAML_NUMBER && number_of(v, &d) && d >= min && d <= max) return *out = d, true;
    snprintf(expected, sizeof expected, "a number from %d to %d", (int)min, (int)max);
    pawl_reader_expected(r, v, key, expected);
    return false;
}

bool pawl_reader_count(struct pawl_reader *r, const struct pawl_yaml *map, const char *key, uint32_t max, uint32_t *out)
{
    const struct pawl_yaml *v = pawl_reader_get(map, key);
    char expected[64];
    double d;
    if (!v) return false;
    if (number_of(v, &d) && d >= 1 && d <= (double)max && d == (double)(uint32_t)d) return *out = (uint32_t)d, true;
    snprintf(expected, sizeof expected, "a whole number from 1 to %u", max);
    pawl_reader_expected(r, v, key, expected);
    return false;
}

bool pawl_reader_choice(struct pawl_reader *r, const struct pawl_yaml *map, const char *key, const char *const *choices,
                        int *out)
{
    const struct pawl_yaml *v = pawl_reader_get(map, key);
    char expected[256];
    size_t n = 0;
    if (!v) return false;
    for (int i = 0; choices[i]; i++)
        if (v->kind == PAWL_YAML_TEXT && pawl_str_is(v->text, choices[i])) return *out = i, true;
    for (int i = 0; choices[i] && n < sizeof expected; i++)
        n += (size_t)snprintf(expected + n, sizeof expected - n, "%s%s",
                              i == 0           ? ""
                              : choices[i + 1] ? ", "
                                               : " or ",
                              choices[i]);
    pawl_reader_expected(r, v, key, expected);
    return false;
}

static void read_waits(struct pawl_reader *r, const struct pawl_yaml *v, const char *key, struct pawl_retry *out)
{
    static const char *const jitters[] = {"none", "full", "decorrelated", NULL};
    int jitter;
    pawl_reader_count(r, v, "attempts", 100, &out->attempts);
    pawl_reader_duration(r, v, "first", 1, &out->first_ns);
    pawl_reader_number(r, v, "factor", 1, 100, &out->factor);
    pawl_reader_duration(r, v, "max", 1, &out->max_ns);
    if (pawl_reader_choice(r, v, "jitter", jitters, &jitter)) out->jitter = (enum pawl_jitter)jitter;
    if (out->max_ns >= out->first_ns) return;
    if (!pawl_reader_get(v, "max")) {
        out->max_ns = out->first_ns;
        return;
    }
    pawl_fault(r->faults, v->line, v->column, "make max the longer one", "%s: max is shorter than first", key);
}

/* on: {rate_limited: {attempts: 8, first: 5s}}: what a rule leaves out is what stands beside it. */
static void read_rules(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_retry *out)
{
    static const char *const known[] = {"attempts", "first", "factor", "max", "jitter", NULL};
    static const enum pawl_class classes[] = {PAWL_CLASS_TIMEOUT, PAWL_CLASS_RATE_LIMITED, PAWL_CLASS_OVERLOADED,
                                              PAWL_CLASS_UNAVAILABLE, PAWL_CLASS_MALFORMED};
    const struct pawl_yaml *on = pawl_reader_map(r, v, "on");
    struct pawl_retry_rule *rules = on ? pawl_arena_zeroed(r->arena, (on->count + 1) * sizeof *rules) : NULL;
    if (!rules) return;
    out->on = rules;
    out->on_count = 0;
    for (uint32_t i = 0; i < on->count; i++) {
        const struct pawl_yaml_member *m = &on->members[i];
        struct pawl_retry_rule rule = {.error_class = pawl_class_of(m->key), .retry = *out};
        bool fits = false;
        for (size_t k = 0; k < sizeof classes / sizeof *classes; k++) fits = fits || classes[k] == rule.error_class;
        if (!fits) {
            pawl_fault(r->faults, m->line, m->column, "",
                       "on: expected timeout, rate_limited, overloaded, unavailable or malformed, found '%.*s'",
                       m->key.n > 80 ? 80 : (int)m->key.n, m->key.p);
        } else if (m->value->kind != PAWL_YAML_MAP) {
            pawl_reader_expected(r, m->value, "on", "a mapping such as {attempts: 8, first: 5s}");
        } else {
            pawl_reader_keys(r, m->value, known, NULL);
            read_waits(r, m->value, "on", &rule.retry);
            rule.retry.on = NULL;
            rule.retry.on_count = 0;
            rules[out->on_count++] = rule;
        }
    }
}

/* budget: none, or {share: 20%, reserve: 100} */
static void read_budget(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_retry *out)
{
    static const char *const known[] = {"share", "reserve", NULL};
    const struct pawl_yaml *budget = pawl_reader_get(v, "budget");
    if (!budget) return;
    if (budget->kind == PAWL_YAML_MAP) {
        pawl_reader_keys(r, budget, known, NULL);
        pawl_reader_share(r, budget, "share", &out->budget);
        pawl_reader_count(r, budget, "reserve", 100000, &out->reserve);
    } else if (budget->kind == PAWL_YAML_TEXT && pawl_str_is(budget->text, "none")) {
        out->budget = 0;
    } else {
        pawl_reader_expected(r, budget, "budget", "none, or a mapping such as {share: 20%, reserve: 100}");
    }
}

void pawl_reader_retry(struct pawl_reader *r, const struct pawl_yaml *map, const char *key, struct pawl_retry *out)
{
    static const char *const known[] = {"attempts", "first", "factor", "max", "jitter", "budget", "on", NULL};
    const struct pawl_yaml *v = pawl_reader_map(r, map, key);
    if (!v) return;
    pawl_reader_keys(r, v, known, NULL);
    read_waits(r, v, key, out);
    read_budget(r, v, out);
    read_rules(r, v, out);
}

void pawl_reader_name(struct pawl_reader *r, const struct pawl_yaml_member *m, const char *what, bool dots)
{
    bool fine = m->key.n >= 1 && m->key.n <= 64;
    for (uint32_t i = 0; fine && i < m->key.n; i++) {
        const char c = m->key.p[i];
        fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
               (dots && c == '.');
    }
    if (!fine)
        pawl_fault(r->faults, m->line, m->column, "",
                   "%s: expected a name of up to 64 letters, digits, _%s -, found '%.*s'", what,
                   dots ? ", . and" : " and", m->key.n > 80 ? 80 : (int)m->key.n, m->key.p);
}
