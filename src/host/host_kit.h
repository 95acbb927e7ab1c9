/* src/host/host_kit.h - for the tests of the host: a folder of its own, a configuration in it, handles on the store,
 * and other processes (this very program with a role), which are told what to do by lines and answer by lines. */
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/sha256.h"
#include "base/test.h"
#include "contract/json.h"
#include "io/alloc.h"
#include "io/clock.h"
#include "pawl/pawl.h"

#define KIT_UNUSED __attribute__((unused))
static const int64_t KIT_S = 1000000000;
static char kit_folder[] = "/tmp/pawl-host-XXXXXX";
static struct pawl_arena kit_arena; /* of answers, until kit_end */

KIT_UNUSED static void kit_begin(void)
{
    if (mkdtemp(kit_folder) == NULL || chdir(kit_folder)) {
        printf("no folder for tests\n0 passed, 1 failed\n");
        exit(1);
    }
    pawl_arena_init(&kit_arena, pawl_alloc_libc());
    setvbuf(stdout, NULL, _IOLBF, 0);
}

/* Removes what the tests left, but nothing beside it. */
KIT_UNUSED static int kit_end(void)
{
    char command[64];
    pawl_arena_fini(&kit_arena);
    snprintf(command, sizeof command, "rm -rf '%s'", kit_folder);
    if (chdir("/") || system(command)) printf("%s is left\n", kit_folder);
    return TEST_END();
}

KIT_UNUSED static void kit_write(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    const bool ok = f && fputs(text, f) >= 0;
    if (f && fclose(f) == 0 && ok) return;
    printf("%s: %s\n", path, strerror(errno));
    exit(1);
}

KIT_UNUSED static void kit_remove_store(void)
{
    static const char *const suffixes[] = {"", "-wal", "-journal", "-shm", ".lock", ".sock"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char path[64];
        snprintf(path, sizeof path, "pawl.db%s", suffixes[i]);
        unlink(path);
    }
}

KIT_UNUSED static struct pawl *kit_open_with(struct pawl_options o)
{
    struct pawl *p = NULL;
    struct pawl_error err;
    o.size = sizeof o;
    if (CHECK_INT(pawl_open(&o, &p, &err), PAWL_OK)) return p;
    printf("open: %s: %s; %s\n", err.where, err.what, err.next);
    exit(1);
}

KIT_UNUSED static struct pawl *kit_open(void)
{
    return kit_open_with((struct pawl_options){0});
}

/* A new store with this configuration. */
KIT_UNUSED static struct pawl *kit_fresh(const char *yaml)
{
    kit_remove_store();
    kit_write("pawl.yaml", yaml);
    return kit_open();
}

static int kit_take_last(void *ctx, const char *json, size_t bytes)
{
    yyjson_val **last = ctx;
    CHECK_INT(pawl_json_read((struct pawl_str){json, (uint32_t)bytes}, &kit_arena, last, NULL), PAWL_OK);
    return 0;
}

/* The last line of an answer; NULL and *err: it failed. */
KIT_UNUSED static yyjson_val *kit_ask(struct pawl *p, const char *request, struct pawl_error *err)
{
    yyjson_val *last = NULL;
    return pawl_call(p, request, kit_take_last, &last, err) == PAWL_OK ? last : NULL;
}

KIT_UNUSED static yyjson_val *kit_view(struct pawl *p, const char *run)
{
    char request[128];
    struct pawl_error err;
    yyjson_val *last;
    snprintf(request, sizeof request, "{\"do\":\"show\",\"run\":\"%.40s\"}", run);
    last = kit_ask(p, request, &err);
    CHECK(last != NULL);
    return yyjson_obj_get(last, "view");
}

/* A member of the view, or of its step, as text; "" where there is none. */
KIT_UNUSED static const char *kit_text(yyjson_val *object, const char *name)
{
    const char *text = yyjson_get_str(yyjson_obj_get(object, name));
    return text ? text : "";
}

KIT_UNUSED static yyjson_val *kit_step(yyjson_val *view, uint32_t number)
{
    return yyjson_arr_get(yyjson_obj_get(view, "steps"), number - 1);
}

KIT_UNUSED static void kit_start(struct pawl *p, const char *agent, const char *key, char run[37])
{
    const struct pawl_start s = {.size = sizeof s, .agent = agent, .input = "go", .key = key};
    struct pawl_error err;
    run[0] = 0;
    if (!CHECK_INT(pawl_start_run(p, &s, run, &err), PAWL_OK)) printf("start: %s; %s\n", err.what, err.next);
    CHECK_INT(strlen(run), 36);
}

/* How the run stands once it has ended or waits. */
KIT_UNUSED static const char *kit_wait(struct pawl *p, const char *run)
{
    struct pawl_error err;
    const char *status = NULL;
    if (!CHECK_INT(pawl_wait(p, run, 20 * KIT_S, &status, &err), PAWL_OK)) printf("wait: %s\n", err.what);
    return status ? status : "";
}

KIT_UNUSED static bool kit_failed_as(int rc, const struct pawl_error *err, int code, const char *what, const char *next,
                                     const char *file, int line)
{
    bool ok = test_check_int(rc, code, file, line, "the call's code");
    ok = test_check_int(err->code, code, file, line, "the error's code") && ok;
    ok = test_check(strstr(err->what, what) != NULL, file, line, what) && ok;
    ok = test_check(strstr(err->next, next) != NULL, file, line, next) && ok;
    if (!ok) printf("  %s: %s; %s\n", err->where, err->what, err->next);
    return ok;
}
/* The call fails with that code, and its error says these words. `call` hands out &why. */
#define FAILS(call, code, what, next)                                        \
    do {                                                                     \
        struct pawl_error why = {0};                                         \
        const int rc = (call);                                               \
        kit_failed_as(rc, &why, (code), (what), (next), __FILE__, __LINE__); \
    } while (0)

/* ---- other processes ---- */

struct kit_process {
    pid_t pid;
    int to, from; /* its stdin, its stdout */
};

KIT_UNUSED static struct kit_process kit_spawn(const char *role, const char *arg)
{
    struct kit_process k = {0};
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC)) exit(1); /* dup2 below clears it */
    fflush(stdout);
    k.pid = fork();
    if (k.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(in[0], 0);
        dup2(out[1], 1);
        execl("/proc/self/exe", "test", role, arg ? arg : "", (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    k.to = in[1];
    k.from = out[0];
    return k;
}

/* Its next line, without the newline; "" at its end or after 20 s. */
KIT_UNUSED static const char *kit_hear(struct kit_process *k, char line[256])
{
    const int64_t until_ns = pawl_clock_mono_ns() + 20 * KIT_S;
    size_t n = 0;
    while (n < 255) {
        struct pollfd ready = {.fd = k->from, .events = POLLIN};
        char c;
        if (pawl_clock_mono_ns() >= until_ns || poll(&ready, 1, 1000) < 0) break;
        if (!ready.revents) continue;
        if (read(k->from, &c, 1) != 1 || c == '\n') break;
        line[n++] = c;
    }
    line[n] = 0;
    return line;
}

KIT_UNUSED static void kit_tell(struct kit_process *k, const char *line)
{
    CHECK(write(k->to, line, strlen(line)) == (ssize_t)strlen(line));
}

/* Its exit status; -signal where one ended it. */
KIT_UNUSED static int kit_join(struct kit_process *k)
{
    int status = 0;
    close(k->to);
    while (waitpid(k->pid, &status, 0) < 0 && errno == EINTR) continue;
    close(k->from);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

KIT_UNUSED static int kit_kill(struct kit_process *k, int number)
{
    kill(k->pid, number);
    return kit_join(k);
}
