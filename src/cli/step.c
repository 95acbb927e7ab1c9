/* src/cli/step.c - a step of VIEW: one line of the table (what, how long, how it went), and its details. */
#include <string.h>
#include "cli/cli.h"
#include "contract/shown.h"

enum { TRY_SHOWN = 72, SAID_SHOWN = 400, DETAIL_SHOWN = 1200, NARROW = 72 };

static struct pawl_str text(yyjson_val *object, const char *name)
{
    return pawl_json_str(object, name);
}

static bool is(yyjson_val *object, const char *name, const char *word)
{
    return pawl_str_is(text(object, name), word);
}

/* A step that asks a model: what it says is its result. */
static bool speaks(yyjson_val *step)
{
    return is(step, "kind", "model") || is(step, "kind", "summary") ||
           (is(step, "kind", "opinion") && !yyjson_obj_get(step, "args"));
}

/* Arguments for a person: strings bare, members as NAME value where there are several. */
static void brief(yyjson_val *args, struct pawl_buf *out)
{
    yyjson_val *name, *value;
    const bool several = yyjson_obj_size(args) > 2;
    struct pawl_buf json;
    size_t i, n;
    pawl_buf_init(&json, out->arena ? out->arena->from : out->from);
    if (!yyjson_is_obj(args)) {
        if (args) pawl_json_write(args, &json);
        pawl_shown((struct pawl_str){json.p ? json.p : "", (uint32_t)json.n}, 120, out);
    }
    yyjson_obj_foreach(args, i, n, name, value)
    {
        if (i) pawl_buf_char(out, ' ');
        if (several) pawl_shown(pawl_json_value_str(name), 40, out), pawl_buf_char(out, '=');
        json.n = 0;
        if (!yyjson_is_str(value)) pawl_json_write(value, &json);
        pawl_shown(yyjson_is_str(value) ? pawl_json_value_str(value)
                                        : (struct pawl_str){json.p ? json.p : "", (uint32_t)json.n},
                   60, out);
    }
    pawl_buf_fini(&json);
}

static void comma(struct pawl_buf *b)
{
    if (b->n) pawl_buf_text(b, "; ");
}

static void arrow(struct pawl_buf *b)
{
    if (b->n) pawl_buf_text(b, " → ");
}

/* How long it was from one attempt to the next, where that was meant. */
static void after(yyjson_val *try, yyjson_val *next, struct pawl_buf *out)
{
    const int64_t planned = pawl_json_i64(try, "retry_at_ns", 0), again = pawl_json_i64(next, "at_ns", 0);
    if (planned <= 0 || again < planned) return;
    pawl_buf_text(out, " after ");
    cli_duration(again - pawl_json_i64(try, "at_ns", 0), out);
}

/* Every attempt that did not simply work, in order. */
static void tries(yyjson_val *step, struct pawl_buf *out)
{
    yyjson_val *list = yyjson_obj_get(step, "tries"), *try;
    const bool key = text(step, "key").p != NULL && is(step, "kind", "tool");
    const size_t count = yyjson_arr_size(list);
    size_t i, n;
    yyjson_arr_foreach(list, i, n, try)
    {
        const struct pawl_str message = text(try, "message"), class_name = text(try, "class");
        const bool last = i + 1 == count;
        if (last && (is(step, "state", "done") || is(step, "state", "failed"))) return;
        if (last && !message.n && !class_name.n) return;
        arrow(out);
        if (message.n) pawl_shown(message, TRY_SHOWN, out);
        else if (class_name.n) pawl_shown(class_name, TRY_SHOWN, out);
        else pawl_buf_text(out, "pawl ended before an answer came");
        if (last) return;
        if (text(yyjson_arr_get(list, i + 1), "model").n) {
            pawl_buf_text(out, " → asked ");
            pawl_shown(text(yyjson_arr_get(list, i + 1), "model"), 40, out);
        } else {
            pawl_buf_text(out, key ? " → same key again" : " → again");
        }
        after(try, yyjson_arr_get(list, i + 1), out);
    }
}

static void answered(yyjson_val *step, struct pawl_buf *out)
{
    yyjson_val *a = yyjson_obj_get(step, "answered"), *asked = yyjson_obj_get(step, "asked");
    const int64_t from = pawl_json_i64(asked, "at_ns", 0), at = pawl_json_i64(a, "at_ns", 0);
    const struct pawl_str by = text(a, "by"), word = text(a, "answer"), reason = text(a, "reason");
    if (!a) return;
    comma(out);
    if (pawl_str_is(word, "not_happened")) pawl_buf_text(out, "it had not happened");
    else if (pawl_str_is(word, "happened")) pawl_buf_text(out, "it had happened");
    else pawl_shown(word, 20, out);
    if (pawl_str_is(by, "expiry")) pawl_buf_text(out, " (nobody answered in time)");
    else if (pawl_str_is(by, cli_user())) pawl_buf_text(out, " (you)");
    else if (by.n) pawl_buf_text(out, " ("), pawl_shown(by, 40, out), pawl_buf_text(out, ")");
    if (reason.n) pawl_buf_text(out, ", “"), pawl_shown(reason, 60, out), pawl_buf_text(out, "”");
    if (from && at >= from) pawl_buf_text(out, " after "), cli_duration(at - from, out);
}

static void decided(yyjson_val *step, struct pawl_buf *out)
{
    yyjson_val *calls = yyjson_obj_get(step, "calls"), *call;
    const struct pawl_str said = text(step, "said");
    size_t i, n;
    if (yyjson_arr_size(calls)) {
        comma(out);
        pawl_buf_text(out, "decided: ");
    }
    yyjson_arr_foreach(calls, i, n, call)
    {
        if (i) pawl_buf_text(out, ", ");
        pawl_shown(text(call, "name"), 40, out);
        pawl_buf_char(out, ' ');
        brief(yyjson_obj_get(call, "args"), out);
    }
    if (said.n && !yyjson_arr_size(calls)) {
        comma(out);
        pawl_buf_text(out, "“");
        pawl_shown(said, SAID_SHOWN, out);
        pawl_buf_text(out, "”");
    }
}

static void result(yyjson_val *step, struct pawl_buf *out)
{
    yyjson_val *v = yyjson_obj_get(step, "result");
    struct pawl_buf json;
    if (!v) return;
    arrow(out);
    if (yyjson_is_obj(v) && yyjson_obj_size(v) <= 4) {
        yyjson_val *name, *value;
        size_t i, n;
        bool more = false;
        yyjson_obj_foreach(v, i, n, name, value)
        {
            const struct pawl_str word = pawl_json_value_str(value);
            yyjson_val *said =
                yyjson_obj_getn(yyjson_obj_get(step, "args"), yyjson_get_str(name), yyjson_get_len(name));
            if (said && pawl_json_equal(said, value)) continue; /* it only repeats what was asked */
            if (word.n && pawl_str_eq(word, text(step, "key"))) continue;
            if (more) pawl_buf_text(out, ", ");
            more = true;
            pawl_shown(pawl_json_value_str(name), 30, out);
            pawl_buf_char(out, ' ');
            if (yyjson_is_str(value)) pawl_shown(word, 60, out);
            else if (yyjson_is_ctn(value)) pawl_buf_text(out, "…");
            else brief(value, out);
        }
        if (!more) pawl_buf_text(out, "done");
        return;
    }
    pawl_buf_init(&json, out->arena->from);
    pawl_json_write(v, &json);
    pawl_shown((struct pawl_str){json.p ? json.p : "", (uint32_t)json.n}, 160, out);
    pawl_buf_fini(&json);
}

/* It was accepted; who told how it ended. */
static void heard(yyjson_val *step, struct pawl_buf *out)
{
    yyjson_val *list = yyjson_obj_get(step, "heard"), *h;
    const struct pawl_str from = text(step, "from");
    size_t i, n;
    bool accepted = false;
    yyjson_arr_foreach(list, i, n, h) accepted = accepted || is(h, "what", "accepted");
    if (accepted) arrow(out), pawl_buf_text(out, "accepted (202)");
    if (pawl_str_is(from, "monitor")) arrow(out), pawl_buf_text(out, "asked its monitor");
    else if (pawl_str_is(from, "callback")) arrow(out), pawl_buf_text(out, "called back");
    else if (accepted && is(step, "state", "intended")) pawl_buf_text(out, ", its end is awaited");
}

/* What its contract's checks did not find as it should be. */
static void checks(yyjson_val *step, struct pawl_buf *out)
{
    yyjson_val *list = yyjson_obj_get(step, "checks"), *check;
    size_t i, n;
    yyjson_arr_foreach(list, i, n, check)
    {
        if (!text(check, "then").n || is(step, "state", "failed")) continue; /* there it is the message */
        pawl_buf_text(out, "; check ");
        pawl_shown(text(check, "name"), 40, out);
        pawl_buf_text(out, is(check, "found", "not known") ? ": " : " does not hold: ");
        pawl_shown(text(check, "says"), 160, out);
    }
}

/* What a second opinion comes to; of one that failed the step says why. */
static void verdict(yyjson_val *step, struct pawl_buf *out)
{
    const struct pawl_str reason = text(step, "reason");
    if (!text(step, "verdict").n || is(step, "state", "failed")) return;
    arrow(out);
    pawl_shown(is(step, "verdict", "failed") ? PAWL_STR("no opinion") : text(step, "verdict"), 20, out);
    if (reason.n) pawl_buf_text(out, ": "), pawl_shown(reason, 160, out);
}

static void late(yyjson_val *step, struct pawl_buf *out)
{
    yyjson_val *list = yyjson_obj_get(step, "heard"), *h;
    size_t i, n;
    yyjson_arr_foreach(list, i, n, h)
    {
        if (!is(h, "what", "late")) continue;
        pawl_buf_text(out, "; called back too late: ");
        pawl_shown(text(h, "says"), 20, out);
    }
}

static void ending(yyjson_val *step, struct pawl_buf *out)
{
    const int64_t same = pawl_json_i64(step, "same_as", 0);
    yyjson_val *first = yyjson_obj_get(step, "first");
    heard(step, out);
    if (is(step, "state", "failed")) {
        arrow(out);
        pawl_shown(text(step, "class"), 40, out);
        pawl_buf_text(out, ": ");
        pawl_shown(text(step, "message"), 200, out);
        if (pawl_json_bool(step, "applied", false)) pawl_buf_text(out, " (it did happen)");
    } else if (is(step, "state", "in_doubt")) {
        arrow(out);
        pawl_buf_text(out, "in doubt");
    } else if (is(step, "state", "asked")) {
        comma(out);
        pawl_buf_text(out, "waits for a yes or no");
    } else if (is(step, "state", "done") && same) {
        arrow(out);
        pawl_buf_printf(out, "not sent: same as step %lld", (long long)same);
    } else if (is(step, "state", "done") && first && !yyjson_obj_get(step, "intended_ns")) {
        arrow(out);
        pawl_buf_printf(out, "not sent: step %lld of another run did it", (long long)pawl_json_i64(first, "step", 0));
    } else if (is(step, "state", "done") && !speaks(step)) {
        if (is(step, "from", "verify")) arrow(out), pawl_buf_text(out, "read back: it had happened");
        result(step, out);
        if (text(step, "note").n)
            pawl_buf_text(out, " ("), pawl_shown(text(step, "note"), 100, out), pawl_buf_char(out, ')');
        if (is(step, "verified", "differs")) pawl_buf_text(out, " (read back: it is not as expected)");
        else if (is(step, "verified", "yes")) pawl_buf_text(out, " (read back: so it is)");
    }
    if (is(step, "looked_back", "yes")) pawl_buf_text(out, " (read back later: so it is)");
    else if (is(step, "looked_back", "differs")) pawl_buf_text(out, " (read back later: it is not as expected)");
    checks(step, out);
    verdict(step, out);
    late(step, out);
    if (pawl_json_bool(step, "undone", false)) pawl_buf_text(out, "; undone later");
    if (pawl_json_bool(step, "aside", false)) pawl_buf_text(out, "; set aside by a retry");
    if (pawl_json_bool(step, "edited", false)) pawl_buf_text(out, "; its arguments were changed by a person");
    if (pawl_json_bool(step, "undo_failed", false)) pawl_buf_text(out, "; its undo failed");
    if (pawl_json_i64(step, "on", 0)) pawl_buf_printf(out, " (on step %lld)", (long long)pawl_json_i64(step, "on", 0));
    if (pawl_json_i64(step, "undoes", 0))
        pawl_buf_printf(out, "; undoes step %lld", (long long)pawl_json_i64(step, "undoes", 0));
}

static enum cli_colour colour_of(yyjson_val *step)
{
    if (is(step, "state", "failed")) return CLI_RED;
    if (is(step, "state", "in_doubt") || is(step, "state", "asked")) return CLI_YELLOW;
    return CLI_PLAIN;
}

/* What became of it, on the line or, where that is narrow, below it. */
static void step_note(struct cli *c, yyjson_val *step, struct pawl_buf *note, uint32_t column)
{
    const bool below = c->width && c->width < NARROW;
    const enum cli_colour colour = colour_of(step);
    if (note->n && below) cli_text(c, CLI_PLAIN, "\n     ");
    else if (note->n) cli_text(c, CLI_PLAIN, "  ");
    if (colour) cli_colour(c, colour);
    if (note->n && below) cli_wrap(c, pawl_buf_done(note), 5, 5);
    else if (note->n) cli_wrap(c, pawl_buf_done(note), column, column);
    if (colour) cli_colour(c, CLI_PLAIN);
    cli_text(c, CLI_PLAIN, "\n");
}

void cli_pruned(yyjson_val *pruned, struct pawl_buf *out)
{
    yyjson_val *tokens = yyjson_obj_get(pruned, "tokens"), *summarize = yyjson_obj_get(pruned, "summarize");
    const int64_t results = pawl_json_i64(pruned, "results_to", 0), left = pawl_json_i64(pruned, "left_out_to", 0);
    const int64_t summary = pawl_json_i64(pruned, "summary", 0);
    pawl_buf_printf(out, "the conversation is told in fewer words, about %lld tokens instead of %lld (limit %lld): ",
                    (long long)pawl_json_i64(tokens, "after", 0), (long long)pawl_json_i64(tokens, "before", 0),
                    (long long)pawl_json_i64(tokens, "limit", 0));
    pawl_shown(text(pruned, "why"), 300, out);
    if (results > left)
        pawl_buf_printf(out, "; long answers of tools up to step %lld are a line each", (long long)results);
    if (left) pawl_buf_printf(out, "; what stands up to step %lld is left out", (long long)left);
    if (left && summary) pawl_buf_printf(out, ", and summed up by step %lld", (long long)summary);
    if (summarize) {
        pawl_buf_text(out, "; then ");
        pawl_shown(text(summarize, "model"), 60, out);
        pawl_buf_printf(out, " sums up what stands up to step %lld", (long long)pawl_json_i64(summarize, "to", 0));
    }
}

void cli_step_line(struct cli *c, yyjson_val *step)
{
    const uint32_t width = c->width ? c->width : 120;
    const uint32_t name_columns = width < NARROW ? (width > 31 ? width - 21 : 10)
                                  : width < 90   ? 22
                                  : width < 140  ? 30
                                                 : 40;
    struct pawl_buf name, time, note;
    pawl_buf_init_arena(&name, &c->arena);
    pawl_buf_init_arena(&time, &c->arena);
    pawl_buf_init_arena(&note, &c->arena);
    pawl_shown(text(step, "name"), 60, &name);
    if (!speaks(step)) {
        pawl_buf_char(&name, ' ');
        brief(yyjson_obj_get(step, "args"), &name);
    }
    if (yyjson_obj_get(step, "ms")) cli_duration(pawl_json_i64(step, "ms", 0) * 1000000, &time);
    else pawl_buf_text(&time, "–");
    answered(step, &note);
    tries(step, &note);
    if (speaks(step) && is(step, "state", "done") && !text(step, "verdict").n) decided(step, &note);
    ending(step, &note);
    cli_printf(c, "%3lld  ", (long long)pawl_json_i64(step, "step", 0));
    cli_column(c, CLI_DIM,
               is(step, "kind", "summary")   ? PAWL_STR("recap")
               : is(step, "kind", "opinion") ? PAWL_STR("judge")
                                             : text(step, "kind"),
               6);
    cli_column(c, CLI_PLAIN, pawl_buf_done(&name), name_columns);
    for (uint32_t i = cli_columns(pawl_buf_done(&time)); i < 9; i++) pawl_buf_char(&c->out, ' ');
    cli_text(c, CLI_DIM, time.p ? time.p : "");
    step_note(c, step, &note, 11 + name_columns + 11);
}

/* A label and what it labels, which keeps to its column. */
static void labelled(struct cli *c, uint32_t indent, const char *label, yyjson_val *v, size_t max_bytes)
{
    struct pawl_buf json, shown;
    pawl_buf_init_arena(&json, &c->arena);
    pawl_buf_init_arena(&shown, &c->arena);
    if (!yyjson_is_str(v)) pawl_json_write(v, &json);
    pawl_shown(yyjson_is_str(v) ? pawl_json_value_str(v) : pawl_buf_done(&json), max_bytes, &shown);
    for (uint32_t i = 0; i < indent; i++) pawl_buf_char(&c->out, ' ');
    cli_column(c, CLI_DIM, pawl_str_of(label), 9);
    cli_wrap(c, pawl_buf_done(&shown), indent + 9, indent + 9);
    cli_text(c, CLI_PLAIN, "\n");
}

static void detail(struct cli *c, const char *label, yyjson_val *v)
{
    if (v) labelled(c, 5, label, v, DETAIL_SHOWN);
}

void cli_step_detail(struct cli *c, yyjson_val *step)
{
    if (!yyjson_obj_get(step, "args") && !yyjson_obj_get(step, "said") && !yyjson_obj_get(step, "message")) return;
    cli_printf(c, "%3lld  ", (long long)pawl_json_i64(step, "step", 0));
    cli_shown(c, CLI_BOLD, text(step, "name"), 60);
    if (text(step, "effect").p) cli_text(c, CLI_DIM, "  "), cli_shown(c, CLI_DIM, text(step, "effect"), 20);
    cli_text(c, CLI_PLAIN, "\n");
    detail(c, "args", yyjson_obj_get(step, "args"));
    detail(c, "asked", yyjson_obj_get(step, "args_said"));
    detail(c, "request", yyjson_obj_get(step, "request"));
    detail(c, "key", yyjson_obj_get(step, "key"));
    detail(c, "said", yyjson_obj_get(step, "said"));
    if (!yyjson_obj_get(step, "same_as")) detail(c, "result", yyjson_obj_get(step, "result"));
    detail(c, "message", yyjson_obj_get(step, "message"));
}

/* What the model said to it, what was changed of it, and whose word it needs. */
static void why_and_who(struct cli *c, yyjson_val *step, yyjson_val *asked)
{
    yyjson_val *because = yyjson_obj_get(asked, "because"), *approvers = yyjson_obj_get(asked, "approvers"), *yes, *v;
    const int64_t quorum = pawl_json_i64(asked, "quorum", 1);
    struct pawl_buf b;
    size_t i, n;
    if (because) labelled(c, 4, "because", because, 600);
    if (yyjson_obj_get(step, "args_said")) labelled(c, 4, "asked", yyjson_obj_get(step, "args_said"), 600);
    if (quorum == 1 && !approvers) return;
    pawl_buf_init_arena(&b, &c->arena);
    if (quorum > 1) pawl_buf_printf(&b, "%lld of ", (long long)quorum);
    if (!approvers) pawl_buf_text(&b, "you");
    yyjson_arr_foreach(approvers, i, n, v)
    {
        pawl_buf_text(&b, i ? ", " : "");
        pawl_shown(pawl_json_value_str(v), 60, &b);
    }
    yes = yyjson_obj_get(asked, "yes");
    yyjson_arr_foreach(yes, i, n, v)
    {
        pawl_buf_text(&b, i ? ", " : "; yes so far: ");
        pawl_shown(pawl_json_value_str(v), 60, &b);
    }
    for (i = 0; i < 4; i++) pawl_buf_char(&c->out, ' ');
    cli_column(c, CLI_DIM, pawl_str_of("who"), 9);
    cli_shown(c, CLI_PLAIN, pawl_buf_done(&b), 400);
    cli_text(c, CLI_PLAIN, "\n");
}

void cli_call_exact(struct cli *c, yyjson_val *step)
{
    yyjson_val *request = yyjson_obj_get(step, "request"), *asked = yyjson_obj_get(step, "asked"), *name, *value;
    yyjson_val *http = yyjson_obj_get(request, "http"), *command = yyjson_obj_get(request, "command");
    const int64_t expires = pawl_json_i64(asked, "expires_ns", 0);
    struct pawl_buf time;
    size_t i, n;
    const bool about_run = is(step, "kind", "gate");
    cli_text(c, CLI_PLAIN, "\n");
    cli_text(c, CLI_YELLOW, "? ");
    cli_printf(c, about_run ? "step %lld asks about the run: " : "step %lld wants to call ",
               (long long)pawl_json_i64(step, "step", 0));
    cli_shown(c, CLI_BOLD, text(step, "name"), 60);
    if (text(step, "effect").p) cli_text(c, CLI_PLAIN, ", "), cli_shown(c, CLI_PLAIN, text(step, "effect"), 20);
    yyjson_arr_foreach(yyjson_obj_get(asked, "why"), i, n, value)
    {
        const long long first = (long long)pawl_json_i64(yyjson_obj_get(step, "first"), "step", 0);
        const char *whose = pawl_json_bool(yyjson_obj_get(step, "first"), "here", false) ? "" : " of another run";
        if (yyjson_equals_str(value, "repeat")) cli_printf(c, ", although step %lld%s did the same", first, whose);
        if (yyjson_equals_str(value, "conflict")) cli_printf(c, ", and step %lld%s did it otherwise", first, whose);
    }
    cli_text(c, CLI_PLAIN, "\n");
    if (yyjson_obj_get(asked, "says")) labelled(c, 4, "why", yyjson_obj_get(asked, "says"), 600);
    why_and_who(c, step, asked);
    if (about_run) request = NULL;
    if (yyjson_is_obj(http) || yyjson_is_obj(command)) request = yyjson_is_obj(http) ? http : command;
    yyjson_obj_foreach(request, i, n, name, value)
    {
        labelled(c, 4, yyjson_get_str(name), value, SIZE_MAX);
    }
    if (!expires) return;
    pawl_buf_init_arena(&time, &c->arena);
    cli_time(expires, &time);
    cli_printf(c, "    ");
    cli_column(c, CLI_DIM, pawl_str_of("until"), 9);
    cli_shown(c, CLI_PLAIN, pawl_buf_done(&time), 60);
    cli_text(c, CLI_DIM, pawl_str_is(text(asked, "then"), "approve") ? ", then yes\n" : ", then no\n");
}
