/* src/host/api.c - pawl_call and the typed calls, which say the same by it. */
#include <stdlib.h>
#include <string.h>
#include "contract/shown.h"
#include "host/host.h"
#include "io/alloc.h"
#include "io/clock.h"
#include "journal/rules.h"

bool pawl_host_inside(const struct pawl *p, struct pawl_error *err)
{
    if (!p->inside) return false;
    pawl_fail(err, PAWL_EBUSY, "", "do it after the callback has returned",
              "a callback of this handle cannot call it: only pawl_interrupt can be called from there");
    return true;
}

static void remove_door(struct pawl *p, struct pawl_door *d)
{
    struct pawl_door **at = &p->doors;
    while (*at != d) at = &(*at)->next;
    *at = d->next;
    pawl_door_free(d);
}

/* Interrupted, to finish: nothing is begun any more; what is under way comes to its end, unless it is interrupted again. d NULL:
 * nobody's call; then only attempts are awaited, which have their timeouts. Nor is a store awaited that cannot write: that is
 * closing's to give up on. */
static void finish_all(struct pawl *p, const struct pawl_door *d)
{
    pawl_host_begin_hand_over(p);
    while (!p->broken.code && !(d && d->done) && (p->attempts || (d && !pawl_host_quiet(p) && !p->cannot_store)))
        if (!pawl_host_wait(p)) break;
    if (pawl_host_interrupted(p)) p->interrupts_seen = p->interrupts;
}

static void on_interruption(struct pawl *p, struct pawl_door *d)
{
    p->interrupts_seen = p->interrupts;
    if (p->interrupt_finish) finish_all(p, d);
    if (d->done && !d->unfinished) return;
    if (p->turn_over) return;
    memset(&d->err, 0, sizeof d->err);
    pawl_fail(&d->err, PAWL_ECANCELLED, "", "pawl resume RUN", "interrupted; what was acknowledged is safe");
    d->done = true;
}

int pawl_owner_call(struct pawl *p, const char *request, pawl_line_fn *line, void *ctx, struct pawl_error *err)
{
    struct pawl_door *d;
    int rc;
    if (p->until_ns != INT64_MAX) pawl_host_arm(p, p->until_ns - pawl_clock_mono_ns());
    pawl_door_wake_tool(p);
    d = pawl_door_open(p, pawl_str_of(request), 0, line, ctx);
    if (!d) return pawl_fail(err, PAWL_ENOMEM, "", "", "no memory for the request");
    p->waits = d;
    while (!d->done && !p->broken.code) {
        if (pawl_host_wait(p)) continue;
        if (!d->done && !p->turn_over) on_interruption(p, d);
        if (d->done || !p->turn_over) continue;
        pawl_fail(&d->err, PAWL_ETIMEDOUT, "", "ask again, or wait longer", "the time is over; the run goes on");
        d->done = true;
    }
    p->waits = NULL;
    pawl_host_disarm(p);
    pawl_host_flush(p);
    while (d->waiting_job) { /* a job of it is with the writer: a matter of milliseconds */
        uv_run(&p->loop, UV_RUN_ONCE);
        pawl_host_drain(p);
    }
    if (p->broken.code && !d->err.code) d->err = p->broken;
    rc = d->err.code;
    *err = d->err;
    remove_door(p, d);
    return rc;
}

int pawl_call(struct pawl *p, const char *request, pawl_line_fn *line, void *ctx, struct pawl_error *err)
{
    struct pawl_error unused;
    int rc;
    if (!err) err = &unused;
    memset(err, 0, sizeof *err);
    if (pawl_host_inside(p, err)) return err->code;
    if (!request) return pawl_fail(err, PAWL_EINVAL, "", "docs/protocol.md", "a request is an object with do");
    p->inside = true;
    rc = p->owns ? pawl_owner_call(p, request, line, ctx, err) : pawl_client_call(p, request, line, ctx, err);
    p->inside = false;
    return rc;
}

int pawl_post(struct pawl *p, const char *request, pawl_line_fn *line, void *ctx, struct pawl_error *err)
{
    struct pawl_error unused;
    struct pawl_door *d;
    if (!err) err = &unused;
    if (!p->owns || !request) return pawl_call(p, request, line, ctx, err); /* nothing would drive it */
    memset(err, 0, sizeof *err);
    d = pawl_door_open(p, pawl_str_of(request), 0, line, ctx);
    if (!d) return pawl_fail(err, PAWL_ENOMEM, "", "", "no memory for the request");
    d->posted = true;
    return PAWL_OK;
}

struct ask { /* a request being written, and the run that its answer names */
    struct pawl_buf b;
    struct pawl_json_writer w;
    char *run_out;
    const char *not_utf8; /* which text of the caller's is not */
    char id[PAWL_ID_TEXT];
};

/* A text of the caller's. The writer would mend what is not UTF-8, and so say something else than was said. */
static void text(struct ask *a, const char *name, const char *text)
{
    const struct pawl_str s = pawl_str_of(text);
    for (uint32_t at = 0; at < s.n;)
        if (pawl_utf8_next(s, &at) < 0) a->not_utf8 = name;
    pawl_jw_key(&a->w, name);
    pawl_jw_str(&a->w, s);
}

static void begin(struct ask *a, struct pawl *p, const char *what, const char *run, const char *id)
{
    pawl_buf_init(&a->b, p->alloc);
    a->w = (struct pawl_json_writer){.out = &a->b};
    a->run_out = NULL;
    a->not_utf8 = NULL;
    if (!id) pawl_id_text(pawl_host_new_id(p), a->id);
    pawl_jw_open(&a->w, '{');
    pawl_jw_key(&a->w, "do");
    pawl_jw_text(&a->w, what);
    if (run) text(a, "run", run);
    text(a, "id", id ? id : a->id);
}

static void put(struct ask *a, const char *name, const char *value)
{
    if (value) text(a, name, value);
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
    if (a->not_utf8) rc = pawl_fail(err, PAWL_EINVAL, a->not_utf8, "", "the text is not UTF-8");
    else if (pawl_buf_done(&a->b).p) rc = pawl_call(p, a->b.p, take_run, a, err);
    else pawl_fail(err, rc, "", "", "no memory for the request");
    pawl_buf_fini(&a->b);
    return rc;
}

/* What is put into a request as it is must be one JSON value and nothing else. */
static int check_json(struct pawl *p, const char *text, const char *what, struct pawl_error *err)
{
    struct pawl_arena a;
    struct pawl_error why = {0};
    yyjson_val *v;
    int rc;
    pawl_arena_init(&a, p->alloc);
    rc = pawl_json_read(pawl_str_of(text), &a, &v, &why);
    pawl_arena_fini(&a);
    return rc ? pawl_fail(err, rc, why.where, "give it as JSON text", "the %s is not JSON: %s", what, why.what)
              : PAWL_OK;
}

int pawl_start_run(struct pawl *p, const struct pawl_start *start, char run_out[37], struct pawl_error *err)
{
    struct pawl_start s = {.size = sizeof s};
    struct ask a;
    int rc;
    if (start) memcpy(&s, start, start->size < sizeof s ? start->size : sizeof s);
    if (!s.agent || !s.input)
        return pawl_fail(err, PAWL_EINVAL, "", "set both in struct pawl_start", "a start needs an agent and an input");
    if (s.input_is_json && (rc = check_json(p, s.input, "input", err)) != PAWL_OK) return rc;
    begin(&a, p, "start", NULL, s.id);
    a.run_out = run_out;
    put(&a, "agent", s.agent);
    if (s.input_is_json) pawl_jw_key(&a.w, "input"), pawl_jw_raw(&a.w, pawl_str_of(s.input));
    else text(&a, "input", s.input);
    put(&a, "key", s.key);
    if (s.chat) pawl_jw_key(&a.w, "chat"), pawl_jw_bool(&a.w, true);
    if (s.begins_ns) pawl_jw_key(&a.w, "begins_ns"), pawl_jw_i64(&a.w, s.begins_ns);
    return finish(&a, p, err);
}

int pawl_send(struct pawl *p, const char *run, const char *text, const char *id, struct pawl_error *err)
{
    struct ask a;
    if (!text) return pawl_fail(err, PAWL_EINVAL, "", "give it a text", "a message needs a text");
    begin(&a, p, "send", run, id);
    put(&a, "text", text);
    return finish(&a, p, err);
}

int pawl_signal(struct pawl *p, const char *run, const char *name, const char *payload, const char *key, const char *id,
                struct pawl_error *err)
{
    struct ask a;
    struct pawl_arena scratch;
    yyjson_val *v;
    int rc;
    if (!name) return pawl_fail(err, PAWL_EINVAL, "", "give it a name", "a signal needs a name");
    pawl_arena_init(&scratch, p->alloc);
    rc = payload ? pawl_json_read(pawl_str_of(payload), &scratch, &v, err) : PAWL_OK;
    pawl_arena_fini(&scratch);
    if (rc) return rc;
    begin(&a, p, "signal", run, id);
    put(&a, "name", name);
    put(&a, "key", key);
    if (payload) pawl_jw_key(&a.w, "payload"), pawl_jw_raw(&a.w, pawl_str_of(payload));
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

int pawl_approve_edited(struct pawl *p, const char *run, uint32_t step, const char *digest, const char *edit,
                        const char *reason, const char *by, const char *id, struct pawl_error *err)
{
    struct ask a;
    int rc;
    if (edit && (rc = check_json(p, edit, "arguments", err)) != PAWL_OK) return rc;
    begin(&a, p, "approve", run, id);
    put_step(&a, step);
    put(&a, "digest", digest);
    if (edit) pawl_jw_key(&a.w, "edit"), pawl_jw_raw(&a.w, pawl_str_of(edit));
    put(&a, "reason", reason);
    put(&a, "by", by);
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
    int rc;
    if ((int)how < 0 || how > PAWL_STOP_THE_RUN)
        return pawl_fail(err, PAWL_EINVAL, "", "say one of enum pawl_resolution", "there is no resolution %d",
                         (int)how);
    if (result && (rc = check_json(p, result, "result", err)) != PAWL_OK) return rc;
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

int pawl_retry(struct pawl *p, const char *run, uint32_t from_step, const char *with, const char *reason,
               const char *id, struct pawl_error *err)
{
    struct ask a;
    int rc;
    if (with && (rc = check_json(p, with, "arguments", err)) != PAWL_OK) return rc;
    begin(&a, p, "retry", run, id);
    if (from_step) pawl_jw_key(&a.w, "from"), pawl_jw_i64(&a.w, from_step);
    if (with) pawl_jw_key(&a.w, "with"), pawl_jw_raw(&a.w, pawl_str_of(with));
    put(&a, "reason", reason);
    return finish(&a, p, err);
}

int pawl_undo(struct pawl *p, const char *run, uint32_t to_step, const char *reason, const char *id,
              struct pawl_error *err)
{
    struct ask a;
    begin(&a, p, "undo", run, id);
    if (to_step) pawl_jw_key(&a.w, "to"), pawl_jw_i64(&a.w, to_step);
    put(&a, "reason", reason);
    return finish(&a, p, err);
}

struct waited {
    const char *status;
};

static int take_status(void *ctx, const char *json, size_t bytes)
{
    struct waited *out = ctx;
    struct pawl_arena arena;
    yyjson_val *v;
    pawl_arena_init(&arena, pawl_alloc_libc());
    if (pawl_json_read((struct pawl_str){json, (uint32_t)bytes}, &arena, &v, NULL) == PAWL_OK) {
        enum pawl_status s;
        if (pawl_status_of(pawl_json_str(yyjson_obj_get(v, "head"), "status"), &s)) out->status = pawl_status_word(s);
    }
    pawl_arena_fini(&arena);
    return 0;
}

/* When a call that may last that long must end. */
static int64_t until(int64_t timeout_ns)
{
    const int64_t now_ns = pawl_clock_mono_ns();
    return timeout_ns < 0 || timeout_ns > INT64_MAX - now_ns ? INT64_MAX : now_ns + timeout_ns;
}

int pawl_wait(struct pawl *p, const char *run, int64_t timeout_ns, const char **status, struct pawl_error *err)
{
    struct pawl_error unused;
    struct waited out = {0};
    struct ask a;
    int rc = PAWL_ENOMEM;
    if (!err) err = &unused;
    memset(err, 0, sizeof *err);
    if (status) *status = NULL;
    if (pawl_host_inside(p, err)) return err->code;
    begin(&a, p, "follow", run, NULL);
    pawl_jw_key(&a.w, "from");
    pawl_jw_i64(&a.w, INT64_MAX / 2);
    pawl_jw_close(&a.w, '}');
    p->until_ns = until(timeout_ns);
    if (pawl_buf_done(&a.b).p) rc = pawl_call(p, a.b.p, take_status, &out, err);
    p->until_ns = INT64_MAX;
    pawl_buf_fini(&a.b);
    if (status) *status = out.status;
    return rc;
}

static int turn_owner(struct pawl *p, int64_t until_ns, struct pawl_error *err)
{
    const int64_t left_ns = until_ns - pawl_clock_mono_ns();
    int rc = PAWL_OK;
    pawl_door_wake_tool(p);
    if (until_ns != INT64_MAX && left_ns > 0) pawl_host_arm(p, left_ns);
    if (left_ns <= 0) pawl_host_poll(p, false);
    while (left_ns > 0 && !p->broken.code && pawl_host_wait(p)) continue;
    const bool interrupted = pawl_host_interrupted(p);
    if (interrupted) p->interrupts_seen = p->interrupts;
    if (interrupted && p->interrupt_finish) finish_all(p, NULL);
    pawl_host_disarm(p);
    pawl_host_flush(p);
    if (p->broken.code) {
        *err = p->broken;
        rc = p->broken.code;
    } else if (interrupted) {
        rc = pawl_fail(err, PAWL_ECANCELLED, "", "", "interrupted; what was acknowledged is safe");
    }
    return rc;
}

int pawl_turn(struct pawl *p, int64_t timeout_ns, struct pawl_error *err)
{
    const int64_t until_ns = until(timeout_ns);
    struct pawl_error unused;
    int rc = PAWL_OK;
    if (!err) err = &unused;
    memset(err, 0, sizeof *err);
    if (pawl_host_inside(p, err)) return err->code;
    p->inside = true;
    if (!p->owns) rc = pawl_client_turn(p, until_ns, err);
    if (rc == PAWL_OK && p->owns) rc = turn_owner(p, until_ns, err);
    p->inside = false;
    return rc;
}
