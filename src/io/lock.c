/* src/io/lock.c - flock on an open file. A file that was removed and made anew between open and flock would give two
 * owners, each with its own file, so the name is looked at again under the lock. */
#include "io/lock.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include "io/fail.h"

static int refuse(int fd, const char *path, struct pawl_error *err)
{
    long holder = 0;
    char text[32] = {0};
    if (pread(fd, text, sizeof text - 1, 0) > 0 && sscanf(text, "%ld", &holder) == 1 && holder > 0)
        return pawl_fail(err, PAWL_EBUSY, path, "", "expected to get the lock, process %ld holds it", holder);
    return pawl_fail(err, PAWL_EBUSY, path, "", "expected to get the lock, another process holds it");
}

static bool is_still_at(int fd, const char *path)
{
    struct stat ours, there;
    if (fstat(fd, &ours) || stat(path, &there)) return false;
    return ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

static int lock_now(int fd)
{
    while (flock(fd, LOCK_EX | LOCK_NB))
        if (errno != EINTR) return errno;
    return 0;
}

int pawl_lock_take(struct pawl_lock *l, const char *path, struct pawl_error *err)
{
    assert(l->fd_plus_1 == 0);
    for (;;) {
        const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0) return pawl_io_fail(err, errno, path, "open the lock");
        const int failed = lock_now(fd);
        if (failed) {
            const int code = failed == EWOULDBLOCK ? refuse(fd, path, err) : pawl_io_fail(err, failed, path, "lock");
            close(fd);
            return code;
        }
        if (is_still_at(fd, path)) {
            char text[32];
            const int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
            /* For people only: a full disk must not keep the owner out. */
            if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)n, 0) < n) errno = 0;
            l->fd_plus_1 = fd + 1;
            return PAWL_OK;
        }
        close(fd);
    }
}

void pawl_lock_release(struct pawl_lock *l)
{
    if (!l || l->fd_plus_1 == 0) return;
    close(l->fd_plus_1 - 1);
    l->fd_plus_1 = 0;
}
