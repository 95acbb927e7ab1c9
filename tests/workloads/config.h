/* tests/workloads/config.h - the recorded contracts as a pawl.yaml: a model and an agent for each recording of a chunk, and
 * the tools of its environment. */
#pragma once
#include "recording.h"

struct wl_config {
    const char *model_url; /* of what plays the models: the recording is the model's name there */
    bool plain;            /* say nothing of `repeat`: pawl's own defaults hold */
};
void wl_config_write(const struct wl_config *c, const struct wl_env *env, const struct wl_recording *const *chunk,
                     uint32_t count, struct pawl_buf *out);
