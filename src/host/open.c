/* src/host/open.c - opening and closing: configuration, the owner's lock, store, writer, engine, socket; or, where another
 * live process owns the store, a line to it (LEDGER 17). */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "agent/agent.h"
#include "host/host.h"
#include "io/alloc.h"
#include "io/clock.h"
#include "io/env.h"
#include "io/file.h"
#include "io/orphan.h"
#include "store/sqlite.h"

enum { CONFIG_BYTES_MAX = 1 << 20 };
static const int64_t SECOND_NS = 1000000000;

const char *pawl_version(void)
{
    return PAWL_VERSION;
}

static struct pawl_str env_get(void *ctx, const char *name)
{
    (void)ctx;
    return pawl_env_get(pawl_str_of(name));
}

static int read_config(struct pawl *p, const char *path, struct pawl_config **out, struct pawl_config_report *report,
                       struct pawl_error *err)
{
    const struct pawl_env_lookup env = {.get = env_get};
    struct pawl_buf text;
    int rc;
    pawl_buf_init(&text, p->alloc);
    rc = pawl_file_read(path, CONFIG_BYTES_MAX, &text, err);
    if (rc == PAWL_OK)
        rc = pawl_config_load((struct pawl_str){text.p ? text.p : "", (uint32_t)text.n}, path, &env, p->alloc, out,
                              report);
    pawl_buf_fini(&text);
    return rc;
}

/* The configuration named, or pawl.yaml where there is one. */
static int load_config(struct pawl *p, const struct pawl_options *o, struct pawl_error *err)
{
    const char *path = o->config ? o->config : "pawl.yaml";
    struct pawl_config_report *report = calloc(1, sizeof *report);
    struct pawl_config *c = NULL;
    int rc;
    if (!report) return PAWL_ENOMEM;
    rc = read_config(p, path, &c, report, err);
    if (rc == PAWL_ECONFIG && report->count) {
        if (err) *err = report->errors[0];
        if (err && report->count > 1)
            snprintf(err->next, sizeof err->next, "pawl check %s shows all %u", path, report->count);
    }
    free(report);
    if (rc == PAWL_ENOTFOUND && !o->config) return PAWL_OK;
    if (rc) return rc;
    p->config = (struct pawl_config *)(uintptr_t)pawl_registry_add(&p->registry, c);
    return p->config ? PAWL_OK : PAWL_ENOMEM;
}

static char *join(const char *a, const char *b)
{
    const size_t n = strlen(a), m = strlen(b);
    char *s = malloc(n + m + 1);
    if (!s) return NULL;
    memcpy(s, a, n);
    memcpy(s + n, b, m + 1);
    return s;
}

static int set_paths(struct pawl *p, const struct pawl_options *o, struct pawl_error *err)
{
    static const char prefix[] = "sqlite:";
    const char *store = o->store ? o->store : p->config ? p->config->store.p : "sqlite:pawl.db";
    if (strncmp(store, prefix, sizeof prefix - 1) != 0 || !store[sizeof prefix - 1])
        return pawl_fail(err, PAWL_EINVAL, "store", "write sqlite:PATH", "expected sqlite:PATH, found %s", store);
    p->store_path = join(store + sizeof prefix - 1, "");
    if (!p->store_path) return PAWL_ENOMEM;
    p->lock_path = join(p->store_path, ".lock");
    p->socket_path = join(p->store_path, ".sock");
    p->attempts_path = join(p->store_path, ".attempts");
    return p->lock_path && p->socket_path && p->attempts_path ? PAWL_OK : PAWL_ENOMEM;
}

/* LEDGER 19: nothing of a crashed owner's commands may still run when its doubts are resolved. */
static int settle_orphans(struct pawl *p, struct pawl_error *err)
{
    DIR *dir;
    const struct dirent *entry;
    int rc = PAWL_OK;
    if (mkdir(p->attempts_path, 0700) && errno != EEXIST)
        return pawl_fail(err, PAWL_EIO, p->attempts_path, "make the folder writable", "%s", strerror(errno));
    dir = opendir(p->attempts_path);
    while (dir && rc == PAWL_OK && (entry = readdir(dir)) != NULL) {
        char path[4096];
        if (entry->d_name[0] == '.') continue;
        if (snprintf(path, sizeof path, "%s/%s", p->attempts_path, entry->d_name) >= (int)sizeof path) continue;
        rc = pawl_orphan_settle(path, 10 * SECOND_NS, err);
    }
    if (dir) closedir(dir);
    return rc;
}

static void on_finished(uv_async_t *a)
{
    (void)a; /* pawl_host_wait drains after every turn of the loop */
}

static void on_interrupt(uv_async_t *a)
{
    struct pawl *p = a->data;
    if (p->engine && p->interrupt_finish && !p->handing_over) {
        p->handing_over = true;
        pawl_host_event(p, PAWL_EV_HAND_OVER);
    }
}

static void writer_done(void *ctx)
{
    struct pawl *p = ctx;
    uv_async_send(&p->finished);
}

static int open_loop(struct pawl *p)
{
    if (uv_loop_init(&p->loop)) return PAWL_EIO;
    uv_timer_init(&p->loop, &p->timer);
    uv_timer_init(&p->loop, &p->turn);
    if (uv_async_init(&p->loop, &p->finished, on_finished)) return PAWL_EIO;
    if (uv_async_init(&p->loop, &p->interrupt, on_interrupt)) return PAWL_EIO;
    p->interrupt.data = p;
    p->turn.data = p;
    p->async_open = true;
    return PAWL_OK;
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
                                     .render_tool = pawl_tool_render,
                                     .render_model = pawl_model_render,
                                     .read_tool = pawl_tool_read,
                                     .read_model = pawl_model_read,
                                     .config = port_config,
                                     .tool_ready = pawl_host_tool_ready};
    struct pawl_host_event *e;
    struct pawl_shared *rows = NULL;
    int rc = pawl_engine_new(p->alloc, &ports, &p->engine);
    if (rc) return rc;
    if (p->hold && !pawl_host_event(p, PAWL_EV_HAND_OVER)) return PAWL_ENOMEM;
    p->handing_over = p->hold;
    e = pawl_host_event(p, PAWL_EV_START);
    if (!e) return PAWL_ENOMEM;
    rc = pawl_random_fill(&p->random, &e->ev.seed, sizeof e->ev.seed);
    e->ev.store_id = p->store->id;
    e->ev.instance = p->store->instance;
    if (rc == PAWL_OK) rc = p->store->shared(p->store, &e->arena, &rows, &e->ev.shared_count, err);
    e->ev.shared = rows;
    return rc;
}

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
    if ((rc = start_engine(p, err)) != PAWL_OK) return rc;
    return pawl_control_open(p->alloc, &p->loop, p->socket_path, &hooks, &p->control, err);
}

static int open_all(struct pawl *p, const struct pawl_options *o, struct pawl_error *err)
{
    int rc = pawl_sha256_ready();
    if (rc == PAWL_OK) rc = open_loop(p);
    if (rc == PAWL_OK) rc = load_config(p, o, err);
    if (rc == PAWL_OK) rc = set_paths(p, o, err);
    if (rc) return rc;
    rc = pawl_lock_take(&p->lock, p->lock_path, err);
    if (rc == PAWL_OK) return own(p, err);
    if (rc != PAWL_EBUSY || o->must_own) return rc;
    /* A lock without a socket yet is an owner that just begins, or just ends: wait, then try once to own it. */
    rc = pawl_control_connect(&p->line, p->alloc, p->socket_path, 2 * SECOND_NS, err);
    if (rc == PAWL_OK) return rc;
    if (pawl_lock_take(&p->lock, p->lock_path, err) == PAWL_OK) return own(p, err);
    return rc;
}

int pawl_open(const struct pawl_options *options, struct pawl **out, struct pawl_error *err)
{
    struct pawl_options o = {.size = sizeof o};
    struct pawl *p = calloc(1, sizeof *p);
    struct pawl_error unused;
    int rc;
    if (!err) err = &unused;
    memset(err, 0, sizeof *err);
    *out = NULL;
    if (!p) return PAWL_ENOMEM;
    if (options) memcpy(&o, options, options->size < sizeof o ? options->size : sizeof o);
    signal(SIGPIPE, SIG_IGN); /* a client or a tool that goes away is an error code, not the end of the process */
    p->alloc = pawl_alloc_libc();
    p->events_end = &p->events;
    p->only_read = o.only_read;
    p->hold = o.hold;
    pawl_registry_init(&p->registry, p->alloc);
    pawl_map_init(&p->tools, p->alloc);
    rc = open_all(p, &o, err);
    if (rc == PAWL_OK) {
        *out = p;
        return PAWL_OK;
    }
    if (!err->code) pawl_fail(err, rc, "", "", "%s", pawl_code_name(rc));
    pawl_close(p);
    return rc;
}

bool pawl_owns(const struct pawl *p)
{
    return p->owns;
}

static void on_turn_over(uv_timer_t *t)
{
    struct pawl *p = t->data;
    p->turn_over = true;
    uv_stop(t->loop);
}

/* Nothing new begins; what is under way may end, for a while. */
static void hand_over(struct pawl *p)
{
    if (!p->engine || p->broken.code) return;
    if (!p->handing_over) pawl_host_event(p, PAWL_EV_HAND_OVER);
    p->handing_over = true;
    p->turn_over = false;
    uv_timer_start(&p->turn, on_turn_over, 5000, 0);
    p->interrupts_seen = p->interrupts;
    while (!p->turn_over && !p->broken.code) {
        pawl_host_pump(p);
        if (pawl_engine_idle(p->engine) && !p->events && p->jobs_out == 0) break;
        if (!pawl_host_wait(p)) break; /* interrupted again: now */
    }
    uv_timer_stop(&p->turn);
}

static void free_events(struct pawl *p)
{
    while (p->events) {
        struct pawl_host_event *e = p->events;
        p->events = e->next;
        if (e->job) pawl_host_job_free(e->job);
        pawl_arena_fini(&e->arena);
        p->alloc->resize(p->alloc->ctx, e, sizeof *e, 0);
    }
    p->events_end = &p->events;
}

static void free_tools(struct pawl *p)
{
    struct pawl_map_entry *e;
    for (uint32_t i = 0; (e = pawl_map_next(&p->tools, &i)) != NULL;) free(e->value);
    pawl_map_fini(&p->tools);
}

static void close_handle(uv_handle_t *h, void *ctx)
{
    (void)ctx;
    if (!uv_is_closing(h)) uv_close(h, NULL);
}

void pawl_close(struct pawl *p)
{
    if (!p) return;
    if (p->writer) hand_over(p);
    while (p->attempts) pawl_attempt_cancel(p, p->attempts->id);
    pawl_control_close(p->control);
    pawl_http_client_free(p->http);
    if (p->writer) {
        pawl_writer_stop(p->writer);
        for (struct pawl_door *d = p->doors; d; d = d->next) d->done = true;
        pawl_host_drain(p);
        free_events(p);
        pawl_writer_close(p->writer);
    }
    free_events(p);
    pawl_engine_free(p->engine);
    for (struct pawl_door *d = p->doors, *next; d; d = next) {
        next = d->next;
        pawl_door_free(d);
    }
    if (p->store) p->store->close(p->store);
    pawl_lock_release(&p->lock);
    pawl_control_disconnect(&p->line);
    if (p->async_open) {
        uv_walk(&p->loop, close_handle, NULL);
        while (uv_run(&p->loop, UV_RUN_DEFAULT)) {
        } /* a stop that is still set ends one run early */
        uv_loop_close(&p->loop);
    }
    pawl_registry_fini(&p->registry);
    free_tools(p);
    free(p->store_path);
    free(p->lock_path);
    free(p->socket_path);
    free(p->attempts_path);
    free(p);
}

int pawl_register_tool(struct pawl *p, const char *name, pawl_tool_fn *fn, void *ctx, struct pawl_error *err)
{
    struct pawl_host_tool *t;
    if (!p->owns)
        return pawl_fail(err, PAWL_EBUSY, p->store_path, "close the other process, or give this one a store of its own",
                         "another process owns the store: its runs cannot reach a function of this one");
    if (pawl_map_get(&p->tools, name, strlen(name)))
        return pawl_fail(err, PAWL_ECONFLICT, name, "give each tool one function", "the tool has a function already");
    t = malloc(sizeof *t);
    if (!t) return PAWL_ENOMEM;
    *t = (struct pawl_host_tool){fn, ctx};
    if (pawl_map_put(&p->tools, name, strlen(name), t) == PAWL_OK) return PAWL_OK;
    free(t);
    return PAWL_ENOMEM;
}

int pawl_check(const char *path, void (*error)(void *ctx, const struct pawl_error *e),
               void (*tool)(void *ctx, const char *line), void *ctx)
{
    struct pawl p = {.alloc = pawl_alloc_libc()};
    struct pawl_config_report *report = calloc(1, sizeof *report);
    struct pawl_error err = {0};
    struct pawl_config *c = NULL;
    int rc;
    if (!report) return PAWL_ENOMEM;
    rc = pawl_sha256_ready();
    if (rc == PAWL_OK) rc = read_config(&p, path ? path : "pawl.yaml", &c, report, &err);
    if (rc && !report->count && error) error(ctx, &err);
    for (uint32_t i = 0; i < report->count && i < PAWL_CONFIG_ERRORS && error; i++) error(ctx, &report->errors[i]);
    for (uint32_t i = 0; c && i < c->tools_count && tool; i++) {
        struct pawl_buf b;
        pawl_buf_init(&b, p.alloc);
        if (pawl_config_explain(&c->tools[i], &b) == PAWL_OK && pawl_buf_done(&b).p) tool(ctx, b.p);
        pawl_buf_fini(&b);
    }
    if (c) pawl_config_free(c, p.alloc);
    free(report);
    return rc;
}

void pawl_interrupt(struct pawl *p, bool finish)
{
    p->interrupt_finish = finish;
    p->interrupts++;
    uv_async_send(&p->interrupt);
}
