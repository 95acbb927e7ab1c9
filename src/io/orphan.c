/* src/io/orphan.c - finding and killing what is left of an attempt.
 *
 * A number alone proves nothing, it may be another process's by now. On Linux a descriptor of the process (pidfd) is
 * opened first, then the proof is looked for in /proc, then the signal goes to the descriptor: to nobody else. The
 * group is killed only while a proven member is in it, for then its number cannot have been given away. */
#include "io/orphan.h"
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/types.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif
#include "io/clock.h"
#include "io/fail.h"
#include "io/process_spawn.h"

struct attempt {
    const char *path;
    int fd;                                                       /* our own look at the lock file */
    char mark[sizeof PAWL_ATTEMPT_MARK + PAWL_ATTEMPT_NONCE + 2]; /* PAWL_ATTEMPT_<nonce>=; "" none was written yet */
    pid_t group;                                                  /* 0: none was written yet */
    struct stat file;
    pid_t found; /* one of those that were there, for the message */
};

static bool is_nonce(const char *text)
{
    return strspn(text, "0123456789abcdef") == PAWL_ATTEMPT_NONCE && text[PAWL_ATTEMPT_NONCE] == '\n';
}

/* What is known by now: a child that was just made may still have to write its number. */
static void read_attempt(struct attempt *a)
{
    char text[256] = "";
    const size_t head = sizeof PAWL_ATTEMPT_LINE - 1;
    if (pread(a->fd, text, sizeof text - 1, 0) < 0) return;
    if (strncmp(text, PAWL_ATTEMPT_LINE, head) != 0 || !is_nonce(text + head)) return;
    snprintf(a->mark, sizeof a->mark, PAWL_ATTEMPT_MARK "%.*s=", PAWL_ATTEMPT_NONCE, text + head);
    char *end;
    const long group = strtol(text + head + PAWL_ATTEMPT_NONCE + 1, &end, 10);
    if (*end == '\n' && group > 1) a->group = (pid_t)group;
}

#ifdef __linux__
/* Does the file at /proc/<name> hold this text? Read in pieces that overlap by the text's size. */
static bool holds(int proc, const char *name, const char *text)
{
    char piece[16384 + 64];
    const size_t length = strlen(text);
    size_t kept = 0;
    bool found = false;
    assert(length > 0 && length < 64);
    const int fd = openat(proc, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    while (!found) {
        const ssize_t n = read(fd, piece + kept, sizeof piece - kept);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        const size_t have = kept + (size_t)n;
        found = memmem(piece, have, text, length) != NULL;
        kept = have < length ? have : length - 1;
        memmove(piece, piece + have - kept, kept);
    }
    close(fd);
    return found;
}

/* Is the lock one of its descriptors? To have the file open is not enough: a backup may read it. */
static bool has_lock(int proc, const char *id, const struct attempt *a)
{
    char name[600];
    bool found = false;
    snprintf(name, sizeof name, "%s/fd", id);
    const int fd = openat(proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder && fd >= 0) close(fd);
    for (const struct dirent *e; folder && !found && (e = readdir(folder)) != NULL;) {
        struct stat s;
        if (fstatat(dirfd(folder), e->d_name, &s, 0) || s.st_dev != a->file.st_dev || s.st_ino != a->file.st_ino)
            continue;
        snprintf(name, sizeof name, "%s/fdinfo/%s", id, e->d_name);
        found = holds(proc, name, "FLOCK");
    }
    if (folder) closedir(folder);
    return found;
}

static bool is_of(int proc, const char *id, const struct attempt *a)
{
    char name[600];
    snprintf(name, sizeof name, "%s/environ", id);
    return (*a->mark && holds(proc, name, a->mark)) || has_lock(proc, id, a);
}

/* Its process group, if it is alive: not a zombie, which has run its last. */
static pid_t live_group(int proc, const char *id)
{
    char name[32], line[512];
    ssize_t n;
    long group;
    snprintf(name, sizeof name, "%.16s/stat", id);
    const int fd = openat(proc, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    n = read(fd, line, sizeof line - 1);
    close(fd);
    line[n > 0 ? n : 0] = 0;
    const char *end = strrchr(line, ')'); /* "pid (name) state parent group" */
    if (!end || end[1] != ' ' || end[2] == 'Z' || end[2] == 'X') return 0;
    return sscanf(end + 3, "%*d %ld", &group) == 1 ? (pid_t)group : 0;
}

static bool group_lives(DIR *proc, pid_t group)
{
    rewinddir(proc);
    for (const struct dirent *e; (e = readdir(proc)) != NULL;)
        if (*e->d_name > '0' && *e->d_name <= '9' && live_group(dirfd(proc), e->d_name) == group) return true;
    return false;
}

/* SIGKILL was sent to a whole group, of which not all can prove what they are: the last of them is awaited while its number
 * cannot be another's yet. They need but a turn of the processor to die. */
static void await_group(pid_t group)
{
    DIR *proc = opendir("/proc");
    for (int i = 0; proc && i < 2000 && group_lives(proc, group); i++) poll(NULL, 0, 1);
    if (proc) closedir(proc);
}

/* One process, if it is of the attempt. */
static bool kill_one(int proc, const char *id, struct attempt *a)
{
    const pid_t pid = (pid_t)atol(id);
    if (pid <= 1 || pid == getpid()) return false;
    const int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    const bool ours = is_of(proc, id, a);
    if (ours) {
        a->found = pid;
        const bool group = a->group && getpgid(pid) == a->group && kill(-a->group, SIGKILL) == 0;
        if (pidfd >= 0) syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
        else kill(pid, SIGKILL);
        if (group) await_group(a->group);
    }
    if (pidfd >= 0) close(pidfd);
    return ours;
}

/* All of them. How many there were; -1: there is no /proc to look into. */
static int sweep(struct attempt *a)
{
    int count = 0;
    bool numbers = false;
    DIR *proc = opendir("/proc");
    if (!proc) return -1;
    for (const struct dirent *e; (e = readdir(proc)) != NULL;) {
        if (*e->d_name < '0' || *e->d_name > '9') continue;
        numbers = true;
        count += kill_one(dirfd(proc), e->d_name, a);
    }
    closedir(proc);
    return numbers ? count : -1;
}
#else
static int sweep(struct attempt *a)
{
    (void)a;
    return -1;
}
#endif

static bool take_lock(const struct attempt *a)
{
    return flock(a->fd, LOCK_EX | LOCK_NB) == 0;
}

/* Without a look at processes: whoever holds the lock is of the attempt, and most likely still in its group. */
static void kill_by_lock(struct attempt *a)
{
    if (a->group == 0 || take_lock(a)) return;
    a->found = a->group;
    kill(-a->group, SIGKILL);
}

static int give_up(const struct attempt *a, struct pawl_error *err)
{
    const char *next = "end it by hand, then resume";
    if (a->found)
        return pawl_fail(err, PAWL_ETIMEDOUT, a->path, next, "expected the attempt's process %ld to end, it has not",
                         (long)a->found);
    return pawl_fail(err, PAWL_ETIMEDOUT, a->path, next, "expected the attempt's lock to be free, somebody holds it");
}

static int settle(struct attempt *a, int64_t timeout_ns, struct pawl_error *err)
{
    const int64_t until_ns = pawl_clock_mono_ns() + timeout_ns;
    for (int wait_ms = 1;; wait_ms = wait_ms < 50 ? wait_ms * 2 : 50) {
        if (!a->group) read_attempt(a);
        const int count = sweep(a);
        if (count < 0) kill_by_lock(a);
        if (count <= 0 && take_lock(a)) break;
        if (pawl_clock_mono_ns() >= until_ns) return give_up(a, err);
        poll(NULL, 0, wait_ms);
    }
    if (unlink(a->path) && errno != ENOENT) return pawl_io_fail(err, errno, a->path, "remove the attempt's lock");
    return PAWL_OK;
}

int pawl_orphan_settle(const char *lock_path, int64_t timeout_ns, struct pawl_error *err)
{
    assert(timeout_ns > 0);
    struct attempt a = {.path = lock_path};
    a.fd = open(lock_path, O_RDONLY | O_CLOEXEC);
    if (a.fd < 0 && errno == ENOENT) return PAWL_OK;
    if (a.fd < 0 || fstat(a.fd, &a.file)) {
        const int code = pawl_io_fail(err, errno, lock_path, "open the attempt's lock");
        if (a.fd >= 0) close(a.fd);
        return code;
    }
    const int code = settle(&a, timeout_ns, err);
    close(a.fd);
    return code;
}
