/* src/host/open_test.c - opening: options, configurations that are not there or not right, stores that are none, and what
 * a run that was started with another configuration finds when it goes on. */
#include <fcntl.h>
#include <sqlite3.h>
#include "host/host_kit.h"

static const char good[] = "version: 1\n"
                           "models: {m: {provider: script, script: [{call: {name: act, args: {}}}, {say: done}]}}\n"
                           "tools: {act: {effect: mutate, input: {type: object}}}\n"
                           "agents: {a: {model: m, tools: [act]}}\n";

static int try_open(struct pawl_options o, struct pawl_error *err)
{
    struct pawl *p = (struct pawl *)1;
    int rc;
    o.size = sizeof o;
    rc = pawl_open(&o, &p, err);
    CHECK((rc == PAWL_OK) == (p != NULL));
    if (rc == PAWL_OK) pawl_close(p);
    return rc;
}
#define OPEN(...) try_open((struct pawl_options){__VA_ARGS__}, &why)

static void act(void *ctx, const struct pawl_tool_call *call,
                void (*answer)(void *, enum pawl_tool_verdict, const char *, size_t), void *answer_ctx)
{
    (void)call;
    ++*(int *)ctx;
    answer(answer_ctx, PAWL_TOOL_APPLIED, "{}", 2);
}

static void configurations(void)
{
    unlink("pawl.yaml");
    kit_remove_store();
    CHECK_INT(try_open((struct pawl_options){0}, NULL), PAWL_OK); /* none need be there */
    FAILS(OPEN(.config = "nowhere.yaml"), PAWL_ENOTFOUND, "No such file", "pawl init");
    FAILS(OPEN(.config = "."), PAWL_EINVAL, "directory", "name a file");
    kit_write("bad.yaml", "version: 1\nmodles: {}\ntools: {x: {effect: raed}}\n");
    FAILS(OPEN(.config = "bad.yaml"), PAWL_ECONFIG, "modles", "pawl check bad.yaml shows all");
    kit_write("bad.yaml", "version: 1\n\tmodels: {}\n");
    FAILS(OPEN(.config = "bad.yaml"), PAWL_ECONFIG, "", "");
    kit_write("bad.yaml", "");
    FAILS(OPEN(.config = "bad.yaml"), PAWL_ECONFIG, "", "");
    /* With another store named and late_config it does not matter until something is started. */
    CHECK_INT(try_open((struct pawl_options){.config = "bad.yaml", .store = "sqlite:pawl.db", .late_config = true},
                       NULL),
              PAWL_OK);
    FAILS(OPEN(.config = "bad.yaml", .late_config = true), PAWL_ECONFIG, "", "");
    /* Without, too, where it can be read where the store is. */
    kit_write("bad.yaml", "version: 1\nstore: sqlite:pawl.db\nmodles: {}\ntools: {x: {effect: raed}}\n");
    CHECK_INT(try_open((struct pawl_options){.config = "bad.yaml", .late_config = true}, NULL), PAWL_OK);
    kit_write("bad.yaml", "[a, list]\n");
    FAILS(OPEN(.config = "bad.yaml", .late_config = true), PAWL_ECONFIG, "expected a mapping", "");
    kit_write("bad.yaml", "version: 1\nstore: [x]\nmodles: {}\n");
    FAILS(OPEN(.config = "bad.yaml", .late_config = true), PAWL_ECONFIG, "store", "pawl check bad.yaml shows all");
    FAILS(OPEN(.store = "postgres:x"), PAWL_EINVAL, "expected sqlite:PATH, found postgres:x", "sqlite:PATH");
    FAILS(OPEN(.store = "sqlite:"), PAWL_EINVAL, "expected sqlite:PATH", "sqlite:PATH");
}

/* A variable that is not set bars what starts something, and nothing else. */
static void a_variable_is_missing(void)
{
    static const char yaml[] = "version: 1\n"
                               "store: sqlite:other.db\n"
                               "models: {m: {provider: openai, model: x, api_key: \"${env:PAWL_TEST_KEY}\"}}\n"
                               "agents: {a: {model: m, tools: []}}\n";
    struct pawl *p;
    struct pawl_error err;
    char run[37];
    const struct pawl_start s = {.size = sizeof s, .agent = "a", .input = "go"};
    unsetenv("PAWL_TEST_KEY");
    kit_write("pawl.yaml", yaml);
    FAILS(OPEN(0), PAWL_ECONFIG, "PAWL_TEST_KEY is not set", "set it");
    p = kit_open_with((struct pawl_options){.late_config = true});
    CHECK_INT(access("other.db", F_OK), 0); /* the store that the configuration names */
    CHECK(kit_ask(p, "{\"do\":\"list\"}", &err) != NULL);
    FAILS(pawl_start_run(p, &s, run, &why), PAWL_ECONFIG, "PAWL_TEST_KEY is not set", "set it");
    pawl_close(p);
    unlink("other.db");
    unlink("other.db.lock");
}

static void a_run_waits_for_its_variable(void)
{
    static const char yaml[] =
        "version: 1\n"
        "models: {m: {provider: script, script: [{call: {name: act, args: {}}}, {say: done}]}}\n"
        "tools:\n"
        "  act: {effect: mutate, input: {type: object}}\n"
        "  far: {http: {method: GET, url: \"http://127.0.0.1:9/x\", headers: {a: \"${env:PAWL_TEST_KEY}\"}}, effect: read, input: {type: object}}\n"
        "agents: {a: {model: m, tools: [act]}}\n";
    struct pawl *p;
    struct pawl_error err;
    char run[37];
    int calls = 0;
    setenv("PAWL_TEST_KEY", "1", 1);
    p = kit_fresh(yaml);
    kit_start(p, "a", NULL, run);
    CHECK_TEXT(kit_wait(p, run), "waiting");
    pawl_close(p);
    unsetenv("PAWL_TEST_KEY");
    kit_write("pawl.yaml", good); /* another configuration now: the run keeps its own */
    p = kit_open();
    CHECK_INT(pawl_register_tool(p, "act", act, &calls, NULL), PAWL_OK);
    CHECK_TEXT(kit_wait(p, run), "waiting");
    CHECK_TEXT(kit_text(kit_view(p, run), "waiting"), "configuration");
    CHECK(strstr(kit_text(kit_view(p, run), "sentence"), "PAWL_TEST_KEY") != NULL);
    FAILS(pawl_send(p, run, "hello", NULL, &why), PAWL_ECONFIG, "configuration", "pawl resume");
    setenv("PAWL_TEST_KEY", "1", 1);
    CHECK(kit_ask(p, "{\"do\":\"resume\",\"run\":\"@last\"}", &err) != NULL);
    CHECK_TEXT(kit_wait(p, run), "done");
    CHECK_INT(calls, 1);
    pawl_close(p);
}

/* What runs were started with counts, whatever became of the file. */
static void the_file_has_changed(void)
{
    static const char *const later[] = {
        "version: 1\nmodels: {m: {provider: script, script: [{say: other}]}}\nagents: {b: {model: m, tools: []}}\n",
        "version: 1\nmodels: {m: {provider: script, script: [{say: other}]}}\n"
        "tools: {act: {effect: read, input: {type: object, required: [x]}}}\nagents: {a: {model: m, tools: [act]}}\n",
        NULL};
    for (const char *const *yaml = later; *yaml; yaml++) {
        struct pawl *p = kit_fresh(good);
        const struct pawl_start s = {.size = sizeof s, .agent = "a", .input = "go"};
        char run[37];
        int calls = 0;
        kit_start(p, "a", "k", run);
        CHECK_TEXT(kit_wait(p, run), "waiting"); /* for its tool */
        pawl_close(p);
        kit_write("pawl.yaml", *yaml);
        p = kit_open();
        CHECK_INT(pawl_register_tool(p, "act", act, &calls, NULL), PAWL_OK);
        CHECK_TEXT(kit_wait(p, run), "done");
        CHECK_INT(calls, 1);
        CHECK_TEXT(kit_text(kit_view(p, run), "output"), "done");
        if (yaml == later) FAILS(pawl_start_run(p, &s, run, &why), PAWL_ENOTFOUND, "no agent a", "");
        pawl_close(p);
    }
}

static void no_configuration_at_all(void)
{
    const struct pawl_start s = {.size = sizeof s, .agent = "a", .input = "go"};
    char run[37];
    struct pawl *p;
    kit_remove_store();
    unlink("pawl.yaml");
    p = kit_open();
    FAILS(pawl_start_run(p, &s, run, &why), PAWL_ENOTFOUND, "no configuration", "pawl init");
    pawl_close(p);
}

static void sql(const char *path, const char *text)
{
    sqlite3 *db = NULL;
    CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
    CHECK_INT(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void damage(const char *path, long at, const char *bytes)
{
    FILE *f = fopen(path, "r+");
    CHECK(f && fseek(f, at, SEEK_SET) == 0 && fputs(bytes, f) >= 0);
    if (f) fclose(f);
}

static void stores_that_are_none(void)
{
    struct pawl *p = kit_fresh(good);
    char run[37];
    kit_start(p, "a", NULL, run);
    CHECK_TEXT(kit_wait(p, run), "waiting");
    pawl_close(p);
    FAILS(OPEN(.store = "sqlite:no/such/folder/pawl.db"), PAWL_ENOTFOUND, "folder of the store is not there",
          "make the folder");
    mkdir("folder.db", 0700);
    FAILS(OPEN(.store = "sqlite:folder.db"), PAWL_EINVAL, "folder", "name a file");
    kit_write("text.db",
              "this is no database, although it is longer than a header would be: one hundred bytes and more, or so\n");
    FAILS(OPEN(.store = "sqlite:text.db"), PAWL_ECORRUPT, "no database at all", "name another file");
    kit_write("file", "");
    FAILS(OPEN(.store = "sqlite:file/pawl.db"), PAWL_ENOTFOUND, "", "");
    sql("others.db", "CREATE TABLE recipes(name)");
    FAILS(OPEN(.store = "sqlite:others.db"), PAWL_EINVAL, "another program", "left as it is");
    sql("pawl.db", "PRAGMA user_version = 99");
    FAILS(OPEN(0), PAWL_EVERSION, "found format 99", "open it with pawl");
    FAILS(OPEN(.only_read = true), PAWL_EVERSION, "found format 99", "open it with pawl");
    sql("pawl.db", "PRAGMA user_version = 5");
    CHECK_INT(try_open((struct pawl_options){0}, NULL), PAWL_OK);
    CHECK_INT(symlink("pawl.db", "linked.db"), 0);
    damage("pawl.db", 4096,
           "................................................................................................");
    FAILS(OPEN(0), PAWL_ECORRUPT, "", "backup");
    /* Something in the way of the socket, of the commands' folder */
    p = kit_fresh(good);
    pawl_close(p);
    kit_write("pawl.db.sock", "precious");
    FAILS(OPEN(0), PAWL_ECONFLICT, "found another file", "move it away");
    unlink("pawl.db.sock");
    CHECK_INT(rmdir("pawl.db.attempts"), 0);
    kit_write("pawl.db.attempts", "precious");
    FAILS(OPEN(0), PAWL_ENOTFOUND, "folder of running commands", "");
    unlink("pawl.db.attempts");
    CHECK_INT(try_open((struct pawl_options){0}, NULL), PAWL_OK);
}

/* As somebody whom the folder does not belong to: root may write everywhere. */
static int as_nobody(void)
{
    struct pawl_error why;
    if (geteuid() == 0 && (setegid(65534) || seteuid(65534))) return 3;
    if (OPEN(0) != PAWL_EREADONLY || !why.next[0]) return 1;
    return OPEN(.store = "sqlite:new.db") != PAWL_EREADONLY || !why.next[0] ? 2 : 0;
}

static void a_folder_that_cannot_be_written(void)
{
    int status = -1;
    pid_t pid;
    CHECK_INT(chmod(kit_folder, 0555), 0);
    fflush(stdout);
    pid = fork(); /* no handle is open */
    if (pid == 0) _exit(as_nobody());
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK_INT(status, 0);
    CHECK_INT(chmod(kit_folder, 0700), 0);
}

static void reading_only(void)
{
    struct pawl *p = kit_fresh(good), *reader;
    struct pawl_error err;
    const struct pawl_start s = {.size = sizeof s, .agent = "a", .input = "go"};
    char run[37];
    int calls = 0;
    kit_start(p, "a", NULL, run);
    CHECK_TEXT(kit_wait(p, run), "waiting");
    pawl_close(p);
    reader = kit_open_with((struct pawl_options){.only_read = true});
    CHECK(!pawl_owns(reader));
    CHECK_TEXT(kit_text(kit_view(reader, run), "status"), "waiting");
    FAILS(pawl_start_run(reader, &s, run, &why), PAWL_EREADONLY, "only reads", "only_read");
    FAILS(pawl_send(reader, "@last", "x", NULL, &why), PAWL_EREADONLY, "only reads", "only_read");
    FAILS(pawl_cancel(reader, "@last", NULL, NULL, &why), PAWL_EREADONLY, "only reads", "only_read");
    FAILS(pawl_approve(reader, "@last", 0, NULL, NULL, NULL, &why), PAWL_EREADONLY, "only reads", "only_read");
    FAILS(pawl_resolve(reader, "@last", 0, PAWL_STOP_THE_RUN, NULL, NULL, &why), PAWL_EREADONLY, "only reads",
          "only_read");
    FAILS(pawl_call(reader, "{\"do\":\"resume\",\"all\":true}", NULL, NULL, &why), PAWL_EREADONLY, "only reads",
          "only_read");
    FAILS(pawl_register_tool(reader, "act", act, NULL, &why), PAWL_EREADONLY, "only reads", "only_read");
    CHECK(kit_ask(reader, "{\"do\":\"verify\"}", &err) != NULL);
    CHECK(kit_ask(reader, "{\"do\":\"sql\",\"text\":\"SELECT 1\"}", &err) != NULL);
    CHECK_TEXT(kit_wait(reader, run), "waiting");
    /* It is open, and bars nobody from working. */
    p = kit_open_with((struct pawl_options){.must_own = true});
    CHECK_INT(pawl_register_tool(p, "act", act, &calls, NULL), PAWL_OK);
    CHECK_TEXT(kit_wait(p, run), "done");
    pawl_close(p);
    CHECK_TEXT(kit_wait(reader, run), "done");
    CHECK_TEXT(kit_text(kit_view(reader, run), "status"), "done");
    pawl_close(reader);
}

static void holding(void)
{
    static const char yaml[] = "version: 1\n"
                               "models: {m: {provider: script, script: [{call: {name: act, args: {}}}, {say: done}]}}\n"
                               "tools: {act: {effect: irreversible, input: {type: object}}}\n"
                               "agents: {a: {model: m, tools: [act]}}\n";
    struct pawl *p = kit_fresh(yaml);
    const struct pawl_start s = {.size = sizeof s, .agent = "a", .input = "go"};
    char run[37], other[37];
    int calls = 0;
    CHECK_INT(pawl_register_tool(p, "act", act, &calls, NULL), PAWL_OK);
    kit_start(p, "a", NULL, run);
    CHECK_TEXT(kit_wait(p, run), "waiting");
    pawl_close(p);
    p = kit_open_with((struct pawl_options){.hold = true});
    CHECK_INT(pawl_register_tool(p, "act", act, &calls, NULL), PAWL_OK);
    CHECK_INT(pawl_approve(p, run, 0, NULL, NULL, NULL, NULL), PAWL_OK);
    CHECK_TEXT(kit_wait(p, run), "running"); /* nobody goes on with it here */
    FAILS(pawl_start_run(p, &s, other, &why), PAWL_EBUSY, "handing over", "moment");
    CHECK_INT(pawl_turn(p, 50000000, NULL), PAWL_OK);
    CHECK_INT(calls, 0);
    pawl_close(p);
    p = kit_open();
    CHECK_INT(pawl_register_tool(p, "act", act, &calls, NULL), PAWL_OK);
    CHECK_TEXT(kit_wait(p, run), "done");
    CHECK_INT(calls, 1);
    pawl_close(p);
}

/* However many wait for a tool, all of them go on once it is there. */
static void many_wait_for_a_tool(void)
{
    static const char yaml[] = "version: 1\n"
                               "models: {m: {provider: script, script: [{call: {name: act, args: {}}}, {say: done}]}}\n"
                               "tools: {act: {effect: mutate, input: {type: object}}}\n"
                               "agents: {a: {model: m, tools: [act]}}\n";
    enum { MANY = 600 };
    struct pawl *p = kit_fresh(yaml);
    char run[37];
    int calls = 0;
    for (int i = 0; i < MANY; i++)
        CHECK_INT(pawl_post(p, "{\"do\":\"start\",\"agent\":\"a\",\"input\":\"go\"}", NULL, NULL, NULL), PAWL_OK);
    kit_start(p, "a", NULL, run);
    CHECK_TEXT(kit_wait(p, run), "waiting");
    CHECK_INT(pawl_call(p, "{\"do\":\"resume\",\"all\":true}", NULL, NULL, NULL), PAWL_OK);
    CHECK_INT(pawl_register_tool(p, "act", act, &calls, NULL), PAWL_OK);
    CHECK_INT(pawl_call(p, "{\"do\":\"resume\",\"all\":true}", NULL, NULL, NULL), PAWL_OK);
    CHECK_INT(calls, MANY + 1);
    pawl_close(p);
}

static void count_error(void *ctx, const struct pawl_error *e)
{
    CHECK(e->what[0] && e->where[0]);
    ++((int *)ctx)[0];
}

static void count_tool(void *ctx, const char *of, const char *line)
{
    CHECK_TEXT(of, "tool");
    CHECK(strstr(line, "act: ") == line);
    ++((int *)ctx)[1];
}

static void checking(void)
{
    int counts[2] = {0};
    kit_write("pawl.yaml", good);
    CHECK_INT(pawl_check(NULL, count_error, count_tool, counts), PAWL_OK);
    CHECK_INT(counts[0], 0);
    CHECK_INT(counts[1], 1);
    kit_write("bad.yaml", "version: 1\nmodles: {}\ntools: {x: {effect: raed}}\n");
    CHECK_INT(pawl_check("bad.yaml", count_error, count_tool, counts), PAWL_ECONFIG);
    CHECK(counts[0] > 1);
    counts[0] = 0;
    CHECK_INT(pawl_check("nowhere.yaml", count_error, NULL, counts), PAWL_ENOTFOUND);
    CHECK_INT(counts[0], 1);
    CHECK_INT(pawl_check("bad.yaml", NULL, NULL, NULL), PAWL_ECONFIG);
}

int main(void)
{
    kit_begin();
    configurations();
    a_variable_is_missing();
    a_run_waits_for_its_variable();
    the_file_has_changed();
    no_configuration_at_all();
    stores_that_are_none();
    a_folder_that_cannot_be_written();
    reading_only();
    holding();
    many_wait_for_a_tool();
    checking();
    return kit_end();
}
