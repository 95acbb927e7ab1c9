/* tests/faults/points.c - preloaded into the binary as it is shipped: counts what it asks of the system (its points), and at
 * chosen ones kills it, or fails the call. No hook for this is in pawl itself.
 *
 * PAWL_POINTS names a file of one struct page, mapped by every process that is to be counted; children that they execute
 * do not get it. All threads and processes of a scenario count together, so "the 217th" is one place in the whole story.
 * tests/faults/points.py writes and reads the page. Built by tools/kill-sweep and tools/fault-sweep. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* What a call is, to choose among them. */
enum class {
    AT_WRITE = 1, /* bytes to a file */
    AT_SYNC = 2,  /* fsync, fdatasync */
    AT_NAME = 4,  /* a file made, truncated, removed, renamed; a folder made */
    AT_SEND = 8,  /* bytes to a socket */
    AT_RECEIVE = 16,
    AT_CONNECT = 32, /* connect, bind, listen, accept */
    AT_READ = 64,    /* bytes from a file */
    AT_LOCK = 128,
    AT_OPEN = 256, /* to read */
    AT_EXEC = 512,
    AT_PIPE = 1024 /* bytes of a command, or a wake-up of our own */
};
enum how {
    KILL_BEFORE = 1,
    KILL_WITHIN =
        2,     /* half of the bytes have gone; where there are none to halve: it is done, and nobody has heard of it */
    FAIL = 3,  /* with `error` */
    SHORT = 4, /* half of the bytes, and that is what the caller is told */
    FAIL_ON = 5,    /* this one and all of its class behind it, until the process ends */
    POWER = 6,      /* killed before, and the files are as the last syncs left them */
    POWER_TORN = 7, /* the same, but some of what was not synced has come to the disk, in any order, by sectors */
    JUMP = 8        /* from here on the wall clock is `error` seconds ahead of where it was, for every process */
};
enum { CHOSEN_MAX = 8, NAME_MAX_BYTES = 24 };
struct page {
    _Atomic uint64_t count;  /* points since the last one that was hit */
    _Atomic uint32_t next;   /* which of `chosen` comes next */
    uint32_t mask;           /* classes that are points */
    uint32_t slice;          /* a socket gives at most so many bytes at once; 0: as many as there are */
    uint32_t trace;          /* not 0: each point is told to a file beside this one */
    uint32_t power;          /* not 0: what is not synced yet is remembered, for POWER */
    _Atomic int32_t ahead_s; /* the wall clock */
    struct {
        uint64_t at; /* from 1; 0: none */
        uint32_t how;
        int32_t error;
        uint32_t classes; /* the first such call from `at` on; 0: the call there, whatever it is */
        uint32_t unused;
    } chosen[CHOSEN_MAX];
    struct {
        char name[NAME_MAX_BYTES];
        uint64_t count;
        int32_t pid;
        int32_t class;
    } hit[CHOSEN_MAX]; /* what they were */
};

static struct page *page;
static pid_t owner; /* who mapped it: children that were not executed yet are this process's too */
static int trace_fd = -1;
static _Atomic uint32_t failing; /* classes that fail from now on */
static _Atomic int failing_with;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("PAWL_POINTS");
    if (!path) return;
    const int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    if (fd < 0) abort();
    page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    if (page == MAP_FAILED) abort();
    if (page->trace) {
        char name[4096];
        snprintf(name, sizeof name, "%s.trace", path);
        trace_fd = (int)syscall(SYS_openat, AT_FDCWD, name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        trace_fd = fcntl(trace_fd, F_DUPFD_CLOEXEC, 200); /* out of the way: numbers are as they would be without us */
    }
    owner = (pid_t)syscall(SYS_getpid);
    unsetenv("LD_PRELOAD");
    unsetenv("PAWL_POINTS");
}

/* Nothing of the process runs from here on; a child of it that was not executed yet lives on, as it would. */
static void die(void)
{
    syscall(SYS_kill, owner, SIGKILL);
    while (syscall(SYS_getpid) == owner) pause();
}

#include "unsynced.h"

static void note(const char *name, enum class class, int fd, uint64_t n)
{
    char line[160], target[96] = "";
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (fd >= 0) {
        const ssize_t bytes = syscall(SYS_readlinkat, AT_FDCWD, link, target, sizeof target - 1);
        target[bytes > 0 ? bytes : 0] = 0;
    }
    const char *slash = strrchr(target, '/');
    const int bytes = snprintf(line, sizeof line, "%llu %d %s %d %s\n", (unsigned long long)n, (int)owner, name,
                               (int)class, slash ? slash + 1 : target);
    syscall(SYS_write, trace_fd, line, (size_t)bytes);
}

/* Counts one call. 0: let it happen; KILL_WITHIN, SHORT: half of it; FAIL: errno is set. */
static enum how point(const char *name, enum class class, int fd)
{
    if (!page || !(page->mask & class)) return 0;
    if (failing & class) {
        errno = failing_with;
        return FAIL;
    }
    const uint64_t n = atomic_fetch_add(&page->count, 1) + 1;
    const uint32_t i = page->next;
    if (trace_fd >= 0) note(name, class, fd, n);
    if (i >= CHOSEN_MAX || !page->chosen[i].at || n < page->chosen[i].at) return 0;
    if (page->chosen[i].classes && !(page->chosen[i].classes & class)) return 0;
    snprintf(page->hit[i].name, sizeof page->hit[i].name, "%s", name);
    page->hit[i].count = n;
    page->hit[i].pid = (int32_t)owner;
    page->hit[i].class = (int32_t) class;
    page->next = i + 1;
    page->count = 0;
    const enum how how = (enum how)page->chosen[i].how;
    if (how == POWER || how == POWER_TORN) unsynced_cut(how == POWER_TORN ? n * 2654435761u + 1 : 0);
    if (how == JUMP) page->ahead_s += page->chosen[i].error;
    if (how == KILL_BEFORE || how == POWER || how == POWER_TORN) die();
    if (how == FAIL_ON) {
        failing_with = page->chosen[i].error;
        failing |= (uint32_t) class;
    }
    if (how == FAIL || how == FAIL_ON) {
        errno = page->chosen[i].error;
        return FAIL;
    }
    return how == JUMP ? 0 : how;
}

/* The C library's own. */
#define REAL(type, name)          \
    static type (*real_##name)(); \
    if (!real_##name) real_##name = (type(*)())dlsym(RTLD_NEXT, #name)
/* A call without bytes to halve. */
#define WHOLE(class, fd, type, name, ...) WHOLE_KEPT(class, fd, type, name, 0, __VA_ARGS__)
#define WHOLE_KEPT(class, fd, type, name, begin, ...)            \
    do {                                                         \
        REAL(type, name);                                        \
        const enum how how = point(#name, class, fd);            \
        if (how == FAIL) return -1;                              \
        const type done = KEPT(real_##name(__VA_ARGS__), begin); \
        if (how == KILL_WITHIN) die();                           \
        return done;                                             \
    } while (0)
/* A call that moves `n` bytes; `half` is it with n/2. */
#define BYTES(class, fd, name, n, whole, half)                 \
    do {                                                       \
        REAL(ssize_t, name);                                   \
        const enum how how = point(#name, class, fd);          \
        if (how == FAIL) return -1;                            \
        if ((how == KILL_WITHIN || how == SHORT) && (n) > 1) { \
            const ssize_t done = half;                         \
            if (how == KILL_WITHIN) die();                     \
            return done;                                       \
        }                                                      \
        const ssize_t done = whole;                            \
        if (how == KILL_WITHIN) die();                         \
        return done;                                           \
    } while (0)

/* A call that unsynced.h is to remember. */
#define KEPT(call, begin)              \
    ({                                 \
        const int held = begin;        \
        const __auto_type kept = call; \
        unsynced_end(held);            \
        kept;                          \
    })

enum side { IN, OUT };
/* The class of bytes through a descriptor; 0: of no interest (terminals, wake-up counters, what is printed). */
static enum class through(int fd, enum side side) {
    struct stat s; if (!page || fd <= 2 || fd == trace_fd || syscall(SYS_fstat, fd, &s)) return 0;
    if (S_ISREG(s.st_mode)) return side == OUT ? AT_WRITE : AT_READ;
    if (S_ISFIFO(s.st_mode)) return AT_PIPE;
    if (S_ISSOCK(s.st_mode)) return side == OUT ? AT_SEND : AT_RECEIVE;
    return 0;
}

static size_t sliced(size_t n)
{
    return page && page->slice && n > page->slice ? page->slice : n;
}

ssize_t write(int fd, const void *p, size_t n)
{
    const enum class class = through(fd, OUT);
    BYTES(class, fd, write, n, KEPT(real_write(fd, p, n), unsynced_write(class, fd, p, n, -1)),
          real_write(fd, p, n / 2));
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    const enum class class = through(fd, OUT);
    BYTES(class, fd, pwrite, n, KEPT(real_pwrite(fd, p, n, at), unsynced_write(class, fd, p, n, at)),
          real_pwrite(fd, p, n / 2, at));
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
    const enum class class = through(fd, OUT);
    BYTES(class, fd, pwrite64, n, KEPT(real_pwrite64(fd, p, n, at), unsynced_write(class, fd, p, n, at)),
          real_pwrite64(fd, p, n / 2, at));
}

ssize_t read(int fd, void *p, size_t n)
{
    const enum class class = through(fd, IN);
    const size_t most = class == AT_RECEIVE ? sliced(n) : n;
    BYTES(class, fd, read, most, real_read(fd, p, most), real_read(fd, p, most / 2));
}

ssize_t pread(int fd, void *p, size_t n, off_t at)
{
    BYTES(through(fd, IN), fd, pread, n, real_pread(fd, p, n, at), real_pread(fd, p, n / 2, at));
}

ssize_t pread64(int fd, void *p, size_t n, off64_t at)
{
    BYTES(through(fd, IN), fd, pread64, n, real_pread64(fd, p, n, at), real_pread64(fd, p, n / 2, at));
}

ssize_t send(int fd, const void *p, size_t n, int flags)
{
    BYTES(AT_SEND, fd, send, n, real_send(fd, p, n, flags), real_send(fd, p, n / 2, flags));
}

ssize_t sendto(int fd, const void *p, size_t n, int flags, const struct sockaddr *to, socklen_t bytes)
{
    BYTES(AT_SEND, fd, sendto, n, real_sendto(fd, p, n, flags, to, bytes), real_sendto(fd, p, n / 2, flags, to, bytes));
}

ssize_t recv(int fd, void *p, size_t n, int flags)
{
    const size_t most = sliced(n);
    BYTES(AT_RECEIVE, fd, recv, most, real_recv(fd, p, most, flags), real_recv(fd, p, most / 2, flags));
}

ssize_t recvfrom(int fd, void *p, size_t n, int flags, struct sockaddr *from, socklen_t *bytes)
{
    const size_t most = sliced(n);
    BYTES(AT_RECEIVE, fd, recvfrom, most, real_recvfrom(fd, p, most, flags, from, bytes),
          real_recvfrom(fd, p, most / 2, flags, from, bytes));
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
    WHOLE(AT_SEND, fd, ssize_t, sendmsg, fd, m, flags);
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
    WHOLE(through(fd, OUT), fd, ssize_t, writev, fd, v, n);
}

ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
    WHOLE(AT_RECEIVE, fd, ssize_t, recvmsg, fd, m, flags);
}

#define SYNC(name)                                      \
    do {                                                \
        REAL(int, name);                                \
        const enum how how = point(#name, AT_SYNC, fd); \
        if (how == FAIL) return -1;                     \
        const int held = unsynced_begin();              \
        const int done = real_##name(fd);               \
        if (held && !done) unsynced_synced(fd);         \
        unsynced_end(held);                             \
        if (how == KILL_WITHIN) die();                  \
        return done;                                    \
    } while (0)

int clock_gettime(clockid_t clock, struct timespec *out)
{
    REAL(int, clock_gettime);
    const int failed = real_clock_gettime(clock, out);
    if (!failed && page && clock == CLOCK_REALTIME) out->tv_sec += page->ahead_s;
    return failed;
}

int fsync(int fd)
{
    SYNC(fsync);
}

int fdatasync(int fd)
{
    SYNC(fdatasync);
}

int ftruncate(int fd, off_t n)
{
    WHOLE_KEPT(AT_NAME, fd, int, ftruncate, unsynced_truncate(fd, n), fd, n);
}

int ftruncate64(int fd, off64_t n)
{
    WHOLE_KEPT(AT_NAME, fd, int, ftruncate64, unsynced_truncate(fd, n), fd, n);
}

int unlink(const char *path)
{
    WHOLE_KEPT(AT_NAME, -1, int, unlink, unsynced_remove(path), path);
}

int unlinkat(int dir, const char *path, int flags)
{
    WHOLE(AT_NAME, -1, int, unlinkat, dir, path, flags);
}

int rename(const char *from, const char *to)
{
    WHOLE(AT_NAME, -1, int, rename, from, to);
}

int link(const char *from, const char *to)
{
    WHOLE(AT_NAME, -1, int, link, from, to);
}

int mkdir(const char *path, mode_t mode)
{
    WHOLE(AT_NAME, -1, int, mkdir, path, mode);
}

int connect(int fd, const struct sockaddr *to, socklen_t bytes)
{
    WHOLE(AT_CONNECT, fd, int, connect, fd, to, bytes);
}

int bind(int fd, const struct sockaddr *to, socklen_t bytes)
{
    WHOLE(AT_CONNECT, fd, int, bind, fd, to, bytes);
}

int listen(int fd, int backlog)
{
    WHOLE(AT_CONNECT, fd, int, listen, fd, backlog);
}

int accept4(int fd, struct sockaddr *from, socklen_t *bytes, int flags)
{
    WHOLE(AT_CONNECT, fd, int, accept4, fd, from, bytes, flags);
}

int flock(int fd, int what)
{
    WHOLE(AT_LOCK, fd, int, flock, fd, what);
}

int execve(const char *path, char *const argv[], char *const env[])
{
    WHOLE(AT_EXEC, -1, int, execve, path, argv, env);
}

static enum class of_open(int flags) { return flags & O_CREAT ? AT_NAME : AT_OPEN; }

#define OPEN(name)                                                                    \
    do {                                                                              \
        REAL(int, name);                                                              \
        struct stat s;                                                                \
        va_list more;                                                                 \
        va_start(more, flags);                                                        \
        const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
        va_end(more);                                                                 \
        const enum how how = point(#name, of_open(flags), -1);                        \
        if (how == FAIL) return -1;                                                   \
        const int held = flags & O_CREAT ? unsynced_begin() : 0;                      \
        const int made = held && syscall(SYS_newfstatat, AT_FDCWD, path, &s, 0);      \
        const int fd = real_##name(path, flags, mode);                                \
        if (made && fd >= 0) unsynced_made(path);                                     \
        unsynced_end(held);                                                           \
        if (how == KILL_WITHIN) die();                                                \
        return fd;                                                                    \
    } while (0)

int open(const char *path, int flags, ...)
{
    OPEN(open);
}

int open64(const char *path, int flags, ...)
{
    OPEN(open64);
}
