/* tests/workloads/owner.c - what every owner of a store of replayed runs does: the configurations, and the loop. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "io/alloc.h"
#include "io/file.h"
#include "replay.h"

enum { STUCK_S = 120 }; /* nothing here waits so long */

double wl_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int wl_make_chunks(struct wl_replay *r, bool write, struct pawl_error *err)
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
        if (!write) continue;
        pawl_buf_init(&text, pawl_alloc_libc());
        wl_config_write(&r->config, c->env, c->recordings, c->count, &text);
        rc = text.failed ? PAWL_ENOMEM : pawl_file_write(c->config, pawl_buf_done(&text), 0600, false, err);
        pawl_buf_fini(&text);
    }
    return rc;
}

int wl_make_schedules(struct wl_replay *r, struct pawl_error *err)
{
    const struct wl_recording **list = calloc(r->data->recordings_count + 1, sizeof *list);
    uint32_t count = 0;
    struct pawl_buf text;
    char path[300];
    if (!list) return PAWL_ENOMEM;
    for (uint32_t i = 0; i < r->data->recordings_count; i++)
        if (wl_by_clock(r->data, &r->data->recordings[i])) list[count++] = &r->data->recordings[i];
    struct wl_config config = r->config;
    config.schedules = true;
    snprintf(path, sizeof path, "%s/schedules.yaml", r->folder);
    pawl_buf_init(&text, pawl_alloc_libc());
    wl_config_write(&config, list[0]->env, list, count, &text);
    const int rc = text.failed ? PAWL_ENOMEM : pawl_file_write(path, pawl_buf_done(&text), 0600, false, err);
    pawl_buf_fini(&text);
    free(list);
    return rc;
}

bool wl_drive(struct wl_replay *r, struct pawl *p, struct pawl_error *err)
{
    double moved = wl_seconds();
    uint32_t progress = 0;
    while (r->ended < r->data->recordings_count && !r->stop) {
        if (pawl_turn(p, 20000000, err)) return false;
        if (r->progress != progress) progress = r->progress, moved = wl_seconds();
        if (wl_seconds() - moved > STUCK_S) {
            fprintf(stderr, "workloads: nothing has moved for %d s; %u of %u runs have ended\n", STUCK_S, r->ended,
                    r->data->recordings_count);
            return false;
        }
    }
    return !r->stop;
}
