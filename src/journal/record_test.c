/* src/journal/record_test.c - names there and back, the hash against figures made by Python's hashlib, broken chains. */
#include "journal/record.h"
#include "base/test.h"

/* The story of docs/journal.md; hash: SHA-256 by the rule in record.h, computed outside of pawl. */
static const struct row {
    uint64_t seq;
    int64_t at_ns;
    enum pawl_kind kind;
    uint32_t step;
    uint64_t cause;
    const char *salt, *body, *hash;
} story[] = {
    {1, 1767225600000000000, PAWL_RUN_CREATED, 0, 0, "0001020304050607",
     "{\"agent\":\"refunds\",\"input\":\"order 7 arrived broken\"}",
     "e08b868055dec419e71bd9912bb616604e32f0e02399c136c67dfd44c9e4d44a"},
    {2, 1767225600000000000, PAWL_STEP_INTENDED, 1, 1, "08090a0b0c0d0e0f", "{\"kind\":\"tool\",\"name\":\"refund\"}",
     "8871e7e418a62a1373389078939578dad8fbf41d86189b4530fb21812b7f8b37"},
    {3, 1767225600150000000, PAWL_STEP_COMPLETED, 1, 2, "ffffffffffffffff", "{\"result\":{\"ok\":true}}",
     "c11c34d8b371f1fa015077379bf5b2422fd3ab914f8ea3db1acf40372c18986a"},
    {4, 1767225600150000001, PAWL_SIGNAL_RECEIVED, 0, 0, "0000000000000000", "{}",
     "542121f0d99ac8dd5bed8dac38d520e6ae0e21fc59c833ea95c3b9f37f4abd09"},
};
enum { COUNT = sizeof story / sizeof *story };

static void tell(struct pawl_record *out)
{
    for (int i = 0; i < COUNT; i++) {
        const struct row *r = &story[i];
        out[i] = (struct pawl_record){.seq = r->seq,
                                      .at_ns = r->at_ns,
                                      .kind = r->kind,
                                      .step = r->step,
                                      .cause = r->cause,
                                      .body = pawl_str_of(r->body)};
        pawl_id_parse(PAWL_STR("0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4051"), &out[i].run);
        pawl_unhex(out[i].salt, sizeof out[i].salt, pawl_str_of(r->salt));
        pawl_unhex(out[i].hash.b, sizeof out[i].hash.b, pawl_str_of(r->hash));
    }
}

static void test_names(void)
{
    for (int k = PAWL_KIND_NONE + 1; k < PAWL_KIND_COUNT; k++) {
        const char *name = pawl_kind_name((enum pawl_kind)k);
        CHECK(name != NULL && strlen(name) >= 4);
        CHECK(pawl_kind_of(pawl_str_of(name)) == (enum pawl_kind)k);
    }
    CHECK_TEXT(pawl_kind_name(PAWL_KIND_NONE), "");
    CHECK_TEXT(pawl_kind_name(PAWL_STEP_IN_DOUBT), "step.in_doubt");
    CHECK(pawl_kind_of(PAWL_STR("")) == PAWL_KIND_NONE);
    CHECK(pawl_kind_of(PAWL_STR("step")) == PAWL_KIND_NONE);
    CHECK(pawl_kind_of(PAWL_STR("step.intended ")) == PAWL_KIND_NONE);
    CHECK(pawl_kind_of((struct pawl_str){"note and more", 4}) == PAWL_NOTE); /* not NUL-terminated */
}

static void test_hash(void)
{
    struct pawl_record r[COUNT];
    struct pawl_hash previous = {{0}};
    tell(r);
    for (int i = 0; i < COUNT; i++) {
        previous = pawl_record_hash(&r[i], previous);
        CHECK(memcmp(previous.b, r[i].hash.b, sizeof previous.b) == 0);
    }
}

/* Change one thing at a time: each is found, and the record is named. */
enum change { NOTHING, SEQ, RUN, AT_BACK, AT, KIND, KIND_BAD, STEP, CAUSE, BODY, SALT, HASH, SWAP };
static const struct broken {
    enum change change;
    int at, names; /* index changed; seq that is named, 0: fine */
} broken[] = {
    {NOTHING, 0, 0}, {SEQ, 2, 3},  {SEQ, 0, 1},      {RUN, 1, 2},  {RUN, 0, 1},   {AT_BACK, 2, 3},
    {AT, 3, 4},      {KIND, 1, 2}, {KIND_BAD, 1, 2}, {STEP, 2, 3}, {CAUSE, 2, 3}, {BODY, 0, 1},
    {BODY, 3, 4},    {SALT, 1, 2}, {HASH, 0, 1},     {HASH, 3, 4}, {SWAP, 1, 2},
};

static void change(struct pawl_record *r, enum change what)
{
    const struct pawl_record was = *r;
    switch (what) {
    case NOTHING: break;
    case SEQ: r->seq += 1; break;
    case RUN: r->run.b[15] ^= 1; break;
    case AT_BACK: r->at_ns = 1; break;
    case AT: r->at_ns += 1; break;
    case KIND: r->kind = PAWL_NOTE; break;
    case KIND_BAD: r->kind = PAWL_KIND_COUNT; break;
    case STEP: r->step += 1; break;
    case CAUSE: r->cause = 0; break;
    case BODY: r->body.n -= 1; break;
    case SALT: r->salt[7] ^= 0x80; break;
    case HASH: r->hash.b[31] ^= 1; break;
    case SWAP:
        r[0] = r[1];
        r[1] = was;
        break;
    }
}

static void test_chain(void)
{
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct pawl_record r[COUNT];
        struct pawl_hash last = {{1}};
        struct pawl_error err = {0};
        char name[32];
        tell(r);
        change(&r[broken[i].at], broken[i].change);
        const int got = pawl_chain_check(r, COUNT, &last, &err);
        CHECK_INT(got, broken[i].names ? PAWL_ECORRUPT : PAWL_OK);
        if (broken[i].names == 0) {
            CHECK(memcmp(last.b, r[COUNT - 1].hash.b, sizeof last.b) == 0);
            continue;
        }
        snprintf(name, sizeof name, "record %d:", broken[i].names);
        CHECK(strncmp(err.what, name, strlen(name)) == 0);
        CHECK(err.code == PAWL_ECORRUPT && err.next[0] != 0);
    }
}

static void test_edges(void)
{
    static const struct pawl_hash zero;
    struct pawl_record r[COUNT];
    struct pawl_hash last = {{1}};
    tell(r);
    CHECK(pawl_chain_check(NULL, 0, &last, NULL) == PAWL_OK);
    CHECK(memcmp(last.b, zero.b, sizeof last.b) == 0);
    CHECK(pawl_chain_check(r, COUNT, NULL, NULL) == PAWL_OK);
    CHECK(pawl_chain_check(r, 2, &last, NULL) == PAWL_OK); /* a head of a chain is a chain */
    CHECK(pawl_chain_check(r + 1, 2, NULL, NULL) == PAWL_ECORRUPT);
    CHECK(pawl_chain_check(r + 1, 2, NULL, &(struct pawl_error){0}) == PAWL_ECORRUPT);
}

int main(void)
{
    test_names();
    test_hash();
    test_chain();
    test_edges();
    return TEST_END();
}
