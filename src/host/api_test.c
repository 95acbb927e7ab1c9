/* src/host/api_test.c - the library as a program of one thread and one process uses it: tools of its own, and every word
 * that can be said to a run in every state of it. */
#include "host/host_kit.h"

static const char config[] =
    "version: 1\n"
    "models:\n"
    "  one: {provider: script, script: [{call: {name: act, args: {n: 1}}}, {say: done}]}\n"
    "  two: {provider: script, script: [{calls: [{name: act, args: {n: 1}}, {name: act, args: {n: 2}}, {name: look, args: {n: 3}}]}, {say: done}]}\n"
    "  reads: {provider: script, script: [{call: {name: look, args: {n: 1}}}, {say: done}]}\n"
    "  pays: {provider: script, script: [{call: {name: pay, args: {n: 1}}}, {say: paid}]}\n"
    "  pays_twice: {provider: script, script: [{calls: [{name: pay, args: {n: 1}}, {name: pay, args: {n: 2}}]}, {say: paid}]}\n"
    "  talks: {provider: script, script: [{say: one}, {say: two}, {say: three}, {say: four}]}\n"
    "  strict: {provider: script, script: [{call: {name: typed, args: {n: 1}}}, {say: done}]}\n"
    "  absent: {provider: script, script: [{call: {name: nowhere, args: {n: 1}}}, {say: done}]}\n"
    "tools:\n"
    "  act: {effect: mutate, input: {type: object}}\n"
    "  look: {effect: read, input: {type: object}}\n"
    "  pay: {effect: irreversible, input: {type: object}}\n"
    "  typed: {effect: mutate, input: {type: object}, output: {type: object, required: [id]}}\n"
    "  nowhere: {effect: mutate, input: {type: object}}\n"
    "agents:\n"
    "  one: {model: one, tools: [act]}\n"
    "  two: {model: two, tools: [act, look]}\n"
    "  reads: {model: reads, tools: [look]}\n"
    "  pays: {model: pays, tools: [pay]}\n"
    "  pays_twice: {model: pays_twice, tools: [pay]}\n"
    "  talks: {model: talks, tools: []}\n"
    "  strict: {model: strict, tools: [typed]}\n"
    "  absent: {model: absent, tools: [nowhere]}\n";

struct tool { /* what a tool says, and what it was asked */
    int says; /* < 0: nothing */
    const char *text;
    size_t bytes;
    struct pawl *p;
    int calls, again;
    char keys[8][40], args[64];
    uint32_t step, attempt;
    int64_t timeout_ns;
    int inner; /* what a call from within it came to */
    bool interrupts, finish;
};

static void serve(void *ctx, const struct pawl_tool_call *call,
                  void (*answer)(void *, enum pawl_tool_verdict, const char *, size_t), void *answer_ctx)
{
    struct tool *t = ctx;
    if (t->calls < 8) snprintf(t->keys[t->calls], sizeof t->keys[0], "%s", call->key);
    t->calls++;
    t->step = call->step;
    t->attempt = call->attempt;
    t->timeout_ns = call->timeout_ns;
    snprintf(t->args, sizeof t->args, "%.*s", (int)call->args_bytes, call->args);
    CHECK_INT(strlen(call->run), 36);
    CHECK_INT(call->size, sizeof *call);
    CHECK_INT(call->args[call->args_bytes], 0);
    if (t->p) t->inner = pawl_call(t->p, "{\"do\":\"ping\"}", NULL, NULL, NULL);
    if (t->interrupts) pawl_interrupt(t->p, t->finish);
    if (t->says >= 0) answer(answer_ctx, (enum pawl_tool_verdict)t->says, t->text, t->bytes);
    if (t->again) answer(answer_ctx, PAWL_TOOL_NOT_APPLIED, "no", 2);
}

static struct tool yes(void)
{
    static const char ok[] = "{\"ok\":true}";
    return (struct tool){.says = PAWL_TOOL_APPLIED, .text = ok, .bytes = sizeof ok - 1};
}

static struct pawl *fresh(struct tool *t)
{
    static const char *const names[] = {"act", "look", "pay", "typed"};
    struct pawl *p = kit_fresh(config);
    struct pawl_error err;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        CHECK_INT(pawl_register_tool(p, names[i], serve, t, &err), PAWL_OK);
    return p;
}

static void a_tool_is_called_once(void)
{
    struct tool t = yes();
    struct pawl *p = fresh(&t);
    yyjson_val *view;
    char run[37];
    t.again = 1; /* the second word counts for nothing */
    CHECK(pawl_owns(p));
    kit_start(p, "one", NULL, run);
    CHECK_TEXT(kit_wait(p, run), "done");
    CHECK_INT(t.calls, 1);
    CHECK_INT(strlen(t.keys[0]), 36);
    CHECK_INT(t.attempt, 1);
    CHECK_TEXT(t.args, "{\"n\":1}");
    CHECK(t.timeout_ns > 0);
    view = kit_view(p, run);
    CHECK_TEXT(kit_text(view, "output"), "done");
    CHECK_TEXT(kit_text(kit_step(view, t.step), "state"), "done");
    CHECK_TEXT(kit_text(kit_step(view, t.step), "effect"), "mutate");
    CHECK(yyjson_get_bool(yyjson_obj_get(yyjson_obj_get(kit_step(view, t.step), "result"), "ok")));
    pawl_close(p);
}

static void calls_of_one_message(void)
{
    struct tool t = yes();
    struct pawl *p = fresh(&t);
    char run[37];
    kit_start(p, "two", NULL, run);
    CHECK_TEXT(kit_wait(p, run), "done");
    CHECK_INT(t.calls, 3);
    CHECK(strcmp(t.keys[0], t.keys[1]) != 0);
    pawl_close(p);
}

/* Every answer that a tool may give, or not give, and what becomes of the run. */
static const struct said {
    const char *agent;
    int says;
    const char *text, *status, *waiting, *state, *class_name;
} saids[] = {
    {"one", PAWL_TOOL_APPLIED, "7", "done", "", "done", ""},
    {"one", PAWL_TOOL_APPLIED, "null", "done", "", "done", ""},
    {"one", PAWL_TOOL_NOT_APPLIED, "no such order", "done", "", "failed", "rejected"},
    {"one", PAWL_TOOL_NOT_APPLIED, "", "done", "", "failed", "rejected"},
    {"one", PAWL_TOOL_UNKNOWN, "the line went dead", "waiting", "doubt", "in_doubt", ""},
    {"one", -1, "", "waiting", "doubt", "in_doubt", ""},
    {"one", 99, "{}", "waiting", "doubt", "in_doubt", ""}, /* no verdict that there is */
    {"one", PAWL_TOOL_APPLIED, "{oops", "waiting", "doubt", "in_doubt", ""},
    {"one", PAWL_TOOL_APPLIED, "{\"a\":1} {\"b\":2}", "waiting", "doubt", "in_doubt", ""},
    {"one", PAWL_TOOL_APPLIED, "\"\xff\xfe\"", "waiting", "doubt", "in_doubt", ""},
    {"one", PAWL_TOOL_APPLIED, "", "done", "", "done", ""}, /* nothing to tell is null */
    {"strict", PAWL_TOOL_APPLIED, "{\"id\":1}", "done", "", "done", ""},
    {"strict", PAWL_TOOL_APPLIED, "{\"di\":1}", "waiting", "doubt", "in_doubt", ""}, /* it happened: what came of it? */
    {"reads", PAWL_TOOL_APPLIED, "[1,2]", "done", "", "done", ""},
};

static void every_answer(void)
{
    for (const struct said *s = saids; s < saids + sizeof saids / sizeof *saids; s++) {
        struct tool t = {.says = s->says, .text = s->text, .bytes = strlen(s->text)};
        struct pawl *p = fresh(&t);
        const int failed = test_failed;
        yyjson_val *view;
        char run[37];
        kit_start(p, s->agent, NULL, run);
        CHECK_TEXT(kit_wait(p, run), s->status);
        view = kit_view(p, run);
        CHECK_TEXT(kit_text(view, "waiting"), s->waiting);
        CHECK_TEXT(kit_text(kit_step(view, 2), "state"), s->state);
        if (*s->class_name) CHECK_TEXT(kit_text(kit_step(view, 2), "class"), s->class_name);
        CHECK_INT(t.calls, 1);
        if (test_failed > failed)
            printf("  after %d %s by %s: %s, %s\n", s->says, s->text, s->agent, kit_text(view, "sentence"),
                   kit_text(kit_step(view, 2), "message"));
        pawl_close(p);
    }
}

static void a_null_answer(void)
{
    struct tool t = {.says = PAWL_TOOL_APPLIED, .text = NULL, .bytes = 0};
    struct pawl *p = fresh(&t);
    char run[37];
    kit_start(p, "one", NULL, run);
    CHECK_TEXT(kit_wait(p, run), "done");
    CHECK(yyjson_is_null(yyjson_obj_get(kit_step(kit_view(p, run), 2), "result")));
    pawl_close(p);
}

/* More than the contract takes is no answer; it is bounded as an HTTP body is. */
static void a_huge_answer(void)
{
    const size_t bytes = 40 * 1024 * 1024;
    char *text = malloc(bytes);
    struct tool t = {.says = PAWL_TOOL_APPLIED, .text = text, .bytes = bytes};
    struct pawl *p = fresh(&t);
    char run[37];
    if (!text) return;
    memset(text, ' ', bytes);
    text[0] = '1';
    kit_start(p, "one", NULL, run);
    CHECK_TEXT(kit_wait(p, run), "waiting");
    CHECK_TEXT(kit_text(kit_view(p, run), "waiting"), "doubt");
    free(text);
    pawl_close(p);
}

static void the_same_key(void)
{
    struct tool t = yes();
    struct pawl *p = fresh(&t);
    struct pawl_start s = {.size = sizeof s, .agent = "one", .input = "go", .key = "k", .id = "id-1"};
    char run[37], again[37];
    CHECK_INT(pawl_start_run(p, &s, run, NULL), PAWL_OK);
    CHECK_TEXT(kit_wait(p, run), "done");
    CHECK_INT(pawl_start_run(p, &s, again, NULL), PAWL_OK); /* said twice */
    CHECK_TEXT(again, run);
    s.id = NULL;
    CHECK_INT(pawl_start_run(p, &s, again, NULL), PAWL_OK);
    CHECK_TEXT(again, run);
    CHECK_TEXT(kit_wait(p, again), "done");
    s.input = "something else";
    FAILS(pawl_start_run(p, &s, again, &why), PAWL_ECONFLICT, "another input", "another key");
    s.input = "go", s.agent = "two";
    FAILS(pawl_start_run(p, &s, again, &why), PAWL_ECONFLICT, "another agent", "another key");
    s.agent = "one", s.key = NULL, s.id = "id-1"; /* the same id without the key is the same start */
    CHECK_INT(pawl_start_run(p, &s, again, NULL), PAWL_OK);
    CHECK_TEXT(again, run);
    CHECK_INT(t.calls, 1);
    pawl_close(p);
}

static void bad_starts(void)
{
    struct tool t = yes();
    struct pawl *p = fresh(&t);
    struct pawl_start s = {.size = sizeof s, .agent = "noe", .input = "go"};
    char run[37];
    FAILS(pawl_start_run(p, &s, run, &why), PAWL_ENOTFOUND, "no agent noe", "one");
    s.agent = NULL;
    FAILS(pawl_start_run(p, &s, run, &why), PAWL_EINVAL, "needs an agent", "pawl_start");
    s.agent = "one", s.input = NULL;
    FAILS(pawl_start_run(p, &s, run, &why), PAWL_EINVAL, "an input", "pawl_start");
    FAILS(pawl_start_run(p, NULL, run, &why), PAWL_EINVAL, "needs an agent", "pawl_start");
    s.input = "{oops", s.input_is_json = true;
    FAILS(pawl_start_run(p, &s, run, &why), PAWL_EINVAL, "the input is not JSON", "JSON text");
    s.input = "1,\"agent\":\"two\"";
    FAILS(pawl_start_run(p, &s, run, &why), PAWL_EINVAL, "the input is not JSON", "JSON text");
    s.input = "\xff\xfe", s.input_is_json = false;
    FAILS(pawl_start_run(p, &s, run, &why), PAWL_EINVAL, "UTF-8", "");
    s.input = "{\"a\": [1, 2.5e3]}", s.input_is_json = true;
    CHECK_INT(pawl_start_run(p, &s, run, NULL), PAWL_OK);
    CHECK(yyjson_is_obj(yyjson_obj_get(kit_view(p, run), "input")));
    pawl_close(p);
}

static void a_conversation(void)
{
    struct tool t = yes();
    struct pawl *p = fresh(&t);
    struct pawl_start s = {.size = sizeof s, .agent = "talks", .input = "hello", .chat = true};
    struct pawl_error err;
    char run[37], request[128];
    CHECK_INT(pawl_start_run(p, &s, run, NULL), PAWL_OK);
    CHECK_TEXT(kit_wait(p, run), "waiting");
    CHECK_TEXT(kit_text(kit_view(p, run), "waiting"), "message");
    CHECK_INT(pawl_send(p, run, "and then?", "m-1", NULL), PAWL_OK);
    CHECK_INT(pawl_send(p, run, "and then?", "m-1", NULL), PAWL_OK); /* said twice, heard once */
    CHECK_TEXT(kit_wait(p, run), "waiting");
    CHECK_INT(yyjson_arr_size(yyjson_obj_get(kit_view(p, run), "turns")), 2);
    FAILS(pawl_send(p, run, NULL, NULL, &why), PAWL_EINVAL, "needs a text", "text");
    snprintf(request, sizeof request, "{\"do\":\"send\",\"run\":\"%s\",\"text\":\"bye\",\"end\":true}", run);
    CHECK(kit_ask(p, request, &err) != NULL);
    CHECK_TEXT(kit_wait(p, run), "done");
    FAILS(pawl_send(p, run, "one more", NULL, &why), PAWL_ECONFLICT, "has ended", "pawl show");
    CHECK_INT(pawl_send(p, run, "and then?", "m-1", NULL), PAWL_OK); /* still what was said before */
    pawl_close(p);
}

static void zero_digest(char out[65], char c)
{
    memset(out, c, 64);
    out[64] = 0;
}

static void yes_and_no(void)
{
    struct tool t = yes();
    struct pawl *p = fresh(&t);
    yyjson_val *view;
    char run[37], digest[65], other[65];
    kit_start(p, "pays", NULL, run);
    CHECK_TEXT(kit_wait(p, run), "waiting");
    CHECK_INT(t.calls, 0);
    view = kit_view(p, run);
    snprintf(digest, sizeof digest, "%s", kit_text(yyjson_obj_get(kit_step(view, 2), "asked"), "digest"));
    CHECK_INT(strlen(digest), 64);
    zero_digest(other, '0');
    FAILS(pawl_approve(p, run, 2, other, NULL, NULL, &why), PAWL_ECONFLICT, "another call", "pawl show");
    FAILS(pawl_approve(p, run, 2, "abc", NULL, NULL, &why), PAWL_EINVAL, "64 hexadecimal", "pawl show");
    FAILS(pawl_approve(p, run, 1, NULL, NULL, NULL, &why), PAWL_ENOTFOUND, "does not wait", "pawl show");
    FAILS(pawl_approve(p, run, 77, NULL, NULL, NULL, &why), PAWL_ENOTFOUND, "no", "pawl show");
    FAILS(pawl_resolve(p, run, 2, PAWL_IT_DID_NOT, NULL, NULL, &why), PAWL_ECONFLICT, "not in doubt", "pawl show");
    CHECK_INT(pawl_approve(p, run, 2, digest, "looked at it", "a-1", NULL), PAWL_OK);
    CHECK_INT(pawl_approve(p, run, 2, digest, "looked at it", "a-1", NULL), PAWL_OK);
    CHECK_INT(pawl_approve(p, run, 2, NULL, NULL, "a-2", NULL), PAWL_OK); /* the same word again */
    FAILS(pawl_deny(p, run, 2, NULL, "a-3", &why), PAWL_ECONFLICT, "", "pawl show");
    CHECK_TEXT(kit_wait(p, run), "done");
    CHECK_INT(t.calls, 1);
    CHECK_INT(pawl_approve(p, run, 2, NULL, NULL, "a-4", NULL), PAWL_OK); /* it has ended; the word is the same */
    FAILS(pawl_deny(p, run, 2, NULL, "a-5", &why), PAWL_ECONFLICT, "has ended", "pawl show");

    kit_start(p, "pays", NULL, run);
    CHECK_TEXT(kit_wait(p, run), "waiting");
    CHECK_INT(pawl_deny(p, run, 0, "not today", NULL, NULL), PAWL_OK);
    CHECK_TEXT(kit_wait(p, run), "done");
    view = kit_view(p, run);
    CHECK_TEXT(kit_text(kit_step(view, 2), "class"), "denied");
    CHECK_TEXT(kit_text(yyjson_obj_get(kit_step(view, 2), "answered"), "reason"), "not today");
    CHECK_INT(t.calls, 1);

    kit_start(p, "pays_twice", NULL, run);
    CHECK_TEXT(kit_wait(p, run), "waiting");
    FAILS(pawl_approve(p, run, 0, NULL, NULL, NULL, &why), PAWL_EINVAL, "several calls", "RUN/STEP");
    CHECK_INT(pawl_approve(p, run, 3, NULL, NULL, NULL, NULL), PAWL_OK);
    CHECK_TEXT(kit_wait(p, run), "waiting");
    CHECK_INT(t.calls, 2);
    CHECK_INT(pawl_deny(p, run, 0, NULL, NULL, NULL), PAWL_OK); /* now there is one only */
    CHECK_TEXT(kit_wait(p, run), "done");
    CHECK_INT(t.calls, 2);
    pawl_close(p);
}

static void doubts(void)
{
    struct tool t = {.says = PAWL_TOOL_UNKNOWN, .text = "?", .bytes = 1};
    struct pawl *p = fresh(&t);
    yyjson_val *view;
    char run[37];
    kit_start(p, "one", NULL, run);
    CHECK_TEXT(kit_wait(p, run), "waiting");
    FAILS(pawl_resolve(p, run, 2, PAWL_IT_HAPPENED, "{oops", NULL, &why), PAWL_EINVAL, "the result is not JSON",
          "JSON");
    FAILS(pawl_resolve(p, run, 2, (enum pawl_resolution)7, NULL, NULL, &why), PAWL_EINVAL, "no resolution 7", "enum");
    FAILS(pawl_approve(p, run, 2, NULL, NULL, NULL, &why), PAWL_ENOTFOUND, "does not wait for an answer", "pawl show");
    FAILS(pawl_resolve(p, run, 1, PAWL_IT_HAPPENED, NULL, NULL, &why), PAWL_ECONFLICT, "not in doubt", "pawl show");
    CHECK_INT(pawl_resolve(p, run, 0, PAWL_IT_HAPPENED, "{\"id\":9}", "r-1", NULL), PAWL_OK);
    CHECK_INT(pawl_resolve(p, run, 0, PAWL_IT_HAPPENED, "{\"id\":9}", "r-1", NULL), PAWL_OK);
    CHECK_TEXT(kit_wait(p, run), "done");
    view = kit_view(p, run);
    CHECK_INT(yyjson_get_int(yyjson_obj_get(yyjson_obj_get(kit_step(view, 2), "result"), "id")), 9);
    CHECK_INT(t.calls, 1);

    kit_start(p, "one", NULL, run);
    CHECK_TEXT(kit_wait(p, run), "waiting");
    t.says = PAWL_TOOL_APPLIED, t.text = "{}", t.bytes = 2;
    CHECK_INT(pawl_resolve(p, run, 2, PAWL_IT_DID_NOT, NULL, NULL, NULL), PAWL_OK);
    CHECK_TEXT(kit_wait(p, run), "done");
    CHECK_INT(t.calls, 3);

    t.says = -1;
    kit_start(p, "one", NULL, run);
    CHECK_TEXT(kit_wait(p, run), "waiting");
    CHECK_INT(pawl_resolve(p, run, 2, PAWL_STOP_THE_RUN, NULL, NULL, NULL), PAWL_OK);
    CHECK(strcmp(kit_wait(p, run), "waiting") != 0);
    CHECK_INT(t.calls, 4);
    pawl_close(p);
}

static void cancels(void)
{
    static const struct {
        const char *agent;
        int says;
        bool chat;
        const char *before, *after;
    } rows[] = {{"pays", PAWL_TOOL_APPLIED, false, "waiting", "cancelled"},
                {"talks", PAWL_TOOL_APPLIED, true, "waiting", "cancelled"},
                {"one", PAWL_TOOL_UNKNOWN, false, "waiting", "ending"}, /* no run ends with a step unknown */
                {"absent", PAWL_TOOL_APPLIED, false, "waiting", "cancelled"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tool t = {.says = rows[i].says, .text = "{}", .bytes = 2};
        struct pawl *p = fresh(&t);
        const struct pawl_start s = {
            .size = sizeof s, .agent = rows[i].agent, .input = "go", .chat = rows[i].chat, .key = "k"};
        char run[37], again[37];
        CHECK_INT(pawl_start_run(p, &s, run, NULL), PAWL_OK);
        CHECK_TEXT(kit_wait(p, run), rows[i].before);
        CHECK_INT(pawl_cancel(p, run, "not wanted", "c-1", NULL), PAWL_OK);
        CHECK_INT(pawl_cancel(p, run, "not wanted", "c-1", NULL), PAWL_OK);
        CHECK_TEXT(kit_wait(p, run), rows[i].after);
        if (strcmp(rows[i].after, "ending") == 0) {
            CHECK_TEXT(kit_text(kit_view(p, run), "waiting"), "doubt");
            FAILS(pawl_send(p, run, "wait", NULL, &why), PAWL_EINVAL, "being stopped", "new one");
            CHECK_INT(pawl_resolve(p, run, 0, PAWL_IT_HAPPENED, NULL, NULL, NULL), PAWL_OK);
            CHECK_TEXT(kit_wait(p, run), "cancelled");
        }
        CHECK_INT(pawl_cancel(p, run, "again", "c-2", NULL), PAWL_OK); /* it is what was asked for */
        CHECK_INT(pawl_start_run(p, &s, again, NULL), PAWL_OK);        /* the key is used up */
        CHECK_TEXT(again, run);
        pawl_close(p);
    }
}

static void a_done_run_is_not_cancelled(void)
{
    struct tool t = yes();
    struct pawl *p = fresh(&t);
    char run[37];
    kit_start(p, "one", NULL, run);
    CHECK_TEXT(kit_wait(p, run), "done");
    FAILS(pawl_cancel(p, run, NULL, NULL, &why), PAWL_ECONFLICT, "has ended", "pawl show");
    pawl_close(p);
}

static void names_of_runs(void)
{
    struct tool t = yes();
    struct pawl *p = fresh(&t);
    const char *status;
    char run[37], two[37], prefix[37];
    FAILS(pawl_wait(p, "@last", 0, &status, &why), PAWL_ENOTFOUND, "no run yet", "pawl run");
    kit_start(p, "one", NULL, run);
    kit_start(p, "one", NULL, two);
    CHECK_TEXT(kit_wait(p, "@last"), "done");
    FAILS(pawl_wait(p, "ffff", 0, &status, &why), PAWL_ENOTFOUND, "no run ffff", "pawl ls");
    FAILS(pawl_wait(p, "nonsense", 0, &status, &why), PAWL_ENOTFOUND, "no run nonsense", "pawl ls");
    FAILS(pawl_wait(p, "", 0, &status, &why), PAWL_EINVAL, "name the run", "pawl ls");
    FAILS(pawl_wait(p, NULL, 0, &status, &why), PAWL_EINVAL, "name the run", "pawl ls");
    snprintf(prefix, sizeof prefix, "%.4s", run);
    FAILS(pawl_wait(p, prefix, 0, &status, &why), PAWL_EINVAL, "more than one run", "more of it");
    FAILS(pawl_wait(p, "00000000-0000-7000-8000-000000000000", 0, &status, &why), PAWL_ENOTFOUND, "no such run",
          "pawl ls");
    CHECK(status == NULL);
    CHECK_TEXT(kit_wait(p, run), "done");
    pawl_close(p);
}

static void bad_requests(void)
{
    static const struct {
        const char *request;
        int code;
        const char *what;
    } rows[] = {
        {"", PAWL_EINVAL, ""},
        {"{", PAWL_EINVAL, ""},
        {"[]", PAWL_EINVAL, "an object with do"},
        {"{}", PAWL_EINVAL, "an object with do"},
        {"{\"do\":7}", PAWL_EINVAL, "an object with do"},
        {"{\"do\":\"dance\"}", PAWL_EINVAL, "dance"},
        {"{\"do\":\"show\"}", PAWL_EINVAL, "name the run"},
        {"{\"do\":\"list\",\"status\":\"bogus\"}", PAWL_EINVAL, "no status bogus"},
        {"{\"do\":\"list\",\"before\":\"x\"}", PAWL_EINVAL, "before"},
        {"{\"do\":\"undo\",\"run\":\"@last\",\"to\":\"2\"}", PAWL_EINVAL, "to is the number of a step"},
        {"{\"do\":\"undo\",\"run\":\"@last\",\"to\":4294967298}", PAWL_EINVAL, "to is the number of a step"},
        {"{\"do\":\"retry\",\"run\":\"@last\",\"from\":-1}", PAWL_EINVAL, "from is the number of a step"},
        {"{\"do\":\"approve\",\"run\":\"@last\",\"step\":2.5}", PAWL_EINVAL, "step is the number"},
        {"{\"do\":\"approve\",\"run\":\"@last\",\"digest\":7}", PAWL_EINVAL, "digest is a text"},
        {"{\"do\":\"start\",\"agent\":\"a\",\"input\":1,\"begins_ns\":\"soon\"}", PAWL_EINVAL,
         "begins_ns is a whole number"},
        {"{\"do\":\"send\",\"run\":\"@last\",\"text\":\"x\",\"end\":\"no\"}", PAWL_EINVAL, "end is true or false"},
        {"{\"do\":\"start\",\"agent\":\"one\"}", PAWL_EINVAL, "an input"},
        {"{\"do\":\"sql\",\"text\":\"DELETE FROM run\"}", PAWL_EREADONLY, ""},
        {"{\"do\":\"sql\"}", PAWL_EINVAL, ""},
        {"{\"do\":\"sql\",\"text\":\"SELECT a FROM nowhere\"}", PAWL_EINVAL, "nowhere"},
    };
    struct tool t = yes();
    struct pawl *p = fresh(&t);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pawl_error err = {0};
        const int failed = test_failed;
        CHECK_INT(pawl_call(p, rows[i].request, NULL, NULL, &err), rows[i].code);
        CHECK_INT(err.code, rows[i].code);
        CHECK(strstr(err.what, rows[i].what) != NULL);
        CHECK(err.what[0] != 0);
        if (test_failed > failed) printf("  %s: %s: %s; %s\n", rows[i].request, err.where, err.what, err.next);
    }
    FAILS(pawl_call(p, NULL, NULL, NULL, &why), PAWL_EINVAL, "an object with do", "docs/protocol.md");
    pawl_close(p);
}

static int stop_at_once(void *ctx, const char *json, size_t bytes)
{
    (void)json, (void)bytes;
    return ++*(int *)ctx;
}

struct nested {
    struct pawl *p;
    int inner, turned;
};

static int call_within(void *ctx, const char *json, size_t bytes)
{
    struct nested *n = ctx;
    (void)json, (void)bytes;
    n->inner = pawl_call(n->p, "{\"do\":\"ping\"}", NULL, NULL, NULL);
    n->turned = pawl_turn(n->p, 0, NULL);
    return 0;
}

/* A callback that calls its own handle would turn a loop within the loop. */
static void callbacks_may_not_call(void)
{
    struct tool t = yes();
    struct pawl *p = fresh(&t);
    struct nested n = {.p = p};
    struct pawl_error err;
    int lines = 0;
    char run[37];
    t.p = p;
    kit_start(p, "one", NULL, run);
    CHECK_TEXT(kit_wait(p, run), "done");
    CHECK_INT(t.calls, 1);
    CHECK_INT(t.inner, PAWL_EBUSY);
    CHECK_INT(pawl_call(p, "{\"do\":\"ping\"}", call_within, &n, &err), PAWL_OK);
    CHECK_INT(n.inner, PAWL_EBUSY);
    CHECK_INT(n.turned, PAWL_EBUSY);
    CHECK_INT(pawl_call(p, "{\"do\":\"follow\",\"run\":\"@last\"}", stop_at_once, &lines, &err), PAWL_ECANCELLED);
    CHECK_INT(lines, 1);
    pawl_close(p);
}

static void time_limits(void)
{
    struct tool t = yes();
    struct pawl *p = fresh(&t);
    struct pawl_error err;
    const char *status;
    const int64_t began_ns = pawl_clock_mono_ns();
    int64_t took_ns;
    char run[37];
    CHECK_INT(pawl_turn(p, 0, &err), PAWL_OK);
    CHECK_INT(pawl_turn(p, 30000000, &err), PAWL_OK);
    took_ns = pawl_clock_mono_ns() - began_ns;
    CHECK(took_ns >= 30000000 && took_ns < 10 * KIT_S);
    kit_start(p, "pays", NULL, run);
    CHECK_INT(pawl_wait(p, run, 0, &status, &err) == PAWL_OK || err.code == PAWL_ETIMEDOUT, true);
    CHECK_TEXT(kit_wait(p, run), "waiting");
    /* A bound counts from now, however long nobody has turned the loop. */
    usleep(300000);
    CHECK_INT(pawl_approve(p, run, 0, NULL, NULL, NULL, NULL), PAWL_OK);
    CHECK_INT(pawl_wait(p, run, 200000000, &status, &err), PAWL_OK);
    CHECK_TEXT(status, "done");
    pawl_close(p);
}

static void tools_are_registered(void)
{
    struct tool t = yes();
    struct pawl *p = kit_fresh(config);
    char run[37];
    FAILS(pawl_register_tool(p, "act", NULL, NULL, &why), PAWL_EINVAL, "a function", "both");
    FAILS(pawl_register_tool(p, "", serve, NULL, &why), PAWL_EINVAL, "its name", "both");
    kit_start(p, "one", NULL, run);
    CHECK_TEXT(kit_wait(p, run), "waiting");
    CHECK_TEXT(kit_text(kit_view(p, run), "waiting"), "tool");
    CHECK(strstr(kit_text(kit_view(p, run), "sentence"), "act") != NULL);
    CHECK_INT(pawl_register_tool(p, "act", serve, &t, NULL), PAWL_OK); /* which wakes the run */
    FAILS(pawl_register_tool(p, "act", serve, &t, &why), PAWL_ECONFLICT, "has a function", "one function");
    CHECK_TEXT(kit_wait(p, run), "done");
    CHECK_INT(t.calls, 1);
    pawl_close(p);
}

int main(void)
{
    kit_begin();
    a_tool_is_called_once();
    calls_of_one_message();
    every_answer();
    a_null_answer();
    a_huge_answer();
    the_same_key();
    bad_starts();
    a_conversation();
    yes_and_no();
    doubts();
    cancels();
    a_done_run_is_not_cancelled();
    names_of_runs();
    bad_requests();
    callbacks_may_not_call();
    time_limits();
    tools_are_registered();
    return kit_end();
}
