/* src/cli/bench.c - `pawl bench`: how fast pawl is on this machine, as ratios to what the machine can do, measured in the same
 * call. docs/performance.md says what each row is and what was found.
 *
 *   pawl bench [--json] [--only NAME[,NAME]] [--folder FOLDER] [--rounds N] [--idle SECONDS] [--parked N]
 * Exit status 1 where a required figure is not met. */
#include "cli/bench.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/bytes.h"
#include "base/error.h"
#include "cli/bench_cmd.h"
#include "contract/json.h"
#include "io/alloc.h"

static const struct {
    const char *name, *what;
    void (*run)(struct bench *b);
} workloads[] = {
    {"floors", "what the machine can do", bench_floors},
    {"many", "200 runs at once, 10 mutating steps each", bench_many},
    {"lone", "one run alone", bench_lone},
    {"own", "pawl's own time of a read and of a model step", bench_own},
    {"start", "exec to the first durable step", bench_start},
    {"idle", "an idle owner: memory, wake-ups", bench_idle},
    {"crash", "1,000 runs killed half way, and finished", bench_crash},
    {"unfinished", "100,000 unfinished runs: start to the first step", bench_unfinished},
    {"parked", "1,000,000 parked runs", bench_parked},
    {"conversation", "100 calls: what they take on the disk", bench_conversation},
    {"lanes", "how long a lane waits beside a flooded one", bench_lanes},
    {"schema", "arguments checked against schemas", bench_schema},
    {"binary", "the size of this binary", bench_binary},
};
enum { WORKLOADS = sizeof workloads / sizeof *workloads };

struct wanted {
    bool json, only[WORKLOADS], any;
    const char *folder;
};

static void help(FILE *to)
{
    fprintf(
        to,
        "usage: pawl bench [--json] [--only NAME[,NAME]] [--folder FOLDER] [--rounds N] [--idle SECONDS] [--parked N]\n"
        "--folder decides which disk is measured; all that is written there goes again. The workloads:\n");
    for (int i = 0; i < WORKLOADS; i++) fprintf(to, "  %-13s %s\n", workloads[i].name, workloads[i].what);
    fprintf(to, "example: pawl bench --only many,lone\n");
}

static int usage(const char *what)
{
    fprintf(stderr, "pawl bench: %s\n", what);
    help(stderr);
    return 2;
}

static bool choose(struct wanted *w, const char *names)
{
    while (*names) {
        const size_t n = strcspn(names, ",");
        int i = 0;
        while (i < WORKLOADS && (strlen(workloads[i].name) != n || strncmp(workloads[i].name, names, n) != 0)) i++;
        if (i == WORKLOADS) return false;
        w->only[i] = w->any = true;
        names += n + (names[n] == ',');
    }
    return w->any;
}

static bool number(const char *text, uint32_t least, uint32_t most, uint32_t *out)
{
    char *end = NULL;
    const unsigned long v = strtoul(text, &end, 10);
    *out = (uint32_t)v;
    return *text >= '0' && *text <= '9' && *end == 0 && v >= least && v <= most;
}

static void print_json(const struct bench *b)
{
    struct pawl_buf out;
    struct pawl_json_writer w = {.out = &out};
    pawl_buf_init(&out, pawl_alloc_libc());
    for (uint32_t i = 0; i < b->rows_count; i++) {
        const struct bench_row *r = &b->rows[i];
        w.more = false;
        pawl_jw_open(&w, '{');
        pawl_jw_key(&w, "row");
        pawl_jw_text(&w, r->name);
        pawl_jw_key(&w, "value");
        pawl_jw_text(&w, r->value);
        if (r->judged) {
            pawl_jw_key(&w, "required");
            pawl_jw_text(&w, r->required);
            pawl_jw_key(&w, "met");
            pawl_jw_bool(&w, r->met);
        }
        if (r->detail[0]) pawl_jw_key(&w, "detail"), pawl_jw_text(&w, r->detail);
        pawl_jw_close(&w, '}');
        pawl_buf_char(&out, '\n');
    }
    if (pawl_buf_done(&out).p) fputs(out.p, stdout);
    pawl_buf_fini(&out);
}

static void print_table(const struct bench *b, uint32_t from)
{
    for (uint32_t i = from; i < b->rows_count; i++) {
        const struct bench_row *r = &b->rows[i];
        printf("%-13s %-7s %-46s %s\n", r->name, !r->judged ? "" : r->met ? "met" : "NOT MET", r->value, r->required);
        if (r->detail[0]) printf("%21s %s\n", "", r->detail);
    }
    fflush(stdout);
}

static int run(struct bench *b, const struct wanted *w)
{
    int failed = 0, judged = 0;
    for (int i = 0; i < WORKLOADS; i++) {
        const uint32_t before = b->rows_count;
        if (w->any && !w->only[i]) continue;
        workloads[i].run(b);
        if (!w->json) print_table(b, before);
    }
    if (w->json) print_json(b);
    for (uint32_t i = 0; i < b->rows_count; i++) {
        judged += b->rows[i].judged;
        failed += b->rows[i].judged && !b->rows[i].met;
    }
    if (!w->json) printf("%d met, %d not met\n", judged - failed, failed);
    return failed != 0;
}

int pawl_cmd_bench(int argc, char **argv)
{
    struct wanted w = {.folder = "."};
    static struct bench b;
    int status;
    if (argc == 5 && strcmp(argv[1], "--child") == 0)
        return bench_child_main(argv[2], argv[3], (uint32_t)strtoul(argv[4], NULL, 10));
    b.rounds = 7;
    b.idle_s = 60;
    b.parked = 1000000;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0) return help(stdout), 0;
        if (strcmp(argv[i], "--json") == 0) w.json = true;
        else if (strcmp(argv[i], "--only") == 0 && choose(&w, value)) i++;
        else if (strcmp(argv[i], "--folder") == 0 && *value) w.folder = value, i++;
        else if (strcmp(argv[i], "--rounds") == 0 && number(value, 1, 50, &b.rounds)) i++;
        else if (strcmp(argv[i], "--idle") == 0 && number(value, 1, 3600, &b.idle_s)) i++;
        else if (strcmp(argv[i], "--parked") == 0 && number(value, 20000, 10000000, &b.parked)) i++;
        else return usage(argv[i]);
    }
    snprintf(b.folder, sizeof b.folder - 64, "%s/pawl-bench-%ld", w.folder, (long)getpid());
    if (mkdir(b.folder, 0700) != 0) {
        fprintf(stderr, "pawl bench: cannot make the folder %s: %s\n", b.folder, strerror(errno));
        return 1;
    }
    status = run(&b, &w);
    bench_remove(b.folder);
    return status;
}
