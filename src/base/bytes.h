/* src/base/bytes.h - spans of bytes, a growing buffer with a sticky failure, hexadecimal. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "base/alloc.h"

/* Borrowed bytes, usually text. Not NUL-terminated unless whoever made it says so. {NULL, 0}: absent. */
struct pawl_str {
    const char *p;
    uint32_t n;
};
#define PAWL_STR(literal) ((struct pawl_str){(literal), (uint32_t)(sizeof(literal) - 1)})
struct pawl_str pawl_str_of(const char *nul_terminated); /* NULL gives {NULL, 0} */
bool pawl_str_eq(struct pawl_str a, struct pawl_str b);
static inline bool pawl_str_is(struct pawl_str a, const char *nul_terminated)
{
    return a.n == strlen(nul_terminated) &&
           pawl_str_eq(a, (struct pawl_str){nul_terminated, a.n}); /* mostly a literal */
}
int pawl_str_cmp(struct pawl_str a, struct pawl_str b);                 /* by bytes, like memcmp, shorter first */
struct pawl_str pawl_str_copy(struct pawl_arena *a, struct pawl_str s); /* NUL behind; {NULL,0}: no memory */

/* A buffer that grows. Once an allocation fails or max_bytes would be passed it is `failed`, later appends do
 * nothing, and whoever looks at the end sees one flag. Memory: from->resize, or an arena where `arena` is set. */
struct pawl_buf {
    const struct pawl_alloc *from; /* one of from, arena */
    struct pawl_arena *arena;
    char *p;
    size_t n, size;
    size_t max_bytes; /* 0: no bound */
    bool failed;
};
void pawl_buf_init(struct pawl_buf *b, const struct pawl_alloc *from);
void pawl_buf_init_arena(struct pawl_buf *b, struct pawl_arena *a);
void pawl_buf_fini(struct pawl_buf *b); /* no-op for an arena's */
void pawl_buf_add(struct pawl_buf *b, const void *p, size_t n);
/* Room for n bytes more at its end, for who writes them there and then adds to b->n; NULL: it failed. */
char *pawl_buf_room(struct pawl_buf *b, size_t n);
void pawl_buf_str(struct pawl_buf *b, struct pawl_str s);
void pawl_buf_text(struct pawl_buf *b, const char *nul_terminated);
static inline void pawl_buf_char(struct pawl_buf *b, char c)
{
    if (!b->failed && b->size - b->n > 1) b->p[b->n++] = c; /* mostly there is room */
    else pawl_buf_add(b, &c, 1);
}
void pawl_buf_i64(struct pawl_buf *b, int64_t v); /* decimal */
void pawl_buf_printf(struct pawl_buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct pawl_str pawl_buf_done(struct pawl_buf *b); /* puts a NUL behind (not counted); {NULL,0} if it failed */

void pawl_hex(char *out, const void *bytes, size_t n);     /* 2n lower-case digits and a NUL */
bool pawl_unhex(void *out, size_t n, struct pawl_str hex); /* false: not exactly 2n hexadecimal digits */
