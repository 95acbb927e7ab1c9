/* src/policy/look.h - what verify's read tells about this very attempt (LEDGER 3). verify.c */
#pragma once
#include "policy/pass.h"

enum pawl_seen { PAWL_SEEN_NOTHING_KNOWN, PAWL_SEEN_HAPPENED, PAWL_SEEN_NOT };
/* May a look resolve a doubt of this step at all? It needs `settles`, and a way to identify the attempt. */
bool pawl_look_can_tell(const struct pawl_pass *p);
enum pawl_seen pawl_look_tells(struct pawl_pass *p);
