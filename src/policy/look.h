/* src/policy/look.h - what verify's read tells about this very attempt (LEDGER 3). verify.c */
#pragma once
#include "policy/pass.h"

enum pawl_seen { PAWL_SEEN_NOTHING_KNOWN, PAWL_SEEN_HAPPENED, PAWL_SEEN_NOT };
/* May a look resolve a doubt of this step at all? It needs `settles`, and a way to identify the attempt. */
bool pawl_look_can_tell(const struct pawl_pass *p);
enum pawl_seen pawl_look_tells(struct pawl_pass *p);
/* retry.c: does the tool still know this step's key, so that sending again is safe whatever the attempts before did? Asked
 * when it is decided, and again when it leaves: a wait lies between (LEDGER 4). */
bool pawl_retry_key_remembered(const struct pawl_pass *p);
/* attempt.c: does the configuration of today make another request than the one that was fixed? (DESIGN 4.1) */
bool pawl_attempt_moved(struct pawl_pass *p);
/* verify.c: what verify's read would be for this step, knowing no result: where it goes is fixed with the intent, since a look
 * elsewhere tells nothing. Zeroed: it cannot be made. */
struct pawl_hash pawl_look_digest(struct pawl_pass *p);
/* verify.c: {"args", "run", "key", "result"} of this call, for the arguments of a look; NULL: no memory. */
yyjson_val *pawl_look_document(struct pawl_pass *p);
/* ... what the look that has just come saw, as JSON text; null: nothing is there (404); {NULL,0}: nothing that its contract
 * knows. */
struct pawl_str pawl_look_seen(struct pawl_pass *p);
/* ... what the look at p->look_of, a step that has ended, says: 1 as expected, -1 not so, 2 it could not be told. */
int pawl_look_back_tells(struct pawl_pass *p);
/* async.c: the call was accepted (202). PAWL_GO: nobody could ever tell how it ends, so it is as unknown as any; else its
 * end is awaited from here on. */
enum pawl_verdict pawl_async_accept(struct pawl_pass *p);
/* ... the end of an accepted call: asked for, called back, or not heard of until its deadline. PAWL_GO: p->outcome says. */
enum pawl_verdict pawl_async_wait(struct pawl_pass *p);
/* ... it was called back in time, and that is to be p->outcome now. */
bool pawl_async_called(struct pawl_pass *p);
/* ... its run is stopped, and its monitor is to be told so. */
bool pawl_async_to_stop(const struct pawl_pass *p);
