/* src/contract/shown.h - foreign text made fit to show: to a person at a terminal, in a log line, to a model. */
#pragma once
#include "base/bytes.h"

/* The code point at *at, which moves past it; -1 for bytes that are not UTF-8, moving past the part that a decoder
 * replaces by one U+FFFD (WHATWG Encoding: maximal subpart). *at < s.n. */
int32_t pawl_utf8_next(struct pawl_str s, uint32_t *at);

/* Append foreign text so that it stays one line and cannot write to a terminal or turn the reading direction: white
 * space becomes single blanks, control and formatting characters \xNN or \uNNNN, what is not UTF-8 U+FFFD. Cut
 * behind max_bytes of output, at a character, with an ellipsis. */
void pawl_shown(struct pawl_str text, size_t max_bytes, struct pawl_buf *out);
