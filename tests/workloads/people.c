/* tests/workloads/people.c - the people around the runs, each a client of the owner: they start the runs of a chunk, follow
 * them one after the other, and answer whatever a run waits for:
 *
 *   a gate               yes; to a call that a fault has put in, no: nobody wanted it
 *   a repeat, a conflict yes exactly where the recorded call succeeded
 *   a message            the customer's next, or the end of the conversation
 *   a step in doubt      stop, where the recording breaks off, so that nobody can say what happened. On a bad day: nothing, the
 *                        run waits and says so; or, where somebody looks it up, what the service's books say
 *
 * Whatever is said bears an id made of what it answers: said again after a crash, it is said once. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "books.h"
#include "io/alloc.h"
#include "io/clock.h"
#include "replay.h"

void wl_name_run(struct wl_replay *r, struct wl_recording *rec, const char *run)
{
    pthread_mutex_lock(&r->lock);
    pawl_map_put(&r->by_run, run, strlen(run), rec);
    memcpy(rec->run, run, strlen(run) + 1);
    pthread_cond_broadcast(&r->named);
    pthread_mutex_unlock(&r->lock);
}

struct wl_recording *wl_recording_of(struct wl_replay *r, const char *run)
{
    struct wl_recording *rec;
    pthread_mutex_lock(&r->lock);
    while ((rec = pawl_map_get(&r->by_run, run, strlen(run))) == NULL && !r->stop)
        pthread_cond_wait(&r->named, &r->lock);
    pthread_mutex_unlock(&r->lock);
    return rec;
}

struct person {
    struct wl_replay *replay;
    struct pawl *line;
    struct wl_recording *rec; /* the one that is followed */
};

void wl_trouble(struct wl_replay *r, struct wl_recording *rec, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    pthread_mutex_lock(&r->lock);
    if (!rec->trouble[0]) vsnprintf(rec->trouble, sizeof rec->trouble, format, args);
    pthread_mutex_unlock(&r->lock);
    va_end(args);
}

static bool in_trouble(struct person *who)
{
    pthread_mutex_lock(&who->replay->lock);
    const bool is = who->rec->trouble[0] != 0;
    pthread_mutex_unlock(&who->replay->lock);
    return is;
}

static void trouble(struct person *who, const char *doing, const struct pawl_error *err)
{
    wl_trouble(who->replay, who->rec, "%s: %s %s", doing, err->where, err->what);
}

static int take_run(void *ctx, const char *json, size_t bytes)
{
    char *run = ctx;
    struct pawl_arena a;
    yyjson_val *v;
    pawl_arena_init(&a, pawl_alloc_libc());
    if (pawl_json_read((struct pawl_str){json, (uint32_t)bytes}, &a, &v, NULL) == PAWL_OK) {
        const struct pawl_str found = pawl_json_str(yyjson_arr_get_first(yyjson_obj_get(v, "runs")), "run");
        if (found.p && found.n < 40) memcpy(run, found.p, found.n), run[found.n] = 0;
    }
    pawl_arena_fini(&a);
    return 0;
}

static int take_line(void *ctx, const char *json, size_t bytes)
{
    struct person *who = ctx;
    struct pawl_arena a;
    yyjson_val *v;
    pawl_arena_init(&a, pawl_alloc_libc());
    if (pawl_json_read((struct pawl_str){json, (uint32_t)bytes}, &a, &v, NULL) == PAWL_OK)
        wl_take_line(who->rec, who->replay->config.faulty, v);
    pawl_arena_fini(&a);
    return 0;
}

/* Signal number `serial` of its name. Said again it has the same key; every third run's is said twice. */
static void send_signal(struct person *who, const struct wl_tool *t, uint32_t serial)
{
    const struct wl_recording *rec = who->rec;
    char key[128], payload[160], id[160];
    struct pawl_error err;
    snprintf(key, sizeof key, "%s-%s-%u", rec->name, t->name, serial);
    snprintf(payload, sizeof payload, "{\"serial\":%u,\"of\":\"%s\"}", serial, t->name);
    for (int again = 0; again < (rec->index % 3 == 0 ? 2 : 1); again++) {
        snprintf(id, sizeof id, "%s-%d", key, again);
        if (pawl_signal(who->line, rec->run, t->name, payload, key, id, &err)) trouble(who, "a signal", &err);
    }
}

/* Somebody whom a guard asks does not always come by. */
static bool lets_wait(const struct wl_recording *rec, const struct wl_call *c)
{
    return rec->index % 6 == 5 && (c->asked & WL_ASKED_GUARD);
}

/* What is asked about the run itself: whether it may go on, or may spend more; that is granted once, and
 * of what all runs share nothing. */
static bool answer_question(struct person *who)
{
    struct wl_recording *rec = who->rec;
    struct wl_seen *s = &rec->seen;
    const bool budgets = who->replay->config.part == WL_BUDGETS;
    const bool yes = budgets || rec->index % 3 != 1;
    struct pawl_error err;
    char id[64];
    if (!s->question) return false;
    s->left = budgets ? s->yes > 0 || s->of_all : rec->index % 6 == 5;
    if (s->left) return true;
    snprintf(id, sizeof id, "%s-question-%u", rec->name, s->question);
    if (yes ? pawl_approve(who->line, rec->run, s->question, NULL, NULL, id, &err)
            : pawl_deny(who->line, rec->run, s->question, "it goes nowhere", id, &err))
        trouble(who, "a question about the run", &err);
    return true;
}

/* Somebody stops the run at the first thing that she is asked. */
static bool cancels(struct person *who)
{
    struct wl_recording *rec = who->rec;
    struct pawl_error err;
    char id[64];
    if (who->replay->config.part != WL_UNDO || wl_undoing_of(rec) != WL_CANCEL) return false;
    snprintf(id, sizeof id, "%s-cancel", rec->name);
    if (!rec->seen.cancelled && pawl_cancel(who->line, rec->run, "not after all", id, &err))
        trouble(who, "stopping it", &err);
    return rec->seen.cancelled = true;
}

/* false: this call is not asked about. */
static bool answer_gate(struct person *who, struct wl_call *c)
{
    struct wl_recording *rec = who->rec;
    const bool only_gate = (c->asked & (WL_ASKED_REPEAT | WL_ASKED_CONFLICT)) == 0;
    struct pawl_error err;
    char id[64];
    if (!c->asked_now || c->end != WL_OPEN) return false;
    c->yes = !c->kind && (only_gate || (c->has_result && !c->refused));
    if (who->replay->config.part && lets_wait(rec, c)) return rec->seen.left = true;
    if (c->asked & WL_ASKED_OPINION) c->yes = c->yes && rec->index % 2 == 0; /* her word is the last one */
    snprintf(id, sizeof id, "%s-gate-%u-%llu", rec->name, c->step, (unsigned long long)rec->seq);
    if (c->yes ? pawl_approve(who->line, rec->run, c->step, NULL, NULL, id, &err)
               : pawl_deny(who->line, rec->run, c->step, c->kind ? "nobody wanted that" : "the recorded repeat failed",
                           id, &err))
        trouble(who, "a gate", &err);
    return true;
}

/* false: nothing can be said of it yet. */
static bool resolve_doubt(struct person *who, struct wl_call *c)
{
    struct wl_recording *rec = who->rec;
    enum pawl_resolution how = PAWL_STOP_THE_RUN;
    struct pawl_error err;
    struct pawl_buf result;
    uint32_t effects;
    char id[64];
    int rc;
    if (!c->in_doubt) return true;
    pawl_buf_init(&result, pawl_alloc_libc());
    if (who->replay->config.faulty && c->has_result) {
        const uint32_t index = c->kind ? c->of : (uint32_t)(c - rec->calls);
        if (!wl_look_up(who->replay->port, rec, index, c->kind, &effects)) return false;
        how = effects ? PAWL_IT_HAPPENED : PAWL_IT_DID_NOT;
        if (c->tool->json) pawl_buf_str(&result, c->content);
        else pawl_json_quote(c->content, &result);
    }
    snprintf(id, sizeof id, "%s-doubt-%u-%llu", rec->name, c->step, (unsigned long long)rec->seq);
    rc = pawl_resolve(who->line, rec->run, c->step, how, how == PAWL_IT_HAPPENED ? pawl_buf_done(&result).p : NULL, id,
                      &err);
    if (rc) trouble(who, "a step in doubt", &err);
    pawl_buf_fini(&result);
    return true;
}

static void send_next(struct person *who)
{
    struct wl_recording *rec = who->rec;
    const uint32_t turn = rec->answers;
    const bool more = turn < rec->turns_count && rec->turns[turn].user.p;
    struct pawl_error err;
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    char id[64];
    snprintf(id, sizeof id, "%s-user-%u", rec->name, turn);
    pawl_buf_init(&b, pawl_alloc_libc());
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "do"), pawl_jw_text(&w, "send");
    pawl_jw_key(&w, "run"), pawl_jw_text(&w, rec->run);
    pawl_jw_key(&w, "id"), pawl_jw_text(&w, id);
    if (more) pawl_jw_key(&w, "text"), pawl_jw_str(&w, rec->turns[turn].user);
    else pawl_jw_key(&w, "end"), pawl_jw_bool(&w, true);
    pawl_jw_close(&w, '}');
    if (pawl_call(who->line, pawl_buf_done(&b).p, NULL, NULL, &err)) trouble(who, "a message", &err);
    pawl_buf_fini(&b);
}

static bool ended(const struct wl_recording *rec)
{
    static const char *const words[] = {"done", "failed", "cancelled", "dead"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(rec->status, words[i]) == 0) return true;
    return false;
}

static void answer_gates(struct person *who)
{
    struct wl_recording *rec = who->rec;
    if (cancels(who)) return;
    uint32_t answered = answer_question(who);
    for (uint32_t i = 0; i < rec->calls_count; i++) answered += answer_gate(who, &rec->calls[i]);
    for (uint32_t i = 0; i < rec->extras_count; i++) answered += answer_gate(who, &rec->extras[i]);
    if (!answered) wl_trouble(who->replay, rec, "it waits at a gate of no call");
}

static void resolve_doubts(struct person *who)
{
    struct wl_recording *rec = who->rec;
    bool told = true;
    for (uint32_t i = 0; i < rec->calls_count; i++) told = resolve_doubt(who, &rec->calls[i]) && told;
    for (uint32_t i = 0; i < rec->extras_count; i++) told = resolve_doubt(who, &rec->extras[i]) && told;
    if (!told) usleep(20000); /* the books do not know it yet */
}

/* The run has ended. true: now it is being undone. Said again after a crash it is the same word. */
static bool wants_undone(struct person *who)
{
    struct wl_recording *rec = who->rec;
    const enum wl_undoing kind = wl_undoing_of(rec);
    const bool by_word = kind == WL_UNDO_DONE || kind == WL_UNDO_STOPPED;
    struct pawl_error err;
    char id[64];
    if (who->replay->config.part != WL_UNDO || !by_word || rec->seen.undo_said) return false;
    snprintf(id, sizeof id, "%s-undo", rec->name);
    rec->seen.undo_said = true;
    const int rc = pawl_undo(who->line, rec->run, wl_undo_to(rec), NULL, id, &err);
    if (rc && rc != PAWL_ENOTFOUND) trouble(who, "undoing it", &err); /* not found: there is nothing to undo */
    return rc == PAWL_OK;
}

/* What each tool that waits is to hear next. */
static void send_signals(struct person *who)
{
    const struct wl_recording *rec = who->rec;
    for (uint32_t i = 0; i < rec->calls_count; i++) {
        const struct wl_call *c = &rec->calls[i];
        uint32_t serial = 1;
        if (c->end != WL_OPEN || !c->intended_seq || !wl_hears(c->tool)) continue;
        for (uint32_t k = 0; k < rec->calls_count; k++)
            serial += rec->calls[k].tool == c->tool && rec->calls[k].end == WL_DONE;
        send_signal(who, c->tool, serial);
    }
}

/* Until it waits for somebody or has ended; then it gets what it waits for. */
static void follow(struct person *who)
{
    struct wl_recording *rec = who->rec;
    const struct wl_replay *r = who->replay;
    struct pawl_error err;
    char request[128];
    bool waits = false;
    rec->waiting[0] = 0;
    snprintf(request, sizeof request, "{\"do\":\"follow\",\"run\":\"%s\",\"from\":%llu}", rec->run,
             (unsigned long long)rec->seq + 1);
    if (pawl_call(who->line, request, take_line, who, &err)) trouble(who, "following it", &err);
    else if (strcmp(rec->waiting, "gate") == 0) answer_gates(who);
    else if (strcmp(rec->waiting, "doubt") == 0 && (!r->config.faulty || r->looks_it_up)) resolve_doubts(who);
    else if (strcmp(rec->waiting, "doubt") == 0) waits = true;
    else if (strcmp(rec->waiting, "message") == 0) send_next(who);
    else if (strcmp(rec->waiting, "signal") == 0) send_signals(who);
    else if (rec->waiting[0]) wl_trouble(who->replay, rec, "it waits: %s", rec->waiting);
    who->replay->progress++;
    waits = waits || rec->seen.left;
    rec->over = waits || in_trouble(who) || (ended(rec) && !wants_undone(who));
    if (rec->over) who->replay->ended++;
}

/* What begins by the clock is followed once it is there. One that is not to begin at all is over when its time is. */
static void find(struct person *who)
{
    struct wl_recording *rec = who->rec;
    const struct wl_config *c = &who->replay->config;
    const struct wl_plan plan = wl_plan_of(rec, c->kills);
    const int64_t minutes = (pawl_clock_wall_ns() - c->begins_ns) / 60000000000;
    char run[40] = "", request[64];
    struct pawl_error err;
    snprintf(request, sizeof request, "{\"do\":\"list\",\"agent\":\"%s\",\"max\":1}", rec->name);
    if (pawl_call(who->line, request, take_run, run, &err)) trouble(who, "looking for it", &err);
    if (run[0]) wl_name_run(who->replay, rec, run);
    rec->over = in_trouble(who) || (!run[0] && !wl_begins(&plan) && minutes >= plan.last + WL_WINDOW_MINUTES / 2);
    if (rec->over) who->replay->ended++;
    else if (!run[0]) usleep(5000);
    who->replay->progress += run[0] || rec->over;
}

static void start(struct person *who)
{
    struct wl_recording *rec = who->rec;
    char id[64], key[256], run[37];
    struct pawl_error err;
    struct pawl_buf input;
    snprintf(id, sizeof id, "%s-start", rec->name);
    if (who->replay->config.faulty) snprintf(key, sizeof key, "%s", rec->name); /* it stands in the tools' URLs */
    else snprintf(key, sizeof key, "%.*s", (int)rec->id.n, rec->id.p);
    pawl_buf_init(&input, pawl_alloc_libc());
    pawl_buf_str(&input, rec->input);
    const struct pawl_start s = {.size = sizeof s,
                                 .agent = rec->name,
                                 .input = pawl_buf_done(&input).p,
                                 .key = key,
                                 .chat = rec->chat,
                                 .id = id};
    if (pawl_start_run(who->line, &s, run, &err)) {
        trouble(who, "starting it", &err);
        rec->over = true;
        who->replay->ended++;
    } else {
        wl_name_run(who->replay, rec, run);
    }
    for (uint32_t i = 0; who->replay->config.part == WL_SIGNALS && wl_sent_before(rec) && i < rec->calls_count; i++) {
        uint32_t serial = 1;
        for (uint32_t k = 0; k < i; k++) serial += rec->calls[k].tool == rec->calls[i].tool;
        if (wl_hears(rec->calls[i].tool)) send_signal(who, rec->calls[i].tool, serial);
    }
    pawl_buf_fini(&input);
}

static bool by_clock(const struct wl_replay *r, const struct wl_recording *rec)
{
    return r->config.part == WL_SCHEDULES && wl_by_clock(r->data, rec);
}

static void play(struct wl_replay *r, const struct wl_chunk *chunk)
{
    struct person who = {.replay = r};
    const struct pawl_options o = {.size = sizeof o, .config = chunk->config, .store = r->store};
    struct pawl_error err;
    uint32_t left = chunk->count;
    if (pawl_open(&o, &who.line, &err)) {
        fprintf(stderr, "workloads: %s: %s %s; %s\n", chunk->config, err.where, err.what, err.next);
        r->stop = true;
        return;
    }
    for (uint32_t i = 0; i < chunk->count; i++) {
        who.rec = &r->data->recordings[chunk->recordings[i]->index];
        if (!by_clock(r, who.rec)) start(&who);
        left -= who.rec->over;
    }
    while (left > 0 && !r->stop)
        for (uint32_t i = 0; i < chunk->count && !r->stop; i++) {
            who.rec = &r->data->recordings[chunk->recordings[i]->index];
            if (who.rec->over) continue;
            if (who.rec->run[0]) follow(&who);
            else find(&who);
            left -= who.rec->over;
        }
    pawl_close(who.line);
}

void *wl_people(void *ctx)
{
    struct wl_replay *r = ctx;
    for (;;) {
        const uint32_t i = r->next_chunk++;
        if (i >= r->chunks_count || r->stop) return NULL;
        play(r, &r->chunks[i]);
    }
}
