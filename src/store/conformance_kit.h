/* src/store/conformance_kit.h - what the cases of the conformance test tell stories with. */
#pragma once
#include <assert.h>
#include "base/prng.h"
#include "base/test.h"
#include "journal/sealed.h"
#include "journal/store.h"

enum { TOLD_MAX = 64 };
static const int64_t T0 = 1767225600000000000; /* 2026-01-01T00:00:00Z */

/* A run as its owner sees it: it grows records and commits them. */
struct told {
    struct pawl_head head;
    struct pawl_record records[TOLD_MAX]; /* not committed yet */
    struct pawl_commit commit;
};

static inline struct pawl_id id_of(uint32_t n) /* rises with n */
{
    struct pawl_id id = {{0x01, 0x9b, 0x76, 0xda, (uint8_t)(n >> 8), (uint8_t)n, 0x70, 0x01, 0x80}};
    id.b[15] = (uint8_t)(n * 7);
    return id;
}

static inline struct pawl_hash hash_of(const char *text)
{
    return pawl_sha256(text, strlen(text));
}

static inline void tell(struct told *t, enum pawl_kind kind, uint32_t step, uint64_t cause, struct pawl_str body)
{
    assert(t->commit.records_count < TOLD_MAX);
    struct pawl_record *r = &t->records[t->commit.records_count++];
    *r = (struct pawl_record){.run = t->head.run,
                              .seq = ++t->head.seq,
                              .at_ns = t->head.updated_ns + 1000,
                              .kind = kind,
                              .step = step,
                              .cause = cause,
                              .body = body};
    for (int i = 0; i < 8; i++) r->salt[i] = (uint8_t)(t->head.seq * 31 + (uint64_t)i);
    t->head.hash = r->hash = pawl_record_hash(r, t->head.hash);
    t->head.updated_ns = r->at_ns;
}

static inline void tell_new(struct told *t, uint32_t n, const char *key)
{
    memset(t, 0, sizeof *t);
    t->head = (struct pawl_head){.run = id_of(n),
                                 .agent = PAWL_STR("refunds"),
                                 .key = pawl_str_of(key),
                                 .status = PAWL_RUNNING,
                                 .epoch = 1,
                                 .owner = 1,
                                 .created_ns = T0,
                                 .updated_ns = T0};
    t->commit.create = true;
    tell(t, PAWL_RUN_CREATED, 0, 0, PAWL_STR("{\"agent\":\"refunds\",\"input\":\"order 7 arrived broken\"}"));
}

static inline struct pawl_commit *told(struct told *t)
{
    t->commit.head = t->head;
    t->commit.records = t->records;
    t->commit.seq_before = t->head.seq - t->commit.records_count;
    t->commit.result = 99;
    return &t->commit;
}

/* Commits what was told; the result of the batch or, where that is PAWL_OK, of the commit. */
static inline int put(struct pawl_store *s, struct told *t)
{
    struct pawl_error err = {0};
    struct pawl_commit *c = told(t);
    const int status = s->commit(s, &c, 1, &err);
    if (status != PAWL_OK) return printf("commit: %s: %s\n", err.where, err.what), status;
    if (c->result == PAWL_OK) {
        t->commit = (struct pawl_commit){0};
    } else { /* nothing happened: as it was */
        t->head.seq -= c->records_count;
    }
    return c->result;
}

static inline int put_new(struct pawl_store *s, struct told *t, uint32_t n, const char *key)
{
    tell_new(t, n, key);
    return put(s, t);
}

static inline void same_head(const struct pawl_head *got, const struct pawl_head *want)
{
    CHECK(pawl_id_eq(got->run, want->run));
    CHECK(pawl_str_eq(got->agent, want->agent) && (got->agent.p == NULL) == (want->agent.p == NULL));
    CHECK(pawl_str_eq(got->key, want->key) && (got->key.p == NULL) == (want->key.p == NULL));
    CHECK_INT(got->status, want->status);
    CHECK_INT(got->waiting, want->waiting);
    CHECK_INT(got->waiting_step, want->waiting_step);
    CHECK_INT(got->epoch, want->epoch);
    CHECK_INT(got->owner, want->owner);
    CHECK_INT(got->claims_without_progress, want->claims_without_progress);
    CHECK_INT(got->seq, want->seq);
    CHECK(memcmp(got->hash.b, want->hash.b, 32) == 0);
    CHECK_INT(got->wake_ns, want->wake_ns);
    CHECK_INT(got->active_ns, want->active_ns);
    CHECK_INT(got->created_ns, want->created_ns);
    CHECK_INT(got->updated_ns, want->updated_ns);
    CHECK(memcmp(got->config.b, want->config.b, 32) == 0);
}

static inline void same_record(const struct pawl_record *got, const struct pawl_record *want)
{
    CHECK(pawl_id_eq(got->run, want->run));
    CHECK_INT(got->seq, want->seq);
    CHECK_INT(got->at_ns, want->at_ns);
    CHECK_INT(got->kind, want->kind);
    CHECK_INT(got->step, want->step);
    CHECK_INT(got->cause, want->cause);
    CHECK(pawl_str_eq(got->body, want->body));
    CHECK(pawl_str_eq(got->full, want->full));
    CHECK(memcmp(got->salt, want->salt, 8) == 0);
    CHECK(memcmp(got->hash.b, want->hash.b, 32) == 0);
}

static inline void same_claim(const struct pawl_claim *got, const struct pawl_claim *want)
{
    CHECK(memcmp(got->key.b, want->key.b, 32) == 0 && memcmp(got->args.b, want->args.b, 32) == 0);
    CHECK(pawl_id_eq(got->run, want->run));
    CHECK_INT(got->step, want->step);
    CHECK_INT(got->turn, want->turn);
    CHECK_INT(got->state, want->state);
    CHECK_INT(got->until_ns, want->until_ns);
}

static inline struct pawl_head head_in(struct pawl_store *s, struct pawl_id run, struct pawl_arena *a)
{
    struct pawl_run_records r = {0};
    CHECK_INT(s->read(s, run, 0, a, &r, NULL), PAWL_OK);
    return r.head;
}

#define CASE(name) static inline void name(struct pawl_store *s, __attribute__((unused)) struct pawl_arena *a)
