/* src/model/answer.h - one answer of a model, put together from a whole message or from a stream's pieces. In the room.
 *
 * Both have the same shape (role, content, refusal, tool_calls), so a whole message is one piece. */
#pragma once
#include "contract/json.h"

enum { PAWL_ANSWER_CALLS = 128 }; /* more in one answer is no answer */

struct pawl_answer_call {
    struct pawl_answer_call *next; /* by index, those of one index in the order in which they came */
    int64_t index;
    struct pawl_str id, name;
    struct pawl_buf arguments;
};
struct pawl_answer { /* zeroed but for `a` it is empty and ready */
    struct pawl_arena *a;
    struct pawl_buf content, refusal;
    bool has_content, has_refusal, has_usage;
    bool seen;                             /* a choice has come */
    bool too_many;                         /* calls */
    struct pawl_answer_call *calls, *last; /* last: the one that a piece without an index belongs to */
    uint32_t calls_count;
    struct pawl_str finish; /* the provider's word; n 0: none came */
    int64_t input, cached, output;
};

/* A delta or, `whole`, a message, in which each of tool_calls is a call of its own. All but an object is ignored. */
void pawl_answer_piece(struct pawl_answer *ans, yyjson_val *message, bool whole);
void pawl_answer_usage(struct pawl_answer *ans, yyjson_val *usage); /* anything but a usage object is ignored */
/* The neutral form of model.h. Calls without an id, or with an id that an earlier one has, get "call_1", "call_2", … by
 * their place, so that reading the same bytes again gives the same ids. A NULL `what`: all is well; else why not. */
struct pawl_str pawl_answer_json(struct pawl_answer *ans, const char **what);
