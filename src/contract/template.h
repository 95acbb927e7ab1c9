/* src/contract/template.h - the two ways in which a contract refers to a call's values.
 *
 * Text: {args.x} {args.x.y} {run.id} {run.key} {run.input.x}; `{{` is a brace. JSON: {"$arg": POINTER}.
 * Both read one document: {"args":…, "run":{"id","key","agent","input"}, "result":…, "key":…}. */
#pragma once
#include "contract/json.h"

enum pawl_template_for {
    PAWL_TEMPLATE_TEXT,  /* as it is (command words) */
    PAWL_TEMPLATE_URL,   /* percent-encoded: all but RFC 3986 unreserved; "." and ".." alone as a path part refused */
    PAWL_TEMPLATE_HEADER /* PAWL_EINVAL for control characters */
};
/* Is it well formed, and what does it refer to? For configuration checks. err->what names the fault. */
int pawl_template_check(struct pawl_str text, struct pawl_error *err);
bool pawl_template_has(struct pawl_str text); /* any reference at all? */
/* The next reference of a text, "args.x"; false: no more. *at is 0 at first and moves past it. */
bool pawl_template_next(struct pawl_str text, uint32_t *at, struct pawl_str *path);
/* Render. Strings go in as they are, numbers and booleans as JSON, objects and arrays as compact JSON; null or
 * missing is PAWL_EINVAL naming it. ${env:…} is left as it stands. */
int pawl_template_text(struct pawl_str text, yyjson_val *document, enum pawl_template_for how, struct pawl_buf *out,
                       struct pawl_error *err);
/* Render JSON text with {"$arg": POINTER} objects replaced by the value there; missing is PAWL_EINVAL. */
int pawl_template_json(struct pawl_str json, yyjson_val *document, struct pawl_arena *a, struct pawl_buf *out,
                       struct pawl_error *err);
