/* tests/workloads/main.c - recorded runs of real models, replayed through libpawl with the recorded contracts.
 *   workloads --folder FOLDER [--data FOLDER] [--stride N] [--people N] [--plain]
 *   workloads --folder FOLDER --faults LIST [--seed N] [--kills N] ...
 *   workloads --folder FOLDER --parts LIST [--seed N] [--kills N] ...
 * docs/workloads.md says what it shows. The last line is `N passed, N failed`, in runs. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "faulty.h"
#include "io/alloc.h"
#include "io/clock.h"

struct wanted {
    struct wl_bad_day day; /* with what any day needs */
    bool plain, faulty, parts, look;
    enum wl_part part; /* of a life */
    int life;          /* the port of the world; 0: not a life of pawl */
};

static int fail(const struct pawl_error *err)
{
    fprintf(stderr, "workloads: %s: %s%s%s\n", err->where, err->what, err->next[0] ? "; " : "", err->next);
    return 1;
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
    bool ok;
    if (wl_models_open(r, &models, &r->port, err)) return fail(err), false;
    snprintf(url, sizeof url, "http://127.0.0.1:%d", r->port);
    r->config = (struct wl_config){.url = url, .plain = w->plain};
    if (wl_make_chunks(r, true, err) || pawl_open(&o, &p, err)) return fail(err), false;
    if (wl_tools_register(r, p, err) || wl_models_run(models, err)) return fail(err), false;
    for (uint32_t i = 0; i < w->day.people; i++)
        if (pthread_create(&people[i], NULL, wl_people, r)) return false;
    ok = wl_drive(r, p, err);
    if (!ok) _exit(1); /* threads that wait for a run which does not move can not be joined */
    for (uint32_t i = 0; i < w->day.people; i++) pthread_join(people[i], NULL);
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
                                            {"faults", required_argument, NULL, 'F'},
                                            {"seed", required_argument, NULL, 'S'},
                                            {"kills", required_argument, NULL, 'k'},
                                            {"service", required_argument, NULL, 'v'},
                                            {"life", required_argument, NULL, 'L'},
                                            {"look", no_argument, NULL, 'l'},
                                            {"parts", required_argument, NULL, 'a'},
                                            {"part", required_argument, NULL, '1'},
                                            {"begins", required_argument, NULL, 'b'},
                                            {"clock", required_argument, NULL, 'c'},
                                            {"first", no_argument, NULL, '0'},
                                            {0}};
    struct wl_bad_day *d = &w->day;
    const char *unknown;
    int o;
    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) switch (o) {
        case 'd': d->data = optarg; break;
        case 's': d->stride = (uint32_t)strtoul(optarg, NULL, 10); break;
        case 'p': d->people = (uint32_t)strtoul(optarg, NULL, 10); break;
        case 'f': d->folder = optarg; break;
        case 'P': w->plain = true; break;
        case 'F':
            w->faulty = true;
            if (!wl_faults_read(&d->faults, optarg, &unknown))
                return fprintf(stderr, "workloads: no such fault: %s\n", unknown), false;
            break;
        case 'S': d->faults.seed = strtoull(optarg, NULL, 10); break;
        case 'k': d->kills = (uint32_t)strtoul(optarg, NULL, 10); break;
        case 'v': d->service = (uint32_t)strtoul(optarg, NULL, 10); break;
        case 'L': w->life = atoi(optarg); break;
        case 'b': d->begins_ns = strtoll(optarg, NULL, 10); break;
        case 'c': d->clock_ns = strtoll(optarg, NULL, 10); break;
        case '0': d->first = true; break;
        case 'l': w->look = true; break;
        case '1': w->part = (enum wl_part)atoi(optarg); break;
        case 'a':
            w->parts = true;
            if (!wl_parts_read(d->parts, optarg, &unknown))
                return fprintf(stderr, "workloads: no such part: %s\n", unknown), false;
            break;
        default: return false;
        }
    return d->folder && strlen(d->folder) < 200 && d->stride > 0 && d->people > 0 && d->people <= 64 && optind == argc;
}

static int usage(void)
{
    fprintf(stderr,
            "usage: workloads --folder FOLDER [--data FOLDER] [--stride N] [--people N] [--plain]\n"
            "                 [--faults LIST [--seed N] [--kills N] [--service 1-5]]\n"
            "                 [--parts LIST [--seed N] [--kills N]]\nfaults: all, model, says, forgetful, tools,");
    for (int i = 1; i < WL_FAULTS; i++) fprintf(stderr, " %s", wl_fault_names[i]);
    fprintf(stderr, "\n");
    return 2;
}

static uint32_t good_day(struct wl_data *data, const struct wanted *w)
{
    struct wl_replay r = {.data = data,
                          .folder = w->day.folder,
                          .lock = PTHREAD_MUTEX_INITIALIZER,
                          .named = PTHREAD_COND_INITIALIZER};
    struct pawl_error err = {0};
    uint32_t wrong;
    snprintf(r.store, sizeof r.store, "sqlite:%s/pawl.db", r.folder);
    pawl_map_init(&r.by_run, pawl_alloc_libc());
    if (!replay(&r, w, &err)) exit(1);
    wrong = wl_judge(&r);
    printf("\n%u of %u runs ended", r.ended, data->recordings_count);
    pawl_map_fini(&r.by_run);
    free(r.chunks);
    return wrong;
}

int main(int argc, char **argv)
{
    struct wanted w = {
        .day = {.data = "../shared/workloads", .stride = 1, .people = 12, .kills = 10, .faults = {.seed = 1}}};
    struct wl_data data;
    struct pawl_error err = {0};
    const double began = wl_seconds();
    uint32_t runs, wrong;
    if (!read_options(argc, argv, &w)) return usage();
    if (wl_load(&data, w.day.data, w.day.stride, &err)) return fail(&err);
    if (w.life) {
        const int status = wl_life(&data, &w.day, w.life, w.look, w.part);
        wl_free(&data);
        return status;
    }
    w.day.begins_ns = (pawl_clock_wall_ns() / 600000000000 + 1) * 600000000000;
    printf("%u recorded runs with %u calls, read in %.1f s\n", data.recordings_count, data.calls_count,
           wl_seconds() - began);
    fflush(stdout);
    runs = data.recordings_count;
    if (w.faulty) {
        uint32_t services = 0;
        wrong = wl_faulty(&data, &w.day, &services);
        runs *= services;
        printf("\n%u services", services);
    } else if (w.parts) {
        uint32_t parts = 0;
        wrong = wl_play_parts(&data, &w.day, &parts);
        runs *= parts;
        printf("\n%u parts", parts);
    } else {
        wrong = good_day(&data, &w);
    }
    printf(", in %.1f s\n%u passed, %u failed\n", wl_seconds() - began, wrong < runs ? runs - wrong : 0, wrong);
    wl_free(&data);
    return wrong != 0;
}
