/* src/io/orphan_test.c - a program of ours is killed with a command under way; what is left of it is found, killed and
 * awaited, and nobody else is harmed. */
#include "io/orphan.h"
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "base/test.h"
#include "io/alloc.h"
#include "io/clock.h"
#include "io/process.h"

#define SECOND INT64_C(1000000000)
#define ALWAYS_ANEW "always-anew"

static char lock[64];

static void never_done(void *ctx, const struct pawl_process_result *r)
{
    (void)ctx, (void)r;
}

/* The program that is killed: starts the script and tells by a byte of the script's own that it runs. */
static void live(const char *script, int tell)
{
    uv_loop_t loop;
    uv_loop_init(&loop);
    const char *const argv[] = {"bash", "-c", script, NULL};
    char path[40];
    snprintf(path, sizeof path, "/proc/%ld/fd/%d", (long)getpid(), tell);
    const struct pawl_process_var var = {PAWL_STR("TELL"), pawl_str_of(path)};
    const struct pawl_process_spec spec = {.argv = argv,
                                           .vars = &var,
                                           .vars_count = 1,
                                           .lock_path = lock,
                                           .timeout_ns = 1000 * SECOND,
                                           .out_bytes_max = 100,
                                           .on_done = never_done};
    struct pawl_process *p;
    if (pawl_process_start(pawl_alloc_libc(), &loop, &spec, &p, NULL)) _exit(1);
    uv_run(&loop, UV_RUN_DEFAULT);
    _exit(0);
}

/* Starts it, waits until `count` of the script's processes have said their number, kills it. */
static void live_and_die(const char *script, int count, pid_t *said)
{
    int ends[2];
    CHECK_INT(pipe2(ends, O_CLOEXEC), 0);
    const pid_t owner = fork();
    if (owner == 0) live(script, ends[1]);
    char text[200] = "";
    size_t n = 0;
    for (int lines = 0; lines < count;) {
        const ssize_t got = read(ends[0], text + n, 1);
        if (got <= 0) break;
        lines += text[n++] == '\n';
    }
    CHECK_INT(kill(owner, SIGKILL), 0);
    waitpid(owner, NULL, 0);
    char *at = text;
    for (int i = 0; i < count; i++) {
        said[i] = (pid_t)strtol(at, &at, 10);
        CHECK(said[i] > 1);
    }
    close(ends[0]);
    close(ends[1]);
}

/* Gone, or a zombie that nobody has waited for yet. */
static bool is_dead(pid_t pid)
{
    char path[40], line[300] = "";
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *f = fopen(path, "r");
    if (!f) return true;
    const bool read_it = fgets(line, sizeof line, f) != NULL;
    fclose(f);
    const char *end = strrchr(line, ')');
    return !read_it || !end || end[2] == 'Z' || end[2] == 'X';
}

static void test_found(void)
{
    static const struct {
        const char *what, *script;
        int said;
    } rows[] = {
        {"the command itself, by its parent-death signal", "echo $$ > $TELL; sleep 1000; true", 1},
        {"its child", "sleep 1000 & echo $! > $TELL; wait", 1},
        {"a child that closed the lock",
         "(for f in /proc/self/fd/*; do f=${f##*/}; [ $f -gt 2 ] && eval \"exec $f>&-\"; "
         "done; echo $BASHPID > $TELL; exec sleep 1000) & wait",
         1},
        {"one that left the group", "setsid bash -c 'echo $$ > $TELL; exec sleep 1000' & wait", 1},
        {"one that left the group and closed the lock",
         "setsid bash -c 'for f in /proc/self/fd/*; do f=${f##*/}; [ $f -gt 2 ] && eval \"exec $f>&-\"; done; "
         "echo $$ > $TELL; exec sleep 1000' & wait",
         1},
        {"one that left the group and its environment",
         "setsid env -i TELL=$TELL bash -c 'echo $$ > $TELL; exec sleep 1000' & wait", 1},
        {"one that has neither, by a brother in the group",
         "sleep 1000 & echo $! > $TELL; env -i TELL=$TELL bash -c 'for f in /proc/self/fd/*; do f=${f##*/}; "
         "[ $f -gt 2 ] && eval \"exec $f>&-\"; done; echo $$ > $TELL; exec sleep 1000' & wait",
         2},
        {"all of a family", "for i in 1 2 3; do (echo $BASHPID > $TELL; exec sleep 1000) & done; wait", 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        pid_t said[4] = {0};
        struct pawl_error err = {0};
        live_and_die(rows[i].script, rows[i].said, said);
        bool ok = CHECK(access(lock, F_OK) == 0);
        ok = CHECK_INT(pawl_orphan_settle(lock, 20 * SECOND, &err), PAWL_OK) && ok;
        ok = CHECK(access(lock, F_OK) != 0) && ok;
        for (int k = 0; k < rows[i].said; k++) ok = CHECK(is_dead(said[k])) && ok;
        if (!ok) printf("  %s %s\n", rows[i].what, err.what);
    }
}

/* What exec makes of a process has no environment for a moment, and may have the lock no more: it is none the less found. */
static void test_forever_in_exec(void)
{
    char script[80];
    snprintf(script, sizeof script, "setsid /proc/%ld/exe " ALWAYS_ANEW " & wait", (long)getpid());
    for (int i = 0; i < 40; i++) {
        pid_t said = 0;
        struct pawl_error err = {0};
        live_and_die(script, 1, &said);
        CHECK_INT(pawl_orphan_settle(lock, 20 * SECOND, &err), PAWL_OK);
        if (!CHECK(is_dead(said))) kill(said, SIGKILL);
    }
}

/* The program that test_forever_in_exec starts: puts itself in its own place, for ever. */
static int always_anew(char **argv)
{
    if (argv[2] == NULL) {
        FILE *tell = fopen(getenv("TELL"), "w");
        if (!tell || fprintf(tell, "%ld\n", (long)getpid()) < 0 || fclose(tell)) return 1;
        for (int fd = 3; fd < 256; fd++) close(fd);
    }
    return execl("/proc/self/exe", argv[0], ALWAYS_ANEW, "told", (char *)NULL);
}

static void on_alarm(int signal_number)
{
    (void)signal_number;
}

/* The command itself ends with us, before anybody looks for it. */
static void test_death_signal(void)
{
    enum { PATIENCE_S = 10 };
    const struct sigaction rings = {.sa_handler = on_alarm}; /* and ends the wait */
    struct sigaction before;
    pid_t said = 0;
    live_and_die("echo $$ > $TELL; exec sleep 1000", 1, &said);
    const int fd = open(lock, O_RDONLY | O_CLOEXEC);
    sigaction(SIGALRM, &rings, &before);
    alarm(PATIENCE_S);
    if (!CHECK_INT(flock(fd, LOCK_EX), 0)) kill(said, SIGKILL);
    alarm(0);
    sigaction(SIGALRM, &before, NULL);
    while (!is_dead(said)) sched_yield(); /* the kernel closes a dying process's files before it says so in /proc */
    close(fd);
    CHECK_INT(pawl_orphan_settle(lock, SECOND, NULL), PAWL_OK);
}

static void write_lock(const char *text)
{
    const int fd = open(lock, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

/* A process that has nothing to do with it, but for what the story gives it. */
static pid_t bystander(bool opens, bool locks)
{
    int ends[2];
    char byte = 0;
    CHECK_INT(pipe(ends), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        const int fd = opens ? open(lock, O_RDONLY) : -1;
        if (locks) flock(fd, LOCK_EX);
        if (write(ends[1], &byte, 1) == 1) pause();
        _exit(0);
    }
    CHECK_INT(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    close(ends[1]);
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void test_bystanders(void)
{
    char text[100];
    /* Its number is in the file, because numbers come around; nobody holds the lock. */
    pid_t innocent = bystander(false, false);
    snprintf(text, sizeof text, "pawl-attempt 0123456789abcdef0123456789abcdef\n%ld\n", (long)innocent);
    write_lock(text);
    CHECK_INT(pawl_orphan_settle(lock, SECOND, NULL), PAWL_OK);
    CHECK_INT(waitpid(innocent, NULL, WNOHANG), 0);
    CHECK(access(lock, F_OK) != 0);
    /* Its number is in the file, and another holds the lock: the other is meant. */
    write_lock(text);
    pid_t holder = bystander(true, true);
    CHECK_INT(pawl_orphan_settle(lock, 20 * SECOND, NULL), PAWL_OK);
    CHECK_INT(waitpid(innocent, NULL, WNOHANG), 0);
    CHECK(is_dead(holder));
    end(holder);
    end(innocent);
    /* It reads the file: a backup. */
    write_lock(text);
    innocent = bystander(true, false);
    CHECK_INT(pawl_orphan_settle(lock, SECOND, NULL), PAWL_OK);
    CHECK_INT(waitpid(innocent, NULL, WNOHANG), 0);
    end(innocent);
}

static void test_files(void)
{
    CHECK_INT(pawl_orphan_settle(lock, SECOND, NULL), PAWL_OK); /* none: nothing was started, or it ended well */
    static const char *const texts[] = {"",
                                        "pawl-attempt ",
                                        "pawl-attempt 0123456789abcdef0123456789abcdef\n",
                                        "-1\n-1\n",
                                        "pawl-attempt 0123456789abcdef0123456789abcdef\n-1\n",
                                        "pawl-attempt 0123456789abcdef0123456789abcdef\n1\n",
                                        "pawl-attempt 0123456789abcdef0123456789abcdeX\n99\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        write_lock(texts[i]);
        CHECK_INT(pawl_orphan_settle(lock, SECOND, NULL), PAWL_OK);
        CHECK(access(lock, F_OK) != 0);
    }
    /* We hold it ourselves, and shall not kill ourselves. */
    struct pawl_error err = {0};
    write_lock(texts[2]);
    const int fd = open(lock, O_RDONLY | O_CLOEXEC);
    CHECK_INT(flock(fd, LOCK_EX), 0);
    CHECK_INT(pawl_orphan_settle(lock, SECOND / 50, &err), PAWL_ETIMEDOUT);
    CHECK_TEXT(err.what, "expected the attempt's lock to be free, somebody holds it");
    close(fd);
    CHECK_INT(pawl_orphan_settle(lock, SECOND, NULL), PAWL_OK);
    CHECK_INT(pawl_orphan_settle("/dev/null/x", SECOND, &err), PAWL_ENOTFOUND);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], ALWAYS_ANEW) == 0) return always_anew(argv);
    snprintf(lock, sizeof lock, "/tmp/pawl-orphan-%ld", (long)getpid());
    test_found();
    test_forever_in_exec();
    test_death_signal();
    test_bystanders();
    test_files();
    return TEST_END();
}
