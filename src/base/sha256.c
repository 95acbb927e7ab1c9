/* src/base/sha256.c - SHA-256 of OpenSSL, fetched once: a fetch for every hash costs three times the hash itself. */
#include "base/sha256.h"
#include <assert.h>
#include <openssl/evp.h>
#include "base/error.h"

static EVP_MD *algorithm; /* written by pawl_sha256_ready alone, then only read; lives as long as the process */

int pawl_sha256_ready(void)
{
    if (!algorithm) algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    return algorithm ? PAWL_OK : PAWL_EINTERNAL;
}

struct pawl_hash pawl_sha256(const void *p, size_t n)
{
    assert(algorithm); /* pawl_sha256_ready() comes first */
    struct pawl_hash out;
    unsigned int size = 0;
    const int ok = EVP_Digest(p, n, out.b, &size, algorithm, NULL);
    /* Fails only where there is no memory for a context. A wrong hash must never be used: stop here. */
    assert(ok == 1);
    assert(size == sizeof out.b);
    return out;
}

struct pawl_hash pawl_sha256_parts(const struct pawl_str *parts, size_t count)
{
    assert(algorithm);
    struct pawl_hash out;
    unsigned int size = 0;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int ok = ctx && EVP_DigestInit_ex2(ctx, algorithm, NULL);
    for (size_t i = 0; ok && i < count; i++) ok = EVP_DigestUpdate(ctx, parts[i].p, parts[i].n);
    ok = ok && EVP_DigestFinal_ex(ctx, out.b, &size);
    EVP_MD_CTX_free(ctx);
    assert(ok);
    assert(size == sizeof out.b);
    return out;
}
