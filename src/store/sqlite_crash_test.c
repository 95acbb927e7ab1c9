/* src/store/sqlite_crash_test.c - two ways to die. A process that commits in a loop is killed at any point, again and
 * again: whatever it had acknowledged is there. And the power goes (a VFS that forgets what was not synced, or keeps some
 * of it, torn): the same. A third way is to live on: each single operation on the disk fails once, and what was refused
 * changed nothing and goes through when it is tried again. */
#include <signal.h>
#include <sys/wait.h>
#include "store/conformance.h"
#include "store/sqlite_kit.h"

enum { RUNS = 8 };
struct ack {
    uint32_t run;
    uint32_t seq;
};

/* Everything is whole, and all that was acknowledged is there. */
static void check_store(struct pawl_store *s, const uint32_t *acked, uint32_t runs)
{
    static struct listed rows;
    struct pawl_arena a;
    pawl_arena_init(&a, pawl_alloc_libc());
    look(s, &a, &rows);
    for (uint32_t n = 0; n < runs; n++) {
        struct pawl_run_records r;
        if (acked[n] == 0) continue;
        if (CHECK_INT(s->read(s, id_of(n), 0, &a, &r, NULL), PAWL_OK)) CHECK(r.count >= acked[n]);
    }
    pawl_arena_fini(&a);
}

/* One more commit of each of some runs; the batch grows and shrinks. `done` hears of what is durable. */
static bool commit_some(struct pawl_store *s, struct told *t, uint32_t first, uint32_t turn, uint32_t *acked)
{
    struct pawl_commit *batch[RUNS];
    const uint32_t count = 1 + turn % RUNS;
    static char body[6000];
    memset(body, 'x', sizeof body);
    for (uint32_t i = 0; i < count; i++) {
        if (t[i].head.seq == 0) tell_new(&t[i], first + i, NULL);
        else if (t[i].commit.records_count == 0)
            tell(&t[i], PAWL_NOTE, turn, 0, (struct pawl_str){body, turn % 5 == 0 ? 6000 - turn % 100 : 200});
        batch[i] = told(&t[i]);
    }
    if (s->commit(s, batch, count, NULL) != PAWL_OK) return false;
    for (uint32_t i = 0; i < count; i++) {
        CHECK_INT(batch[i]->result, PAWL_OK);
        acked[first + i] = (uint32_t)t[i].head.seq;
        t[i].commit = (struct pawl_commit){0};
    }
    return true;
}

/* ---- killed ---- */

static void commit_for_ever(int out, uint32_t first)
{
    static struct told t[RUNS];
    static uint32_t acked[1024];
    struct pawl_store *s = kit_open();
    for (uint32_t turn = 0;; turn++) {
        if (turn % 40 == 0) memset(t, 0, sizeof t), first += turn ? RUNS : 0;
        if (!commit_some(s, t, first, turn, acked)) _exit(3);
        for (uint32_t i = 0; i < RUNS; i++) {
            const struct ack ack = {first + i, acked[first + i]};
            if (write(out, &ack, sizeof ack) != sizeof ack) _exit(4);
        }
    }
}

static void test_killed(void)
{
    static uint32_t acked[1024];
    struct pawl_prng r;
    uint64_t instance = 0;
    pawl_prng_seed(&r, 7);
    kit_new_path();
    for (int round = 0; round < 20; round++) {
        int pipe_fds[2], status = 0;
        struct ack ack;
        CHECK_INT(pipe(pipe_fds), 0);
        fflush(stdout);
        const pid_t pid = fork();
        if (pid == 0) {
            close(pipe_fds[0]);
            commit_for_ever(pipe_fds[1], 1 + (uint32_t)round * 40);
        }
        close(pipe_fds[1]);
        uint64_t left = 1 + pawl_prng_below(&r, 600);
        while (read(pipe_fds[0], &ack, sizeof ack) == sizeof ack) {
            if (ack.run < 1024) acked[ack.run] = ack.seq;
            if (left > 0 && --left == 0) CHECK_INT(kill(pid, SIGKILL), 0);
        }
        close(pipe_fds[0]);
        CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        struct pawl_store *s = kit_open();
        CHECK(s->instance > instance);
        instance = s->instance;
        check_store(s, acked, 1024);
        s->close(s);
    }
    CHECK_TEXT(kit_ask("PRAGMA integrity_check"), "ok");
}

/* ---- a disk that can fail and forget ---- */

enum { IMAGE_MAX = 4 << 20, WRITES_MAX = 4096, FILES = 4 };
struct write_op { /* not synced yet */
    int64_t at;
    uint32_t bytes; /* UINT32_MAX: a truncation to `at` */
    char *data;
};
struct image { /* what one file has on the platter, and what is on the way there */
    char path[96];
    char *bytes;
    int64_t size;
    struct write_op ops[WRITES_MAX];
    uint32_t ops_count;
};
static struct disk {
    sqlite3_vfs vfs, *real;
    struct image images[FILES];
    uint32_t images_count;
    uint64_t ops, fail_at; /* operations so far; the one that fails, 0: none */
    int fail_as;           /* SQLite's code */
    bool dead;             /* all fail from then on */
    bool failed;
} disk;
struct disk_file {
    sqlite3_file base;
    struct image *image;
    sqlite3_file *real;
};

static void apply_op(struct image *i, const struct write_op *op, uint32_t bytes)
{
    if (op->bytes == UINT32_MAX) {
        if (op->at < i->size) i->size = op->at;
        return;
    }
    assert(op->at + bytes <= IMAGE_MAX);
    if (op->at > i->size) memset(i->bytes + i->size, 0, (size_t)(op->at - i->size));
    memcpy(i->bytes + op->at, op->data, bytes);
    if (op->at + bytes > i->size) i->size = op->at + bytes;
}

static void forget_ops(struct image *i)
{
    for (uint32_t k = 0; k < i->ops_count; k++) free(i->ops[k].data);
    i->ops_count = 0;
}

static void note_op(struct image *i, int64_t at, uint32_t bytes, const void *data)
{
    assert(i->ops_count < WRITES_MAX);
    struct write_op *op = &i->ops[i->ops_count++];
    *op = (struct write_op){at, bytes, NULL};
    if (data == NULL) return;
    op->data = malloc(bytes);
    assert(op->data != NULL);
    memcpy(op->data, data, bytes);
}

/* Counts an operation; SQLITE_OK: let it happen. */
static int operate(int as)
{
    if (disk.dead && disk.failed) return as;
    if (++disk.ops != disk.fail_at) return SQLITE_OK;
    disk.failed = true;
    return disk.fail_as != 0 ? disk.fail_as : as;
}

static int disk_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    struct disk_file *d = (struct disk_file *)f;
    int rc = operate(SQLITE_IOERR_WRITE);
    if (rc != SQLITE_OK) {
        if (n > 1 && !disk.dead) { /* half of it, as a full disk leaves it */
            d->real->pMethods->xWrite(d->real, p, n / 2, at);
            note_op(d->image, at, (uint32_t)n / 2, p);
        }
        return rc;
    }
    rc = d->real->pMethods->xWrite(d->real, p, n, at);
    if (rc == SQLITE_OK) note_op(d->image, at, (uint32_t)n, p);
    return rc;
}

static int disk_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    struct disk_file *d = (struct disk_file *)f;
    int rc = operate(SQLITE_IOERR_TRUNCATE);
    if (rc == SQLITE_OK) rc = d->real->pMethods->xTruncate(d->real, size);
    if (rc == SQLITE_OK) note_op(d->image, size, UINT32_MAX, NULL);
    return rc;
}

static int disk_sync(sqlite3_file *f, int flags)
{
    struct disk_file *d = (struct disk_file *)f;
    const int rc = operate(SQLITE_IOERR_FSYNC);
    (void)flags;
    if (rc != SQLITE_OK) {
        /* A failed sync promises nothing: the system may have dropped the pages and call the next sync a success. */
        if (!disk.dead) forget_ops(d->image);
        return rc;
    }
    for (uint32_t i = 0; i < d->image->ops_count; i++) apply_op(d->image, &d->image->ops[i], d->image->ops[i].bytes);
    forget_ops(d->image);
    return SQLITE_OK;
}

static int disk_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    struct disk_file *d = (struct disk_file *)f;
    const int rc = operate(SQLITE_IOERR_READ);
    return rc != SQLITE_OK ? rc : d->real->pMethods->xRead(d->real, p, n, at);
}

static int disk_close(sqlite3_file *f)
{
    struct disk_file *d = (struct disk_file *)f;
    const int rc = d->real->pMethods->xClose(d->real);
    free(d->real);
    return rc;
}

static int disk_size(sqlite3_file *f, sqlite3_int64 *size)
{
    struct disk_file *d = (struct disk_file *)f;
    return d->real->pMethods->xFileSize(d->real, size);
}

static int disk_lock(sqlite3_file *f, int level)
{
    struct disk_file *d = (struct disk_file *)f;
    return d->real->pMethods->xLock(d->real, level);
}

static int disk_unlock(sqlite3_file *f, int level)
{
    struct disk_file *d = (struct disk_file *)f;
    return d->real->pMethods->xUnlock(d->real, level);
}

static int disk_reserved(sqlite3_file *f, int *out)
{
    struct disk_file *d = (struct disk_file *)f;
    return d->real->pMethods->xCheckReservedLock(d->real, out);
}

static int disk_control(sqlite3_file *f, int op, void *arg)
{
    struct disk_file *d = (struct disk_file *)f;
    if (op == SQLITE_FCNTL_SIZE_HINT || op == SQLITE_FCNTL_CHUNK_SIZE) return SQLITE_NOTFOUND;
    return d->real->pMethods->xFileControl(d->real, op, arg);
}

static int disk_sector(sqlite3_file *f)
{
    (void)f;
    return 512;
}

static int disk_traits(sqlite3_file *f)
{
    (void)f;
    return 0; /* promises nothing: no power-safe overwrite, no atomic write */
}

static struct image *image_of(const char *path)
{
    for (uint32_t i = 0; i < disk.images_count; i++)
        if (strcmp(disk.images[i].path, path) == 0) return &disk.images[i];
    assert(disk.images_count < FILES);
    struct image *i = &disk.images[disk.images_count++];
    *i = (struct image){.bytes = malloc(IMAGE_MAX)};
    assert(i->bytes != NULL);
    snprintf(i->path, sizeof i->path, "%s", path);
    return i;
}

static int disk_open(sqlite3_vfs *v, const char *path, sqlite3_file *f, int flags, int *out_flags)
{
    static const sqlite3_io_methods methods = {
        1,         disk_close,  disk_read,     disk_write,   disk_truncate, disk_sync,   disk_size,
        disk_lock, disk_unlock, disk_reserved, disk_control, disk_sector,   disk_traits, NULL,
        NULL,      NULL,        NULL,          NULL,         NULL};
    struct disk_file *d = (struct disk_file *)f;
    (void)v;
    memset(d, 0, sizeof *d);
    const int refused = operate(SQLITE_CANTOPEN);
    if (refused != SQLITE_OK) return refused;
    d->real = calloc(1, (size_t)disk.real->szOsFile);
    assert(d->real != NULL && path != NULL);
    const int rc = disk.real->xOpen(disk.real, path, d->real, flags, out_flags);
    if (rc != SQLITE_OK) {
        free(d->real);
        return rc;
    }
    d->image = image_of(path);
    d->base.pMethods = &methods;
    return SQLITE_OK;
}

static int disk_delete(sqlite3_vfs *v, const char *path, int sync)
{
    (void)v;
    const int refused = operate(SQLITE_IOERR_DELETE);
    if (refused != SQLITE_OK) return refused;
    const int rc = disk.real->xDelete(disk.real, path, sync);
    if (rc == SQLITE_OK) {
        struct image *i = image_of(path);
        forget_ops(i);
        i->size = 0;
    }
    return rc;
}

static void disk_begin(uint64_t fail_at, int fail_as, bool dead)
{
    for (uint32_t i = 0; i < disk.images_count; i++) {
        forget_ops(&disk.images[i]);
        free(disk.images[i].bytes);
    }
    disk.images_count = 0;
    disk.ops = 0;
    disk.fail_at = fail_at;
    disk.fail_as = fail_as;
    disk.dead = dead;
    disk.failed = false;
}

static void disk_plug_in(void)
{
    disk.real = sqlite3_vfs_find(NULL);
    disk.vfs = *disk.real;
    disk.vfs.zName = "disk";
    disk.vfs.szOsFile = sizeof(struct disk_file);
    disk.vfs.xOpen = disk_open;
    disk.vfs.xDelete = disk_delete;
    CHECK_INT(sqlite3_vfs_register(&disk.vfs, 1), SQLITE_OK);
}

/* Writes what the platter has after the power went: all that was synced, and of the rest, in any order that the disk
 * liked, some, some in halves. */
static void disk_power_cut(struct pawl_prng *r)
{
    const uint64_t mood = pawl_prng_below(r, 4); /* nothing more, all of it, or some of it */
    kit_new_path();
    for (uint32_t i = 0; i < disk.images_count; i++) {
        struct image *im = &disk.images[i];
        char path[96];
        const char *suffix = strstr(im->path, ".db"); /* "", "-wal", "-journal" */
        for (uint32_t k = 0; k < im->ops_count; k++) {
            const struct write_op *op = &im->ops[k];
            if (mood == 0 || (mood > 1 && pawl_prng_below(r, 2) == 0)) continue;
            const bool torn = mood == 3 && op->bytes != UINT32_MAX && op->bytes > 512;
            apply_op(im, op, torn ? 512 * (uint32_t)pawl_prng_below(r, op->bytes / 512 + 1) : op->bytes);
        }
        if (im->size == 0) continue;
        assert(suffix != NULL);
        snprintf(path, sizeof path, "%s%s", kit_path, suffix + 3);
        FILE *f = fopen(path, "w");
        CHECK(f != NULL && fwrite(im->bytes, 1, (size_t)im->size, f) == (size_t)im->size && fclose(f) == 0);
    }
}

/* Opens, commits, reopens and commits more; what fails is tried again. Returns whether it came to its end; a dead disk
 * ends it. Large enough that checkpoints happen on the way. */
static bool story(uint32_t *acked)
{
    static struct told t[RUNS];
    struct pawl_store *s = NULL;
    memset(t, 0, sizeof t);
    for (uint32_t part = 0; part < 2; part++) {
        while (pawl_sqlite_open(kit_path, pawl_alloc_libc(), &s, NULL) != PAWL_OK)
            if (disk.dead) return false;
            else if (!CHECK(disk.failed)) return false;
        for (uint32_t turn = part * 12; turn < part * 12 + 12; turn++) {
            struct claimed c;
            struct pawl_arena a;
            while (!commit_some(s, t, 1, turn, acked)) {
                if (!disk.dead && CHECK(disk.failed)) continue;
                s->close(s);
                return false;
            }
            if (turn % 4 != 3) continue;
            pawl_arena_init(&a, pawl_alloc_libc());
            const struct pawl_claim_query q = {.one = true, .run = id_of(1)};
            int got = s->claim(s, &q, &a, c.runs, &c.count, NULL);
            if (got != PAWL_OK && !disk.dead) got = s->claim(s, &q, &a, c.runs, &c.count, NULL);
            if (got == PAWL_OK) t[0].head.epoch = c.runs[0].head.epoch;
            if (got == PAWL_OK) CHECK_INT(c.runs[0].head.claims_without_progress, t[0].head.owner != s->instance);
            pawl_arena_fini(&a);
            if (got == PAWL_OK) continue;
            CHECK(disk.dead);
            s->close(s);
            return false;
        }
        s->close(s);
    }
    return true;
}

static uint64_t count_operations(void)
{
    uint32_t acked[RUNS + 1] = {0};
    disk_begin(0, 0, false);
    kit_new_path();
    CHECK(story(acked));
    struct pawl_store *s = kit_open();
    check_store(s, acked, RUNS + 1);
    s->close(s);
    return disk.ops;
}

/* Each operation fails once, each in one of the ways that a disk has; whoever is refused tries again. */
static void test_one_failure(uint64_t operations)
{
    static const int ways[] = {0, SQLITE_FULL, SQLITE_IOERR_NOMEM}; /* 0: the operation's own kind of I/O error */
    for (uint64_t at = 1; at <= operations; at++) {
        uint32_t acked[RUNS + 1] = {0};
        disk_begin(at, ways[at % 3], false);
        kit_new_path();
        CHECK(story(acked));
        disk.fail_at = 0;
        struct pawl_store *s = kit_open();
        check_store(s, acked, RUNS + 1);
        for (uint32_t n = 1; n <= RUNS; n++) { /* tried again is not done twice */
            struct pawl_arena a;
            pawl_arena_init(&a, pawl_alloc_libc());
            if (acked[n]) CHECK_INT(head_in(s, id_of(n), &a).seq, acked[n]);
            pawl_arena_fini(&a);
        }
        s->close(s);
    }
}

/* The power goes at each operation, twice, with whatever mood of the disk. */
static void test_power_cut(uint64_t operations)
{
    struct pawl_prng r;
    uint64_t cut = 0;
    pawl_prng_seed(&r, 3);
    for (uint64_t at = 1; at <= operations; at++)
        for (int twice = 0; twice < 2; twice++) {
            uint32_t acked[RUNS + 1] = {0};
            disk_begin(at, 0, true);
            kit_new_path();
            cut += !story(acked);
            disk_power_cut(&r);
            disk_begin(0, 0, false);
            struct pawl_store *s = kit_open();
            check_store(s, acked, RUNS + 1);
            s->close(s);
        }
    CHECK(cut > operations);
}

int main(void)
{
    kit_begin();
    test_killed();
    disk_plug_in();
    const uint64_t operations = count_operations();
    CHECK(operations > 100);
    if (getenv("PAWL_TEST_SHOW")) printf("%d operations\n", (int)operations);
    test_one_failure(operations);
    test_power_cut(operations);
    disk_begin(0, 0, false);
    CHECK_INT(sqlite3_vfs_register(disk.real, 1), SQLITE_OK);
    return kit_end();
}
