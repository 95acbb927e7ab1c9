/* src/host/own.c - owning a store and giving it up again (LEDGER 17): the lock, the file, its writer, the engine, the
 * drivers, the socket. Where another live process has the lock this one is its client.
 *
 *   NOBODY -> OWNER    the lock was free: pawl_open, or a client whose owner has ended               [join]
 *   NOBODY -> CLIENT   another holds the lock and answers on its socket                              [join]
 *   CLIENT -> NOBODY   the line is lost                                                              [client.c]
 *   OWNER  -> NOBODY   closing; a handle that only reads, after each call, so that it bars nobody    [disown] */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "agent/agent.h"
#include "host/host.h"
#include "io/clock.h"
#include "io/fail.h"
#include "io/orphan.h"
#include "store/sqlite.h"

enum { LOOK_AGAIN_MS = 10, UNDER_WAY_S = 5, REAP_MS = 1000 };
static const int64_t SECOND_NS = 1000000000;

/* LEDGER 19: nothing of a crashed owner's commands may still run when its doubts are resolved. */
static int settle_orphans(struct pawl *p, struct pawl_error *err)
{
    DIR *dir;
    const struct dirent *entry;
    int rc = PAWL_OK;
    if (mkdir(p->attempts_path, 0700) && errno != EEXIST)
        return pawl_io_fail(err, errno, p->attempts_path, "make the folder of running commands");
    dir = opendir(p->attempts_path);
    if (!dir) return pawl_io_fail(err, errno, p->attempts_path, "read the folder of running commands");
    while (rc == PAWL_OK && (entry = readdir(dir)) != NULL) {
        char path[4096];
        if (entry->d_name[0] == '.') continue;
        if (snprintf(path, sizeof path, "%s/%s", p->attempts_path, entry->d_name) >= (int)sizeof path) continue;
        rc = pawl_orphan_settle(path, 10 * SECOND_NS, err);
    }
    closedir(dir);
    return rc;
}

static void writer_done(void *ctx)
{
    struct pawl *p = ctx;
    uv_async_send(&p->finished);
}

static void on_message(void *ctx, uint64_t client, struct pawl_str line)
{
    pawl_door_open(ctx, line, client, NULL, NULL);
}

static void on_gone(void *ctx, uint64_t client)
{
    pawl_door_client_gone(ctx, client);
}

static const struct pawl_config *port_config(void *ctx, struct pawl_hash hash, struct pawl_str *missing)
{
    struct pawl *p = ctx;
    return pawl_registry_find(&p->registry, hash, missing);
}

static int start_engine(struct pawl *p, struct pawl_error *err)
{
    const struct pawl_ports ports = {.ctx = p,
                                     .decide = pawl_agent_decide,
                                     .ask = pawl_agent_ask,
                                     .render_tool = pawl_tool_render,
                                     .render_model = pawl_model_render,
                                     .read_tool = pawl_tool_read,
                                     .read_model = pawl_model_read,
                                     .monitor = pawl_tool_monitor,
                                     .poll = pawl_tool_poll,
                                     .stop = pawl_tool_stop,
                                     .news = pawl_tool_news,
                                     .config = port_config,
                                     .tool_ready = pawl_host_tool_ready};
    struct pawl_host_event *e;
    struct pawl_shared *rows = NULL;
    int rc = pawl_engine_new(&p->shelf.alloc, &ports, &p->engine);
    if (rc) return rc;
    p->handing_over = false;
    if (p->hold) pawl_host_begin_hand_over(p);
    e = pawl_host_event(p, PAWL_EV_START);
    if (!e) return PAWL_ENOMEM;
    rc = pawl_random_fill(&p->random, &e->ev.seed, sizeof e->ev.seed);
    e->ev.store_id = p->store->id;
    e->ev.instance = p->store->instance;
    if (rc == PAWL_OK) rc = p->store->shared(p->store, &e->arena, &rows, &e->ev.shared_count, err);
    e->ev.shared = rows;
    return rc;
}

/* The lock is ours. */
static int own(struct pawl *p, struct pawl_error *err)
{
    const struct pawl_control_hooks hooks = {
        .on_message = on_message,
        .on_gone = on_gone,
        .ctx = p,
        .refusal =
            PAWL_STR("{\"last\":true,\"error\":{\"code\":-13,\"name\":\"limit\",\"where\":\"\",\"what\":\"the owner "
                     "has no place for another client, or the line was too long\",\"next\":\"try again\"}}")};
    int rc = pawl_sqlite_open(p->store_path, p->alloc, &p->store, err);
    if (rc) return rc;
    p->owns = true;
    if (!p->only_read && (rc = settle_orphans(p, err)) != PAWL_OK) return rc;
    if ((rc = pawl_http_client_new(p->alloc, &p->loop, NULL, &p->http, err)) != PAWL_OK) return rc;
    if ((rc = pawl_writer_open(p->store, p->alloc, writer_done, p, &p->writer, err)) != PAWL_OK) return rc;
    if (p->only_read) return PAWL_OK;
    if ((rc = pawl_control_open(p->alloc, &p->loop, p->socket_path, &hooks, &p->control, err)) != PAWL_OK) return rc;
    return start_engine(p, err);
}

static bool folder_is_missing(const char *path)
{
    char folder[4096];
    struct stat is;
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path || slash - path >= (int)sizeof folder) return false;
    memcpy(folder, path, (size_t)(slash - path));
    folder[slash - path] = 0;
    return stat(folder, &is) != 0 && errno == ENOENT;
}

/* Why the lock could not be had, in words about the store: nobody knows its lock by name. */
static int lock_refused(struct pawl *p, int rc, struct pawl_error *err)
{
    char holder[sizeof err->what];
    if (rc == PAWL_ENOTFOUND && folder_is_missing(p->store_path))
        return pawl_fail(err, rc, p->store_path, "make the folder first", "the folder of the store is not there");
    if (rc != PAWL_EBUSY) return rc;
    snprintf(holder, sizeof holder, "%s", strrchr(err->what, ',') ? strrchr(err->what, ',') + 2 : "another holds it");
    return pawl_fail(err, rc, p->store_path,
                     p->must_own ? "end that process, or open it without must_own to be its client"
                                 : "let that process end; it answers nobody",
                     "another process owns the store: %s", holder);
}

int pawl_host_join(struct pawl *p, int64_t wait_ns, struct pawl_error *err)
{
    const int64_t until_ns = pawl_clock_mono_ns() + wait_ns;
    struct pawl_error lost = {0};
    pawl_control_disconnect(&p->line);
    for (;;) {
        int rc = pawl_lock_take(&p->lock, p->lock_path, err), line;
        if (rc == PAWL_OK) {
            if ((rc = own(p, err)) != PAWL_OK) pawl_host_disown(p);
            return rc;
        }
        if (rc != PAWL_EBUSY) return lock_refused(p, rc, err);
        /* A lock without a socket is an owner that just begins, or just ends, or only reads. */
        line = pawl_control_connect(&p->line, p->alloc, p->socket_path, 0, &lost);
        if (line == PAWL_OK && !p->must_own) return PAWL_OK;
        if (line != PAWL_OK && line != PAWL_ENOTFOUND) {
            *err = lost;
            return line;
        }
        pawl_control_disconnect(&p->line);
        if (line == PAWL_OK || pawl_clock_mono_ns() >= until_ns || pawl_host_interrupted(p))
            return lock_refused(p, rc, err);
        poll(NULL, 0, LOOK_AGAIN_MS);
    }
}

/* ---- giving it up ---- */

void pawl_host_begin_hand_over(struct pawl *p)
{
    if (!p->engine || p->handing_over) return;
    p->handing_over = true;
    pawl_host_event(p, PAWL_EV_HAND_OVER);
}

bool pawl_host_quiet(const struct pawl *p)
{
    return !p->events && p->jobs_out == 0 && (!p->engine || pawl_engine_idle(p->engine));
}

/* Nothing new begins; what is under way may end, for a while. */
static void finish_what_is_under_way(struct pawl *p)
{
    if (!p->engine || p->broken.code) return;
    pawl_host_begin_hand_over(p);
    pawl_host_arm(p, UNDER_WAY_S * SECOND_NS);
    p->interrupts_seen = p->interrupts;
    while (!p->broken.code) {
        pawl_host_pump(p);
        if (pawl_host_quiet(p) || !pawl_host_wait(p)) break; /* interrupted again, or long enough: now */
    }
    pawl_host_disarm(p);
}

static void free_events(struct pawl *p)
{
    while (p->events) {
        struct pawl_host_event *e = p->events;
        p->events = e->next;
        if (e->job) pawl_host_job_free(e->job);
        pawl_arena_fini(&e->arena);
        p->shelf.alloc.resize(p->shelf.alloc.ctx, e, sizeof *e, 0);
    }
    p->events_end = &p->events;
}

static void stop_writer(struct pawl *p)
{
    if (!p->writer) return;
    pawl_writer_stop(p->writer);
    for (struct pawl_door *d = p->doors; d; d = d->next) d->done = true;
    pawl_host_drain(p);
    free_events(p);
    pawl_writer_close(p->writer);
    p->writer = NULL;
}

static void free_doors(struct pawl *p)
{
    for (struct pawl_door *d = p->doors, *next; d; d = next) {
        next = d->next;
        pawl_door_free(d);
    }
    p->doors = NULL;
}

static void on_patience(uv_timer_t *t)
{
    (void)t;
}

/* Commands that were cut off have been killed: what is left of them goes now. One that cannot even die is the system's. */
static void reap_commands(struct pawl *p)
{
    uv_timer_start(&p->timer, on_patience, REAP_MS, 0);
    while (p->commands && uv_is_active((uv_handle_t *)&p->timer)) uv_run(&p->loop, UV_RUN_ONCE);
}

void pawl_host_disown(struct pawl *p)
{
    if (p->writer) finish_what_is_under_way(p);
    while (p->attempts) pawl_attempt_cancel(p, p->attempts->id);
    pawl_control_close(p->control);
    pawl_http_client_free(p->http);
    stop_writer(p);
    free_events(p);
    pawl_engine_free(p->engine);
    free_doors(p);
    if (p->store) p->store->close(p->store);
    pawl_lock_release(&p->lock);
    pawl_shelf_trim(&p->shelf);
    p->control = NULL;
    p->http = NULL;
    p->engine = NULL;
    p->store = NULL;
    p->owns = false;
    if (!p->loop_open) return;
    reap_commands(p);
    uv_timer_stop(&p->timer);
    uv_timer_stop(&p->rest);
    uv_run(&p->loop, UV_RUN_NOWAIT); /* what was closed gives its memory back */
}
