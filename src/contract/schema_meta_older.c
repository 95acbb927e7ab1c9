/* src/contract/schema_meta_older.c - the meta-schemas of 2019-09 with its vocabularies, and of draft 7, as schema_meta.c
 * has those of 2020-12. */
#include "contract/schema_build.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const char *const draft_2019[] = {
    "{\"$schema\":\"https://json-schema.org/draft/2019-09/schema\",\"$id\":\"https:"
    "//json-schema.org/draft/2019-09/schema\",\"$vocabulary\":{\"https:"
    "//json-schema.org/draft/2019-09/vocab/core\":true,\"https://json-schema.org/draft/2019-09/vocab/applicator\":"
    "true,\"https://json-schema.org/draft/2019-09/vocab/validation\":true,\"https:"
    "//json-schema.org/draft/2019-09/vocab/meta-data\":true,\"https://json-schema.org/draft/2019-09/vocab/format\":"
    "false,\"https://json-schema.org/draft/2019-09/vocab/content\":true},\"$recursiveAnchor\":true,\"allOf\":[{"
    "\"$ref\":\"meta/core\"},{\"$ref\":\"meta/applicator\"},{\"$ref\":\"meta/validation\"},{\"$ref\":"
    "\"meta/meta-data\"},{\"$ref\":\"meta/format\"},{\"$ref\":\"meta/content\"}],\"type\":[\"object\",\"boolean\"],"
    "\"properties\":{\"definitions\":{\"type\":\"object\",\"additionalProperties\":{\"$recursiveRef\":\"#\"}},"
    "\"dependencies\":{\"type\":\"object\",\"additionalProperties\":{\"anyOf\":[{\"$recursiveRef\":\"#\"},{"
    "\"$ref\":\"meta/validation#/$defs/stringArray\"}]}}}}",
    "{\"$schema\":\"https://json-schema.org/draft/2019-09/schema\",\"$id\":\"https:"
    "//json-schema.org/draft/2019-09/meta/core\",\"$vocabulary\":{\"https:"
    "//json-schema.org/draft/2019-09/vocab/core\":true},\"$recursiveAnchor\":true,\"type\":[\"object\",\"boolean\"]"
    ",\"properties\":{\"$id\":{\"type\":\"string\",\"format\":\"uri-reference\",\"pattern\":\"^[^#]*#?$\"},"
    "\"$schema\":{\"type\":\"string\",\"format\":\"uri\"},\"$anchor\":{\"type\":\"string\",\"pattern\":\"^[A-Za-z]["
    "-A-Za-z0-9.:_]*$\"},\"$ref\":{\"type\":\"string\",\"format\":\"uri-reference\"},\"$recursiveRef\":{\"type\":"
    "\"string\",\"format\":\"uri-reference\"},\"$recursiveAnchor\":{\"type\":\"boolean\"},\"$vocabulary\":{"
    "\"type\":\"object\",\"propertyNames\":{\"type\":\"string\",\"format\":\"uri\"},\"additionalProperties\":{"
    "\"type\":\"boolean\"}},\"$comment\":{\"type\":\"string\"},\"$defs\":{\"type\":\"object\","
    "\"additionalProperties\":{\"$recursiveRef\":\"#\"}}}}",
    "{\"$schema\":\"https://json-schema.org/draft/2019-09/schema\",\"$id\":\"https:"
    "//json-schema.org/draft/2019-09/meta/applicator\",\"$vocabulary\":{\"https:"
    "//json-schema.org/draft/2019-09/vocab/applicator\":true},\"$recursiveAnchor\":true,\"type\":[\"object\","
    "\"boolean\"],\"properties\":{\"additionalItems\":{\"$recursiveRef\":\"#\"},\"unevaluatedItems\":{"
    "\"$recursiveRef\":\"#\"},\"items\":{\"anyOf\":[{\"$recursiveRef\":\"#\"},{\"$ref\":\"#/$defs/schemaArray\"}]},"
    "\"contains\":{\"$recursiveRef\":\"#\"},\"additionalProperties\":{\"$recursiveRef\":\"#\"},"
    "\"unevaluatedProperties\":{\"$recursiveRef\":\"#\"},\"properties\":{\"type\":\"object\","
    "\"additionalProperties\":{\"$recursiveRef\":\"#\"}},\"patternProperties\":{\"type\":\"object\","
    "\"additionalProperties\":{\"$recursiveRef\":\"#\"},\"propertyNames\":{\"format\":\"regex\"}},"
    "\"dependentSchemas\":{\"type\":\"object\",\"additionalProperties\":{\"$recursiveRef\":\"#\"}},"
    "\"propertyNames\":{\"$recursiveRef\":\"#\"},\"if\":{\"$recursiveRef\":\"#\"},\"then\":{\"$recursiveRef\":"
    "\"#\"},\"else\":{\"$recursiveRef\":\"#\"},\"allOf\":{\"$ref\":\"#/$defs/schemaArray\"},\"anyOf\":{\"$ref\":"
    "\"#/$defs/schemaArray\"},\"oneOf\":{\"$ref\":\"#/$defs/schemaArray\"},\"not\":{\"$recursiveRef\":\"#\"}},"
    "\"$defs\":{\"schemaArray\":{\"type\":\"array\",\"minItems\":1,\"items\":{\"$recursiveRef\":\"#\"}}}}",
    "{\"$schema\":\"https://json-schema.org/draft/2019-09/schema\",\"$id\":\"https:"
    "//json-schema.org/draft/2019-09/meta/validation\",\"$vocabulary\":{\"https:"
    "//json-schema.org/draft/2019-09/vocab/validation\":true},\"$recursiveAnchor\":true,\"type\":[\"object\","
    "\"boolean\"],\"properties\":{\"multipleOf\":{\"type\":\"number\",\"exclusiveMinimum\":0},\"maximum\":{"
    "\"type\":\"number\"},\"exclusiveMaximum\":{\"type\":\"number\"},\"minimum\":{\"type\":\"number\"},"
    "\"exclusiveMinimum\":{\"type\":\"number\"},\"maxLength\":{\"$ref\":\"#/$defs/nonNegativeInteger\"},"
    "\"minLength\":{\"$ref\":\"#/$defs/nonNegativeIntegerDefault0\"},\"pattern\":{\"type\":\"string\",\"format\":"
    "\"regex\"},\"maxItems\":{\"$ref\":\"#/$defs/nonNegativeInteger\"},\"minItems\":{\"$ref\":"
    "\"#/$defs/nonNegativeIntegerDefault0\"},\"uniqueItems\":{\"type\":\"boolean\"},\"maxContains\":{\"$ref\":"
    "\"#/$defs/nonNegativeInteger\"},\"minContains\":{\"$ref\":\"#/$defs/nonNegativeInteger\"},\"maxProperties\":{"
    "\"$ref\":\"#/$defs/nonNegativeInteger\"},\"minProperties\":{\"$ref\":\"#/$defs/nonNegativeIntegerDefault0\"},"
    "\"required\":{\"$ref\":\"#/$defs/stringArray\"},\"dependentRequired\":{\"type\":\"object\","
    "\"additionalProperties\":{\"$ref\":\"#/$defs/stringArray\"}},\"const\":true,\"enum\":{\"type\":\"array\","
    "\"items\":true},\"type\":{\"anyOf\":[{\"$ref\":\"#/$defs/simpleTypes\"},{\"type\":\"array\",\"items\":{"
    "\"$ref\":\"#/$defs/simpleTypes\"},\"minItems\":1,\"uniqueItems\":true}]}},\"$defs\":{\"nonNegativeInteger\":{"
    "\"type\":\"integer\",\"minimum\":0},\"nonNegativeIntegerDefault0\":{\"$ref\":\"#/$defs/nonNegativeInteger\"},"
    "\"simpleTypes\":{\"enum\":[\"array\",\"boolean\",\"integer\",\"null\",\"number\",\"object\",\"string\"]},"
    "\"stringArray\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"uniqueItems\":true}}}",
    "{\"$schema\":\"https://json-schema.org/draft/2019-09/schema\",\"$id\":\"https:"
    "//json-schema.org/draft/2019-09/meta/meta-data\",\"$vocabulary\":{\"https:"
    "//json-schema.org/draft/2019-09/vocab/meta-data\":true},\"$recursiveAnchor\":true,\"type\":[\"object\","
    "\"boolean\"],\"properties\":{\"title\":{\"type\":\"string\"},\"description\":{\"type\":\"string\"},"
    "\"default\":true,\"deprecated\":{\"type\":\"boolean\"},\"readOnly\":{\"type\":\"boolean\"},\"writeOnly\":{"
    "\"type\":\"boolean\"},\"examples\":{\"type\":\"array\",\"items\":true}}}",
    "{\"$schema\":\"https://json-schema.org/draft/2019-09/schema\",\"$id\":\"https:"
    "//json-schema.org/draft/2019-09/meta/format\",\"$vocabulary\":{\"https:"
    "//json-schema.org/draft/2019-09/vocab/format\":true},\"$recursiveAnchor\":true,\"type\":[\"object\","
    "\"boolean\"],\"properties\":{\"format\":{\"type\":\"string\"}}}",
    "{\"$schema\":\"https://json-schema.org/draft/2019-09/schema\",\"$id\":\"https:"
    "//json-schema.org/draft/2019-09/meta/content\",\"$vocabulary\":{\"https:"
    "//json-schema.org/draft/2019-09/vocab/content\":true},\"$recursiveAnchor\":true,\"type\":[\"object\","
    "\"boolean\"],\"properties\":{\"contentMediaType\":{\"type\":\"string\"},\"contentEncoding\":{\"type\":"
    "\"string\"},\"contentSchema\":{\"$recursiveRef\":\"#\"}}}",
};

static const char *const draft_7[] = {
    "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"$id\":\"http://json-schema.org/draft-07/schema#\","
    "\"definitions\":{\"schemaArray\":{\"type\":\"array\",\"minItems\":1,\"items\":{\"$ref\":\"#\"}},"
    "\"nonNegativeInteger\":{\"type\":\"integer\",\"minimum\":0},\"nonNegativeIntegerDefault0\":{\"allOf\":[{"
    "\"$ref\":\"#/definitions/nonNegativeInteger\"},{}]},\"simpleTypes\":{\"enum\":[\"array\",\"boolean\","
    "\"integer\",\"null\",\"number\",\"object\",\"string\"]},\"stringArray\":{\"type\":\"array\",\"items\":{"
    "\"type\":\"string\"},\"uniqueItems\":true}},\"type\":[\"object\",\"boolean\"],\"properties\":{\"$id\":{"
    "\"type\":\"string\",\"format\":\"uri-reference\"},\"$schema\":{\"type\":\"string\",\"format\":\"uri\"},"
    "\"$ref\":{\"type\":\"string\",\"format\":\"uri-reference\"},\"$comment\":{\"type\":\"string\"},\"title\":{"
    "\"type\":\"string\"},\"description\":{\"type\":\"string\"},\"default\":true,\"readOnly\":{\"type\":"
    "\"boolean\"},\"examples\":{\"type\":\"array\",\"items\":true},\"multipleOf\":{\"type\":\"number\","
    "\"exclusiveMinimum\":0},\"maximum\":{\"type\":\"number\"},\"exclusiveMaximum\":{\"type\":\"number\"},"
    "\"minimum\":{\"type\":\"number\"},\"exclusiveMinimum\":{\"type\":\"number\"},\"maxLength\":{\"$ref\":"
    "\"#/definitions/nonNegativeInteger\"},\"minLength\":{\"$ref\":\"#/definitions/nonNegativeIntegerDefault0\"},"
    "\"pattern\":{\"type\":\"string\",\"format\":\"regex\"},\"additionalItems\":{\"$ref\":\"#\"},\"items\":{"
    "\"anyOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#/definitions/schemaArray\"}]},\"maxItems\":{\"$ref\":"
    "\"#/definitions/nonNegativeInteger\"},\"minItems\":{\"$ref\":\"#/definitions/nonNegativeIntegerDefault0\"},"
    "\"uniqueItems\":{\"type\":\"boolean\"},\"contains\":{\"$ref\":\"#\"},\"maxProperties\":{\"$ref\":"
    "\"#/definitions/nonNegativeInteger\"},\"minProperties\":{\"$ref\":"
    "\"#/definitions/nonNegativeIntegerDefault0\"},\"required\":{\"$ref\":\"#/definitions/stringArray\"},"
    "\"additionalProperties\":{\"$ref\":\"#\"},\"definitions\":{\"type\":\"object\",\"additionalProperties\":{"
    "\"$ref\":\"#\"}},\"properties\":{\"type\":\"object\",\"additionalProperties\":{\"$ref\":\"#\"}},"
    "\"patternProperties\":{\"type\":\"object\",\"additionalProperties\":{\"$ref\":\"#\"},\"propertyNames\":{"
    "\"format\":\"regex\"}},\"dependencies\":{\"type\":\"object\",\"additionalProperties\":{\"anyOf\":[{\"$ref\":"
    "\"#\"},{\"$ref\":\"#/definitions/stringArray\"}]}},\"propertyNames\":{\"$ref\":\"#\"},\"const\":true,\"enum\":"
    "{\"type\":\"array\",\"items\":true},\"type\":{\"anyOf\":[{\"$ref\":\"#/definitions/simpleTypes\"},{\"type\":"
    "\"array\",\"items\":{\"$ref\":\"#/definitions/simpleTypes\"},\"minItems\":1,\"uniqueItems\":true}]},"
    "\"format\":{\"type\":\"string\"},\"contentMediaType\":{\"type\":\"string\"},\"contentEncoding\":{\"type\":"
    "\"string\"},\"if\":{\"$ref\":\"#\"},\"then\":{\"$ref\":\"#\"},\"else\":{\"$ref\":\"#\"},\"allOf\":{\"$ref\":"
    "\"#/definitions/schemaArray\"},\"anyOf\":{\"$ref\":\"#/definitions/schemaArray\"},\"oneOf\":{\"$ref\":"
    "\"#/definitions/schemaArray\"},\"not\":{\"$ref\":\"#\"}}}",
};

struct pawl_str pawl_schema_meta_older(enum pawl_draft draft, uint32_t i)
{
    const char *const *all = draft == PAWL_DRAFT_7 ? draft_7 : draft_2019;
    const size_t count = draft == PAWL_DRAFT_7 ? COUNT(draft_7) : COUNT(draft_2019);
    return i < count ? pawl_str_of(all[i]) : (struct pawl_str){NULL, 0};
}
