/* src/sim/check_schedule.c - what begins by the clock: every time is begun once or left out once, and that is stored with it;
 * who is paused begins nothing; none begins beside the one before where it must not; none is forgotten while somebody serves.
 * Times here are every so many minutes, in UTC, so that they can be counted without the engine's own idea of them. */
#include "policy/schedule.h"
#include <stdio.h>
#include <string.h>
#include "sim/world.h"

struct pawl_sim_schedule {
    struct pawl_schedule of;
    int64_t every_ns;
    struct pawl_schedule_row row; /* as stored */
};

/* ---- what is configured, and what people say of it; drawn apart, so that other seeds' stories stay ---- */

static uint32_t below(struct pawl_sim *w, uint32_t bound)
{
    return (uint32_t)pawl_prng_below(&w->schedules_prng, bound);
}

static void draw(struct pawl_sim *w, struct pawl_sim_schedule *k, uint32_t number)
{
    static const uint32_t minutes[] = {1, 2, 3, 5, 6, 10, 15};
    enum { MOST = 20 };
    struct pawl_schedule *s = &k->of;
    uint32_t at = 0;
    char cron[32];
    while (at < 6 && (w->storm_ends_ns / (minutes[at] * PAWL_SIM_MIN) > MOST || below(w, 3) == 0)) at++;
    *s = (struct pawl_schedule){.name = pawl_sim_text(w, "s%u", number),
                                .agent = w->agents[below(w, w->config.agents_count - w->helper)].name,
                                .input = PAWL_STR("\"by the clock\""),
                                .zone_known = true,
                                .catch_up = (enum pawl_catch_up)below(w, 3),
                                .overlap = (enum pawl_overlap)below(w, 3),
                                .limit = 1 + below(w, 4),
                                .within_ns = below(w, 4) ? 0 : 5 * PAWL_SIM_MIN};
    k->every_ns = minutes[at] * PAWL_SIM_MIN;
    snprintf(cron, sizeof cron, "*/%u * * * *", minutes[at]);
    if (pawl_cron_read(pawl_str_of(cron), &s->cron, NULL)) w->no_memory = true;
    s->cron_text = pawl_sim_text(w, "%s", cron);
    s->digest = pawl_sha256(cron, strlen(cron));
    PAWL_SIM_SAY(w, "schedule %.*s: %s, agent %.*s, catch up %s, overlap %s, limit %u", (int)s->name.n, s->name.p, cron,
                 (int)s->agent.n, s->agent.p, pawl_catch_up_word(s->catch_up), pawl_overlap_word(s->overlap), s->limit);
}

static void say(struct pawl_sim *w, enum pawl_ask what, struct pawl_str name)
{
    struct pawl_sim_ask *ask = pawl_sim_people_ask(w, what, what == PAWL_ASK_PAUSE ? "pause" : "unpause");
    ask->request.agent = name;
    if (what == PAWL_ASK_UNPAUSE) w->schedules_resumed = true;
    pawl_sim_people_say(w, ask, 0, 2000);
}

static void word(struct pawl_sim *w, struct pawl_sim_event *e)
{
    const struct pawl_sim_schedule *k = e->p;
    if (!w->calm) say(w, e->id ? PAWL_ASK_PAUSE : PAWL_ASK_UNPAUSE, k->of.name);
}

void pawl_sim_draw_schedules(struct pawl_sim *w)
{
    struct pawl_schedule *all;
    pawl_prng_seed(&w->schedules_prng, w->o->seed ^ UINT64_C(0x5c4ed01e));
    if (below(w, 4) || w->o->runs_max) return;
    w->schedules_count = 1 + below(w, 2);
    w->schedules = pawl_sim_get(w, w->schedules_count * sizeof *w->schedules);
    all = pawl_sim_get(w, w->schedules_count * sizeof *all);
    if (w->no_memory) return;
    for (uint32_t i = 0; i < w->schedules_count; i++) {
        struct pawl_sim_schedule *k = &w->schedules[i];
        draw(w, k, i);
        all[i] = k->of;
        for (uint32_t words = below(w, 4); words > 0; words--)
            pawl_sim_at(w, (1 + below(w, (uint32_t)(w->storm_ends_ns / PAWL_SIM_S))) * PAWL_SIM_S, word, NULL, k,
                        below(w, 2));
    }
    w->config.schedules = w->twin.schedules = all;
    w->config.schedules_count = w->twin.schedules_count = w->schedules_count;
}

/* The calm has an end: all of them are paused then. */
void pawl_sim_schedules_calm(struct pawl_sim *w)
{
    for (uint32_t i = 0; i < w->schedules_count; i++) say(w, PAWL_ASK_PAUSE, w->schedules[i].of.name);
}

/* ---- what must hold ---- */

static struct pawl_sim_schedule *find(const struct pawl_sim *w, struct pawl_str name)
{
    for (uint32_t i = 0; i < w->schedules_count; i++)
        if (pawl_str_eq(w->schedules[i].of.name, name)) return &w->schedules[i];
    return NULL;
}

static int64_t times(const struct pawl_sim_schedule *k, int64_t from_ns, int64_t to_ns)
{
    return to_ns / k->every_ns - from_ns / k->every_ns;
}

/* All times that the row accounts for. */
static int64_t sum(const struct pawl_schedule_row *row)
{
    uint64_t n = row->begun + row->waiting_count;
    for (int i = 0; i < PAWL_LEFT_COUNT; i++) n += row->left[i];
    return (int64_t)n;
}

static const struct pawl_sim_run *run_for(const struct pawl_sim *w, const struct pawl_schedule_row *row,
                                          struct pawl_str name)
{
    for (uint32_t i = 0; i < w->runs_count; i++) {
        const struct pawl_run *run = &w->runs[i]->stored;
        if (pawl_str_eq(run->schedule, name) && run->slot_ns == row->run_slot_ns) return w->runs[i];
    }
    return NULL;
}

/* A run begins: for a time that has come, and with the row that says so. */
static void check_begins(struct pawl_sim *w, const struct pawl_sim_schedule *k, const struct pawl_commit *c,
                         const struct pawl_schedule_row *now)
{
    const struct pawl_schedule_row *was = &k->row;
    const int64_t slot_ns = now->run_slot_ns, at_ns = c->records[0].at_ns;
    const struct pawl_sim_run *before = was->run_slot_ns ? pawl_sim_run_of(w, was->run) : NULL;
    const struct pawl_schedule *s = &k->of;
    pawl_sim_count(w, PAWL_SIM_N_SCHEDULED);
    if (!pawl_id_eq(now->run, c->head.run) || now->begun != was->begun + 1)
        pawl_sim_broken(w, "schedule", "%.*s begins a run, and its row does not say so", (int)s->name.n, s->name.p);
    if (was->paused) pawl_sim_broken(w, "schedule", "%.*s begins a run, and is paused", (int)s->name.n, s->name.p);
    if (slot_ns % k->every_ns || slot_ns > pawl_sim_wall_most(w))
        pawl_sim_broken(w, "schedule", "%.*s begins a run for a time that is none", (int)s->name.n, s->name.p);
    if (run_for(w, now, s->name))
        pawl_sim_broken(w, "schedule", "%.*s begins two runs for one time", (int)s->name.n, s->name.p);
    if (before && !before->stored.ended && s->overlap != PAWL_OVERLAP_ALLOW)
        pawl_sim_broken(w, "schedule", "%.*s begins a run, and run%u is not over", (int)s->name.n, s->name.p,
                        before->index);
    if (s->catch_up == PAWL_CATCH_UP_NONE && s->overlap != PAWL_OVERLAP_QUEUE && at_ns - slot_ns >= PAWL_SIM_MIN)
        pawl_sim_broken(w, "schedule", "%.*s catches up, and must not", (int)s->name.n, s->name.p);
}

/* Every time between is in one of the row's counts, once. */
static void check_sum(struct pawl_sim *w, const struct pawl_sim_schedule *k, const struct pawl_schedule_row *now)
{
    const struct pawl_schedule_row *was = &k->row;
    const bool anew = !was->seen || (was->paused && !now->paused) || now->to_ns < was->to_ns;
    const int64_t due = anew ? 0 : times(k, was->to_ns, now->to_ns);
    if (sum(now) - sum(was) != due)
        pawl_sim_broken(w, "schedule", "%.*s: %lld times were due, its row has %lld more", (int)k->of.name.n,
                        k->of.name.p, (long long)due, (long long)(sum(now) - sum(was)));
    if (now->to_ns < was->to_ns && !w->schedules_resumed)
        pawl_sim_broken(w, "schedule", "%.*s goes back", (int)k->of.name.n, k->of.name.p);
    if (now->waiting_count > k->of.limit)
        pawl_sim_broken(w, "schedule", "%.*s: %u wait", (int)k->of.name.n, k->of.name.p, now->waiting_count);
    if (sum(now) - sum(was) > 0)
        for (int i = 0; i < PAWL_LEFT_COUNT; i++) w->out->counts[PAWL_SIM_N_LEFT_OUT] += now->left[i] - was->left[i];
}

static void check_row(struct pawl_sim *w, const struct pawl_commit *c, const struct pawl_shared_op *op)
{
    static const char prefix[] = "schedule ";
    const uint32_t n = sizeof prefix - 1;
    const bool is_row = op->name.n > n && memcmp(op->name.p, prefix, n) == 0 && op->body.p;
    struct pawl_sim_schedule *k = is_row ? find(w, (struct pawl_str){op->name.p + n, op->name.n - n}) : NULL;
    struct pawl_schedule_row now;
    yyjson_val *body;
    if (!k) return;
    if (pawl_json_read(op->body, &w->scratch, &body, NULL)) {
        w->no_memory = true;
        return;
    }
    pawl_schedule_row_read(&now, body);
    PAWL_SIM_SAY(w, "   stored schedule %.*s %.*s", (int)k->of.name.n, k->of.name.p, (int)op->body.n, op->body.p);
    if (c->create) check_begins(w, k, c, &now);
    else if (now.begun != k->row.begun && !run_for(w, &now, k->of.name))
        pawl_sim_broken(w, "schedule", "%.*s has begun a run that is not there", (int)k->of.name.n, k->of.name.p);
    check_sum(w, k, &now);
    k->row = now;
}

void pawl_sim_check_schedules(struct pawl_sim *w, const struct pawl_commit *c)
{
    bool said = !c->create || c->records_count == 0 || !w->schedules_count;
    for (uint32_t i = 0; i < c->shared_count && w->schedules_count; i++) check_row(w, c, &c->shared[i]);
    if (said || !c->head.key.p || c->head.key.n < 9 || memcmp(c->head.key.p, "schedule/", 9) != 0) return;
    for (uint32_t i = 0; i < w->schedules_count; i++) said = said || pawl_id_eq(w->schedules[i].row.run, c->head.run);
    if (!said) pawl_sim_broken(w, "schedule", "a run begins by the clock, and no row says so");
}

/* What somebody has said of it is stored: asked when that is confirmed. */
bool pawl_sim_schedule_is(const struct pawl_sim *w, struct pawl_str name, bool paused)
{
    const struct pawl_sim_schedule *k = find(w, name);
    return k && k->row.paused == paused;
}

/* Nothing is on its way, and the node sleeps: no time that has come is forgotten. With a disk that fails it may be at its
 * next try; where the wall clock steps by less than a second, that is not looked for. */
void pawl_sim_check_punctual(struct pawl_sim_node *n)
{
    struct pawl_sim *w = n->w;
    if (n->replaced || n->handing_over || n->outstanding > 0 || !n->serves || w->faults & PAWL_SIM_DISK ||
        pawl_sim_node_due(n) <= w->now_ns)
        return;
    for (uint32_t i = 0; i < w->schedules_count; i++) {
        const struct pawl_sim_schedule *k = &w->schedules[i];
        const struct pawl_sim_run *before = k->row.run_slot_ns ? pawl_sim_run_of(w, k->row.run) : NULL;
        if (k->row.paused) continue;
        if (!k->row.seen || times(k, k->row.to_ns, pawl_sim_wall(w) - PAWL_SIM_S) > 0)
            pawl_sim_broken(w, "schedule", "%.*s: its time has come, and nobody stirs", (int)k->of.name.n,
                            k->of.name.p);
        if (k->row.waiting_count && (k->of.overlap == PAWL_OVERLAP_ALLOW || !before || before->stored.ended))
            pawl_sim_broken(w, "schedule", "%.*s: a time waits for nothing", (int)k->of.name.n, k->of.name.p);
    }
}
