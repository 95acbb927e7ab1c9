/* src/contract/jcs_fuzz.c - any 8 bytes as a double, and any other text as a number: its canonical form is read back by the C
 * library as the very same double, is the shortest that is, and looks as ECMAScript's Number::toString says (RFC 8785,
 * 3.2.2.3). Integers that a double cannot hold are refused. */
#include "base/test.h"
#include "contract/json.h"
#include <math.h>

/* Digits without point, exponent and zeros at the ends: what "shortest" counts. */
static int digits_of(const char *text)
{
    int n = 0, zeros = 0;
    for (; *text && *text != 'e'; text++) {
        if (*text < '0' || *text > '9') continue;
        if (*text == '0') {
            zeros += n > 0;
        } else {
            n += zeros + 1;
            zeros = 0;
        }
    }
    return n ? n : 1;
}

/* -?digits(.digits)?(e[+-]digits)?: 1e21 and more, and less than 1e-6, have an exponent, and nothing else has. */
static void check_form(const char *s, double v)
{
    const double size = fabs(v);
    const char *e = strchr(s, 'e'), *point = strchr(s, '.');
    if (strspn(s, "-0123456789.e+") != strlen(s) || s[0] == '+' || s[0] == '.') abort();
    if ((e != NULL) != (size != 0 && (size >= 1e21 || size < 1e-6))) abort();
    if (e && e[1] != '+' && e[1] != '-') abort();
    if (e && (e[2] == '0' || e == s)) abort();
    if (point && (point[1] < '0' || point[1] > '9')) abort();
    if (point && (e ? e[-1] : s[strlen(s) - 1]) == '0') abort(); /* 1.50 */
    if (s[0] == '-' && size == 0) abort();
}

static void check_double(double v, const char *canonical)
{
    char shorter[40];
    check_form(canonical, v);
    if (strtod(canonical, NULL) != v) abort();
    const int digits = digits_of(canonical);
    if (digits > 17) abort();
    if (digits == 1) return;
    snprintf(shorter, sizeof shorter, "%.*e", digits - 2, v); /* the nearest that has one digit less */
    if (strtod(shorter, NULL) == v) abort();
}

static void canonical_of(const char *text, size_t n, struct test_alloc *t)
{
    struct pawl_arena a;
    struct pawl_buf out;
    struct pawl_error err = {0};
    yyjson_val *v = NULL;
    pawl_arena_init(&a, &t->alloc);
    pawl_buf_init_arena(&out, &a);
    if (pawl_json_read((struct pawl_str){text, (uint32_t)n}, &a, &v, NULL) == PAWL_OK && yyjson_is_num(v)) {
        const int rc = pawl_json_canonical(v, &out, &err);
        if (rc == PAWL_OK) check_double(yyjson_get_num(v), pawl_buf_done(&out).p);
        else if (rc != PAWL_EINVAL || !err.what[0]) abort();
        if (rc != PAWL_OK && yyjson_is_real(v) && !pawl_json_is_rounded(v)) abort(); /* a double always has a form */
    }
    pawl_arena_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct test_alloc t;
    char text[64];
    double v;
    test_alloc_init(&t, 0);
    if (size >= sizeof v) {
        memcpy(&v, data, sizeof v);
        if (isfinite(v)) canonical_of(text, (size_t)snprintf(text, sizeof text, "%.17g", v), &t);
    }
    canonical_of((const char *)data, size, &t);
    if (t.out_bytes != 0) abort();
    return 0;
}
