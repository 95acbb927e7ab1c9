/* src/host/handover_test.c - several processes and one store: who owns it, clients of the owner, and owners that end, also
 * by SIGKILL, while others wait for their runs. The other processes are this program, told what to do by lines.
 *
 * The tool `slow` writes its key into the file `ledger` and then waits until somebody opens the fifo `gate`, so nothing
 * here sleeps for luck. */
#include <fcntl.h>
#include "host/host_kit.h"

static const char config[] =
    "version: 1\n"
    "models:\n"
    "  slow: {provider: script, script: [{call: {name: slow, args: {}}}, {say: done}]}\n"
    "  quick: {provider: script, script: [{call: {name: quick, args: {}}}, {say: done}]}\n"
    "  pays: {provider: script, script: [{call: {name: pay, args: {}}}, {say: paid}]}\n"
    "  fails: {provider: script, script: [{call: {name: fail, args: {}}}, {say: well}]}\n"
    "  talks: {provider: script, script: [{say: one}, {say: two}, {say: three}]}\n"
    "tools:\n"
    "  slow: {command: [sh, -c, 'echo $PAWL_IDEMPOTENCY_KEY >>ledger; read line <gate; echo 1'], effect: mutate, key: {}, input: {type: object}, timeout: 60s}\n"
    "  quick: {command: [sh, -c, 'echo $PAWL_IDEMPOTENCY_KEY >>ledger; echo 1'], effect: mutate, input: {type: object}}\n"
    "  pay: {command: [sh, -c, 'echo 1'], effect: irreversible, input: {type: object}}\n"
    "  fail: {command: [sh, -c, 'exit 7'], effect: mutate, input: {type: object}}\n"
    "agents:\n"
    "  slow: {model: slow, tools: [slow]}\n"
    "  quick: {model: quick, tools: [quick]}\n"
    "  pays: {model: pays, tools: [pay]}\n"
    "  fails: {model: fails, tools: [fail]}\n"
    "  talks: {model: talks, tools: []}\n";

/* ---- the other processes ---- */

static int say_seq(void *ctx, const char *json, size_t bytes)
{
    yyjson_val *v;
    (void)ctx;
    if (pawl_json_read((struct pawl_str){json, (uint32_t)bytes}, &kit_arena, &v, NULL)) return 0;
    if (yyjson_obj_get(v, "record"))
        printf("seq %lld\n", (long long)yyjson_get_sint(yyjson_obj_get(yyjson_obj_get(v, "record"), "seq")));
    fflush(stdout);
    return 0;
}

static struct pawl *role_handle;

static void on_interrupt(int number)
{
    (void)number;
    pawl_interrupt(role_handle, true);
}

static void obey(char *line)
{
    struct pawl_error err = {0};
    const char *status = NULL;
    char *verb = strtok(line, " \n"), *one = strtok(NULL, " \n"), *two = strtok(NULL, " \n"), run[37] = "";
    int rc = 0;
    if (strcmp(verb, "open") == 0) {
        const struct pawl_options o = {.size = sizeof o,
                                       .must_own = one && strcmp(one, "must") == 0,
                                       .hold = one && strcmp(one, "hold") == 0,
                                       .only_read = one && strcmp(one, "read") == 0};
        rc = pawl_open(&o, &role_handle, &err);
        if (rc == PAWL_OK) printf("%s\n", pawl_owns(role_handle) ? "owner" : "client");
    } else if (strcmp(verb, "start") == 0) {
        const struct pawl_start s = {.size = sizeof s, .agent = one, .input = "go", .key = two};
        rc = pawl_start_run(role_handle, &s, run, &err);
        if (rc == PAWL_OK) printf("%s\n", run);
    } else if (strcmp(verb, "wait") == 0) {
        rc = pawl_wait(role_handle, one, two ? atoll(two) * 1000000 : -1, &status, &err);
        if (rc == PAWL_OK) printf("%s%s\n", status, pawl_owns(role_handle) ? " owner" : " client");
    } else if (strcmp(verb, "follow") == 0) {
        char request[128];
        snprintf(request, sizeof request, "{\"do\":\"follow\",\"run\":\"%s\"}", one);
        rc = pawl_call(role_handle, request, say_seq, NULL, &err);
        if (rc == PAWL_OK) printf("end%s\n", pawl_owns(role_handle) ? " owner" : " client");
        fflush(stdout);
        /* another one that follows may come to us only now; whoever owns is to turn its loop for it */
        if (rc == PAWL_OK && pawl_owns(role_handle)) pawl_turn(role_handle, 2 * KIT_S, NULL);
    } else if (strcmp(verb, "turn") == 0) {
        rc = pawl_turn(role_handle, atoll(one) * 1000000, &err);
        if (rc == PAWL_OK) printf("turned%s\n", pawl_owns(role_handle) ? " owner" : " client");
    } else if (strcmp(verb, "close") == 0) {
        pawl_close(role_handle);
        role_handle = NULL;
        printf("closed\n");
    }
    if (rc) printf("%s: %s; %s\n", pawl_code_name(rc), err.what, err.next);
    fflush(stdout);
}

static int role(void)
{
    char line[256];
    struct sigaction a = {.sa_handler = on_interrupt};
    pawl_arena_init(&kit_arena, pawl_alloc_libc());
    sigaction(SIGINT, &a, NULL);
    while (fgets(line, sizeof line, stdin)) obey(line);
    _exit(0); /* without closing: as if it fell over */
}

static struct kit_process another(const char *want)
{
    struct kit_process k = kit_spawn("role", NULL);
    char line[256];
    kit_tell(&k, "open\n");
    if (!CHECK_TEXT(kit_hear(&k, line), want)) exit(1);
    return k;
}

static void heard(struct kit_process *k, const char *want, int at)
{
    char line[256];
    if (!CHECK_TEXT(kit_hear(k, line), want)) printf("  at line %d\n", at);
}
#define HEARD(k, want) heard((k), (want), __LINE__)

static void tell_start(struct kit_process *k, const char *agent, const char *key, char run[37])
{
    char line[256];
    snprintf(line, sizeof line, "start %s %s\n", agent, key);
    kit_tell(k, line);
    snprintf(run, 37, "%.36s", kit_hear(k, line));
    if (!CHECK_INT(strlen(run), 36)) printf("  %s\n", line);
}

static void fresh(void)
{
    kit_remove_store();
    unlink("ledger");
    unlink("gate");
    kit_write("pawl.yaml", config);
    CHECK_INT(mkfifo("gate", 0600), 0);
}

/* How often the tool was called, and with how many keys. */
static void ledger(int *calls, int *keys)
{
    char lines[64][64];
    FILE *f = fopen("ledger", "r");
    *calls = *keys = 0;
    while (f && *calls < 64 && fgets(lines[*calls], sizeof lines[0], f)) {
        int i = 0;
        while (i < *calls && strcmp(lines[i], lines[*calls]) != 0) i++;
        if (i == *calls) ++*keys;
        ++*calls;
    }
    if (f) fclose(f);
}

static bool called(int want)
{
    const int64_t until_ns = pawl_clock_mono_ns() + 20 * KIT_S;
    int calls, keys;
    do ledger(&calls, &keys);
    while (calls < want && pawl_clock_mono_ns() < until_ns);
    return CHECK_INT(calls, want);
}

/* Once the tool has been called that often, the last one may end. */
static void open_gate(int want)
{
    const int fd = called(want) ? open("gate", O_WRONLY) : -1;
    CHECK(fd >= 0 && write(fd, "go\n", 3) == 3);
    if (fd >= 0) close(fd);
}

/* ---- stories ---- */

/* Until the follower has heard of the tool's intent, so that it follows, and the tool is on its way. */
static void follow_to_intent(struct kit_process *k, const char *run)
{
    char line[256];
    snprintf(line, sizeof line, "follow %s\n", run);
    kit_tell(k, line);
    do kit_hear(k, line);
    while (line[0] && strcmp(line, "seq 4") != 0);
    CHECK_TEXT(line, "seq 4");
}

/* What a follower heard of: every record once, in order, to the end. true: it became the owner. */
static bool follow_to_end(struct kit_process *k, int from)
{
    char line[256], want[32];
    int seq = from;
    for (; kit_hear(k, line)[0] && strncmp(line, "seq ", 4) == 0; seq++) {
        snprintf(want, sizeof want, "seq %d", seq);
        CHECK_TEXT(line, want);
    }
    if (!CHECK(strncmp(line, "end", 3) == 0)) printf("  after seq %d: %s\n", seq - 1, line);
    CHECK(seq > from);
    return strcmp(line, "end owner") == 0;
}

static void the_owner_is_killed(void)
{
    struct kit_process o, a, b;
    char run[37];
    int calls, keys, owners;
    fresh();
    o = another("owner");
    a = another("client");
    b = another("client");
    tell_start(&o, "slow", "k", run);
    kit_tell(&o, "wait @last\n"); /* which drives it */
    follow_to_intent(&a, run);
    follow_to_intent(&b, run);
    called(1);
    CHECK_INT(kit_kill(&o, SIGKILL), -SIGKILL);
    open_gate(2); /* the first one's tool was killed with it: this is the second call, by the new owner */
    owners = follow_to_end(&a, 5);
    owners += follow_to_end(&b, 5);
    CHECK_INT(owners, 1);
    ledger(&calls, &keys);
    CHECK_INT(calls, 2);
    CHECK_INT(keys, 1);
    kit_join(&a);
    kit_join(&b);
}

static void the_owner_closes(void)
{
    struct kit_process o, a;
    char run[37];
    int calls, keys;
    fresh();
    o = another("owner");
    a = another("client");
    tell_start(&o, "slow", "k", run);
    kit_tell(&o, "wait @last 100000\n");
    follow_to_intent(&a, run);
    kill(o.pid, SIGINT); /* finish what is under way */
    open_gate(1);
    HEARD(&o, "cancelled: interrupted; what was acknowledged is safe; pawl resume RUN");
    kit_tell(&o, "wait @last\n");
    HEARD(&o, "running owner"); /* it works no more, and says so */
    kit_tell(&o, "close\n");
    HEARD(&o, "closed");
    CHECK(follow_to_end(&a, 5));
    ledger(&calls, &keys);
    CHECK_INT(calls, 1); /* it was awaited */
    CHECK_INT(keys, 1);
    kit_join(&o);
    kit_join(&a);
}

/* Many at once; then again and again the owner is killed, until one is left. */
static void a_race(void)
{
    enum { MANY = 6 };
    struct kit_process all[MANY];
    char line[256], run[37], key[16];
    int left = MANY, calls, keys, rounds = 0;
    fresh();
    for (int i = 0; i < MANY; i++) all[i] = kit_spawn("role", NULL);
    for (int i = 0; i < MANY; i++) kit_tell(&all[i], "open\n");
    for (int i = 0; i < MANY; i++) kit_hear(&all[i], line);
    while (left > 0) {
        int owner = -1, owners = 0;
        snprintf(key, sizeof key, "k%d", ++rounds);
        for (int i = 0; i < left; i++) {
            snprintf(line, sizeof line, "start quick %s\n", key);
            kit_tell(&all[i], line);
            kit_tell(&all[i], "wait @last 20000\n");
        }
        /* Clients are answered while the owner drives; it drives while it waits, and once more for those who are late. */
        for (int i = 0; i < left; i++) kit_tell(&all[i], "turn 300\n");
        run[0] = 0;
        for (int i = 0; i < left; i++) {
            kit_hear(&all[i], line);
            if (!run[0]) snprintf(run, sizeof run, "%.36s", line);
            CHECK_TEXT(line, run); /* the same run for all */
            CHECK(strncmp(kit_hear(&all[i], line), "done", 4) == 0);
            kit_hear(&all[i], line);
            if (strcmp(line, "turned owner") == 0) owner = i, owners++;
            else CHECK_TEXT(line, "turned client");
        }
        CHECK_INT(owners, 1);
        if (owner < 0) break;
        kit_kill(&all[owner], SIGKILL);
        all[owner] = all[--left];
    }
    ledger(&calls, &keys);
    CHECK_INT(calls, MANY);
    CHECK_INT(keys, MANY);
    for (int i = 0; i < left; i++) kit_kill(&all[i], SIGKILL);
}

/* A client waits in pawl_turn, and owns the store when the owner has ended. */
static void a_turning_client(void)
{
    struct kit_process o, a;
    char run[37];
    fresh();
    o = another("owner");
    a = another("client");
    kit_tell(&a, "turn 50\n");
    HEARD(&a, "turned client");
    kit_kill(&o, SIGKILL);
    kit_tell(&a, "turn 300\n");
    HEARD(&a, "turned owner");
    tell_start(&a, "quick", "k", run);
    kit_tell(&a, "wait @last\n");
    HEARD(&a, "done owner");
    kit_tell(&a, "close\n");
    HEARD(&a, "closed");
    kit_join(&a);
}

static void interrupted_clients(void)
{
    struct kit_process o, a;
    char run[37], line[256];
    fresh();
    o = another("owner");
    a = another("client");
    tell_start(&o, "pays", "k", run);
    kit_tell(&o, "turn 100000\n");
    kit_tell(&a, "wait @last 20000\n");
    HEARD(&a, "waiting client"); /* for a person */
    snprintf(line, sizeof line, "turn 100000\n");
    kit_tell(&a, line);
    kill(a.pid, SIGINT); /* whether it turns already or not */
    HEARD(&a, "cancelled: interrupted; the owner of the store goes on; ");
    kit_kill(&o, SIGKILL);
    kit_join(&a);
}

static void times_are_bounded(void)
{
    struct kit_process o, a;
    char run[37], line[256];
    fresh();
    o = another("owner");
    a = another("client");
    tell_start(&o, "slow", "k", run);
    kit_tell(&o, "turn 100000\n");
    kit_tell(&a, "wait @last 200\n");
    CHECK(strncmp(kit_hear(&a, line), "timeout: ", 9) == 0);
    kill(o.pid, SIGSTOP); /* it has the store, and says nothing */
    kit_tell(&a, "wait @last 200\n");
    CHECK(strncmp(kit_hear(&a, line), "timeout: ", 9) == 0);
    kill(o.pid, SIGCONT);
    kit_kill(&o, SIGKILL);
    kit_join(&a);
}

static void must_own(void)
{
    struct kit_process o, a;
    char line[256], number[32];
    struct pawl *p;
    struct pawl_error err;
    fresh();
    o = another("owner");
    kit_tell(&o, "turn 100000\n");
    a = kit_spawn("role", NULL);
    kit_tell(&a, "open must\n");
    snprintf(number, sizeof number, "process %d", (int)o.pid);
    kit_hear(&a, line);
    CHECK(strncmp(line, "busy: ", 6) == 0 && strstr(line, number) && strstr(line, "must_own"));
    kit_tell(&a, "open read\n");
    HEARD(&a, "client");
    p = kit_open();
    CHECK(!pawl_owns(p));
    FAILS(pawl_register_tool(p, "x", (pawl_tool_fn *)(uintptr_t)1, NULL, &why), PAWL_EBUSY, "another process owns",
          "of its own");
    CHECK(kit_ask(p, "{\"do\":\"ping\"}", &err) != NULL);
    pawl_close(p);
    /* Somebody took the socket away: it is told who has the store. */
    unlink("pawl.db.sock");
    kit_tell(&a, "open\n");
    kit_hear(&a, line);
    CHECK(strncmp(line, "busy: ", 6) == 0 && strstr(line, number));
    kit_kill(&o, SIGKILL);
    kit_join(&a);
}

/* The owner only takes in answers: who wants a step done is told so, and can do it when it has ended. */
static void an_owner_that_holds(void)
{
    struct kit_process o = kit_spawn("role", NULL), a;
    char run[37];
    fresh();
    kit_tell(&o, "open hold\n");
    HEARD(&o, "owner");
    kit_tell(&o, "turn 300\n");
    a = another("client");
    kit_tell(&a, "start quick k\n"); /* is refused, and tried again: */
    kit_tell(&a, "wait @last 20000\n");
    HEARD(&o, "turned owner");
    kit_tell(&o, "close\n");
    HEARD(&o, "closed");
    snprintf(run, sizeof run, "%.36s", kit_hear(&a, (char[256]){0}));
    CHECK_INT(strlen(run), 36);
    HEARD(&a, "done owner");
    kit_join(&o);
    kit_join(&a);
}

/* Everything that can be said, by a client. */
static void all_words(void)
{
    struct kit_process o;
    struct pawl *p;
    struct pawl_error err;
    struct pawl_start talk = {.size = sizeof talk, .agent = "talks", .input = "hi", .chat = true};
    yyjson_val *v;
    char run[37], again[37], digest[65];
    fresh();
    o = another("owner");
    kit_tell(&o, "turn 100000\n");
    p = kit_open();
    CHECK(!pawl_owns(p));
    kit_start(p, "pays", "k", run);
    kit_start(p, "pays", "k", again);
    CHECK_TEXT(again, run);
    CHECK_TEXT(kit_wait(p, run), "waiting");
    snprintf(digest, sizeof digest, "%s", kit_text(yyjson_obj_get(kit_step(kit_view(p, run), 2), "asked"), "digest"));
    FAILS(pawl_approve(p, run, 2, "00", NULL, NULL, &why), PAWL_EINVAL, "64 hexadecimal", "pawl show");
    FAILS(pawl_approve(p, run, 9, NULL, NULL, NULL, &why), PAWL_ENOTFOUND, "", "pawl show");
    CHECK_INT(pawl_approve(p, run, 2, digest, "fine", "a", NULL), PAWL_OK);
    CHECK_TEXT(kit_wait(p, run), "done");
    CHECK_TEXT(kit_text(kit_view(p, run), "output"), "paid");

    kit_start(p, "fails", NULL, run);
    CHECK_TEXT(kit_wait(p, run), "waiting");
    CHECK_INT(pawl_resolve(p, run, 0, PAWL_IT_HAPPENED, "{\"id\":1}", NULL, NULL), PAWL_OK);
    CHECK_TEXT(kit_wait(p, run), "done");

    CHECK_INT(pawl_start_run(p, &talk, run, NULL), PAWL_OK);
    CHECK_TEXT(kit_wait(p, run), "waiting");
    CHECK_INT(pawl_send(p, run, "more", "m", NULL), PAWL_OK);
    CHECK_INT(pawl_send(p, run, "more", "m", NULL), PAWL_OK);
    CHECK_TEXT(kit_wait(p, run), "waiting");
    CHECK_INT(pawl_cancel(p, run, NULL, NULL, NULL), PAWL_OK);
    CHECK_TEXT(kit_wait(p, run), "cancelled");
    FAILS(pawl_send(p, run, "more", NULL, &why), PAWL_ECONFLICT, "has ended", "pawl show");

    talk.agent = "tlaks";
    FAILS(pawl_start_run(p, &talk, run, &why), PAWL_ENOTFOUND, "no agent tlaks", "did you mean talks?");
    FAILS(pawl_send(p, "ffff", "x", NULL, &why), PAWL_ENOTFOUND, "no run ffff", "pawl ls");
    FAILS(pawl_call(p, "{\"do\":\"dance\"}", NULL, NULL, &why), PAWL_EINVAL, "no request dance", "docs/protocol.md");
    FAILS(pawl_call(p, "nonsense", NULL, NULL, &why), PAWL_EINVAL, "", "");
    v = kit_ask(p, "{\"do\":\"list\",\"status\":[\"done\"]}", &err);
    CHECK_INT(yyjson_arr_size(yyjson_obj_get(v, "runs")), 2);
    CHECK(kit_ask(p, "{\"do\":\"resume\",\"all\":true}", &err) != NULL);
    CHECK(kit_ask(p, "{\"do\":\"resume\",\"run\":\"@last\"}", &err) != NULL);
    v = kit_ask(p, "{\"do\":\"verify\"}", &err);
    CHECK_INT(yyjson_get_int(yyjson_obj_get(v, "runs")), 3);
    v = kit_ask(p, "{\"do\":\"sql\",\"text\":\"SELECT count(*) FROM runs\"}", &err);
    CHECK_INT(yyjson_get_int(yyjson_arr_get(yyjson_arr_get(yyjson_obj_get(v, "rows"), 0), 0)), 3);
    v = kit_ask(p, "{\"do\":\"ping\"}", &err);
    CHECK_INT(yyjson_get_int(yyjson_obj_get(v, "pid")), o.pid);
    pawl_close(p);
    kit_kill(&o, SIGKILL);
}

/* A start brings its secrets; they stay in that owner's memory. The next one has none. */
static void secrets_of_a_client(void)
{
    static const char yaml[] =
        "version: 1\n"
        "models: {m: {provider: script, script: [{call: {name: slow, args: {}}}, {say: done}]}}\n"
        "tools:\n"
        "  slow: {command: [sh, -c, 'echo $PAWL_IDEMPOTENCY_KEY >>ledger; read line <gate; echo 1'], effect: mutate, key: {}, input: {type: object}, timeout: 60s}\n"
        "  far: {http: {method: GET, url: \"http://127.0.0.1:9/x\", headers: {a: \"${env:PAWL_TEST_KEY}\"}}, effect: read, input: {type: object}}\n"
        "agents: {slow: {model: m, tools: [slow]}}\n";
    struct kit_process o, next;
    struct pawl *p;
    char run[37], line[256];
    fresh();
    o = another("owner");
    kit_tell(&o, "turn 100000\n");
    next = another("client");
    kit_write("pawl.yaml", yaml);
    setenv("PAWL_TEST_KEY", "precious-7231", 1);
    p = kit_open();
    kit_start(p, "slow", "k", run);
    unsetenv("PAWL_TEST_KEY");
    called(1); /* it runs there, where nothing has the variable */
    kit_kill(&o, SIGKILL);
    snprintf(line, sizeof line, "wait %s 20000\n", run);
    kit_tell(&next, line);
    HEARD(&next, "waiting owner");
    kit_tell(&next, "close\n");
    HEARD(&next, "closed");
    CHECK_TEXT(kit_text(kit_view(p, run), "waiting"), "configuration");
    CHECK(strstr(kit_text(kit_view(p, run), "sentence"), "can be used now") != NULL); /* we have read the variable */
    CHECK_INT(system("grep -q precious-7231 pawl.db pawl.db-wal 2>/dev/null"), 256);  /* nothing of it is stored */
    pawl_close(p);
    kit_join(&next);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "role") == 0) return role();
    signal(SIGPIPE, SIG_IGN);
    kit_begin();
    the_owner_is_killed();
    the_owner_closes();
    a_race();
    a_turning_client();
    interrupted_clients();
    times_are_bounded();
    must_own();
    an_owner_that_holds();
    all_words();
    secrets_of_a_client();
    return kit_end();
}
