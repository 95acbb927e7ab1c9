/* src/cli/bench_kit.c - what the workloads of `pawl bench` share: rows, folders, configurations, children. */
#include "cli/bench.h"
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void bench_die(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fputs("pawl bench: ", stderr);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fputc('\n', stderr);
    exit(1);
}

struct bench_row *bench_row(struct bench *b, const char *name, const char *required)
{
    struct bench_row *r = &b->rows[b->rows_count++];
    if (b->rows_count > BENCH_ROWS) bench_die("too many rows");
    *r = (struct bench_row){.name = name};
    snprintf(r->required, sizeof r->required, "%s", required);
    return r;
}

void bench_value(struct bench_row *r, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(r->value, sizeof r->value, format, ap);
    va_end(ap);
}

void bench_detail(struct bench_row *r, const char *format, ...)
{
    const size_t n = strlen(r->detail);
    va_list ap;
    va_start(ap, format);
    vsnprintf(r->detail + n, sizeof r->detail - n, format, ap);
    va_end(ap);
}

void bench_judge(struct bench_row *r, bool met)
{
    r->met = (!r->judged || r->met) && met;
    r->judged = true;
}

double bench_cpu_s(void)
{
    struct timespec t;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) != 0) return 0;
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, uint32_t count)
{
    if (count == 0) return NAN;
    qsort(values, count, sizeof *values, by_value);
    return bench_share(values, count, 0.5);
}

double bench_share(double *values, uint32_t count, double share)
{
    const double at = share * (count - 1);
    return values[(uint32_t)(at + 0.5)];
}

/* ---- folders ---- */

static void join(char out[BENCH_PATH], const char *folder, const char *name)
{
    if (snprintf(out, BENCH_PATH, "%s/%s", folder, name) >= BENCH_PATH) bench_die("the folder's name is too long");
}

void bench_path(const struct bench *b, char out[BENCH_PATH], const char *name)
{
    join(out, b->folder, name);
}

void bench_remove(const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    char path[BENCH_PATH];
    while (dir && (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        join(path, folder, entry->d_name);
        if (unlink(path) != 0) bench_remove(path);
    }
    if (dir) closedir(dir);
    rmdir(folder);
}

void bench_folder(const struct bench *b, char out[BENCH_PATH], const char *name)
{
    bench_path(b, out, name);
    bench_remove(out);
    if (mkdir(out, 0700) != 0) bench_die("cannot make the folder %s: %s", out, strerror(errno));
}

FILE *bench_create(const char *folder, const char *name)
{
    char path[BENCH_PATH];
    join(path, folder, name);
    FILE *f = fopen(path, "w");
    if (!f) bench_die("cannot write %s: %s", path, strerror(errno));
    return f;
}

void bench_close(FILE *f)
{
    if (fclose(f) != 0) bench_die("cannot write: %s", strerror(errno));
}

int64_t bench_file_bytes(const char *folder, const char *name)
{
    char path[BENCH_PATH];
    struct stat is;
    join(path, folder, name);
    return stat(path, &is) == 0 ? (int64_t)is.st_size : 0;
}

/* ---- agents ---- */

void bench_write_plan(const char *folder, const struct bench_plan *plan)
{
    const bool key = strcmp(plan->effect, "read") != 0;
    FILE *f = bench_create(folder, "pawl.yaml");
    uint32_t n = 0;
    fprintf(f, "version: 1\nstore: sqlite:pawl.db\nmodels:\n  main:\n    provider: script\n    script:\n");
    for (uint32_t i = 0; i < plan->turns; i++) {
        fprintf(f, "      - calls: [");
        for (uint32_t k = 0; k < plan->calls; k++) fprintf(f, "%s{step: {n: %u}}", k ? ", " : "", ++n);
        fprintf(f, "]\n");
    }
    fprintf(f, "      - say: Done.\ntools:\n  step:\n    description: Does nothing.\n    effect: %s\n%s", plan->effect,
            key ? "    key: {}\n" : "");
    fprintf(f, "    input: {type: object, required: [n], properties: {n: {type: integer}}}\nagents:\n"
               "  bench: {model: main, tools: [step], instructions: Take the steps., budget: {steps: 100000},"
               " guards: {destructive_in_a_row: none, same_call: none}}\n");
    bench_close(f);
}

struct pawl *bench_open(const char *folder)
{
    char config[BENCH_PATH], store[BENCH_PATH + 16];
    const struct pawl_options o = {.size = sizeof o, .config = config, .store = store, .must_own = true};
    struct pawl_error err;
    struct pawl *p;
    join(config, folder, "pawl.yaml");
    snprintf(store, sizeof store, "sqlite:%s/pawl.db", folder);
    if (pawl_open(&o, &p, &err)) bench_die("%s: %s %s", err.where, err.what, err.next);
    return p;
}

static void step(void *ctx, const struct pawl_tool_call *call,
                 void (*answer)(void *, enum pawl_tool_verdict, const char *, size_t), void *answer_ctx)
{
    static const char said[] =
        "{\"ok\":true,\"note\":\"a result of one hundred bytes, as a tool that changes something might "
        "give it..\"}";
    struct bench_tool *t = ctx;
    _Static_assert(sizeof said - 1 == 100, "the result has 100 bytes");
    (void)call;
    if (++t->calls == t->stop_at) t->stopped(t->ctx);
    answer(answer_ctx, PAWL_TOOL_APPLIED, said, sizeof said - 1);
}

void bench_register(struct pawl *p, struct bench_tool *tool)
{
    struct pawl_error err;
    if (pawl_register_tool(p, "step", step, tool, &err)) bench_die("%s", err.what);
}

static int no_error(void *ctx, const char *json, size_t bytes)
{
    (void)ctx;
    if (bytes > 8 && strstr(json, "\"error\":{")) bench_die("%.*s", (int)bytes, json);
    return 0;
}

void bench_post_start(struct pawl *p, const char *members)
{
    char request[512];
    struct pawl_error err;
    snprintf(request, sizeof request, "{\"do\":\"start\",\"agent\":\"bench\",\"input\":\"%s\"%s}",
             "sixty bytes of input: what the user wanted to have done now.", members);
    if (pawl_post(p, request, no_error, NULL, &err)) bench_die("%s", err.what);
}

void bench_finish(struct pawl *p)
{
    struct pawl_error err;
    if (pawl_call(p, "{\"do\":\"resume\",\"all\":true}", NULL, NULL, &err)) bench_die("%s %s", err.where, err.what);
}

static int take_number(void *ctx, const char *json, size_t bytes)
{
    const char *rows = strstr(json, "\"rows\":[[");
    (void)bytes;
    if (rows) *(int64_t *)ctx = strtoll(rows + 9, NULL, 10);
    return 0;
}

int64_t bench_count_runs(struct pawl *p, const char *status)
{
    char request[200];
    struct pawl_error err;
    int64_t count = -1;
    snprintf(request, sizeof request, "{\"do\":\"sql\",\"text\":\"SELECT count(*) FROM runs WHERE status = '%s'\"}",
             status);
    if (pawl_call(p, request, take_number, &count, &err)) bench_die("%s %s", err.where, err.what);
    return count;
}

/* ---- children ---- */

void bench_spawn(struct bench_child *c, const char *what, const char *folder, uint32_t number)
{
    char digits[16];
    int ends[2];
    snprintf(digits, sizeof digits, "%u", number);
    if (pipe(ends) != 0) bench_die("no pipe: %s", strerror(errno));
    fflush(NULL);
    c->pid = fork();
    if (c->pid < 0) bench_die("no child: %s", strerror(errno));
    if (c->pid == 0) {
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
        execl("/proc/self/exe", "pawl", "bench", "--child", what, folder, digits, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    c->out = fdopen(ends[0], "r");
    if (!c->out) bench_die("no stream: %s", strerror(errno));
}

int64_t bench_expect(struct bench_child *c, const char *word)
{
    char line[512];
    while (fgets(line, sizeof line, c->out))
        if (strncmp(line, word, strlen(word)) == 0) return strtoll(line + strlen(word), NULL, 10);
    bench_die("the child ended before it said '%s'", word);
}

int bench_reap(struct bench_child *c)
{
    int status = 0;
    fclose(c->out);
    if (waitpid(c->pid, &status, 0) != c->pid) bench_die("no child to wait for: %s", strerror(errno));
    return status;
}
