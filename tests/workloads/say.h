/* tests/workloads/say.h - what the model says: a recorded answer, or one of those that are put before it, as a stream of the
 * OpenAI protocol. */
#pragma once
#include "faults.h"

struct wl_said_call {
    struct pawl_str id, name, args; /* args: text, which need not be JSON */
};
struct wl_saying {
    struct pawl_str content; /* {NULL,0}: none */
    struct wl_said_call *calls;
    uint32_t calls_count;
    uint32_t told_tokens, said_tokens; /* as the provider counts; 0: 9 and 3 */
};
void wl_say_recorded(const struct wl_recording *r, uint32_t turn, struct pawl_arena *a, struct wl_saying *out);
/* What is put before the recorded answer `turn`; `of`: the call that is repeated. */
void wl_say_otherwise(const struct wl_recording *r, uint32_t turn, enum wl_fault says, uint32_t of,
                      struct pawl_arena *a, struct wl_saying *out);
void wl_saying_stream(const struct wl_saying *s, struct pawl_arena *a, struct pawl_buf *out);

/* Which kind of call bears this id: WL_FINE: a recorded one. *of: the index of the call that it repeats. */
enum wl_fault wl_call_kind(struct pawl_str id, uint32_t *of);
