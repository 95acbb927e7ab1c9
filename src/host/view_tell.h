/* src/host/view_tell.h - the part of a view that is in words: how a run stands, in a sentence, and the next commands.
 * Private to view.c. */
#pragma once
#include "contract/json.h"
#include "journal/run.h"

struct pawl_told {
    const char *status, *waiting; /* words of docs/protocol.md; "": waits for nobody */
    bool usable;                  /* its configuration is there */
    bool undo;                    /* something of it can be undone by a tool */
    struct pawl_str missing;      /* why its configuration cannot be had; {NULL,0}: not known, or it can */
};
/* From the head where these are all its records, else from the fold (`show --at`). */
struct pawl_told pawl_view_state(const struct pawl_run *run, const struct pawl_head *head);
/* Writes the members "sentence" and "next". */
void pawl_view_sentence(const struct pawl_run *run, const struct pawl_told *told, struct pawl_arena *a,
                        struct pawl_json_writer *w);
void pawl_view_next(const struct pawl_run *run, const struct pawl_told *told, struct pawl_json_writer *w);
/* view_guard.c: the members guards and facts, where there are any. */
void pawl_view_guards(const struct pawl_run *run, struct pawl_json_writer *w);
void pawl_view_facts(const struct pawl_run *run, struct pawl_json_writer *w);
