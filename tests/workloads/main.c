/* tests/workloads/main.c - recorded runs of real models, replayed through libpawl with the recorded contracts.
 *   workloads --folder FOLDER [--data FOLDER] [--stride N] [--people N] [--plain]
 * docs/workloads.md says what it shows. The last line is `N passed, N failed`, in runs. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "io/alloc.h"
#include "io/file.h"
#include "replay.h"

enum { STUCK_S = 60 };

struct wanted {
    const char *data, *folder;
    uint32_t stride, people;
    bool plain;
};

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int fail(const struct pawl_error *err)
{
    fprintf(stderr, "workloads: %s: %s%s%s\n", err->where, err->what, err->next[0] ? "; " : "", err->next);
    return 1;
}

/* Recordings of one environment, WL_CHUNK at a time; each chunk's configuration is a file. */
static int make_chunks(struct wl_replay *r, struct pawl_error *err)
{
    const struct wl_data *d = r->data;
    struct wl_chunk *c = NULL;
    int rc = PAWL_OK;
    r->chunks = calloc(d->recordings_count + WL_ENVS_MAX, sizeof *r->chunks);
    if (!r->chunks) return PAWL_ENOMEM;
    for (uint32_t i = 0; i < d->recordings_count; i++) {
        const struct wl_recording *rec = &d->recordings[i];
        if (!c || c->env != rec->env || c->count == WL_CHUNK) c = &r->chunks[r->chunks_count++];
        c->env = rec->env;
        c->recordings[c->count++] = rec;
    }
    for (uint32_t i = 0; i < r->chunks_count && rc == PAWL_OK; i++) {
        struct pawl_buf text;
        c = &r->chunks[i];
        snprintf(c->config, sizeof c->config, "%s/chunk-%02u.yaml", r->folder, i);
        pawl_buf_init(&text, pawl_alloc_libc());
        wl_config_write(&r->config, c->env, c->recordings, c->count, &text);
        rc = text.failed ? PAWL_ENOMEM : pawl_file_write(c->config, pawl_buf_done(&text), 0600, false, err);
        pawl_buf_fini(&text);
    }
    return rc;
}

/* The owner: drives the loop until all have ended, or nothing has moved for a minute. */
static bool drive(struct wl_replay *r, struct pawl *p, struct pawl_error *err)
{
    double moved = seconds();
    uint32_t progress = 0;
    while (r->ended < r->data->recordings_count && !r->stop) {
        if (pawl_turn(p, 20000000, err)) return fail(err), false;
        if (r->progress != progress) progress = r->progress, moved = seconds();
        if (seconds() - moved > STUCK_S) {
            fprintf(stderr, "workloads: nothing has moved for %d s; %u of %u runs have ended\n", STUCK_S, r->ended,
                    r->data->recordings_count);
            return false;
        }
    }
    return !r->stop;
}

static int print_verified(void *ctx, const char *json, size_t bytes)
{
    (void)ctx;
    printf("the journal, checked: %.*s\n", (int)bytes, json);
    return 0;
}

static bool replay(struct wl_replay *r, const struct wanted *w, struct pawl_error *err)
{
    const struct pawl_options o = {.size = sizeof o, .store = r->store, .must_own = true};
    struct wl_models *models = NULL;
    pthread_t people[64];
    struct pawl *p = NULL;
    char url[64];
    int port;
    bool ok;
    if (wl_models_open(r, &models, &port, err)) return fail(err), false;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", port);
    r->config = (struct wl_config){.model_url = url, .plain = w->plain};
    if (make_chunks(r, err) || pawl_open(&o, &p, err)) return fail(err), false;
    if (wl_tools_register(r, p, err) || wl_models_run(models, err)) return fail(err), false;
    for (uint32_t i = 0; i < w->people; i++)
        if (pthread_create(&people[i], NULL, wl_people, r)) return false;
    ok = drive(r, p, err);
    if (!ok) _exit(1); /* threads that wait for a run which does not move can not be joined */
    for (uint32_t i = 0; i < w->people; i++) pthread_join(people[i], NULL);
    wl_models_close(models);
    if (pawl_call(p, "{\"do\":\"verify\"}", print_verified, NULL, err)) ok = false, fail(err);
    pawl_close(p);
    return ok;
}

static bool read_options(int argc, char **argv, struct wanted *w)
{
    static const struct option options[] = {{"data", required_argument, NULL, 'd'},
                                            {"stride", required_argument, NULL, 's'},
                                            {"people", required_argument, NULL, 'p'},
                                            {"folder", required_argument, NULL, 'f'},
                                            {"plain", no_argument, NULL, 'P'},
                                            {0}};
    int o;
    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) switch (o) {
        case 'd': w->data = optarg; break;
        case 's': w->stride = (uint32_t)strtoul(optarg, NULL, 10); break;
        case 'p': w->people = (uint32_t)strtoul(optarg, NULL, 10); break;
        case 'f': w->folder = optarg; break;
        case 'P': w->plain = true; break;
        default: return false;
        }
    return w->folder && strlen(w->folder) < 200 && w->stride > 0 && w->people > 0 && w->people <= 64 && optind == argc;
}

int main(int argc, char **argv)
{
    struct wanted w = {.data = "../shared/workloads", .stride = 1, .people = 12};
    struct wl_data data;
    struct wl_replay r = {.data = &data, .lock = PTHREAD_MUTEX_INITIALIZER, .named = PTHREAD_COND_INITIALIZER};
    struct pawl_error err = {0};
    const double began = seconds();
    uint32_t wrong;
    if (!read_options(argc, argv, &w)) {
        fprintf(stderr, "usage: workloads --folder FOLDER [--data FOLDER] [--stride N] [--people N] [--plain]\n");
        return 2;
    }
    if (wl_load(&data, w.data, w.stride, &err)) return fail(&err);
    r.folder = w.folder;
    snprintf(r.store, sizeof r.store, "sqlite:%s/pawl.db", r.folder);
    pawl_map_init(&r.by_run, pawl_alloc_libc());
    printf("%u recorded runs with %u calls, read in %.1f s\n", data.recordings_count, data.calls_count,
           seconds() - began);
    fflush(stdout);
    if (!replay(&r, &w, &err)) return 1;
    wrong = wl_judge(&r);
    printf("\n%u of %u runs ended, in %.1f s\n", r.ended, data.recordings_count, seconds() - began);
    printf("%u passed, %u failed\n", data.recordings_count - wrong, wrong);
    pawl_map_fini(&r.by_run);
    free(r.chunks);
    wl_free(&data);
    return wrong != 0;
}
