/* src/journal/sealed_test.c - what is struck out of a body, and that the rest can still be read and checked. */
#include "journal/sealed.h"
#include "base/test.h"
#include "contract/json.h"
#include "io/alloc.h"

static struct pawl_arena arena;
static const uint8_t salt[PAWL_SEAL_SALT] = "0123456789abcde";

static const struct {
    const char *whole, *value, *left; /* left NULL: nothing is struck; "": nothing is left */
} rows[] = {
    {"{\"args\":{\"card\":\"4111-1111\"}}", "4111-1111", "\"args\":{\"card\":\"9999-9999\"}}"}, /* digits stay digits */
    {"{\"args\":{\"iban\":\"DE89 3704\"}}", "DE89 3704", "\"args\":{\"iban\":\"[redacted]\"}}"},
    {"{\"args\":{\"pin\":48213,\"n\":7}}", "48213", "\"args\":{\"pin\":99999,\"n\":7}}"},
    {"{\"message\":\"card DE89 3704 declined, DE89 3704!\"}", "DE89 3704",
     "\"message\":\"card [redacted] declined, [redacted]!\"}"},
    {"{\"arguments\":\"{\\\"k\\\":\\\"se\\\\\\\"cret\\\"}\"}", "se\"cret",
     "\"arguments\":\"{\\\"k\\\":\\\"[redacted]\\\"}\"}"},
    {"{\"request\":\"{\\\"body\\\":\\\"{\\\\\\\"k\\\\\\\":\\\\\\\"sekret\\\\\\\"}\\\"}\"}", "sekret",
     "\"request\":\"{\\\"body\\\":\\\"{\\\\\\\"k\\\\\\\":\\\\\\\"[redacted]\\\\\\\"}\\\"}\"}"},
    {"{\"args\":{\"k\":\"abc\"}}", "abc", NULL}, /* too short to be told from anything else */
    {"{\"ok\":true}", "true", NULL},
    {"{\"args\":{\"k\":\"another\"}}", "secret", NULL},
    {"{\"secret\":1,\"result\":{\"k\":\"secret\"}}", "secret", "\"[redacted]\":1,\"result\":{\"k\":\"[redacted]\"}}"},
};

int main(void)
{
    pawl_arena_init(&arena, pawl_alloc_libc());
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pawl_record r = {.body = pawl_str_of(rows[i].whole)};
        const struct pawl_str value = pawl_str_of(rows[i].value);
        yyjson_val *v;
        bool struck;
        CHECK_INT(pawl_seal(r.body, &value, 1, salt, &arena, &r.body, &r.full, &struck), PAWL_OK);
        if (!CHECK_INT(struck, rows[i].left != NULL)) printf("  %s\n", rows[i].whole);
        if (!rows[i].left) {
            CHECK_TEXT(r.body.p, rows[i].whole);
            CHECK(r.full.p == NULL && !pawl_is_sealed(r.body));
            continue;
        }
        CHECK(pawl_is_sealed(r.body) && pawl_seal_fits(r.body, r.full));
        CHECK(strstr(r.body.p, rows[i].left) != NULL);
        CHECK(strstr(r.body.p, rows[i].value) == NULL);
        CHECK_INT(pawl_json_read(r.body, &arena, &v, NULL), PAWL_OK);
        CHECK_TEXT(pawl_record_whole(&r).p, rows[i].whole);
        char *other = pawl_arena_copy(&arena, r.full.p, r.full.n);
        other[r.full.n - 3] ^= 1;
        CHECK(!pawl_seal_fits(r.body, (struct pawl_str){other, r.full.n}));
    }
    pawl_arena_fini(&arena);
    return TEST_END();
}
