/* tests/workloads/outcome_judge.c - what must hold of checks, undo, signals and schedules, by the world's ledger. */
#include <stdio.h>
#include <string.h>
#include "io/alloc.h"
#include "part_judge.h"
#include "policy/schedule.h"

/* ---- checks: what is amiss is found, is never passed as good, and what the contract wants follows ---- */

static void judge_found(struct wl_judging *j, uint32_t i, bool amiss)
{
    const struct wl_call *c = &j->rec->calls[i];
    const bool blind = wl_blind(j->rec);
    if (c->found[0] == WL_UNJUDGED || c->found[1] == WL_UNJUDGED)
        wl_complain(j, "step %u, %s: done, and not checked", c->step, c->tool->name);
    else if (blind && (c->found[0] != WL_NOT_KNOWN || c->found[1] != WL_NOT_KNOWN))
        wl_complain(j, "step %u, %s: the books are closed, and a check says that it knows", c->step, c->tool->name);
    else if (!blind && c->found[0] != (amiss ? WL_HOLDS_NOT : WL_HOLDS))
        wl_complain(j, "step %u, %s: it is %s, and its check says %s", c->step, c->tool->name,
                    amiss ? "amiss" : "as it was asked for", amiss ? "otherwise" : "that it is not");
    else if (!blind && c->found[1] != WL_HOLDS)
        wl_complain(j, "step %u, %s: it stands there once more, and its check says otherwise", c->step, c->tool->name);
}

static void judge_check(struct wl_judging *j, uint32_t i, struct wl_outcomes *sum)
{
    const struct wl_call *c = &j->rec->calls[i];
    const struct wl_deed *d = wl_judged_deed(j, i);
    const bool amiss = wl_amiss(j->rec, i), noticed = amiss && !wl_blind(j->rec), open = c->end == WL_OPEN;
    const enum wl_then then = wl_then_of(j->rec->env, c->tool);
    if (!d->effects || open) return;
    judge_found(j, i, amiss);
    sum->checked++;
    sum->amiss += noticed;
    sum->unknown += wl_blind(j->rec);
    sum->told += d->told;
    sum->undone += d->undone > 0;
    sum->failed += noticed && then == WL_FAIL;
    if (d->undone != (noticed && then == WL_UNDONE))
        wl_complain(j, "step %u, %s: taken back %u times", c->step, c->tool->name, d->undone);
    if ((c->end == WL_NOT_DONE) != (noticed && then == WL_FAIL))
        wl_complain(j, "step %u, %s: %s", c->step, c->tool->name,
                    c->end == WL_NOT_DONE ? "an error, and nothing was found" : "passed as good");
    if (noticed && then == WL_ASK && !j->rec->seen.check_asked)
        wl_complain(j, "step %u, %s: nobody was asked", c->step, c->tool->name);
    if (d->told && !noticed && !wl_blind(j->rec))
        wl_complain(j, "step %u, %s: it is right, and the model was told that it is not", c->step, c->tool->name);
    if (noticed && !d->told && strcmp(j->rec->status, "done") == 0)
        wl_complain(j, "step %u, %s: the model was not told", c->step, c->tool->name);
}

/* ---- undo: in reverse, each once, and what can not be undone is listed ---- */

static bool listed(const struct wl_seen *s, uint32_t step)
{
    for (uint32_t i = 0; i < s->not_undone_count; i++)
        if (s->not_undone[i] == step) return true;
    return false;
}

/* Is its run one that is to be undone, by somebody's word or because it was stopped? */
static bool undone_run(const struct wl_recording *rec)
{
    const enum wl_undoing kind = wl_undoing_of(rec);
    if (kind == WL_CANCEL) return strcmp(rec->status, "cancelled") == 0;
    return kind != WL_AS_IT_IS && (strcmp(rec->status, "done") == 0 || strcmp(rec->status, "failed") == 0);
}

static void judge_undo(struct wl_judging *j, struct wl_outcomes *sum)
{
    const struct wl_recording *rec = j->rec;
    const bool all = undone_run(rec);
    const uint32_t to = wl_undoing_of(rec) == WL_CANCEL ? 0 : wl_undo_to(rec);
    uint32_t could_not = 0;
    for (uint32_t i = 0; i < rec->calls_count; i++) {
        const struct wl_call *c = &rec->calls[i];
        const struct wl_deed *d = wl_judged_deed(j, i);
        const bool wanted = all && d->effects && c->step > to, can = !wl_cannot_undo(rec, i);
        if (d->undone != (wanted && can))
            wl_complain(j, "step %u, %s: taken back %u times", c->step, c->tool->name, d->undone);
        if (wanted && listed(&rec->seen, c->step) == can)
            wl_complain(j, "step %u, %s: %s", c->step, c->tool->name, can ? "listed as left" : "left, and not listed");
        for (uint32_t k = 0; k < rec->calls_count; k++) {
            const struct wl_deed *other = wl_judged_deed(j, k);
            if (!d->undone || !other->undone || rec->calls[k].intended_seq <= c->intended_seq) continue;
            if (other->undone_at > d->undone_at)
                wl_complain(j, "step %u was taken back before step %u", c->step, rec->calls[k].step);
        }
        could_not += wanted && !can;
        sum->taken_back += d->undone;
        sum->stayed += d->effects && !wanted;
    }
    if (rec->seen.not_undone_count != could_not)
        wl_complain(j, "%u could not be undone, %u are listed", could_not, rec->seen.not_undone_count);
    sum->runs += all;
    sum->could_not += could_not;
}

/* ---- signals: each is heard once, by the steps of its name in their order ---- */

static void judge_signals(struct wl_judging *j, struct wl_outcomes *sum)
{
    const struct wl_recording *rec = j->rec;
    uint32_t taken = 0;
    for (uint32_t i = 0; i < rec->calls_count; i++) {
        const struct wl_call *c = &rec->calls[i];
        uint32_t serial = 1;
        if (!wl_hears(c->tool) || c->end != WL_DONE) continue;
        for (uint32_t k = 0; k < i; k++) serial += rec->calls[k].tool == c->tool && rec->calls[k].end == WL_DONE;
        taken++;
        if (c->serial != serial)
            wl_complain(j, "step %u, %s: it took signal %u of its name, and is number %u", c->step, c->tool->name,
                        c->serial, serial);
    }
    if (rec->seen.signals < taken) wl_complain(j, "%u signals are recorded, %u were taken", rec->seen.signals, taken);
    if (!wl_sent_before(rec) && rec->seen.signals != taken)
        wl_complain(j, "%u signals were sent to who waited, %u were taken", rec->seen.signals, taken);
    if (j->ledger->misheard) wl_complain(j, "%u results carry another signal", j->ledger->misheard);
    if (j->ledger->heard > taken) wl_complain(j, "the model heard of %u signals, of %u", j->ledger->heard, taken);
    sum->signals += rec->seen.signals;
    sum->before += wl_sent_before(rec) ? taken : 0;
    sum->taken += taken;
}

/* ---- schedules: each time begins one run, or none and is counted ---- */

struct rows { /* how a schedule stands, by the owner's own books */
    const char *name;
    int64_t begun, missed, old;
};

static int take_rows(void *ctx, const char *json, size_t bytes)
{
    struct rows *rows = ctx;
    struct pawl_arena a;
    yyjson_val *v = NULL, *s;
    size_t i, n;
    pawl_arena_init(&a, pawl_alloc_libc());
    if (pawl_json_read((struct pawl_str){json, (uint32_t)bytes}, &a, &v, NULL)) v = NULL;
    yyjson_arr_foreach(yyjson_obj_get(v, "schedules"), i, n, s)
    {
        yyjson_val *left = yyjson_obj_get(s, "left_out");
        if (!pawl_str_is(pawl_json_str(s, "name"), rows->name)) continue;
        rows->begun = pawl_json_i64(s, "begun", -1);
        rows->missed = pawl_json_i64(left, "missed", 0);
        rows->old = pawl_json_i64(left, "old", 0);
    }
    pawl_arena_fini(&a);
    return 0;
}

static void judge_schedule(struct wl_judging *j, struct wl_outcomes *sum)
{
    const struct wl_config *c = &j->books->replay->config;
    const struct wl_plan plan = wl_plan_of(j->rec, c->kills);
    const bool begins = wl_begins(&plan);
    struct rows rows = {.name = j->rec->name, .begun = -1};
    struct pawl_error err;
    char slot[PAWL_SCHEDULE_SLOT_TEXT], key[96];
    if (!wl_by_clock(c->data, j->rec)) return;
    if (plan.last >= (j->books->lives - 1) * WL_WINDOW_MINUTES + 1) return; /* all others were over before its time */
    pawl_slot_text(c->begins_ns + (int64_t)plan.last * 60000000000, slot);
    snprintf(key, sizeof key, "schedule/%s/%s", j->rec->name, slot);
    if (pawl_call(j->books->store, "{\"do\":\"schedules\"}", take_rows, &rows, &err))
        wl_complain(j, "%s %s", err.where, err.what);
    if (j->rec->seen.runs != begins) wl_complain(j, "%u runs were begun", j->rec->seen.runs);
    if (rows.begun != begins) wl_complain(j, "it says that %lld were begun", (long long)rows.begun);
    if (begins && strcmp(j->rec->seen.key, key) != 0)
        wl_complain(j, "its run is for %s, not %s", j->rec->seen.key, key);
    if (rows.begun + rows.missed + rows.old != plan.last - plan.first + 1)
        wl_complain(j, "of %u times %lld were begun, %lld missed, %lld too old", plan.last - plan.first + 1,
                    (long long)rows.begun, (long long)rows.missed, (long long)rows.old);
    if (plan.how == WL_TOO_OLD && !rows.old) wl_complain(j, "it was too old, and is not counted as that");
    sum->begun += begins;
    sum->left_out += (uint32_t)(rows.missed + rows.old);
}

/* Every second minute from the first life's beginning to the last one's: each once. */
static uint32_t judge_ticks(const struct wl_judging *j, uint32_t *count)
{
    const struct wl_config *c = &j->books->replay->config;
    const struct wl_tick *ticks;
    uint32_t wrong = 0;
    const uint32_t got = wl_world_ticks(j->books->world, &ticks), to = (j->books->lives - 1) * WL_WINDOW_MINUTES;
    for (uint32_t minute = 0; minute <= to; minute += 2) {
        char slot[PAWL_SCHEDULE_SLOT_TEXT], url[96];
        uint32_t times = 0;
        struct pawl_buf b;
        pawl_slot_text(c->begins_ns + (int64_t)minute * 60000000000, slot);
        pawl_buf_init(&b, pawl_alloc_libc());
        for (const char *p = slot; *p; p++) {
            if (*p == ':') pawl_buf_text(&b, "%3A");
            else pawl_buf_char(&b, *p);
        }
        snprintf(url, sizeof url, "/ticks/schedule%%2F%s%%2F%s", wl_ticks, pawl_buf_done(&b).p);
        pawl_buf_fini(&b);
        for (uint32_t i = 0; i < got; i++) times += strcmp(ticks[i].slot, url) == 0;
        if (times != 1) wrong++, printf("  %s: %u runs worked for it\n", url, times);
        *count += times;
    }
    if (*count != got)
        wrong++, printf("  %u runs worked for times of %s, %u of them for none\n", got, wl_ticks, got - *count);
    return wrong;
}

void wl_judge_outcome(struct wl_judging *j, enum wl_part part, struct wl_outcomes *sum)
{
    for (uint32_t i = 0; part == WL_CHECKS && i < j->rec->calls_count; i++)
        if (j->rec->calls[i].tool->effect != WL_READ) judge_check(j, i, sum);
    if (part == WL_UNDO) judge_undo(j, sum);
    if (part == WL_SIGNALS) judge_signals(j, sum);
    if (part == WL_SCHEDULES) judge_schedule(j, sum);
}

uint32_t wl_judge_outcomes(struct wl_judging *j, enum wl_part part, const struct wl_outcomes *sum)
{
    uint32_t ticks = 0, wrong = 0;
    if (part == WL_CHECKS)
        printf(
            "    %u changes were checked, %u of them amiss: %u failed, %u taken back; %u could not be looked at; of %u"
            " the model was told\n",
            sum->checked, sum->amiss, sum->failed, sum->undone, sum->unknown, sum->told);
    if (part == WL_UNDO)
        printf("    %u runs were undone: %u changes were taken back, %u could not be and are listed; %u stay\n",
               sum->runs, sum->taken_back, sum->could_not, sum->stayed);
    if (part == WL_SIGNALS)
        printf("    %u signals, %u of them taken, %u in runs to which they were sent before they waited\n",
               sum->signals, sum->taken, sum->before);
    if (part != WL_SCHEDULES) return 0;
    wrong = judge_ticks(j, &ticks);
    printf("    %u runs begun by the clock, %u times left out; %u times of one schedule, all caught up\n", sum->begun,
           sum->left_out, ticks);
    return wrong;
}
