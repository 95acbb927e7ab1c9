/* src/contract/config_models.c - models: who is asked, with which key, and how long an answer may take. */
#include "contract/config_env.h"
#include "contract/config_read.h"

static const int64_t second = 1000000000;

/* `timeout: 60s` is both: how long for all of the answer, and for its first token. */
static void read_timeout(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_model *m)
{
    static const char *const known[] = {"first_token", "total", NULL};
    const struct pawl_yaml *timeout = pawl_reader_get(v, "timeout");
    m->first_token_ns = 20 * second;
    m->total_ns = 120 * second;
    if (!timeout) return;
    if (timeout->kind != PAWL_YAML_MAP) {
        if (pawl_reader_duration(r, v, "timeout", 1, &m->total_ns)) m->first_token_ns = m->total_ns;
        return;
    }
    pawl_reader_keys(r, timeout, known, NULL);
    pawl_reader_duration(r, timeout, "total", 1, &m->total_ns);
    if (!pawl_reader_duration(r, timeout, "first_token", 1, &m->first_token_ns)) {
        if (m->first_token_ns > m->total_ns) m->first_token_ns = m->total_ns;
    } else if (m->first_token_ns > m->total_ns) {
        pawl_fault(r->faults, timeout->line, timeout->column, "make total the longer one",
                   "timeout: first_token is longer than total");
    }
}

static void read_key(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_model *m)
{
    const struct pawl_yaml *key = pawl_reader_get(v, "api_key");
    if (!key || !pawl_reader_secret(r, key, "api_key", false, &m->api_key)) return;
    if (pawl_env_has(key->text)) return;
    pawl_fault(r->faults, key->line, key->column, "write ${env:NAME}, or leave it out where no key is needed",
               "api_key: a key that stands here would be stored with every run");
}

static void read_openai(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_model *m)
{
    static const char *const known[] = {"provider", "base_url", "api_key", "model", "headers",    "timeout", "retry",
                                        "breaker",  "fallback", "pool",    "price", "max_tokens", NULL};
    const struct pawl_yaml *base = pawl_reader_get(v, "base_url"), *model = pawl_reader_get(v, "model");
    pawl_reader_keys(r, v, known, NULL);
    m->base_url = PAWL_STR("https://api.openai.com/v1");
    if (base && pawl_reader_target(r, base, "base_url", false, &m->base_url))
        pawl_reader_url(r, base, "base_url", false, m->base_url);
    pawl_reader_need(r, v, "model", "name the provider's model, as in model: gpt-5-mini");
    if (model && pawl_reader_target(r, model, "model", false, &m->model) && m->model.n == 0)
        pawl_reader_expected(r, model, "model", "the name of a model");
    read_key(r, v, m);
    pawl_reader_headers(r, v, false, &m->headers, &m->headers_count);
}

static void read_script(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_model *m)
{
    static const char *const known[] = {"provider", "script", "model", "timeout",    "retry", "breaker",
                                        "fallback", "pool",   "price", "max_tokens", NULL};
    const struct pawl_yaml *script = pawl_reader_get(v, "script"), *model = pawl_reader_get(v, "model");
    pawl_reader_keys(r, v, known, NULL);
    if (model) pawl_reader_target(r, model, "model", false, &m->model);
    if (pawl_reader_need(r, v, "script", "give a list of answers, as in script: [{say: Hello}]"))
        if (pawl_read_script(r, script, &m->script)) pawl_json_read(m->script, r->arena, &m->answers, NULL);
}

static void read_model(struct pawl_reader *r, const struct pawl_yaml_member *member, struct pawl_model *m)
{
    static const char *const providers[] = {"openai", "script", NULL};
    const struct pawl_yaml *v = member->value, *provider;
    int choice = -1;
    m->name = member->key;
    m->line = member->line;
    m->retry = r->retry;
    m->breaker = r->breaker;
    pawl_reader_name(r, member, "models", true);
    if (v->kind != PAWL_YAML_MAP) {
        pawl_reader_expected(r, v, m->name.p, "a mapping with provider and model");
        return;
    }
    provider = pawl_reader_get(v, "provider");
    if (provider && provider->kind == PAWL_YAML_TEXT && pawl_str_is(provider->text, "anthropic"))
        pawl_fault(r->faults, provider->line, provider->column, "use openai with a base_url that speaks its protocol",
                   "provider: anthropic is not in this version");
    else if (provider) pawl_reader_choice(r, v, "provider", providers, &choice);
    else pawl_reader_need(r, v, "provider", "write provider: openai");
    read_timeout(r, v, m);
    pawl_reader_retry(r, v, "retry", &m->retry);
    pawl_reader_breaker(r, v, &m->breaker, NULL);
    pawl_reader_pool(r, v, &m->pool);
    pawl_reader_price(r, v, &m->price);
    pawl_reader_count(r, v, "max_tokens", 10000000, &m->max_tokens);
    m->provider = choice == 1 ? PAWL_PROVIDER_SCRIPT : PAWL_PROVIDER_OPENAI;
    if (choice == 0) read_openai(r, v, m);
    else if (choice == 1) read_script(r, v, m);
}

/* Models that stand in for this one. Their own fallbacks do not count: one list, in one place. */
static void read_fallback(struct pawl_reader *r, const struct pawl_yaml *v, struct pawl_model *m)
{
    const struct pawl_yaml *list = pawl_reader_list(r, v, "fallback");
    struct pawl_str *names = list ? pawl_arena_zeroed(r->arena, list->count * sizeof *names) : NULL;
    if (!names || !pawl_reader_few(r, list, "fallback", 8)) return;
    m->fallback = names;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct pawl_yaml *item = list->items[i];
        struct pawl_near near = {.name = item->text};
        if (item->kind != PAWL_YAML_TEXT) {
            pawl_reader_expected(r, item, "fallback", "the name of a model");
        } else if (pawl_str_eq(item->text, m->name)) {
            pawl_fault(r->faults, item->line, item->column, "leave it out",
                       "fallback: a model cannot stand in for itself");
        } else if (!pawl_config_model(r->config, item->text)) {
            for (uint32_t k = 0; pawl_reader_suggests(r) && k < r->config->models_count; k++)
                pawl_near_try(&near, r->config->models[k].name);
            pawl_reader_dangling(r, item, "model", &near);
        } else {
            names[m->fallback_count++] = item->text;
        }
    }
}

void pawl_read_models(struct pawl_reader *r, const struct pawl_yaml *models)
{
    struct pawl_model *made = pawl_arena_zeroed(r->arena, models->count * sizeof *made);
    if (!pawl_reader_few(r, models, "models", 1024)) return;
    if (!made) return;
    r->config->models = made;
    r->config->models_count = models->count;
    for (uint32_t i = 0; i < models->count; i++) read_model(r, &models->members[i], &made[i]);
    for (uint32_t i = 0; i < models->count; i++)
        if (models->members[i].value->kind == PAWL_YAML_MAP) read_fallback(r, models->members[i].value, &made[i]);
}
