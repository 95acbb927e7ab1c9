/* tests/workloads/books.h - a look into the books of a service (world.h, GET /deed), as a person takes one. */
#pragma once
#include "recording.h"

/* How often a call was really done. kind: 0, or the fault that put it in. false: not known yet. */
bool wl_look_up(int port, const struct wl_recording *rec, uint32_t call, int kind, uint32_t *effects);
