/* src/io/file.c - reading to a bound; writing by temporary, fsync, rename, fsync of the folder. */
#include "io/file.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include "io/fail.h"
#include "io/random.h"

int pawl_file_read(const char *path, size_t max_bytes, struct pawl_buf *out, struct pawl_error *err)
{
    assert(max_bytes > 0);
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return pawl_io_fail(err, errno, path, "open");
    size_t total = 0;
    int code = PAWL_OK;
    for (;;) {
        char piece[16384];
        const ssize_t n = read(fd, piece, sizeof piece);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) code = pawl_io_fail(err, errno, path, "read");
        if (n <= 0) break;
        total += (size_t)n;
        if (total > max_bytes) {
            code = pawl_fail(err, PAWL_ELIMIT, path, "", "expected at most %zu bytes, found more", max_bytes);
            break;
        }
        pawl_buf_add(out, piece, (size_t)n);
        if (!out->failed) continue;
        code = pawl_fail(err, PAWL_ENOMEM, path, "", "no memory for its %zu bytes and more", total);
        break;
    }
    close(fd);
    return code;
}

static int write_all(int fd, struct pawl_str bytes)
{
    while (bytes.n > 0) {
        const ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        bytes.p += n;
        bytes.n -= (uint32_t)n;
    }
    return fsync(fd) ? errno : 0;
}

/* "" for no folder in the path: the current one. */
static int sync_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const int n = slash ? (int)(slash - path) + 1 : 0;
    snprintf(folder, sizeof folder, "%.*s", n, path);
    const int fd = open(n ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return errno;
    /* Some file systems cannot sync a folder and say EINVAL: then they need none. */
    const int failed = fsync(fd) && errno != EINVAL ? errno : 0;
    close(fd);
    return failed;
}

/* Opens a new file beside path, its name in out. The umask works as for any file, which mkstemp would not allow. */
static int open_temporary(const char *path, unsigned mode, char *out, size_t size)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    for (int tries = 0; tries < 100; tries++) {
        uint8_t salt[6];
        char digits[2 * sizeof salt + 1];
        struct pawl_random random = {0};
        if (pawl_random_fill(&random, salt, sizeof salt)) {
            errno = EIO;
            return -1;
        }
        pawl_hex(digits, salt, sizeof salt);
        const int n = snprintf(out, size, "%.*s.%.32s.%s", (int)(name - path), path, name, digits);
        if (n < 0 || (size_t)n >= size) break;
        const int fd = open(out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
        if (fd >= 0 || errno != EEXIST) return fd;
    }
    errno = ENAMETOOLONG;
    return -1;
}

/* Where a name is a link, what it leads to is replaced, not the link. */
static void follow(const char **path, char *room)
{
    struct stat s;
    if (lstat(*path, &s) == 0 && S_ISLNK(s.st_mode) && realpath(*path, room)) *path = room;
}

int pawl_file_write(const char *path, struct pawl_str bytes, unsigned mode, bool only_new, struct pawl_error *err)
{
    char temporary[PATH_MAX], real[PATH_MAX];
    const char *target = path;
    if (!only_new) follow(&target, real);
    const int fd = open_temporary(target, mode, temporary, sizeof temporary);
    if (fd < 0) return pawl_io_fail(err, errno, path, "write beside it");
    int failed = write_all(fd, bytes);
    if (close(fd) && !failed) failed = errno;
    /* link, unlike rename, does not replace; the temporary name goes afterwards. */
    if (!failed && (only_new ? link(temporary, target) : rename(temporary, target))) failed = errno;
    if (failed || only_new) unlink(temporary);
    if (!failed) failed = sync_folder(target);
    if (failed == EEXIST) {
        const char *next = "remove it first, or choose another name";
        return pawl_fail(err, PAWL_ECONFLICT, path, next, "expected no such file, it is there already");
    }
    return failed ? pawl_io_fail(err, failed, path, "write") : PAWL_OK;
}
