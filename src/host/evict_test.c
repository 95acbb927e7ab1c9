/* src/host/evict_test.c - a lane with little memory and many runs (lanes: {batch: {memory: ...}}): those that only wait leave
 * memory, all of them end, each tool is called once for each, and their deadline's clock goes on while they are out. */
#include <malloc.h>
#include <stdatomic.h>
#include "host/host_kit.h"

enum { RUNS = 400, PLACES = 2 };

static struct tool {
    atomic_int calls, leave;
} tool;

static void hold(void *ctx, const struct pawl_tool_call *call,
                 void (*answer)(void *, enum pawl_tool_verdict, const char *, size_t), void *answer_ctx)
{
    struct tool *t = ctx;
    const int64_t until_ns = pawl_clock_mono_ns() + call->timeout_ns;
    t->calls++;
    while (!t->leave && pawl_clock_mono_ns() < until_ns) usleep(1000);
    answer(answer_ctx, PAWL_TOOL_APPLIED, "{}", 2);
}

static struct pawl *fresh(const char *memory, const char *deadline)
{
    char config[1024];
    snprintf(config, sizeof config,
             "version: 1\n"
             "models: {m: {provider: script, script: [{call: {name: hold, args: {}}}, {say: done}]}}\n"
             "tools: {hold: {effect: mutate, input: {type: object}, timeout: 60s, breaker: none}}\n"
             "lanes: {batch: {concurrency: %d%s}}\n"
             "agents: {a: {model: m, tools: [hold], lane: batch%s}}\n",
             PLACES, memory, deadline);
    tool.calls = tool.leave = 0;
    struct pawl *p = kit_fresh(config);
    CHECK_INT(pawl_register_blocking_tool(p, "hold", hold, &tool, NULL), PAWL_OK);
    return p;
}

static char runs[RUNS][37];

/* All are started and stand in the lane's line behind two that hold its places. What that takes in memory. */
static size_t fill(struct pawl *p)
{
    const size_t before = mallinfo2().uordblks;
    for (int i = 0; i < RUNS; i++) kit_start(p, "a", NULL, runs[i]);
    while (tool.calls < PLACES) CHECK(pawl_turn(p, KIT_S / 100, NULL) == PAWL_OK);
    for (int i = 0; i < 50; i++) pawl_turn(p, KIT_S / 100, NULL);
    return mallinfo2().uordblks - before;
}

static size_t with_memory(const char *memory)
{
    struct pawl *p = fresh(memory, "");
    const size_t took = fill(p);
    yyjson_val *view = kit_view(p, runs[RUNS - 1]);
    CHECK_TEXT(kit_text(view, "waiting"), "room");
    CHECK(strstr(kit_text(view, "sentence"), "all places of lane batch are taken") != NULL);
    CHECK_INT(tool.calls, PLACES);
    tool.leave = 1;
    for (int i = 0; i < RUNS; i++) CHECK_TEXT(kit_wait(p, runs[i]), "done");
    CHECK_INT(tool.calls, RUNS);
    pawl_close(p);
    return took;
}

/* Two hold the places for longer than anybody may take: nobody waits longer, in memory or out of it. */
static void deadlines(void)
{
    struct pawl *p = fresh(", memory: 64KiB", ", deadline: 3s");
    const int64_t began_ns = pawl_clock_mono_ns();
    fill(p);
    for (int i = RUNS - 1; i >= RUNS / 2; i--) CHECK(strcmp(kit_wait(p, runs[i]), "done") != 0);
    CHECK(tool.calls < RUNS / 4); /* some get a place at the last moment, and their call is in doubt then */
    CHECK(pawl_clock_mono_ns() - began_ns < 15 * KIT_S); /* 3 s, and then some for a slow machine */
    tool.leave = 1;
    pawl_close(p);
}

int main(void)
{
    kit_begin();
    const size_t all = with_memory(""), few = with_memory(", memory: 256KiB");
    CHECK(all == 0 || few < all / 3); /* a sanitizer's allocator counts nothing there */
    if (few > all / 3) printf("%d runs take %zu bytes, with 256 KiB allowed %zu\n", RUNS, all, few);
    deadlines();
    return kit_end();
}
