/* src/cli/cmd_handoff.c - answer: what a person needs to take a run up (what was done, what is unknown, what is asked, what was
 * said last), and answering in the place of the tool or the model, or taking the run over. */
#include <string.h>
#include "cli/cli.h"
#include "contract/shown.h"

static struct pawl_str text(yyjson_val *object, const char *name)
{
    return pawl_json_str(object, name);
}

static bool is(yyjson_val *object, const char *name, const char *word)
{
    return pawl_str_is(text(object, name), word);
}

static bool happened(yyjson_val *step)
{
    return pawl_json_bool(step, "applied", false) && !is(step, "effect", "read") && !is(step, "kind", "gate") &&
           !is(step, "kind", "wait") && !pawl_json_bool(step, "undone", false);
}

static bool unknown(yyjson_val *step)
{
    return is(step, "state", "in_doubt") || is(step, "verified", "could not be told") ||
           is(step, "verified", "differs");
}

static bool asked(yyjson_val *step)
{
    return is(step, "state", "asked");
}

static void part(struct cli *c, yyjson_val *view, const char *title, bool (*wanted)(yyjson_val *step))
{
    yyjson_val *step;
    bool any = false;
    size_t i, n;
    cli_printf(c, "\n%s\n", title);
    yyjson_arr_foreach(yyjson_obj_get(view, "steps"), i, n, step)
    {
        if (!wanted(step)) continue;
        any = true;
        cli_step_line(c, step);
        if (wanted == asked && text(yyjson_obj_get(step, "asked"), "says").n)
            cli_text(c, CLI_PLAIN, "     "), cli_shown(c, CLI_YELLOW, text(yyjson_obj_get(step, "asked"), "says"), 600),
                cli_text(c, CLI_PLAIN, "\n");
    }
    if (!any) cli_text(c, CLI_DIM, "  nothing\n");
}

static void unverified(struct cli *c, yyjson_val *view)
{
    yyjson_val *fact;
    size_t i, n;
    yyjson_arr_foreach(yyjson_obj_get(view, "facts"), i, n, fact)
    {
        struct pawl_buf b;
        if (!pawl_json_bool(fact, "unverified", false)) continue;
        pawl_buf_init_arena(&b, &c->arena);
        pawl_json_write(yyjson_obj_get(fact, "value"), &b);
        cli_text(c, CLI_PLAIN, "     nobody has verified ");
        cli_shown(c, CLI_PLAIN, text(fact, "name"), 60);
        cli_text(c, CLI_PLAIN, ": ");
        cli_shown(c, CLI_PLAIN, pawl_buf_done(&b), 120);
        cli_text(c, CLI_PLAIN, "\n");
    }
}

/* The user's last words and the model's. */
static void last_words(struct cli *c, yyjson_val *view)
{
    yyjson_val *turns = yyjson_obj_get(view, "turns"), *step;
    struct pawl_str said = {NULL, 0};
    size_t i, n;
    yyjson_arr_foreach(yyjson_obj_get(view, "steps"), i, n, step) if (text(step, "said").n) said = text(step, "said");
    cli_text(c, CLI_PLAIN, "\nsaid last\n  user   “");
    cli_shown(c, CLI_PLAIN, text(yyjson_arr_get_last(turns), "text"), 600);
    cli_text(c, CLI_PLAIN, "”\n");
    if (said.n) cli_text(c, CLI_PLAIN, "  model  “"), cli_shown(c, CLI_PLAIN, said, 600), cli_text(c, CLI_PLAIN, "”\n");
}

static void json_part(struct pawl_json_writer *w, yyjson_val *view, const char *name, bool (*wanted)(yyjson_val *step))
{
    yyjson_val *step;
    size_t i, n;
    pawl_jw_key(w, name);
    pawl_jw_open(w, '[');
    yyjson_arr_foreach(yyjson_obj_get(view, "steps"), i, n, step) if (wanted(step)) pawl_jw_value(w, step);
    pawl_jw_close(w, ']');
}

static int pack(struct cli *c)
{
    yyjson_val *view = NULL;
    struct pawl_buf b;
    const int rc = cli_whole_view(c, c->args[0], &view);
    if (rc) return cli_status(c, rc);
    if (c->opt[OPT_JSON]) {
        struct pawl_json_writer w = {.out = &c->out};
        pawl_jw_open(&w, '{');
        pawl_jw_key(&w, "sentence");
        pawl_jw_str(&w, text(view, "sentence"));
        json_part(&w, view, "done", happened);
        json_part(&w, view, "unknown", unknown);
        json_part(&w, view, "asked", asked);
        pawl_jw_key(&w, "turns");
        pawl_jw_value(&w, yyjson_obj_get(view, "turns"));
        pawl_jw_close(&w, '}');
        pawl_buf_char(&c->out, '\n');
        cli_flush(c);
        return cli_exit_of(view);
    }
    pawl_buf_init_arena(&b, &c->arena);
    pawl_shown(text(view, "sentence"), 600, &b);
    cli_wrap(c, pawl_buf_done(&b), 0, 0);
    cli_text(c, CLI_PLAIN, "\n");
    part(c, view, "done out there", happened);
    part(c, view, "not known", unknown);
    unverified(c, view);
    part(c, view, "asked", asked);
    last_words(c, view);
    cli_text(c, CLI_PLAIN, "\n");
    cli_next(c, view);
    if (is(view, "waiting", "gate")) {
        char name[37];
        cli_short(c, text(view, "run"), name);
        cli_printf(c,
                   "→ pawl answer %s --result RESULT   as the tool\n→ pawl answer %s --say TEXT        as the model\n"
                   "→ pawl answer %s --take-over       you do the rest\n",
                   name, name, name);
    }
    cli_flush(c);
    return cli_exit_of(view);
}

int cli_answer(struct cli *c)
{
    const int given = (c->opt[OPT_RESULT] != NULL) + (c->opt[OPT_SAY] != NULL) + (c->opt[OPT_TAKE_OVER] != NULL);
    struct pawl_json_writer w;
    struct pawl_buf b;
    yyjson_val *last = NULL;
    uint32_t step;
    int rc;
    if (given > 1) return cli_usage(c, "say one of --result, --say and --take-over");
    if (!cli_name(c, c->args[0], &step)) return CLI_USAGE;
    if ((rc = cli_open(c, given ? CLI_HOLD : CLI_READ)) != 0) return rc;
    if (!given) return pack(c);
    cli_begin_word(c, &b, &w, "answer", c->args[0], step);
    cli_put(&w, "digest", c->opt[OPT_DIGEST]);
    cli_put(&w, "say", c->opt[OPT_SAY]);
    cli_put(&w, "reason", c->opt[OPT_REASON]);
    if (c->opt[OPT_TAKE_OVER]) pawl_jw_key(&w, "take_over"), pawl_jw_bool(&w, true);
    if (c->opt[OPT_RESULT]) pawl_jw_key(&w, "result"), pawl_jw_raw(&w, pawl_str_of(c->opt[OPT_RESULT]));
    if ((rc = cli_ask(c, &b, &last)) != 0) return cli_status(c, rc);
    cli_told(c, c->args[0], c->opt[OPT_TAKE_OVER] ? "taken over" : c->opt[OPT_SAY] ? "say" : "result");
    return CLI_DONE;
}
