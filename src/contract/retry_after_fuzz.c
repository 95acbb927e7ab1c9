/* src/contract/retry_after_fuzz.c - three header values, a line each: never outside the bounds. */
#include "contract/retry_after.h"
#include <stdlib.h>
#include <string.h>

static struct pawl_str line(const uint8_t **p, size_t *n)
{
    const uint8_t *end = *n > 0 ? memchr(*p, '\n', *n) : NULL;
    const struct pawl_str s = {(const char *)*p, (uint32_t)(end != NULL ? (size_t)(end - *p) : *n)};
    const size_t used = s.n + (end != NULL ? 1u : 0u);
    *p += used;
    *n -= used;
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pawl_reply r = {.transport = PAWL_ANSWERED, .wall_ns = INT64_C(1793534400000000000)};
    r.retry_after = line(&data, &size);
    r.retry_after_ms = line(&data, &size);
    r.date = line(&data, &size);
    if (size >= sizeof r.wall_ns) memcpy(&r.wall_ns, data, sizeof r.wall_ns);
    const int64_t ns = pawl_retry_after_ns(&r);
    if (ns < -1 || ns > PAWL_RETRY_AFTER_NS_MAX) abort();
    int64_t s = 0;
    if (pawl_http_date(r.retry_after, r.wall_ns / 1000000000, &s) &&
        (s < -INT64_C(62200000000) || s > INT64_C(253402300800)))
        abort();
    return 0;
}
