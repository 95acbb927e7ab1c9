/* src/base/bytes.c - spans, the growing buffer, hexadecimal. */
#include "base/bytes.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct pawl_str pawl_str_of(const char *nul_terminated)
{
    if (!nul_terminated) return (struct pawl_str){NULL, 0};
    const size_t n = strlen(nul_terminated);
    assert(n <= UINT32_MAX);
    return (struct pawl_str){nul_terminated, (uint32_t)n};
}

bool pawl_str_eq(struct pawl_str a, struct pawl_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

int pawl_str_cmp(struct pawl_str a, struct pawl_str b)
{
    const uint32_t n = a.n < b.n ? a.n : b.n;
    const int c = n > 0 ? memcmp(a.p, b.p, n) : 0;
    if (c != 0) return c;
    return (a.n > b.n) - (a.n < b.n);
}

struct pawl_str pawl_str_copy(struct pawl_arena *a, struct pawl_str s)
{
    const char *p = pawl_arena_copy(a, s.p, s.n);
    return p ? (struct pawl_str){p, s.n} : (struct pawl_str){NULL, 0};
}

void pawl_buf_init(struct pawl_buf *b, const struct pawl_alloc *from)
{
    assert(from);
    *b = (struct pawl_buf){.from = from};
}

void pawl_buf_init_arena(struct pawl_buf *b, struct pawl_arena *a)
{
    assert(a);
    *b = (struct pawl_buf){.arena = a};
}

void pawl_buf_fini(struct pawl_buf *b)
{
    if (!b) return;
    if (b->p && b->from) b->from->resize(b->from->ctx, b->p, b->size, 0);
    *b = (struct pawl_buf){.from = b->from, .arena = b->arena, .max_bytes = b->max_bytes};
}

static void *grown(struct pawl_buf *b, size_t size)
{
    if (b->from) return b->from->resize(b->from->ctx, b->p, b->size, size);
    if (b->p && pawl_arena_extend(b->arena, b->p, b->size, size)) return b->p;
    char *p = pawl_arena_get(b->arena, size); /* the old place stays behind until the arena goes */
    if (p && b->n > 0) memcpy(p, b->p, b->n);
    return p;
}

/* Makes room for `more` bytes and the NUL of pawl_buf_done. False: it is or became `failed`. */
static bool grow(struct pawl_buf *b, size_t more)
{
    assert(b->from || b->arena);
    assert(b->n <= b->size);
    if (b->failed) return false;
    const size_t bound = b->max_bytes > 0 && b->max_bytes < UINT32_MAX ? b->max_bytes : UINT32_MAX - 1; /* pawl_str's */
    if (more > bound || b->n > bound - more) {
        b->failed = true;
        return false;
    }
    const size_t need = b->n + more + 1;
    if (need <= b->size) return true;
    size_t size = b->size * 2 > 64 ? b->size * 2 : 64;
    if (size > bound + 1) size = bound + 1;
    if (size < need) size = need;
    char *p = grown(b, size);
    if (!p) {
        b->failed = true;
        return false;
    }
    b->p = p;
    b->size = size;
    return true;
}

/* Mostly there is room. */
static inline bool reserve(struct pawl_buf *b, size_t more)
{
    return (!b->failed && more < b->size - b->n) || grow(b, more);
}

char *pawl_buf_room(struct pawl_buf *b, size_t n)
{
    return reserve(b, n) ? b->p + b->n : NULL;
}

void pawl_buf_add(struct pawl_buf *b, const void *p, size_t n)
{
    assert(p || n == 0);
    if (n == 0 || !reserve(b, n)) return;
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

void pawl_buf_str(struct pawl_buf *b, struct pawl_str s)
{
    pawl_buf_add(b, s.p, s.n);
}

void pawl_buf_text(struct pawl_buf *b, const char *nul_terminated)
{
    assert(nul_terminated);
    pawl_buf_add(b, nul_terminated, strlen(nul_terminated));
}

void pawl_buf_i64(struct pawl_buf *b, int64_t v)
{
    char digits[20];
    size_t at = sizeof digits;
    uint64_t left = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do digits[--at] = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    if (v < 0) digits[--at] = '-';
    pawl_buf_add(b, digits + at, sizeof digits - at);
}

void pawl_buf_printf(struct pawl_buf *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0) b->failed = true;
    if (n > 0 && reserve(b, (size_t)n)) {
        vsnprintf(b->p + b->n, (size_t)n + 1, format, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

struct pawl_str pawl_buf_done(struct pawl_buf *b)
{
    if (!reserve(b, 0)) return (struct pawl_str){NULL, 0};
    b->p[b->n] = 0;
    return (struct pawl_str){b->p, (uint32_t)b->n};
}

/* Eight characters, or eight bytes, as one number of which the first is the lowest. */
static uint64_t eight(const void *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

static void put_eight(void *p, uint64_t v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    memcpy(p, &v, sizeof v);
}

static const uint64_t ONES = UINT64_C(0x0101010101010101);

/* Four bytes, the lowest four of v, as eight digits. */
static uint64_t digits_of(uint64_t v)
{
    v = (v | v << 16) & UINT64_C(0x0000ffff0000ffff);
    v = (v | v << 8) & UINT64_C(0x00ff00ff00ff00ff);
    v = (v >> 4 & ONES * 15) | (v << 8 & ONES * 15 << 8);
    const uint64_t letters = (v + ONES * 6) >> 4 & ONES; /* 10 and more */
    return v + ONES * '0' + letters * ('a' - '0' - 10);
}

void pawl_hex(char *out, const void *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *p = bytes;
    size_t i = 0;
    for (; n - i >= 8; i += 8) {
        const uint64_t v = eight(p + i);
        put_eight(out + 2 * i, digits_of(v & UINT32_MAX));
        put_eight(out + 2 * i + 8, digits_of(v >> 32));
    }
    for (; i < n; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * n] = 0;
}

/* Bits for those of eight characters that are no digits. */
static inline uint64_t not_digits(uint64_t v)
{
    const uint64_t tops = ONES << 7, low = v & ~tops, small = low | ONES * 0x20; /* letters: small ones */
    const uint64_t digit = (low + ONES * (0x80 - '0')) & ~(low + ONES * (0x7f - '9'));
    const uint64_t letter = (small + ONES * (0x80 - 'a')) & ~(small + ONES * (0x7f - 'f'));
    return (~(digit | letter) | v) & tops;
}

/* Eight digits as four bytes, the lowest four: only letters have the bit 6. */
static inline uint64_t bytes_of(uint64_t v)
{
    v = (v & ONES * 15) + (v >> 6 & ONES) * 9;
    v = (v << 4 | v >> 8) & UINT64_C(0x00ff00ff00ff00ff);
    v = (v | v >> 8) & UINT64_C(0x0000ffff0000ffff);
    return (v | v >> 16) & UINT32_MAX;
}

bool pawl_unhex(void *out, size_t n, struct pawl_str hex)
{
    const char *from = hex.p;
    uint8_t *to = out;
    uint64_t bad = 0;
    if (n > UINT32_MAX / 2 || hex.n != 2 * n) return false;
    char last[16] = "0000000000000000"; /* what is left of it, filled up to eight bytes */
    const size_t whole = n / 8 * 8, left = n - whole;
    if (left) memcpy(last, from + 2 * whole, 2 * left);
    for (size_t i = 0; i < 2 * whole; i += 8) bad |= not_digits(eight(from + i));
    if (left) bad |= not_digits(eight(last)) | not_digits(eight(last + 8));
    if (bad) return false; /* first, so that nothing is written by half */
    for (size_t i = 0; i < whole; i += 8)
        put_eight(to + i, bytes_of(eight(from + 2 * i)) | bytes_of(eight(from + 2 * i + 8)) << 32);
    if (!left) return true;
    put_eight(last, bytes_of(eight(last)) | bytes_of(eight(last + 8)) << 32);
    memcpy(to + whole, last, left);
    return true;
}
