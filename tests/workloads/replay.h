/* tests/workloads/replay.h - the recorded runs, played once more: who plays the models, the tools and the people.
 *
 *   main thread    owns the store, drives the loop; the tools are functions of it
 *   one thread     the models, an HTTP server that speaks the OpenAI protocol and gives the recorded answers
 *   some threads   the people: clients of the owner; they start runs, answer gates, send the customer's next message */
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include "base/map.h"
#include "config.h"
#include "pawl/pawl.h"

enum { WL_CHUNK = 32 };
struct wl_chunk { /* recordings of one environment, with one configuration */
    const struct wl_env *env;
    const struct wl_recording *recordings[WL_CHUNK];
    uint32_t count;
    char config[256];
};

struct wl_replay {
    struct wl_data *data;
    const char *folder; /* of the store and the configurations */
    char store[256];
    struct wl_config config;
    int port;         /* of the world */
    bool looks_it_up; /* a step in doubt: somebody looks in the service's books, and says what is there */
    struct wl_chunk *chunks;
    uint32_t chunks_count;
    pthread_mutex_t lock; /* recordings' `run` */
    pthread_cond_t named;
    struct pawl_map by_run; /* under the lock */
    _Atomic uint32_t next_chunk, ended, progress;
    _Atomic bool stop;
};

/* people.c: the thread of one of them; ctx is the replay. */
void *wl_people(void *ctx);
/* The recording that this run plays: waits until its starter has heard of it. */
struct wl_recording *wl_recording_of(struct wl_replay *r, const char *run);
void wl_name_run(struct wl_replay *r, struct wl_recording *rec, const char *run);
/* The first thing that went wrong with it. Any thread. */
void wl_trouble(struct wl_replay *r, struct wl_recording *rec, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What a run's journal says of its recording: one line of `follow`. */
void wl_take_line(struct wl_recording *rec, bool faulty, yyjson_val *line);

/* owner.c: recordings of one environment, WL_CHUNK at a time, each chunk with its configuration, which is written where
 * `write` is set */
int wl_make_chunks(struct wl_replay *r, bool write, struct pawl_error *err);

/* The configuration of an owner that begins runs by the clock. */
int wl_make_schedules(struct wl_replay *r, struct pawl_error *err);

/* Drives the loop until all runs are over, or nothing has moved for a minute: false */
bool wl_drive(struct wl_replay *r, struct pawl *p, struct pawl_error *err);
double wl_seconds(void);

/* model.c */
struct wl_models;
int wl_models_open(struct wl_replay *r, struct wl_models **out, int *port, struct pawl_error *err);
int wl_models_run(struct wl_models *m, struct pawl_error *err); /* once the store has its owner */
void wl_models_close(struct wl_models *m);

/* tools.c: all tools of all environments, as functions of this process */
int wl_tools_register(struct wl_replay *r, struct pawl *p, struct pawl_error *err);

/* judge.c: tells all that is wrong and prints the table; the number of runs that something is wrong with */
uint32_t wl_judge(struct wl_replay *r);
