/* src/sim/sim.h - the whole engine on virtual time under one seed: host's twin, pure, a thousand times faster than life.
 *
 * One call plays one seed from an empty store to the end of every run: first a storm, in which the seed's own mix of
 * faults is about (crashes, a paused owner, a bad disk, lost and late requests, a forgetful model, contradicting
 * people), then a calm phase in which every run must end. What must always hold (DESIGN 9, LEDGER) is checked after
 * every event. The same seed gives the same bytes, every time: result.hash tells. docs/simulator.md says more. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "base/alloc.h"

enum pawl_sim_fault {                           /* bits; each seed draws which of them it plays */
                      PAWL_SIM_CRASH = 1 << 0,  /* the process dies at any event, in the middle of what it wants done */
                      PAWL_SIM_PAUSE = 1 << 1,  /* it sleeps; another may take over, and it wakes as a former owner */
                      PAWL_SIM_DISK = 1 << 2,   /* full, or failing, for a batch */
                      PAWL_SIM_MEMORY = 1 << 3, /* an allocation fails */
                      PAWL_SIM_CLOCK = 1 << 4,  /* the wall clock steps, forth and back */
                      PAWL_SIM_ANSWER = 1 << 5, /* tools answer 429, 500, HTML, garbage, out of contract, 202 */
                      PAWL_SIM_LOSS = 1 << 6,   /* requests and answers are lost, late, refused */
                      PAWL_SIM_MODEL = 1 << 7,  /* the model fails, repeats itself, rewords, makes tools up */
                      PAWL_SIM_PEOPLE = 1 << 8, /* people say things twice, differently, about what is gone */
                      PAWL_SIM_CANCEL = 1 << 9, /* runs are cancelled */
                      PAWL_SIM_CONFIG = 1 << 10,    /* a target moved, a name is missing, a tool has nobody to run it */
                      PAWL_SIM_HAND_OVER = 1 << 11, /* the owner is asked to hand over */
                      PAWL_SIM_POISON = 1 << 12,    /* one run crashes whoever works on it */
                      PAWL_SIM_FAULTS = (1 << 13) - 1
};
const char *pawl_sim_fault_name(uint32_t one_bit);

struct pawl_sim_options {
    uint64_t seed;
    const struct pawl_alloc *from;
    void (*line)(void *ctx, const char *text); /* NULL: no trace */
    void *ctx;
    uint32_t without;  /* faults that are not to be drawn */
    uint32_t runs_max; /* 0: as the seed draws */
    uint64_t fail_at;  /* the engines' request for memory of that number is refused, from 1; 0: none is */
};

enum pawl_sim_count { /* what was played, so that a test can tell that everything is reached */
                      PAWL_SIM_N_RUNS,
                      PAWL_SIM_N_ENDED_DONE,
                      PAWL_SIM_N_ENDED_FAILED,
                      PAWL_SIM_N_ENDED_CANCELLED,
                      PAWL_SIM_N_ENDED_DEAD,
                      PAWL_SIM_N_STEPS,
                      PAWL_SIM_N_ATTEMPTS,
                      PAWL_SIM_N_RESENT,
                      PAWL_SIM_N_LOOKS,
                      PAWL_SIM_N_LOOK_HAPPENED,
                      PAWL_SIM_N_EFFECTS,
                      PAWL_SIM_N_LATE,
                      PAWL_SIM_N_FORGOTTEN_KEYS,
                      PAWL_SIM_N_ASKED,
                      PAWL_SIM_N_YES,
                      PAWL_SIM_N_NO,
                      PAWL_SIM_N_EXPIRED,
                      PAWL_SIM_N_CONDITION_FREE,
                      PAWL_SIM_N_STALE_REFUSED,
                      PAWL_SIM_N_CONTRADICTED,
                      PAWL_SIM_N_DOUBTS,
                      PAWL_SIM_N_RESOLVED,
                      PAWL_SIM_N_ANSWERED,
                      PAWL_SIM_N_REPEATS_ASKED,
                      PAWL_SIM_N_UNDONE,
                      PAWL_SIM_N_SUPERSEDED,
                      PAWL_SIM_N_CRASHES,
                      PAWL_SIM_N_CUT_STEPS,
                      PAWL_SIM_N_TAKEOVERS,
                      PAWL_SIM_N_FENCED,
                      PAWL_SIM_N_DISK_ERRORS,
                      PAWL_SIM_N_NO_MEMORY,
                      PAWL_SIM_N_CLOCK_STEPS,
                      PAWL_SIM_N_HAND_OVERS,
                      PAWL_SIM_N_MOVED,
                      PAWL_SIM_N_PARKED_CONFIG,
                      PAWL_SIM_N_PARKED_TOOL,
                      PAWL_SIM_N_TURNS,
                      PAWL_SIM_N_DUPLICATES,
                      PAWL_SIM_N_KEY_CONFLICTS,
                      PAWL_SIM_N_UNKNOWN_TOOLS,
                      PAWL_SIM_N_BAD_ARGUMENTS,
                      PAWL_SIM_N_CLAIMS,
                      PAWL_SIM_N_PROBES,
                      PAWL_SIM_N_IN_LINE,
                      PAWL_SIM_N_EVICTED,
                      PAWL_SIM_N_RETRIED,
                      PAWL_SIM_N_UNDO_ASKED,
                      PAWL_SIM_N_EDITED,
                      PAWL_SIM_N_SIGNALS,
                      PAWL_SIM_N_SIGNALS_TAKEN,
                      PAWL_SIM_N_ESTIMATED,
                      PAWL_SIM_N_SHORT,
                      PAWL_SIM_N_GRANTED,
                      PAWL_SIM_N_DEGRADED,
                      PAWL_SIM_N_ROUTED,
                      PAWL_SIM_N_PRUNED,
                      PAWL_SIM_N_SUMMED_UP,
                      PAWL_SIM_N_TRIPPED,
                      PAWL_SIM_N_CHILDREN,
                      PAWL_SIM_N_CHILDREN_ENDED,
                      PAWL_SIM_N_CHILDREN_UNDONE,
                      PAWL_SIM_N_ACCEPTED,
                      PAWL_SIM_N_POLLS,
                      PAWL_SIM_N_HEARD,
                      PAWL_SIM_N_UNHEARD,
                      PAWL_SIM_N_OPINIONS,
                      PAWL_SIM_N_CHECKED,
                      PAWL_SIM_N_CHECK_FAILED,
                      PAWL_SIM_N_CHECK_UNDONE,
                      PAWL_SIM_N_LOOKED_BACK,
                      PAWL_SIM_N_CALLBACKS,
                      PAWL_SIM_N_CALLBACKS_TAKEN,
                      PAWL_SIM_N_CALLBACKS_LATE,
                      PAWL_SIM_N_CALLBACKS_REFUSED,
                      PAWL_SIM_N_HANDED,
                      PAWL_SIM_N_SCHEDULED,
                      PAWL_SIM_N_LEFT_OUT,
                      PAWL_SIM_N_STOPPED,
                      PAWL_SIM_N_SEALED,
                      PAWL_SIM_N_INTERRUPTS,
                      PAWL_SIM_N_COUNT
};
const char *pawl_sim_count_name(enum pawl_sim_count c);

struct pawl_sim_result {
    bool held;          /* every invariant */
    char invariant[32]; /* the first that did not: "once", "output-commit", ... */
    char what[512];
    uint64_t hash; /* of everything that happened: the same for the same seed, byte for byte */
    uint64_t events;
    int64_t virtual_ns;
    uint32_t faults; /* those that were drawn */
    uint32_t runs;
    uint64_t requests; /* for memory, by the engines */
    uint64_t counts[PAWL_SIM_N_COUNT];
};

/* Play one seed. PAWL_OK: *out tells; PAWL_ENOMEM: the caller's allocator gave nothing. */
int pawl_sim_run(const struct pawl_sim_options *o, struct pawl_sim_result *out);
/* Leave out of a failing seed what it does not need to fail in the same way: `o` is changed to the smallest form found. */
int pawl_sim_shrink(struct pawl_sim_options *o, const char *invariant);
