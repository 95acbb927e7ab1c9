/* src/host/open.c - a handle's life: options, configuration and paths, opening, tools, closing. Who has the store is
 * own.c's business. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "host/host.h"
#include "contract/schedule.h"
#include "io/alloc.h"
#include "io/clock.h"
#include "io/env.h"
#include "io/file.h"
#include "io/zoneinfo.h"

enum { SHELF_KEEPS = 16 << 20, CONFIG_BYTES_MAX = 1 << 20 };
static const int64_t JOIN_NS = 2000000000; /* LEDGER 17: how long an owner may be without a socket */

const char *pawl_version(void)
{
    return PAWL_VERSION;
}

static struct pawl_str env_get(void *ctx, const char *name)
{
    (void)ctx;
    return pawl_env_get(pawl_str_of(name));
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

/* Stands in for a variable that is not set: good enough to learn where the store is. */
static struct pawl_str env_or_one(void *ctx, const char *name)
{
    const struct pawl_str set = env_get(ctx, name);
    return set.p ? set : PAWL_STR("1");
}

static struct pawl_str zone_of(void *ctx, struct pawl_str name, struct pawl_arena *a)
{
    (void)ctx;
    return pawl_zoneinfo_read(name, a);
}

static void zones_of(void *ctx, void (*each)(void *to, struct pawl_str name), void *to)
{
    (void)ctx;
    pawl_zoneinfo_names(each, to);
}

typedef int load_fn(struct pawl_str text, const char *path, const struct pawl_env_lookup *env,
                    const struct pawl_alloc *from, struct pawl_config **out, struct pawl_config_report *report);

static int read_config(const struct pawl_alloc *from, const char *path, load_fn *load,
                       struct pawl_str (*get)(void *ctx, const char *name), struct pawl_config **out,
                       struct pawl_config_report *report, struct pawl_error *err)
{
    const struct pawl_env_lookup env = {.get = get, .zone = zone_of, .zones = zones_of};
    struct pawl_buf text;
    int rc;
    pawl_buf_init(&text, from);
    rc = pawl_file_read(path, CONFIG_BYTES_MAX, &text, err);
    if (rc == PAWL_OK)
        rc = load((struct pawl_str){text.p ? text.p : "", (uint32_t)text.n}, path, &env, from, out, report);
    pawl_buf_fini(&text);
    return rc;
}

static void take_first(const struct pawl_config_report *report, const char *path, struct pawl_error *err)
{
    if (!report->count) return;
    *err = report->errors[0];
    if (report->count > 1) snprintf(err->next, sizeof err->next, "pawl check %s shows all %u", path, report->count);
}

/* The configuration has errors and they are for the first start to tell. Where is the store? */
static int find_store(struct pawl *p, const struct pawl_options *o, const char *path, struct pawl_config_report *report,
                      struct pawl_error *err)
{
    struct pawl_config *c = NULL;
    p->config_error = *err;
    if (o->store) return memset(err, 0, sizeof *err), PAWL_OK;
    memset(report, 0, sizeof *report);
    if (read_config(p->alloc, path, pawl_config_load_store, env_or_one, &c, report, err)) {
        *err = p->config_error; /* it cannot be read at all: nobody knows where the store is */
        return err->code;
    }
    memset(err, 0, sizeof *err);
    p->store_name = join(c->store.p, "");
    pawl_config_free(c, p->alloc);
    return p->store_name ? PAWL_OK : PAWL_ENOMEM;
}

/* The configuration named, or pawl.yaml where there is one. */
static int load_config(struct pawl *p, const struct pawl_options *o, struct pawl_error *err)
{
    const char *path = o->config ? o->config : "pawl.yaml";
    struct pawl_config_report *report = calloc(1, sizeof *report);
    struct pawl_config *c = NULL;
    int rc;
    if (!report) return PAWL_ENOMEM;
    rc = read_config(p->alloc, path, pawl_config_load, env_get, &c, report, err);
    if (rc == PAWL_ECONFIG) take_first(report, path, err);
    if (rc == PAWL_ECONFIG && o->late_config) rc = find_store(p, o, path, report, err);
    free(report);
    if (rc == PAWL_ENOTFOUND && !o->config) return memset(err, 0, sizeof *err), PAWL_OK;
    if (rc == PAWL_ENOTFOUND) snprintf(err->next, sizeof err->next, "name another file; pawl init makes one");
    if (rc || !c) return rc;
    p->config = (struct pawl_config *)(uintptr_t)pawl_registry_add(&p->registry, c);
    return p->config ? PAWL_OK : PAWL_ENOMEM;
}

static int set_paths(struct pawl *p, const struct pawl_options *o, struct pawl_error *err)
{
    static const char prefix[] = "sqlite:";
    const char *store = o->store        ? o->store
                        : p->config     ? p->config->store.p
                        : p->store_name ? p->store_name
                                        : "sqlite:pawl.db";
    if (strncmp(store, prefix, sizeof prefix - 1) != 0 || !store[sizeof prefix - 1])
        return pawl_fail(err, PAWL_EINVAL, "store", "write sqlite:PATH", "expected sqlite:PATH, found %s", store);
    p->store_path = join(store + sizeof prefix - 1, "");
    if (!p->store_path) return PAWL_ENOMEM;
    p->lock_path = join(p->store_path, ".lock");
    p->socket_path = join(p->store_path, ".sock");
    p->attempts_path = join(p->store_path, ".attempts");
    return p->lock_path && p->socket_path && p->attempts_path ? PAWL_OK : PAWL_ENOMEM;
}

static void on_wake(uv_async_t *a)
{
    (void)a; /* only wakes the loop: pawl_host_wait looks at everything after each of its turns */
}

static int open_loop(struct pawl *p)
{
    if (uv_loop_init(&p->loop)) return PAWL_EIO;
    p->loop_open = true;
    uv_timer_init(&p->loop, &p->timer);
    uv_timer_init(&p->loop, &p->turn);
    uv_timer_init(&p->loop, &p->rest);
    if (uv_async_init(&p->loop, &p->finished, on_wake)) return PAWL_EIO;
    if (uv_async_init(&p->loop, &p->interrupt, on_wake)) return PAWL_EIO;
    p->turn.data = p;
    p->rest.data = p;
    return PAWL_OK;
}

static int open_all(struct pawl *p, const struct pawl_options *o, struct pawl_error *err)
{
    int rc = open_loop(p);
    if (rc)
        return pawl_fail(err, rc, "", "free some memory, or raise the limit on open files (ulimit -n)",
                         "the system gives no event loop or no SHA-256");
    rc = load_config(p, o, err);
    if (rc == PAWL_OK) rc = set_paths(p, o, err);
    if (rc == PAWL_OK) rc = pawl_host_join(p, JOIN_NS, err);
    if (rc == PAWL_OK && p->only_read && p->owns) pawl_host_disown(p); /* it can be had; each call takes it anew */
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
    p->alloc = pawl_alloc_libc();
    pawl_shelf_init(&p->shelf, p->alloc, SHELF_KEEPS);
    p->events_end = &p->events;
    p->only_read = o.only_read;
    p->must_own = o.must_own;
    p->until_ns = p->turn_until_ns = INT64_MAX;
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
    pawl_host_disown(p);
    pawl_control_disconnect(&p->line);
    pawl_workers_free(p->workers);
    if (p->loop_open) {
        uv_walk(&p->loop, close_handle, NULL);
        while (uv_run(&p->loop, UV_RUN_DEFAULT)) {
        } /* a stop that is still set ends one run early */
        uv_loop_close(&p->loop);
    }
    pawl_clock_watch_close(&p->clock_watch);
    pawl_registry_fini(&p->registry);
    free_tools(p);
    free(p->store_name);
    free(p->store_path);
    free(p->lock_path);
    free(p->socket_path);
    free(p->attempts_path);
    free(p);
}

static int register_tool(struct pawl *p, const char *name, const struct pawl_host_tool *tool, struct pawl_error *err)
{
    struct pawl_host_tool *t;
    if (pawl_host_inside(p, err)) return err->code;
    if (!name || !*name || !tool->fn)
        return pawl_fail(err, PAWL_EINVAL, "", "give both", "a tool needs its name and a function");
    if (p->only_read)
        return pawl_fail(err, PAWL_EREADONLY, p->store_path, "open it without only_read", "this handle only reads");
    if (!p->owns)
        return pawl_fail(err, PAWL_EBUSY, p->store_path, "close the other process, or give this one a store of its own",
                         "another process owns the store: its runs cannot reach a function of this one");
    if (pawl_map_get(&p->tools, name, strlen(name)))
        return pawl_fail(err, PAWL_ECONFLICT, name, "give each tool one function", "the tool has a function already");
    if (tool->threaded && !p->workers && pawl_workers_new(&p->loop, &p->workers))
        return pawl_fail(err, PAWL_ENOMEM, name, "", "no memory for the threads of tools");
    t = malloc(sizeof *t);
    if (t) *t = *tool;
    if (t && pawl_map_put(&p->tools, name, strlen(name), t) == PAWL_OK) {
        p->tools_came = true;
        return PAWL_OK;
    }
    free(t);
    return pawl_fail(err, PAWL_ENOMEM, name, "", "no memory for the tool");
}

int pawl_register_tool(struct pawl *p, const char *name, pawl_tool_fn *fn, void *ctx, struct pawl_error *err)
{
    const struct pawl_host_tool tool = {.fn = fn, .ctx = ctx, .took_ns = 1000000};
    struct pawl_error unused;
    return register_tool(p, name, &tool, err ? err : &unused);
}

int pawl_register_blocking_tool(struct pawl *p, const char *name, pawl_tool_fn *fn, void *ctx, struct pawl_error *err)
{
    const struct pawl_host_tool tool = {.fn = fn, .ctx = ctx, .threaded = true};
    struct pawl_error unused;
    return register_tool(p, name, &tool, err ? err : &unused);
}

int pawl_check(const char *path, void (*error)(void *ctx, const struct pawl_error *e),
               void (*says)(void *ctx, const char *of, const char *line), void *ctx)
{
    const struct pawl_alloc *from = pawl_alloc_libc();
    struct pawl_config_report *report = calloc(1, sizeof *report);
    struct pawl_error err = {0};
    struct pawl_config *c = NULL;
    int rc;
    if (!report) return PAWL_ENOMEM;
    rc = read_config(from, path ? path : "pawl.yaml", pawl_config_load, env_get, &c, report, &err);
    if (rc && !report->count && error) error(ctx, &err);
    for (uint32_t i = 0; i < report->count && i < PAWL_CONFIG_ERRORS && error; i++) error(ctx, &report->errors[i]);
    for (uint32_t i = 0; c && i < c->schedules_count && says; i++) {
        struct pawl_buf b;
        pawl_buf_init(&b, from);
        if (pawl_schedule_explain(&c->schedules[i], pawl_clock_wall_ns(), &b) == PAWL_OK && pawl_buf_done(&b).p)
            says(ctx, "schedule", b.p);
        pawl_buf_fini(&b);
    }
    for (uint32_t i = 0; c && i < c->tools_count && says; i++) {
        struct pawl_buf b;
        pawl_buf_init(&b, from);
        if (pawl_config_explain(&c->tools[i], &b) == PAWL_OK && pawl_buf_done(&b).p) says(ctx, "tool", b.p);
        pawl_buf_fini(&b);
    }
    if (c) pawl_config_free(c, from);
    free(report);
    return rc;
}

void pawl_interrupt(struct pawl *p, bool finish)
{
    atomic_store(&p->interrupt_finish, finish);
    atomic_fetch_add(&p->interrupts, 1);
    uv_async_send(&p->interrupt);
}
