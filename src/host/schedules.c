/* src/host/schedules.c - schedules at the door: how they stand, a person's word on one, a run of one now. What counts is the
 * configuration of the store's owner. */
#include "policy/schedule.h"
#include <stdio.h>
#include <string.h>
#include "contract/config_read.h"
#include "host/embed.h"
#include "host/host.h"
#include "io/clock.h"
#include "journal/rules.h"

/* The wall clock was set, or the machine slept: any event has the engine look at it. */
static void on_clock(void *ctx)
{
    pawl_host_event(ctx, PAWL_EV_DUE);
}

void pawl_host_schedules(struct pawl *p)
{
    const struct pawl_request r = {.what = PAWL_ASK_SCHEDULES, .config = p->config};
    if (!p->config || !p->config->schedules_count) return;
    p->begins_schedules = true;
    pawl_clock_watch_open(&p->clock_watch, &p->loop, on_clock, p); /* without it: with the next event */
    pawl_host_request(p, NULL, &r);
}

static void refuse(struct pawl_door *d, int code, const char *what, const char *next)
{
    struct pawl_error err = {0};
    pawl_fail(&err, code, "", next, "%s", what);
    pawl_door_fail(d, &err);
}

static bool has_config(struct pawl_door *d)
{
    if (d->p->config) return true;
    if (d->p->config_error.code) pawl_door_fail(d, &d->p->config_error);
    else refuse(d, PAWL_ENOTFOUND, "there is no configuration here", "pawl init makes a pawl.yaml");
    return false;
}

/* The one that the request names. NULL: refused. */
static const struct pawl_schedule *named(struct pawl_door *d)
{
    const struct pawl_config *c = d->p->config;
    const struct pawl_str name = pawl_json_str(d->request, "name");
    const struct pawl_schedule *s;
    struct pawl_near near = {.name = name};
    struct pawl_error err = {0};
    if (!has_config(d)) return NULL;
    if (!name.p) {
        refuse(d, PAWL_EINVAL, "name the schedule", "pawl schedule ls");
        return NULL;
    }
    if ((s = pawl_config_schedule(c, name)) != NULL) return s;
    for (uint32_t i = 0; i < c->schedules_count; i++) pawl_near_try(&near, c->schedules[i].name);
    pawl_fail(&err, PAWL_ENOTFOUND, "schedules", "pawl schedule ls", "there is no schedule %.*s",
              (int)(name.n < 64 ? name.n : 64), name.p);
    if (near.best.p) snprintf(err.next, sizeof err.next, "did you mean %.*s?", (int)near.best.n, near.best.p);
    pawl_door_fail(d, &err);
    return NULL;
}

static void word(struct pawl_door *d)
{
    const struct pawl_str to = pawl_json_str(d->request, "to");
    const struct pawl_schedule *s = named(d);
    const bool pause = pawl_str_is(to, "pause");
    struct pawl_request r = {.what = pause ? PAWL_ASK_PAUSE : PAWL_ASK_UNPAUSE};
    if (!s) return;
    r.agent = s->name;
    if (!pause && !pawl_str_is(to, "resume")) refuse(d, PAWL_EINVAL, "to is pause or resume", "pawl schedule -h");
    else if (!pause && s->paused)
        refuse(d, PAWL_ECONFLICT, "the configuration pauses it",
               "take paused: true out of it, then start pawl serve anew");
    else if (d->p->only_read) refuse(d, PAWL_EREADONLY, "this handle only reads", "open it without only_read");
    else pawl_host_request(d->p, d, &r);
}

/* A start like any other, but that it says what it is of. Its key is the schedule's and the id that is said with it. */
static void trigger(struct pawl_door *d)
{
    const struct pawl_schedule *s = named(d);
    const struct pawl_str id = pawl_json_str(d->request, "id");
    struct pawl_buf key;
    if (!s) return;
    if (!id.n || id.n > 256) {
        refuse(d, PAWL_EINVAL, "a run by a person's word needs an id, of up to 256 bytes", "--id ID");
        return;
    }
    if (d->p->only_read) {
        refuse(d, PAWL_EREADONLY, "this handle only reads", "open it without only_read");
        return;
    }
    pawl_buf_init_arena(&key, &d->arena);
    pawl_buf_text(&key, "schedule/");
    pawl_buf_str(&key, s->name);
    pawl_buf_text(&key, "/trigger/");
    pawl_buf_str(&key, id);
    const struct pawl_request r = {.what = PAWL_ASK_START,
                                   .run = pawl_host_new_id(d->p),
                                   .agent = s->agent,
                                   .key = pawl_buf_done(&key),
                                   .input = s->input,
                                   .config = d->p->config,
                                   .schedule = s->name,
                                   .by = pawl_json_str(d->request, "by")};
    pawl_host_request(d->p, d, &r);
}

/* ---- how they stand; on the writer's thread ---- */

static void put_time(struct pawl_json_writer *w, const char *name, const struct pawl_schedule *s, int64_t at_ns,
                     struct pawl_arena *a)
{
    char text[PAWL_SCHEDULE_SLOT_TEXT];
    struct pawl_buf b;
    pawl_jw_key(w, name);
    pawl_jw_open(w, '{');
    pawl_jw_put_i64(w, "at_ns", at_ns);
    pawl_slot_text(at_ns, text);
    pawl_jw_put_str(w, "utc", pawl_str_of(text));
    pawl_buf_init_arena(&b, a);
    if (s->zone_known) pawl_slot_words(&s->zone, at_ns, &b), pawl_jw_put_str(w, "says", pawl_buf_done(&b));
    pawl_jw_close(w, '}');
}

static int put_last(struct pawl_json_writer *w, const struct pawl_schedule *s, const struct pawl_schedule_row *row,
                    struct pawl_host_job *job, struct pawl_store *store, struct pawl_error *err)
{
    char id[PAWL_ID_TEXT];
    struct pawl_head head = {0};
    struct pawl_list_query q = {.max = 1};
    uint32_t count = 0;
    if (!row->run_slot_ns) return PAWL_OK;
    pawl_id_text(row->run, id);
    q.prefix = pawl_str_of(id);
    const int rc = store->list(store, &q, &job->arena, &head, &count, err);
    if (rc) return rc;
    put_time(w, "last", s, row->run_slot_ns, &job->arena);
    pawl_jw_put_str(w, "run", pawl_str_of(id));
    if (!count) return PAWL_OK;
    pawl_jw_put_str(w, "status", pawl_str_of(pawl_status_word(head.status)));
    if (head.waiting) pawl_jw_put_str(w, "waiting", pawl_str_of(pawl_waiting_word(head.waiting)));
    return PAWL_OK;
}

static void put_left(struct pawl_json_writer *w, const struct pawl_schedule *s, const struct pawl_schedule_row *row,
                     struct pawl_arena *a)
{
    if (!row->left_slot_ns) return;
    pawl_jw_key(w, "left_out");
    pawl_jw_open(w, '{');
    for (int i = 0; i < PAWL_LEFT_COUNT; i++)
        if (row->left[i]) pawl_jw_put_i64(w, pawl_left_out_word((enum pawl_left_out)i), (int64_t)row->left[i]);
    put_time(w, "last", s, row->left_slot_ns, a);
    pawl_jw_put_str(w, "why", pawl_str_of(pawl_left_out_word(row->left_why)));
    pawl_jw_close(w, '}');
}

/* What nobody has dealt with yet is not its next time, but is said. */
static void put_next(struct pawl_json_writer *w, const struct pawl_schedule *s, const struct pawl_schedule_row *row,
                     int64_t now_ns, struct pawl_arena *a)
{
    const bool known = row->seen && memcmp(row->digest.b, s->digest.b, sizeof row->digest.b) == 0;
    int64_t at_ns;
    if (s->paused || row->paused || !s->zone_known) return;
    at_ns = pawl_cron_next(&s->cron, &s->zone, known && row->to_ns > now_ns ? row->to_ns : now_ns);
    if (at_ns != PAWL_CRON_NEVER) put_time(w, "next", s, at_ns, a);
    if (known && (at_ns = pawl_schedule_next(s, row)) <= now_ns) put_time(w, "missed_since", s, at_ns, a);
}

static int put_one(struct pawl_json_writer *w, const struct pawl_schedule *s, const struct pawl_schedule_row *row,
                   struct pawl_host_job *job, struct pawl_store *store, struct pawl_error *err)
{
    pawl_jw_open(w, '{');
    pawl_jw_put_str(w, "name", s->name);
    pawl_jw_put_str(w, "cron", s->cron_text);
    pawl_jw_put_str(w, "timezone", s->timezone);
    pawl_jw_put_str(w, "agent", s->agent);
    pawl_jw_put_str(w, "catch_up", pawl_str_of(pawl_catch_up_word(s->catch_up)));
    pawl_jw_put_str(w, "overlap", pawl_str_of(pawl_overlap_word(s->overlap)));
    pawl_jw_key(w, "paused");
    pawl_jw_bool(w, s->paused || row->paused);
    if (s->paused) pawl_jw_key(w, "paused_by_configuration"), pawl_jw_bool(w, true);
    put_next(w, s, row, pawl_clock_wall_ns(), &job->arena);
    const int rc = put_last(w, s, row, job, store, err);
    pawl_jw_put_i64(w, "begun", (int64_t)row->begun);
    pawl_jw_put_i64(w, "queued", row->waiting_count);
    put_left(w, s, row, &job->arena);
    pawl_jw_close(w, '}');
    return rc;
}

static void read_row(struct pawl_str name, const struct pawl_shared *rows, uint32_t count, struct pawl_arena *a,
                     struct pawl_schedule_row *out)
{
    static const char prefix[] = "schedule ";
    const uint32_t n = sizeof prefix - 1;
    memset(out, 0, sizeof *out);
    for (uint32_t i = 0; i < count; i++) {
        const struct pawl_str row = rows[i].name;
        yyjson_val *body;
        if (row.n <= n || memcmp(row.p, prefix, n) != 0 || !rows[i].body.p) continue;
        if (!pawl_str_eq((struct pawl_str){row.p + n, row.n - n}, name)) continue;
        if (pawl_json_read(rows[i].body, a, &body, NULL) == PAWL_OK) pawl_schedule_row_read(out, body);
    }
}

static int read_all(struct pawl_host_job *job, struct pawl_store *store, struct pawl_error *err)
{
    const struct pawl_config *c = job->p->config;
    struct pawl_shared *rows = NULL;
    struct pawl_schedule_row *row = pawl_arena_get(&job->arena, sizeof *row);
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    uint32_t count = 0;
    int rc = row ? store->shared(store, &job->arena, &rows, &count, err) : PAWL_ENOMEM;
    if (rc) return rc;
    pawl_buf_init_arena(&b, &job->arena);
    pawl_buf_text(&b, job->p->begins_schedules ? "\"served\":true,\"schedules\":" : "\"served\":false,\"schedules\":");
    pawl_jw_open(&w, '[');
    for (uint32_t i = 0; rc == PAWL_OK && i < c->schedules_count; i++) {
        read_row(c->schedules[i].name, rows, count, &job->arena, row);
        rc = put_one(&w, &c->schedules[i], row, job, store, err);
    }
    pawl_jw_close(&w, ']');
    if (rc == PAWL_OK) pawl_read_say(job, &b);
    return rc;
}

bool pawl_schedules_begin(struct pawl_door *d, struct pawl_str what)
{
    if (pawl_str_is(what, "schedule")) word(d);
    else if (pawl_str_is(what, "trigger")) trigger(d);
    else if (!pawl_str_is(what, "schedules")) return false;
    else if (has_config(d)) pawl_read_submit(d, read_all, pawl_read_said);
    return true;
}
