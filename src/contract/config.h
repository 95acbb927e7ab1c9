/* src/contract/config.h - reading a configuration: YAML 1.2 core schema (or JSON, which is YAML) to contract.h's
 * structs, every error with its line and the nearest known key. pawl.example.yaml's accepted subset is the surface. */
#pragma once
#include "contract/contract.h"

/* Where ${env:NAME} comes from: returns the value or {NULL,0}. Pure code is handed it (host: getenv). */
struct pawl_env_lookup {
    struct pawl_str (*get)(void *ctx, const char *name);
    void *ctx;
    /* The compiled file of a time zone, in that arena; {NULL,0}: there is none. NULL: no zone is looked at. */
    struct pawl_str (*zone)(void *ctx, struct pawl_str name, struct pawl_arena *a);
    /* All that there are, each lent for its call; to suggest the nearest. NULL: nothing is suggested. */
    void (*zones)(void *ctx, void (*each)(void *to, struct pawl_str name), void *to);
};
enum { PAWL_CONFIG_ERRORS = 64 };
struct pawl_config_report {                       /* all errors at once, in the file's order */
    uint32_t count;                               /* of all found; the first PAWL_CONFIG_ERRORS are kept */
    struct pawl_error errors[PAWL_CONFIG_ERRORS]; /* where = "pawl.yaml:12" */
};

/* Load the text of a file. `path` is for messages and for the folder of a relative store path (as text only: nothing
 * is opened). Unless every check passes, PAWL_ECONFIG and *report; *out is NULL. Free with pawl_config_free.
 * Bounds: 1 MiB of text, depth 64, 64 aliases. Any bytes are safe. */
int pawl_config_load(struct pawl_str text, const char *path, const struct pawl_env_lookup *env,
                     const struct pawl_alloc *from, struct pawl_config **out, struct pawl_config_report *report);
/* The same, but all that is read of it is where the store is, whatever is wrong elsewhere: who looks at 3 a.m. need not mend the
 * configuration first. Nothing else in *out is set. A file that is no YAML at all, or no mapping, is PAWL_ECONFIG. */
int pawl_config_load_store(struct pawl_str text, const char *path, const struct pawl_env_lookup *env,
                           const struct pawl_alloc *from, struct pawl_config **out, struct pawl_config_report *report);
void pawl_config_free(struct pawl_config *c, const struct pawl_alloc *from);

/* One line that says what this tool's contract and its defaults mean, for `pawl check`; no line end. PAWL_OK, PAWL_ENOMEM.
 * "refund: irreversible, asks a human; key honoured for 24 h; no verify: a lost answer is sent again …" config_explain.c */
int pawl_config_explain(const struct pawl_tool *t, struct pawl_buf *out);
