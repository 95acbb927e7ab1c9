/* src/journal/run.h - the fold: a run's records in order give this state, and nothing else does.
 *
 * What each kind's body holds is said beside the member that it sets; docs/journal.md has the same list. The engine
 * appends a record and folds it in one move, so a run in memory is always what its journal says.
 *
 *   DECIDED -> ASKED -> APPROVED -> INTENDED -> (IN_DOUBT ->) COMPLETED | FAILED
 * Any state before INTENDED may go to COMPLETED (answered without sending) or FAILED. Plain reads skip INTENDED. */
#pragma once
#include "contract/outcome.h"
#include "journal/spending.h"
#include "journal/store.h"

enum pawl_step_kind {
    PAWL_STEP_MODEL = 1,
    PAWL_STEP_TOOL = 2,
    PAWL_STEP_UNDO = 3,
    PAWL_STEP_GATE = 4,
    PAWL_STEP_SUMMARY = 5, /* a model sums up what the conversation leaves out from then on */
    PAWL_STEP_OPINION = 6  /* a model or a read has a say in whether a call leaves (policy/opinion.c) */
};
enum pawl_step_state {
    PAWL_STEP_DECIDED,
    PAWL_STEP_ASKED,
    PAWL_STEP_APPROVED,
    PAWL_STEP_INTENDED_STATE,
    PAWL_STEP_DOUBT,
    PAWL_STEP_DONE,
    PAWL_STEP_NOT_DONE
};
enum { /* why a question was asked */
       PAWL_WHY_GATE = 1,
       PAWL_WHY_REPEAT = 2,
       PAWL_WHY_CONFLICT = 4,
       PAWL_WHY_GUARD = 8,
       PAWL_WHY_BUDGET = 16,
       PAWL_WHY_OPINION = 32,
       PAWL_WHY_CHECK = 64,
       PAWL_WHY_LAST = PAWL_WHY_CHECK,
       PAWL_WHY_STAGES = PAWL_WHY_GUARD | PAWL_WHY_BUDGET | PAWL_WHY_OPINION |
                         PAWL_WHY_CHECK /* what stages beside gate and dedupe ask */
};
const char *pawl_why_word(uint32_t one_bit); /* "gate", ... */
struct
    pawl_shortage { /* gate.asked {budget: {account, of, most, gone, reserved, need, more}}: what there is too little of */
    struct pawl_str account; /* "run": this one; else as in policy/account.h */
    enum pawl_budget_of of;
    int64_t most, gone, reserved, need;
    int64_t more; /* what a yes without an amount gives */
};

struct pawl_step {   /* what every look over all steps reads comes first, so that it costs one line of cache each */
    uint32_t number; /* from 1, in decision order */
    enum pawl_step_kind kind;
    enum pawl_step_state state;
    bool has_intent; /* intent_key and args_digest are set */
    bool applied;    /* it happened (a failed step may have: answer unusable) */
    bool answered;   /* completed from first_step's result, nothing was sent */
    bool undone, undo_failed;
    bool aside;  /* run.retried {aside}: decided behind that one; what it did is a fact, no part of the conversation */
    bool edited; /* a person changed its arguments */
    bool stop;   /* step.resolved {how: "stop"}: end the run */
    bool resend; /* step.resolved {how: "not_happened"}: send again */
    struct pawl_hash intent_key;
    struct pawl_str name, call_id, args; /* tool: args is the model's text. undo: canonical args */
    struct pawl_str said;                /* edited: what the model's own arguments were; else {NULL,0} */
    uint32_t generation_from;            /* keys of fewer generations belong to other arguments (LEDGER 4) */
    uint32_t turn;                       /* user turns that the run had seen when this was decided */
    uint32_t undoes;                     /* undo: the step that it undoes */
    uint32_t undone_by;                  /* the undo step that did; 0: none, or the model's own call */
    struct pawl_id child;   /* child.started {run, agent}: the run that it started; zeroed: none is known */
    bool is_child;          /* step.intended {kind: "child"} */
    bool child_ended;       /* child.ended {run, status, ...}, beside the step's own end */
    struct pawl_str awaits; /* step.intended {kind: "wait", signal}: the name; {NULL,0}: it does not */
    uint64_t decided_seq, intended_seq, ended_seq;
    int64_t intended_at_ns, ended_at_ns;
    /* the question: gate.asked {why, says, digest, request, key, generation, expires, then, first}. With {kind: "gate",
     * name, otherwise} it is one about the run and no call of it: a step of its own, which ends with the answer. */
    uint32_t why;
    struct pawl_str says;      /* what the person was told beside the reasons; {NULL,0}: nothing */
    enum pawl_class otherwise; /* a gate's step: what the run ends with where the answer is no */
    struct pawl_str
        handed; /* gate.answered {result}: a person's, in the place of the tool's; a gate's step: see content */
    struct pawl_str with; /* a gate's step: gate.answered {with}, a JSON object that came with the yes */
    struct pawl_hash asked_digest;
    int64_t expires_ns;
    uint64_t asked_seq;
    struct pawl_id first_run; /* REPEAT, CONFLICT: the step that did it first; also of a step answered from another */
    uint32_t first_step;
    uint32_t quorum, yes_count; /* gate.asked {quorum}: so many must say yes; so many have, and who: */
    uint32_t yes_size;
    struct pawl_str *yes;
    bool denied;            /* gate.answered {answer: "no", until: when a yes that nobody said runs out} */
    struct pawl_str reason; /* what who answered said */
    /* the intent: step.intended {kind, name, key, generation, digest, request, intent, args, gate, look, look_digest,
     * instead} */
    struct pawl_str request; /* JSON text; model: {NULL,0}, only its digest is kept */
    struct pawl_hash digest;
    char key[PAWL_ID_TEXT];
    uint32_t generation;
    struct pawl_hash args_digest;
    struct pawl_hash args_hash; /* of args as canonical JSON, kept beside the fold: contract_in.c, guard_count.c */
    const char *args_hash_of;   /* the args.p that it is of */
    struct pawl_claim instead;  /* {instead}: the done claim that this repeat took the place of; step 0: none */
    struct pawl_str look;       /* what verify's read said before the intent; {NULL,0}: not looked */
    struct pawl_str before;     /* {before}: what was there before, for its checks; {NULL,0}: not looked, or not told */
    struct pawl_hash look_digest; /* {look_digest}: of the request that verify's read would be */
    /* attempts: step.attempted {attempt, model, digest} leaves (another request from here on), {attempt, ended: {class, applied, message, retry_at}} came back */
    uint32_t attempts;
    bool open;                                 /* the last attempt left, or may have, and no end of it is recorded */
    bool unknown;                              /* some attempt ended unknown, and nothing has cleared it (LEDGER 1) */
    int64_t first_attempt_ns, last_attempt_ns; /* wall clock */
    int64_t retry_at_ns;                       /* wall clock; 0: at once */
    bool other_model;                          /* {model} of an attempt: it went to another one than was intended */
    enum pawl_class last_class;
    bool doubt_applied; /* in doubt about the answer only: it is known to have happened */
    /* accepted (202), and heard of later: step.accepted {attempt, until, monitor, poll_at, message},
     * step.polled {word, monitor, at_result, gone, poll_at, not_before, message} (where there is news), step.called {says, result | message,
     * id}: the first that came in time; later ones are notes {late: "callback", says, result | message} */
    bool accepted;  /* its end is being awaited */
    bool at_result; /* what is at the monitor is the result itself */
    bool called, called_failed;
    struct pawl_str monitor; /* {NULL,0}: there is none to ask (any more) */
    struct pawl_str
        operation; /* the first one: what is told to stop. Where it sent us on may be the very thing that was made */
    bool told_to_stop;                                    /* step.polled {stop: METHOD}: at its deadline */
    struct pawl_str word;                                 /* the status that it gave last */
    int64_t accepted_ns, until_ns, poll_at_ns, polled_ns; /* wall clock; polled_ns: of the last of these records */
    int64_t not_before_ns; /* the monitor's own word on when to ask again, where that is more than a second */
    uint32_t late;         /* notes of what was called back too late */
    struct pawl_str called_result, called_message;
    /* the end: step.completed {result, attempts, same_as, of_run, verified} or step.failed {class, message, applied} */
    bool differs;   /* verified: "differs": read back, it is not as expected */
    bool read_back; /* verified: "yes"; or verify found it */
    /* {checks: [{name, found, says, then}], after}: what came of it against what was meant (policy/check.c) */
    struct pawl_str checks, after; /* as JSON text; {NULL,0}: nothing was checked, nothing was read */
    struct pawl_str check_says;    /* those that do not hold, in words; {NULL,0}: all do */
    unsigned check_then;           /* what is done about them: PAWL_CHECK_TELL, ... */
    /* note {looked_back: "yes" | "differs" | "could not be told", before}: a guard had it read back before that model step */
    enum { PAWL_NOT_LOOKED_BACK, PAWL_LOOKED_AS_EXPECTED, PAWL_LOOKED_DIFFERS, PAWL_LOOKED_NOT_TOLD } looked_back;
    uint32_t looked_back_before;
    struct pawl_str result, message;
    struct pawl_str note; /* {note}: what the result is, where it is not the tool's own; for the model */
    enum pawl_class error_class;
    /* model: what an attempt that is out may cost at worst: step.intended, step.attempted {reserve: {steps, tokens, cost,
     * accounts}}; budget.settled {steps, tokens, cost, estimated} ends it */
    bool reserves;
    int64_t reserved[PAWL_BUDGET_OFS];
    const struct pawl_str *accounts; /* that it counts in, beside the run's own */
    uint32_t accounts_count;
    int64_t spent[PAWL_BUDGET_OFS], estimated[PAWL_BUDGET_OFS];
    struct pawl_shortage shortage; /* BUDGET: what the question is about */
    struct pawl_str routed;        /* {routed}, as JSON text; {NULL,0}: it was not chosen for this one */
    struct pawl_str
        degraded_from; /* step.intended {degraded}: asked in the place of this one, which would cost too much */
    /* model: what its result says: {content, finish, refusal, tool_calls} */
    struct pawl_str content, finish, refusal;
    uint32_t calls;
    uint32_t told_bytes, told_tokens; /* the conversation as it was sent, and as the provider counted it; 0: not told */
    /* opinion: opinion.asked {on, by, of, name, digest, request, args}: its answer is its result */
    uint32_t opines_on, opinion_by; /* the call's step; which of those who are asked */
    bool by_model;
    struct pawl_str shown; /* the call's request, as it was shown */
    /* a call: opinion.judged {digest, agree, says, otherwise} */
    bool judged, agreed, opinion_stops;
    struct pawl_hash judged_digest; /* an opinion's too: what it is about */
    struct pawl_str opinion_says;
    uint32_t opinions_from; /* those up to this step are of a try before */
    uint32_t covers_to;     /* summary: it sums up what stands before and up to this model step */
};

/* context.pruned {results_to, left_out_to, summary}: how the conversation is told from the step `step` on. Each says all. */
struct pawl_pruning {
    uint64_t seq;
    uint32_t step;        /* the next one when it was written */
    uint32_t results_to;  /* what tools answered up to this step is told in a line */
    uint32_t left_out_to; /* what stands up to this model step is left out, */
    uint32_t summary;     /* and what this step says is told instead; 0: nothing is */
};

struct pawl_turn_text { /* a user's message: run.created's input is the first, signal.received {text} the others */
    struct pawl_str text;
    uint64_t seq;
    uint32_t before_step; /* enters the conversation before this model step; 0: not yet */
};
struct pawl_signal { /* signal.received {name, payload, key}: kept until a step that waits for its name takes it */
    struct pawl_str name, payload, key; /* payload: JSON text; key {NULL,0}: none */
    uint64_t seq;
    uint32_t taken_by; /* step.completed {signal: seq}, step.failed {signal: seq}: the step that did; 0: nobody yet */
};
struct pawl_answer_id { /* client-made ids of what came in, for LEDGER 13 */
    struct pawl_str id;
    uint64_t seq;
};

/* guard.tripped {rule, limit, count, from, answer, says}, of the step that it stands before: a call, or the model's next. */
struct pawl_trip {
    struct pawl_str rule, says;
    enum pawl_guard_answer answer;
    uint32_t step, from; /* from: the first step of what was counted */
    uint32_t limit, count;
    double bound;
    int64_t at_ns;
    bool call;  /* of a call, before it left */
    bool aside; /* part of a conversation that was set aside */
};
/* fact.written {name, value, source, about, fresh_until, unverified}, of the read that said it; {again}: read again by the
 * runtime, on behalf of that step. */
struct pawl_fact {
    struct pawl_str name, value, source, about; /* value, about: JSON text; about: the arguments that it is about */
    uint32_t step;
    uint64_t seq;
    int64_t at_ns, fresh_until_ns; /* 0: it does not go stale */
    bool unverified;               /* nobody has vouched for it: no other source, no person */
    bool again;
};

struct pawl_payer { /* a run that this one is a child of, and what that may spend, its children included */
    struct pawl_str account;
    int64_t most[PAWL_BUDGET_OFS];
};

struct pawl_run {
    struct pawl_arena *arena;
    struct pawl_id id;
    struct pawl_str agent, key, input; /* input: JSON text */
    struct pawl_hash config;
    bool chat;             /* parks for the next message instead of ending */
    struct pawl_id parent; /* run.created {parent: {run, step}}: whose step this run is; zeroed: nobody's, */
    uint32_t parent_step;  /* 0: likewise */
    struct pawl_id root; /* ... {root}: the run that nobody started, of which this one is a child's child; its own id */
    uint32_t depth;      /* ... {depth}: 0: nobody's child */
    int64_t deadline_ns; /* ... {deadline}: active time that its parent had left; 0: no bound */
    int64_t ends_ns;     /* ... {ends}: wall time by which its parent ends; 0: none */
    uint32_t children;   /* steps that started one */
    struct pawl_str schedule; /* ... {schedule: {name, slot, at}}: what began it; {NULL,0}: no schedule, */
    int64_t slot_ns;          /* for this time; 0: by a person's word */
    struct pawl_str
        redact; /* ... {redact: {input: [pointers], output: [pointers]}}: struck out here, too; {NULL,0}: nothing */
    int64_t created_ns, at_ns; /* of the first and the last record */
    int64_t begins_ns;         /* run.created {begins}: no step before that wall time; 0: at once */
    uint64_t seq;
    struct pawl_hash hash;
    struct pawl_step **steps; /* steps[number - 1] */
    uint32_t steps_count, steps_size;
    uint32_t ended_to; /* all steps up to this number have ended */
    bool stopped;      /* some step has `stop` */
    struct pawl_turn_text *turns;
    uint32_t turns_count, turns_size;
    uint32_t turns_seen;         /* turns that entered the conversation */
    struct pawl_signal *signals; /* in the order they came */
    uint32_t signals_count, signals_size, signals_taken;
    struct pawl_pruning *prunings; /* in order */
    uint32_t prunings_count, prunings_size;
    struct pawl_answer_id *answers;
    uint32_t answers_count, answers_size;
    bool ending;                    /* run.cancelled: no new intents; what is open is resolved, undone, then it ends */
    bool chat_ended;                /* signal.received {end: true}: the next answer ends the run */
    bool kept;                      /* run.cancelled {keep}: a person took it over, nothing is undone by itself */
    enum pawl_status ending_status; /* what it will end as */
    enum pawl_class ending_class;
    struct pawl_str ending_message;
    bool ended;               /* run.ended {status, output, class, message}; only a person's word makes it go on: */
    uint32_t retries;         /* run.retried {again: [steps that are tried again], aside, with: {args of again[0]}}, */
    int64_t since_ns;         /* of the last of these, or of its start: from then on its limits count, */
    uint32_t steps_before;    /* and so many steps were there, */
    int64_t active_before_ns; /* and so much active time was spent ({active}) */
    struct pawl_str routed;   /* step.intended {routed: {to, from, runs, rate_ppm}}: the model that was chosen for it */
    struct pawl_spending spending;
    const struct pawl_payer *payers; /* run.created {payers: [{account, tokens, cost}]}; retried: its own */
    uint32_t payers_count;
    bool payers_own; /* the first of them is its own account: what it may spend, the runs that it starts may, too */
    int64_t gone_before[PAWL_BUDGET_OFS]; /* of what is spent and estimated: before the last retry */
    bool undoing; /* undo.asked {to}: what was done behind the step `to` is undone, then it ends as it had */
    uint32_t undo_to;
    unsigned check_then; /* of all its steps */
    struct pawl_trip *trips;
    uint32_t trips_count, trips_size;
    uint32_t trips_from; /* those before were of an earlier try of the run: they bind no more */
    struct pawl_fact *facts;
    uint32_t facts_count, facts_size;
    enum pawl_status status; /* RUNNING until ended */
    enum pawl_class error_class;
    struct pawl_str output, message;
};

/* An empty run whose memory is the arena's. */
int pawl_run_init(struct pawl_run *run, struct pawl_arena *arena);
/* Take the next record in. PAWL_ECORRUPT: it cannot follow (err says how). PAWL_ENOMEM: the run is unusable then. */
int pawl_run_fold(struct pawl_run *run, const struct pawl_record *r, struct pawl_error *err);
struct pawl_step *pawl_run_step(const struct pawl_run *run, uint32_t number); /* NULL: no such */
bool pawl_step_ended(const struct pawl_step *s);
/* The oldest signal of that name that nobody has taken; NULL: none is there. */
const struct pawl_signal *pawl_run_signal(const struct pawl_run *run, struct pawl_str name);
/* The signal of that name and key, taken or not; NULL: none, or no key. */
const struct pawl_signal *pawl_run_signal_keyed(const struct pawl_run *run, struct pawl_str name, struct pawl_str key);
/* May the step `number` change anything? NULL: yes. Else the trip that narrowed the run to reads, and no person has spoken
 * since. For the next step of the model: steps_count + 1. */
const struct pawl_trip *pawl_run_narrowed(const struct pawl_run *run, uint32_t number);
const struct pawl_trip *pawl_run_stopped(const struct pawl_run *run); /* by a guard; NULL: it is not */
const char *pawl_check_word(unsigned one_bit); /* of PAWL_CHECK_TELL, ...: "tell". run_checked.c */
/* It asks a model: the agent's own, or one beside the conversation. */
static inline bool pawl_step_asks_model(const struct pawl_step *s)
{
    return s->kind == PAWL_STEP_MODEL || s->kind == PAWL_STEP_SUMMARY || (s->kind == PAWL_STEP_OPINION && s->by_model);
}
/* How the conversation of the model step `step` is told; all zero: in full. */
struct pawl_pruning pawl_run_pruning(const struct pawl_run *run, uint32_t step);
/* Was this client-made id seen? Its record's seq, else 0. */
uint64_t pawl_run_answered(const struct pawl_run *run, struct pawl_str id);
