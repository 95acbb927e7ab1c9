/* src/store/writer_test.c - group commit: first on a store that is told when to go on and what to answer, then many
 * threads on a real one. Nothing sleeps: the threads wait for one another by semaphores. */
#include "store/writer.h"
#include <stdatomic.h>
#include <uv.h>
#include "base/error.h"
#include "store/conformance_kit.h"

/* A store that commits nothing, but says what came and can be held. */
struct fake {
    struct pawl_store store;
    uv_sem_t entered, go_on; /* where `held`: each commit posts the one and waits for the other */
    bool held;
    uint32_t sizes[16], batches; /* commits of each batch */
    uint32_t committed;
    int answers[16]; /* of each batch; PAWL_OK */
    uint64_t bad;    /* a commit with this seq_before is refused, with all its batch, by PAWL_ELIMIT */
    uv_sem_t done;
    atomic_uint dones;
};

static int fake_commit(struct pawl_store *s, struct pawl_commit *const *commits, uint32_t count, struct pawl_error *err)
{
    struct fake *f = (struct fake *)s;
    const uint32_t at = f->batches++ % 16;
    if (f->held) {
        uv_sem_post(&f->entered);
        uv_sem_wait(&f->go_on);
    }
    f->sizes[at] = count;
    if (f->answers[at] != PAWL_OK) return pawl_fail(err, f->answers[at], "fake", "", "told to");
    for (uint32_t i = 0; i < count; i++)
        if (f->bad != 0 && commits[i]->seq_before == f->bad)
            return pawl_fail(err, PAWL_ELIMIT, "fake", "", "too large");
    for (uint32_t i = 0; i < count; i++) commits[i]->result = commits[i]->head.epoch == 7 ? PAWL_EFENCED : PAWL_OK;
    f->committed += count;
    return PAWL_OK;
}

static void fake_done(void *ctx)
{
    struct fake *f = ctx;
    atomic_fetch_add(&f->dones, 1);
    uv_sem_post(&f->done);
}

static struct pawl_writer *fake_open(struct fake *f, const struct pawl_alloc *from)
{
    struct pawl_writer *w = NULL;
    memset(f, 0, sizeof *f);
    f->store.commit = fake_commit;
    CHECK_INT(uv_sem_init(&f->entered, 0), 0);
    CHECK_INT(uv_sem_init(&f->go_on, 0), 0);
    CHECK_INT(uv_sem_init(&f->done, 0), 0);
    CHECK_INT(pawl_writer_open(&f->store, from, fake_done, f, &w, NULL), PAWL_OK);
    return w;
}

static void fake_close(struct fake *f, struct pawl_writer *w)
{
    pawl_writer_close(w);
    uv_sem_destroy(&f->entered);
    uv_sem_destroy(&f->go_on);
    uv_sem_destroy(&f->done);
}

enum { JOBS = 9000 };
static struct pawl_commit commits[JOBS];
static struct pawl_writer_job jobs[JOBS];
static struct pawl_error errors[JOBS];
static uint32_t seen[JOBS]; /* what a call saw */

static int see(struct pawl_store *s, void *ctx, struct pawl_error *err)
{
    *(uint32_t *)ctx = ((struct fake *)s)->committed;
    (void)err;
    return PAWL_ENOTFOUND;
}

static void make_jobs(void)
{
    memset(commits, 0, sizeof commits);
    memset(errors, 0, sizeof errors);
    for (uint32_t i = 0; i < JOBS; i++) {
        commits[i].seq_before = i;
        jobs[i] = (struct pawl_writer_job){.commit = &commits[i], .result = 99, .err = &errors[i]};
    }
}

static void make_call(uint32_t i)
{
    jobs[i].commit = NULL;
    jobs[i].call = see;
    jobs[i].ctx = &seen[i];
}

/* Drains, and checks that these jobs come, in this order and no others. */
static void drain(struct pawl_writer *w, uint32_t from, uint32_t to)
{
    struct pawl_writer_job *job = pawl_writer_drain(w);
    for (uint32_t i = from; i < to; i++) {
        if (!CHECK(job == &jobs[i])) return;
        job = job->next;
    }
    CHECK(job == NULL);
}

static void test_groups(const struct pawl_alloc *from)
{
    struct fake f;
    struct pawl_writer *w = fake_open(&f, from);
    make_jobs();
    make_call(3);
    make_call(6);
    commits[4].head.epoch = 7;
    f.held = true;
    CHECK(pawl_writer_drain(w) == NULL);
    pawl_writer_submit(w, &jobs[0]);
    uv_sem_wait(&f.entered); /* the thread is at it; what comes now is the next batch */
    CHECK(pawl_writer_drain(w) == NULL);
    for (uint32_t i = 1; i < 8; i++) pawl_writer_submit(w, &jobs[i]);
    uv_sem_post(&f.go_on);
    uv_sem_wait(&f.done);
    drain(w, 0, 1);
    uv_sem_wait(&f.entered);
    uv_sem_post(&f.go_on);
    uv_sem_wait(&f.done);
    drain(w, 1, 8);
    CHECK_INT(f.batches, 2);
    CHECK_INT(f.sizes[0], 1);
    CHECK_INT(f.sizes[1], 5);
    CHECK_INT(atomic_load(&f.dones), 2); /* one word a batch */
    for (uint32_t i = 0; i < 8; i++)
        CHECK_INT(jobs[i].result, i == 4 ? PAWL_EFENCED : i == 3 || i == 6 ? PAWL_ENOTFOUND : PAWL_OK);
    CHECK(seen[3] >= 3 && seen[6] >= 5); /* a call sees the commits before it */
    const struct pawl_writer_counts n = pawl_writer_counts(w);
    CHECK_INT(n.batches, 2);
    CHECK_INT(n.commits, 6);
    CHECK_INT(n.calls, 2);
    CHECK_INT(n.batch_max, 5);
    CHECK_INT(n.inline_jobs, 0);
    fake_close(&f, w);
}

struct watched {
    uint32_t batches, commits;
    bool timed;
};

static void watch(void *ctx, struct pawl_commit *const *list, uint32_t count, int64_t began_ns, int64_t ended_ns)
{
    struct watched *w = ctx;
    w->batches++;
    w->commits += count;
    w->timed = w->timed && began_ns <= ended_ns;
    for (uint32_t i = 0; i < count; i++) CHECK_INT(list[i]->result, PAWL_OK);
}

/* A list goes over in one piece, and is one transaction. */
static void test_list(const struct pawl_alloc *from)
{
    struct fake f;
    struct watched seen_all = {.timed = true};
    struct pawl_writer *w = fake_open(&f, from);
    make_jobs();
    pawl_writer_watch(w, watch, &seen_all);
    CHECK(pawl_writer_rests(w));
    f.held = true;
    for (uint32_t i = 0; i < 100; i++) jobs[i].next = i < 99 ? &jobs[i + 1] : NULL;
    pawl_writer_submit_all(w, &jobs[0]);
    uv_sem_wait(&f.entered);
    CHECK(!pawl_writer_rests(w));
    pawl_writer_submit(w, &jobs[100]);
    uv_sem_post(&f.go_on);
    uv_sem_wait(&f.done);
    uv_sem_wait(&f.entered);
    uv_sem_post(&f.go_on);
    uv_sem_wait(&f.done);
    drain(w, 0, 101);
    CHECK_INT(f.sizes[0], 100);
    CHECK_INT(f.sizes[1], 1);
    CHECK_INT(pawl_writer_counts(w).handoffs, 2);
    CHECK(pawl_writer_rests(w));
    CHECK(seen_all.timed && seen_all.batches == 2 && seen_all.commits == 101);
    fake_close(&f, w);
}

static void test_calls_only(const struct pawl_alloc *from)
{
    struct fake f;
    struct pawl_writer *w = fake_open(&f, from);
    make_jobs();
    make_call(0);
    pawl_writer_submit(w, &jobs[0]);
    uv_sem_wait(&f.done);
    drain(w, 0, 1);
    CHECK_INT(f.batches, 0);
    CHECK_INT(pawl_writer_counts(w).batches, 0);
    fake_close(&f, w);
}

static void test_many(const struct pawl_alloc *from)
{
    struct fake f;
    struct pawl_writer *w = fake_open(&f, from);
    make_jobs();
    make_call(4500);
    make_call(JOBS - 1);
    f.held = true;
    pawl_writer_submit(w, &jobs[0]);
    uv_sem_wait(&f.entered);
    for (uint32_t i = 1; i < JOBS; i++) pawl_writer_submit(w, &jobs[i]);
    for (int i = 0; i < 4; i++) uv_sem_post(&f.go_on);
    pawl_writer_stop(w); /* ends when all is done */
    pawl_writer_stop(w);
    drain(w, 0, JOBS);
    CHECK_INT(f.batches, 4);
    CHECK_INT(f.sizes[1], 4096);
    CHECK_INT(f.sizes[2], 4096);
    CHECK_INT(f.sizes[3], JOBS - 2 - 1 - 2 * 4096);
    CHECK_INT(seen[4500], JOBS - 2);
    CHECK_INT(pawl_writer_counts(w).batch_max, 4096);
    for (uint32_t i = 0; i < JOBS; i++) test_passed += jobs[i].result == (jobs[i].call ? PAWL_ENOTFOUND : PAWL_OK);
    fake_close(&f, w);
}

/* What the store says of a batch, and what the five jobs of it then say. */
static const struct refusal {
    int answer;
    uint64_t bad; /* seq_before of the commit that is refused with whatever batch it is in */
    int want[5];
    uint32_t batches;
} refusals[] = {
    {PAWL_EFULL, 0, {PAWL_EFULL, PAWL_EFULL, PAWL_EFULL, PAWL_EFULL, PAWL_EFULL}, 1},
    {PAWL_EIO, 0, {PAWL_EIO, PAWL_EIO, PAWL_EIO, PAWL_EIO, PAWL_EIO}, 1},
    {PAWL_EREADONLY, 0, {PAWL_EREADONLY, PAWL_EREADONLY, PAWL_EREADONLY, PAWL_EREADONLY, PAWL_EREADONLY}, 1},
    {PAWL_ENOMEM, 0, {0, 0, 0, 0, 0}, 6}, /* there was memory for each of them */
    {PAWL_OK, 3, {0, 0, PAWL_ELIMIT, 0, 0}, 6},
    {PAWL_OK, 5, {0, 0, 0, 0, PAWL_ELIMIT}, 6},
};

static void test_refusals(const struct pawl_alloc *from)
{
    for (size_t r = 0; r < sizeof refusals / sizeof *refusals; r++) {
        struct fake f;
        struct pawl_writer *w = fake_open(&f, from);
        make_jobs();
        jobs[2].err = NULL;
        f.held = true;
        f.answers[1] = refusals[r].answer;
        f.bad = refusals[r].bad;
        pawl_writer_submit(w, &jobs[0]);
        uv_sem_wait(&f.entered);
        for (uint32_t i = 1; i <= 5; i++) pawl_writer_submit(w, &jobs[i]);
        for (int i = 0; i < 10; i++) uv_sem_post(&f.go_on);
        pawl_writer_stop(w);
        drain(w, 0, 6);
        CHECK_INT(jobs[0].result, PAWL_OK);
        CHECK_INT(f.batches - 1, refusals[r].batches);
        for (int i = 0; i < 5; i++) {
            CHECK_INT(jobs[i + 1].result, refusals[r].want[i]);
            if (i != 1) CHECK_INT(errors[i + 1].code, refusals[r].want[i]);
        }
        fake_close(&f, w);
    }
}

static void test_inline(const struct pawl_alloc *from)
{
    struct fake f;
    struct pawl_writer *w = fake_open(&f, from);
    make_jobs();
    make_call(1);
    commits[2].head.epoch = 7;
    CHECK_INT(pawl_writer_run_inline(w, &jobs[0]), PAWL_OK);
    CHECK_INT(jobs[0].result, PAWL_OK);
    CHECK_INT(pawl_writer_run_inline(w, &jobs[1]), PAWL_OK);
    CHECK_INT(jobs[1].result, PAWL_ENOTFOUND);
    CHECK_INT(seen[1], 1);
    CHECK_INT(pawl_writer_run_inline(w, &jobs[2]), PAWL_OK);
    CHECK_INT(jobs[2].result, PAWL_EFENCED);
    CHECK(pawl_writer_drain(w) == NULL);
    CHECK_INT(atomic_load(&f.dones), 0);

    f.held = true;
    pawl_writer_submit(w, &jobs[3]);
    uv_sem_wait(&f.entered);
    CHECK_INT(pawl_writer_run_inline(w, &jobs[4]), PAWL_EBUSY); /* the thread is at it */
    CHECK_INT(jobs[4].result, 99);
    uv_sem_post(&f.go_on);
    uv_sem_wait(&f.done);
    CHECK_INT(pawl_writer_run_inline(w, &jobs[4]), PAWL_EBUSY); /* not drained: the order would be lost */
    drain(w, 3, 4);
    uv_sem_post(&f.go_on);
    CHECK_INT(pawl_writer_run_inline(w, &jobs[4]), PAWL_OK);
    const struct pawl_writer_counts n = pawl_writer_counts(w);
    CHECK_INT(n.inline_jobs, 4);
    CHECK_INT(n.commits, 4);
    CHECK_INT(n.batches, 4);
    CHECK_INT(n.calls, 1);
    fake_close(&f, w);
}

/* An inline job while another thread submits: that waits for its turn, and has it. */
static void run_inline_job(void *ctx)
{
    CHECK_INT(pawl_writer_run_inline(ctx, &jobs[0]), PAWL_OK);
}

static void test_submit_while_inline(const struct pawl_alloc *from)
{
    struct fake f;
    struct pawl_writer *w = fake_open(&f, from);
    uv_thread_t other;
    make_jobs();
    f.held = true;
    CHECK_INT(uv_thread_create(&other, run_inline_job, w), 0);
    uv_sem_wait(&f.entered);
    pawl_writer_submit(w, &jobs[1]);
    pawl_writer_submit(w, &jobs[2]);
    uv_sem_post(&f.go_on);
    uv_sem_wait(&f.entered);
    uv_sem_post(&f.go_on);
    uv_sem_wait(&f.done);
    uv_thread_join(&other);
    drain(w, 1, 3);
    CHECK_INT(f.sizes[0], 1);
    CHECK_INT(f.sizes[1], 2);
    fake_close(&f, w);
}

/* ---- many threads, a real store ---- */

enum { THREADS = 4, RUNS = 6, TURNS = 40 };
struct player {
    struct pawl_writer *w;
    uint32_t first;
    struct told t[RUNS];
    struct pawl_writer_job job[RUNS][TURNS];
    struct pawl_commit commit[RUNS][TURNS];
    struct pawl_record record[RUNS][TURNS];
};

static void play(void *ctx)
{
    struct player *p = ctx;
    for (uint32_t turn = 0; turn < TURNS; turn++)
        for (uint32_t r = 0; r < RUNS; r++) {
            struct told *t = &p->t[r];
            if (turn == 0) tell_new(t, p->first + r, NULL);
            else tell(t, PAWL_NOTE, turn, 0, PAWL_STR("{\"n\":1}"));
            p->commit[r][turn] = *told(t);
            p->record[r][turn] = t->records[0];
            p->commit[r][turn].records = &p->record[r][turn];
            t->commit = (struct pawl_commit){0};
            p->job[r][turn] = (struct pawl_writer_job){.commit = &p->commit[r][turn], .result = 99};
            pawl_writer_submit(p->w, &p->job[r][turn]);
        }
}

static void test_threads(const struct pawl_alloc *from)
{
    static struct player players[THREADS];
    static const uint8_t id[16] = {1};
    struct fake f = {0}; /* for its done */
    uv_thread_t threads[THREADS];
    struct pawl_store *s = NULL;
    struct pawl_writer *w = NULL;
    uint32_t drained = 0, good = 0;

    CHECK_INT(uv_sem_init(&f.done, 0), 0);
    CHECK_INT(pawl_memory_open(id, from, &s), PAWL_OK);
    CHECK_INT(pawl_writer_open(s, from, fake_done, &f, &w, NULL), PAWL_OK);
    for (uint32_t i = 0; i < THREADS; i++) {
        players[i].w = w;
        players[i].first = 1 + i * RUNS;
        CHECK_INT(uv_thread_create(&threads[i], play, &players[i]), 0);
    }
    while (drained < THREADS * RUNS * TURNS) {
        uv_sem_wait(&f.done);
        for (struct pawl_writer_job *job = pawl_writer_drain(w); job != NULL; job = job->next) {
            drained++;
            good += job->result == PAWL_OK;
        }
    }
    for (uint32_t i = 0; i < THREADS; i++) uv_thread_join(&threads[i]);
    CHECK_INT(good, THREADS * RUNS * TURNS);
    CHECK_INT(pawl_writer_counts(w).commits, THREADS * RUNS * TURNS);
    pawl_writer_close(w);
    uv_sem_destroy(&f.done);

    struct pawl_arena a;
    pawl_arena_init(&a, from);
    for (uint32_t n = 1; n <= THREADS * RUNS; n++) {
        struct pawl_run_records r;
        CHECK_INT(s->read(s, id_of(n), 0, &a, &r, NULL), PAWL_OK);
        CHECK_INT(r.count, TURNS);
        CHECK_INT(pawl_chain_check(r.records, r.count, NULL, NULL), PAWL_OK);
    }
    pawl_arena_fini(&a);
    s->close(s);
}

int main(void)
{
    struct test_alloc t;
    test_alloc_init(&t, 0);
    test_groups(&t.alloc);
    test_list(&t.alloc);
    test_calls_only(&t.alloc);
    test_many(&t.alloc);
    test_refusals(&t.alloc);
    test_inline(&t.alloc);
    test_submit_while_inline(&t.alloc);
    CHECK_INT(t.out_bytes, 0);
    test_threads(&t.alloc);
    CHECK_INT(t.out_bytes, 0);
    pawl_writer_close(NULL);
    EVERY_FAILED_ALLOCATION(t) {
        struct fake f = {.store = {.commit = fake_commit}};
        struct pawl_writer *w = NULL;
        if (pawl_writer_open(&f.store, &t.alloc, fake_done, &f, &w, NULL) == PAWL_OK) pawl_writer_close(w);
    }
    return TEST_END();
}
