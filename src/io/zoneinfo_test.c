/* src/io/zoneinfo_test.c - zones of a folder of its own. */
#include "io/zoneinfo.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/test.h"
#include "io/alloc.h"

static void put(const char *path, size_t bytes)
{
    FILE *f = fopen(path, "w");
    for (size_t i = 0; f && i < bytes; i++) fputc('x', f);
    CHECK(f != NULL && fclose(f) == 0);
}

static int seen;
static bool only_zones = true;
static void each(void *to, struct pawl_str name)
{
    (void)to;
    seen++;
    only_zones =
        only_zones && (pawl_str_is(name, "Europe/Berlin") || pawl_str_is(name, "GMT") || pawl_str_is(name, "Big"));
}

int main(void)
{
    char folder[] = "/tmp/pawl-zones-XXXXXX", command[64];
    struct pawl_arena a;
    if (!mkdtemp(folder) || chdir(folder)) return 1;
    CHECK(mkdir("Europe", 0700) == 0);
    put("Europe/Berlin", 7);
    put("GMT", 3);
    put("tzdata.zi", 3);
    put("Big", 70000);
    setenv("TZDIR", folder, 1);
    pawl_arena_init(&a, pawl_alloc_libc());
    CHECK(pawl_str_is(pawl_zoneinfo_read(PAWL_STR("Europe/Berlin"), &a), "xxxxxxx"));
    CHECK(pawl_str_is(pawl_zoneinfo_read(PAWL_STR("GMT"), &a), "xxx"));
    CHECK(pawl_zoneinfo_read(PAWL_STR("Europe"), &a).p == NULL); /* a folder */
    CHECK(pawl_zoneinfo_read(PAWL_STR("Europe/Paris"), &a).p == NULL);
    CHECK(pawl_zoneinfo_read(PAWL_STR("Big"), &a).p == NULL);
    pawl_zoneinfo_names(each, NULL);
    CHECK_INT(seen, 3);
    CHECK(only_zones);
    setenv("TZDIR", "not-absolute", 1); /* then it is the system's, which may have none */
    CHECK(pawl_zoneinfo_read(PAWL_STR("Europe/Nowhere"), &a).p == NULL);
    pawl_arena_fini(&a);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    CHECK(chdir("/") == 0 && system(command) == 0);
    return TEST_END();
}
