/* src/contract/config_schedule.c - schedules: what begins by the clock. The zone's file comes from whoever loads the
 * configuration (config.h); one that is loaded without is good for the runs that it began. */
#include "contract/config_read.h"
#include "contract/schedule.h"
#include <string.h>

enum { ZONE_NAME_MAX = 64 };

/* As they are in the tz database: no way out of its folder. */
static bool is_zone_name(struct pawl_str s)
{
    if (s.n == 0 || s.n > ZONE_NAME_MAX || s.p[0] == '/' || s.p[s.n - 1] == '/') return false;
    for (uint32_t i = 0; i < s.n; i++) {
        const char c = s.p[i];
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '_' && c != '+' && c != '-' && c != '/') return false;
        if (c == '/' && s.p[i - 1] == '/') return false;
    }
    return true;
}

struct nearest {
    struct pawl_near near;
    char best[ZONE_NAME_MAX];
};

static void try_zone(void *ctx, struct pawl_str name)
{
    struct nearest *n = ctx;
    if (name.n > sizeof n->best) return;
    pawl_near_try(&n->near, name);
    if (n->near.best.p != name.p) return;
    memcpy(n->best, name.p, name.n); /* it is lent */
    n->near.best.p = n->best;
}

static void read_zone(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_schedule *s)
{
    const struct pawl_yaml *at = pawl_reader_get(v, "timezone");
    struct nearest n;
    struct pawl_str file;
    s->timezone = PAWL_STR("UTC");
    s->zone_known = true;
    if (!pawl_reader_text(r, v, "timezone", &s->timezone) || pawl_str_is(s->timezone, "UTC")) return;
    if (!is_zone_name(s->timezone)) {
        pawl_reader_expected(r, at, "timezone", "a name of the time zone database such as Europe/Berlin, or UTC");
        return;
    }
    s->zone_known = false;
    if (!r->env || !r->env->zone) return;
    file = r->env->zone(r->env->ctx, s->timezone, r->arena);
    if (!file.p) {
        n.near = (struct pawl_near){.name = s->timezone};
        if (pawl_reader_suggests(r) && r->env->zones) r->env->zones(r->env->ctx, try_zone, &n);
        pawl_reader_dangling(r, at, "time zone", &n.near);
        return;
    }
    const int rc = pawl_zone_read(file, r->arena, &s->zone);
    if (rc == PAWL_ENOMEM) r->no_memory = true;
    if (rc == PAWL_EINVAL) pawl_reader_expected(r, at, "timezone", "one whose file on this machine can be read");
    s->zone_known = rc == PAWL_OK;
}

static void read_cron(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_schedule *s)
{
    const struct pawl_yaml *at = pawl_reader_get(v, "cron");
    struct pawl_error err = {0};
    if (!pawl_reader_need(r, v, "cron", "write cron: \"0 7 * * mon-fri\"")) return;
    if (pawl_reader_text(r, v, "cron", &s->cron_text) && pawl_cron_read(s->cron_text, &s->cron, &err))
        pawl_fault(r->faults, at->line, at->column, err.next, "cron: %s", err.what);
}

static void read_agent(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_schedule *s)
{
    const struct pawl_config *c = r->config;
    struct pawl_near near;
    const struct pawl_yaml *input = pawl_reader_get(v, "input");
    if (pawl_reader_need(r, v, "agent", "name one of the agents") && pawl_reader_text(r, v, "agent", &s->agent) &&
        !pawl_config_agent(c, s->agent)) {
        near = (struct pawl_near){.name = s->agent};
        for (uint32_t i = 0; pawl_reader_suggests(r) && i < c->agents_count; i++)
            pawl_near_try(&near, c->agents[i].name);
        pawl_reader_dangling(r, pawl_reader_get(v, "agent"), "agent", &near);
    }
    if (pawl_reader_need(r, v, "input", "write input: what the agent is to do, any text or JSON"))
        pawl_reader_json(r, input, "input", 0, &s->input);
}

/* What would be read and then play no part. */
static void check_useless(struct pawl_reader *r, const struct pawl_yaml *v, const struct pawl_schedule *s)
{
    const struct pawl_yaml_member *limit = pawl_yaml_member(v, "limit"), *within = pawl_yaml_member(v, "within");
    if (limit && s->catch_up != PAWL_CATCH_UP_ALL && s->overlap != PAWL_OVERLAP_QUEUE)
        pawl_fault(r->faults, limit->line, limit->column, "leave it out",
                   "limit: only catch_up: all and overlap: queue let times wait");
    if (within && s->catch_up == PAWL_CATCH_UP_NONE)
        pawl_fault(r->faults, within->line, within->column, "leave it out",
                   "within: with catch_up: none nothing is caught up");
}

static void read_schedule(struct pawl_reader *r, const struct pawl_yaml_member *m, struct pawl_schedule *s)
{
    static const char *const known[] = {"cron",   "timezone", "agent",   "input",  "catch_up",
                                        "within", "limit",    "overlap", "paused", NULL};
    static const char *const catch_ups[] = {"none", "last", "all", NULL};
    static const char *const overlaps[] = {"skip", "queue", "allow", NULL};
    const struct pawl_yaml *v = m->value;
    int choice;
    *s = (struct pawl_schedule){.name = m->key, .catch_up = PAWL_CATCH_UP_LAST, .limit = 100, .line = m->line};
    pawl_reader_name(r, m, "schedules", true);
    if (v->kind != PAWL_YAML_MAP) {
        pawl_reader_expected(r, v, s->name.p, "a mapping with cron, agent and input");
        return;
    }
    pawl_reader_keys(r, v, known, NULL);
    read_cron(r, v, s);
    read_zone(r, v, s);
    read_agent(r, v, s);
    if (pawl_reader_choice(r, v, "catch_up", catch_ups, &choice)) s->catch_up = (enum pawl_catch_up)choice;
    if (pawl_reader_choice(r, v, "overlap", overlaps, &choice)) s->overlap = (enum pawl_overlap)choice;
    pawl_reader_count(r, v, "limit", PAWL_SCHEDULE_WAITING_MAX, &s->limit);
    pawl_reader_duration(r, v, "within", PAWL_SCHEDULE_GRACE_NS, &s->within_ns);
    pawl_reader_flag(r, v, "paused", &s->paused);
    check_useless(r, v, s);
    const struct pawl_str when[] = {s->cron_text, {"", 1}, s->timezone, {"", s->paused ? 1 : 0}};
    s->digest = pawl_sha256_parts(when, 4);
}

void pawl_read_schedules(struct pawl_reader *r, const struct pawl_yaml *schedules)
{
    struct pawl_schedule *made;
    if (!pawl_reader_few(r, schedules, "schedules", PAWL_SCHEDULES_MAX)) return;
    made = pawl_arena_zeroed(r->arena, schedules->count * sizeof *made);
    if (!made) return;
    r->config->schedules = made;
    r->config->schedules_count = schedules->count;
    for (uint32_t i = 0; i < schedules->count; i++) read_schedule(r, &schedules->members[i], &made[i]);
}

const struct pawl_schedule *pawl_config_schedule(const struct pawl_config *c, struct pawl_str name)
{
    for (uint32_t i = 0; i < c->schedules_count; i++)
        if (pawl_str_eq(c->schedules[i].name, name)) return &c->schedules[i];
    return NULL;
}
