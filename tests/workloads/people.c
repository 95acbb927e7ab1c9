/* tests/workloads/people.c - the people around the runs, each a client of the owner: they start the runs of a chunk, follow
 * them one after the other, and answer whatever a run waits for:
 *
 *   a gate               yes
 *   a repeat, a conflict yes exactly where the recorded call succeeded
 *   a message            the customer's next, or the end of the conversation
 *   a step in doubt      stop: the recording breaks off there, so nobody can say what happened */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "io/alloc.h"
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
    char waiting[16];
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

static void asked(struct wl_call *c, yyjson_val *body)
{
    yyjson_val *why = yyjson_obj_get(body, "why"), *v;
    size_t i, n;
    c->asked_now = true;
    yyjson_arr_foreach(why, i, n, v)
    {
        const struct pawl_str word = pawl_json_value_str(v);
        c->asked |= pawl_str_is(word, "gate")     ? WL_ASKED_GATE
                    : pawl_str_is(word, "repeat") ? WL_ASKED_REPEAT
                                                  : WL_ASKED_CONFLICT;
    }
}

static void of_call(struct wl_call *c, struct pawl_str kind, yyjson_val *body)
{
    yyjson_val *first = yyjson_obj_get(body, "first");
    const struct pawl_str class = pawl_json_str(body, "class"), message = pawl_json_str(body, "message");
    if (pawl_str_is(kind, "gate.asked")) {
        asked(c, body);
    } else if (pawl_str_is(kind, "gate.answered")) {
        c->asked_now = false;
    } else if (pawl_str_is(kind, "step.in_doubt")) {
        c->in_doubt = true;
        c->asked |= WL_ASKED_DOUBT;
    } else if (pawl_str_is(kind, "step.resolved")) {
        c->in_doubt = false;
    } else if (pawl_str_is(kind, "step.completed")) {
        c->end = first ? WL_ANSWERED : WL_DONE;
        c->first_step = (uint32_t)pawl_json_i64(first, "step", 0);
        c->applied = !first;
    } else if (pawl_str_is(kind, "step.failed")) {
        c->end = WL_NOT_DONE;
        c->applied = pawl_json_bool(body, "applied", false);
        snprintf(c->error_class, sizeof c->error_class, "%.*s", (int)class.n, class.p ? class.p : "");
        if (!c->message) c->message = strdup(message.p ? message.p : "");
    }
}

static void of_run(struct wl_recording *rec, struct pawl_str kind, yyjson_val *body)
{
    const struct pawl_str class = pawl_json_str(body, "class");
    if (pawl_str_is(kind, "run.ended"))
        snprintf(rec->end_class, sizeof rec->end_class, "%.*s", (int)class.n, class.p ? class.p : "");
}

static void take_record(struct wl_recording *rec, yyjson_val *v)
{
    const uint32_t step = (uint32_t)pawl_json_i64(v, "step", 0);
    const struct pawl_str kind = pawl_json_str(v, "kind");
    struct wl_call *c = wl_call_at(rec, step);
    rec->seq = (uint64_t)pawl_json_i64(v, "seq", 0);
    if (c) of_call(c, kind, yyjson_obj_get(v, "body"));
    else if (step == 0) of_run(rec, kind, yyjson_obj_get(v, "body"));
    else if (pawl_str_is(kind, "step.completed")) rec->answers++;
}

static int take_line(void *ctx, const char *json, size_t bytes)
{
    struct person *who = ctx;
    struct pawl_arena a;
    yyjson_val *v, *head;
    pawl_arena_init(&a, pawl_alloc_libc());
    if (pawl_json_read((struct pawl_str){json, (uint32_t)bytes}, &a, &v, NULL) == PAWL_OK) {
        if (yyjson_obj_get(v, "record")) take_record(who->rec, yyjson_obj_get(v, "record"));
        if ((head = yyjson_obj_get(v, "head")) != NULL) {
            const struct pawl_str status = pawl_json_str(head, "status"), waiting = pawl_json_str(head, "waiting");
            snprintf(who->rec->status, sizeof who->rec->status, "%.*s", (int)status.n, status.p ? status.p : "");
            snprintf(who->waiting, sizeof who->waiting, "%.*s", (int)waiting.n, waiting.p ? waiting.p : "");
        }
    }
    pawl_arena_fini(&a);
    return 0;
}

static void answer_gates(struct person *who)
{
    struct wl_recording *rec = who->rec;
    struct pawl_error err;
    char id[64];
    for (uint32_t i = 0; i < rec->calls_count; i++) {
        struct wl_call *c = &rec->calls[i];
        if (!c->asked_now || c->end != WL_OPEN) continue;
        const bool only_gate = (c->asked & (WL_ASKED_REPEAT | WL_ASKED_CONFLICT)) == 0;
        c->yes = only_gate || (c->has_result && !c->refused);
        snprintf(id, sizeof id, "%s-gate-%u-%llu", rec->name, c->step, (unsigned long long)rec->seq);
        if (c->yes ? pawl_approve(who->line, rec->run, c->step, NULL, NULL, id, &err)
                   : pawl_deny(who->line, rec->run, c->step, "the recorded repeat failed", id, &err))
            trouble(who, "a gate", &err);
    }
}

static void resolve_doubts(struct person *who)
{
    struct wl_recording *rec = who->rec;
    struct pawl_error err;
    char id[64];
    for (uint32_t i = 0; i < rec->calls_count; i++) {
        if (!rec->calls[i].in_doubt) continue;
        snprintf(id, sizeof id, "%s-doubt-%u", rec->name, rec->calls[i].step);
        if (pawl_resolve(who->line, rec->run, rec->calls[i].step, PAWL_STOP_THE_RUN, NULL, id, &err))
            trouble(who, "a step in doubt", &err);
    }
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

/* Until it waits for somebody or has ended; then it gets what it waits for. */
static void follow(struct person *who)
{
    struct wl_recording *rec = who->rec;
    struct pawl_error err;
    char request[128];
    who->waiting[0] = 0;
    snprintf(request, sizeof request, "{\"do\":\"follow\",\"run\":\"%s\",\"from\":%llu}", rec->run,
             (unsigned long long)rec->seq + 1);
    if (pawl_call(who->line, request, take_line, who, &err)) trouble(who, "following it", &err);
    else if (strcmp(who->waiting, "gate") == 0) answer_gates(who);
    else if (strcmp(who->waiting, "doubt") == 0) resolve_doubts(who);
    else if (strcmp(who->waiting, "message") == 0) send_next(who);
    else if (who->waiting[0]) wl_trouble(who->replay, rec, "it waits: %s", who->waiting);
    who->replay->progress++;
    rec->over = in_trouble(who) || strcmp(rec->status, "done") == 0 || strcmp(rec->status, "failed") == 0 ||
                strcmp(rec->status, "cancelled") == 0 || strcmp(rec->status, "dead") == 0;
    if (rec->over) who->replay->ended++;
}

static void start(struct person *who)
{
    struct wl_recording *rec = who->rec;
    char id[64], key[256], run[37];
    struct pawl_error err;
    struct pawl_buf input;
    snprintf(id, sizeof id, "%s-start", rec->name);
    snprintf(key, sizeof key, "%.*s", (int)rec->id.n, rec->id.p);
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
    pawl_buf_fini(&input);
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
        start(&who);
        left -= who.rec->over;
    }
    while (left > 0 && !r->stop)
        for (uint32_t i = 0; i < chunk->count && !r->stop; i++) {
            who.rec = &r->data->recordings[chunk->recordings[i]->index];
            if (who.rec->over) continue;
            follow(&who);
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
