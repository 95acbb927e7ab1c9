/* src/contract/config_fuzz.c - any bytes as a configuration. Faults come in order, each with words; what loads is stored
 * as text that loads again, to the same bytes; and every tool can be explained. */
#include "contract/config.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *resize(void *ctx, void *p, size_t old_bytes, size_t new_bytes)
{
    (void)ctx, (void)old_bytes;
    if (new_bytes > 0) return realloc(p, new_bytes);
    free(p);
    return NULL;
}

/* A is not set, B is empty, all else has a value. */
static struct pawl_str get(void *ctx, const char *name)
{
    (void)ctx;
    if (name[0] == 'A') return (struct pawl_str){NULL, 0};
    return pawl_str_of(name[0] == 'B' ? "" : name[0] == 'C' ? "{a}\x7f" : "http://h");
}

static void check_report(const struct pawl_config_report *r)
{
    unsigned last = 0;
    if (r->count == 0) abort();
    for (uint32_t i = 0; i < r->count && i < PAWL_CONFIG_ERRORS; i++) {
        const char *at = strrchr(r->errors[i].where, ':');
        const unsigned line = at ? (unsigned)strtoul(at + 1, NULL, 10) : 0;
        if (line < last || line == 0 || !r->errors[i].what[0]) abort();
        last = line;
    }
}

static void check_config(const struct pawl_config *c, const struct pawl_env_lookup *env, const struct pawl_alloc *from)
{
    static struct pawl_config_report report;
    struct pawl_config *again = NULL;
    struct pawl_buf out;
    if (pawl_config_load(c->json, "x/pawl.yaml", env, from, &again, &report) != PAWL_OK) {
        printf("%s: %s\n%s\n", report.errors[0].where, report.errors[0].what, c->json.p);
        abort();
    }
    if (!pawl_str_eq(c->json, again->json) || memcmp(c->hash.b, again->hash.b, sizeof c->hash.b) != 0) abort();
    if (c->tools_count != again->tools_count || c->secrets_count != again->secrets_count) abort();
    pawl_buf_init(&out, from);
    for (uint32_t i = 0; i < c->tools_count; i++) {
        const size_t n = out.n;
        if (pawl_config_explain(&c->tools[i], &out) != PAWL_OK) abort();
        const size_t bytes = out.n - n;
        if (pawl_config_explain(&again->tools[i], &out) != PAWL_OK || out.n != n + 2 * bytes) abort();
        if (memcmp(out.p + n, out.p + n + bytes, bytes) != 0) abort();
    }
    for (uint32_t i = 0; i < c->models_count; i++)
        if (pawl_config_fill(c, c->models[i].api_key, &out, NULL) != PAWL_OK) abort();
    pawl_buf_fini(&out);
    pawl_config_free(again, from);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pawl_config_report report;
    static const struct pawl_alloc from = {resize, NULL};
    static const struct pawl_env_lookup env = {.get = get};
    struct pawl_config *c = NULL;
    const int code = pawl_config_load((struct pawl_str){(const char *)data, (uint32_t)size}, "x/pawl.yaml", &env, &from,
                                      &c, &report);
    if (code == PAWL_OK) check_config(c, &env, &from);
    else if (code == PAWL_ECONFIG) check_report(&report);
    else abort();
    pawl_config_free(c, &from);
    return 0;
}
