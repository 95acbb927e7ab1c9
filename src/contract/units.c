/* src/contract/units.c - see units.h. */
#include "contract/units.h"
#include <assert.h>

struct unit {
    const char *name, *shown;
    int64_t size;
};
static const int64_t ms = 1000000;
static const struct unit durations[] = {{"d", "d", INT64_C(86400000000000)},
                                        {"h", "h", INT64_C(3600000000000)},
                                        {"m", "min", INT64_C(60000000000)},
                                        {"s", "s", 1000000000},
                                        {"ms", "ms", 1000000},
                                        {NULL, NULL, 0}};
static const struct unit sizes[] = {{"TiB", "TiB", INT64_C(1) << 40},
                                    {"GiB", "GiB", INT64_C(1) << 30},
                                    {"MiB", "MiB", 1 << 20},
                                    {"KiB", "KiB", 1 << 10},
                                    {"B", "B", 1},
                                    {NULL, NULL, 0}};
static const struct unit counts[] = {{"", "", 1}, {"k", "k", 1000}, {"M", "M", 1000000}, {NULL, NULL, 0}};

/* 12.5 is 12 and 500 thousandths; what follows is the unit. */
struct number {
    int64_t whole, thousandths;
    struct pawl_str unit;
};

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool split(struct pawl_str s, struct number *out)
{
    enum { DIGITS_MAX = 15 };
    uint32_t i = 0;
    int64_t place = 100;
    *out = (struct number){.whole = 0};
    for (; i < s.n && digit(s.p[i]); i++) out->whole = i < DIGITS_MAX ? out->whole * 10 + (s.p[i] - '0') : 0;
    if (i == 0 || i > DIGITS_MAX) return false;
    if (i < s.n && s.p[i] == '.') {
        const uint32_t from = ++i;
        for (; i < s.n && digit(s.p[i]); i++, place /= 10) out->thousandths += (s.p[i] - '0') * place;
        if (i == from || i > from + 3) return false;
    }
    out->unit = (struct pawl_str){s.p + i, s.n - i};
    return true;
}

static bool read(struct pawl_str text, const struct unit *units, int64_t max, int64_t *out)
{
    struct number n;
    if (!split(text, &n)) return false;
    while (units->name && !pawl_str_is(n.unit, units->name)) units++;
    if (!units->name || n.whole > max / units->size) return false;
    const int64_t rest = n.thousandths * units->size; /* below 1000 units: no unit is so large that this overflows */
    if (rest % 1000 != 0) return false;
    const int64_t value = n.whole * units->size + rest / 1000;
    if (value > max) return false;
    *out = value;
    return true;
}

bool pawl_unit_duration(struct pawl_str text, int64_t *ns)
{
    return read(text, durations, PAWL_DURATION_NS_MAX, ns);
}

bool pawl_unit_size(struct pawl_str text, int64_t *bytes)
{
    return read(text, sizes, INT64_C(1) << 50, bytes);
}

bool pawl_unit_count(struct pawl_str text, int64_t *count)
{
    return read(text, counts, INT64_C(1000000000000000), count);
}

bool pawl_unit_share(struct pawl_str text, double *pct)
{
    struct number n;
    if (!split(text, &n) || !pawl_str_is(n.unit, "%")) return false;
    if (n.whole > 100 || (n.whole == 100 && n.thousandths > 0)) return false;
    *pct = (double)n.whole + (double)n.thousandths / 1000;
    return true;
}

/* value/unit with up to three decimals. Not by printf, whose decimal point is the locale's. */
static void add_decimal(int64_t value, int64_t unit, struct pawl_buf *out)
{
    int64_t left = value % unit * 1000 / unit;
    pawl_buf_i64(out, value / unit);
    if (left > 0) pawl_buf_char(out, '.');
    for (int64_t place = 100; left > 0; left %= place, place /= 10) pawl_buf_char(out, (char)('0' + left / place));
}

/* In the largest unit that needs no decimals; below a second's or millisecond's whole number some are shown. */
void pawl_unit_duration_text(int64_t ns, struct pawl_buf *out)
{
    const struct unit *u = durations;
    assert(ns >= 0);
    if (ns < 2 * durations[0].size) u++; /* people say 24 h, not 1 d */
    while (u->size > ms && (ns < u->size || ns % u->size != 0)) u++;
    if (u == &durations[2] && ns < 2 * u->size) u++; /* and 60 s */
    if (ns == 0 || (ns > 1000 * ms && u->size == ms)) u = &durations[3];
    add_decimal(ns, u->size, out);
    pawl_buf_printf(out, " %s", u->shown);
}

void pawl_unit_size_text(int64_t bytes, struct pawl_buf *out)
{
    const struct unit *u = sizes;
    assert(bytes >= 0);
    while (u->size > 1 && (bytes < u->size || bytes % u->size != 0)) u++;
    pawl_buf_i64(out, bytes / u->size);
    pawl_buf_printf(out, " %s", u->shown);
}

bool pawl_unit_decimal(struct pawl_str s, uint32_t places, int64_t *out)
{
    static const int64_t most = INT64_C(1000000000000000000);
    uint32_t i = 0, left = places;
    int64_t v = 0;
    for (; i < s.n && digit(s.p[i]); i++) {
        if (v > most / 10) return false;
        v = v * 10 + (s.p[i] - '0');
    }
    if (i == 0) return false;
    if (i < s.n && s.p[i] == '.') {
        const uint32_t from = ++i;
        for (; i < s.n && digit(s.p[i]); i++) {
            if (left == 0 && s.p[i] != '0') return false; /* finer than it can be told */
            if (left == 0) continue;
            if (v > most / 10) return false;
            v = v * 10 + (s.p[i] - '0');
            left--;
        }
        if (i == from) return false;
    }
    for (; left > 0; left--) {
        if (v > most / 10) return false;
        v *= 10;
    }
    if (i != s.n || v > most) return false;
    *out = v;
    return true;
}

bool pawl_unit_money(struct pawl_str text, int64_t *pusd)
{
    static const char unit[] = " USD";
    const uint32_t n = sizeof unit - 1;
    if (text.n <= n) return false;
    for (uint32_t i = 0; i < n; i++)
        if (text.p[text.n - n + i] != unit[i]) return false;
    return pawl_unit_decimal((struct pawl_str){text.p, text.n - n}, 12, pusd);
}

void pawl_unit_money_text(int64_t pusd, struct pawl_buf *out)
{
    const int64_t dollar = INT64_C(1000000000000);
    int64_t rest = pusd % dollar, place = dollar / 10;
    assert(pusd >= 0);
    pawl_buf_i64(out, pusd / dollar);
    pawl_buf_char(out, '.');
    for (int i = 0; i < 2 || rest > 0; i++, rest %= place, place /= 10) {
        pawl_buf_char(out, (char)('0' + rest / place));
        if (place == 1) break;
    }
    pawl_buf_text(out, " USD");
}

void pawl_unit_count_text(int64_t count, struct pawl_buf *out)
{
    const int64_t unit = count >= 1000000 ? 1000000 : count >= 10000 ? 1000 : 1;
    assert(count >= 0);
    pawl_buf_i64(out, count / unit);
    if (unit > 1 && count % unit * 10 / unit > 0) pawl_buf_printf(out, ".%d", (int)(count % unit * 10 / unit));
    if (unit > 1) pawl_buf_char(out, unit == 1000 ? 'k' : 'M');
}
