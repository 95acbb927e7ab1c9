/* src/cli/live.c - a run followed to its end, or to where it waits for a person, who is asked where there is one.
 *
 * A line comes when its step's end is durable, not before. The lines of `follow` carry the records; a view of those so
 * far is what each step is printed from, so that a run looks the same now and in `pawl show`. */
#include <errno.h>
#include <string.h>
#include "cli/cli.h"
#include "contract/shown.h"
#include "host/view.h"

enum { RECORDS_MAX = 100000, SAID_BYTES = 240 };

struct live {
    struct cli *c;
    struct pawl_arena arena; /* records, for as long as the run is followed */
    struct pawl_record *records;
    uint32_t count, size;
    struct pawl_id run;
    uint64_t shown_seq;         /* steps that ended up to here are not printed */
    bool status_line, troubled; /* troubled: it was told that the store cannot write */
    struct { /* what is under way, and what its model has said so far: provisional, until the step's end is durable */
        int64_t step, attempt;
        char kind[8], name[40], said[SAID_BYTES];
        size_t said_bytes;
    } now;
};

static void clear_status(struct live *l)
{
    if (l->status_line) pawl_buf_text(&l->c->out, "\r\x1b[K");
    l->status_line = false;
}

static bool keep(struct live *l, yyjson_val *r)
{
    struct pawl_record *to;
    struct pawl_buf body;
    if (l->count == RECORDS_MAX) return false;
    if (l->count == l->size) {
        const uint32_t size = l->size ? l->size * 2 : 64;
        struct pawl_record *p = pawl_arena_zeroed(&l->arena, size * sizeof *p);
        if (!p) return false;
        if (l->count) memcpy(p, l->records, l->count * sizeof *p);
        l->records = p;
        l->size = size;
    }
    pawl_buf_init_arena(&body, &l->arena);
    pawl_json_write(yyjson_obj_get(r, "body"), &body);
    to = &l->records[l->count];
    *to = (struct pawl_record){.run = l->run,
                               .seq = (uint64_t)pawl_json_i64(r, "seq", 0),
                               .at_ns = pawl_json_i64(r, "at_ns", 0),
                               .kind = pawl_kind_of(pawl_json_str(r, "kind")),
                               .step = (uint32_t)pawl_json_i64(r, "step", 0),
                               .cause = (uint64_t)pawl_json_i64(r, "cause", 0),
                               .body = pawl_buf_done(&body)};
    if (to->seq != l->count + 1u || !to->body.p) return to->seq <= l->count;
    l->count++;
    return true;
}

static yyjson_val *view_of(struct live *l, struct pawl_arena *a)
{
    const struct pawl_head head = {.run = l->run, .seq = UINT64_MAX};
    struct pawl_buf text;
    yyjson_val *view;
    pawl_buf_init_arena(&text, a);
    if (pawl_view_write(NULL, (struct pawl_str){NULL, 0}, &head, l->records, l->count, &text, NULL)) return NULL;
    return pawl_json_read(pawl_buf_done(&text), a, &view, NULL) == PAWL_OK ? view : NULL;
}

static void json_step(struct cli *c, yyjson_val *step)
{
    pawl_buf_text(&c->out, "{\"step\":");
    pawl_json_write(step, &c->out);
    pawl_buf_text(&c->out, "}\n");
}

static void step_ended(struct live *l, uint32_t number)
{
    struct pawl_arena a;
    yyjson_val *view, *step;
    size_t i, n;
    pawl_arena_init(&a, l->arena.from);
    view = view_of(l, &a);
    yyjson_arr_foreach(yyjson_obj_get(view, "steps"), i, n, step)
    {
        if (pawl_json_i64(step, "step", 0) != number) continue;
        if (l->c->opt[OPT_JSON]) json_step(l->c, step);
        else cli_step_line(l->c, step);
    }
    pawl_arena_fini(&a);
}

/* As much of the end of what was said as has room, from the beginning of a character. */
static struct pawl_str last_of(const struct live *l, uint32_t columns)
{
    size_t from = l->now.said_bytes > columns ? l->now.said_bytes - columns : 0;
    while (from < l->now.said_bytes && ((unsigned char)l->now.said[from] & 0xc0) == 0x80) from++;
    return (struct pawl_str){l->now.said + from, (uint32_t)(l->now.said_bytes - from)};
}

/* What is under way, in a line that the next one takes the place of. */
static void draw_status(struct live *l)
{
    struct cli *c = l->c;
    struct pawl_buf said;
    uint32_t room = 30 + cli_columns(pawl_str_of(l->now.name));
    if (!c->terminal || c->opt[OPT_JSON]) return;
    clear_status(l);
    cli_printf(c, "%3lld  ", (long long)l->now.step);
    cli_column(c, CLI_DIM, pawl_str_of(l->now.kind), 6);
    cli_shown(c, CLI_CYAN, pawl_str_of(l->now.name), c->width < 60 ? 14 : 30); /* it must stay on its line */
    if (l->now.attempt > 1) cli_printf(c, ", attempt %lld", (long long)l->now.attempt);
    cli_text(c, CLI_DIM, " …");
    l->status_line = true;
    if (!l->now.said_bytes || c->width <= room + 10) return;
    pawl_buf_init(&said, c->arena.from);
    pawl_shown(last_of(l, c->width - room), SAID_BYTES, &said);
    cli_text(c, CLI_PLAIN, " ");
    cli_text(c, CLI_DIM, pawl_buf_done(&said).p ? said.p : "");
    pawl_buf_fini(&said);
}

static void copy(char *out, size_t bytes, struct pawl_str s)
{
    snprintf(out, bytes, "%.*s", (int)s.n, s.p ? s.p : "");
}

static void tell_status(struct live *l, int64_t step, struct pawl_str kind, struct pawl_str name, int64_t attempt)
{
    if (l->now.step != step || attempt > 1) l->now.said_bytes = 0;
    l->now.step = step;
    l->now.attempt = attempt;
    copy(l->now.kind, sizeof l->now.kind, kind);
    copy(l->now.name, sizeof l->now.name, name);
    draw_status(l);
}

/* A piece of what the model says: the end of it is kept. */
static void on_text(struct live *l, yyjson_val *v)
{
    const struct pawl_str piece = pawl_json_str(v, "text");
    const size_t n = piece.n < SAID_BYTES ? piece.n : SAID_BYTES, keep = SAID_BYTES - n;
    if (pawl_json_i64(v, "step", 0) != l->now.step) return;
    if (l->now.said_bytes > keep) {
        memmove(l->now.said, l->now.said + (l->now.said_bytes - keep), keep);
        l->now.said_bytes = keep;
    }
    memcpy(l->now.said + l->now.said_bytes, piece.p + (piece.n - n), n);
    l->now.said_bytes += n;
    draw_status(l);
}

/* The step is made again: what was shown of it is void (LEDGER 12), and struck out where it stood. */
static void on_restarted(struct live *l)
{
    struct cli *c = l->c;
    struct pawl_buf said;
    if (!c->terminal || c->opt[OPT_JSON] || !l->now.said_bytes) return;
    clear_status(l);
    pawl_buf_init(&said, c->arena.from);
    pawl_shown(last_of(l, c->width > 40 ? c->width - 30 : 10), SAID_BYTES, &said);
    cli_printf(c, "%3lld  ", (long long)l->now.step);
    pawl_buf_text(&c->out, c->colour ? "\x1b[9m" : "");
    cli_text(c, CLI_PLAIN, pawl_buf_done(&said).p ? said.p : "");
    pawl_buf_text(&c->out, c->colour ? "\x1b[0m" : "");
    cli_text(c, CLI_DIM, " void: asked again\n");
    pawl_buf_fini(&said);
    l->now.said_bytes = 0;
}

static void on_attempt(struct live *l, yyjson_val *a)
{
    tell_status(l, pawl_json_i64(a, "step", 0), pawl_json_str(a, "kind"), pawl_json_str(a, "name"),
                pawl_json_i64(a, "attempt", 1));
}

/* Nobody is needed for it, and it may take its time. */
static void accepted(struct live *l, uint32_t step, yyjson_val *body)
{
    struct cli *c = l->c;
    struct pawl_buf until;
    if (c->opt[OPT_JSON]) return;
    pawl_buf_init(&until, c->arena.from);
    cli_time(pawl_json_i64(body, "until", 0), &until);
    cli_printf(c, "%3u  accepted; %s until %s", step,
               yyjson_obj_get(body, "monitor") ? "its monitor is asked"
                                               : "it calls back, and pawl serve must be there to hear it:",
               pawl_buf_done(&until).p ? until.p : "");
    cli_text(c, CLI_PLAIN, "\n");
    pawl_buf_fini(&until);
}

static void on_record(struct live *l, yyjson_val *r)
{
    yyjson_val *body = yyjson_obj_get(r, "body");
    const struct pawl_record *last;
    const uint32_t before = l->count;
    l->troubled = false;
    if (!keep(l, r) || l->count == before) return;
    last = &l->records[l->count - 1];
    if (last->seq <= l->shown_seq) return;
    clear_status(l);
    if (last->kind == PAWL_STEP_COMPLETED || last->kind == PAWL_STEP_FAILED || last->kind == PAWL_STEP_IN_DOUBT)
        step_ended(l, last->step);
    if (last->kind == PAWL_STEP_ACCEPTED) accepted(l, last->step, body);
    if (last->kind == PAWL_STEP_INTENDED) /* it may have left before we listened */
        tell_status(l, last->step, pawl_json_str(body, "kind"), pawl_json_str(body, "name"), 1);
}

/* The store cannot write: nothing moves on until it can. Said once, then the work goes on by itself. */
static void on_trouble(struct live *l, yyjson_val *trouble)
{
    struct pawl_buf b;
    const struct pawl_str next = pawl_json_str(trouble, "next");
    if (l->troubled) return;
    l->troubled = true;
    clear_status(l);
    if (l->c->opt[OPT_JSON]) {
        pawl_buf_text(&l->c->out, "{\"trouble\":");
        pawl_json_write(trouble, &l->c->out);
        pawl_buf_text(&l->c->out, "}\n");
    }
    cli_flush(l->c);
    pawl_buf_init(&b, l->arena.from);
    pawl_buf_text(&b, "pawl: nothing can be stored, so nothing goes on: ");
    pawl_shown(pawl_json_str(trouble, "what"), 300, &b);
    pawl_buf_text(&b, "\n  at ");
    pawl_shown(pawl_json_str(trouble, "where"), 300, &b);
    pawl_buf_text(&b, "\n→ ");
    pawl_shown(next.n ? next : PAWL_STR("look after the disk"), 300, &b);
    if (pawl_buf_done(&b).p) fprintf(stderr, "%s; it is tried again every second\n", b.p);
    pawl_buf_fini(&b);
}

static int on_line(void *ctx, const char *json, size_t bytes)
{
    struct live *l = ctx;
    struct pawl_arena a;
    yyjson_val *v;
    pawl_arena_init(&a, l->arena.from);
    if (pawl_json_read((struct pawl_str){json, (uint32_t)bytes}, &a, &v, NULL) == PAWL_OK) {
        if (yyjson_obj_get(v, "record")) on_record(l, yyjson_obj_get(v, "record"));
        else if (yyjson_obj_get(v, "text")) on_text(l, v);
        else if (yyjson_obj_get(v, "trouble")) on_trouble(l, yyjson_obj_get(v, "trouble"));
        if (yyjson_obj_get(v, "restarted")) on_restarted(l);
        if (yyjson_obj_get(v, "attempt")) on_attempt(l, yyjson_obj_get(v, "attempt"));
        if (pawl_json_bool(v, "last", false)) clear_status(l);
    }
    pawl_arena_fini(&a);
    return !cli_flush(l->c);
}

int cli_exit_of(yyjson_val *view)
{
    const struct pawl_str status = pawl_json_str(view, "status"), waiting = pawl_json_str(view, "waiting");
    const struct pawl_str class_name = pawl_json_str(view, "class");
    if (pawl_str_is(status, "done")) return CLI_DONE;
    if (pawl_str_is(waiting, "doubt")) return CLI_DOUBT;
    if (pawl_str_is(waiting, "step")) return CLI_INTERRUPTED; /* for no person */
    if (pawl_str_is(status, "waiting") || (pawl_str_is(status, "ending") && waiting.p)) return CLI_WAITING;
    if (pawl_str_is(class_name, "guard_stopped") || pawl_str_is(class_name, "budget_exceeded") ||
        pawl_str_is(class_name, "deadline_exceeded"))
        return CLI_GUARD;
    return pawl_str_is(status, "running") || pawl_str_is(status, "ending") ? CLI_INTERRUPTED : CLI_FAILED;
}

static int show_view(struct cli *c, const char *run, int64_t at, bool whole, yyjson_val **view)
{
    struct pawl_buf b;
    struct pawl_json_writer w;
    yyjson_val *last = NULL;
    int rc;
    cli_begin(c, &b, &w, "show", run);
    if (at) pawl_jw_key(&w, "at"), pawl_jw_i64(&w, at);
    if (whole) pawl_jw_key(&w, "whole"), pawl_jw_bool(&w, true);
    rc = cli_ask(c, &b, &last);
    *view = yyjson_obj_get(last, "view");
    return rc ? rc : *view ? PAWL_OK : PAWL_EINTERNAL;
}

int cli_show_view(struct cli *c, const char *run, int64_t at, yyjson_val **view)
{
    return show_view(c, run, at, false, view);
}

int cli_whole_view(struct cli *c, const char *run, yyjson_val **view)
{
    return show_view(c, run, 0, true, view);
}

static int answer(struct cli *c, const char *run, yyjson_val *step, bool yes, const char *reason)
{
    struct pawl_buf b;
    struct pawl_json_writer w;
    cli_begin(c, &b, &w, yes ? "approve" : "deny", run);
    pawl_jw_key(&w, "step");
    pawl_jw_i64(&w, pawl_json_i64(step, "step", 0));
    pawl_jw_key(&w, "digest");
    pawl_jw_str(&w, pawl_json_str(yyjson_obj_get(step, "asked"), "digest"));
    if (reason && *reason) cli_put(&w, "reason", reason);
    cli_put_id(&w, NULL);
    cli_put(&w, "by", cli_user());
    return cli_ask(c, &b, NULL);
}

int cli_ask_person(struct cli *c, const char *run, yyjson_val *view, uint32_t only_step)
{
    yyjson_val *whole = NULL;
    yyjson_val *step;
    int all = 1;
    size_t i, n;
    if (cli_whole_view(c, run, &whole) == PAWL_OK) view = whole; /* who answers sees exactly what is sent */
    yyjson_arr_foreach(yyjson_obj_get(view, "steps"), i, n, step)
    {
        char line[512], reason[400] = "";
        if (!pawl_str_is(pawl_json_str(step, "state"), "asked")) continue;
        if (only_step && pawl_json_i64(step, "step", 0) != only_step) continue;
        cli_call_exact(c, step);
        do {
            if (!cli_line(c,
                          pawl_str_is(pawl_json_str(step, "kind"), "gate")
                              ? "  may it go on? y yes, n no, enter decides later: "
                              : "  send it? y yes, n no, enter decides later: ",
                          line, sizeof line))
                line[0] = 0;
        } while (line[0] && !strchr("ynYN", line[0]));
        if (!line[0]) {
            all = 0;
            continue;
        }
        if (strchr("nN", line[0]) &&
            !cli_line(c, "  why? (the agent is told; enter: no reason) ", reason, sizeof reason))
            reason[0] = 0;
        if (answer(c, run, step, strchr("yY", line[0]) != NULL, reason)) return -1;
    }
    return all;
}

/* A conversation goes on at the terminal. false: not here, not now. */
static bool next_message(struct cli *c, const char *run, yyjson_val *view)
{
    char line[16384];
    struct pawl_buf b;
    struct pawl_json_writer w;
    if (!c->person || c->opt[OPT_JSON] || !pawl_str_is(pawl_json_str(view, "waiting"), "message")) return false;
    do {
        if (!cli_line(c, "you> ", line, sizeof line)) return cli_text(c, CLI_PLAIN, "\n"), false;
    } while (!line[0]);
    cli_begin(c, &b, &w, "send", run);
    cli_put(&w, "text", line);
    cli_put_id(&w, NULL);
    return cli_ask(c, &b, NULL) == PAWL_OK;
}

static void tell_end(struct cli *c, yyjson_val *view)
{
    const struct pawl_str status = pawl_json_str(view, "status"), id = pawl_json_str(view, "run");
    yyjson_val *output = yyjson_obj_get(view, "output");
    const int64_t ended = pawl_json_i64(view, "ended_ns", 0);
    struct pawl_buf b;
    char name[37];
    cli_short(c, id, name);
    pawl_buf_init_arena(&b, &c->arena);
    pawl_buf_printf(&b, "run %s  ", name);
    if (pawl_str_is(status, "done")) {
        pawl_buf_text(&b, "done in ");
        cli_duration(ended - pawl_json_i64(view, "created_ns", 0), &b);
        cli_text(c, CLI_GREEN, pawl_buf_done(&b).p);
        cli_text(c, CLI_PLAIN, "\n");
        if (yyjson_is_str(output)) {
            cli_lines(c, pawl_json_value_str(output));
        } else if (output) {
            pawl_json_write(output, &c->out);
            cli_text(c, CLI_PLAIN, "\n");
        }
        return;
    }
    pawl_shown(pawl_json_str(view, "sentence"), 600, &b);
    cli_wrap(c, pawl_buf_done(&b), 2, 0);
    cli_text(c, CLI_PLAIN, "\n");
    cli_next(c, view);
}

static void json_end(struct cli *c, yyjson_val *view)
{
    static const char *const names[] = {"run",       "agent", "key",    "status", "waiting", "created_ns", "ended_ns",
                                        "active_ns", "lives", "output", "class",  "message", "sentence",   "next"};
    struct pawl_json_writer w = {.out = &c->out};
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "end");
    pawl_jw_open(&w, '{');
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        yyjson_val *v = yyjson_obj_get(view, names[i]);
        if (v) pawl_jw_key(&w, names[i]), pawl_jw_value(&w, v);
    }
    pawl_jw_close(&w, '}');
    pawl_jw_close(&w, '}');
    pawl_buf_char(&c->out, '\n');
}

static int follow_once(struct live *l, const char *run, struct pawl_error *err)
{
    struct pawl_buf b;
    struct pawl_json_writer w;
    int rc;
    cli_begin(l->c, &b, &w, "follow", run);
    pawl_jw_key(&w, "from");
    pawl_jw_i64(&w, (int64_t)l->count + 1);
    pawl_jw_close(&w, '}');
    rc = pawl_buf_done(&b).p ? pawl_call(l->c->p, b.p, on_line, l, err) : PAWL_ENOMEM;
    clear_status(l);
    cli_flush(l->c);
    return rc;
}

/* Not to its end, nor to where it waits. */
static int parted(struct cli *c, const char *run)
{
    char name[37];
    cli_short(c, pawl_str_of(run), name);
    if (pawl_owns(c->p)) fprintf(stderr, "pawl: parked; nothing is lost\n→ pawl resume %s\n", name);
    else fprintf(stderr, "pawl: the run is not followed any more, and goes on where it runs\n→ pawl follow %s\n", name);
    return CLI_INTERRUPTED;
}

static bool goes_on(yyjson_val *view)
{
    const struct pawl_str status = pawl_json_str(view, "status");
    return pawl_str_is(status, "running") || (pawl_str_is(status, "ending") && !pawl_json_str(view, "waiting").p);
}

static int live_loop(struct live *l, const char *run)
{
    struct cli *c = l->c;
    for (;;) {
        struct pawl_error err = {0};
        yyjson_val *view = NULL;
        int rc = follow_once(l, run, &err);
        const bool interrupted = rc == PAWL_ECANCELLED;
        if (c->closed) return parted(c, run);
        if (rc && !interrupted) return cli_error(c, &err);
        if ((rc = cli_show_view(c, run, 0, &view)) != PAWL_OK) return cli_status(c, rc);
        if (interrupted && goes_on(view)) return parted(c, run);
        if (!interrupted && c->person && !c->opt[OPT_JSON] && pawl_str_is(pawl_json_str(view, "waiting"), "gate")) {
            const int all = cli_ask_person(c, run, view, 0);
            if (all == 1) continue;
            if (all < 0) return CLI_FAILED;
        }
        if (!interrupted && next_message(c, run, view)) continue;
        if (c->opt[OPT_JSON]) json_end(c, view);
        else tell_end(c, view);
        cli_flush(c);
        return cli_exit_of(view);
    }
}

int cli_live(struct cli *c, const char *run, uint64_t after_seq)
{
    struct live l = {.c = c, .shown_seq = after_seq};
    yyjson_val *view = NULL;
    const int rc = cli_show_view(c, run, 0, &view);
    int status = cli_status(c, rc);
    pawl_arena_init(&l.arena, c->arena.from);
    if (rc == PAWL_OK && pawl_id_parse(pawl_json_str(view, "run"), &l.run)) status = live_loop(&l, run);
    pawl_arena_fini(&l.arena);
    return status;
}
