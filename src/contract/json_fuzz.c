/* src/contract/json_fuzz.c - any bytes as JSON: refused with words, or read; then what is written is read again
 * as the same value, its canonical form is its own canonical form, and all of it has the depth that was promised. */
#include "contract/json.h"
#include "base/test.h"
#include "contract/shown.h"

static void check_text(struct pawl_str s)
{
    for (uint32_t at = 0; at < s.n;)
        if (pawl_utf8_next(s, &at) < 0) abort();
}

static uint32_t depth_of(yyjson_val *v)
{
    uint32_t most = 0, one;
    yyjson_val *key, *value;
    size_t i, n;
    if (yyjson_is_str(v)) check_text(pawl_json_value_str(v));
    if (yyjson_is_arr(v)) {
        yyjson_arr_foreach(v, i, n, value) most = (one = depth_of(value)) > most ? one : most;
    } else if (yyjson_is_obj(v)) {
        yyjson_obj_foreach(v, i, n, key, value)
        {
            if (!pawl_json_value_str(key).p || yyjson_obj_getn(v, yyjson_get_str(key), yyjson_get_len(key)) != value)
                abort(); /* a name stands once */
            check_text(pawl_json_value_str(key));
            most = (one = depth_of(value)) > most ? one : most;
        }
    } else {
        return 0;
    }
    return most + 1;
}

static yyjson_val *read_again(struct pawl_buf *text, struct pawl_arena *a)
{
    yyjson_val *v = NULL;
    if (pawl_json_read(pawl_buf_done(text), a, &v, NULL) != PAWL_OK) abort();
    return v;
}

static void check_value(yyjson_val *v, struct pawl_arena *a)
{
    struct pawl_buf compact, canonical, twice;
    struct pawl_error err = {0};
    pawl_buf_init_arena(&compact, a);
    pawl_buf_init_arena(&canonical, a);
    pawl_buf_init_arena(&twice, a);
    if (depth_of(v) > PAWL_JSON_DEPTH) abort();
    pawl_json_write(v, &compact);
    yyjson_val *again = read_again(&compact, a);
    if (!pawl_json_equal(v, again) || !pawl_json_equal(again, v)) abort();
    const int rc = pawl_json_canonical(v, &canonical, &err);
    if (rc != PAWL_OK) {
        if (rc != PAWL_EINVAL || !err.what[0]) abort();
        return;
    }
    again =
        read_again(&canonical, a); /* a large double's digits are read as an integer: the same text, another number */
    if (pawl_json_canonical(again, &twice, NULL) != PAWL_OK || twice.n != canonical.n ||
        memcmp(twice.p, canonical.p, twice.n) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct test_alloc t;
    struct pawl_arena a;
    struct pawl_error err = {0};
    yyjson_val *v = NULL;
    test_alloc_init(&t, 0);
    pawl_arena_init(&a, &t.alloc);
    const int rc = pawl_json_read((struct pawl_str){(const char *)data, (uint32_t)size}, &a, &v, &err);
    if (rc == PAWL_OK) check_value(v, &a);
    else if (rc != PAWL_EINVAL || !err.what[0] || !err.next[0]) abort();
    pawl_arena_fini(&a);
    if (t.out_bytes != 0) abort();
    return 0;
}
