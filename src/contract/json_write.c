/* src/contract/json_write.c - JSON text: escaping, values in their own order, and the writer that puts commas. */
#include "contract/json.h"
#include <string.h>

/* How many bytes of well-formed UTF-8 begin at p; 0: none (RFC 3629: no overlong forms, no surrogates). */
static uint32_t utf8(const uint8_t *p, uint32_t n)
{
    const uint8_t c = p[0];
    const uint32_t want = c < 0x80                ? 1
                          : c >= 0xc2 && c < 0xe0 ? 2
                          : c >= 0xe0 && c < 0xf0 ? 3
                          : c >= 0xf0 && c < 0xf5 ? 4
                                                  : 0;
    if (!want || want > n) return 0;
    for (uint32_t i = 1; i < want; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    if ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] >= 0xa0)) return 0;
    if ((c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] >= 0x90)) return 0;
    return want;
}

static void escape(uint8_t c, struct pawl_buf *out)
{
    static const char short_forms[] = "\b\t\n\f\r\"\\", letters[] = "btnfr\"\\";
    const char *at = c ? strchr(short_forms, c) : NULL;
    if (at) {
        pawl_buf_char(out, '\\');
        pawl_buf_char(out, letters[at - short_forms]);
    } else {
        pawl_buf_printf(out, "\\u%04x", c);
    }
}

/* ASCII that stands for itself in a text. */
static bool is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* The same of eight bytes at once. It may say no where yes is true, never the other way. */
static bool are_plain(uint64_t v)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    const uint64_t quote = v ^ ones * '"', slash = v ^ ones * '\\';
    return !((v | (v - ones * 0x20) | (quote - ones) | (slash - ones)) & tops);
}

static uint64_t eight(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Four to eight bytes: the first four and the last four. */
static uint64_t four_to_eight(const uint8_t *p, uint32_t n)
{
    uint32_t first, last;
    memcpy(&first, p, sizeof first);
    memcpy(&last, p + n - sizeof last, sizeof last);
    return first | (uint64_t)last << 32;
}

/* How many bytes from i on stand for themselves. */
static uint32_t plain(const uint8_t *p, uint32_t i, uint32_t n)
{
    const uint32_t from = i;
    while (n - i >= 8 && are_plain(eight(p + i))) i += 8;
    if (n - i < 8 && n >= 8 && are_plain(eight(p + n - 8))) return n - from; /* the rest, and some of it once more */
    if (n - i < 8 && n - i >= 4 && are_plain(four_to_eight(p + i, n - i))) return n - from;
    while (i < n && is_plain(p[i])) i++;
    return i - from;
}

/* A text without anything to escape, as nearly all are. false: it has something, or may have. */
static bool quote_plain(struct pawl_str text, struct pawl_buf *out)
{
    const uint8_t *p = (const uint8_t *)text.p;
    const uint32_t n = text.n;
    char *to = pawl_buf_room(out, (size_t)n + 2);
    uint64_t v;
    uint32_t i = 0;
    if (!to) return true;
    *to++ = '"';
    if (n >= 8) {
        for (; n - i >= 8; i += 8) {
            v = eight(p + i);
            if (!are_plain(v)) return false;
            memcpy(to + i, &v, sizeof v);
        }
        v = eight(p + n - 8); /* the rest, and some of it once more */
        if (!are_plain(v)) return false;
        memcpy(to + n - 8, &v, sizeof v);
    } else if (n >= 4) {
        if (!are_plain(four_to_eight(p, n))) return false;
        memcpy(to, p, 4);
        memcpy(to + n - 4, p + n - 4, 4);
    } else {
        for (; i < n; i++) {
            if (!is_plain(p[i])) return false;
            to[i] = (char)p[i];
        }
    }
    to[n] = '"';
    out->n += (size_t)n + 2;
    return true;
}

void pawl_json_quote(struct pawl_str text, struct pawl_buf *out)
{
    const uint8_t *p = (const uint8_t *)text.p;
    uint32_t from = 0, i = 0;
    if (quote_plain(text, out)) return;
    pawl_buf_char(out, '"');
    while (i < text.n) {
        i += plain(p, i, text.n);
        if (i == text.n) break;
        const uint32_t bytes = p[i] < 0x80 ? 1 : utf8(p + i, text.n - i);
        if (bytes > 1) {
            i += bytes;
            continue;
        }
        pawl_buf_add(out, p + from, i - from);
        if (bytes) escape(p[i], out);
        else pawl_buf_text(out, "\xef\xbf\xbd");
        from = ++i;
    }
    pawl_buf_add(out, p + from, i - from);
    pawl_buf_char(out, '"');
}

static void write_number(yyjson_val *v, struct pawl_buf *out)
{
    char memory[256];
    yyjson_alc alc;
    size_t n = 0;
    const char *text;
    if (yyjson_is_sint(v)) {
        pawl_buf_i64(out, yyjson_get_sint(v));
    } else if (yyjson_is_uint(v)) {
        const uint64_t u = yyjson_get_uint(v);
        if (u <= INT64_MAX) pawl_buf_i64(out, (int64_t)u);
        else pawl_buf_printf(out, "%llu", (unsigned long long)u);
    } else {
        yyjson_alc_pool_init(&alc, memory, sizeof memory);
        text = yyjson_val_write_opts(v, YYJSON_WRITE_NOFLAG, &alc, &n, NULL);
        if (text) pawl_buf_add(out, text, n);
        else out->failed = true;
    }
}

void pawl_json_write(yyjson_val *v, struct pawl_buf *out)
{
    yyjson_val *key, *item;
    size_t i, max;
    switch (yyjson_get_type(v)) {
    case YYJSON_TYPE_STR: pawl_json_quote(pawl_json_value_str(v), out); break;
    case YYJSON_TYPE_NUM: write_number(v, out); break;
    case YYJSON_TYPE_BOOL: pawl_buf_text(out, yyjson_get_bool(v) ? "true" : "false"); break;
    case YYJSON_TYPE_ARR:
        pawl_buf_char(out, '[');
        yyjson_arr_foreach(v, i, max, item)
        {
            if (i) pawl_buf_char(out, ',');
            pawl_json_write(item, out);
        }
        pawl_buf_char(out, ']');
        break;
    case YYJSON_TYPE_OBJ:
        pawl_buf_char(out, '{');
        yyjson_obj_foreach(v, i, max, key, item)
        {
            if (i) pawl_buf_char(out, ',');
            pawl_json_quote(pawl_json_value_str(key), out);
            pawl_buf_char(out, ':');
            pawl_json_write(item, out);
        }
        pawl_buf_char(out, '}');
        break;
    default: pawl_buf_text(out, "null"); break;
    }
}

static void comma(struct pawl_json_writer *w)
{
    if (w->more) pawl_buf_char(w->out, ',');
    w->more = true;
}

void pawl_jw_open(struct pawl_json_writer *w, char bracket)
{
    comma(w);
    pawl_buf_char(w->out, bracket);
    w->more = false;
}

void pawl_jw_close(struct pawl_json_writer *w, char bracket)
{
    pawl_buf_char(w->out, bracket);
    w->more = true;
}

void pawl_jw_key_str(struct pawl_json_writer *w, struct pawl_str name)
{
    comma(w);
    pawl_json_quote(name, w->out);
    pawl_buf_char(w->out, ':');
    w->more = false;
}

void pawl_jw_keyn(struct pawl_json_writer *w, const char *name, size_t n)
{
    char *to = pawl_buf_room(w->out, n + 4);
    const bool more = w->more;
    w->more = false;
    if (!to) return;
    if (more) *to++ = ',';
    *to++ = '"';
    memcpy(to, name, n);
    memcpy(to + n, "\":", 2);
    w->out->n += n + 3 + more;
}

void pawl_jw_str(struct pawl_json_writer *w, struct pawl_str text)
{
    comma(w);
    pawl_json_quote(text, w->out);
}

void pawl_jw_text(struct pawl_json_writer *w, const char *text)
{
    pawl_jw_str(w, pawl_str_of(text));
}

void pawl_jw_i64(struct pawl_json_writer *w, int64_t v)
{
    comma(w);
    pawl_buf_i64(w->out, v);
}

void pawl_jw_bool(struct pawl_json_writer *w, bool v)
{
    pawl_jw_raw(w, v ? PAWL_STR("true") : PAWL_STR("false"));
}

void pawl_jw_null(struct pawl_json_writer *w)
{
    pawl_jw_raw(w, PAWL_STR("null"));
}

void pawl_jw_raw(struct pawl_json_writer *w, struct pawl_str json)
{
    comma(w);
    pawl_buf_str(w->out, json);
}

void pawl_jw_value(struct pawl_json_writer *w, yyjson_val *v)
{
    comma(w);
    pawl_json_write(v, w->out);
}

void pawl_jw_put_str(struct pawl_json_writer *w, const char *name, struct pawl_str text)
{
    if (!text.p) return;
    pawl_jw_key(w, name);
    pawl_jw_str(w, text);
}

void pawl_jw_put_i64(struct pawl_json_writer *w, const char *name, int64_t v)
{
    pawl_jw_key(w, name);
    pawl_jw_i64(w, v);
}

void pawl_jw_put_error(struct pawl_json_writer *w, const char *name, int code, const struct pawl_error *err)
{
    pawl_jw_key(w, name);
    pawl_jw_open(w, '{');
    pawl_jw_put_i64(w, "code", code);
    pawl_jw_put_str(w, "name", pawl_str_of(pawl_code_name(code)));
    pawl_jw_put_str(w, "where", pawl_str_of(err->where));
    pawl_jw_put_str(w, "what", pawl_str_of(err->what));
    pawl_jw_put_str(w, "next", pawl_str_of(err->next));
    pawl_jw_close(w, '}');
}
