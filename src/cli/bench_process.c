/* src/cli/bench_process.c - what a process costs: its start, an idle one, one that was killed; and the binary itself. The
 * children are this same binary, started anew, so that exec, the dynamic linker and the opening of the store all count. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "cli/bench.h"
#include "io/clock.h"
#include "io/curl.h"

/* ---- exec to the first durable step ---- */

enum { STARTS = 21 };

/* `pawl run --json`: its first line about a step that has ended comes when that is durable. */
static double start_ms(const char *folder)
{
    char config[BENCH_PATH + 16], store[BENCH_PATH + 16], line[4096];
    bool seen = false;
    int ends[2];
    snprintf(config, sizeof config, "%s/pawl.yaml", folder);
    snprintf(store, sizeof store, "sqlite:%s/pawl.db", folder);
    if (pipe(ends) != 0) bench_die("no pipe: %s", strerror(errno));
    fflush(NULL);
    const int64_t began_ns = pawl_clock_mono_ns();
    int64_t ended_ns = began_ns;
    const pid_t pid = fork();
    if (pid < 0) bench_die("no child: %s", strerror(errno));
    if (pid == 0) {
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
        execl("/proc/self/exe", "pawl", "run", "--json", "--config", config, "--store", store, "bench", "begin",
              (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    FILE *f = fdopen(ends[0], "r");
    while (f && fgets(line, sizeof line, f)) {
        if (seen || !strstr(line, "\"state\":\"done\"")) continue;
        seen = true;
        ended_ns = pawl_clock_mono_ns();
    }
    if (f) fclose(f);
    waitpid(pid, NULL, 0);
    if (!seen) bench_die("the child took no step");
    return (double)(ended_ns - began_ns) / 1e6;
}

void bench_start(struct bench *b)
{
    const struct bench_plan plan = {.effect = "mutate"};
    char folder[BENCH_PATH];
    double ms[STARTS];
    for (int i = 0; i < STARTS; i++) {
        bench_folder(b, folder, "start"); /* a new store each time: making it counts */
        bench_write_plan(folder, &plan);
        ms[i] = start_ms(folder);
    }
    bench_remove(folder);
    struct bench_row *r = bench_row(b, "start", "<= 20 ms");
    const double p50 = bench_median(ms, STARTS);
    bench_value(r, "%.1f ms (best %.1f, worst %.1f)", p50, ms[0], ms[STARTS - 1]);
    bench_detail(r, "exec of pawl run, its store made, to its first step completed and durable");
    bench_judge(r, p50 <= 20);
}

/* ---- an idle owner ---- */

struct bench_memory bench_memory_of(int pid)
{
    struct bench_memory m = {0};
    char path[64], line[256];
    long kib;
    const int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (self >= 0) { /* one that was just built may not be on the disk yet: its own pages would count as dirty */
        fsync(self);
        close(self);
    }
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "Pss_Anon: %ld", &kib) == 1) m.anon_kib = kib;
        if (sscanf(line, "Pss_Dirty: %ld", &kib) == 1) m.dirty_kib = kib;
    }
    if (!f || fclose(f) != 0 || m.anon_kib == 0) bench_die("cannot read %s", path);
    return m;
}

/* How often the threads of a process gave up the processor by themselves, which each wake-up ends with. */
static long switches(int pid)
{
    char command[128], line[256];
    long sum = 0, n;
    snprintf(command, sizeof command, "cat /proc/%d/task/*/status", pid);
    FILE *f = popen(command, "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "voluntary_ctxt_switches: %ld", &n) == 1) sum += n;
    if (f) pclose(f);
    return sum;
}

/* Lines that strace writes about the process while it watches: system calls that it made. -1: no strace here. */
static long system_calls(const struct bench *b, int pid)
{
    char path[BENCH_PATH], command[2 * BENCH_PATH + 128], line[512];
    long calls = 0;
    bench_path(b, path, "strace");
    snprintf(command, sizeof command, "timeout -s INT %u strace -f -q -o '%s' -p %d > '%s.err' 2>&1", b->idle_s, path,
             pid, path);
    const int status = system(command);
    FILE *f = fopen(path, "r");
    if (status == -1 || !f) return -1;
    /* What it was blocked in when strace came, and is still, is told in an unfinished or detached line. */
    while (fgets(line, sizeof line, f))
        calls += !strstr(line, "<detached") && !strstr(line, "<unfinished") && !strstr(line, "restart_syscall");
    fclose(f);
    return calls;
}

void bench_idle(struct bench *b)
{
    const struct bench_plan plan = {.effect = "mutate", .turns = 2, .calls = 1};
    struct bench_child child;
    char folder[BENCH_PATH];
    bench_folder(b, folder, "idle");
    bench_write_plan(folder, &plan);
    bench_spawn(&child, "idle", folder, 200);
    bench_expect(&child, "idle");
    sleep(10);
    const struct bench_memory m = bench_memory_of(child.pid);
    const long before = switches(child.pid);
    const long calls = system_calls(b, child.pid);
    const long woken = switches(child.pid) - before;
    kill(child.pid, SIGKILL);
    bench_reap(&child);
    bench_remove(folder);
    struct bench_row *r = bench_row(b, "idle.memory", "<= 6 MiB");
    bench_value(r, "%.2f MiB", (double)(m.anon_kib + m.dirty_kib) / 1024);
    bench_detail(r, "Pss_Anon %ld KiB + Pss_Dirty %ld KiB, 10 s after 200 runs have ended", m.anon_kib, m.dirty_kib);
    bench_judge(r, m.anon_kib + m.dirty_kib <= 6 * 1024);
    r = bench_row(b, "idle.cpu", "no wake-up");
    if (calls < 0) bench_value(r, "no strace here; %ld switches in %u s", woken, b->idle_s);
    else bench_value(r, "%ld system calls in %u s", calls, b->idle_s);
    if (calls >= 0) bench_judge(r, calls == 0);
}

/* ---- killed ---- */

enum { CRASH_RUNS = 1000, CRASH_STEPS = 10, CRASH_TRIES = 5 };

void bench_crash(struct bench *b)
{
    const struct bench_plan plan = {.effect = "mutate", .turns = CRASH_STEPS, .calls = 1};
    double s[CRASH_TRIES], cpu_ms[CRASH_TRIES];
    for (int i = 0; i < CRASH_TRIES; i++) {
        struct bench_child child;
        char folder[BENCH_PATH];
        bench_folder(b, folder, "crash");
        bench_write_plan(folder, &plan);
        bench_spawn(&child, "crash", folder, CRASH_RUNS);
        const int status = bench_reap(&child);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) bench_die("the child was not killed");
        const int64_t began_ns = pawl_clock_mono_ns();
        bench_spawn(&child, "finish", folder, CRASH_RUNS);
        bench_expect(&child, "done");
        s[i] = (double)(pawl_clock_mono_ns() - began_ns) / 1e9;
        cpu_ms[i] = (double)bench_expect(&child, "processor ");
        bench_expect(&child, "all done");
        bench_reap(&child);
        bench_remove(folder);
    }
    struct bench_row *r = bench_row(b, "crash", "<= 0.2 s");
    const double p50 = bench_median(s, CRASH_TRIES);
    bench_value(r, "%.3f s (best %.3f, worst %.3f)", p50, s[0], s[CRASH_TRIES - 1]);
    bench_detail(r, "%d runs of %d mutating steps, a model step between, killed half way; exec to all done, ",
                 CRASH_RUNS, CRASH_STEPS);
    bench_detail(r, "%.0f ms of processor", bench_median(cpu_ms, CRASH_TRIES));
    bench_judge(r, p50 <= 0.2);
}

/* ---- the children ---- */

static void killed(void *ctx)
{
    (void)ctx;
    kill(getpid(), SIGKILL);
}

static void say(const char *what)
{
    puts(what);
    fflush(stdout);
}

static _Noreturn void idle(const char *folder, uint32_t runs)
{
    struct bench_tool tool = {0};
    struct pawl *p = bench_open(folder);
    bench_register(p, &tool);
    for (uint32_t i = 0; i < runs; i++) bench_post_start(p, "");
    if (runs) bench_finish(p);
    say("idle");
    for (;;) pawl_turn(p, INT64_C(1000000000) * 100000, NULL);
}

static int crash(const char *folder, uint32_t runs)
{
    struct bench_tool tool = {.stop_at = (uint64_t)runs * CRASH_STEPS / 2, .stopped = killed};
    struct pawl *p = bench_open(folder);
    bench_register(p, &tool);
    for (uint32_t i = 0; i < runs; i++) bench_post_start(p, "");
    bench_finish(p);
    return 1;
}

static int finish(const char *folder, uint32_t runs)
{
    struct bench_tool tool = {0};
    struct pawl *p = bench_open(folder);
    bench_register(p, &tool);
    bench_finish(p);
    const double cpu_s = bench_cpu_s();
    say("done");
    printf("processor %.0f\n", cpu_s * 1e3);
    if (bench_count_runs(p, "done") != runs) bench_die("not every run has ended");
    say("all done");
    pawl_close(p);
    return 0;
}

/* One run after the other: what bench/instructions counts. */
static int lone(const char *folder, uint32_t runs)
{
    struct bench_tool tool = {0};
    struct pawl *p = bench_open(folder);
    bench_register(p, &tool);
    for (uint32_t i = 0; i < runs; i++) {
        bench_post_start(p, "");
        bench_finish(p);
    }
    pawl_close(p);
    return 0;
}

static void said_first(void *ctx)
{
    (void)ctx;
    say("first");
}

static int first(const char *folder)
{
    struct bench_tool tool = {.stop_at = 1, .stopped = said_first};
    struct pawl *p = bench_open(folder);
    bench_register(p, &tool);
    for (;;)
        if (pawl_turn(p, INT64_C(1000000000), NULL)) return 1;
}

int bench_child_main(const char *what, const char *folder, uint32_t number)
{
    if (strcmp(what, "idle") == 0) idle(folder, number);
    if (strcmp(what, "crash") == 0) return crash(folder, number);
    if (strcmp(what, "finish") == 0) return finish(folder, number);
    if (strcmp(what, "lone") == 0) return lone(folder, number);
    if (strcmp(what, "first") == 0) return first(folder);
    if (strcmp(what, "schema") == 0) return bench_child_schema(number);
    if (strcmp(what, "park") == 0) return bench_child_park(folder, number);
    if (strcmp(what, "wake") == 0) return bench_child_wake(folder, number);
    return 2;
}

/* ---- the binary ---- */

/* What a section table, symbols and what debuggers read take away: the end of the last segment that is loaded, and the
 * table of sections that strip leaves. */
static int64_t stripped_bytes(const uint8_t *file, size_t bytes)
{
    const Elf64_Ehdr *head = (const void *)file;
    const Elf64_Shdr *sections = (const void *)(file + head->e_shoff);
    uint64_t end = 0, kept = 0;
    if (bytes < sizeof *head || head->e_shoff + head->e_shnum * sizeof *sections > bytes) return (int64_t)bytes;
    for (int i = 0; i < head->e_shnum; i++) {
        const Elf64_Shdr *s = &sections[i];
        if (!(s->sh_flags & SHF_ALLOC) || s->sh_type == SHT_NOBITS) continue;
        kept++;
        if (s->sh_offset + s->sh_size > end) end = s->sh_offset + s->sh_size;
    }
    return (int64_t)(end + (kept + 4) * sizeof *sections + 512);
}

/* The shared libraries that the binary names. */
static void needed(const uint8_t *file, struct bench_row *r)
{
    const Elf64_Ehdr *head = (const void *)file;
    const Elf64_Shdr *sections = (const void *)(file + head->e_shoff);
    for (int i = 0; i < head->e_shnum; i++) {
        if (sections[i].sh_type != SHT_DYNAMIC) continue;
        const Elf64_Dyn *d = (const void *)(file + sections[i].sh_offset);
        const char *names = (const char *)(file + sections[sections[i].sh_link].sh_offset);
        for (; d->d_tag != DT_NULL; d++)
            if (d->d_tag == DT_NEEDED) bench_detail(r, " %s", names + d->d_un.d_val);
    }
}

void bench_binary(struct bench *b)
{
    struct stat is;
    const int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &is) != 0) bench_die("cannot read this binary: %s", strerror(errno));
    const uint8_t *file = mmap(NULL, (size_t)is.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (file == MAP_FAILED) bench_die("cannot read this binary: %s", strerror(errno));
    const double mib = (double)stripped_bytes(file, (size_t)is.st_size) / (1 << 20);
    struct bench_row *r = bench_row(b, "binary", "<= 4 MiB stripped");
    bench_value(r, "%.2f MiB", mib);
    bench_detail(r, "shared:");
    needed(file, r);
    bench_detail(r, "; %s when it is first needed", PAWL_CURL_LIBRARY);
    bench_judge(r, mib <= 4);
    munmap((void *)(uintptr_t)file, (size_t)is.st_size);
    close(fd);
}
