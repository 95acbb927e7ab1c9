/* tests/workloads/faulty.c - the bad day: for each kind of service a world, a store, and a pawl that is killed at moments of
 * the seed's choice and started again until all its runs are over. The world and its ledger live here and are never killed. */
#include "faulty.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/prng.h"
#include "clock.h"
#include "host/embed.h"
#include "io/alloc.h"

/* How long a life is. Long enough for a step to get further: five lives in which it does not, and the run is a dead
 * letter. A few runs are done so soon that their few kills come earlier; so are
 * those of a day on which only a part is on. */
enum {
    FEW_RUNS = 100,
    KILL_MS_MIN = 700,
    KILL_MS_RANGE = 1500,
    FEW_MS_MIN = 150,
    FEW_MS_RANGE = 500,
    PART_MS_MIN = 100
};

static const struct wl_service_row services[] = {
    {"takes keys", WL_TAKES_KEYS, false, false, WL_NO_PART},
    {"can only be asked", WL_CAN_BE_ASKED, false, false, WL_NO_PART},
    {"neither", WL_NEITHER, false, false, WL_NO_PART},
    {"neither; a person looks", WL_NEITHER, true, false, WL_NO_PART},
    {"says keys, and lies", WL_TAKES_KEYS, false, true, WL_NO_PART},
};
static const struct wl_service_row parts[] = {
    {.name = "budgets", .part = WL_BUDGETS},
    {.name = "context window", .part = WL_CONTEXT},
    {.name = "guards", .part = WL_GUARDS},
    {.name = "second opinions", .part = WL_OPINIONS},
    {.name = "calls that end later", .part = WL_ASYNC},
    {.name = "child runs", .part = WL_CHILDREN},
    {.name = "checks of outcomes", .part = WL_CHECKS},
    {.name = "schedules", .part = WL_SCHEDULES},
    {.name = "undo", .part = WL_UNDO},
    {.name = "signals", .part = WL_SIGNALS},
};
/* With what else goes wrong: what a provider has counted must be known of lost answers, too. */
static const char *const part_faults[WL_PARTS] = {[WL_BUDGETS] = "model"};

/* It has seen its schedules: from here on their times count. */
static int first_life(struct wl_replay *r, struct pawl *p)
{
    const struct pawl_config *c = pawl_host_config(p);
    struct pawl_error err = {0};
    const int rc = c ? wl_clock_first(p, c->schedules_count, &err) : PAWL_ECONFIG;
    if (rc) fprintf(stderr, "workloads: %s %s\n", err.where, err.what);
    pawl_close(p);
    free(r->chunks);
    pawl_map_fini(&r->by_run);
    return rc != 0;
}

int wl_life(struct wl_data *data, const struct wl_bad_day *day, int port, bool looks_it_up, enum wl_part part)
{
    struct wl_replay r = {
        .data = data,
        .folder = day->folder,
        .config = {.faulty = true, .part = part, .kills = day->kills, .begins_ns = day->begins_ns, .data = data},
        .port = port,
        .looks_it_up = looks_it_up,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .named = PTHREAD_COND_INITIALIZER};
    struct pawl_error err = {0};
    pthread_t people[64];
    struct pawl *p = NULL;
    char config[280];
    bool ok;
    snprintf(r.store, sizeof r.store, "sqlite:%s/pawl.db", r.folder);
    snprintf(config, sizeof config, "%s/schedules.yaml", r.folder);
    const bool by_clock = part == WL_SCHEDULES;
    const struct pawl_options o = {.size = sizeof o,
                                   .config = by_clock ? config : NULL,
                                   .store = r.store,
                                   .must_own = true};
    if (by_clock) wl_clock_set(day->clock_ns);
    pawl_map_init(&r.by_run, pawl_alloc_libc());
    wl_forget(data);
    if (wl_make_chunks(&r, false, &err) || pawl_open(&o, &p, &err)) {
        fprintf(stderr, "workloads: %s %s\n", err.where, err.what);
        return 1;
    }
    if (day->first) return first_life(&r, p);
    if (by_clock) pawl_host_schedules(p);
    for (uint32_t i = 0; i < day->people; i++)
        if (pthread_create(&people[i], NULL, wl_people, &r)) return 1;
    ok = wl_drive(&r, p, &err);
    if (ok && by_clock) ok = !wl_clock_rest(p, day->clock_ns + (WL_BEFORE_MS + WL_AFTER_MS) * (int64_t)1000000, &err);
    for (uint32_t i = 0; i < data->recordings_count; i++) {
        const struct wl_recording *rec = &data->recordings[i];
        if (rec->trouble[0]) fprintf(stderr, "workloads: %s (run %s): %s\n", rec->id.p, rec->run, rec->trouble);
        if (!ok && !rec->over) fprintf(stderr, "workloads: %s (run %s): not over\n", rec->id.p, rec->run);
    }
    if (!ok) _exit(1); /* threads that wait for a run which does not move can not be joined */
    for (uint32_t i = 0; i < day->people; i++) pthread_join(people[i], NULL);
    pawl_close(p);
    free(r.chunks);
    pawl_map_fini(&r.by_run);
    return 0;
}

/* life 0: the one that only looks at its schedules */
static pid_t give_birth(const struct wl_bad_day *day, const char *folder, int port, const struct wl_service_row *s,
                        uint32_t life)
{
    char stride[16], people[16], at[16], part[16], kills[16], begins[24], clock[24];
    const int64_t clock_ns =
        day->begins_ns +
        (life ? (int64_t)(life - 1) * WL_WINDOW_MINUTES * 60000000000 - WL_BEFORE_MS * (int64_t)1000000 : -30000000000);
    const pid_t pid = fork();
    if (pid != 0) return pid;
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* it does not outlive its world */
#endif
    snprintf(stride, sizeof stride, "%u", day->stride);
    snprintf(people, sizeof people, "%u", day->people);
    snprintf(at, sizeof at, "%d", port);
    snprintf(part, sizeof part, "%d", (int)s->part);
    snprintf(kills, sizeof kills, "%u", day->kills);
    snprintf(begins, sizeof begins, "%lld", (long long)day->begins_ns);
    snprintf(clock, sizeof clock, "%lld", (long long)clock_ns);
    execl("/proc/self/exe", "workloads", "--life", at, "--data", day->data, "--folder", folder, "--stride", stride,
          "--people", people, "--part", part, "--kills", kills, "--begins", begins, "--clock", clock,
          s->looks_it_up ? "--look"
          : life         ? NULL
                         : "--first",
          (char *)NULL);
    _exit(127);
}

/* Waits for its end for at most so long; true: it has ended, with *status. */
static bool wait_for(pid_t pid, int64_t ms, int *status)
{
    const struct timespec tick = {.tv_nsec = 5000000};
    const double until = wl_seconds() + (double)ms / 1000;
    do {
        const pid_t got = waitpid(pid, status, ms < 0 ? 0 : WNOHANG);
        if (got == pid) return true;
        if (got < 0 && errno != EINTR) return *status = 0x100, true;
        nanosleep(&tick, NULL);
    } while (ms < 0 || wl_seconds() < until);
    return false;
}

static uint64_t number_of(const struct wl_service_row *s)
{
    return s->part ? 100 + (uint64_t)s->part : (uint64_t)(s - services);
}

/* Lives of pawl, killed one after the other; the last one comes to its end by itself. The number of lives; 0: it failed. */
static uint32_t live(const struct wl_bad_day *day, const char *folder, int port, const struct wl_service_row *s,
                     bool few)
{
    const uint32_t kills = (s->part || day->faults.on[WL_KILLS]) && !s->lies ? day->kills : 0;
    struct pawl_prng prng;
    int status = 0;
    pawl_prng_seed(&prng, day->faults.seed * 31 + number_of(s));
    if (s->part == WL_SCHEDULES && (!wait_for(give_birth(day, folder, port, s, 0), -1, &status) || status)) return 0;
    for (uint32_t lives = 1;; lives++) {
        const int64_t ms = (s->part ? PART_MS_MIN
                            : few   ? FEW_MS_MIN
                                    : KILL_MS_MIN) +
                           (int64_t)pawl_prng_below(&prng, few || s->part ? FEW_MS_RANGE : KILL_MS_RANGE);
        const pid_t pid = give_birth(day, folder, port, s, lives);
        if (pid < 0) return 0;
        if (wait_for(pid, lives <= kills ? ms : -1, &status)) {
            if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return lives;
            fprintf(stderr, "workloads: pawl ended with status %#x in life %u\n", (unsigned)status, lives);
            return 0;
        }
        kill(pid, SIGKILL);
        wait_for(pid, -1, &status);
    }
}

static uint32_t play(struct wl_data *data, const struct wl_bad_day *day, const struct wl_service_row *s)
{
    struct wl_replay r = {.data = data, .lock = PTHREAD_MUTEX_INITIALIZER, .named = PTHREAD_COND_INITIALIZER};
    struct pawl_error err = {0};
    struct wl_world *w = NULL;
    struct wl_faults faults = day->faults;
    const char *unknown;
    char folder[240], url[64];
    uint32_t lives, wrong = data->recordings_count;
    snprintf(folder, sizeof folder, "%s/%u", day->folder, (unsigned)number_of(s));
    snprintf(r.store, sizeof r.store, "sqlite:%s/pawl.db", folder);
    r.folder = folder;
    wl_forget(data);
    pawl_map_init(&r.by_run, pawl_alloc_libc());
    if (mkdir(folder, 0700) && errno != EEXIST) return perror(folder), wrong;
    if (s->part) memset(faults.on, 0, sizeof faults.on);
    if (s->part && part_faults[s->part]) wl_faults_read(&faults, part_faults[s->part], &unknown);
    if (wl_world_open(data, &faults, s->lies ? WL_NEITHER : s->service, s->part, &w, &r.port, &err))
        return fprintf(stderr, "%s\n", err.what), wrong;
    snprintf(url, sizeof url, "http://127.0.0.1:%d", r.port);
    r.config = (struct wl_config){.url = url,
                                  .faulty = true,
                                  .service = s->service,
                                  .part = s->part,
                                  .kills = day->kills,
                                  .begins_ns = day->begins_ns,
                                  .data = data};
    if (s->part == WL_BUDGETS) r.config.all_tokens = wl_allowance_of_all(data);
    if (wl_make_chunks(&r, true, &err) || (s->part == WL_SCHEDULES && wl_make_schedules(&r, &err)))
        return fprintf(stderr, "workloads: %s %s\n", err.where, err.what), wrong;
    lives = live(day, folder, r.port, s, data->recordings_count < FEW_RUNS);
    wl_world_stop(w);
    wrong = wl_audit(&r, w, s, lives);
    wl_world_free(w);
    free(r.chunks);
    pawl_map_fini(&r.by_run);
    return wrong;
}

static void print_faults(const struct wl_bad_day *day)
{
    printf("seed %llu; what goes wrong:", (unsigned long long)day->faults.seed);
    for (int i = 1; i < WL_FAULTS; i++)
        if (day->faults.on[i]) printf(" %s", wl_fault_names[i]);
    printf("\n");
    fflush(stdout);
}

uint32_t wl_faulty(struct wl_data *data, const struct wl_bad_day *day, uint32_t *played)
{
    uint32_t wrong = 0;
    print_faults(day);
    wl_audit_head();
    for (uint32_t i = 0; i < sizeof services / sizeof *services; i++) {
        if (day->service && day->service != i + 1) continue;
        wrong += play(data, day, &services[i]);
        *played += !services[i].lies;
    }
    return wrong;
}

uint32_t wl_play_parts(struct wl_data *data, const struct wl_bad_day *day, uint32_t *played)
{
    uint32_t wrong = 0;
    wl_part_head();
    for (uint32_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!day->parts[parts[i].part]) continue;
        wrong += play(data, day, &parts[i]);
        ++*played;
    }
    return wrong;
}

bool wl_parts_read(bool wanted[WL_PARTS], const char *list, const char **unknown)
{
    for (const char *p = list; *p;) {
        const struct pawl_str word = {p, (uint32_t)strcspn(p, ",")};
        const bool all = pawl_str_is(word, "all");
        bool any = false;
        for (int i = 1; i < WL_PARTS; i++)
            if (all || pawl_str_is(word, wl_part_names[i])) any = wanted[i] = true;
        *unknown = p;
        if (!any) return false;
        p += word.n + (p[word.n] == ',');
    }
    return true;
}
