/* src/io/file_test.c - whole files, and locks on them. */
#include "io/file.h"
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "base/test.h"
#include "io/alloc.h"
#include "io/lock.h"

static char folder[64];

static const char *in(const char *name)
{
    static char path[4][200];
    static int at;
    at = (at + 1) % 4;
    snprintf(path[at], sizeof path[at], "%s/%s", folder, name);
    return path[at];
}

static int count_files(void)
{
    int count = 0;
    DIR *d = opendir(folder);
    for (const struct dirent *e; (e = readdir(d)) != NULL;) count += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
    closedir(d);
    return count;
}

static int read_to(const char *path, size_t max_bytes, char *text, size_t size, struct pawl_error *err)
{
    struct pawl_buf b;
    pawl_buf_init(&b, pawl_alloc_libc());
    const int code = pawl_file_read(path, max_bytes, &b, err);
    snprintf(text, size, "%.*s", (int)b.n, b.n ? b.p : "");
    pawl_buf_fini(&b);
    return code;
}

static void test_read(void)
{
    char text[100];
    struct pawl_error err = {0};
    CHECK_INT(pawl_file_write(in("a"), PAWL_STR("0123456789"), 0644, false, &err), PAWL_OK);
    CHECK_INT(read_to(in("a"), 10, text, sizeof text, &err), PAWL_OK);
    CHECK_TEXT(text, "0123456789");
    CHECK_INT(read_to(in("a"), 9, text, sizeof text, &err), PAWL_ELIMIT);
    CHECK_TEXT(err.what, "expected at most 9 bytes, found more");
    CHECK_TEXT(err.where, in("a"));
    CHECK_INT(read_to(in("none"), 9, text, sizeof text, &err), PAWL_ENOTFOUND);
    CHECK_TEXT(err.what, "cannot open: No such file or directory");
    CHECK_INT(read_to(folder, 9, text, sizeof text, &err), PAWL_EINVAL);
    CHECK_INT(read_to("/dev/zero", 100000, text, sizeof text, &err), PAWL_ELIMIT);
    CHECK_INT(read_to("/dev/null", 1, text, sizeof text, &err), PAWL_OK);
    struct test_alloc t;
    EVERY_FAILED_ALLOCATION(t) {
        struct pawl_buf b;
        pawl_buf_init(&b, &t.alloc);
        const int code = pawl_file_read("/proc/self/status", 100000, &b, NULL);
        CHECK(code == PAWL_OK || code == PAWL_ENOMEM);
        pawl_buf_fini(&b);
    }
}

static void test_write(void)
{
    char text[100];
    struct stat s;
    struct pawl_error err = {0};
    umask(027);
    CHECK_INT(pawl_file_write(in("a"), PAWL_STR("new"), 0666, false, &err), PAWL_OK);
    CHECK_INT(read_to(in("a"), 10, text, sizeof text, &err), PAWL_OK);
    CHECK_TEXT(text, "new");
    CHECK(stat(in("a"), &s) == 0 && (s.st_mode & 0777) == 0640);
    CHECK_INT(pawl_file_write(in("a"), PAWL_STR("newer"), 0600, true, &err), PAWL_ECONFLICT);
    CHECK_TEXT(err.what, "expected no such file, it is there already");
    CHECK_INT(read_to(in("a"), 10, text, sizeof text, &err), PAWL_OK);
    CHECK_TEXT(text, "new");
    CHECK_INT(pawl_file_write(in("b"), (struct pawl_str){NULL, 0}, 0600, true, &err), PAWL_OK);
    CHECK(stat(in("b"), &s) == 0 && s.st_size == 0);
    CHECK_INT(symlink("a", in("link")), 0);
    CHECK_INT(pawl_file_write(in("link"), PAWL_STR("by the link"), 0600, false, &err), PAWL_OK);
    CHECK(lstat(in("link"), &s) == 0 && S_ISLNK(s.st_mode));
    CHECK_INT(read_to(in("a"), 20, text, sizeof text, &err), PAWL_OK);
    CHECK_TEXT(text, "by the link");
    CHECK_INT(pawl_file_write(in("link"), PAWL_STR("x"), 0600, true, &err), PAWL_ECONFLICT);
    CHECK_INT(pawl_file_write(in("none/x"), PAWL_STR("x"), 0600, false, &err), PAWL_ENOTFOUND);
    CHECK_INT(mkdir(in("d"), 0700), 0);
    CHECK(pawl_file_write(in("d"), PAWL_STR("x"), 0600, false, &err) < 0); /* a folder is not replaced */
    char here[300];
    CHECK(getcwd(here, sizeof here) != NULL);
    CHECK_INT(chdir(folder), 0);
    CHECK_INT(pawl_file_write("c", PAWL_STR("here"), 0600, false, &err), PAWL_OK);
    CHECK_INT(chdir(here), 0);
    CHECK_INT(read_to(in("c"), 10, text, sizeof text, &err), PAWL_OK);
    CHECK_TEXT(text, "here");
    CHECK_INT(count_files(), 5); /* a b c d link: no temporary is left, whatever went wrong */
}

static void test_lock(void)
{
    struct pawl_lock l = {0}, second = {0};
    struct pawl_error err = {0};
    char want[100];
    CHECK_INT(pawl_lock_take(&l, in("lock"), &err), PAWL_OK);
    CHECK_INT(pawl_lock_take(&second, in("lock"), &err), PAWL_EBUSY);
    snprintf(want, sizeof want, "expected to get the lock, process %ld holds it", (long)getpid());
    CHECK_TEXT(err.what, want);
    pawl_lock_release(&l);
    pawl_lock_release(&l);
    CHECK_INT(pawl_lock_take(&second, in("lock"), &err), PAWL_OK);
    pawl_lock_release(&second);
    CHECK_INT(pawl_lock_take(&l, in("none/lock"), &err), PAWL_ENOTFOUND);
    pawl_lock_release(NULL);

    /* Gone with its process, however that ends. */
    int ends[2];
    char byte = 0;
    CHECK_INT(pipe(ends), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        byte = (char)(pawl_lock_take(&l, in("lock"), NULL) == PAWL_OK);
        if (write(ends[1], &byte, 1) == 1) pause();
        _exit(1);
    }
    CHECK(read(ends[0], &byte, 1) == 1 && byte == 1);
    CHECK_INT(pawl_lock_take(&l, in("lock"), &err), PAWL_EBUSY);
    snprintf(want, sizeof want, "expected to get the lock, process %ld holds it", (long)pid);
    CHECK_TEXT(err.what, want);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    CHECK_INT(pawl_lock_take(&l, in("lock"), &err), PAWL_OK);
    close(ends[0]);
    close(ends[1]);
    /* Removed and made anew under its holder: the new file is another lock, and whoever takes it holds that name. */
    unlink(in("lock"));
    CHECK_INT(pawl_lock_take(&second, in("lock"), &err), PAWL_OK);
    pawl_lock_release(&l);
    CHECK_INT(pawl_lock_take(&l, in("lock"), &err), PAWL_EBUSY);
    pawl_lock_release(&second);
}

int main(void)
{
    snprintf(folder, sizeof folder, "/tmp/pawl-file-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    test_read();
    test_write();
    test_lock();
    static const char *const names[] = {"a", "b", "c", "link", "lock"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) unlink(in(names[i]));
    CHECK_INT(rmdir(in("d")), 0);
    CHECK_INT(rmdir(folder), 0);
    return TEST_END();
}
