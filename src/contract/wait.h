/* src/contract/wait.h - what a run may wait for by itself, and its bounds. */
#pragma once
#include "contract/contract.h"

enum {
    PAWL_SIGNAL_NAME_MAX = 64,
    PAWL_SIGNAL_BYTES_MAX = 64 * 1024, /* of a signal's payload */
    PAWL_SIGNALS_KEPT_MAX = 1000,      /* of a run, that nobody has taken yet */
    PAWL_SIGNALS_MAX = 10000,          /* of a run, in all: their keys are remembered */
    PAWL_CHILD_DEPTH_MAX = 8,          /* of runs that start runs */
    PAWL_CHILDREN_MAX = 64             /* that a run may start */
};

/* 1 to 64 of letters, digits, dots, colons, _ and -. */
bool pawl_signal_name(struct pawl_str name);
