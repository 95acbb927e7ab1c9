/* src/base/test.h - for x_test.c only: counting checks, the closing line, an allocator that counts and can fail.
 *
 *     CHECK(a == b);                    one check; a failed one prints file, line and what was wanted
 *     CHECK_INT(got, want);             the same, printing both numbers
 *     CHECK_TEXT(got, want);            the same, for NUL-terminated text
 *     return TEST_END();                prints `N passed, N failed`, gives main's exit code
 *
 * EVERY_FAILED_ALLOCATION(t) { story with &t.alloc; } runs the story with its 1st, 2nd, ... allocation failing until
 * one run needs fewer. Each time all memory must have come back. The story must not `break` or `return`. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"

static int test_passed, test_failed;

__attribute__((unused)) static bool test_check(bool ok, const char *file, int line, const char *text)
{
    if (ok) {
        test_passed++;
    } else {
        test_failed++;
        printf("%s:%d: not so: %s\n", file, line, text);
    }
    return ok;
}

__attribute__((unused)) static bool test_check_int(long long got, long long want, const char *file, int line,
                                                   const char *text)
{
    if (got == want) return test_check(true, file, line, text);
    printf("%s:%d: got %lld, want %lld\n", file, line, got, want);
    return test_check(false, file, line, text);
}

__attribute__((unused)) static bool test_check_text(const char *got, const char *want, const char *file, int line,
                                                    const char *text)
{
    if (got == want || (got && want && strcmp(got, want) == 0)) return test_check(true, file, line, text);
    printf("%s:%d: got  \"%s\"\n%s:%d: want \"%s\"\n", file, line, got ? got : "(null)", file, line,
           want ? want : "(null)");
    return test_check(false, file, line, text);
}

#define CHECK(condition) test_check((condition), __FILE__, __LINE__, #condition)
#define CHECK_INT(got, want) test_check_int((long long)(got), (long long)(want), __FILE__, __LINE__, #got " is " #want)
#define CHECK_TEXT(got, want) test_check_text((got), (want), __FILE__, __LINE__, #got " is " #want)
#define TEST_END() (printf("%d passed, %d failed\n", test_passed, test_failed), test_failed != 0)

/* An allocator over libc that knows what is out and fails the `fail_at`-th request for memory (0: none does). */
struct test_alloc {
    struct pawl_alloc alloc; /* hand out &t.alloc */
    size_t out_bytes;        /* handed out and not yet given back */
    uint32_t requests, fail_at;
    bool failed; /* the failure has been given */
};

__attribute__((unused)) static void *test_alloc_resize(void *ctx, void *p, size_t old_bytes, size_t new_bytes)
{
    struct test_alloc *t = ctx;
    if ((p == NULL) != (old_bytes == 0) || old_bytes > t->out_bytes) {
        printf("the allocator was told a size that it never gave\n");
        test_failed++;
    }
    if (new_bytes == 0) {
        free(p);
        t->out_bytes -= old_bytes;
        return NULL;
    }
    if (++t->requests == t->fail_at) {
        t->failed = true;
        return NULL;
    }
    /* Always elsewhere, so that whoever keeps an old pointer is found by the sanitizer. */
    void *q = malloc(new_bytes);
    if (!q) return NULL;
    memset(q, 0xa5, new_bytes);
    if (p) memcpy(q, p, old_bytes < new_bytes ? old_bytes : new_bytes);
    free(p);
    t->out_bytes += new_bytes - old_bytes;
    return q;
}

__attribute__((unused)) static void test_alloc_init(struct test_alloc *t, uint32_t fail_at)
{
    *t = (struct test_alloc){.alloc = {test_alloc_resize, NULL}, .fail_at = fail_at};
    t->alloc.ctx = t;
}

/* Ends one round of EVERY_FAILED_ALLOCATION; true: another one is due. */
__attribute__((unused)) static bool test_alloc_again(struct test_alloc *t, const char *file, int line)
{
    test_check(t->out_bytes == 0, file, line, "all memory came back");
    const bool again = t->failed;
    if (t->fail_at >= 100000) return test_check(false, file, line, "the story ends");
    const uint32_t next = t->fail_at + 1;
    test_alloc_init(t, next);
    return again;
}

#define EVERY_FAILED_ALLOCATION(t) \
    test_alloc_init(&(t), 1);      \
    for (bool test_more = true; test_more; test_more = test_alloc_again(&(t), __FILE__, __LINE__))
