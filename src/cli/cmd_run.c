/* src/cli/cmd_run.c - run, send, resume, follow: what makes a run go on and watches it. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"

enum { STDIN_MAX = 4 << 20 };

/* INPUT "-": all of stdin. NULL: nothing came, or too much; told. */
static const char *input_of(struct cli *c, const char *arg)
{
    struct pawl_buf b;
    char piece[4096];
    ssize_t n;
    if (strcmp(arg, "-") != 0) return arg;
    pawl_buf_init_arena(&b, &c->arena);
    while ((n = read(STDIN_FILENO, piece, sizeof piece)) > 0 && b.n <= STDIN_MAX) pawl_buf_add(&b, piece, (size_t)n);
    c->person = false; /* stdin has been used up */
    if (n == 0 && b.n && !memchr(b.p, 0, b.n) && pawl_buf_done(&b).p) return b.p;
    if (n < 0) cli_usage(c, "standard input cannot be read: %s", strerror(errno));
    else if (!b.n) cli_usage(c, "nothing came on standard input");
    else if (n > 0) cli_usage(c, "the input is longer than 4 MiB");
    else cli_usage(c, "the input is no text: it holds a zero byte");
    return NULL;
}

static void say_run(struct cli *c, const char *run)
{
    char name[37];
    if (c->opt[OPT_JSON]) {
        cli_printf(c, "{\"run\":\"%s\"}\n", run);
    } else {
        cli_short(c, pawl_str_of(run), name);
        cli_printf(c, "run %s  ", name);
        cli_shown(c, CLI_BOLD, pawl_str_of(c->args[0]), 60);
        cli_text(c, CLI_PLAIN, "\n");
    }
    cli_flush(c);
}

int cli_run(struct cli *c)
{
    struct pawl_start start = {.size = sizeof start,
                               .agent = c->args[0],
                               .key = c->opt[OPT_KEY],
                               .id = c->opt[OPT_ID],
                               .chat = c->opt[OPT_CHAT] != NULL,
                               .input_is_json = c->opt[OPT_INPUT_JSON] != NULL};
    struct pawl_error err;
    struct pawl_arena a;
    char run[37];
    int rc;
    start.input = input_of(c, c->args[1]);
    if (!start.input) return CLI_USAGE;
    if (start.input_is_json) {
        yyjson_val *v;
        pawl_arena_init(&a, c->arena.from);
        rc = pawl_json_read(pawl_str_of(start.input), &a, &v, &err);
        pawl_arena_fini(&a);
        if (rc) return cli_error(c, &err);
    }
    if ((rc = cli_open(c, CLI_WORK)) != 0) return rc;
    rc = pawl_start_run(c->p, &start, run, &err);
    if (rc) return cli_error(c, &err);
    say_run(c, run);
    return cli_live(c, run, 0);
}

int cli_head_of(struct cli *c, const char *run, char id[37], uint64_t *seq)
{
    struct pawl_buf b;
    struct pawl_json_writer w;
    yyjson_val *last = NULL, *head;
    struct pawl_str name;
    int rc;
    cli_begin(c, &b, &w, "show", run);
    rc = cli_ask(c, &b, &last);
    if (rc) return cli_status(c, rc);
    head = yyjson_obj_get(last, "head");
    name = pawl_json_str(head, "run");
    snprintf(id, 37, "%.*s", (int)name.n, name.p ? name.p : "");
    *seq = (uint64_t)pawl_json_i64(head, "seq", 0);
    return 0;
}

int cli_send(struct cli *c)
{
    struct pawl_buf b;
    struct pawl_json_writer w;
    const char *text = c->count > 1 ? input_of(c, c->args[1]) : NULL;
    char run[37];
    uint64_t seq = 0;
    int rc;
    if (!text && !c->opt[OPT_END]) return cli_usage(c, "a message needs a text, or --end");
    if ((rc = cli_open(c, CLI_WORK)) != 0) return rc;
    if ((rc = cli_head_of(c, c->args[0], run, &seq)) != 0) return rc;
    cli_begin(c, &b, &w, "send", run);
    cli_put(&w, "text", text);
    if (c->opt[OPT_END]) pawl_jw_key(&w, "end"), pawl_jw_bool(&w, true);
    cli_put_id(&w, c->opt[OPT_ID]);
    rc = cli_ask(c, &b, NULL);
    return rc ? cli_status(c, rc) : cli_live(c, run, seq);
}

static int resume_all(struct cli *c)
{
    struct pawl_buf b;
    struct pawl_json_writer w;
    yyjson_val *last = NULL;
    int rc;
    cli_begin(c, &b, &w, "resume", NULL);
    pawl_jw_key(&w, "all");
    pawl_jw_bool(&w, true);
    rc = cli_ask(c, &b, &last);
    if (rc) return cli_status(c, rc);
    if (c->opt[OPT_JSON]) cli_printf(c, "{\"runs\":%lld}\n", (long long)pawl_json_i64(last, "runs", 0));
    else cli_text(c, CLI_PLAIN, "nothing is under way any more\n→ pawl ls\n");
    cli_flush(c);
    return CLI_DONE;
}

int cli_resume(struct cli *c)
{
    struct pawl_buf b;
    struct pawl_json_writer w;
    uint64_t seq;
    char run[37];
    int rc;
    if ((c->opt[OPT_ALL] != NULL) == (c->count == 1)) return cli_usage(c, "name one run, or say --all");
    if ((rc = cli_open(c, CLI_WORK)) != 0) return rc;
    if (c->opt[OPT_ALL]) return resume_all(c);
    if ((rc = cli_head_of(c, c->args[0], run, &seq)) != 0) return rc;
    cli_begin(c, &b, &w, "resume", run);
    rc = cli_ask(c, &b, NULL);
    return rc ? cli_status(c, rc) : cli_live(c, run, 0);
}

/* Watches only: what this process would have to run itself is left to `resume`. */
int cli_follow(struct cli *c)
{
    char run[37];
    uint64_t seq;
    int rc;
    c->person = false;
    if ((rc = cli_open(c, CLI_READ)) != 0) return rc;
    if ((rc = cli_head_of(c, c->args[0], run, &seq)) != 0) return rc;
    return cli_live(c, run, 0);
}
