/* src/journal/spend.h - the fold's part that counts what was spent. Of this room. `body` is the record's. */
#pragma once
#include "contract/json.h"
#include "journal/run.h"

/* PAWL_OK, PAWL_ENOMEM, or PAWL_ECORRUPT with *what. */
int pawl_spend_reserve(struct pawl_run *run, struct pawl_step *s, yyjson_val *body, const char **what);
int pawl_spend_settle(struct pawl_run *run, struct pawl_step *s, yyjson_val *body, const char **what);
int pawl_spend_payers(struct pawl_run *run, yyjson_val *body);
void pawl_spend_short(struct pawl_run *run, struct pawl_step *s, yyjson_val *body);       /* gate.asked {budget} */
void pawl_spend_grant(struct pawl_run *run, const struct pawl_step *s, yyjson_val *body); /* a yes: {more} */
/* Retried: what went before counts against no limit any more. Those above it count no more either, as their deadlines do not: they
 * may have ended, and their accounts with them. */
void pawl_spend_anew(struct pawl_run *run);
