/* src/io/control_test.c - the owner's socket and its clients. Server and clients take turns in one thread; where both
 * must move at once the client is a thread of its own. */
#include "io/control.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "base/test.h"
#include "io/alloc.h"
#include "io/clock.h"

#define MS INT64_C(1000000)

static uv_loop_t loop;
static struct test_alloc memory;
static char folder[64], path[100];

static struct {
    struct pawl_control *c;
    int came, messages, gone;
    uint64_t last, last_gone;
    char text[200];
    size_t bytes;
    bool echo, close_at_message, close_at_gone, drop_at_message, calling;
} server;

static void on_client(void *ctx, uint64_t client)
{
    (void)ctx;
    server.came++;
    server.last = client;
}

static void on_message(void *ctx, uint64_t client, struct pawl_str line)
{
    CHECK(ctx == &server && !memchr(line.p, '\n', line.n));
    server.messages++;
    server.last = client;
    server.bytes = line.n;
    snprintf(server.text, sizeof server.text, "%.*s", line.n < 199 ? (int)line.n : 199, line.p);
    if (server.echo) CHECK_INT(pawl_control_send(server.c, client, line), PAWL_OK);
    if (server.drop_at_message) {
        server.calling = true;
        pawl_control_send(server.c, client, PAWL_STR("bye"));
        pawl_control_drop(server.c, client);
        CHECK_INT(pawl_control_send(server.c, client, PAWL_STR("more")), PAWL_ENOTFOUND);
        server.calling = false;
    }
    if (server.close_at_message) {
        pawl_control_close(server.c);
        server.c = NULL;
    }
}

static void on_gone(void *ctx, uint64_t client)
{
    (void)ctx;
    CHECK(!server.calling);
    CHECK_INT(pawl_control_send(server.c, client, PAWL_STR("x")), PAWL_ENOTFOUND);
    server.gone++;
    server.last_gone = client;
    if (server.close_at_gone) {
        pawl_control_close(server.c);
        server.c = NULL;
    }
}

static void open_at(const char *where)
{
    struct pawl_error err = {0};
    const struct pawl_control_hooks hooks = {on_client, on_message, on_gone, PAWL_STR("{\"error\":\"no\"}"), &server};
    memset(&server, 0, sizeof server);
    if (!CHECK_INT(pawl_control_open(&memory.alloc, &loop, where, &hooks, &server.c, &err), PAWL_OK)) puts(err.what);
}

static void close_all(void)
{
    pawl_control_close(server.c);
    server.c = NULL;
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(memory.out_bytes, 0);
    CHECK(access(path, F_OK) != 0);
}

#define UNTIL(condition) \
    while (!(condition)) uv_run(&loop, UV_RUN_ONCE)

static struct pawl_control_client connect_to(const char *where)
{
    struct pawl_control_client k = {0};
    struct pawl_error err = {0};
    if (!CHECK_INT(pawl_control_connect(&k, pawl_alloc_libc(), where, 0, &err), PAWL_OK)) puts(err.what);
    return k;
}

static const char *hear(struct pawl_control_client *k)
{
    static char text[100];
    struct pawl_str line;
    const int code = pawl_control_hear(k, 5000 * MS, &line, NULL);
    if (code) return pawl_code_name(code);
    snprintf(text, sizeof text, "%.*s", (int)line.n, line.p);
    return text;
}

static void test_talk(void)
{
    struct pawl_str line;
    struct stat s;
    open_at(path);
    CHECK(stat(path, &s) == 0 && S_ISSOCK(s.st_mode));
    CHECK_INT(s.st_mode & 0777, 0600);
    struct pawl_control_client k = connect_to(path), other = connect_to(path);
    UNTIL(server.came == 2);
    CHECK_INT(pawl_control_clients(server.c), 2);
    CHECK_INT(pawl_control_hear(&k, 0, &line, NULL), PAWL_ETIMEDOUT);
    CHECK_INT(pawl_control_hear(&k, 10 * MS, &line, NULL), PAWL_ETIMEDOUT);
    CHECK_INT(pawl_control_say(&k, PAWL_STR("{\"ask\":1}"), 1000 * MS, NULL), PAWL_OK);
    UNTIL(server.messages == 1);
    CHECK_TEXT(server.text, "{\"ask\":1}");
    const uint64_t id = server.last;
    for (int i = 0; i < 3; i++) CHECK_INT(pawl_control_send(server.c, id, PAWL_STR("answer")), PAWL_OK);
    CHECK_INT(pawl_control_send(server.c, id, (struct pawl_str){NULL, 0}), PAWL_OK);
    CHECK_TEXT(hear(&k), "answer");
    CHECK_TEXT(hear(&k), "answer");
    CHECK_TEXT(hear(&k), "answer");
    CHECK_TEXT(hear(&k), "");
    CHECK_INT(pawl_control_send(server.c, 999, PAWL_STR("x")), PAWL_ENOTFOUND);
    /* What lies in several reads, and several lines in one. */
    CHECK_INT(send(pawl_control_fd(&other), "one\n\ntwo\nth", 11, 0), 11);
    UNTIL(server.messages == 3);
    CHECK_TEXT(server.text, "two");
    CHECK_INT(send(pawl_control_fd(&other), "ree\n", 4, 0), 4);
    UNTIL(server.messages == 4);
    CHECK_TEXT(server.text, "three");
    const uint64_t other_id = server.last;
    CHECK(other_id != id);
    pawl_control_disconnect(&other);
    pawl_control_disconnect(&other);
    UNTIL(server.gone == 1);
    CHECK(server.last_gone == other_id);
    CHECK_INT(pawl_control_clients(server.c), 1);
    close_all();
    CHECK_TEXT(hear(&k), "io");
    CHECK_INT(pawl_control_say(&k, PAWL_STR("x"), 1000 * MS, NULL), PAWL_EIO);
    pawl_control_disconnect(&k);
}

struct big {
    size_t bytes;
    int code;
    bool same;
};
static char *big_text;

static void *say_big(void *ctx)
{
    struct big *b = ctx;
    struct pawl_control_client k = {0};
    struct pawl_str line = {NULL, 0};
    pawl_control_connect(&k, pawl_alloc_libc(), path, 5000 * MS, NULL);
    b->code = pawl_control_say(&k, (struct pawl_str){big_text, (uint32_t)b->bytes}, 20000 * MS, NULL);
    if (!b->code) b->code = pawl_control_hear(&k, 20000 * MS, &line, NULL);
    b->same = line.n == b->bytes && memcmp(line.p, big_text, line.n) == 0;
    pawl_control_disconnect(&k);
    return NULL;
}

static void test_long_lines(void)
{
    pthread_t thread;
    open_at(path);
    server.echo = true;
    struct big b = {.bytes = PAWL_CONTROL_LINE_MAX};
    pthread_create(&thread, NULL, say_big, &b);
    UNTIL(server.gone == 1);
    pthread_join(thread, NULL);
    CHECK_INT(server.bytes, PAWL_CONTROL_LINE_MAX);
    CHECK_INT(b.code, PAWL_OK);
    CHECK(b.same);
    struct pawl_control_client k = connect_to(path);
    const struct pawl_str longer = {big_text, PAWL_CONTROL_LINE_MAX + 1};
    CHECK_INT(pawl_control_say(&k, longer, 1000 * MS, NULL), PAWL_ELIMIT);
    UNTIL(server.came == 2);
    CHECK_INT(pawl_control_send(server.c, server.last, longer), PAWL_ELIMIT);
    /* One that does not keep to it: refused, then closed. */
    size_t sent = 0;
    while (server.gone < 2) {
        const ssize_t n = send(pawl_control_fd(&k), big_text, 100000, MSG_NOSIGNAL);
        if (n > 0) sent += (size_t)n;
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    CHECK(sent > PAWL_CONTROL_LINE_MAX && server.messages == 1);
    CHECK_TEXT(hear(&k), "{\"error\":\"no\"}");
    CHECK_TEXT(hear(&k), "io");
    pawl_control_disconnect(&k);
    close_all();
}

/* One that does not read is dropped at the bound; the other does not notice. */
static void test_slow_client(void)
{
    open_at(path);
    struct pawl_control_client slow = connect_to(path);
    UNTIL(server.came == 1);
    const uint64_t slow_id = server.last;
    struct pawl_control_client k = connect_to(path);
    UNTIL(server.came == 2);
    const struct pawl_str line = {big_text, 1024 * 1024};
    int code = PAWL_OK, lines = 0;
    server.calling = true;
    while (code == PAWL_OK && lines < 100) {
        code = pawl_control_send(server.c, slow_id, line);
        lines++;
    }
    server.calling = false;
    CHECK_INT(code, PAWL_EFULL);
    CHECK(lines >= 16 && lines <= 20);
    CHECK_INT(pawl_control_send(server.c, slow_id, PAWL_STR("x")), PAWL_ENOTFOUND);
    CHECK_INT(pawl_control_send(server.c, server.last, PAWL_STR("hello")), PAWL_OK);
    CHECK_TEXT(hear(&k), "hello");
    UNTIL(server.gone == 1);
    CHECK(server.last_gone == slow_id);
    /* A slow one that reads in the end gets all that was kept for it. */
    lines = 0;
    for (int i = 0; i < 10; i++) lines += pawl_control_send(server.c, server.last, line) == PAWL_OK;
    for (int i = 0; i < lines;) {
        struct pawl_str got;
        uv_run(&loop, UV_RUN_NOWAIT);
        const int heard = pawl_control_hear(&k, 0, &got, NULL);
        if (heard == PAWL_OK) CHECK_INT(got.n, line.n), i++;
        else if (!CHECK_INT(heard, PAWL_ETIMEDOUT)) break;
    }
    CHECK_INT(lines, 10);
    pawl_control_disconnect(&k);
    pawl_control_disconnect(&slow);
    close_all();
}

static void test_many_clients(void)
{
    static struct pawl_control_client all[PAWL_CONTROL_CLIENTS_MAX + 1];
    open_at(path);
    for (int i = 0; i < PAWL_CONTROL_CLIENTS_MAX; i++) {
        all[i] = connect_to(path);
        UNTIL(server.came == i + 1);
    }
    struct pawl_control_client *last = all + PAWL_CONTROL_CLIENTS_MAX;
    *last = connect_to(path);
    struct pawl_str line;
    int code;
    while ((code = pawl_control_hear(last, 0, &line, NULL)) == PAWL_ETIMEDOUT) uv_run(&loop, UV_RUN_ONCE);
    CHECK(code == PAWL_OK && pawl_str_is(line, "{\"error\":\"no\"}"));
    CHECK_TEXT(hear(last), "io");
    pawl_control_disconnect(last);
    pawl_control_disconnect(all);
    UNTIL(server.gone == 1);
    *all = connect_to(path);
    UNTIL(server.came == PAWL_CONTROL_CLIENTS_MAX + 1);
    for (int i = 0; i < PAWL_CONTROL_CLIENTS_MAX; i++) pawl_control_disconnect(all + i);
    UNTIL(server.gone == PAWL_CONTROL_CLIENTS_MAX + 1);
    close_all();
}

static void test_hooks_that_close(void)
{
    open_at(path);
    struct pawl_control_client k = connect_to(path);
    server.drop_at_message = true;
    CHECK_INT(pawl_control_say(&k, PAWL_STR("first"), 1000 * MS, NULL), PAWL_OK);
    UNTIL(server.gone == 1);
    CHECK_TEXT(hear(&k), "bye");
    CHECK_TEXT(hear(&k), "io");
    pawl_control_disconnect(&k);
    k = connect_to(path);
    server.drop_at_message = false;
    server.close_at_gone = true;
    UNTIL(server.came == 2);
    pawl_control_disconnect(&k);
    UNTIL(!server.c);
    close_all();

    open_at(path);
    server.close_at_message = true;
    k = connect_to(path);
    CHECK_INT(send(pawl_control_fd(&k), "one\ntwo\n", 8, 0), 8);
    UNTIL(!server.c);
    CHECK_INT(server.messages, 1);
    pawl_control_disconnect(&k);
    close_all();
}

static void *open_later(void *ctx)
{
    (void)ctx;
    poll(NULL, 0, 30);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%.90s", path);
    bind(fd, (struct sockaddr *)&a, sizeof a);
    listen(fd, 1);
    return (void *)(intptr_t)fd;
}

static void test_where(void)
{
    struct pawl_control_client k = {0};
    struct pawl_error err = {0};
    pthread_t thread;
    void *fd;
    const int64_t before = pawl_clock_mono_ns();
    CHECK_INT(pawl_control_connect(&k, pawl_alloc_libc(), path, 30 * MS, &err), PAWL_ENOTFOUND);
    CHECK(pawl_clock_mono_ns() - before >= 30 * MS);
    CHECK_TEXT(err.what, "expected an owner to answer, nobody does");
    pthread_create(&thread, NULL, open_later, NULL);
    CHECK_INT(pawl_control_connect(&k, pawl_alloc_libc(), path, 20000 * MS, &err), PAWL_OK);
    pthread_join(thread, &fd);
    pawl_control_disconnect(&k);
    close((int)(intptr_t)fd);
    /* Its socket is stale now: nobody answers, and the next owner takes the name over. */
    CHECK_INT(pawl_control_connect(&k, pawl_alloc_libc(), path, 0, &err), PAWL_ENOTFOUND);
    CHECK(access(path, F_OK) == 0);
    open_at(path);
    k = connect_to(path);
    UNTIL(server.came == 1);
    pawl_control_disconnect(&k);
    close_all();

    /* What is not a socket is not removed. */
    const struct pawl_control_hooks hooks = {.on_message = on_message};
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    CHECK_INT(pawl_control_open(&memory.alloc, &loop, path, &hooks, &server.c, &err), PAWL_ECONFLICT);
    CHECK(access(path, F_OK) == 0);
    unlink(path);
    CHECK_INT(pawl_control_open(&memory.alloc, &loop, "/no/such/folder/x.sock", &hooks, &server.c, &err),
              PAWL_ENOTFOUND);
    CHECK_INT(memory.out_bytes, 0);
}

/* Longer than a socket's address holds; and as a name in the current folder, which may change. */
static void test_long_path(void)
{
    char deep[300], name[500], here[300];
    struct pawl_error err = {0};
    snprintf(deep, sizeof deep, "%s/%0100d", folder, 1);
    CHECK_INT(mkdir(deep, 0700), 0);
    snprintf(name, sizeof name, "%s/pawl.db.sock", deep);
    open_at(name);
    struct stat s;
    CHECK(stat(name, &s) == 0 && (s.st_mode & 0777) == 0600);
    struct pawl_control_client k = connect_to(name);
    UNTIL(server.came == 1);
    pawl_control_disconnect(&k);
    close_all();
    CHECK(access(name, F_OK) != 0);

    CHECK(getcwd(here, sizeof here) != NULL);
    CHECK_INT(chdir(deep), 0);
    open_at("pawl.db.sock");
    k = connect_to("pawl.db.sock");
    UNTIL(server.came == 1);
    CHECK_INT(chdir(here), 0);
    pawl_control_disconnect(&k);
    close_all();
    CHECK(access(name, F_OK) != 0);

    snprintf(name, sizeof name, "%s/%0120d", deep, 1);
    const struct pawl_control_hooks hooks = {.on_message = on_message};
    CHECK_INT(pawl_control_open(&memory.alloc, &loop, name, &hooks, &server.c, &err), PAWL_ELIMIT);
    CHECK_INT(pawl_control_connect(&k, pawl_alloc_libc(), name, 0, &err), PAWL_ELIMIT);
    CHECK_INT(rmdir(deep), 0);
}

/* Out of descriptors: it goes on as soon as there are some, and does not spin until then. */
static void test_no_descriptors(void)
{
    struct rlimit before, tight;
    open_at(path);
    struct pawl_control_client k = connect_to(path);
    const int next = dup(0);
    close(next);
    getrlimit(RLIMIT_NOFILE, &before);
    tight = before;
    tight.rlim_cur = (rlim_t)next;
    setrlimit(RLIMIT_NOFILE, &tight);
    uv_run(&loop, UV_RUN_ONCE);
    CHECK_INT(server.came, 0);
    setrlimit(RLIMIT_NOFILE, &before);
    UNTIL(server.came == 1);
    pawl_control_disconnect(&k);
    close_all();
}

/* Another user, even where file modes would let it in. Needs a second user: only root can be one for a while. */
static void test_other_user(void)
{
    if (geteuid() != 0) {
        puts("skipped: another user at the socket, only root can play one");
        return;
    }
    open_at(path);
    CHECK(chmod(folder, 0755) == 0 && chmod(path, 0777) == 0);
    const pid_t pid = fork();
    if (pid == 0) {
        struct pawl_control_client k = {0};
        char byte;
        if (setuid(65534)) _exit(1);
        if (pawl_control_connect(&k, pawl_alloc_libc(), path, 0, NULL) != PAWL_EREADONLY) _exit(2);
        const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un a = {.sun_family = AF_UNIX};
        snprintf(a.sun_path, sizeof a.sun_path, "%.90s", path);
        if (connect(fd, (struct sockaddr *)&a, sizeof a)) _exit(3);
        _exit(recv(fd, &byte, 1, 0) == 0 ? 0 : 4);
    }
    int status;
    while (waitpid(pid, &status, WNOHANG) == 0) uv_run(&loop, UV_RUN_NOWAIT);
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 0);
    CHECK_INT(server.came, 0);
    CHECK_INT(chmod(folder, 0700), 0);
    close_all();
}

static void test_no_memory(void)
{
    struct test_alloc t;
    EVERY_FAILED_ALLOCATION(t) {
        const struct pawl_control_hooks hooks = {on_client, on_message, on_gone, PAWL_STR("no"), &server};
        memset(&server, 0, sizeof server);
        const int code = pawl_control_open(&t.alloc, &loop, path, &hooks, &server.c, NULL);
        CHECK(code == PAWL_OK || code == PAWL_ENOMEM);
        if (code == PAWL_OK) {
            struct pawl_control_client k = {0};
            struct pawl_str line;
            int heard = PAWL_ETIMEDOUT;
            CHECK_INT(pawl_control_connect(&k, pawl_alloc_libc(), path, 0, NULL), PAWL_OK);
            pawl_control_say(&k, PAWL_STR("hello"), 1000 * MS, NULL);
            while (heard == PAWL_ETIMEDOUT && server.messages == 0) {
                uv_run(&loop, UV_RUN_NOWAIT);
                heard = pawl_control_hear(&k, 0, &line, NULL);
            }
            if (server.messages) {
                const struct pawl_str much = {big_text, 4 * 1024 * 1024};
                const int sent = pawl_control_send(server.c, server.last, much);
                CHECK(sent == PAWL_OK || sent == PAWL_ENOMEM);
            }
            pawl_control_disconnect(&k);
            pawl_control_close(server.c);
        }
        uv_run(&loop, UV_RUN_DEFAULT);
    }
}

static void on_alarm(int number)
{
    (void)number;
}

/* A signal ends the wait, so that Ctrl-C is seen. */
static void test_signal(void)
{
    open_at(path);
    struct pawl_control_client k = connect_to(path);
    struct pawl_str line;
    const struct sigaction a = {.sa_handler = on_alarm, .sa_flags = (int)SA_RESTART};
    sigaction(SIGALRM, &a, NULL);
    const struct itimerval soon = {.it_value = {.tv_usec = 20000}};
    setitimer(ITIMER_REAL, &soon, NULL);
    CHECK_INT(pawl_control_hear(&k, 20000 * MS, &line, NULL), PAWL_EPENDING);
    pawl_control_disconnect(&k);
    close_all();
}

int main(void)
{
    big_text = malloc(PAWL_CONTROL_LINE_MAX + 1);
    for (size_t i = 0; i <= PAWL_CONTROL_LINE_MAX; i++) big_text[i] = (char)('a' + i % 26);
    snprintf(folder, sizeof folder, "/tmp/pawl-control-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/pawl.db.sock", folder);
    test_alloc_init(&memory, 0);
    uv_loop_init(&loop);
    test_talk();
    test_long_lines();
    test_slow_client();
    test_many_clients();
    test_hooks_that_close();
    test_where();
    test_long_path();
    test_no_descriptors();
    test_other_user();
    test_no_memory();
    test_signal();
    CHECK_INT(uv_loop_close(&loop), 0);
    CHECK_INT(rmdir(folder), 0);
    free(big_text);
    return TEST_END();
}
