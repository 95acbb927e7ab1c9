/* src/contract/json.h - reading JSON strictly, and writing it. The tree is yyjson's (static, hidden symbols): pure
 * rooms use yyjson_val and its getters directly; what yyjson does not check is checked here, once, for all of pawl.
 *
 * Accepted: RFC 8259 JSON in UTF-8 that is also I-JSON (RFC 7493) where it matters: member names unique in their
 * object, no lone surrogates, at most PAWL_JSON_DEPTH levels. Sizes are the caller's to bound before. */
#pragma once
#include <string.h>
#include <yyjson.h>
#include "base/bytes.h"
#include "base/error.h"

enum { PAWL_JSON_DEPTH = 128 };

/* Parse text into *out, whose memory is the arena's (nothing to free; the text may go afterwards). PAWL_EINVAL: *err
 * says line:column and what was expected; a duplicate name says its JSON pointer. PAWL_ENOMEM. Any bytes are safe. */
int pawl_json_read(struct pawl_str text, struct pawl_arena *a, yyjson_val **out, struct pawl_error *err);

/* RFC 6901. NULL: nothing there. `pointer` "" is the root. */
yyjson_val *pawl_json_at(yyjson_val *root, struct pawl_str pointer);

/* Typed members of an object; the second form with a fallback. A missing or differently typed member is absent. */
struct pawl_str pawl_json_strn(yyjson_val *object, const char *name, size_t n); /* {NULL,0}: absent */
static inline struct pawl_str pawl_json_str(yyjson_val *object, const char *name)
{
    return pawl_json_strn(object, name, strlen(name)); /* the compiler knows the length of what is mostly a literal */
}
int64_t pawl_json_i64n(yyjson_val *object, const char *name, size_t n, int64_t otherwise);
static inline int64_t pawl_json_i64(yyjson_val *object, const char *name, int64_t otherwise)
{
    return pawl_json_i64n(object, name, strlen(name), otherwise);
}
bool pawl_json_booln(yyjson_val *object, const char *name, size_t n, bool otherwise);
static inline bool pawl_json_bool(yyjson_val *object, const char *name, bool otherwise)
{
    return pawl_json_booln(object, name, strlen(name), otherwise);
}
struct pawl_str pawl_json_value_str(yyjson_val *v); /* of a string value */
/* Of an integer beyond 64 bits only a double is kept, and it is not the integer that was written. */
bool pawl_json_is_rounded(yyjson_val *v);

bool pawl_json_equal(yyjson_val *a, yyjson_val *b); /* JSON Schema equality: 1 = 1.0, member order no matter */
/* The same; what it costs is taken from *steps. Nothing left there: false, and it is not known. */
bool pawl_json_equal_within(yyjson_val *a, yyjson_val *b, uint64_t *steps);

/* Canonical JSON, RFC 8785, appended to `out`. PAWL_EINVAL: a number that is not a finite double or an integer
 * beyond 2^53 that a double cannot hold. Sorting is by UTF-16 code units. */
int pawl_json_canonical(yyjson_val *v, struct pawl_buf *out, struct pawl_error *err);
void pawl_json_double(double d, struct pawl_buf *out); /* a finite one, as ECMAScript writes it */
/* The same value in compact form, members in their order, numbers as yyjson writes them. */
void pawl_json_write(yyjson_val *v, struct pawl_buf *out);
/* "text" with quotes and escapes, control characters as \u00xx; bytes that are not UTF-8 become U+FFFD. */
void pawl_json_quote(struct pawl_str text, struct pawl_buf *out);

/* A writer for building JSON text by hand: puts commas itself. Failure is sticky in the buffer.
 *   struct pawl_json_writer w = {.out = &buf};
 *   pawl_jw_open(&w, '{'); pawl_jw_key(&w, "n"); pawl_jw_i64(&w, 1); pawl_jw_close(&w, '}');  */
struct pawl_json_writer {
    struct pawl_buf *out;
    bool more; /* a comma is due before the next value or key */
};
void pawl_jw_open(struct pawl_json_writer *w, char bracket);
void pawl_jw_close(struct pawl_json_writer *w, char bracket);
/* A word of ours: nothing in it is to be escaped. */
void pawl_jw_keyn(struct pawl_json_writer *w, const char *name, size_t n);
static inline void pawl_jw_key(struct pawl_json_writer *w, const char *name)
{
    pawl_jw_keyn(w, name, strlen(name));
}
void pawl_jw_key_str(struct pawl_json_writer *w, struct pawl_str name);
void pawl_jw_str(struct pawl_json_writer *w, struct pawl_str text);
void pawl_jw_text(struct pawl_json_writer *w, const char *text);
void pawl_jw_i64(struct pawl_json_writer *w, int64_t v);
void pawl_jw_bool(struct pawl_json_writer *w, bool v);
void pawl_jw_null(struct pawl_json_writer *w);
void pawl_jw_raw(struct pawl_json_writer *w, struct pawl_str json); /* already JSON text */
void pawl_jw_value(struct pawl_json_writer *w, yyjson_val *v);
/* A member as a whole; a text that is {NULL,0} makes none. */
void pawl_jw_put_str(struct pawl_json_writer *w, const char *name, struct pawl_str text);
void pawl_jw_put_i64(struct pawl_json_writer *w, const char *name, int64_t v);
/* {code, name, where, what, next}: an error as every interface tells it (docs/protocol.md). */
void pawl_jw_put_error(struct pawl_json_writer *w, const char *name, int code, const struct pawl_error *err);
