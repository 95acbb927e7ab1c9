/* src/cli/cli.h - what the subcommands share: one table of commands and options, a handle on the store, a terminal.
 * Private to cli/. Everything a subcommand prints goes through struct cli's buffer, and foreign text through
 * pawl_shown, so that no model, tool or file can write to a terminal. */
#pragma once
#include <stdio.h>
#include "contract/json.h"
#include "journal/store.h"
#include "pawl/pawl.h"

enum { /* exit statuses; they never change */
       CLI_DONE = 0,
       CLI_FAILED = 1,
       CLI_USAGE = 2,
       CLI_WAITING = 3,
       CLI_DOUBT = 4,
       CLI_GUARD = 5,
       CLI_INTERRUPTED = 130
};

enum cli_opt { /* every option of every subcommand */
               OPT_CONFIG,
               OPT_STORE,
               OPT_JSON,
               OPT_KEY,
               OPT_ID,
               OPT_CHAT,
               OPT_INPUT_JSON,
               OPT_END,
               OPT_ALL,
               OPT_AT,
               OPT_DIGEST,
               OPT_REASON,
               OPT_HAPPENED,
               OPT_NOT_HAPPENED,
               OPT_STOP,
               OPT_HEAD,
               OPT_COMPLETION,
               OPT_FROM,
               OPT_WITH,
               OPT_TO,
               OPT_AGENT,
               OPT_ERROR,
               OPT_YES,
               OPT_EDIT,
               OPT_MORE,
               OPT_BY,
               OPT_LISTEN,
               OPT_RUNS,
               OPT_LAST,
               OPT_SWEEP,
               OPT_RESULT,
               OPT_SAY,
               OPT_TAKE_OVER,
               OPT_COUNT
};
struct cli_option {
    const char *name, *value, *what; /* value NULL: a switch */
};
extern const struct cli_option cli_options[OPT_COUNT];

struct cli {
    const struct cli_command *command;
    const char *opt[OPT_COUNT]; /* NULL: not given; a switch: "" */
    char **args;                /* behind the options */
    int count;
    struct pawl *p;
    struct pawl_arena arena;           /* of answers */
    struct pawl_buf out;               /* to stdout by cli_flush */
    bool terminal, colour, person;     /* stdout is a terminal; colours are wanted; somebody can be asked */
    uint32_t width;                    /* of the terminal; 0: no bound */
    bool closed;                       /* stdout takes nothing any more: */
    int closed_errno;                  /* EPIPE: nobody reads */
    char short_of[37], short_name[37]; /* the last id that was made shorter */
};

struct cli_command {
    const char *name, *args, *summary, *example;
    int (*run)(struct cli *c);
    int (*raw)(int argc, char **argv); /* has its own options: mock, sim */
    int min, max;                      /* arguments */
    uint64_t options;                  /* bits 1 << OPT */
};
extern const struct cli_command cli_commands[];
extern const uint32_t cli_commands_count;
/* Of a command with options of its own: these, ending in a nameless one; NULL: it tells them itself. */
const struct cli_option *cli_own(const struct cli_command *k);
void cli_more(const struct cli_command *k, struct pawl_buf *out); /* what its help says behind them */

/* table.c */
int cli_main(int argc, char **argv);
int cli_usage(struct cli *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
int cli_help(struct cli *c);
int cli_version(struct cli *c);

/* call.c: the store. Each returns PAWL_OK or an error that it has printed. */
enum cli_how { CLI_WORK, CLI_READ, CLI_HOLD };
int cli_open(struct cli *c, enum cli_how how);
void cli_close(struct cli *c);
/* Tells it on stderr and, with --json, as a line on stdout; gives the exit status. */
int cli_error(struct cli *c, const struct pawl_error *err);
void cli_json_error(struct cli *c, const struct pawl_error *err);        /* {"error": {…}}, a line */
int cli_ask(struct cli *c, struct pawl_buf *request, yyjson_val **last); /* last: of c->arena */
/* Asks {"do": what} and prints each of the answer's list of that name: as `line` does, with --json as it is. */
int cli_each(struct cli *c, const char *what, void (*line)(struct cli *, yyjson_val *), yyjson_val **last);
/* A request {"do": what, "run": run} that more members may follow; cli_ask closes it. run NULL: none. */
void cli_begin(struct cli *c, struct pawl_buf *b, struct pawl_json_writer *w, const char *what, const char *run);
/* The same for what a person says, with who says it and its id. step 0: none. */
void cli_begin_word(struct cli *c, struct pawl_buf *b, struct pawl_json_writer *w, const char *verb, const char *run,
                    uint32_t step);
/* cmd_answer.c: a person's word was recorded */
void cli_told(struct cli *c, const char *run, const char *what);
void cli_put(struct pawl_json_writer *w, const char *name, const char *value); /* NULL: left out */
/* The id of what is said: said again with the same one, it is done once. given NULL: a new one. */
void cli_put_id(struct pawl_json_writer *w, const char *given);
void cli_run_of(yyjson_val *answer, char out[37]); /* the run that an answer names; "": none */
int cli_status(struct cli *c, int rc);             /* the exit status for an error code */
/* RUN or RUN/STEP: cuts the argument at the slash. step 0: none. false: it was told. */
bool cli_name(struct cli *c, char *arg, uint32_t *step);
/* The shortest prefix of the id that no other run has; 13 characters at least. */
void cli_short(struct cli *c, struct pawl_str id, char out[37]);

/* text.c */
enum cli_colour { CLI_PLAIN, CLI_BOLD, CLI_DIM, CLI_RED, CLI_GREEN, CLI_YELLOW, CLI_CYAN };
void cli_terminal(struct cli *c);
bool cli_flush(struct cli *c);                          /* false: nobody reads */
void cli_colour(struct cli *c, enum cli_colour colour); /* from here on; CLI_PLAIN ends it */
void cli_text(struct cli *c, enum cli_colour colour, const char *text);
void cli_shown(struct cli *c, enum cli_colour colour, struct pawl_str text,
               size_t max_bytes);                    /* foreign, on one line */
void cli_lines(struct cli *c, struct pawl_str text); /* foreign, its line ends kept; ends with one */
void cli_printf(struct cli *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Text of exactly `columns` columns: cut with an ellipsis or filled with blanks. */
void cli_column(struct cli *c, enum cli_colour colour, struct pawl_str text, uint32_t columns);
uint32_t cli_columns(struct pawl_str text);
/* Shown text, from column `at` on; further lines begin at column `indent`. A word longer than a line is broken. */
void cli_wrap(struct cli *c, struct pawl_str text, uint32_t indent, uint32_t at);
void cli_duration(int64_t ns, struct pawl_buf *out);  /* "0.21 s", "3 min 4 s", "2 d 3 h" */
void cli_time(int64_t wall_ns, struct pawl_buf *out); /* local zone; with the date where it is not today */
/* Commands that name a run by its whole id, with the short one in its place. */
void cli_next(struct cli *c, yyjson_val *view);

/* cmd_again.c: NAME=VALUE lines, or one JSON object, as JSON text; NULL: told. */
const char *cli_members(struct cli *c, const char *option, const char *given);
/* step.c: STEP of docs/protocol.md as a line of the table, and in detail */
void cli_pruned(yyjson_val *pruned, struct pawl_buf *out); /* what was left out of the conversation, and why */
void cli_step_line(struct cli *c, yyjson_val *step);
void cli_step_detail(struct cli *c, yyjson_val *step);
void cli_call_exact(struct cli *c, yyjson_val *step); /* the request that waits for a yes, whole */
int64_t cli_wall_ns(void);
const char *cli_user(void); /* who is asked: the name of this user */

/* guard_lines.c: what the guards of a view did before the steps behind `after` up to `step`; one of them in words */
void cli_guard_lines(struct cli *c, yyjson_val *view, int64_t after, int64_t step);
void cli_guard_words(yyjson_val *trip, struct pawl_buf *b);
/* live.c: follow a run to its end or to where it waits for a person, asking at the terminal. Gives the exit status. */
int cli_live(struct cli *c, const char *run, uint64_t after_seq); /* steps that ended up to there are not printed */
/* Asks about every call that waits. 1: all were answered; 0: not all; < 0: an error, told. */
int cli_ask_person(struct cli *c, const char *run, yyjson_val *view, uint32_t only_step);
/* prompt.c. The handle is driven meanwhile. false: end of input, or interrupted */
bool cli_line(struct cli *c, const char *prompt, char *out, size_t size);
int cli_exit_of(yyjson_val *view);
int cli_show_view(struct cli *c, const char *run, int64_t at, yyjson_val **view);
/* The whole id of a run that is named in short, and the seq of its last record; 0, or an exit status: told. */
int cli_head_of(struct cli *c, const char *run, char id[37], uint64_t *seq);
int cli_whole_view(struct cli *c, const char *run, yyjson_val **view); /* with what is struck out elsewhere */

/* the subcommands */
int cli_run(struct cli *c);
int cli_send(struct cli *c);
int cli_signal(struct cli *c);
int cli_resume(struct cli *c);
int cli_follow(struct cli *c);
int cli_show(struct cli *c);
int cli_explain(struct cli *c);
int cli_ls(struct cli *c);
int cli_approve(struct cli *c);
int cli_deny(struct cli *c);
int cli_resolve(struct cli *c);
int cli_cancel(struct cli *c);
int cli_init(struct cli *c);
int cli_check(struct cli *c);
int cli_verify(struct cli *c);
int cli_breaker(struct cli *c);
int cli_schedule(struct cli *c);
/* ", by the schedule nightly for 2026-11-23T06:00Z", of a view; nothing where no schedule began it */
void cli_schedule_words(yyjson_val *view, struct pawl_buf *out);
const char *cli_left_out(struct pawl_str why); /* cmd_schedule.c: why a time began nothing, in words */
int cli_budget(struct cli *c);
/* Those of a day and of no day, NULL: all. How many; -1: it was told why not. cmd_budget.c */
int cli_budgets(struct cli *c, const char *only);
int cli_dlq(struct cli *c);
int cli_retry(struct cli *c);
int cli_undo(struct cli *c);
int cli_sql(struct cli *c);
int cli_backtest(struct cli *c);
int cli_answer(struct cli *c);
int cli_serve(struct cli *c);
