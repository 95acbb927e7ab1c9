/* src/cli/cmd_again.c - dlq, retry, undo: what is done about runs that have ended. */
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"
#include "contract/shown.h"

/* A person's word on a run, with the reason that they gave. */
static void word(struct cli *c, struct pawl_buf *b, struct pawl_json_writer *w, const char *verb, const char *run)
{
    cli_begin_word(c, b, w, verb, run, 0);
    cli_put(w, "reason", c->opt[OPT_REASON]);
}

/* ---- dlq ---- */

static void applied(struct cli *c, yyjson_val *letter)
{
    yyjson_val *step;
    size_t i, n;
    yyjson_arr_foreach(yyjson_obj_get(letter, "applied"), i, n, step)
    {
        cli_text(c, CLI_PLAIN, i ? ", " : "    happened: ");
        cli_printf(c, "step %lld (", (long long)pawl_json_i64(step, "step", 0));
        cli_shown(c, CLI_PLAIN, pawl_json_str(step, "name"), 60);
        cli_text(c, CLI_PLAIN, ")");
        if (pawl_json_str(step, "sure").p) cli_text(c, CLI_YELLOW, ", of which nobody knows");
        if (pawl_json_str(step, "undo").p) cli_text(c, CLI_RED, ", whose undo failed");
    }
    if (i) cli_text(c, CLI_PLAIN, "\n");
}

static void put_letter(struct cli *c, yyjson_val *letter)
{
    const struct pawl_str status = pawl_json_str(letter, "status");
    const int64_t step = pawl_json_i64(letter, "step", 0), retries = pawl_json_i64(letter, "retries", 0);
    yyjson_val *next, *line;
    struct pawl_buf b;
    char name[37];
    size_t i, n;
    if (c->opt[OPT_JSON]) {
        pawl_json_write(letter, &c->out);
        pawl_buf_char(&c->out, '\n');
        return;
    }
    cli_short(c, pawl_json_str(letter, "run"), name);
    cli_printf(c, "%s  ", name);
    cli_shown(c, CLI_BOLD, pawl_json_str(letter, "agent"), 60);
    pawl_buf_init_arena(&b, &c->arena);
    pawl_buf_text(&b, pawl_str_is(status, "dead")        ? "  dead since "
                      : pawl_str_is(status, "failed")    ? "  failed, "
                      : pawl_str_is(status, "cancelled") ? "  cancelled, "
                                                         : "  done, ");
    cli_time(pawl_json_i64(letter, "since_ns", 0), &b);
    if (retries) pawl_buf_printf(&b, ", tried again %lld time%s", (long long)retries, retries == 1 ? "" : "s");
    pawl_buf_text(&b, "\n    ");
    cli_text(c, CLI_PLAIN, pawl_buf_done(&b).p);
    pawl_buf_init_arena(&b, &c->arena);
    pawl_shown(pawl_json_str(letter, "class"), 40, &b);
    if (step) pawl_buf_printf(&b, " at step %lld (", (long long)step);
    if (step) pawl_shown(pawl_json_str(letter, "name"), 60, &b), pawl_buf_char(&b, ')');
    if (b.n && pawl_json_str(letter, "message").n) pawl_buf_text(&b, ": ");
    pawl_shown(pawl_json_str(letter, "message"), 300, &b);
    cli_colour(c, CLI_RED);
    cli_wrap(c, pawl_buf_done(&b), 4, 4);
    cli_colour(c, CLI_PLAIN);
    cli_text(c, CLI_PLAIN, "\n");
    applied(c, letter);
    next = yyjson_obj_get(letter, "next");
    yyjson_arr_foreach(next, i, n, line)
    {
        const struct pawl_str text = pawl_json_value_str(line);
        const uint32_t verb = text.n > 36 ? text.n - 36 : 0; /* the whole id ends it */
        cli_printf(c, "    → %.*s%s\n", (int)verb, text.p ? text.p : "", name);
    }
}

/* It was begun by one of these, which begins what it needs anew when it is tried again: both together would do it twice. */
static bool is_called(yyjson_val *letter, const struct pawl_buf *callers)
{
    const struct pawl_str parent = pawl_json_str(letter, "parent");
    for (uint32_t i = 0; callers && parent.n && i + parent.n <= callers->n; i += parent.n)
        if (memcmp(callers->p + i, parent.p, parent.n) == 0) return true;
    return false;
}

/* All letters that the options ask for, but for those that `callers` (their ids) began. The exit status. */
static int letters(struct cli *c, bool (*take)(struct cli *c, yyjson_val *letter), const struct pawl_buf *callers,
                   uint32_t *count)
{
    struct pawl_str before = {NULL, 0};
    int rc;
    *count = 0;
    do {
        struct pawl_buf b;
        struct pawl_json_writer w;
        yyjson_val *last = NULL, *letter;
        size_t i, n;
        cli_begin(c, &b, &w, "dlq", NULL);
        cli_put(&w, "agent", c->opt[OPT_AGENT]);
        cli_put(&w, "class", c->opt[OPT_ERROR]);
        if (c->opt[OPT_ALL]) pawl_jw_key(&w, "failed"), pawl_jw_bool(&w, true); /* those that can be tried again */
        if (before.p) pawl_jw_key(&w, "before"), pawl_jw_str(&w, before);
        if ((rc = cli_ask(c, &b, &last)) != 0) return cli_status(c, rc);
        yyjson_arr_foreach(yyjson_obj_get(last, "letters"), i, n, letter)
        {
            if (is_called(letter, callers)) continue;
            ++*count;
            if (!take(c, letter)) return CLI_DONE; /* nobody reads on */
        }
        before = pawl_json_str(last, "before");
    } while (before.p);
    return CLI_DONE;
}

static bool show_letter(struct cli *c, yyjson_val *letter)
{
    put_letter(c, letter);
    return cli_flush(c);
}

int cli_dlq(struct cli *c)
{
    uint32_t count;
    int rc;
    if ((rc = cli_open(c, CLI_READ)) != 0) return rc;
    if ((rc = letters(c, show_letter, NULL, &count)) != 0) return rc;
    if (!count && !c->opt[OPT_JSON]) cli_text(c, CLI_PLAIN, "no dead letters\n");
    cli_flush(c);
    return CLI_DONE;
}

/* ---- retry ---- */

static bool number_of(const char *text, uint32_t *out)
{
    char *end;
    const unsigned long n = strtoul(text, &end, 10);
    *out = (uint32_t)n;
    return *text >= '0' && *text <= '9' && !*end && n > 0 && n <= UINT32_MAX;
}

/* NAME=VALUE lines, or one JSON object. VALUE is JSON where it can be read as that, else text. NULL: told. */
const char *cli_members(struct cli *c, const char *option, const char *given)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    yyjson_val *v;
    if (*given == '{') {
        if (pawl_json_read(pawl_str_of(given), &c->arena, &v, NULL) == PAWL_OK) return given;
        return cli_usage(c, "--%s takes NAME=VALUE, or a JSON object", option), NULL;
    }
    pawl_buf_init_arena(&b, &c->arena);
    pawl_jw_open(&w, '{');
    while (*given) {
        const size_t n = strcspn(given, "\n"), name = strcspn(given, "=\n");
        const struct pawl_str value = {given + name + 1, (uint32_t)(n - name - 1)};
        if (name == 0 || name >= n) return cli_usage(c, "--%s takes NAME=VALUE, or a JSON object", option), NULL;
        pawl_jw_key_str(&w, (struct pawl_str){given, (uint32_t)name});
        if (pawl_json_read(value, &c->arena, &v, NULL) == PAWL_OK) pawl_jw_value(&w, v);
        else pawl_jw_str(&w, value);
        given += n + (given[n] == '\n');
    }
    pawl_jw_close(&w, '}');
    return pawl_buf_done(&b).p;
}

static bool retry_letter(struct cli *c, yyjson_val *letter)
{
    const struct pawl_str id = pawl_json_str(letter, "run");
    struct pawl_buf b;
    struct pawl_json_writer w;
    char run[37], name[37];
    cli_run_of(letter, run);
    word(c, &b, &w, "retry", run);
    if (cli_ask(c, &b, NULL)) return true; /* told; the others are tried all the same */
    cli_short(c, id, name);
    if (c->opt[OPT_JSON]) cli_printf(c, "{\"run\":\"%s\",\"recorded\":\"retry\"}\n", run);
    else cli_printf(c, "%s: recorded, it is tried again\n", name);
    cli_flush(c);
    return true;
}

/* Until nothing is under way any more, where this process runs them. */
static int see_through(struct cli *c)
{
    struct pawl_buf b;
    struct pawl_json_writer w;
    int rc = 0;
    if (pawl_owns(c->p)) {
        cli_begin(c, &b, &w, "resume", NULL);
        pawl_jw_key(&w, "all");
        pawl_jw_bool(&w, true);
        rc = cli_ask(c, &b, NULL);
    }
    if (!rc && !c->opt[OPT_JSON]) cli_text(c, CLI_PLAIN, "→ pawl dlq\n");
    cli_flush(c);
    return rc ? cli_status(c, rc) : CLI_DONE;
}

static struct pawl_buf *collected; /* by note_letter */

static bool note_letter(struct cli *c, yyjson_val *letter)
{
    (void)c;
    pawl_buf_str(collected, pawl_json_str(letter, "run"));
    return true;
}

static int retry_all(struct cli *c)
{
    struct pawl_buf ids;
    uint32_t count;
    int rc;
    if (c->count || c->opt[OPT_FROM] || c->opt[OPT_WITH] || c->opt[OPT_ID])
        return cli_usage(c,
                         "--all tries every dead letter again from where it stopped: no run, --from, --with or --id");
    if ((rc = cli_open(c, c->opt[OPT_YES] ? CLI_WORK : CLI_READ)) != 0) return rc;
    pawl_buf_init_arena(&ids, &c->arena);
    collected = &ids;
    if ((rc = letters(c, note_letter, NULL, &count)) != 0) return rc;
    if ((rc = letters(c, c->opt[OPT_YES] ? retry_letter : show_letter, &ids, &count)) != 0) return rc;
    if (!count && !c->opt[OPT_JSON]) cli_text(c, CLI_PLAIN, "no dead letters\n");
    cli_flush(c);
    if (count && c->opt[OPT_YES]) return see_through(c);
    if (count) fprintf(stderr, "pawl: nothing is done yet: %u would be tried again\n→ the same with --yes\n", count);
    return CLI_DONE;
}

int cli_retry(struct cli *c)
{
    struct pawl_buf b;
    struct pawl_json_writer w;
    const char *members = NULL;
    uint32_t from = 0;
    uint64_t seq = 0;
    char run[37];
    int rc;
    if (c->opt[OPT_ALL]) return retry_all(c);
    if (c->count != 1) return cli_usage(c, "name one run, or say --all");
    if (c->opt[OPT_AGENT] || c->opt[OPT_ERROR] || c->opt[OPT_YES])
        return cli_usage(c, "--agent, --error and --yes go with --all");
    if (c->opt[OPT_FROM] && !number_of(c->opt[OPT_FROM], &from)) return cli_usage(c, "--from takes a step's number");
    if (c->opt[OPT_WITH] && !(members = cli_members(c, "with", c->opt[OPT_WITH]))) return CLI_USAGE;
    if ((rc = cli_open(c, CLI_WORK)) != 0) return rc;
    if ((rc = cli_head_of(c, c->args[0], run, &seq)) != 0) return rc;
    word(c, &b, &w, "retry", run);
    if (from) pawl_jw_key(&w, "from"), pawl_jw_i64(&w, from);
    if (members) pawl_jw_key(&w, "with"), pawl_jw_raw(&w, pawl_str_of(members));
    if ((rc = cli_ask(c, &b, NULL)) != 0) return cli_status(c, rc);
    return cli_live(c, run, seq);
}

/* ---- undo ---- */

/* What a person has to look after: it happened, and no tool has undone it. */
static int tell_left(struct cli *c, yyjson_val *view)
{
    yyjson_val *v, *steps = yyjson_obj_get(view, "steps"), *left = yyjson_obj_get(view, "not_undone");
    bool failed = false;
    size_t i, n;
    yyjson_arr_foreach(left, i, n, v)
    {
        yyjson_val *step = yyjson_arr_get(steps, (size_t)yyjson_get_uint(v) - 1);
        failed = failed || pawl_json_bool(step, "undo_failed", false);
        if (c->opt[OPT_JSON]) continue;
        cli_text(c, CLI_YELLOW, i ? ", " : "not undone, for you to look after: ");
        cli_printf(c, "step %lld (", (long long)yyjson_get_sint(v));
        cli_shown(c, CLI_PLAIN, pawl_json_str(step, "name"), 60);
        cli_text(c, CLI_PLAIN, pawl_json_bool(step, "undo_failed", false) ? "; its undo failed)" : ")");
    }
    if (i && !c->opt[OPT_JSON]) cli_text(c, CLI_PLAIN, "\n");
    cli_flush(c);
    return failed ? CLI_FAILED : CLI_DONE;
}

int cli_undo(struct cli *c)
{
    struct pawl_buf b;
    struct pawl_json_writer w;
    yyjson_val *view = NULL;
    uint32_t to = 0;
    uint64_t seq = 0;
    char run[37];
    int rc;
    if (c->opt[OPT_TO] && !number_of(c->opt[OPT_TO], &to)) return cli_usage(c, "--to takes a step's number");
    if ((rc = cli_open(c, CLI_WORK)) != 0) return rc;
    if ((rc = cli_head_of(c, c->args[0], run, &seq)) != 0) return rc;
    word(c, &b, &w, "undo", run);
    if (to) pawl_jw_key(&w, "to"), pawl_jw_i64(&w, to);
    if ((rc = cli_ask(c, &b, NULL)) != 0) return cli_status(c, rc);
    rc = cli_live(c, run, seq);
    if (rc == CLI_WAITING || rc == CLI_DOUBT || rc == CLI_INTERRUPTED) return rc;
    if ((rc = cli_show_view(c, run, 0, &view)) != 0) return cli_status(c, rc);
    return tell_left(c, view); /* how the run had ended is no matter here */
}
