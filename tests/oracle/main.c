/* tests/oracle/main.c - pawl's answers for tools/oracle, a line in and a line out:
 *   {"schema": S, "instances": [...], "formats": true}   V, I or L for each instance (fits, does not, beyond the limits)
 *   {"json": TEXT}                                       the canonical form of that JSON text
 * or `refused WHERE: WHAT`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "contract/schema.h"
#include "io/alloc.h"

static void refused(const struct pawl_error *err)
{
    printf("refused %s: %s\n", err->where, err->what);
}

static void check(yyjson_val *line)
{
    const struct pawl_schema_options o = {.assert_formats = pawl_json_bool(line, "formats", false)};
    struct pawl_schema *s = NULL;
    struct pawl_error err = {0};
    yyjson_val *instances = yyjson_obj_get(line, "instances"), *instance;
    size_t i, max;
    if (pawl_schema_compile(yyjson_obj_get(line, "schema"), &o, pawl_alloc_libc(), &s, &err)) {
        refused(&err);
        return;
    }
    yyjson_arr_foreach(instances, i, max, instance)
    {
        struct pawl_schema_report report;
        const int rc = pawl_schema_check(s, instance, NULL, &report);
        if (pawl_schema_check(s, instance, NULL, NULL) != rc) putchar('?'); /* with a report and without: one answer */
        else putchar(rc == PAWL_OK ? 'V' : rc == PAWL_EINVAL ? 'I' : 'L');
    }
    putchar('\n');
    pawl_schema_free(s);
}

static void canonical(struct pawl_str text, struct pawl_arena *a)
{
    struct pawl_error err = {0};
    struct pawl_buf b;
    yyjson_val *v;
    pawl_buf_init_arena(&b, a);
    if (pawl_json_read(text, a, &v, &err) || pawl_json_canonical(v, &b, &err)) refused(&err);
    else printf("%.*s\n", (int)b.n, b.p);
}

int main(void)
{
    char *text = NULL;
    size_t size = 0;
    ssize_t n;
    while ((n = getline(&text, &size, stdin)) > 0) {
        struct pawl_arena arena;
        struct pawl_error err = {0};
        yyjson_val *line;
        pawl_arena_init(&arena, pawl_alloc_libc());
        if (pawl_json_read((struct pawl_str){text, (uint32_t)n}, &arena, &line, &err)) refused(&err);
        else if (yyjson_obj_get(line, "json")) canonical(pawl_json_str(line, "json"), &arena);
        else check(line);
        fflush(stdout);
        pawl_arena_fini(&arena);
    }
    free(text);
    return 0;
}
