/* src/host/registry.h - the configurations that runs were started with, by hash. A run keeps its own (DESIGN 3). */
#pragma once
#include "base/map.h"
#include "contract/config.h"

struct pawl_registry {
    const struct pawl_alloc *from;
    struct pawl_map entries; /* hash -> struct entry */
};
void pawl_registry_init(struct pawl_registry *r, const struct pawl_alloc *from);
void pawl_registry_fini(struct pawl_registry *r);
/* NULL: not loaded, and then *missing says why where loading was tried. */
const struct pawl_config *pawl_registry_find(const struct pawl_registry *r, struct pawl_hash hash,
                                             struct pawl_str *missing);
bool pawl_registry_knows(const struct pawl_registry *r, struct pawl_hash hash);
/* Load a stored text. Environment first from `secrets` (a JSON object of text, or NULL), then from the process's. */
int pawl_registry_load(struct pawl_registry *r, struct pawl_str text, struct pawl_hash hash, yyjson_val *secrets,
                       const struct pawl_config **out);
/* Put one in that was loaded from a file. Ownership goes to the registry; where an equal one is there already that one is
 * returned and this one freed. NULL: no memory. */
const struct pawl_config *pawl_registry_add(struct pawl_registry *r, struct pawl_config *c);
