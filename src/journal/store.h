/* src/journal/store.h - what pawl asks of a store, and all it asks. journal/memory.c, store/sqlite.c and later
 * store/postgres.c do the same by one conformance test (store/conformance.h).
 *
 * Every call is synchronous, is made by one thread at a time, and is durable when it returns PAWL_OK (memory: as far as
 * memory goes). Nothing here polls: who waits is woken by the engine.
 *
 * Leases and fencing: `claim` makes this instance the owner of runs, raising each head's epoch and, but for those that
 * it has in hand already (owner is this instance, wake_ns 0), claims_without_progress; `commit` refuses (PAWL_EFENCED) a commit whose
 * epoch is not the head's, and a new run of an instance whose lease is over: its owner would die with it unseen. An
 * instance is one opening of a store: its number rises with every open. On one machine the owner's lock is the lease,
 * and nobody lives on without it; on PostgreSQL lease_until_ns is one. */
#pragma once
#include "journal/record.h"

enum pawl_status { /* stored: numbers never change */
                   PAWL_RUNNING = 1,
                   PAWL_WAITING = 2,
                   PAWL_ENDING = 3,
                   PAWL_DONE = 10,
                   PAWL_FAILED_RUN = 11,
                   PAWL_CANCELLED_RUN = 12,
                   PAWL_DEAD = 13
};
enum pawl_waiting { /* on what a waiting or ending run waits */
                    PAWL_WAIT_NONE,
                    PAWL_WAIT_GATE,
                    PAWL_WAIT_DOUBT,
                    PAWL_WAIT_MESSAGE,
                    PAWL_WAIT_CONFIG,
                    PAWL_WAIT_TOOL,
                    PAWL_WAIT_TIMER,
                    PAWL_WAIT_CLAIM,
                    PAWL_WAIT_STEP,
                    PAWL_WAIT_ROOM, /* in its lane or pool, or for a breaker. This and CLAIM are only said of hot runs */
                    PAWL_WAIT_SIGNAL,
                    PAWL_WAIT_CHILD,
                    PAWL_WAIT_OWNER, /* no process works on it now; only said, never stored */
                    PAWL_WAIT_COUNT
};
#define PAWL_NEVER INT64_MAX
enum { PAWL_STUCK = 1 << PAWL_WAIT_CONFIG | 1 << PAWL_WAIT_TOOL }; /* waits for this installation to have something */

struct pawl_head { /* one row a run; a fold of its records, kept so that lists and wakes need no fold */
    struct pawl_id run;
    struct pawl_str agent, key; /* key {NULL,0}: none */
    enum pawl_status status;
    enum pawl_waiting waiting;
    uint32_t waiting_step; /* 0: none */
    uint64_t epoch, owner; /* owner: the instance that claimed it last */
    uint32_t claims_without_progress;
    uint32_t deaths; /* how often another instance claimed it live: its owner had ended. Only `claim` changes it */
    uint64_t seq;    /* of the last record */
    struct pawl_hash hash; /* of the last record */
    int64_t wake_ns;       /* wall clock; 0: live, due at once for a new owner; PAWL_NEVER: nothing to wake for */
    int64_t active_ns;     /* active time spent until the last record */
    int64_t created_ns, updated_ns;
    struct pawl_hash config; /* the blob of its configuration */
};

/* A claim on one intent (LEDGER 6), in scopes wider than a run. `key` is already SHA-256 over scope and intent. */
enum pawl_claim_state { PAWL_CLAIM_IN_FLIGHT = 1, PAWL_CLAIM_DONE = 2, PAWL_CLAIM_IN_DOUBT = 3, PAWL_CLAIM_UNDONE = 4 };
struct pawl_claim {
    struct pawl_hash key, args; /* args: digest of all arguments, for conflicts */
    struct pawl_id run;
    uint32_t step, turn;
    enum pawl_claim_state state;
    int64_t until_ns; /* wall clock: a DONE claim counts until then; PAWL_NEVER */
};
struct pawl_claim_op {
    enum { PAWL_CLAIM_TAKE, PAWL_CLAIM_SET, PAWL_CLAIM_DROP } op;
    struct pawl_claim claim; /* TAKE: must be free, or held by (instead_run, instead_step), else PAWL_ECONFLICT;
                                   SET, DROP: must be held by claim.(run, step), else PAWL_ECONFLICT */
    struct pawl_id instead_run;
    uint32_t instead_step; /* 0: the claim must be free */
};
/* What all runs share and the next owner must know: breakers, what an agent or a day has spent. A few rows, by name. */
struct pawl_shared {
    struct pawl_str name; /* "breaker tool refund" */
    int64_t value;        /* a sum; begins at 0 */
    struct pawl_str body; /* JSON text; {NULL,0}: none */
};
struct pawl_shared_op {
    struct pawl_str name;
    int64_t add;          /* to its value */
    struct pawl_str body; /* in place of the one before; {NULL,0}: that stays */
    bool drop;            /* the row is not needed any more; one that is not there: fine */
};
struct pawl_blob {
    struct pawl_hash hash;
    struct pawl_str bytes;
};

/* What one run changes: all of it or nothing. */
struct pawl_commit {
    struct pawl_head head;   /* after the change; head.epoch must be the stored one, or create */
    uint64_t seq_before;     /* head.seq as it was; create: 0 */
    bool create;             /* PAWL_ECONFLICT where the run, its key or its request is there already */
    struct pawl_str request; /* create: the client-made id of the start; {NULL,0}: none. Unique like a key */
    const struct pawl_record *records;
    uint32_t records_count;
    const struct pawl_claim_op *claims;
    uint32_t claims_count;
    const struct pawl_blob *blobs; /* stored once by hash; one that is there already is fine */
    uint32_t blobs_count;
    const struct pawl_shared_op *shared;
    uint32_t shared_count;
    bool
        no_run; /* only blobs and shared: what no run owns. head is zeroed but for head.owner where only the owner may say
                    it: an instance whose lease is over is refused like a new run of it */
    int result; /* out: PAWL_OK, PAWL_EFENCED, PAWL_ECONFLICT, PAWL_ENOTFOUND */
};

struct pawl_run_records { /* a run as it is stored; memory is the caller's arena */
    struct pawl_head head;
    struct pawl_record *records;
    uint32_t count;
};
struct pawl_claim_query {
    bool one; /* just `run`, whatever its wake time (ended ones too) */
    struct pawl_id run;
    int64_t due_ns; /* else: not ended, wake_ns <= due_ns, not owned by this instance or wake_ns > 0; earliest first */
    uint32_t max;
    int64_t lease_until_ns; /* for stores that many nodes share */
};
struct pawl_list_query {
    struct pawl_str prefix; /* of the id's text, dashes included; {NULL,0}: all */
    struct pawl_str agent;
    uint32_t statuses; /* bit 1 << status; 0: all */
    uint32_t stuck; /* bit 1 << waiting, CONFIG and TOOL only: not ended and waiting for that, found without a look at
                       the others; 0: all */
    struct pawl_id before; /* newest first: only runs with smaller ids; zeroed: from the newest */
    uint32_t max;
};

struct pawl_store {
    uint8_t id[16]; /* random, made with the store: part of every idempotency key */
    uint64_t instance;
    /* One transaction, one sync. PAWL_OK: every commit->result is set, those that are not PAWL_OK changed nothing.
     * Else nothing of the whole batch happened and it may be tried again: PAWL_EFULL, PAWL_EIO, PAWL_ENOMEM. */
    int (*commit)(struct pawl_store *s, struct pawl_commit *const *commits, uint32_t count, struct pawl_error *err);
    int (*claim)(struct pawl_store *s, const struct pawl_claim_query *q, struct pawl_arena *a,
                 struct pawl_run_records *out, uint32_t *count, struct pawl_error *err);
    int (*read)(struct pawl_store *s, struct pawl_id run, uint64_t from_seq, struct pawl_arena *a,
                struct pawl_run_records *out, struct pawl_error *err); /* PAWL_ENOTFOUND */
    int (*list)(struct pawl_store *s, const struct pawl_list_query *q, struct pawl_arena *a, struct pawl_head *out,
                uint32_t *count, struct pawl_error *err); /* out has room for q->max */
    int (*find_key)(struct pawl_store *s, struct pawl_str key, struct pawl_str request, struct pawl_id *run,
                    struct pawl_error *err); /* by key or, where that is {NULL,0}, by request; PAWL_ENOTFOUND */
    int (*find_claim)(struct pawl_store *s, struct pawl_hash key, struct pawl_claim *out, struct pawl_error *err);
    int (*blob)(struct pawl_store *s, struct pawl_hash hash, struct pawl_arena *a, struct pawl_str *out,
                struct pawl_error *err);
    int (*shared)(struct pawl_store *s, struct pawl_arena *a, struct pawl_shared **out, uint32_t *count,
                  struct pawl_error *err); /* all of them, by name */
    int (*next_wake)(struct pawl_store *s, int64_t *wall_ns,
                     struct pawl_error *err); /* earliest wake_ns > 0; PAWL_NEVER */
    void (*rest)(struct pawl_store *s);       /* gives back memory that is kept for speed only */
    void (*close)(struct pawl_store *s);      /* frees s; NULL not allowed */
};

/* The memory store. `id`: 16 bytes. All else as above. */
int pawl_memory_open(const uint8_t id[16], const struct pawl_alloc *from, struct pawl_store **out);
/* A second door to the same rows with the next instance number: how the simulator restarts or plays a second owner.
 * Rows live until the last door is closed. */
int pawl_memory_again(struct pawl_store *s, struct pawl_store **out);
