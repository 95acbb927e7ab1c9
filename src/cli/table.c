/* src/cli/table.c - the one table of subcommands and options. Help, usage errors and the shells' completions come from it. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/bench_cmd.h"
#include "cli/cli.h"
#include "cli/completion.h"
#include "cli/mock.h"
#include "cli/sim_cmd.h"
#include "contract/config_read.h"
#include "io/alloc.h"

const struct cli_option cli_options[OPT_COUNT] = {
    [OPT_CONFIG] = {"config", "FILE", "the configuration (default: pawl.yaml here)"},
    [OPT_STORE] = {"store", "STORE", "sqlite:PATH (default: what the configuration says, else pawl.db beside it)"},
    [OPT_JSON] = {"json", NULL, "JSON, one object a line"},
    [OPT_ID] = {"id", "ID", "what is said again with the same ID is done once"},
    [OPT_KEY] = {"key", "KEY", "the same key again is the same run, or the same signal"},
    [OPT_CHAT] = {"chat", NULL, "wait for the next message in place of ending"},
    [OPT_INPUT_JSON] = {"input-json", NULL, "INPUT is JSON"},
    [OPT_END] = {"end", NULL, "end the conversation with the next answer"},
    [OPT_ALL] = {"all", NULL, "all of them"},
    [OPT_AT] = {"at", "SEQ", "as it was at that record"},
    [OPT_DIGEST] = {"digest", "D", "of the call that was shown: asked.digest of pawl show --json"},
    [OPT_REASON] = {"reason", "TEXT", "recorded with it; the agent is told"},
    [OPT_HAPPENED] = {"happened", "RESULT", "it happened; RESULT is its answer as JSON, or null"},
    [OPT_NOT_HAPPENED] = {"not-happened", NULL, "it did not happen: it is sent again"},
    [OPT_STOP] = {"stop", NULL, "nobody can tell: end the run here"},
    [OPT_HEAD] = {"head", "HASH", "of the run as it once was, written down elsewhere: is it still part of the chain?"},
    [OPT_COMPLETION] = {"completion", "WHAT",
                        "print the completions for bash, zsh or fish; man prints the manual page"},
    [OPT_FROM] = {"from", "STEP", "the call that failed, or the model's step that is to be asked anew"},
    [OPT_WITH] = {"with", "NAME=VALUE", "in place of that argument; VALUE is JSON, else text. May be said again"},
    [OPT_TO] = {"to", "STEP", "this step and those before it stay as they are"},
    [OPT_AGENT] = {"agent", "NAME", "only runs of this agent"},
    [OPT_ERROR] = {"error", "CLASS", "only those that failed so: unavailable, timeout, crashed_its_owner, …"},
    [OPT_EDIT] = {"edit", "NAME=VALUE",
                  "send it with that argument changed; VALUE is JSON, else text. May be said again"},
    [OPT_MORE] = {"more", "AMOUNT", "of what a budget is short of: '0.50 USD', 100k tokens or 20 steps as 100k or 20"},
    [OPT_BY] = {"by", "NAME", "who says it (default: your user name)"},
    [OPT_LISTEN] = {"listen", "HOST:PORT",
                    "where (default: what the configuration says, else 127.0.0.1:7295; port 0: any)"},
    [OPT_RUNS] = {"runs", "FOLDER", "recorded runs of others: FOLDER/*.jsonl, FOLDER/contracts/*.json"},
    [OPT_LAST] = {"last", "TIME", "only runs that began within it, such as 30d"},
    [OPT_SWEEP] = {"sweep", NULL, "each rule at several limits, with each answer, to choose by"},
    [OPT_RESULT] = {"result", "RESULT", "answer as the tool: it is not called, RESULT (JSON) is what it said"},
    [OPT_SAY] = {"say", "TEXT", "answer as the model: TEXT is the run's next word to the user"},
    [OPT_TAKE_OVER] = {"take-over", NULL, "the run ends here, as it is; you do the rest"},
    [OPT_YES] = {"yes", NULL, "do it; without it they are only listed"},
};

#define BIT(o) (UINT64_C(1) << (o))
#define STORE_BITS (BIT(OPT_CONFIG) | BIT(OPT_STORE))
const struct cli_command cli_commands[] = {
    {"init", "", "write a starter pawl.yaml into this folder", "pawl init", cli_init, NULL, 0, 0,
     BIT(OPT_CONFIG) | BIT(OPT_JSON)},
    {"check", "[FILE]", "all errors of a configuration, and what each tool's contract means", "pawl check pawl.yaml",
     cli_check, NULL, 0, 1, BIT(OPT_CONFIG) | BIT(OPT_JSON)},
    {"run", "AGENT INPUT", "start an agent and watch it; INPUT - is standard input",
     "pawl run refunds 'Order #W0000007 arrived broken'", cli_run, NULL, 2, 2,
     STORE_BITS | BIT(OPT_ID) | BIT(OPT_KEY) | BIT(OPT_CHAT) | BIT(OPT_INPUT_JSON) | BIT(OPT_JSON)},
    {"send", "RUN [TEXT]", "give a run the user's next message", "pawl send @last 'It was the blue one'", cli_send,
     NULL, 1, 2, STORE_BITS | BIT(OPT_END) | BIT(OPT_ID) | BIT(OPT_JSON)},
    {"signal", "RUN NAME [JSON]", "give a run the signal that it waits for; one that comes early is kept",
     "pawl signal @last paid '{\"amount\": 7}' --key evt_1", cli_signal, NULL, 2, 3,
     STORE_BITS | BIT(OPT_KEY) | BIT(OPT_BY) | BIT(OPT_ID) | BIT(OPT_JSON)},
    {"ls", "", "list runs: what needs a person first", "pawl ls", cli_ls, NULL, 0, 0,
     STORE_BITS | BIT(OPT_ALL) | BIT(OPT_JSON)},
    {"show", "RUN", "what happened in a run, step by step, and what can be done", "pawl show @last", cli_show, NULL, 1,
     1, STORE_BITS | BIT(OPT_AT) | BIT(OPT_JSON)},
    {"explain", "RUN[/STEP]", "why a run is where it is: which stage decided what", "pawl explain @last", cli_explain,
     NULL, 1, 1, STORE_BITS | BIT(OPT_JSON)},
    {"resume", "[RUN]", "go on with a run, or with all that can", "pawl resume --all", cli_resume, NULL, 0, 1,
     STORE_BITS | BIT(OPT_ALL) | BIT(OPT_JSON)},
    {"approve", "RUN[/STEP]", "say yes to the call that waits", "pawl approve @last", cli_approve, NULL, 1, 1,
     STORE_BITS | BIT(OPT_DIGEST) | BIT(OPT_EDIT) | BIT(OPT_MORE) | BIT(OPT_REASON) | BIT(OPT_BY) | BIT(OPT_ID) |
         BIT(OPT_JSON)},
    {"deny", "RUN[/STEP]", "say no to the call that waits", "pawl deny @last --reason 'ask for a photo first'",
     cli_deny, NULL, 1, 1, STORE_BITS | BIT(OPT_DIGEST) | BIT(OPT_REASON) | BIT(OPT_BY) | BIT(OPT_ID) | BIT(OPT_JSON)},
    {"answer", "RUN[/STEP]",
     "all that a person needs to take a run up; or answer as its tool, as its model, or take it over",
     "pawl answer @last --result '{\"status\": \"sent\"}'", cli_answer, NULL, 1, 1,
     STORE_BITS | BIT(OPT_RESULT) | BIT(OPT_SAY) | BIT(OPT_TAKE_OVER) | BIT(OPT_DIGEST) | BIT(OPT_REASON) |
         BIT(OPT_BY) | BIT(OPT_ID) | BIT(OPT_JSON)},
    {"resolve", "RUN[/STEP]", "say what became of a call that is in doubt",
     "pawl resolve @last --happened '{\"id\":\"r_7\"}'", cli_resolve, NULL, 1, 1,
     STORE_BITS | BIT(OPT_HAPPENED) | BIT(OPT_NOT_HAPPENED) | BIT(OPT_STOP) | BIT(OPT_REASON) | BIT(OPT_ID) |
         BIT(OPT_JSON)},
    {"cancel", "RUN", "stop a run; what can be undone is undone", "pawl cancel @last --reason 'wrong customer'",
     cli_cancel, NULL, 1, 1, STORE_BITS | BIT(OPT_REASON) | BIT(OPT_ID) | BIT(OPT_JSON)},
    {"dlq", "", "dead letters: runs that failed, why, what of them happened, what can be done", "pawl dlq", cli_dlq,
     NULL, 0, 0, STORE_BITS | BIT(OPT_AGENT) | BIT(OPT_ERROR) | BIT(OPT_JSON)},
    {"retry", "[RUN]", "go on with a run that failed, from where it stopped; what happened is not done again",
     "pawl retry @last --from 5 --with amount=10", cli_retry, NULL, 0, 1,
     STORE_BITS | BIT(OPT_FROM) | BIT(OPT_WITH) | BIT(OPT_REASON) | BIT(OPT_ALL) | BIT(OPT_AGENT) | BIT(OPT_ERROR) |
         BIT(OPT_YES) | BIT(OPT_ID) | BIT(OPT_JSON)},
    {"undo", "RUN", "undo what a run that has ended did, the last step first", "pawl undo @last --to 4", cli_undo, NULL,
     1, 1, STORE_BITS | BIT(OPT_TO) | BIT(OPT_REASON) | BIT(OPT_ID) | BIT(OPT_JSON)},
    {"follow", "RUN", "watch a run from its first step on", "pawl follow @last", cli_follow, NULL, 1, 1,
     STORE_BITS | BIT(OPT_JSON)},
    {"verify", "[RUN]", "check the hash chain of a run, or of all", "pawl verify", cli_verify, NULL, 0, 1,
     STORE_BITS | BIT(OPT_HEAD) | BIT(OPT_JSON)},
    {"sql", "SELECT", "ask the store in SQL; it only reads", "pawl sql 'SELECT run, agent, status FROM runs'", cli_sql,
     NULL, 1, 1, STORE_BITS | BIT(OPT_JSON)},
    {"budget", "", "what agents and days have spent, of how much", "pawl budget", cli_budget, NULL, 0, 0,
     STORE_BITS | BIT(OPT_JSON)},
    {"breaker", "[NAME open|closed|auto]",
     "what is left alone because it fails; or switch a tool or a model off and on", "pawl breaker refund open",
     cli_breaker, NULL, 0, 2, STORE_BITS | BIT(OPT_JSON)},
    {"schedule", "[ls|pause|resume|trigger] [NAME]",
     "what begins by the clock: when next, how the last run stands; pause one, let it go on, begin one now",
     "pawl schedule trigger nightly", cli_schedule, NULL, 0, 2, STORE_BITS | BIT(OPT_ID) | BIT(OPT_JSON)},
    {"backtest", "[CONFIG]", "what guards would have done to runs that have ended",
     "pawl backtest pawl.yaml --last 30d", cli_backtest, NULL, 0, 1,
     STORE_BITS | BIT(OPT_AGENT) | BIT(OPT_RUNS) | BIT(OPT_LAST) | BIT(OPT_SWEEP) | BIT(OPT_JSON)},
    {"serve", "", "own the store for good: run what there is to run, wake what is due, answer the other commands",
     "pawl serve", cli_serve, NULL, 0, 0, STORE_BITS | BIT(OPT_LISTEN) | BIT(OPT_JSON)},
    {"mock", "[OPTIONS]", "a model and services that misbehave as asked, with a ledger of what they did",
     "pawl mock --ledger shop.ledger --fault 'POST /refunds#1=hang_after'", NULL, pawl_cmd_mock, 0, 0, 0},
    {"sim", "[OPTIONS]", "run the whole engine on simulated time, with faults, from seeds", "pawl sim --seeds 1000",
     NULL, pawl_cmd_sim, 0, 0, 0},
    {"bench", "[OPTIONS]", "how fast it is here, beside what the machine can do", "pawl bench --only many,lone", NULL,
     pawl_cmd_bench, 0, 0, 0},
    {"help", "[COMMAND]", "this list, or one command's options", "pawl help run", cli_help, NULL, 0, 1,
     BIT(OPT_COMPLETION)},
    {"version", "", "which pawl this is", "pawl version", cli_version, NULL, 0, 0, BIT(OPT_JSON)},
};
const uint32_t cli_commands_count = sizeof cli_commands / sizeof *cli_commands;

const struct cli_option *cli_own(const struct cli_command *k)
{
    return k->raw == pawl_cmd_mock ? pawl_mock_options : NULL;
}

void cli_more(const struct cli_command *k, struct pawl_buf *out)
{
    if (k->raw == pawl_cmd_mock) pawl_mock_help(out);
}

static const struct cli_command *find(const char *name)
{
    for (uint32_t i = 0; i < cli_commands_count; i++)
        if (strcmp(cli_commands[i].name, name) == 0) return &cli_commands[i];
    return NULL;
}

/* On stderr; what was typed may hold anything. */
static int usage(struct cli *c, const char *what, const char *next)
{
    struct pawl_error err;
    pawl_fail(&err, PAWL_EINVAL, "", next, "%s", what);
    cli_error(c, &err);
    return CLI_USAGE;
}

static int unknown(struct cli *c, const char *name)
{
    struct pawl_near near = {.name = pawl_str_of(name)};
    char what[128], next[64] = "pawl help";
    for (uint32_t i = 0; i < cli_commands_count; i++) pawl_near_try(&near, pawl_str_of(cli_commands[i].name));
    snprintf(what, sizeof what, "there is no command %.60s", name);
    if (near.best.p) snprintf(next, sizeof next, "pawl %s", near.best.p);
    return usage(c, what, next);
}

static int no_option(struct cli *c, const char *given)
{
    const char *name = given + strspn(given, "-");
    struct pawl_near near = {.name = {name, (uint32_t)strcspn(name, "=")}};
    char what[256];
    for (int o = 0; o < OPT_COUNT; o++)
        if (c->command->options & BIT(o)) pawl_near_try(&near, pawl_str_of(cli_options[o].name));
    snprintf(what, sizeof what, "pawl %s has no option %.80s%s%s%s", c->command->name, given,
             near.best.p ? "; did you mean --" : "", near.best.p ? near.best.p : "", near.best.p ? "?" : "");
    return cli_usage(c, "%s", what);
}

int cli_usage(struct cli *c, const char *format, ...)
{
    char what[512], next[64];
    va_list ap;
    va_start(ap, format);
    vsnprintf(what, sizeof what, format, ap);
    va_end(ap);
    snprintf(next, sizeof next, "pawl %s -h", c->command->name);
    return usage(c, what, next);
}

/* What is typed, and what it does: beside it, or below where there is no room. */
static void two_columns(struct cli *c, const char *left, const char *right)
{
    const bool below = (c->width && c->width < 60) || strlen(left) > 20;
    const uint32_t column = c->width && c->width < 60 ? 6 : 23;
    cli_printf(c, "  %-20s%s", left, below ? "\n" : " ");
    for (uint32_t i = 0; below && i < column; i++) pawl_buf_char(&c->out, ' ');
    cli_wrap(c, pawl_str_of(right), column, column);
    cli_text(c, CLI_PLAIN, "\n");
}

static void help_command(struct cli *c, const struct cli_command *k)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, &c->arena);
    pawl_buf_printf(&b, "pawl %s%s%s%s: %s", k->name, *k->args ? " " : "", k->args, k->options ? " [OPTIONS]" : "",
                    k->summary);
    cli_wrap(c, pawl_buf_done(&b), 2, 0);
    cli_text(c, CLI_PLAIN, "\n\n");
    for (int o = 0; o < OPT_COUNT; o++) {
        char left[64];
        if (!(k->options & BIT(o))) continue;
        snprintf(left, sizeof left, "--%s%s%s", cli_options[o].name, cli_options[o].value ? " " : "",
                 cli_options[o].value ? cli_options[o].value : "");
        two_columns(c, left, cli_options[o].what);
    }
    for (const struct cli_option *o = cli_own(k); o && o->name; o++) {
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
        cli_printf(c, "  %-28s %s\n", left, o->what);
    }
    cli_more(k, &c->out);
    cli_printf(c, "%sexample: %s\n", k->options || cli_own(k) ? "\n" : "", k->example);
}

int cli_help(struct cli *c)
{
    static const char *const tail[] = {
        "RUN is any unique beginning of a run's id, or @last. Each command has -h.",
        "Exit status: 0 done, 1 failed, 2 usage, 3 waits for a person, 4 in doubt, 5 stopped by a limit, 130 interrupted and "
        "safe to resume."};
    const struct cli_command *k = c->count ? find(c->args[0]) : NULL;
    if (c->opt[OPT_COMPLETION]) {
        if (cli_completion(c->opt[OPT_COMPLETION], &c->out))
            return cli_usage(c, "completions are for bash, zsh, fish and man");
    } else if (c->count && !k) {
        return unknown(c, c->args[0]);
    } else if (k) {
        help_command(c, k);
    } else {
        cli_text(c, CLI_PLAIN, "pawl runs agents so that being killed anywhere does not matter.\n\n");
        for (uint32_t i = 0; i < cli_commands_count; i++) {
            if (!cli_commands[i].run && !cli_commands[i].raw) continue;
            char left[64];
            snprintf(left, sizeof left, "%s %s", cli_commands[i].name, cli_commands[i].args);
            two_columns(c, left, cli_commands[i].summary);
        }
        cli_text(c, CLI_PLAIN, "\n");
        for (size_t i = 0; i < sizeof tail / sizeof *tail; i++) {
            cli_wrap(c, pawl_str_of(tail[i]), 0, 0);
            cli_text(c, CLI_PLAIN, "\n");
        }
    }
    cli_flush(c);
    return CLI_DONE;
}

int cli_version(struct cli *c)
{
    if (c->opt[OPT_JSON]) cli_printf(c, "{\"version\":\"%s\"}\n", pawl_version());
    else cli_printf(c, "pawl %s\n", pawl_version());
    cli_flush(c);
    return CLI_DONE;
}

/* An option that may be said several times: its values, a line each. */
static const char *joined(struct cli *c, const char *before, const char *value)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, &c->arena);
    pawl_buf_printf(&b, "%s\n%s", before, value);
    return pawl_buf_done(&b).p ? b.p : before;
}

/* getopt_long over the options of this command alone. < 0: go on; else the exit status. */
static int parse(struct cli *c, int argc, char **argv)
{
    struct option longs[OPT_COUNT + 2];
    int n = 0, got;
    for (int o = 0; o < OPT_COUNT; o++)
        if (c->command->options & BIT(o))
            longs[n++] = (struct option){cli_options[o].name, cli_options[o].value ? required_argument : no_argument,
                                         NULL, o + 256};
    longs[n++] = (struct option){"help", no_argument, NULL, 'h'};
    longs[n] = (struct option){NULL, 0, NULL, 0};
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) /* so that errors before it are JSON, too */
        if (strcmp(argv[i], "--json") == 0 && c->command->options & BIT(OPT_JSON)) c->opt[OPT_JSON] = "";
    opterr = 0;
    optind = 1;
    while ((got = getopt_long(argc, argv, ":h", longs, NULL)) != -1) {
        if (got == 'h') {
            help_command(c, c->command);
            cli_flush(c);
            return CLI_DONE;
        }
        if (got == ':') return cli_usage(c, "%s needs a value", argv[optind - 1]);
        if (got == '?' && optopt >= 256) return cli_usage(c, "--%s takes no value", cli_options[optopt - 256].name);
        if (got < 256) return no_option(c, optopt ? (char[]){'-', (char)optopt, 0} : argv[optind - 1]);
        const int o = got - 256;
        const bool more = (o == OPT_WITH || o == OPT_EDIT) && c->opt[o];
        c->opt[o] = more ? joined(c, c->opt[o], optarg) : optarg ? optarg : "";
    }
    if (c->opt[OPT_ID] && !c->opt[OPT_ID][0]) return cli_usage(c, "--id is empty");
    c->args = argv + optind;
    c->count = argc - optind;
    if (c->count < c->command->min) return cli_usage(c, "pawl %s needs %s", c->command->name, c->command->args);
    if (c->count > c->command->max)
        return cli_usage(c, "too much: %.80s (put a text of several words in quotes)", c->args[c->command->max]);
    return -1;
}

/* Commands with options of their own. `sim` has no -h: its usage goes behind ours. */
static int own_options(struct cli *c, int argc, char **argv)
{
    bool help = false;
    int status = CLI_DONE;
    for (int i = 1; i < argc && (cli_own(c->command) || (i == 1 && c->command->raw == pawl_cmd_sim)); i++)
        help = help || strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0;
    if (help) help_command(c, c->command);
    cli_flush(c);
    if (!help || !cli_own(c->command)) status = c->command->raw(argc, argv);
    pawl_buf_fini(&c->out);
    pawl_arena_fini(&c->arena);
    return help ? CLI_DONE : status;
}

/* What the parent left closed would be given to the next file that is opened, the store perhaps, and printed into. */
static void open_standard_files(void)
{
    int fd;
    do fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO) close(fd);
}

/* What could not be printed is no success, but for a reader that has read enough. */
static int printed(struct cli *c, int status)
{
    if (!c->closed || c->closed_errno == EPIPE || status != CLI_DONE) return status;
    fprintf(stderr, "pawl: standard output: %s\n", strerror(c->closed_errno));
    return CLI_FAILED;
}

int cli_main(int argc, char **argv)
{
    struct cli c = {0};
    const char *name = argc > 1 ? argv[1] : "help";
    int status;
    pawl_alloc_process();
    open_standard_files();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit on the size of files is an error of the store, not the end */
    signal(SIGCHLD, SIG_DFL); /* ignored by the parent, it would take the ends of our commands from us */
    if (strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0) name = "help";
    if (strcmp(name, "-V") == 0 || strcmp(name, "--version") == 0) name = "version";
    pawl_arena_init(&c.arena, pawl_alloc_libc());
    pawl_buf_init(&c.out, pawl_alloc_libc());
    cli_terminal(&c);
    c.command = find(name);
    if (c.command && c.command->raw) return own_options(&c, argc - 1, argv + 1);
    status = c.command ? parse(&c, argc > 1 ? argc - 1 : 1, argc > 1 ? argv + 1 : argv) : unknown(&c, name);
    if (status < 0) status = c.command->run(&c);
    cli_flush(&c);
    cli_close(&c);
    pawl_buf_fini(&c.out);
    pawl_arena_fini(&c.arena);
    return printed(&c, status);
}
