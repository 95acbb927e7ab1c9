/* src/io/zoneinfo.c - see zoneinfo.h. */
#include "io/zoneinfo.h"
#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "base/error.h"
#include "io/env.h"
#include "io/file.h"

enum { FILE_MAX = 64 * 1024, PATH_MAX_BYTES = 1024, DEPTH_MAX = 3 };

static const char *folder(void)
{
    const struct pawl_str set = pawl_env_get(PAWL_STR("TZDIR"));
    return set.n && set.p[0] == '/' && set.n < PATH_MAX_BYTES / 2 ? set.p : "/usr/share/zoneinfo";
}

struct pawl_str pawl_zoneinfo_read(struct pawl_str name, struct pawl_arena *a)
{
    char path[PATH_MAX_BYTES];
    struct stat is;
    struct pawl_buf b;
    const struct pawl_str none = {NULL, 0};
    assert(name.n > 0 && name.p[0] != '/');
    if (snprintf(path, sizeof path, "%s/%.*s", folder(), (int)name.n, name.p) >= (int)sizeof path) return none;
    if (stat(path, &is) || !S_ISREG(is.st_mode)) return none;
    pawl_buf_init_arena(&b, a);
    return pawl_file_read(path, FILE_MAX, &b, NULL) == PAWL_OK ? pawl_buf_done(&b) : none;
}

struct walk {
    void (*each)(void *to, struct pawl_str name);
    void *to;
    size_t root_bytes;
};

/* Zones begin with a capital letter; what else lies there (tables, other spellings of the same) does not. */
static void walk(const struct walk *w, char path[PATH_MAX_BYTES], int depth)
{
    const size_t n = strlen(path);
    const struct dirent *entry;
    DIR *dir = opendir(path);
    while (dir && (entry = readdir(dir)) != NULL) {
        struct stat is;
        if (entry->d_name[0] < 'A' || entry->d_name[0] > 'Z') continue;
        if (snprintf(path + n, PATH_MAX_BYTES - n, "/%s", entry->d_name) >= (int)(PATH_MAX_BYTES - n)) continue;
        if (stat(path, &is)) continue;
        if (S_ISDIR(is.st_mode) && depth < DEPTH_MAX) walk(w, path, depth + 1);
        else if (S_ISREG(is.st_mode)) w->each(w->to, pawl_str_of(path + w->root_bytes + 1));
    }
    path[n] = 0;
    if (dir) closedir(dir);
}

void pawl_zoneinfo_names(void (*each)(void *to, struct pawl_str name), void *to)
{
    char path[PATH_MAX_BYTES];
    struct walk w = {.each = each, .to = to};
    snprintf(path, sizeof path, "%s", folder());
    w.root_bytes = strlen(path);
    walk(&w, path, 1);
}
