/* src/policy/shared.h - what the passes of all runs share in one owner: a circuit for each dependency, and the lines in
 * which passes wait for room. Memory only; what must outlive the owner goes into the store's shared rows.
 *
 * A pass stands in one line at a time. Who makes room wakes the line: those passes become ready, in their order, and the
 * engine enters their stage again before it hands out its actions. Nothing polls. */
#pragma once
#include "base/map.h"
#include "journal/store.h"
#include "policy/backoff.h"
#include "policy/circuit.h"

struct pawl_pass;
struct pawl_line;
struct pawl_place { /* where a pass stands; part of the pass */
    struct pawl_place *next, *previous;
    struct pawl_line *line; /* NULL: nowhere */
    struct pawl_pass *pass;
};
struct pawl_line { /* zeroed: empty */
    struct pawl_place *first, *last;
    uint32_t count;
};

struct pawl_cached { /* the last good answer to one call, for breakers' fallbacks */
    struct pawl_hash call;
    struct pawl_str result; /* its own memory */
    int64_t at_wall_ns;
};
enum { PAWL_CACHED_MAX = 256, PAWL_CACHED_BYTES_MAX = 64 * 1024 };

struct pawl_dependency {  /* a tool or a model, by name */
    struct pawl_str name; /* "tool refund", "model main" */
    struct pawl_circuit circuit;
    struct pawl_retry_budget retries;
    struct pawl_line waiting; /* for the circuit to close */
};
struct pawl_shared_state {
    const struct pawl_alloc *from;
    struct pawl_map dependencies; /* name -> struct pawl_dependency */
    struct pawl_map lanes, pools; /* bulkhead.h: name -> its state */
    struct pawl_map accounts;     /* account.h: likewise */
    struct pawl_map qualities;    /* routing.h */
    struct pawl_line ready;
    struct pawl_cached cached[PAWL_CACHED_MAX];
    uint32_t cached_next;
};

void pawl_shared_init(struct pawl_shared_state *s, const struct pawl_alloc *from);
void pawl_shared_fini(struct pawl_shared_state *s);
/* What the store has kept. PAWL_OK or PAWL_ENOMEM; rows of kinds not known here are left alone. */
int pawl_shared_load(struct pawl_shared_state *s, const struct pawl_shared *rows, uint32_t count);
/* Made where there is none; NULL: no memory. Valid as long as the state. `kind` is "tool" or "model". */
struct pawl_dependency *pawl_shared_dependency(struct pawl_shared_state *s, const char *kind, struct pawl_str name);

/* The same by its whole name. */
struct pawl_dependency *pawl_shared_named(struct pawl_shared_state *s, struct pawl_str name);
/* The same, but NULL where nothing was asked of it yet. */
const struct pawl_dependency *pawl_shared_find(const struct pawl_shared_state *s, const char *kind,
                                               struct pawl_str name);

void pawl_line_join(struct pawl_line *line, struct pawl_pass *p); /* at the end; leaves the line it stood in */
void pawl_line_leave(struct pawl_pass *p);                        /* stands in none: fine */
void pawl_line_wake(struct pawl_shared_state *s, struct pawl_line *line, uint32_t count); /* the first `count` of it */
struct pawl_pass *pawl_shared_ready(struct pawl_shared_state *s); /* the next one, out of its line; NULL: none */

/* true: it was kept; *evicted is the call whose answer made room, zeroed: none did. */
bool pawl_cached_put(struct pawl_shared_state *s, struct pawl_hash call, struct pawl_str result, int64_t wall_ns,
                     struct pawl_hash *evicted);
const struct pawl_cached *pawl_cached_get(const struct pawl_shared_state *s, struct pawl_hash call); /* NULL: none */
