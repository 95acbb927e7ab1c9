/* src/host/view_tell.c - one sentence that says what happened to a run and what can be done, and the commands for it. */
#include "host/view_tell.h"
#include "contract/shown.h"
#include "journal/rules.h"
#include <stdio.h>
#include <string.h>

enum { SHOWN_MAX = 160 }; /* of foreign text within the sentence */

struct pawl_told pawl_view_state(const struct pawl_run *run, const struct pawl_head *head)
{
    struct pawl_told t = {.waiting = ""};
    const bool whole = run->seq == head->seq;
    t.status = pawl_status_word(run->ended    ? run->status
                                : whole       ? head->status
                                : run->ending ? PAWL_ENDING
                                              : PAWL_RUNNING);
    if (run->ended) return t;
    if (whole && head->waiting) t.waiting = pawl_waiting_word(head->waiting);
    for (uint32_t i = 0; !whole && i < run->steps_count; i++) {
        const enum pawl_step_state s = run->steps[i]->state;
        if (s == PAWL_STEP_ASKED) t.waiting = "gate";
        if (s == PAWL_STEP_DOUBT) t.waiting = "doubt";
    }
    if (!whole && t.waiting[0] && !run->ending) t.status = "waiting";
    return t;
}

static const struct pawl_step *first_in(const struct pawl_run *run, enum pawl_step_state state)
{
    for (uint32_t i = 0; i < run->steps_count; i++)
        if (run->steps[i]->state == state) return run->steps[i];
    return NULL;
}

static const struct pawl_step *first_open(const struct pawl_run *run)
{
    for (uint32_t i = 0; i < run->steps_count; i++)
        if (!pawl_step_ended(run->steps[i])) return run->steps[i];
    return NULL;
}

static const struct pawl_step *first_child(const struct pawl_run *run)
{
    for (uint32_t i = 0; i < run->steps_count; i++)
        if (run->steps[i]->is_child && !pawl_step_ended(run->steps[i])) return run->steps[i];
    return NULL;
}

static const struct pawl_step *first_awaits(const struct pawl_run *run)
{
    for (uint32_t i = 0; i < run->steps_count; i++)
        if (run->steps[i]->awaits.p && !pawl_step_ended(run->steps[i])) return run->steps[i];
    return NULL;
}

static void step_name(struct pawl_buf *b, const struct pawl_step *s)
{
    pawl_buf_printf(b, "step %u (", s->number);
    pawl_shown(s->name, 64, b);
    pawl_buf_text(b, ")");
}

static void reason(struct pawl_buf *b, struct pawl_str text)
{
    if (!text.n) return;
    pawl_buf_text(b, ": ");
    pawl_shown(text, SHOWN_MAX, b);
}

/* A person has to look after these: their undo failed, or nobody knows whether they happened. */
static void tell_not_undone(const struct pawl_run *run, struct pawl_buf *b)
{
    const char *before = "; to be looked after by hand: ";
    for (uint32_t i = 0; run->ending && i < run->steps_count; i++) {
        const struct pawl_step *s = run->steps[i];
        if (s->kind != PAWL_STEP_TOOL || s->undone || !(s->undo_failed || s->stop)) continue;
        pawl_buf_text(b, before);
        step_name(b, s);
        pawl_buf_text(b, s->stop ? ", of which nobody knows whether it happened" : ", which could not be undone");
        before = ", ";
    }
}

/* By a person's word, after it had ended. */
static void tell_undone(const struct pawl_run *run, struct pawl_buf *b)
{
    if (!run->undoing) return;
    pawl_buf_text(b, run->ended ? "; then undone" : "; it is being undone");
    if (run->undo_to) pawl_buf_printf(b, ", back to step %u", run->undo_to);
}

static void tell_end(const struct pawl_run *run, struct pawl_buf *b)
{
    const struct pawl_step *last = run->steps_count ? run->steps[run->steps_count - 1] : NULL;
    switch (run->status) {
    case PAWL_DONE:
        pawl_buf_text(b, "Done");
        reason(b, run->output.p && run->output.n ? run->output : (struct pawl_str){NULL, 0});
        tell_undone(run, b);
        tell_not_undone(run, b);
        return;
    case PAWL_CANCELLED_RUN: pawl_buf_text(b, "It was stopped"); break;
    case PAWL_DEAD: pawl_buf_text(b, "It was given up, because the process that ran it died again and again"); break;
    default:
        pawl_buf_text(b, "It failed");
        if (last && last->state == PAWL_STEP_NOT_DONE) pawl_buf_text(b, " at "), step_name(b, last);
        break;
    }
    if (run->error_class && !(run->status == PAWL_CANCELLED_RUN && run->error_class == PAWL_CLASS_CANCELLED))
        pawl_buf_printf(b, ", %s", pawl_class_name(run->error_class));
    if (!pawl_str_is(run->message, "cancelled")) reason(b, run->message);
    tell_undone(run, b);
    tell_not_undone(run, b);
}

static void tell_doubt(const struct pawl_step *s, struct pawl_buf *b)
{
    pawl_buf_text(b, "In doubt: ");
    step_name(b, s);
    if (s->doubt_applied) pawl_buf_text(b, " happened, but its answer cannot be used");
    else pawl_buf_text(b, " may have happened or not, and nothing here can tell");
    reason(b, s->message);
    pawl_buf_text(b, "; look there, then say what you found");
}

/* "step 2", or "step 2 of run 01a1fdaf-…" where another did it first. */
static void first_name(struct pawl_buf *b, const struct pawl_run *run, const struct pawl_step *s)
{
    char id[PAWL_ID_TEXT];
    pawl_buf_printf(b, "step %u", s->first_step);
    if (pawl_id_eq(s->first_run, run->id)) return;
    pawl_id_text(s->first_run, id);
    pawl_buf_printf(b, " of run %s", id);
}

static void tell_gate(const struct pawl_run *run, const struct pawl_step *s, struct pawl_buf *b)
{
    uint32_t others = 0;
    for (uint32_t i = 0; i < run->steps_count; i++)
        others += run->steps[i]->state == PAWL_STEP_ASKED && run->steps[i] != s;
    pawl_buf_text(b, "It waits for your yes or no");
    if (s->kind != PAWL_STEP_GATE) pawl_buf_text(b, " to "), step_name(b, s);
    if (s->why & PAWL_WHY_CONFLICT)
        pawl_buf_text(b, ", which differs from what "), first_name(b, run, s), pawl_buf_text(b, " did");
    else if (s->why & PAWL_WHY_REPEAT)
        pawl_buf_text(b, ", which "), first_name(b, run, s), pawl_buf_text(b, " did already");
    if (s->says.n) pawl_buf_text(b, ": "), pawl_shown(s->says, 2 * SHOWN_MAX, b);
    if (s->quorum > 1) pawl_buf_printf(b, "; %u of %u have said yes", s->yes_count, s->quorum);
    if (others) pawl_buf_printf(b, ", and to %u more", others);
}

static void tell_accepted(const struct pawl_step *s, struct pawl_buf *b)
{
    step_name(b, s);
    pawl_buf_text(b, " was accepted and is not over yet");
    if (s->word.p) pawl_buf_text(b, " (it says "), pawl_shown(s->word, 40, b), pawl_buf_char(b, ')');
    pawl_buf_text(b, s->monitor.p && s->poll_at_ns != PAWL_NEVER ? ": its monitor is asked again"
                                                                 : ": it will call back, and pawl serve hears it");
    pawl_buf_text(b, "; when its deadline is over it is in doubt");
}

static void tell_open(const struct pawl_run *run, const struct pawl_told *told, struct pawl_buf *b)
{
    const struct pawl_step *asked = first_in(run, PAWL_STEP_ASKED), *doubt = first_in(run, PAWL_STEP_DOUBT);
    const struct pawl_step *open = first_open(run), *awaits = first_awaits(run);
    if (strcmp(told->waiting, "doubt") == 0 && doubt) {
        tell_doubt(doubt, b);
    } else if (strcmp(told->waiting, "gate") == 0 && asked) {
        tell_gate(run, asked, b);
    } else if (strcmp(told->waiting, "claim") == 0 && open) {
        pawl_buf_text(b, "It waits: ");
        step_name(b, open);
        pawl_buf_text(b, " does what ");
        pawl_buf_str(b, told->missing.n ? told->missing : PAWL_STR("another run"));
        pawl_buf_text(b, " is about to do, and takes its answer when that has ended");
    } else if (strcmp(told->waiting, "room") == 0) {
        pawl_buf_text(b, "It waits for room at ");
        if (open) step_name(b, open);
        else pawl_buf_printf(b, "step %u", run->steps_count + 1);
        pawl_buf_text(b, ": ");
        pawl_buf_str(b, told->missing.n ? told->missing : PAWL_STR("its turn has come just now"));
    } else if (strcmp(told->waiting, "step") == 0 && open) {
        tell_accepted(open, b);
    } else if (strcmp(told->waiting, "timer") == 0 && open) {
        pawl_buf_text(b, "It waits to try ");
        step_name(b, open);
        pawl_buf_text(b, " again, or to look what became of it");
    } else if (strcmp(told->waiting, "timer") == 0) {
        pawl_buf_text(b, "It begins when its time has come");
    } else if (strcmp(told->waiting, "signal") == 0 && awaits) {
        pawl_buf_text(b, "It waits for the signal ");
        pawl_shown(awaits->awaits, 64, b);
        pawl_buf_text(b, " at "), step_name(b, awaits);
    } else if (strcmp(told->waiting, "child") == 0 && first_child(run)) {
        pawl_buf_text(b, "It waits for the run that ");
        step_name(b, first_child(run));
        pawl_buf_text(b, first_child(run)->kind == PAWL_STEP_UNDO ? " undoes" : " started");
        if (told->missing.n) pawl_buf_text(b, ": "), pawl_buf_str(b, told->missing);
    } else if (strcmp(told->waiting, "message") == 0) {
        pawl_buf_text(b, "It waits for the next message");
    } else if (strcmp(told->waiting, "configuration") == 0) {
        pawl_buf_text(b, "It waits for its configuration, which ");
        pawl_buf_text(b, told->usable ? "can be used now; resume takes it up" : "cannot be used in this process");
        if (!told->usable) reason(b, told->missing.n ? told->missing : PAWL_STR("a secret that it names is not set"));
    } else if (strcmp(told->waiting, "tool") == 0) {
        pawl_buf_text(b, "It waits for a program that has its tool ");
        if (open) pawl_shown(open->name, 64, b);
    } else if (run->ending) {
        pawl_buf_text(b, run->undoing ? "It had ended" : "It is being stopped");
        reason(b, run->ending_message);
        tell_undone(run, b);
    } else if (strcmp(told->waiting, "owner") == 0) {
        pawl_buf_text(b, "Nobody works on it now");
        if (open) pawl_buf_text(b, ", at "), step_name(b, open);
        pawl_buf_text(b, "; resume takes it up");
    } else {
        pawl_buf_text(b, "It is under way");
        if (open) pawl_buf_text(b, " at "), step_name(b, open);
        if (open && open->open && open->attempts > 1) pawl_buf_printf(b, ", attempt %u", open->attempts);
        pawl_buf_text(b, "; where no pawl runs, resume takes it up");
    }
}

void pawl_view_sentence(const struct pawl_run *run, const struct pawl_told *told, struct pawl_arena *a,
                        struct pawl_json_writer *w)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, a);
    if (run->ended) tell_end(run, &b);
    else tell_open(run, told, &b);
    if (b.n && b.p[b.n - 1] != '.' && b.p[b.n - 1] != '"') pawl_buf_char(&b, '.');
    pawl_jw_key(w, "sentence");
    pawl_jw_str(w, pawl_buf_done(&b));
}

static void command(struct pawl_json_writer *w, const char *verb, const char *id, uint32_t step, const char *rest)
{
    char text[160];
    if (step) snprintf(text, sizeof text, "pawl %s %s/%u%s", verb, id, step, rest);
    else snprintf(text, sizeof text, "pawl %s %s%s", verb, id, rest);
    pawl_jw_text(w, text);
}

void pawl_view_next(const struct pawl_run *run, const struct pawl_told *told, struct pawl_json_writer *w)
{
    char id[PAWL_ID_TEXT], digest[10 + 65] = " --digest ";
    bool person = false;
    pawl_id_text(run->id, id);
    pawl_jw_key(w, "next");
    pawl_jw_open(w, '[');
    for (uint32_t i = 0; !run->ended && i < run->steps_count; i++) {
        const struct pawl_step *s = run->steps[i];
        if (s->state == PAWL_STEP_ASKED) {
            pawl_hex(digest + 10, s->asked_digest.b, sizeof s->asked_digest.b);
            command(w, "approve", id, s->number, digest);
            command(w, "deny", id, s->number, "");
        } else if (s->state == PAWL_STEP_DOUBT) {
            command(w, "resolve", id, s->number, " --happened RESULT");
            if (!s->doubt_applied) command(w, "resolve", id, s->number, " --not-happened");
            command(w, "resolve", id, s->number, " --stop");
        } else {
            continue;
        }
        person = true;
    }
    if (run->ended && (run->status == PAWL_FAILED_RUN || run->status == PAWL_DEAD)) command(w, "retry", id, 0, "");
    if (run->ended && told->undo && run->status != PAWL_DONE) command(w, "undo", id, 0, "");
    const struct pawl_step *child = first_child(run);
    if (strcmp(told->waiting, "child") == 0 && child) {
        char of[PAWL_ID_TEXT];
        const struct pawl_step *by = child->undoes ? pawl_run_step(run, child->undoes) : child;
        pawl_id_text(by->child, of);
        command(w, "show", of, 0, "");
        command(w, "cancel", id, 0, "");
    } else if (strcmp(told->waiting, "signal") == 0 && first_awaits(run)) {
        char what[80];
        const struct pawl_str name = first_awaits(run)->awaits;
        snprintf(what, sizeof what, " %.*s JSON", (int)name.n, name.p);
        command(w, "signal", id, 0, what);
        command(w, "cancel", id, 0, "");
    } else if (strcmp(told->waiting, "message") == 0) {
        command(w, "send", id, 0, " TEXT");
        command(w, "send", id, 0, " --end");
    } else if (!run->ended && !person) {
        command(w, "resume", id, 0, "");
        command(w, "cancel", id, 0, "");
    }
    pawl_jw_close(w, ']');
}
