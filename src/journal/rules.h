/* src/journal/rules.h - what every store must judge in the same way, written once. */
#pragma once
#include "journal/store.h"

static inline bool pawl_status_ended(enum pawl_status s)
{
    return s >= PAWL_DONE;
}

/* The words of the protocol for how a run stands and on what it waits (docs/protocol.md); constant. */
const char *pawl_status_word(enum pawl_status s);
bool pawl_status_of(struct pawl_str word, enum pawl_status *out); /* false: there is none of that name */
const char *pawl_waiting_word(enum pawl_waiting w);               /* "" for NONE */

/* The ids whose text begins with `prefix` are low..high. false: there is none (no hexadecimal, a dash elsewhere). */
bool pawl_id_bounds(struct pawl_str prefix, struct pawl_id *low, struct pawl_id *high);

/* What the caller promises of a commit, asserted: records follow seq_before without gaps, belong to the head's run,
 * the head's seq and hash are the last one's; a blob's hash is its content's. */
void pawl_commit_assert(const struct pawl_commit *c);
/* Its hash is that of its bytes. A store asserts it of those that it does not have yet. */
bool pawl_blob_is_whole(const struct pawl_blob *b);

/* May these operations be done, one after the other? `find` says who holds a key now: PAWL_OK or PAWL_ENOTFOUND
 * (else: its error, handed on). Changes nothing. PAWL_OK or PAWL_ECONFLICT. */
typedef int pawl_claim_find(void *ctx, struct pawl_hash key, struct pawl_claim *out);
int pawl_claims_check(const struct pawl_claim_op *ops, uint32_t count, pawl_claim_find *find, void *ctx);
