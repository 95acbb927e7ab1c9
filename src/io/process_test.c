/* src/io/process_test.c - commands, by their exit, their output, their time, and what is left of them. All of it twice:
 * their end is told by a pidfd, and by SIGCHLD. SIGPIPE has its default effect here: a write must not end the test. */
#include "io/process.h"
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "base/test.h"
#include "io/clock.h"

#define MS INT64_C(1000000)

static uv_loop_t loop;
static struct test_alloc memory;
static bool by_signal;
static char folder[64];

struct got {
    bool done;
    enum pawl_process_end end;
    int32_t status;
    char out[8192], err[5000];
    size_t out_bytes, err_bytes, streamed;
    bool lingers;
    int64_t took_ns;
    struct pawl_process *p;
    enum { NOTHING, STOP, CANCEL } at_output;
};

static void on_done(void *ctx, const struct pawl_process_result *r)
{
    struct got *g = ctx;
    CHECK(!g->done);
    g->done = true;
    uv_stop(&loop);
    g->end = r->end;
    g->status = r->status;
    g->out_bytes = r->out.n;
    g->err_bytes = r->err_tail.n;
    snprintf(g->out, sizeof g->out, "%.*s", (int)r->out.n, r->out.p);
    snprintf(g->err, sizeof g->err, "%.*s", (int)r->err_tail.n, r->err_tail.p);
    g->lingers = r->lingers;
    g->took_ns = r->took_ns;
    CHECK_INT(pawl_process_write(g->p, PAWL_STR("late")), PAWL_EIO);
    pawl_process_stop(g->p);
    pawl_process_cancel(g->p); /* all of it too late, and harmless */
}

static void on_out(void *ctx, struct pawl_str piece)
{
    struct got *g = ctx;
    g->streamed += piece.n;
    if (piece.n < sizeof g->out) snprintf(g->out, sizeof g->out, "%.*s", (int)piece.n, piece.p);
    if (g->at_output == STOP) pawl_process_stop(g->p);
    if (g->at_output == CANCEL) pawl_process_cancel(g->p);
}

static struct pawl_process_spec spec_of(struct got *g, const char *const *argv)
{
    return (struct pawl_process_spec){.argv = argv,
                                      .timeout_ns = 20000 * MS,
                                      .grace_ns = 10000 * MS,
                                      .out_bytes_max = 8000,
                                      .by_signal = by_signal,
                                      .on_done = on_done,
                                      .ctx = g};
}

static int start(struct got *g, const struct pawl_process_spec *spec)
{
    struct pawl_error err = {0};
    const int code = pawl_process_start(&memory.alloc, &loop, spec, &g->p, &err);
    if (code) snprintf(g->err, sizeof g->err, "%s: %s", err.where, err.what);
    CHECK(!g->done && (code == 0) == (g->p != NULL));
    return code;
}

static void finish(struct got *g)
{
    while (!g->done) uv_run(&loop, UV_RUN_ONCE);
}

static void all_gone(void)
{
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(memory.out_bytes, 0);
}

static struct got run(const struct pawl_process_spec *spec)
{
    struct got *g = spec->ctx;
    if (CHECK_INT(start(g, spec), PAWL_OK)) finish(g);
    else puts(g->err);
    all_gone();
    return *g;
}

static struct got shell(const char *script)
{
    struct got g = {0};
    const char *const argv[] = {"sh", "-c", script, NULL};
    const struct pawl_process_spec spec = spec_of(&g, argv);
    return run(&spec);
}

static void test_ends(void)
{
    static const struct {
        const char *script;
        enum pawl_process_end end;
        int status;
        const char *out, *err;
    } rows[] = {
        {"exit 0", PAWL_PROCESS_EXITED, 0, "", ""},
        {"echo out; echo err >&2; exit 3", PAWL_PROCESS_EXITED, 3, "out\n", "err\n"},
        {"exit 255", PAWL_PROCESS_EXITED, 255, "", ""},
        {"kill -9 $$", PAWL_PROCESS_SIGNALLED, SIGKILL, "", ""},
        {"kill -PIPE $$", PAWL_PROCESS_SIGNALLED, SIGPIPE, "", ""}, /* although somebody above may ignore it */
        {"exec >&- 2>&-; exit 4", PAWL_PROCESS_EXITED, 4, "", ""},
        {"printf 'a\\000b' | wc -c", PAWL_PROCESS_EXITED, 0, "3\n", ""},
        {"read x; echo \"$x$?\"", PAWL_PROCESS_EXITED, 0, "1\n", ""}, /* stdin is at its end */
        {"set -- $(cat /proc/$$/stat); [ $5 = $$ ] && [ $6 = $$ ]", PAWL_PROCESS_EXITED, 0, "", ""},
        {"ulimit -c", PAWL_PROCESS_EXITED, 0, "0\n", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct got g = shell(rows[i].script);
        const bool ok = CHECK_INT(g.end, rows[i].end) && CHECK_INT(g.status, rows[i].status) &&
                        CHECK_TEXT(g.out, rows[i].out) && CHECK_TEXT(g.err, rows[i].err);
        if (!ok) printf("  %s\n", rows[i].script);
        CHECK(!g.lingers && g.took_ns > 0);
    }
}

static void test_not_executed(void)
{
    char text[100], path[100];
    snprintf(text, sizeof text, "%s/text", folder);
    close(open(text, O_CREAT | O_WRONLY, 0600));
    snprintf(path, sizeof path, "%s/script", folder);
    const int fd = open(path, O_CREAT | O_WRONLY, 0700);
    CHECK_INT(write(fd, "echo no interpreter is named\n", 29), 29);
    close(fd);
    const struct {
        const char *name, *cwd;
        int code;
        const char *words;
    } rows[] = {
        {"/no/such/command", NULL, PAWL_ENOTFOUND, "/no/such/command: cannot execute it: No such file or directory"},
        {"no-such-command", NULL, PAWL_ENOTFOUND, "no-such-command: cannot execute it: No such file or directory"},
        {"", NULL, PAWL_ENOTFOUND, ": cannot execute it: No such file or directory"},
        {text, NULL, PAWL_EREADONLY, "Permission denied"},
        {"/etc", NULL, PAWL_EREADONLY, "Permission denied"},
        {path, NULL, PAWL_EIO, "Exec format error"}, /* no shell is asked */
        {"true", "/no/such/folder", PAWL_ENOTFOUND, "/no/such/folder: cannot go to its folder: No such file"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct got g = {0};
        const char *const argv[] = {rows[i].name, NULL};
        struct pawl_process_spec spec = spec_of(&g, argv);
        char lock[100];
        snprintf(lock, sizeof lock, "%s/lock", folder);
        spec.cwd = rows[i].cwd;
        spec.lock_path = lock;
        CHECK_INT(start(&g, &spec), rows[i].code);
        if (!CHECK(strstr(g.err, rows[i].words) != NULL)) puts(g.err);
        CHECK(access(lock, F_OK) != 0);
        all_gone();
    }
    CHECK(waitpid(-1, NULL, WNOHANG) < 0); /* no zombie */
}

static void test_environment(void)
{
    setenv("PAWL_TEST_A", "inherited", 1);
    setenv("PAWL_TEST_B", "inherited", 1);
    struct got g = {0};
    const char *const argv[] = {"sh", "-c", "echo $PAWL_TEST_A $PAWL_TEST_B ${PAWL_TEST_C-none} $PAWL_TEST_D; pwd",
                                NULL};
    const struct pawl_process_var vars[] = {{PAWL_STR("PAWL_TEST_B"), PAWL_STR("ours=1")},
                                            {PAWL_STR("PAWL_TEST_D"), PAWL_STR("new")}};
    struct pawl_process_spec spec = spec_of(&g, argv);
    spec.vars = vars;
    spec.vars_count = 2;
    spec.cwd = "/";
    run(&spec);
    CHECK_TEXT(g.out, "inherited ours=1 none new\n/\n");
    g = (struct got){0};
    spec.clean = true;
    run(&spec);
    CHECK_TEXT(g.out, "ours=1 none new\n/\n");
    const struct pawl_process_var unset = {PAWL_STR("PAWL_TEST_A"), {NULL, 0}};
    g = (struct got){0};
    spec.vars = &unset;
    spec.vars_count = 1;
    spec.clean = false;
    run(&spec);
    CHECK_TEXT(g.out, "inherited none\n/\n");
    /* The PATH that counts is the child's. */
    const struct pawl_process_var path = {PAWL_STR("PATH"), PAWL_STR("/nowhere::")};
    g = (struct got){0};
    spec.vars = &path;
    CHECK_INT(start(&g, &spec), PAWL_ENOTFOUND);
    const struct pawl_process_var bad[] = {{PAWL_STR("A=B"), PAWL_STR("c")}, {PAWL_STR(""), PAWL_STR("c")}};
    for (int i = 0; i < 2; i++) {
        spec.vars = bad + i;
        CHECK_INT(start(&g, &spec), PAWL_EINVAL);
    }
    all_gone();
}

static void test_descriptors(void)
{
    const int leak = open("/dev/null", O_RDONLY), far = dup2(leak, 500); /* neither is close-on-exec */
    struct got g = shell("ls -l /proc/self/fd | grep -c ' -> ' ; ls /proc/self/fd | tr '\\n' ' '");
    CHECK_TEXT(g.out, "4\n0 1 2 3 "); /* 3 is ls's own */
    const int kept[3] = {dup(0), dup(1), dup(2)};
    close(0); /* started without streams: nothing may be mixed up */
    g = shell("cat; echo out; echo err >&2");
    dup2(kept[0], 0);
    CHECK_TEXT(g.out, "out\n");
    CHECK_TEXT(g.err, "err\n");
    for (int i = 0; i < 3; i++) close(kept[i]);
    close(leak);
    close(far);
}

static void test_input(void)
{
    enum { BIG = 3 * 1024 * 1024 };
    static char big[BIG];
    memset(big, 'x', BIG);
    struct got g = {0};
    const char *const count[] = {"wc", "-c", NULL}, *const ignore[] = {"sh", "-c", "exec 0<&-; echo done", NULL};
    struct pawl_process_spec spec = spec_of(&g, count);
    spec.input = (struct pawl_str){big, BIG};
    run(&spec);
    CHECK_TEXT(g.out, "3145728\n");
    g = (struct got){0};
    spec.argv = ignore;
    run(&spec);
    CHECK_TEXT(g.out, "done\n");
    CHECK_INT(g.end, PAWL_PROCESS_EXITED);

    const char *const cat[] = {"cat", NULL};
    g = (struct got){0};
    spec = spec_of(&g, cat);
    spec.keep_input = true;
    spec.input = PAWL_STR("one");
    spec.on_out = on_out;
    CHECK_INT(start(&g, &spec), PAWL_OK);
    while (g.streamed < 3) uv_run(&loop, UV_RUN_ONCE);
    CHECK_TEXT(g.out, "one");
    CHECK_INT(pawl_process_write(g.p, PAWL_STR("two")), PAWL_OK);
    while (g.streamed < 6) uv_run(&loop, UV_RUN_ONCE);
    CHECK_TEXT(g.out, "two");
    CHECK_INT(pawl_process_write(g.p, (struct pawl_str){big, BIG}), PAWL_OK);
    for (int i = 0; i < 4; i++) pawl_process_write(g.p, (struct pawl_str){big, BIG});
    CHECK_INT(pawl_process_write(g.p, (struct pawl_str){big, BIG}), PAWL_EFULL);
    pawl_process_close_input(g.p);
    CHECK_INT(pawl_process_write(g.p, PAWL_STR("three")), PAWL_EIO);
    finish(&g);
    CHECK_INT(g.end, PAWL_PROCESS_TOO_LARGE); /* the bound counts what is not kept, too */
    CHECK_INT(g.streamed, 8000);
    all_gone();
}

static void test_output(void)
{
    struct got g = shell("i=0; while [ $i -lt 3000 ]; do echo line$i >&2; i=$((i+1)); done");
    CHECK_INT(g.err_bytes, 4096);
    CHECK(strcmp(g.err + 4096 - 9, "line2999\n") == 0);
    g = shell("head -c 8000 /dev/zero");
    CHECK_INT(g.end, PAWL_PROCESS_EXITED);
    CHECK_INT(g.out_bytes, 8000);
    g = shell("head -c 8001 /dev/zero");
    CHECK_INT(g.end, PAWL_PROCESS_TOO_LARGE);
    CHECK_INT(g.out_bytes, 8000);
    g = shell("trap '' TERM; yes");
    CHECK_INT(g.end, PAWL_PROCESS_TOO_LARGE);
    CHECK_INT(g.status, 128 + SIGKILL);
}

static struct got timed(const char *script, int64_t timeout_ns, int64_t grace_ns)
{
    struct got g = {0};
    const char *const argv[] = {"sh", "-c", script, NULL};
    struct pawl_process_spec spec = spec_of(&g, argv);
    spec.timeout_ns = timeout_ns;
    spec.grace_ns = grace_ns;
    return run(&spec);
}

static void test_time(void)
{
    struct got g = timed("sleep 1000", 30 * MS, 20000 * MS);
    CHECK_INT(g.end, PAWL_PROCESS_TIMED_OUT);
    CHECK_INT(g.status, 128 + SIGTERM);
    CHECK(g.took_ns >= 30 * MS && g.took_ns < 10000 * MS);
    g = timed("sleep 1000", 30 * MS, 0);
    CHECK_INT(g.status, 128 + SIGKILL);
}

static void test_limits(void)
{
    struct got g = {0};
    const char *const spin[] = {"sh", "-c", "while :; do :; done", NULL};
    struct pawl_process_spec spec = spec_of(&g, spin);
    spec.cpu_s = 1;
    run(&spec);
    CHECK_INT(g.end, PAWL_PROCESS_SIGNALLED);
    CHECK_INT(g.status, SIGXCPU);
    const char *const show[] = {"sh", "-c", "ulimit -t; ulimit -v", NULL};
    g = (struct got){0};
    spec = spec_of(&g, show);
    spec.cpu_s = 77;
    spec.memory_bytes = 512 * 1024 * 1024;
    run(&spec);
    CHECK_TEXT(g.out, "77\n524288\n");
}

static void ask_to_stop(uv_timer_t *timer)
{
    pawl_process_stop(timer->data);
}

static void test_stop_and_cancel(void)
{
    struct got g = {.at_output = STOP};
    const char *const argv[] = {"sh", "-c", "echo on; sleep 1000", NULL};
    struct pawl_process_spec spec = spec_of(&g, argv);
    spec.on_out = on_out;
    run(&spec);
    CHECK_INT(g.end, PAWL_PROCESS_STOPPED);
    CHECK_INT(g.status, 128 + SIGTERM);

    /* It tidies up within the grace; or it does not, and that is all the time it had. */
    const char *const tidy[] = {"sh", "-c", "trap 'exit 7' TERM; echo on; while :; do sleep 0.01; done", NULL};
    g = (struct got){.at_output = STOP};
    spec.argv = tidy;
    run(&spec);
    CHECK_INT(g.end, PAWL_PROCESS_STOPPED);
    CHECK_INT(g.status, 7);
    const char *const deaf[] = {"sh", "-c", "trap '' TERM; echo on; while :; do :; done", NULL};
    g = (struct got){.at_output = STOP};
    spec.argv = deaf;
    spec.grace_ns = 30 * MS;
    run(&spec);
    CHECK_INT(g.end, PAWL_PROCESS_STOPPED);
    CHECK_INT(g.status, 128 + SIGKILL);
    CHECK(g.took_ns >= 30 * MS);

    /* Asked again and again, it gets no more time. */
    uv_timer_t nag;
    uv_timer_init(&loop, &nag);
    g = (struct got){.at_output = STOP};
    CHECK_INT(start(&g, &spec), PAWL_OK);
    while (g.streamed == 0) uv_run(&loop, UV_RUN_ONCE);
    nag.data = g.p;
    uv_timer_start(&nag, ask_to_stop, 0, 5);
    finish(&g);
    uv_close((uv_handle_t *)&nag, NULL);
    all_gone();
    CHECK_INT(g.status, 128 + SIGKILL);

    spec.argv = argv;
    g = (struct got){.at_output = CANCEL};
    CHECK_INT(start(&g, &spec), PAWL_OK);
    all_gone();
    CHECK(!g.done && g.streamed == 3);

    g = (struct got){0};
    CHECK_INT(start(&g, &spec), PAWL_OK);
    CHECK(pawl_process_id(g.p) > 1);
    pawl_process_stop(g.p);
    pawl_process_cancel(g.p);
    pawl_process_cancel(g.p);
    all_gone();
    CHECK(!g.done);
}

/* What a command leaves behind in its group is killed; what has left the group is told of, by the lock. */
static void test_left_behind(void)
{
    char lock[100];
    struct stat s;
    snprintf(lock, sizeof lock, "%s/attempt", folder);
    struct got g = {0};
    const char *const argv[] = {"sh", "-c", "env | grep -c ^PAWL_ATTEMPT_; sleep 1000 & exit 0", NULL};
    struct pawl_process_spec spec = spec_of(&g, argv);
    spec.lock_path = lock;
    run(&spec);
    CHECK_INT(g.end, PAWL_PROCESS_EXITED);
    CHECK_TEXT(g.out, "1\n");
    CHECK(!g.lingers && stat(lock, &s) != 0);

    const char *const away[] = {"sh", "-c", "setsid sh -c 'echo $$; exec sleep 1000' & read x; exit 0", NULL};
    g = (struct got){0};
    spec = spec_of(&g, away);
    spec.lock_path = lock;
    spec.keep_input = true;
    spec.on_out = on_out;
    CHECK_INT(start(&g, &spec), PAWL_OK);
    while (g.streamed == 0) uv_run(&loop, UV_RUN_ONCE);
    const pid_t there = (pid_t)atol(g.out);
    pawl_process_close_input(g.p);
    finish(&g);
    all_gone();
    CHECK(g.lingers && stat(lock, &s) == 0);
    CHECK_INT(s.st_mode & 0777, 0600);
    struct got second = {0};
    spec.ctx = &second;
    CHECK_INT(start(&second, &spec), PAWL_ECONFLICT);
    CHECK(there > 1 && kill(there, SIGKILL) == 0);
    unlink(lock);
    all_gone();
}

static void test_many(void)
{
    enum { MANY = 40 };
    static struct got all[MANY];
    for (int i = 0; i < MANY; i++) {
        char script[64];
        snprintf(script, sizeof script, "echo %d; exit %d", i, i);
        const char *const argv[] = {"sh", "-c", script, NULL};
        all[i] = (struct got){0};
        const struct pawl_process_spec spec = spec_of(all + i, argv);
        CHECK_INT(start(all + i, &spec), PAWL_OK);
    }
    for (int i = 0; i < MANY; i++) {
        finish(all + i);
        CHECK_INT(all[i].status, i);
        CHECK_INT(atoi(all[i].out), i);
    }
    all_gone();
}

/* A program around us that waits for any child: how ours ended is lost, but not that it did. */
static void test_reaped_by_another(void)
{
    struct got g = {0};
    const char *const argv[] = {"true", NULL};
    const struct pawl_process_spec spec = spec_of(&g, argv);
    CHECK_INT(start(&g, &spec), PAWL_OK);
    CHECK(waitpid((pid_t)pawl_process_id(g.p), NULL, 0) > 1);
    finish(&g);
    CHECK_INT(g.end, PAWL_PROCESS_SIGNALLED);
    CHECK_INT(g.status, 0);
    all_gone();
}

static void test_no_memory(void)
{
    struct test_alloc t;
    char lock[100];
    snprintf(lock, sizeof lock, "%s/attempt", folder);
    EVERY_FAILED_ALLOCATION(t) {
        struct got g = {0};
        const char *const argv[] = {"sh", "-c", "cat; head -c 7000 /dev/zero", NULL};
        struct pawl_process_spec spec = spec_of(&g, argv);
        spec.input = PAWL_STR("input");
        spec.lock_path = lock;
        const int code = pawl_process_start(&t.alloc, &loop, &spec, &g.p, NULL);
        CHECK(code == PAWL_OK || code == PAWL_ENOMEM);
        if (code == PAWL_OK) finish(&g);
        if (g.done) CHECK(g.end == PAWL_PROCESS_EXITED || g.end == PAWL_PROCESS_TOO_LARGE);
        CHECK(access(lock, F_OK) != 0);
        uv_run(&loop, UV_RUN_DEFAULT);
    }
}

int main(void)
{
    snprintf(folder, sizeof folder, "/tmp/pawl-process-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    test_alloc_init(&memory, 0);
    uv_loop_init(&loop);
    for (int round = 0; round < 2; round++) {
        by_signal = round == 1;
        test_ends();
        test_not_executed();
        test_environment();
        test_descriptors();
        test_input();
        test_output();
        test_time();
        test_stop_and_cancel();
        test_left_behind();
        test_many();
        test_reaped_by_another();
        test_no_memory();
    }
    test_limits();
    CHECK_INT(uv_loop_close(&loop), 0);
    char command[100];
    snprintf(command, sizeof command, "%s/text", folder);
    unlink(command);
    snprintf(command, sizeof command, "%s/script", folder);
    unlink(command);
    CHECK_INT(rmdir(folder), 0);
    return TEST_END();
}
