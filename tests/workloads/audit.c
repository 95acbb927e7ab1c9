/* tests/workloads/audit.c - after a bad day: what pawl's journal says of each call, held against what the service did.
 *
 *   ended right     the run ended as it did then, and each change that succeeded then was done once
 *   said why        it waits for a person about a step in doubt; or it, or a call of it, failed with a class and a sentence
 *   wrong           neither
 *   duplicates      a change, or its repetition, done more than once where that does harm (mutate, irreversible)
 *   lost            the journal says done, and the service has not done it
 *   wrong no        the journal says not done, and the service has done it
 * The last three must be 0, and nothing may be left over. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "faulty.h"
#include "io/alloc.h"

struct tally {
    struct wl_replay *r;
    const struct wl_world *w;
    const struct wl_service_row *row;
    struct wl_recording *rec;
    uint32_t right, doubt, waits, failed, told, wrong, duplicates, lost, wrong_no, wrong_runs;
    uint32_t answered, refused, in_doubt_calls, in_doubt_done;
    uint32_t cut_short;
    uint32_t complaints; /* of the run at hand */
};

static void complain(struct tally *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void complain(struct tally *t, const char *format, ...)
{
    va_list args;
    if (t->row->lies) return; /* that is what it is for */
    if (t->complaints++ == 0)
        printf("%s, %s, %s (run %s, %s %s %s):\n", t->row->name, t->rec->name, t->rec->id.p, t->rec->run,
               t->rec->status, t->rec->waiting, t->rec->end_class);
    va_start(args, format);
    printf("  ");
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

static int take_heads(void *ctx, const char *json, size_t bytes)
{
    struct wl_replay *r = ctx;
    struct pawl_arena a;
    yyjson_val *v, *head;
    size_t i, n;
    pawl_arena_init(&a, pawl_alloc_libc());
    if (pawl_json_read((struct pawl_str){json, (uint32_t)bytes}, &a, &v, NULL) == PAWL_OK)
        yyjson_arr_foreach(yyjson_obj_get(v, "runs"), i, n, head)
        {
            const bool by_clock = r->config.part == WL_SCHEDULES;
            struct wl_recording *rec = wl_recording_named(r->data, pawl_json_str(head, by_clock ? "agent" : "key"));
            const struct pawl_str run = pawl_json_str(head, "run"), key = pawl_json_str(head, "key");
            if (!rec) continue;
            snprintf(rec->run, sizeof rec->run, "%.*s", (int)run.n, run.p);
            snprintf(rec->seen.key, sizeof rec->seen.key, "%.*s", (int)key.n, key.p ? key.p : "");
            rec->seen.runs++;
        }
    pawl_arena_fini(&a);
    return 0;
}

static int take_line(void *ctx, const char *json, size_t bytes)
{
    struct pawl_arena a;
    yyjson_val *v;
    pawl_arena_init(&a, pawl_alloc_libc());
    if (pawl_json_read((struct pawl_str){json, (uint32_t)bytes}, &a, &v, NULL) == PAWL_OK) wl_take_line(ctx, true, v);
    pawl_arena_fini(&a);
    return 0;
}

/* All runs as the store has them now. */
static int read_store(struct tally *t, struct pawl **store, struct pawl_error *err)
{
    char config[280];
    snprintf(config, sizeof config, "%s/schedules.yaml", t->r->folder);
    const struct pawl_options o = {.size = sizeof o,
                                   .config = t->r->config.part == WL_SCHEDULES ? config : NULL,
                                   .store = t->r->store,
                                   .must_own = true,
                                   .only_read = true};
    int rc = pawl_open(&o, store, err);
    struct pawl *p = *store;
    wl_forget(t->r->data);
    if (rc == PAWL_OK) rc = pawl_call(p, "{\"do\":\"verify\"}", NULL, NULL, err);
    if (rc == PAWL_OK) rc = pawl_call(p, "{\"do\":\"list\",\"max\":10000}", take_heads, t->r, err);
    for (uint32_t i = 0; rc == PAWL_OK && i < t->r->data->recordings_count; i++) {
        struct wl_recording *rec = &t->r->data->recordings[i];
        char request[96];
        if (!rec->run[0]) continue;
        snprintf(request, sizeof request, "{\"do\":\"follow\",\"run\":\"%s\"}", rec->run);
        rc = pawl_call(p, request, take_line, rec, err);
    }
    return rc;
}

static const struct wl_deed *deed(const struct tally *t, uint32_t call, int kind)
{
    return wl_world_deed(t->w, t->rec, call, kind);
}

static uint32_t times_done(const struct tally *t, uint32_t call)
{
    return deed(t, call, WL_RECORDED)->effects + deed(t, call, WL_AGAIN)->effects + deed(t, call, WL_OTHER)->effects;
}

static bool succeeded(const struct wl_call *c)
{
    return c->has_result && !c->refused;
}

/* One recorded call and its repetitions. */
static void audit_call(struct tally *t, uint32_t i)
{
    const struct wl_call *c = &t->rec->calls[i];
    const uint32_t once = deed(t, i, WL_RECORDED)->effects, all = times_done(t, i);
    if (c->tool->effect == WL_READ) return;
    if (c->tool->effect != WL_IDEMPOTENT && all > 1) {
        t->duplicates += all - 1;
        complain(t, "step %u, %s: done %u times", c->step, c->tool->name, all);
    }
    if (c->in_doubt) {
        t->in_doubt_calls++;
        t->in_doubt_done += once > 0;
    }
    if (c->end == WL_DONE && once == 0) {
        t->lost++;
        complain(t, "step %u, %s: pawl says that it was done, and it was not", c->step, c->tool->name);
    }
    if (c->end == WL_NOT_DONE && !c->applied && once > 0) {
        t->wrong_no++;
        complain(t, "step %u, %s: pawl says that it was not done (%s: %s), and it was", c->step, c->tool->name,
                 c->error_class, c->message);
    }
}

static bool ended_as_recorded(const struct wl_recording *rec)
{
    if (rec->ended != WL_CUT_OFF) return strcmp(rec->status, "done") == 0;
    return strcmp(rec->status, "failed") == 0 && strstr(rec->end_message, "the recording ends here");
}

/* Every change that succeeded then is done, and once where it must be; one that pawl answered from the first was done by that. */
static bool all_done(const struct tally *t)
{
    for (uint32_t i = 0; i < t->rec->calls_count; i++) {
        const struct wl_call *c = &t->rec->calls[i];
        if (c->tool->effect == WL_READ) continue;
        if (succeeded(c) && c->end != WL_ANSWERED && deed(t, i, WL_RECORDED)->effects == 0) return false;
        if (c->tool->effect != WL_IDEMPOTENT && times_done(t, i) > 1) return false;
    }
    return true;
}

/* A call of it failed, with a class, and the model was told so. */
static bool a_call_failed(const struct wl_recording *rec)
{
    for (uint32_t i = 0; i < rec->calls_count; i++)
        if (rec->calls[i].end == WL_NOT_DONE && succeeded(&rec->calls[i]) && rec->calls[i].error_class[0]) return true;
    return false;
}

static void audit_run(struct tally *t)
{
    const struct wl_recording *rec = t->rec;
    const bool as_then = ended_as_recorded(rec);
    t->complaints = 0;
    t->cut_short += rec->cut_short;
    for (uint32_t i = 0; i < rec->calls_count; i++) audit_call(t, i);
    for (uint32_t i = 0; i < rec->extras_count; i++) {
        t->answered += rec->extras[i].end == WL_ANSWERED;
        t->refused += strcmp(rec->extras[i].error_class, "denied") == 0;
    }
    if (as_then && all_done(t)) {
        t->right++;
    } else if (strcmp(rec->waiting, "doubt") == 0) { /* waiting, or ending: a dead letter that has a doubt left */
        t->doubt++;
    } else if (strcmp(rec->waiting, "gate") == 0) {
        t->waits++;
    } else if (t->r->config.part == WL_SCHEDULES && !rec->run[0]) {
        t->failed++; /* it was not to begin, or is wrong: part_judge.c says so */
    } else if (as_then && a_call_failed(rec)) {
        t->told++;
    } else if (!as_then && rec->end_class[0]) {
        t->failed++;
    } else {
        t->wrong++;
        if (!t->complaints) complain(t, "it is neither right nor does it say why: %s", rec->end_message);
    }
    t->wrong_runs += t->complaints > 0;
}

struct words { /* a few of them, with how often each was said */
    const char *word[32];
    uint32_t count[32], n;
};

static void say_once_more(struct words *w, const char *word)
{
    uint32_t k = 0;
    while (k < w->n && strcmp(w->word[k], word) != 0) k++;
    if (k == 32) return;
    if (k == w->n) w->word[w->n] = word, w->count[w->n++] = 0;
    w->count[k]++;
}

static void print_words(const struct words *w, const char *before)
{
    for (uint32_t k = 0; k < w->n; k++) printf("%s%u %s", k ? ", " : before, w->count[k], w->word[k]);
}

/* Why calls are in doubt, why runs failed, and why calls did that had succeeded, by class. */
static void print_classes(const struct tally *t)
{
    struct words doubts = {.n = 0}, ends = {.n = 0}, calls = {.n = 0};
    for (uint32_t i = 0; i < t->r->data->recordings_count; i++) {
        const struct wl_recording *rec = &t->r->data->recordings[i];
        for (uint32_t k = 0; k < rec->calls_count + rec->extras_count; k++) {
            const struct wl_call *c = k < rec->calls_count ? &rec->calls[k] : &rec->extras[k - rec->calls_count];
            if (c->in_doubt) say_once_more(&doubts, c->error_class);
            else if (!c->kind && c->end == WL_NOT_DONE && succeeded(c)) say_once_more(&calls, c->error_class);
        }
        if (rec->end_class[0] && !ended_as_recorded(rec)) say_once_more(&ends, rec->end_class);
    }
    print_words(&doubts, "\n    in doubt since the last answer was: ");
    print_words(&ends, "\n    runs failed: ");
    print_words(&calls, "\n    calls failed that succeeded then: ");
}

void wl_audit_head(void)
{
    printf("\n%-25s%6s%7s%25s%7s%12s%6s%10s%7s\n", "", "", "ended", "stopped and said why:", "", "harmful", "", "", "");
    printf("%-25s%6s%7s%9s%8s%8s%7s%12s%6s%10s%7s\n", "a service that", "runs", "right", "in doubt", "failed", "a call",
           "wrong", "duplicates", "lost", "wrong no", "lives");
}

void wl_part_head(void)
{
    printf("\n%-22s%6s%7s%9s%7s%7s%12s%6s%10s%7s\n", "", "", "ended", "stopped,", "", "", "harmful", "", "", "");
    printf("%-22s%6s%7s%9s%7s%7s%12s%6s%10s%7s\n", "with", "runs", "right", "said why", "waits", "wrong", "duplicates",
           "lost", "wrong no", "lives");
}

uint32_t wl_audit(struct wl_replay *r, const struct wl_world *w, const struct wl_service_row *row, uint32_t lives)
{
    struct tally t = {.r = r, .w = w, .row = row};
    struct pawl_error err = {0};
    struct pawl *store = NULL;
    uint32_t faults = 0, part_wrong = 0;
    if (!lives || read_store(&t, &store, &err)) {
        pawl_close(store);
        printf("%-25s did not come to its end: %s %s\n", row->name, err.where, err.what);
        return r->data->recordings_count;
    }
    for (uint32_t i = 0; i < r->data->recordings_count; i++) {
        t.rec = &r->data->recordings[i];
        audit_run(&t);
    }
    if (row->part) {
        printf("%-22s%6u%7u%9u%7u%7u%12u%6u%10u%7u\n", row->name, r->data->recordings_count, t.right, t.failed + t.told,
               t.waits + t.doubt, t.wrong, t.duplicates, t.lost, t.wrong_no, lives);
        part_wrong = wl_part_judge(&(struct wl_books){r, w, store, lives}, row->part);
    }
    pawl_close(store);
    if (row->part) return t.wrong_runs + part_wrong + wl_world_strays(w);
    for (int i = 1; i < WL_FAULTS; i++) faults += wl_world_met(w, (enum wl_fault)i);
    printf("%-25s%6u%7u%9u%8u%8u%7u%12u%6u%10u%7u\n", row->name, r->data->recordings_count, t.right, t.doubt, t.failed,
           t.told, t.wrong, t.duplicates, t.lost, t.wrong_no, lives);
    printf("    %u calls of tools, %u faults, %u attempts cut short by a kill\n", wl_world_calls(w), faults,
           t.cut_short);
    printf("    repeats that nobody wanted: %u answered from the first, %u refused by a person", t.answered, t.refused);
    if (t.in_doubt_calls)
        printf("\n    of %u calls in doubt %u had been done, %u not", t.in_doubt_calls, t.in_doubt_done,
               t.in_doubt_calls - t.in_doubt_done);
    print_classes(&t);
    if (wl_world_strays(w)) printf("\n    calls that nobody had asked for: %u", wl_world_strays(w));
    printf("\n");
    fflush(stdout);
    if (row->lies) return t.duplicates == 0; /* else this table would prove nothing */
    return t.wrong_runs + wl_world_strays(w);
}
