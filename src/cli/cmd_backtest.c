/* src/cli/cmd_backtest.c - backtest: what guards would have done to runs that have ended. Each guard alone, then all of them
 * together, then the gates alone: how many good runs it would have touched, and hurt; how many that failed; before how many
 * planted attacks it stood; how many questions it costs. The defaults come from such a table (docs/guards.md). */
#include <string.h>
#include "cli/backtest.h"
#include "cli/cli.h"
#include "contract/config.h"
#include "contract/units.h"
#include "io/alloc.h"
#include "io/env.h"
#include "io/file.h"

struct row {                         /* of the table: what these guards did to all cases */
    const struct pawl_guard *guards; /* NULL: the gates alone */
    uint32_t count;
    const char *name;                              /* NULL: the guard's own */
    uint32_t touched[3], hurt[3], held, questions; /* by enum bt_went */
};
struct bench { /* the command at hand */
    struct cli *c;
    struct bt_cases cases;
    struct pawl_config *config;
    const struct pawl_agent *agent; /* whose guards are tried on runs of others; NULL: the defaults */
    const struct pawl_guard *guards;
    uint32_t guards_count;
    uint32_t of[3], benign, skipped;
};

static int tell(struct bench *b, struct pawl_error *err)
{
    return cli_error(b->c, err);
}

/* ---- the configuration ---- */

static struct pawl_str lookup(void *ctx, const char *name)
{
    (void)ctx;
    return pawl_env_get(pawl_str_of(name));
}

static int read_config(struct bench *b, const char *path)
{
    static struct pawl_config_report report;
    struct pawl_env_lookup env = {.get = lookup};
    struct pawl_error err = {0};
    struct pawl_buf text;
    pawl_buf_init_arena(&text, &b->c->arena);
    if (pawl_file_read(path, (size_t)1 << 20, &text, &err)) return tell(b, &err);
    const int rc = pawl_config_load((struct pawl_str){text.p, (uint32_t)text.n}, path, &env, pawl_alloc_libc(),
                                    &b->config, &report);
    if (rc == PAWL_ECONFIG) return tell(b, &report.errors[0]);
    if (rc) return pawl_fail(&err, rc, path, "", "the configuration cannot be read"), tell(b, &err);
    return 0;
}

static int choose_agent(struct bench *b)
{
    const char *name = b->c->opt[OPT_AGENT];
    if (b->config) {
        if (!name && b->config->agents_count != 1)
            return cli_usage(b->c, "the configuration has %u agents: say whose guards, --agent NAME",
                             b->config->agents_count);
        b->agent = name ? pawl_config_agent(b->config, pawl_str_of(name)) : &b->config->agents[0];
        if (!b->agent) return cli_usage(b->c, "the configuration has no agent %s", name);
    }
    if (b->agent) b->guards = b->agent->guards, b->guards_count = b->agent->guards_count;
    else b->guards = pawl_guard_defaults(&b->guards_count);
    return 0;
}

/* ---- runs of a store ---- */

struct taking {
    struct bench *b;
    struct bt_case *c;
};

static int take_record(void *ctx, const char *json, size_t bytes)
{
    struct taking *t = ctx;
    struct pawl_arena a;
    struct pawl_buf body;
    yyjson_val *v, *r;
    pawl_arena_init(&a, pawl_alloc_libc());
    if (pawl_json_read((struct pawl_str){json, (uint32_t)bytes}, &a, &v, NULL) == PAWL_OK &&
        (r = yyjson_obj_get(v, "record")) != NULL) {
        pawl_buf_init_arena(&body, &a);
        pawl_json_write(yyjson_obj_get(r, "body"), &body);
        bt_record_add(&t->b->cases, t->c, pawl_kind_of(pawl_json_str(r, "kind")), (uint32_t)pawl_json_i64(r, "step", 0),
                      pawl_json_i64(r, "at_ns", 0), pawl_buf_done(&body));
    }
    pawl_arena_fini(&a);
    return 0;
}

static int take_run(struct bench *b, yyjson_val *head)
{
    const struct pawl_str id = pawl_json_str(head, "run");
    const struct pawl_agent *agent = pawl_config_agent(b->config, pawl_json_str(head, "agent"));
    struct taking t = {.b = b};
    struct pawl_error err = {0};
    struct pawl_json_writer w;
    struct pawl_buf request;
    char run[37];
    if (!agent || id.n != 36) return b->skipped++, 0;
    if (!(t.c = bt_case_add(&b->cases))) return CLI_FAILED;
    memcpy(run, id.p, 36);
    run[36] = 0;
    t.c->name = pawl_str_copy(&b->cases.arena, id);
    t.c->config = b->config;
    t.c->agent = agent;
    t.c->benign = true;
    t.c->went = pawl_str_is(pawl_json_str(head, "status"), "done") ? BT_GOOD : BT_FAILED;
    cli_begin(b->c, &request, &w, "follow", run);
    pawl_jw_key(&w, "from");
    pawl_jw_i64(&w, 1);
    pawl_jw_close(&w, '}');
    if (pawl_call(b->c->p, pawl_buf_done(&request).p, take_record, &t, &err)) return tell(b, &err);
    return 0;
}

static int take_store(struct bench *b)
{
    enum { PAGE = 256 };
    struct cli *c = b->c;
    int64_t last_ns = 0, since_ns = 0;
    struct pawl_str before = {NULL, 0};
    yyjson_val *last, *head;
    size_t i, n = PAGE;
    int rc = cli_open(c, CLI_READ);
    if (rc) return rc;
    if (c->opt[OPT_LAST] && !pawl_unit_duration(pawl_str_of(c->opt[OPT_LAST]), &last_ns))
        return cli_usage(c, "--last takes a duration such as 12h or 30d");
    if (last_ns) since_ns = cli_wall_ns() - last_ns;
    while (n == PAGE) {
        struct pawl_json_writer w;
        struct pawl_buf request;
        cli_begin(c, &request, &w, "list", NULL);
        pawl_jw_key(&w, "max");
        pawl_jw_i64(&w, PAGE);
        pawl_jw_key(&w, "status");
        pawl_jw_raw(&w, PAWL_STR("[\"done\",\"failed\",\"dead\"]"));
        if (before.p) pawl_jw_key(&w, "before"), pawl_jw_str(&w, before);
        if ((rc = cli_ask(c, &request, &last)) != 0) return cli_status(c, rc);
        yyjson_arr_foreach(yyjson_obj_get(last, "runs"), i, n, head)
        {
            before = pawl_json_str(head, "run");
            if (pawl_json_i64(head, "created_ns", 0) < since_ns) continue;
            if ((rc = take_run(b, head)) != 0) return rc;
        }
    }
    return 0;
}

/* ---- the table ---- */

static int count_row(struct bench *b, struct row *r)
{
    for (uint32_t i = 0; i < b->cases.count; i++) {
        const struct bt_case *c = &b->cases.cases[i];
        struct bt_result out;
        if (bt_play(c, r->guards, r->count, &out)) {
            struct pawl_error err = {0};
            pawl_fail(&err, PAWL_ENOMEM, "", "", "no memory, or run %.*s cannot be read", (int)c->name.n, c->name.p);
            return tell(b, &err);
        }
        r->touched[c->went] += out.touched;
        r->hurt[c->went] += out.hurt;
        r->held += c->went == BT_ATTACK && out.held;
        if (c->benign) r->questions += out.questions;
    }
    return 0;
}

static void row_name(const struct row *r, char *out, size_t size)
{
    const struct pawl_guard *g = r->guards;
    if (r->name) snprintf(out, size, "%s", r->name);
    else if (g->bound > 0) snprintf(out, size, "%.40s %g", g->name.p, g->bound);
    else if (g->limit > 1) snprintf(out, size, "%.40s %u", g->name.p, g->limit);
    else snprintf(out, size, "%.40s", g->name.p);
}

static void share(struct pawl_buf *b, uint32_t n, uint32_t of)
{
    pawl_buf_printf(b, " %6u %5.1f%%", n, of ? 100.0 * n / of : 0);
}

static void put_json(struct bench *b, const struct row *r, const char *name)
{
    struct cli *c = b->c;
    struct pawl_json_writer w = {.out = &c->out};
    const char *const names[] = {"good_touched",    "good_hurt",    "failed_touched",     "failed_ended",
                                 "attacks_touched", "attacks_held", "questions_of_benign"};
    const uint32_t values[] = {r->touched[BT_GOOD],   r->hurt[BT_GOOD], r->touched[BT_FAILED], r->hurt[BT_FAILED],
                               r->touched[BT_ATTACK], r->held,          r->questions};
    pawl_jw_open(&w, '{');
    cli_put(&w, "guard", name);
    if (!r->name) cli_put(&w, "answer", pawl_guard_answer_name(r->guards->answer));
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) pawl_jw_key(&w, names[i]), pawl_jw_i64(&w, values[i]);
    pawl_jw_close(&w, '}');
    pawl_buf_char(&c->out, '\n');
}

static int put_row(struct bench *b, struct row r)
{
    char name[64];
    struct pawl_buf line;
    const int rc = count_row(b, &r);
    if (rc) return rc;
    row_name(&r, name, sizeof name);
    if (b->c->opt[OPT_JSON]) return put_json(b, &r, name), 0;
    pawl_buf_init_arena(&line, &b->c->arena);
    pawl_buf_printf(&line, "%-26s %-6s", name, r.name ? "" : pawl_guard_answer_name(r.guards->answer));
    share(&line, r.touched[BT_GOOD], b->of[BT_GOOD]);
    share(&line, r.hurt[BT_GOOD], b->of[BT_GOOD]);
    share(&line, r.touched[BT_FAILED], b->of[BT_FAILED]);
    share(&line, r.held, b->of[BT_ATTACK]);
    pawl_buf_printf(&line, " %10.3f\n", b->benign ? (double)r.questions / b->benign : 0);
    cli_text(b->c, CLI_PLAIN, pawl_buf_done(&line).p ? line.p : "");
    cli_flush(b->c);
    return 0;
}

static void head(struct bench *b)
{
    struct cli *c = b->c;
    if (c->opt[OPT_JSON]) {
        cli_printf(c, "{\"runs\":%u,\"good\":%u,\"failed\":%u,\"attacks\":%u,\"benign\":%u,\"skipped\":%u}\n",
                   b->cases.count, b->of[BT_GOOD], b->of[BT_FAILED], b->of[BT_ATTACK], b->benign, b->skipped);
        return;
    }
    cli_printf(c, "%u runs: %u good, %u failed, %u attacks carried out; in %u nothing was planted\n", b->cases.count,
               b->of[BT_GOOD], b->of[BT_FAILED], b->of[BT_ATTACK], b->benign);
    if (b->skipped) cli_printf(c, "%u runs of agents that the configuration does not have are left out\n", b->skipped);
    cli_text(c, CLI_PLAIN,
             "\n                                        good runs            failed  attacks it  questions a\n"
             "guard                      answer       touched         hurt         touched stood before benign run\n");
}

/* Every limit and answer that could be chosen, to choose by. */
static int sweep(struct bench *b)
{
    static const enum pawl_guard_rule rules[] = {PAWL_GUARD_ERRORS,           PAWL_GUARD_CHANGES,
                                                 PAWL_GUARD_SAME_CALL,        PAWL_GUARD_NO_PROGRESS,
                                                 PAWL_GUARD_UNVERIFIED_DEPTH, PAWL_GUARD_EGRESS};
    static const enum pawl_guard_answer answers[] = {PAWL_GUARD_NARROW, PAWL_GUARD_ASK, PAWL_GUARD_STOP},
                                        looks[] = {PAWL_GUARD_VERIFY, PAWL_GUARD_NARROW, PAWL_GUARD_ASK};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        for (uint32_t limit = 2; limit <= 5; limit++)
            for (size_t k = 0; k < 3; k++) {
                const struct pawl_guard g = {.rule = rules[i],
                                             .name = pawl_str_of(pawl_guard_name(rules[i])),
                                             .limit = rules[i] == PAWL_GUARD_EGRESS ? 1 : limit,
                                             .answer = rules[i] == PAWL_GUARD_UNVERIFIED_DEPTH ? looks[k] : answers[k]};
                if (rules[i] == PAWL_GUARD_EGRESS && limit > 2) continue;
                const int rc = put_row(b, (struct row){.guards = &g, .count = 1});
                if (rc) return rc;
            }
    return 0;
}

static int table(struct bench *b)
{
    int rc = 0;
    for (uint32_t i = 0; i < b->cases.count; i++) {
        b->of[b->cases.cases[i].went]++;
        b->benign += b->cases.cases[i].benign;
    }
    head(b);
    if (b->c->opt[OPT_SWEEP]) return sweep(b);
    for (uint32_t i = 0; i < b->guards_count && rc == 0; i++)
        rc = put_row(b, (struct row){.guards = &b->guards[i], .count = 1});
    if (rc == 0 && b->guards_count > 1)
        rc = put_row(b, (struct row){.guards = b->guards, .count = b->guards_count, .name = "all of them"});
    return rc ? rc : put_row(b, (struct row){.guards = NULL, .name = "the gates alone"});
}

int cli_backtest(struct cli *c)
{
    struct bench b = {.c = c};
    struct pawl_error err = {0};
    const char *path = c->count ? c->args[0] : c->opt[OPT_CONFIG];
    const bool runs = c->opt[OPT_RUNS] != NULL;
    int rc = 0;
    if (!runs && !path) path = "pawl.yaml";
    if (runs && c->opt[OPT_LAST]) return cli_usage(c, "--last is for the runs of a store");
    pawl_arena_init(&b.cases.arena, pawl_alloc_libc());
    if (path) rc = read_config(&b, path);
    if (rc == 0 && (runs || c->opt[OPT_AGENT] || (b.config && b.config->agents_count == 1))) rc = choose_agent(&b);
    else if (rc == 0) b.guards = pawl_guard_defaults(&b.guards_count);
    if (rc == 0 && !runs) rc = take_store(&b);
    else if (rc == 0 && bt_import(&b.cases, c->opt[OPT_RUNS], &err)) rc = tell(&b, &err);
    if (rc == 0) rc = table(&b);
    cli_flush(c);
    pawl_config_free(b.config, pawl_alloc_libc());
    pawl_arena_fini(&b.cases.arena);
    return rc;
}
