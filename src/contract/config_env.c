/* src/contract/config_env.c - see config_env.h; and filling captured values in (contract.h). */
#include "contract/config_env.h"
#include "contract/contract.h"
#include <string.h>

static const char opening[] = "${env:";
enum { OPENING = sizeof opening - 1 };

static bool name_char(char c, bool first)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || (!first && c >= '0' && c <= '9');
}

/* What stands between the opening and the }. */
static const char *split(struct pawl_str inner, struct pawl_env_ref *out)
{
    uint32_t n = 0;
    while (n < inner.n && name_char(inner.p[n], n == 0)) n++;
    out->name = (struct pawl_str){inner.p, n};
    if (n == 0) return "names no variable";
    if (n == inner.n) return NULL;
    if (inner.n - n < 2 || memcmp(inner.p + n, ":-", 2) != 0) return "has something else than a name and :-default";
    out->has_otherwise = true;
    out->otherwise = (struct pawl_str){inner.p + n + 2, inner.n - n - 2};
    return memchr(inner.p, '{', inner.n) ? "has a brace in its default" : NULL;
}

bool pawl_env_next(struct pawl_str text, uint32_t *at, struct pawl_env_ref *out)
{
    uint32_t from = *at;
    *out = (struct pawl_env_ref){.fault = NULL};
    while (from + OPENING <= text.n && memcmp(text.p + from, opening, OPENING) != 0) from++;
    if (text.n < OPENING || from + OPENING > text.n) return *at = text.n, false;
    const char *inner = text.p + from + OPENING, *end = memchr(inner, '}', text.n - from - OPENING);
    if (!end) {
        out->whole = (struct pawl_str){text.p + from, text.n - from};
        out->fault = "is not closed by a }";
        return *at = text.n, true;
    }
    out->whole = (struct pawl_str){text.p + from, (uint32_t)(end + 1 - text.p) - from};
    out->fault = split((struct pawl_str){inner, (uint32_t)(end - inner)}, out);
    *at = from + out->whole.n;
    return true;
}

bool pawl_env_has(struct pawl_str text)
{
    struct pawl_env_ref ref;
    uint32_t at = 0;
    return pawl_env_next(text, &at, &ref);
}

static const struct pawl_pair *captured(const struct pawl_config *c, struct pawl_str name)
{
    for (uint32_t i = 0; i < c->secrets_count; i++)
        if (pawl_str_eq(c->secrets[i].name, name)) return &c->secrets[i];
    return NULL;
}

int pawl_config_fill(const struct pawl_config *c, struct pawl_str text, struct pawl_buf *out, struct pawl_error *err)
{
    struct pawl_env_ref ref;
    uint32_t at = 0, done = 0;
    while (pawl_env_next(text, &at, &ref)) {
        if (ref.fault) continue; /* a checked configuration has none: it is text */
        const struct pawl_pair *found = captured(c, ref.name);
        if (!found && !ref.has_otherwise)
            return pawl_fail(err, PAWL_ENOTFOUND, "", "set it in the environment of the process that owns the store",
                             "the environment variable %.*s is not known", (int)ref.name.n, ref.name.p);
        pawl_buf_add(out, text.p + done, (size_t)(ref.whole.p - (text.p + done)));
        pawl_buf_str(out, found && (found->value.n > 0 || !ref.has_otherwise) ? found->value : ref.otherwise);
        done = (uint32_t)(ref.whole.p - text.p) + ref.whole.n;
    }
    if (text.n > done) pawl_buf_add(out, text.p + done, text.n - done);
    if (!out->failed) return PAWL_OK;
    return pawl_fail(err, PAWL_ENOMEM, "", "", "no memory to fill in the environment");
}
