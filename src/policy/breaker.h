/* src/policy/breaker.h - what attempt and admission tell the breaker stage. */
#pragma once
#include "policy/pass.h"

/* Between being admitted and leaving lies a commit: may it still leave? false: it was given back. */
bool pawl_breaker_still(struct pawl_pass *p);

/* What the pass calls: its model or its tool; made where there is none yet. NULL: no memory. */
struct pawl_dependency *pawl_pass_dependency(struct pawl_pass *p);

/* The attempt that this pass was admitted for has ended. May set p->rc. */
void pawl_breaker_told(struct pawl_pass *p, const struct pawl_reply *reply);
/* It will not be made, or nobody waits for its end any more: the probe is given back. */
void pawl_breaker_leave(struct pawl_pass *p);
