/* src/contract/schema.h - JSON Schema 2020-12, compiled once to a flat program, run without allocating.
 *
 * Source: draft-bhutton-json-schema-01 and -validation-01; the suite in the carrier jsonschema decides. $schema may also
 * name 2019-09, draft 7 or 6, or a meta-schema among the resources; anything else is refused, as are vocabularies that
 * are required and not known. Nothing is ever fetched: a $ref that no given resource answers is an error at compile
 * time. `pattern` is ECMA-262 (u flag), see regex.h. One extension, only with `allow_arg`: {"$arg": POINTER} as the value of const, an item of
 * enum, minimum, maximum, exclusiveMinimum, exclusiveMaximum refers to a value of the context document; elsewhere it
 * is an error; a missing value fails that keyword. */
#pragma once
#include "contract/json.h"

struct pawl_schema; /* immutable once compiled: may be used by many threads at once */

/* Meta-schemas, compiled once for many compiles of one thread; zeroed it is empty and ready. Its memory is of the `from`
 * that the compiles have, all the same one. */
struct pawl_schema_cache {
    struct pawl_schema *known[8]; /* by draft */
};
void pawl_schema_cache_fini(struct pawl_schema_cache *cache); /* and it is empty again */

struct pawl_schema_options {
    bool assert_formats; /* else format is an annotation (the 2020-12 default) */
    bool allow_arg;
    yyjson_val *const *resources; /* further documents that $ref may name by their $id */
    uint32_t resources_count;
    struct pawl_schema_cache *cache; /* NULL: none */
};

/* Compile. The result keeps no pointer into `schema`. PAWL_EINVAL: the schema is not one (validated against the
 * meta-schema too); err->where is the JSON pointer of the offending keyword. PAWL_ELIMIT: too deep or too large. */
int pawl_schema_compile(yyjson_val *schema, const struct pawl_schema_options *options, const struct pawl_alloc *from,
                        struct pawl_schema **out, struct pawl_error *err);
void pawl_schema_free(struct pawl_schema *s); /* NULL: fine */

enum { PAWL_SCHEMA_ERRORS = 8 };
struct pawl_schema_violation {
    char instance[128]; /* JSON pointer into the instance, cut with ... */
    char keyword[192];  /* JSON pointer into the schema, through $ref */
    char says[256];     /* a sentence a model can act on: "expected an integer of at least 1, found -3" */
};
struct pawl_schema_report {
    uint32_t count; /* of all violations seen; the first PAWL_SCHEMA_ERRORS are kept */
    struct pawl_schema_violation violations[PAWL_SCHEMA_ERRORS];
};

/* Does the instance fit? PAWL_OK; PAWL_EINVAL, and *report (may be NULL: stop at the first) says why. PAWL_ELIMIT: there
 * is no answer within the bounds on depth, steps and matching of patterns, which are about two seconds at the worst;
 * PAWL_ENOMEM: there is none either. *report then says just that. `context` is what $arg reads.
 * Memory is asked for (the allocator of the compile) only by uniqueItems for more than 256 items, by unevaluated* for
 * more than 16,384 members at once, and by patterns that go far back or have a hundred groups. */
int pawl_schema_check(const struct pawl_schema *s, yyjson_val *instance, yyjson_val *context,
                      struct pawl_schema_report *report);
