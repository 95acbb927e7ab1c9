/* src/contract/webhook.c - see webhook.h. */
#include "contract/webhook.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK = 64, PARTS_MAX = 7, SECRET_MAX = 256, TOLERANCE_S = 300 };

struct pawl_hash pawl_hmac(struct pawl_str key, const struct pawl_str *parts, size_t count)
{
    struct pawl_str all[PARTS_MAX + 1];
    struct pawl_hash inner, short_key;
    char pad[BLOCK] = {0};
    assert(count <= PARTS_MAX);
    if (key.n > BLOCK) {
        short_key = pawl_sha256(key.p, key.n);
        key = (struct pawl_str){(const char *)short_key.b, sizeof short_key.b};
    }
    if (key.n) memcpy(pad, key.p, key.n);
    for (size_t i = 0; i < BLOCK; i++) pad[i] ^= 0x36;
    all[0] = (struct pawl_str){pad, BLOCK};
    if (count) memcpy(all + 1, parts, count * sizeof *parts);
    inner = pawl_sha256_parts(all, count + 1);
    for (size_t i = 0; i < BLOCK; i++) pad[i] ^= 0x36 ^ 0x5c;
    all[1] = (struct pawl_str){(const char *)inner.b, sizeof inner.b};
    return pawl_sha256_parts(all, 2);
}

void pawl_callback_token(struct pawl_str secret, struct pawl_id run, uint32_t step, const char *key,
                         char out[PAWL_TOKEN_TEXT])
{
    char id[PAWL_ID_TEXT], number[16];
    pawl_id_text(run, id);
    snprintf(number, sizeof number, " %u ", step);
    const struct pawl_str parts[] = {PAWL_STR("pawl callback "), pawl_str_of(id), pawl_str_of(number),
                                     pawl_str_of(key)};
    const struct pawl_hash h = pawl_hmac(secret, parts, sizeof parts / sizeof *parts);
    pawl_hex(out, h.b, sizeof h.b);
}

bool pawl_same_secret(struct pawl_str a, struct pawl_str b)
{
    unsigned differs = a.n ^ b.n;
    for (uint32_t i = 0; i < a.n && i < b.n; i++) differs |= (unsigned char)a.p[i] ^ (unsigned char)b.p[i];
    return differs == 0;
}

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode(const uint8_t *p, size_t n, char *out)
{
    for (; n > 0; p += 3, n = n > 3 ? n - 3 : 0) {
        const uint32_t v = (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0) | (n > 2 ? (uint32_t)p[2] : 0);
        *out++ = digits[v >> 18];
        *out++ = digits[v >> 12 & 63];
        *out++ = n > 1 ? digits[v >> 6 & 63] : '=';
        *out++ = n > 2 ? digits[v & 63] : '=';
    }
    *out = 0;
}

/* -1: it is no base64, or more than `size` bytes. */
static int decode(struct pawl_str text, uint8_t *out, size_t size)
{
    uint32_t bits = 0;
    size_t n = 0, held = 0;
    while (text.n > 0 && text.p[text.n - 1] == '=') text.n--;
    if (text.n % 4 == 1) return -1;
    for (uint32_t i = 0; i < text.n; i++) {
        const char *at = text.p[i] ? strchr(digits, text.p[i]) : NULL;
        if (!at) return -1;
        bits = bits << 6 | (uint32_t)(at - digits);
        held += 6;
        if (held < 8) continue;
        held -= 8;
        if (n == size) return -1;
        out[n++] = (uint8_t)(bits >> held);
        bits &= (1u << held) - 1;
    }
    return bits == 0 ? (int)n : -1;
}

bool pawl_webhook_sign(struct pawl_str secret, struct pawl_str id, struct pawl_str timestamp, struct pawl_str body,
                       char out[48])
{
    static const char prefix[] = "whsec_";
    const struct pawl_str parts[] = {id, PAWL_STR("."), timestamp, PAWL_STR("."), body};
    uint8_t key[SECRET_MAX];
    if (secret.n > 6 && memcmp(secret.p, prefix, 6) == 0) secret.p += 6, secret.n -= 6;
    const int n = decode(secret, key, sizeof key);
    if (n <= 0) return false;
    const struct pawl_hash h = pawl_hmac((struct pawl_str){(const char *)key, (uint32_t)n}, parts, 5);
    memcpy(out, "v1,", 3);
    encode(h.b, sizeof h.b, out + 3);
    return true;
}

static bool seconds_of(struct pawl_str text, int64_t *out)
{
    *out = 0;
    if (text.n == 0 || text.n > 12) return false;
    for (uint32_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') return false;
        *out = *out * 10 + (text.p[i] - '0');
    }
    return true;
}

/* One of those that are there, between blanks: keys are changed while both are in use. */
static bool signed_with(struct pawl_str list, struct pawl_str want)
{
    bool found = false;
    while (list.n > 0) {
        const char *blank = memchr(list.p, ' ', list.n);
        const uint32_t n = blank ? (uint32_t)(blank - list.p) : list.n;
        if (pawl_same_secret((struct pawl_str){list.p, n}, want)) found = true;
        list.p += n + (blank != NULL);
        list.n -= n + (blank != NULL);
    }
    return found;
}

const char *pawl_webhook_fault(struct pawl_str secret, const struct pawl_webhook *w, int64_t wall_ns)
{
    const int64_t now_s = wall_ns / 1000000000;
    int64_t at_s;
    char want[48];
    if (!w->id.n || !w->timestamp.n || !w->signature.n)
        return "webhook-id, webhook-timestamp or webhook-signature is missing";
    if (w->id.n > 256 || w->signature.n > 4096) return "webhook-id or webhook-signature is too long";
    if (memchr(w->id.p, '.', w->id.n)) return "webhook-id has a dot in it";
    if (!seconds_of(w->timestamp, &at_s)) return "webhook-timestamp is no number of seconds";
    if (at_s < now_s - TOLERANCE_S || at_s > now_s + TOLERANCE_S)
        return "webhook-timestamp is more than five minutes off";
    if (!pawl_webhook_sign(secret, w->id, w->timestamp, w->body, want)) return "the secret is no whsec_ of base64";
    if (!signed_with(w->signature, pawl_str_of(want))) return "no signature is ours";
    return NULL;
}
