/* src/cli/cmd_show.c - show: what happened in a run, and what can be done. */
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"
#include "contract/shown.h"

static void title(struct cli *c, yyjson_val *view)
{
    const int64_t created = pawl_json_i64(view, "created_ns", 0), ended = pawl_json_i64(view, "ended_ns", 0);
    const int64_t lives = pawl_json_i64(view, "lives", 1);
    yyjson_val *input = yyjson_obj_get(view, "input");
    struct pawl_buf b;
    uint32_t at = 8; /* "run ", and two blanks twice */
    char name[37];
    cli_short(c, pawl_json_str(view, "run"), name);
    cli_printf(c, "run %s  ", name);
    cli_shown(c, CLI_BOLD, pawl_json_str(view, "agent"), 60);
    at += cli_columns(pawl_str_of(name)) + cli_columns(pawl_json_str(view, "agent"));
    pawl_buf_init_arena(&b, &c->arena);
    if (pawl_json_str(view, "key").p) {
        pawl_buf_text(&b, "key ");
        pawl_shown(pawl_json_str(view, "key"), 60, &b);
        pawl_buf_text(&b, ", ");
    }
    pawl_buf_text(&b, "began ");
    cli_time(created, &b);
    cli_schedule_words(view, &b);
    pawl_buf_text(&b, ended ? ", took " : ", open for ");
    cli_duration((ended ? ended : cli_wall_ns()) - created, &b);
    if (lives > 1)
        pawl_buf_printf(&b, ", %lld lives", (long long)lives); /* a process that ran it ended in the middle */
    cli_text(c, CLI_PLAIN, "  ");
    cli_colour(c, CLI_DIM);
    cli_wrap(c, pawl_buf_done(&b), 4, at);
    cli_colour(c, CLI_PLAIN);
    cli_text(c, CLI_PLAIN, "\n");
    pawl_buf_init_arena(&b, &c->arena);
    if (!yyjson_is_str(input)) pawl_json_write(input, &b);
    cli_text(c, CLI_DIM, "“");
    cli_shown(c, CLI_DIM, yyjson_is_str(input) ? pawl_json_value_str(input) : pawl_buf_done(&b), 300);
    cli_text(c, CLI_DIM, "”\n\n");
}

static void budget(struct cli *c, yyjson_val *view)
{
    const struct pawl_str says = pawl_json_str(yyjson_obj_get(view, "budget"), "says");
    struct pawl_buf b;
    if (!says.n) return;
    pawl_buf_init_arena(&b, &c->arena);
    pawl_shown(says, 300, &b);
    cli_colour(c, CLI_DIM);
    cli_wrap(c, pawl_buf_done(&b), 4, 0);
    cli_colour(c, CLI_PLAIN);
    cli_text(c, CLI_PLAIN, "\n\n");
}

static void turn_before(struct cli *c, yyjson_val *view, int64_t step)
{
    yyjson_val *turn;
    size_t i, n;
    yyjson_arr_foreach(yyjson_obj_get(view, "turns"), i, n, turn)
    {
        if (i == 0 || pawl_json_i64(turn, "before_step", 0) != step) continue;
        cli_text(c, CLI_DIM, "     you   “");
        cli_shown(c, CLI_DIM, pawl_json_str(turn, "text"), 300);
        cli_text(c, CLI_DIM, "”\n");
    }
}

/* Between the steps: how the conversation is told from there on. */
static void pruned_before(struct cli *c, yyjson_val *view, int64_t step)
{
    yyjson_val *pruned;
    struct pawl_buf b;
    size_t i, n;
    yyjson_arr_foreach(yyjson_obj_get(view, "pruned"), i, n, pruned)
    {
        if (pawl_json_i64(pruned, "before_step", 0) != step) continue;
        pawl_buf_init_arena(&b, &c->arena);
        cli_pruned(pruned, &b);
        cli_text(c, CLI_DIM, "     pawl  ");
        cli_colour(c, CLI_DIM);
        cli_wrap(c, pawl_buf_done(&b), 11, 11);
        cli_colour(c, CLI_PLAIN);
        cli_text(c, CLI_PLAIN, "\n");
    }
}

static void details(struct cli *c, yyjson_val *view)
{
    yyjson_val *step, *not_undone = yyjson_obj_get(view, "not_undone"), *v;
    size_t i, n;
    cli_text(c, CLI_PLAIN, "\n");
    yyjson_arr_foreach(yyjson_obj_get(view, "steps"), i, n, step) cli_step_detail(c, step);
    if (yyjson_arr_size(not_undone)) {
        cli_text(c, CLI_YELLOW, "\nhappened, and was not undone: ");
        yyjson_arr_foreach(not_undone, i, n, v)
            cli_printf(c, "%sstep %lld", i ? ", " : "", (long long)yyjson_get_sint(v));
        cli_text(c, CLI_PLAIN, "\n");
    }
}

/* RUN/STEP: one step alone. */
static int show_step(struct cli *c, yyjson_val *view, uint32_t number)
{
    yyjson_val *steps = yyjson_obj_get(view, "steps"), *step = yyjson_arr_get(steps, number - 1);
    struct pawl_error err;
    if (!step) {
        pawl_fail(&err, PAWL_ENOTFOUND, "", "", "the run has no step %u: there are %zu", number,
                  yyjson_arr_size(steps));
        snprintf(err.next, sizeof err.next, "pawl show %.80s", c->args[0]);
        return cli_error(c, &err);
    }
    if (c->opt[OPT_JSON]) {
        pawl_json_write(step, &c->out);
        pawl_buf_char(&c->out, '\n');
    } else {
        cli_step_line(c, step);
        cli_text(c, CLI_PLAIN, "\n");
        cli_step_detail(c, step);
    }
    cli_flush(c);
    return CLI_DONE;
}

/* The tree of runs below this one: each run that a step started, with its own steps, further in. */
static void show_child(struct cli *c, yyjson_val *step, uint32_t depth)
{
    enum { DEPTH_MAX = 9 };
    yyjson_val *child = yyjson_obj_get(step, "child"), *view = NULL, *s;
    const struct pawl_str id = pawl_json_str(child, "run"), waiting = {NULL, 0};
    char run[37], name[37];
    size_t i, n;
    if (!id.p || pawl_str_is(pawl_json_str(step, "kind"), "undo") || depth > DEPTH_MAX) return;
    snprintf(run, sizeof run, "%.*s", (int)id.n, id.p);
    if (cli_show_view(c, run, 0, &view)) return;
    cli_short(c, id, name);
    cli_printf(c, "%*srun %s  ", (int)(5 * depth), "", name);
    cli_shown(c, CLI_BOLD, pawl_json_str(view, "agent"), 40);
    cli_text(c, CLI_PLAIN, "  ");
    cli_shown(c, CLI_PLAIN, pawl_json_str(view, "status"), 20);
    if (pawl_json_str(view, "waiting").p) cli_text(c, CLI_PLAIN, ", for: ");
    cli_shown(c, CLI_PLAIN, pawl_json_str(view, "waiting").p ? pawl_json_str(view, "waiting") : waiting, 20);
    cli_text(c, CLI_PLAIN, "\n");
    yyjson_arr_foreach(yyjson_obj_get(view, "steps"), i, n, s)
    {
        cli_printf(c, "%*s", (int)(5 * depth), "");
        cli_step_line(c, s);
        show_child(c, s, depth + 1);
    }
}

int cli_show(struct cli *c)
{
    char *rest = NULL;
    const int64_t at = c->opt[OPT_AT] ? strtoll(c->opt[OPT_AT], &rest, 10) : 0;
    yyjson_val *view = NULL, *step;
    struct pawl_buf b;
    enum cli_colour colour;
    size_t i, n;
    uint32_t number;
    int rc;
    if (c->opt[OPT_AT] && (at <= 0 || *rest)) return cli_usage(c, "--at takes the number of a record, from 1");
    if (!cli_name(c, c->args[0], &number)) return CLI_USAGE;
    if ((rc = cli_open(c, CLI_READ)) != 0) return rc;
    if ((rc = cli_show_view(c, c->args[0], at, &view)) != 0) return cli_status(c, rc);
    if (number) return show_step(c, view, number);
    if (c->opt[OPT_JSON]) {
        pawl_json_write(view, &c->out);
        cli_text(c, CLI_PLAIN, "\n");
        cli_flush(c);
        return CLI_DONE;
    }
    pawl_buf_init_arena(&b, &c->arena);
    pawl_shown(pawl_json_str(view, "sentence"), 600, &b);
    colour = cli_exit_of(view) == CLI_DONE ? CLI_GREEN : cli_exit_of(view) == CLI_FAILED ? CLI_RED : CLI_YELLOW;
    cli_colour(c, colour);
    cli_wrap(c, pawl_buf_done(&b), 0, 0);
    cli_colour(c, CLI_PLAIN);
    cli_text(c, CLI_PLAIN, "\n");
    cli_next(c, view);
    title(c, view);
    budget(c, view);
    yyjson_arr_foreach(yyjson_obj_get(view, "steps"), i, n, step)
    {
        const int64_t at_step = pawl_json_i64(step, "step", 0);
        cli_guard_lines(c, view, at_step - 1, at_step);
        turn_before(c, view, at_step);
        pruned_before(c, view, at_step);
        cli_step_line(c, step);
        if (!at) show_child(c, step, 1);
    }
    cli_guard_lines(c, view, (int64_t)yyjson_arr_size(yyjson_obj_get(view, "steps")), INT64_MAX);
    turn_before(c, view, 0);
    details(c, view);
    cli_flush(c);
    return CLI_DONE;
}
