/* src/host/host.h - struct pawl and its parts: the loop that joins engine, store, drivers and clients. Private to host/.
 *
 * One thread runs the loop and the engine; the store has its writer's thread. Events for the engine wait in a queue, so
 * that `start` never calls back. As a client of another owner only `line` is used. */
#pragma once
#include <stdatomic.h>
#include <uv.h>
#include "base/map.h"
#include "base/shelf.h"
#include "engine/env.h"
#include "host/registry.h"
#include "host/worker.h"
#include "io/clock_watch.h"
#include "io/control.h"
#include "io/http_hedge.h"
#include "io/lock.h"
#include "io/process.h"
#include "io/random.h"
#include "model/model.h"
#include "pawl/pawl.h"
#include "store/writer.h"
#include "tool/tool.h"

struct pawl_host_tool { /* an in-process tool */
    pawl_tool_fn *fn;
    void *ctx;
    int64_t took_ns; /* a call, on the average of late */
    bool threaded;   /* each call on a thread of its own */
};

struct pawl_host_event {
    struct pawl_host_event *next;
    struct pawl_event ev;
    struct pawl_arena arena;   /* what the event points to */
    struct pawl_host_job *job; /* COMMITTED: to be freed behind it */
    struct pawl_reply reply;   /* this one and the next are set where ev points to them, and else not cleared */
    struct pawl_request request;
};

struct pawl_host_job { /* something for the writer, and what to do with it afterwards (on the loop's thread) */
    struct pawl_writer_job w;
    struct pawl *p;
    uint64_t id; /* the engine's action; 0: a door's */
    struct pawl_commit *commit;
    const struct pawl_find *find;
    struct pawl_arena arena;
    struct pawl_found found;
    struct pawl_run_records *runs;
    struct pawl_claim claim;
    struct pawl_str
        *configs; /* CLAIM_RUNS: the text of each run's configuration, {NULL,0} where it is another's above */
    struct pawl_door *door;
    int (*read)(struct pawl_host_job *job, struct pawl_store *s,
                struct pawl_error *err);      /* a door's, on the writer's thread */
    void (*after)(struct pawl_host_job *job); /* a door's, on the loop's thread */
    struct pawl_error err;
};

enum { PAWL_DOOR_PLACES = 1024 }; /* a power of two: thousands of requests may be posted at once */
struct pawl_door {                /* a request under way */
    struct pawl_door *next, *next_of_place, *next_follower;
    struct pawl *p;
    struct pawl_arena arena;
    uint64_t id;
    uint64_t client; /* of the control socket; 0: pawl_call of this process */
    pawl_line_fn *line;
    void *ctx;
    yyjson_val *request;
    struct pawl_id run;
    bool done, waiting_job; /* waiting_job: a job of it is with the writer: not to be freed before */
    bool posted;            /* nobody waits for it: freed when it is done */
    bool unfinished;        /* follow: it ended because nothing goes on here */
    struct pawl_error err;
    /* follow */
    bool follows, catching_up, last_look;
    bool still; /* `head` says that it has ended or waits: so it is, unless somebody takes it up now */
    struct pawl_head head;
    uint64_t next_seq;
    /* resume all */
    bool resumes_all;
    uint32_t resumed;
};

struct pawl_attempt_run { /* an attempt on its way */
    struct pawl_attempt_run *next;
    struct pawl *p;
    uint64_t id;
    const struct pawl_attempt *of;
    struct pawl_arena arena;
    struct pawl_http_request *http;
    struct pawl_http_hedge *hedge;
    struct pawl_process *process;
    struct pawl_worker *worker;
    struct pawl_stream *stream;
    int64_t began_ns;
};

struct pawl {
    const struct pawl_alloc *alloc;
    struct pawl_shelf shelf; /* for what only the loop's thread takes and gives back: the engine, events, attempts */
    uv_loop_t loop;
    uv_timer_t timer;
    uv_async_t finished; /* the writer has finished jobs */
    uv_async_t interrupt;
    uv_timer_t rest;                     /* rest.c */
    uint64_t worked, worked_before_rest; /* events since it last rested */
    uv_timer_t turn;                     /* a bound on the call that waits (pawl_host_arm) */
    bool turn_over;
    int64_t turn_until_ns;         /* monotonic: the same bound, for where the loop is not turned */
    struct pawl_door *waits;       /* of the call that waits; NULL: none */
    int64_t until_ns;              /* monotonic: the bound of the call at hand; INT64_MAX: none */
    _Atomic int interrupts;        /* how often pawl_interrupt was called, */
    _Atomic bool interrupt_finish; /* how the last time, */
    int interrupts_seen;           /* and how many of them have ended a call */
    bool inside;                   /* a call is under way: its callbacks must not begin another */
    struct pawl_error broken;      /* code != 0: the engine has no memory; close and open again */

    uint32_t commands; /* processes of tools that are there, those that were cut off and not reaped yet too */
    char *store_name;  /* late_config: what a configuration with errors says of it */
    char *store_path, *lock_path, *socket_path, *attempts_path;
    struct pawl_config *config;     /* of the working folder; NULL: none there, or */
    struct pawl_error config_error; /* late_config: why it cannot be used */
    struct pawl_registry registry;
    struct pawl_lock lock;
    struct pawl_store *store;
    struct pawl_writer *writer;
    struct pawl_engine *engine;
    struct pawl_http_client *http;
    struct pawl_control *control;
    struct pawl_control_client line; /* we are a client of another owner */
    struct pawl_map tools;           /* name -> struct pawl_host_tool */
    struct pawl_workers *workers;    /* of the threaded ones; NULL: none is registered */
    bool tools_came;                 /* since runs that wait for one were last looked at */
    struct pawl_map jobs;            /* none; kept by the writer */
    struct pawl_host_event *events, **events_end;
    struct pawl_attempt_run *attempts;
    struct pawl_door *doors, *doors_by_id[PAWL_DOOR_PLACES]; /* all; the same by their ids, some in each place */
    struct pawl_door *followers;                             /* those that follow a run */
    struct pawl_random random;
    struct pawl_id last_id;
    bool cannot_store; /* the last commit failed for the disk's sake; the engine tries it again */
    uint64_t door_ids, jobs_out;
    struct pawl_writer_job *ready, **ready_end; /* submitted, and not yet with the writer */
    uint32_t ready_count;
    void (*watch)(void *ctx, const struct pawl_commit *c); /* embed.h; NULL: nobody */
    void *watch_ctx;
    const char *listens_at; /* embed.h: http://HOST:PORT where callbacks are taken here; NULL: nowhere */
    bool only_read, hold, must_own, owns, handing_over, loop_open;
    bool begins_schedules;               /* embed.h */
    struct pawl_clock_watch clock_watch; /* where it begins schedules */
};

/* loop.c */
struct pawl_host_event *pawl_host_event(struct pawl *p,
                                        enum pawl_event_kind kind); /* queued, filled by the caller; NULL: no memory */
void pawl_host_pump(struct pawl *p); /* all queued events through the engine, every action started */
void pawl_host_job_submit(
    struct pawl_host_job *job);            /* inline where that is faster, else with others at the next flush */
void pawl_host_flush(struct pawl *p);      /* what was submitted goes to the writer */
void pawl_host_flush_many(struct pawl *p); /* if there is much of it and the writer rests */
void pawl_host_job_free(struct pawl_host_job *job);
struct pawl_host_job *pawl_host_job_new(struct pawl *p);
bool pawl_host_drain(struct pawl *p); /* what the writer has finished; true: something */
bool pawl_host_wait(struct pawl *p); /* one turn of the loop, waiting for something; false: interrupted, or time over */
void pawl_host_poll(struct pawl *p, bool wait); /* the same; without `wait` only what is ready */
bool pawl_host_interrupted(const struct pawl *p);
void pawl_host_arm(struct pawl *p, int64_t timeout_ns); /* turn_over after that long */
void pawl_host_disarm(struct pawl *p);
/* door NULL: nobody waits for the answer */
void pawl_host_request(struct pawl *p, struct pawl_door *door, const struct pawl_request *request);
struct pawl_id pawl_host_new_id(struct pawl *p);
/* own.c */
/* Become the owner (p->owns) or a client (p->line is connected). Waits that long for an owner that does not answer yet.
 * PAWL_EBUSY: it never did, or there is one and this handle must own. */
int pawl_host_join(struct pawl *p, int64_t wait_ns, struct pawl_error *err);
void pawl_host_disown(struct pawl *p);          /* what is under way is awaited for a while; not the owner: fine */
void pawl_host_begin_hand_over(struct pawl *p); /* no step is begun any more */
bool pawl_host_quiet(const struct pawl *p);     /* nothing is under way, and nothing will be by itself */
/* api.c */
bool pawl_host_inside(const struct pawl *p, struct pawl_error *err); /* true: refused, from within a callback */
int pawl_owner_call(struct pawl *p, const char *request, pawl_line_fn *line, void *ctx, struct pawl_error *err);
/* rest.c */
void pawl_host_rest_later(struct pawl *p); /* if there is nothing to do for a while, and there was much before */
/* attempt.c */
void pawl_attempt_begin(struct pawl *p, uint64_t id, const struct pawl_attempt *a);
void pawl_attempt_cancel(struct pawl *p, uint64_t id);
bool pawl_host_tool_ready(void *ctx, const struct pawl_tool *tool);
/* door.c: requests in, lines out */
struct pawl_door *pawl_door_open(struct pawl *p, struct pawl_str request, uint64_t client, pawl_line_fn *line,
                                 void *ctx);
void pawl_door_free(struct pawl_door *d); /* it is in no list any more */
void pawl_door_line(struct pawl_door *d, struct pawl_str json);
void pawl_door_end(struct pawl_door *d,
                   struct pawl_str json_members); /* {…,"last":true}; members begin without brace */
void pawl_door_fail(struct pawl_door *d, const struct pawl_error *err);
void pawl_door_answer(struct pawl *p, uint64_t id, const struct pawl_answer *answer);
void pawl_door_sweep(struct pawl *p); /* frees what is done; ends `resume all` when all is quiet */
void pawl_door_client_gone(struct pawl *p, uint64_t client);
void pawl_door_wake_tool(struct pawl *p); /* tools came: runs that wait for one are taken up again */
/* members.c: whether each member of a request that is known is of its kind */
int pawl_members_check(yyjson_val *request, struct pawl_error *err);
/* letters.c: the members of the answer to `dlq`, in out's arena; runs on the writer's thread */
int pawl_letters_read(struct pawl_store *s, yyjson_val *request, struct pawl_buf *out, struct pawl_error *err);
/* read.c: list, show, verify, sql, follow */
bool pawl_read_begin(struct pawl_door *d, struct pawl_str what); /* false: not one of these */
/* A read on the writer's thread, then `after` on the loop's. */
void pawl_read_submit(struct pawl_door *d,
                      int (*read)(struct pawl_host_job *, struct pawl_store *, struct pawl_error *),
                      void (*after)(struct pawl_host_job *));
/* The text that a read leaves is the last line's members; and its end, said. */
void pawl_read_say(struct pawl_host_job *job, struct pawl_buf *b);
void pawl_read_said(struct pawl_host_job *job);
/* schedules.c: schedules, schedule, trigger */
bool pawl_schedules_begin(struct pawl_door *d, struct pawl_str what); /* false: not one of these */
/* What waited may have been taken up, and the store hears of it with its next record only. */
void pawl_read_now(const struct pawl *p, struct pawl_head *h, struct pawl_rest *rest);
/* follow.c */
void pawl_follow_begin(struct pawl_door *d);
void pawl_follow_committed(struct pawl *p, const struct pawl_commit *c);
void pawl_follow_text(struct pawl *p, const struct pawl_attempt *a, struct pawl_str piece);
void pawl_follow_attempt(struct pawl *p, const struct pawl_attempt *a, int64_t took_ns); /* < 0: it leaves now */
void pawl_follow_trouble(struct pawl *p, struct pawl_id run, int code, const struct pawl_error *err);
void pawl_follow_sweep(struct pawl_door *d); /* ends it where nothing will come any more */
void pawl_head_write(const struct pawl_head *h, struct pawl_buf *out);
/* client.c */
int pawl_client_turn(struct pawl *p, int64_t until_ns, struct pawl_error *err); /* PAWL_OK with p->owns: took over */
int pawl_client_call(struct pawl *p, const char *request, pawl_line_fn *line, void *ctx, struct pawl_error *err);
