/* src/host/worker.c - see worker.h. */
#include "host/worker.h"
#include "io/clock.h"
#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 64 };

enum state { WAITING, RUNNING, LEFT };

/* Threads and the loop share it; the last of them frees it. */
struct shared {
    pthread_mutex_t mutex;
    uv_async_t *wake; /* NULL: the loop is gone */
    struct pawl_worker *returned;
    unsigned users;
};

struct pawl_worker {
    struct pawl_worker *next; /* in `calls`, by age */
    struct pawl_worker *next_returned;
    struct pawl_workers *of;
    struct shared *shared;
    enum state state; /* the loop's alone */
    int64_t until_ns;
    struct pawl_tool_call call;
    pawl_tool_fn *fn;
    void *fn_ctx;
    void (*on_done)(void *ctx, const struct pawl_reply *reply);
    void *ctx;
    size_t answer_bytes_max;
    /* what the function says: its thread's until it has returned */
    struct pawl_reply reply;
    char *said;
    bool given;
    char texts[]; /* of `call` */
};

struct pawl_workers {
    uv_async_t wake;
    uv_timer_t timer;
    struct shared *shared;
    struct pawl_worker *calls;
    unsigned running; /* threads, those left behind included */
    unsigned closing; /* handles */
};

static void leave_shared(struct shared *s, bool locked)
{
    if (!locked) pthread_mutex_lock(&s->mutex);
    const bool last = --s->users == 0;
    pthread_mutex_unlock(&s->mutex);
    if (!last) return;
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

static void free_call(struct pawl_worker *c)
{
    free(c->said);
    free(c);
}

/* ---- what a function says, on whatever thread ---- */

bool pawl_is_verdict(enum pawl_tool_verdict verdict)
{
    return (int)verdict >= 0 && verdict <= PAWL_TOOL_UNKNOWN;
}

void pawl_take_verdict(struct pawl_reply *reply, enum pawl_tool_verdict verdict, struct pawl_str said, bool too_large)
{
    static const enum pawl_applied applied[] = {PAWL_APPLIED_YES, PAWL_APPLIED_NO, PAWL_APPLIED_UNKNOWN};
    if (too_large) reply->transport = PAWL_TOO_LARGE;
    reply->verdict = applied[verdict];
    reply->has_verdict = true;
    if (verdict == PAWL_TOOL_APPLIED) reply->body = said;
    else reply->detail = said;
}

/* ---- on the call's thread ---- */

static void take_answer(void *ctx, enum pawl_tool_verdict verdict, const char *text, size_t bytes)
{
    struct pawl_worker *c = ctx;
    const bool too_large = bytes > c->answer_bytes_max;
    struct pawl_str said = {0};
    if (c->given || !pawl_is_verdict(verdict)) return; /* the first word counts */
    c->given = true;
    if (!too_large && text && bytes) {
        c->said = malloc(bytes + 1);
        if (!c->said) return; /* no verdict: nobody knows */
        memcpy(c->said, text, bytes);
        c->said[bytes] = 0;
        said = (struct pawl_str){c->said, (uint32_t)bytes};
    }
    pawl_take_verdict(&c->reply, verdict, said, too_large);
}

static void *work(void *ctx)
{
    struct pawl_worker *c = ctx;
    struct shared *s = c->shared;
    c->fn(c->fn_ctx, &c->call, take_answer, c);
    pthread_mutex_lock(&s->mutex);
    c->next_returned = s->returned;
    s->returned = c;
    if (s->wake) uv_async_send(s->wake);
    else {
        s->returned = c->next_returned;
        free_call(c);
    }
    leave_shared(s, true);
    return NULL;
}

/* ---- on the loop's ---- */

static void unlink_call(struct pawl_worker *c)
{
    struct pawl_worker **at = &c->of->calls;
    while (*at && *at != c) at = &(*at)->next;
    assert(*at);
    *at = c->next;
}

/* A thread of its own: signals go to the others, and nobody waits for it. */
static bool begin(struct pawl_worker *c)
{
    sigset_t all, before;
    pthread_attr_t attr;
    pthread_t thread;
    sigfillset(&all);
    if (pthread_attr_init(&attr)) return false;
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_mutex_lock(&c->shared->mutex);
    c->shared->users++;
    pthread_mutex_unlock(&c->shared->mutex);
    c->state = RUNNING;
    c->of->running++;
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(&thread, &attr, work, c);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (!failed) return true;
    c->state = WAITING;
    c->of->running--;
    leave_shared(c->shared, false);
    return false;
}

static void arm(struct pawl_workers *w);

/* Over without an answer of its function's. */
static void over(struct pawl_worker *c, enum pawl_transport transport, const char *why)
{
    const struct pawl_reply reply = {.transport = transport, .detail = pawl_str_of(why)};
    void (*on_done)(void *, const struct pawl_reply *) = c->on_done;
    void *ctx = c->ctx;
    pawl_worker_cancel(c);
    on_done(ctx, &reply);
}

static void begin_waiting(struct pawl_workers *w)
{
    for (struct pawl_worker *c = w->calls, *next; c && w->running < THREADS_MAX; c = next) {
        next = c->next;
        if (c->state == WAITING && !begin(c) && w->running == 0) over(c, PAWL_NOT_SENT, "the system gives no thread");
    }
}

static void on_returned(uv_async_t *a)
{
    struct pawl_workers *w = a->data;
    struct pawl_worker *c, *next;
    pthread_mutex_lock(&w->shared->mutex);
    c = w->shared->returned;
    w->shared->returned = NULL;
    pthread_mutex_unlock(&w->shared->mutex);
    for (; c; c = next) {
        next = c->next_returned;
        w->running--;
        if (c->state == RUNNING) {
            unlink_call(c);
            c->on_done(c->ctx, &c->reply);
        }
        free_call(c);
    }
    begin_waiting(w);
    arm(w);
}

static void on_timer(uv_timer_t *t)
{
    struct pawl_workers *w = t->data;
    const int64_t now_ns = pawl_clock_mono_ns();
    for (struct pawl_worker *c = w->calls, *next; c; c = next) {
        next = c->next;
        if (c->until_ns > now_ns) continue;
        if (c->state == RUNNING)
            over(c, PAWL_NO_ANSWER, "its function has not returned in time, and may still be at work");
        else over(c, PAWL_NOT_SENT, "no thread came free in time: as many functions as there may be are at work");
    }
    arm(w);
}

static void arm(struct pawl_workers *w)
{
    int64_t first_ns = INT64_MAX;
    for (const struct pawl_worker *c = w->calls; c; c = c->next)
        if (c->until_ns < first_ns) first_ns = c->until_ns;
    if (first_ns == INT64_MAX) {
        uv_timer_stop(&w->timer);
        return;
    }
    const int64_t left_ns = first_ns - pawl_clock_mono_ns();
    uv_update_time(w->timer.loop);
    uv_timer_start(&w->timer, on_timer, left_ns <= 0 ? 0 : (uint64_t)(left_ns + 999999) / 1000000, 0);
}

int pawl_workers_new(uv_loop_t *loop, struct pawl_workers **out)
{
    struct pawl_workers *w = calloc(1, sizeof *w);
    struct shared *s = calloc(1, sizeof *s);
    *out = NULL;
    if (!w || !s || pthread_mutex_init(&s->mutex, NULL)) {
        free(w);
        free(s);
        return PAWL_ENOMEM;
    }
    if (uv_async_init(loop, &w->wake, on_returned)) {
        pthread_mutex_destroy(&s->mutex);
        free(s);
        free(w);
        return PAWL_EIO;
    }
    uv_timer_init(loop, &w->timer);
    w->wake.data = w->timer.data = w;
    s->wake = &w->wake;
    s->users = 1;
    w->shared = s;
    *out = w;
    return PAWL_OK;
}

static void on_closed(uv_handle_t *h)
{
    struct pawl_workers *w = h->data;
    if (--w->closing == 0) free(w);
}

void pawl_workers_free(struct pawl_workers *w)
{
    struct pawl_worker *returned, *next;
    if (!w) return;
    while (w->calls) pawl_worker_cancel(w->calls);
    pthread_mutex_lock(&w->shared->mutex);
    returned = w->shared->returned;
    w->shared->returned = NULL;
    w->shared->wake = NULL;
    leave_shared(w->shared, true);
    for (; returned; returned = next) {
        next = returned->next_returned;
        free_call(returned);
    }
    w->closing = 2;
    uv_close((uv_handle_t *)&w->wake, on_closed);
    uv_close((uv_handle_t *)&w->timer, on_closed);
}

static const char *keep(char **at, const char *text, size_t bytes)
{
    char *here = *at;
    memcpy(here, text, bytes);
    here[bytes] = 0;
    *at += bytes + 1;
    return here;
}

int pawl_worker_start(struct pawl_workers *w, const struct pawl_worker_spec *spec, struct pawl_worker **out)
{
    const struct pawl_tool_call *call = spec->call;
    const size_t run = strlen(call->run), tool = strlen(call->tool), key = strlen(call->key);
    struct pawl_worker *c = calloc(1, sizeof *c + run + tool + key + call->args_bytes + 4), **last = &w->calls;
    char *texts = c ? c->texts : NULL;
    *out = NULL;
    if (!c) return PAWL_ENOMEM;
    c->of = w;
    c->shared = w->shared;
    c->until_ns = pawl_clock_mono_ns() + call->timeout_ns;
    c->call = *call;
    c->call.run = keep(&texts, call->run, run);
    c->call.tool = keep(&texts, call->tool, tool);
    c->call.key = keep(&texts, call->key, key);
    c->call.args = keep(&texts, call->args, call->args_bytes);
    c->fn = spec->fn;
    c->fn_ctx = spec->fn_ctx;
    c->on_done = spec->on_done;
    c->ctx = spec->ctx;
    c->answer_bytes_max = spec->answer_bytes_max;
    c->reply.transport = PAWL_ANSWERED;
    while (*last) last = &(*last)->next;
    *last = c;
    if (w->running < THREADS_MAX && !begin(c) && w->running == 0) { /* else it waits for one of those */
        pawl_worker_cancel(c);
        return PAWL_ENOMEM;
    }
    arm(w);
    *out = c;
    return PAWL_OK;
}

void pawl_worker_cancel(struct pawl_worker *c)
{
    struct pawl_workers *w = c->of;
    unlink_call(c);
    if (c->state == RUNNING) c->state = LEFT; /* freed when its function returns */
    else free_call(c);
    arm(w);
}
