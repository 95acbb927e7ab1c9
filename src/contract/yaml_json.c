/* src/contract/yaml_json.c - the tree of text that yyjson has read already. yyjson keeps no positions, so a cursor goes
 * through the text beside it; what it goes through is known to be valid JSON, so it only has to tell where tokens end. */
#include "contract/yaml.h"
#include <assert.h>
#include <string.h>

struct cursor {
    const char *p, *end, *line_from;
    uint32_t line;
    struct pawl_arena *a;
    struct pawl_faults *f;
};

static uint32_t column(const struct cursor *c)
{
    return (uint32_t)(c->p - c->line_from) + 1;
}

static void to_token(struct cursor *c)
{
    for (; c->p < c->end && strchr(" \t\r\n,:]}", *c->p); c->p++) {
        if (*c->p != '\n') continue;
        c->line++;
        c->line_from = c->p + 1;
    }
    assert(c->p < c->end);
}

static void over_string(struct cursor *c)
{
    assert(*c->p == '"');
    for (c->p++; *c->p != '"'; c->p++)
        if (*c->p == '\\') c->p++;
    c->p++;
}

/* The token's own text: a number keeps its digits. */
static struct pawl_str over_word(struct cursor *c)
{
    const char *from = c->p;
    while (c->p < c->end && !strchr(" \t\r\n,:]}", *c->p)) c->p++;
    return (struct pawl_str){from, (uint32_t)(c->p - from)};
}

static int build(struct cursor *c, yyjson_val *from, int depth, const struct pawl_yaml **out);

static int build_parts(struct cursor *c, yyjson_val *from, int depth, struct pawl_yaml *v)
{
    struct pawl_yaml_part *first = NULL, **last = &first;
    const bool map = v->kind == PAWL_YAML_MAP;
    yyjson_obj_iter members = yyjson_obj_iter_with(map ? from : NULL);
    yyjson_arr_iter items = yyjson_arr_iter_with(map ? NULL : from);
    const size_t count = yyjson_get_len(from);
    c->p++; /* the bracket */
    for (size_t i = 0; i < count; i++) {
        struct pawl_yaml_part *part = pawl_arena_zeroed(c->a, sizeof *part);
        if (!part) return PAWL_ENOMEM;
        yyjson_val *key = map ? yyjson_obj_iter_next(&members) : NULL;
        yyjson_val *below = map ? yyjson_obj_iter_get_val(key) : yyjson_arr_iter_next(&items);
        if (map) {
            to_token(c);
            part->member = (struct pawl_yaml_member){pawl_json_value_str(key), c->line, column(c), NULL};
            over_string(c);
        }
        const int code = build(c, below, depth + 1, &part->member.value);
        if (code != PAWL_OK) return code;
        *last = part;
        last = &part->next;
    }
    return pawl_yaml_close(v, first, (uint32_t)count, c->a, c->f);
}

static int build(struct cursor *c, yyjson_val *from, int depth, const struct pawl_yaml **out)
{
    struct pawl_yaml *v = pawl_arena_zeroed(c->a, sizeof *v);
    if (!v) return PAWL_ENOMEM;
    to_token(c);
    v->line = c->line;
    v->column = column(c);
    v->nodes = 1;
    *out = v;
    if (yyjson_is_ctn(from)) {
        if (depth < PAWL_YAML_DEPTH) {
            v->kind = yyjson_is_obj(from) ? PAWL_YAML_MAP : PAWL_YAML_LIST;
            return build_parts(c, from, depth, v);
        }
        pawl_fault(c->f, v->line, v->column, "make it flatter", "more than %d levels deep", PAWL_YAML_DEPTH);
        return PAWL_ECONFIG;
    }
    if (yyjson_is_str(from)) {
        v->kind = PAWL_YAML_TEXT;
        v->text = pawl_json_value_str(from);
        v->bytes = v->text.n;
        over_string(c);
        return PAWL_OK;
    }
    v->kind = yyjson_is_null(from) ? PAWL_YAML_NULL : yyjson_is_bool(from) ? PAWL_YAML_BOOL : PAWL_YAML_NUMBER;
    v->text = pawl_str_copy(c->a, over_word(c));
    if (!v->text.p) return PAWL_ENOMEM;
    v->bytes = v->text.n;
    const char *why = v->kind == PAWL_YAML_NUMBER ? pawl_yaml_number_fault(v->text.p) : NULL;
    if (why) {
        pawl_fault(c->f, v->line, v->column, "write a smaller number, or a text in quotes", "%.60s %s", v->text.p, why);
        v->kind = PAWL_YAML_BAD;
    }
    return PAWL_OK;
}

int pawl_yaml_from_json(struct pawl_str text, yyjson_val *root, struct pawl_arena *a, struct pawl_faults *f,
                        const struct pawl_yaml **out)
{
    struct cursor c = {.p = text.p, .end = text.p + text.n, .line_from = text.p, .line = 1, .a = a, .f = f};
    return build(&c, root, 0, out);
}
