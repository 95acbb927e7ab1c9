/* tests/workloads/seen.h - what the journal of a replayed run says beside its calls, where a part of pawl is switched on (part.h). */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum { WL_TRIPS = 24 };
struct wl_seen {
    uint64_t others[16];        /* steps that are not its model's: a bit each */
    uint32_t question, yes, no; /* the step that asks a person about the run; answers to such */
    bool of_all;                /* what all runs share is to be more */
    bool left;                  /* the person lets it wait */
    bool narrowed;              /* now */
    uint32_t narrow_sent;       /* changes that were intended all the same */
    uint32_t trips_count;
    struct wl_trip {
        char rule[24], answer[8];
    } trips[WL_TRIPS];
    bool check_asked;          /* a person was asked because of a check */
    bool undo_said, undo_over; /* the person's word, in this life */
    bool cancelled;            /* likewise */
    uint32_t not_undone[64], not_undone_count;
    uint32_t signals, runs; /* received by name; begun of it */
    char key[96];           /* of the run */
    uint32_t pruned, summed_up, judged, disagreed, accepted, polled, children, children_ended;
};
