/* src/contract/schema_uri.c - RFC 3986, section 5.2, in its own words. */
#include "contract/schema_uri.h"
#include <string.h>

struct pawl_str pawl_uri_split(struct pawl_str text, struct pawl_str *fragment)
{
    const char *hash = text.n ? memchr(text.p, '#', text.n) : NULL;
    const uint32_t n = hash ? (uint32_t)(hash - text.p) : text.n;
    *fragment = hash ? (struct pawl_str){hash + 1, text.n - n - 1} : (struct pawl_str){NULL, 0};
    return (struct pawl_str){text.p ? text.p : "", n};
}

/* A URI in its parts, each with what marks it: "https:", "//host", "/a/b", "?q". */
struct parts {
    struct pawl_str scheme, authority, path, query;
};

static struct pawl_str take(struct pawl_str *from, uint32_t n)
{
    const struct pawl_str part = {from->p, n};
    from->p += n;
    from->n -= n;
    return part;
}

/* How many bytes before the first of `ends`. */
static uint32_t until(struct pawl_str s, const char *ends)
{
    uint32_t n = 0;
    while (n < s.n && (s.p[n] == 0 || !strchr(ends, s.p[n]))) n++;
    return n;
}

static struct parts parts_of(struct pawl_str s)
{
    struct parts p = {{"", 0}, {"", 0}, {"", 0}, {"", 0}};
    const uint32_t scheme = until(s, ":/?");
    if (scheme > 0 && scheme < s.n && s.p[scheme] == ':') p.scheme = take(&s, scheme + 1);
    if (s.n >= 2 && s.p[0] == '/' && s.p[1] == '/') {
        const struct pawl_str rest = {s.p + 2, s.n - 2};
        p.authority = take(&s, 2 + until(rest, "/?"));
    }
    p.path = take(&s, until(s, "?"));
    p.query = s;
    return p;
}

/* Takes "." and ".." out of an absolute path, as it is appended. */
static void put_path(struct pawl_buf *out, struct pawl_str path)
{
    const size_t begin = out->n;
    while (path.n > 0 && !out->failed) {
        const bool slash = path.p[0] == '/';
        const struct pawl_str name = {path.p + slash, path.n - slash};
        const uint32_t n = until(name, "/");
        const struct pawl_str segment = {name.p, n};
        const bool last = n == name.n;
        if (pawl_str_is(segment, "..")) {
            while (out->n > begin && out->p[out->n - 1] != '/') out->n--;
            if (out->n > begin) out->n--;
            if (last && slash) pawl_buf_char(out, '/');
        } else if (pawl_str_is(segment, ".")) {
            if (last && slash) pawl_buf_char(out, '/');
        } else {
            pawl_buf_add(out, path.p, n + slash);
        }
        take(&path, n + slash);
    }
}

struct pawl_str pawl_uri_resolve(struct pawl_arena *a, struct pawl_str base_text, struct pawl_str reference)
{
    struct pawl_str fragment, merged;
    const struct parts base = parts_of(pawl_uri_split(base_text, &fragment));
    const struct parts ref = parts_of(pawl_uri_split(reference, &fragment));
    struct pawl_buf out, joined;
    pawl_buf_init_arena(&out, a);
    pawl_buf_init_arena(&joined, a);
    pawl_buf_str(&out, ref.scheme.n ? ref.scheme : base.scheme);
    const bool own = ref.scheme.n || ref.authority.n;
    pawl_buf_str(&out, own ? ref.authority : base.authority);
    if (ref.scheme.n && !ref.authority.n && (ref.path.n == 0 || ref.path.p[0] != '/')) { /* urn:..., tag:... */
        pawl_buf_str(&out, ref.path);
    } else if (own || (ref.path.n && ref.path.p[0] == '/')) {
        put_path(&out, ref.path);
    } else if (ref.path.n == 0) {
        pawl_buf_str(&out, base.path);
    } else {
        uint32_t keep = base.path.n;
        while (keep > 0 && base.path.p[keep - 1] != '/') keep--;
        if (keep == 0 && base.authority.n) pawl_buf_char(&joined, '/');
        pawl_buf_add(&joined, base.path.p, keep);
        pawl_buf_str(&joined, ref.path);
        merged = pawl_buf_done(&joined);
        if (!merged.p) return merged;
        put_path(&out, merged);
    }
    pawl_buf_str(&out, own || ref.path.n || ref.query.n ? ref.query : base.query);
    return pawl_buf_done(&out);
}

struct pawl_str pawl_uri_decode(struct pawl_arena *a, struct pawl_str text)
{
    struct pawl_buf out;
    pawl_buf_init_arena(&out, a);
    for (uint32_t i = 0; i < text.n; i++) {
        uint8_t byte;
        if (text.p[i] == '%' && i + 2 < text.n && pawl_unhex(&byte, 1, (struct pawl_str){text.p + i + 1, 2})) {
            pawl_buf_char(&out, (char)byte);
            i += 2;
        } else {
            pawl_buf_char(&out, text.p[i]);
        }
    }
    return pawl_buf_done(&out);
}
