/* src/contract/schema_unique.c - uniqueItems. A few items are compared each with each. Of many the hashes are sorted
 * and only those are compared whose hashes are equal; equal values have equal hashes however they are written. */
#include "contract/schema_run.h"
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { FEW = 16, MANY = 256 }; /* compared each with each; sorted on the stack */

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
    return x ^ x >> 32;
}

static uint64_t number_hash(yyjson_val *v)
{
    uint64_t bits;
    double d = yyjson_get_num(v); /* rounding only makes two more of them meet */
    if (d == 0) d = 0;            /* -0 too */
    memcpy(&bits, &d, sizeof bits);
    return mix(bits + 3);
}

/* As deep as the instance is: pawl_json_read bounds that. */
static uint64_t hash(yyjson_val *v)
{
    yyjson_val *key, *item;
    size_t i, max;
    uint64_t sum = yyjson_get_type(v);
    switch (yyjson_get_type(v)) {
    case YYJSON_TYPE_NUM: return number_hash(v);
    case YYJSON_TYPE_STR: return XXH3_64bits(unsafe_yyjson_get_str(v), unsafe_yyjson_get_len(v));
    case YYJSON_TYPE_BOOL: return mix(yyjson_get_bool(v) ? 101 : 102);
    case YYJSON_TYPE_ARR: yyjson_arr_foreach(v, i, max, item) sum = mix(sum + hash(item)); return sum;
    case YYJSON_TYPE_OBJ: /* order does not matter: a sum */
        yyjson_obj_foreach(v, i, max, key, item) sum += mix(hash(key) + 7 * mix(hash(item)));
        return mix(sum);
    default: return mix(sum);
    }
}

struct entry {
    uint64_t hash;
    yyjson_val *v;
    size_t place;
};

static bool after(const struct entry *a, const struct entry *b)
{
    return a->hash != b->hash ? a->hash > b->hash : a->place > b->place;
}

static void sift(struct entry *e, size_t from, size_t n)
{
    for (size_t child; (child = from * 2 + 1) < n; from = child) {
        if (child + 1 < n && after(e + child + 1, e + child)) child++;
        if (!after(e + child, e + from)) return;
        const struct entry t = e[from];
        e[from] = e[child];
        e[child] = t;
    }
}

static void sort(struct entry *e, size_t n)
{
    for (size_t i = n / 2; i-- > 0;) sift(e, i, n);
    for (size_t i = n; i-- > 1;) {
        const struct entry t = e[0];
        e[0] = e[i];
        e[i] = t;
        sift(e, 0, i);
    }
}

static bool few(struct pawl_run *c, yyjson_val *array, size_t *first, size_t *second)
{
    yyjson_val *items[FEW], *item;
    size_t i, max;
    yyjson_arr_foreach(array, i, max, item)
    {
        items[i] = item;
        for (size_t k = 0; k < i; k++) {
            if (pawl_run_equal(c, items[k], item)) return *first = k, *second = i, false;
            if (c->rc) return false;
        }
    }
    return true;
}

static bool many(struct pawl_run *c, yyjson_val *array, struct entry *e, size_t *first, size_t *second)
{
    yyjson_val *item;
    size_t i, max;
    if (!pawl_run_charge(c, (size_t)(unsafe_yyjson_get_next(array) - array))) return false;
    yyjson_arr_foreach(array, i, max, item) e[i] = (struct entry){hash(item), item, i};
    sort(e, max);
    for (i = 1; i < max; i++) {
        for (size_t k = i; k-- > 0 && e[k].hash == e[i].hash;) {
            if (pawl_run_equal(c, e[k].v, e[i].v)) return *first = e[k].place, *second = e[i].place, false;
            if (c->rc) return false;
        }
    }
    return true;
}

bool pawl_run_unique(struct pawl_run *c, yyjson_val *array, size_t *first, size_t *second)
{
    const size_t n = unsafe_yyjson_get_len(array), bytes = n * sizeof(struct entry);
    if (n <= FEW) return few(c, array, first, second);
    struct entry own[MANY], *e = n <= MANY ? own : c->from->resize(c->from->ctx, NULL, 0, bytes);
    if (!e) return c->rc = PAWL_ENOMEM, false;
    const bool ok = many(c, array, e, first, second);
    if (e != own) c->from->resize(c->from->ctx, e, bytes, 0);
    return ok;
}
