/* src/host/registry.c - see registry.h. */
#include "host/registry.h"
#include "io/env.h"
#include <string.h>

struct entry {
    struct pawl_config *config;
    char missing[256];
};

struct lookup {
    yyjson_val *secrets;
};

static struct pawl_str look_up(void *ctx, const char *name)
{
    const struct lookup *l = ctx;
    const struct pawl_str given = pawl_json_value_str(yyjson_obj_get(l->secrets, name));
    return given.p ? given : pawl_env_get(pawl_str_of(name));
}

void pawl_registry_init(struct pawl_registry *r, const struct pawl_alloc *from)
{
    r->from = from;
    pawl_map_init(&r->entries, from);
}

void pawl_registry_fini(struct pawl_registry *r)
{
    struct pawl_map_entry *e;
    if (!r->from) return;
    for (uint32_t i = 0; (e = pawl_map_next(&r->entries, &i)) != NULL;) {
        struct entry *entry = e->value;
        if (entry->config) pawl_config_free(entry->config, r->from);
        r->from->resize(r->from->ctx, entry, sizeof *entry, 0);
    }
    pawl_map_fini(&r->entries);
    r->from = NULL;
}

static struct entry *entry_at(struct pawl_registry *r, struct pawl_hash hash)
{
    struct entry *entry = pawl_map_get(&r->entries, hash.b, sizeof hash.b);
    if (entry) return entry;
    entry = r->from->resize(r->from->ctx, NULL, 0, sizeof *entry);
    if (!entry) return NULL;
    memset(entry, 0, sizeof *entry);
    if (pawl_map_put(&r->entries, hash.b, sizeof hash.b, entry) == PAWL_OK) return entry;
    r->from->resize(r->from->ctx, entry, sizeof *entry, 0);
    return NULL;
}

const struct pawl_config *pawl_registry_find(const struct pawl_registry *r, struct pawl_hash hash,
                                             struct pawl_str *missing)
{
    const struct entry *entry = pawl_map_get(&r->entries, hash.b, sizeof hash.b);
    if (entry && !entry->config && missing) *missing = pawl_str_of(entry->missing);
    return entry ? entry->config : NULL;
}

bool pawl_registry_knows(const struct pawl_registry *r, struct pawl_hash hash)
{
    return pawl_registry_find(r, hash, NULL) != NULL;
}

int pawl_registry_load(struct pawl_registry *r, struct pawl_str text, struct pawl_hash hash, yyjson_val *secrets,
                       const struct pawl_config **out)
{
    struct lookup l = {.secrets = secrets};
    const struct pawl_env_lookup env = {.get = look_up, .ctx = &l};
    struct pawl_config_report *report = r->from->resize(r->from->ctx, NULL, 0, sizeof *report);
    struct entry *entry = entry_at(r, hash);
    struct pawl_config *c = NULL;
    int rc = PAWL_ENOMEM;
    if (report && entry && entry->config) {
        *out = entry->config;
        rc = PAWL_OK;
    } else if (report && entry) {
        memset(report, 0, sizeof *report);
        rc = pawl_config_load(text, "stored", &env, r->from, &c, report);
        entry->config = c;
        *out = c;
        if (rc && report->count) memcpy(entry->missing, report->errors[0].what, sizeof entry->missing - 1);
    }
    if (report) r->from->resize(r->from->ctx, report, sizeof *report, 0);
    return rc;
}

const struct pawl_config *pawl_registry_add(struct pawl_registry *r, struct pawl_config *c)
{
    struct entry *entry = entry_at(r, c->hash);
    if (entry && !entry->config) {
        entry->config = c;
        return c;
    }
    pawl_config_free(c, r->from);
    return entry ? entry->config : NULL;
}
