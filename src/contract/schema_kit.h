/* src/contract/schema_kit.h - what tests of schemas share: JSON written down in C. */
#pragma once
#include "base/test.h"
#include "contract/schema.h"
#include "io/alloc.h"

#define J(...) #__VA_ARGS__
static struct pawl_arena arena;

static yyjson_val *json(const char *text)
{
    yyjson_val *v = NULL;
    struct pawl_error err = {0};
    if (pawl_json_read(pawl_str_of(text), &arena, &v, &err)) printf("%s: %s\n", err.what, text);
    return v;
}
