/* src/serve/serve.h - `pawl serve`: the resident owner of a store. It runs what there is to run, wakes what is due, and
 * listens on loopback HTTP.
 *
 *   SERVING  -> DRAINING  SIGTERM or SIGINT: no step is begun any more, what is under way comes to its end
 *   DRAINING -> ENDED     all of it has, or drain_ns have gone by, or the signal came again
 * What was cut off by the end is resolved by the next owner, as after a crash.
 *
 *   GET /healthz                      200 {"status":"serving", ...}, while it drains 503 {"status":"draining", ...}
 *   POST /callbacks/RUN/STEP/TOKEN    how a call ended that was accepted: 200 {"callback": WORD, ...} once it is durable;
 *                                     401 for a token or a signature that is not ours, 400 for what is not JSON, 413, 503 */
#pragma once
#include "host/embed.h"

struct pawl_server;
struct pawl_serve_spec {
    const char *host;            /* an address to listen on */
    int port;                    /* 0: any free one */
    int64_t drain_ns;            /* > 0 */
    void (*on_drain)(void *ctx); /* the first signal came */
    /* A callback was answered: word is what became of it, or NULL, and then status is why. run is what its URL says. */
    void (*on_callback)(void *ctx, const char *run, uint32_t step, const char *word, int status);
    void *ctx;
};

/* The handle must own its store and outlive the server. PAWL_EBUSY: the port is taken. After an error, too,
 * pawl_serve_close is not needed. */
int pawl_serve_open(struct pawl *p, const struct pawl_serve_spec *spec, struct pawl_server **out,
                    struct pawl_error *err);
int pawl_serve_port(const struct pawl_server *s);
/* Until a signal has ended it: PAWL_OK; else what broke. */
int pawl_serve_run(struct pawl_server *s, struct pawl_error *err);
void pawl_serve_close(struct pawl_server *s); /* before the handle is closed; NULL: fine, here and below */
void pawl_serve_free(struct pawl_server *s);  /* behind it */
