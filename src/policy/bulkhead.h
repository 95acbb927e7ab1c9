/* src/policy/bulkhead.h - lanes and pools: how many calls may be out at a time, and who is next (M. Nygard, "Release It!",
 * 2nd ed., ch. 5, Bulkheads).
 *
 * A lane bounds the calls of one class of agents. A pool bounds the calls to one provider, whoever makes them: so many at
 * a time, so many and so many tokens a minute (token buckets that fill evenly and hold a sixth of a minute's worth). A lane
 * with a share of a pool has that part for itself and not more; lanes without one have what no share covers, by weight
 * (start-time fair queuing: P. Goyal, H. Vin, H. Cheng, 1996). Within a lane the first is the next.
 *
 * A place is given to a waiting pass before that is entered again, so nobody can slip in between. */
#pragma once
#include "policy/pass.h"

enum { PAWL_POOL_LANES = 64 };

struct pawl_lane_state {
    struct pawl_str name;
    uint32_t running;
    struct pawl_line waiting;
    double call_ns;        /* how long a call takes, lately */
    struct pawl_lane rule; /* of whoever passed last */
};
struct pawl_pool_lane {           /* one lane in one pool */
    struct pawl_lane_state *lane; /* NULL: those that have none */
    uint32_t running;
    struct pawl_line waiting;
    double percent; /* its share; 0: none */
    double virtual_time, weight;
    double requests, tokens; /* what its buckets hold; of a share only */
};
struct pawl_pool_state {
    struct pawl_str name;
    struct pawl_pool rule;
    struct pawl_pool_lane lanes[PAWL_POOL_LANES];
    uint32_t lanes_count, running;
    double virtual_time;
    double requests, tokens; /* what the buckets hold that no share covers */
    double limit;            /* adaptive: how many at a time, for now */
    int64_t filled_ns, cut_ns, paused_until_ns;
    double shared_percent; /* of all shares together */
};

/* Stage 8. */
enum pawl_verdict pawl_lane_enter(struct pawl_pass *p);
void pawl_lane_leave(struct pawl_pass *p); /* nothing held: fine */
/* May a run of this lane be started? false: its line is full, and *back_ns is when it may be worth another try. `evicted`:
 * runs that wait for a place out of memory. */
bool pawl_lane_takes(struct pawl_shared_state *s, const struct pawl_lane *rule, uint32_t evicted, int64_t *back_ns);
/* Stage 10. */
enum pawl_verdict pawl_pool_enter(struct pawl_pass *p);
/* The attempt has ended: what it used, what its reply says of the limits. Then leave. */
void pawl_pool_told(struct pawl_pass *p, const struct pawl_reply *reply);
void pawl_pool_leave(struct pawl_pass *p);

/* Whoever may go by now goes. */
void pawl_pools_turn(struct pawl_shared_state *s, int64_t now_ns);
int64_t pawl_pools_due_ns(const struct pawl_shared_state *s,
                          int64_t now_ns); /* monotonic; PAWL_NEVER: nobody waits for time */
void pawl_bulkhead_fini(struct pawl_shared_state *s);
