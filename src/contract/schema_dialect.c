/* src/contract/schema_dialect.c - what $schema means (core, section 8.1): 2020-12; 2019-09 and drafts 6 and 7, whose
 * other words for the same things are understood, because tools in the wild send them; or a meta-schema among the
 * resources given, by its $vocabulary. Anything else is refused. */
#include "contract/schema_build.h"
#include "contract/schema_uri.h"
#include <string.h>

static const struct {
    const char *uri;
    enum pawl_draft draft;
} known[] = {
    {"https://json-schema.org/draft/2020-12/schema", PAWL_DRAFT_2020},
    {"https://json-schema.org/draft/2019-09/schema", PAWL_DRAFT_2019},
    {"http://json-schema.org/draft-07/schema", PAWL_DRAFT_7},
    {"https://json-schema.org/draft-07/schema", PAWL_DRAFT_7},
    {"http://json-schema.org/draft-06/schema", PAWL_DRAFT_7},
};

static const struct {
    const char *name;
    uint8_t bit;
} vocabularies[] = {
    {"core", PAWL_VOCABULARY_CORE},
    {"applicator", PAWL_VOCABULARY_APPLICATOR},
    {"unevaluated", PAWL_VOCABULARY_UNEVALUATED},
    {"validation", PAWL_VOCABULARY_VALIDATION},
    {"format-annotation", PAWL_VOCABULARY_FORMAT},
    {"format-assertion", PAWL_VOCABULARY_FORMAT},
    {"format", PAWL_VOCABULARY_FORMAT}, /* of 2019-09 */
    {"content", 0},
    {"meta-data", 0},
};

static int find(struct pawl_str dialect)
{
    struct pawl_str fragment;
    const struct pawl_str uri = pawl_uri_split(dialect, &fragment);
    if (fragment.n) return -1;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (pawl_str_is(uri, known[i].uri)) return (int)i;
    return -1;
}

enum pawl_draft pawl_dialect_draft(struct pawl_str dialect)
{
    const int i = dialect.p ? find(dialect) : -1;
    return i < 0 ? PAWL_DRAFT_2020 : known[i].draft;
}

bool pawl_dialect_is_known(struct pawl_str dialect)
{
    return !dialect.p || find(dialect) >= 0;
}

enum pawl_draft pawl_dialect_of_part(struct pawl_str uri)
{
    const int i = find(uri);
    if (i >= 0 && known[i].draft == PAWL_DRAFT_7) return PAWL_DRAFT_7;
    for (size_t k = 0; k < 2; k++) {
        const size_t n = strlen(known[k].uri) - strlen("schema");
        if (uri.n > n && memcmp(uri.p, known[k].uri, n) == 0) return known[k].draft;
    }
    return (enum pawl_draft)0;
}

static bool read_vocabulary(struct pawl_build *b, struct pawl_resource *r, struct pawl_str uri, bool required)
{
    const bool older = r->draft == PAWL_DRAFT_2019;
    const char *prefix =
        older ? "https://json-schema.org/draft/2019-09/vocab/" : "https://json-schema.org/draft/2020-12/vocab/";
    const size_t n = strlen(prefix);
    if (uri.n > n && memcmp(uri.p, prefix, n) == 0) {
        const struct pawl_str name = {uri.p + n, uri.n - (uint32_t)n};
        for (size_t i = 0; i < sizeof vocabularies / sizeof *vocabularies; i++) {
            if (!pawl_str_is(name, vocabularies[i].name)) continue;
            r->vocabularies |= vocabularies[i].bit;
            if (older && vocabularies[i].bit == PAWL_VOCABULARY_APPLICATOR)
                r->vocabularies |= PAWL_VOCABULARY_UNEVALUATED;
            r->asserts_formats |= pawl_str_is(name, "format-assertion");
            return true;
        }
    }
    if (!required) return true;
    return pawl_build_fail(b, r, r->place, "$schema", "use the vocabularies of 2020-12",
                           "its meta-schema requires the vocabulary '%.*s', which is not known", (int)uri.n, uri.p);
}

/* By the $vocabulary of a meta-schema that is among the resources. */
static bool settle_own(struct pawl_build *b, struct pawl_resource *r)
{
    struct pawl_str fragment;
    const struct pawl_str uri = pawl_uri_split(r->dialect, &fragment);
    const struct pawl_resource *meta = pawl_map_get(&b->uris, uri.p, uri.n);
    yyjson_val *vocabulary, *key, *value;
    size_t i, max;
    if (!meta)
        return pawl_build_fail(b, r, r->place, "$schema", "write https://json-schema.org/draft/2020-12/schema",
                               "the dialect '%.*s' is not known", (int)r->dialect.n, r->dialect.p);
    if (pawl_dialect_is_known(meta->dialect)) r->draft = pawl_dialect_draft(meta->dialect);
    vocabulary = yyjson_obj_get(meta->root, "$vocabulary");
    if (!vocabulary) return true; /* it restricts nothing */
    r->vocabularies = PAWL_VOCABULARY_CORE;
    yyjson_obj_foreach(vocabulary, i, max, key,
                       value) if (!read_vocabulary(b, r, pawl_json_value_str(key), yyjson_is_true(value))) return false;
    return true;
}

bool pawl_dialect_settle(struct pawl_build *b, struct pawl_resource *r)
{
    if (r->settled) return true;
    r->settled = true;
    r->vocabularies = PAWL_VOCABULARY_ALL;
    r->asserts_formats = b->options && b->options->assert_formats;
    yyjson_val *dialect = yyjson_obj_get(r->root, "$schema");
    if (dialect && !yyjson_is_str(dialect))
        return pawl_build_fail(b, r, r->place, "$schema", "write https://json-schema.org/draft/2020-12/schema",
                               "expected a URI as text");
    return pawl_dialect_is_known(r->dialect) || settle_own(b, r);
}
