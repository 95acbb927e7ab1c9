/* tests/workloads/config.h - the recorded contracts as a pawl.yaml: a model and an agent for each recording of a chunk, and
 * the tools of its environment. */
#pragma once
#include "part.h"
#include "world.h"

struct wl_config {
    const char *url; /* of what plays the models, and the tools where they are not functions of the process */
    bool plain;      /* say nothing of `repeat`: pawl's own defaults hold */
    bool faulty;     /* tools over HTTP, of this kind of service, with time limits for a bad day */
    enum wl_service service;
    enum wl_part part;   /* that is switched on */
    uint64_t all_tokens; /* budgets: of all runs together */
    bool schedules;      /* of the owner: it begins runs by the clock */
    uint32_t kills;
    const struct wl_data *data;
    int64_t begins_ns; /* when the first life begins, by its own wall clock */
};
/* config_outcome.c: checks, undo, signals, schedules. */
void wl_config_outcome(const struct wl_config *c, const struct wl_env *env, const struct wl_tool *t,
                       struct pawl_buf *out);
void wl_config_outcome_tools(const struct wl_config *c, struct pawl_buf *out);
bool wl_by_signal(const struct wl_config *c, const struct wl_tool *t);
void wl_config_signal(const struct wl_tool *t, struct pawl_buf *out);
void wl_config_schedules(const struct wl_config *c, const struct wl_recording *const *list, uint32_t count,
                         struct pawl_buf *out);
/* config_part.c: what a part adds. */
bool wl_by_child(const struct wl_config *c, const struct wl_tool *t); /* a run of another agent does it */
void wl_config_child(const struct wl_tool *t, struct pawl_buf *out);
void wl_config_child_tool(const struct wl_config *c, const struct wl_tool *t, struct pawl_buf *out);
void wl_config_child_agent(const struct wl_tool *t, struct pawl_buf *out);
void wl_config_models(const struct wl_config *c, const struct wl_recording *const *chunk, uint32_t count,
                      struct pawl_buf *out);
void wl_config_agent(const struct wl_config *c, const struct wl_recording *r, uint32_t room, struct pawl_buf *out);
void wl_config_write(const struct wl_config *c, const struct wl_env *env, const struct wl_recording *const *chunk,
                     uint32_t count, struct pawl_buf *out);
