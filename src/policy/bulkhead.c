/* src/policy/bulkhead.c - see bulkhead.h. */
#include "policy/bulkhead.h"
#include <assert.h>
#include <string.h>
#include "contract/units.h"
#include "policy/pipeline.h"

static const int64_t second = 1000000000;

static void *named(struct pawl_shared_state *s, struct pawl_map *map, struct pawl_str name, size_t bytes)
{
    void *p = pawl_map_get(map, name.p, name.n);
    if (p) return p;
    p = s->from->resize(s->from->ctx, NULL, 0, bytes);
    if (!p) return NULL;
    memset(p, 0, bytes);
    if (pawl_map_put(map, name.p, name.n, p) == PAWL_OK) return p;
    s->from->resize(s->from->ctx, p, bytes, 0);
    return NULL;
}

static void free_all(struct pawl_shared_state *s, struct pawl_map *map, size_t bytes)
{
    struct pawl_map_entry *e;
    for (uint32_t i = 0; (e = pawl_map_next(map, &i)) != NULL;) s->from->resize(s->from->ctx, e->value, bytes, 0);
    pawl_map_fini(map);
}

void pawl_bulkhead_fini(struct pawl_shared_state *s)
{
    free_all(s, &s->lanes, sizeof(struct pawl_lane_state));
    free_all(s, &s->pools, sizeof(struct pawl_pool_state));
}

static enum pawl_verdict no_memory(struct pawl_pass *p)
{
    p->rc = PAWL_ENOMEM;
    return pawl_pass_wait(p, PAWL_WANT_NOTHING);
}

/* ---- lanes ---- */

static const struct pawl_lane *rule_of(const struct pawl_pass *p)
{
    return p->agent->lane.p ? pawl_config_lane(p->config, p->agent->lane) : NULL;
}

static struct pawl_lane_state *lane_of(struct pawl_shared_state *s, const struct pawl_lane *rule)
{
    struct pawl_lane_state *l = named(s, &s->lanes, rule->name, sizeof *l);
    if (l) l->rule = *rule;
    return l;
}

static void lane_turn(struct pawl_shared_state *s, struct pawl_lane_state *l)
{
    while (l->waiting.first && (!l->rule.concurrency || l->running < l->rule.concurrency)) {
        struct pawl_pass *p = l->waiting.first->pass;
        l->running++;
        p->lane = l;
        pawl_line_wake(s, &l->waiting, 1);
    }
}

enum pawl_verdict pawl_lane_enter(struct pawl_pass *p)
{
    const struct pawl_lane *rule = p->lane ? NULL : rule_of(p);
    struct pawl_lane_state *l;
    if (!rule) return PAWL_GO;
    l = lane_of(p->shared, rule);
    if (!l) return no_memory(p);
    pawl_line_join(&l->waiting, p);
    lane_turn(p->shared, l);
    if (!p->lane) return pawl_pass_wait(p, PAWL_WANT_ROOM);
    pawl_line_leave(p); /* at once: no need to come back for it */
    return PAWL_GO;
}

void pawl_lane_leave(struct pawl_pass *p)
{
    struct pawl_lane_state *l = p->lane;
    pawl_line_leave(p);
    if (!l) return;
    assert(l->running > 0);
    p->lane = NULL;
    l->running--;
    lane_turn(p->shared, l);
}

bool pawl_lane_takes(struct pawl_shared_state *s, const struct pawl_lane *rule, uint32_t evicted, int64_t *back_ns)
{
    const struct pawl_lane_state *l = pawl_map_get(&s->lanes, rule->name.p, rule->name.n);
    const double call_ns = l && l->call_ns > 0 ? l->call_ns : (double)second;
    const uint32_t waiting = (l ? l->waiting.count : 0) + evicted;
    if (!l || !rule->queue || waiting < rule->queue) return true;
    *back_ns = (int64_t)((double)waiting / (rule->concurrency ? rule->concurrency : 1) * call_ns);
    return false;
}

/* ---- pools ---- */

static double share_of(const struct pawl_pass *p, struct pawl_str pool)
{
    const struct pawl_lane *l = rule_of(p);
    for (uint32_t i = 0; l && i < l->shares_count; i++)
        if (pawl_str_eq(l->shares[i].pool, pool)) return l->shares[i].percent;
    return 0;
}

/* A bucket holds ten seconds' worth, and one call at least. */
static double room(int64_t per_minute, double percent)
{
    const double most = (double)per_minute / 6 * percent / 100;
    return most < 1 ? 1 : most;
}

/* What no share covers. Where shares cover all, that is a hundredth more: whoever has none is late then, not lost. */
static double free_percent(const struct pawl_pool_state *s)
{
    return s->shared_percent < 99 ? 100 - s->shared_percent : 1;
}

static void add_up(struct pawl_pool_state *s)
{
    s->shared_percent = 0;
    for (uint32_t i = 0; i < s->lanes_count; i++) s->shared_percent += s->lanes[i].percent;
}

static struct pawl_pool_state *pool_of(struct pawl_pass *p, const struct pawl_pool *rule)
{
    struct pawl_pool_state *s = named(p->shared, &p->shared->pools, rule->name, sizeof *s);
    if (!s) return NULL;
    if (s->filled_ns == 0) { /* new: the buckets are full */
        s->filled_ns = p->now_ns ? p->now_ns : 1;
        s->requests = room(rule->requests_per_minute, 100);
        s->tokens = room(rule->tokens_per_minute, 100);
        s->limit = rule->concurrency;
    }
    if (s->limit > rule->concurrency || !rule->adaptive) s->limit = rule->concurrency;
    s->rule = *rule;
    return s;
}

/* NULL: more lanes than a pool can tell apart. They count as those that have none. */
static struct pawl_pool_lane *lane_in(struct pawl_pool_state *s, struct pawl_pass *p)
{
    const double percent = p->lane ? share_of(p, s->name) : 0;
    struct pawl_pool_lane *l = NULL;
    for (uint32_t i = 0; i < s->lanes_count && !l; i++)
        if (s->lanes[i].lane == p->lane) l = &s->lanes[i];
    if (!l && s->lanes_count < PAWL_POOL_LANES) {
        l = &s->lanes[s->lanes_count++];
        l->lane = p->lane;
        l->percent = -1;
    }
    if (!l) return &s->lanes[0];
    l->weight = p->lane ? p->lane->rule.weight : 1;
    if (l->percent == percent) return l;
    l->percent = percent;
    l->requests = room(s->rule.requests_per_minute, percent);
    l->tokens = room(s->rule.tokens_per_minute, percent);
    add_up(s);
    return l;
}

static double filled(double level, int64_t per_minute, double percent, double passed_ns)
{
    const double most = room(per_minute, percent), by = (double)per_minute * percent / 100 * passed_ns / 6e10;
    return level + by > most ? most : level + by;
}

static void fill(struct pawl_pool_state *s, int64_t now_ns)
{
    const double passed_ns = (double)(now_ns - s->filled_ns), rest = free_percent(s);
    if (passed_ns <= 0) return;
    s->filled_ns = now_ns;
    s->requests = filled(s->requests, s->rule.requests_per_minute, rest, passed_ns);
    s->tokens = filled(s->tokens, s->rule.tokens_per_minute, rest, passed_ns);
    for (uint32_t i = 0; i < s->lanes_count; i++) {
        struct pawl_pool_lane *l = &s->lanes[i];
        if (l->percent <= 0) continue;
        l->requests = filled(l->requests, s->rule.requests_per_minute, l->percent, passed_ns);
        l->tokens = filled(l->tokens, s->rule.tokens_per_minute, l->percent, passed_ns);
    }
}

static double *bucket(struct pawl_pool_state *s, struct pawl_pool_lane *l, bool tokens)
{
    if (l->percent > 0) return tokens ? &l->tokens : &l->requests;
    return tokens ? &s->tokens : &s->requests;
}

/* A call that costs more than a bucket ever holds goes when that is full, and leaves a debt. */
static double tokens_needed(const struct pawl_pool_state *s, const struct pawl_pool_lane *l, double cost)
{
    const double most = room(s->rule.tokens_per_minute, l->percent > 0 ? l->percent : free_percent(s));
    return cost < most ? cost : most;
}

/* How many at a time. A share is at least one call, and what no share covers, too. */
static bool has_place(const struct pawl_pool_state *s, const struct pawl_pool_lane *l)
{
    uint32_t others = 0;
    double most;
    if (!s->rule.concurrency) return true;
    if (l->percent > 0) {
        most = s->limit * l->percent / 100;
        return l->running < (most < 1 ? 1 : (uint32_t)most);
    }
    for (uint32_t i = 0; i < s->lanes_count; i++)
        if (s->lanes[i].percent <= 0) others += s->lanes[i].running;
    most = s->limit * free_percent(s) / 100;
    return others < (most < 1 ? 1 : (uint32_t)most);
}

static bool may_go(struct pawl_pool_state *s, struct pawl_pool_lane *l, double cost, int64_t now_ns)
{
    if (now_ns < s->paused_until_ns || !has_place(s, l)) return false;
    if (s->rule.requests_per_minute && *bucket(s, l, false) < 1) return false;
    return !s->rule.tokens_per_minute || *bucket(s, l, true) >= tokens_needed(s, l, cost);
}

static void take(struct pawl_pool_state *s, struct pawl_pool_lane *l, struct pawl_pass *p)
{
    if (s->rule.requests_per_minute) *bucket(s, l, false) -= 1;
    if (s->rule.tokens_per_minute) *bucket(s, l, true) -= p->tokens;
    if (l->virtual_time < s->virtual_time) l->virtual_time = s->virtual_time; /* idleness is not saved up */
    s->virtual_time = l->virtual_time;
    l->virtual_time += 1 / l->weight;
    l->running++;
    s->running++;
    p->pool = s;
    p->pool_lane = l;
}

/* The next one is that of the lane which is furthest behind. */
static void pool_turn(struct pawl_shared_state *shared, struct pawl_pool_state *s, int64_t now_ns)
{
    fill(s, now_ns);
    for (;;) {
        struct pawl_pool_lane *best = NULL;
        for (uint32_t i = 0; i < s->lanes_count; i++) {
            struct pawl_pool_lane *l = &s->lanes[i];
            if (!l->waiting.first || !may_go(s, l, l->waiting.first->pass->tokens, now_ns)) continue;
            if (!best || l->virtual_time < best->virtual_time) best = l;
        }
        if (!best) return;
        take(s, best, best->waiting.first->pass);
        pawl_line_wake(shared, &best->waiting, 1);
    }
}

void pawl_pools_turn(struct pawl_shared_state *s, int64_t now_ns)
{
    struct pawl_map_entry *e;
    for (uint32_t i = 0; (e = pawl_map_next(&s->pools, &i)) != NULL;) pool_turn(s, e->value, now_ns);
}

static int64_t time_to(double level, double want, int64_t per_minute, double percent)
{
    const double rate = (double)per_minute * percent / 100 / 6e10;
    if (!per_minute || level >= want) return 0;
    return rate > 0 ? (int64_t)((want - level) / rate) + 1 : 3600 * second;
}

static int64_t lane_due_ns(struct pawl_pool_state *s, struct pawl_pool_lane *l)
{
    const double percent = l->percent > 0 ? l->percent : free_percent(s);
    const double cost = tokens_needed(s, l, l->waiting.first->pass->tokens);
    const int64_t a = time_to(*bucket(s, l, false), 1, s->rule.requests_per_minute, percent);
    const int64_t b = time_to(*bucket(s, l, true), cost, s->rule.tokens_per_minute, percent);
    const int64_t at = s->filled_ns + (a > b ? a : b);
    return at > s->paused_until_ns ? at : s->paused_until_ns;
}

int64_t pawl_pools_due_ns(const struct pawl_shared_state *shared, int64_t now_ns)
{
    struct pawl_map_entry *e;
    int64_t due_ns = PAWL_NEVER;
    for (uint32_t i = 0; (e = pawl_map_next(&shared->pools, &i)) != NULL;) {
        struct pawl_pool_state *s = e->value;
        for (uint32_t k = 0; k < s->lanes_count; k++) {
            struct pawl_pool_lane *l = &s->lanes[k];
            if (!l->waiting.first || !has_place(s, l)) continue; /* whoever makes a place wakes it */
            const int64_t at = lane_due_ns(s, l);
            if (at < due_ns) due_ns = at > now_ns ? at : now_ns + 1;
        }
    }
    return due_ns;
}

/* What a model call will cost, before it is known: four bytes a token, and as much again as most answers have. */
static double estimate(const struct pawl_pass *p)
{
    double bytes = 0;
    if (!p->model) return 0;
    for (uint32_t i = 0; i < p->decision->messages_count; i++) {
        const struct pawl_message *m = &p->decision->messages[i];
        bytes += m->content.n;
        for (uint32_t k = 0; k < m->calls_count; k++) bytes += m->calls[k].name.n + m->calls[k].arguments.n;
    }
    return bytes / 4 + 500;
}

enum pawl_verdict pawl_pool_enter(struct pawl_pass *p)
{
    const struct pawl_str name = p->model ? p->model->pool : p->tool->pool;
    const struct pawl_pool *rule = p->pool || !name.p ? NULL : pawl_config_pool(p->config, name);
    struct pawl_pool_state *s;
    if (!rule) return PAWL_GO;
    s = pool_of(p, rule);
    if (!s) return no_memory(p);
    s->name = rule->name;
    p->tokens = s->rule.tokens_per_minute ? estimate(p) : 0;
    pawl_line_join(&lane_in(s, p)->waiting, p);
    pool_turn(p->shared, s, p->now_ns);
    if (!p->pool) return pawl_pass_wait(p, PAWL_WANT_ROOM);
    pawl_line_leave(p);
    return PAWL_GO;
}

void pawl_pool_leave(struct pawl_pass *p)
{
    struct pawl_pool_state *s = p->pool;
    if (!s) return;
    assert(s->running > 0 && p->pool_lane->running > 0);
    s->running--;
    p->pool_lane->running--;
    p->pool = NULL;
    p->pool_lane = NULL;
    pool_turn(p->shared, s, s->filled_ns);
}

static bool overloaded(const struct pawl_pass *p)
{
    const enum pawl_class c = p->outcome.error_class;
    return c == PAWL_CLASS_RATE_LIMITED || c == PAWL_CLASS_OVERLOADED || c == PAWL_CLASS_TIMEOUT;
}

/* Additive increase, multiplicative decrease (D. Chiu, R. Jain, 1989); one cut for all that fail together. */
static void adapt(struct pawl_pool_state *s, const struct pawl_pass *p)
{
    if (!s->rule.adaptive) return;
    if (!overloaded(p)) {
        s->limit += 1 / s->limit;
        if (s->limit > s->rule.concurrency) s->limit = s->rule.concurrency;
    } else if (p->now_ns - s->cut_ns > second) {
        s->limit = s->limit * 0.7 < 1 ? 1 : s->limit * 0.7;
        s->cut_ns = p->now_ns;
    }
}

static int64_t header(struct pawl_str text)
{
    int64_t v = 0;
    if (!text.n || text.n > 15) return -1;
    for (uint32_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') return -1;
        v = v * 10 + (text.p[i] - '0');
    }
    return v;
}

/* What the provider says is left is less than we thought: believe it, each lane its part. */
static void correct(struct pawl_pool_state *s, int64_t left, bool tokens)
{
    if (left < 0 || !(tokens ? s->rule.tokens_per_minute : s->rule.requests_per_minute)) return;
    double *level = tokens ? &s->tokens : &s->requests, part = (double)left * free_percent(s) / 100;
    if (part < *level) *level = part;
    for (uint32_t i = 0; i < s->lanes_count; i++) {
        if (s->lanes[i].percent <= 0) continue;
        level = tokens ? &s->lanes[i].tokens : &s->lanes[i].requests;
        part = (double)left * s->lanes[i].percent / 100;
        if (part < *level) *level = part;
    }
}

static double used(const struct pawl_pass *p)
{
    yyjson_val *v = NULL, *usage;
    if (!p->model || !p->outcome.result.p || pawl_json_read(p->outcome.result, p->arena, &v, NULL)) return -1;
    usage = yyjson_obj_get(v, "usage");
    if (!usage) return -1;
    return (double)(pawl_json_i64(usage, "input", 0) + pawl_json_i64(usage, "output", 0));
}

void pawl_pool_told(struct pawl_pass *p, const struct pawl_reply *reply)
{
    struct pawl_pool_state *s = p->pool;
    struct pawl_lane_state *l = p->lane;
    const double took_ns = (double)(p->now_ns - p->sent_ns);
    double tokens;
    if (l && reply->transport != PAWL_OWNER_CRASHED)
        l->call_ns = l->call_ns > 0 ? l->call_ns * 0.9 + took_ns * 0.1 : took_ns;
    if (!s) return;
    fill(s, p->now_ns);
    tokens = s->rule.tokens_per_minute ? used(p) : -1;
    if (tokens >= 0) *bucket(s, p->pool_lane, true) += p->tokens - tokens;
    correct(s, header(reply->requests_left), false);
    correct(s, header(reply->tokens_left), true);
    if (p->outcome.error_class == PAWL_CLASS_RATE_LIMITED && !p->outcome.no_money && p->outcome.retry_after_ns > 0 &&
        p->now_ns + p->outcome.retry_after_ns > s->paused_until_ns)
        s->paused_until_ns = p->now_ns + p->outcome.retry_after_ns;
    adapt(s, p);
}
