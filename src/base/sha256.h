/* src/base/sha256.h - SHA-256 (FIPS 180-4), by OpenSSL. Any thread may call. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "base/bytes.h"
struct pawl_hash {
    uint8_t b[32];
};
struct pawl_hash pawl_sha256(const void *p, size_t n);
struct pawl_hash pawl_sha256_parts(const struct pawl_str *parts, size_t count); /* of their concatenation */
