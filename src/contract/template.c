/* src/contract/template.c - see template.h. A text is cut into pieces, each literal or one reference; what a reference
 * brings in may come from a model, so it gets nowhere but where the contract put it:
 *   in a URL it is percent-encoded, and a path part that it makes empty, "." or ".." is refused, because a server or
 *   client would take the path for another one (RFC 3986 section 5.2.4, 6.2.2.3; "%2e" counts as a dot, as WHATWG has it);
 *   in a header it holds no control character, and takes no part in a "${", which the driver would fill in. */
#include "contract/template.h"
#include "contract/config_env.h"
#include <assert.h>
#include <string.h>

enum piece_kind { PIECE_END, PIECE_LITERAL, PIECE_REFERENCE, PIECE_BAD };
struct piece {
    enum piece_kind kind;
    struct pawl_str text; /* a literal's bytes; a reference without its braces */
    const char *fault;
};

static bool part_char(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c >= 0x80;
}

/* Takes the first part off a path a.b.c; {NULL,0}: there is none, or what stands there is no part. */
static struct pawl_str take_part(struct pawl_str *path)
{
    uint32_t n = 0;
    while (n < path->n && part_char((unsigned char)path->p[n])) n++;
    const struct pawl_str part = {n > 0 ? path->p : NULL, n};
    if (n < path->n && (path->p[n] != '.' || n + 1 == path->n)) return (struct pawl_str){NULL, 0};
    *path = n < path->n ? (struct pawl_str){path->p + n + 1, path->n - n - 1} : (struct pawl_str){NULL, 0};
    return part;
}

/* NULL: a reference to something that a call has. */
static const char *path_fault(struct pawl_str path)
{
    static const char *const members[] = {"id", "key", "agent"};
    struct pawl_str left = path;
    const struct pawl_str root = take_part(&left);
    bool whole = left.n == 0;
    if (!root.p) return "is no reference: those are like args.order_id or run.id";
    if (!pawl_str_is(root, "args") && !pawl_str_is(root, "run")) return "is no reference: it begins with args or run";
    const bool run = pawl_str_is(root, "run");
    const struct pawl_str second = whole ? (struct pawl_str){NULL, 0} : take_part(&left);
    if (!whole && !second.p) return "is no reference: a part of it has other characters than letters, digits, _ and -";
    whole = left.n == 0;
    for (size_t i = 0; run && i < sizeof members / sizeof *members; i++)
        if (pawl_str_is(second, members[i])) return whole ? NULL : "is no reference: that is a text, without parts";
    if (run && !pawl_str_is(second, "input")) return "is no reference: a run has id, key, agent and input";
    while (left.n > 0)
        if (!take_part(&left).p)
            return "is no reference: a part of it has other characters than letters, digits, _ and -";
    return NULL;
}

static struct piece bad(struct pawl_str text, const char *fault)
{
    return (struct piece){PIECE_BAD, text, fault};
}

/* A piece that begins with {: a brace, or a reference. */
static struct piece at_brace(struct pawl_str text, uint32_t *at)
{
    const uint32_t from = *at;
    if (from + 1 < text.n && text.p[from + 1] == '{') {
        *at += 2;
        return (struct piece){PIECE_LITERAL, {text.p + from, 1}, NULL};
    }
    const char *end = memchr(text.p + from, '}', text.n - from);
    *at = end ? (uint32_t)(end + 1 - text.p) : text.n;
    const struct pawl_str whole = {text.p + from, *at - from};
    if (!end) return bad(whole, "is not closed by a }");
    const struct pawl_str path = {whole.p + 1, whole.n - 2};
    const char *fault = path_fault(path);
    return fault ? bad(whole, fault) : (struct piece){PIECE_REFERENCE, path, NULL};
}

static struct piece next_piece(struct pawl_str text, uint32_t *at)
{
    struct pawl_env_ref env;
    uint32_t from = *at;
    if (from >= text.n) return (struct piece){.kind = PIECE_END};
    if (text.p[from] == '{') return at_brace(text, at);
    if (text.n - from >= 6 && memcmp(text.p + from, "${env:", 6) == 0) {
        pawl_env_next(text, at, &env);
        assert(env.whole.p == text.p + from);
        return env.fault ? bad(env.whole, env.fault) : (struct piece){PIECE_LITERAL, env.whole, NULL};
    }
    while (++from < text.n && text.p[from] != '{' && text.p[from] != '$') {
    }
    const struct piece literal = {PIECE_LITERAL, {text.p + *at, from - *at}, NULL};
    *at = from;
    return literal;
}

static int bad_piece(const struct piece *piece, struct pawl_error *err)
{
    const int shown = piece->text.n > 80 ? 80 : (int)piece->text.n;
    return pawl_fail(err, PAWL_EINVAL, "", "a reference looks like {args.order_id} or {run.id}, a brace itself is {{",
                     "'%.*s' %s", shown, piece->text.p, piece->fault);
}

int pawl_template_check(struct pawl_str text, struct pawl_error *err)
{
    uint32_t at = 0;
    struct piece piece;
    while ((piece = next_piece(text, &at)).kind != PIECE_END)
        if (piece.kind == PIECE_BAD) return bad_piece(&piece, err);
    return PAWL_OK;
}

bool pawl_template_next(struct pawl_str text, uint32_t *at, struct pawl_str *path)
{
    struct piece piece;
    while ((piece = next_piece(text, at)).kind != PIECE_END) {
        *path = piece.text;
        if (piece.kind == PIECE_REFERENCE) return true;
    }
    return false;
}

bool pawl_template_has(struct pawl_str text)
{
    struct pawl_str path;
    uint32_t at = 0;
    return pawl_template_next(text, &at, &path);
}

/* A part of a path that is a decimal number without leading zeros, for an array. */
static bool part_index(struct pawl_str part, size_t *index)
{
    *index = 0;
    if (part.n == 0 || part.n > 9 || (part.n > 1 && part.p[0] == '0')) return false;
    for (uint32_t i = 0; i < part.n; i++) {
        if (part.p[i] < '0' || part.p[i] > '9') return false;
        *index = *index * 10 + (size_t)(part.p[i] - '0');
    }
    return true;
}

static yyjson_val *look_up(yyjson_val *document, struct pawl_str path)
{
    yyjson_val *v = document;
    size_t index;
    while (v && path.n > 0) {
        const struct pawl_str part = take_part(&path);
        if (yyjson_is_arr(v) && part_index(part, &index)) v = yyjson_arr_get(v, index);
        else v = yyjson_is_obj(v) ? yyjson_obj_getn(v, part.p, part.n) : NULL;
    }
    return v;
}

/* One rendering under way. */
struct rendering {
    enum pawl_template_for how;
    struct pawl_buf *out;
    size_t from;                /* where this text began in `out` */
    size_t part_from;           /* URL: where the path part under way began */
    bool part_given;            /* it has something of a reference in it */
    bool past_path, given_last; /* behind ? or #; the last byte came from a reference */
};

static bool is_dots(const char *p, size_t n) /* "", ".", "..", a dot perhaps written %2e */
{
    size_t dots = 0;
    for (size_t i = 0; i < n; dots++) {
        if (p[i] == '.') i++;
        else if (n - i >= 3 && p[i] == '%' && p[i + 1] == '2' && (p[i + 2] == 'e' || p[i + 2] == 'E')) i += 3;
        else return false;
    }
    return dots <= 2;
}

static const char *end_part(struct rendering *r)
{
    struct pawl_buf *out = r->out;
    const bool given = r->part_given && !r->past_path && !out->failed;
    const size_t from = r->part_from;
    r->part_given = false;
    r->part_from = out->n + 1;
    if (!given || !is_dots(out->p + from, out->n - from)) return NULL;
    return out->n == from ? "is empty, and the path would name something else"
                          : "is . or .., and the path would name something else";
}

/* NULL, or what is wrong with the part of the path that ended here. */
static const char *add_literal(struct rendering *r, struct pawl_str text)
{
    for (uint32_t i = 0; i < text.n; i++) {
        const char c = text.p[i];
        const bool ends = c == '/' || c == '?' || c == '#';
        const char *fault = r->how == PAWL_TEMPLATE_URL && ends ? end_part(r) : NULL;
        if (fault) return fault;
        if (c == '?' || c == '#') r->past_path = true;
        if (r->how == PAWL_TEMPLATE_HEADER && c == '{' && r->given_last && r->out->p[r->out->n - 1] == '$')
            return "ends in $ before a brace, which could name a secret";
        pawl_buf_char(r->out, c);
        r->given_last = false;
    }
    return NULL;
}

static void add_encoded(struct pawl_buf *out, struct pawl_str text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (uint32_t i = 0; i < text.n; i++) {
        const unsigned char c = (unsigned char)text.p[i];
        if (c < 0x80 && (part_char(c) || c == '.' || c == '~')) {
            pawl_buf_char(out, (char)c);
        } else {
            const char code[3] = {'%', digits[c >> 4], digits[c & 15]};
            pawl_buf_add(out, code, 3);
        }
    }
}

static const char *header_fault(const struct rendering *r, struct pawl_str text)
{
    const struct pawl_buf *out = r->out;
    char last = 0;
    if (!out->failed && out->n > r->from) last = out->p[out->n - 1];
    for (uint32_t i = 0; i < text.n; i++) {
        const unsigned char c = (unsigned char)text.p[i];
        if (c < 0x20 || c == 0x7f) return "has a control character, which a header cannot hold";
        if (c == '{' && last == '$') return "holds ${, which could name a secret";
        last = (char)c;
    }
    return NULL;
}

/* A value's text: a string as it is, anything else as JSON in *scratch. */
static struct pawl_str text_of(yyjson_val *v, struct pawl_buf *scratch)
{
    if (yyjson_is_str(v)) return pawl_json_value_str(v);
    pawl_json_write(v, scratch);
    return pawl_buf_done(scratch);
}

/* NULL, or what is wrong with the value. */
static const char *add_value(struct rendering *r, yyjson_val *v)
{
    struct pawl_buf scratch = {.from = r->out->from, .arena = r->out->arena, .max_bytes = r->out->max_bytes};
    const struct pawl_str text = text_of(v, &scratch);
    const char *fault = r->how == PAWL_TEMPLATE_HEADER && !r->out->failed ? header_fault(r, text) : NULL;
    if (scratch.failed) r->out->failed = true;
    if (!fault && r->how == PAWL_TEMPLATE_URL) add_encoded(r->out, text);
    else if (!fault) pawl_buf_str(r->out, text);
    if (text.n > 0 && !r->out->failed) r->given_last = true;
    r->part_given = true;
    pawl_buf_fini(&scratch);
    return fault;
}

static int unusable(struct pawl_str path, const char *fault, struct pawl_error *err)
{
    const int shown = path.n > 80 ? 80 : (int)path.n;
    return pawl_fail(err, PAWL_EINVAL, "", "give another value", "{%.*s} %s", shown, path.p, fault);
}

int pawl_template_text(struct pawl_str text, yyjson_val *document, enum pawl_template_for how, struct pawl_buf *out,
                       struct pawl_error *err)
{
    struct rendering r = {.how = how, .out = out, .from = out->n, .part_from = out->n};
    struct pawl_str latest = {NULL, 0}; /* the reference that a fault is told of */
    const char *fault = NULL;
    struct piece piece;
    uint32_t at = 0;
    while (!fault && (piece = next_piece(text, &at)).kind != PIECE_END) {
        if (piece.kind == PIECE_BAD) return bad_piece(&piece, err);
        if (piece.kind == PIECE_LITERAL) {
            fault = add_literal(&r, piece.text);
            continue;
        }
        yyjson_val *v = look_up(document, piece.text);
        latest = piece.text;
        if (!v || yyjson_is_null(v)) fault = v ? "is null" : "is missing";
        else fault = add_value(&r, v);
    }
    if (!fault && how == PAWL_TEMPLATE_URL) fault = end_part(&r);
    if (fault) return unusable(latest, fault, err);
    return out->failed ? pawl_fail(err, PAWL_ENOMEM, "", "", "no memory for a text of a tool") : PAWL_OK;
}

/* {"$arg": POINTER}: the pointer; p NULL: another value. */
static struct pawl_str arg_pointer(yyjson_val *v)
{
    return yyjson_obj_size(v) == 1 ? pawl_json_str(v, "$arg") : (struct pawl_str){NULL, 0};
}

static int write_value(struct pawl_json_writer *w, yyjson_val *v, yyjson_val *document, struct pawl_error *err);

static int write_members(struct pawl_json_writer *w, yyjson_val *v, yyjson_val *document, struct pawl_error *err)
{
    yyjson_val *key, *member;
    size_t i, max;
    int code = PAWL_OK;
    pawl_jw_open(w, '{');
    yyjson_obj_foreach(v, i, max, key, member)
    {
        pawl_jw_key_str(w, pawl_json_value_str(key));
        if ((code = write_value(w, member, document, err)) != PAWL_OK) return code;
    }
    pawl_jw_close(w, '}');
    return PAWL_OK;
}

/* As deep as pawl_json_read lets a document be. */
static int write_value(struct pawl_json_writer *w, yyjson_val *v, yyjson_val *document, struct pawl_error *err)
{
    const struct pawl_str pointer = arg_pointer(v);
    yyjson_val *item;
    size_t i, max;
    int code = PAWL_OK;
    if (pointer.p) {
        yyjson_val *there = pawl_json_at(document, pointer);
        if (!there)
            return pawl_fail(err, PAWL_EINVAL, "", "give a value for it", "{$arg: %.*s} is missing", (int)pointer.n,
                             pointer.p);
        pawl_jw_value(w, there);
        return PAWL_OK;
    }
    if (yyjson_obj_get(v, "$arg"))
        return pawl_fail(err, PAWL_EINVAL, "", "write {$arg: POINTER} and nothing beside it",
                         "$arg has no pointer, or a neighbour");
    if (yyjson_is_obj(v)) return write_members(w, v, document, err);
    if (!yyjson_is_arr(v)) return pawl_jw_value(w, v), PAWL_OK;
    pawl_jw_open(w, '[');
    yyjson_arr_foreach(v, i, max, item) if ((code = write_value(w, item, document, err)) != PAWL_OK) return code;
    pawl_jw_close(w, ']');
    return PAWL_OK;
}

int pawl_template_json(struct pawl_str json, yyjson_val *document, struct pawl_arena *a, struct pawl_buf *out,
                       struct pawl_error *err)
{
    struct pawl_json_writer w = {.out = out};
    yyjson_val *root = NULL;
    int code = pawl_json_read(json, a, &root, err);
    if (code == PAWL_OK) code = write_value(&w, root, document, err);
    if (code == PAWL_OK && out->failed) code = pawl_fail(err, PAWL_ENOMEM, "", "", "no memory for a body of a tool");
    return code;
}
