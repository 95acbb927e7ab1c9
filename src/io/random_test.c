/* src/io/random_test.c - the book-keeping of the block: nothing twice, nothing kept, every size. */
#include "io/random.h"
#include "base/test.h"

static bool is_zero(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i]) return false;
    return true;
}

int main(void)
{
    static struct pawl_random r;
    static uint8_t out[20000], block[4096];
    CHECK_INT(pawl_random_fill(&r, out, 0), 0);
    CHECK_INT(pawl_random_fill(&r, out, 16), 0);
    CHECK(!is_zero(out, 16));
    CHECK_INT(r.left, 4080);
    CHECK(is_zero(r.block, 16));
    memcpy(block, r.block, sizeof block);
    CHECK_INT(pawl_random_fill(&r, out, 80), 0);
    CHECK(memcmp(out, block + 16, 80) == 0);
    CHECK_INT(pawl_random_fill(&r, out, 4000), 0);
    CHECK_INT(r.left, 0);
    CHECK(is_zero(r.block, sizeof r.block));
    CHECK_INT(pawl_random_fill(&r, out, 100), 0);
    CHECK_INT(r.left, 3996);
    CHECK_INT(pawl_random_fill(&r, out, 3997), 0); /* does not fit in what is left: a new block */
    CHECK_INT(r.left, 99);
    CHECK_INT(pawl_random_fill(&r, out, sizeof out), 0); /* more than a block: not through it */
    CHECK_INT(r.left, 99);
    size_t zeros = 0;
    for (size_t i = 0; i < sizeof out; i++) zeros += out[i] == 0;
    CHECK(zeros < 200); /* 78 are expected; 200 is 13 standard deviations off */
    static uint8_t seen[1000][16];
    for (int i = 0; i < 1000; i++) {
        pawl_random_fill(&r, seen[i], 16);
        for (int k = 0; k < i; k++)
            if (memcmp(seen[i], seen[k], 16) == 0) CHECK_INT(i, k);
    }
    return TEST_END();
}
