/* src/journal/record.h - the journal's one noun: a record, its kinds, its hash.
 *
 * hash = SHA-256(previous hash, run, seq, at, kind, step, cause, SHA-256(salt, body)), integers as 8 bytes big-endian
 * (kind as its name's bytes behind its length), so a chain can be checked from any language, and a body with its salt can be erased while the
 * chain still verifies. The first record's previous hash is 32 zero bytes. docs/journal.md has the same words. */
#pragma once
#include "base/id.h"
#include "base/sha256.h"
#include "base/error.h"

enum pawl_kind {
    PAWL_KIND_NONE,
    PAWL_RUN_CREATED,
    PAWL_RUN_ENDED,
    PAWL_RUN_CANCELLED,
    PAWL_RUN_FORKED,
    PAWL_STEP_INTENDED,
    PAWL_STEP_ATTEMPTED,
    PAWL_STEP_COMPLETED,
    PAWL_STEP_FAILED,
    PAWL_STEP_IN_DOUBT,
    PAWL_STEP_RESOLVED,
    PAWL_GATE_ASKED,
    PAWL_GATE_ANSWERED,
    PAWL_TIMER_SET,
    PAWL_TIMER_FIRED,
    PAWL_SIGNAL_RECEIVED,
    PAWL_CHILD_STARTED,
    PAWL_CHILD_ENDED,
    PAWL_EVENT_PUBLISHED,
    PAWL_EVENT_RECEIVED,
    PAWL_FACT_WRITTEN,
    PAWL_BUDGET_SETTLED,
    PAWL_GUARD_TRIPPED,
    PAWL_CONTEXT_PRUNED,
    PAWL_UNDO_STARTED,
    PAWL_UNDO_ENDED,
    PAWL_NOTE,
    PAWL_RUN_RETRIED,
    PAWL_UNDO_ASKED,
    PAWL_STEP_ACCEPTED,
    PAWL_STEP_POLLED,
    PAWL_STEP_CALLED,
    PAWL_OPINION_ASKED,
    PAWL_OPINION_JUDGED,
    PAWL_KIND_COUNT
};
const char *pawl_kind_name(enum pawl_kind k);      /* "step.intended"; "" for NONE */
enum pawl_kind pawl_kind_of(struct pawl_str name); /* NONE: no such */

struct pawl_record {
    struct pawl_id run;
    uint64_t seq;  /* from 1, without gaps */
    int64_t at_ns; /* wall clock, to show; never earlier than the record before */
    enum pawl_kind kind;
    uint32_t step;        /* 0: of the run as a whole */
    uint64_t cause;       /* seq of the record that caused this one; 0: none */
    struct pawl_str body; /* JSON text, an object */
    struct pawl_str full; /* sealed: what the body says with nothing struck out; {NULL,0}: the body is all (sealed.h) */
    uint8_t salt[8];
    struct pawl_hash hash;
};

/* The hash that belongs to *r after `previous`. r->hash is not read. */
struct pawl_hash pawl_record_hash(const struct pawl_record *r, struct pawl_hash previous);
/* Check a run's records from the first on: seq without gaps, hashes, time never back. PAWL_ECORRUPT names the seq. */
int pawl_chain_check(const struct pawl_record *records, uint32_t count, struct pawl_hash *last, struct pawl_error *err);
