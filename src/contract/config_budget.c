/* src/contract/config_budget.c - what may be spent: prices of models, and the limits of a run, of an agent, of a day, and
 * what is done when one is reached. Amounts are read exactly: no floating point comes near money. */
#include "contract/config_read.h"
#include "contract/units.h"

static const int64_t day = INT64_C(86400000000000);

/* USD a million tokens; micro-USD of a million tokens are picodollars of one. */
static bool read_rate(struct pawl_reader *r, const struct pawl_yaml *map, const char *key, int64_t *out)
{
    const struct pawl_yaml *v = pawl_reader_get(map, key);
    int64_t rate;
    if (!v) return false;
    if (v->kind == PAWL_YAML_NUMBER && pawl_unit_decimal(v->text, 6, &rate) && rate <= INT64_C(10000000000))
        return *out = rate, true;
    pawl_reader_expected(r, v, key, "USD for a million tokens, from 0 to 10000 and with up to six decimals");
    return false;
}

void pawl_reader_price(struct pawl_reader *r, const struct pawl_yaml *map, struct pawl_price *out)
{
    static const char *const known[] = {"input", "cached_input", "output", NULL};
    static const char next[] = "write price: {input: 0.25, cached_input: 0.025, output: 2.00}";
    const struct pawl_yaml *v = pawl_reader_map(r, map, "price");
    if (!v) return;
    pawl_reader_keys(r, v, known, NULL);
    if (!pawl_reader_need(r, v, "input", next) || !pawl_reader_need(r, v, "output", next)) return;
    const bool input = read_rate(r, v, "input", &out->input_pusd),
               output = read_rate(r, v, "output", &out->output_pusd);
    out->cached_pusd = out->input_pusd;
    read_rate(r, v, "cached_input", &out->cached_pusd);
    out->known = input && output;
}

static void read_tokens(struct pawl_reader *r, const struct pawl_yaml *map, const char *key, int64_t *out)
{
    const struct pawl_yaml *v = pawl_reader_get(map, key);
    int64_t count;
    const bool scalar = v && (v->kind == PAWL_YAML_TEXT || v->kind == PAWL_YAML_NUMBER);
    if (!v) return;
    if (scalar && pawl_unit_count(v->text, &count) && count > 0) *out = count;
    else pawl_reader_expected(r, v, key, "a number from 1, such as 40, 200k or 1.5M");
}

static void read_cost(struct pawl_reader *r, const struct pawl_yaml *map, int64_t *out)
{
    const struct pawl_yaml *v = pawl_reader_get(map, "cost");
    int64_t pusd;
    if (!v) return;
    if (v->kind == PAWL_YAML_TEXT && pawl_unit_money(v->text, &pusd) && pusd > 0) *out = pusd;
    else pawl_reader_expected(r, v, "cost", "an amount of money such as \"0.50 USD\"");
}

/* all: {...}, day: {...} */
static void read_sum(struct pawl_reader *r, const struct pawl_yaml *map, const char *key, struct pawl_budget *out)
{
    static const char *const known[] = {"steps", "tokens", "cost", NULL};
    const struct pawl_yaml *v = pawl_reader_map(r, map, key);
    if (!v) return;
    pawl_reader_keys(r, v, known, NULL);
    read_tokens(r, v, "steps", &out->most[PAWL_BUDGET_STEPS]);
    read_tokens(r, v, "tokens", &out->most[PAWL_BUDGET_TOKENS]);
    read_cost(r, v, &out->most[PAWL_BUDGET_COST]);
}

static void add_model(struct pawl_reader *r, const struct pawl_yaml *item, const char *key, struct pawl_str *names,
                      uint32_t *count)
{
    struct pawl_near near = {.name = item->text};
    if (item->kind != PAWL_YAML_TEXT) {
        pawl_reader_expected(r, item, key, "the name of a model");
    } else if (!pawl_config_model(r->config, item->text)) {
        for (uint32_t i = 0; pawl_reader_suggests(r) && i < r->config->models_count; i++)
            pawl_near_try(&near, r->config->models[i].name);
        pawl_reader_dangling(r, item, "model", &near);
    } else {
        names[(*count)++] = item->text;
    }
}

/* One name, or a list of them. */
static void read_models(struct pawl_reader *r, const struct pawl_yaml *map, const char *key,
                        const struct pawl_str **out, uint32_t *count)
{
    const struct pawl_yaml *v = pawl_reader_get(map, key);
    const uint32_t most = v && v->kind == PAWL_YAML_LIST ? v->count : 1;
    struct pawl_str *names = v ? pawl_arena_zeroed(r->arena, (most + 1) * sizeof *names) : NULL;
    if (!names || !pawl_reader_few(r, v, key, 8)) return;
    *out = names;
    if (v->kind != PAWL_YAML_LIST) add_model(r, v, key, names, count);
    for (uint32_t i = 0; v->kind == PAWL_YAML_LIST && i < v->count; i++) add_model(r, v->items[i], key, names, count);
}

/* exhausted: stop | ask | {degrade: [small], then: ask, expires: 24h} */
static void read_exhausted(struct pawl_reader *r, const struct pawl_yaml *budget, struct pawl_exhausted *out)
{
    static const char *const answers[] = {"stop", "ask", NULL}, *const known[] = {"degrade", "then", "expires", NULL};
    const struct pawl_yaml *v = pawl_reader_get(budget, "exhausted");
    int choice = 0;
    out->expires_ns = day;
    if (!v) return;
    if (v->kind != PAWL_YAML_MAP) {
        if (pawl_reader_choice(r, budget, "exhausted", answers, &choice)) out->ask = choice == 1;
        return;
    }
    pawl_reader_keys(r, v, known, NULL);
    read_models(r, v, "degrade", &out->degrade, &out->degrade_count);
    if (pawl_reader_choice(r, v, "then", answers, &choice)) out->ask = choice == 1;
    pawl_reader_duration(r, v, "expires", 1, &out->expires_ns);
}

void pawl_reader_budget(struct pawl_reader *r, const struct pawl_yaml *map, struct pawl_agent *a)
{
    static const char *const known[] = {"steps", "tokens", "cost", "time", "day", "all", "exhausted", "context", NULL};
    const struct pawl_yaml *v = pawl_reader_map(r, map, "budget");
    a->exhausted.expires_ns = day;
    if (!v) return;
    pawl_reader_keys(r, v, known, NULL);
    pawl_reader_count(r, v, "steps", 1000000, &a->steps_max);
    read_tokens(r, v, "tokens", &a->budget.most[PAWL_BUDGET_TOKENS]);
    read_cost(r, v, &a->budget.most[PAWL_BUDGET_COST]);
    pawl_reader_duration(r, v, "time", 1, &a->budget_time_ns);
    read_sum(r, v, "day", &a->budget_day);
    read_sum(r, v, "all", &a->budget_all);
    read_exhausted(r, v, &a->exhausted);
}

/* routing: {models: [small], success: 90%, runs: 10, recent: 24h} */
void pawl_reader_routing(struct pawl_reader *r, const struct pawl_yaml *map, struct pawl_agent *a)
{
    static const char *const known[] = {"models", "success", "runs", "recent", NULL};
    const struct pawl_yaml *v = pawl_reader_map(r, map, "routing");
    struct pawl_routing *out = &a->routing;
    *out = (struct pawl_routing){.runs_min = 10, .success = 90, .recent_ns = day};
    if (!v) return;
    pawl_reader_keys(r, v, known, NULL);
    if (!pawl_reader_need(r, v, "models", "name cheaper models, as in models: [small]")) return;
    read_models(r, v, "models", &out->models, &out->models_count);
    pawl_reader_share(r, v, "success", &out->success);
    pawl_reader_count(r, v, "runs", 100000, &out->runs_min);
    pawl_reader_duration(r, v, "recent", 1000000000, &out->recent_ns);
}

void pawl_read_budget(struct pawl_reader *r, const struct pawl_yaml *root)
{
    static const char *const known[] = {"day", "all", NULL};
    const struct pawl_yaml *v = pawl_reader_map(r, root, "budget");
    if (!v) return;
    pawl_reader_keys(r, v, known, NULL);
    read_sum(r, v, "day", &r->config->budget_day);
    read_sum(r, v, "all", &r->config->budget_all);
}
