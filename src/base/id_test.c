/* src/base/id_test.c - RFC 9562: the layout of versions 7 and 8, the example of its appendix A.6, rising ids, text. */
#include "base/id.h"
#include "base/test.h"

static const char *text_of(struct pawl_id id)
{
    static char text[PAWL_ID_TEXT];
    pawl_id_text(id, text);
    return text;
}

/* Appendix A.6: 22 February 2022 14:22:22.00 GMT-05:00, rand_a cc3, rand_b 018c4dc0c0c07398f. */
static void rfc_9562_a_6_example(void)
{
    const uint8_t random[10] = {0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f};
    struct pawl_id last = {{0}};
    const struct pawl_id id = pawl_id_v7((int64_t)0x017f22e279b0 * 1000000 + 999999, random, &last);
    CHECK_TEXT(text_of(id), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    CHECK(pawl_id_eq(id, last));
}

static void rfc_9562_5_7_layout(void)
{
    const uint8_t ones[10] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255}, zeroes[10] = {0};
    struct pawl_id last = {{0}};
    CHECK_TEXT(text_of(pawl_id_v7(1000000, zeroes, &last)), "00000000-0001-7000-8000-000000000000");
    CHECK_TEXT(text_of(pawl_id_v7(INT64_MAX, ones, &last)), "08637bd0-5af6-7fff-bfff-ffffffffffff");
    last = (struct pawl_id){{0}};
    CHECK_TEXT(text_of(pawl_id_v7(-5, zeroes, &last)), "00000000-0000-7000-8000-000000000000"); /* before 1970: 1970 */
}

static void rfc_9562_5_8_layout(void)
{
    const uint8_t ones[16] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255},
                  zeroes[16] = {0};
    CHECK_TEXT(text_of(pawl_id_v8(ones)), "ffffffff-ffff-8fff-bfff-ffffffffffff");
    CHECK_TEXT(text_of(pawl_id_v8(zeroes)), "00000000-0000-8000-8000-000000000000");
}

/* Section 6.2: ids of one source rise, within a millisecond, when the clock goes back, when the random bits run over. */
static void rfc_9562_6_2_monotonic(void)
{
    const uint8_t ones[10] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    const uint8_t some[10] = {0x01, 0x02, 0x3f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, zeroes[10] = {0};
    struct pawl_id last = {{0}};
    CHECK_TEXT(text_of(pawl_id_v7(5000000, some, &last)), "00000000-0005-7102-bfff-ffffffffffff");
    CHECK_TEXT(text_of(pawl_id_v7(5000000, zeroes, &last)),
               "00000000-0005-7103-8000-000000000000"); /* carried over the variant */
    CHECK_TEXT(text_of(pawl_id_v7(5999999, zeroes, &last)), "00000000-0005-7103-8000-000000000001");
    CHECK_TEXT(text_of(pawl_id_v7(4000000, zeroes, &last)),
               "00000000-0005-7103-8000-000000000002"); /* clock went back */
    CHECK_TEXT(text_of(pawl_id_v7(6000000, ones, &last)), "00000000-0006-7fff-bfff-ffffffffffff");
    CHECK_TEXT(text_of(pawl_id_v7(6000000, ones, &last)), "00000000-0007-7000-8000-000000000000"); /* ran over */
    CHECK_TEXT(text_of(pawl_id_v7(6000000, ones, &last)), "00000000-0007-7000-8000-000000000001");
    const uint8_t edge[10] = {0x00, 0xff, 0x3f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    pawl_id_v7(9000000, edge, &last);
    CHECK_TEXT(text_of(pawl_id_v7(9000000, edge, &last)),
               "00000000-0009-7100-8000-000000000000"); /* carried over the version */
    int wrong = 0;
    for (int i = 0; i < 100000; i++) {
        const struct pawl_id before = last;
        const struct pawl_id id = pawl_id_v7((int64_t)(i % 7) * 1000000, ones, &last);
        wrong += memcmp(before.b, id.b, 16) >= 0 || (id.b[6] >> 4) != 7 || (id.b[8] >> 6) != 2;
    }
    CHECK_INT(wrong, 0);
}

static void parsing(void)
{
    static const struct {
        const char *text;
        bool want;
    } rows[] = {
        {"017f22e2-79b0-7cc3-98c4-dc0c0c07398f", true},
        {"017F22E2-79B0-7CC3-98C4-DC0C0C07398F", true}, /* section 4: either case in */
        {"017f22e279b07cc398c4dc0c0c07398f", false},
        {"017f22e2-79b0-7cc3-98c4-dc0c0c07398", false},
        {"017f22e2-79b0-7cc3-98c4-dc0c0c07398f0", false},
        {"017f22e2-79b0-7cc3-98c4-dc0c0c07398g", false},
        {"017f22e27-9b0-7cc3-98c4-dc0c0c07398f", false},
        {"017f22e2-79b0-7cc3-98c4-dc0c0c0-398f", false},
        {"017f22e2x79b0-7cc3-98c4-dc0c0c07398f", false},
        {"{17f22e2-79b0-7cc3-98c4-dc0c0c07398}", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pawl_id id = {{9}};
        if (!CHECK(pawl_id_parse(pawl_str_of(rows[i].text), &id) == rows[i].want)) printf("  %s\n", rows[i].text);
        if (rows[i].want) CHECK_TEXT(text_of(id), rows[0].text);
        else CHECK_INT(id.b[0], 9); /* untouched */
    }
    struct pawl_id id;
    CHECK(!pawl_id_parse((struct pawl_str){NULL, 0}, &id));
}

int main(void)
{
    rfc_9562_a_6_example();
    rfc_9562_5_7_layout();
    rfc_9562_5_8_layout();
    rfc_9562_6_2_monotonic();
    parsing();
    return TEST_END();
}
