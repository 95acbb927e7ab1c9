/* tests/workloads/world.h - the world around faulty runs: the models and the tools, served over HTTP on loopback by a thread
 * of the process that is never killed, with a ledger of what really happened.
 *
 *   POST /v1/chat/completions   a model: `model` names the recording
 *   POST /tools/RECORDING/TOOL  a tool: does what was recorded, once a call, or says no as it was recorded
 *   GET  /look/RECORDING        what was done for a recording, each with the key that came with it
 *   POST /books/RECORDING       how often a call stands in the service's books, and whether as it was asked for
 *   POST /back/RECORDING        what was done with a key is taken back
 *   GET  /deed/RECORDING/N/KIND what a person sees who looks for one call in the service's own books */
#pragma once
#include <pthread.h>
#include "faults.h"
#include "part.h"
#include "say.h"

enum wl_service { WL_TAKES_KEYS, WL_CAN_BE_ASKED, WL_NEITHER };
enum { WL_RECORDED, WL_AGAIN, WL_OTHER, WL_KINDS }; /* a call as it was recorded, repeated, reworded */
enum { WL_TOOL_TIMEOUT_MS = 400, WL_SETTLES_MS = 400, WL_MODEL_TIMEOUT_MS = 600 };

struct wl_deed { /* one call, as the service sees it */
    uint32_t attempts, effects;
    uint32_t landing; /* what of it is still to happen */
    char key[40];     /* that came with it first */
    /* where a part is switched on (part.h): */
    uint32_t asked, unasked; /* second opinions on it; calls of which nobody had been asked exactly that */
    bool agreed;
    uint64_t shown;             /* what the opinion was asked about: a hash of key and body */
    uint32_t undone, undone_at; /* how often, and when, by the ledger's clock */
    char undo_key[40];
    bool told;         /* the model was told that it is not as it should be */
    uint64_t ready_ns; /* an accepted call: when it is done; 0: not accepted yet */
};
enum { WL_TICKS_MAX = 256 };
struct wl_tick { /* a time of the schedule wl_ticks, by the URL that names it, and the key with which it came */
    char slot[64], key[40];
};
struct wl_world;
int wl_world_open(struct wl_data *data, const struct wl_faults *faults, enum wl_service service, enum wl_part part,
                  struct wl_world **out, int *port, struct pawl_error *err);
/* Waits until all that was to happen has happened, and stops. The ledger stays. */
void wl_world_stop(struct wl_world *w);
void wl_world_free(struct wl_world *w);
/* Of a stopped world. */
const struct wl_ledger *wl_world_ledger(const struct wl_world *w, const struct wl_recording *r);
const struct wl_deed *wl_world_deed(const struct wl_world *w, const struct wl_recording *r, uint32_t call, int kind);
uint32_t wl_world_met(const struct wl_world *w, enum wl_fault fault); /* how often this went wrong */
uint32_t wl_world_ticks(const struct wl_world *w, const struct wl_tick **ticks);
uint32_t wl_world_strays(const struct wl_world *w); /* calls that nobody had asked for */
uint32_t wl_world_calls(const struct wl_world *w);  /* of tools */
