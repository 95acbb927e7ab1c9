/* src/journal/rules.c - the judgements that all stores share. */
#include "journal/rules.h"
#include <assert.h>
#include <string.h>

static const struct {
    enum pawl_status status;
    const char *word;
} statuses[] = {{PAWL_RUNNING, "running"}, {PAWL_WAITING, "waiting"},   {PAWL_ENDING, "ending"},
                {PAWL_DONE, "done"},       {PAWL_FAILED_RUN, "failed"}, {PAWL_CANCELLED_RUN, "cancelled"},
                {PAWL_DEAD, "dead"}};
enum { STATUSES = sizeof statuses / sizeof *statuses };

const char *pawl_status_word(enum pawl_status s)
{
    for (int i = 0; i < STATUSES; i++)
        if (statuses[i].status == s) return statuses[i].word;
    return "unknown";
}

bool pawl_status_of(struct pawl_str word, enum pawl_status *out)
{
    for (int i = 0; i < STATUSES; i++)
        if (pawl_str_is(word, statuses[i].word)) return *out = statuses[i].status, true;
    return false;
}

const char *pawl_waiting_word(enum pawl_waiting w)
{
    static const char *const words[] = {"",      "gate", "doubt", "message", "configuration", "tool", "timer",
                                        "claim", "step", "room",  "signal",  "child",         "owner"};
    _Static_assert(sizeof words / sizeof *words == PAWL_WAIT_COUNT, "each has its word");
    assert((unsigned)w < PAWL_WAIT_COUNT);
    return words[w];
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

bool pawl_id_bounds(struct pawl_str prefix, struct pawl_id *low, struct pawl_id *high)
{
    uint32_t digits = 0;
    if (prefix.n >= PAWL_ID_TEXT) return false;
    memset(low->b, 0x00, sizeof low->b);
    memset(high->b, 0xff, sizeof high->b);
    for (uint32_t i = 0; i < prefix.n; i++) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        const int v = nibble(prefix.p[i]);
        if (dash && prefix.p[i] == '-') continue;
        if (dash || v < 0) return false;
        const unsigned shift = digits % 2 == 0 ? 4 : 0;
        uint8_t *l = &low->b[digits / 2], *h = &high->b[digits / 2];
        *l = (uint8_t)(*l | (unsigned)v << shift);
        *h = (uint8_t)((*h & ~(0xfU << shift)) | (unsigned)v << shift);
        digits++;
    }
    return true;
}

void pawl_commit_assert(const struct pawl_commit *c)
{
    assert(!c->no_run || (!c->create && c->records_count == 0 && c->claims_count == 0 && c->head.seq == 0));
    assert(!c->create || c->seq_before == 0);
    assert(c->head.seq == c->seq_before + c->records_count);
    assert(c->head.wake_ns >= 0);
    for (uint32_t i = 0; i < c->records_count; i++) {
        const struct pawl_record *r = &c->records[i];
        assert(pawl_id_eq(r->run, c->head.run));
        assert(r->seq == c->seq_before + i + 1);
        assert(r->kind > PAWL_KIND_NONE && r->kind < PAWL_KIND_COUNT);
    }
    if (c->records_count > 0)
        assert(memcmp(c->head.hash.b, c->records[c->records_count - 1].hash.b, sizeof c->head.hash.b) == 0);
    for (uint32_t i = 0; i < c->claims_count; i++) assert(c->claims[i].claim.step != 0);
}

bool pawl_blob_is_whole(const struct pawl_blob *b)
{
    const struct pawl_hash hash = pawl_sha256(b->bytes.p, b->bytes.n);
    return memcmp(hash.b, b->hash.b, sizeof hash.b) == 0;
}

static bool held_by(const struct pawl_claim *c, struct pawl_id run, uint32_t step)
{
    return c->step == step && pawl_id_eq(c->run, run);
}

/* Who holds ops[at]'s key when the operations before it are done? */
static int holder(const struct pawl_claim_op *ops, uint32_t at, pawl_claim_find *find, void *ctx,
                  struct pawl_claim *out)
{
    for (uint32_t i = at; i-- > 0;) {
        if (memcmp(ops[i].claim.key.b, ops[at].claim.key.b, sizeof ops[i].claim.key.b) != 0) continue;
        *out = ops[i].claim;
        return ops[i].op == PAWL_CLAIM_DROP ? PAWL_ENOTFOUND : PAWL_OK;
    }
    return find(ctx, ops[at].claim.key, out);
}

int pawl_claims_check(const struct pawl_claim_op *ops, uint32_t count, pawl_claim_find *find, void *ctx)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct pawl_claim_op *o = &ops[i];
        struct pawl_claim now;
        const int found = holder(ops, i, find, ctx, &now);
        if (found != PAWL_OK && found != PAWL_ENOTFOUND) return found;
        const bool free = found == PAWL_ENOTFOUND;
        const bool instead = !free && o->instead_step != 0 && held_by(&now, o->instead_run, o->instead_step);
        const bool own = !free && held_by(&now, o->claim.run, o->claim.step);
        if (o->op == PAWL_CLAIM_TAKE ? !free && !instead : !own) return PAWL_ECONFLICT;
    }
    return PAWL_OK;
}
