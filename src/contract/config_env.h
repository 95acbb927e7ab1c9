/* src/contract/config_env.h - references to the environment in a text: ${env:NAME} and ${env:NAME:-default}.
 *
 * NAME: letters, digits and _, no digit first. The default holds no brace, and counts where the variable is not set or
 * empty, as a shell has it. Within the room. */
#pragma once
#include "base/bytes.h"

struct pawl_env_ref {
    struct pawl_str whole, name, otherwise; /* whole: from the $ to the } */
    bool has_otherwise;
    const char *fault; /* NULL: well formed; else why it is none, and whole is the part that was looked at */
};
/* The next one at or behind *at, which moves past it; false: no more. */
bool pawl_env_next(struct pawl_str text, uint32_t *at, struct pawl_env_ref *out);
bool pawl_env_has(struct pawl_str text);
