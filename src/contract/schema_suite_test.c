/* src/contract/schema_suite_test.c - the JSON Schema Test Suite, draft 2020-12, required part: written by others, all of it
 * must pass. Its folder is deps/carriers/json-schema-suite under PAWL_SOURCE_ROOT or a parent of the working folder. */
#include <dirent.h>
#include <unistd.h>
#include "base/test.h"
#include "contract/schema.h"
#include "io/alloc.h"

enum { REMOTES_MAX = 256 };
static struct pawl_arena arena;
static yyjson_val *remotes[REMOTES_MAX];
static uint32_t remotes_count;

static bool read_file(const char *path, struct pawl_str *out)
{
    FILE *f = fopen(path, "rb");
    struct pawl_buf b;
    char piece[4096];
    size_t n;
    if (!f) return false;
    pawl_buf_init_arena(&b, &arena);
    while ((n = fread(piece, 1, sizeof piece, f)) > 0) pawl_buf_add(&b, piece, n);
    fclose(f);
    *out = pawl_buf_done(&b);
    return out->p != NULL;
}

/* A remote document, with the $id that its place gives it where it has none. */
static void add_remote(const char *path, const char *name)
{
    struct pawl_str text;
    yyjson_val *v;
    struct pawl_buf b;
    const char *id;
    if (remotes_count == REMOTES_MAX || !read_file(path, &text) || pawl_json_read(text, &arena, &v, NULL)) return;
    id = yyjson_get_str(yyjson_obj_get(v, "$id"));
    if (yyjson_is_obj(v) && (!id || !strstr(id, "://"))) {
        pawl_buf_init_arena(&b, &arena);
        pawl_buf_printf(&b, "{\"$id\":\"http://localhost:1234/%s\",\"$comment\":0", name);
        yyjson_val *key, *value;
        size_t i, n;
        yyjson_obj_foreach(v, i, n, key, value)
        {
            if (strcmp(yyjson_get_str(key), "$comment") == 0 || strcmp(yyjson_get_str(key), "$id") == 0) continue;
            pawl_buf_char(&b, ',');
            pawl_json_quote(pawl_json_value_str(key), &b);
            pawl_buf_char(&b, ':');
            pawl_json_write(value, &b);
        }
        pawl_buf_char(&b, '}');
        if (pawl_json_read(pawl_buf_done(&b), &arena, &v, NULL)) return;
    }
    remotes[remotes_count++] = v;
    if (id && strstr(id, "://") && strncmp(id, "http://localhost:1234/draft2020-12/", 35) != 0 &&
        remotes_count < REMOTES_MAX) { /* also found where it was fetched from */
        pawl_buf_init_arena(&b, &arena);
        pawl_buf_printf(&b, "{\"$id\":\"http://localhost:1234/%s\",\"$ref\":\"%s\"}", name, id);
        if (pawl_json_read(pawl_buf_done(&b), &arena, &remotes[remotes_count], NULL) == PAWL_OK) remotes_count++;
    }
}

static void walk_remotes(const char *dir, const char *prefix)
{
    DIR *d = opendir(dir);
    const struct dirent *e;
    while (d && (e = readdir(d)) != NULL) {
        char path[2048], name[1024];
        if (e->d_name[0] == '.' || strstr(e->d_name, "draft2019") || strstr(e->d_name, "draft7") ||
            strstr(e->d_name, "draft6") || strstr(e->d_name, "draft4") || strstr(e->d_name, "draft3") ||
            strcmp(e->d_name, "v1") == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        snprintf(name, sizeof name, "%s%s", prefix, e->d_name);
        if (strstr(e->d_name, ".json")) {
            add_remote(path, name);
        } else {
            snprintf(name, sizeof name, "%s%s/", prefix, e->d_name);
            walk_remotes(path, name);
        }
    }
    if (d) closedir(d);
}

static void run_file(const char *path, const char *file, bool formats)
{
    struct pawl_str text;
    yyjson_val *groups, *group, *tests, *test;
    size_t i, n, j, m;
    if (!CHECK(read_file(path, &text) && pawl_json_read(text, &arena, &groups, NULL) == PAWL_OK)) return;
    yyjson_arr_foreach(groups, i, n, group)
    {
        const struct pawl_schema_options o = {.resources = remotes,
                                              .resources_count = remotes_count,
                                              .assert_formats = formats};
        struct pawl_schema *s = NULL;
        struct pawl_error err = {0};
        const int rc = pawl_schema_compile(yyjson_obj_get(group, "schema"), &o, pawl_alloc_libc(), &s, &err);
        tests = yyjson_obj_get(group, "tests");
        yyjson_arr_foreach(tests, j, m, test)
        {
            struct pawl_schema_report report = {0};
            const bool valid = yyjson_get_bool(yyjson_obj_get(test, "valid"));
            const int got = rc ? rc : pawl_schema_check(s, yyjson_obj_get(test, "data"), NULL, &report);
            if (!CHECK(got == (valid ? PAWL_OK : PAWL_EINVAL)))
                printf("  %s: %s: %s: rc %d %s %s\n", file, yyjson_get_str(yyjson_obj_get(group, "description")),
                       yyjson_get_str(yyjson_obj_get(test, "description")), got, err.where,
                       rc ? err.what : report.violations[0].says);
            if (got == PAWL_EINVAL && !rc) CHECK(report.count > 0 && report.violations[0].says[0]);
        }
        pawl_schema_free(s);
    }
}

static bool find_suite(char *out, size_t size)
{
    const char *root = getenv("PAWL_SOURCE_ROOT");
    char dir[512] = ".";
    for (int i = 0; i < 6; i++) {
        snprintf(out, size, "%s/deps/carriers/json-schema-suite", root ? root : dir);
        if (access(out, R_OK) == 0) return true;
        strcat(dir, "/..");
    }
    return false;
}

int main(void)
{
    char suite[700], dir[800], path[1400];
    DIR *d;
    const struct dirent *e;
    pawl_arena_init(&arena, pawl_alloc_libc());
    if (!find_suite(suite, sizeof suite)) {
        printf("skipped: no deps/carriers/json-schema-suite here\n");
        CHECK(true);
        return TEST_END();
    }
    snprintf(dir, sizeof dir, "%s/remotes", suite);
    walk_remotes(dir, "");
    snprintf(dir, sizeof dir, "%s/tests/draft2020-12", suite);
    d = opendir(dir);
    CHECK(d != NULL);
    while (d && (e = readdir(d)) != NULL) {
        if (!strstr(e->d_name, ".json")) continue;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        run_file(path, e->d_name, false);
    }
    if (d) closedir(d);
    if (getenv("PAWL_SUITE_FORMATS")) {
        snprintf(dir, sizeof dir, "%s/tests/draft2020-12/optional/format", suite);
        d = opendir(dir);
        while (d && (e = readdir(d)) != NULL) {
            if (!strstr(e->d_name, ".json")) continue;
            snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
            run_file(path, e->d_name, true);
        }
        if (d) closedir(d);
    }
    pawl_arena_fini(&arena);
    return TEST_END();
}
