/* src/journal/fold.h - what the parts of the fold share: run.c, run_asked.c, run_again.c, run_child.c. Private to journal/. */
#pragma once
#include "contract/json.h"
#include "journal/run.h"

struct pawl_fold { /* one record on its way in */
    struct pawl_run *run;
    const struct pawl_record *r;
    yyjson_val *body;
    struct pawl_step *step; /* NULL: the record is of no step, or of one that is not there yet */
    struct pawl_error *err;
};

int pawl_fold_corrupt(const struct pawl_fold *f, const char *what); /* PAWL_ECORRUPT, which names the record */
struct pawl_str pawl_fold_text(const struct pawl_fold *f,
                               const char *name); /* a member's text, kept; {NULL,0}: absent */
struct pawl_str pawl_fold_json(const struct pawl_fold *f,
                               const char *name);           /* a member of any type as JSON text, kept */
uint32_t pawl_fold_small(yyjson_val *of, const char *name); /* from 0 to 2^32 - 1; else 0 */
/* Room for one more item of an arena-backed array; doubling, so the garbage is less than the array. NULL: no memory. */
void *pawl_fold_grow(struct pawl_arena *a, void *items, uint32_t count, uint32_t *size, size_t item_bytes);
struct pawl_step *pawl_fold_step(struct pawl_run *run, enum pawl_step_kind kind, uint64_t seq); /* NULL: no memory */
/* Other arguments by a person's word are another call: its key is a new one (LEDGER 4). */
void pawl_fold_edit(const struct pawl_fold *f, struct pawl_step *s, const char *name);

void pawl_fold_hash(const struct pawl_fold *f, const char *name, struct pawl_hash *out); /* absent: zeroed */
void pawl_fold_key(const struct pawl_fold *f, struct pawl_step *s);
void pawl_fold_intent_key(const struct pawl_fold *f, struct pawl_step *s);
void pawl_fold_first(struct pawl_fold *f, struct pawl_step *s);

/* run_asked.c */
int pawl_fold_asked(struct pawl_fold *f);
int pawl_fold_answered(struct pawl_fold *f);
/* run_again.c */
int pawl_fold_undo_asked(struct pawl_fold *f);
int pawl_fold_retried(struct pawl_fold *f);
int pawl_fold_pruned(struct pawl_fold *f);
int pawl_fold_opinion_asked(struct pawl_fold *f);
int pawl_fold_opinion_judged(struct pawl_fold *f);
int pawl_fold_tripped(struct pawl_fold *f);
int pawl_fold_fact(struct pawl_fold *f);
/* run_checked.c: {checks, after} of a step's end */
int pawl_fold_checked(const struct pawl_fold *f, struct pawl_step *s);
/* run_child.c */
void pawl_fold_parent(struct pawl_fold *f);
int pawl_fold_child_started(struct pawl_fold *f);
int pawl_fold_child_ended(struct pawl_fold *f);
