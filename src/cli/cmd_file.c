/* src/cli/cmd_file.c - init, check, verify, sql: around the configuration file and the store. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"
#include "contract/shown.h"
#include "io/fail.h"

static const char starter[] =
    "# An agent that refunds broken orders, against the services of `pawl mock` on this machine: no keys are needed.\n"
    "# `pawl check` says what each contract means; `pawl help` lists what to type.\n"
    "version: 1\n"
    "\n"
    "models:\n"
    "  main:\n"
    "    provider: openai                     # anything that speaks OpenAI's chat API\n"
    "    model: mock\n"
    "    base_url: http://127.0.0.1:7296/v1   # the mock's; leave it out for OpenAI itself\n"
    "    # api_key: \"${env:OPENAI_API_KEY}\"\n"
    "\n"
    "tools:\n"
    "  get_order:\n"
    "    description: Look an order up by its number.\n"
    "    http: {method: GET, url: \"http://127.0.0.1:7296/orders/{args.order_id}\"}\n"
    "    effect: read                         # changes nothing: is tried again freely\n"
    "    input:\n"
    "      type: object\n"
    "      required: [order_id]\n"
    "      properties: {order_id: {type: string}}\n"
    "      additionalProperties: false\n"
    "\n"
    "  refund:\n"
    "    description: Refund an order, once.\n"
    "    http: {method: POST, url: \"http://127.0.0.1:7296/refunds\"}\n"
    "    effect: irreversible                 # asks a human first, and is never done twice\n"
    "    key: {header: Idempotency-Key}       # the service knows a repeat by this\n"
    "    repeat: answer                       # the same refund again is answered with the first one's result\n"
    "    timeout: 5s\n"
    "    input:\n"
    "      type: object\n"
    "      required: [order_id, amount]\n"
    "      properties:\n"
    "        order_id: {type: string}\n"
    "        amount: {type: number, exclusiveMinimum: 0}\n"
    "      additionalProperties: false\n"
    "\n"
    "agents:\n"
    "  refunds:\n"
    "    model: main\n"
    "    tools: [get_order, refund]\n"
    "    instructions: |\n"
    "      You refund broken goods. Look the order up first, refund what was paid for it once, then tell the customer.\n"
    "    budget: {steps: 20}\n";

static int file_error(struct cli *c, const char *path, const char *next)
{
    struct pawl_error err;
    pawl_io_fail(&err, errno, path, "write it");
    if (next) snprintf(err.next, sizeof err.next, "%s", next);
    cli_error(c, &err);
    return CLI_FAILED;
}

static void json_line(struct cli *c, const char *name, const char *value)
{
    struct pawl_json_writer w = {.out = &c->out};
    pawl_jw_open(&w, '{');
    cli_put(&w, name, value);
    pawl_jw_close(&w, '}');
    pawl_buf_char(&c->out, '\n');
}

int cli_init(struct cli *c)
{
    const char *path = c->opt[OPT_CONFIG] ? c->opt[OPT_CONFIG] : "pawl.yaml";
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    size_t at = 0;
    if (fd < 0) return file_error(c, path, errno == EEXIST ? "pawl check (init never overwrites)" : NULL);
    while (at < sizeof starter - 1) {
        const ssize_t n = write(fd, starter + at, sizeof starter - 1 - at);
        if (n < 0) {
            const int why = errno;
            close(fd);
            unlink(path);
            errno = why;
            return file_error(c, path, NULL);
        }
        at += (size_t)n;
    }
    if (close(fd)) return file_error(c, path, NULL);
    if (c->opt[OPT_JSON]) {
        json_line(c, "config", path);
        cli_flush(c);
        return CLI_DONE;
    }
    cli_printf(c, "%s is there: an agent `refunds` that looks orders up and refunds them.\n", path);
    cli_text(c, CLI_PLAIN,
             "→ pawl mock          in another terminal: a model, an order service and a payment service\n"
             "→ pawl check         what the contracts mean\n"
             "→ pawl run refunds 'Order #W0000007 arrived broken'\n");
    cli_flush(c);
    return CLI_DONE;
}

struct checked {
    struct cli *c;
    uint32_t errors;
};

static void on_error(void *ctx, const struct pawl_error *e)
{
    struct checked *k = ctx;
    struct cli *c = k->c;
    k->errors++;
    if (c->opt[OPT_JSON]) {
        cli_json_error(c, e);
        return;
    }
    if (e->where[0]) cli_shown(c, CLI_BOLD, pawl_str_of(e->where), 300), cli_text(c, CLI_PLAIN, ": ");
    cli_shown(c, CLI_PLAIN, pawl_str_of(e->what), 600);
    if (e->next[0]) cli_text(c, CLI_PLAIN, "; "), cli_shown(c, CLI_PLAIN, pawl_str_of(e->next), 300);
    cli_text(c, CLI_PLAIN, "\n");
}

static void on_line(void *ctx, const char *of, const char *line)
{
    struct checked *k = ctx;
    struct pawl_buf b;
    if (k->c->opt[OPT_JSON]) {
        json_line(k->c, of, line);
        return;
    }
    pawl_buf_init_arena(&b, &k->c->arena);
    pawl_shown(pawl_str_of(line), 2000, &b);
    cli_wrap(k->c, pawl_buf_done(&b), 2, 0);
    cli_text(k->c, CLI_PLAIN, "\n");
}

int cli_check(struct cli *c)
{
    const char *path = c->count ? c->args[0] : c->opt[OPT_CONFIG] ? c->opt[OPT_CONFIG] : "pawl.yaml";
    struct checked k = {.c = c};
    const int rc = pawl_check(path, on_error, on_line, &k);
    if (rc && !k.errors) fprintf(stderr, "pawl: %s: %s\n", path, pawl_code_name(rc));
    if (rc && !c->opt[OPT_JSON]) cli_printf(c, "%u error%s\n", k.errors, k.errors == 1 ? "" : "s");
    cli_flush(c);
    return rc ? CLI_USAGE : CLI_DONE;
}

/* An answer of the door without the word that ends it. */
static void json_members(struct cli *c, yyjson_val *last)
{
    struct pawl_json_writer w = {.out = &c->out};
    yyjson_val *name, *value;
    size_t i, n;
    pawl_jw_open(&w, '{');
    yyjson_obj_foreach(last, i, n, name, value)
    {
        if (yyjson_equals_str(name, "last")) continue;
        pawl_jw_key_str(&w, pawl_json_value_str(name));
        pawl_jw_value(&w, value);
    }
    pawl_jw_close(&w, '}');
    pawl_buf_char(&c->out, '\n');
}

int cli_verify(struct cli *c)
{
    struct pawl_buf b;
    struct pawl_json_writer w;
    yyjson_val *last = NULL;
    int rc;
    if ((rc = cli_open(c, CLI_READ)) != 0) return rc;
    if (c->opt[OPT_HEAD] && !c->count) return cli_usage(c, "a head is one run's: pawl verify RUN --head HASH");
    cli_begin(c, &b, &w, "verify", c->count ? c->args[0] : NULL);
    cli_put(&w, "head", c->opt[OPT_HEAD]);
    if ((rc = cli_ask(c, &b, &last)) != 0) return cli_status(c, rc);
    const long long runs = (long long)pawl_json_i64(last, "runs", 0),
                    records = (long long)pawl_json_i64(last, "records", 0);
    const long long anchored = (long long)pawl_json_i64(last, "anchored_seq", 0);
    if (c->opt[OPT_JSON]) {
        json_members(c, last);
    } else {
        cli_printf(c, "%lld run%s, %lld records: every chain is whole\n", runs, runs == 1 ? "" : "s", records);
        if (anchored) cli_printf(c, "record %lld is the one that was written down\n", anchored);
        else if (c->count)
            cli_text(c, CLI_DIM, "head "), cli_shown(c, CLI_DIM, pawl_json_str(last, "head"), 64),
                cli_text(c, CLI_PLAIN, "\n");
    }
    cli_flush(c);
    return CLI_DONE;
}

/* Columns as wide as their widest cell, up to a bound; a cell stays on its line. */
static void table(struct cli *c, yyjson_val *columns, yyjson_val *rows)
{
    enum { COLUMNS = 64, WIDEST = 60 };
    uint32_t widths[COLUMNS] = {0};
    const size_t count = yyjson_arr_size(columns);
    yyjson_val *row, *cell;
    size_t i, n, k, m;
    for (int pass = 0; pass < 2; pass++) {
        for (i = 0, n = yyjson_arr_size(rows) + 1; i < n; i++) {
            row = i ? yyjson_arr_get(rows, i - 1) : columns;
            yyjson_arr_foreach(row, k, m, cell)
            {
                struct pawl_buf raw, shown;
                uint32_t w;
                pawl_buf_init(&raw, c->arena.from);
                pawl_buf_init(&shown, c->arena.from);
                if (!yyjson_is_str(cell) && !yyjson_is_null(cell)) pawl_json_write(cell, &raw);
                pawl_shown(yyjson_is_str(cell) ? pawl_json_value_str(cell)
                                               : (struct pawl_str){raw.p ? raw.p : "", (uint32_t)raw.n},
                           c->terminal ? 200 : SIZE_MAX, &shown);
                w = cli_columns((struct pawl_str){shown.p ? shown.p : "", (uint32_t)shown.n});
                if (c->terminal && w > WIDEST) w = WIDEST;
                if (pass == 0 && k < COLUMNS && w > widths[k]) widths[k] = w;
                if (pass == 1 && c->terminal && k < COLUMNS) {
                    cli_column(c, i ? CLI_PLAIN : CLI_BOLD,
                               (struct pawl_str){shown.p ? shown.p : "", (uint32_t)shown.n}, widths[k]);
                    if (k + 1 < count) cli_text(c, CLI_PLAIN, "  ");
                } else if (pass == 1) {
                    if (k) pawl_buf_char(&c->out, '\t');
                    pawl_buf_add(&c->out, shown.p ? shown.p : "", shown.n);
                }
                pawl_buf_fini(&raw);
                pawl_buf_fini(&shown);
            }
            if (pass == 1) pawl_buf_char(&c->out, '\n');
            if (c->out.n > 65536 && !cli_flush(c)) return;
        }
    }
}

int cli_sql(struct cli *c)
{
    struct pawl_buf b;
    struct pawl_json_writer w;
    yyjson_val *last = NULL;
    int rc;
    if ((rc = cli_open(c, CLI_READ)) != 0) return rc;
    cli_begin(c, &b, &w, "sql", NULL);
    cli_put(&w, "text", c->args[0]);
    if ((rc = cli_ask(c, &b, &last)) != 0) return cli_status(c, rc);
    if (c->opt[OPT_JSON]) json_members(c, last);
    else table(c, yyjson_obj_get(last, "columns"), yyjson_obj_get(last, "rows"));
    cli_flush(c);
    return CLI_DONE;
}
