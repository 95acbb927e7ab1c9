/* src/contract/schema_fuzz.c - any JSON as [schema, instance, context]; the first byte says which options. A schema that is
 * refused is refused with words; a check gives the same answer with and without a report, and what a report says is of a
 * place that the instance has. */
#include "contract/schema.h"
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

static const struct pawl_alloc from = {resize, NULL};

static bool was_cut(const char *text, size_t size)
{
    const size_t n = strlen(text);
    if (n >= size) abort();
    return n >= 3 && strcmp(text + n - 3, "...") == 0;
}

static void check_report(const struct pawl_schema_report *report, yyjson_val *instance)
{
    if (report->count == 0) abort();
    for (uint32_t i = 0; i < report->count && i < PAWL_SCHEMA_ERRORS; i++) {
        const struct pawl_schema_violation *v = &report->violations[i];
        if (!v->says[0] || (v->keyword[0] && v->keyword[0] != '/')) abort();
        was_cut(v->says, sizeof v->says);
        was_cut(v->keyword, sizeof v->keyword);
        if (was_cut(v->instance, sizeof v->instance) || strchr(v->instance, '?')) continue; /* ?: a control character */
        if (!pawl_json_at(instance, pawl_str_of(v->instance))) {
            printf("%s: %s\n", v->instance, v->says);
            abort();
        }
    }
}

static void check(const struct pawl_schema *s, yyjson_val *instance, yyjson_val *context)
{
    static struct pawl_schema_report report;
    const int rc = pawl_schema_check(s, instance, context, NULL);
    if (rc == PAWL_ELIMIT) return; /* once is enough */
    if (rc != PAWL_OK && rc != PAWL_EINVAL) abort();
    if (pawl_schema_check(s, instance, context, &report) != rc) abort();
    if (rc == PAWL_OK && report.count != 0) abort();
    if (rc == PAWL_EINVAL) check_report(&report, instance);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pawl_arena arena;
    struct pawl_schema *s = NULL;
    struct pawl_error err = {0};
    yyjson_val *all;
    if (size < 2) return 0;
    const struct pawl_schema_options o = {.assert_formats = data[0] & 1, .allow_arg = data[0] & 2};
    pawl_arena_init(&arena, &from);
    if (pawl_json_read((struct pawl_str){(const char *)data + 1, (uint32_t)size - 1}, &arena, &all, NULL) == PAWL_OK &&
        yyjson_arr_size(all) >= 2) {
        const int rc = pawl_schema_compile(yyjson_arr_get_first(all), &o, &from, &s, &err);
        if (rc == PAWL_OK) check(s, yyjson_arr_get(all, 1), yyjson_arr_get(all, 2));
        else if ((rc != PAWL_EINVAL && rc != PAWL_ELIMIT) || s || !err.what[0] || err.code != rc) abort();
    }
    pawl_schema_free(s);
    pawl_arena_fini(&arena);
    return 0;
}
