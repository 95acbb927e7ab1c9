/* src/contract/shown.c - see shown.h. */
#include "contract/shown.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

int32_t pawl_utf8_next(struct pawl_str s, uint32_t *at)
{
    assert(*at < s.n);
    const uint8_t *p = (const uint8_t *)s.p;
    const uint8_t lead = p[(*at)++];
    if (lead < 0x80) return lead;
    if (lead < 0xc2 || lead > 0xf4) return -1;
    const int more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    /* The second byte's range keeps out overlong forms, surrogates and what lies beyond U+10FFFF. */
    uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    int32_t c = lead & (0x3f >> more);
    for (int i = 0; i < more; i++) {
        if (*at == s.n || p[*at] < low || p[*at] > high) return -1;
        c = c << 6 | (p[(*at)++] & 0x3f);
        low = 0x80, high = 0xbf;
    }
    return c;
}

/* Characters that hide, move or turn what is shown: controls, bidirectional marks, joiners, line separators, tags. */
static bool hidden(int32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || c == 0x180e ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
           c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff);
}

void pawl_shown(struct pawl_str text, size_t max_bytes, struct pawl_buf *out)
{
    const size_t start = out->n;
    bool blank = false;
    for (uint32_t at = 0; at < text.n;) {
        const uint32_t from = at;
        const int32_t c = pawl_utf8_next(text, &at);
        if (c == ' ' || (c >= '\t' && c <= '\r')) {
            blank = out->n > start;
            continue;
        }
        char piece[12] = "\xef\xbf\xbd";
        int n = 3;
        if (c >= 0 && !hidden(c)) memcpy(piece, text.p + from, at - from), n = (int)(at - from);
        else if (c >= 0) n = snprintf(piece, sizeof piece, c < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)c);
        if (out->n - start + (blank ? 1u : 0u) + (size_t)n > max_bytes) {
            pawl_buf_text(out, "\xe2\x80\xa6");
            return;
        }
        if (blank) pawl_buf_char(out, ' ');
        blank = false;
        pawl_buf_add(out, piece, (size_t)n);
    }
}
