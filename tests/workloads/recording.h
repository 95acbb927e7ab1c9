/* tests/workloads/recording.h - the recorded runs of real models and the contracts of their tools, as ../shared/workloads
 * has them (its README.md is the format), and beside each recorded call what became of it when pawl played it. */
#pragma once
#include "contract/json.h"
#include "seen.h"

enum wl_effect { WL_READ, WL_IDEMPOTENT, WL_MUTATE, WL_IRREVERSIBLE };
enum wl_ended { WL_FINAL, WL_USER_STOP, WL_CUT_OFF, WL_PROVIDER_QUOTA };
enum { WL_ENVS_MAX = 16 };

struct wl_tool {
    const char *name;
    enum wl_effect effect;
    bool json;     /* its successes are JSON values, else text */
    yyjson_val *v; /* its entry in the contracts file */
};
struct wl_env { /* one file of contracts */
    struct pawl_str name;
    struct wl_tool *tools;
    uint32_t tools_count;
};

enum wl_end { WL_OPEN, WL_DONE, WL_ANSWERED, WL_NOT_DONE };
enum {
    WL_ASKED_GATE = 1,
    WL_ASKED_REPEAT = 2,
    WL_ASKED_CONFLICT = 4,
    WL_ASKED_DOUBT = 8,
    WL_ASKED_GUARD = 16,
    WL_ASKED_OPINION = 32
};

struct wl_call { /* a tool call that was recorded, or one that a fault has put in */
    struct pawl_str id, name, args;
    const struct wl_tool *tool;
    struct pawl_str content;  /* what came of it */
    bool has_result, refused; /* refused: the environment's own word */
    uint32_t step;            /* its number in pawl: a model's answer is a step, and each of its calls */
    int kind;                 /* 0: recorded; else the fault that put it in (faults.h) */
    uint32_t of;              /* the recorded call that it repeats */
    /* and in the replay: */
    enum wl_end end;
    uint32_t asked; /* why somebody was asked */
    bool yes, asked_now, in_doubt, applied;
    uint32_t sent, first_step; /* how often the tool was called; the step that it was answered from */
    uint64_t intended_seq;
    enum { WL_UNJUDGED, WL_HOLDS, WL_HOLDS_NOT, WL_NOT_KNOWN } found[2]; /* the checks: as_asked, once */
    uint32_t serial;                                                     /* of the signal that it took */
    char error_class[32];
    char *message, *told; /* of its failure; what the model was told where that is not what was recorded; malloc */
};

struct wl_turn { /* an answer of the model */
    yyjson_val *message;
    struct pawl_str user;    /* what was said to it before; {NULL,0}: nothing new */
    bool user_while_working; /* that came while its calls were under way */
    uint32_t first_call, calls_count, step;
};

struct wl_recording {
    uint32_t index;
    char name[16]; /* of its agent and its model: r0000 */
    struct pawl_str id, system, input;
    const struct wl_env *env;
    enum wl_ended ended;
    bool chat;
    struct wl_turn *turns;
    struct wl_call *calls;
    uint32_t turns_count, calls_count, steps;
    /* and in the replay: */
    char run[40];
    uint64_t seq; /* the last record that was heard of */
    uint32_t answers;
    bool over;
    char status[16], waiting[16], end_class[32], end_message[128], trouble[256];
    struct wl_call *extras; /* calls that faults have put in; malloc */
    uint32_t extras_count;
    uint32_t cut_short;           /* attempts that were under way when pawl was killed */
    uint32_t conversations_wrong; /* requests to the model that are not the conversation so far */
    uint32_t requests;
    struct wl_seen seen;
};

struct wl_data {
    struct pawl_arena arena;
    struct wl_env envs[WL_ENVS_MAX];
    struct wl_recording *recordings;
    uint32_t envs_count, recordings_count, calls_count;
};

/* Everything under `folder`; of every `stride`-th run only. PAWL_ENOTFOUND: there is no such folder. */
int wl_load(struct wl_data *d, const char *folder, uint32_t stride, struct pawl_error *err);
void wl_free(struct wl_data *d);
/* Forgets what became of them; steps have no numbers then, until the journal tells them. */
void wl_forget(struct wl_data *d);
const struct wl_tool *wl_tool_of(const struct wl_env *env, struct pawl_str name); /* NULL: none */
struct wl_recording *wl_recording_named(struct wl_data *d, struct pawl_str name); /* r0000; NULL: none */
struct wl_call *wl_call_at(struct wl_recording *r, uint32_t step);                /* NULL: not a call's step */
