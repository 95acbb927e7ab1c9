/* src/io/clock_test.c - what can be said of clocks without waiting for them. */
#include "io/clock.h"
#include "base/test.h"

int main(void)
{
    int64_t last = pawl_clock_mono_ns();
    bool rises = true, moved = false;
    for (int i = 0; i < 100000; i++) {
        const int64_t now = pawl_clock_mono_ns();
        rises = rises && now >= last;
        moved = moved || now > last;
        last = now;
    }
    CHECK(rises);
    CHECK(moved);
    CHECK(pawl_clock_wall_ns() > INT64_C(1767225600) * 1000000000); /* 2026 */
    CHECK(pawl_clock_wall_ns() < INT64_C(7258118400) * 1000000000); /* 2200 */
    return TEST_END();
}
