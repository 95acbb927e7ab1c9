/* tests/workloads/config.h - the recorded contracts as a pawl.yaml: a model and an agent for each recording of a chunk, and
 * the tools of its environment. */
#pragma once
#include "world.h"

struct wl_config {
    const char *url; /* of what plays the models, and the tools where they are not functions of the process */
    bool guards;     /* as pawl has them by default; else none */
    bool plain;      /* say nothing of `repeat`: pawl's own defaults hold */
    bool faulty;     /* tools over HTTP, of this kind of service, with time limits for a bad day */
    enum wl_service service;
};
void wl_config_write(const struct wl_config *c, const struct wl_env *env, const struct wl_recording *const *chunk,
                     uint32_t count, struct pawl_buf *out);
