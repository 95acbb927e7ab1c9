/* src/contract/schema_uri.h - identifiers of schemas: references against a base (RFC 3986, section 5.2). */
#pragma once
#include "base/bytes.h"

/* `text` up to its #, and what is behind; *fragment {NULL,0}: there is none. */
struct pawl_str pawl_uri_split(struct pawl_str text, struct pawl_str *fragment);
/* The reference (its fragment is left out) against the base, which may be empty or relative. {NULL,0}: no memory. */
struct pawl_str pawl_uri_resolve(struct pawl_arena *a, struct pawl_str base, struct pawl_str reference);
/* %XX decoded; %XX that is none stays. {NULL,0}: no memory. */
struct pawl_str pawl_uri_decode(struct pawl_arena *a, struct pawl_str text);
