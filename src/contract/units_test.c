/* src/contract/units_test.c - what is read, exactly, what is refused, and what people are shown. */
#include "contract/units.h"
#include "base/test.h"

static struct test_alloc memory;

static const struct {
    const char *text;
    int64_t want; /* -1: refused */
} durations[] =
    {
        {"250ms", 250000000},
        {"5s", 5000000000},
        {"1.5s", 1500000000},
        {"0.125s", 125000000},
        {"10m", 600000000000},
        {"24h", 86400000000000},
        {"30d", 2592000000000000},
        {"0s", 0},
        {"007s", 7000000000},
        {"0.001ms", 1000},
        {"36500d", PAWL_DURATION_NS_MAX},
        {"36500.001d", -1},
        {"36501d", -1},
        {"999999999999999ms", -1},
        {"1000000000000000ms", -1},
        {"99999999999999999999999s", -1},
        {"", -1},
        {"s", -1},
        {"5", -1},
        {"5 s", -1},
        {" 5s", -1},
        {"5s ", -1},
        {"5S", -1},
        {"5sec", -1},
        {"5us", -1},
        {"1h30m", -1},
        {"-5s", -1},
        {"+5s", -1},
        {".5s", -1},
        {"5.s", -1},
        {"1.2345s", -1},
        {"1e3s", -1},
        {"1,5s", -1},
        {"5%", -1},
        {"5KiB", -1},
},
  sizes[] =
      {
          {"0B", 0},           {"512B", 512},       {"64KiB", 65536},
          {"1.5MiB", 1572864}, {"2GiB", 1LL << 31}, {"1024TiB", 1LL << 50},
          {"1025TiB", -1},     {"0.3B", -1},        {"0.001KiB", -1}, /* 1.024 bytes */
          {"0.125KiB", 128},   {"64KB", -1},        {"64kib", -1},
          {"64K", -1},         {"64", -1},          {"", -1},
},
  moneys[] = {{"0.50 USD", 500000000000},
              {"1 USD", 1000000000000},
              {"0.000000000001 USD", 1},
              {"1000000 USD", 1000000000000000000},
              {"1000000.01 USD", -1},
              {"0.0000000000001 USD", -1},
              {"0.5000000000000000 USD", 500000000000},
              {"99999999999999999999 USD", -1},
              {"0.50", -1},
              {"0.50USD", -1},
              {"0.50 EUR", -1},
              {"0,50 USD", -1},
              {"-1 USD", -1},
              {"1. USD", -1},
              {".5 USD", -1},
              {" USD", -1},
              {"", -1}},
  counts[] = {
      {"0", 0},
      {"40", 40},
      {"200k", 200000},
      {"1.5M", 1500000},
      {"0.001k", 1},
      {"1000000000000000", -1},
      {"999999999999999", 999999999999999},
      {"0.5", -1},
      {"200K", -1},
      {"-1", -1},
      {"", -1},
      {"k", -1},
};

static void reading(void)
{
    for (size_t i = 0; i < sizeof durations / sizeof *durations; i++) {
        int64_t got = -1;
        CHECK(pawl_unit_duration(pawl_str_of(durations[i].text), &got) == (durations[i].want >= 0));
        if (!CHECK_INT(got, durations[i].want)) printf("%s\n", durations[i].text);
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int64_t got = -1;
        pawl_unit_size(pawl_str_of(sizes[i].text), &got);
        if (!CHECK_INT(got, sizes[i].want)) printf("%s\n", sizes[i].text);
    }
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        int64_t got = -1;
        pawl_unit_count(pawl_str_of(counts[i].text), &got);
        if (!CHECK_INT(got, counts[i].want)) printf("%s\n", counts[i].text);
    }
    for (size_t i = 0; i < sizeof moneys / sizeof *moneys; i++) {
        int64_t got = -1;
        pawl_unit_money(pawl_str_of(moneys[i].text), &got);
        if (!CHECK_INT(got, moneys[i].want)) printf("%s\n", moneys[i].text);
    }
    double pct = -1;
    CHECK(pawl_unit_share(PAWL_STR("50%"), &pct) && pct == 50);
    CHECK(pawl_unit_share(PAWL_STR("12.5%"), &pct) && pct == 12.5);
    CHECK(pawl_unit_share(PAWL_STR("0%"), &pct) && pct == 0);
    CHECK(pawl_unit_share(PAWL_STR("100%"), &pct) && pct == 100);
    pct = -1;
    CHECK(!pawl_unit_share(PAWL_STR("100.1%"), &pct));
    CHECK(!pawl_unit_share(PAWL_STR("50"), &pct));
    CHECK(!pawl_unit_share(PAWL_STR("%"), &pct) && pct == -1);
}

static const struct {
    int64_t value;
    const char *want;
} shown[] =
    {
        {0, "0 s"},
        {250000000, "250 ms"},
        {1000000000, "1 s"},
        {1500000000, "1.5 s"},
        {30000000000, "30 s"},
        {60000000000, "60 s"},
        {90000000000, "90 s"},
        {120000000000, "2 min"},
        {600000000000, "10 min"},
        {86400000000000, "24 h"},
        {172800000000000, "2 d"},
        {2592000000000000, "30 d"},
        {129600000000000, "36 h"},
        {1500000, "1.5 ms"},
        {59999000000, "59.999 s"},
        {1020000000, "1.02 s"},
        {1001000000, "1.001 s"},
        {1000, "0.001 ms"},
},
  shown_money[] = {{0, "0.00 USD"},
                   {500000000000, "0.50 USD"},
                   {1, "0.000000000001 USD"},
                   {1250000000, "0.00125 USD"},
                   {12340000000000, "12.34 USD"},
                   {1000000000000000000, "1000000.00 USD"}},
  shown_counts[] = {{0, "0"},           {9999, "9999"},    {12400, "12.4k"},   {12000, "12k"},
                    {999999, "999.9k"}, {1500000, "1.5M"}, {100000000, "100M"}},
  shown_sizes[] = {{0, "0 B"}, {1023, "1023 B"}, {65536, "64 KiB"}, {536870912, "512 MiB"}, {1536, "1536 B"}};

static void showing(void)
{
    struct pawl_buf out;
    pawl_buf_init(&out, &memory.alloc);
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++, out.n = 0) {
        pawl_unit_duration_text(shown[i].value, &out);
        CHECK_TEXT(pawl_buf_done(&out).p, shown[i].want);
    }
    for (size_t i = 0; i < sizeof shown_money / sizeof *shown_money; i++, out.n = 0) {
        pawl_unit_money_text(shown_money[i].value, &out);
        CHECK_TEXT(pawl_buf_done(&out).p, shown_money[i].want);
    }
    for (size_t i = 0; i < sizeof shown_counts / sizeof *shown_counts; i++, out.n = 0) {
        pawl_unit_count_text(shown_counts[i].value, &out);
        CHECK_TEXT(pawl_buf_done(&out).p, shown_counts[i].want);
    }
    for (size_t i = 0; i < sizeof shown_sizes / sizeof *shown_sizes; i++, out.n = 0) {
        pawl_unit_size_text(shown_sizes[i].value, &out);
        CHECK_TEXT(pawl_buf_done(&out).p, shown_sizes[i].want);
    }
    pawl_buf_fini(&out);
}

int main(void)
{
    test_alloc_init(&memory, 0);
    reading();
    showing();
    CHECK_INT(memory.out_bytes, 0);
    return TEST_END();
}
