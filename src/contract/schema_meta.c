/* src/contract/schema_meta.c - the meta-schema of 2020-12 and its vocabularies, so that references to them resolve and
 * schemas can be validated by them. The documents are the specification's own data, without titles. */
#include "contract/schema_node.h"

#define ID "https://json-schema.org/draft/2020-12/"
#define HEAD(name) "{\"$schema\":\"" ID "schema\",\"$id\":\"" ID name "\",\"$dynamicAnchor\":\"meta\","
#define META "{\"$dynamicRef\":\"#meta\"}"
#define META_MAP "{\"type\":\"object\",\"additionalProperties\":" META ",\"default\":{}}"
#define COUNT "{\"$ref\":\"#/$defs/nonNegativeInteger\"}"
#define BOTH "\"type\":[\"object\",\"boolean\"],"

static const char *const documents[] = {
    HEAD(
        "schema") "\"$vocabulary\":{\"" ID "vocab/core\":true,\"" ID "vocab/applicator\":true,\"" ID
                  "vocab/unevaluated\":true,\"" ID "vocab/validation\":true,\"" ID "vocab/meta-data\":true,\"" ID
                  "vocab/format-annotation\":true,\"" ID "vocab/content\":true},"
                  "\"allOf\":[{\"$ref\":\"meta/core\"},{\"$ref\":\"meta/applicator\"},{\"$ref\":\"meta/unevaluated\"},{\"$ref\":\"meta/validation\"},"
                  "{\"$ref\":\"meta/meta-data\"},{\"$ref\":\"meta/format-annotation\"},{\"$ref\":\"meta/content\"}]," BOTH
                  "\"properties\":{\"definitions\":{\"type\":\"object\",\"additionalProperties\":" META
                  ",\"deprecated\":true,\"default\":{}},"
                  "\"dependencies\":{\"type\":\"object\",\"additionalProperties\":{\"anyOf\":[" META
                  ",{\"$ref\":\"meta/validation#/$defs/stringArray\"}]},"
                  "\"deprecated\":true,\"default\":{}},\"$recursiveAnchor\":{\"$ref\":\"meta/core#/$defs/anchorString\",\"deprecated\":true},"
                  "\"$recursiveRef\":{\"$ref\":\"meta/core#/$defs/uriReferenceString\",\"deprecated\":true}}}",
    HEAD("meta/core") BOTH
    "\"properties\":{\"$id\":{\"$ref\":\"#/$defs/uriReferenceString\",\"pattern\":\"^[^#]*#?$\"},"
    "\"$schema\":{\"$ref\":\"#/$defs/uriString\"},\"$ref\":{\"$ref\":\"#/$defs/uriReferenceString\"},\"$anchor\":{\"$ref\":\"#/$defs/anchorString\"},"
    "\"$dynamicRef\":{\"$ref\":\"#/$defs/uriReferenceString\"},\"$dynamicAnchor\":{\"$ref\":\"#/$defs/anchorString\"},"
    "\"$vocabulary\":{\"type\":\"object\",\"propertyNames\":{\"$ref\":\"#/$defs/uriString\"},\"additionalProperties\":{\"type\":\"boolean\"}},"
    "\"$comment\":{\"type\":\"string\"},\"$defs\":{\"type\":\"object\",\"additionalProperties\":" META "}},"
    "\"$defs\":{\"anchorString\":{\"type\":\"string\",\"pattern\":\"^[A-Za-z_][-A-Za-z0-9._]*$\"},"
    "\"uriString\":{\"type\":\"string\",\"format\":\"uri\"},\"uriReferenceString\":{\"type\":\"string\",\"format\":\"uri-reference\"}}}",
    HEAD("meta/applicator") BOTH
    "\"properties\":{\"prefixItems\":{\"$ref\":\"#/$defs/schemaArray\"},\"items\":" META ",\"contains\":" META
    ",\"additionalProperties\":" META ",\"properties\":" META_MAP
    ",\"patternProperties\":{\"type\":\"object\",\"additionalProperties\":" META
    ",\"propertyNames\":{\"format\":\"regex\"},\"default\":{}},\"dependentSchemas\":" META_MAP
    ",\"propertyNames\":" META ",\"if\":" META ",\"then\":" META ",\"else\":" META
    ",\"allOf\":{\"$ref\":\"#/$defs/schemaArray\"},\"anyOf\":{\"$ref\":\"#/$defs/schemaArray\"},"
    "\"oneOf\":{\"$ref\":\"#/$defs/schemaArray\"},\"not\":" META
    "},\"$defs\":{\"schemaArray\":{\"type\":\"array\",\"minItems\":1,\"items\":" META "}}}",
    HEAD("meta/unevaluated") BOTH "\"properties\":{\"unevaluatedItems\":" META ",\"unevaluatedProperties\":" META "}}",
    HEAD("meta/validation") BOTH
    "\"properties\":{\"type\":{\"anyOf\":[{\"$ref\":\"#/$defs/simpleTypes\"},{\"type\":\"array\",\"items\":"
    "{\"$ref\":\"#/$defs/simpleTypes\"},\"minItems\":1,\"uniqueItems\":true}]},\"const\":true,\"enum\":{\"type\":\"array\",\"items\":true},"
    "\"multipleOf\":{\"type\":\"number\",\"exclusiveMinimum\":0},\"maximum\":{\"type\":\"number\"},\"exclusiveMaximum\":{\"type\":\"number\"},"
    "\"minimum\":{\"type\":\"number\"},\"exclusiveMinimum\":{\"type\":\"number\"},\"maxLength\":" COUNT
    ",\"minLength\":" COUNT ",\"pattern\":{\"type\":\"string\",\"format\":\"regex\"},\"maxItems\":" COUNT
    ",\"minItems\":" COUNT ",\"uniqueItems\":{\"type\":\"boolean\"},"
    "\"maxContains\":" COUNT ",\"minContains\":" COUNT ",\"maxProperties\":" COUNT ",\"minProperties\":" COUNT
    ",\"required\":{\"$ref\":\"#/$defs/stringArray\"},\"dependentRequired\":{\"type\":\"object\",\"additionalProperties\":"
    "{\"$ref\":\"#/$defs/stringArray\"}}},\"$defs\":{\"nonNegativeInteger\":{\"type\":\"integer\",\"minimum\":0},"
    "\"simpleTypes\":{\"enum\":[\"array\",\"boolean\",\"integer\",\"null\",\"number\",\"object\",\"string\"]},"
    "\"stringArray\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"uniqueItems\":true,\"default\":[]}}}",
    HEAD("meta/meta-data") BOTH
    "\"properties\":{\"title\":{\"type\":\"string\"},\"description\":{\"type\":\"string\"},\"default\":true,"
    "\"deprecated\":{\"type\":\"boolean\"},\"readOnly\":{\"type\":\"boolean\"},\"writeOnly\":{\"type\":\"boolean\"},"
    "\"examples\":{\"type\":\"array\",\"items\":true}}}",
    HEAD("meta/format-annotation") BOTH "\"properties\":{\"format\":{\"type\":\"string\"}}}",
    HEAD("meta/format-assertion") BOTH "\"properties\":{\"format\":{\"type\":\"string\"}}}",
    HEAD("meta/content") BOTH
    "\"properties\":{\"contentEncoding\":{\"type\":\"string\"},\"contentMediaType\":{\"type\":\"string\"},"
    "\"contentSchema\":" META "}}",
};

struct pawl_str pawl_schema_meta(uint32_t i)
{
    return i < sizeof documents / sizeof *documents ? pawl_str_of(documents[i]) : (struct pawl_str){NULL, 0};
}
