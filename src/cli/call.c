/* src/cli/call.c - a subcommand's way to the store: opening it, asking, telling what went wrong. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"
#include "contract/shown.h"
#include "io/alloc.h"

static struct pawl *volatile interrupted_handle;
static volatile sig_atomic_t interrupts;

static void say(const char *text)
{
    const ssize_t n = write(STDERR_FILENO, text, strlen(text));
    (void)n;
}

/* Once: what is under way is finished and the run is parked. Twice, or once all is being closed: now, which is as safe as
 * a crash. */
static void on_signal(int number)
{
    struct pawl *p = interrupted_handle;
    (void)number;
    if (++interrupts > 1 || !p) {
        say("\nstopped; nothing that was acknowledged is lost\n→ pawl ls, pawl resume RUN\n");
        _exit(CLI_INTERRUPTED);
    }
    if (pawl_owns(p)) say("\nfinishing what is under way, then parking; once more stops now\n");
    pawl_interrupt(p, true);
}

static void catch_signals(struct cli *c)
{
    struct sigaction a = {.sa_handler = on_signal}; /* no SA_RESTART: a question at the terminal ends too */
    sigemptyset(&a.sa_mask);
    interrupted_handle = c->p;
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
}

static void on_patience(int number)
{
    (void)number;
    say("waiting for calls of other runs that are on their way; Ctrl-C stops now\n");
}

/* LEDGER 17: what other processes' runs have sent is awaited to its end or its timeout; whoever waits for the store goes on. */
static void let_others_finish(struct cli *c)
{
    struct sigaction a = {.sa_handler = on_patience, .sa_flags = SA_RESTART};
    if (!c->p || !pawl_owns(c->p) || interrupts) return;
    sigemptyset(&a.sa_mask);
    sigaction(SIGALRM, &a, NULL);
    alarm(1);
    pawl_interrupt(c->p, true);
    pawl_turn(c->p, -1, NULL);
    alarm(0);
}

void cli_close(struct cli *c)
{
    let_others_finish(c);
    interrupted_handle = NULL;
    pawl_close(c->p);
    c->p = NULL;
}

int cli_open(struct cli *c, enum cli_how how)
{
    const struct pawl_options o = {.size = sizeof o,
                                   .config = c->opt[OPT_CONFIG],
                                   .store = c->opt[OPT_STORE],
                                   .hold = how == CLI_HOLD,
                                   .only_read = how == CLI_READ,
                                   .late_config = c->command->run != cli_run};
    struct pawl_error err;
    const int rc = pawl_open(&o, &c->p, &err);
    if (rc) return cli_error(c, &err);
    if (how == CLI_WORK || c->command->run == cli_follow) catch_signals(c);
    return 0;
}

void cli_run_of(yyjson_val *answer, char out[37])
{
    const struct pawl_str id = pawl_json_str(answer, "run");
    snprintf(out, 37, "%.*s", (int)id.n, id.p ? id.p : "");
}

int cli_status(struct cli *c, int rc)
{
    (void)c;
    if (rc == PAWL_OK) return CLI_DONE;
    if (rc == PAWL_ECANCELLED) return CLI_INTERRUPTED;
    return rc == PAWL_EINVAL || rc == PAWL_ECONFIG ? CLI_USAGE : CLI_FAILED;
}

static void part(const char *before, const char *text)
{
    struct pawl_buf b;
    if (!text[0]) return;
    pawl_buf_init(&b, pawl_alloc_libc());
    pawl_shown(pawl_str_of(text), 600, &b);
    if (pawl_buf_done(&b).p) fprintf(stderr, "%s%s\n", before, b.p);
    pawl_buf_fini(&b);
}

void cli_json_error(struct cli *c, const struct pawl_error *err)
{
    struct pawl_json_writer w = {.out = &c->out};
    pawl_jw_open(&w, '{');
    pawl_jw_put_error(&w, "error", err->code, err);
    pawl_jw_close(&w, '}');
    pawl_buf_char(&c->out, '\n');
}

int cli_error(struct cli *c, const struct pawl_error *err)
{
    if (c->opt[OPT_JSON]) cli_json_error(c, err);
    cli_flush(c); /* what was said before comes first */
    part("pawl: ", err->what[0] ? err->what : pawl_code_name(err->code));
    part("  at ", err->where);
    part("→ ", err->next);
    return cli_status(c, err->code);
}

void cli_begin(struct cli *c, struct pawl_buf *b, struct pawl_json_writer *w, const char *what, const char *run)
{
    pawl_buf_init_arena(b, &c->arena);
    *w = (struct pawl_json_writer){.out = b};
    pawl_jw_open(w, '{');
    cli_put(w, "do", what);
    cli_put(w, "run", run);
}

void cli_put(struct pawl_json_writer *w, const char *name, const char *value)
{
    if (!value) return;
    pawl_jw_key(w, name);
    pawl_jw_text(w, value);
}

void cli_put_id(struct pawl_json_writer *w, const char *given)
{
    char made[64];
    snprintf(made, sizeof made, "cli-%lld-%ld", (long long)cli_wall_ns(), (long)getpid());
    cli_put(w, "id", given ? given : made);
}

struct last {
    struct cli *c;
    yyjson_val *value;
};

static int take_line(void *ctx, const char *json, size_t bytes)
{
    struct last *l = ctx;
    const struct pawl_str text = {json, (uint32_t)bytes};
    yyjson_val *v;
    if (pawl_json_read(text, &l->c->arena, &v, NULL) == PAWL_OK) l->value = v;
    return 0;
}

int cli_ask(struct cli *c, struct pawl_buf *request, yyjson_val **last)
{
    struct last l = {c, NULL};
    struct pawl_error err = {0};
    struct pawl_str text;
    int rc;
    pawl_buf_char(request, '}');
    text = pawl_buf_done(request);
    if (!text.p) return pawl_fail(&err, PAWL_ENOMEM, "", "", "no memory"), cli_error(c, &err), PAWL_ENOMEM;
    rc = pawl_call(c->p, text.p, take_line, &l, &err);
    if (last) *last = l.value;
    if (rc) cli_error(c, &err);
    return rc;
}

int cli_each(struct cli *c, const char *what, void (*line)(struct cli *, yyjson_val *), yyjson_val **last)
{
    struct pawl_buf b;
    struct pawl_json_writer w;
    yyjson_val *all, *one;
    size_t i, n;
    int rc;
    cli_begin(c, &b, &w, what, NULL);
    if ((rc = cli_ask(c, &b, last)) != 0) return rc;
    all = yyjson_obj_get(*last, what);
    yyjson_arr_foreach(all, i, n, one)
    {
        if (c->opt[OPT_JSON]) pawl_json_write(one, &c->out), pawl_buf_char(&c->out, '\n');
        else line(c, one);
    }
    return 0;
}

bool cli_name(struct cli *c, char *arg, uint32_t *step)
{
    char *slash = strrchr(arg, '/'), *end = NULL;
    unsigned long n;
    *step = 0;
    if (!slash) return true;
    n = strtoul(slash + 1, &end, 10);
    if (!n || n > UINT32_MAX || *end) {
        cli_usage(c, "expected RUN/STEP with a step's number, found %s", arg);
        return false;
    }
    *slash = 0;
    *step = (uint32_t)n;
    return true;
}

/* The longest beginning that this id has in common with another, and one more. */
static uint32_t telling(yyjson_val *runs, struct pawl_str id)
{
    uint32_t keep = 13;
    yyjson_val *head;
    size_t i, n;
    yyjson_arr_foreach(runs, i, n, head)
    {
        const struct pawl_str other = pawl_json_str(head, "run");
        uint32_t same = 0;
        if (other.n != 36 || memcmp(other.p, id.p, 36) == 0) continue;
        while (same < 36 && other.p[same] == id.p[same]) same++;
        if (same + 1 > keep) keep = same + 1;
    }
    return keep;
}

void cli_short(struct cli *c, struct pawl_str id, char out[37])
{
    struct pawl_buf b;
    struct pawl_json_writer w;
    struct last l = {c, NULL};
    uint32_t keep;
    snprintf(out, 37, "%.*s", (int)(id.n < 36 ? id.n : 36), id.p);
    if (id.n != 36) return;
    if (strcmp(c->short_of, out) != 0) {
        cli_begin(c, &b, &w, "list", NULL);
        pawl_jw_key(&w, "prefix");
        pawl_jw_str(&w, (struct pawl_str){id.p, 13});
        pawl_jw_close(&w, '}');
        if (!pawl_buf_done(&b).p || pawl_call(c->p, b.p, take_line, &l, NULL)) return;
        memcpy(c->short_of, out, sizeof c->short_of);
        memcpy(c->short_name, out, sizeof c->short_name);
        keep = telling(yyjson_obj_get(l.value, "runs"), id);
        if (keep < 36) c->short_name[keep] = 0;
    }
    memcpy(out, c->short_name, 37);
}
