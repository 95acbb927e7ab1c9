/* src/store/conformance_commit.h - the cases of the conformance test that are about commits. */
#pragma once
#include "store/conformance_kit.h"

CASE(case_every_field)
{
    struct told t;
    struct pawl_record want[3];
    struct pawl_run_records got;
    static const char config[] = "{\"agents\":{}}";
    const struct pawl_blob blob = {pawl_sha256(config, strlen(config)), pawl_str_of(config)};

    tell_new(&t, 1, "order-7");
    t.head.status = PAWL_WAITING;
    t.head.waiting = PAWL_WAIT_STEP;
    t.head.waiting_step = UINT32_MAX;
    t.head.epoch = 1ULL << 40;
    t.head.owner = (1ULL << 33) + 5;
    t.head.claims_without_progress = 4;
    t.head.wake_ns = T0 + 5;
    t.head.active_ns = 123456789012345;
    t.head.created_ns = T0 - 1;
    t.head.config = blob.hash;
    t.commit.blobs = &blob;
    t.commit.blobs_count = 1;
    tell(&t, PAWL_STEP_INTENDED, UINT32_MAX, 1, PAWL_STR("{\"text\":\"\xc3\xa9\xe2\x82\xac \\u0000 'quoted' \"}"));
    tell(&t, PAWL_NOTE, 0, 2, PAWL_STR("{}"));
    t.records[2].at_ns = t.head.updated_ns = PAWL_NEVER - 1;
    t.head.hash = t.records[2].hash = pawl_record_hash(&t.records[2], t.records[1].hash);
    memcpy(want, t.records, sizeof want);
    CHECK_INT(put(s, &t), PAWL_OK);
    CHECK_INT(s->read(s, t.head.run, 0, a, &got, NULL), PAWL_OK);
    same_head(&got.head, &t.head);
    if (CHECK_INT(got.count, 3))
        for (int i = 0; i < 3; i++) same_record(&got.records[i], &want[i]);

    /* every field that can change, changed; a commit may have no records */
    t.head.status = PAWL_ENDING;
    t.head.waiting = PAWL_WAIT_NONE;
    t.head.waiting_step = 0;
    t.head.owner = 0;
    t.head.claims_without_progress = 0;
    t.head.wake_ns = PAWL_NEVER;
    t.head.active_ns = 0;
    t.head.updated_ns = PAWL_NEVER;
    memset(&t.head.config, 0, sizeof t.head.config);
    CHECK_INT(put(s, &t), PAWL_OK);
    CHECK_INT(s->read(s, t.head.run, 0, a, &got, NULL), PAWL_OK);
    same_head(&got.head, &t.head);
    CHECK_INT(got.count, 3);

    /* what may be absent; a configuration that is no blob here; every status and wait */
    tell_new(&t, 2, NULL);
    t.head.agent = (struct pawl_str){NULL, 0};
    t.head.config = hash_of("kept elsewhere");
    CHECK_INT(put(s, &t), PAWL_OK);
    for (int wait = PAWL_WAIT_NONE; wait <= PAWL_WAIT_STEP; wait++)
        for (int status = PAWL_RUNNING; status <= PAWL_DEAD; status += status == PAWL_ENDING ? 7 : 1) {
            struct pawl_head head;
            t.head.status = (enum pawl_status)status;
            t.head.waiting = (enum pawl_waiting)wait;
            CHECK_INT(put(s, &t), PAWL_OK);
            head = head_in(s, t.head.run, a);
            same_head(&head, &t.head);
        }
}

CASE(case_every_kind)
{
    struct told t;
    struct pawl_run_records got;
    CHECK_INT(put_new(s, &t, 1, NULL), PAWL_OK);
    for (int k = PAWL_RUN_CREATED; k < PAWL_KIND_COUNT; k++) tell(&t, (enum pawl_kind)k, 1, 1, PAWL_STR("{\"a\":1}"));
    CHECK_INT(put(s, &t), PAWL_OK);
    CHECK_INT(s->read(s, t.head.run, 2, a, &got, NULL), PAWL_OK);
    if (CHECK_INT(got.count, PAWL_KIND_COUNT - 1))
        for (int k = PAWL_RUN_CREATED; k < PAWL_KIND_COUNT; k++) CHECK_INT(got.records[k - 1].kind, k);
}

CASE(case_read)
{
    struct told t;
    struct pawl_run_records got;
    CHECK_INT(put_new(s, &t, 1, NULL), PAWL_OK);
    for (int i = 0; i < 9; i++) {
        struct told other; /* another run's records lie between */
        CHECK_INT(put_new(s, &other, 100 + (uint32_t)i, NULL), PAWL_OK);
        tell(&t, PAWL_NOTE, 0, 0, PAWL_STR("{}"));
        CHECK_INT(put(s, &t), PAWL_OK);
    }
    for (uint64_t from = 0; from <= 12; from++) {
        CHECK_INT(s->read(s, t.head.run, from, a, &got, NULL), PAWL_OK);
        CHECK_INT(got.count, from == 0 ? 10 : from > 10 ? 0 : 11 - from);
        same_head(&got.head, &t.head);
        for (uint32_t i = 0; i < got.count; i++) CHECK_INT(got.records[i].seq, (from ? from : 1) + i);
    }
    CHECK_INT(s->read(s, id_of(77), 0, a, &got, &(struct pawl_error){0}), PAWL_ENOTFOUND);
}

CASE(case_fencing)
{
    struct told old, now;
    struct pawl_run_records got;
    uint32_t count;
    const struct pawl_claim_query q = {.one = true, .run = id_of(1)};

    CHECK_INT(put_new(s, &old, 1, NULL), PAWL_OK);
    now = old;
    CHECK_INT(s->claim(s, &q, a, &got, &count, NULL), PAWL_OK);
    CHECK_INT(count, 1);
    CHECK_INT(got.head.epoch, old.head.epoch + 1);
    CHECK_INT(got.head.claims_without_progress, old.head.owner != s->instance);
    CHECK_INT(got.head.owner, s->instance);
    CHECK_INT(got.count, 1);
    tell(&old, PAWL_NOTE, 0, 0, PAWL_STR("{\"who\":\"a paused owner\"}"));
    CHECK_INT(put(s, &old), PAWL_EFENCED);
    now.head = got.head;
    tell(&now, PAWL_NOTE, 0, 0, PAWL_STR("{\"who\":\"the owner\"}"));
    now.head.claims_without_progress = 0;
    CHECK_INT(put(s, &now), PAWL_OK);
    now.head.epoch++; /* nobody has that one yet */
    CHECK_INT(put(s, &now), PAWL_EFENCED);
    CHECK_INT(s->read(s, id_of(1), 0, a, &got, NULL), PAWL_OK);
    CHECK_INT(got.count, 2);
    CHECK(pawl_str_is(got.records[1].body, "{\"who\":\"the owner\"}"));
    tell_new(&old, 9, NULL); /* a run that was never created */
    old.commit.create = false;
    old.head.seq = 0;
    old.commit.records_count = 0;
    CHECK_INT(put(s, &old), PAWL_ENOTFOUND);
    CHECK_INT(s->claim(s, &(struct pawl_claim_query){.one = true, .run = id_of(9)}, a, &got, &count, NULL),
              PAWL_ENOTFOUND);
    CHECK_INT(count, 0);
}

CASE(case_seq_before)
{
    struct told first, second;
    struct pawl_commit *both[2];
    CHECK_INT(put_new(s, &first, 1, NULL), PAWL_OK);
    second = first;
    tell(&first, PAWL_NOTE, 0, 0, PAWL_STR("{\"n\":1}"));
    CHECK_INT(put(s, &first), PAWL_OK);
    tell(&second, PAWL_NOTE, 0, 0, PAWL_STR("{\"n\":2}"));
    CHECK_INT(put(s, &second), PAWL_EFENCED); /* the same epoch, but it has not seen record 2 */
    /* in one batch: the second stands on the first, and one that does not is refused while the first stays */
    second = first;
    tell(&first, PAWL_NOTE, 0, 0, PAWL_STR("{\"n\":3}"));
    both[0] = told(&first);
    second.head = first.head;
    tell(&second, PAWL_NOTE, 0, 0, PAWL_STR("{\"n\":4}"));
    both[1] = told(&second);
    CHECK_INT(s->commit(s, both, 2, NULL), PAWL_OK);
    CHECK_INT(both[0]->result, PAWL_OK);
    CHECK_INT(both[1]->result, PAWL_OK);
    CHECK_INT(s->commit(s, both, 2, NULL), PAWL_OK);
    CHECK_INT(both[0]->result, PAWL_EFENCED);
    CHECK_INT(both[1]->result, PAWL_EFENCED);
    CHECK_INT(head_in(s, id_of(1), a).seq, 4);
}

CASE(case_create)
{
    struct told t;
    struct pawl_id run;
    static const struct row {
        uint32_t n;
        const char *key, *request;
        int want;
    } rows[] = {
        {1, "k1", "r1", PAWL_OK},
        {2, "k1", NULL, PAWL_ECONFLICT},
        {2, NULL, "r1", PAWL_ECONFLICT},
        {2, "k2", "r1", PAWL_ECONFLICT},
        {1, "k3", "r3", PAWL_ECONFLICT},
        {1, NULL, NULL, PAWL_ECONFLICT},
        {2, "r1", "k1", PAWL_OK}, /* keys and requests are two kinds of names */
        {3, NULL, NULL, PAWL_OK},
        {4, NULL, NULL, PAWL_OK},
        {5, "k2", "r2", PAWL_OK},
        {6, "K2", NULL, PAWL_OK},
        {7, "k2 ", NULL, PAWL_OK},
        {8, "", NULL, PAWL_OK},
        {9, "", NULL, PAWL_ECONFLICT},
        {10, "a key of some length, with spaces and \xc3\xa9", "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4051", PAWL_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        tell_new(&t, r->n, r->key);
        t.commit.request = pawl_str_of(r->request);
        CHECK_INT(put(s, &t), r->want);
        if (r->want != PAWL_OK) continue;
        if (r->key) {
            CHECK_INT(s->find_key(s, pawl_str_of(r->key), (struct pawl_str){NULL, 0}, &run, NULL), PAWL_OK);
            CHECK(pawl_id_eq(run, id_of(r->n)));
        }
        if (r->request) {
            CHECK_INT(s->find_key(s, (struct pawl_str){NULL, 0}, pawl_str_of(r->request), &run, NULL), PAWL_OK);
            CHECK(pawl_id_eq(run, id_of(r->n)));
        }
    }
    CHECK_INT(s->find_key(s, PAWL_STR("k9"), (struct pawl_str){NULL, 0}, &run, NULL), PAWL_ENOTFOUND);
    CHECK_INT(s->find_key(s, PAWL_STR("k3"), PAWL_STR("r1"), &run, NULL), PAWL_ENOTFOUND); /* the key counts */
    CHECK_INT(s->find_key(s, (struct pawl_str){NULL, 0}, PAWL_STR("r3"), &run, NULL), PAWL_ENOTFOUND);
    CHECK_INT(head_in(s, id_of(1), a).seq, 1);
}

CASE(case_batch)
{
    enum { N = 40 };
    static struct told t[N];
    struct pawl_commit *batch[N];
    struct pawl_head heads[N];
    uint32_t count;
    for (uint32_t i = 0; i < N; i++) { /* each fourth has the key of the one before */
        char key[16];
        snprintf(key, sizeof key, "k%u", i % 4 == 3 ? i - 1 : i);
        tell_new(&t[i], i + 1, key);
        t[i].head.key = pawl_str_copy(a, t[i].head.key);
        batch[i] = told(&t[i]);
    }
    CHECK_INT(s->commit(s, batch, N, NULL), PAWL_OK);
    for (uint32_t i = 0; i < N; i++) CHECK_INT(batch[i]->result, i % 4 == 3 ? PAWL_ECONFLICT : PAWL_OK);
    CHECK_INT(s->list(s, &(struct pawl_list_query){.max = N}, a, heads, &count, NULL), PAWL_OK);
    CHECK_INT(count, N - N / 4);
    CHECK_INT(s->commit(s, batch, 0, NULL), PAWL_OK);
}

CASE(case_claims)
{
    struct told one, two;
    struct pawl_claim got, mine = {.key = hash_of("refund order 7"),
                                   .args = hash_of("{\"order_id\":7}"),
                                   .run = id_of(1),
                                   .step = 4,
                                   .turn = 2,
                                   .state = PAWL_CLAIM_IN_FLIGHT,
                                   .until_ns = PAWL_NEVER};
    struct pawl_claim yours = mine, free_one = mine;
    struct pawl_claim_op ops[3];
    yours.run = id_of(2);
    yours.step = 9;
    free_one.key = hash_of("another");
    CHECK_INT(put_new(s, &one, 1, NULL), PAWL_OK);
    CHECK_INT(put_new(s, &two, 2, NULL), PAWL_OK);
#define DO(who, want, ...)                                      \
    do {                                                        \
        const struct pawl_claim_op list[] = {__VA_ARGS__};      \
        (who).commit.claims = list;                             \
        (who).commit.claims_count = sizeof list / sizeof *list; \
        CHECK_INT(put(s, &(who)), (want));                      \
        (who).commit = (struct pawl_commit){0};                 \
    } while (0)
#define OP(what, who, ...) ((struct pawl_claim_op){.op = PAWL_CLAIM_##what, .claim = (who), __VA_ARGS__})
    CHECK_INT(s->find_claim(s, mine.key, &got, NULL), PAWL_ENOTFOUND);
    DO(one, PAWL_ECONFLICT, OP(SET, mine, .instead_step = 0)); /* not ours to change yet */
    DO(one, PAWL_ECONFLICT, OP(DROP, mine, .instead_step = 0));
    DO(one, PAWL_OK, OP(TAKE, mine, .instead_step = 0));
    CHECK_INT(s->find_claim(s, mine.key, &got, NULL), PAWL_OK);
    same_claim(&got, &mine);
    DO(one, PAWL_ECONFLICT, OP(TAKE, mine, .instead_step = 0)); /* not even by its holder */
    DO(two, PAWL_ECONFLICT, OP(TAKE, yours, .instead_step = 0));
    DO(two, PAWL_ECONFLICT, OP(SET, yours, .instead_step = 0));
    DO(two, PAWL_ECONFLICT, OP(DROP, yours, .instead_step = 0));
    DO(two, PAWL_ECONFLICT, OP(TAKE, yours, .instead_run = mine.run, .instead_step = 5)); /* another step holds it */
    DO(two, PAWL_ECONFLICT, OP(TAKE, yours, .instead_run = id_of(3), .instead_step = 4));
    mine.state = PAWL_CLAIM_DONE;
    mine.until_ns = T0 + 1; /* long over: but that is the callers' to judge */
    mine.turn = 3;
    mine.args = hash_of("{}");
    DO(one, PAWL_OK, OP(SET, mine, .instead_step = 0));
    CHECK_INT(s->find_claim(s, mine.key, &got, NULL), PAWL_OK);
    same_claim(&got, &mine);
    DO(two, PAWL_ECONFLICT, OP(TAKE, yours, .instead_step = 0));
    CHECK_INT(s->find_claim(s, mine.key, &got, NULL), PAWL_OK);
    same_claim(&got, &mine);

    /* A conflict in the last of a commit undoes all of it: records, blobs, other claims, the head. */
    {
        const struct pawl_blob blob = {hash_of("lost"), PAWL_STR("lost")};
        struct pawl_str bytes;
        tell(&two, PAWL_NOTE, 0, 0, PAWL_STR("{}"));
        two.commit.blobs = &blob;
        two.commit.blobs_count = 1;
        DO(two, PAWL_ECONFLICT, OP(TAKE, free_one, .instead_step = 0), OP(TAKE, yours, .instead_step = 0));
        CHECK_INT(s->find_claim(s, free_one.key, &got, NULL), PAWL_ENOTFOUND);
        CHECK_INT(s->blob(s, blob.hash, a, &bytes, NULL), PAWL_ENOTFOUND);
        CHECK_INT(head_in(s, id_of(2), a).seq, 1);
        two.head = head_in(s, id_of(2), a);
    }
    DO(two, PAWL_OK, OP(TAKE, yours, .instead_run = mine.run, .instead_step = 4)); /* an expired one is taken over */
    CHECK_INT(s->find_claim(s, mine.key, &got, NULL), PAWL_OK);
    same_claim(&got, &yours);
    DO(one, PAWL_ECONFLICT, OP(SET, mine, .instead_step = 0));
    DO(two, PAWL_OK, OP(TAKE, yours, .instead_run = yours.run, .instead_step = 9)); /* over oneself, said so */

    /* Operations of one commit follow one another. */
    ops[0] = OP(DROP, yours, .instead_step = 0);
    ops[1] = OP(TAKE, yours, .instead_step = 0);
    ops[1].claim.step = 10;
    ops[2] = OP(SET, ops[1].claim, .instead_step = 0);
    ops[2].claim.state = PAWL_CLAIM_UNDONE;
    DO(two, PAWL_OK, ops[0], ops[1], ops[2]);
    CHECK_INT(s->find_claim(s, mine.key, &got, NULL), PAWL_OK);
    same_claim(&got, &ops[2].claim);
    DO(two, PAWL_ECONFLICT, ops[2], OP(TAKE, free_one, .instead_step = 0), OP(TAKE, free_one, .instead_step = 0));
    ops[0].claim.step = 10;
    DO(two, PAWL_OK, ops[0]);
    CHECK_INT(s->find_claim(s, mine.key, &got, NULL), PAWL_ENOTFOUND);
    DO(one, PAWL_OK, OP(TAKE, mine, .instead_run = id_of(8), .instead_step = 8)); /* free: no matter instead of whom */

    /* Of two that want it in one batch the first has it. */
    {
        struct pawl_claim_op a_op = OP(TAKE, free_one, .instead_step = 0), b_op = OP(TAKE, free_one, .instead_step = 0);
        struct pawl_commit *batch[2];
        b_op.claim.run = yours.run;
        one.commit.claims = &a_op;
        two.commit.claims = &b_op;
        one.commit.claims_count = two.commit.claims_count = 1;
        tell(&one, PAWL_NOTE, 0, 0, PAWL_STR("{}"));
        tell(&two, PAWL_NOTE, 0, 0, PAWL_STR("{}"));
        batch[0] = told(&one);
        batch[1] = told(&two);
        CHECK_INT(s->commit(s, batch, 2, NULL), PAWL_OK);
        CHECK_INT(batch[0]->result, PAWL_OK);
        CHECK_INT(batch[1]->result, PAWL_ECONFLICT);
        CHECK_INT(s->find_claim(s, free_one.key, &got, NULL), PAWL_OK);
        same_claim(&got, &free_one);
    }
    {
        struct told fresh; /* a new run may take one, and does not come to be where it cannot */
        struct pawl_claim_op take = OP(TAKE, free_one, .instead_step = 0);
        tell_new(&fresh, 3, "k");
        take.claim.run = id_of(3);
        DO(fresh, PAWL_ECONFLICT, take);
        CHECK_INT(s->read(s, id_of(3), 0, a, &(struct pawl_run_records){0}, NULL), PAWL_ENOTFOUND);
        tell_new(&fresh, 3, "k");
        take.claim.key = hash_of("third");
        DO(fresh, PAWL_OK, take);
        CHECK_INT(s->find_claim(s, take.claim.key, &got, NULL), PAWL_OK);
        same_claim(&got, &take.claim);
    }
#undef DO
#undef OP
}

static inline void same_shared(const struct pawl_shared *got, const struct pawl_shared *want)
{
    CHECK(pawl_str_eq(got->name, want->name));
    CHECK_INT(got->value, want->value);
    CHECK((got->body.p == NULL) == (want->body.p == NULL));
    if (got->body.p && want->body.p) CHECK(pawl_str_eq(got->body, want->body));
}

/* What runs share: sums, bodies that stay where none is given, rows that go; with a run's commit or without; and nothing
 * of it where the commit is refused. */
CASE(case_shared)
{
    const struct pawl_shared_op first[] = {{.name = PAWL_STR("b"), .add = 5, .body = PAWL_STR("{\"n\":1}")},
                                           {.name = PAWL_STR("a"), .add = -2},
                                           {.name = PAWL_STR("gone"), .add = 1}};
    const struct pawl_shared_op second[] = {{.name = PAWL_STR("b"), .add = 7},
                                            {.name = PAWL_STR("gone"), .drop = true},
                                            {.name = PAWL_STR("a"), .body = PAWL_STR("[]")}};
    const struct pawl_shared want[] = {{.name = PAWL_STR("a"), .value = -2, .body = PAWL_STR("[]")},
                                       {.name = PAWL_STR("b"), .value = 12, .body = PAWL_STR("{\"n\":1}")}};
    struct pawl_commit alone = {.no_run = true, .shared = first, .shared_count = 3}, *c = &alone;
    struct pawl_shared *rows;
    struct told t;
    uint32_t count = 9;
    CHECK_INT(s->shared(s, a, &rows, &count, NULL), PAWL_OK);
    CHECK_INT(count, 0);
    CHECK_INT(s->commit(s, &c, 1, NULL), PAWL_OK);
    CHECK_INT(alone.result, PAWL_OK);
    tell_new(&t, 1, NULL);
    t.commit.shared = second;
    t.commit.shared_count = 3;
    CHECK_INT(put(s, &t), PAWL_OK);
    t.head.epoch = 9; /* somebody else's by now */
    t.commit.shared = first;
    t.commit.shared_count = 3;
    CHECK_INT(put(s, &t), PAWL_EFENCED);
    CHECK_INT(s->shared(s, a, &rows, &count, NULL), PAWL_OK);
    if (!CHECK_INT(count, 2)) return;
    for (uint32_t i = 0; i < 2; i++) same_shared(&rows[i], &want[i]);
}
