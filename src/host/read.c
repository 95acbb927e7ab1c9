/* src/host/read.c - what only looks: list, show, verify, sql, breakers, budgets, dead letters; follow.c follows. Read on the
 * writer's thread, behind every commit that was given before; written as lines on the loop's. */
#include "contract/shown.h"
#include "host/host.h"
#include "host/view.h"
#include "host/view_budget.h"
#include "io/clock.h"
#include "journal/rules.h"
#include "policy/budget.h"
#include "store/sqlite.h"
#include <string.h>

static void hex_member(struct pawl_json_writer *w, const char *name, struct pawl_hash h)
{
    char hex[65];
    pawl_hex(hex, h.b, 32);
    pawl_jw_key(w, name);
    pawl_jw_text(w, hex);
}

void pawl_head_write(const struct pawl_head *h, struct pawl_buf *out)
{
    struct pawl_json_writer w = {.out = out};
    char id[PAWL_ID_TEXT];
    pawl_id_text(h->run, id);
    pawl_jw_open(&w, '{');
    pawl_jw_key(&w, "run");
    pawl_jw_text(&w, id);
    pawl_jw_key(&w, "agent");
    pawl_jw_str(&w, h->agent);
    if (h->key.p) pawl_jw_key(&w, "key"), pawl_jw_str(&w, h->key);
    pawl_jw_key(&w, "status");
    pawl_jw_text(&w, pawl_status_word(h->status));
    if (h->waiting) pawl_jw_key(&w, "waiting"), pawl_jw_text(&w, pawl_waiting_word(h->waiting));
    if (h->waiting_step) pawl_jw_put_i64(&w, "step", h->waiting_step);
    pawl_jw_put_i64(&w, "created_ns", h->created_ns);
    pawl_jw_put_i64(&w, "updated_ns", h->updated_ns);
    pawl_jw_put_i64(&w, "active_ns", h->active_ns);
    if (h->wake_ns > 0 && h->wake_ns != PAWL_NEVER) pawl_jw_put_i64(&w, "wake_ns", h->wake_ns);
    pawl_jw_put_i64(&w, "seq", (int64_t)h->seq);
    hex_member(&w, "hash", h->hash);
    pawl_jw_put_i64(&w, "lives", (int64_t)h->deaths + 1);
    pawl_jw_put_i64(&w, "claims", (int64_t)h->epoch);
    hex_member(&w, "config", h->config);
    pawl_jw_close(&w, '}');
}

void pawl_read_submit(struct pawl_door *d,
                      int (*read)(struct pawl_host_job *, struct pawl_store *, struct pawl_error *),
                      void (*after)(struct pawl_host_job *))
{
    struct pawl_host_job *job = pawl_host_job_new(d->p);
    if (!job) return;
    job->door = d;
    job->read = read;
    job->after = after;
    d->waiting_job = true;
    pawl_host_job_submit(job);
}

/* The text that a read left in configs[0] is the last line's members. */
void pawl_read_say(struct pawl_host_job *job, struct pawl_buf *b)
{
    job->configs = pawl_arena_get(&job->arena, sizeof *job->configs);
    if (job->configs) *job->configs = pawl_buf_done(b);
}

void pawl_read_said(struct pawl_host_job *job)
{
    struct pawl_door *d = job->door;
    d->waiting_job = false;
    if (!job->w.result && !(job->configs && job->configs->p))
        job->w.result = pawl_fail(&job->err, PAWL_ENOMEM, "", "ask for less", "no memory for the answer");
    if (job->w.result) {
        if (!job->err.code) job->err.code = job->w.result;
        pawl_door_fail(d, &job->err);
    } else {
        pawl_door_end(d, *job->configs);
    }
    pawl_host_job_free(job);
}

/* What waited may have been taken up, and the store hears of it with its next record only. */
void pawl_read_now(const struct pawl *p, struct pawl_head *h, struct pawl_rest *rest)
{
    struct pawl_head hot;
    *rest = (struct pawl_rest){.until_ns = PAWL_NEVER};
    if (p->engine && !pawl_status_ended(h->status) && pawl_engine_rest(p->engine, h->run, rest) && rest->waiting) {
        h->status = h->status == PAWL_ENDING ? PAWL_ENDING : PAWL_RUNNING;
        h->waiting = rest->waiting;
        h->waiting_step = rest->step;
        if (rest->until_ns != PAWL_NEVER) h->wake_ns = rest->until_ns;
        return;
    }
    if (!h->waiting && !pawl_status_ended(h->status) && !(p->engine && pawl_engine_rest(p->engine, h->run, rest)))
        h->waiting = PAWL_WAIT_OWNER;
    if (!h->waiting || !p->engine || !pawl_engine_head(p->engine, h->run, &hot) || hot.waiting) return;
    h->status = hot.status < PAWL_DONE ? hot.status : PAWL_RUNNING; /* an end counts when it is durable */
    h->waiting = PAWL_WAIT_NONE;
    h->waiting_step = 0;
}

static int take_statuses(yyjson_val *status, uint32_t *bits, struct pawl_error *err)
{
    const size_t count = yyjson_is_arr(status) ? yyjson_arr_size(status) : status != NULL;
    for (size_t i = 0; i < count; i++) {
        const struct pawl_str word = pawl_json_value_str(yyjson_is_arr(status) ? yyjson_arr_get(status, i) : status);
        enum pawl_status one;
        if (!pawl_status_of(word, &one))
            return pawl_fail(err, PAWL_EINVAL, "/status", "docs/protocol.md lists them", "there is no status %.*s",
                             (int)(word.n < 40 ? word.n : 40), word.p ? word.p : "");
        *bits |= 1u << one;
    }
    return PAWL_OK;
}

static int list(struct pawl_host_job *job, struct pawl_store *s, struct pawl_error *err)
{
    yyjson_val *r = job->door->request;
    struct pawl_list_query q = {.prefix = pawl_json_str(r, "prefix"), .agent = pawl_json_str(r, "agent")};
    const int64_t max = pawl_json_i64(r, "max", 1000);
    const struct pawl_str before = pawl_json_str(r, "before");
    struct pawl_head *heads;
    uint32_t count = 0;
    int rc = take_statuses(yyjson_obj_get(r, "status"), &q.statuses, err);
    if (rc) return rc;
    q.max = max > 0 && max <= 10000 ? (uint32_t)max : 10000;
    if (before.p && !pawl_id_parse(before, &q.before))
        return pawl_fail(err, PAWL_EINVAL, "/before", "give a whole id", "before is not a run's id");
    heads = pawl_arena_get(&job->arena, q.max * sizeof *heads);
    if (!heads) return PAWL_ENOMEM;
    if ((rc = s->list(s, &q, &job->arena, heads, &count, err)) != PAWL_OK) return rc;
    job->runs = pawl_arena_zeroed(&job->arena, (count + 1) * sizeof *job->runs);
    if (!job->runs) return PAWL_ENOMEM;
    for (uint32_t i = 0; i < count; i++) job->runs[i].head = heads[i];
    job->found.count = count;
    return PAWL_OK;
}

static void listed(struct pawl_host_job *job)
{
    struct pawl_buf b;
    struct pawl_rest rest;
    pawl_buf_init_arena(&b, &job->arena);
    pawl_buf_text(&b, "\"runs\":[");
    for (uint32_t k = 0; !job->w.result && k < job->found.count; k++) {
        if (k) pawl_buf_char(&b, ',');
        pawl_read_now(job->p, &job->runs[k].head, &rest);
        pawl_head_write(&job->runs[k].head, &b);
    }
    pawl_buf_char(&b, ']');
    pawl_read_say(job, &b);
    pawl_read_said(job);
}

/* The run that the first open step of this one started, as it stands; false: none is open. */
static bool child_of(struct pawl_store *s, const struct pawl_run_records *of, struct pawl_arena *a,
                     struct pawl_run_records *out)
{
    static const struct pawl_id none;
    struct pawl_run run;
    struct pawl_error err;
    pawl_run_init(&run, a);
    for (uint32_t i = 0; i < of->count; i++)
        if (pawl_run_fold(&run, &of->records[i], NULL)) return false;
    for (uint32_t i = 0; i < run.steps_count; i++) {
        const struct pawl_step *step = run.steps[i];
        const struct pawl_step *by = step->kind == PAWL_STEP_UNDO ? pawl_run_step(&run, step->undoes) : step;
        if (!pawl_step_ended(step) && by && !pawl_id_eq(by->child, none))
            return s->read(s, by->child, 1, a, out, &err) == PAWL_OK;
    }
    return false;
}

/* It waits for a child: for what that one waits, or one of its own. runs[1] is the last of them; count 0: none is known. */
static void find_child(struct pawl_host_job *job, struct pawl_store *s)
{
    enum { DEPTH_MAX = 9 };
    struct pawl_run_records last = job->runs[0];
    for (int i = 0; i < DEPTH_MAX && last.head.waiting == PAWL_WAIT_CHILD; i++) {
        if (!child_of(s, &last, &job->arena, &last)) return;
        job->runs[1] = last;
    }
}

static int show(struct pawl_host_job *job, struct pawl_store *s, struct pawl_error *err)
{
    struct pawl_error none;
    int rc;
    job->runs = pawl_arena_zeroed(&job->arena, 2 * sizeof *job->runs);
    job->configs = pawl_arena_zeroed(&job->arena, sizeof *job->configs);
    if (!job->runs || !job->configs) return PAWL_ENOMEM;
    rc = s->read(s, job->door->run, 1, &job->arena, job->runs, err);
    if (rc == PAWL_OK && job->runs->head.waiting == PAWL_WAIT_CHILD) find_child(job, s);
    if (!pawl_json_bool(job->door->request, "whole", false)) /* only who answers a question sees what is struck out */
        for (uint32_t i = 0; rc == PAWL_OK && i < job->runs->count; i++)
            job->runs->records[i].full = (struct pawl_str){NULL, 0};
    if (rc == PAWL_OK) s->blob(s, job->runs->head.config, &job->arena, job->configs, &none); /* not there: none */
    return rc;
}

/* "step 2 of run 01a1fdaf-…" */
static struct pawl_str of_another(struct pawl_arena *a, const struct pawl_rest *rest)
{
    char id[PAWL_ID_TEXT];
    struct pawl_buf b;
    pawl_id_text(rest->of_run, id);
    pawl_buf_init_arena(&b, a);
    pawl_buf_printf(&b, "step %u of run %s", rest->of_step, id);
    return pawl_buf_done(&b);
}

/* "lane batch", "pool openai"; or which dependency is left alone. */
static struct pawl_str in_line(struct pawl_arena *a, const struct pawl_rest *rest)
{
    const int64_t left_ns = rest->until_ns == PAWL_NEVER ? -1 : rest->until_ns - pawl_clock_wall_ns();
    struct pawl_buf b;
    pawl_buf_init_arena(&b, a);
    if (rest->room == PAWL_ROOM_NONE) return (struct pawl_str){NULL, 0};
    if (rest->room == PAWL_ROOM_BREAKER) {
        pawl_shown(rest->room_of, 80, &b);
        pawl_buf_text(&b,
                      left_ns < 0 ? " is left alone: its breaker is held open" : " keeps failing and is left alone");
        if (left_ns >= 0) pawl_buf_printf(&b, " for another %lld s", (long long)(left_ns / 1000000000 + 1));
        pawl_buf_text(&b, " (pawl breaker)");
    } else if (rest->room == PAWL_ROOM_BUDGET) {
        pawl_buf_text(&b, "other calls have reserved what is left of the budget ");
        pawl_budget_whose(rest->room_of, &b);
        pawl_buf_text(&b, " (pawl budget)");
    } else {
        pawl_buf_text(&b, rest->room == PAWL_ROOM_LANE ? "all places of lane " : "all that is allowed of pool ");
        pawl_shown(rest->room_of, 80, &b);
        pawl_buf_text(&b, rest->room == PAWL_ROOM_LANE ? " are taken" : " is in use");
    }
    return pawl_buf_done(&b);
}

/* "01a1fdaf-… (triage), which waits for a person's yes or no" */
static struct pawl_str of_child(struct pawl_arena *a, const struct pawl_head *h)
{
    static const char *const words[PAWL_WAIT_COUNT] = {"is under way",
                                                       "waits for a person's yes or no",
                                                       "is in doubt: a person must look",
                                                       "waits for a message",
                                                       "waits for its configuration",
                                                       "waits for a program that has its tool",
                                                       "waits for a time",
                                                       "waits for another run",
                                                       "waits for a step",
                                                       "waits for room",
                                                       "waits for a signal",
                                                       "waits for a run of its own"};
    char id[PAWL_ID_TEXT];
    struct pawl_buf b;
    pawl_id_text(h->run, id);
    pawl_buf_init_arena(&b, a);
    pawl_buf_printf(&b, "%s (%.*s), which %s", id, (int)h->agent.n, h->agent.p,
                    pawl_status_ended(h->status) ? "has ended" : words[h->waiting]);
    return pawl_buf_done(&b);
}

/* Its configuration tells what effect each tool has, or why it cannot be had. */
static void shown(struct pawl_host_job *job)
{
    struct pawl_run_records *run = job->runs;
    struct pawl_registry *known = &job->p->registry;
    const int64_t at = pawl_json_i64(job->door->request, "at", 0);
    const struct pawl_config *config = NULL;
    struct pawl_str missing = {NULL, 0};
    struct pawl_rest rest;
    struct pawl_buf b;
    if (!job->w.result) {
        if (job->configs->p && !pawl_registry_knows(known, run->head.config))
            pawl_registry_load(known, *job->configs, run->head.config, NULL, &config);
        config = pawl_registry_find(known, run->head.config, &missing);
        pawl_read_now(job->p, &run->head, &rest);
        if (rest.waiting == PAWL_WAIT_CLAIM) missing = of_another(&job->arena, &rest);
        if (rest.waiting == PAWL_WAIT_ROOM) missing = in_line(&job->arena, &rest);
        if (run->head.waiting == PAWL_WAIT_CHILD && run[1].count) {
            pawl_read_now(job->p, &run[1].head, &rest);
            missing = of_child(&job->arena, &run[1].head);
        }
        if (at < 0 || at > (int64_t)run->count)
            job->w.result = pawl_fail(&job->err, PAWL_EINVAL, "/at", "name one of them",
                                      "the run has the records 1 to %u", run->count);
        else if (at > 0) run->count = (uint32_t)at;
    }
    if (!job->w.result) {
        pawl_buf_init_arena(&b, &job->arena);
        pawl_buf_text(&b, "\"head\":");
        pawl_head_write(&run->head, &b);
        pawl_buf_text(&b, ",\"view\":");
        job->w.result = pawl_view_write(config, missing, &run->head, run->records, run->count, &b, &job->err);
        pawl_read_say(job, &b);
    }
    pawl_read_said(job);
}

/* What a run's chain says; `anchor`: a hash that was written down somewhere else once, or NULL. */
struct chain {
    int64_t records, anchored_seq;
    struct pawl_hash head, config; /* config: the last one that was found whole */
    const struct pawl_hash *anchor;
};

static int find_anchor(struct chain *c, const struct pawl_run_records *r, const char *id, struct pawl_error *err)
{
    for (uint32_t i = 0; c->anchor && i < r->count && !c->anchored_seq; i++)
        if (memcmp(r->records[i].hash.b, c->anchor->b, sizeof c->anchor->b) == 0)
            c->anchored_seq = (int64_t)r->records[i].seq;
    if (!c->anchor || c->anchored_seq) return PAWL_OK;
    return pawl_fail(err, PAWL_ECORRUPT, id,
                     "compare with a copy of the store: this journal was written anew, or the hash is another run's",
                     "the chain is whole, but the hash that was written down is not in it");
}

/* Most runs share one with the run before. One that is not here at all says nothing against the run: none is asked for. */
static int check_config(struct pawl_store *s, struct pawl_hash config, struct pawl_arena *a, struct chain *chain,
                        struct pawl_error *why)
{
    struct pawl_error changed = {0};
    struct pawl_str text;
    if (memcmp(config.b, chain->config.b, sizeof config.b) == 0) return PAWL_OK;
    const int rc = s->blob(s, config, a, &text, &changed);
    if (rc && rc != PAWL_ENOTFOUND)
        return pawl_fail(why, rc, "", "", "the configuration that it was started with: %s", changed.what);
    chain->config = config;
    return PAWL_OK;
}

static int verify_one(struct pawl_store *s, struct pawl_id run, struct pawl_arena *a, struct chain *chain,
                      struct pawl_error *err)
{
    struct pawl_run_records r = {0};
    struct pawl_hash last = {0};
    struct pawl_error why = {0};
    char id[PAWL_ID_TEXT];
    int rc = s->read(s, run, 1, a, &r, err);
    if (rc) return rc;
    rc = pawl_chain_check(r.records, r.count, &last, &why);
    pawl_id_text(run, id);
    if (rc == PAWL_OK && (r.count != r.head.seq || memcmp(last.b, r.head.hash.b, sizeof last.b) != 0)) {
        rc = PAWL_ECORRUPT;
        pawl_fail(&why, rc, "", "", "the chain ends at seq %u, the head says %llu", r.count,
                  (unsigned long long)r.head.seq);
    }
    if (rc == PAWL_OK) rc = check_config(s, r.head.config, a, chain, &why);
    if (rc) return pawl_fail(err, rc, id, "restore the file from a copy; pawl sql shows the rows", "%s", why.what);
    chain->records += r.count;
    chain->head = last;
    return find_anchor(chain, &r, id, err);
}

static int verify(struct pawl_host_job *job, struct pawl_store *s, struct pawl_error *err)
{
    struct pawl_door *d = job->door;
    struct pawl_list_query q = {.max = 512};
    struct pawl_head *heads = pawl_arena_get(&job->arena, q.max * sizeof *heads);
    struct pawl_buf b;
    struct chain chain = {0};
    struct pawl_hash anchor;
    const struct pawl_str head = pawl_json_str(d->request, "head");
    int64_t runs = 0;
    uint32_t count = q.max;
    int rc = PAWL_OK;
    if (!heads) return PAWL_ENOMEM;
    if (head.p && (!pawl_unhex(anchor.b, sizeof anchor.b, head) || !pawl_json_str(d->request, "run").p))
        return pawl_fail(err, PAWL_EINVAL, "", "pawl verify RUN --head HASH",
                         "a head is 64 hexadecimal digits, and one run's");
    chain.anchor = head.p ? &anchor : NULL;
    if (pawl_json_str(d->request, "run").p) {
        rc = verify_one(s, d->run, &job->arena, &chain, err);
        runs = 1;
        count = 0;
    }
    while (rc == PAWL_OK && count == q.max) {
        struct pawl_arena scratch;
        pawl_arena_init(&scratch, d->p->alloc);
        rc = s->list(s, &q, &scratch, heads, &count, err);
        for (uint32_t i = 0; rc == PAWL_OK && i < count; i++) {
            struct pawl_arena one;
            pawl_arena_init(&one, d->p->alloc);
            rc = verify_one(s, heads[i].run, &one, &chain, err);
            pawl_arena_fini(&one);
            runs++;
        }
        if (count) q.before = heads[count - 1].run;
        pawl_arena_fini(&scratch);
    }
    if (rc) return rc;
    pawl_buf_init_arena(&b, &job->arena);
    pawl_buf_printf(&b, "\"runs\":%lld,\"records\":%lld", (long long)runs, (long long)chain.records);
    if (pawl_json_str(d->request, "run").p) {
        char hex[65];
        pawl_hex(hex, chain.head.b, sizeof chain.head.b);
        pawl_buf_printf(&b, ",\"head\":\"%s\"", hex);
    }
    if (chain.anchored_seq) pawl_buf_printf(&b, ",\"anchored_seq\":%lld", (long long)chain.anchored_seq);
    pawl_read_say(job, &b);
    return PAWL_OK;
}

struct rows {
    struct pawl_buf *out;
    bool more;
};

static int add_row(void *ctx, const struct pawl_sqlite_cells *cells)
{
    struct rows *rows = ctx;
    struct pawl_json_writer w = {.out = rows->out};
    if (cells->types && rows->more) pawl_buf_char(rows->out, ',');
    if (cells->types) rows->more = true;
    pawl_jw_open(&w, '[');
    for (uint32_t i = 0; i < cells->count; i++) {
        const char type = cells->types ? cells->types[i] : 't';
        if (!cells->text[i].p) pawl_jw_null(&w);
        else if (type == 'i' || type == 'f') pawl_jw_raw(&w, cells->text[i]);
        else if (type == 't') pawl_jw_str(&w, cells->text[i]);
        else {
            struct pawl_buf hex;
            pawl_buf_init(&hex, rows->out->arena->from);
            for (uint32_t k = 0; k < cells->text[i].n; k++) pawl_buf_printf(&hex, "%02x", (uint8_t)cells->text[i].p[k]);
            pawl_jw_str(&w, pawl_buf_done(&hex));
            pawl_buf_fini(&hex);
        }
    }
    pawl_jw_close(&w, ']');
    if (!cells->types) pawl_buf_text(rows->out, ",\"rows\":[");
    return rows->out->failed ? PAWL_ELIMIT : PAWL_OK;
}

static int sql(struct pawl_host_job *job, struct pawl_store *s, struct pawl_error *err)
{
    struct pawl_buf b;
    struct rows rows = {.out = &b};
    int rc;
    pawl_buf_init_arena(&b, &job->arena);
    b.max_bytes = 12 * 1024 * 1024;
    pawl_buf_text(&b, "\"columns\":");
    rc = pawl_sqlite_select(s, pawl_json_str(job->door->request, "text"), INT64_C(10000000000), add_row, &rows, err);
    if (rc) return rc;
    pawl_buf_char(&b, ']');
    pawl_read_say(job, &b);
    return PAWL_OK;
}

/* What is stored of the circuits: every one that has ever opened, or that a person has set. */
static int breakers(struct pawl_host_job *job, struct pawl_store *s, struct pawl_error *err)
{
    static const char prefix[] = "breaker ";
    const uint32_t n = sizeof prefix - 1;
    struct pawl_shared *rows = NULL;
    struct pawl_buf b;
    struct pawl_json_writer w = {.out = &b};
    uint32_t count = 0;
    int rc = s->shared(s, &job->arena, &rows, &count, err);
    if (rc) return rc;
    pawl_buf_init_arena(&b, &job->arena);
    pawl_buf_text(&b, "\"breakers\":");
    pawl_jw_open(&w, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (rows[i].name.n <= n || memcmp(rows[i].name.p, prefix, n) != 0 || !rows[i].body.p) continue;
        pawl_jw_open(&w, '{');
        pawl_jw_key(&w, "name");
        pawl_jw_str(&w, (struct pawl_str){rows[i].name.p + n, rows[i].name.n - n});
        pawl_jw_key(&w, "circuit");
        pawl_jw_raw(&w, rows[i].body);
        pawl_jw_close(&w, '}');
    }
    pawl_jw_close(&w, ']');
    pawl_read_say(job, &b);
    return PAWL_OK;
}

static int budgets(struct pawl_host_job *job, struct pawl_store *s, struct pawl_error *err)
{
    struct pawl_buf b;
    pawl_buf_init_arena(&b, &job->arena);
    const int rc = pawl_view_budgets(s, job->door->p->config, &job->arena, &b, err);
    if (rc == PAWL_OK) pawl_read_say(job, &b);
    return rc;
}

static int dead_letters(struct pawl_host_job *job, struct pawl_store *s, struct pawl_error *err)
{
    struct pawl_buf b;
    int rc;
    pawl_buf_init_arena(&b, &job->arena);
    rc = pawl_letters_read(s, job->door->request, &b, err);
    if (rc == PAWL_OK) pawl_read_say(job, &b);
    return rc;
}

bool pawl_read_begin(struct pawl_door *d, struct pawl_str what)
{
    if (pawl_str_is(what, "list")) pawl_read_submit(d, list, listed);
    else if (pawl_str_is(what, "show")) pawl_read_submit(d, show, shown);
    else if (pawl_str_is(what, "verify")) pawl_read_submit(d, verify, pawl_read_said);
    else if (pawl_str_is(what, "sql")) pawl_read_submit(d, sql, pawl_read_said);
    else if (pawl_str_is(what, "breakers")) pawl_read_submit(d, breakers, pawl_read_said);
    else if (pawl_str_is(what, "budgets")) pawl_read_submit(d, budgets, pawl_read_said);
    else if (pawl_str_is(what, "dlq")) pawl_read_submit(d, dead_letters, pawl_read_said);
    else if (pawl_str_is(what, "follow")) pawl_follow_begin(d);
    else return false;
    return true;
}
