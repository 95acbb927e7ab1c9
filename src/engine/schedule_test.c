/* src/engine/schedule_test.c - schedules of one engine over the memory store, in virtual time: a time is one commit, whatever
 * ends the engine around it; a store that fails; the wall clock that is set; a person's word meanwhile. */
#include "engine/engine_kit.h"
#include "contract/schedule.h"
#include "policy/schedule.h"

#define MIN INT64_C(60000000000)
#define SEC INT64_C(1000000000)
#define T0 (INT64_C(1767225600) * SEC) /* a whole hour */

enum { QUEUE = 64 };
struct world {
    struct pawl_engine *e;
    struct pawl_store *store;
    struct pawl_config config;
    struct pawl_schedule schedule;
    struct pawl_arena arena;
    struct pawl_action queue[QUEUE];
    uint32_t queued;
    int64_t now_ns, shift_ns; /* the wall clock is their sum */
    int fails;                /* so many commits that the store cannot make */
    bool holds_model;         /* the model does not answer */
    struct pawl_action held;
    int replies;
    struct pawl_error replied;
};

static struct pawl_model model;
static struct pawl_agent agent;

static const struct pawl_config *config_port(void *ctx, struct pawl_hash hash, struct pawl_str *missing)
{
    struct world *w = ctx;
    (void)hash, (void)missing;
    return &w->config;
}

static void take(struct world *w, struct pawl_event *ev)
{
    const struct pawl_action *actions;
    uint32_t n;
    ev->now_ns = w->now_ns;
    ev->wall_ns = w->now_ns + w->shift_ns;
    CHECK_INT(pawl_engine_step(w->e, ev, &actions, &n), PAWL_OK);
    for (uint32_t i = 0; i < n; i++) {
        if (actions[i].kind == PAWL_DO_REPLY) {
            w->replies++;
            w->replied = actions[i].answer->error;
        } else if (actions[i].kind != PAWL_DO_CANCEL && CHECK(w->queued < QUEUE)) {
            w->queue[w->queued++] = actions[i];
        }
    }
}

static void ask(struct world *w, struct pawl_request r)
{
    struct pawl_event ev = {.kind = PAWL_EV_REQUEST, .id = 5, .request = &r};
    take(w, &ev);
}

/* An owner that serves: another one where there was one. */
static void begin(struct world *w)
{
    const struct pawl_ports ports = kit_ports(w, config_port);
    struct pawl_store *next = NULL;
    struct pawl_shared *rows = NULL;
    struct pawl_event ev = {.kind = PAWL_EV_START, .seed = (uint64_t)w->now_ns};
    if (w->e) {
        pawl_engine_free(w->e);
        CHECK_INT(pawl_memory_again(w->store, &next), PAWL_OK);
        w->store->close(w->store);
        w->store = next;
        w->queued = 0;
    }
    CHECK_INT(pawl_engine_new(pawl_alloc_libc(), &ports, &w->e), PAWL_OK);
    ev.store_id = w->store->id;
    ev.instance = w->store->instance;
    CHECK_INT(w->store->shared(w->store, &w->arena, &rows, &ev.shared_count, NULL), PAWL_OK);
    ev.shared = rows;
    take(w, &ev);
    ask(w, (struct pawl_request){.what = PAWL_ASK_SCHEDULES, .config = &w->config});
}

static void open_world(struct world *w, enum pawl_catch_up catch_up, enum pawl_overlap overlap)
{
    const uint8_t id[16] = {1};
    memset(w, 0, sizeof *w);
    pawl_arena_init(&w->arena, pawl_alloc_libc());
    model = (struct pawl_model){.name = PAWL_STR("main"),
                                .provider = PAWL_PROVIDER_SCRIPT,
                                .script = PAWL_STR("[{\"say\":\"hello\"}]"),
                                .first_token_ns = 3600 * SEC,
                                .total_ns = 3600 * SEC,
                                .retry = {.attempts = 3, .first_ns = 1000, .max_ns = 100000, .factor = 2}};
    agent = (struct pawl_agent){.name = PAWL_STR("desk"), .model = PAWL_STR("main"), .steps_max = 20};
    w->schedule = (struct pawl_schedule){.name = PAWL_STR("s"),
                                         .agent = PAWL_STR("desk"),
                                         .input = PAWL_STR("\"go\""),
                                         .zone_known = true,
                                         .catch_up = catch_up,
                                         .overlap = overlap,
                                         .limit = 100,
                                         .digest = pawl_sha256("s", 1)};
    CHECK_INT(pawl_cron_read(PAWL_STR("*/10 * * * *"), &w->schedule.cron, NULL), PAWL_OK);
    w->config = (struct pawl_config){.json = PAWL_STR("{}"),
                                     .models = &model,
                                     .models_count = 1,
                                     .agents = &agent,
                                     .agents_count = 1,
                                     .schedules = &w->schedule,
                                     .schedules_count = 1};
    w->config.hash = pawl_sha256("{}", 2);
    w->now_ns = 5 * MIN;
    w->shift_ns = T0 - w->now_ns;
    CHECK_INT(pawl_memory_open(id, pawl_alloc_libc(), &w->store), PAWL_OK);
    begin(w);
}

static void close_world(struct world *w)
{
    pawl_engine_free(w->e);
    w->store->close(w->store);
    pawl_arena_fini(&w->arena);
}

static void answer_model(struct world *w, const struct pawl_action *a)
{
    struct pawl_event ev = {.kind = PAWL_EV_DONE, .id = a->id};
    struct pawl_reply reply = {.transport = PAWL_ANSWERED};
    pawl_script_reply(a->attempt->model, 0, &w->arena, &reply);
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

static bool answer_one(struct world *w)
{
    struct pawl_action a;
    if (w->queued == 0) return false;
    a = w->queue[0];
    memmove(w->queue, w->queue + 1, --w->queued * sizeof a);
    if (a.kind == PAWL_DO_COMMIT) {
        struct pawl_event ev = {.kind = PAWL_EV_COMMITTED, .id = a.id};
        ev.status = w->fails > 0 ? w->fails--, PAWL_EIO : w->store->commit(w->store, &a.commit, 1, NULL);
        take(w, &ev);
    } else if (a.kind == PAWL_DO_FIND) {
        answer_find(w, &a);
    } else if (w->holds_model) {
        w->held = a;
    } else {
        answer_model(w, &a);
    }
    return true;
}

/* On to that minute of the wall clock; every timer on the way fires. */
static void until(struct world *w, int64_t minute)
{
    const int64_t to_ns = T0 + minute * MIN - w->shift_ns;
    for (int i = 0; i < 10000; i++) {
        struct pawl_event due = {.kind = PAWL_EV_DUE};
        if (answer_one(w)) continue;
        if (pawl_engine_due_ns(w->e) > to_ns) {
            w->now_ns = to_ns > w->now_ns ? to_ns : w->now_ns;
            take(w, &due);
            if (w->queued == 0) return;
            continue;
        }
        if (pawl_engine_due_ns(w->e) > w->now_ns) w->now_ns = pawl_engine_due_ns(w->e);
        take(w, &due);
    }
    CHECK_TEXT("it does not come to rest", "");
}

/* Its row, as stored. */
static struct pawl_schedule_row row(struct world *w)
{
    struct pawl_shared *rows = NULL;
    struct pawl_schedule_row out = {0};
    uint32_t count = 0;
    yyjson_val *body;
    CHECK_INT(w->store->shared(w->store, &w->arena, &rows, &count, NULL), PAWL_OK);
    for (uint32_t i = 0; i < count; i++)
        if (pawl_str_is(rows[i].name, "schedule s") && pawl_json_read(rows[i].body, &w->arena, &body, NULL) == PAWL_OK)
            pawl_schedule_row_read(&out, body);
    return out;
}

/* The minutes for which runs are there, as text: "10 20 ". */
static const char *begun(struct world *w)
{
    static char text[256];
    struct pawl_head heads[64];
    const struct pawl_list_query q = {.max = 64};
    uint32_t count = 0;
    size_t n = 0;
    CHECK_INT(w->store->list(w->store, &q, &w->arena, heads, &count, NULL), PAWL_OK);
    text[0] = 0;
    for (uint32_t m = 0; m < 24 * 60; m += 10) {
        char key[64], slot[PAWL_SCHEDULE_SLOT_TEXT];
        pawl_slot_text(T0 + m * MIN, slot);
        snprintf(key, sizeof key, "schedule/s/%s", slot);
        for (uint32_t i = 0; i < count && n < sizeof text - 8; i++)
            if (pawl_str_is(heads[i].key, key)) n += (size_t)snprintf(text + n, sizeof text - n, "%u ", m);
    }
    return text;
}

static void at_its_time(void)
{
    struct world w;
    open_world(&w, PAWL_CATCH_UP_LAST, PAWL_OVERLAP_SKIP);
    until(&w, 9);
    CHECK_TEXT(begun(&w), "");
    CHECK_INT(pawl_engine_due_ns(w.e), T0 + 10 * MIN - w.shift_ns); /* it sleeps until then */
    until(&w, 35);
    CHECK_TEXT(begun(&w), "10 20 30 ");
    CHECK_INT(row(&w).begun, 3);
    CHECK_INT(row(&w).to_ns, T0 + 30 * MIN);
    CHECK(pawl_engine_idle(w.e));
    close_world(&w);
}

/* The engine ends after so many answers at the time of a slot, whatever they were: the next one finds it dealt with once. */
static void ends_anywhere(void)
{
    for (int answers = 0; answers < 12; answers++) {
        struct world w;
        struct pawl_event due = {.kind = PAWL_EV_DUE};
        open_world(&w, PAWL_CATCH_UP_LAST, PAWL_OVERLAP_SKIP);
        until(&w, 9);
        w.now_ns = pawl_engine_due_ns(w.e);
        take(&w, &due);
        for (int i = 0; i < answers; i++) answer_one(&w);
        begin(&w);
        until(&w, 15);
        if (!CHECK_TEXT(begun(&w), "10 ")) printf("  after %d answers\n", answers);
        CHECK_INT(row(&w).begun, 1);
        close_world(&w);
    }
}

/* What it could not store is as if it had not been tried; and is tried again, not once a turn. */
static void store_fails(void)
{
    for (int fails = 1; fails < 6; fails++) {
        struct world w;
        open_world(&w, PAWL_CATCH_UP_LAST, PAWL_OVERLAP_SKIP);
        until(&w, 9);
        w.fails = fails;
        until(&w, 15);
        CHECK_INT(w.fails, 0);
        if (!CHECK_TEXT(begun(&w), "10 ")) printf("  %d commits failed\n", fails);
        CHECK_INT(row(&w).begun, 1);
        close_world(&w);
    }
}

static void overlaps(void)
{
    struct world w;
    open_world(&w, PAWL_CATCH_UP_LAST, PAWL_OVERLAP_SKIP);
    w.holds_model = true;
    until(&w, 25);
    CHECK_TEXT(begun(&w), "10 ");
    CHECK_INT(row(&w).left[PAWL_LEFT_OVERLAP], 1);
    w.holds_model = false;
    answer_model(&w, &w.held);
    until(&w, 35);
    CHECK_TEXT(begun(&w), "10 30 ");
    close_world(&w);

    open_world(&w, PAWL_CATCH_UP_LAST, PAWL_OVERLAP_QUEUE);
    w.holds_model = true;
    until(&w, 35);
    CHECK_TEXT(begun(&w), "10 ");
    CHECK_INT(row(&w).waiting_count, 2);
    begin(&w); /* the next owner takes the run up, and what waits waits */
    until(&w, 36);
    CHECK_TEXT(begun(&w), "10 ");
    w.holds_model = false;
    answer_model(&w, &w.held);
    until(&w, 37);
    CHECK_TEXT(begun(&w), "10 20 30 ");
    CHECK_INT(row(&w).waiting_count, 0);
    close_world(&w);
}

/* The monotonic clock says nothing of it: set forth, all that is due is seen at the next event; set back, nothing twice. */
static void clock_is_set(void)
{
    struct world w;
    struct pawl_event due = {.kind = PAWL_EV_DUE};
    open_world(&w, PAWL_CATCH_UP_ALL, PAWL_OVERLAP_ALLOW);
    until(&w, 9);
    w.shift_ns += 25 * MIN;
    take(&w, &due);
    until(&w, 34);
    CHECK_TEXT(begun(&w), "10 20 30 ");
    w.shift_ns -= 20 * MIN; /* it is 14 again */
    take(&w, &due);
    until(&w, 39);
    CHECK_TEXT(begun(&w), "10 20 30 ");
    until(&w, 41);
    CHECK_TEXT(begun(&w), "10 20 30 40 ");
    w.shift_ns -= 20 * MIN; /* 21, and a person says: from now. What has begun for a time is found by its key. */
    ask(&w, (struct pawl_request){.what = PAWL_ASK_UNPAUSE, .agent = PAWL_STR("s")});
    until(&w, 55);
    CHECK_TEXT(begun(&w), "10 20 30 40 50 ");
    CHECK_INT(row(&w).to_ns, T0 + 50 * MIN);
    close_world(&w);
}

static void persons_word(void)
{
    struct world w;
    open_world(&w, PAWL_CATCH_UP_LAST, PAWL_OVERLAP_SKIP);
    ask(&w, (struct pawl_request){.what = PAWL_ASK_PAUSE, .agent = PAWL_STR("s")}); /* while its row is on its way */
    CHECK_INT(w.replies, 0);                                                        /* not before it is stored */
    until(&w, 12);
    CHECK_INT(w.replies, 1);
    CHECK_INT(w.replied.code, 0);
    CHECK(row(&w).paused);
    CHECK_TEXT(begun(&w), "");
    CHECK_INT(pawl_engine_due_ns(w.e), INT64_MAX); /* and nothing wakes for it */
    begin(&w);
    until(&w, 25);
    CHECK_TEXT(begun(&w), "");
    ask(&w, (struct pawl_request){.what = PAWL_ASK_UNPAUSE, .agent = PAWL_STR("s")});
    until(&w, 35);
    CHECK_TEXT(begun(&w), "30 ");
    w.fails = 1;
    ask(&w, (struct pawl_request){.what = PAWL_ASK_PAUSE, .agent = PAWL_STR("s")});
    until(&w, 36);
    CHECK_INT(w.replied.code, PAWL_EIO);
    CHECK(!row(&w).paused);
    until(&w, 41);
    CHECK_TEXT(begun(&w), "30 40 ");
    close_world(&w);
}

/* Asked to hand over it begins nothing; the next one does, late or not. */
static void hands_over(void)
{
    struct world w;
    struct pawl_event over = {.kind = PAWL_EV_HAND_OVER};
    open_world(&w, PAWL_CATCH_UP_LAST, PAWL_OVERLAP_SKIP);
    until(&w, 9);
    take(&w, &over);
    until(&w, 11);
    CHECK_TEXT(begun(&w), "");
    CHECK(pawl_engine_idle(w.e));
    ask(&w, (struct pawl_request){.what = PAWL_ASK_PAUSE, .agent = PAWL_STR("other")}); /* a person is heard */
    until(&w, 12);
    CHECK_INT(w.replies, 1);
    begin(&w);
    until(&w, 13);
    CHECK_TEXT(begun(&w), "10 ");
    close_world(&w);
}

int main(void)
{
    at_its_time();
    ends_anywhere();
    store_fails();
    overlaps();
    clock_is_set();
    persons_word();
    hands_over();
    return TEST_END();
}
