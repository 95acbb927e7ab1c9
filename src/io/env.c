/* src/io/env.c - getenv, for names that are spans. */
#include "io/env.h"
#include <stdlib.h>
#include <string.h>

struct pawl_str pawl_env_get(struct pawl_str name)
{
    char text[256];
    if (name.n == 0 || name.n >= sizeof text) return (struct pawl_str){NULL, 0};
    if (memchr(name.p, 0, name.n) || memchr(name.p, '=', name.n)) return (struct pawl_str){NULL, 0};
    memcpy(text, name.p, name.n);
    text[name.n] = 0;
    return pawl_str_of(getenv(text));
}
