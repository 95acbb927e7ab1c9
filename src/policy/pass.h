/* src/policy/pass.h - one step on its way through the pipeline: what every stage reads and writes.
 *
 * A pass is memory only. All that must survive is in the journal, so that after a crash the same step simply goes
 * through the pipeline again from the top, and every stage sees from step->state what has been done already. */
#pragma once
#include "base/prng.h"
#include "journal/run.h"
#include "policy/ports.h"
#include "policy/shared.h"

enum pawl_verdict {
    PAWL_GO,     /* on to the next stage */
    PAWL_WAIT,   /* for what pass->want says; then this stage is entered again */
    PAWL_ANSWER, /* completed without sending: pass->result, pass->first_* or pass->note */
    PAWL_FAIL,   /* ended: pass->error_class, pass->message */
    PAWL_BACK    /* to the stage pass->back */
};
enum pawl_want {
    PAWL_WANT_NOTHING,
    PAWL_WANT_CLAIM,      /* who holds pass->claim_key? the engine fills claim_state, claim */
    PAWL_WANT_CLAIM_FREE, /* until another run's step has let go of it */
    PAWL_WANT_RESULT,     /* of pass->first_run's step first_step: the engine fills result */
    PAWL_WANT_STEP,       /* until the step pass->want_step of this run has ended */
    PAWL_WANT_PERSON,     /* an answer, or wall time pass->until_wall_ns */
    PAWL_WANT_DURABLE,    /* all the run's records so far */
    PAWL_WANT_ATTEMPT,    /* send; the engine fills outcome and sets came */
    PAWL_WANT_LOOK,       /* send verify's read; fills looked, and sets came */
    PAWL_WANT_POLL,       /* ask the monitor of an accepted call; fills news, and sets news_came */
    PAWL_WANT_LATER,      /* being called back, or wall time pass->until_wall_ns: the run may park */
    PAWL_WANT_TIME,       /* wall time pass->until_wall_ns */
    PAWL_WANT_CHILD,      /* what pass->child_want says; the engine looks, and fills child */
    PAWL_WANT_SIGNAL,     /* one of the name that the tool waits for, or wall time pass->until_wall_ns */
    PAWL_WANT_ROOM        /* in a line of shared.h, until it is woken, or wall time pass->until_wall_ns */
};
enum pawl_claim_is { PAWL_CLAIM_NOT_ASKED, PAWL_CLAIM_FREE, PAWL_CLAIM_OURS, PAWL_CLAIM_HELD };
enum pawl_stage {
    PAWL_STAGE_SCOPE,
    PAWL_STAGE_CONTRACT_IN,
    PAWL_STAGE_DEDUPE,
    PAWL_STAGE_GUARD,
    PAWL_STAGE_GATE,
    PAWL_STAGE_BUDGET,
    PAWL_STAGE_DEADLINE,
    PAWL_STAGE_LANE,
    PAWL_STAGE_BREAKER,
    PAWL_STAGE_RATE,
    PAWL_STAGE_INTENT,
    PAWL_STAGE_ATTEMPT,
    PAWL_STAGE_CLASSIFY,
    PAWL_STAGE_RETRY,
    PAWL_STAGE_CONTRACT_OUT,
    PAWL_STAGE_VERIFY,
    PAWL_STAGE_RECORD,
    PAWL_STAGE_SPAN,
    PAWL_STAGE_COUNT
};

struct pawl_pass;
struct pawl_book { /* where records and claims go: the engine's, folded at once, committed together */
    int (*append)(struct pawl_pass *p, enum pawl_kind kind, struct pawl_str body);
    int (*claim)(struct pawl_pass *p, const struct pawl_claim_op *op);
    int (*shared)(struct pawl_pass *p, const struct pawl_shared_op *op);
};

/* What is known of the run that a step started (policy/child.c). Texts are of the pass's arena. */
enum pawl_child_want {
    PAWL_CHILD_LOOK,
    PAWL_CHILD_START,
    PAWL_CHILD_CANCEL,
    PAWL_CHILD_UNDO,
    PAWL_CHILD_AWAIT,
    PAWL_CHILD_REST
};
struct pawl_child {
    enum { PAWL_CHILD_UNSEEN, PAWL_CHILD_NONE, PAWL_CHILD_ALIVE, PAWL_CHILD_OVER } is;
    enum pawl_status status; /* OVER */
    bool ending;             /* ALIVE: it is being stopped, durably */
    bool at_its_end;         /* ALIVE: its end is on its way to the store */
    bool undo_said;          /* our word to undo it is in its journal */
    bool applied;            /* something that it did stays done */
    int refused;             /* the answer to the last word that was said to it; 0: taken */
    enum pawl_class error_class;
    struct pawl_str output, message;
    int64_t active_ns, ended_wall_ns;
};

struct pawl_pass {
    struct pawl_run *run;
    struct pawl_step *step; /* NULL: a model step before its intent */
    uint32_t number;
    const struct pawl_config *config;
    const struct pawl_agent *agent;
    const struct pawl_tool *tool;   /* NULL: a model step, or an unknown name */
    const struct pawl_model *model; /* NULL: a tool step */
    const struct pawl_ports *ports;
    const struct pawl_book *book;
    const uint8_t *store_id;
    struct pawl_prng *prng;
    struct pawl_shared_state *shared;
    struct pawl_arena *arena; /* the pass's own */
    int64_t now_ns, wall_ns;  /* set before every entering */
    int64_t taken_wall_ns;    /* when its owner took the run up: a restart, unless the attempt is younger */
    int64_t left_ns;          /* of the run's active time; PAWL_NEVER */
    int64_t began_ns;
    const struct pawl_decision *decision; /* model step: the conversation */
    int rc;                               /* PAWL_ENOMEM: the run is to be dropped and folded again */

    enum pawl_stage stage, back;
    enum pawl_want want;
    uint32_t want_step;
    int64_t until_wall_ns;
    uint32_t entered; /* bit per stage: whose leave is due */

    yyjson_val *args, *document; /* contract-in */
    struct pawl_hash claim_key;  /* dedupe, in scopes wider than the run */
    enum pawl_claim_is claim_state;
    struct pawl_claim claim;
    bool claim_took;      /* a TAKE of ours is in the journal or on its way there */
    bool claim_instead;   /* it was taken from p->claim, a claim that was done, by a person's word */
    uint32_t why;         /* questions that stages have, */
    struct pawl_str says; /* and what the person is to know of them; {NULL,0}: nothing more */
    struct pawl_id first_run;
    uint32_t first_step;
    bool first_no_answer; /* of another run: it was undone since, or nobody has its result */
    uint32_t generation;
    char key[PAWL_ID_TEXT];
    struct pawl_str request; /* gate: the fixed request */
    struct pawl_hash digest;
    bool condition_did_not_hold;
    int64_t timeout_ns; /* deadline */
    uint32_t attempts;  /* attempts known to have been made */
    int64_t sent_ns;    /* when the last one left */
    int64_t backoff_ns; /* the last wait between attempts; 0: none yet */
    int64_t hedge_ns;   /* attempt: ask a second time beside it after this long; 0: do not */
    bool came, counted; /* an outcome is here; this attempt was counted */
    bool recovered;     /* outcome is what the journal says, from before a restart */
    struct pawl_id child_id;
    struct pawl_child child;
    enum pawl_child_want child_want;
    int64_t child_active_ns; /* of the run's time that its child spent; the engine counts it */
    uint64_t signal_seq;     /* wait: the signal that it took; 0: none */
    bool crashed;            /* the attempt that it speaks of was cut off by our own crash */
    bool unknown;            /* some attempt ended unknown and nothing has cleared it */
    struct pawl_outcome outcome, looked;
    int32_t looked_status;
    bool look_came;
    const struct pawl_tool *look_tool; /* a guard's look: this read, as that step made it; NULL: verify's */
    const struct pawl_step *look_of;   /* NULL: with these arguments */
    struct pawl_str look_args;
    bool look_back; /* a guard's look at what look_of, which has ended, did */
    bool final;     /* nothing is asked any more: is the last answer to count? (guard.c) */
    bool looked_first, looked_before, looked_after; /* what was there: verify's look, and those of checks, were had; */
    struct pawl_str look_first, before, after;      /* {NULL,0}: it could not be told */
    bool checked;                                   /* check: what came of it was judged; */
    struct pawl_str checks, check_says; /* as JSON text, and what does not hold in words; {NULL,0}: nothing */
    unsigned check_then;                /* bits of PAWL_CHECK_TELL, ... */
    uint32_t looks;
    struct pawl_news news; /* of an accepted call (async.c) */
    bool news_came, last_poll, took_called;
    bool stop_due, stopping; /* its monitor is told to stop it: once that is durable; now */
    int64_t poll_at_ns;      /* wall clock; 0: as the journal says */
    uint32_t hops;           /* monitors that named another one, in a row */
    enum { PAWL_HEARD_NOTHING, PAWL_HEARD_MONITOR, PAWL_HEARD_CALLBACK } heard; /* who told how it ended */
    int64_t attempt_ended_wall_ns;
    bool moved;                    /* configuration points elsewhere now than when the request was fixed */
    bool from_verify, from_person; /* where result came from */
    int verified;                  /* 0 not looked, 1 as expected, -1 not as expected, 2 could not be told */
    enum pawl_class error_class;
    struct pawl_str message, result;
    struct pawl_str note;             /* what stands in for an answer, for the model; {NULL,0}: nothing does */
    struct pawl_place place;          /* in a line of shared.h */
    struct pawl_lane_state *lane;     /* lane: a place is held; NULL: none */
    struct pawl_pool_state *pool;     /* rate: the same, */
    struct pawl_pool_lane *pool_lane; /* in this part of it, */
    double tokens;                    /* for so many tokens */
    struct pawl_dependency *admitted; /* breaker: an attempt may leave; NULL: not asked yet, or told how it ended */
    uint32_t admitted_generation;     /* ... unless its circuit has opened again since */
    bool probe;                       /* ... and shows whether the dependency is back */
    struct pawl_purses *purses;       /* budget: from what the call is paid; NULL: not found yet */
    struct pawl_str degraded_from;    /* budget: the model that would cost too much; {NULL,0}: it is as decided */
    uint32_t degrade_at;              /* budget: the next cheaper model in line */
    bool routes;                      /* routing: its model was chosen just now */
    bool routed;                      /* ... or at the run's beginning: once for a pass */
    bool route_left;                  /* it could not be asked, and the agent's own model was */
    bool unsent;                      /* stopped between its announcement and its leaving */
    bool stood_in;                    /* fallback: tool is not the one that was called */
    uint32_t model_from;              /* attempts made when this model was chosen */
    bool model_changed;               /* ... behind the intent: the next attempt says so */
    bool applied;                     /* ends failed, though it happened */
    enum { PAWL_ENDS_DONE, PAWL_ENDS_ANSWERED, PAWL_ENDS_FAILED } how;
    bool ended;
    bool anew; /* a model step before its intent: what was decided on has changed, the decision is to be made again */
};

/* The tool's step may change something out there. Undo steps count as what their tool is. */
static inline bool pawl_pass_changes(const struct pawl_pass *p)
{
    return p->tool && p->tool->effect != PAWL_EFFECT_READ;
}
/* Nothing leaves for it: what it waits for comes in by itself (policy/wait.c). */
static inline bool pawl_pass_is_child(const struct pawl_pass *p)
{
    return p->tool && p->tool->driver == PAWL_DRIVER_AGENT;
}
static inline bool pawl_pass_waits(const struct pawl_pass *p)
{
    return p->tool && pawl_tool_waits(p->tool);
}
static inline const struct pawl_retry *pawl_pass_retry(const struct pawl_pass *p)
{
    return p->model ? &p->model->retry : &p->tool->retry;
}
/* Does an attempt follow by itself? What a restart left open is resolved first, and sends nothing until then. */
bool pawl_pass_sends(const struct pawl_pass *p);
/* Ends the pass as failed: returns PAWL_FAIL. The message is copied. */
enum pawl_verdict pawl_pass_fail(struct pawl_pass *p, enum pawl_class c, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
enum pawl_verdict pawl_pass_wait(struct pawl_pass *p, enum pawl_want want);
enum pawl_verdict pawl_pass_until(struct pawl_pass *p, enum pawl_want want, int64_t wall_ns);
enum pawl_verdict pawl_pass_back(struct pawl_pass *p, enum pawl_stage to);
/* Append a record of this step; PAWL_GO, or PAWL_WAIT with p->rc set when there is no memory. */
enum pawl_verdict pawl_pass_append(struct pawl_pass *p, enum pawl_kind kind, struct pawl_buf *body);
