/* src/contract/config_fault.h - what is wrong with a configuration: all of it, each with its line, in the file's order.
 *
 * Sections are checked in an order that suits the checks, so a fault finds its place by line and column; the same
 * words at the same place (an alias leads there twice) count once. Beyond PAWL_CONFIG_ERRORS the last are dropped, so
 * any file costs bounded memory. Within the room. */
#pragma once
#include "contract/config.h"

struct pawl_fault;
struct pawl_faults { /* zeroed but for `arena` and `path` it is empty and ready */
    struct pawl_arena *arena;
    struct pawl_str path; /* of the file; {NULL,0}: "configuration" */
    uint32_t count, kept;
    struct pawl_fault *sorted[PAWL_CONFIG_ERRORS];
    struct pawl_fault *spare;
};
/* `next`: what to do about it, or "". Without memory the arena remembers it. */
void pawl_fault(struct pawl_faults *f, uint32_t line, uint32_t column, const char *next, const char *what, ...)
    __attribute__((format(printf, 5, 6)));
void pawl_faults_report(const struct pawl_faults *f, struct pawl_config_report *report);
