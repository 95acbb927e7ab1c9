/* src/host/follow.c - following a run: the records so far, then each as it becomes durable. Live ones are ignored while the
 * past is being read: the read is behind every commit given before it, and what comes later is seen by its seq. */
#include "contract/json.h"
#include "host/host.h"
#include "journal/rules.h"

static void record_line(struct pawl_door *d, const struct pawl_record *r)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    pawl_buf_init(&b, d->p->alloc);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "record");
    pawl_jw_open(&w, '{');
    pawl_jw_put_i64(&w, "seq", (int64_t)r->seq);
    pawl_jw_put_i64(&w, "at_ns", r->at_ns);
    pawl_jw_key(&w, "kind");
    pawl_jw_text(&w, pawl_kind_name(r->kind));
    if (r->step) pawl_jw_put_i64(&w, "step", r->step);
    if (r->cause) pawl_jw_put_i64(&w, "cause", (int64_t)r->cause);
    pawl_jw_key(&w, "body");
    pawl_jw_raw(&w, r->body);
    pawl_jw_close(&w, '}');
    pawl_jw_close(&w, '}');
    pawl_door_line(d, pawl_buf_done(&b));
    pawl_buf_fini(&b);
}

static void records_lines(struct pawl_door *d, const struct pawl_record *records, uint32_t count)
{
    for (uint32_t i = 0; i < count && !d->done; i++) {
        if (records[i].seq != d->next_seq) continue;
        record_line(d, &records[i]);
        d->next_seq++;
    }
}

static void end_with_head(struct pawl_door *d, const struct pawl_head *h)
{
    struct pawl_buf b;
    pawl_buf_init(&b, d->p->alloc);
    pawl_buf_text(&b, "\"head\":");
    pawl_head_write(h, &b);
    pawl_door_end(d, pawl_buf_done(&b));
    pawl_buf_fini(&b);
}

/* What was read may be older than an event that is on its way to the engine: pawl_follow_sweep decides. */
static void keep_head(struct pawl_door *d, const struct pawl_head *h)
{
    d->head = *h;
    d->head.agent = pawl_str_copy(&d->arena, h->agent);
    if (h->key.p) d->head.key = pawl_str_copy(&d->arena, h->key);
    d->still = true;
    uv_stop(&d->p->loop); /* and it must look before the loop blocks again */
}

/* It waits for a run that is in hand here: that one goes on, and so will it. */
static bool family_works(struct pawl_door *d)
{
    return pawl_engine_family(d->p->engine, d->run);
}

static void end_if_still(struct pawl_door *d, const struct pawl_head *h)
{
    if (d->done || h->seq + 1 != d->next_seq) return;
    if (h->waiting == PAWL_WAIT_CHILD && d->p->engine && !d->p->handing_over && family_works(d)) {
        if (!d->still) keep_head(d, h);
        return;
    }
    if (h->waiting == PAWL_WAIT_STEP && d->p->engine && !d->p->handing_over)
        return; /* for no person: it goes on here */
    if (pawl_status_ended(h->status) || h->waiting != PAWL_WAIT_NONE) end_with_head(d, h);
}

static int read_past(struct pawl_host_job *job, struct pawl_store *s, struct pawl_error *err)
{
    job->runs = pawl_arena_zeroed(&job->arena, sizeof *job->runs);
    if (!job->runs) return PAWL_ENOMEM;
    return s->read(s, job->door->run, job->door->next_seq, &job->arena, job->runs, err);
}

static void past_read(struct pawl_host_job *job)
{
    struct pawl_door *d = job->door;
    d->waiting_job = false;
    d->catching_up = false;
    if (job->w.result) {
        if (!job->err.code) job->err.code = job->w.result;
        pawl_door_fail(d, &job->err);
    } else if (!d->done) {
        records_lines(d, job->runs->records, job->runs->count);
        d->next_seq = job->runs->head.seq + 1; /* also where it was asked from beyond the end: only what is new */
        keep_head(d, &job->runs->head);
    }
    pawl_host_job_free(job);
}

void pawl_follow_begin(struct pawl_door *d)
{
    const int64_t from = pawl_json_i64(d->request, "from", 1);
    d->next_seq = from > 0 ? (uint64_t)from : 1;
    d->follows = d->catching_up = true;
    d->next_follower = d->p->followers;
    d->p->followers = d;
    pawl_read_submit(d, read_past, past_read);
}

/* Has it ended, does it wait? Or does this handle begin no step (any more), and is all that was under way over? Then
 * nothing more will come here. */
void pawl_follow_sweep(struct pawl_door *d)
{
    struct pawl *p = d->p;
    struct pawl_error err = {0};
    struct pawl_rest rest;
    const bool over = !p->engine || (p->handing_over && pawl_host_quiet(p));
    if (d->done || d->waiting_job || p->events) return;
    if (d->still) {
        pawl_read_now(p, &d->head, &rest);
        if (rest.waiting || d->head.waiting == PAWL_WAIT_OWNER) d->head.waiting = PAWL_WAIT_NONE; /* it goes on */
        end_if_still(d, &d->head);
        d->still = !d->done && d->head.waiting == PAWL_WAIT_CHILD && p->engine && !over; /* until nothing works */
        if (d->done) return;
        d->unfinished = !p->engine || d->last_look;
        if (d->unfinished) end_with_head(d, &d->head); /* as it stands */
    }
    if (d->done || !over) return;
    if (d->client) {
        pawl_fail(&err, PAWL_EBUSY, p->store_path, "say it again in a moment",
                  "the owner of the store begins no step any more");
        pawl_door_fail(d, &err);
        return;
    }
    d->last_look = d->catching_up = true;
    pawl_read_submit(d, read_past, past_read);
}

void pawl_follow_committed(struct pawl *p, const struct pawl_commit *c)
{
    for (struct pawl_door *d = p->followers; d; d = d->next_follower) {
        if (d->catching_up || d->done || !pawl_id_eq(d->run, c->head.run)) continue;
        records_lines(d, c->records, c->records_count);
        end_if_still(d, &c->head);
    }
}

static void to_followers(struct pawl *p, struct pawl_id run, struct pawl_str line)
{
    for (struct pawl_door *d = p->followers; d; d = d->next_follower)
        if (!d->done && pawl_id_eq(d->run, run)) pawl_door_line(d, line);
}

static bool followed(const struct pawl *p, struct pawl_id run)
{
    for (const struct pawl_door *d = p->followers; d; d = d->next_follower)
        if (!d->done && pawl_id_eq(d->run, run)) return true;
    return false;
}

void pawl_follow_trouble(struct pawl *p, struct pawl_id run, int code, const struct pawl_error *err)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    if (!followed(p, run)) return;
    pawl_buf_init(&b, p->alloc);
    pawl_jw_open(&w, '{');
    pawl_jw_put_error(&w, "trouble", code, err);
    pawl_jw_close(&w, '}');
    to_followers(p, run, pawl_buf_done(&b));
    pawl_buf_fini(&b);
}

void pawl_follow_text(struct pawl *p, const struct pawl_attempt *a, struct pawl_str piece)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    if (a->config->redacts) return; /* what must be struck out of it is not known before its end */
    if (!followed(p, a->run)) return;
    pawl_buf_init(&b, p->alloc);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "text");
    pawl_jw_str(&w, piece);
    pawl_jw_put_i64(&w, "step", a->step);
    pawl_jw_close(&w, '}');
    to_followers(p, a->run, pawl_buf_done(&b));
    pawl_buf_fini(&b);
}

void pawl_follow_attempt(struct pawl *p, const struct pawl_attempt *a, int64_t took_ns)
{
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    if (a->look || !followed(p, a->run)) return;
    pawl_buf_init(&b, p->alloc);
    pawl_jw_open(&w, '{');
    if (took_ns < 0 && a->of == PAWL_ATTEMPT_MODEL && a->attempt > 1) pawl_jw_put_i64(&w, "restarted", a->step);
    pawl_jw_key(&w, took_ns < 0 ? "attempt" : "back");
    pawl_jw_open(&w, '{');
    pawl_jw_put_i64(&w, "step", a->step);
    pawl_jw_put_i64(&w, "attempt", a->attempt);
    if (took_ns < 0) {
        pawl_jw_key(&w, "kind");
        pawl_jw_text(&w, a->of == PAWL_ATTEMPT_MODEL ? "model" : "tool");
        pawl_jw_key(&w, "name");
        pawl_jw_str(&w, a->model ? a->model->name : a->tool->name);
        pawl_jw_put_i64(&w, "timeout_ns", a->timeout_ns);
    } else {
        pawl_jw_put_i64(&w, "ms", took_ns / 1000000);
    }
    pawl_jw_close(&w, '}');
    pawl_jw_close(&w, '}');
    to_followers(p, a->run, pawl_buf_done(&b));
    pawl_buf_fini(&b);
}
