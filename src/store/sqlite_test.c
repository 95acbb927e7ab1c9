/* src/store/sqlite_test.c - the SQLite store: the conformance test, and what only a file can do. */
#include "store/sqlite.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "io/alloc.h"
#include "store/conformance.h"

static char folder[] = "/tmp/pawl-sqlite-XXXXXX";
static char path[64];
static int files;

static struct pawl_store *open_store(void)
{
    struct pawl_store *s = NULL;
    struct pawl_error err = {0};
    if (CHECK_INT(pawl_sqlite_open(path, pawl_alloc_libc(), &s, &err), PAWL_OK)) return s;
    printf("%s: %s\n", err.where, err.what);
    exit(1);
}

static void new_path(void)
{
    unlink(path);
    snprintf(path, sizeof path, "%s/%d.db", folder, ++files);
}

static struct pawl_store *fresh(void *ctx)
{
    (void)ctx;
    new_path();
    return open_store();
}

static struct pawl_store *again(void *ctx, struct pawl_store *s)
{
    (void)ctx;
    s->close(s);
    return open_store();
}

int main(void)
{
    static const uint8_t id[16] = {1};
    const struct conformance c = {fresh, again, NULL, pawl_alloc_libc()};
    struct pawl_store *model;
    CHECK_INT(pawl_sha256_ready(), PAWL_OK);
    if (mkdtemp(folder) == NULL) return printf("no folder\n0 passed, 1 failed\n"), 1;
    conformance_all(&c);
    for (uint64_t seed = 1; seed <= 5; seed++) {
        CHECK_INT(pawl_memory_open(id, pawl_alloc_libc(), &model), PAWL_OK);
        conformance_twins(&c, model, seed, 400);
    }
    unlink(path);
    CHECK_INT(rmdir(folder), 0);
    return TEST_END();
}
