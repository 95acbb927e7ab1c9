/* src/store/sqlite_file_test.c - what the world does to a file: it is not there, not ours, somebody else's, too new,
 * damaged, full; and what pawl says of it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "store/conformance_kit.h"
#include "store/sqlite_kit.h"
#include "store/sqlite_schema.h"

static char now[8]; /* the version that this pawl writes */

static int open_fails(const char *path, struct pawl_error *err)
{
    struct pawl_store *s = NULL;
    memset(err, 0, sizeof *err);
    const int got = pawl_sqlite_open(path, pawl_alloc_libc(), &s, err);
    if (got == PAWL_OK) s->close(s);
    else CHECK(err->code == got && err->where[0] && err->what[0] && err->next[0]);
    return got;
}

/* Runs in a child, so that limits, users and locks are its own. Its failed checks are counted as one of ours. */
static void in_child(void (*story)(void))
{
    int status = 0;
    fflush(stdout);
    const pid_t pid = fork();
    if (pid == 0) {
        test_failed = 0;
        story();
        fflush(stdout);
        _exit(test_failed != 0);
    }
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void write_file(const char *path, const char *bytes, size_t n)
{
    FILE *f = fopen(path, "w");
    CHECK(f != NULL && fwrite(bytes, 1, n, f) == n && fclose(f) == 0);
}

static void test_file(void)
{
    struct stat is;
    char wal[80];
    const mode_t mask = umask(0);
    struct pawl_store *s = kit_fresh();
    struct told t;
    umask(mask);
    CHECK_INT(put_new(s, &t, 1, NULL), PAWL_OK);
    CHECK_INT(stat(kit_path, &is), 0);
    CHECK_INT(is.st_mode & 0777, 0600);
    snprintf(wal, sizeof wal, "%s-wal", kit_path);
    CHECK_INT(stat(wal, &is), 0);
    CHECK_INT(is.st_mode & 0777, 0600);
    s->close(s);
    CHECK(stat(wal, &is) != 0 && errno == ENOENT); /* a closed store is one file */
}

static void locked_story(void)
{
    struct pawl_error err;
    sqlite3 *db = NULL;
    CHECK_INT(open_fails(kit_path, &err), PAWL_EBUSY);
    CHECK_INT(sqlite3_open(kit_path, &db), SQLITE_OK); /* nor does any other program see half of it */
    CHECK_INT(sqlite3_exec(db, "SELECT count(*) FROM run", NULL, NULL, NULL), SQLITE_BUSY);
    sqlite3_close(db);
}

static void test_locked(void)
{
    struct pawl_store *s = kit_fresh();
    struct pawl_error err;
    struct told t;
    CHECK_INT(put_new(s, &t, 1, NULL), PAWL_OK);
    in_child(locked_story);
    CHECK_INT(open_fails(kit_path, &err), PAWL_EBUSY); /* by ourselves a second time */
    tell(&t, PAWL_NOTE, 0, 0, PAWL_STR("{}"));
    CHECK_INT(put(s, &t), PAWL_OK);
    s->close(s);
    s = kit_open();
    s->close(s);
}

static void read_only_story(void)
{
    struct pawl_error err;
    char path[80];
    snprintf(path, sizeof path, "%s/new.db", kit_folder);
    if (geteuid() == 0 && setuid(65534) != 0) return;
    CHECK_INT(open_fails(kit_path, &err), PAWL_EREADONLY);
    CHECK_INT(open_fails(path, &err), PAWL_EREADONLY);
}

static void test_places(void)
{
    struct pawl_error err;
    char path[96];
    struct pawl_store *s = kit_fresh();
    s->close(s);
    CHECK_INT(chmod(kit_folder, 0555), 0);
    CHECK_INT(chmod(kit_path, 0444), 0);
    in_child(read_only_story);
    CHECK_INT(chmod(kit_folder, 0700), 0);

    snprintf(path, sizeof path, "%s/none/a.db", kit_folder);
    CHECK_INT(open_fails(path, &err), PAWL_ENOTFOUND);
    snprintf(path, sizeof path, "%s/a.db", kit_path);
    CHECK_INT(open_fails(path, &err), PAWL_ENOTFOUND);
    CHECK_INT(open_fails(kit_folder, &err), PAWL_EINVAL);
    CHECK_INT(open_fails("/dev/null", &err), PAWL_EINVAL);

    /* names that SQLite takes for something else are files like others */
    static const char *const names[] = {":memory:", "file:a.db?mode=memory", "a b'c\".db"};
    char here[512];
    CHECK(getcwd(here, sizeof here) != NULL);
    CHECK_INT(chdir(kit_folder), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct told t;
        struct pawl_arena a;
        pawl_arena_init(&a, pawl_alloc_libc());
        CHECK_INT(pawl_sqlite_open(names[i], pawl_alloc_libc(), &s, &err), PAWL_OK);
        CHECK_INT(put_new(s, &t, 1, NULL), PAWL_OK);
        s->close(s);
        CHECK_INT(pawl_sqlite_open(names[i], pawl_alloc_libc(), &s, &err), PAWL_OK);
        CHECK_INT(head_in(s, id_of(1), &a).seq, 1);
        s->close(s);
        pawl_arena_fini(&a);
        CHECK_INT(unlink(names[i]), 0);
    }
    CHECK_INT(chdir(here), 0);
}

static void test_not_ours(void)
{
    struct pawl_error err;
    char text[8192];
    memset(text, 'x', sizeof text);
    kit_new_path();
    write_file(kit_path, text, sizeof text);
    CHECK_INT(open_fails(kit_path, &err), PAWL_ECORRUPT);
    write_file(kit_path, "# notes\n", 8);
    CHECK_INT(open_fails(kit_path, &err), PAWL_ECORRUPT);

    kit_new_path(); /* another program's database is left as it is */
    kit_sql("CREATE TABLE recipes(name); INSERT INTO recipes VALUES('soup')");
    CHECK_INT(open_fails(kit_path, &err), PAWL_EINVAL);
    CHECK_TEXT(kit_ask("SELECT name FROM recipes"), "soup");
    CHECK_TEXT(kit_ask("SELECT count(*) FROM sqlite_schema"), "1");
    CHECK_TEXT(kit_ask("PRAGMA journal_mode"), "delete");
    kit_sql("PRAGMA application_id = 5; DROP TABLE recipes");
    CHECK_INT(open_fails(kit_path, &err), PAWL_EINVAL);
    CHECK_TEXT(kit_ask("PRAGMA application_id"), "5");

    kit_new_path(); /* an empty file is a new store */
    write_file(kit_path, "", 0);
    struct pawl_store *s = kit_open();
    s->close(s);
    CHECK_TEXT(kit_ask("PRAGMA user_version"), now);
}

/* ---- versions ---- */

/* A file of every earlier version is brought up to this one, and works. */
static void test_older(void)
{
    for (int v = 1; v < pawl_sqlite_steps_count; v++) {
        struct pawl_error err = {0};
        struct told t;
        sqlite3 *db = NULL;
        kit_new_path();
        CHECK_INT(sqlite3_open(kit_path, &db), SQLITE_OK);
        CHECK_INT(pawl_sqlite_migrate(db, "x", pawl_sqlite_steps, 0, v, "0.1.0", &err), PAWL_OK);
        CHECK_INT(sqlite3_close(db), SQLITE_OK);
        struct pawl_store *s = kit_open();
        if (!CHECK(s != NULL)) continue;
        CHECK_INT(put_new(s, &t, 1, "k"), PAWL_OK);
        s->close(s);
        CHECK_TEXT(kit_ask("PRAGMA user_version"), now);
    }
}

static void test_versions(void)
{
    static const char good[] = "ALTER TABLE run ADD COLUMN colour TEXT; UPDATE run SET colour = 'blue';";
    static const char bad[] = "ALTER TABLE run ADD COLUMN size TEXT; INSERT INTO nowhere VALUES(1);";
    struct pawl_error err = {0};
    struct told t;
    sqlite3 *db = NULL;
    int64_t version = 0;
    const int n = pawl_sqlite_steps_count;
    const char *steps[16] = {NULL};
    char found[40];
    struct pawl_store *s = kit_fresh();
    CHECK_INT(put_new(s, &t, 1, "k"), PAWL_OK);
    s->close(s);
    memcpy(steps, pawl_sqlite_steps, (size_t)n * sizeof *steps);
    steps[n] = good;
    steps[n + 1] = bad;

    CHECK_INT(sqlite3_open(kit_path, &db), SQLITE_OK);
    CHECK_INT(pawl_sqlite_version(db, "x", n + 2, &version, &err), PAWL_OK);
    CHECK_INT(version, n);
    /* what fails in the middle leaves it as it was, whole */
    CHECK(pawl_sqlite_migrate(db, "x", steps, n, n + 2, "9.9.9", &err) != PAWL_OK);
    CHECK_INT(pawl_sqlite_version(db, "x", n + 2, &version, &err), PAWL_OK);
    CHECK_INT(version, n);
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
    CHECK_TEXT(kit_ask("SELECT count(*) FROM pragma_table_info('run') WHERE name IN ('colour', 'size')"), "0");
    CHECK_TEXT(kit_ask("SELECT value FROM meta WHERE name = 'needs'"), pawl_sqlite_needs);
    s = kit_open();
    s->close(s);

    CHECK_INT(sqlite3_open(kit_path, &db), SQLITE_OK);
    CHECK_INT(pawl_sqlite_migrate(db, "x", steps, n, n + 1, "0.9.0", &err), PAWL_OK);
    CHECK_INT(pawl_sqlite_version(db, "x", n + 1, &version, &err), PAWL_OK);
    CHECK_INT(version, n + 1);
    CHECK_INT(pawl_sqlite_migrate(db, "x", steps, n + 1, n + 1, "0.9.0", &err), PAWL_OK);
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
    CHECK_TEXT(kit_ask("SELECT colour || key FROM run"), "bluek");

    CHECK_INT(open_fails(kit_path, &err), PAWL_EVERSION); /* that is newer than we are */
    CHECK(strstr(err.next, "0.9.0") != NULL);
    snprintf(found, sizeof found, "found format %d", n + 1);
    CHECK(strstr(err.what, found) != NULL);
    kit_sql("DELETE FROM meta WHERE name = 'needs'");
    CHECK_INT(open_fails(kit_path, &err), PAWL_EVERSION);
    CHECK_INT(atoi(kit_ask("PRAGMA user_version")), n + 1);

    s = kit_fresh(); /* a kind of record that only a newer pawl knows */
    CHECK_INT(put_new(s, &t, 1, NULL), PAWL_OK);
    CHECK_INT(put_new(s, &t, 2, NULL), PAWL_OK);
    s->close(s);
    kit_sql("INSERT INTO kind VALUES(200, 'step.dreamt'); UPDATE record SET kind = 200 WHERE row = 1;"
            "UPDATE kind SET n = n + 40 WHERE n < 100; UPDATE record SET kind = kind + 40 WHERE kind < 100");
    s = kit_open();
    struct pawl_arena a;
    struct pawl_run_records r;
    pawl_arena_init(&a, pawl_alloc_libc());
    CHECK_INT(s->read(s, id_of(1), 0, &a, &r, &err), PAWL_EVERSION);
    CHECK_INT(s->read(s, id_of(2), 0, &a, &r, &err), PAWL_OK); /* numbers are the file's own */
    CHECK_INT(r.records[0].kind, PAWL_RUN_CREATED);
    pawl_arena_fini(&a);
    s->close(s);
}

/* ---- damage ---- */

static void test_damage(void)
{
    static const struct row {
        const char *damage;
        int want; /* of reading run 1 */
    } rows[] = {
        {"SELECT 1", PAWL_OK},
        {"UPDATE record SET run = 7 WHERE seq = 2", PAWL_ECORRUPT},
        {"UPDATE record SET seq = 7 WHERE seq = 2", PAWL_ECORRUPT},
        {"UPDATE record SET previous = NULL WHERE seq = 2", PAWL_ECORRUPT},
        {"UPDATE record SET previous = row WHERE seq = 2", PAWL_ECORRUPT},
        {"UPDATE record SET previous = 99 WHERE seq = 3", PAWL_ECORRUPT},
        {"UPDATE record SET previous = 99 WHERE seq = 1", PAWL_ECORRUPT},
        {"DELETE FROM record WHERE seq = 2", PAWL_ECORRUPT},
        {"DELETE FROM record WHERE seq = 3", PAWL_ECORRUPT},
        {"UPDATE record SET salt = x'00' WHERE seq = 2", PAWL_ECORRUPT},
        {"UPDATE record SET hash = 'text' WHERE seq = 2", PAWL_ECORRUPT},
        {"UPDATE record SET kind = 0 WHERE seq = 2", PAWL_EVERSION},
        {"UPDATE record SET kind = -1 WHERE seq = 2", PAWL_EVERSION},
        {"UPDATE record SET kind = 1000000 WHERE seq = 2", PAWL_EVERSION},
        {"UPDATE record SET body = 12345 WHERE seq = 2", PAWL_ECORRUPT},
        {"DELETE FROM blob", PAWL_ECORRUPT},
        {"UPDATE run SET status = 0", PAWL_ECORRUPT},
        {"UPDATE run SET status = 99", PAWL_ECORRUPT},
        {"UPDATE run SET waiting = -1", PAWL_ECORRUPT},
        {"UPDATE run SET last = NULL", PAWL_ECORRUPT},
        {"UPDATE run SET last = 99", PAWL_ECORRUPT},
        {"UPDATE run SET seq = 2", PAWL_ECORRUPT},
        {"UPDATE run SET seq = 0", PAWL_ECORRUPT},
        {"UPDATE run SET seq = 9000000000000000000", PAWL_ECORRUPT},
        {"UPDATE run SET seq = -1", PAWL_ECORRUPT},
        {"UPDATE run SET config = 'text'", PAWL_ECORRUPT},
        {"UPDATE run SET id = x'00' WHERE n = 1", PAWL_ENOTFOUND},
    };
    char big[5000];
    memset(big, ' ', sizeof big);
    big[0] = '{';
    big[sizeof big - 1] = '}';
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pawl_store *s = kit_fresh();
        struct pawl_error err = {0};
        struct pawl_run_records r, runs[4];
        struct pawl_head heads[4];
        struct pawl_arena a;
        struct told t;
        uint32_t count;
        pawl_arena_init(&a, pawl_alloc_libc());
        tell_new(&t, 1, NULL);
        tell(&t, PAWL_NOTE, 0, 0, PAWL_STR("{}"));
        tell(&t, PAWL_NOTE, 0, 0, (struct pawl_str){big, sizeof big});
        t.head.owner = 77;
        CHECK_INT(put(s, &t), PAWL_OK);
        s->close(s);
        kit_sql(rows[i].damage);
        s = kit_open();
        if (!CHECK_INT(s->read(s, id_of(1), 0, &a, &r, &err), rows[i].want)) printf("  %s\n", rows[i].damage);
        if (rows[i].want == PAWL_ECORRUPT) CHECK(err.code == PAWL_ECORRUPT && err.what[0]);
        /* others may be read; nothing falls over, and a claim of what cannot be read changes nothing */
        (void)s->list(s, &(struct pawl_list_query){.max = 4}, &a, heads, &count, NULL);
        const int got = s->claim(s, &(struct pawl_claim_query){.due_ns = T0, .max = 4}, &a, runs, &count, NULL);
        CHECK(got == PAWL_OK || count == 0);
        CHECK_INT(put_new(s, &t, 2, NULL), PAWL_OK);
        s->close(s);
        if (got != PAWL_OK) CHECK_TEXT(kit_ask("SELECT epoch FROM run WHERE n = 1"), "1");
        pawl_arena_fini(&a);
    }

    /* pages that are not what SQLite wrote */
    struct pawl_store *s = kit_fresh();
    struct pawl_error err;
    struct told t;
    CHECK_INT(put_new(s, &t, 1, NULL), PAWL_OK);
    s->close(s);
    const int fd = open(kit_path, O_RDWR | O_CLOEXEC);
    static const char junk[4096] = "junk";
    for (int page = 1; page < 20; page++) (void)!pwrite(fd, junk, sizeof junk, page * 4096);
    close(fd);
    CHECK_INT(open_fails(kit_path, &err), PAWL_ECORRUPT);
}

static void test_blob_changed(void)
{
    struct pawl_store *s = kit_fresh();
    struct pawl_error err = {0};
    struct pawl_arena a;
    struct pawl_str got;
    struct told t;
    const struct pawl_blob blob = {hash_of("content"), PAWL_STR("content")};
    pawl_arena_init(&a, pawl_alloc_libc());
    tell_new(&t, 1, NULL);
    t.commit.blobs = &blob;
    t.commit.blobs_count = 1;
    CHECK_INT(put(s, &t), PAWL_OK);
    s->close(s);
    kit_sql("UPDATE blob SET bytes = CAST('Content' AS BLOB)");
    s = kit_open();
    CHECK_INT(s->blob(s, blob.hash, &a, &got, &err), PAWL_ECORRUPT);
    s->close(s);
    pawl_arena_fini(&a);
}

/* ---- a full disk ---- */

/* Nothing may grow past `bytes`: what a full disk looks like to a write. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    CHECK_INT(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    CHECK_INT(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void full_story(void)
{
    struct pawl_store *s = kit_open();
    struct pawl_error err = {0};
    struct pawl_arena a;
    struct told t;
    uint64_t kept = 1;
    char body[3000];
    int got = PAWL_OK;
    memset(body, 'x', sizeof body);
    pawl_arena_init(&a, pawl_alloc_libc());
    signal(SIGXFSZ, SIG_IGN);
    CHECK_INT(put_new(s, &t, 1, "k"), PAWL_OK);
    limit_files(800000);
    for (int i = 0; i < 1000 && got == PAWL_OK; i++) {
        tell(&t, PAWL_NOTE, 0, 0, (struct pawl_str){body, sizeof body});
        struct pawl_commit *c = told(&t);
        got = s->commit(s, &c, 1, &err);
        if (got != PAWL_OK) break;
        t.commit = (struct pawl_commit){0};
        kept++;
    }
    CHECK_INT(got, PAWL_EFULL);
    CHECK(err.code == PAWL_EFULL && err.next[0]);
    CHECK(kept > 20);
    CHECK_INT(head_in(s, id_of(1), &a).seq, kept); /* reading goes on */
    struct pawl_commit *c = told(&t);
    CHECK_INT(s->commit(s, &c, 1, NULL), PAWL_EFULL);
    limit_files(RLIM_INFINITY); /* somebody made room: the same commit goes through, and more */
    CHECK_INT(put(s, &t), PAWL_OK);
    tell(&t, PAWL_NOTE, 0, 0, PAWL_STR("{}"));
    CHECK_INT(put(s, &t), PAWL_OK);
    CHECK_INT(head_in(s, id_of(1), &a).seq, kept + 2);
    s->close(s);
    s = kit_open();
    CHECK_INT(head_in(s, id_of(1), &a).seq, kept + 2);
    s->close(s);
    CHECK_TEXT(kit_ask("PRAGMA integrity_check"), "ok");
    pawl_arena_fini(&a);
}

static void full_at_open_story(void)
{
    struct pawl_error err;
    signal(SIGXFSZ, SIG_IGN);
    for (rlim_t bytes = 0; bytes < 200000; bytes += 1000) {
        kit_new_path();
        limit_files(bytes);
        const int got = open_fails(kit_path, &err);
        limit_files(RLIM_INFINITY);
        if (bytes < 4096) CHECK_INT(got, PAWL_EFULL);
        if (!CHECK(got == PAWL_EFULL || got == PAWL_OK)) printf("  at %d: %d: %s\n", (int)bytes, got, err.what);
        struct pawl_store *s = kit_open(); /* what was begun is taken up */
        s->close(s);
    }
    kit_remove();
}

/* ---- every failed allocation of ours; SQLite's own are sqlite_fault_test.c's ---- */

static void test_no_memory(void)
{
    struct test_alloc t;
    kit_new_path();
    EVERY_FAILED_ALLOCATION(t) {
        struct pawl_store *s = NULL;
        const int got = pawl_sqlite_open(kit_path, &t.alloc, &s, &(struct pawl_error){0});
        CHECK_INT(got, t.failed ? PAWL_ENOMEM : PAWL_OK);
        if (got == PAWL_OK) s->close(s);
    }
}

int main(void)
{
    kit_begin();
    snprintf(now, sizeof now, "%d", pawl_sqlite_steps_count);
    test_file();
    test_locked();
    test_places();
    test_not_ours();
    test_older();
    test_versions();
    test_damage();
    test_blob_changed();
    kit_new_path();
    in_child(full_story);
    in_child(full_at_open_story);
    test_no_memory();
    return kit_end();
}
