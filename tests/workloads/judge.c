/* tests/workloads/judge.c - what became of each recorded call, held against the recording, and the table of it all.
 *
 * Right is: a call that succeeded was made once and gave the same, or was answered with what it gave; a call that failed
 * failed, was refused, or was answered from the first; the model heard what it heard then; the run ended as it did then. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "replay.h"

enum { RUNS, CALLS, CHANGES, APPLIED, FAILED, RIGHT, WRONG, DENIED, DOUBT, GATE, REPEAT, CONFLICT, COLUMNS };
struct row {
    uint32_t n[COLUMNS];
};

struct told { /* of one run */
    const struct wl_recording *rec;
    uint32_t complaints;
};

static void complain(struct told *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void complain(struct told *t, const char *format, ...)
{
    va_list args;
    if (t->complaints++ == 0) printf("%s (run %s):\n", t->rec->id.p, t->rec->run[0] ? t->rec->run : "none");
    va_start(args, format);
    printf("  ");
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

static bool succeeded(const struct wl_call *c)
{
    return c->has_result && !c->refused;
}

/* Answered from an earlier step: the recorded repeat failed, or gave the same. */
static bool answered_right(const struct wl_recording *rec, const struct wl_call *c)
{
    const struct wl_call *first = wl_call_at((struct wl_recording *)(uintptr_t)rec, c->first_step);
    return first && c->has_result && (c->refused || pawl_str_eq(first->content, c->content));
}

static void judge_call(struct told *t, const struct wl_call *c, struct row *row)
{
    const char *name = c->tool->name;
    const bool right = c->end == WL_ANSWERED && answered_right(t->rec, c);
    row->n[CALLS]++;
    row->n[CHANGES] += c->tool->effect != WL_READ;
    row->n[GATE] += (c->asked & WL_ASKED_GATE) != 0;
    row->n[REPEAT] += (c->asked & WL_ASKED_REPEAT) != 0;
    row->n[CONFLICT] += (c->asked & WL_ASKED_CONFLICT) != 0;
    row->n[DOUBT] += (c->asked & WL_ASKED_DOUBT) != 0;
    if (c->tool->effect != WL_READ) {
        row->n[APPLIED] += c->end == WL_DONE;
        row->n[DENIED] += strcmp(c->error_class, "denied") == 0;
        row->n[FAILED] += c->end == WL_NOT_DONE && c->refused && strcmp(c->error_class, "denied") != 0;
        row->n[RIGHT] += right;
        row->n[WRONG] += c->end == WL_ANSWERED && !right;
    }
    if (c->end == WL_ANSWERED && !right)
        complain(t, "step %u, %s: answered from step %u, and the recording says otherwise", c->step, name,
                 c->first_step);
    if (c->end == WL_OPEN) complain(t, "step %u, %s: it never ended", c->step, name);
    if (c->end == WL_NOT_DONE && succeeded(c))
        complain(t, "step %u, %s: it succeeded then, and is %s now: %s", c->step, name, c->error_class, c->message);
    if (c->end == WL_DONE && !succeeded(c)) complain(t, "step %u, %s: it failed then, and succeeds now", c->step, name);
    if (c->has_result && c->sent > 1) complain(t, "step %u, %s: sent %u times", c->step, name, c->sent);
    if (c->end == WL_DONE && c->sent == 0) complain(t, "step %u, %s: done, and never sent", c->step, name);
    if (c->end == WL_DONE && c->told) complain(t, "step %u, %s: the model was told %.200s", c->step, name, c->told);
}

static bool ended_as_recorded(const struct wl_recording *rec)
{
    const struct wl_call *last = rec->calls_count ? &rec->calls[rec->calls_count - 1] : NULL;
    const bool stopped = last && (last->asked & WL_ASKED_DOUBT) != 0;
    if (rec->ended != WL_CUT_OFF) return strcmp(rec->status, "done") == 0;
    return strcmp(rec->status, "failed") == 0 && strcmp(rec->end_class, stopped ? "in_doubt" : "budget_exceeded") == 0;
}

static void judge_run(struct told *t, struct row *row)
{
    static const char *const ends[] = {"a final answer", "the customer leaving", "being cut off", "the provider's no"};
    const struct wl_recording *rec = t->rec;
    row->n[RUNS]++;
    if (rec->trouble[0]) complain(t, "%s", rec->trouble);
    if (!ended_as_recorded(rec))
        complain(t, "it ended by %s then, and is %s %s now", ends[rec->ended], rec->status, rec->end_class);
    if (rec->conversations_wrong)
        complain(t, "%u of %u requests to the model are not the conversation that was recorded",
                 rec->conversations_wrong, rec->requests);
    if (rec->requests != rec->turns_count)
        complain(t, "the model was asked %u times, recorded are %u answers", rec->requests, rec->turns_count);
    for (uint32_t i = 0; i < rec->calls_count; i++) judge_call(t, &rec->calls[i], row);
}

static void print_row(struct pawl_str name, const struct row *row)
{
    static const int widths[COLUMNS] = {6, 7, 9, 9, 8, 8, 7, 8, 6, 7, 8, 9};
    printf("%-20.*s", (int)name.n, name.p);
    for (int i = 0; i < COLUMNS; i++) printf("%*u", widths[i], row->n[i]);
    printf("\n");
}

uint32_t wl_judge(struct wl_replay *r)
{
    struct row rows[WL_ENVS_MAX] = {{{0}}}, all = {{0}};
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < r->data->recordings_count; i++) {
        struct told t = {.rec = &r->data->recordings[i]};
        judge_run(&t, &rows[t.rec->env - r->data->envs]);
        wrong += t.complaints > 0;
    }
    printf("\n%-20s%6s%7s%9s%9s%8s%15s%8s%6s%24s\n", "", "", "", "recorded", "", "failed", "answered", "", "in",
           "asked");
    printf("%-20s%6s%7s%9s%9s%8s%8s%7s%8s%6s%7s%8s%9s\n", "environment", "runs", "calls", "changes", "applied",
           "as then", "right", "wrong", "denied", "doubt", "gate", "repeat", "conflict");
    for (uint32_t i = 0; i < r->data->envs_count; i++) {
        print_row(r->data->envs[i].name, &rows[i]);
        for (int k = 0; k < COLUMNS; k++) all.n[k] += rows[i].n[k];
    }
    print_row(PAWL_STR("all"), &all);
    return wrong;
}
