/* src/base/sha256.h - SHA-256 (FIPS 180-4), by OpenSSL's algorithm fetched once. pawl_sha256_ready() is called
 * before any other thread exists; afterwards every function may be called from any thread. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "base/bytes.h"
struct pawl_hash {
    uint8_t b[32];
};
int pawl_sha256_ready(void); /* idempotent; PAWL_EINTERNAL where the library has no SHA-256 */
struct pawl_hash pawl_sha256(const void *p, size_t n);
struct pawl_hash pawl_sha256_parts(const struct pawl_str *parts, size_t count); /* of their concatenation */
