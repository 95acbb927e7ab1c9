/* src/policy/admission.h - what an attempt holds while it is out: a place in its lane (stage 8), a leave of its circuit (9), a
 * place in its pool (10). Taken anew by every attempt, given back when it has ended or will not be made. */
#pragma once
#include "policy/pass.h"

/* The attempt has ended: each is told how, then all is given back. May set p->rc. */
void pawl_admission_told(struct pawl_pass *p, const struct pawl_reply *reply);
/* In whose line does a pass that wants room stand? The circuit of a dependency, its lane, or a pool; *of is the name,
 * borrowed from the configuration or the shared state. */
enum pawl_room { PAWL_ROOM_NONE, PAWL_ROOM_BREAKER, PAWL_ROOM_LANE, PAWL_ROOM_POOL, PAWL_ROOM_BUDGET };
enum pawl_room pawl_pass_room(const struct pawl_pass *p, struct pawl_str *of);
/* It will not be made, or nobody waits for its end any more. Nothing held: fine. */
void pawl_admission_leave(struct pawl_pass *p);
