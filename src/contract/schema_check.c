/* src/contract/schema_check.c - an instance against compiled nodes: bounded recursion, nothing allocated.
 *
 * What is evaluated of one instance is a set of member or item indexes; a branch works on its own set, which is added to
 * the set above only where the branch passed. Sets are kept only where unevaluated* stands somewhere in the schema. */
#include "contract/schema_node.h"
#include <string.h>

struct seen {
    uint64_t bits[PAWL_EVALUATED_MAX / 64];
};
struct scope { /* resources entered so far, innermost first */
    const struct pawl_schema_resource *resource;
    const struct scope *outer;
};
struct where { /* the place in the instance, innermost first */
    const struct where *outer;
    struct pawl_str name;
    size_t index;
    bool root;
};
struct run {
    const struct pawl_schema *s;
    yyjson_val *context;
    struct pawl_schema_report *report; /* NULL: only the verdict matters here */
    int depth, rc;
};

static bool check(struct run *r, const struct pawl_schema_node *n, yyjson_val *v, const struct where *at,
                  const struct scope *scope, struct seen *seen);

static void mark(struct seen *seen, size_t i)
{
    if (seen) seen->bits[i / 64] |= UINT64_C(1) << (i % 64);
}

static bool marked(const struct seen *seen, size_t i)
{
    return seen->bits[i / 64] >> (i % 64) & 1;
}

static void add(struct seen *to, const struct seen *from)
{
    for (size_t i = 0; to && i < PAWL_EVALUATED_MAX / 64; i++) to->bits[i] |= from->bits[i];
}

/* The pointer to the place, cut at the left so that its end stays. */
static size_t write_where(const struct where *at, char *out, size_t size)
{
    size_t n;
    if (!at || at->root) return 0;
    n = write_where(at->outer, out, size);
    if (n + 2 >= size) return n;
    out[n++] = '/';
    if (at->name.p) {
        for (uint32_t i = 0; i < at->name.n && n + 2 < size; i++) {
            const char c = at->name.p[i];
            if (c == '~' || c == '/') out[n++] = '~', out[n++] = c == '~' ? '0' : '1';
            else out[n++] = (uint8_t)c < 0x20 || c == 0x7f ? '?' : c;
        }
    } else {
        char digits[24];
        size_t d = 0;
        for (size_t i = at->index; d == 0 || i; i /= 10) digits[d++] = (char)('0' + i % 10);
        while (d && n + 1 < size) out[n++] = digits[--d];
    }
    return n;
}

static void put(char *out, size_t size, size_t *n, const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes && *n + 1 < size; i++) {
        const char c = text[i];
        out[(*n)++] = (uint8_t)c < 0x20 || c == 0x7f ? ' ' : c;
    }
    out[*n] = 0;
}

/* A value as a person would name it: short JSON, cut. Numbers and short text whole, containers by kind and size. */
static void put_value(char *out, size_t size, size_t *n, yyjson_val *v)
{
    char memory[512];
    yyjson_alc alc;
    size_t bytes = 0;
    const char *text = NULL;
    if (yyjson_is_ctn(v)) {
        text = yyjson_is_obj(v) ? "an object" : "an array";
        put(out, size, n, text, strlen(text));
        return;
    }
    if (yyjson_is_str(v)) {
        const size_t len = yyjson_get_len(v);
        size_t cut = len < 60 ? len : 60;
        while (cut < len && cut > 0 && ((uint8_t)yyjson_get_str(v)[cut] & 0xc0) == 0x80) cut--;
        put(out, size, n, "\"", 1);
        put(out, size, n, yyjson_get_str(v), cut);
        put(out, size, n, len > cut ? "…\"" : "\"", len > cut ? strlen("…\"") : 1);
        return;
    }
    yyjson_alc_pool_init(&alc, memory, sizeof memory);
    text = yyjson_val_write_opts(v, YYJSON_WRITE_NOFLAG, &alc, &bytes, NULL);
    if (text) put(out, size, n, text, bytes);
}

/* One violation: "expected EXPECTED [DETAIL], found VALUE". */
static bool bad(struct run *r, const struct pawl_schema_node *node, const char *keyword, const struct where *at,
                yyjson_val *v, const char *expected, struct pawl_str detail, yyjson_val *limit)
{
    struct pawl_schema_report *report = r->report;
    struct pawl_schema_violation *x;
    size_t n = 0;
    if (!report) return false;
    if (report->count++ >= PAWL_SCHEMA_ERRORS) return false;
    x = &report->violations[report->count - 1];
    memset(x, 0, sizeof *x);
    x->instance[write_where(at, x->instance, sizeof x->instance)] = 0;
    put(x->keyword, sizeof x->keyword, &n, node->path.p ? node->path.p : "", node->path.n);
    put(x->keyword, sizeof x->keyword, &n, *keyword ? "/" : "", *keyword ? 1 : 0);
    put(x->keyword, sizeof x->keyword, &n, keyword, strlen(keyword));
    n = 0;
    put(x->says, sizeof x->says, &n, "expected ", 9);
    put(x->says, sizeof x->says, &n, expected, strlen(expected));
    if (detail.n)
        put(x->says, sizeof x->says, &n, " ", 1),
            put(x->says, sizeof x->says, &n, detail.p, detail.n < 80 ? detail.n : 80);
    if (limit) put(x->says, sizeof x->says, &n, " ", 1), put_value(x->says, sizeof x->says, &n, limit);
    if (v) put(x->says, sizeof x->says, &n, ", found ", 8), put_value(x->says, sizeof x->says, &n, v);
    return false;
}

static const struct pawl_str none = {NULL, 0};

/* Compare numbers exactly: integers as integers where both are. */
static int compare(yyjson_val *a, yyjson_val *b)
{
    if (yyjson_is_int(a) && yyjson_is_int(b)) {
        const bool x = yyjson_is_sint(a) && yyjson_get_sint(a) < 0, y = yyjson_is_sint(b) && yyjson_get_sint(b) < 0;
        if (x != y) return x ? -1 : 1;
        if (x) return (yyjson_get_sint(a) > yyjson_get_sint(b)) - (yyjson_get_sint(a) < yyjson_get_sint(b));
        return (yyjson_get_uint(a) > yyjson_get_uint(b)) - (yyjson_get_uint(a) < yyjson_get_uint(b));
    }
    return (yyjson_get_num(a) > yyjson_get_num(b)) - (yyjson_get_num(a) < yyjson_get_num(b));
}

/* A number as digits × 10^exponent, from its shortest text. */
static bool decimal(yyjson_val *v, uint64_t *digits, int *exponent)
{
    char memory[256];
    yyjson_alc alc;
    size_t n = 0;
    const char *text;
    int after = 0, e = 0, sign = 1;
    bool point = false;
    yyjson_alc_pool_init(&alc, memory, sizeof memory);
    text = yyjson_val_write_opts(v, YYJSON_WRITE_NOFLAG, &alc, &n, NULL);
    if (!text) return false;
    *digits = 0;
    for (size_t i = 0; i < n; i++) {
        const char c = text[i];
        if (c == '.') point = true;
        else if (c == 'e' || c == 'E') {
            for (i++; i < n; i++) {
                if (text[i] == '-') sign = -1;
                else if (text[i] != '+') e = e * 10 + (text[i] - '0');
            }
        } else if (c != '-') {
            if (*digits > (UINT64_MAX - 9) / 10) return false;
            *digits = *digits * 10 + (uint64_t)(c - '0');
            after += point;
        }
    }
    *exponent = sign * e - after;
    return true;
}

__extension__ typedef unsigned __int128 wide;

/* v = k × m, exactly, in decimals: 0.0075 is a multiple of 0.0001. */
static bool is_multiple(yyjson_val *v, yyjson_val *m)
{
    uint64_t a, b;
    int ea, eb;
    if (yyjson_get_num(v) == 0) return true;
    if (!decimal(v, &a, &ea) || !decimal(m, &b, &eb)) {
        const double q = yyjson_get_num(v) / yyjson_get_num(m);
        return q - q == 0 && q == (double)(int64_t)q;
    }
    while (b % 10 == 0) b /= 10, eb++;
    while (a % 10 == 0) a /= 10, ea++;
    if (ea < eb) { /* m has fewer decimals: m × 10^(eb-ea) must divide a */
        for (int i = ea; i < eb; i++) {
            if (b > a / 10) return false;
            b *= 10;
        }
        return a % b == 0;
    }
    uint64_t rest = a % b;
    for (int i = eb; i < ea && rest; i++) rest = (uint64_t)((wide)rest * 10 % b);
    return rest == 0;
}

/* What a keyword's value is here: itself, or with $arg what the context has there; NULL: missing. */
static yyjson_val *value_of(const struct run *r, yyjson_val *v)
{
    yyjson_val *pointer;
    if (!r->s->allow_arg || !yyjson_is_obj(v) || yyjson_obj_size(v) != 1) return v;
    pointer = yyjson_obj_get(v, "$arg");
    return pointer ? (r->context ? pawl_json_at(r->context, pawl_json_value_str(pointer)) : NULL) : v;
}

static bool in_enum(const struct run *r, const struct pawl_schema_node *n, yyjson_val *v)
{
    yyjson_val *item;
    size_t i, max;
    yyjson_arr_foreach(n->enumeration, i, max, item)
    {
        yyjson_val *x = value_of(r, item);
        if (x && pawl_json_equal(x, v)) return true;
    }
    return false;
}

static bool has_type(uint32_t types, yyjson_val *v)
{
    switch (yyjson_get_type(v)) {
    case YYJSON_TYPE_NULL: return types & PAWL_TYPE_NULL;
    case YYJSON_TYPE_BOOL: return types & PAWL_TYPE_BOOLEAN;
    case YYJSON_TYPE_OBJ: return types & PAWL_TYPE_OBJECT;
    case YYJSON_TYPE_ARR: return types & PAWL_TYPE_ARRAY;
    case YYJSON_TYPE_STR: return types & PAWL_TYPE_STRING;
    default: break;
    }
    if (types & PAWL_TYPE_NUMBER) return true;
    if (!(types & PAWL_TYPE_INTEGER)) return false;
    const double d = yyjson_get_num(v);
    return yyjson_is_int(v) || d >= 9007199254740992.0 || d <= -9007199254740992.0 || d == (double)(int64_t)d;
}

static struct pawl_str type_words(uint32_t types, char *out, size_t size)
{
    static const char *const names[] = {"null",     "a boolean", "an object", "an array",
                                        "a number", "a string",  "an integer"};
    size_t n = 0;
    out[0] = 0;
    for (uint32_t i = 0; i < 7; i++)
        if (types >> i & 1) {
            if (n) put(out, size, &n, " or ", 4);
            put(out, size, &n, names[i], strlen(names[i]));
        }
    return (struct pawl_str){out, (uint32_t)n};
}

static bool limit(struct run *r, const struct pawl_schema_node *n, const char *keyword, const struct where *at,
                  yyjson_val *v, yyjson_val *bound, int wrong, int wrong_too, const char *expected)
{
    yyjson_val *b;
    if (!bound) return true;
    b = value_of(r, bound);
    if (b && yyjson_is_num(b)) {
        const int c = compare(v, b);
        if (c != wrong && c != wrong_too) return true;
    }
    return bad(r, n, keyword, at, v, expected, none, b);
}

static bool numbers(struct run *r, const struct pawl_schema_node *n, yyjson_val *v, const struct where *at)
{
    bool ok = limit(r, n, "maximum", at, v, n->maximum, 1, 1, "a number of at most");
    ok &= limit(r, n, "minimum", at, v, n->minimum, -1, -1, "a number of at least");
    ok &= limit(r, n, "exclusiveMaximum", at, v, n->below, 1, 0, "a number below");
    ok &= limit(r, n, "exclusiveMinimum", at, v, n->above, -1, 0, "a number above");
    if (n->multiple_of && !is_multiple(v, n->multiple_of))
        ok = bad(r, n, "multipleOf", at, v, "a multiple of", none, n->multiple_of);
    return ok;
}

static int64_t code_points(struct pawl_str s)
{
    int64_t n = 0;
    for (uint32_t i = 0; i < s.n; i++) n += ((uint8_t)s.p[i] & 0xc0) != 0x80;
    return n;
}

static bool matches(struct run *r, const struct pawl_pattern *regex, struct pawl_str text)
{
    const int rc = pawl_pattern_search(regex, text);
    if (rc < 0) r->rc = rc;
    return rc == 1;
}

static bool sized(struct run *r, const struct pawl_schema_node *n, const struct where *at, int64_t have, int64_t min,
                  int64_t max, const char *min_keyword, const char *max_keyword, const char *what, yyjson_val *v)
{
    char text[96];
    size_t k = 0;
    const bool few = min >= 0 && have < min, many = max >= 0 && have > max;
    if (!few && !many) return true;
    char digits[24];
    size_t d = 0;
    for (int64_t i = few ? min : max; d == 0 || i; i /= 10) digits[d++] = (char)('0' + i % 10);
    put(text, sizeof text, &k, few ? "at least " : "at most ", few ? 9 : 8);
    while (d) put(text, sizeof text, &k, &digits[--d], 1);
    put(text, sizeof text, &k, " ", 1);
    put(text, sizeof text, &k, what, strlen(what));
    return bad(r, n, few ? min_keyword : max_keyword, at, v, text, none, NULL);
}

static bool strings(struct run *r, const struct pawl_schema_node *n, yyjson_val *v, const struct where *at)
{
    const struct pawl_str s = pawl_json_value_str(v);
    bool ok = true;
    if (n->min_length >= 0 || n->max_length >= 0)
        ok = sized(r, n, at, code_points(s), n->min_length, n->max_length, "minLength", "maxLength", "characters", v);
    if (n->pattern && !matches(r, n->pattern, s))
        ok = bad(r, n, "pattern", at, v, "text that matches", n->pattern_text, NULL);
    if (n->format.p && r->s->assert_formats && !pawl_schema_format_fits(n->format, s))
        ok = bad(r, n, "format", at, v, "text in the format", n->format, NULL);
    return ok;
}

static bool unique(yyjson_val *v)
{
    yyjson_val *a, *b;
    size_t i, n, j, m;
    yyjson_arr_foreach(v, i, n, a)
    {
        yyjson_arr_foreach(v, j, m, b)
        {
            if (j >= i) break;
            if (pawl_json_equal(a, b)) return false;
        }
    }
    return true;
}

static bool arrays(struct run *r, const struct pawl_schema_node *n, yyjson_val *v, const struct where *at,
                   const struct scope *scope, struct seen *seen)
{
    const size_t count = yyjson_arr_size(v);
    struct pawl_schema_report *report = r->report;
    int64_t found = 0;
    yyjson_val *item;
    size_t i, max;
    bool ok = sized(r, n, at, (int64_t)count, n->min_items, n->max_items, "minItems", "maxItems", "items", v);
    if (n->unique && !unique(v)) ok = bad(r, n, "uniqueItems", at, NULL, "items that all differ", none, NULL);
    if (!n->prefix_count && !n->items && !n->contains) return ok;
    yyjson_arr_foreach(v, i, max, item)
    {
        const struct where here = {.outer = at, .index = i};
        const struct pawl_schema_node *of = i < n->prefix_count ? n->prefix[i] : n->items;
        if (of) {
            ok &= check(r, of, item, &here, scope, NULL);
            mark(seen, i);
        }
        if (!n->contains) continue;
        r->report = NULL;
        if (check(r, n->contains, item, &here, scope, NULL)) found++, mark(seen, i);
        r->report = report;
    }
    if (n->contains)
        ok &= sized(r, n, at, found, n->min_contains >= 0 ? n->min_contains : 1, n->max_contains, "contains",
                    "maxContains", "items that fit `contains`", v);
    return ok;
}

static const struct pawl_schema_member *property(const struct pawl_schema_node *n, struct pawl_str name)
{
    for (uint32_t i = 0; i < n->properties_count; i++)
        if (pawl_str_eq(n->properties[i].name, name)) return &n->properties[i];
    return NULL;
}

static bool has(yyjson_val *v, yyjson_val *name)
{
    return yyjson_obj_getn(v, yyjson_get_str(name), yyjson_get_len(name)) != NULL;
}

static bool names_required(struct run *r, const struct pawl_schema_node *n, yyjson_val *v, const struct where *at)
{
    yyjson_val *name, *list, *key;
    size_t i, max, j, m;
    bool ok = true;
    yyjson_arr_foreach(n->required, i, max, name) if (!has(v, name)) ok =
        bad(r, n, "required", at, NULL, "the member", pawl_json_value_str(name), NULL);
    yyjson_obj_foreach(n->dependent_required, i, max, key, list)
    {
        if (!has(v, key)) continue;
        yyjson_arr_foreach(list, j, m, name) if (!has(v, name)) ok =
            bad(r, n, "dependentRequired", at, NULL, "the member", pawl_json_value_str(name), NULL);
    }
    return ok;
}

static bool objects(struct run *r, const struct pawl_schema_node *n, yyjson_val *v, const struct where *at,
                    const struct scope *scope, struct seen *seen)
{
    yyjson_val *key, *value;
    size_t i, max;
    bool ok = sized(r, n, at, (int64_t)yyjson_obj_size(v), n->min_properties, n->max_properties, "minProperties",
                    "maxProperties", "members", v);
    if (n->required || n->dependent_required) ok &= names_required(r, n, v, at);
    if (!n->properties_count && !n->patterns_count && !n->additional && !n->names) return ok;
    yyjson_obj_foreach(v, i, max, key, value)
    {
        const struct pawl_str name = pawl_json_value_str(key);
        const struct where here = {.outer = at, .name = name};
        const struct pawl_schema_member *p = property(n, name);
        bool known = p != NULL;
        if (p) ok &= check(r, p->node, value, &here, scope, NULL);
        for (uint32_t k = 0; k < n->patterns_count; k++)
            if (matches(r, n->patterns[k].pattern, name)) {
                known = true;
                ok &= check(r, n->patterns[k].node, value, &here, scope, NULL);
            }
        if (!known && n->additional) {
            known = true;
            if (n->additional->what == PAWL_NODE_FALSE)
                ok = bad(r, n, "additionalProperties", at, NULL, "no member", name, NULL);
            else ok &= check(r, n->additional, value, &here, scope, NULL);
        }
        if (known) mark(seen, i);
        if (n->names && !check(r, n->names, key, &here, scope, NULL)) ok = false;
    }
    return ok;
}

/* A branch: its evaluated set counts only where it passed. */
static bool branch(struct run *r, const struct pawl_schema_node *n, yyjson_val *v, const struct where *at,
                   const struct scope *scope, struct seen *seen)
{
    struct seen own;
    bool ok;
    if (!seen) return check(r, n, v, at, scope, NULL);
    memset(&own, 0, sizeof own);
    ok = check(r, n, v, at, scope, &own);
    if (ok) add(seen, &own);
    return ok;
}

static bool quiet(struct run *r, const struct pawl_schema_node *n, yyjson_val *v, const struct where *at,
                  const struct scope *scope, struct seen *seen)
{
    struct pawl_schema_report *report = r->report;
    r->report = NULL;
    const bool ok = branch(r, n, v, at, scope, seen);
    r->report = report;
    return ok;
}

static const struct pawl_schema_node *dynamic(const struct pawl_schema *s, const struct pawl_schema_node *n,
                                              const struct scope *scope)
{
    const struct pawl_schema_node *found = n->dynamic_ref;
    if (!n->dynamic_name.p) return found;
    for (; scope; scope = scope->outer) /* the outermost wins: the last found */
        for (const struct pawl_schema_anchor *a = s->anchors; a; a = a->next)
            if (a->dynamic && a->resource == scope->resource && pawl_str_eq(a->name, n->dynamic_name)) found = a->node;
    return found;
}

static bool in_place(struct run *r, const struct pawl_schema_node *n, yyjson_val *v, const struct where *at,
                     const struct scope *scope, struct seen *seen)
{
    uint32_t fits = 0;
    bool ok = true, any = n->any_count == 0;
    if (n->ref) ok &= branch(r, n->ref, v, at, scope, seen);
    if (n->dynamic_ref) ok &= branch(r, dynamic(r->s, n, scope), v, at, scope, seen);
    for (uint32_t i = 0; i < n->all_count; i++) ok &= branch(r, n->all_of[i], v, at, scope, seen);
    for (uint32_t i = 0; i < n->any_count && (!any || seen); i++) any |= quiet(r, n->any_of[i], v, at, scope, seen);
    if (!any) ok = bad(r, n, "anyOf", at, v, "something that fits one of the alternatives", none, NULL);
    for (uint32_t i = 0; i < n->one_count; i++) fits += quiet(r, n->one_of[i], v, at, scope, seen);
    if (n->one_count && fits != 1)
        ok = bad(r, n, "oneOf", at, v,
                 fits ? "something that fits only one of the alternatives"
                      : "something that fits one of the alternatives",
                 none, NULL);
    if (n->not_ && quiet(r, n->not_, v, at, scope, NULL))
        ok = bad(r, n, "not", at, v, "something else than what is ruled out", none, NULL);
    if (n->if_) {
        const struct pawl_schema_node *then = quiet(r, n->if_, v, at, scope, seen) ? n->then_ : n->else_;
        if (then) ok &= branch(r, then, v, at, scope, seen);
    }
    for (uint32_t i = 0; i < n->dependent_count && yyjson_is_obj(v); i++)
        if (yyjson_obj_getn(v, n->dependent[i].name.p, n->dependent[i].name.n))
            ok &= branch(r, n->dependent[i].node, v, at, scope, seen);
    return ok;
}

static bool unevaluated(struct run *r, const struct pawl_schema_node *n, yyjson_val *v, const struct where *at,
                        const struct scope *scope, struct seen *seen)
{
    yyjson_val *key, *item;
    size_t i, max;
    bool ok = true;
    if (yyjson_is_obj(v) && n->unevaluated_properties) {
        yyjson_obj_foreach(v, i, max, key, item)
        {
            const struct where here = {.outer = at, .name = pawl_json_value_str(key)};
            if (marked(seen, i)) continue;
            if (!check(r, n->unevaluated_properties, item, &here, scope, NULL)) ok = false;
            mark(seen, i);
        }
    }
    if (yyjson_is_arr(v) && n->unevaluated_items) {
        yyjson_arr_foreach(v, i, max, item)
        {
            const struct where here = {.outer = at, .index = i};
            if (marked(seen, i)) continue;
            if (!check(r, n->unevaluated_items, item, &here, scope, NULL)) ok = false;
            mark(seen, i);
        }
    }
    return ok;
}

static bool check_object(struct run *r, const struct pawl_schema_node *n, yyjson_val *v, const struct where *at,
                         const struct scope *scope, struct seen *seen)
{
    struct seen own;
    char words[128];
    bool ok = true;
    const bool local = (n->unevaluated_items || n->unevaluated_properties) && yyjson_is_ctn(v);
    struct seen *mine = seen;
    if (local) {
        memset(&own, 0, sizeof own);
        mine = &own;
    }
    if (n->types && !has_type(n->types, v))
        return bad(r, n, "type", at, v, type_words(n->types, words, sizeof words).p, none, NULL);
    if (n->constant) {
        yyjson_val *c = value_of(r, n->constant);
        if (!c || !pawl_json_equal(c, v)) ok = bad(r, n, "const", at, v, "the value", none, c);
    }
    if (n->enumeration && !in_enum(r, n, v)) {
        ok = bad(r, n, "enum", at, v, "one of the values that are listed, such as", none,
                 yyjson_arr_get_first(n->enumeration));
    }
    if (yyjson_is_num(v)) ok &= numbers(r, n, v, at);
    else if (yyjson_is_str(v)) ok &= strings(r, n, v, at);
    else if (yyjson_is_arr(v)) ok &= arrays(r, n, v, at, scope, mine);
    else if (yyjson_is_obj(v)) ok &= objects(r, n, v, at, scope, mine);
    ok &= in_place(r, n, v, at, scope, mine);
    if (local) {
        ok &= unevaluated(r, n, v, at, scope, mine);
        if (seen) add(seen, mine);
    }
    return ok;
}

static bool check(struct run *r, const struct pawl_schema_node *n, yyjson_val *v, const struct where *at,
                  const struct scope *scope, struct seen *seen)
{
    const struct scope inner = {.resource = n->resource, .outer = scope};
    bool ok;
    if (n->what == PAWL_NODE_TRUE) return true;
    if (n->what == PAWL_NODE_FALSE) return bad(r, n, "", at, NULL, "nothing here", none, NULL);
    if (r->depth >= PAWL_SCHEMA_DEPTH ||
        (r->s->tracks && yyjson_is_ctn(v) && unsafe_yyjson_get_len(v) > PAWL_EVALUATED_MAX)) {
        r->rc = PAWL_ELIMIT;
        return false;
    }
    r->depth++;
    ok =
        check_object(r, n, v, at, scope && scope->resource == n->resource ? scope : &inner, r->s->tracks ? seen : NULL);
    r->depth--;
    return ok;
}

int pawl_schema_check(const struct pawl_schema *s, yyjson_val *instance, yyjson_val *context,
                      struct pawl_schema_report *report)
{
    struct run r = {.s = s, .context = context, .report = report};
    const struct where root = {.root = true};
    if (report) report->count = 0;
    const bool ok = check(&r, s->root, instance, &root, NULL, NULL);
    if (r.rc) return r.rc;
    return ok ? PAWL_OK : PAWL_EINVAL;
}
