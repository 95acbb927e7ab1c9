/* src/contract/webhook_test.c - RFC 4231's vectors, Standard Webhooks' own, and what must be refused. */
#include "contract/webhook.h"
#include "base/test.h"

static void hmac(const char *key, size_t key_bytes, const char *text, const char *want)
{
    const struct pawl_str half[] = {{text, (uint32_t)strlen(text) / 2},
                                    {text + strlen(text) / 2, (uint32_t)(strlen(text) - strlen(text) / 2)}};
    const struct pawl_hash h = pawl_hmac((struct pawl_str){key, (uint32_t)key_bytes}, half, 2);
    char hex[65];
    pawl_hex(hex, h.b, 32);
    CHECK_TEXT(hex, want);
}

static void rfc4231(void)
{
    char key[131];
    memset(key, 0x0b, 20);
    hmac(key, 20, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    hmac("Jefe", 4, "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, 131);
    hmac(key, 131, "Test Using Larger Than Block-Size Key - Hash Key First",
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define ID "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define AT "1614265330"
#define BODY "{\"test\": 2432232314}"
#define SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define OTHER "v1,h0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

static const struct row {
    const char *secret, *id, *at, *signature, *body;
    int64_t off_s;
    const char *want; /* a part of what is wrong; NULL: nothing */
} rows[] = {
    {SECRET, ID, AT, SIGNATURE, BODY, 0, NULL},
    {&SECRET[6], ID, AT, SIGNATURE, BODY, 0, NULL},                   /* without its prefix */
    {SECRET, ID, AT, OTHER " " SIGNATURE, BODY, 0, NULL},             /* keys are being changed */
    {SECRET, ID, AT, "v1a,AAAA " SIGNATURE " v2,x", BODY, 299, NULL}, /* versions that nobody knows are passed over */
    {SECRET, ID, AT, SIGNATURE, BODY, 300, NULL},
    {SECRET, ID, AT, SIGNATURE, BODY, -300, NULL},
    {SECRET, ID, AT, SIGNATURE, BODY, 301, "five minutes"},
    {SECRET, ID, AT, SIGNATURE, BODY, -301, "five minutes"},
    {SECRET, ID, AT, SIGNATURE, "{\"test\": 2432232315}", 0, "no signature"}, /* one digit */
    {SECRET, ID, AT, SIGNATURE, "{\"test\":2432232314}", 0, "no signature"},  /* the same JSON, other bytes */
    {SECRET, "msg_other", AT, SIGNATURE, BODY, 0, "no signature"},
    {SECRET, ID, "1614265331", SIGNATURE, BODY, 0, "no signature"},
    {SECRET, ID, AT, OTHER, BODY, 0, "no signature"},
    {SECRET, ID, AT, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", BODY, 0, "no signature"},
    {SECRET, ID, AT, "v1,", BODY, 0, "no signature"},
    {"whsec_AAAA", ID, AT, SIGNATURE, BODY, 0, "no signature"},
    {"whsec_A-_A", ID, AT, SIGNATURE, BODY, 0, "secret"},
    {"", ID, AT, SIGNATURE, BODY, 0, "secret"},
    {SECRET, "", AT, SIGNATURE, BODY, 0, "missing"},
    {SECRET, ID, "", SIGNATURE, BODY, 0, "missing"},
    {SECRET, ID, AT, "", BODY, 0, "missing"},
    {SECRET, "a.b", AT, SIGNATURE, BODY, 0, "dot"},
    {SECRET, ID, "16e9", SIGNATURE, BODY, 0, "seconds"},
    {SECRET, ID, "-1614265330", SIGNATURE, BODY, 0, "seconds"},
    {SECRET, ID, "9999999999999", SIGNATURE, BODY, 0, "seconds"},
};

static void webhooks(void)
{
    char out[48];
    for (const struct row *r = rows; r < rows + sizeof rows / sizeof *rows; r++) {
        const struct pawl_webhook w = {pawl_str_of(r->id), pawl_str_of(r->at), pawl_str_of(r->signature),
                                       pawl_str_of(r->body)};
        const char *got = pawl_webhook_fault(pawl_str_of(r->secret), &w, (INT64_C(1614265330) + r->off_s) * 1000000000);
        const bool fine = r->want ? got && strstr(got, r->want) : !got;
        if (!CHECK(fine)) printf("row %d: %s\n", (int)(r - rows), got ? got : "taken");
    }
    CHECK(pawl_webhook_sign(PAWL_STR(SECRET), PAWL_STR(ID), PAWL_STR(AT), PAWL_STR(BODY), out));
    CHECK_TEXT(out, SIGNATURE);
}

static void tokens(void)
{
    struct pawl_id run = {{1}}, other = {{2}};
    char a[PAWL_TOKEN_TEXT], b[PAWL_TOKEN_TEXT];
    pawl_callback_token(PAWL_STR("secret"), run, 3, "key", a);
    pawl_callback_token(PAWL_STR("secret"), run, 3, "key", b);
    CHECK_TEXT(a, b);
    CHECK_INT(strlen(a), PAWL_TOKEN_TEXT - 1);
    pawl_callback_token(PAWL_STR("secreT"), run, 3, "key", b);
    CHECK(strcmp(a, b) != 0);
    pawl_callback_token(PAWL_STR("secret"), other, 3, "key", b);
    CHECK(strcmp(a, b) != 0);
    pawl_callback_token(PAWL_STR("secret"), run, 4, "key", b);
    CHECK(strcmp(a, b) != 0);
    pawl_callback_token(PAWL_STR("secret"), run, 3, "keY", b);
    CHECK(strcmp(a, b) != 0);
    CHECK(pawl_same_secret(pawl_str_of(a), pawl_str_of(a)));
    CHECK(!pawl_same_secret(pawl_str_of(a), pawl_str_of(b)));
    CHECK(!pawl_same_secret(pawl_str_of(a), (struct pawl_str){a, 63}));
    CHECK(!pawl_same_secret(pawl_str_of(a), (struct pawl_str){"", 0}));
}

int main(void)
{
    rfc4231();
    webhooks();
    tokens();
    return TEST_END();
}
