/* src/contract/schema_suite_test.c - the JSON Schema Test Suite, draft 2020-12: its required and its optional part. All
 * of it must pass: no test is an exception. Its folder is deps/carriers/json-schema-suite under PAWL_SOURCE_ROOT
 * or the working folder or one above it. */
#include <dirent.h>
#include <unistd.h>
#include "base/test.h"
#include "contract/schema.h"
#include "io/alloc.h"

enum { REMOTES_MAX = 256, PATHS_MAX = 128 };
enum {
    REQUIRED = 1257,
    OPTIONAL = 158,
    FORMATS = 491,
    OLDER_2019 = 1227,
    OLDER_7 = 913
}; /* of what deps/carriers.txt names */
static struct pawl_arena arena;
static yyjson_val *remotes[REMOTES_MAX];
static uint32_t remotes_count, tests_count;

static bool read_json(const char *path, yyjson_val **out)
{
    FILE *f = fopen(path, "rb");
    struct pawl_buf b;
    char piece[4096];
    size_t n;
    if (!f) return false;
    pawl_buf_init_arena(&b, &arena);
    while ((n = fread(piece, 1, sizeof piece, f)) > 0) pawl_buf_add(&b, piece, n);
    fclose(f);
    return pawl_json_read(pawl_buf_done(&b), &arena, out, NULL) == PAWL_OK;
}

static void add_remote(const struct pawl_buf *text)
{
    const struct pawl_str s = {text->p, (uint32_t)text->n};
    if (CHECK(remotes_count < REMOTES_MAX && pawl_json_read(s, &arena, &remotes[remotes_count], NULL) == PAWL_OK))
        remotes_count++;
}

#define DRAFT_7 "http://json-schema.org/draft-07/schema#"

/* With $schema where it has none: only older drafts say by it which one they are. */
static yyjson_val *in_dialect(yyjson_val *schema, const char *dialect)
{
    struct pawl_json_writer w;
    struct pawl_buf b;
    yyjson_val *key, *value, *out;
    size_t i, n;
    if (!dialect || !yyjson_is_obj(schema) || yyjson_obj_get(schema, "$schema")) return schema;
    pawl_buf_init_arena(&b, &arena);
    w = (struct pawl_json_writer){.out = &b};
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "$schema");
    pawl_jw_text(&w, dialect);
    yyjson_obj_foreach(schema, i, n, key, value)
    {
        pawl_jw_key_str(&w, pawl_json_value_str(key));
        pawl_jw_value(&w, value);
    }
    pawl_jw_close(&w, '}');
    return CHECK_INT(pawl_json_read(pawl_buf_done(&b), &arena, &out, NULL), PAWL_OK) ? out : schema;
}

/* Documents are found by where they would be fetched from. One without an $id is given that; one with another $id is
 * also referred to by a document that has it. */
static void take_remote(const char *path, const char *name)
{
    yyjson_val *v, *key, *value;
    struct pawl_buf b;
    char url[1200];
    size_t i, n;
    snprintf(url, sizeof url, "http://localhost:1234/%s", name);
    if (!CHECK(read_json(path, &v)) || !yyjson_is_obj(v)) return;
    v = in_dialect(v, strncmp(name, "draft7/", 7) == 0 ? DRAFT_7 : NULL);
    const struct pawl_str id = pawl_json_str(v, "$id");
    pawl_buf_init_arena(&b, &arena);
    if (id.p) {
        pawl_json_write(v, &b);
        pawl_buf_done(&b);
        add_remote(&b);
        if (pawl_str_is(id, url)) return;
        b.n = 0;
        pawl_buf_printf(&b, "{\"$id\":\"%s\",\"$ref\":\"%.*s\"}", url, (int)id.n, id.p);
    } else {
        pawl_buf_printf(&b, "{\"$id\":\"%s\"", url);
        yyjson_obj_foreach(v, i, n, key, value)
        {
            pawl_buf_char(&b, ',');
            pawl_json_quote(pawl_json_value_str(key), &b);
            pawl_buf_char(&b, ':');
            pawl_json_write(value, &b);
        }
        pawl_buf_char(&b, '}');
    }
    pawl_buf_done(&b);
    add_remote(&b);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a folder, sorted. */
static size_t names_in(const char *folder, char *names[PATHS_MAX])
{
    DIR *d = opendir(folder);
    const struct dirent *e;
    size_t n = 0;
    while (d && n < PATHS_MAX && (e = readdir(d)) != NULL)
        if (e->d_name[0] != '.') names[n++] = pawl_arena_copy(&arena, e->d_name, strlen(e->d_name));
    if (d) closedir(d);
    qsort(names, n, sizeof *names, by_name);
    return n;
}

/* Of the drafts that are known. */
static void take_remotes(const char *folder, const char *prefix)
{
    char *names[PATHS_MAX], path[2048], name[1024];
    const size_t n = names_in(folder, names);
    for (size_t i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        snprintf(name, sizeof name, "%s%s", prefix, names[i]);
        if (strstr(names[i], ".json")) take_remote(path, name);
        else if (strncmp(names[i], "draft", 5) != 0 || strstr(names[i], "2019-09") || strstr(names[i], "2020-12") ||
                 strstr(names[i], "draft7")) {
            strcat(name, "/");
            take_remotes(path, name);
        }
    }
}

static void run_group(const char *file, yyjson_val *group, const char *dialect, bool formats)
{
    yyjson_val *schema = in_dialect(yyjson_obj_get(group, "schema"), dialect);
    const struct pawl_schema_options o = {.resources = remotes,
                                          .resources_count = remotes_count,
                                          .assert_formats = formats};
    struct pawl_schema *s = NULL;
    struct pawl_error err = {0};
    const int rc = pawl_schema_compile(schema, &o, pawl_alloc_libc(), &s, &err);
    yyjson_val *tests = yyjson_obj_get(group, "tests"), *test;
    size_t i, n;
    yyjson_arr_foreach(tests, i, n, test)
    {
        struct pawl_schema_report report = {0};
        tests_count++;
        const int want = yyjson_get_bool(yyjson_obj_get(test, "valid")) ? PAWL_OK : PAWL_EINVAL;
        yyjson_val *data = yyjson_obj_get(test, "data");
        const int got = rc ? PAWL_EINTERNAL : pawl_schema_check(s, data, NULL, &report);
        const int quick = rc ? PAWL_EINTERNAL : pawl_schema_check(s, data, NULL, NULL);
        const bool said = got != PAWL_EINVAL || (report.count > 0 && report.violations[0].says[0]);
        if (!CHECK(got == want && quick == want && said))
            printf("  %s: %s: %s: %d %s %s\n", file, yyjson_get_str(yyjson_obj_get(group, "description")),
                   yyjson_get_str(yyjson_obj_get(test, "description")), rc ? rc : got, err.where,
                   rc ? err.what : report.violations[0].says);
    }
    pawl_schema_free(s);
}

/* `count`: the tests that there must be, so that none is lost unseen. */
static void run_folder(const char *folder, const char *dialect, bool formats, uint32_t count)
{
    char *names[PATHS_MAX], path[2048];
    const size_t n = names_in(folder, names);
    yyjson_val *groups, *group;
    size_t k, max;
    tests_count = 0;
    for (size_t i = 0; i < n; i++) {
        if (!strstr(names[i], ".json")) continue;
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        if (!CHECK(read_json(path, &groups))) continue;
        yyjson_arr_foreach(groups, k, max, group) run_group(names[i], group, dialect, formats);
    }
    CHECK_INT(tests_count, count);
}

static bool find_suite(char *out, size_t size)
{
    const char *root = getenv("PAWL_SOURCE_ROOT");
    char folder[64] = ".";
    for (int i = 0; i < 6; i++) {
        snprintf(out, size, "%s/deps/carriers/json-schema-suite", root ? root : folder);
        if (access(out, R_OK) == 0) return true;
        strcat(folder, "/..");
    }
    return false;
}

int main(void)
{
    char suite[600], path[700];
    pawl_arena_init(&arena, pawl_alloc_libc());
    if (find_suite(suite, sizeof suite)) {
        snprintf(path, sizeof path, "%s/remotes", suite);
        take_remotes(path, "");
        snprintf(path, sizeof path, "%s/tests/draft2020-12", suite);
        run_folder(path, NULL, false, REQUIRED);
        strcat(path, "/optional");
        run_folder(path, NULL, false, OPTIONAL);
        strcat(path, "/format");
        run_folder(path, NULL, true, FORMATS);
        snprintf(path, sizeof path, "%s/tests/draft2019-09", suite);
        run_folder(path, "https://json-schema.org/draft/2019-09/schema", false, OLDER_2019);
        snprintf(path, sizeof path, "%s/tests/draft7", suite);
        run_folder(path, DRAFT_7, false, OLDER_7);
    } else {
        printf("skipped: no deps/carriers/json-schema-suite here\n");
    }
    pawl_arena_fini(&arena);
    return TEST_END();
}
