/* bench/pipeline_bench.c - what the whole pipeline costs a step that every stage lets pass (required: 2 us), and what one
 * question to a closed breaker costs (required: 50 ns).
 *
 * The step is a read of an in-process tool with schemas, a lane, a pool and a breaker. The book in which records are
 * written takes them and does nothing: the journal's own work (hashing, folding, the disk) is `pawl bench`'s. What the
 * codecs of the tool do, render and read, is subtracted: they are measured alone beside it.
 *
 *     ninja -C build bench_pipeline && taskset -c 0 build/bench_pipeline [SECONDS | --passes N]      (a round; default 0.5) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "contract/config.h"
#include "io/alloc.h"
#include "io/clock.h"
#include "policy/breaker.h"
#include "policy/bulkhead.h"
#include "policy/pipeline.h"
#include "tool/tool.h"

enum { ROUNDS = 3, BATCH = 256 };
static int64_t round_ns = 500000000;

static const char yaml[] =
    "version: 1\n"
    "pools: {shop: {concurrency: 8, requests_per_minute: 100000000}}\n"
    "lanes: {fast: {concurrency: 4}}\n"
    "models: {m: {provider: script, script: [{say: x}]}}\n"
    "tools:\n"
    "  look:\n"
    "    effect: read\n"
    "    pool: shop\n"
    "    input: {type: object, required: [order_id], properties: {order_id: {type: string}}, additionalProperties: false}\n"
    "    output: {type: object, required: [status], properties: {status: {type: string}, total: {type: number}}}\n"
    "agents: {a: {model: m, tools: [look], lane: fast}}\n";

static struct pawl_config *config;
static struct pawl_shared_state shared;
static struct pawl_prng prng;
static struct pawl_run run;
static struct pawl_step step, *steps[1] = {&step};
static const uint8_t store_id[16];
static uint64_t records;

static int book_append(struct pawl_pass *p, enum pawl_kind kind, struct pawl_str body)
{
    (void)p, (void)kind;
    records += body.n > 0;
    return PAWL_OK;
}

static int book_claim(struct pawl_pass *p, const struct pawl_claim_op *op)
{
    (void)p, (void)op;
    return PAWL_OK;
}

static int book_shared(struct pawl_pass *p, const struct pawl_shared_op *op)
{
    (void)p, (void)op;
    return PAWL_OK;
}

static const struct pawl_book book = {book_append, book_claim, book_shared};
static const struct pawl_ports ports = {.render_tool = pawl_tool_render, .read_tool = pawl_tool_read};
static const struct pawl_reply reply = {.transport = PAWL_ANSWERED,
                                        .verdict = PAWL_APPLIED_YES,
                                        .has_verdict = true,
                                        .body = {"{\"status\":\"delivered\",\"total\":42.0}", 35}};

static void fail(const char *what)
{
    fprintf(stderr, "pipeline_bench: %s\n", what);
    exit(1);
}

static void once_pipeline(struct pawl_arena *arena, int64_t now_ns)
{
    struct pawl_pass p = {.run = &run,
                          .number = 1,
                          .step = &step,
                          .config = config,
                          .agent = config->agents,
                          .tool = config->tools,
                          .ports = &ports,
                          .book = &book,
                          .store_id = store_id,
                          .prng = &prng,
                          .shared = &shared,
                          .arena = arena,
                          .now_ns = now_ns,
                          .wall_ns = now_ns,
                          .left_ns = PAWL_NEVER,
                          .began_ns = now_ns};
    pawl_pipeline_drive(&p);
    if (p.want != PAWL_WANT_ATTEMPT) fail("the step does not come to its attempt");
    pawl_pass_take_reply(&p, &reply, false);
    pawl_pipeline_drive(&p);
    if (!p.ended || p.how != PAWL_ENDS_DONE) fail("the step does not end");
}

/* What the codecs do for it, alone. */
static void once_codecs(struct pawl_arena *arena, int64_t now_ns)
{
    struct pawl_outcome out = {0};
    struct pawl_buf b;
    yyjson_val *document;
    (void)now_ns;
    if (pawl_json_read(PAWL_STR("{\"args\":{\"order_id\":\"#W1\"},\"run\":{\"id\":\"x\"}}"), arena, &document, NULL)) fail("JSON");
    pawl_buf_init_arena(&b, arena);
    if (pawl_tool_render(config, config->tools, document, PAWL_STR("k"), &b, NULL)) fail("render");
    pawl_tool_read(config->tools, &reply, false, arena, &out);
}

static void once_breaker(struct pawl_arena *arena, int64_t now_ns)
{
    static struct pawl_circuit c;
    (void)arena;
    if (pawl_circuit_ask(&c, &config->tools->breaker, now_ns) != PAWL_CIRCUIT_GO) fail("the breaker is not closed");
    pawl_circuit_tell(&c, &config->tools->breaker, PAWL_CIRCUIT_GOOD, false, 1000, now_ns, now_ns);
}

/* Nanoseconds a call, the best round. */
static double measure(void (*once)(struct pawl_arena *, int64_t))
{
    struct pawl_arena arena;
    double best = 1e18;
    pawl_arena_init(&arena, pawl_alloc_libc());
    for (int round = 0; round < ROUNDS; round++) {
        const int64_t began_ns = pawl_clock_mono_ns();
        int64_t now_ns = began_ns;
        uint64_t count = 0;
        while ((now_ns = pawl_clock_mono_ns()) - began_ns < round_ns) {
            for (int i = 0; i < BATCH; i++) {
                once(&arena, now_ns);
                pawl_arena_reset(&arena);
            }
            count += BATCH;
        }
        const double ns = (double)(now_ns - began_ns) / (double)count;
        if (ns < best) best = ns;
    }
    pawl_arena_fini(&arena);
    return best;
}

int main(int argc, char **argv)
{
    struct pawl_config_report *report = calloc(1, sizeof *report);
    const struct pawl_env_lookup none = {0};
    if (argc > 1) round_ns = (int64_t)(atof(argv[1]) * 1e9);
    if (!report || pawl_config_load(pawl_str_of(yaml), "bench.yaml", &none, pawl_alloc_libc(), &config, report)) {
        fail(report ? report->errors[0].what : "no memory");
    }
    pawl_prng_seed(&prng, 1);
    pawl_shared_init(&shared, pawl_alloc_libc());
    run = (struct pawl_run){.agent = PAWL_STR("a"), .input = PAWL_STR("\"order 7 arrived broken\""), .steps = steps, .steps_count = 1};
    step = (struct pawl_step){.number = 1,
                              .kind = PAWL_STEP_TOOL,
                              .state = PAWL_STEP_DECIDED,
                              .name = PAWL_STR("look"),
                              .call_id = PAWL_STR("c1"),
                              .args = PAWL_STR("{\"order_id\":\"#W0000007\"}")};
    if (argc > 2) { /* --passes N: for bench/instructions */
        struct pawl_arena arena;
        pawl_arena_init(&arena, pawl_alloc_libc());
        for (long i = atol(argv[2]); i > 0; i--) {
            once_pipeline(&arena, 1);
            pawl_arena_reset(&arena);
        }
        return 0;
    }
    const double all = measure(once_pipeline), codecs = measure(once_codecs), breaker = measure(once_breaker);
    if (records == 0) fail("nothing was recorded");
    printf("%-44s %8.0f ns\n%-44s %8.0f ns\n%-44s %8.0f ns  (required: 2000)\n%-44s %8.1f ns  (required: 50)\n",
           "a step through every stage", all, "of that, the tool's codecs and their JSON", codecs, "the pipeline's own",
           all - codecs, "a closed breaker asked, and told the end", breaker);
    pawl_shared_fini(&shared);
    pawl_config_free(config, pawl_alloc_libc());
    free(report);
    return 0;
}
