/* src/engine/env.h - all the world that the engine sees. Made twice: host/ (real), sim/ (seeded).
 *
 * One loop for both: `next` gives an event, pawl_engine_step() turns it into actions, `start` begins each. The engine
 * holds an effect back until the commit that it depends on is reported durable, so no driver can break output commit.
 * One thread; a PRNG seeded by START; no order taken from addresses or hashes: one seed replays byte for byte. */
#pragma once
#include "contract/outcome.h"
#include "journal/decider.h"
#include "journal/store.h"
#include "policy/admission.h"
#include "policy/circuit.h"
#include "policy/ports.h"

/* What a client asks. `id` is made by the client: the same id again gets the first answer (LEDGER 13). */
enum pawl_ask {
    PAWL_ASK_START,
    PAWL_ASK_SEND,
    PAWL_ASK_APPROVE,
    PAWL_ASK_DENY,
    PAWL_ASK_RESOLVE,
    PAWL_ASK_CANCEL,
    PAWL_ASK_RESUME, /* take the run up now, whatever its wake time */
    PAWL_ASK_RETRY, /* a run that failed goes on: from `step`, 0: where it stopped; with `args` in place of the step's */
    PAWL_ASK_UNDO,  /* what a run that has ended did behind `step` is undone */
    PAWL_ASK_SIGNAL, /* agent is the signal's name, result its payload (JSON text), key says that it is the same one */
    PAWL_ASK_CALLBACK, /* a tool tells how a call ended that it accepted */
    PAWL_ASK_ANSWER, /* in the place of who was asked: result as the tool, say as the model; end: the run is taken over */
    PAWL_ASK_BREAKER,   /* agent is "tool NAME" or "model NAME", force is what it shall be; no run */
    PAWL_ASK_SCHEDULES, /* from here on this owner begins what config's schedules say; asked by the env itself */
    PAWL_ASK_PAUSE,     /* agent is the name of a schedule; no run */
    PAWL_ASK_UNPAUSE
};
enum pawl_how { PAWL_HOW_HAPPENED, PAWL_HOW_NOT_HAPPENED, PAWL_HOW_STOP };
struct pawl_request {
    enum pawl_ask what;
    struct pawl_str id;                /* {NULL,0}: not given */
    struct pawl_id run;                /* START: the id of the new run, made by the env */
    struct pawl_str agent, key, input; /* START; input is JSON text */
    const struct pawl_config *config;  /* START, SCHEDULES; lives as long as the engine */
    struct pawl_str schedule;          /* START: what it is begun for; {NULL,0}: none */
    int64_t slot_ns;                   /* ... and which of its times; 0: by a person's word */
    bool chat;                         /* START */
    int64_t begins_ns;                 /* START: parks until that wall time; 0: begins at once */
    struct pawl_str text;              /* SEND: the message; APPROVE, DENY: the reason; CANCEL: why */
    bool end;                          /* SEND: no more will come; text may be {NULL,0} */
    uint32_t step;                     /* APPROVE, DENY, RESOLVE; 0: the only one that waits */
    struct pawl_hash digest;           /* APPROVE: of what was shown */
    bool has_digest;
    enum pawl_how how;             /* RESOLVE */
    struct pawl_str result;        /* RESOLVE happened: JSON text */
    struct pawl_str say;           /* ANSWER: the model's words */
    struct pawl_str with;          /* RETRY, APPROVE: JSON object of members that replace the arguments' */
    enum pawl_circuit_force force; /* BREAKER; NONE: as it counts, from now on, beginning closed */
    struct pawl_str by;            /* who says it */
    struct pawl_str token, body;   /* CALLBACK: as it came, and, where it is signed, */
    struct pawl_str webhook_id, webhook_timestamp, webhook_signature;
};

enum pawl_find_what { PAWL_FIND_CLAIM_RUNS, PAWL_FIND_KEY, PAWL_FIND_READ, PAWL_FIND_CLAIM, PAWL_FIND_WAKE };
struct pawl_find {
    enum pawl_find_what what;
    struct pawl_claim_query
        runs; /* CLAIM_RUNS. The env also loads the configurations that they name, for ports.config */
    struct pawl_str key, request; /* KEY */
    struct pawl_id run;           /* READ */
    struct pawl_hash claim;       /* CLAIM */
};
struct pawl_found {                      /* borrowed for the step */
    const struct pawl_run_records *runs; /* CLAIM_RUNS: count; READ: one */
    uint32_t count;
    struct pawl_id run;      /* KEY */
    struct pawl_claim claim; /* CLAIM; status PAWL_ENOTFOUND: free */
    int64_t wake_ns;         /* WAKE */
};

enum pawl_attempt_of { PAWL_ATTEMPT_MODEL, PAWL_ATTEMPT_TOOL };
struct pawl_attempt { /* one sending. Lent until DONE or CANCEL of its id */
    enum pawl_attempt_of of;
    struct pawl_id run;
    uint32_t step, attempt; /* attempt is from 1 */
    bool look;              /* a read on behalf of this step: verify's or, */
    bool poll;              /* of the monitor that it named when it was accepted */
    bool stop;              /* that monitor is told to stop it */
    bool changes;           /* may change something: never resent by a transport on its own */
    const struct pawl_config *config;
    const struct pawl_tool *tool;   /* TOOL */
    const struct pawl_model *model; /* MODEL */
    struct pawl_str request;        /* the fixed request (tool/tool.h, model/model.h) */
    struct pawl_str key;            /* idempotency key; {NULL,0}: a look or a model */
    int64_t timeout_ns;             /* > 0 */
    int64_t hedge_ns;    /* no answer by then: send the same a second time, the first answer counts; 0: do not */
    int64_t deadline_ns; /* what is left of the run's active time; PAWL_NEVER */
};

struct pawl_event { /* what happened; the engine borrows it for the step. START comes first, once. */
    enum pawl_event_kind {
        PAWL_EV_START,
        PAWL_EV_REQUEST,
        PAWL_EV_COMMITTED,
        PAWL_EV_FOUND,
        PAWL_EV_DONE,
        PAWL_EV_DUE,
        PAWL_EV_HAND_OVER /* begin nothing new: finish what is open, park, then pawl_engine_idle() is true */
    } kind;
    int status;              /* 0 or a negative PAWL_E code; COMMITTED: of the batch, else see commit->result */
    uint64_t id;             /* the action that this answers; REQUEST: the env's, for REPLY */
    int64_t now_ns, wall_ns; /* monotonic, for durations; wall clock, only to store, show and compare with stored */
    uint64_t seed;           /* START */
    const uint8_t *store_id; /* START: 16 bytes */
    uint64_t instance;       /* START: of the store */
    const struct pawl_shared *shared; /* START: the store's shared rows */
    uint32_t shared_count;
    const struct pawl_request *request; /* REQUEST */
    const struct pawl_found *found;     /* FOUND */
    const struct pawl_reply *reply;     /* DONE */
};
struct pawl_answer { /* REPLY; borrowed until the next step */
    struct pawl_id run;
    uint32_t step;
    struct pawl_str body;    /* JSON text: what the request led to */
    struct pawl_error error; /* code 0: fine */
};
struct pawl_action { /* what to do; the engine lends it until its next step, what it points to until it is answered. */
    enum pawl_action_kind { PAWL_DO_COMMIT, PAWL_DO_FIND, PAWL_DO_ATTEMPT, PAWL_DO_CANCEL, PAWL_DO_REPLY } kind;
    uint64_t id;
    struct pawl_commit *commit;         /* COMMIT: answered by COMMITTED, in order */
    const struct pawl_find *find;       /* FIND: answered by FOUND, behind all commits given before it */
    const struct pawl_attempt *attempt; /* ATTEMPT: answered by DONE; CANCEL of its id: no DONE need come */
    const struct pawl_answer *answer;   /* REPLY: id is the REQUEST's */
};
struct pawl_env {
    int (*next)(struct pawl_env *env, int64_t due_ns, struct pawl_event *out); /* waits, or jumps its clock */
    int (*start)(struct pawl_env *env, const struct pawl_action *action);      /* never calls back */
};

struct pawl_engine;
struct pawl_pool_state;
int pawl_engine_new(const struct pawl_alloc *from, const struct pawl_ports *ports, struct pawl_engine **out);
void pawl_engine_free(struct pawl_engine *e); /* what is under way is forgotten, as by a crash */
/* One event in, actions out; *out is valid until the next step. PAWL_OK always but for PAWL_ENOMEM (then the engine
 * must be freed and a new one started: the journal has all). */
int pawl_engine_step(struct pawl_engine *e, const struct pawl_event *in, const struct pawl_action **out, uint32_t *n);
int64_t pawl_engine_due_ns(const struct pawl_engine *e); /* monotonic: when it wants DUE; INT64_MAX: never */
bool pawl_engine_idle(const struct pawl_engine *e);      /* nothing hot, nothing under way */
/* For views: how many runs are hot; the fold of a hot run or NULL (borrowed until the next step). */
uint32_t pawl_engine_hot(const struct pawl_engine *e);
/* On what a hot run that is not parked waits, where nothing of it is under way: CLAIM (another run's step), TIMER (another
 * attempt of `step`), ROOM, or NONE. false: it is not hot. */
struct pawl_rest {
    enum pawl_waiting waiting;
    uint32_t step, of_step;
    struct pawl_id of_run;
    int64_t until_ns;    /* wall clock; PAWL_NEVER */
    enum pawl_room room; /* PAWL_WAIT_ROOM: in whose line */
    struct pawl_str room_of;
};
bool pawl_engine_rest(const struct pawl_engine *e, struct pawl_id run, struct pawl_rest *out);
/* What a lane that limits its memory has of it now; false: it does not limit it, or has run nothing yet. */
struct pawl_lane_memory {
    size_t bytes, most_bytes;
    uint32_t hot, waiting; /* runs in memory; of them, those that only wait */
    uint32_t evicted, coming;
};
bool pawl_engine_lane_memory(const struct pawl_engine *e, struct pawl_str lane, struct pawl_lane_memory *out);
/* A pool that something was asked of; NULL: none yet. Borrowed likewise. */
const struct pawl_pool_state *pawl_engine_pool(const struct pawl_engine *e, struct pawl_str name);
/* The circuit of a dependency ("tool" or "model", and its name), borrowed until the next step; NULL: not called yet. */
const struct pawl_circuit *pawl_engine_circuit(const struct pawl_engine *e, const char *kind, struct pawl_str name);
/* Is a run in hand that this one has started, or one that that one has? */
bool pawl_engine_family(const struct pawl_engine *e, struct pawl_id run);
const struct pawl_run *pawl_engine_run(const struct pawl_engine *e, struct pawl_id run);
/* How a hot run stands now, the store may not have heard of it yet. false: it is not hot. Its texts are borrowed. */
bool pawl_engine_head(const struct pawl_engine *e, struct pawl_id run, struct pawl_head *out);
