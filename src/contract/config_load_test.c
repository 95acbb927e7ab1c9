/* src/contract/config_load_test.c - every value in its place; what is stored gives the same structs and the same hash;
 * the examples load; secrets are captured and filled in; memory that runs out is said. */
#include "contract/config.h"
#include "base/test.h"
#include "contract/template.h"

static struct test_alloc memory;
static struct pawl_config_report report;

static struct pawl_str get(void *ctx, const char *name)
{
    static const char *const set[][2] = {
        {"SHOP", "http://shop:8080"}, {"EMPTY", ""}, {"KEY", "s3cret"}, {"WORD", "a{b}{c"}, {"DB", "/var/lib/x.db"}};
    (void)ctx;
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        if (strcmp(name, set[i][0]) == 0) return pawl_str_of(set[i][1]);
    return (struct pawl_str){NULL, 0};
}
static const struct pawl_env_lookup env = {.get = get};

static struct pawl_config *load(struct pawl_str text, const char *path, const struct pawl_alloc *from)
{
    struct pawl_config *c = NULL;
    const int code = pawl_config_load(text, path, &env, from, &c, &report);
    CHECK((c != NULL) == (code == PAWL_OK));
    for (uint32_t i = 0; from == &memory.alloc && i < report.count && i < PAWL_CONFIG_ERRORS; i++)
        printf("%s: %s\n", report.errors[i].where, report.errors[i].what);
    return c;
}

/* Everything that a configuration says, but for lines: two are the same if this is. */
static void dump_str(struct pawl_buf *b, const char *name, struct pawl_str s)
{
    if (s.p) pawl_buf_printf(b, "%s%s='%.*s'", name[0] == '\n' ? "" : " ", name, (int)s.n, s.p);
}

static void dump_retry(struct pawl_buf *b, const struct pawl_retry *r)
{
    pawl_buf_printf(b, " retry=%u,%lld,%lld,%g,%d", r->attempts, (long long)r->first_ns, (long long)r->max_ns,
                    r->factor, (int)r->jitter);
    if (r->budget < 19 || r->budget > 21) pawl_buf_printf(b, ",budget %g", r->budget); /* 20 by default */
    for (uint32_t i = 0; i < r->on_count; i++)
        pawl_buf_printf(b, ",%s:%u,%lld", pawl_class_name(r->on[i].error_class), r->on[i].retry.attempts,
                        (long long)r->on[i].retry.first_ns);
}

static void dump_pairs(struct pawl_buf *b, const char *name, const struct pawl_pair *p, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        dump_str(b, name, p[i].name);
        dump_str(b, "=", p[i].value);
    }
}

static void dump_tool(struct pawl_buf *b, const struct pawl_tool *t)
{
    dump_str(b, "\ntool", t->name);
    dump_str(b, "description", t->description);
    pawl_buf_printf(b, " driver=%d", t->driver);
    dump_str(b, "method", t->method);
    dump_str(b, "url", t->url);
    dump_pairs(b, "header", t->headers, t->headers_count);
    dump_str(b, "body", t->body);
    for (uint32_t i = 0; i < t->argv_count; i++) dump_str(b, "word", t->argv[i]);
    pawl_buf_printf(b, " schemas=%d%d%d%d", t->input != NULL, t->output != NULL, t->gate_if != NULL,
                    t->verify.expect != NULL);
    dump_str(b, "input", t->input_json);
    pawl_buf_printf(b, " effect=%d,%d key=%d", t->effect, t->effect_declared, t->key_declared);
    dump_str(b, "header", t->key_header);
    pawl_buf_printf(b, " remembered=%lld", (long long)t->remembered_for_ns);
    for (uint32_t i = 0; i < t->dedupe_by_count; i++) dump_str(b, "by", t->dedupe_by[i]);
    pawl_buf_printf(b, "%s scope=%d within=%lld repeat=%d", t->dedupe_any ? " any" : "", t->scope,
                    (long long)t->within_ns, t->repeat);
    pawl_buf_printf(b, " gate=%d,%lld,%d", t->gate, (long long)t->gate_expires_ns, t->gate_then_approve);
    dump_str(b, "verify", t->verify.tool);
    dump_str(b, "by_key", t->verify.by_key);
    dump_str(b, "args", t->verify.args);
    pawl_buf_printf(b, " settles=%lld", (long long)t->verify.settles_ns);
    dump_str(b, "undo", t->undo_tool);
    dump_str(b, "args", t->undo_args);
    for (uint32_t i = 0; i < t->errors_count; i++) {
        const struct pawl_error_rule *e = &t->errors[i];
        pawl_buf_printf(b, " %s%d=%d,%s,%d,%d", e->exit ? "exit " : "", e->status, e->applied,
                        pawl_class_name(e->error_class), e->already_done, e->retry);
    }
    dump_retry(b, &t->retry);
    pawl_buf_printf(b, " timeout=%lld fresh=%lld", (long long)t->timeout_ns, (long long)t->fresh_ns);
    pawl_buf_printf(b, " limits=%lld,%lld,%lld", (long long)t->cpu_ns, (long long)t->memory_bytes,
                    (long long)t->output_bytes);
}

static const char *dump(struct pawl_buf *b, const struct pawl_config *c)
{
    b->n = 0;
    dump_str(b, "store", c->store);
    pawl_buf_printf(b, " every_step=%d", c->sync_every_step);
    dump_pairs(b, "secret", c->secrets, c->secrets_count);
    for (const struct pawl_model *m = c->models; m < c->models + c->models_count; m++) {
        dump_str(b, "\nmodel", m->name);
        pawl_buf_printf(b, " provider=%d", m->provider);
        dump_str(b, "base", m->base_url);
        dump_str(b, "model", m->model);
        dump_str(b, "key", m->api_key);
        dump_pairs(b, "header", m->headers, m->headers_count);
        pawl_buf_printf(b, " timeout=%lld,%lld", (long long)m->first_token_ns, (long long)m->total_ns);
        dump_retry(b, &m->retry);
        dump_str(b, "script", m->script);
    }
    for (uint32_t i = 0; i < c->tools_count; i++) dump_tool(b, &c->tools[i]);
    for (const struct pawl_agent *a = c->agents; a < c->agents + c->agents_count; a++) {
        dump_str(b, "\nagent", a->name);
        dump_str(b, "model", a->model);
        dump_str(b, "instructions", a->instructions);
        for (uint32_t i = 0; i < a->tools_count; i++) dump_str(b, "tool", a->tools[i]->name);
        pawl_buf_printf(b, " deadline=%lld ends_by=%lld steps=%u output=%d", (long long)a->deadline_ns,
                        (long long)a->ends_by_ns, a->steps_max, a->output != NULL);
        dump_str(b, "output", a->output_json);
    }
    return pawl_buf_done(b).p;
}

static const char full[] =
    "version: 1\n"
    "store: sqlite:${env:DB:-x.db}\n"
    "durability: every-step\n"
    "models:\n"
    "  second: {provider: script, script: [{say: hi}, {call: {name: z, args: {b: 1.50, a: 2}}}, {fail: {status: 429}}]}\n"
    "  main:\n"
    "    provider: openai\n"
    "    base_url: ${env:SHOP}/v1\n"
    "    model: ${env:EMPTY:-big}\n"
    "    api_key: ${env:KEY}\n"
    "    headers: {X-B: \"${env:KEY} ${env:NOPE:-none}\", X-A: x}\n"
    "    timeout: 30s\n"
    "    retry: {attempts: 2, jitter: none, budget: none, on: {rate_limited: {attempts: 8, first: 5s}}}\n"
    "defaults: {retry: &r {attempts: 6, first: 0.5s, factor: 1.5, max: 1m}, timeout: 3s}\n"
    "tools:\n"
    "  z:\n"
    "    description: >-\n"
    "      two\n"
    "      lines\n"
    "    http:\n"
    "      method: PUT\n"
    "      url: ${env:SHOP}/o/{args.id}?w=%7B\n"
    "      headers: {X-Z: \"{run.id}\", Authorization: \"Bearer ${env:KEY}\"}\n"
    "      body: {b: {$arg: /args/id}, a: [1.50, 0x10, yes, ~]}\n"
    "    input: {type: object, required: [id], properties: {n: {type: number}, id: {type: string}}}\n"
    "    output: {}\n"
    "    effect: mutate\n"
    "    key: {header: X-Key, remembered_for: 2h}\n"
    "    dedupe: {by: [/id, /n], scope: global, within: 7d}\n"
    "    repeat: confirm\n"
    "    gate: {if: {properties: {args: {properties: {n: {minimum: 5}}}}}, expires: 1h, then: approve}\n"
    "    verify: {tool: look, by_key: /key, args: {id: {$arg: /args/id}, k: {$arg: /key}}, expect: {const: {$arg: /result/x}}, settles: 0s}\n"
    "    undo: {tool: z, args: {id: {$arg: /result/old}}}\n"
    "    errors: {409: already_done, 404: not_applied, 503: not_applied, 500: unknown, 429: rate_limited, 425: running}\n"
    "    timeout: 2s\n"
    "    limits: {output: 2KiB}\n"
    "    retry: *r\n"
    "  look: {http: {method: GET, url: http://h/}, effect: read, fresh: 1m}\n"
    "  cmd:\n"
    "    command: [\"/bin/${env:WORD}\", \"{{x}\", \"{args.a}\", \"${env:WORD}\"]\n"
    "    effect: idempotent\n"
    "    key: {variable: MY_KEY}\n"
    "    errors: {exit 3: not_applied, exit 75: not_applied, exit 4: rejected}\n"
    "    limits: {cpu: 2s, memory: 64MiB}\n"
    "  call: {gate: {}, key: none, undo: none}\n"
    "agents:\n"
    "  b: {model: second, output: {type: object}}\n"
    "  a:\n"
    "    model: main\n"
    "    instructions: |\n"
    "      do\n"
    "    tools: [z, cmd, call]\n"
    "    deadline: 1h\n"
    "    ends_by: 2d\n"
    "    budget: {steps: 2k}\n";

static void every_value(void)
{
    struct pawl_buf b;
    struct pawl_config *c = load(pawl_str_of(full), "/etc/p/pawl.yaml", &memory.alloc);
    if (!CHECK(c != NULL)) return;
    pawl_buf_init(&b, &memory.alloc);
    CHECK_TEXT(
        dump(&b, c),
        " store='sqlite:/var/lib/x.db' every_step=1 secret='KEY' =='s3cret'"
        "\nmodel='main' provider=0 base='http://shop:8080/v1' model='big' key='${env:KEY}' header='X-A' =='x' header='X-B' =='${env:KEY} "
        "${env:NOPE:-none}' timeout=30000000000,30000000000 retry=2,500000000,60000000000,1.5,0,budget 0,rate_limited:8,5000000000"
        "\nmodel='second' provider=1 timeout=20000000000,120000000000 retry=6,500000000,60000000000,1.5,1 "
        "script='[{\"say\":\"hi\"},{\"call\":{\"args\":{\"a\":2,\"b\":1.5},\"name\":\"z\"}},{\"fail\":{\"status\":429}}]'"
        "\ntool='call' driver=0 schemas=0000 effect=3,0 key=0 header='Idempotency-Key' remembered=86400000000000 scope=0 within=0 repeat=1 "
        "gate=1,86400000000000,0 settles=-1 retry=6,500000000,60000000000,1.5,1 timeout=3000000000 fresh=0 "
        "limits=10000000000,536870912,1048576"
        "\ntool='cmd' driver=2 word='/bin/a{{b}{{c' word='{{x}' word='{args.a}' word='a{{b}{{c' schemas=0000 effect=1,1 key=1 "
        "header='MY_KEY' remembered=86400000000000 scope=0 within=0 repeat=0 gate=0,86400000000000,0 settles=-1 exit 3=0,,0,0 exit "
        "4=0,rejected,0,0 exit 75=0,,0,1 retry=6,500000000,60000000000,1.5,1 timeout=3000000000 fresh=0 limits=2000000000,67108864,1048576"
        "\ntool='look' driver=1 method='GET' url='http://h/' schemas=0000 effect=0,1 key=0 header='Idempotency-Key' "
        "remembered=86400000000000 scope=0 within=0 repeat=0 gate=0,86400000000000,0 settles=-1 retry=6,500000000,60000000000,1.5,1 "
        "timeout=3000000000 fresh=60000000000 limits=10000000000,536870912,1048576"
        "\ntool='z' description='two lines' driver=1 method='PUT' url='http://shop:8080/o/{args.id}?w=%7B' header='Authorization' "
        "=='Bearer ${env:KEY}' header='X-Z' =='{run.id}' body='{\"a\":[1.5,16,\"yes\",null],\"b\":{\"$arg\":\"/args/id\"}}' schemas=1111 "
        "input='{\"properties\":{\"id\":{\"type\":\"string\"},\"n\":{\"type\":\"number\"}},\"required\":[\"id\"],\"type\":\"object\"}' "
        "effect=2,1 key=1 header='X-Key' remembered=7200000000000 by='/id' by='/n' scope=3 within=604800000000000 repeat=1 "
        "gate=2,3600000000000,1 verify='look' by_key='/key' args='{\"id\":{\"$arg\":\"/args/id\"},\"k\":{\"$arg\":\"/key\"}}' settles=0 "
        "undo='z' args='{\"id\":{\"$arg\":\"/result/old\"}}' 404=0,,0,0 409=1,,1,0 425=4,,0,1 429=0,rate_limited,0,1 500=3,,0,1 503=0,,0,1 "
        "retry=6,500000000,60000000000,1.5,1 timeout=2000000000 fresh=0 limits=10000000000,536870912,2048"
        "\nagent='a' model='main' instructions='do\n' tool='z' tool='cmd' tool='call' deadline=3600000000000 ends_by=172800000000000 "
        "steps=2000 output=0"
        "\nagent='b' model='second' instructions='' deadline=1800000000000 ends_by=0 steps=50 output=1 output='{\"type\":\"object\"}'");
    CHECK_INT(pawl_config_tool(c, PAWL_STR("look"))->line, 38);
    CHECK_INT(pawl_config_model(c, PAWL_STR("main"))->line, 6);
    CHECK_INT(pawl_config_agent(c, PAWL_STR("a"))->line, 48);
    CHECK(strstr(c->json.p, "s3cret") == NULL && strstr(c->json.p, "shop:8080") == NULL);
    CHECK(strstr(c->json.p, "${env:KEY}") != NULL && strstr(c->json.p, "${env:DB:-x.db}") != NULL);
    CHECK(pawl_agent_tool(pawl_config_agent(c, PAWL_STR("a")), PAWL_STR("cmd")) ==
          pawl_config_tool(c, PAWL_STR("cmd")));
    pawl_buf_fini(&b);
    pawl_config_free(c, &memory.alloc);
}

/* What is stored, and what was written, are one configuration. */
static void again(struct pawl_str text, const char *path)
{
    struct pawl_buf first, second;
    struct pawl_config *c = load(text, path, &memory.alloc), *d;
    if (!CHECK(c != NULL)) return;
    pawl_buf_init(&first, &memory.alloc);
    pawl_buf_init(&second, &memory.alloc);
    const struct pawl_hash h = pawl_sha256(c->json.p, c->json.n);
    CHECK(memcmp(h.b, c->hash.b, sizeof h.b) == 0);
    d = load(c->json, path, &memory.alloc);
    if (CHECK(d != NULL)) {
        CHECK_TEXT(dump(&second, d), dump(&first, c));
        CHECK_TEXT(d->json.p, c->json.p);
        CHECK(memcmp(d->hash.b, c->hash.b, sizeof h.b) == 0);
    }
    pawl_config_free(d, &memory.alloc);
    pawl_config_free(c, &memory.alloc);
    pawl_buf_fini(&first);
    pawl_buf_fini(&second);
}

static void one_hash(void)
{
    static const char *const same[] = {
        "version: 1\nmodels: {m: {provider: openai, model: x, retry: {factor: 2.0}}}\ntools: {b: {effect: read}, a: {description: \"x\\ny\"}}",
        "# another order\ntools:\n  a:\n    description: |-\n      x\n      y\n  b:\n    effect: 'read'\nversion: 0x1\n"
        "models:\n  m: {model: x, retry: {factor: 2}, provider: openai}\n",
        "{\"version\": 1, \"tools\": {\"a\": {\"description\": \"x\\u000ay\"}, \"b\": {\"effect\": \"read\"}},\n"
        "\"models\": {\"m\": {\"provider\": \"openai\", \"model\": \"x\", \"retry\": {\"factor\": 0.2e1}}}}"};
    struct pawl_hash first = {{0}};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        struct pawl_config *c = load(pawl_str_of(same[i]), "p.yaml", &memory.alloc);
        if (!CHECK(c != NULL)) continue;
        if (i == 0) first = c->hash;
        CHECK(memcmp(first.b, c->hash.b, sizeof first.b) == 0);
        pawl_config_free(c, &memory.alloc);
    }
    again(PAWL_STR("version: 1\ntools: {a: {description: \"\\x7f \\u0085 \\u2028 \\ufffe \\U0001f600 \\0 \\a\"}}"),
          NULL);
}

static void stores(void)
{
    static const char *const rows[][3] = {{"sqlite:a.db", "pawl.yaml", "sqlite:a.db"},
                                          {"sqlite:a.db", "/x/y/pawl.yaml", "sqlite:/x/y/a.db"},
                                          {"sqlite:d/a.db", "conf/pawl.yaml", "sqlite:conf/d/a.db"},
                                          {"sqlite:/a.db", "conf/pawl.yaml", "sqlite:/a.db"},
                                          {"sqlite:${env:DB}", "conf/pawl.yaml", "sqlite:/var/lib/x.db"},
                                          {"sqlite:../a.db", NULL, "sqlite:../a.db"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[100];
        snprintf(text, sizeof text, "version: 1\nstore: %s\n", rows[i][0]);
        struct pawl_config *c = load(pawl_str_of(text), rows[i][1], &memory.alloc);
        if (CHECK(c != NULL)) CHECK_TEXT(c->store.p, rows[i][2]);
        pawl_config_free(c, &memory.alloc);
    }
}

/* What came in from the environment is text, whatever it looks like. */
static void filling(void)
{
    struct pawl_config *c =
        load(PAWL_STR("version: 1\nmodels: {m: {provider: openai, model: x, api_key: \"${env:KEY}\", headers: "
                      "{X-A: \"${env:EMPTY:-e} ${env:NOPE:-n}\", X-B: \"${env:EMPTY}\"}}}\n"
                      "tools: {t: {command: [x, \"${env:WORD}\"]}}"),
             "p", &memory.alloc);
    static const char *const rows[][2] = {{"Bearer ${env:KEY}", "Bearer s3cret"},
                                          {"${env:KEY}${env:KEY}", "s3crets3cret"},
                                          {"${env:NOPE:-none}", "none"},
                                          {"a ${env:EMPTY:-e} b", "a e b"},
                                          {"<${env:EMPTY}>", "<>"},
                                          {"plain ${x} $ {", "plain ${x} $ {"},
                                          {"${env:1}", "${env:1}"},
                                          {"", ""},
                                          {"${env:SHOP}", NULL}}; /* set, but never read as a secret */
    if (!CHECK(c != NULL)) return;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pawl_error err = {.code = PAWL_OK};
        struct pawl_buf out;
        pawl_buf_init(&out, &memory.alloc);
        CHECK_INT(pawl_config_fill(c, pawl_str_of(rows[i][0]), &out, &err), rows[i][1] ? PAWL_OK : PAWL_ENOTFOUND);
        if (rows[i][1]) CHECK_TEXT(pawl_buf_done(&out).p, rows[i][1]);
        else CHECK(strstr(err.what, "SHOP") != NULL);
        pawl_buf_fini(&out);
    }
    struct pawl_buf out;
    pawl_buf_init(&out, &memory.alloc);
    CHECK_INT(pawl_template_text(c->tools[0].argv[1], NULL, PAWL_TEMPLATE_TEXT, &out, NULL), PAWL_OK);
    CHECK_TEXT(pawl_buf_done(&out).p, "a{b}{c");
    pawl_buf_fini(&out);
    pawl_config_free(c, &memory.alloc);
}

/* The file, from wherever tests are run. */
static struct pawl_str read_example(const char *name)
{
    static char text[64 * 1024];
    static const char *const folders[] = {"examples/", "../examples/", "../../examples/"};
    const char *file = __FILE__, *end = strstr(file, "src/contract/");
    char path[600];
    FILE *f = NULL;
    for (int i = 0; i < 4 && !f; i++) {
        if (i < 3) snprintf(path, sizeof path, "%s%s", folders[i], name);
        else snprintf(path, sizeof path, "%.*sexamples/%s", end ? (int)(end - file) : 0, file, name);
        f = fopen(path, "rb");
    }
    if (!CHECK(f != NULL)) return (struct pawl_str){"", 0};
    const size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    CHECK(n > 100 && n < sizeof text);
    return (struct pawl_str){text, (uint32_t)n};
}

static void examples(void)
{
    static const char *const names[] = {"minimal.yaml", "refunds.yaml"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) again(read_example(names[i]), names[i]);
    struct pawl_config *c = load(read_example("refunds.yaml"), "examples/refunds.yaml", &memory.alloc);
    if (!CHECK(c != NULL)) return;
    const struct pawl_tool *t = pawl_config_tool(c, PAWL_STR("refund"));
    CHECK(t->gate == PAWL_GATE_IF && t->gate_if && t->key_declared && t->verify.expect && t->errors_count == 2);
    CHECK_TEXT(t->url.p, "http://127.0.0.1:8080/refunds");
    CHECK_TEXT(c->store.p, "sqlite:examples/pawl.db");
    CHECK_INT(pawl_config_agent(c, PAWL_STR("refunds"))->tools_count, 4);
    pawl_config_free(c, &memory.alloc);
}

static void without_memory(void)
{
    struct test_alloc t;
    struct pawl_config *kept = load(pawl_str_of(full), "p", &memory.alloc);
    EVERY_FAILED_ALLOCATION(t) {
        struct pawl_buf out;
        pawl_buf_init(&out, &t.alloc);
        const int code = pawl_config_fill(kept, PAWL_STR("${env:KEY}"), &out, NULL);
        CHECK_INT(code, t.failed ? PAWL_ENOMEM : PAWL_OK);
        pawl_buf_fini(&out);
    }
    pawl_config_free(kept, &memory.alloc);
    const struct pawl_str broken =
        PAWL_STR("version: 1\nfoo: 1\ntools: {t: {effect: x, http: {method: G, url: \"${env:NO}\"}}}\n");
    EVERY_FAILED_ALLOCATION(t) {
        struct pawl_config *c = NULL;
        const int code = pawl_config_load(pawl_str_of(full), "p.yaml", &env, &t.alloc, &c, &report);
        CHECK_INT(code, t.failed ? PAWL_ENOMEM : PAWL_OK);
        pawl_config_free(c, &t.alloc);
    }
    EVERY_FAILED_ALLOCATION(t) {
        struct pawl_config *c = NULL;
        const int code = pawl_config_load(broken, "p.yaml", &env, &t.alloc, &c, &report);
        CHECK_INT(code, t.failed ? PAWL_ENOMEM : PAWL_ECONFIG);
        if (!t.failed) CHECK_INT(report.count, 4);
    }
}

int main(void)
{
    test_alloc_init(&memory, 0);
    every_value();
    again(pawl_str_of(full), "/etc/p/pawl.yaml");
    one_hash();
    stores();
    filling();
    examples();
    without_memory();
    pawl_config_free(NULL, &memory.alloc);
    CHECK_INT(memory.out_bytes, 0);
    return TEST_END();
}
