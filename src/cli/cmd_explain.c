/* src/cli/cmd_explain.c - explain: why a run is where it is. Each stage of the pipeline that did more than let a step pass
 * gets a line in plain words: which stage, what it saw, what it did. */
#include <string.h>
#include "cli/cli.h"
#include "contract/shown.h"
#include "contract/units.h"

enum { WORDS_MAX = 300, STAGE_COLUMNS = 14 };

static struct pawl_str text(yyjson_val *object, const char *name)
{
    return pawl_json_str(object, name);
}

static bool is(yyjson_val *object, const char *name, const char *word)
{
    return pawl_str_is(text(object, name), word);
}

struct telling {
    struct cli *c;
    yyjson_val *step;
    bool named; /* the step's own line is there */
    uint32_t lines;
};

static void say(struct telling *t, const char *stage, struct pawl_buf *words)
{
    struct cli *c = t->c;
    t->lines++;
    if (c->opt[OPT_JSON]) {
        struct pawl_json_writer w = {.out = &c->out};
        pawl_jw_open(&w, '{');
        pawl_jw_key(&w, "step");
        pawl_jw_i64(&w, pawl_json_i64(t->step, "step", 0));
        if (text(t->step, "name").p) pawl_jw_key(&w, "name"), pawl_jw_str(&w, text(t->step, "name"));
        cli_put(&w, "stage", stage);
        pawl_jw_key(&w, "why");
        pawl_jw_str(&w, pawl_buf_done(words));
        pawl_jw_close(&w, '}');
        pawl_buf_char(&c->out, '\n');
        return;
    }
    if (!t->named) {
        if (!t->step) cli_text(c, CLI_BOLD, "\nthe run");
        else cli_printf(c, "\nstep %lld  ", (long long)pawl_json_i64(t->step, "step", 0));
        cli_shown(c, CLI_BOLD, text(t->step, "name"), 60);
        cli_text(c, CLI_PLAIN, "\n");
    }
    t->named = true;
    cli_text(c, CLI_PLAIN, "  ");
    cli_column(c, CLI_DIM, pawl_str_of(stage), STAGE_COLUMNS - 2);
    cli_text(c, CLI_PLAIN, " ");
    cli_wrap(c, pawl_buf_done(words), STAGE_COLUMNS + 1, STAGE_COLUMNS + 1);
    cli_text(c, CLI_PLAIN, "\n");
}

static struct pawl_buf *words(struct telling *t, struct pawl_buf *b, const char *begin)
{
    pawl_buf_init_arena(b, &t->c->arena);
    pawl_buf_text(b, begin);
    return b;
}

/* Which stage ends a step with this class (DESIGN 5). */
static const char *stage_of(struct pawl_str class_name)
{
    static const struct {
        const char *class_name, *stage;
    } rows[] = {{"unknown_tool", "scope"},
                {"bad_arguments", "contract-in"},
                {"conflict", "dedupe"},
                {"superseded", "dedupe"},
                {"denied", "gate"},
                {"guard_stopped", "guard"},
                {"budget_exceeded", "budget"},
                {"deadline_exceeded", "deadline"},
                {"lane_full", "lane"},
                {"breaker_open", "breaker"},
                {"out_of_contract", "contract-out"},
                {"malformed", "contract-out"},
                {"cancelled", "cancel"},
                {"rejected", "classify"},
                {"unauthorized", "classify"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (pawl_str_is(class_name, rows[i].class_name)) return rows[i].stage;
    return "retry";
}

static void dedupe(struct telling *t)
{
    yyjson_val *first = yyjson_obj_get(t->step, "first");
    const int64_t same = pawl_json_i64(t->step, "same_as", 0);
    struct pawl_buf b;
    if (!same && !first) return;
    words(t, &b, "it says the same as ");
    if (same) pawl_buf_printf(&b, "step %lld", (long long)same);
    else {
        pawl_buf_printf(&b, "step %lld of run ", (long long)pawl_json_i64(first, "step", 0));
        pawl_shown(text(first, "run"), 40, &b);
    }
    pawl_buf_text(&b, yyjson_obj_get(t->step, "asked") ? ", which was done already"
                      : is(t->step, "state", "done")   ? ": it was not sent, the first answer was given again"
                                                       : ": it waits for what becomes of that one");
    say(t, "dedupe", &b);
}

static const char *reason_of(struct pawl_str why)
{
    static const char *const rows[][2] = {{"repeat", "the same was done before"},
                                          {"conflict", "the same intent was done before with other arguments"},
                                          {"guard", "a guard tripped"},
                                          {"budget", "its budget is spent"},
                                          {"opinion", "a second opinion was another one"},
                                          {"check", "what came of a step is not as it should be"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (pawl_str_is(why, rows[i][0])) return rows[i][1];
    return "its contract wants a yes";
}

/* What came of it against what was meant. */
static void checks(struct telling *t)
{
    yyjson_val *check;
    struct pawl_buf b;
    size_t i, n;
    yyjson_arr_foreach(yyjson_obj_get(t->step, "checks"), i, n, check)
    {
        const struct pawl_str then = text(check, "then");
        if (!then.n) continue;
        words(t, &b, "");
        pawl_shown(text(check, "name"), 64, &b);
        pawl_buf_text(&b, pawl_str_is(text(check, "found"), "not known") ? ": " : " does not hold: ");
        pawl_shown(text(check, "says"), WORDS_MAX, &b);
        pawl_buf_text(&b, pawl_str_is(then, "undo")   ? "; so it is undone, and the model is told"
                          : pawl_str_is(then, "ask")  ? "; so a person is asked before anything else is decided"
                          : pawl_str_is(then, "fail") ? "; so it counts as failed, though it happened"
                                                      : "; the model is told");
        say(t, "check", &b);
    }
}

/* What others said of the call. */
static void opinion(struct telling *t)
{
    yyjson_val *o = yyjson_obj_get(t->step, "opinion");
    struct pawl_buf b;
    if (!o) return;
    words(t, &b, "");
    pawl_shown(text(o, "says"), WORDS_MAX, &b);
    say(t, "opinion", &b);
}

static void gate(struct telling *t)
{
    yyjson_val *asked = yyjson_obj_get(t->step, "asked"), *answered = yyjson_obj_get(t->step, "answered"), *why;
    struct pawl_buf b;
    size_t i, n;
    if (asked) {
        words(t, &b, "a person was asked at ");
        cli_time(pawl_json_i64(asked, "at_ns", 0), &b);
        yyjson_arr_foreach(yyjson_obj_get(asked, "why"), i, n, why)
        {
            pawl_buf_text(&b, i ? ", and because " : ", because ");
            pawl_buf_text(&b, reason_of(pawl_json_value_str(why)));
        }
        if (text(asked, "says").n) pawl_buf_text(&b, ": "), pawl_shown(text(asked, "says"), WORDS_MAX, &b);
        if (is(t->step, "state", "asked")) {
            pawl_buf_text(&b, "; without an answer before ");
            cli_time(pawl_json_i64(asked, "expires_ns", 0), &b);
            pawl_buf_text(&b, is(asked, "then", "approve") ? " it counts as yes" : " it counts as no");
        }
        say(t, "gate", &b);
    }
    if (!answered) return;
    words(t, &b, is(t->step, "state", "in_doubt") || !asked ? "a person said: " : "answered: ");
    pawl_shown(text(answered, "answer"), 20, &b);
    if (is(answered, "by", "expiry")) pawl_buf_text(&b, ", because nobody answered in time");
    else if (text(answered, "by").n) pawl_buf_text(&b, ", by "), pawl_shown(text(answered, "by"), 60, &b);
    if (text(answered, "reason").n)
        pawl_buf_text(&b, ", “"), pawl_shown(text(answered, "reason"), WORDS_MAX, &b), pawl_buf_text(&b, "”");
    say(t, "gate", &b);
}

/* A step for which nothing is sent: what it waits for, or which signal it took. */
static void waits(struct telling *t, yyjson_val *view)
{
    yyjson_val *g;
    struct pawl_buf b;
    size_t i, n;
    if (text(yyjson_obj_get(t->step, "child"), "run").n && !is(t->step, "kind", "undo")) {
        words(t, &b, is(t->step, "state", "intended") ? "it waits for run " : "it started run ");
        pawl_shown(text(yyjson_obj_get(t->step, "child"), "run"), 40, &b);
        pawl_buf_text(&b, " of agent "), pawl_shown(text(yyjson_obj_get(t->step, "child"), "agent"), 64, &b);
        pawl_buf_text(&b, is(t->step, "state", "intended") ? ": pawl explain says what that one waits for"
                                                           : ", once, and waited for its end");
        say(t, "child", &b);
        return;
    }
    if (!text(t->step, "awaits").n) return;
    words(t, &b, "");
    if (is(t->step, "state", "intended")) {
        pawl_buf_text(&b, "it waits for the signal "), pawl_shown(text(t->step, "awaits"), 64, &b);
        pawl_buf_text(&b, ", until ");
        cli_time(pawl_json_i64(t->step, "until_ns", 0), &b);
        pawl_buf_text(&b, " at most; nothing runs meanwhile");
        say(t, "wait", &b);
        return;
    }
    yyjson_arr_foreach(yyjson_obj_get(view, "signals"), i, n, g)
    {
        if (pawl_json_i64(g, "taken_by", 0) != pawl_json_i64(t->step, "step", -1)) continue;
        pawl_buf_text(&b, "it took the signal "), pawl_shown(text(g, "name"), 64, &b);
        if (text(g, "key").n) pawl_buf_text(&b, ", key "), pawl_shown(text(g, "key"), 60, &b);
        say(t, "wait", &b);
    }
}

static const char *knows(yyjson_val *try)
{
    return is(try, "applied", "unknown") ? ": nobody knows whether it happened"
           : is(try, "applied", "no")    ? ": it did not happen"
           : is(try, "applied", "yes")   ? ": it happened"
                                         : "";
}

/* What tripped before the steps behind `after` up to `step`. */
static void guards(struct telling *t, yyjson_val *view, int64_t after, int64_t step)
{
    yyjson_val *trip;
    struct pawl_buf b;
    size_t i, n;
    yyjson_arr_foreach(yyjson_obj_get(view, "guards"), i, n, trip)
    {
        const int64_t at = pawl_json_i64(trip, "step", 0);
        if (at <= after || at > step) continue;
        cli_guard_words(trip, words(t, &b, ""));
        say(t, "guard", &b);
    }
}

static void tries(struct telling *t)
{
    yyjson_val *list = yyjson_obj_get(t->step, "tries"), *try;
    const bool ended = is(t->step, "state", "done") || is(t->step, "state", "failed");
    struct pawl_buf b;
    size_t i, n;
    yyjson_arr_foreach(list, i, n, try)
    {
        yyjson_val *next = yyjson_arr_get(list, i + 1);
        const int64_t at = pawl_json_i64(try, "retry_at_ns", 0);
        if (!next && ended && (!text(try, "message").n || is(t->step, "state", "failed")))
            continue; /* its end says it */
        words(t, &b, "attempt ");
        pawl_buf_printf(&b, "%lld: ", (long long)pawl_json_i64(try, "attempt", 0));
        if (text(try, "message").n)
            pawl_shown(text(try, "message"), WORDS_MAX, &b),
                pawl_buf_text(&b, is(t->step, "kind", "model") ? "" : knows(try));
        else
            pawl_buf_text(&b,
                          next ? "pawl ended before an answer came: nobody knows whether it happened" : "under way");
        if (text(next, "model").n)
            pawl_buf_text(&b, "; then another model was asked, "), pawl_shown(text(next, "model"), 60, &b);
        else if (next)
            pawl_buf_text(&b, text(t->step, "key").n && is(t->step, "kind", "tool")
                                  ? "; then the same request, with the same key"
                                  : "; then once more");
        else if (at > cli_wall_ns()) pawl_buf_text(&b, "; it goes on at "), cli_time(at, &b);
        say(t, "retry", &b);
    }
    if (!yyjson_arr_size(list) && is(t->step, "state", "done") && pawl_json_i64(t->step, "attempts", 0) > 1) {
        words(t, &b, "attempt ");
        pawl_buf_printf(&b, "%lld was answered; what a read's attempts before it met is not kept",
                        (long long)pawl_json_i64(t->step, "attempts", 0));
        say(t, "retry", &b);
    }
}

static void accepted(yyjson_val *h, struct pawl_buf *b)
{
    pawl_buf_text(b, "the tool accepted the call (202) at ");
    cli_time(pawl_json_i64(h, "at_ns", 0), b);
    if (text(h, "monitor").n) {
        pawl_buf_text(b, "; its monitor is asked how it ended, ");
        pawl_shown(text(h, "monitor"), WORDS_MAX, b);
    }
    if (pawl_json_bool(h, "callback", false)) pawl_buf_text(b, "; it was told whom to call back");
    pawl_buf_text(b, "; without a word before ");
    cli_time(pawl_json_i64(h, "until_ns", 0), b);
    pawl_buf_text(b, " nobody knows whether it happened");
}

static void polled(yyjson_val *h, struct pawl_buf *b)
{
    const int64_t next = pawl_json_i64(h, "poll_at_ns", 0);
    pawl_buf_text(b, "asked its monitor: ");
    if (pawl_json_bool(h, "gone", false)) pawl_buf_text(b, "nobody tells there any more");
    else if (text(h, "message").n) pawl_shown(text(h, "message"), WORDS_MAX, b);
    else if (text(h, "monitor").n) pawl_buf_text(b, "ask at "), pawl_shown(text(h, "monitor"), WORDS_MAX, b);
    else pawl_buf_text(b, "not over yet");
    if (text(h, "word").n) pawl_buf_text(b, " ("), pawl_shown(text(h, "word"), 40, b), pawl_buf_char(b, ')');
    if (next > cli_wall_ns() && next != INT64_MAX) pawl_buf_text(b, "; again at "), cli_time(next, b);
}

/* What was heard of a call that was accepted (docs/async.md). */
static void heard(struct telling *t)
{
    yyjson_val *list = yyjson_obj_get(t->step, "heard"), *h;
    struct pawl_buf b;
    size_t i, n;
    yyjson_arr_foreach(list, i, n, h)
    {
        words(t, &b, "");
        if (is(h, "what", "accepted")) {
            accepted(h, &b);
        } else if (is(h, "what", "polled") && text(h, "stop").n) {
            pawl_buf_text(&b, yyjson_get_bool(yyjson_obj_get(h, "cancelled")) ? "the run was stopped"
                                                                              : "its deadline was over");
            pawl_buf_text(&b, ": its monitor was told to stop it (");
            pawl_shown(text(h, "stop"), 10, &b);
            pawl_buf_text(&b, "), once, and asked once more");
        } else if (is(h, "what", "polled")) {
            polled(h, &b);
        } else {
            const bool late = is(h, "what", "late");
            pawl_buf_text(&b, late ? "called back, too late to count: " : "called back: ");
            pawl_shown(text(h, "says"), 20, &b);
            if (text(h, "message").n) pawl_buf_text(&b, ", "), pawl_shown(text(h, "message"), WORDS_MAX, &b);
            if (late) pawl_buf_text(&b, "; it is kept for whoever resolves it");
        }
        say(t, "async", &b);
    }
    if (!is(t->step, "from", "monitor")) return;
    words(t, &b, "asked its monitor: ");
    pawl_buf_text(&b, is(t->step, "state", "failed") ? "it failed, and nothing happened" : "it is done");
    say(t, "async", &b);
}

static void end_of(struct telling *t)
{
    struct pawl_buf b;
    if (text(t->step, "note").n) {
        words(t, &b, "");
        pawl_shown(text(t->step, "note"), WORDS_MAX, &b);
        say(t, is(t->step, "name", "recall") ? "context" : "fallback", &b);
    }
    if (is(t->step, "state", "in_doubt"))
        say(t, "retry",
            words(
                t, &b,
                "in doubt: neither its key nor a look can tell what happened, so a person is asked; it is never sent on a guess"));
    if (is(t->step, "from", "verify"))
        say(t, "verify", words(t, &b, "the answer was lost; a look showed that it had happened"));
    if (is(t->step, "verified", "differs"))
        say(t, "verify", words(t, &b, "read back afterwards, it is not as the contract expects"));
    if (text(t->step, "looked_back").n) {
        words(t, &b, "");
        pawl_buf_printf(&b, "nobody had read it back: pawl did before step %lld, and ",
                        (long long)pawl_json_i64(t->step, "looked_back_before", 0));
        pawl_buf_text(&b, is(t->step, "looked_back", "yes")       ? "it is as expected"
                          : is(t->step, "looked_back", "differs") ? "it is not as expected; the model was told"
                                                                  : "it could not be told; the model was told");
        say(t, "guard", &b);
    }
    if (is(t->step, "state", "failed")) {
        words(t, &b, "");
        pawl_shown(text(t->step, "class"), 40, &b);
        pawl_buf_text(&b, ": ");
        pawl_shown(text(t->step, "message"), WORDS_MAX, &b);
        if (pawl_json_bool(t->step, "applied", false)) pawl_buf_text(&b, " (it did happen)");
        say(t, stage_of(text(t->step, "class")), &b);
    }
    if (pawl_json_bool(t->step, "undone", false)) say(t, "undo", words(t, &b, "it was undone"));
    if (pawl_json_bool(t->step, "undo_failed", false))
        say(t, "undo", words(t, &b, "its undo failed: somebody has to look"));
}

/* What a model's call cost is no decision; what nobody knows, and what was done for want of money, is. */
static void budget(struct telling *t)
{
    yyjson_val *lost = yyjson_obj_get(t->step, "estimated");
    struct pawl_buf b;
    yyjson_val *routed = yyjson_obj_get(t->step, "routed");
    if (routed && !pawl_str_eq(text(routed, "to"), text(routed, "from"))) {
        words(t, &b, "");
        pawl_shown(text(routed, "to"), 60, &b);
        pawl_buf_printf(&b, " is the cheapest whose runs end well often enough: %lld of them, %lld%% well",
                        (long long)pawl_json_i64(routed, "runs", 0),
                        (long long)(pawl_json_i64(routed, "rate_ppm", 0) / 10000));
        say(t, "routing", &b);
    }
    if (text(t->step, "degraded").n) {
        words(t, &b, "");
        pawl_shown(text(t->step, "degraded"), 60, &b);
        pawl_buf_text(&b, " might have cost more than there is left: a cheaper model was asked in its place");
        say(t, "budget", &b);
    }
    if (lost) {
        words(t, &b, "nobody knows what an attempt cost: its worst case is charged, ");
        if (pawl_json_i64(lost, "cost", 0))
            pawl_unit_money_text(pawl_json_i64(lost, "cost", 0), &b), pawl_buf_text(&b, ", ");
        pawl_unit_count_text(pawl_json_i64(lost, "tokens", 0), &b);
        pawl_buf_text(&b, " tokens, as estimated");
        say(t, "budget", &b);
    }
}

/* What the conversation was brought down to before this step. */
static void context(struct telling *t, yyjson_val *view)
{
    yyjson_val *pruned;
    struct pawl_buf b;
    size_t i, n;
    yyjson_arr_foreach(yyjson_obj_get(view, "pruned"), i, n, pruned)
    {
        if (pawl_json_i64(pruned, "before_step", 0) != pawl_json_i64(t->step, "step", 0)) continue;
        cli_pruned(pruned, words(t, &b, ""));
        say(t, "context", &b);
    }
}

int cli_explain(struct cli *c)
{
    yyjson_val *view = NULL, *step;
    struct telling t = {.c = c};
    struct pawl_buf b;
    size_t i, n;
    uint32_t number;
    int rc;
    if (!cli_name(c, c->args[0], &number)) return CLI_USAGE;
    if ((rc = cli_open(c, CLI_READ)) != 0) return rc;
    if ((rc = cli_show_view(c, c->args[0], 0, &view)) != 0) return cli_status(c, rc);
    if (!c->opt[OPT_JSON]) {
        pawl_buf_init_arena(&b, &c->arena);
        pawl_shown(text(view, "sentence"), 600, &b);
        cli_wrap(c, pawl_buf_done(&b), 0, 0);
        cli_text(c, CLI_PLAIN, "\n");
        cli_next(c, view);
        pawl_buf_init_arena(&b, &c->arena);
        cli_schedule_words(view, &b);
        if (b.n > 2) {
            cli_text(c, CLI_DIM, "begun ");
            cli_wrap(c, (struct pawl_str){b.p + 2, (uint32_t)b.n - 2}, 4, 6);
            cli_text(c, CLI_PLAIN, "\n");
        }
        pawl_buf_init_arena(&b, &c->arena);
        pawl_shown(pawl_json_str(yyjson_obj_get(view, "budget"), "says"), 300, &b);
        if (b.n) cli_text(c, CLI_DIM, "budget: "), cli_wrap(c, pawl_buf_done(&b), 4, 8), cli_text(c, CLI_PLAIN, "\n");
    }
    yyjson_arr_foreach(yyjson_obj_get(view, "steps"), i, n, step)
    {
        if (number && pawl_json_i64(step, "step", 0) != number) continue;
        t.step = step;
        t.named = false;
        context(&t, view);
        dedupe(&t);
        guards(&t, view, pawl_json_i64(step, "step", 0) - 1, pawl_json_i64(step, "step", 0));
        opinion(&t);
        gate(&t);
        budget(&t);
        waits(&t, view);
        tries(&t);
        heard(&t);
        checks(&t);
        end_of(&t);
    }
    t.step = NULL;
    t.named = false;
    if (!number) guards(&t, view, (int64_t)yyjson_arr_size(yyjson_obj_get(view, "steps")), INT64_MAX);
    if (c->opt[OPT_JSON]) return cli_flush(c), CLI_DONE;
    if (t.lines == 0) cli_text(c, CLI_PLAIN, "\nEvery step passed every stage at the first attempt.\n");
    else cli_text(c, CLI_DIM, "\nAll else passed every stage at the first attempt.\n");
    cli_flush(c);
    return CLI_DONE;
}
