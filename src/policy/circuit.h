/* src/policy/circuit.h - one circuit breaker: closed, open, half-open (M. Nygard, "Release It!", 2nd ed., ch. 5).
 *
 *   CLOSED --share of failures or of slow answers--> OPEN --cooldown--> HALF_OPEN --all probes succeed--> CLOSED
 *                                                      ^------- a probe fails: twice the cooldown -------'
 * A plain value, made empty by zeroing. The window is ten buckets of time, or of calls. Times are monotonic but for
 * until_wall_ns, which outlives the process. What opened and closed is kept in the store; the window's counts are not. */
#pragma once
#include "contract/contract.h"
#include "contract/json.h"

enum pawl_circuit_state { PAWL_CIRCUIT_CLOSED, PAWL_CIRCUIT_OPEN, PAWL_CIRCUIT_HALF_OPEN };
enum pawl_circuit_force { PAWL_FORCE_NONE, PAWL_FORCE_OPEN, PAWL_FORCE_CLOSED }; /* by a person, until taken back */
enum pawl_circuit_says { PAWL_CIRCUIT_GO, PAWL_CIRCUIT_PROBE, PAWL_CIRCUIT_HELD };
enum pawl_circuit_how { PAWL_CIRCUIT_GOOD, PAWL_CIRCUIT_FAILED, PAWL_CIRCUIT_TELLS_NOTHING };
enum { PAWL_CIRCUIT_BUCKETS = 10 };

struct pawl_circuit_count {
    uint32_t calls, failed, slow;
};
struct pawl_circuit {
    enum pawl_circuit_state state;
    enum pawl_circuit_force force;
    struct pawl_circuit_count buckets[PAWL_CIRCUIT_BUCKETS], window; /* window: the sum of the buckets */
    uint32_t at;                                                     /* the bucket that fills */
    int64_t bucket_ns;                                               /* when it began */
    int64_t until_wall_ns, cooldown_ns;                              /* open until then; 0: never opened yet */
    uint32_t probes_out, probes_good;
    uint32_t opened;     /* how often in all */
    uint32_t generation; /* rises with each opening and each word of a person: who was admitted before is asked again */
};

/* May a call leave now? PROBE: yes, and its end must be told, or given back. HELD: not before until_wall_ns (OPEN), or
 * not before the probes that are out have ended. */
enum pawl_circuit_says pawl_circuit_ask(struct pawl_circuit *c, const struct pawl_breaker *rule, int64_t wall_ns);
/* How a call ended. true: the state has changed. */
bool pawl_circuit_tell(struct pawl_circuit *c, const struct pawl_breaker *rule, enum pawl_circuit_how how, bool probe,
                       int64_t took_ns, int64_t now_ns, int64_t wall_ns);
void pawl_circuit_give_back(struct pawl_circuit *c); /* a probe that was never sent */
void pawl_circuit_reset(struct pawl_circuit *c);     /* closed, its window empty, no force */
/* What is kept of it, as JSON, and back. A stored pause longer than cooldown_max (the clock went back) is cut. */
void pawl_circuit_write(const struct pawl_circuit *c, struct pawl_buf *out);
void pawl_circuit_read(struct pawl_circuit *c, yyjson_val *body);
