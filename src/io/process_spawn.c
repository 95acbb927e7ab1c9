/* src/io/process_spawn.c - fork and exec by hand: libuv and posix_spawn know neither limits nor a parent-death signal.
 *
 * All that takes memory is made before. The child is made by vfork (a copy of a large owner's page tables would cost
 * milliseconds): until exec it lives on our memory and stack, with all signals blocked, so it only makes system calls,
 * writes nothing but its own locals, and tells through a close-on-exec pipe what failed. */
#include "io/process_spawn.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#ifdef __linux__
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif
#include "io/fail.h"
#include "io/random.h"

#ifndef __APPLE__
extern char **environ;
#else
#include <crt_externs.h>
#define environ (*_NSGetEnviron())
#endif

enum stage { STAGE_SESSION, STAGE_STREAMS, STAGE_FOLDER, STAGE_LIMITS, STAGE_LOCK, STAGE_EXEC };
struct failure { /* through the pipe */
    int stage, sys_errno;
};

struct plan { /* all that the child looks at */
    char *const *argv;
    char *const *env;
    char *const *paths; /* to be tried in order */
    const char *cwd;
    int in, out, err, lock, failed; /* its ends; lock -1: none */
    pid_t parent;
    uint32_t cpu_s;
    uint64_t memory_bytes;
};

/* The child's part */

static void tell_and_exit(const struct plan *p, enum stage stage, int sys_errno)
{
    const struct failure f = {(int)stage, sys_errno};
    ssize_t n;
    do n = write(p->failed, &f, sizeof f);
    while (n < 0 && errno == EINTR);
    _exit(127);
}

static int limit(unsigned what, rlim_t soft, rlim_t hard)
{
    struct rlimit now;
    if (getrlimit(what, &now)) return errno;
    if (now.rlim_max != RLIM_INFINITY && hard > now.rlim_max) hard = now.rlim_max;
    if (soft > hard) soft = hard;
    const struct rlimit r = {soft, hard};
    return setrlimit(what, &r) ? errno : 0;
}

static int limit_all(const struct plan *p)
{
    int failed = limit(RLIMIT_CORE, 0, 0);
    /* SIGXCPU first, and SIGKILL a second later to whom that does not end. */
    if (!failed && p->cpu_s) failed = limit(RLIMIT_CPU, p->cpu_s, (rlim_t)p->cpu_s + 1);
    if (!failed && p->memory_bytes) failed = limit(RLIMIT_AS, (rlim_t)p->memory_bytes, (rlim_t)p->memory_bytes);
    return failed;
}

/* Whoever embeds libpawl may hold descriptors that are not close-on-exec: none but ours shall come along. */
static void keep_from_exec(int above)
{
#if defined(SYS_close_range) && defined(CLOSE_RANGE_CLOEXEC)
    if (syscall(SYS_close_range, above, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
#endif
    struct rlimit r;
    const rlim_t most = 65536;
    if (getrlimit(RLIMIT_NOFILE, &r) || r.rlim_cur > most) r.rlim_cur = most;
    for (int fd = above; fd < (int)r.rlim_cur; fd++) {
        const int flags = fcntl(fd, F_GETFD);
        if (flags >= 0) fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
    }
}

/* Its number into the lock file, behind the nonce: by the child, so that it is there before anything is executed. */
static int sign_lock(const struct plan *p)
{
    char text[24];
    size_t at = sizeof text;
    text[--at] = '\n';
    for (long n = (long)getpid(); n > 0; n /= 10) text[--at] = (char)('0' + n % 10);
    const size_t bytes = sizeof text - at;
    if (write(p->lock, text + at, bytes) != (ssize_t)bytes) return errno ? errno : EIO;
    return fcntl(p->lock, F_SETFD, 0) ? errno : 0;
}

static void reset_signals(void)
{
    struct sigaction plain;
    memset(&plain, 0, sizeof plain);
    plain.sa_handler = SIG_DFL;
    for (int s = 1; s < NSIG; s++) sigaction(s, &plain, NULL); /* fails for SIGKILL and such: fine */
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void execute(const struct plan *p)
{
    int why = ENOENT;
    for (char *const *path = p->paths; *path; path++) {
        execve(*path, p->argv, p->env);
        /* As execvp does: one that may not be executed is the news, one that is not there is none. */
        if (errno != ENOENT && errno != ENOTDIR) why = errno;
        if (why != ENOENT && why != EACCES) break;
    }
    tell_and_exit(p, STAGE_EXEC, why);
}

static void child(const struct plan *p)
{
    if (setsid() < 0) tell_and_exit(p, STAGE_SESSION, errno);
#ifdef __linux__
    if (prctl(PR_SET_PDEATHSIG, SIGKILL)) tell_and_exit(p, STAGE_SESSION, errno);
    if (getppid() != p->parent) _exit(127); /* it died before this was set */
#endif
    if (dup2(p->in, 0) < 0 || dup2(p->out, 1) < 0 || dup2(p->err, 2) < 0) tell_and_exit(p, STAGE_STREAMS, errno);
    keep_from_exec(3);
    if (p->cwd && chdir(p->cwd)) tell_and_exit(p, STAGE_FOLDER, errno);
    int failed = limit_all(p);
    if (failed) tell_and_exit(p, STAGE_LIMITS, failed);
    failed = p->lock >= 0 ? sign_lock(p) : 0;
    if (failed) tell_and_exit(p, STAGE_LOCK, failed);
    reset_signals();
    execute(p);
}

static pid_t make_child(const struct plan *p)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
#ifdef __linux__
    const pid_t pid = vfork();
#else
    const pid_t pid = fork();
#endif
    if (pid == 0) child(p); /* never returns */
    const int kept = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = kept;
    return pid;
}

/* Before it: memory */

static bool is_name(struct pawl_str s)
{
    return s.n > 0 && !memchr(s.p, '=', s.n) && !memchr(s.p, 0, s.n);
}

static bool is_same_name(const char *entry, struct pawl_str name)
{
    return strncmp(entry, name.p, name.n) == 0 && entry[name.n] == '=';
}

static bool is_kept(const char *entry, const struct pawl_process_spec *spec)
{
    static const char *const plain[] = {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR"};
    for (uint32_t i = 0; i < spec->vars_count; i++)
        if (is_same_name(entry, spec->vars[i].name)) return false;
    if (!spec->clean || strncmp(entry, "LC_", 3) == 0) return true;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (is_same_name(entry, pawl_str_of(plain[i]))) return true;
    return false;
}

static char *join(struct pawl_arena *a, struct pawl_str left, const char *between, struct pawl_str right)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, a);
    pawl_buf_str(&b, left);
    pawl_buf_text(&b, between);
    pawl_buf_str(&b, right);
    pawl_buf_char(&b, 0);
    return b.failed ? NULL : b.p;
}

static int make_env(struct pawl_arena *a, const struct pawl_process_spec *spec, const char *nonce, struct plan *p,
                    struct pawl_error *err)
{
    size_t count = 0, n = 0;
    while (environ && environ[count]) count++;
    char **env = pawl_arena_get(a, (count + spec->vars_count + 2) * sizeof *env);
    if (!env) return pawl_fail(err, PAWL_ENOMEM, spec->argv[0], "", "no memory for its environment");
    for (size_t i = 0; i < count; i++)
        if (is_kept(environ[i], spec)) env[n++] = environ[i];
    for (uint32_t i = 0; i < spec->vars_count; i++) {
        const struct pawl_process_var *v = spec->vars + i;
        if (!is_name(v->name) || (v->value.n && memchr(v->value.p, 0, v->value.n)))
            return pawl_fail(err, PAWL_EINVAL, spec->argv[0], "", "variable %u: not a name and a value", i + 1);
        if (v->value.p) env[n++] = join(a, v->name, "=", v->value);
    }
    if (spec->lock_path) env[n++] = join(a, PAWL_STR(PAWL_ATTEMPT_MARK), nonce, PAWL_STR("=1"));
    env[n] = NULL;
    p->env = env;
    return a->failed ? pawl_fail(err, PAWL_ENOMEM, spec->argv[0], "", "no memory for its environment") : PAWL_OK;
}

/* argv[0] itself, or it in each folder of the child's PATH. An empty folder there would mean the current one: left out,
 * for what lies in a working folder is not a system's command. */
static int make_paths(struct pawl_arena *a, const char *name, struct plan *p, struct pawl_error *err)
{
    const char *path = "/usr/local/bin:/usr/bin:/bin";
    for (char *const *e = p->env; *e; e++)
        if (strncmp(*e, "PATH=", 5) == 0) path = *e + 5;
    size_t n = 0, count = 2;
    for (const char *c = path; *c; c++) count += *c == ':';
    char **paths = pawl_arena_get(a, (count + 1) * sizeof *paths);
    if (paths && strchr(name, '/')) {
        paths[n++] = pawl_arena_copy(a, name, strlen(name));
    } else if (paths && *name) {
        for (const char *c = path; *c; c += *c == ':') {
            const uint32_t bytes = (uint32_t)strcspn(c, ":");
            if (bytes) paths[n++] = join(a, (struct pawl_str){c, bytes}, "/", pawl_str_of(name));
            c += bytes;
        }
    }
    if (a->failed) return pawl_fail(err, PAWL_ENOMEM, name, "", "no memory to look for it");
    paths[n] = NULL;
    p->paths = paths;
    return PAWL_OK;
}

/* Before it: descriptors */

/* Away from 0, 1, 2, which the child gives their meaning, even where we were started without them. */
static int high(int fd, int from)
{
    if (fd < 0 || fd >= from) return fd;
    const int higher = fcntl(fd, F_DUPFD_CLOEXEC, from);
    const int kept = errno;
    close(fd);
    errno = kept;
    return higher;
}

static int open_pipe(int ends[2])
{
#ifdef __linux__
    if (pipe2(ends, O_CLOEXEC)) return errno;
#else
    if (pipe(ends)) return errno;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
#endif
    ends[0] = high(ends[0], 3);
    if (ends[0] < 0) return errno;
    ends[1] = high(ends[1], 3);
    return ends[1] < 0 ? errno : 0;
}

static int no_wait(int fd)
{
    const int flags = fcntl(fd, F_GETFL);
    return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) ? errno : 0;
}

static int make_nonce(char nonce[PAWL_ATTEMPT_NONCE + 1])
{
    uint8_t bytes[PAWL_ATTEMPT_NONCE / 2];
    struct pawl_random random = {0};
    const int code = pawl_random_fill(&random, bytes, sizeof bytes);
    pawl_hex(nonce, bytes, sizeof bytes);
    return code;
}

static int open_lock(const char *path, const char *nonce, int *out, struct pawl_error *err)
{
    char line[64];
    const int n = snprintf(line, sizeof line, PAWL_ATTEMPT_LINE "%s\n", nonce);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return pawl_io_fail(err, errno, path, "make the attempt's lock");
    /* Far up, where no script's own redirections are. A low limit on open files is no reason to fail. */
    const int far = fcntl(fd, F_DUPFD_CLOEXEC, 100);
    if (far >= 0) {
        close(fd);
        fd = far;
    } else {
        fd = high(fd, 3);
    }
    int failed = fd < 0 ? errno : 0;
    if (!failed && flock(fd, LOCK_EX | LOCK_NB)) failed = errno;
    if (!failed && write(fd, line, (size_t)n) != n) failed = errno ? errno : ENOSPC;
    if (!failed) {
        *out = fd;
        return PAWL_OK;
    }
    if (fd >= 0) close(fd);
    unlink(path);
    return pawl_io_fail(err, failed, path, "make the attempt's lock");
}

static void close_all(int *fds, int count)
{
    for (int i = 0; i < count; i++) {
        if (fds[i] >= 0) close(fds[i]);
        fds[i] = -1;
    }
}

/* After it */

static int fail_at(const struct failure *f, const struct pawl_process_spec *spec, struct pawl_error *err)
{
    switch ((enum stage)f->stage) {
    case STAGE_SESSION: return pawl_io_fail(err, f->sys_errno, spec->argv[0], "give it a session of its own");
    case STAGE_STREAMS: return pawl_io_fail(err, f->sys_errno, spec->argv[0], "give it its streams");
    case STAGE_FOLDER: return pawl_io_fail(err, f->sys_errno, spec->cwd, "go to its folder");
    case STAGE_LIMITS: return pawl_io_fail(err, f->sys_errno, spec->argv[0], "set its limits");
    case STAGE_LOCK: return pawl_io_fail(err, f->sys_errno, spec->lock_path, "sign the attempt's lock");
    case STAGE_EXEC: break;
    }
    return pawl_io_fail(err, f->sys_errno, spec->argv[0], "execute it");
}

/* Waits for the exec, which closes the pipe, or for word of what failed. The kernel's time, not the program's. */
static int await_exec(int fd, pid_t pid, const struct pawl_process_spec *spec, struct pawl_error *err)
{
    struct failure f = {0};
    ssize_t n;
    do n = read(fd, &f, sizeof f);
    while (n < 0 && errno == EINTR);
    if (n == 0) return PAWL_OK;
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
    if (n != sizeof f) f = (struct failure){STAGE_EXEC, EIO};
    return fail_at(&f, spec, err);
}

static int open_pidfd(pid_t pid, bool by_signal)
{
#ifdef SYS_pidfd_open
    if (!by_signal) return (int)syscall(SYS_pidfd_open, pid, 0);
#endif
    (void)pid, (void)by_signal;
    return -1;
}

static int launch(const struct pawl_process_spec *spec, struct plan *p, struct pawl_spawned *out,
                  struct pawl_error *err)
{
    int fds[8] = {-1, -1, -1, -1, -1, -1, -1, -1}; /* stdin, stdout, stderr, failure: read end, write end */
    int code = PAWL_OK, failed = 0;
    for (int i = 0; i < 8 && !failed; i += 2) failed = open_pipe(fds + i);
    if (!failed) failed = no_wait(fds[1]);
    if (!failed) failed = no_wait(fds[2]);
    if (!failed) failed = no_wait(fds[4]);
    if (failed) {
        code = pawl_io_fail(err, failed, spec->argv[0], "make its pipes");
        goto done;
    }
    p->in = fds[0], p->out = fds[3], p->err = fds[5], p->failed = fds[7];
    p->parent = getpid();
    const pid_t pid = make_child(p);
    if (pid < 0) {
        code = pawl_io_fail(err, errno, spec->argv[0], "make a process");
        goto done;
    }
    close_all(fds + 7, 1);
    code = await_exec(fds[6], pid, spec, err);
    if (code) goto done;
    *out = (struct pawl_spawned){pid, fds[1], fds[2], fds[4], open_pidfd(pid, spec->by_signal)};
    fds[1] = fds[2] = fds[4] = -1;
done:
    close_all(fds, 8);
    return code;
}

int pawl_process_spawn(const struct pawl_alloc *from, const struct pawl_process_spec *spec, struct pawl_spawned *out,
                       struct pawl_error *err)
{
    assert(spec->argv && spec->argv[0]);
    struct plan p = {.argv = (char *const *)spec->argv,
                     .cwd = spec->cwd,
                     .lock = -1,
                     .cpu_s = spec->cpu_s,
                     .memory_bytes = spec->memory_bytes};
    char nonce[PAWL_ATTEMPT_NONCE + 1] = "";
    struct pawl_arena a;
    pawl_arena_init(&a, from);
    int code = PAWL_OK;
    if (spec->lock_path && make_nonce(nonce))
        code = pawl_fail(err, PAWL_EIO, spec->argv[0], "", "the system has no random bytes");
    if (!code) code = make_env(&a, spec, nonce, &p, err);
    if (!code) code = make_paths(&a, spec->argv[0], &p, err);
    if (!code && spec->lock_path) code = open_lock(spec->lock_path, nonce, &p.lock, err);
    if (!code) code = launch(spec, &p, out, err);
    if (p.lock >= 0) close(p.lock); /* the child has it now, and only the child */
    if (p.lock >= 0 && code) unlink(spec->lock_path);
    pawl_arena_fini(&a);
    return code;
}
