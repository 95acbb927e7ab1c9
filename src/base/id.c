/* src/base/id.c - UUIDs. Layout: RFC 9562 section 5.7 (version 7), 5.8 (version 8); text: section 4.
 *
 * Version 7 here: 48 bits of Unix milliseconds, then 12 + 62 bits that are random for the first id of a millisecond
 * and, within one (or when the clock went back), the last id plus one: section 6.2, method 2, so that ids of one
 * source always rise. */
#include "base/id.h"
#include <assert.h>
#include <string.h>

static void mark(struct pawl_id *id, unsigned version)
{
    id->b[6] = (uint8_t)(version << 4 | (id->b[6] & 0x0f));
    id->b[8] = (uint8_t)(0x80 | (id->b[8] & 0x3f));
}

static uint64_t millis(const struct pawl_id *id)
{
    uint64_t ms = 0;
    for (int i = 0; i < 6; i++) ms = ms << 8 | id->b[i];
    return ms;
}

static void set_millis(struct pawl_id *id, uint64_t ms)
{
    for (int i = 5; i >= 0; i--, ms >>= 8) id->b[i] = (uint8_t)ms;
}

/* Adds one to the 74 bits between version and variant. False: they ran over. */
static bool add_one(struct pawl_id *id)
{
    for (int i = 15; i > 8; i--)
        if (++id->b[i] != 0) return true;
    id->b[8] = (uint8_t)(0x80 | ((id->b[8] + 1) & 0x3f));
    if ((id->b[8] & 0x3f) != 0) return true;
    if (++id->b[7] != 0) return true;
    id->b[6] = (uint8_t)(0x70 | ((id->b[6] + 1) & 0x0f));
    return (id->b[6] & 0x0f) != 0;
}

struct pawl_id pawl_id_v7(int64_t wall_ns, const uint8_t random[10], struct pawl_id *last)
{
    assert(random);
    assert(last);
    const uint64_t ms = wall_ns > 0 ? (uint64_t)wall_ns / 1000000 : 0;
    struct pawl_id id;
    static const struct pawl_id none;
    const uint64_t last_ms = millis(last);
    if (pawl_id_eq(*last, none) || ms > last_ms) {
        set_millis(&id, ms);
        memcpy(id.b + 6, random, 10);
        mark(&id, 7);
    } else {
        id = *last;
        if (!add_one(&id)) set_millis(&id, last_ms + 1); /* the bits are zero now, the time carries on */
    }
    *last = id;
    return id;
}

struct pawl_id pawl_id_v8(const uint8_t bytes[16])
{
    struct pawl_id id;
    memcpy(id.b, bytes, 16);
    mark(&id, 8);
    return id;
}

void pawl_id_text(struct pawl_id id, char out[PAWL_ID_TEXT])
{
    static const uint8_t groups[] = {4, 2, 2, 2, 6};
    const uint8_t *from = id.b;
    for (int i = 0; i < 5; i++) {
        if (i > 0) *out++ = '-';
        pawl_hex(out, from, groups[i]);
        out += 2 * groups[i];
        from += groups[i];
    }
}

bool pawl_id_parse(struct pawl_str text, struct pawl_id *out)
{
    if (text.n != PAWL_ID_TEXT - 1) return false;
    char hex[32];
    uint32_t n = 0;
    for (uint32_t i = 0; i < text.n; i++) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash != (text.p[i] == '-')) return false;
        if (!dash) hex[n++] = text.p[i];
    }
    return pawl_unhex(out->b, sizeof out->b, (struct pawl_str){hex, n});
}

bool pawl_id_eq(struct pawl_id a, struct pawl_id b)
{
    return memcmp(a.b, b.b, sizeof a.b) == 0;
}
