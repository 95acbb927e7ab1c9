/* tests/workloads/faults.h - what may go wrong around a replayed run, and where it does: drawn from the seed, the recording
 * and the place in it alone, so that the same seed is the same bad day, whatever the timing and however often pawl dies. */
#pragma once
#include "recording.h"

enum wl_fault {
    WL_FINE,
    WL_MODEL_429, /* the model's provider; Retry-After */
    WL_MODEL_500,
    WL_MODEL_HANG,
    WL_MODEL_TRUNCATED, /* fewer bytes than its Content-Length says */
    WL_MODEL_CUT,       /* a stream that ends well, in the middle of the answer */
    WL_MODEL_DROP,
    WL_SAYS_MALFORMED, /* the model: the arguments of its next call are cut */
    WL_SAYS_UNKNOWN_TOOL,
    WL_SAYS_REPEAT, /* its last change once more */
    WL_SAYS_REWORD, /* the same, in other words */
    WL_TOOL_429,    /* a tool; before: nothing was done, after: it was */
    WL_TOOL_401,    /* only after another fault: a later "no", which tells nothing of the attempt before */
    WL_TOOL_500_BEFORE,
    WL_TOOL_500_AFTER,
    WL_TOOL_HANG_BEFORE,
    WL_TOOL_HANG_AFTER,
    WL_TOOL_DROP_BEFORE,
    WL_TOOL_DROP_AFTER,
    WL_TOOL_SLOW, /* done and answered, late but in time */
    WL_TOOL_LATE, /* done when pawl has given up waiting */
    WL_TOOL_GARBAGE,
    WL_TOOL_HTML,         /* 200, application/json, and a page of a proxy */
    WL_TOOL_HTML_IN_JSON, /* the same, as a JSON text: done */
    WL_TOOL_OUT_OF_CONTRACT,
    WL_TOOL_202_BEFORE, /* accepted, and that was the last word; never done */
    WL_TOOL_202_AFTER,  /* ... done */
    WL_KILLS,           /* SIGKILL of pawl */
    WL_FAULTS
};
struct wl_faults {
    bool on[WL_FAULTS];
    uint64_t seed;
};
extern const char *const wl_fault_names[WL_FAULTS];

/* A list of names and groups (all, model, says, forgetful, tools, kills). false: *unknown is the word that is none. */
bool wl_faults_read(struct wl_faults *f, const char *list, const char **unknown);
/* Before the recorded answer `turn`, the model says something else: the nth (from 0) of these; WL_FINE: none is left. *of is
 * the call that is repeated. */
enum wl_fault wl_faults_says(const struct wl_faults *f, const struct wl_recording *r, uint32_t turn, uint32_t nth,
                             uint32_t *of);
/* The nth (from 0) attempt at one thing: `place` tells things of a recording apart. At most two of it go wrong. */
enum wl_fault wl_faults_model(const struct wl_faults *f, const struct wl_recording *r, uint32_t place, uint32_t nth);
enum wl_fault wl_faults_tool(const struct wl_faults *f, const struct wl_recording *r, uint32_t place, uint32_t nth);
