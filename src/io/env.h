/* src/io/env.h - one look at the process environment, for ${env:NAME}. Nobody in pawl ever changes the environment. */
#pragma once
#include "base/bytes.h"

/* Borrowed, NUL-terminated. {NULL,0}: not set, or no possible name (empty, with '=' or NUL, over 255 bytes). */
struct pawl_str pawl_env_get(struct pawl_str name);
