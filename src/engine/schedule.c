/* src/engine/schedule.c - what begins by the clock (policy/schedule.h decides): a timer for each schedule, its row, the runs.
 *
 * A run and the row that says so are one commit; a time that is left out is a commit of the row alone. Of one schedule one
 * commit is on its way at a time, so a commit that fails is as if it had not been tried. The run's key is made of the
 * schedule and the time: whoever comes to the same time again, by whatever way, finds that it has begun.
 *
 *   IDLE -> SAVING     the row alone changes: a definition that is new, a time left out, a person's word
 *        -> CREATING   a run begins
 *        -> LOOKING    whether the last run is over, or which run has that key
 * and back, when that is answered; then it looks anew. Nothing polls: a timer wakes it at its next time, and the end of
 * its last run does. */
#include "policy/schedule.h"
#include "engine/hot.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char prefix[] = "schedule ";
static const int64_t SECOND_NS = 1000000000;

struct ask { /* a person's word that waits for what is on its way */
    struct ask *next;
    uint64_t id;
    bool pause;
};

struct pawl_schedule_state {
    struct pawl_schedule_state *next;
    struct pawl_engine *e;
    struct pawl_timer timer;
    char name[65];
    const struct pawl_schedule *of; /* NULL: this owner does not begin it */
    enum { IDLE, SAVING, CREATING, LOOKING } at;
    enum { UNKNOWN, RUNS, OVER } former; /* row.run */
    struct pawl_schedule_row row, then;  /* as stored; as it will be when what is on its way is */
    uint64_t answers;                    /* SAVING: whose word it is; 0: nobody's */
    struct ask *asks;
    bool fenced; /* another owner has it: nothing more is done here */
};

static void drive(struct pawl_schedule_state *s);

static struct pawl_schedule_state *find(const struct pawl_engine *e, struct pawl_str name)
{
    struct pawl_schedule_state *s = e->schedules;
    while (s && !pawl_str_is(name, s->name)) s = s->next;
    return s;
}

static struct pawl_schedule_state *add(struct pawl_engine *e, struct pawl_str name)
{
    struct pawl_schedule_state *s, **at = &e->schedules;
    if (name.n == 0 || name.n >= sizeof s->name) return NULL;
    s = pawl_engine_get(e, sizeof *s);
    if (!s) return NULL;
    s->e = e;
    s->timer = (struct pawl_timer){.of = PAWL_TIMER_SCHEDULE, .owner = s};
    memcpy(s->name, name.p, name.n);
    while (*at) at = &(*at)->next;
    return *at = s;
}

static struct pawl_str row_name(const struct pawl_schedule_state *s, char text[96])
{
    snprintf(text, 96, "%s%s", prefix, s->name);
    return pawl_str_of(text);
}

static struct pawl_str row_body(const struct pawl_schedule_state *s)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, &s->e->step);
    pawl_schedule_row_write(&s->then, &b);
    if (b.failed) s->e->rc = PAWL_ENOMEM;
    return pawl_buf_done(&b);
}

static void save(struct pawl_schedule_state *s)
{
    char text[96];
    const struct pawl_shared_op op = {.name = row_name(s, text), .body = row_body(s)};
    struct pawl_pending *p = s->e->rc ? NULL : pawl_common_commit(s->e, PAWL_OF_SCHEDULE, &op);
    if (!p) return;
    p->schedule = s;
    s->at = SAVING;
}

/* ---- a run begins ---- */

static struct pawl_str key_of(const struct pawl_schedule_state *s, char text[112])
{
    char slot[PAWL_SCHEDULE_SLOT_TEXT];
    pawl_slot_text(s->then.run_slot_ns, slot);
    snprintf(text, 112, "schedule/%s/%s", s->name, slot);
    return pawl_str_of(text);
}

static void create(struct pawl_schedule_state *s)
{
    struct pawl_engine *e = s->e;
    char text[112], name[96];
    uint8_t random[10];
    struct pawl_id last = {{0}};
    struct pawl_hot *h;
    pawl_prng_fill(&e->prng, random, sizeof random);
    s->then.run = pawl_id_v7(e->wall_ns, random, &last);
    const struct pawl_shared_op op = {.name = row_name(s, name), .body = row_body(s)};
    const struct pawl_request r = {.what = PAWL_ASK_START,
                                   .run = s->then.run,
                                   .agent = s->of->agent,
                                   .key = key_of(s, text),
                                   .input = s->of->input,
                                   .config = e->schedules_of,
                                   .schedule = s->of->name,
                                   .slot_ns = s->then.run_slot_ns};
    h = e->rc ? NULL : pawl_request_begin(e, &r);
    if (!h) return;
    s->at = CREATING;
    pawl_hot_share(h, &op);
}

/* ---- whether the last one is over ---- */

static void look(struct pawl_schedule_state *s, const struct pawl_find *f)
{
    const uint64_t id = pawl_engine_find(s->e, PAWL_OF_SCHEDULE, f, NULL, NULL);
    struct pawl_pending *p = id ? pawl_map_get(&s->e->pending, &id, sizeof id) : NULL;
    if (!p) return;
    p->schedule = s;
    s->at = LOOKING;
}

/* false: the store is asked. */
static bool knows_former(struct pawl_schedule_state *s)
{
    const struct pawl_hot *h = pawl_hot_find(s->e, s->row.run);
    if (!s->row.run_slot_ns) s->former = OVER;
    else if (h && !(h->run.ended && h->run.seq == h->durable_seq)) s->former = RUNS;
    if (s->former != UNKNOWN) return true;
    look(s, &(struct pawl_find){.what = PAWL_FIND_READ, .run = s->row.run});
    return false;
}

static void former_found(struct pawl_schedule_state *s, const struct pawl_event *in)
{
    struct pawl_arena scratch;
    struct pawl_run run;
    int rc = in->status;
    pawl_arena_init(&scratch, s->e->from);
    pawl_run_init(&run, &scratch);
    for (uint32_t i = 0; rc == PAWL_OK && i < in->found->runs->count; i++)
        rc = pawl_run_fold(&run, &in->found->runs->records[i], NULL);
    if (rc == PAWL_ENOMEM && !in->status) s->e->rc = rc;
    if (rc == PAWL_OK) s->former = run.ended ? OVER : RUNS;
    else if (rc == PAWL_ENOTFOUND || rc == PAWL_ECORRUPT) s->former = OVER; /* gone, or damaged: pawl verify says so */
    pawl_arena_fini(&scratch);
}

/* ---- what is on its way is answered ---- */

static void stored(struct pawl_schedule_state *s)
{
    if (!pawl_id_eq(s->row.run, s->then.run)) s->former = UNKNOWN;
    s->row = s->then;
}

static void saved(struct pawl_schedule_state *s, struct pawl_pending *p, int status)
{
    static const struct pawl_id none;
    const int rc = status ? status : pawl_common_result(p);
    const uint64_t answers = s->answers;
    pawl_common_free(s->e, p);
    s->answers = 0;
    s->fenced = s->fenced || rc == PAWL_EFENCED;
    if (rc == PAWL_OK) stored(s);
    if (answers && rc)
        pawl_request_refuse(s->e, answers, none, rc == PAWL_EFENCED ? PAWL_EBUSY : rc,
                            rc == PAWL_EFENCED ? "the store belongs to another owner now" : "it could not be stored",
                            rc == PAWL_EFENCED ? "say it again" : "mend the disk, then say it again");
    else if (answers) pawl_request_done(s->e, answers);
}

/* The time has begun before: the row is told which run it was. */
static void key_found(struct pawl_schedule_state *s, const struct pawl_event *in)
{
    if (in->status || !in->found) return; /* not known: the time is still due, and comes up again */
    s->then.run = in->found->run;
    save(s);
}

void pawl_schedule_answered(struct pawl_engine *e, struct pawl_pending *p, const struct pawl_event *in)
{
    struct pawl_schedule_state *s = p->schedule;
    const bool failed = in->status && in->status != PAWL_ENOTFOUND;
    assert(s->at == SAVING || s->at == LOOKING);
    if (s->at == SAVING) {
        s->at = IDLE;
        saved(s, p, in->status);
    } else {
        s->at = IDLE;
        if (p->find.what == PAWL_FIND_READ) former_found(s, in);
        else key_found(s, in);
    }
    if (failed) pawl_engine_timer(e, &s->timer, e->wall_ns + SECOND_NS);
    else drive(s);
}

void pawl_schedule_failed(struct pawl_hot *h, int code)
{
    struct pawl_schedule_state *s = h->run.schedule.p ? find(h->e, h->run.schedule) : NULL;
    char text[112];
    struct pawl_find by_key = {.what = PAWL_FIND_KEY};
    if (!s || s->at != CREATING || !pawl_id_eq(s->then.run, h->head.run)) return;
    s->at = IDLE;
    s->fenced = s->fenced || code == PAWL_EFENCED;
    if (code == PAWL_ECONFLICT) {
        by_key.key = pawl_str_copy(&h->e->step, key_of(s, text));
        look(s, &by_key);
    } else {
        pawl_engine_timer(h->e, &s->timer, h->e->wall_ns + SECOND_NS);
    }
}

void pawl_schedule_news(struct pawl_hot *h)
{
    struct pawl_schedule_state *s = h->run.schedule.p && h->run.slot_ns ? find(h->e, h->run.schedule) : NULL;
    if (!s) return;
    if (s->at == CREATING && pawl_id_eq(s->then.run, h->head.run)) {
        s->at = IDLE;
        stored(s);
    }
    if (!pawl_id_eq(s->row.run, h->head.run)) return;
    s->former = h->run.ended && h->run.seq == h->durable_seq ? OVER : RUNS;
    pawl_engine_timer(h->e, &s->timer, h->e->wall_ns);
}

/* ---- what is to be done now ---- */

/* A person's word goes first. */
static void take_word(struct pawl_schedule_state *s)
{
    struct ask *a = s->asks;
    s->asks = a->next;
    s->then = s->row;
    s->answers = a->id;
    if (a->pause) pawl_schedule_pause(&s->then);
    else pawl_schedule_resume(&s->then, s->e->wall_ns);
    pawl_engine_put(s->e, a, sizeof *a);
    save(s);
}

static void drive(struct pawl_schedule_state *s)
{
    struct pawl_engine *e = s->e;
    bool asks_former, changed;
    if (s->at != IDLE || e->rc || s->fenced) return;
    if (s->asks) {
        take_word(s);
        return;
    }
    if (!s->of || e->handing_over) return;
    if (!pawl_schedule_wants(s->of, &s->row, e->wall_ns, &asks_former)) {
        pawl_engine_timer(e, &s->timer, pawl_schedule_next(s->of, &s->row));
        return;
    }
    if (asks_former && !knows_former(s)) return;
    s->then = s->row;
    const int64_t begins_ns = pawl_schedule_turn(s->of, &s->then, s->former == RUNS, e->wall_ns, &changed);
    if (begins_ns) create(s);
    else if (changed) save(s);
    else pawl_engine_timer(e, &s->timer, pawl_schedule_next(s->of, &s->row)); /* what waits waits for the run's end */
}

void pawl_schedule_due(struct pawl_schedule_state *s)
{
    drive(s);
}

/* ---- beginning, and who asks ---- */

void pawl_schedules_start(struct pawl_engine *e, const struct pawl_shared *rows, uint32_t count)
{
    const uint32_t n = sizeof prefix - 1;
    for (uint32_t i = 0; i < count && !e->rc; i++) {
        yyjson_val *body;
        struct pawl_schedule_state *s;
        if (rows[i].name.n <= n || memcmp(rows[i].name.p, prefix, n) != 0 || !rows[i].body.p) continue;
        if (pawl_json_read(rows[i].body, &e->step, &body, NULL)) continue;
        s = add(e, (struct pawl_str){rows[i].name.p + n, rows[i].name.n - n});
        if (s) pawl_schedule_row_read(&s->row, body);
    }
}

void pawl_schedules_run(struct pawl_engine *e, const struct pawl_config *c)
{
    char text[96];
    e->schedules_of = c;
    e->schedules_shift_ns = e->wall_ns - e->now_ns;
    for (uint32_t i = 0; i < c->schedules_count && !e->rc; i++) {
        struct pawl_schedule_state *s = find(e, c->schedules[i].name);
        if (!s) s = add(e, c->schedules[i].name);
        if (s && c->schedules[i].zone_known) s->of = &c->schedules[i];
        if (s && s->of) drive(s);
    }
    for (struct pawl_schedule_state *s = e->schedules; s && !e->rc && !e->handing_over; s = s->next)
        if (!pawl_config_schedule(c, pawl_str_of(s->name))) { /* taken out of it: should it come back, it begins anew */
            pawl_common_drop(e, row_name(s, text));
            memset(&s->row, 0, sizeof s->row);
        }
}

/* Timers run on the monotonic clock: where the wall clock was set, or the machine slept, they are set anew. */
void pawl_schedules_clock(struct pawl_engine *e)
{
    const int64_t shift_ns = e->wall_ns - e->now_ns, by_ns = shift_ns - e->schedules_shift_ns;
    if (by_ns < SECOND_NS && by_ns > -SECOND_NS) return;
    e->schedules_shift_ns = shift_ns;
    for (struct pawl_schedule_state *s = e->schedules; s; s = s->next) drive(s);
}

void pawl_schedule_request(struct pawl_engine *e, uint64_t id, const struct pawl_request *r)
{
    struct pawl_schedule_state *s = find(e, r->agent);
    struct ask *a, **at;
    if (!s) s = add(e, r->agent);
    a = s ? pawl_engine_get(e, sizeof *a) : NULL;
    if (!a) {
        if (!e->rc)
            pawl_request_refuse(e, id, r->run, PAWL_EINVAL, "this is no name of a schedule", "pawl schedule ls");
        return;
    }
    *a = (struct ask){.id = id, .pause = r->what == PAWL_ASK_PAUSE};
    for (at = &s->asks; *at;) at = &(*at)->next;
    *at = a;
    drive(s);
}

void pawl_schedules_free(struct pawl_engine *e)
{
    struct pawl_schedule_state *s;
    while ((s = e->schedules) != NULL) {
        e->schedules = s->next;
        pawl_heap_drop(&e->timers, &s->timer.node);
        for (struct ask *a = s->asks, *next; a; a = next) next = a->next, pawl_engine_put(e, a, sizeof *a);
        pawl_engine_put(e, s, sizeof *s);
    }
}
