/* src/cli/cmd_schedule.c - schedules: when each begins next and how its last run stands; a person's word on one. */
#include <string.h>
#include "cli/cli.h"
#include "contract/shown.h"

enum { NAME_COLUMNS = 16 };

static struct pawl_str says(yyjson_val *time)
{
    const struct pawl_str s = pawl_json_str(time, "says");
    return s.p ? s : pawl_json_str(time, "utc");
}

static void add_next(yyjson_val *one, struct pawl_buf *b, enum cli_colour *colour)
{
    yyjson_val *missed = yyjson_obj_get(one, "missed_since");
    *colour = CLI_YELLOW;
    if (pawl_json_bool(one, "paused_by_configuration", false)) {
        pawl_buf_text(b, "paused by the configuration");
    } else if (pawl_json_bool(one, "paused", false)) {
        pawl_buf_text(b, "paused");
    } else {
        *colour = missed ? CLI_YELLOW : CLI_PLAIN;
        pawl_buf_text(b, "next ");
        pawl_shown(says(yyjson_obj_get(one, "next")), 60, b);
        pawl_buf_text(b, ", ");
        pawl_shown(pawl_json_str(one, "timezone"), 64, b);
        if (missed) pawl_buf_text(b, "; nobody was there since "), pawl_shown(says(missed), 60, b);
    }
}

static void add_last(struct cli *c, yyjson_val *one, struct pawl_buf *b)
{
    yyjson_val *last = yyjson_obj_get(one, "last");
    const struct pawl_str status = pawl_json_str(one, "status");
    char name[37];
    if (!last) {
        pawl_buf_text(b, "has begun nothing yet");
        return;
    }
    cli_short(c, pawl_json_str(one, "run"), name);
    pawl_buf_text(b, "last ");
    pawl_shown(says(last), 60, b);
    pawl_buf_printf(b, ": run %s ", name);
    pawl_shown(status, 40, b);
    if (pawl_json_str(one, "waiting").n)
        pawl_buf_text(b, ", waits for "), pawl_shown(pawl_json_str(one, "waiting"), 40, b);
    pawl_buf_printf(b, "; %lld begun", (long long)pawl_json_i64(one, "begun", 0));
    if (pawl_json_i64(one, "queued", 0))
        pawl_buf_printf(b, ", %lld wait for their turn", (long long)pawl_json_i64(one, "queued", 0));
}

static const struct {
    const char *word, *says;
} reasons[] = {{"missed", "nobody was there"},
               {"old", "too long ago to be caught up"},
               {"overlap", "the run before was not over"},
               {"full", "as many waited as may"},
               {"paused", "it was paused"},
               {"changed", "its times were changed"}};

const char *cli_left_out(struct pawl_str why)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (pawl_str_is(why, reasons[i].word)) return reasons[i].says;
    return "";
}

void cli_schedule_words(yyjson_val *view, struct pawl_buf *out)
{
    yyjson_val *schedule = yyjson_obj_get(view, "schedule");
    const struct pawl_str slot = pawl_json_str(schedule, "slot");
    if (!schedule) return;
    pawl_buf_text(out, ", by the schedule ");
    pawl_shown(pawl_json_str(schedule, "name"), 64, out);
    if (slot.p) pawl_buf_text(out, " for "), pawl_shown(slot, 30, out);
    else pawl_buf_text(out, " and a person's word");
}

static bool add_left(yyjson_val *one, struct pawl_buf *b)
{
    yyjson_val *left = yyjson_obj_get(one, "left_out");
    bool first = true;
    if (!left) return false;
    pawl_buf_text(b, "left out: ");
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        const int64_t n = pawl_json_i64(left, reasons[i].word, 0);
        if (!n) continue;
        pawl_buf_printf(b, "%s%lld because %s", first ? "" : ", ", (long long)n, reasons[i].says);
        first = false;
    }
    pawl_buf_text(b, "; the last one was ");
    pawl_shown(says(yyjson_obj_get(left, "last")), 60, b);
    return true;
}

static void paragraph(struct cli *c, enum cli_colour colour, struct pawl_buf *b, uint32_t at)
{
    cli_colour(c, colour);
    for (uint32_t i = at; i < NAME_COLUMNS; i++) pawl_buf_char(&c->out, ' ');
    cli_wrap(c, pawl_buf_done(b), NAME_COLUMNS, NAME_COLUMNS);
    cli_colour(c, CLI_PLAIN);
    cli_text(c, CLI_PLAIN, "\n");
}

static void line(struct cli *c, yyjson_val *one)
{
    struct pawl_buf b;
    enum cli_colour colour;
    pawl_buf_init_arena(&b, &c->arena);
    pawl_shown(pawl_json_str(one, "name"), 64, &b);
    const struct pawl_str name = pawl_buf_done(&b);
    uint32_t at = cli_columns(name) + 1;
    cli_text(c, CLI_BOLD, name.p);
    cli_text(c, CLI_PLAIN, at > NAME_COLUMNS ? "\n" : " ");
    if (at > NAME_COLUMNS) at = 0;
    pawl_buf_init_arena(&b, &c->arena);
    add_next(one, &b, &colour);
    paragraph(c, colour, &b, at);
    pawl_buf_init_arena(&b, &c->arena);
    add_last(c, one, &b);
    paragraph(c, CLI_PLAIN, &b, 0);
    pawl_buf_init_arena(&b, &c->arena);
    if (add_left(one, &b)) paragraph(c, CLI_DIM, &b, 0);
}

static int list(struct cli *c)
{
    yyjson_val *last = NULL;
    int rc;
    if ((rc = cli_open(c, CLI_READ)) != 0) return rc;
    if ((rc = cli_each(c, "schedules", line, &last)) != 0) return cli_status(c, rc);
    if (!c->opt[OPT_JSON] && !yyjson_arr_size(yyjson_obj_get(last, "schedules")))
        cli_text(c, CLI_PLAIN, "the configuration has no schedules\n");
    else if (!c->opt[OPT_JSON] && !pawl_json_bool(last, "served", false))
        cli_text(c, CLI_YELLOW, "nobody begins them now → pawl serve\n");
    cli_flush(c);
    return CLI_DONE;
}

static int word(struct cli *c, const char *to)
{
    struct pawl_buf b;
    struct pawl_json_writer w;
    int rc;
    if ((rc = cli_open(c, CLI_HOLD)) != 0) return rc;
    cli_begin(c, &b, &w, "schedule", NULL);
    cli_put(&w, "name", c->args[1]);
    cli_put(&w, "to", to);
    if ((rc = cli_ask(c, &b, NULL)) != 0) return cli_status(c, rc);
    if (c->opt[OPT_JSON]) cli_printf(c, "{\"recorded\":\"%s\"}\n", to);
    else cli_printf(c, "%s: recorded\n", to);
    cli_flush(c);
    return CLI_DONE;
}

static int trigger(struct cli *c)
{
    struct pawl_buf b;
    struct pawl_json_writer w;
    yyjson_val *last = NULL;
    char run[37];
    int rc;
    if ((rc = cli_open(c, CLI_WORK)) != 0) return rc;
    cli_begin(c, &b, &w, "trigger", NULL);
    cli_put(&w, "name", c->args[1]);
    cli_put(&w, "by", cli_user());
    cli_put_id(&w, c->opt[OPT_ID]);
    if ((rc = cli_ask(c, &b, &last)) != 0) return cli_status(c, rc);
    cli_run_of(last, run);
    if (c->opt[OPT_JSON]) cli_printf(c, "{\"run\":\"%s\"}\n", run);
    cli_flush(c);
    return cli_live(c, run, 0);
}

int cli_schedule(struct cli *c)
{
    const char *what = c->count ? c->args[0] : "ls";
    if (strcmp(what, "ls") == 0 && c->count < 2) return list(c);
    if (strcmp(what, "pause") && strcmp(what, "resume") && strcmp(what, "trigger"))
        return cli_usage(c, "pawl schedule takes ls, pause, resume or trigger, found %.60s", what);
    if (c->count < 2) return cli_usage(c, "name the schedule: pawl schedule %s NAME", what);
    return strcmp(what, "trigger") == 0 ? trigger(c) : word(c, what);
}
