/* src/base/sha256.c - SHA-256 of OpenSSL by its plain functions, which use the processor's own instructions. The EVP
 * calls around them make and erase two contexts for each hash and touch more memory than the hash itself; with the
 * caches cold, as they are after a sync, that was a tenth of a step (docs/performance.md). */
#define OPENSSL_SUPPRESS_DEPRECATED /* since 3.0 in favour of EVP, which alone can choose a provider: no use of that here */
#include "base/sha256.h"
#include <openssl/sha.h>

_Static_assert(sizeof(struct pawl_hash) == SHA256_DIGEST_LENGTH, "a hash is what SHA-256 gives");

struct pawl_hash pawl_sha256_parts(const struct pawl_str *parts, size_t count)
{
    struct pawl_hash out;
    SHA256_CTX state; /* these three calls have no way to fail */
    SHA256_Init(&state);
    for (size_t i = 0; i < count; i++) SHA256_Update(&state, parts[i].p, parts[i].n);
    SHA256_Final(out.b, &state);
    return out;
}

struct pawl_hash pawl_sha256(const void *p, size_t n)
{
    struct pawl_hash out;
    SHA256_CTX state;
    SHA256_Init(&state);
    SHA256_Update(&state, p, n);
    SHA256_Final(out.b, &state);
    return out;
}
