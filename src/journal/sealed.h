/* src/journal/sealed.h - records of which parts are struck out (LEDGER 5). What everybody may read is the body, which begins
 * with {"sealed": HASH}; the whole lies apart, where only the driver and the approver's view look. HASH is SHA-256(salt,
 * whole) and the record's own hash covers the body, so the whole and its salt can be erased and the chain still holds. */
#pragma once
#include "journal/record.h"

enum { PAWL_SEAL_SALT = 16 };

/* What is struck out wherever it stands, as a value or within a text: strings of 4 bytes or more, and numbers of as many
 * digits. true: something was, and *body is what is left. The rest of a struck string is "[redacted]"; of digits, nines.
 * `full` becomes salt and whole, in one, in the arena. PAWL_OK with *struck false: nothing of it is in there. PAWL_ENOMEM. */
int pawl_seal(struct pawl_str whole, const struct pawl_str *values, uint32_t count, const uint8_t salt[PAWL_SEAL_SALT],
              struct pawl_arena *a, struct pawl_str *body, struct pawl_str *full, bool *struck);
bool pawl_is_sealed(struct pawl_str body);
/* Does this salt and whole belong to the body? */
bool pawl_seal_fits(struct pawl_str body, struct pawl_str full);
/* What a fold reads of a record. */
struct pawl_str pawl_record_whole(const struct pawl_record *r);
