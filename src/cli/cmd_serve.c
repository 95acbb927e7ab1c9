/* src/cli/cmd_serve.c - `pawl serve`: the resident owner at a terminal. A line for what it does, one for each run that
 * begins, ends, or comes to where a person is needed. */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"
#include "contract/contract.h"
#include "journal/rules.h"
#include "serve/serve.h"

struct news {                /* of one commit */
    const char *word, *next; /* next: the command that moves it on; NULL: none is needed */
    uint32_t step;
    enum cli_colour colour;
    struct pawl_str body; /* of run.created */
};

static bool of_record(const struct pawl_record *r, const struct pawl_head *head, struct news *n)
{
    static const char *const ends[] = {[PAWL_DONE] = "done",
                                       [PAWL_FAILED_RUN] = "failed",
                                       [PAWL_CANCELLED_RUN] = "cancelled",
                                       [PAWL_DEAD] = "dead letter"};
    *n = (struct news){.step = r->step};
    switch (r->kind) {
    case PAWL_RUN_CREATED: n->word = "begins", n->body = r->body; break;
    case PAWL_RUN_RETRIED: n->word = "goes on by a person's word"; break;
    case PAWL_RUN_ENDED:
        n->word = ends[head->status];
        n->colour = head->status == PAWL_DONE ? CLI_GREEN : CLI_RED;
        if (head->status == PAWL_FAILED_RUN || head->status == PAWL_DEAD) n->next = "show";
        break;
    case PAWL_GATE_ASKED: n->word = "asks for a yes", n->next = "approve", n->colour = CLI_YELLOW; break;
    case PAWL_STEP_IN_DOUBT: n->word = "is in doubt", n->next = "resolve", n->colour = CLI_YELLOW; break;
    case PAWL_STEP_ACCEPTED: n->word = "waits for the end of a call that was accepted"; break;
    default: return false;
    }
    return n->word != NULL;
}

/* Which schedule began it, in words. */
static void add_schedule(struct cli *c, struct pawl_str created, struct pawl_buf *out)
{
    struct pawl_arena a;
    yyjson_val *v = NULL;
    pawl_arena_init(&a, c->arena.from);
    if (created.p && pawl_json_read(created, &a, &v, NULL) == PAWL_OK) cli_schedule_words(v, out);
    pawl_arena_fini(&a);
}

/* Times of a schedule that begin nothing are said, too. */
static void say_left_out(struct cli *c, const struct pawl_shared_op *op)
{
    static const char prefix[] = "schedule ";
    const uint32_t before = sizeof prefix - 1;
    struct pawl_arena a;
    yyjson_val *row = NULL;
    struct pawl_buf b;
    if (op->name.n <= before || memcmp(op->name.p, prefix, before) != 0 || !op->body.p) return;
    pawl_arena_init(&a, c->arena.from);
    pawl_buf_init(&b, c->arena.from);
    const int64_t count = pawl_json_read(op->body, &a, &row, NULL) ? 0 : pawl_json_i64(row, "left_now", 0);
    const struct pawl_str name = {op->name.p + before, op->name.n - before}, why = pawl_json_str(row, "left_why");
    if (count && c->opt[OPT_JSON]) {
        struct pawl_json_writer w = {.out = &c->out};
        pawl_jw_open(&w, '{');
        pawl_jw_put_i64(&w, "at_ns", cli_wall_ns());
        pawl_jw_put_str(&w, "schedule", name);
        pawl_jw_put_i64(&w, "left_out", count);
        pawl_jw_put_str(&w, "why", why);
        pawl_jw_close(&w, '}');
        cli_text(c, CLI_PLAIN, "\n");
    } else if (count) {
        cli_time(cli_wall_ns(), &b);
        if (pawl_buf_done(&b).p) cli_text(c, CLI_DIM, b.p);
        cli_text(c, CLI_PLAIN, "  schedule ");
        cli_shown(c, CLI_BOLD, name, 64);
        cli_printf(c, "  %lld time%s left out: %s\n", (long long)count, count == 1 ? "" : "s", cli_left_out(why));
    }
    pawl_buf_fini(&b);
    pawl_arena_fini(&a);
}

static void say(struct cli *c, const struct pawl_head *head, const struct news *n)
{
    struct pawl_buf b;
    char id[PAWL_ID_TEXT];
    pawl_id_text(head->run, id);
    if (c->opt[OPT_JSON]) {
        struct pawl_json_writer w = {.out = &c->out};
        pawl_jw_open(&w, '{');
        pawl_jw_key(&w, "at_ns");
        pawl_jw_i64(&w, cli_wall_ns());
        cli_put(&w, "run", id);
        pawl_jw_key(&w, "agent");
        pawl_jw_str(&w, head->agent);
        if (n->step) pawl_jw_key(&w, "step"), pawl_jw_i64(&w, n->step);
        cli_put(&w, "what", n->word);
        pawl_jw_close(&w, '}');
        cli_text(c, CLI_PLAIN, "\n");
        return;
    }
    pawl_buf_init(&b, c->arena.from);
    cli_time(cli_wall_ns(), &b);
    if (pawl_buf_done(&b).p) cli_text(c, CLI_DIM, b.p);
    pawl_buf_fini(&b);
    cli_printf(c, "  %s  ", id);
    cli_shown(c, CLI_BOLD, head->agent, 60);
    cli_text(c, CLI_PLAIN, "  ");
    cli_text(c, n->colour, n->word);
    pawl_buf_init(&b, c->arena.from);
    add_schedule(c, n->body, &b);
    if (b.n && pawl_buf_done(&b).p) cli_text(c, CLI_PLAIN, b.p);
    pawl_buf_fini(&b);
    if (n->next) cli_printf(c, "  → pawl %s %s", n->next, id);
    if (n->next && n->step) cli_printf(c, "/%" PRIu32, n->step);
    cli_text(c, CLI_PLAIN, "\n");
}

static void on_commit(void *ctx, const struct pawl_commit *commit)
{
    struct cli *c = ctx;
    struct news n;
    for (uint32_t i = 0; i < commit->shared_count; i++) say_left_out(c, &commit->shared[i]);
    if (commit->no_run) {
        cli_flush(c);
        return;
    }
    for (uint32_t i = 0; i < commit->records_count; i++)
        if (of_record(&commit->records[i], &commit->head, &n)) say(c, &commit->head, &n);
    if (commit->head.status == PAWL_WAITING && 1 << commit->head.waiting & PAWL_STUCK) {
        n = (struct news){.word = commit->head.waiting == PAWL_WAIT_CONFIG ? "waits for its configuration"
                                                                           : "waits for a tool of another program",
                          .next = "show",
                          .colour = CLI_YELLOW};
        say(c, &commit->head, &n);
    }
    cli_flush(c);
}

static void on_callback(void *ctx, const char *run, uint32_t step, const char *word, int status)
{
    struct cli *c = ctx;
    struct pawl_buf b;
    if (c->opt[OPT_JSON]) {
        struct pawl_json_writer w = {.out = &c->out};
        pawl_jw_open(&w, '{');
        pawl_jw_key(&w, "at_ns");
        pawl_jw_i64(&w, cli_wall_ns());
        cli_put(&w, "run", run[0] ? run : NULL);
        if (step) pawl_jw_key(&w, "step"), pawl_jw_i64(&w, step);
        cli_put(&w, "callback", word ? word : "refused");
        pawl_jw_key(&w, "status");
        pawl_jw_i64(&w, status);
        pawl_jw_close(&w, '}');
        cli_text(c, CLI_PLAIN, "\n");
        cli_flush(c);
        return;
    }
    pawl_buf_init(&b, c->arena.from);
    cli_time(cli_wall_ns(), &b);
    if (pawl_buf_done(&b).p) cli_text(c, CLI_DIM, b.p);
    pawl_buf_fini(&b);
    if (run[0]) cli_printf(c, "  %s/%" PRIu32, run, step);
    cli_text(c, CLI_PLAIN, "  callback ");
    if (word) cli_text(c, strcmp(word, "taken") == 0 ? CLI_GREEN : CLI_PLAIN, word);
    else cli_printf(c, "refused with %d%s", status, status == 401 ? ": its token or its signature is not ours" : "");
    if (word && strcmp(word, "late") == 0) cli_printf(c, "  → pawl show %s/%" PRIu32, run, step);
    cli_text(c, CLI_PLAIN, "\n");
    cli_flush(c);
}

static void on_drain(void *ctx)
{
    struct cli *c = ctx;
    if (c->opt[OPT_JSON]) cli_text(c, CLI_PLAIN, "{\"draining\":true}\n");
    else cli_text(c, CLI_PLAIN, "finishing what is under way, then parking; once more stops now\n");
    cli_flush(c);
}

static void say_began(struct cli *c, const struct pawl_serve_spec *spec, int port)
{
    const bool six = strchr(spec->host, ':') != NULL;
    if (c->opt[OPT_JSON]) {
        struct pawl_json_writer w = {.out = &c->out};
        pawl_jw_open(&w, '{');
        cli_put(&w, "serving", pawl_host_store_path(c->p));
        cli_put(&w, "host", spec->host);
        pawl_jw_key(&w, "port");
        pawl_jw_i64(&w, port);
        pawl_jw_key(&w, "pid");
        pawl_jw_i64(&w, getpid());
        pawl_jw_close(&w, '}');
        cli_text(c, CLI_PLAIN, "\n");
    } else {
        cli_text(c, CLI_PLAIN, "pawl serves ");
        cli_shown(c, CLI_BOLD, pawl_str_of(pawl_host_store_path(c->p)), 400);
        cli_printf(c, " on http://%s%s%s:%d (process %lld; Ctrl-C ends it, nothing is lost)\n", six ? "[" : "",
                   spec->host, six ? "]" : "", port, (long long)getpid());
    }
    cli_flush(c);
}

static void say_ended(struct cli *c, uint32_t under_way)
{
    if (c->opt[OPT_JSON]) cli_printf(c, "{\"ended\":true,\"under_way\":%" PRIu32 "}\n", under_way);
    else if (!under_way) cli_text(c, CLI_PLAIN, "all is parked; the next owner goes on → pawl serve\n");
    else
        cli_printf(c,
                   "not waiting longer for %" PRIu32
                   " call%s; the next owner finds out what became of %s → pawl serve\n",
                   under_way, under_way == 1 ? "" : "s", under_way == 1 ? "it" : "them");
    cli_flush(c);
}

/* Owned by serve: no other process's place is taken quietly. */
static int open_owner(struct cli *c)
{
    const struct pawl_options o = {.size = sizeof o,
                                   .config = c->opt[OPT_CONFIG],
                                   .store = c->opt[OPT_STORE],
                                   .must_own = true};
    struct pawl_error err;
    const int rc = pawl_open(&o, &c->p, &err);
    if (rc == PAWL_EBUSY) snprintf(err.next, sizeof err.next, "end that process first; pawl ls asks it meanwhile");
    return rc ? cli_error(c, &err) : 0;
}

int cli_serve(struct cli *c)
{
    const struct pawl_config *config;
    struct pawl_server *server;
    struct pawl_error err = {0};
    struct pawl_serve_spec spec = {.host = "127.0.0.1",
                                   .port = 7295,
                                   .drain_ns = 30000000000,
                                   .on_drain = on_drain,
                                   .on_callback = on_callback,
                                   .ctx = c};
    char host[64];
    const char *why = NULL;
    int rc;
    if (c->opt[OPT_LISTEN] && (why = pawl_listen_fault(pawl_str_of(c->opt[OPT_LISTEN]), host, &spec.port)) != NULL)
        return cli_usage(c, "--listen: %.80s %s", c->opt[OPT_LISTEN], why);
    if ((rc = open_owner(c)) != 0) return rc;
    config = pawl_host_config(c->p);
    if (config) spec.drain_ns = config->serve.drain_ns;
    if (c->opt[OPT_LISTEN]) spec.host = host;
    else if (config) spec.host = config->serve.host, spec.port = config->serve.port;
    rc = pawl_serve_open(c->p, &spec, &server, &err);
    if (rc == PAWL_EBUSY)
        snprintf(err.next, sizeof err.next,
                 "pawl serve --listen %s:0 takes any free port; serve: {listen: ...} says another", spec.host);
    if (rc) return cli_error(c, &err);
    pawl_host_watch(c->p, on_commit, c);
    say_began(c, &spec, pawl_serve_port(server));
    rc = pawl_serve_run(server, &err);
    const uint32_t under_way = pawl_host_under_way(c->p);
    pawl_serve_close(server);
    if (!rc) say_ended(c, under_way);
    pawl_close(c->p);
    pawl_serve_free(server);
    c->p = NULL;
    return rc ? cli_error(c, &err) : CLI_DONE;
}
