/* src/base/sha256_test.c - the examples of FIPS 180-4 (as published with it by NIST), and hashing in parts. */
#include "base/sha256.h"
#include "base/error.h"
#include "base/prng.h"
#include "base/test.h"

static const char *hex(struct pawl_hash h)
{
    static char text[65];
    pawl_hex(text, h.b, sizeof h.b);
    return text;
}

static void fips_180_4_examples(void)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_TEXT(hex(pawl_sha256(rows[i].text, strlen(rows[i].text))), rows[i].want);
    char *million = malloc(1000000);
    if (!CHECK(million != NULL)) return;
    memset(million, 'a', 1000000);
    CHECK_TEXT(hex(pawl_sha256(million, 1000000)), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
    CHECK_TEXT(hex(pawl_sha256(NULL, 0)), rows[0].want);
}

/* However the bytes are cut, the hash is that of the whole. */
static void parts(void)
{
    char text[500];
    struct pawl_prng r;
    pawl_prng_seed(&r, 1);
    pawl_prng_fill(&r, text, sizeof text);
    const struct pawl_hash whole = pawl_sha256(text, sizeof text);
    for (int round = 0; round < 200; round++) {
        struct pawl_str part[20];
        uint32_t at = 0;
        for (int i = 0; i < 20; i++) {
            const uint32_t left = (uint32_t)sizeof text - at;
            const uint32_t n = i == 19 ? left : (uint32_t)pawl_prng_below(&r, left + 1);
            part[i] = n ? (struct pawl_str){text + at, n} : (struct pawl_str){NULL, 0};
            at += n;
        }
        const struct pawl_hash got = pawl_sha256_parts(part, 20);
        CHECK(memcmp(got.b, whole.b, 32) == 0);
    }
    CHECK_TEXT(hex(pawl_sha256_parts(NULL, 0)), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    const struct pawl_str ab[2] = {PAWL_STR("ab"), PAWL_STR("c")}, bc[2] = {PAWL_STR("a"), PAWL_STR("bc")};
    CHECK(memcmp(pawl_sha256_parts(ab, 2).b, pawl_sha256_parts(bc, 2).b, 32) == 0); /* who needs borders adds them */
}

int main(void)
{
    fips_180_4_examples();
    parts();
    return TEST_END();
}
