/* bench/schema_bench.c - what a JSON Schema costs: the recorded tool calls of ../shared/workloads against their contracts
 * (skipped where that folder is not), then compiling, arguments that fit and that do not, patterns, unevaluated members,
 * and what is not linear unless somebody sees to it.
 *
 * Arguments are read once before; `read` is what reading the same bytes costs (pawl_json_read), `yyjson` its parser alone.
 * Each figure is the best of three rounds, of one thread. Required of `check`: a million a second.
 *
 *     ninja -C build bench_schema && taskset -c 0 build/bench_schema [SECONDS]      (a round; default 0.5) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "contract/schema.h"
#include "io/alloc.h"
#include "io/clock.h"

enum { ROUNDS = 3, CALLS_MAX = 20000, TOOLS_MAX = 200, BATCH = 64 };
static struct pawl_arena arena;
static int64_t round_ns = 500000000;

static void fail(const char *what, const char *which)
{
    fprintf(stderr, "schema_bench: %s: %s\n", which, what);
    exit(1);
}

static yyjson_val *read_text(const char *text, size_t n)
{
    yyjson_val *v;
    struct pawl_error err = {0};
    if (pawl_json_read((struct pawl_str){text, (uint32_t)n}, &arena, &v, &err)) fail(err.what, err.where);
    return v;
}

static struct pawl_schema *compile(yyjson_val *schema)
{
    static struct pawl_schema_cache cache; /* as a configuration has, for all its schemas */
    const struct pawl_schema_options o = {.cache = &cache};
    struct pawl_schema *s;
    struct pawl_error err = {0};
    if (pawl_schema_compile(schema, &o, pawl_alloc_libc(), &s, &err)) fail(err.what, err.where);
    return s;
}

/* A call, recorded or made up: whatever is measured goes over many of them in turn. */
struct call {
    const struct pawl_schema *schema;
    yyjson_val *source, *instance;
    struct pawl_str text;
    int want;
};
static struct call calls[CALLS_MAX];
static size_t calls_count;
static struct pawl_schema_report report;

static void once_check(const struct call *c)
{
    if (pawl_schema_check(c->schema, c->instance, NULL, NULL) != c->want) fail("another answer", "check");
}

static void once_report(const struct call *c)
{
    if (pawl_schema_check(c->schema, c->instance, NULL, &report) != c->want) fail("another answer", "report");
}

static void once_compile(const struct call *c)
{
    pawl_schema_free(compile(c->source));
}

static void once_read(const struct call *c)
{
    static struct pawl_arena own;
    yyjson_val *v;
    if (!own.from) pawl_arena_init(&own, pawl_alloc_libc());
    pawl_arena_reset(&own);
    if (pawl_json_read(c->text, &own, &v, NULL)) fail("cannot be read", "read");
}

static void once_yyjson(const struct call *c)
{
    static char memory[1 << 20];
    yyjson_alc alc;
    yyjson_alc_pool_init(&alc, memory, sizeof memory);
    if (!yyjson_read_opts((char *)(uintptr_t)c->text.p, c->text.n, 0, &alc, NULL)) fail("cannot be read", "yyjson");
}

/* Nanoseconds of one call of `once`. */
static double measure(void (*once)(const struct call *c))
{
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        const int64_t begin = pawl_clock_mono_ns();
        int64_t now = begin, count = 0;
        for (size_t at = 0; now - begin < round_ns; now = pawl_clock_mono_ns(), count += BATCH)
            for (int i = 0; i < BATCH; i++, at = at + 1 < calls_count ? at + 1 : 0) once(&calls[at]);
        const double ns = (double)(now - begin) / (double)count;
        if (round == 0 || ns < best) best = ns;
    }
    return best;
}

static double show(const char *name, void (*once)(const struct call *c))
{
    const double ns = measure(once);
    printf("  %-26s %10.0f ns %12.0f /s\n", name, ns, 1e9 / ns);
    return ns;
}

/* The recorded calls. */

static struct tool {
    struct pawl_str env, name;
    yyjson_val *source;
    struct pawl_schema *schema;
} tools[TOOLS_MAX];
static size_t tools_count;

static bool read_file(const char *path, struct pawl_buf *b)
{
    FILE *f = fopen(path, "rb");
    char piece[65536];
    size_t n;
    if (!f) return false;
    pawl_buf_init(b, pawl_alloc_libc());
    while ((n = fread(piece, 1, sizeof piece, f)) > 0) pawl_buf_add(b, piece, n);
    fclose(f);
    return !b->failed;
}

static void read_contracts(const char *env)
{
    char path[256];
    struct pawl_buf b;
    yyjson_val *tool;
    size_t i, max;
    snprintf(path, sizeof path, "../shared/workloads/contracts/%s.json", env);
    if (!read_file(path, &b)) return;
    yyjson_val *list = yyjson_obj_get(read_text(b.p, b.n), "tools");
    yyjson_arr_foreach(list, i, max, tool)
    {
        if (tools_count == TOOLS_MAX) fail("too many tools", env);
        yyjson_val *source = yyjson_obj_get(tool, "input_schema");
        tools[tools_count++] = (struct tool){pawl_str_of(env), pawl_json_str(tool, "name"), source, compile(source)};
    }
    pawl_buf_fini(&b);
}

static void add_call(struct pawl_str env, yyjson_val *recorded)
{
    const struct pawl_str name = pawl_json_str(recorded, "name");
    yyjson_val *arguments = yyjson_obj_get(recorded, "arguments");
    struct pawl_buf b;
    if (!arguments || calls_count == CALLS_MAX) return;
    for (size_t i = 0; i < tools_count; i++) {
        if (!pawl_str_eq(tools[i].env, env) || !pawl_str_eq(tools[i].name, name)) continue;
        struct call *c = &calls[calls_count++];
        pawl_buf_init_arena(&b, &arena);
        pawl_json_write(arguments, &b);
        *c = (struct call){.schema = tools[i].schema, .source = tools[i].source, .text = pawl_buf_done(&b)};
        c->instance = read_text(c->text.p, c->text.n);
        c->want = pawl_schema_check(c->schema, c->instance, NULL, NULL);
        return;
    }
}

static void add_run(const char *line, size_t n)
{
    struct pawl_arena own;
    yyjson_val *run, *message, *call;
    size_t i, k, max, most;
    pawl_arena_init(&own, pawl_alloc_libc());
    if (pawl_json_read((struct pawl_str){line, (uint32_t)n}, &own, &run, NULL)) fail("not JSON", "a recorded run");
    yyjson_val *messages = yyjson_obj_get(run, "messages");
    yyjson_arr_foreach(messages, i, max, message)
    {
        yyjson_val *made = yyjson_obj_get(message, "tool_calls");
        yyjson_arr_foreach(made, k, most, call) add_call(pawl_json_str(run, "env"), call);
    }
    pawl_arena_fini(&own);
}

static void read_runs(const char *name)
{
    char path[256];
    struct pawl_buf b;
    snprintf(path, sizeof path, "../shared/workloads/%s.jsonl", name);
    if (!read_file(path, &b)) return;
    for (char *p = b.p, *end = b.p + b.n, *line; p < end; p = line + 1) {
        line = memchr(p, '\n', (size_t)(end - p));
        if (!line) line = end;
        if (line > p) add_run(p, (size_t)(line - p));
    }
    pawl_buf_fini(&b);
}

static void recorded(void)
{
    static const char *const envs[] = {"tau-airline", "tau2-airline", "agentdojo-banking", "agentdojo-slack",
                                       "agentdojo-workspace"};
    static const char *const runs[] = {"tau-airline-gpt4o", "tau2-airline-whissle", "agentdojo"};
    size_t bytes = 0, fits = 0;
    for (size_t i = 0; i < sizeof envs / sizeof *envs; i++) read_contracts(envs[i]);
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) read_runs(runs[i]);
    if (calls_count == 0) {
        printf("recorded calls: skipped, ../shared/workloads is not there\n");
        return;
    }
    for (size_t i = 0; i < calls_count; i++) {
        bytes += calls[i].text.n;
        fits += calls[i].want == PAWL_OK;
    }
    printf("%zu recorded calls of %zu tools, %zu bytes each, %zu fit\n", calls_count, tools_count, bytes / calls_count,
           fits);
    const double check = show("check", once_check);
    show("check with a report", once_report);
    const double parse = show("read", once_read), yy = show("yyjson", once_yyjson);
    printf("  check is %.2f of read, %.2f of yyjson\n", check / parse, check / yy);
    show("compile", once_compile);
}

/* Made up. */

static void set(const char *schema, yyjson_val *instance, int want)
{
    static struct pawl_schema *last;
    struct pawl_buf b;
    pawl_schema_free(last);
    pawl_buf_init_arena(&b, &arena);
    pawl_json_write(instance, &b);
    yyjson_val *source = read_text(schema, strlen(schema));
    last = compile(source);
    calls[0] = (struct call){last, source, instance, pawl_buf_done(&b), want};
    calls_count = 1;
}

static void show_check(const char *name, const char *schema, yyjson_val *instance, int want)
{
    set(schema, instance, want);
    show(name, once_check);
}

/* [0, 1, 2, ...] */
static yyjson_val *numbers(int count)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, &arena);
    for (int i = 0; i < count; i++) pawl_buf_printf(&b, "%c%d", i ? ',' : '[', i);
    pawl_buf_char(&b, ']');
    pawl_buf_done(&b);
    return read_text(b.p, b.n);
}

static const char refund[] =
    "{\"type\":\"object\",\"required\":[\"order_id\",\"amount_cents\",\"reason\"],\"additionalProperties\":false,"
    "\"properties\":{\"order_id\":{\"type\":\"string\",\"minLength\":3,\"maxLength\":40},"
    "\"amount_cents\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":5000000},"
    "\"currency\":{\"enum\":[\"EUR\",\"USD\",\"GBP\",\"CHF\"]},\"reason\":{\"type\":\"string\",\"maxLength\":400},"
    "\"notify\":{\"type\":\"boolean\"}}}";
static const char patterned[] =
    "{\"type\":\"object\",\"required\":[\"order_id\"],\"properties\":{\"order_id\":{\"type\":\"string\","
    "\"pattern\":\"^ord_[0-9a-z]{4,32}$\"},\"amount_cents\":{\"type\":\"integer\",\"minimum\":1}}}";
static const char unevaluated[] =
    "{\"allOf\":[{\"properties\":{\"order_id\":true,\"amount_cents\":true}},{\"properties\":{\"currency\":true}}],"
    "\"anyOf\":[{\"properties\":{\"reason\":{\"type\":\"string\"}}},{\"required\":[\"x\"]}],"
    "\"properties\":{\"notify\":true},\"unevaluatedProperties\":false}";
static const char fitting[] =
    "{\"order_id\":\"ord_7f3a9c21\",\"amount_cents\":12900,\"currency\":\"EUR\",\"reason\":\"The vase arrived broken in "
    "two pieces and the customer wants the whole amount back, see photo.\",\"notify\":true}";
static const char wrong[] =
    "{\"order_id\":\"ord_7f3a9c21\",\"amount_cents\":\"129.00\",\"curency\":\"EUR\",\"reason\":\"broken\",\"notify\":1}";

static void made_up(void)
{
    yyjson_val *fits = read_text(fitting, sizeof fitting - 1), *fails = read_text(wrong, sizeof wrong - 1);
    printf("a refund, %zu bytes\n", sizeof fitting - 1);
    set(refund, fits, PAWL_OK);
    const double check = show("check", once_check);
    show("check with a report", once_report);
    const double parse = show("read", once_read), yy = show("yyjson", once_yyjson);
    printf("  check is %.2f of read, %.2f of yyjson\n", check / parse, check / yy);
    show("compile", once_compile);
    set(refund, fails, PAWL_EINVAL);
    show("check, does not fit", once_check);
    show("its report", once_report);
    show_check("with a pattern", patterned, fits, PAWL_OK);
    show_check("with unevaluated members", unevaluated, fits, PAWL_OK);
    printf("lists\n");
    show_check("1,000 integers above 0", "{\"items\":{\"type\":\"integer\",\"minimum\":0}}", numbers(1000), PAWL_OK);
    show_check("1,000 that all differ", "{\"uniqueItems\":true}", numbers(1000), PAWL_OK);
    show_check("64,000 that all differ", "{\"uniqueItems\":true}", numbers(64000), PAWL_OK);
}

int main(int argc, char **argv)
{
    if (argc > 1) round_ns = (int64_t)(atof(argv[1]) * 1e9);
    if (round_ns <= 0) fail("usage: schema_bench [SECONDS]", argc > 1 ? argv[1] : "");
    pawl_arena_init(&arena, pawl_alloc_libc());
    recorded();
    made_up();
    pawl_arena_fini(&arena);
    return 0;
}
