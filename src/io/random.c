/* src/io/random.c - getentropy gives at most 256 bytes a call on every system that has it; Linux's getrandom more. */
#include "io/random.h"
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sys/random.h>
#include "base/error.h"

static int draw(uint8_t *out, size_t bytes)
{
    while (bytes > 0) {
#ifdef __linux__
        const ssize_t got = getrandom(out, bytes, 0);
        if (got < 0 && errno == EINTR) continue;
#else
        const ssize_t got = bytes < 256 ? (ssize_t)bytes : 256;
        if (getentropy(out, (size_t)got)) return PAWL_EIO;
#endif
        if (got <= 0) return PAWL_EIO;
        out += got;
        bytes -= (size_t)got;
    }
    return PAWL_OK;
}

int pawl_random_fill(struct pawl_random *r, void *out, size_t bytes)
{
    assert(r->left <= sizeof r->block);
    if (bytes >= sizeof r->block) return draw(out, bytes);
    if (r->left < bytes) {
        if (draw(r->block, sizeof r->block)) return PAWL_EIO;
        r->left = sizeof r->block;
    }
    uint8_t *from = r->block + (sizeof r->block - r->left);
    memcpy(out, from, bytes);
    memset(from, 0, bytes);
    r->left -= (uint32_t)bytes;
    return PAWL_OK;
}
