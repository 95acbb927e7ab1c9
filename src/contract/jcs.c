/* src/contract/jcs.c - canonical JSON, RFC 8785: members sorted by UTF-16 code units, numbers as ECMAScript writes them.
 * yyjson's shortest digits are ECMAScript's but for three things: a trailing ".0", "e21" for "e+21", and "-0". */
#include "contract/json.h"
#include <stdio.h>
#include <string.h>

/* The order of UTF-16 code units, read from UTF-8: it differs from the order of bytes only where one character is above
 * U+FFFF (its surrogates sort as D800-DFFF) and the other in U+E000-U+FFFF. */
static int utf16_cmp(struct pawl_str a, struct pawl_str b)
{
    uint32_t i = 0;
    while (i < a.n && i < b.n && a.p[i] == b.p[i]) i++;
    if (i == a.n || i == b.n) return (a.n > b.n) - (a.n < b.n);
    const uint8_t x = (uint8_t)a.p[i], y = (uint8_t)b.p[i];
    if (x >= 0xf0 && (y == 0xee || y == 0xef)) return -1;
    if (y >= 0xf0 && (x == 0xee || x == 0xef)) return 1;
    return x < y ? -1 : 1;
}

struct member {
    struct pawl_str name;
    yyjson_val *value;
};

static void sift(struct member *v, size_t from, size_t n)
{
    for (size_t child; (child = from * 2 + 1) < n; from = child) {
        if (child + 1 < n && utf16_cmp(v[child].name, v[child + 1].name) < 0) child++;
        if (utf16_cmp(v[from].name, v[child].name) >= 0) return;
        const struct member t = v[from];
        v[from] = v[child];
        v[child] = t;
    }
}

static void sort(struct member *v, size_t n)
{
    for (size_t i = n / 2; i-- > 0;) sift(v, i, n);
    for (size_t i = n; i-- > 1;) {
        const struct member t = v[0];
        v[0] = v[i];
        v[i] = t;
        sift(v, 0, i);
    }
}

static int write_value(yyjson_val *v, struct pawl_buf *out, struct pawl_error *err);

static int write_members(yyjson_val *v, struct member *members, struct pawl_buf *out, struct pawl_error *err)
{
    const size_t n = yyjson_obj_size(v);
    yyjson_val *key, *value;
    size_t i, max;
    yyjson_obj_foreach(v, i, max, key, value) members[i] = (struct member){pawl_json_value_str(key), value};
    sort(members, n);
    for (i = 0; i < n; i++) {
        int rc;
        if (i) pawl_buf_char(out, ',');
        pawl_json_quote(members[i].name, out);
        pawl_buf_char(out, ':');
        if ((rc = write_value(members[i].value, out, err)) != PAWL_OK) return rc;
    }
    return PAWL_OK;
}

/* Members of a larger object are sorted in the buffer's own kind of memory. */
static int write_object(yyjson_val *v, struct pawl_buf *out, struct pawl_error *err)
{
    struct member few[16], *members = few;
    const size_t n = yyjson_obj_size(v), bytes = n * sizeof *members;
    int rc = PAWL_OK;
    if (n > sizeof few / sizeof *few)
        members = out->arena ? pawl_arena_get(out->arena, bytes) : out->from->resize(out->from->ctx, NULL, 0, bytes);
    if (!members) return out->failed = true, PAWL_ENOMEM;
    pawl_buf_char(out, '{');
    rc = write_members(v, members, out, err);
    pawl_buf_char(out, '}');
    if (members != few && !out->arena) out->from->resize(out->from->ctx, members, bytes, 0);
    return rc;
}

void pawl_json_double(double d, struct pawl_buf *out)
{
    char memory[256];
    yyjson_alc alc;
    yyjson_val v = {0};
    size_t n = 0;
    const char *text, *e;
    if (d == 0) { /* -0 too */
        pawl_buf_char(out, '0');
        return;
    }
    yyjson_alc_pool_init(&alc, memory, sizeof memory);
    unsafe_yyjson_set_real(&v, d);
    text = yyjson_val_write_opts(&v, YYJSON_WRITE_NOFLAG, &alc, &n, NULL);
    if (!text) {
        out->failed = true;
        return;
    }
    if (n > 2 && memcmp(text + n - 2, ".0", 2) == 0) n -= 2;
    e = memchr(text, 'e', n);
    if (!e || e[1] == '-') {
        pawl_buf_add(out, text, n);
        return;
    }
    pawl_buf_add(out, text, (size_t)(e - text) + 1);
    pawl_buf_char(out, '+');
    pawl_buf_add(out, e + 1, n - (size_t)(e - text) - 1);
}

enum { EXACT_BITS = 53 };

/* Beyond 2^53 an integer is written only where ECMAScript's text of its double has the very same digits: anything else
 * would send another number than was said. */
static int write_integer(yyjson_val *v, struct pawl_buf *out, struct pawl_error *err)
{
    const int64_t i = yyjson_get_sint(v);
    const bool negative = yyjson_is_sint(v) && i < 0; /* yyjson reads -0 as a signed zero */
    const uint64_t size = negative ? 0 - (uint64_t)i : yyjson_get_uint(v);
    const size_t from = out->n;
    char digits[24];
    int n;
    if (negative) pawl_buf_char(out, '-');
    if (size <= UINT64_C(1) << EXACT_BITS) {
        pawl_buf_i64(out, (int64_t)size); /* 2^53 at most */
        return PAWL_OK;
    }
    const size_t number = out->n;
    pawl_json_double((double)size, out);
    n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)size);
    if (out->failed || (out->n - number == (size_t)n && memcmp(out->p + number, digits, (size_t)n) == 0))
        return PAWL_OK;
    out->n = from;
    return pawl_fail(err, PAWL_EINVAL, "", "send it as a string",
                     "the integer %s%s is beyond what a double keeps exactly", negative ? "-" : "", digits);
}

static int write_array(yyjson_val *v, struct pawl_buf *out, struct pawl_error *err)
{
    yyjson_val *item;
    size_t i, max;
    int rc;
    pawl_buf_char(out, '[');
    yyjson_arr_foreach(v, i, max, item)
    {
        if (i) pawl_buf_char(out, ',');
        if ((rc = write_value(item, out, err)) != PAWL_OK) return rc;
    }
    pawl_buf_char(out, ']');
    return PAWL_OK;
}

static int write_value(yyjson_val *v, struct pawl_buf *out, struct pawl_error *err)
{
    if (yyjson_is_obj(v)) return write_object(v, out, err);
    if (yyjson_is_arr(v)) return write_array(v, out, err);
    if (yyjson_is_int(v)) return write_integer(v, out, err);
    if (pawl_json_is_rounded(v))
        return pawl_fail(err, PAWL_EINVAL, "", "send it as a string",
                         "an integer of about %.3g is beyond what a double keeps exactly", yyjson_get_real(v));
    if (yyjson_is_real(v)) pawl_json_double(yyjson_get_real(v), out);
    else pawl_json_write(v, out);
    return PAWL_OK;
}

int pawl_json_canonical(yyjson_val *v, struct pawl_buf *out, struct pawl_error *err)
{
    const int rc = write_value(v, out, err);
    return rc ? rc : out->failed ? PAWL_ENOMEM : PAWL_OK;
}
