/* src/contract/schema_number.c - numbers compared and divided exactly: integers of 64 bits and doubles as the shortest
 * decimal that is read as them, which is what was written where it had no more than 17 digits. */
#include "contract/schema_program.h"
#include <string.h>

__extension__ typedef unsigned __int128 u128;

static bool is_negative(yyjson_val *v)
{
    return yyjson_is_sint(v) && yyjson_get_sint(v) < 0;
}

static uint64_t magnitude(yyjson_val *v)
{
    return is_negative(v) ? 0 - (uint64_t)yyjson_get_sint(v) : yyjson_get_uint(v);
}

static int sign_cmp(double a, double b)
{
    return (a > b) - (a < b);
}

/* An integer against a double: the double's whole part fits 64 bits or is beyond all of them. */
static int int_cmp(yyjson_val *i, double d)
{
    if (d >= 18446744073709551616.0) return -1;
    if (d <= -18446744073709551616.0) return 1;
    if (is_negative(i) != (d < 0)) return is_negative(i) ? -1 : 1;
    const double size = d < 0 ? -d : d;
    const uint64_t whole = (uint64_t)size, mine = magnitude(i);
    const int c = mine != whole ? (mine > whole ? 1 : -1) : (double)whole < size ? -1 : 0;
    return d < 0 ? -c : c;
}

int pawl_number_cmp(yyjson_val *a, yyjson_val *b)
{
    if (yyjson_is_real(a) && yyjson_is_real(b)) return sign_cmp(yyjson_get_real(a), yyjson_get_real(b));
    if (yyjson_is_real(b)) return int_cmp(a, yyjson_get_real(b));
    if (yyjson_is_real(a)) return -int_cmp(b, yyjson_get_real(a));
    if (is_negative(a) != is_negative(b)) return is_negative(a) ? -1 : 1;
    const int c = (magnitude(a) > magnitude(b)) - (magnitude(a) < magnitude(b));
    return is_negative(a) ? -c : c;
}

bool pawl_number_is_integer(yyjson_val *v)
{
    if (!yyjson_is_real(v)) return true;
    const double d = yyjson_get_real(v);
    if (d >= 9007199254740992.0 || d <= -9007199254740992.0) return true; /* such doubles have no fraction */
    return (double)(int64_t)d == d;
}

static struct pawl_decimal normal(uint64_t digits, int32_t exponent)
{
    if (digits == 0) return (struct pawl_decimal){0, 0};
    for (; digits % 10 == 0; exponent++) digits /= 10;
    return (struct pawl_decimal){digits, exponent};
}

/* Of the shortest digits of a double: 17 at most, with any number of zeros before and behind. */
static struct pawl_decimal of_text(const char *p, const char *end)
{
    uint64_t digits = 0;
    int32_t exponent = 0, more = 0, zeros = 0;
    bool fraction = false, negative = false;
    for (; p < end && *p != 'e' && *p != 'E'; p++) {
        if (*p == '.') fraction = true;
        if (*p < '0' || *p > '9') continue;
        exponent -= fraction;
        if (*p == '0') {
            zeros++;
            continue;
        }
        for (; zeros > 0; zeros--) digits *= 10;
        digits = digits * 10 + (uint64_t)(*p - '0');
    }
    for (p += p < end; p < end; p++) {
        if (*p == '-') negative = true;
        if (*p >= '0' && *p <= '9') more = more * 10 + (*p - '0');
    }
    return normal(digits, exponent + zeros + (negative ? -more : more));
}

struct pawl_decimal pawl_decimal_of(yyjson_val *v)
{
    char memory[256];
    yyjson_alc alc;
    yyjson_val size = {0};
    size_t n = 0;
    if (!yyjson_is_real(v)) return normal(magnitude(v), 0);
    const double d = yyjson_get_real(v);
    if (d > -9007199254740992.0 && d < 9007199254740992.0 && (double)(int64_t)d == d)
        return normal((uint64_t)(d < 0 ? -d : d), 0);
    yyjson_alc_pool_init(&alc, memory, sizeof memory);
    unsafe_yyjson_set_real(&size, d < 0 ? -d : d);
    const char *text = yyjson_val_write_opts(&size, YYJSON_WRITE_NOFLAG, &alc, &n, NULL);
    return text ? of_text(text, text + n) : (struct pawl_decimal){1, -9999};
}

/* d / divisor is whole if digits * 10^(difference of the exponents) is a multiple of the divisor's digits. With a
 * negative difference it never is: the divisor would have a ten that d has not. */
bool pawl_decimal_divides(struct pawl_decimal divisor, struct pawl_decimal d)
{
    if (d.digits == 0) return true;
    if (divisor.digits == 0 || d.exponent < divisor.exponent) return false;
    const uint64_t m = divisor.digits;
    uint64_t left = d.digits % m, power = 10 % m;
    for (uint32_t e = (uint32_t)(d.exponent - divisor.exponent); e > 0; e /= 2) {
        if (e & 1) left = (uint64_t)((u128)left * power % m);
        power = (uint64_t)((u128)power * power % m);
    }
    return left == 0;
}
