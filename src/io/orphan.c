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
    pid_t found;     /* one of those that were there, for the message */
    bool in_between; /* the last sweep met one that can prove nothing at the moment */
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
enum proof { NOT_OURS, OURS, NOTHING_THERE };

/* Does the file at /proc/<name> hold this text, or nothing at all? Read in pieces that overlap by the text's size. */
static enum proof holds(int proc, const char *name, const char *text)
{
    char piece[16384 + 64];
    const size_t length = strlen(text);
    size_t kept = 0;
    bool found = false, empty = true;
    assert(length > 0 && length < 64);
    const int fd = openat(proc, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return NOT_OURS;
    while (!found) {
        const ssize_t n = read(fd, piece + kept, sizeof piece - kept);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        empty = false;
        const size_t have = kept + (size_t)n;
        found = memmem(piece, have, text, length) != NULL;
        kept = have < length ? have : length - 1;
        memmove(piece, piece + have - kept, kept);
    }
    close(fd);
    return found ? OURS : empty ? NOTHING_THERE : NOT_OURS;
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
        found = holds(proc, name, "FLOCK") == OURS;
    }
    if (folder) closedir(folder);
    return found;
}

/* What of /proc/<id>/stat counts here. */
struct look {
    pid_t group;    /* 0: a zombie, which has run its last, or a thread of the kernel */
    bool no_memory; /* another, and yet it has no environment, not even an empty one */
};

static struct look look_at(int proc, const char *id)
{
    enum { GROUP = 5, ENV_END = 51 }; /* fields, as proc(5) counts them */
    struct look l = {0, false};
    char name[32], line[1024];
    ssize_t n;
    snprintf(name, sizeof name, "%.16s/stat", id);
    const int fd = openat(proc, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return l;
    n = read(fd, line, sizeof line - 1);
    close(fd);
    line[n > 0 ? n : 0] = 0;
    const char *at = strrchr(line, ')'); /* "pid (name) state parent group" */
    if (!at || at[1] != ' ' || at[2] == 'Z' || at[2] == 'X') return l;
    at += 2;
    for (int field = 3; field <= ENV_END && (at = strchr(at, ' ')) != NULL; at++, field++) {
        const unsigned long long v = strtoull(at + 1, NULL, 10); /* of the field behind this space */
        if (field + 1 == GROUP) l.group = (pid_t)v;
        if (field + 1 == ENV_END) l.no_memory = l.group && v == 0;
    }
    return l;
}

/* NOTHING_THERE: it dies, or is in the middle of exec, where for a moment it has no environment, and maybe the lock no more. */
static enum proof is_of(int proc, const char *id, const struct attempt *a)
{
    enum { LOOKS = 10 };
    char name[600];
    enum proof marked = *a->mark ? NOTHING_THERE : NOT_OURS;
    snprintf(name, sizeof name, "%s/environ", id);
    if (has_lock(proc, id, a)) return OURS;
    for (int i = 0; i < LOOKS && marked == NOTHING_THERE; i++) {
        marked = holds(proc, name, a->mark);
        if (marked != NOTHING_THERE) break;
        const struct look l = look_at(proc, id);
        if (l.no_memory) return NOTHING_THERE;
        if (!l.group) break;
    } /* it has one by now, so it is looked at again; one that stays empty is empty */
    return marked == OURS ? OURS : NOT_OURS;
}

static bool group_lives(DIR *proc, pid_t group)
{
    rewinddir(proc);
    for (const struct dirent *e; (e = readdir(proc)) != NULL;)
        if (*e->d_name > '0' && *e->d_name <= '9' && look_at(dirfd(proc), e->d_name).group == group) return true;
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
    const enum proof proof = is_of(proc, id, a);
    const bool ours = proof == OURS;
    a->in_between = a->in_between || proof == NOTHING_THERE;
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
    a->in_between = false;
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
    int patience = 24; /* sweeps, about a second: another's that cannot get done with dying must not hold us up */
    for (int wait_ms = 1;; wait_ms = wait_ms < 50 ? wait_ms * 2 : 50) {
        if (!a->group) read_attempt(a);
        const int count = sweep(a);
        if (count < 0) kill_by_lock(a);
        if (count <= 0 && !(a->in_between && patience-- > 0) && take_lock(a)) break;
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
