/* src/contract/yaml.c - events of libyaml to the tree of yaml.h, with a stack of its own and every bound checked.
 *
 * libyaml reads YAML 1.1's syntax with 1.2's escapes; what differs is dealt with here: scalars are resolved in
 * yaml_scalar.c, and U+0085, U+2028, U+2029, which only 1.1 takes for line ends, are refused outside of escapes. */
#include "contract/yaml.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

enum { ANCHORS_MAX = 256 };

struct frame { /* a list or map under way */
    struct pawl_yaml *node;
    struct pawl_yaml_part *first, *last;
    uint32_t count;
    bool has_key, drop; /* map: a key waits for its value; the value is not wanted */
    struct pawl_yaml_member key;
};
struct anchor {
    struct pawl_str name;
    const struct pawl_yaml *node;
};
struct reading {
    struct pawl_arena *a;
    struct pawl_faults *f;
    struct pawl_str text;
    const struct pawl_yaml *root;
    struct frame stack[PAWL_YAML_DEPTH];
    uint32_t depth, documents, aliases, anchors_count;
    struct anchor anchors[ANCHORS_MAX];
};

static int refuse(struct reading *r, yaml_mark_t at, const char *next, const char *what)
{
    pawl_fault(r->f, (uint32_t)at.line + 1, (uint32_t)at.column + 1, next, "%s", what);
    return PAWL_ECONFIG;
}

/* A whole value has come: it belongs to the list or map under way, or is the document. */
static int put(struct reading *r, const struct pawl_yaml *v)
{
    if (r->depth == 0) return r->root = v, PAWL_OK;
    struct frame *top = &r->stack[r->depth - 1];
    struct pawl_yaml_part *part = pawl_arena_zeroed(r->a, sizeof *part);
    if (!part) return PAWL_ENOMEM;
    if (top->node->kind == PAWL_YAML_MAP) {
        assert(top->has_key);
        top->has_key = false;
        if (top->drop) return top->drop = false, PAWL_OK;
        part->member = top->key;
    }
    part->member.value = v;
    if (top->last) top->last->next = part;
    else top->first = part;
    top->last = part;
    top->count++;
    return PAWL_OK;
}

static bool at_key(const struct reading *r)
{
    return r->depth > 0 && r->stack[r->depth - 1].node->kind == PAWL_YAML_MAP && !r->stack[r->depth - 1].has_key;
}

static struct pawl_yaml *new_node(struct reading *r, enum pawl_yaml_kind kind, yaml_mark_t at)
{
    struct pawl_yaml *v = pawl_arena_zeroed(r->a, sizeof *v);
    if (!v) return NULL;
    *v = (struct pawl_yaml){.kind = kind, .line = (uint32_t)at.line + 1, .column = (uint32_t)at.column + 1, .nodes = 1};
    const struct frame *top = r->depth > 0 ? &r->stack[r->depth - 1] : NULL;
    if (kind >= PAWL_YAML_LIST && top && top->has_key) {
        v->line = top->key.line;
        v->column = top->key.column;
    }
    return v;
}

static int remember(struct reading *r, const yaml_char_t *name, const struct pawl_yaml *v, yaml_mark_t at)
{
    if (!name) return PAWL_OK;
    struct pawl_str copy = pawl_str_copy(r->a, pawl_str_of((const char *)name));
    if (!copy.p) return PAWL_ENOMEM;
    for (uint32_t i = 0; i < r->anchors_count; i++) {
        if (!pawl_str_eq(r->anchors[i].name, copy)) continue;
        r->anchors[i].node = v; /* YAML 1.2.2, 3.2.2.2: from here on it means this one */
        return PAWL_OK;
    }
    if (r->anchors_count == ANCHORS_MAX) return refuse(r, at, "use fewer", "more than 256 anchors");
    r->anchors[r->anchors_count++] = (struct anchor){copy, v};
    return PAWL_OK;
}

static bool under_way(const struct reading *r, const struct pawl_yaml *v)
{
    for (uint32_t i = 0; i < r->depth; i++)
        if (r->stack[i].node == v) return true;
    return false;
}

static int on_alias(struct reading *r, const yaml_event_t *e)
{
    const struct pawl_str name = pawl_str_of((const char *)e->data.alias.anchor);
    const struct pawl_yaml *found = NULL;
    if (at_key(r)) return refuse(r, e->start_mark, "write the key itself", "an alias cannot be a key");
    if (++r->aliases > PAWL_YAML_ALIASES) return refuse(r, e->start_mark, "use fewer", "more than 64 aliases");
    for (uint32_t i = 0; i < r->anchors_count; i++)
        if (pawl_str_eq(r->anchors[i].name, name)) found = r->anchors[i].node;
    if (!found)
        return refuse(r, e->start_mark, "write &name before the value that *name stands for",
                      "an alias to an unknown anchor");
    if (under_way(r, found)) return refuse(r, e->start_mark, "", "an alias within the very value that it stands for");
    return put(r, found);
}

/* A key is its text, whatever it looks like: 409 and true are keys as they stand. */
static int on_key(struct reading *r, const yaml_event_t *e, struct pawl_str text)
{
    struct frame *top = &r->stack[r->depth - 1];
    top->has_key = true;
    top->key =
        (struct pawl_yaml_member){text, (uint32_t)e->start_mark.line + 1, (uint32_t)e->start_mark.column + 1, NULL};
    if (!pawl_str_is(text, "<<") || e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) return PAWL_OK;
    top->drop = true;
    refuse(r, e->start_mark, "write the keys out, or use an alias for a whole value", "merge keys (<<) are not read");
    return PAWL_OK;
}

static int on_scalar(struct reading *r, const yaml_event_t *e)
{
    const char *tag = (const char *)e->data.scalar.tag, *why = NULL;
    const struct pawl_str text = {pawl_arena_copy(r->a, e->data.scalar.value, e->data.scalar.length),
                                  (uint32_t)e->data.scalar.length};
    struct pawl_yaml *v = new_node(r, PAWL_YAML_TEXT, e->start_mark);
    if (!text.p || !v) return PAWL_ENOMEM;
    v->text = text;
    v->bytes = text.n;
    const int code = remember(r, e->data.scalar.anchor, v, e->start_mark);
    if (code != PAWL_OK) return code;
    const bool is_text = tag && (strcmp(tag, "!") == 0 || strcmp(tag, YAML_STR_TAG) == 0);
    if (tag && !is_text) {
        refuse(r, e->start_mark, "leave it out: quotes make a text, and all else is what it looks like",
               "a tag; only !!str is read");
        v->kind = PAWL_YAML_BAD;
    }
    if (at_key(r)) return on_key(r, e, text);
    if (!tag && e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) pawl_yaml_plain(v, text, r->a, &why);
    if (why)
        pawl_fault(r->f, v->line, v->column, "put it into quotes if it is a text", "%.*s %s",
                   text.n > 60 ? 60 : (int)text.n, text.p, why);
    return r->a->failed ? PAWL_ENOMEM : put(r, v);
}

static int on_open(struct reading *r, const yaml_event_t *e, enum pawl_yaml_kind kind)
{
    const bool map = kind == PAWL_YAML_MAP;
    const char *tag = (const char *)(map ? e->data.mapping_start.tag : e->data.sequence_start.tag);
    if (at_key(r))
        return refuse(r, e->start_mark, "quote texts that hold braces or brackets",
                      "a key is a text, not a list or mapping");
    if (r->depth == PAWL_YAML_DEPTH) return refuse(r, e->start_mark, "make it flatter", "more than 64 levels deep");
    if (tag && strcmp(tag, "!") != 0 && strcmp(tag, map ? YAML_MAP_TAG : YAML_SEQ_TAG) != 0)
        refuse(r, e->start_mark, "leave it out", "a tag; only !!str is read");
    struct pawl_yaml *v = new_node(r, kind, e->start_mark);
    if (!v) return PAWL_ENOMEM;
    r->stack[r->depth++] = (struct frame){.node = v};
    return remember(r, map ? e->data.mapping_start.anchor : e->data.sequence_start.anchor, v, e->start_mark);
}

static int on_close(struct reading *r)
{
    assert(r->depth > 0);
    const struct frame *top = &r->stack[--r->depth];
    const int code = pawl_yaml_close(top->node, top->first, top->count, r->a, r->f);
    return code == PAWL_OK ? put(r, top->node) : code;
}

static int on_document(struct reading *r, const yaml_event_t *e)
{
    const yaml_version_directive_t *version = e->data.document_start.version_directive;
    if (++r->documents > 1) return refuse(r, e->start_mark, "keep one", "a second document in one file");
    if (version && (version->major != 1 || version->minor != 2))
        return refuse(r, e->start_mark, "leave the directive out",
                      "this is read as YAML 1.2, and says that it is another version");
    return PAWL_OK;
}

static int take(struct reading *r, const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT: return on_document(r, e);
    case YAML_ALIAS_EVENT: return on_alias(r, e);
    case YAML_SCALAR_EVENT: return on_scalar(r, e);
    case YAML_SEQUENCE_START_EVENT: return on_open(r, e, PAWL_YAML_LIST);
    case YAML_MAPPING_START_EVENT: return on_open(r, e, PAWL_YAML_MAP);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: return on_close(r);
    default: return PAWL_OK;
    }
}

static struct pawl_str line_at(struct pawl_str text, uint32_t line)
{
    struct pawl_str left = text;
    for (;; line--) {
        const char *end = left.n > 0 ? memchr(left.p, '\n', left.n) : NULL;
        const uint32_t n = end ? (uint32_t)(end - left.p) : left.n;
        if (line <= 1) return (struct pawl_str){left.p, n};
        if (!end) return (struct pawl_str){NULL, 0};
        left = (struct pawl_str){end + 1, left.n - n - 1};
    }
}

static bool indented_by_tab(struct pawl_str line)
{
    for (uint32_t i = 0; i < line.n; i++) {
        if (line.p[i] == '\t') return true;
        if (line.p[i] != ' ') return false;
    }
    return false;
}

static uint32_t line_of(struct pawl_str text, size_t offset)
{
    uint32_t line = 1;
    for (size_t i = 0; i < offset && i < text.n; i++) line += text.p[i] == '\n';
    return line;
}

static int syntax(struct reading *r, const yaml_parser_t *p)
{
    const char *problem = p->problem ? p->problem : "not YAML";
    if (p->error == YAML_MEMORY_ERROR) return PAWL_ENOMEM;
    if (p->error == YAML_READER_ERROR) { /* about bytes, with a place counted in bytes */
        pawl_fault(r->f, line_of(r->text, p->problem_offset), 1,
                   "write the file in UTF-8, control characters as escapes", "not YAML: %s", problem);
        return PAWL_ECONFIG;
    }
    const uint32_t line = (uint32_t)p->problem_mark.line + 1;
    const char *next = indented_by_tab(line_at(r->text, line))
                           ? "indent with blanks: YAML has no tabs there"
                           : "put quotes around texts that hold : { } [ ] , # or begin with & * ! @ % `";
    if (p->context && p->context_mark.line != p->problem_mark.line)
        pawl_fault(r->f, line, (uint32_t)p->problem_mark.column + 1, next, "not YAML: %s (%s begun on line %u)",
                   problem, p->context, (uint32_t)p->context_mark.line + 1);
    else pawl_fault(r->f, line, (uint32_t)p->problem_mark.column + 1, next, "not YAML: %s", problem);
    return PAWL_ECONFIG;
}

static int parse(struct reading *r)
{
    yaml_parser_t parser;
    int code = PAWL_OK;
    bool more = true;
    if (!yaml_parser_initialize(&parser)) return PAWL_ENOMEM;
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)r->text.p, r->text.n);
    while (code == PAWL_OK && more) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            code = syntax(r, &parser);
            break;
        }
        more = event.type != YAML_STREAM_END_EVENT;
        code = take(r, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return code;
}

/* NEL, LS and PS: a line end to libyaml, none to YAML 1.2, to editors, and to whoever counts lines. */
static bool has_old_breaks(struct pawl_str s, uint32_t *line)
{
    *line = 1;
    for (uint32_t i = 0; i < s.n; i++) {
        const unsigned char c = (unsigned char)s.p[i], next = i + 1 < s.n ? (unsigned char)s.p[i + 1] : 0;
        if (c == '\n') ++*line;
        if (c == 0xc2 && next == 0x85) return true;
        if (c == 0xe2 && next == 0x80 && i + 2 < s.n && ((unsigned char)s.p[i + 2] & 0xfe) == 0xa8) return true;
    }
    return false;
}

static int read_yaml(struct pawl_str text, struct pawl_arena *a, struct pawl_faults *f, const struct pawl_yaml **out)
{
    struct reading *r = pawl_arena_zeroed(a, sizeof *r);
    uint32_t line;
    if (!r) return PAWL_ENOMEM;
    *r = (struct reading){.a = a, .f = f, .text = text};
    if (has_old_breaks(text, &line)) {
        pawl_fault(f, line, 1, "write \\N, \\L or \\P in double quotes, or a plain line end",
                   "U+0085, U+2028 or U+2029, a line end to some readers and none to others");
        return PAWL_ECONFIG;
    }
    const int code = parse(r);
    if (code != PAWL_OK) return code;
    if (!r->root) return pawl_fault(f, 1, 1, "begin with version: 1", "nothing in the file"), PAWL_ECONFIG;
    *out = r->root;
    return PAWL_OK;
}

int pawl_yaml_read(struct pawl_str text, struct pawl_arena *a, struct pawl_faults *f, const struct pawl_yaml **out)
{
    yyjson_val *root = NULL;
    uint32_t at = 0;
    *out = NULL;
    while (at < text.n && strchr(" \t\r\n", text.p[at]) && text.p[at]) at++;
    if (at < text.n && text.p[at] == '{') {
        const int code = pawl_json_read(text, a, &root, NULL);
        if (code == PAWL_OK) return pawl_yaml_from_json(text, root, a, f, out);
        if (code == PAWL_ENOMEM) return code;
    }
    return read_yaml(text, a, f, out);
}
