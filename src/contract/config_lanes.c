/* src/contract/config_lanes.c - pools: what is limited, whoever calls; lanes: which class of agents gets how much of it. */
#include "contract/config_read.h"
#include <stdio.h>

enum { PER_MINUTE_MAX = 1000000000 };

static void read_pool(struct pawl_reader *r, const struct pawl_yaml_member *m, struct pawl_pool *p)
{
    static const char *const known[] = {"concurrency", "requests_per_minute", "tokens_per_minute", "adaptive", NULL};
    const struct pawl_yaml *v = m->value;
    uint32_t requests = 0, tokens = 0;
    p->name = m->key;
    p->line = m->line;
    pawl_reader_name(r, m, "pools", true);
    if (v->kind != PAWL_YAML_MAP) {
        pawl_reader_expected(r, v, p->name.p, "a mapping with concurrency, requests_per_minute or tokens_per_minute");
        return;
    }
    pawl_reader_keys(r, v, known, NULL);
    pawl_reader_count(r, v, "concurrency", 1000000, &p->concurrency);
    pawl_reader_count(r, v, "requests_per_minute", PER_MINUTE_MAX, &requests);
    pawl_reader_count(r, v, "tokens_per_minute", PER_MINUTE_MAX, &tokens);
    p->requests_per_minute = requests;
    p->tokens_per_minute = tokens;
    pawl_reader_flag(r, v, "adaptive", &p->adaptive);
    if (p->adaptive && !p->concurrency)
        pawl_fault(r->faults, v->line, v->column, "give the most that it may ever be: concurrency: 64",
                   "adaptive: there is no concurrency to adapt");
}

void pawl_read_pools(struct pawl_reader *r, const struct pawl_yaml *pools)
{
    struct pawl_pool *made = pawl_arena_zeroed(r->arena, pools->count * sizeof *made);
    if (!pawl_reader_few(r, pools, "pools", 64) || !made) return;
    r->config->pools = made;
    r->config->pools_count = pools->count;
    for (uint32_t i = 0; i < pools->count; i++) read_pool(r, &pools->members[i], &made[i]);
}

bool pawl_reader_pool(struct pawl_reader *r, const struct pawl_yaml *map, struct pawl_str *out)
{
    struct pawl_near near;
    if (!pawl_reader_text(r, map, "pool", out) || pawl_config_pool(r->config, *out)) return true;
    near = (struct pawl_near){.name = *out};
    for (uint32_t i = 0; pawl_reader_suggests(r) && i < r->config->pools_count; i++)
        pawl_near_try(&near, r->config->pools[i].name);
    pawl_reader_dangling(r, pawl_reader_get(map, "pool"), "pool", &near);
    return false;
}

bool pawl_reader_lane(struct pawl_reader *r, const struct pawl_yaml *map, struct pawl_str *out)
{
    struct pawl_near near;
    if (!pawl_reader_text(r, map, "lane", out) || pawl_config_lane(r->config, *out)) return true;
    near = (struct pawl_near){.name = *out};
    for (uint32_t i = 0; pawl_reader_suggests(r) && i < r->config->lanes_count; i++)
        pawl_near_try(&near, r->config->lanes[i].name);
    pawl_reader_dangling(r, pawl_reader_get(map, "lane"), "lane", &near);
    return false;
}

static void read_shares(struct pawl_reader *r, const struct pawl_yaml *map, struct pawl_lane *l)
{
    const struct pawl_yaml *v = pawl_reader_map(r, map, "share");
    struct pawl_lane_share *shares = v ? pawl_arena_zeroed(r->arena, v->count * sizeof *shares) : NULL;
    if (!shares) return;
    l->shares = shares;
    for (uint32_t i = 0; i < v->count; i++) {
        const struct pawl_yaml_member *m = &v->members[i];
        struct pawl_near near = {.name = m->key};
        char name[80];
        if (!pawl_config_pool(r->config, m->key)) {
            for (uint32_t k = 0; pawl_reader_suggests(r) && k < r->config->pools_count; k++)
                pawl_near_try(&near, r->config->pools[k].name);
            pawl_reader_dangling(r, v, "pool", &near);
            continue;
        }
        snprintf(name, sizeof name, "%.*s", (int)m->key.n, m->key.p);
        if (pawl_reader_share(r, v, name, &shares[l->shares_count].percent)) shares[l->shares_count++].pool = m->key;
    }
}

static void read_lane(struct pawl_reader *r, const struct pawl_yaml_member *m, struct pawl_lane *l)
{
    static const char *const known[] = {"concurrency", "queue", "weight", "share", "memory", NULL};
    const struct pawl_yaml *v = m->value;
    l->name = m->key;
    l->line = m->line;
    l->weight = 1;
    pawl_reader_name(r, m, "lanes", true);
    if (v->kind != PAWL_YAML_MAP) {
        pawl_reader_expected(r, v, l->name.p, "a mapping with concurrency, queue, weight, share or memory");
        return;
    }
    pawl_reader_keys(r, v, known, NULL);
    pawl_reader_count(r, v, "concurrency", 1000000, &l->concurrency);
    pawl_reader_count(r, v, "queue", 1000000000, &l->queue);
    pawl_reader_count(r, v, "weight", 1000, &l->weight);
    pawl_reader_size(r, v, "memory", 64 * 1024, &l->memory_bytes);
    read_shares(r, v, l);
}

/* All shares of one pool together are no more than the pool. */
static void check_sums(struct pawl_reader *r, const struct pawl_yaml *lanes)
{
    const struct pawl_config *c = r->config;
    for (uint32_t p = 0; p < c->pools_count; p++) {
        double sum = 0;
        for (uint32_t i = 0; i < c->lanes_count; i++)
            for (uint32_t k = 0; k < c->lanes[i].shares_count; k++)
                if (pawl_str_eq(c->lanes[i].shares[k].pool, c->pools[p].name)) sum += c->lanes[i].shares[k].percent;
        if (sum > 100)
            pawl_fault(r->faults, lanes->line, lanes->column, "make them 100% or less",
                       "share: the lanes have %g%% of pool '%.*s'", sum, (int)c->pools[p].name.n, c->pools[p].name.p);
    }
}

void pawl_read_lanes(struct pawl_reader *r, const struct pawl_yaml *lanes)
{
    struct pawl_lane *made = pawl_arena_zeroed(r->arena, lanes->count * sizeof *made);
    if (!pawl_reader_few(r, lanes, "lanes", 64) || !made) return;
    r->config->lanes = made;
    r->config->lanes_count = lanes->count;
    for (uint32_t i = 0; i < lanes->count; i++) read_lane(r, &lanes->members[i], &made[i]);
    check_sums(r, lanes);
}
