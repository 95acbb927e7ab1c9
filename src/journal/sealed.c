/* src/journal/sealed.c - see sealed.h. */
#include "journal/sealed.h"
#include "contract/json.h"
#include <string.h>

enum { SHORTEST = 4, NESTED = 3 }; /* a text in JSON in a string in JSON: arguments of a call in a model's answer */
static const char begins[] = "{\"sealed\":\"";

bool pawl_is_sealed(struct pawl_str body)
{
    return body.n > sizeof begins + 64 && memcmp(body.p, begins, sizeof begins - 1) == 0;
}

struct pawl_str pawl_record_whole(const struct pawl_record *r)
{
    return r->full.n > PAWL_SEAL_SALT ? (struct pawl_str){r->full.p + PAWL_SEAL_SALT, r->full.n - PAWL_SEAL_SALT}
                                      : r->body;
}

bool pawl_seal_fits(struct pawl_str body, struct pawl_str full)
{
    struct pawl_hash said;
    if (!pawl_is_sealed(body) || full.n <= PAWL_SEAL_SALT) return false;
    const struct pawl_str hex = {body.p + sizeof begins - 1, 64};
    const struct pawl_hash is = pawl_sha256(full.p, full.n);
    return pawl_unhex(said.b, sizeof said.b, hex) && memcmp(said.b, is.b, sizeof is.b) == 0;
}

static bool is_number(struct pawl_str s)
{
    bool digit = false;
    for (uint32_t i = 0; i < s.n; i++) {
        digit = digit || (s.p[i] >= '0' && s.p[i] <= '9');
        if (!strchr("0123456789+-.eE", s.p[i])) return false;
    }
    return digit;
}

/* `text` with every `value` struck out; *hits counts them. */
static struct pawl_str strike(struct pawl_str text, struct pawl_str value, struct pawl_arena *a, uint32_t *hits)
{
    const bool number = is_number(value);
    const char *at = text.p, *end = text.p + text.n, *found;
    struct pawl_buf b;
    if (!memmem(text.p, text.n, value.p, value.n)) return text;
    pawl_buf_init_arena(&b, a);
    for (; (found = memmem(at, (size_t)(end - at), value.p, value.n)) != NULL; at = found + value.n) {
        pawl_buf_str(&b, (struct pawl_str){at, (uint32_t)(found - at)});
        for (uint32_t i = 0; number && i < value.n; i++)
            pawl_buf_char(&b, value.p[i] >= '0' && value.p[i] <= '9' ? '9' : value.p[i]);
        if (!number) pawl_buf_text(&b, "[redacted]");
        ++*hits;
    }
    pawl_buf_str(&b, (struct pawl_str){at, (uint32_t)(end - at)});
    return pawl_buf_done(&b);
}

/* The value as it stands in a JSON string, in one within one, and so on: all texts are tried that differ. */
static struct pawl_str strike_nested(struct pawl_str text, struct pawl_str value, struct pawl_arena *a, uint32_t *hits)
{
    for (int depth = 0; depth <= NESTED && text.p; depth++) {
        struct pawl_buf b;
        pawl_buf_init_arena(&b, a);
        pawl_json_quote(value, &b);
        const struct pawl_str quoted = pawl_buf_done(&b);
        if (!quoted.p) return quoted;
        const struct pawl_str bare = {quoted.p + 1, quoted.n - 2};
        const bool same = pawl_str_eq(bare, value);
        text = strike(text, value, a, hits);
        if (same) break;
        value = bare;
    }
    return text;
}

static void put_unit(struct pawl_buf *b, uint32_t unit, bool upper)
{
    if (upper) pawl_buf_printf(b, "\\u%04X", unit);
    else pawl_buf_printf(b, "\\u%04x", unit);
}

/* The code point that begins at *at; *at goes behind it. The value came out of a JSON text, so it is UTF-8. */
static uint32_t code_at(struct pawl_str s, uint32_t *at)
{
    const uint8_t first = (uint8_t)s.p[(*at)++];
    const uint32_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
    uint32_t code = more == 0 ? first : first & (0x3fu >> more);
    for (uint32_t i = 0; i < more && *at < s.n; i++) code = code << 6 | ((uint8_t)s.p[(*at)++] & 0x3f);
    return code;
}

/* As other writers of JSON spell a string: all that is not ASCII as \uXXXX, a slash as \/. */
static struct pawl_str spelled(struct pawl_str value, bool ascii, bool upper, bool slash, struct pawl_arena *a)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, a);
    for (uint32_t at = 0; at < value.n;) {
        const uint32_t from = at, code = code_at(value, &at);
        if (ascii && code >= 0x10000) {
            put_unit(&b, 0xd800 + ((code - 0x10000) >> 10), upper);
            put_unit(&b, 0xdc00 + ((code - 0x10000) & 0x3ff), upper);
        } else if (ascii && code >= 0x80) put_unit(&b, code, upper);
        else if (slash && code == '/') pawl_buf_text(&b, "\\/");
        else if (code == '"' || code == '\\') pawl_buf_char(&b, '\\'), pawl_buf_char(&b, (char)code);
        else pawl_buf_add(&b, value.p + from, at - from);
    }
    return pawl_buf_done(&b);
}

/* As it stands in a URL (RFC 3986). */
static struct pawl_str in_url(struct pawl_str value, struct pawl_arena *a)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, a);
    for (uint32_t i = 0; i < value.n; i++) {
        const char c = value.p[i];
        const bool plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("-._~", c));
        if (plain) pawl_buf_char(&b, c);
        else pawl_buf_printf(&b, "%%%02X", (unsigned)(uint8_t)c);
    }
    return pawl_buf_done(&b);
}

/* In every spelling that our own texts and those of others have for it. */
static struct pawl_str strike_all(struct pawl_str text, struct pawl_str value, struct pawl_arena *a, uint32_t *hits)
{
    static const struct {
        bool ascii, upper, slash;
    } ways[] = {
        {true, false, false}, {true, true, false}, {false, false, true}, {true, false, true}, {true, true, true}};
    struct pawl_str other;
    text = strike_nested(text, value, a, hits);
    for (size_t i = 0; text.p && i < sizeof ways / sizeof *ways; i++) {
        other = spelled(value, ways[i].ascii, ways[i].upper, ways[i].slash, a);
        if (!other.p) return other;
        if (other.n != value.n) text = strike_nested(text, other, a, hits);
    }
    other = text.p ? in_url(value, a) : text;
    return other.p && other.n != value.n ? strike(text, other, a, hits) : other.p ? text : other;
}

int pawl_seal(struct pawl_str whole, const struct pawl_str *values, uint32_t count, const uint8_t salt[PAWL_SEAL_SALT],
              struct pawl_arena *a, struct pawl_str *body, struct pawl_str *full, bool *struck)
{
    static const char *const words[] = {"true", "false", "null"};
    struct pawl_str left = whole;
    struct pawl_error err;
    struct pawl_buf b;
    yyjson_val *v;
    char hex[65], *kept;
    uint32_t hits = 0;
    *struck = false;
    for (uint32_t i = 0; i < count && left.p; i++) {
        bool word = values[i].n < SHORTEST;
        for (size_t k = 0; k < sizeof words / sizeof *words; k++) word = word || pawl_str_is(values[i], words[k]);
        if (!word) left = strike_all(left, values[i], a, &hits);
    }
    if (!left.p) return PAWL_ENOMEM;
    if (hits == 0) return PAWL_OK;
    /* A value that is also a name, or breaks the text in some other way, leaves nothing to read rather than all. */
    const int rc = pawl_json_read(left, a, &v, &err);
    if (rc == PAWL_ENOMEM) return rc;
    kept = pawl_arena_get(a, PAWL_SEAL_SALT + whole.n + 1);
    if (!kept) return PAWL_ENOMEM;
    memcpy(kept, salt, PAWL_SEAL_SALT);
    memcpy(kept + PAWL_SEAL_SALT, whole.p, whole.n);
    kept[PAWL_SEAL_SALT + whole.n] = 0;
    *full = (struct pawl_str){kept, PAWL_SEAL_SALT + whole.n};
    const struct pawl_hash hash = pawl_sha256(full->p, full->n);
    pawl_hex(hex, hash.b, sizeof hash.b);
    pawl_buf_init_arena(&b, a);
    pawl_buf_printf(&b, "%s%s\"", begins, hex);
    if (rc == PAWL_OK && left.n > 2) {
        pawl_buf_char(&b, ',');
        pawl_buf_str(&b, (struct pawl_str){left.p + 1, left.n - 1});
    } else {
        pawl_buf_char(&b, '}');
    }
    *body = pawl_buf_done(&b);
    *struck = body->p != NULL;
    return body->p ? PAWL_OK : PAWL_ENOMEM;
}
