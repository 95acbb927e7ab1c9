/* src/io/alloc_test.c - the allocator over libc keeps the contract of struct pawl_alloc. */
#include "io/alloc.h"
#include "base/test.h"

int main(void)
{
    const struct pawl_alloc *a = pawl_alloc_libc();
    char *p = a->resize(a->ctx, NULL, 0, 10);
    if (CHECK(p != NULL)) memcpy(p, "012345678", 10);
    CHECK((uintptr_t)p % 16 == 0);
    p = a->resize(a->ctx, p, 10, 100000);
    CHECK_TEXT(p, "012345678");
    CHECK(a->resize(a->ctx, p, 100000, SIZE_MAX) == NULL); /* the old memory is still there */
    CHECK_TEXT(p, "012345678");
    p = a->resize(a->ctx, p, 100000, 4);
    CHECK(memcmp(p, "0123", 4) == 0);
    CHECK(a->resize(a->ctx, p, 4, 0) == NULL);
    CHECK(a->resize(a->ctx, NULL, 0, 0) == NULL);
    CHECK(a->resize(a->ctx, NULL, 0, (size_t)PTRDIFF_MAX + 1) == NULL);
    return TEST_END();
}
