/* src/cli/cmd_answer.c - approve, deny, resolve, cancel: a person's word. Where no process owns the store it is only
 * recorded, and the run goes on when somebody resumes it; a script must name the step and the digest of what it saw. */
#include <string.h>
#include "cli/cli.h"

static bool has_ended(struct cli *c, const char *run)
{
    yyjson_val *view = NULL;
    if (cli_whole_view(c, run, &view)) return false;
    const struct pawl_str s = pawl_json_str(view, "status");
    return pawl_str_is(s, "done") || pawl_str_is(s, "failed") || pawl_str_is(s, "cancelled") || pawl_str_is(s, "dead");
}

void cli_told(struct cli *c, const char *run, const char *what)
{
    char name[37];
    if (c->opt[OPT_JSON]) {
        cli_printf(c, "{\"run\":\"%s\",\"recorded\":\"%s\"}\n", run, what);
    } else if (has_ended(c, run)) {
        cli_short(c, pawl_str_of(run), name);
        cli_printf(c, "%s: recorded; the run has ended\n→ pawl show %s\n", what, name);
    } else if (pawl_owns(c->p)) {
        cli_short(c, pawl_str_of(run), name);
        cli_printf(c, "%s: recorded; nothing runs it at the moment\n→ pawl resume %s\n", what, name);
    } else {
        cli_short(c, pawl_str_of(run), name);
        cli_printf(c, "%s: recorded; the run goes on\n→ pawl show %s\n", what, name);
    }
    cli_flush(c);
}

void cli_begin_word(struct cli *c, struct pawl_buf *b, struct pawl_json_writer *w, const char *verb, const char *run,
                    uint32_t step)
{
    cli_begin(c, b, w, verb, run);
    cli_put_id(w, c->opt[OPT_ID]);
    cli_put(w, "by", c->opt[OPT_BY] ? c->opt[OPT_BY] : cli_user());
    if (step) pawl_jw_key(w, "step"), pawl_jw_i64(w, step);
}

static yyjson_val *asked_step(yyjson_val *view, uint32_t number, uint32_t *count)
{
    yyjson_val *step, *only = NULL;
    size_t i, n;
    *count = 0;
    yyjson_arr_foreach(yyjson_obj_get(view, "steps"), i, n, step)
    {
        if (!pawl_str_is(pawl_json_str(step, "state"), "asked")) continue;
        if (number && pawl_json_i64(step, "step", 0) != number) continue;
        only = step;
        ++*count;
    }
    return only;
}

/* With changed arguments: what is sent now is shown, as it was fixed and is bound to the yes. */
static int told_changed(struct cli *c, const char *run, uint32_t number)
{
    yyjson_val *view = NULL, *step, *asked;
    const int rc = cli_whole_view(c, run, &view);
    if (rc) return cli_status(c, rc);
    step = yyjson_arr_get(yyjson_obj_get(view, "steps"), number - 1);
    asked = yyjson_obj_get(step, "asked");
    const struct pawl_str digest = pawl_json_str(asked, "digest");
    const bool anew = pawl_json_i64(asked, "quorum", 1) > 1;
    if (c->opt[OPT_JSON]) {
        cli_printf(c, "{\"run\":\"%s\",\"recorded\":\"%s\",\"digest\":\"%.*s\"}\n", run, anew ? "edit" : "yes",
                   (int)digest.n, digest.p ? digest.p : "");
        cli_flush(c);
        return CLI_DONE;
    }
    cli_step_detail(c, step);
    cli_told(c, run, anew ? "changed, and to be asked about anew" : "yes, to this");
    return CLI_DONE;
}

/* What is given beside the yes to a budget's question: {"more": AMOUNT}. */
static const char *more_of(struct cli *c)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    pawl_buf_init_arena(&b, &c->arena);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "more");
    pawl_jw_text(&w, c->opt[OPT_MORE]);
    pawl_jw_close(&w, '}');
    return pawl_buf_done(&b).p;
}

static int scripted(struct cli *c, const char *run, uint32_t step, bool yes)
{
    struct pawl_buf b;
    struct pawl_json_writer w;
    yyjson_val *last = NULL;
    const char *edit = NULL;
    int rc;
    if (c->opt[OPT_MORE]) edit = more_of(c);
    else if (c->opt[OPT_EDIT] && !(edit = cli_members(c, "edit", c->opt[OPT_EDIT]))) return CLI_USAGE;
    cli_begin_word(c, &b, &w, yes ? "approve" : "deny", run, step);
    cli_put(&w, "digest", c->opt[OPT_DIGEST]);
    cli_put(&w, "reason", c->opt[OPT_REASON]);
    if (edit) pawl_jw_key(&w, "edit"), pawl_jw_raw(&w, pawl_str_of(edit));
    rc = cli_ask(c, &b, &last);
    if (rc) return cli_status(c, rc);
    if (c->opt[OPT_MORE]) cli_told(c, run, "yes, with more");
    else if (edit) return told_changed(c, run, (uint32_t)pawl_json_i64(last, "step", 1));
    else cli_told(c, run, yes ? "yes" : "no");
    return CLI_DONE;
}

/* The exact call is shown, then asked about; what was shown is what is answered, by its digest. */
static int at_terminal(struct cli *c, const char *run, yyjson_val *step, bool yes)
{
    char line[64], digest[65];
    const struct pawl_str shown = pawl_json_str(yyjson_obj_get(step, "asked"), "digest");
    snprintf(digest, sizeof digest, "%.*s", (int)shown.n, shown.p ? shown.p : "");
    cli_call_exact(c, step);
    if (c->opt[OPT_EDIT]) {
        cli_text(c, CLI_YELLOW, "  with ");
        cli_shown(c, CLI_BOLD, pawl_str_of(c->opt[OPT_EDIT]), 2000);
        cli_text(c, CLI_PLAIN, "\n");
    }
    if (!cli_line(c,
                  c->opt[OPT_EDIT] ? "  send it with that change? y yes, anything else no answer yet: "
                  : yes            ? "  send it? y yes, anything else no answer yet: "
                                   : "  refuse it? y yes, anything else no answer yet: ",
                  line, sizeof line) ||
        (line[0] != 'y' && line[0] != 'Y')) {
        cli_text(c, CLI_PLAIN, "not answered; it still waits\n");
        cli_flush(c);
        return CLI_WAITING;
    }
    c->opt[OPT_DIGEST] = digest;
    return scripted(c, run, (uint32_t)pawl_json_i64(step, "step", 0), yes);
}

static int answer(struct cli *c, bool yes)
{
    yyjson_val *view = NULL, *step;
    char run[37], name[37];
    uint32_t number, count;
    int rc;
    if (!cli_name(c, c->args[0], &number)) return CLI_USAGE;
    if (!c->person && (!number || (yes && !c->opt[OPT_DIGEST])))
        return cli_usage(c, "a script names the step and, to approve, what it saw: pawl %s RUN/STEP --digest D",
                         c->command->name);
    if ((rc = cli_open(c, CLI_HOLD)) != 0) return rc;
    if ((rc = cli_whole_view(c, c->args[0], &view)) != 0) return cli_status(c, rc);
    const struct pawl_str id = pawl_json_str(view, "run");
    cli_run_of(view, run);
    step = asked_step(view, number, &count);
    if (!c->person || c->opt[OPT_DIGEST]) return scripted(c, run, number, yes);
    if (count == 1) return at_terminal(c, run, step, yes);
    cli_short(c, id, name);
    if (count == 0) fprintf(stderr, "pawl: nothing in run %s waits for an answer\n→ pawl show %s\n", name, name);
    else fprintf(stderr, "pawl: %u calls of run %s wait for an answer; name one\n→ pawl show %s\n", count, name, name);
    return CLI_FAILED;
}

int cli_approve(struct cli *c)
{
    return answer(c, true);
}

int cli_deny(struct cli *c)
{
    return answer(c, false);
}

int cli_resolve(struct cli *c)
{
    const char *happened = c->opt[OPT_HAPPENED];
    const int said = (happened != NULL) + (c->opt[OPT_NOT_HAPPENED] != NULL) + (c->opt[OPT_STOP] != NULL);
    struct pawl_buf b;
    struct pawl_json_writer w;
    struct pawl_error err;
    yyjson_val *v, *last = NULL;
    uint32_t step;
    char run[37];
    int rc;
    if (!cli_name(c, c->args[0], &step)) return CLI_USAGE;
    if (said != 1) return cli_usage(c, "say one of --happened RESULT, --not-happened, --stop");
    if (!c->person && !step) return cli_usage(c, "a script names the step: pawl resolve RUN/STEP");
    if (happened && pawl_json_read(pawl_str_of(happened), &c->arena, &v, &err))
        return cli_usage(c, "RESULT is JSON: '{\"id\":\"r_7\"}', or null where there is none (%s)", err.what);
    if ((rc = cli_open(c, CLI_HOLD)) != 0) return rc;
    cli_begin_word(c, &b, &w, "resolve", c->args[0], step);
    cli_put(&w, "how", happened ? "happened" : c->opt[OPT_STOP] ? "stop" : "not_happened");
    if (happened) pawl_jw_key(&w, "result"), pawl_jw_raw(&w, pawl_str_of(happened));
    cli_put(&w, "reason", c->opt[OPT_REASON]);
    if ((rc = cli_ask(c, &b, &last)) != 0) return cli_status(c, rc);
    cli_run_of(last, run);
    cli_told(c, run, happened ? "it happened" : c->opt[OPT_STOP] ? "stop the run" : "it did not happen");
    return CLI_DONE;
}

/* Where no process owns the store it is kept for whoever resumes the run. */
int cli_signal(struct cli *c)
{
    const char *payload = c->count > 2 ? c->args[2] : "null";
    struct pawl_buf b;
    struct pawl_json_writer w;
    struct pawl_error err;
    yyjson_val *v, *last = NULL;
    char run[37];
    int rc;
    if (pawl_json_read(pawl_str_of(payload), &c->arena, &v, &err))
        return cli_usage(c, "a signal carries JSON: '{\"amount\": 7}', in quotes for the shell (%s)", err.what);
    if ((rc = cli_open(c, CLI_HOLD)) != 0) return rc;
    cli_begin_word(c, &b, &w, "signal", c->args[0], 0);
    cli_put(&w, "name", c->args[1]);
    cli_put(&w, "key", c->opt[OPT_KEY]);
    pawl_jw_key(&w, "payload");
    pawl_jw_value(&w, v);
    if ((rc = cli_ask(c, &b, &last)) != 0) return cli_status(c, rc);
    cli_run_of(last, run);
    cli_told(c, run, "signal");
    return CLI_DONE;
}

int cli_cancel(struct cli *c)
{
    struct pawl_buf b;
    struct pawl_json_writer w;
    yyjson_val *last = NULL;
    char run[37];
    int rc;
    if ((rc = cli_open(c, CLI_WORK)) != 0) return rc;
    cli_begin_word(c, &b, &w, "cancel", c->args[0], 0);
    cli_put(&w, "reason", c->opt[OPT_REASON]);
    if ((rc = cli_ask(c, &b, &last)) != 0) return cli_status(c, rc);
    cli_run_of(last, run);
    rc = cli_live(c, run, 0);
    return rc == CLI_FAILED ? CLI_DONE : rc; /* cancelled is what was asked for */
}
