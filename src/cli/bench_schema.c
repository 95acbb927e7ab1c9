/* src/cli/bench_schema.c - what it costs to check a call's arguments against its tool's schema. bench/schema_bench.c has more:
 * recorded calls, arguments that do not fit, what is not linear. */
#include "cli/bench.h"
#include "contract/schema.h"
#include "io/alloc.h"
#include "io/clock.h"

static const struct {
    const char *schema, *args;
} typical[] = {
    {"{\"type\":\"object\",\"required\":[\"order_id\"],\"additionalProperties\":false,"
     "\"properties\":{\"order_id\":{\"type\":\"string\",\"pattern\":\"^#W[0-9]{7}$\"}}}",
     "{\"order_id\":\"#W0000007\"}"},
    {"{\"type\":\"object\",\"required\":[\"order_id\",\"amount\",\"reason\"],\"additionalProperties\":false,"
     "\"properties\":{\"order_id\":{\"type\":\"string\"},\"amount\":{\"type\":\"number\",\"exclusiveMinimum\":0,"
     "\"maximum\":5000},\"currency\":{\"enum\":[\"EUR\",\"USD\",\"GBP\"]},\"reason\":{\"type\":\"string\","
     "\"maxLength\":200}}}",
     "{\"order_id\":\"#W0000007\",\"amount\":42.5,\"currency\":\"EUR\",\"reason\":\"arrived broken\"}"},
    {"{\"type\":\"object\",\"required\":[\"order_id\",\"items\"],\"properties\":{\"order_id\":{\"type\":\"string\"},"
     "\"items\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":20,\"items\":{\"type\":\"object\",\"required\":[\"id\"],"
     "\"properties\":{\"id\":{\"type\":\"string\"},\"count\":{\"type\":\"integer\",\"minimum\":1}}}}}}",
     "{\"order_id\":\"#W0000007\",\"items\":[{\"id\":\"1151293680\",\"count\":1},{\"id\":\"4983901480\",\"count\":2}]}"},
    {"{\"type\":\"object\",\"required\":[\"to\",\"subject\"],\"properties\":{\"to\":{\"type\":\"string\","
     "\"minLength\":3,\"maxLength\":254},\"subject\":{\"type\":\"string\"},\"copy\":{\"type\":\"boolean\"}}}",
     "{\"to\":\"someone@example.com\",\"subject\":\"Your order\",\"copy\":false}"},
};
enum { TYPICAL = sizeof typical / sizeof *typical, CHECKS = 200000, BEST_OF = 5 };

struct contracts {
    struct pawl_arena arena;
    struct pawl_schema *schemas[TYPICAL];
    yyjson_val *args[TYPICAL];
};

static void open_contracts(struct contracts *c)
{
    static struct pawl_schema_cache cache;
    const struct pawl_schema_options o = {.cache = &cache};
    pawl_arena_init(&c->arena, pawl_alloc_libc());
    for (int i = 0; i < TYPICAL; i++) {
        struct pawl_error err = {0};
        yyjson_val *schema;
        if (pawl_json_read(pawl_str_of(typical[i].schema), &c->arena, &schema, &err) ||
            pawl_json_read(pawl_str_of(typical[i].args), &c->arena, &c->args[i], &err) ||
            pawl_schema_compile(schema, &o, pawl_alloc_libc(), &c->schemas[i], &err))
            bench_die("%s %s", err.where, err.what);
    }
}

static void check(const struct contracts *c, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (pawl_schema_check(c->schemas[i % TYPICAL], c->args[i % TYPICAL], NULL, NULL))
            bench_die("arguments that fit were refused");
}

static void close_contracts(struct contracts *c)
{
    for (int i = 0; i < TYPICAL; i++) pawl_schema_free(c->schemas[i]);
    pawl_arena_fini(&c->arena);
}

int bench_child_schema(uint32_t count)
{
    struct contracts c;
    open_contracts(&c);
    check(&c, count);
    close_contracts(&c);
    return 0;
}

void bench_schema(struct bench *b)
{
    struct contracts c;
    double ns[BEST_OF];
    open_contracts(&c);
    for (int i = 0; i < BEST_OF; i++) {
        const int64_t began_ns = pawl_clock_mono_ns();
        check(&c, CHECKS);
        ns[i] = (double)(pawl_clock_mono_ns() - began_ns) / CHECKS;
    }
    close_contracts(&c);
    struct bench_row *r = bench_row(b, "schema", ">= 1,000,000/s");
    const double p50 = bench_median(ns, BEST_OF);
    bench_value(r, "%.0f/s (best %.0f, worst %.0f)", 1e9 / p50, 1e9 / ns[0], 1e9 / ns[BEST_OF - 1]);
    bench_detail(r, "arguments of %d typical tools, read before, against their compiled schemas; one core", TYPICAL);
    bench_judge(r, p50 <= 1000);
}
