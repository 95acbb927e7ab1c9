/* src/engine/hot.h - what the engine keeps in memory: hot runs, their passes, the commits on their way.
 *
 * A run is hot from the moment it is started or claimed until it ends or parks with everything durable. A refused
 * commit (fenced, a claim lost) drops the run's memory: nothing that was not durable has left, so folding the stored
 * records again is always right. Private to engine/. */
#pragma once
#include "base/heap.h"
#include "base/map.h"
#include "engine/env.h"
#include "policy/bulkhead.h"
#include "policy/pipeline.h"

enum { PAWL_HOT_MAX = 4096, PAWL_CLAIM_BATCH = 256, PAWL_CLAIMS_WITHOUT_PROGRESS_MAX = 5 };

/* In the id of a request: it is the engine's own, and no client hears the answer. */
#define PAWL_INSIDE (UINT64_C(1) << 63)

struct pawl_timer {
    struct pawl_heap_node node; /* first: a node is its timer */
    enum {
        PAWL_TIMER_SLOT,
        PAWL_TIMER_RUN,
        PAWL_TIMER_COMMIT,
        PAWL_TIMER_WAKE,
        PAWL_TIMER_ROOM,
        PAWL_TIMER_EVICTED,
        PAWL_TIMER_TELL,
        PAWL_TIMER_SCHEDULE
    } of;
    void *owner;
};

struct pawl_slot { /* a pass and what it waits for */
    struct pawl_pass pass;
    struct pawl_arena arena;
    struct pawl_hot *hot;
    struct pawl_slot *next; /* in step order */
    struct pawl_timer timer;
    struct pawl_decision decision;
    uint32_t heard;              /* user turns that it was made of */
    struct pawl_attempt attempt; /* lent to the env while attempt_id */
    struct pawl_find find;
    uint64_t attempt_id, find_id; /* 0: none under way */
    uint64_t tell_id;             /* its child is being told something; 0: no */
    bool child_news;              /* something came of its child while it was looked at */
    uint64_t need_seq;            /* WANT_DURABLE */
    uint64_t joined;              /* when it began to wait for another's claim, in order; 0: never */
    bool fresh;                   /* opened, not yet driven */
    bool looking, polling;
    bool synced; /* durability every-step: this attempt has waited already */
};

struct pawl_batch { /* a commit that is being filled, or is on its way */
    struct pawl_commit commit;
    struct pawl_arena arena;
    struct pawl_record *records;
    struct pawl_claim_op *claims;
    struct pawl_shared_op *shared;
    struct pawl_blob blob;
    uint32_t records_size, claims_size, shared_size;
    bool progress; /* something moved on: claims_without_progress starts again */
    uint64_t id;
};

struct pawl_reply_due { /* a client's answer that waits until its record is durable */
    struct pawl_reply_due *next;
    uint64_t id, seq;
    uint32_t step;
    const char *word;
};

struct pawl_hot {
    struct pawl_engine *e;
    struct pawl_arena arena; /* the fold's */
    struct pawl_run run;
    struct pawl_head head;            /* as it will be; .seq and .hash are set at the commit */
    struct pawl_head stored;          /* what the store has of status, waiting, wake */
    const struct pawl_config *config; /* NULL: cannot be had now */
    const struct pawl_agent *agent;
    struct pawl_slot *slots;
    struct pawl_batch *filling, *flight;
    struct pawl_reply_due *replies;
    uint64_t durable_seq;
    uint64_t written_first;  /* nothing is begun before the records up to here are durable */
    uint64_t parked_seq;     /* up to there it waits for nothing but people or later times; 0: it does not */
    bool create;             /* the first commit makes the run */
    struct pawl_str request; /* its start's client-made id */
    bool dirty;              /* to be settled at the end of this engine step */
    struct pawl_hot *next_dirty;
    bool active; /* its deadline's clock runs */
    int64_t active_since_ns;
    struct pawl_timer deadline, again;
    int64_t taken_wall_ns;    /* when this owner took it up, be it out of memory since */
    bool taken;               /* just claimed: settle even where nothing happened */
    bool moved;               /* something has moved on since it was claimed */
    uint32_t claims;          /* claims_without_progress as it was then, this claim included */
    struct pawl_quota *quota; /* NULL: its lane has none */
    struct pawl_hot *quota_next, *quota_previous;
    size_t quota_bytes; /* what is counted there of it */
};

/* evict.c: the memory of one lane that limits it. */
struct pawl_quota {
    int64_t most_bytes;
    size_t bytes;                  /* of its hot runs */
    struct pawl_hot *first, *last; /* its hot runs, in the order of their coming */
    uint32_t hot_count;
    struct pawl_evicted *evicted_first, *evicted_last; /* the oldest first */
    uint32_t evicted_count, coming;                    /* coming: of them, those that are being loaded again, */
    size_t coming_bytes;                               /* and what they took when they were put out */
    bool changed;
};
struct pawl_evicted { /* a run that only waits, out of memory; to the store it is as live as before */
    struct pawl_id run;
    struct pawl_quota *quota;
    struct pawl_evicted *next, *previous;
    struct pawl_timer timer; /* when it must go on, whatever the memory: its deadline, a retry */
    struct pawl_rest rest;
    int64_t active_ns, since_ns; /* its deadline's clock, and since when that is so */
    int64_t taken_wall_ns;
    size_t bytes; /* what it took */
    bool active, coming;
};

struct pawl_asking { /* a request that waits for its run to be loaded, or for its key to be found */
    struct pawl_asking *next;
    struct pawl_arena arena;
    struct pawl_request request;
    uint64_t id;
};
struct pawl_loading {
    struct pawl_asking *askings;
};
struct pawl_claim_entry { /* who holds a claim that somebody here works on or waits for */
    struct pawl_id run;
    uint32_t step, waiters;
};

enum pawl_pending_of {
    PAWL_OF_SLOT_ATTEMPT,
    PAWL_OF_SLOT_FIND,
    PAWL_OF_COMMIT,
    PAWL_OF_RUNS,
    PAWL_OF_ONE,
    PAWL_OF_KEY,
    PAWL_OF_KEY_READ,
    PAWL_OF_WAKE,
    PAWL_OF_COMMON,
    PAWL_OF_CHILD,    /* what this engine asks of one of its own runs */
    PAWL_OF_SCHEDULE, /* its row, or whether its last run is over */
    PAWL_OF_NOBODY
};
struct pawl_pending { /* an action that waits for its event */
    uint64_t id;
    enum pawl_pending_of of;
    struct pawl_slot *slot;
    struct pawl_hot *hot;
    struct pawl_asking *asking;
    struct pawl_common_change *common;
    struct pawl_schedule_state *schedule;
    struct pawl_id run;
    struct pawl_find find;
};

struct pawl_tell { /* somebody is to be told of an end, and the store could not find them: again in a second */
    struct pawl_tell *next;
    struct pawl_id parent, child;
};

struct pawl_engine {
    const struct pawl_alloc *from;
    struct pawl_ports ports;
    struct pawl_prng prng;
    struct pawl_shared_state shared;
    uint8_t store_id[16];
    uint64_t instance, ids, joins;
    int64_t now_ns, wall_ns;
    struct pawl_map hot;     /* run id -> struct pawl_hot */
    struct pawl_map loading; /* run id -> struct pawl_loading */
    struct pawl_map claims;  /* claim key -> struct pawl_claim_entry */
    struct pawl_map pending; /* action id -> struct pawl_pending */
    struct pawl_map quotas;  /* lane -> struct pawl_quota */
    struct pawl_map evicted; /* run id -> struct pawl_evicted */
    struct pawl_heap timers;
    struct pawl_schedule_state *schedules;  /* in the order of their rows, then of the configuration */
    const struct pawl_config *schedules_of; /* what begins by the clock; NULL: this owner begins nothing by itself */
    int64_t schedules_shift_ns;             /* of the wall clock from the monotonic one when their timers were set */
    struct pawl_tell *tells;
    struct pawl_timer telling;
    struct pawl_timer wake, room;   /* room: when a pool's bucket has filled for whoever waits */
    int64_t wake_wall_ns;           /* of the earliest parked run */
    bool claiming, more;            /* a claim of due runs is under way; there may be more of them */
    bool claim_failed, wake_failed; /* the store could not say what is due, when the next one is: asked again at */
    int64_t again_wall_ns;
    bool handing_over;
    struct pawl_hot *dirty;
    struct pawl_action *actions;
    uint32_t actions_count, actions_size;
    struct pawl_arena step; /* memory of this step's actions */
    int rc;                 /* PAWL_ENOMEM: the engine is unusable */
};

/* engine.c */
struct pawl_action *pawl_engine_act(struct pawl_engine *e,
                                    enum pawl_action_kind kind); /* NULL: no memory, e->rc is set */
struct pawl_pending *pawl_engine_await(struct pawl_engine *e,
                                       enum pawl_pending_of of); /* with a new id; NULL likewise */
void pawl_engine_forget(struct pawl_engine *e, uint64_t id);     /* no event for it is wanted any more; 0: fine */
void pawl_engine_abandon(struct pawl_engine *e, uint64_t id);    /* a search; 0: fine */
bool pawl_engine_take_back(struct pawl_engine *e, uint64_t id);  /* an attempt that this step was to begin */
uint64_t pawl_engine_find(struct pawl_engine *e, enum pawl_pending_of of, const struct pawl_find *find,
                          struct pawl_slot *slot, struct pawl_asking *asking);        /* 0: no memory */
void pawl_engine_timer(struct pawl_engine *e, struct pawl_timer *t, int64_t wall_ns); /* PAWL_NEVER: off */
void pawl_engine_claim_due(struct pawl_engine *e);
void pawl_engine_wake_at(struct pawl_engine *e, int64_t wall_ns); /* the earliest parked run is due then */
void *pawl_engine_get(struct pawl_engine *e, size_t bytes);       /* zeroed; NULL: e->rc is set */
void pawl_engine_put(struct pawl_engine *e, void *p, size_t bytes);
/* load.c: runs come and go */
struct pawl_hot *pawl_hot_new(struct pawl_engine *e, const struct pawl_head *head);
struct pawl_hot *pawl_hot_find(const struct pawl_engine *e, struct pawl_id run);
void pawl_hot_load(struct pawl_engine *e, const struct pawl_run_records *stored); /* a claimed run */
void pawl_hot_drop(struct pawl_hot *h); /* forget it and all that is under way */
void pawl_hot_ask_load(struct pawl_engine *e, struct pawl_id run, struct pawl_asking *asking);
/* evict.c: a lane's memory */
void pawl_quota_enter(struct pawl_hot *h); /* its agent is known */
void pawl_quota_count(struct pawl_hot *h); /* what it takes may have changed */
void pawl_quota_leave(struct pawl_hot *h); /* in none: fine */
bool pawl_quotas_turn(
    struct pawl_engine *e);                 /* out with what is too much, in with what has room; true: some went out */
void pawl_evicted_back(struct pawl_hot *h); /* it is hot again; was not evicted: fine */
void pawl_evicted_failed(struct pawl_engine *e, struct pawl_id run); /* it could not be loaded: again in a second */
void pawl_evicted_due(struct pawl_engine *e, struct pawl_evicted *v);
uint32_t pawl_evicted_of(const struct pawl_engine *e, struct pawl_str lane);
void pawl_quotas_free(struct pawl_engine *e);
/* commit.c: records in, batches out */
/* redact.c: what a contract names is struck out of the record's body, the whole lies beside it. PAWL_OK or PAWL_ENOMEM. */
int pawl_hot_seal(struct pawl_hot *h, uint32_t step, enum pawl_kind kind, struct pawl_arena *a, struct pawl_record *r);
int pawl_hot_append(struct pawl_hot *h, enum pawl_kind kind, uint32_t step, struct pawl_str body);
int pawl_hot_claim(struct pawl_hot *h, const struct pawl_claim_op *op);
int pawl_hot_share(struct pawl_hot *h, const struct pawl_shared_op *op);
int pawl_hot_note_reply(
    struct pawl_hot *h, uint64_t request_id, uint32_t step,
    const char *word);                    /* when all so far is durable; word: a constant, what became of it, or NULL */
void pawl_hot_settle(struct pawl_hot *h); /* status, clock, commit, parking: at the end of every engine step */
void pawl_hot_committed(struct pawl_hot *h, int status);
void pawl_hot_resend(struct pawl_hot *h); /* the commit that the store could not make, once more */
void pawl_hot_dirty(struct pawl_hot *h);
struct pawl_rest pawl_hot_rest(const struct pawl_hot *h);
bool pawl_hot_early(const struct pawl_hot *h); /* it is to begin later than now */
/* advance.c: passes and decisions */
void pawl_hot_advance(struct pawl_hot *h);
void pawl_slot_drive(struct pawl_slot *s);
void pawl_slot_free(struct pawl_slot *s);
struct pawl_slot *pawl_hot_slot(const struct pawl_hot *h, uint32_t number);
void pawl_hot_abort(struct pawl_hot *h, enum pawl_status as, enum pawl_class c, const char *message, struct pawl_str id,
                    struct pawl_str by);
void pawl_slot_done(struct pawl_slot *s, const struct pawl_reply *reply);
void pawl_slot_found(struct pawl_slot *s, int status, const struct pawl_found *found);
/* The run ends as it stands: what is open is stopped, nothing is undone. */
void pawl_hot_take_over(struct pawl_hot *h, const char *message, struct pawl_str id, struct pawl_str by);
extern const struct pawl_book pawl_slot_book;
/* undo.c */
void pawl_hot_end(struct pawl_hot *h, enum pawl_status status, enum pawl_class c, struct pawl_str message,
                  struct pawl_str output);
bool pawl_hot_undo_checked(struct pawl_hot *h); /* no step is open: what a check wants undone is; false: nothing */
void pawl_hot_wind_down(struct pawl_hot *h);    /* no step is open, and the run is ending: the next undo, or the end */
/* May what this step did be undone by its tool's undo, and has not been? `again`: also where an undo of it failed, and is
 * known not to have happened. */
bool pawl_undo_open(const struct pawl_hot *h, const struct pawl_step *s, bool again);
/* again.c: a run that has ended goes on by a person's word */
struct pawl_refusal { /* why something cannot be done; code 0: it can */
    int code;
    const char *what, *next;
};
/* answer.c: who may answer a question, and with other arguments than those that were asked about */
struct pawl_refusal pawl_answer_refused(const struct pawl_hot *h, const struct pawl_step *s,
                                        const struct pawl_request *r);
struct pawl_refusal pawl_answer_edited(struct pawl_hot *h, struct pawl_step *s, const struct pawl_request *r);
/* child.c: runs that steps of other runs have started */
void pawl_child_want(struct pawl_slot *s); /* begin what its pass waits for */
bool pawl_child_found(struct pawl_slot *s, int status,
                      const struct pawl_found *found);       /* false: it is looked at later */
void pawl_child_stop(struct pawl_slot *s);                   /* its own run is being stopped */
void pawl_child_news(struct pawl_hot *child, int64_t in_ns); /* it is stored, it has ended, or it could not be begun */
void pawl_child_ends(struct pawl_hot *h);                    /* beside run.ended: who is to be told */
void pawl_child_start(struct pawl_engine *e, const struct pawl_shared *rows, uint32_t count);
void pawl_child_answered(struct pawl_engine *e, uint64_t id, int code); /* to a request of ours */
void pawl_child_tell(struct pawl_engine *e);                            /* those that could not be told before */
void pawl_child_spent(struct pawl_hot *h, const struct pawl_slot *s);
/* What bounds this run, of its own and of its parent's: active time in all, wall time; 0: nothing. */
int64_t pawl_hot_deadline_ns(const struct pawl_hot *h);
int64_t pawl_hot_ends_ns(const struct pawl_hot *h);
/* signal.c: a signal is kept, and whoever waits for it goes on */
struct pawl_refusal pawl_signal_take(struct pawl_hot *h, const struct pawl_request *r);
bool pawl_signal_known(const struct pawl_run *run, const struct pawl_request *r); /* the same name, key and payload */
struct pawl_str pawl_again_merged(struct pawl_engine *e, struct pawl_str args, yyjson_val *with);
void pawl_slot_anew(struct pawl_hot *h, uint32_t number); /* its pass begins again, from what the fold says now */
bool pawl_again_reopens(enum pawl_ask what);
/* A person's arguments against the tool's input: NULL where they fit, else a sentence (of e->step, or constant). */
const char *pawl_again_misfit(struct pawl_engine *e, const struct pawl_tool *t, struct pawl_str args);
struct pawl_refusal pawl_again_retry(struct pawl_hot *h, const struct pawl_request *r);
struct pawl_refusal pawl_again_undo(struct pawl_hot *h, const struct pawl_request *r);
/* handoff.c */
struct pawl_refusal pawl_handoff(struct pawl_hot *h, const struct pawl_request *r, uint32_t *step);
/* request.c: why a person's result cannot be the tool's; NULL: it can */
const char *pawl_request_misfit(struct pawl_hot *h, const struct pawl_step *s, struct pawl_str result);
/* common.c: what no run owns */
/* A commit of one shared row alone; the pending entry's `common` is to be freed when it is answered. NULL: no memory. */
struct pawl_pending *pawl_common_commit(struct pawl_engine *e, enum pawl_pending_of of,
                                        const struct pawl_shared_op *op);
int pawl_common_result(const struct pawl_pending *p);
void pawl_common_request(struct pawl_engine *e, uint64_t id, const struct pawl_request *r);
void pawl_common_committed(struct pawl_engine *e, struct pawl_pending *p, int status);
void pawl_common_drop(struct pawl_engine *e, struct pawl_str row); /* a shared row that nobody needs any more */
void pawl_common_free(struct pawl_engine *e, struct pawl_pending *p);
/* schedule.c: what begins by the clock */
void pawl_schedules_start(struct pawl_engine *e, const struct pawl_shared *rows, uint32_t count);
void pawl_schedules_run(struct pawl_engine *e, const struct pawl_config *c); /* from here on this owner begins them */
void pawl_schedules_clock(struct pawl_engine *e);                            /* the wall clock may have been set */
void pawl_schedules_free(struct pawl_engine *e);
void pawl_schedule_due(struct pawl_schedule_state *s);
void pawl_schedule_request(struct pawl_engine *e, uint64_t id, const struct pawl_request *r);
void pawl_schedule_answered(struct pawl_engine *e, struct pawl_pending *p, const struct pawl_event *in);
void pawl_schedule_news(struct pawl_hot *h);             /* something of it is stored; of no schedule: fine */
void pawl_schedule_failed(struct pawl_hot *h, int code); /* it could not be created; likewise */
/* called.c: a tool calls back about a call that it accepted. `word` says what became of that: "taken", "running", "duplicate"
 * or "late". Of a run that has ended: only whether it may, and "late". */
struct pawl_refusal pawl_called_take(struct pawl_hot *h, const struct pawl_request *r, const char **word);
struct pawl_refusal pawl_called_late(struct pawl_engine *e, const struct pawl_config *c, const struct pawl_run *run,
                                     const struct pawl_request *r, const char **word);
/* claims.c */
void pawl_claims_want(struct pawl_slot *s);
void pawl_claims_found(struct pawl_slot *s, int status, const struct pawl_claim *claim);
void pawl_claims_wait(struct pawl_slot *s);
void pawl_claims_committed(struct pawl_engine *e, const struct pawl_claim_op *ops, uint32_t count);
void pawl_claims_leave(struct pawl_slot *s); /* its pass is gone: what it reserved is free again */
/* request.c */
/* A run is made, and will be stored with the next commit. NULL: no memory. */
struct pawl_hot *pawl_request_begin(struct pawl_engine *e, const struct pawl_request *r);
void pawl_engine_request(struct pawl_engine *e, uint64_t id, const struct pawl_request *request);
void pawl_request_to(struct pawl_engine *e, struct pawl_asking *asking,
                     struct pawl_hot *h); /* its run is hot; frees it */
void pawl_request_ended(struct pawl_engine *e, struct pawl_asking *asking, const struct pawl_run_records *stored);
void pawl_request_key_found(struct pawl_engine *e, struct pawl_asking *asking, int status, struct pawl_id run);
void pawl_request_key_read(struct pawl_engine *e, struct pawl_asking *asking, int status,
                           const struct pawl_found *found);
void pawl_request_retry_start(struct pawl_engine *e, struct pawl_hot *h); /* its create was refused: who has the key? */
void pawl_request_refuse(struct pawl_engine *e, uint64_t id, struct pawl_id run, int code, const char *what,
                         const char *next);
void pawl_request_refuse_store(struct pawl_engine *e, uint64_t id, struct pawl_id run, int status); /* it could not */
void pawl_request_done(struct pawl_engine *e, uint64_t id); /* of what no run owns */
void pawl_request_answer(struct pawl_engine *e, uint64_t id, const struct pawl_run *run, uint32_t step,
                         const char *word); /* NULL: none */
void pawl_asking_free(struct pawl_engine *e, struct pawl_asking *asking);
