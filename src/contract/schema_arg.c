/* src/contract/schema_arg.c - {"$arg": POINTER} stands where contract/schema.h says, or the schema is refused: anywhere
 * else it would be data, or nothing, and whoever wrote it would believe that it is read. */
#include "contract/schema_build.h"

static bool is_arg(yyjson_val *v)
{
    return yyjson_obj_get(v, "$arg") != NULL;
}

/* An object with $arg anywhere within: values lie behind one another. */
static bool holds_arg(yyjson_val *v)
{
    if (!yyjson_is_ctn(v)) return false;
    for (yyjson_val *end = unsafe_yyjson_get_next(v); v < end; v++)
        if (yyjson_is_obj(v) && is_arg(v)) return true;
    return false;
}

static bool refuse(struct pawl_build *b, const struct pawl_resource *r, const struct pawl_place *p, const char *keyword)
{
    return pawl_build_fail(b, r, p, keyword, "write it as the value of const, an item of enum, or a bound of numbers",
                           "$arg is not read here");
}

static bool check_value(struct pawl_build *b, const struct pawl_resource *r, const struct pawl_place *p,
                        const char *keyword, yyjson_val *v)
{
    if (!is_arg(v)) {
        if (!holds_arg(v)) return true;
        return pawl_build_fail(b, r, p, keyword, "compare that member by a schema of its own",
                               "$arg is not read within a value");
    }
    const struct pawl_str pointer = pawl_json_str(v, "$arg");
    if (pointer.p && yyjson_obj_size(v) == 1 &&
        pawl_format_fits(PAWL_FORMAT_JSON_POINTER, pointer, NULL, NULL) == PAWL_OK)
        return true;
    return pawl_build_fail(b, r, p, keyword, "write {\"$arg\": \"/args/NAME\"}",
                           "expected $arg alone, with a JSON pointer");
}

static bool check_items(struct pawl_build *b, const struct pawl_resource *r, const struct pawl_place *p,
                        const char *keyword, yyjson_val *v)
{
    yyjson_val *item;
    size_t i, max;
    yyjson_arr_foreach(v, i, max, item) if (!check_value(b, r, p, keyword, item)) return false;
    return yyjson_is_arr(v) || !holds_arg(v) || refuse(b, r, p, keyword);
}

bool pawl_scan_args(struct pawl_build *b, const struct pawl_resource *r, const struct pawl_place *p, yyjson_val *key,
                    yyjson_val *value, bool schemas)
{
    static const char *const values[] = {"const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"};
    if (yyjson_equals_str(key, "$arg")) return refuse(b, r, p, NULL);
    if (schemas || !yyjson_is_ctn(value)) return true;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (yyjson_equals_str(key, values[i])) return check_value(b, r, p, values[i], value);
    if (yyjson_equals_str(key, "enum")) return check_items(b, r, p, "enum", value);
    return !holds_arg(value) || refuse(b, r, p, yyjson_get_str(key));
}
