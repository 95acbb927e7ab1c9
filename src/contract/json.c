/* src/contract/json.c - yyjson with an arena under it, and the checks that it leaves to us: unique names, depth. */
#include "contract/json.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *from_arena(void *ctx, size_t bytes)
{
    return pawl_arena_get(ctx, bytes);
}

static void *again_from_arena(void *ctx, void *p, size_t old_bytes, size_t bytes)
{
    void *q;
    if (bytes <= old_bytes) return p;
    q = pawl_arena_get(ctx, bytes);
    if (q && p) memcpy(q, p, old_bytes);
    return q;
}

static void keep(void *ctx, void *p)
{
    (void)ctx, (void)p; /* the arena frees it with all the rest */
}

/* Where a check stands in the document, for a message: the names and indexes above it. */
struct path {
    const struct path *above;
    struct pawl_str name;
    size_t index;
};

static void write_path(const struct path *p, struct pawl_buf *out)
{
    if (!p) return;
    write_path(p->above, out);
    pawl_buf_char(out, '/');
    if (!p->name.p) {
        pawl_buf_i64(out, (int64_t)p->index);
        return;
    }
    for (uint32_t i = 0; i < p->name.n; i++) {
        if (p->name.p[i] == '~') pawl_buf_text(out, "~0");
        else if (p->name.p[i] == '/') pawl_buf_text(out, "~1");
        else pawl_buf_char(out, p->name.p[i]);
    }
}

/* As a JSON pointer; "" where it is too long. */
static const char *path_text(const struct path *p, struct pawl_arena *a)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, a);
    b.max_bytes = 4096;
    write_path(p, &b);
    pawl_buf_done(&b);
    return b.failed ? "" : b.p;
}

static int refuse_name(const struct path *p, struct pawl_str name, struct pawl_arena *a, struct pawl_error *err)
{
    const struct path at = {.above = p, .name = name};
    return pawl_fail(err, PAWL_EINVAL, path_text(&at, a), "keep one of the two",
                     "the name '%.*s' stands twice in one object", name.n < 64 ? (int)name.n : 64, name.p);
}

/* A number has no length: that part of yyjson's tag is free to say that the double is not the integer that was written. */
#define ROUNDED (UINT64_C(1) << YYJSON_TAG_BIT)

bool pawl_json_is_rounded(yyjson_val *v)
{
    return yyjson_is_real(v) && (v->tag & ROUNDED);
}

/* '0' to '9', 0 behind the last one. */
static char next_digit(struct pawl_str number, uint32_t *at)
{
    while (*at < number.n && (number.p[*at] == '-' || number.p[*at] == '.')) ++*at;
    return *at < number.n && number.p[*at] != 'e' ? number.p[(*at)++] : 0;
}

/* Of two texts of about the same number: but for zeros at the end. */
static bool same_digits(struct pawl_str a, struct pawl_str b)
{
    uint32_t i = 0, j = 0;
    for (;;) {
        const char x = next_digit(a, &i), y = next_digit(b, &j);
        if ((x ? x : '0') != (y ? y : '0')) return false;
        if (!x && !y) return true;
    }
}

/* An integer beyond 64 bits, of which yyjson keeps the text: becomes a double. It is rounded unless the shortest text of that
 * double has all its digits. */
static int big_number(yyjson_val *v, const struct path *p, struct pawl_arena *a, struct pawl_error *err)
{
    enum { DIGITS_MAX = 310 };
    const struct pawl_str text = {yyjson_get_raw(v), (uint32_t)yyjson_get_len(v)};
    char digits[DIGITS_MAX + 1];
    struct pawl_buf shortest;
    double d = HUGE_VAL;
    if (text.n < sizeof digits && !memchr(text.p, '.', text.n) && !memchr(text.p, 'e', text.n) &&
        !memchr(text.p, 'E', text.n)) {
        memcpy(digits, text.p, text.n);
        digits[text.n] = 0;
        d = strtod(digits, NULL);
    }
    if (isinf(d))
        return pawl_fail(err, PAWL_EINVAL, path_text(p, a), "send it as a string",
                         "the number %.*s%s is more than a double can hold", text.n < 40 ? (int)text.n : 40, text.p,
                         text.n < 40 ? "" : "…");
    pawl_buf_init_arena(&shortest, a);
    pawl_json_double(d, &shortest);
    unsafe_yyjson_set_real(v, d);
    if (!same_digits(text, pawl_buf_done(&shortest))) v->tag |= ROUNDED;
    return shortest.failed ? PAWL_ENOMEM : PAWL_OK;
}

/* Sort by bytes, then neighbours are compared: O(n log n) whatever the names are. Heapsort: no recursion, no memory. */
static void sift(struct pawl_str *v, size_t from, size_t n)
{
    for (size_t child; (child = from * 2 + 1) < n; from = child) {
        if (child + 1 < n && pawl_str_cmp(v[child], v[child + 1]) < 0) child++;
        if (pawl_str_cmp(v[from], v[child]) >= 0) return;
        const struct pawl_str t = v[from];
        v[from] = v[child];
        v[child] = t;
    }
}

static int sorted_unique(yyjson_val *object, const struct path *p, struct pawl_arena *a, struct pawl_error *err)
{
    const size_t n = yyjson_obj_size(object);
    struct pawl_str *names = pawl_arena_get(a, n * sizeof *names);
    yyjson_val *key, *value;
    size_t i, max;
    if (!names) return PAWL_ENOMEM;
    yyjson_obj_foreach(object, i, max, key, value) names[i] = pawl_json_value_str(key);
    for (i = n / 2; i-- > 0;) sift(names, i, n);
    for (i = n; i-- > 1;) {
        const struct pawl_str t = names[0];
        names[0] = names[i];
        names[i] = t;
        sift(names, 0, i);
    }
    for (i = 1; i < n; i++)
        if (pawl_str_eq(names[i - 1], names[i])) return refuse_name(p, names[i], a, err);
    return PAWL_OK;
}

static bool stands_before(yyjson_val *object, yyjson_val *name)
{
    const size_t n = yyjson_get_len(name);
    yyjson_val *key, *value;
    size_t i, max;
    yyjson_obj_foreach(object, i, max, key, value)
    {
        if (key == name) break;
        if (yyjson_get_len(key) == n && memcmp(yyjson_get_str(key), yyjson_get_str(name), n) == 0) return true;
    }
    return false;
}

static int check(yyjson_val *v, const struct path *p, int depth, struct pawl_arena *a, struct pawl_error *err);

static int check_object(yyjson_val *v, const struct path *p, int depth, struct pawl_arena *a, struct pawl_error *err)
{
    const bool sorts = yyjson_obj_size(v) > 16;
    struct path below = {.above = p};
    yyjson_val *key, *item;
    uint64_t seen = 0;
    size_t i, max;
    int rc = sorts ? sorted_unique(v, p, a, err) : PAWL_OK;
    if (rc) return rc;
    yyjson_obj_foreach(v, i, max, key, item)
    {
        /* names of another length, beginning or end are others: mostly nothing is compared */
        const struct pawl_str name = {unsafe_yyjson_get_str(key), (uint32_t)unsafe_yyjson_get_len(key)};
        const uint32_t at = name.n ? name.n * 7 + (uint8_t)name.p[0] * 3 + (uint8_t)name.p[name.n - 1] : 0;
        const uint64_t bit = UINT64_C(1) << (at & 63), known = seen & bit;
        seen |= bit;
        if (known && !sorts && stands_before(v, key)) return refuse_name(p, name, a, err);
        if (!unsafe_yyjson_is_ctn(item) && !unsafe_yyjson_is_raw(item)) continue;
        below.name = name;
        if ((rc = check(item, &below, depth + 1, a, err)) != PAWL_OK) return rc;
    }
    return PAWL_OK;
}

/* Recursion is bounded by PAWL_JSON_DEPTH; the parser itself has none. */
static int check(yyjson_val *v, const struct path *p, int depth, struct pawl_arena *a, struct pawl_error *err)
{
    struct path below = {.above = p};
    yyjson_val *item;
    size_t i, max;
    int rc = PAWL_OK;
    if (yyjson_is_raw(v)) return big_number(v, p, a, err);
    if (!yyjson_is_ctn(v)) return PAWL_OK;
    if (depth >= PAWL_JSON_DEPTH)
        return pawl_fail(err, PAWL_EINVAL, "", "make it flatter", "more than %d levels deep", PAWL_JSON_DEPTH);
    if (yyjson_is_obj(v)) return check_object(v, p, depth, a, err);
    yyjson_arr_foreach(v, i, max, item)
    {
        if (!yyjson_is_ctn(item) && !yyjson_is_raw(item)) continue;
        below.index = i;
        if ((rc = check(item, &below, depth + 1, a, err)) != PAWL_OK) return rc;
    }
    return rc;
}

static int parse_error(struct pawl_str text, const yyjson_read_err *e, struct pawl_error *err)
{
    size_t line = 1, column = 1, character = 0;
    char where[64];
    yyjson_locate_pos(text.p, text.n, e->pos, &line, &column, &character);
    snprintf(where, sizeof where, "%zu:%zu", line, column);
    return pawl_fail(err, PAWL_EINVAL, where, "give valid JSON", "%s", e->msg ? e->msg : "not JSON");
}

int pawl_json_read(struct pawl_str text, struct pawl_arena *a, yyjson_val **out, struct pawl_error *err)
{
    const yyjson_alc alc = {from_arena, again_from_arena, keep, a};
    const bool failed_before = a->failed;
    yyjson_read_err e = {0};
    yyjson_doc *doc;
    *out = NULL;
    if (!text.p || !text.n)
        return pawl_fail(err, PAWL_EINVAL, "1:1", "give valid JSON", "expected a JSON value, found nothing");
    doc = yyjson_read_opts((char *)(uintptr_t)text.p, text.n, YYJSON_READ_BIGNUM_AS_RAW, &alc, &e);
    if (!doc && e.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION) return PAWL_ENOMEM;
    if (!doc && a->failed && !failed_before) return PAWL_ENOMEM;
    if (!doc) return parse_error(text, &e, err);
    *out = yyjson_doc_get_root(doc);
    const int rc = check(*out, NULL, 0, a, err);
    if (rc) *out = NULL;
    return rc;
}

yyjson_val *pawl_json_at(yyjson_val *root, struct pawl_str pointer)
{
    if (!pointer.p || !pointer.n) return root;
    return yyjson_ptr_getn(root, pointer.p, pointer.n);
}

struct pawl_str pawl_json_value_str(yyjson_val *v)
{
    if (!yyjson_is_str(v)) return (struct pawl_str){NULL, 0};
    return (struct pawl_str){yyjson_get_str(v), (uint32_t)yyjson_get_len(v)};
}

struct pawl_str pawl_json_strn(yyjson_val *object, const char *name, size_t n)
{
    return pawl_json_value_str(yyjson_obj_getn(object, name, n));
}

int64_t pawl_json_i64n(yyjson_val *object, const char *name, size_t n, int64_t otherwise)
{
    yyjson_val *v = yyjson_obj_getn(object, name, n);
    if (!yyjson_is_int(v) || (yyjson_is_uint(v) && yyjson_get_uint(v) > INT64_MAX)) return otherwise;
    return yyjson_get_sint(v);
}

bool pawl_json_booln(yyjson_val *object, const char *name, size_t n, bool otherwise)
{
    yyjson_val *v = yyjson_obj_getn(object, name, n);
    return yyjson_is_bool(v) ? yyjson_get_bool(v) : otherwise;
}

static bool is_negative(yyjson_val *v)
{
    return yyjson_is_sint(v) && yyjson_get_sint(v) < 0;
}

/* An integer and a double are compared exactly: the double must be that very integer. */
static bool same_number(yyjson_val *a, yyjson_val *b)
{
    double d;
    if (yyjson_is_real(a) && yyjson_is_real(b)) return yyjson_get_real(a) == yyjson_get_real(b);
    if (yyjson_is_int(a) && yyjson_is_int(b)) {
        if (is_negative(a) != is_negative(b)) return false;
        return unsafe_yyjson_get_uint(a) == unsafe_yyjson_get_uint(b);
    }
    if (yyjson_is_int(b)) return same_number(b, a);
    d = yyjson_get_real(b);
    if (is_negative(a))
        return d >= -9223372036854775808.0 && d < 0 && (int64_t)d == yyjson_get_sint(a) && (double)(int64_t)d == d;
    return d >= 0 && d < 18446744073709551616.0 && (uint64_t)d == yyjson_get_uint(a) && (double)(uint64_t)d == d;
}

static bool pay(uint64_t *steps, uint64_t n)
{
    *steps = n < *steps ? *steps - n : 0;
    return *steps > 0;
}

static bool equal(yyjson_val *a, yyjson_val *b, uint64_t *steps);

/* Members mostly come in the same order: each is looked for where the last one was found, then everywhere. */
static bool equal_objects(yyjson_val *a, yyjson_val *b, uint64_t *steps)
{
    yyjson_val *key, *x, *y;
    yyjson_obj_iter there;
    size_t i, max;
    yyjson_obj_iter_init(b, &there);
    yyjson_obj_foreach(a, i, max, key, x)
    {
        const size_t from = there.idx;
        y = yyjson_obj_iter_getn(&there, yyjson_get_str(key), yyjson_get_len(key));
        const size_t went = there.idx > from ? there.idx - from : max;
        if (!pay(steps, went / 8) || !y || !equal(x, y, steps)) return false;
    }
    return true;
}

static bool equal_arrays(yyjson_val *a, yyjson_val *b, uint64_t *steps)
{
    yyjson_val *x, *y = yyjson_arr_get_first(b);
    size_t i, max;
    yyjson_arr_foreach(a, i, max, x)
    {
        if (!equal(x, y, steps)) return false;
        y = unsafe_yyjson_get_next(y);
    }
    return true;
}

/* As deep as they are. */
static bool equal(yyjson_val *a, yyjson_val *b, uint64_t *steps)
{
    if (!pay(steps, 1)) return false;
    if (yyjson_is_num(a) && yyjson_is_num(b)) return same_number(a, b);
    if (yyjson_get_type(a) != yyjson_get_type(b)) return false;
    if (yyjson_is_bool(a)) return yyjson_get_bool(a) == yyjson_get_bool(b);
    if (!yyjson_is_ctn(a) && !yyjson_is_str(a)) return true;
    if (unsafe_yyjson_get_len(a) != unsafe_yyjson_get_len(b)) return false;
    if (yyjson_is_obj(a)) return equal_objects(a, b, steps);
    if (yyjson_is_arr(a)) return equal_arrays(a, b, steps);
    return pay(steps, unsafe_yyjson_get_len(a) / 256) &&
           memcmp(unsafe_yyjson_get_str(a), unsafe_yyjson_get_str(b), unsafe_yyjson_get_len(a)) == 0;
}

bool pawl_json_equal(yyjson_val *a, yyjson_val *b)
{
    uint64_t steps = UINT64_MAX;
    return equal(a, b, &steps);
}

bool pawl_json_equal_within(yyjson_val *a, yyjson_val *b, uint64_t *steps)
{
    return equal(a, b, steps);
}
