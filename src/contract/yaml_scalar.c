/* src/contract/yaml_scalar.c - plain scalars by the core schema of YAML 1.2.2 (10.3.2), numbers put into JSON's form. */
#include "contract/yaml.h"
#include <string.h>

static const char beyond[] = "is an integer beyond 2^53, which JSON does not keep exactly";

static bool one_of(struct pawl_str s, const char *const *words)
{
    for (; *words; words++)
        if (pawl_str_is(s, *words)) return true;
    return false;
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static int digit_of(char c)
{
    if (digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return 99;
}

/* 0o17 and 0x1f: the value, -1: beyond 2^53, -2: it is neither. */
static int64_t based(struct pawl_str s)
{
    const int base = s.n > 2 && s.p[0] == '0' ? s.p[1] == 'o' ? 8 : s.p[1] == 'x' ? 16 : 0 : 0;
    int64_t value = 0;
    if (base == 0) return -2;
    for (uint32_t i = 2; i < s.n; i++) {
        const int d = digit_of(s.p[i]);
        if (d >= base) return -2;
        if (value >= 0) value = value * base + d;
        if (value > INT64_C(9007199254740992)) value = -1;
    }
    return value;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?  The parts of it, without signs and points. */
struct decimal {
    struct pawl_str whole, fraction, exponent; /* exponent with its sign */
    bool negative;
};

static struct pawl_str digits_at(struct pawl_str s, uint32_t *at)
{
    const uint32_t from = *at;
    while (*at < s.n && digit(s.p[*at])) (*at)++;
    return (struct pawl_str){s.p + from, *at - from};
}

static bool split(struct pawl_str s, struct decimal *d)
{
    uint32_t at = 0;
    *d = (struct decimal){.negative = s.n > 0 && s.p[0] == '-'};
    if (s.n > 0 && (s.p[0] == '-' || s.p[0] == '+')) at++;
    d->whole = digits_at(s, &at);
    if (at < s.n && s.p[at] == '.') {
        at++;
        d->fraction = digits_at(s, &at);
    }
    if (d->whole.n == 0 && d->fraction.n == 0) return false;
    if (at < s.n && (s.p[at] == 'e' || s.p[at] == 'E')) {
        const uint32_t from = ++at;
        if (at < s.n && (s.p[at] == '-' || s.p[at] == '+')) at++;
        if (digits_at(s, &at).n == 0) return false;
        d->exponent = (struct pawl_str){s.p + from, at - from};
    }
    return at == s.n;
}

static struct pawl_str write_decimal(const struct decimal *d, struct pawl_arena *a)
{
    struct pawl_str whole = d->whole;
    struct pawl_buf out;
    pawl_buf_init_arena(&out, a);
    while (whole.n > 1 && whole.p[0] == '0') whole.p++, whole.n--;
    if (d->negative) pawl_buf_char(&out, '-');
    if (whole.n > 0) pawl_buf_str(&out, whole);
    else pawl_buf_char(&out, '0');
    if (d->fraction.n > 0) {
        pawl_buf_char(&out, '.');
        pawl_buf_str(&out, d->fraction);
    }
    if (d->exponent.n > 0) {
        pawl_buf_char(&out, 'e');
        pawl_buf_str(&out, d->exponent);
    }
    return pawl_buf_done(&out);
}

const char *pawl_yaml_number_fault(const char *number)
{
    yyjson_val v = {0};
    const char *end = yyjson_read_number(number, &v, YYJSON_READ_NOFLAG, NULL, NULL);
    if (!end || *end) return "is too large a number for JSON";
    if (!strpbrk(number, ".eE")) {
        const double d = yyjson_get_num(&v);
        return d > 9007199254740992.0 || d < -9007199254740992.0 ||
                       (yyjson_is_uint(&v) && yyjson_get_uint(&v) > UINT64_C(9007199254740992)) ||
                       (yyjson_is_sint(&v) && yyjson_get_sint(&v) < -INT64_C(9007199254740992))
                   ? beyond
                   : NULL;
    }
    const size_t mantissa = strcspn(number, "eE");
    if (yyjson_get_num(&v) == 0 && strcspn(number, "123456789") < mantissa) return "is too small a number for JSON";
    return NULL;
}

static const char *number(struct pawl_yaml *v, struct pawl_str text, struct pawl_arena *a)
{
    const int64_t value = based(text);
    struct decimal d;
    v->kind = PAWL_YAML_NUMBER;
    if (value == -1) return beyond;
    if (value >= 0) {
        struct pawl_buf out;
        pawl_buf_init_arena(&out, a);
        pawl_buf_i64(&out, value);
        v->text = pawl_buf_done(&out);
        return NULL;
    }
    if (!split(text, &d)) {
        v->kind = PAWL_YAML_TEXT;
        return NULL;
    }
    v->text = write_decimal(&d, a);
    return v->text.p ? pawl_yaml_number_fault(v->text.p) : NULL;
}

void pawl_yaml_plain(struct pawl_yaml *v, struct pawl_str text, struct pawl_arena *a, const char **why)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    static const char *const no_numbers[] = {".inf",  ".Inf",  ".INF", "+.inf", "+.Inf", "+.INF", "-.inf",
                                             "-.Inf", "-.INF", ".nan", ".NaN",  ".NAN",  NULL};
    *why = NULL;
    v->text = text;
    if (one_of(text, nulls)) {
        v->kind = PAWL_YAML_NULL;
    } else if (one_of(text, trues)) {
        v->kind = PAWL_YAML_BOOL;
        v->text = PAWL_STR("true");
    } else if (one_of(text, falses)) {
        v->kind = PAWL_YAML_BOOL;
        v->text = PAWL_STR("false");
    } else if (one_of(text, no_numbers)) {
        *why = "is a number that JSON does not have";
    } else {
        *why = number(v, text, a);
    }
    if (*why) v->kind = PAWL_YAML_BAD;
}
