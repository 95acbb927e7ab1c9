/* src/host/disk_test.c - no room to write: before a start, in the middle of a step, under a message, while opening; and room
 * again. The limit is RLIMIT_FSIZE, which takes effect on every file at once and needs no rights; where we may mount, the
 * same story is told once more on a small tmpfs, for ENOSPC is not EFBIG. */
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include "host/host_kit.h"

static const char config[] = "version: 1\n"
                             "models:\n"
                             "  m: {provider: script, script: [{call: {name: act, args: {}}}, {say: done}]}\n"
                             "  talks: {provider: script, script: [{say: one}, {say: two}, {say: three}]}\n"
                             "tools: {act: {effect: mutate, input: {type: object}}}\n"
                             "agents: {a: {model: m, tools: [act]}, talks: {model: talks}}\n";

static bool on_tmpfs;
static int fills;

/* No more room: not one byte beyond what is there. */
static void fill(void)
{
    struct rlimit limit;
    struct stat wal = {0};
    if (on_tmpfs) {
        static char zeros[65536];
        const int fd = open("filler", O_WRONLY | O_CREAT | O_TRUNC, 0600);
        while (write(fd, zeros, sizeof zeros) > 0) continue;
        for (size_t n = 4096; n > 0; n /= 2)
            while (write(fd, zeros, n) > 0) continue;
        close(fd);
    } else {
        stat("pawl.db-wal", &wal);
        getrlimit(RLIMIT_FSIZE, &limit);
        limit.rlim_cur = (rlim_t)wal.st_size;
        CHECK_INT(setrlimit(RLIMIT_FSIZE, &limit), 0);
    }
    fills++;
}

static void make_room(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
    unlink("filler");
}

struct tool {
    struct pawl *p;
    int calls;
    bool fills;
};

static void act(void *ctx, const struct pawl_tool_call *call,
                void (*answer)(void *, enum pawl_tool_verdict, const char *, size_t), void *answer_ctx)
{
    struct tool *t = ctx;
    (void)call;
    t->calls++;
    if (t->fills) fill(); /* it has happened, and that cannot be written down */
    answer(answer_ctx, PAWL_TOOL_APPLIED, "\"well\"", 6);
}

static struct pawl *fresh(struct tool *t)
{
    struct pawl *p = kit_fresh(config);
    CHECK_INT(pawl_register_tool(p, "act", act, t, NULL), PAWL_OK);
    return p;
}

static void before_a_start(void)
{
    struct tool t = {0};
    struct pawl *p = fresh(&t);
    const struct pawl_start s = {.size = sizeof s, .agent = "a", .input = "go", .key = "k", .id = "i"};
    struct pawl_error err;
    char run[37];
    yyjson_val *v;
    CHECK_INT(pawl_turn(p, 0, NULL), PAWL_OK);
    fill();
    FAILS(pawl_start_run(p, &s, run, &why), PAWL_EFULL, "nothing was stored", "free some space");
    FAILS(pawl_start_run(p, &s, run, &why), PAWL_EFULL, "nothing was stored", "free some space");
    make_room();
    v = kit_ask(p, "{\"do\":\"list\"}", &err);
    CHECK_INT(yyjson_arr_size(yyjson_obj_get(v, "runs")), 0);
    CHECK_INT(pawl_start_run(p, &s, run, NULL), PAWL_OK);
    CHECK_TEXT(kit_wait(p, run), "done");
    CHECK_INT(t.calls, 1);
    pawl_close(p);
}

static int see_trouble(void *ctx, const char *json, size_t bytes)
{
    const char *in = memmem(json, bytes, "\"trouble\"", 9);
    if (in && strstr(in, "\"name\":\"full\"")) ++*(int *)ctx;
    return *(int *)ctx > 0;
}

/* What has happened is not lost while the owner lives, and is not done again. */
static void in_the_middle_of_a_step(void)
{
    struct tool t = {.fills = true};
    struct pawl *p = fresh(&t);
    struct pawl_error err;
    char run[37];
    int troubles = 0;
    kit_start(p, "a", NULL, run);
    CHECK_INT(pawl_call(p, "{\"do\":\"follow\",\"run\":\"@last\"}", see_trouble, &troubles, &err), PAWL_ECANCELLED);
    CHECK_INT(troubles, 1); /* who watches is told */
    CHECK_INT(t.calls, 1);
    CHECK_TEXT(kit_text(kit_view(p, run), "status"), "running");
    make_room();
    CHECK_TEXT(kit_wait(p, run), "done");
    CHECK_INT(t.calls, 1);
    CHECK_TEXT(kit_text(kit_step(kit_view(p, run), 2), "result"), "well");
    pawl_close(p);
}

static int interrupt_at_trouble(void *ctx, const char *json, size_t bytes)
{
    struct tool *t = ctx;
    if (memmem(json, bytes, "\"trouble\"", 9)) pawl_interrupt(t->p, true);
    return 0;
}

/* One word ends the call of an owner that cannot store anything: it does not wait for room, which closing does for a while. */
static void and_somebody_interrupts(void)
{
    struct tool t = {.fills = true};
    struct pawl_error err;
    char run[37];
    t.p = fresh(&t);
    kit_start(t.p, "a", NULL, run);
    CHECK_INT(pawl_call(t.p, "{\"do\":\"follow\",\"run\":\"@last\"}", interrupt_at_trouble, &t, &err), PAWL_ECANCELLED);
    CHECK_INT(t.calls, 1);
    make_room();
    pawl_close(t.p);
    t.p = kit_open();
    CHECK_INT(pawl_register_tool(t.p, "act", act, &t, NULL), PAWL_OK);
    CHECK_TEXT(kit_wait(t.p, run), "done");
    CHECK_INT(t.calls, 1);
    pawl_close(t.p);
}

/* The owner ends before there is room: what it knew is gone, and that is doubt, not a second call. */
static void and_the_owner_ends(void)
{
    struct tool t = {.fills = true};
    struct pawl *p = fresh(&t);
    char run[37];
    kit_start(p, "a", NULL, run);
    CHECK_INT(pawl_turn(p, 50000000, NULL), PAWL_OK);
    pawl_close(p);
    make_room();
    p = kit_open();
    CHECK_INT(pawl_register_tool(p, "act", act, &t, NULL), PAWL_OK);
    CHECK_TEXT(kit_wait(p, run), "waiting");
    CHECK_TEXT(kit_text(kit_view(p, run), "waiting"), "doubt");
    CHECK_INT(t.calls, 1);
    pawl_close(p);
}

static void under_a_message(void)
{
    struct tool t = {0};
    struct pawl *p = fresh(&t);
    const struct pawl_start s = {.size = sizeof s, .agent = "talks", .input = "hi", .chat = true};
    char run[37];
    CHECK_INT(pawl_start_run(p, &s, run, NULL), PAWL_OK);
    CHECK_TEXT(kit_wait(p, run), "waiting");
    fill();
    FAILS(pawl_send(p, run, "more", "m-1", &why), PAWL_EFULL, "", "same id");
    make_room();
    CHECK_INT(pawl_send(p, run, "more", "m-1", NULL), PAWL_OK); /* once, whatever became of the first */
    CHECK_TEXT(kit_wait(p, run), "waiting");
    CHECK_INT(yyjson_arr_size(yyjson_obj_get(kit_view(p, run), "turns")), 2);
    fill();
    FAILS(pawl_cancel(p, run, NULL, "c-1", &why), PAWL_EFULL, "", "");
    make_room();
    CHECK_INT(pawl_cancel(p, run, NULL, "c-1", NULL), PAWL_OK);
    CHECK_TEXT(kit_wait(p, run), "cancelled");
    pawl_close(p);
}

static void while_opening(void)
{
    const struct pawl_options o = {.size = sizeof o};
    struct pawl *p;
    kit_remove_store();
    kit_write("pawl.yaml", config);
    fill();
    FAILS(pawl_open(&o, &p, &why), PAWL_EFULL, "", "free some space");
    make_room();
    p = kit_open();
    CHECK(kit_ask(p, "{\"do\":\"verify\"}", &(struct pawl_error){0}) != NULL);
    pawl_close(p);
}

static void all(void)
{
    before_a_start();
    in_the_middle_of_a_step();
    and_somebody_interrupts();
    if (!on_tmpfs) and_the_owner_ends(); /* which takes the five seconds that an owner waits */
    under_a_message();
    while_opening();
}

int main(void)
{
    kit_begin();
    signal(SIGXFSZ, SIG_IGN);
    all();
    on_tmpfs = geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
               mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
               mount("none", kit_folder, "tmpfs", 0, "size=2m") == 0 && chdir("/") == 0 && chdir(kit_folder) == 0;
    if (on_tmpfs) {
        all();
        CHECK(chdir("/") == 0 && umount(kit_folder) == 0);
    } else {
        printf("skipped: a small file system of its own (mounting is not allowed)\n");
    }
    return kit_end();
}
