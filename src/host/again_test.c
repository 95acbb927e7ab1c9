/* src/host/again_test.c - what is said to a run that failed, ended, or waits with a call that is to be another one: pawl_retry,
 * pawl_undo and pawl_approve_edited, each answer that they give, and that what happened is not done again. */
#include "host/host_kit.h"

static const char config[] =
    "version: 1\n"
    "models:\n"
    "  one: {provider: script, script: [{call: {name: act, args: {n: 1}}}, {say: done}]}\n"
    "  two: {provider: script, script: [{call: {name: act, args: {n: 1}}}, {call: {name: act, args: {n: 2}}}, {say: done}]}\n"
    "  pays: {provider: script, script: [{call: {name: pay, args: {n: 1, to: ann}}}, {say: paid}]}\n"
    "tools:\n"
    "  act: {effect: mutate, retry: {attempts: 1}, undo: {tool: take_back, args: {n: {$arg: /args/n}}}, input: {type: object, properties: {n: {type: number, maximum: 9}}}}\n"
    "  take_back: {effect: mutate, retry: {attempts: 1}, input: {type: object}}\n"
    "  pay: {effect: irreversible, input: {type: object, properties: {n: {type: number}, to: {type: string}}, additionalProperties: false}}\n"
    "agents:\n"
    "  one: {model: one, tools: [act], budget: {steps: 1}}\n"
    "  two: {model: two, tools: [act]}\n"
    "  pays: {model: pays, tools: [pay]}\n";

struct tool {
    enum pawl_tool_verdict says;
    int calls;
    char args[8][64], keys[8][40];
};

static void serve(void *ctx, const struct pawl_tool_call *call,
                  void (*answer)(void *, enum pawl_tool_verdict, const char *, size_t), void *answer_ctx)
{
    struct tool *t = ctx;
    if (t->calls < 8) {
        snprintf(t->args[t->calls], sizeof t->args[0], "%.*s", (int)call->args_bytes, call->args);
        snprintf(t->keys[t->calls], sizeof t->keys[0], "%s", call->key);
    }
    t->calls++;
    answer(answer_ctx, t->says, "{}", 2);
}

static struct pawl *fresh(struct tool *act, struct tool *back, struct tool *pay)
{
    struct pawl *p = kit_fresh(config);
    *act = *back = *pay = (struct tool){.says = PAWL_TOOL_APPLIED};
    CHECK_INT(pawl_register_tool(p, "act", serve, act, NULL), PAWL_OK);
    CHECK_INT(pawl_register_tool(p, "take_back", serve, back, NULL), PAWL_OK);
    CHECK_INT(pawl_register_tool(p, "pay", serve, pay, NULL), PAWL_OK);
    return p;
}

/* It failed for its limit of steps; what had happened by then is not done again. */
static void a_run_that_failed(void)
{
    struct tool act, back, pay;
    struct pawl *p = fresh(&act, &back, &pay);
    char run[37];
    kit_start(p, "one", NULL, run);
    CHECK_TEXT(kit_wait(p, run), "failed");
    CHECK_INT(act.calls, 1);
    FAILS(pawl_retry(p, "00000000-0000-7000-8000-000000000000", 0, NULL, NULL, NULL, &why), PAWL_ENOTFOUND, "", "");
    FAILS(pawl_retry(p, run, 9, NULL, NULL, NULL, &why), PAWL_ENOTFOUND, "no such step", "pawl show");
    FAILS(pawl_retry(p, run, 2, NULL, NULL, NULL, &why), PAWL_ECONFLICT, "has been done", "");
    FAILS(pawl_retry(p, run, 0, "{\"n\":2}", NULL, NULL, &why), PAWL_EINVAL, "no call is tried again", "");
    CHECK_INT(pawl_retry(p, run, 0, NULL, "the limit was too small", "again-1", NULL), PAWL_OK);
    CHECK_INT(pawl_retry(p, run, 0, NULL, NULL, "again-1", NULL), PAWL_OK); /* said again: it is that one */
    CHECK_TEXT(kit_wait(p, run), "done");
    CHECK_INT(act.calls, 1);
    FAILS(pawl_retry(p, run, 0, NULL, NULL, NULL, &why), PAWL_ECONFLICT, "is done", "start a new one");
    pawl_close(p);
}

/* A call that is known not to have happened is tried again: as the same step under the same key, or with other arguments. */
static void a_call_that_failed(void)
{
    struct tool act, back, pay;
    struct pawl *p = fresh(&act, &back, &pay);
    char run[37];
    act.says = PAWL_TOOL_NOT_APPLIED;
    kit_start(p, "one", NULL, run);
    CHECK_TEXT(kit_wait(p, run), "failed");
    CHECK_INT(act.calls, 1);
    act.says = PAWL_TOOL_APPLIED;
    FAILS(pawl_retry(p, run, 2, "[1]", NULL, NULL, &why), PAWL_EINVAL, "must be a JSON object", "");
    FAILS(pawl_retry(p, run, 2, "{\"n\":99}", NULL, NULL, &why), PAWL_EINVAL, "do not fit the tool's input", "");
    CHECK_INT(pawl_retry(p, run, 2, "{\"n\":5}", NULL, NULL, NULL), PAWL_OK);
    kit_wait(p, run);
    CHECK_INT(act.calls, 2);
    CHECK_TEXT(act.args[1], "{\"n\":5}");
    CHECK(strcmp(act.keys[0], act.keys[1]) != 0); /* another call than the one that was asked for first */
    CHECK(pawl_json_bool(kit_step(kit_view(p, run), 2), "edited", false));
    pawl_close(p);
}

static void what_was_done_is_undone(void)
{
    struct tool act, back, pay;
    struct pawl *p = fresh(&act, &back, &pay);
    char run[37];
    kit_start(p, "two", NULL, run);
    CHECK_TEXT(kit_wait(p, run), "done");
    CHECK_INT(act.calls, 2);
    FAILS(pawl_undo(p, run, 9, NULL, NULL, &why), PAWL_ENOTFOUND, "no such step", "");
    CHECK_INT(pawl_undo(p, run, 2, "only the last", "undo-1", NULL), PAWL_OK); /* behind step 2: the second call */
    CHECK_INT(pawl_undo(p, run, 2, NULL, "undo-1", NULL), PAWL_OK);
    CHECK_TEXT(kit_wait(p, run), "done");
    CHECK_INT(back.calls, 1);
    CHECK_TEXT(back.args[0], "{\"n\":2}");
    back.says = PAWL_TOOL_NOT_APPLIED;
    CHECK_INT(pawl_undo(p, run, 0, NULL, NULL, NULL), PAWL_OK);
    CHECK_TEXT(kit_wait(p, run), "done"); /* it ends as it had, and says what could not be undone */
    CHECK_INT(back.calls, 2);
    CHECK(pawl_json_bool(kit_step(kit_view(p, run), 2), "undo_failed", false));
    yyjson_val *letters = yyjson_obj_get(kit_ask(p, "{\"do\":\"dlq\"}", NULL), "letters");
    CHECK_INT((int64_t)yyjson_arr_size(letters), 1); /* somebody has to look there, though the run is done */
    CHECK_TEXT(kit_text(yyjson_arr_get(letters, 0), "status"), "done");
    CHECK_INT((int64_t)yyjson_arr_size(yyjson_obj_get(kit_ask(p, "{\"do\":\"dlq\",\"failed\":true}", NULL), "letters")),
              0);
    back.says = PAWL_TOOL_APPLIED;
    CHECK_INT(pawl_undo(p, run, 0, NULL, NULL, NULL), PAWL_OK); /* those that failed are tried anew */
    CHECK_TEXT(kit_wait(p, run), "done");
    CHECK_INT(back.calls, 3);
    CHECK_TEXT(back.args[2], "{\"n\":1}");
    CHECK_INT((int64_t)yyjson_arr_size(yyjson_obj_get(kit_ask(p, "{\"do\":\"dlq\"}", NULL), "letters")), 0);
    FAILS(pawl_undo(p, run, 0, NULL, NULL, &why), PAWL_ENOTFOUND, "nothing that the run did", "");
    CHECK_INT(act.calls, 2);
    pawl_close(p);
}

static void a_changed_call_is_approved(void)
{
    struct tool act, back, pay;
    struct pawl *p = fresh(&act, &back, &pay);
    char run[37];
    kit_start(p, "pays", NULL, run);
    CHECK_TEXT(kit_wait(p, run), "waiting");
    FAILS(pawl_retry(p, run, 0, NULL, NULL, NULL, &why), PAWL_ECONFLICT, "the run goes on", "");
    FAILS(pawl_undo(p, run, 0, NULL, NULL, &why), PAWL_ECONFLICT, "the run goes on", "pawl cancel");
    FAILS(pawl_approve_edited(p, run, 2, NULL, "{\"n\":\"much\"}", NULL, NULL, NULL, &why), PAWL_EINVAL, "fit", "");
    FAILS(pawl_approve_edited(p, run, 2, NULL, "5", NULL, NULL, NULL, &why), PAWL_EINVAL, "JSON object", "");
    FAILS(pawl_approve_edited(p, run, 2, "00", "{\"n\":2}", NULL, NULL, NULL, &why), PAWL_EINVAL, "", "");
    CHECK_INT(pay.calls, 0);
    CHECK_INT(pawl_approve_edited(p, run, 2, NULL, "{\"n\":2}", "one is too few", NULL, "yes-1", NULL), PAWL_OK);
    CHECK_INT(pawl_approve_edited(p, run, 2, NULL, "{\"n\":2}", NULL, NULL, "yes-1", NULL), PAWL_OK);
    CHECK_TEXT(kit_wait(p, run), "done");
    CHECK_INT(pay.calls, 1);
    CHECK_TEXT(pay.args[0], "{\"n\":2,\"to\":\"ann\"}"); /* what is not named stays */
    FAILS(pawl_approve_edited(p, run, 2, NULL, "{\"n\":3}", NULL, NULL, NULL, &why), PAWL_ECONFLICT, "", "");
    CHECK_INT(pay.calls, 1);
    pawl_close(p);
}

int main(void)
{
    kit_begin();
    a_run_that_failed();
    a_call_that_failed();
    what_was_done_is_undone();
    a_changed_call_is_approved();
    return kit_end();
}
