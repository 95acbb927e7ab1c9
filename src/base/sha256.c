/* src/base/sha256.c - SHA-256 of OpenSSL, fetched once: a fetch for every hash costs three times the hash itself. */
#include "base/sha256.h"
#include <assert.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include "base/error.h"

static EVP_MD *algorithm; /* written by pawl_sha256_ready alone, then only read; lives as long as the process */

int pawl_sha256_ready(void)
{
    if (!algorithm) algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    return algorithm ? PAWL_OK : PAWL_EINTERNAL;
}

/* One context is kept for the next who asks, on whatever thread: a new one is four allocations, in memory that is not in the
 * cache. Who finds it taken makes one. */
static _Atomic(EVP_MD_CTX *) spare;

static EVP_MD_CTX *take(void)
{
    EVP_MD_CTX *ctx = atomic_exchange(&spare, NULL);
    return ctx ? ctx : EVP_MD_CTX_new();
}

static void put_back(EVP_MD_CTX *ctx)
{
    EVP_MD_CTX_free(atomic_exchange(&spare, ctx));
}

struct pawl_hash pawl_sha256_parts(const struct pawl_str *parts, size_t count)
{
    assert(algorithm); /* pawl_sha256_ready() comes first */
    struct pawl_hash out;
    unsigned int size = 0;
    EVP_MD_CTX *ctx = take();
    int ok = ctx && EVP_DigestInit_ex2(ctx, algorithm, NULL);
    for (size_t i = 0; ok && i < count; i++) ok = EVP_DigestUpdate(ctx, parts[i].p, parts[i].n);
    ok = ok && EVP_DigestFinal_ex(ctx, out.b, &size);
    put_back(ctx);
    /* Fails only where there is no memory for a context. A wrong hash must never be used: stop here. */
    assert(ok);
    assert(size == sizeof out.b);
    return out;
}

struct pawl_hash pawl_sha256(const void *p, size_t n)
{
    assert(algorithm);
    struct pawl_hash out;
    unsigned int size = 0;
    EVP_MD_CTX *ctx = take();
    const int ok = ctx && EVP_DigestInit_ex2(ctx, algorithm, NULL) && EVP_DigestUpdate(ctx, p, n) &&
                   EVP_DigestFinal_ex(ctx, out.b, &size);
    put_back(ctx);
    assert(ok);
    assert(size == sizeof out.b);
    return out;
}
