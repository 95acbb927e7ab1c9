/* src/host/members.c - the members of a request: each is of one kind, and one of another kind is no member that is missing. A
 * step that cannot be read as one must not become "all of them" (docs/protocol.md). */
#include <string.h>
#include "contract/json.h"
#include "host/host.h"

enum kind { TEXT, STEP, WHOLE, YES_NO };
static const char *const kinds[] = {"a text", "the number of a step", "a whole number, not negative", "true or false"};

static const struct {
    const char *name;
    enum kind kind;
    const char *asked; /* of this request alone; NULL: of all that have it */
} members[] = {
    {"do", TEXT, NULL},         {"run", TEXT, NULL},
    {"id", TEXT, NULL},         {"agent", TEXT, NULL},
    {"key", TEXT, NULL},        {"config", TEXT, NULL},
    {"by", TEXT, NULL},         {"reason", TEXT, NULL},
    {"text", TEXT, NULL},       {"say", TEXT, NULL},
    {"digest", TEXT, NULL},     {"how", TEXT, NULL},
    {"name", TEXT, NULL},       {"prefix", TEXT, NULL},
    {"before", TEXT, NULL},     {"class", TEXT, NULL},
    {"head", TEXT, NULL},       {"token", TEXT, NULL},
    {"body", TEXT, NULL},       {"webhook_id", TEXT, NULL},
    {"to", STEP, "undo"},       {"webhook_timestamp", TEXT, NULL},
    {"to", TEXT, "breaker"},    {"webhook_signature", TEXT, NULL},
    {"to", TEXT, "schedule"},   {"from", STEP, "retry"},
    {"from", WHOLE, "follow"},  {"step", STEP, NULL},
    {"begins_ns", WHOLE, NULL}, {"max", WHOLE, NULL},
    {"at", WHOLE, NULL},        {"chat", YES_NO, NULL},
    {"end", YES_NO, NULL},      {"take_over", YES_NO, NULL},
    {"all", YES_NO, NULL},      {"whole", YES_NO, NULL},
    {"failed", YES_NO, NULL},
};

static bool fits(yyjson_val *v, enum kind kind)
{
    const int64_t most = kind == STEP ? UINT32_MAX : INT64_MAX;
    switch (kind) {
    case TEXT: return yyjson_is_str(v);
    case YES_NO: return yyjson_is_bool(v);
    default: return yyjson_is_uint(v) && yyjson_get_uint(v) <= (uint64_t)most;
    }
}

int pawl_members_check(yyjson_val *request, struct pawl_error *err)
{
    const struct pawl_str what = pawl_json_str(request, "do");
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        yyjson_val *v = yyjson_obj_get(request, members[i].name);
        char where[32];
        if (!v || yyjson_is_null(v) || fits(v, members[i].kind)) continue;
        if (members[i].asked && !pawl_str_is(what, members[i].asked)) continue;
        snprintf(where, sizeof where, "/%s", members[i].name);
        return pawl_fail(err, PAWL_EINVAL, where, "docs/protocol.md", "%s is %s", members[i].name,
                         kinds[members[i].kind]);
    }
    return PAWL_OK;
}
