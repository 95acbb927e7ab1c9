/* tests/workloads/faulty.h - replays on a bad day: the world misbehaves, and pawl, a process of its own, is killed. */
#pragma once
#include "replay.h"

struct wl_bad_day {
    bool parts[WL_PARTS]; /* [0]: none; else these, on a day on which little else goes wrong */
    const char *data, *folder;
    uint32_t stride, people, kills, service; /* of services from 1; 0: all of them */
    struct wl_faults faults;
    int64_t begins_ns,
        clock_ns; /* of a life by the clock: when the first began, and what this one's clock shows at its beginning */
    bool first;   /* it only looks at its schedules */
};
/* The services, one after the other; prints the table. The number of runs that something is wrong with; *played: services. */
uint32_t wl_faulty(struct wl_data *data, const struct wl_bad_day *day, uint32_t *played);
/* The life of a pawl: owner and people, until all runs are over. The exit status. */
int wl_life(struct wl_data *data, const struct wl_bad_day *day, int port, bool looks_it_up, enum wl_part part);

/* A list of parts, or all. false: *unknown is the word that is none. */
bool wl_parts_read(bool parts[WL_PARTS], const char *list, const char **unknown);
/* The parts that are wanted, one after the other; prints their table. */
uint32_t wl_play_parts(struct wl_data *data, const struct wl_bad_day *day, uint32_t *played);

struct wl_service_row { /* a service that the runs are played against */
    const char *name;
    enum wl_service service;
    bool looks_it_up;
    bool lies; /* its contract says that it takes keys, and it does not: the ledger must see it */
    enum wl_part part;
};
/* audit.c: reads the store, holds it against the ledger, prints a line of the table and what is wrong. */
uint32_t wl_audit(struct wl_replay *r, const struct wl_world *w, const struct wl_service_row *row, uint32_t lives);
void wl_audit_head(void);
void wl_part_head(void);
/* part_judge.c: what must hold of the part, by the world's ledger; prints it. The runs that it does not hold for. */
struct wl_books {
    const struct wl_replay *replay;
    const struct wl_world *world;
    struct pawl *store; /* read only */
    uint32_t lives;
};
uint32_t wl_part_judge(const struct wl_books *b, enum wl_part part);
