/* src/host/api.c - pawl_call and the typed calls, which say the same by it. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include "host/host.h"
#include "io/alloc.h"
#include "io/clock.h"

static int call_owner(struct pawl *p, const char *request, pawl_line_fn *line, void *ctx, struct pawl_error *err)
{
    struct pawl_door *d = pawl_door_open(p, pawl_str_of(request), 0, line, ctx), **at = &p->doors;
    const int interrupts = p->interrupts;
    int rc;
    if (!d) return PAWL_ENOMEM;
    p->interrupts_seen = interrupts;
    while (!d->done && !p->broken.code) {
        if (pawl_host_wait(p)) continue;
        if (p->interrupt_finish && p->interrupts == interrupts + 1) { /* once: what is under way is finished first */
            p->interrupts_seen = p->interrupts;
            while (!d->done && !p->broken.code && !(pawl_engine_idle(p->engine) && !p->events && p->jobs_out == 0))
                if (!pawl_host_wait(p)) break;
        }
        if (!d->done)
            pawl_fail(&d->err, PAWL_ECANCELLED, "", "pawl resume RUN", "interrupted; what was acknowledged is safe");
        d->done = true;
    }
    while (d->waiting_job) { /* a job of it is with the writer: a matter of milliseconds */
        uv_run(&p->loop, UV_RUN_ONCE);
        pawl_host_drain(p);
    }
    if (p->broken.code && !d->err.code) d->err = p->broken;
    rc = d->err.code;
    if (err) *err = d->err;
    while (*at != d) at = &(*at)->next;
    *at = d->next;
    pawl_door_free(d);
    return rc;
}

int pawl_call(struct pawl *p, const char *request, pawl_line_fn *line, void *ctx, struct pawl_error *err)
{
    struct pawl_error unused;
    if (!err) err = &unused;
    memset(err, 0, sizeof *err);
    return p->owns ? call_owner(p, request, line, ctx, err) : pawl_client_call(p, request, line, ctx, err);
}

int pawl_post(struct pawl *p, const char *request, pawl_line_fn *line, void *ctx, struct pawl_error *err)
{
    struct pawl_door *d;
    if (!p->owns || !p->engine) return pawl_call(p, request, line, ctx, err); /* nothing would drive it */
    if (err) memset(err, 0, sizeof *err);
    d = pawl_door_open(p, pawl_str_of(request), 0, line, ctx);
    if (!d) return pawl_fail(err, PAWL_ENOMEM, "", "", "no memory");
    d->posted = true;
    return PAWL_OK;
}

struct ask { /* a request being written, and the run that its answer names */
    struct pawl_buf b;
    struct pawl_json_writer w;
    char *run_out;
    char id[PAWL_ID_TEXT];
};

static void begin(struct ask *a, struct pawl *p, const char *what, const char *run, const char *id)
{
    pawl_buf_init(&a->b, p->alloc);
    a->w = (struct pawl_json_writer){.out = &a->b};
    a->run_out = NULL;
    if (!id) pawl_id_text(pawl_host_new_id(p), a->id);
    pawl_jw_open(&a->w, '{');
    pawl_jw_key(&a->w, "do");
    pawl_jw_text(&a->w, what);
    if (run) pawl_jw_key(&a->w, "run"), pawl_jw_text(&a->w, run);
    pawl_jw_key(&a->w, "id");
    pawl_jw_text(&a->w, id ? id : a->id);
}

static void put(struct ask *a, const char *name, const char *text)
{
    if (text) pawl_jw_key(&a->w, name), pawl_jw_text(&a->w, text);
}

static int take_run(void *ctx, const char *json, size_t bytes)
{
    struct ask *a = ctx;
    struct pawl_arena arena;
    yyjson_val *v;
    pawl_arena_init(&arena, pawl_alloc_libc());
    if (a->run_out && pawl_json_read((struct pawl_str){json, (uint32_t)bytes}, &arena, &v, NULL) == PAWL_OK) {
        const struct pawl_str run = pawl_json_str(v, "run");
        if (run.p && run.n < PAWL_ID_TEXT) memcpy(a->run_out, run.p, run.n), a->run_out[run.n] = 0;
    }
    pawl_arena_fini(&arena);
    return 0;
}

static int finish(struct ask *a, struct pawl *p, struct pawl_error *err)
{
    int rc = PAWL_ENOMEM;
    pawl_jw_close(&a->w, '}');
    if (pawl_buf_done(&a->b).p) rc = pawl_call(p, a->b.p, take_run, a, err);
    pawl_buf_fini(&a->b);
    return rc;
}

int pawl_start_run(struct pawl *p, const struct pawl_start *start, char run_out[37], struct pawl_error *err)
{
    struct pawl_start s = {.size = sizeof s};
    struct ask a;
    memcpy(&s, start, start->size < sizeof s ? start->size : sizeof s);
    begin(&a, p, "start", NULL, s.id);
    a.run_out = run_out;
    put(&a, "agent", s.agent);
    pawl_jw_key(&a.w, "input");
    if (s.input_is_json) pawl_jw_raw(&a.w, pawl_str_of(s.input));
    else pawl_jw_text(&a.w, s.input);
    put(&a, "key", s.key);
    if (s.chat) pawl_jw_key(&a.w, "chat"), pawl_jw_bool(&a.w, true);
    return finish(&a, p, err);
}

int pawl_send(struct pawl *p, const char *run, const char *text, const char *id, struct pawl_error *err)
{
    struct ask a;
    begin(&a, p, "send", run, id);
    put(&a, "text", text);
    return finish(&a, p, err);
}

static void put_step(struct ask *a, uint32_t step)
{
    if (step) pawl_jw_key(&a->w, "step"), pawl_jw_i64(&a->w, step);
}

int pawl_approve(struct pawl *p, const char *run, uint32_t step, const char *digest, const char *reason, const char *id,
                 struct pawl_error *err)
{
    struct ask a;
    begin(&a, p, "approve", run, id);
    put_step(&a, step);
    put(&a, "digest", digest);
    put(&a, "reason", reason);
    return finish(&a, p, err);
}

int pawl_deny(struct pawl *p, const char *run, uint32_t step, const char *reason, const char *id,
              struct pawl_error *err)
{
    struct ask a;
    begin(&a, p, "deny", run, id);
    put_step(&a, step);
    put(&a, "reason", reason);
    return finish(&a, p, err);
}

int pawl_resolve(struct pawl *p, const char *run, uint32_t step, enum pawl_resolution how, const char *result,
                 const char *id, struct pawl_error *err)
{
    static const char *const words[] = {"happened", "not_happened", "stop"};
    struct ask a;
    begin(&a, p, "resolve", run, id);
    put_step(&a, step);
    put(&a, "how", words[how]);
    if (result) pawl_jw_key(&a.w, "result"), pawl_jw_raw(&a.w, pawl_str_of(result));
    return finish(&a, p, err);
}

int pawl_cancel(struct pawl *p, const char *run, const char *reason, const char *id, struct pawl_error *err)
{
    struct ask a;
    begin(&a, p, "cancel", run, id);
    put(&a, "reason", reason);
    return finish(&a, p, err);
}

struct waited {
    const char *status;
    int64_t until_ns;
};

static int take_status(void *ctx, const char *json, size_t bytes)
{
    static const char *const words[] = {"running", "waiting", "ending", "done", "failed", "cancelled", "dead"};
    struct waited *out = ctx;
    struct pawl_arena arena;
    yyjson_val *v;
    pawl_arena_init(&arena, pawl_alloc_libc());
    if (pawl_json_read((struct pawl_str){json, (uint32_t)bytes}, &arena, &v, NULL) == PAWL_OK) {
        const struct pawl_str word = pawl_json_str(yyjson_obj_get(v, "head"), "status");
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (pawl_str_is(word, words[i])) out->status = words[i];
    }
    pawl_arena_fini(&arena);
    return 0;
}

static void on_time_over(uv_timer_t *t)
{
    struct pawl *p = t->data;
    p->turn_over = true;
    uv_stop(t->loop);
    p->interrupts++; /* ends the call that waits; not an interruption of the work */
}

int pawl_wait(struct pawl *p, const char *run, int64_t timeout_ns, const char **status, struct pawl_error *err)
{
    struct waited out = {0};
    struct ask a;
    int rc = PAWL_ENOMEM;
    begin(&a, p, "follow", run, NULL);
    pawl_jw_key(&a.w, "from");
    pawl_jw_i64(&a.w, INT64_MAX / 2);
    pawl_jw_close(&a.w, '}');
    p->turn_over = false;
    if (timeout_ns >= 0 && p->owns) {
        p->interrupt_finish = false;
        uv_timer_start(&p->turn, on_time_over, (uint64_t)(timeout_ns / 1000000) + 1, 0);
    }
    if (pawl_buf_done(&a.b).p) rc = pawl_call(p, a.b.p, take_status, &out, err);
    uv_timer_stop(&p->turn);
    pawl_buf_fini(&a.b);
    if (status) *status = out.status;
    if (rc == PAWL_ECANCELLED && p->turn_over) return pawl_fail(err, PAWL_ETIMEDOUT, run, "", "the run goes on");
    return rc;
}

int pawl_turn(struct pawl *p, int64_t timeout_ns, struct pawl_error *err)
{
    const int64_t until_ns = pawl_clock_mono_ns() + timeout_ns;
    if (!p->owns || !p->engine) return PAWL_OK;
    p->interrupts_seen = p->interrupts;
    p->turn_over = false;
    p->interrupt_finish = false;
    if (timeout_ns > 0) uv_timer_start(&p->turn, on_time_over, (uint64_t)(timeout_ns / 1000000) + 1, 0);
    pawl_host_pump(p);
    do {
        if (timeout_ns <= 0) {
            uv_run(&p->loop, UV_RUN_NOWAIT);
            pawl_host_drain(p);
            pawl_host_pump(p);
            break;
        }
        if (!pawl_host_wait(p)) break;
    } while (pawl_clock_mono_ns() < until_ns && !p->broken.code);
    uv_timer_stop(&p->turn);
    if (err && p->broken.code) *err = p->broken;
    if (p->broken.code) return p->broken.code;
    return p->interrupts != p->interrupts_seen && !p->turn_over ? PAWL_ECANCELLED : PAWL_OK;
}
