/* src/cli/sim_cmd.c - `pawl sim`: play seeds of the simulator, tell of the first invariant that did not hold, replay one.
 *
 *   pawl sim [--seeds N] [--from S] [--without FAULT[,FAULT]] [--counts] [--stop]
 *   pawl sim --seed S [--trace] [--runs N] [--without …]
 * --stop: at the first seed that does not hold. Ends with one line `N passed, N failed`; exit status 1 where one failed. */
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/sha256.h"
#include "cli/sim_cmd.h"
#include "io/alloc.h"
#include "sim/sim.h"

enum { TAIL = 40, LINE = 1024, FAILURES_SHOWN = 5, AGAIN_EVERY = 50, SEED_SECONDS = 60 };

struct wanted {
    uint64_t from, seeds;
    bool one, trace, counts, shrink, stop;
    uint32_t without, runs_max;
};
struct tail { /* the last lines of a trace */
    char lines[TAIL][LINE];
    uint64_t count;
};

/* An assertion of the engine, or worse, ends the process: say at least in which seed. */
static volatile uint64_t playing;

static void put(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0) return;
}

static void ends_badly(int signal_number)
{
    char digits[24] = "", *at = digits + sizeof digits - 1;
    uint64_t v = playing;
    do *--at = (char)('0' + v % 10);
    while ((v /= 10) > 0);
    put(signal_number == SIGABRT   ? "an assertion failed in seed "
        : signal_number == SIGALRM ? "there is no end of it in seed "
                                   : "memory was touched that is not there in seed ");
    put(at);
    put("\nreplay it with: pawl sim --trace --seed ");
    put(at);
    put("\n");
    signal(signal_number, SIG_DFL);
    if (signal_number == SIGALRM) raise(signal_number);
}

static void to_stdout(void *ctx, const char *text)
{
    (void)ctx;
    puts(text);
}

static void to_tail(void *ctx, const char *text)
{
    struct tail *t = ctx;
    snprintf(t->lines[t->count++ % TAIL], LINE, "%s", text);
}

static int play(const struct wanted *w, uint64_t seed, void (*line)(void *, const char *), void *ctx,
                struct pawl_sim_result *out)
{
    const struct pawl_sim_options o = {.seed = seed,
                                       .from = pawl_alloc_libc(),
                                       .line = line,
                                       .ctx = ctx,
                                       .without = w->without,
                                       .runs_max = w->runs_max};
    playing = seed;
    alarm(w->trace ? 0 : SEED_SECONDS); /* a trace may wait for its reader */
    const int rc = pawl_sim_run(&o, out);
    alarm(0);
    if (rc) fprintf(stderr, "pawl sim: seed %" PRIu64 ": %s\n", seed, pawl_code_name(rc));
    return rc;
}

static void print_faults(uint32_t faults, const char *before)
{
    for (uint32_t bit = 1; bit & PAWL_SIM_FAULTS; bit <<= 1) {
        if (!(faults & bit)) continue;
        printf("%s%s", before, pawl_sim_fault_name(bit));
        before = ",";
    }
}

static void tell_how_to_replay(const struct wanted *w, uint64_t seed)
{
    printf("replay it with: pawl sim --trace --seed %" PRIu64, seed);
    if (w->runs_max) printf(" --runs %" PRIu32, w->runs_max);
    if (w->without) print_faults(w->without, " --without ");
    printf("\n");
}

static void tell_failure(const struct wanted *w, uint64_t seed, const struct pawl_sim_result *r, bool with_tail)
{
    static struct tail t;
    struct pawl_sim_result again;
    struct wanted small = *w;
    struct pawl_sim_options o = {.seed = seed,
                                 .from = pawl_alloc_libc(),
                                 .without = w->without,
                                 .runs_max = w->runs_max};
    printf("seed %" PRIu64 " does not hold: %s: %s\n", seed, r->invariant, r->what);
    if (w->shrink && pawl_sim_shrink(&o, r->invariant) == PAWL_OK) {
        small.without = o.without;
        small.runs_max = o.runs_max;
    }
    if (with_tail) {
        t.count = 0;
        play(&small, seed, to_tail, &t, &again);
        for (uint64_t i = t.count > TAIL ? t.count - TAIL : 0; i < t.count; i++) puts(t.lines[i % TAIL]);
    }
    tell_how_to_replay(&small, seed);
}

/* The same seed again must be the same, byte for byte. */
static bool same_again(const struct wanted *w, uint64_t seed, const struct pawl_sim_result *first)
{
    struct pawl_sim_result second;
    if (play(w, seed, NULL, NULL, &second)) return false;
    if (second.hash == first->hash) return true;
    printf("seed %" PRIu64 " does not hold: replay: it went another way the second time\n", seed);
    tell_how_to_replay(w, seed);
    return false;
}

static int play_all(const struct wanted *w)
{
    const bool shown = isatty(STDOUT_FILENO);
    static uint64_t counts[PAWL_SIM_N_COUNT];
    uint64_t passed = 0, failed = 0;
    for (uint64_t i = 0; i < w->seeds && !(w->stop && failed); i++) {
        struct pawl_sim_result r;
        const uint64_t seed = w->from + i;
        if (play(w, seed, NULL, NULL, &r)) return 2;
        bool fine = r.held;
        if (!fine && failed < FAILURES_SHOWN) tell_failure(w, seed, &r, failed == 0);
        if (fine && i % AGAIN_EVERY == 0) fine = same_again(w, seed, &r);
        passed += fine;
        failed += !fine;
        for (int c = 0; c < PAWL_SIM_N_COUNT; c++) counts[c] += r.counts[c];
        if (shown && (i + 1) % 500 == 0) printf("%" PRIu64 " seeds, %" PRIu64 " failed\n", i + 1, failed);
    }
    for (int c = 0; c < PAWL_SIM_N_COUNT && w->counts; c++)
        printf("%12" PRIu64 "  %s\n", counts[c], pawl_sim_count_name((enum pawl_sim_count)c));
    printf("%" PRIu64 " passed, %" PRIu64 " failed\n", passed, failed);
    return failed > 0;
}

static int play_one(const struct wanted *w)
{
    struct pawl_sim_result r;
    if (play(w, w->from, w->trace ? to_stdout : NULL, NULL, &r)) return 2;
    printf("seed %" PRIu64 ": %" PRIu64 " events, %" PRIu32 " runs, %.1f h of virtual time, hash %016" PRIx64, w->from,
           r.events, r.runs, (double)r.virtual_ns / 3.6e12, r.hash);
    print_faults(r.faults, "; plays ");
    printf("\n");
    for (int c = 0; c < PAWL_SIM_N_COUNT && w->counts; c++)
        if (r.counts[c]) printf("%12" PRIu64 "  %s\n", r.counts[c], pawl_sim_count_name((enum pawl_sim_count)c));
    if (!r.held) tell_failure(w, w->from, &r, !w->trace);
    printf("%d passed, %d failed\n", r.held, !r.held);
    return !r.held;
}

/* ---- the command line ---- */

static bool number(const char *text, uint64_t *out)
{
    char *end = NULL;
    if (!text || *text < '0' || *text > '9') return false;
    *out = strtoull(text, &end, 10);
    return *end == 0;
}

static bool faults(const char *text, uint32_t *out)
{
    char name[32];
    while (*text) {
        const size_t n = strcspn(text, ",");
        uint32_t bit = 1;
        if (n >= sizeof name) return false;
        memcpy(name, text, n);
        name[n] = 0;
        while (bit & PAWL_SIM_FAULTS && strcmp(pawl_sim_fault_name(bit), name) != 0) bit <<= 1;
        if (!(bit & PAWL_SIM_FAULTS)) return false;
        *out |= bit;
        text += n + (text[n] == ',');
    }
    return true;
}

static int usage(const char *what)
{
    fprintf(stderr,
            "pawl sim: %s\nusage: pawl sim [--seeds N] [--from S] [--seed S [--trace]] [--runs N] [--without FAULT,…] "
            "[--counts] [--shrink] [--stop]\nfaults: ",
            what);
    for (uint32_t bit = 1; bit & PAWL_SIM_FAULTS; bit <<= 1) fprintf(stderr, "%s ", pawl_sim_fault_name(bit));
    fprintf(stderr, "\n");
    return 2;
}

int pawl_cmd_sim(int argc, char **argv)
{
    struct wanted w = {.from = 1, .seeds = 1000};
    uint64_t runs = 0;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--trace") == 0) w.trace = true;
        else if (strcmp(argv[i], "--counts") == 0) w.counts = true;
        else if (strcmp(argv[i], "--shrink") == 0) w.shrink = true;
        else if (strcmp(argv[i], "--stop") == 0) w.stop = true;
        else if (strcmp(argv[i], "--seeds") == 0 && number(value, &w.seeds)) i++;
        else if (strcmp(argv[i], "--from") == 0 && number(value, &w.from)) i++;
        else if (strcmp(argv[i], "--seed") == 0 && number(value, &w.from)) w.one = true, i++;
        else if (strcmp(argv[i], "--runs") == 0 && number(value, &runs) && runs < 100) w.runs_max = (uint32_t)runs, i++;
        else if (strcmp(argv[i], "--without") == 0 && faults(value, &w.without)) i++;
        else return usage(argv[i]);
    }
    signal(SIGABRT, ends_badly);
    signal(SIGSEGV, ends_badly);
    signal(SIGALRM, ends_badly);
    setvbuf(stdout, NULL, _IOLBF, 0);
    return w.one ? play_one(&w) : play_all(&w);
}
