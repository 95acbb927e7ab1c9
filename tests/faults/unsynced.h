/* tests/faults/unsynced.h - part of points.c: remembers what this process did to files since their last sync, and takes it
 * back when the power goes (POWER), or takes it back and lets some of it come to the disk all the same (POWER_TORN: any
 * of the writes, in any order, by sectors of 512 bytes). A name made or removed lasts once its folder was synced; of those
 * that were not, the later ones are lost. What a process left behind when it ended in peace counts as being on the disk. */
#pragma once
#include <limits.h>
#include <pthread.h>

enum unsynced_kind { WROTE, TRUNCATED, MADE, REMOVED };
struct unsynced {
    struct unsynced *before, *after;
    enum unsynced_kind kind;
    char path[PATH_MAX];
    uint64_t inode;
    off_t at, size_was; /* size_was: the file's, before */
    size_t n, was_n;    /* of now, of was */
    char *now, *was;    /* WROTE: the bytes; TRUNCATED: was: the tail; REMOVED: was: all of it */
};
static struct unsynced *unsynced_first, *unsynced_last;
static pthread_mutex_t unsynced_lock = PTHREAD_MUTEX_INITIALIZER;

static void unsynced_forget(struct unsynced *u)
{
    *(u->before ? &u->before->after : &unsynced_first) = u->after;
    *(u->after ? &u->after->before : &unsynced_last) = u->before;
    free(u->now);
    free(u->was);
    free(u);
}

static struct unsynced *unsynced_add(enum unsynced_kind kind, const char *path, const struct stat *s)
{
    struct unsynced *u = calloc(1, sizeof *u);
    if (!u) abort();
    u->kind = kind;
    u->inode = s->st_ino;
    u->size_was = s->st_size;
    snprintf(u->path, sizeof u->path, "%s", path);
    u->before = unsynced_last;
    *(unsynced_last ? &unsynced_last->after : &unsynced_first) = u;
    return unsynced_last = u;
}

static void unsynced_path(int fd, char out[PATH_MAX])
{
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t n = syscall(SYS_readlinkat, AT_FDCWD, link, out, PATH_MAX - 1);
    out[n > 0 ? n : 0] = 0;
}

/* The bytes of a file from `at` on, at most n of them. */
static char *unsynced_read(const char *path, off_t at, size_t n, size_t *got)
{
    char *p = malloc(n ? n : 1);
    const int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    const ssize_t done = p && fd >= 0 ? syscall(SYS_pread64, fd, p, n, at) : 0;
    if (fd >= 0) syscall(SYS_close, fd);
    *got = done > 0 ? (size_t)done : 0;
    return p;
}

/* Whether this call is to be remembered; then nobody else's happens until unsynced_end. */
static int unsynced_begin(void)
{
    if (!page || !page->power || syscall(SYS_getpid) != owner) return 0;
    pthread_mutex_lock(&unsynced_lock);
    return 1;
}

static void unsynced_end(int held)
{
    if (held) pthread_mutex_unlock(&unsynced_lock);
}

/* at -1: where the descriptor stands */
static int unsynced_write(enum class class, int fd, const void *p, size_t n, off_t at)
{
    struct stat s;
    char path[PATH_MAX];
    if (class != AT_WRITE || !unsynced_begin()) return 0;
    if (syscall(SYS_fstat, fd, &s)) return 1;
    if (at < 0) at = fcntl(fd, F_GETFL) & O_APPEND ? s.st_size : (off_t)syscall(SYS_lseek, fd, 0, SEEK_CUR);
    unsynced_path(fd, path);
    struct unsynced *u = unsynced_add(WROTE, path, &s);
    u->at = at;
    u->n = n;
    u->now = malloc(n ? n : 1);
    if (!u->now) abort();
    memcpy(u->now, p, n);
    u->was = unsynced_read(path, at, n, &u->was_n);
    return 1;
}

static int unsynced_truncate(int fd, off_t n)
{
    struct stat s;
    char path[PATH_MAX];
    if (!unsynced_begin()) return 0;
    if (syscall(SYS_fstat, fd, &s)) return 1;
    unsynced_path(fd, path);
    struct unsynced *u = unsynced_add(TRUNCATED, path, &s);
    u->at = n;
    if (s.st_size > n) u->was = unsynced_read(path, n, (size_t)(s.st_size - n), &u->was_n);
    return 1;
}

static void unsynced_made(const char *path)
{
    struct stat s;
    char whole[PATH_MAX];
    if (syscall(SYS_newfstatat, AT_FDCWD, path, &s, 0) || !S_ISREG(s.st_mode) || !realpath(path, whole)) return;
    unsynced_add(MADE, whole, &s);
}

static int unsynced_remove(const char *path)
{
    struct stat s;
    char whole[PATH_MAX];
    if (!unsynced_begin()) return 0;
    if (syscall(SYS_newfstatat, AT_FDCWD, path, &s, 0) || !S_ISREG(s.st_mode) || !realpath(path, whole)) return 1;
    struct unsynced *u = unsynced_add(REMOVED, whole, &s);
    u->was = unsynced_read(whole, 0, (size_t)s.st_size, &u->was_n);
    return 1;
}

/* A file's sync: its bytes last. A folder's: its names do. */
static void unsynced_synced(int fd)
{
    struct stat s;
    char path[PATH_MAX];
    if (syscall(SYS_fstat, fd, &s)) return;
    unsynced_path(fd, path);
    const size_t folder = strlen(path);
    for (struct unsynced *u = unsynced_first, *next; u; u = next) {
        next = u->after;
        const int name = u->kind == MADE || u->kind == REMOVED;
        const int in_folder =
            !strncmp(u->path, path, folder) && u->path[folder] == '/' && !strchr(u->path + folder + 1, '/');
        if (S_ISDIR(s.st_mode) ? name && in_folder : !name && u->inode == s.st_ino) unsynced_forget(u);
    }
}

/* The file that the entry is about, if its name still means that one. */
static int unsynced_open(const struct unsynced *u)
{
    struct stat s;
    const int fd = (int)syscall(SYS_openat, AT_FDCWD, u->path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return -1;
    if (!syscall(SYS_fstat, fd, &s) && s.st_ino == u->inode) return fd;
    syscall(SYS_close, fd);
    return -1;
}

static void unsynced_restore(struct unsynced *u)
{
    struct stat s;
    const int fd = (int)syscall(SYS_openat, AT_FDCWD, u->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return;
    syscall(SYS_pwrite64, fd, u->was, u->was_n, 0);
    syscall(SYS_fstat, fd, &s);
    syscall(SYS_close, fd);
    for (struct unsynced *v = unsynced_first; v; v = v->after)
        if (v != u && v->inode == u->inode) v->inode = s.st_ino;
}

static void unsynced_undo(const struct unsynced *u)
{
    const int fd = unsynced_open(u);
    if (fd < 0) return;
    if (u->was_n) syscall(SYS_pwrite64, fd, u->was, u->was_n, u->at);
    syscall(SYS_ftruncate, fd, u->size_was);
    syscall(SYS_close, fd);
}

static uint64_t unsynced_draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

/* Some of it came to the disk. */
static void unsynced_redo(const struct unsynced *u, uint64_t *state)
{
    const uint64_t chance = unsynced_draw(state) % 4;
    const int fd = chance == 0 ? -1 : unsynced_open(u);
    if (fd < 0) return;
    if (u->kind == TRUNCATED) syscall(SYS_ftruncate, fd, u->at);
    for (size_t from = 0; u->kind == WROTE && from < u->n;) {
        const size_t to_sector = 512 - (size_t)(u->at + (off_t)from) % 512, left = u->n - from;
        const size_t n = to_sector < left ? to_sector : left;
        if (chance == 1 || unsynced_draw(state) % 2) syscall(SYS_pwrite64, fd, u->now + from, n, u->at + (off_t)from);
        from += n;
    }
    syscall(SYS_close, fd);
}

/* The power goes; seed 0: nothing that was not synced is there. */
static void unsynced_cut(uint64_t seed)
{
    uint64_t names = 0, kept = 0;
    pthread_mutex_lock(&unsynced_lock); /* and nobody of this process does anything any more */
    for (struct unsynced *u = unsynced_first; u; u = u->after) names += u->kind == MADE || u->kind == REMOVED;
    if (seed) kept = unsynced_draw(&seed) % (names + 1);
    for (struct unsynced *u = unsynced_last; u; u = u->before) {
        if (u->kind == WROTE || u->kind == TRUNCATED) unsynced_undo(u);
        else if (names-- > kept) {
            if (u->kind == MADE) syscall(SYS_unlinkat, AT_FDCWD, u->path, 0);
            else unsynced_restore(u);
        }
    }
    if (!seed) return;
    for (struct unsynced *u = unsynced_first; u; u = u->after)
        if (u->kind == WROTE || u->kind == TRUNCATED) unsynced_redo(u, &seed);
}
