/* src/contract/config.c - see config.h: the file as a whole, where the store is, what is kept of it, and its hash.
 *
 * What is kept is the canonical JSON of what was written, references unresolved and no default filled in. The tree sorts
 * the keys of every mapping, so that the file and what is kept of it give the same structs in the same order. */
#include "contract/config.h"
#include "contract/config_read.h"
#include <assert.h>
#include <string.h>

enum { TEXT_MAX = 1024 * 1024 };

static void free_schemas(const struct pawl_config *c)
{
    for (uint32_t i = 0; i < c->tools_count; i++) {
        pawl_schema_free(c->tools[i].input);
        pawl_schema_free(c->tools[i].output);
        pawl_schema_free(c->tools[i].gate_if);
        pawl_schema_free(c->tools[i].gate_when);
        pawl_schema_free(c->tools[i].verify.expect);
        pawl_schema_free(c->tools[i].async.done);
        pawl_schema_free(c->tools[i].async.failed);
        for (uint32_t k = 0; k < c->tools[i].checks_count; k++) {
            pawl_schema_free(c->tools[i].checks[k].when);
            pawl_schema_free(c->tools[i].checks[k].schema);
        }
    }
    for (uint32_t i = 0; i < c->agents_count; i++) {
        const struct pawl_agent *a = &c->agents[i];
        pawl_schema_free(a->output);
        for (uint32_t k = 0; k < a->guards_count; k++) pawl_schema_free(a->guards[k].when);
        for (uint32_t k = 0; k < a->opinion.by_count; k++) pawl_schema_free(a->opinion.by[k].expect);
    }
}

void pawl_config_free(struct pawl_config *c, const struct pawl_alloc *from)
{
    if (!c) return;
    free_schemas(c);
    pawl_arena_fini(&c->arena);
    from->resize(from->ctx, c, sizeof *c, 0);
}

static void read_version(struct pawl_reader *r, const struct pawl_yaml *root)
{
    const struct pawl_yaml *v = pawl_reader_get(root, "version");
    if (!pawl_reader_need(r, root, "version", "write version: 1")) return;
    if (v->kind != PAWL_YAML_NUMBER || !pawl_str_is(v->text, "1"))
        pawl_reader_expected(r, v, "version", "1, the version that this pawl reads");
}

/* sqlite:PATH, beside the file where the path is relative. As text: nothing is opened. */
static void set_store(struct pawl_reader *r, struct pawl_str path)
{
    const struct pawl_str file = r->config->path;
    uint32_t folder = file.n;
    struct pawl_buf b;
    pawl_buf_init_arena(&b, r->arena);
    while (folder > 0 && file.p[folder - 1] != '/') folder--;
    pawl_buf_text(&b, "sqlite:");
    if (path.p[0] != '/') pawl_buf_add(&b, file.p, folder);
    pawl_buf_str(&b, path);
    r->config->store = pawl_buf_done(&b);
}

static void read_store(struct pawl_reader *r, const struct pawl_yaml *root)
{
    static const char expected[] = "sqlite:PATH", scheme[] = "sqlite:";
    const uint32_t n = sizeof scheme - 1;
    const struct pawl_yaml *v = pawl_reader_get(root, "store");
    struct pawl_str store = PAWL_STR("sqlite:pawl.db");
    if (v && !pawl_reader_target(r, v, "store", false, &store)) return;
    if (store.n >= 9 && memcmp(store.p, "postgres", 8) == 0) {
        pawl_fault(r->faults, v->line, v->column, "write store: sqlite:pawl.db",
                   "store: PostgreSQL is not in this version"); /* may hold a password */
        return;
    }
    bool fine = store.n > n && memcmp(store.p, scheme, n) == 0 && store.p[n] != ':' && store.p[store.n - 1] != '/';
    for (uint32_t i = 0; i < store.n; i++) fine = fine && (unsigned char)store.p[i] >= 0x20 && store.p[i] != 0x7f;
    if (fine) set_store(r, (struct pawl_str){store.p + n, store.n - n});
    else pawl_reader_expected(r, v, "store", expected);
}

static void read_defaults(struct pawl_reader *r, const struct pawl_yaml *root)
{
    static const char *const known[] = {"retry", "timeout", "breaker", NULL};
    const struct pawl_yaml *v = pawl_reader_map(r, root, "defaults");
    pawl_default_breaker(&r->breaker);
    r->retry = (struct pawl_retry){.attempts = 4,
                                   .first_ns = 1000000000,
                                   .max_ns = 30000000000,
                                   .factor = 2,
                                   .jitter = PAWL_JITTER_FULL,
                                   .budget = 20,
                                   .reserve = 100};
    r->timeout_ns = 10000000000;
    if (!v) return;
    pawl_reader_keys(r, v, known, NULL);
    pawl_reader_retry(r, v, "retry", &r->retry);
    pawl_reader_breaker(r, v, &r->breaker, NULL);
    pawl_reader_duration(r, v, "timeout", 1, &r->timeout_ns);
}

static void read_root(struct pawl_reader *r, const struct pawl_yaml *root)
{
    static const char *const known[] = {"version", "store",  "durability", "defaults", "pools",     "lanes", "models",
                                        "tools",   "agents", "budget",     "serve",    "schedules", NULL};
    static const char *const later[] = {"alerts", "trace", "retention", NULL};
    static const char *const durabilities[] = {"effects", "every-step", NULL};
    const struct pawl_yaml *section;
    int durability = 0;
    if (root->kind != PAWL_YAML_MAP) {
        pawl_reader_expected(r, root, "configuration", "a mapping with version, models, tools, agents");
        return;
    }
    pawl_reader_keys(r, root, known, later);
    read_version(r, root);
    read_store(r, root);
    pawl_reader_choice(r, root, "durability", durabilities, &durability);
    r->config->sync_every_step = durability == 1;
    read_defaults(r, root);
    pawl_read_serve(r, root);
    if ((section = pawl_reader_map(r, root, "pools")) != NULL) pawl_read_pools(r, section);
    if ((section = pawl_reader_map(r, root, "lanes")) != NULL) pawl_read_lanes(r, section);
    if ((section = pawl_reader_map(r, root, "models")) != NULL) pawl_read_models(r, section);
    if ((section = pawl_reader_map(r, root, "tools")) != NULL) pawl_read_tools(r, section);
    if ((section = pawl_reader_map(r, root, "agents")) != NULL) pawl_read_agents(r, section);
    if ((section = pawl_reader_map(r, root, "schedules")) != NULL) pawl_read_schedules(r, section);
    pawl_link_children(r);
    pawl_read_budget(r, root);
    pawl_link_prices(r, (struct pawl_model *)(uintptr_t)r->config->models);
}

static void keep(struct pawl_reader *r, const struct pawl_yaml *root)
{
    struct pawl_config *c = r->config;
    c->json = pawl_reader_canonical(r, root, NULL);
    if (!c->json.p) return;
    if (c->json.n > TEXT_MAX)
        pawl_fault(r->faults, root->line, root->column, "make it smaller, or use fewer aliases",
                   "more than 1 MiB, written out as JSON");
    c->hash = pawl_sha256(c->json.p, c->json.n);
}

/* The tree stays in the configuration's arena: names and texts point into it. */
static int read_all(struct pawl_reader *r, struct pawl_str text, bool store_only)
{
    const struct pawl_yaml *root = NULL;
    if (text.n > TEXT_MAX) {
        pawl_fault(r->faults, 1, 1, "make it smaller", "expected at most 1 MiB, found %u bytes", text.n);
        return PAWL_ECONFIG;
    }
    const int code = pawl_yaml_read(text, r->arena, r->faults, &root);
    if (code != PAWL_OK) return code;
    if (store_only && root->kind == PAWL_YAML_MAP) read_store(r, root);
    else read_root(r, root);
    if (r->faults->count == 0 && !store_only) keep(r, root);
    return r->faults->count == 0 ? PAWL_OK : PAWL_ECONFIG;
}

static int load(struct pawl_str text, const char *path, const struct pawl_env_lookup *env, bool store_only,
                const struct pawl_alloc *from, struct pawl_config **out, struct pawl_config_report *report)
{
    struct pawl_config *c = from->resize(from->ctx, NULL, 0, sizeof *c);
    *out = NULL;
    report->count = 0;
    if (!c) return PAWL_ENOMEM;
    *c = (struct pawl_config){.path = {NULL, 0}};
    pawl_arena_init(&c->arena, from);
    if (path) c->path = pawl_str_copy(&c->arena, pawl_str_of(path));
    struct pawl_faults faults = {.arena = &c->arena, .path = c->path};
    struct pawl_reader r = {.config = c, .arena = &c->arena, .faults = &faults, .env = env, .from = from};
    int code = read_all(&r, text, store_only);
    pawl_schema_cache_fini(&r.schemas);
    if (c->arena.failed || r.no_memory) code = PAWL_ENOMEM;
    if (code == PAWL_OK) return *out = c, PAWL_OK;
    if (code == PAWL_ECONFIG) {
        pawl_faults_report(&faults, report);
        assert(report->count > 0);
    }
    pawl_config_free(c, from);
    return code;
}

int pawl_config_load(struct pawl_str text, const char *path, const struct pawl_env_lookup *env,
                     const struct pawl_alloc *from, struct pawl_config **out, struct pawl_config_report *report)
{
    return load(text, path, env, false, from, out, report);
}

int pawl_config_load_store(struct pawl_str text, const char *path, const struct pawl_env_lookup *env,
                           const struct pawl_alloc *from, struct pawl_config **out, struct pawl_config_report *report)
{
    return load(text, path, env, true, from, out, report);
}
