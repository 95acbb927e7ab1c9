/* src/store/conformance_read.h - the cases of the conformance test about claiming, finding, listing and big things. */
#pragma once
#include "store/conformance_kit.h"

enum { CLAIMED_MAX = 16 };
struct claimed {
    struct pawl_run_records runs[CLAIMED_MAX];
    uint32_t count;
};

static inline void claim_due(struct pawl_store *s, int64_t due_ns, uint32_t max, struct pawl_arena *a,
                             struct claimed *out)
{
    const struct pawl_claim_query q = {.due_ns = due_ns, .max = max, .lease_until_ns = PAWL_NEVER};
    CHECK_INT(s->claim(s, &q, a, out->runs, &out->count, NULL), PAWL_OK);
}

static inline bool claimed_are(const struct claimed *c, uint32_t count, const uint32_t *ids)
{
    bool same = c->count == count;
    for (uint32_t i = 0; same && i < count; i++) same = pawl_id_eq(c->runs[i].head.run, id_of(ids[i]));
    return same;
}
#define ARE(c, ...) \
    CHECK(claimed_are(c, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), (const uint32_t[]){__VA_ARGS__}))

static inline struct told put_parked(struct pawl_store *s, uint32_t n, enum pawl_status status, uint64_t owner,
                                     int64_t wake_ns)
{
    struct told t;
    tell_new(&t, n, NULL);
    t.head.status = status;
    t.head.owner = owner;
    t.head.wake_ns = wake_ns;
    CHECK_INT(put(s, &t), PAWL_OK);
    return t;
}

CASE(case_claim_due)
{
    const uint64_t me = s->instance, other = me + 100;
    struct claimed c;
    struct told t;
    int64_t wake_ns;

    claim_due(s, PAWL_NEVER - 1, CLAIMED_MAX, a, &c);
    CHECK_INT(c.count, 0);
    put_parked(s, 1, PAWL_WAITING, me, T0 + 30);
    put_parked(s, 2, PAWL_WAITING, other, T0 + 20);
    put_parked(s, 3, PAWL_RUNNING, me, 0);    /* ours and live: no business of a claim */
    put_parked(s, 4, PAWL_RUNNING, other, 0); /* left by an owner that died */
    put_parked(s, 5, PAWL_DONE, other, 0);    /* ended */
    put_parked(s, 6, PAWL_DEAD, other, T0 + 1);
    put_parked(s, 7, PAWL_WAITING, other, PAWL_NEVER);
    put_parked(s, 8, PAWL_ENDING, me, T0 + 20);
    put_parked(s, 9, PAWL_ENDING, other, 0);
    put_parked(s, 10, PAWL_WAITING, me, T0 + 31);

    claim_due(s, T0 + 30, 1, a, &c); /* the earliest first, those of one time by id */
    ARE(&c, 4);
    CHECK_INT(c.runs[0].head.epoch, 2);
    CHECK_INT(c.runs[0].head.owner, me);
    CHECK_INT(c.runs[0].head.claims_without_progress, 1);
    CHECK_INT(c.runs[0].head.wake_ns, 0);
    CHECK_INT(c.runs[0].count, 1);
    CHECK_INT(head_in(s, id_of(4), a).epoch, 2);
    CHECK_INT(c.runs[0].head.deaths, 1);
    CHECK_INT(head_in(s, id_of(4), a).deaths, 1);
    claim_due(s, T0 + 30, 0, a, &c);
    CHECK_INT(c.count, 0);
    claim_due(s, T0 + 19, 5, a, &c);
    ARE(&c, 9);
    CHECK_INT(s->next_wake(s, &wake_ns, NULL), PAWL_OK);
    CHECK_INT(wake_ns, T0 + 20);
    claim_due(s, T0 + 30, CLAIMED_MAX, a, &c);
    ARE(&c, 2, 8, 1);
    for (uint32_t i = 0; i < 3; i++) CHECK_INT(c.runs[i].head.deaths, 0); /* nobody died: they were parked */
    claim_due(s, T0 + 30, CLAIMED_MAX, a, &c);                            /* claimed is live: not due again for us */
    CHECK_INT(c.count, 0);
    CHECK_INT(s->next_wake(s, &wake_ns, NULL), PAWL_OK);
    CHECK_INT(wake_ns, T0 + 31);
    CHECK_INT(head_in(s, id_of(3), a).epoch, 1);
    CHECK_INT(head_in(s, id_of(5), a).epoch, 1);

    memset(&t, 0, sizeof t); /* what was claimed commits with its new epoch and parks again */
    t.head = head_in(s, id_of(1), a);
    CHECK_INT(t.head.wake_ns, 0);
    t.head.wake_ns = T0 + 5;
    t.head.deaths = 7; /* is not for a commit to say */
    t.head.claims_without_progress = 0;
    CHECK_INT(put(s, &t), PAWL_OK);
    claim_due(s, T0 + 5, CLAIMED_MAX, a, &c);
    ARE(&c, 1);
    CHECK_INT(c.runs[0].head.epoch, 3);
    CHECK_INT(c.runs[0].head.deaths, 0);
    CHECK_INT(head_in(s, id_of(1), a).deaths, 0);
    CHECK_INT(c.runs[0].head.claims_without_progress, 1);
    claim_due(s, PAWL_NEVER - 1, CLAIMED_MAX, a, &c);
    ARE(&c, 10);
    CHECK_INT(s->next_wake(s, &wake_ns, NULL), PAWL_OK);
    CHECK(wake_ns == PAWL_NEVER);
}

CASE(case_claim_one)
{
    struct pawl_run_records got;
    uint32_t count;
    struct told t;
    put_parked(s, 1, PAWL_WAITING, s->instance, T0 + 30);
    put_parked(s, 2, PAWL_DONE, s->instance, PAWL_NEVER);
    put_parked(s, 3, PAWL_RUNNING, s->instance, 0);
    for (uint32_t n = 1; n <= 3; n++) {
        const struct pawl_claim_query q = {.one = true, .run = id_of(n), .due_ns = 0, .max = 0};
        const struct pawl_head before = head_in(s, id_of(n), a);
        struct pawl_head stored;
        for (uint32_t times = 1; times <= 5; times++) {
            CHECK_INT(s->claim(s, &q, a, &got, &count, NULL), PAWL_OK);
            CHECK_INT(count, 1);
            CHECK_INT(got.head.epoch, before.epoch + times);
            /* one that is in our hand already is not tried once more */
            CHECK_INT(got.head.claims_without_progress, n == 1 ? 1 : n == 2 ? times : 0);
            CHECK_INT(got.head.status, before.status);
            CHECK_INT(got.head.wake_ns,
                      before.status == PAWL_DONE ? before.wake_ns : 0); /* live, but where it has ended */
            CHECK_INT(got.count, 1);
        }
        stored = head_in(s, id_of(n), a);
        same_head(&stored, &got.head);
    }
    memset(&t, 0, sizeof t); /* an ended run may be taken up again: pawl retry */
    t.head = head_in(s, id_of(2), a);
    t.head.status = PAWL_RUNNING;
    t.head.wake_ns = 0;
    tell(&t, PAWL_NOTE, 0, 0, PAWL_STR("{\"why\":\"retried\"}"));
    CHECK_INT(put(s, &t), PAWL_OK);
}

CASE(case_next_wake)
{
    struct told t[3];
    int64_t wake_ns = 5;
    CHECK_INT(s->next_wake(s, &wake_ns, NULL), PAWL_OK);
    CHECK(wake_ns == PAWL_NEVER);
    t[0] = put_parked(s, 1, PAWL_WAITING, 1, T0 + 10);
    t[1] = put_parked(s, 2, PAWL_RUNNING, 1, 0);
    t[2] = put_parked(s, 3, PAWL_WAITING, 7, T0 + 9);
    CHECK_INT(s->next_wake(s, &wake_ns, NULL), PAWL_OK);
    CHECK_INT(wake_ns, T0 + 9);
    t[2].head.status = PAWL_CANCELLED_RUN; /* an ended run wakes nobody, whatever it says */
    CHECK_INT(put(s, &t[2]), PAWL_OK);
    CHECK_INT(s->next_wake(s, &wake_ns, NULL), PAWL_OK);
    CHECK_INT(wake_ns, T0 + 10);
    t[0].head.wake_ns = T0 + 11;
    t[1].head.wake_ns = 1;
    CHECK_INT(put(s, &t[0]), PAWL_OK);
    CHECK_INT(put(s, &t[1]), PAWL_OK);
    CHECK_INT(s->next_wake(s, &wake_ns, NULL), PAWL_OK);
    CHECK_INT(wake_ns, 1);
    t[1].head.wake_ns = PAWL_NEVER;
    CHECK_INT(put(s, &t[1]), PAWL_OK);
    CHECK_INT(s->next_wake(s, &wake_ns, NULL), PAWL_OK);
    CHECK_INT(wake_ns, T0 + 11);
}

CASE(case_list)
{
    static const uint32_t order[] = {5, 2, 9, 300, 1, 7, 257}; /* as they came */
    static const enum pawl_status status[] = {PAWL_DONE,   PAWL_WAITING, PAWL_RUNNING, PAWL_DONE,
                                              PAWL_ENDING, PAWL_DEAD,    PAWL_RUNNING};
    static const enum pawl_waiting waiting[] = {PAWL_WAIT_TOOL, PAWL_WAIT_TOOL, PAWL_WAIT_CONFIG, PAWL_WAIT_CONFIG,
                                                PAWL_WAIT_TOOL, PAWL_WAIT_NONE, PAWL_WAIT_TIMER};
    static const struct row {
        struct pawl_list_query q;
        const char *want; /* newest first */
        uint32_t before;
    } rows[] = {
        {{.max = 20}, "300 257 9 7 5 2 1 ", 0},
        {{.max = 3}, "300 257 9 ", 0},
        {{.max = 0}, "", 0},
        {{.max = 3}, "7 5 2 ", 9},
        {{.max = 20}, "7 5 2 1 ", 8}, /* an id that nobody has */
        {{.max = 20}, "", 1},
        {{.max = 20, .statuses = 1U << PAWL_DONE}, "300 5 ", 0},
        {{.max = 20, .statuses = 1U << PAWL_DEAD | 1U << PAWL_RUNNING}, "257 9 7 ", 0},
        {{.max = 2, .statuses = 1U << PAWL_RUNNING | 1U << PAWL_WAITING}, "9 2 ", 257},
        {{.max = 20, .statuses = 1U << PAWL_FAILED_RUN}, "", 0},
        {{.max = 20, .agent = {"refunds", 7}}, "257 9 7 5 1 ", 0},
        {{.max = 20, .agent = {"refund", 6}}, "300 2 ", 0},
        {{.max = 20, .agent = {"Refunds", 7}}, "", 0},
        {{.max = 20, .agent = {"refunds", 7}, .statuses = 1U << PAWL_DONE}, "5 ", 0},
        {{.max = 20, .prefix = {"019b76da-", 9}}, "300 257 9 7 5 2 1 ", 0},
        {{.max = 20, .prefix = {"019b76da-01", 11}}, "300 257 ", 0},
        {{.max = 20, .prefix = {"019b76da-000", 12}}, "9 7 5 2 1 ", 0},
        {{.max = 20, .prefix = {"019b76da-0002", 13}}, "2 ", 0},
        {{.max = 20, .prefix = {"019b76da-0002-7", 15}}, "2 ", 0},
        {{.max = 20, .prefix = {"019b76da-0002-7001-8000-00000000000e", 36}}, "2 ", 0},
        {{.max = 20, .prefix = {"019b76da-0002-7001-8000-00000000000f", 36}}, "", 0},
        {{.max = 20, .prefix = {"019b76da-0002-7001-8000-00000000000e0", 37}}, "", 0},
        {{.max = 20, .prefix = {"019B76DA", 8}}, "", 0}, /* the text of an id is lower-case */
        {{.max = 20, .prefix = {"019b76da0", 9}}, "", 0},
        {{.max = 20, .prefix = {"019b76-", 7}}, "", 0},
        {{.max = 20, .prefix = {"019b%", 5}}, "", 0},
        {{.max = 20, .prefix = {"x", 1}}, "", 0},
        {{.max = 20, .prefix = {"02", 2}}, "", 0},
        {{.max = 20, .prefix = {"019b76da-000", 12}, .agent = {"refunds", 7}, .statuses = 1U << PAWL_RUNNING}, "9 ", 0},
        {{.max = 20, .stuck = PAWL_STUCK}, "9 2 1 ", 0}, /* an ended one waits for nothing */
        {{.max = 20, .stuck = 1U << PAWL_WAIT_TOOL}, "2 1 ", 0},
        {{.max = 2, .stuck = PAWL_STUCK}, "9 2 ", 0},
        {{.max = 20, .stuck = PAWL_STUCK, .statuses = 1U << PAWL_ENDING}, "1 ", 0},
        {{.max = 20, .stuck = PAWL_STUCK}, "2 1 ", 9},
        {{.max = 20, .prefix = {"019b76da-000", 12}}, "2 1 ", 5},
        {{.max = 20, .prefix = {"019b76da-000", 12}}, "9 7 5 2 1 ", 257},
    };
    for (uint32_t i = 0; i < sizeof order / sizeof *order; i++) {
        struct told t;
        tell_new(&t, order[i], i % 2 == 0 ? "key" : NULL);
        if (i % 2 == 0) {
            char key[8];
            snprintf(key, sizeof key, "key%u", i);
            t.head.key = pawl_str_copy(a, pawl_str_of(key));
        }
        t.head.status = status[i];
        t.head.waiting = waiting[i];
        if (order[i] == 2 || order[i] == 300) t.head.agent = PAWL_STR("refund");
        CHECK_INT(put(s, &t), PAWL_OK);
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pawl_list_query q = rows[i].q;
        struct pawl_head out[20];
        uint32_t count;
        char text[128] = "", *end = text;
        if (rows[i].before) q.before = id_of(rows[i].before);
        CHECK_INT(s->list(s, &q, a, out, &count, NULL), PAWL_OK);
        for (uint32_t k = 0; k < count; k++) end += snprintf(end, 16, "%d ", out[k].run.b[4] * 256 + out[k].run.b[5]);
        CHECK_TEXT(text, rows[i].want);
        for (uint32_t k = 0; k < count; k++) { /* a listed head is the whole head */
            const struct pawl_head read = head_in(s, out[k].run, a);
            if (i == 0) same_head(&out[k], &read);
        }
    }
}

static inline struct pawl_str big_text(struct pawl_arena *a, uint32_t bytes, uint32_t seed)
{
    char *p = pawl_arena_get(a, bytes);
    assert(p != NULL && bytes >= 8);
    for (uint32_t i = 0; i < bytes; i++) p[i] = (char)('a' + (i * 7 + i / 4096 + seed) % 26);
    memcpy(p, "{\"a\":\"", 6);
    memcpy(p + bytes - 2, "\"}", 2);
    return (struct pawl_str){p, bytes};
}

CASE(case_big_bodies)
{
    static const uint32_t sizes[] = {8, 4095, 4096, 4097, 65536, 1 << 20, 1 << 20, 4097};
    enum { N = sizeof sizes / sizeof *sizes };
    struct pawl_record want[N + 1];
    struct pawl_run_records got;
    struct told t;
    tell_new(&t, 1, NULL);
    for (int i = 0; i < N; i++)
        tell(&t, PAWL_NOTE, 0, 0, big_text(a, sizes[i], i == 6)); /* the last was there before */
    memcpy(want, t.records, sizeof want);
    CHECK_INT(put(s, &t), PAWL_OK);
    CHECK_INT(s->read(s, t.head.run, 0, a, &got, NULL), PAWL_OK);
    if (CHECK_INT(got.count, N + 1))
        for (int i = 0; i <= N; i++) same_record(&got.records[i], &want[i]);
}

CASE(case_blobs)
{
    static const char binary[] = "\0\1\2\xff\0 and so on";
    const struct pawl_str contents[] = {{binary, sizeof binary}, PAWL_STR(""), PAWL_STR("{}"), big_text(a, 1 << 20, 3)};
    enum { N = sizeof contents / sizeof *contents };
    struct pawl_blob blobs[N];
    struct pawl_str got;
    struct told t;
    for (int i = 0; i < N; i++) blobs[i] = (struct pawl_blob){pawl_sha256(contents[i].p, contents[i].n), contents[i]};
    CHECK_INT(s->blob(s, blobs[0].hash, a, &got, NULL), PAWL_ENOTFOUND);
    tell_new(&t, 1, NULL);
    t.commit.blobs = blobs;
    t.commit.blobs_count = N;
    CHECK_INT(put(s, &t), PAWL_OK);
    for (int again = 0; again < 2; again++) {
        for (int i = 0; i < N; i++) {
            CHECK_INT(s->blob(s, blobs[i].hash, a, &got, NULL), PAWL_OK);
            CHECK(got.p != NULL && pawl_str_eq(got, contents[i]));
        }
        t.commit.blobs = blobs; /* a second time is fine */
        t.commit.blobs_count = N;
        CHECK_INT(put(s, &t), PAWL_OK);
    }
    tell(&t, PAWL_NOTE, 0, 0, contents[3]); /* a blob that is a body too */
    CHECK_INT(put(s, &t), PAWL_OK);
    CHECK_INT(s->blob(s, blobs[3].hash, a, &got, NULL), PAWL_OK);
    CHECK(pawl_str_eq(got, contents[3]));
}
