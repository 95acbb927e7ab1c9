/* tests/workloads/world_parts.h - the parts of a world (world.h), shared by its three files. */
#pragma once
#include <uv.h>
#include "io/http_server.h"
#include "world.h"

struct wl_later { /* something that is still to be done */
    struct wl_later *next;
    uint64_t due_ns;
    enum { ANSWER, LAND, LOOK } what;
    struct pawl_http_peer *peer; /* NULL: it has gone */
    struct wl_recording *rec;
    struct wl_deed *deed;
    char key[40];
    struct pawl_str body; /* malloc */
};
struct wl_place { /* where a run is, by what its model was last asked and has answered */
    uint32_t turn;
    enum wl_fault says; /* WL_FINE: the recorded answer */
    uint32_t of;
    uint32_t asked, asked_count, looks; /* the place that the model is asked at, and how often it was */
    struct wl_deed *deeds;              /* call by call, each WL_KINDS */
    struct wl_ledger ledger;
};
struct wl_world {
    struct wl_data *data;
    struct wl_faults faults;
    enum wl_service service;
    enum wl_part part;
    struct wl_place *places;
    struct wl_later *later;
    pthread_t thread;
    uv_loop_t loop;
    uv_timer_t timer;
    uv_async_t stop;
    bool stopping;
    struct pawl_http_server *server;
    uint32_t met[WL_FAULTS], strays, calls;
    uint32_t clock; /* goes on with each effect that is undone */
    struct wl_tick ticks[WL_TICKS_MAX];
    uint32_t ticks_count;
};

struct wl_request {
    struct wl_world *w;
    struct pawl_http_peer *peer;
    const struct pawl_http_incoming *in;
    struct pawl_arena *a;
    struct wl_recording *rec;
    struct wl_place *place;
};

void wl_answer(struct wl_request *q, int status, struct pawl_str body);
void wl_meet(struct wl_world *w, enum wl_fault f); /* counts it */
/* The effect itself. A service that takes keys does nothing for one that it knows. */
void wl_take_effect(struct wl_world *w, struct wl_deed *d, const char *key);
/* Something to be done in so many milliseconds; the caller fills it in. */
struct wl_later *wl_put_off(struct wl_request *q, uint64_t ms);

/* world_model.c */
void wl_ask_model(struct wl_request *q);
/* world_tool.c */
void wl_call_tool(struct wl_request *q, struct pawl_str name);
void wl_look(struct wl_request *q);
void wl_show_deed(struct wl_request *q, const char *rest);
/* The call that this is, by its tool, arguments and key; NULL: none. */
struct wl_deed *wl_deed_of(struct wl_request *q, struct pawl_str tool, struct pawl_str args, const char *key,
                           struct wl_call **call);
struct pawl_str wl_result_of(struct wl_request *q, const struct wl_call *c);

/* world_part.c: what a part has the world play. true: the request is answered. */
bool wl_part_model(struct wl_request *q, struct pawl_str model, yyjson_val *request);
/* A request of a recording's own model: it is written down; the answer's tokens. */
void wl_part_asked(struct wl_request *q, yyjson_val *request, enum wl_fault f, struct wl_saying *saying);
/* Where a conversation is of which parts may be left out. */
uint32_t wl_part_place(struct wl_request *q, yyjson_val *messages);
/* Before a tool does anything. true: it is answered. */
bool wl_part_tool(struct wl_request *q, const struct wl_call *c, struct wl_deed *d, const char *key);
void wl_part_poll(struct wl_request *q, const char *rest);

/* world_outcome.c */
void wl_show_books(struct wl_request *q);
void wl_take_back(struct wl_request *q);
void wl_take_tick(struct wl_request *q);
void wl_outcome_asked(struct wl_request *q, yyjson_val *messages);
