/* src/sim/world.h - the simulated world: what its parts share. Private to sim/.
 *
 * Three clocks. The world's own, w->now_ns, is the truth and orders all events. A node's monotonic clock is that plus
 * its own shift (it stands still while the node sleeps). The wall clock is that plus w->wall_shift_ns, which steps.
 *
 * All memory of the world is w->arena's, freed when the seed is over; engines and stores have their own. */
#pragma once
#include "base/heap.h"
#include "base/prng.h"
#include "engine/env.h"
#include "sim/sim.h"

#define PAWL_SIM_MS INT64_C(1000000)
#define PAWL_SIM_S (1000 * PAWL_SIM_MS)
#define PAWL_SIM_MIN (60 * PAWL_SIM_S)
#define PAWL_SIM_H (60 * PAWL_SIM_MIN)

enum {
    PAWL_SIM_RUNS = 96,
    PAWL_SIM_RUNS_MANY = 40, /* from there on no run starts another */
    PAWL_SIM_TOOLS = 16,
    PAWL_SIM_AGENTS = 3,
    PAWL_SIM_STEPS = 256, /* of a run, for what the checks remember */
    PAWL_SIM_FIND_MAX = 32,
    PAWL_SIM_ITEM = 24
};

struct pawl_sim;
struct pawl_sim_node;

struct pawl_sim_event {
    struct pawl_heap_node at; /* first: the heap's node is the event */
    void (*fire)(struct pawl_sim *w, struct pawl_sim_event *e);
    struct pawl_sim_node *node; /* whom it is for: a dead one never gets it, a sleeping one later; NULL: the world */
    void *p;
    uint64_t id;
    struct pawl_sim_event *next; /* free, or in a sleeping node's backlog */
};

enum pawl_sim_role { PAWL_SIM_READ, PAWL_SIM_LOOK, PAWL_SIM_CHANGE, PAWL_SIM_UNDO, PAWL_SIM_WAIT, PAWL_SIM_CHILD };
struct pawl_sim_tool { /* a tool and the truth about its server; contract: w->config.tools[same index] */
    enum pawl_sim_role role;
    uint32_t of, look, undo; /* index + 1; LOOK, UNDO: of this change; CHANGE: its own; 0: none */
    bool by_place;           /* verify looks at the place, not for the key */
    bool own_items;          /* items are one run's own */
    int64_t gate_over;       /* GATE_IF: asks where the amount is over this */
    int64_t settles_ns;      /* a lost request lands by then, or never */
    uint32_t bad, lost;      /* per mille of attempts, while the storm lasts */
};
struct pawl_sim_effect { /* what really happened; survives everything */
    uint32_t tool, run, step;
    char key[PAWL_ID_TEXT], item[PAWL_SIM_ITEM];
    int64_t amount, at_ns;
    bool moved;
};

enum pawl_sim_tells { PAWL_SIM_TELLS_NO, PAWL_SIM_TELLS_YES, PAWL_SIM_TELLS_NOTHING, PAWL_SIM_TELLS_LATER };
enum pawl_sim_says { PAWL_SIM_SAYS_FIXED, PAWL_SIM_SAYS_RESULT, PAWL_SIM_SAYS_HALF, PAWL_SIM_SAYS_OTHER };
struct pawl_sim_call { /* one attempt, from when it left */
    struct pawl_sim_call *next;
    struct pawl_sim_node *node; /* NULL: nobody hears the answer any more */
    uint64_t id;
    const struct pawl_tool *tool;   /* NULL: a model call, */
    const struct pawl_model *model; /* of this one */
    uint32_t tool_index, run, step, attempt;
    bool moved;                  /* to the server that the twin configuration names */
    bool look, over;             /* over: answered, given up, or its owner is gone */
    uint32_t op;                 /* accepted: its number at the monitor; 0: it is not */
    uint32_t told_to_stop;       /* ... how often; */
    bool op_fails;               /* ... and it will say that it failed: it never lands */
    bool lands, landed, running; /* running: the server is at it, and refuses the key with 409 meanwhile */
    enum pawl_sim_tells tells;   /* what the answer tells of the effect, by LEDGER 2 */
    enum pawl_sim_says says;     /* what the body is: reply.body as it stands, or made when it lands */
    char key[PAWL_ID_TEXT], item[PAWL_SIM_ITEM];
    int64_t amount, timeout_ns, began_ns, lands_ns, ends_ns;
    struct pawl_reply reply;
};

struct pawl_sim_op { /* what a node gave its disk */
    struct pawl_sim_op *next;
    struct pawl_sim_node *node;
    uint64_t id;
    struct pawl_commit *commit; /* or */
    const struct pawl_find *find;
    int64_t wall_ns; /* when it was given */
    int status;
    struct pawl_arena arena; /* of a search's answer */
    struct pawl_found found;
    struct pawl_run_records *runs;
    struct pawl_sim_op *older; /* all there ever were, for their arenas */
};

struct pawl_sim_node { /* one process: an engine and its door to the store */
    struct pawl_sim *w;
    uint32_t number;
    enum { PAWL_SIM_UP, PAWL_SIM_ASLEEP, PAWL_SIM_DEAD } state;
    bool replaced; /* another has taken over: what it still does must come to nothing */
    bool handing_over;
    struct pawl_store *store;
    struct pawl_engine *engine;
    struct pawl_ports ports;
    struct pawl_alloc alloc;  /* the engine's */
    int64_t allocations_left; /* until one fails; < 0: never */
    int64_t began_ns, mono_shift_ns, slept_ns, woke_ns;
    struct pawl_sim_op *ops, **ops_end; /* given, not yet done */
    bool turn_due;
    int64_t reported_ns;
    struct pawl_sim_event *backlog, **backlog_end;
    uint64_t told[PAWL_SIM_RUNS]; /* of each run: the seq up to which it was told that all is durable */
    struct pawl_sim_busy {        /* how long calls of a run were under way here */
        uint32_t calls;
        int64_t since_ns, ns;
    } busy[PAWL_SIM_RUNS];
    uint64_t compared[PAWL_SIM_RUNS]; /* the seq at which its fold was last compared with the store's */
    uint32_t outstanding;             /* given to the disk and not yet told */
    int64_t handed_ns;                /* when it was asked to hand over */
    bool twin, no_config, no_tools;
    bool serves; /* it was told to begin what schedules say */
};

struct pawl_sim_step { /* what the checks remember of a step */
    bool unknown;      /* some attempt's end told nothing, and nothing has cleared that */
    bool cut;          /* an owner lost it with an attempt announced: whether that left is not known to the next */
    uint32_t sent;     /* attempts that left */
    uint32_t words;    /* "not happened" said by a person */
    uint64_t used_seq; /* the question whose yes was used */
    uint64_t yes_seq;  /* the question, or change of it, to which so many different approvers said yes: bits by name */
    uint32_t yes;
    char key[PAWL_ID_TEXT];            /* of its last intent, */
    struct pawl_hash args;             /* for these arguments */
    uint32_t announced;                /* the last attempt that the journal announces, */
    uint64_t announced_seq;            /* and where */
    int64_t ended_wall_ns;             /* when the step ended; its record may show a later time, after a step back */
    int64_t ended_ns;                  /* the same by the world's clock */
    int64_t last_end_ns;               /* when the last attempt ended, or its owner did */
    bool look_was_early;               /* the last look began before that had settled */
    const struct pawl_model *asked_of; /* a model step: whom it asked last, */
    struct pawl_hash asked;            /* and with which request */
    const char *reserve;               /* what its announcement reserves, until that is settled */
    uint64_t settled_seq;              /* the last settlement: where, */
    bool estimated;                    /* how, */
    int64_t settled[2];                /* how many tokens, for how much */
};
struct pawl_sim_purse { /* what was spent of one thing, by the records alone */
    struct pawl_sim_purse *next;
    struct pawl_str name; /* of an account, or "runN" */
    int64_t of[PAWL_SPENDS][PAWL_BUDGET_OFS];
    int64_t before[PAWL_BUDGET_OFS]; /* of a run: until it was tried again */
};
struct pawl_sim_quality { /* of a model, for an agent: runs that began with it and ended in a way that says something */
    uint32_t runs;
    int64_t at_ns; /* the last of them, by its record */
};
struct pawl_sim_run {
    struct pawl_id id;
    uint32_t index;
    char text[PAWL_ID_TEXT];
    struct pawl_arena arena;
    struct pawl_run stored; /* the fold of what is stored */
    struct pawl_head head;  /* as stored; its strings are not kept */
    uint64_t epoch;
    const struct pawl_sim_node *owner; /* who claimed or made it last */
    uint32_t fruitless, deaths;        /* claims, and owners that died with it in hand, since something moved on */
    int64_t began_ns;                  /* when it was stored first */
    bool live;                         /* the store says that somebody is at it, since */
    int64_t live_since_ns, live_ns;    /* and so long before */
    int64_t looks_ns;                  /* of monitors, while the store has it parked: its owner counts that */
    int64_t tried_ns;                  /* live time of its earlier tries: its parent's time, not its own any more */
    uint64_t cancelled_seq;
    bool poison;
    bool person_due;
    bool was_done, was_cancelled, was_failed; /* it has ended so, and may have been taken up again since */
    bool family;                              /* it may start runs, and has a limit that counts for them, too */
    uint32_t payers;                          /* accounts of such that pay for it, its own included */
    uint32_t interrupts;                      /* said while a model call of it waited for room */
    struct pawl_sim_step *steps;              /* PAWL_SIM_STEPS */
    /* what its model has in mind */
    uint32_t answers, calm_answers, answers_max;
    int last_tool;
    char last_args[160];
    uint32_t messages;     /* sent by the user so far */
    uint32_t signals;      /* sent so far */
    uint32_t looked_after; /* how often a person did something about its end */
};

enum pawl_sim_caller { /* who calls back: the tool; it once more, otherwise; and who has no token for it, or no signature */
                       PAWL_SIM_TOOL,
                       PAWL_SIM_CONTRARY,
                       PAWL_SIM_STRANGER,
                       PAWL_SIM_OTHERS,
                       PAWL_SIM_UNSIGNED
};
struct pawl_sim_ask { /* what a client wants, until it is answered; said again after a crash, with the same id */
    struct pawl_sim_ask *next;
    struct pawl_request request;
    uint64_t delivery;          /* the latest */
    struct pawl_sim_node *node; /* who has it; NULL: to be delivered */
    uint32_t deliveries;
    bool answered, again; /* again: the same id is sent once more after the answer */
    int code;
    struct pawl_id run;
    uint32_t step;
    struct pawl_sim_ask *against; /* this says something else than that one did */
    bool stale;                   /* bound to a digest that nobody showed */
    struct pawl_sim_call *op;     /* a callback: about this call, */
    enum pawl_sim_caller who;     /* by them, */
    bool says_done, runs_on;      /* and what it says; else it failed; */
    int64_t signed_ns;            /* signed then, by the wall clock */
};

struct pawl_sim {
    const struct pawl_sim_options *o;
    struct pawl_sim_result *out;
    struct pawl_arena arena, scratch; /* scratch: until the next event */
    struct pawl_prng prng;
    bool no_memory;
    /* time */
    int64_t now_ns, wall_shift_ns, wall_most_ns, storm_ends_ns, wall_back_ns, wall_back_max_ns;
    struct pawl_heap queue;
    struct pawl_sim_event *free_events;
    bool calm;
    uint32_t faults;
    uint32_t crash_mille, disk_mille;
    /* what is configured */
    struct pawl_config config, twin;
    struct pawl_model *models;
    struct pawl_tool *contracts, *twin_contracts;
    struct pawl_agent *agents, *twin_agents;
    bool helper, helper_helped; /* the last agent is one that others start; and it starts itself */
    struct pawl_sim_tool tools[PAWL_SIM_TOOLS];
    struct pawl_schema *schemas[32];
    struct pawl_schema_cache schema_cache;
    uint32_t schemas_count;
    /* the world outside */
    struct pawl_sim_effect *effects;
    uint32_t effects_count, effects_size;
    struct pawl_sim_call *calls;
    uint32_t ops; /* calls that were accepted */
    struct pawl_sim_ask *asks, **asks_end;
    struct pawl_sim_purse *purses;
    struct pawl_sim_quality quality[PAWL_SIM_AGENTS + 1][2];
    uint32_t asked_bytes, asked_max; /* of the model call that is being answered */
    uint64_t deliveries, asks_count;
    uint32_t starts_planned, starts_done;
    /* the machine */
    struct pawl_store *door;             /* the sim's own, to read by */
    struct pawl_sim_node *node, *former; /* the owner now, and one that was */
    struct pawl_sim_op *all_ops;
    pawl_decide_fn *decide;
    pawl_ask_fn *ask;
    uint32_t poison_step;
    uint32_t nodes;
    bool restart_due;
    struct pawl_sim_run *runs[PAWL_SIM_RUNS];
    uint32_t runs_count;
    struct pawl_prng schedules_prng, interrupts_prng;
    bool interrupts;                     /* people speak while a model call waits for room */
    struct pawl_sim_schedule *schedules; /* check_schedule.c */
    uint32_t schedules_count;
    bool schedules_resumed; /* somebody has said that one goes on */
    struct pawl_id last_id;
    char line[1024];
    char scrap[1 << 14]; /* instead of memory that could not be had: the seed is over then */
};

/* world.c: chance, time, telling */
uint64_t pawl_sim_below(struct pawl_sim *w, uint64_t bound);
int64_t pawl_sim_between(struct pawl_sim *w, int64_t low, int64_t high); /* both included */
bool pawl_sim_chance(struct pawl_sim *w, uint32_t per_mille);
bool pawl_sim_plays(const struct pawl_sim *w, uint32_t fault); /* drawn, and the storm is on */
void *pawl_sim_get(struct pawl_sim *w, size_t bytes);          /* zeroed; never NULL: w->no_memory, see world.c */
struct pawl_str pawl_sim_text(struct pawl_sim *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void pawl_sim_at(struct pawl_sim *w, int64_t at_ns, void (*fire)(struct pawl_sim *, struct pawl_sim_event *),
                 struct pawl_sim_node *node, void *p, uint64_t id);
void pawl_sim_event_free(struct pawl_sim *w, struct pawl_sim_event *e);
int64_t pawl_sim_wall(const struct pawl_sim *w);
int64_t pawl_sim_wall_most(const struct pawl_sim *w); /* the latest that it has ever shown */
void pawl_sim_mix(struct pawl_sim *w, uint64_t v);    /* into the hash of all that happens */
void pawl_sim_say(struct pawl_sim *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define PAWL_SIM_SAY(w, ...) ((w)->o->line ? pawl_sim_say((w), __VA_ARGS__) : (void)0)
/* An invariant does not hold: the first one is kept, and the seed ends here. Always false. */
bool pawl_sim_broken(struct pawl_sim *w, const char *invariant, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static inline void pawl_sim_count(struct pawl_sim *w, enum pawl_sim_count c)
{
    w->out->counts[c]++;
}
struct pawl_sim_run *pawl_sim_run_of(const struct pawl_sim *w, struct pawl_id id); /* NULL: none stored */

/* contracts.c: a configuration of the seed's own */
void pawl_sim_draw_config(struct pawl_sim *w);
int pawl_sim_tool_index(const struct pawl_sim *w, struct pawl_str name);      /* -1: no such tool */
bool pawl_sim_must_ask(const struct pawl_sim *w, int tool, yyjson_val *args); /* the contract wants a yes */

struct pawl_schema *pawl_sim_schema(struct pawl_sim *w, struct pawl_str text, bool args); /* args: $arg may be in it */
void pawl_sim_draw_checks(struct pawl_sim *w); /* check_outcome.c: what must have come of calls */

/* check_schedule.c: what begins by the clock */
void pawl_sim_draw_schedules(struct pawl_sim *w); /* behind the configuration */
void pawl_sim_schedules_calm(struct pawl_sim *w);
void pawl_sim_check_schedules(struct pawl_sim *w, const struct pawl_commit *c);
bool pawl_sim_schedule_is(const struct pawl_sim *w, struct pawl_str name, bool paused);
void pawl_sim_check_punctual(struct pawl_sim_node *n);

/* node.c: processes, their disk, their end */
struct pawl_sim_node *pawl_sim_node_start(struct pawl_sim *w);
void pawl_sim_node_step(struct pawl_sim_node *n, struct pawl_event *in);
void pawl_sim_node_die(struct pawl_sim_node *n); /* as by SIGKILL, now; a part of what its disk had to do is done */
void pawl_sim_node_sleep(struct pawl_sim_node *n);
void pawl_sim_node_wake(struct pawl_sim_node *n);
int64_t pawl_sim_node_due(const struct pawl_sim_node *n); /* on the world's clock */
/* disk.c */
void pawl_sim_disk_give(struct pawl_sim_node *n, const struct pawl_action *a);
void pawl_sim_disk_turn(struct pawl_sim_node *n); /* do some of what was given */
void pawl_sim_disk_crash(struct pawl_sim_node *n);
/* call.c: attempts under way; server.c: the tools' end of them; talker.c: the model's */
void pawl_sim_call_begin(struct pawl_sim_node *n, uint64_t id, const struct pawl_attempt *a);
void pawl_sim_call_cancel(struct pawl_sim_node *n, uint64_t id);
void pawl_sim_calls_orphan(struct pawl_sim_node *n); /* its owner is gone: nobody hears the answers */
void pawl_sim_calls_trim(struct pawl_sim_node *n);   /* ended for whoever looks: nothing lands later than it may now */
bool pawl_sim_happened(const struct pawl_sim *w, const char *key);
bool pawl_sim_pending(const struct pawl_sim *w, const char *key); /* may still land */
struct pawl_str pawl_sim_receipt(struct pawl_sim *w, const char *key);
void pawl_sim_server_lands(struct pawl_sim *w,
                           struct pawl_sim_call *c); /* the request is there: do it, make the body */
void pawl_sim_server_take(struct pawl_sim *w, struct pawl_sim_call *c, const struct pawl_attempt *a);
/* accept.c: tools that accept a call and end it later */
void pawl_sim_draw_async(struct pawl_sim *w, struct pawl_tool *t, uint32_t number);
bool pawl_sim_accepts(struct pawl_sim *w, struct pawl_sim_call *c); /* and the answer is planned */
/* caller.c: ... and call back */
void pawl_sim_draw_callback(struct pawl_sim *w, struct pawl_tool *t, uint64_t dice);
void pawl_sim_calls_back(struct pawl_sim *w, struct pawl_sim_call *c);
bool pawl_sim_caller_sends(struct pawl_sim *w, struct pawl_sim_ask *ask);
void pawl_sim_caller_heard(struct pawl_sim *w, const struct pawl_sim_ask *ask, const struct pawl_answer *a);
void pawl_sim_monitor_take(struct pawl_sim *w, struct pawl_sim_call *c, const struct pawl_attempt *a);
void pawl_sim_talker_take(struct pawl_sim *w, struct pawl_sim_call *c, const struct pawl_attempt *a);
/* people.c: clients and those who are asked */
struct pawl_sim_ask *pawl_sim_people_ask(struct pawl_sim *w, enum pawl_ask what, const char *name);
void pawl_sim_people_say(struct pawl_sim *w, struct pawl_sim_ask *ask, int64_t low_ms, int64_t high_ms);
void pawl_sim_people_begin(struct pawl_sim *w);
void pawl_sim_people_watch(struct pawl_sim *w, struct pawl_sim_run *run); /* something may wait for a person */
void pawl_sim_people_heard(struct pawl_sim *w, struct pawl_sim_node *n, uint64_t delivery, const struct pawl_answer *a);
void pawl_sim_people_alone(struct pawl_sim *w, struct pawl_sim_node *n); /* it will not answer any more */
bool pawl_sim_people_content(const struct pawl_sim *w);
void pawl_sim_people_calm(struct pawl_sim *w);
void pawl_sim_people_ended(struct pawl_sim *w, struct pawl_sim_run *run); /* somebody may try it again, or undo it */
/* check.c, check_record.c, check_fold.c: what must always hold */
void pawl_sim_check_stored(struct pawl_sim *w, struct pawl_sim_node *n, const struct pawl_commit *c, int64_t wall_ns);
void pawl_sim_check_record(struct pawl_sim *w, struct pawl_sim_run *run, const struct pawl_record *r, int64_t wall_ns);
void pawl_sim_check_attempt(struct pawl_sim_node *n, const struct pawl_attempt *a);
void pawl_sim_check_breaker(struct pawl_sim_node *n, const struct pawl_attempt *a);
void pawl_sim_check_bulkhead(struct pawl_sim_node *n, const struct pawl_attempt *a);
void pawl_sim_check_shares(struct pawl_sim_node *n);
void pawl_sim_check_memory(struct pawl_sim_node *n);
void pawl_sim_check_landed(struct pawl_sim *w, const struct pawl_sim_call *c);
void pawl_sim_check_told(struct pawl_sim_node *n, struct pawl_id run, uint64_t seq);
void pawl_sim_check_claimed(struct pawl_sim_node *n, const struct pawl_run_records *r);
/* interrupt.c */
void pawl_sim_draw_interrupts(struct pawl_sim *w);
bool pawl_sim_interrupted(struct pawl_sim *w); /* is a run that begins a conversation for that? */
void pawl_sim_interrupt(struct pawl_sim_node *n);
bool pawl_sim_is_awaited(const struct pawl_step *s);
bool pawl_sim_untold(const struct pawl_sim *w, const struct pawl_sim_run *run, const struct pawl_step *s);
void pawl_sim_check_awaited(struct pawl_sim *w, const struct pawl_sim_run *run, const struct pawl_head *h);
void pawl_sim_check_ended_call(struct pawl_sim *w, const struct pawl_sim_call *c, enum pawl_sim_tells tells);
void pawl_sim_check_hot(struct pawl_sim_node *n);
void pawl_sim_check_claims(struct pawl_sim *w, const struct pawl_sim_run *run);
bool pawl_sim_same_call(struct pawl_sim *w, const struct pawl_step *a, const struct pawl_step *b);
bool pawl_sim_superseded(struct pawl_sim *w, const struct pawl_sim_run *run, const struct pawl_step *s);
bool pawl_sim_same_hash(struct pawl_hash a, struct pawl_hash b);
struct pawl_hash pawl_sim_record_hash(const struct pawl_record *r, struct pawl_hash previous);
void pawl_sim_check_cared_for(struct pawl_sim_node *n);
void pawl_sim_check_widowed(struct pawl_sim_node *n); /* it is gone: the runs that it had in hand have lost an owner */
void pawl_sim_check_same_fold(struct pawl_sim *w, const struct pawl_run *a, const struct pawl_run *b,
                              const char *which);
void pawl_sim_check_end(struct pawl_sim *w);
/* check_budget.c */
void pawl_sim_check_budget(struct pawl_sim *w, struct pawl_sim_run *run, const struct pawl_record *r, yyjson_val *body);
void pawl_sim_check_paid(struct pawl_sim *w, const struct pawl_sim_run *run, const struct pawl_attempt *a);
void pawl_sim_check_unreserved(struct pawl_sim *w, const struct pawl_sim_run *run);
void pawl_sim_check_rows(struct pawl_sim *w);
bool pawl_sim_tells_secret(struct pawl_str s); /* check_record.c */
/* check_routing.c */
void pawl_sim_check_routed(struct pawl_sim *w, const struct pawl_sim_run *run, const struct pawl_record *r,
                           yyjson_val *by);
void pawl_sim_check_quality(struct pawl_sim *w, const struct pawl_sim_run *run, const struct pawl_record *r,
                            yyjson_val *body);
/* check_told.c */
void pawl_sim_check_conversation(struct pawl_sim *w, struct pawl_sim_run *run, const struct pawl_attempt *a);
void pawl_sim_check_question(struct pawl_sim *w, const struct pawl_sim_run *run, const struct pawl_step *s, int tool,
                             yyjson_val *body);
/* check_time.c */
void pawl_sim_busy(const struct pawl_sim_call *c, bool begins);
void pawl_sim_time_anew(struct pawl_sim *w, struct pawl_sim_run *run);
void pawl_sim_live(struct pawl_sim *w, struct pawl_sim_run *run, bool live);
void pawl_sim_check_deadline(struct pawl_sim *w, const struct pawl_sim_run *run, int64_t at_ns);
void pawl_sim_check_in_time(struct pawl_sim_node *n, const struct pawl_sim_run *run, const struct pawl_attempt *a);
/* check_child.c */
int64_t pawl_sim_children_live_ns(const struct pawl_sim *w, const struct pawl_sim_run *run);
void pawl_sim_check_asleep(struct pawl_sim *w, const struct pawl_sim_run *run, const struct pawl_head *h);
void pawl_sim_check_parked(struct pawl_sim *w, const struct pawl_sim_run *run, const struct pawl_head *h);
