/* src/engine/engine_test.c - stories of one engine over the memory store, every action answered at once by hand. The
 * simulator hunts; this shows the plain ways, and that nothing leaves before it is durable. */
#include "contract/webhook.h"
#include "engine/engine_kit.h"

enum { QUEUE = 64 };
struct world {
    struct pawl_engine *e;
    struct pawl_store *store;
    struct pawl_config config;
    struct pawl_arena arena;
    struct pawl_action queue[QUEUE]; /* begun and not yet answered */
    uint32_t queued;
    int64_t now_ns, wall_shift_ns;
    int calls; /* of tools that change something */
    char keys[8][PAWL_ID_TEXT];
    enum pawl_transport next_end; /* of the next change: ANSWERED, or what is planted */
    int32_t next_status;
    struct pawl_error replied;
    char said[200]; /* with it, where it is no error */
    int replies;
    bool unordered; /* a change left before its intent was in the store */
};

static const struct pawl_config *config_port(void *ctx, struct pawl_hash hash, struct pawl_str *missing)
{
    struct world *w = ctx;
    (void)hash, (void)missing;
    return &w->config;
}

static struct pawl_tool tools[2];
static const struct pawl_tool *tool_list[] = {&tools[0], &tools[1]};
static struct pawl_model model;
static struct pawl_agent agent;

static void make_config(struct world *w, const char *script)
{
    const struct pawl_retry retry = {.attempts = 3, .first_ns = 1000, .max_ns = 100000, .factor = 2};
    tools[0] =
        (struct pawl_tool){.name = PAWL_STR("look"), .effect = PAWL_EFFECT_READ, .retry = retry, .timeout_ns = 1000};
    tools[1] = (struct pawl_tool){.name = PAWL_STR("pay"),
                                  .effect = PAWL_EFFECT_MUTATE,
                                  .retry = retry,
                                  .timeout_ns = 1000,
                                  .repeat = PAWL_REPEAT_ANSWER,
                                  .gate_expires_ns = 1000000,
                                  .verify = {.settles_ns = -1},
                                  .key_header = PAWL_STR("Idempotency-Key"),
                                  .remembered_for_ns = 1000000};
    model = (struct pawl_model){.name = PAWL_STR("main"),
                                .provider = PAWL_PROVIDER_SCRIPT,
                                .script = pawl_str_of(script),
                                .first_token_ns = 1000,
                                .total_ns = 1000,
                                .retry = retry};
    agent = (struct pawl_agent){.name = PAWL_STR("desk"),
                                .model = PAWL_STR("main"),
                                .instructions = PAWL_STR("help"),
                                .tools = tool_list,
                                .tools_count = 2,
                                .steps_max = 20};
    w->config = (struct pawl_config){.json = PAWL_STR("{}"),
                                     .models = &model,
                                     .models_count = 1,
                                     .tools = tools,
                                     .tools_count = 2,
                                     .agents = &agent,
                                     .agents_count = 1};
    w->config.hash = pawl_sha256("{}", 2);
}

static void take(struct world *w, struct pawl_event *ev)
{
    const struct pawl_action *actions;
    uint32_t n;
    ev->now_ns = w->now_ns;
    ev->wall_ns = w->now_ns + 1000000 + w->wall_shift_ns;
    CHECK_INT(pawl_engine_step(w->e, ev, &actions, &n), PAWL_OK);
    for (uint32_t i = 0; i < n; i++) {
        if (actions[i].kind == PAWL_DO_REPLY) {
            w->replies++;
            w->replied = actions[i].answer->error;
            snprintf(w->said, sizeof w->said, "%.*s", (int)actions[i].answer->body.n, actions[i].answer->body.p);
        } else if (actions[i].kind != PAWL_DO_CANCEL) {
            if (w->queued == QUEUE) CHECK(w->queued < QUEUE);
            else w->queue[w->queued++] = actions[i];
        }
    }
}

static void begin(struct world *w)
{
    const struct pawl_ports ports = kit_ports(w, config_port);
    struct pawl_event ev = {.kind = PAWL_EV_START, .seed = 7, .store_id = w->store->id, .instance = w->store->instance};
    CHECK_INT(pawl_engine_new(pawl_alloc_libc(), &ports, &w->e), PAWL_OK);
    take(w, &ev);
}

static void open_world(struct world *w, const char *script)
{
    const uint8_t id[16] = {1};
    memset(w, 0, sizeof *w);
    pawl_arena_init(&w->arena, pawl_alloc_libc());
    make_config(w, script);
    CHECK_INT(pawl_memory_open(id, pawl_alloc_libc(), &w->store), PAWL_OK);
    begin(w);
}

static void close_world(struct world *w)
{
    pawl_engine_free(w->e);
    w->store->close(w->store);
    pawl_arena_fini(&w->arena);
}

/* Has the store this step's intent with this very key? */
static bool intended(struct world *w, const struct pawl_attempt *a)
{
    struct pawl_run_records r = {0};
    bool found = false;
    if (w->store->read(w->store, a->run, 1, &w->arena, &r, NULL)) return false;
    for (uint32_t i = 0; i < r.count; i++)
        if (r.records[i].kind == PAWL_STEP_INTENDED && r.records[i].step == a->step) found = true;
    return found;
}

static void answer_attempt(struct world *w, const struct pawl_action *a)
{
    const struct pawl_attempt *t = a->attempt;
    struct pawl_event ev = {.kind = PAWL_EV_DONE, .id = a->id};
    struct pawl_reply reply = {.transport = PAWL_ANSWERED,
                               .has_verdict = true,
                               .verdict = PAWL_APPLIED_YES,
                               .body = PAWL_STR("{\"ok\":true}")};
    yyjson_val *request;
    if (t->of == PAWL_ATTEMPT_MODEL) {
        CHECK_INT(pawl_json_read(t->request, &w->arena, &request, NULL), PAWL_OK);
        pawl_script_reply(t->model, (uint32_t)pawl_json_i64(yyjson_obj_get(request, "script"), "turn", 99), &w->arena,
                          &reply);
    } else if (t->changes) {
        if (!intended(w, t)) w->unordered = true;
        if (w->calls < 8 && t->key.n < PAWL_ID_TEXT) memcpy(w->keys[w->calls], t->key.p, t->key.n);
        w->calls++;
        if (w->next_end != PAWL_ANSWERED) reply = (struct pawl_reply){.transport = w->next_end};
        w->next_end = PAWL_ANSWERED;
    }
    ev.reply = &reply;
    take(w, &ev);
}

static void answer_find(struct world *w, const struct pawl_action *a)
{
    struct pawl_found found;
    struct pawl_event ev = {.kind = PAWL_EV_FOUND, .id = a->id, .found = &found};
    ev.status = kit_find(w->store, &w->arena, a->find, &found);
    take(w, &ev);
}

/* Answer everything until nothing is under way and no timer is due soon; or until a look waits for its answer. */
static void settle_to(struct world *w, bool look)
{
    for (int i = 0; i < 1000; i++) {
        struct pawl_action a;
        w->now_ns += 1;
        if (w->queued == 0) {
            struct pawl_event due = {.kind = PAWL_EV_DUE};
            if (pawl_engine_due_ns(w->e) > w->now_ns + 500000) return;
            if (pawl_engine_due_ns(w->e) > w->now_ns) w->now_ns = pawl_engine_due_ns(w->e);
            take(w, &due);
            continue;
        }
        a = w->queue[0];
        if (look && a.kind == PAWL_DO_ATTEMPT && a.attempt->look) return;
        memmove(w->queue, w->queue + 1, --w->queued * sizeof a);
        if (a.kind == PAWL_DO_COMMIT) {
            struct pawl_event ev = {.kind = PAWL_EV_COMMITTED, .id = a.id};
            ev.status = w->store->commit(w->store, &a.commit, 1, NULL);
            take(w, &ev);
        } else if (a.kind == PAWL_DO_FIND) {
            answer_find(w, &a);
        } else {
            answer_attempt(w, &a);
        }
    }
    CHECK_TEXT("it does not come to rest", "");
}

static void settle(struct world *w)
{
    settle_to(w, false);
}

static void ask(struct world *w, struct pawl_request r)
{
    struct pawl_event ev = {.kind = PAWL_EV_REQUEST, .id = 5, .request = &r};
    take(w, &ev);
    settle(w);
}

static const struct pawl_id run_id = {{1, 2, 3, 4, 5, 6, 0x70, 8, 0x80, 10, 11, 12, 13, 14, 15, 16}};

static void start(struct world *w)
{
    ask(w, (struct pawl_request){.what = PAWL_ASK_START,
                                 .run = run_id,
                                 .agent = PAWL_STR("desk"),
                                 .key = PAWL_STR("k"),
                                 .input = PAWL_STR("\"order 7\""),
                                 .config = &w->config,
                                 .id = PAWL_STR("start-1")});
}

static struct pawl_head head(struct world *w)
{
    struct pawl_run_records r = {0};
    CHECK_INT(w->store->read(w->store, run_id, 1, &w->arena, &r, NULL), PAWL_OK);
    return r.head;
}

static int count(struct world *w, enum pawl_kind kind)
{
    struct pawl_run_records r = {0};
    int n = 0;
    CHECK_INT(w->store->read(w->store, run_id, 1, &w->arena, &r, NULL), PAWL_OK);
    for (uint32_t i = 0; i < r.count; i++) n += r.records[i].kind == kind;
    CHECK_INT(pawl_chain_check(r.records, r.count, &(struct pawl_hash){{0}}, NULL), PAWL_OK);
    return n;
}

#define PAY(n) "{\"call\":{\"name\":\"pay\",\"args\":{\"order\":" #n "}}}"

static void plain(void)
{
    struct world w;
    open_world(&w, "[{\"call\":{\"name\":\"look\",\"args\":{}}}," PAY(7) ",{\"say\":\"done\"}]");
    start(&w);
    CHECK_INT(head(&w).status, PAWL_DONE);
    CHECK_INT(w.calls, 1);
    CHECK(!w.unordered);
    CHECK_INT(head(&w).seq, 11); /* created, 3 models x 2, a read, pay x 2, ended */
    CHECK_INT(w.replied.code, 0);
    start(&w); /* the same start again: the same run */
    CHECK_INT(w.replied.code, 0);
    CHECK_INT(w.replies, 2);
    CHECK_INT(w.calls, 1);
    CHECK(pawl_engine_idle(w.e));
    close_world(&w);
}

static void forgetful(void)
{
    struct world w;
    open_world(&w, "[" PAY(7) "," PAY(7) ",{\"say\":\"done\"}]");
    start(&w);
    CHECK_INT(head(&w).status, PAWL_DONE);
    CHECK_INT(w.calls, 1); /* answered from the first */
    close_world(&w);
}

/* dedupe: {by: []}: whatever it says, a second call is the same intent; with other arguments it is asked about. */
static void any_call_is_the_same(void)
{
    struct world w;
    open_world(&w, "[" PAY(7) "," PAY(9) ",{\"say\":\"done\"}]");
    tools[1].dedupe_any = true;
    start(&w);
    CHECK_INT(head(&w).waiting, PAWL_WAIT_GATE);
    CHECK_INT(w.calls, 1);
    close_world(&w);
}

static void lost_and_resolved(void)
{
    struct world w;
    open_world(&w, "[" PAY(7) ",{\"say\":\"done\"}]");
    w.next_end = PAWL_LOST;
    start(&w);
    CHECK_INT(head(&w).status, PAWL_WAITING); /* no key, no verify: a person */
    CHECK_INT(head(&w).waiting, PAWL_WAIT_DOUBT);
    CHECK_INT(w.calls, 1);
    CHECK(pawl_engine_idle(w.e));
    ask(&w, (struct pawl_request){
                .what = PAWL_ASK_RESOLVE, .run = run_id, .how = PAWL_HOW_NOT_HAPPENED, .id = PAWL_STR("r1")});
    CHECK_INT(w.replied.code, 0);
    CHECK_INT(head(&w).status, PAWL_DONE);
    CHECK_INT(w.calls, 2);
    CHECK_TEXT(w.keys[0], w.keys[1]); /* one key for all attempts */
    close_world(&w);
}

static void keyed(void)
{
    struct world w;
    open_world(&w, "[" PAY(7) ",{\"say\":\"done\"}]");
    tools[1].key_declared = true;
    w.next_end = PAWL_NO_ANSWER;
    start(&w);
    CHECK_INT(head(&w).status, PAWL_DONE);
    CHECK_INT(w.calls, 2);
    CHECK_TEXT(w.keys[0], w.keys[1]);
    CHECK_INT(count(&w, PAWL_STEP_ATTEMPTED), 2); /* how the first ended; that the second leaves */
    close_world(&w);
}

static void gated(bool yes)
{
    struct world w;
    open_world(&w, "[" PAY(7) ",{\"say\":\"done\"}]");
    tools[1].effect = PAWL_EFFECT_IRREVERSIBLE;
    tools[1].gate = PAWL_GATE_ALWAYS;
    start(&w);
    CHECK_INT(head(&w).waiting, PAWL_WAIT_GATE);
    CHECK_INT(w.calls, 0);
    ask(&w, (struct pawl_request){.what = yes ? PAWL_ASK_APPROVE : PAWL_ASK_DENY, .run = run_id, .id = PAWL_STR("a1")});
    CHECK_INT(w.replied.code, 0);
    CHECK_INT(head(&w).status, PAWL_DONE);
    CHECK_INT(w.calls, yes);
    ask(&w, (struct pawl_request){
                .what = yes ? PAWL_ASK_DENY : PAWL_ASK_APPROVE, .run = run_id, .step = 2, .id = PAWL_STR("a2")});
    CHECK_INT(w.replied.code, PAWL_ECONFLICT); /* a second, different answer */
    close_world(&w);
}

/* The owner dies after the intent is durable and the call has left: bare, so nobody may guess. */
static void crashed(bool has_key)
{
    struct world w;
    struct pawl_store *next;
    open_world(&w, "[" PAY(7) ",{\"say\":\"done\"}]");
    tools[1].key_declared = has_key;
    struct pawl_request r = {.what = PAWL_ASK_START,
                             .run = run_id,
                             .agent = PAWL_STR("desk"),
                             .input = PAWL_STR("\"x\""),
                             .config = &w.config};
    struct pawl_event ev = {.kind = PAWL_EV_REQUEST, .id = 5, .request = &r};
    take(&w, &ev);
    for (int i = 0; i < 1000; i++) { /* as settle, until the call is there */
        struct pawl_action a = w.queue[0];
        w.now_ns++;
        if (a.kind == PAWL_DO_ATTEMPT && a.attempt->of == PAWL_ATTEMPT_TOOL) break;
        memmove(w.queue, w.queue + 1, --w.queued * sizeof a);
        if (a.kind == PAWL_DO_FIND) answer_find(&w, &a);
        else if (a.kind == PAWL_DO_ATTEMPT) answer_attempt(&w, &a);
        else {
            struct pawl_event done = {.kind = PAWL_EV_COMMITTED, .id = a.id};
            done.status = w.store->commit(w.store, &a.commit, 1, NULL);
            take(&w, &done);
        }
    }
    pawl_engine_free(w.e);
    w.queued = 0;
    CHECK_INT(pawl_memory_again(w.store, &next), PAWL_OK);
    w.store->close(w.store);
    w.store = next;
    begin(&w);
    settle(&w);
    CHECK_INT(head(&w).waiting, has_key ? PAWL_WAIT_NONE : PAWL_WAIT_DOUBT);
    CHECK_INT(head(&w).status, has_key ? PAWL_DONE : PAWL_WAITING);
    CHECK_INT(w.calls, has_key ? 1 : 0);
    close_world(&w);
}

static void cancelled(void)
{
    struct world w;
    open_world(&w, "[" PAY(7) ",{\"say\":\"done\"}]");
    tools[1].gate = PAWL_GATE_ALWAYS;
    start(&w);
    ask(&w, (struct pawl_request){.what = PAWL_ASK_CANCEL, .run = run_id, .text = PAWL_STR("no longer wanted")});
    CHECK_INT(head(&w).status, PAWL_CANCELLED_RUN);
    CHECK_INT(w.calls, 0);
    close_world(&w);
}

/* A run that is to begin later costs a row until then, and needs nobody to begin. */
static void later(void)
{
    struct world w;
    open_world(&w, "[" PAY(7) ",{\"say\":\"done\"}]");
    const int64_t begins_ns = w.now_ns + 1000000 + 900000; /* by the wall clock; settle() looks half as far */
    ask(&w, (struct pawl_request){.what = PAWL_ASK_START,
                                  .id = PAWL_STR("start-later"),
                                  .run = run_id,
                                  .agent = PAWL_STR("desk"),
                                  .input = PAWL_STR("\"go\""),
                                  .config = &w.config,
                                  .begins_ns = begins_ns});
    CHECK_INT(w.replied.code, PAWL_OK);
    CHECK_INT(head(&w).status, PAWL_WAITING);
    CHECK_INT(head(&w).waiting, PAWL_WAIT_TIMER);
    CHECK_INT(head(&w).wake_ns, begins_ns);
    CHECK_INT(pawl_engine_hot(w.e), 0);
    CHECK_INT(count(&w, PAWL_STEP_INTENDED), 0);
    w.now_ns += 450000;
    settle(&w);
    CHECK_INT(head(&w).status, PAWL_DONE);
    CHECK_INT(w.calls, 1);
    close_world(&w);
}

/* A person has said what became of it, and only the read behind it is out: who calls back now is too late, and told so. */
static void called_behind_a_persons_word(void)
{
    struct world w;
    struct pawl_check check = {.name = PAWL_STR("there"), .then = PAWL_CHECK_TELL, .looks = PAWL_CHECK_AFTER};
    char token[PAWL_TOKEN_TEXT];
    yyjson_val *all = NULL;
    open_world(&w, "[" PAY(7) ",{\"say\":\"done\"}]");
    CHECK_INT(pawl_json_read(PAWL_STR("{}"), &w.arena, &all, NULL), PAWL_OK);
    CHECK_INT(pawl_schema_compile(all, NULL, pawl_alloc_libc(), &check.schema, NULL), PAWL_OK);
    w.config.serve.secret = PAWL_STR("s");
    tools[1].output_bytes = 1000;
    tools[1].async.header = PAWL_STR("X-Callback-Url");
    tools[1].checks = &check;
    tools[1].checks_count = 1;
    tools[1].after.tool = PAWL_STR("look");
    w.next_end = PAWL_LOST;
    start(&w);
    CHECK_INT(head(&w).waiting, PAWL_WAIT_DOUBT);
    struct pawl_request r = {.what = PAWL_ASK_RESOLVE, .run = run_id, .how = PAWL_HOW_HAPPENED, .id = PAWL_STR("r1")};
    struct pawl_event ev = {.kind = PAWL_EV_REQUEST, .id = 5, .request = &r};
    take(&w, &ev);
    settle_to(&w, true);
    CHECK_INT(w.queued > 0, true);
    pawl_callback_token(w.config.serve.secret, run_id, 2, w.keys[0], token);
    ask(&w, (struct pawl_request){.what = PAWL_ASK_CALLBACK,
                                  .run = run_id,
                                  .step = 2,
                                  .token = pawl_str_of(token),
                                  .body = PAWL_STR("{\"status\":\"failed\"}"),
                                  .id = PAWL_STR("c1")});
    CHECK_INT(w.replied.code, 0);
    CHECK(strstr(w.said, "\"late\"") != NULL);
    CHECK_INT(count(&w, PAWL_STEP_CALLED), 0);
    CHECK_INT(count(&w, PAWL_NOTE), 1);
    CHECK_INT(head(&w).status, PAWL_DONE);
    close_world(&w);
    pawl_schema_free(check.schema);
}

static void say(struct world *w, bool yes, const char *id)
{
    ask(w, (struct pawl_request){.what = yes ? PAWL_ASK_APPROVE : PAWL_ASK_DENY, .run = run_id, .id = pawl_str_of(id)});
    CHECK_INT(w->replied.code, 0);
}

/* The first doing had expired when the second one was asked about; the clock has gone back since. The answer counts all the
 * same, and the claim that was held for it is given back. */
static void asked_and_the_clock_goes_back(enum pawl_scope scope, bool yes)
{
    static const struct pawl_id other = {{1, 2, 3, 4, 5, 7, 0x70, 8, 0x80, 10, 11, 12, 13, 14, 15, 16}};
    struct world w;
    struct pawl_run_records r = {0};
    open_world(&w, "[" PAY(7) "," PAY(9) "," PAY(7) ",{\"say\":\"done\"}]");
    tools[1].gate = PAWL_GATE_ALWAYS;
    tools[1].scope = scope;
    tools[1].within_ns = 300000;
    start(&w);
    say(&w, true, "a1");
    w.wall_shift_ns = 400000;
    say(&w, true, "a2");
    CHECK_INT(head(&w).waiting_step, 6);
    w.wall_shift_ns = 0;
    say(&w, yes, "a3");
    CHECK_INT(head(&w).status, PAWL_DONE);
    CHECK_INT(count(&w, PAWL_STEP_FAILED), !yes);
    CHECK_INT(w.calls, yes ? 3 : 2);
    ask(&w, (struct pawl_request){.what = PAWL_ASK_START,
                                  .run = other,
                                  .agent = PAWL_STR("desk"),
                                  .input = PAWL_STR("\"order 7\""),
                                  .config = &w.config,
                                  .id = PAWL_STR("start-2")});
    CHECK_INT(w.store->read(w.store, other, 1, &w.arena, &r, NULL), PAWL_OK);
    CHECK(r.head.status != PAWL_RUNNING); /* no claim stands in its way */
    close_world(&w);
}

static void endless_nonsense(void)
{
    struct world w;
    open_world(
        &w,
        "[{\"call\":{\"name\":\"fly\",\"args\":{}}},{\"call\":{\"name\":\"fly\",\"args\":{}}},{\"call\":{\"name\":\"fly\",\"args\":{}}},"
        "{\"call\":{\"name\":\"fly\",\"args\":{}}},{\"call\":{\"name\":\"fly\",\"args\":{}}}]");
    start(&w);
    CHECK_INT(head(&w).status, PAWL_FAILED_RUN);
    CHECK_INT(count(&w, PAWL_STEP_FAILED), PAWL_AGENT_BAD_ROUNDS + 1);
    close_world(&w);
}

int main(void)
{
    plain();
    forgetful();
    any_call_is_the_same();
    lost_and_resolved();
    keyed();
    gated(true);
    gated(false);
    crashed(true);
    crashed(false);
    cancelled();
    later();
    endless_nonsense();
    called_behind_a_persons_word();
    for (int yes = 0; yes < 2; yes++)
        asked_and_the_clock_goes_back(PAWL_SCOPE_RUN, yes), asked_and_the_clock_goes_back(PAWL_SCOPE_AGENT, yes);
    return TEST_END();
}
